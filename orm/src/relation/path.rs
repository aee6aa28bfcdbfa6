//! The way from one table to another: one or two equalities between columns, and what else is asked of the rows there.
//!
//! ```text
//!   has many       users.id        = posts.author_id
//!   foreign key    posts.author_id = users.id
//!   many to many   users.id        = memberships.user_id,  memberships.group_id = groups.id
//! ```

use crate::expr::{BinaryOp, FromItem, Join, JoinKind, Node, OrderTerm, SourceId};
use crate::mapper::{ColumnNames, EntityMeta, RelationMeta, live};

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

/// Equalities between columns, one for each column of a key: `here.near = there.far`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) near: ColumnNames,
    pub(crate) to: &'static EntityMeta,
    pub(crate) far: ColumnNames,
}

impl Step {
    /// The condition between two sources.
    pub(crate) fn on(self, near: SourceId, far: SourceId) -> Node {
        let equals = |(here, there)| Node::binary(BinaryOp::Eq, column(far, there), column(near, here));
        let mut all = self.near.iter().zip(self.far.iter()).map(equals);
        match (all.next(), all.next()) {
            (Some(only), None) => only,
            (first, second) => Node::Logic {
                all: true,
                parts: first.into_iter().chain(second).chain(all).collect(),
            },
        }
    }
}

/// A column of a source.
pub(crate) fn column(source: SourceId, name: &'static str) -> Node {
    Node::Column {
        source,
        name: name.into(),
    }
}

impl Path {
    /// Along a relation declared beside the entity `from`.
    pub(crate) fn declared(
        source: SourceId,
        from: &'static EntityMeta,
        relation: &'static RelationMeta,
    ) -> Path {
        let target = (relation.target)();
        let key = ColumnNames::Key(from);
        let name = format!("{}.{}", from.name, relation.name);
        let (first, second) = match relation.through {
            None => (
                Step {
                    near: key,
                    to: target,
                    far: (relation.by)(),
                },
                None,
            ),
            Some((through, ends)) => {
                let (to_from, to_target) = ends();
                let first = Step {
                    near: key,
                    to: through(),
                    far: to_from,
                };
                (
                    first,
                    Some(Step {
                        near: to_target,
                        to: target,
                        far: ColumnNames::Key(target),
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
    pub(crate) fn foreign_key(source: SourceId, columns: ColumnNames, target: &'static EntityMeta) -> Path {
        let first = Step {
            near: columns,
            to: target,
            far: ColumnNames::Key(target),
        };
        Path {
            source,
            name: columns.shown(),
            first,
            second: None,
            target,
            declared: None,
        }
    }

    /// The condition on rows of the target beside the equalities: that they are not marked as deleted, and the relation's own filter. A
    /// reference leads to its row in any case. `link` is the source with the first step's far columns: the table between, or the target.
    pub(crate) fn condition(&self, target: SourceId, link: SourceId) -> Option<Node> {
        let relation = self.declared?;
        let own = relation.filter.map(|filter| filter(target, link));
        match (live(self.target, target), own) {
            (Some(live), Some(own)) => Some(live.and(own)),
            (live, own) => live.or(own),
        }
    }

    /// The joins from the source to `target`, a fresh source of the target's table.
    pub(crate) fn joins(&self, kind: JoinKind, target: SourceId) -> Vec<FromItem> {
        let mut items = self.joins_of_all(kind, target);
        let link = items.first().map_or(target, |item| item.source);
        if let Some(condition) = self.condition(target, link)
            && let Some(on) = items.last_mut().and_then(|item| item.join.as_mut()?.on.as_mut())
        {
            *on = std::mem::replace(on, Node::Constant(1)).and(condition);
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

    /// A relation that the derive could not resolve: both ends of a link must be known, and its keys be alike.
    pub(crate) fn problem(&self) -> Option<String> {
        let unknown = self.first.far.is_empty() || self.second.is_some_and(|second| second.near.is_empty());
        if unknown {
            return Some(format!(
                "the relation `{}` does not say which columns of `{}` link its ends: add `by = ..` and `to = ..`",
                self.name, self.first.to.table
            ));
        }
        let steps = [Some(self.first), self.second];
        let unlike = steps
            .into_iter()
            .flatten()
            .find(|step| step.near.len() != step.far.len())?;
        Some(format!(
            "the relation `{}` goes from {} to {}: keys of different numbers of columns",
            self.name,
            unlike.near.shown(),
            unlike.far.shown()
        ))
    }
}

fn join(step: Step, kind: JoinKind, near: SourceId, far: SourceId) -> FromItem {
    FromItem {
        source: far,
        relation: step.to.relation(),
        join: Some(Join {
            kind,
            on: Some(step.on(near, far)),
        }),
    }
}
