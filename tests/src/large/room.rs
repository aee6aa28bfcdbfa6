//! Whether a folder has room for a walk's files, asked before minutes go into filling it.

use std::path::Path;
use std::process::Command;

/// Refuses a folder in which fewer than `needed` bytes are free, naming the folder and both numbers. Where the system does not say how
/// many are free the walk may try.
///
/// # Errors
/// There is too little room.
pub fn require_room(folder: &Path, needed: u64) -> Result<(), String> {
    match free_bytes(folder) {
        Some(free) if free < needed => Err(format!(
            "{} has too little free space: {} MiB are needed, {} MiB are free (TMPDIR names another folder, --gib a smaller file)",
            folder.display(),
            needed.div_ceil(1 << 20),
            free >> 20,
        )),
        _ => Ok(()),
    }
}

/// The free bytes as `df` tells them: in the portable format the second line's fourth field, in units of 1024 bytes.
fn free_bytes(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kib: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_room_is_named_with_what_is_needed_and_free() {
        let folder = tempfile::tempdir().unwrap();
        require_room(folder.path(), 1).unwrap();
        if free_bytes(folder.path()).is_some() {
            let message = require_room(folder.path(), u64::MAX).unwrap_err();
            assert!(
                message.contains(&folder.path().display().to_string()),
                "{message}"
            );
            assert!(message.contains("17592186044416 MiB are needed"), "{message}");
        }
    }
}
