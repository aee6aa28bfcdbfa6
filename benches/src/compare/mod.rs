//! The side-by-side run: each workload on Aludel and on SQLite in alternating rounds, compared by median.
//!
//! ```text
//!   template file (built once by SQLite) ──copy──> ours.db  ──┐
//!                                        ──copy──> theirs.db ─┴─> round 1: ours, theirs; round 2: ..; median each; ratio
//! ```
//!
//! Machines are shared and noisy: rounds alternate so that noise hits both, and the median forgives single outliers.

mod peer;
mod run;
mod template;
mod workloads;

pub use peer::{Param, Peer, PeerName};
pub use run::{Measured, Settings, measure};
pub use template::Templates;
pub use workloads::{WORKLOADS, Workload};
