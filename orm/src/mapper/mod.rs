//! The mapping between structs and tables: the traits that the derive implements, and the data that it emits.
//!
//! The derive is thin: a constant description of the table, `encode` and `decode`, and the struct of column handles.
//! All else (sessions, schema, queries) works on [`EntityMeta`] and [`Value`](crate::Value), once for all entities.

mod behaviour;
mod columns;
mod deferred;
mod embedded;
mod entity;
mod fk;
mod handle;
mod inheritance;
mod meta;
mod reader;

pub use behaviour::{DeletedMark, Invalid};
#[doc(hidden)]
pub use behaviour::{checked, owned_value, soft_delete_column};
pub(crate) use behaviour::{is_mark, live, with_deleted};
pub use columns::{Columns, Mode, Optional, Required};
pub use deferred::Deferred;
pub use embedded::Embedded;
#[doc(hidden)]
pub use embedded::{
    NO_ACTIONS, Part, columns_len, decode_optional, from, is_variant, joined_columns, joined_names,
    member_of, name_of, names_len, same_variant, set_absent, set_optional,
};
pub(crate) use entity::show_key;
pub use entity::{Entity, Key, KeyColumn};
pub use fk::{CompositeKey, Fk, FkColumns};
pub use handle::Handle;
pub(crate) use inheritance::Variant;
#[doc(hidden)]
pub use inheritance::is_joined;
pub use inheritance::{InVariant, VariantTable};
pub(crate) use meta::outputs;
#[doc(hidden)]
pub use meta::query_node;
pub use meta::{
    Cascade, ColumnMeta, ColumnNameOf, ColumnNames, ColumnNamesOf, DefaultValue, Deferrable, EntityMeta,
    EntityMetaOf, IndexMeta, IndexPartMeta, LinkColumns, ReferenceAction, RelationFilter, RelationKind,
    RelationMeta,
};
pub use reader::RowReader;
