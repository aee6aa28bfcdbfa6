//! Random sessions over the whole language, run by Aludel and by SQLite and compared.
//!
//! ```text
//!   generator ─┬─ setup, query, expression, aggregate, window ──> trees of statements
//!              └─ write, trigger, ddl, function, types
//!   run ──> engines ──> compare ──> (a difference) ──> shrink ──> case
//!      └──> rules    the same question in another way, Aludel alone
//!      └──> content  at the end: each engine reads its own file and the other's
//! ```
//!
//! A session is a pure function of its profile and its seed. What SQL leaves open is not asked, or the statement says what is open.

mod aggregate;
pub mod case;
mod compare;
mod content;
mod ddl;
mod engines;
mod expression;
mod function;
mod generator;
mod query;
mod rules;
mod run;
mod schema;
mod setup;
mod shrink;
mod tree;
mod trigger;
mod values;
mod window;
mod write;

pub use compare::{Ask, Difference, Kind, Statement};
pub use generator::{PROFILES, Profile, session};
pub use run::{Found, Options, SESSION_STATEMENTS, Tally, differs_alike, play, run, run_session};
