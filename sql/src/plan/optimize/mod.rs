//! Rewriting a bound statement so that the join planner sees more: fewer borders between queries, stronger joins, earlier terms.
//!
//! ```text
//! query ─ common tables that are used once move to where they are used
//!       ├ subqueries in FROM: merged into the block around them (flatten), or handed its terms (push_down)
//!       ├ outer joins whose extra rows WHERE throws away become inner (strength)
//!       ├ an OR over several tables says something about each of them (disjunction), and one may stay in a range (bound)
//!       └ terms get simpler forms (simplify)
//! ```
//!
//! Every rewriting keeps the rows that come out, with their multiplicities.

mod bound;
mod disjunction;
mod flatten;
mod push_down;
mod semi;
mod simplify;
mod strength;

use super::logical::{Block, Body, CommonTable, From, JoinItem, Order, Query, Scalar, SourceKind};
use super::physical::CteId;

/// Rewrites a query and all queries in it.
pub(super) fn optimize(query: &mut Query) {
    if is_settled(query) {
        return;
    }
    for common in &mut query.common {
        optimize(&mut common.query);
    }
    move_common_tables(query);
    optimize_body(&mut query.body);
    if query.has_subqueries {
        query.each_own_scalar_mut(&mut optimize_scalar);
    }
    if let Body::Block(block) = &mut query.body {
        rewrite(block, &mut query.order);
    }
}

/// Whether there is nothing to rewrite: tables are joined on comparisons, and that is all. Most queries are like that.
fn is_settled(query: &Query) -> bool {
    let compares = |terms: &[Scalar]| terms.iter().all(|term| matches!(term, Scalar::Compare(_)));
    let (Body::Block(block), false) = (&query.body, query.has_subqueries) else {
        return false;
    };
    let joined = match &block.from {
        None | Some(From::Outer { .. }) => false,
        Some(From::Source(source)) => matches!(source.kind, SourceKind::Table { .. }),
        Some(From::Inner { items, on }) => {
            let table = |item: &JoinItem| match &item.from {
                From::Source(source) => matches!(source.kind, SourceKind::Table { .. }),
                _ => false,
            };
            compares(on) && items.iter().all(table)
        }
    };
    joined && query.common.is_empty() && block.semis.is_empty() && compares(&block.filter)
}

/// What is done to a block once the queries inside it are rewritten.
fn rewrite(block: &mut Block, order: &mut [Order]) {
    // Most blocks join tables: there is nothing to merge, to strengthen, or to push terms into.
    let layered = !block.from.as_ref().is_none_or(joins_tables);
    if layered {
        flatten::flatten(block, order);
    }
    let special = |term: &Scalar| {
        matches!(
            term,
            Scalar::Or(_) | Scalar::Exists { .. } | Scalar::InQuery { .. }
        )
    };
    let special = block.filter.iter().any(special);
    if special {
        disjunction::widen(block);
        bound::bound(block);
    }
    if layered {
        strength::reduce(block);
        push_down::push_down(block);
    }
    if special {
        semi::decorrelate(block);
        order_terms(block);
    }
}

/// Whether a FROM is an inner join of tables, or one table.
fn joins_tables(from: &From) -> bool {
    match from {
        From::Source(source) => !matches!(source.kind, SourceKind::Query(_)),
        From::Inner { items, .. } => items.iter().all(|item| joins_tables(&item.from)),
        From::Outer { .. } => false,
    }
}

fn optimize_body(body: &mut Body) {
    match body {
        Body::Block(block) => optimize_block(block),
        Body::Values(_) => {}
        Body::Compound(compound) => {
            optimize_member(&mut compound.first);
            compound
                .rest
                .iter_mut()
                .for_each(|(_, body)| optimize_member(body));
        }
        Body::Recursive(recursive) => {
            optimize_member(&mut recursive.initial);
            recursive.steps.iter_mut().for_each(optimize_member);
        }
    }
}

/// A member of a compound has no order of its own.
fn optimize_member(body: &mut Body) {
    optimize_body(body);
    if let Body::Block(block) = body {
        rewrite(block, &mut []);
    }
}

/// Subqueries are asked behind all other terms, and of them EXISTS last: it mostly holds, or the question would not be asked.
fn order_terms(block: &mut Block) {
    let rank = |term: &Scalar| match term {
        Scalar::Exists { negated: false, .. } => 2,
        Scalar::Exists { .. } => 1,
        _ => 0,
    };
    if block.filter.iter().any(|term| rank(term) > 0) {
        block.filter.sort_by_key(rank);
    }
}

/// What can be done to a block before its subqueries are merged into it.
fn optimize_block(block: &mut Block) {
    if let Some(from) = &mut block.from {
        optimize_from(from);
    }
    block.filter.iter_mut().for_each(simplify::simplify);
    strength::reduce(block);
}

fn optimize_from(from: &mut From) {
    match from {
        From::Source(source) => {
            if let SourceKind::Query(query) = &mut source.kind {
                optimize(query);
            }
        }
        From::Inner { items, on } => {
            items.iter_mut().for_each(|item| optimize_from(&mut item.from));
            on.iter_mut().for_each(simplify::simplify);
        }
        From::Outer { left, right, on, .. } => {
            optimize_from(left);
            optimize_from(right);
            on.iter_mut().for_each(simplify::simplify);
        }
    }
}

/// Rewrites the queries inside an expression.
fn optimize_scalar(scalar: &mut Scalar) {
    scalar.each_part_mut(&mut |part| {
        if let Some(query) = part.query_mut() {
            optimize(query);
        }
    });
}

/// A common table that one FROM refers to becomes a subquery there.
fn move_common_tables(query: &mut Query) {
    let mut place = query.common.len();
    while place > 0 {
        place -= 1;
        let common = &query.common[place];
        if common.uses != 1 || common.materialized || matches!(common.query.body, Body::Recursive(_)) {
            continue;
        }
        // Where an operand is needed twice (BETWEEN over rows), a table that was named once is read twice.
        let (id, mut reads) = (common.id, 0);
        query.each_source_kind_mut(&mut |kind| {
            reads += usize::from(matches!(kind, SourceKind::Common(own) if *own == id));
        });
        if reads != 1 {
            continue;
        }
        let CommonTable { id, query: moved, .. } = query.common.remove(place);
        let mut moved = Some(moved);
        let mut put = |kind: &mut SourceKind| {
            if matches!(kind, SourceKind::Common(own) if *own == id)
                && let Some(query) = moved.take()
            {
                *kind = SourceKind::Query(Box::new(query));
            }
        };
        query.each_source_kind_mut(&mut put);
        debug_assert!(
            moved.is_none(),
            "a common table that is used is found: {:?}",
            CteId(id.0)
        );
    }
}

/// What pushed terms make possible inside a subquery that was rewritten before: they may go further down, and strengthen joins.
fn optimize_pushed(query: &mut Query) {
    let each = |body: &mut Body| {
        if let Body::Block(block) = body {
            strength::reduce(block);
            push_down::push_down(block);
        }
    };
    match &mut query.body {
        Body::Compound(compound) => {
            each(&mut compound.first);
            compound.rest.iter_mut().for_each(|(_, body)| each(body));
        }
        body => each(body),
    }
}
