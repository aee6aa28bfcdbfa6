//! Parameters of a call: by position, or by name.

use super::Statement;
use super::convert::ToValue;
use crate::error::{Error, Result};

/// What can be bound to a statement's parameters at once: `()`, arrays and tuples by position, slices of pairs by name, and
/// [`params_from_iter`].
///
/// ```
/// # use aludel_sql::Connection;
/// # fn main() -> aludel_sql::Result<()> {
/// let connection = Connection::open_in_memory()?;
/// let sum = |sql: &str, row: &dyn Fn(&str) -> aludel_sql::Result<i64>| row(sql);
/// let by_position: i64 = connection.query_row("SELECT ?1 + ?2", (40, 2), |row| row.get(0))?;
/// let by_name: i64 =
///     connection.query_row("SELECT :a + :b", &[(":a", &40 as &dyn aludel_sql::ToValue), (":b", &2)][..], |row| row.get(0))?;
/// assert_eq!((by_position, by_name), (42, 42));
/// # let _ = sum;
/// # Ok(())
/// # }
/// ```
pub trait Params {
    /// Binds all of them.
    ///
    /// # Errors
    /// [`Error::Misuse`] when there are more or fewer than the statement has, [`Error::Range`] for a name that it has not.
    fn bind_to(self, statement: &mut Statement<'_>) -> Result<()>;
}

fn require_count(statement: &Statement<'_>, given: usize) -> Result<()> {
    let taken = statement.parameter_count();
    if given == taken {
        return Ok(());
    }
    Err(Error::misuse(format!(
        "the statement takes {taken} parameters, and {given} were given"
    )))
}

/// Binds nothing: parameters keep what was bound before.
impl Params for () {
    fn bind_to(self, _: &mut Statement<'_>) -> Result<()> {
        Ok(())
    }
}

impl<T: ToValue, const N: usize> Params for [T; N] {
    fn bind_to(self, statement: &mut Statement<'_>) -> Result<()> {
        (&self).bind_to(statement)
    }
}

impl<T: ToValue, const N: usize> Params for &[T; N] {
    fn bind_to(self, statement: &mut Statement<'_>) -> Result<()> {
        require_count(statement, N)?;
        for (place, value) in self.iter().enumerate() {
            value.write_to(statement.slot(place + 1)?);
        }
        Ok(())
    }
}

/// By name; parameters that are not named keep what was bound before.
impl Params for &[(&str, &dyn ToValue)] {
    fn bind_to(self, statement: &mut Statement<'_>) -> Result<()> {
        for (name, value) in self {
            let index = statement
                .parameter_index(name)
                .ok_or_else(|| Error::misuse(format!("the statement has no parameter called {name}")))?;
            value.write_to(statement.slot(index)?);
        }
        Ok(())
    }
}

/// Parameters by position from an iterator.
#[derive(Clone, Debug)]
pub struct ParamsFromIter<I>(I);

/// Parameters by position from anything that can be iterated.
pub fn params_from_iter<I>(values: I) -> ParamsFromIter<I>
where
    I: IntoIterator,
    I::Item: ToValue,
{
    ParamsFromIter(values)
}

impl<I> Params for ParamsFromIter<I>
where
    I: IntoIterator,
    I::Item: ToValue,
{
    fn bind_to(self, statement: &mut Statement<'_>) -> Result<()> {
        let mut given = 0;
        for value in self.0 {
            given += 1;
            if given <= statement.parameter_count() {
                value.write_to(statement.slot(given)?);
            }
        }
        require_count(statement, given)
    }
}

macro_rules! params_for_tuples {
    ($($name:ident $place:tt),+) => {
        impl<$($name: ToValue),+> Params for ($($name,)+) {
            fn bind_to(self, statement: &mut Statement<'_>) -> Result<()> {
                require_count(statement, [$($place),+].len())?;
                $(self.$place.write_to(statement.slot($place + 1)?);)+
                Ok(())
            }
        }
    };
}

params_for_tuples!(A 0);
params_for_tuples!(A 0, B 1);
params_for_tuples!(A 0, B 1, C 2);
params_for_tuples!(A 0, B 1, C 2, D 3);
params_for_tuples!(A 0, B 1, C 2, D 3, E 4);
params_for_tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
params_for_tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
params_for_tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
params_for_tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
params_for_tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
params_for_tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
params_for_tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
