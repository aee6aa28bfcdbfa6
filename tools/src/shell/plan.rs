//! A statement's plan as a tree.
//!
//! ```text
//!   SORT BY 1 KEY
//!   └─ HASH JOIN ON 1 KEY
//!      ├─ SCAN note                    ~1,000 rows
//!      └─ SEARCH tag USING INDEX ..       ~12 rows
//! ```
//!
//! After EXPLAIN ANALYZE each line has what was counted as well: rows, how often it ran, milliseconds.

use std::io::{self, Write};

use aludel_sql::{Error, PlanLine, Statement};

use super::rows::width;
use crate::output::thousands;

/// A line of the tree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    id: i64,
    parent: i64,
    detail: String,
    /// The planner's estimate.
    estimate: Option<i64>,
    measured: Option<Measured>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Measured {
    rows: i64,
    loops: i64,
    milliseconds: f64,
}

/// The tree of a plan.
pub(crate) fn of_lines(lines: &[PlanLine]) -> Vec<Line> {
    let lines = lines.iter().enumerate();
    lines
        .map(|(place, line)| Line {
            id: place as i64 + 1,
            parent: line.parent as i64,
            detail: line.detail.clone(),
            estimate: line.estimate.map(|rows| rows.round() as i64),
            measured: None,
        })
        .collect()
}

/// Whether a statement answers a plan: EXPLAIN QUERY PLAN, or EXPLAIN ANALYZE.
pub(crate) fn is_plan(statement: &Statement<'_>) -> bool {
    let names = statement.column_names();
    names == ["id", "parent", "notused", "detail"] || is_measured(statement)
}

fn is_measured(statement: &Statement<'_>) -> bool {
    statement.column_names() == ["id", "parent", "detail", "estimate", "rows", "loops", "ms"]
}

/// Runs a statement that answers a plan.
pub(crate) fn of_rows(statement: &mut Statement<'_>) -> Result<Vec<Line>, Error> {
    let is_measured = is_measured(statement);
    let mut lines = Vec::new();
    while statement.step()? {
        lines.push(Line {
            id: statement.get(0)?,
            parent: statement.get(1)?,
            detail: statement.get(if is_measured { 2 } else { 3 })?,
            estimate: if is_measured { statement.get(3)? } else { None },
            measured: if is_measured { measured(statement)? } else { None },
        });
    }
    Ok(lines)
}

/// What was counted; `None` for a line whose work is counted in the one above.
fn measured(statement: &Statement<'_>) -> Result<Option<Measured>, Error> {
    let rows: Option<i64> = statement.get(4)?;
    Ok(match rows {
        Some(rows) => Some(Measured {
            rows,
            loops: statement.get(5)?,
            milliseconds: statement.get(6)?,
        }),
        None => None,
    })
}

/// Prints the tree.
pub(crate) fn print(lines: &[Line], colours: bool, out: &mut dyn Write) -> io::Result<()> {
    let drawn = drawn(lines);
    let widest = drawn.iter().map(|(text, _)| width(text)).max().unwrap_or(0);
    for (text, line) in drawn {
        let notes = notes(line);
        let blank = " ".repeat(widest - width(&text) + 2);
        match (notes.is_empty(), colours) {
            (true, _) => writeln!(out, "{text}")?,
            (false, true) => writeln!(out, "{text}{blank}\u{1b}[2m{notes}\u{1b}[0m")?,
            (false, false) => writeln!(out, "{text}{blank}{notes}")?,
        }
    }
    Ok(())
}

/// The lines with their branches, in the order in which they are read.
fn drawn(lines: &[Line]) -> Vec<(String, &Line)> {
    let mut drawn = Vec::with_capacity(lines.len());
    // Lines still to be drawn, the next one last: the branches before it, and whether it is the last under its parent.
    let mut open: Vec<(String, bool, &Line)> = Vec::new();
    push_children(lines, 0, "", &mut open);
    while let Some((before, is_last, line)) = open.pop() {
        let is_root = line.parent == 0;
        let branch = match (is_root, is_last) {
            (true, _) => "",
            (false, true) => "\u{2514}\u{2500} ",
            (false, false) => "\u{251c}\u{2500} ",
        };
        drawn.push((format!("{before}{branch}{}", line.detail), line));
        let deeper = match (is_root, is_last) {
            (true, _) => String::new(),
            (false, true) => format!("{before}   "),
            (false, false) => format!("{before}\u{2502}  "),
        };
        push_children(lines, line.id, &deeper, &mut open);
    }
    drawn
}

fn push_children<'l>(lines: &'l [Line], parent: i64, before: &str, open: &mut Vec<(String, bool, &'l Line)>) {
    let children: Vec<&Line> = lines
        .iter()
        .filter(|line| line.parent == parent && line.id != parent)
        .collect();
    let last = children.len();
    for (place, line) in children.into_iter().enumerate().rev() {
        open.push((before.to_owned(), place + 1 == last, line));
    }
}

/// What stands right of a line.
fn notes(line: &Line) -> String {
    let estimate = line.estimate.map(|rows| format!("~{}", counted(rows, "row")));
    let Some(measured) = line.measured else {
        return estimate.unwrap_or_default();
    };
    let mut notes = counted(measured.rows, "row");
    if let Some(estimate) = estimate {
        notes.push_str(&format!(" (expected {estimate})"));
    }
    if measured.loops > 1 {
        notes.push_str(&format!(", {}", counted(measured.loops, "run")));
    }
    format!("{notes}, {:.3} ms", measured.milliseconds)
}

fn counted(number: i64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", thousands(number.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(lines: &[Line]) -> String {
        let mut out = Vec::new();
        print(lines, false, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn branches_join_their_lines() {
        let line = |id, parent, detail: &str, estimate| Line {
            id,
            parent,
            detail: detail.to_owned(),
            estimate,
            measured: None,
        };
        let lines = [
            line(1, 0, "SORT", None),
            line(2, 1, "JOIN", None),
            line(3, 2, "SCAN a", Some(1000)),
            line(4, 2, "SEARCH b", Some(1)),
            line(5, 1, "LIST", None),
            line(6, 0, "END", None),
        ];
        let expected = "SORT
├─ JOIN
│  ├─ SCAN a    ~1,000 rows
│  └─ SEARCH b  ~1 row
└─ LIST
END
";
        assert_eq!(printed(&lines), expected);
    }

    #[test]
    fn what_was_measured_stands_beside_the_estimate() {
        let line = Line {
            id: 1,
            parent: 0,
            detail: "SCAN t".to_owned(),
            estimate: Some(10),
            measured: Some(Measured {
                rows: 12,
                loops: 3,
                milliseconds: 0.25,
            }),
        };
        assert_eq!(
            printed(&[line]),
            "SCAN t  12 rows (expected ~10 rows), 3 runs, 0.250 ms\n"
        );
    }
}
