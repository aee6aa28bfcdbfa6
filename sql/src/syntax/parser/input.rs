//! The parser's input: a run of tokens, as nom wants it, with what all rules share.
//!
//! A rule is a function from [`Tokens`] to [`Parse`]. It looks at the next token and commits: there is no going back, so the
//! token at which a rule fails is the first one that cannot continue the text, which is the one that SQLite names. Only
//! [`tok`] fails softly (nom's `Error`), for the lists of nom to end on; everything else fails for good (`Failure`).

use super::super::ast::{Ident, Parameters, Quote, Span};
use super::super::lexer::is_space;
use super::super::token::{Token, TokenKind};
use super::ParseError;
use super::expression::Open;
use super::limits::{NESTING_MAX, ParseLimits};
use super::spare::Spare;
use ecow::EcoString;
use nom::error::ErrorKind;
use nom::{Err, IResult, Input, Needed};
use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::iter::{Copied, Enumerate};
use std::slice::Iter;

/// What a rule gives: what is left, and what it made.
pub(super) type Parse<'a, T> = IResult<Tokens<'a>, T, Fault>;

/// What a rule gives that puts what it makes where it is to stay. It fits into two registers.
pub(super) type Rest<'a> = Result<Tokens<'a>, Failed>;

/// An error of nom's in one word.
#[derive(Debug)]
pub(super) struct Failed(Box<Err<Fault>>);

impl From<Err<Fault>> for Failed {
    #[cold]
    fn from(error: Err<Fault>) -> Failed {
        Failed(Box::new(error))
    }
}

impl From<Failed> for Err<Fault> {
    #[cold]
    fn from(failed: Failed) -> Err<Fault> {
        *failed.0
    }
}

/// Why the text is refused.
#[derive(Debug)]
pub(super) enum Fault {
    /// This token cannot stand here.
    Near(Token),
    /// The grammar takes it, and SQLite refuses it all the same.
    Message(Box<ParseError>),
}

impl<'a> nom::error::ParseError<Tokens<'a>> for Fault {
    fn from_error_kind(input: Tokens<'a>, _: ErrorKind) -> Self {
        Self::Near(input.head())
    }

    fn append(_: Tokens<'a>, _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// An error that ends parsing at once.
pub(super) fn refuse<T>(message: impl Into<String>, offset: Option<u32>) -> Result<T, Err<Fault>> {
    Err(Err::Failure(Fault::Message(Box::new(ParseError {
        message: message.into(),
        offset,
    }))))
}

/// What all rules of one statement share.
pub(super) struct Context<'a> {
    /// The text that the tokens are from.
    pub(super) sql: &'a [u8],
    /// The statement's tokens; the last is always `End`.
    pub(super) tokens: &'a [Token],
    pub(super) limits: &'a ParseLimits,
    /// The text, if the bytes that the tokens cover are UTF-8, and where in it they begin.
    valid: Option<&'a str>,
    valid_start: u32,
    /// What is open in the expressions that are being read, outermost first.
    pub(super) open: &'a RefCell<Vec<Open>>,
    /// The parameters so far.
    pub(super) parameters: &'a RefCell<ParameterList>,
    /// Pieces for the tree.
    pub(super) spare: &'a RefCell<Spare>,
    /// What was objected to first, and the token before which that was.
    objection: RefCell<Option<(u32, Box<ParseError>)>>,
    /// How many rules that recurse are active.
    nesting: Cell<u32>,
    /// The height of the tallest expression that is finished since [`nested`] was last entered.
    tallest: Cell<u32>,
}

/// Parameters with an index of their names and numbers, which is made once a linear search would be slow.
#[derive(Default)]
pub(super) struct ParameterList {
    pub(super) parameters: Parameters,
    index: Option<Box<ParameterIndex>>,
}

#[derive(Default)]
struct ParameterIndex {
    numbers: FxHashMap<EcoString, u32>,
    named: FxHashSet<u32>,
}

impl ParameterList {
    const LINEAR_MAX: usize = 16;

    /// The number of the parameter of that name.
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        match &self.index {
            Some(index) => index.numbers.get(name).copied(),
            None => self.parameters.number(name),
        }
    }

    /// True if the parameter of that number has a name.
    pub(super) fn has_name(&self, number: u32) -> bool {
        match &self.index {
            Some(index) => index.named.contains(&number),
            None => self.parameters.name(number).is_some(),
        }
    }

    pub(super) fn add_name(&mut self, name: EcoString, number: u32) {
        self.parameters.names.push((name, number));
        if self.parameters.names.len() > Self::LINEAR_MAX {
            self.add_to_index();
        }
    }

    /// Brings the index up to the last name; all names are new to one that is made now.
    #[inline(never)]
    fn add_to_index(&mut self) {
        let names = &self.parameters.names;
        let first_new = match self.index {
            Some(_) => names.len() - 1,
            None => 0,
        };
        let index = self.index.get_or_insert_default();
        for (name, number) in &names[first_new..] {
            index.numbers.entry(name.clone()).or_insert(*number);
            index.named.insert(*number);
        }
    }

    /// Hands the parameters out, and begins anew.
    pub(super) fn take(&mut self) -> Parameters {
        self.index = None;
        std::mem::take(&mut self.parameters)
    }
}

impl<'a> Context<'a> {
    /// What the rules of one statement share; `open` and `parameters` are empty.
    pub(super) fn new(
        sql: &'a [u8],
        tokens: &'a [Token],
        limits: &'a ParseLimits,
        open: &'a RefCell<Vec<Open>>,
        parameters: &'a RefCell<ParameterList>,
        spare: &'a RefCell<Spare>,
    ) -> Self {
        let valid_start = tokens.first().map_or(0, |token| token.start);
        let valid_end = tokens.last().map_or(0, |token| token.end);
        let covered = sql.get(valid_start as usize..valid_end as usize);
        Self {
            sql,
            tokens,
            limits,
            valid: covered.and_then(|bytes| std::str::from_utf8(bytes).ok()),
            valid_start,
            open,
            parameters,
            spare,
            objection: RefCell::new(None),
            nesting: Cell::new(0),
            tallest: Cell::new(0),
        }
    }

    /// The text of a span, if the statement is UTF-8.
    #[inline]
    fn valid_text(&self, span: Span) -> Option<&'a str> {
        let start = span.start.wrapping_sub(self.valid_start) as usize;
        let end = span.end.wrapping_sub(self.valid_start) as usize;
        self.valid?.get(start..end)
    }

    /// The text of a span, what is not UTF-8 replaced.
    pub(super) fn str_of(&self, span: Span) -> Cow<'a, str> {
        match self.valid_text(span) {
            Some(text) => Cow::Borrowed(text),
            None => String::from_utf8_lossy(span.of(self.sql)),
        }
    }

    /// What the whole text is refused for, given the fault that ended parsing, if one did: the first objection, unless the very
    /// next token after it is wrong as well. (SQLite's parser acts on a rule when it sees the token after it, so an error in that
    /// token comes later and is the one that is told.)
    pub(super) fn verdict(&self, fault: Option<Fault>) -> Option<Fault> {
        let objection = self.objection.take();
        match (fault, objection) {
            (Some(Fault::Near(token)), Some((before, _))) if token.start == before => {
                Some(Fault::Near(token))
            }
            (_, Some((_, error))) => Some(Fault::Message(error)),
            (fault, None) => fault,
        }
    }

    /// Notes an expression of that height as finished.
    pub(super) fn note_height(&self, height: u32) {
        self.tallest.set(self.tallest.get().max(height));
    }
}

/// The tokens that are left.
#[derive(Clone, Copy)]
pub(super) struct Tokens<'a> {
    pub(super) cx: &'a Context<'a>,
    /// The next token, by its number in [`Context::tokens`].
    at: u32,
    /// The number after the last token.
    end: u32,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(cx: &'a Context<'a>) -> Self {
        Self {
            cx,
            at: 0,
            end: cx.tokens.len() as u32,
        }
    }

    /// The tokens that are left, as a slice.
    #[inline]
    fn rest(self) -> &'a [Token] {
        self.cx
            .tokens
            .get(self.at as usize..self.end as usize)
            .unwrap_or_default()
    }

    /// The next token.
    #[inline]
    pub(super) fn head(self) -> Token {
        self.peek(0)
    }

    /// The token `ahead` tokens on; past the end, `End`.
    #[inline]
    pub(super) fn peek(self, ahead: u32) -> Token {
        match self.cx.tokens.get((self.at + ahead) as usize) {
            Some(&token) => token,
            None => self.past_end(),
        }
    }

    #[cold]
    fn past_end(self) -> Token {
        let end = self.cx.sql.len() as u32;
        Token {
            kind: TokenKind::End,
            start: end,
            end,
        }
    }

    /// The kind of the next token.
    #[inline]
    pub(super) fn kind(self) -> TokenKind {
        self.head().kind
    }

    /// Without the next token. The `End` token stays.
    #[inline]
    pub(super) fn skip(self) -> Self {
        Self {
            at: (self.at + 1).min(self.end.saturating_sub(1)),
            ..self
        }
    }

    /// Without the next `count` tokens, none of which is `End`.
    #[inline]
    pub(super) fn skip_many(self, count: u32) -> Self {
        Self {
            at: (self.at + count).min(self.end.saturating_sub(1)),
            ..self
        }
    }

    /// Takes the next token if it is of that kind, and says whether it was.
    #[inline]
    pub(super) fn accept(self, kind: TokenKind) -> (Self, bool) {
        if self.kind() == kind {
            (self.skip(), true)
        } else {
            (self, false)
        }
    }

    /// Takes the next token, which must be of that kind.
    #[inline]
    pub(super) fn expect(self, kind: TokenKind) -> Rest<'a> {
        if self.kind() == kind {
            Ok(self.skip())
        } else {
            self.unexpected()
        }
    }

    /// The error that the next token cannot stand here.
    #[cold]
    pub(super) fn unexpected<T, E: From<Err<Fault>>>(self) -> Result<T, E> {
        Err(Err::Failure(Fault::Near(self.head())).into())
    }

    /// Notes that SQLite refuses what was just taken although the grammar has it. Parsing goes on; see [`Context::verdict`].
    #[cold]
    pub(super) fn object(self, message: impl Into<String>, offset: Option<u32>) {
        let error = Box::new(ParseError {
            message: message.into(),
            offset,
        });
        self.cx
            .objection
            .borrow_mut()
            .get_or_insert((self.head().start, error));
    }

    /// Where the token before the next one ends.
    pub(super) fn last_end(self) -> u32 {
        self.at
            .checked_sub(1)
            .and_then(|last| self.cx.tokens.get(last as usize))
            .map_or(0, |token| token.end)
    }

    /// From `start` to the end of the last token that was taken.
    pub(super) fn span_since(self, start: u32) -> Span {
        Span::new(start, self.last_end().max(start))
    }

    /// From `start` to where the next token begins, so with what blanks and comments lie between.
    pub(super) fn span_to_next(self, start: u32) -> Span {
        Span::new(start, self.head().start.max(start))
    }

    /// The span without the blanks at its ends.
    pub(super) fn trimmed(self, span: Span) -> Span {
        let text = span.of(self.cx.sql);
        let front = text.iter().take_while(|&&byte| is_space(byte)).count();
        let back = text[front..]
            .iter()
            .rev()
            .take_while(|&&byte| is_space(byte))
            .count();
        Span::new(span.start + front as u32, span.end - back as u32)
    }

    /// The text of a token.
    #[inline]
    pub(super) fn text(self, token: Token) -> &'a [u8] {
        self.cx
            .sql
            .get(token.start as usize..token.end as usize)
            .unwrap_or_default()
    }

    /// The text of a token or a span, what is not UTF-8 replaced.
    pub(super) fn text_lossy(self, span: Span) -> EcoString {
        EcoString::from(self.cx.str_of(span))
    }
}

impl<'a> Input for Tokens<'a> {
    type Item = Token;
    type Iter = Copied<Iter<'a, Token>>;
    type IterIndices = Enumerate<Self::Iter>;

    fn input_len(&self) -> usize {
        self.rest().len()
    }

    fn take(&self, index: usize) -> Self {
        Self {
            end: self.at.saturating_add(index as u32).min(self.end),
            ..*self
        }
    }

    fn take_from(&self, index: usize) -> Self {
        Self {
            at: self.at.saturating_add(index as u32).min(self.end),
            ..*self
        }
    }

    fn take_split(&self, index: usize) -> (Self, Self) {
        (self.take_from(index), self.take(index))
    }

    fn position<P: Fn(Token) -> bool>(&self, predicate: P) -> Option<usize> {
        self.rest().iter().position(|&token| predicate(token))
    }

    fn iter_elements(&self) -> Self::Iter {
        self.rest().iter().copied()
    }

    fn iter_indices(&self) -> Self::IterIndices {
        self.iter_elements().enumerate()
    }

    fn slice_index(&self, count: usize) -> Result<usize, Needed> {
        let left = self.rest().len();
        if left >= count {
            Ok(count)
        } else {
            Err(Needed::new(count - left))
        }
    }
}

/// A rule that takes one token of that kind, and fails softly at another.
pub(super) fn tok<'a>(kind: TokenKind) -> impl Fn(Tokens<'a>) -> Parse<'a, Token> + Copy {
    move |i| {
        if i.kind() == kind {
            Ok((i.skip(), i.head()))
        } else {
            Err(Err::Error(Fault::Near(i.head())))
        }
    }
}

/// One or more of `item`, with commas between.
pub(super) fn comma_list<'a, T>(
    item: impl FnMut(Tokens<'a>) -> Parse<'a, T>,
) -> impl FnMut(Tokens<'a>) -> Parse<'a, Vec<T>> {
    let mut list = nom::multi::separated_list1(tok(TokenKind::Comma), item);
    move |i| nom::Parser::parse(&mut list, i)
}

/// Runs `rule` for each item of a list with commas between. Unlike [`comma_list`] it moves no items, and so takes little of the
/// stack where lists lie inside each other.
pub(super) fn each<'a>(mut i: Tokens<'a>, mut rule: impl FnMut(Tokens<'a>) -> Rest<'a>) -> Rest<'a> {
    loop {
        i = rule(i)?;
        if i.kind() != TokenKind::Comma {
            return Ok(i);
        }
        i = i.skip();
    }
}

/// What `rule` makes, between parentheses.
pub(super) fn parenthesized<'a, T>(
    mut rule: impl FnMut(Tokens<'a>) -> Parse<'a, T>,
) -> impl FnMut(Tokens<'a>) -> Parse<'a, T> {
    move |i| {
        let (i, value) = rule(i.expect(TokenKind::LeftParen)?)?;
        Ok((i.expect(TokenKind::RightParen)?, value))
    }
}

/// What `rule` makes if the next token is `kind`, which is taken; else nothing.
pub(super) fn after<'a, T>(
    kind: TokenKind,
    mut rule: impl FnMut(Tokens<'a>) -> Parse<'a, T>,
) -> impl FnMut(Tokens<'a>) -> Parse<'a, Option<T>> {
    move |i| {
        if i.kind() != kind {
            return Ok((i, None));
        }
        let (i, value) = rule(i.skip())?;
        Ok((i, Some(value)))
    }
}

/// Runs a rule that may come back to the rule that called it: bounds the recursion, and also gives the height of the tallest
/// expression in what it made.
pub(super) fn nested<'a, T>(
    i: Tokens<'a>,
    rule: impl FnOnce(Tokens<'a>) -> Parse<'a, T>,
) -> Parse<'a, (T, u32)> {
    let cx = i.cx;
    let depth = cx.nesting.get() + 1;
    if depth > NESTING_MAX {
        return refuse("Recursion limit", None);
    }
    cx.nesting.set(depth);
    let outer = cx.tallest.replace(0);
    let made = rule(i);
    let height = cx.tallest.get();
    cx.tallest.set(outer.max(height));
    cx.nesting.set(depth - 1);
    let (i, value) = made?;
    Ok((i, (value, height)))
}

/// Refuses a tree that is too tall.
#[inline]
pub(super) fn check_height(i: Tokens<'_>, height: u32) -> Result<(), Failed> {
    if height > i.cx.limits.height_max {
        return too_tall(i);
    }
    Ok(())
}

#[cold]
fn too_tall(i: Tokens<'_>) -> Result<(), Failed> {
    let most = i.cx.limits.height_max;
    let message = format!("Expression tree is too large (maximum depth {most})");
    Ok(refuse(message, None)?)
}

/// Makes the identifier that a token spells.
#[inline(never)]
pub(super) fn ident_of(i: Tokens<'_>, token: Token) -> Ident {
    let span = token.span();
    if let Some(text) = i.cx.valid_text(span)
        && !matches!(text.as_bytes().first(), Some(b'"' | b'[' | b'`' | b'\''))
    {
        return Ident::at(EcoString::from(text), Quote::None, span);
    }
    odd_ident(i, token)
}

/// As [`ident_of`], for a name in quotes or one that is not UTF-8.
#[inline(never)]
fn odd_ident(i: Tokens<'_>, token: Token) -> Ident {
    let text = i.text(token);
    let quote = match text.first() {
        Some(b'"') => Quote::Double,
        Some(b'[') => Quote::Bracket,
        Some(b'`') => Quote::Backtick,
        Some(b'\'') => Quote::Single,
        _ => Quote::None,
    };
    let text = match quote {
        Quote::None => EcoString::from(i.cx.str_of(token.span())),
        _ => EcoString::from(String::from_utf8_lossy(&unquoted_bytes(text))),
    };
    Ident::at(text, quote, token.span())
}

/// The bytes between a token's quotes, doubled quotes made one.
pub(crate) fn unquoted_bytes(text: &[u8]) -> Vec<u8> {
    let (Some(&quote), Some(inner)) = (text.first(), text.get(1..text.len().saturating_sub(1))) else {
        return Vec::new();
    };
    if quote == b'[' || memchr::memchr(quote, inner).is_none() {
        return inner.to_vec();
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(byte);
        if byte == quote {
            rest.next();
        }
    }
    bytes
}

/// A name: an identifier, a string, or any keyword that may be one.
pub(super) fn name(i: Tokens<'_>) -> Parse<'_, Ident> {
    let token = i.head();
    if token.kind.is_name() {
        Ok((i.skip(), ident_of(i, token)))
    } else {
        i.unexpected()
    }
}

/// As [`name`], into a place where an empty name stands.
pub(super) fn name_into<'a>(i: Tokens<'a>, place: &mut Ident) -> Rest<'a> {
    let token = i.head();
    if !token.kind.is_name() {
        return i.unexpected();
    }
    std::mem::forget(std::mem::replace(place, ident_of(i, token)));
    Ok(i.skip())
}

/// A name where the words of joins, and `INDEXED`, are not names.
pub(super) fn alias_name(i: Tokens<'_>) -> Parse<'_, Ident> {
    let token = i.head();
    if token.kind.is_alias() {
        Ok((i.skip(), ident_of(i, token)))
    } else {
        i.unexpected()
    }
}
