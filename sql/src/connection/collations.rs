//! The collations of a connection: BINARY, NOCASE, RTRIM and those of the application.

use std::sync::Arc;

use aludel_storage::format::{Collation, CustomCollation};
use rustc_hash::FxHashMap;

use crate::catalog::Collations;

/// A comparison of two texts in UTF-8.
pub(super) type Compare = Box<dyn Fn(&[u8], &[u8]) -> std::cmp::Ordering + Send + Sync>;

/// Finds collations by name.
#[derive(Default)]
pub(crate) struct CollationTable {
    custom: FxHashMap<String, Collation>,
}

impl CollationTable {
    pub(super) fn register(&mut self, name: &str, compare: Compare) {
        let collation = CustomCollation {
            name: name.to_owned(),
            compare,
        };
        self.custom
            .insert(name.to_ascii_lowercase(), Collation::Custom(Arc::new(collation)));
    }

    pub(super) fn unregister(&mut self, name: &str) -> bool {
        self.custom.remove(&name.to_ascii_lowercase()).is_some()
    }

    /// The names of all collations, the application's first.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .custom
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
        let custom = self.custom.get(&name.to_ascii_lowercase()).cloned();
        custom.or_else(|| match name {
            _ if name.eq_ignore_ascii_case("binary") => Some(Collation::Binary),
            _ if name.eq_ignore_ascii_case("nocase") => Some(Collation::NoCase),
            _ if name.eq_ignore_ascii_case("rtrim") => Some(Collation::RTrim),
            _ => None,
        })
    }
}
