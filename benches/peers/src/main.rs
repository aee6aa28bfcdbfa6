//! Aludel's ORM on its native engine beside rusqlite by hand, Diesel, SeaORM (its sync crate) and SQLAlchemy.
//!
//! ```text
//!   template file ──copy──> one file for each peer ──> round 0 (judged), 1, 2, ..: all peers in turn ──> medians, ratios
//! ```
//!
//! All do the same work on the same tables with SQLite's default pragmas, and their answers are compared. What they are
//! given is made before the clock starts, and results are dropped after it has stopped; a work includes its transaction.
//! `compare orm` builds and runs this program.

#![forbid(unsafe_code)]

mod alchemy;
mod by_hand;
mod diesel_peer;
mod ours;
mod peer;
mod run;
mod sea;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use peer::Peer;
use run::Taken;
use work::{Failure, LINES, Line};

/// Measures ORMs.
#[derive(Parser)]
struct Arguments {
    /// Lines whose name begins so; all when none is named.
    lines: Vec<String>,
    /// Peers to run, by name; all when none is named.
    #[arg(long, value_delimiter = ',')]
    peers: Vec<String>,
    /// Rounds of each peer.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// A tenth of the rows: answers are compared, times mean little.
    #[arg(long)]
    quick: bool,
    /// One JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    /// The Python that has SQLAlchemy.
    #[arg(long, default_value = "python3")]
    python: String,
    /// Where the databases are; in memory, where there is such a place.
    #[arg(long)]
    folder: Option<PathBuf>,
}

fn main() -> ExitCode {
    match compare(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare orm: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &Arguments) -> Result<(), Failure> {
    let mut peers = peers(arguments)?;
    let folder = scratch(arguments)?;
    if !arguments.json {
        let names: String = peers.iter().map(|peer| format!("{:>12}", peer.name())).collect();
        println!("{:<24}{names}{:>9}{:>9}", "", "ratio", "at most");
    }
    for mut line in LINES {
        if !arguments.lines.is_empty()
            && !arguments
                .lines
                .iter()
                .any(|name| line.name.starts_with(name.as_str()))
        {
            continue;
        }
        if arguments.quick {
            line.users = line.users.div_ceil(10);
        }
        let taken = run::run(line, &mut peers, folder.path(), arguments.rounds)?;
        let named: Vec<(&str, Taken)> = peers.iter().map(|peer| peer.name()).zip(taken).collect();
        println!(
            "{}",
            if arguments.json {
                as_json(line, &named)
            } else {
                as_row(line, &named)
            }
        );
    }
    Ok(())
}

fn peers(arguments: &Arguments) -> Result<Vec<Box<dyn Peer>>, Failure> {
    let mut peers: Vec<Box<dyn Peer>> = vec![
        Box::new(ours::Ours::default()),
        Box::new(by_hand::ByHand::default()),
        Box::new(diesel_peer::Diesel::default()),
        Box::new(sea::Sea::default()),
    ];
    let wanted =
        |name: &str| arguments.peers.is_empty() || arguments.peers.iter().any(|wanted| wanted == name);
    peers.retain(|peer| wanted(peer.name()));
    if wanted("sqlalchemy") {
        match alchemy::Alchemy::start(&arguments.python) {
            Ok(alchemy) => peers.push(Box::new(alchemy)),
            Err(error) => eprintln!("compare orm: without SQLAlchemy: {error}"),
        }
    }
    Ok(peers)
}

fn scratch(arguments: &Arguments) -> Result<tempfile::TempDir, Failure> {
    let memory = PathBuf::from("/dev/shm");
    let folder = match &arguments.folder {
        Some(folder) => folder.clone(),
        None if memory.is_dir() => memory,
        None => std::env::temp_dir(),
    };
    Ok(tempfile::tempdir_in(folder)?)
}

/// The time of a peer.
fn of(taken: &[(&str, Taken)], name: &str) -> Taken {
    taken
        .iter()
        .find(|(peer, _)| *peer == name)
        .and_then(|(_, taken)| *taken)
}

/// Ours over the one that we are held to, and the most that it may be.
fn verdict(line: Line, taken: &[(&str, Taken)]) -> Option<(f64, f64)> {
    let ours = of(taken, "aludel")?;
    if line.at_most_diesel {
        return Some((ours / of(taken, "diesel")?, 1.0));
    }
    Some((ours / of(taken, "by hand")?, line.by_hand_max?))
}

fn as_row(line: Line, taken: &[(&str, Taken)]) -> String {
    let times: String = taken
        .iter()
        .map(|(_, taken)| format!("{:>12}", taken.map_or_else(|| "-".to_owned(), shown)))
        .collect();
    let verdict = verdict(line, taken).map_or_else(String::new, |(ratio, limit)| {
        let mark = if ratio > limit { "  over" } else { "" };
        format!("{ratio:>9.2}{limit:>9.2}{mark}")
    });
    format!("{:<24}{times}{verdict}", line.name)
}

fn as_json(line: Line, taken: &[(&str, Taken)]) -> String {
    let times: Vec<String> = taken
        .iter()
        .filter_map(|(name, taken)| Some(format!("{name:?}: {}", (*taken)?)))
        .collect();
    let verdict = verdict(line, taken).map_or_else(String::new, |(ratio, limit)| {
        format!(", \"ratio\": {ratio}, \"at_most\": {limit}")
    });
    format!(
        "{{\"line\": {:?}, \"ns\": {{{}}}{verdict}}}",
        line.name,
        times.join(", ")
    )
}

/// A time with three digits and its unit.
fn shown(ns: f64) -> String {
    match ns {
        ns if ns < 1e6 => format!("{:.1} us", ns / 1e3),
        ns if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}
