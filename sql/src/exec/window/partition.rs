//! One partition: its rows by number, and its peer groups.

use std::cmp::Ordering;

use crate::exec::row_store::RowStore;
use crate::plan::physical::SortKey;
use crate::value::{Collation, ValueRef, compare};

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

/// The rows of a partition, numbered from 0.
pub(super) struct Partition<'a> {
    rows: &'a RowStore,
    places: &'a [u32],
    order: &'a Order,
    /// The first row of each peer group, and the number of rows at the end.
    group_starts: Vec<usize>,
    /// The group of each row.
    groups: Vec<u32>,
}

impl<'a> Partition<'a> {
    pub(super) fn new(rows: &'a RowStore, places: &'a [u32], order: &'a Order) -> Partition<'a> {
        let mut partition = Partition {
            rows,
            places,
            order,
            group_starts: Vec::new(),
            groups: Vec::with_capacity(places.len()),
        };
        for row in 0..places.len() {
            if row == 0 || !partition.are_peers(row - 1, row) {
                partition.group_starts.push(row);
            }
            partition.groups.push(partition.group_starts.len() as u32 - 1);
        }
        partition.group_starts.push(places.len());
        partition
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// How many peer groups there are.
    pub(super) fn group_count(&self) -> usize {
        self.group_starts.len() - 1
    }

    /// The peer group of a row.
    pub(super) fn group(&self, row: usize) -> usize {
        self.groups[row] as usize
    }

    /// The first row of a group; the number of rows for the one after the last.
    pub(super) fn group_start(&self, group: usize) -> usize {
        self.group_starts[group.min(self.group_count())]
    }

    /// The first row and the one after the last of the peers of a row.
    pub(super) fn peers(&self, row: usize) -> (usize, usize) {
        let group = self.group(row);
        (self.group_starts[group], self.group_starts[group + 1])
    }

    /// The place of a row in the store.
    pub(super) fn place(&self, row: usize) -> u32 {
        self.places[row]
    }

    /// A stored column's value.
    pub(super) fn value(&self, column: usize, row: usize) -> ValueRef<'a> {
        self.rows.get(column, self.places[row])
    }

    /// The value of the first order key.
    pub(super) fn order_value(&self, row: usize) -> ValueRef<'a> {
        self.order
            .columns
            .first()
            .map_or(ValueRef::Null, |key| self.value(key.column, row))
    }

    /// Whether the first order key descends.
    pub(super) fn descends(&self) -> bool {
        self.order.columns.first().is_some_and(|key| key.descending)
    }

    /// How the first order key's value of `row` stands to `value` in the window's order.
    pub(super) fn order_of(&self, row: usize, value: ValueRef<'_>) -> Ordering {
        let Some(key) = self.order.columns.first() else {
            return Ordering::Equal;
        };
        key.compare(self.value(key.column, row), value)
    }

    fn are_peers(&self, a: usize, b: usize) -> bool {
        self.order
            .columns
            .iter()
            .all(|key| key.compare(self.value(key.column, a), self.value(key.column, b)) == Ordering::Equal)
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
