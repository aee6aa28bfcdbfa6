//! Reading the schema of a live database into the same data that entities give.
//!
//! Each backend answers with its own queries ([`Dialect::reflect`](crate::dialect::Dialect::reflect)).

pub(crate) mod mysql;
pub(crate) mod postgresql;
pub(crate) mod sqlite;
pub(crate) mod wanted;

use super::{ColumnDefault, Schema};
use crate::engine::Engine;
use crate::error::Result;
use crate::types::Value;

impl Engine {
    /// The tables of the live database, but for the backend's own. On a server: those of the current schema.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// # fn main() -> aludel::Result<()> {
    /// let engine = Engine::open("sqlite::memory:")?;
    /// engine.connect()?.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL)", &[])?;
    /// let schema = engine.reflect()?;
    /// let table = schema.table("t").unwrap();
    /// assert_eq!(table.primary_key, ["id"]);
    /// assert!(!table.column("name").unwrap().nullable);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Whatever the queries run into; [`Error::Schema`](crate::Error::Schema) for a backend that has no reflection.
    pub fn reflect(&self) -> Result<Schema> {
        let mut connection = self.connect()?;
        self.dialect().reflect(&mut connection)
    }
}

/// A default's text as data: a literal where it is one.
fn default_of(sql: &str) -> ColumnDefault {
    let unquoted = sql.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    if let Some(text) = unquoted.filter(|text| !text.replace("''", "").contains('\'')) {
        return ColumnDefault::Text(text.replace("''", "'"));
    }
    if sql.eq_ignore_ascii_case("CURRENT_TIMESTAMP") {
        return ColumnDefault::Now;
    }
    if let Ok(number) = sql.parse::<i64>() {
        return ColumnDefault::Int(number);
    }
    match sql.parse::<f64>() {
        Ok(number) if sql.contains(['.', 'e', 'E']) => ColumnDefault::Real(number),
        _ => ColumnDefault::Sql(sql.to_owned()),
    }
}

/// An expression without parentheses around the whole of it.
fn bare(sql: &str) -> &str {
    let mut sql = sql.trim();
    while let Some(inner) = sql.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        if !is_balanced(inner) {
            break;
        }
        sql = inner.trim();
    }
    sql
}

/// Does each parenthesis that is closed stand open? Those in quotes do not count.
fn is_balanced(sql: &str) -> bool {
    let (mut depth, mut quote) = (0_i64, None);
    for c in sql.chars() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return false,
            (None, ')') => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

fn text(row: &[Value<'static>], at: usize) -> String {
    match row.get(at) {
        Some(Value::Text(text)) => text.to_string(),
        _ => String::new(),
    }
}

fn int(row: &[Value<'static>], at: usize) -> i64 {
    match row.get(at) {
        Some(Value::Int(number)) => *number,
        _ => 0,
    }
}

fn flag(row: &[Value<'static>], at: usize) -> bool {
    matches!(row.get(at), Some(Value::Bool(true)))
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn parentheses_around_the_whole_go() {
        for (sql, expected) in [
            ("((a > 0))", "a > 0"),
            ("(a) > (b)", "(a) > (b)"),
            ("(a = ')')", "a = ')'"),
            ("a", "a"),
        ] {
            assert_eq!(bare(sql), expected);
        }
    }
}
