//! Values as the text of a cell.

use aludel_sql::value::ValueRef;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::output::display;

/// How many columns of characters a text takes.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A value's lines: line ends of a text break it, every other control character is escaped.
pub(super) fn lines(value: ValueRef<'_>, null: &str) -> Vec<String> {
    match value {
        ValueRef::Null => vec![null.to_owned()],
        ValueRef::Text(bytes) if bytes.contains(&b'\n') => bytes
            .split(|byte| *byte == b'\n')
            .map(|line| display(ValueRef::Text(line.strip_suffix(b"\r").unwrap_or(line))))
            .collect(),
        other => vec![display(other)],
    }
}

/// A value in one line.
pub(super) fn one_line(value: ValueRef<'_>, null: &str) -> String {
    match value {
        ValueRef::Null => null.to_owned(),
        other => display(other),
    }
}

/// Breaks lines that are wider than `width` columns: after a space where one stands in the last third, else anywhere.
pub(super) fn folded(lines: Vec<String>, width: usize) -> Vec<String> {
    let mut out = Vec::with_capacity(lines.len());
    for line in lines {
        let mut rest = line.as_str();
        loop {
            let end = break_at(rest, width);
            let (head, tail) = rest.split_at(end);
            out.push(
                if tail.is_empty() {
                    head
                } else {
                    head.trim_end_matches(' ')
                }
                .to_owned(),
            );
            if tail.is_empty() {
                break;
            }
            rest = tail;
        }
    }
    out
}

/// Where a line that may be `width` wide is broken: its length if it fits.
fn break_at(line: &str, width: usize) -> usize {
    let (mut used, mut space) = (0, None);
    for (at, c) in line.char_indices() {
        used += c.width().unwrap_or(0);
        if used > width.max(1) && at > 0 {
            return match space {
                Some((after, column)) if column * 3 >= width * 2 => after,
                _ => at,
            };
        }
        if c == ' ' {
            space = Some((at + 1, used));
        }
    }
    line.len()
}

/// A value as SQL writes it: reads back as the same value.
pub(crate) fn sql_literal(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(v) => v.to_string(),
        ValueRef::Real(v) if v.is_infinite() => if v > 0.0 { "9.0e+999" } else { "-9.0e+999" }.to_owned(),
        ValueRef::Real(v) => format!("{v:?}"),
        ValueRef::Text(bytes) => text_literal(bytes),
        ValueRef::Blob(bytes) => format!("X'{}'", hex(bytes)),
    }
}

/// A text with control characters or broken UTF-8 in it goes as a blob that is cast: no literal could hold a NUL, and a terminal would obey
/// the others.
fn text_literal(bytes: &[u8]) -> String {
    let is_plain = |text: &str| {
        let text = text.replace("\r\n", "\n");
        text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t'))
    };
    match std::str::from_utf8(bytes) {
        Ok(text) if is_plain(text) => format!("'{}'", text.replace('\'', "''")),
        _ => format!("CAST(X'{}' AS TEXT)", hex(bytes)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_when_there_is_one_near_the_end() {
        let fold = |text: &str, width| folded(vec![text.to_owned()], width);
        assert_eq!(fold("one two three", 8), ["one two", "three"]);
        assert_eq!(fold("a bcdefghijkl", 6), ["a bcde", "fghijk", "l"]);
        assert_eq!(
            fold("\u{65e5}\u{672c}\u{8a9e}", 4),
            ["\u{65e5}\u{672c}", "\u{8a9e}"]
        );
        assert_eq!(fold("", 4), [""]);
    }

    #[test]
    fn values_break_at_their_line_ends_and_nothing_else_gets_through() {
        assert_eq!(lines(ValueRef::Text(b"a\r\nb\x1b[2J"), "-"), ["a", "b\\u{1b}[2J"]);
        assert_eq!(lines(ValueRef::Null, "-"), ["-"]);
    }

    #[test]
    fn literals_read_back() {
        let values = [
            (ValueRef::Text(b"it's"), "'it''s'"),
            (ValueRef::Text(b"a\0b"), "CAST(X'610062' AS TEXT)"),
            (ValueRef::Blob(&[1, 255]), "X'01ff'"),
            (ValueRef::Real(1.0), "1.0"),
            (ValueRef::Real(f64::NEG_INFINITY), "-9.0e+999"),
            (ValueRef::Integer(i64::MIN), "-9223372036854775808"),
        ];
        for (value, literal) in values {
            assert_eq!(sql_literal(value), literal);
        }
    }
}
