//! Which words are keywords.
//!
//! A hash of the length, the first and the last letter picks a short chain of candidates, computed at compile time;
//! a word that is no keyword is mostly turned away by an empty chain or a length that differs.

use super::token::{KEYWORD_COUNT, KEYWORD_KINDS, KEYWORDS, TokenKind};

/// The longest keyword, `CURRENT_TIMESTAMP`.
const LENGTH_MAX: usize = 17;
const BUCKET_COUNT: usize = 256;
const NONE: u8 = u8::MAX;
const _: () = assert!(KEYWORD_COUNT < NONE as usize);

/// First candidate of each hash value, and for each keyword the next candidate.
const CHAINS: ([u8; BUCKET_COUNT], [u8; KEYWORD_COUNT]) = {
    let mut first = [NONE; BUCKET_COUNT];
    let mut next = [NONE; KEYWORD_COUNT];
    let mut i = 0;
    while i < KEYWORD_COUNT {
        let word = KEYWORDS[i].as_bytes();
        assert!(word.len() >= 2 && word.len() <= LENGTH_MAX);
        let bucket = hash(word);
        next[i] = first[bucket];
        first[bucket] = i as u8;
        i += 1;
    }
    (first, next)
};

static FIRST: [u8; BUCKET_COUNT] = CHAINS.0;
static NEXT: [u8; KEYWORD_COUNT] = CHAINS.1;

/// Mixes length, first and last letter; `| 0x20` makes both cases of a letter one.
const fn hash(word: &[u8]) -> usize {
    let first = (word[0] | 0x20) as usize;
    let last = (word[word.len() - 1] | 0x20) as usize;
    (first.wrapping_mul(7) ^ last.wrapping_mul(43) ^ word.len().wrapping_mul(29)) % BUCKET_COUNT
}

/// The keyword that `word` spells, in any case.
#[must_use]
pub(crate) fn keyword(word: &[u8]) -> Option<TokenKind> {
    if !(2..=LENGTH_MAX).contains(&word.len()) {
        return None;
    }
    let mut candidate = FIRST[hash(word)];
    while candidate != NONE {
        let index = usize::from(candidate);
        if spells(word, KEYWORDS[index].as_bytes()) {
            return Some(KEYWORD_KINDS[index]);
        }
        candidate = NEXT[index];
    }
    None
}

/// True if `word`, in any case, is `keyword`, which is letters and underscores. Clearing one bit turns a small letter into
/// a capital and leaves the underscore; no other byte of an identifier turns into either.
fn spells(word: &[u8], keyword: &[u8]) -> bool {
    word.len() == keyword.len()
        && word
            .iter()
            .zip(keyword)
            .all(|(byte, letter)| byte & 0xdf == *letter)
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
