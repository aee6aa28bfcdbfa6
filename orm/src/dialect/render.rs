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

use super::{CompileError, Dialect, Feature, InsensitiveLike, push_number};
use crate::expr::{
    BinaryOp, CompoundOp, ConflictAction, Cte, Delete, FrameBound, FromItem, Function, Insert, InsertRows,
    JoinKind, LikeCase, Node, Nulls, OnConflict, OrderTerm, Output, RawPiece, Relation, Select, SourceId,
    Statement, UnaryOp, Update, Window,
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

    // --- statements ----------------------------------------------------------------------------------------------

    fn select(&mut self, select: &'s Select) -> Done {
        let outer = self.scope.len();
        self.ctes(&select.ctes)?;
        self.select_core(select)?;
        for compound in &select.compound {
            self.push(match compound.op {
                CompoundOp::Union => " UNION ",
                CompoundOp::UnionAll => " UNION ALL ",
                CompoundOp::Intersect => " INTERSECT ",
                CompoundOp::Except => " EXCEPT ",
            });
            let inner = self.scope.len();
            self.scope.truncate(outer + select.ctes.len());
            self.select_core(&compound.select)?;
            self.scope.truncate(inner);
        }
        self.order_and_limit(select)?;
        self.scope.truncate(outer);
        Ok(())
    }

    fn select_core(&mut self, select: &'s Select) -> Done {
        select.from.iter().for_each(|item| self.enter(item));
        self.push(if select.distinct {
            "SELECT DISTINCT "
        } else {
            "SELECT "
        });
        if select.columns.is_empty() {
            self.push("1");
        }
        self.list(&select.columns, Self::output)?;
        for (i, item) in select.from.iter().enumerate() {
            self.source(item, i == 0)?;
        }
        self.condition(" WHERE ", select.filter.as_ref())?;
        if !select.group.is_empty() {
            self.push(" GROUP BY ");
            self.list(&select.group, |r, node| r.node(node, Level::Or))?;
        }
        self.condition(" HAVING ", select.having.as_ref())
    }

    fn ctes(&mut self, ctes: &'s [Cte]) -> Done {
        if ctes.is_empty() {
            return Ok(());
        }
        self.push(if ctes.iter().any(|cte| cte.recursive) {
            "WITH RECURSIVE "
        } else {
            "WITH "
        });
        for (i, cte) in ctes.iter().enumerate() {
            let name = self.unused_name("cte");
            self.scope.push(Scoped {
                source: cte.source,
                name: name.clone(),
            });
            if i > 0 {
                self.push(", ");
            }
            self.name(&name)?;
            self.push(" (");
            self.list(&cte.columns, |r, column| r.name(column))?;
            self.push(") AS (");
            self.select(&cte.select)?;
            self.push(")");
        }
        self.push(" ");
        Ok(())
    }

    /// Gives a source its name: the table's own where it is free, else with a number after it.
    fn enter(&mut self, item: &FromItem) {
        let base = match &item.relation {
            Relation::Table { name, .. } => name.as_ref(),
            Relation::Select(_) => "sub",
            Relation::Cte(_) => "c",
        };
        let name = self.unused_name(base);
        self.scope.push(Scoped {
            source: item.source,
            name,
        });
    }

    fn unused_name(&self, base: &str) -> String {
        let taken = |name: &str| self.scope.iter().any(|s| s.name == name);
        if !taken(base) {
            return base.to_owned();
        }
        (2_u32..)
            .map(|n| format!("{base}_{n}"))
            .find(|name| !taken(name))
            .unwrap_or_default()
    }

    fn scoped_name(&self, source: SourceId) -> Option<&str> {
        self.scope
            .iter()
            .rev()
            .find(|s| s.source == source)
            .map(|s| s.name.as_str())
    }

    fn source(&mut self, item: &'s FromItem, first: bool) -> Done {
        match &item.join {
            _ if first => self.push(" FROM "),
            None => self.push(", "),
            Some(join) => self.push(match join.kind {
                JoinKind::Inner => " JOIN ",
                JoinKind::Left => " LEFT JOIN ",
                JoinKind::Cross => " CROSS JOIN ",
            }),
        }
        let name = self.scoped_name(item.source).unwrap_or_default().to_owned();
        match &item.relation {
            Relation::Table { name: table, .. } => {
                self.relation(&item.relation)?;
                if *table != name {
                    self.push(" AS ");
                    self.name(&name)?;
                }
            }
            Relation::Cte(cte) => {
                let Some(cte) = self.scoped_name(*cte).map(str::to_owned) else {
                    return Err(CompileError::Malformed(
                        "a common table expression is used outside of its query",
                    ));
                };
                self.name(&cte)?;
                self.push(" AS ");
                self.name(&name)?;
            }
            Relation::Select(select) => {
                self.push("(");
                // A subquery in FROM sees the sources around the query, but not those beside it.
                let beside: Vec<Scoped> = self.scope.drain(..).collect();
                self.select(select)?;
                self.scope = beside;
                self.push(") AS ");
                self.name(&name)?;
            }
        }
        if let Some(on) = item.join.as_ref().and_then(|join| join.on.as_ref()) {
            self.push(" ON ");
            self.node(on, Level::Or)?;
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

    fn order_and_limit(&mut self, select: &'s Select) -> Done {
        if !select.order.is_empty() {
            self.push(" ORDER BY ");
            self.order(&select.order)?;
        }
        match (&select.limit, &select.offset) {
            (Some(limit), _) => {
                self.push(" LIMIT ");
                self.node(limit, Level::Or)?;
            }
            (None, Some(_)) => {
                if let Some(unlimited) = self.dialect.unlimited() {
                    self.push(" LIMIT ");
                    self.push(unlimited);
                }
            }
            (None, None) => {}
        }
        self.condition(" OFFSET ", select.offset.as_ref())
    }

    fn order(&mut self, terms: &'s [OrderTerm]) -> Done {
        self.list(terms, |r, term| {
            r.node(&term.node, Level::Or)?;
            if term.descending {
                r.push(" DESC");
            }
            if let Some(nulls) = term.nulls {
                r.need(Feature::NullsOrder, "NULLS FIRST or NULLS LAST")?;
                r.push(if nulls == Nulls::First {
                    " NULLS FIRST"
                } else {
                    " NULLS LAST"
                });
            }
            Ok(())
        })
    }

    fn insert(&mut self, insert: &'s Insert) -> Done {
        self.push("INSERT INTO ");
        self.relation(&insert.table)?;
        if insert.columns.is_empty() {
            self.push(" DEFAULT VALUES");
        } else {
            self.push(" (");
            self.list(&insert.columns, |r, column| r.name(column))?;
            self.push(")");
            self.insert_rows(insert)?;
        }
        self.enter_table(insert.source, &insert.table);
        if let Some(conflict) = &insert.conflict {
            self.on_conflict(conflict)?;
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

    fn on_conflict(&mut self, conflict: &'s OnConflict) -> Done {
        self.need(Feature::OnConflict, "ON CONFLICT")?;
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

    fn update(&mut self, update: &'s Update) -> Done {
        self.push("UPDATE ");
        self.relation(&update.table)?;
        self.enter_table(update.source, &update.table);
        self.push(" SET ");
        self.list(&update.assignments, |r, assignment| {
            r.name(&assignment.column)?;
            r.push(" = ");
            r.node(&assignment.value, Level::Or)
        })?;
        self.condition(" WHERE ", update.filter.as_ref())?;
        self.returning(&update.returning)
    }

    fn delete(&mut self, delete: &'s Delete) -> Done {
        self.push("DELETE FROM ");
        self.relation(&delete.table)?;
        self.enter_table(delete.source, &delete.table);
        self.condition(" WHERE ", delete.filter.as_ref())?;
        self.returning(&delete.returning)
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

    // --- expressions ---------------------------------------------------------------------------------------------

    fn node(&mut self, node: &'s Node, place: Level) -> Done {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(CompileError::TooDeep { max: DEPTH_MAX });
        }
        let parenthesized = level(node) < place;
        if parenthesized {
            self.push("(");
        }
        self.bare_node(node)?;
        if parenthesized {
            self.push(")");
        }
        self.depth -= 1;
        Ok(())
    }

    fn bare_node(&mut self, node: &'s Node) -> Done {
        match node {
            Node::Column { source, name } => self.column(*source, name),
            Node::Value(value) => self.value(value),
            Node::Constant(number) => {
                if *number < 0 {
                    self.push("-");
                }
                push_number(number.unsigned_abs(), &mut self.sql);
                Ok(())
            }
            Node::Unary {
                op: UnaryOp::Not,
                operand,
            } => {
                self.push("NOT ");
                self.node(operand, Level::Compare)
            }
            Node::Unary {
                op: UnaryOp::Minus,
                operand,
            } => {
                self.push("-");
                self.node(operand, Level::Primary)
            }
            Node::Binary { op, left, right } => self.binary(*op, left, right),
            Node::Logic { all, parts } => self.logic(*all, parts),
            Node::Like {
                operand,
                pattern,
                case,
                escape,
                negated,
            } => {
                self.like(operand, pattern, *case, *negated)?;
                if *escape {
                    self.push(" ESCAPE '\\'");
                }
                Ok(())
            }
            Node::InList {
                operand,
                list,
                negated,
            } => self.in_list(operand, list, *negated),
            Node::InSelect {
                operand,
                select,
                negated,
            } => {
                self.node(operand, Level::Concat)?;
                self.push(if *negated { " NOT IN " } else { " IN " });
                self.subquery(select)
            }
            Node::Between {
                operand,
                low,
                high,
                negated,
            } => {
                self.node(operand, Level::Concat)?;
                self.push(if *negated { " NOT BETWEEN " } else { " BETWEEN " });
                self.node(low, Level::Concat)?;
                self.push(" AND ");
                self.node(high, Level::Concat)
            }
            Node::IsNull { operand, negated } => {
                self.node(operand, Level::Concat)?;
                self.push(if *negated { " IS NOT NULL" } else { " IS NULL" });
                Ok(())
            }
            Node::Exists(select) => {
                self.push("EXISTS ");
                self.subquery(select)
            }
            Node::Scalar(select) => self.subquery(select),
            Node::Function(function) => self.function(function),
            Node::Case {
                operand,
                branches,
                otherwise,
            } => self.case(operand.as_deref(), branches, otherwise.as_deref()),
            Node::Cast { operand, kind } => {
                self.push("CAST(");
                self.node(operand, Level::Or)?;
                self.push(" AS ");
                let name = self.dialect.type_name(*kind);
                self.push(&name);
                self.push(")");
                Ok(())
            }
            Node::Collate { operand, collation } => {
                self.node(operand, Level::Primary)?;
                self.push(" COLLATE ");
                self.name(collation)
            }
            Node::Row(parts) => {
                self.push("(");
                self.list(parts, |r, part| r.node(part, Level::Or))?;
                self.push(")");
                Ok(())
            }
            Node::Now => {
                let now = self.dialect.now();
                self.push(now);
                Ok(())
            }
            Node::Raw(pieces) => self.raw(pieces),
        }
    }

    fn column(&mut self, source: SourceId, column: &str) -> Done {
        let Some(name) = self.scoped_name(source) else {
            return Err(CompileError::ForeignColumn {
                column: column.to_owned(),
            });
        };
        if self.scope.len() > 1 {
            let name = name.to_owned();
            self.name(&name)?;
            self.push(".");
        }
        self.name(column)
    }

    fn value(&mut self, value: &'s Value<'static>) -> Done {
        self.params.push(value);
        self.dialect.push_placeholder(self.params.len(), &mut self.sql);
        Ok(())
    }

    fn binary(&mut self, op: BinaryOp, left: &'s Node, right: &'s Node) -> Done {
        // (text, least level on the left, least level on the right): the right side of a chain needs parentheses.
        let (text, on_left, on_right) = match op {
            BinaryOp::Eq => (" = ", Level::Concat, Level::Concat),
            BinaryOp::Ne => (" <> ", Level::Concat, Level::Concat),
            BinaryOp::Lt => (" < ", Level::Concat, Level::Concat),
            BinaryOp::Le => (" <= ", Level::Concat, Level::Concat),
            BinaryOp::Gt => (" > ", Level::Concat, Level::Concat),
            BinaryOp::Ge => (" >= ", Level::Concat, Level::Concat),
            BinaryOp::Is => (self.dialect.null_safe_equal(false), Level::Concat, Level::Concat),
            BinaryOp::IsNot => (self.dialect.null_safe_equal(true), Level::Concat, Level::Concat),
            BinaryOp::Concat => (" || ", Level::Unary, Level::Unary),
            BinaryOp::Add => (" + ", Level::Add, Level::Multiply),
            BinaryOp::Subtract => (" - ", Level::Add, Level::Multiply),
            BinaryOp::Multiply => (" * ", Level::Multiply, Level::Unary),
            BinaryOp::Divide => (" / ", Level::Multiply, Level::Unary),
            BinaryOp::Remainder => (" % ", Level::Multiply, Level::Unary),
        };
        self.node(left, on_left)?;
        self.push(text);
        self.node(right, on_right)
    }

    fn logic(&mut self, all: bool, parts: &'s [Node]) -> Done {
        if parts.is_empty() {
            let text = self.dialect.boolean(all);
            self.push(text);
            return Ok(());
        }
        let (keyword, place) = if all {
            (" AND ", Level::Not)
        } else {
            (" OR ", Level::And)
        };
        // One part alone keeps the place's own needs: its level is asked for in `level`.
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                self.push(keyword);
            }
            self.node(part, place)?;
        }
        Ok(())
    }

    fn like(&mut self, operand: &'s Node, pattern: &'s Node, case: LikeCase, negated: bool) -> Done {
        let style = match case {
            LikeCase::Backend => InsensitiveLike::Like,
            LikeCase::Insensitive => self.dialect.insensitive_like(),
        };
        let lower = style == InsensitiveLike::Lower;
        let side = |r: &mut Self, node| {
            if !lower {
                return r.node(node, Level::Concat);
            }
            r.push("lower(");
            r.node(node, Level::Or)?;
            r.push(")");
            Ok(())
        };
        side(self, operand)?;
        self.push(if negated { " NOT" } else { "" });
        self.push(if style == InsensitiveLike::Ilike {
            " ILIKE "
        } else {
            " LIKE "
        });
        side(self, pattern)
    }

    fn in_list(&mut self, operand: &'s Node, list: &'s [Node], negated: bool) -> Done {
        if list.is_empty() {
            // Not every backend takes `IN ()`.
            let text = self.dialect.boolean(negated);
            self.push(text);
            return Ok(());
        }
        self.node(operand, Level::Concat)?;
        self.push(if negated { " NOT IN (" } else { " IN (" });
        self.list(list, |r, node| r.node(node, Level::Or))?;
        self.push(")");
        Ok(())
    }

    fn subquery(&mut self, select: &'s Select) -> Done {
        self.push("(");
        self.select(select)?;
        self.push(")");
        Ok(())
    }

    fn function(&mut self, function: &'s Function) -> Done {
        if function.name.is_empty() {
            let what = if function.over.is_some() {
                "`.over(..)`"
            } else {
                "`.filter_where(..)`"
            };
            return Err(CompileError::NotAFunction { what });
        }
        if !function
            .name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
        {
            let why = "a function's name has only letters, digits, `_` and `.`";
            return Err(CompileError::BadName {
                name: function.name.to_string(),
                why,
            });
        }
        let name = self.dialect.function_name(&function.name);
        self.push(&name);
        self.push(if function.distinct { "(DISTINCT " } else { "(" });
        if function.star {
            self.push("*");
        }
        self.list(&function.arguments, |r, argument| r.node(argument, Level::Or))?;
        if !function.order.is_empty() {
            self.push(" ORDER BY ");
            self.order(&function.order)?;
        }
        self.push(")");
        if let Some(filter) = &function.filter {
            self.need(Feature::AggregateFilter, "FILTER on aggregates")?;
            self.push(" FILTER (WHERE ");
            self.node(filter, Level::Or)?;
            self.push(")");
        }
        match &function.over {
            Some(window) => self.window(window),
            None => Ok(()),
        }
    }

    fn window(&mut self, window: &'s Window) -> Done {
        self.need(Feature::Window, "window functions")?;
        self.push(" OVER (");
        if !window.partition.is_empty() {
            self.push("PARTITION BY ");
            self.list(&window.partition, |r, node| r.node(node, Level::Or))?;
        }
        if !window.order.is_empty() {
            self.push(if window.partition.is_empty() {
                "ORDER BY "
            } else {
                " ORDER BY "
            });
            self.order(&window.order)?;
        }
        if let Some((unit, from, to)) = window.frame {
            self.push(" ");
            self.push(unit);
            self.push(" BETWEEN ");
            self.frame_bound(from);
            self.push(" AND ");
            self.frame_bound(to);
        }
        self.push(")");
        Ok(())
    }

    fn frame_bound(&mut self, bound: FrameBound) {
        match bound {
            FrameBound::UnboundedPreceding => self.push("UNBOUNDED PRECEDING"),
            FrameBound::UnboundedFollowing => self.push("UNBOUNDED FOLLOWING"),
            FrameBound::CurrentRow => self.push("CURRENT ROW"),
            FrameBound::Preceding(n) => {
                push_number(u64::from(n), &mut self.sql);
                self.push(" PRECEDING");
            }
            FrameBound::Following(n) => {
                push_number(u64::from(n), &mut self.sql);
                self.push(" FOLLOWING");
            }
        }
    }

    fn case(
        &mut self,
        operand: Option<&'s Node>,
        branches: &'s [(Node, Node)],
        otherwise: Option<&'s Node>,
    ) -> Done {
        if branches.is_empty() {
            return Err(CompileError::Malformed("a CASE needs at least one `.when(..)`"));
        }
        self.push("CASE");
        if let Some(operand) = operand {
            self.push(" ");
            self.node(operand, Level::Or)?;
        }
        for (condition, value) in branches {
            self.push(" WHEN ");
            self.node(condition, Level::Or)?;
            self.push(" THEN ");
            self.node(value, Level::Or)?;
        }
        if let Some(otherwise) = otherwise {
            self.push(" ELSE ");
            self.node(otherwise, Level::Or)?;
        }
        self.push(" END");
        Ok(())
    }

    fn raw(&mut self, pieces: &'s [RawPiece]) -> Done {
        self.push("(");
        for piece in pieces {
            match piece {
                RawPiece::Text(text) => self.push(text),
                RawPiece::Node(node) => self.node(node, Level::Primary)?,
            }
        }
        self.push(")");
        Ok(())
    }
}

fn level(node: &Node) -> Level {
    match node {
        Node::Logic { parts, .. } if parts.len() < 2 => parts.first().map_or(Level::Primary, level),
        Node::Logic { all: true, .. } => Level::And,
        Node::Logic { all: false, .. } => Level::Or,
        Node::Unary { op: UnaryOp::Not, .. } => Level::Not,
        Node::Unary {
            op: UnaryOp::Minus, ..
        }
        | Node::Collate { .. } => Level::Unary,
        Node::Binary { op, .. } => match op {
            BinaryOp::Add | BinaryOp::Subtract => Level::Add,
            BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => Level::Multiply,
            BinaryOp::Concat => Level::Concat,
            _ => Level::Compare,
        },
        Node::InList { list, .. } if list.is_empty() => Level::Primary,
        Node::Like { .. }
        | Node::InList { .. }
        | Node::InSelect { .. }
        | Node::Between { .. }
        | Node::IsNull { .. } => Level::Compare,
        Node::Constant(number) if *number < 0 => Level::Unary,
        _ => Level::Primary,
    }
}
