//! `check`: looks for damage and lists what it finds.

use std::io::Write;

use aludel_sql::Connection;
use aludel_sql::value::ValueRef;
use serde_json::json;

use super::open::{Access, open};
use crate::cli::Target;
use crate::error::{Exit, Failure};
use crate::output::{Format, json_of};

/// Findings listed at most; the check says so when it stops there.
const FINDINGS_MAX: usize = 10_000;

/// Prints the findings of the integrity check, or `ok`. Exit code 1 tells that there are some.
///
/// # Errors
/// A file that cannot be opened, an output that is closed.
pub fn check(target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    let connection = open(&target.file, Access::Read)?;
    let findings = collect(&connection)?;
    match Format::or_default(target.print.format) {
        Format::Json => {
            let clean = findings.is_empty();
            let complete = findings.len() < FINDINGS_MAX;
            let document = json!({ "schema": "dbtool/check/1", "clean": clean, "findings": findings, "complete": complete });
            json_of(out, &document)?;
        }
        format => print(&findings, format, out)?,
    }
    Ok(if findings.is_empty() {
        Exit::Done
    } else {
        Exit::Findings
    })
}

/// What the engine's integrity check says; nothing when it says `ok`. Damage that stops the check is a finding.
fn collect(connection: &Connection) -> Result<Vec<String>, Failure> {
    let sql = format!("PRAGMA integrity_check({FINDINGS_MAX})");
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
    const CORRUPT: i32 = 11;
    if error.extended_code() & 0xff != CORRUPT {
        return Err(Failure::sql(error, sql));
    }
    findings.push(error.to_string());
    Ok(findings)
}

fn print(findings: &[String], format: Format, out: &mut dyn Write) -> Result<(), Failure> {
    if findings.is_empty() && !format.is_for_programs() {
        writeln!(out, "ok")?;
        return Ok(());
    }
    let mut rows = format.rows("dbtool/check/1", out);
    rows.columns(&["finding".to_owned()])?;
    for finding in findings {
        rows.row(&[ValueRef::Text(finding.as_bytes())])?;
    }
    rows.end(findings.len() < FINDINGS_MAX)?;
    Ok(())
}
