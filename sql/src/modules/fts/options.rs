//! The arguments of `CREATE VIRTUAL TABLE .. USING fts4(..)`.
//!
//! An argument is the tokenizer (`tokenize=porter`; a blank does as well as `=`), for FTS4 an option (`name=value`), or a column, of
//! which only the name is kept. FTS3 has no options: `order=desc` is a column called `order` there.

use super::tokenizer::TokenizerRegistry;
use super::words::{dequoted, is_word_byte, next_word};
use crate::error::{Error, Result};

/// Which of the two modules a table belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// FTS3: no options, no %_docsize, %_stat only if added later.
    Three,
    /// FTS4.
    Four,
}

/// What the arguments say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Columns as written, first word of each argument, without quotes. May be empty.
    pub columns: Vec<String>,
    /// What follows `tokenize=`.
    pub tokenize: Option<Vec<u8>>,
    /// `matchinfo=fts3`: sizes of rows are not kept.
    pub no_docsize: bool,
    /// Lengths of the prefixes that have an index of their own, in bytes.
    pub prefixes: Vec<usize>,
    /// Names of the functions that pack and unpack columns.
    pub compress: Option<String>,
    /// See `compress`.
    pub uncompress: Option<String>,
    /// Doclists run from high to low.
    pub descending: bool,
    /// The table that has the texts; empty if nobody keeps them.
    pub content: Option<String>,
    /// Name of the column of language ids.
    pub language_column: Option<String>,
    /// Columns that are kept, not indexed.
    pub not_indexed: Vec<String>,
}

/// A prefix of this many bytes or more is none.
const PREFIX_MAX: usize = 10_000_000;

impl Options {
    /// Reads the arguments. Errors are SQLite's. `tokenizers` is asked at the place where the tokenizer is named, since the first error wins.
    pub(super) fn parse(
        generation: Generation,
        arguments: &[&str],
        tokenizers: &TokenizerRegistry,
    ) -> Result<Options> {
        let mut options = Options::default();
        let mut prefix = None;
        for argument in arguments {
            if options.tokenize.is_none() && is_tokenize(argument) {
                let specification = argument.as_bytes()[9..].to_vec();
                tokenizers.create(&specification)?;
                options.tokenize = Some(specification);
            } else if let Some((key, value)) = argument
                .split_once('=')
                .filter(|_| generation == Generation::Four)
            {
                options.set(argument, key, text(dequoted(value.as_bytes())), &mut prefix)?;
            } else {
                options.columns.push(column_name(argument));
            }
        }
        if options.content.is_some() {
            options.compress = None;
            options.uncompress = None;
        }
        if let Some(prefix) = prefix {
            options.prefixes = parse_prefixes(&prefix)?;
        }
        Ok(options)
    }

    fn set(&mut self, argument: &str, key: &str, value: String, prefix: &mut Option<String>) -> Result<()> {
        match key.to_ascii_lowercase().as_str() {
            "matchinfo" if value.eq_ignore_ascii_case("fts3") => self.no_docsize = true,
            "matchinfo" => return Err(Error::sql(format!("unrecognized matchinfo: {value}"))),
            "prefix" => *prefix = Some(value),
            "compress" => self.compress = Some(value),
            "uncompress" => self.uncompress = Some(value),
            "order" if value.eq_ignore_ascii_case("asc") => self.descending = false,
            "order" if value.eq_ignore_ascii_case("desc") => self.descending = true,
            "order" => return Err(Error::sql(format!("unrecognized order: {value}"))),
            "content" => self.content = Some(value),
            "languageid" => self.language_column = Some(value),
            "notindexed" => self.not_indexed.push(value),
            _ => return Err(Error::sql(format!("unrecognized parameter: {argument}"))),
        }
        Ok(())
    }

    /// Which columns are left out of the index. Each `notindexed` must name one.
    pub(super) fn unindexed(&self, columns: &[String]) -> Result<Vec<bool>> {
        let mut names: Vec<Option<&String>> = self.not_indexed.iter().map(Some).collect();
        let mut unindexed = vec![false; columns.len()];
        for (column, flag) in columns.iter().zip(&mut unindexed) {
            for name in &mut names {
                if name.is_some_and(|name| name.eq_ignore_ascii_case(column)) {
                    *flag = true;
                    *name = None;
                }
            }
        }
        match names.into_iter().flatten().next() {
            Some(unknown) => Err(Error::sql(format!("no such column: {unknown}"))),
            None => Ok(unindexed),
        }
    }

    /// Fails if only one of the two packing functions is given.
    pub(super) fn check_packing(&self) -> Result<()> {
        let missing = match (&self.compress, &self.uncompress) {
            (None, Some(_)) => "compress",
            (Some(_), None) => "uncompress",
            _ => return Ok(()),
        };
        Err(Error::sql(format!(
            "missing {missing} parameter in fts4 constructor"
        )))
    }
}

fn is_tokenize(argument: &str) -> bool {
    let bytes = argument.as_bytes();
    bytes.len() > 8 && bytes[..8].eq_ignore_ascii_case(b"tokenize") && !is_word_byte(bytes[8])
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The first word of a column definition.
pub(super) fn column_name(definition: &str) -> String {
    let word = next_word(definition.as_bytes());
    word.map_or(String::new(), |word| text(dequoted(&definition.as_bytes()[word])))
}

/// `1,2,3`: numbers with one character between them. Zeros are dropped.
fn parse_prefixes(list: &str) -> Result<Vec<usize>> {
    let bytes = list.as_bytes();
    let wrong = || Error::sql(format!("error parsing prefix parameter: {list}"));
    let count = match bytes.is_empty() {
        true => 0,
        false => 1 + bytes.iter().filter(|&&byte| byte == b',').count(),
    };
    let mut rest = bytes;
    let mut prefixes = Vec::new();
    // A zero is no entry, but it takes the place of one.
    for _ in 0..count {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return Err(wrong());
        }
        let length = rest[..digits].iter().fold(0, |length, digit| {
            let length = length * 10 + usize::from(digit - b'0');
            if length > PREFIX_MAX { 0 } else { length }
        });
        if length > 0 {
            prefixes.push(length);
        }
        rest = rest.get(digits + 1..).unwrap_or_default();
    }
    Ok(prefixes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(generation: Generation, arguments: &[&str]) -> Result<Options> {
        Options::parse(generation, arguments, &TokenizerRegistry::default())
    }

    #[test]
    fn errors_are_sqlites() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for argument in [
            "x=y",
            "matchinfo=fts4",
            "order=up",
            "prefix='a'",
            "prefix='1,'",
            "prefix='1,,2'",
            "prefix='1 1=1,2,3'",
            "prefix='99999999999,1'",
            "prefix='4441-014444541,2,3'",
            "prefix=''",
            "notindexed=zz",
            "tokenize=none",
            "tokenize=unicode61 'a'",
            "tokenize porter",
            "compress=a",
            "tokenize",
        ] {
            let create = format!("CREATE VIRTUAL TABLE temp.x USING fts4(a, {argument}); DROP TABLE temp.x");
            let expected = connection.execute_batch(&create).err().map(|error| match error {
                rusqlite::Error::SqliteFailure(_, Some(message)) => message,
                other => other.to_string(),
            });
            let ours = parse(Generation::Four, &["a", argument]).and_then(|options| {
                options.unindexed(&options.columns)?;
                options.check_packing()
            });
            assert_eq!(ours.err().map(|error| error.to_string()), expected, "{argument}");
        }
    }

    #[test]
    fn arguments_are_sorted_out() {
        let options = parse(
            Generation::Four,
            &[
                "'a b' TEXT",
                "[c]",
                "prefix=\"2,4\"",
                "ORDER=Desc",
                "tokenize=porter",
                "notindexed=C",
            ],
        )
        .unwrap();
        assert_eq!(options.columns, ["a b", "c"]);
        assert_eq!(options.prefixes, [2, 4]);
        assert!(options.descending);
        assert_eq!(options.unindexed(&options.columns).unwrap(), [false, true]);
        let third = parse(
            Generation::Three,
            &["order=desc", "tokenize=simple", "tokenize=porter"],
        )
        .unwrap();
        assert_eq!(third.columns, ["order", "tokenize"]);
    }
}
