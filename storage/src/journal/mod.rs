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
//! This module writes and ends journals; [`playback`] reads them.
//!
//! Invariants:
//! - I1 the database is not written before [`Journal::write`] returned.
//! - I2 a journal that is complete stays until the database is synced ([`Journal::finish`] is called after it).

mod playback;

use std::path::{Path, PathBuf};

use playback::{Playback, play_back};
pub(crate) use playback::{delete_if_stale, is_hot, roll_back_hot};

use crate::error::Result;
use crate::format::PageNo;
use crate::format::checksum::journal_checksum;
use crate::format::journal::{HEADER_SIZE, JournalHeader, MAGIC, encode_super_journal};
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
    pub ending: Ending,
    pub syncs: Syncs,
    /// The end of the journal before this one may not be durable: whoever ended it may have died before its sync.
    pub end_in_doubt: bool,
}

/// A complete journal on the disk: its transaction is neither committed nor rolled back.
#[derive(Debug)]
pub(crate) struct Journal {
    file: Box<dyn File>,
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
        let mut nonce = [0; 4];
        place.vfs.random(&mut nonce);
        let mut header = JournalHeader {
            record_count: 0,
            nonce: u32::from_le_bytes(nonce),
            page_count_before,
            sector_size: file.sector_size(),
            page_size,
        };
        header.record_count = write_records(&*file, &header, super_journal, originals)?;
        if place.syncs.content {
            file.sync(SyncKind::Data)?;
            place.vfs.sync_dir(folder_of(place.journal))?;
        }
        let mut ready = [0; HEADER_SIZE];
        ready[..8].copy_from_slice(&MAGIC);
        ready[8..12].copy_from_slice(&header.record_count.to_be_bytes());
        file.write_at(&ready[..12], 0)?;
        if place.syncs.content {
            file.sync(SyncKind::Data)?;
        }
        Ok(Journal { file })
    }

    /// Puts the database back as it was, from this journal.
    pub(crate) fn undo(&self, database: &dyn File) -> Result<()> {
        play_back(&*self.file, database, Playback::Own)
    }

    /// Ends the transaction: after this the journal is not hot any more. The database must be durable.
    pub(crate) fn finish(self, place: &Place<'_>) -> Result<()> {
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

/// Writes header and records, gathered, and returns the record count. The header's magic and count stay zero.
fn write_records<P: AsRef<[u8]>>(
    file: &dyn File,
    header: &JournalHeader,
    super_journal: Option<&Path>,
    originals: impl Iterator<Item = Result<(PageNo, P)>>,
) -> Result<u32> {
    let mut out = Vec::with_capacity(header.sector_size as usize + 4 * header.record_size() as usize);
    header.encode(&mut out);
    out[..12].fill(0);
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
    if let Some(name) = super_journal {
        let lock_byte_page = PageNo::lock_byte_page(header.page_size as usize);
        encode_super_journal(
            lock_byte_page.get(),
            name.as_os_str().as_encoded_bytes(),
            &mut out,
        );
    }
    file.write_at(&out, offset)?;
    let end = offset + out.len() as u64;
    // A trailer counts only at the end of the file, and an old one there would be taken for ours.
    if file.len()? > end {
        file.set_len(end)?;
    }
    Ok(count)
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
