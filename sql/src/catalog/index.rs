//! What an index holds and how it is ordered: of UNIQUE and PRIMARY KEY constraints, and of CREATE INDEX.
//!
//! ```text
//!   rowid table            key columns | rowid
//!   WITHOUT ROWID table    key columns | primary key columns that are not among them
//! ```

use std::sync::Arc;

use aludel_storage::format::{Collation, PageNo};

use super::environment::Environment;
use super::schema::{Index, IndexColumn, IndexOrigin, IndexSource, Table, is_rowid_name};
use super::table::UNASSIGNED_ROOT;
use crate::error::{Error, Result};
use crate::syntax::ast::{self, ConflictAction, CreateIndex, ExprKind, Literal, Nulls, OrderingTerm};

/// The index that `create` describes on `table`, with its tree at `root`.
///
/// # Errors
/// `no such column: x`, `unsupported use of NULLS LAST`, `no such collation sequence: x`.
pub fn index_of(
    create: &CreateIndex,
    sql: &str,
    root: PageNo,
    table: &Table,
    environment: &Environment<'_>,
) -> Result<Index> {
    refuse_nulls_order(&create.columns)?;
    if create.columns.len() > environment.columns_max {
        return Err(Error::sql("too many columns in index"));
    }
    let columns = create
        .columns
        .iter()
        .map(|term| created_column(table, term, environment))
        .collect::<Result<Vec<_>>>()?;
    let (tail, tail_columns) = tail_of(table, &columns, true);
    Ok(Index {
        name: create.name.name.text.to_string(),
        table: table.name.clone(),
        root,
        order: Arc::new(environment.key_order(columns.iter().chain(&tail_columns))),
        columns,
        tail,
        unique: create.unique.then_some(None),
        origin: IndexOrigin::Created,
        filter: create.selection.clone(),
        statistics: None,
        samples: None,
        sql: Some(sql.to_owned()),
    })
}

/// An index that a UNIQUE or PRIMARY KEY constraint asks for.
pub(super) struct ConstraintIndex {
    pub(super) name: String,
    pub(super) key: Vec<IndexColumn>,
    pub(super) conflict: Option<ConflictAction>,
    pub(super) origin: IndexOrigin,
}

impl ConstraintIndex {
    pub(super) fn is_column(&self, place: usize, column: usize) -> bool {
        self.key.get(place).and_then(column_number) == Some(column)
    }

    /// Same columns in the same order by the same collations; directions do not count.
    pub(super) fn has_key(&self, key: &[IndexColumn]) -> bool {
        self.key.len() == key.len() && self.key.iter().zip(key).all(|(a, b)| same_column(a, b))
    }

    pub(super) fn into_index(self, table: &Table, environment: &Environment<'_>) -> Index {
        let (tail, tail_columns) = tail_of(table, &self.key, false);
        Index {
            name: self.name,
            table: table.name.clone(),
            root: UNASSIGNED_ROOT,
            order: Arc::new(environment.key_order(self.key.iter().chain(&tail_columns))),
            columns: self.key,
            tail,
            unique: Some(self.conflict),
            origin: self.origin,
            filter: None,
            statistics: None,
            samples: None,
            sql: None,
        }
    }
}

/// The number of the table column that an index column holds.
pub(super) fn column_number(column: &IndexColumn) -> Option<usize> {
    match column.source {
        IndexSource::Column(number) => Some(number),
        IndexSource::Rowid | IndexSource::Expression(_) => None,
    }
}

pub(super) fn same_column(a: &IndexColumn, b: &IndexColumn) -> bool {
    let same_source = match (&a.source, &b.source) {
        (IndexSource::Column(a), IndexSource::Column(b)) => a == b,
        (IndexSource::Rowid, IndexSource::Rowid) => true,
        _ => false,
    };
    same_source && a.collation == b.collation
}

/// An index column over table column `column` by the column's own collation.
pub(super) fn column_of(table: &Table, column: usize, descending: bool) -> IndexColumn {
    let source = match table.rowid_alias {
        Some(alias) if alias == column => IndexSource::Rowid,
        _ => IndexSource::Column(column),
    };
    IndexColumn {
        source,
        collation: table.columns[column].collation.clone(),
        descending,
    }
}

/// The key of a UNIQUE or PRIMARY KEY list.
pub(super) fn constraint_key(
    table: &Table,
    terms: &[OrderingTerm],
    environment: &Environment<'_>,
) -> Result<Vec<IndexColumn>> {
    refuse_nulls_order(terms)?;
    terms
        .iter()
        .map(|term| {
            let (base, collation) = split_collation(&term.expr);
            let Some(name) = name_of(base) else {
                return Err(Error::sql(
                    "expressions prohibited in PRIMARY KEY and UNIQUE constraints",
                ));
            };
            let Some(column) = table.column(name) else {
                return Err(Error::sql(format!("no such column: {name}")));
            };
            let mut key = column_of(table, column, term.descending());
            if let Some(collation) = collation {
                key.collation = environment.collation(collation)?;
            }
            Ok(key)
        })
        .collect()
}

fn created_column(table: &Table, term: &OrderingTerm, environment: &Environment<'_>) -> Result<IndexColumn> {
    let (base, collation) = split_collation(&term.expr);
    let mut column = match key_name(&term.expr).map(|name| (name, table.column(name))) {
        Some((_, Some(column))) => column_of(table, column, term.descending()),
        Some((name, None)) if is_rowid_name(name) && table.without_rowid.is_none() => IndexColumn {
            source: IndexSource::Rowid,
            collation: Collation::Binary,
            descending: term.descending(),
        },
        Some((name, None)) if !is_word(base) => return Err(Error::sql(format!("no such column: {name}"))),
        _ => IndexColumn {
            source: IndexSource::Expression(base.clone()),
            collation: Collation::Binary,
            descending: term.descending(),
        },
    };
    if let Some(collation) = collation {
        column.collation = environment.collation(collation)?;
    }
    Ok(column)
}

/// TRUE and FALSE are names to the parser; as a key they are constants.
fn is_word(expr: &ast::Expr) -> bool {
    matches!(&expr.kind, ExprKind::Name(name) if name.is("true") || name.is("false"))
}

/// What stands in the record after the key, with the columns that order it.
fn tail_of(table: &Table, key: &[IndexColumn], keep_direction: bool) -> (Vec<usize>, Vec<IndexColumn>) {
    let Some(primary) = &table.without_rowid else {
        let rowid = IndexColumn {
            source: IndexSource::Rowid,
            collation: Collation::Binary,
            descending: false,
        };
        return (Vec::new(), vec![rowid]);
    };
    let mut missing: Vec<IndexColumn> = primary
        .columns
        .iter()
        .filter(|column| !key.iter().any(|own| same_column(own, column)))
        .cloned()
        .collect();
    if !keep_direction {
        missing.iter_mut().for_each(|column| column.descending = false);
    }
    (missing.iter().filter_map(column_number).collect(), missing)
}

/// The column that a term of a key list names, whatever its collation.
pub(super) fn plain_column(table: &Table, expr: &ast::Expr) -> Option<usize> {
    name_of(split_collation(expr).0).and_then(|name| table.column(name))
}

/// `x COLLATE c` is `x`, ordered by `c`; the outermost COLLATE counts.
fn split_collation(expr: &ast::Expr) -> (&ast::Expr, Option<&str>) {
    let mut found = None;
    let mut expr = expr;
    while let ExprKind::Collate { operand, collation } = &expr.kind {
        found = found.or(Some(collation.as_str()));
        expr = operand;
    }
    (expr, found)
}

/// A name, also one in single quotes, which the grammar takes for a string.
fn name_of(expr: &ast::Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.as_str()),
        ExprKind::Literal(Literal::String(text)) => std::str::from_utf8(text).ok(),
        _ => None,
    }
}

/// The name that a term of CREATE INDEX is. A string under more than one COLLATE is a string.
fn key_name(expr: &ast::Expr) -> Option<&str> {
    let operand = match &expr.kind {
        ExprKind::Collate { operand, .. } => operand,
        _ => expr,
    };
    match (&operand.kind, split_collation(expr).0) {
        (ExprKind::Collate { .. }, base) if matches!(base.kind, ExprKind::Literal(_)) => None,
        (_, base) => name_of(base),
    }
}

/// # Errors
/// `unsupported use of NULLS FIRST` where a list of key columns says how NULLs sort.
pub(super) fn refuse_nulls_order(terms: &[OrderingTerm]) -> Result<()> {
    match terms.iter().find_map(|term| term.nulls) {
        None => Ok(()),
        Some(Nulls::First) => Err(Error::sql("unsupported use of NULLS FIRST")),
        Some(Nulls::Last) => Err(Error::sql("unsupported use of NULLS LAST")),
    }
}
