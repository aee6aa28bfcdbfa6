//! Versioned migrations: files of SQL, or Rust.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::script::{Script, read_file};
use crate::engine::Connection;
use crate::error::{Error, Result};

/// One step of a schema's history, from one version to the next, and back.
///
/// Most are files of SQL ([`SqlMigration`]). Implement this for a step that needs Rust:
///
/// ```
/// use aludel::migrate::{Migration, Migrations};
/// use aludel::{Connection, Engine};
///
/// struct Seed;
///
/// impl Migration for Seed {
///     fn version(&self) -> i64 {
///         1
///     }
///
///     fn name(&self) -> &str {
///         "seed"
///     }
///
///     fn up(&self, connection: &mut Connection) -> aludel::Result<()> {
///         connection.execute_batch("CREATE TABLE colours (name TEXT PRIMARY KEY)")?;
///         for name in ["red", "green"] {
///             connection.execute("INSERT INTO colours VALUES (?1)", &[name.into()])?;
///         }
///         Ok(())
///     }
///
///     fn down(&self, connection: &mut Connection) -> aludel::Result<()> {
///         connection.execute_batch("DROP TABLE colours")
///     }
/// }
///
/// # fn main() -> aludel::Result<()> {
/// let engine = Engine::open("sqlite::memory:")?;
/// let done = engine.migrate(&Migrations::new().with(Seed))?;
/// assert_eq!(done.len(), 1);
/// # Ok(())
/// # }
/// ```
pub trait Migration: Send + Sync {
    /// The version that it leads to. Migrations run in the order of their versions.
    fn version(&self) -> i64;

    /// What it does, in a few words, as in the name of its file.
    fn name(&self) -> &str;

    /// To its version.
    ///
    /// # Errors
    /// Whatever its statements run into.
    fn up(&self, connection: &mut Connection) -> Result<()>;

    /// Back to the version before.
    ///
    /// # Errors
    /// Whatever its statements run into; [`Error::Migration`] where there is no way back, which is what is said if it is not implemented.
    fn down(&self, connection: &mut Connection) -> Result<()> {
        let _ = connection;
        Err(no_way_down(self.version(), self.name()))
    }

    /// The SQL of the two ways, where it is SQL. Statements are then run, counted and shown one by one, and [`up`](Self::up) and
    /// [`down`](Self::down) are not called.
    fn sql(&self) -> Option<(&Script, Option<&Script>)> {
        None
    }

    /// Tells whether the migration has been edited since it was applied; Rust code cannot tell.
    fn checksum(&self) -> String {
        String::new()
    }
}

pub(super) fn no_way_down(version: i64, name: &str) -> Error {
    Error::Migration(format!(
        "migration {version} ({name}) has no way down: give its file a section `-- down`"
    ))
}

/// A migration of SQL statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlMigration {
    version: i64,
    name: String,
    up: Script,
    down: Option<Script>,
}

impl SqlMigration {
    /// A migration of these statements.
    pub fn new(version: i64, name: impl Into<String>, up: Script, down: Option<Script>) -> SqlMigration {
        SqlMigration {
            version,
            name: name.into(),
            up,
            down,
        }
    }

    /// From the name and the text of its file: `20260131093000_add_email.sql`, with sections `-- up` and `-- down`.
    ///
    /// # Errors
    /// [`Error::Migration`] where name or text are not as they should be.
    pub fn parse(file: &str, text: &str) -> Result<SqlMigration> {
        let stem = file.strip_suffix(".sql").unwrap_or(file);
        let (digits, name) = stem.split_once('_').unwrap_or((stem, ""));
        let version = digits.parse().map_err(|_| {
            Error::Migration(format!(
                "`{file}` is no name of a migration: it begins with its version, as in `0001_first.sql`"
            ))
        })?;
        let (up, down) = read_file(text).map_err(|why| Error::Migration(format!("`{file}`, {why}")))?;
        Ok(SqlMigration::new(version, name, up, down))
    }
}

impl Migration for SqlMigration {
    fn version(&self) -> i64 {
        self.version
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn up(&self, connection: &mut Connection) -> Result<()> {
        run(connection, &self.up)
    }

    fn down(&self, connection: &mut Connection) -> Result<()> {
        match &self.down {
            Some(script) => run(connection, script),
            None => Err(no_way_down(self.version, &self.name)),
        }
    }

    fn sql(&self) -> Option<(&Script, Option<&Script>)> {
        Some((&self.up, self.down.as_ref()))
    }

    /// Of the statements: comments between them do not count.
    fn checksum(&self) -> String {
        let down = self.down.iter().flat_map(|script| script.statements());
        let mut sum = 0xcbf2_9ce4_8422_2325_u64;
        for byte in self
            .up
            .statements()
            .iter()
            .chain(down)
            .flat_map(|sql| sql.bytes().chain([0]))
        {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        format!("{sum:016x}")
    }
}

fn run(connection: &mut Connection, script: &Script) -> Result<()> {
    let mut statements = script.statements().iter();
    statements.try_for_each(|sql| connection.execute_batch(sql))
}

/// The migrations of a program, by their versions.
#[derive(Default)]
pub struct Migrations {
    all: BTreeMap<i64, Box<dyn Migration>>,
}

impl Migrations {
    /// None.
    pub fn new() -> Migrations {
        Migrations::default()
    }

    /// With one more, in the place of one of its version.
    pub fn with(mut self, migration: impl Migration + 'static) -> Migrations {
        self.all.insert(migration.version(), Box::new(migration));
        self
    }

    /// Those of a folder: its files that end in `.sql`. A folder that is not there has none.
    ///
    /// # Errors
    /// [`Error::Migration`] for a file that cannot be read or is no migration, and for two files of one version.
    pub fn from_dir(folder: impl AsRef<Path>) -> Result<Migrations> {
        let folder = folder.as_ref();
        let wrong =
            |why: std::io::Error| Error::Migration(format!("cannot read `{}`: {why}", folder.display()));
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Migrations::new()),
            Err(error) => return Err(wrong(error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(wrong)?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default()
                .to_owned();
            if name.ends_with(".sql") {
                files.push((name, std::fs::read_to_string(&path).map_err(wrong)?));
            }
        }
        Migrations::from_files(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    }

    /// Those of files, each by name and text. The macro [`migrations!`](crate::migrations) calls it.
    ///
    /// # Errors
    /// As [`from_dir`](Self::from_dir).
    pub fn from_files<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> Result<Migrations> {
        let mut migrations = Migrations::new();
        for (name, text) in files {
            let migration = SqlMigration::parse(name, text)?;
            if let Some(other) = migrations.get(migration.version) {
                let (version, a, b) = (migration.version, other.name(), &migration.name);
                let message = format!("two migrations have the version {version}: `{a}` and `{b}`");
                return Err(Error::Migration(message));
            }
            migrations = migrations.with(migration);
        }
        Ok(migrations)
    }

    /// The migration of that version.
    pub fn get(&self, version: i64) -> Option<&dyn Migration> {
        self.all.get(&version).map(AsRef::as_ref)
    }

    /// All, from the first version to the last.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &dyn Migration> {
        self.all.values().map(AsRef::as_ref)
    }

    /// The last version.
    pub fn latest(&self) -> Option<i64> {
        self.all.keys().next_back().copied()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }
}

impl fmt::Debug for Migrations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self
            .iter()
            .map(|migration| (migration.version(), migration.name()));
        f.debug_map().entries(names).finish()
    }
}
