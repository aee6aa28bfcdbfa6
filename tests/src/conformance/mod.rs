//! Replays recorded sessions and judges each answer.
//!
//! A record file is a list of segments; a segment starts from an empty folder and is independent of the others. Answers are
//! statements that have columns or an expected error; statements that only write count for their segment alone.
//!
//! ```text
//!   file ──record::read──> segments ──replay──> verdicts ──report──> "NAME answers a/b segments c/d"
//! ```

pub mod compact;
pub mod judge;
pub mod record;
pub mod replay;
pub mod serve;

use std::io;
use std::path::{Path, PathBuf};

/// The record files behind the paths given: files as they are, folders by their `.jsonl` files, sorted.
///
/// # Errors
/// A path that does not exist, or a folder without records: a run that judges nothing must not look like a success.
pub fn files(paths: &[PathBuf], extension: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        let before = found.len();
        collect(path, extension, &mut found)?;
        if found.len() == before {
            let text = format!("{} holds no .{extension} file", path.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        }
    }
    Ok(found)
}

fn collect(path: &Path, extension: &str, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    if !path.metadata().map_err(named)?.is_dir() {
        found.push(path.canonicalize()?);
        return Ok(());
    }
    let mut entries = path.read_dir()?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let path = entry.path();
        if path.is_dir() || path.extension().is_some_and(|own| own == extension) {
            collect(&path, extension, found)?;
        }
    }
    Ok(())
}
