//! The two checksums of SQLite's journals.
//!
//! - The log's (fileformat2 4.2): two Fibonacci-weighted sums over 32-bit words, chained from frame to frame.
//! - The rollback journal's (fileformat2 3): a nonce plus every 200th byte of the page, from the end.

/// Byte order of the words that a log's checksum adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordOrder {
    /// Least significant byte first (log magic 0x377f0682).
    Little,
    /// Most significant byte first (log magic 0x377f0683).
    Big,
}

impl WordOrder {
    /// The order that is fastest on this machine; new logs use it.
    pub const NATIVE: WordOrder = if cfg!(target_endian = "big") {
        WordOrder::Big
    } else {
        WordOrder::Little
    };
}

/// Continues a log checksum over `bytes`, whose length must be a multiple of 8 (a rest is left out).
#[inline]
pub fn wal_checksum(order: WordOrder, bytes: &[u8], seed: [u32; 2]) -> [u32; 2] {
    match order {
        WordOrder::Little => sum_words(bytes, seed, u32::from_le_bytes),
        WordOrder::Big => sum_words(bytes, seed, u32::from_be_bytes),
    }
}

#[inline(always)]
fn sum_words(bytes: &[u8], seed: [u32; 2], word: impl Fn([u8; 4]) -> u32) -> [u32; 2] {
    debug_assert!(
        bytes.len().is_multiple_of(8),
        "log checksums cover whole pairs of words"
    );
    let [mut s0, mut s1] = seed;
    for pair in bytes.chunks_exact(8) {
        if let Ok([a, b, c, d, e, f, g, h]) = <[u8; 8]>::try_from(pair) {
            s0 = s0.wrapping_add(word([a, b, c, d])).wrapping_add(s1);
            s1 = s1.wrapping_add(word([e, f, g, h])).wrapping_add(s0);
        }
    }
    [s0, s1]
}

/// The checksum of a page record in a rollback journal with this nonce.
pub fn journal_checksum(nonce: u32, page: &[u8]) -> u32 {
    let mut sum = nonce;
    let mut at = page.len();
    while at > 200 {
        at -= 200;
        sum = sum.wrapping_add(u32::from(page[at]));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wal_checksum_by_hand() {
        // s0 = 1, s1 = 2 + 1 = 3; then s0 = 1 + 3 + 3 = 7, s1 = 3 + 4 + 7 = 14.
        let words: Vec<u8> = [1u32, 2, 3, 4]
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        assert_eq!(wal_checksum(WordOrder::Little, &words, [0, 0]), [7, 14]);
        let words: Vec<u8> = [1u32, 2, 3, 4]
            .iter()
            .flat_map(|word| word.to_be_bytes())
            .collect();
        assert_eq!(wal_checksum(WordOrder::Big, &words, [0, 0]), [7, 14]);
        let (first, second) = words.split_at(8);
        let chained = wal_checksum(
            WordOrder::Big,
            second,
            wal_checksum(WordOrder::Big, first, [0, 0]),
        );
        assert_eq!(chained, [7, 14]);
    }

    #[test]
    fn journal_checksum_takes_every_200th_byte_from_the_end() {
        let mut page = vec![0u8; 1024];
        for at in [824, 624, 424, 224, 24] {
            page[at] = 1;
        }
        page[0] = 100;
        page[1023] = 100;
        assert_eq!(journal_checksum(10, &page), 15);
        assert_eq!(journal_checksum(u32::MAX, &page), 4);
    }
}
