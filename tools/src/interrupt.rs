//! Ctrl-C: once, the command ends with what it has; twice, the program ends at once.
//!
//! A handler of the process sets a flag and tells the connections that run. Commands look at the flag where they are between two
//! rows or pages, and connections end their statement with [`aludel_sql::Error::Interrupt`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aludel_sql::{Connection, InterruptHandle};

use crate::error::Exit;

/// What Ctrl-C stops. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    pressed: Arc<AtomicBool>,
    running: Arc<Mutex<Vec<InterruptHandle>>>,
}

impl Interrupt {
    /// Listens from now on. A process has one handler, so all callers get the same.
    pub fn listen() -> Interrupt {
        static ONE: OnceLock<Interrupt> = OnceLock::new();
        ONE.get_or_init(|| {
            let interrupt = Interrupt::default();
            let pressed = interrupt.clone();
            // Where no handler can be set Ctrl-C ends the process, as it does without one.
            let _ = ctrlc::set_handler(move || pressed.press());
            interrupt
        })
        .clone()
    }

    /// Whether it was pressed.
    pub fn was_pressed(&self) -> bool {
        self.pressed.load(Ordering::Relaxed)
    }

    /// The flag itself, for what runs elsewhere.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.pressed)
    }

    /// Lets it stop the statements of a connection.
    pub fn stops(&self, connection: &Connection) {
        let handle = connection.interrupt_handle();
        if self.was_pressed() {
            handle.interrupt();
        }
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(handle);
    }

    fn press(&self) {
        if self.pressed.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().for_each(InterruptHandle::interrupt);
    }
}
