//! Outer joins become stronger joins where the rows that they add cannot pass WHERE.
//!
//! The rows that an outer join adds have NULL in all columns of one side. A term that is never true for such a row throws them away.

use super::super::expr::{CompareOp, UnaryOp};
use super::super::logical::{Block, From, JoinItem, OuterKind, Scalar, TableId};

/// Reduces the outer joins of a block.
pub(super) fn reduce(block: &mut Block) {
    let Some(from) = &mut block.from else { return };
    if !has_outer(from) {
        return;
    }
    let mut rejecting = Vec::new();
    block.filter.iter().for_each(|term| collect(term, &mut rejecting));
    reduce_from(from, &mut rejecting);
}

fn has_outer(from: &From) -> bool {
    match from {
        From::Source(_) => false,
        From::Inner { items, .. } => items.iter().any(|item| has_outer(&item.from)),
        From::Outer { .. } => true,
    }
}

/// Reduces the joins of a FROM, of whose rows only those count in which none of `rejecting` is all NULL.
fn reduce_from(from: &mut From, rejecting: &mut Vec<TableId>) {
    match from {
        From::Source(_) => {}
        From::Inner { items, on } => {
            on.iter().for_each(|term| collect(term, rejecting));
            items
                .iter_mut()
                .for_each(|item| reduce_from(&mut item.from, rejecting));
        }
        From::Outer {
            kind,
            left,
            right,
            on,
        } => {
            let keeps_left = !rejects(rejecting, right);
            let keeps_right = !rejects(rejecting, left);
            let reduced = match kind {
                OuterKind::Left => keeps_left.then_some(OuterKind::Left),
                OuterKind::Right => keeps_right.then_some(OuterKind::Right),
                OuterKind::Full => match (keeps_left, keeps_right) {
                    (true, true) => Some(OuterKind::Full),
                    (true, false) => Some(OuterKind::Left),
                    (false, true) => Some(OuterKind::Right),
                    (false, false) => None,
                },
            };
            match reduced {
                Some(reduced) => {
                    *kind = reduced;
                    if reduced == OuterKind::Left {
                        reduce_from(left, rejecting);
                    }
                    if reduced == OuterKind::Right {
                        reduce_from(right, rejecting);
                    }
                }
                None => {
                    let on = std::mem::take(on);
                    let (left, right) = (take(left), take(right));
                    let items = [left, right].map(|from| JoinItem { from, fixed: false });
                    *from = From::Inner {
                        items: items.into(),
                        on,
                    };
                    reduce_from(from, rejecting);
                }
            }
        }
    }
}

fn take(from: &mut From) -> From {
    std::mem::replace(
        from,
        From::Inner {
            items: Vec::new(),
            on: Vec::new(),
        },
    )
}

fn rejects(rejecting: &[TableId], side: &From) -> bool {
    let mut found = false;
    side.each_source(&mut |source| found |= rejecting.contains(&source.table));
    found
}

/// The tables of which `term` needs a row that is not all NULL to be true.
fn collect(term: &Scalar, out: &mut Vec<TableId>) {
    match term {
        Scalar::And(terms) => terms.iter().for_each(|term| collect(term, out)),
        Scalar::Or(terms) => {
            let mut common: Option<Vec<TableId>> = None;
            for term in terms {
                let mut own = Vec::new();
                collect(term, &mut own);
                common = Some(match common {
                    None => own,
                    Some(common) => common.into_iter().filter(|table| own.contains(table)).collect(),
                });
            }
            out.extend(common.unwrap_or_default());
        }
        Scalar::Compare(comparison) if !matches!(comparison.op, CompareOp::Is | CompareOp::IsNot) => {
            strict(&comparison.left, out);
            strict(&comparison.right, out);
        }
        Scalar::Between { operand, .. } => strict(operand, out),
        Scalar::IsNull {
            operand,
            negated: true,
        } => strict(operand, out),
        Scalar::InList { operand, list, .. } if !list.is_empty() => strict(operand, out),
        Scalar::Like { operand, pattern, .. } => {
            strict(operand, out);
            strict(pattern, out);
        }
        Scalar::Unary {
            op: UnaryOp::Not,
            operand,
        } => not_false(operand, out),
        Scalar::Column(_) | Scalar::Binary { .. } | Scalar::Unary { .. } => strict(term, out),
        _ => {}
    }
}

/// The tables of which `term` needs a row that is not all NULL to be false.
fn not_false(term: &Scalar, out: &mut Vec<TableId>) {
    match term {
        Scalar::Compare(comparison) if !matches!(comparison.op, CompareOp::Is | CompareOp::IsNot) => {
            strict(&comparison.left, out);
            strict(&comparison.right, out);
        }
        Scalar::Like { operand, pattern, .. } => {
            strict(operand, out);
            strict(pattern, out);
        }
        Scalar::Column(_) => strict(term, out),
        _ => {}
    }
}

/// The tables of which one NULL row makes `scalar` NULL.
fn strict(scalar: &Scalar, out: &mut Vec<TableId>) {
    match scalar {
        Scalar::Column(column) => out.push(column.table),
        Scalar::Plus(operand)
        | Scalar::Unary { operand, .. }
        | Scalar::Cast { operand, .. }
        | Scalar::ApplyAffinity { operand, .. } => strict(operand, out),
        Scalar::Binary { left, right, .. } => {
            strict(left, out);
            strict(right, out);
        }
        Scalar::Compare(comparison) if !matches!(comparison.op, CompareOp::Is | CompareOp::IsNot) => {
            strict(&comparison.left, out);
            strict(&comparison.right, out);
        }
        _ => {}
    }
}
