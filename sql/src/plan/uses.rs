//! Where the text of a definition names a table, or one column of it, or has strings in double quotes.
//!
//! ALTER TABLE .. RENAME changes texts: the words that mean what is renamed, and no others. Which these are, only binding can tell: the same
//! word may be an alias, a column of another table, or one of a subquery. So the binder is given a [`Uses`] and tells it each place where a
//! name turns out to be the table or the column that it asks for.
//!
//! The places are spans in the text that is bound. What is bound on the way but stands in another text (the query of a view that is
//! referred to, the expressions of indexes and generated columns) is left out: the binder puts the `Uses` aside meanwhile.

use std::cell::RefCell;
use std::sync::Arc;

use crate::catalog::Table;
use crate::syntax::ast::Span;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// The table's name.
    Table,
    /// The name of a column.
    Column(usize),
    /// Strings that stand in double quotes, as if they were names; whichever the table.
    String,
}

/// The places found so far at which a table, or a column of it, is named.
#[derive(Debug)]
pub struct Uses {
    table: Arc<Table>,
    named: Named,
    spans: RefCell<Vec<Span>>,
}

impl Uses {
    /// Nothing found yet.
    #[must_use]
    pub fn of(table: &Arc<Table>, named: Named) -> Uses {
        Uses {
            table: Arc::clone(table),
            named,
            spans: RefCell::default(),
        }
    }

    /// The places in the order of the text, each once.
    #[must_use]
    pub fn into_spans(self) -> Vec<Span> {
        let mut spans = self.spans.into_inner();
        spans.sort_unstable_by_key(|span| span.start);
        spans.dedup_by_key(|span| span.start);
        spans
    }

    /// The name at `span` stands for that table.
    pub fn note_table(&self, table: &Table, span: Span) {
        if self.named == Named::Table && self.is_of(table) {
            self.spans.borrow_mut().push(span);
        }
    }

    /// The name at `span` stands for a column of that table; `None` is its rowid, which is also what an INTEGER PRIMARY KEY is.
    pub fn note_column(&self, table: &Table, column: Option<usize>, span: Span) {
        let Named::Column(wanted) = self.named else { return };
        if self.is_of(table) && column.or(table.rowid_alias) == Some(wanted) {
            self.spans.borrow_mut().push(span);
        }
    }

    /// What stands in double quotes at `span` is no name.
    pub fn note_string(&self, span: Span) {
        if self.named == Named::String {
            self.spans.borrow_mut().push(span);
        }
    }

    fn is_of(&self, table: &Table) -> bool {
        std::ptr::eq(&raw const *self.table, table)
    }
}
