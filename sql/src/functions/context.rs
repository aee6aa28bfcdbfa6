//! What a function may ask of the world.
//!
//! [`Environment`] belongs to a connection and outlives statements: clock, random numbers, counters, limits. [`FunctionContext`] belongs to one place
//! where a function is called: its collation, which arguments are JSON, and a buffer to work in.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use super::json::JsonBuffers;
use super::pattern::CachedPattern;
use crate::error::{Error, Result};
use crate::value::Collation;
use crate::value::encoding::TextEncoding;

/// The longest text or blob unless a limit says otherwise.
pub(super) const LENGTH_MAX: usize = 1_000_000_000;
/// The longest LIKE or GLOB pattern.
pub(super) const PATTERN_LENGTH_MAX: usize = 50_000;

/// Milliseconds from the start of Julian days (noon, 24 November 4714 BC) to 1970.
pub(super) const UNIX_EPOCH_JULIAN_MS: i64 = 210_866_760_000_000;

/// The connection as functions see it. `Send`, not `Sync`: interior mutability without locks.
#[derive(Debug)]
pub struct Environment {
    /// Rowid of the last insert.
    pub last_insert_rowid: Cell<i64>,
    /// Rows changed by the last statement that changed rows.
    pub changes: Cell<i64>,
    /// Rows changed since the connection was opened.
    pub total_changes: Cell<i64>,
    /// `PRAGMA case_sensitive_like`.
    pub case_sensitive_like: Cell<bool>,
    /// Encoding of the main database.
    pub encoding: Cell<TextEncoding>,
    /// Longest text or blob that a function may make.
    pub length_max: Cell<usize>,
    /// Longest LIKE or GLOB pattern.
    pub pattern_length_max: Cell<usize>,
    now_julian_ms: Cell<Option<i64>>,
    random_state: Cell<u64>,
}

impl Default for Environment {
    fn default() -> Environment {
        Environment {
            last_insert_rowid: Cell::new(0),
            changes: Cell::new(0),
            total_changes: Cell::new(0),
            case_sensitive_like: Cell::new(false),
            encoding: Cell::new(TextEncoding::Utf8),
            length_max: Cell::new(LENGTH_MAX),
            pattern_length_max: Cell::new(PATTERN_LENGTH_MAX),
            now_julian_ms: Cell::new(None),
            random_state: Cell::new(RandomState::new().hash_one("random")),
        }
    }
}

impl Environment {
    /// The current time as milliseconds of Julian days. Stays the same until [`start_statement`](Self::start_statement).
    pub fn now_julian_ms(&self) -> i64 {
        if let Some(now) = self.now_julian_ms.get() {
            return now;
        }
        let since_1970 = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_millis() as i64,
            Err(before) => -(before.duration().as_millis() as i64),
        };
        let now = since_1970 + UNIX_EPOCH_JULIAN_MS;
        self.now_julian_ms.set(Some(now));
        now
    }

    /// Sets the time that functions see until the next [`start_statement`](Self::start_statement); for tests and replays.
    pub fn set_now_julian_ms(&self, now: i64) {
        self.now_julian_ms.set(Some(now));
    }

    /// A statement starts: the clock is read anew when it is asked for.
    pub fn start_statement(&self) {
        self.now_julian_ms.set(None);
    }

    /// Seeds the random numbers; for tests and replays.
    pub fn seed_random(&self, seed: u64) {
        self.random_state.set(seed);
    }

    /// 64 random bits (SplitMix64: fast and well spread, not for secrets).
    pub fn random(&self) -> u64 {
        let state = self.random_state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random_state.set(state);
        let mut bits = state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Appends `count` random bytes.
    pub fn random_bytes(&self, count: usize, out: &mut Vec<u8>) {
        let end = out.len() + count;
        while out.len() < end {
            let chunk = self.random().to_le_bytes();
            let take = (end - out.len()).min(chunk.len());
            out.extend_from_slice(&chunk[..take]);
        }
    }
}

/// One call site of a function while it runs.
#[derive(Debug)]
pub struct FunctionContext<'a> {
    /// The connection.
    pub environment: &'a Environment,
    /// The collation of the call: that of the leftmost argument that has one.
    pub collation: &'a Collation,
    /// Bit i is set when argument i is JSON made by a JSON function rather than plain text. Arguments past 63 count as plain.
    pub json_arguments: u64,
    /// Set by a function whose result is JSON, so that an enclosing JSON function takes it as such.
    pub json_result: bool,
    /// Set where results must depend on arguments only: `a CHECK constraint`, `a generated column`, `an index`. Functions refuse the
    /// clock and the time zone there.
    pub pure_place: Option<&'static str>,
    /// A buffer that keeps its allocation from call to call. Its content means nothing between calls.
    pub scratch: Vec<u8>,
    /// The LIKE or GLOB pattern of the call before this one.
    pub(super) pattern: Option<Box<CachedPattern>>,
    /// What JSON functions work in.
    pub(super) json_buffers: JsonBuffers,
}

/// What a call site keeps from batch to batch: buffers and what functions computed from arguments that hardly change.
#[derive(Debug, Default)]
pub struct CallState {
    scratch: Vec<u8>,
    pattern: Option<Box<CachedPattern>>,
    json_buffers: JsonBuffers,
}

static BINARY: Collation = Collation::Binary;

impl<'a> FunctionContext<'a> {
    /// A context with binary collation and plain arguments.
    pub fn new(environment: &'a Environment) -> FunctionContext<'a> {
        FunctionContext {
            environment,
            collation: &BINARY,
            json_arguments: 0,
            json_result: false,
            pure_place: None,
            scratch: Vec::new(),
            pattern: None,
            json_buffers: JsonBuffers::default(),
        }
    }

    /// Takes up what an earlier context of the same call site kept.
    #[must_use]
    pub fn with_state(mut self, state: CallState) -> FunctionContext<'a> {
        self.scratch = state.scratch;
        self.pattern = state.pattern;
        self.json_buffers = state.json_buffers;
        self
    }

    /// Keeps for the next context what this one has.
    pub fn into_state(self) -> CallState {
        CallState {
            scratch: self.scratch,
            pattern: self.pattern,
            json_buffers: self.json_buffers,
        }
    }

    /// The same with the collation of the call.
    #[must_use]
    pub fn with_collation(mut self, collation: &'a Collation) -> FunctionContext<'a> {
        self.collation = collation;
        self
    }

    /// Whether argument `index` is JSON made by a JSON function.
    pub fn is_json(&self, index: usize) -> bool {
        index < 64 && self.json_arguments >> index & 1 == 1
    }

    /// [`Error::TooBig`] when a result of `length` bytes is past the limit.
    pub fn check_length(&self, length: usize) -> Result<()> {
        if length > self.environment.length_max.get() {
            Err(Error::TooBig)
        } else {
            Ok(())
        }
    }
}
