//! Dot commands: one table, from which they are run, completed and explained.
//!
//! | module | commands |
//! |---|---|
//! | `look` | what is in the database: tables, schema, indexes, databases |
//! | `set` | how the shell works: modes, switches, parameters |
//! | `files` | other files: open, read, output, backup |
//! | `dump`, `import` | rows as SQL, rows from csv |
//! | `inspect` | the commands of dbtool: page, check, wal |
//! | `words` | cutting the line into words |

mod dump;
mod files;
mod import;
mod inspect;
mod look;
mod set;
mod words;

use super::session::Session;
use crate::error::Failure;
pub(crate) use words::words;

/// A command.
pub(crate) struct DotCommand {
    pub(crate) name: &'static str,
    /// What may follow, as help shows it.
    pub(crate) arguments: &'static str,
    pub(crate) help: &'static str,
    /// What an argument can be.
    pub(crate) takes: Takes,
    run: fn(&mut Session, &Call<'_>) -> Result<(), Failure>,
}

/// What can be completed after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Nothing,
    Tables,
    Files,
    /// First a file, then a table.
    FileThenTable,
    Words(&'static [&'static str]),
    Modes,
    Commands,
    Sql,
}

/// A command that was given.
pub(crate) struct Call<'l> {
    pub(crate) command: &'static DotCommand,
    /// Its arguments, without their quotes.
    pub(crate) arguments: Vec<String>,
    /// Its arguments as they were written.
    pub(crate) rest: &'l str,
}

const SWITCH: Takes = Takes::Words(&["on", "off"]);

macro_rules! commands {
    ($($name:literal $arguments:literal, $takes:expr, $run:path, $help:literal;)*) => {
        /// All commands, sorted by name.
        pub(crate) static COMMANDS: &[DotCommand] = &[$(DotCommand {
            name: $name,
            arguments: $arguments,
            takes: $takes,
            run: $run,
            help: $help,
        }),*];
    };
}

commands! {
    "backup" "FILE", Takes::Files, files::backup, "Copy the database to a new file";
    "bail" "on|off", SWITCH, set::bail, "Stop at the first error";
    "cd" "FOLDER", Takes::Files, files::cd, "Change the working folder";
    "changes" "on|off", SWITCH, set::changes, "Show how many rows each statement changed";
    "check" "[--level 1-5]", Takes::Nothing, inspect::inspect, "Look for damage";
    "databases" "", Takes::Nothing, look::databases, "List the open databases and their files";
    "dump" "[TABLE ...]", Takes::Tables, dump::dump, "Print SQL that makes the database again";
    "echo" "on|off", SWITCH, set::echo, "Print each statement before it runs";
    "eqp" "on|off|full", Takes::Words(&["on", "off", "full"]), set::eqp, "Show the plan of each statement; full measures it";
    "exit" "[CODE]", Takes::Nothing, set::exit, "Leave the shell";
    "explain" "[on|off|SQL]", Takes::Sql, set::explain, "Show the plan of a statement, or of the last one; on: in place of running";
    "headers" "on|off", SWITCH, set::headers, "Print the names of columns";
    "help" "[COMMAND]", Takes::Commands, help, "This list, or what one command takes";
    "import" "FILE TABLE [--csv|--tsv|--separator C] [--skip N]", Takes::FileThenTable, import::import, "Insert the rows of a csv file; a table that is not there is made";
    "indexes" "[TABLE]", Takes::Tables, look::indexes, "List indexes";
    "indices" "[TABLE]", Takes::Tables, look::indexes, "The same as .indexes";
    "map" "", Takes::Nothing, inspect::inspect, "A picture of the file, page by page";
    "mode" "MODE [TABLE]", Takes::Modes, set::mode, "How rows are printed; the table is for mode insert";
    "nullvalue" "TEXT", Takes::Nothing, set::null_value, "What is printed for NULL";
    "once" "FILE|'|COMMAND'", Takes::Files, files::once, "Send the next answer to a file or program";
    "open" "[--write|--new] [FILE]", Takes::Files, files::open, "Open another file; without one, a database in memory";
    "output" "[FILE|'|COMMAND']", Takes::Files, files::output, "Send all answers to a file or program, or back to the screen";
    "page" "NUMBER [--hex]", Takes::Nothing, inspect::inspect, "Show a page: header, cells, free blocks";
    "parameter" "set NAME VALUE|unset NAME|list|clear", Takes::Words(&["set", "unset", "list", "clear"]), set::parameter, "Values of parameters in statements";
    "print" "TEXT ...", Takes::Nothing, look::print, "Print words";
    "quit" "", Takes::Nothing, set::quit, "Leave the shell";
    "read" "FILE", Takes::Files, files::read, "Run the statements and commands of a file";
    "save" "FILE", Takes::Files, files::backup, "The same as .backup";
    "schema" "[NAME]", Takes::Tables, look::schema, "Print the SQL of tables, views, indexes and triggers";
    "separator" "TEXT", Takes::Nothing, set::separator, "What stands between values in mode list";
    "show" "", Takes::Nothing, set::show, "Show the settings";
    "space" "", Takes::Nothing, inspect::inspect, "Where the bytes are, and what VACUUM would return";
    "tables" "[PATTERN]", Takes::Tables, look::tables, "List tables and views; the pattern is that of LIKE";
    "timeout" "MS", Takes::Nothing, set::timeout, "How long to wait for a lock of another process";
    "timer" "on|off", SWITCH, set::timer, "Show time and pages read of each statement";
    "tree" "NAME", Takes::Tables, inspect::inspect, "Show the b-tree of a table or index";
    "version" "", Takes::Nothing, look::version, "Show the versions of dbtool and of SQLite's language";
    "wal" "[frames|commits|pages]", Takes::Words(&["frames", "commits", "pages"]), inspect::inspect, "Show the write-ahead log";
    "width" "[COLUMNS]", Takes::Nothing, set::width, "Fold to so many columns; 0 never folds; none as wide as the terminal";
}

/// Runs a line that begins with a point.
///
/// # Errors
/// An unknown or ambiguous command, and what the command fails with.
pub(crate) fn run(session: &mut Session, line: &str) -> Result<(), Failure> {
    let line = line.trim_start().strip_prefix('.').unwrap_or(line);
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let command = find(name)?;
    let rest = rest.trim();
    let arguments = words(rest).into_iter().map(|word| word.text).collect();
    (command.run)(
        session,
        &Call {
            command,
            arguments,
            rest,
        },
    )
}

/// The command called `name`, which may be cut short as long as only one begins so.
///
/// # Errors
/// None begins so, or several.
pub(crate) fn find(name: &str) -> Result<&'static DotCommand, Failure> {
    if let Some(exact) = COMMANDS.iter().find(|command| command.name == name) {
        return Ok(exact);
    }
    let short: Vec<&DotCommand> = COMMANDS
        .iter()
        .filter(|command| !name.is_empty() && command.name.starts_with(name))
        .collect();
    match short.as_slice() {
        [one] => Ok(one),
        [] => Err(Failure::Usage(format!(
            "unknown command .{name}; .help lists the commands"
        ))),
        [..] => {
            let names: Vec<String> = short.iter().map(|command| format!(".{}", command.name)).collect();
            Err(Failure::Usage(format!(".{name} may be {}", names.join(" or "))))
        }
    }
}

impl Call<'_> {
    /// What is wrong with the arguments.
    pub(crate) fn usage(&self) -> Failure {
        let DotCommand { name, arguments, .. } = self.command;
        Failure::Usage(format!("usage: .{name} {arguments}").trim_end().to_owned())
    }

    /// The only argument.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub(crate) fn one(&self) -> Result<&str, Failure> {
        match self.arguments.as_slice() {
            [one] => Ok(one),
            _ => Err(self.usage()),
        }
    }

    /// `on` or `off`.
    ///
    /// # Errors
    /// Anything else.
    pub(crate) fn switch(&self) -> Result<bool, Failure> {
        match self.one()?.to_ascii_lowercase().as_str() {
            "on" | "yes" | "true" | "1" => Ok(true),
            "off" | "no" | "false" | "0" => Ok(false),
            _ => Err(self.usage()),
        }
    }
}

fn help(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    let wanted = call.arguments.first().map(|name| name.trim_start_matches('.'));
    if let Some(name) = wanted {
        find(name)?;
    }
    session.with_output(|_, style, out| {
        for command in COMMANDS
            .iter()
            .filter(|command| wanted.is_none_or(|name| command.name.starts_with(name)))
        {
            let usage = format!(".{} {}", command.name, command.arguments);
            if usage.len() > 28 {
                writeln!(out, "{usage}\n{:29}{}", "", command.help)?;
            } else {
                writeln!(out, "{usage:28} {}", command.help)?;
            }
            if command.takes == Takes::Modes && wanted.is_some() {
                for (name, _, what) in super::rows::MODES {
                    let mark = if super::rows::Mode::named(name) == Some(style.mode) {
                        '*'
                    } else {
                        ' '
                    };
                    writeln!(out, "  {mark} {name:10} {what}")?;
                }
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_sorted_and_may_be_cut_short() {
        assert!(COMMANDS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert_eq!(find("ta").map(|command| command.name).ok(), Some("tables"));
        assert_eq!(find("open").map(|command| command.name).ok(), Some("open"));
        let message = |name| find(name).err().map(|failure| failure.to_string());
        assert_eq!(message("ti").as_deref(), Some(".ti may be .timeout or .timer"));
        assert_eq!(
            message("nope").as_deref(),
            Some("unknown command .nope; .help lists the commands")
        );
    }
}
