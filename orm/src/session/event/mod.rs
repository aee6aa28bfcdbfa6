//! Events: code that runs when rows and transactions change.
//!
//! ```text
//!   commit ─ before_commit
//!     flush ─ before_flush                          may add, change and delete entities
//!        for each row   before_insert / _update / _delete     may change the row, or refuse by an error
//!                       INSERT, UPDATE, DELETE
//!                       after_insert / _update / _delete      the row is written: keys and computed columns are there
//!        after_flush                                with what was written
//!     COMMIT ─ after_commit          ROLLBACK ─ after_rollback
//!   a query, get, refresh ─ after_load              for each entity that was read, when the statement is done
//! ```
//!
//! Listeners of an engine hear all of its sessions, those of a session hear that one; the engine's come first, and each in
//! the order in which they were added. Row listeners are for one entity's type or for all.
//!
//! Invariants:
//! I1. A listener that returns an error ends what was under way with that error; nothing is swallowed. (`tell_row`,
//!     `tell_session`)
//! I2. Each row written is told once, in the order of writing: `told` is a length of the undo log, which has one entry for each where somebody is told.
//!     (`tell_written`)
//! I3. Without listeners nothing is recorded, compared or called. (`Heard::hears`)
//!
//! What is not told: statements past the unit of work (`session.insert`, `update`, `delete_where`, SQL text), rows that the
//! database changes by itself, and rows read as values with `fetch`.

mod entry;
mod tell;

use std::any::TypeId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use entry::{AnyEntry, Entry};

use super::{Change, Session};
use crate::engine::Engine;
use crate::error::Result;
use crate::mapper::Entity;

/// When a listener is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    BeforeInsert,
    AfterInsert,
    BeforeUpdate,
    AfterUpdate,
    BeforeDelete,
    AfterDelete,
    AfterLoad,
    BeforeFlush,
    AfterFlush,
    BeforeCommit,
    AfterCommit,
    AfterRollback,
}

impl Moment {
    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// The moments after a row was written.
pub(crate) const WRITTEN: u16 =
    Moment::AfterInsert.bit() | Moment::AfterUpdate.bit() | Moment::AfterDelete.bit();

type RowCall = dyn Fn(&mut AnyEntry<'_>) -> Result<()> + Send + Sync;
type SessionCall = dyn Fn(&mut Session, &[Change]) -> Result<()> + Send + Sync;

#[derive(Clone)]
enum Call {
    /// For rows of that type, or of any.
    Row(Option<TypeId>, Arc<RowCall>),
    Session(Arc<SessionCall>),
}

#[derive(Clone)]
struct Listener {
    id: ListenerId,
    moment: Moment,
    call: Call,
}

/// Names a listener, to remove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(u64);

/// The listeners of an engine or of a session: what [`Engine::listen`] and [`Session::listen`] hand out.
///
/// A listener gets the row as an [`Entry`], which reads and writes like the entity, or the session. It returns a `Result`: an error
/// ends the flush, commit or query with it. Listeners may be called from any thread that has a session, so they are
/// `Fn + Send + Sync`.
///
/// ```
/// use aludel::prelude::*;
/// use aludel::Error;
///
/// #[derive(Entity)]
/// struct Account {
///     #[column(primary_key)]
///     id: Id<Account>,
///     owner: String,
///     balance: i64,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![Account])?;
/// engine.listen(|on| {
///     on.before_insert::<Account>(|account| {
///         account.owner = account.owner.trim().to_owned();
///         Ok(())
///     });
///     on.before_update::<Account>(|account| match account.balance {
///         ..0 => Err(Error::refused(format!("{} would owe {}", account.owner, -account.balance))),
///         _ => Ok(()),
///     });
/// });
///
/// let mut session = engine.session()?;
/// let mike = session.add(Account::new(" Mike ", 10));
/// session.commit()?;
/// assert_eq!(session[mike].owner, "Mike");
/// session[mike].balance -= 11;
/// assert_eq!(session.commit().unwrap_err().to_string(), "Mike would owe 1");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Listeners {
    all: Vec<Listener>,
    heard: u16,
}

macro_rules! row_events {
    ($($(#[$doc:meta])* $moment:ident $typed:ident $any:ident)*) => {$(
        $(#[$doc])*
        pub fn $typed<T: Entity>(
            &mut self,
            listener: impl Fn(&mut Entry<'_, T>) -> Result<()> + Send + Sync + 'static,
        ) -> ListenerId {
            let call = move |row: &mut AnyEntry<'_>| listener(&mut Entry::of(row));
            self.add(Moment::$moment, Call::Row(Some(TypeId::of::<T>()), Arc::new(call)))
        }

        /// The same for entities of all types.
        pub fn $any(
            &mut self,
            listener: impl Fn(&mut AnyEntry<'_>) -> Result<()> + Send + Sync + 'static,
        ) -> ListenerId {
            self.add(Moment::$moment, Call::Row(None, Arc::new(listener)))
        }
    )*};
}

macro_rules! session_events {
    ($($(#[$doc:meta])* $moment:ident $name:ident)*) => {$(
        $(#[$doc])*
        pub fn $name(
            &mut self,
            listener: impl Fn(&mut Session) -> Result<()> + Send + Sync + 'static,
        ) -> ListenerId {
            let call = move |session: &mut Session, _: &[Change]| listener(session);
            self.add(Moment::$moment, Call::Session(Arc::new(call)))
        }
    )*};
}

impl Listeners {
    row_events! {
        /// Before a new row is inserted. The listener may change it; an error keeps it from being written.
        BeforeInsert before_insert before_any_insert
        /// After a new row was inserted: its key and what the database computed are there.
        AfterInsert after_insert after_any_insert
        /// Before a changed row is updated; only for rows of which a column differs.
        BeforeUpdate before_update before_any_update
        /// After a changed row was updated.
        AfterUpdate after_update after_any_update
        /// Before a row is deleted, by the program or by a cascade of the session.
        BeforeDelete before_delete before_any_delete
        /// After a row was deleted; it can still be read.
        AfterDelete after_delete after_any_delete
        /// After an entity was read from the database, for the first time or anew.
        AfterLoad after_load after_any_load
    }

    session_events! {
        /// Before a flush writes: the listener may add, change and delete entities, and query.
        BeforeFlush before_flush
        /// Before a commit, and before its flush.
        BeforeCommit before_commit
        /// After a commit. What the listener writes is in the next transaction; an error of it is returned by `commit`, but the
        /// commit stands.
        AfterCommit after_commit
        /// After a rollback. An error of it is returned by `rollback`.
        AfterRollback after_rollback
    }

    /// After a flush has written, with what it wrote; the transaction is still open.
    pub fn after_flush(
        &mut self,
        listener: impl Fn(&mut Session, &[Change]) -> Result<()> + Send + Sync + 'static,
    ) -> ListenerId {
        self.add(Moment::AfterFlush, Call::Session(Arc::new(listener)))
    }

    /// Removes a listener; true if it was there.
    pub fn remove(&mut self, id: ListenerId) -> bool {
        let before = self.all.len();
        self.all.retain(|listener| listener.id != id);
        self.heard = self
            .all
            .iter()
            .fold(0, |heard, listener| heard | listener.moment.bit());
        self.all.len() < before
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.all.clear();
        self.heard = 0;
    }

    fn add(&mut self, moment: Moment, call: Call) -> ListenerId {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = ListenerId(NEXT.fetch_add(1, Ordering::Relaxed));
        self.heard |= moment.bit();
        self.all.push(Listener { id, moment, call });
        id
    }
}

impl std::fmt::Debug for Listeners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let moments = self.all.iter().map(|listener| listener.moment);
        f.debug_list().entries(moments).finish()
    }
}

/// The listeners that a session tells: its engine's, and its own.
#[derive(Clone, Default)]
pub(crate) struct Heard {
    engine: Arc<Listeners>,
    /// The version of what the engine has attached that these are of.
    version: u64,
    own: Arc<Listeners>,
}

impl Heard {
    /// Does anybody listen to one of these moments?
    pub(super) fn hears(&self, moments: u16) -> bool {
        (self.engine.heard | self.own.heard) & moments != 0
    }

    fn of(&self, moment: Moment) -> impl Iterator<Item = &Call> {
        let all = self.engine.all.iter().chain(&self.own.all);
        all.filter(move |listener| listener.moment == moment)
            .map(|listener| &listener.call)
    }
}

impl Engine {
    /// Adds and removes listeners that hear all sessions of this engine: see [`Listeners`]. Sessions that are open hear them
    /// from their next statement on.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// # fn main() -> aludel::Result<()> {
    /// let engine = Engine::open("sqlite::memory:")?;
    /// let listener = engine.listen(|on| on.after_commit(|_| Ok(println!("committed"))));
    /// engine.listen(|on| on.remove(listener));
    /// # Ok(())
    /// # }
    /// ```
    pub fn listen<R>(&self, change: impl FnOnce(&mut Listeners) -> R) -> R {
        self.change_attached(|listeners| change(Arc::make_mut(listeners)))
    }
}

impl Session {
    /// Adds and removes listeners that hear this session only: see [`Listeners`].
    pub fn listen<R>(&mut self, change: impl FnOnce(&mut Listeners) -> R) -> R {
        change(Arc::make_mut(&mut self.heard.own))
    }
}
