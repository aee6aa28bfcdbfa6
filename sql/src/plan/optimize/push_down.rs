//! Terms move into the subqueries that they are about.
//!
//! A term over one subquery's columns alone may be checked inside it, before rows are grouped, made distinct or united, as long as
//! the columns are those that the subquery groups by, or by which all its windows are parted, and it has no LIMIT.

use super::super::logical::{
    Block, Body, Compound, From, GroupTerm, OuterKind, Query, Scalar, Source, SourceKind, TableId,
};
use crate::functions::FunctionKind;
use crate::value::Collation;

/// Moves terms of a block down into the subqueries of its FROM.
pub(super) fn push_down(block: &mut Block) {
    let Some(from) = &mut block.from else { return };
    push_into(from, &mut block.filter);
}

fn push_into(from: &mut From, terms: &mut Vec<Scalar>) {
    match from {
        From::Source(source) => push_terms(source, terms),
        From::Inner { items, on } => {
            for item in items {
                push_into(&mut item.from, terms);
                push_into(&mut item.from, on);
            }
        }
        From::Outer {
            kind: OuterKind::Left,
            left,
            right,
            on,
        } => {
            push_into(left, terms);
            push_into(right, on);
        }
        From::Outer { .. } => {}
    }
}

fn push_terms(source: &mut Source, terms: &mut Vec<Scalar>) {
    let SourceKind::Query(query) = &mut source.kind else {
        return;
    };
    if query.limit.is_some() || query.offset.is_some() {
        return;
    }
    let table = source.table;
    terms.retain(|term| !(is_about(term, table) && push_term(query, table, term)));
    super::optimize_pushed(query);
}

/// Whether a term reads columns of `table` and of nothing else.
fn is_about(term: &Scalar, table: TableId) -> bool {
    let mut own = false;
    let mut others = false;
    term.each_column(&mut |column| match column.table == table {
        true => own = true,
        false => others = true,
    });
    own && !others && !is_volatile(term) && !term.any(&mut |part| part.query().is_some())
}

/// Puts a term into a query; `false` when it has no place there.
fn push_term(query: &mut Query, table: TableId, term: &Scalar) -> bool {
    match &mut query.body {
        Body::Block(block) => push_into_block(block, table, term),
        Body::Compound(compound) => push_into_members(compound, table, term),
        _ => false,
    }
}

fn push_into_members(compound: &mut Compound, table: TableId, term: &Scalar) -> bool {
    let fits = |body: &Body| matches!(body, Body::Block(block) if placed(block, table, term).is_some());
    if !fits(&compound.first) || !compound.rest.iter().all(|(_, body)| fits(body)) {
        return false;
    }
    let members = std::iter::once(&mut compound.first).chain(compound.rest.iter_mut().map(|(_, body)| body));
    for member in members {
        if let Body::Block(block) = member {
            push_into_block(block, table, term);
        }
    }
    true
}

fn push_into_block(block: &mut Block, table: TableId, term: &Scalar) -> bool {
    match placed(block, table, term) {
        Some(term) => {
            block.filter.push(term);
            true
        }
        None => false,
    }
}

/// The term over the tables of a block, where WHERE can take it.
fn placed(block: &Block, table: TableId, term: &Scalar) -> Option<Scalar> {
    if block.from.is_none() || (!block.windows.is_empty() && block.grouping.is_some()) {
        return None;
    }
    let mut possible = true;
    let mut moved = term.clone();
    moved.rewrite(&mut |scalar| match scalar {
        Scalar::Column(column) if column.table == table => {
            let expression = column
                .column
                .index()
                .and_then(|index| below_grouping(block, index))
                .filter(|expression| parts_all_windows(block, expression));
            possible &= expression.is_some();
            expression
        }
        _ => None,
    });
    (possible && !is_volatile(&moved) && !moved.any(&mut |part| part.query().is_some())).then_some(moved)
}

/// A result column as an expression over the block's tables: not if it depends on groups as a whole.
fn below_grouping(block: &Block, index: usize) -> Option<Scalar> {
    let expression = block.projection.get(index)?;
    let Some(grouping) = &block.grouping else {
        return Some(expression.clone());
    };
    match expression {
        Scalar::Column(column) if column.table == grouping.keys => grouping
            .terms
            .get(column.column.index()?)
            .map(|term| term.expression.clone()),
        _ => None,
    }
}

/// Whether rows in one partition have one value of an expression, in all windows: without some rows there are fewer partitions, and those
/// that are left stay whole.
fn parts_all_windows(block: &Block, expression: &Scalar) -> bool {
    let is_part = |term: &GroupTerm| term.collation == Collation::Binary && term.expression.same(expression);
    let mut windows = block.windows.iter();
    windows.all(|window| window.partition.iter().any(is_part))
}

/// Whether an expression may give another value each time.
pub(super) fn is_volatile(scalar: &Scalar) -> bool {
    scalar.any(&mut |part| match part {
        Scalar::Call { function, .. } => {
            let known = matches!(function.kind, FunctionKind::Scalar(_) | FunctionKind::Special(_));
            !known || !(function.flags.deterministic || function.flags.constant_in_statement)
        }
        Scalar::Raise { .. } => true,
        _ => false,
    })
}
