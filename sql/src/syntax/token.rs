//! Tokens, and the classes in which the grammar takes them.
//!
//! Many of SQLite's keywords are names wherever they cannot be keywords: `key`, `replace`, `row`. Such a token is of
//! class [`TokenKind::is_fallback`], and the parser asks for the keyword first and for a name second, so that the keyword
//! wins where both would do. Three window words (`WINDOW`, `OVER`, `FILTER`) are keywords only before certain
//! tokens; the lexer settles these (see `lexer`), and the parser never sees a window word that is meant as a name.

use super::ast::Span;

/// One token: its kind and where it stands. Its text is in the SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Offset of its first byte.
    pub start: u32,
    /// Offset after its last byte.
    pub end: u32,
}

impl Token {
    /// Where it stands.
    #[must_use]
    pub const fn span(self) -> Span {
        Span::new(self.start, self.end)
    }
}

/// Defines [`TokenKind`] with the keywords, and the table of their spellings.
macro_rules! token_kinds {
    ($($keyword:ident $text:literal $class:ident,)*) => {
        /// The kinds of token.
        #[allow(missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum TokenKind {
            $($keyword,)*
            /// A bare or quoted identifier (not one in single quotes).
            Id,
            /// `'text'`.
            String,
            /// `x'00'`.
            Blob,
            Integer,
            Float,
            /// A number with digit separators.
            SeparatedNumber,
            /// `?`, `?1`, `:a`, `@a`, `$a`, `#a`.
            Variable,
            LeftParen,
            RightParen,
            Comma,
            Semicolon,
            Dot,
            Star,
            Plus,
            Minus,
            Slash,
            Percent,
            Eq,
            Ne,
            Lt,
            Le,
            Gt,
            Ge,
            Ampersand,
            Pipe,
            ShiftLeft,
            ShiftRight,
            Tilde,
            Concat,
            /// `->`.
            Arrow,
            /// `->>`.
            LongArrow,
            /// What is no token at all.
            Illegal,
            /// The end of the text.
            End,
        }

        /// How many keywords there are: their kinds are `0..KEYWORD_COUNT`.
        pub(crate) const KEYWORD_COUNT: usize = [$($text,)*].len();

        /// The keywords' spellings, in the order of their kinds.
        pub(crate) const KEYWORDS: [&str; KEYWORD_COUNT] = [$($text,)*];

        /// The keywords' kinds, in the same order.
        pub(super) const KEYWORD_KINDS: [TokenKind; KEYWORD_COUNT] = [$(TokenKind::$keyword,)*];

        const CLASSES: [Class; KEYWORD_COUNT] = [$(Class::$class,)*];
    };
}

/// As what else a keyword may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// As nothing else.
    Reserved,
    /// As a name, wherever it cannot be a keyword.
    Fallback,
    /// As a name, except as an alias or type without `AS`: the words of joins.
    Join,
    /// `INDEXED`: as a name, except as an alias or type without `AS`.
    Indexed,
}

token_kinds! {
    Abort "ABORT" Fallback,
    Action "ACTION" Fallback,
    Add "ADD" Reserved,
    After "AFTER" Fallback,
    All "ALL" Reserved,
    Alter "ALTER" Reserved,
    Always "ALWAYS" Fallback,
    Analyze "ANALYZE" Fallback,
    And "AND" Reserved,
    As "AS" Reserved,
    Asc "ASC" Fallback,
    Attach "ATTACH" Fallback,
    Autoincrement "AUTOINCREMENT" Reserved,
    Before "BEFORE" Fallback,
    Begin "BEGIN" Fallback,
    Between "BETWEEN" Reserved,
    By "BY" Fallback,
    Cascade "CASCADE" Fallback,
    Case "CASE" Reserved,
    Cast "CAST" Fallback,
    Check "CHECK" Reserved,
    Collate "COLLATE" Reserved,
    Column "COLUMN" Fallback,
    Commit "COMMIT" Reserved,
    Conflict "CONFLICT" Fallback,
    Constraint "CONSTRAINT" Reserved,
    Create "CREATE" Reserved,
    Cross "CROSS" Join,
    Current "CURRENT" Fallback,
    CurrentDate "CURRENT_DATE" Fallback,
    CurrentTime "CURRENT_TIME" Fallback,
    CurrentTimestamp "CURRENT_TIMESTAMP" Fallback,
    Database "DATABASE" Fallback,
    Default "DEFAULT" Reserved,
    Deferrable "DEFERRABLE" Reserved,
    Deferred "DEFERRED" Fallback,
    Delete "DELETE" Reserved,
    Desc "DESC" Fallback,
    Detach "DETACH" Fallback,
    Distinct "DISTINCT" Reserved,
    Do "DO" Fallback,
    Drop "DROP" Reserved,
    Each "EACH" Fallback,
    Else "ELSE" Reserved,
    EndKeyword "END" Fallback,
    Escape "ESCAPE" Reserved,
    Except "EXCEPT" Reserved,
    Exclude "EXCLUDE" Fallback,
    Exclusive "EXCLUSIVE" Fallback,
    Exists "EXISTS" Reserved,
    Explain "EXPLAIN" Fallback,
    Fail "FAIL" Fallback,
    Filter "FILTER" Reserved,
    First "FIRST" Fallback,
    Following "FOLLOWING" Fallback,
    For "FOR" Fallback,
    Foreign "FOREIGN" Reserved,
    From "FROM" Reserved,
    Full "FULL" Join,
    Generated "GENERATED" Fallback,
    Glob "GLOB" Fallback,
    Group "GROUP" Reserved,
    Groups "GROUPS" Fallback,
    Having "HAVING" Reserved,
    If "IF" Fallback,
    Ignore "IGNORE" Fallback,
    Immediate "IMMEDIATE" Fallback,
    In "IN" Reserved,
    Index "INDEX" Reserved,
    Indexed "INDEXED" Indexed,
    Initially "INITIALLY" Fallback,
    Inner "INNER" Join,
    Insert "INSERT" Reserved,
    Instead "INSTEAD" Fallback,
    Intersect "INTERSECT" Reserved,
    Into "INTO" Reserved,
    Is "IS" Reserved,
    Isnull "ISNULL" Reserved,
    Join "JOIN" Reserved,
    Key "KEY" Fallback,
    Last "LAST" Fallback,
    Left "LEFT" Join,
    Like "LIKE" Fallback,
    Limit "LIMIT" Reserved,
    Match "MATCH" Fallback,
    Materialized "MATERIALIZED" Fallback,
    Natural "NATURAL" Join,
    No "NO" Fallback,
    Not "NOT" Reserved,
    Nothing "NOTHING" Reserved,
    Notnull "NOTNULL" Reserved,
    Null "NULL" Reserved,
    Nulls "NULLS" Fallback,
    Of "OF" Fallback,
    Offset "OFFSET" Fallback,
    On "ON" Reserved,
    Or "OR" Reserved,
    Order "ORDER" Reserved,
    Others "OTHERS" Fallback,
    Outer "OUTER" Join,
    Over "OVER" Reserved,
    Partition "PARTITION" Fallback,
    Plan "PLAN" Fallback,
    Pragma "PRAGMA" Fallback,
    Preceding "PRECEDING" Fallback,
    Primary "PRIMARY" Reserved,
    Query "QUERY" Fallback,
    Raise "RAISE" Fallback,
    Range "RANGE" Fallback,
    Recursive "RECURSIVE" Fallback,
    References "REFERENCES" Reserved,
    Regexp "REGEXP" Fallback,
    Reindex "REINDEX" Fallback,
    Release "RELEASE" Fallback,
    Rename "RENAME" Fallback,
    Replace "REPLACE" Fallback,
    Restrict "RESTRICT" Fallback,
    Returning "RETURNING" Reserved,
    Right "RIGHT" Join,
    Rollback "ROLLBACK" Fallback,
    Row "ROW" Fallback,
    Rows "ROWS" Fallback,
    Savepoint "SAVEPOINT" Fallback,
    Select "SELECT" Reserved,
    Set "SET" Reserved,
    Table "TABLE" Reserved,
    Temp "TEMP" Fallback,
    Temporary "TEMPORARY" Fallback,
    Then "THEN" Reserved,
    Ties "TIES" Fallback,
    To "TO" Reserved,
    Transaction "TRANSACTION" Reserved,
    Trigger "TRIGGER" Fallback,
    Unbounded "UNBOUNDED" Fallback,
    Union "UNION" Reserved,
    Unique "UNIQUE" Reserved,
    Update "UPDATE" Reserved,
    Using "USING" Reserved,
    Vacuum "VACUUM" Fallback,
    Values "VALUES" Reserved,
    View "VIEW" Fallback,
    Virtual "VIRTUAL" Fallback,
    When "WHEN" Reserved,
    Where "WHERE" Reserved,
    Window "WINDOW" Reserved,
    With "WITH" Fallback,
    Without "WITHOUT" Fallback,
}

/// Bits of [`KIND_CLASS`].
const ID: u8 = 1;
const STRING: u8 = 2;
const INDEXED: u8 = 4;
const JOIN: u8 = 8;

/// Which name classes each kind belongs to, indexed by the kind.
const KIND_CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < KEYWORD_COUNT {
        table[i] = match CLASSES[i] {
            Class::Reserved => 0,
            Class::Fallback => ID,
            Class::Join => JOIN,
            Class::Indexed => INDEXED,
        };
        i += 1;
    }
    table[TokenKind::Id as usize] = ID;
    table[TokenKind::String as usize] = STRING;
    table
};

impl TokenKind {
    const fn is_of(self, classes: u8) -> bool {
        KIND_CLASS[self as usize] & classes != 0
    }

    /// An identifier, or a keyword that is a name where it cannot be a keyword.
    #[must_use]
    pub const fn is_fallback(self) -> bool {
        self.is_of(ID)
    }

    /// A name where joins may follow: an alias without `AS`, a word of a type, a collation. Strings count.
    #[must_use]
    pub const fn is_alias(self) -> bool {
        self.is_of(ID | STRING)
    }

    /// A name that is not a string: what a default value may be.
    #[must_use]
    pub const fn is_word(self) -> bool {
        self.is_of(ID | INDEXED)
    }

    /// A column's or function's name in an expression.
    #[must_use]
    pub const fn is_column(self) -> bool {
        self.is_of(ID | INDEXED | JOIN)
    }

    /// The name of anything, where only a name can stand.
    #[must_use]
    pub const fn is_name(self) -> bool {
        self.is_of(ID | INDEXED | JOIN | STRING)
    }

    /// A word of a join operator other than `JOIN`.
    #[must_use]
    pub const fn is_join_word(self) -> bool {
        self.is_of(JOIN)
    }
}
