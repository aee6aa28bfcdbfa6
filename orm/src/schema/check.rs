//! Does the struct fit the live table?

use std::fmt;

use super::{EnumType, Schema, Table, TableColumn};
use crate::dialect::NativeEnums;
use crate::engine::Engine;
use crate::error::Result;
use crate::mapper::Entity;
use crate::types::Kind;

/// One way in which a live table is not what its entity says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// There is no such table.
    MissingTable {
        /// The table.
        table: String,
    },
    /// The table has no such column.
    MissingColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The table has a column that the entity does not know, and that every row must have a value for.
    UnknownRequiredColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The column is of another type.
    Type {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// What the entity says.
        expected: Kind,
        /// What the table says.
        found: Kind,
    },
    /// The column may be NULL here and not there.
    Nullable {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Can the table's column be NULL?
        in_table: bool,
    },
    /// The primary key is another.
    PrimaryKey {
        /// The table.
        table: String,
        /// What the entity says.
        expected: Vec<String>,
        /// What the table says.
        found: Vec<String>,
    },
    /// These columns are not unique in the table.
    MissingUnique {
        /// The table.
        table: String,
        /// The columns.
        columns: Vec<String>,
    },
    /// The table has no such foreign key.
    MissingForeignKey {
        /// The table.
        table: String,
        /// The columns.
        columns: Vec<String>,
        /// The table that they should refer to.
        references: String,
    },
    /// The enum has other texts in the database, or in another order.
    EnumValues {
        /// The enum.
        name: String,
        /// What the entity says.
        expected: Vec<String>,
        /// What the database says; none where it has no such type.
        found: Vec<String>,
    },
    /// The table has no index over these columns.
    MissingIndex {
        /// The table.
        table: String,
        /// The columns.
        columns: Vec<String>,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::MissingTable { table } => write!(f, "there is no table `{table}`"),
            Difference::MissingColumn { table, column } => {
                write!(f, "table `{table}` has no column `{column}`")
            }
            Difference::UnknownRequiredColumn { table, column } => {
                write!(
                    f,
                    "column `{table}.{column}` needs a value in every row, and the entity has no field for it"
                )
            }
            Difference::Type {
                table,
                column,
                expected,
                found,
            } => {
                write!(
                    f,
                    "column `{table}.{column}` is {found:?} in the table and {expected:?} in the entity"
                )
            }
            Difference::Nullable {
                table,
                column,
                in_table: true,
            } => {
                write!(
                    f,
                    "column `{table}.{column}` can be NULL in the table: make the field an `Option`"
                )
            }
            Difference::Nullable {
                table,
                column,
                in_table: false,
            } => {
                write!(
                    f,
                    "column `{table}.{column}` cannot be NULL in the table, and the field is an `Option`"
                )
            }
            Difference::PrimaryKey {
                table,
                expected,
                found,
            } => {
                let (expected, found) = (expected.join(", "), found.join(", "));
                write!(
                    f,
                    "the primary key of `{table}` is ({found}) in the table and ({expected}) in the entity"
                )
            }
            Difference::MissingUnique { table, columns } => {
                write!(
                    f,
                    "table `{table}` has no unique constraint over ({})",
                    columns.join(", ")
                )
            }
            Difference::MissingForeignKey {
                table,
                columns,
                references,
            } => {
                write!(
                    f,
                    "table `{table}` has no foreign key from ({}) to `{references}`",
                    columns.join(", ")
                )
            }
            Difference::EnumValues { name, found, .. } if found.is_empty() => {
                write!(f, "there is no enum `{name}`")
            }
            Difference::EnumValues {
                name,
                expected,
                found,
            } => {
                let (expected, found) = (expected.join(", "), found.join(", "));
                write!(
                    f,
                    "the enum `{name}` is ({found}) in the database and ({expected}) in the entity"
                )
            }
            Difference::MissingIndex { table, columns } => {
                write!(f, "table `{table}` has no index over ({})", columns.join(", "))
            }
        }
    }
}

impl Engine {
    /// Compares an entity with its live table: one message for each difference, none where it fits.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// struct Note {
    ///     #[column(primary_key)]
    ///     id: Id<Note>,
    ///     text: String,
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// let engine = Engine::open("sqlite::memory:")?;
    /// engine.connect()?.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)", &[])?;
    /// let differences = engine.check::<Note>()?;
    /// assert_eq!(
    ///     differences[0].to_string(),
    ///     "column `note.text` can be NULL in the table: make the field an `Option`"
    /// );
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Whatever reading the schema runs into.
    pub fn check<T: Entity>(&self) -> Result<Vec<Difference>> {
        let live = self.reflect()?;
        let mut all = Vec::new();
        for table in &Table::all_of::<T>() {
            all.extend(differences(table, &live));
            enum_differences(table, &live, self.dialect().native_enums(), &mut all);
        }
        Ok(all)
    }
}

/// Native enums whose texts are others. Where they are checks, they are compared as such.
fn enum_differences(wanted: &Table, live: &Schema, kept: NativeEnums, all: &mut Vec<Difference>) {
    for column in &wanted.columns {
        let found = live
            .table(&wanted.name)
            .and_then(|table| table.column(&column.name));
        let (Some(of), Some(column)) = (column.kind.native_enum(), found) else {
            continue;
        };
        let found = match (kept, live.enum_type(of.name)) {
            (NativeEnums::Checks, _) => continue,
            (NativeEnums::Types, Some(found)) => found.values.clone(),
            (NativeEnums::Types, None) => Vec::new(),
            // Of an array there is nothing to be seen.
            (NativeEnums::Inline, _) if column.kind == Kind::Json => continue,
            (NativeEnums::Inline, _) => EnumType::values_in(column.sql_type.as_deref().unwrap_or_default()),
        };
        let expected: Vec<String> = of.values.iter().map(|value| (*value).to_owned()).collect();
        let name = of.name.to_owned();
        if found != expected
            && !all
                .iter()
                .any(|one| matches!(one, Difference::EnumValues { name: told, .. } if *told == name))
        {
            all.push(Difference::EnumValues {
                name,
                expected,
                found,
            });
        }
    }
}

/// How the live schema's table differs from the one wanted.
pub(crate) fn differences(wanted: &Table, live: &Schema) -> Vec<Difference> {
    let table = wanted.name.clone();
    let Some(found) = live
        .tables()
        .iter()
        .find(|other| other.name.eq_ignore_ascii_case(&table))
    else {
        return vec![Difference::MissingTable { table }];
    };
    let mut all = Vec::new();
    for column in &wanted.columns {
        match found
            .columns
            .iter()
            .find(|other| other.name.eq_ignore_ascii_case(&column.name))
        {
            Some(other) => compare_columns(wanted, column, other, &mut all),
            None => all.push(Difference::MissingColumn {
                table: table.clone(),
                column: column.name.clone(),
            }),
        }
    }
    for column in &found.columns {
        let known = wanted
            .columns
            .iter()
            .any(|other| other.name.eq_ignore_ascii_case(&column.name));
        let needed =
            !column.nullable && !column.auto && column.default.is_none() && column.generated.is_none();
        if !known && needed {
            all.push(Difference::UnknownRequiredColumn {
                table: table.clone(),
                column: column.name.clone(),
            });
        }
    }
    if wanted.primary_key != found.primary_key {
        let (expected, found) = (wanted.primary_key.clone(), found.primary_key.clone());
        all.push(Difference::PrimaryKey {
            table: table.clone(),
            expected,
            found,
        });
    }
    compare_constraints(wanted, found, &mut all);
    all
}

fn compare_columns(wanted: &Table, column: &TableColumn, found: &TableColumn, all: &mut Vec<Difference>) {
    let (table, name) = (wanted.name.clone(), column.name.clone());
    if !same_kind(column.kind, found.kind) {
        let difference = Difference::Type {
            table: table.clone(),
            column: name.clone(),
            expected: column.kind,
            found: found.kind,
        };
        all.push(difference);
    }
    let key = wanted.primary_key.contains(&column.name);
    if !key && column.generated.is_none() && column.nullable != found.nullable {
        all.push(Difference::Nullable {
            table,
            column: name,
            in_table: found.nullable,
        });
    }
}

/// Are values of the one kept in a column of the other? SQLite keeps integers of all sizes in one type, and dates, JSON and
/// enums as text.
fn same_kind(wanted: Kind, found: Kind) -> bool {
    let family = |kind| match kind {
        Kind::Bool | Kind::Int(_) | Kind::Interval => 0,
        Kind::Real(_) | Kind::Decimal => 1,
        Kind::Text
        | Kind::Json
        | Kind::Array(_)
        | Kind::Enum(_)
        | Kind::NativeEnum(_)
        | Kind::Timestamp
        | Kind::DateTime
        | Kind::Date
        | Kind::Time => 2,
        Kind::Bytes | Kind::Uuid => 3,
        Kind::Named(_) => 4,
    };
    if let (Kind::Array(wanted), Kind::Array(found)) = (wanted, found) {
        return same_kind(*wanted, *found);
    }
    matches!(wanted, Kind::Named(_)) || matches!(found, Kind::Named(_)) || family(wanted) == family(found)
}

fn compare_constraints(wanted: &Table, found: &Table, all: &mut Vec<Difference>) {
    let table = &wanted.name;
    let mut unique: Vec<Vec<String>> = found
        .uniques
        .iter()
        .map(|unique| unique.columns.clone())
        .collect();
    let plain = |index: &super::Index| -> Option<Vec<String>> {
        let columns = index.columns()?;
        Some(columns.into_iter().map(str::to_owned).collect())
    };
    unique.extend(
        found
            .indexes
            .iter()
            .filter(|index| index.is_like_constraint())
            .filter_map(plain),
    );
    unique.push(found.primary_key.clone());
    for columns in wanted.uniques.iter().map(|unique| unique.columns.clone()) {
        if !unique.contains(&columns) {
            all.push(Difference::MissingUnique {
                table: table.clone(),
                columns,
            });
        }
    }
    for key in &wanted.foreign_keys {
        let same = |other: &super::ForeignKey| {
            other.columns == key.columns && other.table.eq_ignore_ascii_case(&key.table)
        };
        if !found.foreign_keys.iter().any(same) {
            let (columns, references) = (key.columns.clone(), key.table.clone());
            all.push(Difference::MissingForeignKey {
                table: table.clone(),
                columns,
                references,
            });
        }
    }
    for index in &wanted.indexes {
        let Some(columns) = plain(index) else { continue };
        let like = |other: &super::Index| other.columns() == index.columns();
        if !found.indexes.iter().any(like) && !unique.contains(&columns) {
            all.push(Difference::MissingIndex {
                table: table.clone(),
                columns,
            });
        }
    }
}
