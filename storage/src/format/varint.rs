//! Variable-length integers: 64 bits in one to nine bytes.
//!
//! ```text
//! 0xxxxxxx                                   7 bits
//! 1xxxxxxx 0xxxxxxx                         14 bits
//! ...
//! 1xxxxxxx (eight times) xxxxxxxx           64 bits: the ninth byte gives all its bits
//! ```
//!
//! The most significant group comes first. Readers take a slice that may end anywhere: a varint that runs
//! past the end of its slice is `None`, never a panic. One and two bytes, nearly all that occur in a real
//! file, are decoded without a loop.

/// The most bytes that a varint takes.
pub const VARINT_LEN_MAX: usize = 9;

/// Decodes the varint at the start of `bytes`: its value and its length. `None` when `bytes` ends inside it.
#[inline(always)]
pub fn read(bytes: &[u8]) -> Option<(u64, usize)> {
    match *bytes {
        [a, ..] if a < 0x80 => Some((u64::from(a), 1)),
        [a, b, ..] if b < 0x80 => Some(((u64::from(a & 0x7f) << 7) | u64::from(b), 2)),
        _ => read_long(bytes),
    }
}

/// Decodes the varint at `at`, which may lie outside `bytes`: its value and the offset behind it.
#[inline(always)]
pub fn read_at(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let (value, len) = read(bytes.get(at..)?)?;
    Some((value, at + len))
}

/// Three bytes and more. When eight bytes are at hand they are taken as one word: the first byte without the high bit ends the varint,
/// and the groups of seven bits close up in three steps.
#[inline(never)]
fn read_long(bytes: &[u8]) -> Option<(u64, usize)> {
    let Some(&head) = bytes.first_chunk::<8>() else {
        return read_slowly(bytes);
    };
    let word = u64::from_be_bytes(head);
    let ends = !word & 0x8080_8080_8080_8080;
    if ends == 0 {
        return bytes
            .get(8)
            .map(|&last| ((join_groups(word) << 8) | u64::from(last), 9));
    }
    let len = ends.leading_zeros() / 8 + 1;
    Some((join_groups(word >> (64 - 8 * len)), len as usize))
}

/// Closes up the low seven bits of each byte.
#[inline(always)]
fn join_groups(word: u64) -> u64 {
    let word = (word & 0x007f_007f_007f_007f) | ((word & 0x7f00_7f00_7f00_7f00) >> 1);
    let word = (word & 0x0000_3fff_0000_3fff) | ((word & 0x3fff_0000_3fff_0000) >> 2);
    (word & 0x0fff_ffff) | ((word & 0x0fff_ffff_0000_0000) >> 4)
}

/// The same where a slice ends within eight bytes.
#[cold]
fn read_slowly(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (i, &byte) in bytes.iter().enumerate() {
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((value, i + 1));
        }
    }
    None
}

/// As [`read`], without a call for any length: for the loops that read row ids.
#[inline(always)]
pub fn read_wide(bytes: &[u8]) -> Option<(u64, usize)> {
    match bytes.first_chunk::<8>() {
        Some(&[a, ..]) if a < 0x80 => Some((u64::from(a), 1)),
        Some(&head) => {
            let word = u64::from_be_bytes(head);
            let ends = !word & 0x8080_8080_8080_8080;
            if ends == 0 {
                return bytes
                    .get(8)
                    .map(|&last| ((join_groups(word) << 8) | u64::from(last), 9));
            }
            // The bit that ends the varint has 0, 8, 16, ... bits in front of it.
            let before = ends.leading_zeros() & 0x38;
            Some((join_groups(word >> (56 - before)), before as usize / 8 + 1))
        }
        None => read_slowly(bytes),
    }
}

/// The length of the varint at the start of `bytes`, for the loops that skip row ids.
#[inline(always)]
pub fn len_wide(bytes: &[u8]) -> Option<usize> {
    match bytes.first_chunk::<8>() {
        Some(&head) => {
            let ends = !u64::from_be_bytes(head) & 0x8080_8080_8080_8080;
            // Nine bytes when none of the eight ends it.
            Some(ends.leading_zeros() as usize / 8 + 1)
        }
        None => bytes.iter().position(|byte| *byte < 0x80).map(|last| last + 1),
    }
}

/// The offset behind the varint at `at`, without its value.
#[inline(always)]
pub fn skip_at(bytes: &[u8], at: usize) -> Option<usize> {
    match *bytes.get(at..)? {
        [a, ..] if a < 0x80 => Some(at + 1),
        [_, b, ..] if b < 0x80 => Some(at + 2),
        _ => read_at(bytes, at).map(|(_, end)| end),
    }
}

/// The number of bytes that [`write()`] takes for `value`.
#[inline]
pub const fn len(value: u64) -> usize {
    if value < 1 << 7 {
        1
    } else if value < 1 << 14 {
        2
    } else if value >= 1 << 56 {
        9
    } else {
        (64 - value.leading_zeros() as usize).div_ceil(7)
    }
}

/// Writes `value` at the start of `out` and returns its length.
///
/// # Panics
/// When `out` is shorter than [`len`]`(value)`.
#[inline]
pub fn write(value: u64, out: &mut [u8]) -> usize {
    if value < 1 << 7 {
        out[0] = value as u8;
        return 1;
    }
    if value < 1 << 14 {
        out[..2].copy_from_slice(&[(value >> 7) as u8 | 0x80, value as u8 & 0x7f]);
        return 2;
    }
    if value < 1 << 21 {
        out[..3].copy_from_slice(&[
            (value >> 14) as u8 | 0x80,
            (value >> 7) as u8 | 0x80,
            value as u8 & 0x7f,
        ]);
        return 3;
    }
    let (buffer, len) = encode_long(value);
    out[..len].copy_from_slice(&buffer[..len]);
    len
}

/// Appends `value` to `out`.
#[inline]
pub fn push(value: u64, out: &mut Vec<u8>) {
    if value < 1 << 7 {
        out.push(value as u8);
        return;
    }
    let mut buffer = [0; VARINT_LEN_MAX];
    let len = write(value, &mut buffer);
    out.extend_from_slice(&buffer[..len]);
}

fn encode_long(value: u64) -> ([u8; VARINT_LEN_MAX], usize) {
    let mut buffer = [0u8; VARINT_LEN_MAX];
    let len = len(value);
    let mut rest = value;
    let mut at = len;
    if len == VARINT_LEN_MAX {
        at -= 1;
        buffer[at] = rest as u8;
        rest >>= 8;
    }
    while at > 0 {
        at -= 1;
        buffer[at] = rest as u8 | 0x80;
        rest >>= 7;
    }
    if len < VARINT_LEN_MAX {
        buffer[len - 1] &= 0x7f;
    }
    (buffer, len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(value: u64) {
        let mut out = [0u8; VARINT_LEN_MAX];
        let n = write(value, &mut out);
        assert_eq!(n, len(value), "{value}");
        assert_eq!(read(&out), Some((value, n)), "{value}");
        for cut in 0..n {
            assert_eq!(read(&out[..cut]), None, "{value} cut to {cut}");
        }
        let mut pushed = vec![0xff];
        push(value, &mut pushed);
        assert_eq!(&pushed[1..], &out[..n]);
        assert_eq!(read_at(&pushed, 1), Some((value, n + 1)));
        assert_eq!(skip_at(&pushed, 1), Some(n + 1));
        assert_eq!(read_wide(&pushed[1..]), Some((value, n)));
        pushed.extend_from_slice(&[0xff; 9]);
        assert_eq!(
            read_at(&pushed, 1),
            Some((value, n + 1)),
            "{value} with bytes behind it"
        );
    }

    #[test]
    fn each_length_begins_and_ends_where_the_format_says() {
        for bits in 0..64 {
            let edge = 1u64 << bits;
            check(edge - 1);
            check(edge);
            check(edge + 1);
        }
        check(u64::MAX);
        assert_eq!([len(127), len(128), len(16383), len(16384)], [1, 2, 2, 3]);
        assert_eq!([len((1 << 56) - 1), len(1 << 56), len(u64::MAX)], [8, 9, 9]);
    }

    #[test]
    fn lengths_are_found_without_values() {
        for bits in 0..64 {
            for value in [(1u64 << bits) - 1, 1 << bits, u64::MAX] {
                let mut bytes = [0xff; 20];
                let len = write(value, &mut bytes);
                assert_eq!(len_wide(&bytes), Some(len), "{value}");
                assert_eq!(len_wide(&bytes[..len]), Some(len), "{value}");
            }
        }
        assert_eq!(len_wide(&[0x80, 0x80]), None);
    }

    #[test]
    fn an_offset_outside_the_slice_is_no_varint() {
        assert_eq!(read_at(&[1, 2], 2), None);
        assert_eq!(read_at(&[1, 2], usize::MAX), None);
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value: u64, shift in 0u32..64) {
            check(value >> shift);
        }
    }
}
