//! Tokenizers: what makes words of a text.
//!
//! An index and the queries on it must cut and fold words the same way, so a table names its tokenizer when it is created. Three are
//! built in, those of SQLite; an application adds its own by implementing [`Tokenizer`] and [`TokenizerFactory`] and putting the factory
//! into a [`TokenizerRegistry`].
//!
//! | module | tokenizer |
//! |---|---|
//! | `simple` | runs of ASCII letters and digits, and of everything past ASCII; ASCII folded |
//! | `porter` | as `simple`, and English words reduced to their stems |
//! | `unicode61` | letters and digits of Unicode 6.1, folded, without diacritics if wanted |
//!
//! Offsets are bytes of the text. Positions count tokens from zero; a tokenizer may leave gaps but never goes back.

mod porter;
mod simple;
mod unicode61;
mod unicode_tables;

use std::collections::HashMap;
use std::fmt::Debug;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::words::{dequoted, next_word};
use crate::error::{Error, Result};

/// A word of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// The word as the index keeps it: folded, stemmed.
    pub term: &'a [u8],
    /// Where it starts in the text, in bytes.
    pub start: usize,
    /// Where it ends, in bytes.
    pub end: usize,
    /// Which word it is.
    pub position: usize,
}

/// What [`Tokenizer::tokenize`] calls with each token; `Break` ends the walk.
pub type TokenVisitor<'v> = dyn FnMut(Token<'_>) -> Result<ControlFlow<()>> + 'v;

/// Cuts texts into words.
pub trait Tokenizer: Debug + Send + Sync {
    /// Calls `visit` for each word of `text` in order, until it breaks. `language` is the row's language id (0 where a table has none).
    fn tokenize(&self, text: &[u8], language: i32, visit: &mut TokenVisitor<'_>) -> Result<()>;
}

/// Makes tokenizers of one kind.
pub trait TokenizerFactory: Debug + Send + Sync {
    /// A tokenizer with the arguments that follow its name in `tokenize=`; `None` if they make no sense.
    fn create(&self, arguments: &[Vec<u8>]) -> Option<Arc<dyn Tokenizer>>;
}

/// The first word of `text`: its term, start and end.
pub(super) fn first_token(
    tokenizer: &dyn Tokenizer,
    text: &[u8],
    language: i32,
) -> Result<Option<(Vec<u8>, usize, usize)>> {
    let mut found = None;
    tokenizer.tokenize(text, language, &mut |token| {
        found = Some((token.term.to_vec(), token.start, token.end));
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

/// The tokenizers that tables can name.
#[derive(Clone, Debug)]
pub struct TokenizerRegistry {
    factories: HashMap<Vec<u8>, Arc<dyn TokenizerFactory>>,
}

impl Default for TokenizerRegistry {
    fn default() -> TokenizerRegistry {
        let mut registry = TokenizerRegistry {
            factories: HashMap::new(),
        };
        registry.register("simple", Arc::new(simple::SimpleFactory));
        registry.register("porter", Arc::new(porter::PorterFactory));
        registry.register("unicode61", Arc::new(unicode61::Unicode61Factory));
        registry
    }
}

impl TokenizerRegistry {
    /// Adds a tokenizer; one of the same name (case matters) is replaced.
    pub fn register(&mut self, name: &str, factory: Arc<dyn TokenizerFactory>) {
        self.factories.insert(name.as_bytes().to_vec(), factory);
    }

    /// The factory called `name`.
    pub fn find(&self, name: &[u8]) -> Result<&Arc<dyn TokenizerFactory>> {
        let unknown = || Error::sql(format!("unknown tokenizer: {}", String::from_utf8_lossy(name)));
        self.factories.get(name).ok_or_else(unknown)
    }

    /// The tokenizer that a specification such as `unicode61 "remove_diacritics=0"` describes.
    pub(super) fn create(&self, specification: &[u8]) -> Result<Arc<dyn Tokenizer>> {
        let (name, mut rest) = match next_word(specification) {
            Some(range) => (&specification[range.clone()], &specification[range.end..]),
            None => (specification, &[][..]),
        };
        let factory = self.find(&dequoted(name))?;
        let mut arguments = Vec::new();
        // The character behind a word ends it and is not looked at again.
        while let Some(range) = rest.get(1..).and_then(next_word) {
            arguments.push(dequoted(&rest[1..][range.clone()]));
            rest = &rest[1 + range.end..];
        }
        let wrong = || Error::sql("unknown tokenizer");
        factory.create(&arguments).ok_or_else(wrong)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The words of a text as `term@start-end`, which SQLite's `fts3tokenize` gives as well.
    pub(in crate::modules::fts) fn words(
        tokenizer: &dyn Tokenizer,
        text: &[u8],
    ) -> Vec<(Vec<u8>, usize, usize, usize)> {
        let mut all = Vec::new();
        let visit = &mut |token: Token<'_>| {
            all.push((token.term.to_vec(), token.start, token.end, token.position));
            Ok(ControlFlow::Continue(()))
        };
        tokenizer.tokenize(text, 0, visit).unwrap();
        all
    }

    fn oracle(specification: &str, texts: &[String]) {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let create = format!("CREATE VIRTUAL TABLE t USING fts3tokenize({specification})");
        connection.execute_batch(&create).unwrap();
        let mut select = connection
            .prepare("SELECT CAST(token AS BLOB), start, end, position FROM t WHERE input = ?1")
            .unwrap();
        let ours = TokenizerRegistry::default()
            .create(specification.replace(',', " ").as_bytes())
            .unwrap();
        for text in texts {
            let rows = select.query_map([text], |row| {
                let number = |column| row.get::<_, i64>(column).map(|number| number as usize);
                Ok((row.get(0)?, number(1)?, number(2)?, number(3)?))
            });
            let expected: Vec<(Vec<u8>, usize, usize, usize)> = rows.unwrap().map(Result::unwrap).collect();
            assert_eq!(
                words(ours.as_ref(), text.as_bytes()),
                expected,
                "{specification}: {text:?}"
            );
        }
    }

    /// A small generator of reproducible numbers.
    pub(in crate::modules::fts) struct Random(pub u64);

    impl Random {
        pub(in crate::modules::fts) fn below(&mut self, limit: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % limit
        }
    }

    #[test]
    fn english_words_have_the_stems_of_sqlite() {
        let seed = 7;
        println!("seed {seed}");
        let mut random = Random(seed);
        let heads = [
            "gener",
            "oper",
            "hop",
            "relat",
            "condit",
            "ration",
            "val",
            "hesit",
            "digit",
            "conform",
            "radic",
            "differ",
            "vi",
            "analog",
            "vietnam",
            "pred",
            "sens",
            "trip",
            "form",
            "tri",
            "y",
            "syzyg",
            "fall",
            "fil",
            "fizz",
            "a",
            "abcdefghijklmnopq",
            "controll",
            "roll",
            "x1",
            "b_",
            "rat",
            "ceas",
        ];
        let tails = [
            "s", "es", "ies", "ss", "eed", "ed", "ing", "at", "bl", "iz", "y", "ational", "tional", "enci",
            "anci", "izer", "bli", "alli", "entli", "eli", "ousli", "ization", "ation", "ator", "alism",
            "iveness", "fulness", "ousness", "aliti", "iviti", "biliti", "logi", "icate", "ative", "alize",
            "iciti", "ical", "ful", "ness", "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement",
            "ment", "ent", "sion", "tion", "ou", "ism", "ate", "iti", "ous", "ive", "ize", "e", "ll", "tor",
            "soy", "é", "",
        ];
        let mut texts = Vec::new();
        for head in heads {
            texts.push(tails.map(|tail| format!("{head}{tail}")).join(" "));
            texts.push(
                tails
                    .map(|tail| format!("{head}{tail}s").to_uppercase())
                    .join(","),
            );
        }
        for _ in 0..200 {
            let letters = b"aeiouystlrnbgzwx";
            let word = |random: &mut Random| -> String {
                (0..random.below(9) + 1)
                    .map(|_| letters[random.below(16) as usize] as char)
                    .collect()
            };
            let tail = tails[random.below(tails.len() as u64) as usize];
            texts.push(format!("{}{tail} {}", word(&mut random), word(&mut random)));
        }
        oracle("porter", &texts);
        oracle("simple", &texts);
    }

    #[test]
    fn unicode_is_cut_and_folded_as_sqlite_does_it() {
        let mut texts = Vec::new();
        // Every 7th block of 64 keeps the test short; the tables were compared whole when they were made.
        for block in (0..0x3_0000_u32)
            .step_by(64)
            .filter(|block| *block < 0x600 || block % 448 == 0)
        {
            let characters: Vec<char> = (block.max(1)..block + 64).filter_map(char::from_u32).collect();
            texts.push(characters.iter().map(|c| format!("x{c}y {c}\u{301} ")).collect());
        }
        texts.push("Ünïcödé\u{308} WORTE—und ǅ mehr ǖ".to_owned());
        for specification in [
            "unicode61",
            "unicode61, 'remove_diacritics=0'",
            "unicode61, 'remove_diacritics=2'",
            "unicode61, 'tokenchars=-.é—', 'separators=xÿ'",
        ] {
            oracle(specification, &texts);
        }
    }

    #[test]
    fn simple_takes_its_separators_from_the_second_argument() {
        oracle("simple, ignored, 'xyz'", &["axb yc Zd-e".to_owned()]);
        let error = |text: &str| {
            TokenizerRegistry::default()
                .create(text.as_bytes())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(error("nope 'x'"), "unknown tokenizer: nope");
        assert_eq!(error("Porter"), "unknown tokenizer: Porter");
        assert_eq!(error("simple a 'é'"), "unknown tokenizer");
        assert_eq!(error("unicode61 'x=y'"), "unknown tokenizer");
    }

    #[test]
    fn bytes_that_are_no_text_are_words_too() {
        let registry = TokenizerRegistry::default();
        for name in ["simple", "porter", "unicode61"] {
            let tokenizer = registry.create(name.as_bytes()).unwrap();
            for bytes in [
                &b"a\xff\xc3 b"[..],
                b"\x80",
                b"\xfe\xff\xbf",
                b"a\0b",
                b"\xf8\x88\x80\x80\x80",
            ] {
                words(tokenizer.as_ref(), bytes);
            }
        }
    }
}
