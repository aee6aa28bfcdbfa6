//! Drift: a live database that is not what its migrations have made of it, because somebody has changed it by hand.

use super::diff::{Hints, compare};
use super::history;
use super::migration::Migrations;
use super::plan::Plan;
use crate::engine::Engine;
use crate::error::{Error, Result};

impl Engine {
    /// What has to be done to the live database to make it what the migrations that it has seen make of an empty one. An empty plan: no drift.
    /// `scratch` is an empty database of the same kind, on which they are run; for SQLite `sqlite::memory:` does.
    ///
    /// ```
    /// use aludel::Engine;
    /// use aludel::migrate::Migrations;
    ///
    /// # fn main() -> aludel::Result<()> {
    /// let migrations = Migrations::from_files([("1_first.sql", "-- up\nCREATE TABLE notes (id INTEGER PRIMARY KEY);")])?;
    /// let engine = Engine::open("sqlite::memory:")?;
    /// engine.migrate(&migrations)?;
    /// engine.connect()?.execute("CREATE INDEX by_hand ON notes (id)", &[])?;
    /// let drift = engine.drift(&migrations, &Engine::open("sqlite::memory:")?)?;
    /// assert_eq!(drift.to_string(), "drop index `by_hand` of `notes`\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Migration`] where `scratch` is not empty or of another kind; whatever the migrations run into.
    pub fn drift(&self, migrations: &Migrations, scratch: &Engine) -> Result<Plan> {
        if scratch.dialect().name() != self.dialect().name() {
            let (a, b) = (self.dialect().name(), scratch.dialect().name());
            let message = format!("the scratch database is of another kind: {b} where {a} is needed");
            return Err(Error::Migration(message));
        }
        if !scratch.reflect()?.tables().is_empty() {
            let message = "the scratch database is not empty: migrations are run on it";
            return Err(Error::Migration(message.to_owned()));
        }
        let applied = history::all(&mut self.connect()?, self.dialect())?;
        let version = applied.last().map_or(0, |applied| applied.version);
        scratch.migrate_to(migrations, version)?;
        compare(self.reflect()?, scratch.reflect()?, &Hints::new(), self.dialect())
    }
}
