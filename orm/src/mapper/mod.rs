//! The mapping between structs and tables: the traits that the derive implements, and the data that it emits.
//!
//! The derive is thin: a constant description of the table, `encode` and `decode`, and the struct of column handles.
//! All else (sessions, schema, queries) works on [`EntityMeta`] and [`Value`](crate::Value), once for all entities.

mod columns;
mod entity;
mod fk;
mod handle;
mod meta;
mod reader;

pub use columns::{Columns, Mode, Optional, Required};
pub(crate) use entity::show_key;
pub use entity::{Entity, Key};
pub use fk::Fk;
pub use handle::Handle;
pub use meta::{
    Cascade, ColumnMeta, ColumnNameOf, DefaultValue, Deferrable, EntityMeta, EntityMetaOf, IndexMeta,
    IndexPartMeta, LinkColumns, ReferenceAction, RelationKind, RelationMeta,
};
pub use reader::RowReader;
