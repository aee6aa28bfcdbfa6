//! Transactions, attached databases, pragmas and upkeep.

use super::{Expr, Ident, ObjectName, Span};
use ecow::EcoString;

/// How `BEGIN` takes its locks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TransactionKind {
    /// At the first read and the first write; the default.
    #[default]
    Deferred,
    /// The write lock at once.
    Immediate,
    /// The write lock at once, and outside WAL mode readers are kept out too.
    Exclusive,
}

/// `ATTACH [DATABASE] file AS schema [KEY key]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Attach {
    /// The file's name; a bare word stands for itself as text.
    pub file: Expr,
    /// The schema's name; a bare word stands for itself as text.
    pub schema: Expr,
    /// The key, which only encrypting builds heed.
    pub key: Option<Expr>,
}

/// `VACUUM [schema] [INTO file]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Vacuum {
    /// Which database.
    pub schema: Option<Ident>,
    /// Where the copy goes.
    pub into: Option<Expr>,
}

/// `PRAGMA [schema.]name [= value | (value)]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pragma {
    /// Its name, with the schema.
    pub name: ObjectName,
    /// The value, where given.
    pub value: Option<PragmaValue>,
    /// True if the value stands in parentheses: the form that asks, where a pragma tells the two apart.
    pub parenthesized: bool,
}

/// The value of a pragma.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PragmaValue {
    /// Its text: quotes undone, a minus sign in front where one is written.
    pub text: EcoString,
    /// What was written.
    pub kind: PragmaValueKind,
    /// Where it stands.
    pub span: Span,
}

/// What was written as the value of a pragma.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PragmaValueKind {
    /// A number, with or without sign.
    Number,
    /// A name, keyword or string.
    Name,
}
