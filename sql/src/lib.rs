//! Aludel's SQL engine: SQLite's language over SQLite's files, executed in batches of columns.
//!
//! ```text
//!   7  recover                 what can be read of a damaged file, put into a new one
//!   6  connection, statement   open, prepare, bind, step, transactions
//!   5  exec                    operators over batches, kernels, writes, sorters, spill files
//!   4  plan                    names, affinity, collation; access paths and join order
//!   3  catalog                 tables, indexes, views, triggers as parsed from sqlite_schema
//!   2  functions               scalar, aggregate, window, date-time, JSON, printf
//!   1  syntax                  text -> tokens -> AST, and back
//!   0  value                   affinity, collation, comparison, numbers <-> text
//! ```
//!
//! A module uses those below it. Pages, B-trees and transactions are the business of [`aludel_storage`].

#![forbid(unsafe_code)]

pub mod catalog;
mod command;
pub mod connection;
mod ddl;
pub mod error;
pub mod exec;
pub mod functions;
pub mod modules;
pub mod plan;
pub mod pragma;
pub mod recover;
mod stack;
pub mod statement;
pub mod syntax;
pub mod value;
pub mod virtual_table;

pub use aludel_storage::pager::{CacheCounts, CheckpointKind};
pub use connection::SharedDatabase as Database;
pub use connection::{
    Backup, BackupStep, Blob, ColumnMetadata, Comparison, Connection, DeserializeOptions, DropBehavior,
    InterruptHandle, Limit, OpenOptions, RowAction, RowChange, Savepoint, Transaction, TransactionBehavior,
    TransactionState,
};
pub use error::{Error, Result};
pub use exec::meter::PlanLine;
pub use plan::authorize::{AuthAction, AuthContext, Authorization, TransactionOperation};
pub use statement::{
    AndThenRows, ColumnIndex, DetachedStatement, FromValue, MappedRows, Params, ParamsFromIter, Row,
    RowValues, Rows, Statement, StatementStatus, ToValue, params_from_iter,
};
