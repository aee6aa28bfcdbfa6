//! The side-by-side run: each workload on Aludel and on SQLite in alternating rounds, compared by median.
//!
//! ```text
//!   template file (built once by SQLite) ──copy──> ours.db  ──┐
//!                                        ──copy──> theirs.db ─┴─> round 1: ours, theirs; round 2: ..; median each; ratio
//! ```
//!
//! Besides the standard workloads there are two suites: TPC-H (`tpch`) and a speed test (`speedtest`) like SQLite's own.
//!
//! Machines are shared and noisy: rounds alternate so that noise hits both, and the median forgives single outliers.

mod answer;
mod peer;
mod run;
mod search;
mod speedtest;
mod template;
mod tpch;
mod workloads;

pub use peer::{Param, Peer, PeerName};
pub use run::{Measured, Settings, measure, plans};
pub use search::{Found, Search, search};
pub use template::{Template, Templates};
pub use workloads::{Suite, Workload, suites};
