//! Subqueries in FROM become part of the block around them.
//!
//! A subquery that only joins, filters and computes is no border: its tables join those around it, its terms join WHERE (or the ON of the LEFT
//! JOIN that it is the right side of), and its columns are replaced by their expressions everywhere in the block.

use super::super::logical::{
    Block, Body, From, Order, OrderTarget, OuterKind, Query, Scalar, Source, SourceKind, TableId,
};
use super::push_down::is_volatile;

/// What a flattened subquery's columns stand for.
struct Flattened {
    table: TableId,
    projection: Vec<Scalar>,
}

/// Merges what can be merged; ORDER BY of the block sees its columns too.
pub(super) fn flatten(block: &mut Block, order: &mut [Order]) {
    let Some(mut from) = block.from.take() else { return };
    let mut flattened = Vec::new();
    let mut filter = Vec::new();
    merge(&mut from, Place::Inner, &mut filter, &mut flattened);
    block.filter.extend(filter);
    block.from = Some(from);
    // Later ones may be inside earlier ones' expressions, never the other way round.
    for own in flattened {
        let mut replace = |scalar: &Scalar| match scalar {
            Scalar::Column(column) if column.table == own.table => column
                .column
                .index()
                .and_then(|index| own.projection.get(index).cloned()),
            _ => None,
        };
        block.each_scalar_mut(&mut |scalar| scalar.rewrite(&mut replace));
        for term in order.iter_mut() {
            if let OrderTarget::Expression(expression) = &mut term.target {
                expression.rewrite(&mut replace);
            }
        }
    }
}

/// Where in FROM a subquery stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// All its rows are rows of the join.
    Inner,
    /// The right side of a LEFT JOIN: NULLs may take its place.
    Nullable,
    /// A side of a RIGHT or FULL JOIN.
    Fixed,
}

/// Merges the subqueries of a FROM; their terms go to `filter`.
fn merge(from: &mut From, place: Place, filter: &mut Vec<Scalar>, flattened: &mut Vec<Flattened>) {
    match from {
        From::Source(source) => {
            if let Some(query) = take_simple(source, place) {
                let table = source.table;
                if let Some((inner, terms, projection)) = parts(query) {
                    flattened.push(Flattened { table, projection });
                    filter.extend(terms);
                    *from = inner;
                }
            }
        }
        From::Inner { items, on } => {
            let mut own = Vec::new();
            let own_filter = if place == Place::Inner {
                &mut *filter
            } else {
                &mut own
            };
            items
                .iter_mut()
                .for_each(|item| merge(&mut item.from, place, own_filter, flattened));
            on.extend(own);
        }
        From::Outer {
            kind: OuterKind::Left,
            left,
            right,
            on,
        } => {
            merge(left, place, filter, flattened);
            let inside = if place == Place::Inner {
                Place::Nullable
            } else {
                Place::Fixed
            };
            merge(right, inside, on, flattened);
        }
        From::Outer { left, right, .. } => {
            let mut none = Vec::new();
            merge(left, Place::Fixed, &mut none, flattened);
            merge(right, Place::Fixed, &mut none, flattened);
        }
    }
}

/// Takes a subquery out of its source when it can be merged.
fn take_simple(source: &mut Source, place: Place) -> Option<Query> {
    let SourceKind::Query(query) = &source.kind else {
        return None;
    };
    if place == Place::Fixed || !is_simple(query, place) {
        return None;
    }
    let empty = Query::of(Body::Values(Vec::new()), Vec::new());
    match std::mem::replace(&mut source.kind, SourceKind::Query(Box::new(empty))) {
        SourceKind::Query(query) => Some(*query),
        _ => None,
    }
}

fn is_simple(query: &Query, place: Place) -> bool {
    let Body::Block(block) = &query.body else {
        return false;
    };
    let plain = query.order.is_empty()
        && query.limit.is_none()
        && query.offset.is_none()
        && query.common.is_empty()
        && block.grouping.is_none()
        && block.windows.is_empty()
        && block.semis.is_empty()
        && block.distinct.is_none()
        && block.from.is_some();
    plain
        && block.projection.iter().all(|scalar| match scalar {
            Scalar::Column(_) => true,
            // A NULL row has NULL in every column, not in every expression.
            other => place == Place::Inner && !is_volatile(other) && !has_query(other),
        })
}

fn has_query(scalar: &Scalar) -> bool {
    scalar.any(&mut |part| part.query().is_some())
}

fn parts(query: Query) -> Option<(From, Vec<Scalar>, Vec<Scalar>)> {
    match query.body {
        Body::Block(block) => {
            let block = *block;
            Some((block.from?, block.filter, block.projection))
        }
        _ => None,
    }
}
