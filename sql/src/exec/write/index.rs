//! One index of a table that is being written.
//!
//! An entry is the key columns followed by what leads to the row: the rowid, or the primary key columns that are not in the key. An
//! entry's order takes all of that in, so each entry is found exactly.
//!
//! The methods that touch the tree vouch for what the cursor knows of it; [`Target`](super::target::Target) sees to it that this is true.

use std::sync::Arc;

use aludel_storage::btree::IndexCursor;
use aludel_storage::format::TextEncoding;
use aludel_storage::format::record::{self, KeyValues};
use aludel_storage::pager::Pager;

use super::Deferred;
use super::stored::stored_value;
use super::target::Locator;
use crate::catalog::{Index, IndexSource, Table, usable};
use crate::error::{Error, Result};
use crate::exec::{Batch, ExecContext, Kernel};
use crate::plan::expr::Expr;
use crate::plan::physical::DatabaseIndex;
use crate::plan::write::IndexMaintenance;
use crate::syntax::ast::ConflictAction;
use crate::value::{Value, ValueRef};

/// The old or the new row of an update; an insert has a new one only, a delete an old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Old,
    New,
}

/// An index that follows its table.
pub(super) struct IndexWriter {
    pub(super) index: Arc<Index>,
    cursor: IndexCursor,
    parts: Vec<Part>,
    /// Parts that uniqueness is about.
    key_count: usize,
    /// Where the primary key's columns stand in an entry; empty for a rowid table.
    primary_places: Vec<usize>,
    filter: Option<Kernel>,
    /// Columns of the table row that the key and the filter read; the last is the rowid.
    pub(super) reads: Vec<usize>,
    old: Entry,
    new: Entry,
    /// The new row's key was looked for and not found, so the cursor knows where its entry belongs.
    probed: bool,
    /// The new row's entry is one that the row which it replaces has left.
    kept: bool,
    /// A collation of its key is not there: no entry can be found.
    unusable: bool,
}

/// One column of an entry.
enum Part {
    /// A column of the stored row; `numeric` ones are kept as integers where that loses nothing.
    Column { column: usize, numeric: bool },
    /// A computed one: which of the computed values.
    Computed(usize, Box<Kernel>),
}

/// What is known of the index's entry for one row.
#[derive(Default)]
struct Entry {
    /// Whether the (partial) index has the row at all.
    present: bool,
    /// Values of the computed parts, in the file's encoding.
    computed: Vec<Value>,
}

impl Entry {
    /// The entry's columns. `stored` is the row in the file's encoding.
    fn values<'a>(&'a self, parts: &[Part], stored: &'a [Value]) -> KeyValues<'a> {
        let value = |part: &Part| match part {
            Part::Column { column, numeric } => {
                let value = stored.get(*column).map_or(ValueRef::Null, Value::as_ref);
                if *numeric { as_integer(value) } else { value }
            }
            Part::Computed(place, _) => self.computed[*place].as_ref(),
        };
        parts.iter().map(value).collect()
    }
}

impl IndexWriter {
    pub(super) fn build(
        index: &Arc<Index>,
        table: &Table,
        maintenance: Option<&IndexMaintenance>,
    ) -> Result<IndexWriter> {
        let rowid = table.columns.len();
        let filter = maintenance.and_then(|own| own.filter.as_ref());
        let column_part = |column: usize| Part::Column {
            column,
            numeric: table
                .columns
                .get(column)
                .is_none_or(|column| column.affinity.is_numeric()),
        };
        let mut parts = Vec::with_capacity(index.columns.len() + 1);
        let mut computed = 0;
        let mut reads = Vec::with_capacity(index.columns.len());
        for (place, key) in index.columns.iter().enumerate() {
            match maintenance.and_then(|own| own.key.get(place)) {
                Some(Expr::Column(column)) => {
                    note(*column, &mut reads);
                    parts.push(column_part(*column));
                }
                Some(expression) => {
                    collect_columns(expression, &mut reads);
                    computed += 1;
                    let kernel = Kernel::compile_pure(expression, "an index")?;
                    parts.push(Part::Computed(computed - 1, Box::new(kernel)));
                }
                // Nothing is computed: the key is columns of the row.
                None => {
                    let column = match key.source {
                        IndexSource::Column(column) if table.rowid_alias != Some(column) => column,
                        _ => rowid,
                    };
                    note(column, &mut reads);
                    parts.push(column_part(column));
                }
            }
        }
        let key_count = parts.len();
        match &table.without_rowid {
            None => parts.push(Part::Column {
                column: rowid,
                numeric: true,
            }),
            Some(_) => parts.extend(index.tail.iter().map(|&column| column_part(column))),
        }
        if let Some(filter) = filter {
            collect_columns(filter, &mut reads);
        }
        Ok(IndexWriter {
            cursor: IndexCursor::new(index.root, Arc::clone(&index.order)),
            unusable: usable(&index.order).is_err(),
            parts,
            key_count,
            primary_places: primary_places(index, table),
            filter: filter
                .map(|filter| Kernel::compile_pure(filter, "an index"))
                .transpose()?,
            reads,
            old: Entry {
                present: false,
                computed: vec![Value::Null; computed],
            },
            new: Entry {
                present: false,
                computed: vec![Value::Null; computed],
            },
            probed: false,
            kept: false,
            index: Arc::clone(index),
        })
    }

    /// Whether computing an entry needs the row as a batch.
    pub(super) fn needs_batch(&self) -> bool {
        self.filter.is_some() || self.parts.iter().any(|part| matches!(part, Part::Computed(..)))
    }

    /// The columns of an entry, and which of them are numeric, when entries are columns of the row and no more: every row has one, and none can
    /// be in the way of another.
    pub(super) fn plain_columns(&self) -> Option<Vec<(usize, bool)>> {
        let column = |part: &Part| match part {
            Part::Column { column, numeric } => Some((*column, *numeric)),
            Part::Computed(..) => None,
        };
        match self.index.unique.is_none() && self.filter.is_none() {
            true => self.parts.iter().map(column).collect(),
            false => None,
        }
    }

    /// How a conflict on this index is resolved if the statement does not say; `None` when the index is not unique.
    pub(super) fn unique(&self) -> Option<Option<ConflictAction>> {
        self.index.unique
    }

    /// Computes what the entry for the row in `batch` needs: membership and computed parts.
    pub(super) fn prepare(
        &mut self,
        side: Side,
        context: &mut ExecContext<'_>,
        batch: &Batch,
        encoding: TextEncoding,
    ) -> Result<()> {
        if self.unusable {
            usable(&self.index.order)?;
        }
        self.probed = false;
        let entry = match side {
            Side::Old => &mut self.old,
            Side::New => {
                self.kept = false;
                &mut self.new
            }
        };
        entry.present = match &mut self.filter {
            None => true,
            Some(filter) => crate::value::cast::truth(filter.evaluate_one(context, batch)?) == Some(true),
        };
        if !entry.present {
            return Ok(());
        }
        for part in &mut self.parts {
            if let Part::Computed(place, kernel) = part {
                let value = kernel.evaluate_one(context, batch)?;
                stored_value(value, encoding, &mut entry.computed[*place]);
            }
        }
        Ok(())
    }

    pub(super) fn is_present(&self, side: Side) -> bool {
        match side {
            Side::Old => self.old.present,
            Side::New => self.new.present,
        }
    }

    /// Whether old and new row have the same entry.
    pub(super) fn is_unchanged(&self, old: &[Value], new: &[Value]) -> bool {
        self.old.present == self.new.present
            && (!self.new.present || self.old.values(&self.parts, old) == self.new.values(&self.parts, new))
    }

    /// Leaves the old row's entry where the new row, which takes its place, has the same.
    pub(super) fn keep_if_unchanged(&mut self, old: &[Value], new: &[Value]) -> bool {
        self.kept = self.is_unchanged(old, new);
        self.kept
    }

    /// Looks for an entry with the new row's key that belongs to another row than `own`.
    pub(super) fn conflict(
        &mut self,
        pager: &Pager,
        stored: &[Value],
        own: Option<&Locator>,
        spill: &mut Vec<u8>,
    ) -> Result<Option<Locator>> {
        let entry = self.new.values(&self.parts, stored);
        let key = &entry[..self.key_count];
        self.probed = false;
        if key.iter().any(ValueRef::is_null) {
            return Ok(None);
        }
        self.cursor.vouch(pager);
        if !self.cursor.probe(pager, key)? {
            self.probed = true;
            return Ok(None);
        }
        let found = self.locator(self.cursor.payload(pager, spill)?)?;
        Ok(Some(found).filter(|found| own != Some(found)))
    }

    /// Which row an entry leads to.
    fn locator(&self, entry: &[u8]) -> Result<Locator> {
        let view = record::RecordView::parse(entry)?;
        if self.primary_places.is_empty() {
            return match view.column(self.parts.len() - 1)? {
                ValueRef::Integer(rowid) => Ok(Locator::Rowid(rowid)),
                _ => Err(malformed_index()),
            };
        }
        let values = self
            .primary_places
            .iter()
            .map(|&place| Ok(Value::from(view.column(place)?)));
        Ok(Locator::Key(values.collect::<Result<_>>()?))
    }

    /// Adds the new row's entry.
    pub(super) fn insert(&mut self, pager: &mut Pager, stored: &[Value]) -> Result<()> {
        let values = self.new.values(&self.parts, stored);
        self.cursor.vouch(pager);
        match std::mem::take(&mut self.probed) {
            true => self.cursor.insert_probed(pager, &values)?,
            false => self.cursor.insert_values(pager, &values)?,
        }
        Ok(())
    }

    /// Whether entries of this index may wait now.
    #[inline]
    pub(super) fn waits(&self, deferred: &Deferred) -> bool {
        deferred.is_open() && self.index.unique.is_none()
    }

    /// Leaves the new row's entry for later, unless it is there.
    pub(super) fn insert_later(&self, deferred: &mut Deferred, database: DatabaseIndex, stored: &[Value]) {
        if self.kept {
            return;
        }
        let values = self.new.values(&self.parts, stored);
        deferred.batch(database, &self.index).add(&values);
    }

    /// Leaves the removal of the old row's entry for later.
    pub(super) fn delete_later(&self, deferred: &mut Deferred, database: DatabaseIndex, stored: &[Value]) {
        let values = self.old.values(&self.parts, stored);
        deferred.batch(database, &self.index).remove(&values);
    }

    /// Leaves it for later to put the new row's entry in the place of the old one's.
    pub(super) fn change_later(
        &self,
        deferred: &mut Deferred,
        database: DatabaseIndex,
        (old, new): (&[Value], &[Value]),
        moves: bool,
    ) {
        if !moves && self.is_unchanged(old, new) {
            return;
        }
        if self.is_present(Side::Old) {
            self.delete_later(deferred, database, old);
        }
        if self.is_present(Side::New) {
            self.insert_later(deferred, database, new);
        }
    }

    /// Removes the old row's entry.
    ///
    /// # Errors
    /// [`aludel_storage::Error::Corrupt`] when the index lacks it.
    pub(super) fn delete(&mut self, pager: &mut Pager, stored: &[Value]) -> Result<()> {
        self.probed = false;
        self.cursor.vouch(pager);
        match self.cursor.remove(pager, &self.old.values(&self.parts, stored))? {
            true => Ok(()),
            false => Err(malformed_index()),
        }
    }

    /// Nothing that the cursor knows counts any more.
    pub(super) fn distrust(&mut self) {
        self.probed = false;
        self.cursor.distrust();
    }
}

/// The integer that a real is, where it is one: how numeric columns lie in an index.
pub(super) fn as_integer(value: ValueRef<'_>) -> ValueRef<'_> {
    match value {
        ValueRef::Real(real) => crate::value::number::lossless_integer(real).map_or(value, ValueRef::Integer),
        _ => value,
    }
}

fn primary_places(index: &Index, table: &Table) -> Vec<usize> {
    let Some(primary) = &table.without_rowid else {
        return Vec::new();
    };
    let key_count = index.columns.len();
    let place = |column: &usize| {
        let in_tail = index
            .tail
            .iter()
            .position(|tail| tail == column)
            .map(|place| key_count + place);
        in_tail.or_else(|| {
            index
                .columns
                .iter()
                .position(|own| matches!(own.source, IndexSource::Column(number) if number == *column))
        })
    };
    primary.stored[..primary.key_count]
        .iter()
        .filter_map(place)
        .collect()
}

fn malformed_index() -> Error {
    Error::from(aludel_storage::error::corrupt(
        None,
        0,
        "an index lacks the entry of a row",
    ))
}

/// Adds the columns of the row that `expression` reads.
pub(super) fn collect_columns(expression: &Expr, columns: &mut Vec<usize>) {
    expression.visit(&mut |part| {
        if let Expr::Column(column) = part {
            note(*column, columns);
        }
    });
}

/// Adds a column that is not there.
fn note(column: usize, columns: &mut Vec<usize>) {
    if !columns.contains(&column) {
        columns.push(column);
    }
}
