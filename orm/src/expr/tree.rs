//! The expression tree: [`Node`] erased, [`Expr`] and [`Column`] typed.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering as MemoryOrder};

use super::json::JsonStep;
use super::portable::Portable;
use super::statement::Select;
use super::time::Interval;
use crate::types::{ColumnType, Kind, Value};

/// A name that is known at compile time or made at run time.
pub type Name = Cow<'static, str>;

/// One source of rows of one query: a table (or subquery) as it is used once. Each use has its own id, so a table
/// joined to itself needs no alias in the code; the renderer makes names up when it writes the statement.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SourceId(u64);

impl SourceId {
    /// The id of no source: for handles that are only asked for their names.
    pub const NONE: SourceId = SourceId(0);

    /// In an upsert: the row that could not be inserted.
    pub const EXCLUDED: SourceId = SourceId(1);

    /// An id that no other source of this process has.
    pub fn fresh() -> SourceId {
        static NEXT: AtomicU64 = AtomicU64::new(2);
        SourceId(NEXT.fetch_add(1, MemoryOrder::Relaxed))
    }
}

/// A column of one source: the handle that closures get. Copy, typed by the value of the column.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Person {
///     #[column(primary_key)]
///     id: Id<Person>,
///     name: String,
///     age: i64,
/// }
///
/// // `p` is `PersonColumns`: one `Column` for each field.
/// let adults = query::<Person>().filter(|p| p.age.ge(18) & p.name.like("M%"));
/// # assert_eq!(adults.to_sql(), "SELECT id, name, age FROM person WHERE age >= ?1 AND name LIKE ?2");
/// ```
pub struct Column<T> {
    pub(crate) source: SourceId,
    pub(crate) name: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<T> Column<T> {
    /// The column of that name of that source. The caller vouches for the type.
    pub const fn new(source: SourceId, name: &'static str) -> Column<T> {
        Column {
            source,
            name,
            value: PhantomData,
        }
    }

    /// The source it is of.
    pub fn source(self) -> SourceId {
        self.source
    }

    /// The column's name in the database.
    pub fn name(self) -> &'static str {
        self.name
    }
}

impl<T> Clone for Column<T> {
    fn clone(&self) -> Column<T> {
        *self
    }
}

impl<T> Copy for Column<T> {}

impl<T> fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Column({})", self.name)
    }
}

/// An expression whose value is a `T`.
///
/// Made by the operators of [`Operand`](super::Operand) on columns and on other expressions. It is data: it can be
/// kept in a variable, cloned, put in a `Vec`, returned from a function.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Person {
///     #[column(primary_key)]
///     id: Id<Person>,
///     age: i64,
/// }
///
/// impl PersonColumns {
///     fn is_adult(self) -> Expr<bool> {
///         self.age.ge(18)
///     }
/// }
/// assert!(query::<Person>().filter(|p| p.is_adult()).to_sql().ends_with("WHERE age >= ?1"));
/// ```
pub struct Expr<T> {
    pub(crate) node: Node,
    value: PhantomData<fn() -> T>,
}

impl<T> Expr<T> {
    /// Wraps a tree. The caller vouches for the type of its value.
    pub fn from_node(node: Node) -> Expr<T> {
        Expr {
            node,
            value: PhantomData,
        }
    }
}

impl<T: ColumnType> Expr<T> {
    /// The same expression read as an `Option`: for values that SQL may make NULL though their parts are not.
    pub fn nullable(self) -> Expr<T::Nullable> {
        Expr::from_node(self.node)
    }
}

impl<T> Clone for Expr<T> {
    fn clone(&self) -> Expr<T> {
        Expr::from_node(self.node.clone())
    }
}

impl<T> fmt::Debug for Expr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expr").field(&self.node).finish()
    }
}

/// An operator before its operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum UnaryOp {
    /// `NOT`.
    Not,
    /// `-`.
    Minus,
}

/// An operator between two operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum BinaryOp {
    /// `=`
    Eq,
    /// `<>`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// Equal, with NULL equal to NULL.
    Is,
    /// Not equal, with NULL equal to NULL.
    IsNot,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `/` of whole numbers: what is left over is dropped.
    DivideWhole,
    /// `%`
    Remainder,
    /// `||`
    Concat,
}

/// Whether LIKE minds the case of letters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LikeCase {
    /// As the backend's LIKE has it.
    Backend,
    /// Never.
    Insensitive,
}

/// The erased expression tree. Build it with typed expressions; read it to write a dialect of your own.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[doc(hidden)]
pub enum Node {
    Column {
        source: SourceId,
        name: Name,
    },
    /// All columns of a source.
    AllColumns(SourceId),
    /// A value: a placeholder in the text, bound when the statement runs.
    Value(Value<'static>),
    /// A whole number that is part of the statement's text and shape.
    Constant(i64),
    /// A text that is part of the statement's text and shape.
    Text(Name),
    Unary {
        op: UnaryOp,
        operand: Box<Node>,
    },
    Binary {
        op: BinaryOp,
        left: Box<Node>,
        right: Box<Node>,
    },
    /// `AND` or `OR` over parts; with none it is true or false respectively.
    Logic {
        all: bool,
        parts: Vec<Node>,
    },
    Like {
        operand: Box<Node>,
        pattern: Box<Node>,
        case: LikeCase,
        escape: bool,
        negated: bool,
    },
    InList {
        operand: Box<Node>,
        list: Vec<Node>,
        negated: bool,
    },
    InSelect {
        operand: Box<Node>,
        select: Box<Select>,
        negated: bool,
    },
    Between {
        operand: Box<Node>,
        low: Box<Node>,
        high: Box<Node>,
        negated: bool,
    },
    IsNull {
        operand: Box<Node>,
        negated: bool,
    },
    Exists(Box<Select>),
    Scalar(Box<Select>),
    Function(Box<Function>),
    Case {
        operand: Option<Box<Node>>,
        branches: Vec<(Node, Node)>,
        otherwise: Option<Box<Node>>,
    },
    Cast {
        operand: Box<Node>,
        kind: Kind,
    },
    Collate {
        operand: Box<Node>,
        collation: Name,
    },
    /// A function that each dialect spells its own way.
    Portable {
        function: Portable,
        arguments: Vec<Node>,
    },
    /// A date or time of that kind, later by an interval.
    TimePlus {
        operand: Box<Node>,
        kind: Kind,
        interval: Interval,
    },
    /// What is at a place in JSON.
    JsonAt {
        function: Portable,
        operand: Box<Node>,
        path: Vec<JsonStep>,
    },
    /// A row value: `(a, b)`.
    Row(Vec<Node>),
    /// The current date and time, in the form that the dialect's columns keep.
    Now,
    /// Text of the caller's, with expressions spliced in.
    Raw(Vec<RawPiece>),
}

/// A piece of raw SQL.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub enum RawPiece {
    Text(Name),
    Node(Node),
}

/// A call of a function, an aggregate or a window function.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct Function {
    pub name: Name,
    /// The arguments; none and `star` for `count(*)`.
    pub arguments: Vec<Node>,
    pub star: bool,
    pub distinct: bool,
    pub order: Vec<OrderTerm>,
    pub filter: Option<Node>,
    pub over: Option<Window>,
}

/// What a window function runs over.
#[derive(Clone, Debug, Default)]
#[doc(hidden)]
pub struct Window {
    pub partition: Vec<Node>,
    pub order: Vec<OrderTerm>,
    /// `ROWS`, `RANGE` or `GROUPS`, from, to.
    pub frame: Option<(&'static str, FrameBound, FrameBound)>,
}

/// One end of a window's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(u32),
    CurrentRow,
    Following(u32),
    UnboundedFollowing,
}

/// Where NULLs go in an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[doc(hidden)]
pub enum Nulls {
    First,
    Last,
}

/// One term of an ORDER BY.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct OrderTerm {
    pub node: Node,
    pub descending: bool,
    pub nulls: Option<Nulls>,
}

impl Node {
    pub(crate) fn binary(op: BinaryOp, left: Node, right: Node) -> Node {
        Node::Binary {
            op,
            left: Box::new(left),
            right: Box::new(right),
        }
    }

    pub(crate) fn call(name: impl Into<Name>, arguments: Vec<Node>) -> Node {
        Node::Function(Box::new(Function {
            name: name.into(),
            arguments,
            star: false,
            distinct: false,
            order: Vec::new(),
            filter: None,
            over: None,
        }))
    }

    pub(crate) fn portable(function: Portable, arguments: impl Into<Vec<Node>>) -> Node {
        Node::Portable {
            function,
            arguments: arguments.into(),
        }
    }

    /// `self AND other`, kept flat so that long chains stay shallow.
    pub(crate) fn and(self, other: Node) -> Node {
        self.chain(true, other)
    }

    /// `self OR other`, kept flat.
    pub(crate) fn or(self, other: Node) -> Node {
        self.chain(false, other)
    }

    fn chain(self, want_all: bool, other: Node) -> Node {
        match self {
            Node::Logic { all, mut parts } if all == want_all => {
                match other {
                    Node::Logic { all, parts: more } if all == want_all => parts.extend(more),
                    single => parts.push(single),
                }
                Node::Logic { all, parts }
            }
            first => match other {
                Node::Logic { all, mut parts } if all == want_all => {
                    parts.insert(0, first);
                    Node::Logic { all, parts }
                }
                second => Node::Logic {
                    all: want_all,
                    parts: vec![first, second],
                },
            },
        }
    }
}
