//! From the tree back to SQL text.
//!
//! The text is canonical: keywords in capitals, one blank between words, `AS` before each alias, only the parentheses that
//! precedence demands. Parsing it gives an equal tree (asserted below over everything that the parser's tests take). It is for
//! statements that are changed as trees (`ALTER TABLE ... RENAME`), for messages, and for tests; what sqlite_schema
//! stores is the text as it was written.
//!
//! Text is bytes, because string literals need not be UTF-8.

mod expression;
mod query;
mod schema;

use super::ast::{
    AlterAction, Assignment, ConflictAction, Delete, Explain, Expr, Ident, Insert, InsertSource, ObjectKind,
    ObjectName, Parameters, Parsed, Pragma, PragmaValueKind, Quote, Select, Statement, TransactionKind,
    Update, Upsert, UpsertAction,
};
use super::lexer::Lexer;
use super::token::TokenKind;

/// The text of a statement, without a semicolon.
///
/// ```
/// use aludel_sql::syntax::{parse_one, render};
/// let parsed = parse_one(b"select a,(b+1)*2 from t where not x is null").unwrap();
/// let text = String::from_utf8(render::statement(&parsed.statement)).unwrap();
/// assert_eq!(text, "SELECT a, (b + 1) * 2 FROM t WHERE NOT x ISNULL");
/// ```
#[must_use]
pub fn statement(statement: &Statement) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.statement(statement);
    writer.text
}

/// The text of a statement with `EXPLAIN` and with the names of its parameters, without a semicolon.
#[must_use]
pub fn parsed(parsed: &Parsed) -> Vec<u8> {
    let mut writer = Writer {
        parameters: Some(&parsed.parameters),
        ..Writer::default()
    };
    match parsed.explain {
        Some(Explain::Plan) => writer.put("EXPLAIN "),
        Some(Explain::QueryPlan) => writer.put("EXPLAIN QUERY PLAN "),
        Some(Explain::Analyze) => writer.put("EXPLAIN ANALYZE "),
        None => {}
    }
    writer.statement(&parsed.statement);
    writer.text
}

/// The text of a query.
#[must_use]
pub fn select(select: &Select) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.select(select);
    writer.text
}

/// The text of an expression.
#[must_use]
pub fn expr(expr: &Expr) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.expr(expr);
    writer.text
}

/// The text of an identifier: in the quotes it was written in, or in double quotes if it needs some.
#[must_use]
pub fn ident(ident: &Ident) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.ident(ident);
    writer.text
}

/// Collects the text.
#[derive(Default)]
struct Writer<'a> {
    text: Vec<u8>,
    /// The names of parameters; without them each is written by number.
    parameters: Option<&'a Parameters>,
    /// The highest number of a parameter so far: a bare `?` means the one after it.
    parameter_max: u32,
}

impl Writer<'_> {
    fn put(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    /// `text` if `condition` holds.
    fn put_if(&mut self, condition: bool, text: &str) {
        if condition {
            self.put(text);
        }
    }

    /// Writes the items with `, ` between.
    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        for (n, item) in items.iter().enumerate() {
            self.put_if(n > 0, ", ");
            write(self, item);
        }
    }

    /// Writes `before` and the item, if there is one.
    fn optional<T>(&mut self, before: &str, item: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        if let Some(item) = item {
            self.put(before);
            write(self, item);
        }
    }

    fn quoted(&mut self, text: &[u8], quote: u8) {
        self.text.push(quote);
        for &byte in text {
            if byte == quote {
                self.text.push(quote);
            }
            self.text.push(byte);
        }
        self.text.push(quote);
    }

    /// An identifier in the quotes that it was written in.
    fn ident(&mut self, ident: &Ident) {
        let text = ident.text.as_bytes();
        match ident.quote() {
            Quote::None if is_bare(text) => self.text.extend_from_slice(text),
            Quote::Bracket if !text.contains(&b']') => {
                self.put("[");
                self.text.extend_from_slice(text);
                self.put("]");
            }
            Quote::Backtick => self.quoted(text, b'`'),
            Quote::Single => self.quoted(text, b'\''),
            _ => self.quoted(text, b'"'),
        }
    }

    fn idents(&mut self, idents: &[Ident]) {
        self.list(idents, Self::ident);
    }

    /// ` (a, b)`, or nothing for no names.
    fn ident_list(&mut self, idents: &[Ident]) {
        if !idents.is_empty() {
            self.put("(");
            self.idents(idents);
            self.put(")");
        }
    }

    fn object_name(&mut self, name: &ObjectName) {
        if let Some(schema) = &name.schema {
            self.ident(schema);
            self.put(".");
        }
        self.ident(&name.name);
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Select(select) => self.select(select),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::CreateTable(create) => self.create_table(create),
            Statement::CreateIndex(create) => self.create_index(create),
            Statement::CreateView(create) => self.create_view(create),
            Statement::CreateTrigger(create) => self.create_trigger(create),
            Statement::CreateVirtualTable(create) => self.create_virtual_table(create),
            Statement::Drop(drop) => {
                self.put("DROP ");
                self.put(object_kind(drop.kind));
                self.put_if(drop.if_exists, " IF EXISTS");
                self.put(" ");
                self.object_name(&drop.name);
            }
            Statement::AlterTable(alter) => {
                self.put("ALTER TABLE ");
                self.object_name(&alter.table);
                self.alter_action(&alter.action);
            }
            Statement::Pragma(pragma) => self.pragma(pragma),
            Statement::Begin(TransactionKind::Deferred) => self.put("BEGIN"),
            Statement::Begin(TransactionKind::Immediate) => self.put("BEGIN IMMEDIATE"),
            Statement::Begin(TransactionKind::Exclusive) => self.put("BEGIN EXCLUSIVE"),
            Statement::Commit => self.put("COMMIT"),
            Statement::Rollback => self.put("ROLLBACK"),
            Statement::Savepoint(name) => self.named("SAVEPOINT ", name),
            Statement::Release(name) => self.named("RELEASE SAVEPOINT ", name),
            Statement::RollbackTo(name) => self.named("ROLLBACK TO SAVEPOINT ", name),
            Statement::Attach(attach) => {
                self.put("ATTACH DATABASE ");
                self.expr(&attach.file);
                self.put(" AS ");
                self.expr(&attach.schema);
                self.optional(" KEY ", attach.key.as_ref(), Self::expr);
            }
            Statement::Detach(schema) => {
                self.put("DETACH DATABASE ");
                self.expr(schema);
            }
            Statement::Vacuum(vacuum) => {
                self.put("VACUUM");
                self.optional(" ", vacuum.schema.as_ref(), Self::ident);
                self.optional(" INTO ", vacuum.into.as_ref(), Self::expr);
            }
            Statement::Analyze(name) => {
                self.put("ANALYZE");
                self.optional(" ", name.as_ref(), Self::object_name);
            }
            Statement::Reindex(name) => {
                self.put("REINDEX");
                self.optional(" ", name.as_ref(), Self::object_name);
            }
        }
    }

    fn named(&mut self, words: &str, name: &Ident) {
        self.put(words);
        self.ident(name);
    }

    fn alter_action(&mut self, action: &AlterAction) {
        match action {
            AlterAction::RenameTo(name) => self.named(" RENAME TO ", name),
            AlterAction::RenameColumn { from, to } => {
                self.named(" RENAME COLUMN ", from);
                self.named(" TO ", to);
            }
            AlterAction::AddColumn(column) => {
                self.put(" ADD COLUMN ");
                self.column_def(column);
            }
            AlterAction::DropColumn(name) => self.named(" DROP COLUMN ", name),
            AlterAction::AddConstraint(constraint) => {
                self.put(" ADD ");
                self.table_constraint(constraint);
            }
            AlterAction::DropConstraint(name) => self.named(" DROP CONSTRAINT ", name),
            AlterAction::SetNotNull {
                column, on_conflict, ..
            } => {
                self.named(" ALTER COLUMN ", column);
                self.put(" SET NOT NULL");
                self.on_conflict(*on_conflict);
            }
            AlterAction::DropNotNull(name) => {
                self.named(" ALTER COLUMN ", name);
                self.put(" DROP NOT NULL");
            }
        }
    }

    fn pragma(&mut self, pragma: &Pragma) {
        self.put("PRAGMA ");
        self.object_name(&pragma.name);
        let Some(value) = &pragma.value else { return };
        self.put(if pragma.parenthesized { "(" } else { " = " });
        let is_keyword = ["on", "delete", "default"]
            .iter()
            .any(|word| value.text.eq_ignore_ascii_case(word));
        if value.kind == PragmaValueKind::Number || is_keyword {
            self.put(&value.text);
        } else {
            self.ident(&Ident::new(value.text.clone()));
        }
        self.put_if(pragma.parenthesized, ")");
    }

    fn insert(&mut self, insert: &Insert) {
        self.with(insert.with.as_deref());
        self.put("INSERT ");
        self.or_action(insert.or);
        self.put("INTO ");
        self.object_name(&insert.table);
        self.optional(" AS ", insert.alias.as_ref(), Self::ident);
        self.ident_list(&insert.columns);
        match &insert.source {
            InsertSource::Select(select) => {
                self.put(" ");
                self.select(select);
            }
            InsertSource::DefaultValues => self.put(" DEFAULT VALUES"),
        }
        for upsert in &insert.upserts {
            self.upsert(upsert);
        }
        self.returning(&insert.returning);
    }

    fn or_action(&mut self, action: Option<ConflictAction>) {
        if let Some(action) = action {
            self.put("OR ");
            self.put(conflict_action(action));
            self.put(" ");
        }
    }

    fn upsert(&mut self, upsert: &Upsert) {
        self.put(" ON CONFLICT");
        if let Some(target) = &upsert.target {
            self.put("(");
            self.ordering_terms(&target.columns);
            self.put(")");
            self.optional(" WHERE ", target.selection.as_ref(), Self::expr);
        }
        match &upsert.action {
            UpsertAction::Nothing => self.put(" DO NOTHING"),
            UpsertAction::Update {
                assignments,
                selection,
            } => {
                self.put(" DO UPDATE SET ");
                self.assignments(assignments);
                self.optional(" WHERE ", selection.as_ref(), Self::expr);
            }
        }
    }

    fn assignments(&mut self, assignments: &[Assignment]) {
        self.list(assignments, |writer, assignment| {
            writer.put_if(assignment.row, "(");
            writer.idents(&assignment.columns);
            writer.put_if(assignment.row, ")");
            writer.put(" = ");
            writer.expr(&assignment.value);
        });
    }

    fn update(&mut self, update: &Update) {
        self.with(update.with.as_deref());
        self.put("UPDATE ");
        self.or_action(update.or);
        self.object_name(&update.table);
        self.optional(" AS ", update.alias.as_ref(), Self::ident);
        self.indexed(update.indexed.as_ref());
        self.put(" SET ");
        self.assignments(&update.assignments);
        self.optional(" FROM ", update.from.as_ref(), Self::joined_tables);
        self.optional(" WHERE ", update.selection.as_ref(), Self::expr);
        self.returning(&update.returning);
        self.order_and_limit(&update.order_by, update.limit.as_deref());
    }

    fn delete(&mut self, delete: &Delete) {
        self.with(delete.with.as_deref());
        self.put("DELETE FROM ");
        self.object_name(&delete.table);
        self.optional(" AS ", delete.alias.as_ref(), Self::ident);
        self.indexed(delete.indexed.as_ref());
        self.optional(" WHERE ", delete.selection.as_ref(), Self::expr);
        self.returning(&delete.returning);
        self.order_and_limit(&delete.order_by, delete.limit.as_deref());
    }
}

/// True if `text` lexes as one token that can be a name: a word that is no keyword, or a keyword that can be a name too. The
/// window words count, since they are keywords only in company.
fn is_bare(text: &[u8]) -> bool {
    let token = Lexer::new(text, 0).next_token();
    let is_name = token.kind.is_name()
        || matches!(
            token.kind,
            TokenKind::Window | TokenKind::Over | TokenKind::Filter
        );
    let is_word = !matches!(text.first(), None | Some(b'"' | b'\'' | b'[' | b'`'));
    is_name && is_word && token.start == 0 && token.end as usize == text.len()
}

fn object_kind(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Table => "TABLE",
        ObjectKind::Index => "INDEX",
        ObjectKind::View => "VIEW",
        ObjectKind::Trigger => "TRIGGER",
    }
}

fn conflict_action(action: ConflictAction) -> &'static str {
    match action {
        ConflictAction::Rollback => "ROLLBACK",
        ConflictAction::Abort => "ABORT",
        ConflictAction::Fail => "FAIL",
        ConflictAction::Ignore => "IGNORE",
        ConflictAction::Replace => "REPLACE",
    }
}

#[cfg(test)]
mod tests;
