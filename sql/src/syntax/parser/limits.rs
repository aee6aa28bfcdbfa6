//! Bounds that hold off hostile text.
//!
//! The heights and counts are SQLite's defaults. The bound on nesting is our own: operators, parentheses, calls, `CASE` and
//! lists are kept on a stack of our own (see `expression`) and only queries, windows and joins in parentheses use the thread's,
//! so that bound is what keeps the parser within the stack of a small thread.

/// How deep queries, windows and parenthesized joins may lie inside each other.
pub(super) const NESTING_MAX: u32 = 80;
/// How many operators and brackets of one expression may be open.
pub(super) const OPEN_MAX: usize = 2495;

/// The bounds that an application may set lower. The defaults are the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseLimits {
    /// The tallest expression.
    pub height_max: u32,
    /// How many queries one compound may have; 0: any number.
    pub compound_max: u32,
    /// How many arguments a function may have.
    pub argument_max: u32,
    /// The highest number of a parameter.
    pub parameter_max: u32,
}

impl Default for ParseLimits {
    fn default() -> ParseLimits {
        ParseLimits {
            height_max: 1000,
            compound_max: 500,
            argument_max: 1000,
            parameter_max: 32766,
        }
    }
}
