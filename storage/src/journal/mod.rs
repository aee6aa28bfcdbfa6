//! Floor 2a: the rollback journal, which makes a commit atomic by keeping the pages as they were.
//!
//! ```text
//!   write the old pages ─▶ sync ─▶ put magic and count in the header ─▶ sync ─▶ (change the database, sync it) ─▶ delete
//!        not hot                            from here on hot: whoever comes rolls back            the commit ◀┘
//! ```
//!
//! The header's first twelve bytes stay zero until every record is durable, so a journal that a crash left half-written is not
//! hot and is ignored. SQLite in its NORMAL mode syncs once, which lets a torn journal be played back; we always order the two.
//!
//! In delete mode with a synced end (FULL, EXTRA) that is done with one sync less, under another name: [`spare`].
//!
//! This module writes and ends journals; [`playback`] reads them.
//!
//! Invariants:
//! - I1 the database is not written before [`Journal::write`] returned.
//! - I2 a journal that is complete stays until the database is synced ([`Journal::finish`] is called after it).
//! - I3 a journal is played back only when it and its name are durable ([`roll_back_hot`] syncs both first).

mod playback;
mod spare;

use std::path::{Path, PathBuf};

use playback::{Playback, play_back};
pub(crate) use playback::{delete_if_stale, is_hot, roll_back_hot};
pub(crate) use spare::Kept;

use crate::error::Result;
use crate::format::PageNo;
use crate::format::checksum::journal_checksum;
use crate::format::journal::{JournalHeader, MAGIC, encode_super_journal};
use crate::vfs::{File, OpenOptions, SyncKind, Vfs, WRITE_CHUNK, folder_of};

/// What becomes of the journal file when its transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is deleted.
    Delete,
    /// It is cut to nothing.
    Truncate,
    /// The magic at its front is overwritten with zeros.
    ZeroMagic,
}

/// Which syncs a journal gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Syncs {
    /// The journal before the database is changed.
    pub content: bool,
    /// The folder, or the emptied journal, after the transaction: without it a commit may be undone by a power loss.
    pub ending: bool,
}

/// Where a database's journal is and how it is treated.
pub(crate) struct Place<'a> {
    pub vfs: &'a dyn Vfs,
    pub database: &'a Path,
    pub journal: &'a Path,
    /// Given with [`Ending::Delete`] where all syncs are made.
    pub spare: Option<Spare<'a>>,
    pub ending: Ending,
    pub syncs: Syncs,
    /// The end of the journal before this one may not be durable: whoever ended it may have died before its sync.
    pub end_in_doubt: bool,
}

/// The file that may become the journal, see [`spare`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spare<'a> {
    pub path: &'a Path,
    /// The one that this connection left.
    pub kept: Option<Kept>,
    /// Whether there is to be one after the transaction.
    pub keep: bool,
}

/// A complete journal on the disk: its transaction is neither committed nor rolled back.
#[derive(Debug)]
pub(crate) struct Journal {
    file: Box<dyn File>,
    /// Set if it was written as spare file.
    published: Option<spare::Published>,
}

impl Journal {
    /// Writes a journal of `page_count_before` pages with these originals and makes it durable and hot.
    ///
    /// After an error the file may still be there, but it is not hot unless its very last sync failed.
    pub(crate) fn write<P: AsRef<[u8]>>(
        place: &Place<'_>,
        page_size: u32,
        page_count_before: u32,
        super_journal: Option<&Path>,
        originals: impl Iterator<Item = Result<(PageNo, P)>>,
    ) -> Result<Journal> {
        // Where there can be no spare file it is done without, or that says better why not.
        if let Some(spare) = &place.spare
            && super_journal.is_none()
            && let Ok(file) = spare::take(place, spare)
        {
            let header = new_header(place.vfs, &*file, page_size, page_count_before);
            return spare::write(place, spare.path, file, &header, originals);
        }
        let options = OpenOptions {
            create: true,
            permissions_of: Some(place.database),
            ..OpenOptions::default()
        };
        let file = place.vfs.open(place.journal, &options)?;
        if place.end_in_doubt && place.ending != Ending::Delete && place.syncs.content {
            // Else a power loss could find the old header with some of our records.
            file.sync(SyncKind::Data)?;
        }
        let header = new_header(place.vfs, &*file, page_size, page_count_before);
        let (header, mut end) = write_records(&*file, &header, false, originals)?;
        if let Some(name) = super_journal {
            end += write_trailer(&*file, &header, name, end)?;
        }
        // A trailer counts only at the end of the file, and an old one there would be taken for ours.
        if file.len()? > end {
            file.set_len(end)?;
        }
        if place.syncs.content {
            file.sync(SyncKind::Data)?;
            place.vfs.sync_dir(folder_of(place.journal))?;
        }
        file.write_at(&ready(header.record_count), 0)?;
        if place.syncs.content {
            file.sync(SyncKind::Data)?;
        }
        Ok(Journal {
            file,
            published: None,
        })
    }

    /// True if the spare file became this journal.
    pub(crate) fn was_spare(&self) -> bool {
        self.published.is_some()
    }

    /// Puts the database back as it was, from this journal.
    pub(crate) fn undo(&self, database: &dyn File) -> Result<()> {
        play_back(&*self.file, database, Playback::Own)
    }

    /// Ends the transaction: after this the journal is not hot any more. The database must be durable. Returns the spare file that it
    /// becomes.
    pub(crate) fn finish(self, place: &Place<'_>) -> Result<Option<Kept>> {
        match &self.published {
            Some(published) => spare::end(place, self.file, published),
            None => finish(place, self.file).map(|()| None),
        }
    }

    /// As [`Journal::finish`], after [`Journal::undo`]. Nothing is kept.
    pub(crate) fn finish_undone(self, place: &Place<'_>) -> Result<()> {
        finish(place, self.file)
    }
}

/// Ends a journal of which the file is open.
pub(crate) fn finish(place: &Place<'_>, file: Box<dyn File>) -> Result<()> {
    match place.ending {
        Ending::Delete => {
            drop(file);
            place.vfs.unlink(place.journal)?;
            if place.syncs.ending {
                place.vfs.sync_dir(folder_of(place.journal))?;
            }
            Ok(())
        }
        // The next journal is written over this one, so its end must be durable first, whatever the mode: else a power loss could
        // find this header with that journal's records.
        Ending::Truncate => {
            file.set_len(0)?;
            if place.syncs.content {
                file.sync(SyncKind::Data)
            } else {
                Ok(())
            }
        }
        // The magic only: a tear leaves it broken or whole. Were the counts zeroed with it, a tear could leave the magic in front of
        // a page count of zero, and rolling that back would cut the database to nothing.
        Ending::ZeroMagic => {
            file.write_at(&[0; MAGIC.len()], 0)?;
            if place.syncs.content {
                file.sync(SyncKind::Data)
            } else {
                Ok(())
            }
        }
    }
}

fn new_header(vfs: &dyn Vfs, journal: &dyn File, page_size: u32, page_count_before: u32) -> JournalHeader {
    let mut nonce = [0; 4];
    vfs.random(&mut nonce);
    JournalHeader {
        record_count: 0,
        nonce: u32::from_le_bytes(nonce),
        page_count_before,
        sector_size: journal.sector_size(),
        page_size,
    }
}

/// The first bytes of a header, which say that it is one and how many records follow.
fn ready(record_count: u32) -> [u8; READY_SIZE] {
    let mut bytes = [0; READY_SIZE];
    bytes[..MAGIC.len()].copy_from_slice(&MAGIC);
    bytes[MAGIC.len()..].copy_from_slice(&record_count.to_be_bytes());
    bytes
}

const READY_SIZE: usize = 12;

/// Writes header and records, gathered, and returns the header with the number of records, and where they end. What stands in the
/// file is `ready` at once, or has zeros for magic and count.
fn write_records<P: AsRef<[u8]>>(
    file: &dyn File,
    header: &JournalHeader,
    is_ready: bool,
    originals: impl Iterator<Item = Result<(PageNo, P)>>,
) -> Result<(JournalHeader, u64)> {
    let mut out = Vec::with_capacity(header.sector_size as usize + 4 * header.record_size() as usize);
    header.encode(&mut out);
    out[..READY_SIZE].fill(0);
    let mut offset = 0;
    let mut count = 0;
    for original in originals {
        let (page, bytes) = original?;
        let bytes = bytes.as_ref();
        out.extend_from_slice(&page.get().to_be_bytes());
        out.extend_from_slice(bytes);
        out.extend_from_slice(&journal_checksum(header.nonce, bytes).to_be_bytes());
        count += 1;
        if out.len() >= WRITE_CHUNK {
            file.write_at(&out, offset)?;
            offset += out.len() as u64;
            out.clear();
        }
    }
    if is_ready && offset == 0 {
        out[..READY_SIZE].copy_from_slice(&ready(count));
    } else if is_ready {
        file.write_at(&ready(count), 0)?;
    }
    file.write_at(&out, offset)?;
    let header = JournalHeader {
        record_count: count,
        ..*header
    };
    Ok((header, offset + out.len() as u64))
}

/// Writes the name of the super-journal behind the records; its length.
fn write_trailer(file: &dyn File, header: &JournalHeader, super_journal: &Path, end: u64) -> Result<u64> {
    let lock_byte_page = PageNo::lock_byte_page(header.page_size as usize);
    let name = super_journal.as_os_str().as_encoded_bytes();
    let mut out = Vec::new();
    encode_super_journal(lock_byte_page.get(), name, &mut out);
    file.write_at(&out, end)?;
    Ok(out.len() as u64)
}

/// Writes a super-journal: the names of all journals of one commit. Returns its path.
pub(crate) fn write_super_journal(
    vfs: &dyn Vfs,
    database: &Path,
    journals: &[PathBuf],
    sync: bool,
) -> Result<PathBuf> {
    let path = loop {
        let mut random = [0; 4];
        vfs.random(&mut random);
        let suffix = format!("-mj{:06X}9{:02X}", u32::from_le_bytes(random) >> 8, random[0]);
        let path = crate::vfs::sibling(database, &suffix);
        if !vfs.exists(&path)? {
            break path;
        }
    };
    let mut names = Vec::new();
    for journal in journals {
        names.extend_from_slice(journal.as_os_str().as_encoded_bytes());
        names.push(0);
    }
    let options = OpenOptions {
        create: true,
        permissions_of: Some(database),
        ..OpenOptions::default()
    };
    let file = vfs.open(&path, &options)?;
    let written = file.write_at(&names, 0).and_then(|()| {
        if sync {
            file.sync(SyncKind::Data)?;
            vfs.sync_dir(folder_of(&path))?;
        }
        Ok(())
    });
    if let Err(error) = written {
        let _ = vfs.unlink(&path);
        return Err(error);
    }
    Ok(path)
}
