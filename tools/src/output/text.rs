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
pub fn hex(bytes: &[u8]) -> String {
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

/// A size with a unit: 50.6 MB. Units are powers of a thousand.
pub fn size_words(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let (mut size, mut unit) = (bytes as f64 / 1000.0, 0);
    // 999.95 would be printed as 1000.0.
    while size >= 999.95 && unit + 1 < UNITS.len() {
        (size, unit) = (size / 1000.0, unit + 1);
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// A part of a hundred: 93.1%.
pub(super) fn percent(part: f64) -> String {
    format!("{part:.1}%")
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
    fn sizes_have_units() {
        let words = [0, 999, 1000, 999_949, 999_950, 50_565_120, u64::MAX].map(size_words);
        assert_eq!(
            words,
            [
                "0 bytes",
                "999 bytes",
                "1.0 kB",
                "999.9 kB",
                "1.0 MB",
                "50.6 MB",
                "18.4 EB"
            ]
        );
    }

    #[test]
    fn numbers_have_commas() {
        assert_eq!(
            [0, 999, 1000, 1234567].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
