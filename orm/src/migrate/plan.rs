//! A list of operations from a known schema, and its SQL.

use std::fmt;

use super::migration::SqlMigration;
use super::operation::{Operation, apply};
use super::script::{Script, write_file};
use super::{alter, rebuild};
use crate::dialect::{AlterTable, Dialect};
use crate::error::Result;
use crate::schema::Schema;

/// What has to be done to bring a database from one schema to another.
///
/// Get one from [`Engine::plan`](crate::Engine::plan); look at its [operations](Self::operations), at what it [loses](Self::losses) and
/// [needs](Self::needs), and make a [`Script`] of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    before: Schema,
    operations: Vec<Operation>,
}

impl Plan {
    pub(crate) fn new(before: Schema, operations: Vec<Operation>) -> Plan {
        Plan { before, operations }
    }

    /// The operations, in the order in which they are done.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Is there nothing to do?
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The data that is lost for good, a sentence for each operation that loses some.
    pub fn losses(&self) -> Vec<String> {
        self.operations.iter().filter_map(Operation::loss).collect()
    }

    /// What has to be true of the rows for the plan to succeed, a sentence for each operation that needs something.
    pub fn needs(&self) -> Vec<String> {
        self.operations.iter().filter_map(Operation::needs).collect()
    }

    /// The schema that it starts from.
    pub(crate) fn before(&self) -> &Schema {
        &self.before
    }

    /// The schema that it leads to.
    pub fn after(&self) -> Schema {
        let mut schema = self.before.clone();
        for operation in &self.operations {
            apply(operation, &mut schema);
        }
        schema
    }

    /// The way back.
    pub fn reversed(&self) -> Plan {
        Plan {
            before: self.after(),
            operations: self.operations.iter().rev().map(Operation::reversed).collect(),
        }
    }

    /// Its SQL.
    ///
    /// # Errors
    /// [`Error::Compile`](crate::Error::Compile) where the backend has no words for a part of it.
    pub fn script(&self, dialect: &dyn Dialect) -> Result<Script> {
        match dialect.alter_table() {
            AlterTable::Rebuild => rebuild::script(self, dialect),
            AlterTable::Standard | AlterTable::Modify => alter::script(self, dialect),
        }
    }
}

impl Plan {
    /// The text of a migration's file: what it does, loses and needs as comments, the way up, the way down.
    ///
    /// # Errors
    /// As [`script`](Self::script).
    pub fn file(&self, dialect: &dyn Dialect) -> Result<String> {
        let back = self.reversed();
        let mut notes: Vec<String> = self.operations.iter().map(Operation::to_string).collect();
        notes.extend(self.losses().iter().map(|loss| format!("up: {loss}")));
        notes.extend(self.needs().iter().map(|need| format!("up: {need}")));
        notes.extend(back.losses().iter().map(|loss| format!("down: {loss}")));
        let notes: Vec<String> = notes.iter().map(|note| note.replace('\n', " ")).collect();
        Ok(write_file(&notes, &self.script(dialect)?, &back.script(dialect)?))
    }

    /// A migration that carries the plan out.
    ///
    /// # Errors
    /// As [`script`](Self::script).
    pub fn migration(
        &self,
        version: i64,
        name: impl Into<String>,
        dialect: &dyn Dialect,
    ) -> Result<SqlMigration> {
        let (up, down) = (self.script(dialect)?, self.reversed().script(dialect)?);
        Ok(SqlMigration::new(version, name, up, Some(down)))
    }
}

/// A line for each operation.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for operation in &self.operations {
            writeln!(f, "{operation}")?;
        }
        Ok(())
    }
}
