//! What can be asked.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Which database, which files, what to do.
#[derive(Args, Debug)]
pub(super) struct Migrate {
    /// The database's URL, as in sqlite:///shop.db or postgres://me@host/shop
    #[arg(short, long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    pub(super) database: Option<String>,
    /// The folder of the migrations
    #[arg(long, default_value = "migrations", global = true)]
    pub(super) dir: PathBuf,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// A command.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Writes an empty migration, to be filled in by hand
    New {
        /// What it will do, in a few words: add_email
        name: String,
    },
    /// Writes the migration that brings the database to the metadata
    Diff(Diff),
    /// Applies the migrations that wait, in order
    Up {
        /// Up to this version, and no further
        version: Option<i64>,
        /// Print the SQL and run nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Undoes the last migration, or more of them
    Down {
        /// Down to this version, which stays; 0 undoes all
        version: Option<i64>,
        /// Print the SQL and run nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Tells how each migration stands; exit code 1 when one waits or something is wrong
    Status {
        /// Look for changes that were made by hand: runs the migrations on a scratch database
        #[arg(long)]
        drift: bool,
        /// The URL of the scratch database, which must be empty; in memory for SQLite
        #[arg(long, requires = "drift")]
        scratch: Option<String>,
    },
}

/// A comparison.
#[derive(Args, Debug)]
pub(super) struct Diff {
    /// What the migration does, in a few words: add_email
    #[arg(default_value = "changes")]
    pub(super) name: String,
    /// The metadata: a file of CREATE statements in SQLite's SQL, or the URL of a database that is as it shall be
    #[arg(long)]
    pub(super) to: Option<String>,
    /// What was called OLD is now called NEW: people=users for a table, users.mail=email for a column
    #[arg(long, value_name = "OLD=NEW")]
    pub(super) rename: Vec<String>,
    /// What rows get in a new column, or in place of NULL: users.age=0
    #[arg(long, value_name = "TABLE.COLUMN=SQL")]
    pub(super) fill: Vec<String>,
    /// Print the migration and write no file
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Write nothing; exit code 1 when there are differences
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) check: bool,
}
