//! Runs a line: alternating rounds of all peers, the median of each, and a check that their answers are the same.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::peer::Peer;
use crate::work::{Failure, Line, build, digest_of_file};

/// What one peer took for a line: the median in nanoseconds, or `None` without a round.
pub type Taken = Option<f64>;

/// Runs a line on all peers.
///
/// # Errors
/// Where a peer fails, or two of them answer differently.
pub fn run(
    line: Line,
    peers: &mut [Box<dyn Peer>],
    folder: &Path,
    rounds: usize,
) -> Result<Vec<Taken>, Failure> {
    let template = folder.join("template.db");
    build(&template, line)?;
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
    let mut answers: Vec<(&'static str, Answer)> = Vec::new();
    // The first round warms caches and is judged, and is not counted.
    for round in 0..=rounds {
        // Each begins a round in its turn: who comes after a wait for another process finds the caches cold.
        for place in 0..peers.len() {
            let turn = (place + round) % peers.len();
            let (Some(peer), Some(times)) = (peers.get_mut(turn), times.get_mut(turn)) else {
                continue;
            };
            if round > peer.rounds_max() {
                continue;
            }
            let file = folder.join(format!("{}.db", peer.name().replace(' ', "-")));
            if round == 0 || line.work.writes() {
                peer.close();
                fresh(&template, &file)?;
                peer.open(&file)?;
            }
            let (taken, digest) = one_round(peer.as_mut(), line)?;
            if round == 0 {
                let stored = line.work.writes().then(|| digest_of_file(&file)).transpose()?;
                answers.push((peer.name(), Answer { digest, stored }));
            } else {
                times.push(taken);
            }
        }
    }
    peers.iter_mut().for_each(|peer| peer.close());
    std::fs::remove_file(&template)?;
    check(line, &answers)?;
    Ok(times.into_iter().map(median).collect())
}

/// What a peer said, and what it left in the file.
#[derive(PartialEq)]
struct Answer {
    digest: u32,
    stored: Option<u32>,
}

fn one_round(peer: &mut dyn Peer, line: Line) -> Result<(f64, u32), Failure> {
    let (taken, digest) = {
        let work = peer.prepare(line)?;
        let start = Instant::now();
        let judged = work()?;
        let taken = start.elapsed().as_nanos() as f64;
        (taken, judged()?)
    };
    Ok((peer.own_time().map_or(taken, |own| own as f64), digest))
}

fn check(line: Line, answers: &[(&'static str, Answer)]) -> Result<(), Failure> {
    let Some((first, expected)) = answers.first() else {
        return Ok(());
    };
    match answers.iter().find(|(_, answer)| answer != expected) {
        Some((other, _)) => Err(format!("{}: {first} and {other} answer differently", line.name).into()),
        None => Ok(()),
    }
}

fn fresh(template: &Path, file: &Path) -> Result<(), Failure> {
    for suffix in ["-journal", "-wal", "-shm"] {
        let beside = PathBuf::from(format!("{}{suffix}", file.display()));
        if beside.exists() {
            std::fs::remove_file(beside)?;
        }
    }
    std::fs::copy(template, file)?;
    Ok(())
}

fn median(mut times: Vec<f64>) -> Taken {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}
