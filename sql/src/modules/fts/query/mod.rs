//! What stands right of MATCH, and the rows that it finds.
//!
//! | module | what it does |
//! |---|---|
//! | `expression` | the tree of a query, and how deep it may be |
//! | `parser` | text to tree, in both dialects |
//! | `postings` | rows and places of a word, a prefix, a phrase |
//! | `matches` | the rows of a whole query |

pub(super) mod expression;
pub(super) mod matches;
pub(super) mod parser;
pub(super) mod postings;

/// The dialect of queries. SQLite chooses it when it is compiled; here a module is made with one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QuerySyntax {
    /// `-word` excludes; words that follow each other are all wanted, and OR binds tighter than that. What SQLite has unless it is compiled otherwise.
    #[default]
    Standard,
    /// AND, OR, NOT and parentheses.
    Enhanced,
}
