//! The commands.

use std::io::Write;
use std::path::Path;

use aludel::migrate::{Hints, Migration, Migrations, Script, Standing};
use aludel::{Engine, Schema};

use super::cli::{Command, Diff, Migrate};
use super::failure::Failure;
use crate::error::Exit;

type Answer = Result<Exit, Failure>;

/// Runs a command.
pub(super) fn run(asked: &Migrate, schema: Option<&Schema>, out: &mut dyn Write) -> Answer {
    let migrations = Migrations::from_dir(&asked.dir)?;
    match &asked.command {
        Command::New { name } => new(&asked.dir, &migrations, name, out),
        Command::Diff(options) => diff(asked, &migrations, options, schema, out),
        Command::Up { version, dry_run } => {
            let engine = engine(asked)?;
            let target = version.unwrap_or(i64::MAX);
            go(&engine, &migrations, target, Way::Up, *dry_run, out)
        }
        Command::Down { version, dry_run } => {
            let engine = engine(asked)?;
            let target = match version {
                Some(version) => *version,
                None => before_last(&engine, &migrations)?,
            };
            go(&engine, &migrations, target, Way::Down, *dry_run, out)
        }
        Command::Status { drift, scratch } => {
            let engine = engine(asked)?;
            let standing = status(&engine, &migrations, out)?;
            let drifted = *drift && drift_of(&engine, &migrations, scratch.as_deref(), out)?;
            Ok(if drifted { Exit::Findings } else { standing })
        }
    }
}

fn engine(asked: &Migrate) -> Result<Engine, Failure> {
    let Some(url) = &asked.database else {
        let message =
            "which database? Give its URL with --database, or in the environment variable DATABASE_URL";
        return Err(Failure::Usage(message.to_owned()));
    };
    Ok(Engine::open(url)?)
}

/// The version of a migration that is made now: the time, and more than all others.
fn next_version(migrations: &Migrations) -> i64 {
    let now = jiff::Timestamp::now().strftime("%Y%m%d%H%M%S").to_string();
    let now = now.parse().unwrap_or(1);
    migrations.latest().map_or(now, |latest| now.max(latest + 1))
}

fn write(dir: &Path, version: i64, name: &str, text: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(is_word) {
        let message =
            format!("`{name}` is no name for a migration: letters, digits, `_` and `-`, as in add_email");
        return Err(Failure::Usage(message));
    }
    let file = dir.join(format!("{version}_{name}.sql"));
    std::fs::create_dir_all(dir).map_err(|error| Failure::file("make", dir, error))?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    options
        .open(&file)
        .and_then(|mut opened| opened.write_all(text.as_bytes()))
        .map_err(|error| Failure::file("write", &file, error))?;
    writeln!(out, "wrote {}", file.display())?;
    Ok(())
}

fn new(dir: &Path, migrations: &Migrations, name: &str, out: &mut dyn Write) -> Answer {
    let text = "-- up\n\n\n-- down\n\n";
    write(dir, next_version(migrations), name, text, out)?;
    Ok(Exit::Done)
}

fn diff(
    asked: &Migrate,
    migrations: &Migrations,
    options: &Diff,
    schema: Option<&Schema>,
    out: &mut dyn Write,
) -> Answer {
    let wanted = metadata(options, schema)?;
    let engine = engine(asked)?;
    let waiting = |standing: &Standing| matches!(standing, Standing::Pending | Standing::PendingBehind);
    let standings = engine.migration_status(migrations)?;
    if let Some((version, name, _)) = standings.iter().find(|(_, _, standing)| waiting(standing)) {
        let message = format!(
            "migration {version} ({name}) waits to be applied, and the difference would have its changes again: run `up` first"
        );
        return Err(Failure::Usage(message));
    }
    let plan = engine.plan(&wanted, &hints(options)?)?;
    if plan.is_empty() {
        writeln!(out, "no differences")?;
        return Ok(Exit::Done);
    }
    let text = plan.file(engine.dialect())?;
    if options.dry_run {
        out.write_all(text.as_bytes())?;
        return Ok(Exit::Done);
    }
    write!(out, "{plan}")?;
    for loss in plan.losses() {
        writeln!(out, "note: {loss}")?;
    }
    for need in plan.needs() {
        writeln!(out, "note: {need}")?;
    }
    if options.check {
        return Ok(Exit::Findings);
    }
    write(&asked.dir, next_version(migrations), &options.name, &text, out)?;
    Ok(Exit::Done)
}

fn metadata(options: &Diff, schema: Option<&Schema>) -> Result<Schema, Failure> {
    let Some(to) = &options.to else {
        return schema.cloned().ok_or_else(|| {
            let message = "what shall the database become? Give --to with a file of CREATE statements or the URL of a database, or \
                           call `aludel_tools::migrate::main(schema![..])` from a binary of your program, which knows its entities";
            Failure::Usage(message.to_owned())
        });
    };
    if !to.ends_with(".sql") {
        return Ok(Engine::open(to)?.reflect()?);
    }
    let file = Path::new(to);
    let sql = std::fs::read_to_string(file).map_err(|error| Failure::file("read", file, error))?;
    let scratch = Engine::open("sqlite::memory:")?;
    let mut connection = scratch.connect()?;
    for statement in Script::parse(&sql).statements() {
        connection.execute_batch(statement)?;
    }
    drop(connection);
    Ok(scratch.reflect()?)
}

fn hints(options: &Diff) -> Result<Hints, Failure> {
    let mut hints = Hints::new();
    for rename in &options.rename {
        let (old, new) = halves(rename, "--rename")?;
        hints = match old.split_once('.') {
            Some((table, column)) => {
                hints.rename_column(table, column, new.rsplit('.').next().unwrap_or(new))
            }
            None => hints.rename_table(old, new),
        };
    }
    for fill in &options.fill {
        let (place, sql) = halves(fill, "--fill")?;
        let Some((table, column)) = place.split_once('.') else {
            let message = format!("`{fill}` names no column: write --fill table.column=SQL");
            return Err(Failure::Usage(message));
        };
        hints = hints.fill(table, column, sql);
    }
    Ok(hints)
}

fn halves<'t>(text: &'t str, option: &str) -> Result<(&'t str, &'t str), Failure> {
    text.split_once('=')
        .filter(|(a, b)| !a.is_empty() && !b.is_empty())
        .ok_or_else(|| Failure::Usage(format!("`{text}` has no two sides: write {option} old=new")))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// The version before the last one that is applied.
fn before_last(engine: &Engine, migrations: &Migrations) -> Result<i64, Failure> {
    let standings = engine.migration_status(migrations)?;
    let applied = |(version, _, standing): &(i64, String, Standing)| {
        let waits = matches!(standing, Standing::Pending | Standing::PendingBehind);
        (!waits).then_some(*version)
    };
    Ok(standings.iter().rev().filter_map(applied).nth(1).unwrap_or(0))
}

/// Runs migrations to a version, in that direction only, and tells of each.
fn go(
    engine: &Engine,
    migrations: &Migrations,
    target: i64,
    way: Way,
    dry_run: bool,
    out: &mut dyn Write,
) -> Answer {
    let steps = steps(engine, migrations, target)?;
    if let Some((version, up)) = steps.iter().find(|(_, up)| *up != (way == Way::Up)) {
        let (word, other) = if *up {
            ("waits", "up")
        } else {
            ("has been applied", "down")
        };
        let message =
            format!("version {target} lies the other way: migration {version} {word}; use `{other}`");
        return Err(Failure::Usage(message));
    }
    if steps.is_empty() {
        writeln!(out, "nothing to do")?;
        return Ok(Exit::Done);
    }
    if dry_run {
        for (version, up) in steps {
            if let Some(migration) = migrations.get(version) {
                print_sql(migration, up, out)?;
            }
        }
        return Ok(Exit::Done);
    }
    let mut told = Ok(());
    engine.migrate_with(migrations, target, &mut |done| {
        let way = if done.up { "up" } else { "down" };
        let line = writeln!(
            out,
            "{way:4} {} {} ({} ms)",
            done.version,
            done.name,
            done.took.as_millis()
        );
        if told.is_ok() {
            told = line;
        }
    })?;
    told?;
    Ok(Exit::Done)
}

/// What would be run.
fn steps(engine: &Engine, migrations: &Migrations, target: i64) -> Result<Vec<(i64, bool)>, Failure> {
    let standings = engine.migration_status(migrations)?;
    let applied = |standing: &Standing| !matches!(standing, Standing::Pending | Standing::PendingBehind);
    let down = standings.iter().rev();
    let down = down.filter(|(version, _, standing)| *version > target && applied(standing));
    let up = standings.iter().filter(|(version, _, standing)| {
        *version <= target && (!applied(standing) || matches!(standing, Standing::Stopped(_)))
    });
    Ok(down
        .map(|(version, ..)| (*version, false))
        .chain(up.map(|(version, ..)| (*version, true)))
        .collect())
}

fn print_sql(migration: &dyn Migration, up: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let way = if up { "up" } else { "down" };
    writeln!(out, "-- {} {} {way}", migration.version(), migration.name())?;
    let script = match migration.sql() {
        Some((script, _)) if up => Some(script),
        Some((_, down)) => down,
        None => None,
    };
    match script {
        Some(script) => {
            for statement in script.statements() {
                writeln!(out, "{statement};")?;
            }
        }
        None if migration.sql().is_some() => writeln!(out, "-- there is no way {way}")?,
        None => writeln!(out, "-- written in Rust")?,
    }
    Ok(())
}

fn status(engine: &Engine, migrations: &Migrations, out: &mut dyn Write) -> Answer {
    let mut exit = Exit::Done;
    for (version, name, standing) in engine.migration_status(migrations)? {
        let words = match &standing {
            Standing::Applied(applied) => format!("applied {}", applied.when),
            Standing::Edited(applied) => format!("EDITED since it was applied {}", applied.when),
            Standing::Stopped(_) => "STOPPED half-way".to_owned(),
            Standing::Pending => "pending".to_owned(),
            Standing::PendingBehind => "pending, though later ones have been applied".to_owned(),
            Standing::Unknown(applied) => format!("applied {}, and has NO FILE here", applied.when),
            _ => String::new(),
        };
        if !matches!(standing, Standing::Applied(_)) {
            exit = Exit::Findings;
        }
        writeln!(out, "{version} {name}: {words}")?;
    }
    Ok(exit)
}

/// Tells of changes by hand; are there any?
fn drift_of(
    engine: &Engine,
    migrations: &Migrations,
    scratch: Option<&str>,
    out: &mut dyn Write,
) -> Result<bool, Failure> {
    let url = match scratch {
        Some(url) => url,
        None if engine.dialect().name() == "sqlite" => "sqlite::memory:",
        None => {
            let message = "give the URL of an empty database with --scratch: the migrations are run on it";
            return Err(Failure::Usage(message.to_owned()));
        }
    };
    let plan = engine.drift(migrations, &Engine::open(url)?)?;
    if plan.is_empty() {
        writeln!(out, "no drift")?;
    } else {
        writeln!(out, "changed by hand; to take it back:\n{plan}")?;
    }
    Ok(!plan.is_empty())
}
