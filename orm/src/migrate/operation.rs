//! One change of a schema, as data: it can be shown, applied to a [`Schema`] in memory, turned round, and says what it costs.

use std::fmt;

use crate::schema::{Check, ForeignKey, Index, Schema, Table, TableColumn, Unique, View};
use crate::types::Kind;

/// One change of a schema.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// A new table, with its constraints and indexes.
    CreateTable(Box<Table>),
    /// A table goes.
    DropTable(Box<Table>),
    /// A table gets another name.
    RenameTable {
        /// The name that it has.
        from: String,
        /// The name that it gets.
        to: String,
    },
    /// A new column.
    AddColumn {
        /// The table.
        table: String,
        /// The column.
        column: Box<TableColumn>,
        /// What the rows that are there get, as SQL, where it is not the default.
        fill: Option<String>,
    },
    /// A column goes.
    DropColumn {
        /// The table.
        table: String,
        /// The column.
        column: Box<TableColumn>,
    },
    /// A column gets another name.
    RenameColumn {
        /// The table.
        table: String,
        /// The name that it has.
        from: String,
        /// The name that it gets.
        to: String,
    },
    /// A column's type, nullability, default, collation or comment changes.
    AlterColumn {
        /// The table.
        table: String,
        /// As it is.
        from: Box<TableColumn>,
        /// As it shall be.
        to: Box<TableColumn>,
        /// What takes the place of NULL where the column cannot be NULL any more, as SQL.
        fill: Option<String>,
    },
    /// A computed column is computed otherwise, or a column becomes a computed one or stops being one.
    ReplaceColumn {
        /// The table.
        table: String,
        /// As it is.
        from: Box<TableColumn>,
        /// As it shall be.
        to: Box<TableColumn>,
    },
    /// Another primary key.
    ChangePrimaryKey {
        /// The table.
        table: String,
        /// The columns of the key that goes.
        from: Vec<String>,
        /// The columns of the key that comes.
        to: Vec<String>,
    },
    /// A new unique constraint.
    AddUnique {
        /// The table.
        table: String,
        /// The constraint.
        unique: Unique,
    },
    /// A unique constraint goes.
    DropUnique {
        /// The table.
        table: String,
        /// The constraint.
        unique: Unique,
    },
    /// A new check.
    AddCheck {
        /// The table.
        table: String,
        /// The check.
        check: Check,
    },
    /// A check goes.
    DropCheck {
        /// The table.
        table: String,
        /// The check.
        check: Check,
    },
    /// A new foreign key.
    AddForeignKey {
        /// The table.
        table: String,
        /// The key.
        key: ForeignKey,
    },
    /// A foreign key goes.
    DropForeignKey {
        /// The table.
        table: String,
        /// The key.
        key: ForeignKey,
    },
    /// A new index.
    CreateIndex {
        /// The table.
        table: String,
        /// The index.
        index: Index,
    },
    /// An index goes.
    DropIndex {
        /// The table.
        table: String,
        /// The index.
        index: Index,
    },
    /// An index gets another name.
    RenameIndex {
        /// The table.
        table: String,
        /// The index as it is.
        index: Index,
        /// The name that it gets.
        to: String,
    },
    /// Another comment on a table.
    Comment {
        /// The table.
        table: String,
        /// The comment that it has.
        from: Option<String>,
        /// The comment that it gets.
        to: Option<String>,
    },
    /// Other options of a table (SQLite): strict, without a rowid.
    ChangeOptions {
        /// The table.
        table: String,
        /// Strict and without a rowid, as it is.
        from: (bool, bool),
        /// As it shall be.
        to: (bool, bool),
    },
    /// A new view.
    CreateView(View),
    /// A view goes.
    DropView(View),
}

impl Operation {
    /// The operation that undoes this one, but for what [is lost](Self::loss).
    pub fn reversed(&self) -> Operation {
        use Operation as O;
        match self.clone() {
            O::CreateTable(table) => O::DropTable(table),
            O::DropTable(table) => O::CreateTable(table),
            O::RenameTable { from, to } => O::RenameTable { from: to, to: from },
            O::AddColumn { table, column, .. } => O::DropColumn { table, column },
            O::DropColumn { table, column } => {
                let fill = empty_value(&column);
                O::AddColumn { table, column, fill }
            }
            O::RenameColumn { table, from, to } => O::RenameColumn {
                table,
                from: to,
                to: from,
            },
            O::AlterColumn { table, from, to, .. } => {
                let fill = empty_value(&from).filter(|_| to.nullable);
                let (from, to) = (to, from);
                O::AlterColumn {
                    table,
                    from,
                    to,
                    fill,
                }
            }
            O::ReplaceColumn { table, from, to } => O::ReplaceColumn {
                table,
                from: to,
                to: from,
            },
            O::ChangePrimaryKey { table, from, to } => O::ChangePrimaryKey {
                table,
                from: to,
                to: from,
            },
            O::AddUnique { table, unique } => O::DropUnique { table, unique },
            O::DropUnique { table, unique } => O::AddUnique { table, unique },
            O::AddCheck { table, check } => O::DropCheck { table, check },
            O::DropCheck { table, check } => O::AddCheck { table, check },
            O::AddForeignKey { table, key } => O::DropForeignKey { table, key },
            O::DropForeignKey { table, key } => O::AddForeignKey { table, key },
            O::CreateIndex { table, index } => O::DropIndex { table, index },
            O::DropIndex { table, index } => O::CreateIndex { table, index },
            O::RenameIndex { table, mut index, to } => {
                let from = std::mem::replace(&mut index.name, to);
                O::RenameIndex {
                    table,
                    index,
                    to: from,
                }
            }
            O::Comment { table, from, to } => O::Comment {
                table,
                from: to,
                to: from,
            },
            O::ChangeOptions { table, from, to } => O::ChangeOptions {
                table,
                from: to,
                to: from,
            },
            O::CreateView(view) => O::DropView(view),
            O::DropView(view) => O::CreateView(view),
        }
    }

    /// The data that the operation loses for good, in a sentence; `None` where it loses none.
    pub fn loss(&self) -> Option<String> {
        match self {
            Operation::DropTable(table) => Some(format!("all rows of `{}` are lost", table.name)),
            Operation::DropColumn { table, column } if column.generated.is_none() => {
                Some(format!("the values of `{table}.{}` are lost", column.name))
            }
            Operation::ReplaceColumn { table, from, to }
                if from.generated.is_none() && to.generated.is_some() =>
            {
                Some(format!(
                    "the values of `{table}.{}` give way to computed ones",
                    from.name
                ))
            }
            Operation::AlterColumn { table, from, to, .. } if is_narrower(from.kind, to.kind) => {
                Some(format!(
                    "values of `{table}.{}` that do not fit the new type are bent, or make the migration fail",
                    from.name
                ))
            }
            _ => None,
        }
    }

    /// What has to be true of the rows for the operation to succeed, in a sentence; `None` where it always does.
    pub fn needs(&self) -> Option<String> {
        match self {
            Operation::AddColumn {
                table,
                column,
                fill: None,
            } if !column.nullable
                && column.default.is_none()
                && column.generated.is_none()
                && !column.auto =>
            {
                let column = &column.name;
                Some(format!(
                    "`{table}.{column}` needs a value in each row: it fails if `{table}` has rows; say what they get \
                     with `--fill {table}.{column}=SQL`"
                ))
            }
            Operation::AlterColumn {
                table,
                from,
                to,
                fill: None,
            } if from.nullable && !to.nullable && to.default.is_none() => {
                let column = &to.name;
                Some(format!(
                    "it fails if `{table}.{column}` is NULL in a row; say what stands for NULL with `--fill {table}.{column}=SQL`"
                ))
            }
            Operation::AddUnique { table, unique } => Some(format!(
                "it fails if two rows of `{table}` have the same ({})",
                unique.columns.join(", ")
            )),
            Operation::CreateIndex { table, index } if index.unique => Some(format!(
                "it fails if two rows of `{table}` have the same key in `{}`",
                index.name
            )),
            Operation::AddCheck { table, check } => Some(format!(
                "it fails if a row of `{table}` does not fulfil {}",
                check.sql
            )),
            Operation::AddForeignKey { table, key } => Some(format!(
                "it fails if a row of `{table}` refers to no row of `{}`",
                key.table
            )),
            _ => None,
        }
    }

    /// The table that it changes; `None` for views.
    pub fn table(&self) -> Option<&str> {
        use Operation as O;
        Some(match self {
            O::CreateTable(table) | O::DropTable(table) => &table.name,
            O::RenameTable { from, .. } => from,
            O::AddColumn { table, .. }
            | O::DropColumn { table, .. }
            | O::RenameColumn { table, .. }
            | O::AlterColumn { table, .. }
            | O::ReplaceColumn { table, .. }
            | O::ChangePrimaryKey { table, .. }
            | O::AddUnique { table, .. }
            | O::DropUnique { table, .. }
            | O::AddCheck { table, .. }
            | O::DropCheck { table, .. }
            | O::AddForeignKey { table, .. }
            | O::DropForeignKey { table, .. }
            | O::CreateIndex { table, .. }
            | O::DropIndex { table, .. }
            | O::RenameIndex { table, .. }
            | O::Comment { table, .. }
            | O::ChangeOptions { table, .. } => table,
            O::CreateView(_) | O::DropView(_) => return None,
        })
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Operation as O;
        match self {
            O::CreateTable(table) => write!(f, "create table `{}`", table.name),
            O::DropTable(table) => write!(f, "drop table `{}`", table.name),
            O::RenameTable { from, to } => write!(f, "rename table `{from}` to `{to}`"),
            O::AddColumn { table, column, .. } => write!(f, "add column `{table}.{}`", column.name),
            O::DropColumn { table, column } => write!(f, "drop column `{table}.{}`", column.name),
            O::RenameColumn { table, from, to } => write!(f, "rename column `{table}.{from}` to `{to}`"),
            O::AlterColumn { table, from, to, .. } => {
                write!(
                    f,
                    "alter column `{table}.{}`: {}",
                    to.name,
                    what_changes(from, to)
                )
            }
            O::ReplaceColumn { table, to, .. } => write!(f, "compute column `{table}.{}` otherwise", to.name),
            O::ChangePrimaryKey { table, from, to } => write!(
                f,
                "change the primary key of `{table}` from ({}) to ({})",
                from.join(", "),
                to.join(", ")
            ),
            O::AddUnique { table, unique } => {
                write!(
                    f,
                    "add unique constraint over `{table}` ({})",
                    unique.columns.join(", ")
                )
            }
            O::DropUnique { table, unique } => {
                write!(
                    f,
                    "drop unique constraint over `{table}` ({})",
                    unique.columns.join(", ")
                )
            }
            O::AddCheck { table, check } => write!(f, "add check to `{table}`: {}", check.sql),
            O::DropCheck { table, check } => write!(f, "drop check of `{table}`: {}", check.sql),
            O::AddForeignKey { table, key } => {
                write!(
                    f,
                    "add foreign key from `{table}` ({}) to `{}`",
                    key.columns.join(", "),
                    key.table
                )
            }
            O::DropForeignKey { table, key } => {
                write!(
                    f,
                    "drop foreign key from `{table}` ({}) to `{}`",
                    key.columns.join(", "),
                    key.table
                )
            }
            O::CreateIndex { table, index } => write!(f, "create index `{}` on `{table}`", index.name),
            O::DropIndex { table, index } => write!(f, "drop index `{}` of `{table}`", index.name),
            O::RenameIndex { table, index, to } => {
                write!(f, "rename index `{}` of `{table}` to `{to}`", index.name)
            }
            O::Comment { table, .. } => write!(f, "change the comment on `{table}`"),
            O::ChangeOptions { table, .. } => write!(f, "change the options of `{table}`"),
            O::CreateView(view) => write!(f, "create view `{}`", view.name),
            O::DropView(view) => write!(f, "drop view `{}`", view.name),
        }
    }
}

fn what_changes(from: &TableColumn, to: &TableColumn) -> String {
    let mut parts = Vec::new();
    if (from.kind, &from.sql_type) != (to.kind, &to.sql_type) {
        parts.push("type");
    }
    if from.collation != to.collation {
        parts.push("collation");
    }
    match (from.nullable, to.nullable) {
        (true, false) => parts.push("no longer NULL"),
        (false, true) => parts.push("may be NULL"),
        _ => {}
    }
    if from.default != to.default {
        parts.push("default");
    }
    if from.auto != to.auto {
        parts.push("who assigns it");
    }
    if from.comment != to.comment {
        parts.push("comment");
    }
    if parts.is_empty() {
        // Its type follows from the keys over it.
        parts.push("type");
    }
    parts.join(", ")
}

/// May a value of the one have no counterpart in the other?
fn is_narrower(from: Kind, to: Kind) -> bool {
    match (from, to) {
        (Kind::Int(from), Kind::Int(to)) | (Kind::Real(from), Kind::Real(to)) => to < from,
        (Kind::Bool, _) | (_, Kind::Text | Kind::Named(_)) => false,
        (Kind::Int(_), Kind::Real(_) | Kind::Decimal) => false,
        (from, to) => from != to,
    }
}

/// What a column that cannot be NULL gets in the rows that are there when it comes back: nobody knows its values any more.
fn empty_value(column: &TableColumn) -> Option<String> {
    let needed = !column.nullable && column.default.is_none() && column.generated.is_none();
    let value = match column.kind {
        // Taken as false by all; PostgreSQL reads an interval from a text.
        Kind::Bool | Kind::Interval => "'0'",
        Kind::Int(_) | Kind::Real(_) | Kind::Decimal => "0",
        Kind::Text | Kind::Enum(_) => "''",
        Kind::Json => "'null'",
        // Only PostgreSQL tells of arrays.
        Kind::Array(_) => "'{}'",
        Kind::Timestamp | Kind::DateTime => "'1970-01-01 00:00:00'",
        Kind::Date => "'1970-01-01'",
        Kind::Time => "'00:00:00'",
        Kind::Bytes | Kind::Uuid | Kind::Named(_) => return None,
    };
    needed.then(|| value.to_owned())
}

/// Carries operations out on a schema in memory.
pub(crate) fn apply(operation: &Operation, schema: &mut Schema) {
    use Operation as O;
    match operation {
        O::CreateTable(table) => schema.put_table((**table).clone()),
        O::DropTable(table) => schema.remove_table(&table.name),
        O::RenameTable { from, to } => schema.rename_table(from, to),
        O::RenameColumn { table, from, to } => schema.rename_column(table, from, to),
        O::CreateView(view) => schema.put_view(view.clone()),
        O::DropView(view) => schema.remove_view(&view.name),
        _ => {
            if let Some(table) = operation.table().and_then(|name| schema.table_mut(name)) {
                apply_to_table(operation, table);
            }
        }
    }
}

fn apply_to_table(operation: &Operation, table: &mut Table) {
    use Operation as O;
    match operation {
        O::AddColumn { column, .. } => table.columns.push((**column).clone()),
        O::DropColumn { column, .. } => table.columns.retain(|other| other.name != column.name),
        O::AlterColumn { to, .. } | O::ReplaceColumn { to, .. } => {
            if let Some(column) = table.columns.iter_mut().find(|other| other.name == to.name) {
                *column = (**to).clone();
            }
        }
        O::ChangePrimaryKey { to, .. } => table.primary_key.clone_from(to),
        O::AddUnique { unique, .. } => table.uniques.push(unique.clone()),
        O::DropUnique { unique, .. } => remove(&mut table.uniques, |other| other == unique),
        O::AddCheck { check, .. } => table.checks.push(check.clone()),
        O::DropCheck { check, .. } => remove(&mut table.checks, |other| other == check),
        O::AddForeignKey { key, .. } => table.foreign_keys.push(key.clone()),
        O::DropForeignKey { key, .. } => remove(&mut table.foreign_keys, |other| other == key),
        O::CreateIndex { index, .. } => table.indexes.push(index.clone()),
        O::DropIndex { index, .. } => remove(&mut table.indexes, |other| other.name == index.name),
        O::RenameIndex { index, to, .. } => {
            if let Some(found) = table.indexes.iter_mut().find(|other| other.name == index.name) {
                found.name.clone_from(to);
            }
        }
        O::Comment { to, .. } => table.comment.clone_from(to),
        O::ChangeOptions { to, .. } => (table.strict, table.without_rowid) = *to,
        _ => {}
    }
}

fn remove<T>(list: &mut Vec<T>, is_it: impl Fn(&T) -> bool) {
    if let Some(at) = list.iter().position(is_it) {
        list.remove(at);
    }
}
