//! In which order the rows of a finished plan come of themselves.
//!
//! ```text
//!   keys wanted      g, id          TableScan t [g, id, k]: arrives by id
//!   left to sort by  g              ids ascend among equal g, because a sort keeps the order of equal rows
//! ```
//!
//! The join planner is asked for an order before it chooses trees, and walks trees backwards for it; what is told here is what is left when
//! nobody asked, for sorts that are decided later: those of window functions.
//!
//! Source: ours; that entries of a tree come in the order of its key, and those of equal keys in the order of rowids, is section 2 of the file format.

use smallvec::SmallVec;

use crate::catalog::IndexSource;
use crate::plan::expr::Expr;
use crate::plan::physical::{IndexScan, Node, ScanColumn, SeekTerm, Sort, SortKey, TableScan};
use crate::value::Collation;

/// An order: rows ascend by the first key, those that agree in it by the second, and so on.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Arrival {
    keys: SmallVec<[ArrivalKey; 2]>,
}

#[derive(Clone, Debug, PartialEq)]
struct ArrivalKey {
    /// The columns of the layout that hold it.
    columns: SmallVec<[usize; 2]>,
    /// How texts compare; `None` for a rowid: no two rows agree in it, and it is no text.
    collation: Option<Collation>,
    descending: bool,
}

impl Arrival {
    /// The order in which `node` puts its rows out.
    pub(super) fn of(node: &Node) -> Arrival {
        match node {
            Node::TableScan(scan) => of_table(scan),
            Node::IndexScan(scan) => of_index(scan),
            Node::Filter(filter) => Arrival::of(&filter.input),
            Node::Limit(limit) => Arrival::of(&limit.input),
            // Results stand behind the columns of the input.
            Node::Window(window) => Arrival::of(&window.input),
            Node::Sort(sort) => of_sort(sort),
            Node::Project { input, expressions } => Arrival::of(input).projected(expressions),
            _ => Arrival::default(),
        }
    }

    /// How many of `wanted`'s leading keys the rows have to be sorted by, so that all of `wanted` holds: those behind them hold already.
    pub(super) fn left_to_sort(&self, wanted: &[SortKey]) -> usize {
        let holds = |from: &usize| self.leads_to(&wanted[*from..]);
        (0..wanted.len()).find(holds).unwrap_or(wanted.len())
    }

    /// How many of `wanted`'s leading keys hold.
    pub(super) fn held(&self, wanted: &[SortKey]) -> usize {
        let mut pairs = self.keys.iter().zip(wanted);
        pairs
            .position(|(own, wanted)| !own.is(wanted))
            .unwrap_or(self.keys.len().min(wanted.len()))
    }

    /// Whether no two rows agree in all of the keys.
    pub(super) fn tells_apart(&self, keys: &[SortKey]) -> bool {
        let mut unique = self.keys.iter().filter(|own| own.collation.is_none());
        unique.any(|own| keys.iter().any(|key| own.holds(&key.expression)))
    }

    fn leads_to(&self, wanted: &[SortKey]) -> bool {
        for (own, wanted) in self.keys.iter().zip(wanted) {
            match own.is(wanted) {
                false => return false,
                true if own.collation.is_none() => return true,
                true => {}
            }
        }
        wanted.len() <= self.keys.len()
    }

    fn projected(mut self, expressions: &[Expr]) -> Arrival {
        for key in &mut self.keys {
            let places = 0..expressions.len();
            key.columns = places.filter(|place| key.holds(&expressions[*place])).collect();
        }
        let lost = self.keys.iter().position(|key| key.columns.is_empty());
        self.keys.truncate(lost.unwrap_or(self.keys.len()));
        self
    }
}

impl ArrivalKey {
    /// Whether an expression over the layout is this key's column.
    fn holds(&self, expression: &Expr) -> bool {
        matches!(expression, Expr::Column(column) if self.columns.contains(column))
    }

    fn is(&self, wanted: &SortKey) -> bool {
        // NULL is the least value in a tree.
        let same_order = self
            .collation
            .as_ref()
            .is_none_or(|own| *own == wanted.collation && wanted.nulls_first != self.descending);
        self.holds(&wanted.expression) && wanted.descending == self.descending && same_order
    }
}

fn of_table(scan: &TableScan) -> Arrival {
    if scan.table.without_rowid.is_some() {
        return Arrival::default();
    }
    let mut arrival = Arrival::default();
    let columns = rowid_places(&scan.columns, scan.table.rowid_alias);
    arrival.push(columns, None, scan.descending);
    arrival
}

fn of_index(scan: &IndexScan) -> Arrival {
    let mut arrival = Arrival::default();
    for (place, key) in scan.index.columns.iter().enumerate() {
        if matches!(
            scan.seek.equal.get(place),
            Some(SeekTerm::Equal(_) | SeekTerm::Is(_))
        ) {
            continue;
        }
        let columns = match key.source {
            IndexSource::Column(column) => places(&scan.columns, |own| own == ScanColumn::Table(column)),
            IndexSource::Rowid => rowid_places(&scan.columns, scan.table.rowid_alias),
            IndexSource::Expression(_) => return arrival,
        };
        let collation = match key.source {
            IndexSource::Rowid => None,
            _ => Some(key.collation.clone()),
        };
        if !arrival.push(columns, collation, key.descending != scan.descending) {
            return arrival;
        }
    }
    if scan.table.without_rowid.is_none() {
        let columns = rowid_places(&scan.columns, scan.table.rowid_alias);
        arrival.push(columns, None, scan.descending);
    }
    arrival
}

fn of_sort(sort: &Sort) -> Arrival {
    let mut arrival = Arrival::default();
    let input = Arrival::of(&sort.input);
    for key in &sort.keys {
        let Expr::Column(column) = key.expression else {
            return arrival;
        };
        let natural = key.nulls_first != key.descending;
        let is_rowid = input
            .keys
            .iter()
            .any(|own| own.collation.is_none() && own.holds(&key.expression));
        if !natural && !is_rowid {
            return arrival;
        }
        let collation = (!is_rowid).then(|| key.collation.clone());
        arrival.push(SmallVec::from_slice(&[column]), collation, key.descending);
    }
    // Rows with equal keys keep the order in which they came.
    arrival.keys.extend(input.keys);
    arrival
}

impl Arrival {
    /// Adds a key; false when no column holds it, and then nothing can follow.
    fn push(
        &mut self,
        columns: SmallVec<[usize; 2]>,
        collation: Option<Collation>,
        descending: bool,
    ) -> bool {
        if columns.is_empty() {
            return false;
        }
        self.keys.push(ArrivalKey {
            columns,
            collation,
            descending,
        });
        true
    }
}

fn rowid_places(columns: &[ScanColumn], alias: Option<usize>) -> SmallVec<[usize; 2]> {
    places(columns, |own| match own {
        ScanColumn::Rowid => true,
        ScanColumn::Table(column) => Some(column) == alias,
    })
}

fn places(columns: &[ScanColumn], wanted: impl Fn(ScanColumn) -> bool) -> SmallVec<[usize; 2]> {
    let places = 0..columns.len();
    places.filter(|place| wanted(columns[*place])).collect()
}
