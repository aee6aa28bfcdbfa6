//! The collations of a connection: BINARY, NOCASE, RTRIM and those of the application.
//!
//! A name that none of them has is asked for, where the application [answers](Connection::collation_needed), and the answer is kept. A schema
//! may name one that is still not there: a stand-in notices each comparison, and the statement fails before anything of it is seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aludel_storage::format::{Collation, CustomCollation};
use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashMap;

use super::{Connection, State};
use crate::catalog::{Collations, missing_collation};
use crate::error::{Error, Result};
use crate::exec::write::Failure;

/// A comparison of two texts in UTF-8: a total order that never changes as long as an index uses it.
pub type Compare = Box<dyn Fn(&[u8], &[u8]) -> std::cmp::Ordering + Send + Sync>;

/// Makes a collation that is asked for by its name.
type Needed = Box<dyn FnMut(&str) -> Option<Compare> + Send>;

/// Finds collations by name.
#[derive(Default)]
pub(crate) struct CollationTable {
    custom: RwLock<FxHashMap<String, Collation>>,
    needed: Option<Mutex<Needed>>,
    missed: Arc<Missed>,
}

impl State {
    /// The result of some work, which fails when something was compared by a collation that is not there.
    #[inline]
    pub(crate) fn refuse_missed<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        match self.collations.lacks_any() {
            false => result,
            true => self.collations.refuse_missed().map_err(Failure::from).and(result),
        }
    }
}

/// Comparisons by collations that a schema names and nobody has given.
#[derive(Default)]
struct Missed {
    /// Some schema names one.
    named: AtomicBool,
    /// The one that something was compared by.
    used: Mutex<Option<String>>,
}

impl Connection {
    /// Asks `needed` for each collation that a schema or a statement names and nobody has [registered](Connection::register_collation); what it
    /// answers is registered. It is asked again for a name that it has no answer to. `None` ends that.
    ///
    /// ```
    /// # fn main() -> aludel_sql::Result<()> {
    /// let connection = aludel_sql::Connection::open_in_memory()?;
    /// connection.collation_needed(Some(|name: &str| {
    ///     let by_length = |a: &[u8], b: &[u8]| a.len().cmp(&b.len());
    ///     (name == "LENGTH").then(|| Box::new(by_length) as aludel_sql::Comparison)
    /// }))?;
    /// let same: bool = connection.query_row("SELECT 'ab' = 'xy' COLLATE LENGTH", (), |row| row.get(0))?;
    /// assert!(same);
    /// assert!(connection.prepare("SELECT 'a' COLLATE other").is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Misuse`] inside a call of the connection.
    pub fn collation_needed(
        &self,
        needed: Option<impl FnMut(&str) -> Option<Compare> + Send + 'static>,
    ) -> Result<()> {
        let mut state = self.state()?;
        state.collations.needed = needed.map(|needed| Mutex::new(Box::new(needed) as Needed));
        state.forget_schemas();
        Ok(())
    }
}

impl CollationTable {
    pub(super) fn register(&self, name: &str, compare: Compare) -> Collation {
        let collation = Collation::Custom(Arc::new(CustomCollation {
            name: name.to_owned(),
            compare,
            missing: false,
        }));
        self.custom
            .write()
            .insert(name.to_ascii_lowercase(), collation.clone());
        collation
    }

    pub(super) fn unregister(&self, name: &str) -> bool {
        self.custom.write().remove(&name.to_ascii_lowercase()).is_some()
    }

    /// Whether a schema names a collation that is not there.
    #[inline]
    pub(crate) fn lacks_any(&self) -> bool {
        self.missed.named.load(Ordering::Relaxed)
    }

    /// Forgets what was compared by a collation that is not there.
    ///
    /// # Errors
    /// `no such collation sequence: x`, when something was.
    fn refuse_missed(&self) -> Result<()> {
        match self.missed.used.lock().take() {
            Some(name) => Err(Error::no_such_collation(&name)),
            None => Ok(()),
        }
    }

    /// The collation that the application makes for a name that is not known.
    fn ask(&self, name: &str) -> Option<Collation> {
        // A name that is asked for while another is being answered has no answer.
        let mut needed = self.needed.as_ref()?.try_lock()?;
        let compare = needed(name)?;
        Some(self.register(name, compare))
    }

    /// The names of all collations, the application's first.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .custom
            .read()
            .values()
            .map(|collation| collation.name().to_owned())
            .collect();
        names.sort();
        names.extend(["RTRIM", "NOCASE", "BINARY"].map(str::to_owned));
        names
    }
}

impl Collations for CollationTable {
    fn find(&self, name: &str) -> Option<Collation> {
        let custom = self.custom.read().get(&name.to_ascii_lowercase()).cloned();
        custom.or_else(|| match name {
            _ if name.eq_ignore_ascii_case("binary") => Some(Collation::Binary),
            _ if name.eq_ignore_ascii_case("nocase") => Some(Collation::NoCase),
            _ if name.eq_ignore_ascii_case("rtrim") => Some(Collation::RTrim),
            _ => self.ask(name),
        })
    }

    fn missing(&self, name: &str) -> Collation {
        self.missed.named.store(true, Ordering::Relaxed);
        let (missed, own_name) = (Arc::clone(&self.missed), name.to_owned());
        let compare = move |a: &[u8], b: &[u8]| {
            missed.used.lock().get_or_insert_with(|| own_name.clone());
            a.cmp(b)
        };
        missing_collation(name, Box::new(compare))
    }
}
