//! The commands: each finds something out about a file and hands it to `output`.

mod check;
mod info;
mod open;
mod query;
mod schema;
mod shell;
mod tables;

pub use check::check;
pub use info::info;
pub(crate) use open::require_file;
pub use query::query;
pub use schema::schema;
pub use shell::shell;
pub use tables::tables;
