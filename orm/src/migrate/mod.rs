//! Migrations: from the schema that a database has to the one that the program wants, and back.
//!
//! ```text
//!   metadata ──> as the backend would tell it ─┐
//!                                              ├─ compare (hints) ─> Plan ─> Script ─> file ─> Migrations ─> runner ─> database
//!   live database ──────────────── reflect ────┘    operations      SQL     up, down          in order      recorded
//! ```
//!
//! | module | what it owns |
//! |---|---|
//! | `operation` | one change as data: shown, turned round, carried out in memory; what it loses and needs |
//! | `diff` | two schemas to operations; renames by hints only |
//! | `plan` | a list of operations from a known schema |
//! | `alter`, `rebuild` | operations to SQL: ALTER TABLE, or SQLite's new table in the place of the old one |
//! | `script` | statements, and the text of a migration's file |
//! | `migration` | versioned migrations, from files, from the binary, in Rust |
//! | `history`, `runner` | what a database has seen; running up and down |
//!
//! From code:
//!
//! ```no_run
//! use aludel::prelude::*;
//! use aludel::migrate::Migrations;
//!
//! # fn main() -> aludel::Result<()> {
//! let engine = Engine::open("sqlite:///shop.db")?;
//! engine.migrate(&Migrations::from_dir("migrations")?)?;
//! # Ok(())
//! # }
//! ```
//!
//! The command `aludel migrate` makes the files; `orm/MIGRATIONS.md` is the guide.

mod alter;
mod diff;
mod drift;
mod enums;
pub(crate) mod history;
mod migration;
mod operation;
mod plan;
mod rebuild;
mod runner;
mod script;

pub use diff::Hints;
pub use history::{Applied, Stopped};
pub use migration::{Migration, Migrations, SqlMigration};
pub use operation::Operation;
pub use plan::Plan;
pub use runner::{Done, Standing};
pub use script::Script;

/// Embeds the migrations of a folder into the binary: `migrations!("migrations")`, from the folder of the crate's manifest.
///
/// The files are read when the crate is compiled; an edit of one of them compiles it again. A file that is added is seen when the crate is compiled for
/// another reason: a build script with `println!("cargo:rerun-if-changed=migrations")` sees to that.
///
/// ```ignore
/// engine.migrate(&aludel::migrations!("migrations")?)?;
/// ```
#[macro_export]
macro_rules! migrations {
    ($folder:literal) => {
        $crate::migrate::Migrations::from_files($crate::embedded_files!($folder))
    };
}
