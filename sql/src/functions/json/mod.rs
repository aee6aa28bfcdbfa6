//! JSON functions.
//!
//! Nearly everything works on JSONB: a text is parsed into it once, paths are searched in it, edits splice it, and text comes out of it again.
//! What only reads one element of a plain JSON text finds it in the text.
//!
//! | module | what it owns |
//! |---|---|
//! | `jsonb` | the binary form: headers, sizes, replacing bytes |
//! | `parse` | JSON and JSON5 text to JSONB |
//! | `text` | JSONB to text, escapes |
//! | `convert` | SQL values to JSON and back |
//! | `path` | `$.a[3]`: finding and editing |
//! | `seek` | finding in plain JSON text, without JSONB |
//! | `patch` | merge patches |
//! | `validity` | checking JSONB to the bottom |
//! | `scalar`, `group` | the SQL functions |
//! | [`each`] | the rows of `json_each` and `json_tree` |
//!
//! Whether a text argument is a string or JSON is decided by where it comes from: the executor sets a bit in
//! [`FunctionContext::json_arguments`](super::FunctionContext::json_arguments) for every argument whose function set
//! [`json_result`](super::FunctionContext::json_result).
//!
//! Nesting is bounded by 1000. Parsing, rendering and checking use no recursion; merging does, within that bound.

mod convert;
pub mod each;
mod group;
mod jsonb;
mod parse;
mod patch;
mod path;
mod scalar;
mod seek;
#[cfg(test)]
mod tests;
mod text;
mod validity;

pub(super) use group::JsonGroup;
pub(super) use path::Edit;
pub(super) use scalar::{JsonBuffers, JsonFunction, Operation};
