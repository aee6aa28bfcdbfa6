//! Characters of text that may not be valid UTF-8.
//!
//! SQLite never refuses a text for its bytes; it reads them with a few lenient rules, and its functions' results on such texts follow from the
//! rules. They are gathered here so that all functions agree.

/// What a sequence that is no character reads as.
pub const REPLACEMENT: u32 = 0xfffd;

#[inline]
fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// The text before its first NUL, which is where SQLite's string functions stop reading.
#[inline]
pub fn until_nul(text: &[u8]) -> &[u8] {
    match memchr::memchr(0, text) {
        Some(end) => &text[..end],
        None => text,
    }
}

/// Reads the character at `at` and moves on; 0 at the end. A lone continuation byte reads as itself; a lead byte takes all continuation
/// bytes that follow; overlong forms of ASCII and surrogates read as U+FFFD.
#[inline]
pub fn next_char(text: &[u8], at: &mut usize) -> u32 {
    let Some(&first) = text.get(*at) else {
        return 0;
    };
    *at += 1;
    if first < 0xc0 {
        u32::from(first)
    } else {
        next_wide_char(first, text, at)
    }
}

fn next_wide_char(first: u8, text: &[u8], at: &mut usize) -> u32 {
    let payload = match first {
        0xc0..=0xdf => first & 0x1f,
        0xe0..=0xef => first & 0x0f,
        0xf0..=0xf7 => first & 0x07,
        0xf8..=0xfb => first & 0x03,
        0xfc..=0xfd => first & 0x01,
        _ => 0,
    };
    let mut c = u32::from(payload);
    while let Some(&byte) = text.get(*at).filter(|b| is_continuation(**b)) {
        c = c << 6 | u32::from(byte & 0x3f);
        *at += 1;
    }
    let invalid = c < 0x80 || c & 0xffff_f800 == 0xd800;
    if invalid { REPLACEMENT } else { c }
}

/// The place after the character at `at`: a lead byte takes its continuation bytes along, any other byte stands alone.
#[inline]
pub fn skip_char(text: &[u8], at: usize) -> usize {
    let lead = text.get(at).is_some_and(|b| *b >= 0xc0);
    if lead {
        skip_continuation(text, at + 1)
    } else {
        (at + 1).min(text.len())
    }
}

/// As [`skip_char`], but every byte that is not ASCII takes continuation bytes along. This is how `length` and `substr` count.
#[inline]
pub fn skip_group(text: &[u8], at: usize) -> usize {
    let wide = text.get(at).is_some_and(|b| *b >= 0x80);
    if wide {
        skip_continuation(text, at + 1)
    } else {
        (at + 1).min(text.len())
    }
}

#[inline]
fn skip_continuation(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(|b| is_continuation(*b)) {
        at += 1;
    }
    at
}

/// Characters as `length` counts them, NUL not looked at.
pub fn count_groups(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    let (mut at, mut count) = (0, 0);
    while at < text.len() {
        at = skip_group(text, at);
        count += 1;
    }
    count
}

/// Characters as [`skip_char`] steps over them.
pub fn count_chars(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    let (mut at, mut count) = (0, 0);
    while at < text.len() {
        at = skip_char(text, at);
        count += 1;
    }
    count
}

/// Appends a code point, also one that is no character (surrogates), as up to four bytes.
pub fn push_char(code: u32, out: &mut Vec<u8>) {
    let tail = |shift: u32| 0x80 | (code >> shift & 0x3f) as u8;
    match code {
        0..0x80 => out.push(code as u8),
        0x80..0x800 => out.extend([0xc0 | (code >> 6) as u8, tail(0)]),
        0x800..0x1_0000 => out.extend([0xe0 | (code >> 12) as u8, tail(6), tail(0)]),
        _ => out.extend([0xf0 | (code >> 18 & 0x07) as u8, tail(12), tail(6), tail(0)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_round_trip() {
        for code in [1u32, 0x7f, 0x80, 0x7ff, 0x800, 0xfffc, 0x1_0000, 0x10_ffff] {
            let mut bytes = Vec::new();
            push_char(code, &mut bytes);
            let mut at = 0;
            assert_eq!((next_char(&bytes, &mut at), at), (code, bytes.len()));
        }
    }

    #[test]
    fn invalid_bytes_follow_the_lenient_rules() {
        let read = |bytes: &[u8]| next_char(bytes, &mut 0);
        assert_eq!(read(b"\x80"), 0x80);
        assert_eq!(read(b"\xc0\x80"), REPLACEMENT);
        assert_eq!(read(b"\xed\xa0\x80"), REPLACEMENT);
        assert_eq!((count_groups(b"a\x80\x80b"), count_chars(b"a\x80\x80b")), (3, 4));
    }
}
