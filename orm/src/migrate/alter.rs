//! Operations as ALTER TABLE and its like: for servers.
//!
//! The schema is carried along while the statements are written, because a statement may need to know what else is there: the name of the
//! primary key, the checks that name a column. What a column is declared as follows from the schema at the end, when all keys over it are there.

use super::operation::{Operation, apply};
use super::plan::Plan;
use super::script::Script;
use crate::dialect::{AlterTable, Comments, CompileError, Dialect};
use crate::error::Result;
use crate::schema::{Check, Ddl, ForeignKey, Index, Schema, Table, TableColumn, comment_on};
use crate::types::Kind;

/// The statements of a plan.
pub(super) fn script(plan: &Plan, dialect: &dyn Dialect) -> Result<Script> {
    let mut writer = Writer {
        dialect,
        now: plan.before().clone(),
        after: plan.after(),
        statements: Vec::new(),
    };
    for operation in plan.operations() {
        writer.operation(operation)?;
        apply(operation, &mut writer.now);
    }
    Ok(Script::new(writer.statements))
}

pub(super) type Compiled = std::result::Result<(), CompileError>;

pub(super) struct Writer<'d> {
    pub(super) dialect: &'d dyn Dialect,
    pub(super) now: Schema,
    pub(super) after: Schema,
    statements: Vec<String>,
}

impl Writer<'_> {
    fn operation(&mut self, operation: &Operation) -> Compiled {
        use Operation as O;
        match operation {
            O::CreateTable(table) => self.create_table(table),
            O::DropTable(table) => {
                let sql = table.drop_sql(self.dialect, false)?;
                self.put(sql)
            }
            O::RenameTable { from, to } => self.alter(from, |sql| {
                sql.push("RENAME TO ");
                sql.name(to)
            }),
            O::AddColumn { table, column, fill } => self.add_column(table, column, fill.as_deref()),
            O::DropColumn { table, column } => self.drop_column(table, &column.name),
            O::RenameColumn { table, from, to } => self.rename_column(table, from, to),
            O::AlterColumn {
                table,
                from,
                to,
                fill,
            } => self.alter_column(table, from, to, fill.as_deref()),
            O::ReplaceColumn { table, from, to } => self.replace_column(table, from, to),
            O::ChangePrimaryKey { table, from, to } => self.change_primary_key(table, from, to),
            O::AddUnique { table, unique } => self.alter(table, |sql| {
                sql.push("ADD ");
                sql.unique(unique)
            }),
            O::DropUnique { table, unique } => {
                let words = match self.dialect.alter_table() {
                    AlterTable::Modify => "DROP INDEX ",
                    _ => "DROP CONSTRAINT ",
                };
                self.drop_named(table, words, unique.name.as_deref())
            }
            O::AddCheck { table, check } => self.add_check(table, check),
            O::DropCheck { table, check } => {
                self.drop_named(table, "DROP CONSTRAINT ", check.name.as_deref())
            }
            O::AddForeignKey { table, key } => self.add_foreign_key(table, key),
            O::DropForeignKey { table, key } => self.drop_foreign_key(table, key),
            O::CreateIndex { table, index } => {
                let sql = index.create_sql(table, self.dialect, false)?;
                self.put(sql)
            }
            O::DropIndex { table, index } => self.drop_index(table, index),
            O::RenameIndex { table, index, to } => self.rename_index(table, index, to),
            O::Comment { table, to, .. } => self.comment(table, to.as_deref()),
            O::CreateEnum(one) => {
                let sql = one.create_sql(self.dialect)?;
                self.put(sql)
            }
            O::DropEnum(one) => {
                let sql = one.drop_sql(self.dialect, false)?;
                self.put(sql)
            }
            O::AlterEnum { from, to, renamed } => self.alter_enum(from, to, renamed),
            // SQLite's alone.
            O::ChangeOptions { .. } => Ok(()),
            O::CreateView(view) => {
                let sql = view.create_sql(self.dialect)?;
                self.put(sql)
            }
            O::DropView(view) => {
                let sql = view.drop_sql(self.dialect, false)?;
                self.put(sql)
            }
        }
    }

    pub(super) fn put(&mut self, sql: String) -> Compiled {
        self.statements.push(sql);
        Ok(())
    }

    /// `ALTER TABLE table ..`
    fn alter(&mut self, table: &str, write: impl FnOnce(&mut Ddl<'_>) -> Compiled) -> Compiled {
        let mut sql = Ddl::new(self.dialect, "ALTER TABLE ");
        sql.name(table)?;
        sql.push(" ");
        write(&mut sql)?;
        let text = sql.text;
        self.put(text)
    }

    /// `ALTER TABLE table ALTER COLUMN column ..`
    pub(super) fn alter_one(&mut self, table: &str, column: &str, what: &str) -> Compiled {
        self.alter(table, |sql| {
            sql.push("ALTER COLUMN ");
            sql.name(column)?;
            sql.push(&format!(" {what}"));
            Ok(())
        })
    }

    fn drop_named(&mut self, table: &str, words: &str, name: Option<&str>) -> Compiled {
        let name = name.ok_or(CompileError::Malformed(
            "a constraint without a name cannot be dropped: drop it by hand",
        ))?;
        self.alter(table, |sql| {
            sql.push(words);
            sql.name(name)
        })
    }

    fn create_table(&mut self, table: &Table) -> Compiled {
        let sql = table.create_sql(self.dialect, false)?;
        self.put(sql)?;
        self.statements.extend(table.comment_sql(self.dialect)?);
        for index in &table.indexes {
            let sql = index.create_sql(&table.name, self.dialect, false)?;
            self.put(sql)?;
        }
        Ok(())
    }

    /// The definition of a column in the table as it will be, without the key that is a matter of its own.
    fn definition(&self, table: &str, column: &TableColumn) -> std::result::Result<String, CompileError> {
        let table = self.after.table(table).or_else(|| self.now.table(table));
        let sql = table
            .cloned()
            .unwrap_or_default()
            .column_sql(column, self.dialect)?;
        Ok(sql.replace(" PRIMARY KEY", if column.nullable { "" } else { " NOT NULL" }))
    }

    fn add_column(&mut self, table: &str, column: &TableColumn, fill: Option<&str>) -> Compiled {
        let given = column.nullable || column.default.is_some() || column.generated.is_some() || column.auto;
        let mut first = column.clone();
        first.nullable |= !given;
        let definition = self.definition(table, &first)?;
        self.alter(table, |sql| {
            sql.push(&format!("ADD COLUMN {definition}"));
            Ok(())
        })?;
        self.comment_on_column(table, column, None)?;
        if let Some(fill) = fill {
            self.fill(table, &column.name, fill, false)?;
        }
        if !given {
            self.set_not_null(table, column)?;
        }
        Ok(())
    }

    /// Values for the rows that are there: for all of them, or for those without one.
    fn fill(&mut self, table: &str, column: &str, value: &str, only_null: bool) -> Compiled {
        let mut sql = Ddl::new(self.dialect, "UPDATE ");
        sql.name(table)?;
        sql.push(" SET ");
        sql.name(column)?;
        sql.push(&format!(" = {value}"));
        if only_null {
            sql.push(" WHERE ");
            sql.name(column)?;
            sql.push(" IS NULL");
        }
        let text = sql.text;
        self.put(text)
    }

    fn set_not_null(&mut self, table: &str, column: &TableColumn) -> Compiled {
        match self.dialect.alter_table() {
            AlterTable::Modify => self.modify(table, column),
            _ => self.alter_one(table, &column.name, "SET NOT NULL"),
        }
    }

    fn modify(&mut self, table: &str, column: &TableColumn) -> Compiled {
        let definition = self.definition(table, column)?;
        self.alter(table, |sql| {
            sql.push(&format!("MODIFY COLUMN {definition}"));
            Ok(())
        })
    }

    fn drop_column(&mut self, table: &str, column: &str) -> Compiled {
        self.alter(table, |sql| {
            sql.push("DROP COLUMN ");
            sql.name(column)
        })
    }

    /// MariaDB does not rename a column that a check names.
    fn rename_column(&mut self, table: &str, from: &str, to: &str) -> Compiled {
        let modify = self.dialect.alter_table() == AlterTable::Modify;
        let checks = self
            .now
            .table(table)
            .map(|table| table.checks.clone())
            .unwrap_or_default();
        let in_the_way: Vec<Check> = checks
            .into_iter()
            .filter(|check| modify && crate::schema::is_mentioned(&check.sql, from))
            .collect();
        for check in &in_the_way {
            self.drop_named(table, "DROP CONSTRAINT ", check.name.as_deref())?;
        }
        self.alter(table, |sql| {
            sql.push("RENAME COLUMN ");
            sql.name(from)?;
            sql.push(" TO ");
            sql.name(to)
        })?;
        for mut check in in_the_way {
            check.sql = crate::schema::with_name(&check.sql, from, to);
            self.add_check(table, &check)?;
        }
        Ok(())
    }

    fn add_check(&mut self, table: &str, check: &Check) -> Compiled {
        self.alter(table, |sql| {
            sql.push("ADD ");
            sql.constraint_name(check.name.as_deref())?;
            sql.push(&format!("CHECK ({})", check.sql));
            Ok(())
        })
    }

    fn alter_column(
        &mut self,
        table: &str,
        from: &TableColumn,
        to: &TableColumn,
        fill: Option<&str>,
    ) -> Compiled {
        if from.nullable && !to.nullable {
            let default = to.default.as_ref().map(|default| {
                let mut sql = Ddl::new(self.dialect, "");
                sql.default(default);
                sql.text
            });
            // A value of the new type, so it waits for that.
            if self.dialect.alter_table() == AlterTable::Modify && from.kind != to.kind {
                let mut nullable = to.clone();
                nullable.nullable = true;
                self.modify(table, &nullable)?;
            } else if self.dialect.alter_table() != AlterTable::Modify {
                self.alter_type(table, from, to)?;
            }
            if let Some(value) = fill.map(str::to_owned).or(default) {
                self.fill(table, &to.name, &value, true)?;
            }
        }
        match self.dialect.alter_table() {
            AlterTable::Modify => self.modify(table, to),
            _ => self.alter_parts(table, from, to),
        }
    }

    /// One statement for each part that differs.
    fn alter_parts(&mut self, table: &str, from: &TableColumn, to: &TableColumn) -> Compiled {
        if !from.nullable || to.nullable {
            self.alter_type(table, from, to)?;
        }
        match (from.auto, to.auto) {
            (true, false) => self.alter_one(table, &to.name, "DROP IDENTITY IF EXISTS")?,
            (false, true) => self.alter_one(table, &to.name, "ADD GENERATED BY DEFAULT AS IDENTITY")?,
            _ => {}
        }
        match (from.nullable, to.nullable) {
            (true, false) => self.alter_one(table, &to.name, "SET NOT NULL")?,
            (false, true) => self.alter_one(table, &to.name, "DROP NOT NULL")?,
            _ => {}
        }
        let retyped = self.is_retyped(table, from, to);
        match &to.default {
            Some(default) if retyped || from.default.as_ref() != Some(default) => {
                let mut sql = Ddl::new(self.dialect, "SET DEFAULT ");
                sql.default(default);
                self.alter_one(table, &to.name, &sql.text)?;
            }
            None if from.default.is_some() && !retyped => self.alter_one(table, &to.name, "DROP DEFAULT")?,
            _ => {}
        }
        self.comment_on_column(table, to, from.comment.as_deref())
    }

    fn declared(&self, column: &TableColumn, schema: &Schema, table: &str) -> String {
        let table = schema.table(table).cloned().unwrap_or_default();
        table.declared_type(column, self.dialect)
    }

    fn is_retyped(&self, table: &str, from: &TableColumn, to: &TableColumn) -> bool {
        self.declared(from, &self.now, table) != self.declared(to, &self.after, table)
    }

    fn alter_type(&mut self, table: &str, from: &TableColumn, to: &TableColumn) -> Compiled {
        if !self.is_retyped(table, from, to) {
            return Ok(());
        }
        if from.default.is_some() {
            // It may have no meaning in the new type.
            self.alter_one(table, &to.name, "DROP DEFAULT")?;
        }
        let declared = self.declared(to, &self.after, table);
        let bare = TableColumn {
            collation: None,
            ..to.clone()
        };
        let bare = self.declared(&bare, &self.after, table);
        let mut name = String::new();
        self.dialect.push_name(&to.name, &mut name);
        let value = cast(&name, (from.kind, from.sql_type.is_some()), to.kind, &bare);
        self.alter_one(table, &to.name, &format!("TYPE {declared} USING {value}"))
    }

    fn replace_column(&mut self, table: &str, from: &TableColumn, to: &TableColumn) -> Compiled {
        let modify = self.dialect.alter_table() == AlterTable::Modify;
        match (&from.generated, &to.generated) {
            // The values stay.
            (Some((_, true)), None) if modify => self.modify(table, to),
            (Some(_), None) if !modify => {
                self.alter_one(table, &to.name, "DROP EXPRESSION")?;
                let mut plain = from.clone();
                plain.generated = None;
                self.alter_parts(table, &plain, to)
            }
            (Some(_), None) => self.keep_computed(table, to),
            _ => {
                self.drop_column(table, &from.name)?;
                self.add_column(table, to, None)
            }
        }
    }

    /// A column that was computed when it was read keeps what it was last.
    fn keep_computed(&mut self, table: &str, to: &TableColumn) -> Compiled {
        let mut kept = to.clone();
        kept.name = format!("aludel_{}", to.name);
        let mut value = String::new();
        self.dialect.push_name(&to.name, &mut value);
        self.add_column(table, &kept, Some(&value))?;
        self.drop_column(table, &to.name)?;
        self.rename_column(table, &kept.name, &to.name)
    }

    fn change_primary_key(&mut self, table: &str, from: &[String], to: &[String]) -> Compiled {
        if self.dialect.alter_table() == AlterTable::Modify {
            return self.alter(table, |sql| {
                sql.push(if from.is_empty() { "" } else { "DROP PRIMARY KEY" });
                sql.push(if from.is_empty() || to.is_empty() {
                    ""
                } else {
                    ", "
                });
                if !to.is_empty() {
                    sql.push("ADD PRIMARY KEY ");
                    sql.names(to)?;
                }
                Ok(())
            });
        }
        let name = self
            .now
            .table(table)
            .and_then(|table| table.primary_key_name.clone());
        let name = name.unwrap_or_else(|| format!("{table}_pkey"));
        if !from.is_empty() {
            self.drop_named(table, "DROP CONSTRAINT ", Some(&name))?;
        }
        if to.is_empty() {
            return Ok(());
        }
        self.alter(table, |sql| {
            sql.push("ADD ");
            sql.constraint_name(Some(&name))?;
            sql.push("PRIMARY KEY ");
            sql.names(to)
        })
    }

    /// The index that MariaDB and MySQL make for a foreign key gets the name that it had, so that the way up finds it again.
    fn add_foreign_key(&mut self, table: &str, key: &ForeignKey) -> Compiled {
        self.alter(table, |sql| {
            sql.push("ADD ");
            sql.foreign_key(key)
        })?;
        let made = self
            .now
            .table(table)
            .is_some_and(|table| !table.has_key_over(&key.columns));
        match (&key.name, &key.server_index) {
            (Some(name), Some(index)) if made && name != index => {
                let made = Index::new(name, &key.columns);
                self.rename_index(table, &made, index)
            }
            _ => Ok(()),
        }
    }

    /// MariaDB and MySQL make an index for a foreign key where there is none, and leave it behind.
    fn drop_foreign_key(&mut self, table: &str, key: &ForeignKey) -> Compiled {
        let words = self.dialect.drop_foreign_key().unwrap_or("DROP CONSTRAINT");
        self.drop_named(table, &format!("{words} "), key.name.as_deref())?;
        if self.dialect.alter_table() != AlterTable::Modify {
            return Ok(());
        }
        let stays = self
            .now
            .table(table)
            .is_some_and(|table| table.has_key_over(&key.columns));
        let index = key.server_index.as_deref().or(key.name.as_deref());
        match index {
            Some(name) if !stays => self.drop_named(table, "DROP INDEX ", Some(name)),
            _ => Ok(()),
        }
    }

    fn drop_index(&mut self, table: &str, index: &Index) -> Compiled {
        if self.dialect.alter_table() == AlterTable::Modify {
            return self.drop_named(table, "DROP INDEX ", Some(&index.name));
        }
        let mut sql = Ddl::new(self.dialect, "DROP INDEX ");
        sql.name(&index.name)?;
        let text = sql.text;
        self.put(text)
    }

    fn rename_index(&mut self, table: &str, index: &Index, to: &str) -> Compiled {
        if self.dialect.alter_table() == AlterTable::Modify {
            return self.alter(table, |sql| {
                sql.push("RENAME INDEX ");
                sql.name(&index.name)?;
                sql.push(" TO ");
                sql.name(to)
            });
        }
        let mut sql = Ddl::new(self.dialect, "ALTER INDEX ");
        sql.name(&index.name)?;
        sql.push(" RENAME TO ");
        sql.name(to)?;
        let text = sql.text;
        self.put(text)
    }

    fn comment(&mut self, table: &str, comment: Option<&str>) -> Compiled {
        match self.dialect.comments() {
            Comments::None => Ok(()),
            Comments::Apart => {
                let sql = comment_on(self.dialect, table, None, comment)?;
                self.put(sql)
            }
            Comments::Inline => self.alter(table, |sql| {
                sql.push("COMMENT = ");
                sql.text(comment.unwrap_or_default());
                Ok(())
            }),
        }
    }

    fn comment_on_column(&mut self, table: &str, column: &TableColumn, was: Option<&str>) -> Compiled {
        let comment = column.comment.as_deref();
        if self.dialect.comments() != Comments::Apart || comment == was {
            return Ok(());
        }
        let sql = comment_on(self.dialect, table, Some(&column.name), comment)?;
        self.put(sql)
    }
}

/// The value of a column in another type. Some types have no cast straight from one to the other.
fn cast(name: &str, (from, odd): (Kind, bool), to: Kind, declared: &str) -> String {
    match (from, to) {
        (Kind::Bool, Kind::Int(16 | 64) | Kind::Real(_) | Kind::Decimal) if !odd => {
            format!("{name}::integer::{declared}")
        }
        (Kind::Int(16 | 64) | Kind::Real(_) | Kind::Decimal, Kind::Bool) => format!("({name} <> 0)"),
        (Kind::Text, Kind::Bytes) if !odd => format!("convert_to({name}, 'UTF8')"),
        (Kind::Bytes, Kind::Text) => format!("convert_from({name}, 'UTF8')"),
        _ => format!("{name}::{declared}"),
    }
}
