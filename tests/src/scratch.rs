//! A scratch folder that is the process's working folder while it lives.
//!
//! Recorded sessions name files relative to an empty folder, inside SQL text as well (`ATTACH 'test2.db'`), so the
//! working folder itself has to be that folder.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// An empty folder, entered on creation, left and removed on drop.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    before: PathBuf,
}

impl Scratch {
    /// Makes an empty folder and enters it.
    pub fn enter() -> io::Result<Scratch> {
        let before = std::env::current_dir()?;
        let folder = tempfile::Builder::new().prefix("aludel-").tempdir()?;
        std::env::set_current_dir(folder.path())?;
        Ok(Scratch { folder, before })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing to do about a folder that went away: the next `enter` reports it.
        let _ = std::env::set_current_dir(&self.before);
    }
}
