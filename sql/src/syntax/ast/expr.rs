//! Expressions.

use super::{Ident, ObjectName, OrderingTerm, Select, Span, WindowDefinition};
use ecow::EcoString;

/// An expression and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// From its first token to its last; parentheses around it are not part of it.
    pub span: Span,
}

impl Expr {
    /// An expression of that kind at that place.
    #[must_use]
    pub fn new(kind: ExprKind, span: Span) -> Self {
        Self { kind, span }
    }

    /// What stands in the place of an expression that is yet to come, or was taken away.
    pub(in crate::syntax) const VACANT: Expr = Expr {
        // No parameter has this number.
        kind: ExprKind::Parameter(0),
        span: Span::new(0, 0),
    };

    /// Puts an expression into a vacant place.
    #[inline]
    pub(in crate::syntax) fn fill(&mut self, expr: Expr) {
        debug_assert!(matches!(self.kind, ExprKind::Parameter(0)), "there is {self:?}");
        // There is nothing to drop, which the compiler cannot know.
        std::mem::forget(std::mem::replace(self, expr));
    }

    /// Takes the expression away.
    #[inline]
    pub(in crate::syntax) fn take(&mut self) -> Expr {
        std::mem::replace(self, Expr::VACANT)
    }

    /// True if it is a literal or a parameter.
    #[must_use]
    pub fn is_bare_value(&self) -> bool {
        matches!(self.kind, ExprKind::Literal(_) | ExprKind::Parameter(_))
    }

    /// True if it is the literal `NULL`.
    #[must_use]
    pub fn is_null_literal(&self) -> bool {
        matches!(self.kind, ExprKind::Literal(Literal::Null))
    }
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
#[repr(u32)]
pub enum ExprKind {
    /// A constant.
    Literal(Literal),
    /// A name alone: a column, an alias, `TRUE`/`FALSE` where no such column exists, a string in double quotes where no such column exists.
    Name(Ident),
    /// `table.column` or `schema.table.column`.
    Qualified(QualifiedName),
    /// `?`, `?5`, `:a`, `@a`, `$a`: the number of the parameter, from 1. [`Parameters`](super::Parameters) has the names.
    Parameter(u32),
    /// An operator before or after one operand.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// What it applies to.
        operand: Box<Expr>,
    },
    /// An operator between two operands.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// What stands on its sides.
        operands: Box<Operands>,
    },
    /// `expr COLLATE name`.
    Collate {
        /// What is compared that way.
        operand: Box<Expr>,
        /// The collation's name.
        collation: Ident,
    },
    /// `[NOT] LIKE | GLOB | REGEXP | MATCH`, with or without `ESCAPE`.
    Like(Box<Like>),
    /// `[NOT] BETWEEN low AND high`.
    Between(Box<Between>),
    /// `[NOT] IN ...`.
    In(Box<In>),
    /// `EXISTS (select)`. `NOT EXISTS` is [`UnaryOp::Not`] over it.
    Exists(Box<Select>),
    /// `(select)` used as a value or row value.
    Subquery(Box<Select>),
    /// `(a, b, ...)` with two or more members.
    Row(Vec<Expr>),
    /// `CASE`.
    Case(Box<Case>),
    /// `CAST(expr AS type)`.
    Cast {
        /// What is cast.
        operand: Box<Expr>,
        /// The type; may be empty, as in `CAST(x AS)`.
        to: TypeName,
    },
    /// A call of a scalar, aggregate or window function.
    Call(Box<FunctionCall>),
    /// `RAISE(...)` in a trigger.
    Raise(Box<Raise>),
}

/// The two sides of a binary operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Operands {
    /// Left operand.
    pub left: Expr,
    /// Right operand.
    pub right: Expr,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `NULL`.
    Null,
    /// A decimal integer that fits 64 bits with sign; the sign itself is an operator.
    Integer(i64),
    /// A hexadecimal integer of up to 64 bits; as a value its bits are a two's complement integer.
    Hex(u64),
    /// Any other number: a real, a decimal integer that is too large for 64 bits, or a hexadecimal one that is too large. The
    /// digit separators are gone; what it means is for the floor that converts text to numbers.
    Number(EcoString),
    /// `'text'`: its bytes, quotes undone. They need not be UTF-8.
    String(Box<[u8]>),
    /// `x'c0ffee'`.
    Blob(Box<[u8]>),
    /// `CURRENT_DATE`.
    CurrentDate,
    /// `CURRENT_TIME`.
    CurrentTime,
    /// `CURRENT_TIMESTAMP`.
    CurrentTimestamp,
}

/// `table.column` or `schema.table.column`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QualifiedName {
    /// The schema, if three parts are given.
    pub schema: Option<Box<Ident>>,
    /// The table or its alias.
    pub table: Ident,
    /// The column.
    pub column: Ident,
}

impl QualifiedName {
    /// True if the text at `span` is `table.column`, without quotes or blanks.
    #[must_use]
    pub fn is_spelled_in(&self, span: Span) -> bool {
        let bare = self.schema.is_none() && !self.table.is_quoted() && !self.column.is_quoted();
        let length = self.table.text.len() + 1 + self.column.text.len();
        bare && (span.end - span.start) as usize == length
    }
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-x`.
    Negate,
    /// `+x`: no effect on the value, but the operand stops being a plain column.
    Plus,
    /// `~x`.
    BitNot,
    /// `NOT x`.
    Not,
    /// `x ISNULL`, `x IS NULL`.
    IsNull,
    /// `x NOTNULL`, `x NOT NULL`, `x IS NOT NULL`.
    NotNull,
}

/// Operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `OR`.
    Or,
    /// `AND`.
    And,
    /// `=`, `==`.
    Eq,
    /// `<>`, `!=`.
    Ne,
    /// `<`.
    Lt,
    /// `<=`.
    Le,
    /// `>`.
    Gt,
    /// `>=`.
    Ge,
    /// `IS`, `IS NOT DISTINCT FROM`.
    Is,
    /// `IS NOT`, `IS DISTINCT FROM`.
    IsNot,
    /// `&`.
    BitAnd,
    /// `|`.
    BitOr,
    /// `<<`.
    ShiftLeft,
    /// `>>`.
    ShiftRight,
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
    /// `%`.
    Modulo,
    /// `||`.
    Concat,
    /// `->`: JSON element as JSON.
    JsonExtract,
    /// `->>`: JSON element as SQL value.
    JsonExtractValue,
}

/// Which pattern operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LikeOp {
    /// `LIKE`.
    Like,
    /// `GLOB`.
    Glob,
    /// `REGEXP`.
    Regexp,
    /// `MATCH`.
    Match,
}

impl LikeOp {
    /// The name of the function that evaluates the operator.
    #[must_use]
    pub const fn function_name(self) -> &'static str {
        match self {
            Self::Like => "like",
            Self::Glob => "glob",
            Self::Regexp => "regexp",
            Self::Match => "match",
        }
    }
}

/// `left [NOT] LIKE pattern [ESCAPE escape]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Like {
    /// Which operator.
    pub op: LikeOp,
    /// True with `NOT`.
    pub negated: bool,
    /// The text.
    pub left: Expr,
    /// The pattern.
    pub pattern: Expr,
    /// The escape character's expression.
    pub escape: Option<Expr>,
}

/// `operand [NOT] BETWEEN low AND high`.
#[derive(Clone, Debug, PartialEq)]
pub struct Between {
    /// True with `NOT`.
    pub negated: bool,
    /// What is tested.
    pub operand: Expr,
    /// Lower bound.
    pub low: Expr,
    /// Upper bound.
    pub high: Expr,
}

/// `operand [NOT] IN set`.
#[derive(Clone, Debug, PartialEq)]
pub struct In {
    /// True with `NOT`.
    pub negated: bool,
    /// What is looked for.
    pub operand: Expr,
    /// Where it is looked for.
    pub set: InSet,
}

/// The right side of `IN`.
#[derive(Clone, Debug, PartialEq)]
pub enum InSet {
    /// `(a, b, ...)`, also empty.
    List(Vec<Expr>),
    /// `(select)`.
    Select(Box<Select>),
    /// A table, or a table-valued function with its arguments.
    Table {
        /// Its name.
        name: ObjectName,
        /// The arguments, where parentheses follow.
        arguments: Option<Vec<Expr>>,
    },
}

/// `CASE [operand] WHEN .. THEN .. [ELSE ..] END`.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What each `WHEN` is compared with, if given.
    pub operand: Option<Expr>,
    /// `WHEN` and `THEN`, at least one pair.
    pub branches: Vec<(Expr, Expr)>,
    /// `ELSE`.
    pub otherwise: Option<Expr>,
}

/// The type of a column or cast: the source text, blanks as written, without what `GENERATED ALWAYS` would add to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TypeName {
    /// The text, as in `VARCHAR(10)`.
    pub text: EcoString,
    /// Where it stands.
    pub span: Span,
}

impl TypeName {
    /// The type as a column shows it: quotes undone, SQLite's six standard types in capitals.
    ///
    /// Quotes are undone twice as in SQLite: if the ends look like one pair, because the first byte is a quote and no other
    /// follows, both ends are cut, whatever the last byte is; else only what the first quoted word holds is kept.
    #[must_use]
    pub fn declared(&self) -> String {
        const STANDARD: [&str; 6] = ["ANY", "BLOB", "INT", "INTEGER", "REAL", "TEXT"];
        let is_quote = |c: char| matches!(c, '"' | '\'' | '`' | '[');
        let mut text: &str = &self.text;
        let mut inner = text.chars();
        if inner.next().is_some_and(is_quote)
            && inner.next_back().is_some()
            && !inner.as_str().contains(is_quote)
        {
            text = inner.as_str();
        }
        if let Some(standard) = STANDARD
            .iter()
            .find(|standard| standard.eq_ignore_ascii_case(text))
        {
            return (*standard).to_owned();
        }
        match text.chars().next() {
            Some(quote) if is_quote(quote) => first_quoted(text, if quote == '[' { ']' } else { quote }),
            _ => text.to_owned(),
        }
    }
}

/// What stands between the first character and the next `quote`; a doubled one stands for itself.
fn first_quoted(text: &str, quote: char) -> String {
    let mut made = String::new();
    let mut rest = text.chars().skip(1).peekable();
    while let Some(c) = rest.next() {
        if c == quote && rest.next_if_eq(&quote).is_none() {
            break;
        }
        made.push(c);
    }
    made
}

/// A function call.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionCall {
    /// The function's name.
    pub name: Ident,
    /// True with `DISTINCT`.
    pub distinct: bool,
    /// What stands between the parentheses.
    pub arguments: Arguments,
    /// `ORDER BY` among the arguments of an aggregate.
    pub order_by: Vec<OrderingTerm>,
    /// `FILTER (WHERE expr)`.
    pub filter: Option<Expr>,
    /// `OVER`.
    pub over: Option<Over>,
}

/// The arguments of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Arguments {
    /// `(*)`.
    Star,
    /// `(a, b, ...)`, also empty.
    List(Vec<Expr>),
}

/// `OVER name` or `OVER (...)`.
#[derive(Clone, Debug, PartialEq)]
pub enum Over {
    /// A window of the `WINDOW` clause.
    Name(Ident),
    /// A window defined in place.
    Definition(Box<WindowDefinition>),
}

/// `RAISE(IGNORE)` or `RAISE(action, message)`.
#[derive(Clone, Debug, PartialEq)]
pub enum Raise {
    /// Give up the row, silently.
    Ignore,
    /// Fail the statement with a message.
    Fail {
        /// How much is undone.
        action: RaiseAction,
        /// The message; an expression, usually a string literal.
        message: Expr,
    },
}

/// How much `RAISE` undoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RaiseAction {
    /// The transaction.
    Rollback,
    /// The statement.
    Abort,
    /// Nothing of what is already done.
    Fail,
}
