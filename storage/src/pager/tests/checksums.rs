//! Page checksums in files with more reserved bytes than they need, beside SQLite.

use super::*;
use crate::format::page_checksum::Verdict;

fn verdicts(pager: &mut Pager) -> Vec<Verdict> {
    pager.begin_read().unwrap();
    let pages = (1..=pager.page_count()).map(number);
    let verdicts = pages.map(|page| pager.page_verdict(page).unwrap().unwrap());
    let verdicts = verdicts.collect();
    pager.end_read();
    verdicts
}

#[test]
fn all_reserved_bytes_there_can_be() {
    for reserved in [0, 16, 17, 255] {
        for mmap_limit in [0, u64::MAX] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("db");
            let options = PagerOptions {
                page_size: 1024,
                reserved,
                page_checksum: true,
                mmap_limit,
                cache_pages: 4,
                ..PagerOptions::default()
            };
            let mut pager = Pager::open(Arc::new(OsVfs::new()), &path, &options).unwrap();
            pager.begin_write().unwrap();
            assert!(pager.has_page_checksums());
            pager.commit().unwrap();
            let theirs = rusqlite::Connection::open(&path).unwrap();
            theirs
                .execute_batch(
                    "CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
                     INSERT INTO t SELECT zeroblob(i) FROM n",
                )
                .unwrap();
            assert!(verdicts(&mut pager).contains(&Verdict::Stale));
            assert!(!verdicts(&mut pager).contains(&Verdict::Damaged));
            pager.begin_write().unwrap();
            assert!(pager.renew_page_checksums().unwrap() > 100);
            pager.commit().unwrap();
            assert!(
                verdicts(&mut pager)
                    .iter()
                    .all(|verdict| *verdict == Verdict::Good)
            );
            let verdict: String = theirs
                .query_row("PRAGMA integrity_check", (), |row| row.get(0))
                .unwrap();
            assert_eq!(verdict, "ok");
            assert_eq!(
                pager.page_size() - pager.usable_size(),
                usize::from(reserved.max(16))
            );
            drop((pager, theirs));

            let mut bytes = std::fs::read(&path).unwrap();
            bytes[49 * 1024 + 77..][..300].fill(9);
            std::fs::write(&path, bytes).unwrap();
            let mut pager = Pager::open(Arc::new(OsVfs::new()), &path, &options).unwrap();
            pager.begin_read().unwrap();
            for page in (1..=pager.page_count()).map(number) {
                match pager.page(page) {
                    Err(Error::Corrupt { page: found, .. }) => {
                        assert_eq!((page, found), (number(50), Some(page)))
                    }
                    found => assert!(found.is_ok() && page != number(50)),
                }
            }
        }
    }
}
