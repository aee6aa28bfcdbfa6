//! EXPLAIN QUERY PLAN: lines in SQLite's words, collected while the plan is made.

use super::Lowerer;
use super::scalar::SubqueryUse;
use crate::catalog::{IndexSource, Table};
use crate::plan::context::ExplainLine;
use crate::plan::join::{Access, KeyRange, KeyTerm, KeyValue};
use crate::plan::logical::{Query, TableId};

/// The lines so far and the line that new ones go under.
#[derive(Debug, Default)]
pub(super) struct Explainer {
    lines: Vec<ExplainLine>,
    parents: Vec<u32>,
    subqueries: usize,
    /// What the next scan's line says beside the table.
    note: ScanNote,
}

/// What a scan's line says because of the join around it.
#[derive(Clone, Debug, Default)]
pub(super) struct ScanNote {
    /// The keys of the hash table that the rows go into.
    pub hashed: Option<String>,
    /// LEFT JOIN.
    pub left: bool,
    /// The rows are kept and read again.
    pub kept: bool,
    /// Only the first row is read.
    pub first_row: bool,
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

    /// Sets what the next scan's line says.
    pub(super) fn explain_note(&mut self, note: impl FnOnce() -> ScanNote) {
        if let Some(explainer) = &mut self.explainer {
            explainer.note = note();
        }
    }

    /// The line of a table's scan or search.
    pub(super) fn explain_access(&mut self, id: TableId, table: &Table, access: &Access) {
        let Some(explainer) = &mut self.explainer else {
            return;
        };
        let note = std::mem::take(&mut explainer.note);
        let name = self.tables.get(id).name.clone();
        let (verb, rest) = match &note.hashed {
            Some(keys) => ("SEARCH", format!(" USING AUTOMATIC COVERING INDEX ({keys})")),
            None => access_words(table, access),
        };
        let suffix = if note.left { " LEFT-JOIN" } else { "" };
        let verb = if note.first_row { "SEARCH" } else { verb };
        self.explain_leaf(|| format!("{verb} {name}{rest}{suffix}"));
    }

    /// The line of a scan of rows that are in no tree.
    pub(super) fn explain_rows(&mut self, id: TableId, rest: &str) {
        let Some(explainer) = &mut self.explainer else {
            return;
        };
        let note = std::mem::take(&mut explainer.note);
        let name = self.shown_name(id);
        let suffix = if note.left { " LEFT-JOIN" } else { "" };
        self.explain_leaf(|| match note.hashed {
            Some(keys) => format!("SEARCH {name} USING AUTOMATIC COVERING INDEX ({keys}){suffix}"),
            None => format!("SCAN {name}{rest}{suffix}"),
        });
    }

    /// The line above the lines of a subquery in FROM.
    pub(super) fn explain_subquery_rows(&mut self, id: TableId) -> (OpenLine, ScanNote) {
        let Some(explainer) = &mut self.explainer else {
            return (OpenLine(false), ScanNote::default());
        };
        let note = std::mem::take(&mut explainer.note);
        let how = if note.kept { "MATERIALIZE" } else { "CO-ROUTINE" };
        let name = self.shown_name(id);
        (self.explain_line(|| format!("{how} {name}")), note)
    }

    /// A table's name, or what SQLite calls a subquery without one.
    fn shown_name(&self, id: TableId) -> String {
        match &*self.tables.get(id).name {
            "" => format!("(subquery-{})", id.0),
            name => name.to_owned(),
        }
    }

    /// Rows that come from no table.
    pub(super) fn explain_constant_rows(&mut self, count: usize) {
        self.explain_leaf(|| match count {
            1 => "SCAN CONSTANT ROW".to_owned(),
            count => format!("SCAN {count}-ROW VALUES CLAUSE"),
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

/// `SCAN` or `SEARCH`, and the words after the table's name.
fn access_words(table: &Table, access: &Access) -> (&'static str, String) {
    match access {
        Access::Virtual(..) => ("SCAN", String::new()),
        Access::Table(range) => match &table.without_rowid {
            None => rowid_words(range),
            Some(_) if range.is_whole() => ("SCAN", String::new()),
            Some(tree) => {
                let name = |place: usize| column_name(table, tree.stored.get(place).copied());
                (
                    "SEARCH",
                    format!(" USING PRIMARY KEY ({})", range_words(range, &name)),
                )
            }
        },
        Access::Index {
            index,
            covering,
            range,
            ..
        } => {
            let kind = if *covering { "COVERING INDEX" } else { "INDEX" };
            let name = |place: usize| match index.columns.get(place).map(|column| &column.source) {
                Some(IndexSource::Column(column)) => column_name(table, Some(*column)),
                Some(IndexSource::Rowid) => "rowid".to_owned(),
                _ => "<expr>".to_owned(),
            };
            match range.is_whole() {
                true => ("SCAN", format!(" USING {kind} {}", index.name)),
                false => (
                    "SEARCH",
                    format!(" USING {kind} {} ({})", index.name, range_words(range, &name)),
                ),
            }
        }
        Access::Union(_) | Access::Rows => ("SCAN", String::new()),
    }
}

fn column_name(table: &Table, column: Option<usize>) -> String {
    match column {
        Some(column) if table.rowid_alias == Some(column) => "rowid".to_owned(),
        Some(column) => table
            .columns
            .get(column)
            .map_or_else(String::new, |column| column.name.clone()),
        None => "rowid".to_owned(),
    }
}

fn rowid_words(range: &KeyRange) -> (&'static str, String) {
    let words = match (range.equal.first(), &range.lower, &range.upper) {
        (Some(_), ..) => "=?",
        (None, Some(_), Some(_)) => ">? AND rowid<?",
        (None, Some(_), None) => ">?",
        (None, None, Some(_)) => "<?",
        (None, None, None) => return ("SCAN", String::new()),
    };
    ("SEARCH", format!(" USING INTEGER PRIMARY KEY (rowid{words})"))
}

/// `a=? AND b>?`
fn range_words(range: &KeyRange, name: &dyn Fn(usize) -> String) -> String {
    let word = |(place, term): (usize, &KeyTerm)| match term.value {
        KeyValue::Any => format!("ANY({})", name(place)),
        _ => format!("{}=?", name(place)),
    };
    let mut words: Vec<String> = range.equal.iter().enumerate().map(word).collect();
    let next = name(range.equal.len());
    words.extend(range.lower.iter().map(|_| format!("{next}>?")));
    words.extend(range.upper.iter().map(|_| format!("{next}<?")));
    words.join(" AND ")
}
