//! `copy` and `salvage`: new files from old ones. The new name must be free; it appears when the file is whole and on the disk.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use aludel_sql::recover::{RecoverOptions, recover};

use super::progress::Progress;
use super::subject::{Subject, read_any};
use crate::cli::{Copy, Salvage};
use crate::error::{Exit, Failure};
use crate::output::{Field, Part, Report};

/// Copies the recovered state of a file, page by page, and compares the copy with it.
///
/// # Errors
/// A name that is taken, and those of reading and writing.
pub(super) fn copy(copy: &Copy, out: &mut dyn Write) -> Result<Exit, Failure> {
    refuse_existing(&copy.to)?;
    read_any(&copy.target, out, &mut |subject, out| {
        subject.image.require_database()?;
        let failed = |error| Failure::cannot_write(&copy.to, error);
        let mut temporary = tempfile::Builder::new()
            .prefix(".dbtool-")
            .tempfile_in(folder_of(&copy.to))
            .map_err(failed)?;
        write_pages(subject, temporary.as_file_mut(), &copy.to)?;
        temporary.as_file().sync_all().map_err(failed)?;
        compare_pages(subject, &temporary.reopen().map_err(failed)?, &copy.to)?;
        subject.image.verify()?;
        temporary
            .persist_noclobber(&copy.to)
            .map_err(|error| failed(error.error))?;
        sync_folder(&copy.to);
        let mut report = Report::new("dbtool/copy/1");
        report.fact("from", copy.target.file.display().to_string());
        report.fact("to", copy.to.display().to_string());
        report.fact("pages", Field::Count(u64::from(subject.image.page_count())));
        report.fact(
            "bytes",
            Field::Bytes(u64::from(subject.image.page_count()) * subject.image.page_size() as u64),
        );
        report.fact("shows", subject.image.state().words());
        report.fact("compared", true);
        report.print(&subject.style, out)?;
        Ok(Exit::Done)
    })
}

fn write_pages(subject: &Subject, to: &mut File, name: &Path) -> Result<(), Failure> {
    let image = &subject.image;
    let mut progress = Progress::new(image.page_count(), image.page_size());
    let mut writer = std::io::BufWriter::with_capacity(1 << 20, to);
    let mut page = Vec::new();
    for number in 1..=image.page_count() {
        image
            .page(number, &mut page)
            .map_err(|error| Failure::cannot_open(image.path(), error))?;
        writer
            .write_all(&page)
            .map_err(|error| Failure::cannot_write(name, error))?;
        if number.is_multiple_of(1024) {
            progress.at(number, "copying");
        }
    }
    writer.flush().map_err(|error| Failure::cannot_write(name, error))
}

fn compare_pages(subject: &Subject, copied: &File, name: &Path) -> Result<(), Failure> {
    let image = &subject.image;
    let mut reader = std::io::BufReader::with_capacity(1 << 20, copied);
    let (mut page, mut found) = (Vec::new(), vec![0; image.page_size()]);
    for number in 1..=image.page_count() {
        image
            .page(number, &mut page)
            .map_err(|error| Failure::cannot_open(image.path(), error))?;
        reader
            .read_exact(&mut found)
            .map_err(|error| Failure::cannot_write(name, error))?;
        if page != found {
            let reason = format!("page {number} of the copy is not what was written");
            return Err(Failure::cannot_write(name, reason));
        }
    }
    Ok(())
}

/// Rebuilds what can be read of a file into a new one.
///
/// # Errors
/// A name that is taken, and those of reading and writing. Damage is in the report.
pub(super) fn salvage(salvage: &Salvage, out: &mut dyn Write) -> Result<Exit, Failure> {
    refuse_existing(&salvage.output)?;
    // Waits for writers, and says what cannot be opened in the words of the other commands.
    let subject = Subject::open_any(&salvage.target)?;
    let failed = |error| Failure::cannot_write(&salvage.output, error);
    let folder = tempfile::Builder::new()
        .prefix(".dbtool-")
        .tempdir_in(folder_of(&salvage.output))
        .map_err(failed)?;
    let rebuilt = folder.path().join("rebuilt.db");
    let options = RecoverOptions::new().freed(salvage.freed);
    let told = recover(subject.image.path(), &rebuilt, &options)
        .map_err(|error| Failure::cannot_open(subject.image.path(), error))?;
    File::open(&rebuilt)
        .and_then(|file| file.sync_all())
        .map_err(failed)?;
    tempfile::TempPath::try_from_path(&rebuilt)
        .map_err(failed)?
        .persist_noclobber(&salvage.output)
        .map_err(|error| failed(error.error))?;
    sync_folder(&salvage.output);
    let mut report = Report::new("dbtool/salvage/1");
    report.fact("output", salvage.output.display().to_string());
    let whole = told.is_whole();
    report.fact("whole", whole);
    report.fact("header_was_sound", told.header_was_sound);
    report.fact("pages", Field::Count(u64::from(told.page_count)));
    let kept: u64 = told.tables.iter().map(|table| table.kept).sum();
    report.fact("rows_kept", Field::Count(kept));
    let doubtful = told.lost_and_found.as_ref().map_or(0, |(_, rows)| *rows);
    report.fact("rows_without_table", Field::Count(doubtful));
    report.fact(
        "lost_and_found",
        told.lost_and_found
            .map_or(Field::Null, |(table, _)| Field::Text(table)),
    );
    let mut tables = Part::new(
        "tables",
        &["table", "kept", "refused", "cut", "lost_cells", "lost_pages"],
    );
    for table in told.tables.iter() {
        tables.push(vec![
            Field::text(&*table.name),
            Field::Count(table.kept),
            Field::Count(table.refused),
            Field::Count(table.found.cut),
            Field::Count(table.found.lost_cells),
            Field::Count(table.found.lost_pages),
        ]);
    }
    report.part(tables);
    if !told.failures.is_empty() {
        let mut failures = Part::new("failures", &["object", "reason"]);
        for (name, reason) in &told.failures {
            failures.push(vec![Field::text(&**name), Field::text(&**reason)]);
        }
        report.part(failures);
    }
    report.complete = whole;
    report.print(&subject.style, out)?;
    Ok(if whole { Exit::Done } else { Exit::Damaged })
}

fn refuse_existing(path: &Path) -> Result<(), Failure> {
    if path.symlink_metadata().is_ok() {
        return Err(Failure::Usage(format!(
            "{} is there already: name a new file",
            path.display()
        )));
    }
    Ok(())
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Makes the new name durable, where the file system can.
fn sync_folder(path: &Path) {
    // A folder that cannot be synced has no promise to break: the file itself is on the disk.
    let _ = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
}
