//! The program `dbtool`.

#![forbid(unsafe_code)]

use std::io;
use std::panic;
use std::process::ExitCode;

use aludel_tools::cli::Arguments;
use aludel_tools::commands;
use aludel_tools::error::{Exit, Failure};

fn main() -> ExitCode {
    let arguments = match Arguments::parse_or_exit_code() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    match panic::catch_unwind(|| run(&arguments)) {
        Ok(exit) => exit.into(),
        Err(_) => {
            eprintln!(
                "dbtool: this is a bug of dbtool; please report it with the message above and the file"
            );
            Exit::Bug.into()
        }
    }
}

fn run(arguments: &Arguments) -> Exit {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let result = commands::run(&arguments.command, &mut out);
    let flushed = io::Write::flush(&mut out).map_err(Failure::from);
    match result.and_then(|exit| flushed.map(|()| exit)) {
        Ok(exit) => exit,
        Err(failure) if failure.is_broken_pipe() => Exit::Done,
        Err(failure) => {
            eprintln!("dbtool: {failure}");
            failure.exit()
        }
    }
}
