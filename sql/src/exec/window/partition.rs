//! One partition: its rows by number, and its peer groups, in memory or on disk.

use std::cmp::Ordering;

use super::large::LargePartition;
use crate::error::Result;
use crate::exec::Vector;
use crate::exec::row_log::Columns;
use crate::exec::row_store::RowStore;
use crate::plan::physical::SortKey;
use crate::value::{Collation, Value, ValueRef, compare};

/// The ORDER BY of a window: stored columns, and how they compare.
pub(super) struct Order {
    columns: Vec<OrderColumn>,
}

struct OrderColumn {
    column: usize,
    collation: Collation,
    descending: bool,
    nulls_first: bool,
}

impl Order {
    pub(super) fn new(columns: Vec<usize>, keys: &[SortKey]) -> Order {
        let column = |(column, key): (usize, &SortKey)| OrderColumn {
            column,
            collation: key.collation.clone(),
            descending: key.descending,
            nulls_first: key.nulls_first,
        };
        Order {
            columns: columns.into_iter().zip(keys).map(column).collect(),
        }
    }
}

/// The peer groups of a partition in memory.
pub(super) struct Peers {
    /// Each row is a group of its own: nothing is kept then.
    distinct: bool,
    /// The first row of each peer group, and the number of rows at the end.
    group_starts: Vec<usize>,
    /// The group of each row.
    groups: Vec<u32>,
}

impl Peers {
    /// Of rows that may be `distinct` by their order.
    pub(super) fn new(distinct: bool) -> Peers {
        Peers {
            distinct,
            group_starts: Vec::new(),
            groups: Vec::new(),
        }
    }

    fn group(&self, row: usize) -> usize {
        match self.distinct {
            true => row,
            false => self.groups[row] as usize,
        }
    }

    /// The first row of a group, of `len` rows; `len` for groups that are not there.
    fn group_start(&self, group: usize, len: usize) -> usize {
        match self.distinct {
            true => group.min(len),
            false => self.group_starts.get(group).copied().unwrap_or(len),
        }
    }

    /// Finds the groups of the rows at `places`.
    pub(super) fn find(&mut self, rows: &RowStore, places: &[u32], order: &Order) {
        self.group_starts.clear();
        self.groups.clear();
        if self.distinct {
            return;
        }
        self.groups.reserve(places.len());
        for row in 0..places.len() {
            let value = |column: usize, row: usize| rows.get(column, places[row]);
            if row == 0 || !order.are_peers(|column| value(column, row - 1), |column| value(column, row)) {
                self.group_starts.push(row);
            }
            self.groups.push(self.group_starts.len() as u32 - 1);
        }
        self.group_starts.push(places.len());
    }
}

/// The rows of a partition, numbered from 0.
pub(super) struct Partition<'a> {
    source: Source<'a>,
    order: &'a Order,
    len: usize,
}

/// Where they are.
enum Source<'a> {
    Memory {
        rows: &'a RowStore,
        places: &'a [u32],
        peers: &'a Peers,
    },
    Large(&'a LargePartition),
}

/// One row of a partition.
pub(super) enum Row<'a> {
    Held(&'a [Vector], usize),
    Read(Columns, usize),
}

impl Row<'_> {
    /// A stored column's value.
    #[inline]
    pub(super) fn get(&self, column: usize) -> ValueRef<'_> {
        match self {
            Row::Held(columns, row) => columns[column].get(*row),
            Row::Read(columns, row) => columns[column].get(*row),
        }
    }
}

impl<'a> Partition<'a> {
    pub(super) fn new(
        rows: &'a RowStore,
        places: &'a [u32],
        peers: &'a Peers,
        order: &'a Order,
    ) -> Partition<'a> {
        Partition {
            source: Source::Memory { rows, places, peers },
            order,
            len: places.len(),
        }
    }

    pub(super) fn large(rows: &'a LargePartition, order: &'a Order) -> Partition<'a> {
        Partition {
            source: Source::Large(rows),
            order,
            len: rows.len(),
        }
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The peer group of a row.
    pub(super) fn group(&self, row: usize) -> Result<usize> {
        match &self.source {
            Source::Memory { peers, .. } => Ok(peers.group(row)),
            Source::Large(rows) => rows.group(row),
        }
    }

    /// The first row of a group; the number of rows for the one after the last.
    pub(super) fn group_start(&self, group: usize) -> Result<usize> {
        match &self.source {
            Source::Memory { peers, .. } => Ok(peers.group_start(group, self.len)),
            Source::Large(rows) => rows.group_start(group),
        }
    }

    /// The first row and the one after the last of the peers of a row.
    pub(super) fn peers(&self, row: usize) -> Result<(usize, usize)> {
        let group = self.group(row)?;
        Ok((self.group_start(group)?, self.group_start(group + 1)?))
    }

    /// A row.
    #[inline]
    pub(super) fn row(&self, row: usize) -> Result<Row<'a>> {
        match &self.source {
            Source::Memory { rows, places, .. } => {
                let (columns, row) = rows.row(places[row]);
                Ok(Row::Held(columns, row))
            }
            Source::Large(rows) => {
                let (columns, row) = rows.row(row)?;
                Ok(Row::Read(columns, row))
            }
        }
    }

    /// The value of the first order key.
    pub(super) fn order_value(&self, row: usize) -> Result<Value> {
        match self.order.columns.first() {
            Some(key) => Ok(Value::from(self.row(row)?.get(key.column))),
            None => Ok(Value::Null),
        }
    }

    /// Whether the first order key descends.
    pub(super) fn descends(&self) -> bool {
        self.order.columns.first().is_some_and(|key| key.descending)
    }

    /// How the first order key's value of `row` stands to `value` in the window's order.
    pub(super) fn order_of(&self, row: usize, value: ValueRef<'_>) -> Result<Ordering> {
        let Some(key) = self.order.columns.first() else {
            return Ok(Ordering::Equal);
        };
        Ok(key.compare(self.row(row)?.get(key.column), value))
    }
}

impl Order {
    /// Whether two rows, given by their columns, are peers.
    pub(super) fn are_peers<'v>(
        &self,
        a: impl Fn(usize) -> ValueRef<'v>,
        b: impl Fn(usize) -> ValueRef<'v>,
    ) -> bool {
        let mut keys = self.columns.iter();
        keys.all(|key| key.compare(a(key.column), b(key.column)) == Ordering::Equal)
    }
}

impl OrderColumn {
    fn compare(&self, a: ValueRef<'_>, b: ValueRef<'_>) -> Ordering {
        match (a, b) {
            (ValueRef::Null, ValueRef::Null) => Ordering::Equal,
            (ValueRef::Null, _) if self.nulls_first => Ordering::Less,
            (ValueRef::Null, _) => Ordering::Greater,
            (_, ValueRef::Null) if self.nulls_first => Ordering::Greater,
            (_, ValueRef::Null) => Ordering::Less,
            (a, b) if self.descending => compare(b, a, &self.collation),
            (a, b) => compare(a, b, &self.collation),
        }
    }
}
