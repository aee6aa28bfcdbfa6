//! How much memory of its own this process comes to hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Watches from its creation to [`MemoryWatch::peak_mib`].
pub struct MemoryWatch {
    stop: Arc<AtomicBool>,
    peak_kib: Arc<AtomicU64>,
    watcher: JoinHandle<()>,
}

impl MemoryWatch {
    /// Starts to watch.
    pub fn start() -> MemoryWatch {
        let (stop, peak_kib) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (told, peak) = (Arc::clone(&stop), Arc::clone(&peak_kib));
        let watcher = std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                peak.fetch_max(own_kib(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        MemoryWatch {
            stop,
            peak_kib,
            watcher,
        }
    }

    /// The most that was held, in MiB; 0 where the system does not say.
    pub fn peak_mib(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        // A watcher that has panicked has seen nothing more.
        let _ = self.watcher.join();
        self.peak_kib.load(Ordering::Relaxed) >> 10
    }
}

/// Memory that is neither shared nor part of a mapped file.
fn own_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
