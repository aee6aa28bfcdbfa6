//! EXISTS and IN over correlated subqueries become semi-joins, NOT EXISTS anti-joins.
//!
//! A correlated subquery runs once for each row around it. When an equality ties it to that row, and no index serves the equality,
//! one pass over the subquery's tables into a hash table answers all rows. With an index the subquery stays as it is: then
//! few rows around it cost little, and the executor keeps answers by the values that it was asked with.

use std::rc::Rc;

use super::super::expr::{CompareOp, CompareRule};
use super::super::logical::{
    Block, Body, ColumnRef, Comparison, From, Query, Scalar, SemiJoin, SourceKind, TableId,
};
use super::push_down::is_volatile;
use crate::catalog::{IndexSource, Table};

/// Turns the terms of WHERE that can be into semi-joins.
pub(super) fn decorrelate(block: &mut Block) {
    let Some(from) = &block.from else { return };
    let may_be = |term: &Scalar| matches!(term, Scalar::Exists { .. } | Scalar::InQuery { .. });
    if !block.filter.iter().any(may_be) {
        return;
    }
    let mut around = Vec::new();
    from.each_source(&mut |source| around.push(source.table));
    let mut kept = Vec::with_capacity(block.filter.len());
    for term in std::mem::take(&mut block.filter) {
        match semi_join(&term, &around) {
            Some(semi) => block.semis.push(semi),
            None => kept.push(term),
        }
    }
    block.filter = kept;
}

fn semi_join(term: &Scalar, around: &[TableId]) -> Option<SemiJoin> {
    match term {
        Scalar::Exists { query, negated } => of_query(query, *negated, Vec::new(), around),
        Scalar::InQuery {
            operands,
            query,
            rules,
            negated: false,
        } => {
            let Body::Block(block) = &query.body else {
                return None;
            };
            let pairs = operands.iter().zip(&block.projection).zip(rules);
            let equal = pairs
                .map(|((operand, column), rule)| equality(operand, column, rule))
                .collect();
            of_query(query, false, equal, around)
        }
        _ => None,
    }
}

fn equality(left: &Scalar, right: &Scalar, rule: &CompareRule) -> Scalar {
    Scalar::compare(CompareOp::Eq, left.clone(), right.clone(), rule.clone())
}

/// The semi-join that asks whether `query` has a row under `on`.
fn of_query(query: &Rc<Query>, anti: bool, mut on: Vec<Scalar>, around: &[TableId]) -> Option<SemiJoin> {
    let Body::Block(block) = &query.body else {
        return None;
    };
    let plain = block.grouping.is_none()
        && block.windows.is_empty()
        && block.semis.is_empty()
        && query.limit.is_none()
        && query.offset.is_none()
        && query.common.is_empty();
    let from = block.from.as_ref().filter(|_| plain)?;
    let is_outer = |column: ColumnRef| around.contains(&column.table);
    if from_refers(from, &is_outer) {
        return None;
    }
    let mut filter = Vec::new();
    let mut correlated = false;
    for term in &block.filter {
        match refers(term, &is_outer) {
            false => filter.push(term.clone()),
            true if has_query(term) || is_volatile(term) => return None,
            true => {
                correlated = true;
                on.push(term.clone());
            }
        }
    }
    if !correlated || on.iter().any(has_query) {
        return None;
    }
    let mut own = Vec::new();
    from.each_source(&mut |source| own.push(source.table));
    let keys: Vec<&Scalar> = on
        .iter()
        .filter_map(|term| inner_side(term, &own, &is_outer))
        .collect();
    let indexed = keys
        .iter()
        .any(|key| key.as_column().is_some_and(|column| is_indexed(from, column)));
    (!keys.is_empty() && !indexed).then(|| SemiJoin {
        anti,
        from: from.clone(),
        filter,
        on,
    })
}

fn refers(scalar: &Scalar, test: &dyn Fn(ColumnRef) -> bool) -> bool {
    let mut found = false;
    scalar.each_column(&mut |column| found |= test(column));
    found
}

fn from_refers(from: &From, test: &dyn Fn(ColumnRef) -> bool) -> bool {
    let mut found = false;
    from.each_scalar(&mut |scalar| found |= refers(scalar, test));
    found
}

fn has_query(scalar: &Scalar) -> bool {
    scalar.any(&mut |part| part.query().is_some())
}

/// The side of an equality over the subquery's own tables, when the other side is over the tables around it.
pub(super) fn inner_side<'t>(
    term: &'t Scalar,
    own: &[TableId],
    is_outer: &dyn Fn(ColumnRef) -> bool,
) -> Option<&'t Scalar> {
    let Comparison { left, right, .. } = term.as_match()?;
    let is_own = |column: ColumnRef| own.contains(&column.table);
    let parted = |inner: &Scalar, outer: &Scalar| {
        refers(inner, &is_own)
            && !refers(inner, is_outer)
            && refers(outer, is_outer)
            && !refers(outer, &is_own)
    };
    if parted(left, right) {
        return Some(left);
    }
    parted(right, left).then_some(right)
}

/// Whether a tree of the column's table begins with the column.
pub(super) fn is_indexed(from: &From, column: ColumnRef) -> bool {
    let mut indexed = false;
    from.each_source(&mut |source| {
        if source.table == column.table
            && let SourceKind::Table { table, .. } = &source.kind
        {
            indexed = begins_tree(table, column);
        }
    });
    indexed
}

fn begins_tree(table: &Table, column: ColumnRef) -> bool {
    let Some(number) = column.column.index() else {
        return true;
    };
    let own = table
        .without_rowid
        .as_ref()
        .is_some_and(|tree| tree.stored.first() == Some(&number));
    own || table.indexes.iter().any(|index| {
        index.filter.is_none()
            && index
                .columns
                .first()
                .is_some_and(|first| matches!(first.source, IndexSource::Column(c) if c == number))
    })
}
