//! Rows: inserting, changing and deleting them, and the sums that are kept of them.

use super::doclist::corrupt;
use super::pending::PendingRow;
use super::shadow::{Stat, anonymous, constraint_failed, execute, integer, query_row};
use super::table::FtsTable;
use super::varint;
use crate::error::{Error, Result};
use crate::syntax::ast::ConflictAction;
use crate::value::{Value, ValueRef};
use crate::virtual_table::{Change, VirtualContext};
use std::borrow::Cow;
use std::ops::ControlFlow;

/// Tokens of each column, then the bytes of all.
type Sizes = Vec<u32>;

/// What a change does to the sums.
#[derive(Debug)]
pub(super) struct Balance {
    inserted: Sizes,
    deleted: Sizes,
    rows: i64,
}

impl Balance {
    pub(super) fn new(table: &FtsTable) -> Balance {
        let none = vec![0; table.columns.len() + 1];
        Balance {
            inserted: none.clone(),
            deleted: none,
            rows: 0,
        }
    }

    /// A row of these sizes was added.
    pub(super) fn add(&mut self, sizes: &[u32]) {
        for (sum, size) in self.inserted.iter_mut().zip(sizes) {
            *sum = sum.wrapping_add(*size);
        }
        self.rows += 1;
    }
}

/// A row of which the statement says nothing (DELETE) or all (INSERT, UPDATE).
struct NewRow<'a> {
    rowid: &'a Value,
    values: &'a [Value],
}

impl FtsTable {
    /// Does what a statement asks for one row.
    pub(super) fn update(
        &self,
        context: &mut VirtualContext<'_>,
        change: Change<'_>,
        conflict: ConflictAction,
    ) -> Result<Option<i64>> {
        let count = self.columns.len();
        let (old, new) = match change {
            Change::Delete { row } => (Some(row), None),
            Change::Insert { rowid, values } => (None, Some(NewRow { rowid, values })),
            Change::Update { row, new_row, values } => (
                Some(row),
                Some(NewRow {
                    rowid: new_row,
                    values,
                }),
            ),
        };
        if let (None, Some(new)) = (old, &new) {
            let command = value_at(new.values, count);
            if !matches!(command, ValueRef::Null) {
                self.command(context, command)?;
                return Ok(None);
            }
        }
        let docid = self.replace(context, old, new, conflict).map_err(anonymous)?;
        Ok(docid.filter(|_| old.is_none()))
    }

    fn replace(
        &self,
        context: &mut VirtualContext<'_>,
        old: Option<&Value>,
        new: Option<NewRow<'_>>,
        conflict: ConflictAction,
    ) -> Result<Option<i64>> {
        let mut balance = Balance::new(self);
        let mut docid = None;
        if let Some(new) = &new {
            if self.language_of(new) < 0 {
                return Err(constraint_failed());
            }
            if self.content.external.is_none() && self.may_clash(old, new) {
                match conflict {
                    ConflictAction::Replace => {
                        self.delete_row(context, self.wanted_docid(new), &mut balance)?;
                    }
                    // Before anything is changed, so that a clash leaves nothing behind.
                    _ => docid = Some(self.insert_content(context, old, new)?),
                }
            }
        }
        if let Some(old) = old {
            self.delete_row(context, old.as_ref(), &mut balance)?;
        }
        if let Some(new) = &new {
            let docid = match docid {
                Some(docid) => docid,
                None => self.insert_content(context, old, new)?,
            };
            self.insert_words(context, docid, new, &mut balance)?;
            self.write_totals(context, &balance)?;
            return Ok(Some(docid));
        }
        self.write_totals(context, &balance)?;
        Ok(None)
    }

    /// The docid that the statement asks for.
    fn wanted_docid<'a>(&self, new: &NewRow<'a>) -> ValueRef<'a> {
        match value_at(new.values, self.columns.len() + 1) {
            ValueRef::Null => new.rowid.as_ref(),
            docid => docid,
        }
    }

    fn may_clash(&self, old: Option<&Value>, new: &NewRow<'_>) -> bool {
        let wanted = self.wanted_docid(new);
        !matches!(wanted, ValueRef::Null) && old.is_none_or(|old| integer(old.as_ref()) != integer(wanted))
    }

    fn language_of(&self, new: &NewRow<'_>) -> i32 {
        integer(value_at(new.values, self.columns.len() + 2)) as i32
    }

    /// Writes the row to %_content and returns its docid.
    fn insert_content(
        &self,
        context: &mut VirtualContext<'_>,
        old: Option<&Value>,
        new: &NewRow<'_>,
    ) -> Result<i64> {
        let wanted = self.wanted_docid(new);
        if self.content.external.is_some() {
            return match wanted {
                ValueRef::Integer(docid) => Ok(docid),
                _ => Err(constraint_failed()),
            };
        }
        let count = self.columns.len();
        let asks_twice = old.is_none()
            && !new.rowid.is_null()
            && !matches!(value_at(new.values, count + 1), ValueRef::Null);
        if asks_twice {
            return Err(Error::sql("SQL logic error"));
        }
        let mut params = vec![Value::from(wanted)];
        params.extend((0..count).map(|column| Value::from(value_at(new.values, column))));
        if self.language_column.is_some() {
            params.push(Value::from(value_at(new.values, count + 2)));
        }
        execute(context, &self.content.insert, &params)?;
        Ok(context.last_insert_rowid())
    }

    fn insert_words(
        &self,
        context: &mut VirtualContext<'_>,
        docid: i64,
        new: &NewRow<'_>,
        balance: &mut Balance,
    ) -> Result<()> {
        let language = self.language_of(new);
        let row = PendingRow {
            docid,
            language,
            deleted: false,
        };
        self.start_row(context, row)?;
        let mut sizes = vec![0; self.columns.len() + 1];
        for column in 0..self.columns.len() {
            let value = value_at(new.values, column);
            self.add_words(language, column, value, true, &mut sizes)?;
        }
        if self.has_docsize {
            self.write_docsize(context, docid, &sizes)?;
        }
        balance.add(&sizes);
        Ok(())
    }

    /// Keeps the tokens of each column of a row.
    pub(super) fn write_docsize(
        &self,
        context: &mut VirtualContext<'_>,
        docid: i64,
        sizes: &[u32],
    ) -> Result<()> {
        let columns = sizes.get(..self.columns.len()).unwrap_or_default();
        self.shadow.write_docsize(context, docid, packed(columns))
    }

    /// What follows is about `row`. Words that cannot stand beside it are written first.
    pub(super) fn start_row(&self, context: &mut VirtualContext<'_>, row: PendingRow) -> Result<()> {
        let must_flush = self.state.pending.lock().must_flush_before(row);
        if must_flush {
            self.flush(context)?;
        }
        self.state.pending.lock().start_row(row);
        Ok(())
    }

    /// Adds the words of a column to the pending ones: with their places, or as those of a row that goes.
    pub(super) fn add_words(
        &self,
        language: i32,
        column: usize,
        value: ValueRef<'_>,
        with_places: bool,
        sizes: &mut [u32],
    ) -> Result<()> {
        if self.unindexed.get(column).copied().unwrap_or(false) {
            return Ok(());
        }
        let Some(text) = text_of(value) else {
            return Ok(());
        };
        let mut words = 0;
        let mut pending = self.state.pending.lock();
        let visit = &mut |token: super::tokenizer::Token<'_>| {
            if token.term.is_empty() {
                return Err(Error::sql("SQL logic error"));
            }
            words = words.max(token.position as u32 + 1);
            let place = with_places.then_some((column as u32, token.position as u32));
            pending.add(0, token.term, place);
            for (number, &prefix) in self.prefixes.iter().enumerate() {
                if let Some(start) = token.term.get(..prefix) {
                    pending.add(number + 1, start, place);
                }
            }
            Ok(ControlFlow::Continue(()))
        };
        self.tokenizer.tokenize(until_nul(&text), language, visit)?;
        if let Some(size) = sizes.get_mut(column) {
            *size = words;
        }
        if let Some(total) = sizes.last_mut() {
            *total = total.wrapping_add(text.len() as u32);
        }
        Ok(())
    }

    fn delete_row(
        &self,
        context: &mut VirtualContext<'_>,
        docid: ValueRef<'_>,
        balance: &mut Balance,
    ) -> Result<()> {
        let Some(sizes) = self.delete_words(context, docid)? else {
            return Ok(());
        };
        if self.is_only_row(context, docid)? {
            self.delete_all(context, true)?;
            *balance = Balance::new(self);
            return Ok(());
        }
        balance.rows -= 1;
        for (sum, size) in balance.deleted.iter_mut().zip(&sizes) {
            *sum = sum.wrapping_add(*size);
        }
        let docid = integer(docid);
        if self.content.external.is_none() {
            let sql = format!("DELETE FROM {} WHERE rowid = ?1", self.shadow.table("content"));
            execute(context, &sql, &[Value::Integer(docid)])?;
        }
        if self.has_docsize {
            self.shadow.delete_docsize(context, docid)?;
        }
        Ok(())
    }

    /// Takes the words of a row out of the index; its sizes, or `None` if there is no such row.
    fn delete_words(&self, context: &mut VirtualContext<'_>, docid: ValueRef<'_>) -> Result<Option<Sizes>> {
        let sql = format!("{} WHERE rowid = ?1", self.content.select);
        let count = self.columns.len();
        let row = query_row(context, &sql, &[Value::from(docid)], |row| {
            (0..count + 2)
                .map(|column| Value::from(row.value(column)))
                .collect::<Vec<Value>>()
        })?;
        let Some(row) = row else {
            return Ok(None);
        };
        let language = integer(row[count + 1].as_ref()) as i32;
        let pending = PendingRow {
            docid: integer(row[0].as_ref()),
            language,
            deleted: true,
        };
        self.start_row(context, pending)?;
        let mut sizes = vec![0; count + 1];
        for column in 0..count {
            self.add_words(language, column, row[column + 1].as_ref(), false, &mut sizes)?;
        }
        Ok(Some(sizes))
    }

    fn is_only_row(&self, context: &mut VirtualContext<'_>, docid: ValueRef<'_>) -> Result<bool> {
        if self.content.external.is_some() {
            return Ok(false);
        }
        let content = self.shadow.table("content");
        let sql = format!("SELECT NOT EXISTS(SELECT docid FROM {content} WHERE rowid != ?1)");
        let found = query_row(context, &sql, &[Value::from(docid)], |row| integer(row.value(0)))?;
        Ok(found == Some(1))
    }

    /// Empties all shadow tables, that of the texts only if asked to.
    pub(super) fn delete_all(&self, context: &mut VirtualContext<'_>, with_content: bool) -> Result<()> {
        self.state.pending.lock().clear();
        let mut suffixes = Vec::new();
        if with_content && self.content.external.is_none() {
            suffixes.push("content");
        }
        suffixes.extend(["segments", "segdir"]);
        if self.has_docsize {
            suffixes.push("docsize");
        }
        if self.has_stat() {
            suffixes.push("stat");
        }
        for suffix in suffixes {
            execute(
                context,
                &format!("DELETE FROM {}", self.shadow.table(suffix)),
                &[],
            )?;
        }
        Ok(())
    }

    /// Adds up rows, tokens and bytes of the whole table.
    pub(super) fn write_totals(&self, context: &mut VirtualContext<'_>, balance: &Balance) -> Result<()> {
        if self.generation != super::Generation::Four {
            return Ok(());
        }
        let count = self.columns.len() + 2;
        let stored = match self.shadow.stat(context, Stat::Totals)? {
            Some(Value::Blob(bytes)) => bytes,
            _ => Vec::new(),
        };
        let mut at = 0;
        let mut totals: Vec<u32> = (0..count)
            .map(|_| varint::read(&stored, &mut at).unwrap_or(0) as u32)
            .collect();
        totals[0] = match balance.rows {
            lost @ i64::MIN..0 if i64::from(totals[0]) < -lost => 0,
            rows => totals[0].wrapping_add(rows as u32),
        };
        let changes = balance.inserted.iter().zip(&balance.deleted);
        for (total, (inserted, deleted)) in totals[1..].iter_mut().zip(changes) {
            *total = total.wrapping_add(*inserted).saturating_sub(*deleted);
        }
        self.shadow
            .write_stat(context, Stat::Totals, Value::Blob(packed(&totals)))
    }

    /// Rows, tokens of each column and bytes of the whole table.
    pub(super) fn totals(&self, context: &mut VirtualContext<'_>) -> Result<Vec<u64>> {
        let stored = match self.shadow.stat(context, Stat::Totals)? {
            Some(Value::Blob(bytes)) => bytes,
            _ => return Err(corrupt()),
        };
        let mut at = 0;
        let mut totals = Vec::new();
        while let Some(total) = varint::read(&stored, &mut at) {
            totals.push(total);
        }
        match totals.first() {
            None | Some(0) => Err(corrupt()),
            Some(_) => Ok(totals),
        }
    }
}

/// A value of a row; NULL where the row is too short.
fn value_at(values: &[Value], column: usize) -> ValueRef<'_> {
    values.get(column).map_or(ValueRef::Null, Value::as_ref)
}

/// A value as text, as the column would be read.
pub(super) fn text_of(value: ValueRef<'_>) -> Option<Cow<'_, [u8]>> {
    match value {
        ValueRef::Null => None,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(Cow::Borrowed(bytes)),
        ValueRef::Integer(number) => Some(Cow::Owned(number.to_string().into_bytes())),
        ValueRef::Real(number) => {
            let mut text = Vec::new();
            crate::value::decimal::write_real(number, &mut text);
            Some(Cow::Owned(text))
        }
    }
}

/// A text ends at its first NUL for a tokenizer.
pub(super) fn until_nul(text: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, text).unwrap_or(text.len());
    &text[..end]
}

/// Numbers as varints one after the other.
fn packed(numbers: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for &number in numbers {
        varint::push(&mut bytes, u64::from(number));
    }
    bytes
}
