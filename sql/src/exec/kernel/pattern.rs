//! LIKE and GLOB patterns, compiled.
//!
//! ```text
//!   'abc%'  Prefix     '%abc'  Suffix     '%abc%'  Contains     'abc'  Exact     all else  Steps
//! ```
//!
//! Text is taken as bytes of UTF-8: `_` and `?` skip one character, that is a byte and the continuation bytes that belong to it.
//! LIKE folds ASCII letters only. A NUL ends pattern and text, as it does in SQLite.

use memchr::memmem::Finder;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    shape: Shape,
    /// Letters match in either case.
    folds: bool,
}

#[derive(Debug)]
enum Shape {
    Exact(Vec<u8>),
    Prefix(Vec<u8>),
    Suffix(Vec<u8>),
    Contains(Box<Finder<'static>>),
    Steps(Vec<Step>),
    /// Matches nothing: an escape or a set that does not end.
    Nothing,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// These bytes; folded when the pattern folds.
    Bytes(Vec<u8>),
    /// Any one character.
    One,
    /// Any characters, none included.
    Many,
    /// One character of a GLOB set.
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// Compiles a LIKE pattern. `escape` is the escape character.
    pub(super) fn like(pattern: &[u8], escape: Option<char>, folds: bool) -> Pattern {
        let steps = like_steps(until_nul(pattern), escape, folds);
        Pattern {
            shape: steps.map_or(Shape::Nothing, Shape::of),
            folds,
        }
    }

    /// Compiles a GLOB pattern.
    pub(super) fn glob(pattern: &[u8]) -> Pattern {
        Pattern {
            shape: glob_steps(until_nul(pattern)).map_or(Shape::Nothing, Shape::of),
            folds: false,
        }
    }

    /// Whether `text`, which holds no NUL, matches.
    #[inline]
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let same = |a: &[u8], b: &[u8]| {
            if self.folds {
                a.eq_ignore_ascii_case(b)
            } else {
                a == b
            }
        };
        match &self.shape {
            Shape::Exact(bytes) => same(text, bytes),
            Shape::Prefix(bytes) => text.get(..bytes.len()).is_some_and(|start| same(start, bytes)),
            Shape::Suffix(bytes) => text
                .len()
                .checked_sub(bytes.len())
                .is_some_and(|from| same(&text[from..], bytes)),
            Shape::Contains(finder) if self.folds => contains_folded(text, finder.needle()),
            Shape::Contains(finder) => finder.find(text).is_some(),
            Shape::Steps(steps) => matches_steps(steps, text, self.folds),
            Shape::Nothing => false,
        }
    }

    /// What to search for when the pattern is `%needle%`; with folding, text has to be folded to small letters first.
    pub(super) fn finder(&self) -> Option<(&Finder<'static>, bool)> {
        match &self.shape {
            Shape::Contains(finder) => Some((finder, self.folds)),
            _ => None,
        }
    }
}

/// The text up to its first NUL.
pub(super) fn until_nul(text: &[u8]) -> &[u8] {
    memchr::memchr(0, text).map_or(text, |end| &text[..end])
}

impl Shape {
    fn of(steps: Vec<Step>) -> Shape {
        match steps.as_slice() {
            [] => Shape::Exact(Vec::new()),
            [Step::Bytes(bytes)] => Shape::Exact(bytes.clone()),
            [Step::Many] => Shape::Prefix(Vec::new()),
            [Step::Bytes(bytes), Step::Many] => Shape::Prefix(bytes.clone()),
            [Step::Many, Step::Bytes(bytes)] => Shape::Suffix(bytes.clone()),
            [Step::Many, Step::Bytes(bytes), Step::Many] => {
                Shape::Contains(Box::new(Finder::new(bytes).into_owned()))
            }
            _ => Shape::Steps(steps),
        }
    }
}

/// Collects steps; neighbouring bytes become one step.
struct Steps {
    steps: Vec<Step>,
    folds: bool,
}

impl Steps {
    fn literal(&mut self, bytes: &[u8]) {
        if !matches!(self.steps.last(), Some(Step::Bytes(_))) {
            self.steps.push(Step::Bytes(Vec::new()));
        }
        if let Some(Step::Bytes(run)) = self.steps.last_mut() {
            run.extend(bytes.iter().map(|byte| {
                if self.folds {
                    byte.to_ascii_lowercase()
                } else {
                    *byte
                }
            }));
        }
    }

    fn many(&mut self) {
        if self.steps.last() != Some(&Step::Many) {
            self.steps.push(Step::Many);
        }
    }
}

fn like_steps(pattern: &[u8], escape: Option<char>, folds: bool) -> Option<Vec<Step>> {
    let mut steps = Steps {
        steps: Vec::new(),
        folds,
    };
    let mut buffer = [0; 4];
    let escape = escape
        .map(|escape| &*escape.encode_utf8(&mut buffer))
        .map(str::as_bytes);
    let mut at = 0;
    while at < pattern.len() {
        let len = character_len(&pattern[at..]);
        let character = &pattern[at..at + len];
        at += len;
        if escape == Some(character) {
            let len = character_len(pattern.get(at..).filter(|rest| !rest.is_empty())?);
            steps.literal(&pattern[at..at + len]);
            at += len;
            continue;
        }
        match character {
            b"%" => steps.many(),
            b"_" => steps.steps.push(Step::One),
            _ => steps.literal(character),
        }
    }
    Some(steps.steps)
}

fn glob_steps(pattern: &[u8]) -> Option<Vec<Step>> {
    let mut steps = Steps {
        steps: Vec::new(),
        folds: false,
    };
    let mut at = 0;
    while let Some(&byte) = pattern.get(at) {
        at += 1;
        match byte {
            b'*' => steps.many(),
            b'?' => steps.steps.push(Step::One),
            b'[' => {
                let (set, len) = glob_set(&pattern[at..])?;
                steps.steps.push(set);
                at += len;
            }
            _ => steps.literal(&[byte]),
        }
    }
    Some(steps.steps)
}

/// The set that begins after `[`, and its length with the closing bracket.
fn glob_set(pattern: &[u8]) -> Option<(Step, usize)> {
    let mut at = 0;
    let mut next = || {
        let (character, len) = decode_character(pattern.get(at..)?)?;
        at += len;
        Some((character, at))
    };
    let mut ranges = Vec::new();
    let (mut character, mut end) = next()?;
    let negated = character == '^';
    if negated {
        (character, end) = next()?;
    }
    if character == ']' {
        ranges.push((']', ']'));
        (character, end) = next()?;
    }
    // The character that a `-` starts a range from.
    let mut from = None;
    while character != ']' {
        let follower = pattern.get(end).copied();
        match (character, from, follower) {
            ('-', Some(low), Some(byte)) if byte != b']' => {
                let (high, _) = next()?;
                ranges.push((low, high));
                from = None;
            }
            _ => {
                ranges.push((character, character));
                from = Some(character);
            }
        }
        (character, end) = next()?;
    }
    Some((Step::Set { negated, ranges }, end))
}

/// The length of the character that `text` (not empty) begins with: a byte, and continuation bytes after a lead byte.
#[inline]
fn character_len(text: &[u8]) -> usize {
    if text[0] < 0xc0 {
        return 1;
    }
    1 + text[1..].iter().take_while(|byte| **byte & 0xc0 == 0x80).count()
}

/// The first character and its length; U+FFFD for what is not UTF-8.
fn decode_character(text: &[u8]) -> Option<(char, usize)> {
    if text.is_empty() {
        return None;
    }
    let len = character_len(text);
    let decoded = std::str::from_utf8(&text[..len])
        .ok()
        .and_then(|text| text.chars().next());
    Some((decoded.unwrap_or(char::REPLACEMENT_CHARACTER), len))
}

/// Two pointers and one place to come back to: after a `Many` that gave one character too few, only the last one has to
/// take more, because the earlier ones ended at their first chance.
fn matches_steps(steps: &[Step], text: &[u8], folds: bool) -> bool {
    let (mut step, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let advanced = match steps.get(step) {
            None if at == text.len() => return true,
            None => None,
            Some(Step::Many) => {
                if step + 1 == steps.len() {
                    return true;
                }
                retry = Some((step + 1, at));
                Some(0)
            }
            Some(step) => match_step(step, &text[at..], folds),
        };
        if let Some(len) = advanced {
            step += 1;
            at += len;
            continue;
        }
        match retry {
            Some((after, from)) if from < text.len() => {
                at = from + character_len(&text[from..]);
                step = after;
                retry = Some((after, at));
            }
            _ => return false,
        }
    }
}

/// How many bytes a step other than `Many` takes from the beginning of `text`.
#[inline]
fn match_step(step: &Step, text: &[u8], folds: bool) -> Option<usize> {
    match step {
        Step::Bytes(bytes) => {
            let start = text.get(..bytes.len())?;
            let same = if folds {
                start.eq_ignore_ascii_case(bytes)
            } else {
                start == bytes
            };
            same.then_some(bytes.len())
        }
        Step::One if text.is_empty() => None,
        Step::One => Some(character_len(text)),
        Step::Set { negated, ranges } => {
            let (character, len) = decode_character(text)?;
            let inside = ranges
                .iter()
                .any(|(low, high)| (*low..=*high).contains(&character));
            (inside != *negated).then_some(len)
        }
        Step::Many => Some(0),
    }
}

/// Whether `text` contains `needle` (small letters) in any case.
fn contains_folded(text: &[u8], needle: &[u8]) -> bool {
    let Some(&first) = needle.first() else { return true };
    let Some(last) = text.len().checked_sub(needle.len()) else {
        return false;
    };
    let starts = memchr::memchr2_iter(
        first,
        first.to_ascii_uppercase(),
        &text[..=last + needle.len() - 1],
    );
    starts
        .take_while(|at| *at <= last)
        .any(|at| text[at..at + needle.len()].eq_ignore_ascii_case(needle))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases as SQLite answers them: pattern, text, and whether it matches.
    fn check(compile: impl Fn(&[u8]) -> Pattern, operator: &str, patterns: &[&str], texts: &[&str]) {
        let sqlite = rusqlite::Connection::open_in_memory().unwrap();
        let mut query = sqlite.prepare(&format!("SELECT ?1 {operator} ?2")).unwrap();
        for pattern in patterns {
            let compiled = compile(pattern.as_bytes());
            for text in texts {
                let expected: bool = query.query_row([text, pattern], |row| row.get(0)).unwrap();
                assert_eq!(
                    compiled.matches(text.as_bytes()),
                    expected,
                    "{text:?} {operator} {pattern:?}"
                );
            }
        }
    }

    const TEXTS: [&str; 14] = [
        "",
        "a",
        "abc",
        "ABC",
        "xabcx",
        "aXbXc",
        "äbc",
        "ÄBC",
        "%",
        "a%b",
        "a_b",
        "ab]c-",
        "^a",
        "aaaabaaab",
    ];

    #[test]
    fn like_is_sqlites() {
        let patterns = [
            "", "%", "_", "abc", "a%", "%c", "%b%", "%BC%", "a%c", "a_c", "_bc", "%a%b%", "%%", "%_", "_%",
            "ä%", "%a_b", "%aab", "a%b%", "__",
        ];
        check(
            |pattern| Pattern::like(pattern, None, true),
            "LIKE",
            &patterns,
            &TEXTS,
        );
    }

    #[test]
    fn escapes_are_sqlites() {
        let patterns = ["a\\%b", "\\%", "a\\_b", "%\\%%", "a\\", "\\a%", "\\\\"];
        let sqlite = rusqlite::Connection::open_in_memory().unwrap();
        let mut query = sqlite.prepare("SELECT ?1 LIKE ?2 ESCAPE '\\'").unwrap();
        for pattern in patterns {
            let compiled = Pattern::like(pattern.as_bytes(), Some('\\'), true);
            for text in TEXTS {
                let expected: bool = query.query_row([text, pattern], |row| row.get(0)).unwrap();
                assert_eq!(
                    compiled.matches(text.as_bytes()),
                    expected,
                    "{text:?} LIKE {pattern:?}"
                );
            }
        }
    }

    #[test]
    fn glob_is_sqlites() {
        let patterns = [
            "", "*", "?", "abc", "a*", "*c", "*b*", "a*c", "a?c", "[a-c]*", "[^a]*", "*[]]c*", "[]a]*",
            "*[-]", "[a-", "[", "*[c-]", "[^^]*", "[ä]bc", "?bc", "*[x-z]*", "[a-c-e]*",
        ];
        check(Pattern::glob, "GLOB", &patterns, &TEXTS);
    }
}
