//! Random histories of a session against a plain model: after each step the database and the identity map say what it says.
//!
//! ```text
//!   seed ─> history: [step]  ─┬─> World        rows as plain values: as memory has them, as the database has them
//!                             └─> Subject      a session, the handles that it gave out, an engine on any backend
//!                                   └─ after each step: every handle, every table
//! ```
//!
//! The entities refer to each other in circles (an author's favourite book has an author; authors have mentors, books have
//! prequels), with all that a relation may do with a deletion: cascade, delete-orphan, passive, set to NULL, links of a
//! many-to-many. What a flush does is written down twice: in the ORM as statements in an order, in [`world`] as a rule.
//!
//! A history that fails is made smaller and printed as lines of JSON, which `session_model --replay` takes.

pub mod entities;
pub mod run;
pub mod step;
pub mod subject;
pub mod world;

pub use run::{Options, Tally, replay, run};
pub use world::Fault;
