//! What each name of a statement stands for, while the statement is still being written.
//!
//! The parser makes a tree of a whole statement only, and names are resolved against the schema only when it compiles. Here a
//! text that may break off anywhere is read once, token by token, and each name gets its role: this one is a table, that
//! one a column. Completion asks for the role of a name put in at the cursor; colours ask which names are unknown.
//!
//! ```text
//!   SELECT n.title, count(*) FROM note AS n JOIN (SELECT note_id FROM tag) t ON t.note_id = n.id
//!          │ └ column of n   └ function       └ table   └ block 1, child of 0
//!          └ qualifier                 block 0: sources n -> note, t -> block 1
//! ```
//!
//! A *block* is one SELECT core (or the target of a write): the sources that its FROM has, and the names that it puts out.
//!
//! - I1. A name is called unknown only when all that could know it is known: a source whose columns cannot be told (a
//!   table-valued function, a table not written yet) makes every column possible. Asserted by the tests over valid statements.
//! - I2. Nesting costs no stack: open parentheses are frames of a list.

mod lookup;
mod read;

use aludel_sql::syntax::ast::Span;

pub(crate) use lookup::Column;

/// The roles of a statement's names, and what its blocks have to offer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sketch {
    pub(crate) names: Vec<NameUse>,
    pub(crate) blocks: Vec<Block>,
}

/// A name in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameUse {
    pub(crate) span: Span,
    pub(crate) text: String,
    /// In double quotes, which may make it a string.
    pub(crate) quoted: bool,
    /// What stands before it with points: `main`, `note` in `main.note.title`.
    pub(crate) qualifiers: Vec<String>,
    pub(crate) role: Role,
    /// The block in which it stands.
    pub(crate) block: usize,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A table or view to read or write.
    Table,
    /// A column of the block's sources.
    Column,
    /// A column of the table that the statement writes or indexes.
    TargetColumn,
    /// A database, table or alias with a point after it.
    Qualifier,
    /// A function.
    Function,
    /// A function or table in FROM that has arguments.
    TableFunction,
    Index,
    Trigger,
    View,
    Collation,
    Pragma,
    /// The value of the pragma.
    PragmaValue(String),
    Database,
    /// A name that is made here (an alias, a new table), or none of ours.
    Other,
}

/// One SELECT core, or the target of INSERT, UPDATE, DELETE.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    /// The block whose names can be seen from here as well.
    pub(crate) parent: Option<usize>,
    /// The first SELECT of the compound that this is a later one of: ORDER BY knows the names that it gives.
    pub(crate) first: Option<usize>,
    pub(crate) sources: Vec<Source>,
    pub(crate) common_tables: Vec<CommonTable>,
    /// What its rows consist of.
    pub(crate) outputs: Vec<Output>,
}

/// Something in FROM.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) alias: Option<String>,
    pub(crate) rows: Rows,
}

/// Where a source's rows are from.
#[derive(Clone, Debug)]
pub(crate) enum Rows {
    Table {
        database: Option<String>,
        name: String,
    },
    Block(usize),
    /// Nobody knows its columns.
    Opaque,
}

/// `WITH name(columns) AS (..)`.
#[derive(Clone, Debug)]
pub(crate) struct CommonTable {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    pub(crate) block: Option<usize>,
}

/// A column that a block puts out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// A name by AS.
    Alias(String),
    /// A column as it is.
    Column(String),
    Star,
    TableStar(String),
    /// An expression without a name that could be used.
    Unnamed,
}

impl Sketch {
    /// Reads the statement that begins at byte `start` of `sql`, to its semicolon or the end of the text.
    pub(crate) fn of(sql: &str, start: usize) -> Sketch {
        read::read(sql, start)
    }

    /// The name that covers a byte of the text.
    pub(crate) fn name_at(&self, offset: usize) -> Option<&NameUse> {
        self.names
            .iter()
            .find(|name| (name.span.start as usize..name.span.end as usize).contains(&offset))
    }
}

#[cfg(test)]
mod tests;
