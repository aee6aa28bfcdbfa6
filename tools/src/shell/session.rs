//! What the shell knows between two lines of input.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, PoisonError, RwLock};

use aludel_sql::Connection;
use aludel_sql::value::Value;

use super::names::Names;
use super::place::{Opened, Place};
use super::rows::{Style, for_terminal};
use super::sink::Sink;
use super::traffic::Traffic;
use crate::error::{Exit, Failure};
use crate::inspect::ImageState;
use crate::interrupt::{Interrupt, Running};

/// What the shell knows.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    pub(crate) place: Place,
    /// Whether the file as it is is shown, or what it will be after recovery.
    pub(crate) state: ImageState,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) style: Style,
    pub(crate) settings: Settings,
    pub(crate) names: SharedNames,
    pub(crate) interrupts: Interrupt,
    /// Values of `:a`, `@a`, `$a`, `?1` by name.
    pub(crate) parameters: BTreeMap<String, Value>,
    sink: Sink,
    /// For the next answer only.
    once: Option<Sink>,
    /// The statement that ran last.
    pub(crate) last: Option<String>,
    /// Files that `.read` is in.
    pub(crate) reading: usize,
    /// The exit code of the first failure.
    pub(crate) failed: Option<Exit>,
    /// Set by `.quit` and `.exit`.
    pub(crate) leave: Option<u8>,
}

/// The names that completion and colours share with the session.
pub(crate) type SharedNames = Arc<RwLock<Names>>;

/// What can be switched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) timer: bool,
    pub(crate) plans: Plans,
    pub(crate) echo: bool,
    pub(crate) changes: bool,
    pub(crate) bail: bool,
    /// A person sits at the other end.
    pub(crate) interactive: bool,
}

/// What is shown of a statement's plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Plans {
    #[default]
    Off,
    /// The plan, before the answer.
    On,
    /// The plan with what was measured in a run of its own, before the answer.
    Full,
    /// The plan in place of the answer.
    Only,
}

impl Session {
    /// Opens a place.
    ///
    /// # Errors
    /// Those of [`Place::open`].
    pub(crate) fn open(place: Place, interrupts: Interrupt) -> Result<Session, Failure> {
        let Opened {
            connection,
            traffic,
            state,
        } = place.open()?;
        Ok(Session {
            connection,
            state,
            place,
            traffic,
            style: Style::default(),
            settings: Settings::default(),
            names: SharedNames::default(),
            interrupts,
            parameters: BTreeMap::new(),
            sink: Sink::Standard,
            once: None,
            last: None,
            reading: 0,
            failed: None,
            leave: None,
        })
    }

    /// Lets Ctrl-C stop what the connection does next, until the guard goes.
    pub(crate) fn stoppable(&self) -> Running {
        self.interrupts.begin();
        self.interrupts.stops_while(&self.connection)
    }

    /// Opens another place; the one that is open stays if that fails.
    ///
    /// # Errors
    /// Those of [`Place::open`].
    pub(crate) fn reopen(&mut self, place: Place) -> Result<(), Failure> {
        let Opened {
            connection,
            traffic,
            state,
        } = place.open()?;
        (self.connection, self.traffic, self.place, self.state) = (connection, traffic, place, state);
        self.tell_state();
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = Names::default();
        self.refresh_names();
        Ok(())
    }

    /// Tells a person when what is shown is not the file as it is.
    pub(crate) fn tell_state(&self) {
        if self.settings.interactive && self.state != ImageState::File {
            eprintln!(
                "{}: {} (.open looks again)",
                self.place.name(),
                self.state.words()
            );
        }
    }

    /// Reads what completion and colours need to know, where somebody needs it.
    pub(crate) fn refresh_names(&self) {
        if self.settings.interactive {
            self.names
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .refresh(&self.connection);
        }
    }

    // ---- output ---------------------------------------------------------------------------------

    /// Sends all answers from now on.
    pub(crate) fn set_sink(&mut self, sink: Sink) {
        (self.sink, self.once) = (sink, None);
    }

    /// Sends the next answer.
    pub(crate) fn set_once(&mut self, sink: Sink) {
        self.once = Some(sink);
    }

    /// Lends what answers are written to, and how rows are printed there.
    pub(crate) fn with_output<T>(
        &mut self,
        write: impl FnOnce(&Session, &Style, &mut dyn Write) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut once = self.once.take();
        let mut sink = std::mem::take(&mut self.sink);
        let target = once.as_mut().unwrap_or(&mut sink);
        let terminal = target.is_terminal();
        let mut style = self.style.clone();
        style.colours &= terminal;
        style.width = style.width.or_else(|| terminal.then(terminal_width).flatten());
        let result = {
            let mut out = target.writer();
            if terminal {
                out = for_terminal(style.mode, out);
            }
            let result = write(self, &style, &mut *out);
            let flushed = out.flush().map_err(Failure::from);
            result.and_then(|value| flushed.map(|()| value))
        };
        self.sink = sink;
        result
    }

    /// Notes a failure for the exit code.
    pub(crate) fn note(&mut self, failure: &Failure) {
        self.failed.get_or_insert(failure.exit());
    }
}

/// How many columns the terminal has.
fn terminal_width() -> Option<usize> {
    let (columns, _) = crossterm::terminal::size().ok()?;
    (columns > 0).then_some(usize::from(columns))
}
