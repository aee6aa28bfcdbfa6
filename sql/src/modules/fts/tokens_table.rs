//! `fts3tokenize`: a tokenizer's words of a text, one a row. `SELECT token FROM t WHERE input = 'some words'`.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::tokenizer::Tokenizer;
use super::words::dequoted;
use super::writing::text_of;
use super::{SharedTokenizers, constructor_failed};
use crate::error::{Error, Result};
use crate::exec::Batch;
use crate::exec::Class;
use crate::value::Value;
use crate::virtual_table::{
    Connected, ConstraintOp, CursorColumn, IndexPlan, IndexQuestion, Module, ModuleArguments, ModuleUsage,
    Risk, VirtualContext, VirtualCursor, VirtualTable,
};

/// The module `fts3tokenize`.
#[derive(Clone, Debug, Default)]
pub struct TokensModule {
    tokenizers: SharedTokenizers,
}

impl TokensModule {
    /// A module that knows these tokenizers.
    pub fn new(tokenizers: SharedTokenizers) -> TokensModule {
        TokensModule { tokenizers }
    }
}

impl Module for TokensModule {
    fn usage(&self) -> ModuleUsage {
        ModuleUsage::Either
    }

    fn connect(
        &self,
        _context: &mut VirtualContext<'_>,
        arguments: &ModuleArguments<'_>,
    ) -> Result<Connected> {
        let words: Vec<Vec<u8>> = arguments
            .arguments
            .iter()
            .map(|text| dequoted(text.as_bytes()))
            .collect();
        let (name, rest) = match words.split_first() {
            Some((name, rest)) => (name.as_slice(), rest),
            None => (&b"simple"[..], &[][..]),
        };
        let factory = Arc::clone(self.tokenizers.read().find(name)?);
        let tokenizer = factory
            .create(rest)
            .ok_or_else(|| constructor_failed(arguments))?;
        Ok(Connected {
            declaration: "CREATE TABLE x(input, token, start, end, position)".to_owned(),
            table: Arc::new(TokensTable { tokenizer }),
        })
    }
}

#[derive(Debug)]
struct TokensTable {
    tokenizer: Arc<dyn Tokenizer>,
}

impl VirtualTable for TokensTable {
    fn best_index(&self, question: &IndexQuestion<'_>) -> Result<Option<IndexPlan>> {
        let mut plan = IndexPlan::default();
        let wanted = question.constraints.iter().position(|constraint| {
            constraint.usable && constraint.column == Some(0) && constraint.op == ConstraintOp::Eq
        });
        if let Some(input) = wanted {
            plan.number = 1;
            plan.take(input, true);
            plan.cost = 1.0;
        }
        Ok(Some(plan))
    }

    fn open(&self) -> Result<Box<dyn VirtualCursor>> {
        Ok(Box::new(TokensCursor {
            tokenizer: Arc::clone(&self.tokenizer),
            input: Vec::new(),
            tokens: Vec::new(),
            next: 0,
        }))
    }

    fn risk(&self) -> Risk {
        Risk::Innocuous
    }
}

struct OwnedToken {
    term: Vec<u8>,
    start: usize,
    end: usize,
    position: usize,
}

struct TokensCursor {
    tokenizer: Arc<dyn Tokenizer>,
    input: Vec<u8>,
    tokens: Vec<OwnedToken>,
    next: usize,
}

impl VirtualCursor for TokensCursor {
    fn filter(
        &mut self,
        _context: &mut VirtualContext<'_>,
        plan: &IndexPlan,
        arguments: &[Value],
    ) -> Result<()> {
        self.tokens.clear();
        self.next = 0;
        if plan.number != 1 {
            // SQLite from 3.41 on has no answer without an input; before it had no rows.
            return Err(Error::sql("SQL logic error"));
        }
        let input = arguments.first();
        let Some(input) = input.and_then(|input| text_of(input.as_ref())) else {
            return Ok(());
        };
        self.input = input.into_owned();
        let tokens = &mut self.tokens;
        self.tokenizer.tokenize(&self.input, 0, &mut |token| {
            tokens.push(OwnedToken {
                term: token.term.to_vec(),
                start: token.start,
                end: token.end,
                position: token.position,
            });
            Ok(ControlFlow::Continue(()))
        })
    }

    fn fill(
        &mut self,
        _context: &mut VirtualContext<'_>,
        columns: &[CursorColumn],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize> {
        let end = self.tokens.len().min(self.next.saturating_add(max));
        let rows = self.next..end;
        for (out, column) in batch.columns.iter_mut().zip(columns) {
            for number in rows.clone() {
                let token = &self.tokens[number];
                match column {
                    CursorColumn::Column(0) => out.push_bytes(Class::Text, &self.input),
                    CursorColumn::Column(1) => out.push_bytes(Class::Text, &token.term),
                    CursorColumn::Column(2) => out.push_integer(token.start as i64),
                    CursorColumn::Column(3) => out.push_integer(token.end as i64),
                    CursorColumn::Column(4) => out.push_integer(token.position as i64),
                    CursorColumn::Rowid => out.push_integer(number as i64 + 1),
                    _ => out.push_null(),
                }
            }
        }
        self.next = end;
        let count = rows.len();
        if count > 0 {
            let length = batch.len() + count;
            batch.set_len(length);
        }
        Ok(count)
    }
}
