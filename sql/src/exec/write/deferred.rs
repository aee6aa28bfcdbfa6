//! Index entries that wait, so that they can be written in the order of their keys.
//!
//! Inside a transaction a row that is inserted or deleted by itself leaves its entries of indexes that are not unique here: nobody asks
//! such an index whether a row may be written. The statements that do so ask no such index for anything else either
//! ([`Insert::defers`](super::Insert::defers) and its like). Everybody else comes to find them written: each other statement, each other
//! way to read a database, and COMMIT let them be written first (`State::write_deferred`), and a rollback forgets them.
//!
//! - F1. Nothing waits outside of a transaction begun by the user, nor when anything but a statement that defers runs.
//! - F2. When writing fails, some entries are there and some are not, so the whole transaction is rolled back.

use std::sync::Arc;

use aludel_storage::btree::{IndexBatch, IndexCursor};

use super::target::detached;
use crate::catalog::{Database, Index};
use crate::error::{Error, Result};
use crate::plan::physical::DatabaseIndex;

/// Entries that wait take at most about so much memory, those of all indexes together.
const BYTES_MAX: usize = 8 << 20;

/// The entries that wait, index by index.
#[derive(Default)]
pub(crate) struct Deferred {
    indexes: Vec<DeferredIndex>,
    /// The statement that runs may leave entries here.
    open: bool,
    any: bool,
}

struct DeferredIndex {
    database: DatabaseIndex,
    index: Arc<Index>,
    cursor: IndexCursor,
    batch: IndexBatch,
}

impl Deferred {
    /// Whether entries may be left here.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// A statement begins that leaves entries here, or ends.
    #[inline]
    pub(crate) fn set_open(&mut self, open: bool) {
        self.open = open;
    }

    /// Whether any entries wait.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any
    }

    /// Whether so many wait that it is time to write them.
    pub(crate) fn is_full(&self) -> bool {
        self.any
            && self
                .indexes
                .iter()
                .map(|index| index.batch.bytes())
                .sum::<usize>()
                > BYTES_MAX
    }

    /// Where entries of `index` wait.
    #[inline]
    pub(super) fn batch(&mut self, database: DatabaseIndex, index: &Arc<Index>) -> &mut IndexBatch {
        self.any = true;
        let known = |known: &DeferredIndex| known.database == database && Arc::ptr_eq(&known.index, index);
        let place = match self.indexes.iter().position(known) {
            Some(place) => place,
            None => self.take_in(database, index),
        };
        &mut self.indexes[place].batch
    }

    #[cold]
    fn take_in(&mut self, database: DatabaseIndex, index: &Arc<Index>) -> usize {
        self.indexes.push(DeferredIndex {
            database,
            index: Arc::clone(index),
            cursor: IndexCursor::new(index.root, Arc::clone(&index.order)),
            batch: IndexBatch::new(Arc::clone(&index.order)),
        });
        self.indexes.len() - 1
    }

    /// Writes all that waits.
    ///
    /// # Errors
    /// Those of the store; then nothing waits either, and the transaction cannot go on.
    pub(crate) fn write(&mut self, databases: &mut [Database]) -> Result<()> {
        let mut written = Ok(());
        for waiting in self.indexes.iter_mut().filter(|index| !index.batch.is_empty()) {
            let database = databases.get_mut(waiting.database).ok_or_else(detached);
            written = database.and_then(|database| {
                let applied = waiting.batch.apply(&mut database.pager, &mut waiting.cursor);
                applied.map_err(Error::from)
            });
            if written.is_err() {
                break;
            }
        }
        if written.is_err() {
            self.forget();
        }
        self.any = false;
        written
    }

    /// The transaction is over: nothing waits, and nothing is known of the indexes.
    pub(crate) fn forget(&mut self) {
        self.indexes.clear();
        self.any = false;
    }
}
