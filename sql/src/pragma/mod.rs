//! PRAGMA: settings of the connection and of database files, and tables about the schema.
//!
//! | module | what it owns |
//! |---|---|
//! | [`schema`] | what tables, indexes, foreign keys and databases there are |
//! | [`settings`] | switches of the connection |
//! | [`file`] | what is kept in a database file or decides how it is written |
//! | [`integrity`] | integrity_check, quick_check, foreign_key_check |
//! | [`functions`] | `SELECT .. FROM pragma_table_info('t')` |
//!
//! A pragma that nobody knows does nothing and says nothing, as in SQLite.

mod file;
mod functions;
mod integrity;
mod schema;
mod settings;

use std::sync::atomic::AtomicBool;

pub(crate) use functions::table_functions;

use crate::command::Output;
use crate::connection::{State, named_columns};
use crate::error::Result;
use crate::exec::Batch;
use crate::plan::ResultColumn;
use crate::syntax::ast::Pragma;
use crate::value::Value;

/// The rows of a pragma.
pub(crate) struct Rows {
    batch: Batch,
}

impl Rows {
    pub(crate) fn new(width: usize) -> Rows {
        Rows { batch: Batch::new(width) }
    }

    /// One row of one value.
    pub(crate) fn one(value: impl Into<Value>) -> Rows {
        let mut rows = Rows::new(1);
        rows.push([value.into()]);
        rows
    }

    pub(crate) fn push(&mut self, values: impl IntoIterator<Item = Value>) {
        for (column, value) in self.batch.columns.iter_mut().zip(values) {
            column.push(value.as_ref());
        }
        self.batch.set_len(self.batch.len() + 1);
    }

    pub(crate) fn batch(&self) -> &Batch {
        &self.batch
    }

    fn into_output(self) -> Output {
        Output { columns: None, rows: vec![self.batch] }
    }
}

/// A pragma whose rows have columns of their own.
struct Table {
    name: &'static str,
    columns: &'static [&'static str],
}

const TABLES: &[Table] = &[
    Table { name: "collation_list", columns: &["seq", "name"] },
    Table { name: "database_list", columns: &["seq", "name", "file"] },
    Table { name: "foreign_key_check", columns: &["table", "rowid", "parent", "fkid"] },
    Table {
        name: "foreign_key_list",
        columns: &["id", "seq", "table", "from", "to", "on_update", "on_delete", "match"],
    },
    Table { name: "function_list", columns: &["name", "builtin", "type", "enc", "narg", "flags"] },
    Table { name: "index_info", columns: &["seqno", "cid", "name"] },
    Table { name: "index_list", columns: &["seq", "name", "unique", "origin", "partial"] },
    Table { name: "index_xinfo", columns: &["seqno", "cid", "name", "desc", "coll", "key"] },
    Table { name: "module_list", columns: &["name"] },
    Table { name: "pragma_list", columns: &["name"] },
    Table { name: "table_info", columns: &["cid", "name", "type", "notnull", "dflt_value", "pk"] },
    Table { name: "table_list", columns: &["schema", "name", "type", "ncol", "wr", "strict"] },
    Table { name: "table_xinfo", columns: &["cid", "name", "type", "notnull", "dflt_value", "pk", "hidden"] },
    Table { name: "wal_checkpoint", columns: &["busy", "log", "checkpointed"] },
];

/// Pragmas that answer with one value, whose column bears the pragma's name unless another one is given.
const VALUES: &[(&str, &str)] = &[
    ("analysis_limit", ""),
    ("application_id", ""),
    ("auto_vacuum", ""),
    ("automatic_index", ""),
    ("busy_timeout", "timeout"),
    ("cache_size", ""),
    ("cache_spill", ""),
    ("case_sensitive_like", ""),
    ("cell_size_check", ""),
    ("checkpoint_fullfsync", ""),
    ("compile_options", ""),
    ("count_changes", ""),
    ("data_version", ""),
    ("default_cache_size", "cache_size"),
    ("defer_foreign_keys", ""),
    ("empty_result_callbacks", ""),
    ("encoding", ""),
    ("foreign_keys", ""),
    ("freelist_count", ""),
    ("full_column_names", ""),
    ("fullfsync", ""),
    ("hard_heap_limit", ""),
    ("ignore_check_constraints", ""),
    ("incremental_vacuum", ""),
    ("integrity_check", ""),
    ("journal_mode", ""),
    ("journal_size_limit", ""),
    ("legacy_alter_table", ""),
    ("legacy_file_format", ""),
    ("locking_mode", ""),
    ("max_page_count", ""),
    ("mmap_size", ""),
    ("optimize", ""),
    ("page_count", ""),
    ("page_size", ""),
    ("query_only", ""),
    ("quick_check", ""),
    ("read_uncommitted", ""),
    ("recursive_triggers", ""),
    ("reverse_unordered_selects", ""),
    ("schema_version", ""),
    ("secure_delete", ""),
    ("short_column_names", ""),
    ("shrink_memory", ""),
    ("soft_heap_limit", ""),
    ("synchronous", ""),
    ("temp_store", ""),
    ("temp_store_directory", ""),
    ("threads", ""),
    ("trusted_schema", ""),
    ("user_version", ""),
    ("wal_autocheckpoint", ""),
    ("writable_schema", ""),
];

/// Pragmas that only do something when a value is given, and then answer nothing.
const SILENT_SETTERS: &[&str] = &["case_sensitive_like", "incremental_vacuum", "optimize", "shrink_memory"];

/// Column names of the pragma called `name`.
fn column_names(name: &str) -> Vec<&'static str> {
    if let Some(table) = TABLES.iter().find(|table| table.name == name) {
        return table.columns.to_vec();
    }
    match VALUES.iter().find(|(own, _)| *own == name) {
        Some((own, "")) => vec![own],
        Some((_, column)) => vec![column],
        None => Vec::new(),
    }
}

/// The columns of a pragma's rows.
pub(crate) fn columns(pragma: &Pragma) -> Vec<ResultColumn> {
    let name = pragma.name.name.text.to_ascii_lowercase();
    if SILENT_SETTERS.contains(&name.as_str()) {
        return Vec::new();
    }
    named_columns(&column_names(&name))
}

/// Whether a pragma changes no file.
pub(crate) fn is_read_only(pragma: &Pragma) -> bool {
    const WRITERS: [&str; 5] =
        ["application_id", "incremental_vacuum", "journal_mode", "schema_version", "user_version"];
    pragma.value.is_none() || !WRITERS.iter().any(|writer| pragma.name.name.is(writer))
}

/// A pragma as it is being run.
pub(crate) struct Request<'a> {
    /// Its name in small letters.
    pub(crate) name: &'a str,
    /// The database named in front of it.
    pub(crate) schema: Option<usize>,
    pub(crate) value: Option<&'a str>,
}

impl Request<'_> {
    /// The database that it is about: main, unless another is named.
    pub(crate) fn database(&self) -> usize {
        self.schema.unwrap_or(0)
    }
}

/// Runs a pragma.
pub(crate) fn run(state: &mut State, pragma: &Pragma, interrupt: &AtomicBool) -> Result<Output> {
    let name = pragma.name.name.text.to_ascii_lowercase();
    let schema = match &pragma.name.schema {
        Some(schema) => Some(state.database_named(schema.as_str())?),
        None => None,
    };
    let request = Request { name: &name, schema, value: pragma.value.as_ref().map(|value| &*value.text) };
    if let Some(rows) = settings::run(state, &request)? {
        return Ok(rows.into_output());
    }
    if let Some(rows) = file::run(state, &request)? {
        return Ok(rows.into_output());
    }
    let all: Vec<usize> = (0..state.databases.len()).collect();
    state.begin_reading(&all)?;
    let rows = inspect(state, &request, interrupt);
    state.release_idle();
    Ok(rows?.map_or_else(Output::default, Rows::into_output))
}

fn inspect(state: &mut State, request: &Request<'_>, interrupt: &AtomicBool) -> Result<Option<Rows>> {
    match request.name {
        "function_list" => Ok(Some(schema::function_list(&state.functions))),
        "collation_list" => Ok(Some(schema::collation_list(&state.collations.names()))),
        "pragma_list" => Ok(Some(schema::pragma_list())),
        "integrity_check" | "quick_check" => integrity::check(state, request, interrupt).map(Some),
        "foreign_key_check" => integrity::foreign_key_check(state, request, interrupt).map(Some),
        _ => schema::run(&state.databases, request.name, request.schema, request.value),
    }
}

/// The truth of a switch's value: on, yes, true, or a number other than 0.
pub(crate) fn truth(text: &str) -> bool {
    match text.to_ascii_lowercase().as_str() {
        "on" | "yes" | "true" | "full" | "extra" => true,
        text => crate::value::number::integer_prefix(text.as_bytes()) != 0,
    }
}
