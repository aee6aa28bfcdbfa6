//! Full-text search: the virtual tables `fts3`, `fts4`, `fts4aux` and `fts3tokenize`.

mod options;
pub mod tokenizer;
mod words;

pub use options::Generation;
