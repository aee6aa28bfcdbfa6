//! Tests that cross crates, and the programs that judge the engine.
//!
//! ```text
//!   bin conformance ──> conformance/ ──┐
//!   bin slt ──────────> slt/ ──────────┼──> subject: one face for Aludel and for the bundled SQLite
//!   bin kill ─────────> kill/ ─────────┤
//!   bin soak ─────────> soak/ ─────────┤    session: one connection of either, asked in short
//!   bin large ────────> large/ ────────┘
//!   bin crash ────────> crash/ ──┬──> rows: either engine's rows as one kind of values
//!   bin damage ───────> damage/ ─┘            the engine on a simulated machine; damaged files
//!   bin differential ─> differential/         random sessions of the whole language on both engines
//!   bin session_model > session_model/        random histories of the ORM's session beside a model
//! ```
//!
//! Every program that judges Aludel can be pointed at real SQLite as well (`--engine sqlite`): a harness that does not
//! pass the original is wrong itself.

#![forbid(unsafe_code)]

pub mod both;
pub mod conformance;
pub mod crash;
pub mod damage;
pub mod differential;
pub mod hostile;
pub mod kill;
pub mod large;
pub mod progress;
pub mod random;
pub mod rows;
pub mod scratch;
pub mod session;
pub mod session_model;
pub mod slt;
pub mod soak;
pub mod store_diff;
pub mod subject;
