//! The content at the end of a session: each engine reads its own database and the other's file, and checks both.

use aludel_sql::connection::DeserializeOptions;
use rusqlite::MAIN_DB;

use super::compare::{Difference, Kind, show_datum};
use super::engines::Engines;
use crate::subject::{Datum, aludel, sqlite};

/// Everything in a database, as text.
type Content = Vec<(String, Vec<String>)>;

/// The first difference between the contents.
pub(super) fn compare_content(engines: &mut Engines) -> Option<Difference> {
    let unequal = |what: &str, ours: &Content, theirs: &Content| {
        let (ours, theirs) = first_difference(ours, theirs)?;
        Some(Difference {
            kind: Kind::Content,
            said: format!("{what}\naludel: {ours}\nsqlite: {theirs}"),
        })
    };
    if !engines.ours.is_autocommit() || !engines.theirs.is_autocommit() {
        let _ = engines.ours.execute_batch("ROLLBACK");
        let _ = engines.theirs.execute_batch("ROLLBACK");
    }
    let (ours, theirs) = (
        read(&OurReader(&engines.ours)),
        read(&TheirReader(&engines.theirs)),
    );
    if let Some(found) = unequal("the contents of the databases", &ours, &theirs) {
        return Some(found);
    }
    unsound(engines).or_else(|| {
        let swapped = swap(engines)?;
        let read_by_theirs = read(&TheirReader(&swapped.theirs));
        if let Some(found) = unequal("our file, read by SQLite", &ours, &read_by_theirs) {
            return Some(found);
        }
        let read_by_ours = read(&OurReader(&swapped.ours));
        if let Some(found) = unequal("SQLite's file, read by us", &read_by_ours, &theirs) {
            return Some(found);
        }
        unsound(&swapped)
    })
}

fn first_difference(ours: &Content, theirs: &Content) -> Option<(String, String)> {
    if ours == theirs {
        return None;
    }
    let show = |entry: Option<&(String, Vec<String>)>| {
        entry.map_or("nothing".to_owned(), |(name, rows)| {
            format!("{name}: {}", rows.join(" "))
        })
    };
    let at = ours.iter().zip(theirs).position(|(our, their)| our != their);
    let at = at.unwrap_or(ours.len().min(theirs.len()));
    Some((show(ours.get(at)), show(theirs.get(at))))
}

/// What the integrity checks say, if it is not `ok`.
fn unsound(engines: &Engines) -> Option<Difference> {
    for sql in ["PRAGMA integrity_check", "PRAGMA foreign_key_check"] {
        let (ours, our_error, _) = aludel::rows_of(&engines.ours, sql, 100);
        let (theirs, their_error, _) = sqlite::rows_of(&engines.theirs, sql, 100);
        // An expression of the schema may fail for a row.
        if our_error.is_some() && their_error.is_some() {
            continue;
        }
        let show = |rows: &[Vec<Datum>]| rows.iter().map(|row| show_row(row)).collect::<Vec<_>>().join(" ");
        let fine = |rows: &[Vec<Datum>]| sql.contains("foreign") || show(rows) == "(\"ok\")";
        let sorted = |rows: &[Vec<Datum>]| {
            let mut rows: Vec<String> = rows.iter().map(|row| show_row(row)).collect();
            rows.sort();
            rows
        };
        // A CHECK that was broken on purpose is told by both.
        if sorted(&ours) != sorted(&theirs)
            || (!fine(&ours)
                && !show(&ours).contains("constraint failed")
                && !show(&ours).contains("NULL value"))
        {
            return Some(Difference {
                kind: Kind::Unsound,
                said: format!("{sql}\naludel: {}\nsqlite: {}", show(&ours), show(&theirs)),
            });
        }
    }
    None
}

/// Each engine with the other's file.
fn swap(engines: &mut Engines) -> Option<Engines> {
    let our_file = engines.ours.serialize("main").ok()?;
    let their_file = engines.theirs.serialize(MAIN_DB).ok()?.to_vec();
    let swapped = Engines::open().ok()?;
    if !their_file.is_empty() {
        swapped
            .ours
            .deserialize("main", &their_file, DeserializeOptions::new())
            .ok()?;
    }
    if !our_file.is_empty() {
        let mut theirs = swapped.theirs;
        theirs
            .deserialize_read_exact(MAIN_DB, &our_file[..], our_file.len(), false)
            .ok()?;
        return Some(Engines { theirs, ..swapped });
    }
    Some(swapped)
}

trait Reader {
    fn rows(&self, sql: &str) -> Result<Vec<Vec<Datum>>, String>;
}

struct OurReader<'a>(&'a aludel_sql::Connection);
struct TheirReader<'a>(&'a rusqlite::Connection);

impl Reader for OurReader<'_> {
    fn rows(&self, sql: &str) -> Result<Vec<Vec<Datum>>, String> {
        let (rows, error, _) = aludel::rows_of(self.0, sql, usize::MAX);
        error.map_or(Ok(rows), |error| Err(error.code.to_string()))
    }
}

impl Reader for TheirReader<'_> {
    fn rows(&self, sql: &str) -> Result<Vec<Vec<Datum>>, String> {
        let (rows, error, _) = sqlite::rows_of(self.0, sql, usize::MAX);
        error.map_or(Ok(rows), |error| Err(error.code.to_string()))
    }
}

/// The schema and all rows of all tables, with their rowids.
fn read(reader: &dyn Reader) -> Content {
    let mut content = Content::new();
    let mut take = |name: &str, sql: &str| {
        let mut rows: Vec<String> = match reader.rows(sql) {
            Ok(rows) => rows.iter().map(|row| show_row(row)).collect(),
            Err(code) => vec![format!("error {code}")],
        };
        rows.sort();
        // VACUUM of SQLite drops the table when it is empty.
        if name == "sqlite_sequence" && rows.is_empty() {
            return;
        }
        content.push((name.to_owned(), rows));
    };
    take(
        "sqlite_schema",
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT IN ('sqlite_stat4', 'sqlite_sequence')",
    );
    let names = reader
        .rows("SELECT name, sql LIKE '%WITHOUT ROWID%' FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY 1")
        .unwrap_or_default();
    for row in &names {
        let [Datum::Text(name), without_rowid] = &row[..] else {
            continue;
        };
        let name = String::from_utf8_lossy(name);
        if matches!(&*name, "sqlite_stat4" | "sqlite_stat1") {
            continue;
        }
        let rowid = if *without_rowid == Datum::Integer(1) {
            ""
        } else {
            "rowid, "
        };
        take(&name, &format!("SELECT {rowid}* FROM \"{name}\""));
    }
    content
}

fn show_row(row: &[Datum]) -> String {
    let values: Vec<String> = row.iter().map(show_datum).collect();
    format!("({})", values.join(", "))
}
