//! The way from one table to another: one or two equalities between columns.
//!
//! ```text
//!   has many       users.id        = posts.author_id
//!   foreign key    posts.author_id = users.id
//!   many to many   users.id        = memberships.user_id,  memberships.group_id = groups.id
//! ```

use crate::expr::{BinaryOp, FromItem, Join, JoinKind, Node, OrderTerm, Relation, SourceId};
use crate::mapper::{EntityMeta, RelationMeta, live};

/// The way from a source to a target table.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct Path {
    /// The source it starts from.
    pub(crate) source: SourceId,
    /// The name for messages: `User.posts`.
    pub(crate) name: String,
    pub(crate) first: Step,
    /// From the table between to the target.
    pub(crate) second: Option<Step>,
    pub(crate) target: &'static EntityMeta,
    pub(crate) declared: Option<&'static RelationMeta>,
}

/// One equality: `here.near = there.far`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) near: &'static str,
    pub(crate) table: &'static str,
    pub(crate) far: &'static str,
}

impl Path {
    /// Along a relation declared beside the entity `from`.
    pub(crate) fn declared(
        source: SourceId,
        from: &'static EntityMeta,
        relation: &'static RelationMeta,
    ) -> Path {
        let target = (relation.target)();
        let key = first_key(from);
        let name = format!("{}.{}", from.name, relation.name);
        let (first, second) = match relation.through {
            None => (
                Step {
                    near: key,
                    table: target.table,
                    far: (relation.by)(),
                },
                None,
            ),
            Some((through, ends)) => {
                let (to_from, to_target) = ends();
                let first = Step {
                    near: key,
                    table: through().table,
                    far: to_from,
                };
                (
                    first,
                    Some(Step {
                        near: to_target,
                        table: target.table,
                        far: first_key(target),
                    }),
                )
            }
        };
        Path {
            source,
            name,
            first,
            second,
            target,
            declared: Some(relation),
        }
    }

    /// Along a column that refers to `target`.
    pub(crate) fn foreign_key(source: SourceId, column: &'static str, target: &'static EntityMeta) -> Path {
        let first = Step {
            near: column,
            table: target.table,
            far: first_key(target),
        };
        Path {
            source,
            name: column.to_owned(),
            first,
            second: None,
            target,
            declared: None,
        }
    }

    /// The condition that a row of the target is not marked as deleted. A reference leads to its row in any case.
    pub(crate) fn live(&self, target: SourceId) -> Option<Node> {
        self.declared.and_then(|_| live(self.target, target))
    }

    /// The joins from the source to `target`, a fresh source of the target's table.
    pub(crate) fn joins(&self, kind: JoinKind, target: SourceId) -> Vec<FromItem> {
        let mut items = self.joins_of_all(kind, target);
        if let Some(live) = self.live(target)
            && let Some(on) = items.last_mut().and_then(|item| item.join.as_mut()?.on.as_mut())
        {
            *on = std::mem::replace(on, Node::Constant(1)).and(live);
        }
        items
    }

    fn joins_of_all(&self, kind: JoinKind, target: SourceId) -> Vec<FromItem> {
        match self.second {
            None => vec![join(self.first, kind, self.source, target)],
            Some(second) => {
                let between = SourceId::fresh();
                vec![
                    join(self.first, kind, self.source, between),
                    join(second, kind, between, target),
                ]
            }
        }
    }

    /// The relation's own order, over the target's columns.
    pub(crate) fn order(&self, target: SourceId) -> Vec<OrderTerm> {
        let declared = self.declared.map_or(&[][..], |relation| relation.order);
        let term = |(column, descending): &(fn() -> &'static str, bool)| OrderTerm {
            node: Node::Column {
                source: target,
                name: column().into(),
            },
            descending: *descending,
            nulls: None,
        };
        declared.iter().map(term).collect()
    }

    /// A relation that the derive could not resolve: both ends of a link must be known.
    pub(crate) fn problem(&self) -> Option<String> {
        let unknown = self.first.far.is_empty() || self.second.is_some_and(|second| second.near.is_empty());
        unknown.then(|| {
            format!(
                "the relation `{}` does not say which columns of `{}` link its ends: add `by = ..` and `to = ..`",
                self.name, self.first.table
            )
        })
    }
}

fn join(step: Step, kind: JoinKind, near: SourceId, far: SourceId) -> FromItem {
    let on = Node::binary(
        BinaryOp::Eq,
        Node::Column {
            source: far,
            name: step.far.into(),
        },
        Node::Column {
            source: near,
            name: step.near.into(),
        },
    );
    FromItem {
        source: far,
        relation: Relation::table(step.table),
        join: Some(Join { kind, on: Some(on) }),
    }
}

fn first_key(meta: &'static EntityMeta) -> &'static str {
    meta.key
        .first()
        .and_then(|i| meta.columns.get(*i))
        .map_or("", |column| column.name)
}
