//! The compact form of values in records, and the tagged form of the line protocol.
//!
//! | value | compact | tagged |
//! |---|---|---|
//! | integer | `123` | `{"t":"i","v":123}` |
//! | real | `1.5`, `{"r":"Inf"}` | `{"t":"r","v":1.5}`, `{"t":"r","v":"Inf"}` |
//! | text | `"s"`, `{"x":"c3"}` when not UTF-8, `{"th":[bytes,"hash"]}` when long | `{"t":"t","v":"s"}`, `{"t":"x","v":"c3"}` |
//! | blob | `{"b":"00ff"}`, `{"bh":[bytes,"hash"]}` when long | `{"t":"b","v":"00ff"}` |
//! | NULL | `null` | `{"t":"n"}` |

use serde_json::{Value as Json, json};

use crate::subject::Datum;

/// Texts and blobs longer than this are recorded by length and hash.
const LITERAL_BYTES_MAX: usize = 4096;

/// The prime and start of FNV-1a, 64 bits.
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a of 64 bits.
pub fn fnv1a64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(FNV_START, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
    })
}

/// The compact form of a value.
pub fn to_compact(datum: &Datum) -> Json {
    match datum {
        Datum::Null => Json::Null,
        Datum::Integer(v) => json!(v),
        Datum::Real(v) => real(*v, |word| json!({ "r": word })),
        Datum::Text(v) if v.len() > LITERAL_BYTES_MAX => json!({ "th": [v.len(), hash(v)] }),
        Datum::Text(v) => match std::str::from_utf8(v) {
            Ok(text) => json!(text),
            Err(_) => json!({ "x": hex(v) }),
        },
        Datum::Blob(v) if v.len() > LITERAL_BYTES_MAX => json!({ "bh": [v.len(), hash(v)] }),
        Datum::Blob(v) => json!({ "b": hex(v) }),
    }
}

/// The tagged form of a value.
pub fn to_tagged(datum: &Datum) -> Json {
    match datum {
        Datum::Null => json!({ "t": "n" }),
        Datum::Integer(v) => json!({ "t": "i", "v": v }),
        Datum::Real(v) => json!({ "t": "r", "v": real(*v, |word| json!(word)) }),
        Datum::Text(v) => match std::str::from_utf8(v) {
            Ok(text) => json!({ "t": "t", "v": text }),
            Err(_) => json!({ "t": "x", "v": hex(v) }),
        },
        Datum::Blob(v) => json!({ "t": "b", "v": hex(v) }),
    }
}

/// Reads a value in either form; `None` for the hashed forms, which no value can be made of, and for what is neither.
pub fn parse(json: &Json) -> Option<Datum> {
    match json {
        Json::Null => Some(Datum::Null),
        Json::Number(number) => number
            .as_i64()
            .map(Datum::Integer)
            .or_else(|| number.as_f64().map(Datum::Real)),
        Json::String(text) => Some(Datum::Text(text.clone().into_bytes())),
        Json::Object(fields) => match fields.get("t") {
            Some(tag) => parse_tagged(tag.as_str()?, fields.get("v").unwrap_or(&Json::Null)),
            None => {
                let (kind, value) = fields.iter().next()?;
                let tag = match kind.as_str() {
                    "r" => "r",
                    "x" => "x",
                    "b" => "b",
                    _ => return None,
                };
                parse_tagged(tag, value)
            }
        },
        _ => None,
    }
}

fn parse_tagged(tag: &str, value: &Json) -> Option<Datum> {
    Some(match tag {
        "n" => Datum::Null,
        "i" => Datum::Integer(value.as_i64()?),
        "r" => Datum::Real(match value.as_str() {
            Some("Inf") => f64::INFINITY,
            Some("-Inf") => f64::NEG_INFINITY,
            Some(_) => return None,
            None => value.as_f64()?,
        }),
        "t" => Datum::Text(value.as_str()?.as_bytes().to_vec()),
        "x" => Datum::Text(unhex(value.as_str()?)?),
        "b" => Datum::Blob(unhex(value.as_str()?)?),
        _ => return None,
    })
}

/// A row in the compact form without blanks: what a `rowhash` is made of.
pub fn row_text(row: &[Datum]) -> String {
    let mut text = String::from("[");
    for (i, datum) in row.iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        match datum {
            Datum::Real(v) if v.is_finite() => text.push_str(&format!("{v:?}")),
            other => text.push_str(&to_compact(other).to_string()),
        }
    }
    text.push(']');
    text
}

fn real(value: f64, word: impl Fn(&str) -> Json) -> Json {
    match value {
        f64::INFINITY => word("Inf"),
        f64::NEG_INFINITY => word("-Inf"),
        finite => json!(finite),
    }
}

fn hash(bytes: &[u8]) -> String {
    format!("{:016x}", fnv1a64(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Datum> {
        vec![
            Datum::Null,
            Datum::Integer(i64::MIN),
            Datum::Real(1.0),
            Datum::Real(-0.1),
            Datum::Real(f64::INFINITY),
            Datum::Text("\u{0}ä\"".into()),
            Datum::Text(vec![0xc3]),
            Datum::Blob(vec![0, 255]),
        ]
    }

    #[test]
    fn both_forms_read_back() {
        for datum in samples() {
            let compact = serde_json::from_str(&to_compact(&datum).to_string()).unwrap();
            assert_eq!(parse(&compact), Some(datum.clone()), "{compact}");
            let tagged = serde_json::from_str(&to_tagged(&datum).to_string()).unwrap();
            assert_eq!(parse(&tagged), Some(datum), "{tagged}");
        }
    }

    #[test]
    fn a_row_is_written_without_blanks() {
        let row = [
            Datum::Integer(1),
            Datum::Text("a".into()),
            Datum::Null,
            Datum::Real(1e16),
            Datum::Real(2.0),
        ];
        assert_eq!(row_text(&row), r#"[1,"a",null,1e16,2.0]"#);
    }

    #[test]
    fn fnv_has_its_published_values() {
        assert_eq!(fnv1a64(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a64(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
