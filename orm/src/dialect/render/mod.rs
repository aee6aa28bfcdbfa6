//! The renderer: a statement's tree written as text, for any dialect.
//!
//! Names of sources are chosen here, by their place in the statement and not by when they were made, so the same query
//! always gives the same text and finds its compiled statement in the cache. A column is written without its table
//! where only one source is in scope.
//!
//! Invariants:
//! I1. Every value becomes a placeholder; only names, keywords and [`Node::Constant`] are text. (`Renderer::value`)
//! I2. `params[i]` belongs to placeholder `i + 1`. (`Renderer::value`)
//! I3. A column is only written if its source is in scope. (`Renderer::column`)

mod expression;
mod select;

use super::{CompileError, Conflicts, Dialect, Feature, WriteJoin};
use crate::expr::{
    ConflictAction, Cte, Delete, FromItem, Insert, InsertRows, Name, Node, OnConflict, Output, Relation,
    SourceId, Statement, Update,
};
use crate::types::Value;

/// A statement ready to be prepared: its text, and the values of its placeholders in order.
#[derive(Debug)]
pub(crate) struct Rendered<'s> {
    pub(crate) sql: String,
    pub(crate) params: Vec<&'s Value<'static>>,
}

/// Writes a statement.
pub(crate) fn render<'s>(
    statement: Statement<'s>,
    dialect: &dyn Dialect,
) -> Result<Rendered<'s>, CompileError> {
    let mut renderer = Renderer::new(dialect);
    match statement {
        Statement::Select(select) => renderer.select(select)?,
        Statement::Insert(insert) => renderer.insert(insert)?,
        Statement::Update(update) => renderer.update(update)?,
        Statement::Delete(delete) => renderer.delete(delete)?,
    }
    Ok(Rendered {
        sql: renderer.sql,
        params: renderer.params,
    })
}

/// The deepest expression that is rendered.
const DEPTH_MAX: usize = 1_000;

/// How tightly an expression binds, loosest first. An operand that binds looser than its place allows gets parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Not,
    Compare,
    Concat,
    Add,
    Multiply,
    Unary,
    Primary,
}

struct Scoped {
    source: SourceId,
    name: String,
}

struct Renderer<'d, 's> {
    dialect: &'d dyn Dialect,
    sql: String,
    params: Vec<&'s Value<'static>>,
    /// The sources that may be named here: those of this select and of the ones around it.
    scope: Vec<Scoped>,
    /// The common table expressions of the outermost select, as far as they are known.
    ctes: Vec<Scoped>,
    /// Those of them that came up while the select was written, each after those it uses.
    found: Vec<&'s Cte>,
    /// How many selects are being written, one inside of the other.
    selects: usize,
    depth: usize,
}

type Done = Result<(), CompileError>;

impl<'d, 's> Renderer<'d, 's> {
    fn new(dialect: &'d dyn Dialect) -> Renderer<'d, 's> {
        Renderer {
            dialect,
            sql: String::with_capacity(128),
            params: Vec::new(),
            scope: Vec::new(),
            ctes: Vec::new(),
            found: Vec::new(),
            selects: 0,
            depth: 0,
        }
    }

    fn push(&mut self, text: &str) {
        self.sql.push_str(text);
    }

    fn name(&mut self, name: &str) -> Done {
        if name.contains('\0') {
            return Err(CompileError::BadName {
                name: name.into(),
                why: "it contains a NUL character",
            });
        }
        self.dialect.push_name(name, &mut self.sql);
        Ok(())
    }

    fn need(&self, feature: Feature, what: &'static str) -> Done {
        if self.dialect.supports(feature) {
            Ok(())
        } else {
            Err(CompileError::Unsupported {
                dialect: self.dialect.name(),
                what,
            })
        }
    }

    fn list<T>(&mut self, items: &'s [T], mut each: impl FnMut(&mut Self, &'s T) -> Done) -> Done {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            each(self, item)?;
        }
        Ok(())
    }

    fn relation(&mut self, relation: &Relation) -> Done {
        match relation {
            Relation::Table { schema, name } => {
                if let Some(schema) = schema {
                    self.name(schema)?;
                    self.push(".");
                }
                self.name(name)
            }
            _ => Err(CompileError::Malformed("only a table can be written to")),
        }
    }

    fn output(&mut self, output: &'s Output) -> Done {
        self.node(&output.node, Level::Or)?;
        if let Some(label) = &output.label {
            self.push(" AS ");
            self.name(label)?;
        }
        Ok(())
    }

    fn condition(&mut self, keyword: &str, condition: Option<&'s Node>) -> Done {
        let Some(node) = condition else { return Ok(()) };
        self.push(keyword);
        self.node(node, Level::Or)
    }

    fn insert(&mut self, insert: &'s Insert) -> Done {
        self.push("INSERT INTO ");
        self.relation(&insert.table)?;
        if insert.columns.is_empty() {
            let row = self.dialect.default_row();
            self.push(row);
        } else {
            self.push(" (");
            self.list(&insert.columns, |r, column| r.name(column))?;
            self.push(")");
            self.insert_rows(insert)?;
        }
        self.enter_table(insert.source, &insert.table);
        if let Some(conflict) = &insert.conflict {
            self.on_conflict(conflict, &insert.columns)?;
        }
        self.returning(&insert.returning)
    }

    fn insert_rows(&mut self, insert: &'s Insert) -> Done {
        let width = insert.columns.len();
        match &insert.rows {
            InsertRows::Placeholders => {
                self.push(" VALUES (");
                for i in 1..=width {
                    if i > 1 {
                        self.push(", ");
                    }
                    self.dialect.push_placeholder(i, &mut self.sql);
                }
                self.push(")");
                Ok(())
            }
            InsertRows::Values { values, .. } => {
                self.push(" VALUES ");
                for (i, row) in values.chunks(width).enumerate() {
                    self.push(if i > 0 { ", (" } else { "(" });
                    self.list(row, |r, value| r.value(value))?;
                    self.push(")");
                }
                Ok(())
            }
            InsertRows::Select(select) => {
                self.push(" ");
                self.select(select)
            }
        }
    }

    fn on_conflict(&mut self, conflict: &'s OnConflict, columns: &'s [Name]) -> Done {
        match self.dialect.conflicts() {
            Conflicts::OnConflict => {}
            Conflicts::OnDuplicateKey => return self.on_duplicate_key(conflict, columns),
            Conflicts::None => {
                return Err(CompileError::Unsupported {
                    dialect: self.dialect.name(),
                    what: "ON CONFLICT",
                });
            }
        }
        self.push(" ON CONFLICT");
        if !conflict.target.is_empty() {
            self.push(" (");
            self.list(&conflict.target, |r, column| r.name(column))?;
            self.push(")");
        }
        match &conflict.action {
            ConflictAction::Nothing => {
                self.push(" DO NOTHING");
                Ok(())
            }
            ConflictAction::Update { assignments, filter } => {
                self.scope.push(Scoped {
                    source: SourceId::EXCLUDED,
                    name: "excluded".to_owned(),
                });
                self.push(" DO UPDATE SET ");
                self.list(assignments, |r, assignment| {
                    r.name(&assignment.column)?;
                    r.push(" = ");
                    r.node(&assignment.value, Level::Or)
                })?;
                self.condition(" WHERE ", filter.as_ref())?;
                self.scope.pop();
                Ok(())
            }
        }
    }

    fn on_duplicate_key(&mut self, conflict: &'s OnConflict, columns: &'s [Name]) -> Done {
        self.push(" ON DUPLICATE KEY UPDATE ");
        match &conflict.action {
            // A column that is set to itself changes nothing.
            ConflictAction::Nothing => {
                let Some(column) = conflict.target.first().or(columns.first()) else {
                    return Err(CompileError::Malformed(
                        "an INSERT without columns has no conflicts",
                    ));
                };
                self.name(column)?;
                self.push(" = ");
                self.name(column)
            }
            // Assignments see what those before them did, and so would the condition.
            ConflictAction::Update {
                assignments,
                filter: Some(_),
            } if assignments.len() > 1 => Err(CompileError::Unsupported {
                dialect: self.dialect.name(),
                what: "condition on an upsert of several columns",
            }),
            ConflictAction::Update { assignments, filter } => self.list(assignments, |r, assignment| {
                r.name(&assignment.column)?;
                r.push(" = ");
                let Some(filter) = filter else {
                    return r.node(&assignment.value, Level::Or);
                };
                r.push("CASE WHEN ");
                r.node(filter, Level::Or)?;
                r.push(" THEN ");
                r.node(&assignment.value, Level::Or)?;
                r.push(" ELSE ");
                r.name(&assignment.column)?;
                r.push(" END");
                Ok(())
            }),
        }
    }

    fn update(&mut self, update: &'s Update) -> Done {
        self.push("UPDATE ");
        self.relation(&update.table)?;
        self.enter_table(update.source, &update.table);
        update.using.iter().for_each(|item| self.enter(item));
        let joined = self.dialect.write_join() == WriteJoin::Join && update.using.is_some();
        if let Some(item) = update.using.as_ref().filter(|_| joined) {
            self.source(item, false)?;
        }
        self.push(" SET ");
        self.list(&update.assignments, |r, assignment| {
            if joined {
                r.relation(&update.table)?;
                r.push(".");
            }
            r.name(&assignment.column)?;
            r.push(" = ");
            r.node(&assignment.value, Level::Or)
        })?;
        match update.using.as_ref().filter(|_| !joined) {
            Some(item) => self.using(" FROM ", item, update.filter.as_ref())?,
            None => self.condition(" WHERE ", update.filter.as_ref())?,
        }
        self.returning(&update.returning)
    }

    fn delete(&mut self, delete: &'s Delete) -> Done {
        self.push("DELETE ");
        let Some(item) = &delete.using else {
            self.push("FROM ");
            self.relation(&delete.table)?;
            self.enter_table(delete.source, &delete.table);
            self.condition(" WHERE ", delete.filter.as_ref())?;
            return self.returning(&delete.returning);
        };
        let filter = delete.filter.as_ref();
        let join = self.dialect.write_join();
        if join == WriteJoin::Join {
            self.relation(&delete.table)?;
            self.push(" ");
        }
        self.push("FROM ");
        self.relation(&delete.table)?;
        self.enter_table(delete.source, &delete.table);
        self.enter(item);
        match join {
            WriteJoin::From => self.using(" USING ", item, filter)?,
            WriteJoin::FromOrExists => {
                self.push(" WHERE EXISTS (SELECT 1");
                self.using(" FROM ", item, filter)?;
                self.push(")");
            }
            WriteJoin::Join => {
                self.source(item, false)?;
                self.condition(" WHERE ", filter)?;
            }
        }
        // RETURNING sees the table alone.
        if join == WriteJoin::FromOrExists {
            self.scope.pop();
        }
        self.returning(&delete.returning)
    }

    /// A second source, and the condition that joins it as a part of WHERE.
    fn using(&mut self, keyword: &str, item: &'s FromItem, filter: Option<&'s Node>) -> Done {
        self.push(keyword);
        self.bare_source(item)?;
        let on = item.join.as_ref().and_then(|join| join.on.as_ref());
        for (i, condition) in on.into_iter().chain(filter).enumerate() {
            self.push(if i == 0 { " WHERE " } else { " AND " });
            self.node(condition, Level::And)?;
        }
        Ok(())
    }

    fn enter_table(&mut self, source: SourceId, table: &Relation) {
        if let Relation::Table { name, .. } = table {
            self.scope.push(Scoped {
                source,
                name: name.as_ref().to_owned(),
            });
        }
    }

    fn returning(&mut self, columns: &'s [Output]) -> Done {
        if columns.is_empty() {
            return Ok(());
        }
        self.need(Feature::Returning, "RETURNING")?;
        self.push(" RETURNING ");
        self.list(columns, Self::output)
    }
}
