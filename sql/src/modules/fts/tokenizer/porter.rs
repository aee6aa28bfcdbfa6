//! `porter`: words as `simple` finds them (an underscore belongs to a word), English ones reduced to their stem.
//!
//! The stemmer is Martin Porter's of 1980 with the later `-bli` and `-logi`. Words under three or over twenty letters, or with anything
//! but ASCII letters in them, are only folded; long ones of those keep their first and last ten bytes (three when there is a digit).

use std::sync::Arc;

use super::simple::for_each_run;
use super::{Token, TokenVisitor, Tokenizer, TokenizerFactory};
use crate::error::Result;

/// Makes Porter tokenizers; arguments are ignored.
#[derive(Debug)]
pub(super) struct PorterFactory;

impl TokenizerFactory for PorterFactory {
    fn create(&self, _arguments: &[Vec<u8>]) -> Option<Arc<dyn Tokenizer>> {
        Some(Arc::new(Porter))
    }
}

#[derive(Debug)]
struct Porter;

impl Tokenizer for Porter {
    fn tokenize(&self, text: &[u8], _language: i32, visit: &mut TokenVisitor<'_>) -> Result<()> {
        let separates = |byte: u8| byte.is_ascii() && byte != b'_' && !byte.is_ascii_alphanumeric();
        let mut stem = Stem(Vec::new());
        for_each_run(text, separates, |position, start, end| {
            stem.assign(&text[start..end]);
            visit(Token {
                term: &stem.0,
                start,
                end,
                position,
            })
        })
    }
}

/// The longest word that is stemmed.
const LENGTH_MAX: usize = 20;

/// A word while its endings are taken off.
struct Stem(Vec<u8>);

impl Stem {
    fn assign(&mut self, word: &[u8]) {
        self.0.clear();
        self.0.extend(word.iter().map(u8::to_ascii_lowercase));
        if (3..=LENGTH_MAX).contains(&word.len()) && word.iter().all(u8::is_ascii_alphabetic) {
            self.reduce();
        } else {
            self.shorten();
        }
    }

    /// Takes the middle out of a long word.
    fn shorten(&mut self) {
        let keep = if self.0.iter().any(u8::is_ascii_digit) {
            3
        } else {
            10
        };
        if self.0.len() > 2 * keep {
            self.0.drain(keep..self.0.len() - keep);
        }
    }

    fn reduce(&mut self) {
        self.plural();
        self.past_and_participle();
        if self.0.last() == Some(&b'y') && has_vowel(&self.0[..self.0.len() - 1]) {
            let last = self.0.len() - 1;
            self.0[last] = b'i';
        }
        self.double_suffix();
        self.single_suffix();
        self.remove_suffix();
        self.final_e();
        if measure(&self.0) > 1 && self.0.ends_with(b"ll") {
            self.0.pop();
        }
    }

    /// Puts `to` in the place of the ending `from` where `allowed` holds for what is before it. True when the ending was there, replaced or not.
    fn replace(&mut self, from: &str, to: &str, allowed: impl Fn(&[u8]) -> bool) -> bool {
        let Some(rest) = self.0.strip_suffix(from.as_bytes()) else {
            return false;
        };
        if allowed(rest) {
            self.0.truncate(rest.len());
            self.0.extend_from_slice(to.as_bytes());
        }
        true
    }

    fn replace_first(&mut self, pairs: &[(&str, &str)], allowed: impl Fn(&[u8]) -> bool) {
        for (from, to) in pairs {
            if self.replace(from, to, &allowed) {
                return;
            }
        }
    }

    /// Step 1a.
    fn plural(&mut self) {
        self.replace_first(&[("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", "")], |_| true);
    }

    /// Step 1b.
    fn past_and_participle(&mut self) {
        if self.replace("eed", "ee", |rest| measure(rest) > 0) {
            return;
        }
        let before = self.0.len();
        if !(self.replace("ing", "", has_vowel) || self.replace("ed", "", has_vowel))
            || self.0.len() == before
        {
            return;
        }
        let completed = [("at", "ate"), ("bl", "ble"), ("iz", "ize")];
        if completed
            .iter()
            .any(|(from, to)| self.replace(from, to, |_| true))
        {
            return;
        }
        let kept_double = matches!(self.0.last(), Some(b'l' | b's' | b'z'));
        if ends_in_double_consonant(&self.0) && !kept_double {
            self.0.pop();
        } else if measure(&self.0) == 1 && ends_short(&self.0) {
            self.0.push(b'e');
        }
    }

    /// Step 2.
    fn double_suffix(&mut self) {
        const PAIRS: [(&str, &str); 21] = [
            ("ational", "ate"),
            ("tional", "tion"),
            ("enci", "ence"),
            ("anci", "ance"),
            ("izer", "ize"),
            ("logi", "log"),
            ("bli", "ble"),
            ("alli", "al"),
            ("entli", "ent"),
            ("eli", "e"),
            ("ousli", "ous"),
            ("ization", "ize"),
            ("ation", "ate"),
            ("ator", "ate"),
            ("alism", "al"),
            ("iveness", "ive"),
            ("fulness", "ful"),
            ("ousness", "ous"),
            ("aliti", "al"),
            ("iviti", "ive"),
            ("biliti", "ble"),
        ];
        self.replace_first(&PAIRS, |rest| measure(rest) > 0);
    }

    /// Step 3.
    fn single_suffix(&mut self) {
        const PAIRS: [(&str, &str); 7] = [
            ("icate", "ic"),
            ("ative", ""),
            ("alize", "al"),
            ("iciti", "ic"),
            ("ical", "ic"),
            ("ful", ""),
            ("ness", ""),
        ];
        self.replace_first(&PAIRS, |rest| measure(rest) > 0);
    }

    /// Step 4.
    fn remove_suffix(&mut self) {
        const SUFFIXES: [&str; 18] = [
            "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ou", "ism",
            "ate", "iti", "ous", "ive", "ize",
        ];
        let long = |rest: &[u8]| measure(rest) > 1;
        if SUFFIXES.iter().any(|suffix| self.replace(suffix, "", long)) {
            return;
        }
        if let [.., b's' | b't', b'i', b'o', b'n'] = self.0[..] {
            let rest = self.0.len() - 3;
            if long(&self.0[..rest]) {
                self.0.truncate(rest);
            }
        }
    }

    /// Step 5a.
    fn final_e(&mut self) {
        let allowed = |rest: &[u8]| measure(rest) > 1 || measure(rest) == 1 && !ends_short(rest);
        self.replace("e", "", allowed);
    }
}

/// Whether the letter at `index` is a vowel; y is one behind a consonant.
fn is_vowel(word: &[u8], index: usize) -> bool {
    match word.get(index) {
        Some(b'a' | b'e' | b'i' | b'o' | b'u') => true,
        // Runs of y alternate, so only the length of the run and what is before it count.
        Some(b'y') => {
            let run = word[..index]
                .iter()
                .rev()
                .take_while(|&&letter| letter == b'y')
                .count();
            let first = index - run;
            let first_is_vowel = first > 0 && !matches!(word[first - 1], b'a' | b'e' | b'i' | b'o' | b'u');
            first_is_vowel == (run % 2 == 0)
        }
        _ => false,
    }
}

fn has_vowel(word: &[u8]) -> bool {
    (0..word.len()).any(|index| is_vowel(word, index))
}

/// How often consonants follow vowels.
fn measure(word: &[u8]) -> usize {
    (1..word.len())
        .filter(|&index| is_vowel(word, index - 1) && !is_vowel(word, index))
        .count()
}

fn ends_in_double_consonant(word: &[u8]) -> bool {
    let last = word.len().wrapping_sub(1);
    word.len() > 1 && word[last] == word[last - 1] && !is_vowel(word, last)
}

/// Ends in consonant, vowel, consonant, the last one none of w, x, y.
fn ends_short(word: &[u8]) -> bool {
    let Some(first) = word.len().checked_sub(3) else {
        return false;
    };
    !is_vowel(word, first)
        && is_vowel(word, first + 1)
        && !is_vowel(word, first + 2)
        && !matches!(word[first + 2], b'w' | b'x' | b'y')
}
