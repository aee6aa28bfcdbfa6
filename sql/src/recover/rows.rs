//! Rows on their way from the damaged file into a table.

use std::sync::Arc;

use aludel_storage::btree::TreeKind;
use aludel_storage::format::record::{Located, columns_of};
use aludel_storage::format::{PageNo, TextEncoding, ValueRef};
use aludel_storage::maintenance::SalvagedRow;

use super::definitions::Definitions;
use super::lost::LostRow;
use super::{RecoveredTable, Recovery, commit_and_go_on};
use crate::catalog::{Table, is_rowid_name, utf8_of};
use crate::error::{Error, Result};
use crate::statement::Statement;
use crate::value::{Text, Value};

/// The values of one row; their memory is used again for the next.
#[derive(Debug, Default)]
pub(super) struct Values {
    values: Vec<Value>,
    len: usize,
}

impl Values {
    /// The values there are.
    pub(super) fn known(&self) -> &[Value] {
        &self.values[..self.len]
    }

    fn push(&mut self, value: ValueRef<'_>, encoding: TextEncoding) {
        if self.len == self.values.len() {
            self.values.push(Value::Null);
        }
        let slot = &mut self.values[self.len];
        match value {
            ValueRef::Text(text) if encoding != TextEncoding::Utf8 => {
                *slot = Value::Text(Text::from_bytes(utf8_of(text, encoding)));
            }
            value => slot.assign(value),
        }
        self.len += 1;
    }
}

/// Decodes a row; what is missing of it is NULL.
///
/// # Errors
/// A record that makes no sense.
pub(super) fn values_of(row: &SalvagedRow<'_>, encoding: TextEncoding, values: &mut Values) -> Result<()> {
    values.len = 0;
    let Some(mut columns) = columns_of(row.payload, row.total)? else {
        return Err(Error::sql("the record ends inside its header"));
    };
    loop {
        match columns.next_value()? {
            Located::Value(value) => values.push(value, encoding),
            Located::Outside => values.push(ValueRef::Null, encoding),
            Located::End => return Ok(()),
        }
    }
}

/// How the rows of a table are put in.
struct Filler {
    table: Arc<Table>,
    sql: String,
    /// Of each parameter behind the row id, the column.
    columns: Vec<usize>,
    with_rowid: bool,
}

impl Filler {
    fn new(table: Arc<Table>) -> Filler {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let columns: Vec<usize> = (0..table.columns.len())
            .filter(|column| table.columns[*column].generated.is_none() && table.rowid_alias != Some(*column))
            .collect();
        let rowid = match table.rowid_alias {
            Some(alias) => Some(quoted(&table.columns[alias].name)),
            None => ["rowid", "_rowid_", "oid"]
                .into_iter()
                .find(|name| is_rowid_name(name) && table.names_rowid(name))
                .map(str::to_owned),
        };
        let with_rowid = rowid.is_some();
        let names: Vec<String> = rowid
            .into_iter()
            .chain(columns.iter().map(|column| quoted(&table.columns[*column].name)))
            .collect();
        let places: Vec<String> = (1..=names.len()).map(|place| format!("?{place}")).collect();
        // Whatever the table's own clauses say: nothing that is there is replaced.
        let sql = format!(
            "INSERT OR ABORT INTO {}({}) VALUES({})",
            quoted(&table.name),
            names.join(", "),
            places.join(", ")
        );
        Filler {
            table,
            sql,
            columns,
            with_rowid,
        }
    }

    fn put(&self, statement: &mut Statement<'_>, row: &SalvagedRow<'_>, values: &Values) -> Result<()> {
        statement.reset();
        let mut place = 0;
        if self.with_rowid {
            place += 1;
            statement.bind_ref(place, ValueRef::Integer(row.rowid.unwrap_or(0)))?;
        }
        for column in &self.columns {
            let column = &self.table.columns[*column];
            let stored = column.stored_at.and_then(|at| values.known().get(at));
            place += 1;
            statement.bind_ref(place, stored.unwrap_or(&column.missing_value).as_ref())?;
        }
        while statement.step()? {}
        Ok(())
    }
}

impl Recovery<'_> {
    /// Puts the rows of a tree into its table, which is there and empty.
    pub(super) fn take_table(&mut self, name: &str, root: PageNo) -> Result<()> {
        let table = {
            let state = self.connection.state()?;
            state.databases[0].schema.table(name).cloned()
        };
        let Some(table) = table else {
            self.fail(name, "its definition is that of another table");
            return Ok(());
        };
        let kind = if table.has_rowid() {
            TreeKind::Table
        } else {
            TreeKind::Index
        };
        let filler = Filler::new(table);
        let (mut kept, mut refused) = (0, Vec::new());
        let connection = self.connection;
        let mut statement = connection.prepare(&filler.sql)?;
        let (encoding, mut values) = (self.encoding, Values::default());
        let (lost, pace, mut refused_count) = (&mut self.lost, &mut self.pace, 0);
        let found = self.salvage.walk::<Error>(root, kind, &mut |row| {
            let put = values_of(&row, encoding, &mut values)
                .and_then(|()| filler.put(&mut statement, &row, &values));
            match put {
                Ok(()) => kept += 1,
                Err(error) if is_refusal(&error) => {
                    refused_count += 1;
                    refused.push(LostRow::of(&row, &values));
                }
                Err(error) => return Err(error),
            }
            if pace.is_due(row.payload.len()) {
                statement.reset();
                for row in refused.drain(..) {
                    lost.put(connection, &row)?;
                }
                commit_and_go_on(connection)?;
            }
            Ok(())
        })?;
        drop(statement);
        for row in refused {
            self.lost.put(connection, &row)?;
        }
        self.report.tables.push(RecoveredTable {
            name: name.to_owned(),
            kept,
            refused: refused_count,
            found,
        });
        Ok(())
    }

    /// The counters of AUTOINCREMENT, where they are ahead of the rows.
    pub(super) fn take_sequences(&mut self, definitions: &Definitions) -> Result<()> {
        let Some(root) = definitions.sequences else {
            return Ok(());
        };
        let (encoding, mut values) = (self.encoding, Values::default());
        let mut counters = Vec::new();
        let found = self.salvage.walk::<Error>(root, TreeKind::Table, &mut |row| {
            if values_of(&row, encoding, &mut values).is_ok()
                && let [Value::Text(name), Value::Integer(last), ..] = values.known()
            {
                counters.push((name.clone(), *last));
            }
            Ok(())
        })?;
        self.report.schema.add(found);
        let has_table = {
            let state = self.connection.state()?;
            state.databases[0].schema.table("sqlite_sequence").is_some()
        };
        for (name, last) in counters.into_iter().filter(|_| has_table) {
            let name = name.to_string_lossy();
            let name: &str = &name;
            let changed = self.connection.execute(
                "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1",
                (name, last),
            )?;
            if changed == 0 {
                self.connection.execute(
                    "INSERT INTO sqlite_sequence(name, seq) VALUES(?1, ?2)",
                    (name, last),
                )?;
            }
        }
        Ok(())
    }

    /// Rows of leaves that no tree leads to.
    pub(super) fn take_strays(&mut self) -> Result<()> {
        let (encoding, mut values) = (self.encoding, Values::default());
        let (lost, connection) = (&mut self.lost, self.connection);
        let pace = &mut self.pace;
        self.salvage.strays::<Error>(&|_| true, &mut |row| {
            if values_of(&row, encoding, &mut values).is_ok() {
                lost.put(connection, &LostRow::of(&row, &values))?;
                if pace.is_due(row.payload.len()) {
                    commit_and_go_on(connection)?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// Whether the row is at fault, and not the world.
fn is_refusal(error: &Error) -> bool {
    match error {
        Error::Storage(error) => matches!(error.primary_code(), 11 | 18),
        Error::Interrupt => false,
        _ => true,
    }
}
