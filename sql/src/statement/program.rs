//! What a statement runs.

use std::sync::Arc;
use std::time::Instant;

use crate::command::Command;
use crate::connection::named_columns;
use crate::error::Result;
use crate::exec::meter::{self, Meters, PlanLine};
use crate::exec::write::{
    Delete, Failure, Insert, ProgramSet, Returned, Update, VirtualWrite, Written, insert_alone,
    may_insert_alone, may_update_alone, update_alone,
};
use crate::exec::{Batch, BuildContext, ExecContext, Operator, build};
use crate::functions::Environment;
use crate::plan::physical::DatabaseList;
use crate::plan::write::{DeletePlan, InsertPlan, TargetTable, UpdatePlan};
use crate::plan::{ExplainLine, Node, ResultColumn};
use crate::syntax::ast::{self, Explain};
use crate::value::ValueRef;

/// A compiled statement.
pub(crate) struct Compiled {
    pub(crate) program: Program,
    pub(crate) columns: Vec<ResultColumn>,
    pub(crate) parameters: ast::Parameters,
    /// The databases that it reads.
    pub(crate) databases: DatabaseList,
    /// The databases that it writes.
    pub(crate) writes: DatabaseList,
    pub(crate) explain: Option<Explain>,
    /// What it was compiled against.
    pub(crate) schema_version: u64,
}

/// The kinds of program.
#[derive(Default)]
pub(crate) enum Program {
    /// Blank space.
    #[default]
    Empty,
    /// SELECT.
    Query(Query),
    /// INSERT, UPDATE, DELETE that did not run yet: its operators are made when it runs first, as those of a SELECT.
    Planned(Planned),
    /// INSERT, UPDATE, DELETE.
    Write(Box<Write>),
    /// Everything else.
    Command(Command),
}

/// The operators of a SELECT, which are made when it runs first: many statements are prepared to be looked at, or to run later.
pub(crate) enum Query {
    /// Not run yet.
    Planned(Node),
    /// Not run yet, and what it puts out is how it ran.
    Analyzed(Box<Node>),
    /// With the buffers of the runs before.
    Built(Box<dyn Operator>),
}

/// A program that will change rows.
pub(crate) struct Planned {
    plan: WritePlan,
    programs: Arc<ProgramSet>,
    /// As [`Write::counts`].
    counts: bool,
    /// How it stands with a run without operators.
    alone: Alone,
}

/// Whether a write does without operators: its first run may, where it writes one row and nothing else has a say in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alone {
    /// Nobody has asked.
    Unknown,
    /// The run that comes next does.
    Next,
    /// It did, and changed so many rows.
    Ran(u64),
}

/// A program that changes rows.
pub(crate) struct Write {
    kind: WriteKind,
    fails_clean: bool,
    defers: bool,
    batches: bool,
    written: Written,
    /// Whether its result is one row with the number of rows (PRAGMA count_changes).
    counts: bool,
    /// Whether its result is how it ran (EXPLAIN ANALYZE).
    meters: Option<Meters>,
}

enum WriteKind {
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
    Virtual(Box<VirtualWrite>, Changed),
}

/// The plan of a program that changes rows.
pub(crate) enum WritePlan {
    Insert(Box<InsertPlan>),
    Update(Box<UpdatePlan>),
    Delete(Box<DeletePlan>),
}

/// What happens to the rows that a statement changes.
#[derive(Clone, Copy)]
enum Changed {
    Inserted,
    Updated,
    Deleted,
}

impl Compiled {
    /// Blank space.
    #[cold]
    pub(crate) fn nothing(schema_version: u64) -> Compiled {
        Compiled {
            program: Program::Empty,
            columns: Vec::new(),
            parameters: ast::Parameters::default(),
            databases: DatabaseList::new(),
            writes: DatabaseList::new(),
            explain: None,
            schema_version,
        }
    }

    pub(crate) fn of_command(command: Command, parsed: &ast::Parsed, schema_version: u64) -> Compiled {
        Compiled {
            columns: command.columns(),
            program: Program::Command(command),
            parameters: parsed.parameters.clone(),
            databases: DatabaseList::new(),
            writes: DatabaseList::new(),
            explain: None,
            schema_version,
        }
    }

    /// EXPLAIN: its lines are the rows.
    pub(crate) fn of_explain(
        explain: Explain,
        lines: &[ExplainLine],
        parsed: &ast::Parsed,
        schema_version: u64,
    ) -> Compiled {
        let mut rows = Batch::new(4);
        for line in lines {
            rows.columns[0].push_integer(line.id.into());
            rows.columns[1].push_integer(line.parent.into());
            rows.columns[2].push_integer(0);
            rows.columns[3].push(ValueRef::Text(line.detail.as_bytes()));
        }
        rows.set_len(lines.len());
        Compiled {
            program: Program::Command(Command::Rows(rows)),
            columns: named_columns(&["id", "parent", "notused", "detail"]),
            parameters: parsed.parameters.clone(),
            databases: DatabaseList::new(),
            writes: DatabaseList::new(),
            explain: Some(explain),
            schema_version,
        }
    }
}

impl Query {
    /// A query that did not run yet.
    pub(crate) fn new(root: Node) -> Query {
        Query::Planned(root)
    }

    /// A query that did not run yet, and of which how it runs is told.
    pub(crate) fn analyzed(root: Node) -> Query {
        Query::Analyzed(Box::new(root))
    }

    /// As [`Query::root`]; scans put at most so many rows in a batch.
    pub(crate) fn root_with(&mut self, batch_rows_max: usize) -> Result<&mut dyn Operator> {
        let build = || BuildContext::with_batches_of(batch_rows_max);
        match self {
            Query::Planned(plan) => *self = Query::Built(build().operator(plan)?),
            Query::Analyzed(plan) => *self = Query::Built(meter::analysis(plan, build())?),
            Query::Built(_) => {}
        }
        self.root()
    }

    /// The operator at the top, built when it is first asked for.
    ///
    /// # Errors
    /// [`Error::Sql`](crate::Error::Sql) for plans that contradict themselves.
    pub(crate) fn root(&mut self) -> Result<&mut dyn Operator> {
        match self {
            Query::Planned(plan) => *self = Query::Built(build(plan)?),
            Query::Analyzed(plan) => *self = Query::Built(meter::analysis(plan, BuildContext::default())?),
            Query::Built(_) => {}
        }
        match self {
            Query::Built(root) => Ok(&mut **root),
            Query::Planned(_) | Query::Analyzed(_) => unreachable!("it was built above"),
        }
    }

    /// The rows that the last call has put out.
    pub(crate) fn batch(&self) -> Option<&Batch> {
        match self {
            Query::Built(root) => Some(root.batch()),
            Query::Planned(_) | Query::Analyzed(_) => None,
        }
    }

    pub(crate) fn close(&mut self) {
        if let Query::Built(root) = self {
            root.close();
        }
    }
}

impl Program {
    /// The program of a write. Its operators are made now where something is to be learned from them: whether a virtual table can be
    /// written, or what there is to count for EXPLAIN ANALYZE.
    ///
    /// # Errors
    /// Those of virtual tables; [`Error::Sql`](crate::Error::Sql) for plans that contradict themselves.
    pub(crate) fn of_write(
        plan: WritePlan,
        programs: Arc<ProgramSet>,
        meters: Option<Meters>,
    ) -> Result<Program> {
        if meters.is_none() && !plan.target().table.is_virtual() {
            return Ok(Program::Planned(Planned {
                plan,
                programs,
                counts: false,
                alone: Alone::Unknown,
            }));
        }
        let mut build = BuildContext::default().watched_by(meters);
        let kind = plan.build(&programs, &mut build)?;
        Ok(Program::of(kind, build.into_meters()))
    }

    fn of(kind: WriteKind, meters: Option<Meters>) -> Program {
        Program::Write(Box::new(Write {
            fails_clean: kind.fails_clean(),
            defers: kind.defers(),
            batches: kind.batches() && !kind.fails_clean(),
            kind,
            written: Written::default(),
            counts: false,
            meters,
        }))
    }

    /// Makes the number of rows that a write changes its result, and names the result's column.
    pub(crate) fn count_changes(&mut self) -> Option<&'static str> {
        let changed = match self {
            Program::Planned(planned) => {
                planned.counts = true;
                planned.plan.changed()
            }
            Program::Write(write) => {
                write.counts = true;
                write.kind.changed()
            }
            _ => return None,
        };
        Some(match changed {
            Changed::Inserted => "rows inserted",
            Changed::Updated => "rows updated",
            Changed::Deleted => "rows deleted",
        })
    }

    /// Makes the operators of a write that needs them for the run that comes. Until then it is taken for one that leaves something to undo and puts
    /// nothing off.
    ///
    /// # Errors
    /// [`Error::Sql`](crate::Error::Sql) for plans that contradict themselves.
    #[inline]
    pub(crate) fn make_ready(&mut self) -> Result<()> {
        match self {
            Program::Planned(planned) => {
                if !planned.may_run_alone() {
                    *self = planned.build()?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Changes the rows.
    pub(crate) fn write(&mut self, context: &mut ExecContext<'_>) -> Result<(), Failure> {
        if let Program::Planned(planned) = self {
            if planned.run_alone(context)? {
                return Ok(());
            }
            *self = planned.build()?;
        }
        let Program::Write(write) = self else {
            return Ok(());
        };
        write.written.clear();
        let start = write.meters.as_ref().map(|_| Instant::now());
        match &mut write.kind {
            WriteKind::Insert(insert) => insert.run(context, &mut write.written),
            WriteKind::Update(update) => update.run(context, &mut write.written),
            WriteKind::Delete(delete) => delete.run(context, &mut write.written),
            WriteKind::Virtual(write_virtual, _) => write_virtual.run(context, &mut write.written),
        }?;
        if write.counts {
            let mut count = Batch::new(1);
            count.columns[0].push_integer(write.written.counted() as i64);
            count.set_len(1);
            write.written.returned.set(count);
        }
        if let (Some(meters), Some(start)) = (&write.meters, start) {
            meters.wrote(write.written.counted(), start);
            write.written.returned.set(meters.take_rows());
        }
        Ok(())
    }

    /// The operators of a program that was compiled for EXPLAIN ANALYZE and has not run.
    pub(crate) fn plan_lines(&self) -> Result<Vec<PlanLine>> {
        match self {
            Program::Query(Query::Analyzed(node)) => meter::planned(node),
            Program::Write(write) => Ok(write.meters.as_ref().map_or_else(Vec::new, Meters::plan_lines)),
            _ => Ok(Vec::new()),
        }
    }

    /// Rows that the last run changed.
    pub(crate) fn changes(&self) -> u64 {
        match self {
            Program::Write(write) => write.written.changes,
            Program::Planned(Planned {
                alone: Alone::Ran(changes),
                ..
            }) => *changes,
            _ => 0,
        }
    }

    /// The commit failed, and took the changes back.
    pub(crate) fn forget_changes(&self, environment: &Environment) {
        let changes = self.changes() as i64;
        environment.changes.set(0);
        environment
            .total_changes
            .set(environment.total_changes.get() - changes);
    }

    /// Whether a run that fails leaves nothing to undo.
    #[inline]
    pub(crate) fn fails_clean(&self) -> bool {
        match self {
            Program::Write(write) => write.fails_clean,
            _ => true,
        }
    }

    /// Whether it may leave index entries for later, and run while some wait.
    #[inline]
    pub(crate) fn defers(&self) -> bool {
        match self {
            Program::Write(write) => write.defers,
            Program::Planned(planned) => planned.alone == Alone::Next,
            _ => false,
        }
    }

    /// Whether it may leave index entries for its end.
    pub(crate) fn batches(&self) -> bool {
        matches!(self, Program::Write(write) if write.batches)
    }

    pub(crate) fn inserts_one_row(&self) -> bool {
        match self {
            Program::Write(write) => matches!(&write.kind, WriteKind::Insert(insert) if insert.is_single()),
            Program::Planned(planned) => {
                matches!(planned.plan, WritePlan::Insert(_)) && planned.alone != Alone::Unknown
            }
            _ => false,
        }
    }

    /// Forgets the rows that RETURNING put out.
    pub(crate) fn forget_rows(&mut self) {
        if let Program::Write(write) = self {
            write.written.clear();
        }
    }

    pub(crate) fn is_read_only(&self) -> bool {
        match self {
            Program::Empty | Program::Query(_) => true,
            Program::Planned(_) | Program::Write(_) => false,
            Program::Command(command) => command.is_read_only(),
        }
    }
}

impl WritePlan {
    /// What is written.
    pub(crate) fn target(&self) -> &TargetTable {
        match self {
            WritePlan::Insert(plan) => &plan.target,
            WritePlan::Update(plan) => &plan.target,
            WritePlan::Delete(plan) => &plan.target,
        }
    }

    fn changed(&self) -> Changed {
        match self {
            WritePlan::Insert(_) => Changed::Inserted,
            WritePlan::Update(_) => Changed::Updated,
            WritePlan::Delete(_) => Changed::Deleted,
        }
    }

    #[inline(never)]
    fn build(&self, programs: &Arc<ProgramSet>, build: &mut BuildContext) -> Result<WriteKind> {
        if self.target().table.is_virtual() {
            let write = match self {
                WritePlan::Insert(plan) => VirtualWrite::insert(plan, build)?,
                WritePlan::Update(plan) => VirtualWrite::update(plan, build)?,
                WritePlan::Delete(plan) => VirtualWrite::delete(plan, build)?,
            };
            return Ok(WriteKind::Virtual(Box::new(write), self.changed()));
        }
        Ok(match self {
            WritePlan::Insert(plan) => WriteKind::Insert(Box::new(Insert::build(plan, programs, build)?)),
            WritePlan::Update(plan) => WriteKind::Update(Box::new(Update::build(plan, programs, build)?)),
            WritePlan::Delete(plan) => WriteKind::Delete(Box::new(Delete::build(plan, programs, build)?)),
        })
    }
}

impl WriteKind {
    fn changed(&self) -> Changed {
        match self {
            WriteKind::Insert(_) => Changed::Inserted,
            WriteKind::Update(_) => Changed::Updated,
            WriteKind::Delete(_) => Changed::Deleted,
            WriteKind::Virtual(_, changed) => *changed,
        }
    }

    fn fails_clean(&self) -> bool {
        match self {
            WriteKind::Insert(insert) => insert.fails_clean(),
            WriteKind::Update(update) => update.fails_clean(),
            WriteKind::Delete(delete) => delete.fails_clean(),
            WriteKind::Virtual(write, _) => write.fails_clean(),
        }
    }

    fn defers(&self) -> bool {
        match self {
            WriteKind::Insert(insert) => insert.defers(),
            WriteKind::Update(update) => update.defers(),
            WriteKind::Delete(delete) => delete.defers(),
            WriteKind::Virtual(..) => false,
        }
    }

    fn batches(&self) -> bool {
        match self {
            WriteKind::Insert(insert) => insert.batches(),
            WriteKind::Update(update) => update.batches(),
            WriteKind::Delete(delete) => delete.batches(),
            WriteKind::Virtual(..) => false,
        }
    }
}

impl Planned {
    /// Whether the run that comes may do without operators: the first one, of some writes.
    fn may_run_alone(&mut self) -> bool {
        if self.alone != Alone::Unknown || self.counts {
            return self.alone == Alone::Next;
        }
        let may = match &self.plan {
            WritePlan::Insert(plan) => may_insert_alone(plan, &self.programs),
            WritePlan::Update(plan) => may_update_alone(plan, &self.programs),
            WritePlan::Delete(_) => false,
        };
        if may {
            self.alone = Alone::Next;
        }
        may
    }

    /// Changes the row; false, and nothing has happened, when that takes operators.
    fn run_alone(&mut self, context: &mut ExecContext<'_>) -> Result<bool> {
        if self.alone != Alone::Next {
            return Ok(false);
        }
        let changes = match &self.plan {
            WritePlan::Insert(plan) => insert_alone(plan, context)?,
            WritePlan::Update(plan) => update_alone(plan, context)?,
            WritePlan::Delete(_) => None,
        };
        if let Some(changes) = changes {
            self.alone = Alone::Ran(changes);
        }
        Ok(changes.is_some())
    }

    #[inline(never)]
    fn build(&self) -> Result<Program> {
        let kind = self.plan.build(&self.programs, &mut BuildContext::default())?;
        let mut program = Program::of(kind, None);
        if let Program::Write(write) = &mut program {
            write.counts = self.counts;
        }
        Ok(program)
    }
}

impl Write {
    pub(crate) fn returned(&self) -> &Returned {
        &self.written.returned
    }

    pub(crate) fn returned_mut(&mut self) -> &mut Returned {
        &mut self.written.returned
    }
}
