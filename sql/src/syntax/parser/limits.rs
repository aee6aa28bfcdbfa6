//! Bounds that hold off hostile text.
//!
//! The heights and counts are SQLite's defaults. The bound on nesting is our own: operators, parentheses, calls, `CASE` and
//! lists are kept on a stack of our own (see `expression`) and only queries, windows and joins in parentheses use the thread's,
//! so that bound is what keeps the parser within the stack of a small thread.

/// The tallest expression.
pub(super) const HEIGHT_MAX: u32 = 1000;
/// How deep queries, windows and parenthesized joins may lie inside each other.
pub(super) const NESTING_MAX: u32 = 80;
/// How many operators and brackets of one expression may be open.
pub(super) const OPEN_MAX: usize = 2495;
/// How many queries one compound may have.
pub(super) const COMPOUND_MAX: usize = 500;
/// How many arguments a function may have.
pub(super) const ARGUMENT_MAX: usize = 1000;
/// The highest number of a parameter.
pub(super) const PARAMETER_MAX: u32 = 32766;
