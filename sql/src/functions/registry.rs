//! Finding functions by name and number of arguments.
//!
//! An application's functions come first; among those of one name an exact number of arguments beats a range, and a range beats "any
//! number". The built-in functions are one table that all connections share.

use std::collections::HashMap;
use std::fmt;

use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use super::builtin;
use super::{Arity, Function};
use crate::error::Error;

pub(super) type FunctionTable = HashMap<Box<str>, SmallVec<[Function; 2]>, FxBuildHasher>;

/// The functions that a connection knows.
#[derive(Debug, Default)]
pub struct Registry {
    user: FunctionTable,
}

/// Why no function was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindError {
    /// No function has the name.
    Unknown(String),
    /// Functions have the name, but none takes this many arguments.
    WrongCount(String),
}

impl fmt::Display for FindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FindError::Unknown(name) => write!(f, "no such function: {name}"),
            FindError::WrongCount(name) => write!(f, "wrong number of arguments to function {name}()"),
        }
    }
}

impl std::error::Error for FindError {}

impl From<FindError> for Error {
    fn from(error: FindError) -> Error {
        Error::sql(error.to_string())
    }
}

impl Registry {
    /// The built-in functions only.
    pub fn new() -> Registry {
        Registry::default()
    }

    /// The function that `name(..)` with `argc` arguments calls.
    pub fn find(&self, name: &str, argc: usize) -> Result<&Function, FindError> {
        let key = name.to_ascii_lowercase();
        let tables = [&self.user, builtin::functions()];
        let found = tables
            .into_iter()
            .find_map(|table| best(table.get(key.as_str())?, argc));
        found.ok_or_else(
            || match self.exists_lower(&key) || Self::is_internal(&key, argc) {
                true => FindError::WrongCount(name.to_owned()),
                false => FindError::Unknown(name.to_owned()),
            },
        )
    }

    /// Whether any function has the name.
    pub fn exists(&self, name: &str) -> bool {
        self.exists_lower(&name.to_ascii_lowercase())
    }

    fn exists_lower(&self, key: &str) -> bool {
        self.user.contains_key(key) || builtin::functions().contains_key(key)
    }

    /// Functions that SQLite keeps for its own statements: calls with the right number of arguments find none.
    fn is_internal(key: &str, argc: usize) -> bool {
        const INTERNAL: [(&str, usize); 5] = [
            ("sqlite_drop_column", 3),
            ("sqlite_rename_column", 9),
            ("sqlite_rename_quotefix", 2),
            ("sqlite_rename_table", 7),
            ("sqlite_rename_test", 7),
        ];
        INTERNAL.iter().any(|&(name, count)| name == key && count != argc)
    }

    /// Adds an application's function; one of the same name and arity is replaced.
    pub fn register(&mut self, mut function: Function) {
        function.builtin = false;
        let entry = self
            .user
            .entry(function.name.to_ascii_lowercase().into())
            .or_default();
        match entry.iter_mut().find(|old| old.arity == function.arity) {
            Some(old) => *old = function,
            None => entry.push(function),
        }
    }

    /// Removes an application's function; true when it was there.
    pub fn unregister(&mut self, name: &str, arity: Arity) -> bool {
        let key = name.to_ascii_lowercase();
        let Some(entry) = self.user.get_mut(key.as_str()) else {
            return false;
        };
        let before = entry.len();
        entry.retain(|function| function.arity != arity);
        let removed = entry.len() < before;
        if entry.is_empty() {
            self.user.remove(key.as_str());
        }
        removed
    }

    /// Every function, the built-in ones first, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Function> {
        builtin::functions().values().chain(self.user.values()).flatten()
    }
}

fn best(candidates: &[Function], argc: usize) -> Option<&Function> {
    let fitting = candidates.iter().filter(|function| function.arity.accepts(argc));
    fitting.min_by_key(|function| match function.arity {
        Arity::Exact(_) => 0,
        Arity::Range(..) => 1,
        Arity::AtLeast(_) => 2,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::{FunctionFlags, FunctionKind};

    #[test]
    fn messages_are_sqlites() {
        let registry = Registry::new();
        let message = |name, argc| registry.find(name, argc).unwrap_err().to_string();
        assert_eq!(message("Nope", 1), "no such function: Nope");
        assert_eq!(message("ABS", 2), "wrong number of arguments to function ABS()");
    }

    #[test]
    fn an_application_overrides_and_restores() {
        let mut registry = Registry::new();
        let two = Arity::Exact(1);
        registry.register(Function::scalar(
            "Abs",
            two,
            FunctionFlags::default(),
            |_, _, out| {
                out.integer(2);
                Ok(())
            },
        ));
        assert!(!registry.find("abs", 1).unwrap().builtin);
        assert!(registry.unregister("ABS", two));
        assert!(registry.find("abs", 1).unwrap().builtin);
        assert!(matches!(
            registry.find("max", 1).unwrap().kind,
            FunctionKind::Aggregate(_)
        ));
        assert!(matches!(
            registry.find("max", 2).unwrap().kind,
            FunctionKind::Scalar(_)
        ));
    }
}
