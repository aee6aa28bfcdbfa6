//! `hash`: the hash of a database's content.

use std::io::Write;

use super::subject::read;
use crate::cli::Hash;
use crate::error::{Exit, Failure};
use crate::inspect::content::{HashOptions, content_hash};
use crate::interrupt::Interrupt;
use crate::output::{Field, Report, hex};

/// Prints the hash; for people in one line with the file, as `dbhash` does.
///
/// # Errors
/// Those of opening; damage, because a part has no hash.
pub(super) fn hash(hash: &Hash, out: &mut dyn Write) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen();
    let options = HashOptions {
        rows: !hash.schema_only,
        schema: !hash.without_schema,
        like: hash.like.clone(),
    };
    read(&hash.target, out, &mut |subject, out| {
        let connection = subject.connect()?;
        interrupt.stops(&connection);
        let value = hex(&content_hash(&connection, &options)?);
        let file = hash.target.file.display().to_string();
        if !subject.style.format.is_for_programs() {
            writeln!(out, "{value} {file}")?;
            return Ok(Exit::Done);
        }
        let mut report = Report::new("dbtool/hash/1");
        report.fact("file", file);
        report.fact("sha1", value);
        report.fact("rows", options.rows);
        report.fact("schema_rows", options.schema);
        report.fact("like", options.like.clone().map_or(Field::Null, Field::Text));
        report.fact("shows", subject.image.state().words());
        report.print(&subject.style, out)?;
        Ok(Exit::Done)
    })
}
