//! Any script runs on a database of its own, a bounded number of rows of each statement, each statement for a bounded time.
//!
//! Scripts may attach files, so this is run in a folder of its own.
#![no_main]

use std::sync::{Mutex, Once};
use std::time::Duration;

use aludel_sql::{Connection, InterruptHandle};
use libfuzzer_sys::fuzz_target;

const SCHEMA: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT UNIQUE); INSERT INTO t VALUES(1, 2, 'x'), (2, NULL, 'y')";

/// How often the watcher looks, and how often it has to see one statement before it interrupts it.
const TICK: Duration = Duration::from_millis(50);
const TICKS_MAX: u32 = 6;

/// The statement that runs, and how often the watcher saw it.
static RUNNING: Mutex<Option<(InterruptHandle, u32)>> = Mutex::new(None);

fn start_watcher() {
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(TICK);
            let Ok(mut running) = RUNNING.lock() else { return };
            if let Some((handle, ticks)) = &mut *running {
                *ticks += 1;
                if *ticks > TICKS_MAX {
                    handle.interrupt();
                }
            }
        }
    });
}

fn watch(handle: Option<InterruptHandle>) {
    *RUNNING.lock().expect("the watcher lives") = handle.map(|handle| (handle, 0));
}

/// Runs the first statement of a text; where the next one begins, if there is one.
fn run_one(connection: &Connection, text: &str) -> Option<usize> {
    let mut statement = connection.prepare(text).ok()?;
    for _ in 0..100 {
        if !matches!(statement.step(), Ok(true)) {
            break;
        }
    }
    Some(statement.tail()).filter(|tail| *tail > 0)
}

fuzz_target!(|bytes: &[u8]| {
    static WATCHER: Once = Once::new();
    WATCHER.call_once(start_watcher);
    let text = String::from_utf8_lossy(bytes);
    let connection = Connection::open_in_memory().expect("memory");
    connection.execute_batch(SCHEMA).expect("the schema is sound");
    let mut start = 0;
    while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
        watch(Some(connection.interrupt_handle()));
        let next = run_one(&connection, rest);
        watch(None);
        match next {
            Some(next) => start += next,
            None => break,
        }
    }
});
