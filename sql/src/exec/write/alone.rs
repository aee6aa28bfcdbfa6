//! A write of one row that runs for the first time, and mostly for the last: a bound or literal row behind all others, or bound or literal values
//! over columns of a row that is named by its rowid.
//!
//! ```text
//!   plan ──▶ may it? ── yes ──▶ do the values fit? ── yes ──▶ a cursor ──▶ the leaf
//!               └ no ─────────────────┴ no ──▶ [`Insert`](super::Insert), [`Update`](super::Update), made ready as for many runs
//! ```
//!
//! What a statement keeps from run to run (cursors, buffers, compiled expressions, the writers of all indexes) takes longer to make than such a row
//! takes to write. So the first run goes without; the second makes all that.
//!
//! - A1. What is written is what the long way would have written, by the rules of `straight`; nothing is, and nothing else has happened, when a value
//!   does not fit.
//! - A2. What may run so fails clean, reads no index and changes none: it is undone, and put off, as the long way would be.

use aludel_storage::btree::TableCursor;
use aludel_storage::format::TextEncoding;
use smallvec::SmallVec;

use super::collect::named_row;
use super::program::ProgramSet;
use super::straight::{Fit, Values};
use super::target::detached;
use crate::catalog::{Database, IndexSource};
use crate::error::Result;
use crate::exec::ExecContext;
use crate::plan::Node;
use crate::plan::expr::Expr;
use crate::plan::write::{InsertPlan, InsertValue, TargetTable, UpdatePlan};
use crate::value::{Value, ValueRef};

/// Whether the first run of an UPDATE may do without what later ones keep.
pub(crate) fn may_update_alone(plan: &UpdatePlan, programs: &ProgramSet) -> bool {
    let table = &*plan.target.table;
    let named = named_row(&plan.input).is_some_and(|rowid| match rowid {
        Expr::Literal(value) => matches!(value, Value::Integer(_)),
        other => other.as_parameter_of_integers().is_some(),
    });
    let whole = || table.columns.iter().all(|column| column.missing_value.is_null());
    let indexed = |column: usize| {
        table.indexes.iter().any(|index| {
            let mut keys = index.columns.iter();
            keys.any(|key| matches!(key.source, IndexSource::Column(own) if own == column))
        })
    };
    let mut sets = plan.sets.iter().enumerate();
    named
        && !plan.joined
        && is_plain(&plan.target, programs)
        && whole()
        && sets.all(|(place, (column, value))| {
            table.rowid_alias != Some(*column)
                && Fit::of(table, *column).is_some()
                && is_given(value)
                && !indexed(*column)
                && plan.sets[..place].iter().all(|(other, _)| other != column)
        })
}

/// Whether the first run of an INSERT may do without what later ones keep.
pub(crate) fn may_insert_alone(plan: &InsertPlan, programs: &ProgramSet) -> bool {
    let table = &*plan.target.table;
    let given = given_row(&plan.source).is_some_and(|row| row.iter().all(is_given));
    let mut values = plan.values.iter().enumerate();
    given
        && table.indexes.is_empty()
        && !table.autoincrement
        && plan.rowid.is_none()
        && plan.upserts.is_empty()
        && is_plain(&plan.target, programs)
        && values.all(|(column, value)| {
            matches!(value, InsertValue::Source(_) | InsertValue::Null) && Fit::of(table, column).is_some()
        })
}

/// Whether nothing but the values has a say in what becomes of a row.
fn is_plain(target: &TargetTable, programs: &ProgramSet) -> bool {
    let table = &*target.table;
    table.holds_plain_rows()
        && target.checks.is_empty()
        && target.defaults.is_empty()
        && target.returning.is_none()
        && !programs.tells_rows
        && !programs.tells_changes
        && programs.of_table(target.database, table).is_none()
}

/// Writes the new values over those of the named row. `None`, and nothing has happened, when there is more to it; else how many rows were changed.
pub(crate) fn update_alone(plan: &UpdatePlan, context: &mut ExecContext<'_>) -> Result<Option<u64>> {
    let (table, parameters) = (&*plan.target.table, context.parameters);
    let rowid = named_row(&plan.input).and_then(|rowid| match rowid.as_parameter_of_integers() {
        Some(parameter) => parameters.get(parameter).map(Value::as_ref),
        None => given(rowid, parameters),
    });
    let Some(ValueRef::Integer(rowid)) = rowid else {
        return Ok(None);
    };
    let mut values: SmallVec<[(usize, ValueRef<'_>); 8]> = SmallVec::new();
    for (column, value) in &plan.sets {
        let place = table.columns.get(*column).and_then(|column| column.stored_at);
        let value = given(value, parameters);
        let value = value.and_then(|value| Fit::of(table, *column)?.stored(value));
        let (Some(place), Some(value)) = (place, value) else {
            return Ok(None);
        };
        values.push((place, value));
    }
    values.sort_unstable_by_key(|(place, _)| *place);
    let places: SmallVec<[usize; 8]> = values.iter().map(|(place, _)| *place).collect();
    let Some(database) = writable(&plan.target, context)? else {
        return Ok(None);
    };
    let changed = TableCursor::new(table.root).patch_rows(
        &mut database.pager,
        &[rowid],
        &places,
        |_, column| values[column].1,
        |_| ValueRef::Null,
    )?;
    Ok(Some(changed as u64))
}

/// Puts the row behind all others. `None`, and nothing has happened, when there is more to it; else how many rows were inserted.
pub(crate) fn insert_alone(plan: &InsertPlan, context: &mut ExecContext<'_>) -> Result<Option<u64>> {
    let (table, parameters) = (&*plan.target.table, context.parameters);
    let Some(row) = given_row(&plan.source) else {
        return Ok(None);
    };
    let (mut rowid, mut values) = (ValueRef::Null, Values::new());
    for (column, source) in plan.values.iter().enumerate() {
        let value = match source {
            InsertValue::Source(place) => row.get(*place).and_then(|value| given(value, parameters)),
            _ => Some(ValueRef::Null),
        };
        let Some(value) = value else { return Ok(None) };
        if table.rowid_alias == Some(column) {
            rowid = value;
            values.push(ValueRef::Null);
            continue;
        }
        match Fit::of(table, column).and_then(|fit| fit.stored(value)) {
            Some(value) => values.push(value),
            None => return Ok(None),
        }
    }
    let Some(database) = writable(&plan.target, context)? else {
        return Ok(None);
    };
    let mut cursor = TableCursor::new(table.root);
    let largest = cursor.largest_rowid(&database.pager)?;
    let rowid = match (rowid, largest) {
        (ValueRef::Null, None) => Some(1),
        (ValueRef::Null, Some(largest)) => largest.checked_add(1),
        (ValueRef::Integer(rowid), largest) => {
            Some(rowid).filter(|_| largest.is_none_or(|last| rowid > last))
        }
        _ => None,
    };
    let Some(rowid) = rowid else { return Ok(None) };
    cursor.insert_values(&mut database.pager, rowid, &values)?;
    context.state.session.environment.last_insert_rowid.set(rowid);
    Ok(Some(1))
}

/// The database of a table, where values may lie in it as they are bound, and no program that runs keeps the table from being written.
fn writable<'c>(target: &TargetTable, context: &'c mut ExecContext<'_>) -> Result<Option<&'c mut Database>> {
    let pinned = context.state.session.pinned.is_some();
    let database = context.state.databases.get_mut(target.database);
    let database = database.ok_or_else(detached)?;
    let plain = !pinned && database.encoding() == TextEncoding::Utf8;
    Ok(plain.then_some(database))
}

/// The only row of a source.
fn given_row(source: &Node) -> Option<&[Expr]> {
    match source {
        Node::Values { rows, .. } if rows.len() == 1 => rows.first().map(Vec::as_slice),
        _ => None,
    }
}

fn is_given(value: &Expr) -> bool {
    matches!(value, Expr::Parameter(_) | Expr::Literal(_))
}

/// A value that needs no computing.
fn given<'v>(value: &'v Expr, parameters: &'v [Value]) -> Option<ValueRef<'v>> {
    match value {
        Expr::Parameter(place) => Some(parameters.get(*place).map_or(ValueRef::Null, Value::as_ref)),
        Expr::Literal(value) => Some(value.as_ref()),
        _ => None,
    }
}
