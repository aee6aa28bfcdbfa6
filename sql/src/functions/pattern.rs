//! LIKE and GLOB, compiled.
//!
//! A [`LikePattern`] is made once for a pattern and matched against many texts. Most patterns in use are a literal with a
//! wildcard at one or both ends; those become comparisons and substring searches on bytes. The rest is a list of tokens, matched
//! left to right with a return to the last wildcard only, so that no pattern takes exponential time:
//!
//! ```text
//!   'abc'     Exact      'abc%'  Prefix     '%abc'  Suffix     '%abc%'  Contains     '%'  Anything
//!   'a_c%d'   General: [a] [One] [c] [Many] [d]
//! ```
//!
//! LIKE folds the case of ASCII letters unless told otherwise; GLOB never does. Characters are read as [`utf8::next_char`] reads them, and both
//! pattern and text end at their first NUL.

use memchr::memmem;

use super::{FunctionContext, ValueSink};
use crate::error::{Error, Result};
use crate::value::utf8::{self, next_char, skip_char, until_nul};
use crate::value::{ValueRef, decimal};

/// A compiled LIKE or GLOB pattern.
#[derive(Debug, Clone)]
pub struct LikePattern {
    shape: Shape,
    ignore_case: bool,
}

#[derive(Debug, Clone)]
enum Shape {
    Nothing,
    Anything,
    Exact(Vec<u8>),
    Prefix(Vec<u8>),
    Suffix(Vec<u8>),
    Contains(Box<Needle>),
    General(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Literal(u32),
    One,
    Many,
    Set { ranges: Vec<(u32, u32)>, inverted: bool },
}

/// How LIKE reads its pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LikeOptions {
    /// The character that takes the next one's special meaning away.
    pub escape: Option<u32>,
    /// Letters match only letters of the same case.
    pub case_sensitive: bool,
}

impl LikePattern {
    /// Compiles a LIKE pattern.
    pub fn like(pattern: &[u8], options: LikeOptions) -> LikePattern {
        let tokens = like_tokens(until_nul(pattern), options.escape);
        LikePattern::from_tokens(tokens, !options.case_sensitive)
    }

    /// Compiles a GLOB pattern.
    pub fn glob(pattern: &[u8]) -> LikePattern {
        LikePattern::from_tokens(glob_tokens(until_nul(pattern)), false)
    }

    /// Whether all of `text` matches. Allocates nothing.
    #[inline]
    pub fn matches(&self, text: &[u8]) -> bool {
        let text = until_nul(text);
        match &self.shape {
            Shape::Nothing => false,
            Shape::Anything => true,
            Shape::Exact(literal) => text.len() == literal.len() && self.same(text, literal),
            Shape::Prefix(literal) => {
                text.len() >= literal.len()
                    && self.same(&text[..literal.len()], literal)
                    && ends_character(text, literal.len())
            }
            Shape::Suffix(literal) => {
                text.len() >= literal.len() && self.same(&text[text.len() - literal.len()..], literal)
            }
            Shape::Contains(needle) => needle.is_in(text),
            Shape::General(tokens) => matches_tokens(tokens, text, self.ignore_case),
        }
    }

    /// The bytes that every match starts with (up to the case of letters, unless the pattern is case sensitive): what an index
    /// can be searched for.
    pub fn literal_prefix(&self) -> Vec<u8> {
        match &self.shape {
            Shape::Exact(literal) | Shape::Prefix(literal) => literal.clone(),
            Shape::General(tokens) => leading_literals(tokens),
            _ => Vec::new(),
        }
    }

    /// True when the case of ASCII letters does not matter.
    pub fn ignores_case(&self) -> bool {
        self.ignore_case
    }

    #[inline]
    fn same(&self, a: &[u8], b: &[u8]) -> bool {
        if self.ignore_case {
            a.eq_ignore_ascii_case(b)
        } else {
            a == b
        }
    }

    fn from_tokens(tokens: Option<Vec<Token>>, ignore_case: bool) -> LikePattern {
        let shape = tokens.map_or(Shape::Nothing, |tokens| shape_of(tokens, ignore_case));
        LikePattern { shape, ignore_case }
    }
}

/// Bytes stand for characters as long as the character that ends at `end` takes no further continuation bytes.
#[inline]
fn ends_character(text: &[u8], end: usize) -> bool {
    end == 0 || text[end - 1] < 0x80 || text.get(end).is_none_or(|b| b & 0xc0 != 0x80)
}

/// `None`: an escape character at the end, which nothing matches.
fn like_tokens(pattern: &[u8], escape: Option<u32>) -> Option<Vec<Token>> {
    let mut tokens = Vec::with_capacity(pattern.len());
    let mut at = 0;
    while at < pattern.len() {
        let c = next_char(pattern, &mut at);
        tokens.push(if Some(c) == escape {
            (at < pattern.len()).then(|| Token::Literal(next_char(pattern, &mut at)))?
        } else {
            match u8::try_from(c) {
                Ok(b'%') => Token::Many,
                Ok(b'_') => Token::One,
                _ => Token::Literal(c),
            }
        });
    }
    Some(tokens)
}

/// `None`: a set without an end, which nothing matches.
fn glob_tokens(pattern: &[u8]) -> Option<Vec<Token>> {
    let mut tokens = Vec::with_capacity(pattern.len());
    let mut at = 0;
    while at < pattern.len() {
        let c = next_char(pattern, &mut at);
        tokens.push(match u8::try_from(c) {
            Ok(b'*') => Token::Many,
            Ok(b'?') => Token::One,
            Ok(b'[') => glob_set(pattern, &mut at)?,
            _ => Token::Literal(c),
        });
    }
    Some(tokens)
}

fn glob_set(pattern: &[u8], at: &mut usize) -> Option<Token> {
    const END: u32 = b']' as u32;
    let mut ranges = Vec::new();
    let mut c = next_char(pattern, at);
    let inverted = c == u32::from(b'^');
    if inverted {
        c = next_char(pattern, at);
    }
    // An end bracket that comes first is a member.
    if c == END {
        ranges.push((END, END));
        c = next_char(pattern, at);
    }
    let mut low = 0;
    while c != END {
        if c == 0 {
            return None;
        }
        let high_follows = pattern.get(*at).is_some_and(|next| *next != b']');
        if c == u32::from(b'-') && low > 0 && high_follows {
            ranges.push((low, next_char(pattern, at)));
            low = 0;
        } else {
            ranges.push((c, c));
            low = c;
        }
        c = next_char(pattern, at);
    }
    Some(Token::Set { ranges, inverted })
}

fn shape_of(tokens: Vec<Token>, ignore_case: bool) -> Shape {
    let many_front = tokens.iter().take_while(|t| **t == Token::Many).count();
    let many_back = tokens[many_front..]
        .iter()
        .rev()
        .take_while(|t| **t == Token::Many)
        .count();
    let middle = &tokens[many_front..tokens.len() - many_back];
    if middle.is_empty() && many_front > 0 {
        return Shape::Anything;
    }
    let Some(literal) = literal_bytes(middle) else {
        return Shape::General(tokens);
    };
    match (many_front > 0, many_back > 0) {
        (false, false) => Shape::Exact(literal),
        (false, true) => Shape::Prefix(literal),
        (true, false) => Shape::Suffix(literal),
        (true, true) => Shape::Contains(Box::new(Needle::new(literal, ignore_case))),
    }
}

/// The bytes of tokens that are all literals which exactly one sequence of bytes reads as.
fn literal_bytes(tokens: &[Token]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(tokens.len());
    for token in tokens {
        match token {
            Token::Literal(c) if is_plain(*c) => utf8::push_char(*c, &mut bytes),
            _ => return None,
        }
    }
    Some(bytes)
}

/// U+FFFD also stands for every invalid sequence, and lone bytes read as small numbers.
fn is_plain(c: u32) -> bool {
    c < 0x80 || (c >= 0xc0 && c != utf8::REPLACEMENT && c <= 0x10_ffff)
}

fn leading_literals(tokens: &[Token]) -> Vec<u8> {
    let count = tokens
        .iter()
        .take_while(|t| matches!(t, Token::Literal(c) if is_plain(*c)))
        .count();
    literal_bytes(&tokens[..count]).unwrap_or_default()
}

/// A literal to look for inside texts.
#[derive(Debug, Clone)]
struct Needle {
    literal: Vec<u8>,
    search: Search,
}

#[derive(Debug, Clone)]
enum Search {
    /// Exact bytes.
    Bytes(Box<memmem::Finder<'static>>),
    /// Letters of either case: look for both forms of the rarest byte, then compare around it.
    Folded { rare_at: usize, lower: u8, upper: u8 },
}

impl Needle {
    fn new(literal: Vec<u8>, ignore_case: bool) -> Needle {
        let folds = ignore_case && literal.iter().any(u8::is_ascii_alphabetic);
        let search = if folds {
            let rare_at = (0..literal.len())
                .min_by_key(|at| frequency(literal[*at]))
                .unwrap_or(0);
            let byte = literal[rare_at];
            Search::Folded {
                rare_at,
                lower: byte.to_ascii_lowercase(),
                upper: byte.to_ascii_uppercase(),
            }
        } else {
            Search::Bytes(Box::new(memmem::Finder::new(&literal).into_owned()))
        };
        Needle { literal, search }
    }

    #[inline]
    fn is_in(&self, text: &[u8]) -> bool {
        match &self.search {
            Search::Bytes(finder) => finder
                .find_iter(text)
                .any(|at| ends_character(text, at + self.literal.len())),
            Search::Folded {
                rare_at,
                lower,
                upper,
            } => self.is_folded_in(text, *rare_at, *lower, *upper),
        }
    }

    fn is_folded_in(&self, text: &[u8], rare_at: usize, lower: u8, upper: u8) -> bool {
        let length = self.literal.len();
        // The rare byte cannot be closer to the ends than it is in the literal.
        let Some(last) = text.len().checked_sub(length) else {
            return false;
        };
        let window = &text[rare_at..=last + rare_at];
        memchr::memchr2_iter(lower, upper, window).any(|start| {
            text[start..start + length].eq_ignore_ascii_case(&self.literal)
                && ends_character(text, start + length)
        })
    }
}

/// Roughly how common a byte is in text: rare ones make better anchors.
fn frequency(byte: u8) -> u8 {
    match byte.to_ascii_lowercase() {
        b' ' => 255,
        b'e' => 250,
        b't' | b'a' | b'o' | b'i' | b'n' => 230,
        b's' | b'r' | b'h' | b'l' | b'd' => 200,
        b'c' | b'u' | b'm' => 160,
        b'0'..=b'9' => 150,
        b'p' | b'f' | b'g' | b'y' | b'w' | b'b' => 120,
        b'v' | b'k' | b'-' | b'.' | b',' | b'_' | b'/' => 80,
        b'x' | b'j' | b'q' | b'z' => 20,
        0x80.. => 100,
        _ => 40,
    }
}

/// Where matching goes on when it fails: after the last wildcard, one character further.
struct Retry {
    token: usize,
    at: usize,
}

fn matches_tokens(tokens: &[Token], text: &[u8], ignore_case: bool) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut retry: Option<Retry> = None;
    loop {
        match tokens.get(token) {
            Some(Token::Many) => {
                token += 1;
                if token == tokens.len() {
                    return true;
                }
                retry = Some(Retry { token, at });
                continue;
            }
            Some(single) if at < text.len() && matches_one(single, next_char(text, &mut at), ignore_case) => {
                token += 1;
                continue;
            }
            None if at >= text.len() => return true,
            _ => {}
        }
        let Some(last) = &mut retry else {
            return false;
        };
        if last.at >= text.len() {
            return false;
        }
        last.at = skip_char(text, last.at);
        last.at = next_candidate(&tokens[last.token], text, last.at, ignore_case);
        (token, at) = (last.token, last.at);
    }
}

#[inline]
fn matches_one(token: &Token, c: u32, ignore_case: bool) -> bool {
    match token {
        Token::Literal(wanted) => {
            c == *wanted
                || (ignore_case
                    && c < 0x80
                    && *wanted < 0x80
                    && (c as u8).eq_ignore_ascii_case(&(*wanted as u8)))
        }
        Token::One => true,
        Token::Many => false,
        Token::Set { ranges, inverted } => {
            ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *inverted
        }
    }
}

/// The first place from `at` on where `token` may match; the end of the text when there is none.
#[inline]
fn next_candidate(token: &Token, text: &[u8], at: usize, ignore_case: bool) -> usize {
    let Token::Literal(c @ ..0x80) = *token else {
        return at;
    };
    let byte = c as u8;
    let found = if ignore_case {
        memchr::memchr2(byte.to_ascii_lowercase(), byte.to_ascii_uppercase(), &text[at..])
    } else {
        memchr::memchr(byte, &text[at..])
    };
    found.map_or(text.len(), |offset| at + offset)
}

/// The pattern that a call site used last: calls mostly come with the same one.
#[derive(Debug)]
pub(super) struct CachedPattern {
    source: Vec<u8>,
    kind: PatternKind,
    pattern: LikePattern,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PatternKind {
    Like(LikeOptions),
    Glob,
}

pub(super) fn like(
    cx: &mut FunctionContext<'_>,
    args: &[ValueRef<'_>],
    out: &mut dyn ValueSink,
) -> Result<()> {
    check_pattern_length(cx, args[0])?;
    let escape = match args.get(2) {
        None => None,
        Some(ValueRef::Null) => {
            out.null();
            return Ok(());
        }
        Some(escape) => Some(escape_character(*escape)?),
    };
    let case_sensitive = cx.environment.case_sensitive_like.get();
    match_call(
        cx,
        args,
        out,
        PatternKind::Like(LikeOptions {
            escape,
            case_sensitive,
        }),
    )
}

pub(super) fn glob(
    cx: &mut FunctionContext<'_>,
    args: &[ValueRef<'_>],
    out: &mut dyn ValueSink,
) -> Result<()> {
    check_pattern_length(cx, args[0])?;
    match_call(cx, args, out, PatternKind::Glob)
}

fn check_pattern_length(cx: &FunctionContext<'_>, pattern: ValueRef<'_>) -> Result<()> {
    match pattern {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes)
            if bytes.len() > cx.environment.pattern_length_max.get() =>
        {
            Err(Error::sql("LIKE or GLOB pattern too complex"))
        }
        _ => Ok(()),
    }
}

/// The one character of an ESCAPE expression.
pub fn escape_character(value: ValueRef<'_>) -> Result<u32> {
    let mut buffer = Vec::new();
    let text = until_nul(decimal::bytes_of(value, &mut buffer).unwrap_or_default());
    if utf8::count_chars(text) != 1 {
        return Err(Error::sql("ESCAPE expression must be a single character"));
    }
    Ok(next_char(text, &mut 0))
}

fn match_call(
    cx: &mut FunctionContext<'_>,
    args: &[ValueRef<'_>],
    out: &mut dyn ValueSink,
    kind: PatternKind,
) -> Result<()> {
    let (mut pattern_buffer, mut text_buffer) = (Vec::new(), Vec::new());
    let pattern = decimal::bytes_of(args[0], &mut pattern_buffer);
    let text = decimal::bytes_of(args[1], &mut text_buffer);
    let (Some(pattern), Some(text)) = (pattern, text) else {
        out.null();
        return Ok(());
    };
    let cached = cx
        .pattern
        .as_deref()
        .filter(|c| c.kind == kind && c.source == pattern);
    let matches = match cached {
        Some(cached) => cached.pattern.matches(text),
        None => {
            let compiled = match kind {
                PatternKind::Like(options) => LikePattern::like(pattern, options),
                PatternKind::Glob => LikePattern::glob(pattern),
            };
            let matches = compiled.matches(text);
            cx.pattern = Some(Box::new(CachedPattern {
                source: pattern.to_vec(),
                kind,
                pattern: compiled,
            }));
            matches
        }
    };
    out.integer(i64::from(matches));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_for_index_ranges() {
        let prefix = |p: &str| LikePattern::like(p.as_bytes(), LikeOptions::default()).literal_prefix();
        assert_eq!(prefix("abc%"), b"abc");
        assert_eq!(prefix("abc"), b"abc");
        assert_eq!(prefix("ab_c%"), b"ab");
        assert_eq!(prefix("%abc"), b"");
        assert_eq!(LikePattern::glob(b"x[ab]*").literal_prefix(), b"x");
    }

    #[test]
    fn many_wildcards_do_not_take_exponential_time() {
        let pattern = LikePattern::like(
            format!("{}b", "%a".repeat(200)).as_bytes(),
            LikeOptions::default(),
        );
        assert!(!pattern.matches("a".repeat(5000).as_bytes()));
        assert!(pattern.matches("ab".repeat(400).as_bytes()));
    }
}
