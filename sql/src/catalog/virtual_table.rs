//! Virtual tables and table-valued functions, as the executor sees them.
//!
//! PRAGMA functions (`pragma_table_info('t')`), `generate_series` and `json_each` are of this kind.

use std::fmt::Debug;

use crate::error::Result;
use crate::exec::{Batch, ExecContext};
use crate::value::Value;

/// A table whose rows are computed.
pub trait VirtualTable: Debug + Send + Sync {
    /// The name in SQL.
    fn name(&self) -> &str;

    /// The columns: name, declared type, hidden. Hidden columns are the arguments of a table-valued function, in order.
    fn columns(&self) -> &[VirtualColumn];

    /// Opens a scan. `arguments` are equalities on columns (hidden ones first in practice): column and value.
    fn open(
        &self,
        context: &mut ExecContext<'_>,
        arguments: &[(usize, Value)],
    ) -> Result<Box<dyn VirtualCursor>>;
}

/// A column of a virtual table.
#[derive(Clone, Debug)]
pub struct VirtualColumn {
    /// The name.
    pub name: String,
    /// The declared type, possibly empty.
    pub declared_type: String,
    /// Whether `*` leaves it out.
    pub hidden: bool,
}

/// An open scan of a virtual table.
pub trait VirtualCursor: Send {
    /// Appends up to `max` rows to `batch`, one column for each of `columns` (the table's columns by number), and returns how many; 0 at the end.
    fn fill(
        &mut self,
        context: &mut ExecContext<'_>,
        columns: &[usize],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize>;
}
