//! What a statement is compiled against, and what compiling it yields.

use std::sync::Arc;

use super::authorize::Authorize;
use super::expr::Register;
use super::lifted::Lifted;
use super::physical::{DatabaseIndex, DatabaseList, Node, ResultColumn};
use super::uses::Uses;
use super::write::{DeletePlan, InsertPlan, UpdatePlan};
use crate::catalog::{Schema, Table, Trigger};
use crate::error::Error;
use crate::functions::Registry;
use crate::value::Collation;

/// A database as the planner sees it.
#[derive(Clone, Debug)]
pub struct SchemaView<'a> {
    /// `main`, `temp`, or the name given to ATTACH.
    pub name: &'a str,
    /// Its schema.
    pub schema: &'a Schema,
}

/// Finds a collation by name.
pub type FindCollation<'a> = &'a dyn Fn(&str) -> Option<Collation>;

/// Virtual tables that are not, or not yet, in a schema.
pub trait VirtualTables {
    /// The table under a module's own name, if it is connected. `None`: there is none, or compiling is to be tried again once it is.
    fn eponymous(&self, name: &str) -> Option<&Arc<Table>>;

    /// A table of a schema is needed that is not connected. Compiling fails with the error, and is tried again once it is.
    fn want(&self, database: DatabaseIndex, name: &str) -> Error;
}

/// No virtual tables at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoVirtualTables;

impl VirtualTables for NoVirtualTables {
    fn eponymous(&self, _: &str) -> Option<&Arc<Table>> {
        None
    }

    fn want(&self, _: DatabaseIndex, name: &str) -> Error {
        Error::sql(format!("the virtual table {name} is not at hand here"))
    }
}

/// The world that a statement is compiled in.
#[derive(Clone, Copy)]
pub struct PlanContext<'a> {
    /// The databases: 0 main, 1 temp, 2.. attached.
    pub databases: &'a [SchemaView<'a>],
    /// The functions of the connection.
    pub functions: &'a Registry,
    /// The collations of the connection.
    pub collations: FindCollation<'a>,
    /// Virtual tables and table-valued functions that are in no schema (pragma functions, json_each, ..), or not yet connected.
    pub virtual_tables: &'a dyn VirtualTables,
    /// Switches and limits.
    pub settings: Settings,
    /// Inside a trigger: where NEW and OLD are.
    pub trigger: Option<TriggerRows<'a>>,
    /// Who wants to know where the text names a table or column.
    pub uses: Option<&'a Uses>,
    /// Who says whether what the statement does may be done.
    pub authorize: Option<Authorize<'a>>,
    /// The trigger that the statement is part of, for the authorizer.
    pub accessor: Option<&'a str>,
    /// Who takes the constants out of a text.
    pub lifted: Option<&'a Lifted>,
}

impl<'a> PlanContext<'a> {
    /// The triggers on a table or view, those of the temporary schema first.
    pub fn triggers_on(
        self,
        database: DatabaseIndex,
        name: &'a str,
    ) -> impl Iterator<Item = (DatabaseIndex, &'a Arc<Trigger>)> {
        let homes = if database == 1 {
            [Some(1), None]
        } else {
            [Some(1), Some(database)]
        };
        homes.into_iter().flatten().flat_map(move |home| {
            let triggers = self.databases.get(home).map(|view| view.schema.triggers_of(name));
            let on_it = move |trigger: &&Arc<Trigger>| self.is_on(trigger, home, database);
            triggers
                .into_iter()
                .flatten()
                .filter(on_it)
                .map(move |trigger| (home, trigger))
        })
    }

    /// A temporary trigger may watch a table of any database, and says which if it is not the first of its name.
    fn is_on(&self, trigger: &Trigger, home: DatabaseIndex, database: DatabaseIndex) -> bool {
        if home == database && home != 1 {
            return true;
        }
        let name = &trigger.definition.table;
        match &name.schema {
            Some(schema) => schema.is(self.databases[database].name),
            None => {
                let mut order = [1, 0].into_iter().chain(2..self.databases.len());
                order.find(|&number| {
                    let schema = &self.databases[number].schema;
                    schema.table(name.name.as_str()).is_some() || schema.view(name.name.as_str()).is_some()
                }) == Some(database)
            }
        }
    }
}

/// Where a trigger's program finds the rows NEW and OLD: in registers, one for each column of the table in
/// declaration order and one more for the rowid.
#[derive(Clone, Copy, Debug)]
pub struct TriggerRows<'a> {
    /// The database of the trigger; its statements see only that database, but for a temporary trigger.
    pub database: DatabaseIndex,
    /// The table that fires it.
    pub table: &'a Arc<Table>,
    /// The first register of OLD (UPDATE, DELETE).
    pub old: Option<Register>,
    /// The first register of NEW (INSERT, UPDATE).
    pub new: Option<Register>,
    /// The first register that the trigger's statements may use themselves.
    pub free: usize,
    /// Whether the columns have the affinity of the table's. In a trigger they are values, and only their collation goes with them.
    pub typed: bool,
}

/// Switches and limits of the planner.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// `"x"` is a string where no such column exists.
    pub double_quoted_strings: bool,
    /// LIKE tells upper from lower case.
    pub case_sensitive_like: bool,
    /// Whether hash joins may stand in for missing indexes (PRAGMA automatic_index).
    pub automatic_index: bool,
    /// The schema table may be written (PRAGMA writable_schema).
    pub writable_schema: bool,
    /// What the schema says was written by somebody who is trusted (PRAGMA trusted_schema).
    pub trusted_schema: bool,
    /// The most terms of a compound SELECT.
    pub compound_max: usize,
    /// The longest text or blob.
    pub length_max: usize,
    /// The most columns of a result, table or index.
    pub columns_max: usize,
    /// The most tables of a join.
    pub join_tables_max: usize,
    /// The statement is one row of VALUES that stands for an expression: no aggregates.
    pub lone_expression: bool,
    /// Fill [`Compiled::explain`].
    pub explain: bool,
    /// Queries are planned as they are written: nothing is rewritten.
    pub unoptimized: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            double_quoted_strings: true,
            case_sensitive_like: false,
            automatic_index: true,
            writable_schema: false,
            trusted_schema: true,
            compound_max: 500,
            length_max: 1_000_000_000,
            columns_max: 2000,
            join_tables_max: 64,
            lone_expression: false,
            explain: false,
            unoptimized: false,
        }
    }
}

/// A statement, compiled.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What to run.
    pub kind: CompiledKind,
    /// The result's columns; of RETURNING for a write, none for a write without it.
    pub columns: Vec<ResultColumn>,
    /// How many registers a run needs.
    pub registers: usize,
    /// Whether it writes nothing.
    pub read_only: bool,
    /// The databases whose tables it reads or writes, ascending.
    pub databases: DatabaseList,
    /// EXPLAIN QUERY PLAN, when [`Settings::explain`] asked for it.
    pub explain: Vec<ExplainLine>,
}

/// The kinds of statement that have a plan.
#[derive(Clone, Debug)]
pub enum CompiledKind {
    /// SELECT.
    Query(Node),
    /// INSERT or REPLACE.
    Insert(Box<InsertPlan>),
    /// UPDATE.
    Update(Box<UpdatePlan>),
    /// DELETE.
    Delete(Box<DeletePlan>),
}

/// A line of EXPLAIN QUERY PLAN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainLine {
    /// Its number, from 1 and ascending.
    pub id: u32,
    /// The line it belongs under; 0: none.
    pub parent: u32,
    /// The words.
    pub detail: String,
}
