//! A table with its indexes, ready to be written.
//!
//! As long as nobody but a target changes the database, none of its trees changes but by the cursor that it has for it. So each cursor
//! keeps what it knows of its pages while the others write, also from one run to the next ([`Target::look_around`] notices when that
//! does not hold).
//!
//! [`Target`] holds cursors, compiled expressions and buffers from one run of a statement to the next, so that a run does not
//! allocate. What the three statements share is here: finding a row, reading it, storing one. How rows become records is in `stored`,
//! how rows go in `removal`.

use std::sync::Arc;

use aludel_storage::btree::{IndexCursor, Seek, TableCursor};
use aludel_storage::format::record::RecordView;
use aludel_storage::format::{PageNo, TextEncoding};
use aludel_storage::pager::Pager;
use smallvec::SmallVec;

use super::complete::Completion;
use super::index::{IndexWriter, Side};
use super::program::{ProgramSet, Programs, RowChange, RowEvent};
use super::stored::{
    StoredColumn, decode_row, in_file_encoding, layout_of, read_value, real_as_stored, stored_value,
};
use super::{Failure, Fate, Written};
use crate::catalog::{Database, Table, usable};
use crate::connection::RowAction;
use crate::connection::State;
use crate::error::{ConstraintKind, Error, Result};
use crate::exec::{Batch, ExecContext, Kernel};
use crate::plan::physical::DatabaseIndex;
use crate::plan::write::TargetTable;
use crate::syntax::ast::{ConflictAction, TriggerTime};
use crate::value::{Value, ValueRef, compare, number};

/// What leads to one row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Locator {
    /// The rowid.
    Rowid(i64),
    /// The primary key of a WITHOUT ROWID table.
    Key(Vec<Value>),
}

/// A table that is being written.
pub(super) struct Target {
    pub(super) database: DatabaseIndex,
    pub(super) table: Arc<Table>,
    pub(super) encoding: TextEncoding,
    pub(super) tree: Tree,
    /// The state of the database's pages after the last change that this target made, or when it looked last.
    left: Option<(u64, u64)>,
    pub(super) indexes: Vec<IndexWriter>,
    pub(super) completion: Completion,
    returning: Vec<Kernel>,
    /// Triggers and foreign keys; nearly always none.
    pub(super) programs: Option<Box<Programs>>,
    /// Whether the application wants to see rows before they change.
    pub(super) tells_changes: bool,
    layout: Vec<StoredColumn>,
    /// Whether any expression has to see the row as a batch.
    needs_batch: bool,
    /// The row for expressions.
    pub(super) batch: Batch,
    /// The row in a UTF-16 file's encoding; unused in UTF-8.
    pub(super) stored_new: Vec<Value>,
    pub(super) stored_old: Vec<Value>,
    /// A row that REPLACE removes, and the one that an upsert changes.
    pub(super) victim: Vec<Value>,
    /// A row as it is when it is removed.
    pub(super) current: Vec<Value>,
    spill: Vec<u8>,
}

/// The table's own tree.
pub(super) enum Tree {
    Rowid(TableCursor),
    Clustered(IndexCursor),
}

/// Lends `work` the record of a row that is in the file's encoding.
#[inline]
fn with_record<T>(layout: &[StoredColumn], stored: &[Value], work: impl FnOnce(&[ValueRef<'_>]) -> T) -> T {
    let value = |column: &StoredColumn| match *column {
        StoredColumn::Alias => ValueRef::Null,
        StoredColumn::Plain(number) => stored[number].as_ref(),
        StoredColumn::Real(number) => real_as_stored(stored[number].as_ref()),
    };
    let mut few = [ValueRef::Null; RECORD_VALUES];
    match few.get_mut(..layout.len()) {
        Some(values) => {
            for (out, column) in values.iter_mut().zip(layout) {
                *out = value(column);
            }
            work(values)
        }
        None => work(&layout.iter().map(value).collect::<Vec<_>>()),
    }
}

/// Names the state of the pages: it is another after each change, by whomever.
fn state_of(pager: &Pager) -> (u64, u64) {
    (pager.mutation_count(), pager.change_token())
}

impl Tree {
    /// See [`TableCursor::vouch`].
    #[inline]
    pub(super) fn vouch(&mut self, pager: &Pager) {
        match self {
            Tree::Rowid(cursor) => cursor.vouch(pager),
            Tree::Clustered(cursor) => cursor.vouch(pager),
        }
    }

    fn distrust(&mut self) {
        match self {
            Tree::Rowid(cursor) => cursor.distrust(),
            Tree::Clustered(cursor) => cursor.distrust(),
        }
    }
}

/// Columns of a record that need no allocation.
const RECORD_VALUES: usize = 16;

impl Target {
    /// Gets ready to write the table of `plan`.
    pub(super) fn build(plan: &TargetTable, programs: &Arc<ProgramSet>) -> Result<Target> {
        let table = Arc::clone(&plan.table);
        // Writers are large: a list that grows by doubling would ask for room that is not at hand.
        let mut indexes = Vec::with_capacity(table.indexes.len());
        for (number, index) in table.indexes.iter().enumerate() {
            indexes.push(IndexWriter::build(index, &table, plan.indexes.get(number))?);
        }
        let completion = Completion::build(plan)?;
        let returning = match &plan.returning {
            Some(returning) => returning
                .expressions
                .iter()
                .map(Kernel::compile)
                .collect::<Result<_>>()?,
            None => Vec::new(),
        };
        Ok(Target {
            database: plan.database,
            encoding: TextEncoding::Utf8,
            tree: match &table.without_rowid {
                None => Tree::Rowid(TableCursor::new(table.root)),
                Some(primary) => Tree::Clustered(IndexCursor::new(table.root, usable(&primary.order)?)),
            },
            left: None,
            needs_batch: completion.needs_batch() || indexes.iter().any(IndexWriter::needs_batch),
            indexes,
            completion,
            returning,
            programs: Programs::of_table(programs, plan.database, &table),
            tells_changes: programs.tells_changes,
            layout: layout_of(&table),
            batch: Batch::new(table.columns.len() + 1),
            stored_new: Vec::new(),
            stored_old: Vec::new(),
            victim: Vec::new(),
            current: Vec::new(),
            spill: Vec::new(),
            table,
        })
    }

    /// The columns of the table's records.
    pub(super) fn layout(&self) -> &[StoredColumn] {
        &self.layout
    }

    /// Whether values may lie in the file as they are bound, and no program that runs keeps the table from being written.
    #[inline]
    pub(super) fn writes_straight(&self, context: &ExecContext<'_>) -> bool {
        self.encoding == TextEncoding::Utf8 && context.state.session.pinned.is_none()
    }

    /// Whether `rowid` is known to lie behind all rows of a table with rowids.
    pub(super) fn is_behind_all(&mut self, context: &ExecContext<'_>, rowid: i64) -> Result<bool> {
        let database = context.state.databases.get(self.database);
        let pager = &database.ok_or_else(detached)?.pager;
        self.look_around(pager);
        match &mut self.tree {
            Tree::Rowid(cursor) => Ok(cursor.is_behind_all(pager, rowid)?),
            Tree::Clustered(_) => Ok(false),
        }
    }

    /// A run starts: cursors forget where they were.
    pub(super) fn start(&mut self, context: &ExecContext<'_>) -> Result<()> {
        self.encoding = context
            .state
            .databases
            .get(self.database)
            .ok_or_else(detached)?
            .encoding();
        Ok(())
    }

    /// Before cursors are vouched for: when somebody else has changed anything, what they know counts no more.
    #[inline]
    pub(super) fn look_around(&mut self, pager: &Pager) {
        if self.left != Some(state_of(pager)) {
            self.forget_places(pager);
        }
        self.tree.vouch(pager);
    }

    #[inline(never)]
    fn forget_places(&mut self, pager: &Pager) {
        self.tree.distrust();
        self.indexes.iter_mut().for_each(IndexWriter::distrust);
        self.left = Some(state_of(pager));
    }

    /// Columns of a row in table row layout.
    pub(super) fn width(&self) -> usize {
        self.table.columns.len() + 1
    }

    // ---- rows and records ------------------------------------------------------------------------

    /// Shows `row` to expressions.
    pub(super) fn show(&mut self, row: &[Value]) {
        if self.needs_batch {
            load(&mut self.batch, row);
        }
    }

    /// Moves to the row that `locator` leads to.
    pub(super) fn seek(&mut self, databases: &[Database], locator: &Locator) -> Result<bool> {
        let pager = &databases.get(self.database).ok_or_else(detached)?.pager;
        self.look_around(pager);
        match (&mut self.tree, locator) {
            (Tree::Rowid(cursor), Locator::Rowid(rowid)) => Ok(cursor.seek(pager, *rowid, Seek::Eq)?),
            (Tree::Clustered(cursor), Locator::Key(key)) => {
                let key: SmallVec<[ValueRef<'_>; 8]> = key.iter().map(Value::as_ref).collect();
                Ok(cursor.seek(pager, &key, Seek::Eq)?)
            }
            _ => Err(Error::misuse("a row of another kind of table")),
        }
    }

    /// What leads to `row`.
    pub(super) fn locator(&self, row: &[Value]) -> Locator {
        match &self.table.without_rowid {
            None => Locator::Rowid(row.last().map_or(0, |rowid| number::integer_of(rowid.as_ref()))),
            Some(primary) => Locator::Key(
                primary.stored[..primary.key_count]
                    .iter()
                    .map(|&column| self.stored(&row[column]))
                    .collect(),
            ),
        }
    }

    /// Whether two locators lead to one row: keys may differ in what their collations overlook.
    pub(super) fn is_same_row(&self, one: &Locator, other: &Locator) -> bool {
        match (one, other, &self.table.without_rowid) {
            (Locator::Key(one), Locator::Key(other), Some(primary)) => {
                let mut values = one.iter().zip(other).zip(&primary.order.columns);
                values.all(|((one, other), column)| {
                    compare(one.as_ref(), other.as_ref(), &column.collation).is_eq()
                })
            }
            _ => one == other,
        }
    }

    /// A value as it lies in the file.
    fn stored(&self, value: &Value) -> Value {
        let mut out = Value::Null;
        stored_value(value.as_ref(), self.encoding, &mut out);
        out
    }

    /// Reads the row at the cursor, all columns computed.
    pub(super) fn read(&mut self, context: &mut ExecContext<'_>, row: &mut Vec<Value>) -> Result<()> {
        row.resize(self.width(), Value::Null);
        let pager = &context
            .state
            .databases
            .get(self.database)
            .ok_or_else(detached)?
            .pager;
        let (payload, rowid) = match &self.tree {
            Tree::Rowid(cursor) => (
                cursor.payload(pager, &mut self.spill)?,
                Value::Integer(cursor.rowid()),
            ),
            Tree::Clustered(cursor) => (cursor.payload(pager, &mut self.spill)?, Value::Null),
        };
        decode_row(&self.table, self.encoding, payload, &rowid, row)?;
        self.compute_virtual(context, row)
    }

    /// Computes the generated columns that the record does not hold.
    pub(super) fn compute_virtual(&mut self, context: &mut ExecContext<'_>, row: &mut [Value]) -> Result<()> {
        if self.completion.has_generated() {
            self.completion.compute_generated(context, &mut self.batch, row)?;
        }
        Ok(())
    }

    /// Reads the columns `reads` of the row at the cursor, and its rowid, of a rowid table without generated columns.
    pub(super) fn read_columns(
        &mut self,
        context: &ExecContext<'_>,
        reads: &[usize],
        row: &mut [Value],
    ) -> Result<()> {
        let pager = &context
            .state
            .databases
            .get(self.database)
            .ok_or_else(detached)?
            .pager;
        let Tree::Rowid(cursor) = &self.tree else {
            return Err(Error::misuse("a row of another kind of table"));
        };
        let record = RecordView::parse(cursor.payload(pager, &mut self.spill)?)?;
        for &column in reads {
            let Some(definition) = self.table.columns.get(column) else {
                continue;
            };
            let value = match definition.stored_at {
                Some(place) => record.get(place)?,
                None => None,
            };
            match value {
                Some(value) => read_value(value, self.encoding, definition.affinity, &mut row[column]),
                None => row[column].assign(definition.missing_value.as_ref()),
            }
        }
        let rowid = Value::Integer(cursor.rowid());
        if let Some(alias) = self.table.rowid_alias {
            row[alias].assign(rowid.as_ref());
        }
        if let Some(last) = row.last_mut() {
            *last = rowid;
        }
        Ok(())
    }

    // ---- writing ---------------------------------------------------------------------------------

    /// Fails when an UPDATE of this table is in the middle of a row and this is a program that it set off.
    pub(super) fn check_pin(&self, context: &ExecContext<'_>) -> Result<()> {
        match context.state.session.pinned {
            Some(pin) if pin.holds(self.database, self.table.root, context.state.session.depth) => {
                Err(Error::constraint(ConstraintKind::Pinned, "constraint failed"))
            }
            _ => Ok(()),
        }
    }

    /// Computes what the indexes that `which` picks need for a row.
    pub(super) fn prepare_indexes(
        &mut self,
        context: &mut ExecContext<'_>,
        side: Side,
        row: &[Value],
        which: impl Fn(usize) -> bool,
    ) -> Result<()> {
        self.show(row);
        for (number, index) in self.indexes.iter_mut().enumerate() {
            if which(number) {
                index.prepare(side, context, &self.batch, self.encoding)?;
            }
        }
        Ok(())
    }

    /// Whether a row with the key of `row` is there: the row's own key, not that of an index.
    pub(super) fn key_conflict(
        &mut self,
        context: &mut ExecContext<'_>,
        row: &[Value],
    ) -> Result<Option<Locator>> {
        let pager = &context
            .state
            .databases
            .get(self.database)
            .ok_or_else(detached)?
            .pager;
        self.look_around(pager);
        if let (Tree::Clustered(cursor), Some(primary)) = (&mut self.tree, &self.table.without_rowid) {
            let stored = in_file_encoding(row, self.encoding, &mut self.stored_new);
            let places = primary.stored[..primary.key_count].iter();
            let key: SmallVec<[ValueRef<'_>; 8]> = places.map(|&column| stored[column].as_ref()).collect();
            let found = cursor.probe(pager, &key)?;
            drop(key);
            return Ok(found.then(|| self.locator(row)));
        }
        let locator = self.locator(row);
        if let (Tree::Rowid(cursor), Locator::Rowid(rowid)) = (&mut self.tree, &locator)
            && cursor.is_behind_all(pager, *rowid)?
        {
            return Ok(None);
        }
        Ok(self.seek(&context.state.databases, &locator)?.then_some(locator))
    }

    /// Another row than `own` that has the new row's key in index `number`.
    pub(super) fn index_conflict(
        &mut self,
        context: &mut ExecContext<'_>,
        number: usize,
        row: &[Value],
        own: Option<&Locator>,
    ) -> Result<Option<Locator>> {
        let pager = &context
            .state
            .databases
            .get(self.database)
            .ok_or_else(detached)?
            .pager;
        self.look_around(pager);
        let stored = in_file_encoding(row, self.encoding, &mut self.stored_new);
        self.indexes[number].conflict(pager, stored, own, &mut self.spill)
    }

    /// Writes a new row with the index entries that were prepared for it.
    pub(super) fn write_new(&mut self, context: &mut ExecContext<'_>, row: &[Value]) -> Result<()> {
        self.check_pin(context)?;
        let state = &mut *context.state;
        let pager = &mut state.databases.get_mut(self.database).ok_or_else(detached)?.pager;
        let deferred = &mut state.deferred;
        self.look_around(pager);
        let mut buffer = std::mem::take(&mut self.stored_new);
        let stored = in_file_encoding(row, self.encoding, &mut buffer);
        for index in &mut self.indexes {
            if index.is_present(Side::New) && !index.waits(deferred) {
                index.insert(pager, stored)?;
            }
        }
        self.tree.vouch(pager);
        let written = self.write_record(pager, stored);
        if written.is_ok() && deferred.is_open() {
            for index in &self.indexes {
                if index.is_present(Side::New) && index.waits(deferred) {
                    index.insert_later(deferred, self.database, stored);
                }
            }
        }
        self.stored_new = buffer;
        written?;
        self.end_change(state)
    }

    /// Adds `stored` to the table's tree, in place of a row with the same rowid.
    pub(super) fn write_record(&mut self, pager: &mut Pager, stored: &[Value]) -> Result<()> {
        match &self.tree {
            Tree::Rowid(_) => {
                let Some(Value::Integer(rowid)) = stored.last() else {
                    return Err(Error::Mismatch);
                };
                if let Tree::Rowid(cursor) = &mut self.tree {
                    with_record(&self.layout, stored, |values| {
                        cursor.insert_values(pager, *rowid, values)
                    })?;
                }
            }
            Tree::Clustered(_) => {
                if let Tree::Clustered(cursor) = &mut self.tree {
                    // Mostly the search for a row with this key has just come to the place.
                    with_record(&self.layout, stored, |values| cursor.insert_probed(pager, values))?;
                }
            }
        }
        Ok(())
    }

    /// The cursor of a rowid table, for changes that touch no index; [`Target::note_change`] comes after them.
    pub(super) fn rowid_cursor(&mut self, pager: &Pager) -> Result<&mut TableCursor> {
        self.look_around(pager);
        match &mut self.tree {
            Tree::Rowid(cursor) => Ok(cursor),
            Tree::Clustered(_) => Err(Error::misuse("a row of another kind of table")),
        }
    }

    /// A row was changed: what the pages are now is this target's doing.
    pub(super) fn end_change(&mut self, state: &mut State) -> Result<()> {
        state.deferred.write_if_full(&mut state.databases)?;
        self.left = state
            .databases
            .get(self.database)
            .map(|database| state_of(&database.pager));
        Ok(())
    }

    /// What the pages are now is this target's doing.
    pub(super) fn note_change(&mut self, pager: &Pager) {
        self.left = Some(state_of(pager));
    }

    /// The columns of a row that tell its index entries, and its rowid.
    pub(super) fn key_reads(&self) -> Vec<usize> {
        let mut reads = vec![self.table.columns.len()];
        for column in self.indexes.iter().flat_map(|index| &index.reads) {
            if !reads.contains(column) {
                reads.push(*column);
            }
        }
        reads
    }

    // ---- triggers and foreign keys ---------------------------------------------------------------

    /// Whether a change of a row sets anything off.
    pub(super) fn has_programs(&self) -> bool {
        self.programs.is_some()
    }

    /// Forgets the programs that an UPDATE of the columns `changed` never sets off; it replaces no row.
    pub(super) fn keep_programs_of_update(&mut self, conflict: Option<ConflictAction>, changed: &[bool]) {
        if let Some(programs) = &mut self.programs
            && !programs.keep_for_update(conflict, changed)
        {
            self.programs = None;
        }
    }

    /// Fires triggers. `Skipped`: one of them said RAISE(IGNORE).
    pub(super) fn fire(
        &mut self,
        context: &mut ExecContext<'_>,
        time: TriggerTime,
        change: RowChange<'_>,
    ) -> Result<Fate, Failure> {
        match &mut self.programs {
            None => Ok(Fate::Kept),
            Some(programs) => programs.fire(context, time, change),
        }
    }

    /// What happens to a row of a view: its INSTEAD OF triggers.
    pub(super) fn intercept(
        &mut self,
        context: &mut ExecContext<'_>,
        change: RowChange<'_>,
        written: &mut Written,
    ) -> Result<(), Failure> {
        if self.fire(context, TriggerTime::InsteadOf, change)? == Fate::Kept {
            written.intercepted += 1;
            self.answer(context, change.new.or(change.old).unwrap_or_default(), written)?;
        }
        Ok(())
    }

    /// Lets foreign keys with RESTRICT speak before a row goes or changes.
    pub(super) fn restrict(
        &mut self,
        context: &mut ExecContext<'_>,
        change: RowChange<'_>,
    ) -> Result<(), Failure> {
        match &mut self.programs {
            None => Ok(()),
            Some(programs) => programs.restrict(context, change),
        }
    }

    /// Checks foreign keys, and acts on children, after a row was changed.
    pub(super) fn keep_references(
        &mut self,
        context: &mut ExecContext<'_>,
        change: RowChange<'_>,
    ) -> Result<(), Failure> {
        match &mut self.programs {
            None => Ok(()),
            Some(programs) => programs.keep_references(context, change),
        }
    }

    /// Turns the row `old`, which `locator` leads to, into `new`. The indexes in `changed` are prepared for both.
    pub(super) fn rewrite(
        &mut self,
        context: &mut ExecContext<'_>,
        (old, new): (&[Value], &[Value]),
        locator: &Locator,
        changed: &[bool],
    ) -> Result<()> {
        self.check_pin(context)?;
        let moves = self.locator(new) != *locator;
        let clustered = matches!(self.tree, Tree::Clustered(_));
        if (moves || clustered) && !self.seek(&context.state.databases, locator)? {
            return Ok(());
        }
        let state = &mut *context.state;
        let pager = &mut state.databases.get_mut(self.database).ok_or_else(detached)?.pager;
        let deferred = &mut state.deferred;
        self.look_around(pager);
        let (mut old_buffer, mut new_buffer) = (
            std::mem::take(&mut self.stored_old),
            std::mem::take(&mut self.stored_new),
        );
        let stored_old = in_file_encoding(old, self.encoding, &mut old_buffer);
        let stored_new = in_file_encoding(new, self.encoding, &mut new_buffer);
        for (index, _) in self
            .indexes
            .iter_mut()
            .zip(changed)
            .filter(|(_, changed)| **changed)
        {
            if index.waits(deferred) || (!moves && index.is_unchanged(stored_old, stored_new)) {
                continue;
            }
            if index.is_present(Side::Old) {
                index.delete(pager, stored_old)?;
            }
            if index.is_present(Side::New) {
                index.insert(pager, stored_new)?;
            }
        }
        self.tree.vouch(pager);
        if moves || clustered {
            match &mut self.tree {
                Tree::Rowid(cursor) => cursor.delete(pager)?,
                Tree::Clustered(cursor) => cursor.delete(pager)?,
            }
        }
        let written = self.write_record(pager, stored_new);
        if written.is_ok() && deferred.is_open() {
            for (index, changed) in self.indexes.iter().zip(changed) {
                if *changed && index.waits(deferred) {
                    index.change_later(deferred, self.database, (stored_old, stored_new), moves);
                }
            }
        }
        (self.stored_old, self.stored_new) = (old_buffer, new_buffer);
        written?;
        self.end_change(state)
    }

    /// Whether RETURNING returns anything.
    pub(super) fn returns(&self) -> bool {
        !self.returning.is_empty()
    }

    // ---- results ---------------------------------------------------------------------------------

    /// Tells the application of a row that was changed, if it wants to know and the row has a rowid.
    #[inline]
    pub(super) fn tell(&self, context: &mut ExecContext<'_>, action: RowAction, row: &[Value]) {
        if context.state.hooks.watches_rows() && self.table.has_rowid() {
            let rowid = row.last().map_or(0, |rowid| number::integer_of(rowid.as_ref()));
            context
                .state
                .tell_of_row(action, self.database, &self.table.name, rowid);
        }
    }

    /// Tells the application of a row that is about to change, if it wants to know.
    #[inline]
    pub(super) fn tell_before(
        &self,
        context: &mut ExecContext<'_>,
        action: RowAction,
        rows: (Option<&[Value]>, Option<&[Value]>),
    ) {
        if self.tells_changes {
            context
                .state
                .tell_of_change((self.database, &self.table), action, rows);
        }
    }

    /// Counts the row and adds it to what RETURNING returns.
    pub(super) fn report(
        &mut self,
        context: &mut ExecContext<'_>,
        row: &[Value],
        written: &mut Written,
    ) -> Result<()> {
        written.changes += 1;
        self.answer(context, row, written)
    }

    /// Adds the row to what RETURNING returns.
    pub(super) fn answer(
        &mut self,
        context: &mut ExecContext<'_>,
        row: &[Value],
        written: &mut Written,
    ) -> Result<()> {
        if self.returning.is_empty() {
            return Ok(());
        }
        load(&mut self.batch, row);
        written.returned.push(context, &mut self.returning, &self.batch)
    }

    /// The roots of the table's tree and of its indexes' trees.
    pub(super) fn index_roots(&self) -> Vec<PageNo> {
        self.indexes.iter().map(|index| index.index.root).collect()
    }
}

/// The change that a deletion is.
pub(super) fn deleted(old: &[Value], conflict: Option<ConflictAction>) -> RowChange<'_> {
    RowChange {
        event: RowEvent::Delete,
        conflict,
        old: Some(old),
        new: None,
        changed: None,
    }
}

/// The change that an insertion is.
pub(super) fn inserted(new: &[Value], conflict: Option<ConflictAction>) -> RowChange<'_> {
    RowChange {
        event: RowEvent::Insert,
        conflict,
        old: None,
        new: Some(new),
        changed: None,
    }
}

/// Puts `row` into a batch of one row.
pub(super) fn load(batch: &mut Batch, row: &[Value]) {
    batch.clear();
    for (column, value) in batch.columns.iter_mut().zip(row) {
        column.push(value.as_ref());
    }
    batch.set_len(1);
}

#[cold]
pub(super) fn detached() -> Error {
    Error::misuse("the database is detached")
}
