//! The program `dbtool`.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;

use aludel_tools::cli::{Arguments, Command};
use aludel_tools::commands;
use aludel_tools::error::{Exit, Failure};

fn main() -> ExitCode {
    let arguments = match Arguments::parse_or_exit_code() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let result = match &arguments.command {
        Command::Info(target) => commands::info(target, &mut out),
        Command::Schema(target) => commands::schema(target, &mut out),
        Command::Tables(target) => commands::tables(target, &mut out),
        Command::Check(target) => commands::check(target, &mut out),
        Command::Query(query) => commands::query(query, &mut out),
        Command::Shell(shell) => commands::shell(shell),
    };
    let flushed = io::Write::flush(&mut out).map_err(Failure::from);
    match result.and_then(|exit| flushed.map(|()| exit)) {
        Ok(exit) => exit.into(),
        Err(failure) if failure.is_broken_pipe() => Exit::Done.into(),
        Err(failure) => {
            eprintln!("dbtool: {failure}");
            failure.exit().into()
        }
    }
}
