//! The prompt: file, mode, and whether a transaction is open.
//!
//! ```text
//!   notes.db ro>      read-only, as a shell starts
//!   notes.db rw>      after .open --write
//!   notes.db rw*>     in a transaction
//!          ...>       more of a statement is due
//!     (2 more)>       two parentheses of it are open
//! ```

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reedline::{Prompt, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus};
use unicode_width::UnicodeWidthStr;

use super::session::Session;

/// How many parentheses of the text in the editor are open: set when it is coloured, read when the prompt is drawn, which is afterwards.
pub(super) type OpenParentheses = Arc<AtomicUsize>;

/// What stands before a line of input.
#[derive(Clone, Debug)]
pub(super) struct StatePrompt {
    first: String,
    open: OpenParentheses,
}

impl StatePrompt {
    /// The prompt for the state that the session is in.
    pub(super) fn of(session: &Session, open: &OpenParentheses) -> StatePrompt {
        let name: String = session
            .place
            .name()
            .chars()
            .map(|c| if c.is_control() { '?' } else { c })
            .collect();
        let access = match session.connection.is_readonly("main") {
            Ok(true) => "ro",
            _ => "rw",
        };
        let transaction = if session.connection.is_autocommit() {
            ""
        } else {
            "*"
        };
        StatePrompt {
            first: format!("{name} {access}{transaction}"),
            open: Arc::clone(open),
        }
    }
}

impl Prompt for StatePrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.first)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("> ")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        let more = match self.open.load(Ordering::Relaxed) {
            0 => "...".to_owned(),
            open => format!("({open} more)"),
        };
        let width = UnicodeWidthStr::width(self.first.as_str());
        Cow::Owned(format!("{more:>width$}> "))
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let failing = match search.status {
            PromptHistorySearchStatus::Passing => "",
            PromptHistorySearchStatus::Failing => "nothing like ",
        };
        Cow::Owned(format!(" ({failing}history: {}) ", search.term))
    }
}
