//! Words of the arguments of CREATE VIRTUAL TABLE: bare or quoted as SQL quotes names.

use std::ops::Range;

/// Whether `byte` belongs to a bare word.
pub(super) fn is_word_byte(byte: u8) -> bool {
    byte >= 0x80 || byte == b'_' || byte.is_ascii_alphanumeric()
}

/// Where the next word of `text` is, quotes included. What is neither a word nor a quote is skipped.
pub(super) fn next_word(text: &[u8]) -> Option<Range<usize>> {
    let start = text
        .iter()
        .position(|&byte| is_word_byte(byte) || matches!(byte, b'\'' | b'"' | b'`' | b'['))?;
    let length = match text[start] {
        b'[' => match text[start..].iter().position(|&byte| byte == b']') {
            Some(close) => close + 1,
            None => text.len() - start,
        },
        quote @ (b'\'' | b'"' | b'`') => quoted_length(&text[start..], quote),
        _ => text[start..]
            .iter()
            .take_while(|&&byte| is_word_byte(byte))
            .count(),
    };
    Some(start..start + length)
}

/// Length of a word that starts with `quote`; a doubled quote does not end it.
fn quoted_length(word: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(&byte) = word.get(at) {
        at += 1;
        if byte == quote {
            if word.get(at) != Some(&quote) {
                break;
            }
            at += 1;
        }
    }
    at.min(word.len())
}

/// The word without its quotes.
pub(super) fn dequoted(word: &[u8]) -> Vec<u8> {
    let close = match word.first() {
        Some(b'[') => b']',
        Some(&quote @ (b'\'' | b'"' | b'`')) => quote,
        _ => return word.to_vec(),
    };
    let mut plain = Vec::with_capacity(word.len());
    let mut at = 1;
    while let Some(&byte) = word.get(at) {
        if byte == close {
            if word.get(at + 1) != Some(&close) {
                break;
            }
            at += 1;
        }
        plain.push(byte);
        at += 1;
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_sqlite_ends_them() {
        let word = |text: &str| next_word(text.as_bytes()).map(|range| text[range].to_owned());
        for (text, expected) in [
            ("  a b", Some("a")),
            ("'a''b' c", Some("'a''b'")),
            ("'open", Some("'open")),
            ("[x]y", Some("[x]")),
            ("[x", Some("[x")),
            (" = ;", None),
            ("\"a\"b", Some("\"a\"")),
        ] {
            assert_eq!(word(text).as_deref(), expected, "{text}");
        }
        assert_eq!(dequoted(b"'a''b'"), b"a'b");
        assert_eq!(dequoted(b"[a]"), b"a");
        assert_eq!(dequoted(b"a'"), b"a'");
    }
}
