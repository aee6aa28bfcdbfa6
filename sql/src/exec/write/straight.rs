//! Values that go from parameters and literals straight into a record: INSERT of one row, and UPDATE of one row by its rowid.
//!
//! ```text
//!   bound values ──▶ Fit: do they lie in the file as they are? ── yes ──▶ ValueRefs ──▶ the leaf
//!                                                              └─ no ───▶ the long way
//! ```
//!
//! The long way copies each value into a row, gives it its affinity, and asks the constraints. Most values that programs bind have the type of their
//! column, and most tables have no constraint but NOT NULL on the columns concerned; then none of that changes anything, and the record is made of the
//! parameters where they are bound.
//!
//! - S1. Nothing is written, and nothing else has happened, when a value does not fit: the long way starts from the beginning, and it alone speaks of errors.
//! - S2. What fits is what the long way would have written ([`Fit::stored`]).

use smallvec::SmallVec;

use super::stored::{StoredColumn, real_as_stored};
use crate::catalog::Table;
use crate::plan::expr::Expr;
use crate::value::{Affinity, Value, ValueRef, number};

/// A value that needs no computing.
#[derive(Clone)]
pub(super) enum Given {
    Parameter(usize),
    Literal(Value),
}

impl Given {
    /// The value that `expression` is, if it is one.
    pub(super) fn of(expression: &Expr) -> Option<Given> {
        match expression {
            Expr::Parameter(index) => Some(Given::Parameter(*index)),
            Expr::Literal(value) => Some(Given::Literal(value.clone())),
            _ => None,
        }
    }

    #[inline(always)]
    pub(super) fn value<'v>(&'v self, parameters: &'v [Value]) -> ValueRef<'v> {
        match self {
            Given::Parameter(index) => parameters.get(*index).map_or(ValueRef::Null, Value::as_ref),
            Given::Literal(value) => value.as_ref(),
        }
    }
}

/// What a column of a UTF-8 file takes as it is.
#[derive(Clone, Copy)]
pub(super) struct Fit {
    affinity: Affinity,
    not_null: bool,
}

impl Fit {
    /// That of column `number`; `None` for one whose values are looked at by more than its affinity and NOT NULL.
    pub(super) fn of(table: &Table, number: usize) -> Option<Fit> {
        let column = table.columns.get(number)?;
        let plain = !table.strict && column.generated.is_none();
        plain.then_some(Fit {
            affinity: column.affinity,
            not_null: column.not_null.is_some(),
        })
    }

    /// The value as it lies in the file, if affinity and NOT NULL leave it alone.
    #[inline(always)]
    pub(super) fn stored<'v>(self, value: ValueRef<'v>) -> Option<ValueRef<'v>> {
        let fits = match (value, self.affinity) {
            (ValueRef::Null, _) => !self.not_null,
            (ValueRef::Blob(_), _) | (_, Affinity::Blob) => true,
            (ValueRef::Text(_), affinity) => affinity == Affinity::Text,
            (ValueRef::Integer(_), affinity) => matches!(affinity, Affinity::Integer | Affinity::Numeric),
            (ValueRef::Real(real), Affinity::Real) => return stored_real(real),
            (ValueRef::Real(real), Affinity::Integer | Affinity::Numeric) => {
                number::lossless_integer(real).is_none()
            }
            (ValueRef::Real(_), _) => false,
        };
        fits.then_some(value)
    }
}

/// Negative zero becomes plain zero on the long way.
#[inline(always)]
fn stored_real(real: f64) -> Option<ValueRef<'static>> {
    let negative_zero = real == 0.0 && real.is_sign_negative();
    (!negative_zero).then(|| real_as_stored(ValueRef::Real(real)))
}

/// Values on their way into a record.
pub(super) type Values<'v> = SmallVec<[ValueRef<'v>; 16]>;

/// One column of a record that is made of given values.
struct Part {
    value: Given,
    fit: Fit,
}

/// A whole record that is made of given values.
pub(super) struct StraightRecord {
    parts: Vec<Part>,
    /// Where the rowid comes from; `None`: it is chosen.
    rowid: Option<Given>,
}

impl StraightRecord {
    /// The record of a row whose columns get what `given` says, in declaration order; `None` where one of them needs more than that.
    pub(super) fn of(
        table: &Table,
        layout: &[StoredColumn],
        given: impl Fn(usize) -> Option<Given>,
    ) -> Option<StraightRecord> {
        let part = |column: &StoredColumn| match *column {
            StoredColumn::Alias => Some(Part {
                value: Given::Literal(Value::Null),
                fit: Fit {
                    affinity: Affinity::Blob,
                    not_null: false,
                },
            }),
            StoredColumn::Plain(number) | StoredColumn::Real(number) => Some(Part {
                value: given(number)?,
                fit: Fit::of(table, number)?,
            }),
        };
        Some(StraightRecord {
            parts: layout.iter().map(part).collect::<Option<_>>()?,
            rowid: match table.rowid_alias {
                Some(alias) => Some(given(alias)?),
                None => None,
            },
        })
    }

    /// The rowid that is given; NULL where it is to be chosen.
    #[inline]
    pub(super) fn rowid<'v>(&'v self, parameters: &'v [Value]) -> ValueRef<'v> {
        self.rowid
            .as_ref()
            .map_or(ValueRef::Null, |given| given.value(parameters))
    }

    /// Puts the record's values into `out`; false when one of them does not fit.
    #[inline]
    pub(super) fn collect<'v>(&'v self, parameters: &'v [Value], out: &mut Values<'v>) -> bool {
        for part in &self.parts {
            match part.fit.stored(part.value.value(parameters)) {
                Some(value) => out.push(value),
                None => return false,
            }
        }
        true
    }
}
