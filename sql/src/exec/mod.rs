//! The executor: operators over batches of columns, and the writes that follow from them.

mod batch;
mod context;
mod operator;
mod vector;

pub use batch::{BATCH_ROWS_MAX, Batch};
pub use context::{ExecContext, Session};
pub use operator::Operator;
pub use vector::{Class, Vector};
