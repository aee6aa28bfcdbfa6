//! Functions that are not methods of one operand, and the ways out of the typed language: [`func`] and [`raw`].

use super::compare::Settable;
use super::operand::{Operand, Predicate};
use super::order::Ordering;
use super::tree::{Column, Expr, Function, Name, Node, RawPiece};
use crate::types::ColumnType;

/// A literal as an expression.
///
/// ```
/// use aludel::prelude::*;
///
/// let one: Expr<i64> = val(1);
/// let text = val::<String>("hello").concat(" world");
/// # let _ = (one, text);
/// ```
pub fn val<T: ColumnType>(value: impl Settable<T>) -> Expr<T> {
    Expr::from_node(value.into_node())
}

/// `count(*)`: the number of rows.
pub fn count_all() -> Expr<i64> {
    let Expr { node, .. } = Expr::<i64>::from_node(Node::call("count", Vec::new()));
    match node {
        Node::Function(mut function) => {
            function.star = true;
            Expr::from_node(Node::Function(function))
        }
        other => Expr::from_node(other),
    }
}

/// The current date and time.
pub fn now<T: ColumnType>() -> Expr<T> {
    Expr::from_node(Node::Now)
}

/// All of these conditions hold; with none of them it is true.
pub fn all_of<P: Predicate>(conditions: impl IntoIterator<Item = P>) -> Expr<bool> {
    Expr::from_node(Node::Logic {
        all: true,
        parts: conditions.into_iter().map(P::into_condition).collect(),
    })
}

/// At least one of these conditions holds; with none of them it is false.
pub fn any_of<P: Predicate>(conditions: impl IntoIterator<Item = P>) -> Expr<bool> {
    Expr::from_node(Node::Logic {
        all: false,
        parts: conditions.into_iter().map(P::into_condition).collect(),
    })
}

/// A call of any function of the backend, by name. The caller vouches for the type of its value.
///
/// The name goes into the statement as it is and is checked: letters, digits, `_` and `.` only.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Book {
///     #[column(primary_key)]
///     id: Id<Book>,
///     title: String,
/// }
///
/// let sql = query::<Book>().select(|b| func::<i64>("instr", (b.title, val::<String>("x")))).to_sql();
/// assert_eq!(sql, "SELECT instr(title, ?1) FROM book");
/// ```
pub fn func<T: ColumnType>(
    name: impl Into<std::borrow::Cow<'static, str>>,
    arguments: impl Arguments,
) -> Expr<T> {
    let mut nodes = Vec::new();
    arguments.push_arguments(&mut nodes);
    Expr::from_node(Node::call(name, nodes))
}

/// SQL text as an expression, where the typed language has no words for it. Each `{}` takes one of the operands.
///
/// The text is trusted: never build it from input. Values go in as operands.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Book {
///     #[column(primary_key)]
///     id: Id<Book>,
///     title: String,
/// }
///
/// let sql = query::<Book>().filter(|b| raw::<bool>("{} GLOB {}", (b.title, val::<String>("The*")))).to_sql();
/// assert_eq!(sql, "SELECT id, title FROM book WHERE (title GLOB ?1)");
/// ```
pub fn raw<T: ColumnType>(sql: &str, operands: impl Arguments) -> Expr<T> {
    let mut nodes = Vec::new();
    operands.push_arguments(&mut nodes);
    let mut pieces = Vec::new();
    let mut nodes = nodes.into_iter();
    for (i, text) in sql.split("{}").enumerate() {
        if i > 0 {
            // A `{}` without an operand stays as it is, and the backend reports it with its position.
            pieces.push(
                nodes
                    .next()
                    .map_or_else(|| RawPiece::Text("{}".into()), RawPiece::Node),
            );
        }
        pieces.push(RawPiece::Text(Name::Owned(text.to_owned())));
    }
    Expr::from_node(Node::Raw(pieces))
}

/// `row_number()`: the row's number within its window, from 1. Needs [`over`](Expr::over).
pub fn row_number() -> Expr<i64> {
    Expr::from_node(Node::call("row_number", Vec::new()))
}

/// `rank()`: with gaps after equal rows. Needs [`over`](Expr::over).
pub fn rank() -> Expr<i64> {
    Expr::from_node(Node::call("rank", Vec::new()))
}

/// `dense_rank()`: without gaps. Needs [`over`](Expr::over).
pub fn dense_rank() -> Expr<i64> {
    Expr::from_node(Node::call("dense_rank", Vec::new()))
}

/// `percent_rank()`: the rank as a share from 0 to 1. Needs [`over`](Expr::over).
pub fn percent_rank() -> Expr<f64> {
    Expr::from_node(Node::call("percent_rank", Vec::new()))
}

/// `cume_dist()`: the share of rows up to this one. Needs [`over`](Expr::over).
pub fn cume_dist() -> Expr<f64> {
    Expr::from_node(Node::call("cume_dist", Vec::new()))
}

/// `ntile(n)`: which of `n` equal parts the row falls in. Needs [`over`](Expr::over).
pub fn ntile(parts: u32) -> Expr<i64> {
    Expr::from_node(Node::call("ntile", vec![Node::Constant(i64::from(parts))]))
}

/// The arguments of [`func`] and [`raw`]: one operand, or a tuple of them, of any types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument: give a column, an expression, `val(..)` or a tuple of these"
)]
pub trait Arguments {
    /// Appends the arguments.
    #[doc(hidden)]
    fn push_arguments(self, nodes: &mut Vec<Node>);
}

impl<T: ColumnType> Arguments for Column<T> {
    fn push_arguments(self, nodes: &mut Vec<Node>) {
        nodes.push(self.node());
    }
}

impl<T: ColumnType> Arguments for Expr<T> {
    fn push_arguments(self, nodes: &mut Vec<Node>) {
        nodes.push(self.node);
    }
}

impl Arguments for () {
    fn push_arguments(self, _: &mut Vec<Node>) {}
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: Arguments),*> Arguments for ($($name,)*) {
            #[allow(non_snake_case)]
            fn push_arguments(self, nodes: &mut Vec<Node>) {
                let ($($name,)*) = self;
                $($name.push_arguments(nodes);)*
            }
        }
    };
}
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);

impl<T> Expr<T> {
    /// An aggregate over only the rows where `condition` holds: `.. FILTER (WHERE condition)`. On anything but a
    /// function call, rendering the statement is an error.
    pub fn filter_where(self, condition: impl Predicate) -> Expr<T> {
        self.with_function(|function| function.filter = Some(condition.into_condition()))
    }

    /// An aggregate over the rows in that order: for those whose result depends on it, such as [`joined`](Operand::joined).
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// struct Book {
    ///     #[column(primary_key)]
    ///     id: Id<Book>,
    ///     author: String,
    ///     title: String,
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// # let engine = Engine::open("sqlite::memory:")?;
    /// # engine.create_all(schema![Book])?;
    /// # let mut session = engine.session()?;
    /// # session.add_all([Book::new("Eco", "Pendulum"), Book::new("Eco", "Baudolino")]);
    /// let shelves: Vec<(String, Option<String>)> = session
    ///     .query::<Book>()
    ///     .group_by(|b| b.author)
    ///     .select(|b| (b.author, b.title.joined(", ").ordered(b.title)))
    ///     .fetch()?;
    /// assert_eq!(shelves[0].1.as_deref(), Some("Baudolino, Pendulum"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn ordered(self, order: impl Ordering) -> Expr<T> {
        self.with_function(|function| order.push_terms(&mut function.order))
    }

    /// An aggregate over each different value once.
    pub fn distinct(self) -> Expr<T> {
        self.with_function(|function| function.distinct = true)
    }

    /// Changes the call that this expression is; wraps what is no call, so that rendering can say what is wrong.
    pub(crate) fn with_function(self, change: impl FnOnce(&mut Function)) -> Expr<T> {
        let mut function = match self.node {
            Node::Function(function) => function,
            other => Box::new(Function {
                name: Name::Borrowed(""),
                arguments: vec![other],
                star: false,
                distinct: false,
                order: Vec::new(),
                filter: None,
                over: None,
            }),
        };
        change(&mut function);
        Expr::from_node(Node::Function(function))
    }
}
