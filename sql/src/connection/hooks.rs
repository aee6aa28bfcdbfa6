//! What an application is told while statements run, and where it can say no.
//!
//! | hook | when | says |
//! |---|---|---|
//! | [commit](Connection::commit_hook) | before changes are made to last | `true`: roll back instead |
//! | [WAL](Connection::wal_hook) | a commit was written to the write-ahead log | the checkpoint that is to follow, if any |
//! | [rollback](Connection::rollback_hook) | after a transaction was rolled back | |
//! | [update](Connection::update_hook) | a row of a table with rowids was inserted, changed or deleted | |
//! | [preupdate](Connection::preupdate_hook) | a row is about to be inserted, changed or deleted | |
//! | [progress](Connection::progress_handler) | again and again while a statement runs | `true`: stop it |
//! | [busy](Connection::busy_handler) | another connection has a lock | `true`: try again |
//! | [trace](Connection::trace) | a statement begins to run | |
//! | [profile](Connection::profile) | it has ended | |
//!
//! A hook runs inside the call that causes it. The connection is in use then: what a hook asks of it is refused as misuse.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aludel_storage::pager::{CheckpointKind, Pager};
use parking_lot::Mutex;

use super::preupdate::ChangeTold;
use super::{Connection, State};
use crate::error::{ConstraintKind, Error, Result};

type Decision = Box<dyn FnMut() -> bool + Send>;
type LogTold = Box<dyn FnMut(&str, u32) -> Option<CheckpointKind> + Send>;
type BusyHandler = Arc<Mutex<dyn FnMut(u32) -> bool + Send>>;
type Told = Box<dyn FnMut(&str) + Send>;
type RowTold = Box<dyn FnMut(RowAction, &str, &str, i64) + Send>;
type TimeTold = Box<dyn FnMut(&str, Duration) + Send>;

/// The hooks of a connection.
#[derive(Default)]
pub(crate) struct Hooks {
    commit: Option<Decision>,
    wal: Option<LogTold>,
    rollback: Option<Box<dyn FnMut() + Send>>,
    update: Option<RowTold>,
    pub(super) preupdate: Option<ChangeTold>,
    progress: Option<Progress>,
    busy: Option<BusyHandler>,
    trace: Option<Told>,
    profile: Option<TimeTold>,
}

/// What was done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowAction {
    /// It is new.
    Insert,
    /// It was changed, maybe with its rowid.
    Update,
    /// It is gone.
    Delete,
}

/// A progress handler and when it is next asked.
struct Progress {
    every: u32,
    left: Cell<u32>,
    handler: RefCell<Decision>,
}

impl Connection {
    /// Asks `hook` before each commit of changes; `true` makes it a rollback, and the statement fails with `constraint failed` (code 531). `None`
    /// takes the hook away.
    ///
    /// ```
    /// # fn main() -> aludel_sql::Result<()> {
    /// let connection = aludel_sql::Connection::open_in_memory()?;
    /// connection.execute("CREATE TABLE t(a)", ())?;
    /// connection.commit_hook(Some(|| true))?;
    /// assert_eq!(connection.execute("INSERT INTO t VALUES (1)", ()).unwrap_err().extended_code(), 531);
    /// connection.commit_hook(None::<fn() -> bool>)?;
    /// connection.execute("INSERT INTO t VALUES (2)", ())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Misuse`] inside a call of the connection.
    pub fn commit_hook(&self, hook: Option<impl FnMut() -> bool + Send + 'static>) -> Result<()> {
        self.state()?.hooks.commit = hook.map(|hook| Box::new(hook) as Decision);
        Ok(())
    }

    /// Tells `hook` of each commit that was written to a write-ahead log: the name of the database, and how many frames (pages) the log has then. It says
    /// whether a checkpoint is to follow, and of which kind; what comes of that is nobody's error. With a hook, checkpoints by themselves end, as with
    /// SQLite: `None` takes the hook away and leaves that so, `PRAGMA wal_autocheckpoint = n` takes it away and brings them back.
    ///
    /// ```no_run
    /// use aludel_sql::CheckpointKind;
    ///
    /// # fn main() -> aludel_sql::Result<()> {
    /// let connection = aludel_sql::Connection::open("app.db")?;
    /// connection.pragma_update(None, "journal_mode", "wal")?;
    /// connection.wal_hook(Some(|_: &str, frames| (frames > 10_000).then_some(CheckpointKind::Restart)))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Misuse`] inside a call of the connection.
    pub fn wal_hook(
        &self,
        hook: Option<impl FnMut(&str, u32) -> Option<CheckpointKind> + Send + 'static>,
    ) -> Result<()> {
        let mut state = self.state()?;
        state.checkpoint_after(0);
        state.hooks.wal = hook.map(|hook| Box::new(hook) as LogTold);
        Ok(())
    }

    /// Tells `hook` of each rollback of a whole transaction, whatever brought it about but the end of the connection. `None` takes the hook
    /// away.
    ///
    /// # Errors
    /// [`Error::Misuse`] inside a call of the connection.
    pub fn rollback_hook(&self, hook: Option<impl FnMut() + Send + 'static>) -> Result<()> {
        self.state()?.hooks.rollback = hook.map(|hook| Box::new(hook) as Box<dyn FnMut() + Send>);
        Ok(())
    }

    /// Tells `told` of each row that a statement, or a trigger or key of it, inserts, changes or deletes: what was done, the database, the table and the
    /// rowid, which after an UPDATE is the new one. As with SQLite that leaves out tables WITHOUT ROWID, rows that give way to REPLACE, and `DELETE`
    /// of all rows at once. What is told may yet be rolled back. `None` ends that.
    ///
    /// Statements that were prepared before are compiled again; as long as there is a hook, UPDATE works row by row.
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    ///
    /// # fn main() -> aludel_sql::Result<()> {
    /// let connection = aludel_sql::Connection::open_in_memory()?;
    /// connection.execute("CREATE TABLE t(a)", ())?;
    /// let (sender, receiver) = channel();
    /// connection.update_hook(Some(move |action, _: &str, table: &str, rowid| {
    ///     sender.send((action, table.to_owned(), rowid)).ok();
    /// }))?;
    /// connection.execute("INSERT INTO t VALUES ('x')", ())?;
    /// assert_eq!(receiver.recv().unwrap(), (aludel_sql::RowAction::Insert, "t".to_owned(), 1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Misuse`] inside a call of the connection.
    pub fn update_hook(
        &self,
        told: Option<impl FnMut(RowAction, &str, &str, i64) + Send + 'static>,
    ) -> Result<()> {
        let mut state = self.state()?;
        state.hooks.update = told.map(|told| Box::new(told) as RowTold);
        state.schema_version += 1;
        Ok(())
    }

    /// Asks `handler` while statements run, once in `every` batches of rows that an operator hands on (a batch has up to a thousand); `true`
    /// stops the statement with [`Error::Interrupt`]. `None`, or 0 for `every`, takes the handler away.
    ///
    /// # Errors
    /// [`Error::Misuse`] inside a call of the connection.
    pub fn progress_handler(
        &self,
        every: u32,
        handler: Option<impl FnMut() -> bool + Send + 'static>,
    ) -> Result<()> {
        let handler = handler.filter(|_| every > 0);
        self.state()?.hooks.progress = handler.map(|handler| Progress {
            every,
            left: Cell::new(every),
            handler: RefCell::new(Box::new(handler)),
        });
        Ok(())
    }

    /// Asks `handler` whether to try again for a lock that another connection has; it is told how often it was asked before. It takes the place of
    /// [`Connection::busy_timeout`], and that of it. `None` never waits.
    ///
    /// # Errors
    /// [`Error::Misuse`] inside a call of the connection.
    pub fn busy_handler(&self, handler: Option<impl FnMut(u32) -> bool + Send + 'static>) -> Result<()> {
        let mut state = self.state()?;
        state.settings.busy_timeout_ms = 0;
        state.hooks.busy = handler.map(|handler| Arc::new(Mutex::new(handler)) as BusyHandler);
        for number in 0..state.databases.len() {
            state.wait_as_told(number);
        }
        Ok(())
    }

    /// Tells `told` the text of each statement that begins to run. `None` ends that.
    ///
    /// # Errors
    /// [`Error::Misuse`] inside a call of the connection.
    pub fn trace(&self, told: Option<impl FnMut(&str) + Send + 'static>) -> Result<()> {
        self.state()?.hooks.trace = told.map(|told| Box::new(told) as Told);
        Ok(())
    }

    /// Tells `told` the text of each statement that has ended, and how long it took from its first step to its end. `None` ends that.
    ///
    /// # Errors
    /// [`Error::Misuse`] inside a call of the connection.
    pub fn profile(&self, told: Option<impl FnMut(&str, Duration) + Send + 'static>) -> Result<()> {
        self.state()?.hooks.profile = told.map(|told| Box::new(told) as TimeTold);
        Ok(())
    }
}

impl Hooks {
    /// Changes are about to last.
    ///
    /// # Errors
    /// `constraint failed`, when the application says no.
    pub(crate) fn ask_to_commit(&mut self) -> Result<()> {
        let refused = self.commit.as_mut().is_some_and(|hook| hook());
        match refused {
            true => Err(Error::constraint(ConstraintKind::CommitHook, "constraint failed")),
            false => Ok(()),
        }
    }

    /// A commit is in the log of a database, if it has one.
    pub(crate) fn tell_of_log(&mut self, database: &str, pager: &mut Pager) {
        let (Some(hook), Some(frames)) = (&mut self.wal, pager.wal_frames()) else {
            return;
        };
        if let Some(kind) = hook(database, frames) {
            // The commit has happened whatever comes of this.
            let _ = pager.checkpoint(kind);
        }
    }

    /// A transaction was rolled back.
    pub(crate) fn tell_of_rollback(&mut self) {
        if let Some(hook) = &mut self.rollback {
            hook();
        }
    }

    /// Whether somebody wants to know of rows.
    #[inline]
    pub(crate) fn watches_rows(&self) -> bool {
        self.update.is_some()
    }

    /// Whether somebody wants to see rows before they change.
    #[inline]
    pub(crate) fn watches_changes(&self) -> bool {
        self.preupdate.is_some()
    }

    /// Whether somebody wants to see statements go on.
    #[inline]
    pub(crate) fn watches_progress(&self) -> bool {
        self.progress.is_some()
    }

    /// A batch further.
    ///
    /// # Errors
    /// [`Error::Interrupt`], when the application says so.
    #[inline(never)]
    pub(crate) fn tell_progress(&self) -> Result<()> {
        let Some(progress) = &self.progress else {
            return Ok(());
        };
        let left = progress.left.get().saturating_sub(1);
        progress.left.set(if left == 0 { progress.every } else { left });
        if left > 0 {
            return Ok(());
        }
        let stop = progress
            .handler
            .try_borrow_mut()
            .is_ok_and(|mut handler| handler());
        match stop {
            true => Err(Error::Interrupt),
            false => Ok(()),
        }
    }

    /// A statement begins; the time, if somebody wants to know how long it takes.
    pub(crate) fn tell_of_start(&mut self, sql: &str) -> Option<Instant> {
        if let Some(trace) = &mut self.trace {
            trace(sql);
        }
        self.profile.as_ref().map(|_| Instant::now())
    }

    /// The statement that began then has ended.
    pub(crate) fn tell_of_end(&mut self, sql: &str, start: Instant) {
        if let Some(profile) = &mut self.profile {
            profile(sql, start.elapsed());
        }
    }

    /// The timeout has taken the handler's place.
    pub(super) fn forget_busy_handler(&mut self) {
        self.busy = None;
    }
}

impl State {
    /// Logs are checkpointed by themselves after so many frames, never when that is 0; a hook on commits to them is taken away.
    pub(crate) fn checkpoint_after(&mut self, frames: u32) {
        self.hooks.wal = None;
        self.settings.wal_autocheckpoint = frames.into();
        for database in &mut self.databases {
            database.pager.set_wal_autocheckpoint(frames);
        }
    }

    /// A row of a table was changed.
    #[inline(never)]
    pub(crate) fn tell_of_row(&mut self, action: RowAction, database: usize, table: &str, rowid: i64) {
        if let (Some(told), Some(database)) = (&mut self.hooks.update, self.databases.get(database)) {
            told(action, &database.name, table, rowid);
        }
    }

    /// How a database waits for locks: by the handler if there is one, else by the clock.
    pub(crate) fn wait_as_told(&mut self, number: usize) {
        let Some(database) = self.databases.get_mut(number) else {
            return;
        };
        match &self.hooks.busy {
            Some(handler) => {
                let handler = Arc::clone(handler);
                let ask = move |count: u32| (*handler.lock())(count);
                database.pager.set_busy_handler(Some(Box::new(ask)));
            }
            None => {
                let timeout = Duration::from_millis(self.settings.busy_timeout_ms.into());
                database.pager.set_busy_timeout(timeout);
            }
        }
    }
}
