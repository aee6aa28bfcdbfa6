//! From a statement's text to something that can run.

use smallvec::SmallVec;

use super::{Connection, Limit, State};
use crate::catalog::{Collations, Database};
use crate::command::Command;
use crate::error::{Error, Result};
use crate::exec::Batch;
use crate::exec::meter::{self, Meters, PlanLine};
use crate::plan::physical::DatabaseList;
use crate::plan::{self, CompiledKind, Lifted, PlanContext, ResultColumn, SchemaView};
use crate::statement::{Compiled, Program, Query, WritePlan};
use crate::syntax::ast::{self, Explain};

impl Connection {
    /// The operators that the first statement of `sql` would run, each with the rows that the planner expects of it; nothing for a
    /// statement that is no SELECT, INSERT, UPDATE or DELETE. Runs nothing.
    ///
    /// A line comes before those under it. `EXPLAIN ANALYZE` shows the same lines with what was counted while they ran.
    ///
    /// ```
    /// # fn main() -> aludel_sql::Result<()> {
    /// let connection = aludel_sql::Connection::open_in_memory()?;
    /// connection.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)", ())?;
    /// let lines = connection.plan("SELECT b FROM t WHERE a = 7")?;
    /// assert!(lines.iter().any(|line| line.detail.starts_with("SEARCH t") && line.estimate == Some(1.0)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the parser and the planner.
    pub fn plan(&self, sql: &str) -> Result<Vec<PlanLine>> {
        use ast::Statement as S;
        let mut state = self.state()?;
        let Some(mut next) = state.parse_memory.parse_next(sql.as_bytes(), 0)? else {
            return Ok(Vec::new());
        };
        match next.parsed.statement {
            S::Select(_) | S::Insert(_) | S::Update(_) | S::Delete(_) => {}
            _ => return Ok(Vec::new()),
        }
        next.parsed.explain = Some(Explain::Analyze);
        state.compile_parsed(&next.parsed, sql)?.program.plan_lines()
    }
}

impl State {
    /// Compiles the first statement of `sql`. `None` when there is only blank space and comments; the offset is where the rest begins.
    ///
    /// Schemas that were read before are taken as they are: whether they are current is seen when the statement runs. Only when a
    /// statement does not compile is it worth asking.
    pub(crate) fn compile(&mut self, sql: &str) -> Result<(Option<Compiled>, usize)> {
        self.compile_text(sql, false)
    }

    /// As [`compile`](Self::compile), with the constants of some statements in [`State::lifted`] afterwards: the program reads them as parameters
    /// behind those of the text.
    pub(crate) fn compile_and_lift(&mut self, sql: &str) -> Result<(Option<Compiled>, usize)> {
        let compiled = self.compile_text(sql, true);
        self.lifts = false;
        compiled
    }

    fn compile_text(&mut self, sql: &str, lift: bool) -> Result<(Option<Compiled>, usize)> {
        if sql.len() > self.limits.get(Limit::SqlLength) {
            return Err(Error::Coded {
                code: 18, // SQLITE_TOOBIG
                message: "statement too long".to_owned(),
                offset: None,
            });
        }
        let Some(next) = self.parse_memory.parse_next(sql.as_bytes(), 0)? else {
            return Ok((None, sql.len()));
        };
        // Statements that a virtual table compiles meanwhile lift nothing, and neither does this one then.
        self.lifts = lift && next.parsed.explain.is_none();
        self.lifted.begin(next.parsed.parameters.count);
        let mut compiled = self.compile_parsed(&next.parsed, sql)?;
        compiled.parameters = next.parsed.parameters;
        self.parse_memory.take_back(next.parsed.statement);
        Ok((Some(compiled), next.end))
    }

    fn compile_parsed(&mut self, parsed: &ast::Parsed, sql: &str) -> Result<Compiled> {
        if let Some(mut command) = Command::of(parsed, sql) {
            if self.authorizer.is_some() && self.ask_about_command(parsed, sql)? {
                command = Command::Rows(Batch::new(0));
            }
            return Ok(Compiled::of_command(command, parsed, self.schema_version));
        }
        let fresh = self.read_unknown_schemas()?;
        match self.plan(parsed) {
            Err(error) if !fresh => self.plan_with_current_schemas(parsed, error),
            compiled => compiled,
        }
    }

    /// Plans again if the schemas have changed meanwhile; if not, `error` stands.
    #[inline(never)]
    fn plan_with_current_schemas(&mut self, parsed: &ast::Parsed, error: Error) -> Result<Compiled> {
        let version = self.schema_version;
        let all: Vec<usize> = (0..self.databases.len()).collect();
        let before = self.open_transactions();
        let refreshed = self.begin_reading(&all);
        self.end_reads_since(before);
        refreshed?;
        if version == self.schema_version {
            Err(error)
        } else {
            self.plan(parsed)
        }
    }

    /// Reads the schemas that were never read. True when all are current for that reason.
    pub(crate) fn read_unknown_schemas(&mut self) -> Result<bool> {
        if self.databases.iter().all(Database::knows_schema) {
            return Ok(false);
        }
        let all: Vec<usize> = (0..self.databases.len()).collect();
        let before = self.open_transactions();
        let read = self.begin_reading(&all);
        self.end_reads_since(before);
        read.map(|()| true)
    }

    /// Lends the world that statements are compiled in.
    pub(crate) fn with_plan_context<T>(&self, work: impl FnOnce(&PlanContext<'_>) -> T) -> T {
        self.with_context(false, None, work)
    }

    fn with_context<T>(
        &self,
        explain: bool,
        lifted: Option<&Lifted>,
        work: impl FnOnce(&PlanContext<'_>) -> T,
    ) -> T {
        let views = self.schema_views();
        let collations = |name: &str| self.collations.find(name);
        work(&PlanContext {
            databases: &views,
            functions: &self.functions,
            collations: &collations,
            virtual_tables: self,
            settings: self.plan_settings(explain),
            trigger: None,
            uses: None,
            authorize: None,
            accessor: None,
            lifted,
        })
    }

    fn plan(&mut self, parsed: &ast::Parsed) -> Result<Compiled> {
        self.connecting(|state| {
            let explain = matches!(parsed.explain, Some(Explain::Plan | Explain::QueryPlan));
            let lifted = state.lifts.then_some(&state.lifted);
            state.with_context(explain, lifted, |context| {
                state.asking(context, |context| state.plan_in(parsed, context))
            })
        })
    }

    fn plan_in(&self, parsed: &ast::Parsed, context: &PlanContext<'_>) -> Result<Compiled> {
        let compiled = plan::compile(&parsed.statement, context)?;
        if let Some(explain) = parsed.explain.filter(|explain| *explain != Explain::Analyze) {
            return Ok(Compiled::of_explain(
                explain,
                &compiled.explain,
                parsed,
                self.schema_version,
            ));
        }
        match compiled.kind {
            CompiledKind::Query(root) if parsed.explain.is_some() => Ok(Compiled {
                program: Program::Query(Query::analyzed(root)),
                columns: named_columns(&meter::COLUMNS),
                parameters: ast::Parameters::default(),
                databases: compiled.databases,
                writes: DatabaseList::new(),
                explain: parsed.explain,
                schema_version: self.schema_version,
            }),
            CompiledKind::Query(root) => Ok(Compiled {
                program: Program::Query(Query::new(root)),
                columns: compiled.columns,
                parameters: ast::Parameters::default(),
                databases: compiled.databases,
                writes: DatabaseList::new(),
                explain: None,
                schema_version: self.schema_version,
            }),
            _ => self.write_of(compiled, parsed.explain, context),
        }
    }

    /// An INSERT, UPDATE or DELETE with the programs of its triggers and foreign keys.
    #[inline(never)]
    fn write_of(
        &self,
        compiled: plan::Compiled,
        explain: Option<Explain>,
        context: &PlanContext<'_>,
    ) -> Result<Compiled> {
        let programs = self.programs_of(&compiled.kind, context)?;
        let mut databases = compiled.databases;
        if !programs.tables.is_empty() {
            // What triggers read is not told; it may be anything.
            databases = (0..self.databases.len()).collect();
        }
        let mut writes: DatabaseList = programs.tables.iter().map(|table| table.database).collect();
        let (verb, plan) = match compiled.kind {
            CompiledKind::Query(root) => ("", Err(root)),
            CompiledKind::Insert(plan) => ("INSERT INTO", Ok(WritePlan::Insert(plan))),
            CompiledKind::Update(plan) => ("UPDATE", Ok(WritePlan::Update(plan))),
            CompiledKind::Delete(plan) => ("DELETE FROM", Ok(WritePlan::Delete(plan))),
        };
        let mut program = match plan {
            Err(root) => Program::Query(Query::new(root)),
            Ok(plan) => {
                let target = plan.target();
                writes.push(target.database);
                let meters = explain.map(|_| Meters::of_write(format!("{verb} {}", target.table.name)));
                Program::of_write(plan, programs, meters)?
            }
        };
        writes.sort_unstable();
        writes.dedup();
        let mut columns = compiled.columns;
        if explain.is_some() {
            columns = named_columns(&meter::COLUMNS);
        }
        if self.settings.count_changes && columns.is_empty() {
            columns.extend(
                program
                    .count_changes()
                    .into_iter()
                    .flat_map(|name| named_columns(&[name])),
            );
        }
        Ok(Compiled {
            program,
            columns,
            parameters: ast::Parameters::default(),
            databases,
            writes,
            explain,
            schema_version: self.schema_version,
        })
    }

    /// The databases as the planner sees them.
    pub(crate) fn schema_views(&self) -> SmallVec<[SchemaView<'_>; 4]> {
        let databases = self.databases.iter();
        databases
            .map(|database| SchemaView {
                name: &database.name,
                schema: &database.schema,
            })
            .collect()
    }

    pub(crate) fn plan_settings(&self, explain: bool) -> plan::Settings {
        plan::Settings {
            case_sensitive_like: self.session.environment.case_sensitive_like.get(),
            automatic_index: self.settings.automatic_index,
            writable_schema: self.settings.writable_schema,
            trusted_schema: self.settings.trusted_schema,
            explain,
            unoptimized: self.settings.unoptimized,
            compound_max: self.limits.get(Limit::CompoundSelect),
            columns_max: self.limits.get(Limit::Column),
            length_max: self.limits.get(Limit::Length),
            ..plan::Settings::default()
        }
    }
}

/// The columns of a result that have names only.
pub(crate) fn named_columns(names: &[&str]) -> Vec<ResultColumn> {
    names
        .iter()
        .map(|name| ResultColumn {
            name: (*name).into(),
            origin: None,
            affinity: None,
        })
        .collect()
}
