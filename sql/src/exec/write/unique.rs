//! In which order a row's uniqueness is checked, what each conflict leads to, and how it is told.
//!
//! SQLite asks for the rowid first, then for the indexes in their order. An ON CONFLICT clause of INSERT moves the constraint that it
//! names to the front; a rowid whose own conflict clause is REPLACE comes last, so that no row is removed for an insert that fails.

use super::index_build::describe_key;
use super::target::Target;
use super::{Failure, resolve};
use crate::error::{ConstraintKind, Error};
use crate::plan::write::{Upsert, UpsertTarget};
use crate::syntax::ast::ConflictAction;

/// Something of a row that no other row may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unique {
    /// The rowid, or the primary key of a WITHOUT ROWID table.
    Key,
    /// The key of the index at this place.
    Index(usize),
}

/// What happens when it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Response {
    /// A conflict clause.
    Act(ConflictAction),
    /// DO UPDATE of the upsert clause at this place.
    Update(usize),
}

/// The checks of a statement in order.
pub(super) fn order_of(
    target: &Target,
    statement: Option<ConflictAction>,
    upserts: &[Upsert],
) -> Vec<(Unique, Response)> {
    let mut checks: Vec<(Unique, Response)> = natural_order(target, statement)
        .into_iter()
        .map(|unique| (unique, response_to(target, unique, statement, upserts)))
        .collect();
    let place = |unique: Unique| {
        upserts
            .iter()
            .position(|upsert| upsert.target.is_some_and(|own| is(own, unique)))
    };
    checks.sort_by_key(|(unique, _)| place(*unique).unwrap_or(upserts.len()));
    checks
}

fn natural_order(target: &Target, statement: Option<ConflictAction>) -> Vec<Unique> {
    let unique_indexes = target
        .indexes
        .iter()
        .enumerate()
        .filter(|(_, index)| index.unique().is_some())
        .map(|(number, _)| Unique::Index(number));
    let mut order: Vec<Unique> = unique_indexes.collect();
    match &target.table.without_rowid {
        // The primary key has its place among the indexes.
        Some(primary) => {
            let before = (0..primary.place_among(target.indexes.len()))
                .filter(|&number| target.indexes[number].unique().is_some())
                .count();
            order.insert(before, Unique::Key);
        }
        None => {
            let replaces =
                statement.is_none() && target.table.rowid_conflict == Some(ConflictAction::Replace);
            let place = if replaces { order.len() } else { 0 };
            order.insert(place, Unique::Key);
        }
    }
    order
}

fn response_to(
    target: &Target,
    unique: Unique,
    statement: Option<ConflictAction>,
    upserts: &[Upsert],
) -> Response {
    let clause = upserts
        .iter()
        .position(|upsert| upsert.target.is_none_or(|own| is(own, unique)));
    if let Some(clause) = clause {
        return match upserts[clause].update {
            Some(_) => Response::Update(clause),
            None => Response::Act(ConflictAction::Ignore),
        };
    }
    let own = match (unique, &target.table.without_rowid) {
        (Unique::Key, Some(primary)) => primary.conflict,
        (Unique::Key, None) => target.table.rowid_conflict,
        (Unique::Index(number), _) => target.indexes[number].unique().flatten(),
    };
    Response::Act(resolve(statement, own))
}

fn is(target: UpsertTarget, unique: Unique) -> bool {
    match (target, unique) {
        (UpsertTarget::PrimaryKey, Unique::Key) => true,
        (UpsertTarget::Index(a), Unique::Index(b)) => a == b,
        _ => false,
    }
}

// ---- what a conflict is told as ------------------------------------------------------------------

impl Target {
    /// The error of something that another row has.
    pub(super) fn taken(&self, unique: Unique, action: ConflictAction) -> Failure {
        match unique {
            Unique::Key => self.key_taken(action),
            Unique::Index(number) => self.index_taken(number, action),
        }
    }

    fn key_taken(&self, action: ConflictAction) -> Failure {
        let table = &self.table;
        let (kind, columns) = match (&table.without_rowid, table.rowid_alias) {
            (Some(primary), _) => {
                let names = primary.stored[..primary.key_count].iter();
                let names: Vec<_> = names
                    .map(|&column| format!("{}.{}", table.name, table.columns[column].name))
                    .collect();
                (ConstraintKind::PrimaryKey, names.join(", "))
            }
            (None, Some(alias)) => (
                ConstraintKind::PrimaryKey,
                format!("{}.{}", table.name, table.columns[alias].name),
            ),
            (None, None) => (ConstraintKind::RowId, format!("{}.rowid", table.name)),
        };
        let error = Error::constraint(kind, format!("UNIQUE constraint failed: {columns}"));
        Failure::new(error, action)
    }

    fn index_taken(&self, number: usize, action: ConflictAction) -> Failure {
        let index = &self.indexes[number];
        let kind = match index.index.origin {
            crate::catalog::IndexOrigin::PrimaryKey => ConstraintKind::PrimaryKey,
            _ => ConstraintKind::Unique,
        };
        let message = format!(
            "UNIQUE constraint failed: {}",
            describe_key(&index.index, &self.table)
        );
        Failure::new(Error::constraint(kind, message), action)
    }
}
