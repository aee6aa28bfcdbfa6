//! Text between UTF-8, which is what values hold, and the encoding of a file.
//!
//! Invalid sequences become U+FFFD in either direction; an odd byte at the end of UTF-16 is dropped.

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
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    for character in char::decode_utf16(units) {
        let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
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
        let mut out = Vec::new();
        push_decoded(&[0xd8, 0x3d, 0, b'a', 0], TextEncoding::Utf16be, &mut out);
        assert_eq!(out, "\u{fffd}a".as_bytes());
    }
}
