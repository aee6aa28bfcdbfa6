//! Index entries that wait, so that they can be written in the order of their keys.
//!
//! Inside a transaction a row that is inserted or deleted by itself leaves its entries of indexes that are not unique here: nobody asks
//! such an index whether a row may be written. The statements that do so ask no such index for anything else either
//! ([`Insert::defers`](super::Insert::defers) and its like). Everybody else comes to find them written: each other statement, each other
//! way to read a database, and COMMIT let them be written first (`State::write_deferred`), and a rollback forgets them.
//!
//! A statement that changes many rows leaves their entries here as well, if it does not look at indexes that are not unique once it has
//! begun to write ([`Insert::batches`](super::Insert::batches) and its like). They are written before it ends.
//!
//! - F1. Between two statements nothing waits outside of a transaction begun by the user, and while one runs that does not defer only what it
//!   left itself.
//! - F2. When writing fails, some entries are there and some are not: the statement that they belong to is undone, or the whole transaction where
//!   they may be of several.

use std::sync::Arc;

use aludel_storage::btree::{IndexBatch, IndexCursor};

use super::target::detached;
use crate::catalog::{Database, Index};
use crate::error::{Error, Result};
use crate::plan::physical::DatabaseIndex;

/// Entries that wait take at most about so much memory, those of all indexes together, or an eighth of the memory budget where
/// that is less.
pub(crate) const WAITING_BYTES_MAX: usize = 8 << 20;

/// The entries that wait, index by index.
pub(crate) struct Deferred {
    indexes: Vec<DeferredIndex>,
    until: Until,
    any: bool,
    bytes_max: usize,
}

impl Default for Deferred {
    fn default() -> Deferred {
        Deferred {
            indexes: Vec::new(),
            until: Until::Never,
            any: false,
            bytes_max: WAITING_BYTES_MAX,
        }
    }
}

/// How long the entries of the statement that runs may wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Until {
    /// Not at all.
    #[default]
    Never,
    /// To the end of the statement.
    StatementEnd,
    /// Until somebody wants to see them.
    Needed,
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
        self.until != Until::Never
    }

    /// A statement begins, or with [`Until::Never`] ends.
    #[inline]
    pub(crate) fn set_until(&mut self, until: Until) {
        self.until = until;
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
                > self.bytes_max
    }

    /// Changes how much memory entries that wait may take.
    pub(crate) fn set_bytes_max(&mut self, bytes: usize) {
        self.bytes_max = bytes;
    }

    /// Writes what waits when it is much and belongs to the statement that runs.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    #[inline]
    pub(super) fn write_if_full(&mut self, databases: &mut [Database]) -> Result<()> {
        if self.until == Until::StatementEnd && self.is_full() {
            return self.write(databases);
        }
        Ok(())
    }

    /// The statement to which all that waits belongs has ended; unless it `keeps` what it did, nothing is to be written.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(crate) fn end_statement(&mut self, databases: &mut [Database], keeps: bool) -> Result<()> {
        self.until = Until::Never;
        match keeps {
            true if self.any => self.write(databases),
            true => Ok(()),
            false => {
                self.forget();
                Ok(())
            }
        }
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
