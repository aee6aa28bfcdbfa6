//! What can stand on the other side of a column: literals, columns, expressions, subqueries.
//!
//! Types are compared by their [`Base`](crate::ColumnType::Base): an `Option<String>` column takes a `&str`, an
//! `Fk<User>` column takes a `User`'s id or a handle. Nothing else compiles, and the message names the two types.

use super::operand::Operand;
use super::tree::{Column, Expr, Node};
use crate::types::{ColumnType, Id, Value};

/// A right-hand side that can be compared with a column of base type `B`.
#[diagnostic::on_unimplemented(
    message = "cannot compare a `{B}` column with a value of type `{Self}`",
    label = "expected something that compares with `{B}`",
    note = "for an `Option`, decide what NULL means: `is(..)` takes NULL as equal to NULL, `is_null()` tests for it"
)]
pub trait Comparable<B> {
    /// The expression.
    #[doc(hidden)]
    fn into_node(self) -> Node;
}

/// A value or expression that a column of type `T` can be set to.
#[diagnostic::on_unimplemented(
    message = "cannot set a `{T}` column to a value of type `{Self}`",
    label = "expected something that fits `{T}`"
)]
pub trait Settable<T> {
    /// The expression.
    #[doc(hidden)]
    fn into_node(self) -> Node;
}

/// A column type that can be NULL: `Option` of another.
#[diagnostic::on_unimplemented(message = "a `{Self}` column is never NULL")]
pub trait NullColumn: ColumnType {}

impl<T: ColumnType> NullColumn for Option<T> {}

/// The right-hand side of `in_`: an array, a `Vec`, a slice, or a query of one column.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list or query of `{B}` values",
    label = "expected an array, `Vec`, slice or query of values that compare with `{B}`"
)]
pub trait InList<B> {
    /// The test `operand IN (self)`.
    #[doc(hidden)]
    fn into_test(self, operand: Node, negated: bool) -> Node;
}

impl<T: ColumnType> Comparable<T::Base> for Column<T> {
    fn into_node(self) -> Node {
        self.node()
    }
}

impl<T: ColumnType> Comparable<T::Base> for Expr<T> {
    fn into_node(self) -> Node {
        self.node
    }
}

impl<T: ColumnType, U: ColumnType<Base = T::Base>> Settable<T> for Column<U> {
    fn into_node(self) -> Node {
        self.node()
    }
}

impl<T: ColumnType, U: ColumnType<Base = T::Base>> Settable<T> for Expr<U> {
    fn into_node(self) -> Node {
        self.node
    }
}

/// A literal of type `$ty` beside columns of base `$base`.
macro_rules! literal {
    ($([$($generic:ident: $bound:lifetime)?] $ty:ty => $base:ty, |$v:ident| $value:expr;)*) => {$(
        impl<$($generic: $bound)?> Comparable<$base> for $ty {
            fn into_node(self) -> Node {
                let $v = self;
                Node::Value($value)
            }
        }

        impl<$($generic: $bound,)? Column_: ColumnType<Base = $base>> Settable<Column_> for $ty {
            fn into_node(self) -> Node {
                let $v = self;
                Node::Value($value)
            }
        }

        impl<$($generic: $bound,)? Column_: NullColumn<Base = $base>> Settable<Column_> for Option<$ty> {
            fn into_node(self) -> Node {
                Node::Value(self.map_or(Value::Null, |$v| $value))
            }
        }
    )*};
}

literal! {
    [] i8 => i8, |v| Value::from(v);
    [] i16 => i16, |v| Value::from(v);
    [] i32 => i32, |v| Value::from(v);
    [] i64 => i64, |v| Value::from(v);
    [] u8 => u8, |v| Value::from(v);
    [] u16 => u16, |v| Value::from(v);
    [] u32 => u32, |v| Value::from(v);
    [] f32 => f32, |v| Value::from(v);
    [] f64 => f64, |v| Value::from(v);
    [] bool => bool, |v| Value::from(v);
    [] &str => String, |v| Value::from(v).into_owned();
    [] &String => String, |v| Value::from(v).into_owned();
    [] String => String, |v| Value::from(v);
    [] &[u8] => Vec<u8>, |v| Value::from(v).into_owned();
    [] Vec<u8> => Vec<u8>, |v| Value::from(v);
    [T: 'static] Id<T> => Id<T>, |v| v.encode().into_owned();
}

/// A plain number beside a typed key.
impl<T: 'static> Comparable<Id<T>> for i64 {
    fn into_node(self) -> Node {
        Node::Value(Value::from(self))
    }
}

impl<B, V: Comparable<B>, const N: usize> InList<B> for [V; N] {
    fn into_test(self, operand: Node, negated: bool) -> Node {
        list_test(operand, self.into_iter().map(V::into_node).collect(), negated)
    }
}

impl<B, V: Comparable<B>> InList<B> for Vec<V> {
    fn into_test(self, operand: Node, negated: bool) -> Node {
        list_test(operand, self.into_iter().map(V::into_node).collect(), negated)
    }
}

impl<B, V: Comparable<B> + Clone> InList<B> for &[V] {
    fn into_test(self, operand: Node, negated: bool) -> Node {
        list_test(operand, self.iter().cloned().map(V::into_node).collect(), negated)
    }
}

impl<B, V: Comparable<B> + Clone> InList<B> for &Vec<V> {
    fn into_test(self, operand: Node, negated: bool) -> Node {
        self.as_slice().into_test(operand, negated)
    }
}

fn list_test(operand: Node, list: Vec<Node>, negated: bool) -> Node {
    Node::InList {
        operand: Box::new(operand),
        list,
        negated,
    }
}
