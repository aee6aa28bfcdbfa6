//! The journal that is kept: in delete mode, where the end of a transaction is synced, the file is not deleted but gets another name, and the
//! next transaction writes it again.
//!
//! ```text
//!   1   x-journal-spare                   records, and the header with their count
//!   2   sync                              the file
//!   3   x-journal-spare ─▶ x-journal      sync the folder: from here on hot
//!   4                                     change the database, sync it
//!   5   x-journal ─▶ x-journal-spare      the commit
//!   6   sync                              the folder; then the commit is acknowledged
//! ```
//!
//! That is four syncs. A journal that is written under its own name needs five, since nothing but a sync between its records and its header keeps
//! a half of it from being hot; and the syncs are cheaper, because the file's blocks and its length stay as they are. What others find
//! is the same: a file named `x-journal` that is a journal, or none. SQLite never looks at the spare file.
//!
//! - S1 the name `x-journal` is given only to a file that is complete and durable, and while Exclusive is held; the database is written only
//!   when the name is durable, and the name is taken away only when the database is.
//! - S2 what is written as spare file is new, or was given this name by this connection and durably: its first bytes, with
//!   the nonce that this connection drew, are still there ([`Kept`]). Everything else of that name is deleted. So no crash makes a file the journal
//!   again that has been written since: whoever gave it the spare name may have died before that was durable.
//! - S3 the file is opened by its name for each transaction, and written, renamed and deleted only by who holds Reserved. Nobody but the
//!   connection that is about to commit opens it.
//! - S4 what an earlier, longer journal left behind the records cannot be taken for more of this one ([`hide_rest`]).
//!
//! A commit over several files writes its journals under their own names: the name of the super-journal has to be the end of the file. What a
//! dead process leaves as spare file harms nobody; the next commit deletes it.

use std::path::Path;

use super::{Journal, Place, Spare, write_records};
use crate::error::Result;
use crate::format::PageNo;
use crate::format::journal::{HEADER_SIZE, JournalHeader, MAGIC};
use crate::vfs::{File, OpenOptions, SyncKind, Vfs, folder_of, read_whole};

/// Longest journal that is kept when its transaction ends. A longer one is deleted, and its room is free.
const KEPT_MAX: u64 = 1 << 20;

/// How a connection knows the spare file again that it left: by the journal header at its front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept([u8; HEADER_SIZE]);

/// A journal that was written as spare file.
#[derive(Debug)]
pub(super) struct Published {
    mark: Kept,
    len: u64,
}

/// The spare file, to be written from its beginning (S2).
pub(super) fn take(place: &Place<'_>, spare: &Spare<'_>) -> Result<Box<dyn File>> {
    if let Some(mark) = &spare.kept
        && let Some(file) = open_kept(place.vfs, spare.path, mark)
    {
        return Ok(file);
    }
    place.vfs.unlink(spare.path)?;
    let options = OpenOptions {
        create: true,
        permissions_of: Some(place.database),
        ..OpenOptions::default()
    };
    place.vfs.open(spare.path, &options)
}

fn open_kept(vfs: &dyn Vfs, spare: &Path, mark: &Kept) -> Option<Box<dyn File>> {
    let file = vfs.open(spare, &OpenOptions::default()).ok()?;
    let mut first = [0; HEADER_SIZE];
    let count = read_whole(&*file, &mut first, 0).ok()?;
    (count == HEADER_SIZE && first == mark.0).then_some(file)
}

/// Steps 1 to 3. After an error the spare file is gone if it can be deleted; if the folder could not be synced, the journal may have come to be.
pub(super) fn write<P: AsRef<[u8]>>(
    place: &Place<'_>,
    spare: &Path,
    file: Box<dyn File>,
    header: &JournalHeader,
    originals: impl Iterator<Item = Result<(PageNo, P)>>,
) -> Result<Journal> {
    let written = write_durably(&*file, header, originals)
        .and_then(|published| place.vfs.rename(spare, place.journal).map(|()| published));
    let published = written.inspect_err(|_| drop(place.vfs.unlink(spare)))?;
    place.vfs.sync_dir(folder_of(place.journal))?;
    Ok(Journal {
        file,
        published: Some(published),
    })
}

fn write_durably<P: AsRef<[u8]>>(
    file: &dyn File,
    header: &JournalHeader,
    originals: impl Iterator<Item = Result<(PageNo, P)>>,
) -> Result<Published> {
    let (header, end) = write_records(file, header, true, originals)?;
    let len = hide_rest(file, end, header.sector_size)?;
    file.sync(SyncKind::Data)?;
    let mut first = Vec::with_capacity(header.sector_size as usize);
    header.encode(&mut first);
    let mut mark = [0; HEADER_SIZE];
    mark.copy_from_slice(&first[..HEADER_SIZE]);
    Ok(Published {
        mark: Kept(mark),
        len,
    })
}

/// Whoever reads a journal goes on behind its records where a header stands at the next sector border, and takes what ends with the magic
/// for the name of a super-journal. Where old bytes look like that, the file is cut. Returns its length.
fn hide_rest(file: &dyn File, end: u64, sector_size: u32) -> Result<u64> {
    let len = file.len()?;
    if len <= end {
        return Ok(len);
    }
    let next_header = end.next_multiple_of(u64::from(sector_size));
    let trailer = len - (MAGIC.len() as u64).min(len);
    if has_magic(file, next_header)? || has_magic(file, trailer)? {
        file.set_len(end)?;
        return Ok(end);
    }
    Ok(len)
}

fn has_magic(file: &dyn File, offset: u64) -> Result<bool> {
    let mut bytes = [0; MAGIC.len()];
    let count = read_whole(file, &mut bytes, offset)?;
    Ok(count == bytes.len() && bytes == MAGIC)
}

/// Steps 5 and 6. Returns what the next transaction of this connection writes again. A journal that is not to be kept is deleted.
pub(super) fn end(place: &Place<'_>, file: Box<dyn File>, published: &Published) -> Result<Option<Kept>> {
    drop(file);
    let spare = place
        .spare
        .filter(|spare| spare.keep && published.len <= KEPT_MAX);
    // Where the name cannot be given, the journal ends as all others.
    let kept = spare.is_some_and(|spare| place.vfs.rename(place.journal, spare.path).is_ok());
    if !kept {
        place.vfs.unlink(place.journal)?;
    }
    place.vfs.sync_dir(folder_of(place.journal))?;
    Ok(kept.then_some(published.mark))
}
