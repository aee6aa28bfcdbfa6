//! The check of a whole file, at five depths.
//!
//! ```text
//!   1  header and length            4  records
//!   2  pages and their links        5  what rows, indexes and constraints say of each other: the engine's check
//!   3  the inside of pages
//! ```
//!
//! The first four are the walker's. The fifth asks the engine, whose check also looks at structure: what it says of pages of which the walker said
//! something already is left out.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aludel_sql::Connection;
use aludel_sql::value::ValueRef;

use super::finding::Finding;
use super::image::{Image, connect};
use super::vocabulary::Code;
use super::walk::{Layout, Progress, WalkOptions, walk};

/// The deepest level.
pub const LEVEL_MAX: u8 = 5;

/// How much to check.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// 1 to 5, see the head of this module.
    pub level: u8,
    /// Stop after so many findings.
    pub findings_max: usize,
    /// Somebody may set it meanwhile: the check then ends with what it has, and [`Layout::stopped`] tells.
    pub stop: Arc<AtomicBool>,
}

impl Default for CheckOptions {
    fn default() -> CheckOptions {
        CheckOptions {
            level: LEVEL_MAX,
            findings_max: 10_000,
            stop: Arc::default(),
        }
    }
}

/// Checks a file.
///
/// Reads each page once for the walk, and again, by its rows, for level 5.
pub fn check(image: &Arc<Image>, options: &CheckOptions, progress: &mut Progress<'_>) -> Layout {
    let how = WalkOptions {
        trees: options.level >= 2,
        inside: options.level >= 3,
        records: options.level >= 4,
        findings_max: options.findings_max,
        stop: Arc::clone(&options.stop),
    };
    let mut layout = walk(image, &how, progress);
    if options.level >= LEVEL_MAX && layout.page_count > 0 && !layout.stopped {
        progress(layout.page_count, "rows and indexes");
        ask_engine(image, options, &mut layout);
    }
    layout
}

fn ask_engine(image: &Arc<Image>, options: &CheckOptions, layout: &mut Layout) {
    let findings_max = options.findings_max;
    let known: HashSet<u32> = layout
        .findings
        .iter()
        .filter_map(|finding| finding.page)
        .collect();
    let was_clean = layout.findings.is_empty();
    let mut said = Vec::new();
    let stopped = connect(image).and_then(|connection| {
        let stop = Arc::clone(&options.stop);
        connection.progress_handler(1, Some(move || stop.load(Ordering::Relaxed)))?;
        integrity(&connection, findings_max, &mut said)?;
        foreign_keys(&connection, &mut said)
    });
    let structural = |finding: &Finding| matches!(finding.code, Code::Engine | Code::EntryOutOfOrder);
    said.retain(|finding| {
        !structural(finding) || finding.page.map_or(was_clean, |page| !known.contains(&page))
    });
    if matches!(stopped, Err(aludel_sql::Error::Interrupt)) {
        (layout.stopped, layout.complete) = (true, false);
    } else if let Err(error) = stopped
        && was_clean
    {
        said.push(Finding::new(
            Code::Engine,
            format!("the engine cannot go on: {error}"),
        ));
    }
    for finding in said {
        if layout.findings.len() >= findings_max {
            layout.complete = false;
            return;
        }
        layout.findings.push(finding);
    }
}

fn integrity(
    connection: &Connection,
    findings_max: usize,
    said: &mut Vec<Finding>,
) -> aludel_sql::Result<()> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({findings_max})"))?;
    while statement.step()? {
        if let ValueRef::Text(line) = statement.value(0)
            && line != b"ok"
        {
            said.push(finding_of(&String::from_utf8_lossy(line)));
        }
    }
    Ok(())
}

fn foreign_keys(connection: &Connection, said: &mut Vec<Finding>) -> aludel_sql::Result<()> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let words = |value: ValueRef<'_>| match value {
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Integer(number) => number.to_string(),
        _ => "?".to_owned(),
    };
    while statement.step()? {
        let (table, row, parent) = (
            words(statement.value(0)),
            words(statement.value(1)),
            words(statement.value(2)),
        );
        let message = format!("row {row} of {table} refers to a row that {parent} does not have");
        said.push(Finding::new(Code::ForeignKey, message).of(Some(&table)));
    }
    Ok(())
}

/// A line of the engine's check as a finding.
fn finding_of(line: &str) -> Finding {
    let after = |mark: &str| line.split_once(mark).map(|(_, rest)| rest);
    let index = after(" index ");
    let (code, owner) = if line.contains(" missing from index ") {
        (Code::MissingFromIndex, index)
    } else if line.starts_with("wrong # of entries in index ") {
        (Code::EntryCount, index)
    } else if line.starts_with("non-unique entry in index ") {
        (Code::NotUnique, index)
    } else if line.starts_with("NULL value in ") {
        (Code::NullValue, after("NULL value in "))
    } else if line.starts_with("CHECK constraint failed in ") {
        (Code::CheckFailed, after("CHECK constraint failed in "))
    } else if let Some(place) = after(" value in ") {
        (Code::ValueType, Some(place))
    } else if line.contains("out of order") {
        (Code::EntryOutOfOrder, None)
    } else {
        (Code::Engine, None)
    };
    let mut finding =
        Finding::new(code, line).of(owner.map(|owner| owner.split('.').next().unwrap_or(owner)));
    finding.page = page_of(line);
    finding
}

/// The page that a line of the engine's check names: `Tree 2 page 5 cell 1: ...`, `Page 7: never used`.
fn page_of(line: &str) -> Option<u32> {
    let rest = line
        .split_once(" page ")
        .map(|(_, rest)| rest)
        .or(line.strip_prefix("Page "))?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_engine_become_findings() {
        let case = |line: &str| {
            let finding = finding_of(line);
            (finding.code, finding.page, finding.owner)
        };
        assert_eq!(
            case("row 3 missing from index note_title"),
            (Code::MissingFromIndex, None, Some("note_title".to_owned()))
        );
        assert_eq!(
            case("NULL value in note.title"),
            (Code::NullValue, None, Some("note".to_owned()))
        );
        assert_eq!(
            case("Tree 2 page 5 cell 1: Extends off end of page"),
            (Code::Engine, Some(5), None)
        );
        assert_eq!(case("Page 7: never used"), (Code::Engine, Some(7), None));
    }
}
