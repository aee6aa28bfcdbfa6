//! The supervisor: starts the processes, listens to them, kills them, and replaces them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::ledger::{Commit, Ledger};
use super::{Options, Role, Tally};
use crate::random::Random;
use crate::subject::EngineName;

/// Between two kills, at least and at most.
const PAUSE_MS: (usize, usize) = (100, 700);
/// After a while without any commit something hangs.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// What the processes are: each role for each of the two engines.
const CREW: [(Role, usize); 4] = [
    (Role::Writer, 2),
    (Role::Reader, 1),
    (Role::Keeper, 1),
    (Role::Auditor, 1),
];

/// What a process said, led by its number.
type Line = (i64, String);

struct Worker {
    number: i64,
    role: Role,
    engine: EngineName,
    process: Child,
    listener: JoinHandle<()>,
}

struct Supervisor<'a> {
    program: &'a Path,
    file: &'a Path,
    options: Options,
    random: Random,
    workers: Vec<Worker>,
    started: i64,
    lines: (Sender<Line>, Receiver<Line>),
    ledger: Ledger,
    tally: Tally,
    last_commit: Instant,
}

/// Runs the crew for the time that the options say; what came of it, before the file is looked at.
pub(super) fn run(
    program: &Path,
    file: &Path,
    options: Options,
    progress: &dyn Fn(&Tally, Duration),
) -> Result<(Tally, Ledger), String> {
    let mut supervisor = Supervisor {
        program,
        file,
        options,
        random: Random::new(options.seed),
        workers: Vec::new(),
        started: 0,
        lines: channel(),
        ledger: Ledger::default(),
        tally: Tally::default(),
        last_commit: Instant::now(),
    };
    let outcome = supervisor.supervise(progress);
    supervisor.end_all();
    outcome?;
    Ok((supervisor.tally, supervisor.ledger))
}

impl Supervisor<'_> {
    fn supervise(&mut self, progress: &dyn Fn(&Tally, Duration)) -> Result<(), String> {
        for (role, count) in CREW {
            for _ in 0..count {
                self.start(role, self.options.engine)?;
                self.start(role, self.options.peer)?;
            }
        }
        let begun = Instant::now();
        let mut next_kill = self.pause();
        while begun.elapsed() < self.options.time {
            self.listen(next_kill.saturating_duration_since(Instant::now()));
            progress(&self.tally, begun.elapsed());
            if !self.tally.findings.is_empty() {
                return Ok(());
            }
            if self.last_commit.elapsed() > SILENCE_MAX {
                self.tally.find(format!("no commit for {SILENCE_MAX:?}"));
                return Ok(());
            }
            if Instant::now() >= next_kill {
                self.kill_one()?;
                next_kill = self.pause();
            }
        }
        Ok(())
    }

    fn pause(&mut self) -> Instant {
        let pause = PAUSE_MS.0 + self.random.below(PAUSE_MS.1 - PAUSE_MS.0);
        Instant::now() + Duration::from_millis(pause as u64)
    }

    fn start(&mut self, role: Role, engine: EngineName) -> Result<(), String> {
        self.started += 1;
        let number = self.started;
        let mut process = Command::new(self.program)
            .args(["--role", role.word()])
            .args(["--mode", self.options.mode.word()])
            .args(["--engine", word(engine)])
            .args(["--worker", &number.to_string()])
            .args(["--seed", &self.random.number().to_string()])
            .arg("--file")
            .arg(self.file)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let output = process.stdout.take().ok_or("the worker has no stdout")?;
        let lines = self.lines.0.clone();
        let listener = thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // The supervisor outlives its listeners.
                let _ = lines.send((number, line));
            }
            let _ = lines.send((number, "end".to_owned()));
        });
        self.workers.push(Worker {
            number,
            role,
            engine,
            process,
            listener,
        });
        Ok(())
    }

    /// Takes what the processes say for about this long.
    fn listen(&mut self, time: Duration) {
        let until = Instant::now() + time.min(Duration::from_millis(200));
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.1.recv_timeout(left) {
                Ok((worker, line)) => self.take(worker, &line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn take(&mut self, worker: i64, line: &str) {
        let mut words = line.splitn(2, ' ');
        let (kind, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match kind {
            "commit" => self.note_commit(worker, rest),
            "read" => self.tally.snapshots += 1,
            "upkeep" => self.tally.upkeeps += 1,
            "audit" => self.tally.audits += 1,
            "busy" => self.tally.refused += 1,
            "broken" => {
                self.tally.corrupt += 1;
                self.tally.find(rest.to_owned());
            }
            "end" if !self.workers.iter().any(|known| known.number == worker) => {}
            _ => self.tally.find(format!("worker {worker}: {line}")),
        }
    }

    fn note_commit(&mut self, worker: i64, rest: &str) {
        let numbers: Vec<i64> = rest.split(' ').map_while(|word| word.parse().ok()).collect();
        // A line that a kill cut short says nothing.
        let [number, seq, micros] = numbers[..] else {
            return;
        };
        self.tally.commits += 1;
        self.last_commit = Instant::now();
        let waited = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        self.tally.longest_wait = self.tally.longest_wait.max(waited);
        let commit = Commit { worker, seq };
        if let Some(other) = self.ledger.note(number, commit) {
            self.tally.duplicated += 1;
            self.tally
                .find(format!("{other:?} and {commit:?} are both number {number}"));
        }
    }

    fn kill_one(&mut self) -> Result<(), String> {
        let victim = self.workers.swap_remove(self.random.below(self.workers.len()));
        let (role, engine) = (victim.role, victim.engine);
        self.end(victim);
        self.tally.kills += 1;
        self.start(role, engine)
    }

    /// Kills a process and takes what it had said before.
    fn end(&mut self, mut worker: Worker) {
        // One that has ended by itself has said why.
        let _ = worker.process.kill();
        let _ = worker.process.wait();
        let _ = worker.listener.join();
        self.listen(Duration::ZERO);
    }

    fn end_all(&mut self) {
        for worker in std::mem::take(&mut self.workers) {
            self.end(worker);
        }
        while let Ok((worker, line)) = self.lines.1.try_recv() {
            self.take(worker, &line);
        }
    }
}

fn word(engine: EngineName) -> &'static str {
    match engine {
        EngineName::Aludel => "aludel",
        EngineName::Sqlite => "sqlite",
    }
}
