//! Completion by grammar position.
//!
//! ```text
//!   SELECT n.| FROM note n        a name is put in at the cursor, the sketch tells its role: a column of n
//!   SELECT title FROM note |      the parser tells the keywords that may follow: WHERE, JOIN, ORDER ..
//!   .mode j|                      the table of dot commands tells what it takes: modes
//! ```
//!
//! | module | what it knows |
//! |---|---|
//! | `sql` | names by their role, keywords |
//! | `dots` | dot commands and their arguments, files |
//! | `values` | what pragmas can be set to |

mod dots;
mod sql;
mod values;

use std::sync::PoisonError;

use reedline::{Completer, CompletionResult, Span, Suggestion};

use super::names::Names;
use super::pieces::{Piece, next_piece};
use super::session::SharedNames;
pub(super) use sql::could_become;

/// Something that could stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) value: String,
    /// What it is.
    pub(super) what: String,
    /// A blank goes after it.
    pub(super) ends_word: bool,
}

/// The candidates, and the part of the line in whose place they go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Candidates {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) list: Vec<Candidate>,
}

impl Candidate {
    pub(super) fn new(value: impl Into<String>, what: impl Into<String>) -> Candidate {
        Candidate {
            value: value.into(),
            what: what.into(),
            ends_word: false,
        }
    }
}

/// What could stand at byte `cursor` of the line.
pub(super) fn candidates(names: &Names, line: &str, cursor: usize) -> Candidates {
    let before = line.get(..cursor).unwrap_or(line);
    let mut last = None;
    let mut at = 0;
    while let Some((piece, start, end)) = next_piece(before, at) {
        last = Some((piece, start));
        at = end;
    }
    match last {
        Some((Piece::Dot(_), start)) => dots::candidates(names, line, start, cursor),
        Some((Piece::Unfinished(_), start)) => sql::candidates(names, line, start, cursor),
        // After a semicolon or in an empty line another statement begins.
        _ => sql::candidates(names, line, cursor, cursor),
    }
}

/// The candidates that begin with `prefix`, or, where none does, those that have it in them.
fn matching(list: Vec<Candidate>, prefix: &str) -> Vec<Candidate> {
    let wanted = prefix.to_lowercase();
    let text = |candidate: &Candidate| candidate.value.trim_start_matches('"').to_lowercase();
    let begins: Vec<Candidate> = list
        .iter()
        .filter(|candidate| text(candidate).starts_with(&wanted))
        .cloned()
        .collect();
    if !begins.is_empty() || wanted.is_empty() {
        return begins;
    }
    list.into_iter()
        .filter(|candidate| text(candidate).contains(&wanted))
        .collect()
}

/// Completion for the editor.
pub(super) struct SqlCompleter {
    names: SharedNames,
}

impl SqlCompleter {
    pub(super) fn new(names: SharedNames) -> Self {
        SqlCompleter { names }
    }
}

impl Completer for SqlCompleter {
    fn complete(&mut self, line: &str, cursor: usize) -> CompletionResult {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let Candidates { start, end, list } = candidates(&names, line, cursor);
        let span = Span::new(start, end.max(start));
        let suggestions: Vec<Suggestion> = list
            .into_iter()
            .map(|candidate| Suggestion {
                value: candidate.value,
                description: Some(candidate.what).filter(|what| !what.is_empty()),
                span,
                append_whitespace: candidate.ends_word,
                ..Suggestion::default()
            })
            .collect();
        CompletionResult::fresh(suggestions)
    }
}

#[cfg(test)]
mod tests;
