//! An open database of a connection: main, temp, or attached.

use std::sync::Arc;

use aludel_storage::pager::Pager;

use super::schema::Schema;

/// A database file (or in-memory database) as a connection has it open.
pub struct Database {
    /// `main`, `temp`, or the name given to ATTACH.
    pub name: String,
    /// The store.
    pub pager: Pager,
    /// Its schema as last read; compare `cookie` with the header's in each transaction.
    pub schema: Arc<Schema>,
}
