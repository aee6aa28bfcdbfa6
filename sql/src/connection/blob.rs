//! [`Blob`]: one value, read and overwritten in place, without the rest of its row.
//!
//! ```text
//!   blob_open ──▶ open ──── the row is replaced or deleted, a rollback ────▶ aborted ──▶ every call: SQLITE_ABORT
//!                  ▲ │                                                          │
//!                  └─┘ reopen: another row of the same column                   └─ reopen does not help
//! ```
//!
//! An open blob counts as a running statement: it holds a snapshot, one for writing holds a write transaction, and in autocommit what was
//! written is committed when the last writing statement or blob ends. `&mut` bytes of a megabyte-long value are changed
//! page by page: what is not touched is neither read nor journalled.
//!
//! - L1. A blob never reads or writes bytes of another value: the place is sought and its type and length are compared again whenever any
//!   page has changed but through this blob, and the pager tells when the row itself was rewritten.

use std::cell::RefMut;
use std::io;

use aludel_storage::btree::PayloadCursor;
use aludel_storage::format::PageNo;
use aludel_storage::format::record::Field;
use aludel_storage::pager::RowWatch;

use super::{Connection, Entered, Outcome, State};
use crate::catalog::{Database, IndexSource, Schema, Table};
use crate::error::{Error, Result};

/// The first serial type of a text or blob.
const SERIAL_OF_BYTES_MIN: u64 = 12;

/// A text or blob of one row, opened by [`Connection::blob_open`].
///
/// It reads and writes like a file that keeps its length; [`Blob::read_at`] and [`Blob::write_at`] leave the position alone. Dropping it
/// closes it, but only [`Blob::close`] tells whether the commit that this may bring went well.
///
/// ```
/// use std::io::{Read, Seek, SeekFrom, Write};
/// use aludel_sql::Connection;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = Connection::open_in_memory()?;
/// connection.execute_batch("CREATE TABLE file(name TEXT, content BLOB); INSERT INTO file VALUES('a', zeroblob(100000))")?;
///
/// let mut blob = connection.blob_open("main", "file", "content", 1, true)?;
/// blob.seek(SeekFrom::Start(70_000))?;
/// blob.write_all(b"in the middle")?;
/// let mut word = [0; 6];
/// blob.read_at(&mut word, 70_007)?;
/// assert_eq!(&word, b"middle");
/// blob.close()?;
/// # Ok(())
/// # }
/// ```
pub struct Blob<'c> {
    connection: &'c Connection,
    column: Column,
    /// `None` once aborted or closed.
    open: Option<OpenValue>,
    position: u64,
}

/// The column that a blob is in.
struct Column {
    database: usize,
    root: PageNo,
    /// Its place in the record.
    place: Option<usize>,
    writable: bool,
}

/// A value and what is held for it.
struct OpenValue {
    entered: Entered,
    cursor: PayloadCursor,
    rowid: i64,
    watch: RowWatch,
    field: Field,
    rollbacks: u64,
}

impl Connection {
    /// Opens the text or blob in `column` of the row `rowid` for reading, and with `writable` for overwriting it in place. Its length
    /// stays: an UPDATE with `zeroblob(n)` makes room first.
    ///
    /// Takes the locks that a statement would, and keeps them until the blob is closed.
    ///
    /// # Errors
    /// SQLite's: `no such table`, `no such column`, `no such rowid`, `cannot open value of type null` (or integer, real), and `cannot open` a
    /// view, virtual table, table without rowid or with generated columns, or for writing an indexed or foreign key column.
    pub fn blob_open(
        &self,
        schema: &str,
        table: &str,
        column: &str,
        rowid: i64,
        writable: bool,
    ) -> Result<Blob<'_>> {
        let mut state = self.state()?;
        let before = state.open_transactions();
        let found = state
            .blob_column(schema, table, column, writable)
            .and_then(|column| {
                let writes = [column.database];
                let entered = state.enter(if writable { &writes } else { &[] }, false)?;
                Ok((column, entered))
            });
        let (column, entered) = match found {
            Ok(found) => found,
            Err(error) => {
                state.end_reads_since(before);
                return Err(error);
            }
        };
        let mut value = OpenValue::new(&mut state, &column, entered);
        match value.seek(&mut state, &column, rowid) {
            Ok(()) => {
                drop(state);
                Ok(Blob {
                    connection: self,
                    column,
                    open: Some(value),
                    position: 0,
                })
            }
            Err(error) => {
                let _ = value.end(&mut state, &column);
                Err(error)
            }
        }
    }
}

impl Blob<'_> {
    /// Length in bytes; 0 once it is aborted.
    pub fn len(&self) -> usize {
        self.open.as_ref().map_or(0, |value| value.field.len)
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `bytes` from `offset` on.
    ///
    /// # Errors
    /// [`Error::Abort`] once the row has changed under it; an error of code 1 when the value ends before `bytes` does; those of the store.
    pub fn read_at(&mut self, bytes: &mut [u8], offset: usize) -> Result<()> {
        self.access(offset, bytes.len(), false, |value, database, at| {
            Ok(value.cursor.read(&database.pager, at, bytes)?)
        })
    }

    /// Overwrites what is at `offset`.
    ///
    /// # Errors
    /// As [`Blob::read_at`]; [`Error::ReadOnly`] when it was opened for reading.
    pub fn write_at(&mut self, bytes: &[u8], offset: usize) -> Result<()> {
        let writable = self.column.writable;
        self.access(offset, bytes.len(), true, |value, database, at| {
            if !writable {
                return Err(Error::ReadOnly {
                    message: "attempt to write a readonly database".to_owned(),
                });
            }
            Ok(value.cursor.write(&mut database.pager, at, bytes)?)
        })
    }

    /// Goes on with the same column of another row, at its beginning. Cheaper than opening another blob.
    ///
    /// # Errors
    /// As [`Connection::blob_open`]; the blob is aborted by any of them.
    pub fn reopen(&mut self, rowid: i64) -> Result<()> {
        let mut state = self.connection.state()?;
        let Some(value) = &mut self.open else {
            return Err(expired());
        };
        let mut sought = value.check_rollbacks(&state, &self.column);
        if sought.is_ok() {
            sought = value.seek(&mut state, &self.column, rowid);
        }
        self.position = 0;
        if sought.is_err() {
            let _ = self.end(state);
        }
        sought
    }

    /// Closes it. In autocommit this commits what was written, unless other statements that write still run.
    ///
    /// # Errors
    /// Those of the commit; it is closed all the same, and its changes are undone.
    pub fn close(mut self) -> Result<()> {
        let state = self.connection.state()?;
        self.end(state)
    }

    /// Checks that the value is there and long enough, and calls `work` with the offset of the bytes in the row's payload.
    fn access(
        &mut self,
        offset: usize,
        len: usize,
        writes: bool,
        work: impl FnOnce(&mut OpenValue, &mut Database, usize) -> Result<()>,
    ) -> Result<()> {
        let mut state = self.connection.state()?;
        let Some(value) = &mut self.open else {
            return Err(expired());
        };
        if offset > value.field.len || len > value.field.len - offset {
            return Err(out_of_range());
        }
        match value.settle(&mut state, &self.column) {
            Ok(()) => {
                let column = &self.column;
                if writes && column.writable && state.hooks.watches_changes() {
                    state.tell_of_blob((column.database, column.root), value.rowid, column.place)?;
                }
                let at = value.field.offset + offset;
                work(value, state.databases_at(column.database)?, at)
            }
            Err(error) => {
                if error.extended_code() == expired().extended_code() {
                    let _ = self.end(state);
                }
                Err(error)
            }
        }
    }

    fn end(&mut self, mut state: RefMut<'_, State>) -> Result<()> {
        match self.open.take() {
            Some(value) => value.end(&mut state, &self.column),
            None => Ok(()),
        }
    }

    /// How many of `wanted` bytes are left at the position.
    fn left(&self, wanted: usize) -> (usize, usize) {
        let at = usize::try_from(self.position)
            .unwrap_or(usize::MAX)
            .min(self.len());
        (at, wanted.min(self.len() - at))
    }
}

impl Drop for Blob<'_> {
    fn drop(&mut self) {
        // Who wants to know of the commit closes it.
        if let Ok(state) = self.connection.state() {
            let _ = self.end(state);
        }
    }
}

impl std::fmt::Debug for Blob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blob")
            .field("len", &self.len())
            .field("position", &self.position)
            .field("aborted", &self.open.is_none())
            .finish_non_exhaustive()
    }
}

impl io::Read for Blob<'_> {
    /// Reads from the position on; nothing at the end of the value.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let (at, len) = self.left(bytes.len());
        if len > 0 || self.open.is_none() {
            self.read_at(&mut bytes[..len], at).map_err(io::Error::other)?;
        }
        self.position += len as u64;
        Ok(len)
    }
}

impl io::Write for Blob<'_> {
    /// Writes from the position on; nothing at the end of the value, which never grows.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (at, len) = self.left(bytes.len());
        if len > 0 || self.open.is_none() {
            self.write_at(&bytes[..len], at).map_err(io::Error::other)?;
        }
        self.position += len as u64;
        Ok(len)
    }

    /// Does nothing: what is written is part of the transaction at once.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl io::Seek for Blob<'_> {
    /// Sets the position, which may be behind the end: nothing is read or written there.
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let position = match to {
            io::SeekFrom::Start(position) => Some(position),
            io::SeekFrom::End(offset) => (self.len() as u64).checked_add_signed(offset),
            io::SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a position in front of the value"))?;
        Ok(self.position)
    }
}

impl OpenValue {
    fn new(state: &mut State, column: &Column, entered: Entered) -> OpenValue {
        let pager = &mut state.databases[column.database].pager;
        OpenValue {
            entered,
            cursor: PayloadCursor::new(column.root),
            rowid: 0,
            watch: pager.watch_row(column.root, 0),
            field: Field {
                serial: 0,
                offset: 0,
                len: 0,
            },
            rollbacks: state.transaction.rollbacks,
        }
    }

    /// Goes to the value in row `rowid`.
    fn seek(&mut self, state: &mut State, column: &Column, rowid: i64) -> Result<()> {
        let database = state.databases_at(column.database)?;
        self.field = locate(&mut self.cursor, database, column, rowid)?;
        database.pager.unwatch_row(self.watch);
        self.watch = database.pager.watch_row(column.root, rowid);
        self.rowid = rowid;
        Ok(())
    }

    /// Sees to it that the cursor knows where the value lies, and that it is the value that was opened (L1).
    fn settle(&mut self, state: &mut State, column: &Column) -> Result<()> {
        self.check_rollbacks(state, column)?;
        let database = state.databases_at(column.database)?;
        if database.pager.row_changed(self.watch) {
            return Err(expired());
        }
        if self.cursor.is_current(&database.pager) {
            return Ok(());
        }
        match locate(&mut self.cursor, database, column, self.rowid) {
            Ok(field) if field == self.field => Ok(()),
            Ok(_) | Err(Error::Sql { .. }) => Err(expired()),
            Err(error) => Err(error),
        }
    }

    /// A rollback ends what writes, as it does with statements.
    fn check_rollbacks(&self, state: &State, column: &Column) -> Result<()> {
        if column.writable && self.rollbacks != state.transaction.rollbacks {
            return Err(Error::Coded {
                code: CODE_ABORT_ROLLBACK,
                message: "abort due to ROLLBACK".to_owned(),
                offset: None,
            });
        }
        Ok(())
    }

    /// Ends as a statement that went well: what was written before the row changed stays.
    fn end(self, state: &mut State, column: &Column) -> Result<()> {
        if let Some(database) = state.databases.get_mut(column.database) {
            database.pager.unwatch_row(self.watch);
        }
        state.leave(&self.entered, Outcome::Done)
    }
}

const CODE_ABORT_ROLLBACK: i32 = 4 | 2 << 8;

impl State {
    fn databases_at(&mut self, number: usize) -> Result<&mut Database> {
        self.databases
            .get_mut(number)
            .ok_or_else(|| Error::misuse("the database of the blob was detached"))
    }

    /// Looks up the column and begins to read its database.
    fn blob_column(&mut self, schema: &str, table: &str, column: &str, writable: bool) -> Result<Column> {
        let Ok(number) = self.database_named(schema) else {
            return Err(no_such_table(schema, table));
        };
        self.begin_reading(&[number])?;
        let foreign_keys = self.settings.foreign_keys;
        let objects = &self.databases[number].schema;
        let found = openable_table(objects, schema, table)?;
        let Some(place) = found.column(column) else {
            return Err(Error::sql(format!("no such column: \"{column}\"")));
        };
        if writable {
            refuse_keys(found, place, foreign_keys)?;
        }
        Ok(Column {
            database: number,
            root: found.root,
            place: found.columns[place].stored_at,
            writable,
        })
    }
}

fn openable_table<'s>(objects: &'s Schema, schema: &str, name: &str) -> Result<&'s Table> {
    let cannot = |what: &str| Err(Error::sql(format!("cannot open {what}: {name}")));
    if objects.virtual_tables.contains_key(&name.to_ascii_lowercase()) {
        return cannot("virtual table");
    }
    if objects.view(name).is_some() {
        return cannot("view");
    }
    match objects.table(name) {
        None => Err(no_such_table(schema, name)),
        Some(table) if !table.has_rowid() => cannot("table without rowid"),
        Some(table) if table.columns.iter().any(|column| column.generated.is_some()) => {
            cannot("table with generated columns")
        }
        Some(table) => Ok(table),
    }
}

/// What is written into a blob changes no index and is checked against no other table.
fn refuse_keys(table: &Table, column: usize, foreign_keys: bool) -> Result<()> {
    let indexed = table
        .indexes
        .iter()
        .flat_map(|index| &index.columns)
        .any(|key| match &key.source {
            IndexSource::Column(indexed) => *indexed == column,
            IndexSource::Expression(_) => true,
            IndexSource::Rowid => table.rowid_alias == Some(column),
        });
    let refers = foreign_keys && table.foreign_keys.iter().any(|key| key.columns.contains(&column));
    let what = match (indexed, refers) {
        (true, _) => "indexed",
        (_, true) => "foreign key",
        _ => return Ok(()),
    };
    Err(Error::sql(format!("cannot open {what} column for writing")))
}

/// Where the value lies in the row `rowid`.
fn locate(cursor: &mut PayloadCursor, database: &Database, column: &Column, rowid: i64) -> Result<Field> {
    let pager = &database.pager;
    if cursor.seek(pager, rowid)?.is_none() {
        return Err(Error::sql(format!("no such rowid: {rowid}")));
    }
    let field = match column.place {
        Some(place) => cursor.field(pager, place)?,
        None => None,
    };
    match field {
        Some(field) if field.serial >= SERIAL_OF_BYTES_MIN => Ok(field),
        field => Err(Error::sql(format!(
            "cannot open value of type {}",
            match field.map_or(0, |field| field.serial) {
                0 => "null",
                7 => "real",
                _ => "integer",
            }
        ))),
    }
}

fn no_such_table(schema: &str, table: &str) -> Error {
    Error::sql(format!("no such table: {schema}.{table}"))
}

fn expired() -> Error {
    Error::Abort {
        message: "query aborted".to_owned(),
    }
}

fn out_of_range() -> Error {
    Error::sql("SQL logic error")
}
