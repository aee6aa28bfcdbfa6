//! Full-text search: the virtual tables `fts3`, `fts4`, `fts4aux` and `fts3tokenize`, on SQLite's own shadow tables.
//!
//! ```text
//!   INSERT ──▶ writing ──▶ pending words ──▶ flush ──▶ segments (level 0, 1, ..)      %_segdir, %_segments
//!                 │                            ▲           │ 16 of a level become one
//!                 └──▶ %_content, sizes        │           ▼
//!   commit, savepoint ─────────────────────────┘      SegmentReader, Merge
//!                                                          │
//!   MATCH ──▶ query::parser ──▶ Expression ──▶ Postings ◀──┘ ──▶ Matches ──▶ cursor ──▶ snippet, offsets, matchinfo
//! ```
//!
//! | module | what it owns |
//! |---|---|
//! | `options`, `words` | the arguments of CREATE VIRTUAL TABLE |
//! | [`tokenizer`] | texts to words |
//! | `varint`, `doclist` | the bytes of rows and places |
//! | `shadow` | shadow tables and the statements on them |
//! | `segment` | B-trees of words: reading, merging, writing |
//! | `pending`, `flush`, `writing` | from a row that is written to a segment |
//! | `maintenance`, `integrity` | commands, and whether the index is right |
//! | `query` | text of a query to rows and places |
//! | `index_choice`, `cursor`, `handle`, `functions` | scans, and functions on their rows |
//! | `terms_table`, `tokens_table` | `fts4aux`, `fts3tokenize` |
//!
//! - I1. What is written is, byte for byte, what SQLite would write for the same statements.
//! - I2. Bytes of shadow tables are checked before they are used: damage is `database disk image is malformed`.
//!
//! SQLite leaves out common words while it looks for candidates and checks those in the texts ("deferred tokens"). The answers are the same
//! without it, so it is not done here.

mod cursor;
mod doclist;
mod flush;
mod functions;
mod handle;
mod index_choice;
mod integrity;
mod maintenance;
mod options;
mod pending;
mod query;
mod segment;
mod shadow;
mod table;
mod terms_table;
#[cfg(test)]
mod tests;
pub mod tokenizer;
mod tokens_table;
mod varint;
mod words;
mod writing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8};

use parking_lot::RwLock;

pub use options::Generation;
pub use query::QuerySyntax;
pub use terms_table::TermsModule;
pub use tokens_table::TokensModule;

use crate::error::{Error, Result};

use crate::virtual_table::{Connected, Module, ModuleArguments, Prepared, VirtualContext};
use options::{Options, column_name};
use shadow::{Shadow, execute, qualified, quoted, string_literal};
use table::{AUTO_MERGE_UNKNOWN, Content, FtsTable, FtsVirtualTable, State};
use tokenizer::TokenizerRegistry;

/// What nodes leave free of a page, so that a block and its row fit one.
const NODE_SIZE_BELOW_PAGE: usize = 35;
const SHADOW_SUFFIXES: [&str; 5] = ["content", "docsize", "segdir", "segments", "stat"];

/// Tokenizers that modules share: one registered here is known to all of them.
pub type SharedTokenizers = Arc<RwLock<TokenizerRegistry>>;

/// The modules `fts3` and `fts4`.
///
/// Those that are built in read queries in the standard syntax. For the enhanced one, or for tokenizers of one's own, register a module again:
///
/// ```
/// use std::sync::Arc;
/// use aludel_sql::Connection;
/// use aludel_sql::modules::fts::{FtsModule, Generation, QuerySyntax};
///
/// # fn main() -> aludel_sql::Result<()> {
/// let connection = Connection::open_in_memory()?;
/// let module = FtsModule::new(Generation::Four).with_syntax(QuerySyntax::Enhanced);
/// connection.create_module("fts4", Arc::new(module))?;
/// connection.execute_batch(
///     "CREATE VIRTUAL TABLE mail USING fts4(subject, body);
///      INSERT INTO mail VALUES('lunch', 'pizza or pasta'), ('minutes', 'pizza was decided');",
/// )?;
/// let found: String =
///     connection.query_row("SELECT subject FROM mail WHERE mail MATCH 'pizza NOT pasta'", (), |row| row.get(0))?;
/// assert_eq!(found, "minutes");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FtsModule {
    generation: Generation,
    syntax: QuerySyntax,
    tokenizers: SharedTokenizers,
}

impl FtsModule {
    /// A module with the built-in tokenizers and the standard syntax of queries.
    pub fn new(generation: Generation) -> FtsModule {
        FtsModule {
            generation,
            syntax: QuerySyntax::default(),
            tokenizers: SharedTokenizers::default(),
        }
    }

    /// The same with another syntax of queries.
    #[must_use]
    pub fn with_syntax(mut self, syntax: QuerySyntax) -> FtsModule {
        self.syntax = syntax;
        self
    }

    /// The same with these tokenizers.
    #[must_use]
    pub fn with_tokenizers(mut self, tokenizers: SharedTokenizers) -> FtsModule {
        self.tokenizers = tokenizers;
        self
    }

    fn make(
        &self,
        context: &mut VirtualContext<'_>,
        arguments: &ModuleArguments<'_>,
        is_new: bool,
    ) -> Result<Connected> {
        let tokenizers = self.tokenizers.read().clone();
        let texts: Vec<&str> = arguments.arguments.iter().map(|text| &**text).collect();
        let options = Options::parse(self.generation, &texts, &tokenizers)?;
        let columns = table_columns(context, arguments, &options)?;
        let unindexed = options.unindexed(&columns)?;
        options.check_packing()?;
        let tokenizer = tokenizers.create(options.tokenize.as_deref().unwrap_or(b"simple"))?;
        let shadow = Shadow::new(arguments.schema, arguments.table);
        let page_size = context.database(arguments.schema)?.pager.page_size();
        let is_four = self.generation == Generation::Four;
        let table = FtsTable {
            generation: self.generation,
            syntax: self.syntax,
            name: arguments.table.to_owned(),
            unindexed,
            tokenizer,
            direction: FtsTable::direction_of(options.descending),
            has_docsize: is_four && !options.no_docsize,
            content: content_of(&shadow, &options, &columns),
            language_column: options.language_column.clone(),
            prefixes: options.prefixes.clone(),
            node_size: page_size.saturating_sub(NODE_SIZE_BELOW_PAGE),
            state: State {
                has_stat: AtomicBool::new(is_four),
                auto_merge: AtomicU8::new(AUTO_MERGE_UNKNOWN),
                ..State::default()
            },
            columns,
            shadow,
        };
        let failed = |_| constructor_failed(arguments);
        let declaration = declaration(arguments, &table)?;
        if is_new {
            create_tables(context, &table).map_err(failed)?;
        }
        Ok(Connected {
            declaration,
            table: Arc::new(FtsVirtualTable(Arc::new(table))),
        })
    }
}

impl Module for FtsModule {
    fn create(&self, context: &mut VirtualContext<'_>, arguments: &ModuleArguments<'_>) -> Result<Connected> {
        self.make(context, arguments, true)
    }

    fn connect(
        &self,
        context: &mut VirtualContext<'_>,
        arguments: &ModuleArguments<'_>,
    ) -> Result<Connected> {
        self.make(context, arguments, false)
    }

    fn is_shadow_name(&self, suffix: &str) -> bool {
        SHADOW_SUFFIXES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(suffix))
    }
}

/// What SQLite says when a constructor fails and does not say why.
fn constructor_failed(arguments: &ModuleArguments<'_>) -> Error {
    Error::sql(format!("vtable constructor failed: {}", arguments.table))
}

/// The columns: those given, or those of the `content=` table, or one called `content`.
fn table_columns(
    context: &mut VirtualContext<'_>,
    arguments: &ModuleArguments<'_>,
    options: &Options,
) -> Result<Vec<String>> {
    let mut columns = options.columns.clone();
    if let (true, Some(content)) = (columns.is_empty(), &options.content) {
        columns = content_columns(context, arguments.schema, content)?;
        let is_language = |column: &String| {
            let language = options.language_column.as_ref();
            language.is_some_and(|language| language.eq_ignore_ascii_case(column))
        };
        if let Some(language) = columns.iter().position(is_language) {
            columns.remove(language);
        }
    }
    if columns.is_empty() {
        columns.push("content".to_owned());
    }
    Ok(columns)
}

fn content_columns(context: &mut VirtualContext<'_>, schema: &str, table: &str) -> Result<Vec<String>> {
    let mut select = Prepared::new(&format!("SELECT * FROM {} LIMIT 0", qualified(schema, table)));
    select.start(context, &[])?;
    let names = (0..select.column_count()).map(|column| column_name_of(select.column_name(column)));
    Ok(names.collect())
}

/// SQLite reads the name of a column as if it had been written in the arguments.
fn column_name_of(name: &str) -> String {
    column_name(name)
}

fn content_of(shadow: &Shadow, options: &Options, columns: &[String]) -> Content {
    let wrap = |function: &Option<String>, inner: String| match function {
        Some(function) => format!("{}({inner})", quoted(function)),
        None => inner,
    };
    let stored = |number: usize, name: &str| quoted(&format!("c{number}{name}"));
    let mut select = String::new();
    let mut insert = String::new();
    match &options.content {
        Some(table) => {
            select.push_str("SELECT rowid");
            for column in columns {
                select.push_str(&format!(", x.{}", quoted(column)));
            }
            if let Some(language) = &options.language_column {
                select.push_str(&format!(", x.{}", quoted(language)));
            }
            select.push_str(&format!(" FROM {} AS x", qualified(shadow.schema(), table)));
        }
        None => {
            let content = shadow.table("content");
            select.push_str("SELECT docid");
            insert.push_str(&format!("INSERT INTO {content} VALUES(?1"));
            for (number, column) in columns.iter().enumerate() {
                let read = format!("x.{}", stored(number, column));
                select.push_str(&format!(", {}", wrap(&options.uncompress, read)));
                insert.push_str(&format!(
                    ", {}",
                    wrap(&options.compress, format!("?{}", number + 2))
                ));
            }
            if options.language_column.is_some() {
                select.push_str(", x.\"langid\"");
                insert.push_str(&format!(", ?{}", columns.len() + 2));
            }
            select.push_str(&format!(" FROM {content} AS x"));
            insert.push(')');
        }
    }
    Content {
        external: options.content.clone(),
        select,
        insert,
    }
}

/// The columns that SQL sees: those of the text, one called as the table, docid, and the language id.
fn declaration(arguments: &ModuleArguments<'_>, table: &FtsTable) -> Result<String> {
    let language = table.language_column.as_deref().unwrap_or("__langid");
    let mut names: Vec<&str> = table.columns.iter().map(String::as_str).collect();
    let visible = names.len();
    names.extend([arguments.table, "docid", language]);
    for (number, name) in names.iter().enumerate() {
        if names[..number]
            .iter()
            .any(|other| other.eq_ignore_ascii_case(name))
        {
            return Err(constructor_failed(arguments));
        }
    }
    let hidden = |number| if number >= visible { " HIDDEN" } else { "" };
    let definitions = names.iter().enumerate();
    let definitions: Vec<String> = definitions
        .map(|(number, name)| format!("{}{}", string_literal(name), hidden(number)))
        .collect();
    Ok(format!("CREATE TABLE x({})", definitions.join(", ")))
}

fn create_tables(context: &mut VirtualContext<'_>, table: &FtsTable) -> Result<()> {
    let shadow = &table.shadow;
    let name = |suffix: &str| shadow.table_to_create(suffix);
    if table.content.external.is_none() {
        let mut columns = "docid INTEGER PRIMARY KEY".to_owned();
        for (number, column) in table.columns.iter().enumerate() {
            columns.push_str(&format!(", {}", string_literal(&format!("c{number}{column}"))));
        }
        if table.language_column.is_some() {
            columns.push_str(", langid");
        }
        execute(
            context,
            &format!("CREATE TABLE {}({columns})", name("content")),
            &[],
        )?;
    }
    let segments = format!(
        "CREATE TABLE {}(blockid INTEGER PRIMARY KEY, block BLOB)",
        name("segments")
    );
    execute(context, &segments, &[])?;
    let segdir = format!(
        "CREATE TABLE {}(level INTEGER,idx INTEGER,start_block INTEGER,leaves_end_block INTEGER,end_block INTEGER,root BLOB,PRIMARY KEY(level, idx))",
        name("segdir")
    );
    execute(context, &segdir, &[])?;
    if table.has_docsize {
        let docsize = format!(
            "CREATE TABLE {}(docid INTEGER PRIMARY KEY, size BLOB)",
            name("docsize")
        );
        execute(context, &docsize, &[])?;
    }
    if table.has_stat() {
        table.create_stat(context)?;
    }
    Ok(())
}
