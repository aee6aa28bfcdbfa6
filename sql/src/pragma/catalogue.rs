//! The pragmas that there are: one table.

use super::header::Field;
use super::{PragmaContext, Request, Row, inspect, integrity, mode};
use crate::error::Result;
use crate::syntax::ast;

/// Who answers a pragma.
#[derive(Clone, Copy)]
pub(super) enum Answerer {
    /// Looks at schema or connection; changes nothing.
    Inspect(fn(&Request<'_>, &mut PragmaContext<'_>) -> Result<Vec<Row>>),
    /// A switch in [`Settings`](super::Settings).
    Flag,
    /// A number in the file's header.
    Header(Field),
    /// Looks at or changes how connection and file work.
    Mode(fn(&Request<'_>, &mut PragmaContext<'_>) -> Result<Vec<Row>>),
    /// Accepted, and nothing to do.
    Nothing,
}

/// When an answer has columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Always.
    Always,
    /// Only without a value: giving one sets and answers nothing.
    WhenAsking,
    /// Never.
    Never,
}

/// A pragma.
pub(super) struct Entry {
    /// Its name.
    pub(super) name: &'static str,
    /// The columns of its answer; none named: one column, called as the pragma.
    pub(super) columns: &'static [&'static str],
    /// When it has them.
    pub(super) shape: Shape,
    /// Who answers.
    pub(super) answerer: Answerer,
    /// Whether it is a table-valued function too.
    pub(super) function: bool,
}

/// The pragma called `name`, in any case.
pub(super) fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
}

/// All pragmas.
pub(super) fn all() -> &'static [Entry] {
    ENTRIES
}

impl Entry {
    /// The names of the columns when the pragma is run with or without a value.
    pub(super) fn column_names(&self, has_value: bool) -> Vec<&'static str> {
        match self.shape {
            Shape::Never => Vec::new(),
            Shape::WhenAsking if has_value => Vec::new(),
            _ if self.columns.is_empty() => vec![self.name],
            _ => self.columns.to_vec(),
        }
    }
}

/// The columns that a PRAGMA statement answers with; none for one that is unknown.
pub fn columns(pragma: &ast::Pragma) -> Vec<&'static str> {
    find(&pragma.name.name.text).map_or(Vec::new(), |entry| entry.column_names(pragma.value.is_some()))
}

const fn look(
    name: &'static str,
    columns: &'static [&'static str],
    look: fn(&Request<'_>, &mut PragmaContext<'_>) -> Result<Vec<Row>>,
) -> Entry {
    Entry {
        name,
        columns,
        shape: Shape::Always,
        answerer: Answerer::Inspect(look),
        function: true,
    }
}

const fn flag(name: &'static str) -> Entry {
    Entry {
        name,
        columns: &[],
        shape: Shape::WhenAsking,
        answerer: Answerer::Flag,
        function: true,
    }
}

const fn field(name: &'static str, field: Field) -> Entry {
    Entry {
        name,
        columns: &[],
        shape: Shape::WhenAsking,
        answerer: Answerer::Header(field),
        function: true,
    }
}

const fn mode(
    name: &'static str,
    shape: Shape,
    change: fn(&Request<'_>, &mut PragmaContext<'_>) -> Result<Vec<Row>>,
) -> Entry {
    Entry {
        name,
        columns: &[],
        shape,
        answerer: Answerer::Mode(change),
        function: true,
    }
}

const fn nothing(name: &'static str) -> Entry {
    Entry {
        name,
        columns: &[],
        shape: Shape::Never,
        answerer: Answerer::Nothing,
        function: false,
    }
}

/// Sorted by name, as `PRAGMA pragma_list` shows them.
static ENTRIES: &[Entry] = &[
    mode("analysis_limit", Shape::Always, mode::analysis_limit),
    field("application_id", Field::ApplicationId),
    mode("auto_vacuum", Shape::WhenAsking, mode::auto_vacuum),
    flag("automatic_index"),
    Entry {
        columns: &["timeout"],
        ..mode("busy_timeout", Shape::Always, mode::busy_timeout)
    },
    mode("cache_size", Shape::WhenAsking, mode::cache_size),
    mode("cache_spill", Shape::WhenAsking, mode::cache_spill),
    Entry {
        function: false,
        ..mode("case_sensitive_like", Shape::Never, mode::case_sensitive_like)
    },
    flag("cell_size_check"),
    flag("checkpoint_fullfsync"),
    mode(
        "checksum_verification",
        Shape::Always,
        mode::checksum_verification,
    ),
    look("collation_list", &["seq", "name"], inspect::collation_list),
    look("compile_options", &[], inspect::compile_options),
    flag("count_changes"),
    Entry {
        shape: Shape::Always,
        ..field("data_version", Field::DataVersion)
    },
    look("database_list", &["seq", "name", "file"], inspect::database_list),
    Entry {
        columns: &["cache_size"],
        ..mode("default_cache_size", Shape::WhenAsking, mode::default_cache_size)
    },
    flag("defer_foreign_keys"),
    flag("empty_result_callbacks"),
    mode("encoding", Shape::WhenAsking, mode::encoding),
    look(
        "foreign_key_check",
        &["table", "rowid", "parent", "fkid"],
        integrity::foreign_key_check,
    ),
    look(
        "foreign_key_list",
        &[
            "id",
            "seq",
            "table",
            "from",
            "to",
            "on_update",
            "on_delete",
            "match",
        ],
        inspect::foreign_key_list,
    ),
    flag("foreign_keys"),
    Entry {
        shape: Shape::Always,
        ..field("freelist_count", Field::FreelistCount)
    },
    flag("full_column_names"),
    flag("fullfsync"),
    look(
        "function_list",
        &["name", "builtin", "type", "enc", "narg", "flags"],
        inspect::function_list,
    ),
    mode("hard_heap_limit", Shape::Always, mode::heap_limit),
    flag("ignore_check_constraints"),
    Entry {
        function: false,
        ..mode("incremental_vacuum", Shape::Never, mode::incremental_vacuum)
    },
    look("index_info", &["seqno", "cid", "name"], inspect::index_info),
    look(
        "index_list",
        &["seq", "name", "unique", "origin", "partial"],
        inspect::index_list,
    ),
    look(
        "index_xinfo",
        &["seqno", "cid", "name", "desc", "coll", "key"],
        inspect::index_xinfo,
    ),
    look("integrity_check", &[], integrity::full),
    mode("journal_mode", Shape::Always, mode::journal_mode),
    mode("journal_size_limit", Shape::Always, mode::journal_size_limit),
    flag("legacy_alter_table"),
    mode("locking_mode", Shape::Always, mode::locking_mode),
    mode("max_page_count", Shape::Always, mode::max_page_count),
    Entry {
        function: false,
        ..mode("mmap_size", Shape::Always, mode::mmap_size)
    },
    look("module_list", &["name"], inspect::module_list),
    Entry {
        answerer: Answerer::Nothing,
        ..look("optimize", &[], inspect::module_list)
    },
    mode("page_checksum", Shape::Always, mode::page_checksum),
    look(
        "page_checksum_check",
        &["page", "state"],
        mode::page_checksum_check,
    ),
    look("page_count", &[], inspect::page_count),
    mode("page_size", Shape::WhenAsking, mode::page_size),
    look("pragma_list", &["name"], inspect::pragma_list),
    flag("query_only"),
    look("quick_check", &[], integrity::quick),
    flag("read_uncommitted"),
    flag("recursive_triggers"),
    flag("reverse_unordered_selects"),
    field("schema_version", Field::SchemaVersion),
    mode("secure_delete", Shape::Always, mode::secure_delete),
    flag("short_column_names"),
    nothing("shrink_memory"),
    mode("soft_heap_limit", Shape::Always, mode::heap_limit),
    mode("synchronous", Shape::WhenAsking, mode::synchronous),
    look(
        "table_info",
        &["cid", "name", "type", "notnull", "dflt_value", "pk"],
        inspect::table_info,
    ),
    look(
        "table_list",
        &["schema", "name", "type", "ncol", "wr", "strict"],
        inspect::table_list,
    ),
    look(
        "table_xinfo",
        &["cid", "name", "type", "notnull", "dflt_value", "pk", "hidden"],
        inspect::table_xinfo,
    ),
    mode("temp_store", Shape::WhenAsking, mode::temp_store),
    nothing("temp_store_directory"),
    mode("threads", Shape::Always, mode::threads),
    flag("trusted_schema"),
    field("user_version", Field::UserVersion),
    Entry {
        function: false,
        ..mode("wal_autocheckpoint", Shape::Always, mode::wal_autocheckpoint)
    },
    Entry {
        columns: &["busy", "log", "checkpointed"],
        function: false,
        ..mode("wal_checkpoint", Shape::Always, mode::wal_checkpoint)
    },
    flag("writable_schema"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(ENTRIES.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
