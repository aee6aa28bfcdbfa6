//! The trees that a table's rows can be found through: its own, and those of its indexes.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::constraint::Constraint;
use super::cost::{self, LogEst, PrefixRows};
use crate::catalog::{Index, IndexSource, Samples, Table};
use crate::plan::bind::TableEntry;
use crate::plan::logical::{ColumnNo, IndexHint, Scalar};
use crate::value::Collation;

/// A tree and what estimates need to know about it.
pub(super) struct Tree<'t> {
    /// The index; `None` for the table's own tree.
    pub index: Option<&'t Arc<Index>>,
    /// What it is keyed by.
    pub keys: SmallVec<[TreeKey<'t>; 2]>,
    /// Rows in all, then for an equality on 1, 2, .. leading keys.
    pub rows: PrefixRows,
    /// The size of its entries.
    pub entry_size: LogEst,
    /// An equality on all keys finds one row at most (none of the keys being NULL).
    pub unique: bool,
    /// As `unique`, and no key can be NULL.
    pub unique_not_null: bool,
    /// All columns that the statement reads are in it.
    pub covering: bool,
    /// The estimates come from sqlite_stat1.
    pub counted: bool,
    /// The terms that must hold for a row to be in it.
    pub filter: &'t [Scalar],
}

/// A column of a tree's key.
#[derive(Clone, Copy)]
pub(super) struct TreeKey<'t> {
    /// What it holds.
    pub part: KeyPart<'t>,
    /// How it is ordered.
    pub collation: &'t Collation,
    /// DESC.
    pub descending: bool,
    /// Never NULL.
    pub not_null: bool,
}

/// What a column of a key holds.
#[derive(Clone, Copy)]
pub(super) enum KeyPart<'t> {
    /// A column or the rowid.
    Column(ColumnNo),
    /// An expression.
    Expression(&'t Scalar),
}

/// Which of a table's trees a search looks at.
pub(super) struct TreeChoice<'c> {
    /// What INDEXED BY and NOT INDEXED say.
    pub hint: &'c IndexHint,
    /// Any of them may be of use.
    pub any: bool,
    /// If not, those that these constraints search, and those that have all columns.
    pub constraints: &'c [Constraint],
}

impl TreeChoice<'_> {
    /// Adds the trees to `trees`, the table's own first; partial ones only where `implied` holds of their terms.
    pub fn add<'t>(
        &self,
        entry: &'t TableEntry<'_>,
        table: &'t Table,
        trees: &mut Vec<Tree<'t>>,
        implied: impl Fn(&[Scalar]) -> bool,
    ) {
        let rows = cost::table_rows(table);
        if !matches!(self.hint, IndexHint::By(_)) {
            trees.push(Tree::own(table, rows));
        }
        for (number, index) in table.indexes.iter().enumerate() {
            let looked_at = match self.hint {
                IndexHint::By(name) => index.name.eq_ignore_ascii_case(name),
                IndexHint::NotIndexed => false,
                IndexHint::Free => self.may_serve(entry, table, index),
            };
            if looked_at
                && let Some(tree) = Tree::of_index(entry, table, rows, number, index)
                && (tree.filter.is_empty() || implied(tree.filter))
            {
                trees.push(tree);
            }
        }
    }

    /// Whether anything could come of looking at the index: of most it is seen at their first column that nothing does.
    fn may_serve(&self, entry: &TableEntry<'_>, table: &Table, index: &Index) -> bool {
        let first = match index.columns.first().map(|column| &column.source) {
            Some(IndexSource::Column(number)) if table.rowid_alias != Some(*number) => ColumnNo::at(*number),
            _ => return true,
        };
        let searches = |constraint: &Constraint| constraint.column.is_some_and(|own| own.column == first);
        self.any
            || index.filter.is_some()
            || self.constraints.iter().any(searches)
            || !self.constraints.is_empty() && repeats(index)
            || covers(index, table, entry)
    }
}

/// Whether an index of several columns has its first column's values so often that a search may go from value to value.
pub(super) fn repeats(index: &Index) -> bool {
    index.columns.len() > 1 && { index.statistics.as_deref() }
        .is_some_and(|counts| counts.get(1).is_some_and(|rows| *rows >= 18))
}

impl<'t> Tree<'t> {
    /// What is known of single values.
    #[inline]
    pub fn samples(&self) -> Option<&'t Samples> {
        self.index.and_then(|index| index.samples.as_deref())
    }

    /// Whether this is the tree of a rowid table's rows.
    pub fn is_rowid(&self) -> bool {
        self.index.is_none() && matches!(self.keys.first(), Some(key) if key.is(ColumnNo::ROWID))
    }

    /// Whether a table look-up follows each entry.
    pub fn looks_up(&self) -> bool {
        self.index.is_some() && !self.covering
    }

    fn own(table: &'t Table, rows: LogEst) -> Tree<'t> {
        match &table.without_rowid {
            None => Tree {
                index: None,
                keys: smallvec![TreeKey {
                    part: KeyPart::Column(ColumnNo::ROWID),
                    collation: &Collation::Binary,
                    descending: false,
                    not_null: true,
                }],
                rows: smallvec![rows, LogEst::ONE],
                entry_size: LogEst(3),
                unique: true,
                unique_not_null: true,
                covering: true,
                counted: table.row_count.is_some(),
                filter: &[],
            },
            Some(tree) => {
                let columns = tree.stored.iter().zip(&tree.columns).take(tree.key_count);
                let keys = columns.map(|(&column, key)| TreeKey {
                    part: KeyPart::Column(ColumnNo::at(column)),
                    collation: &key.collation,
                    descending: key.descending,
                    not_null: true,
                });
                let mut rows = cost::prefix_rows(tree.key_count, None, rows, false);
                if let Some(last) = rows.last_mut() {
                    *last = LogEst::ONE;
                }
                Tree {
                    index: None,
                    keys: keys.collect(),
                    rows,
                    entry_size: cost::table_row_size(table),
                    unique: true,
                    unique_not_null: true,
                    covering: true,
                    counted: table.row_count.is_some(),
                    filter: &[],
                }
            }
        }
    }

    fn of_index(
        entry: &'t TableEntry<'_>,
        table: &'t Table,
        rows: LogEst,
        number: usize,
        index: &'t Arc<Index>,
    ) -> Option<Tree<'t>> {
        let bound = entry.bound_indexes().iter().find(|bound| bound.index == number);
        if bound.is_none() && index.is_computed() {
            return None;
        }
        let mut keys = SmallVec::with_capacity(index.columns.len());
        for (place, column) in index.columns.iter().enumerate() {
            let (part, not_null) = match &column.source {
                IndexSource::Column(number) if table.rowid_alias == Some(*number) => {
                    (KeyPart::Column(ColumnNo::ROWID), true)
                }
                IndexSource::Column(number) => (
                    KeyPart::Column(ColumnNo::at(*number)),
                    table.columns[*number].not_null.is_some(),
                ),
                IndexSource::Rowid => (KeyPart::Column(ColumnNo::ROWID), true),
                IndexSource::Expression(_) => (KeyPart::Expression(bound?.keys.get(place)?.as_ref()?), false),
            };
            let (collation, descending) = (&column.collation, column.descending);
            keys.push(TreeKey {
                part,
                collation,
                descending,
                not_null,
            });
        }
        let unique = index.unique.is_some();
        Some(Tree {
            unique_not_null: unique && keys.iter().all(|key: &TreeKey<'_>| key.not_null),
            covering: covers(index, table, entry),
            index: Some(index),
            keys,
            rows: cost::index_rows(index, rows),
            entry_size: cost::index_row_size(index, table),
            unique,
            counted: index.statistics.is_some(),
            filter: bound.map_or(&[], |bound| &bound.filter),
        })
    }
}

impl TreeKey<'_> {
    /// Whether the key is that column.
    pub fn is(&self, column: ColumnNo) -> bool {
        matches!(self.part, KeyPart::Column(own) if own == column)
    }
}

/// Whether the index's entries hold all columns of the table that are read.
pub(super) fn covers(index: &Index, table: &Table, entry: &TableEntry<'_>) -> bool {
    let holds = |column: ColumnNo| {
        let in_key = index.columns.iter().any(|own| match own.source {
            IndexSource::Column(number) => {
                column.index() == Some(number)
                    || column == ColumnNo::ROWID && table.rowid_alias == Some(number)
            }
            IndexSource::Rowid => column == ColumnNo::ROWID,
            IndexSource::Expression(_) => false,
        });
        let in_tail = match table.without_rowid {
            None => column == ColumnNo::ROWID,
            Some(_) => column.index().is_some_and(|number| index.tail.contains(&number)),
        };
        in_key || in_tail
    };
    entry.used.all(holds) && entry.tested.all(holds)
}
