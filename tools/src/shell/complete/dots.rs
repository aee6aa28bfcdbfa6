//! What can follow in a line that begins with a point.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Candidate, Candidates, matching, sql};
use crate::shell::dot::{self, DotCommand, Takes, words};
use crate::shell::names::Names;
use crate::shell::rows::MODES;

/// More files of a folder are not listed.
const FILES_MAX: usize = 200;

/// Candidates at byte `cursor`, in the command that begins at `start`.
pub(super) fn candidates(names: &Names, line: &str, start: usize, cursor: usize) -> Candidates {
    let text = line.get(start..cursor).unwrap_or_default();
    let Some(name_end) = text.find(char::is_whitespace) else {
        let prefix = text.strip_prefix('.').unwrap_or(text);
        let list = dot::COMMANDS.iter().map(command).collect();
        return Candidates {
            start: start + text.len() - prefix.len(),
            end: cursor,
            list: matching(list, prefix),
        };
    };
    let Ok(command) = dot::find(text.get(1..name_end).unwrap_or_default()) else {
        return Candidates {
            start: cursor,
            end: cursor,
            list: Vec::new(),
        };
    };
    if command.takes == Takes::Sql {
        let sql_start = start
            + name_end
            + text
                .get(name_end..)
                .map_or(0, |rest| rest.len() - rest.trim_start().len());
        return sql::candidates(names, line, sql_start.min(cursor), cursor);
    }
    argument(
        names,
        command,
        text.get(name_end..).unwrap_or_default(),
        start + name_end,
        cursor,
    )
}

fn command(command: &DotCommand) -> Candidate {
    Candidate {
        ends_word: !command.arguments.is_empty(),
        ..Candidate::new(command.name, command.help)
    }
}

/// Candidates for the last of the arguments, which begin at byte `at` of the line.
fn argument(names: &Names, command: &DotCommand, arguments: &str, at: usize, cursor: usize) -> Candidates {
    let mut given = words(arguments);
    let writes = !arguments.ends_with(char::is_whitespace)
        || arguments.trim_end().ends_with(['\'', '"']) && given.len() == 1;
    let (prefix, start) = match given.pop().filter(|_| writes) {
        Some(word) => (word.text, at + word.start),
        None => (String::new(), cursor),
    };
    let place = given.len();
    let list = match command.takes {
        Takes::Files => files(&prefix),
        Takes::FileThenTable if place == 0 => files(&prefix),
        Takes::Tables | Takes::FileThenTable => matching(tables(names), &prefix),
        Takes::Modes if place == 0 => matching(modes(), &prefix),
        Takes::Modes => matching(tables(names), &prefix),
        Takes::Words(own) if place == 0 => matching(
            own.iter().map(|word| Candidate::new(*word, "")).collect(),
            &prefix,
        ),
        Takes::Commands => matching(
            dot::COMMANDS
                .iter()
                .map(|own| Candidate::new(own.name, own.help))
                .collect(),
            &prefix,
        ),
        Takes::Words(_) | Takes::Nothing | Takes::Sql => Vec::new(),
    };
    Candidates {
        start,
        end: cursor,
        list,
    }
}

fn tables(names: &Names) -> Vec<Candidate> {
    let own = names
        .tables
        .iter()
        .filter(|table| !table.name.starts_with("sqlite_"));
    own.map(|table| Candidate::new(word(&table.name), table.kind.clone()))
        .collect()
}

fn modes() -> Vec<Candidate> {
    MODES
        .iter()
        .map(|(name, _, what)| Candidate::new(*name, *what))
        .collect()
}

/// A name as one word of a command.
fn word(name: &str) -> String {
    match name.contains([' ', '\'', '"', '\t']) {
        true => format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")),
        false => name.to_owned(),
    }
}

/// The entries of a folder that begin so; folders end in a slash and are gone on with.
fn files(prefix: &str) -> Vec<Candidate> {
    let (folder, beginning) = match prefix.rfind('/') {
        Some(slash) => prefix.split_at(slash + 1),
        None => ("", prefix),
    };
    let Ok(entries) = fs::read_dir(real_folder(folder)) else {
        return Vec::new();
    };
    let mut found: Vec<Candidate> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let hidden = name.starts_with('.') && !beginning.starts_with('.');
            let is_folder = entry.path().is_dir();
            let candidate = || match is_folder {
                true => Candidate::new(word(&format!("{folder}{name}/")), "folder"),
                false => Candidate::new(word(&format!("{folder}{name}")), ""),
            };
            (name.starts_with(beginning) && !hidden).then(candidate)
        })
        .collect();
    found.sort_by(|a, b| a.value.cmp(&b.value));
    found.truncate(FILES_MAX);
    found
}

fn real_folder(folder: &str) -> PathBuf {
    match (folder, folder.strip_prefix("~/"), std::env::var_os("HOME")) {
        ("", ..) => PathBuf::from("."),
        (_, Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(folder),
    }
}
