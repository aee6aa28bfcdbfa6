//! The machine itself: locks, deaths, faults, the checker, and that a run repeats.

use super::*;
use crate::vfs::lock_tests;

fn machine() -> FaultVfs {
    FaultVfs::new(&MemoryImage::default(), 1)
}

fn open(vfs: &FaultVfs, name: &str) -> Result<Box<dyn File>> {
    let options = OpenOptions {
        create: true,
        ..OpenOptions::default()
    };
    vfs.open(Path::new(name), &options)
}

#[test]
fn locks_follow_the_rules() {
    lock_tests::check_all(&machine(), Path::new("locks.db"));
}

#[test]
fn what_is_seen_is_what_the_world_below_holds() {
    let below = MemoryVfs::new();
    let vfs = FaultVfs::over(Arc::new(below.clone()), 1);
    let file = open(&vfs, "a").unwrap();
    file.write_at(b"abc", 1000).unwrap();
    file.set_len(1002).unwrap();
    drop(open(&vfs, "b").unwrap());
    assert!(vfs.unlink(Path::new("b")).unwrap());
    assert_eq!(vfs.disk().killed(), below.image());
    assert!(vfs.disk().powerless(&mut Choice::None.decider()).files.is_empty());
    file.sync(SyncKind::Data).unwrap();
    vfs.sync_dir(Path::new("")).unwrap();
    assert_eq!(vfs.disk().powerless(&mut Choice::None.decider()), below.image());
}

#[test]
fn the_record_leads_to_the_same_disk() {
    let vfs = machine();
    let file = open(&vfs, "a").unwrap();
    file.write_at(b"abc", 0).unwrap();
    vfs.mark(7);
    file.sync(SyncKind::Data).unwrap();
    let mut disk = Disk::default();
    for op in vfs.ops() {
        disk.apply(&op);
    }
    assert_eq!(disk.killed(), vfs.disk().killed());
    assert!(vfs.ops().iter().any(|op| matches!(op, Op::Mark(7))));
}

#[test]
fn a_dead_process_lets_go_and_says_so() {
    let first = machine();
    let second = first.process();
    let (mut a, mut b) = (open(&first, "x").unwrap(), open(&second, "x").unwrap());
    a.lock(LockLevel::Shared).unwrap();
    a.lock(LockLevel::Exclusive).unwrap();
    a.write_at(b"seen", 0).unwrap();
    assert!(matches!(b.lock(LockLevel::Shared), Err(Error::Busy)));
    first.kill();
    b.lock(LockLevel::Shared).unwrap();
    let mut bytes = [0; 4];
    assert_eq!(b.read_at(&mut bytes, 0).unwrap(), 4);
    assert_eq!(&bytes, b"seen");
    assert!(a.read_at(&mut bytes, 0).is_err());
    assert!(open(&first, "y").is_err());
    drop(a);
    assert_eq!(second.open_files(), [PathBuf::from("x")]);
    assert_eq!(second.locked_files(), [PathBuf::from("x")]);
    drop(b);
    assert!(second.open_files().is_empty());
}

#[test]
fn each_fault_does_what_it_says() {
    let strike = |fault| {
        let vfs = machine();
        let file = open(&vfs, "x").unwrap();
        file.write_at(&[1; 100], 0).unwrap();
        vfs.set_plan(Some(FaultPlan::once(fault, 0)));
        (vfs, file)
    };
    let (_, file) = strike(Fault::Io);
    assert_eq!(file.len().unwrap_err().code(), 1802);
    assert_eq!(file.len().unwrap(), 100);

    let (_, file) = strike(Fault::Full);
    assert_eq!(file.write_at(&[2; 10], 0).unwrap_err().code(), 13);
    assert_eq!(file.len().unwrap(), 100, "a full disk can be read");

    let (_, file) = strike(Fault::ShortRead);
    assert_eq!(file.read_at(&mut [0; 100], 0).unwrap(), 50);

    let (vfs, file) = strike(Fault::ShortWrite);
    assert!(file.write_at(&[3; 200], 0).is_err());
    assert_eq!(vfs.disk().seen(0)[..], [3; 100]);

    let (vfs, file) = strike(Fault::SyncDrops);
    assert_eq!(file.sync(SyncKind::Data).unwrap_err().code(), 1034);
    file.sync(SyncKind::Data).unwrap();
    assert!(vfs.disk().durable(0).is_empty());

    let (vfs, file) = strike(Fault::Death);
    assert!(file.len().is_err());
    assert!(vfs.is_dead());
    assert_eq!(vfs.struck(), 1);
}

#[test]
fn time_passes_only_in_sleep_and_randomness_has_a_seed() {
    let (one, two) = (machine(), machine());
    one.sleep(Duration::from_secs(3));
    assert_eq!(one.now(), Duration::from_secs(3));
    assert_eq!(two.now(), Duration::ZERO);
    let random = |vfs: &FaultVfs| {
        let mut bytes = [0; 20];
        vfs.random(&mut bytes);
        bytes
    };
    assert_eq!(random(&one), random(&two));
}

#[test]
fn the_checker_speaks_up_before_a_write_that_breaks_a_promise() {
    let vfs = machine();
    vfs.set_promise(Promise::Power);
    let (mut database, journal) = (open(&vfs, "x").unwrap(), open(&vfs, "x-journal").unwrap());
    database.write_at(&[1; 512], 0).unwrap();
    let first = |vfs: &FaultVfs| vfs.broken_promises().last().cloned().unwrap_or_default();
    assert!(first(&vfs).contains("W1"), "{:?}", vfs.broken_promises());
    database.lock(LockLevel::Shared).unwrap();
    database.lock(LockLevel::Exclusive).unwrap();
    database.write_at(&[1; 512], 0).unwrap();
    assert!(first(&vfs).contains("W2"), "{:?}", vfs.broken_promises());

    let mut bytes = Vec::new();
    let header = crate::format::journal::JournalHeader {
        record_count: 1,
        nonce: 0,
        page_count_before: 1,
        sector_size: 512,
        page_size: 512,
    };
    header.encode(&mut bytes);
    bytes.extend_from_slice(&1u32.to_be_bytes());
    bytes.extend_from_slice(&[1; 516]);
    journal.write_at(&bytes, 0).unwrap();
    journal.sync(SyncKind::Data).unwrap();
    vfs.sync_dir(Path::new("")).unwrap();
    let count = vfs.broken_promises().len();
    database.write_at(&[2; 512], 0).unwrap();
    assert_eq!(vfs.broken_promises().len(), count, "{:?}", vfs.broken_promises());
    vfs.unlink(Path::new("x-journal")).unwrap();
    assert!(first(&vfs).contains("W4"), "{:?}", vfs.broken_promises());
}
