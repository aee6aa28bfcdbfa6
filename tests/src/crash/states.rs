//! The crash states of a history: at each operation the ends to try, all of them where they are few.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use aludel_storage::vfs::MemoryImage;
use aludel_storage::vfs::fault::{Choice, Disk, Op};

use super::scenario::{Crash, End};
use crate::random::Random;

/// Fewer unsynced pieces than this are tried in all combinations, when the epoch's turn comes.
pub(super) const EXHAUSTIVE_PIECES: usize = 8;

/// The image that an end leaves.
pub(super) fn image(disk: &Disk, end: End) -> MemoryImage {
    match end {
        End::Killed => disk.killed(),
        End::Powerless(choice) => disk.powerless(&mut choice.decider()),
    }
}

/// About `budget` different states of a record, in its order. `visit` gets each and returns whether to go on.
///
/// # Errors
/// Those of `visit`.
pub(super) fn for_each(
    start: &Disk,
    ops: &[Op],
    budget: usize,
    random: &mut Random,
    pass: &mut dyn FnMut(&Op),
    visit: &mut dyn FnMut(Crash, &MemoryImage) -> Result<(), String>,
) -> Result<(), String> {
    let mut disk = start.clone();
    let mut left = budget;
    for (after, op) in ops.iter().map(Some).chain([None]).enumerate() {
        let moments = ops.len() + 1 - after;
        let quota = left / moments + usize::from(random.below(moments) < left % moments);
        let mut seen = HashSet::new();
        for end in ends(&disk, op, quota, random) {
            let image = image(&disk, end);
            if seen.insert(digest(&image)) {
                visit(Crash { after, end }, &image)?;
                left = left.saturating_sub(1);
            }
        }
        if let Some(op) = op {
            disk.apply(op);
            pass(op);
        }
    }
    Ok(())
}

/// The ends to try before `next`.
fn ends(disk: &Disk, next: Option<&Op>, quota: usize, random: &mut Random) -> Vec<End> {
    let (pieces, names) = (disk.piece_count(), disk.name_change_count());
    let epoch_ends = matches!(next, Some(Op::Sync { .. } | Op::SyncDir { .. }));
    if epoch_ends && quota > 0 && pieces > 0 && pieces <= EXHAUSTIVE_PIECES && random.one_in(3) {
        let all = (0..1u64 << pieces).map(Choice::Bits);
        let names = (0..names).map(Choice::Names);
        return all.chain(names).map(End::Powerless).collect();
    }
    (0..quota).map(|_| one_end(pieces, names, random)).collect()
}

fn one_end(pieces: usize, names: usize, random: &mut Random) -> End {
    let piece = random.below(pieces);
    End::Powerless(match random.below(12) {
        0 | 1 => return End::Killed,
        2 => Choice::None,
        3 => Choice::All,
        4 if names > 0 => Choice::Names(random.below(names)),
        5 => Choice::But(piece),
        6 => Choice::Only(piece),
        7 => Choice::First(piece),
        _ => Choice::Seed(random.number() >> 16),
    })
}

fn digest(image: &MemoryImage) -> u64 {
    let mut hasher = DefaultHasher::new();
    image.files.hash(&mut hasher);
    hasher.finish()
}
