//! Every call into the file system fails once: an error comes back, and the database is as before or as after.

use super::*;
use crate::vfs::MemoryImage;
use crate::vfs::fault::{Fault, FaultPlan, FaultVfs};

const DATABASE: &str = "x.db";
const COMMITS: u8 = 6;

/// Fills the pages of commit `n`, which has `n + 2` pages or, for each third, only 2.
fn change(pager: &mut Pager, commit: u8) -> Result<()> {
    pager.begin_write()?;
    let pages = pages_of(commit);
    while pager.page_count() < pages {
        pager.append_page()?;
    }
    if pager.page_count() > pages {
        pager.set_page_count(pages)?;
    }
    for page in 2..=pages {
        pager.page_mut(number(page))?.fill(commit);
    }
    pager.commit()
}

fn pages_of(commit: u8) -> u32 {
    if commit % 3 == 2 { 2 } else { u32::from(commit) + 2 }
}

/// The commit whose pages the database holds; 0 for none.
fn commit_in(pager: &mut Pager) -> Result<u8> {
    pager.begin_read()?;
    let mut commit = 0;
    if pager.page_count() > 1 {
        commit = pager.page(number(2))?[0];
        assert_eq!(
            pager.page_count(),
            pages_of(commit),
            "the length is that of commit {commit}"
        );
        for page in 2..=pager.page_count() {
            assert!(
                pager.page(number(page))?.iter().all(|byte| *byte == commit),
                "page {page} of {commit}"
            );
        }
    }
    pager.end_read();
    Ok(commit)
}

struct Outcome {
    done: u8,
    failed: bool,
}

/// Commits until all are done or one fails, and looks at the database after the failure, through the same connection and
/// through a new one.
fn run_with_fault(options: &PagerOptions, fail_at: usize, for_ever: bool) -> Outcome {
    let vfs = FaultVfs::new(&MemoryImage::default(), 1);
    vfs.set_plan(Some(FaultPlan {
        for_good: for_ever,
        ..FaultPlan::once(Fault::Io, fail_at as u64)
    }));
    let mut done = 0;
    let mut error = None;
    if let Ok(mut pager) = Pager::open(Arc::new(vfs.clone()), Path::new(DATABASE), options) {
        for commit in 1..=COMMITS {
            if let Err(failure) = change(&mut pager, commit) {
                error = Some(failure);
                break;
            }
            done = commit;
        }
        let rolled_back = pager.rollback();
        if error.is_some() && rolled_back.is_ok() && !for_ever && pager.poisoned_by().is_none() {
            let now = commit_in(&mut pager).unwrap();
            assert_eq!(
                now, done,
                "an error that does not poison says: not committed ({error:?})"
            );
            change(&mut pager, done + 1).unwrap();
            done += 1;
        }
        if pager.poisoned_by().is_some() {
            assert!(matches!(pager.begin_read(), Err(Error::Poisoned { .. })));
        }
    }
    let options = PagerOptions {
        journal_mode: JournalMode::Delete,
        ..options.clone()
    };
    let failed = vfs.struck() > 0;
    vfs.set_plan(None);
    let mut fresh = Pager::open(Arc::new(vfs.clone()), Path::new(DATABASE), &options).unwrap();
    let now = commit_in(&mut fresh).unwrap();
    assert!(now == done || now == done + 1, "{now} for {done} after {error:?}");
    change(&mut fresh, now + 1).unwrap();
    assert_eq!(commit_in(&mut fresh).unwrap(), now + 1);
    Outcome { done, failed }
}

#[test]
fn every_call_may_fail() {
    let modes = [
        JournalMode::Delete,
        JournalMode::Truncate,
        JournalMode::Persist,
        JournalMode::Memory,
        JournalMode::Wal,
    ];
    for journal_mode in modes {
        for for_ever in [false, true] {
            // Without a journal on the disk a fault that stays cannot be undone.
            if journal_mode == JournalMode::Memory && for_ever {
                continue;
            }
            let options = PagerOptions {
                journal_mode,
                wal_autocheckpoint: 9,
                ..small()
            };
            let mut fail_at = 0;
            loop {
                let outcome = std::panic::catch_unwind(|| run_with_fault(&options, fail_at, for_ever))
                    .unwrap_or_else(|_| {
                        panic!("{journal_mode:?}, call {fail_at} fails, for ever: {for_ever}")
                    });
                if !outcome.failed {
                    assert_eq!(outcome.done, COMMITS);
                    break;
                }
                fail_at += 1;
            }
            assert!(fail_at > 50, "{fail_at} calls");
        }
    }
}
