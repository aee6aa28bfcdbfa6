//! Connections kept open between uses.
//!
//! ```text
//!   take: idle one (newest first) -> open a new one, up to size + overflow -> wait for one, up to the timeout
//!   give back: roll back what is open -> idle, up to size -> closed
//! ```
//!
//! Invariant: `open` counts idle connections and those in use; whoever takes one off that sum lowers it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::drivers::{Connection, Driver};
use crate::error::Error;

/// How many connections an engine keeps, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolOptions {
    /// The connections that stay open.
    pub size: usize,
    /// The connections that may be open beyond that for a while.
    pub overflow: usize,
    /// How long to wait for one.
    pub timeout: Duration,
    /// The age at which an idle connection is closed instead of used.
    pub recycle: Option<Duration>,
    /// Ask each connection whether it lives before it is handed out.
    pub pre_ping: bool,
}

/// Five connections, ten more under load, thirty seconds of patience.
impl Default for PoolOptions {
    fn default() -> PoolOptions {
        PoolOptions {
            size: 5,
            overflow: 10,
            timeout: Duration::from_secs(30),
            recycle: None,
            pre_ping: false,
        }
    }
}

/// What a pool holds at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// Connections that wait for use.
    pub idle: usize,
    /// Connections in use.
    pub used: usize,
    /// The most that can be open.
    pub max: usize,
}

/// What a pool does with a connection: what [`Engine::on_pool`](crate::Engine::on_pool) tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolEvent {
    /// A new one was opened.
    Opened,
    /// One was handed out.
    Taken,
    /// One came back; what was open in it was rolled back.
    GivenBack,
    /// One was closed: it was one too many, too old, dead, or the engine is gone.
    Closed,
}

type Listener = dyn Fn(PoolEvent) + Send + Sync;

pub(crate) struct Pool {
    options: PoolOptions,
    max: usize,
    state: Mutex<State>,
    given_back: Condvar,
    listeners: RwLock<Vec<Arc<Listener>>>,
}

#[derive(Default)]
struct State {
    idle: Vec<Loan>,
    open: usize,
}

/// A connection, with the time it was opened: on loan, or idle.
pub(crate) struct Loan {
    pub(crate) connection: Box<dyn Connection>,
    /// How many setups it has had.
    pub(super) setups: usize,
    opened: Instant,
}

impl Pool {
    pub(crate) fn new(options: PoolOptions, connections_max: Option<usize>) -> Pool {
        let wanted = options.size.saturating_add(options.overflow).max(1);
        let max = connections_max.map_or(wanted, |limit| limit.min(wanted).max(1));
        Pool {
            options,
            max,
            state: Mutex::new(State::default()),
            given_back: Condvar::new(),
            listeners: RwLock::default(),
        }
    }

    pub(crate) fn listen(&self, listener: impl Fn(PoolEvent) + Send + Sync + 'static) {
        let mut listeners = self.listeners.write().unwrap_or_else(PoisonError::into_inner);
        listeners.push(Arc::new(listener));
    }

    /// No lock is held while listeners run: they may ask the pool.
    fn tell(&self, event: PoolEvent) {
        let mut told = 0;
        while let Some(listener) = self.listener(told) {
            listener(event);
            told += 1;
        }
    }

    fn listener(&self, index: usize) -> Option<Arc<Listener>> {
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner);
        listeners.get(index).cloned()
    }

    pub(crate) fn take(&self, driver: &dyn Driver) -> Result<Loan, Error> {
        let loan = loop {
            match self.idle_or_permit()? {
                Some(idle) => {
                    if let Some(loan) = self.revive(idle) {
                        break loan;
                    }
                }
                None => break self.open(driver)?,
            }
        };
        self.tell(PoolEvent::Taken);
        Ok(loan)
    }

    pub(crate) fn give_back(&self, mut loan: Loan) {
        let clean = !loan.connection.in_transaction() || loan.connection.rollback().is_ok();
        let mut state = self.lock();
        // A database in memory must outlive its users: its one connection is never closed here.
        let keep = clean && (state.idle.len() < self.options.size || self.max == 1);
        if keep {
            state.idle.push(loan);
        } else {
            state.open -= 1;
        }
        drop(state);
        self.given_back.notify_one();
        self.tell(PoolEvent::GivenBack);
        if !keep {
            self.tell(PoolEvent::Closed);
        }
    }

    pub(crate) fn status(&self) -> PoolStatus {
        let state = self.lock();
        PoolStatus {
            idle: state.idle.len(),
            used: state.open - state.idle.len(),
            max: self.max,
        }
    }

    /// An idle connection, or the permit to open one (`None`).
    fn idle_or_permit(&self) -> Result<Option<Loan>, Error> {
        let deadline = Instant::now() + self.options.timeout;
        let mut state = self.lock();
        loop {
            if let Some(idle) = state.idle.pop() {
                return Ok(Some(idle));
            }
            if state.open < self.max {
                state.open += 1;
                return Ok(None);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::PoolTimeout {
                    waited: self.options.timeout,
                    max: self.max,
                });
            }
            let waited = self.given_back.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The idle connection if it is still good; otherwise it is closed and its place is free.
    fn revive(&self, mut idle: Loan) -> Option<Loan> {
        let too_old = self
            .options
            .recycle
            .is_some_and(|age| idle.opened.elapsed() > age)
            && self.max > 1;
        let dead = self.options.pre_ping && idle.connection.ping().is_err();
        if too_old || dead {
            self.lock().open -= 1;
            self.tell(PoolEvent::Closed);
            return None;
        }
        Some(idle)
    }

    fn open(&self, driver: &dyn Driver) -> Result<Loan, Error> {
        match driver.connect() {
            Ok(connection) => {
                self.tell(PoolEvent::Opened);
                Ok(Loan {
                    connection,
                    setups: 0,
                    opened: Instant::now(),
                })
            }
            Err(error) => {
                self.lock().open -= 1;
                self.given_back.notify_one();
                Err(error.into())
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let idle = std::mem::take(&mut self.lock().idle);
        for loan in idle {
            drop(loan);
            self.tell(PoolEvent::Closed);
        }
    }
}
