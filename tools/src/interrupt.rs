//! Ctrl-C: once, the command ends with what it has; twice, the program ends at once.
//!
//! A process has one handler. It sets a flag and tells the connections that run: commands look at the flag between two rows or pages, and
//! connections end their statement with [`aludel_sql::Error::Interrupt`].
//!
//! ```text
//!   Ctrl-C ──▶ press ──▶ flag ──────────▶ was_pressed()       begin() clears it: the shell, before each statement
//!                 └────▶ connections ───▶ Error::Interrupt    stops(): for good; stops_while(): until the guard goes
//! ```
//!
//! With [`Interrupt::stay`] the second press does not end the program: an editor has other keys to leave with, and `bench` files to remove.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use aludel_sql::{Connection, InterruptHandle};

use crate::error::Exit;

/// What Ctrl-C stops. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    pressed: Arc<AtomicBool>,
    stays: AtomicBool,
    running: Mutex<Connections>,
}

/// The connections to stop, each with a number of its own.
#[derive(Debug, Default)]
struct Connections {
    next: u64,
    all: Vec<(u64, InterruptHandle)>,
}

impl Interrupt {
    /// Listens from now on. A process has one handler, so all callers get the same.
    pub fn listen() -> Interrupt {
        static ONE: OnceLock<Interrupt> = OnceLock::new();
        ONE.get_or_init(|| {
            let interrupt = Interrupt::default();
            let shared = Arc::clone(&interrupt.shared);
            // Where no handler can be set Ctrl-C ends the process, as it does without one.
            let _ = ctrlc::set_handler(move || {
                if shared.press() {
                    std::process::exit(i32::from(Exit::Interrupted.code()));
                }
            });
            interrupt
        })
        .clone()
    }

    /// Whether it was pressed; in the shell, since a statement last began.
    pub fn was_pressed(&self) -> bool {
        self.shared.pressed.load(Ordering::Relaxed)
    }

    /// The flag that pressing sets, for work that knows nothing of this module.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.shared.pressed)
    }

    /// Something begins that was not meant when it was pressed before.
    pub fn begin(&self) {
        self.shared.pressed.store(false, Ordering::Relaxed);
    }

    /// Pressed twice, it does not end the program.
    pub fn stay(&self) {
        self.shared.stays.store(true, Ordering::Relaxed);
    }

    /// Lets it stop the statements of a connection from now on.
    pub fn stops(&self, connection: &Connection) {
        self.shared.add(connection);
    }

    /// Lets it stop the statements of a connection until the guard goes.
    pub fn stops_while(&self, connection: &Connection) -> Running {
        Running {
            number: self.shared.add(connection),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Shared {
    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, connection: &Connection) -> u64 {
        let handle = connection.interrupt_handle();
        let mut connections = self.connections();
        // Looked at under the lock that `press` takes after it set the flag: one of the two tells the connection.
        if self.pressed.load(Ordering::Relaxed) {
            handle.interrupt();
        }
        let number = connections.next;
        connections.next += 1;
        connections.all.push((number, handle));
        number
    }

    /// Stops what runs; true when it is time to end the program.
    fn press(&self) -> bool {
        let again = self.pressed.swap(true, Ordering::Relaxed);
        if again && !self.stays.load(Ordering::Relaxed) {
            return true;
        }
        for (_, handle) in &self.connections().all {
            handle.interrupt();
        }
        false
    }
}

/// While it is there, Ctrl-C stops the connection.
#[derive(Debug)]
#[must_use = "the connection can be stopped while this is there"]
pub struct Running {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared
            .connections()
            .all
            .retain(|(number, _)| *number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a statement that has begun is stopped.
    fn is_stopped(connection: &Connection, press: impl FnOnce()) -> bool {
        let endless =
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100000) SELECT x FROM c";
        let mut statement = connection.prepare(endless).unwrap();
        assert!(statement.step().unwrap());
        press();
        loop {
            match statement.step() {
                Ok(true) => {}
                Ok(false) => return false,
                Err(error) => return matches!(error, aludel_sql::Error::Interrupt),
            }
        }
    }

    #[test]
    fn a_connection_is_stopped_while_its_guard_is_there() {
        let (interrupt, connection) = (Interrupt::default(), Connection::open_in_memory().unwrap());
        let running = interrupt.stops_while(&connection);
        assert!(is_stopped(&connection, || assert!(!interrupt.shared.press())));
        assert!(interrupt.was_pressed());
        drop(running);
        interrupt.begin();
        assert!(!interrupt.was_pressed());
        assert!(!is_stopped(&connection, || assert!(!interrupt.shared.press())));
    }

    #[test]
    fn the_second_press_ends_the_program_unless_it_stays() {
        let interrupt = Interrupt::default();
        assert_eq!([(); 2].map(|()| interrupt.shared.press()), [false, true]);
        interrupt.begin();
        assert!(!interrupt.shared.press(), "what was pressed before is forgotten");
        interrupt.stay();
        assert_eq!([(); 2].map(|()| interrupt.shared.press()), [false, false]);
    }
}
