//! Commands that set how the shell works.

use std::time::Duration;

use aludel_sql::value::Value;

use super::Call;
use crate::error::Failure;
use crate::shell::pieces::next_piece;
use crate::shell::rows::{Mode, sql_literal};
use crate::shell::run;
use crate::shell::session::{Plans, Session};

pub(super) fn bail(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    session.settings.bail = call.switch()?;
    Ok(())
}

pub(super) fn changes(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    session.settings.changes = call.switch()?;
    Ok(())
}

pub(super) fn echo(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    session.settings.echo = call.switch()?;
    Ok(())
}

pub(super) fn timer(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    session.settings.timer = call.switch()?;
    Ok(())
}

pub(super) fn headers(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    session.style.headers = Some(call.switch()?);
    Ok(())
}

pub(super) fn eqp(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    session.settings.plans = match call.one()? {
        "full" => Plans::Full,
        _ if call.switch()? => Plans::On,
        _ => Plans::Off,
    };
    Ok(())
}

/// `.explain on|off`, or the plan of a statement that is given or ran last.
pub(super) fn explain(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    match call.rest.to_ascii_lowercase().as_str() {
        "on" => session.settings.plans = Plans::Only,
        "off" => session.settings.plans = Plans::Off,
        "" => {
            let Some(last) = session.last.clone() else {
                return Err(Failure::Usage(
                    "no statement ran yet; give one: .explain SELECT ..".to_owned(),
                ));
            };
            return run::show_plan(session, &last);
        }
        _ => {
            let sql = next_piece(call.rest, 0).map_or("", |_| call.rest);
            return run::show_plan(session, sql);
        }
    }
    Ok(())
}

/// `.mode MODE [TABLE]`; without arguments it shows the mode.
pub(super) fn mode(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    let Some(name) = call.arguments.first() else {
        let name = session.style.mode.name();
        return session.with_output(|_, _, out| Ok(writeln!(out, "mode {name}")?));
    };
    let Some(mode) = Mode::named(name) else {
        let names: Vec<&str> = crate::shell::rows::MODES.iter().map(|(name, ..)| *name).collect();
        return Err(Failure::Usage(format!(
            "there is no mode {name}; modes are {}",
            names.join(", ")
        )));
    };
    if call.arguments.len() > 2 {
        return Err(call.usage());
    }
    session.style.mode = mode;
    if let Some(table) = call.arguments.get(1) {
        session.style.table.clone_from(table);
    }
    Ok(())
}

pub(super) fn null_value(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    session.style.null = Some(call.one()?.to_owned());
    Ok(())
}

pub(super) fn separator(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    session.style.separator = call.one()?.to_owned();
    Ok(())
}

pub(super) fn width(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    session.style.width = match call.arguments.as_slice() {
        [] => None,
        [columns] => match columns.parse::<usize>().map_err(|_| call.usage())? {
            0 => Some(usize::MAX / 2),
            columns => Some(columns),
        },
        _ => return Err(call.usage()),
    };
    Ok(())
}

pub(super) fn timeout(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    let milliseconds = call.one()?.parse().map_err(|_| call.usage())?;
    let set = session
        .connection
        .busy_timeout(Duration::from_millis(milliseconds));
    set.map_err(|error| Failure::sql(error, call.rest))
}

/// `.parameter set :name 'value'`: the value is an SQL expression, or text as it stands where that does not compile.
pub(super) fn parameter(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    let arguments: Vec<&str> = call.arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["set", name, ..] if arguments.len() > 2 => {
            let text = super::words(call.rest)
                .get(2)
                .and_then(|word| call.rest.get(word.start..))
                .unwrap_or_default();
            let value = evaluated(session, text).unwrap_or_else(|| Value::from(arguments[2]));
            session.parameters.insert((*name).to_owned(), value);
        }
        ["unset", name] => {
            session.parameters.remove(*name);
        }
        ["clear"] => session.parameters.clear(),
        ["list"] => {
            let lines: Vec<String> = session
                .parameters
                .iter()
                .map(|(name, value)| format!("{name} {}", sql_literal(value.as_ref())))
                .collect();
            return session.with_output(|_, _, out| {
                lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
                Ok(())
            });
        }
        _ => return Err(call.usage()),
    }
    Ok(())
}

fn evaluated(session: &Session, expression: &str) -> Option<Value> {
    let sql = format!("SELECT {expression}");
    session
        .connection
        .query_one(&sql, (), |row| row.get::<Value>(0))
        .ok()
}

/// `.show`
pub(super) fn show(session: &mut Session, _: &Call<'_>) -> Result<(), Failure> {
    let on = |on: bool| if on { "on" } else { "off" };
    let (style, settings) = (&session.style, &session.settings);
    let plans = match settings.plans {
        Plans::Off => "off",
        Plans::On => "on",
        Plans::Full => "full",
        Plans::Only => "off (.explain on)",
    };
    let null = style
        .null
        .as_ref()
        .map_or_else(|| "as the mode has it".to_owned(), |null| format!("{null:?}"));
    let headers = style.headers.map_or("as the mode has it", on);
    let width = match style.width {
        None => "that of the terminal".to_owned(),
        Some(width) if width > u16::MAX.into() => "unlimited".to_owned(),
        Some(width) => width.to_string(),
    };
    let place = session
        .place
        .path()
        .map_or_else(|| "(memory)".to_owned(), |path| path.display().to_string());
    let lines = [
        ("bail", on(settings.bail).to_owned()),
        ("changes", on(settings.changes).to_owned()),
        ("echo", on(settings.echo).to_owned()),
        ("eqp", plans.to_owned()),
        ("file", place),
        ("headers", headers.to_owned()),
        ("mode", style.mode.name().to_owned()),
        ("nullvalue", null),
        ("separator", format!("{:?}", style.separator)),
        ("timer", on(settings.timer).to_owned()),
        ("width", width),
    ];
    session.with_output(|_, _, out| {
        lines
            .iter()
            .try_for_each(|(name, value)| writeln!(out, "{name:>10}: {value}"))?;
        Ok(())
    })
}

pub(super) fn quit(session: &mut Session, _: &Call<'_>) -> Result<(), Failure> {
    session.leave = Some(0);
    Ok(())
}

/// `.exit CODE`
pub(super) fn exit(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    session.leave = Some(match call.arguments.as_slice() {
        [] => 0,
        [code] => code.parse().map_err(|_| call.usage())?,
        _ => return Err(call.usage()),
    });
    Ok(())
}
