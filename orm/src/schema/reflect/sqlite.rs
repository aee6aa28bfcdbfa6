//! SQLite's schema, from `sqlite_schema` and its pragmas.
//!
//! Columns come from `table_xinfo`, which has read the declarations already. What pragmas leave out (checks, collations, names of constraints,
//! expressions) is read from the statement that made the table, by the parser of the native engine; expressions come out in its spelling, so that
//! two that differ in blanks or parentheses are one.

use aludel_sql::syntax::ast::{
    ColumnConstraintKind, ColumnDef, CreateTableBody, Expr, ExprKind, ForeignKey as ForeignKeyTree, Ident,
    OrderingTerm, ReferenceAction as Action, Statement, TableConstraint, TableConstraintKind,
};
use aludel_sql::syntax::{parse_one, render};

use super::{default_of, int, text};
use crate::dialect::push_quoted;
use crate::engine::Connection;
use crate::error::{Error, Result};
use crate::mapper::{Deferrable, ReferenceAction};
use crate::schema::{
    Check, ForeignKey, Index, IndexPart, IndexTerm, Schema, Table, TableColumn, Trigger, Unique, View,
};
use crate::types::Kind;

/// Everything but SQLite's own tables and those of virtual tables, in the order in which it was made.
const OBJECTS: &str = "SELECT type, name, tbl_name, sql FROM sqlite_schema \
    WHERE sql IS NOT NULL AND tbl_name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
        AND tbl_name NOT IN (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('virtual', 'shadow')) \
    ORDER BY rowid";

/// All tables, views and triggers.
pub(crate) fn schema(connection: &mut Connection) -> Result<Schema> {
    let mut schema = Schema::new();
    let mut indexes = Vec::new();
    for row in connection.rows(OBJECTS, &[])? {
        let (name, of, sql) = (text(&row, 1), text(&row, 2), text(&row, 3));
        match text(&row, 0).as_str() {
            "table" => schema = schema.with_table(table(connection, &name, &sql)?),
            "view" => schema = schema.with_view(view(&name, &sql)?),
            "trigger" => {
                let table = of;
                schema = schema.with_trigger(Trigger { name, table, sql });
            }
            "index" => indexes.push((of, index(&name, &sql)?)),
            _ => {}
        }
    }
    for (of, index) in indexes {
        let table = schema
            .tables
            .iter_mut()
            .find(|table| table.name.eq_ignore_ascii_case(&of));
        if let Some(table) = table {
            table.indexes.push(index);
        }
    }
    refer_to_keys(&mut schema);
    Ok(schema)
}

/// A foreign key that names no columns means the other table's primary key.
fn refer_to_keys(schema: &mut Schema) {
    let keys: Vec<(String, Vec<String>)> = schema
        .tables
        .iter()
        .map(|table| (table.name.clone(), table.primary_key.clone()))
        .collect();
    let all = schema.tables.iter_mut().flat_map(|table| &mut table.foreign_keys);
    for key in all.filter(|key| key.references.is_empty()) {
        if let Some((_, columns)) = keys
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&key.table))
        {
            key.references = columns.clone();
        }
    }
}

/// One table.
fn table(connection: &mut Connection, name: &str, sql: &str) -> Result<Table> {
    let mut table = Table::new(name);
    let Statement::CreateTable(tree) = parse(name, sql)? else {
        return Err(unreadable(name, "its statement creates no table"));
    };
    columns(connection, &mut table)?;
    // SQLite keeps a table that was made of a query as the columns that came out.
    if let CreateTableBody::Columns {
        columns,
        constraints,
        without_rowid,
        strict,
    } = tree.body
    {
        table.without_rowid = without_rowid;
        table.strict = strict;
        columns.iter().for_each(|column| read_column(column, &mut table));
        constraints
            .iter()
            .for_each(|constraint| read_constraint(constraint, &mut table));
    }
    set_auto_key(&mut table);
    Ok(table)
}

fn parse(name: &str, sql: &str) -> Result<Statement> {
    parse_one(sql.as_bytes())
        .map(|parsed| parsed.statement)
        .map_err(|error| unreadable(name, &error.to_string()))
}

fn unreadable(name: &str, why: &str) -> Error {
    Error::Schema(format!("the definition of `{name}` cannot be read: {why}"))
}

/// The columns, as `PRAGMA table_xinfo` lists them: cid, name, type, notnull, dflt_value, pk, hidden.
fn columns(connection: &mut Connection, table: &mut Table) -> Result<()> {
    let mut sql = "PRAGMA table_xinfo(".to_owned();
    push_quoted(&table.name, '"', &mut sql);
    sql.push(')');
    let mut key: Vec<(i64, String)> = Vec::new();
    for row in connection.rows(&sql, &[])? {
        let hidden = int(&row, 6);
        if hidden == 1 {
            continue;
        }
        let (name, place) = (text(&row, 1), int(&row, 5));
        let (kind, sql_type) = kind_of(&text(&row, 2));
        if place > 0 {
            key.push((place, name.clone()));
        }
        let mut column = TableColumn::new(name, kind);
        column.sql_type = sql_type;
        column.nullable = int(&row, 3) == 0 && place == 0;
        let default = row.get(4).filter(|value| !value.is_null());
        column.default = default.map(|_| default_of(&text(&row, 4)));
        column.generated = (hidden >= 2).then(|| (String::new(), hidden == 3));
        table.columns.push(column);
    }
    key.sort();
    table.primary_key = key.into_iter().map(|(_, name)| name).collect();
    Ok(())
}

/// A column that is the rowid is assigned by the database.
fn set_auto_key(table: &mut Table) {
    let key = table.primary_key.clone();
    let column = table
        .columns
        .iter_mut()
        .find(|column| key == [column.name.as_str()]);
    if let Some(column) = column {
        column.auto = column.kind == Kind::Int(64) && column.sql_type.is_none() && !table.without_rowid;
    }
}

/// What the pragma has not told of a column.
fn read_column(tree: &ColumnDef, table: &mut Table) {
    let name = name_of(&tree.name);
    for constraint in &tree.constraints {
        let named = constraint.name.as_ref().map(name_of);
        match &constraint.kind {
            ColumnConstraintKind::Unique(_) => table.uniques.push(Unique {
                name: named,
                columns: vec![name.clone()],
            }),
            ColumnConstraintKind::Check(check) => table.checks.push(Check {
                name: named,
                sql: written(&check.expr),
            }),
            ColumnConstraintKind::References(references) => {
                let mut key = foreign_key(vec![name.clone()], references);
                key.name = named;
                table.foreign_keys.push(key);
            }
            // Belongs to the REFERENCES before it.
            ColumnConstraintKind::Deferrable(when) => {
                if let Some(key) = table.foreign_keys.last_mut() {
                    key.deferrable = deferrable(*when);
                }
            }
            ColumnConstraintKind::Collate(collation) => {
                with_column(table, &name, |column| column.collation = Some(name_of(collation)));
            }
            ColumnConstraintKind::Generated { expr, .. } => {
                let sql = written(expr);
                with_column(table, &name, |column| {
                    if let Some((expression, _)) = &mut column.generated {
                        *expression = sql;
                    }
                });
            }
            ColumnConstraintKind::PrimaryKey { autoincrement, .. } => table.autoincrement |= autoincrement,
            _ => {}
        }
    }
}

fn with_column(table: &mut Table, name: &str, change: impl FnOnce(&mut TableColumn)) {
    let named = |column: &&mut TableColumn| column.name.eq_ignore_ascii_case(name);
    if let Some(column) = table.columns.iter_mut().find(named) {
        change(column);
    }
}

fn read_constraint(constraint: &TableConstraint, table: &mut Table) {
    let name = constraint.name.as_ref().map(name_of);
    match &constraint.kind {
        TableConstraintKind::Unique { columns, .. } => table.uniques.push(Unique {
            name,
            columns: columns.iter().map(|term| term_of(&part(term))).collect(),
        }),
        TableConstraintKind::Check(check) => table.checks.push(Check {
            name,
            sql: written(&check.expr),
        }),
        TableConstraintKind::ForeignKey {
            columns,
            references,
            deferrable: when,
        } => {
            let mut key = foreign_key(columns.iter().map(name_of).collect(), references);
            key.name = name;
            key.deferrable = when.map_or(Deferrable::No, deferrable);
            table.foreign_keys.push(key);
        }
        TableConstraintKind::PrimaryKey { autoincrement, .. } => table.autoincrement |= autoincrement,
        TableConstraintKind::Nothing => {}
    }
}

fn foreign_key(columns: Vec<String>, tree: &ForeignKeyTree) -> ForeignKey {
    ForeignKey::new(columns, name_of(&tree.table), tree.columns.iter().map(name_of))
        .on_delete(action(tree.on_delete))
        .on_update(action(tree.on_update))
}

fn deferrable(tree: aludel_sql::syntax::ast::Deferrable) -> Deferrable {
    match (tree.negated, tree.initially_deferred) {
        (true, _) => Deferrable::No,
        (false, Some(true)) => Deferrable::Deferred,
        (false, _) => Deferrable::Immediate,
    }
}

fn action(tree: Option<Action>) -> ReferenceAction {
    match tree {
        Some(Action::Restrict) => ReferenceAction::Restrict,
        Some(Action::Cascade) => ReferenceAction::Cascade,
        Some(Action::SetNull) => ReferenceAction::SetNull,
        Some(Action::SetDefault) => ReferenceAction::SetDefault,
        Some(Action::NoAction) | None => ReferenceAction::NoAction,
    }
}

fn index(name: &str, sql: &str) -> Result<Index> {
    let Statement::CreateIndex(tree) = parse(name, sql)? else {
        return Err(unreadable(name, "its statement creates no index"));
    };
    Ok(Index {
        name: name.to_owned(),
        parts: tree.columns.iter().map(part).collect(),
        unique: tree.unique,
        predicate: tree.selection.as_ref().map(written),
        include: Vec::new(),
    })
}

fn part(term: &OrderingTerm) -> IndexPart {
    let (expr, collation) = match &term.expr.kind {
        ExprKind::Collate { operand, collation } => (operand.as_ref(), Some(name_of(collation))),
        _ => (&term.expr, None),
    };
    let part = match &expr.kind {
        ExprKind::Name(name) => IndexPart::column(name_of(name)),
        _ => IndexPart::expression(written(expr)),
    };
    IndexPart {
        descending: term.descending(),
        collation,
        ..part
    }
}

fn term_of(part: &IndexPart) -> String {
    match &part.term {
        IndexTerm::Column(name) | IndexTerm::Expression(name) => name.clone(),
    }
}

fn view(name: &str, sql: &str) -> Result<View> {
    let Statement::CreateView(tree) = parse(name, sql)? else {
        return Err(unreadable(name, "its statement creates no view"));
    };
    let query = String::from_utf8_lossy(&render::select(&tree.select)).into_owned();
    let columns = tree.columns.iter().map(name_of).collect();
    Ok(View {
        columns,
        ..View::new(name, query)
    })
}

fn name_of(ident: &Ident) -> String {
    ident.text.to_string()
}

fn written(expr: &Expr) -> String {
    String::from_utf8_lossy(&render::expr(expr)).into_owned()
}

/// The kind that a declared type means, and the declaration itself where it is not the kind's own name.
fn kind_of(declared: &str) -> (Kind, Option<String>) {
    let name = declared.to_ascii_uppercase();
    let kind = match name.as_str() {
        "BOOLEAN" => Kind::Bool,
        "INTEGER" => Kind::Int(64),
        "REAL" => Kind::Real(64),
        "TEXT" => Kind::Text,
        "BLOB" => Kind::Bytes,
        "TIMESTAMP" => Kind::Timestamp,
        "DATETIME" => Kind::DateTime,
        "DATE" => Kind::Date,
        "TIME" => Kind::Time,
        "INTERVAL" => Kind::Interval,
        "UUID" => Kind::Uuid,
        "DECIMAL" => Kind::Decimal,
        "BOOL" => return (Kind::Bool, Some(declared.to_owned())),
        // By affinity, as SQLite reads declarations.
        other if other.contains("INT") => return (Kind::Int(64), Some(declared.to_owned())),
        other if ["CHAR", "CLOB", "TEXT"].iter().any(|part| other.contains(part)) => {
            return (Kind::Text, Some(declared.to_owned()));
        }
        other if other.is_empty() || other.contains("BLOB") => {
            return (Kind::Bytes, Some(declared.to_owned()));
        }
        _ => return (Kind::Real(64), Some(declared.to_owned())),
    };
    (kind, None)
}
