//! Ready-made behaviours of columns: deletion marks, and rules that rows must keep.

use std::fmt;

use super::{ColumnMeta, EntityMeta};
use crate::expr::{Node, SourceId, UnaryOp};
use crate::types::{ColumnType, CurrentTime, Value};

/// A type whose values can mark a row as deleted: `Option` of a time, or `bool`. What `#[column(soft_delete)]` asks of a
/// field's type.
///
/// With such a column `session.delete(..)` writes the mark instead of deleting the row, and queries, lists of related rows and
/// `get` leave marked rows out. [`Query::with_deleted`](crate::Query::with_deleted) shows them,
/// [`Session::purge`](crate::Session::purge) deletes for good. A reference (`Fk`) to a marked row still leads to it.
///
/// ```
/// use aludel::prelude::*;
///
/// #[derive(Entity)]
/// struct Note {
///     #[column(primary_key)]
///     id: Id<Note>,
///     text: String,
///     #[column(soft_delete)]
///     deleted: Option<Timestamp>,
/// }
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// engine.create_all(schema![Note])?;
/// let mut session = engine.session()?;
/// let note = session.add(Note::new("draft"));
/// session.commit()?;
/// session.delete(note);
/// session.commit()?;
/// assert_eq!(session.query::<Note>().count()?, 0);
///
/// let note = session.query::<Note>().with_deleted().one()?;
/// session[note].deleted = None; // it is back
/// session.commit()?;
/// assert_eq!(session.query::<Note>().count()?, 1);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot mark a row as deleted",
    note = "a `soft_delete` field is an `Option` of a time, as in `deleted: Option<Timestamp>`, or a `bool`"
)]
pub trait DeletedMark: ColumnType {
    /// The mark.
    fn mark() -> Self;
}

impl DeletedMark for bool {
    fn mark() -> bool {
        true
    }
}

impl<T: CurrentTime + ColumnType> DeletedMark for Option<T> {
    fn mark() -> Option<T> {
        Some(T::now())
    }
}

/// The value, with nothing borrowed.
#[doc(hidden)]
pub fn owned_value<T: ColumnType>(value: &T) -> Value<'static> {
    value.encode().into_owned()
}

/// The condition that a row of that source is not marked as deleted, for entities that mark.
pub(crate) fn live(meta: &EntityMeta, source: SourceId) -> Option<Node> {
    let column = meta.soft_delete.and_then(|i| meta.columns.get(i))?;
    let operand = Box::new(Node::Column {
        source,
        name: column.name.into(),
    });
    Some(match column.nullable {
        true => Node::IsNull {
            operand,
            negated: false,
        },
        false => Node::Unary {
            op: UnaryOp::Not,
            operand,
        },
    })
}

/// Does that value of the marking column mark the row as deleted?
pub(crate) fn is_mark(value: &Value<'_>) -> bool {
    !matches!(value, Value::Null | Value::Bool(false) | Value::Int(0))
}

/// Takes the condition of [`live`] out again.
pub(crate) fn with_deleted(filter: &mut Option<Node>, meta: &EntityMeta, source: SourceId) {
    let Some(column) = meta.soft_delete.and_then(|i| meta.columns.get(i)) else {
        return;
    };
    let is_it = |node: &Node| {
        let operand = match node {
            Node::IsNull {
                operand,
                negated: false,
            } => operand,
            Node::Unary {
                op: UnaryOp::Not,
                operand,
            } => operand,
            _ => return false,
        };
        matches!(operand.as_ref(), Node::Column { source: of, name } if *of == source && name == column.name)
    };
    match filter {
        Some(Node::Logic { all: true, parts }) => {
            if let Some(at) = parts.iter().position(is_it) {
                parts.remove(at);
            }
        }
        Some(only) if is_it(only) => *filter = None,
        _ => {}
    }
}

/// The column that marks deleted rows.
#[doc(hidden)]
pub const fn soft_delete_column(columns: &[ColumnMeta]) -> Option<usize> {
    let mut i = 0;
    while i < columns.len() {
        if columns[i].soft_delete.is_some() {
            return Some(i);
        }
        i += 1;
    }
    None
}

/// A rule that a row breaks: which field, and what the rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The field; empty for a rule about the whole entity.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
}

/// What a rule said, with the field it is about.
#[doc(hidden)]
pub fn checked<E: fmt::Display>(field: &'static str, said: Result<(), E>) -> Result<(), Invalid> {
    said.map_err(|error| Invalid {
        field,
        message: error.to_string(),
    })
}
