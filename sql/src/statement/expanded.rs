//! The text of a statement with what is bound in the place of its parameters.

use super::Statement;
use crate::syntax::lexer::Lexer;
use crate::syntax::token::TokenKind;
use crate::value::{Value, ValueRef};

impl Statement<'_> {
    /// The text with the values that are bound in the place of parameters, as SQLite's `sqlite3_expanded_sql` writes it: for logs. Reals have 15 digits.
    ///
    /// ```
    /// # fn main() -> aludel_sql::Result<()> {
    /// let connection = aludel_sql::Connection::open_in_memory()?;
    /// let mut statement = connection.prepare("SELECT ?1, :name")?;
    /// statement.bind(1, 7)?;
    /// statement.bind(2, "it's")?;
    /// assert_eq!(statement.expanded_sql(), "SELECT 7, 'it''s'");
    /// # Ok(())
    /// # }
    /// ```
    pub fn expanded_sql(&self) -> String {
        let body = self.body();
        let sql = &*body.sql;
        let mut out = String::with_capacity(sql.len());
        let mut lexer = Lexer::new(sql.as_bytes(), 0);
        let (mut written, mut highest) = (0, 0_usize);
        loop {
            let token = lexer.next_token();
            if token.kind == TokenKind::End || token.kind == TokenKind::Illegal {
                break;
            }
            if token.kind != TokenKind::Variable {
                continue;
            }
            let (start, end) = (token.start as usize, token.end as usize);
            let Some(name) = sql.get(start..end) else { break };
            let number = match name {
                "?" => highest + 1,
                name => body
                    .parameters
                    .number(name)
                    .map_or(highest + 1, |number| number as usize),
            };
            highest = highest.max(number);
            out.push_str(sql.get(written..start).unwrap_or_default());
            let value = number.checked_sub(1).and_then(|place| body.values.get(place));
            write_literal(value.map_or(ValueRef::Null, Value::as_ref), &mut out);
            written = end;
        }
        out.push_str(sql.get(written..).unwrap_or_default());
        out
    }
}

/// A value as it is written in SQL.
pub(crate) fn write_literal(value: ValueRef<'_>, out: &mut String) {
    match value {
        ValueRef::Null => out.push_str("NULL"),
        ValueRef::Integer(integer) => out.push_str(&integer.to_string()),
        ValueRef::Real(_) => {
            let mut text = Vec::new();
            // A text of a bounded length: it cannot be too long.
            let _ = crate::functions::printf::format_into(b"%!.15g", &[value], &mut text, 64);
            out.push_str(&String::from_utf8_lossy(&text));
        }
        ValueRef::Text(text) => {
            out.push('\'');
            out.push_str(&String::from_utf8_lossy(text).replace('\'', "''"));
            out.push('\'');
        }
        ValueRef::Blob(blob) => {
            out.push_str("x'");
            for byte in blob {
                out.push_str(&format!("{byte:02x}"));
            }
            out.push('\'');
        }
    }
}
