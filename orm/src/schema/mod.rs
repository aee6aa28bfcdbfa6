//! Tables as data, and their creation.
//!
//! A [`Table`] comes from an entity ([`Table::of`]), from a live database, or is put together by hand; a [`Schema`] is
//! tables in an order in which they can be created.

mod check;
mod create;
mod ddl;
pub(crate) mod reflect;

pub use check::Difference;

use crate::error::{Error, Result};
use crate::mapper::{ColumnMeta, DefaultValue, Entity, EntityMeta, ReferenceAction};
use crate::topology::components;
use crate::types::Kind;

/// Lists entities for [`Engine::create_all`](crate::Engine::create_all) and its like: `schema![User, Post]`.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct User {
///     #[column(primary_key)]
///     id: Id<User>,
/// }
///
/// assert_eq!(schema![User].tables().len(), 1);
/// ```
#[macro_export]
macro_rules! schema {
    ($($entity:ty),* $(,)?) => {
        $crate::Schema::new()$(.with::<$entity>())*
    };
}

/// Tables that belong together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    tables: Vec<Table>,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<TableColumn>,
    /// The columns of its primary key.
    pub primary_key: Vec<String>,
    /// Unique constraints over more than one column, or named ones.
    pub uniques: Vec<Vec<String>>,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// Its foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// CHECK constraints, as SQL.
    pub checks: Vec<String>,
    /// Without a rowid (SQLite).
    pub without_rowid: bool,
    /// Strict (SQLite).
    pub strict: bool,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Its type as declared, where that is none of the kinds' own names.
    pub sql_type: Option<String>,
    /// May it be NULL?
    pub nullable: bool,
    /// Does the database assign it?
    pub auto: bool,
    /// Is it unique by itself?
    pub unique: bool,
    /// Its default.
    pub default: Option<ColumnDefault>,
    /// A CHECK constraint, as SQL.
    pub check: Option<String>,
    /// Its collation.
    pub collation: Option<String>,
    /// The expression it is computed from, and whether it is stored.
    pub generated: Option<(String, bool)>,
}

/// The default of a column.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ColumnDefault {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Real(f64),
    /// Text.
    Text(String),
    /// The current date and time.
    Now,
    /// An expression, as SQL.
    Sql(String),
}

impl From<DefaultValue> for ColumnDefault {
    fn from(default: DefaultValue) -> ColumnDefault {
        match default {
            DefaultValue::Bool(flag) => ColumnDefault::Bool(flag),
            DefaultValue::Int(number) => ColumnDefault::Int(number),
            DefaultValue::Real(number) => ColumnDefault::Real(number),
            DefaultValue::Text(text) => ColumnDefault::Text(text.to_owned()),
            DefaultValue::Now => ColumnDefault::Now,
            DefaultValue::Sql(sql) => ColumnDefault::Sql(sql.to_owned()),
        }
    }
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// Does it forbid equal rows?
    pub unique: bool,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForeignKey {
    /// The columns that refer.
    pub columns: Vec<String>,
    /// The table referred to.
    pub table: String,
    /// Its columns.
    pub references: Vec<String>,
    /// What becomes of this row when the other is deleted.
    pub on_delete: ReferenceAction,
    /// What becomes of this row when the other's key changes.
    pub on_update: ReferenceAction,
}

impl Schema {
    /// A schema without tables.
    pub fn new() -> Schema {
        Schema::default()
    }

    /// With the table of an entity. An entity named twice counts once.
    pub fn with<T: Entity>(self) -> Schema {
        self.with_table(Table::of::<T>())
    }

    /// With a table.
    pub fn with_table(mut self, table: Table) -> Schema {
        if !self.tables.contains(&table) {
            self.tables.push(table);
        }
        self
    }

    /// The tables, as they were given.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The table of that name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The tables in an order in which each comes after those it refers to; where they refer to each other in a circle, in
    /// the order given.
    ///
    /// # Errors
    /// [`Error::Schema`] where two different tables have one name.
    pub fn sorted(&self) -> Result<Vec<&Table>> {
        let position = |name: &str| self.tables.iter().position(|table| table.name == name);
        for (i, table) in self.tables.iter().enumerate() {
            if position(&table.name) != Some(i) {
                let message = format!(
                    "two tables have the name `{}`: give one of them another",
                    table.name
                );
                return Err(Error::Schema(message));
            }
        }
        let depends_on: Vec<Vec<usize>> = self
            .tables
            .iter()
            .map(|table| {
                table
                    .foreign_keys
                    .iter()
                    .filter_map(|key| position(&key.table))
                    .collect()
            })
            .collect();
        Ok(components(&depends_on)
            .into_iter()
            .flatten()
            .filter_map(|i| self.tables.get(i))
            .collect())
    }
}

impl Table {
    /// The table of an entity.
    pub fn of<T: Entity>() -> Table {
        Table::from_meta(T::META)
    }

    pub(crate) fn from_meta(meta: &'static EntityMeta) -> Table {
        let name_of = |i: &usize| meta.columns.get(*i).map(|column| column.name.to_owned());
        let names = |columns: &[usize]| columns.iter().filter_map(name_of).collect::<Vec<String>>();
        let mut table = Table {
            name: meta.table.to_owned(),
            columns: meta.columns.iter().map(TableColumn::from_meta).collect(),
            primary_key: names(meta.key),
            checks: meta.checks.iter().map(|sql| (*sql).to_owned()).collect(),
            foreign_keys: meta.columns.iter().filter_map(ForeignKey::from_meta).collect(),
            without_rowid: meta.without_rowid,
            strict: meta.strict,
            ..Table::default()
        };
        for column in meta.columns.iter().filter(|column| column.indexed) {
            table.add_index(vec![column.name.to_owned()], false);
        }
        for index in meta.indexes {
            let columns = names(index.columns);
            if index.unique {
                table.uniques.push(columns)
            } else {
                table.add_index(columns, false)
            }
        }
        table
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&TableColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Adds an index, named after the table and the columns: `ix_users_name`.
    fn add_index(&mut self, columns: Vec<String>, unique: bool) {
        let prefix = if unique { "ux" } else { "ix" };
        let name = format!("{prefix}_{}_{}", self.name, columns.join("_"));
        self.indexes.push(Index {
            name,
            columns,
            unique,
        });
    }
}

impl TableColumn {
    fn from_meta(column: &ColumnMeta) -> TableColumn {
        TableColumn {
            name: column.name.to_owned(),
            kind: column.kind,
            sql_type: None,
            nullable: column.nullable,
            auto: column.auto,
            unique: column.unique,
            default: column.default.map(ColumnDefault::from),
            check: column.check.map(str::to_owned),
            collation: column.collation.map(str::to_owned),
            generated: column.generated.map(|(sql, stored)| (sql.to_owned(), stored)),
        }
    }
}

impl ForeignKey {
    fn from_meta(column: &ColumnMeta) -> Option<ForeignKey> {
        column.reference.map(|reference| ForeignKey {
            columns: vec![column.name.to_owned()],
            table: reference.table.to_owned(),
            references: vec![reference.column.to_owned()],
            on_delete: column.on_delete,
            on_update: column.on_update,
        })
    }
}
