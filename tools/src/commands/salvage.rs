//! `salvage`: what can be read of a damaged file, in a new one.

use std::io::Write;
use std::sync::Arc;

use aludel_sql::recover::{RecoverOptions, RecoverReport, RecoveredTable, recover};

use super::new_file::NewFile;
use super::subject::read_any;
use crate::cli::Salvage;
use crate::error::{Exit, Failure};
use crate::inspect::image::ImageAndDisk;
use crate::interrupt::Interrupt;
use crate::output::{Field, Part, Report};

/// Rebuilds what can be read of a file into a new one: by its schema, and what fits nowhere in `lost_and_found`.
///
/// # Errors
/// A name that is taken, and those of reading and writing. Damage is in the report.
pub(super) fn salvage(salvage: &Salvage, out: &mut dyn Write) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen();
    // It is the work that ends when it is pressed, so that the unfinished file goes.
    interrupt.stay();
    read_any(&salvage.target, out, &mut |subject, out| {
        let new = NewFile::begin(&salvage.output)?;
        let world = Arc::new(ImageAndDisk::of(Arc::clone(&subject.image)));
        let pressed = interrupt.clone();
        let options = RecoverOptions::new()
            .freed(salvage.freed)
            .vfs(world)
            .stop_when(move || pressed.was_pressed());
        let told = recover(subject.image.path(), new.draft(), &options).map_err(|error| match error {
            aludel_sql::Error::Interrupt => Failure::InterruptedBefore(salvage.output.clone()),
            error => Failure::cannot_write(&salvage.output, error),
        })?;
        subject.image.verify()?;
        new.finish()?;
        let whole = told.is_whole();
        report_of(salvage, &told).print(&subject.style, out)?;
        Ok(if whole { Exit::Done } else { Exit::Damaged })
    })
}

/// Rows of which a part is missing, or against which something speaks.
fn doubtful(table: &RecoveredTable) -> u64 {
    table.found.cut + table.found.doubtful
}

fn report_of(salvage: &Salvage, told: &RecoverReport) -> Report {
    let mut report = Report::new("dbtool/salvage/1");
    report.fact("from", salvage.target.file.display().to_string());
    report.fact("to", salvage.output.display().to_string());
    report.fact("whole", told.is_whole());
    report.fact("header_was_sound", told.header_was_sound);
    report.fact("pages", Field::Count(u64::from(told.page_count)));
    let sum = |count: fn(&RecoveredTable) -> u64| Field::Count(told.tables.iter().map(count).sum());
    report.fact("rows_kept", sum(|table| table.kept));
    report.fact("rows_doubtful", sum(doubtful));
    let strays = told.lost_and_found.as_ref().map_or(0, |(_, rows)| *rows);
    report.fact("rows_without_table", Field::Count(strays));
    report.fact("lost_cells", sum(|table| table.found.lost_cells));
    report.fact("lost_pages", sum(|table| table.found.lost_pages));
    report.fact("odd_pages", sum(|table| table.found.odd_pages));
    report.fact("unnamed_pages", Field::Count(u64::from(told.unnamed_pages)));
    let name = told.lost_and_found.as_ref().map(|(name, _)| name.as_str());
    report.fact("lost_and_found", name.map_or(Field::Null, Field::text));
    let mut tables = Part::new(
        "tables",
        &[
            "table",
            "kept",
            "doubtful",
            "refused",
            "lost_cells",
            "lost_pages",
            "odd_pages",
        ],
    );
    for table in &told.tables {
        tables.push(vec![
            Field::text(&*table.name),
            Field::Count(table.kept),
            Field::Count(doubtful(table)),
            Field::Count(table.refused),
            Field::Count(table.found.lost_cells),
            Field::Count(table.found.lost_pages),
            Field::Count(table.found.odd_pages),
        ]);
    }
    report.part(tables);
    let mut failures = Part::new("failures", &["object", "reason"]);
    for (name, reason) in &told.failures {
        failures.push(vec![Field::text(&**name), Field::text(&**reason)]);
    }
    report.part(failures);
    if told.is_whole() {
        report.note("nothing is known to be missing");
    } else {
        report.note("kept: in their tables; doubtful: kept, with NULL for what is missing, or with something that speaks against them; without table: in lost_and_found");
        report.note("odd pages: their bytes do not add up; unnamed pages: nothing leads to them");
        if !told.virtual_tables.is_empty() {
            report.note("tables of virtual tables are as they were found: rebuild a full-text index with INSERT INTO t(t) VALUES('rebuild')");
        }
    }
    report.complete = told.is_whole();
    report
}
