//! Which names a new object may have.

use super::Definer;
use crate::error::{Error, Result};
use crate::syntax::ast::Ident;

impl Definer<'_> {
    /// # Errors
    /// `object name reserved for internal use: sqlite_x`.
    pub(crate) fn refuse_reserved(&self, name: &str) -> Result<()> {
        let reserved = name
            .get(..7)
            .is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"));
        if reserved && !self.state.settings.writable_schema {
            return Err(Error::sql(format!(
                "object name reserved for internal use: {name}"
            )));
        }
        Ok(())
    }

    /// Whether a table or view of that name is there, and which; `Err` for an index.
    pub(crate) fn find_relation(&self, database: usize, name: &str) -> Option<&'static str> {
        let schema = &self.state.databases.get(database)?.schema;
        if schema.table(name).is_some() || schema.virtual_tables.contains_key(&name.to_ascii_lowercase()) {
            return Some("table");
        }
        schema.view(name).map(|_| "view")
    }

    /// Whether a new table or view can be called `name`; false when IF NOT EXISTS makes an existing one enough.
    pub(crate) fn is_free_for_relation(
        &self,
        database: usize,
        ident: &Ident,
        if_not_exists: bool,
    ) -> Result<bool> {
        let name = ident.as_str();
        self.refuse_reserved(name)?;
        if let Some(kind) = self.find_relation(database, name) {
            if if_not_exists {
                return Ok(false);
            }
            let written = self.text_of(ident.span());
            return Err(Error::sql(format!("{kind} {written} already exists")));
        }
        if self.state.databases[database].schema.index(name).is_some() {
            return Err(Error::sql(format!("there is already an index named {name}")));
        }
        Ok(true)
    }
}

/// `name` as it can stand in a statement: in double quotes where it has to.
pub(crate) fn quoted(name: &str) -> String {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
        && crate::syntax::keyword(name.as_bytes()).is_none();
    if plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}
