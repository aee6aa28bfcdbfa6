//! `.import`: rows of a csv or tsv file.
//!
//! ```text
//!   file ── records (RFC 4180: quotes, doubled quotes, line ends in quotes) ──▶ INSERT ... in one transaction
//! ```
//!
//! A table that is not there is made, with the first record for names of columns. A record with too few values is filled with NULL and one
//! with too many is cut; both are told with their line.

use std::fs;

use aludel_sql::Error;

use super::Call;
use crate::error::Failure;
use crate::shell::session::Session;

/// Records told of at most.
const WARNINGS_MAX: usize = 10;

struct Options<'c> {
    file: &'c str,
    table: &'c str,
    separator: char,
    skip: usize,
}

/// `.import FILE TABLE`
pub(super) fn import(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    let options = options(call)?;
    if session.connection.is_readonly("main").unwrap_or(false) {
        return Err(Failure::Usage(
            "the file is open read-only: .open --write first".to_owned(),
        ));
    }
    let text = fs::read_to_string(options.file)
        .map_err(|error| Failure::Usage(format!("cannot read {}: {error}", options.file)))?;
    let failed = |error: Error| Failure::sql(error, "");
    let own_transaction = session.connection.is_autocommit();
    if own_transaction {
        session.connection.execute_batch("BEGIN").map_err(failed)?;
    }
    let result = insert(session, &options, &text);
    if own_transaction {
        let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
        session.connection.execute_batch(end).map_err(failed)?;
    }
    let imported = result?;
    session.with_output(|_, _, out| {
        imported
            .warnings
            .iter()
            .try_for_each(|warning| writeln!(out, "{warning}"))?;
        Ok(writeln!(out, "{} rows into {}", imported.rows, options.table)?)
    })
}

fn options<'c>(call: &'c Call<'_>) -> Result<Options<'c>, Failure> {
    let (mut separator, mut skip, mut names) = (None, 0, Vec::new());
    let mut arguments = call.arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--csv" => separator = Some(','),
            "--tsv" => separator = Some('\t'),
            "--separator" => separator = arguments.next().and_then(|text| text.chars().next()),
            "--skip" => {
                let count = arguments.next().and_then(|count| count.parse().ok());
                skip = count.ok_or_else(|| call.usage())?;
            }
            option if option.starts_with("--") => return Err(call.usage()),
            name => names.push(name),
        }
    }
    let [file, table] = names[..] else {
        return Err(call.usage());
    };
    let by_name = if file.ends_with(".tsv") { '\t' } else { ',' };
    Ok(Options {
        file,
        table,
        separator: separator.unwrap_or(by_name),
        skip,
    })
}

struct Imported {
    rows: u64,
    warnings: Vec<String>,
}

fn insert(session: &Session, options: &Options<'_>, text: &str) -> Result<Imported, Failure> {
    let failed = |error: Error| Failure::sql(error, "");
    let connection = &session.connection;
    let mut records = Records::of(text, options.separator);
    for _ in 0..options.skip {
        records.next();
    }
    let table = format!("\"{}\"", options.table.replace('"', "\"\""));
    if !connection.table_exists(None, options.table).map_err(failed)? {
        let Some((_, names)) = records.next() else {
            return Err(Failure::Usage(format!(
                "{} has no line that could name columns",
                options.file
            )));
        };
        connection.execute(&create(&table, &names), ()).map_err(failed)?;
    }
    let count = connection
        .prepare(&format!("SELECT * FROM {table}"))
        .map_err(failed)?
        .column_count();
    let sql = format!("INSERT INTO {table} VALUES({})", vec!["?"; count].join(","));
    let mut statement = connection
        .prepare(&sql)
        .map_err(|error| Failure::sql(error, &sql))?;
    let (mut rows, mut warnings, mut odd) = (0, Vec::new(), 0_usize);
    for (line, values) in records {
        if values.len() != count {
            odd += 1;
            if odd <= WARNINGS_MAX {
                warnings.push(format!(
                    "{}:{line}: {} values for {count} columns",
                    options.file,
                    values.len()
                ));
            }
        }
        statement.clear_bindings();
        for (place, value) in values.iter().take(count).enumerate() {
            statement.bind(place + 1, value.as_str()).map_err(failed)?;
        }
        while statement.step().map_err(|error| {
            Failure::Usage(format!("{}:{line}: {error}; nothing was imported", options.file))
        })? {}
        rows += 1;
    }
    if odd > WARNINGS_MAX {
        warnings.push(format!("{} more such lines", odd - WARNINGS_MAX));
    }
    Ok(Imported { rows, warnings })
}

/// CREATE TABLE with a column for each name; an empty name or one that comes twice gets a number.
fn create(table: &str, names: &[String]) -> String {
    let mut columns: Vec<String> = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let trimmed = name.trim();
        let taken = |name: &str| columns.iter().any(|own| own.eq_ignore_ascii_case(name));
        let name = match trimmed {
            "" => format!("column{}", place + 1),
            name if taken(name) => format!("{name}_{}", place + 1),
            name => name.to_owned(),
        };
        columns.push(name);
    }
    let columns: Vec<String> = columns
        .iter()
        .map(|name| format!("\"{}\" TEXT", name.replace('"', "\"\"")))
        .collect();
    format!("CREATE TABLE {table}({})", columns.join(", "))
}

/// The records of a text, each with the number of its first line.
struct Records<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    separator: char,
    line: usize,
}

impl<'t> Records<'t> {
    fn of(text: &'t str, separator: char) -> Records<'t> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Records {
            rest: text.chars().peekable(),
            separator,
            line: 1,
        }
    }

    /// A value in quotes, after the first one.
    fn quoted(&mut self, value: &mut String) {
        while let Some(c) = self.rest.next() {
            match c {
                '"' if self.rest.next_if_eq(&'"').is_some() => value.push('"'),
                '"' => return,
                c => {
                    self.line += usize::from(c == '\n');
                    value.push(c);
                }
            }
        }
    }
}

impl Iterator for Records<'_> {
    type Item = (usize, Vec<String>);

    fn next(&mut self) -> Option<(usize, Vec<String>)> {
        self.rest.peek()?;
        let line = self.line;
        let mut values = vec![String::new()];
        let mut at_start = true;
        loop {
            let value = values.last_mut()?;
            match self.rest.next() {
                None => return Some((line, values)),
                Some('"') if at_start => self.quoted(value),
                Some(c) if c == self.separator => {
                    values.push(String::new());
                    at_start = true;
                    continue;
                }
                Some('\r') if self.rest.peek() == Some(&'\n') => {}
                Some('\n') => {
                    self.line += 1;
                    return Some((line, values));
                }
                Some(c) => value.push(c),
            }
            at_start = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_those_of_rfc_4180() {
        let text = "a,b\r\n\"x,\"\"y\"\"\",\"two\nlines\"\n,\nlast";
        let records: Vec<(usize, Vec<String>)> = Records::of(text, ',').collect();
        let expected = [
            (1, vec!["a", "b"]),
            (2, vec!["x,\"y\"", "two\nlines"]),
            (4, vec!["", ""]),
            (5, vec!["last"]),
        ];
        assert_eq!(records.len(), expected.len());
        for ((line, values), (expected_line, expected_values)) in records.iter().zip(expected) {
            assert_eq!(
                (*line, values.as_slice()),
                (
                    expected_line,
                    expected_values
                        .iter()
                        .map(|v| (*v).to_owned())
                        .collect::<Vec<_>>()
                        .as_slice()
                )
            );
        }
    }

    #[test]
    fn columns_get_names_of_their_own() {
        let names = ["id", "", "ID", " b\"c "].map(str::to_owned);
        assert_eq!(
            create("\"t\"", &names),
            "CREATE TABLE \"t\"(\"id\" TEXT, \"column2\" TEXT, \"ID_3\" TEXT, \"b\"\"c\" TEXT)"
        );
    }
}
