//! Rust types, SQL types, and the values that travel between them.
//!
//! The lowest floor of the ORM. A [`Value`] is what a driver binds and hands back; a [`Kind`] is what a column is
//! declared as; a [`ColumnType`] is a Rust type that can be a field of an entity and knows how to become the one and
//! be declared as the other.
//!
//! ```text
//!   field: Option<String> --encode--> Value::Text --driver--> the database
//!   field: Option<String> <--decode-- Value::Text <--driver-- the database
//!                         \--KIND---> Kind::Text, nullable   (for CREATE TABLE)
//! ```

mod array;
mod column;
#[cfg(feature = "decimal")]
mod decimal;
mod duration;
mod id;
#[cfg(feature = "json")]
mod json;
mod kind;
mod scalar;
#[cfg(feature = "jiff")]
mod time;
#[cfg(feature = "uuid")]
mod uuid;
mod value;

pub use array::{Array, Element};
pub use column::{ColumnType, CurrentTime, DecodeError, KeyPart, Numeric, Reference, Textual};
pub use duration::Elapsed;
pub use id::Id;
#[cfg(feature = "json")]
pub use json::Json;
pub use kind::Kind;
pub use value::{RawHandle, Value};
