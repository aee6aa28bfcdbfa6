//! Tables as data, and their creation.
//!
//! A [`Table`] comes from an entity ([`Table::of`]), from a live database, or is put together by hand; a [`Schema`] is
//! tables in an order in which they can be created.

mod check;
mod constraint;
mod create;
mod ddl;
mod edit;
mod enum_type;
mod index;
mod naming;
pub(crate) mod reflect;
mod table;

pub use crate::mapper::{Deferrable, ReferenceAction};
pub use check::Difference;
pub use constraint::{Check, ForeignKey, Unique};
pub(crate) use ddl::{Ddl, comment_on};
pub(crate) use edit::{is_mentioned, with_name};
pub use enum_type::EnumType;
pub use index::{Index, IndexPart, IndexTerm};
pub use naming::NamingConvention;
pub use table::{ColumnDefault, Table, TableColumn};

use crate::error::{Error, Result};
use crate::mapper::Entity;
use crate::topology::components;

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
    views: Vec<View>,
    triggers: Vec<Trigger>,
    enums: Vec<EnumType>,
}

/// A view.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct View {
    /// Its name.
    pub name: String,
    /// The names of its columns, where they are not the query's.
    pub columns: Vec<String>,
    /// Its query.
    pub query: String,
}

impl View {
    /// A view of that name over a query.
    pub fn new(name: impl Into<String>, query: impl Into<String>) -> View {
        let (name, query) = (name.into(), query.into());
        View {
            name,
            columns: Vec::new(),
            query,
        }
    }
}

/// A trigger of a live database. Reflection tells of SQLite's, because rebuilding a table needs them; nothing else is done with them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// The table or view that it watches.
    pub table: String,
    /// The statement that creates it.
    pub sql: String,
}

impl Schema {
    /// A schema without tables.
    pub fn new() -> Schema {
        Schema::default()
    }

    /// With the table of an entity, those of its variants, and those of the links that are made for its relations. An entity named
    /// twice counts once.
    pub fn with<T: Entity>(self) -> Schema {
        let links = T::META.relations.iter().filter(|relation| relation.made_link);
        let links = links.filter_map(|relation| relation.through);
        let own = Table::all_of::<T>().into_iter();
        let tables = own.chain(links.map(|(link, _)| Table::from_meta(link())));
        tables.fold(self, Schema::with_table)
    }

    /// With a table.
    pub fn with_table(mut self, table: Table) -> Schema {
        if !self.tables.contains(&table) {
            let enums = table
                .columns
                .iter()
                .filter_map(|column| column.kind.native_enum());
            let enums: Vec<EnumType> = enums.map(EnumType::from).collect();
            self.tables.push(table);
            return enums.into_iter().fold(self, Schema::with_enum);
        }
        self
    }

    /// With an enum type, for backends that have such. Those of entities come with their tables.
    pub fn with_enum(mut self, enum_type: EnumType) -> Schema {
        if !self.enums.contains(&enum_type) {
            self.enums.push(enum_type);
        }
        self
    }

    /// The enum types.
    pub fn enums(&self) -> &[EnumType] {
        &self.enums
    }

    /// The enum type of that name.
    pub fn enum_type(&self, name: &str) -> Option<&EnumType> {
        self.enums.iter().find(|one| one.name == name)
    }

    /// With a view. [`Engine::create_all`](crate::Engine::create_all) makes views after all tables, in the order given.
    pub fn with_view(mut self, view: View) -> Schema {
        if !self.views.contains(&view) {
            self.views.push(view);
        }
        self
    }

    pub(crate) fn with_trigger(mut self, trigger: Trigger) -> Schema {
        self.triggers.push(trigger);
        self
    }

    /// The views, as they were given.
    pub fn views(&self) -> &[View] {
        &self.views
    }

    /// The triggers of a live SQLite database.
    pub fn triggers(&self) -> &[Trigger] {
        &self.triggers
    }

    /// The tables, as they were given.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The table of that name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// Two enums of one name are one enum.
    fn check_enums(&self) -> Result<()> {
        for (i, one) in self.enums.iter().enumerate() {
            if self.enums.iter().skip(i + 1).any(|other| other.name == one.name) {
                let message = format!(
                    "two different enums have the name `{}`: give one of them another",
                    one.name
                );
                return Err(Error::Schema(message));
            }
        }
        Ok(())
    }

    /// The tables in an order in which each comes after those it refers to; where they refer to each other in a circle, in
    /// the order given.
    ///
    /// # Errors
    /// [`Error::Schema`] where two different tables have one name.
    pub fn sorted(&self) -> Result<Vec<&Table>> {
        let position = |name: &str| self.tables.iter().position(|table| table.name == name);
        self.check_enums()?;
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
