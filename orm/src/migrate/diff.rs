//! What has to be done to a live database to bring it to the metadata.
//!
//! Both sides are in the backend's own words first: the live one is reflected, the wanted one is turned into what reflection would say of it
//! ([`Dialect::as_reflected`]). Then the two are compared, table by table. A name in the one that is not in the other is a new table or column and
//! one that goes, unless a hint says that it is the same under another name: renames are never guessed.
//!
//! The order of the operations, so that each finds what it needs and the way back is the same list from behind:
//!
//! ```text
//!   rename tables, columns · drop views, foreign keys, indexes, constraints · enums · drop tables · create tables
//!   · add, alter, replace columns · change keys · drop columns · add constraints, indexes, foreign keys · comments · drop enums · create views
//! ```

use crate::dialect::{AlterTable, Comments, Dialect};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::schema::{EnumType, ForeignKey, NamingConvention, Schema, Table, TableColumn, View};

use super::history;
use super::operation::{Operation, apply};
use super::plan::Plan;

/// What a comparison cannot know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    tables: Vec<(String, String)>,
    columns: Vec<(String, String, String)>,
    fills: Vec<(String, String, String)>,
}

impl Hints {
    /// No hints.
    pub fn new() -> Hints {
        Hints::default()
    }

    /// A table had another name.
    pub fn rename_table(mut self, from: impl Into<String>, to: impl Into<String>) -> Hints {
        self.tables.push((from.into(), to.into()));
        self
    }

    /// A column had another name. The table is named as it is now. With an enum type in the place of the table, one of its texts had another name.
    pub fn rename_column(
        mut self,
        table: impl Into<String>,
        from: impl Into<String>,
        to: impl Into<String>,
    ) -> Hints {
        self.columns.push((table.into(), from.into(), to.into()));
        self
    }

    /// What rows that are there get in a column that is new, or that cannot be NULL any more: an expression, as SQL.
    pub fn fill(
        mut self,
        table: impl Into<String>,
        column: impl Into<String>,
        sql: impl Into<String>,
    ) -> Hints {
        self.fills.push((table.into(), column.into(), sql.into()));
        self
    }

    fn fill_of(&self, table: &str, column: &str) -> Option<String> {
        let fill = self.fills.iter().find(|(t, c, _)| t == table && c == column);
        fill.map(|(_, _, sql)| sql.clone())
    }
}

impl Engine {
    /// What has to be done to bring the live database to that schema. Nothing is changed.
    ///
    /// ```
    /// use aludel::prelude::*;
    /// use aludel::migrate::Hints;
    ///
    /// #[derive(Entity)]
    /// struct Note {
    ///     #[column(primary_key)]
    ///     id: Id<Note>,
    ///     #[column(default = "")]
    ///     text: String,
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// let engine = Engine::open("sqlite::memory:")?;
    /// engine.connect()?.execute("CREATE TABLE note (id INTEGER PRIMARY KEY)", &[])?;
    /// let plan = engine.plan(&schema![Note], &Hints::new())?;
    /// assert_eq!(plan.operations()[0].to_string(), "add column `note.text`");
    /// assert_eq!(plan.script(engine.dialect())?.statements(), ["ALTER TABLE note ADD COLUMN text TEXT NOT NULL DEFAULT ''"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Whatever reading the schema runs into; [`Error::Schema`] for a hint that fits nothing.
    pub fn plan(&self, wanted: &Schema, hints: &Hints) -> Result<Plan> {
        let dialect = self.dialect();
        let mut connection = self.connect()?;
        let live = dialect.reflect(&mut connection)?;
        let wanted = dialect.as_reflected(&mut connection, wanted)?;
        compare(live, wanted, hints, dialect)
    }
}

/// The operations from one schema to another, both as reflected.
pub(crate) fn compare(
    mut before: Schema,
    mut after: Schema,
    hints: &Hints,
    dialect: &dyn Dialect,
) -> Result<Plan> {
    before.remove_table(history::TABLE);
    after.remove_table(history::TABLE);
    let mut diff = Diff {
        now: before.clone(),
        after,
        hints,
        dialect,
        operations: Vec::new(),
    };
    diff.renames()?;
    diff.keep_what_metadata_has_no_word_for();
    diff.names();
    let changes = diff.changes()?;
    changes.into_iter().for_each(|operation| diff.push(operation));
    Ok(Plan::new(before, diff.operations))
}

struct Diff<'d> {
    /// The live schema, with the operations so far.
    now: Schema,
    after: Schema,
    hints: &'d Hints,
    dialect: &'d dyn Dialect,
    operations: Vec<Operation>,
}

/// Operations by the place that they have in the order.
#[derive(Default)]
struct Changes {
    drop_views: Vec<Operation>,
    drop_keys: Vec<Operation>,
    drop_indexes: Vec<Operation>,
    drop_constraints: Vec<Operation>,
    enums: Vec<Operation>,
    drop_tables: Vec<Operation>,
    create_tables: Vec<Operation>,
    columns: Vec<Operation>,
    primary_keys: Vec<Operation>,
    drop_columns: Vec<Operation>,
    add_constraints: Vec<Operation>,
    create_indexes: Vec<Operation>,
    add_keys: Vec<Operation>,
    comments: Vec<Operation>,
    drop_enums: Vec<Operation>,
    create_views: Vec<Operation>,
}

impl Changes {
    fn in_order(self) -> Vec<Operation> {
        [
            self.drop_views,
            self.drop_keys,
            self.drop_indexes,
            self.drop_constraints,
            self.enums,
            self.drop_tables,
            self.create_tables,
            self.columns,
            self.primary_keys,
            self.drop_columns,
            self.add_constraints,
            self.create_indexes,
            self.add_keys,
            self.comments,
            self.drop_enums,
            self.create_views,
        ]
        .concat()
    }
}

impl Diff<'_> {
    fn push(&mut self, operation: Operation) {
        apply(&operation, &mut self.now);
        self.operations.push(operation);
    }

    /// Renames, as the hints and the metadata say; a `was` that is no longer there has been done.
    fn renames(&mut self) -> Result<()> {
        let was = self.after.tables().iter().filter_map(|table| {
            let was = table.was.clone()?;
            Some((was, table.name.clone()))
        });
        let was: Vec<_> = was.filter(|(from, to)| self.is_renamed(from, to)).collect();
        for (from, to) in self.hints.tables.iter().cloned().chain(was) {
            self.expect_table(&from, &to)?;
            self.push(Operation::RenameTable { from, to });
        }
        let mut columns = Vec::new();
        for table in self.after.tables() {
            for column in &table.columns {
                if let Some(was) = &column.was
                    && self.is_column_renamed(&table.name, was, &column.name)
                {
                    columns.push((table.name.clone(), was.clone(), column.name.clone()));
                }
            }
        }
        let hints = self.hints.columns.iter().cloned();
        let enums: Vec<EnumType> = self.now.enums().to_vec();
        for (table, from, to) in hints.chain(columns) {
            if let Some(of) = enums
                .iter()
                .find(|one| one.name == table && self.now.table(&table).is_none())
            {
                self.expect_text(of, &from, &to)?;
                continue;
            }
            self.expect_column(&table, &from, &to)?;
            self.push(Operation::RenameColumn { table, from, to });
        }
        Ok(())
    }

    fn is_renamed(&self, from: &str, to: &str) -> bool {
        self.now.table(from).is_some() && self.now.table(to).is_none() && self.after.table(from).is_none()
    }

    fn is_column_renamed(&self, table: &str, from: &str, to: &str) -> bool {
        let (now, after) = (self.now.table(table), self.after.table(table));
        let has = |table: Option<&Table>, column: &str| table.is_some_and(|t| t.column(column).is_some());
        has(now, from) && !has(now, to) && !has(after, from)
    }

    fn expect_table(&self, from: &str, to: &str) -> Result<()> {
        if self.is_renamed(from, to) && self.after.table(to).is_some() {
            return Ok(());
        }
        let message = format!(
            "the hint that table `{from}` is now `{to}` does not fit: the database must have `{from}` and not `{to}`, the \
             metadata `{to}` and not `{from}`"
        );
        Err(Error::Schema(message))
    }

    fn expect_column(&self, table: &str, from: &str, to: &str) -> Result<()> {
        let wanted = self
            .after
            .table(table)
            .is_some_and(|table| table.column(to).is_some());
        if wanted && self.is_column_renamed(table, from, to) {
            return Ok(());
        }
        let message = format!(
            "the hint that column `{table}.{from}` is now `{to}` does not fit: the database must have `{from}` and not `{to}`, \
             the metadata `{to}` and not `{from}`"
        );
        Err(Error::Schema(message))
    }

    fn expect_text(&self, of: &EnumType, from: &str, to: &str) -> Result<()> {
        let has = |one: &EnumType, text: &str| one.values.iter().any(|value| value == text);
        let after = self.after.enum_type(&of.name);
        let wanted = after.is_some_and(|after| has(after, to) && !has(after, from));
        if wanted && has(of, from) && !has(of, to) {
            return Ok(());
        }
        let message = format!(
            "the hint that `{from}` of the enum `{}` is now `{to}` does not fit: the database must have `{from}` and not `{to}`, the \
             metadata `{to}` and not `{from}`",
            of.name
        );
        Err(Error::Schema(message))
    }

    /// AUTOINCREMENT and triggers stay as they are.
    fn keep_what_metadata_has_no_word_for(&mut self) {
        for table in self.now.tables() {
            if let Some(after) = self.after.table_mut(&table.name) {
                after.autoincrement = table.autoincrement;
                after.primary_key_name.clone_from(&table.primary_key_name);
                if self.dialect.comments() == Comments::None {
                    after.comment.clone_from(&table.comment);
                }
            }
        }
    }

    /// Gives each constraint of the wanted schema a name: that of its like in the live one, or our own.
    fn names(&mut self) {
        let convention = NamingConvention::default();
        let tables: Vec<String> = self
            .after
            .tables()
            .iter()
            .map(|table| table.name.clone())
            .collect();
        for name in tables {
            let live = self.now.table(&name).cloned().unwrap_or_default();
            let Some(table) = self.after.table_mut(&name) else {
                continue;
            };
            let mut kept = Table::new(&name);
            table.uniques.retain(|unique| {
                let like = live.uniques.iter().find(|other| other.columns == unique.columns);
                let keep = like.filter(|_| unique.name.is_none()).cloned();
                let gone = keep.is_some();
                kept.uniques.extend(keep);
                !gone
            });
            table.checks.retain(|check| {
                let like = live.checks.iter().find(|other| other.sql == check.sql);
                let keep = like.filter(|_| check.name.is_none()).cloned();
                let gone = keep.is_some();
                kept.checks.extend(keep);
                !gone
            });
            table.foreign_keys.retain(|key| {
                let like = live.foreign_keys.iter().find(|other| is_same_key(other, key));
                let keep = like.filter(|_| key.name.is_none()).cloned();
                let gone = keep.is_some();
                kept.foreign_keys.extend(keep);
                !gone
            });
            // Names of our own must not be those of others, also not of those that go.
            let taken = live.checks.iter().filter(|check| !kept.checks.contains(check));
            let mut named = table.clone();
            let own = named.checks.len();
            named.checks.extend(kept.checks.iter().cloned());
            named.checks.extend(taken.cloned());
            convention.apply(&mut named);
            named.checks.truncate(own);
            table.uniques = [kept.uniques, named.uniques].concat();
            table.checks = [kept.checks, named.checks].concat();
            table.foreign_keys = [kept.foreign_keys, named.foreign_keys].concat();
        }
    }

    fn changes(&self) -> Result<Vec<Operation>> {
        let mut all = Changes::default();
        self.tables(&mut all)?;
        for table in self.after.tables() {
            if let Some(now) = self.now.table(&table.name) {
                self.columns(now, table, &mut all);
                self.constraints(now, table, &mut all);
            }
        }
        self.enums(&mut all);
        self.views(&mut all);
        Ok(all.in_order())
    }

    /// Texts of an enum that the hints rename: `rename_column` with the enum in the place of a table.
    fn renamed_texts(&self, name: &str) -> Vec<(String, String)> {
        let hints = self.hints.columns.iter().filter(|(of, _, _)| of == name);
        hints.map(|(_, from, to)| (from.clone(), to.clone())).collect()
    }

    fn enums(&self, all: &mut Changes) {
        for one in self.after.enums() {
            match self.now.enum_type(&one.name) {
                None => all.enums.push(Operation::CreateEnum(one.clone())),
                Some(found) if found != one => all.enums.push(Operation::AlterEnum {
                    from: found.clone(),
                    to: one.clone(),
                    renamed: self.renamed_texts(&one.name),
                }),
                Some(_) => {}
            }
        }
        let goes = |one: &&EnumType| self.after.enum_type(&one.name).is_none();
        let gone = self.now.enums().iter().filter(goes);
        all.drop_enums.extend(gone.cloned().map(Operation::DropEnum));
    }

    fn tables(&self, all: &mut Changes) -> Result<()> {
        let is_new = |table: &Table| self.now.table(&table.name).is_none();
        let goes = |table: &Table| self.after.table(&table.name).is_none();
        // SQLite takes a circle as it is.
        let in_steps = self.dialect.drop_foreign_key().is_some();
        let mut done: Vec<&str> = Vec::new();
        for table in self.after.sorted()?.into_iter().filter(|table| is_new(table)) {
            done.push(&table.name);
            let (table, late) = without_keys_ahead(table, |name| {
                in_steps && self.after.table(name).is_some_and(is_new) && !done.contains(&name)
            });
            all.add_keys
                .extend(late.into_iter().map(|key| add_key(&table, key)));
            all.create_tables.push(Operation::CreateTable(Box::new(table)));
        }
        let mut gone: Vec<&str> = Vec::new();
        for table in self.now.sorted()?.into_iter().filter(|table| goes(table)) {
            gone.push(&table.name);
            let (table, ahead) = without_keys_ahead(table, |name| {
                in_steps && self.now.table(name).is_some_and(goes) && !gone.contains(&name)
            });
            all.drop_keys
                .extend(ahead.into_iter().map(|key| drop_key(&table, key)));
            all.drop_tables.push(Operation::DropTable(Box::new(table)));
        }
        all.drop_tables.reverse();
        Ok(())
    }

    fn columns(&self, now: &Table, after: &Table, all: &mut Changes) {
        let table = &after.name;
        for column in &after.columns {
            let boxed = Box::new(column.clone());
            let fill = self.hints.fill_of(table, &column.name);
            let table = table.clone();
            match now.column(&column.name) {
                None => all.columns.push(Operation::AddColumn {
                    table,
                    column: boxed,
                    fill,
                }),
                Some(found) if !self.is_same_expression(found, column) => {
                    let from = Box::new(found.clone());
                    all.columns.push(Operation::ReplaceColumn {
                        table,
                        from,
                        to: boxed,
                    });
                }
                Some(found) if !self.is_same_column(now, found, after, column) => {
                    let from = Box::new(found.clone());
                    let fill = fill.filter(|_| found.nullable && !column.nullable);
                    all.columns.push(Operation::AlterColumn {
                        table,
                        from,
                        to: boxed,
                        fill,
                    });
                }
                Some(_) => {}
            }
        }
        for column in now
            .columns
            .iter()
            .filter(|column| after.column(&column.name).is_none())
        {
            let (table, column) = (table.clone(), Box::new(column.clone()));
            all.drop_columns.push(Operation::DropColumn { table, column });
        }
        if now.primary_key != after.primary_key {
            all.primary_keys.push(Operation::ChangePrimaryKey {
                table: table.clone(),
                from: now.primary_key.clone(),
                to: after.primary_key.clone(),
            });
        }
        let (from, to) = (
            (now.strict, now.without_rowid),
            (after.strict, after.without_rowid),
        );
        if from != to {
            let table = table.clone();
            all.columns.push(Operation::ChangeOptions { table, from, to });
        }
        if now.comment != after.comment {
            all.comments.push(Operation::Comment {
                table: table.clone(),
                from: now.comment.clone(),
                to: after.comment.clone(),
            });
        }
    }

    fn is_same_expression(&self, a: &TableColumn, b: &TableColumn) -> bool {
        a.generated == b.generated
    }

    fn is_same_column(&self, now: &Table, a: &TableColumn, after: &Table, b: &TableColumn) -> bool {
        let comment = self.dialect.comments() == Comments::None || a.comment == b.comment;
        now.declared_type(a, self.dialect) == after.declared_type(b, self.dialect)
            && a.nullable == b.nullable
            && a.auto == b.auto
            && a.default == b.default
            && comment
    }

    /// Constraints and indexes of a table that stays. What stands on a column that is replaced, or whose type changes under a foreign key, goes
    /// and comes back.
    fn constraints(&self, now: &Table, after: &Table, all: &mut Changes) {
        let of = &after.name;
        let replaced = replaced(of, all);
        let touched = |columns: &[String]| columns.iter().any(|column| replaced.contains(column));
        let (gone, new) = unmatched(&now.uniques, &after.uniques, |a, b| {
            a == b && !touched(&a.columns)
        });
        for unique in &gone {
            let (table, unique) = (of.clone(), (*unique).clone());
            all.drop_constraints.push(Operation::DropUnique { table, unique });
        }
        for unique in new {
            let (table, unique) = (of.clone(), unique.clone());
            all.add_constraints.push(Operation::AddUnique { table, unique });
        }
        let mentions = |sql: &str| {
            replaced
                .iter()
                .any(|column| crate::schema::is_mentioned(sql, column))
        };
        let (gone_checks, new) = unmatched(&now.checks, &after.checks, |a, b| a == b && !mentions(&a.sql));
        for check in gone_checks {
            let (table, check) = (of.clone(), check.clone());
            all.drop_constraints.push(Operation::DropCheck { table, check });
        }
        for check in new {
            let (table, check) = (of.clone(), check.clone());
            all.add_constraints.push(Operation::AddCheck { table, check });
        }
        self.indexes(now, after, &replaced, all);
        self.foreign_keys(now, after, all);
    }

    fn indexes(&self, now: &Table, after: &Table, replaced: &[String], all: &mut Changes) {
        let of = &after.name;
        let over = |index: &crate::schema::Index| replaced.iter().any(|column| index.is_over(column));
        let (gone, new) = unmatched(&now.indexes, &after.indexes, |a, b| a == b && !over(a));
        let mut renamed = Vec::new();
        for index in gone {
            let table = of.clone();
            let like = new.iter().find(|other| {
                let mut other = (**other).clone();
                other.name.clone_from(&index.name);
                other == *index && !over(index)
            });
            match like {
                Some(like) if !renamed.contains(&like.name) => {
                    renamed.push(like.name.clone());
                    let (index, to) = (index.clone(), like.name.clone());
                    all.create_indexes
                        .push(Operation::RenameIndex { table, index, to });
                }
                _ => {
                    let index = index.clone();
                    all.drop_indexes.push(Operation::DropIndex { table, index });
                }
            }
        }
        for index in new.into_iter().filter(|index| !renamed.contains(&index.name)) {
            let (table, index) = (of.clone(), index.clone());
            all.create_indexes.push(Operation::CreateIndex { table, index });
        }
    }

    fn foreign_keys(&self, now: &Table, after: &Table, all: &mut Changes) {
        let (gone, new) = unmatched(&now.foreign_keys, &after.foreign_keys, |a, b| {
            is_same_key(a, b) && a.name == b.name && !self.is_disturbed(now, a)
        });
        all.drop_keys
            .extend(gone.into_iter().map(|key| drop_key(now, key.clone())));
        all.add_keys
            .extend(new.into_iter().map(|key| add_key(after, key.clone())));
    }

    /// Is the key in the way of something that changes under it? Only where it can be taken away for the time.
    fn is_disturbed(&self, table: &Table, key: &ForeignKey) -> bool {
        if self.dialect.drop_foreign_key().is_none() {
            return false;
        }
        let changes = |of: &str, columns: &[String], rests: bool| {
            let (Some(now), Some(after)) = (self.now.table(of), self.after.table(of)) else {
                return true;
            };
            let column = |name: &String| match (now.column(name), after.column(name)) {
                (Some(a), Some(b)) => {
                    now.declared_type(a, self.dialect) != after.declared_type(b, self.dialect)
                        || a.generated != b.generated
                        || a.auto != b.auto
                }
                _ => true,
            };
            columns.iter().any(column) || (rests && keys_over(now, columns) != keys_over(after, columns))
        };
        // MariaDB and MySQL want an index on both ends.
        let both_ends = self.dialect.alter_table() == AlterTable::Modify;
        changes(&table.name, &key.columns, both_ends) || changes(&key.table, &key.references, true)
    }

    /// The tables with columns of an enum that changes.
    fn tables_with(&self, operation: &Operation) -> Vec<&str> {
        let Operation::AlterEnum { from, .. } = operation else {
            return Vec::new();
        };
        let tables = self.now.tables().iter();
        let with = tables.filter(|table| {
            table
                .columns
                .iter()
                .any(|column| column.is_of_enum(&from.name, self.dialect))
        });
        with.map(|table| table.name.as_str()).collect()
    }

    /// Views of the metadata; other views are left alone, but for those that stand on what changes.
    fn views(&self, all: &mut Changes) {
        let wanted = self.after.views();
        for view in wanted {
            if !self.now.views().contains(view) {
                all.create_views.push(Operation::CreateView(view.clone()));
            }
        }
        let goes = |view: &View| !wanted.is_empty() && !wanted.contains(view);
        let changed: Vec<&str> = all
            .columns
            .iter()
            .chain(&all.drop_columns)
            .filter_map(Operation::table)
            .chain(all.enums.iter().flat_map(|operation| self.tables_with(operation)))
            .collect();
        for view in self.now.views().iter().rev() {
            let stands_on = |table: &&str| crate::schema::is_mentioned(&view.query, table);
            if goes(view) {
                all.drop_views.push(Operation::DropView(view.clone()));
            } else if self.dialect.views_hold_columns() && changed.iter().any(stands_on) {
                all.drop_views.push(Operation::DropView(view.clone()));
                all.create_views.insert(0, Operation::CreateView(view.clone()));
            }
        }
    }
}

/// The columns of that table that are dropped and made again.
fn replaced(of: &str, all: &Changes) -> Vec<String> {
    let replaced = |operation: &Operation| match operation {
        Operation::ReplaceColumn { table, to, .. } if table == of => Some(to.name.clone()),
        _ => None,
    };
    all.columns.iter().filter_map(replaced).collect()
}

/// The unique keys and indexes that begin with these columns: what a foreign key may rest on.
fn keys_over(table: &Table, columns: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let begins = |with: &[String]| with.starts_with(columns);
    if begins(&table.primary_key) {
        names.push("primary key".into());
    }
    let uniques = table.uniques.iter().filter(|unique| begins(&unique.columns));
    names.extend(uniques.filter_map(|unique| unique.name.clone()));
    let is_over = |index: &&crate::schema::Index| {
        let of: Vec<String> = index
            .columns()
            .unwrap_or_default()
            .into_iter()
            .map(str::to_owned)
            .collect();
        begins(&of)
    };
    names.extend(
        table
            .indexes
            .iter()
            .filter(is_over)
            .map(|index| index.name.clone()),
    );
    names.sort();
    names
}

/// The table without its keys to tables that come later, and those keys.
fn without_keys_ahead(table: &Table, is_ahead: impl Fn(&str) -> bool) -> (Table, Vec<ForeignKey>) {
    let mut table = table.clone();
    let (ahead, kept) = std::mem::take(&mut table.foreign_keys)
        .into_iter()
        .partition(|key| is_ahead(&key.table));
    table.foreign_keys = kept;
    (table, ahead)
}

fn add_key(table: &Table, key: ForeignKey) -> Operation {
    let table = table.name.clone();
    Operation::AddForeignKey { table, key }
}

fn drop_key(table: &Table, key: ForeignKey) -> Operation {
    let table = table.name.clone();
    Operation::DropForeignKey { table, key }
}

fn is_same_key(a: &ForeignKey, b: &ForeignKey) -> bool {
    a.columns == b.columns
        && a.table == b.table
        && a.references == b.references
        && a.on_delete == b.on_delete
        && a.on_update == b.on_update
        && a.deferrable == b.deferrable
}

/// What is in the first list only, and what is in the second only.
fn unmatched<'t, T>(now: &'t [T], after: &'t [T], same: impl Fn(&T, &T) -> bool) -> (Vec<&'t T>, Vec<&'t T>) {
    let mut new: Vec<&T> = after.iter().collect();
    let mut gone = Vec::new();
    for item in now {
        match new.iter().position(|other| same(item, other)) {
            Some(at) => drop(new.remove(at)),
            None => gone.push(item),
        }
    }
    (gone, new)
}
