//! Statements that wait for the next text of their shape (see [`Body::take_text`]).
//!
//! ```text
//!   INSERT INTO t(a, b) VALUES (17, 'x')
//!   ├────────── head ──────────┤              its hash says which statements to try
//! ```
//!
//! - I1. The head of a text ends where the first constant may begin: at a digit that continues no word, or at a quote. So all texts of one shape have
//!   the same head.
//! - I2. What is bounded for the statements of the [cache](super::cache) is bounded here: their number, and the length of their texts.
//! - I3. As there, all that is kept was compiled under one `State::schema_version`.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::statement::Body;

/// A text without a constant up to here is not looked for.
const HEAD_BYTES_MAX: usize = 512;

/// See the module head.
#[derive(Default)]
pub(super) struct Shapes {
    /// The hash of the head of each one's text.
    heads: Vec<u64>,
    #[expect(
        clippy::vec_box,
        reason = "statements hold them as they are: to take one out moves a pointer"
    )]
    bodies: Vec<Box<Body>>,
    /// Whose turn it is to make room.
    next: usize,
}

impl Shapes {
    /// Takes out a statement which the first one of `sql` differs from in constants only; it has the text then, and the constants' values.
    #[inline]
    pub(super) fn take(&mut self, sql: &str) -> Option<Box<Body>> {
        if self.heads.is_empty() {
            return None;
        }
        let head = hash_of_head(sql.as_bytes())?;
        let mut tried = self.heads.iter().zip(&mut self.bodies);
        let found = tried.position(|(own, body)| *own == head && body.take_text(sql))?;
        self.heads.swap_remove(found);
        Some(self.bodies.swap_remove(found))
    }

    /// Keeps a statement that was reset, one of `capacity`.
    pub(super) fn keep(&mut self, body: Box<Body>, capacity: usize) {
        let Some(head) = hash_of_head(body.sql().as_bytes()).filter(|_| capacity > 0) else {
            return;
        };
        if self.bodies.len() < capacity {
            self.heads.push(head);
            self.bodies.push(body);
            return;
        }
        self.next = (self.next + 1) % capacity;
        self.heads[self.next] = head;
        self.bodies[self.next] = body;
    }

    pub(super) fn truncate(&mut self, capacity: usize) {
        self.heads.truncate(capacity);
        self.bodies.truncate(capacity);
    }
}

/// The hash of what stands before the first constant.
fn hash_of_head(text: &[u8]) -> Option<u64> {
    let reach = text.get(..HEAD_BYTES_MAX).unwrap_or(text);
    let mut before = b' ';
    let end = reach.iter().position(|&byte| {
        let is_number = byte.is_ascii_digit() && !continues_digits(before);
        before = byte;
        is_number || byte == b'\''
    })?;
    let mut hasher = FxHasher::default();
    hasher.write(text.get(..end)?);
    Some(hasher.finish())
}

/// Whether a digit after this byte is part of a word or a parameter.
fn continues_digits(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'?' | 0x80..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_end_before_the_first_constant() {
        let same = |a: &str, b: &str| {
            let [a, b] = [a, b].map(|text| hash_of_head(text.as_bytes()));
            a.is_some() && a == b
        };
        assert!(same(
            "SELECT a1 FROM t2 WHERE id = 7",
            "SELECT a1 FROM t2 WHERE id = 81 AND"
        ));
        assert!(same(
            "INSERT INTO t VALUES ('a', 1)",
            "INSERT INTO t VALUES ('b', 2)"
        ));
        assert!(same(
            "INSERT INTO t VALUES (?1, 1)",
            "INSERT INTO t VALUES (?1, 2)"
        ));
        assert!(!same(
            "INSERT INTO t VALUES (?1, 1)",
            "INSERT INTO t VALUES (?2, 1)"
        ));
        assert!(!same("SELECT a1 FROM t2", "SELECT a1 FROM t2"));
        assert!(same("DELETE FROM t WHERE a=-5", "DELETE FROM t WHERE a=-'x"));
    }
}
