//! Recovering: what can still be read of a damaged file, put into a new database.
//!
//! ```text
//!   damaged file ──▶ schema rows ──▶ CREATE TABLE ──▶ rows of each tree ──▶ CREATE INDEX, VIEW, TRIGGER ──▶ new file
//!        │                                                 ╎ what no table takes
//!        └──────▶ leaves that no tree leads to ──▶ lost_and_found(rootpgno, pgno, nfield, id, c0, c1, ...)
//! ```
//!
//! The damaged file is only read: [`aludel_storage::maintenance::Salvage`] walks it. All that is found goes somewhere: a row that its
//! table refuses (a duplicate key, a broken constraint) is in `lost_and_found`, a definition that cannot be used is in the report.
//!
//! - R1. Nothing of the damaged file is run: of its texts only definitions are executed, and rows are put in before triggers exist.
//! - R2. Indexes are built from the rows, never taken over.
//! - R3. The new file passes the integrity check, CHECK constraints left aside: a row that breaks one is kept. The tables in which a virtual
//!   table keeps its rows are taken over as they are found, so a full-text index of which rows are lost has to be rebuilt by its owner.
//!
//! Sequences of AUTOINCREMENT are taken over; statistics are gathered anew where there were some.

mod definitions;
mod lost;
mod rows;

use std::path::Path;
use std::sync::Arc;

use aludel_storage::btree::TreeKind;
use aludel_storage::format::{AutoVacuum, PageNo, TextEncoding};
use aludel_storage::maintenance::{Salvage, SalvagedHeader, Stop, WalkTally};
use aludel_storage::vfs::{OsVfs, Vfs};

use crate::connection::{Connection, OpenOptions};
use crate::error::{Error, Result};
use definitions::Definitions;
use lost::LostAndFound;

/// How [`recover`] works.
#[derive(Clone, Default)]
pub struct RecoverOptions {
    vfs: Option<Arc<dyn Vfs>>,
    freed: bool,
    stop: Option<Stop>,
}

impl RecoverOptions {
    /// The system's files; pages of the freelist are left out.
    pub fn new() -> RecoverOptions {
        RecoverOptions::default()
    }

    /// The world that both files are in.
    #[must_use]
    pub fn vfs(mut self, vfs: Arc<dyn Vfs>) -> RecoverOptions {
        self.vfs = Some(vfs);
        self
    }

    /// Take rows from pages that the freelist lists as well: rows that were deleted come back in `lost_and_found`.
    #[must_use]
    pub fn freed(mut self, freed: bool) -> RecoverOptions {
        self.freed = freed;
        self
    }

    /// Asks `stop` again and again; when it is true, recovering ends with [`Error::Interrupt`]. The new file is unfinished then, and
    /// worth nothing.
    #[must_use]
    pub fn stop_when(mut self, stop: impl Fn() -> bool + Send + Sync + 'static) -> RecoverOptions {
        self.stop = Some(Arc::new(stop));
        self
    }
}

impl std::fmt::Debug for RecoverOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecoverOptions")
            .field("vfs", &self.vfs)
            .field("freed", &self.freed)
            .finish_non_exhaustive()
    }
}

/// What [`recover`] kept, and what it knows to be lost.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RecoverReport {
    /// Whether the file's header was that of a database.
    pub header_was_sound: bool,
    /// Pages of the damaged file.
    pub page_count: u32,
    /// Each table of which the definition was readable.
    pub tables: Vec<RecoveredTable>,
    /// What the walks over the schema's own tree, and over that of sqlite_sequence, met.
    pub schema: WalkTally,
    /// Pages that nothing led to and that have no rows: what they held is not known.
    pub unnamed_pages: u32,
    /// Virtual tables, whose own tables are among `tables`.
    pub virtual_tables: Vec<String>,
    /// The table with the rows that belong nowhere, if there are any, and how many.
    pub lost_and_found: Option<(String, u64)>,
    /// Definitions that could not be used: the name, and why.
    pub failures: Vec<(String, String)>,
}

/// What became of one table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecoveredTable {
    /// Its name.
    pub name: String,
    /// Rows that it has in the new file.
    pub kept: u64,
    /// Rows that were found and that it refused: they are in `lost_and_found`.
    pub refused: u64,
    /// What was met on the way; `cut` counts rows that are kept with NULL for the columns that are missing.
    pub found: WalkTally,
}

impl RecoverReport {
    /// Whether nothing is known to be missing: every tree was whole, every row found its place, and every page was some tree's, or free.
    pub fn is_whole(&self) -> bool {
        self.header_was_sound
            && self.schema.is_whole()
            && self.unnamed_pages == 0
            && self.lost_and_found.is_none()
            && self.failures.is_empty()
            && self
                .tables
                .iter()
                .all(|table| table.refused == 0 && table.found.is_whole())
    }
}

/// Rebuilds what can be read of the database file `damaged` into the new file `target`.
///
/// The damaged file is not changed, not even recovered from its journal: a log or a hot journal beside it is read with it. No other connection may
/// write to it meanwhile. Reads each page a few times; rows pass through memory a few at a time.
///
/// ```
/// use aludel_sql::{Connection, recover::{RecoverOptions, recover}};
///
/// # fn main() -> aludel_sql::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// let (damaged, rebuilt) = (folder.path().join("damaged.db"), folder.path().join("rebuilt.db"));
/// Connection::open(&damaged)?.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES(1), (2)")?;
/// let report = recover(&damaged, &rebuilt, &RecoverOptions::new())?;
/// assert!(report.is_whole() && report.tables[0].kept == 2);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Error::Misuse`] when `target` is there already, [`Error::Interrupt`] as [`RecoverOptions::stop_when`] says; what the system says. Damage
/// is in the report.
pub fn recover(
    damaged: impl AsRef<Path>,
    target: impl AsRef<Path>,
    options: &RecoverOptions,
) -> Result<RecoverReport> {
    recover_into(damaged.as_ref(), target.as_ref(), options).map_err(|error| match error {
        Error::Storage(aludel_storage::Error::Interrupt) => Error::Interrupt,
        error => error,
    })
}

fn recover_into(damaged: &Path, target: &Path, options: &RecoverOptions) -> Result<RecoverReport> {
    let vfs = options.vfs.clone().unwrap_or_else(|| Arc::new(OsVfs::new()));
    if vfs.exists(target)? {
        return Err(Error::misuse("the file to recover into is there already"));
    }
    let salvage = Salvage::open_until(&*vfs, damaged, options.stop.clone())?;
    let connection = Connection::open_with(target, &OpenOptions::new().vfs(vfs))?;
    connection.progress_handler(1, options.stop.clone().map(|stop| move || stop()))?;
    let mut recovery = Recovery {
        encoding: salvage.header().encoding,
        report: RecoverReport {
            header_was_sound: salvage.header().is_sound,
            page_count: salvage.page_count(),
            ..RecoverReport::default()
        },
        lost: LostAndFound::default(),
        salvage,
        connection: &connection,
        pace: Pace::default(),
    };
    recovery.run(options.freed)?;
    Ok(recovery.report)
}

struct Recovery<'c> {
    salvage: Salvage,
    connection: &'c Connection,
    encoding: TextEncoding,
    lost: LostAndFound,
    report: RecoverReport,
    pace: Pace,
}

/// After so many bytes of rows there is a commit, so that the dirty pages of a large file do not pile up.
const COMMIT_BYTES: usize = 4 << 20;

/// Bytes of rows since the last commit.
#[derive(Debug, Default)]
struct Pace(usize);

impl Pace {
    /// Whether it is time to commit, now that so many more bytes are written.
    fn is_due(&mut self, bytes: usize) -> bool {
        self.0 += bytes + 64;
        let due = self.0 > COMMIT_BYTES;
        if due {
            self.0 = 0;
        }
        due
    }
}

fn commit_and_go_on(connection: &Connection) -> Result<()> {
    connection.execute_batch("COMMIT; BEGIN")
}

impl Recovery<'_> {
    fn run(&mut self, freed: bool) -> Result<()> {
        self.settle_file()?;
        self.connection.execute("BEGIN", ())?;
        let definitions = Definitions::read(&mut self.salvage, self.encoding, &mut self.report.schema)?;
        for root in definitions.roots() {
            self.salvage.expect_root(root);
        }
        self.lost.avoid(&definitions);
        let tables: Vec<bool> = definitions
            .tables
            .iter()
            .map(|definition| self.define(definition))
            .collect();
        for (definition, is_there) in definitions.tables.iter().zip(tables) {
            if is_there && let Some(root) = definition.root {
                self.take_table(&definition.name, root)?;
            }
        }
        self.take_sequences(&definitions)?;
        for (root, kind) in definitions.passed_over.iter().copied() {
            self.pass_over(root, kind)?;
        }
        if !freed {
            self.salvage.skip_freelist()?;
        }
        self.take_strays()?;
        if freed {
            self.salvage.skip_freelist()?;
        }
        self.report.unnamed_pages = self.salvage.unnamed_pages();
        for definition in definitions.later.iter() {
            self.define(definition);
        }
        for definition in &definitions.virtual_tables {
            self.report.virtual_tables.push(definition.name.clone());
            self.note_virtual_table(definition);
        }
        self.connection.execute("COMMIT", ())?;
        if definitions.had_statistics {
            self.connection.execute("ANALYZE", ())?;
        }
        self.report.lost_and_found = self.lost.report();
        self.seal()
    }

    /// The new file is as the damaged one was, and not slowed down by what a crash would leave: until the end it is worth nothing.
    fn settle_file(&self) -> Result<()> {
        let SalvagedHeader {
            page_size,
            encoding,
            auto_vacuum,
            user_version,
            application_id,
            ..
        } = self.salvage.header();
        let encoding = match encoding {
            TextEncoding::Utf8 => "UTF-8",
            TextEncoding::Utf16le => "UTF-16le",
            TextEncoding::Utf16be => "UTF-16be",
        };
        let auto_vacuum = match auto_vacuum {
            AutoVacuum::None => 0,
            AutoVacuum::Full => 1,
            AutoVacuum::Incremental => 2,
        };
        self.connection.execute_batch(&format!(
            "PRAGMA page_size = {page_size}; PRAGMA encoding = '{encoding}'; PRAGMA auto_vacuum = {auto_vacuum};
             PRAGMA journal_mode = off; PRAGMA synchronous = off; PRAGMA ignore_check_constraints = on;
             PRAGMA user_version = {user_version}; PRAGMA application_id = {application_id}"
        ))
    }

    /// One more commit, which reaches the disk, and all before it with it.
    fn seal(&self) -> Result<()> {
        let version = self.salvage.header().user_version;
        self.connection.execute_batch(&format!(
            "PRAGMA journal_mode = delete; PRAGMA synchronous = full;
             PRAGMA user_version = {}; PRAGMA user_version = {version}",
            version.wrapping_add(1)
        ))
    }

    /// Marks the pages of an index, so that they do not come up as strays. Its entries are those of its table.
    fn pass_over(&mut self, root: PageNo, kind: TreeKind) -> Result<()> {
        self.salvage.walk::<Error>(root, kind, &mut |_| Ok(())).map(drop)
    }

    fn fail(&mut self, name: &str, why: impl std::fmt::Display) {
        self.report.failures.push((name.to_owned(), why.to_string()));
    }
}

#[cfg(test)]
mod tests;
