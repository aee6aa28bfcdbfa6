//! DROP TABLE, INDEX, VIEW, TRIGGER.

use aludel_storage::btree::{TableCursor, TreeKind, drop_tree};
use aludel_storage::format::record::RecordView;
use aludel_storage::format::{PageNo, ValueRef};

use super::Definer;
use crate::catalog::{Schema, Table, fold, utf8_of};
use crate::error::{Error, Result};
use crate::exec::BuildContext;
use crate::exec::write::{Delete, Failure, Written, check_statement_keys};
use crate::plan::{self, CompiledKind};
use crate::syntax::ast::{Drop, ObjectKind, ObjectName};
use crate::value::Value;
use crate::virtual_table::ModuleUsage;

/// Where temporary objects are.
pub(super) const TEMP: usize = 1;

impl Definer<'_> {
    /// Temporary triggers on a table or view of another database.
    pub(super) fn temporary_triggers(&self, database: usize, name: &str) -> Vec<String> {
        if database == TEMP || self.state.databases[TEMP].schema.triggers.is_empty() {
            return Vec::new();
        }
        self.state.with_plan_context(|context| {
            let triggers = context.triggers_on(database, name);
            let temporary = triggers.filter(|(home, _)| *home == TEMP);
            temporary.map(|(_, trigger)| trigger.name.clone()).collect()
        })
    }

    pub(super) fn drop(&mut self, drop: &Drop) -> Result<(), Failure> {
        let Some(database) = self.find_object(drop)? else {
            return Ok(());
        };
        let name = drop.name.name.as_str();
        let (text, parameters, interrupt) = (self.sql, self.parameters, self.interrupt);
        self.refuse_drop(drop, database)?;
        if drop.kind == ObjectKind::Table {
            self.state.connect_named(Some(database), name)?;
        }
        self.refuse_to_drop_trees(drop, database)?;
        let watching = match drop.kind {
            ObjectKind::Table | ObjectKind::View => self.temporary_triggers(database, name),
            _ => Vec::new(),
        };
        let mut databases = vec![database];
        databases.extend((!watching.is_empty()).then_some(TEMP));
        self.state.change_all(&databases, |state| {
            let mut definer = Definer {
                state,
                sql: text,
                parameters,
                interrupt,
            };
            for trigger in &watching {
                definer.drop_trigger(TEMP, trigger)?;
            }
            match drop.kind {
                ObjectKind::Table => definer.drop_table(database, name),
                ObjectKind::Index => definer.drop_index(database, name),
                ObjectKind::View => definer.drop_view(database, name),
                ObjectKind::Trigger => definer.drop_trigger(database, name),
            }
        })
    }

    /// The database that has the object; `None` when it need not exist.
    pub(super) fn find_object(&self, drop: &Drop) -> Result<Option<usize>> {
        let name = drop.name.name.as_str();
        let is_here = |number: usize| {
            let schema = &self.state.databases[number].schema;
            match drop.kind {
                ObjectKind::Table | ObjectKind::View => self.find_relation(number, name).is_some(),
                ObjectKind::Index => schema.index(name).is_some(),
                ObjectKind::Trigger => schema.trigger(name).is_some(),
            }
        };
        let order = match self.search_order(&drop.name) {
            Ok(order) => order,
            Err(_) if drop.if_exists => return Ok(None),
            Err(error) if drop.kind == ObjectKind::Trigger => return Err(error),
            Err(_) => Vec::new(),
        };
        if let Some(found) = order.into_iter().find(|&number| is_here(number)) {
            return Ok(Some(found));
        }
        let module = self.state.virtual_tables.module(name);
        let stands_by_itself = module.is_some_and(|module| module.usage() != ModuleUsage::Created);
        if drop.kind == ObjectKind::Table && stands_by_itself {
            return Err(Error::sql(format!("table {name} may not be dropped")));
        }
        if drop.if_exists {
            return Ok(None);
        }
        let kind = match drop.kind {
            ObjectKind::Table => "table",
            ObjectKind::View => "view",
            ObjectKind::Index => "index",
            ObjectKind::Trigger => "trigger",
        };
        Err(Error::sql(format!("no such {kind}: {}", written(&drop.name))))
    }

    /// No tree goes while a statement or blob stands on one: it may be that, or one whose root would move.
    fn refuse_to_drop_trees(&self, drop: &Drop, database: usize) -> Result<()> {
        let schema = &self.state.databases[database].schema;
        let has_tree = match drop.kind {
            ObjectKind::Table => schema.table(drop.name.name.as_str()).is_some(),
            ObjectKind::Index => true,
            ObjectKind::View | ObjectKind::Trigger => false,
        };
        // Statements of a virtual table run inside another one that knows what it does.
        if has_tree && self.state.transaction.running() > 0 && self.state.nested.depth == 0 {
            return Err(Error::Locked {
                message: "database table is locked".to_owned(),
            });
        }
        Ok(())
    }

    fn refuse_drop(&self, drop: &Drop, database: usize) -> Result<()> {
        let name = drop.name.name.as_str();
        let schema = &self.state.databases[database].schema;
        match drop.kind {
            ObjectKind::Table => {
                let system = name
                    .get(..7)
                    .is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"));
                let statistics = name
                    .get(..11)
                    .is_some_and(|start| start.eq_ignore_ascii_case("sqlite_stat"));
                if system && !statistics {
                    let name = schema.table(name).map_or(name, |table| table.name.as_str());
                    return Err(Error::sql(format!("table {name} may not be dropped")));
                }
                match schema.view(name) {
                    Some(_) => Err(Error::sql(format!("use DROP VIEW to delete view {name}"))),
                    None => Ok(()),
                }
            }
            ObjectKind::View if schema.view(name).is_none() => {
                Err(Error::sql(format!("use DROP TABLE to delete table {name}")))
            }
            ObjectKind::Index if schema.index(name).is_some_and(|index| index.sql.is_none()) => Err(
                Error::sql("index associated with UNIQUE or PRIMARY KEY constraint cannot be dropped"),
            ),
            _ => Ok(()),
        }
    }

    fn drop_table(&mut self, database: usize, name: &str) -> Result<()> {
        let mut schema = (*self.state.databases[database].schema).clone();
        let Some(table) = schema.table(name).cloned() else {
            return Err(Error::sql(format!("no such table: {name}")));
        };
        if table.is_virtual() {
            return self.drop_virtual_table(database, &table);
        }
        if self.state.settings.foreign_keys && self.drop_concerns_keys(database, &table) {
            self.delete_rows(database, &table)?;
            schema = (*self.state.databases[database].schema).clone();
        }
        self.remove_rows(database, |_, _, own| own.eq_ignore_ascii_case(&table.name))?;
        self.remove_from_side_table(database, "sqlite_sequence", (0, &table.name))?;
        for statistics in ["sqlite_stat1", "sqlite_stat4"] {
            self.remove_from_side_table(database, statistics, (0, &table.name))?;
        }
        let kind = match table.without_rowid {
            None => TreeKind::Table,
            Some(_) => TreeKind::Index,
        };
        let mut trees: Vec<(PageNo, TreeKind)> = table
            .indexes
            .iter()
            .map(|index| (index.root, TreeKind::Index))
            .collect();
        trees.push((table.root, kind));
        let moved = self.drop_trees(database, trees)?;
        schema.tables.remove(&fold(name));
        for index in &table.indexes {
            schema.indexes.remove(&fold(&index.name));
        }
        schema
            .triggers
            .retain(|_, trigger| !trigger.table.eq_ignore_ascii_case(&table.name));
        self.finish_drop(database, schema, moved)
    }

    /// Whether other tables refer to this one, or its own rows may be what a deferred key waits for.
    fn drop_concerns_keys(&self, database: usize, table: &Table) -> bool {
        let all = self.state.settings.defer_foreign_keys;
        let waits = table.foreign_keys.iter().any(|key| key.deferred || all)
            && !self.state.session.foreign_keys.transaction.is_empty();
        waits || self.state.is_referred_to(database, table)
    }

    /// Foreign keys of other tables see the rows go before the table goes.
    fn delete_rows(&mut self, database: usize, table: &Table) -> Result<()> {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let place = &self.state.databases[database].name;
        let sql = format!("DELETE FROM {}.{}", quoted(place), quoted(&table.name));
        let statement = crate::syntax::parse_one(sql.as_bytes())?.statement;
        let (compiled, programs) = self.state.with_plan_context(|context| -> Result<_> {
            let compiled = plan::compile(&statement, context)?;
            let programs = self.state.programs_of_drop(&compiled.kind, context)?;
            Ok((compiled, programs))
        })?;
        let CompiledKind::Delete(plan) = &compiled.kind else {
            return Err(Error::misuse("a DELETE was expected"));
        };
        let mut delete = Delete::build(plan, &programs, &mut BuildContext::default())?;
        self.state.session.runs += 1;
        let run = self.state.session.runs;
        let defer_all = self.state.settings.defer_foreign_keys;
        let mut registers = vec![Value::Null; compiled.registers];
        let mut context = self.state.context(&[], &mut registers, self.interrupt, run);
        context.state.session.foreign_keys.statement.clear();
        context.state.session.foreign_keys.defer_all = defer_all;
        (context.state.session.depth, context.state.session.firing) = (0, Vec::new());
        let mut written = Written::default();
        let result = delete
            .run(&mut context, &mut written)
            .and_then(|()| check_statement_keys(&mut context));
        let deleted = if result.is_ok() { written.changes as i64 } else { 0 };
        let environment = &self.state.session.environment;
        environment.changes.set(deleted);
        environment
            .total_changes
            .set(environment.total_changes.get() + deleted);
        result.map_err(|failure| *failure.error)
    }

    fn drop_index(&mut self, database: usize, name: &str) -> Result<()> {
        let mut schema = (*self.state.databases[database].schema).clone();
        let Some(index) = schema.index(name).cloned() else {
            return Err(Error::sql(format!("no such index: {name}")));
        };
        self.remove_rows(database, |kind, own, _| {
            kind == "index" && own.eq_ignore_ascii_case(&index.name)
        })?;
        for statistics in ["sqlite_stat1", "sqlite_stat4"] {
            self.remove_from_side_table(database, statistics, (1, &index.name))?;
        }
        let moved = self.drop_trees(database, vec![(index.root, TreeKind::Index)])?;
        schema.indexes.remove(&fold(name));
        if let Some(table) = schema.tables.get_mut(&fold(&index.table)) {
            let mut changed = (**table).clone();
            changed.indexes.retain(|own| !own.name.eq_ignore_ascii_case(name));
            *table = changed.into();
        }
        self.finish_drop(database, schema, moved)
    }

    fn drop_view(&mut self, database: usize, name: &str) -> Result<()> {
        let mut schema = (*self.state.databases[database].schema).clone();
        self.remove_rows(database, |_, _, own| own.eq_ignore_ascii_case(name))?;
        schema.views.remove(&fold(name));
        schema
            .triggers
            .retain(|_, trigger| !trigger.table.eq_ignore_ascii_case(name));
        self.finish_drop(database, schema, false)
    }

    fn drop_trigger(&mut self, database: usize, name: &str) -> Result<()> {
        let mut schema = (*self.state.databases[database].schema).clone();
        self.remove_rows(database, |kind, own, _| {
            kind == "trigger" && own.eq_ignore_ascii_case(name)
        })?;
        schema.triggers.remove(&fold(name));
        self.finish_drop(database, schema, false)
    }

    /// A root that moved is known in the file already; the schema is then read anew.
    fn finish_drop(&mut self, database: usize, schema: Schema, moved: bool) -> Result<()> {
        self.finish(database, schema, &[])?;
        if moved {
            self.state.databases[database].forget_schema();
            let State {
                databases,
                collations,
                ..
            } = &mut *self.state;
            databases[database].refresh_schema(collations)?;
        }
        Ok(())
    }

    /// Drops trees, the highest root first, so that a root that moves in an auto-vacuum file is not one that is yet to be dropped. True
    /// when another tree's root moved.
    fn drop_trees(&mut self, database: usize, mut trees: Vec<(PageNo, TreeKind)>) -> Result<bool> {
        trees.sort_by_key(|(root, _)| std::cmp::Reverse(*root));
        let mut any = false;
        for (root, kind) in trees {
            let moved = drop_tree(&mut self.state.databases[database].pager, root, kind)?;
            if let Some(moved) = moved {
                self.move_root(database, moved.from, moved.to)?;
                any = true;
            }
        }
        Ok(any)
    }

    /// Rows of sqlite_schema follow a root that moved.
    fn move_root(&mut self, database: usize, from: PageNo, to: PageNo) -> Result<()> {
        let pager = &mut self.state.databases[database].pager;
        let mut cursor = TableCursor::new(PageNo::ONE);
        let mut more = cursor.first(pager)?;
        while more {
            let mut spill = Vec::new();
            let payload = cursor.payload(pager, &mut spill)?.to_vec();
            let mut values: Vec<ValueRef<'_>> =
                RecordView::parse(&payload)?.columns().collect::<Result<_, _>>()?;
            if values.get(3) == Some(&ValueRef::Integer(from.get().into())) {
                values[3] = ValueRef::Integer(to.get().into());
                let rowid = cursor.rowid();
                cursor.insert_values(pager, rowid, &values)?;
                return Ok(());
            }
            more = cursor.next(pager)?;
        }
        Ok(())
    }

    /// Removes the rows of sqlite_sequence or a statistics table that have `name` in a column.
    fn remove_from_side_table(
        &mut self,
        database: usize,
        side: &str,
        (column, name): (usize, &str),
    ) -> Result<()> {
        let database = &mut self.state.databases[database];
        let Some(side) = database.schema.table(side) else {
            return Ok(());
        };
        let encoding = database.pager.header()?.encoding;
        let mut cursor = TableCursor::new(side.root);
        let mut spill = Vec::new();
        let mut more = cursor.first(&database.pager)?;
        while more {
            let view = RecordView::parse(cursor.payload(&database.pager, &mut spill)?)?;
            let own = matches!(view.column(column)?, ValueRef::Text(text) if utf8_of(text, encoding) == name.as_bytes());
            if own {
                cursor.delete(&mut database.pager)?;
            }
            more = cursor.next(&database.pager)?;
        }
        Ok(())
    }
}

use crate::connection::State;

fn written(name: &ObjectName) -> String {
    match &name.schema {
        Some(schema) => format!("{}.{}", schema.text, name.name.text),
        None => name.name.text.to_string(),
    }
}
