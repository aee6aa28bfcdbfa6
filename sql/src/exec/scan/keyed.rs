//! Rows found by their keys, many keys one after the other: the inner side of a join.
//!
//! A scan is opened anew for each key, with all that an operator does at an opening. Here only the cursor moves: it is put on the first
//! entry with the key, and the rows go straight to the columns of the caller's batch.
//!
//! ```text
//!   start(key) ─▶ take(room) ─▶ take(room) ─▶ .. until `is_done`
//! ```

use std::cmp::Ordering;
use std::sync::Arc;

use aludel_storage::btree::{IndexCursor, Seek, TableCursor};
use aludel_storage::error::corrupt;
use aludel_storage::format::record::KeyValues;
use aludel_storage::format::{Collation, TextEncoding};
use aludel_storage::pager::Pager;

use super::decode::{Decoder, utf16_from_utf8};
use super::layout::{index_decoder, index_position, rowid_decoder, table_decoder};
use super::seek::rowid_of;
use crate::catalog::{Index, IndexSource, Table, usable};
use crate::error::{Error, Result};
use crate::exec::{ExecContext, Vector};
use crate::plan::expr::Expr;
use crate::plan::physical::{
    DatabaseIndex, IndexScan, Node, ScanColumn, ScanColumns, Seek as PlanSeek, SeekTerm, TableScan,
};
use crate::value::ValueRef;

/// See the module's head.
pub(in crate::exec) struct KeyedRows {
    database: DatabaseIndex,
    source: Source,
    decoder: Decoder,
    encoding: TextEncoding,
    /// The key at hand, as the file stores it.
    key: Vec<KeyPart>,
    standing: Standing,
    /// No two entries have one key.
    single: bool,
    spill: Vec<u8>,
    table_spill: Vec<u8>,
    rowid: [Vector; 1],
}

/// Where the rows are.
enum Source {
    /// In a table, by rowid.
    Rowids(TableCursor),
    /// In the entries of the tree that is searched.
    Entries(IndexCursor),
    /// In a table; the entries of an index say where.
    Lookups(Box<Lookups>),
}

struct Lookups {
    entries: IndexCursor,
    rowid: Decoder,
    table: TableCursor,
}

impl Source {
    /// The cursor that keys are searched by, where that is an index's.
    fn index(&mut self) -> Option<&mut IndexCursor> {
        match self {
            Source::Rowids(_) => None,
            Source::Entries(cursor) => Some(cursor),
            Source::Lookups(lookups) => Some(&mut lookups.entries),
        }
    }
}

/// A value of a key, kept while its rows are read.
type KeyPart = crate::value::Value;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// There are no more rows of the key.
    Done,
    /// The cursor is on a row of the key that was not taken.
    OnRow,
    /// The cursor is on the row that was taken last.
    Taken,
}

/// The plan of a scan that is a look-up by key, taken apart.
pub(in crate::exec) struct KeyedPlan<'p> {
    /// The key's values; they read registers and constants only.
    pub(in crate::exec) keys: Vec<&'p Expr>,
    /// What is checked on each row, over the scan's layout.
    pub(in crate::exec) filter: Option<&'p Expr>,
    scan: KeyedScan<'p>,
}

enum KeyedScan<'p> {
    Table(&'p TableScan),
    Index(&'p IndexScan),
}

impl<'p> KeyedPlan<'p> {
    /// Takes a node apart when it is a search for the rows with one key.
    pub(in crate::exec) fn of(node: &'p Node) -> Option<KeyedPlan<'p>> {
        let (seek, filter, scan) = match node {
            Node::TableScan(scan) if !scan.descending => (&scan.seek, &scan.filter, KeyedScan::Table(scan)),
            Node::IndexScan(scan) if !scan.descending => {
                let rowids = scan.table.without_rowid.is_none() || scan.covering;
                if !rowids {
                    return None;
                }
                (&scan.seek, &scan.filter, KeyedScan::Index(scan))
            }
            _ => return None,
        };
        let keys = single_keys(seek)?;
        Some(KeyedPlan {
            keys,
            filter: filter.as_ref(),
            scan,
        })
    }

    /// How many columns the rows have.
    pub(in crate::exec) fn width(&self) -> usize {
        match self.scan {
            KeyedScan::Table(scan) => scan.columns.len(),
            KeyedScan::Index(scan) => scan.columns.len(),
        }
    }

    /// What reads the rows.
    pub(in crate::exec) fn rows(&self) -> Result<KeyedRows> {
        let (database, source, decoder, single) = match self.scan {
            KeyedScan::Table(scan) => {
                let decoder = table_decoder(&scan.table, &scan.columns)?;
                match &scan.table.without_rowid {
                    None => {
                        let source = Source::Rowids(TableCursor::new(scan.table.root));
                        (scan.database, source, decoder, true)
                    }
                    Some(primary) => {
                        let cursor = IndexCursor::new(scan.table.root, usable(&primary.order)?);
                        let single = self.keys.len() >= primary.key_count;
                        (scan.database, Source::Entries(cursor), decoder, single)
                    }
                }
            }
            KeyedScan::Index(scan) => {
                let (table, index) = (&scan.table, &scan.index);
                let entries = IndexCursor::new(index.root, usable(&index.order)?);
                let single = index.unique.is_some() && self.keys.len() >= index.columns.len();
                if scan.covering || holds_all(table, index, &scan.columns) {
                    let decoder = index_decoder(table, index, &scan.columns)?;
                    (scan.database, Source::Entries(entries), decoder, single)
                } else {
                    let source = Source::Lookups(Box::new(Lookups {
                        entries,
                        rowid: rowid_decoder(index),
                        table: TableCursor::new(table.root),
                    }));
                    let decoder = table_decoder(table, &scan.columns)?;
                    (scan.database, source, decoder, single)
                }
            }
        };
        Ok(KeyedRows {
            database,
            source,
            decoder,
            encoding: TextEncoding::Utf8,
            key: Vec::new(),
            standing: Standing::Done,
            single,
            spill: Vec::new(),
            table_spill: Vec::new(),
            rowid: [Vector::new()],
        })
    }

    /// A scan of all rows that could be found by some key, with `filter`, and the columns that hold the key with their collations. Its rows with one key
    /// come in the order in which a search finds them, unless `any_order` allows another. The key's columns come behind the others.
    pub(in crate::exec) fn whole(
        &self,
        filter: Option<Expr>,
        any_order: bool,
    ) -> Option<(Node, Vec<(usize, Collation)>)> {
        match self.scan {
            KeyedScan::Table(scan) => {
                let keys: Vec<(ScanColumn, Collation)> = match &scan.table.without_rowid {
                    None => vec![(ScanColumn::Rowid, Collation::Binary)],
                    Some(primary) => {
                        let columns = primary.stored.iter().zip(&primary.order.columns);
                        let columns = columns.take(self.keys.len());
                        { columns }
                            .map(|(column, order)| (ScanColumn::Table(*column), order.collation.clone()))
                            .collect()
                    }
                };
                Some(whole_table(scan.clone(), keys, filter))
            }
            KeyedScan::Index(scan) => {
                let (table, index) = (&scan.table, &scan.index);
                let entries = scan.covering || holds_all(table, index, &scan.columns);
                let all_keys = self.keys.len() >= index.columns.len();
                if index.filter.is_some() || !(entries || all_keys || any_order) {
                    return None;
                }
                let mut keys = Vec::new();
                for column in index.columns.iter().take(self.keys.len()) {
                    let place = match column.source {
                        IndexSource::Column(place) => ScanColumn::Table(place),
                        IndexSource::Rowid => ScanColumn::Rowid,
                        IndexSource::Expression(_) => return None,
                    };
                    keys.push((place, column.collation.clone()));
                }
                if entries {
                    return Some(whole_index(scan.clone(), keys, filter));
                }
                let stored = |column: &ScanColumn| match column {
                    ScanColumn::Rowid => true,
                    ScanColumn::Table(column) => {
                        table.rowid_alias == Some(*column)
                            || table
                                .columns
                                .get(*column)
                                .is_some_and(|column| column.stored_at.is_some())
                    }
                };
                if !keys.iter().all(|(column, _)| stored(column)) {
                    return None;
                }
                let scan = TableScan {
                    database: scan.database,
                    table: Arc::clone(table),
                    columns: scan.columns.clone(),
                    seek: PlanSeek::default(),
                    descending: false,
                    filter: None,
                    estimate: scan.estimate,
                };
                Some(whole_table(scan, keys, filter))
            }
        }
    }
}

fn whole_table(
    mut scan: TableScan,
    keys: Vec<(ScanColumn, Collation)>,
    filter: Option<Expr>,
) -> (Node, Vec<(usize, Collation)>) {
    let places = append_keys(&mut scan.columns, keys);
    (scan.seek, scan.filter) = (PlanSeek::default(), filter);
    (Node::TableScan(Box::new(scan)), places)
}

fn whole_index(
    mut scan: IndexScan,
    keys: Vec<(ScanColumn, Collation)>,
    filter: Option<Expr>,
) -> (Node, Vec<(usize, Collation)>) {
    let places = append_keys(&mut scan.columns, keys);
    (scan.seek, scan.filter, scan.covering) = (PlanSeek::default(), filter, true);
    (Node::IndexScan(Box::new(scan)), places)
}

fn append_keys(columns: &mut ScanColumns, keys: Vec<(ScanColumn, Collation)>) -> Vec<(usize, Collation)> {
    let mut places = Vec::with_capacity(keys.len());
    for (column, collation) in keys {
        places.push((columns.len(), collation));
        columns.push(column);
    }
    places
}

/// Whether the entries of an index hold all of some columns.
pub(super) fn holds_all(table: &Table, index: &Index, columns: &[ScanColumn]) -> bool {
    table.without_rowid.is_none()
        && columns.iter().all(|column| match column {
            ScanColumn::Rowid => true,
            ScanColumn::Table(column) => {
                table.rowid_alias == Some(*column) || index_position(index, *column).is_some()
            }
        })
}

/// The values of a key when it is equalities with one value each.
fn single_keys(seek: &PlanSeek) -> Option<Vec<&Expr>> {
    if seek.equal.is_empty() || seek.lower.is_some() || seek.upper.is_some() {
        return None;
    }
    fn value(term: &SeekTerm) -> Option<&Expr> {
        match term {
            SeekTerm::Equal(value) => Some(value),
            _ => None,
        }
    }
    seek.equal.iter().map(value).collect()
}

impl KeyedRows {
    /// Prepares for look-ups in the database as it is now.
    pub(in crate::exec) fn open(&mut self, context: &ExecContext<'_>) {
        let encoding = context.state.databases[self.database].schema.encoding;
        if self.encoding != encoding {
            self.encoding = encoding;
            self.decoder.set_encoding(encoding);
        }
        self.standing = Standing::Done;
    }

    /// Goes to the first row whose key is row `n` of `keys`; none is equal to NULL.
    pub(in crate::exec) fn start(
        &mut self,
        context: &ExecContext<'_>,
        keys: &[Vector],
        n: usize,
    ) -> Result<()> {
        self.standing = Standing::Done;
        let pager = &context.state.databases[self.database].pager;
        if let Source::Rowids(cursor) = &mut self.source {
            let rowid = keys.first().and_then(|key| rowid_of(key.get(n)));
            if let Some(rowid) = rowid
                && cursor.seek(pager, rowid, Seek::Eq)?
            {
                self.standing = Standing::OnRow;
            }
            return Ok(());
        }
        self.key.resize(keys.len(), KeyPart::Null);
        for (part, key) in self.key.iter_mut().zip(keys) {
            let value = key.get(n);
            match value {
                ValueRef::Null => return Ok(()),
                ValueRef::Text(text) if self.encoding != TextEncoding::Utf8 => {
                    let stored = utf16_from_utf8(text, self.encoding);
                    part.assign(ValueRef::Text(&stored));
                }
                value => part.assign(value),
            }
        }
        let key: KeyValues<'_> = self.key.iter().map(KeyPart::as_ref).collect();
        if let Some(cursor) = self.source.index()
            && cursor.seek(pager, &key, Seek::Eq)?
        {
            self.standing = Standing::OnRow;
        }
        Ok(())
    }

    /// Whether all rows of the key were taken.
    pub(in crate::exec) fn is_done(&self) -> bool {
        self.standing == Standing::Done
    }

    /// Appends up to `room` rows of the key to `columns`, and says how many.
    pub(in crate::exec) fn take(
        &mut self,
        context: &ExecContext<'_>,
        room: usize,
        columns: &mut [Vector],
    ) -> Result<usize> {
        let pager = &context.state.databases[self.database].pager;
        let mut taken = 0;
        while taken < room && self.stand(pager)? {
            self.take_row(pager, columns)?;
            taken += 1;
            self.standing = if self.single {
                Standing::Done
            } else {
                Standing::Taken
            };
        }
        if taken == room && self.standing == Standing::Taken {
            // Most keys end here; who asks whether there is more should know.
            self.stand(pager)?;
        }
        Ok(taken)
    }

    /// Goes to the next row to take; false when there is none.
    fn stand(&mut self, pager: &Pager) -> Result<bool> {
        if self.standing == Standing::Taken {
            let key: KeyValues<'_> = self.key.iter().map(KeyPart::as_ref).collect();
            let more = match self.source.index() {
                Some(cursor) => {
                    cursor.next(pager)? && cursor.compare_current(pager, &key)? == Ordering::Equal
                }
                None => false,
            };
            self.standing = if more { Standing::OnRow } else { Standing::Done };
        }
        Ok(self.standing == Standing::OnRow)
    }

    fn take_row(&mut self, pager: &Pager, columns: &mut [Vector]) -> Result<()> {
        match &mut self.source {
            Source::Rowids(cursor) => {
                let rowid = cursor.rowid();
                let record = cursor.payload(pager, &mut self.spill)?;
                self.decoder.decode(rowid, record, columns)
            }
            Source::Entries(cursor) => {
                let record = cursor.payload(pager, &mut self.spill)?;
                self.decoder.decode(0, record, columns)
            }
            Source::Lookups(lookups) => {
                let Lookups {
                    entries,
                    rowid,
                    table,
                } = &mut **lookups;
                let entry = entries.payload(pager, &mut self.spill)?;
                self.rowid[0].clear();
                rowid.decode(0, entry, &mut self.rowid)?;
                let found = match rowid_of(self.rowid[0].get(0)) {
                    Some(rowid) => table.seek(pager, rowid, Seek::Eq)?,
                    None => false,
                };
                if !found {
                    return Err(dangling(table));
                }
                let number = table.rowid();
                let record = table.payload(pager, &mut self.table_spill)?;
                self.decoder.decode(number, record, columns)
            }
        }
    }

    /// About how many rows there are under all keys.
    pub(in crate::exec) fn estimate(&self, context: &ExecContext<'_>) -> Result<u64> {
        let pager = &context.state.databases[self.database].pager;
        Ok(match &self.source {
            Source::Rowids(cursor) => cursor.estimate(pager)?,
            Source::Entries(cursor) => cursor.estimate(pager)?,
            Source::Lookups(lookups) => lookups.entries.estimate(pager)?,
        })
    }

    /// Whether each row takes a search of its own beside that for the key.
    pub(in crate::exec) fn looks_up(&self) -> bool {
        matches!(self.source, Source::Lookups(_))
    }

    /// Lets go of all pages.
    pub(in crate::exec) fn close(&mut self) {
        self.standing = Standing::Done;
        match &mut self.source {
            Source::Rowids(cursor) => cursor.reset(),
            Source::Entries(cursor) => cursor.reset(),
            Source::Lookups(lookups) => {
                lookups.entries.reset();
                lookups.table.reset();
            }
        }
    }
}

/// All rows of a table, to be counted roughly.
pub(in crate::exec) struct WholeTable {
    database: DatabaseIndex,
    cursor: TableCursor,
}

impl WholeTable {
    /// The table all of whose rows a node puts out.
    pub(in crate::exec) fn of(node: &Node) -> Option<WholeTable> {
        let (database, table, seek, filter) = match node {
            Node::TableScan(scan) => (scan.database, &scan.table, &scan.seek, &scan.filter),
            Node::IndexScan(scan) if scan.index.filter.is_none() => {
                (scan.database, &scan.table, &scan.seek, &scan.filter)
            }
            _ => return None,
        };
        let whole = seek.equal.is_empty() && seek.lower.is_none() && seek.upper.is_none() && filter.is_none();
        (whole && table.without_rowid.is_none()).then(|| WholeTable {
            database,
            cursor: TableCursor::new(table.root),
        })
    }

    /// About how many rows it has.
    pub(in crate::exec) fn estimate(&self, context: &ExecContext<'_>) -> Result<u64> {
        Ok(self
            .cursor
            .estimate(&context.state.databases[self.database].pager)?)
    }
}

#[cold]
fn dangling(table: &TableCursor) -> Error {
    Error::from(corrupt(table.root(), 0, "an index entry has no row in its table"))
}
