//! What a query selects, and what its rows become.

use crate::error::Result;
use crate::expr::{Column, Expr, Operand, Output};
use crate::mapper::{Columns, Entity, Mode, RowReader};
use crate::types::ColumnType;

/// What `select` takes: columns, expressions, the columns of a whole entity, and tuples of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be selected",
    note = "select columns, expressions, whole sources (`u`), or tuples of these; a literal is `val(..)`"
)]
pub trait Selection {
    /// What a row becomes.
    type Row;

    /// How many columns of the result it takes.
    #[doc(hidden)]
    fn width() -> usize;

    /// Appends those columns.
    #[doc(hidden)]
    fn push_outputs(self, outputs: &mut Vec<Output>);

    /// Reads a row.
    #[doc(hidden)]
    fn read(row: RowReader<'_>) -> Result<Self::Row>;
}

/// A selection of one column: what scalar subqueries and `in_` take.
#[diagnostic::on_unimplemented(message = "this place takes a query of one column: select one expression")]
pub trait SingleColumn: Selection {
    /// The column's type.
    type Value: ColumnType;
}

impl<T: ColumnType> Selection for Column<T> {
    type Row = T;

    fn width() -> usize {
        1
    }

    fn push_outputs(self, outputs: &mut Vec<Output>) {
        outputs.push(Output {
            node: self.node(),
            label: None,
        });
    }

    #[inline]
    fn read(row: RowReader<'_>) -> Result<T> {
        row.get(0)
    }
}

impl<T: ColumnType> Selection for Expr<T> {
    type Row = T;

    fn width() -> usize {
        1
    }

    fn push_outputs(self, outputs: &mut Vec<Output>) {
        outputs.push(Output {
            node: self.node,
            label: None,
        });
    }

    #[inline]
    fn read(row: RowReader<'_>) -> Result<T> {
        row.get(0)
    }
}

impl<T: ColumnType> SingleColumn for Column<T> {
    type Value = T;
}

impl<T: ColumnType> SingleColumn for Expr<T> {
    type Value = T;
}

/// A whole source: its entity, or `Option` of it behind a left join.
impl<C: Columns> Selection for C {
    type Row = <C::Mode as Mode>::Row<C::Entity>;

    fn width() -> usize {
        C::Entity::META.columns.len()
    }

    fn push_outputs(self, outputs: &mut Vec<Output>) {
        outputs.extend(crate::mapper::outputs(C::Entity::META, self.source()));
    }

    #[inline]
    fn read(row: RowReader<'_>) -> Result<Self::Row> {
        <C::Mode as Mode>::row(|| is_present::<C::Entity>(&row), || C::Entity::decode(&row))
    }
}

/// Is there an entity in this part of the row? Its key is not NULL.
pub(crate) fn is_present<T: Entity>(row: &RowReader<'_>) -> bool {
    T::META.key.iter().any(|i| !row.value(*i).is_null())
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: Selection),*> Selection for ($($name,)*) {
            type Row = ($($name::Row,)*);

            fn width() -> usize {
                0 $(+ $name::width())*
            }

            #[allow(non_snake_case)]
            fn push_outputs(self, outputs: &mut Vec<Output>) {
                let ($($name,)*) = self;
                $($name.push_outputs(outputs);)*
            }

            #[allow(unused_assignments)]
            fn read(row: RowReader<'_>) -> Result<Self::Row> {
                let mut rest = row;
                Ok(($({
                    let part = $name::read(rest)?;
                    rest = rest.skip($name::width());
                    part
                },)*))
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
tuples!(A B C D E F G H I);
tuples!(A B C D E F G H I J);
