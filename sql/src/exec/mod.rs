//! The executor: operators over batches of columns, and the writes that follow from them.
//!
//! ```text
//!   plan::Node ──build──▶ Operator tree      open, next, batch, .., close
//!   plan::Expr ──compile─▶ Kernel            one column of values for the rows of a batch
//! ```
//!
//! | module | what it owns |
//! |---|---|
//! | `vector`, `batch` | columns of values, rows of an operator's output |
//! | `kernel` | expressions |
//! | `scan` | reading tables, indexes and virtual tables |
//! | `rows`, `project` | VALUES, filter, LIMIT, UNION ALL; new columns |
//! | `join` | nested loops and hash joins |
//! | `aggregate`, `distinct` | GROUP BY and aggregates; DISTINCT |
//! | `common_table`, `recursive` | WITH, plain and recursive |
//! | `sort`, `set_operation`, `window` | ORDER BY; INTERSECT and EXCEPT; window functions |
//! | `key_table`, `row_store` | what hash operators and sorts keep |
//! | `row_log`, `record_log`, `key_runs` | rows and records kept in their order, and sets of keys, in memory or in a file |
//! | `spill` | rows put aside in temporary files |
//! | `build` | from plan to operators |
//! | [`mod@write`] | INSERT, UPDATE, DELETE |

mod aggregate;
mod batch;
mod build;
mod common_table;
mod context;
mod distinct;
mod join;
mod kernel;
mod key_runs;
mod key_table;
pub(crate) mod meter;
mod operator;
mod project;
mod record_log;
mod recursive;
mod row_log;
mod row_store;
mod rows;
mod scan;
mod set_operation;
mod sort;
mod spill;
#[cfg(test)]
mod tests;
mod vector;
mod window;
pub mod write;

pub use batch::{BATCH_ROWS_MAX, Batch};
pub(crate) use build::BuildContext;
pub use build::build;
pub(crate) use context::Pin;
pub use context::{ExecContext, Session};
pub(crate) use kernel::Rows;
pub use kernel::{Kernel, Values};
pub use operator::Operator;
pub(crate) use record_log::RecordLog;
pub use vector::{Class, Vector};
