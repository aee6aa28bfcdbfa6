//! What a table demands of its rows beside the columns' types: unique, check and foreign key constraints.
//!
//! A constraint without a name gets one from the backend, or from a [`NamingConvention`](super::NamingConvention). Comparisons look at
//! the name only where the wanted side gives one.

use crate::mapper::{ColumnMeta, Deferrable, ReferenceAction};

/// No two rows have the same values in these columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unique {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Its columns.
    pub columns: Vec<String>,
}

impl Unique {
    /// Over these columns.
    pub fn new(columns: impl IntoIterator<Item = impl Into<String>>) -> Unique {
        let columns = columns.into_iter().map(Into::into).collect();
        Unique { name: None, columns }
    }

    /// With a name.
    pub fn named(mut self, name: impl Into<String>) -> Unique {
        self.name = Some(name.into());
        self
    }
}

/// A condition that every row fulfils.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// The condition, as SQL.
    pub sql: String,
}

impl Check {
    /// The condition, as SQL.
    pub fn new(sql: impl Into<String>) -> Check {
        let sql = sql.into();
        Check { name: None, sql }
    }

    /// With a name.
    pub fn named(mut self, name: impl Into<String>) -> Check {
        self.name = Some(name.into());
        self
    }
}

/// A foreign key: these columns hold the key of a row of another table, or NULL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForeignKey {
    /// Its name, where it has one.
    pub name: Option<String>,
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
    /// When it is checked.
    pub deferrable: Deferrable,
    /// The index that a server made for it, by the name that it has there.
    pub(crate) server_index: Option<String>,
}

impl ForeignKey {
    /// From these columns to those of another table.
    pub fn new(
        columns: impl IntoIterator<Item = impl Into<String>>,
        table: impl Into<String>,
        references: impl IntoIterator<Item = impl Into<String>>,
    ) -> ForeignKey {
        ForeignKey {
            columns: columns.into_iter().map(Into::into).collect(),
            table: table.into(),
            references: references.into_iter().map(Into::into).collect(),
            ..ForeignKey::default()
        }
    }

    /// With a name.
    pub fn named(mut self, name: impl Into<String>) -> ForeignKey {
        self.name = Some(name.into());
        self
    }

    /// With an action for when the other row is deleted.
    pub fn on_delete(mut self, action: ReferenceAction) -> ForeignKey {
        self.on_delete = action;
        self
    }

    /// With an action for when the other row's key changes.
    pub fn on_update(mut self, action: ReferenceAction) -> ForeignKey {
        self.on_update = action;
        self
    }

    /// Checked at another time than at the end of each statement.
    pub fn deferrable(mut self, deferrable: Deferrable) -> ForeignKey {
        self.deferrable = deferrable;
        self
    }

    pub(super) fn from_meta(column: &ColumnMeta) -> Option<ForeignKey> {
        column.reference.map(|reference| {
            ForeignKey::new([column.name], reference.table, [reference.column])
                .on_delete(column.on_delete)
                .on_update(column.on_update)
                .deferrable(column.deferrable)
        })
    }
}
