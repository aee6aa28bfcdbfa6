//! SQL functions: what they are, what they may ask of the world, and the registry that finds them by name.
//!
//! A scalar function maps values to a value ([`ScalarFunction`]); an aggregate makes an [`Accumulator`] for each group or window frame. Results
//! go to a [`ValueSink`], so a function writes straight into the executor's column vector without an owned value in between. The
//! built-in functions live in the modules below and are listed once, in `builtin`; an application's functions take precedence over them.
//!
//! Functions that must not evaluate all their arguments (`coalesce`, `iif`, ...) are [`FunctionKind::Special`]: the planner compiles them.
//! All text in arguments and results is UTF-8, whatever the file's encoding is.

pub mod aggregate;
#[cfg(test)]
mod aggregate_tests;
mod builtin;
mod context;
pub mod core;
mod datetime;
pub mod json;
mod length;
mod math;
#[cfg(test)]
pub(crate) mod oracle;
pub mod pattern;
mod percentile;
pub mod printf;
mod registry;
#[cfg(test)]
pub(crate) mod sql_tests;
#[cfg(test)]
mod tests;
pub mod text;

pub use context::{CallState, Environment, FunctionContext};
pub use registry::{FindError, Registry};

use std::sync::Arc;

use crate::error::Result;
use crate::value::{Value, ValueRef};
use crate::virtual_table::VirtualContext;

/// Where a function puts its result: exactly one call for each result.
pub trait ValueSink {
    /// NULL.
    fn null(&mut self);
    /// An integer.
    fn integer(&mut self, value: i64);
    /// A real; NaN becomes NULL.
    fn real(&mut self, value: f64);
    /// Text, meant to be UTF-8.
    fn text(&mut self, value: &[u8]);
    /// A blob.
    fn blob(&mut self, value: &[u8]);
    /// Any value.
    fn value(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.null(),
            ValueRef::Integer(i) => self.integer(i),
            ValueRef::Real(r) => self.real(r),
            ValueRef::Text(bytes) => self.text(bytes),
            ValueRef::Blob(bytes) => self.blob(bytes),
        }
    }
}

impl ValueSink for Value {
    fn null(&mut self) {
        *self = Value::Null;
    }
    fn integer(&mut self, value: i64) {
        *self = Value::Integer(value);
    }
    fn real(&mut self, value: f64) {
        *self = if value.is_nan() {
            Value::Null
        } else {
            Value::Real(value)
        };
    }
    fn text(&mut self, value: &[u8]) {
        self.assign(ValueRef::Text(value));
    }
    fn blob(&mut self, value: &[u8]) {
        self.assign(ValueRef::Blob(value));
    }
}

/// A function of a row's values.
pub trait ScalarFunction: Send + Sync {
    /// Computes the function of `args` and hands the result to `out` exactly once.
    fn call(
        &self,
        cx: &mut FunctionContext<'_>,
        args: &[ValueRef<'_>],
        out: &mut dyn ValueSink,
    ) -> Result<()>;

    /// For a function of one argument: what gives the same for a text as [`call`](Self::call), where that is always an integer. Columns of
    /// texts are then run through it alone.
    fn integer_of_text(&self) -> Option<fn(&[u8]) -> i64> {
        None
    }
}

impl<F> ScalarFunction for F
where
    F: Fn(&mut FunctionContext<'_>, &[ValueRef<'_>], &mut dyn ValueSink) -> Result<()> + Send + Sync,
{
    fn call(
        &self,
        cx: &mut FunctionContext<'_>,
        args: &[ValueRef<'_>],
        out: &mut dyn ValueSink,
    ) -> Result<()> {
        self(cx, args, out)
    }
}

/// A function of a row's values that also reads tables: functions that virtual tables bring with them.
pub trait DatabaseFunction: Send + Sync {
    /// Computes the function of `args` and hands the result to `out` exactly once.
    fn call(
        &self,
        context: &mut VirtualContext<'_>,
        args: &[ValueRef<'_>],
        out: &mut dyn ValueSink,
    ) -> Result<()>;
}

impl<F> DatabaseFunction for F
where
    F: Fn(&mut VirtualContext<'_>, &[ValueRef<'_>], &mut dyn ValueSink) -> Result<()> + Send + Sync,
{
    fn call(
        &self,
        context: &mut VirtualContext<'_>,
        args: &[ValueRef<'_>],
        out: &mut dyn ValueSink,
    ) -> Result<()> {
        self(context, args, out)
    }
}

/// The running state of an aggregate over one group or window frame.
pub trait Accumulator: Send {
    /// Takes one row in.
    fn step(&mut self, cx: &mut FunctionContext<'_>, args: &[ValueRef<'_>]) -> Result<()>;

    /// Takes one row out again, in the order in which rows came in. Called only when
    /// [`AggregateFunction::supports_inverse`] says so.
    fn inverse(&mut self, cx: &mut FunctionContext<'_>, args: &[ValueRef<'_>]) -> Result<()>;

    /// The aggregate of the rows that are in now; more rows may follow.
    fn value(&mut self, cx: &mut FunctionContext<'_>, out: &mut dyn ValueSink) -> Result<()>;

    /// The aggregate, for the last time.
    fn finalize(&mut self, cx: &mut FunctionContext<'_>, out: &mut dyn ValueSink) -> Result<()> {
        self.value(cx, out)
    }
}

/// A function of many rows.
pub trait AggregateFunction: Send + Sync {
    /// The state before any row.
    fn accumulator(&self) -> Box<dyn Accumulator>;

    /// Whether accumulators can take rows out again, so that a window frame may slide.
    fn supports_inverse(&self) -> bool {
        false
    }
}

/// How many arguments a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// This many.
    Exact(u16),
    /// From the first to the second number, both included.
    Range(u16, u16),
    /// At least this many.
    AtLeast(u16),
}

impl Arity {
    /// Whether a call with `argc` arguments fits.
    pub fn accepts(self, argc: usize) -> bool {
        match self {
            Arity::Exact(n) => argc == usize::from(n),
            Arity::Range(from, to) => (usize::from(from)..=usize::from(to)).contains(&argc),
            Arity::AtLeast(n) => argc >= usize::from(n),
        }
    }
}

/// What the planner has to know about a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FunctionFlags {
    /// Equal arguments give equal results, always: calls may be folded, and used in indexes and generated columns.
    pub deterministic: bool,
    /// The result stays the same within a statement (date functions, `changes`): may be evaluated once.
    pub constant_in_statement: bool,
    /// Depends on the clock or the time zone only when its arguments say so (`date('now')`). Allowed in indexes and constraints, where
    /// [`FunctionContext::pure_place`] makes it refuse the clock; must not be folded when a statement is prepared.
    pub deterministic_but_clock: bool,
    /// Compares text under the collation of its arguments.
    pub uses_collation: bool,
    /// The result is JSON text: a JSON function that gets it as an argument takes it as JSON.
    pub returns_json: bool,
    /// Looks at which of its arguments are JSON.
    pub reads_json: bool,
    /// May be used in statements only, not in triggers, views and the schema.
    pub direct_only: bool,
    /// Harmless in every place, also in a schema that is not trusted.
    pub innocuous: bool,
}

/// Functions that exist only over windows; the executor computes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WindowFunction {
    /// `row_number()`
    RowNumber,
    /// `rank()`
    Rank,
    /// `dense_rank()`
    DenseRank,
    /// `percent_rank()`
    PercentRank,
    /// `cume_dist()`
    CumeDist,
    /// `ntile(N)`
    Ntile,
    /// `lag(X, offset, default)`
    Lag,
    /// `lead(X, offset, default)`
    Lead,
    /// `first_value(X)`
    FirstValue,
    /// `last_value(X)`
    LastValue,
    /// `nth_value(X, N)`
    NthValue,
}

/// Functions that the planner compiles itself, because they do not evaluate all arguments or none of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpecialFunction {
    /// `coalesce(X, Y, ..)`
    Coalesce,
    /// `ifnull(X, Y)`
    IfNull,
    /// `iif(X, Y, .. [, Z])` and `if`
    Iif,
    /// `likely(X)`
    Likely,
    /// `unlikely(X)`
    Unlikely,
    /// `likelihood(X, P)`
    Likelihood,
    /// `sqlite_offset(X)`
    Offset,
}

/// What a function does when it is called.
#[derive(Clone)]
#[non_exhaustive]
pub enum FunctionKind {
    /// A function of one row's values.
    Scalar(Arc<dyn ScalarFunction>),
    /// A function of many rows; also usable over a window.
    Aggregate(Arc<dyn AggregateFunction>),
    /// A function of a window.
    Window(WindowFunction),
    /// Compiled by the planner.
    Special(SpecialFunction),
    /// A function of one row's values that runs statements of its own.
    Database(Arc<dyn DatabaseFunction>),
}

impl std::fmt::Debug for FunctionKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FunctionKind::Scalar(_) => f.write_str("Scalar"),
            FunctionKind::Aggregate(_) => f.write_str("Aggregate"),
            FunctionKind::Window(kind) => f.debug_tuple("Window").field(kind).finish(),
            FunctionKind::Special(kind) => f.debug_tuple("Special").field(kind).finish(),
            FunctionKind::Database(_) => f.write_str("Database"),
        }
    }
}

/// One function under one name and arity. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Function {
    /// Name, in small letters for the built-in ones.
    pub name: Arc<str>,
    /// How many arguments it takes.
    pub arity: Arity,
    /// What the planner has to know.
    pub flags: FunctionFlags,
    /// What it does.
    pub kind: FunctionKind,
    /// False for functions that an application registered.
    pub builtin: bool,
}

impl Function {
    /// An application's scalar function. (A type that implements [`ScalarFunction`] itself goes into [`FunctionKind::Scalar`].)
    pub fn scalar<F>(name: &str, arity: Arity, flags: FunctionFlags, function: F) -> Function
    where
        F: Fn(&mut FunctionContext<'_>, &[ValueRef<'_>], &mut dyn ValueSink) -> Result<()>
            + Send
            + Sync
            + 'static,
    {
        let kind = FunctionKind::Scalar(Arc::new(function));
        Function {
            name: name.into(),
            arity,
            flags,
            kind,
            builtin: false,
        }
    }

    /// A function that runs statements of its own.
    pub fn database<F>(name: &str, arity: Arity, function: F) -> Function
    where
        F: Fn(&mut VirtualContext<'_>, &[ValueRef<'_>], &mut dyn ValueSink) -> Result<()>
            + Send
            + Sync
            + 'static,
    {
        Function {
            name: name.into(),
            arity,
            flags: FunctionFlags::default(),
            kind: FunctionKind::Database(Arc::new(function)),
            builtin: true,
        }
    }

    /// An application's aggregate function.
    pub fn aggregate(
        name: &str,
        arity: Arity,
        flags: FunctionFlags,
        function: impl AggregateFunction + 'static,
    ) -> Function {
        let kind = FunctionKind::Aggregate(Arc::new(function));
        Function {
            name: name.into(),
            arity,
            flags,
            kind,
            builtin: false,
        }
    }

    /// True for aggregates and functions of windows.
    pub fn is_aggregate(&self) -> bool {
        matches!(self.kind, FunctionKind::Aggregate(_))
    }
}
