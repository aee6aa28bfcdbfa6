//! Aludel: an ORM that stands on its own SQL engine, which reads and writes SQLite's file format.
//!
//! An entity is a plain struct; a session tracks entities and writes what changed; queries are typed by the compiler.
//!
//! ```
//! use aludel::prelude::*;
//!
//! #[derive(Entity)]
//! #[entity(table = "users")]
//! #[has_many(posts: Post, by = author, cascade = "all, delete-orphan", order_by = id)]
//! struct User {
//!     #[column(primary_key)]
//!     id: Id<User>, // assigned on insert
//!     #[column(unique)]
//!     name: String,
//!     email: Option<String>, // NULL
//!     #[column(default = now())]
//!     created: Timestamp,
//! }
//!
//! #[derive(Entity)]
//! #[entity(table = "posts")]
//! struct Post {
//!     #[column(primary_key)]
//!     id: Id<Post>,
//!     #[column(name = "author_id", on_delete = "cascade")]
//!     author: Fk<User>, // a key, or a user that is not inserted yet
//!     title: String,
//!     #[column(default = 0)]
//!     likes: i64,
//!     #[column(version)] // optimistic lock
//!     version: u32,
//! }
//!
//! impl UserColumns {
//!     // reusable pieces of SQL are ordinary methods
//!     fn popular(self) -> Expr<bool> {
//!         query::<Post>().filter(|p| p.author.eq(self.id) & p.likes.gt(100)).exists()
//!     }
//! }
//!
//! # fn main() -> aludel::Result<()> {
//! let engine = Engine::open("sqlite::memory:")?;
//! engine.create_all(schema![User, Post])?;
//!
//! let mut session = engine.session()?;
//! let mike = session.add(User::new("Mike")); // Handle<User>: Copy, typed
//! session.add_all(["Nick", "Mick", "Nike"].map(User::new));
//! session.add(Post::new(mike, "hello")); // flush inserts parents first and fills the key in
//! session.commit()?;
//! assert_eq!(format!("{} {}", session[mike].id, session[mike].name), "1 Mike");
//!
//! for user in session.query::<User>().filter(|u| u.name.like("M%")).order_by(|u| u.name.desc()).all()? {
//!     session[user].email = Some("m@example.org".into()); // marks it; only changed columns are written
//! }
//! let mike = session.get::<User>(1)?; // from the identity map: no statement
//! for post in session.related(mike, |u| u.posts)? {
//!     println!("{}", session[post].title); // lazy, visible, once
//! }
//!
//! let rows: Vec<(String, i64)> = session
//!     .query::<User>()
//!     .left_join(|u| u.posts)
//!     .group_by(|(u, _)| u.id)
//!     .having(|(_, p)| p.id.count().ge(1))
//!     .select(|(u, p)| (u.name, p.id.count()))
//!     .fetch()?;
//! assert_eq!(rows, [("Mike".to_owned(), 1)]);
//!
//! // two statements, not one for each user
//! let users: Vec<(User, Vec<Post>)> =
//!     session.query::<User>().with(|u| u.posts.order_by(|p| p.id.desc()).limit(3)).fetch()?;
//! assert_eq!(users.len(), 4);
//! assert!(session.query::<User>().filter(|u| u.popular()).fetch()?.is_empty());
//!
//! session.delete(mike); // cascades as declared
//! session.commit()?;
//! # Ok(())
//! # }
//! ```
//!
//! # The map
//!
//! A module uses those below it, never one above.
//!
//! | floor | module | what it owns |
//! |---|---|---|
//! | 7 | [`testing`] | sandboxes and factories for tests |
//! | 6 | [`migrate`] | from one schema to another, in a live database |
//! | 6 | [`session`] | identity map, unit of work, loading, transactions |
//! | 5 | [`mod@query`] | select, insert, update and delete builders over entities |
//! | 4 | [`mod@schema`], [`relation`] | tables as data; the ways between entities |
//! | 3 | [`mapper`] | `Entity` and what the derive emits |
//! | 2 | [`engine`], [`drivers`] | URL to driver, pool, logging; the backends |
//! | 1 | [`expr`], [`dialect`] | expressions and statements as trees; their text |
//! | 0 | [`types`] | Rust type to SQL type and back |
#![forbid(unsafe_code)]

// The derive names this crate by its name, also when it is used inside of it.
extern crate self as aludel;

pub mod dialect;
pub mod drivers;
pub mod engine;
mod error;
pub mod expr;
pub mod mapper;
pub mod migrate;
pub mod query;
pub mod relation;
pub mod schema;
pub mod session;
pub mod testing;
mod topology;
pub mod types;

pub use aludel_derive::{ColumnType, Embedded, Entity, embedded_files};
pub use dialect::{CompileError, Isolation, TransactionMode};
pub use drivers::{DriverError, Failure};
pub use engine::{Connection, Engine, PoolOptions, UrlError, statements_run};
pub use error::{Error, HandleError, Result};
pub use expr::{Column, Expr, SourceId};
pub use mapper::{
    Cascade, ColumnMeta, Columns, DefaultValue, Deferrable, Deferred, Embedded, Entity, EntityMeta, Fk,
    Handle, IndexMeta, IndexPartMeta, Key, Mode, Optional, ReferenceAction, RelationKind, RelationMeta,
    Required, RowReader,
};
pub use query::{Query, RowSet, query, recursive, values};
pub use schema::Schema;
pub use session::Session;
#[cfg(feature = "json")]
pub use types::Json;
pub use types::{ColumnType, CurrentTime, DecodeError, Id, KeyPart, Kind, Reference, Value};

/// What most code wants in scope: `use aludel::prelude::*`.
pub mod prelude {
    #[cfg(feature = "jiff")]
    pub use jiff::Timestamp;

    #[cfg(feature = "json")]
    pub use crate::Json;
    pub use crate::expr::{
        ArrayOperand, Bound, JsonOperand, LengthOperand, Operand, TimeOperand, WindowOperand, all_of, any_of,
        case, count_all, cume_dist, dense_rank, func, ntile, percent_rank, rank, raw, row_number, val, when,
    };
    pub use crate::query::{Executor, recursive, table, values};
    pub use crate::{
        Column, ColumnType, Deferred, Embedded, Engine, Entity, Expr, Fk, Handle, Id, Isolation, Query,
        Schema, Session, assert_statements, query, schema,
    };
}
