//! `compare orm`: builds and runs the program that measures the ORM against its peers.
//!
//! It is a workspace of its own, `benches/peers`: Diesel and SeaORM bring some hundred crates and a SQLite of another version,
//! and only one SQLite can be linked into a program.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// Builds the program where that is needed, and runs it with these arguments.
///
/// # Errors
/// Where there is no cargo, or the build fails.
pub fn run(arguments: impl IntoIterator<Item = String>) -> io::Result<ExitStatus> {
    Command::new(build()?).args(arguments).status()
}

fn build() -> io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(target) => PathBuf::from(target),
        None => folder.join("../target"),
    };
    let target = target.join("peers");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--locked", "--quiet", "--manifest-path"])
        .arg(folder.join("peers/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status()?;
    match built.success() {
        true => Ok(target.join("release/aludel-peers")),
        false => Err(io::Error::other("the build of benches/peers failed")),
    }
}
