//! Which objects a database has, and how the rows of a table are told apart.

use aludel_sql::Connection;
use aludel_sql::value::ValueRef;

use super::ContentError;
use crate::output::{identifier, literal};

/// What an object of the schema is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A table with rows of its own.
    Table,
    /// A table whose rows a module makes.
    VirtualTable,
    /// A view.
    View,
    /// A trigger.
    Trigger,
    /// An index.
    Index,
}

impl ObjectKind {
    /// Its name in SQL.
    pub fn word(self) -> &'static str {
        match self {
            ObjectKind::Table | ObjectKind::VirtualTable => "table",
            ObjectKind::View => "view",
            ObjectKind::Trigger => "trigger",
            ObjectKind::Index => "index",
        }
    }

    fn of(kind: &str, sql: &str) -> Option<ObjectKind> {
        match kind {
            "table" if starts_with(sql, "CREATE VIRTUAL") => Some(ObjectKind::VirtualTable),
            "table" => Some(ObjectKind::Table),
            "view" => Some(ObjectKind::View),
            "trigger" => Some(ObjectKind::Trigger),
            "index" => Some(ObjectKind::Index),
            _ => None,
        }
    }
}

/// An object of the schema that has SQL of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// The table that it belongs to; its own name for tables and views.
    pub table: String,
    /// What makes it.
    pub sql: String,
}

impl Object {
    /// Whether SQLite made it for its own use: sequences and statistics.
    pub fn is_internal(&self) -> bool {
        starts_with(&self.name, "sqlite_")
    }
}

/// The objects of a database.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// In the order of the schema's rows.
    pub objects: Vec<Object>,
    /// Whether these are all: damage of the schema can hide the rest.
    pub complete: bool,
}

impl Catalogue {
    /// Reads it.
    ///
    /// # Errors
    /// A schema that makes no sense; damage in the midst of it leaves the catalogue incomplete.
    pub fn read(connection: &Connection) -> Result<Catalogue, ContentError> {
        let sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid";
        let mut statement = connection.prepare(sql).map_err(ContentError::of(sql))?;
        let mut catalogue = Catalogue {
            complete: true,
            ..Catalogue::default()
        };
        loop {
            match statement.step().map_err(ContentError::of(sql)) {
                Ok(true) => {}
                Ok(false) => return Ok(catalogue),
                Err(error) if error.is_damage() => {
                    catalogue.complete = false;
                    return Ok(catalogue);
                }
                Err(error) => return Err(error),
            }
            let [kind, name, table, sql] = [0, 1, 2, 3].map(|column| text_of(statement.value(column)));
            if let Some(kind) = ObjectKind::of(&kind, &sql) {
                catalogue.objects.push(Object {
                    kind,
                    name,
                    table,
                    sql,
                });
            }
        }
    }

    /// The tables and views with one of these names, and what belongs to them; all when there are no names.
    #[must_use]
    pub fn only(mut self, names: &[String]) -> Catalogue {
        if !names.is_empty() {
            self.objects
                .retain(|object| names.iter().any(|name| object.table.eq_ignore_ascii_case(name)));
        }
        self
    }

    /// The objects of one kind.
    pub fn of_kind(&self, kind: ObjectKind) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(move |object| object.kind == kind)
    }

    /// The object of this kind and name.
    pub fn find(&self, kind: ObjectKind, name: &str) -> Option<&Object> {
        self.of_kind(kind)
            .find(|object| object.name.eq_ignore_ascii_case(name))
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its place in the primary key, from 1 on; 0 outside of it.
    pub key_place: usize,
    /// Whether it is computed from others.
    pub is_generated: bool,
}

/// The columns of a table, and what tells its rows apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableShape {
    /// Its name.
    pub name: String,
    /// Its columns, generated ones among them.
    pub columns: Vec<Column>,
    /// Whether its rows are told apart by the primary key only.
    pub without_rowid: bool,
    /// A name by which the row id can be read and written: that of the column that is the row id, or one of SQLite's three where no column
    /// has it.
    pub rowid: Option<String>,
    /// Whether a column is the row id.
    pub has_rowid_column: bool,
}

impl TableShape {
    /// Asks for that of a table.
    ///
    /// # Errors
    /// Those of reading the schema; a table that it names and does not define.
    pub fn read(connection: &Connection, table: &str) -> Result<TableShape, ContentError> {
        let name = literal(ValueRef::Text(table.as_bytes()));
        let columns = columns_of(connection, &name)?;
        if columns.is_empty() {
            // Every table has a column: the schema's row has another name than the definition in it.
            let error = aludel_sql::Error::sql(format!("no such table: {table}"));
            return Err(ContentError::of("")(error));
        }
        let sql =
            format!("SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND name = {name} AND wr");
        let without_rowid = number(connection, &sql)? > 0;
        let sql = format!("SELECT count(*) FROM pragma_index_list({name}) WHERE origin = 'pk'");
        let key: Vec<&Column> = columns.iter().filter(|column| column.key_place > 0).collect();
        // A key of one column that needs no index is the row id.
        let has_rowid_column = !without_rowid && key.len() == 1 && number(connection, &sql)? == 0;
        let rowid = if has_rowid_column {
            key.first().map(|column| column.name.clone())
        } else {
            let is_free = |name: &&str| {
                !columns
                    .iter()
                    .any(|column| column.name.eq_ignore_ascii_case(name))
            };
            ["rowid", "_rowid_", "oid"]
                .into_iter()
                .find(is_free)
                .map(str::to_owned)
        };
        Ok(TableShape {
            name: table.to_owned(),
            rowid: rowid.filter(|_| !without_rowid),
            columns,
            without_rowid,
            has_rowid_column,
        })
    }

    /// The columns that hold values of their own.
    pub fn stored(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| !column.is_generated)
    }

    /// Whether there are columns that are computed.
    pub fn has_generated(&self) -> bool {
        self.columns.iter().any(|column| column.is_generated)
    }

    /// The columns of the primary key in its order.
    pub fn key(&self) -> Vec<&Column> {
        let mut key: Vec<&Column> = self
            .columns
            .iter()
            .filter(|column| column.key_place > 0)
            .collect();
        key.sort_by_key(|column| column.key_place);
        key
    }
}

/// `name` is a literal.
fn columns_of(connection: &Connection, name: &str) -> Result<Vec<Column>, ContentError> {
    const HIDDEN: i64 = 1;
    const VIRTUAL: i64 = 2;
    const STORED: i64 = 3;
    let sql = format!("SELECT name, pk, hidden FROM pragma_table_xinfo({name}) ORDER BY cid");
    let mut statement = connection.prepare(&sql).map_err(ContentError::of(&sql))?;
    let mut columns = Vec::new();
    while statement.step().map_err(ContentError::of(&sql))? {
        let number = |column| match statement.value(column) {
            ValueRef::Integer(number) => number,
            _ => 0,
        };
        if number(2) != HIDDEN {
            columns.push(Column {
                name: text_of(statement.value(0)),
                key_place: usize::try_from(number(1)).unwrap_or(0),
                is_generated: matches!(number(2), VIRTUAL | STORED),
            });
        }
    }
    Ok(columns)
}

fn number(connection: &Connection, sql: &str) -> Result<i64, ContentError> {
    connection
        .query_row(sql, (), |row| row.get(0))
        .map_err(ContentError::of(sql))
}

fn text_of(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    }
}

pub(super) fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// Names in quotes, with commas.
pub(super) fn list<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(identifier).collect::<Vec<_>>().join(",")
}
