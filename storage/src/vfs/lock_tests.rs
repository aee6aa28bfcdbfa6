//! The lock rules as one test, run against each implementation of [`Vfs`](super::Vfs).

use std::path::Path;

use super::{File, LockLevel, OpenOptions, SHM_LOCK_COUNT, ShmLock, Vfs};
use crate::error::Error;

fn open(vfs: &dyn Vfs, path: &Path) -> Box<dyn File> {
    vfs.open(
        path,
        &OpenOptions {
            create: true,
            ..OpenOptions::default()
        },
    )
    .unwrap()
}

fn busy(result: Result<(), Error>) -> bool {
    match result {
        Ok(()) => false,
        Err(Error::Busy) => true,
        Err(error) => panic!("{error}"),
    }
}

/// Every pair of levels, the way through Pending, and the wal-index locks.
pub(super) fn check_all(vfs: &dyn Vfs, path: &Path) {
    check_pairs(vfs, path);
    check_pending(vfs, path);
    check_shm(vfs, path);
}

fn raise(file: &mut dyn File, level: LockLevel) -> Result<(), Error> {
    for step in [LockLevel::Shared, LockLevel::Reserved, LockLevel::Exclusive] {
        if step <= level {
            file.lock(step)?;
        }
    }
    Ok(())
}

fn check_pairs(vfs: &dyn Vfs, path: &Path) {
    use LockLevel::{Exclusive, None, Reserved, Shared};
    let compatible = |a, b| match (a, b) {
        (None, _) | (_, None) => true,
        (Exclusive, _) | (_, Exclusive) => false,
        (Reserved, Reserved) => false,
        _ => true,
    };
    for held in [None, Shared, Reserved, Exclusive] {
        for wanted in [None, Shared, Reserved, Exclusive] {
            let (mut a, mut b) = (open(vfs, path), open(vfs, path));
            raise(&mut *a, held).unwrap();
            assert_eq!(a.lock_level(), held);
            let refused = busy(raise(&mut *b, wanted));
            assert_eq!(
                !refused,
                compatible(held, wanted),
                "{held:?} held, {wanted:?} wanted"
            );
            let reserved = a.lock_level().max(b.lock_level()) >= Reserved;
            assert_eq!(b.check_reserved().unwrap(), reserved);
            a.unlock(None).unwrap();
            assert!(!busy(raise(&mut *b, wanted)), "{held:?} was given back");
        }
    }
}

fn check_pending(vfs: &dyn Vfs, path: &Path) {
    let (mut reader, mut writer, mut late) = (open(vfs, path), open(vfs, path), open(vfs, path));
    reader.lock(LockLevel::Shared).unwrap();
    raise(&mut *writer, LockLevel::Reserved).unwrap();
    assert!(busy(writer.lock(LockLevel::Exclusive)));
    assert!(
        busy(late.lock(LockLevel::Shared)),
        "Pending keeps new readers out"
    );
    reader.unlock(LockLevel::None).unwrap();
    writer.lock(LockLevel::Exclusive).unwrap();
    writer.unlock(LockLevel::Shared).unwrap();
    late.lock(LockLevel::Shared).unwrap();
    assert!(busy(late.lock(LockLevel::Exclusive)));
    drop(writer);
    late.lock(LockLevel::Exclusive).unwrap();
    assert!(busy(reader.lock(LockLevel::Shared)));
    late.unlock(LockLevel::None).unwrap();
    reader.lock(LockLevel::Shared).unwrap();
}

fn check_shm(vfs: &dyn Vfs, path: &Path) {
    let (mut a, mut b) = (open(vfs, path), open(vfs, path));
    assert!(a.shm_map(0, false).unwrap().is_none());
    let region = a.shm_map(0, true).unwrap().unwrap();
    region.word(3).store(77, std::sync::atomic::Ordering::Relaxed);
    let other = b.shm_map(0, false).unwrap().unwrap();
    assert_eq!(other.word(3).load(std::sync::atomic::Ordering::Relaxed), 77);
    assert!(b.shm_map(2, true).unwrap().is_some());

    for lock in 0..SHM_LOCK_COUNT {
        a.shm_lock(lock, 1, ShmLock::Shared).unwrap();
        b.shm_lock(lock, 1, ShmLock::Shared).unwrap();
        assert!(busy(a.shm_lock(lock, 1, ShmLock::Exclusive)));
        b.shm_unlock(lock, 1).unwrap();
        a.shm_lock(lock, 1, ShmLock::Exclusive).unwrap();
        assert!(busy(b.shm_lock(lock, 1, ShmLock::Shared)));
        a.shm_unlock(lock, 1).unwrap();
    }
    // A range is all or none.
    b.shm_lock(5, 1, ShmLock::Shared).unwrap();
    assert!(busy(a.shm_lock(4, 4, ShmLock::Exclusive)));
    b.shm_lock(4, 1, ShmLock::Exclusive).unwrap();
    b.shm_unlock(4, 2).unwrap();
    a.shm_lock(4, 4, ShmLock::Exclusive).unwrap();
    drop(a);
    b.shm_lock(4, 4, ShmLock::Exclusive).unwrap();
    drop(b);
    // Nobody has it open any more: what was there is gone.
    let mut c = open(vfs, path);
    if let Some(region) = c.shm_map(0, true).unwrap() {
        assert_eq!(region.word(3).load(std::sync::atomic::Ordering::Relaxed), 0);
    }
    c.shm_unmap(true).unwrap();
}
