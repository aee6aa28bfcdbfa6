//! Text between UTF-8, which is what values hold, and the encoding of a file.
//!
//! Invalid UTF-8 becomes U+FFFD in UTF-16; invalid UTF-16 becomes what SQLite makes of it, which need not be UTF-8. An odd byte at the end of
//! UTF-16 is dropped.

pub use aludel_storage::format::TextEncoding;

use super::utf8::next_char;

/// Appends UTF-8 `text` in `encoding`.
pub fn push_encoded(text: &[u8], encoding: TextEncoding, out: &mut Vec<u8>) {
    if encoding == TextEncoding::Utf8 {
        out.extend_from_slice(text);
        return;
    }
    let mut at = 0;
    while at < text.len() {
        let character = char::from_u32(next_char(text, &mut at)).unwrap_or(char::REPLACEMENT_CHARACTER);
        for unit in character.encode_utf16(&mut [0; 2]) {
            out.extend(if encoding == TextEncoding::Utf16be {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            });
        }
    }
}

/// Appends bytes in `encoding` as UTF-8. UTF-8 is taken as it is, unchecked.
pub fn push_decoded(bytes: &[u8], encoding: TextEncoding, out: &mut Vec<u8>) {
    let unit = match encoding {
        TextEncoding::Utf8 => return out.extend_from_slice(bytes),
        TextEncoding::Utf16be => u16::from_be_bytes,
        TextEncoding::Utf16le => u16::from_le_bytes,
    };
    let mut units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    while let Some(first) = units.next() {
        push_character(first, &mut units, out);
    }
}

/// The character that begins with `first`. As in SQLite any surrogate takes the next unit with it, whatever that is, and one at the end stands
/// alone: what comes out of a damaged text need not be UTF-8, but it is the same.
#[inline]
fn push_character(first: u16, units: &mut impl Iterator<Item = u16>, out: &mut Vec<u8>) {
    let mut code = u32::from(first);
    if (0xd800..0xe000).contains(&code)
        && let Some(second) = units.next()
    {
        code = (u32::from(second) & 0x3ff) + ((code & 0x3f) << 10) + (((code & 0x3c0) + 0x40) << 10);
    }
    let tail = |shift: u32| 0x80 | (code >> shift & 0x3f) as u8;
    match code {
        0..0x80 => out.push(code as u8),
        0x80..0x800 => out.extend([0xc0 | (code >> 6) as u8, tail(0)]),
        0x800..0x1_0000 => out.extend([0xe0 | (code >> 12) as u8, tail(6), tail(0)]),
        _ => out.extend([0xf0 | (code >> 18 & 7) as u8, tail(12), tail(6), tail(0)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip() {
        for encoding in [TextEncoding::Utf8, TextEncoding::Utf16le, TextEncoding::Utf16be] {
            let (mut stored, mut back) = (Vec::new(), Vec::new());
            push_encoded("aé日😀\0".as_bytes(), encoding, &mut stored);
            push_decoded(&stored, encoding, &mut back);
            assert_eq!(back, "aé日😀\0".as_bytes());
        }
    }

    /// Lone and swapped surrogates, at the end and before others: we made U+FFFD of them, SQLite does not.
    #[test]
    fn invalid_utf16_is_read_as_sqlite_reads_it() {
        let sqlite = rusqlite::Connection::open_in_memory().unwrap();
        sqlite
            .execute_batch("PRAGMA encoding = 'UTF-16be'; CREATE TABLE t(a)")
            .unwrap();
        let texts: [&[u8]; 7] = [
            &[0xd8, 0x3d, 0, b'a', 0],
            &[0xdc, 0x92, 0x64, 0x56, 0, b'b'],
            &[0, b'a', 0xd8, 0x00],
            &[0xdf, 0xff, 0xd8, 0x00, 0xff, 0xfe],
            &[0xd8, 0x3d, 0xde, 0x00],
            &[0xff, 0xff, 0xd8],
            &[0xdb, 0xff, 0xdf, 0xff],
        ];
        for text in texts {
            let theirs: Vec<u8> = sqlite
                .query_row("SELECT CAST(? AS TEXT)", [text], |row| {
                    Ok(row.get_ref(0)?.as_bytes()?.to_vec())
                })
                .unwrap();
            let mut out = Vec::new();
            push_decoded(text, TextEncoding::Utf16be, &mut out);
            assert_eq!(out, theirs, "{text:x?}");
        }
    }
}
