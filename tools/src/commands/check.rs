//! `check`: looks for damage and lists what it finds.

use std::io::Write;

use aludel_sql::Connection;
use aludel_sql::value::ValueRef;

use super::subject::{is_damage, read};
use crate::cli::Check;
use crate::error::{Exit, Failure};
use crate::output::{Field, Part, Report};

/// Prints the findings of the integrity check, or `ok`. Exit code 1 tells that there are some.
///
/// # Errors
/// A file that cannot be opened, an output that is closed.
pub(super) fn check(check: &Check, out: &mut dyn Write) -> Result<Exit, Failure> {
    read(&check.target, out, &mut |subject, out| {
        let findings = collect(&subject.connect()?, check.limit)?;
        let clean = findings.is_empty();
        if clean && !subject.style.format.is_for_programs() {
            writeln!(out, "ok")?;
            return Ok(Exit::Done);
        }
        let mut report = Report::new("dbtool/check/1");
        report.fact("clean", clean);
        let mut part = Part::new("findings", &["finding"]);
        findings
            .iter()
            .for_each(|finding| part.push(vec![Field::text(finding)]));
        report.part(part).complete = findings.len() < check.limit;
        report.print(&subject.style, out)?;
        Ok(if clean { Exit::Done } else { Exit::Findings })
    })
}

/// What the engine's integrity check says; nothing when it says `ok`. Damage that stops the check is a finding.
fn collect(connection: &Connection, limit: usize) -> Result<Vec<String>, Failure> {
    let sql = format!("PRAGMA integrity_check({limit})");
    let mut findings = Vec::new();
    let mut statement = match connection.prepare(&sql) {
        Ok(statement) => statement,
        Err(error) => return damage_or_failure(error, &sql, findings),
    };
    loop {
        match statement.step() {
            Ok(true) => {
                if let ValueRef::Text(text) = statement.value(0) {
                    findings.push(String::from_utf8_lossy(text).into_owned());
                }
            }
            Ok(false) => break,
            Err(error) => return damage_or_failure(error, &sql, findings),
        }
    }
    if findings == ["ok"] {
        findings.clear();
    }
    Ok(findings)
}

fn damage_or_failure(
    error: aludel_sql::Error,
    sql: &str,
    mut findings: Vec<String>,
) -> Result<Vec<String>, Failure> {
    if !is_damage(&error) {
        return Err(Failure::sql(error, sql));
    }
    findings.push(error.to_string());
    Ok(findings)
}
