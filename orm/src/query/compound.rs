//! UNION, INTERSECT, EXCEPT.

use super::executor::Detached;
use super::select::Query;
use super::selection::Selection;
use super::source::Source;
use crate::expr::{Compound, CompoundOp, FromItem, Relation, Select, SourceId};

impl<S: Source, O: Selection, X> Query<S, O, X> {
    /// The rows of both, each once. The other query must select the same types.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// struct Person {
    ///     #[column(primary_key)]
    ///     id: Id<Person>,
    ///     name: String,
    ///     nick: String,
    /// }
    ///
    /// let names = query::<Person>().select(|p| p.name).union(query::<Person>().select(|p| p.nick));
    /// assert_eq!(names.to_sql(), "SELECT name FROM person UNION SELECT nick FROM person");
    /// ```
    pub fn union<S2: Source, O2: Selection<Row = O::Row>>(self, other: Query<S2, O2, Detached>) -> Self {
        self.combined(CompoundOp::Union, other)
    }

    /// The rows of both, with repetitions.
    pub fn union_all<S2: Source, O2: Selection<Row = O::Row>>(self, other: Query<S2, O2, Detached>) -> Self {
        self.combined(CompoundOp::UnionAll, other)
    }

    /// The rows that both have.
    pub fn intersect<S2: Source, O2: Selection<Row = O::Row>>(self, other: Query<S2, O2, Detached>) -> Self {
        self.combined(CompoundOp::Intersect, other)
    }

    /// The rows of this query that the other has not.
    pub fn except<S2: Source, O2: Selection<Row = O::Row>>(self, other: Query<S2, O2, Detached>) -> Self {
        self.combined(CompoundOp::Except, other)
    }

    fn combined<S2: Source, O2>(mut self, op: CompoundOp, other: Query<S2, O2, Detached>) -> Self {
        if self.select.limit.is_some() || self.select.offset.is_some() {
            // The limit so far is of the rows so far.
            let arm = std::mem::take(&mut *self.select);
            *self.select = all_of_them(arm);
        }
        self.select.compound.push(Compound {
            op,
            select: other.select,
        });
        self
    }
}

/// `SELECT * FROM (select)`
fn all_of_them(select: Select) -> Select {
    Select {
        from: vec![FromItem {
            source: SourceId::fresh(),
            relation: Relation::Select(Box::new(select)),
            join: None,
        }],
        ..Select::default()
    }
}
