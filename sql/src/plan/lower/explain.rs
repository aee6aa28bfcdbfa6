//! EXPLAIN QUERY PLAN: lines in SQLite's words, collected while the plan is made.

use super::Lowerer;
use super::scalar::SubqueryUse;
use crate::plan::context::ExplainLine;
use crate::plan::logical::Query;

/// The lines so far and the line that new ones go under.
#[derive(Debug, Default)]
pub(super) struct Explainer {
    lines: Vec<ExplainLine>,
    parents: Vec<u32>,
    subqueries: usize,
}

/// An open line; `None` when nobody asked for lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenLine(bool);

impl Explainer {
    fn add(&mut self, detail: String) -> u32 {
        let id = self.lines.len() as u32 + 1;
        let parent = self.parents.last().copied().unwrap_or(0);
        self.lines.push(ExplainLine { id, parent, detail });
        id
    }

    /// The lines.
    pub fn into_lines(self) -> Vec<ExplainLine> {
        self.lines
    }
}

impl Lowerer<'_> {
    /// Adds a line and puts the following ones under it until [`explain_end`](Self::explain_end).
    pub(super) fn explain_line(&mut self, detail: impl FnOnce() -> String) -> OpenLine {
        match &mut self.explainer {
            Some(explainer) => {
                let id = explainer.add(detail());
                explainer.parents.push(id);
                OpenLine(true)
            }
            None => OpenLine(false),
        }
    }

    /// Ends what a line opened.
    pub(super) fn explain_end(&mut self, line: OpenLine) {
        if let (Some(explainer), true) = (&mut self.explainer, line.0) {
            explainer.parents.pop();
        }
    }

    /// Adds a line that has none under it.
    pub(super) fn explain_leaf(&mut self, detail: impl FnOnce() -> String) {
        if let Some(explainer) = &mut self.explainer {
            explainer.add(detail());
        }
    }

    /// A sort, hash table or set.
    pub(super) fn explain_temp(&mut self, purpose: &str) {
        self.explain_leaf(|| format!("USE TEMP B-TREE FOR {purpose}"));
    }

    /// The set of a DISTINCT aggregate.
    pub(super) fn explain_temp_for_call(&mut self, function: &str, purpose: &str) {
        self.explain_leaf(|| format!("USE TEMP B-TREE FOR {function}({purpose})"));
    }

    /// ORDER BY of which `sorted` of `count` terms hold already.
    pub(super) fn explain_sort(&mut self, sorted: usize, count: usize) {
        let left = count - sorted;
        self.explain_leaf(|| match (sorted, left) {
            (0, _) => "USE TEMP B-TREE FOR ORDER BY".to_owned(),
            (_, 1) => "USE TEMP B-TREE FOR LAST TERM OF ORDER BY".to_owned(),
            (_, left) => format!("USE TEMP B-TREE FOR LAST {left} TERMS OF ORDER BY"),
        });
    }

    /// Rows that come from no table.
    pub(super) fn explain_constant_rows(&mut self, count: usize) {
        self.explain_leaf(|| match count {
            1 => "SCAN CONSTANT ROW".to_owned(),
            count => format!("SCAN {count} CONSTANT ROWS"),
        });
    }

    /// A subquery of an expression.
    pub(super) fn explain_subquery(&mut self, query: &Query, usage: SubqueryUse) -> OpenLine {
        if let Some(explainer) = &mut self.explainer {
            explainer.subqueries += 1;
        }
        let number = self
            .explainer
            .as_ref()
            .map_or(0, |explainer| explainer.subqueries);
        let correlated = if self.is_correlated(query) {
            "CORRELATED "
        } else {
            ""
        };
        self.explain_line(|| match usage {
            SubqueryUse::List => format!("{correlated}LIST SUBQUERY {number}"),
            SubqueryUse::Exists | SubqueryUse::Scalar => format!("{correlated}SCALAR SUBQUERY {number}"),
        })
    }

    /// Whether a query refers to tables that are not its own.
    fn is_correlated(&self, query: &Query) -> bool {
        let mut own = Vec::new();
        query.each_own_table(&mut |table| own.push(table));
        let mut correlated = false;
        query.each_column(&mut |column| correlated |= !own.contains(&column.table));
        correlated
    }
}
