//! The tree that the parser makes of one SQL statement.
//!
//! It says what was written, not what it means: names are not resolved, `"x"` may still turn out to be a
//! string, `true` is still a name. It keeps three things that later floors need beside the meaning: how an identifier
//! was quoted, the source text of result columns (their default names), and where in the text an error would point.
//!
//! ```text
//! Statement ─ Select ─ With ─ Cte ─ Select ...
//!                    ├ SelectCore (first) ─ Query ─ ResultColumn ─ Expr ...
//!                    │                            ├ FromClause ─ TableRef, Join
//!                    │                            └ where, group by, having, windows
//!                    ├ Compound (op, SelectCore) ...
//!                    └ order by, limit
//! ```
//!
//! - I1. A [`Span`] takes no part in equality: two trees are equal when they say the same. Rendering and parsing again
//!   gives an equal tree (asserted in `render`'s tests).
//! - I2. Parentheses leave no node of their own: the shape of the tree carries the grouping.
//! - I3. The height of a tree is bounded by the parser (expressions by 1000, see `parser`), so recursion over
//!   a tree that the parser made is bounded too, its destruction included.
//!
//! Identifiers are UTF-8: bytes of a name that are not UTF-8 are replaced by U+FFFD. String and blob literals keep their bytes.

use ecow::EcoString;
use std::fmt;

mod ddl;
mod dml;
mod expr;
mod select;
mod transaction;

pub use ddl::*;
pub use dml::*;
pub use expr::*;
pub use select::*;
pub use transaction::*;

/// A byte range of the SQL text that was parsed. All spans compare equal (invariant I1).
#[derive(Clone, Copy, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end`.
    #[must_use]
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The bytes of `sql` that this span covers; empty where the span does not lie in `sql`.
    #[must_use]
    pub fn of(self, sql: &[u8]) -> &[u8] {
        sql.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }

    /// True if the span covers no bytes, as in trees that were built and not parsed.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Span {}

impl std::hash::Hash for Span {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// Text copied from the source, kept because it shows: as a column's name, in a message, in `PRAGMA table_info`. Like a [`Span`]
/// it takes no part in equality.
#[derive(Clone, Default)]
pub struct SourceText(EcoString);

impl SourceText {
    /// The text.
    #[must_use]
    pub fn shared(&self) -> EcoString {
        self.0.clone()
    }
}

impl From<EcoString> for SourceText {
    fn from(text: EcoString) -> Self {
        Self(text)
    }
}

impl std::ops::Deref for SourceText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq for SourceText {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for SourceText {}

impl fmt::Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// How an identifier was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Quote {
    /// Bare: `name`.
    #[default]
    None,
    /// `"name"`: where no such column exists, SQLite reads it as a string literal.
    Double,
    /// `[name]`.
    Bracket,
    /// `` `name` ``.
    Backtick,
    /// `'name'`: a string literal where the grammar wants a name.
    Single,
}

/// A name as written, without its quotes.
///
/// Trees have more names than anything else, so one is kept in three words: where it stands and how it was quoted share the third.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Ident {
    /// The name, unquoted, in the case in which it was written. Names compare without regard to ASCII case.
    pub text: EcoString,
    place: Place,
}

const _: () = assert!(size_of::<Ident>() == 24);

/// An empty name that stands nowhere.
impl Default for Ident {
    #[inline]
    fn default() -> Ident {
        Ident {
            text: EcoString::new(),
            place: Place(0),
        }
    }
}

/// Where a name begins, how long it is with its quotes, and which they are: 30, 30 and 3 bits.
#[derive(Clone, Copy)]
struct Place(u64);

/// Texts of this length and longer are refused, so that the places of their names fit into [`Ident`].
pub(super) const TEXT_LENGTH_END: usize = 1 << Place::BITS;

impl Place {
    const BITS: u32 = 30;
    const MASK: u64 = (1 << Self::BITS) - 1;

    #[inline]
    fn new(quote: Quote, span: Span) -> Place {
        let length = span.end.saturating_sub(span.start);
        debug_assert!(u64::from(span.start.max(span.end)) <= Self::MASK);
        Place(u64::from(span.start) | u64::from(length) << Self::BITS | (quote as u64) << (2 * Self::BITS))
    }

    fn span(self) -> Span {
        let start = (self.0 & Self::MASK) as u32;
        Span::new(start, start + (self.0 >> Self::BITS & Self::MASK) as u32)
    }

    fn quote(self) -> Quote {
        match self.0 >> (2 * Self::BITS) {
            0 => Quote::None,
            1 => Quote::Double,
            2 => Quote::Bracket,
            3 => Quote::Backtick,
            _ => Quote::Single,
        }
    }
}

/// As a [`Span`], where a name stands takes no part in equality.
impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.quote() == other.quote()
    }
}

impl Eq for Place {}

impl std::hash::Hash for Place {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.quote().hash(state);
    }
}

impl Ident {
    /// A bare identifier that stands nowhere. [`render`](super::render) quotes it where it must.
    #[must_use]
    pub fn new(text: impl Into<EcoString>) -> Self {
        Self::at(text.into(), Quote::None, Span::default())
    }

    /// An identifier that stands at `span` of a text, quotes included.
    #[must_use]
    #[inline]
    pub fn at(text: EcoString, quote: Quote, span: Span) -> Self {
        Self {
            text,
            place: Place::new(quote, span),
        }
    }

    /// Where it stands, quotes included.
    #[must_use]
    #[inline]
    pub fn span(&self) -> Span {
        self.place.span()
    }

    /// How it was quoted.
    #[must_use]
    #[inline]
    pub fn quote(&self) -> Quote {
        self.place.quote()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True if the two names are the same to SQLite: ASCII case does not count.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.text.eq_ignore_ascii_case(name)
    }

    /// True if it was written in quotes of any kind.
    #[must_use]
    pub fn is_quoted(&self) -> bool {
        self.quote() != Quote::None
    }
}

impl fmt::Debug for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.quote() {
            Quote::None => write!(f, "{}", self.text),
            _ => write!(f, "{:?}({:?})", self.quote(), self.text),
        }
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The name of a table, index, view or trigger, with the schema (database) where one is given: `main.t`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectName {
    /// `main`, `temp` or the name of an attached database.
    pub schema: Option<Ident>,
    /// The object's own name.
    pub name: Ident,
}

impl ObjectName {
    /// A name without schema.
    #[must_use]
    pub fn bare(name: Ident) -> Self {
        Self { schema: None, name }
    }

    /// From the first to the last byte of the name.
    #[must_use]
    pub fn span(&self) -> Span {
        self.schema
            .as_ref()
            .map_or(self.name.span(), |s| s.span().to(self.name.span()))
    }
}

/// `EXPLAIN` in front of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Explain {
    /// `EXPLAIN`: the program or plan in the engine's own words.
    Plan,
    /// `EXPLAIN QUERY PLAN`.
    QueryPlan,
    /// `EXPLAIN ANALYZE` of a SELECT, INSERT, UPDATE or DELETE, which runs; ours.
    Analyze,
}

/// One SQL statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `SELECT`, `VALUES`, also with `WITH`.
    Select(Box<Select>),
    /// `INSERT`, `REPLACE`.
    Insert(Box<Insert>),
    /// `UPDATE`.
    Update(Box<Update>),
    /// `DELETE`.
    Delete(Box<Delete>),
    /// `CREATE TABLE`.
    CreateTable(Box<CreateTable>),
    /// `CREATE INDEX`.
    CreateIndex(Box<CreateIndex>),
    /// `CREATE VIEW`.
    CreateView(Box<CreateView>),
    /// `CREATE TRIGGER`.
    CreateTrigger(Box<CreateTrigger>),
    /// `CREATE VIRTUAL TABLE`.
    CreateVirtualTable(Box<CreateVirtualTable>),
    /// `DROP TABLE | INDEX | VIEW | TRIGGER`.
    Drop(Box<Drop>),
    /// `ALTER TABLE`.
    AlterTable(Box<AlterTable>),
    /// `PRAGMA`.
    Pragma(Box<Pragma>),
    /// `BEGIN`.
    Begin(TransactionKind),
    /// `COMMIT`, `END`.
    Commit,
    /// `ROLLBACK`, without `TO`.
    Rollback,
    /// `SAVEPOINT name`.
    Savepoint(Ident),
    /// `RELEASE name`.
    Release(Ident),
    /// `ROLLBACK TO name`.
    RollbackTo(Ident),
    /// `ATTACH`.
    Attach(Box<Attach>),
    /// `DETACH`.
    Detach(Box<Expr>),
    /// `VACUUM`.
    Vacuum(Box<Vacuum>),
    /// `ANALYZE`, of everything or of the named schema, table or index.
    Analyze(Option<ObjectName>),
    /// `REINDEX`, of everything or of the named collation, table or index.
    Reindex(Option<ObjectName>),
}

/// A statement with all that stands around it, as the parser hands it out.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The statement.
    pub statement: Statement,
    /// Set if `EXPLAIN` stands in front.
    pub explain: Option<Explain>,
    /// The parameters that the statement names, numbered.
    pub parameters: Parameters,
    /// From the first token to the last, without the semicolon.
    pub span: Span,
}

/// The numbering of a statement's parameters: `?` takes the next number, `?NNN` its own, `:name` one for each name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// The highest number in use: how many values can be bound.
    pub count: u32,
    /// Names with their numbers, in order of appearance; the name keeps its `:`, `@`, `$`, `#` or `?` sign. A bare `?` has none.
    pub names: Vec<(EcoString, u32)>,
}

impl Parameters {
    /// The number of the parameter of that name, its sign included.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u32> {
        self.names
            .iter()
            .find(|(n, _)| **n == *name)
            .map(|&(_, number)| number)
    }

    /// The name of the parameter with that number, if it has one.
    #[must_use]
    pub fn name(&self, number: u32) -> Option<&str> {
        self.names
            .iter()
            .find(|&&(_, n)| n == number)
            .map(|(name, _)| &**name)
    }
}
