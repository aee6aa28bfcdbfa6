//! How much of the thread's stack a recursion has used.
//!
//! The parser bounds the height of expressions by 1000, as SQLite does. What that takes of the stack depends on the build: frames of a build for debugging are
//! several times as large as those of an optimized one. So recursion is bounded by what it has really used, and ends in
//! the error that SQLite has for trees that are too high.

use crate::error::{Error, Result};

/// What a recursion may use: half of the stack that Rust gives to threads.
const BYTES_MAX: usize = 1 << 20;

/// The place in the stack where a recursion began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StackGuard {
    base: usize,
}

impl StackGuard {
    /// A recursion that begins here.
    #[inline(never)]
    pub(crate) fn here() -> StackGuard {
        StackGuard { base: place() }
    }

    /// Fails when the recursion has used more than it may.
    #[inline]
    pub(crate) fn check(self) -> Result<()> {
        match self.base.abs_diff(place()) < BYTES_MAX {
            true => Ok(()),
            false => Err(too_high()),
        }
    }
}

/// A guard made by default begins where it is made.
impl Default for StackGuard {
    fn default() -> StackGuard {
        StackGuard::here()
    }
}

/// An address in the frame of whoever asks, or near it.
#[inline]
fn place() -> usize {
    let marker = 0u8;
    std::ptr::from_ref(&marker).addr()
}

#[cold]
fn too_high() -> Error {
    Error::sql("Expression tree is too large (maximum depth 1000)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descend(guard: StackGuard, depth: usize) -> Result<usize> {
        guard.check()?;
        let ballast = std::hint::black_box([depth; 64]);
        match depth {
            1_000_000 => Ok(ballast[0]),
            depth => descend(guard, depth + 1).map(|deepest| deepest + ballast[1] - depth),
        }
    }

    #[test]
    fn endless_recursion_ends_in_an_error() {
        assert!(descend(StackGuard::here(), 0).is_err());
    }
}
