//! `PRAGMA integrity_check`, `quick_check` and `foreign_key_check`.
//!
//! ```text
//!   trees   storage::maintenance::check      pages, cells, order, freelist, each page used once
//!   rows    this module                      NOT NULL, types, CHECK; each row in each index, and no entry without a row
//! ```
//!
//! Where the trees are sound, rows and entries of an index are first added up and compared as sums (`tally`).
//!
//! The quick check leaves the indexes' contents out. Findings are in SQLite's words; damage that stops the check of a table is
//! a finding as well, and the next table goes on.

mod foreign_key;
mod rows;
mod tally;

use std::sync::Arc;

use aludel_storage::btree::TreeKind;
use aludel_storage::format::PageNo;
use aludel_storage::maintenance::{CheckOptions, TreeRoot, check};
use aludel_storage::pager::TransactionState;

use super::{PragmaContext, Request, Row, text};
use crate::catalog::{Database, Table};
use crate::error::{Error, Result};

pub(super) use foreign_key::foreign_key_check;

/// Findings listed when no number is given.
const FINDINGS_MAX: usize = 100;

pub(super) fn full(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    run(request, context, Depth::Full)
}

pub(super) fn quick(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    run(request, context, Depth::Quick)
}

/// How much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// Without the contents of indexes.
    Quick,
    /// All.
    Full,
}

/// Findings, up to a number.
struct Findings {
    rows: Vec<Row>,
    left: usize,
}

impl Findings {
    fn add(&mut self, finding: &str) {
        self.add_lines(finding, 1);
    }

    /// None yet, and as many may be found.
    fn none_yet(&self) -> Findings {
        Findings {
            rows: Vec::new(),
            left: self.left,
        }
    }

    /// Adds others, each of which is one row.
    fn append(&mut self, others: Findings) {
        self.left = others.left;
        self.rows.extend(others.rows);
    }

    /// One row of the answer that tells several findings.
    fn add_lines(&mut self, lines: &str, count: usize) {
        if self.left > 0 {
            self.left = self.left.saturating_sub(count);
            self.rows.push(vec![text(lines)]);
        }
    }

    fn is_full(&self) -> bool {
        self.left == 0
    }
}

fn run(request: &Request<'_>, context: &mut PragmaContext<'_>, depth: Depth) -> Result<Vec<Row>> {
    let number = request.value.and_then(|value| value.trim().parse::<i64>().ok());
    let only_table = request.value.filter(|_| number.is_none());
    let left = number
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| *number > 0);
    let mut findings = Findings {
        rows: Vec::new(),
        left: left.unwrap_or(FINDINGS_MAX),
    };
    let mut known = false;
    for number in 0..context.state.databases.len() {
        if request.database.is_some_and(|wanted| wanted != number) {
            continue;
        }
        known |= check_database(number, only_table, context, depth, &mut findings)?;
    }
    if let Some(name) = only_table.filter(|_| !known) {
        return Err(Error::sql(format!("no such table: {name}")));
    }
    if findings.rows.is_empty() {
        findings.rows.push(vec![text("ok")]);
    }
    Ok(findings.rows)
}

/// Checks one database inside a read transaction; whether it has the table asked for.
fn check_database(
    number: usize,
    only_table: Option<&str>,
    context: &mut PragmaContext<'_>,
    depth: Depth,
    findings: &mut Findings,
) -> Result<bool> {
    let pager = &mut context.state.databases[number].pager;
    let was_open = pager.state() != TransactionState::None;
    pager.begin_read()?;
    let result = check_open_database(number, only_table, context, depth, findings);
    if !was_open {
        context.state.databases[number].pager.end_read();
    }
    result
}

fn check_open_database(
    number: usize,
    only_table: Option<&str>,
    context: &mut PragmaContext<'_>,
    depth: Depth,
    findings: &mut Findings,
) -> Result<bool> {
    let database = &context.state.databases[number];
    if database.pager.page_count() == 0 {
        return Ok(only_table.is_none());
    }
    let tables = tables_of(database, only_table);
    check_trees(database, &tables, only_table.is_none(), findings)?;
    for table in &tables {
        if findings.is_full() {
            break;
        }
        match rows::check_table(number, table, context, depth, findings) {
            // The trees' findings tell where; this one tells what could not be looked at because of it.
            Err(error @ (Error::Storage(_) | Error::Corrupt { .. })) => findings.add(&format!(
                "rows of table {} could not be checked: {error}",
                table.name
            )),
            result => result?,
        }
    }
    let asked = check_virtual_tables(number, only_table, context, depth, findings)?;
    Ok(asked || !tables.is_empty() || only_table.is_none())
}

/// Asks the code of virtual tables; whether there was one to ask.
fn check_virtual_tables(
    number: usize,
    only: Option<&str>,
    context: &mut PragmaContext<'_>,
    depth: Depth,
    findings: &mut Findings,
) -> Result<bool> {
    let schema = &context.state.databases[number].schema;
    let wanted = |table: &&Arc<Table>| {
        table.is_virtual() && only.is_none_or(|name| table.name.eq_ignore_ascii_case(name))
    };
    let mut tables: Vec<Arc<Table>> = schema.tables.values().filter(wanted).cloned().collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    for table in &tables {
        let Some(code) = table.virtual_table.as_ref().filter(|_| !findings.is_full()) else {
            break;
        };
        let found = context
            .state
            .under_locks(|own| code.integrity(own, depth == Depth::Quick));
        match found {
            Err(Error::Interrupt) => return Err(Error::Interrupt),
            Err(error) => findings.add(&format!("unable to validate {}: {error}", table.name)),
            Ok(lines) => lines.iter().for_each(|line| findings.add(line)),
        }
    }
    Ok(!tables.is_empty())
}

/// The tables to check, by name.
fn tables_of(database: &Database, only: Option<&str>) -> Vec<Arc<Table>> {
    let wanted = |table: &&Arc<Table>| match only {
        _ if table.is_virtual() => false,
        Some(name) => table.name.eq_ignore_ascii_case(name),
        None => table.root != PageNo::ONE,
    };
    let mut tables: Vec<Arc<Table>> = database.schema.tables.values().filter(wanted).cloned().collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    tables
}

/// Checks the trees of the tables; with `whole`, the schema table's too, and that each page of the file is used once.
fn check_trees(
    database: &Database,
    tables: &[Arc<Table>],
    whole: bool,
    findings: &mut Findings,
) -> Result<()> {
    let mut roots = Vec::new();
    if whole {
        roots.push(TreeRoot {
            root: PageNo::ONE,
            kind: Some(TreeKind::Table),
            order: None,
        });
    }
    for table in tables {
        let (kind, order) = match &table.without_rowid {
            None => (TreeKind::Table, None),
            Some(tree) => (TreeKind::Index, Some(Arc::clone(&tree.order))),
        };
        roots.push(TreeRoot {
            root: table.root,
            kind: Some(kind),
            order,
        });
        for index in &table.indexes {
            let order = Some(Arc::clone(&index.order));
            roots.push(TreeRoot {
                root: index.root,
                kind: Some(TreeKind::Index),
                order,
            });
        }
    }
    let options = CheckOptions {
        findings_max: findings.left,
        whole,
    };
    let report = check(&database.pager, &roots, &options)?;
    if !report.is_ok() {
        let lines: Vec<&str> = report
            .findings
            .iter()
            .map(|finding| finding.message.as_str())
            .collect();
        let told = format!("*** in database {} ***\n{}", database.name, lines.join("\n"));
        findings.add_lines(&told, lines.len());
    }
    Ok(())
}
