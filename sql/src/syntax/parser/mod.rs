//! From tokens to the tree.
//!
//! | module | what it owns |
//! |---|---|
//! | `statement` | which statement it is; the short ones |
//! | `ddl`, `index` | `CREATE ...` |
//! | `dml` | `INSERT`, `UPDATE`, `DELETE` |
//! | `select`, `from` | queries and joins |
//! | `expression`, `operand`, `operator`, `precedence` | the machine that reads expressions, and its two states |
//! | `call`, `literal` | function calls with their windows; constants and parameters |
//! | `name` | names and lists of names |
//! | `spare` | memory for the next tree |
//! | `input`, `limits` | the token input that nom's combinators run on; bounds |
//!
//! - I1. A rule takes a token only if that token can continue the text. So the token at which parsing stops is the one that
//!   SQLite's parser (LALR, no look ahead beyond one token) names in `near "X": syntax error`. Asserted against SQLite in the tests.
//! - I2. A keyword that may be a name is a keyword first: rules test for the keyword, and ask for a name after that.
//! - I3. No text overflows the stack: see `limits`. The tree is at most 1000 high, so dropping it is bounded as well.
//!
//! What needs the schema is not refused here: unknown names, a `NATURAL` join with `ON` (SQLite looks for the tables first),
//! `RAISE` outside of triggers, row values where they do not fit.

mod call;
mod ddl;
mod dml;
mod expression;
mod from;
mod index;
mod input;
mod limits;
mod literal;
mod name;
mod operand;
mod operator;
mod precedence;
mod select;
mod spare;
mod statement;

use super::ast::{Expr, Parsed, Statement, TEXT_LENGTH_END};
use super::lexer::{Lexer, settle_window_words};
use super::token::{Token, TokenKind};
use expression::Open;
use input::{Context, Fault, ParameterList, Parse, Tokens};
pub use limits::ParseLimits;
use spare::Spare;
use std::cell::RefCell;
use std::fmt;

#[cfg(test)]
mod tests;

pub(crate) use input::unquoted_bytes;
pub(super) use precedence::{BINDS_COLLATE, BINDS_EQUAL, BINDS_NOT, BINDS_SIGN, binary_binding};

/// Why a text is no statement, in SQLite's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The message.
    pub message: String,
    /// Where in the text, in bytes, if there is a place to point at.
    pub offset: Option<u32>,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ParseError {}

/// A statement, and where the text after it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// The statement.
    pub parsed: Parsed,
    /// Offset after its semicolon, or of the end of the text.
    pub end: usize,
}

/// Parses the first statement at or after byte `offset` of `sql`. `None` if there are only blanks, comments and semicolons.
///
/// The text ends at a NUL byte. It need not be UTF-8. Costs one pass over the statement, not over what follows it.
///
/// # Errors
///
/// A [`ParseError`] with SQLite's message. The text after the statement is not looked at.
///
/// ```
/// use aludel_sql::syntax::{ast::Statement, parse_next};
/// let sql = b"SELECT 1; COMMIT";
/// let first = parse_next(sql, 0).unwrap().unwrap();
/// assert!(matches!(first.parsed.statement, Statement::Select(_)));
/// let second = parse_next(sql, first.end).unwrap().unwrap();
/// assert_eq!(second.parsed.statement, Statement::Commit);
/// assert!(parse_next(sql, second.end).unwrap().is_none());
/// assert_eq!(parse_next(b"SELECT FROM", 0).unwrap_err().message, "near \"FROM\": syntax error");
/// ```
pub fn parse_next(sql: &[u8], offset: usize) -> Result<Option<Next>, ParseError> {
    ParseMemory::default().parse_next(sql, offset)
}

/// What a parser keeps from one statement to the next so as to allocate less: room for tokens, for what is open in an expression, and
/// for trees.
#[derive(Default)]
pub struct ParseMemory {
    tokens: Vec<Token>,
    /// Empty between statements.
    open: RefCell<Vec<Open>>,
    /// Empty between statements.
    parameters: RefCell<ParameterList>,
    spare: RefCell<Spare>,
    /// Bounds that an application has set.
    pub limits: ParseLimits,
}

impl fmt::Debug for ParseMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParseMemory")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl ParseMemory {
    /// Room for more tokens is not kept.
    const TOKENS_MAX: usize = 4096;
    /// Room for more open parts is not kept.
    const OPEN_MAX: usize = 64;

    /// As [`parse_next`].
    ///
    /// # Errors
    ///
    /// As [`parse_next`].
    pub fn parse_next(&mut self, sql: &[u8], offset: usize) -> Result<Option<Next>, ParseError> {
        if sql.len() >= TEXT_LENGTH_END {
            return Err(ParseError {
                message: "statement too long".to_owned(),
                offset: None,
            });
        }
        statement_tokens(sql, offset, &mut self.tokens);
        let tokens = self.tokens.as_slice();
        let Some(first) = tokens.first().filter(|token| token.kind != TokenKind::End) else {
            return Ok(None);
        };
        let cx = Context::new(
            sql,
            tokens,
            &self.limits,
            &self.open,
            &self.parameters,
            &self.spare,
        );
        let next = next_of(&cx, *first);
        let outgrown =
            self.tokens.capacity() > Self::TOKENS_MAX || self.open.get_mut().capacity() > Self::OPEN_MAX;
        if outgrown || next.is_err() {
            self.tidy();
        }
        next.map(Some)
    }

    /// Takes back a tree that nobody needs any more: its memory serves the next one.
    pub fn take_back(&mut self, statement: Statement) {
        self.spare.get_mut().take_back(statement);
    }

    /// Leaves nothing behind of a statement that was refused, nor room for more than most statements take.
    #[cold]
    fn tidy(&mut self) {
        let open = self.open.get_mut();
        open.clear();
        if open.capacity() > Self::OPEN_MAX {
            *open = Vec::new();
        }
        if self.tokens.capacity() > Self::TOKENS_MAX {
            self.tokens = Vec::new();
        }
        self.parameters.get_mut().take();
    }
}

fn next_of(cx: &Context<'_>, first: Token) -> Result<Next, ParseError> {
    let (i, mut parsed) = judged(cx, whole_statement(Tokens::new(cx)))?;
    parsed.span.start = first.start;
    parsed.parameters = cx.parameters.borrow_mut().take();
    let end = i.last_end().max(first.end) as usize;
    Ok(Next {
        parsed,
        end: if i.kind() == TokenKind::End {
            end_of_text(cx.tokens, end)
        } else {
            end
        },
    })
}

/// Parses the only statement of a text: what comes after it may be blanks, comments and semicolons.
///
/// # Errors
///
/// As [`parse_next`]; and if there is no statement, or more than one.
pub fn parse_one(sql: &[u8]) -> Result<Parsed, ParseError> {
    let refuse = |message: &str| ParseError {
        message: message.to_owned(),
        offset: None,
    };
    let Some(next) = parse_next(sql, 0)? else {
        return Err(refuse("incomplete input"));
    };
    if let Ok(None) = parse_next(sql, next.end) {
        return Ok(next.parsed);
    }
    Err(refuse("more than one statement"))
}

/// Parses an expression that stands alone.
///
/// # Errors
///
/// As [`parse_next`].
pub fn parse_expr(sql: &[u8]) -> Result<Expr, ParseError> {
    let mut tokens = Vec::new();
    statement_tokens(sql, 0, &mut tokens);
    let (limits, open, parameters, spare) = Default::default();
    let cx = Context::new(sql, &tokens, &limits, &open, &parameters, &spare);
    let made = expression::expr(Tokens::new(&cx)).and_then(|(i, expr)| match i.kind() {
        TokenKind::End => Ok(expr),
        _ => i.unexpected(),
    });
    judged(&cx, made)
}

fn whole_statement(i: Tokens<'_>) -> Parse<'_, Parsed> {
    let (i, explain) = statement::explain(i)?;
    let (i, statement) = statement::statement(i)?;
    let span = i.span_since(0);
    match i.kind() {
        TokenKind::Semicolon | TokenKind::End => {
            let i = i.accept(TokenKind::Semicolon).0;
            Ok((
                i,
                Parsed {
                    statement,
                    explain,
                    parameters: Default::default(),
                    span,
                },
            ))
        }
        _ => i.unexpected(),
    }
}

/// Where the text after the statement begins if no semicolon ends it.
fn end_of_text(tokens: &[Token], statement_end: usize) -> usize {
    let semicolon = tokens
        .iter()
        .rev()
        .nth(1)
        .is_some_and(|token| token.kind == TokenKind::Semicolon);
    if semicolon {
        statement_end
    } else {
        tokens.last().map_or(statement_end, |token| token.end as usize)
    }
}

/// What was made, unless there is a fault or an objection.
fn judged<T>(cx: &Context<'_>, made: Result<T, nom::Err<Fault>>) -> Result<T, ParseError> {
    let (value, fault) = match made {
        Ok(value) => (Some(value), None),
        Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => (None, Some(fault)),
        Err(nom::Err::Incomplete(_)) => (
            None,
            Some(Fault::Near(Tokens::new(cx).peek(cx.tokens.len() as u32))),
        ),
    };
    match (value, cx.verdict(fault)) {
        (Some(value), None) => Ok(value),
        (_, fault) => Err(parse_error(
            cx,
            fault.unwrap_or(Fault::Near(Tokens::new(cx).head())),
        )),
    }
}

fn parse_error(cx: &Context<'_>, fault: Fault) -> ParseError {
    let token = match fault {
        Fault::Message(error) => return *error,
        Fault::Near(token) => token,
    };
    let text = String::from_utf8_lossy(token.span().of(cx.sql)).into_owned();
    match token.kind {
        TokenKind::End => ParseError {
            message: "incomplete input".to_owned(),
            offset: None,
        },
        TokenKind::Illegal => ParseError {
            message: format!("unrecognized token: \"{text}\""),
            offset: Some(token.start),
        },
        _ => ParseError {
            message: format!("near \"{text}\": syntax error"),
            offset: Some(token.start),
        },
    }
}

/// How far a statement's tokens reach.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// To the first semicolon.
    Semicolon,
    /// To the semicolon after `; END`: the steps of a trigger end in semicolons too.
    TriggerEnd,
    /// To the first semicolon outside parentheses: the arguments of a module may be anything.
    OuterSemicolon,
}

/// Makes `tokens` those of the first statement after `offset`, its semicolon included, then `End`.
fn statement_tokens(sql: &[u8], offset: usize, tokens: &mut Vec<Token>) {
    tokens.clear();
    let mut lexer = Lexer::new(sql, offset);
    let rest = sql.len().saturating_sub(offset);
    tokens.reserve((rest / 2 + 4).min(512));
    let (mut reach, mut depth, mut has_window_word) = (Reach::Semicolon, 0_usize, false);
    loop {
        let token = lexer.next_token();
        if token.kind == TokenKind::Semicolon && tokens.is_empty() {
            continue;
        }
        tokens.push(token);
        if matches!(token.kind, TokenKind::Id | TokenKind::Dot | TokenKind::Comma) {
            continue;
        }
        match token.kind {
            TokenKind::End => break,
            TokenKind::LeftParen => depth += 1,
            TokenKind::RightParen => depth = depth.saturating_sub(1),
            TokenKind::Semicolon if ends_statement(tokens, reach, depth) => {
                tokens.push(Token {
                    kind: TokenKind::End,
                    start: token.end,
                    end: token.end,
                });
                break;
            }
            TokenKind::Trigger | TokenKind::Virtual => reach = reach_of(tokens).unwrap_or(reach),
            TokenKind::Window | TokenKind::Over | TokenKind::Filter => has_window_word = true,
            _ => {}
        }
    }
    if has_window_word {
        settle_window_words(tokens);
    }
}

/// If the tokens so far are `CREATE [TEMP] TRIGGER` or `CREATE VIRTUAL`, where that statement ends.
fn reach_of(tokens: &[Token]) -> Option<Reach> {
    use TokenKind as T;
    let kinds: Vec<TokenKind> = tokens.iter().take(7).map(|token| token.kind).collect();
    let kinds = match kinds.as_slice() {
        [T::Explain, T::Query, T::Plan, rest @ ..] | [T::Explain, rest @ ..] | rest => rest,
    };
    match kinds {
        [T::Create, T::Trigger] | [T::Create, T::Temp | T::Temporary, T::Trigger] => Some(Reach::TriggerEnd),
        [T::Create, T::Virtual] => Some(Reach::OuterSemicolon),
        _ => None,
    }
}

fn ends_statement(tokens: &[Token], reach: Reach, depth: usize) -> bool {
    match reach {
        Reach::Semicolon => true,
        Reach::OuterSemicolon => depth == 0,
        Reach::TriggerEnd => {
            matches!(tokens, [.., before, end, _] if before.kind == TokenKind::Semicolon && end.kind == TokenKind::EndKeyword)
        }
    }
}
