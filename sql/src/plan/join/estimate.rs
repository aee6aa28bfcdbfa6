//! Guesses at how many rows come out of what has no statistics: subqueries, common tables, virtual tables.

use super::cost::{self, LogEst};
use crate::plan::logical::{Block, Body, From, Query, Scalar, Source, SourceKind};
use crate::value::Value;

/// Rows of a table of FROM.
pub(super) fn source_rows(source: &Source) -> LogEst {
    match &source.kind {
        SourceKind::Table { table, .. } => cost::table_rows(table),
        SourceKind::Virtual { .. } => LogEst(46),
        SourceKind::Query(query) => query_rows(query),
        SourceKind::Common(_) => LogEst(160),
        SourceKind::Recursion(_) => LogEst(10),
    }
}

/// Rows of a FROM.
pub(super) fn from_rows(from: &From) -> LogEst {
    match from {
        From::Source(source) => source_rows(source),
        // Joins are mostly by key: as many rows as the largest table has.
        From::Inner { items, .. } => items
            .iter()
            .map(|item| from_rows(&item.from))
            .max()
            .unwrap_or(LogEst::ONE),
        From::Outer { left, right, .. } => from_rows(left).max(from_rows(right)),
    }
}

fn query_rows(query: &Query) -> LogEst {
    let rows = body_rows(&query.body);
    match query.limit.as_ref().and_then(Scalar::as_literal) {
        Some(Value::Integer(limit)) if *limit >= 0 => rows.min(LogEst::of(*limit as u64)),
        _ => rows,
    }
}

fn body_rows(body: &Body) -> LogEst {
    match body {
        Body::Block(block) => block_rows(block),
        Body::Values(rows) => LogEst::of(rows.len() as u64),
        Body::Compound(compound) => compound
            .rest
            .iter()
            .fold(body_rows(&compound.first), |rows, (_, body)| {
                rows.sum(body_rows(body))
            }),
        Body::Recursive(_) => LogEst(100),
    }
}

fn block_rows(block: &Block) -> LogEst {
    let Some(from) = &block.from else {
        return LogEst::ONE;
    };
    let mut rows = from_rows(from);
    for term in &block.filter {
        let equal = term.as_equality().is_some();
        rows = LogEst((rows.0 - if equal { 20 } else { 5 }).max(0));
    }
    match &block.grouping {
        Some(grouping) if grouping.terms.is_empty() => LogEst::ONE,
        Some(_) => LogEst((rows.0 - 33).max(0)),
        None => rows,
    }
}
