//! `.dump`: SQL that makes the database again, as it is seen by the shell's own transaction. The same SQL as that of `dbtool dump`.

use super::Call;
use crate::error::Failure;
use crate::inspect::content::{Catalogue, DumpOptions, DumpTally, Settings, dump as write_sql};
use crate::shell::session::Session;

/// `.dump [TABLE ...]`: a table is named by a pattern of LIKE.
pub(super) fn dump(session: &mut Session, call: &Call<'_>) -> Result<(), Failure> {
    session.with_output(|session, _, out| {
        let _running = session.stoppable();
        let connection = &session.connection;
        let tables = tables_like(session, &call.arguments)?;
        if tables.is_empty() && !call.arguments.is_empty() {
            return Err(Failure::Usage(format!(
                "there is no table like {}",
                call.arguments.join(" or ")
            )));
        }
        let options = DumpOptions {
            tables,
            ..DumpOptions::default()
        };
        let tally = write_sql(connection, &Settings::read(connection)?, &options, out)?;
        told(&tally)
    })
}

/// The tables and views whose names are like one of the patterns.
fn tables_like(session: &Session, patterns: &[String]) -> Result<Vec<String>, Failure> {
    if patterns.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT ?1 LIKE ?2";
    let failed = |error| Failure::sql(error, sql);
    let mut like = session.connection.prepare(sql).map_err(failed)?;
    let mut tables: Vec<String> = Vec::new();
    for object in Catalogue::read(&session.connection)?.objects {
        let is_new = tables.last() != Some(&object.table);
        for pattern in patterns.iter().filter(|_| is_new) {
            let names = (object.table.as_str(), pattern.as_str());
            if like.query_row(names, |row| row.get::<bool>(0)).map_err(failed)? {
                tables.push(object.table.clone());
                break;
            }
        }
    }
    Ok(tables)
}

/// What is not in the answer is a failure, though the answer says it as well.
fn told(tally: &DumpTally) -> Result<(), Failure> {
    if tally.interrupted {
        return Err(Failure::sql(aludel_sql::Error::Interrupt, ""));
    }
    match tally.damaged.as_slice() {
        [] => Ok(()),
        damaged => Err(Failure::Damage(format!(
            "damage hides rows of {}",
            damaged.join(", ").escape_debug()
        ))),
    }
}
