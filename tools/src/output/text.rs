//! Values and numbers as text for people.

use aludel_sql::value::ValueRef;

/// A value as a person reads it: NULL by name, blobs as hex, control characters and broken UTF-8 escaped, so that no
/// value can steer the terminal.
pub fn display(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(v) => v.to_string(),
        ValueRef::Real(v) => real(v),
        ValueRef::Text(bytes) => escaped(bytes),
        ValueRef::Blob(bytes) => format!("x'{}'", hex(bytes)),
    }
}

/// A text whose line ends and tabs stay, with all other control characters escaped.
pub fn display_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

/// A real in its shortest form that reads back, always with a point or exponent.
pub(super) fn real(value: f64) -> String {
    match value {
        f64::INFINITY => "Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        finite => format!("{finite:?}"),
    }
}

/// Two lower-case digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                text.extend(c.escape_default())
            } else {
                text.push(c)
            }
        }
        chunk
            .invalid()
            .iter()
            .for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

/// An integer with commas: 12,345.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_steer_the_terminal() {
        assert_eq!(
            display(ValueRef::Text(b"a\x1b[2Jb\xff\n")),
            "a\\u{1b}[2Jb\\xff\\n"
        );
        assert_eq!(display(ValueRef::Blob(&[0, 255])), "x'00ff'");
        assert_eq!(display(ValueRef::Real(3.0)), "3.0");
    }

    #[test]
    fn numbers_have_commas() {
        assert_eq!(
            [0, 999, 1000, 1234567].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
