//! How the rows of a table are found.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::catalog::Index;
use crate::plan::logical::{Query, Scalar};
use crate::value::Affinity;
use crate::virtual_table::IndexPlan;
use std::rc::Rc;

/// An access path.
#[derive(Clone, Debug)]
pub(in crate::plan) enum Access {
    /// The table's own tree: a rowid table by rowid, a WITHOUT ROWID table by its key.
    Table(KeyRange),
    /// An index.
    Index {
        /// Which.
        index: Arc<Index>,
        /// Whether the table itself need not be read.
        covering: bool,
        /// Which entries.
        range: KeyRange,
        /// Further entries, which come after those.
        blobs: Option<Box<KeyRange>>,
    },
    /// Several indexes, one for each branch of an OR.
    Union(Vec<Access>),
    /// A virtual table, along plans of its own: one, or one for each branch of an OR.
    Virtual(Vec<VirtualBranch>),
    /// Rows that come from elsewhere: subqueries, common tables.
    Rows,
}

/// A scan of a virtual table.
#[derive(Clone, Debug)]
pub(in crate::plan) struct VirtualBranch {
    /// The plan that the table has made.
    pub plan: Arc<IndexPlan>,
    /// The values that it takes.
    pub arguments: Vec<KeyTerm>,
    /// What else must hold of its rows.
    pub filter: Vec<Scalar>,
}

/// The part of a tree that is visited.
#[derive(Clone, Debug, Default)]
pub(in crate::plan) struct KeyRange {
    /// Equalities on the leading key columns.
    pub equal: SmallVec<[KeyTerm; 1]>,
    /// Lower bound of the next column.
    pub lower: Option<Box<KeyBound>>,
    /// Upper bound of the next column.
    pub upper: Option<Box<KeyBound>>,
    /// From the last entry to the first.
    pub descending: bool,
}

/// An equality on a key column.
#[derive(Clone, Debug)]
pub(in crate::plan) struct KeyTerm {
    /// What it equals.
    pub value: KeyValue,
    /// The affinity to apply to the value first.
    pub affinity: Option<Affinity>,
}

impl KeyTerm {
    fn each_scalar(&self, visit: &mut dyn FnMut(&Scalar)) {
        match &self.value {
            KeyValue::Any => {}
            KeyValue::Equal(value) | KeyValue::Is(value) => visit(value),
            KeyValue::List(list) => list.iter().for_each(&mut *visit),
            KeyValue::Query(query) => query.each_scalar(&mut |scalar| visit(scalar)),
        }
    }
}

/// What a key column equals.
#[derive(Clone, Debug)]
pub(in crate::plan) enum KeyValue {
    /// Whatever there is: each value in turn. Only of leading columns.
    Any,
    /// `=`.
    Equal(Scalar),
    /// IS.
    Is(Scalar),
    /// IN (list).
    List(Vec<Scalar>),
    /// IN (query).
    Query(Rc<Query>),
}

/// A bound on a key column.
#[derive(Clone, Debug)]
pub(in crate::plan) struct KeyBound {
    /// The value.
    pub value: Scalar,
    /// The affinity to apply to it first.
    pub affinity: Option<Affinity>,
    /// Whether the value itself is inside.
    pub inclusive: bool,
}

impl Access {
    /// A look at every row.
    pub fn scan() -> Access {
        Access::Table(KeyRange::default())
    }

    /// Visits the expressions that seeks evaluate.
    pub fn each_scalar(&self, visit: &mut dyn FnMut(&Scalar)) {
        match self {
            Access::Table(range) => range.each_scalar(visit),
            Access::Index { range, blobs, .. } => {
                range.each_scalar(visit);
                blobs.iter().for_each(|blobs| blobs.each_scalar(visit));
            }
            Access::Union(branches) => branches.iter().for_each(|branch| branch.each_scalar(visit)),
            Access::Virtual(branches) => {
                for branch in branches {
                    branch
                        .arguments
                        .iter()
                        .for_each(|argument| argument.each_scalar(visit));
                    branch.filter.iter().for_each(&mut *visit);
                }
            }
            Access::Rows => {}
        }
    }
}

impl KeyRange {
    /// Whether all entries are visited.
    pub fn is_whole(&self) -> bool {
        self.equal.is_empty() && self.lower.is_none() && self.upper.is_none()
    }

    fn each_scalar(&self, visit: &mut dyn FnMut(&Scalar)) {
        self.equal.iter().for_each(|term| term.each_scalar(visit));
        self.lower
            .iter()
            .chain(&self.upper)
            .for_each(|bound| visit(&bound.value));
    }
}
