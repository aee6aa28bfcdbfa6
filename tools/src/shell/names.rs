//! What can be named: tables and their columns, functions, collations, pragmas, as the connection knows them.
//!
//! A copy, so that completion and colours never ask the database while somebody types. It is taken again when a schema has
//! changed; a database that cannot be read keeps the copy of before.

use aludel_sql::Connection;

/// All names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// `main`, `temp`, attached ones.
    pub(crate) databases: Vec<String>,
    pub(crate) tables: Vec<TableName>,
    pub(crate) indexes: Vec<String>,
    pub(crate) triggers: Vec<String>,
    pub(crate) functions: Vec<String>,
    /// Virtual tables that need no CREATE, table-valued functions among them.
    pub(crate) modules: Vec<String>,
    pub(crate) collations: Vec<String>,
    pub(crate) pragmas: Vec<String>,
    versions: Vec<i64>,
}

/// A table or view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableName {
    pub(crate) database: String,
    pub(crate) name: String,
    /// `table`, `view`, `virtual`, `shadow`.
    pub(crate) kind: String,
    pub(crate) columns: Vec<ColumnName>,
}

/// A column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ColumnName {
    pub(crate) name: String,
    /// Its declared type; may be empty.
    pub(crate) declared: String,
}

impl Names {
    /// Reads all that is out of date.
    pub(crate) fn refresh(&mut self, connection: &Connection) {
        let Ok(databases) = texts(connection, "SELECT name FROM pragma_database_list ORDER BY seq") else {
            return;
        };
        let versions = versions_of(connection, &databases);
        if versions == self.versions && databases == self.databases && !self.functions.is_empty() {
            return;
        }
        // A schema that is damaged gives the names that it still has.
        self.tables = tables(connection).unwrap_or_default();
        self.indexes = schema_names(connection, &databases, "index");
        self.triggers = schema_names(connection, &databases, "trigger");
        if self.functions.is_empty() {
            self.functions = texts(
                connection,
                "SELECT DISTINCT name FROM pragma_function_list ORDER BY 1",
            )
            .unwrap_or_default();
            self.functions
                .retain(|name| name.starts_with(|c: char| c.is_alphabetic()));
            self.modules =
                texts(connection, "SELECT name FROM pragma_module_list ORDER BY 1").unwrap_or_default();
            self.pragmas =
                texts(connection, "SELECT name FROM pragma_pragma_list ORDER BY 1").unwrap_or_default();
        }
        self.collations =
            texts(connection, "SELECT name FROM pragma_collation_list ORDER BY 1").unwrap_or_default();
        (self.databases, self.versions) = (databases, versions);
    }

    /// A table by its name, in a database or in the first that has it.
    pub(crate) fn table(&self, database: Option<&str>, name: &str) -> Option<&TableName> {
        let bare = match name.to_ascii_lowercase().as_str() {
            "sqlite_master" | "sqlite_schema" => "sqlite_schema",
            "sqlite_temp_master" | "sqlite_temp_schema" => "sqlite_temp_schema",
            _ => name,
        };
        self.tables.iter().find(|table| {
            table.name.eq_ignore_ascii_case(bare)
                && database.is_none_or(|database| table.database.eq_ignore_ascii_case(database))
        })
    }

    /// Whether a name in FROM may be a function or module that answers rows.
    pub(crate) fn is_module(&self, name: &str) -> bool {
        let is = |own: &String| own.eq_ignore_ascii_case(name);
        self.modules.iter().any(is)
            || name
                .get(..7)
                .is_some_and(|start| start.eq_ignore_ascii_case("pragma_"))
            || [
                "json_each",
                "json_tree",
                "jsonb_each",
                "jsonb_tree",
                "generate_series",
                "dbstat",
            ]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether a database has the name.
    pub(crate) fn is_database(&self, name: &str) -> bool {
        self.databases.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

fn versions_of(connection: &Connection, databases: &[String]) -> Vec<i64> {
    let version = |database: &String| {
        connection
            .pragma_query_value(Some(database), "schema_version", |row| row.get(0))
            .unwrap_or(-1)
    };
    databases.iter().map(version).collect()
}

fn tables(connection: &Connection) -> aludel_sql::Result<Vec<TableName>> {
    let sql = "SELECT l.schema, l.name, l.type, x.name, x.type
               FROM pragma_table_list AS l LEFT JOIN pragma_table_xinfo(l.name, l.schema) AS x ORDER BY l.schema <> 'temp', l.schema <> 'main', l.name, x.cid";
    let mut tables: Vec<TableName> = Vec::new();
    let mut statement = connection.prepare(sql)?;
    while statement.step()? {
        let (database, name) = (statement.get::<String>(0)?, statement.get::<String>(1)?);
        let column = statement.get::<Option<String>>(3)?;
        if !tables
            .last()
            .is_some_and(|last| last.name == name && last.database == database)
        {
            let kind = statement.get::<String>(2)?;
            tables.push(TableName {
                database,
                name,
                kind,
                columns: Vec::new(),
            });
        }
        if let (Some(table), Some(name)) = (tables.last_mut(), column) {
            let declared = statement.get::<Option<String>>(4)?.unwrap_or_default();
            table.columns.push(ColumnName { name, declared });
        }
    }
    Ok(tables)
}

fn schema_names(connection: &Connection, databases: &[String], kind: &str) -> Vec<String> {
    let mut names = Vec::new();
    for database in databases {
        let quoted = database.replace('"', "\"\"");
        let sql = format!("SELECT name FROM \"{quoted}\".sqlite_schema WHERE type = '{kind}' ORDER BY name");
        names.extend(texts(connection, &sql).unwrap_or_default());
    }
    names
}

/// The texts of a query's first column.
fn texts(connection: &Connection, sql: &str) -> aludel_sql::Result<Vec<String>> {
    let mut statement = connection.prepare(sql)?;
    let mut texts = Vec::new();
    while statement.step()? {
        texts.push(statement.get(0)?);
    }
    Ok(texts)
}

#[cfg(test)]
pub(crate) fn example() -> Names {
    let connection = Connection::open_in_memory().unwrap_or_else(|error| panic!("{error}"));
    let script = "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT, body TEXT, created INTEGER);
         CREATE TABLE tag(id INTEGER PRIMARY KEY, note_id INTEGER REFERENCES note(id), name TEXT);
         CREATE TABLE \"odd name\"(\"a column\" TEXT, \"select\" TEXT);
         CREATE INDEX tag_name ON tag(name);
         CREATE VIEW titled AS SELECT id, title AS heading FROM note WHERE title IS NOT NULL;
         CREATE TRIGGER note_log AFTER INSERT ON note BEGIN SELECT 1; END;
         ATTACH ':memory:' AS side; CREATE TABLE side.far(x, y);";
    connection
        .execute_batch(script)
        .unwrap_or_else(|error| panic!("{error}"));
    let mut names = Names::default();
    names.refresh(&connection);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_their_columns_and_names_are_found_in_any_case() {
        let names = example();
        let note = names.table(None, "NOTE").unwrap();
        let columns: Vec<&str> = note.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(columns, ["id", "title", "body", "created"]);
        assert_eq!(note.columns[1].declared, "TEXT");
        assert_eq!(names.table(Some("side"), "far").unwrap().columns.len(), 2);
        assert!(names.table(Some("main"), "far").is_none());
        assert_eq!(names.table(None, "titled").unwrap().columns[1].name, "heading");
        assert!(
            names
                .table(None, "sqlite_master")
                .is_some_and(|table| table.columns.len() == 5)
        );
        assert!(names.indexes.contains(&"tag_name".to_owned()) && names.triggers == ["note_log"]);
        assert!(names.functions.iter().any(|name| name == "json_extract"));
        assert!(names.pragmas.iter().any(|name| name == "journal_mode"));
        assert!(names.collations.iter().any(|name| name == "NOCASE"));
        assert!(
            names.is_module("pragma_table_info") && names.is_module("json_each") && !names.is_module("note")
        );
    }

    #[test]
    fn names_are_read_again_only_when_a_schema_changed() {
        let connection = Connection::open_in_memory().unwrap();
        let mut names = Names::default();
        names.refresh(&connection);
        assert!(names.table(None, "late").is_none());
        connection.execute("CREATE TABLE late(a)", ()).unwrap();
        names.refresh(&connection);
        assert!(names.table(None, "late").is_some());
    }
}
