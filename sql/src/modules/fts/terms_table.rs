//! `fts4aux`: the words of a full-text table's index, with how many rows and places each has.
//!
//! A word has a row for all columns (`col` is `*`) and one for each column that it is in. Words that wait to be written are not seen.

use std::sync::Arc;

use super::doclist::{Direction, DoclistReader, Places, corrupt};
use super::segment::merge::{Deleted, Merge};
use super::segment::reader::SegmentReader;
use super::shadow::{LEVELS, Shadow, integer};
use super::words::dequoted;
use super::writing::text_of;
use crate::error::{Error, Result};
use crate::exec::Batch;
use crate::exec::{Class, Vector};
use crate::value::Value;
use crate::virtual_table::{
    Connected, ConstraintOp, CursorColumn, IndexPlan, IndexQuestion, Module, ModuleArguments, ModuleUsage,
    Risk, VirtualContext, VirtualCursor, VirtualTable,
};

/// The module `fts4aux`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TermsModule;

impl Module for TermsModule {
    fn usage(&self) -> ModuleUsage {
        ModuleUsage::Either
    }

    fn connect(
        &self,
        _context: &mut VirtualContext<'_>,
        arguments: &ModuleArguments<'_>,
    ) -> Result<Connected> {
        let (schema, table) = match arguments.arguments {
            [table] => (arguments.schema.to_owned(), table),
            [schema, table] if arguments.schema.eq_ignore_ascii_case("temp") => (unquoted(schema), table),
            _ => return Err(Error::sql("invalid arguments to fts4aux constructor")),
        };
        let table = TermsTable {
            shadow: Arc::new(Shadow::new(&schema, &unquoted(table))),
        };
        Ok(Connected {
            declaration: "CREATE TABLE x(term, col, documents, occurrences, languageid HIDDEN)".to_owned(),
            table: Arc::new(table),
        })
    }
}

fn unquoted(word: &str) -> String {
    String::from_utf8_lossy(&dequoted(word.as_bytes())).into_owned()
}

#[derive(Debug)]
struct TermsTable {
    shadow: Arc<Shadow>,
}

const EQUALS: i32 = 1;
const HAS_LOWEST: i32 = 2;
const HAS_HIGHEST: i32 = 4;
const HAS_LANGUAGE: i32 = 8;

impl VirtualTable for TermsTable {
    fn best_index(&self, question: &IndexQuestion<'_>) -> Result<Option<IndexPlan>> {
        let (mut equal, mut lowest, mut highest, mut language) = (None, None, None, None);
        let constraints = question.constraints.iter().enumerate();
        for (number, constraint) in constraints.filter(|(_, constraint)| constraint.usable) {
            match (constraint.column, constraint.op) {
                (Some(0), ConstraintOp::Eq) => equal = Some(number),
                (Some(0), ConstraintOp::Lt | ConstraintOp::Le) => highest = Some(number),
                (Some(0), ConstraintOp::Gt | ConstraintOp::Ge) => lowest = Some(number),
                (Some(4), ConstraintOp::Eq) => language = Some(number),
                _ => {}
            }
        }
        let mut plan = IndexPlan {
            cost: 20_000.0,
            ..IndexPlan::default()
        };
        if let Some(equal) = equal {
            plan.number = EQUALS;
            plan.cost = 5.0;
            plan.take(equal, false);
        } else {
            for (bound, flag) in [(lowest, HAS_LOWEST), (highest, HAS_HIGHEST)] {
                if let Some(bound) = bound {
                    plan.number |= flag;
                    plan.cost /= 2.0;
                    plan.take(bound, false);
                }
            }
        }
        if let Some(language) = language {
            plan.number |= HAS_LANGUAGE;
            plan.cost -= 1.0;
            plan.take(language, false);
        }
        if let [order] = question.order {
            plan.order_consumed = order.column == Some(0) && !order.descending;
        }
        Ok(Some(plan))
    }

    fn open(&self) -> Result<Box<dyn VirtualCursor>> {
        Ok(Box::new(TermsCursor {
            shadow: Arc::clone(&self.shadow),
            merge: None,
            language: 0,
            only: None,
            highest: None,
            term: Vec::new(),
            counts: Vec::new(),
            next_count: 0,
            rowid: 0,
        }))
    }

    fn risk(&self) -> Risk {
        Risk::Innocuous
    }
}

/// Rows and places of a word.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    rows: i64,
    places: i64,
}

struct TermsCursor {
    shadow: Arc<Shadow>,
    merge: Option<Merge>,
    language: i64,
    only: Option<Vec<u8>>,
    highest: Option<Vec<u8>>,
    term: Vec<u8>,
    /// Of all columns, then of each.
    counts: Vec<Count>,
    next_count: usize,
    rowid: i64,
}

/// The table says nothing of `order=desc` to this one, so SQLite reads all indexes upwards here. For counting that does mostly.
const DIRECTION: Direction = Direction::Ascending;

/// Columns past this one are damage, not columns.
const COLUMNS_MAX: usize = 40_000;

impl TermsCursor {
    /// Goes to the next word; false at the end.
    fn next_term(&mut self, context: &mut VirtualContext<'_>) -> Result<bool> {
        let Some(merge) = &mut self.merge else {
            return Ok(false);
        };
        context.check_interrupt()?;
        let more = merge.next(context, &self.shadow)?;
        let is_past = |term: &[u8]| {
            self.only.as_ref().is_some_and(|only| term != only.as_slice())
                || self
                    .highest
                    .as_ref()
                    .is_some_and(|highest| term > highest.as_slice())
        };
        if !more || is_past(merge.term()) {
            self.merge = None;
            return Ok(false);
        }
        self.term.clear();
        self.term.extend_from_slice(merge.term());
        self.counts.clear();
        self.counts.resize(2, Count::default());
        let mut rows = DoclistReader::new(merge.doclist(), DIRECTION);
        while let Some((_, positions)) = rows.next()? {
            count_row(positions, &mut self.counts)?;
        }
        self.next_count = 0;
        Ok(true)
    }

    /// The number of the next count that has rows.
    fn next_row(&mut self, context: &mut VirtualContext<'_>) -> Result<Option<usize>> {
        loop {
            let rest = self.counts.get(self.next_count..).unwrap_or_default();
            let is_first = self.next_count == 0;
            if let Some(skipped) = rest.iter().position(|count| is_first || count.rows > 0) {
                let found = self.next_count + skipped;
                self.next_count = found + 1;
                return Ok(Some(found));
            }
            if !self.next_term(context)? {
                return Ok(None);
            }
        }
    }

    fn push(&self, column: CursorColumn, number: usize, out: &mut Vector) {
        let count = self.counts[number];
        match column {
            CursorColumn::Column(0) => out.push_bytes(Class::Text, &self.term),
            CursorColumn::Column(1) if number == 0 => out.push_bytes(Class::Text, b"*"),
            CursorColumn::Column(1) => out.push_integer(number as i64 - 1),
            CursorColumn::Column(2) => out.push_integer(count.rows),
            CursorColumn::Column(3) => out.push_integer(count.places),
            CursorColumn::Column(4) => out.push_integer(self.language),
            CursorColumn::Rowid => out.push_integer(self.rowid),
            _ => out.push_null(),
        }
    }
}

fn count_row(positions: &[u8], counts: &mut Vec<Count>) -> Result<()> {
    counts[0].rows += 1;
    let mut last = None;
    for (column, _) in Places::new(positions) {
        let place = column as usize + 1;
        if place > COLUMNS_MAX {
            return Err(corrupt());
        }
        if counts.len() <= place {
            counts.resize(place + 1, Count::default());
        }
        counts[0].places += 1;
        counts[place].places += 1;
        counts[place].rows += i64::from(last != Some(column));
        last = Some(column);
    }
    Ok(())
}

impl VirtualCursor for TermsCursor {
    fn filter(
        &mut self,
        context: &mut VirtualContext<'_>,
        plan: &IndexPlan,
        arguments: &[Value],
    ) -> Result<()> {
        let mut arguments = arguments.iter();
        let mut bound = |flag: i32| {
            if plan.number & flag != 0 {
                arguments.next()
            } else {
                None
            }
        };
        let text = |value: Option<&Value>| {
            let text = value.and_then(|value| text_of(value.as_ref()));
            text.map(|text| text.into_owned())
        };
        self.only = text(bound(EQUALS));
        let lowest = text(bound(HAS_LOWEST));
        self.highest = text(bound(HAS_HIGHEST));
        let language = bound(HAS_LANGUAGE);
        self.language = language.map_or(0, |language| i64::from(integer(language.as_ref()) as i32).max(0));
        let from = self.only.clone().or(lowest).unwrap_or_default();
        let base = self.language.saturating_mul(LEVELS);
        let mut readers = Vec::new();
        for (age, segment) in self.shadow.index_segments(context, base)?.iter().enumerate() {
            readers.push(SegmentReader::from_term(
                context,
                &self.shadow,
                age,
                segment,
                &from,
            )?);
        }
        self.merge = Some(Merge::start(
            context,
            &self.shadow,
            readers,
            DIRECTION,
            Deleted::Drop,
            &from,
        )?);
        self.counts.clear();
        self.next_count = 0;
        self.rowid = 0;
        Ok(())
    }

    fn fill(
        &mut self,
        context: &mut VirtualContext<'_>,
        columns: &[CursorColumn],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize> {
        let mut count = 0;
        while count < max {
            let Some(number) = self.next_row(context)? else {
                break;
            };
            self.rowid += 1;
            for (out, column) in batch.columns.iter_mut().zip(columns) {
                self.push(*column, number, out);
            }
            count += 1;
        }
        if count > 0 {
            let length = batch.len() + count;
            batch.set_len(length);
        }
        Ok(count)
    }
}
