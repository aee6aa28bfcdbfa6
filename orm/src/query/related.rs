//! Relations inside of expressions: `u.posts.count()`, `u.posts.any(|p| p.likes.gt(100))`. Nothing is loaded.

use super::select::{add_condition, counting};
use crate::expr::{Expr, FromItem, Join, JoinKind, Node, Output, Predicate, Select, SourceId};
use crate::mapper::{Columns, Entity, Required};
use crate::relation::{Path, Relation, RelationHandle};

impl<K, F, T: Entity> RelationHandle<K, F, T>
where
    Self: Relation<Target = T>,
{
    /// How many there are.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// #[entity(table = "users")]
    /// #[has_many(posts: Post, by = author)]
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
    ///     likes: i64,
    /// }
    ///
    /// let busy = query::<User>().filter(|u| u.posts.count().gt(10) & u.posts.any(|p| p.likes.gt(100)));
    /// assert_eq!(
    ///     busy.to_sql(),
    ///     "SELECT id FROM users WHERE (SELECT count(*) FROM posts WHERE posts.author = users.id) > ?1 \
    ///      AND EXISTS (SELECT 1 FROM posts WHERE posts.author = users.id AND posts.likes > ?2)"
    /// );
    /// ```
    pub fn count(self) -> Expr<i64> {
        let (select, _) = related_rows(&self.path());
        Expr::from_node(Node::Scalar(Box::new(counting(select))))
    }

    /// Is there one for which the condition holds?
    pub fn any<P: Predicate>(self, condition: impl FnOnce(T::Columns<Required>) -> P) -> Expr<bool> {
        let (mut select, target) = related_rows(&self.path());
        add_condition(
            &mut select.filter,
            condition(Columns::at(target)).into_condition(),
        );
        Expr::from_node(Node::Exists(Box::new(select)))
    }

    /// Is there any?
    pub fn exists(self) -> Expr<bool> {
        let (select, _) = related_rows(&self.path());
        Expr::from_node(Node::Exists(Box::new(select)))
    }
}

/// `SELECT 1 FROM target [JOIN between] WHERE link = near`, and the target's source.
fn related_rows(path: &Path) -> (Select, SourceId) {
    let target = SourceId::fresh();
    let mut select = Select {
        columns: vec![Output {
            node: Node::Constant(1),
            label: None,
        }],
        ..Select::default()
    };
    select.from.push(FromItem {
        source: target,
        relation: path.target.relation(),
        join: None,
    });
    let link = match path.second {
        None => target,
        Some(second) => {
            let between = SourceId::fresh();
            let join = Some(Join {
                kind: JoinKind::Inner,
                on: Some(second.on(between, target)),
            });
            select.from.push(FromItem {
                source: between,
                relation: path.first.to.relation(),
                join,
            });
            between
        }
    };
    select.filter = Some(path.first.on(path.source, link));
    if let Some(condition) = path.condition(target, link) {
        add_condition(&mut select.filter, condition);
    }
    (select, target)
}
