//! A new file: under a temporary name beside its own until it is whole and on the disk.
//!
//! - N1 A name that is taken is refused, before and at the end.
//! - N2 What is left unfinished goes away.

use std::fs::File;
use std::path::{Path, PathBuf};

use tempfile::{Builder, TempDir, TempPath};

use crate::error::Failure;

/// A file to be.
#[derive(Debug)]
pub(super) struct NewFile {
    name: PathBuf,
    /// In the folder of `name`: files that come up beside it on the way go with it (N2).
    scratch: TempDir,
}

impl NewFile {
    /// Begins one.
    ///
    /// # Errors
    /// A name that is taken, a folder that takes no files.
    pub(super) fn begin(name: &Path) -> Result<NewFile, Failure> {
        refuse_existing(name)?;
        let scratch = Builder::new()
            .prefix(".dbtool-")
            .tempdir_in(folder_of(name))
            .map_err(|error| Failure::cannot_write(name, error))?;
        Ok(NewFile {
            name: name.to_owned(),
            scratch,
        })
    }

    /// Where to write it.
    pub(super) fn draft(&self) -> PathBuf {
        self.scratch.path().join("draft.db")
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// Those of syncing and renaming; a name that was taken meanwhile.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let failed = |error| Failure::cannot_write(&self.name, error);
        let draft = self.draft();
        File::open(&draft)
            .and_then(|file| file.sync_all())
            .map_err(failed)?;
        TempPath::try_from_path(draft)
            .map_err(failed)?
            .persist_noclobber(&self.name)
            .map_err(|error| failed(error.error))?;
        // A folder that cannot be synced has no promise to break: the file itself is on the disk.
        let _ = File::open(folder_of(&self.name)).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

fn refuse_existing(name: &Path) -> Result<(), Failure> {
    if name.symlink_metadata().is_ok() {
        return Err(Failure::Usage(format!(
            "{} is there already, and nothing is overwritten: name a new file",
            name.display()
        )));
    }
    Ok(())
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
