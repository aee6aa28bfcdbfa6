//! `diff`: what differs between two databases.

use std::io::Write;
use std::path::Path;

use aludel_sql::value::ValueRef;

use super::subject::{Subject, read};
use crate::cli::{Diff, Target};
use crate::error::{Exit, Failure};
use crate::inspect::content::{
    Catalogue, Change, ContentError, KeyChoice, ObjectKind, RowDifference, RowKey, RowTally,
    SchemaDifference, Settings, Side, TablePair, compare_pages, compare_rows, is_same, schema_differences,
    write_patch,
};
use crate::interrupt::Interrupt;
use crate::output::{Field, Part, Report, Style, display, identifier, literal};

/// Prints what differs; exit code 1 tells that something does.
///
/// # Errors
/// Files that cannot be opened or read, an output that is closed. Damage of a table leaves its rows out.
pub(super) fn diff(diff: &Diff, out: &mut dyn Write) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen();
    let [first, second] = [&diff.first, &diff.second].map(|file| target(file, diff));
    read(&first, out, &mut |first, out| {
        read(&second, out, &mut |second, out| {
            if diff.pages {
                return pages(diff, first, second, &interrupt, out);
            }
            let sides = [side(first, diff, &interrupt)?, side(second, diff, &interrupt)?];
            expect_tables(diff, &sides)?;
            if diff.patch {
                let differs = write_patch(&sides[0], &sides[1], out)?;
                return Ok(if differs { Exit::Findings } else { Exit::Done });
            }
            let comparison = Comparison::of(diff, &sides)?;
            comparison.print(diff, &first.style, out)?;
            Ok(comparison.exit())
        })
    })
}

fn target(file: &Path, diff: &Diff) -> Target {
    Target {
        file: file.to_owned(),
        reading: diff.reading.clone(),
        print: diff.print.clone(),
    }
}

fn side(subject: &Subject, diff: &Diff, interrupt: &Interrupt) -> Result<Side, Failure> {
    let connection = subject.connect()?;
    interrupt.stops(&connection);
    Ok(Side {
        catalogue: Catalogue::read(&connection)?.only(&diff.table),
        settings: Settings::of(&subject.image),
        connection,
    })
}

fn expect_tables(diff: &Diff, sides: &[Side; 2]) -> Result<(), Failure> {
    for table in &diff.table {
        let has = |side: &Side| {
            side.catalogue
                .objects
                .iter()
                .any(|object| object.table.eq_ignore_ascii_case(table))
        };
        if !sides.iter().any(has) {
            return Err(Failure::Usage(format!("neither database has a table {table}")));
        }
    }
    Ok(())
}

/// What was found out.
#[derive(Default)]
struct Comparison {
    settings: Vec<(&'static str, i32, i32)>,
    schema: Vec<SchemaDifference>,
    tables: Vec<TableLines>,
    /// Whether damage hides something.
    damaged: bool,
    interrupted: bool,
}

/// A table with its rows that are listed.
struct TableLines {
    name: String,
    key: Vec<String>,
    tally: RowTally,
    rows: Vec<RowLine>,
    /// What damage says, where it hides rows.
    damage: Option<String>,
}

/// A row that differs, as SQL.
struct RowLine {
    change: Change,
    key: String,
    /// Column, value in the first, value in the second.
    columns: Vec<(String, Option<String>, Option<String>)>,
}

impl Comparison {
    fn of(diff: &Diff, sides: &[Side; 2]) -> Result<Comparison, Failure> {
        let [first, second] = sides;
        let mut comparison = Comparison {
            schema: schema_differences(&first.catalogue, &second.catalogue),
            damaged: !first.catalogue.complete || !second.catalogue.complete,
            ..Comparison::default()
        };
        if diff.table.is_empty() {
            let (a, b) = (first.settings, second.settings);
            let settings = [
                ("user_version", a.user_version, b.user_version),
                ("application_id", a.application_id, b.application_id),
            ];
            comparison
                .settings
                .extend(settings.into_iter().filter(|(_, a, b)| a != b));
        }
        let mut left = if diff.summary { 0 } else { diff.limit };
        for table in first.catalogue.of_kind(ObjectKind::Table) {
            let is_compared =
                !table.is_internal() && second.catalogue.find(ObjectKind::Table, &table.name).is_some();
            if is_compared && !comparison.interrupted {
                comparison.table(diff, sides, &table.name, &mut left)?;
            }
        }
        for difference in comparison.schema.clone() {
            if !comparison.interrupted {
                comparison.one_sided(sides, &difference)?;
            }
        }
        Ok(comparison)
    }

    fn table(&mut self, diff: &Diff, sides: &[Side; 2], name: &str, left: &mut u64) -> Result<(), Failure> {
        let choice = if diff.by_rowid {
            KeyChoice::Rowid
        } else {
            KeyChoice::Primary
        };
        let pair = TablePair::between(&sides[0].connection, &sides[1].connection, name, choice)?;
        let mut lines = TableLines {
            name: name.to_owned(),
            key: match pair.key {
                RowKey::Content => Vec::new(),
                _ => pair.key_names.clone(),
            },
            tally: RowTally::default(),
            rows: Vec::new(),
            damage: None,
        };
        if pair.columns.is_empty() {
            // Nothing is common but the name: all rows went, and others came.
            lines.tally.removed = self.count(&sides[0], name, &mut lines.damage)?;
            lines.tally.added = self.count(&sides[1], name, &mut lines.damage)?;
            self.tables.push(lines);
            return Ok(());
        }
        let rows = &mut lines.rows;
        let result = compare_rows(&sides[0], &sides[1], &pair, &mut |difference| {
            if *left > 0 {
                *left -= 1;
                rows.push(RowLine::of(&difference, &pair));
            }
            Ok(())
        });
        match result {
            Ok(tally) => lines.tally = tally,
            Err(error) => self.stopped(error, &mut lines.damage)?,
        }
        self.tables.push(lines);
        Ok(())
    }

    /// Counts the rows of a table that only one database has.
    fn one_sided(&mut self, sides: &[Side; 2], difference: &SchemaDifference) -> Result<(), Failure> {
        let Some(object) = difference.object().filter(|object| {
            object.kind == ObjectKind::Table && !object.is_internal() && difference.change != Change::Changed
        }) else {
            return Ok(());
        };
        let is_new = difference.change == Change::Added;
        let mut lines = TableLines {
            name: object.name.clone(),
            key: Vec::new(),
            tally: RowTally::default(),
            rows: Vec::new(),
            damage: None,
        };
        let count = self.count(&sides[usize::from(is_new)], &object.name, &mut lines.damage)?;
        if is_new {
            lines.tally.added = count;
        } else {
            lines.tally.removed = count;
        }
        self.tables.push(lines);
        Ok(())
    }

    /// The rows of a table; none where damage or an interrupt is in the way.
    fn count(&mut self, side: &Side, table: &str, damage: &mut Option<String>) -> Result<u64, Failure> {
        let sql = format!("SELECT count(*) FROM {}", identifier(table));
        match side.connection.query_row(&sql, (), |row| row.get::<i64>(0)) {
            Ok(count) => Ok(u64::try_from(count).unwrap_or(0)),
            Err(error) => self.stopped(ContentError::Sql { error, sql }, damage).map(|()| 0),
        }
    }

    /// Notes why the rows of a table are not all looked at.
    fn stopped(&mut self, error: ContentError, damage: &mut Option<String>) -> Result<(), Failure> {
        if error.is_interrupt() {
            self.interrupted = true;
        } else if error.is_damage() {
            self.damaged = true;
            *damage = Some(error.to_string());
        } else {
            return Err(error.into());
        }
        Ok(())
    }

    fn is_same(&self) -> bool {
        self.settings.is_empty()
            && self.schema.is_empty()
            && self
                .tables
                .iter()
                .all(|table| table.tally.is_same() && table.rows.is_empty())
    }

    fn exit(&self) -> Exit {
        match (self.interrupted, self.damaged, self.is_same()) {
            (true, ..) => Exit::Interrupted,
            (_, true, _) => Exit::Damaged,
            (.., true) => Exit::Done,
            _ => Exit::Findings,
        }
    }

    fn print(&self, diff: &Diff, style: &Style, out: &mut dyn Write) -> Result<(), Failure> {
        if style.format.is_for_programs() {
            return self.report(diff).print(style, out);
        }
        Ok(self.print_for_people(diff, style, out)?)
    }
}

// ---- for programs ------------------------------------------------------------------------------------

impl Comparison {
    fn report(&self, diff: &Diff) -> Report {
        let mut report = Report::new("dbtool/diff/1");
        report.fact("a", diff.first.display().to_string());
        report.fact("b", diff.second.display().to_string());
        report.fact("same", self.is_same() && !self.damaged && !self.interrupted);
        // Formats of lines print the first part.
        let (rows, tables, schema) = (self.row_part(), self.table_part(), self.schema_part());
        if diff.summary {
            report.part(tables).part(schema);
        } else {
            report.part(rows).part(tables).part(schema);
        }
        let mut settings = Part::new("settings", &["setting", "a", "b"]);
        for (name, a, b) in &self.settings {
            settings.push(vec![
                Field::from(*name),
                Field::Number(i64::from(*a)),
                Field::Number(i64::from(*b)),
            ]);
        }
        report.part(settings);
        report.complete = !self.damaged && !self.interrupted;
        report
    }

    /// A line for each column that differs; values are SQL.
    fn row_part(&self) -> Part {
        let mut part = Part::new("rows", &["table", "change", "key", "column", "a", "b"]);
        for table in &self.tables {
            for row in &table.rows {
                for (column, a, b) in &row.columns {
                    let value = |value: &Option<String>| value.clone().map_or(Field::Null, Field::Text);
                    part.push(vec![
                        Field::text(&*table.name),
                        Field::from(row.change.word()),
                        Field::text(&*row.key),
                        Field::text(&**column),
                        value(a),
                        value(b),
                    ]);
                }
            }
        }
        part
    }

    fn table_part(&self) -> Part {
        let columns = ["table", "key", "added", "removed", "changed", "same", "damage"];
        let mut part = Part::new("tables", &columns);
        for table in &self.tables {
            part.push(vec![
                Field::text(&*table.name),
                Field::List(table.key.clone()),
                Field::Count(table.tally.added),
                Field::Count(table.tally.removed),
                Field::Count(table.tally.changed),
                Field::Count(table.tally.same),
                table.damage.clone().map_or(Field::Null, Field::Text),
            ]);
        }
        part
    }

    fn schema_part(&self) -> Part {
        let mut part = Part::new("schema_objects", &["change", "type", "name", "table", "a", "b"]);
        for difference in &self.schema {
            let Some(object) = difference.object() else {
                continue;
            };
            let sql = |object: &Option<crate::inspect::content::Object>| {
                object
                    .as_ref()
                    .map_or(Field::Null, |object| Field::text(&*object.sql))
            };
            part.push(vec![
                Field::from(difference.change.word()),
                Field::from(object.kind.word()),
                Field::text(&*object.name),
                Field::text(&*object.table),
                sql(&difference.first),
                sql(&difference.second),
            ]);
        }
        part
    }
}

// ---- for people --------------------------------------------------------------------------------------

impl Comparison {
    fn print_for_people(&self, diff: &Diff, style: &Style, out: &mut dyn Write) -> std::io::Result<()> {
        for (name, a, b) in &self.settings {
            writeln!(out, "{} {name}: {a} -> {b}", signed(Change::Changed, style))?;
        }
        for difference in &self.schema {
            if let Some(object) = difference.object() {
                let name = shown(&object.name);
                let on = if object.name == object.table {
                    String::new()
                } else {
                    format!(" on {}", shown(&object.table))
                };
                let sign = signed(difference.change, style);
                writeln!(out, "{sign} {} {name}{on}", object.kind.word())?;
            }
        }
        for table in &self.tables {
            table.print(diff, style, out)?;
        }
        if self.is_same() && !self.damaged && !self.interrupted {
            writeln!(out, "same")?;
        }
        if self.interrupted {
            writeln!(out, "(interrupted: this is not all)")?;
        }
        Ok(())
    }
}

impl TableLines {
    fn print(&self, diff: &Diff, style: &Style, out: &mut dyn Write) -> std::io::Result<()> {
        let tally = &self.tally;
        if let Some(damage) = &self.damage {
            writeln!(out, "{}: not compared to its end: {damage}", shown(&self.name))?;
        } else if !tally.is_same() {
            let count = |number: u64| Field::Count(number).words(style);
            writeln!(
                out,
                "{}: {} added, {} removed, {} changed, {} same",
                style.strong(&shown(&self.name)),
                count(tally.added),
                count(tally.removed),
                count(tally.changed),
                count(tally.same)
            )?;
        }
        for row in &self.rows {
            writeln!(out, "  {}", row.words(style))?;
        }
        let differing = tally.added + tally.removed + tally.changed;
        let hidden = differing.saturating_sub(self.rows.len() as u64);
        if hidden > 0 && !self.rows.is_empty() && !diff.summary {
            writeln!(out, "  ({hidden} more; --limit shows them)")?;
        }
        Ok(())
    }
}

impl RowLine {
    fn of(difference: &RowDifference<'_>, pair: &TablePair) -> RowLine {
        let sql = |value: &ValueRef<'_>| Some(literal(*value));
        let names = pair.columns.iter().cloned();
        let (change, key, columns) = match difference {
            RowDifference::Added { key, values } => {
                let columns = names
                    .zip(values.iter())
                    .map(|(name, value)| (name, None, sql(value)));
                (Change::Added, key, columns.collect())
            }
            RowDifference::Removed { key, values } => {
                let columns = names
                    .zip(values.iter())
                    .map(|(name, value)| (name, sql(value), None));
                (Change::Removed, key, columns.collect())
            }
            RowDifference::Changed { key, first, second } => {
                let columns = names
                    .zip(first.iter().zip(second.iter()))
                    .filter(|(_, (a, b))| !is_same(**a, **b))
                    .map(|(name, (a, b))| (name, sql(a), sql(b)));
                (Change::Changed, key, columns.collect())
            }
        };
        let key: Vec<String> = match pair.key {
            RowKey::Content => Vec::new(),
            _ => key.iter().map(|value| literal(*value)).collect(),
        };
        RowLine {
            change,
            key: key.join(","),
            columns,
        }
    }

    fn words(&self, style: &Style) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|(name, a, b)| match (a, b) {
                (Some(a), Some(b)) => format!("{} {} -> {}", shown(name), shown(a), shown(b)),
                (a, b) => format!(
                    "{}={}",
                    shown(name),
                    shown(a.as_ref().or(b.as_ref()).map_or("", |v| v))
                ),
            })
            .collect();
        let key = if self.key.is_empty() {
            String::new()
        } else {
            format!("{}: ", shown(&self.key))
        };
        format!("{} {key}{}", signed(self.change, style), columns.join(", "))
    }
}

fn signed(change: Change, style: &Style) -> String {
    let colour = match change {
        Change::Added => "32",
        Change::Removed => "31",
        Change::Changed => "33",
    };
    style.painted(change.sign(), colour)
}

/// The most characters of a value that people are shown.
const SHOWN_MAX: usize = 200;

/// A text that cannot steer the terminal, cut where it is very long.
fn shown(text: &str) -> String {
    let text = display(ValueRef::Text(text.as_bytes()));
    match text.char_indices().nth(SHOWN_MAX) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

// ---- pages -------------------------------------------------------------------------------------------

fn pages(
    diff: &Diff,
    first: &Subject,
    second: &Subject,
    interrupt: &Interrupt,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let mut part = Part::new("pages", &["page", "first_difference", "bytes"]);
    let mut listed = 0;
    let tally = compare_pages(&first.image, &second.image, &mut |page| {
        if listed < diff.limit {
            listed += 1;
            part.push(vec![
                Field::Number(i64::from(page.page)),
                Field::Number(page.offset as i64),
                Field::Count(page.bytes as u64),
            ]);
        }
        !interrupt.was_pressed()
    })
    .map_err(|error| Failure::Usage(error.to_string()))?;
    let same = tally.changed + tally.added + tally.removed == 0;
    let mut report = Report::new("dbtool/diff-pages/1");
    report.fact("a", diff.first.display().to_string());
    report.fact("b", diff.second.display().to_string());
    report.fact("same", same);
    for (name, count) in [
        ("pages_changed", tally.changed),
        ("pages_removed", tally.removed),
        ("pages_added", tally.added),
        ("pages_same", tally.same),
    ] {
        report.fact(name, Field::Count(u64::from(count)));
    }
    report.part(part);
    report.complete = !interrupt.was_pressed();
    report.print(&first.style, out)?;
    Ok(match (interrupt.was_pressed(), same) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Done,
        (false, false) => Exit::Findings,
    })
}
