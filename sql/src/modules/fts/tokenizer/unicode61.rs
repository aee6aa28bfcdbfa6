//! `unicode61`: words are runs of what Unicode 6.1 calls letters and digits, folded, and stripped of diacritics if wanted.
//!
//! Arguments: `remove_diacritics=0` keeps them, `=1` (the default) strips letters that carry one, `=2` also those that carry several;
//! `tokenchars=..` and `separators=..` move characters from one side to the other.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::unicode_tables::{FOLDS, MARKS, PLAIN_DIACRITICS, SEPARATORS, STACKED_DIACRITICS};
use super::{Token, TokenVisitor, Tokenizer, TokenizerFactory};
use crate::error::Result;

/// Makes Unicode tokenizers.
#[derive(Debug)]
pub(super) struct Unicode61Factory;

impl TokenizerFactory for Unicode61Factory {
    fn create(&self, arguments: &[Vec<u8>]) -> Option<Arc<dyn Tokenizer>> {
        let mut tokenizer = Unicode61 {
            diacritics: Diacritics::StripPlain,
            exceptions: Vec::new(),
        };
        for argument in arguments {
            tokenizer.configure(argument)?;
        }
        tokenizer.exceptions.sort_unstable();
        Some(Arc::new(tokenizer))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Diacritics {
    Keep,
    StripPlain,
    StripAll,
}

#[derive(Debug)]
struct Unicode61 {
    diacritics: Diacritics,
    /// Characters that are on the other side than the tables say, sorted.
    exceptions: Vec<u32>,
}

impl Unicode61 {
    fn configure(&mut self, argument: &[u8]) -> Option<()> {
        match argument {
            b"remove_diacritics=0" => self.diacritics = Diacritics::Keep,
            b"remove_diacritics=1" => self.diacritics = Diacritics::StripPlain,
            b"remove_diacritics=2" => self.diacritics = Diacritics::StripAll,
            _ => match argument.strip_prefix(b"tokenchars=") {
                Some(characters) => self.add_exceptions(characters, true),
                None => self.add_exceptions(argument.strip_prefix(b"separators=")?, false),
            },
        }
        Some(())
    }

    fn add_exceptions(&mut self, characters: &[u8], as_letters: bool) {
        let mut at = 0;
        while let Some(character) = read_character(characters, &mut at) {
            if is_letter(character) != as_letters && !is_mark(character) {
                self.exceptions.push(character);
            }
        }
    }

    fn starts_word(&self, character: u32) -> bool {
        is_letter(character) != self.exceptions.binary_search(&character).is_ok()
    }

    fn continues_word(&self, character: u32) -> bool {
        self.starts_word(character) || is_mark(character)
    }

    /// What the index keeps of a character; `None` for a mark that is dropped.
    fn folded(&self, character: u32) -> Option<u32> {
        let folded = fold(character);
        match self.diacritics {
            Diacritics::Keep => Some(folded),
            Diacritics::StripPlain | Diacritics::StripAll if is_mark(folded) => None,
            _ if folded < 0xc0 => Some(folded),
            _ => match BASE_LETTERS.get(&folded) {
                Some(base) if !base.stacked || self.diacritics == Diacritics::StripAll => Some(base.letter),
                _ => Some(folded),
            },
        }
    }
}

impl Tokenizer for Unicode61 {
    fn tokenize(&self, text: &[u8], _language: i32, visit: &mut TokenVisitor<'_>) -> Result<()> {
        let mut term = Vec::new();
        let mut at = 0;
        let mut position = 0;
        loop {
            let mut start = at;
            let mut next = read_character(text, &mut at);
            while next.is_some_and(|character| !self.starts_word(character)) {
                start = at;
                next = read_character(text, &mut at);
            }
            if next.is_none() {
                return Ok(());
            }
            term.clear();
            let mut end = at;
            while let Some(character) = next {
                if let Some(folded) = self.folded(character) {
                    write_character(folded, &mut term);
                }
                end = at;
                next = read_character(text, &mut at).filter(|character| self.continues_word(*character));
            }
            if visit(Token {
                term: &term,
                start,
                end,
                position,
            })?
            .is_break()
            {
                return Ok(());
            }
            position += 1;
        }
    }
}

/// The character at `at`, which moves behind it. Takes any bytes: overlong forms, surrogates and the like are U+FFFD.
fn read_character(text: &[u8], at: &mut usize) -> Option<u32> {
    let first = *text.get(*at)?;
    *at += 1;
    let mut character = u32::from(first);
    if first < 0xc0 {
        return Some(character);
    }
    character &= match first {
        0xc0..=0xdf => 0x1f,
        0xe0..=0xef => 0x0f,
        0xf0..=0xf7 => 0x07,
        0xf8..=0xfb => 0x03,
        0xfc | 0xfd => 0x01,
        _ => 0,
    };
    while let Some(&byte) = text.get(*at).filter(|&&byte| byte & 0xc0 == 0x80) {
        character = (character << 6).wrapping_add(u32::from(byte & 0x3f));
        *at += 1;
    }
    let wrong = character < 0x80 || character & 0xffff_f800 == 0xd800 || character & 0xffff_fffe == 0xfffe;
    Some(if wrong { 0xfffd } else { character })
}

fn write_character(character: u32, out: &mut Vec<u8>) {
    let continuation = |shift: u32| 0x80 | (character >> shift & 0x3f) as u8;
    match character {
        0..0x80 => out.push(character as u8),
        0x80..0x800 => out.extend([0xc0 | (character >> 6) as u8, continuation(0)]),
        0x800..0x1_0000 => out.extend([0xe0 | (character >> 12) as u8, continuation(6), continuation(0)]),
        _ => out.extend([
            0xf0 | (character >> 18 & 0x07) as u8,
            continuation(12),
            continuation(6),
            continuation(0),
        ]),
    }
}

fn in_ranges(ranges: &[(u32, u32)], character: u32) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= character);
    after > 0 && character <= ranges[after - 1].1
}

fn is_letter(character: u32) -> bool {
    match u8::try_from(character) {
        Ok(ascii) if ascii < 0x80 => ascii.is_ascii_alphanumeric(),
        _ => !in_ranges(SEPARATORS, character),
    }
}

fn is_mark(character: u32) -> bool {
    character >= 0x300 && in_ranges(MARKS, character)
}

fn fold(character: u32) -> u32 {
    if character < 0x80 {
        return u32::from((character as u8).to_ascii_lowercase());
    }
    let after = FOLDS.partition_point(|(first, ..)| *first <= character);
    match FOLDS[..after].last() {
        Some((first, last, step, add)) if character <= *last && (character - first).is_multiple_of(*step) => {
            character.wrapping_add_signed(*add)
        }
        _ => character,
    }
}

struct BaseLetter {
    letter: u32,
    stacked: bool,
}

static BASE_LETTERS: LazyLock<HashMap<u32, BaseLetter>> = LazyLock::new(|| {
    let tables = [(PLAIN_DIACRITICS, false), (STACKED_DIACRITICS, true)];
    let mut all = HashMap::new();
    for (table, stacked) in tables {
        for (letter, variants) in table {
            let letter = u32::from(*letter);
            all.extend(
                variants
                    .chars()
                    .map(|variant| (u32::from(variant), BaseLetter { letter, stacked })),
            );
        }
    }
    all
});
