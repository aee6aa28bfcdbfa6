//! Operations for SQLite, whose ALTER TABLE can rename, add a column and drop one: all else makes a new table.
//!
//! The recipe is the one of SQLite's documentation (`lang_altertable.html`, "Making Other Kinds Of Table Schema Changes"). For each such
//! table, however many operations touch it, once:
//!
//! ```text
//!   foreign keys off · BEGIN
//!     DROP VIEW, DROP TRIGGER       those that name the table: they could not be resolved half-way
//!     CREATE TABLE aludel_new_t     as t shall be
//!     INSERT INTO aludel_new_t SELECT .. FROM t
//!     DROP TABLE t
//!     ALTER TABLE aludel_new_t RENAME TO t
//!     CREATE INDEX ..               all of them
//!     CREATE TRIGGER, CREATE VIEW   again
//!   foreign_key_check · COMMIT · foreign keys on
//! ```
//!
//! The script says that it wants foreign keys off; whoever runs it sees to that, and to the check before the commit.

use std::collections::BTreeSet;

use super::operation::{Operation, apply};
use super::plan::Plan;
use super::script::Script;
use crate::dialect::{CompileError, Dialect};
use crate::error::Result;
use crate::schema::{ColumnDefault, Ddl, Schema, Table, TableColumn, Trigger, View, is_mentioned};

/// The statements of a plan.
pub(super) fn script(plan: &Plan, dialect: &dyn Dialect) -> Result<Script> {
    let mut writer = Writer {
        dialect,
        now: plan.before().clone(),
        after: plan.after(),
        rebuilt: BTreeSet::new(),
        done: BTreeSet::new(),
        fills: plan.operations().iter().filter_map(fill).collect(),
        statements: Vec::new(),
    };
    let (renames, rest): (Vec<&Operation>, Vec<&Operation>) = plan
        .operations()
        .iter()
        .partition(|operation| is_rename(operation));
    // On the way back they are the last, with the names that the others already use turned round.
    let renames_first = plan.operations().first().is_some_and(is_rename);
    if renames_first {
        writer.run(&renames)?;
    }
    let middle = if renames_first {
        writer.after.clone()
    } else {
        state_before(plan, &renames)
    };
    writer.after = middle;
    writer.changes(&rest)?;
    if !renames_first {
        writer.run(&renames)?;
    }
    let drops = rest
        .iter()
        .any(|operation| matches!(operation, Operation::DropTable(_)));
    let mut script = Script::new(writer.statements);
    script.foreign_keys_off = drops || !writer.rebuilt.is_empty();
    Ok(script)
}

fn fill(operation: &Operation) -> Option<(String, String, String)> {
    let (table, column, fill) = match operation {
        Operation::AddColumn { table, column, fill } => (table, column, fill),
        Operation::AlterColumn { table, to, fill, .. } => (table, to, fill),
        _ => return None,
    };
    Some((table.clone(), column.name.clone(), fill.clone()?))
}

fn is_rename(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::RenameTable { .. } | Operation::RenameColumn { .. }
    )
}

/// The schema when all but the renames is done.
fn state_before(plan: &Plan, renames: &[&Operation]) -> Schema {
    let mut schema = plan.before().clone();
    for operation in plan.operations() {
        if !renames.contains(&operation) {
            apply(operation, &mut schema);
        }
    }
    schema
}

type Compiled = std::result::Result<(), CompileError>;

struct Writer<'d> {
    dialect: &'d dyn Dialect,
    now: Schema,
    /// What the rebuilt tables shall be.
    after: Schema,
    /// The tables to rebuild.
    rebuilt: BTreeSet<String>,
    /// Those that are rebuilt already.
    done: BTreeSet<String>,
    /// What rows get in new columns: table, column, SQL.
    fills: Vec<(String, String, String)>,
    statements: Vec<String>,
}

impl Writer<'_> {
    /// Writes operations that SQLite has itself.
    fn run(&mut self, operations: &[&Operation]) -> Compiled {
        for operation in operations {
            self.native(operation)?;
            apply(operation, &mut self.now);
        }
        Ok(())
    }

    /// Everything but renames.
    fn changes(&mut self, operations: &[&Operation]) -> Compiled {
        let is_new = |name: &str| self.now.table(name).is_none();
        let needs_new_table = |operation: &&&Operation| {
            let of = operation.table().filter(|name| !is_new(name));
            of.is_some() && !self.is_native(operation)
        };
        let rebuilt = operations
            .iter()
            .filter(needs_new_table)
            .filter_map(|operation| operation.table());
        self.rebuilt = rebuilt.map(str::to_owned).collect();
        let (views, triggers) = self.in_the_way(operations);
        for trigger in &triggers {
            self.drop_object("DROP TRIGGER ", &trigger.name)?;
        }
        for view in views.iter().rev() {
            self.drop_object("DROP VIEW ", &view.name)?;
        }
        for operation in operations {
            match operation.table().filter(|table| self.rebuilt.contains(*table)) {
                Some(table) if self.done.insert(table.to_owned()) => self.rebuild(table)?,
                Some(_) => {}
                None => self.native(operation)?,
            }
            apply(operation, &mut self.now);
        }
        for view in &views {
            let sql = view.create_sql(self.dialect)?;
            self.statements.push(sql);
        }
        self.statements
            .extend(triggers.into_iter().map(|trigger| trigger.sql));
        Ok(())
    }

    /// Views and triggers that name a table which is rebuilt, or loses a column, and that stay.
    fn in_the_way(&self, operations: &[&Operation]) -> (Vec<View>, Vec<Trigger>) {
        let loses = operations.iter().filter_map(|operation| match operation {
            Operation::DropColumn { table, .. } => Some(table.as_str()),
            _ => None,
        });
        let tables: BTreeSet<&str> = self.rebuilt.iter().map(String::as_str).chain(loses).collect();
        let named = |sql: &str| tables.iter().any(|table| is_mentioned(sql, table));
        let stays = |view: &&View| {
            !operations
                .iter()
                .any(|operation| matches!(operation, Operation::DropView(other) if other.name == view.name))
        };
        // A view may stand on another one.
        let mut views: Vec<View> = Vec::new();
        for view in self.now.views().iter().filter(stays) {
            if named(&view.query) || views.iter().any(|other| is_mentioned(&view.query, &other.name)) {
                views.push(view.clone());
            }
        }
        let watched = |trigger: &Trigger| {
            named(&trigger.sql) || views.iter().any(|view| is_mentioned(&trigger.sql, &view.name))
        };
        let is_kept = |trigger: &&Trigger| {
            let view = self.now.views().iter().any(|view| view.name == trigger.table);
            view || self.after.table(&trigger.table).is_some()
        };
        let triggers = self.now.triggers().iter().filter(|t| watched(t)).filter(is_kept);
        let triggers = triggers.cloned().collect();
        (views, triggers)
    }

    fn drop_object(&mut self, words: &str, name: &str) -> Compiled {
        let mut sql = Ddl::new(self.dialect, words);
        sql.name(name)?;
        self.statements.push(sql.text);
        Ok(())
    }

    /// Does SQLite have a statement for it?
    fn is_native(&self, operation: &Operation) -> bool {
        match operation {
            Operation::AddColumn { column, fill, .. } => fill.is_none() && can_be_added(column),
            Operation::DropColumn { table, column } => {
                let table = self.now.table(table);
                table.is_some_and(|table| can_be_dropped(table, &column.name))
            }
            Operation::CreateTable(_)
            | Operation::DropTable(_)
            | Operation::RenameTable { .. }
            | Operation::RenameColumn { .. }
            | Operation::CreateIndex { .. }
            | Operation::DropIndex { .. }
            | Operation::RenameIndex { .. }
            | Operation::Comment { .. }
            | Operation::CreateView(_)
            | Operation::DropView(_) => true,
            _ => false,
        }
    }

    fn native(&mut self, operation: &Operation) -> Compiled {
        use Operation as O;
        match operation {
            O::CreateTable(table) => {
                let sql = table.create_sql(self.dialect, false)?;
                self.statements.push(sql);
                self.create_indexes(table)
            }
            O::DropTable(table) => {
                let sql = table.drop_sql(self.dialect, false)?;
                self.statements.push(sql);
                Ok(())
            }
            O::RenameTable { from, to } => self.alter(from, |sql| {
                sql.push("RENAME TO ");
                sql.name(to)
            }),
            O::RenameColumn { table, from, to } => self.alter(table, |sql| {
                sql.push("RENAME COLUMN ");
                sql.name(from)?;
                sql.push(" TO ");
                sql.name(to)
            }),
            O::AddColumn { table, column, .. } => {
                let definition = Table::new(table).column_sql(column, self.dialect)?;
                self.alter(table, |sql| {
                    sql.push(&format!("ADD COLUMN {definition}"));
                    Ok(())
                })
            }
            O::DropColumn { table, column } => self.alter(table, |sql| {
                sql.push("DROP COLUMN ");
                sql.name(&column.name)
            }),
            O::CreateIndex { table, index } => {
                let sql = index.create_sql(table, self.dialect, false)?;
                self.statements.push(sql);
                Ok(())
            }
            O::DropIndex { index, .. } => self.drop_object("DROP INDEX ", &index.name),
            O::RenameIndex { table, index, to } => {
                self.drop_object("DROP INDEX ", &index.name)?;
                let mut index = index.clone();
                index.name.clone_from(to);
                let sql = index.create_sql(table, self.dialect, false)?;
                self.statements.push(sql);
                Ok(())
            }
            O::CreateView(view) => {
                let sql = view.create_sql(self.dialect)?;
                self.statements.push(sql);
                Ok(())
            }
            O::DropView(view) => self.drop_object("DROP VIEW ", &view.name),
            _ => Ok(()),
        }
    }

    fn alter(&mut self, table: &str, write: impl FnOnce(&mut Ddl<'_>) -> Compiled) -> Compiled {
        let mut sql = Ddl::new(self.dialect, "ALTER TABLE ");
        sql.name(table)?;
        sql.push(" ");
        write(&mut sql)?;
        self.statements.push(sql.text);
        Ok(())
    }

    fn create_indexes(&mut self, table: &Table) -> Compiled {
        for index in &table.indexes {
            let sql = index.create_sql(&table.name, self.dialect, false)?;
            self.statements.push(sql);
        }
        Ok(())
    }

    /// The table as it shall be, in the place of the one that is there.
    fn rebuild(&mut self, name: &str) -> Compiled {
        let (Some(from), Some(to)) = (self.now.table(name).cloned(), self.after.table(name).cloned()) else {
            return Ok(());
        };
        let mut new = to.clone();
        new.name = format!("aludel_new_{name}");
        let create = new.create_sql(self.dialect, false)?;
        let copy = self.copy(&from, &new)?;
        self.statements.extend([create, copy]);
        if from.autoincrement && to.autoincrement {
            let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
            self.statements.push(format!(
                "UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = {}) WHERE name = {}",
                literal(name),
                literal(&new.name)
            ));
        }
        self.statements.push(from.drop_sql(self.dialect, false)?);
        self.alter(&new.name, |sql| {
            sql.push("RENAME TO ");
            sql.name(name)
        })?;
        self.create_indexes(&to)
    }

    /// `INSERT INTO new (..) SELECT .. FROM old`
    fn copy(&self, from: &Table, new: &Table) -> std::result::Result<String, CompileError> {
        let mut columns = Vec::new();
        let mut values = Vec::new();
        for column in new.columns.iter().filter(|column| column.generated.is_none()) {
            if let Some(value) = self.value(from, new, column)? {
                columns.push(column.name.clone());
                values.push(value);
            }
        }
        let mut sql = Ddl::new(self.dialect, "INSERT INTO ");
        sql.name(&new.name)?;
        sql.push(" ");
        sql.names(&columns)?;
        sql.push(&format!(" SELECT {} FROM ", values.join(", ")));
        sql.name(&from.name)?;
        Ok(sql.text)
    }

    /// Where a column's values come from; `None` for its default.
    fn value(
        &self,
        from: &Table,
        new: &Table,
        column: &TableColumn,
    ) -> std::result::Result<Option<String>, CompileError> {
        let fill = self.fill_of(&from.name, &column.name);
        let Some(found) = from.column(&column.name) else {
            // Without a value the statement fails where there are rows: as it should.
            let given = column.nullable || column.default.is_some() || column.auto;
            return Ok(fill.or((!given).then(|| "NULL".to_owned())));
        };
        let mut sql = Ddl::new(self.dialect, "");
        sql.name(&column.name)?;
        let name = sql.text;
        if !found.nullable || column.nullable || new.primary_key.contains(&column.name) {
            return Ok(Some(name));
        }
        let default = column.default.as_ref().map(|default| {
            let mut sql = Ddl::new(self.dialect, "");
            sql.default(default);
            sql.text
        });
        Ok(Some(match fill.or(default) {
            Some(value) => format!("coalesce({name}, {value})"),
            None => name,
        }))
    }

    fn fill_of(&self, table: &str, column: &str) -> Option<String> {
        let fill = self.fills.iter().find(|(t, c, _)| t == table && c == column);
        fill.map(|(_, _, sql)| sql.clone())
    }
}

/// What ADD COLUMN takes: a constant default, where it cannot be NULL, and nothing that is stored.
fn can_be_added(column: &TableColumn) -> bool {
    if let Some((_, stored)) = &column.generated {
        return !stored;
    }
    match &column.default {
        None => column.nullable && !column.auto,
        Some(ColumnDefault::Now | ColumnDefault::Sql(_)) => false,
        Some(_) => !column.auto,
    }
}

/// What DROP COLUMN takes: a column that nothing else in its table names, its indexes aside, which are dropped before.
fn can_be_dropped(table: &Table, column: &str) -> bool {
    let listed = |columns: &[String]| columns.iter().any(|name| name == column);
    let in_keys = listed(&table.primary_key)
        || table.uniques.iter().any(|unique| listed(&unique.columns))
        || table.foreign_keys.iter().any(|key| listed(&key.columns));
    let in_checks = table.checks.iter().any(|check| is_mentioned(&check.sql, column));
    let in_columns = table.columns.iter().any(|other| {
        let generated = other.generated.as_ref();
        generated.is_some_and(|(sql, _)| is_mentioned(sql, column))
    });
    let in_indexes = table.indexes.iter().any(|index| {
        let expression = |part: &crate::schema::IndexPart| {
            matches!(&part.term, crate::schema::IndexTerm::Expression(sql) if is_mentioned(sql, column))
        };
        let predicate = index.predicate.as_ref().is_some_and(|sql| is_mentioned(sql, column));
        predicate || index.parts.iter().any(expression)
    });
    !(in_keys || in_checks || in_columns || in_indexes)
}
