//! From AST to plan: names are bound, types' consequences decided, access paths and join orders chosen.
//!
//! ```text
//!   ast -> bind (names, affinity, collation) -> optimize (push-down, join order, access paths) -> physical plan
//! ```

pub mod expr;
pub mod physical;
pub mod write;

pub use physical::{Node, Plan, ResultColumn};
