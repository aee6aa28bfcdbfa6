//! Statements that wait to be used again.
//!
//! Programs prepare the same few texts over and over, most of them without knowing: `execute` and `query_row` take a text each time. To
//! compile one costs more than to run many a point query, so a statement that is dropped is kept, with its operators and their buffers, and
//! the next `prepare` of its text takes it out again.
//!
//! ```text
//!   prepare(text) ── hash ──▶ kept?  ── yes ──▶ out of the list: the statement has it alone
//!                               │ no
//!                               ▼
//!                            compiled; met before? ── no ──▶ the hash is noted, dropped after use
//!                                          │ yes
//!                                          ▼
//!                                       after use: to the end of the list, the oldest one makes room
//! ```
//!
//! A text is kept when it comes for the second time, or at once by [`Connection::prepare_cached`](crate::Connection::prepare_cached): a
//! load of ten thousand statements that are all different leaves nothing behind and drives nothing out.
//!
//! Texts that differ in constants only, as INSERTs with their values written out do, share a statement where their plans allow it: it is in
//! [`shapes`](super::shapes), not here.
//!
//! - I1. All that is kept was compiled under one `State::schema_version`; when that moves, all of it goes. So what comes out means what a
//!   statement compiled now would mean, and has its columns.
//! - I2. A kept statement is reset, has no bindings and no rows; its buffers are bounded by what operators keep between runs.
//! - I3. Only a statement that has its text to itself is kept: what stands in a script is not looked for.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use super::shapes::Shapes;
use crate::statement::Body;

/// How many statements are kept unless told otherwise.
const KEPT_MAX: usize = 64;

/// Longer texts are data more than statements.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// How many texts are remembered as met.
const MET: usize = 64;

/// See the module head.
pub(super) struct StatementCache {
    /// The one used last at the end.
    kept: Vec<Kept>,
    capacity: usize,
    /// What other texts can be put into.
    shapes: Shapes,
    /// Hashes of the texts compiled last, a ring.
    met: [u64; MET],
    next_met: usize,
    /// What all of `kept` was compiled against.
    schema_version: u64,
}

struct Kept {
    place: Place,
    /// Boxed as the statement holds it: to take it out moves a pointer.
    body: Box<Body>,
}

/// Where a text is kept, once its statement is dropped.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Place {
    hash: u64,
    /// Of the text with the blanks after its semicolon.
    len: usize,
}

/// What there is for a text.
pub(super) enum Found {
    /// A statement that is ready to run.
    Kept(Box<Body>, Place),
    /// A statement that is ready to run, of a text that was the same but for constants.
    Alike(Box<Body>),
    /// It has to be compiled, and is worth keeping afterwards.
    Again(Place),
    /// It has to be compiled.
    New,
}

impl Default for StatementCache {
    fn default() -> StatementCache {
        StatementCache {
            kept: Vec::new(),
            capacity: KEPT_MAX,
            shapes: Shapes::default(),
            met: [0; MET],
            next_met: 0,
            schema_version: 0,
        }
    }
}

impl StatementCache {
    /// Looks for a text. Costs one pass over it and one over the hashes; less for the text that was used last.
    pub(super) fn find(&mut self, sql: &str, schema_version: u64) -> Found {
        if sql.len() > TEXT_BYTES_MAX || self.capacity == 0 {
            return Found::New;
        }
        self.follow(schema_version);
        if let Some(last) = self
            .kept
            .pop_if(|last| last.place.len == sql.len() && last.body.is_alone_in(sql))
        {
            return Found::Kept(last.body, last.place);
        }
        if let Some(body) = self.shapes.take(sql) {
            return Found::Alike(body);
        }
        let place = Place::of(sql);
        let kept = self
            .kept
            .iter()
            .rposition(|kept| kept.place == place && kept.body.is_alone_in(sql));
        if let Some(at) = kept {
            return Found::Kept(self.kept.remove(at).body, place);
        }
        if self.met.contains(&place.hash) {
            return Found::Again(place);
        }
        self.met[self.next_met] = place.hash;
        self.next_met = (self.next_met + 1) % MET;
        Found::New
    }

    /// Looks for a statement of which the first one of `sql` is the same but for constants.
    pub(super) fn find_alike(&mut self, sql: &str, schema_version: u64) -> Option<Box<Body>> {
        self.follow(schema_version);
        self.shapes.take(sql)
    }

    /// Where a text is kept that is to be kept the first time.
    pub(super) fn place_of(&self, sql: &str) -> Option<Place> {
        (sql.len() <= TEXT_BYTES_MAX && self.capacity > 0).then(|| Place::of(sql))
    }

    /// Takes back a statement that was reset; it is dropped if it is out of date.
    pub(super) fn keep(&mut self, body: Box<Body>, place: Place, schema_version: u64) {
        self.follow(schema_version);
        if body.schema_version() != schema_version {
            return;
        }
        self.kept.push(Kept { place, body });
        self.make_room();
    }

    /// Takes back a statement that was reset, for other texts of its shape.
    pub(super) fn keep_shape(&mut self, body: Box<Body>, schema_version: u64) {
        self.follow(schema_version);
        if body.schema_version() == schema_version {
            self.shapes.keep(body, self.capacity);
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Keeps at most so many: those used last.
    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.shapes.truncate(capacity);
        self.make_room();
    }

    /// Forgets all statements.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.shapes.truncate(0);
    }

    fn follow(&mut self, schema_version: u64) {
        if self.schema_version != schema_version {
            self.clear();
            self.schema_version = schema_version;
        }
    }

    fn make_room(&mut self) {
        let over = self.kept.len().saturating_sub(self.capacity);
        if over > 0 {
            self.kept.drain(..over);
        }
    }
}

impl Place {
    fn of(sql: &str) -> Place {
        let mut hasher = FxHasher::default();
        hasher.write(sql.as_bytes());
        Place {
            hash: hasher.finish(),
            len: sql.len(),
        }
    }
}
