//! Opens what a crash left, with both engines, and says whether it is what was promised.
//!
//! ```text
//!   image ─┬─▶ Aludel, in memory:   digest, integrity check, one more commit, digest again ─▶ files ─▶ SQLite: integrity check
//!          └─▶ SQLite, real files:  digest, integrity check          both digests equal and legal, both files equal
//! ```

use std::fs;
use std::path::Path;
use std::sync::Arc;

use aludel_storage::vfs::{MemoryImage, MemoryVfs};

use super::dump::{self, Digest};
use super::scenario::Scenario;
use super::workload::{self, Files, Wrap};

/// A judge with its own folder.
pub(super) struct Judge<'a> {
    /// What the image is of.
    pub(super) scenario: Scenario,
    /// Where SQLite's files go; the image's files have their names here.
    pub(super) folder: &'a Path,
    /// What stands between our engine and its files.
    pub(super) wrap: &'a Wrap,
}

fn ours<T>(result: aludel_sql::Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("Aludel: {error}"))
}

fn theirs<T>(result: rusqlite::Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("SQLite: {error}"))
}

impl Judge<'_> {
    /// Judges an image; the digest that it holds.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn judge(&self, image: &MemoryImage, legal: &[Digest]) -> Result<Digest, String> {
        let (found, recovered) = self.open_ours(image)?;
        if !legal.contains(&found) {
            return Err("Aludel finds a content that no legal crash leaves".to_owned());
        }
        let (other, files) = self.open_theirs(image)?;
        if other != found {
            return Err("SQLite finds another content than Aludel".to_owned());
        }
        let name = Files::within(self.folder).main;
        if files.get(&name) != recovered.files.get(&name) {
            return Err("the engines recover to different files".to_owned());
        }
        self.go_on(&recovered, found)?;
        Ok(found)
    }

    fn open_ours(&self, image: &MemoryImage) -> Result<(Digest, MemoryImage), String> {
        let vfs = MemoryVfs::from_image(image);
        let found = self.look(&vfs)?;
        Ok((found, vfs.image()))
    }

    fn look(&self, vfs: &MemoryVfs) -> Result<Digest, String> {
        let wrapped = (self.wrap)(Arc::new(vfs.clone()));
        let connection = ours(workload::open(
            &self.scenario,
            wrapped,
            &Files::within(self.folder),
        ))?;
        let found = ours(dump::ours(&connection, self.scenario.databases()))?;
        for database in self.scenario.databases() {
            let check = ours(dump::our_text(
                &connection,
                &format!("PRAGMA {database}.integrity_check"),
            ))?;
            if check != "ok" {
                return Err(format!("Aludel's integrity check: {check}"));
            }
        }
        Ok(found)
    }

    fn open_theirs(
        &self,
        image: &MemoryImage,
    ) -> Result<(Digest, std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>), String> {
        self.write_files(image)?;
        let found = self.check_theirs()?;
        let mut files = std::collections::BTreeMap::new();
        for entry in fs::read_dir(self.folder).map_err(|error| error.to_string())? {
            let path = entry.map_err(|error| error.to_string())?.path();
            let bytes = fs::read(&path).map_err(|error| error.to_string())?;
            files.insert(path, bytes);
        }
        Ok((found, files))
    }

    fn check_theirs(&self) -> Result<Digest, String> {
        let files = Files::within(self.folder);
        let connection = theirs(rusqlite::Connection::open(&files.main))?;
        let databases = self.scenario.databases();
        if databases.len() > 1 {
            let attach = format!("ATTACH '{}' AS two", files.two.display());
            theirs(connection.execute_batch(&attach))?;
        }
        let found = theirs(dump::theirs(&connection, databases))?;
        for database in databases {
            let check = format!("PRAGMA {database}.integrity_check");
            let check = theirs(dump::their_text(&connection, &check))?;
            if check != "ok" {
                return Err(format!("SQLite's integrity check: {check}"));
            }
        }
        Ok(found)
    }

    fn write_files(&self, image: &MemoryImage) -> Result<(), String> {
        let failed = |error: std::io::Error| error.to_string();
        for entry in fs::read_dir(self.folder).map_err(failed)? {
            fs::remove_file(entry.map_err(failed)?.path()).map_err(failed)?;
        }
        for (path, bytes) in &image.files {
            fs::write(path, bytes).map_err(failed)?;
        }
        Ok(())
    }

    /// Life goes on: one more commit is made, found again, and accepted by SQLite.
    fn go_on(&self, recovered: &MemoryImage, before: Digest) -> Result<(), String> {
        let vfs = MemoryVfs::from_image(recovered);
        let wrapped = (self.wrap)(Arc::new(vfs.clone()));
        let connection = ours(workload::open(
            &self.scenario,
            wrapped,
            &Files::within(self.folder),
        ))?;
        ours(connection.execute_batch(
            "CREATE TABLE after_crash(x INTEGER PRIMARY KEY, y); INSERT INTO after_crash(y) VALUES(hex(zeroblob(900)))",
        ))?;
        drop(connection);
        let after = self.look(&vfs)?;
        self.write_files(&vfs.image())?;
        if self.check_theirs()? != after || after == before {
            return Err("SQLite does not find what was committed after the recovery".to_owned());
        }
        Ok(())
    }
}
