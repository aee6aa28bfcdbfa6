//! What tests of an application want of its database: a sandbox that forgets, rows out of factories, statements counted.
//!
//! ```text
//!   Engine::sandbox      an engine of one connection: commits are kept within it, and all is taken back when it goes
//!   Factory              entities with what a test does not care about filled in, each different
//!   assert_statements!   how many statements something took
//! ```
//!
//! The fastest sandbox of all is an engine in memory (`sqlite::memory:`) for each test.

mod factory;
mod sandbox;

pub use factory::Factory;
