//! `check`: looks for damage and lists what it finds.

use std::io::Write;

use super::progress::Progress;
use super::subject::read;
use crate::cli::{Check, FailOn};
use crate::error::{Exit, Failure};
use crate::inspect::check::{CheckOptions, check as check_image};
use crate::inspect::{Finding, Severity};
use crate::output::{Field, Part, Report};

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
        let mut progress = Progress::new(subject.image.page_count(), subject.image.page_size());
        let layout = check_image(&subject.image, &options, &mut |pages, what| {
            progress.at(pages, what)
        });
        drop(progress);
        if layout.findings.is_empty() && !subject.style.format.is_for_programs() {
            writeln!(out, "ok")?;
            return Ok(Exit::Done);
        }
        let mut report = report(&layout.findings);
        report.fact("level", Field::Count(u64::from(options.level)));
        report.fact("shows", subject.image.state().words());
        report.complete = layout.complete;
        report.print(&subject.style, out)?;
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

fn report(findings: &[Finding]) -> Report {
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
    report.part(findings_part(findings));
    report
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
