//! `json` and `ndjson`. Integers stay integers, blobs are `{"hex":".."}`, text that is not UTF-8 is
//! `{"text_hex":".."}`, infinities are `{"real":"Inf"}`: nothing is lost.

use std::io::{self, Write};

use aludel_sql::value::ValueRef;
use serde_json::{Map, Value as Json, json};

use super::RowWriter;
use super::text::{hex, real};

/// A value as JSON.
pub fn value(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(v) => json!(v),
        ValueRef::Real(v) if v.is_finite() => json!(v),
        ValueRef::Real(v) => json!({ "real": real(v) }),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => json!(text),
            Err(_) => json!({ "text_hex": hex(bytes) }),
        },
        ValueRef::Blob(bytes) => json!({ "hex": hex(bytes) }),
    }
}

/// Writes one JSON document and a line feed.
pub fn json_of(out: &mut dyn Write, document: &Json) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    writeln!(out)
}

/// `{"schema":..,"columns":[..],"rows":[[..],..],"complete":true}`, row by row.
pub(super) struct JsonRows<'o> {
    out: &'o mut dyn Write,
    kind: &'static str,
    rows: u64,
}

impl<'o> JsonRows<'o> {
    pub(super) fn new(kind: &'static str, out: &'o mut dyn Write) -> Self {
        JsonRows { out, kind, rows: 0 }
    }
}

impl RowWriter for JsonRows<'_> {
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        write!(
            self.out,
            "{{\"schema\":{},\"columns\":{},\"rows\":[",
            json!(self.kind),
            json!(names)
        )
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        let row = Json::Array(values.iter().map(|v| value(*v)).collect());
        let separator = if self.rows == 0 { "\n" } else { ",\n" };
        self.rows += 1;
        write!(self.out, "{separator}{row}")
    }

    fn end(&mut self, complete: bool) -> io::Result<()> {
        writeln!(self.out, "\n],\"complete\":{complete}}}")
    }
}

/// An object a row, keyed by column name.
pub(super) struct NdjsonRows<'o> {
    out: &'o mut dyn Write,
    names: Vec<String>,
}

impl<'o> NdjsonRows<'o> {
    pub(super) fn new(out: &'o mut dyn Write) -> Self {
        NdjsonRows {
            out,
            names: Vec::new(),
        }
    }
}

impl RowWriter for NdjsonRows<'_> {
    /// Names that come twice get a number, so that no value is lost.
    fn columns(&mut self, names: &[String]) -> io::Result<()> {
        self.names.clear();
        for name in names {
            let again = self.names.iter().filter(|earlier| *earlier == name).count();
            self.names.push(if again == 0 {
                name.clone()
            } else {
                format!("{name}:{again}")
            });
        }
        Ok(())
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> io::Result<()> {
        let fields = self
            .names
            .iter()
            .zip(values)
            .map(|(name, v)| (name.clone(), value(*v)));
        writeln!(self.out, "{}", Json::Object(fields.collect::<Map<_, _>>()))
    }

    fn end(&mut self, _complete: bool) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, printed};
    use super::*;

    #[test]
    fn json_keeps_classes_apart() {
        let row = vec![
            ValueRef::Integer(i64::MAX),
            ValueRef::Real(2.0),
            ValueRef::Blob(&[0, 16]),
            ValueRef::Text(&[0xff]),
            ValueRef::Null,
        ];
        let text = printed(Format::Json, &["i", "r", "b", "t", "n"], &[row]);
        let document: Json = serde_json::from_str(&text).unwrap();
        let rows = json!([[i64::MAX, 2.0, { "hex": "0010" }, { "text_hex": "ff" }, null]]);
        assert_eq!(document["rows"], rows);
        assert_eq!(document["schema"], json!("dbtool/query/1"));
        assert_eq!(document["complete"], json!(true));
    }

    #[test]
    fn ndjson_keeps_columns_of_one_name_apart() {
        let text = printed(
            Format::Ndjson,
            &["a", "a"],
            &[vec![ValueRef::Integer(1), ValueRef::Integer(2)]],
        );
        assert_eq!(text, "{\"a\":1,\"a:1\":2}\n");
    }
}
