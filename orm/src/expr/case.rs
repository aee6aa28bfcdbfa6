//! `CASE`.

use super::compare::Settable;
use super::operand::Predicate;
use super::tree::{Expr, Node};
use crate::types::ColumnType;

/// A `CASE` under construction: see [`case`].
#[derive(Debug)]
pub struct Case<T> {
    branches: Vec<(Node, Node)>,
    value: std::marker::PhantomData<fn() -> T>,
}

/// `CASE WHEN condition THEN value ..`: the value of the first condition that holds.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Book {
///     #[column(primary_key)]
///     id: Id<Book>,
///     pages: i64,
/// }
///
/// let sql = query::<Book>()
///     .select(|b| case::<String>().when(b.pages.gt(1000), "long").when(b.pages.lt(100), "short").otherwise("normal"))
///     .to_sql();
/// assert_eq!(sql, "SELECT CASE WHEN pages > ?1 THEN ?2 WHEN pages < ?3 THEN ?4 ELSE ?5 END FROM book");
/// ```
pub fn case<T: ColumnType>() -> Case<T> {
    Case {
        branches: Vec::new(),
        value: std::marker::PhantomData,
    }
}

/// A `CASE` of one condition: `when(condition, a).otherwise(b)`.
pub fn when<T: ColumnType>(condition: impl Predicate, value: impl Settable<T>) -> Case<T> {
    case().when(condition, value)
}

impl<T: ColumnType> Case<T> {
    /// One more branch.
    pub fn when(mut self, condition: impl Predicate, value: impl Settable<T>) -> Case<T> {
        self.branches
            .push((condition.into_condition(), value.into_node()));
        self
    }

    /// The value where no condition holds.
    pub fn otherwise(self, value: impl Settable<T>) -> Expr<T> {
        let otherwise = Some(Box::new(value.into_node()));
        Expr::from_node(Node::Case {
            operand: None,
            branches: self.branches,
            otherwise,
        })
    }

    /// NULL where no condition holds.
    pub fn or_null(self) -> Expr<T::Nullable> {
        Expr::from_node(Node::Case {
            operand: None,
            branches: self.branches,
            otherwise: None,
        })
    }
}
