//! What the damaged file's schema says there is.

use aludel_storage::btree::TreeKind;
use aludel_storage::format::{PageNo, TextEncoding};
use aludel_storage::maintenance::{Salvage, SalvagedRow, WalkTally};

use super::Recovery;
use super::rows::{Values, values_of};
use crate::error::{Error, Result};
use crate::syntax::ast::{CreateTableBody, Statement};
use crate::syntax::parse_one;
use crate::value::Value;

/// One row of the schema.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) root: Option<PageNo>,
    pub(super) sql: String,
}

/// The schema, in the order in which it is made again.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    /// Tables with a tree.
    pub(super) tables: Vec<Definition>,
    /// Indexes, then views, then triggers.
    pub(super) later: Vec<Definition>,
    pub(super) virtual_tables: Vec<Definition>,
    /// Roots of trees that are not read: indexes and statistics.
    pub(super) passed_over: Vec<(PageNo, TreeKind)>,
    /// The tree of sqlite_sequence.
    pub(super) sequences: Option<PageNo>,
    pub(super) had_statistics: bool,
}

/// A row of sqlite_schema, kind and all.
struct SchemaRow {
    kind: String,
    definition: Definition,
}

impl Definitions {
    /// Reads the schema's tree, and where it is not whole the leaves that look like parts of it.
    pub(super) fn read(
        salvage: &mut Salvage,
        encoding: TextEncoding,
        tally: &mut WalkTally,
    ) -> Result<Definitions> {
        let mut rows = Vec::new();
        let mut take = |row: SalvagedRow<'_>| {
            rows.extend(schema_row(&row, encoding));
            Ok(())
        };
        *tally = salvage.walk::<Error>(PageNo::ONE, TreeKind::Table, &mut take)?;
        if !tally.is_whole() || tally.rows == 0 {
            let looks_like_one = |row: &SalvagedRow<'_>| schema_row(row, encoding).is_some();
            salvage.strays::<Error>(&looks_like_one, &mut take)?;
        }
        let mut definitions = Definitions::default();
        for kind in ["table", "index", "view", "trigger"] {
            for row in rows.iter().filter(|row| row.kind == kind) {
                definitions.add(kind, row.definition.clone());
            }
        }
        Ok(definitions)
    }

    fn add(&mut self, kind: &str, definition: Definition) {
        let own = definition
            .name
            .get(..7)
            .is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"));
        match (kind, definition.root) {
            ("table", Some(root)) if own => {
                if definition.name.eq_ignore_ascii_case("sqlite_sequence") {
                    self.sequences = Some(root);
                } else {
                    self.had_statistics |= definition.name.eq_ignore_ascii_case("sqlite_stat1");
                    self.passed_over.push((root, TreeKind::Table));
                }
            }
            ("table", Some(_)) => self.tables.push(definition),
            ("table", None) if !own => self.virtual_tables.push(definition),
            ("table", None) => {}
            (_, root) => {
                self.passed_over.extend(root.map(|root| (root, TreeKind::Index)));
                if !definition.sql.is_empty() {
                    self.later.push(definition);
                }
            }
        }
    }

    /// All roots.
    pub(super) fn roots(&self) -> impl Iterator<Item = PageNo> + '_ {
        let tables = self.tables.iter().filter_map(|table| table.root);
        tables
            .chain(self.passed_over.iter().map(|(root, _)| *root))
            .chain(self.sequences)
    }
}

/// What the row says, if it can be one of sqlite_schema.
fn schema_row(row: &SalvagedRow<'_>, encoding: TextEncoding) -> Option<SchemaRow> {
    let mut values = Values::default();
    row.rowid?;
    values_of(row, encoding, &mut values).ok()?;
    let [Value::Text(kind), Value::Text(name), Value::Text(_), root, sql] = values.known() else {
        return None;
    };
    let kind = kind.to_string_lossy().into_owned();
    let root = match root {
        Value::Integer(root) => u32::try_from(*root).ok().and_then(PageNo::new),
        _ => None,
    };
    let sql = match sql {
        Value::Text(sql) => sql.to_string_lossy().into_owned(),
        // An automatic index has no text; all others do.
        _ if kind == "index" => String::new(),
        _ => return None,
    };
    ["table", "index", "view", "trigger"]
        .contains(&kind.as_str())
        .then(|| SchemaRow {
            kind,
            definition: Definition {
                name: name.to_string_lossy().into_owned(),
                root,
                sql,
            },
        })
}

impl Recovery<'_> {
    /// Executes a definition; whether it is there now.
    pub(super) fn define(&mut self, definition: &Definition) -> bool {
        let result = match is_definition(&definition.sql) {
            Ok(()) => self.connection.execute(&definition.sql, ()).map(drop),
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => true,
            Err(error) => {
                self.fail(&definition.name, error);
                false
            }
        }
    }

    /// A virtual table keeps its rows in tables of its own, which are here already: only its row in the schema is missing.
    pub(super) fn note_virtual_table(&mut self, definition: &Definition) {
        let row = "INSERT INTO sqlite_schema VALUES('table', ?1, ?1, 0, ?2)";
        let noted = match parse_one(definition.sql.as_bytes()).map(|parsed| parsed.statement) {
            // A row under another name than its text's is one that no reader of the new file would accept.
            Ok(Statement::CreateVirtualTable(create))
                if !create.name.name.as_str().eq_ignore_ascii_case(&definition.name) =>
            {
                let own = create.name.name.as_str();
                Err(Error::sql(format!("its definition is that of a table {own}")))
            }
            Ok(Statement::CreateVirtualTable(_)) => self
                .connection
                .execute_batch("PRAGMA writable_schema = on")
                .and_then(|()| {
                    self.connection
                        .execute(row, (definition.name.as_str(), definition.sql.as_str()))
                }),
            _ => Err(Error::sql("not the definition of a virtual table")),
        };
        // Reset also reads the schema anew.
        let reset = self.connection.execute_batch("PRAGMA writable_schema = reset");
        if let Err(error) = noted.and(reset) {
            self.fail(&definition.name, error);
        }
    }
}

/// Only what makes a table, an index, a view or a trigger may be executed, and only if nothing is computed by it (R1).
fn is_definition(sql: &str) -> Result<()> {
    let parsed = parse_one(sql.as_bytes()).map_err(|error| Error::sql(error.to_string()))?;
    match parsed.statement {
        Statement::CreateTable(create) if matches!(create.body, CreateTableBody::Columns { .. }) => Ok(()),
        Statement::CreateIndex(_) | Statement::CreateView(_) | Statement::CreateTrigger(_) => Ok(()),
        _ => Err(Error::sql("not a definition")),
    }
}
