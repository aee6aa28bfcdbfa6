//! What pragmas can be set to, for those that take words.

/// Pragmas and their values, sorted by name.
const VALUES: [(&str, &[&str]); 11] = [
    ("auto_vacuum", &["NONE", "FULL", "INCREMENTAL"]),
    ("encoding", &["'UTF-8'", "'UTF-16'", "'UTF-16le'", "'UTF-16be'"]),
    (
        "journal_mode",
        &["DELETE", "TRUNCATE", "PERSIST", "MEMORY", "WAL", "OFF"],
    ),
    ("locking_mode", &["NORMAL", "EXCLUSIVE"]),
    ("page_size", &["1024", "4096", "8192", "16384", "32768", "65536"]),
    ("secure_delete", &["ON", "OFF", "FAST"]),
    ("synchronous", &["OFF", "NORMAL", "FULL", "EXTRA"]),
    ("temp_store", &["DEFAULT", "FILE", "MEMORY"]),
    ("wal_checkpoint", &["PASSIVE", "FULL", "RESTART", "TRUNCATE"]),
    ("writable_schema", &["ON", "OFF", "RESET"]),
    ("page_checksum", &["ON", "OFF"]),
];

/// Switches.
const SWITCHES: [&str; 22] = [
    "automatic_index",
    "cell_size_check",
    "checkpoint_fullfsync",
    "checksum_verification",
    "count_changes",
    "case_sensitive_like",
    "defer_foreign_keys",
    "empty_result_callbacks",
    "foreign_keys",
    "full_column_names",
    "fullfsync",
    "ignore_check_constraints",
    "legacy_alter_table",
    "query_only",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "short_column_names",
    "trusted_schema",
    "cache_spill",
    "vdbe_trace",
    "parser_trace",
];

/// Pragmas whose argument is a table, and those whose argument is an index.
const TABLES: [&str; 7] = [
    "table_info",
    "table_xinfo",
    "index_list",
    "foreign_key_list",
    "foreign_key_check",
    "integrity_check",
    "quick_check",
];
const INDEXES: [&str; 2] = ["index_info", "index_xinfo"];

/// What a pragma's value can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PragmaTakes {
    Words(&'static [&'static str]),
    Table,
    Index,
    Anything,
}

/// What the value of the pragma called `name` can be.
pub(super) fn of_pragma(name: &str) -> PragmaTakes {
    let is = |own: &&str| own.eq_ignore_ascii_case(name);
    if let Some((_, words)) = VALUES.iter().find(|(own, _)| is(own)) {
        return PragmaTakes::Words(words);
    }
    match name {
        _ if SWITCHES.iter().any(is) => PragmaTakes::Words(&["ON", "OFF"]),
        _ if TABLES.iter().any(is) => PragmaTakes::Table,
        _ if INDEXES.iter().any(is) => PragmaTakes::Index,
        _ => PragmaTakes::Anything,
    }
}
