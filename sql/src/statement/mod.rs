//! A prepared statement: compiled once, bound and run many times.
//!
//! ```text
//!              step                    step: false, reset
//!   ready ───────────▶ running (a row) ───────────────────▶ ready
//!                         │  ▲ step: true
//!                         └──┘
//! ```
//!
//! A SELECT computes a batch and hands out its rows one by one. A write does all of its work in the first step and hands out the rows of
//! RETURNING afterwards. The locks of a statement are given up when it ends, at the latest with [`Statement::reset`].

mod convert;
mod detached;
mod expanded;
mod params;
mod program;
mod queries;
mod row;
mod shape;

use std::sync::atomic::Ordering;
use std::time::Instant;

pub use convert::{FromValue, ToValue};
pub use detached::DetachedStatement;
pub use params::{Params, ParamsFromIter, params_from_iter};
pub(crate) use program::{Compiled, Program, Query, WritePlan};
pub use queries::{AndThenRows, StatementStatus};
pub use row::{ColumnIndex, Row, RowValues};

pub(crate) use expanded::write_literal;
use queries::Counts;
use shape::Slots;

use aludel_storage::pager::Waiting;

use crate::connection::{Connection, Entered, Limit, Outcome, Place, State};
use crate::error::{Error, Result};
use crate::exec::write::{Failure, Until, check_statement_keys};
use crate::plan::ColumnOrigin;
use crate::plan::physical::DatabaseList;
use crate::syntax::ast::{self, ConflictAction};
use crate::value::{Value, ValueRef};

/// A prepared statement.
///
/// ```
/// # use aludel_sql::Connection;
/// # fn main() -> aludel_sql::Result<()> {
/// let connection = Connection::open_in_memory()?;
/// let mut statement = connection.prepare("SELECT ?1 + 1 AS next")?;
/// statement.bind(1, 41)?;
/// assert!(statement.step()?);
/// assert_eq!(statement.column_name(0), "next");
/// assert_eq!(statement.get::<i64>(0)?, 42);
/// assert!(!statement.step()?);
/// # Ok(())
/// # }
/// ```
pub struct Statement<'c> {
    connection: &'c Connection,
    /// Taken out only when the statement is dropped, or was lent.
    body: Option<Box<Body>>,
    /// Where it goes then.
    place: Option<Place>,
}

/// All of a statement but its connection; this is what the cache keeps.
pub(crate) struct Body {
    /// Without what followed it.
    sql: String,
    /// Where in it the constants stand that are read as parameters behind those that it names.
    slots: Slots,

    /// Where what followed it began.
    tail: usize,
    row: Row,
    parameters: ast::Parameters,
    databases: DatabaseList,
    writes: DatabaseList,
    explain: bool,
    is_empty: bool,
    schema_version: u64,
    /// Those of the parameters, then the constants.
    values: Vec<Value>,
    registers: Vec<Value>,
    phase: Phase,
    run: u64,
    abortions: u64,
    /// When it began, where somebody wants to know how long it takes.
    began: Option<Instant>,
    counts: Counts,
}

/// Where a statement is.
enum Phase {
    Ready,
    Running(Entered),
}

impl Body {
    /// Compiles the first statement of `sql`.
    pub(crate) fn prepare(state: &mut State, sql: &str) -> Result<Box<Body>> {
        let (compiled, tail) = state.compile_and_lift(sql)?;
        let text = sql.get(..tail).unwrap_or(sql);
        let is_empty = compiled.is_none();
        let compiled = match compiled {
            Some(compiled) => compiled,
            None => Compiled::nothing(state.schema_version),
        };
        let (mut values, mut slots) = (Vec::new(), Slots::default());
        values.resize(compiled.parameters.count as usize, Value::Null);
        if !is_empty && !state.lifted.is_empty() {
            let all = state.lifted.take(|constant| {
                slots.add(&constant);
                values.push(constant.value);
            });
            slots.finish(text, all);
        }
        Ok(Box::new(Body {
            sql: text.to_owned(),
            slots,
            tail,
            is_empty,
            values,
            parameters: compiled.parameters,
            databases: compiled.databases,
            writes: compiled.writes,
            explain: compiled.explain.is_some(),
            schema_version: compiled.schema_version,
            row: Row::new(compiled.program, compiled.columns),
            registers: Vec::new(),
            phase: Phase::Ready,
            run: 0,
            abortions: 0,
            began: None,
            counts: Counts::default(),
        }))
    }

    fn install(&mut self, compiled: Compiled) {
        self.slots.clear();
        self.values
            .resize(compiled.parameters.count as usize, Value::Null);
        self.parameters = compiled.parameters;
        self.databases = compiled.databases;
        self.writes = compiled.writes;
        self.explain = compiled.explain.is_some();
        self.schema_version = compiled.schema_version;
        self.row = Row::new(compiled.program, compiled.columns);
    }

    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    pub(crate) fn schema_version(&self) -> u64 {
        self.schema_version
    }

    /// Whether it takes longer to compile than to look for, and has the text `sql` to itself.
    pub(crate) fn is_worth_keeping(&self, sql: &str) -> bool {
        let runs = matches!(
            self.row.program,
            Program::Query(_) | Program::Planned(_) | Program::Write(_)
        );
        runs && !self.explain && self.is_alone_in(sql)
    }

    /// Whether `sql` is its text and nothing but blanks.
    pub(crate) fn is_alone_in(&self, sql: &str) -> bool {
        sql.strip_prefix(&*self.sql)
            .is_some_and(|rest| rest.trim_ascii().is_empty())
    }

    #[inline]
    fn require_ready(&self) -> Result<()> {
        match self.phase {
            Phase::Ready => Ok(()),
            Phase::Running(_) => Err(Error::misuse(
                "a statement that runs takes no parameters; reset it first",
            )),
        }
    }

    /// What can be bound: all but the constants.
    #[inline]
    fn own_values(&mut self) -> &mut [Value] {
        let count = self.parameters.count as usize;
        self.values.get_mut(..count).unwrap_or_default()
    }

    /// Forgets what belongs to one run: parameters and rows.
    fn forget_run(&mut self) {
        self.own_values().fill(Value::Null);
        self.row.program.forget_rows();
    }

    /// The slow part of a step: a start, or another batch.
    fn step(&mut self, connection: &Connection) -> Result<bool> {
        if self.is_empty {
            return Ok(false);
        }
        let mut state = connection.state()?;
        let result = match self.phase {
            Phase::Ready => self.start(&mut state, connection),
            Phase::Running(_) => self.next_batch(&mut state, connection),
        };
        match state.refuse_missed(result) {
            Ok(true) => Ok(true),
            Ok(false) => self.end(&mut state, Outcome::Done).map(|()| false),
            Err(failure) => {
                let ended = self.end(&mut state, Outcome::Failed(failure.action));
                match ended {
                    // What OR FAIL left could not be committed: nothing of it is there.
                    Err(error) if failure.action == ConflictAction::Fail => {
                        state.session.environment.changes.set(0);
                        Err(error)
                    }
                    // What is undone because of the failure matters less than the failure.
                    _ => Err(*failure.error),
                }
            }
        }
    }

    /// Starts. A statement that another connection keeps from writing gives up what it has read, waits, and starts over: only one that found
    /// a snapshot open must not, as somebody may be waiting for that.
    fn start(&mut self, state: &mut State, connection: &Connection) -> Result<bool, Failure> {
        let before = state.open_transactions();
        let mut waiting = None;
        loop {
            match self.start_once(state, connection) {
                Err(_) if state.waits_to_write(before, waiting.get_or_insert_with(Waiting::default)) => {}
                result => return result,
            }
        }
    }

    fn start_once(&mut self, state: &mut State, connection: &Connection) -> Result<bool, Failure> {
        if state.transaction.running() == 0 {
            connection.interrupt_flag().store(false, Ordering::Relaxed);
        }
        self.began = state.hooks.tell_of_start(&self.sql);
        self.counts.runs += 1;
        if state.limits.shortens() {
            self.check_lengths(state)?;
        }
        if let Program::Command(_) = self.row.program {
            if self.schema_version != state.schema_version
                && let (Some(compiled), _) = state.compile(&self.sql)?
            {
                self.counts.recompilations += 1;
                self.install(compiled);
            }
            return self.run_command(state, connection);
        }
        if state.deferred.is_full() {
            state.write_deferred()?;
        }
        let before = state.open_transactions();
        self.lock(state)?;
        let undoable = !self.row.program.fails_clean() || state.collations.lacks_any();
        let entered = state
            .enter(&self.writes, undoable)
            .inspect_err(|_| state.end_reads_since(before))?;
        self.phase = Phase::Running(entered);
        state.session.runs += 1;
        (self.run, self.abortions) = (state.session.runs, state.transaction.abortions);
        state.session.environment.start_statement();
        if let Some(main) = state.databases.first() {
            let encoding = main.text_encoding();
            state.session.environment.encoding.set(encoding);
        }
        state.session.foreign_keys.defer_all = state.settings.defer_foreign_keys;
        if self.writes.is_empty() {
            self.open(state, connection)
        } else {
            self.write(state, connection)
        }
    }

    /// Refuses what is bound and longer than the limit.
    #[inline(never)]
    fn check_lengths(&self, state: &State) -> Result<()> {
        let most = state.limits.get(Limit::Length);
        let is_long = |value: &Value| match value.as_ref() {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len() > most,
            _ => false,
        };
        match self.values.iter().any(is_long) {
            true => Err(Error::TooBig),
            false => Ok(()),
        }
    }

    /// Opens read transactions and sees to it that the statement fits the schemas that it finds then.
    fn lock(&mut self, state: &mut State) -> Result<()> {
        loop {
            self.row.program.make_ready()?;
            match self.row.program.defers() {
                true => state.begin_reading_as_is(&self.databases)?,
                false => state.begin_reading(&self.databases)?,
            }
            if self.schema_version == state.schema_version {
                return Ok(());
            }
            state.release_idle();
            if let (Some(compiled), _) = state.compile(&self.sql)? {
                self.counts.recompilations += 1;
                self.install(compiled);
            }
        }
    }

    fn open(&mut self, state: &mut State, connection: &Connection) -> Result<bool, Failure> {
        let Program::Query(query) = &mut self.row.program else {
            return Ok(false);
        };
        let interrupt = connection.interrupt_flag();
        let mut context = state.context(&self.values, &mut self.registers, interrupt, self.run);
        let root = query.root_with(context.state.session.batch_rows_max)?;
        root.open(&mut context)?;
        let more = root.next(&mut context)?;
        Ok(more && self.row.start_batch(0))
    }

    fn next_batch(&mut self, state: &mut State, connection: &Connection) -> Result<bool, Failure> {
        if self.abortions != state.transaction.abortions {
            return Err(Error::Abort {
                message: "abort due to ROLLBACK".to_owned(),
            }
            .into());
        }
        state.write_deferred()?;
        let Program::Query(query) = &mut self.row.program else {
            return Ok(self.row.next_stored_batch()?);
        };
        let interrupt = connection.interrupt_flag();
        let mut context = state.context(&self.values, &mut self.registers, interrupt, self.run);
        let more = query.root()?.next(&mut context)?;
        Ok(more && self.row.start_batch(0))
    }

    fn write(&mut self, state: &mut State, connection: &Connection) -> Result<bool, Failure> {
        let interrupt = connection.interrupt_flag();
        let until = match &self.row.program {
            program if program.defers() && state.may_defer(&self.writes) => Until::Needed,
            program if program.batches() => Until::StatementEnd,
            _ => Until::Never,
        };
        state.deferred.set_until(until);
        let mut context = state.context(&self.values, &mut self.registers, interrupt, self.run);
        let last_rowid = context.state.session.environment.last_insert_rowid.get();
        context.state.session.foreign_keys.statement.clear();
        context.state.session.depth = 0;
        context.state.session.firing.clear();
        let result = self.row.program.write(&mut context);
        let result = match until {
            Until::StatementEnd => context.state.end_batches(result),
            _ => result,
        };
        context.state.deferred.set_until(Until::Never);
        let result = context.state.refuse_missed(result);
        let result = match self.row.program.fails_clean() && !context.state.collations.lacks_any() {
            true => result.map_err(undone_whole),
            false => result,
        };
        // What OR FAIL leaves behind must have its parents.
        let result = match result {
            Err(failure) if failure.action == ConflictAction::Fail => {
                check_statement_keys(&mut context).and(Err(failure))
            }
            result => result,
        };
        let result = result.and_then(|()| {
            // SQLite refuses a single row before it is inserted.
            let checked = check_statement_keys(&mut context);
            if checked.is_err() && self.row.program.inserts_one_row() {
                context
                    .state
                    .session
                    .environment
                    .last_insert_rowid
                    .set(last_rowid);
            }
            checked
        });
        let kept = match &result {
            Ok(()) => true,
            Err(failure) => failure.action == ConflictAction::Fail,
        };
        let changes = if kept { self.row.program.changes() } else { 0 };
        let environment = &state.session.environment;
        environment.changes.set(changes as i64);
        environment
            .total_changes
            .set(environment.total_changes.get() + changes as i64);
        result?;
        if let Phase::Running(entered) = &mut self.phase {
            state.settle(entered)?;
        }
        Ok(self.row.start_batch(0))
    }

    fn run_command(&mut self, state: &mut State, connection: &Connection) -> Result<bool, Failure> {
        let Program::Command(command) = &mut self.row.program else {
            return Ok(false);
        };
        if !command.is_rollback() {
            state.write_deferred()?;
        }
        let output = command.run(state, &self.values, connection.interrupt_flag())?;
        if let Some(columns) = output.columns {
            self.row.columns = columns;
        }
        self.row.rows = output.rows;
        if !self.row.start_batch(0) {
            return Ok(false);
        }
        let entered = state.enter(&[], false)?;
        self.abortions = state.transaction.abortions;
        self.phase = Phase::Running(entered);
        Ok(true)
    }

    fn end(&mut self, state: &mut State, outcome: Outcome) -> Result<()> {
        self.row.finish();
        if let Some(began) = self.began.take() {
            let ended = self.leave(state, outcome);
            state.hooks.tell_of_end(&self.sql, began);
            return ended;
        }
        self.leave(state, outcome)
    }

    #[inline]
    fn leave(&mut self, state: &mut State, outcome: Outcome) -> Result<()> {
        let Phase::Running(entered) = std::mem::replace(&mut self.phase, Phase::Ready) else {
            state.release_idle();
            return Ok(());
        };
        if let Err(error) = state.leave(&entered, outcome) {
            if outcome == Outcome::Done {
                self.row.program.forget_changes(&state.session.environment);
            }
            return Err(error);
        }
        Ok(())
    }
}

impl<'c> Statement<'c> {
    pub(crate) fn new(connection: &'c Connection, body: Box<Body>, place: Option<Place>) -> Statement<'c> {
        Statement {
            connection,
            body: Some(body),
            place,
        }
    }

    fn body(&self) -> &Body {
        // The body is only absent while `drop` runs.
        self.body
            .as_deref()
            .unwrap_or_else(|| unreachable!("a statement has its body until it is dropped"))
    }

    fn body_mut(&mut self) -> &mut Body {
        self.body
            .as_deref_mut()
            .unwrap_or_else(|| unreachable!("a statement has its body until it is dropped"))
    }

    // ---- what it is ------------------------------------------------------------------------------

    /// The text that it was prepared from, up to its semicolon.
    pub fn sql(&self) -> &str {
        self.body().sql()
    }

    /// Where the text after the statement begins.
    pub fn tail(&self) -> usize {
        self.body().tail
    }

    /// Whether the text had no statement in it, only blank space and comments.
    pub fn is_empty(&self) -> bool {
        self.body().is_empty
    }

    /// Whether it changes no database. (BEGIN and its like change none.)
    pub fn readonly(&self) -> bool {
        let body = self.body();
        body.writes.is_empty() && body.row.program.is_read_only()
    }

    /// Whether it is an EXPLAIN or EXPLAIN QUERY PLAN.
    pub fn is_explain(&self) -> bool {
        self.body().explain
    }

    /// How many columns its rows have; 0 when it returns none.
    pub fn column_count(&self) -> usize {
        self.body().row.columns.len()
    }

    /// The name of a column; empty for one that it has not.
    pub fn column_name(&self, column: usize) -> &str {
        self.body()
            .row
            .columns
            .get(column)
            .map_or("", |column| &column.name)
    }

    /// The names of its columns.
    pub fn column_names(&self) -> Vec<&str> {
        self.body()
            .row
            .columns
            .iter()
            .map(|column| &*column.name)
            .collect()
    }

    /// The declared type of the table column that a result column shows, if it shows one.
    pub fn column_decltype(&self, column: usize) -> Option<&str> {
        self.body().row.columns.get(column)?.declared_type()
    }

    /// The column of a table that a result column shows, under its own name, whatever the result calls it; `None` for what is computed.
    ///
    /// ```
    /// # fn main() -> aludel_sql::Result<()> {
    /// let connection = aludel_sql::Connection::open_in_memory()?;
    /// connection.execute_batch("CREATE TABLE person(name TEXT); CREATE VIEW people AS SELECT name AS who FROM person")?;
    /// let statement = connection.prepare("SELECT who AS x, upper(who) FROM people")?;
    /// assert_eq!(statement.column_origin_name(0), Some("name"));
    /// assert_eq!(statement.column_table_name(0), Some("person"));
    /// assert_eq!(statement.column_database_name(0).as_deref(), Some("main"));
    /// assert_eq!(statement.column_origin_name(1), None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn column_origin_name(&self, column: usize) -> Option<&str> {
        self.origin(column).map(ColumnOrigin::name)
    }

    /// The table whose column a result column shows.
    pub fn column_table_name(&self, column: usize) -> Option<&str> {
        match self.origin(column)? {
            ColumnOrigin::Table { table, .. } => Some(&table.name),
        }
    }

    /// The database of the table whose column a result column shows: `main`, `temp`, or as ATTACH named it.
    pub fn column_database_name(&self, column: usize) -> Option<String> {
        let ColumnOrigin::Table { database, .. } = self.origin(column)?;
        let state = self.connection.state.try_borrow().ok()?;
        state
            .databases
            .get(*database)
            .map(|database| database.name.clone())
    }

    fn origin(&self, column: usize) -> Option<&ColumnOrigin> {
        self.body().row.columns.get(column)?.origin.as_ref()
    }

    // ---- parameters ------------------------------------------------------------------------------

    /// The highest number of a parameter.
    pub fn parameter_count(&self) -> usize {
        self.body().parameters.count as usize
    }

    /// The name of a parameter, its sign included; they are counted from 1.
    pub fn parameter_name(&self, index: usize) -> Option<&str> {
        self.body().parameters.name(u32::try_from(index).ok()?)
    }

    /// The number of the parameter called `name`, its sign included.
    pub fn parameter_index(&self, name: &str) -> Option<usize> {
        self.body().parameters.number(name).map(|number| number as usize)
    }

    /// Gives parameter `index` (from 1) a value, which stays until another is bound.
    ///
    /// # Errors
    /// [`Error::Range`] when there is no such parameter, [`Error::Misuse`] while the statement runs.
    pub fn bind(&mut self, index: usize, value: impl Into<Value>) -> Result<()> {
        *self.slot(index)? = value.into();
        Ok(())
    }

    /// As [`Statement::bind`], copying from a borrowed value; allocates only when a text or blob grows.
    pub fn bind_ref(&mut self, index: usize, value: ValueRef<'_>) -> Result<()> {
        self.slot(index)?.assign(value);
        Ok(())
    }

    /// As [`Statement::bind_ref`] for all parameters at once, in their order.
    ///
    /// ```
    /// # use aludel_sql::{Connection, value::ValueRef};
    /// # fn main() -> aludel_sql::Result<()> {
    /// let connection = Connection::open_in_memory()?;
    /// let mut statement = connection.prepare("SELECT ?1 || ?2")?;
    /// statement.bind_all([ValueRef::Text(b"a"), ValueRef::Integer(1)])?;
    /// assert!(statement.step()?);
    /// assert_eq!(statement.get::<String>(0)?, "a1");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Misuse`] while the statement runs, or when there are more or fewer than it has; the first ones may be bound then.
    pub fn bind_all<'v>(&mut self, values: impl IntoIterator<Item = ValueRef<'v>>) -> Result<()> {
        let body = self.body_mut();
        body.require_ready()?;
        let (mut values, mut given) = (values.into_iter(), 0);
        for (slot, value) in body.own_values().iter_mut().zip(&mut values) {
            slot.assign(value);
            given += 1;
        }
        let taken = body.own_values().len();
        match given + values.count() {
            given if given == taken => Ok(()),
            given => Err(Error::misuse(format!(
                "the statement takes {taken} parameters, and {given} were given"
            ))),
        }
    }

    /// Sets all parameters to NULL.
    pub fn clear_bindings(&mut self) {
        self.body_mut().own_values().fill(Value::Null);
    }

    pub(crate) fn slot(&mut self, index: usize) -> Result<&mut Value> {
        let body = self.body_mut();
        body.require_ready()?;
        index
            .checked_sub(1)
            .and_then(|place| body.own_values().get_mut(place))
            .ok_or(Error::Range)
    }

    // ---- running ---------------------------------------------------------------------------------

    /// Goes to the next row. `true`: there is one, [`Statement::value`] reads it. `false`: the statement is done, and
    /// another step starts it anew.
    #[inline]
    pub fn step(&mut self) -> Result<bool> {
        let connection = self.connection;
        let body = self.body_mut();
        if body.row.advance() {
            Ok(true)
        } else {
            body.step(connection)
        }
    }

    /// A value of the current row; NULL when there is no row or no such column.
    #[inline]
    pub fn value(&self, column: usize) -> ValueRef<'_> {
        self.body().row.value(column)
    }

    /// The values of the current row where they lie, for who reads several of them.
    ///
    /// ```
    /// # use aludel_sql::{Connection, value::ValueRef};
    /// # fn main() -> aludel_sql::Result<()> {
    /// let connection = Connection::open_in_memory()?;
    /// let mut statement = connection.prepare("SELECT 1, 'a'")?;
    /// assert!(statement.values().is_empty());
    /// assert!(statement.step()?);
    /// let row = statement.values();
    /// assert_eq!((row.get(0), row.get(1)), (ValueRef::Integer(1), ValueRef::Text(b"a")));
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn values(&self) -> RowValues<'_> {
        self.body().row.values()
    }

    /// A value of the current row, converted.
    ///
    /// # Errors
    /// [`Error::Range`], [`Error::Conversion`].
    pub fn get<T: FromValue>(&self, column: usize) -> Result<T> {
        self.body().row.get(column)
    }

    /// Ends the run; its locks are given up. Parameters stay bound.
    pub fn reset(&mut self) {
        let connection = self.connection;
        let body = self.body_mut();
        if let Phase::Running(_) = body.phase
            && let Ok(mut state) = connection.state()
        {
            // A commit that fails here was rolled back; there is nobody to tell.
            let _ = body.end(&mut state, Outcome::Done);
        }
    }

    /// Binds, runs to the end, and returns how many rows were inserted, changed or deleted.
    pub fn execute(&mut self, params: impl Params) -> Result<usize> {
        self.reset();
        params.bind_to(self)?;
        while self.step()? {}
        let body = self.body();
        Ok(if body.writes.is_empty() {
            0
        } else {
            body.row.program.changes() as usize
        })
    }

    /// Binds and starts; the rows are read from what is returned.
    pub fn query(&mut self, params: impl Params) -> Result<Rows<'_, 'c>> {
        self.reset();
        params.bind_to(self)?;
        Ok(Rows { statement: self })
    }

    /// As [`Statement::query`], with a function applied to each row.
    pub fn query_map<T, F: FnMut(&Row) -> Result<T>>(
        &mut self,
        params: impl Params,
        read: F,
    ) -> Result<MappedRows<'_, 'c, F>> {
        Ok(MappedRows {
            rows: self.query(params)?,
            read,
            failed: false,
        })
    }

    /// Refuses a text in which another statement follows.
    pub(crate) fn refuse_rest(&self, sql: &str) -> Result<()> {
        let rest = sql.get(self.tail()..).unwrap_or("");
        if rest.is_empty() {
            return Ok(());
        }
        match crate::syntax::parse_next(rest.as_bytes(), 0) {
            Ok(None) => Ok(()),
            _ => Err(Error::misuse(
                "only the first of several statements would run; use execute_batch",
            )),
        }
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        if self.body.is_none() {
            return;
        }
        self.reset();
        let Some(mut body) = self.body.take() else { return };
        if self.place.is_some() || body.takes_texts() {
            body.forget_run();
            self.connection.keep(body, self.place);
        }
    }
}

impl std::fmt::Debug for Statement<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Statement")
            .field("sql", &self.sql())
            .finish_non_exhaustive()
    }
}

/// The rows of a query, one at a time. Dropping it ends the query.
#[derive(Debug)]
pub struct Rows<'s, 'c> {
    statement: &'s mut Statement<'c>,
}

/// A row that could not be written whole because the world is in the way (no room, no disk), when there is no savepoint to go back
/// to: the transaction is rolled back, as SQLite does it.
fn undone_whole(failure: Failure) -> Failure {
    const CODES: [i32; 2] = [10, 13]; // SQLITE_IOERR, SQLITE_FULL
    let action = match CODES.contains(&failure.error.code()) {
        true => ConflictAction::Rollback,
        false => failure.action,
    };
    Failure { action, ..failure }
}

impl Rows<'_, '_> {
    /// The next row, or `None` at the end.
    #[expect(
        clippy::should_implement_trait,
        reason = "a row lives until the next call, which an iterator cannot say"
    )]
    pub fn next(&mut self) -> Result<Option<&Row>> {
        Ok(if self.statement.step()? {
            Some(&self.statement.body().row)
        } else {
            None
        })
    }
}

impl Drop for Rows<'_, '_> {
    fn drop(&mut self) {
        self.statement.reset();
    }
}

/// An iterator over the rows of a query, each converted by a function.
#[derive(Debug)]
pub struct MappedRows<'s, 'c, F> {
    rows: Rows<'s, 'c>,
    read: F,
    failed: bool,
}

impl<T, F: FnMut(&Row) -> Result<T>> Iterator for MappedRows<'_, '_, F> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        if self.failed {
            return None;
        }
        match self.rows.next() {
            Ok(Some(row)) => Some((self.read)(row)),
            Ok(None) => {
                self.failed = true;
                None
            }
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}
