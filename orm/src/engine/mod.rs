//! The engine: one database, the driver that reaches it, and the pool of its connections.

mod link;
mod log;
mod pool;
mod setup;
mod url;

use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

pub use link::{Connection, Prepared, RowStream};
pub use log::statements_run;
pub use pool::{PoolEvent, PoolOptions, PoolStatus};
pub use url::UrlError;

use crate::dialect::{Dialect, Isolation, TransactionMode};
use crate::drivers::{Driver, NativeDriver};
use crate::error::Result;
use log::Log;
use pool::Pool;
use setup::Setups;
use url::Backend;

/// A database, open for sessions and connections. Cheap to clone, shared between threads.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// #[entity(table = "users")]
/// struct User {
///     #[column(primary_key)]
///     id: Id<User>,
///     name: String,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![User])?;
/// let mut session = engine.session()?;
/// session.add(User::new("Mike"));
/// session.commit()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Engine {
    inner: Arc<EngineInner>,
    isolation: Option<Isolation>,
}

pub(crate) struct EngineInner {
    driver: Box<dyn Driver>,
    pool: Pool,
    log: Log,
    /// What is run on new connections.
    setups: Setups,
    begin: Option<TransactionMode>,
    url: String,
    /// What a floor above keeps with the engine, of a type that only it knows.
    attached: RwLock<Arc<dyn Any + Send + Sync>>,
    /// Grows with each change of it.
    attached_version: AtomicU64,
}

impl Engine {
    /// Opens the database that the URL names.
    ///
    /// | URL | database |
    /// |---|---|
    /// | `sqlite:///file.db` | a file, from the current directory |
    /// | `sqlite:////var/file.db` | a file, from the root |
    /// | `sqlite::memory:`, `sqlite://:memory:` | in memory, gone with the engine |
    /// | `sqlite+c:///file.db` | the same, by the C library (feature `sqlite-c`) |
    /// | `postgres://user@host/database` | a PostgreSQL server (feature `postgres`) |
    /// | `mysql://user@host/database` | a MariaDB or MySQL server (feature `mysql`) |
    ///
    /// Options follow a `?`: `mode`, `busy_timeout`, `foreign_keys` (on unless said otherwise), `journal_mode`,
    /// `synchronous`, `cache_size`, `begin`, `isolation`, `pool_size`, `max_overflow`, `pool_timeout`, `pool_recycle`, `pre_ping`,
    /// `echo`. (From `begin` on they are options of all backends; a server's URL takes the server's own options beside them.) A connection is opened at once, so that a wrong path is an error here and not later.
    ///
    /// # Errors
    /// [`UrlError`] for a URL that says something wrong; the driver's error where the database cannot be opened.
    pub fn open(url: &str) -> Result<Engine> {
        let target = url::parse(url)?;
        let driver: Box<dyn Driver> = match target.backend {
            Backend::Native(options) => Box::new(NativeDriver::new(options)),
            #[cfg(feature = "sqlite-c")]
            Backend::SqliteC(options) => Box::new(crate::drivers::SqliteCDriver::new(options)),
            #[cfg(not(feature = "sqlite-c"))]
            Backend::SqliteC(options) => {
                // Only a build with the feature has a use for them.
                drop(options);
                return Err(UrlError::MissingFeature {
                    scheme: "sqlite+c".into(),
                    feature: "sqlite-c",
                }
                .into());
            }
            #[cfg(feature = "mysql")]
            Backend::Mysql(server) => Box::new(crate::drivers::MysqlDriver::new(&server)?),
            #[cfg(not(feature = "mysql"))]
            Backend::Mysql(server) => {
                drop(server);
                return Err(UrlError::MissingFeature {
                    scheme: "mysql".into(),
                    feature: "mysql",
                }
                .into());
            }
            #[cfg(feature = "postgres")]
            Backend::Postgres(server) => Box::new(crate::drivers::PostgresDriver::new(&server)?),
            #[cfg(not(feature = "postgres"))]
            Backend::Postgres(server) => {
                drop(server);
                return Err(UrlError::MissingFeature {
                    scheme: "postgres".into(),
                    feature: "postgres",
                }
                .into());
            }
        };
        let mut engine = Engine::build(driver, target.pool, target.begin, url);
        engine.isolation = target.isolation;
        engine.echo(target.echo);
        drop(engine.connect()?);
        Ok(engine)
    }

    /// An engine over a driver from elsewhere.
    pub fn with_driver(driver: impl Driver, pool: PoolOptions) -> Engine {
        Engine::build(Box::new(driver), pool, None, "")
    }

    fn build(
        driver: Box<dyn Driver>,
        pool: PoolOptions,
        begin: Option<TransactionMode>,
        url: &str,
    ) -> Engine {
        let pool = Pool::new(pool, driver.connections_max());
        let url = url.to_owned();
        Engine {
            inner: Arc::new(EngineInner {
                driver,
                pool,
                log: Log::default(),
                setups: Setups::default(),
                begin,
                url,
                attached: RwLock::new(Arc::new(())),
                attached_version: AtomicU64::new(0),
            }),
            isolation: None,
        }
    }

    /// A connection from the pool, for SQL without entities.
    ///
    /// # Errors
    /// [`Error::PoolTimeout`](crate::Error::PoolTimeout) where none comes free in time; the driver's error where a new
    /// one cannot be opened.
    pub fn connect(&self) -> Result<Connection> {
        let loan = self.inner.pool.take(self.inner.driver.as_ref())?;
        let mut connection = Connection::new(Arc::clone(&self.inner), loan, self.isolation);
        self.inner.setups.run(&mut connection)?;
        Ok(connection)
    }

    /// Runs something on each connection before it is used for the first time: settings that the URL has no option for,
    /// functions of the session, a search path. Connections that are open already get it when they are next taken from the
    /// pool.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// # fn main() -> aludel::Result<()> {
    /// let engine = Engine::open("sqlite::memory:")?;
    /// engine.on_connect(|connection| connection.execute_batch("PRAGMA case_sensitive_like = 1"));
    /// let found: bool = engine.connect()?.scalar("SELECT 'Mike' LIKE 'm%'", &[])?;
    /// assert!(!found);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// An error of it is the error of what wanted the connection; the connection goes back, and it is tried again next time.
    pub fn on_connect(&self, setup: impl Fn(&mut Connection) -> Result<()> + Send + Sync + 'static) {
        self.inner.setups.add(setup);
    }

    /// Tells of what the pool does: see [`PoolEvent`]. Listeners stay with the engine, and are told in the thread that takes
    /// or gives back.
    pub fn on_pool(&self, listener: impl Fn(PoolEvent) + Send + Sync + 'static) {
        self.inner.pool.listen(listener);
    }

    /// The SQL of this database.
    pub fn dialect(&self) -> &dyn Dialect {
        self.inner.driver.dialect()
    }

    /// This engine, with transactions of that level: same database, same pool. Without a level they have the backend's own.
    pub fn with_isolation(&self, level: Isolation) -> Engine {
        Engine {
            inner: Arc::clone(&self.inner),
            isolation: Some(level),
        }
    }

    /// Prints each statement on standard error: text, parameters, rows and time. Off at first.
    pub fn echo(&self, on: bool) {
        self.inner.log.set_echo(on);
    }

    /// How many connections are open.
    pub fn pool_status(&self) -> PoolStatus {
        self.inner.pool.status()
    }

    /// Takes over what floors above keep with another engine: listeners, that is.
    pub(crate) fn listen_as(&self, other: &Engine) {
        let theirs = other
            .inner
            .attached
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut ours = self
            .inner
            .attached
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *ours = Arc::clone(&theirs);
    }

    /// What a floor above keeps with the engine; its default before it keeps anything.
    pub(crate) fn attached<T: Any + Send + Sync + Default>(&self) -> Arc<T> {
        let attached = self.inner.attached.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&attached).downcast().unwrap_or_default()
    }

    /// How often it was changed: who has it as of that version need not ask again.
    #[inline]
    pub(crate) fn attached_version(&self) -> u64 {
        self.inner.attached_version.load(Ordering::Acquire)
    }

    /// Changes it.
    pub(crate) fn change_attached<T: Any + Send + Sync + Default, R>(
        &self,
        change: impl FnOnce(&mut Arc<T>) -> R,
    ) -> R {
        let mut attached = self
            .inner
            .attached
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let mut typed = Arc::clone(&attached).downcast().unwrap_or_default();
        let changed = change(&mut typed);
        *attached = typed;
        self.inner.attached_version.fetch_add(1, Ordering::Release);
        changed
    }

    /// How sessions begin their transactions, where the URL says so.
    pub(crate) fn begin_mode(&self) -> Option<TransactionMode> {
        self.inner.begin
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("url", &self.inner.url)
            .field("driver", &self.inner.driver)
            .finish_non_exhaustive()
    }
}
