//! The derive macros of Aludel. Use them through the crate `aludel`, which documents what they emit.
//!
//! What is emitted is thin on purpose: constants, `encode` and `decode`, and a struct of column handles. Everything that can
//! be written once for all entities lives in `aludel` and works on those constants.
//!
//! ```text
//!   parse:  syntax -> model::Entity       (attributes read, misuses reported at their place)
//!   emit:   model::Entity -> tokens
//! ```
#![forbid(unsafe_code)]

mod attributes;
mod column_type;
mod emit;
mod files;
mod model;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Maps a struct to a table.
///
/// On the struct, `#[entity(..)]`:
///
/// | | |
/// |---|---|
/// | `table = "users"` | the table's name; the struct's in snake case otherwise |
/// | `index(a, b)`, `unique(a, b)` | an index or unique constraint over these fields |
/// | `index(a, -b, "lower(c)", where = "..", include(d), name = "..")` | descending columns, expressions, part of the rows, columns carried along |
/// | `check = "a < b"` | a CHECK constraint |
/// | `validate = User::check` | a function from `&Self` to a `Result<(), impl Display>`, asked before each insert and update |
/// | `comment = ".."` | a comment on the table, where the backend keeps one |
/// | `was = "people"` | the name that the table had before, for a migration |
/// | `new = false` | no constructor `new` |
/// | `strict`, `without_rowid` | SQLite's table options |
///
/// On a field, `#[column(..)]`:
///
/// | | |
/// |---|---|
/// | `primary_key` | (part of) the primary key |
/// | `auto` | the database assigns it; understood for `Id<T>` and `Option<i64>` |
/// | `name = "author_id"` | the column's name; the field's otherwise |
/// | `unique`, `index` | a constraint or index of its own |
/// | `default = 0` | the value that `new` gives; a literal or `now()` is declared in the table as well |
/// | `server_default = "sql"` | a default that only the table declares |
/// | `version` | counts the row's changes: a stale write is an error |
/// | `on_delete = "cascade"`, `on_update = ".."` | actions of a foreign key: `cascade`, `set null`, `set default`, `restrict` |
/// | `check = "sql"`, `collate = "nocase"`, `sql_type = ".."` | as the table declares it |
/// | `deferrable`, `deferrable = "deferred"` | a foreign key that a transaction may check, or checks, at its commit |
/// | `comment = ".."` | a comment on the column, where the backend keeps one |
/// | `was = "mail"` | the name that the column had before, for a migration |
/// | `generated = "sql"`, `stored` | the database computes it |
/// | `query = UserColumns::post_count` | no column: the value of an expression (a function from the columns to an `Expr`), read with each load, never written |
/// | `skip` | no column; the field's type must have a default |
/// | `flatten`, `prefix = "home_"` | the columns of an embedded struct, or of an `Fk` to a key of several columns, their names with a prefix |
/// | `read_only` | read, never written: the database gives its value |
/// | `immutable` | written by the insert only; to change it later is an error |
/// | `created`, `updated` | the time of the insert (immutable), and of the last change |
/// | `soft_delete` | a deletion writes this column instead (`Option` of a time, or `bool`), and queries leave the row out |
/// | `group = "texts"` | of a `Deferred` column: loaded together with the others of the group |
/// | `validate = is_email` | a function from the value to a `Result<(), impl Display>`, asked before each insert and update |
///
/// Relations are declared beside the struct:
///
/// | | |
/// |---|---|
/// | `#[has_many(posts: Post, by = author)]` | `Post::author` is an `Fk` of this entity; `cascade = ".."`, `order_by = id` |
/// | `#[has_one(profile: Profile, by = user)]` | the same for at most one |
/// | `#[many_to_many(groups: Group, through = Membership)]` | `Membership` has an `Fk` of each |
/// | `#[many_to_many(groups: Group, link = UserGroup)]` | the same, and `UserGroup` is made: an entity of two `Fk`s, `user` and `group`, in the table `user_group`; others by `by = ..`, `to = ..` and `table = ".."` |
/// | `#[has_many(published: Post, by = author, filter = \|p\| p.published.eq(true))]` | the rows for which the condition holds; of a `many_to_many` `\|group, membership\| ..` as well. Any expression over the columns, subqueries included. It narrows what is read, not what a deletion takes along: a cascade goes on a relation without it |
#[proc_macro_derive(Entity, attributes(entity, column, has_many, has_one, many_to_many))]
pub fn derive_entity(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    match model::Entity::parse(&input) {
        Ok(entity) => emit::entity(&entity).into(),
        Err(error) => error.to_compile_error().into(),
    }
}

/// Makes a struct something to embed: its fields become columns of each entity that has a field of its type with
/// `#[column(flatten)]`. An enum of such structs becomes a column that says which variant it is, and the columns of all
/// variants, which are NULL where it is another one.
///
/// Fields take `#[column(..)]` as those of an entity do. `#[embedded(..)]` takes:
///
/// | | |
/// |---|---|
/// | on a struct: `new = false` | no constructor `new` |
/// | on an enum: `tag = "kind"` | the column that says which variant it is |
/// | on a variant: `value = "boss"` | what stands there for it; the variant's name in snake case otherwise |
/// | on a variant: `prefix = "boss_"` | goes before the names of its columns |
/// | on a variant: `table = "bosses"` | its columns are in a table of their own (joined-table inheritance) |
#[proc_macro_derive(Embedded, attributes(embedded, column))]
pub fn derive_embedded(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    match model::Embedded::parse(&input) {
        Ok(model::Embedded::Struct(record)) => emit::embedded(&record).into(),
        Ok(model::Embedded::Enum(tagged)) => emit::tagged(&tagged).into(),
        Err(error) => error.to_compile_error().into(),
    }
}

/// Makes a type a column type: a newtype is kept as what it wraps, an enum without fields as the name of its variant.
///
/// `#[column_type(key)]` lets it be (part of) a primary key; `#[column_type(integer)]` keeps an enum as its number;
/// `#[column_type(native = "mood")]` makes an enum a type of the database's own (PostgreSQL, MySQL; a CHECK on SQLite);
/// `#[column_type(name = "..")]` on a variant gives it another name than its own in snake case.
#[proc_macro_derive(ColumnType, attributes(column_type))]
pub fn derive_column_type(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    column_type::derive(&input)
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}

/// The files of a folder that end in `.sql`, as pairs of name and text. What `aludel::migrations!` is made of.
#[proc_macro]
pub fn embedded_files(input: TokenStream) -> TokenStream {
    let folder = parse_macro_input!(input as syn::LitStr);
    files::embed(&folder)
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}
