//! CREATE INDEX: the rows are sorted by the key and the tree is built from them in one pass.

use std::sync::Arc;

use aludel_storage::btree::TreeKind;
use aludel_storage::format::PageNo;

use super::Definer;
use super::schema_rows::NewRow;
use crate::catalog::{Index, Table, index_of};
use crate::error::{Error, Result};
use crate::exec::write::{Failure, IndexBuild};
use crate::plan;
use crate::syntax::ast::CreateIndex;

impl Definer<'_> {
    pub(super) fn create_index(&mut self, create: &CreateIndex) -> Result<(), Failure> {
        let name = create.name.name.as_str();
        let (database, table) = self.indexed_table(create)?;
        self.refuse_reserved(name)?;
        if self.find_relation(database, name).is_some() {
            return Err(Error::sql(format!("there is already a table named {name}")).into());
        }
        if self.state.databases[database].schema.index(name).is_some() {
            if create.if_not_exists {
                return Ok(());
            }
            return Err(Error::sql(format!("index {name} already exists")).into());
        }
        let unique = if create.unique { "UNIQUE " } else { "" };
        let sql = format!("CREATE {unique}INDEX {}", self.text_of(create.definition));
        let environment = self.environment(database)?;
        let index = index_of(create, &sql, PageNo::ONE, &table, &environment)?;
        let (text, parameters, interrupt) = (self.sql, self.parameters, self.interrupt);
        self.state.change(database, |state| {
            let mut definer = Definer {
                state,
                sql: text,
                parameters,
                interrupt,
            };
            let root = definer.create_tree(database, TreeKind::Index)?;
            let index = Index { root, ..index };
            definer.fill_index(database, &table, &index)?;
            let row = NewRow {
                kind: "index",
                name,
                table: &table.name,
                root: Some(root),
                sql: Some(&sql),
            };
            let row = definer.add_row(database, &row)?;
            definer.finish_with(database, &[row])
        })
    }

    pub(super) fn indexed_table(&self, create: &CreateIndex) -> Result<(usize, Arc<Table>)> {
        let name = create.table.as_str();
        let places = match &create.name.schema {
            Some(schema) => vec![self.state.database_named(schema.as_str())?],
            // Without a schema the index goes to main, unless temp has a table of that name.
            None => vec![1, 0],
        };
        for &database in &places {
            let schema = &self.state.databases[database].schema;
            if schema.virtual_tables.contains_key(&crate::catalog::fold(name)) {
                return Err(Error::sql("virtual tables may not be indexed"));
            }
            if let Some(table) = self.state.databases[database].schema.table(name) {
                if name
                    .get(..7)
                    .is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
                    && !self.state.settings.writable_schema
                {
                    return Err(Error::sql(format!("table {name} may not be indexed")));
                }
                return Ok((database, Arc::clone(table)));
            }
            let schema = &self.state.databases[database].schema;
            if schema.view(name).is_some() {
                return Err(Error::sql("views may not be indexed"));
            }
        }
        let last = places.last().and_then(|place| self.state.databases.get(*place));
        let place = last.map_or("main", |database| &database.name);
        Err(Error::sql(format!("no such table: {place}.{name}")))
    }

    /// Sorts the entries of all rows and builds the index's tree of them. The tree has to be empty.
    pub(super) fn fill_index(&mut self, database: usize, table: &Arc<Table>, index: &Index) -> Result<()> {
        let mut alone = (**table).clone();
        alone.indexes = vec![Arc::new(index.clone())];
        let alone = Arc::new(alone);
        let target = self
            .state
            .with_plan_context(|context| plan::target_table(database, &alone, context))?;
        let mut build = IndexBuild::new(&target)?;
        let mut registers = Vec::new();
        let mut context = self
            .state
            .context(self.parameters, &mut registers, self.interrupt, 0);
        build.run(&mut context)
    }
}

#[cfg(test)]
mod tests {
    use crate::Connection;

    const TABLES: &str = "
        CREATE TABLE t(id INTEGER PRIMARY KEY, i INT, r REAL, s TEXT, m, v AS (i % 7), w AS (upper(s)) STORED);
        CREATE TABLE k(a TEXT COLLATE NOCASE, b INT, c, d AS (b + 1), PRIMARY KEY(a DESC, b)) WITHOUT ROWID;
        WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1200)
        INSERT INTO t(i, r, s, m) SELECT x * 7919 % 1000 - 500, x * 31 % 700 / 7.0,
            substr('aAbB zé' || x * 7919 % 97 || '  ', 1 + x % 5),
            CASE x % 6 WHEN 0 THEN NULL WHEN 1 THEN x WHEN 2 THEN x / 3.0 WHEN 3 THEN x || '' WHEN 4 THEN CAST(x AS BLOB)
                ELSE 9007199254740993 + x % 3 END FROM n;
        INSERT INTO t(i, r, s, m) VALUES(9223372036854775807, 9e18, 'last', 9223372036854775807.0);
        INSERT OR IGNORE INTO k SELECT s, i, m FROM t;
        ALTER TABLE t ADD COLUMN z DEFAULT 'later';
        UPDATE t SET z = i WHERE i % 3 = 0;";

    const INDEXES: &[&str] = &[
        "CREATE INDEX x ON t(i)",
        "CREATE INDEX x ON t(i DESC)",
        "CREATE INDEX x ON t(r)",
        "CREATE INDEX x ON t(r DESC, s)",
        "CREATE INDEX x ON t(s)",
        "CREATE INDEX x ON t(s COLLATE NOCASE, i)",
        "CREATE INDEX x ON t(s COLLATE RTRIM DESC)",
        "CREATE INDEX x ON t(m)",
        "CREATE INDEX x ON t(m DESC, i DESC, r)",
        "CREATE INDEX x ON t(z, id)",
        "CREATE INDEX x ON t(id)",
        "CREATE INDEX x ON t(v, w)",
        "CREATE INDEX x ON t(w) WHERE v > 2",
        "CREATE INDEX x ON t(i) WHERE s LIKE 'a%' OR m IS NULL",
        "CREATE INDEX x ON t(lower(s), i + 0.5 DESC)",
        "CREATE INDEX x ON t(length(m), abs(r)) WHERE i < 0",
        "CREATE INDEX x ON t(i) WHERE 0",
        "CREATE UNIQUE INDEX x ON t(id)",
        "CREATE UNIQUE INDEX x ON t(i, id)",
        "CREATE UNIQUE INDEX x ON t(CASE WHEN id > 3 THEN id END)",
        "CREATE UNIQUE INDEX x ON t(i)",
        "CREATE UNIQUE INDEX x ON t(s COLLATE NOCASE)",
        "CREATE UNIQUE INDEX x ON t(s) WHERE id < 3",
        "CREATE UNIQUE INDEX x ON t(r, lower(s))",
        "CREATE INDEX x ON k(b)",
        "CREATE INDEX x ON k(c, a)",
        "CREATE INDEX x ON k(a COLLATE BINARY)",
        "CREATE INDEX x ON k(d DESC) WHERE b > 0",
        "CREATE UNIQUE INDEX x ON k(b, a)",
        "CREATE UNIQUE INDEX x ON k(c)",
    ];

    /// Builds each index in a file of this encoding with so much memory, beside SQLite, and has SQLite check the file.
    fn check(encoding: &str, budget: usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ours.db");
        let ours = Connection::open(&path).unwrap();
        let theirs = rusqlite::Connection::open_in_memory().unwrap();
        let setup = format!("PRAGMA encoding = '{encoding}'; PRAGMA synchronous = off; {TABLES}");
        ours.execute_batch(&setup).unwrap();
        theirs.execute_batch(&setup).unwrap();
        ours.state.borrow_mut().session.memory_budget_bytes = budget;
        for sql in INDEXES {
            let (mine, real) = (ours.execute_batch(sql), theirs.execute_batch(sql));
            match (&mine, &real) {
                (Ok(_), Ok(_)) => {}
                (Err(mine), Err(rusqlite::Error::SqliteFailure(_, Some(real)))) => {
                    assert_eq!(&mine.to_string(), real, "{sql}");
                }
                _ => panic!("{sql}: {mine:?} {real:?}"),
            }
            let reader = rusqlite::Connection::open(&path).unwrap();
            let verdict = |sql: &str| reader.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
            assert_eq!(
                verdict("PRAGMA integrity_check"),
                "ok",
                "{encoding} {budget} {sql}"
            );
            if mine.is_ok() {
                ours.execute_batch("REINDEX x").unwrap();
                assert_eq!(
                    verdict("PRAGMA integrity_check"),
                    "ok",
                    "REINDEX {encoding} {budget} {sql}"
                );
                ours.execute_batch("DROP INDEX x").unwrap();
                theirs.execute_batch("DROP INDEX x").unwrap();
            }
        }
    }

    #[test]
    fn indexes_built_in_memory() {
        check("UTF-8", 1 << 30);
        check("UTF-16le", 1 << 30);
    }

    #[test]
    fn indexes_built_from_runs() {
        check("UTF-8", 10_000);
        check("UTF-16be", 10_000);
    }

    #[test]
    fn an_index_that_is_rolled_back_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ours.db");
        let ours = Connection::open(&path).unwrap();
        ours.execute_batch(TABLES).unwrap();
        ours.execute_batch(
            "BEGIN; SAVEPOINT a; CREATE INDEX x ON t(s); ROLLBACK TO a; CREATE INDEX y ON t(i); COMMIT",
        )
        .unwrap();
        ours.execute_batch("BEGIN; CREATE INDEX x ON t(s); ROLLBACK")
            .unwrap();
        let reader = rusqlite::Connection::open(&path).unwrap();
        let verdict = |sql: &str| reader.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(verdict("PRAGMA integrity_check"), "ok");
        assert_eq!(
            verdict("SELECT group_concat(name) FROM sqlite_schema WHERE sql LIKE '%index%'"),
            "y"
        );
    }
}
