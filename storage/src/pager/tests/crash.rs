//! Crashes at every operation of a series of commits: what is left holds one of the committed states, and the right one.

use std::fs;

use super::*;
use crate::vfs::MemoryImage;
use crate::vfs::fault::{Choice, Disk, FaultVfs, Op};

const DATABASE: &str = "x.db";

/// A small random source whose seed is printed when a test fails.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// The disk after these operations.
pub(super) fn disk_after(ops: &[Op]) -> Disk {
    let mut disk = Disk::default();
    ops.iter().for_each(|op| disk.apply(op));
    disk
}

/// What the process's death after these operations leaves.
pub(super) fn killed(ops: &[Op]) -> MemoryImage {
    disk_after(ops).killed()
}

type State = Vec<Vec<u8>>;

struct History {
    ops: Vec<Op>,
    /// The database after each commit; 0 is before the first.
    states: Vec<State>,
}

/// Commits, of different sizes, growing and shrinking; with a log also checkpoints in between.
fn record(options: &PagerOptions, commits: usize) -> History {
    let vfs = FaultVfs::new(&MemoryImage::default(), 1);
    let mut states = vec![State::new()];
    let mut pager = Pager::open(Arc::new(vfs.clone()), Path::new(DATABASE), options).unwrap();
    if options.journal_mode == JournalMode::Wal {
        // Switching to the log was a commit, too.
        states[0] = dump(&mut pager);
        states.insert(0, State::new());
        vfs.mark(1);
    }
    let mut random = Random(0x5eed);
    for _ in 0..commits {
        let commit = states.len();
        pager.begin_write().unwrap();
        for _ in 0..random.below(5) {
            pager.append_page().unwrap();
        }
        if random.below(3) == 0 {
            let keep = 1 + random.below(u64::from(pager.page_count())) as u32;
            pager.set_page_count(keep).unwrap();
        }
        for page in 2..=pager.page_count() {
            if random.below(2) == 0 {
                pager.page_mut(number(page)).unwrap().fill(commit as u8);
            }
        }
        pager
            .update_header(|header| header.user_version = commit as i32)
            .unwrap();
        pager.commit().unwrap();
        states.push(dump(&mut pager));
        vfs.mark(commit as u64);
        if options.journal_mode == JournalMode::Wal && random.below(3) == 0 {
            let kinds = [
                CheckpointKind::Passive,
                CheckpointKind::Full,
                CheckpointKind::Restart,
                CheckpointKind::Truncate,
            ];
            pager.checkpoint(kinds[random.below(4) as usize]).unwrap();
        }
    }
    drop(pager);
    History {
        ops: vfs.ops(),
        states,
    }
}

fn dump(pager: &mut Pager) -> State {
    pager.begin_read().unwrap();
    let pages = (1..=pager.page_count())
        .map(|page| pager.page(number(page)).unwrap().to_vec())
        .collect();
    pager.end_read();
    pages
}

impl History {
    fn acknowledged(&self, count: usize) -> usize {
        let told = |op: &Op| {
            if let Op::Mark(commit) = op {
                Some(*commit as usize)
            } else {
                None
            }
        };
        self.ops[..count].iter().rev().find_map(told).unwrap_or(0)
    }

    /// Opens an image twice, writes to it, and returns which state it holds.
    fn state_of(&self, image: &MemoryImage, options: &PagerOptions) -> usize {
        let vfs = Arc::new(MemoryVfs::from_image(image));
        let options = PagerOptions {
            journal_mode: JournalMode::Delete,
            ..options.clone()
        };
        let mut pager = Pager::open(vfs.clone(), Path::new(DATABASE), &options).unwrap();
        let found = dump(&mut pager);
        let state = self.states.iter().position(|state| *state == found);
        let state = state.unwrap_or_else(|| panic!("a mixture: {:?}", summary(&found)));
        pager.begin_write().unwrap();
        pager.append_page().unwrap();
        pager.commit().unwrap();
        drop(pager);
        let mut pager = Pager::open(vfs, Path::new(DATABASE), &options).unwrap();
        assert_eq!(dump(&mut pager).len(), found.len().max(1) + 1);
        state
    }
}

fn summary(state: &State) -> Vec<u8> {
    state.iter().map(|page| page[511]).collect()
}

fn options(journal_mode: JournalMode, synchronous: Synchronous) -> PagerOptions {
    PagerOptions {
        journal_mode,
        synchronous,
        wal_autocheckpoint: 12,
        ..small()
    }
}

const DISK_MODES: [JournalMode; 4] = [
    JournalMode::Delete,
    JournalMode::Truncate,
    JournalMode::Persist,
    JournalMode::Wal,
];

/// What processes killed at some moments of a short history left.
pub(super) fn killed_images(journal_mode: JournalMode) -> Vec<MemoryImage> {
    let history = record(&options(journal_mode, Synchronous::Full), 5);
    (3..history.ops.len())
        .step_by(4)
        .map(|count| killed(&history.ops[..count]))
        .collect()
}

#[test]
fn a_killed_process_leaves_its_last_commit() {
    for mode in DISK_MODES {
        for synchronous in [Synchronous::Off, Synchronous::Full] {
            let options = options(mode, synchronous);
            let history = record(&options, 12);
            for count in 0..=history.ops.len() {
                let state = history.state_of(&killed(&history.ops[..count]), &options);
                let acknowledged = history.acknowledged(count);
                assert!(
                    state == acknowledged || state == acknowledged + 1,
                    "{mode:?} {synchronous:?} after {count} of {:?}: {state} for {acknowledged}",
                    &history.ops[count.saturating_sub(1)]
                );
            }
        }
    }
}

#[test]
fn a_loss_of_power_leaves_a_committed_state() {
    let seed = 0xa1de1;
    let mut random = Random(seed);
    for mode in DISK_MODES {
        for synchronous in [Synchronous::Normal, Synchronous::Full] {
            let options = options(mode, synchronous);
            let history = record(&options, 10);
            for count in 0..=history.ops.len() {
                let disk = disk_after(&history.ops[..count]);
                let by_chance = (0..4).map(|_| Choice::Seed(random.next()));
                for choice in [Choice::None, Choice::All].into_iter().chain(by_chance) {
                    let image = disk.powerless(&mut choice.decider());
                    let state = history.state_of(&image, &options);
                    let acknowledged = history.acknowledged(count);
                    assert!(state <= acknowledged + 1, "{choice}");
                    assert!(
                        synchronous < Synchronous::Full || state >= acknowledged,
                        "{mode:?} after {count}, {choice}: {state} for {acknowledged}"
                    );
                }
            }
        }
    }
}

/// SQLite finds the same in what a crash of ours leaves.
#[test]
fn sqlite_recovers_what_we_left() {
    for mode in DISK_MODES {
        let options = options(mode, Synchronous::Full);
        let history = record(&options, 4);
        let folder = tempfile::tempdir().unwrap();
        for count in (0..=history.ops.len()).step_by(3) {
            let image = killed(&history.ops[..count]);
            let expected = history.state_of(&image, &options);
            for (path, bytes) in &image.files {
                fs::write(folder.path().join(path), bytes).unwrap();
            }
            let db = rusqlite::Connection::open(folder.path().join(DATABASE)).unwrap();
            let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
            let offset = usize::from(mode == JournalMode::Wal && expected == 1);
            assert_eq!(found as usize, expected - offset, "{mode:?} after {count}");
            drop(db);
            for entry in fs::read_dir(folder.path()).unwrap() {
                fs::remove_file(entry.unwrap().path()).unwrap();
            }
        }
    }
}
