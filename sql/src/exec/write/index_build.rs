//! Filling an empty index from its table's rows: CREATE INDEX and REINDEX.
//!
//! ```text
//!   scan of the columns that the index reads ──▶ filter, key kernels ──▶ EntrySort ──▶ duplicates? ──▶ BulkBuilder
//!                batches, leaf by leaf              batches                memory, runs    neighbours      bottom up
//! ```
//!
//! The rows come in the order of the rowid or of the primary key, and the sort keeps the order of equal keys. So for a rowid table only
//! the key columns are sorted by, and the rowids behind them come out ascending by themselves.

use std::cmp::Ordering;
use std::sync::Arc;

use aludel_storage::btree::{BulkBuilder, TreeKind};
use aludel_storage::format::record::KeyValues;
use aludel_storage::format::{KeyOrder, TextEncoding};

use super::index::{as_integer, collect_columns};
use super::stored::stored_value;
use super::target::detached;
use crate::catalog::{Index, IndexSource, Table, usable};
use crate::error::{ConstraintKind, Error, Result};
use crate::exec::kernel::{Rows, Values};
use crate::exec::sort::EntrySort;
use crate::exec::{Batch, ExecContext, Kernel, Operator, Vector, build};
use crate::plan::physical::{DatabaseIndex, Node, ScanColumn, Seek, TableScan};
use crate::plan::write::TargetTable;
use crate::value::{self, Value, ValueRef};

/// Everything needed to fill one index.
pub struct IndexBuild {
    database: DatabaseIndex,
    table: Arc<Table>,
    index: Arc<Index>,
    scan: Box<dyn Operator>,
    /// The table row's column that each column of the scan is.
    scanned: Vec<usize>,
    /// Virtual generated columns, each after those that it is computed from.
    computed: Vec<(usize, Kernel)>,
    filter: Option<Kernel>,
    /// The columns of an entry.
    parts: Vec<Kernel>,
    /// Which of them keep reals as integers where that loses nothing.
    numeric: Vec<bool>,
    /// The rows in table row layout; columns that nobody reads are empty.
    rows: Batch,
    picked: Vec<u32>,
}

impl IndexBuild {
    /// Gets ready to fill the first index of `plan`'s table.
    ///
    /// # Errors
    /// Those of compiling the index's expressions.
    pub fn new(plan: &TargetTable) -> Result<IndexBuild> {
        let table = &plan.table;
        let (Some(index), Some(maintenance)) = (table.indexes.first(), plan.indexes.first()) else {
            return Err(Error::misuse("there is no index to fill"));
        };
        usable(&index.order)?;
        let tail = match &table.without_rowid {
            None => vec![table.columns.len()],
            Some(_) => index.tail.clone(),
        };
        let mut reads = tail.clone();
        for expression in maintenance.key.iter().chain(&maintenance.filter) {
            collect_columns(expression, &mut reads);
        }
        let computed = computed_columns(plan, &mut reads)?;
        let mut parts = Vec::with_capacity(maintenance.key.len() + tail.len());
        for expression in &maintenance.key {
            parts.push(Kernel::compile_pure(expression, "an index")?);
        }
        parts.extend(tail.iter().map(|&column| Kernel::column(column)));
        Ok(IndexBuild {
            database: plan.database,
            scan: scan_of(plan, &reads)?,
            scanned: reads,
            computed,
            filter: maintenance
                .filter
                .as_ref()
                .map(|filter| Kernel::compile_pure(filter, "an index"))
                .transpose()?,
            numeric: parts.iter().map(|part| is_numeric(table, part)).collect(),
            parts,
            rows: Batch::new(table.columns.len() + 1),
            picked: Vec::new(),
            index: Arc::clone(index),
            table: Arc::clone(table),
        })
    }

    /// Fills the index, whose tree is empty.
    ///
    /// # Errors
    /// A constraint error when the index is unique and two rows have the same key; those of the expressions, of reading and of writing.
    pub fn run(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        let encoding = context
            .state
            .databases
            .get(self.database)
            .ok_or_else(detached)?
            .encoding();
        let budget = context.state.session.memory_budget_bytes;
        let mut sort = EntrySort::new(&self.sort_order(), self.parts.len(), budget);
        self.scan.open(context)?;
        while self.scan.next(context)? {
            context.check_interrupt()?;
            self.swap_columns();
            let taken = self.take_rows(context, encoding, &mut sort);
            self.swap_columns();
            taken?;
        }
        self.scan.close();
        self.write_entries(context, sort)
    }

    /// What entries are sorted by; what follows is in order already.
    fn sort_order(&self) -> KeyOrder {
        let count = match self.table.without_rowid {
            None => self.index.columns.len(),
            Some(_) => self.parts.len(),
        };
        KeyOrder {
            columns: self.index.order.columns.iter().take(count).cloned().collect(),
        }
    }

    /// Moves the scan's columns to their places in the table row, or back.
    fn swap_columns(&mut self) {
        let batch = self.scan.batch_mut();
        self.rows.set_len_of_read(batch.len());
        for (column, &place) in batch.columns.iter_mut().zip(&self.scanned) {
            std::mem::swap(column, &mut self.rows.columns[place]);
        }
    }

    fn take_rows(
        &mut self,
        context: &mut ExecContext<'_>,
        encoding: TextEncoding,
        sort: &mut EntrySort,
    ) -> Result<()> {
        for (column, kernel) in &mut self.computed {
            let mut values = std::mem::take(&mut self.rows.columns[*column]);
            values.clear();
            kernel.evaluate(context, &self.rows)?.append_to(&mut values);
            self.rows.columns[*column] = values;
        }
        let mut rows = Rows::All(self.rows.len());
        if let Some(filter) = &mut self.filter {
            filter.select(context, &self.rows, rows, &mut self.picked)?;
            rows = Rows::Some(&self.picked);
        }
        let mut values = Vec::with_capacity(self.parts.len());
        for part in &mut self.parts {
            values.push(part.evaluate_rows(context, &self.rows, rows)?);
        }
        if encoding == TextEncoding::Utf8 {
            return sort.push(&values, rows.len());
        }
        let stored: Vec<Vector> = values.iter().map(|values| in_file(values, encoding)).collect();
        let values: Vec<Values<'_>> = stored.iter().map(Values::dense).collect();
        sort.push(&values, rows.len())
    }

    fn write_entries(&self, context: &mut ExecContext<'_>, sort: EntrySort) -> Result<()> {
        let mut sorted = sort.finish()?;
        let interrupt = context.interrupt;
        let pager = &mut context
            .state
            .databases
            .get_mut(self.database)
            .ok_or_else(detached)?
            .pager;
        let mut builder = BulkBuilder::new(pager, self.index.root, TreeKind::Index)?;
        let mut duplicates = self.index.unique.map(|_| Duplicates::new(&self.index));
        loop {
            let batch = sorted.next_batch()?;
            if batch.is_empty() {
                break;
            }
            if interrupt.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(Error::Interrupt);
            }
            if let Some(duplicates) = &mut duplicates
                && duplicates.are_in(batch)
            {
                return Err(self.not_unique());
            }
            let mut entry = KeyValues::new();
            for row in 0..batch.len() {
                entry.clear();
                for (column, numeric) in batch.columns.iter().zip(&self.numeric) {
                    let value = column.get(row);
                    entry.push(if *numeric { as_integer(value) } else { value });
                }
                builder.push_values(pager, &entry)?;
            }
        }
        Ok(builder.finish(pager)?)
    }

    fn not_unique(&self) -> Error {
        let message = format!(
            "UNIQUE constraint failed: {}",
            describe_key(&self.index, &self.table)
        );
        Error::constraint(ConstraintKind::Unique, message)
    }
}

/// Looks for neighbours with the same key. NULL is equal to nothing.
struct Duplicates<'a> {
    order: &'a KeyOrder,
    key_count: usize,
    /// The key of the last entry of the batch before.
    last: Vec<Value>,
}

impl<'a> Duplicates<'a> {
    fn new(index: &'a Index) -> Duplicates<'a> {
        Duplicates {
            order: &index.order,
            key_count: index.columns.len(),
            last: Vec::new(),
        }
    }

    fn are_in(&mut self, batch: &Batch) -> bool {
        let keys = &batch.columns[..self.key_count];
        let found = (!self.last.is_empty() && self.agrees(keys, 0, |column| self.last[column].as_ref()))
            || (1..batch.len()).any(|row| self.agrees(keys, row, |column| keys[column].get(row - 1)));
        self.last.clear();
        self.last
            .extend(keys.iter().map(|column| Value::from(column.get(batch.len() - 1))));
        found
    }

    fn agrees<'v>(&self, keys: &[Vector], row: usize, before: impl Fn(usize) -> ValueRef<'v>) -> bool {
        keys.iter()
            .zip(&self.order.columns)
            .enumerate()
            .all(|(column, (values, order))| {
                let value = values.get(row);
                !value.is_null() && value::compare(before(column), value, &order.collation) == Ordering::Equal
            })
    }
}

/// The virtual columns that are to be computed before anything reads a row. If there are any that the index reads, `reads` becomes
/// all columns that are stored, because they may be computed from each of these.
fn computed_columns(plan: &TargetTable, reads: &mut Vec<usize>) -> Result<Vec<(usize, Kernel)>> {
    let table = &plan.table;
    let is_virtual = |column: usize| {
        let generated = table
            .columns
            .get(column)
            .and_then(|column| column.generated.as_ref());
        generated.is_some_and(|generated| !generated.stored)
    };
    if !reads.iter().any(|&column| is_virtual(column)) {
        return Ok(Vec::new());
    }
    let rowid = table.without_rowid.is_none().then_some(table.columns.len());
    *reads = (0..table.columns.len())
        .filter(|&column| !is_virtual(column))
        .chain(rowid)
        .collect();
    let generated = plan.generated.iter().filter(|(column, _)| is_virtual(*column));
    generated
        .map(|(column, expression)| Ok((*column, Kernel::compile_pure(expression, "a generated column")?)))
        .collect()
}

/// A scan of some columns of the table row.
fn scan_of(plan: &TargetTable, columns: &[usize]) -> Result<Box<dyn Operator>> {
    let rowid = plan.table.columns.len();
    let columns = columns.iter().map(|&column| match column {
        column if column == rowid => ScanColumn::Rowid,
        column => ScanColumn::Table(column),
    });
    build(&Node::TableScan(Box::new(TableScan {
        database: plan.database,
        table: Arc::clone(&plan.table),
        columns: columns.collect(),
        seek: Seek::default(),
        descending: false,
        filter: None,
        estimate: 0.0,
    })))
}

fn is_numeric(table: &Table, part: &Kernel) -> bool {
    part.as_column().is_some_and(|column| {
        let column = table.columns.get(column);
        column.is_none_or(|column| column.affinity.is_numeric())
    })
}

/// Values as they lie in a file that is not UTF-8.
fn in_file(values: &Values<'_>, encoding: TextEncoding) -> Vector {
    let (mut stored, mut vector) = (Value::Null, Vector::new());
    for n in 0..values.len() {
        stored_value(values.get(n), encoding, &mut stored);
        vector.push(stored.as_ref());
    }
    vector
}

/// The columns that an error about an index's key names.
pub(super) fn describe_key(index: &Index, table: &Table) -> String {
    let mut names = Vec::with_capacity(index.columns.len());
    for column in &index.columns {
        let name = match column.source {
            IndexSource::Column(number) => table.columns[number].name.as_str(),
            IndexSource::Rowid => table
                .rowid_alias
                .map_or("rowid", |alias| table.columns[alias].name.as_str()),
            IndexSource::Expression(_) => return format!("index '{}'", index.name),
        };
        names.push(format!("{}.{name}", table.name));
    }
    names.join(", ")
}
