//! Waiting for another connection's lock.

use std::time::Duration;

use crate::error::Result;
use crate::vfs::Vfs;

/// Asked with the number of attempts so far when a lock is held by another connection: `true` to try again.
pub type BusyHandler = Box<dyn FnMut(u32) -> bool + Send>;

/// What to do while a lock is held by somebody else.
pub(crate) struct BusyPolicy {
    timeout: Duration,
    handler: Option<BusyHandler>,
}

/// Pauses between attempts; the last one repeats. Most locks are held for the length of one commit, so the first pauses are
/// much shorter than that of a patient waiter.
const PAUSES_MICROS: [u64; 14] = [
    50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 25_000, 25_000, 50_000, 100_000,
];

impl BusyPolicy {
    pub(super) fn new(timeout: Duration) -> BusyPolicy {
        BusyPolicy {
            timeout,
            handler: None,
        }
    }

    pub(super) fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
        self.handler = None;
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn set_handler(&mut self, handler: Option<BusyHandler>) {
        self.handler = handler;
        self.timeout = Duration::ZERO;
    }

    /// Repeats `attempt` while it is busy and the policy allows.
    pub(crate) fn retry<T>(&mut self, vfs: &dyn Vfs, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
        let mut waiting = Waiting::default();
        loop {
            match attempt() {
                Err(error) if error.is_busy() && waiting.again(self, vfs) => {}
                result => return result,
            }
        }
    }
}

/// One wait for a lock, from its first refusal on, over as many attempts as the busy policy allows.
#[derive(Debug, Default)]
pub struct Waiting {
    attempts: u32,
    started: Option<Duration>,
}

impl Waiting {
    /// Waits a little; `false` when it is time to give up.
    pub(crate) fn again(&mut self, policy: &mut BusyPolicy, vfs: &dyn Vfs) -> bool {
        let attempt = self.attempts;
        self.attempts += 1;
        if let Some(handler) = &mut policy.handler {
            return handler(attempt);
        }
        if policy.timeout.is_zero() {
            return false;
        }
        let now = vfs.now();
        let started = *self.started.get_or_insert(now);
        let left = policy.timeout.saturating_sub(now.saturating_sub(started));
        if left.is_zero() {
            return false;
        }
        let pause = PAUSES_MICROS[(attempt as usize).min(PAUSES_MICROS.len() - 1)];
        vfs.sleep(Duration::from_micros(pause).min(left));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::vfs::MemoryVfs;

    #[test]
    fn it_gives_up_after_the_timeout() {
        let vfs = MemoryVfs::new();
        let timeout = Duration::from_millis(20);
        let mut policy = BusyPolicy::new(timeout);
        let mut attempts = 0;
        let started = vfs.now();
        let result: Result<()> = policy.retry(&vfs, || {
            attempts += 1;
            Err(Error::Busy)
        });
        assert!(matches!(result, Err(Error::Busy)));
        assert!(attempts > 2);
        assert!(vfs.now() - started >= timeout);
    }

    #[test]
    fn the_handler_decides() {
        let vfs = MemoryVfs::new();
        let mut policy = BusyPolicy::new(Duration::ZERO);
        policy.set_handler(Some(Box::new(|attempt| attempt < 2)));
        let mut attempts = 0;
        let _ = policy.retry(&vfs, || -> Result<()> {
            attempts += 1;
            Err(Error::Busy)
        });
        assert_eq!(attempts, 3);
    }
}
