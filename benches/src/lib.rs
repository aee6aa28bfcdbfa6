//! Benchmarks of Aludel.
//!
//! * [`compare`]: workloads run on Aludel and on the bundled SQLite in turn, in one process (`--bin compare`).
//! * [`peers`]: the ORM beside rusqlite by hand, Diesel, SeaORM and SQLAlchemy (`--bin compare -- orm`).
//! * [`compile`]: what the compiler takes for a crate of fifty entities, beside Diesel and SeaORM (`--bin compare -- compile`).
//! * `benches/`: criterion benches of single parts.
//!
//! A benchmark measures; what must hold is asserted by tests. The one thing asserted here is that both engines give
//! the same answer: a ratio between different answers means nothing.

#![forbid(unsafe_code)]

pub mod compare;
pub mod compile;
pub mod peers;
