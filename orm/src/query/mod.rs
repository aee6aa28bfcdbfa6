//! Queries and bulk statements over entities.
//!
//! [`query`] makes a [`Query`] that stands by itself: a subquery, a fragment to build on, a text to look at.
//! [`Session::query`](crate::Session::query) and [`Connection::query`](crate::engine::Connection::query) make one that
//! runs. Both have the same builders.
//!
//! ```text
//!   Query<S, O, X>    S  its sources: User, (User, Post), (User, Maybe<Post>)   what closures get
//!                     O  what it selects: UserColumns, (Column<String>, Expr<i64>)   what rows become
//!                     X  what runs it: Detached, &mut Session, &mut Connection
//! ```

mod change;
mod compound;
mod executor;
mod insert;
mod outer;
mod related;
mod rows;
mod select;
mod selection;
mod source;
mod sql;
mod subquery;
mod table;
pub(crate) mod variants;

pub use change::{Delete, SetList, SetTo, Update, Using};
pub use executor::{Detached, Executor};
pub use insert::{Insert, InsertInto, Upsert};
pub use outer::{OuterJoined, OuterSingle};
pub use rows::{Derived, DerivedColumn, Elements, Handles, Recursive, RowSet, ValueRow, recursive, values};
pub use select::{Query, query};
pub use selection::{Selection, SingleColumn};
pub use source::{Append, Maybe, Queryable, Source};
pub use sql::{FromRow, Sql};
pub use table::{AnyColumns, DeleteTable, UpdateTable, table, table_in};

/// What sessions need of the builders.
pub(crate) mod internals {
    pub(crate) use super::change::{all_columns, marking_update};
    pub(crate) use super::executor::{execute, run};
    pub(crate) use super::select::add_condition;
}
