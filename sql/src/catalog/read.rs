//! Reading a database's sqlite_schema (and sqlite_stat1) within the open transaction.

use aludel_storage::btree::TableCursor;
use aludel_storage::format::record::RecordView;
use aludel_storage::format::{TextEncoding, ValueRef};
use aludel_storage::pager::Pager;
use rustc_hash::FxHashMap;

use super::builder::{SchemaBuilder, SchemaRow};
use super::environment::{Collations, Environment, utf8_of};
use super::samples::Samples;
use super::schema::Schema;
use super::table::COLUMN_COUNT_MAX;
use crate::error::{Error, Result};
use crate::value::{Text, Value};

/// The highest schema format there is.
const SCHEMA_FORMAT_MAX: u32 = 4;

/// Names of the schema table in every database but temp.
pub const SCHEMA_TABLE_NAMES: [&str; 2] = ["sqlite_master", "sqlite_schema"];

/// Names of the schema table in temp.
pub const TEMP_SCHEMA_TABLE_NAMES: [&str; 4] = [
    "sqlite_temp_master",
    "sqlite_temp_schema",
    "sqlite_master",
    "sqlite_schema",
];

/// Reads the schema of the database as the open transaction of `pager` sees it.
///
/// # Errors
/// `malformed database schema (NAME) - ..` for a row that makes no sense, `unsupported file format`.
pub fn read_schema(pager: &Pager, names: &[&str], collations: &dyn Collations) -> Result<Schema> {
    let mut header = pager.header()?;
    // SQLite keeps one byte of the format, and so sees no more of it.
    header.schema_format = match header.schema_format & 0xff {
        0 => 1,
        format => format,
    };
    if header.schema_format > SCHEMA_FORMAT_MAX {
        return Err(Error::sql("unsupported file format"));
    }
    let environment = Environment {
        encoding: header.encoding,
        schema_format: header.schema_format,
        collations,
        reading: true,
        columns_max: COLUMN_COUNT_MAX,
    };
    let mut builder = SchemaBuilder::new(names, pager.page_count(), environment);
    if pager.page_count() == 0 {
        return builder.finish(header.schema_cookie);
    }
    let mut rows = Rows::of(
        TableCursor::new(aludel_storage::format::PageNo::ONE),
        header.encoding,
    );
    while let Some(values) = rows.next(pager)? {
        builder.add(&SchemaRow::from_values(values.into_iter()))?;
    }
    if let Some(root) = builder.table_root("sqlite_stat1") {
        match read_statistics(pager, header.encoding, root, &mut builder) {
            Err(Error::Storage(aludel_storage::Error::Corrupt { .. })) => {}
            done => done?,
        }
    }
    if let Some(root) = builder.table_root("sqlite_stat4") {
        match read_samples(pager, header.encoding, root, &mut builder) {
            Err(Error::Storage(aludel_storage::Error::Corrupt { .. })) => {}
            done => done?,
        }
    }
    builder.finish(header.schema_cookie)
}

/// As with sqlite_stat1, what does not fit is left out.
fn read_samples(
    pager: &Pager,
    encoding: TextEncoding,
    root: aludel_storage::format::PageNo,
    builder: &mut SchemaBuilder<'_>,
) -> Result<()> {
    let mut rows = Rows::of(TableCursor::new(root), encoding);
    let mut gathered: FxHashMap<(String, String), Samples> = FxHashMap::default();
    while let Some(values) = rows.next(pager)? {
        let text = |place: usize| match values.get(place) {
            Some(Value::Text(text)) => Some(text.to_string_lossy()),
            _ => None,
        };
        let (Some(table), Some(index)) = (text(0), text(1)) else {
            continue;
        };
        let (Some(equal), Some(less), Some(distinct)) = (text(2), text(3), text(4)) else {
            continue;
        };
        if let Some(Value::Blob(record)) = values.get(5) {
            let samples = gathered
                .entry((table.into_owned(), index.into_owned()))
                .or_default();
            samples.add([&equal, &less, &distinct], record, encoding);
        }
    }
    for ((table, index), samples) in gathered {
        builder.set_samples(&table, &index, samples);
    }
    Ok(())
}

/// Rows of sqlite_stat1 that do not fit are no error, nor is a damaged table: statistics only advise.
fn read_statistics(
    pager: &Pager,
    encoding: TextEncoding,
    root: aludel_storage::format::PageNo,
    builder: &mut SchemaBuilder<'_>,
) -> Result<()> {
    let mut rows = Rows::of(TableCursor::new(root), encoding);
    while let Some(values) = rows.next(pager)? {
        let text = |place: usize| match values.get(place) {
            Some(Value::Text(text)) => Some(text.to_string_lossy()),
            _ => None,
        };
        if let (Some(table), Some(counts)) = (text(0), text(2)) {
            builder.set_statistics(&table, text(1).as_deref(), &counts);
        }
    }
    Ok(())
}

/// All rows of a small table, decoded.
struct Rows {
    cursor: TableCursor,
    encoding: TextEncoding,
    started: bool,
    spill: Vec<u8>,
}

impl Rows {
    fn of(cursor: TableCursor, encoding: TextEncoding) -> Rows {
        Rows {
            cursor,
            encoding,
            started: false,
            spill: Vec::new(),
        }
    }

    fn next(&mut self, pager: &Pager) -> Result<Option<Vec<Value>>> {
        let more = if self.started {
            self.cursor.next(pager)?
        } else {
            self.cursor.first(pager)?
        };
        self.started = true;
        if !more {
            return Ok(None);
        }
        let view = RecordView::parse(self.cursor.payload(pager, &mut self.spill)?)?;
        let values = view.columns().map(|value| Ok(decoded(value?, self.encoding)));
        values.collect::<Result<_>>().map(Some)
    }
}

fn decoded(value: ValueRef<'_>, encoding: TextEncoding) -> Value {
    match value {
        ValueRef::Text(text) => Value::Text(Text::from_bytes(utf8_of(text, encoding))),
        value => Value::from(value),
    }
}
