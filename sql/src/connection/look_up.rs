//! Short ways to ask a connection for one row, for the state of its databases, and for what its schemas hold; pragmas by name.

use aludel_storage::pager::{self, CacheCounts};

use super::{Connection, State};
use crate::catalog::{Column, Table};
use crate::error::{Error, Result};
use crate::statement::{Params, Row, ToValue, write_literal};
use crate::value::Value;

/// How far a database's transaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionState {
    /// There is none.
    None,
    /// It reads.
    Read,
    /// It writes.
    Write,
}

/// What the schema says of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnMetadata {
    /// The type that it was declared with, if any.
    pub declared_type: Option<String>,
    /// The collation by which it is compared.
    pub collation: String,
    /// NULL is refused.
    pub not_null: bool,
    /// It is part of the primary key.
    pub primary_key: bool,
    /// It is a rowid that is never given twice.
    pub autoincrement: bool,
}

impl Connection {
    /// Whether a query has a row.
    pub fn exists(&self, sql: &str, params: impl Params) -> Result<bool> {
        let mut statement = self.prepare(sql)?;
        statement.refuse_rest(sql)?;
        statement.exists(params)
    }

    /// Runs a query that must have one row, and hands it to `read`.
    ///
    /// # Errors
    /// [`Error::NoRows`], [`Error::ManyRows`].
    pub fn query_one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row) -> Result<T>,
    ) -> Result<T> {
        let mut statement = self.prepare(sql)?;
        statement.refuse_rest(sql)?;
        statement.query_one(params, read)
    }

    /// As [`Connection::query_row`], with a function whose errors are of another type.
    pub fn query_row_and_then<T, E: From<Error>>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut statement = self.prepare(sql)?;
        statement.refuse_rest(sql)?;
        let mut rows = statement.query(params)?;
        match rows.next()? {
            Some(row) => read(row),
            None => Err(Error::NoRows.into()),
        }
    }

    // ---- state -----------------------------------------------------------------------------------

    /// The name of a database by its number: 0 is `main`, 1 `temp`, then those that are attached.
    pub fn db_name(&self, number: usize) -> Option<String> {
        let state = self.state.borrow();
        state.databases.get(number).map(|database| database.name.clone())
    }

    /// Whether a statement has begun and not ended.
    pub fn is_busy(&self) -> bool {
        self.state.borrow().transaction.running() > 0
    }

    /// Whether [`InterruptHandle::interrupt`](crate::InterruptHandle::interrupt) was called since a statement last began.
    pub fn is_interrupted(&self) -> bool {
        self.interrupt_flag().load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Whether a database can only be read.
    ///
    /// # Errors
    /// `unknown database x`.
    pub fn is_readonly(&self, database: &str) -> Result<bool> {
        let state = self.state()?;
        let number = state.database_named(database)?;
        Ok(state.databases[number].pager.is_read_only())
    }

    /// How often the page caches of the connection's databases had a page, and how often one was read from a file, since they were
    /// opened; the difference of two calls is what lay between them. Pages that come from a memory map are neither
    /// ([`OpenOptions::mmap`](super::OpenOptions::mmap) turns it off).
    ///
    /// ```
    /// use aludel_sql::{Connection, OpenOptions};
    ///
    /// # fn main() -> aludel_sql::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// let connection = Connection::open_with(folder.path().join("a.db"), &OpenOptions::new().mmap(false))?;
    /// connection.execute_batch("CREATE TABLE note(title); INSERT INTO note VALUES ('milk')")?;
    /// let count = || connection.query_row("SELECT count(*) FROM note", (), |row| row.get::<i64>(0));
    /// count()?;
    /// let before = connection.cache_counts();
    /// count()?;
    /// let after = connection.cache_counts();
    /// assert!(after.hits > before.hits && after.misses == before.misses);
    /// # Ok(())
    /// # }
    /// ```
    pub fn cache_counts(&self) -> CacheCounts {
        let state = self.state.borrow();
        let counts = state
            .databases
            .iter()
            .map(|database| database.pager.cache_counts());
        counts.fold(CacheCounts::default(), CacheCounts::and)
    }

    /// How far the transaction of a database has come.
    ///
    /// # Errors
    /// `unknown database x`.
    pub fn transaction_state(&self, database: &str) -> Result<TransactionState> {
        let state = self.state()?;
        let number = state.database_named(database)?;
        Ok(match state.databases[number].pager.state() {
            pager::TransactionState::None => TransactionState::None,
            pager::TransactionState::Read => TransactionState::Read,
            pager::TransactionState::Write => TransactionState::Write,
        })
    }

    // ---- schema ----------------------------------------------------------------------------------

    /// Whether there is a table of that name, or a virtual table; with `None`, in any database.
    ///
    /// # Errors
    /// Those of reading a schema, `unknown database x`.
    pub fn table_exists(&self, database: Option<&str>, table: &str) -> Result<bool> {
        self.with_table(database, table, |found| found.is_some())
    }

    /// Whether there is a table of that name with that column.
    ///
    /// # Errors
    /// As [`Connection::table_exists`].
    pub fn column_exists(&self, database: Option<&str>, table: &str, column: &str) -> Result<bool> {
        self.with_table(database, table, |found| {
            found.is_some_and(|table| table.column(column).is_some())
        })
    }

    /// What the schema says of a column; a rowid can be asked for by its names.
    ///
    /// # Errors
    /// `no such table column: t.c`, and as [`Connection::table_exists`].
    pub fn column_metadata(
        &self,
        database: Option<&str>,
        table: &str,
        column: &str,
    ) -> Result<ColumnMetadata> {
        let metadata = self.with_table(database, table, |found| {
            let found = found?;
            match found.column(column) {
                Some(number) => Some(metadata_of(found, number)),
                None if found.names_rowid(column) => Some(match found.rowid_alias {
                    Some(alias) => metadata_of(found, alias),
                    None => ColumnMetadata {
                        declared_type: Some("INTEGER".to_owned()),
                        collation: "BINARY".to_owned(),
                        not_null: false,
                        primary_key: true,
                        autoincrement: false,
                    },
                }),
                None => None,
            }
        })?;
        metadata.ok_or_else(|| Error::sql(format!("no such table column: {table}.{column}")))
    }

    fn with_table<T>(
        &self,
        database: Option<&str>,
        table: &str,
        look: impl FnOnce(Option<&Table>) -> T,
    ) -> Result<T> {
        let mut state = self.state()?;
        let state: &mut State = &mut state;
        let order: Vec<usize> = match database {
            Some(name) => vec![state.database_named(name)?],
            None => [1, 0].into_iter().chain(2..state.databases.len()).collect(),
        };
        let before = state.open_transactions();
        let read = state.begin_reading(&order);
        state.end_reads_since(before);
        read?;
        for &number in &order {
            state.connect_named(Some(number), table)?;
        }
        let databases = &state.databases;
        let found = order
            .iter()
            .find_map(|&number| databases[number].schema.table(table));
        Ok(look(found.map(|table| &**table)))
    }

    // ---- pragmas ---------------------------------------------------------------------------------

    /// The first value that a pragma answers.
    ///
    /// ```
    /// # fn main() -> aludel_sql::Result<()> {
    /// let connection = aludel_sql::Connection::open_in_memory()?;
    /// connection.pragma_update(None, "user_version", 7)?;
    /// let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    /// assert_eq!(version, 7);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NoRows`] when it answers nothing.
    pub fn pragma_query_value<T>(
        &self,
        database: Option<&str>,
        name: &str,
        read: impl FnOnce(&Row) -> Result<T>,
    ) -> Result<T> {
        self.query_row(&pragma_text(database, name, None), (), read)
    }

    /// Hands each row that a pragma answers to `read`.
    pub fn pragma_query(
        &self,
        database: Option<&str>,
        name: &str,
        read: impl FnMut(&Row) -> Result<()>,
    ) -> Result<()> {
        self.each_row(&pragma_text(database, name, None), read)
    }

    /// As [`Connection::pragma_query`], with a value: `table_info` of a table.
    pub fn pragma(
        &self,
        database: Option<&str>,
        name: &str,
        value: impl ToValue,
        read: impl FnMut(&Row) -> Result<()>,
    ) -> Result<()> {
        self.each_row(&pragma_text(database, name, Some(('(', &value))), read)
    }

    /// Sets a pragma. What it answers is left aside.
    pub fn pragma_update(&self, database: Option<&str>, name: &str, value: impl ToValue) -> Result<()> {
        self.execute_batch(&pragma_text(database, name, Some(('=', &value))))
    }

    /// Sets a pragma, and hands its answer to `read`: the journal mode that it is now.
    ///
    /// # Errors
    /// [`Error::NoRows`] when it answers nothing.
    pub fn pragma_update_and_check<T>(
        &self,
        database: Option<&str>,
        name: &str,
        value: impl ToValue,
        read: impl FnOnce(&Row) -> Result<T>,
    ) -> Result<T> {
        self.query_row(&pragma_text(database, name, Some(('=', &value))), (), read)
    }

    fn each_row(&self, sql: &str, mut read: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            read(row)?;
        }
        Ok(())
    }
}

fn metadata_of(table: &Table, number: usize) -> ColumnMetadata {
    let column: &Column = &table.columns[number];
    ColumnMetadata {
        declared_type: column.declared_type.clone(),
        collation: column.collation.name().to_owned(),
        not_null: column.not_null.is_some(),
        primary_key: column.primary_key.is_some(),
        autoincrement: table.autoincrement && table.rowid_alias == Some(number),
    }
}

/// Names are quoted and values written out, so that nothing in them is taken for SQL.
fn pragma_text(database: Option<&str>, name: &str, value: Option<(char, &dyn ToValue)>) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let mut sql = "PRAGMA ".to_owned();
    if let Some(database) = database {
        sql += &quoted(database);
        sql.push('.');
    }
    sql += &quoted(name);
    if let Some((sign, value)) = value {
        let mut bound = Value::Null;
        value.write_to(&mut bound);
        sql.push(sign);
        write_literal(bound.as_ref(), &mut sql);
        sql.push_str(if sign == '(' { ")" } else { "" });
    }
    sql
}
