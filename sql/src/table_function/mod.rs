//! Table-valued functions that every connection has: `json_each`, `json_tree`, their `jsonb_` twins, and `generate_series`.
//!
//! Each is a [`VirtualTable`] whose hidden columns are its arguments. PRAGMA functions are in [`pragma`](crate::pragma).

mod json;
mod series;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::catalog::{VirtualColumn, VirtualTable};
use crate::functions::json::each::JsonTable;
use crate::value::{Value, ValueRef};

/// The table-valued function called `name`, in any case.
pub fn find(name: &str) -> Option<Arc<dyn VirtualTable>> {
    if let Some(table) = JsonTable::named(name) {
        return Some(Arc::new(json::JsonFunctionTable::new(table)));
    }
    name.eq_ignore_ascii_case(series::NAME)
        .then(|| Arc::new(series::Series::default()) as Arc<dyn VirtualTable>)
}

/// Columns without a declared type; those from `visible` on are arguments.
fn columns(names: &[&str], visible: usize) -> Vec<VirtualColumn> {
    let column = |(number, name): (usize, &&str)| VirtualColumn {
        name: (*name).to_owned(),
        declared_type: String::new(),
        hidden: number >= visible,
    };
    names.iter().enumerate().map(column).collect()
}

/// The argument that stands for `column`, if it was given.
fn argument(arguments: &[(usize, Value)], column: usize) -> Option<ValueRef<'_>> {
    let given = arguments.iter().find(|(number, _)| *number == column);
    given.map(|(_, value)| value.as_ref())
}
