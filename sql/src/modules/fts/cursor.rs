//! Scans: by MATCH, by docid, over all rows.
//!
//! A scan by MATCH knows its docids from the start and reads %_content only for columns that somebody wants.

use std::sync::Arc;

use super::doclist::{Direction, corrupt};
use super::handle::{self, Query};
use super::index_choice::{DESCENDING, DOCID, HAS_HIGHEST, HAS_LANGUAGE, HAS_LOWEST, MATCH, SCAN};
use super::shadow::{anonymous, integer};
use super::table::FtsTable;
use super::writing::text_of;
use crate::error::Result;
use crate::exec::Batch;
use crate::exec::{Class, Vector};
use crate::value::{Value, ValueRef};
use crate::virtual_table::{CursorColumn, IndexPlan, Prepared, VirtualContext, VirtualCursor};

/// A scan of a full-text table.
pub(super) struct FtsCursor {
    table: Arc<FtsTable>,
    rows: Rows,
    query: Option<Query>,
    /// Reads one row of %_content.
    lookup: Prepared,
    handle: Vec<u8>,
}

enum Rows {
    /// Rows as %_content has them.
    Stored(Box<Prepared>),
    /// Docids that a query found, the next one last.
    Found(Vec<i64>),
}

impl FtsCursor {
    pub(super) fn new(table: Arc<FtsTable>) -> FtsCursor {
        let lookup = Prepared::new(&format!("{} WHERE rowid = ?1", table.content.select));
        FtsCursor {
            table,
            rows: Rows::Found(Vec::new()),
            query: None,
            lookup,
            handle: Vec::new(),
        }
    }

    fn start_scan(
        &mut self,
        context: &mut VirtualContext<'_>,
        range: DocidRange,
        descending: bool,
    ) -> Result<()> {
        let order = if descending {
            " ORDER BY rowid DESC"
        } else {
            " ORDER BY rowid ASC"
        };
        let select = &self.table.content.select;
        let (sql, params) = match range.is_all() {
            true => (format!("{select}{order}"), Vec::new()),
            false => (
                format!("{select} WHERE rowid BETWEEN ?1 AND ?2{order}"),
                vec![Value::Integer(range.lowest), Value::Integer(range.highest)],
            ),
        };
        self.start_stored(context, &sql, &params)
    }

    fn start_stored(&mut self, context: &mut VirtualContext<'_>, sql: &str, params: &[Value]) -> Result<()> {
        let reusable = matches!(&self.rows, Rows::Stored(rows) if rows.sql() == sql);
        if !reusable {
            self.rows = Rows::Stored(Box::new(Prepared::new(sql)));
        }
        if let Rows::Stored(rows) = &mut self.rows {
            rows.start(context, params).map_err(anonymous)?;
        }
        Ok(())
    }

    fn start_match(
        &mut self,
        context: &mut VirtualContext<'_>,
        query: Query,
        range: DocidRange,
        descending: bool,
    ) -> Result<()> {
        let matches = self.table.run_query(context, &query)?;
        let mut docids = matches.map_or(Vec::new(), |matches| matches.docids.clone());
        if !range.is_all() {
            docids.retain(|docid| (range.lowest..=range.highest).contains(docid));
        }
        if !descending {
            docids.reverse();
        }
        self.rows = Rows::Found(docids);
        self.query = Some(query);
        Ok(())
    }

    /// The next docid; for stored rows the row is at hand.
    fn next(&mut self, context: &mut VirtualContext<'_>) -> Result<Option<i64>> {
        match &mut self.rows {
            Rows::Found(docids) => Ok(docids.pop()),
            Rows::Stored(rows) => match rows.next(context).map_err(anonymous)? {
                true => Ok(Some(integer(rows.value(0)))),
                false => Ok(None),
            },
        }
    }

    /// Reads the row of a docid that a query found. False if only the index knows of it.
    fn look_up(&mut self, context: &mut VirtualContext<'_>, docid: i64) -> Result<bool> {
        self.lookup
            .start(context, &[Value::Integer(docid)])
            .map_err(anonymous)?;
        let found = self.lookup.next(context).map_err(anonymous)?;
        if !found && self.table.content.external.is_none() {
            return Err(corrupt());
        }
        Ok(found)
    }

    /// Whether a column has to be read from the texts.
    fn needs_text(&self, column: CursorColumn) -> bool {
        let count = self.table.columns.len();
        match column {
            CursorColumn::Column(column) => {
                column < count
                    || column == count + 2 && self.query.is_none() && self.table.language_column.is_some()
            }
            _ => false,
        }
    }

    fn push(&mut self, column: CursorColumn, docid: i64, has_row: bool, out: &mut Vector) {
        let count = self.table.columns.len();
        match column {
            CursorColumn::Rowid => out.push_integer(docid),
            CursorColumn::Handle(column) if column != count => {
                self.push(CursorColumn::Column(column), docid, has_row, out)
            }
            CursorColumn::Handle(_) => {
                handle::write(&mut self.handle, docid, self.query.as_ref());
                out.push_bytes(Class::Blob, &self.handle);
            }
            CursorColumn::Column(column) if column == count => out.push_null(),
            CursorColumn::Column(column) if column == count + 1 => out.push_integer(docid),
            CursorColumn::Column(column) if column == count + 2 && self.query.is_some() => {
                let language = self.query.as_ref().map_or(0, |query| query.language);
                out.push_integer(i64::from(language));
            }
            CursorColumn::Column(column) if column == count + 2 && self.table.language_column.is_none() => {
                out.push_integer(0);
            }
            CursorColumn::Column(column) => {
                let place = column.min(count) + 1;
                let value = match &self.rows {
                    Rows::Stored(rows) => rows.value(place),
                    Rows::Found(_) if has_row => self.lookup.value(place),
                    Rows::Found(_) => ValueRef::Null,
                };
                out.push(value);
            }
        }
    }
}

impl VirtualCursor for FtsCursor {
    fn filter(
        &mut self,
        context: &mut VirtualContext<'_>,
        plan: &IndexPlan,
        arguments: &[Value],
    ) -> Result<()> {
        let mut arguments = arguments.iter();
        let strategy = plan.number & 0xffff;
        let main = if strategy == SCAN { None } else { arguments.next() };
        let mut extra = |flag: i32| {
            if plan.number & flag != 0 {
                arguments.next()
            } else {
                None
            }
        };
        let language = extra(HAS_LANGUAGE);
        let range = DocidRange {
            lowest: integer_or(extra(HAS_LOWEST), i64::MIN),
            highest: integer_or(extra(HAS_HIGHEST), i64::MAX),
        };
        let descending = match &plan.text {
            Some(text) => text == DESCENDING,
            None => self.table.direction == Direction::Descending,
        };
        self.query = None;
        match strategy {
            SCAN => self.start_scan(context, range, descending),
            DOCID => {
                let sql = format!("{} WHERE rowid = ?1", self.table.content.select);
                let docid = main.cloned().unwrap_or_default();
                self.start_stored(context, &sql, &[docid])
            }
            _ => {
                let column = usize::try_from(strategy - MATCH).ok();
                let text = main.and_then(|text| text_of(text.as_ref()));
                let Some(text) = text else {
                    self.rows = Rows::Found(Vec::new());
                    return Ok(());
                };
                let query = Query {
                    column: column.filter(|column| *column < self.table.columns.len()),
                    language: language.map_or(0, |language| integer(language.as_ref()) as i32),
                    text: text.into_owned(),
                };
                self.start_match(context, query, range, descending)
            }
        }
    }

    fn fill(
        &mut self,
        context: &mut VirtualContext<'_>,
        columns: &[CursorColumn],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize> {
        let is_found = matches!(self.rows, Rows::Found(_));
        let looks_up = is_found && columns.iter().any(|column| self.needs_text(*column));
        let mut count = 0;
        while count < max {
            let Some(docid) = self.next(context)? else {
                break;
            };
            let has_row = looks_up && self.look_up(context, docid)?;
            for (number, column) in columns.iter().enumerate() {
                self.push(*column, docid, has_row, &mut batch.columns[number]);
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

/// The docids that count.
#[derive(Clone, Copy)]
struct DocidRange {
    lowest: i64,
    highest: i64,
}

impl DocidRange {
    fn is_all(self) -> bool {
        self.lowest == i64::MIN && self.highest == i64::MAX
    }
}

/// An integer bound; a value that is none does not bound.
fn integer_or(value: Option<&Value>, otherwise: i64) -> i64 {
    match value {
        Some(Value::Integer(integer)) => *integer,
        _ => otherwise,
    }
}
