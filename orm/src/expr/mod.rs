//! The expression language: an erased tree with typed handles on it.
//!
//! An [`Expr<T>`] carries only the type of its value; underneath there is one [`Node`] enum for every expression of
//! every entity. So query code compiles fast, error messages stay short, and one renderer serves all dialects.
//!
//! ```text
//!   u.name.like("M%") & u.age.gt(18)      Column<String>, Column<i64>  (Copy handles of one source of one query)
//!            |                 |
//!        Expr<bool>  BitAnd  Expr<bool>   typed on the outside
//!            \        |        /
//!         Node::Logic[Like, Binary]       erased inside; a dialect renders it
//! ```
//!
//! The only way to name a column is a handle of a source, and handles are handed out by queries. A subquery that uses
//! a handle of the query around it is a correlated subquery, without more ado.

mod array;
mod case;
mod compare;
mod function;
mod json;
mod length;
mod operand;
mod operators;
mod order;
mod portable;
mod row;
mod statement;
mod time;
mod tree;
mod window;

pub use array::{ArrayColumn, ArrayOperand};
pub(crate) use array::{VALUE, elements};
pub use case::{Case, case, when};
pub use compare::{Comparable, InList, NullColumn, Settable};
pub use function::{
    Arguments, all_of, any_of, count_all, cume_dist, dense_rank, func, now, ntile, percent_rank, rank, raw,
    row_number, val,
};
pub use json::{JsonColumn, JsonOperand, JsonPath, JsonStep};
pub use length::{Factor, Length, LengthOperand, Measured, Subtrahend, Summable};
pub use operand::{Operand, Predicate};
pub use order::{Grouping, Order, Ordering};
pub use portable::{Portable, TimePart, TimeUnit};
pub use row::{Row, RowOperands, RowValues, row};
#[doc(hidden)]
pub use statement::{
    Assignment, Compound, CompoundOp, ConflictAction, Contended, Cte, Delete, FromItem, Insert, InsertRows,
    Join, JoinKind, OnConflict, Output, Relation, RowLock, Select, Statement, Update, Values,
};
pub use time::{Dated, Interval, Temporal, TimeOperand};
pub use tree::{BinaryOp, Column, Expr, SourceId, UnaryOp};
#[doc(hidden)]
pub use tree::{FrameBound, Function, LikeCase, Name, Node, Nulls, OrderTerm, RawPiece, Window};
pub use window::{Bound, WindowOperand, WindowSpec};
