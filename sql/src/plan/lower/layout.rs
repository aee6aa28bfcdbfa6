//! Where columns are in a node's rows.

use smallvec::SmallVec;

use crate::plan::logical::{ColumnRef, ColumnSet, TableId};

/// The layout of a node's output: blocks of columns, one a table.
///
/// The inner side of a loop puts its blocks behind those of the outer side, where they belong in the end, and while it is made does not see
/// what is before them:
///
/// ```text
///   ┌ outer ───┬ inner ───┐       between `enter` and `leave` the layout
///   │ t.a  t.b │ u.x  u.y │       is that of the inner side alone
///   └──────────┴──────────┘
/// ```
#[derive(Clone, Debug, Default)]
pub(in crate::plan) struct Layout {
    segments: SmallVec<[Segment; 4]>,
    /// All columns, those out of sight included.
    width: usize,
    seen: Seen,
}

/// Which part of a layout is in sight: the segments from `first` on, whose columns count from `base`.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::plan) struct Seen {
    first: usize,
    base: usize,
}

#[derive(Clone, Debug)]
struct Segment {
    table: TableId,
    /// Its first column, counted over the whole layout.
    base: usize,
    columns: Columns,
}

/// Which columns of a table a segment holds, and in what order.
#[derive(Clone, Debug)]
pub(in crate::plan) enum Columns {
    /// The first so many.
    First(usize),
    /// All so many, then the rowid: a table row.
    Row(usize),
    /// These, ascending.
    Set(ColumnSet),
}

impl Columns {
    fn width(&self) -> usize {
        match self {
            Columns::First(count) => *count,
            Columns::Row(count) => count + 1,
            Columns::Set(set) => set.len(),
        }
    }

    fn place(&self, column: ColumnRef) -> Option<usize> {
        match (self, column.column.index()) {
            (Columns::First(count) | Columns::Row(count), Some(index)) => (index < *count).then_some(index),
            (Columns::Row(count), None) => Some(*count),
            (Columns::First(_), None) => None,
            (Columns::Set(set), _) => set.rank(column.column),
        }
    }
}

impl Layout {
    /// The layout of a row without columns.
    pub fn empty() -> Layout {
        Layout::default()
    }

    /// The layout of one table's columns.
    pub fn of(table: TableId, columns: Columns) -> Layout {
        let mut layout = Layout::default();
        layout.push(table, columns);
        layout
    }

    /// Adds a table's columns at the end.
    pub fn push(&mut self, table: TableId, columns: Columns) {
        let base = self.width;
        self.width += columns.width();
        self.segments.push(Segment { table, base, columns });
    }

    /// Adds another layout at the end.
    pub fn append(&mut self, other: Layout) {
        let base = self.width;
        self.width += other.width;
        for mut segment in other.segments {
            segment.base += base;
            self.segments.push(segment);
        }
    }

    /// Puts all columns out of sight; to be given back to [`leave`](Self::leave).
    pub fn enter(&mut self) -> Seen {
        let inner = Seen {
            first: self.segments.len(),
            base: self.width,
        };
        std::mem::replace(&mut self.seen, inner)
    }

    /// What was in sight before is so again, together with what has come since.
    pub fn leave(&mut self, outer: Seen) {
        self.seen = outer;
    }

    fn seen(&self) -> impl Iterator<Item = &Segment> + '_ {
        self.segments.iter().skip(self.seen.first)
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.width - self.seen.base
    }

    /// Where a column is.
    pub fn position(&self, column: ColumnRef) -> Option<usize> {
        let mut segments = self.seen().filter(|segment| segment.table == column.table);
        segments.find_map(|segment| Some(segment.base - self.seen.base + segment.columns.place(column)?))
    }

    /// The tables, in order.
    pub fn tables(&self) -> impl Iterator<Item = TableId> + '_ {
        self.seen().map(|segment| segment.table)
    }
}
