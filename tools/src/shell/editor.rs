//! The line editor: keys, menus, hints and history around the same pieces that scripts run.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use nu_ansi_term::{Color, Style};
use reedline::{
    ColumnarMenu, DefaultHinter, EditCommand, Emacs, FileBackedHistory, KeyCode, KeyModifiers, ListMenu,
    MenuBuilder, Reedline, ReedlineEvent, ReedlineMenu, Signal, ValidationResult, Validator,
    default_emacs_keybindings,
};

use super::complete::SqlCompleter;
use super::highlight::SqlHighlighter;
use super::pieces::is_complete;
use super::prompt::{OpenParentheses, StatePrompt};
use super::script;
use super::session::Session;
use crate::error::Failure;

/// Lines that the history keeps.
const HISTORY_LINES: usize = 10_000;
/// Only the owner reads what was asked.
const HISTORY_MODE: u32 = 0o600;
const COMPLETIONS: &str = "completions";
const HISTORY: &str = "history";

/// Reads and runs lines until the end.
///
/// # Errors
/// A terminal that cannot be used, a closed output.
pub(super) fn run(session: &mut Session) -> Result<(), Failure> {
    session.refresh_names();
    session.interrupts.stay();
    println!(
        "dbtool {} \u{2014} .help lists the commands, Tab completes, Ctrl-D leaves",
        env!("CARGO_PKG_VERSION")
    );
    session.tell_state();
    let open = OpenParentheses::default();
    let mut editor = editor(session, &open);
    while session.leave.is_none() {
        match editor.read_line(&StatePrompt::of(session, &open)) {
            Ok(Signal::Success(text)) => {
                // A shell that is ended by a signal has its history all the same.
                let _ = editor.sync_history();
                run_input(session, &text)?;
                session.refresh_names();
            }
            Ok(Signal::CtrlC) => {}
            Ok(Signal::CtrlD) => break,
            Ok(_) => {}
            Err(error) => return Err(Failure::from(io::Error::other(error.to_string()))),
        }
    }
    Ok(())
}

fn run_input(session: &mut Session, text: &str) -> Result<(), Failure> {
    match script::run_text(session, text, "input") {
        Err(failure) if failure.is_broken_pipe() => Err(failure),
        // It was told; a person goes on, `.bail on` or not.
        _ => Ok(()),
    }
}

fn editor(session: &Session, open: &OpenParentheses) -> Reedline {
    let colours = session.style.colours;
    let menu = ColumnarMenu::default()
        .with_name(COMPLETIONS)
        .with_columns(4)
        .with_marker("> ");
    let history_menu = ListMenu::default().with_name(HISTORY);
    Reedline::create()
        .with_history(history())
        .with_history_exclusion_prefix(Some(" ".to_owned()))
        .with_completer(Box::new(SqlCompleter::new(session.names.clone())))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_highlighter(Box::new(SqlHighlighter::new(
            session.names.clone(),
            colours,
            open.clone(),
        )))
        .with_hinter(Box::new(
            DefaultHinter::default().with_style(Style::new().fg(Color::DarkGray)),
        ))
        .with_validator(Box::new(Completeness))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
        .with_menu(ReedlineMenu::HistoryMenu(Box::new(history_menu)))
        .with_edit_mode(keys())
        .with_ansi_colors(colours)
        .use_bracketed_paste(true)
}

/// The keys of Emacs and readline, and Tab.
fn keys() -> Box<Emacs> {
    let mut keys = default_emacs_keybindings();
    let menu = |name: &str| ReedlineEvent::Menu(name.to_owned());
    let next = ReedlineEvent::UntilFound(vec![menu(COMPLETIONS), ReedlineEvent::MenuNext]);
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, next);
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    let newline = ReedlineEvent::Edit(vec![EditCommand::InsertNewline]);
    keys.add_binding(KeyModifiers::ALT, KeyCode::Enter, newline);
    let earlier = ReedlineEvent::UntilFound(vec![menu(HISTORY), ReedlineEvent::MenuPageNext]);
    keys.add_binding(KeyModifiers::CONTROL, KeyCode::Char('x'), earlier);
    Box::new(Emacs::new(keys))
}

// ---- history -------------------------------------------------------------------------------------

/// The history of the state folder; where there is none that can be used, one that ends with the shell.
fn history() -> Box<FileBackedHistory> {
    let from_file = history_file().and_then(|file| FileBackedHistory::with_file(HISTORY_LINES, file).ok());
    Box::new(from_file.unwrap_or_default())
}

/// The file of the history, made if need be, and readable for its owner alone.
fn history_file() -> Option<PathBuf> {
    let folder = super::state_folder()?.join("dbtool");
    fs::create_dir_all(&folder).ok()?;
    let file = folder.join("history");
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(HISTORY_MODE)
        .open(&file)
        .ok()?;
    fs::set_permissions(&file, Permissions::from_mode(HISTORY_MODE)).ok()?;
    Some(file)
}

// ---- when a line is whole ------------------------------------------------------------------------

/// Enter runs what is complete and begins another line of what is not.
struct Completeness;

impl Validator for Completeness {
    fn validate(&self, text: &str) -> ValidationResult {
        match is_complete(text) {
            true => ValidationResult::Complete,
            false => ValidationResult::Incomplete,
        }
    }
}
