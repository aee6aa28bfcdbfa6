//! The statement between binder and physical plan: names are resolved, nothing is decided yet.
//!
//! ```text
//! Query ─ Body ─ Block ─ From ─ Source ─ table | Query | common table
//!        │       └ filter, grouping, windows, projection: Scalars over (table, column)
//!        └ order, limit
//! ```
//!
//! A column is a table's number and a column's number, so expressions move freely between the levels of a statement:
//! push-down, flattening and join ordering never renumber anything. Results of aggregates and window functions and
//! the keys of GROUP BY are columns of pseudo-tables.

mod column;
mod query;
mod scalar;
mod walk;

pub(super) use column::{ColumnNo, ColumnRef, ColumnSet, TableId};
pub(super) use query::*;
pub(super) use scalar::{Branch, Comparison, Scalar, same_function, same_rule};
