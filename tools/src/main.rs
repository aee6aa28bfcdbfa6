//! The program `dbtool`.

#![forbid(unsafe_code)]

use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

use aludel_tools::cli::Arguments;
use aludel_tools::commands;
use aludel_tools::error::{Exit, Failure, run_guarded};
use aludel_tools::output::Pager;

fn main() -> ExitCode {
    let arguments = match Arguments::parse_or_exit_code() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    run_guarded(|| run(&arguments)).into()
}

fn run(arguments: &Arguments) -> Exit {
    let result = match pager(arguments) {
        Some(pager) => paged(arguments, pager),
        None => printed(arguments),
    };
    match result {
        Ok(exit) => exit,
        Err(failure) if failure.is_broken_pipe() => Exit::Done,
        Err(failure) => {
            eprintln!("dbtool: {failure}");
            failure.exit()
        }
    }
}

/// The answer on standard output.
fn printed(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let result = commands::run(&arguments.command, &mut out);
    let flushed = out.flush().map_err(Failure::from);
    result.and_then(|exit| flushed.map(|()| exit))
}

/// The answer in a pager, if it is long.
fn paged(arguments: &Arguments, pager: Pager) -> Result<Exit, Failure> {
    let mut out = BufWriter::new(pager);
    let result = commands::run(&arguments.command, &mut out);
    let flushed = match out.into_inner() {
        Ok(pager) => pager.finish(),
        Err(error) => Err(error.into_error()),
    };
    result.and_then(|exit| flushed.map(|()| exit).map_err(Failure::from))
}

/// The pager for answers that people read on a terminal.
fn pager(arguments: &Arguments) -> Option<Pager> {
    let print = arguments.command.print()?;
    let is_wanted = !print.no_pager
        && !print.format.is_some_and(|format| format.is_for_programs())
        && io::stdout().is_terminal();
    is_wanted.then(Pager::of_environment).flatten()
}
