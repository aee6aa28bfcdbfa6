//! Running migrations.
//!
//! Each runs in a transaction with the row that records it, so that it has been applied and is recorded, or neither. Where a backend ends the
//! transaction at each DDL statement (MariaDB, MySQL), the statements are counted in that row: a migration that fails half-way goes on with the
//! statement that failed when it is run again.
//!
//! Two processes do not migrate at once: servers have a lock for it; on SQLite each transaction takes the right to write and looks again at what
//! has been applied meanwhile.

use std::time::{Duration, Instant};

use super::history::{self, Applied, Stopped};
use super::migration::{Migration, Migrations, no_way_down};
use super::script::Script;
use crate::dialect::{Feature, ForeignKeySwitch, TransactionMode};
use crate::engine::{Connection, Engine};
use crate::error::{Error, Result};
use crate::types::Value;

/// How long to wait for another process that migrates.
const LOCK_WAIT: Duration = Duration::from_secs(60);

/// A migration that was run just now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Done {
    /// Its version.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// Up, or down?
    pub up: bool,
    /// The time that it took.
    pub took: Duration,
}

/// How a migration and a database stand to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// It has been applied.
    Applied(Applied),
    /// It has been applied, and edited since.
    Edited(Applied),
    /// It stopped half-way.
    Stopped(Applied),
    /// It waits to be applied.
    Pending,
    /// It waits although later ones have been applied: it came from a branch, or was forgotten.
    PendingBehind,
    /// It has been applied, and is not among the program's migrations.
    Unknown(Applied),
}

impl Engine {
    /// Brings the database to the last version: runs all migrations that it has not seen, in order.
    ///
    /// ```
    /// use aludel::Engine;
    /// use aludel::migrate::Migrations;
    ///
    /// # fn main() -> aludel::Result<()> {
    /// let migrations = Migrations::from_files([
    ///     ("0001_first.sql", "-- up\nCREATE TABLE notes (id INTEGER PRIMARY KEY);\n-- down\nDROP TABLE notes;"),
    ///     ("0002_text.sql", "-- up\nALTER TABLE notes ADD COLUMN text TEXT;"),
    /// ])?;
    /// let engine = Engine::open("sqlite::memory:")?;
    /// assert_eq!(engine.migrate(&migrations)?.len(), 2);
    /// assert_eq!(engine.migrate(&migrations)?.len(), 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Migration`] where an applied migration has been edited or is missing, where another process migrates for a minute; and whatever
    /// a migration runs into, which is then not applied.
    pub fn migrate(&self, migrations: &Migrations) -> Result<Vec<Done>> {
        self.migrate_to(migrations, i64::MAX)
    }

    /// Brings the database to that version: up to it, or down to it where it is past it. Version 0 undoes all.
    ///
    /// # Errors
    /// As [`migrate`](Self::migrate); [`Error::Migration`] for a migration that has no way down.
    pub fn migrate_to(&self, migrations: &Migrations, version: i64) -> Result<Vec<Done>> {
        self.migrate_with(migrations, version, &mut |_| {})
    }

    /// The same, telling of each migration when it is done.
    ///
    /// # Errors
    /// As [`migrate_to`](Self::migrate_to).
    pub fn migrate_with(
        &self,
        migrations: &Migrations,
        version: i64,
        done: &mut dyn FnMut(&Done),
    ) -> Result<Vec<Done>> {
        let mut connection = self.connect()?;
        locked(&mut connection, |connection| {
            history::create(connection)?;
            let mut all = Vec::new();
            while let Some((next, up)) = next_step(connection, migrations, version)? {
                let started = Instant::now();
                if step(connection, next, up)? {
                    let one = Done {
                        version: next.version(),
                        name: next.name().to_owned(),
                        up,
                        took: started.elapsed(),
                    };
                    done(&one);
                    all.push(one);
                }
            }
            Ok(all)
        })
    }

    /// How each migration stands, from the first version to the last. Nothing is changed.
    ///
    /// # Errors
    /// Whatever reading the record runs into.
    pub fn migration_status(&self, migrations: &Migrations) -> Result<Vec<(i64, String, Standing)>> {
        let mut connection = self.connect()?;
        let applied = history::all(&mut connection, self.dialect())?;
        Ok(standings(migrations, &applied))
    }
}

fn standings(migrations: &Migrations, applied: &[Applied]) -> Vec<(i64, String, Standing)> {
    let last = applied.last().map_or(i64::MIN, |applied| applied.version);
    let mut all: Vec<(i64, String, Standing)> = Vec::new();
    for migration in migrations.iter() {
        let version = migration.version();
        let seen = applied.iter().find(|applied| applied.version == version).cloned();
        let standing = match seen {
            None if version < last => Standing::PendingBehind,
            None => Standing::Pending,
            Some(applied) if applied.stopped.is_some() => Standing::Stopped(applied),
            Some(applied) if applied.checksum != migration.checksum() => Standing::Edited(applied),
            Some(applied) => Standing::Applied(applied),
        };
        all.push((version, migration.name().to_owned(), standing));
    }
    let unknown = applied
        .iter()
        .filter(|applied| migrations.get(applied.version).is_none());
    all.extend(unknown.map(|applied| {
        (
            applied.version,
            applied.name.clone(),
            Standing::Unknown(applied.clone()),
        )
    }));
    all.sort_by_key(|(version, ..)| *version);
    all
}

/// The next migration on the way to that version, and whether it goes up.
fn next_step<'m>(
    connection: &mut Connection,
    migrations: &'m Migrations,
    target: i64,
) -> Result<Option<(&'m dyn Migration, bool)>> {
    let applied = history::rows(connection)?;
    let standings = standings(migrations, &applied);
    for (version, name, standing) in &standings {
        refuse(*version, name, standing)?;
    }
    let down = applied
        .iter()
        .rev()
        .find(|applied| applied.version > target || is_half_down(applied));
    if let Some(applied) = down {
        return Ok(migrations
            .get(applied.version)
            .map(|migration| (migration, false)));
    }
    let waits = |(version, _, standing): &&(i64, String, Standing)| {
        let waits = matches!(
            standing,
            Standing::Pending | Standing::PendingBehind | Standing::Stopped(_)
        );
        waits && *version <= target
    };
    let next = standings.iter().find(waits);
    Ok(next
        .and_then(|(version, ..)| migrations.get(*version))
        .map(|migration| (migration, true)))
}

fn is_half_down(applied: &Applied) -> bool {
    matches!(applied.stopped, Some(Stopped::Down(_)))
}

fn refuse(version: i64, name: &str, standing: &Standing) -> Result<()> {
    let message = match standing {
        Standing::Edited(applied) => format!(
            "migration {version} ({name}) has been edited since it was applied on {}: put it back as it was, and write what is new as \
             another migration",
            applied.when
        ),
        Standing::Unknown(applied) => format!(
            "the database has seen migration {version} ({}), and there is none of that version here: the program is older than the \
             database, or a file is missing",
            applied.name
        ),
        _ => return Ok(()),
    };
    Err(Error::Migration(message))
}

/// Runs something while no other process migrates.
fn locked<T>(connection: &mut Connection, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
    let Some(lock) = connection.dialect().migration_lock() else {
        return work(connection);
    };
    let started = Instant::now();
    while connection.scalar::<i64>(lock.acquire, &[])? != 1 {
        if started.elapsed() > LOCK_WAIT {
            return Err(Error::Migration(
                "another process migrates this database: try again when it is done".to_owned(),
            ));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let result = work(connection);
    // The connection may be gone, and its lock with it.
    let released = connection.rows(lock.release, &[]);
    let value = result?;
    released?;
    Ok(value)
}

/// Runs one migration; `false` where another process was faster.
fn step(connection: &mut Connection, migration: &dyn Migration, up: bool) -> Result<bool> {
    let script = match migration.sql() {
        Some((script, _)) if up => Some(script),
        Some((_, Some(script))) => Some(script),
        Some((_, None)) => return Err(no_way_down(migration.version(), migration.name())),
        None => None,
    };
    let in_transaction = connection.dialect().supports(Feature::TransactionalDdl)
        && script.is_none_or(|script| !script.transaction_off);
    let keys_off = script.is_some_and(|script| script.foreign_keys_off);
    without_foreign_keys(connection, keys_off, |connection, check| {
        if in_transaction {
            connection.transaction(TransactionMode::Write, |connection| {
                let changed = whole(connection, migration, script, up)?;
                check_foreign_keys(connection, check)?;
                Ok(changed)
            })
        } else {
            piecewise(connection, migration, script, up)
        }
    })
    .map_err(|error| named(error, migration, up))
}

/// The error says which migration it was.
fn named(error: Error, migration: &dyn Migration, up: bool) -> Error {
    match error {
        Error::Migration(_) => error,
        error => Error::MigrationFailed {
            version: migration.version(),
            name: migration.name().to_owned(),
            way: if up { "up" } else { "down" },
            error: Box::new(error),
        },
    }
}

/// All of it, in the transaction that is open.
fn whole(
    connection: &mut Connection,
    migration: &dyn Migration,
    script: Option<&Script>,
    up: bool,
) -> Result<bool> {
    let version = migration.version();
    let is_applied = history::rows(connection)?
        .iter()
        .any(|applied| applied.version == version);
    if is_applied == up {
        return Ok(false);
    }
    match script {
        Some(script) => {
            for sql in script.statements() {
                connection.execute_batch(sql)?;
            }
        }
        None if up => migration.up(connection)?,
        None => migration.down(connection)?,
    }
    if up {
        history::record(connection, migration, None)?;
    } else {
        history::forget(connection, version)?;
    }
    Ok(true)
}

/// Statement by statement, each counted when it has run.
fn piecewise(
    connection: &mut Connection,
    migration: &dyn Migration,
    script: Option<&Script>,
    up: bool,
) -> Result<bool> {
    let version = migration.version();
    let seen = history::rows(connection)?
        .into_iter()
        .find(|applied| applied.version == version);
    let stopped = seen.as_ref().and_then(|applied| applied.stopped);
    let done = match (seen.is_some(), stopped, up) {
        (true, Some(Stopped::Up(count)), true) | (true, Some(Stopped::Down(count)), false) => count,
        // Undone from where it stopped would need a way down for each statement.
        (true, Some(Stopped::Up(count)), false) => return Err(half_way(migration, "up", count)),
        (true, Some(Stopped::Down(count)), true) => return Err(half_way(migration, "down", count)),
        (is_applied, ..) if is_applied == up => return Ok(false),
        _ => 0,
    };
    let stopped = |count| {
        if up {
            Stopped::Up(count)
        } else {
            Stopped::Down(count)
        }
    };
    match script {
        Some(script) => {
            for (count, sql) in script.statements().iter().enumerate().skip(done) {
                history::record(connection, migration, Some(stopped(count)))?;
                connection.execute_batch(sql)?;
            }
        }
        None => {
            history::record(connection, migration, Some(stopped(0)))?;
            if up {
                migration.up(connection)
            } else {
                migration.down(connection)
            }?;
        }
    }
    if up {
        history::record(connection, migration, None)?;
    } else {
        history::forget(connection, version)?;
    }
    Ok(true)
}

fn half_way(migration: &dyn Migration, way: &str, count: usize) -> Error {
    let (version, name) = (migration.version(), migration.name());
    Error::Migration(format!(
        "migration {version} ({name}) stopped on its way {way} after {count} statements, and this backend cannot take them back: \
         mend what made it fail and go on in that direction first"
    ))
}

/// Runs something with foreign keys not enforced, where that is asked for.
fn without_foreign_keys<T>(
    connection: &mut Connection,
    off: bool,
    work: impl FnOnce(&mut Connection, Option<ForeignKeySwitch>) -> Result<T>,
) -> Result<T> {
    let switch = connection.dialect().foreign_key_switch().filter(|_| off);
    let Some(switch) = switch else {
        return work(connection, None);
    };
    let was_on = connection.scalar::<i64>(switch.is_on, &[])? == 1;
    connection.execute_batch(switch.off)?;
    let result = work(connection, Some(switch));
    if was_on {
        connection.execute_batch(switch.on)?;
    }
    result
}

/// No row may refer to nothing.
fn check_foreign_keys(connection: &mut Connection, switch: Option<ForeignKeySwitch>) -> Result<()> {
    let Some(check) = switch.and_then(|switch| switch.check) else {
        return Ok(());
    };
    let rows = connection.rows(check, &[])?;
    match rows.first().and_then(|row| row.first()) {
        Some(Value::Text(table)) => Err(Error::Schema(format!(
            "{} rows would refer to nothing, the first of them in `{table}`: mend them, or the migration",
            rows.len()
        ))),
        _ => Ok(()),
    }
}
