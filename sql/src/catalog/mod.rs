//! The catalog: tables, indexes, views and triggers of each open database, as parsed from sqlite_schema.

mod database;
mod schema;
mod virtual_table;

pub use database::Database;
pub use schema::*;
pub use virtual_table::{VirtualColumn, VirtualCursor, VirtualTable};
