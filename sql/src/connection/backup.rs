//! [`Backup`]: a copy of a live database, made a few pages at a time.

use std::time::Duration;

use aludel_storage::maintenance::PageCopy;
use aludel_storage::pager::TransactionState;

use super::{Connection, State};
use crate::error::{Error, Result};

/// A copy of one connection's database over another's.
///
/// Between two steps the source is free for everybody. What its own connection commits meanwhile is carried over; when somebody else
/// commits, the next step begins again. The target is locked from the first step on, and changes only when the last one commits: a backup
/// that is dropped before leaves it as it was.
///
/// ```
/// use std::time::Duration;
/// use aludel_sql::{Backup, Connection};
///
/// # fn main() -> aludel_sql::Result<()> {
/// let source = Connection::open_in_memory()?;
/// source.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES(1), (2), (3)")?;
///
/// let mut target = Connection::open_in_memory()?;
/// let mut backup = Backup::new(&source, "main", &mut target, "main")?;
/// backup.run_to_completion(100, Duration::from_millis(10), |backup| {
///     println!("{} of {} pages left", backup.remaining(), backup.page_count());
/// })?;
/// drop(backup);
/// assert_eq!(target.query_row("SELECT sum(a) FROM t", (), |row| row.get::<i64>(0))?, 6);
/// # Ok(())
/// # }
/// ```
pub struct Backup<'c> {
    source: &'c Connection,
    source_number: usize,
    target: &'c mut Connection,
    target_number: usize,
    /// `None` after an error that ended it.
    copy: Option<PageCopy>,
}

/// What a step of a [`Backup`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BackupStep {
    /// There are pages left.
    More,
    /// The target has been committed.
    Done,
}

impl<'c> Backup<'c> {
    /// A backup of `source`'s database `source_name` (`main`, or the name of an attached one) over `target_name` of `target`. Nothing is
    /// locked or read yet.
    ///
    /// # Errors
    /// `unknown database x`, `destination database is in use` when the target is in a transaction.
    pub fn new(
        source: &'c Connection,
        source_name: &str,
        target: &'c mut Connection,
        target_name: &str,
    ) -> Result<Backup<'c>> {
        let mut state = source.state()?;
        let source_number = state.database_named(source_name)?;
        let world = state.open_options().world();
        let target_state = target.state.get_mut();
        let target_number = target_state.database_named(target_name)?;
        if target_state.databases[target_number].pager.state() != TransactionState::None {
            return Err(Error::sql("destination database is in use"));
        }
        let copy = PageCopy::new(&mut state.databases[source_number].pager, world);
        drop(state);
        Ok(Backup {
            source,
            source_number,
            target,
            target_number,
            copy: Some(copy),
        })
    }

    /// Copies up to `pages` pages, and commits the target after the last.
    ///
    /// # Errors
    /// Code 5 (busy) when a lock cannot be had or the source's own connection is writing: try again later. The target's limits: code 8 when it
    /// is in memory or has a log, is not empty, and its pages have another size. After any other error the backup is over and the
    /// target as it was.
    pub fn step(&mut self, pages: u32) -> Result<BackupStep> {
        let mut source = self.source.state()?;
        let target = self.target.state.get_mut();
        let Some(copy) = &mut self.copy else {
            return Err(Error::misuse("the backup has failed"));
        };
        let source_pager = &mut source.databases[self.source_number].pager;
        let target_pager = &mut target.databases[self.target_number].pager;
        match copy.step(source_pager, target_pager, pages) {
            Ok(true) => {
                target.databases[self.target_number].forget_schema();
                target.schema_version += 1;
                Ok(BackupStep::Done)
            }
            Ok(false) => Ok(BackupStep::More),
            Err(error) => {
                drop(source);
                if !error.is_busy() {
                    self.finish();
                }
                Err(error.into())
            }
        }
    }

    /// Steps of `pages` pages with a pause after each, in which others can use the source, until all is copied. `progress` is called after
    /// each step. Waits, one pause at a time, while something is busy.
    ///
    /// # Errors
    /// Those of [`Backup::step`] but busy.
    pub fn run_to_completion(
        &mut self,
        pages: u32,
        pause: Duration,
        mut progress: impl FnMut(&Backup<'_>),
    ) -> Result<()> {
        loop {
            match self.step(pages) {
                Ok(BackupStep::Done) => {
                    progress(self);
                    return Ok(());
                }
                Ok(BackupStep::More) => progress(self),
                Err(error) if error.code() == CODE_BUSY => {}
                Err(error) => return Err(error),
            }
            std::thread::sleep(pause);
        }
    }

    /// Pages that are still to be copied, as of the last step. More may come, when the source changes.
    pub fn remaining(&self) -> u32 {
        self.copy.as_ref().map_or(0, PageCopy::remaining)
    }

    /// Pages of the source as of the last step.
    pub fn page_count(&self) -> u32 {
        self.copy.as_ref().map_or(0, PageCopy::page_count)
    }

    fn finish(&mut self) {
        let Some(copy) = self.copy.take() else { return };
        let Ok(mut source) = self.source.state() else {
            return;
        };
        let target: &mut State = self.target.state.get_mut();
        // A rollback that fails leaves the pager in doubt; it says so at its next use.
        let _ = copy.finish(
            &mut source.databases[self.source_number].pager,
            &mut target.databases[self.target_number].pager,
        );
    }
}

const CODE_BUSY: i32 = 5;

impl Drop for Backup<'_> {
    fn drop(&mut self) {
        self.finish();
    }
}

impl std::fmt::Debug for Backup<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backup")
            .field("remaining", &self.remaining())
            .field("page_count", &self.page_count())
            .finish_non_exhaustive()
    }
}
