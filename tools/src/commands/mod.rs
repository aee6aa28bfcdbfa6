//! The commands: each finds something out about a file and hands it to `output`.

mod check;
mod info;
mod open;
mod query;
mod schema;
mod tables;

pub use check::check;
pub use info::info;
pub use query::query;
pub use schema::schema;
pub use tables::tables;
