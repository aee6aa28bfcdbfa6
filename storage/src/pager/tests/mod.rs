//! Transactions and savepoints against a model: a map of page contents with a stack of copies.

mod checksums;
mod crash;
mod damage;
mod faults;
mod interop;
mod read_only;
mod regressions;
#[cfg(unix)]
mod spare;
mod sqlite_process;
mod together;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::vfs::{MemoryVfs, OsVfs};

fn small() -> PagerOptions {
    PagerOptions {
        page_size: 512,
        ..PagerOptions::default()
    }
}

fn number(n: u32) -> PageNo {
    PageNo::new(n).unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    Write(u32, u8),
    Append(u8),
    Truncate(u32),
    Savepoint,
    Release(usize),
    RollbackTo(usize),
    Commit,
    Rollback,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0u32..20, any::<u8>()).prop_map(|(page, byte)| Step::Write(page, byte)),
        3 => any::<u8>().prop_map(Step::Append),
        1 => (0u32..20).prop_map(Step::Truncate),
        3 => Just(Step::Savepoint),
        2 => (0usize..4).prop_map(Step::Release),
        2 => (0usize..4).prop_map(Step::RollbackTo),
        1 => Just(Step::Commit),
        1 => Just(Step::Rollback),
    ];
    prop::collection::vec(step, 1..80)
}

/// What a transaction may see: the byte that fills each page from 2 on.
type Model = BTreeMap<u32, u8>;

fn check(pager: &Pager, model: &Model) {
    pager.overlay.check_invariants(pager.spill.as_ref());
    assert_eq!(pager.page_count(), model.len() as u32 + 1);
    for (page, byte) in model {
        let view = pager.page(number(*page)).unwrap();
        assert!(view.iter().all(|b| b == byte), "page {page}");
    }
}

fn run(pager: &mut Pager, steps: &[Step]) {
    let mut committed = Model::new();
    let mut now = committed.clone();
    let mut saved: Vec<Model> = Vec::new();
    pager.begin_write().unwrap();
    for step in steps {
        let last = now.len() as u32 + 1;
        match *step {
            Step::Write(page, byte) if last > 1 => {
                let page = 2 + page % (last - 1);
                pager.page_mut(number(page)).unwrap().fill(byte);
                now.insert(page, byte);
            }
            Step::Write(..) => {}
            Step::Append(byte) => {
                let page = pager.append_page().unwrap();
                assert!(pager.page(page).unwrap().iter().all(|b| *b == 0));
                pager.page_mut(page).unwrap().fill(byte);
                now.insert(page.get(), byte);
            }
            Step::Truncate(drop) => {
                let keep = last - drop % last;
                pager.set_page_count(keep).unwrap();
                now.retain(|page, _| *page <= keep);
            }
            Step::Savepoint => {
                assert_eq!(pager.savepoint().unwrap(), saved.len());
                saved.push(now.clone());
            }
            Step::Release(depth) if depth < saved.len() => {
                pager.release(depth).unwrap();
                saved.truncate(depth);
            }
            Step::RollbackTo(depth) if depth < saved.len() => {
                pager.rollback_to(depth).unwrap();
                saved.truncate(depth + 1);
                now = saved[depth].clone();
            }
            Step::Release(depth) => assert!(pager.release(depth).is_err()),
            Step::RollbackTo(depth) => assert!(pager.rollback_to(depth).is_err()),
            Step::Commit => {
                pager.commit().unwrap();
                committed = now.clone();
                saved.clear();
                pager.begin_read().unwrap();
                check(pager, &committed);
                pager.begin_write().unwrap();
            }
            Step::Rollback => {
                pager.rollback().unwrap();
                now = committed.clone();
                saved.clear();
                pager.begin_write().unwrap();
            }
        }
        check(pager, &now);
    }
    pager.rollback().unwrap();
}

proptest! {
    #![proptest_config(config(100))]

    #[test]
    fn in_memory_pager_agrees_with_the_model(steps in steps()) {
        run(&mut Pager::in_memory(&small()).unwrap(), &steps);
    }

    #[test]
    fn pages_that_spill_agree_with_the_model(steps in steps()) {
        for room in [1, 2, 5] {
            let vfs = Arc::new(MemoryVfs::new());
            let mut pager = Pager::temporary(vfs.clone(), &small()).unwrap();
            pager.resident_max = room;
            run(&mut pager, &steps);
            for journal_mode in ALL_MODES {
                let name = format!("db-{room}-{journal_mode:?}");
                let options = PagerOptions { journal_mode, wal_autocheckpoint: 20, ..small() };
                let mut pager = Pager::open(vfs.clone(), Path::new(&name), &options).unwrap();
                pager.resident_max = room;
                run(&mut pager, &steps);
                assert_eq!(pager.overlay.resident(), 0);
            }
        }
    }

    #[test]
    fn every_journal_mode_agrees_with_the_model(steps in steps()) {
        for journal_mode in ALL_MODES {
            let vfs = Arc::new(MemoryVfs::new());
            let options = PagerOptions { journal_mode, wal_autocheckpoint: 20, ..small() };
            run(&mut Pager::open(vfs.clone(), Path::new("db"), &options).unwrap(), &steps);
            assert!(!vfs.image().files.contains_key(Path::new("db-wal")));
        }
    }
}

proptest! {
    #![proptest_config(config(10))]

    #[test]
    fn real_files_agree_with_the_model(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        for (at, journal_mode) in ALL_MODES.into_iter().enumerate() {
            for mmap_limit in [0, 3000, u64::MAX] {
                let path = folder.path().join(format!("{at}-{mmap_limit}.db"));
                let options = PagerOptions {
                    journal_mode,
                    mmap_limit,
                    cache_pages: 4,
                    synchronous: Synchronous::Normal,
                    wal_autocheckpoint: 20,
                    ..small()
                };
                run(&mut Pager::open(Arc::new(OsVfs::new()), &path, &options).unwrap(), &steps);
            }
        }
    }
}

/// Without files of failures: the seed is printed.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

const ALL_MODES: [JournalMode; 6] = [
    JournalMode::Delete,
    JournalMode::Truncate,
    JournalMode::Persist,
    JournalMode::Memory,
    JournalMode::Off,
    JournalMode::Wal,
];

#[test]
fn a_view_keeps_its_bytes_while_the_page_changes() {
    let mut pager = Pager::in_memory(&small()).unwrap();
    pager.begin_write().unwrap();
    let page = pager.append_page().unwrap();
    pager.page_mut(page).unwrap().fill(1);
    let before = pager.page(page).unwrap();
    pager.page_mut(page).unwrap().fill(2);
    assert!(before.iter().all(|byte| *byte == 1));
    assert!(pager.page(page).unwrap().iter().all(|byte| *byte == 2));
}

#[test]
fn an_empty_database_reads_as_an_empty_schema() {
    let mut pager = Pager::in_memory(&PagerOptions::default()).unwrap();
    assert!(matches!(pager.page(PageNo::ONE), Err(Error::Misuse(_))));
    pager.begin_read().unwrap();
    assert_eq!(pager.page_count(), 0);
    assert_eq!(pager.header().unwrap().schema_format, 4);
    assert!(matches!(pager.page(number(2)), Err(Error::Corrupt { .. })));
    assert!(matches!(pager.page_mut(PageNo::ONE), Err(Error::Misuse(_))));
    pager.begin_write().unwrap();
    assert_eq!(pager.page_count(), 1);
    pager.update_header(|header| header.user_version = 5).unwrap();
    pager.commit().unwrap();
    pager.begin_read().unwrap();
    assert_eq!(pager.header().unwrap().user_version, 5);
}

#[test]
fn the_page_count_has_a_limit() {
    let mut pager = Pager::in_memory(&small()).unwrap();
    pager.begin_write().unwrap();
    assert_eq!(pager.set_max_page_count(2), 2);
    pager.append_page().unwrap();
    assert!(matches!(pager.append_page(), Err(Error::Full)));
}
