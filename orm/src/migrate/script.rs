//! A list of SQL statements, and the text that it is kept as.
//!
//! A migration's file has two sections, and may have settings before them:
//!
//! ```sql
//! -- aludel: foreign_keys off
//!
//! -- up
//! CREATE TABLE notes (id INTEGER PRIMARY KEY);
//!
//! -- down
//! DROP TABLE notes;
//! ```
//!
//! `foreign_keys off` has foreign keys not enforced while the migration runs, and all of them checked before it is committed (SQLite and MariaDB);
//! `transaction off` runs the statements one by one, for those that cannot be in a transaction.

use std::fmt::Write;

/// SQL statements, in the order in which they run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    statements: Vec<String>,
    pub(crate) foreign_keys_off: bool,
    pub(crate) transaction_off: bool,
}

impl Script {
    /// Of these statements.
    pub fn new(statements: impl IntoIterator<Item = impl Into<String>>) -> Script {
        Script {
            statements: statements.into_iter().map(Into::into).collect(),
            ..Script::default()
        }
    }

    /// Of the statements in a text, which are divided by semicolons.
    ///
    /// ```
    /// use aludel::migrate::Script;
    ///
    /// let script = Script::parse("CREATE TABLE a (x TEXT DEFAULT ';'); -- one;\nDROP TABLE b");
    /// assert_eq!(script.statements(), ["CREATE TABLE a (x TEXT DEFAULT ';')", "-- one;\nDROP TABLE b"]);
    /// ```
    pub fn parse(sql: &str) -> Script {
        Script::new(split(sql))
    }

    /// Runs with foreign keys not enforced; they are checked at the end.
    pub fn foreign_keys_off(mut self) -> Script {
        self.foreign_keys_off = true;
        self
    }

    /// Runs its statements one by one, not in a transaction.
    pub fn transaction_off(mut self) -> Script {
        self.transaction_off = true;
        self
    }

    /// The statements, without semicolons.
    pub fn statements(&self) -> &[String] {
        &self.statements
    }

    /// Are there no statements?
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }
}

/// The text of a migration's file.
pub(crate) fn write_file(notes: &[String], up: &Script, down: &Script) -> String {
    let mut out = String::new();
    for note in notes {
        let _ = writeln!(out, "-- {note}");
    }
    if up.foreign_keys_off || down.foreign_keys_off {
        out.push_str("-- aludel: foreign_keys off\n");
    }
    if up.transaction_off || down.transaction_off {
        out.push_str("-- aludel: transaction off\n");
    }
    for (name, script) in [("up", up), ("down", down)] {
        let _ = writeln!(out, "{}-- {name}", if out.is_empty() { "" } else { "\n" });
        for statement in &script.statements {
            let _ = writeln!(out, "{statement};");
        }
    }
    out
}

/// The two sections of a migration's file; there may be no way down.
///
/// # Errors
/// What is wrong with the text.
pub(crate) fn read_file(text: &str) -> Result<(Script, Option<Script>), String> {
    let (mut foreign_keys_off, mut transaction_off) = (false, false);
    let mut sections: [Option<String>; 2] = [None, None];
    let mut current: Option<usize> = None;
    for (number, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["--", "up"] => current = Some(0),
            ["--", "down"] => current = Some(1),
            ["--", "aludel:", "foreign_keys", "off"] => foreign_keys_off = true,
            ["--", "aludel:", "transaction", "off"] => transaction_off = true,
            ["--", "aludel:", ..] => {
                return Err(format!(
                    "line {}: known settings are `foreign_keys off` and `transaction off`",
                    number + 1
                ));
            }
            [] | ["--", ..] if current.is_none() => continue,
            _ => match current.and_then(|at| sections.get_mut(at)) {
                Some(section) => {
                    let section = section.get_or_insert_default();
                    section.push_str(line);
                    section.push('\n');
                    continue;
                }
                None => {
                    return Err(format!(
                        "line {}: a line `-- up` must come before the first statement",
                        number + 1
                    ));
                }
            },
        }
        if let Some(section) = current.and_then(|at| sections.get_mut(at)) {
            section.get_or_insert_default();
        }
    }
    let script = |sql: String| Script {
        foreign_keys_off,
        transaction_off,
        ..Script::parse(&sql)
    };
    let [up, down] = sections;
    let up = up.ok_or("there is no line `-- up`")?;
    Ok((script(up), down.map(script)))
}

/// Where a statement ends: at a semicolon that is not in quotes, in a comment, or between BEGIN and END of a trigger.
fn split(sql: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut start = 0;
    let mut words: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        let length = piece(rest);
        let text = rest.get(..length).unwrap_or(rest);
        if text == ";" && depth == 0 {
            push(&mut all, sql.get(start..at));
            (start, words) = (at + 1, Vec::new());
        } else if text.starts_with(|c: char| c.is_alphabetic()) {
            let word = text.to_ascii_uppercase();
            let body = is_routine(&words);
            match word.as_str() {
                "BEGIN" | "CASE" if body => depth += 1,
                "END" if body => depth = depth.saturating_sub(1),
                _ => {}
            }
            if words.len() < 8 {
                words.push(word);
            }
        }
        at += length;
    }
    push(&mut all, sql.get(start..));
    all
}

/// Does the statement create something with statements inside?
fn is_routine(words: &[String]) -> bool {
    words.first().is_some_and(|word| word == "CREATE")
        && words
            .iter()
            .any(|word| matches!(word.as_str(), "TRIGGER" | "PROCEDURE" | "FUNCTION" | "EVENT"))
}

/// Comments alone are no statement.
fn push(all: &mut Vec<String>, text: Option<&str>) {
    let text = text.unwrap_or_default().trim();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let length = piece(rest);
        let comment = rest.starts_with("--") || rest.starts_with("/*");
        if !comment && !rest.starts_with(char::is_whitespace) {
            all.push(text.to_owned());
            return;
        }
        at += length;
    }
}

/// The length of the comment, text in quotes, word or character at the start.
fn piece(rest: &str) -> usize {
    let upto = |end: &str, from: usize| {
        let tail = rest.get(from..).unwrap_or_default();
        tail.find(end).map_or(rest.len(), |at| from + at + end.len())
    };
    let first = rest.chars().next().unwrap_or(' ');
    match first {
        '-' if rest.starts_with("--") => upto("\n", 2),
        '/' if rest.starts_with("/*") => upto("*/", 2),
        // A doubled quote is two pieces side by side.
        '\'' => upto("'", 1),
        '"' => upto("\"", 1),
        '`' => upto("`", 1),
        '$' => match dollar_tag(rest) {
            Some(tag) => upto(tag, tag.len()),
            None => 1,
        },
        c if c.is_alphanumeric() || c == '_' => rest
            .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$')
            .unwrap_or(rest.len()),
        c => c.len_utf8(),
    }
}

/// `$tag$` at the start, as PostgreSQL quotes bodies of functions.
fn dollar_tag(rest: &str) -> Option<&str> {
    let end = rest.get(1..)?.find('$')? + 1;
    let name = rest.get(1..end)?;
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_number = name.starts_with(|c: char| c.is_ascii_digit());
    rest.get(..=end).filter(|_| is_name && !is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_semicolons_outside_of_everything() {
        for (sql, expected) in [
            ("a; b;", vec!["a", "b"]),
            ("a ';' b; c", vec!["a ';' b", "c"]),
            ("a 'it''s;'; c", vec!["a 'it''s;'", "c"]),
            ("-- a;\n; /* ; */ ;", vec![]),
            ("a \"x;y\" `;`", vec!["a \"x;y\" `;`"]),
            (
                "SELECT $f$ ; $f$; SELECT $1",
                vec!["SELECT $f$ ; $f$", "SELECT $1"],
            ),
            (
                "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; DELETE FROM b; END; x",
                vec![
                    "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; DELETE FROM b; END",
                    "x",
                ],
            ),
            ("BEGIN; COMMIT", vec!["BEGIN", "COMMIT"]),
        ] {
            assert_eq!(split(sql), expected, "{sql}");
        }
    }

    #[test]
    fn files_are_read_as_they_are_written() {
        let up = Script::new(["CREATE TABLE a (x)", "CREATE TABLE b (x)"]).foreign_keys_off();
        let down = Script::new(["DROP TABLE b"]).foreign_keys_off();
        let text = write_file(&["loses: nothing".into()], &up, &down);
        assert_eq!(read_file(&text), Ok((up, Some(down))));
        assert_eq!(read_file("-- up\na"), Ok((Script::new(["a"]), None)));
        assert_eq!(
            read_file("-- up\n-- down\n"),
            Ok((Script::default(), Some(Script::default())))
        );
        assert!(read_file("a;").unwrap_err().starts_with("line 1: a line `-- up`"));
        assert!(read_file("-- aludel: nonsense").is_err());
    }
}
