//! The structs of column handles, in their two modes: as a table has its columns, and as a left join hands them out.

use super::Entity;
use crate::error::Result;
use crate::expr::SourceId;

/// The column handles of one entity: what the derive emits as `UserColumns`, and what closures of queries get.
pub trait Columns: Copy + 'static {
    /// The entity whose columns these are.
    type Entity: Entity;

    /// Plain, or behind a left join.
    type Mode: Mode;

    /// The handles of that source.
    #[doc(hidden)]
    fn at(source: SourceId) -> Self;

    /// The source they are of.
    #[doc(hidden)]
    fn source(&self) -> SourceId;
}

/// Whether a source's row may be missing.
pub trait Mode: Copy + Default + Send + Sync + 'static {
    /// The type of a column: `T` or, where its row may be missing, `N`, which is [`T::Nullable`](crate::ColumnType::Nullable).
    ///
    /// Both are named where it is used, and neither has a bound: a field that cannot be a column is then one error, at
    /// the field.
    type Of<T, N>;

    /// The type of a whole row.
    type Row<T>;

    /// A whole row, read by `read` if it is there.
    #[doc(hidden)]
    fn row<T>(present: impl FnOnce() -> bool, read: impl FnOnce() -> Result<T>) -> Result<Self::Row<T>>;
}

/// The mode of a source whose row is always there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Required;

/// The mode of a source behind a left join: each column may be NULL, a whole row may be `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Optional;

impl Mode for Required {
    type Of<T, N> = T;
    type Row<T> = T;

    #[inline]
    fn row<T>(_: impl FnOnce() -> bool, read: impl FnOnce() -> Result<T>) -> Result<T> {
        read()
    }
}

impl Mode for Optional {
    type Of<T, N> = N;
    type Row<T> = Option<T>;

    #[inline]
    fn row<T>(present: impl FnOnce() -> bool, read: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
        if present() { read().map(Some) } else { Ok(None) }
    }
}
