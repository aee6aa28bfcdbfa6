//! Tables about the schema: what there is, and how it is declared.

use std::sync::Arc;

use super::Rows;
use crate::catalog::{Database, Index, IndexOrigin, IndexSource, Schema, Table};
use crate::error::{Error, Result};
use crate::functions::{Arity, FunctionKind, Registry};
use crate::syntax::ast::ReferenceAction;
use crate::value::Value;

/// The rows of the pragma called `name`; `None` when it is not one of these.
pub(super) fn run(
    databases: &[Database],
    name: &str,
    schema: Option<usize>,
    argument: Option<&str>,
) -> Result<Option<Rows>> {
    let found = argument.and_then(|argument| find_table(databases, schema, argument));
    let found_index = argument.and_then(|argument| find_index(databases, schema, argument));
    Ok(Some(match name {
        "database_list" => database_list(databases),
        "table_list" => table_list(databases, schema, argument),
        "table_info" | "table_xinfo" => {
            let all = name == "table_xinfo";
            let mut rows = Rows::new(if all { 7 } else { 6 });
            match (found, argument) {
                (Some((_, table)), _) => table_info(&table, all, &mut rows),
                (None, Some(argument)) if has_view(databases, schema, argument) => return Ok(None),
                _ => {}
            }
            rows
        }
        "index_list" => found.map_or_else(|| Rows::new(5), |(_, table)| index_list(&table)),
        "index_info" => index_info(databases, found_index, found, false),
        "index_xinfo" => index_info(databases, found_index, found, true),
        "foreign_key_list" => found.map_or_else(|| Rows::new(8), |(_, table)| foreign_key_list(&table)),
        "module_list" => Rows::new(1),
        _ => return Ok(None),
    }))
}

fn schemas<'d>(
    databases: &'d [Database],
    schema: Option<usize>,
) -> impl Iterator<Item = (usize, &'d Arc<Schema>)> + 'd {
    let order: Vec<usize> = match schema {
        Some(number) => vec![number],
        None => [1, 0].into_iter().chain(2..databases.len()).collect(),
    };
    order.into_iter().filter_map(|number| Some((number, &databases.get(number)?.schema)))
}

fn find_table(databases: &[Database], schema: Option<usize>, name: &str) -> Option<(usize, Arc<Table>)> {
    schemas(databases, schema).find_map(|(number, schema)| Some((number, Arc::clone(schema.table(name)?))))
}

fn find_index(databases: &[Database], schema: Option<usize>, name: &str) -> Option<Arc<Index>> {
    schemas(databases, schema).find_map(|(_, schema)| schema.index(name).cloned())
}

fn has_view(databases: &[Database], schema: Option<usize>, name: &str) -> bool {
    schemas(databases, schema).any(|(_, schema)| schema.view(name).is_some())
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn flag(flag: bool) -> Value {
    Value::Integer(i64::from(flag))
}

fn number(number: usize) -> Value {
    Value::Integer(number as i64)
}

fn database_list(databases: &[Database]) -> Rows {
    let mut rows = Rows::new(3);
    for (place, database) in databases.iter().enumerate() {
        // An empty temp database is not worth a word.
        if place != 1 || database.pager.page_count() > 0 {
            rows.push([number(place), text(&database.name), text(&absolute(&database.path))]);
        }
    }
    rows
}

fn absolute(path: &str) -> String {
    match path {
        "" => String::new(),
        path => match std::path::absolute(path) {
            Ok(path) => path.to_string_lossy().into_owned(),
            Err(_) => path.to_owned(),
        },
    }
}

// ---- tables ------------------------------------------------------------------------------------

fn table_list(databases: &[Database], only: Option<usize>, argument: Option<&str>) -> Rows {
    let mut rows = Rows::new(6);
    let wanted = |name: &str| argument.is_none_or(|argument| argument.eq_ignore_ascii_case(name));
    for (place, database) in databases.iter().enumerate() {
        if only.is_some_and(|only| only != place) {
            continue;
        }
        let mut tables: Vec<&Arc<Table>> = database.schema.tables.values().collect();
        tables.sort_by_key(|table| std::cmp::Reverse(table.root));
        tables.dedup_by_key(|table| table.root);
        for table in tables {
            let name = shown_name(table, database);
            if wanted(&name) {
                let columns = table.columns.len();
                rows.push([
                    text(&database.name),
                    text(&name),
                    text("table"),
                    number(columns),
                    flag(table.without_rowid.is_some()),
                    flag(table.strict),
                ]);
            }
        }
        for view in database.schema.views.values().filter(|view| wanted(&view.name)) {
            let columns = number(view.columns.len());
            rows.push([text(&database.name), text(&view.name), text("view"), columns, flag(false), flag(false)]);
        }
    }
    rows
}

fn shown_name(table: &Table, database: &Database) -> String {
    match (table.root.get(), database.is_temporary()) {
        (1, true) => "sqlite_temp_schema".to_owned(),
        (1, false) => "sqlite_schema".to_owned(),
        _ => table.name.clone(),
    }
}

fn table_info(table: &Table, all: bool, rows: &mut Rows) {
    let mut shown = 0;
    for (place, column) in table.columns.iter().enumerate() {
        let hidden = match &column.generated {
            Some(generated) if generated.stored => 3,
            Some(_) => 2,
            None => i64::from(column.hidden),
        };
        if hidden != 0 && !all {
            continue;
        }
        let place = if all { place } else { shown };
        shown += 1;
        let values = [
            number(place),
            text(&column.name),
            text(column.declared_type.as_deref().unwrap_or("")),
            flag(column.not_null.is_some()),
            column.default_text.as_ref().map_or(Value::Null, |default| text(default)),
            number(column.primary_key.unwrap_or(0)),
            Value::Integer(hidden),
        ];
        rows.push(values);
    }
}

// ---- indexes -----------------------------------------------------------------------------------

fn index_list(table: &Table) -> Rows {
    let mut rows = Rows::new(5);
    let mut entries: Vec<[Value; 4]> = table
        .indexes
        .iter()
        .map(|index| {
            let origin = match index.origin {
                IndexOrigin::Created => "c",
                IndexOrigin::Unique => "u",
                IndexOrigin::PrimaryKey => "pk",
            };
            [text(&index.name), flag(index.unique.is_some()), text(origin), flag(index.filter.is_some())]
        })
        .collect();
    if let Some(primary) = &table.without_rowid {
        let place = primary.position.min(entries.len());
        entries.insert(place, [text(&primary.name), flag(true), text("pk"), flag(false)]);
    }
    for (place, entry) in entries.into_iter().enumerate() {
        rows.push(std::iter::once(number(place)).chain(entry));
    }
    rows
}

/// One line of index_xinfo: which column, how ordered, whether part of the key.
struct Line {
    column: Option<usize>,
    rowid: bool,
    descending: bool,
    collation: String,
    key: bool,
}

fn index_info(
    databases: &[Database],
    index: Option<Arc<Index>>,
    table: Option<(usize, Arc<Table>)>,
    all: bool,
) -> Rows {
    let mut rows = Rows::new(if all { 6 } else { 3 });
    let Some((table, lines)) = index_lines(databases, index, table) else {
        return rows;
    };
    for (place, line) in lines.iter().filter(|line| all || line.key).enumerate() {
        let (cid, name) = match (line.column, line.rowid) {
            (Some(column), _) => (column as i64, text(&table.columns[column].name)),
            (None, true) => (-1, Value::Null),
            (None, false) => (-2, Value::Null),
        };
        let details = [flag(line.descending), text(&line.collation), flag(line.key)];
        rows.push([number(place), Value::Integer(cid), name].into_iter().chain(details));
    }
    rows
}

fn index_lines(
    databases: &[Database],
    index: Option<Arc<Index>>,
    table: Option<(usize, Arc<Table>)>,
) -> Option<(Arc<Table>, Vec<Line>)> {
    if let Some(index) = index {
        let has = |schema: &Schema| schema.index(&index.name).is_some_and(|own| Arc::ptr_eq(own, &index));
        let database = databases.iter().find(|database| has(&database.schema))?;
        let table = Arc::clone(database.schema.table(&index.table)?);
        let lines = lines_of_index(&index, &table);
        return Some((table, lines));
    }
    // The name of a WITHOUT ROWID table stands for its primary key.
    let (_, table) = table?;
    let primary = table.without_rowid.as_ref()?;
    let lines = primary.stored.iter().enumerate().map(|(place, &column)| {
        let key = primary.columns.get(place);
        Line {
            column: Some(column),
            rowid: false,
            descending: key.is_some_and(|key| key.descending),
            collation: key.map_or("BINARY".to_owned(), |key| key.collation.name().to_owned()),
            key: key.is_some(),
        }
    });
    let lines = lines.collect();
    Some((table, lines))
}

fn lines_of_index(index: &Index, table: &Table) -> Vec<Line> {
    let mut lines: Vec<Line> = index
        .columns
        .iter()
        .map(|column| Line {
            column: match column.source {
                IndexSource::Column(number) => Some(number),
                IndexSource::Rowid => table.rowid_alias,
                IndexSource::Expression(_) => None,
            },
            rowid: matches!(column.source, IndexSource::Rowid),
            descending: column.descending,
            collation: column.collation.name().to_owned(),
            key: true,
        })
        .collect();
    let tail = |column: Option<usize>, collation: &str| Line {
        column,
        rowid: column.is_none(),
        descending: false,
        collation: collation.to_owned(),
        key: false,
    };
    match table.without_rowid {
        None => lines.push(tail(None, "BINARY")),
        Some(_) => {
            lines.extend(index.tail.iter().map(|&column| tail(Some(column), table.columns[column].collation.name())));
        }
    }
    lines
}

// ---- foreign keys ------------------------------------------------------------------------------

fn foreign_key_list(table: &Table) -> Rows {
    let mut rows = Rows::new(8);
    for (id, key) in table.foreign_keys.iter().rev().enumerate() {
        for (place, &column) in key.columns.iter().enumerate() {
            rows.push([
                number(id),
                number(place),
                text(&key.parent),
                text(&table.columns[column].name),
                key.parent_columns.get(place).map_or(Value::Null, |name| text(name)),
                text(action_name(key.on_update)),
                text(action_name(key.on_delete)),
                text("NONE"),
            ]);
        }
    }
    rows
}

fn action_name(action: ReferenceAction) -> &'static str {
    match action {
        ReferenceAction::SetNull => "SET NULL",
        ReferenceAction::SetDefault => "SET DEFAULT",
        ReferenceAction::Cascade => "CASCADE",
        ReferenceAction::Restrict => "RESTRICT",
        ReferenceAction::NoAction => "NO ACTION",
    }
}

// ---- the connection ----------------------------------------------------------------------------

pub(super) fn collation_list(names: &[String]) -> Rows {
    let mut rows = Rows::new(2);
    names.iter().enumerate().for_each(|(place, name)| rows.push([number(place), text(name)]));
    rows
}

pub(super) fn pragma_list() -> Rows {
    let mut names: Vec<&str> = super::TABLES.iter().map(|table| table.name).collect();
    names.extend(super::VALUES.iter().map(|(name, _)| *name));
    names.sort_unstable();
    let mut rows = Rows::new(1);
    names.into_iter().for_each(|name| rows.push([text(name)]));
    rows
}

/// SQLITE_DETERMINISTIC, SQLITE_DIRECTONLY and SQLITE_INNOCUOUS.
const DETERMINISTIC: i64 = 0x800;
const DIRECT_ONLY: i64 = 0x8_0000;
const INNOCUOUS: i64 = 0x20_0000;

pub(super) fn function_list(functions: &Registry) -> Rows {
    let mut rows = Rows::new(6);
    for function in functions.iter() {
        let kind = match function.kind {
            FunctionKind::Aggregate(_) | FunctionKind::Window(_) => "w",
            _ => "s",
        };
        let arguments = match function.arity {
            Arity::Exact(count) => i64::from(count),
            Arity::Range(..) | Arity::AtLeast(_) => -1,
        };
        let flags = [
            (function.flags.deterministic, DETERMINISTIC),
            (function.flags.direct_only, DIRECT_ONLY),
            (function.flags.innocuous, INNOCUOUS),
        ];
        let flags = flags.iter().filter(|(set, _)| *set).map(|(_, bit)| bit).sum::<i64>();
        rows.push([
            text(&function.name),
            flag(function.builtin),
            text(kind),
            text("utf8"),
            Value::Integer(arguments),
            Value::Integer(flags),
        ]);
    }
    rows
}

/// # Errors
/// `no such table: x`.
pub(super) fn require_table(
    databases: &[Database],
    schema: Option<usize>,
    name: &str,
) -> Result<(usize, Arc<Table>)> {
    find_table(databases, schema, name).ok_or_else(|| Error::sql(format!("no such table: {name}")))
}
