//! From SQL text to a tree: SQLite's whole language.
//!
//! ```text
//! bytes ─ lexer ─> tokens ─ parser ─> ast ─ render ─> SQL text
//!            keyword ┘
//! ```
//!
//! [`ast`] and [`parse_next`] are what the floors above see.

pub mod ast;
mod keyword;
pub mod lexer;
mod parser;
pub mod render;
pub mod token;

pub(crate) use keyword::keyword;
pub use keyword::keywords;
pub(crate) use parser::unquoted_bytes;
pub use parser::{Next, ParseError, ParseLimits, ParseMemory, parse_expr, parse_next, parse_one};
