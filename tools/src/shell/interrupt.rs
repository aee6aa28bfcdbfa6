//! Ctrl-C: stops the statement that runs, and not the shell.
//!
//! While a line is edited the terminal is in raw mode and Ctrl-C is a key. While a statement runs it is a signal; a thread of the handler
//! tells the connection. A shell without an editor ends with its statement.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aludel_sql::{Connection, InterruptHandle};

/// What Ctrl-C stops.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupts {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    pressed: AtomicBool,
    /// A person is at the other end, who has other keys to leave with.
    stays: AtomicBool,
    /// The connection to stop, while a statement runs.
    running: Mutex<Option<InterruptHandle>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("pressed", &self.pressed)
            .finish_non_exhaustive()
    }
}

impl Interrupts {
    /// Listens for Ctrl-C from now on. A process has one handler: all callers share it.
    pub(crate) fn listen() -> Interrupts {
        static ONE: OnceLock<Interrupts> = OnceLock::new();
        ONE.get_or_init(|| {
            let interrupts = Interrupts::default();
            let shared = Arc::clone(&interrupts.shared);
            // Where no handler can be set Ctrl-C ends the process, as it does without one.
            let _ = ctrlc::set_handler(move || shared.press());
            interrupts
        })
        .clone()
    }

    /// Lets Ctrl-C stop the connection until the guard goes.
    pub(crate) fn stops(&self, connection: &Connection) -> Running<'_> {
        self.shared.pressed.store(false, Ordering::Relaxed);
        self.set(Some(connection.interrupt_handle()));
        Running { interrupts: self }
    }

    /// Pressed while nothing runs, it does not end the process.
    pub(crate) fn stay(&self) {
        self.shared.stays.store(true, Ordering::Relaxed);
    }

    /// Whether it was pressed since a statement last began.
    pub(crate) fn was_pressed(&self) -> bool {
        self.shared.pressed.load(Ordering::Relaxed)
    }

    fn set(&self, handle: Option<InterruptHandle>) {
        *self.shared.running.lock().unwrap_or_else(PoisonError::into_inner) = handle;
    }
}

impl Shared {
    fn press(&self) {
        const INTERRUPTED: i32 = 130;
        let again = self.pressed.swap(true, Ordering::Relaxed);
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match &*running {
            Some(handle) => handle.interrupt(),
            // Nothing runs that could be stopped (standard input is waited for), twice.
            None if again && !self.stays.load(Ordering::Relaxed) => std::process::exit(INTERRUPTED),
            None => {}
        }
    }
}

/// While it is there, Ctrl-C stops the connection.
pub(crate) struct Running<'i> {
    interrupts: &'i Interrupts,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.interrupts.set(None);
    }
}
