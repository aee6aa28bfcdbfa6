//! A full-text table: its definition, and the state that it keeps between calls.
//!
//! The definition never changes while the object lives. The state is the words that wait to be written ([`Pending`]) and a few numbers;
//! it is locked for moments only, never while a statement runs on a shadow table.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};

use parking_lot::Mutex;

use super::doclist::Direction;
use super::handle::CachedQuery;
use super::index_choice;
use super::options::Generation;
use super::pending::Pending;
use super::query::QuerySyntax;
use super::shadow::{Shadow, execute, quoted};
use super::tokenizer::Tokenizer;
use crate::error::Result;
use crate::syntax::ast::ConflictAction;
use crate::virtual_table::{
    Change, IndexPlan, IndexQuestion, Overload, Risk, VirtualContext, VirtualCursor, VirtualTable,
};

/// What is shared between the table, its cursors and its functions.
#[derive(Debug)]
pub(super) struct FtsTable {
    pub(super) generation: Generation,
    pub(super) syntax: QuerySyntax,
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    /// Columns that are kept, not indexed.
    pub(super) unindexed: Vec<bool>,
    pub(super) tokenizer: Arc<dyn Tokenizer>,
    /// Lengths of the prefixes that have an index; the index of whole words comes before them.
    pub(super) prefixes: Vec<usize>,
    pub(super) direction: Direction,
    /// Whether sizes of rows are kept.
    pub(super) has_docsize: bool,
    pub(super) content: Content,
    pub(super) language_column: Option<String>,
    /// Bytes of a node at most.
    pub(super) node_size: usize,
    pub(super) shadow: Shadow,
    pub(super) state: State,
}

/// Where the texts are, and how they are read: docid first, then the columns, then the language id if there is a column of it.
#[derive(Debug)]
pub(super) struct Content {
    /// The table of `content=`; empty for none at all.
    pub(super) external: Option<String>,
    /// `SELECT docid, .. FROM ..` without WHERE.
    pub(super) select: String,
    /// `INSERT INTO .. VALUES(..)`
    pub(super) insert: String,
}

/// What the table remembers from call to call.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) pending: Mutex<Pending>,
    /// Whether %_stat is there.
    pub(super) has_stat: AtomicBool,
    /// Segments that make an automatic merge; 255: not looked up yet.
    pub(super) auto_merge: AtomicU8,
    /// Leaves written in this transaction.
    pub(super) leaves_written: AtomicI64,
    /// Queries that functions may ask for.
    pub(super) queries: Mutex<VecDeque<CachedQuery>>,
}

/// `State::auto_merge` before it is looked up.
pub(super) const AUTO_MERGE_UNKNOWN: u8 = 255;

impl FtsTable {
    /// Indexes of each language: whole words and prefixes.
    pub(super) fn index_count(&self) -> usize {
        1 + self.prefixes.len()
    }

    pub(super) fn has_stat(&self) -> bool {
        self.state.has_stat.load(Ordering::Relaxed)
    }

    /// Drops the shadow tables.
    fn drop_tables(&self, context: &mut VirtualContext<'_>) -> Result<()> {
        let mut suffixes = vec!["segments", "segdir", "docsize", "stat"];
        if self.content.external.is_none() {
            suffixes.push("content");
        }
        for suffix in suffixes {
            let sql = format!("DROP TABLE IF EXISTS {}", self.shadow.table(suffix));
            execute(context, &sql, &[])?;
        }
        Ok(())
    }

    fn rename_tables(&self, context: &mut VirtualContext<'_>, new_name: &str) -> Result<()> {
        let mut suffixes = Vec::new();
        if self.content.external.is_none() {
            suffixes.push("content");
        }
        if self.has_docsize {
            suffixes.push("docsize");
        }
        if self.shadow.has(context, "stat")? {
            suffixes.push("stat");
        }
        suffixes.extend(["segments", "segdir"]);
        for suffix in suffixes {
            let target = quoted(&format!("{new_name}_{suffix}"));
            let sql = format!("ALTER TABLE {} RENAME TO {target}", self.shadow.table(suffix));
            execute(context, &sql, &[])?;
        }
        Ok(())
    }

    /// Words that wait are of a state that no longer is.
    fn forget_pending(&self) {
        self.state.pending.lock().clear();
    }
}

/// The table as the engine sees it.
#[derive(Debug)]
pub(super) struct FtsVirtualTable(pub(super) Arc<FtsTable>);

impl VirtualTable for FtsVirtualTable {
    fn best_index(&self, question: &IndexQuestion<'_>) -> Result<Option<IndexPlan>> {
        Ok(Some(index_choice::choose(&self.0, question)))
    }

    fn open(&self) -> Result<Box<dyn VirtualCursor>> {
        Ok(Box::new(super::cursor::FtsCursor::new(Arc::clone(&self.0))))
    }

    fn is_writable(&self) -> bool {
        true
    }

    fn update(
        &self,
        context: &mut VirtualContext<'_>,
        change: Change<'_>,
        conflict: ConflictAction,
    ) -> Result<Option<i64>> {
        self.0.update(context, change, conflict)
    }

    fn heeds_conflicts(&self) -> bool {
        true
    }

    fn begin(&self, context: &mut VirtualContext<'_>) -> Result<()> {
        self.0.state.leaves_written.store(0, Ordering::Relaxed);
        if !self.0.has_stat() && self.0.shadow.has(context, "stat")? {
            self.0.state.has_stat.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn sync(&self, context: &mut VirtualContext<'_>) -> Result<()> {
        self.0.sync(context)
    }

    fn commit(&self) {
        self.0.forget_pending();
    }

    fn rollback(&self) {
        self.0.forget_pending();
    }

    fn savepoint(&self, context: &mut VirtualContext<'_>, _depth: usize) -> Result<()> {
        self.0.sync(context)
    }

    fn rollback_to(&self, _depth: usize) {
        self.0.forget_pending();
    }

    fn rename(&self, context: &mut VirtualContext<'_>, new_name: &str) -> Result<()> {
        self.0.flush(context)?;
        self.0.rename_tables(context, new_name)
    }

    fn destroy(&self, context: &mut VirtualContext<'_>) -> Result<()> {
        self.0.drop_tables(context)
    }

    fn find_function(&self, name: &str, _arguments: usize) -> Option<Overload> {
        super::functions::overload(&self.0, name)
    }

    fn integrity(&self, context: &mut VirtualContext<'_>, _quick: bool) -> Result<Vec<String>> {
        self.0.integrity(context)
    }

    fn risk(&self) -> Risk {
        Risk::Innocuous
    }
}
