//! The order in which a block's joined rows would save work above the join.
//!
//! | block | wanted order | what it saves |
//! |---|---|---|
//! | plain | that of ORDER BY | the sort |
//! | DISTINCT | that of ORDER BY: rows come out in the order of first appearance | the sort |
//! | GROUP BY | that of the groups' keys | all groups but one in memory; with a LIMIT, the rows of all groups behind it |
//!
//! Groups come out in the order of their keys in any case, which may be that of ORDER BY. A join that is read to its end and then
//! grouped, or freed from doubles, is not made otherwise for the sake of an order: a hash table costs less.

use smallvec::SmallVec;

use super::order::Tail;
use crate::plan::join::{JoinPlan, OrderWish, Wanted};
use crate::plan::logical::{Block, From, GroupTerm, Grouping, Order, OrderTarget, Scalar};
use crate::value::Value;

/// The order in which a block's joined rows would save work.
pub(super) fn wanted(block: &Block, tail: &Tail<'_>) -> Wanted {
    let limit = enough(tail);
    let order = match (&block.grouping, &block.distinct) {
        _ if !block.windows.is_empty() => SmallVec::new(),
        (None, None) => tail.order.iter().map(|order| wish(block, order)).collect(),
        _ if limit.is_none() && !matches!(block.from, Some(From::Source(_))) => SmallVec::new(),
        (None, Some(_)) => distinct_wishes(block, tail),
        (Some(grouping), None) => group_wishes(block, grouping, tail),
        (Some(_), Some(_)) => SmallVec::new(),
    };
    Wanted {
        free: limit.is_none() && (block.grouping.is_some() || block.distinct.is_some()),
        limit: limit.filter(|_| !order.is_empty()),
        width: block.projection.len(),
        order,
    }
}

/// Notes in the tail what of the wanted order the plan has.
pub(super) fn note_order<'q>(
    block: &Block,
    wanted: &Wanted,
    mut plan: JoinPlan<'q>,
    tail: &mut Tail<'_>,
) -> JoinPlan<'q> {
    let Some(grouping) = &block.grouping else {
        if !wanted.order.is_empty() {
            tail.sorted = plan.sorted;
        }
        return plan;
    };
    tail.grouped = !wanted.order.is_empty() && plan.sorted == wanted.order.len();
    if !tail.grouped {
        plan.sorted = 0;
    }
    if block.windows.is_empty()
        && block.distinct.is_none()
        && let Some(descending) = directions(block, grouping, tail.order)
        && (tail.grouped || !descending.contains(&true))
    {
        tail.sorted = tail.order.len();
    }
    plan
}

/// How many rows are looked at at most: LIMIT and OFFSET, where they stand in the statement.
fn enough(tail: &Tail<'_>) -> Option<u64> {
    let number = |scalar: &Scalar| match scalar.as_literal() {
        Some(Value::Integer(number)) => u64::try_from(*number).ok(),
        _ => None,
    };
    let offset = tail.offset.and_then(number).unwrap_or(0);
    Some(number(tail.limit?)?.saturating_add(offset))
}

fn target<'b>(block: &'b Block, order: &'b Order) -> &'b Scalar {
    match &order.target {
        OrderTarget::Output(column) => &block.projection[*column],
        OrderTarget::Expression(expression) => expression,
    }
}

fn wish(block: &Block, order: &Order) -> OrderWish {
    OrderWish {
        expression: target(block, order).clone(),
        descending: order.descending,
        nulls_first: order.nulls_first,
        collation: order.collation.clone(),
    }
}

/// Of rows that are the same the first one is shown, which must not depend on what is not shown.
fn distinct_wishes(block: &Block, tail: &Tail<'_>) -> SmallVec<[OrderWish; 1]> {
    let shown = |order: &Order| matches!(order.target, OrderTarget::Output(_));
    match tail.order.iter().all(shown) {
        true => tail.order.iter().map(|order| wish(block, order)).collect(),
        false => SmallVec::new(),
    }
}

/// The keys of the groups, each once, in the direction that ORDER BY asks for.
fn group_wishes(block: &Block, grouping: &Grouping, tail: &Tail<'_>) -> SmallVec<[OrderWish; 1]> {
    let mut wishes: SmallVec<[OrderWish; 1]> = SmallVec::new();
    let Some(directions) = directions(block, grouping, tail.order) else {
        return wishes;
    };
    for (place, (term, descending)) in grouping.terms.iter().zip(directions).enumerate() {
        if !is_repeated(grouping, place) {
            wishes.push(OrderWish {
                expression: term.expression.clone(),
                descending,
                nulls_first: !descending,
                collation: term.collation.clone(),
            });
        }
    }
    wishes
}

/// Whether a term of GROUP BY was there before.
fn is_repeated(grouping: &Grouping, place: usize) -> bool {
    let Some((before, [term, ..])) = grouping.terms.split_at_checked(place) else {
        return false;
    };
    let same =
        |other: &GroupTerm| other.collation == term.collation && other.expression.same(&term.expression);
    before.iter().any(same)
}

/// In which direction each key of the groups has to go so that they come out in the order of `order`: true for a descending one. `None` when
/// that is no order of leading keys.
fn directions(block: &Block, grouping: &Grouping, order: &[Order]) -> Option<SmallVec<[bool; 4]>> {
    let mut descending: SmallVec<[bool; 4]> = SmallVec::new();
    for order in order {
        let column = target(block, order).as_column()?;
        let place = column.column.index().filter(|_| column.table == grouping.keys)?;
        let term = grouping.terms.get(place)?;
        if term.collation != order.collation || order.nulls_first == order.descending {
            return None;
        }
        while descending.len() < place {
            if !is_repeated(grouping, descending.len()) {
                return None;
            }
            descending.push(false);
        }
        // A key that was ordered by before decides nothing.
        if descending.len() == place {
            descending.push(order.descending);
        }
    }
    descending.resize(grouping.terms.len(), false);
    Some(descending)
}
