//! ORDER BY and GROUP BY terms.

use super::operand::Operand;
use super::tree::{Column, Expr, Node, Nulls, OrderTerm};
use crate::types::ColumnType;

/// One term of an order: made by [`asc`](super::Operand::asc) and [`desc`](super::Operand::desc).
#[derive(Clone, Debug)]
pub struct Order {
    term: OrderTerm,
}

impl Order {
    pub(crate) fn new(node: Node, descending: bool) -> Order {
        Order {
            term: OrderTerm {
                node,
                descending,
                nulls: None,
            },
        }
    }

    /// NULLs before everything else.
    pub fn nulls_first(mut self) -> Order {
        self.term.nulls = Some(Nulls::First);
        self
    }

    /// NULLs after everything else.
    pub fn nulls_last(mut self) -> Order {
        self.term.nulls = Some(Nulls::Last);
        self
    }
}

/// What `order_by` takes: a column, an expression, an [`Order`], or a tuple or `Vec` of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no order: give a column, an expression, `.asc()`, `.desc()` or a tuple of these"
)]
pub trait Ordering {
    /// Appends the terms.
    #[doc(hidden)]
    fn push_terms(self, terms: &mut Vec<OrderTerm>);
}

impl Ordering for Order {
    fn push_terms(self, terms: &mut Vec<OrderTerm>) {
        terms.push(self.term);
    }
}

impl<T: ColumnType> Ordering for Column<T> {
    fn push_terms(self, terms: &mut Vec<OrderTerm>) {
        self.asc().push_terms(terms);
    }
}

impl<T: ColumnType> Ordering for Expr<T> {
    fn push_terms(self, terms: &mut Vec<OrderTerm>) {
        self.asc().push_terms(terms);
    }
}

impl<O: Ordering> Ordering for Vec<O> {
    fn push_terms(self, terms: &mut Vec<OrderTerm>) {
        self.into_iter().for_each(|order| order.push_terms(terms));
    }
}

/// What `group_by` takes: a column, an expression, or a tuple of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be grouped by: give a column, an expression or a tuple of these"
)]
pub trait Grouping {
    /// Appends the expressions.
    #[doc(hidden)]
    fn push_groups(self, groups: &mut Vec<Node>);
}

impl<T: ColumnType> Grouping for Column<T> {
    fn push_groups(self, groups: &mut Vec<Node>) {
        groups.push(self.node());
    }
}

impl<T: ColumnType> Grouping for Expr<T> {
    fn push_groups(self, groups: &mut Vec<Node>) {
        groups.push(self.node);
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: Ordering),*> Ordering for ($($name,)*) {
            #[allow(non_snake_case)]
            fn push_terms(self, terms: &mut Vec<OrderTerm>) {
                let ($($name,)*) = self;
                $($name.push_terms(terms);)*
            }
        }

        impl<$($name: Grouping),*> Grouping for ($($name,)*) {
            #[allow(non_snake_case)]
            fn push_groups(self, groups: &mut Vec<Node>) {
                let ($($name,)*) = self;
                $($name.push_groups(groups);)*
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
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
