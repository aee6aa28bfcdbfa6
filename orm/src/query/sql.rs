//! SQL as text, with typed parameters and typed rows: for what the builders have no words for.

use std::borrow::Cow;

use super::executor::Executor;
use crate::dialect::Dialect;
use crate::drivers::Row;
use crate::engine::{Connection, RowStream};
use crate::error::{Error, Result};
use crate::mapper::{Entity, RowReader};
use crate::types::{ColumnType, Value};

/// A statement as text: [`Session::sql`](crate::Session::sql), [`Connection::sql`].
///
/// Parameters are `?1`, `?2`, .. on every backend; a dialect that writes them otherwise gets them so.
///
/// ```
/// use aludel::prelude::*;
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// let mut connection = engine.connect()?;
/// connection.sql("CREATE TABLE t (x INTEGER, name TEXT)").run()?;
/// connection.sql("INSERT INTO t VALUES (?1, ?2)").bind(7).bind("seven").run()?;
/// let rows: Vec<(i64, String)> = connection.sql("SELECT x, name FROM t WHERE x > ?1").bind(5).fetch()?;
/// assert_eq!(rows, [(7, "seven".to_owned())]);
/// # Ok(())
/// # }
/// ```
#[must_use = "a statement does nothing until it is run"]
#[derive(Debug)]
pub struct Sql<'q, X> {
    executor: X,
    text: &'q str,
    params: Vec<Value<'static>>,
}

/// A row as a tuple of column types.
#[diagnostic::on_unimplemented(
    message = "a row of SQL text becomes a tuple of column types, and `{Self}` is none"
)]
pub trait FromRow: Sized {
    /// Reads a row.
    ///
    /// # Errors
    /// Where a value does not fit its type, or the row has fewer columns.
    fn from_row(row: RowReader<'_>) -> Result<Self>;

    /// How many columns it takes.
    const WIDTH: usize;
}

macro_rules! tuples {
    ($($name:ident $index:tt),*) => {
        impl<$($name: ColumnType),*> FromRow for ($($name,)*) {
            fn from_row(row: RowReader<'_>) -> Result<Self> {
                Ok(($(row.get::<$name>($index)?,)*))
            }

            const WIDTH: usize = [$($index),*].len();
        }
    };
}
tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

/// The text with `?1` written as the dialect does it, but for strings, quoted names and comments; and the parameters in the order that it then
/// wants, where its placeholders have no numbers.
fn with_placeholders<'q>(
    text: &'q str,
    params: &[Value<'static>],
    dialect: &dyn Dialect,
) -> (Cow<'q, str>, Option<Vec<Value<'static>>>) {
    let placeholder = |number| {
        let mut own = String::new();
        dialect.push_placeholder(number, &mut own);
        own
    };
    if placeholder(1) == "?1" || !text.contains('?') {
        return (Cow::Borrowed(text), None);
    }
    let numbered = placeholder(1) != placeholder(2);
    let mut ordered = Vec::new();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let number = rest.get(1..).unwrap_or_default();
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        let len = match c {
            '\'' | '"' | '`' => 1 + number.find(c).map_or(number.len(), |at| at + 1),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
            '?' if digits > 0 => 1 + digits,
            _ => c.len_utf8(),
        };
        let (piece, after) = rest.split_at(len);
        match number
            .get(..digits)
            .and_then(|digits| digits.parse::<usize>().ok())
        {
            Some(number) if c == '?' => {
                dialect.push_placeholder(number, &mut out);
                // One that was not given is missed by the statement.
                ordered.extend(number.checked_sub(1).and_then(|at| params.get(at)).cloned());
            }
            _ => out.push_str(piece),
        }
        rest = after;
    }
    (Cow::Owned(out), (!numbered).then_some(ordered))
}

impl Connection {
    /// A statement as text.
    pub fn sql<'q>(&mut self, text: &'q str) -> Sql<'q, &mut Connection> {
        Sql::new(self, text)
    }
}

impl<'q, X: Executor> Sql<'q, X> {
    pub(crate) fn new(executor: X, text: &'q str) -> Sql<'q, X> {
        Sql {
            executor,
            text,
            params: Vec::new(),
        }
    }

    /// Gives the next parameter its value.
    pub fn bind<'v>(mut self, value: impl Into<Value<'v>>) -> Self {
        self.params.push(value.into().into_owned());
        self
    }

    /// Runs it: the number of rows changed.
    ///
    /// # Errors
    /// Whatever the statement runs into.
    pub fn run(mut self) -> Result<u64> {
        self.executor.before_statement(self.writes())?;
        let connection = self.executor.connection()?;
        let (text, ordered) = with_placeholders(self.text, &self.params, connection.dialect());
        let params = ordered.as_ref().unwrap_or(&self.params);
        Ok(connection.execute(&text, params)?.rows)
    }

    /// All rows, as tuples.
    ///
    /// # Errors
    /// Whatever the statement runs into; values that do not fit their types.
    pub fn fetch<R: FromRow>(self) -> Result<Vec<R>> {
        self.read(|rows, _| {
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                if row.width() < R::WIDTH {
                    let message = format!(
                        "the statement gives {} columns, the row type has {}",
                        row.width(),
                        R::WIDTH
                    );
                    return Err(Error::Schema(message));
                }
                all.push(R::from_row(RowReader::new(row))?);
            }
            Ok(all)
        })
    }

    /// The first column of the first row.
    ///
    /// # Errors
    /// [`Error::NoRow`] where there is none; else as [`fetch`](Self::fetch).
    pub fn scalar<T: ColumnType>(self) -> Result<T> {
        let text = self.text;
        match self.fetch::<(T,)>()?.into_iter().next() {
            Some((value,)) => Ok(value),
            None => Err(Error::NoRow { sql: text.to_owned() }),
        }
    }

    /// All rows as entities, by the names of the columns: in any order, and with others between them.
    ///
    /// # Errors
    /// [`Error::Schema`] where a column of the entity is missing; else as [`fetch`](Self::fetch).
    pub fn entities<T: Entity>(self) -> Result<Vec<T>> {
        self.read(|rows, names| {
            let places = places::<T>(names)?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push(T::decode(&RowReader::new(&Reordered { row, places: &places }))?);
            }
            Ok(all)
        })
    }

    fn read<T>(mut self, read: impl FnOnce(&mut RowStream<'_>, &[String]) -> Result<T>) -> Result<T> {
        self.executor.before_statement(self.writes())?;
        let connection = self.executor.connection()?;
        let (text, ordered) = with_placeholders(self.text, &self.params, connection.dialect());
        let params = ordered.as_ref().unwrap_or(&self.params);
        let mut prepared = connection.prepare(&*text)?;
        let names = prepared.column_names();
        let mut rows = prepared.query(params)?;
        read(&mut rows, &names)
    }

    /// Anything but a plain query may write.
    fn writes(&self) -> bool {
        let word: String = self
            .text
            .trim_start()
            .chars()
            .take_while(char::is_ascii_alphabetic)
            .collect();
        !["SELECT", "VALUES", "EXPLAIN"]
            .iter()
            .any(|read| word.eq_ignore_ascii_case(read))
    }
}

/// Where each column of the entity is in the result.
fn places<T: Entity>(names: &[String]) -> Result<Vec<usize>> {
    let place = |column: &crate::mapper::ColumnMeta| {
        names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(column.name))
            .ok_or_else(|| {
                let message = format!(
                    "the statement gives no column `{}`, which `{}` has",
                    column.name,
                    T::META.name
                );
                Error::Schema(message)
            })
    };
    T::META.columns.iter().map(place).collect()
}

/// A row with its columns in an entity's order.
struct Reordered<'r> {
    row: &'r dyn Row,
    places: &'r [usize],
}

impl Row for Reordered<'_> {
    fn value(&self, index: usize) -> Value<'_> {
        self.places
            .get(index)
            .map_or(Value::Null, |place| self.row.value(*place))
    }

    fn width(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{Mysql, Postgresql, Sqlite};

    #[test]
    fn placeholders_are_those_of_the_dialect() {
        let text = "SELECT ?2, '?1', \"?1\", a ? b -- ?1\n, ?10 /* ?1 */ WHERE x = 'it''s ?1' AND y = ?1";
        assert_eq!(
            with_placeholders(text, &[], &Postgresql),
            (
                "SELECT $2, '?1', \"?1\", a ? b -- ?1\n, $10 /* ?1 */ WHERE x = 'it''s ?1' AND y = $1".into(),
                None
            )
        );
        assert_eq!(with_placeholders(text, &[], &Sqlite), (text.into(), None));
        assert_eq!(with_placeholders("'open ?1", &[], &Postgresql).0, "'open ?1");
        let params = [Value::Int(1), Value::Int(2)];
        assert_eq!(
            with_placeholders("SELECT ?2, ?1, ?2", &params, &Mysql),
            (
                "SELECT ?, ?, ?".into(),
                Some(vec![Value::Int(2), Value::Int(1), Value::Int(2)])
            )
        );
    }
}
