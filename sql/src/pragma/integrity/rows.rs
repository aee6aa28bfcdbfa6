//! The rows of a table against its constraints and its indexes.
//!
//! The table is scanned in batches by the executor; for each index its key kernels run over the batch, and the entries are added up. Where they
//! do not add up to what the index holds, each row's entry is sought in a second scan. Entries without a row show as a difference of counts.

use std::sync::Arc;

use aludel_storage::btree::{IndexCursor, Seek};
use aludel_storage::format::TextEncoding;

use super::super::PragmaContext;
use super::tally::Tally;
use super::{Depth, Findings};
use crate::catalog::{Collations, Column, Index, StrictType, Table, encode_text};
use crate::error::{Error, Result};
use crate::exec::{Batch, ExecContext, Kernel, Operator, Rows, Values, build};
use crate::plan::expr::Expr;
use crate::plan::physical::{Node, ScanColumn, ScanColumns, Seek as ScanSeek, TableScan};
use crate::plan::write::TargetTable;
use crate::plan::{NoVirtualTables, PlanContext, SchemaView, Settings as PlanSettings, target_table};
use crate::value::{Affinity, Text, Value, ValueRef, cast, number};

pub(super) fn check_table(
    database: usize,
    table: &Arc<Table>,
    context: &mut PragmaContext<'_>,
    depth: Depth,
    findings: &mut Findings,
) -> Result<()> {
    let target = target(database, table, context)?;
    let with_checks = !context.state.settings.ignore_check_constraints;
    let build = || TableCheck::build(database, table, &target, depth, with_checks);
    let mut registers = Vec::new();
    let mut exec = ExecContext {
        state: &mut *context.state,
        parameters: &[],
        registers: &mut registers,
        interrupt: context.interrupt,
        run: u64::MAX,
    };
    // Entries of trees that are in order need not be searched to know that they are there.
    if findings.rows.is_empty() && depth == Depth::Full && !table.indexes.is_empty() {
        let mut found = findings.none_yet();
        match build()?.run_tallied(&mut exec, &mut found) {
            Ok(true) => {
                findings.append(found);
                return Ok(());
            }
            Err(Error::Interrupt) => return Err(Error::Interrupt),
            Ok(false) | Err(_) => {}
        }
    }
    build()?.run(&mut exec, findings)
}

/// How the table is kept right, as writes see it.
fn target(database: usize, table: &Arc<Table>, context: &PragmaContext<'_>) -> Result<TargetTable> {
    let databases = context.state.databases.iter();
    let databases: Vec<SchemaView<'_>> = databases
        .map(|database| SchemaView {
            name: &database.name,
            schema: &database.schema,
        })
        .collect();
    let plan_context = PlanContext {
        databases: &databases,
        functions: &context.state.functions,
        collations: &|name| context.state.collations.find(name),
        virtual_tables: &NoVirtualTables,
        settings: PlanSettings::default(),
        trigger: None,
        uses: None,
        authorize: None,
        accessor: None,
        lifted: None,
    };
    target_table(database, table, &plan_context)
}

/// Everything needed to look at each row once.
pub(super) struct TableCheck {
    database: usize,
    table: Arc<Table>,
    scan: Box<dyn Operator>,
    /// Virtual generated columns and what computes them.
    generated: Vec<(usize, Kernel)>,
    checks: Vec<Kernel>,
    indexes: Vec<IndexCheck>,
    encoding: TextEncoding,
    /// Rows looked at so far.
    rows: u64,
}

impl TableCheck {
    fn build(
        database: usize,
        table: &Arc<Table>,
        target: &TargetTable,
        depth: Depth,
        with_checks: bool,
    ) -> Result<TableCheck> {
        let is_virtual = |(column, _): &&(usize, Expr)| {
            table
                .columns
                .get(*column)
                .is_some_and(|column| column.stored_at.is_none())
        };
        let generated = target.generated.iter().filter(is_virtual);
        let generated = generated.map(|(column, expr)| Ok((*column, Kernel::compile(expr)?)));
        let checks = target
            .checks
            .iter()
            .filter(|_| with_checks)
            .map(|check| Kernel::compile(&check.1));
        let indexes = table
            .indexes
            .iter()
            .zip(&target.indexes)
            .filter(|_| depth == Depth::Full);
        Ok(TableCheck {
            database,
            table: Arc::clone(table),
            scan: row_scan(database, table)?,
            generated: generated.collect::<Result<_>>()?,
            checks: checks.collect::<Result<_>>()?,
            indexes: indexes
                .map(|(index, maintenance)| {
                    IndexCheck::build(index, table, &maintenance.key, maintenance.filter.as_ref())
                })
                .collect::<Result<_>>()?,
            encoding: TextEncoding::Utf8,
            rows: 0,
        })
    }

    fn run(&mut self, context: &mut ExecContext<'_>, findings: &mut Findings) -> Result<()> {
        self.scan_rows(context, findings)?;
        let whole = !findings.is_full();
        for index in self.indexes.iter().filter(|_| whole) {
            let entries = index
                .cursor
                .count(&context.state.databases[self.database].pager)?;
            if entries != index.rows {
                findings.add(&format!("wrong # of entries in index {}", index.index.name));
            }
        }
        Ok(())
    }

    /// As [`run`](Self::run), but each index is compared with the rows as a whole. False when the rows have to be searched one by one.
    fn run_tallied(&mut self, context: &mut ExecContext<'_>, findings: &mut Findings) -> Result<bool> {
        let pager = &context.state.databases[self.database].pager;
        if pager.header()?.encoding != TextEncoding::Utf8 {
            return Ok(false);
        }
        for index in &mut self.indexes {
            index.tally = Some(Tally::new());
        }
        self.scan_rows(context, findings)?;
        if findings.is_full() {
            return Ok(false);
        }
        for index in &mut self.indexes {
            context.check_interrupt()?;
            let pager = &context.state.databases[self.database].pager;
            let width = index.keys.parts.len();
            let unique = index.index.unique.as_ref().map(|_| index.places.key_count);
            let Some(tally) = index.tally else {
                return Ok(false);
            };
            if tally.of_index(&mut index.cursor, pager, width, unique)? != Some(tally) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn scan_rows(&mut self, context: &mut ExecContext<'_>, findings: &mut Findings) -> Result<()> {
        self.encoding = context.state.databases[self.database].pager.header()?.encoding;
        self.scan.open(context)?;
        while !findings.is_full() && self.scan.next(context)? {
            context.check_interrupt()?;
            self.compute_generated(context)?;
            self.check_batch(context, findings)?;
        }
        self.scan.close();
        Ok(())
    }

    fn compute_generated(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        for (column, kernel) in &mut self.generated {
            let mut computed = crate::exec::Vector::new();
            kernel
                .evaluate(context, self.scan.batch())?
                .append_to(&mut computed);
            self.scan.batch_mut().columns[*column] = computed;
        }
        Ok(())
    }

    fn check_batch(&mut self, context: &mut ExecContext<'_>, findings: &mut Findings) -> Result<()> {
        let batch = self.scan.batch();
        let failed = failed_checks(&mut self.checks, context, batch)?;
        let mut entries = Vec::with_capacity(self.indexes.len());
        for index in &mut self.indexes {
            let IndexCheck {
                index,
                cursor,
                keys,
                places,
                rows,
                tally,
            } = index;
            let keys = keys.evaluate(context, batch)?;
            if let Some(tally) = tally {
                keys.add_to(tally);
                continue;
            }
            entries.push((index, cursor, places, rows, keys));
        }
        let pager = &context.state.databases[self.database].pager;
        for (row, failed) in failed.iter().enumerate() {
            self.rows += 1;
            for (number, column) in self.table.columns.iter().enumerate() {
                check_column(&self.table, column, batch.columns[number].get(row), findings);
            }
            if *failed {
                findings.add(&format!("CHECK constraint failed in {}", self.table.name));
            }
            for (index, cursor, places, rows, keys) in &mut entries {
                if let Some(entry) = keys.entry(row, self.encoding) {
                    **rows += 1;
                    places.check(cursor, index, pager, &entry, self.rows, findings)?;
                }
            }
        }
        Ok(())
    }
}

/// A scan in table row layout; virtual generated columns, which no record holds, are NULL.
pub(super) fn row_scan(database: usize, table: &Arc<Table>) -> Result<Box<dyn Operator>> {
    let is_virtual = |column: &Column| {
        column
            .generated
            .as_ref()
            .is_some_and(|generated| !generated.stored)
    };
    let stored = (0..table.columns.len()).filter(|&number| !is_virtual(&table.columns[number]));
    let mut columns: ScanColumns = stored.map(ScanColumn::Table).collect();
    columns.extend(table.without_rowid.is_none().then_some(ScanColumn::Rowid));
    let width = columns.len();
    let scan = Node::TableScan(Box::new(TableScan {
        database,
        table: Arc::clone(table),
        columns,
        seek: ScanSeek::default(),
        descending: false,
        filter: None,
        estimate: 0.0,
    }));
    if !table.columns.iter().any(is_virtual) {
        return build(&scan);
    }
    let mut read = 0..width;
    let mut next = || read.next().map_or(Expr::Literal(Value::Null), Expr::Column);
    let mut expressions: Vec<Expr> = Vec::with_capacity(table.columns.len() + 1);
    for column in &table.columns {
        expressions.push(match is_virtual(column) {
            true => Expr::Literal(Value::Null),
            false => next(),
        });
    }
    expressions.push(next());
    build(&Node::Project {
        input: Box::new(scan),
        expressions,
    })
}

/// For each row of a dense batch whether a CHECK is false.
fn failed_checks(checks: &mut [Kernel], context: &mut ExecContext<'_>, batch: &Batch) -> Result<Vec<bool>> {
    let mut failed = vec![false; batch.selected_len()];
    for check in checks {
        let values = check.evaluate(context, batch)?;
        for (row, failed) in failed.iter_mut().enumerate() {
            *failed |= cast::truth(values.get(row)) == Some(false);
        }
    }
    Ok(failed)
}

/// NOT NULL, and the types that the declaration asks for.
fn check_column(table: &Table, column: &Column, value: ValueRef<'_>, findings: &mut Findings) {
    let place = || format!("{}.{}", table.name, column.name);
    let is_key_of_tree = table.without_rowid.is_some() && column.primary_key.is_some();
    if value == ValueRef::Null {
        if column.not_null.is_some() || is_key_of_tree {
            findings.add(&format!("NULL value in {}", place()));
        }
        return;
    }
    if table.strict {
        let declared = column.declared_type.as_deref().unwrap_or_default();
        if StrictType::of(declared).is_some_and(|kind| !holds(kind, value)) {
            findings.add(&format!(
                "non-{} value in {}",
                declared.to_ascii_uppercase(),
                place()
            ));
        }
        return;
    }
    match (column.affinity, value) {
        (Affinity::Text, ValueRef::Integer(_) | ValueRef::Real(_)) => {
            findings.add(&format!("NUMERIC value in {}", place()));
        }
        (Affinity::Numeric | Affinity::Integer | Affinity::Real, ValueRef::Text(bytes))
            if number::affinity_number(bytes).is_some() =>
        {
            findings.add(&format!("TEXT value in {}", place()));
        }
        _ => {}
    }
}

/// Whether a STRICT column of the type may hold the value.
fn holds(kind: StrictType, value: ValueRef<'_>) -> bool {
    match kind {
        StrictType::Any => true,
        StrictType::Integer => matches!(value, ValueRef::Integer(_)),
        StrictType::Real => matches!(value, ValueRef::Real(_)),
        StrictType::Text => matches!(value, ValueRef::Text(_)),
        StrictType::Blob => matches!(value, ValueRef::Blob(_)),
    }
}

/// An index and the kernels of its entries.
struct IndexCheck {
    index: Arc<Index>,
    cursor: IndexCursor,
    keys: EntryKernels,
    places: Uniqueness,
    /// Rows that the index should have.
    rows: u64,
    /// Its entries added up, where they are not searched.
    tally: Option<Tally>,
}

struct EntryKernels {
    filter: Option<Kernel>,
    parts: Vec<Kernel>,
    /// The rows that a partial index holds; it alone decides for which rows the parts can be computed.
    kept: Vec<u32>,
}

impl IndexCheck {
    fn build(index: &Arc<Index>, table: &Table, key: &[Expr], filter: Option<&Expr>) -> Result<IndexCheck> {
        let tail: Vec<usize> = match &table.without_rowid {
            None => vec![table.columns.len()],
            Some(_) => index.tail.clone(),
        };
        let parts = key.iter().cloned().chain(tail.into_iter().map(Expr::Column));
        let parts = parts.map(|part| Kernel::compile(&part)).collect::<Result<_>>()?;
        Ok(IndexCheck {
            index: Arc::clone(index),
            cursor: IndexCursor::new(index.root, Arc::clone(&index.order)),
            keys: EntryKernels {
                filter: filter.map(Kernel::compile).transpose()?,
                parts,
                kept: Vec::new(),
            },
            places: Uniqueness { key_count: key.len() },
            rows: 0,
            tally: None,
        })
    }
}

impl EntryKernels {
    fn evaluate<'a>(&'a mut self, context: &mut ExecContext<'_>, batch: &'a Batch) -> Result<Entries<'a>> {
        let EntryKernels { filter, parts, kept } = self;
        let mut rows = Rows::of(batch);
        if let Some(filter) = filter {
            let holds = filter.evaluate(context, batch)?;
            let held = (0..rows.len()).filter(|&n| cast::truth(holds.get(n)) == Some(true));
            kept.clear();
            kept.extend(held.map(|n| rows.row(n) as u32));
            rows = Rows::Some(kept);
        }
        let parts = parts
            .iter_mut()
            .map(|part| part.evaluate_rows(context, batch, rows))
            .collect::<Result<_>>()?;
        Ok(Entries { rows, parts })
    }
}

/// The entries of a batch's rows.
struct Entries<'a> {
    rows: Rows<'a>,
    parts: Vec<Values<'a>>,
}

impl Entries<'_> {
    /// Adds up all entries, whose texts are as in the file.
    fn add_to(&self, tally: &mut Tally) {
        for n in 0..self.rows.len() {
            tally.add(self.parts.iter().map(|part| part.get(n)));
        }
    }

    /// The entry of a row in the file's encoding; `None` when a partial index leaves the row out.
    fn entry(&self, row: usize, encoding: TextEncoding) -> Option<Vec<Value>> {
        let n = match self.rows {
            Rows::All(_) => row,
            Rows::Some(rows) => rows.binary_search(&(row as u32)).ok()?,
        };
        let stored = |value: ValueRef<'_>| match value {
            ValueRef::Text(text) if encoding != TextEncoding::Utf8 => {
                let mut bytes = Vec::with_capacity(text.len() * 2);
                encode_text(text, encoding, &mut bytes);
                Value::Text(Text::from_bytes(bytes))
            }
            other => Value::from(other),
        };
        Some(self.parts.iter().map(|part| stored(part.get(n))).collect())
    }
}

/// Whether entries are there, and alone where they must be.
struct Uniqueness {
    /// Columns that uniqueness is about.
    key_count: usize,
}

impl Uniqueness {
    fn check(
        &self,
        cursor: &mut IndexCursor,
        index: &Index,
        pager: &aludel_storage::pager::Pager,
        entry: &[Value],
        row: u64,
        findings: &mut Findings,
    ) -> Result<()> {
        let values: Vec<ValueRef<'_>> = entry.iter().map(Value::as_ref).collect();
        if !cursor.seek(pager, &values, Seek::Eq)? {
            findings.add(&format!("row {row} missing from index {}", index.name));
            return Ok(());
        }
        let key = &values[..self.key_count.min(values.len())];
        if index.unique.is_none() || key.contains(&ValueRef::Null) {
            return Ok(());
        }
        if cursor.next(pager)? && cursor.compare_current(pager, key)?.is_eq() {
            findings.add(&format!("non-unique entry in index {}", index.name));
        }
        Ok(())
    }
}
