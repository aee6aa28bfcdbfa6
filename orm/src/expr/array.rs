//! Arrays in expressions: elements, lengths, what is in them, arrays put together.
//!
//! PostgreSQL has operators for its arrays; SQLite and MySQL keep them as JSON and answer with JSON functions ([`Portable`]). Where elements are rows
//! of a source ([`Relation::Elements`]), any condition can be asked of them:
//!
//! ```text
//!   p.tags.has("rust")                     $1 = ANY (tags)     $1 IN (SELECT value FROM json_each(tags))
//!   p.scores.any_element(|s| s.gt(5))      EXISTS (SELECT 1 FROM unnest(scores) AS element (value) WHERE value > $1)
//!   query.join_elements(|p| p.tags)        .. JOIN unnest(tags) AS element (value) ON TRUE
//! ```
//!
//! A NULL among the elements is equal to nothing, not even to another.

use super::compare::Comparable;
use super::operand::{Operand, Predicate};
use super::portable::Portable;
use super::statement::{FromItem, Output, Relation, Select};
use super::tree::{Column, Expr, Node, SourceId, UnaryOp};
use crate::types::{ColumnType, Element, Kind};

/// The name of the one column of [`Relation::Elements`], on all backends.
pub(crate) const VALUE: &str = "value";

/// A type of columns that keep arrays: `Vec<T>`, or an `Option` of one.
#[diagnostic::on_unimplemented(message = "a `{Self}` column is no array")]
pub trait ArrayColumn: ColumnType {
    /// What its elements are.
    type Item: Element;

    /// The type of its length: `i64`, or `Option<i64>`.
    type Length: ColumnType;
}

impl<T: Element> ArrayColumn for Vec<T> {
    type Item = T;
    type Length = i64;
}

#[diagnostic::do_not_recommend]
impl<A: ArrayColumn> ArrayColumn for Option<A>
where
    Option<A::Length>: ColumnType,
{
    type Item = A::Item;
    type Length = Option<A::Length>;
}

type Item<O> = <<O as Operand>::Value as ArrayColumn>::Item;
type ItemBase<O> = <Item<O> as ColumnType>::Base;
type Base<O> = <<O as Operand>::Value as ColumnType>::Base;

/// What arrays have besides the operators of all [`Operand`]s, and the aggregate that makes one of a group.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Post {
///     #[column(primary_key)]
///     id: Id<Post>,
///     author: String,
///     tags: Vec<String>,
///     scores: Vec<i64>,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![Post])?;
/// let mut session = engine.session()?;
/// session.add(Post::new("Mike", ["rust", "sql"].map(String::from), [3, 8]));
/// session.add(Post::new("Mike", Vec::new(), [4]));
///
/// let about = session.query::<Post>().filter(|p| p.tags.has("rust")).count()?;
/// let either = session.query::<Post>().filter(|p| p.tags.has_any(["sql", "go"])).count()?;
/// let high = session.query::<Post>().filter(|p| p.scores.any_element(|s| s.gt(5))).count()?;
/// assert_eq!((about, either, high), (1, 1, 1));
///
/// let first: Vec<(Option<String>, i64)> =
///     session.query::<Post>().order_by(|p| p.id).select(|p| (p.tags.at(0), p.scores.len())).fetch()?;
/// assert_eq!(first, [(Some("rust".to_owned()), 2), (None, 1)]);
///
/// let ids: Vec<i64> = session.query::<Post>().select(|p| p.scores.len().array_agg().ordered(p.id)).fetch_one()?;
/// assert_eq!(ids, [2, 1]);
/// # Ok(())
/// # }
/// ```
#[allow(clippy::wrong_self_convention)]
pub trait ArrayOperand: Operand {
    /// Is this one of the elements?
    fn has<R: Comparable<ItemBase<Self>>>(self, element: R) -> Expr<bool>
    where
        Self::Value: ArrayColumn,
    {
        let kind = Item::<Self>::KIND;
        portable(Portable::ArrayHas(kind), [self.node(), element.into_node()])
    }

    /// Are all of these among the elements?
    fn has_all<R: Comparable<Base<Self>>>(self, elements: R) -> Expr<bool>
    where
        Self::Value: ArrayColumn,
    {
        portable(Portable::ArrayHasAll, [self.node(), elements.into_node()])
    }

    /// Is any of these among the elements?
    fn has_any<R: Comparable<Base<Self>>>(self, elements: R) -> Expr<bool>
    where
        Self::Value: ArrayColumn,
    {
        portable(Portable::ArrayHasAny, [self.node(), elements.into_node()])
    }

    /// Does the condition hold for one element at least?
    fn any_element<P: Predicate>(self, condition: impl FnOnce(Column<Item<Self>>) -> P) -> Expr<bool>
    where
        Self::Value: ArrayColumn,
    {
        Expr::from_node(some_element(self, condition, false))
    }

    /// Does the condition hold for all elements? It does for those of an empty array; where it is NULL, it counts as holding.
    fn all_elements<P: Predicate>(self, condition: impl FnOnce(Column<Item<Self>>) -> P) -> Expr<bool>
    where
        Self::Value: ArrayColumn,
    {
        Expr::from_node(Node::Unary {
            op: UnaryOp::Not,
            operand: Box::new(some_element(self, condition, true)),
        })
    }

    /// The number of elements.
    fn len(self) -> Expr<<Self::Value as ArrayColumn>::Length>
    where
        Self::Value: ArrayColumn,
    {
        portable(Portable::ArrayLength, [self.node()])
    }

    /// Has it no elements?
    fn is_empty(self) -> Expr<bool>
    where
        Self::Value: ArrayColumn,
    {
        let length = Node::portable(Portable::ArrayLength, [self.node()]);
        Expr::from_node(Node::binary(super::BinaryOp::Eq, length, Node::Constant(0)))
    }

    /// The element at that place, counted from 0; NULL where there is none.
    fn at(self, index: usize) -> Expr<<Item<Self> as ColumnType>::Nullable>
    where
        Self::Value: ArrayColumn,
    {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        portable(
            Portable::ArrayAt(Item::<Self>::KIND),
            [self.node(), Node::Constant(index)],
        )
    }

    /// The array with one more element at its end.
    fn append<R: Comparable<ItemBase<Self>>>(self, element: R) -> Expr<Self::Value>
    where
        Self::Value: ArrayColumn,
    {
        let (kind, mut element) = (Item::<Self>::KIND, element.into_node());
        if let Kind::Int(_) | Kind::Real(_) = kind {
            // A literal is of the widest type, an array of its elements' own.
            element = Node::Cast {
                operand: Box::new(element),
                kind,
            };
        }
        portable(Portable::ArrayAppend(kind), [self.node(), element])
    }

    /// The array with the elements of another behind its own.
    fn extend<R: Comparable<Base<Self>>>(self, elements: R) -> Expr<Self::Value>
    where
        Self::Value: ArrayColumn,
    {
        portable(Portable::ArrayExtend, [self.node(), elements.into_node()])
    }

    /// All values of a group as an array; empty over no rows. Their order is that of [`Expr::ordered`], if any.
    fn array_agg(self) -> Expr<Vec<Self::Value>>
    where
        Self::Value: Element,
    {
        let element = Node::portable(Portable::Element(Self::Value::KIND), [self.node()]);
        Expr::from_node(Node::call("array_agg", vec![element]))
    }
}

impl<O: Operand> ArrayOperand for O {}

fn portable<T>(function: Portable, nodes: impl Into<Vec<Node>>) -> Expr<T> {
    Expr::from_node(Node::portable(function, nodes))
}

/// `EXISTS (SELECT 1 FROM its elements WHERE condition)`, or one for which the condition does not hold.
fn some_element<O, P>(array: O, condition: impl FnOnce(Column<Item<O>>) -> P, negated: bool) -> Node
where
    O: Operand,
    O::Value: ArrayColumn,
    P: Predicate,
{
    let source = SourceId::fresh();
    let condition = condition(Column::new(source, VALUE)).into_condition();
    let filter = match negated {
        false => condition,
        true => Node::Unary {
            op: UnaryOp::Not,
            operand: Box::new(condition),
        },
    };
    let select = Select {
        columns: vec![Output {
            node: Node::Constant(1),
            label: None,
        }],
        from: vec![FromItem {
            source,
            relation: elements(array),
            join: None,
        }],
        filter: Some(filter),
        ..Select::default()
    };
    Node::Exists(Box::new(select))
}

/// The elements of an array as rows.
pub(crate) fn elements<O: Operand>(array: O) -> Relation
where
    O::Value: ArrayColumn,
{
    Relation::Elements {
        array: Box::new(array.node()),
        element: Item::<O>::KIND,
    }
}
