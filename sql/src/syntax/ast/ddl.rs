//! Statements that change the schema.
//!
//! Each `CREATE` carries `definition`: the span from the object's own name (the schema in front of it left out) to
//! the end of the statement. What sqlite_schema stores is `CREATE TABLE `, `CREATE INDEX `, ... followed by that text. As in SQLite
//! the text of an index, and of a table with options, goes on to the semicolon, blanks and comments included; that
//! of a view too, but for the blanks.

use super::{
    ConflictAction, Delete, Expr, Ident, Insert, ObjectName, OrderingTerm, Select, SourceText, Span,
    TypeName, Update,
};
use std::sync::Arc;

/// `CREATE TABLE`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTable {
    /// `TEMP`, `TEMPORARY`.
    pub temporary: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The table's name.
    pub name: ObjectName,
    /// Columns and constraints, or a query.
    pub body: CreateTableBody,
    /// From the name to the end.
    pub definition: Span,
}

/// What a table is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum CreateTableBody {
    /// `(columns, constraints) options`.
    Columns {
        /// The columns, at least one.
        columns: Vec<ColumnDef>,
        /// The constraints of the table.
        constraints: Vec<TableConstraint>,
        /// `WITHOUT ROWID`.
        without_rowid: bool,
        /// `STRICT`.
        strict: bool,
    },
    /// `AS select`.
    Select(Box<Select>),
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDef {
    /// Its name.
    pub name: Ident,
    /// Its declared type, where given.
    pub type_name: Option<TypeName>,
    /// Its constraints, in order.
    pub constraints: Vec<ColumnConstraint>,
    /// From the name to the last token.
    pub span: Span,
}

/// A constraint of a column, with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnConstraint {
    /// `CONSTRAINT name`.
    pub name: Option<Ident>,
    /// What it demands.
    pub kind: ColumnConstraintKind,
    /// From its first token to its last.
    pub span: Span,
}

/// Constraints (and other clauses) of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnConstraintKind {
    /// `PRIMARY KEY`.
    PrimaryKey {
        /// `ASC`, `DESC`.
        direction: Option<super::Direction>,
        /// `ON CONFLICT`.
        on_conflict: Option<ConflictAction>,
        /// `AUTOINCREMENT`.
        autoincrement: bool,
    },
    /// `NOT NULL`.
    NotNull(Option<ConflictAction>),
    /// `NULL`: no effect.
    Null(Option<ConflictAction>),
    /// `UNIQUE`.
    Unique(Option<ConflictAction>),
    /// `CHECK`.
    Check(Check),
    /// `DEFAULT`.
    Default(DefaultValue),
    /// `COLLATE`.
    Collate(Ident),
    /// `REFERENCES`.
    References(ForeignKey),
    /// `[NOT] DEFERRABLE ...`, which belongs to the `REFERENCES` before it.
    Deferrable(Deferrable),
    /// `[GENERATED ALWAYS] AS (expr) [STORED | VIRTUAL]`.
    Generated {
        /// The expression.
        expr: Expr,
        /// The word after it, unchecked: `STORED`, `VIRTUAL` or an error for later.
        storage: Option<Ident>,
    },
    /// `CONSTRAINT name` with nothing that it names.
    Nothing,
}

/// `CHECK (expr)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// The condition.
    pub expr: Expr,
    /// The text between the parentheses, which names the constraint if nothing else does.
    pub text: SourceText,
    /// Where that text stands.
    pub text_span: Span,
    /// `ON CONFLICT`, which the grammar takes and nothing heeds.
    pub on_conflict: Option<ConflictAction>,
}

/// `DEFAULT value`.
#[derive(Clone, Debug, PartialEq)]
pub struct DefaultValue {
    /// The value; a bare word is a string literal.
    pub expr: Expr,
    /// The text as `PRAGMA table_info` shows it, without the parentheses around an expression.
    pub text: SourceText,
    /// Where that text stands.
    pub text_span: Span,
    /// True if the value stands in parentheses.
    pub parenthesized: bool,
}

/// A constraint of a table, with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct TableConstraint {
    /// `CONSTRAINT name`.
    pub name: Option<Ident>,
    /// What it demands.
    pub kind: TableConstraintKind,
    /// From its first token to its last.
    pub span: Span,
}

/// Constraints of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum TableConstraintKind {
    /// `PRIMARY KEY (...)`.
    PrimaryKey {
        /// The columns.
        columns: Vec<OrderingTerm>,
        /// `AUTOINCREMENT`.
        autoincrement: bool,
        /// `ON CONFLICT`.
        on_conflict: Option<ConflictAction>,
    },
    /// `UNIQUE (...)`.
    Unique {
        /// The columns.
        columns: Vec<OrderingTerm>,
        /// `ON CONFLICT`.
        on_conflict: Option<ConflictAction>,
    },
    /// `CHECK`.
    Check(Check),
    /// `FOREIGN KEY (...) REFERENCES ...`.
    ForeignKey {
        /// The columns of this table.
        columns: Vec<Ident>,
        /// What they refer to.
        references: ForeignKey,
        /// `[NOT] DEFERRABLE ...`.
        deferrable: Option<Deferrable>,
    },
    /// `CONSTRAINT name` with nothing that it names.
    Nothing,
}

/// `REFERENCES table (columns) ...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// The parent table.
    pub table: Ident,
    /// Its columns; empty for its primary key.
    pub columns: Vec<Ident>,
    /// `ON DELETE`.
    pub on_delete: Option<ReferenceAction>,
    /// `ON UPDATE`.
    pub on_update: Option<ReferenceAction>,
    /// `MATCH name`: no effect.
    pub match_name: Option<Ident>,
}

/// What happens to children when their parent goes or changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceAction {
    /// `SET NULL`.
    SetNull,
    /// `SET DEFAULT`.
    SetDefault,
    /// `CASCADE`.
    Cascade,
    /// `RESTRICT`.
    Restrict,
    /// `NO ACTION`.
    NoAction,
}

/// `[NOT] DEFERRABLE [INITIALLY DEFERRED | IMMEDIATE]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deferrable {
    /// True with `NOT`.
    pub negated: bool,
    /// `INITIALLY DEFERRED` is `Some(true)`, `INITIALLY IMMEDIATE` `Some(false)`.
    pub initially_deferred: Option<bool>,
}

impl Deferrable {
    /// True if the constraint is checked at commit.
    #[must_use]
    pub fn is_deferred(self) -> bool {
        !self.negated && self.initially_deferred == Some(true)
    }
}

/// `CREATE INDEX`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateIndex {
    /// `UNIQUE`.
    pub unique: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The index's name.
    pub name: ObjectName,
    /// The table.
    pub table: Ident,
    /// Columns and expressions.
    pub columns: Vec<OrderingTerm>,
    /// `WHERE` of a partial index.
    pub selection: Option<Expr>,
    /// From the name to the end.
    pub definition: Span,
}

/// `CREATE VIEW`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateView {
    /// `TEMP`, `TEMPORARY`.
    pub temporary: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The view's name.
    pub name: ObjectName,
    /// The names of its columns, where given.
    pub columns: Vec<Ident>,
    /// Its query.
    pub select: Box<Select>,
    /// From the name to the end.
    pub definition: Span,
}

/// `CREATE TRIGGER`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTrigger {
    /// `TEMP`, `TEMPORARY`.
    pub temporary: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The trigger's name.
    pub name: ObjectName,
    /// When it fires; `None` where nothing is written, which means before.
    pub time: Option<TriggerTime>,
    /// On what.
    pub event: TriggerEvent,
    /// The table or view that it watches.
    pub table: ObjectName,
    /// `FOR EACH ROW`, which is the only way and may be left out.
    pub for_each_row: bool,
    /// `WHEN`.
    pub condition: Option<Expr>,
    /// Its statements, at least one.
    pub body: Vec<TriggerStep>,
    /// From the name to `END`.
    pub definition: Span,
}

impl CreateTrigger {
    /// What is wrong with a trigger that [writes a table of a named database](Self::writes_named_database).
    pub(crate) const WRITES_NAMED_DATABASE: &'static str =
        "qualified table names are not allowed on INSERT, UPDATE, and DELETE statements within triggers";

    /// Whether a statement writes a table whose database is named, which only temporary triggers may.
    #[must_use]
    pub fn writes_named_database(&self) -> bool {
        self.body.iter().any(|step| match step {
            TriggerStep::Insert(insert) => insert.table.schema.is_some(),
            TriggerStep::Update(update) => update.table.schema.is_some(),
            TriggerStep::Delete(delete) => delete.table.schema.is_some(),
            TriggerStep::Select(_) => false,
        })
    }
}

/// When a trigger fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TriggerTime {
    /// `BEFORE`.
    Before,
    /// `AFTER`.
    After,
    /// `INSTEAD OF`.
    InsteadOf,
}

/// On what a trigger fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerEvent {
    /// `DELETE`.
    Delete,
    /// `INSERT`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `UPDATE OF columns`.
    UpdateOf(Vec<Ident>),
}

/// A statement of a trigger.
#[derive(Clone, Debug, PartialEq)]
pub enum TriggerStep {
    /// `INSERT`, `REPLACE`.
    Insert(Box<Insert>),
    /// `UPDATE`.
    Update(Box<Update>),
    /// `DELETE`.
    Delete(Box<Delete>),
    /// `SELECT`.
    Select(Box<Select>),
}

/// `CREATE VIRTUAL TABLE`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateVirtualTable {
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The table's name.
    pub name: ObjectName,
    /// The module.
    pub module: Ident,
    /// The text of each argument, blanks around it cut off.
    pub arguments: Vec<Arc<str>>,
    /// From the name to the end.
    pub definition: Span,
}

/// `DROP`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// What kind of object.
    pub kind: ObjectKind,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// Which.
    pub name: ObjectName,
}

/// Kinds of schema object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// A table.
    Table,
    /// An index.
    Index,
    /// A view.
    View,
    /// A trigger.
    Trigger,
}

/// `ALTER TABLE`.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterTable {
    /// The table.
    pub table: ObjectName,
    /// What is done to it.
    pub action: AlterAction,
}

/// What `ALTER TABLE` does.
#[derive(Clone, Debug, PartialEq)]
pub enum AlterAction {
    /// `RENAME TO name`.
    RenameTo(Ident),
    /// `RENAME [COLUMN] from TO to`.
    RenameColumn {
        /// The old name.
        from: Ident,
        /// The new name.
        to: Ident,
    },
    /// `ADD [COLUMN] definition`. The text that joins the table's SQL is the column's span, which here goes on to the semicolon,
    /// comments included and blanks cut.
    AddColumn(Box<ColumnDef>),
    /// `DROP [COLUMN] name`.
    DropColumn(Ident),
    /// `ADD [CONSTRAINT name] CHECK (...)`.
    AddConstraint(Box<TableConstraint>),
    /// `DROP CONSTRAINT name`.
    DropConstraint(Ident),
    /// `ALTER [COLUMN] name SET NOT NULL`.
    SetNotNull {
        /// The column.
        column: Ident,
        /// `ON CONFLICT`.
        on_conflict: Option<ConflictAction>,
        /// The text of the constraint, from `NOT` to its end.
        span: Span,
    },
    /// `ALTER [COLUMN] name DROP NOT NULL`.
    DropNotNull(Ident),
}
