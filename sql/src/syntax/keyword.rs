//! Which words are keywords.
//!
//! A word is folded into a [`Folded`] number while it is read: its letters, each with the bit cleared that tells small letters from
//! capitals. Two words of identifier bytes have the same number exactly when they are the same in any case, so that a look-up is a
//! multiplication for the hash and one comparison of numbers for each candidate; most names meet an empty bucket.

use super::token::{KEYWORD_COUNT, KEYWORD_KINDS, KEYWORDS, TokenKind};

/// The longest keyword, `CURRENT_TIMESTAMP`.
const LENGTH_MAX: usize = 17;
/// The length of the shortest.
pub(super) const KEYWORD_MIN: usize = 2;
const BUCKET_BITS: u32 = 9;
const NONE: u8 = u8::MAX;
const _: () = assert!(KEYWORD_COUNT < NONE as usize);

/// A word of identifier bytes, folded. Only the last sixteen bytes are in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Folded(u128);

impl Folded {
    /// With one more byte.
    #[inline]
    #[must_use]
    pub(super) const fn with(self, byte: u8) -> Folded {
        Folded(self.0 << 8 | (byte & 0xdf) as u128)
    }

    const fn of(word: &[u8]) -> Folded {
        let mut folded = Folded(0);
        let mut i = 0;
        while i < word.len() {
            folded = folded.with(word[i]);
            i += 1;
        }
        folded
    }

    const fn bucket(self) -> usize {
        let mixed = (self.0 as u64 ^ (self.0 >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> (64 - BUCKET_BITS)) as usize
    }
}

/// First candidate of each hash value, and for each keyword the next candidate.
const CHAINS: ([u8; 1 << BUCKET_BITS], [u8; KEYWORD_COUNT]) = {
    let mut first = [NONE; 1 << BUCKET_BITS];
    let mut next = [NONE; KEYWORD_COUNT];
    let mut i = 0;
    while i < KEYWORD_COUNT {
        assert!(KEYWORDS[i].len() >= KEYWORD_MIN && KEYWORDS[i].len() <= LENGTH_MAX);
        let bucket = FOLDED[i].bucket();
        next[i] = first[bucket];
        first[bucket] = i as u8;
        i += 1;
    }
    (first, next)
};

static FIRST: [u8; 1 << BUCKET_BITS] = CHAINS.0;
static NEXT: [u8; KEYWORD_COUNT] = CHAINS.1;
static FOLDED: [Folded; KEYWORD_COUNT] = {
    let mut all = [Folded(0); KEYWORD_COUNT];
    let mut i = 0;
    while i < KEYWORD_COUNT {
        all[i] = Folded::of(KEYWORDS[i].as_bytes());
        i += 1;
    }
    all
};

/// The keyword that `word` spells, in any case.
#[must_use]
pub(crate) fn keyword(word: &[u8]) -> Option<TokenKind> {
    // The one other byte that folds into a byte of a keyword.
    if word.len() > LENGTH_MAX || word.contains(&0x7f) {
        return None;
    }
    folded_keyword(word, Folded::of(word))
}

/// As [`keyword`], for a word of identifier bytes that has been folded already.
#[inline]
pub(super) fn folded_keyword(word: &[u8], folded: Folded) -> Option<TokenKind> {
    let mut candidate = FIRST[folded.bucket()];
    while candidate != NONE {
        let index = usize::from(candidate);
        if FOLDED[index] == folded && has_whole(word, KEYWORDS[index]) {
            return Some(KEYWORD_KINDS[index]);
        }
        candidate = NEXT[index];
    }
    None
}

/// Whether two words whose last sixteen bytes agree are the same.
fn has_whole(word: &[u8], keyword: &str) -> bool {
    word.len() == keyword.len() && (word.len() <= 16 || word.eq_ignore_ascii_case(keyword.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_keyword_is_found_in_either_case_and_its_neighbours_are_not() {
        for (text, kind) in KEYWORDS.iter().zip(KEYWORD_KINDS) {
            assert_eq!(keyword(text.as_bytes()), Some(kind));
            assert_eq!(keyword(text.to_ascii_lowercase().as_bytes()), Some(kind));
            let longer = format!("{text}_");
            assert_eq!(keyword(longer.as_bytes()), None);
        }
        for word in ["", "a", "x", "tablespace", "sel\u{e9}ct", "current_timestamps"] {
            assert_eq!(keyword(word.as_bytes()), None, "{word}");
        }
    }

    #[test]
    fn the_list_is_sorted_so_that_a_missing_word_is_seen() {
        assert!(KEYWORDS.is_sorted());
    }
}
