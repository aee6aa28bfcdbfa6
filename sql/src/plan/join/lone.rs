//! One row of one table, named by its rowid: there is nothing to choose.
//!
//! Most statements that programs run by the thousand are of this kind, and to look for the cheapest of all ways would take longer than the
//! rest of their compilation. What comes out here is what the search finds ([`Planner`](super::region::Planner)): a row that is known by its
//! rowid is cheaper than anything else, and one row is in any order.

use smallvec::{SmallVec, smallvec};

use super::access::{Access, KeyRange, KeyTerm, KeyValue};
use super::{JoinPlan, ScanStep, Step, TermId, TermIds, Terms, Wanted};
use crate::plan::expr::CompareOp;
use crate::plan::logical::{ColumnNo, From, IndexHint, Scalar, Source, SourceKind};
use crate::value::Affinity;

impl<'q> JoinPlan<'q> {
    /// The plan for the row of a lone table that `filter` names by its rowid.
    pub(super) fn lone_row(from: &'q From, filter: &'q [Scalar], wanted: &Wanted) -> Option<JoinPlan<'q>> {
        let source = lone_table(from)?;
        let named = |term: &'q Scalar| rowid_value(source, term);
        let (place, (value, affinity)) = filter
            .iter()
            .enumerate()
            .find_map(|(place, term)| Some((place, named(term)?)))?;
        let key = KeyTerm {
            value: KeyValue::Equal(value.clone()),
            affinity,
        };
        let mut rest = TermIds::new();
        for number in (0..filter.len()).filter(|number| *number != place) {
            rest.push(number as TermId);
        }
        let step = ScanStep {
            source,
            access: Access::Table(KeyRange {
                equal: smallvec![key],
                ..KeyRange::default()
            }),
            filter: rest,
            estimate: 1.0,
        };
        let mut terms = SmallVec::new();
        if filter.len() > 1 {
            terms.extend(filter);
        }
        Some(JoinPlan {
            terms: Terms::Written(terms),
            root: Step::scan(step),
            sorted: wanted.order.len(),
        })
    }
}

/// The table with rowids that is all of a FROM.
fn lone_table(from: &From) -> Option<&Source> {
    let From::Source(source) = from else { return None };
    match &source.kind {
        SourceKind::Table { table, .. } if table.has_rowid() => {}
        _ => return None,
    }
    match source.hint {
        IndexHint::By(_) => None,
        IndexHint::Free | IndexHint::NotIndexed => Some(source),
    }
}

/// What a term says that the rowid equals, and the affinity that the comparison gives it.
fn rowid_value<'q>(source: &Source, term: &'q Scalar) -> Option<(&'q Scalar, Option<Affinity>)> {
    let Scalar::Compare(comparison) = term else {
        return None;
    };
    if comparison.op != CompareOp::Eq {
        return None;
    }
    let rule = &comparison.rule;
    let sides = [
        (&comparison.left, &comparison.right, rule.left, rule.right),
        (&comparison.right, &comparison.left, rule.right, rule.left),
    ];
    sides
        .into_iter()
        .find_map(|(own, value, own_affinity, affinity)| {
            let column = own.as_column()?;
            let is_rowid = column.table == source.table && column.column == ColumnNo::ROWID;
            // A key is found as it is stored.
            let kept = own_affinity.is_none_or(Affinity::is_numeric);
            (is_rowid && kept && !reads(value, source)).then_some((value, affinity))
        })
}

/// Whether an expression depends on the row of the table.
fn reads(scalar: &Scalar, source: &Source) -> bool {
    match scalar {
        Scalar::Literal(_) | Scalar::Parameter(_) => false,
        Scalar::Column(column) => column.table == source.table,
        other => {
            let mut reads = false;
            other.each_column(&mut |column| reads |= column.table == source.table);
            reads
        }
    }
}
