//! The contract of an operator.
//!
//! ```text
//!   open -> next, batch, next, batch, .., next = false -> open (again, with other parameters or registers) -> ..
//! ```
//!
//! An operator is built once and runs many times: `open` starts it anew and keeps the memory of earlier runs.

use super::batch::Batch;
use super::context::ExecContext;
use crate::error::Result;

/// A running node of a plan.
pub trait Operator: Send {
    /// Starts, or starts over. Seeks are evaluated here, with the parameters and registers of this moment.
    fn open(&mut self, context: &mut ExecContext<'_>) -> Result<()>;

    /// Moves to the next batch; `false` at the end. A batch that was announced has at least one selected row.
    fn next(&mut self, context: &mut ExecContext<'_>) -> Result<bool>;

    /// Between `open` and the first `next`: leaves the first rows out, up to `count` of them, and says how many it will leave out. Only who
    /// saves work by it does so; nothing is computed for such rows.
    fn skip(&mut self, count: u64) -> u64 {
        let _ = count;
        0
    }

    /// The current batch. Of use only after `next` returned `true`, until the next call.
    fn batch(&self) -> &Batch;

    /// The current batch for the operator above to take columns from or to narrow. It is filled anew by the next `next`, so
    /// columns may be left in any state.
    fn batch_mut(&mut self) -> &mut Batch;

    /// Releases page handles, spill files and large memory; the statement is done or was reset. `open` may follow.
    fn close(&mut self);
}
