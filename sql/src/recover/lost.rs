//! `lost_and_found`: the table of rows that belong to no table.
//!
//! It has the columns that SQLite's own recovery gives it, and grows by one whenever a row has more values than any before.

use std::fmt::Write;

use aludel_storage::maintenance::SalvagedRow;

use super::definitions::Definitions;
use super::rows::Values;
use crate::connection::Connection;
use crate::error::Result;
use crate::value::Value;

/// The most values of a row that are kept: a table has 2,000 columns at most.
const VALUES_MAX: usize = 1_990;

/// A row with what is known of where it was.
#[derive(Debug)]
pub(super) struct LostRow {
    root: u32,
    page: u32,
    rowid: Option<i64>,
    values: Vec<Value>,
}

impl LostRow {
    pub(super) fn of(row: &SalvagedRow<'_>, values: &Values) -> LostRow {
        LostRow {
            root: row.root.get(),
            page: row.page.get(),
            rowid: row.rowid,
            values: values.known().iter().take(VALUES_MAX).cloned().collect(),
        }
    }
}

/// The table, made when the first row comes.
#[derive(Debug, Default)]
pub(super) struct LostAndFound {
    name: String,
    columns: usize,
    rows: u64,
    insert: String,
}

impl LostAndFound {
    /// Chooses a name that no table of the damaged file has.
    pub(super) fn avoid(&mut self, definitions: &Definitions) {
        let taken = |name: &str| {
            let all = definitions
                .tables
                .iter()
                .chain(&definitions.later)
                .chain(&definitions.virtual_tables);
            all.into_iter()
                .any(|definition| definition.name.eq_ignore_ascii_case(name))
        };
        let mut name = "lost_and_found".to_owned();
        let mut number = 0;
        while taken(&name) {
            name = format!("lost_and_found_{number}");
            number += 1;
        }
        self.name = name;
    }

    pub(super) fn put(&mut self, connection: &Connection, row: &LostRow) -> Result<()> {
        if self.rows == 0 {
            connection.execute(
                &format!(
                    "CREATE TABLE {}(rootpgno INTEGER, pgno INTEGER, nfield INTEGER, id INTEGER)",
                    self.name
                ),
                (),
            )?;
        }
        self.widen(connection, row.values.len())?;
        let mut statement = connection.prepare_cached(&self.insert)?;
        statement.bind(1, i64::from(row.root))?;
        statement.bind(2, i64::from(row.page))?;
        statement.bind(3, row.values.len() as i64)?;
        statement.bind(4, row.rowid.map_or(Value::Null, Value::Integer))?;
        for column in 0..self.columns {
            let value = row.values.get(column).map(Value::as_ref).unwrap_or_default();
            statement.bind_ref(5 + column, value)?;
        }
        while statement.step()? {}
        self.rows += 1;
        Ok(())
    }

    /// Makes room for `count` values.
    fn widen(&mut self, connection: &Connection, count: usize) -> Result<()> {
        if count <= self.columns && !self.insert.is_empty() {
            return Ok(());
        }
        for column in self.columns..count {
            connection.execute(&format!("ALTER TABLE {} ADD COLUMN c{column}", self.name), ())?;
        }
        self.columns = self.columns.max(count);
        self.insert = format!("INSERT INTO {} VALUES(?1, ?2, ?3, ?4", self.name);
        for column in 0..self.columns {
            // Writing to a string does not fail.
            let _ = write!(self.insert, ", ?{}", column + 5);
        }
        self.insert.push(')');
        Ok(())
    }

    /// Its name and its rows, if there is one.
    pub(super) fn report(&self) -> Option<(String, u64)> {
        (self.rows > 0).then(|| (self.name.clone(), self.rows))
    }
}
