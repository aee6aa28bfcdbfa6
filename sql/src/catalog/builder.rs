//! From the rows of sqlite_schema to a [`Schema`].
//!
//! Rows come in the order of their rowids: a table before its indexes. The builder starts empty or from a schema that is there already,
//! so that one CREATE costs one row and not the whole table.
//!
//! A row that makes no sense is refused with `malformed database schema (NAME)` and a reason, as SQLite does.

use std::sync::{Arc, LazyLock};

use aludel_storage::format::PageNo;
use rustc_hash::FxHashMap;

use super::declared::VirtualDefinition;
use super::environment::Environment;
use super::index::index_of;
use super::samples::Samples;
use super::schema::{Index, Schema, Table, Trigger, View};
use super::table::{COLUMN_COUNT_MAX, UNASSIGNED_ROOT, table_of};
use crate::error::{Error, Result};
use crate::syntax::{self, ast};
use crate::value::{Text, Value};

/// A row of sqlite_schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaRow {
    /// `name`.
    pub name: Option<String>,
    /// `tbl_name`.
    pub table: Option<String>,
    /// `rootpage`.
    pub root: Option<i64>,
    /// `sql`.
    pub sql: Option<String>,
    /// The bytes of `sql` if they are no UTF-8: literals in it keep them.
    pub sql_bytes: Option<Vec<u8>>,
}

impl SchemaRow {
    /// From the five columns; missing ones are NULL.
    pub fn from_values(mut values: impl Iterator<Item = Value>) -> SchemaRow {
        let text = |value: Option<Value>| match value {
            Some(Value::Text(text)) => Some(string_of(text)),
            Some(Value::Blob(bytes)) => Some(string_of(Text::from_bytes(bytes))),
            Some(Value::Integer(number)) => Some(number.to_string()),
            _ => None,
        };
        let _kind = values.next();
        let (name, table) = (text(values.next()), text(values.next()));
        let root = match values.next() {
            Some(Value::Integer(root)) => Some(root),
            Some(Value::Text(digits)) => Some(crate::value::number::integer_prefix(digits.as_bytes())),
            Some(Value::Real(root)) => Some(root as i64),
            _ => None,
        };
        let sql = values.next();
        let sql_bytes = match &sql {
            Some(Value::Text(sql)) => Some(sql.as_bytes()),
            Some(Value::Blob(bytes)) => Some(bytes.as_slice()),
            _ => None,
        }
        .filter(|bytes| std::str::from_utf8(bytes).is_err())
        .map(<[u8]>::to_vec);
        SchemaRow {
            name,
            table,
            root,
            sql: text(sql),
            sql_bytes,
        }
    }
}

/// A text as a string; what is not UTF-8 is replaced.
fn string_of(text: Text) -> String {
    String::from_utf8(text.into_bytes())
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Builds a [`Schema`] row by row.
pub struct SchemaBuilder<'a> {
    schema: Schema,
    /// Tables that are not finished: their automatic indexes may lack roots.
    underway: FxHashMap<String, Table>,
    environment: Environment<'a>,
    /// Root pages lie within the file.
    page_count: u32,
    triggers: u64,
}

impl<'a> SchemaBuilder<'a> {
    /// An empty schema: the schema table and nothing else. `aliases` are the names by which it is known.
    pub fn new(aliases: &[&str], page_count: u32, environment: Environment<'a>) -> SchemaBuilder<'a> {
        let mut schema = Schema::default();
        let own = match aliases.first() {
            Some(&"sqlite_temp_master") => &TEMP_SCHEMA_TABLE,
            _ => &SCHEMA_TABLE,
        };
        if let Some(table) = &**own {
            for alias in aliases {
                schema.tables.insert((*alias).to_owned(), Arc::clone(table));
            }
        }
        SchemaBuilder::extend(schema, page_count, environment)
    }

    /// Further rows for a schema that was built before.
    pub fn extend(schema: Schema, page_count: u32, environment: Environment<'a>) -> SchemaBuilder<'a> {
        let triggers = schema
            .triggers
            .values()
            .map(|trigger| trigger.order + 1)
            .max()
            .unwrap_or(0);
        SchemaBuilder {
            schema,
            underway: FxHashMap::default(),
            environment,
            page_count,
            triggers,
        }
    }

    /// Takes one row in.
    ///
    /// # Errors
    /// [`Error::Corrupt`] naming the object when the row makes no sense.
    pub fn add(&mut self, row: &SchemaRow) -> Result<()> {
        let Some(root) = row.root else {
            return Err(malformed(row, ""));
        };
        match row.sql.as_deref() {
            Some(sql) if is_create(sql) => self.add_definition(row, root, sql).map_err(|error| match error {
                Error::Corrupt { .. } | Error::Storage(_) => error,
                error => malformed(row, &error.to_string()),
            }),
            Some(sql) if !sql.is_empty() => Err(malformed(row, "")),
            _ => self.assign_root(row, root),
        }
    }

    fn add_definition(&mut self, row: &SchemaRow, root: i64, sql: &str) -> Result<()> {
        let parsed = syntax::parse_one(row.sql_bytes.as_deref().unwrap_or(sql.as_bytes()))?;
        match parsed.statement {
            ast::Statement::CreateTable(create) => {
                let root = self.root(row, root)?;
                let table = table_of(&create, sql, root, &self.environment)?;
                self.underway.insert(fold(&table.name), table);
            }
            ast::Statement::CreateIndex(create) => {
                let root = self.root(row, root)?;
                self.add_index(&create, sql, root)?;
            }
            ast::Statement::CreateView(create) => self.add_view(*create, sql),
            ast::Statement::CreateTrigger(create) => return self.add_trigger(row, *create, sql),
            ast::Statement::CreateVirtualTable(create) => {
                let definition = VirtualDefinition::new(&create, sql);
                self.schema
                    .virtual_tables
                    .insert(fold(&definition.name), Arc::new(definition));
            }
            _ => return Err(malformed(row, "")),
        }
        Ok(())
    }

    /// Zero passes, as it does in SQLite: the tree is found missing when it is used.
    fn root(&self, row: &SchemaRow, root: i64) -> Result<PageNo> {
        if root == 0 {
            return Ok(MISSING_ROOT);
        }
        u32::try_from(root)
            .ok()
            .and_then(PageNo::new)
            .filter(|root| root.get() > 1 && root.get() <= self.page_count)
            .ok_or_else(|| malformed(row, "invalid rootpage"))
    }

    fn add_index(&mut self, create: &ast::CreateIndex, sql: &str, root: PageNo) -> Result<()> {
        let table = self.table_mut(create.table.as_str());
        let Some(mut table) = table else {
            return Err(Error::sql(format!(
                "no such table: main.{}",
                create.table.as_str()
            )));
        };
        let index = index_of(create, sql, root, &table, &self.environment);
        let result = index.map(|index| link_index(&mut table.indexes, Arc::new(index)));
        self.underway.insert(fold(&table.name), table);
        result
    }

    /// Takes a table out for changing; the caller puts it back.
    fn table_mut(&mut self, name: &str) -> Option<Table> {
        let key = fold(name);
        self.underway
            .remove(&key)
            .or_else(|| self.schema.tables.get(&key).map(|table| (**table).clone()))
    }

    fn add_view(&mut self, create: ast::CreateView, sql: &str) {
        let name = create.name.name.text.to_string();
        let view = View {
            columns: create
                .columns
                .iter()
                .map(|column| column.text.to_string())
                .collect(),
            select: Arc::new(*create.select),
            sql: sql.to_owned(),
            name,
        };
        self.schema.views.insert(fold(&view.name), Arc::new(view));
    }

    fn add_trigger(&mut self, row: &SchemaRow, create: ast::CreateTrigger, sql: &str) -> Result<()> {
        let temporary = self.schema.tables.contains_key("sqlite_temp_schema");
        if !temporary && create.writes_named_database() {
            return Err(malformed(row, ast::CreateTrigger::WRITES_NAMED_DATABASE));
        }
        let trigger = Trigger {
            name: create.name.name.text.to_string(),
            table: create.table.name.text.to_string(),
            order: self.triggers,
            definition: Arc::new(create),
            sql: sql.to_owned(),
        };
        self.triggers += 1;
        self.schema
            .triggers
            .insert(fold(&trigger.name), Arc::new(trigger));
        Ok(())
    }

    /// A row without text tells the root of an automatic index.
    fn assign_root(&mut self, row: &SchemaRow, root: i64) -> Result<()> {
        let root = self.root(row, root)?;
        let table = row.name.as_ref().and_then(|name| {
            let owner = self.owner_of(name, row.table.as_deref()?)?;
            Some((name, self.table_mut(&owner)?))
        });
        let Some((name, mut table)) = table else {
            return Err(malformed(row, "orphan index"));
        };
        let found = table
            .indexes
            .iter_mut()
            .find(|index| index.name.eq_ignore_ascii_case(name));
        let known = found.is_some();
        if let Some(index) = found {
            Arc::make_mut(index).root = root;
        }
        self.underway.insert(fold(&table.name), table);
        if known {
            Ok(())
        } else {
            Err(malformed(row, "orphan index"))
        }
    }

    /// The table that has the index, whatever the row says: SQLite looks for the name alone.
    fn owner_of(&self, index: &str, said: &str) -> Option<String> {
        let has = |table: &Table| {
            let mut indexes = table.indexes.iter();
            indexes.any(|own| own.name.eq_ignore_ascii_case(index))
        };
        let key = fold(said);
        if self.underway.get(&key).is_some_and(has) || self.schema.tables.get(&key).is_some_and(|it| has(it))
        {
            return Some(key);
        }
        let underway = self
            .underway
            .iter()
            .find(|(_, table)| has(table))
            .map(|(key, _)| key);
        let finished = || {
            self.schema
                .tables
                .iter()
                .find(|(_, table)| has(table))
                .map(|(key, _)| key)
        };
        underway.or_else(finished).cloned()
    }

    /// The root of a table that was taken in.
    pub(super) fn table_root(&self, name: &str) -> Option<PageNo> {
        let key = fold(name);
        let finished = || self.schema.tables.get(&key).map(|table| table.root);
        self.underway.get(&key).map(|table| table.root).or_else(finished)
    }

    /// Takes in what ANALYZE left in sqlite_stat1: table, index and text of each row.
    pub fn set_statistics(&mut self, table: &str, index: Option<&str>, text: &str) {
        let Some(mut found) = self.table_mut(table) else {
            return;
        };
        let mut counts = text.split(' ').map_while(|word| word.parse::<u64>().ok());
        if let Some(rows) = counts.next() {
            found.row_count = Some(rows);
            let own = found
                .indexes
                .iter_mut()
                .find(|own| index.is_some_and(|name| own.name.eq_ignore_ascii_case(name)));
            if let Some(own) = own {
                Arc::make_mut(own).statistics = Some(std::iter::once(rows).chain(counts).collect());
            }
        }
        self.underway.insert(fold(&found.name), found);
    }

    /// Takes in what ANALYZE left in sqlite_stat4 of an index, after its row of sqlite_stat1.
    pub fn set_samples(&mut self, table: &str, index: &str, mut samples: Samples) {
        let Some(mut found) = self.table_mut(table) else {
            return;
        };
        let own = found
            .indexes
            .iter_mut()
            .find(|own| own.name.eq_ignore_ascii_case(index));
        if let Some(own) = own
            && samples.finish(own.statistics.as_deref())
        {
            Arc::make_mut(own).samples = Some(Arc::new(samples));
        }
        self.underway.insert(fold(&found.name), found);
    }

    /// The schema, as of `cookie`.
    ///
    /// An automatic index without a row of its own is there all the same, and found missing when it is used.
    pub fn finish(mut self, cookie: u32) -> Result<Schema> {
        for (key, mut table) in std::mem::take(&mut self.underway) {
            for index in &mut table.indexes {
                if index.root == UNASSIGNED_ROOT {
                    Arc::make_mut(index).root = MISSING_ROOT;
                }
            }
            let table = Arc::new(table);
            if let Some(old) = self.schema.tables.get(&key) {
                old.indexes
                    .iter()
                    .for_each(|index| drop(self.schema.indexes.remove(&fold(&index.name))));
            }
            for index in &table.indexes {
                self.schema.indexes.insert(fold(&index.name), Arc::clone(index));
            }
            self.schema.tables.insert(key, table);
        }
        self.schema.cookie = cookie;
        self.schema.encoding = self.environment.encoding;
        Ok(self.schema)
    }
}

/// The root of a tree that the schema does not place: no file has so many pages.
const MISSING_ROOT: PageNo = match PageNo::new(u32::MAX) {
    Some(root) => root,
    None => PageNo::ONE,
};

/// Puts a new index where SQLite's list has it: in front, but behind all others if it replaces rows.
fn link_index(indexes: &mut Vec<Arc<Index>>, index: Arc<Index>) {
    indexes.insert(0, index);
}

/// A name as a key of the schema's maps.
pub fn fold(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn is_create(sql: &str) -> bool {
    sql.as_bytes()
        .get(..2)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"cr"))
}

fn malformed(row: &SchemaRow, reason: &str) -> Error {
    let name = row.name.as_deref().unwrap_or("?");
    let message = match reason {
        "" => format!("malformed database schema ({name})"),
        reason => format!("malformed database schema ({name}) - {reason}"),
    };
    Error::Corrupt { message }
}

/// The schema table of all databases but temp: a constant, which costs some work to make.
static SCHEMA_TABLE: LazyLock<Option<Arc<Table>>> =
    LazyLock::new(|| schema_table("sqlite_master").ok().map(Arc::new));

/// The schema table of temp.
static TEMP_SCHEMA_TABLE: LazyLock<Option<Arc<Table>>> =
    LazyLock::new(|| schema_table("sqlite_temp_master").ok().map(Arc::new));

/// The schema table itself, whose root is page 1.
fn schema_table(name: &str) -> Result<Table> {
    let sql = format!("CREATE TABLE {name}(type TEXT,name TEXT,tbl_name TEXT,rootpage INT,sql TEXT)");
    let parsed = syntax::parse_one(sql.as_bytes())?;
    let environment = Environment {
        encoding: Default::default(),
        schema_format: 4,
        collations: &NoCollations,
        reading: true,
        columns_max: COLUMN_COUNT_MAX,
    };
    match parsed.statement {
        ast::Statement::CreateTable(create) => {
            let mut table = table_of(&create, "", PageNo::ONE, &environment)?;
            table.columns.iter_mut().for_each(|column| column.hidden = false);
            Ok(table)
        }
        _ => Err(Error::sql("the schema table has no definition")),
    }
}

struct NoCollations;

impl super::environment::Collations for NoCollations {
    fn find(&self, _: &str) -> Option<aludel_storage::format::Collation> {
        None
    }
}
