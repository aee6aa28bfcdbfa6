//! What a term says about one table: this column compares like that with something that does not depend on the table.

use super::TermId;
use super::region::Items;
use super::tree::{KeyPart, TreeKey};
use crate::plan::bind::Tables;
use crate::plan::expr::{CompareOp, CompareRule};
use crate::plan::logical::{ColumnRef, Comparison, Scalar, TableId};
use crate::value::{Affinity, Collation};

/// A constraint that a term puts on a column (or indexed expression) of a table.
#[derive(Clone, Debug)]
pub(super) struct Constraint {
    /// The term it comes from.
    pub term: TermId,
    /// The side of the term that is constrained.
    pub target: Side,
    /// The column, when that side is one.
    pub column: Option<ColumnRef>,
    /// How it compares.
    pub op: ConstraintOp,
    /// The side of the term that it compares with.
    pub value: Side,
    /// The affinity that the comparison gives the constrained side: a tree must not change by it.
    pub target_affinity: Option<Affinity>,
    /// The affinity that the comparison gives the value.
    pub value_affinity: Option<Affinity>,
    /// The collation of the comparison; NULL tests have none.
    pub collation: Option<Collation>,
    /// The items that the value depends on.
    pub needs: Items,
    /// Whether the term need not be checked once a tree is searched by this constraint.
    pub whole: bool,
}

/// How a column is constrained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConstraintOp {
    /// `=`.
    Equal,
    /// IS a value.
    Is,
    /// IS NULL.
    Null,
    /// IN a list.
    List,
    /// IN a query.
    Query,
    /// `>`, `>=`.
    Above { inclusive: bool },
    /// `<`, `<=`.
    Below { inclusive: bool },
}

/// A part of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The left side of a comparison; the operand of IN, BETWEEN, IS NULL.
    Left,
    /// The right side of a comparison.
    Right,
    /// The lower bound of BETWEEN.
    Low,
    /// The upper bound of BETWEEN.
    High,
    /// The list or query of IN.
    Set,
}

/// The part of a term that `side` names; for [`Side::Set`] the term itself.
pub(super) fn side_of(term: &Scalar, side: Side) -> &Scalar {
    match (term, side) {
        (Scalar::Compare(comparison), Side::Left) => &comparison.left,
        (Scalar::Compare(comparison), Side::Right) => &comparison.right,
        (Scalar::Between { operand, .. }, Side::Left) => operand,
        (Scalar::Between { low, .. }, Side::Low) => low,
        (Scalar::Between { high, .. }, Side::High) => high,
        (Scalar::InList { operand, .. } | Scalar::IsNull { operand, .. }, Side::Left) => operand,
        (Scalar::InQuery { operands, .. }, Side::Left) => operands.first().unwrap_or(term),
        _ => term,
    }
}

/// Finds the constraints of terms.
pub(super) struct Finder<'f> {
    /// The tables of the statement.
    pub tables: &'f Tables<'f>,
    /// The item that each table belongs to.
    pub owners: &'f [(TableId, Items)],
}

impl Finder<'_> {
    /// The items that an expression depends on.
    #[inline]
    pub fn items(&self, scalar: &Scalar) -> Items {
        let of_leaves = match scalar {
            Scalar::Compare(comparison) => {
                match (
                    self.leaf_items(&comparison.left),
                    self.leaf_items(&comparison.right),
                ) {
                    (Some(left), Some(right)) => Some(left | right),
                    _ => None,
                }
            }
            other => self.leaf_items(other),
        };
        of_leaves.unwrap_or_else(|| self.items_within(scalar))
    }

    /// As [`items`](Self::items) for what has no parts, which most operands have not.
    #[inline]
    fn leaf_items(&self, scalar: &Scalar) -> Option<Items> {
        match scalar {
            Scalar::Column(column) => Some(self.owner(*column)),
            Scalar::Literal(_) | Scalar::Parameter(_) => Some(0),
            _ => None,
        }
    }

    #[inline(never)]
    fn items_within(&self, scalar: &Scalar) -> Items {
        let mut items = 0;
        scalar.each_column(&mut |column| items |= self.owner(column));
        items
    }

    #[inline]
    fn owner(&self, column: ColumnRef) -> Items {
        let owner = self.owners.iter().find(|(table, _)| *table == column.table);
        owner.map_or(0, |(_, item)| *item)
    }

    /// Adds the constraints that `term` puts on the item `own`.
    pub fn find(&self, id: TermId, term: &Scalar, own: Items, whole: bool, out: &mut Vec<Constraint>) {
        match term {
            Scalar::Compare(comparison) => {
                let Comparison {
                    op,
                    left,
                    right,
                    rule,
                } = &**comparison;
                let (left_items, right_items) = (self.items(left), self.items(right));
                let mut add = |target, value, op, needs, target_affinity, value_affinity| {
                    out.push(Constraint {
                        term: id,
                        target,
                        column: side_of(term, target).as_column(),
                        op,
                        value,
                        target_affinity,
                        value_affinity,
                        collation: Some(rule.collation.clone()),
                        needs,
                        whole,
                    });
                };
                if left_items & own != 0
                    && right_items & own == 0
                    && let Some(op) = constraint_op(*op)
                {
                    add(Side::Left, Side::Right, op, right_items, rule.left, rule.right);
                }
                if right_items & own != 0
                    && left_items & own == 0
                    && let Some(op) = constraint_op(*op).map(turned)
                {
                    add(Side::Right, Side::Left, op, left_items, rule.right, rule.left);
                }
            }
            Scalar::Between {
                operand,
                low,
                low_rule,
                high,
                high_rule,
            } if self.items(operand) & own != 0 => {
                let bounds = [
                    (low, Side::Low, low_rule, ConstraintOp::Above { inclusive: true }),
                    (
                        high,
                        Side::High,
                        high_rule,
                        ConstraintOp::Below { inclusive: true },
                    ),
                ];
                for (bound, value, rule, op) in bounds {
                    let needs = self.items(bound);
                    if needs & own == 0 {
                        out.push(bound_constraint(id, term, op, value, rule, needs));
                    }
                }
            }
            Scalar::IsNull {
                operand,
                negated: false,
            } if self.items(operand) & own != 0 => {
                out.push(Constraint {
                    term: id,
                    target: Side::Left,
                    column: operand.as_column(),
                    op: ConstraintOp::Null,
                    value: Side::Left,
                    target_affinity: None,
                    value_affinity: None,
                    collation: None,
                    needs: 0,
                    whole,
                });
            }
            Scalar::InList {
                operand,
                list,
                rule,
                negated: false,
            } if self.items(operand) & own != 0 && !list.is_empty() => {
                let needs = list.iter().fold(0, |items, value| items | self.items(value));
                if needs & own == 0 {
                    out.push(set_constraint(id, term, ConstraintOp::List, rule, needs, whole));
                }
            }
            Scalar::InQuery {
                operands,
                query,
                rules,
                negated: false,
            } => {
                let ([operand], [rule]) = (&**operands, &**rules) else {
                    return;
                };
                if self.items(operand) & own == 0 {
                    return;
                }
                let mut needs = 0;
                query.each_column(&mut |column| {
                    needs |= self.items(&Scalar::Column(column));
                });
                if needs & own == 0 {
                    out.push(set_constraint(id, term, ConstraintOp::Query, rule, needs, whole));
                }
            }
            _ => {}
        }
    }

    /// Whether a tree's key can be searched by the constraint.
    pub fn serves(&self, constraint: &Constraint, side: &Scalar, own: TableId, key: &TreeKey<'_>) -> bool {
        let target = match (constraint.column, key.part) {
            (Some(column), KeyPart::Column(part)) => column.table == own && column.column == part,
            (None, KeyPart::Expression(part)) => side.same(part),
            (Some(column), KeyPart::Expression(part)) => {
                matches!(part, Scalar::Column(own) if *own == column)
            }
            (None, KeyPart::Column(_)) => false,
        };
        target
            && self.keeps_key(constraint, own, key)
            && constraint.collation.as_ref().is_none_or(|collation| {
                collation == key.collation
                    || matches!(key.part, KeyPart::Column(column) if column.index().is_none())
            })
    }

    /// Whether the comparison leaves the key's values as they are.
    fn keeps_key(&self, constraint: &Constraint, own: TableId, key: &TreeKey<'_>) -> bool {
        let Some(applied) = constraint.target_affinity else {
            return true;
        };
        let stored = match key.part {
            KeyPart::Column(column) => match column.index() {
                None => Some(Affinity::Integer),
                Some(_) => {
                    let column = self.tables.schema_column(ColumnRef { table: own, column });
                    column.map(|column| column.affinity)
                }
            },
            KeyPart::Expression(Scalar::Cast { target, .. }) => Some(*target),
            KeyPart::Expression(_) => None,
        };
        match stored {
            Some(stored) if applied.is_numeric() => stored.is_numeric(),
            Some(stored) => stored == applied,
            None => false,
        }
    }
}

fn constraint_op(op: CompareOp) -> Option<ConstraintOp> {
    Some(match op {
        CompareOp::Eq => ConstraintOp::Equal,
        CompareOp::Is => ConstraintOp::Is,
        CompareOp::Gt => ConstraintOp::Above { inclusive: false },
        CompareOp::Ge => ConstraintOp::Above { inclusive: true },
        CompareOp::Lt => ConstraintOp::Below { inclusive: false },
        CompareOp::Le => ConstraintOp::Below { inclusive: true },
        CompareOp::Ne | CompareOp::IsNot => return None,
    })
}

/// The operator when the sides change places.
fn turned(op: ConstraintOp) -> ConstraintOp {
    match op {
        ConstraintOp::Above { inclusive } => ConstraintOp::Below { inclusive },
        ConstraintOp::Below { inclusive } => ConstraintOp::Above { inclusive },
        other => other,
    }
}

/// One bound of a BETWEEN; the term as a whole is done with only when both bounds are used.
fn bound_constraint(
    id: TermId,
    term: &Scalar,
    op: ConstraintOp,
    value: Side,
    rule: &CompareRule,
    needs: Items,
) -> Constraint {
    Constraint {
        term: id,
        target: Side::Left,
        column: side_of(term, Side::Left).as_column(),
        op,
        value,
        target_affinity: rule.left,
        value_affinity: rule.right,
        collation: Some(rule.collation.clone()),
        needs,
        whole: false,
    }
}

fn set_constraint(
    id: TermId,
    term: &Scalar,
    op: ConstraintOp,
    rule: &CompareRule,
    needs: Items,
    whole: bool,
) -> Constraint {
    Constraint {
        term: id,
        target: Side::Left,
        column: side_of(term, Side::Left).as_column(),
        op,
        value: Side::Set,
        target_affinity: rule.left,
        value_affinity: rule.right,
        collation: Some(rule.collation.clone()),
        needs,
        whole,
    }
}
