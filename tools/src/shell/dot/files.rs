//! Commands that have to do with other files.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use aludel_sql::{Backup, Connection, OpenOptions};

use super::Call;
use crate::error::Failure;
use crate::shell::place::{Access, Place};
use crate::shell::script;
use crate::shell::session::Session;
use crate::shell::sink::Sink;

/// Files that read files that read files ..
const READING_MAX: usize = 32;

/// `.open [--write|--new] [FILE]`; `--write` alone opens the file that is open.
pub(super) fn open(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    let (mut access, mut file) = (Access::Read, None);
    for argument in &call.arguments {
        match argument.as_str() {
            "--write" | "-write" => access = Access::Write,
            "--readonly" | "-readonly" => access = Access::Read,
            "--new" | "-new" => access = Access::New,
            option if option.starts_with("--") => return Err(call.usage()),
            name if file.is_none() => file = Some(PathBuf::from(name)),
            _ => return Err(call.usage()),
        }
    }
    if !session.connection.is_autocommit() {
        return Err(Failure::Usage(
            "a transaction is open: COMMIT or ROLLBACK first".to_owned(),
        ));
    }
    let given = file.filter(|file| file.as_os_str() != ":memory:");
    let place = match (given, call.arguments.is_empty()) {
        (Some(file), _) => Place::file(file, access),
        (None, false) if call.arguments.iter().all(|argument| argument.starts_with("--")) => {
            match session.place.path() {
                Some(path) => Place::file(path, access),
                None => return Err(call.usage()),
            }
        }
        (None, _) => Place::Memory,
    };
    session.reopen(place)
}

/// `.read FILE`
pub(super) fn read(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    let name = call.one()?;
    if session.reading >= READING_MAX {
        return Err(Failure::Usage(format!(
            "{name} is read inside of {READING_MAX} other files"
        )));
    }
    let text =
        fs::read_to_string(name).map_err(|error| Failure::Usage(format!("cannot read {name}: {error}")))?;
    session.reading += 1;
    let result = script::run_text(session, &text, name);
    session.reading -= 1;
    result
}

/// `.output [FILE]`
pub(super) fn output(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    session.set_sink(match call.arguments.as_slice() {
        [] => Sink::Standard,
        _ => Sink::named(target(call)?)?,
    });
    Ok(())
}

/// `.once FILE`
pub(super) fn once(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    session.set_once(Sink::named(target(call)?)?);
    Ok(())
}

/// A file's name, or all of the line for a program.
fn target<'c>(call: &'c Call<'_>) -> Result<&'c str, Failure> {
    match call.rest.starts_with('|') {
        true => Ok(call.rest),
        false => call.one(),
    }
}

/// `.cd FOLDER`
pub(super) fn cd(_: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    let folder = call.one()?;
    std::env::set_current_dir(folder)
        .map_err(|error| Failure::Usage(format!("cannot change to {folder}: {error}")))
}

/// `.backup FILE`: a consistent copy into a file that is not there yet.
pub(super) fn backup(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    const PAGES_A_STEP: u32 = 1000;
    let file = PathBuf::from(call.one()?);
    if file.exists() {
        return Err(Failure::cannot_open(&file, "it is there already"));
    }
    let failed = |error| Failure::sql(error, call.rest);
    let mut copy = Connection::open_with(&file, &OpenOptions::new()).map_err(failed)?;
    let copied = Backup::new(&session.connection, "main", &mut copy, "main")
        .and_then(|mut backup| backup.run_to_completion(PAGES_A_STEP, Duration::ZERO, |_| {}));
    copied.map_err(failed)
}
