//! Files too large for a debug run: made by one engine, checked, continued and vacuumed by the other.
//!
//! ```text
//!   over two GiB      ──▶ across the page with the lock byte at 1 GiB: filled, indexed, shrunk, vacuumed to other page sizes
//!   auto-vacuum       ──▶ a million rows, then none
//! ```
//!
//! The memory that this process holds for itself (pages of mapped files are not its own) is watched meanwhile: no transaction and no VACUUM
//! may need the whole content.

mod memory;
mod room;

use std::path::Path;

use crate::session::Session;
use crate::subject::{EngineName, Failure};

pub use memory::MemoryWatch;
pub use room::require_room;

/// Of which shape the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Bytes of content.
    pub bytes: u64,
    /// The page size at first.
    pub page_size: u32,
    /// The journal mode.
    pub journal_mode: &'static str,
}

impl Shape {
    /// The most bytes that a walk over such a file comes to have on the disk: the file, which grows by some when it is changed, its new
    /// pages that wait for their commit in a spill file, and the journal or log.
    pub fn peak_bytes(&self) -> u64 {
        self.bytes * 3
    }
}

/// Length of a row's blob.
const BLOB: u64 = 200_000;

/// Both engines' ways over one file.
pub struct Walk<'a> {
    file: &'a Path,
    maker: EngineName,
    other: EngineName,
}

impl<'a> Walk<'a> {
    /// A walk over `file`, which `maker` makes and the other engine continues.
    pub fn new(file: &'a Path, maker: EngineName) -> Walk<'a> {
        let other = match maker {
            EngineName::Aludel => EngineName::Sqlite,
            EngineName::Sqlite => EngineName::Aludel,
        };
        Walk { file, maker, other }
    }

    /// A file of so many bytes, filled by the maker, changed by the other and by the maker again, and checked by both each time.
    ///
    /// # Errors
    /// What an engine says; what differs.
    pub fn fill_and_change(&self, shape: Shape) -> Result<(), Failure> {
        let rows = shape.bytes / BLOB;
        let mut maker = self.open(self.maker)?;
        maker.run(&format!("PRAGMA page_size = {}", shape.page_size), &[])?;
        maker.run(&format!("PRAGMA journal_mode = {}", shape.journal_mode), &[])?;
        maker.run("CREATE TABLE t(id INTEGER PRIMARY KEY, n INT, b BLOB)", &[])?;
        maker.run(
            &format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                 INSERT INTO t SELECT i, i * 7919 % {rows}, zeroblob({BLOB} - i % 100) FROM n"
            ),
            &[],
        )?;
        drop(maker);
        self.agree("after it was filled")?;
        let mut other = self.open(self.other)?;
        other.run("CREATE INDEX tn ON t(n)", &[])?;
        other.run("UPDATE t SET b = zeroblob(150000) WHERE id % 50 = 7", &[])?;
        other.run("DELETE FROM t WHERE id % 20 = 3", &[])?;
        other.run(
            "INSERT INTO t(n, b) SELECT n, zeroblob(300000) FROM t WHERE id % 100 = 1",
            &[],
        )?;
        drop(other);
        self.agree("after the other engine changed it")?;
        let mut maker = self.open(self.maker)?;
        maker.run("DELETE FROM t WHERE id % 20 = 4", &[])?;
        maker.run(
            "INSERT INTO t(n, b) SELECT -n, zeroblob(250000) FROM t WHERE id % 100 = 2",
            &[],
        )?;
        drop(maker);
        self.agree("after its maker changed it again")
    }

    /// Vacuums to each of the page sizes in turn; both check.
    ///
    /// # Errors
    /// As [`Walk::fill_and_change`].
    pub fn vacuum(&self, engine: EngineName, page_sizes: &[u32]) -> Result<(), Failure> {
        for size in page_sizes {
            let mut session = self.open(engine)?;
            session.run(&format!("PRAGMA page_size = {size}"), &[])?;
            session.run("VACUUM", &[])?;
            let now = session.number("PRAGMA page_size", &[])?;
            if now != i64::from(*size) {
                return Err(differs(format!("the page size is {now}, not {size}")));
            }
            drop(session);
            self.agree(&format!("after a VACUUM by {engine:?} to pages of {size}"))?;
        }
        Ok(())
    }

    /// A file that gives its pages back: `rows` rows by the maker, which the other engine deletes.
    ///
    /// # Errors
    /// As [`Walk::fill_and_change`]; a file that is not small at the end.
    pub fn grow_and_shrink(&self, rows: u64) -> Result<(), Failure> {
        let mut maker = self.open(self.maker)?;
        maker.run("PRAGMA auto_vacuum = FULL", &[])?;
        maker.run("CREATE TABLE t(id INTEGER PRIMARY KEY, n INT, b TEXT)", &[])?;
        maker.run("CREATE INDEX tn ON t(n)", &[])?;
        maker.run(
            &format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                 INSERT INTO t SELECT i, i * 7919 % {rows}, 'row ' || i FROM n"
            ),
            &[],
        )?;
        drop(maker);
        self.agree("after it was filled")?;
        let mut other = self.open(self.other)?;
        other.run("DELETE FROM t WHERE id % 3 <> 0", &[])?;
        drop(other);
        self.agree("with a third of its rows")?;
        let mut maker = self.open(self.maker)?;
        maker.run("DELETE FROM t WHERE id > 10", &[])?;
        drop(maker);
        self.agree("with the last rows")?;
        let mut other = self.open(self.other)?;
        other.run("DELETE FROM t", &[])?;
        let pages = other.number("PRAGMA page_count", &[])?;
        drop(other);
        self.agree("with no rows")?;
        if pages > 8 {
            return Err(differs(format!("{pages} pages are left for no rows")));
        }
        Ok(())
    }

    fn open(&self, engine: EngineName) -> Result<Session, Failure> {
        let mut session = Session::open(engine, self.file, true)?;
        session.run("PRAGMA synchronous = OFF", &[])?;
        Ok(session)
    }

    /// Both find the file sound and the same in it.
    fn agree(&self, when: &str) -> Result<(), Failure> {
        const SUMS: [&str; 3] = [
            "SELECT count(*) || ' ' || total(id) || ' ' || total(n) || ' ' || total(length(b)) FROM t NOT INDEXED",
            "SELECT group_concat(n) FROM (SELECT n FROM t ORDER BY n LIMIT 50)",
            "SELECT page_count || ' ' || freelist_count FROM pragma_page_count, pragma_freelist_count",
        ];
        let mut answers = Vec::new();
        for engine in [EngineName::Aludel, EngineName::Sqlite] {
            let mut session = self.open(engine)?;
            let verdict = session.integrity()?;
            if verdict != "ok" {
                return Err(differs(format!("{when}, {engine:?} finds: {verdict}")));
            }
            let sums = SUMS.iter().map(|sql| session.value(sql, &[]));
            answers.push(sums.collect::<Result<Vec<_>, _>>()?);
        }
        if answers[0] != answers[1] {
            return Err(differs(format!(
                "{when}, Aludel reads {:?} and SQLite {:?}",
                answers[0], answers[1]
            )));
        }
        Ok(())
    }
}

fn differs(message: String) -> Failure {
    Failure { message, code: 0 }
}
