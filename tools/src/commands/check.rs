//! `check`: looks for damage and lists what it finds.

use std::io::Write;

use aludel_sql::value::ValueRef;

use super::progress::Progress;
use super::subject::read;
use crate::cli::{Check, FailOn};
use crate::error::{Exit, Failure};
use crate::inspect::check::{CheckOptions, check as check_image};
use crate::inspect::{Code, Finding, Severity};
use crate::output::{Field, Part, Report, Style, display, thousands};

/// Prints the findings, or `ok`. Exit code 1 tells that there are some.
///
/// # Errors
/// A file that cannot be opened, an output that is closed.
pub(super) fn check(check: &Check, out: &mut dyn Write) -> Result<Exit, Failure> {
    read(&check.target, out, &mut |subject, out| {
        let options = CheckOptions {
            level: if check.quick { 2 } else { check.level },
            findings_max: check.limit,
        };
        super::progress::read_ahead(subject);
        let mut progress = Progress::of(subject);
        let layout = check_image(&subject.image, &options, &mut |pages, what| {
            progress.at(pages, what)
        });
        drop(progress);
        if layout.findings.is_empty() && !subject.style.format.is_for_programs() {
            writeln!(out, "ok")?;
            return Ok(Exit::Done);
        }
        let for_people = !subject.style.format.is_for_programs();
        let mut report = report(&layout.findings, for_people);
        report.fact("level", Field::Count(u64::from(options.level)));
        report.fact("shows", subject.image.state().words());
        report.complete = layout.complete;
        report.print(&subject.style, out)?;
        if for_people {
            by_code(&layout.findings, &subject.style, out)?;
        }
        let least = match check.fail_on {
            FailOn::Warn => Severity::Warn,
            FailOn::Error => Severity::Error,
        };
        let fails = layout
            .findings
            .iter()
            .any(|finding| finding.code.severity() >= least);
        Ok(if fails { Exit::Findings } else { Exit::Done })
    })
}

fn report(findings: &[Finding], for_people: bool) -> Report {
    let mut report = Report::new("dbtool/check/1");
    let count = |severity| {
        findings
            .iter()
            .filter(|finding| finding.code.severity() == severity)
            .count() as u64
    };
    report.fact("clean", findings.is_empty());
    report.fact("errors", Field::Count(count(Severity::Error)));
    report.fact("warnings", Field::Count(count(Severity::Warn)));
    if !for_people {
        report.part(findings_part(findings));
    }
    report
}

/// Places of one code that people are shown.
const PLACES_SHOWN: usize = 5;

/// For people: each kind of finding once, with what it means and the first places.
fn by_code(findings: &[Finding], style: &Style, out: &mut dyn Write) -> Result<(), Failure> {
    let mut codes: Vec<Code> = Vec::new();
    for finding in findings {
        if !codes.contains(&finding.code) {
            codes.push(finding.code);
        }
    }
    codes.sort_by_key(|code| std::cmp::Reverse(code.severity()));
    for code in codes {
        let places: Vec<&Finding> = findings.iter().filter(|finding| finding.code == code).collect();
        let colour = if code.severity() == Severity::Error {
            "1;31"
        } else {
            "1;33"
        };
        let severity = style.painted(&code.severity().to_string(), colour);
        let noun = if places.len() == 1 { "finding" } else { "findings" };
        writeln!(
            out,
            "\n{severity} {}: {} {noun}",
            style.strong(code.name()),
            thousands(places.len() as u64)
        )?;
        for finding in places.iter().take(PLACES_SHOWN) {
            writeln!(out, "  {}", place_words(finding))?;
        }
        if let Some(more) = places.len().checked_sub(PLACES_SHOWN).filter(|more| *more > 0) {
            writeln!(out, "  ... and {} more; -f csv lists all", thousands(more as u64))?;
        }
        writeln!(out, "  endangers {}; {}", code.endangers(), code.hint())?;
    }
    Ok(())
}

/// A finding in a line. Names come from the file, so they are escaped.
fn place_words(finding: &Finding) -> String {
    let mut words = finding.to_string();
    if let Some(owner) = &finding.owner {
        words.push_str(&format!(" ({owner})"));
    }
    if let (Some(expected), Some(found)) = (finding.expected, finding.found) {
        words.push_str(&format!("; expected {expected}, found {found}"));
    }
    display(ValueRef::Text(words.as_bytes()))
}

/// Findings as rows.
pub(super) fn findings_part(findings: &[Finding]) -> Part {
    let mut part = Part::new(
        "findings",
        &[
            "severity",
            "code",
            "page",
            "offset",
            "object",
            "message",
            "expected",
            "found",
            "endangers",
            "hint",
        ],
    );
    for finding in findings {
        part.push(vec![
            Field::text(finding.code.severity().to_string()),
            Field::text(finding.code.name()),
            Field::number(finding.page),
            Field::number(finding.offset.and_then(|offset| i64::try_from(offset).ok())),
            finding.owner.as_deref().map_or(Field::Null, Field::text),
            Field::text(&*finding.message),
            Field::number(finding.expected),
            Field::number(finding.found),
            Field::text(finding.code.endangers()),
            Field::text(finding.code.hint()),
        ]);
    }
    part
}
