//! One file's life: operations at random, each on the store and on the model.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aludel_storage::Error;
use aludel_storage::btree::{IndexCursor, TreeKind, vacuum_pages};
use aludel_storage::format::{AutoVacuum, PageNo};
use aludel_storage::maintenance::{CheckOptions, TreeRoot, check};
use aludel_storage::pager::{CheckpointKind, JournalMode, Pager, PagerOptions, Synchronous};
use aludel_storage::vfs::OsVfs;

use super::changes::{Cursors, change_records, change_rows, compare};
use super::model::{Content, Model, index_order, key_order, put};
use super::oracle;
use super::records::keyed;
use crate::random::Random;

pub(super) type Outcome<T> = Result<T, String>;

pub(super) fn said(error: Error) -> String {
    format!("{error} ({error:?})")
}

/// What an episode did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) ops: u64,
    pub(super) commits: u64,
    pub(super) oracle_checks: u64,
}

/// Another connection of ours that may hold a snapshot.
struct Reader {
    pager: Pager,
    snapshot: Option<Model>,
}

pub(super) struct Episode {
    file: PathBuf,
    pub(super) random: Random,
    options: PagerOptions,
    pub(super) pager: Pager,
    reader: Option<Reader>,
    /// What the open transaction sees.
    pub(super) model: Model,
    /// What is committed.
    pub(super) committed: Model,
    savepoints: Vec<Model>,
    in_write: bool,
    /// The state of the pages after the last operation: as long as it is this one, cursors may be vouched for.
    left: (u64, u64),
    cursors: BTreeMap<String, Cursors>,
    counts: Counts,
    trace: VecDeque<String>,
    is_traced: bool,
}

const MODES: [JournalMode; 5] = [
    JournalMode::Delete,
    JournalMode::Truncate,
    JournalMode::Persist,
    JournalMode::Wal,
    JournalMode::Memory,
];
/// Of so many commits one is looked at by SQLite.
const ORACLE_IN: usize = 12;

impl Episode {
    pub(super) fn begin(folder: &Path, seed: u64, is_traced: bool) -> Outcome<Episode> {
        let mut random = Random::new(seed);
        let file = folder.join(format!("episode-{seed:x}.db"));
        let mut options = PagerOptions::default();
        options.page_size = *random.pick(&[512, 512, 1024, 1024, 4096, 65536]);
        options.reserved = *random.pick(&[0, 0, 0, 1, 8, 32]);
        options.auto_vacuum = *random.pick(&[
            AutoVacuum::None,
            AutoVacuum::None,
            AutoVacuum::Full,
            AutoVacuum::Incremental,
        ]);
        options.journal_mode = *random.pick(&MODES);
        options.synchronous = *random.pick(&[Synchronous::Off, Synchronous::Off, Synchronous::Full]);
        options.mmap_limit = *random.pick(&[0, u64::MAX, u64::MAX, 40_000]);
        options.cache_pages = *random.pick(&[5, 50, 2_000]);
        options.spill_limit = *random.pick(&[0, 3_000, 40_000, 256 << 20, 256 << 20]);
        options.wal_autocheckpoint = *random.pick(&[0, 10, 100, 1_000]);
        let pager = open(&file, &options)?;
        Ok(Episode {
            file,
            random,
            options,
            pager,
            reader: None,
            model: Model::default(),
            committed: Model::default(),
            savepoints: Vec::new(),
            in_write: false,
            left: (0, 0),
            cursors: BTreeMap::new(),
            counts: Counts::default(),
            trace: VecDeque::new(),
            is_traced,
        })
    }

    /// Runs about so many operations, and the last checks.
    ///
    /// # Errors
    /// What differs, led by the last operations.
    pub(super) fn run(mut self, ops: u64) -> Outcome<Counts> {
        let result = self.drive(ops);
        result.map(|()| self.counts).map_err(|what| {
            let last: Vec<&str> = self.trace.iter().map(String::as_str).collect();
            format!(
                "{what}\n  {:?}\n  last operations: {}",
                self.options,
                last.join(" | ")
            )
        })
    }

    fn drive(&mut self, ops: u64) -> Outcome<()> {
        while self.counts.ops < ops {
            if self.in_write {
                self.step_in_transaction()?;
            } else {
                self.step_between()?;
            }
        }
        if self.in_write {
            self.commit()?;
        }
        self.reader = None;
        self.check_with_oracle()
    }

    pub(super) fn note(&mut self, what: impl FnOnce() -> String) {
        self.counts.ops += 1;
        let what = what();
        if self.is_traced {
            println!("{} {what}", self.counts.ops);
        }
        self.trace.push_back(what);
        if self.trace.len() > 14 {
            self.trace.pop_front();
        }
    }

    // ---- between transactions --------------------------------------------------------------------

    fn step_between(&mut self) -> Outcome<()> {
        match self.random.below(40) {
            0 => self.reopen(),
            1 | 2 => self.checkpoint(),
            3 => self.switch_mode(),
            4 | 5 => self.let_sqlite_change(),
            6..=8 => self.reader_begins(),
            9 | 10 => self.reader_ends(),
            11 | 12 => self.reader_writes(),
            _ => self.begin_write(),
        }
    }

    fn reopen(&mut self) -> Outcome<()> {
        self.note(|| "reopen".to_owned());
        self.cursors.clear();
        // The old connection is closed only when the new one is there.
        self.pager = open(&self.file, &self.options)?;
        Ok(())
    }

    fn checkpoint(&mut self) -> Outcome<()> {
        let kind = *self.random.pick(&[
            CheckpointKind::Passive,
            CheckpointKind::Full,
            CheckpointKind::Restart,
            CheckpointKind::Truncate,
        ]);
        self.note(|| format!("checkpoint {kind:?}"));
        match self.pager.checkpoint(kind) {
            Ok(_) => Ok(()),
            Err(error) if error.is_busy() && self.reader.is_some() => Ok(()),
            Err(error) => Err(said(error)),
        }
    }

    fn switch_mode(&mut self) -> Outcome<()> {
        let mode = *self.random.pick(&MODES);
        self.note(|| format!("journal mode {mode:?}"));
        match self.pager.set_journal_mode(mode) {
            Ok(now) => {
                self.options.journal_mode = now;
                Ok(())
            }
            // The other connection is in the way.
            Err(error) if (error.is_busy() || matches!(error, Error::Locked)) && self.reader.is_some() => {
                Ok(())
            }
            Err(error) => Err(said(error)),
        }
    }

    fn let_sqlite_change(&mut self) -> Outcome<()> {
        if self
            .reader
            .as_ref()
            .is_some_and(|reader| reader.snapshot.is_some())
            || self.committed.made == 0
        {
            return Ok(());
        }
        self.note(|| "SQLite changes".to_owned());
        let usable = self.pager.usable_size();
        oracle::change(&self.file, &mut self.committed, usable, &mut self.random)?;
        self.distrust();
        self.read_roots()?;
        self.model = self.committed.clone();
        self.verify()
    }

    // ---- the other connection --------------------------------------------------------------------

    fn reader_begins(&mut self) -> Outcome<()> {
        if self.committed.made == 0 {
            return Ok(());
        }
        self.note(|| "the other connection reads".to_owned());
        if self.reader.is_none() {
            let mut options = self.options.clone();
            options.mmap_limit = *self.random.pick(&[0, u64::MAX]);
            self.reader = Some(Reader {
                pager: open(&self.file, &options)?,
                snapshot: None,
            });
        }
        if let Some(reader) = &mut self.reader
            && reader.snapshot.is_none()
        {
            reader.pager.begin_read().map_err(said)?;
            reader.snapshot = Some(self.committed.clone());
        }
        self.check_snapshot()
    }

    fn reader_ends(&mut self) -> Outcome<()> {
        self.check_snapshot()?;
        if let Some(reader) = &mut self.reader
            && reader.snapshot.take().is_some()
        {
            reader.pager.end_read();
            self.note(|| "the other connection ends its read".to_owned());
        } else if self.random.one_in(4) {
            self.reader = None;
        }
        Ok(())
    }

    /// The other connection's snapshot is still what it was (F3).
    fn check_snapshot(&mut self) -> Outcome<()> {
        if let Some(Reader {
            pager,
            snapshot: Some(snapshot),
        }) = &self.reader
        {
            compare(pager, snapshot).map_err(|what| format!("the other connection's snapshot: {what}"))?;
        }
        Ok(())
    }

    /// The other connection commits a change while this one has no transaction.
    fn reader_writes(&mut self) -> Outcome<()> {
        let Some(reader) = self.reader.as_mut().filter(|reader| reader.snapshot.is_none()) else {
            return Ok(());
        };
        let rows_tables = self
            .committed
            .tables
            .iter_mut()
            .find(|(_, table)| matches!(table.content, Content::Records(_)));
        let Some((name, table)) = rows_tables else {
            return Ok(());
        };
        let (name, Content::Records(records)) = (name.clone(), &mut table.content) else {
            return Ok(());
        };
        reader.pager.begin_write().map_err(said)?;
        let mut cursor = IndexCursor::new(table.root, key_order());
        let record = keyed(reader.pager.usable_size(), None, &mut self.random);
        cursor.insert(&mut reader.pager, &record).map_err(said)?;
        reader.pager.commit().map_err(said)?;
        put(records, record);
        self.note(|| format!("the other connection writes to {name}"));
        self.distrust();
        self.model = self.committed.clone();
        self.verify()
    }

    // ---- transactions ----------------------------------------------------------------------------

    fn begin_write(&mut self) -> Outcome<()> {
        if self.random.one_in(5) {
            self.pager.begin_read().map_err(said)?;
            compare(&self.pager, &self.committed)?;
        }
        self.pager.begin_write().map_err(said)?;
        self.in_write = true;
        self.model = self.committed.clone();
        if self.left != self.state() {
            self.distrust();
        }
        self.note(|| "begin".to_owned());
        if let Some(reader) = self.reader.as_mut().filter(|reader| reader.snapshot.is_none())
            && self.random.one_in(6)
        {
            match reader.pager.begin_write() {
                Err(error) if error.is_busy() => reader.pager.end_read(),
                other => return Err(format!("two writers: {other:?}")),
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Outcome<()> {
        self.savepoints.clear();
        if self.options.auto_vacuum == AutoVacuum::Full {
            vacuum_pages(&mut self.pager, u32::MAX).map_err(said)?;
            self.distrust();
        }
        self.note(|| "commit".to_owned());
        let mut result = self.pager.commit();
        if result.as_ref().is_err_and(Error::is_busy)
            && self
                .reader
                .as_ref()
                .is_some_and(|reader| reader.snapshot.is_some())
        {
            // With a rollback journal readers are in the way; when they have gone the same commit goes on.
            self.check_snapshot()?;
            if let Some(reader) = &mut self.reader {
                reader.snapshot = None;
                reader.pager.end_read();
            }
            result = self.pager.commit();
        }
        result.map_err(said)?;
        self.in_write = false;
        self.committed = self.model.clone();
        self.counts.commits += 1;
        self.check_snapshot()?;
        self.verify()?;
        if self.random.one_in(ORACLE_IN) {
            self.check_with_oracle()?;
        }
        Ok(())
    }

    fn roll_back(&mut self) -> Outcome<()> {
        self.note(|| "rollback".to_owned());
        self.pager.rollback().map_err(said)?;
        self.savepoints.clear();
        self.in_write = false;
        self.model = self.committed.clone();
        self.distrust();
        self.verify()
    }

    fn step_in_transaction(&mut self) -> Outcome<()> {
        match self.random.below(60) {
            0 | 1 => self.commit(),
            2 => self.roll_back(),
            3 | 4 => self.savepoint(),
            5 => self.release(),
            6 | 7 => self.roll_back_to(),
            8 => self.incremental_vacuum(),
            9 if self.model.tables.len() > 1 && self.random.one_in(3) => self.drop_table(),
            9 | 10 if self.model.tables.len() < 5 => self.create_table(),
            11 if self.random.one_in(3) => self.clear_table(),
            12 => self.append_many(),
            _ => self.change_row(),
        }
    }

    fn savepoint(&mut self) -> Outcome<()> {
        if self.savepoints.len() < 5 {
            self.note(|| "savepoint".to_owned());
            self.pager.savepoint().map_err(said)?;
            self.savepoints.push(self.model.clone());
        }
        Ok(())
    }

    fn release(&mut self) -> Outcome<()> {
        if !self.savepoints.is_empty() {
            let depth = self.random.below(self.savepoints.len());
            self.note(|| format!("release {depth}"));
            self.pager.release(depth).map_err(said)?;
            self.savepoints.truncate(depth);
        }
        Ok(())
    }

    fn roll_back_to(&mut self) -> Outcome<()> {
        if !self.savepoints.is_empty() {
            let depth = self.random.below(self.savepoints.len());
            self.note(|| format!("rollback to {depth}"));
            self.pager.rollback_to(depth).map_err(said)?;
            self.model = self.savepoints[depth].clone();
            self.savepoints.truncate(depth + 1);
            self.distrust();
            compare(&self.pager, &self.model)?;
        }
        Ok(())
    }

    fn incremental_vacuum(&mut self) -> Outcome<()> {
        if self.options.auto_vacuum != AutoVacuum::None {
            let count = self.random.below(6) as u32;
            self.note(|| format!("vacuum {count} pages"));
            vacuum_pages(&mut self.pager, count).map_err(said)?;
            self.distrust();
        }
        Ok(())
    }

    // ---- rows ------------------------------------------------------------------------------------

    /// What every cursor knows may be wrong now.
    pub(super) fn distrust(&mut self) {
        self.cursors
            .values_mut()
            .for_each(|cursors| cursors.trusted = false);
    }

    fn append_many(&mut self) -> Outcome<()> {
        let name = self.any_table();
        for _ in 0..self.random.below(40) {
            self.change(&name, true)?;
        }
        Ok(())
    }

    fn change_row(&mut self) -> Outcome<()> {
        let name = self.any_table();
        self.change(&name, false)
    }

    fn change(&mut self, name: &str, append: bool) -> Outcome<()> {
        let Some(table) = self.model.tables.get_mut(name) else {
            return Ok(());
        };
        let cursors = self
            .cursors
            .entry(name.to_owned())
            .or_insert_with(|| Cursors::of(table));
        if (cursors.root, cursors.index_root) != (table.root, table.index) {
            *cursors = Cursors::of(table);
        }
        if cursors.trusted {
            cursors.rows.vouch(&self.pager);
            cursors.records.vouch(&self.pager);
            cursors.index.vouch(&self.pager);
        } else {
            cursors.rows.distrust();
            cursors.records.distrust();
            cursors.index.distrust();
        }
        cursors.trusted = true;
        let random = &mut self.random;
        let what = match &mut table.content {
            Content::Rows(rows) => change_rows(&mut self.pager, cursors, rows, append, random)?,
            Content::Records(records) => change_records(&mut self.pager, cursors, records, append, random)?,
        };
        self.left = self.state();
        self.note(|| format!("{name}: {what}"));
        Ok(())
    }

    fn state(&self) -> (u64, u64) {
        (self.pager.mutation_count(), self.pager.change_token())
    }

    // ---- checking --------------------------------------------------------------------------------

    /// F1, outside of any transaction.
    fn verify(&mut self) -> Outcome<()> {
        self.pager.begin_read().map_err(said)?;
        let result = compare(&self.pager, &self.committed).and_then(|()| self.check_structure());
        self.pager.end_read();
        result
    }

    fn check_structure(&self) -> Outcome<()> {
        if self.pager.page_count() == 0 {
            return Ok(());
        }
        let root = |root, kind, order| TreeRoot {
            kind: Some(kind),
            order,
            ..TreeRoot::new(root)
        };
        let mut roots = vec![root(PageNo::ONE, TreeKind::Table, None)];
        for table in self.committed.tables.values() {
            roots.push(match &table.content {
                Content::Rows(_) => root(table.root, TreeKind::Table, None),
                Content::Records(_) => root(table.root, TreeKind::Index, Some(key_order())),
            });
            roots.extend(
                table
                    .index
                    .map(|own| root(own, TreeKind::Index, Some(index_order()))),
            );
        }
        let report = check(&self.pager, &roots, &CheckOptions::default()).map_err(said)?;
        if report.is_ok() {
            Ok(())
        } else {
            Err(format!("the check finds {:?}", report.findings))
        }
    }

    fn check_with_oracle(&mut self) -> Outcome<()> {
        if self.committed.made == 0 {
            return Ok(());
        }
        self.counts.oracle_checks += 1;
        oracle::check(&self.file, &self.committed)
    }
}

fn open(file: &Path, options: &PagerOptions) -> Outcome<Pager> {
    Pager::open(Arc::new(OsVfs::new()), file, options).map_err(said)
}
