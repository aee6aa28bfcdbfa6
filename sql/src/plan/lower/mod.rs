//! From the [logical](super::logical) form to the physical plan: columns get positions, outer columns registers.
//!
//! ```text
//! Query ─ join plan (access paths, join order) ─ mark the columns that are read ─ nodes from the bottom up
//! ```
//!
//! A column that is not in the layout at hand belongs to an outer row. It becomes a register of the innermost [`Frame`]
//! that stands between: a subquery, or the inner side of a nested loop.

mod arrival;
mod block;
mod explain;
mod group;
mod layout;
mod order;
mod query;
mod scalar;
mod scan;
mod step;
mod wanted;
mod window;
mod write;

use super::bind::{Binder, Tables};
use super::context::{Compiled, CompiledKind, PlanContext, Settings};
use super::expr::{Register, RegisterBindings};
use super::logical::{ColumnRef, OutputColumn, Query, Scalar, TableId};
use super::physical::{DatabaseList, Plan, ResultColumn};
use crate::error::{Error, Result};
use crate::stack::StackGuard;
use explain::Explainer;
pub(in crate::plan) use layout::{Columns, Layout};
pub(super) use scan::{key_of_rowid, scan_columns};
use smallvec::SmallVec;
pub(super) use write::{IndexKeys, TargetExpressions, table_expression, target_table, whole_row_columns};

/// What makes physical plans of one statement.
pub(super) struct Lowerer<'a> {
    /// The world.
    pub context: &'a PlanContext<'a>,
    /// The tables of the statement.
    pub tables: Tables<'a>,
    registers: usize,
    stack: StackGuard,
    frames: SmallVec<[Frame; 1]>,
    /// The join at hand gives an order that saves a sort.
    ordered: bool,
    explainer: Option<Explainer>,
}

/// A border that values of outer rows cross in registers.
#[derive(Debug, Default)]
struct Frame {
    /// The tables that this frame's owner has in its rows; `None`: whatever is outside comes through here.
    offers: Option<SmallVec<[TableId; 4]>>,
    bindings: Bindings,
}

/// The columns of outer rows that are read, and the registers in which they arrive.
type Bindings = SmallVec<[(ColumnRef, Register); 2]>;

impl<'a> Lowerer<'a> {
    /// Takes over from the binder.
    pub fn new(binder: Binder<'a>) -> Lowerer<'a> {
        let context = binder.context;
        Lowerer {
            context,
            tables: binder.tables,
            registers: context.trigger.map_or(0, |trigger| trigger.free),
            stack: StackGuard::here(),
            frames: SmallVec::new(),
            ordered: false,
            explainer: context.settings.explain.then(Explainer::default),
        }
    }

    /// The plan of a whole SELECT, whose columns are taken.
    pub fn select(&mut self, query: &mut Query) -> Result<Plan> {
        let root = self.query(query, None)?;
        let mut columns = Vec::with_capacity(query.columns.len());
        for column in &mut query.columns {
            columns.push(ResultColumn {
                name: std::mem::take(&mut column.name),
                origin: column.origin.take(),
                affinity: column.affinity,
            });
        }
        Ok(Plan { root, columns })
    }

    /// Wraps up.
    pub fn finish(
        mut self,
        kind: CompiledKind,
        columns: Vec<ResultColumn>,
        mut databases: DatabaseList,
    ) -> Compiled {
        databases.sort_unstable();
        Compiled {
            read_only: matches!(kind, CompiledKind::Query(_)),
            kind,
            columns,
            registers: self.registers,
            databases,
            explain: self
                .explainer
                .take()
                .map(Explainer::into_lines)
                .unwrap_or_default(),
        }
    }

    /// The switches.
    fn settings(&self) -> &'a Settings {
        &self.context.settings
    }

    /// A new register.
    fn register(&mut self) -> Register {
        self.registers += 1;
        Register(self.registers - 1)
    }

    /// Lowers something inside a frame; hands out what has to be put into registers before it runs.
    fn in_frame<T>(
        &mut self,
        offers: Option<SmallVec<[TableId; 4]>>,
        lower: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<(T, Bindings)> {
        self.frames.push(Frame {
            offers,
            bindings: Bindings::new(),
        });
        let result = lower(self);
        let frame = self.frames.pop().unwrap_or_default();
        Ok((result?, frame.bindings))
    }

    /// The bindings of a frame, as expressions over the rows of its owner.
    fn bindings(&mut self, bindings: Bindings, layout: &Layout) -> Result<RegisterBindings> {
        let mut bound = RegisterBindings::new();
        for (column, register) in bindings {
            bound.push((register, self.column(column, layout)?));
        }
        Ok(bound)
    }

    /// The register in which a column of an outer row arrives.
    fn outer_register(&mut self, column: ColumnRef) -> Result<Register> {
        let offered = |frame: &Frame| {
            frame
                .offers
                .as_ref()
                .is_none_or(|offers| offers.contains(&column.table))
        };
        let Some(place) = self.frames.iter().rposition(offered) else {
            return Err(Error::misuse(format!("column {column:?} is in no row")));
        };
        let known = self.frames[place]
            .bindings
            .iter()
            .find(|(known, _)| *known == column);
        if let Some((_, register)) = known {
            return Ok(*register);
        }
        let register = self.register();
        self.frames[place].bindings.push((column, register));
        Ok(register)
    }

    /// Notes that the columns of an expression are read, in subqueries too.
    fn mark(&mut self, scalar: &Scalar) {
        self.note(scalar, Reading::Used);
    }

    /// Notes that a term of WHERE or ON reads the columns of an expression.
    fn mark_tested(&mut self, scalar: &Scalar) {
        self.note(scalar, Reading::Tested);
    }

    fn note(&mut self, scalar: &Scalar, reading: Reading) {
        let tables = &mut self.tables;
        match scalar {
            // What most expressions are takes no visitor.
            Scalar::Column(column) => mark_column(tables, *column, reading),
            Scalar::Literal(_) | Scalar::Parameter(_) => {}
            Scalar::Compare(comparison) => {
                self.note(&comparison.left, reading);
                self.note(&comparison.right, reading);
            }
            other => other.each_column(&mut |column| mark_column(tables, column, reading)),
        }
    }
}

/// Who reads a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// The plan.
    Used,
    /// A term that the plan may do without.
    Tested,
}

/// Notes that a column is read; of a virtual generated column, those that it is computed from.
fn mark_column(tables: &mut Tables<'_>, column: ColumnRef, reading: Reading) {
    let entry = tables.get_mut(column.table);
    let known = match reading {
        Reading::Used => &entry.used,
        Reading::Tested => &entry.tested,
    };
    if known.contains(column.column) {
        return;
    }
    let index = column.column.index();
    let generated = index.and_then(|index| entry.generated_expression(column.table, index));
    if let Some(expression) = generated {
        expression.each_column(&mut |inner| mark_column(tables, inner, reading));
        return;
    }
    match reading {
        Reading::Used => entry.used.insert(column.column),
        Reading::Tested => entry.tested.insert(column.column),
    }
}

/// The result columns as statement metadata shows them.
pub(super) fn result_columns(columns: &[OutputColumn]) -> Vec<ResultColumn> {
    let result = |column: &OutputColumn| ResultColumn {
        name: column.name.clone(),
        origin: column.origin.clone(),
        affinity: column.affinity,
    };
    columns.iter().map(result).collect()
}
