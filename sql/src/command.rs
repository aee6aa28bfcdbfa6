//! Statements that are done in one go: transaction control, DDL, PRAGMA, ATTACH.

use std::sync::atomic::AtomicBool;

use crate::catalog::Database;
use crate::connection::{Limit, Outcome, State, named_columns};
use crate::ddl;
use crate::error::{Error, Result};
use crate::exec::write::Failure;
use crate::exec::{Batch, build};
use crate::plan::{self, CompiledKind, ResultColumn};
use crate::pragma::{self, PragmaContext};
use crate::syntax::ast::{self, ExprKind, Literal, Statement, TransactionKind};
use crate::value::Value;

/// A statement without a plan.
pub(crate) enum Command {
    /// Rows that are known already.
    Rows(Batch),
    Begin(TransactionKind),
    Commit,
    Rollback,
    Savepoint(String),
    Release(String),
    RollbackTo(String),
    Attach(Box<ast::Attach>),
    Detach(Box<ast::Expr>),
    Pragma(Box<ast::Pragma>),
    /// DDL, with the text that it was parsed from.
    Define(Box<Statement>, Box<str>),
}

/// What a command puts out.
#[derive(Default)]
pub(crate) struct Output {
    /// Set when the columns are known only now.
    pub(crate) columns: Option<Vec<ResultColumn>>,
    pub(crate) rows: Vec<Batch>,
}

impl Command {
    /// The command that a statement is; `None` for one that is planned. EXPLAIN of a command has no rows.
    pub(crate) fn of(parsed: &ast::Parsed, sql: &str) -> Option<Command> {
        let command = match &parsed.statement {
            Statement::Select(_) | Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => {
                return None;
            }
            _ if parsed.explain.is_some() => Command::Rows(Batch::new(4)),
            Statement::Begin(kind) => Command::Begin(*kind),
            Statement::Commit => Command::Commit,
            Statement::Rollback => Command::Rollback,
            Statement::Savepoint(name) => Command::Savepoint(name.text.to_string()),
            Statement::Release(name) => Command::Release(name.text.to_string()),
            Statement::RollbackTo(name) => Command::RollbackTo(name.text.to_string()),
            Statement::Attach(attach) => Command::Attach(attach.clone()),
            Statement::Detach(name) => Command::Detach(name.clone()),
            Statement::Pragma(pragma) => Command::Pragma(pragma.clone()),
            statement => Command::Define(Box::new(statement.clone()), sql.into()),
        };
        Some(command)
    }

    /// The columns, as far as they are known before the command runs.
    pub(crate) fn columns(&self) -> Vec<ResultColumn> {
        match self {
            Command::Pragma(pragma) => named_columns(&pragma::columns(pragma)),
            _ => Vec::new(),
        }
    }

    pub(crate) fn is_read_only(&self) -> bool {
        match self {
            Command::Define(..) => false,
            Command::Pragma(pragma) => pragma.value.is_none(),
            _ => true,
        }
    }

    /// Whether it undoes the whole transaction.
    pub(crate) fn is_rollback(&self) -> bool {
        matches!(self, Command::Rollback)
    }

    /// Does it.
    pub(crate) fn run(
        &self,
        state: &mut State,
        parameters: &[Value],
        interrupt: &AtomicBool,
    ) -> Result<Output, Failure> {
        match self {
            Command::Rows(rows) => {
                return Ok(Output {
                    columns: None,
                    rows: vec![rows.clone()],
                });
            }
            Command::Begin(kind) => state.begin(*kind)?,
            Command::Commit => state.commit()?,
            Command::Rollback => state.roll_back()?,
            Command::Savepoint(name) => state.open_savepoint(name)?,
            Command::Release(name) => state.release_savepoint(name)?,
            Command::RollbackTo(name) => state.roll_back_to(name)?,
            Command::Attach(attach) => {
                let file = word_value(state, &attach.file, parameters, interrupt)?;
                let schema = word_value(state, &attach.schema, parameters, interrupt)?;
                state.attach(&file, &schema)?;
            }
            Command::Detach(name) => {
                let name = word_value(state, name, parameters, interrupt)?;
                state.detach(&name)?;
            }
            Command::Pragma(pragma) => return Ok(state.run_pragma(pragma, interrupt)?),
            Command::Define(statement, sql) => ddl::run(state, statement, sql, parameters, interrupt)?,
        }
        Ok(Output::default())
    }
}

/// The text of an expression of ATTACH or DETACH, in which a bare name stands for itself.
fn word_value(
    state: &mut State,
    expr: &ast::Expr,
    parameters: &[Value],
    interrupt: &AtomicBool,
) -> Result<String> {
    match &expr.kind {
        ExprKind::Name(name) => Ok(name.text.to_string()),
        ExprKind::Literal(Literal::String(text)) => Ok(String::from_utf8_lossy(text).into_owned()),
        _ => {
            let value = state.evaluate_constant(expr, parameters, interrupt)?;
            let mut buffer = Vec::new();
            let bytes = crate::value::decimal::bytes_of(value.as_ref(), &mut buffer).unwrap_or(b"");
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}

impl State {
    /// The value of an expression that reads no table.
    pub(crate) fn evaluate_constant(
        &mut self,
        expr: &ast::Expr,
        parameters: &[Value],
        interrupt: &AtomicBool,
    ) -> Result<Value> {
        let core = ast::SelectCore::Values(vec![vec![expr.clone()]]);
        let select = ast::Select {
            with: None,
            first: core,
            compounds: Vec::new(),
            order_by: Vec::new(),
            limit: None,
            span: expr.span,
        };
        let statement = Statement::Select(Box::new(select));
        let compiled = self.connecting(|state| {
            state.with_asked_context(|context| {
                let mut context = *context;
                context.settings.lone_expression = true;
                plan::compile(&statement, &context)
            })
        })?;
        let CompiledKind::Query(query) = compiled.kind else {
            return Ok(Value::Null);
        };
        let mut source = build(&query)?;
        let mut registers = Vec::new();
        let mut context = self.context(parameters, &mut registers, interrupt, 0);
        source.open(&mut context)?;
        let found = source.next(&mut context)?;
        let batch = source.batch();
        Ok(match batch.columns.first() {
            Some(column) if found => Value::from(column.get(batch.selected_row(0))),
            _ => Value::Null,
        })
    }

    // ---- PRAGMA ----------------------------------------------------------------------------------

    /// What PRAGMA quick_check finds in a table.
    pub(crate) fn quick_check(
        &mut self,
        database: usize,
        table: &str,
        interrupt: &AtomicBool,
    ) -> Result<Vec<String>> {
        self.with_pragma_context(interrupt, |context| pragma::quick_check(database, table, context))
    }

    /// Lends the world that pragmas look at and change.
    fn with_pragma_context<T>(
        &mut self,
        interrupt: &AtomicBool,
        work: impl FnOnce(&mut PragmaContext<'_>) -> T,
    ) -> T {
        work(&mut PragmaContext {
            state: self,
            interrupt,
        })
    }

    fn run_pragma(&mut self, pragma: &ast::Pragma, interrupt: &AtomicBool) -> Result<Output> {
        let all: Vec<usize> = (0..self.databases.len()).collect();
        // A pragma of a file whose schema is damaged is of most use.
        let open = self.open_transactions();
        let refreshed = self.begin_reading(&all);
        self.end_reads_since(open);
        let before = (
            self.settings.clone(),
            self.session.environment.case_sensitive_like.get(),
        );
        let rows = self.with_pragma_context(interrupt, |context| pragma::run(pragma, context));
        self.end_reads_since(open);
        if before
            != (
                self.settings.clone(),
                self.session.environment.case_sensitive_like.get(),
            )
        {
            self.schema_version += 1;
        }
        let rows = match (rows, refreshed) {
            (Ok(rows), Err(error)) if rows.is_empty() && pragma.value.is_none() => return Err(error),
            (rows, _) => rows?,
        };
        Ok(Output {
            columns: None,
            rows: batch_of(&rows),
        })
    }

    // ---- ATTACH, DETACH --------------------------------------------------------------------------

    fn attach(&mut self, file: &str, name: &str) -> Result<()> {
        let most = self.limits.get(Limit::Attached);
        if self.databases.len() >= most + 2 {
            return Err(Error::sql(format!("too many attached databases - max {}", most)));
        }
        if self.database_named(name).is_ok() {
            return Err(Error::sql(format!("database {name} is already in use")));
        }
        let cannot_open = |error: Error| Error::Coded {
            code: error.code(),
            message: format!("unable to open database: {file}"),
            offset: None,
        };
        let mut database = self
            .open_options()
            .open_database(name, file)
            .map_err(cannot_open)?;
        database.secure_delete = self.databases.first().map_or(0, |main| main.secure_delete);
        database.pager.set_secure_delete(database.secure_delete == 1);
        self.databases.push(database);
        let number = self.databases.len() - 1;
        self.wait_as_told(number);
        let open = self.open_transactions();
        let read = self.begin_reading(&[number]);
        self.end_reads_since(open);
        let fits = read.and_then(|()| self.check_encoding(number));
        if let Err(error) = fits {
            self.databases.pop();
            return Err(error);
        }
        self.schema_version += 1;
        Ok(())
    }

    /// Texts go from one database to another as they are.
    fn check_encoding(&self, number: usize) -> Result<()> {
        let encoding_of = |database: &Database| match database.pager.page_count() {
            0 => None,
            _ => Some(database.encoding()),
        };
        let main = self.databases.first().and_then(encoding_of);
        let attached = self.databases.get(number).and_then(encoding_of);
        if main
            .zip(attached)
            .is_some_and(|(main, attached)| main != attached)
        {
            return Err(Error::sql(
                "attached databases must use the same text encoding as main database",
            ));
        }
        Ok(())
    }

    fn detach(&mut self, name: &str) -> Result<()> {
        let Ok(number) = self.database_named(name) else {
            return Err(Error::sql(format!("no such database: {name}")));
        };
        if number < 2 {
            return Err(Error::sql(format!("cannot detach database {name}")));
        }
        let in_use = self.databases[number].pager.state() != aludel_storage::pager::TransactionState::None;
        if in_use {
            return Err(Error::sql(format!("database {name} is locked")));
        }
        self.databases.remove(number);
        self.schema_version += 1;
        Ok(())
    }

    /// Runs a command that writes `database`: its changes are kept or undone as a whole.
    pub(crate) fn change(
        &mut self,
        database: usize,
        work: impl FnOnce(&mut State) -> Result<()>,
    ) -> Result<(), Failure> {
        self.change_all(&[database], work)
    }

    /// As [`State::change`], for several databases.
    pub(crate) fn change_all(
        &mut self,
        databases: &[usize],
        work: impl FnOnce(&mut State) -> Result<()>,
    ) -> Result<(), Failure> {
        let entered = self.enter(databases, true)?;
        match work(self) {
            Ok(()) => Ok(self.leave(&entered, Outcome::Done)?),
            Err(error) => {
                let failure = Failure::from(error);
                // What is undone because of the failure matters less than the failure.
                let _ = self.leave(&entered, Outcome::Failed(failure.action));
                Err(failure)
            }
        }
    }
}

fn batch_of(rows: &[Vec<Value>]) -> Vec<Batch> {
    let mut batch = Batch::new(rows.first().map_or(0, Vec::len));
    for row in rows {
        for (column, value) in batch.columns.iter_mut().zip(row) {
            column.push(value.as_ref());
        }
    }
    batch.set_len(rows.len());
    vec![batch]
}
