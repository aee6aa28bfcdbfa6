//! Queries inside of queries: `EXISTS`, scalar subqueries, `IN (SELECT ..)`.

use super::executor::Detached;
use super::select::{Query, counting};
use super::selection::{Selection, SingleColumn};
use super::source::Source;
use crate::expr::{Expr, InList, Node, Output, Row};
use crate::types::ColumnType;

impl<S: Source, O> Query<S, O, Detached> {
    /// Is there a row? A handle of the query around it, used in a filter, ties the two together.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// #[entity(table = "users")]
    /// struct User {
    ///     #[column(primary_key)]
    ///     id: Id<User>,
    /// }
    ///
    /// #[derive(Entity)]
    /// #[entity(table = "posts")]
    /// struct Post {
    ///     #[column(primary_key)]
    ///     id: Id<Post>,
    ///     author: Fk<User>,
    /// }
    ///
    /// let writers = query::<User>().filter(|u| query::<Post>().filter(|p| p.author.eq(u.id)).exists());
    /// assert_eq!(
    ///     writers.to_sql(),
    ///     "SELECT id FROM users WHERE EXISTS (SELECT 1 FROM posts WHERE posts.author = users.id)"
    /// );
    /// ```
    pub fn exists(mut self) -> Expr<bool> {
        if self.select.group.is_empty() && self.select.compound.is_empty() {
            self.select.columns = vec![Output {
                node: Node::Constant(1),
                label: None,
            }];
        }
        self.select.order.clear();
        Expr::from_node(Node::Exists(self.select))
    }

    /// The number of its rows, as an expression.
    pub fn count(self) -> Expr<i64> {
        Expr::from_node(Node::Scalar(Box::new(counting(*self.select))))
    }

    /// Its one value, as an expression; NULL where it has no row.
    pub fn scalar(self) -> Expr<<O::Value as ColumnType>::Nullable>
    where
        O: SingleColumn,
    {
        Expr::from_node(Node::Scalar(self.select))
    }
}

impl<T> Row<T> {
    /// Is it one of the rows of that query?
    pub fn in_query<S: Source, O: Selection<Row = T>>(self, query: Query<S, O, Detached>) -> Expr<bool> {
        Expr::from_node(Node::InSelect {
            operand: Box::new(Node::Row(self.nodes)),
            select: query.select,
            negated: false,
        })
    }
}

impl<S: Source, O: SingleColumn> InList<<O::Value as ColumnType>::Base> for Query<S, O, Detached> {
    fn into_test(self, operand: Node, negated: bool) -> Node {
        Node::InSelect {
            operand: Box::new(operand),
            select: self.select,
            negated,
        }
    }
}
