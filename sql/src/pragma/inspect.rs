//! Pragmas that look at the schema and the connection.

use std::sync::Arc;

use aludel_storage::pager::Pager;

use super::{PragmaContext, Request, Row, catalogue, reading, text};
use crate::catalog::{Column, Database, Index, IndexColumn, IndexOrigin, IndexSource, Table, View};
use crate::error::Result;
use crate::functions::{Arity, Function, FunctionKind};
use crate::plan::view_table;
use crate::syntax::ast::ReferenceAction;
use crate::value::Value;

/// `cid` of a rowid in index_info.
const CID_ROWID: i64 = -1;
/// `cid` of an expression in index_info.
const CID_EXPRESSION: i64 = -2;

// ---- tables --------------------------------------------------------------------------------------

pub(super) fn table_info(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    column_rows(request, context, false)
}

pub(super) fn table_xinfo(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    column_rows(request, context, true)
}

fn column_rows(
    request: &Request<'_>,
    context: &mut PragmaContext<'_>,
    with_hidden: bool,
) -> Result<Vec<Row>> {
    let Some(name) = request.value else {
        return Ok(Vec::new());
    };
    let rows_of = |table: &Table| {
        let listed = table
            .columns
            .iter()
            .filter(|column| with_hidden || hidden_number(column) == 0);
        listed
            .enumerate()
            .map(|(cid, column)| column_row(table, cid, column, with_hidden))
            .collect()
    };
    if let Some((_, table)) = find_table(request, context, name) {
        return Ok(rows_of(table));
    }
    let Some((database, view)) = find_view(request, context, name) else {
        return Ok(Vec::new());
    };
    let row = context
        .state
        .connecting(|state| state.with_plan_context(|plan| view_table(database, &view, plan)))?;
    Ok(rows_of(&row))
}

fn column_row(table: &Table, cid: usize, column: &Column, with_hidden: bool) -> Row {
    let default = column
        .default_text
        .as_ref()
        .map_or(Value::Null, |default| text(default));
    // A primary key of a WITHOUT ROWID table is NOT NULL without saying so.
    let not_null =
        column.not_null.is_some() || (table.without_rowid.is_some() && column.primary_key.is_some());
    let mut row = vec![
        integer(cid),
        text(&column.name),
        text(column.declared_type.as_deref().unwrap_or_default()),
        Value::Integer(i64::from(not_null)),
        default,
        integer(column.primary_key.unwrap_or(0)),
    ];
    if with_hidden {
        row.push(Value::Integer(hidden_number(column)));
    }
    row
}

/// 0 an ordinary column, 1 hidden, 2 virtual generated, 3 stored generated.
fn hidden_number(column: &Column) -> i64 {
    match &column.generated {
        _ if column.hidden => 1,
        Some(generated) if generated.stored => 3,
        Some(_) => 2,
        None => 0,
    }
}

pub(super) fn table_list(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (number, database) in context.state.databases.iter().enumerate() {
        if request.database.is_some_and(|wanted| wanted != number) {
            continue;
        }
        let schema = &database.schema;
        let row = |name: &str, kind: &str, columns: usize, without_rowid: bool, strict: bool| {
            let flags = [without_rowid, strict].map(|flag| Value::Integer(i64::from(flag)));
            let [wr, strict] = flags;
            vec![
                text(&database.name),
                text(name),
                text(kind),
                integer(columns),
                wr,
                strict,
            ]
        };
        let wanted = |name: &str| request.value.is_none_or(|value| value.eq_ignore_ascii_case(name));
        let own_names = database.schema_table_names();
        for (key, table) in schema.tables.iter().filter(|(_, table)| wanted(&table.name)) {
            // The schema table is known by several names, and shown by the newer one.
            let is_schema_table = own_names.iter().any(|own| own == key);
            if is_schema_table && own_names.first().is_none_or(|own| own != key) {
                continue;
            }
            let shown = match (is_schema_table, database.is_temporary()) {
                (true, true) => "sqlite_temp_schema",
                (true, false) => "sqlite_schema",
                (false, _) => &table.name,
            };
            let kind = match table.is_virtual() {
                true => "virtual",
                false if context.state.is_shadow(number, &table.name) => "shadow",
                false => "table",
            };
            rows.push(row(
                shown,
                kind,
                table.columns.len(),
                table.without_rowid.is_some(),
                table.strict,
            ));
        }
        for view in schema.views.values().filter(|view| wanted(&view.name)) {
            rows.push(row(&view.name, "view", view.columns.len(), false, false));
        }
        let unconnected = schema.virtual_tables.iter();
        let unconnected =
            unconnected.filter(|(key, own)| wanted(&own.name) && !schema.tables.contains_key(*key));
        for (_, definition) in unconnected {
            rows.push(row(&definition.name, "virtual", 0, false, false));
        }
    }
    Ok(rows)
}

// ---- indexes -------------------------------------------------------------------------------------

pub(super) fn index_list(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let Some((_, table)) = request.value.and_then(|name| find_table(request, context, name)) else {
        return Ok(Vec::new());
    };
    let listed = listed_indexes(table);
    Ok(listed
        .into_iter()
        .enumerate()
        .map(|(seq, index)| index.list_row(seq))
        .collect())
}

/// An index as the pragmas list it: a real one, or the tree of a WITHOUT ROWID table itself.
struct Listed<'a> {
    name: &'a str,
    unique: bool,
    origin: IndexOrigin,
    partial: bool,
}

impl Listed<'_> {
    fn list_row(&self, seq: usize) -> Row {
        let origin = match self.origin {
            IndexOrigin::Created => "c",
            IndexOrigin::Unique => "u",
            IndexOrigin::PrimaryKey => "pk",
        };
        let flag = |flag: bool| Value::Integer(i64::from(flag));
        vec![
            integer(seq),
            text(self.name),
            flag(self.unique),
            text(origin),
            flag(self.partial),
        ]
    }
}

/// SQLite lists the newest index first.
fn listed_indexes(table: &Table) -> Vec<Listed<'_>> {
    let mut listed: Vec<Listed<'_>> = table.indexes.iter().map(|index| Listed::from(&**index)).collect();
    if let Some(tree) = &table.without_rowid {
        let own = Listed {
            name: &tree.name,
            unique: true,
            origin: IndexOrigin::PrimaryKey,
            partial: false,
        };
        listed.insert(tree.place_among(listed.len()), own);
    }
    listed.reverse();
    listed
}

impl<'a> From<&'a Index> for Listed<'a> {
    fn from(index: &'a Index) -> Listed<'a> {
        Listed {
            name: &index.name,
            unique: index.unique.is_some(),
            origin: index.origin,
            partial: index.filter.is_some(),
        }
    }
}

pub(super) fn index_info(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let columns = index_columns(request, context);
    let keys = columns.into_iter().filter(|column| column.key);
    Ok(keys
        .enumerate()
        .map(|(seq, column)| vec![integer(seq), Value::Integer(column.cid), column.name])
        .collect())
}

pub(super) fn index_xinfo(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let row = |(seq, column): (usize, InfoColumn)| {
        vec![
            integer(seq),
            Value::Integer(column.cid),
            column.name,
            Value::Integer(i64::from(column.descending)),
            text(&column.collation),
            Value::Integer(i64::from(column.key)),
        ]
    };
    Ok(index_columns(request, context)
        .into_iter()
        .enumerate()
        .map(row)
        .collect())
}

/// A column of an index record.
struct InfoColumn {
    cid: i64,
    name: Value,
    descending: bool,
    collation: String,
    key: bool,
}

fn index_columns(request: &Request<'_>, context: &PragmaContext<'_>) -> Vec<InfoColumn> {
    let Some(name) = request.value else {
        return Vec::new();
    };
    for database in searched(request, context) {
        if let Some(index) = database.schema.index(name)
            && let Some(table) = database.schema.table(&index.table)
        {
            return record_columns(table, index);
        }
        // The name may be that of a WITHOUT ROWID table, or of its primary key.
        let own = |table: &&Arc<Table>| {
            table.without_rowid.as_ref().is_some_and(|tree| {
                tree.name.eq_ignore_ascii_case(name) || table.name.eq_ignore_ascii_case(name)
            })
        };
        if let Some(table) = database.schema.tables.values().find(own) {
            return tree_columns(table);
        }
    }
    Vec::new()
}

/// The key of an index, then the rowid or primary key at its end.
fn record_columns(table: &Table, index: &Index) -> Vec<InfoColumn> {
    let mut columns: Vec<InfoColumn> = index
        .columns
        .iter()
        .map(|column| key_column(table, column))
        .collect();
    if table.without_rowid.is_none() {
        columns.push(InfoColumn {
            cid: CID_ROWID,
            name: Value::Null,
            descending: false,
            collation: "BINARY".to_owned(),
            key: false,
        });
    }
    columns.extend(
        index
            .tail
            .iter()
            .filter(|_| table.without_rowid.is_some())
            .map(|&cid| rest_column(table, cid)),
    );
    columns
}

/// The record of a WITHOUT ROWID table.
fn tree_columns(table: &Table) -> Vec<InfoColumn> {
    let Some(tree) = &table.without_rowid else {
        return Vec::new();
    };
    let keys = tree.columns.iter().map(|column| key_column(table, column));
    let rest = tree
        .stored
        .iter()
        .skip(tree.key_count)
        .map(|&cid| rest_column(table, cid));
    keys.chain(rest).collect()
}

fn key_column(table: &Table, column: &IndexColumn) -> InfoColumn {
    let (cid, name) = match &column.source {
        IndexSource::Column(cid) => (
            *cid as i64,
            table.columns.get(*cid).map_or(Value::Null, |c| text(&c.name)),
        ),
        IndexSource::Rowid => match table.rowid_alias {
            Some(cid) => (
                cid as i64,
                table.columns.get(cid).map_or(Value::Null, |c| text(&c.name)),
            ),
            None => (CID_ROWID, Value::Null),
        },
        IndexSource::Expression(_) => (CID_EXPRESSION, Value::Null),
    };
    let collation = column.collation.name().to_owned();
    InfoColumn {
        cid,
        name,
        descending: column.descending,
        collation,
        key: true,
    }
}

fn rest_column(table: &Table, cid: usize) -> InfoColumn {
    let column = table.columns.get(cid);
    InfoColumn {
        cid: cid as i64,
        name: column.map_or(Value::Null, |column| text(&column.name)),
        descending: false,
        collation: column
            .map_or("BINARY", |column| column.collation.name())
            .to_owned(),
        key: false,
    }
}

// ---- foreign keys --------------------------------------------------------------------------------

pub(super) fn foreign_key_list(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let Some((_, table)) = request.value.and_then(|name| find_table(request, context, name)) else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    // SQLite numbers the last constraint 0.
    for (id, key) in table.foreign_keys.iter().rev().enumerate() {
        for (seq, &column) in key.columns.iter().enumerate() {
            rows.push(vec![
                integer(id),
                integer(seq),
                text(&key.parent),
                table
                    .columns
                    .get(column)
                    .map_or(Value::Null, |column| text(&column.name)),
                key.parent_columns.get(seq).map_or(Value::Null, |name| text(name)),
                text(action_words(key.on_update)),
                text(action_words(key.on_delete)),
                text("NONE"),
            ]);
        }
    }
    Ok(rows)
}

fn action_words(action: ReferenceAction) -> &'static str {
    match action {
        ReferenceAction::NoAction => "NO ACTION",
        ReferenceAction::Restrict => "RESTRICT",
        ReferenceAction::SetNull => "SET NULL",
        ReferenceAction::SetDefault => "SET DEFAULT",
        ReferenceAction::Cascade => "CASCADE",
    }
}

// ---- the connection ------------------------------------------------------------------------------

pub(super) fn database_list(_: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    const TEMP: usize = 1;
    let listed = context.state.databases.iter().enumerate();
    // The temporary database shows once something is in it.
    let listed = listed.filter(|(seq, database)| {
        *seq != TEMP || (!database.schema.tables.is_empty() || !database.schema.views.is_empty())
    });
    let file = |pager: &Pager| {
        pager
            .path()
            .map(|path| path.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let row = |(seq, database): (usize, &Database)| {
        vec![integer(seq), text(&database.name), text(&file(&database.pager))]
    };
    Ok(listed.map(row).collect())
}

pub(super) fn collation_list(_: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let names = context.state.collations.names();
    let names = names.iter().enumerate();
    Ok(names.map(|(seq, name)| vec![integer(seq), text(name)]).collect())
}

pub(super) fn function_list(_: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let row = |function: &Function| {
        let kind = match function.kind {
            FunctionKind::Scalar(_) | FunctionKind::Special(_) | FunctionKind::Database(_) => "s",
            FunctionKind::Aggregate(_) | FunctionKind::Window(_) => "w",
        };
        let arguments = match function.arity {
            Arity::Exact(count) => i64::from(count),
            Arity::Range(..) | Arity::AtLeast(_) => -1,
        };
        vec![
            text(&function.name),
            Value::Integer(i64::from(function.builtin)),
            text(kind),
            text("utf8"),
            Value::Integer(arguments),
            Value::Integer(function_flags(function)),
        ]
    };
    Ok(context.state.functions.iter().map(row).collect())
}

/// The bits that SQLite shows: deterministic, direct only, innocuous.
fn function_flags(function: &Function) -> i64 {
    const DETERMINISTIC: i64 = 0x800;
    const DIRECT_ONLY: i64 = 0x8_0000;
    const INNOCUOUS: i64 = 0x20_0000;
    let bit = |set: bool, bit: i64| if set { bit } else { 0 };
    bit(function.flags.deterministic, DETERMINISTIC)
        | bit(function.flags.direct_only, DIRECT_ONLY)
        | bit(function.flags.innocuous, INNOCUOUS)
}

pub(super) fn module_list(_: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let modules = context.state.virtual_tables.names();
    let functions = catalogue::all().iter().filter(|entry| entry.function);
    let pragmas = functions.map(|entry| format!("pragma_{}", entry.name));
    Ok(modules
        .into_iter()
        .chain(pragmas)
        .map(|name| vec![text(&name)])
        .collect())
}

pub(super) fn pragma_list(_: &Request<'_>, _: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    Ok(catalogue::all()
        .iter()
        .map(|entry| vec![text(entry.name)])
        .collect())
}

/// Options in SQLite's words that hold for this engine.
pub(super) fn compile_options(_: &Request<'_>, _: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    const OPTIONS: [&str; 6] = [
        "DEFAULT_PAGE_SIZE=4096",
        "DEFAULT_WAL_AUTOCHECKPOINT=1000",
        "ENABLE_MATH_FUNCTIONS",
        "MAX_PAGE_SIZE=65536",
        "TEMP_STORE=1",
        "THREADSAFE=2",
    ];
    Ok(OPTIONS.iter().map(|option| vec![text(option)]).collect())
}

pub(super) fn page_count(request: &Request<'_>, context: &mut PragmaContext<'_>) -> Result<Vec<Row>> {
    let pager = &mut context.state.databases[request.database_or_main()].pager;
    let count = reading(pager, |pager| Ok(pager.page_count()))?;
    Ok(super::one_integer(i64::from(count)))
}

// ---- finding -------------------------------------------------------------------------------------

/// The databases that a name is looked up in: the one named, else temp before main before the attached ones.
pub(super) fn searched<'c>(
    request: &Request<'_>,
    context: &'c PragmaContext<'_>,
) -> impl Iterator<Item = &'c Database> {
    let order: Vec<usize> = match request.database {
        Some(number) => vec![number],
        None => [1, 0]
            .into_iter()
            .chain(2..context.state.databases.len())
            .collect(),
    };
    order
        .into_iter()
        .filter_map(|number| context.state.databases.get(number))
}

pub(super) fn find_table<'c>(
    request: &Request<'_>,
    context: &'c PragmaContext<'_>,
    name: &str,
) -> Option<(&'c Database, &'c Table)> {
    let eponymous = || {
        let table = context.state.connected_eponymous(name)?;
        Some((context.state.databases.first()?, &**table))
    };
    searched(request, context)
        .find_map(|database| Some((database, &**database.schema.table(name)?)))
        .or_else(eponymous)
}

/// The view of that name, and its database.
fn find_view(request: &Request<'_>, context: &PragmaContext<'_>, name: &str) -> Option<(usize, Arc<View>)> {
    let databases = context.state.databases.iter();
    searched(request, context).find_map(|database| {
        let view = database.schema.view(name)?;
        let number = databases.clone().position(|own| std::ptr::eq(own, database))?;
        Some((number, Arc::clone(view)))
    })
}

fn integer(number: usize) -> Value {
    Value::Integer(number as i64)
}
