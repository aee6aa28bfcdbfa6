//! Databases that cannot be written: by wish, by format, by medium.

use super::*;

fn version(pager: &mut Pager) -> Result<i32> {
    pager.begin_read()?;
    let version = pager.header()?.user_version;
    pager.end_read();
    Ok(version)
}

fn set(pager: &mut Pager, version: i32) -> Result<()> {
    pager.begin_write()?;
    pager.update_header(|header| header.user_version = version)?;
    pager.commit()
}

fn open(vfs: &MemoryVfs, options: &PagerOptions) -> Result<Pager> {
    Pager::open(Arc::new(vfs.clone()), Path::new("db"), options)
}

fn reading() -> PagerOptions {
    PagerOptions {
        read_only: true,
        ..small()
    }
}

#[test]
fn a_reader_by_wish_follows_a_writer() {
    for journal_mode in ALL_MODES {
        let vfs = MemoryVfs::new();
        assert!(open(&vfs, &reading()).is_err());
        let mut writer = open(
            &vfs,
            &PagerOptions {
                journal_mode,
                ..small()
            },
        )
        .unwrap();
        let mut reader = open(&vfs, &reading()).unwrap();
        for round in 1..5 {
            set(&mut writer, round).unwrap();
            assert_eq!(version(&mut reader).unwrap(), round);
            assert!(matches!(reader.begin_write(), Err(Error::ReadOnly(_))));
            assert_eq!(reader.state(), TransactionState::None);
        }
        assert_eq!(
            reader.journal_mode() == JournalMode::Wal,
            journal_mode == JournalMode::Wal
        );
        drop(writer);
        assert_eq!(version(&mut reader).unwrap(), 4);
        drop(reader);
        assert_eq!(version(&mut open(&vfs, &small()).unwrap()).unwrap(), 4);
    }
}

#[test]
fn a_log_on_a_medium_that_cannot_be_written_is_read() {
    let vfs = MemoryVfs::new();
    let mut writer = open(
        &vfs,
        &PagerOptions {
            journal_mode: JournalMode::Wal,
            ..small()
        },
    )
    .unwrap();
    set(&mut writer, 1).unwrap();
    let left_behind = MemoryVfs::from_image(&vfs.image());
    drop(writer);
    let closed = MemoryVfs::from_image(&vfs.image());
    for (medium, has_log) in [(left_behind, true), (closed, false)] {
        medium.set_read_only(true);
        assert_eq!(medium.image().files.contains_key(Path::new("db-wal")), has_log);
        for options in [reading(), small()] {
            let mut pager = open(&medium, &options).unwrap();
            assert_eq!(version(&mut pager).unwrap(), 1);
            assert_eq!(version(&mut pager).unwrap(), 1);
            assert!(pager.is_read_only());
            assert!(matches!(set(&mut pager, 2), Err(Error::ReadOnly(_))));
        }
        assert_eq!(medium.image().files.contains_key(Path::new("db-wal")), has_log);
    }
}

#[test]
fn a_newer_format_is_only_read() {
    let vfs = MemoryVfs::new();
    set(&mut open(&vfs, &small()).unwrap(), 1).unwrap();
    let mut image = vfs.image();
    let file = image.files.get_mut(Path::new("db")).unwrap();
    file[18] = 3;
    let mut pager = open(&MemoryVfs::from_image(&image), &small()).unwrap();
    assert_eq!(version(&mut pager).unwrap(), 1);
    assert!(matches!(set(&mut pager, 2), Err(Error::ReadOnly(_))));
    image.files.get_mut(Path::new("db")).unwrap()[19] = 3;
    let mut pager = open(&MemoryVfs::from_image(&image), &small()).unwrap();
    assert!(matches!(version(&mut pager), Err(Error::NotADatabase)));
}

#[test]
fn a_file_that_was_moved_away_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let mut pager = Pager::open(Arc::new(OsVfs::new()), &path, &small()).unwrap();
    set(&mut pager, 1).unwrap();
    std::fs::rename(&path, folder.path().join("y.db")).unwrap();
    assert_eq!(set(&mut pager, 2).unwrap_err().code(), 1032);
    pager.rollback().unwrap();
    assert_eq!(version(&mut pager).unwrap(), 1);
}

/// SQLite lets a connection that only reads make the wal-index, and recover it: the log and the index are not the database.
#[test]
fn a_reader_by_wish_may_be_the_first() {
    let vfs = MemoryVfs::new();
    let in_log = PagerOptions {
        journal_mode: JournalMode::Wal,
        ..small()
    };
    let mut writer = open(&vfs, &in_log).unwrap();
    set(&mut writer, 1).unwrap();
    let crashed = MemoryVfs::from_image(&vfs.image());
    drop(writer);
    for medium in [crashed, MemoryVfs::from_image(&vfs.image())] {
        let mut reader = open(&medium, &reading()).unwrap();
        assert_eq!(version(&mut reader).unwrap(), 1);
        assert!(matches!(set(&mut reader, 2), Err(Error::ReadOnly(_))));
        assert!(matches!(
            reader.checkpoint(CheckpointKind::Full),
            Err(Error::ReadOnly(_))
        ));
        let mut writer = open(&medium, &small()).unwrap();
        set(&mut writer, 3).unwrap();
        assert_eq!(version(&mut reader).unwrap(), 3);
        drop(writer);
        assert_eq!(version(&mut reader).unwrap(), 3);
        drop(reader);
        assert_eq!(version(&mut open(&medium, &small()).unwrap()).unwrap(), 3);
    }
}
