//! Statements for many rows of entities whose variants have tables of their own: several statements in the place of one.
//!
//! ```text
//!   insert    INSERT INTO base ..        INSERT INTO variant (key of the base, ..)     a prepared statement for each table
//!   update    SELECT key, expressions .. FROM base LEFT JOIN variants WHERE ..         what the conditions and expressions are about
//!             UPDATE table SET .. WHERE key IN (..)                                    for each table that has one of the columns
//!   delete    SELECT key ..              DELETE FROM variant ..                        DELETE FROM base WHERE key IN (..)
//! ```
//!
//! An UPDATE with a join on its left side is nothing that all backends have, so the rows are asked for first. All of it stands in
//! the open transaction behind a savepoint, or in a transaction of its own. What one statement alone could do is refused with an error
//! that says so: ON CONFLICT, RETURNING, rows of a query.

use rustc_hash::FxHashSet;

use super::executor::{Executor, run};
use crate::dialect::{CompileError, GeneratedKey, TransactionMode, render};
use crate::engine::Connection;
use crate::error::{Error, Result};
use crate::expr::{
    self, Assignment, BinaryOp, FromItem, Node, Output, Relation, Select, SourceId, Statement,
};
use crate::mapper::{EntityMeta, Variant, show_key};
use crate::session::Statements;
use crate::types::Value;

/// Why not: for messages.
pub(super) const NO_RETURNING: CompileError = CompileError::Malformed(
    "RETURNING is about one table, and the variants of this entity have tables of their own: leave `returning` out, and query the rows",
);
pub(super) const NO_CONFLICT: CompileError = CompileError::Malformed(
    "ON CONFLICT is about one table, and the variants of this entity have tables of their own: look for the row with `find`, or use `merge`",
);
pub(super) const NO_QUERY: CompileError = CompileError::Malformed(
    "the rows of a query go into one table, and the variants of this entity have tables of their own: insert entities",
);
const FIXED: CompileError = CompileError::Malformed(
    "an UPDATE by query changes neither the key nor the discriminator of an entity whose variants have tables of their own: \
     change the entity in a session",
);

/// The most keys in one statement.
const BATCH: usize = 500;

/// Runs statements of which all are kept, or none.
pub(crate) fn atomically<T>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<T>,
) -> Result<T> {
    if !connection.in_transaction() {
        return connection.transaction(TransactionMode::Write, work);
    }
    connection.execute_batch("SAVEPOINT aludel_row")?;
    let worked = work(connection);
    if worked.is_err() {
        // The work's own error is the one to report. On some backends nothing but a rollback of the whole is taken now.
        let _ = connection.execute_batch("ROLLBACK TO SAVEPOINT aludel_row");
        let _ = connection.execute_batch("RELEASE SAVEPOINT aludel_row");
        return worked;
    }
    connection.execute_batch("RELEASE SAVEPOINT aludel_row")?;
    worked
}

/// Inserts wide rows: how many there are.
pub(super) fn insert<X: Executor>(
    executor: &mut X,
    meta: &'static EntityMeta,
    mut rows: Vec<Vec<Value<'static>>>,
) -> Result<u64> {
    executor.before_statement(true)?;
    for value in rows.iter_mut().flatten() {
        if let Value::Pending(raw) = *value {
            *value = executor.resolve(raw)?;
        }
    }
    let mut texts = Statements::default();
    atomically(executor.connection()?, |connection| {
        insert_base(connection, meta, &mut texts, &mut rows)?;
        meta.variants()
            .iter()
            .try_for_each(|variant| insert_variant(connection, meta, variant, &mut texts, &rows))
    })?;
    Ok(rows.len() as u64)
}

/// Inserts the base rows, and puts the keys that they get into `rows`.
fn insert_base(
    connection: &mut Connection,
    meta: &'static EntityMeta,
    texts: &mut Statements,
    rows: &mut [Vec<Value<'static>>],
) -> Result<()> {
    let engine = connection.engine();
    let dialect = engine.dialect();
    let keyless = |row: &Vec<Value<'static>>| {
        meta.auto_key()
            .filter(|key| row.get(*key).is_none_or(Value::is_null))
    };
    for run in rows.chunk_by_mut(|a, b| keyless(a) == keyless(b)) {
        let key = run.first().and_then(keyless);
        let returned = key.filter(|_| dialect.generated_key() == GeneratedKey::Returning);
        let sql = texts.insert(meta, key.is_some(), returned.as_slice(), dialect);
        let columns: Vec<usize> = crate::session::insert_columns(meta, key.is_some()).collect();
        let mut prepared = connection.prepare(&*sql)?;
        for row in run {
            let params = values_of(row, columns.iter().copied());
            let id = match returned {
                None => prepared.execute(&params)?.last_insert_id.map(Value::Int),
                Some(_) => prepared
                    .query(&params)?
                    .next()?
                    .map(|row| row.value(0).into_owned()),
            };
            if let (Some(place), Some(id)) = (key.and_then(|key| row.get_mut(key)), id) {
                *place = id;
            }
        }
    }
    Ok(())
}

fn insert_variant(
    connection: &mut Connection,
    meta: &'static EntityMeta,
    variant: &Variant,
    texts: &mut Statements,
    rows: &[Vec<Value<'static>>],
) -> Result<()> {
    let mut rows = rows
        .iter()
        .filter(|row| row.get(variant.tag).is_some_and(|tag| variant.is(tag)))
        .peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    let engine = connection.engine();
    let sql = texts.variant_insert(meta, variant, engine.dialect());
    let mut prepared = connection.prepare(&*sql)?;
    for row in rows {
        let columns = meta.key.iter().copied().chain(variant.written(meta));
        prepared.execute(&values_of(row, columns))?;
    }
    Ok(())
}

fn values_of<'r>(row: &'r [Value<'static>], columns: impl Iterator<Item = usize>) -> Vec<Value<'r>> {
    columns
        .map(|i| row.get(i).map_or(Value::Null, Value::borrowed))
        .collect()
}

/// A row that a statement is about: its key, and the expressions that it is to be set to.
type Found = (Vec<Value<'static>>, Vec<Value<'static>>);

/// Updates the rows: their keys.
pub(crate) fn update<X: Executor>(
    executor: &mut X,
    meta: &'static EntityMeta,
    update: &expr::Update,
) -> Result<Vec<Vec<Value<'static>>>> {
    check_assignments(meta, &update.assignments)?;
    executor.before_statement(true)?;
    let computed = update
        .assignments
        .iter()
        .map(|set| &set.value)
        .filter(|node| !is_constant(node));
    let computed: Vec<Node> = computed.cloned().collect();
    let found = rows(
        executor,
        meta,
        (update.source, update.using.as_ref(), update.filter.as_ref()),
        computed,
    )?;
    let mut statements = Vec::new();
    for (table, sets) in by_table(meta, &update.assignments) {
        statements.extend(updates_of(meta, table, &sets, &found));
    }
    run_all(executor, &statements)?;
    Ok(found.into_iter().map(|(key, _)| key).collect())
}

/// Deletes the rows: their keys.
pub(crate) fn delete<X: Executor>(
    executor: &mut X,
    meta: &'static EntityMeta,
    delete: &expr::Delete,
) -> Result<Vec<Vec<Value<'static>>>> {
    executor.before_statement(true)?;
    let what = (delete.source, delete.using.as_ref(), delete.filter.as_ref());
    let found = rows(executor, meta, what, Vec::new())?;
    let keys: Vec<Vec<Value<'static>>> = found.into_iter().map(|(key, _)| key).collect();
    let variants = meta.variants();
    let tables = variants.iter().map(|variant| variant.table.table);
    let mut statements = Vec::new();
    for table in tables.chain(std::iter::once(meta.table)) {
        for batch in keys.chunks(BATCH) {
            let source = SourceId::fresh();
            statements.push(Write::Delete(expr::Delete {
                source,
                table: Relation::table(table),
                using: None,
                filter: Some(is_one_of(meta, source, batch)),
                returning: Vec::new(),
            }));
        }
    }
    run_all(executor, &statements)?;
    Ok(keys)
}

/// A statement for one table.
enum Write {
    Update(expr::Update),
    Delete(expr::Delete),
}

fn run_all<X: Executor>(executor: &mut X, writes: &[Write]) -> Result<()> {
    let mut rendered = Vec::with_capacity(writes.len());
    for write in writes {
        let statement = match write {
            Write::Update(update) => Statement::Update(update),
            Write::Delete(delete) => Statement::Delete(delete),
        };
        let text = render(statement, executor.dialect())?;
        let mut params = Vec::with_capacity(text.params.len());
        for value in text.params {
            params.push(match value {
                Value::Pending(raw) => executor.resolve(*raw)?,
                value => value.clone(),
            });
        }
        rendered.push((text.sql, params));
    }
    atomically(executor.connection()?, |connection| {
        for (sql, params) in &rendered {
            connection.prepare(sql.as_str())?.execute(params)?;
        }
        Ok(())
    })
}

/// The rows that a statement is about, each once.
fn rows<X: Executor>(
    executor: &mut X,
    meta: &'static EntityMeta,
    (source, using, filter): (SourceId, Option<&FromItem>, Option<&Node>),
    computed: Vec<Node>,
) -> Result<Vec<Found>> {
    let own = FromItem {
        source,
        relation: meta.relation(),
        join: None,
    };
    let keys = key_names(meta).map(|name| column(source, name));
    let outputs = keys.chain(computed).map(|node| Output { node, label: None });
    let select = Select {
        columns: outputs.collect(),
        from: std::iter::once(own).chain(using.cloned()).collect(),
        filter: filter.cloned(),
        ..Select::default()
    };
    let width = meta.key.len();
    run(executor, Statement::Select(&select), |rows| {
        let (mut all, mut seen) = (Vec::new(), FxHashSet::default());
        while let Some(row) = rows.next()? {
            let value = |i| row.value(i).into_owned();
            let key: Vec<Value<'static>> = (0..width).map(value).collect();
            if using.is_none() || seen.insert(show_key(&key)) {
                all.push((key, (width..row.width()).map(value).collect()));
            }
        }
        Ok(all)
    })
}

fn is_constant(node: &Node) -> bool {
    matches!(node, Node::Value(_))
}

fn check_assignments(meta: &'static EntityMeta, sets: &[Assignment]) -> Result<()> {
    let variants = meta.variants();
    let is_fixed = |set: &Assignment| {
        let column = meta.columns.iter().position(|column| column.name == set.column);
        column.is_some_and(|i| meta.key.contains(&i) || variants.iter().any(|variant| variant.tag == i))
    };
    match sets.iter().any(is_fixed) {
        true => Err(Error::from(FIXED)),
        false => Ok(()),
    }
}

/// An assignment, and its number among those that are computed from the row.
type Set<'u> = (&'u Assignment, Option<usize>);

/// The assignments by the table that has the column.
fn by_table<'u>(meta: &'static EntityMeta, sets: &'u [Assignment]) -> Vec<(&'static str, Vec<Set<'u>>)> {
    let mut tables: Vec<(&'static str, Vec<Set<'u>>)> = Vec::new();
    let mut computed = 0;
    for set in sets {
        let number = (!is_constant(&set.value)).then(|| {
            computed += 1;
            computed - 1
        });
        let own = meta.column(&set.column).and_then(|(_, column)| column.variant);
        let table = own.map_or(meta.table, |own| own.table.table);
        match tables.iter_mut().find(|(other, _)| *other == table) {
            Some((_, sets)) => sets.push((set, number)),
            None => tables.push((table, vec![(set, number)])),
        }
    }
    tables
}

/// One UPDATE for many rows where all get the same values, else one for each.
fn updates_of(
    meta: &'static EntityMeta,
    table: &'static str,
    sets: &[Set<'_>],
    found: &[Found],
) -> Vec<Write> {
    let is_computed = sets.iter().any(|(_, number)| number.is_some());
    let update = |rows: &[Found]| {
        let source = SourceId::fresh();
        let keys: Vec<Vec<Value<'static>>> = rows.iter().map(|(key, _)| key.clone()).collect();
        let value = |number: usize| rows.first().and_then(|(_, values)| values.get(number)).cloned();
        let assignment = |(set, number): &Set<'_>| Assignment {
            column: set.column.clone(),
            value: match number {
                Some(number) => Node::Value(value(*number).unwrap_or_default()),
                None => set.value.clone(),
            },
        };
        Write::Update(expr::Update {
            source,
            table: Relation::table(table),
            using: None,
            assignments: sets.iter().map(assignment).collect(),
            filter: Some(is_one_of(meta, source, &keys)),
            returning: Vec::new(),
        })
    };
    found
        .chunks(if is_computed { 1 } else { BATCH })
        .map(update)
        .collect()
}

fn column(source: SourceId, name: &'static str) -> Node {
    Node::Column {
        source,
        name: name.into(),
    }
}

fn key_names(meta: &'static EntityMeta) -> impl Iterator<Item = &'static str> {
    meta.key
        .iter()
        .filter_map(|i| meta.columns.get(*i).map(|column| column.name))
}

/// `key IN (..)`, or for keys of several columns `(a = .. AND b = ..) OR ..`.
fn is_one_of(meta: &'static EntityMeta, source: SourceId, keys: &[Vec<Value<'static>>]) -> Node {
    if let [only] = meta.key {
        let name = meta.columns.get(*only).map_or("", |column| column.name);
        return Node::InList {
            operand: Box::new(column(source, name)),
            list: keys.iter().flatten().cloned().map(Node::Value).collect(),
            negated: false,
        };
    }
    let same = |key: &Vec<Value<'static>>| {
        let parts = key_names(meta).zip(key);
        let equal = |(name, value): (&'static str, &Value<'static>)| {
            Node::binary(BinaryOp::Eq, column(source, name), Node::Value(value.clone()))
        };
        Node::Logic {
            all: true,
            parts: parts.map(equal).collect(),
        }
    };
    Node::Logic {
        all: false,
        parts: keys.iter().map(same).collect(),
    }
}
