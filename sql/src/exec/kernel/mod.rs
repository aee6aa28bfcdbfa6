//! Kernels: bound expressions compiled to trees of loops over vectors.
//!
//! ```text
//!   a + 1 < ?      Compare ── Arithmetic ── Column a     slots of the input batch, not copied
//!                     │           └───────── Constant    one row that stands for all
//!                     └────── Parameter                  one row, read once a batch
//! ```
//!
//! An evaluation is asked for some [`Rows`] of a batch and gives [`Values`]: one value for each of those rows. Values need not lie
//! densely: a column's values stay in the batch (seen through the selection), and a constant is one row that
//! stands for all. So nothing is computed more often than its inputs differ, and nothing is copied in order to be read.
//!
//! Where both sides of an operator are of one class, a typed loop runs over bare slots; else each row goes through the exact rules
//! of [`crate::value`]. AND, OR, CASE and COALESCE narrow the rows before they evaluate their later parts.
//!
//! Invariants:
//! * K1 `evaluate` of n rows gives n values.
//! * K2 no row is evaluated that was not asked for: errors of rows that a condition excludes cannot happen.

mod arithmetic;
mod call;
mod compare;
mod conditional;
mod convert;
mod in_list;
mod junction;
mod like;
mod pattern;
mod predicate;
mod row_set;
mod subquery;
mod values;

pub(in crate::exec) use call::json_arguments;
pub(crate) use convert::convert_for_comparison;
pub(crate) use subquery::SharedScalar;
pub(crate) use values::Rows;
pub use values::Values;
pub(crate) use values::{Slots, map_pairs};

use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::{Batch, Class, ExecContext, Vector};
use crate::plan::expr::{BinaryOp, Expr, Register, UnaryOp};
use crate::value::{ValueRef, cast};

/// A compiled expression. It owns the buffers of its results, so that evaluating again allocates nothing.
pub struct Kernel {
    node: Node,
}

enum Node {
    /// A column of the input.
    Column(usize),
    /// One row.
    Constant(Vector),
    Parameter(usize, Vector),
    Register(Register, Vector),
    Compound(Box<dyn Evaluate>),
}

/// An expression with parts.
pub(crate) trait Evaluate: Send {
    /// The values for `rows` of `input`.
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>>;

    /// The value for the first row of `input`: the short way for batches of one row. It need not keep the JSON mark.
    fn evaluate_first<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
    ) -> Result<ValueRef<'a>> {
        Ok(self.evaluate(context, input, Rows::All(1))?.get(0))
    }

    /// Puts those of `rows` into `out` for which the value is true.
    fn select(
        &mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        rows: Rows<'_>,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let values = self.evaluate(context, input, rows)?;
        select_true(values, rows, out);
        Ok(())
    }
}

impl Kernel {
    /// Compiles an expression that stands by itself: one that reads no common table of an enclosing WITH.
    pub fn compile(expression: &Expr) -> Result<Kernel> {
        Kernel::compile_in(expression, &mut BuildContext::default())
    }

    /// Compiles an expression whose results must depend on the row only; `place` is where it stands.
    pub(crate) fn compile_pure(expression: &Expr, place: &'static str) -> Result<Kernel> {
        Kernel::compile_in(expression, &mut BuildContext::pure(place))
    }

    /// Compiles an expression of a plan.
    pub(crate) fn compile_in(expression: &Expr, build: &mut BuildContext) -> Result<Kernel> {
        build.stack.check()?;
        let node: Box<dyn Evaluate> = match expression {
            Expr::Literal(value) => {
                return Ok(Kernel {
                    node: Node::Constant(Vector::of(value.as_ref())),
                });
            }
            Expr::Parameter(index) => {
                return Ok(Kernel {
                    node: Node::Parameter(*index, Vector::new()),
                });
            }
            Expr::Column(column) => return Ok(Kernel::column(*column)),
            Expr::Register(register) => {
                return Ok(Kernel {
                    node: Node::Register(*register, Vector::new()),
                });
            }
            Expr::Unary {
                op: UnaryOp::Not,
                operand,
            } => predicate::not(operand, build)?,
            Expr::Unary { op, operand } => arithmetic::unary(*op, operand, build)?,
            Expr::Binary {
                op: BinaryOp::Concat,
                left,
                right,
            } => arithmetic::concat(left, right, build)?,
            Expr::Binary { op, left, right } => arithmetic::binary(*op, left, right, build)?,
            Expr::Compare(comparison) => compare::compare(
                comparison.op,
                &comparison.left,
                &comparison.right,
                &comparison.rule,
                build,
            )?,
            Expr::Between {
                operand,
                low,
                low_rule,
                high,
                high_rule,
            } => compare::between(operand, (low, low_rule), (high, high_rule), build)?,
            Expr::And(terms) => junction::and(terms, build)?,
            Expr::Or(terms) => junction::or(terms, build)?,
            Expr::IsNull { operand, negated } => predicate::is_null(operand, *negated, build)?,
            Expr::IsTruth {
                operand,
                truth,
                negated,
            } => predicate::is_truth(operand, *truth, *negated, build)?,
            Expr::InList {
                operand,
                list,
                rule,
                negated,
            } => in_list::in_list(operand, list, rule, *negated, build)?,
            Expr::InSubquery {
                operands,
                subquery,
                rules,
                negated,
            } => subquery::in_subquery(operands, subquery, rules, *negated, build)?,
            Expr::Exists { subquery, negated } => subquery::exists(subquery, *negated, build)?,
            Expr::Scalar { subquery, column } => subquery::scalar(subquery, *column, build)?,
            Expr::Case {
                operand,
                branches,
                otherwise,
            } => conditional::case(operand.as_deref(), branches, otherwise.as_deref(), build)?,
            Expr::Coalesce(operands) => conditional::coalesce(operands, build)?,
            Expr::Cast { operand, target } => convert::cast(operand, *target, build)?,
            Expr::ApplyAffinity { operand, affinity } => convert::apply_affinity(operand, *affinity, build)?,
            Expr::LeafAs { leaf, affinity } => convert::apply_affinity(&leaf.expr(), *affinity, build)?,
            Expr::Like {
                operand,
                pattern,
                escape,
                glob,
                negated,
            } => {
                let shape = like::LikeShape {
                    glob: *glob,
                    negated: *negated,
                };
                like::like(operand, pattern, escape.as_deref(), shape, build)?
            }
            Expr::Call {
                function,
                arguments,
                collation,
            } => call::call(function, arguments, collation, build)?,
            Expr::Raise { action, message } => call::raise(*action, message.as_deref(), build)?,
        };
        Ok(Kernel {
            node: Node::Compound(node),
        })
    }

    /// The kernel that reads a column.
    pub(crate) fn column(column: usize) -> Kernel {
        Kernel {
            node: Node::Column(column),
        }
    }

    /// Compiles each of some expressions.
    pub(crate) fn compile_all<'e>(
        expressions: impl IntoIterator<Item = &'e Expr>,
        build: &mut BuildContext,
    ) -> Result<Vec<Kernel>> {
        expressions
            .into_iter()
            .map(|expression| Kernel::compile_in(expression, build))
            .collect()
    }

    /// The input column that this kernel only passes on.
    pub(crate) fn as_column(&self) -> Option<usize> {
        match self.node {
            Node::Column(column) => Some(column),
            _ => None,
        }
    }

    /// Whether the value is the same for every row of a run, apart from subqueries and functions.
    pub(crate) fn is_simple_constant(&self) -> bool {
        matches!(
            self.node,
            Node::Constant(_) | Node::Parameter(..) | Node::Register(..)
        )
    }

    /// One value for each selected row of `input`.
    ///
    /// # Errors
    /// Those of functions and subqueries in the expression.
    #[inline]
    pub fn evaluate<'a>(&'a mut self, context: &mut ExecContext<'_>, input: &'a Batch) -> Result<Values<'a>> {
        self.evaluate_rows(context, input, Rows::of(input))
    }

    /// One value for each of `rows`, in their order.
    #[inline]
    pub(crate) fn evaluate_rows<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let len = rows.len();
        Ok(match &mut self.node {
            Node::Column(column) => Values::of_column(&input.columns[*column], rows),
            Node::Constant(value) => Values::constant(value, len),
            Node::Parameter(index, value) => {
                value.set(context.parameter(*index).as_ref());
                Values::constant(value, len)
            }
            Node::Register(register, value) => {
                value.set(context.register(*register).as_ref());
                Values::constant(value, len)
            }
            Node::Compound(node) => node.evaluate(context, input, rows)?,
        })
    }

    /// The value for the first row of `input`, or for none when the expression reads no column.
    #[inline]
    pub fn evaluate_one<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
    ) -> Result<ValueRef<'a>> {
        match &mut self.node {
            Node::Column(column) => Ok(input.columns[*column].get(0)),
            Node::Constant(value) => Ok(value.get(0)),
            Node::Parameter(index, value) => {
                value.set(context.parameter(*index).as_ref());
                Ok(value.get(0))
            }
            Node::Register(register, value) => {
                value.set(context.register(*register).as_ref());
                Ok(value.get(0))
            }
            Node::Compound(node) => node.evaluate_first(context, input),
        }
    }

    /// Puts the positions of those of `rows` into `out`, ascending, for which the expression is true (not false, not NULL).
    pub(crate) fn select(
        &mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        rows: Rows<'_>,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        if let Node::Compound(node) = &mut self.node {
            if let Rows::All(1) = rows {
                out.clear();
                out.extend((cast::truth(node.evaluate_first(context, input)?) == Some(true)).then_some(0));
                return Ok(());
            }
            return node.select(context, input, rows, out);
        }
        let values = self.evaluate_rows(context, input, rows)?;
        select_true(values, rows, out);
        Ok(())
    }

    /// Whether the expression is true for the first row of `input`.
    pub fn is_true(&mut self, context: &mut ExecContext<'_>, input: &Batch) -> Result<bool> {
        Ok(cast::truth(self.evaluate_one(context, input)?) == Some(true))
    }
}

/// A truth value as SQL has it: 1, 0 or NULL.
#[inline]
pub(crate) fn truth_value(truth: Option<bool>) -> ValueRef<'static> {
    truth.map_or(ValueRef::Null, |truth| ValueRef::Integer(i64::from(truth)))
}

/// Puts those of `rows` into `out` whose value is true.
pub(crate) fn select_true(values: Values<'_>, rows: Rows<'_>, out: &mut Vec<u32>) {
    out.clear();
    match values.uniform_class() {
        Some(Class::Null) | None if values.is_empty() => {}
        _ if values.is_constant() => {
            if cast::truth(values.get(0)) == Some(true) {
                out.extend(rows.iter());
            }
        }
        Some(Class::Integer) => {
            out.extend(
                rows.iter()
                    .enumerate()
                    .filter(|(n, _)| values.slot(*n) != 0)
                    .map(|(_, row)| row),
            );
        }
        _ => {
            let is_true = |n: usize| cast::truth(values.get(n)) == Some(true);
            out.extend(
                rows.iter()
                    .enumerate()
                    .filter(|(n, _)| is_true(*n))
                    .map(|(_, row)| row),
            );
        }
    }
}
