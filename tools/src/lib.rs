//! The command-line tools: `dbtool`, which looks into SQLite files, and `aludel`, which [migrates](migrate) databases.
//!
//! Of dbtool:
//!
//! ```text
//!   main ──> cli (what was asked) ──> commands/* (find out) ──> output/* (say it) ──> exit code
//! ```
//!
//! Its rules: nothing is written unless `--write` asks for it, nothing is created, and any bytes get an answer or an
//! error. Answers go to stdout, everything else to stderr.

#![forbid(unsafe_code)]

mod bench;
pub mod cli;
pub mod commands;
pub mod error;
pub mod inspect;
pub mod interrupt;
pub mod migrate;
pub mod output;
pub mod picture;
mod shell;
