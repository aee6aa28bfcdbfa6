//! The modules that every connection has: table-valued functions, and kinds of virtual tables.
//!
//! | module | what it makes tables of |
//! |---|---|
//! | [`fts`] | `fts3`, `fts4`, `fts4aux`, `fts3tokenize` |
//! | `json` | `json_each`, `json_tree`, `jsonb_each`, `jsonb_tree` |
//! | `series` | `generate_series` |
//! | `csv` | files of comma-separated values |
//! | `dbstat` | the pages of a database |
//! | `rtree` | boxes, found by where they lie |
//!
//! PRAGMA functions are in `pragma`.

mod csv;
mod dbstat;
pub mod fts;
mod json;
mod rtree;
mod series;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::functions::Function;
use crate::functions::json::each::JsonTable;
use crate::pragma;
use crate::virtual_table::{IndexPlan, IndexQuestion, Module};

/// The built-in module called `name`, in any case.
pub(crate) fn find(name: &str) -> Option<Arc<dyn Module>> {
    if let Some(table) = JsonTable::named(name) {
        return Some(Arc::new(json::JsonModule(table)));
    }
    if let Some(pragma) = pragma::table_function(name) {
        return Some(Arc::new(pragma));
    }
    match name.to_ascii_lowercase().as_str() {
        "fts3" => Some(Arc::new(fts::FtsModule::new(fts::Generation::Three))),
        "fts4" => Some(Arc::new(fts::FtsModule::new(fts::Generation::Four))),
        "fts4aux" => Some(Arc::new(fts::TermsModule)),
        "fts3tokenize" => Some(Arc::new(fts::TokensModule::default())),
        series::NAME => Some(Arc::new(series::SeriesModule)),
        csv::NAME => Some(Arc::new(csv::CsvModule)),
        dbstat::NAME => Some(Arc::new(dbstat::DbstatModule)),
        "rtree" => Some(Arc::new(rtree::RtreeModule { integers: false })),
        "rtree_i32" => Some(Arc::new(rtree::RtreeModule { integers: true })),
        _ => None,
    }
}

/// The names of the built-in modules that [`find`] knows, those of pragmas apart.
pub(crate) const NAMES: &[&str] = &[
    "csv",
    "fts3",
    "fts3tokenize",
    "fts4",
    "fts4aux",
    "dbstat",
    "generate_series",
    "json_each",
    "json_tree",
    "jsonb_each",
    "jsonb_tree",
    "rtree",
    "rtree_i32",
];

/// The functions that come with the modules.
pub(crate) fn functions() -> Vec<Function> {
    rtree::functions()
}

/// The plan of a table-valued function whose arguments are the columns from `first` on: equalities with those columns are arguments, in
/// their order; the bits of the plan's number tell which of them are there.
///
/// `None` when one of the arguments is not known yet, so that the function has to wait for another table.
pub(crate) fn argument_plan(question: &IndexQuestion<'_>, first: usize, count: usize) -> Option<IndexPlan> {
    let mut places: Vec<Option<usize>> = vec![None; count];
    let mut waits = vec![false; count];
    for (place, constraint) in question.constraints.iter().enumerate() {
        let argument = constraint.column.and_then(|column| column.checked_sub(first));
        let Some(argument) = argument.filter(|&argument| argument < count) else {
            continue;
        };
        if constraint.op != crate::virtual_table::ConstraintOp::Eq {
            continue;
        }
        match constraint.usable {
            true => places[argument] = places[argument].or(Some(place)),
            false => waits[argument] = true,
        }
    }
    if waits
        .iter()
        .zip(&places)
        .any(|(&waits, place)| waits && place.is_none())
    {
        return None;
    }
    let mut plan = IndexPlan::default();
    for (argument, place) in places.iter().enumerate() {
        if let Some(place) = place {
            plan.take(*place, true);
            plan.number |= 1 << argument;
        }
    }
    Some(plan)
}

/// The argument that stands for the column `first + argument`, if it was given.
pub(crate) fn argument<'v>(
    plan: &IndexPlan,
    arguments: &'v [crate::value::Value],
    argument: usize,
) -> Option<crate::value::ValueRef<'v>> {
    let given = plan.number >> argument & 1 != 0;
    let before = (plan.number & ((1 << argument) - 1)).count_ones() as usize;
    let value = arguments.get(before).filter(|_| given);
    value.map(crate::value::Value::as_ref)
}
