//! From the text right of MATCH to a tree.
//!
//! ```text
//! word  prefix*  column:word  ^first  "a phrase"  a NEAR b  a NEAR/3 b  a OR b
//! standard   a b -c
//! enhanced   a AND b NOT c  (a OR b)
//! ```
//!
//! Binding, from tight to loose: NEAR, then in the standard syntax OR, AND (the blank); in the enhanced one NOT, AND, OR. Operators must be in capitals
//! and stand alone. What the tokenizer takes for no word is skipped.

use super::QuerySyntax;
use super::expression::{DEPTH_MAX, Expression, Phrase, TooDeep, Word};
use crate::error::{Error, Result};
use crate::modules::fts::options::Generation;
use crate::modules::fts::tokenizer::{Tokenizer, first_token};
use std::ops::ControlFlow;

/// What a query is read with.
#[derive(Clone, Copy, Debug)]
pub(in crate::modules::fts) struct QueryReader<'a> {
    pub(in crate::modules::fts) syntax: QuerySyntax,
    pub(in crate::modules::fts) generation: Generation,
    pub(in crate::modules::fts) tokenizer: &'a dyn Tokenizer,
    pub(in crate::modules::fts) language: i32,
    pub(in crate::modules::fts) columns: &'a [String],
    /// The column left of MATCH, unless that is the table.
    pub(in crate::modules::fts) default_column: Option<usize>,
}

/// Words between two phrases for a NEAR that does not say.
const NEAR_DEFAULT: u32 = 10;
/// Parentheses inside each other.
const NESTING_MAX: usize = 1000;

impl QueryReader<'_> {
    /// The tree of `text`; `None` if there is nothing to look for in it.
    pub(in crate::modules::fts) fn read(&self, text: &[u8]) -> Result<Option<Expression>> {
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        let malformed = || {
            let text = String::from_utf8_lossy(text);
            Error::sql(format!("malformed MATCH expression: [{text}]"))
        };
        let mut parser = Parser {
            reader: self,
            rest: text,
            nesting: 0,
        };
        let tree = parser.expression().map_err(|failure| match failure {
            Failure::Malformed => malformed(),
            Failure::Tokenizer(error) => error,
        })?;
        if parser.nesting != 0 {
            return Err(malformed());
        }
        match tree.as_ref().map_or(Ok(()), Expression::check_depth) {
            Ok(()) => Ok(tree),
            Err(TooDeep::Malformed) => Err(malformed()),
            Err(TooDeep::TooLarge) => Err(Error::sql(format!(
                "FTS expression tree is too large (maximum depth {DEPTH_MAX})"
            ))),
        }
    }
}

enum Failure {
    Malformed,
    Tokenizer(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Tokenizer(error)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Near(u32),
    Not,
    And,
    Or,
}

/// A piece of the text.
enum Piece {
    Operator(Operator),
    Operand(Expression),
    /// `-word`
    Excluded(Expression),
    /// `(`
    Open,
    /// Nothing to look for.
    Nothing,
    /// The end, or the parenthesis that closes.
    End,
}

struct Parser<'r, 't> {
    reader: &'r QueryReader<'r>,
    rest: &'t [u8],
    nesting: isize,
}

impl Parser<'_, '_> {
    fn is_enhanced(&self) -> bool {
        self.reader.syntax == QuerySyntax::Enhanced
    }

    /// Parentheses are levels of a list, not calls inside each other: their number is the text's to choose.
    fn expression(&mut self) -> Result<Option<Expression>, Failure> {
        let mut outer: Vec<Level> = Vec::new();
        let mut level = Level::new(self.reader.syntax);
        loop {
            match self.piece()? {
                Piece::Nothing => {}
                Piece::Excluded(phrase) => level.excluded.push(phrase),
                Piece::Operator(operator) => level.operator(operator)?,
                Piece::Operand(operand) => level.operand(operand)?,
                Piece::Open => outer.push(std::mem::replace(&mut level, Level::new(self.reader.syntax))),
                Piece::End => {
                    let done = level.finish()?;
                    let Some(around) = outer.pop() else {
                        return Ok(done);
                    };
                    level = around;
                    if let Some(operand) = done {
                        level.operand(operand)?;
                    }
                }
            }
        }
    }

    fn piece(&mut self) -> Result<Piece, Failure> {
        self.rest = self.rest.trim_ascii_start_as_sqlite();
        if self.rest.is_empty() {
            return Ok(Piece::End);
        }
        if let Some((operator, length)) = self.operator() {
            self.rest = &self.rest[length..];
            return Ok(Piece::Operator(operator));
        }
        match self.rest[0] {
            b'"' => self.quoted_phrase(),
            b'(' if self.is_enhanced() => {
                self.nesting += 1;
                if self.nesting > NESTING_MAX as isize {
                    return Err(Failure::Malformed);
                }
                self.rest = &self.rest[1..];
                Ok(Piece::Open)
            }
            b')' if self.is_enhanced() => {
                self.nesting -= 1;
                self.rest = &self.rest[1..];
                Ok(Piece::End)
            }
            _ => self.word(),
        }
    }

    /// The operator that the text starts with, and its length.
    fn operator(&self) -> Option<(Operator, usize)> {
        let rest = self.rest;
        let (operator, length) = match rest {
            [b'O', b'R', ..] => (Operator::Or, 2),
            [b'A', b'N', b'D', ..] if self.is_enhanced() => (Operator::And, 3),
            [b'N', b'O', b'T', ..] if self.is_enhanced() => (Operator::Not, 3),
            [b'N', b'E', b'A', b'R', b'/', digits @ ..] if digits.first().is_some_and(u8::is_ascii_digit) => {
                let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let distance = digits[..count].iter().fold(0_u32, |number, digit| {
                    number.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
                });
                // A number that is none makes a word of it.
                i32::try_from(distance).ok()?;
                (Operator::Near(distance), 5 + count)
            }
            [b'N', b'E', b'A', b'R', ..] => (Operator::Near(NEAR_DEFAULT), 4),
            _ => return None,
        };
        let ends = match rest.get(length) {
            None => true,
            Some(byte) => is_space(*byte) || matches!(byte, b'"' | b'(' | b')'),
        };
        ends.then_some((operator, length))
    }

    fn quoted_phrase(&mut self) -> Result<Piece, Failure> {
        let inner = &self.rest[1..];
        let length = inner
            .iter()
            .position(|byte| *byte == b'"')
            .ok_or(Failure::Malformed)?;
        let inner = &inner[..length];
        let mut phrase = Phrase {
            words: Vec::new(),
            column: self.reader.default_column,
        };
        let visit = &mut |token: crate::modules::fts::tokenizer::Token<'_>| {
            phrase.words.push(Word {
                term: token.term.to_vec(),
                is_prefix: inner.get(token.end) == Some(&b'*'),
                is_first: token.start > 0 && inner.get(token.start - 1) == Some(&b'^'),
            });
            Ok(ControlFlow::Continue(()))
        };
        self.reader
            .tokenizer
            .tokenize(inner, self.reader.language, visit)?;
        self.rest = &self.rest[length + 2..];
        Ok(Piece::Operand(Expression::Phrase(phrase)))
    }

    /// A single word, perhaps with a column before it.
    fn word(&mut self) -> Result<Piece, Failure> {
        let (column, skipped) = self.column_prefix();
        let column = column.or(self.reader.default_column);
        let rest = &self.rest[skipped..];
        let barred = |byte: &u8| *byte == b'"' || self.is_enhanced() && matches!(byte, b'(' | b')');
        let length = rest.iter().position(barred).unwrap_or(rest.len());
        let Some((term, start, end)) =
            first_token(self.reader.tokenizer, &rest[..length], self.reader.language)?
        else {
            self.rest = &rest[length..];
            // A column with no word behind it ends the query.
            return Ok(if length == 0 { Piece::End } else { Piece::Nothing });
        };
        let is_prefix = end < length && rest.get(end) == Some(&b'*');
        let mut is_first = false;
        let mut is_excluded = false;
        for mark in rest.get(..start).unwrap_or_default().iter().rev() {
            match mark {
                b'-' if !self.is_enhanced() => is_excluded = true,
                b'^' if self.reader.generation == Generation::Four => is_first = true,
                _ => break,
            }
        }
        let used = end + usize::from(is_prefix);
        self.rest = rest.get(used.max(1)..).unwrap_or_default();
        let words = vec![Word {
            term,
            is_prefix,
            is_first,
        }];
        let phrase = Expression::Phrase(Phrase { words, column });
        Ok(match is_excluded {
            true => Piece::Excluded(phrase),
            false => Piece::Operand(phrase),
        })
    }

    /// The column that `name:` names, and the length of that.
    fn column_prefix(&self) -> (Option<usize>, usize) {
        for (number, name) in self.reader.columns.iter().enumerate() {
            let length = name.len();
            let names = self.rest.get(length) == Some(&b':')
                && self.rest[..length].eq_ignore_ascii_case(name.as_bytes());
            if names {
                return (Some(number), length + 1);
            }
        }
        (None, 0)
    }
}

/// What is between two parentheses: operands and operators that wait for what comes.
struct Level {
    syntax: QuerySyntax,
    operands: Vec<Expression>,
    operators: Vec<Operator>,
    /// Words with a `-`.
    excluded: Vec<Expression>,
    wants_operand: bool,
}

impl Level {
    fn new(syntax: QuerySyntax) -> Level {
        Level {
            syntax,
            operands: Vec::new(),
            operators: Vec::new(),
            excluded: Vec::new(),
            wants_operand: true,
        }
    }

    fn operator(&mut self, operator: Operator) -> Result<(), Failure> {
        let after_phrase = matches!(self.operands.last(), Some(Expression::Phrase(_)));
        if self.wants_operand || matches!(operator, Operator::Near(_)) && !after_phrase {
            return Err(Failure::Malformed);
        }
        self.push_operator(operator);
        self.wants_operand = true;
        Ok(())
    }

    fn operand(&mut self, operand: Expression) -> Result<(), Failure> {
        if !self.wants_operand {
            self.push_operator(Operator::And);
        }
        let after_near = matches!(self.operators.last(), Some(Operator::Near(_)));
        if after_near && !matches!(operand, Expression::Phrase(_)) {
            return Err(Failure::Malformed);
        }
        self.operands.push(operand);
        self.wants_operand = false;
        Ok(())
    }

    /// The tree; `None` if there was nothing.
    fn finish(mut self) -> Result<Option<Expression>, Failure> {
        if self.wants_operand && !self.operands.is_empty() {
            return Err(Failure::Malformed);
        }
        while !self.operators.is_empty() {
            self.reduce();
        }
        match (self.operands.pop(), self.excluded.is_empty()) {
            (tree, true) => Ok(tree),
            (None, false) => Err(Failure::Malformed),
            (Some(tree), false) => Ok(Some(Expression::Not(Box::new(tree), self.excluded))),
        }
    }

    fn binding(&self, operator: Operator) -> u8 {
        match (self.syntax, operator) {
            (_, Operator::Near(_)) => 1,
            (QuerySyntax::Standard, Operator::Or) => 2,
            (QuerySyntax::Standard, _) => 3,
            (QuerySyntax::Enhanced, Operator::Not) => 2,
            (QuerySyntax::Enhanced, Operator::And) => 3,
            (QuerySyntax::Enhanced, Operator::Or) => 4,
        }
    }

    fn push_operator(&mut self, operator: Operator) {
        let binding = self.binding(operator);
        while self
            .operators
            .last()
            .is_some_and(|last| self.binding(*last) <= binding)
        {
            self.reduce();
        }
        self.operators.push(operator);
    }

    /// Makes one operand of the last two.
    fn reduce(&mut self) {
        let (Some(operator), Some(right), Some(left)) =
            (self.operators.pop(), self.operands.pop(), self.operands.pop())
        else {
            return;
        };
        self.operands.push(joined(operator, left, right));
    }
}

fn joined(operator: Operator, left: Expression, right: Expression) -> Expression {
    match (operator, left, right) {
        (Operator::And, left, right) => {
            let mut parts = and_parts(left);
            parts.append(&mut and_parts(right));
            Expression::And(parts)
        }
        (Operator::Or, left, right) => {
            let mut parts = or_parts(left);
            parts.append(&mut or_parts(right));
            Expression::Or(parts)
        }
        (Operator::Not, Expression::Not(wanted, mut unwanted), right) => {
            unwanted.push(right);
            Expression::Not(wanted, unwanted)
        }
        (Operator::Not, left, right) => Expression::Not(Box::new(left), vec![right]),
        (
            Operator::Near(distance),
            Expression::Near(mut phrases, mut distances),
            Expression::Phrase(right),
        ) => {
            phrases.push(right);
            distances.push(distance);
            Expression::Near(phrases, distances)
        }
        (Operator::Near(distance), Expression::Phrase(left), Expression::Phrase(right)) => {
            Expression::Near(vec![left, right], vec![distance])
        }
        // The parser lets NEAR have phrases only.
        (Operator::Near(_), left, right) => Expression::And(vec![left, right]),
    }
}

fn and_parts(expression: Expression) -> Vec<Expression> {
    match expression {
        Expression::And(parts) => parts,
        other => vec![other],
    }
}

fn or_parts(expression: Expression) -> Vec<Expression> {
    match expression {
        Expression::Or(parts) => parts,
        other => vec![other],
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

trait TrimStart {
    fn trim_ascii_start_as_sqlite(&self) -> &Self;
}

impl TrimStart for [u8] {
    /// Blank, tab, newline, vertical tab, form feed, return.
    fn trim_ascii_start_as_sqlite(&self) -> &[u8] {
        let spaces = self.iter().take_while(|byte| is_space(**byte)).count();
        &self[spaces..]
    }
}
