//! The preupdate hook: each row before it is inserted, changed or deleted, as it is and as it will be.

use aludel_storage::btree::{Seek, TableCursor};
use aludel_storage::format::PageNo;
use aludel_storage::format::record::RecordView;

use super::{Connection, RowAction, State};
use crate::catalog::{Table, utf8_of};
use crate::error::Result;
use crate::value::{Affinity, Text, Value, ValueRef, number};

/// Told of rows before they change.
pub(crate) type ChangeTold = Box<dyn for<'a> FnMut(&RowChange<'a>) + Send>;

/// A row that is about to be inserted, changed or deleted.
#[derive(Clone, Copy, Debug)]
pub struct RowChange<'a> {
    action: RowAction,
    database: &'a str,
    table: &'a Table,
    old: Option<&'a [Value]>,
    new: Option<&'a [Value]>,
    depth: usize,
    blob_column: Option<usize>,
}

impl RowChange<'_> {
    /// What is about to be done.
    pub fn action(&self) -> RowAction {
        self.action
    }

    /// The database: `main`, `temp`, or as ATTACH named it.
    pub fn database(&self) -> &str {
        self.database
    }

    /// The table.
    pub fn table(&self) -> &str {
        &self.table.name
    }

    /// How many columns the row has.
    pub fn column_count(&self) -> usize {
        self.table.columns.len()
    }

    /// The name of a column.
    pub fn column_name(&self, column: usize) -> Option<&str> {
        self.table.columns.get(column).map(|column| column.name.as_str())
    }

    /// A value of the row as it is. `None` of a row that is inserted, and for a column that it has not.
    pub fn old_value(&self, column: usize) -> Option<ValueRef<'_>> {
        self.value(self.old, column)
    }

    /// A value of the row as it will be. `None` of a row that is deleted, and for a column that it has not.
    pub fn new_value(&self, column: usize) -> Option<ValueRef<'_>> {
        self.value(self.new, column)
    }

    /// The rowid as it is. `None` of a row that is inserted, and of a table WITHOUT ROWID.
    pub fn old_rowid(&self) -> Option<i64> {
        self.rowid(self.old)
    }

    /// The rowid as it will be. `None` of a row that is deleted, and of a table WITHOUT ROWID.
    pub fn new_rowid(&self) -> Option<i64> {
        self.rowid(self.new)
    }

    /// 0 for what a statement does itself, 1 for what its triggers and foreign keys do, and so on.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The column into which a [`Blob`](crate::Blob) is about to write. As with SQLite that is told as a deletion of the row as it is.
    pub fn blob_column(&self) -> Option<usize> {
        self.blob_column
    }

    fn value<'v>(&self, row: Option<&'v [Value]>, column: usize) -> Option<ValueRef<'v>> {
        let row = row.filter(|_| column < self.table.columns.len())?;
        let value = row.get(column)?.as_ref();
        Some(value)
    }

    fn rowid(&self, row: Option<&[Value]>) -> Option<i64> {
        let row = row.filter(|_| self.table.has_rowid())?;
        row.last().map(|rowid| number::integer_of(rowid.as_ref()))
    }
}

impl Connection {
    /// Tells `told` of each row before a statement, or a trigger or key of it, inserts, changes or deletes it, with its values: also of tables WITHOUT
    /// ROWID, of rows that give way to REPLACE, and of those of a `DELETE` without WHERE. It does not tell of virtual tables, of the schema,
    /// and of what AUTOINCREMENT and ANALYZE keep. Whether the change comes about is not said: a constraint may yet refuse it, a
    /// rollback take it back. `None` ends that.
    ///
    /// Statements that were prepared before are compiled again; as long as there is a hook, whole rows are read and changes made one by one.
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    /// use aludel_sql::{Connection, RowChange};
    ///
    /// # fn main() -> aludel_sql::Result<()> {
    /// let connection = Connection::open_in_memory()?;
    /// connection.execute_batch("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'x')")?;
    /// let (sender, receiver) = channel();
    /// connection.preupdate_hook(Some(move |change: &RowChange<'_>| {
    ///     let texts = [change.old_value(1), change.new_value(1)].map(|value| format!("{value:?}"));
    ///     sender.send((change.old_rowid(), texts)).ok();
    /// }))?;
    /// connection.execute("UPDATE t SET b = 'y'", ())?;
    /// let (rowid, texts) = receiver.recv().unwrap();
    /// assert_eq!(rowid, Some(1));
    /// assert_ne!(texts[0], texts[1]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Misuse`](crate::Error::Misuse) inside a call of the connection.
    pub fn preupdate_hook(
        &self,
        told: Option<impl for<'a> FnMut(&RowChange<'a>) + Send + 'static>,
    ) -> Result<()> {
        let mut state = self.state()?;
        state.hooks.preupdate = told.map(|told| Box::new(told) as ChangeTold);
        state.schema_version += 1;
        Ok(())
    }
}

impl State {
    /// A row is about to change.
    #[inline(never)]
    pub(crate) fn tell_of_change(
        &mut self,
        (database, table): (usize, &Table),
        action: RowAction,
        (old, new): (Option<&[Value]>, Option<&[Value]>),
    ) {
        let depth = self.session.depth;
        if let (Some(told), Some(database)) = (&mut self.hooks.preupdate, self.databases.get(database)) {
            told(&RowChange {
                action,
                database: &database.name,
                table,
                old,
                new,
                depth,
                blob_column: None,
            });
        }
    }

    /// Bytes of a value are about to be written in place.
    #[inline(never)]
    pub(super) fn tell_of_blob(
        &mut self,
        (database, root): (usize, PageNo),
        rowid: i64,
        place: Option<usize>,
    ) -> Result<()> {
        let tables = self.databases.get(database).map(|own| &own.schema.tables);
        let Some(table) = tables.and_then(|tables| tables.values().find(|table| table.root == root).cloned())
        else {
            return Ok(());
        };
        let old = self.stored_row(database, &table, rowid)?;
        let column = table.columns.iter().position(|column| column.stored_at == place);
        if let (Some(told), Some(database), Some(old)) =
            (&mut self.hooks.preupdate, self.databases.get(database), old)
        {
            told(&RowChange {
                action: RowAction::Delete,
                database: &database.name,
                table: &table,
                old: Some(&old),
                new: None,
                depth: 0,
                blob_column: column,
            });
        }
        Ok(())
    }

    /// A row of a table with rowids as it lies in the file; what is computed is NULL.
    fn stored_row(&self, database: usize, table: &Table, rowid: i64) -> Result<Option<Vec<Value>>> {
        let Some(database) = self.databases.get(database) else {
            return Ok(None);
        };
        let mut cursor = TableCursor::new(table.root);
        if !cursor.seek(&database.pager, rowid, Seek::Eq)? {
            return Ok(None);
        }
        let mut spill = Vec::new();
        let record = RecordView::parse(cursor.payload(&database.pager, &mut spill)?)?;
        let mut row = Vec::with_capacity(table.columns.len() + 1);
        for (number, column) in table.columns.iter().enumerate() {
            row.push(match column.stored_at {
                _ if table.rowid_alias == Some(number) => Value::Integer(rowid),
                None => Value::Null,
                Some(place) => match (record.get(place)?, column.affinity) {
                    (None, _) => column.missing_value.clone(),
                    (Some(ValueRef::Integer(integer)), Affinity::Real) => Value::Real(integer as f64),
                    (Some(ValueRef::Text(text)), _) => {
                        Value::Text(Text::from_bytes(utf8_of(text, database.encoding())))
                    }
                    (Some(value), _) => Value::from(value),
                },
            });
        }
        row.push(Value::Integer(rowid));
        Ok(Some(row))
    }
}
