//! The switches and numbers of a connection that pragmas set and other parts read.

/// What a connection is set to. Defaults are SQLite's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Foreign keys are enforced.
    pub foreign_keys: bool,
    /// All foreign keys count as deferred until the transaction ends.
    pub defer_foreign_keys: bool,
    /// Triggers may fire themselves.
    pub recursive_triggers: bool,
    /// Queries without ORDER BY run backwards where that is possible.
    pub reverse_unordered_selects: bool,
    /// Nothing may be written.
    pub query_only: bool,
    /// CHECK constraints are not enforced.
    pub ignore_check_constraints: bool,
    /// The sqlite_schema table may be changed by statements.
    pub writable_schema: bool,
    /// ALTER TABLE RENAME leaves references alone, as it did before SQLite 3.25.
    pub legacy_alter_table: bool,
    /// The schema may call any function.
    pub trusted_schema: bool,
    /// The planner may build indexes for one query.
    pub automatic_index: bool,
    /// A statement that changes rows answers with their number.
    pub count_changes: bool,
    /// Column names are `table.column`.
    pub full_column_names: bool,
    /// Column names are `column`.
    pub short_column_names: bool,
    /// An empty result still calls back.
    pub empty_result_callbacks: bool,
    /// Cells are checked when pages are read.
    pub cell_size_check: bool,
    /// The disk's own cache is flushed too, where the system can.
    pub fullfsync: bool,
    /// The same at checkpoints.
    pub checkpoint_fullfsync: bool,
    /// Locks of a shared cache are ignored; there is no shared cache, so this changes nothing.
    pub read_uncommitted: bool,
    /// How long to wait for a lock, in milliseconds.
    pub busy_timeout_ms: u32,
    /// When dirty pages may be written early, in pages; 0 never.
    pub cache_spill: i64,
    /// Where temporary tables are: 0 default, 1 file, 2 memory.
    pub temp_store: u8,
    /// The most rows that ANALYZE looks at for an index; 0 all.
    pub analysis_limit: i64,
    /// The most helper threads of a statement.
    pub threads: i64,
    /// The most bytes of memory, 0 without bound.
    pub heap_limit: i64,
    /// Bytes of the map of each file.
    pub mmap_size: i64,
    /// Bytes that a journal may keep after a commit; -1 without bound.
    pub journal_size_limit: i64,
    /// Frames in the log that make a commit run a checkpoint; 0 never.
    pub wal_autocheckpoint: i64,
    /// Locks are kept between transactions.
    pub exclusive_locking: bool,
    /// Queries are planned as they are written; only tests ask for that.
    pub unoptimized: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            foreign_keys: false,
            defer_foreign_keys: false,
            recursive_triggers: false,
            reverse_unordered_selects: false,
            query_only: false,
            ignore_check_constraints: false,
            writable_schema: false,
            legacy_alter_table: false,
            trusted_schema: true,
            automatic_index: true,
            count_changes: false,
            full_column_names: false,
            short_column_names: true,
            empty_result_callbacks: false,
            cell_size_check: false,
            fullfsync: false,
            checkpoint_fullfsync: false,
            read_uncommitted: false,
            busy_timeout_ms: 0,
            cache_spill: 483,
            temp_store: 0,
            analysis_limit: 0,
            threads: 0,
            heap_limit: 0,
            mmap_size: i64::MAX,
            journal_size_limit: -1,
            wal_autocheckpoint: 1000,
            exclusive_locking: false,
            unoptimized: false,
        }
    }
}
