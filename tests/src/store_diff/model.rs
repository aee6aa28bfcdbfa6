//! What the file holds, as plain collections.

use std::collections::BTreeMap;
use std::sync::Arc;

use aludel_storage::btree::{Seek, TreeKind};
use aludel_storage::format::record::KeyValues;
use aludel_storage::format::{Collation, KeyColumn, KeyOrder, PageNo, RecordView, ValueRef, record};

use super::records::{Record, entry};

/// All trees by their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) tables: BTreeMap<String, Table>,
    /// How many tables were ever made, for names.
    pub(super) made: u32,
}

/// A table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) root: PageNo,
    /// The root of the index over the first column; rowid tables only.
    pub(super) index: Option<PageNo>,
    pub(super) content: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    /// A rowid table.
    Rows(BTreeMap<i64, Record>),
    /// A WITHOUT ROWID table, in the order of [`key_order`].
    Records(Vec<Record>),
}

/// The order of a WITHOUT ROWID table's key: text without regard to case, then a descending number.
pub(super) fn key_order() -> Arc<KeyOrder> {
    Arc::new(KeyOrder {
        columns: vec![
            KeyColumn {
                collation: Collation::NoCase,
                descending: false,
            },
            KeyColumn {
                collation: Collation::Binary,
                descending: true,
            },
        ],
    })
}

/// The order of an index.
pub(super) fn index_order() -> Arc<KeyOrder> {
    Arc::new(KeyOrder::binary(2))
}

/// The first column of a row.
pub(super) fn first_of(row: &[u8]) -> ValueRef<'_> {
    RecordView::parse(row)
        .and_then(|view| view.column(0))
        .unwrap_or_default()
}

/// The first `count` columns of a record.
pub(super) fn key_of(record: &[u8], count: usize) -> KeyValues<'_> {
    let mut key = KeyValues::new();
    // A record that was made here decodes.
    let _ = record::decode_prefix(record, record.len(), count, &mut key);
    key
}

impl Table {
    pub(super) fn len(&self) -> usize {
        match &self.content {
            Content::Rows(rows) => rows.len(),
            Content::Records(records) => records.len(),
        }
    }

    /// What its index holds.
    pub(super) fn entries(&self) -> Vec<Record> {
        let Content::Rows(rows) = &self.content else {
            return Vec::new();
        };
        let order = index_order();
        let mut entries: Vec<Record> = rows.iter().map(|(id, row)| entry(first_of(row), *id)).collect();
        entries.sort_by(|a, b| order.compare_records(a, b).unwrap_or(std::cmp::Ordering::Equal));
        entries
    }
}

/// The kind of the tree that a table's rows are in.
pub(super) fn kind_of(content: &Content) -> TreeKind {
    match content {
        Content::Rows(_) => TreeKind::Table,
        Content::Records(_) => TreeKind::Index,
    }
}

/// The place of a record with this key, or where it would be.
pub(super) fn place(records: &[Record], key: &[ValueRef<'_>]) -> Result<usize, usize> {
    let order = key_order();
    records.binary_search_by(|record| {
        order
            .compare_record(record, key)
            .unwrap_or(std::cmp::Ordering::Equal)
    })
}

/// Adds a record, or puts it in the place of the one with the same key.
pub(super) fn put(records: &mut Vec<Record>, record: Record) {
    let found = place(records, &key_of(&record, 2));
    match found {
        Ok(at) => records[at] = record,
        Err(at) => records.insert(at, record),
    }
}

/// The row that a seek comes to.
pub(super) fn sought(rows: &BTreeMap<i64, Record>, rowid: i64, how: Seek) -> Option<(i64, &Record)> {
    use std::ops::Bound::{Excluded, Unbounded};
    let found = match how {
        Seek::Eq => rows.get_key_value(&rowid),
        Seek::Ge => rows.range(rowid..).next(),
        Seek::Gt => rows.range((Excluded(rowid), Unbounded)).next(),
        Seek::Le => rows.range(..=rowid).next_back(),
        Seek::Lt => rows.range(..rowid).next_back(),
    };
    found.map(|(id, row)| (*id, row))
}

/// The record that a seek by a key of any number of columns comes to.
pub(super) fn sought_record<'m>(
    records: &'m [Record],
    key: &[ValueRef<'_>],
    how: Seek,
) -> Option<&'m Record> {
    let order = key_order();
    let compare = |record: &Record| {
        order
            .compare_record(record, key)
            .unwrap_or(std::cmp::Ordering::Equal)
    };
    let first = records.partition_point(|record| compare(record).is_lt());
    let behind = records.partition_point(|record| compare(record).is_le());
    match how {
        Seek::Eq => records.get(first).filter(|_| first < behind),
        Seek::Ge => records.get(first),
        Seek::Gt => records.get(behind),
        Seek::Le => behind.checked_sub(1).and_then(|at| records.get(at)),
        Seek::Lt => first.checked_sub(1).and_then(|at| records.get(at)),
    }
}
