//! The variable-length integers of full-text blobs: seven bits a byte, the lowest first, the top bit set on all but the last byte.
//!
//! (SQLite's records use another form, with the highest bits first.) A 64-bit number takes up to ten bytes.

/// The longest form.
pub(super) const LENGTH_MAX: usize = 10;

/// Appends `number`.
pub(super) fn push(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// How many bytes `number` takes.
pub(super) fn length(number: u64) -> usize {
    let bits = 64 - number.leading_zeros() as usize;
    bits.max(1).div_ceil(7)
}

/// The number at `at`, which moves behind it. `None` where the bytes end within it.
pub(super) fn read(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let rest = bytes.get(*at..)?;
    let first = *rest.first()?;
    if first < 0x80 {
        *at += 1;
        return Some(u64::from(first));
    }
    let mut number = 0;
    for (index, &byte) in rest.iter().take(LENGTH_MAX).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 || index + 1 == LENGTH_MAX {
            *at += index + 1;
            return Some(number);
        }
    }
    None
}

/// As [`read`], for a length or a count.
pub(super) fn read_length(bytes: &[u8], at: &mut usize) -> Option<usize> {
    read(bytes, at).and_then(|number| usize::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, 127, 128, 300, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            push(&mut bytes, number);
            assert_eq!(bytes.len(), length(number));
            let mut at = 0;
            assert_eq!(read(&bytes, &mut at), Some(number));
            assert_eq!(at, bytes.len());
            assert_eq!(read(&bytes[..bytes.len() - 1], &mut 0), None);
        }
        assert_eq!(read(&[0xff; 20], &mut 0), Some(u64::MAX));
    }
}
