//! Crashes: a workload runs on a simulated machine, the machine ends in every legal way, and what is left must hold what was promised.
//!
//! ```text
//!   scenario ──▶ workload ──▶ history ──▶ states ──▶ judge ──▶ (recovery recorded) ──▶ states ──▶ judge
//!    a word      record of operations     images     both engines      level 2
//! ```
//!
//! Everything follows from the scenario's word, so a state is replayed by printing it ([`Replay`]).

mod contract;
mod dump;
mod faults;
mod judge;
mod mutant;
mod run;
mod scenario;
mod states;
mod workload;

pub use faults::{FaultFailure, FaultTally, run_all as run_faults, run_one as run_fault};
pub use mutant::Mutant;
pub use run::{Failure, Options, Tally, replay, run};
pub use scenario::{Crash, End, Mode, PAGE_SIZES, Replay, Scenario, SyncLevel};
