//! How a scan of a full-text table is done: by MATCH, by docid, or by looking at all rows; in either direction.

use super::table::FtsTable;
use crate::virtual_table::{ConstraintOp, IndexPlan, IndexQuestion};

/// All rows.
pub(super) const SCAN: i32 = 0;
/// The row of a docid, the first argument.
pub(super) const DOCID: i32 = 1;
/// The rows that match the first argument; plus the number of the column that must, or the number of columns for any.
pub(super) const MATCH: i32 = 2;
/// An argument more: the language id.
pub(super) const HAS_LANGUAGE: i32 = 0x1_0000;
/// An argument more: the lowest docid.
pub(super) const HAS_LOWEST: i32 = 0x2_0000;
/// An argument more: the highest docid.
pub(super) const HAS_HIGHEST: i32 = 0x4_0000;
/// `IndexPlan::text` for rows from high to low and from low to high; otherwise the index decides.
pub(super) const DESCENDING: &str = "DESC";
/// See [`DESCENDING`].
pub(super) const ASCENDING: &str = "ASC";

/// The best plan for `question`. Costs are SQLite's.
pub(super) fn choose(table: &FtsTable, question: &IndexQuestion<'_>) -> IndexPlan {
    let count = table.columns.len();
    let is_docid = |column: Option<usize>| column.is_none_or(|column| column == count + 1);
    let mut plan = IndexPlan {
        number: SCAN,
        cost: 5_000_000.0,
        ..IndexPlan::default()
    };
    let (mut main, mut language, mut lowest, mut highest) = (None, None, None, None);
    for (number, constraint) in question.constraints.iter().enumerate() {
        if !constraint.usable {
            if constraint.op == ConstraintOp::Match {
                // This plan cannot be run; make any other one better.
                return IndexPlan {
                    cost: 1e50,
                    rows: 1 << 50,
                    ..IndexPlan::default()
                };
            }
            continue;
        }
        let docid = is_docid(constraint.column);
        match constraint.op {
            ConstraintOp::Eq if docid && main.is_none() => {
                (plan.number, plan.cost, main) = (DOCID, 1.0, Some(number));
            }
            ConstraintOp::Eq if constraint.column == Some(count + 2) => language = Some(number),
            ConstraintOp::Match => {
                if let Some(column) = constraint.column.filter(|column| *column <= count) {
                    (plan.number, plan.cost, main) = (MATCH + column as i32, 2.0, Some(number));
                }
            }
            ConstraintOp::Ge | ConstraintOp::Gt if docid => lowest = Some(number),
            ConstraintOp::Le | ConstraintOp::Lt if docid => highest = Some(number),
            _ => {}
        }
    }
    plan.unique = plan.number == DOCID;
    if let Some(main) = main {
        plan.take(main, true);
    }
    for (constraint, flag) in [
        (language, HAS_LANGUAGE),
        (lowest, HAS_LOWEST),
        (highest, HAS_HIGHEST),
    ] {
        if let Some(constraint) = constraint {
            plan.take(constraint, false);
            plan.number |= flag;
        }
    }
    if let [order] = question.order
        && is_docid(order.column)
    {
        let text = if order.descending { DESCENDING } else { ASCENDING };
        plan.text = Some(text.to_owned());
        plan.order_consumed = true;
    }
    plan
}
