//! What virtual tables (and functions that run statements) get hold of: the connection, in the midst of a statement.

use std::sync::atomic::{AtomicBool, Ordering};

use super::nested::Prepared;
use crate::catalog::Database;
use crate::connection::{Outcome, State};
use crate::error::{Error, Result};
use crate::syntax::ast::ConflictAction;
use crate::value::Value;

/// How many nested statements wait to be used again.
const KEPT_MAX: usize = 256;

/// The connection as a virtual table sees it: inside the transaction of the statement that runs.
///
/// Its statements are SQL with qualified names (`"main"."t_content"`). They may write shadow tables. They are not counted in `changes()` and
/// leave `last_insert_rowid()` alone. Writing is for calls that belong to a write: create, update, sync, rename, destroy.
pub struct VirtualContext<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) interrupt: &'a AtomicBool,
}

impl<'a> VirtualContext<'a> {
    pub(crate) fn new(state: &'a mut State, interrupt: &'a AtomicBool) -> VirtualContext<'a> {
        VirtualContext { state, interrupt }
    }

    /// Runs a statement to its end and returns how many rows it changed. `params` stand for `?1`, `?2`, ..
    ///
    /// Statements are kept by their text and not compiled again.
    ///
    /// # Errors
    /// Those of the statement. What it did is undone.
    pub fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let mut statement = self.take(sql);
        let result = statement
            .start(self, params)
            .and_then(|()| while_more(&mut statement, self))
            .map(|()| statement.changes());
        self.keep(statement);
        result
    }

    /// Runs all statements of a text, without parameters.
    pub fn execute_batch(&mut self, sql: &str) -> Result<()> {
        let mut start = 0;
        while let Some(next) = crate::syntax::parse_next(sql.as_bytes(), start)? {
            self.execute(sql.get(start..next.end).unwrap_or(""), &[])?;
            start = next.end;
        }
        Ok(())
    }

    /// Runs a query and hands each row to `read`.
    pub fn query(
        &mut self,
        sql: &str,
        params: &[Value],
        mut read: impl FnMut(&Prepared) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.take(sql);
        let mut run = || {
            statement.start(self, params)?;
            while statement.next(self)? {
                read(&statement)?;
            }
            Ok(())
        };
        let result = run();
        self.keep(statement);
        result
    }

    /// Runs a query and hands its first row to `read`; `None` when it has no rows.
    pub fn query_row<T>(
        &mut self,
        sql: &str,
        params: &[Value],
        read: impl FnOnce(&Prepared) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.take(sql);
        let run = || {
            statement.start(self, params)?;
            match statement.next(self)? {
                true => read(&statement).map(Some),
                false => Ok(None),
            }
        };
        let result = run();
        self.keep(statement);
        result
    }

    /// The rowid of the row that the last nested statement inserted.
    pub fn last_insert_rowid(&self) -> i64 {
        self.state.nested.last_insert_rowid
    }

    /// What `last_insert_rowid()` is to be after this statement.
    pub fn set_last_insert_rowid(&mut self, rowid: i64) {
        self.state.session.environment.last_insert_rowid.set(rowid);
    }

    /// Runs `work` as a statement that writes the database `schema`: for functions that write although the statement that calls them only reads. Where
    /// no transaction is open, it is committed at the end.
    ///
    /// # Errors
    /// `database is locked` when a statement that writes is running.
    pub fn writing<T>(
        &mut self,
        schema: &str,
        work: impl FnOnce(&mut VirtualContext<'_>) -> Result<T>,
    ) -> Result<T> {
        let number = self.state.database_named(schema)?;
        if self.state.has_running_write() {
            return Err(Error::Busy {
                message: "database is locked".to_owned(),
            });
        }
        let entered = self.state.enter(&[number], true)?;
        let result = work(self);
        let outcome = match &result {
            Ok(_) => Outcome::Done,
            Err(_) => Outcome::Failed(ConflictAction::Abort),
        };
        let left = self.state.leave(&entered, outcome);
        let value = result?;
        left.map(|()| value)
    }

    /// The database called `schema`: its pages, encoding and schema.
    ///
    /// # Errors
    /// `unknown database x`.
    pub fn database(&mut self, schema: &str) -> Result<&mut Database> {
        let number = self.state.database_named(schema)?;
        self.state
            .databases
            .get_mut(number)
            .ok_or_else(|| Error::sql(format!("unknown database {schema}")))
    }

    /// Whether a table (or view) of that name is in the schema.
    pub fn has_table(&mut self, schema: &str, table: &str) -> Result<bool> {
        let database = self.database(schema)?;
        Ok(database.schema.table(table).is_some() || database.schema.view(table).is_some())
    }

    /// Fails when the statement was interrupted. Long loops ask now and then.
    pub fn check_interrupt(&self) -> Result<()> {
        match self.interrupt.load(Ordering::Relaxed) {
            true => Err(Error::Interrupt),
            false => Ok(()),
        }
    }

    fn take(&mut self, sql: &str) -> Prepared {
        match self.state.nested.kept.remove(sql) {
            Some(statement) => statement,
            None => Prepared::new(sql),
        }
    }

    fn keep(&mut self, mut statement: Prepared) {
        statement.reset();
        let kept = &mut self.state.nested.kept;
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        if statement.is_worth_keeping() {
            kept.insert(statement.sql().into(), statement);
        }
    }
}

impl std::fmt::Debug for VirtualContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VirtualContext").finish_non_exhaustive()
    }
}

fn while_more(statement: &mut Prepared, context: &mut VirtualContext<'_>) -> Result<()> {
    while statement.next(context)? {}
    Ok(())
}
