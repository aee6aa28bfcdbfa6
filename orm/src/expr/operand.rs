//! The operators that columns and expressions have in common.

use super::compare::{Comparable, InList, NullColumn};
use super::length::Summable;
use super::order::Order;
use super::portable::Portable;
use super::tree::{BinaryOp, Column, Expr, LikeCase, Node};
use crate::types::{ColumnType, Kind, Numeric, Textual};

/// The base type that an operand's comparisons go by.
type Base<O> = <<O as Operand>::Value as ColumnType>::Base;

/// Columns and expressions: everything that operators can be applied to.
///
/// Comparisons follow SQL: with NULL on either side they are NULL, which a filter takes as false. [`is`](Self::is) and
/// [`is_not`](Self::is_not) take NULL as a value.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Book {
///     #[column(primary_key)]
///     id: Id<Book>,
///     title: String,
///     pages: i64,
///     isbn: Option<String>,
/// }
///
/// let sql = query::<Book>()
///     .filter(|b| (b.pages.between(100, 300) | b.isbn.is_null()) & !b.title.ilike("the %"))
///     .order_by(|b| (b.pages.desc(), b.title))
///     .select(|b| (b.title.upper(), b.pages * 2))
///     .to_sql();
/// assert_eq!(
///     sql,
///     "SELECT upper(title), pages * ?1 FROM book \
///      WHERE (pages BETWEEN ?2 AND ?3 OR isbn IS NULL) AND title NOT LIKE ?4 ORDER BY pages DESC, title"
/// );
/// ```
#[allow(clippy::wrong_self_convention)]
pub trait Operand: Sized {
    /// The type of the value.
    type Value: ColumnType;

    /// The erased tree.
    #[doc(hidden)]
    fn node(self) -> Node;

    /// As an expression.
    fn expr(self) -> Expr<Self::Value> {
        Expr::from_node(self.node())
    }

    /// `=`
    fn eq<R: Comparable<Base<Self>>>(self, right: R) -> Expr<bool> {
        binary(BinaryOp::Eq, self, right.into_node())
    }

    /// `<>`
    fn ne<R: Comparable<Base<Self>>>(self, right: R) -> Expr<bool> {
        binary(BinaryOp::Ne, self, right.into_node())
    }

    /// `<`
    fn lt<R: Comparable<Base<Self>>>(self, right: R) -> Expr<bool> {
        binary(BinaryOp::Lt, self, right.into_node())
    }

    /// `<=`
    fn le<R: Comparable<Base<Self>>>(self, right: R) -> Expr<bool> {
        binary(BinaryOp::Le, self, right.into_node())
    }

    /// `>`
    fn gt<R: Comparable<Base<Self>>>(self, right: R) -> Expr<bool> {
        binary(BinaryOp::Gt, self, right.into_node())
    }

    /// `>=`
    fn ge<R: Comparable<Base<Self>>>(self, right: R) -> Expr<bool> {
        binary(BinaryOp::Ge, self, right.into_node())
    }

    /// Equal, where NULL equals NULL. Takes an `Option` of a literal as well.
    fn is<R: super::Settable<Option<Base<Self>>>>(self, right: R) -> Expr<bool>
    where
        Option<Base<Self>>: ColumnType,
    {
        binary(BinaryOp::Is, self, right.into_node())
    }

    /// Not equal, where NULL equals NULL.
    fn is_not<R: super::Settable<Option<Base<Self>>>>(self, right: R) -> Expr<bool>
    where
        Option<Base<Self>>: ColumnType,
    {
        binary(BinaryOp::IsNot, self, right.into_node())
    }

    /// `IS NULL`
    fn is_null(self) -> Expr<bool>
    where
        Self::Value: NullColumn,
    {
        Expr::from_node(Node::IsNull {
            operand: Box::new(self.node()),
            negated: false,
        })
    }

    /// `IS NOT NULL`
    fn is_not_null(self) -> Expr<bool>
    where
        Self::Value: NullColumn,
    {
        Expr::from_node(Node::IsNull {
            operand: Box::new(self.node()),
            negated: true,
        })
    }

    /// `BETWEEN low AND high`, both ends included.
    fn between<L: Comparable<Base<Self>>, H: Comparable<Base<Self>>>(self, low: L, high: H) -> Expr<bool> {
        Expr::from_node(Node::Between {
            operand: Box::new(self.node()),
            low: Box::new(low.into_node()),
            high: Box::new(high.into_node()),
            negated: false,
        })
    }

    /// `IN (..)`: a list of values or a query of one column. An empty list is in nothing.
    fn in_<L: InList<Base<Self>>>(self, list: L) -> Expr<bool> {
        Expr::from_node(list.into_test(self.node(), false))
    }

    /// `NOT IN (..)`.
    fn not_in<L: InList<Base<Self>>>(self, list: L) -> Expr<bool> {
        Expr::from_node(list.into_test(self.node(), true))
    }

    /// `LIKE`: `%` stands for any text, `_` for one character. Whether case matters is the backend's choice (SQLite
    /// ignores it for ASCII letters); [`ilike`](Self::ilike) ignores it everywhere.
    fn like<R: Comparable<String>>(self, pattern: R) -> Expr<bool>
    where
        Self::Value: Textual,
    {
        like(self, pattern.into_node(), LikeCase::Backend, false)
    }

    /// `LIKE` without regard to case, on every backend.
    fn ilike<R: Comparable<String>>(self, pattern: R) -> Expr<bool>
    where
        Self::Value: Textual,
    {
        like(self, pattern.into_node(), LikeCase::Insensitive, false)
    }

    /// Does the text begin with `prefix`? `%` and `_` in it stand for themselves; whether case matters is as with [`like`](Self::like).
    fn starts_with(self, prefix: &str) -> Expr<bool>
    where
        Self::Value: Textual,
    {
        like(self, literal_pattern("", prefix, "%"), LikeCase::Backend, true)
    }

    /// Does the text end with `suffix`?
    fn ends_with(self, suffix: &str) -> Expr<bool>
    where
        Self::Value: Textual,
    {
        like(self, literal_pattern("%", suffix, ""), LikeCase::Backend, true)
    }

    /// Does the text contain `part`?
    fn contains(self, part: &str) -> Expr<bool>
    where
        Self::Value: Textual,
    {
        like(self, literal_pattern("%", part, "%"), LikeCase::Backend, true)
    }

    /// `||`: this text and another one after it.
    fn concat<R: Comparable<String>>(self, right: R) -> Expr<Self::Value>
    where
        Self::Value: Textual,
    {
        binary_of(BinaryOp::Concat, self, right.into_node())
    }

    /// In lower case.
    fn lower(self) -> Expr<Self::Value>
    where
        Self::Value: Textual,
    {
        call("lower", vec![self.node()])
    }

    /// In upper case.
    fn upper(self) -> Expr<Self::Value>
    where
        Self::Value: Textual,
    {
        call("upper", vec![self.node()])
    }

    /// Without blanks at both ends.
    fn trim(self) -> Expr<Self::Value>
    where
        Self::Value: Textual,
    {
        call("trim", vec![self.node()])
    }

    /// The number of characters.
    fn length(self) -> Expr<i64>
    where
        Self::Value: Textual,
    {
        call("length", vec![self.node()])
    }

    /// `length` characters from the `start`-th on, counted from 1.
    fn substr(self, start: i64, length: i64) -> Expr<Self::Value>
    where
        Self::Value: Textual,
    {
        call(
            "substr",
            vec![self.node(), Node::Constant(start), Node::Constant(length)],
        )
    }

    /// With each `from` replaced by `to`.
    fn replace<F: Comparable<String>, T: Comparable<String>>(self, from: F, to: T) -> Expr<Self::Value>
    where
        Self::Value: Textual,
    {
        call("replace", vec![self.node(), from.into_node(), to.into_node()])
    }

    /// Without its sign.
    fn abs(self) -> Expr<Self::Value>
    where
        Self::Value: Numeric,
    {
        call("abs", vec![self.node()])
    }

    /// Rounded to so many digits after the point.
    fn round(self, digits: i64) -> Expr<Self::Value>
    where
        Self::Value: Numeric,
    {
        let nodes = [self.node(), Node::Constant(digits)];
        match Self::Value::KIND {
            Kind::Int(_) => call("round", nodes.into()),
            _ => Expr::from_node(Node::portable(Portable::Round, nodes)),
        }
    }

    /// The greatest whole number that is not over it.
    fn floor(self) -> Expr<Self::Value>
    where
        Self::Value: ColumnType<Base = f64>,
    {
        Expr::from_node(Node::portable(Portable::Floor, [self.node()]))
    }

    /// The least whole number that is not under it.
    fn ceil(self) -> Expr<Self::Value>
    where
        Self::Value: ColumnType<Base = f64>,
    {
        Expr::from_node(Node::portable(Portable::Ceil, [self.node()]))
    }

    /// This or the other, whichever is greater; NULL where one of them is.
    fn at_least<R: Comparable<Base<Self>>>(self, other: R) -> Expr<Self::Value> {
        Expr::from_node(Node::portable(
            Portable::Greatest,
            [self.node(), other.into_node()],
        ))
    }

    /// This or the other, whichever is less; NULL where one of them is.
    fn at_most<R: Comparable<Base<Self>>>(self, other: R) -> Expr<Self::Value> {
        Expr::from_node(Node::portable(Portable::Least, [self.node(), other.into_node()]))
    }

    /// All texts of a group, one after the other with `separator` between them; `None` over no rows. Their order is that of
    /// [`Expr::ordered`], if any.
    fn joined(self, separator: &'static str) -> Expr<Option<String>>
    where
        Self::Value: Textual,
    {
        Expr::from_node(Node::call(
            "string_agg",
            vec![self.node(), Node::Text(separator.into())],
        ))
    }

    /// The number of rows where this is not NULL.
    fn count(self) -> Expr<i64> {
        call("count", vec![self.node()])
    }

    /// The number of different values, NULL not counted.
    fn count_distinct(self) -> Expr<i64> {
        let mut counted = call("count", vec![self.node()]);
        if let Node::Function(function) = &mut counted.node {
            function.distinct = true;
        }
        counted
    }

    /// The sum; `None` over no rows.
    fn sum(self) -> Expr<<Self::Value as ColumnType>::Nullable>
    where
        Self::Value: Summable,
    {
        call("sum", vec![self.node()])
    }

    /// The mean; `None` over no rows.
    fn avg(self) -> Expr<<Self::Value as Summable>::Mean>
    where
        Self::Value: Summable,
    {
        call("avg", vec![self.node()])
    }

    /// The least value; `None` over no rows.
    fn min(self) -> Expr<<Self::Value as ColumnType>::Nullable> {
        call("min", vec![self.node()])
    }

    /// The greatest value; `None` over no rows.
    fn max(self) -> Expr<<Self::Value as ColumnType>::Nullable> {
        call("max", vec![self.node()])
    }

    /// This, or `otherwise` where this is NULL.
    fn or_else<R: Comparable<Base<Self>>>(self, otherwise: R) -> Expr<Base<Self>>
    where
        Self::Value: NullColumn,
    {
        call("coalesce", vec![self.node(), otherwise.into_node()])
    }

    /// NULL where this equals `value`.
    fn null_if<R: Comparable<Base<Self>>>(self, value: R) -> Expr<<Self::Value as ColumnType>::Nullable> {
        call("nullif", vec![self.node(), value.into_node()])
    }

    /// `CAST(.. AS ..)`.
    fn cast<T: ColumnType>(self) -> Expr<T> {
        Expr::from_node(Node::Cast {
            operand: Box::new(self.node()),
            kind: T::KIND,
        })
    }

    /// Compared and ordered by that collation: `nocase`, `"de_DE"`, whatever the backend knows.
    fn collate(self, collation: &'static str) -> Expr<Self::Value>
    where
        Self::Value: Textual,
    {
        Expr::from_node(Node::Collate {
            operand: Box::new(self.node()),
            collation: collation.into(),
        })
    }

    /// Ascending order, the default.
    fn asc(self) -> Order {
        Order::new(self.node(), false)
    }

    /// Descending order.
    fn desc(self) -> Order {
        Order::new(self.node(), true)
    }
}

impl<T: ColumnType> Operand for Column<T> {
    type Value = T;

    fn node(self) -> Node {
        Node::Column {
            source: self.source,
            name: self.name.into(),
        }
    }
}

impl<T: ColumnType> Operand for Expr<T> {
    type Value = T;

    fn node(self) -> Node {
        self.node
    }
}

/// What a filter can be: an expression or a column of type `bool`, or `Option<bool>`, where NULL counts as false.
#[diagnostic::on_unimplemented(
    message = "a condition must be a boolean expression, and `{Self}` is none",
    label = "expected `Expr<bool>`, as a comparison gives"
)]
pub trait Predicate {
    /// The erased tree.
    #[doc(hidden)]
    fn into_condition(self) -> Node;
}

impl Predicate for Expr<bool> {
    fn into_condition(self) -> Node {
        self.node
    }
}

impl Predicate for Expr<Option<bool>> {
    fn into_condition(self) -> Node {
        self.node
    }
}

impl Predicate for Column<bool> {
    fn into_condition(self) -> Node {
        self.node()
    }
}

impl Predicate for Column<Option<bool>> {
    fn into_condition(self) -> Node {
        self.node()
    }
}

fn binary<L: Operand>(op: BinaryOp, left: L, right: Node) -> Expr<bool> {
    binary_of(op, left, right)
}

fn binary_of<L: Operand, T>(op: BinaryOp, left: L, right: Node) -> Expr<T> {
    Expr::from_node(Node::binary(op, left.node(), right))
}

fn call<T>(name: &'static str, arguments: Vec<Node>) -> Expr<T> {
    Expr::from_node(Node::call(name, arguments))
}

fn like<L: Operand>(left: L, pattern: Node, case: LikeCase, escape: bool) -> Expr<bool> {
    let (operand, pattern) = (Box::new(left.node()), Box::new(pattern));
    Expr::from_node(Node::Like {
        operand,
        pattern,
        case,
        escape,
        negated: false,
    })
}

/// A pattern in which `text` stands for itself: the backslash takes the meaning from `%`, `_` and itself.
fn literal_pattern(before: &str, text: &str, after: &str) -> Node {
    let mut pattern = String::with_capacity(before.len() + text.len() + after.len() + 4);
    pattern.push_str(before);
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push_str(after);
    Node::Value(pattern.into())
}
