//! The transaction of a connection: autocommit, savepoints, and what the end of a statement does to locks and changes.
//!
//! ```text
//!                    BEGIN, SAVEPOINT                       COMMIT, RELEASE of the outermost
//!   autocommit  ─────────────────────────▶  transaction  ─────────────────────────────────▶  autocommit
//!   each statement commits when it ends;    statements are undone singly, to their own savepoint;
//!   a read holds its snapshot until then    locks stay until the end
//! ```
//!
//! Each savepoint of the connection is a savepoint at the same depth in every pager that writes; a pager that begins to write later
//! opens as many as there are. A statement's own savepoint lies above them.

use std::sync::atomic::AtomicBool;

use aludel_storage::btree;
use aludel_storage::format::AutoVacuum;
use aludel_storage::pager::{Afterwards, PAGE_COUNT_MAX, Pager, TransactionState, Waiting, commit_all};

use super::State;
use crate::catalog::Database;
use crate::error::{Error, Result};
use crate::exec::write::{Failure, check_transaction_keys};
use crate::pragma;
use crate::syntax::ast::{ConflictAction, TransactionKind};

/// SQLITE_BUSY.
const BUSY: i32 = 5;

/// Where a connection stands.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    /// Set by BEGIN and by an outermost SAVEPOINT.
    begun: bool,
    savepoints: Vec<Savepoint>,
    /// Statements between their first step and their end.
    running: usize,
    /// Those of them that write.
    writing: usize,
    /// Savepoints of statements that are open in the pagers, above those of the user: more than one when statements are inside
    /// each other.
    statements: usize,
    /// Grows when a rollback takes the ground from under running statements.
    pub(crate) abortions: u64,
    /// Grows with each ROLLBACK, also of a part.
    pub(crate) rollbacks: u64,
    /// The database whose read transaction could not become one that writes because of another connection.
    refused: Option<usize>,
}

#[derive(Debug)]
struct Savepoint {
    name: String,
    /// It began the transaction, so its release commits.
    outermost: bool,
}

/// What a statement holds while it runs. One word: it is handed on right after it was made, and a processor waits to read in one piece
/// what was written in several.
#[derive(Debug)]
pub(crate) struct Entered(u64);

impl Entered {
    const WRITE: u64 = 1;
    const UNDOABLE: u64 = 2;
    const DEPTH_SHIFT: u32 = 2;

    #[inline]
    fn new(write: bool, undoable: bool, depth: usize) -> Entered {
        let flags = if write { Entered::WRITE } else { 0 } | if undoable { Entered::UNDOABLE } else { 0 };
        Entered(flags | (depth as u64) << Entered::DEPTH_SHIFT)
    }

    #[inline]
    fn writes(&self) -> bool {
        self.0 & Entered::WRITE != 0
    }

    /// Whether its changes can be taken back alone: savepoints were opened in the pagers that write.
    #[inline]
    fn is_undoable(&self) -> bool {
        self.0 & Entered::UNDOABLE != 0
    }

    /// The savepoints below its own.
    #[inline]
    fn depth(&self) -> usize {
        (self.0 >> Entered::DEPTH_SHIFT) as usize
    }
}

/// How a statement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Failed(ConflictAction),
}

impl Transaction {
    pub(crate) fn is_autocommit(&self) -> bool {
        !self.begun
    }

    pub(crate) fn running(&self) -> usize {
        self.running
    }

    pub(crate) fn savepoints(&self) -> usize {
        self.savepoints.len()
    }
}

impl State {
    // ---- a statement's begin and end -------------------------------------------------------------

    /// Opens read transactions on `databases` and sees to it that their schemas are current, and that their indexes are.
    pub(crate) fn begin_reading(&mut self, databases: &[usize]) -> Result<()> {
        self.write_deferred()?;
        self.begin_reading_as_is(databases)
    }

    /// As [`State::begin_reading`], for who asks no index for which entries may wait.
    #[inline]
    pub(crate) fn begin_reading_as_is(&mut self, databases: &[usize]) -> Result<()> {
        let is_read = |number: &usize| self.databases.get(*number).is_none_or(Database::is_read);
        match databases.iter().all(is_read) {
            true => Ok(()),
            false => self.begin_reading_now(databases),
        }
    }

    #[inline(never)]
    fn begin_reading_now(&mut self, databases: &[usize]) -> Result<()> {
        let before = self.open_transactions();
        for &number in databases {
            let Some(database) = self.databases.get_mut(number) else {
                continue;
            };
            let began = database.pager.begin_read().map_err(Error::from);
            let refreshed = began.and_then(|()| database.refresh_schema(&self.collations));
            match refreshed {
                Ok(true) => self.schema_version += 1,
                Ok(false) => {}
                Err(error) => {
                    self.end_reads_since(before);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Whether a statement that writes `databases` may leave index entries for later. Where a limit on pages is set, they are to be refused
    /// with the row.
    pub(crate) fn may_defer(&self, databases: &[usize]) -> bool {
        let unlimited = |number: &usize| {
            let database = self.databases.get(*number);
            database.is_some_and(|database| database.pager.max_page_count() == PAGE_COUNT_MAX)
        };
        self.transaction.begun && self.nested.depth == 0 && databases.iter().all(unlimited)
    }

    /// Writes index entries that wait.
    ///
    /// # Errors
    /// Those of the store; the transaction is rolled back then.
    #[inline]
    pub(crate) fn write_deferred(&mut self) -> Result<()> {
        if self.deferred.any() {
            self.write_deferred_now()
        } else {
            Ok(())
        }
    }

    #[inline(never)]
    fn write_deferred_now(&mut self) -> Result<()> {
        let written = self.deferred.write(&mut self.databases);
        if written.is_err() {
            self.roll_back_all();
            self.release_idle();
        }
        written
    }

    /// A statement that left index entries for its end has come to it.
    pub(crate) fn end_batches(&mut self, result: Result<(), Failure>) -> Result<(), Failure> {
        let keeps = match &result {
            Ok(()) => true,
            Err(failure) => failure.action == ConflictAction::Fail,
        };
        self.deferred.end_statement(&mut self.databases, keeps)?;
        result
    }

    /// Which databases have a transaction open, as bits.
    pub(crate) fn open_transactions(&self) -> u64 {
        let bit = |(number, database): (usize, &Database)| {
            u64::from(database.pager.state() != TransactionState::None) << number
        };
        self.databases.iter().enumerate().map(bit).sum()
    }

    /// Gives up the snapshots taken since [`State::open_transactions`] said `before`: by a statement that got no lock it leaves none,
    /// also inside BEGIN, so that it is in nobody's way.
    pub(crate) fn end_reads_since(&mut self, before: u64) {
        for (number, database) in self.databases.iter_mut().enumerate() {
            if before >> number & 1 == 0 && database.pager.state() == TransactionState::Read {
                database.pager.end_read();
            }
        }
    }

    /// A statement starts to run; its databases are being read. With `writes` they become write transactions. `undoable`
    /// asks for a savepoint, unless the whole transaction would be undone with the statement anyway.
    pub(crate) fn enter(&mut self, writes: &[usize], undoable: bool) -> Result<Entered> {
        let undoable =
            undoable && !writes.is_empty() && (self.transaction.begun || self.transaction.writing > 0);
        for &number in writes {
            if let Err(error) = self.begin_writing(number) {
                if !self.transaction.begun && self.transaction.writing == 0 {
                    self.writing_pagers().try_for_each(Pager::rollback)?;
                }
                return Err(error);
            }
        }
        let depth = self.savepoint_depth();
        if undoable {
            // The tables' own statements are no business of theirs.
            if self.has_enlisted() && self.nested.depth == 0 {
                self.savepoint_virtual_tables(depth)?;
            }
            for pager in self.writing_pagers() {
                pager.savepoint()?;
            }
            self.transaction.statements += 1;
        }
        self.transaction.running += 1;
        self.transaction.writing += usize::from(!writes.is_empty());
        Ok(Entered::new(!writes.is_empty(), undoable, depth))
    }

    fn begin_writing(&mut self, number: usize) -> Result<()> {
        if self.settings.query_only {
            return Err(Error::ReadOnly {
                message: "attempt to write a readonly database".to_owned(),
            });
        }
        let depth = self.savepoint_depth();
        let Some(database) = self.databases.get_mut(number) else {
            return Ok(());
        };
        let reads = database.pager.state() == TransactionState::Read;
        let began = pragma::begin_writing(&mut database.pager, depth);
        if reads && began.as_ref().is_err_and(|error| error.code() == BUSY) {
            self.transaction.refused = Some(number);
        }
        began
    }

    /// After an error: whether the statement is to start over. It is if another connection was in the way of its first lock to write, the
    /// snapshot that it read with is its own (none was open, says `before`), so that it could be given up, and waiting has not come to an end.
    pub(crate) fn waits_to_write(&mut self, before: u64, waiting: &mut Waiting) -> bool {
        let Some(number) = self.transaction.refused.take() else {
            return false;
        };
        if before >> number & 1 == 1 {
            return false;
        }
        self.end_reads_since(before);
        let database = self.databases.get_mut(number);
        database.is_some_and(|database| database.pager.wait_for_lock(waiting))
    }

    /// A statement ends: its changes are committed, kept for a later commit, or undone.
    pub(crate) fn leave(&mut self, entered: &Entered, outcome: Outcome) -> Result<()> {
        self.transaction.running = self.transaction.running.saturating_sub(1);
        if !entered.writes() {
            if outcome == Outcome::Failed(ConflictAction::Rollback) && self.transaction.begun {
                self.roll_back_all();
            }
            // A read by itself is a transaction as well, and PRAGMA defer_foreign_keys lasts for one.
            if !self.transaction.begun && self.transaction.writing == 0 {
                self.settings.defer_foreign_keys = false;
            }
            self.release_idle();
            return Ok(());
        }
        self.transaction.writing = self.transaction.writing.saturating_sub(1);
        let alone = !self.transaction.begun && self.transaction.writing == 0;
        if alone {
            self.settings.defer_foreign_keys = false;
        }
        let result = match outcome {
            Outcome::Done | Outcome::Failed(ConflictAction::Fail) if alone => self.commit_all(),
            Outcome::Failed(ConflictAction::Rollback) => {
                self.roll_back_all();
                Ok(())
            }
            Outcome::Failed(_) if alone => {
                self.roll_back_all();
                Ok(())
            }
            _ if !entered.is_undoable() => Ok(()),
            Outcome::Done | Outcome::Failed(ConflictAction::Fail) => self.release_statement(entered.depth()),
            Outcome::Failed(_) => self.undo_statement(entered.depth()),
        };
        self.release_idle();
        result
    }

    /// A write has done its work and has only rows to hand out: it cannot fail any more.
    pub(crate) fn settle(&mut self, entered: &mut Entered) -> Result<()> {
        if entered.is_undoable() {
            entered.0 &= !Entered::UNDOABLE;
            self.release_statement(entered.depth())
        } else {
            Ok(())
        }
    }

    /// A virtual table is told of something in the midst of a transaction: what it does is a part of that, and commits nothing.
    pub(super) fn enter_beside(&mut self) -> Entered {
        self.transaction.running += 1;
        self.transaction.writing += 1;
        Entered::new(true, false, 0)
    }

    /// As a statement ends, but nothing is committed or given up.
    pub(super) fn stand_back(&mut self, entered: &Entered) {
        self.transaction.running = self.transaction.running.saturating_sub(1);
        self.transaction.writing = self
            .transaction
            .writing
            .saturating_sub(usize::from(entered.writes()));
    }

    /// How many savepoints a pager that writes has open.
    pub(super) fn savepoint_depth(&self) -> usize {
        self.transaction.savepoints.len() + self.transaction.statements
    }

    /// Whether a statement that writes is running.
    pub(crate) fn has_running_write(&self) -> bool {
        self.transaction.writing > 0
    }

    /// Whether write transactions are open on `databases`.
    pub(crate) fn is_writing(&self, databases: &[usize]) -> bool {
        let writes = |database: &Database| database.pager.state() == TransactionState::Write;
        databases
            .iter()
            .all(|&number| self.databases.get(number).is_some_and(writes))
    }

    fn release_statement(&mut self, depth: usize) -> Result<()> {
        if self.has_enlisted() && self.nested.depth == 0 {
            self.release_virtual_tables(depth)?;
        }
        self.transaction.statements = depth.saturating_sub(self.transaction.savepoints.len());
        for pager in self
            .writing_pagers()
            .filter(|pager| pager.savepoint_depth() > depth)
        {
            pager.release(depth)?;
        }
        Ok(())
    }

    fn undo_statement(&mut self, depth: usize) -> Result<()> {
        self.transaction.statements = depth.saturating_sub(self.transaction.savepoints.len());
        for pager in self
            .writing_pagers()
            .filter(|pager| pager.savepoint_depth() > depth)
        {
            pager.rollback_to(depth)?;
            pager.release(depth)?;
        }
        if self.nested.depth == 0 {
            self.roll_back_virtual_tables_to(depth);
        }
        self.forget_changed_schemas();
        Ok(())
    }

    /// Gives up read transactions that nobody needs any more.
    pub(crate) fn release_idle(&mut self) {
        if !self.transaction.begun && self.transaction.running == 0 {
            self.databases
                .iter_mut()
                .for_each(|database| database.pager.end_read());
        }
    }

    fn writing_pagers(&mut self) -> impl Iterator<Item = &mut Pager> {
        let pagers = self.databases.iter_mut().map(|database| &mut database.pager);
        pagers.filter(|pager| pager.state() == TransactionState::Write)
    }

    // ---- the whole transaction -------------------------------------------------------------------

    /// Foreign keys that wait for the end of the transaction.
    fn check_deferred_keys(&mut self) -> Result<()> {
        if self.session.foreign_keys.transaction.is_empty() {
            return Ok(());
        }
        let broken = std::mem::take(&mut self.session.foreign_keys.transaction);
        self.session.foreign_keys.transaction = self.keys_of_now(broken)?;
        let (mut registers, interrupt) = (Vec::new(), AtomicBool::new(false));
        let mut context = self.context(&[], &mut registers, &interrupt, 0);
        check_transaction_keys(&mut context).map_err(|failure| *failure.error)
    }

    /// A transaction ended, either way.
    fn forget_keys(&mut self) {
        self.session.foreign_keys.transaction.clear();
        self.settings.defer_foreign_keys = false;
    }

    /// Commits every database that was written. On failure all of them are rolled back, unless the lock of a busy file may yet be had.
    fn commit_all(&mut self) -> Result<()> {
        let synced = match self.has_enlisted() {
            true => self.sync_virtual_tables(),
            false => Ok(()),
        };
        let committed = synced
            .and_then(|()| self.check_deferred_keys())
            .and_then(|()| self.commit_pagers());
        if committed.is_err() {
            self.roll_back_all();
        }
        committed
    }

    fn commit_pagers(&mut self) -> Result<()> {
        debug_assert!(!self.deferred.any());
        let then = self.after_writing();
        let writes = |database: &Database| database.pager.state() == TransactionState::Write;
        let written: Vec<usize> = (0..self.databases.len())
            .filter(|&number| writes(&self.databases[number]))
            .collect();
        if !written.is_empty() {
            self.hooks.ask_to_commit()?;
        }
        for &number in &written {
            shrink(&mut self.databases[number].pager)?;
        }
        match written.as_slice() {
            [] => {
                self.finish_virtual_tables(true);
                return Ok(());
            }
            &[one] => self.databases[one].pager.commit_then(then)?,
            _ => commit_all(&mut self.writing_pagers().collect::<Vec<_>>(), then)?,
        }
        for number in written {
            let database = &mut self.databases[number];
            database.keep_schema();
            self.hooks.tell_of_log(&database.name, &mut database.pager);
        }
        self.deferred.forget();
        self.finish_virtual_tables(true);
        Ok(())
    }

    /// Statements that still read keep the snapshot, with what was written in it.
    fn after_writing(&self) -> Afterwards {
        if self.transaction.running > 0 {
            Afterwards::KeepReading
        } else {
            Afterwards::Leave
        }
    }

    /// Undoes the transaction. Statements that still read go on, unless the schema that they were compiled against is undone too.
    pub(crate) fn roll_back_all(&mut self) {
        let then = self.after_writing();
        let any = self.transaction.begun || self.writing_pagers().next().is_some();
        self.transaction.rollbacks += 1;
        self.deferred.forget();
        for database in &mut self.databases {
            if database.pager.state() != TransactionState::Write {
                continue;
            }
            // A rollback that fails leaves the pager in doubt; it says so at its next use.
            let _ = database.pager.rollback_then(then);
        }
        self.finish_virtual_tables(false);
        if self.forget_changed_schemas() {
            self.transaction.abortions += 1;
        }
        self.databases.iter_mut().for_each(Database::keep_schema);
        self.forget_keys();
        self.transaction.begun = false;
        self.transaction.savepoints.clear();
        self.transaction.statements = 0;
        if any {
            self.hooks.tell_of_rollback();
        }
    }

    /// Schemas that this transaction changed were undone with it. True when there was one.
    fn forget_changed_schemas(&mut self) -> bool {
        let mut any = false;
        for database in &mut self.databases {
            any |= database.forget_changed_schema();
        }
        self.schema_version += u64::from(any);
        any
    }

    // ---- BEGIN, COMMIT, ROLLBACK -----------------------------------------------------------------

    /// BEGIN. The locks come first, as in SQLite: inside a transaction the statement fails, but holds what it got.
    pub(crate) fn begin(&mut self, kind: TransactionKind) -> Result<()> {
        if kind != TransactionKind::Deferred {
            let before = self.open_transactions();
            for number in 0..self.databases.len() {
                if let Err(error) = self.lock_for_writing(number, kind) {
                    if !self.transaction.begun {
                        self.roll_back_all();
                    }
                    self.end_reads_since(before);
                    return Err(error);
                }
            }
        }
        if self.transaction.begun {
            return Err(Error::sql("cannot start a transaction within a transaction"));
        }
        self.transaction.begun = true;
        Ok(())
    }

    fn lock_for_writing(&mut self, number: usize, kind: TransactionKind) -> Result<()> {
        let depth = self.transaction.savepoints.len();
        let database = &mut self.databases[number];
        if database.is_temporary() {
            return Ok(());
        }
        let fresh = database.pager.state() != TransactionState::Write;
        let locked = match kind {
            TransactionKind::Exclusive if fresh => database.pager.begin_exclusive(),
            _ => database.pager.begin_write(),
        };
        match locked {
            Err(aludel_storage::Error::ReadOnly(_)) => return Ok(database.pager.begin_read()?),
            locked => locked?,
        }
        if fresh {
            for _ in 0..depth {
                database.pager.savepoint()?;
            }
        }
        Ok(())
    }

    /// COMMIT.
    pub(crate) fn commit(&mut self) -> Result<()> {
        if !self.transaction.begun {
            return Err(Error::sql("cannot commit - no transaction is active"));
        }
        if self.transaction.writing > 0 {
            return Err(Error::Busy {
                message: "cannot commit transaction - SQL statements in progress".to_owned(),
            });
        }
        if self.has_enlisted()
            && let Err(error) = self.sync_virtual_tables()
        {
            self.roll_back_all();
            self.release_idle();
            return Err(error);
        }
        self.check_deferred_keys()?;
        match self.commit_pagers() {
            Ok(()) => {
                self.forget_keys();
                self.transaction.begun = false;
                self.transaction.savepoints.clear();
                self.release_idle();
                Ok(())
            }
            // The transaction stays open, and COMMIT can be tried again.
            Err(error) if error.code() == 5 => Err(error),
            Err(error) => {
                self.roll_back_all();
                self.release_idle();
                Err(error)
            }
        }
    }

    /// ROLLBACK.
    pub(crate) fn roll_back(&mut self) -> Result<()> {
        if !self.transaction.begun {
            return Err(Error::sql("cannot rollback - no transaction is active"));
        }
        self.roll_back_all();
        self.release_idle();
        Ok(())
    }

    // ---- savepoints ------------------------------------------------------------------------------

    /// SAVEPOINT.
    pub(crate) fn open_savepoint(&mut self, name: &str) -> Result<()> {
        if self.transaction.writing > 0 {
            return Err(Error::Busy {
                message: "cannot open savepoint - SQL statements in progress".to_owned(),
            });
        }
        if self.has_enlisted() {
            self.savepoint_virtual_tables(self.savepoint_depth())?;
        }
        for pager in self.writing_pagers() {
            pager.savepoint()?;
        }
        let outermost = !self.transaction.begun;
        self.transaction.savepoints.push(Savepoint {
            name: name.to_owned(),
            outermost,
        });
        self.transaction.begun = true;
        Ok(())
    }

    fn find_savepoint(&self, name: &str) -> Result<usize> {
        let named = |savepoint: &Savepoint| savepoint.name.eq_ignore_ascii_case(name);
        let found = self.transaction.savepoints.iter().rposition(named);
        found.ok_or_else(|| Error::sql(format!("no such savepoint: {name}")))
    }

    /// RELEASE.
    pub(crate) fn release_savepoint(&mut self, name: &str) -> Result<()> {
        let depth = self.find_savepoint(name)?;
        if self.transaction.writing > 0 {
            return Err(Error::Busy {
                message: "cannot release savepoint - SQL statements in progress".to_owned(),
            });
        }
        if self.transaction.savepoints[depth].outermost {
            return self.commit();
        }
        for pager in self
            .writing_pagers()
            .filter(|pager| pager.savepoint_depth() > depth)
        {
            pager.release(depth)?;
        }
        if self.has_enlisted() {
            self.release_virtual_tables(depth)?;
        }
        self.transaction.savepoints.truncate(depth);
        Ok(())
    }

    /// ROLLBACK TO.
    pub(crate) fn roll_back_to(&mut self, name: &str) -> Result<()> {
        let depth = self.find_savepoint(name)?;
        self.transaction.rollbacks += 1;
        for pager in self
            .writing_pagers()
            .filter(|pager| pager.savepoint_depth() > depth)
        {
            pager.rollback_to(depth)?;
        }
        self.roll_back_virtual_tables_to(depth);
        if self.forget_changed_schemas() {
            self.transaction.abortions += 1;
        }
        self.transaction.savepoints.truncate(depth + 1);
        Ok(())
    }
}

/// Takes the free pages off a database in full auto-vacuum mode, as the last thing before its commit.
fn shrink(pager: &mut Pager) -> Result<()> {
    let header = pager.header()?;
    if header.freelist_count > 0 && header.auto_vacuum() == AutoVacuum::Full {
        btree::vacuum_pages(pager, u32::MAX)?;
    }
    Ok(())
}
