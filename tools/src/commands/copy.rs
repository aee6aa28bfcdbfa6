//! `copy`: the recovered state of a file, also of one in use, as a new file that needs no recovery.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};

use sha1::{Digest, Sha1};

use super::new_file::NewFile;
use super::progress::Progress;
use super::subject::{Subject, read_any};
use crate::cli::Copy;
use crate::error::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::{Field, Report, hex};

/// Copies page by page, reads the copy back and compares checksums. Nothing is left behind when it fails.
///
/// # Errors
/// A name that is taken, and those of reading and writing.
pub(super) fn copy(copy: &Copy, out: &mut dyn Write) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen();
    read_any(&copy.target, out, &mut |subject, out| {
        subject.image.require_database()?;
        let new = NewFile::begin(&copy.to)?;
        let written = write_pages(subject, &new, copy, &interrupt)?;
        // Where no lock held the writers off, this is the last word.
        subject.image.verify()?;
        if read_back(&new, copy)? != written {
            return Err(Failure::cannot_write(
                &copy.to,
                "what the disk gives back is not what was written",
            ));
        }
        new.finish()?;
        let image = &subject.image;
        let mut report = Report::new("dbtool/copy/1");
        report.fact("from", copy.target.file.display().to_string());
        report.fact("to", copy.to.display().to_string());
        report.fact("pages", Field::Count(u64::from(image.page_count())));
        let bytes = u64::from(image.page_count()) * image.page_size() as u64;
        report.fact("bytes", Field::Bytes(bytes));
        report.fact("sha1", hex(&written));
        report.fact("read_with", image.hold().words());
        report.fact("shows", image.state().words());
        report.fact("compared", true);
        report.print(&subject.style, out)?;
        Ok(Exit::Done)
    })
}

/// Bytes that are read or written at once.
const PIECE: usize = 1 << 20;

/// Writes all pages, reaches the disk, and says what the checksum of the whole is.
fn write_pages(
    subject: &Subject,
    new: &NewFile,
    copy: &Copy,
    interrupt: &Interrupt,
) -> Result<[u8; 20], Failure> {
    let image = &subject.image;
    let failed = |error| Failure::cannot_write(&copy.to, error);
    let mut progress = Progress::of(subject);
    let mut file = BufWriter::with_capacity(PIECE, File::create_new(new.draft()).map_err(failed)?);
    let mut hash = Sha1::new();
    let mut page = Vec::new();
    for number in 1..=image.page_count() {
        image
            .page(number, &mut page)
            .map_err(|source| crate::inspect::ImageError::Read {
                path: image.path().to_owned(),
                source,
            })?;
        hash.update(&page);
        file.write_all(&page).map_err(failed)?;
        if number.is_multiple_of(256) {
            progress.at(number, "copying");
            if interrupt.was_pressed() {
                return Err(Failure::Interrupted);
            }
        }
    }
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(hash.finalize().into())
}

fn read_back(new: &NewFile, copy: &Copy) -> Result<[u8; 20], Failure> {
    let failed = |error| Failure::cannot_write(&copy.to, error);
    let mut file = BufReader::new(File::open(new.draft()).map_err(failed)?);
    let mut hash = Sha1::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece).map_err(failed)? {
            0 => return Ok(hash.finalize().into()),
            count => hash.update(&piece[..count]),
        }
    }
}
