//! The catalog: tables, indexes, views and triggers of each open database, as parsed from sqlite_schema.

mod builder;
mod constant;
mod database;
mod declared;
mod environment;
mod index;
mod read;
mod samples;
mod schema;
mod table;

pub use builder::{SchemaBuilder, SchemaRow, fold};
pub use constant::{constant_default, is_constant};
pub use database::Database;
pub use declared::{VirtualDefinition, declared_table};
pub use environment::{Collations, Environment, encode_text, missing_collation, usable, utf8_of};
pub use index::index_of;
pub use read::{SCHEMA_TABLE_NAMES, TEMP_SCHEMA_TABLE_NAMES, read_schema};
pub use samples::{Samples, Standing};
pub use schema::*;
pub use table::{COLUMN_COUNT_MAX, StrictType, UNASSIGNED_ROOT, automatic_indexes, table_of};
