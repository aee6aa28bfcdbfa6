//! Files whose bytes were changed: an error or an answer, no panic, no hang.

use std::sync::atomic::Ordering;

use super::crash::{Random, killed_images};
use super::*;
use crate::format::wal_index::REGION_SIZE;
use crate::vfs::{MemoryImage, OpenOptions, Vfs};

/// Opens, reads and writes; whatever happens is fine.
fn use_it(vfs: &MemoryVfs) {
    vfs.set_file_len_max(1 << 24);
    let Ok(mut pager) = Pager::open(Arc::new(vfs.clone()), Path::new("x.db"), &small()) else {
        return;
    };
    for _ in 0..2 {
        if pager.begin_read().is_err() {
            continue;
        }
        for page in 1..=pager.page_count().min(200) {
            let _ = pager.page(number(page));
        }
        let _ = pager.header();
        pager.end_read();
        if pager.begin_write().is_ok() {
            let _ = pager.append_page();
            let _ = pager.commit();
        }
        let _ = pager.rollback();
        let _ = pager.checkpoint(CheckpointKind::Truncate);
    }
    let _ = pager.set_journal_mode(JournalMode::Wal);
    let _ = pager.set_journal_mode(JournalMode::Delete);
}

fn damage(image: &mut MemoryImage, random: &mut Random) {
    let names: Vec<_> = image.files.keys().cloned().collect();
    for _ in 0..=random.below(3) {
        let name = &names[random.below(names.len() as u64) as usize];
        let Some(bytes) = image.files.get_mut(name).filter(|bytes| !bytes.is_empty()) else {
            continue;
        };
        let len = bytes.len() as u64;
        // Headers are small and decide much.
        let at = if random.below(2) == 0 {
            random.below(len.min(64))
        } else {
            random.below(len)
        } as usize;
        match random.below(5) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.below(256) as u8,
            2 => bytes[at] = [0, 0xff, 0x7f, 0x80][random.below(4) as usize],
            3 => bytes.truncate(at),
            _ => {
                let end = (at + 4).min(bytes.len());
                let word = [0u32, 1, 0xffff_ffff, 0x7fff_ffff, 0x8000_0000, 65536][random.below(6) as usize];
                bytes[at..end].copy_from_slice(&word.to_be_bytes()[..end - at]);
            }
        }
    }
}

#[test]
fn damaged_files_are_survived() {
    let seed = 0xdada;
    let mut random = Random(seed);
    for mode in [JournalMode::Delete, JournalMode::Wal] {
        for image in killed_images(mode) {
            for _ in 0..25 {
                let mut image = image.clone();
                damage(&mut image, &mut random);
                let vfs = MemoryVfs::from_image(&image);
                let survived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| use_it(&vfs)));
                assert!(survived.is_ok(), "{mode:?}, seed {seed:#x}");
            }
        }
    }
}

/// The wal-index is other processes' memory and may hold anything.
#[test]
fn a_wal_index_of_nonsense_is_survived() {
    let mut random = Random(0xbad);
    for image in killed_images(JournalMode::Wal)
        .into_iter()
        .filter(|image| image.files.len() == 2)
    {
        let vfs = MemoryVfs::from_image(&image);
        let mut vandal = vfs.open(Path::new("x.db"), &OpenOptions::default()).unwrap();
        let region = vandal.shm_map(0, true).unwrap().unwrap();
        for _ in 0..30 {
            match random.below(3) {
                0 => use_it(&vfs),
                1 => {
                    let word = random.below(40) as usize;
                    region.word(word).store(random.next() as u32, Ordering::Relaxed);
                }
                _ => {
                    let half = random.below(REGION_SIZE as u64 / 2) as usize;
                    region.half(half).store(random.next() as u16, Ordering::Relaxed);
                }
            }
        }
        // A header that passes its own test, but not that of truth.
        let header = crate::format::wal_index::IndexHeader {
            page_size: 512,
            frame_count: random.next() as u32,
            page_count: random.next() as u32 | 1,
            ..Default::default()
        };
        for (at, word) in header.encode().into_iter().enumerate() {
            region.word(at).store(word, Ordering::Relaxed);
            region.word(at + 12).store(word, Ordering::Relaxed);
        }
        use_it(&vfs);
    }
}
