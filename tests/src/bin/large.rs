//! `large --gib N`: files over 2 GiB and a file that shrinks from a million rows to none, by both engines in turn.
//!
//! Each line tells one walk, its time, and the most memory that it took; the program exits with 1 at the first that fails.

#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use aludel_tests::large::{MemoryWatch, Shape, Walk, require_room};
use aludel_tests::subject::{EngineName, Failure};
use clap::Parser;

/// Bytes on the disk, at most, for each row of the file that shrinks: in the table, the index, and the journal or spill file.
const SHRINKING_ROW: u64 = 200;

/// Makes large files with one engine and goes on with the other.
#[derive(Parser)]
struct Arguments {
    /// How large the file is.
    #[arg(long, default_value_t = 2.2)]
    gib: f64,
    /// Rows of the file that shrinks.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// The most memory that a walk may take.
    #[arg(long, default_value_t = 900)]
    memory_mib: u64,
    /// One walk of each kind only, with one VACUUM: for each push.
    #[arg(long)]
    brief: bool,
    /// Which engine makes the files; both in turn when none is given.
    #[arg(long, value_enum)]
    maker: Option<EngineName>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match walk_all(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("large: {error}");
            ExitCode::FAILURE
        }
    }
}

fn walk_all(arguments: &Arguments) -> Result<(), String> {
    let makers = match arguments.maker {
        Some(maker) => vec![maker],
        None if arguments.brief => vec![EngineName::Aludel],
        None => vec![EngineName::Aludel, EngineName::Sqlite],
    };
    let bytes = (arguments.gib * f64::from(1 << 30)) as u64;
    for maker in makers {
        let shape = |page_size, journal_mode| Shape {
            bytes,
            page_size,
            journal_mode,
        };
        let small = shape(4096, "delete");
        let name = format!("{maker:?} fills, pages of 4096");
        walk(arguments, &name, small.peak_bytes(), |file| {
            Walk::new(file, maker).fill_and_change(small)?;
            if arguments.brief {
                return Walk::new(file, maker).vacuum(EngineName::Aludel, &[1024]);
            }
            Walk::new(file, maker).vacuum(EngineName::Aludel, &[1024, 65536, 4096])?;
            Walk::new(file, maker).vacuum(EngineName::Sqlite, &[8192])
        })?;
        if !arguments.brief {
            let large = shape(65536, "wal");
            let name = format!("{maker:?} fills, pages of 65536, log");
            walk(arguments, &name, large.peak_bytes(), |file| {
                Walk::new(file, maker).fill_and_change(large)?;
                Walk::new(file, maker).vacuum(EngineName::Aludel, &[65536])
            })?;
        }
        let name = format!("{maker:?} fills, another shrinks");
        walk(arguments, &name, arguments.rows * SHRINKING_ROW, |file| {
            Walk::new(file, maker).grow_and_shrink(arguments.rows)
        })?;
    }
    Ok(())
}

fn walk(
    arguments: &Arguments,
    name: &str,
    needed: u64,
    work: impl FnOnce(&Path) -> Result<(), Failure>,
) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    require_room(folder.path(), needed).map_err(|why| format!("{name}: {why}"))?;
    let (started, memory) = (Instant::now(), MemoryWatch::start());
    let result = work(&folder.path().join("large.db"));
    let (seconds, peak) = (started.elapsed().as_secs(), memory.peak_mib());
    result.map_err(|failure| format!("{name}: {}", failure.message))?;
    println!("large: {name}: {seconds} s, {peak} MiB of memory");
    if peak > arguments.memory_mib {
        return Err(format!("{name} took {peak} MiB of memory"));
    }
    Ok(())
}
