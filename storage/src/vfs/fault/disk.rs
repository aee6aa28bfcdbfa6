//! The disk under the simulated machine: what its processes see, what is durable, and what lies in between.
//!
//! ```text
//!   inode    durable bytes ──▶ [ write | set length | write ... ] ──▶ seen bytes
//!                              not synced: any part may be lost
//!   folder   durable names ──▶ [ create | unlink | rename ... ]   ──▶ seen names
//!                              not synced: lost from some point on
//! ```
//!
//! - D1. Seen is durable with all pending changes applied in order.
//! - D2. A sync of a file empties its pending list and says nothing about its name; a sync of the folder does the names and says
//!   nothing about bytes.
//! - D3. A sync that fails drops the pending list: the bytes stay visible and never become durable.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::choice::{Decide, Outcome};
use crate::vfs::{MemoryImage, folder_of};

/// Smallest piece of a write that reaches the disk by itself.
pub const SECTOR: usize = 512;

/// A file's number: it stays while names change.
pub type InodeNo = usize;

/// One thing that was done to the disk.
#[derive(Debug, Clone)]
pub enum Op {
    /// A file came to be.
    Create {
        /// Its name.
        path: PathBuf,
        /// Its number.
        inode: InodeNo,
    },
    /// A name went.
    Unlink {
        /// The name.
        path: PathBuf,
    },
    /// A file got another name in its folder; a file that had this name lost it.
    Rename {
        /// The old name.
        from: PathBuf,
        /// The new one.
        to: PathBuf,
    },
    /// The names in a folder became durable.
    SyncDir {
        /// The folder.
        folder: PathBuf,
    },
    /// Bytes were written.
    Write {
        /// To this file.
        inode: InodeNo,
        /// From here on.
        offset: u64,
        /// The bytes.
        bytes: Arc<[u8]>,
    },
    /// The length changed.
    SetLen {
        /// Of this file.
        inode: InodeNo,
        /// To this.
        len: u64,
    },
    /// The file's bytes became durable.
    Sync {
        /// The file.
        inode: InodeNo,
    },
    /// A sync failed, and what it should have made durable never will be.
    SyncLost {
        /// The file.
        inode: InodeNo,
    },
    /// A remark of whoever drives the machine, such as "this commit was acknowledged".
    Mark(u64),
}

/// A change of a file that no sync has covered yet.
#[derive(Debug, Clone)]
enum Change {
    Write { offset: u64, bytes: Arc<[u8]> },
    SetLen(u64),
}

#[derive(Debug, Clone, Default)]
struct Inode {
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Link(PathBuf, InodeNo),
    Unlink(PathBuf),
    Rename(PathBuf, PathBuf),
}

/// Files and names, seen and durable.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    inodes: Vec<Inode>,
    seen_names: BTreeMap<PathBuf, InodeNo>,
    durable_names: BTreeMap<PathBuf, InodeNo>,
    /// Not durable yet, in order.
    name_changes: Vec<NameChange>,
}

impl Disk {
    /// A disk on which these files are durable.
    pub fn from_image(image: &MemoryImage) -> Disk {
        let mut disk = Disk::default();
        for (path, bytes) in &image.files {
            disk.adopt(path, bytes.clone());
        }
        disk
    }

    /// A file that was there before anybody looked.
    pub(super) fn adopt(&mut self, path: &Path, bytes: Vec<u8>) -> InodeNo {
        let inode = self.inodes.len();
        self.inodes.push(Inode {
            seen: bytes.clone(),
            durable: bytes,
            pending: Vec::new(),
        });
        self.seen_names.insert(path.to_owned(), inode);
        self.durable_names.insert(path.to_owned(), inode);
        inode
    }

    /// The number that the next file gets.
    pub(super) fn next_inode(&self) -> InodeNo {
        self.inodes.len()
    }

    /// Does what `op` says.
    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Create { path, inode } => {
                if self.inodes.len() <= *inode {
                    self.inodes.resize_with(inode + 1, Inode::default);
                }
                self.seen_names.insert(path.clone(), *inode);
                self.name_changes.push(NameChange::Link(path.clone(), *inode));
            }
            Op::Unlink { path } => {
                self.seen_names.remove(path);
                self.name_changes.push(NameChange::Unlink(path.clone()));
            }
            Op::Rename { from, to } => {
                let change = NameChange::Rename(from.clone(), to.clone());
                change.apply(&mut self.seen_names);
                self.name_changes.push(change);
            }
            Op::SyncDir { folder } => self.sync_names(folder),
            Op::Write { inode, offset, bytes } => {
                if let Some(file) = self.inodes.get_mut(*inode) {
                    put(&mut file.seen, *offset as usize, bytes);
                    file.pending.push(Change::Write {
                        offset: *offset,
                        bytes: Arc::clone(bytes),
                    });
                }
            }
            Op::SetLen { inode, len } => {
                if let Some(file) = self.inodes.get_mut(*inode) {
                    file.seen.resize(*len as usize, 0);
                    file.pending.push(Change::SetLen(*len));
                }
            }
            Op::Sync { inode } => {
                if let Some(file) = self.inodes.get_mut(*inode) {
                    for change in file.pending.drain(..) {
                        apply_change(&mut file.durable, &change);
                    }
                }
            }
            Op::SyncLost { inode } => {
                if let Some(file) = self.inodes.get_mut(*inode) {
                    file.pending.clear();
                }
            }
            Op::Mark(_) => {}
        }
    }

    fn sync_names(&mut self, folder: &Path) {
        let changes = std::mem::take(&mut self.name_changes);
        for change in changes {
            if folder_of(change.paths()[0]) == folder {
                change.apply(&mut self.durable_names);
            } else {
                self.name_changes.push(change);
            }
        }
    }

    // ---- looking ---------------------------------------------------------------------------------

    /// The file that has this name.
    pub fn inode(&self, path: &Path) -> Option<InodeNo> {
        self.seen_names.get(path).copied()
    }

    /// Bytes of a file as processes see them.
    pub fn seen(&self, inode: InodeNo) -> &[u8] {
        self.inodes.get(inode).map_or(&[], |file| &file.seen)
    }

    /// Bytes of a file that outlast a power loss.
    pub fn durable(&self, inode: InodeNo) -> &[u8] {
        self.inodes.get(inode).map_or(&[], |file| &file.durable)
    }

    /// True if everything that was written to the file is durable.
    pub fn is_synced(&self, inode: InodeNo) -> bool {
        self.inodes.get(inode).is_none_or(|file| file.pending.is_empty())
    }

    /// True if the name outlasts a power loss and then means this file.
    pub fn name_is_durable(&self, path: &Path, inode: InodeNo) -> bool {
        self.durable_names.get(path) == Some(&inode)
            && !self
                .name_changes
                .iter()
                .any(|change| change.paths().contains(&path))
    }

    /// The file that has this name after a power loss that keeps no change of names.
    pub fn durable_inode(&self, path: &Path) -> Option<InodeNo> {
        self.durable_names.get(path).copied()
    }

    // ---- ends ------------------------------------------------------------------------------------

    /// What the death of all processes leaves: everything that they saw.
    pub fn killed(&self) -> MemoryImage {
        self.named(&self.seen_names, |inode| inode.seen.clone())
    }

    /// Pieces of unsynced changes, each of which a power loss keeps or loses by itself.
    pub fn piece_count(&self) -> usize {
        let pieces = |change: &Change| match change {
            Change::Write { offset, bytes } => sectors(*offset as usize, bytes.len()).count(),
            Change::SetLen(_) => 1,
        };
        let pending = self.inodes.iter().flat_map(|inode| &inode.pending);
        pending.map(pieces).sum()
    }

    /// Changes of names that are not durable.
    pub fn name_change_count(&self) -> usize {
        self.name_changes.len()
    }

    /// What a loss of power leaves when it deals with each piece as `decide` says.
    pub fn powerless(&self, decide: &mut dyn Decide) -> MemoryImage {
        let mut names = self.durable_names.clone();
        let kept = decide.names(self.name_changes.len());
        for change in self.name_changes.iter().take(kept) {
            change.apply(&mut names);
        }
        let mut files = Vec::with_capacity(self.inodes.len());
        let mut piece = 0;
        for inode in &self.inodes {
            files.push(settle(inode, decide, &mut piece));
        }
        let mut image = MemoryImage::default();
        for (path, inode) in names {
            image
                .files
                .insert(path, files.get_mut(inode).map(std::mem::take).unwrap_or_default());
        }
        image
    }

    fn named(&self, names: &BTreeMap<PathBuf, InodeNo>, bytes: impl Fn(&Inode) -> Vec<u8>) -> MemoryImage {
        let mut image = MemoryImage::default();
        for (path, inode) in names {
            let bytes = self.inodes.get(*inode).map(&bytes).unwrap_or_default();
            image.files.insert(path.clone(), bytes);
        }
        image
    }
}

/// The bytes of a file of which each unsynced piece had its own fate.
fn settle(inode: &Inode, decide: &mut dyn Decide, piece: &mut usize) -> Vec<u8> {
    let mut bytes = inode.durable.clone();
    for change in &inode.pending {
        match change {
            Change::SetLen(len) => {
                if decide.piece(*piece, 0) == Outcome::Kept {
                    bytes.resize(*len as usize, 0);
                }
                *piece += 1;
            }
            Change::Write {
                offset,
                bytes: written,
            } => {
                for (start, len) in sectors(*offset as usize, written.len()) {
                    let at = start - *offset as usize;
                    let outcome = decide.piece(*piece, len);
                    *piece += 1;
                    settle_sector(&mut bytes, start, &written[at..at + len], outcome);
                }
            }
        }
    }
    bytes
}

fn settle_sector(file: &mut Vec<u8>, start: usize, written: &[u8], outcome: Outcome) {
    match outcome {
        Outcome::Kept => put(file, start, written),
        Outcome::Lost => {}
        Outcome::Head(len) => put(file, start, &written[..len.min(written.len())]),
        Outcome::Tail(len) => {
            let skip = written.len().saturating_sub(len);
            put(file, start + skip, &written[skip..]);
        }
        Outcome::Garbage(seed) => put(file, start, &garbage(seed, written.len())),
        // The length had got there, the bytes had not: what some other file once had in that place.
        Outcome::Stale(from) => {
            if file.len() < start + written.len() {
                let from = from as usize % (file.len() / SECTOR + 1) * SECTOR;
                let old: Vec<u8> = file.iter().skip(from).take(written.len()).copied().collect();
                file.resize(start + written.len(), 0);
                put(file, start, &old);
            }
        }
    }
}

fn garbage(seed: u64, len: usize) -> Vec<u8> {
    let state = std::sync::atomic::AtomicU64::new(seed);
    let mut bytes = vec![0; len];
    crate::vfs::memory::fill_random(&state, &mut bytes);
    bytes
}

fn apply_change(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write {
            offset,
            bytes: written,
        } => put(bytes, *offset as usize, written),
        Change::SetLen(len) => bytes.resize(*len as usize, 0),
    }
}

fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[offset..end].copy_from_slice(bytes);
}

/// Start and length of the parts of a range that lie in one sector each.
fn sectors(offset: usize, len: usize) -> impl Iterator<Item = (usize, usize)> {
    let end = offset + len;
    let mut start = offset;
    std::iter::from_fn(move || {
        if start >= end {
            return None;
        }
        let stop = ((start / SECTOR + 1) * SECTOR).min(end);
        let part = (start, stop - start);
        start = stop;
        Some(part)
    })
}

impl NameChange {
    /// The names that it changes. They are in one folder.
    fn paths(&self) -> [&Path; 2] {
        match self {
            NameChange::Link(path, _) | NameChange::Unlink(path) => [path, path],
            NameChange::Rename(from, to) => [from, to],
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, InodeNo>) {
        match self {
            NameChange::Link(path, inode) => drop(names.insert(path.clone(), *inode)),
            NameChange::Unlink(path) => drop(names.remove(path)),
            NameChange::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::fault::Choice;

    fn write(offset: u64, bytes: &[u8]) -> Op {
        Op::Write {
            inode: 0,
            offset,
            bytes: bytes.into(),
        }
    }

    fn one_file(ops: &[Op]) -> Disk {
        let mut disk = Disk::default();
        disk.apply(&Op::Create {
            path: "a".into(),
            inode: 0,
        });
        disk.apply(&Op::SyncDir { folder: "".into() });
        ops.iter().for_each(|op| disk.apply(op));
        disk
    }

    fn file(image: &MemoryImage) -> &[u8] {
        &image.files[Path::new("a")]
    }

    #[test]
    fn synced_bytes_stay_and_unsynced_pieces_have_their_own_fate() {
        let disk = one_file(&[
            write(0, b"old"),
            Op::Sync { inode: 0 },
            write(510, b"wxyz"),
            write(0, b"new"),
        ]);
        assert_eq!(disk.piece_count(), 3);
        assert_eq!(disk.seen(0).len(), 514);
        assert_eq!(disk.durable(0), b"old");
        let image = |choice: &str| disk.powerless(&mut choice.parse::<Choice>().unwrap().decider());
        assert_eq!(file(&image("none")), b"old");
        assert_eq!(file(&image("all")), disk.seen(0));
        assert_eq!(file(&image("bits4")), b"new");
        let second_sector = image("bits2");
        assert_eq!(&file(&second_sector)[..4], b"old\0");
        assert_eq!(&file(&second_sector)[508..], b"\0\0\0\0yz");
    }

    #[test]
    fn a_failed_sync_loses_for_good() {
        let disk = one_file(&[
            write(0, b"old"),
            Op::Sync { inode: 0 },
            write(0, b"new"),
            Op::SyncLost { inode: 0 },
            Op::Sync { inode: 0 },
        ]);
        assert_eq!(disk.seen(0), b"new");
        assert!(disk.is_synced(0));
        assert_eq!(file(&disk.powerless(&mut Choice::All.decider())), b"old");
    }

    #[test]
    fn names_go_in_order() {
        let mut disk = Disk::default();
        for (inode, name) in ["a", "b"].into_iter().enumerate() {
            disk.apply(&Op::Create {
                path: name.into(),
                inode,
            });
        }
        disk.apply(&Op::Unlink { path: "a".into() });
        let names_of = |disk: &Disk, choice: Choice| -> Vec<PathBuf> {
            disk.powerless(&mut choice.decider()).files.into_keys().collect()
        };
        assert_eq!(disk.name_change_count(), 3);
        assert_eq!(names_of(&disk, Choice::None), [] as [PathBuf; 0]);
        assert_eq!(names_of(&disk, Choice::All), [PathBuf::from("b")]);
        assert_eq!(
            names_of(&disk, Choice::Names(2)),
            [PathBuf::from("a"), PathBuf::from("b")]
        );
        assert!(!disk.name_is_durable(Path::new("b"), 1));
        disk.apply(&Op::SyncDir { folder: "".into() });
        assert!(disk.name_is_durable(Path::new("b"), 1));
        assert_eq!(names_of(&disk, Choice::None), [PathBuf::from("b")]);
    }

    #[test]
    fn a_rename_is_there_or_not() {
        let mut disk = one_file(&[]);
        disk.apply(&Op::Create {
            path: "b".into(),
            inode: 1,
        });
        disk.apply(&Op::SyncDir { folder: "".into() });
        disk.apply(&Op::Rename {
            from: "b".into(),
            to: "a".into(),
        });
        let names = |disk: &Disk, choice: Choice| disk.powerless(&mut choice.decider()).files.len();
        assert_eq!(disk.name_change_count(), 1);
        assert_eq!((names(&disk, Choice::None), names(&disk, Choice::All)), (2, 1));
        assert_eq!(disk.inode(Path::new("a")), Some(1));
        assert_eq!(disk.durable_inode(Path::new("a")), Some(0));
        assert!(!disk.name_is_durable(Path::new("a"), 0) && !disk.name_is_durable(Path::new("b"), 1));
        disk.apply(&Op::SyncDir { folder: "".into() });
        assert!(disk.name_is_durable(Path::new("a"), 1));
        assert_eq!(names(&disk, Choice::None), 1);
    }

    #[test]
    fn a_sector_may_be_torn_or_filled_with_anything() {
        for (outcome, expected) in [
            (Outcome::Head(2), &b"NEd"[..]),
            (Outcome::Tail(1), b"olW"),
            (Outcome::Lost, b"old"),
            (Outcome::Stale(0), b"old"),
        ] {
            let mut file = b"old".to_vec();
            settle_sector(&mut file, 0, b"NEW", outcome);
            assert_eq!(file, expected);
        }
        let mut file = vec![7; SECTOR];
        settle_sector(&mut file, SECTOR, &[1; 10], Outcome::Stale(0));
        assert_eq!(file, vec![7; SECTOR + 10]);
        settle_sector(&mut file, 0, &[1; 10], Outcome::Garbage(3));
        assert_ne!(file[..10], [7; 10]);
        assert_ne!(file[..10], [1; 10]);
    }
}
