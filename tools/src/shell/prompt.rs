//! The prompt: file, mode, and whether a transaction is open.
//!
//! ```text
//!   notes.db ro>      read-only, as a shell starts
//!   notes.db rw>      after .open --write
//!   notes.db rw*>     in a transaction
//!          ...>       more of a statement is due
//! ```

use std::borrow::Cow;

use reedline::{Prompt, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus};
use unicode_width::UnicodeWidthStr;

use super::session::Session;

/// What stands before a line of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StatePrompt {
    first: String,
    more: String,
}

impl StatePrompt {
    /// The prompt for the state that the session is in.
    pub(super) fn of(session: &Session) -> StatePrompt {
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
        let first = format!("{name} {access}{transaction}");
        let more = format!(
            "{:>width$}",
            "...",
            width = UnicodeWidthStr::width(first.as_str()).max(3)
        );
        StatePrompt { first, more }
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
        Cow::Owned(format!("{}> ", self.more))
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let failing = match search.status {
            PromptHistorySearchStatus::Passing => "",
            PromptHistorySearchStatus::Failing => "nothing like ",
        };
        Cow::Owned(format!(" ({failing}history: {}) ", search.term))
    }
}
