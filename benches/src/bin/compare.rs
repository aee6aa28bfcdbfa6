//! `compare [WORKLOAD..]`: each workload on Aludel and on the bundled SQLite in turn, and the ratio of their times.
//! `compare compile`: what the compiler takes for a crate of fifty entities (see [`compile`]).
//! `compare search [--queries N] [--seed S] [--over R]`: random queries, and those at which SQLite is faster.
//! `compare orm [OPTIONS]`: the ORM beside others; a program of its own (see [`peers`]), which has the options.

#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use aludel_benches::compare::{
    Found, Measured, Search, Settings, Suite, Templates, Workload, measure, plans, search, suites,
};
use aludel_benches::{compile, peers};
use clap::Parser;
use serde_json::json;

/// Measures Aludel against SQLite; `compare orm` measures its ORM against others, see `compare orm --help`.
#[derive(Parser)]
struct Arguments {
    /// Workloads or suites (standard, tpch, speedtest) to run; the standard suite when none is named.
    workloads: Vec<String>,
    /// A tenth of the rows.
    #[arg(long)]
    quick: bool,
    /// One JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    /// Rounds of each engine (at least five).
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Keep the template files in this folder, and use those that are there.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Show how each engine plans the queries, instead of measuring.
    #[arg(long)]
    plans: bool,
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("orm") => return orm(),
        Some("compile") => return compiled(),
        Some("search") => return searched(),
        _ => {}
    }
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Has the other program do all of it.
fn orm() -> ExitCode {
    match peers::run(std::env::args().skip(2)) {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("compare orm: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Looks for queries that are slower than on SQLite.
#[derive(Parser)]
#[command(name = "compare search")]
struct SearchArguments {
    /// How many queries to make.
    #[arg(long, default_value_t = 500)]
    queries: u64,
    /// The number of the first one; the others follow it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Report queries over this ratio.
    #[arg(long, default_value_t = 1.5)]
    over: f64,
}

fn searched() -> ExitCode {
    let arguments = SearchArguments::parse_from(std::env::args().skip(1));
    let templates = match Templates::new(true, None) {
        Ok(templates) => templates,
        Err(error) => {
            eprintln!("compare search: {error}");
            return ExitCode::FAILURE;
        }
    };
    let range = Search {
        seed: arguments.seed,
        queries: arguments.queries,
        over: arguments.over,
    };
    let (mut logs, mut agreed) = (Vec::new(), true);
    let result = search(range, &templates, &mut |found| {
        if found.ours != std::time::Duration::MAX {
            logs.push(found.ratio().ln());
        }
        agreed &= found.agreed;
        if !found.agreed || found.ratio() > arguments.over {
            report(found);
        }
    });
    if let Err(error) = result {
        eprintln!("compare search: {error}");
        return ExitCode::FAILURE;
    }
    let mean = (logs.iter().sum::<f64>() / logs.len().max(1) as f64).exp();
    println!("{} queries measured, geometric mean {mean:.2}", logs.len());
    if agreed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn report(found: &Found) {
    let differs = if found.agreed { "" } else { "  ANSWERS DIFFER" };
    let (ours, theirs) = (found.ours.as_nanos() as f64, found.sqlite.as_nanos() as f64);
    println!(
        "{:.2}  ours {}  sqlite {}  seed {}{differs}\n  {}",
        found.ratio(),
        duration(ours),
        duration(theirs),
        found.seed,
        found.sql
    );
    found.plans.iter().for_each(|line| println!("{line}"));
}

/// A line for each crate: its time, and ours in parts of it.
fn compiled() -> ExitCode {
    let measured = tempfile::tempdir().and_then(|scratch| {
        let mut ours = f64::NAN;
        for subject in compile::SUBJECTS {
            let seconds = compile::measure(subject, scratch.path(), 3)?;
            if subject == compile::Subject::Aludel {
                ours = seconds;
            }
            println!("{:<12}{seconds:>8.2} s{:>8.2}", subject.name(), ours / seconds);
        }
        Ok(())
    });
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare compile: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<bool> {
    let suites = suites();
    let chosen = choose(&suites, &arguments.workloads)?;
    let templates = Templates::new(arguments.quick, arguments.keep.as_deref())?;
    if arguments.plans {
        return show_plans(&chosen, &templates).map(|()| true);
    }
    let settings = Settings {
        rounds: arguments.rounds,
    };
    let mut out = io::stdout().lock();
    let mut agreed = true;
    if !arguments.json {
        writeln!(
            out,
            "{:<24}{:>14}{:>14}{:>9}",
            "workload", "ours", "sqlite", "ratio"
        )?;
    }
    let mut ratios = Vec::new();
    for workload in chosen {
        match measure(workload, &templates, settings) {
            Ok(measured) => {
                ratios.extend(measured.ratio());
                let line = if arguments.json {
                    as_json(&measured)
                } else {
                    as_row(&measured)
                };
                writeln!(out, "{line}")?;
            }
            Err(error) => {
                agreed = false;
                eprintln!("compare: {error}");
            }
        }
    }
    if !arguments.json && !ratios.is_empty() {
        let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
        writeln!(
            out,
            "{:<52}{mean:>9.2}",
            format!("geometric mean of {}", ratios.len())
        )?;
    }
    Ok(agreed)
}

/// Prints the plans of workloads that are queries.
fn show_plans(chosen: &[&Workload], templates: &Templates) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for workload in chosen {
        writeln!(out, "{}", workload.name)?;
        for (name, plan) in plans(workload, templates).map_err(io::Error::other)? {
            writeln!(out, "  {name:?}")?;
            plan.iter().try_for_each(|line| writeln!(out, "    {line}"))?;
        }
    }
    Ok(())
}

/// The workloads that are named, by themselves or by their suite.
fn choose<'s>(suites: &'s [Suite], names: &[String]) -> io::Result<Vec<&'s Workload>> {
    if names.is_empty() {
        return Ok(suites.iter().take(1).flat_map(|suite| &suite.workloads).collect());
    }
    let mut chosen = Vec::new();
    for name in names {
        let before = chosen.len();
        for suite in suites {
            let named = |workload: &&Workload| suite.name == *name || workload.name == *name;
            chosen.extend(suite.workloads.iter().filter(named));
        }
        if chosen.len() == before {
            let workloads = suites.iter().flat_map(|suite| &suite.workloads);
            let known: Vec<_> = suites
                .iter()
                .map(|suite| suite.name)
                .chain(workloads.map(|workload| workload.name))
                .collect();
            let message = format!("no workload {name}; there are {}", known.join(", "));
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
    }
    Ok(chosen)
}

fn as_json(measured: &Measured) -> String {
    let value = match &measured.ours_ns {
        Ok(ours) => json!({
            "workload": measured.name, "ours_ns": ours, "sqlite_ns": measured.sqlite_ns, "ratio": measured.ratio(),
        }),
        Err(why) => json!({ "workload": measured.name, "unsupported": why, "sqlite_ns": measured.sqlite_ns }),
    };
    value.to_string()
}

fn as_row(measured: &Measured) -> String {
    let theirs = duration(measured.sqlite_ns);
    match (&measured.ours_ns, measured.ratio()) {
        (Ok(ours), Some(ratio)) => format!(
            "{:<24}{:>14}{theirs:>14}{ratio:>9.2}",
            measured.name,
            duration(*ours)
        ),
        (Err(why), _) => format!("{:<24}{:>14}{theirs:>14}  {why}", measured.name, "unsupported"),
        (Ok(_), None) => String::new(),
    }
}

/// A time with three digits and its unit.
fn duration(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.2} us", ns / 1e3),
        ns if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}
