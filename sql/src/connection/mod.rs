//! A connection: the databases that are open together, their transaction, and the statements prepared against them.
//!
//! ```text
//!   Connection ── RefCell ── Session ─┬─ databases   0 main, 1 temp, 2.. attached
//!        ▲                            ├─ transaction autocommit, savepoints, running statements
//!   Statement (borrows)               ├─ functions, collations, virtual tables
//!                                     └─ cache       statements waiting to be used again
//! ```
//!
//! A connection moves between threads but is used by one at a time. Its state sits in a cell that is borrowed for the length of one call only, so
//! any number of statements can be open at once.
//!
//! - I1. While no statement runs and no transaction was begun, no database holds a lock.
//! - I2. A statement compiled against schemas that are no longer current is compiled again before it runs (`State::schema_version`).

mod authorizer;
mod backup;
mod blob;
mod cache;
mod collations;
mod database;
mod hooks;
mod limits;
mod look_up;
mod options;
mod prepare;
mod preupdate;
mod programs;
mod scope;
mod serialize;
mod shapes;
mod transaction;
mod virtual_tables;

use std::cell::{RefCell, RefMut};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aludel_storage::pager::{Pager, PagerOptions};

pub use backup::{Backup, BackupStep};
pub use blob::Blob;
pub(crate) use cache::Place;
pub use collations::Compare as Comparison;
pub use database::Database as SharedDatabase;
pub use hooks::RowAction;
pub use limits::Limit;
pub(crate) use limits::Limits;
pub use look_up::{ColumnMetadata, TransactionState};
pub use options::OpenOptions;
pub(crate) use prepare::named_columns;
pub use preupdate::RowChange;
pub use scope::{DropBehavior, Savepoint, Transaction, TransactionBehavior};
pub use serialize::DeserializeOptions;
pub(crate) use transaction::{Entered, Outcome};

use crate::catalog::Database;
use crate::error::{Error, Result};
use crate::exec::write::{Deferred, ProgramSet};
use crate::exec::{ExecContext, Session};
use crate::functions::{Arity, Function, Registry};
use crate::plan::Lifted;
use crate::pragma::Settings;
use crate::statement::{Body, Params, Row, Statement};
use crate::syntax::ParseMemory;
use crate::value::Value;
use crate::virtual_table::{Module, NestedState};
use authorizer::Authorizer;
use cache::{Found, StatementCache};
use collations::CollationTable;
use hooks::Hooks;
use transaction::Transaction as OpenTransaction;
use virtual_tables::VirtualTableState;

/// An open database (or several, by ATTACH).
///
/// `Send` but not `Sync`: one thread at a time.
///
/// ```
/// use aludel_sql::Connection;
///
/// # fn main() -> aludel_sql::Result<()> {
/// let connection = Connection::open_in_memory()?;
/// connection.execute("CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT)", ())?;
/// connection.execute("INSERT INTO person(name) VALUES(?1)", ("Ada",))?;
/// let name: String = connection.query_row("SELECT name FROM person", (), |row| row.get(0))?;
/// assert_eq!(name, "Ada");
/// # Ok(())
/// # }
/// ```
pub struct Connection {
    pub(crate) state: RefCell<State>,
    interrupt: Arc<AtomicBool>,
}

/// How queries run, where tests want it otherwise than usual.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Otherwise {
    /// Queries are planned as they are written.
    pub unoptimized: bool,
    /// The most rows that a scan hands on at once.
    pub batch_rows_max: usize,
    /// Memory that index entries which wait may take.
    pub waiting_bytes_max: usize,
}

impl Default for Otherwise {
    fn default() -> Otherwise {
        Otherwise {
            unoptimized: false,
            batch_rows_max: crate::exec::BATCH_ROWS_MAX,
            waiting_bytes_max: crate::exec::write::WAITING_BYTES_MAX,
        }
    }
}

/// What a connection knows.
pub(crate) struct State {
    pub(crate) databases: Vec<Database>,
    pub(crate) session: Session,
    pub(crate) functions: Registry,
    pub(crate) collations: CollationTable,
    pub(crate) virtual_tables: VirtualTableState,
    /// Statements that virtual tables run.
    pub(crate) nested: NestedState,
    pub(crate) transaction: OpenTransaction,
    pub(crate) hooks: Hooks,
    authorizer: Option<Arc<Authorizer>>,
    pub(crate) limits: Limits,
    /// Index entries that wait.
    pub(crate) deferred: Deferred,
    pub(crate) settings: Settings,
    /// Grows whenever a compiled statement may mean something else: a schema was read, a database attached, a function registered.
    pub(crate) schema_version: u64,
    cache: StatementCache,
    /// Constants of the statement that was compiled last, and whether it is to lift any.
    pub(crate) lifted: Lifted,
    lifts: bool,
    /// What changing rows sets off where there are neither triggers nor foreign keys.
    no_programs: Arc<ProgramSet>,
    /// What the parser keeps between statements.
    parse_memory: ParseMemory,
    options: OpenOptions,
}

impl Connection {
    // ---- opening ---------------------------------------------------------------------------------

    /// Opens the database file `path` for reading and writing; creates it if there is none.
    ///
    /// The file is looked at when the first statement needs it.
    pub fn open(path: impl AsRef<Path>) -> Result<Connection> {
        Connection::open_with(path, &OpenOptions::new())
    }

    /// A database of its own in memory; it ends with the connection.
    pub fn open_in_memory() -> Result<Connection> {
        Connection::open_with(":memory:", &OpenOptions::new())
    }

    /// As [`Connection::open`], with options.
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Connection> {
        let main = options.open_database("main", &path.as_ref().to_string_lossy())?;
        Connection::over(main, options)
    }

    /// A connection to an open database.
    fn over(main: Database, options: &OpenOptions) -> Result<Connection> {
        let temp = Database::new(
            "temp",
            "",
            Pager::temporary(options.world(), &Default::default())?,
        );
        Ok(Connection {
            state: RefCell::new(State::new(vec![main, temp], options)),
            interrupt: Arc::new(AtomicBool::new(false)),
        })
    }

    // ---- statements ------------------------------------------------------------------------------

    /// Compiles the first statement of `sql`. [`Statement::tail`] tells where the rest begins.
    ///
    /// A text that comes again is not compiled again: from the second time on its statement is kept when it is dropped, reset and without its
    /// bindings, and taken out here (64 statements, those used last). So is, from the first time on, a statement about one row that the text names by
    /// its rowid, or an INSERT of VALUES, for all texts that differ from its own in numbers and strings only. A changed schema, setting or function drops what is kept. With an authorizer
    /// each text is compiled.
    ///
    /// # Errors
    /// Those of the parser and the planner, with SQLite's messages.
    pub fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        let mut state = self.state()?;
        if state.authorizer.is_some() {
            // It may have changed its mind.
            drop(state);
            return self.prepare_first(sql);
        }
        let version = state.schema_version;
        let (body, place) = match state.cache.find(sql, version) {
            Found::Kept(body, place) => (body, Some(place)),
            Found::Alike(body) => return self.alike(&mut state, body, sql),
            Found::Again(place) => (Body::prepare(&mut state, sql)?, Some(place)),
            Found::New => (Body::prepare(&mut state, sql)?, None),
        };
        let place = place.filter(|_| !body.takes_texts() && body.is_worth_keeping(sql));
        Ok(Statement::new(self, body, place))
    }

    /// As [`Connection::prepare`], but its statement is kept from the first time on, whatever kind it is.
    pub fn prepare_cached(&self, sql: &str) -> Result<Statement<'_>> {
        let mut state = self.state()?;
        let version = state.schema_version;
        let (body, place) = match state.cache.find(sql, version) {
            Found::Kept(body, place) => (body, Some(place)),
            Found::Alike(body) => return self.alike(&mut state, body, sql),
            Found::Again(_) | Found::New => (Body::prepare(&mut state, sql)?, state.cache.place_of(sql)),
        };
        let place = place.filter(|_| !body.takes_texts() && body.is_alone_in(sql));
        Ok(Statement::new(self, body, place))
    }

    /// How many statements are kept to be used again; 0 keeps none.
    ///
    /// # Errors
    /// [`Error::Misuse`] inside a call of the connection.
    pub fn prepared_statement_cache_capacity(&self) -> Result<usize> {
        Ok(self.state()?.cache.capacity())
    }

    /// Keeps at most so many statements; those used last stay.
    ///
    /// # Errors
    /// [`Error::Misuse`] inside a call of the connection.
    pub fn set_prepared_statement_cache_capacity(&self, capacity: usize) -> Result<()> {
        self.state()?.cache.set_capacity(capacity);
        Ok(())
    }

    /// Forgets the statements that are kept.
    ///
    /// # Errors
    /// [`Error::Misuse`] inside a call of the connection.
    pub fn flush_prepared_statement_cache(&self) -> Result<()> {
        self.state()?.cache.clear();
        Ok(())
    }

    /// Compiles the first statement of a text that is not looked for in the cache.
    fn prepare_first(&self, script: &str) -> Result<Statement<'_>> {
        let mut state = self.state()?;
        let version = state.schema_version;
        if state.authorizer.is_none()
            && let Some(body) = state.cache.find_alike(script, version)
        {
            return self.alike(&mut state, body, script);
        }
        let body = Body::prepare(&mut state, script)?;
        Ok(Statement::new(self, body, None))
    }

    /// The statement that was given the text `sql`.
    #[inline]
    fn alike(&self, state: &mut State, body: Box<Body>, sql: &str) -> Result<Statement<'_>> {
        debug_assert!(body.is_as_compiled(state, sql)?, "{sql}");
        let _ = state;
        Ok(Statement::new(self, body, None))
    }

    /// Runs one statement to its end and returns how many rows it inserted, changed or deleted.
    ///
    /// # Errors
    /// Those of the statement; [`Error::Misuse`] when more than blanks follow it.
    pub fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        let mut statement = self.prepare(sql)?;
        statement.refuse_rest(sql)?;
        statement.execute(params)
    }

    /// Runs all statements of `sql`; rows that they return are left aside.
    pub fn execute_batch(&self, sql: &str) -> Result<()> {
        let mut start = 0;
        while let Some(rest) = sql.get(start..).filter(|rest| !rest.is_empty()) {
            let mut statement = self.prepare_first(rest).map_err(|error| shifted(error, start))?;
            while statement.step()? {}
            if statement.tail() == 0 {
                break;
            }
            start += statement.tail();
        }
        Ok(())
    }

    /// Runs a query and hands its first row to `read`.
    ///
    /// # Errors
    /// [`Error::NoRows`] when there is none.
    pub fn query_row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row) -> Result<T>,
    ) -> Result<T> {
        let mut statement = self.prepare(sql)?;
        statement.refuse_rest(sql)?;
        let mut rows = statement.query(params)?;
        match rows.next()? {
            Some(row) => read(row),
            None => Err(Error::NoRows),
        }
    }

    // ---- state -----------------------------------------------------------------------------------

    /// Rows inserted, changed or deleted by the last INSERT, UPDATE or DELETE.
    pub fn changes(&self) -> u64 {
        self.state.borrow().session.environment.changes.get() as u64
    }

    /// Rows inserted, changed or deleted since the connection was opened.
    pub fn total_changes(&self) -> u64 {
        self.state.borrow().session.environment.total_changes.get() as u64
    }

    /// The rowid of the last row inserted into a table that has rowids; 0 before that.
    pub fn last_insert_rowid(&self) -> i64 {
        self.state.borrow().session.environment.last_insert_rowid.get()
    }

    /// True unless a transaction was begun with BEGIN or SAVEPOINT.
    pub fn is_autocommit(&self) -> bool {
        self.state.borrow().transaction.is_autocommit()
    }

    /// How long to wait for another connection's lock before [`Error::Busy`].
    pub fn busy_timeout(&self, timeout: Duration) -> Result<()> {
        self.state()?.set_busy_timeout(timeout);
        Ok(())
    }

    /// Something by which another thread can stop what this connection does.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle {
            flag: Arc::clone(&self.interrupt),
        }
    }

    /// The path of a database's file as it was given: `main`, or the name of an attached one. Empty in memory.
    pub fn path(&self, database: &str) -> Option<String> {
        let state = self.state.borrow();
        let found = state
            .databases
            .iter()
            .find(|own| own.name.eq_ignore_ascii_case(database));
        found.map(|database| database.path.clone())
    }

    // ---- extending -------------------------------------------------------------------------------

    /// Registers a function; one of the same name and arity is replaced.
    pub fn register_function(&self, function: Function) -> Result<()> {
        let mut state = self.state()?;
        state.functions.register(function);
        state.schema_version += 1;
        Ok(())
    }

    /// Removes a function that was registered; true when it was there.
    pub fn unregister_function(&self, name: &str, arity: Arity) -> Result<bool> {
        let mut state = self.state()?;
        state.schema_version += 1;
        Ok(state.functions.unregister(name, arity))
    }

    /// Registers a collation. It gets texts in UTF-8 and has to be a total order that never changes as long as an index uses it.
    pub fn register_collation(
        &self,
        name: &str,
        compare: impl Fn(&[u8], &[u8]) -> std::cmp::Ordering + Send + Sync + 'static,
    ) -> Result<()> {
        let mut state = self.state()?;
        state.collations.register(name, Box::new(compare));
        state.forget_schemas();
        Ok(())
    }

    /// Removes a collation that was registered; true when it was there. What needs it fails from now on.
    pub fn unregister_collation(&self, name: &str) -> Result<bool> {
        let mut state = self.state()?;
        let was_there = state.collations.unregister(name);
        state.forget_schemas();
        Ok(was_there)
    }

    /// Registers a kind of virtual tables: `CREATE VIRTUAL TABLE t USING name(..)`. One of the same name is replaced; tables
    /// that are open stay what they are.
    pub fn create_module(&self, name: &str, module: Arc<dyn Module>) -> Result<()> {
        let mut state = self.state()?;
        state.virtual_tables.register(name, module);
        state.schema_version += 1;
        Ok(())
    }

    /// Makes queries run in another way that has to answer the same: for tests that compare the two.
    #[doc(hidden)]
    pub fn run_otherwise(&self, otherwise: Otherwise) -> Result<()> {
        let mut state = self.state()?;
        state.settings.unoptimized = otherwise.unoptimized;
        state.session.batch_rows_max = otherwise.batch_rows_max;
        state.deferred.set_bytes_max(otherwise.waiting_bytes_max);
        state.schema_version += 1;
        Ok(())
    }

    // ---- inside ----------------------------------------------------------------------------------

    pub(crate) fn state(&self) -> Result<RefMut<'_, State>> {
        self.state
            .try_borrow_mut()
            .map_err(|_| Error::misuse("the connection is in use by a function of its own"))
    }

    pub(crate) fn interrupt_flag(&self) -> &AtomicBool {
        &self.interrupt
    }

    /// What no other connection has.
    pub(crate) fn own_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupt)
    }

    /// Whether that is what [`own_flag`](Self::own_flag) has given out.
    #[inline]
    pub(crate) fn has_flag(&self, flag: &Arc<AtomicBool>) -> bool {
        Arc::ptr_eq(&self.interrupt, flag)
    }

    /// Takes back a statement for the cache: for its text if it has a place there, else for texts that are like it.
    pub(crate) fn keep(&self, body: Box<Body>, place: Option<Place>) {
        let Ok(mut state) = self.state.try_borrow_mut() else {
            return;
        };
        let version = state.schema_version;
        match place {
            Some(place) => state.cache.keep(body, place, version),
            None if state.limits.are_usual() => state.cache.keep_shape(body, version),
            None => {}
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        state.cache.clear();
        state.nested.kept.clear();
        // Nobody is told of the end.
        state.hooks = Hooks::default();
        state.roll_back_all();
    }
}

impl State {
    /// A connection to `databases` that has done nothing yet.
    pub(crate) fn new(databases: Vec<Database>, options: &OpenOptions) -> State {
        let settings = Settings {
            busy_timeout_ms: milliseconds(options.timeout()),
            ..Settings::default()
        };
        State {
            databases,
            session: Session::default(),
            functions: Registry::new(),
            collations: CollationTable::default(),
            virtual_tables: VirtualTableState::default(),
            nested: NestedState::default(),
            transaction: OpenTransaction::default(),
            hooks: Hooks::default(),
            authorizer: None,
            limits: Limits::default(),
            deferred: Deferred::default(),
            settings,
            schema_version: 1,
            cache: StatementCache::default(),
            lifted: Lifted::default(),
            lifts: false,
            no_programs: Arc::default(),
            parse_memory: ParseMemory::default(),
            options: options.clone(),
        }
    }

    /// The world of a running statement.
    pub(crate) fn context<'a>(
        &'a mut self,
        parameters: &'a [Value],
        registers: &'a mut Vec<Value>,
        interrupt: &'a AtomicBool,
        run: u64,
    ) -> ExecContext<'a> {
        ExecContext {
            state: self,
            parameters,
            registers,
            interrupt,
            run,
        }
    }

    /// The database called `name`.
    ///
    /// # Errors
    /// `unknown database x`.
    pub(crate) fn database_named(&self, name: &str) -> Result<usize> {
        let found = self
            .databases
            .iter()
            .position(|database| database.name.eq_ignore_ascii_case(name));
        found.ok_or_else(|| Error::sql(format!("unknown database {name}")))
    }

    /// All schemas are read anew before they are used next.
    pub(crate) fn forget_schemas(&mut self) {
        self.databases.iter_mut().for_each(Database::forget_schema);
        self.schema_version += 1;
    }

    pub(crate) fn set_busy_timeout(&mut self, timeout: Duration) {
        self.settings.busy_timeout_ms = milliseconds(timeout);
        self.hooks.forget_busy_handler();
        for database in &mut self.databases {
            database.pager.set_busy_timeout(timeout);
        }
    }

    /// The temporary database begins again, empty, where PRAGMA temp_store says. With 2 (memory) neither it nor a sort writes a file.
    pub(crate) fn renew_temporary(&mut self) -> Result<()> {
        const IN_MEMORY: u8 = 2;
        let Some(temporary) = self.databases.get_mut(1) else {
            return Ok(());
        };
        let mut options = PagerOptions::default();
        options.page_size = temporary.pager.page_size() as u32;
        options.encoding = temporary.pager.encoding();
        let in_memory = self.settings.temp_store == IN_MEMORY;
        let pager = if in_memory {
            Pager::in_memory(&options)?
        } else {
            Pager::temporary(self.options.world(), &options)?
        };
        *temporary = Database::new("temp", "", pager);
        self.session.memory_budget_bytes = if in_memory {
            usize::MAX
        } else {
            Session::default().memory_budget_bytes
        };
        self.schema_version += 1;
        Ok(())
    }

    /// How ATTACH opens a file.
    pub(crate) fn open_options(&self) -> &OpenOptions {
        &self.options
    }
}

/// Stops a connection's running statements from another thread.
#[derive(Clone, Debug)]
pub struct InterruptHandle {
    flag: Arc<AtomicBool>,
}

impl InterruptHandle {
    /// Stops the statements that run now: they fail with [`Error::Interrupt`]. Without effect when none runs.
    pub fn interrupt(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }
}

fn milliseconds(timeout: Duration) -> u32 {
    u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX)
}

/// An error about a text that began at `start` of the text that the caller knows.
fn shifted(error: Error, start: usize) -> Error {
    match error {
        Error::Syntax { message, offset } => Error::Syntax {
            message,
            offset: offset.map(|offset| offset + start),
        },
        Error::Sql { message, offset } => Error::Sql {
            message,
            offset: offset.map(|offset| offset + start),
        },
        error => error,
    }
}
