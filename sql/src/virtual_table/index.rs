//! What the planner asks a virtual table before a scan, and what it answers.

use crate::value::{Collation, Value};

/// A scan that may be done.
#[derive(Debug)]
pub struct IndexQuestion<'a> {
    /// Comparisons of the table's columns with values, one for each term of WHERE and ON that is of such a form.
    pub constraints: &'a [IndexConstraint<'a>],
    /// The order in which rows are wanted; empty when any will do, or when it is not one of the table's columns alone.
    pub order: &'a [IndexOrder],
    /// What may be left out of the order, or of equal rows.
    pub distinct: Distinct,
    /// The columns that are read: bit by bit, the last bit for all columns from the 64th on.
    pub columns_used: u64,
}

/// A comparison of a column with a value.
#[derive(Clone, Debug)]
pub struct IndexConstraint<'a> {
    /// The column; `None` for the rowid. Of no meaning for LIMIT and OFFSET.
    pub column: Option<usize>,
    /// How it is compared.
    pub op: ConstraintOp,
    /// Whether the value is known when the scan begins. Others may not be used.
    pub usable: bool,
    /// The collation of the comparison.
    pub collation: &'a Collation,
    /// The value, when it is a literal.
    pub value: Option<&'a Value>,
}

/// The comparisons that a virtual table may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstraintOp {
    /// `=`, and IN, whose values come one after the other.
    Eq,
    /// `>`
    Gt,
    /// `<=`
    Le,
    /// `<`
    Lt,
    /// `>=`
    Ge,
    /// MATCH
    Match,
    /// LIKE
    Like,
    /// GLOB
    Glob,
    /// REGEXP
    Regexp,
    /// `<>`
    Ne,
    /// IS NOT
    IsNot,
    /// IS NOT NULL
    IsNotNull,
    /// IS NULL
    IsNull,
    /// IS
    Is,
    /// LIMIT: at most so many rows are wanted.
    Limit,
    /// OFFSET: so many rows are to be left out first.
    Offset,
    /// A function that the table redefines, by the number that it gave.
    Function(u8),
}

/// A term of the order that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexOrder {
    /// The column; `None` for the rowid.
    pub column: Option<usize>,
    /// DESC.
    pub descending: bool,
}

/// What may be left out of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distinct {
    /// All rows, in this order.
    #[default]
    Ordered,
    /// All rows; equal ones need only be next to each other (GROUP BY).
    Grouped,
    /// Equal rows need only come once, next to each other or not (DISTINCT).
    Distinct,
    /// Equal rows need only come once, in this order (DISTINCT and ORDER BY).
    DistinctOrdered,
}

/// How a scan is done.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexPlan {
    /// The constraints whose values the cursor gets, in the order in which it gets them.
    pub arguments: Vec<ArgumentUse>,
    /// A number for the cursor.
    pub number: i32,
    /// A text for the cursor.
    pub text: Option<String>,
    /// Rows come in the order that was wanted.
    pub order_consumed: bool,
    /// What it costs: about the number of page reads and rows looked at.
    pub cost: f64,
    /// How many rows come out, about.
    pub rows: u64,
    /// At most one row comes out.
    pub unique: bool,
}

/// A constraint whose value the cursor gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgumentUse {
    /// The place of the constraint in [`IndexQuestion::constraints`].
    pub constraint: usize,
    /// The cursor makes sure that it holds; it is not checked again.
    pub omit: bool,
}

impl Default for IndexPlan {
    /// A look at all of very many rows.
    fn default() -> IndexPlan {
        IndexPlan {
            arguments: Vec::new(),
            number: 0,
            text: None,
            order_consumed: false,
            cost: 5e98,
            rows: 25,
            unique: false,
        }
    }
}

impl IndexPlan {
    /// Hands the value of a constraint to the cursor.
    pub fn take(&mut self, constraint: usize, omit: bool) {
        self.arguments.push(ArgumentUse { constraint, omit });
    }
}
