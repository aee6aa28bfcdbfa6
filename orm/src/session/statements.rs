//! The texts of a unit of work's statements, each made once for an entity and kept.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::dialect::{CompileError, Dialect, render};
use crate::expr::{FromItem, Relation, Select, SourceId, Statement};
use crate::mapper::{EntityMeta, Variant, outputs};
use crate::types::Value;

/// The statements of one entity.
#[derive(Default)]
pub(crate) struct Statements {
    insert: [Option<Arc<str>>; 2],
    updates: FxHashMap<Box<[usize]>, Arc<str>>,
    delete: Option<Arc<str>>,
    soft_delete: Option<Arc<str>>,
    select: Option<SelectByKey>,
    /// For the tables of variants: INSERT and DELETE.
    variants: FxHashMap<&'static str, [Option<Arc<str>>; 2]>,
}

/// The query for a row by its key: its text, and the parameters before those of the key.
#[derive(Clone)]
pub(crate) struct SelectByKey {
    pub(crate) sql: Arc<str>,
    own: Arc<[Value<'static>]>,
}

impl SelectByKey {
    /// The parameters before those of the key.
    pub(crate) fn own_params(&self) -> &[Value<'static>] {
        &self.own
    }

    /// All its parameters, for that key.
    pub(crate) fn params(&self, key: Vec<Value<'static>>) -> Vec<Value<'static>> {
        match self.own.is_empty() {
            true => key,
            false => self.own.iter().cloned().chain(key).collect(),
        }
    }
}

/// Those of the entity of that arena.
pub(super) fn of(statements: &mut Vec<Statements>, arena: usize) -> &mut Statements {
    if statements.len() <= arena {
        statements.resize_with(arena + 1, Statements::default);
    }
    &mut statements[arena]
}

/// The columns of an INSERT into the entity's own table: all that can be written, without the key where the database assigns it.
pub(crate) fn insert_columns(meta: &EntityMeta, keyless: bool) -> impl Iterator<Item = usize> {
    let auto = meta.auto_key().filter(|_| keyless);
    let written = move |(i, column): &(usize, &crate::mapper::ColumnMeta)| {
        !column.is_computed() && Some(*i) != auto && column.variant.is_none()
    };
    meta.columns.iter().enumerate().filter(written).map(|(i, _)| i)
}

/// The columns whose values only the database knows after an INSERT or UPDATE.
pub(crate) fn computed_columns(meta: &EntityMeta) -> Vec<usize> {
    meta.columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.is_computed() && column.query.is_none())
        .map(|(i, _)| i)
        .collect()
}

impl Statements {
    /// `INSERT INTO t (..) VALUES (..) [RETURNING ..]`
    pub(crate) fn insert(
        &mut self,
        meta: &EntityMeta,
        keyless: bool,
        returning: &[usize],
        dialect: &dyn Dialect,
    ) -> Arc<str> {
        let make = || {
            let mut sql = Text::new(dialect, "INSERT INTO ");
            sql.name(meta.table);
            let columns: Vec<usize> = insert_columns(meta, keyless).collect();
            if columns.is_empty() {
                sql.push(dialect.default_row());
            } else {
                sql.push(" (");
                sql.list(columns.iter().copied(), |sql, i| sql.column(meta, i));
                sql.push(") VALUES (");
                sql.list(columns.iter().copied(), |sql, _| sql.placeholder());
                sql.push(")");
            }
            sql.returning(meta, returning);
            sql.done()
        };
        Arc::clone(self.insert[usize::from(keyless)].get_or_insert_with(make))
    }

    /// `UPDATE t SET .. WHERE key AND version [RETURNING ..]`; `changed` includes the version. All of `changed` are of one table: the
    /// entity's own, or a variant's, which has no version.
    pub(crate) fn update(
        &mut self,
        meta: &EntityMeta,
        changed: &[usize],
        returning: &[usize],
        dialect: &dyn Dialect,
    ) -> Arc<str> {
        if let Some(sql) = self.updates.get(changed) {
            return Arc::clone(sql);
        }
        let variant = changed.first().and_then(|i| meta.columns.get(*i)?.variant);
        let mut sql = Text::new(dialect, "UPDATE ");
        sql.name(variant.map_or(meta.table, |own| own.table.table));
        sql.push(" SET ");
        sql.list(changed.iter().copied(), |sql, i| {
            sql.column(meta, i);
            sql.push(" = ");
            sql.placeholder();
        });
        sql.where_key(meta, variant.is_none());
        sql.returning(meta, returning);
        let sql = sql.done();
        self.updates.insert(changed.into(), Arc::clone(&sql));
        sql
    }

    /// `DELETE FROM t WHERE key AND version`
    pub(crate) fn delete(&mut self, meta: &EntityMeta, dialect: &dyn Dialect) -> Arc<str> {
        let make = || {
            let mut sql = Text::new(dialect, "DELETE FROM ");
            sql.name(meta.table);
            sql.where_key(meta, true);
            sql.done()
        };
        Arc::clone(self.delete.get_or_insert_with(make))
    }

    /// `UPDATE t SET mark = ? WHERE key AND version`
    pub(crate) fn soft_delete(&mut self, meta: &EntityMeta, mark: usize, dialect: &dyn Dialect) -> Arc<str> {
        let make = || {
            let mut sql = Text::new(dialect, "UPDATE ");
            sql.name(meta.table);
            sql.push(" SET ");
            sql.column(meta, mark);
            sql.push(" = ");
            sql.placeholder();
            if let Some(version) = meta.version {
                sql.push(", ");
                sql.column(meta, version);
                sql.push(" = ");
                sql.column(meta, version);
                sql.push(" + 1");
            }
            sql.where_key(meta, true);
            sql.done()
        };
        Arc::clone(self.soft_delete.get_or_insert_with(make))
    }

    /// `INSERT INTO variant (key, own columns) VALUES (..)`
    pub(crate) fn variant_insert(
        &mut self,
        meta: &EntityMeta,
        variant: &Variant,
        dialect: &dyn Dialect,
    ) -> Arc<str> {
        let make = || {
            let columns: Vec<usize> = meta.key.iter().copied().chain(variant.written(meta)).collect();
            let mut sql = Text::new(dialect, "INSERT INTO ");
            sql.name(variant.table.table);
            sql.push(" (");
            sql.list(columns.iter().copied(), |sql, i| sql.column(meta, i));
            sql.push(") VALUES (");
            sql.list(columns.iter().copied(), |sql, _| sql.placeholder());
            sql.push(")");
            sql.done()
        };
        let [insert, _] = self.variants.entry(variant.table.table).or_default();
        Arc::clone(insert.get_or_insert_with(make))
    }

    /// `DELETE FROM variant WHERE key`
    pub(crate) fn variant_delete(
        &mut self,
        meta: &EntityMeta,
        variant: &Variant,
        dialect: &dyn Dialect,
    ) -> Arc<str> {
        let make = || {
            let mut sql = Text::new(dialect, "DELETE FROM ");
            sql.name(variant.table.table);
            sql.where_key(meta, false);
            sql.done()
        };
        let [_, delete] = self.variants.entry(variant.table.table).or_default();
        Arc::clone(delete.get_or_insert_with(make))
    }

    /// `SELECT .. FROM t WHERE key`
    ///
    /// # Errors
    /// Where the dialect has no words for the expression that a field is defined by.
    pub(crate) fn select(
        &mut self,
        meta: &'static EntityMeta,
        dialect: &dyn Dialect,
    ) -> Result<&SelectByKey, CompileError> {
        if self.select.is_none() {
            self.select = Some(match meta.columns.iter().any(|column| column.query.is_some()) {
                true => select_with_queries(meta, dialect)?,
                false => SelectByKey {
                    sql: select_of_columns(meta, dialect),
                    own: Arc::default(),
                },
            });
        }
        Ok(self.select.get_or_insert_with(|| SelectByKey {
            sql: Arc::default(),
            own: Arc::default(),
        }))
    }
}

fn select_of_columns(meta: &EntityMeta, dialect: &dyn Dialect) -> Arc<str> {
    let mut sql = Text::new(dialect, "SELECT ");
    sql.qualified = meta.joined;
    sql.list(0..meta.columns.len(), |sql, i| sql.selected(meta, i));
    sql.push(" FROM ");
    sql.name(meta.table);
    if meta.joined {
        sql.variants(meta);
    }
    sql.where_key(meta, false);
    sql.done()
}

/// Where expressions are among the columns, the renderer writes them; their parameters stand before those of the key.
fn select_with_queries(
    meta: &'static EntityMeta,
    dialect: &dyn Dialect,
) -> Result<SelectByKey, CompileError> {
    if meta.joined {
        return Err(CompileError::Malformed(
            "a field that a query defines cannot be read by key beside variants with tables of their own: give the expression in a `select`",
        ));
    }
    let source = SourceId::fresh();
    let select = Select {
        columns: outputs(meta, source).collect(),
        from: vec![FromItem {
            source,
            relation: Relation::table(meta.table),
            join: None,
        }],
        ..Select::default()
    };
    let rendered = render(Statement::Select(&select), dialect)?;
    let mut sql = Text::new(dialect, &rendered.sql);
    sql.placeholders = rendered.params.len();
    sql.where_key(meta, false);
    Ok(SelectByKey {
        own: rendered.params.into_iter().cloned().collect(),
        sql: sql.done(),
    })
}

struct Text<'d> {
    dialect: &'d dyn Dialect,
    sql: String,
    placeholders: usize,
    /// Columns are written with their tables.
    qualified: bool,
}

impl<'d> Text<'d> {
    fn new(dialect: &'d dyn Dialect, start: &str) -> Text<'d> {
        Text {
            dialect,
            sql: start.to_owned(),
            placeholders: 0,
            qualified: false,
        }
    }

    fn push(&mut self, text: &str) {
        self.sql.push_str(text);
    }

    fn name(&mut self, name: &str) {
        self.dialect.push_name(name, &mut self.sql);
    }

    fn column(&mut self, meta: &EntityMeta, index: usize) {
        if self.qualified {
            let own = meta.columns.get(index).and_then(|column| column.variant);
            self.name(own.map_or(meta.table, |own| own.table.table));
            self.push(".");
        }
        self.name(meta.columns.get(index).map_or("", |column| column.name));
    }

    /// Deferred columns are left out.
    fn selected(&mut self, meta: &EntityMeta, index: usize) {
        match meta.columns.get(index).is_some_and(|column| column.deferred) {
            true => self.push("NULL"),
            false => self.column(meta, index),
        }
    }

    fn placeholder(&mut self) {
        self.placeholders += 1;
        self.dialect.push_placeholder(self.placeholders, &mut self.sql);
    }

    fn list(&mut self, columns: impl Iterator<Item = usize>, mut each: impl FnMut(&mut Self, usize)) {
        for (n, column) in columns.enumerate() {
            if n > 0 {
                self.push(", ");
            }
            each(self, column);
        }
    }

    fn where_key(&mut self, meta: &EntityMeta, with_version: bool) {
        let version = meta.version.filter(|_| with_version);
        for (n, column) in meta.key.iter().copied().chain(version).enumerate() {
            self.push(if n == 0 { " WHERE " } else { " AND " });
            self.column(meta, column);
            self.push(" = ");
            self.placeholder();
        }
    }

    /// ` LEFT JOIN variant ON variant.key = t.key ..`
    fn variants(&mut self, meta: &EntityMeta) {
        for variant in meta.variants() {
            self.push(" LEFT JOIN ");
            self.name(variant.table.table);
            for (n, key) in meta.key.iter().enumerate() {
                self.push(if n == 0 { " ON " } else { " AND " });
                self.name(variant.table.table);
                self.push(".");
                self.name(meta.columns.get(*key).map_or("", |column| column.name));
                self.push(" = ");
                self.column(meta, *key);
            }
        }
    }

    fn returning(&mut self, meta: &EntityMeta, columns: &[usize]) {
        if !columns.is_empty() {
            self.push(" RETURNING ");
            self.list(columns.iter().copied(), |sql, i| sql.column(meta, i));
        }
    }

    fn done(self) -> Arc<str> {
        self.sql.into()
    }
}
