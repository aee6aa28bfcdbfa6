//! `crash --states N`: judges N crash states of simulated machines, over all journal modes, sync levels and page sizes.
//!
//! Exits with 1 at the first broken promise and prints the line that replays it. The last line of a good run begins with `crash:`.

#![forbid(unsafe_code)]

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use aludel_tests::crash::{
    Failure, FaultFailure, Mode, Mutant, Options, Replay, Tally, replay, run, run_fault, run_faults,
};
use clap::Parser;

/// Crashes the engine on a simulated machine and judges what is left.
#[derive(Parser)]
struct Arguments {
    /// States to judge.
    #[arg(long, default_value_t = 20_000)]
    states: u64,
    /// The seed of the workloads.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this journal mode.
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// Runs the one state that a failure printed.
    #[arg(long, value_name = "STATE")]
    replay: Option<Replay>,
    /// With --replay: leaves the files of the crash here.
    #[arg(long, value_name = "FOLDER", requires = "replay")]
    keep: Option<PathBuf>,
    /// Checks that each engine with a seeded fault is caught.
    #[arg(long)]
    mutants: bool,
    /// With --mutants: only the one of this name. With --replay: the engine has this fault.
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
    /// Lets single calls fail instead, every call site of a workload that touches every operation.
    #[arg(long)]
    faults: bool,
    /// With --faults: only every so manieth call site.
    #[arg(long, default_value_t = 1)]
    stride: u64,
    /// Runs the one case that a failure of --faults printed.
    #[arg(long, value_name = "CASE")]
    fault: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A panic is caught and reported with its state.
    std::panic::set_hook(Box::new(|_| {}));
    let result = if let Some(state) = &arguments.replay {
        replay_state(&arguments, state)
    } else if let Some(case) = &arguments.fault {
        run_fault(case).map_err(|failure| say_fault(&failure))
    } else if arguments.mutants {
        hunt_mutants(&arguments)
    } else if arguments.faults {
        judge_faults(&arguments)
    } else {
        judge_states(&arguments).map_err(|failure| failure.to_string())
    };
    match result {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("crash: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn replay_state(arguments: &Arguments, state: &Replay) -> Result<String, String> {
    let keep = arguments.keep.clone();
    let replayed = match &arguments.mutant {
        None => replay(state, &|vfs| vfs, true, keep),
        Some(name) => {
            let mutant = Mutant::named(name).ok_or_else(|| format!("no mutant {name}"))?;
            // What the live checker alone sees is seen while the workload runs: that is a state without a place.
            replay(
                state,
                &move |vfs| mutant.wrap(vfs),
                state.crashes.is_empty(),
                keep,
            )
        }
    };
    replayed.map_err(|failure| failure.to_string())
}

fn say_fault(failure: &FaultFailure) -> String {
    format!("{}\n  replay: crash --fault {}", failure.what, failure.case)
}

fn judge_faults(arguments: &Arguments) -> Result<String, String> {
    let started = Instant::now();
    let tally = run_faults(arguments.stride, &progress(u64::MAX)).map_err(|failure| say_fault(&failure))?;
    let cases: Vec<String> = tally
        .cases
        .iter()
        .map(|(fault, cases)| format!("{fault} {cases}"))
        .collect();
    Ok(format!(
        "crash: {} failing calls ({}) in {:.0} s: every step before or after, {} connections dead, {} of their steps done, 0 panics, 0 left open or locked",
        tally.cases.values().sum::<u64>(),
        cases.join(", "),
        started.elapsed().as_secs_f64(),
        tally.dead,
        tally.done,
    ))
}

/// Runs the judge over each mutant; the failures are what is wanted.
fn hunt_mutants(arguments: &Arguments) -> Result<String, String> {
    let mut escaped = Vec::new();
    let wanted = |mutant: &Mutant| {
        arguments
            .mutant
            .as_ref()
            .is_none_or(|name| mutant.to_string() == *name)
    };
    let mutants: Vec<Mutant> = Mutant::ALL.into_iter().filter(wanted).collect();
    for mutant in &mutants {
        let mutant = *mutant;
        match hunt(mutant, arguments.seed) {
            Some(failure) => println!(
                "{mutant}: caught by {} ({})",
                failure.replay,
                failure.what.lines().last().unwrap_or_default()
            ),
            None => {
                println!("{mutant}: escaped");
                escaped.push(mutant.to_string());
            }
        }
    }
    if escaped.is_empty() {
        Ok(format!("crash: {} mutants, all caught", mutants.len()))
    } else {
        Err(format!("not caught: {}", escaped.join(", ")))
    }
}

/// The first state that shows what is wrong with a mutant, without the live checker and then with it.
fn hunt(mutant: Mutant, seed: u64) -> Option<Failure> {
    [false, true].into_iter().find_map(|live_checker| {
        let options = Options {
            states: 3_000,
            states_of_scenario: 40,
            recovery_in: 30,
            seed,
            modes: mutant.modes().to_vec(),
            syncs: mutant.syncs(),
            live_checker,
            ..Options::default()
        };
        run(&options, &move |vfs| mutant.wrap(vfs), &|_| {}).err()
    })
}

fn judge_states(arguments: &Arguments) -> Result<String, Failure> {
    let mut options = Options {
        states: arguments.states,
        seed: arguments.seed,
        ..Options::default()
    };
    if let Some(mode) = arguments.mode {
        options.modes = vec![mode];
    }
    let started = Instant::now();
    let tally = run(&options, &|vfs| vfs, &progress(arguments.states))?;
    Ok(report(&tally, arguments.seed, started.elapsed().as_secs_f64()))
}

/// Says on a terminal how far it is.
fn progress(goal: u64) -> impl Fn(u64) + Sync {
    let (terminal, told) = (std::io::stderr().is_terminal(), AtomicU64::new(0));
    move |states| {
        if terminal && told.fetch_max(states, Ordering::Relaxed) < states {
            eprint!("\r{states} of {goal} states");
            let _ = std::io::stderr().flush();
            if states >= goal {
                eprintln!();
            }
        }
    }
}

fn report(tally: &Tally, seed: u64, seconds: f64) -> String {
    let by_mode: Vec<String> = tally
        .by_mode
        .iter()
        .map(|(mode, states)| format!("{mode:?} {states}"))
        .collect();
    let [first, second, third, fourth] = tally.states;
    format!(
        "{} scenarios in {seconds:.0} s: {}\n{} images had a journal or log, {} came from dying processes, {} held the least that is allowed\n\
         crash: {first} states, {} in recovery ({second} + {third} + {fourth}), 0 corrupt, 0 torn, 0 lost beyond the contract (seed {seed})",
        tally.scenarios,
        by_mode.join(", "),
        tally.recovered,
        tally.killed,
        tally.shortened,
        second + third + fourth,
    )
}
