//! `help`: the help texts, the man page and the shell completions, all from the definition of the arguments.

use std::io::Write;

use clap::CommandFactory;

use crate::cli::{Arguments, Help};
use crate::error::{Exit, Failure};

/// Prints help.
///
/// # Errors
/// A command that does not exist, an output that is closed.
pub(super) fn help(help: &Help, out: &mut dyn Write) -> Result<Exit, Failure> {
    let mut definition = Arguments::command();
    if help.man {
        return man(&definition, out).map(|()| Exit::Done);
    }
    if let Some(shell) = help.completions {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut definition, "dbtool", &mut script);
        out.write_all(&script)?;
        return Ok(Exit::Done);
    }
    let text = match &help.command {
        None => definition.render_long_help(),
        Some(name) => {
            definition.build();
            let command = definition.find_subcommand_mut(name).ok_or_else(|| {
                Failure::Usage(format!("there is no command {name}; `dbtool help` lists them"))
            })?;
            command.render_long_help()
        }
    };
    writeln!(out, "{}", text.to_string().trim_end())?;
    Ok(Exit::Done)
}

/// The page of the program, and a section for each command.
fn man(definition: &clap::Command, out: &mut dyn Write) -> Result<(), Failure> {
    let mut definition = definition.clone();
    definition.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(definition.clone()).render(&mut page)?;
    for command in definition.get_subcommands() {
        let name = command.get_name().to_uppercase();
        writeln!(page, ".SH \"DBTOOL {name}\"")?;
        let section = clap_mangen::Man::new(command.clone());
        section.render_synopsis_section(&mut page)?;
        section.render_description_section(&mut page)?;
        section.render_options_section(&mut page)?;
    }
    out.write_all(&page)?;
    Ok(())
}
