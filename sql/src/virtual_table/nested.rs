//! Statements inside statements: what virtual tables run on their shadow tables.
//!
//! A nested statement reads under the locks of the one that it is inside, and writes in its transaction, with a savepoint of its own. Counters that the
//! user sees, and the foreign keys that the outer statement has still to check, are as before when it is done.

use rustc_hash::FxHashMap;

use super::context::VirtualContext;
use crate::connection::{Outcome, State};
use crate::error::{Error, Result};
use crate::exec::write::{Failure, check_statement_keys};
use crate::plan::physical::DatabaseList;
use crate::statement::{FromValue, Program, Row};
use crate::value::{Value, ValueRef};

/// How deep statements may be inside each other.
const DEPTH_MAX: usize = 12;

/// What a connection knows of nested statements.
#[derive(Default)]
pub(crate) struct NestedState {
    /// How many are running inside each other.
    pub(crate) depth: usize,
    /// The rowid that the last of them inserted.
    pub(crate) last_insert_rowid: i64,
    /// Statements that wait to be used again, by their text.
    pub(crate) kept: FxHashMap<Box<str>, Prepared>,
}

/// A nested statement that is compiled once and run many times. It is compiled when it first starts.
///
/// [`VirtualContext::query`] and [`VirtualContext::execute`] are enough where a statement is run to its end in one call; a cursor that reads a shadow
/// table row by row keeps one of these.
#[derive(Default)]
pub struct Prepared {
    sql: Box<str>,
    row: Row,
    databases: DatabaseList,
    writes: DatabaseList,
    parameters: Vec<Value>,
    registers: Vec<Value>,
    schema_version: Option<u64>,
    run: u64,
    stage: Stage,
}

/// Where a statement is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Not started, or at its end.
    #[default]
    Idle,
    /// Before the first row of a batch that is there.
    Fresh,
    /// On a row.
    OnRow,
}

impl Prepared {
    /// A statement of this text.
    pub fn new(sql: &str) -> Prepared {
        Prepared {
            sql: sql.into(),
            ..Prepared::default()
        }
    }

    /// The text.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Starts it, or starts it over. A statement that is not a query does all of its work here.
    pub fn start(&mut self, context: &mut VirtualContext<'_>, params: &[Value]) -> Result<()> {
        self.reset();
        self.parameters.clear();
        self.parameters.extend_from_slice(params);
        deeper(context, |context| {
            self.compile(context.state)?;
            self.row.program.make_ready()?;
            let more = match &self.row.program {
                Program::Command(_) => self.command(context)?,
                Program::Write(_) | Program::Planned(_) => self.write(context)?,
                Program::Query(_) => self.open(context)?,
                Program::Empty => false,
            };
            self.stage = if more { Stage::Fresh } else { Stage::Idle };
            Ok(())
        })
    }

    /// Goes to the next row; false at the end.
    pub fn next(&mut self, context: &mut VirtualContext<'_>) -> Result<bool> {
        match self.stage {
            Stage::Idle => return Ok(false),
            Stage::Fresh => {
                self.stage = Stage::OnRow;
                return Ok(true);
            }
            Stage::OnRow if self.row.advance() => return Ok(true),
            Stage::OnRow => {}
        }
        let more = deeper(context, |context| self.next_batch(context));
        if !matches!(more, Ok(true)) {
            self.reset();
        }
        more
    }

    /// A value of the current row; NULL for a column that it has not.
    pub fn value(&self, column: usize) -> ValueRef<'_> {
        self.row.value(column)
    }

    /// A value of the current row, converted.
    ///
    /// # Errors
    /// [`Error::Range`], [`Error::Conversion`].
    pub fn get<T: FromValue>(&self, column: usize) -> Result<T> {
        self.row.get(column)
    }

    /// How many columns its rows have. Known after the first start.
    pub fn column_count(&self) -> usize {
        self.row.columns.len()
    }

    /// The name of a column.
    pub fn column_name(&self, column: usize) -> &str {
        self.row.columns.get(column).map_or("", |column| &column.name)
    }

    /// Rows that the last run changed.
    pub fn changes(&self) -> u64 {
        self.row.program.changes()
    }

    /// Ends the run. It may start again.
    pub fn reset(&mut self) {
        self.row.finish();
        self.stage = Stage::Idle;
    }

    /// Commands are not run twice, so keeping them is of no use.
    pub(super) fn is_worth_keeping(&self) -> bool {
        matches!(
            self.row.program,
            Program::Query(_) | Program::Planned(_) | Program::Write(_)
        )
    }

    /// Sees to it that the statement fits the schema.
    fn compile(&mut self, state: &mut State) -> Result<()> {
        loop {
            if self.schema_version.is_some() {
                state.begin_reading(&self.databases)?;
            }
            if self.schema_version == Some(state.schema_version) {
                return Ok(());
            }
            let (compiled, _) = state.compile(&self.sql)?;
            let Some(compiled) = compiled else {
                return Ok(());
            };
            self.databases = compiled.databases;
            self.writes = compiled.writes;
            self.schema_version = Some(compiled.schema_version);
            self.row = Row::new(compiled.program, compiled.columns);
            if let Program::Command(_) = self.row.program {
                return Ok(());
            }
        }
    }

    fn open(&mut self, context: &mut VirtualContext<'_>) -> Result<bool> {
        let Program::Query(query) = &mut self.row.program else {
            return Ok(false);
        };
        let state = &mut *context.state;
        state.session.runs += 1;
        self.run = state.session.runs;
        let mut exec = state.context(&self.parameters, &mut self.registers, context.interrupt, self.run);
        let root = query.root()?;
        root.open(&mut exec)?;
        let more = root.next(&mut exec)?;
        Ok(more && self.row.start_batch(0))
    }

    fn next_batch(&mut self, context: &mut VirtualContext<'_>) -> Result<bool> {
        let Program::Query(query) = &mut self.row.program else {
            return self.row.next_stored_batch();
        };
        let mut exec =
            context
                .state
                .context(&self.parameters, &mut self.registers, context.interrupt, self.run);
        let more = query.root()?.next(&mut exec)?;
        Ok(more && self.row.start_batch(0))
    }

    fn command(&mut self, context: &mut VirtualContext<'_>) -> Result<bool> {
        let Program::Command(command) = &self.row.program else {
            return Ok(false);
        };
        let output = command
            .run(context.state, &self.parameters, context.interrupt)
            .map_err(|failure| *failure.error)?;
        if let Some(columns) = output.columns {
            self.row.columns = columns;
        }
        self.row.rows = output.rows;
        Ok(self.row.start_batch(0))
    }

    fn write(&mut self, context: &mut VirtualContext<'_>) -> Result<bool> {
        let state = &mut *context.state;
        if !state.is_writing(&self.writes) {
            return Err(Error::misuse(
                "a virtual table writes in calls that belong to a write only",
            ));
        }
        let undoable = !self.row.program.fails_clean();
        let entered = state.enter(&self.writes, undoable)?;
        state.session.runs += 1;
        self.run = state.session.runs;
        let outer = OuterWrite::put_aside(state);
        let mut exec = state.context(&self.parameters, &mut self.registers, context.interrupt, self.run);
        let result = self
            .row
            .program
            .write(&mut exec)
            .and_then(|()| check_statement_keys(&mut exec));
        outer.restore(state);
        match result {
            Ok(()) => state.leave(&entered, Outcome::Done)?,
            Err(Failure { error, action }) => {
                // What is undone because of the failure matters less than the failure.
                let _ = state.leave(&entered, Outcome::Failed(action));
                return Err(*error);
            }
        }
        Ok(self.row.start_batch(0))
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("sql", &self.sql)
            .finish_non_exhaustive()
    }
}

/// Runs `work` one level deeper.
fn deeper<T>(
    context: &mut VirtualContext<'_>,
    work: impl FnOnce(&mut VirtualContext<'_>) -> Result<T>,
) -> Result<T> {
    if context.state.nested.depth >= DEPTH_MAX {
        return Err(Error::sql("too many statements inside each other"));
    }
    context.state.nested.depth += 1;
    let result = work(context);
    context.state.nested.depth -= 1;
    result
}

/// What the statement outside has on its mind while a nested one writes.
struct OuterWrite {
    changes: i64,
    total_changes: i64,
    last_insert_rowid: i64,
    broken: Vec<crate::exec::write::BrokenKey>,
    depth: usize,
    firing: Vec<usize>,
}

impl OuterWrite {
    fn put_aside(state: &mut State) -> OuterWrite {
        let session = &mut state.session;
        let environment = &session.environment;
        OuterWrite {
            changes: environment.changes.get(),
            total_changes: environment.total_changes.get(),
            last_insert_rowid: environment.last_insert_rowid.get(),
            broken: std::mem::take(&mut session.foreign_keys.statement),
            depth: std::mem::take(&mut session.depth),
            firing: std::mem::take(&mut session.firing),
        }
    }

    fn restore(self, state: &mut State) {
        let session = &mut state.session;
        let environment = &session.environment;
        state.nested.last_insert_rowid = environment.last_insert_rowid.get();
        environment.changes.set(self.changes);
        environment.total_changes.set(self.total_changes);
        environment.last_insert_rowid.set(self.last_insert_rowid);
        session.foreign_keys.statement = self.broken;
        session.depth = self.depth;
        session.firing = self.firing;
    }
}
