//! What can stand on the other side of a column: literals, columns, expressions, subqueries.
//!
//! Types are compared by their [`Base`](crate::ColumnType::Base): an `Option<String>` column takes a `&str`, an
//! `Fk<User>` column takes a `User`'s id or a handle. Nothing else compiles, and the message names the two types.

use super::operand::Operand;
use super::tree::{Column, Expr, Node};
use crate::types::{Array, ColumnType, Element, Id, Kind, Value};

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

/// Makes a column type's own values comparable with columns of it, and columns settable to them.
///
/// `#[derive(ColumnType)]` does this by itself; call it for a type whose [`ColumnType`] is written by hand.
///
/// ```
/// use aludel::prelude::*;
/// use aludel::{ColumnType, DecodeError, Kind, Value};
///
/// #[derive(Clone)]
/// struct Celsius(f64);
///
/// impl ColumnType for Celsius {
///     type Base = Celsius;
///     type Nullable = Option<Celsius>;
///     const KIND: Kind = f64::KIND;
///     fn encode(&self) -> Value<'_> {
///         self.0.encode()
///     }
///     fn decode(value: Value<'_>) -> Result<Self, DecodeError> {
///         f64::decode(value).map(Celsius)
///     }
/// }
/// aludel::column_literals!(Celsius);
///
/// #[derive(Entity)]
/// struct Oven {
///     #[column(primary_key)]
///     id: Id<Oven>,
///     heat: Celsius,
/// }
/// let hot = query::<Oven>().filter(|o| o.heat.gt(Celsius(250.0)));
/// # assert!(hot.to_sql().ends_with("WHERE heat > ?1"));
/// ```
#[macro_export]
macro_rules! column_literals {
    ($($ty:ty),* $(,)?) => {$(
        impl $crate::expr::Comparable<$ty> for $ty {
            fn into_node(self) -> $crate::expr::Node {
                $crate::expr::Node::Value($crate::ColumnType::encode(&self).into_owned())
            }
        }

        impl<Column_: $crate::ColumnType<Base = $ty>> $crate::expr::Settable<Column_> for $ty {
            fn into_node(self) -> $crate::expr::Node {
                $crate::expr::Node::Value($crate::ColumnType::encode(&self).into_owned())
            }
        }
    )*};
}

column_literals!(i8, i16, i32, i64, u8, u16, u32, f32, f64, bool, String, Vec<u8>);

macro_rules! array_literals {
    ($($ty:ty, $of:ty, [$($generics:tt)*], |$v:ident| $value:expr;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> Comparable<$of> for $ty {
            fn into_node(self) -> Node {
                let $v = self;
                Node::Value($value)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$($generics)*, Column_: ColumnType<Base = $of>> Settable<Column_> for $ty {
            fn into_node(self) -> Node {
                let $v = self;
                Node::Value($value)
            }
        }
    )*};
}

array_literals! {
    Vec<T>, Vec<T>, [T: Element], |v| v.encode().into_owned();
    &Vec<T>, Vec<T>, [T: Element], |v| array(v);
    &[T], Vec<T>, [T: Element], |v| array(v);
    [T; N], Vec<T>, [T: Element, const N: usize], |v| array(&v);
    [&str; N], Vec<String>, [const N: usize], |v| {
        Value::Array(Box::new(Array::of(Kind::Text, v.into_iter().map(Value::from))))
    };
}

fn array<T: Element>(elements: &[T]) -> Value<'static> {
    Value::Array(Box::new(Array::of(T::KIND, elements.iter().map(T::encode))))
}

/// A nullable column takes an `Option` of its own type.
impl<T: ColumnType> Settable<Option<T>> for Option<T> {
    fn into_node(self) -> Node {
        Node::Value(self.encode().into_owned())
    }
}

/// A borrowed literal of type `$ty` beside columns of base `$base`.
macro_rules! literal {
    ($($ty:ty => $base:ty, |$v:ident| $value:expr;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl Comparable<$base> for $ty {
            fn into_node(self) -> Node {
                let $v = self;
                Node::Value($value)
            }
        }

        impl<Column_: ColumnType<Base = $base>> Settable<Column_> for $ty {
            fn into_node(self) -> Node {
                let $v = self;
                Node::Value($value)
            }
        }

        impl<Column_: NullColumn<Base = $base>> Settable<Column_> for Option<$ty> {
            fn into_node(self) -> Node {
                Node::Value(self.map_or(Value::Null, |$v| $value))
            }
        }
    )*};
}

literal! {
    &str => String, |v| Value::from(v).into_owned();
    &String => String, |v| Value::from(v).into_owned();
    &[u8] => Vec<u8>, |v| Value::from(v).into_owned();
}

impl<T: 'static> Comparable<Id<T>> for Id<T> {
    fn into_node(self) -> Node {
        Node::Value(self.encode().into_owned())
    }
}

impl<T: 'static, C: ColumnType<Base = Id<T>>> Settable<C> for Id<T> {
    fn into_node(self) -> Node {
        Node::Value(self.encode().into_owned())
    }
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
