//! ALTER TABLE .. ADD and DROP CONSTRAINT, ALTER COLUMN .. SET and DROP NOT NULL: constraints that come and go without the rows being written.
//!
//! The text of the table changes by the words of the constraint, and the rest of it stays as it is written. Before a constraint comes, the
//! rows that are there are looked through; one that breaks it is an error, and nothing changes.

use std::sync::Arc;

use super::Definer;
use super::words::{next_word, previous_end};
use crate::catalog::Table;
use crate::error::{ConstraintKind, Error, Result};
use crate::exec::build;
use crate::plan::{self, CompiledKind, TableExpression};
use crate::syntax;
use crate::syntax::ast::{
    ColumnConstraint, ColumnConstraintKind, ColumnDef, CreateTableBody, Ident, Span, Statement,
    TableConstraint, TableConstraintKind,
};

/// A constraint of a table's text.
struct Written {
    name: Option<Ident>,
    /// Its words, from CONSTRAINT where it has a name.
    span: Span,
    kind: WrittenKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WrittenKind {
    NotNull,
    /// CHECK and foreign keys.
    Rule,
    /// PRIMARY KEY and UNIQUE: an index stands behind it.
    Key,
    /// The name is all that there is: what follows it (DEFAULT, COLLATE, a computed value) is no constraint.
    Nothing,
}

impl Definer<'_> {
    /// # Errors
    /// `constraint x already exists`, `constraint failed` for a row that breaks it, and what is wrong with the expression.
    pub(super) fn add_constraint(
        &mut self,
        database: usize,
        table: &Arc<Table>,
        constraint: &TableConstraint,
    ) -> Result<()> {
        let TableConstraintKind::Check(check) = &constraint.kind else {
            return Err(Error::sql("only CHECK constraints can be added"));
        };
        self.state.with_plan_context(|context| {
            plan::bind_table_expression(&check.expr, database, table, TableExpression::Check, context)
        })?;
        let (columns, constraints) = definition_of(&table.sql)?;
        if let Some(name) = &constraint.name
            && written(&columns, &constraints).any(|own| own.is_named(name))
        {
            return Err(Error::sql(format!("constraint {name} already exists")));
        }
        let condition = self.text_of(check.text_span);
        self.refuse_rows(database, table, "", &format!("({condition}) IS FALSE"))?;
        let last = constraints
            .last()
            .map(|last| last.span.end)
            .max(columns.last().map(|last| last.span.end));
        let text = self.constraint_text(constraint.span);
        let sql = inserted(&table.sql, last.unwrap_or_default(), &format!(", {text}"))?;
        self.set_table_text(database, &table.name, &sql)
    }

    /// # Errors
    /// `no such constraint: x`; `constraint may not be dropped: x` for a key.
    pub(super) fn drop_constraint(&mut self, database: usize, table: &Table, name: &Ident) -> Result<()> {
        let (columns, constraints) = definition_of(&table.sql)?;
        let mut own = written(&columns, &constraints).filter(|own| own.is_named(name));
        match own.next() {
            None => Err(Error::sql(format!("no such constraint: {name}"))),
            Some(own) if own.kind == WrittenKind::Key => {
                Err(Error::sql(format!("constraint may not be dropped: {name}")))
            }
            Some(own) => {
                let sql = without(&table.sql, own.span)?;
                self.set_table_text(database, &table.name, &sql)
            }
        }
    }

    /// Rows that are there must not be NULL in the column; a NOT NULL that it has gives way to the new one.
    ///
    /// # Errors
    /// `constraint failed`.
    pub(super) fn set_not_null(
        &mut self,
        database: usize,
        table: &Table,
        column: &Ident,
        span: Span,
    ) -> Result<()> {
        let number = column_named(table, column)?;
        let name = table.columns[number].name.replace('"', "\"\"");
        self.refuse_rows(database, table, " AS x", &format!("x.\"{name}\" IS NULL"))?;
        let sql = without_not_null(&table.sql, number)?;
        let (columns, _) = definition_of(&sql)?;
        let end = columns.get(number).map_or(0, |column| column.span.end);
        let text = self.constraint_text(span);
        let sql = inserted(&sql, end, &text)?;
        self.set_table_text(database, &table.name, &sql)
    }

    /// A column that has no NOT NULL stays as it is.
    pub(super) fn drop_not_null(&mut self, database: usize, table: &Table, column: &Ident) -> Result<()> {
        let number = column_named(table, column)?;
        let sql = without_not_null(&table.sql, number)?;
        self.set_table_text(database, &table.name, &sql)
    }

    /// Fails if the table, under its own name or as `alias` says, has a row for which `condition` holds.
    fn refuse_rows(&mut self, database: usize, table: &Table, alias: &str, condition: &str) -> Result<()> {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let schema = quoted(&self.state.databases[database].name);
        let query = format!(
            "SELECT 1 FROM {schema}.{}{alias} WHERE {condition} LIMIT 1",
            quoted(&table.name)
        );
        let statement = syntax::parse_one(query.as_bytes())?.statement;
        let compiled = self
            .state
            .with_plan_context(|context| plan::compile(&statement, context))?;
        let CompiledKind::Query(root) = &compiled.kind else {
            return Err(Error::misuse("a query was expected"));
        };
        let mut source = build(root)?;
        let mut registers = vec![Default::default(); compiled.registers];
        self.state.session.runs += 1;
        let run = self.state.session.runs;
        let mut context = self
            .state
            .context(self.parameters, &mut registers, self.interrupt, run);
        source.open(&mut context)?;
        let mut broken = false;
        while !broken && source.next(&mut context)? {
            context.check_interrupt()?;
            broken = source.batch().selected().next().is_some();
        }
        source.close();
        match broken {
            true => Err(Error::constraint(ConstraintKind::Any, "constraint failed")),
            false => Ok(()),
        }
    }

    /// The words of a new constraint with the comments in and after them, but for a last one that runs to the end of its line: other words
    /// are going to follow.
    fn constraint_text(&self, span: Span) -> String {
        let rest = self.sql.get(span.end as usize..).unwrap_or("");
        let mut end = 0;
        let mut place = 0;
        loop {
            let here = rest.get(place..).unwrap_or("");
            let text = here.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
            place += here.len() - text.len();
            if let Some(comment) = text.strip_prefix("/*") {
                let length = comment.find("*/").map_or(comment.len(), |end| end + 2);
                place += 2 + length;
                end = place;
            } else if text.starts_with("--") {
                place += text.find('\n').unwrap_or(text.len());
            } else {
                break;
            }
        }
        format!("{}{}", self.text_of(span), rest.get(..end).unwrap_or(""))
    }
}

impl Written {
    fn is_named(&self, name: &Ident) -> bool {
        self.name.as_ref().is_some_and(|own| own.is(name.as_str()))
    }
}

fn column_named(table: &Table, column: &Ident) -> Result<usize> {
    table
        .column(column.as_str())
        .ok_or_else(|| Error::sql(format!("no such column: {column}")))
}

fn definition_of(sql: &str) -> Result<(Vec<ColumnDef>, Vec<TableConstraint>)> {
    match syntax::parse_one(sql.as_bytes())?.statement {
        Statement::CreateTable(create) => match create.body {
            CreateTableBody::Columns {
                columns, constraints, ..
            } => Ok((columns, constraints)),
            CreateTableBody::Select(_) => Err(Error::sql("a table's definition lists its columns")),
        },
        _ => Err(Error::sql("a table's definition was expected")),
    }
}

/// The constraints of a table in the order of its text.
fn written<'a>(
    columns: &'a [ColumnDef],
    constraints: &'a [TableConstraint],
) -> impl Iterator<Item = Written> + 'a {
    let of_columns = columns.iter().flat_map(|column| {
        let own = &column.constraints;
        own.iter()
            .enumerate()
            .filter_map(|(place, constraint)| of_column(constraint, own.get(place + 1)))
    });
    of_columns.chain(constraints.iter().map(|constraint| Written {
        name: constraint.name.clone(),
        span: constraint.span,
        kind: match constraint.kind {
            TableConstraintKind::PrimaryKey { .. } | TableConstraintKind::Unique { .. } => WrittenKind::Key,
            TableConstraintKind::Check(_) | TableConstraintKind::ForeignKey { .. } => WrittenKind::Rule,
            TableConstraintKind::Nothing => WrittenKind::Nothing,
        },
    }))
}

/// A constraint of a column; `next` is what follows it there.
fn of_column(constraint: &ColumnConstraint, next: Option<&ColumnConstraint>) -> Option<Written> {
    use ColumnConstraintKind as Kind;
    let mut span = constraint.span;
    let kind = match &constraint.kind {
        Kind::PrimaryKey { .. } | Kind::Unique(_) | Kind::Null(_) => WrittenKind::Key,
        Kind::NotNull(_) => WrittenKind::NotNull,
        Kind::Check(_) => WrittenKind::Rule,
        Kind::References(_) => {
            if let Some(next) = next.filter(|next| matches!(next.kind, Kind::Deferrable(_))) {
                span.end = next.span.end;
            }
            WrittenKind::Rule
        }
        Kind::Default(_) | Kind::Collate(_) | Kind::Generated { .. } | Kind::Nothing => {
            span.end = constraint.name.as_ref()?.span().end;
            WrittenKind::Nothing
        }
        Kind::Deferrable(_) => return None,
    };
    Some(Written {
        name: constraint.name.clone(),
        span,
        kind,
    })
}

fn without_not_null(sql: &str, column: usize) -> Result<String> {
    let (columns, _) = definition_of(sql)?;
    let own = columns.get(column).map_or(&[][..], |column| &column.constraints);
    let found = own
        .iter()
        .filter_map(|constraint| of_column(constraint, None))
        .find(|own| own.kind == WrittenKind::NotNull);
    match found {
        Some(found) => without(sql, found.span),
        None => Ok(sql.to_owned()),
    }
}

/// The text without the words of a constraint, the blanks around them, and the comma before them if they were all that stood after it.
fn without(sql: &str, span: Span) -> Result<String> {
    let end = next_word(sql, span.end as usize);
    let mut start = previous_end(sql, span.start as usize);
    let (Some(mut head), Some(tail)) = (sql.get(..start), sql.get(end..)) else {
        return Err(Error::sql("a constraint lies outside of its table's definition"));
    };
    let mut space = " ";
    if tail.starts_with([',', ')']) {
        space = "";
        start -= usize::from(head.ends_with(','));
        head = &head[..start];
    }
    Ok(format!("{head}{space}{tail}"))
}

/// The text with more words before the one that follows byte `end`.
fn inserted(sql: &str, end: u32, words: &str) -> Result<String> {
    let place = next_word(sql, end as usize);
    match (sql.get(..place), sql.get(place..)) {
        (Some(head), Some(tail)) if words.starts_with(',') => Ok(format!("{head}{words}{tail}")),
        (Some(head), Some(tail)) => Ok(format!("{head} {words}{tail}")),
        _ => Err(Error::sql("a table's definition ends too early")),
    }
}
