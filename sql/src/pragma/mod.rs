//! PRAGMA: looking at a database and at the connection, and setting how they work.
//!
//! ```text
//!   PRAGMA [schema.]name [= value | (value)]
//!      │
//!   catalogue: name -> columns of the answer, what the value does to them, who answers
//!      │
//!   inspect (tables, indexes, functions)   header (numbers on page 1)   mode (journal, locks, sizes)   flag (switches)
//! ```
//!
//! An unknown pragma does nothing and answers nothing, as in SQLite. Pragmas that only look are also table-valued functions,
//! `pragma_NAME(value, schema)` (`function`).
//!
//! Source: SQLite's page on PRAGMA statements.

mod catalogue;
mod flag;
mod function;
mod header;
mod inspect;
mod integrity;
mod mode;
mod settings;

use std::sync::atomic::AtomicBool;

use aludel_storage::pager::{Pager, TransactionState};

pub use catalogue::columns;
pub(crate) use function::table_function;
pub use settings::Settings;

use crate::connection::State;
use crate::error::{Error, Result};
use crate::syntax::ast;
use crate::value::Value;
use catalogue::{Answerer, Entry};

/// A row of an answer.
pub type Row = Vec<Value>;

/// What a pragma may look at and change.
pub struct PragmaContext<'a> {
    /// The connection. The schemas of its databases are fresh.
    pub(crate) state: &'a mut State,
    /// Set by another thread to stop a long check.
    pub interrupt: &'a AtomicBool,
}

/// What is asked: the value, and the databases it is asked of.
pub(crate) struct Request<'a> {
    /// The name in small letters.
    pub(crate) name: &'static str,
    /// The value as text, unquoted.
    pub(crate) value: Option<&'a str>,
    /// The database that is named; `None` when none is.
    pub(crate) database: Option<usize>,
}

impl Request<'_> {
    /// The database to act on: the one named, else main.
    pub(crate) fn database_or_main(&self) -> usize {
        self.database.unwrap_or(0)
    }

    /// The value as a whole number, as SQLite reads it: 0 for what is none.
    pub(crate) fn number(&self) -> Option<i64> {
        self.value.map(whole_number)
    }
}

/// Runs a pragma and gives its whole answer.
///
/// # Errors
/// `unknown database x`; what the storage says; values that a pragma refuses.
pub fn run(pragma: &ast::Pragma, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let Some(entry) = catalogue::find(&pragma.name.name.text) else {
        return Ok(Vec::new());
    };
    let database = match &pragma.name.schema {
        Some(schema) => Some(database_named(context, &schema.text)?),
        None => None,
    };
    let value = pragma.value.as_ref().map(|value| &*value.text);
    answer(entry, value, database, context)
}

/// What `quick_check` finds in one table.
pub(crate) fn quick_check(
    database: usize,
    table: &str,
    context: &mut PragmaContext<'_>,
) -> Result<Vec<String>> {
    let request = Request {
        name: "quick_check",
        value: Some(table),
        database: Some(database),
    };
    let rows = integrity::quick(&request, context)?;
    let words = rows.into_iter().filter_map(|row| match row.into_iter().next() {
        Some(Value::Text(text)) => Some(text.to_string_lossy().into_owned()),
        _ => None,
    });
    Ok(words.collect())
}

/// Pragmas that tell of tables need virtual ones to be connected: one that is asked for has to be in order, others may be broken.
fn connect_tables(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<()> {
    let state = &mut *context.state;
    match (request.name, request.value) {
        ("table_info" | "table_xinfo", Some(table)) => state.connect_named(request.database, table),
        ("table_list" | "integrity_check" | "quick_check", _) => {
            state.connect_all();
            Ok(())
        }
        _ => Ok(()),
    }
}

fn answer(
    entry: &'static Entry,
    value: Option<&str>,
    database: Option<usize>,
    context: &mut PragmaContext<'_>,
) -> Result<Vec<Row>> {
    let request = Request {
        name: entry.name,
        value,
        database,
    };
    connect_tables(&request, context)?;
    match entry.answerer {
        Answerer::Inspect(look) => look(&request, context),
        Answerer::Flag => flag::answer(&request, context),
        Answerer::Header(field) => header::answer(field, &request, context),
        Answerer::Mode(change) => change(&request, context),
        Answerer::Nothing => Ok(Vec::new()),
    }
}

fn database_named(context: &PragmaContext<'_>, name: &str) -> Result<usize> {
    let found = context
        .state
        .databases
        .iter()
        .position(|database| database.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| Error::sql(format!("unknown database {name}")))
}

/// Runs `look` inside a read transaction; an open transaction is used and stays open.
pub(crate) fn reading<T>(pager: &mut Pager, look: impl FnOnce(&mut Pager) -> Result<T>) -> Result<T> {
    let was_open = pager.state() != TransactionState::None;
    pager.begin_read()?;
    let result = look(pager);
    if !was_open {
        pager.end_read();
    }
    result
}

/// Runs `change` inside a write transaction, which is committed when the connection is in autocommit mode.
pub(crate) fn writing<T>(
    pager: &mut Pager,
    (autocommit, savepoints): (bool, usize),
    change: impl FnOnce(&mut Pager) -> Result<T>,
) -> Result<T> {
    let alone = autocommit && pager.state() != TransactionState::Write;
    begin_writing(pager, savepoints)?;
    let mut result = change(pager);
    if alone {
        if result.is_ok()
            && let Err(error) = pager.commit()
        {
            result = Err(error.into());
        }
        if result.is_err() {
            pager.rollback()?;
        }
    }
    result
}

/// Begins a write transaction on one database, as deep in savepoints as the connection is.
pub(crate) fn begin_writing(pager: &mut Pager, savepoints: usize) -> Result<()> {
    if pager.state() == TransactionState::Write {
        return Ok(());
    }
    pager.begin_write()?;
    for _ in 0..savepoints {
        pager.savepoint()?;
    }
    Ok(())
}

/// A whole number in the way of C's `atoi`, hexadecimal too; what does not begin with one is 0.
pub(crate) fn whole_number(text: &str) -> i64 {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16).unwrap_or(0),
        None => {
            let end = digits
                .bytes()
                .position(|b| !b.is_ascii_digit())
                .unwrap_or(digits.len());
            digits[..end]
                .parse()
                .unwrap_or(if end > 0 { i64::MAX } else { 0 })
        }
    };
    if negative { -magnitude } else { magnitude }
}

/// A switch's value: on, yes, true and numbers other than 0 are on; the rest is off.
pub(crate) fn truth(text: &str) -> bool {
    match text.to_ascii_lowercase().as_str() {
        "on" | "yes" | "true" => true,
        "off" | "no" | "false" => false,
        number => whole_number(number) & 0xff != 0,
    }
}

/// A text value.
pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.into())
}

/// An answer of one row with one number.
pub(crate) fn one_integer(number: i64) -> Vec<Row> {
    vec![vec![Value::Integer(number)]]
}

/// An answer of one row with one text.
pub(crate) fn one_text(word: &str) -> Vec<Row> {
    vec![vec![text(word)]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_far_as_they_go() {
        for (text, number) in [
            ("12", 12),
            ("-3x", -3),
            ("x", 0),
            ("0x10", 16),
            ("+7", 7),
            ("", 0),
            (" 5", 5),
        ] {
            assert_eq!(whole_number(text), number, "{text:?}");
        }
    }

    #[test]
    fn switches_know_words_and_numbers() {
        for (text, on) in [
            ("ON", true),
            ("yes", true),
            ("0", false),
            ("2", true),
            ("off", false),
            ("maybe", false),
        ] {
            assert_eq!(truth(text), on, "{text:?}");
        }
    }
}
