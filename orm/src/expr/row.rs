//! Row values: several columns compared at once.

use super::compare::Comparable;
use super::operand::Operand;
use super::tree::{BinaryOp, Expr, Node};
use crate::types::ColumnType;

/// A row value over operands of the types `T`, made by [`row`].
#[derive(Clone, Debug)]
pub struct Row<T> {
    pub(crate) nodes: Vec<Node>,
    types: std::marker::PhantomData<fn() -> T>,
}

/// Several operands that are compared as one: equal where all are, less where the first that differs is.
///
/// ```
/// use aludel::expr::row;
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Person {
///     #[column(primary_key)]
///     id: Id<Person>,
///     name: String,
/// }
///
/// // The page after the row that the last one ended with.
/// let next = query::<Person>()
///     .filter(|p| row((p.name, p.id)).gt(("Mike", 17)))
///     .order_by(|p| (p.name, p.id))
///     .limit(20);
/// assert_eq!(
///     next.to_sql(),
///     "SELECT id, name FROM person WHERE (name, id) > (?1, ?2) ORDER BY name, id LIMIT ?3"
/// );
/// ```
pub fn row<O: RowOperands>(operands: O) -> Row<O::Types> {
    let mut nodes = Vec::new();
    operands.push_nodes(&mut nodes);
    Row {
        nodes,
        types: std::marker::PhantomData,
    }
}

/// What [`row`] takes: a tuple of columns and expressions.
#[diagnostic::on_unimplemented(message = "`{Self}` is no row: give a tuple of columns and expressions")]
pub trait RowOperands {
    /// The types of the values.
    type Types;

    /// Appends the operands.
    #[doc(hidden)]
    fn push_nodes(self, nodes: &mut Vec<Node>);
}

/// What a row of the types `T` is compared with: a tuple of values, columns or expressions, or another [`Row`].
#[diagnostic::on_unimplemented(
    message = "cannot compare a row of `{T}` with `{Self}`",
    note = "give a tuple with a value for each column of the row"
)]
pub trait RowValues<T> {
    /// Appends the values.
    #[doc(hidden)]
    fn push_values(self, nodes: &mut Vec<Node>);
}

impl<T> RowValues<T> for Row<T> {
    fn push_values(self, nodes: &mut Vec<Node>) {
        nodes.extend(self.nodes);
    }
}

macro_rules! tuples {
    ($($name:ident $value:ident)*) => {
        impl<$($name: Operand),*> RowOperands for ($($name,)*) {
            type Types = ($($name::Value,)*);

            #[allow(non_snake_case)]
            fn push_nodes(self, nodes: &mut Vec<Node>) {
                let ($($name,)*) = self;
                $(nodes.push($name.node());)*
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$($name: ColumnType, $value: Comparable<$name::Base>),*> RowValues<($($name,)*)> for ($($value,)*) {
            #[allow(non_snake_case)]
            fn push_values(self, nodes: &mut Vec<Node>) {
                let ($($value,)*) = self;
                $(nodes.push($value.into_node());)*
            }
        }
    };
}
tuples!(A A1 B B1);
tuples!(A A1 B B1 C C1);
tuples!(A A1 B B1 C C1 D D1);
tuples!(A A1 B B1 C C1 D D1 E E1);

impl<T> Row<T> {
    /// `=`
    pub fn eq(self, values: impl RowValues<T>) -> Expr<bool> {
        self.compared(BinaryOp::Eq, values)
    }

    /// `<>`
    pub fn ne(self, values: impl RowValues<T>) -> Expr<bool> {
        self.compared(BinaryOp::Ne, values)
    }

    /// `<`
    pub fn lt(self, values: impl RowValues<T>) -> Expr<bool> {
        self.compared(BinaryOp::Lt, values)
    }

    /// `<=`
    pub fn le(self, values: impl RowValues<T>) -> Expr<bool> {
        self.compared(BinaryOp::Le, values)
    }

    /// `>`
    pub fn gt(self, values: impl RowValues<T>) -> Expr<bool> {
        self.compared(BinaryOp::Gt, values)
    }

    /// `>=`
    pub fn ge(self, values: impl RowValues<T>) -> Expr<bool> {
        self.compared(BinaryOp::Ge, values)
    }

    /// Is it one of these rows? None of none.
    pub fn in_<V: RowValues<T>>(self, rows: impl IntoIterator<Item = V>) -> Expr<bool> {
        let equal = |values: V| {
            let row = Row::<T> {
                nodes: self.nodes.clone(),
                types: std::marker::PhantomData,
            };
            row.eq(values).node
        };
        Expr::from_node(Node::Logic {
            all: false,
            parts: rows.into_iter().map(equal).collect(),
        })
    }

    fn compared(self, op: BinaryOp, values: impl RowValues<T>) -> Expr<bool> {
        let mut right = Vec::with_capacity(self.nodes.len());
        values.push_values(&mut right);
        Expr::from_node(Node::binary(op, Node::Row(self.nodes), Node::Row(right)))
    }
}
