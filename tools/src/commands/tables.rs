//! `tables`: each table with its rows, pages and indexes, the largest first.

use std::io::Write;

use aludel_sql::Connection;
use aludel_sql::value::ValueRef;

use super::space::{exit_of, fill, walked};
use super::subject::read;
use crate::cli::Target;
use crate::error::{Exit, Failure};
use crate::inspect::walk::{Layout, Owner};
use crate::output::{Field, Part, Report, literal};

/// Prints the tables. Damage leaves out what it hides, and the exit code tells.
///
/// # Errors
/// Those of opening and printing.
pub(super) fn tables(target: &Target, out: &mut dyn Write) -> Result<Exit, Failure> {
    read(target, out, &mut |subject, out| {
        let layout = walked(subject);
        let page_size = subject.image.page_size() as u64;
        // Without a schema that the engine reads, the columns stay unknown.
        let connection = subject.connect().ok();
        let mut owners: Vec<&Owner> = layout
            .owners
            .iter()
            .filter(|owner| owner.kind == "table")
            .collect();
        owners.sort_by(|a, b| {
            b.tally
                .pages()
                .cmp(&a.tally.pages())
                .then_with(|| a.name.cmp(&b.name))
        });
        let mut part = Part::new(
            "tables",
            &[
                "name",
                "rows",
                "pages",
                "bytes",
                "fill",
                "depth",
                "gaps",
                "columns",
                "indexes",
                "index_bytes",
                "root_page",
            ],
        );
        for owner in owners {
            let (indexes, index_pages) = indexes_of(&layout, &owner.name);
            part.push(vec![
                Field::text(&*owner.name),
                Field::Count(owner.tally.entries),
                Field::Count(owner.tally.pages()),
                Field::Bytes(owner.tally.pages() * page_size),
                Field::Percent(fill(&owner.tally, page_size)),
                Field::Count(u64::from(owner.tally.depth)),
                Field::Count(owner.tally.gaps),
                connection
                    .as_ref()
                    .map_or(Field::Null, |connection| columns_of(connection, &owner.name)),
                Field::Count(indexes),
                Field::Bytes(index_pages * page_size),
                Field::Number(i64::from(owner.root)),
            ]);
        }
        let complete = layout.findings.is_empty();
        let mut report = Report::new("dbtool/tables/1");
        report.part(part).complete = complete;
        if layout.stopped {
            report.interrupted();
        }
        report.print(&subject.style, out)?;
        Ok(exit_of(&layout))
    })
}

/// How many indexes a table has, and their pages.
fn indexes_of(layout: &Layout, table: &str) -> (u64, u64) {
    let indexes = layout
        .owners
        .iter()
        .filter(|owner| owner.kind == "index" && owner.table == table);
    indexes.fold((0, 0), |(count, pages), index| {
        (count + 1, pages + index.tally.pages())
    })
}

fn columns_of(connection: &Connection, table: &str) -> Field {
    let name = literal(ValueRef::Text(table.as_bytes()));
    let sql = format!("SELECT count(*) FROM pragma_table_info({name})");
    let count = connection.query_row(&sql, (), |row| row.get::<i64>(0));
    count.map_or(Field::Null, |count| {
        Field::Count(u64::try_from(count).unwrap_or(0))
    })
}
