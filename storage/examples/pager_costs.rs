//! What the pager's everyday calls cost: nanoseconds here, instructions under `valgrind --tool=callgrind`.
//!
//! `cargo run --release -p aludel-storage --example pager_costs [only]`

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use aludel_storage::Result;
use aludel_storage::format::PageNo;
use aludel_storage::pager::{JournalMode, Pager, PagerOptions, Synchronous};
use aludel_storage::vfs::OsVfs;

const PAGES: u32 = 1000;

fn open(path: &Path, journal_mode: JournalMode, synchronous: Synchronous) -> Result<Pager> {
    let mut options = PagerOptions::default();
    options.journal_mode = journal_mode;
    options.synchronous = synchronous;
    Pager::open(Arc::new(OsVfs::new()), path, &options)
}

fn fill(pager: &mut Pager) -> Result<()> {
    pager.begin_write()?;
    while pager.page_count() < PAGES {
        let page = pager.append_page()?;
        pager.page_mut(page)?[0] = page.get() as u8;
    }
    pager.commit()
}

fn measure(what: &str, count: u32, mut work: impl FnMut(u32) -> Result<()>) -> Result<()> {
    if let Some(only) = std::env::args().nth(1)
        && !what.contains(&only)
    {
        return Ok(());
    }
    let started = Instant::now();
    for turn in 0..count {
        work(turn)?;
    }
    println!(
        "{what:40} {:10.1} ns",
        started.elapsed().as_nanos() as f64 / f64::from(count)
    );
    Ok(())
}

fn page_no(turn: u32) -> PageNo {
    PageNo::new(turn.wrapping_mul(7919) % (PAGES - 1) + 2).unwrap_or(PageNo::ONE)
}

fn main() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("aludel-pager-costs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|_| aludel_storage::Error::Misuse("no temporary folder"))?;
    for (name, mode) in [("rollback", JournalMode::Delete), ("log", JournalMode::Wal)] {
        let mut pager = open(&folder.join(name), mode, Synchronous::Normal)?;
        fill(&mut pager)?;
        pager.begin_read()?;
        measure(&format!("{name}: page, clean"), 1_000_000, |turn| {
            black_box(pager.page(page_no(turn))?[0]);
            Ok(())
        })?;
        pager.end_read();
        measure(&format!("{name}: read transaction"), 100_000, |turn| {
            pager.begin_read()?;
            black_box(pager.page(page_no(turn))?[0]);
            pager.end_read();
            Ok(())
        })?;
        pager.begin_write()?;
        measure(&format!("{name}: page_mut, again"), 1_000_000, |turn| {
            pager.page_mut(page_no(turn % 10))?[0] = turn as u8;
            Ok(())
        })?;
        measure(&format!("{name}: page, dirty"), 1_000_000, |turn| {
            black_box(pager.page(page_no(turn % 10))?[0]);
            Ok(())
        })?;
        measure(&format!("{name}: savepoint, change, release"), 100_000, |turn| {
            let depth = pager.savepoint()?;
            pager.page_mut(page_no(turn % 10))?[0] = turn as u8;
            pager.release(depth)
        })?;
        pager.rollback()?;
        for (level, synchronous, count) in [
            ("off", Synchronous::Off, 3000),
            ("normal", Synchronous::Normal, 300),
            ("full", Synchronous::Full, 300),
        ] {
            pager.set_synchronous(synchronous);
            measure(&format!("{name}: commit of one page, {level}"), count, |turn| {
                pager.begin_write()?;
                pager.page_mut(page_no(turn))?[0] = turn as u8;
                pager.commit()
            })?;
        }
    }
    let mut pager = Pager::in_memory(&PagerOptions::default())?;
    fill(&mut pager)?;
    pager.begin_read()?;
    measure("memory: page, clean", 1_000_000, |turn| {
        black_box(pager.page(page_no(turn))?[0]);
        Ok(())
    })?;
    pager.end_read();
    measure("memory: commit of one page", 100_000, |turn| {
        pager.begin_write()?;
        pager.page_mut(page_no(turn))?[0] = turn as u8;
        pager.commit()
    })?;
    let _ = std::fs::remove_dir_all(folder);
    Ok(())
}
