//! The program `aludel`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    aludel_tools::migrate::run(None)
}
