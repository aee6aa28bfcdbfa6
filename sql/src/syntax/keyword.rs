//! Which words are keywords.
//!
//! A word is folded into a [`Folded`] number: its letters, the first one lowest, each with the bit cleared that tells small letters
//! from capitals. Two words of identifier bytes have the same number exactly when they are the same in any case, so that a look-up is a
//! multiplication for the hash and one comparison of numbers for each candidate; most names meet an empty bucket. Most words are
//! short, and bytes follow them: they are read in one piece, and what follows is masked out.

use super::token::{KEYWORD_COUNT, KEYWORD_KINDS, KEYWORDS, TokenKind};

/// The longest keyword, `CURRENT_TIMESTAMP`.
const LENGTH_MAX: usize = 17;
/// The length of the shortest.
pub(super) const KEYWORD_MIN: usize = 2;
const BUCKET_BITS: u32 = 9;
const NONE: u8 = u8::MAX;
const _: () = assert!(KEYWORD_COUNT < NONE as usize);

/// A word of identifier bytes, folded. Only the first sixteen bytes are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Folded(u128);

impl Folded {
    /// Clears what tells small letters from capitals.
    const CAPITALS: u64 = 0xdfdf_dfdf_dfdf_dfdf;

    const fn of(word: &[u8]) -> Folded {
        let mut folded = 0;
        let mut i = 0;
        while i < word.len() && i < 16 {
            folded |= ((word[i] & 0xdf) as u128) << (8 * i);
            i += 1;
        }
        Folded(folded)
    }

    /// The first `length` bytes of `text`.
    #[inline]
    fn of_front(text: &[u8], length: usize) -> Folded {
        match text.first_chunk::<8>() {
            Some(bytes) if (1..=8).contains(&length) => {
                let own = u64::MAX >> (64 - 8 * length as u32);
                Folded(u128::from(u64::from_le_bytes(*bytes) & Folded::CAPITALS & own))
            }
            _ => Folded::of_far(text, length),
        }
    }

    #[inline(never)]
    fn of_far(text: &[u8], length: usize) -> Folded {
        Folded::of(text.get(..length).unwrap_or(text))
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

/// All keywords in capitals, sorted, with the kind of token that each is.
///
/// ```
/// use aludel_sql::syntax::{keywords, token::TokenKind};
/// assert!(keywords().any(|(text, kind)| text == "SELECT" && kind == TokenKind::Select));
/// ```
pub fn keywords() -> impl ExactSizeIterator<Item = (&'static str, TokenKind)> {
    KEYWORDS.into_iter().zip(KEYWORD_KINDS)
}

/// The keyword that `word` spells, in any case.
#[must_use]
pub(crate) fn keyword(word: &[u8]) -> Option<TokenKind> {
    // The one other byte that folds into a byte of a keyword.
    if word.contains(&0x7f) {
        return None;
    }
    keyword_in_front(word, word.len())
}

/// The keyword that the first `length` bytes of `text` spell, which are identifier bytes.
#[inline(always)]
pub(super) fn keyword_in_front(text: &[u8], length: usize) -> Option<TokenKind> {
    if length > LENGTH_MAX {
        return None;
    }
    let folded = Folded::of_front(text, length);
    let mut candidate = FIRST[folded.bucket()];
    while candidate != NONE {
        let index = usize::from(candidate);
        if FOLDED[index] == folded && (length <= 16 || has_whole(text, length, KEYWORDS[index])) {
            return Some(KEYWORD_KINDS[index]);
        }
        candidate = NEXT[index];
    }
    None
}

/// Whether two words whose first sixteen bytes agree are the same.
#[inline(never)]
fn has_whole(text: &[u8], length: usize, keyword: &str) -> bool {
    text.get(..length)
        .is_some_and(|word| word.eq_ignore_ascii_case(keyword.as_bytes()))
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
