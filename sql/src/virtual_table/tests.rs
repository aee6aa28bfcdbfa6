//! The contract, by a module that keeps its rows in one shadow table.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::*;
use crate::functions::Arity;
use crate::{Connection, Error};

/// `CREATE VIRTUAL TABLE t USING keeper(a, b, ..)`.
#[derive(Debug, Default)]
struct Keeper {
    log: Arc<Mutex<Vec<&'static str>>>,
    connected: AtomicUsize,
}

#[derive(Debug)]
struct KeptTable {
    schema: String,
    name: Mutex<String>,
    width: usize,
    log: Arc<Mutex<Vec<&'static str>>>,
}

impl KeptTable {
    fn shadow(&self) -> String {
        format!("\"{}\".\"{}_rows\"", self.schema, self.name.lock().unwrap())
    }

    fn note(&self, what: &'static str) {
        self.log.lock().unwrap().push(what);
    }
}

impl Module for Keeper {
    fn create(&self, context: &mut VirtualContext<'_>, arguments: &ModuleArguments<'_>) -> Result<Connected> {
        let columns = arguments.arguments.join(",");
        let sql = format!(
            "CREATE TABLE \"{}\".\"{}_rows\"(id INTEGER PRIMARY KEY,{columns})",
            arguments.schema, arguments.table
        );
        context.execute(&sql, &[])?;
        self.connect(context, arguments)
    }

    fn connect(&self, _: &mut VirtualContext<'_>, arguments: &ModuleArguments<'_>) -> Result<Connected> {
        self.connected.fetch_add(1, Ordering::Relaxed);
        let table = KeptTable {
            schema: arguments.schema.to_owned(),
            name: Mutex::new(arguments.table.to_owned()),
            width: arguments.arguments.len(),
            log: Arc::clone(&self.log),
        };
        Ok(Connected {
            declaration: format!("CREATE TABLE x({},mark HIDDEN)", arguments.arguments.join(",")),
            table: Arc::new(table),
        })
    }

    fn is_shadow_name(&self, suffix: &str) -> bool {
        suffix == "rows"
    }
}

impl VirtualTable for KeptTable {
    fn best_index(&self, question: &IndexQuestion<'_>) -> Result<Option<IndexPlan>> {
        let mut plan = IndexPlan {
            cost: 1000.0,
            rows: 100,
            ..IndexPlan::default()
        };
        let by_rowid =
            |own: &IndexConstraint<'_>| own.column.is_none() && own.op == ConstraintOp::Eq && own.usable;
        if let Some(place) = question.constraints.iter().position(by_rowid) {
            plan.take(place, true);
            plan.number = 1;
            (plan.cost, plan.rows, plan.unique) = (1.0, 1, true);
        }
        if let [
            IndexOrder {
                column: None,
                descending: false,
            },
        ] = question.order
        {
            plan.order_consumed = true;
        }
        Ok(Some(plan))
    }

    fn open(&self) -> Result<Box<dyn VirtualCursor>> {
        Ok(Box::new(KeptCursor {
            sql: format!("SELECT * FROM {}", self.shadow()),
            rows: Prepared::default(),
        }))
    }

    fn is_writable(&self) -> bool {
        true
    }

    fn heeds_conflicts(&self) -> bool {
        true
    }

    fn update(
        &self,
        context: &mut VirtualContext<'_>,
        change: Change<'_>,
        _: ConflictAction,
    ) -> Result<Option<i64>> {
        let shadow = self.shadow();
        let places = |from: usize| {
            let places: Vec<String> = (0..self.width).map(|n| format!("?{}", n + from)).collect();
            places.join(",")
        };
        match change {
            Change::Delete { row } => {
                context.execute(
                    &format!("DELETE FROM {shadow} WHERE id=?1"),
                    std::slice::from_ref(row),
                )?;
                Ok(None)
            }
            Change::Insert { rowid, values } => {
                let mut given = vec![rowid.clone()];
                given.extend_from_slice(&values[..self.width]);
                context.execute(&format!("INSERT INTO {shadow} VALUES(?1,{})", places(2)), &given)?;
                Ok(Some(context.last_insert_rowid()))
            }
            Change::Update { row, new_row, values } => {
                context.execute(
                    &format!("DELETE FROM {shadow} WHERE id=?1"),
                    std::slice::from_ref(row),
                )?;
                let mut given = vec![new_row.clone()];
                given.extend_from_slice(&values[..self.width]);
                context.execute(&format!("INSERT INTO {shadow} VALUES(?1,{})", places(2)), &given)?;
                Ok(None)
            }
        }
    }

    fn begin(&self, _: &mut VirtualContext<'_>) -> Result<()> {
        self.note("begin");
        Ok(())
    }

    fn sync(&self, _: &mut VirtualContext<'_>) -> Result<()> {
        self.note("sync");
        Ok(())
    }

    fn commit(&self) {
        self.note("commit");
    }

    fn rollback(&self) {
        self.note("rollback");
    }

    fn savepoint(&self, _: &mut VirtualContext<'_>, _: usize) -> Result<()> {
        self.note("savepoint");
        Ok(())
    }

    fn rollback_to(&self, _: usize) {
        self.note("rollback_to");
    }

    fn rename(&self, context: &mut VirtualContext<'_>, new_name: &str) -> Result<()> {
        let sql = format!("ALTER TABLE {} RENAME TO \"{new_name}_rows\"", self.shadow());
        context.execute(&sql, &[])?;
        new_name.clone_into(&mut self.name.lock().unwrap());
        Ok(())
    }

    fn destroy(&self, context: &mut VirtualContext<'_>) -> Result<()> {
        context
            .execute(&format!("DROP TABLE {}", self.shadow()), &[])
            .map(|_| ())
    }

    fn find_function(&self, name: &str, arguments: usize) -> Option<Overload> {
        let function = Function::database("twice", Arity::Exact(1), |_, args, out| {
            match args[0] {
                crate::value::ValueRef::Integer(handle) => out.integer(handle * 2),
                _ => out.null(),
            }
            Ok(())
        });
        (matches!(name, "likely" | "hex") && arguments == 1).then(|| Overload {
            function: Arc::new(function),
            constraint: None,
        })
    }
}

struct KeptCursor {
    sql: String,
    rows: Prepared,
}

impl VirtualCursor for KeptCursor {
    fn filter(
        &mut self,
        context: &mut VirtualContext<'_>,
        plan: &IndexPlan,
        arguments: &[Value],
    ) -> Result<()> {
        let filter = if plan.number == 1 { " WHERE id=?1" } else { "" };
        self.rows = Prepared::new(&format!("{}{filter}", self.sql));
        self.rows.start(context, arguments)
    }

    fn fill(
        &mut self,
        context: &mut VirtualContext<'_>,
        columns: &[CursorColumn],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize> {
        let mut count = 0;
        while count < max && self.rows.next(context)? {
            for (vector, column) in batch.columns.iter_mut().zip(columns) {
                vector.push(match column {
                    CursorColumn::Column(column) => self.rows.value(column + 1),
                    CursorColumn::Rowid | CursorColumn::Handle(_) => self.rows.value(0),
                });
            }
            count += 1;
        }
        batch.set_len(batch.len() + count);
        Ok(count)
    }
}

struct World {
    connection: Connection,
    module: Arc<Keeper>,
}

impl World {
    fn new() -> World {
        let connection = Connection::open_in_memory().unwrap();
        let module = Arc::new(Keeper::default());
        connection
            .create_module("keeper", Arc::clone(&module) as Arc<dyn Module>)
            .unwrap();
        World { connection, module }
    }

    fn run(&self, sql: &str) {
        self.connection
            .execute_batch(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn rows(&self, sql: &str) -> String {
        let mut statement = self
            .connection
            .prepare(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        let mut rows = Vec::new();
        while statement.step().unwrap_or_else(|error| panic!("{sql}: {error}")) {
            let values = (0..statement.column_count()).map(|n| match statement.value(n) {
                crate::value::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                crate::value::ValueRef::Integer(number) => number.to_string(),
                other => format!("{other:?}"),
            });
            rows.push(values.collect::<Vec<_>>().join(","));
        }
        rows.join("|")
    }

    fn error(&self, sql: &str) -> String {
        match self.connection.execute_batch(sql) {
            Err(error) => error.to_string(),
            Ok(()) => panic!("{sql} works"),
        }
    }

    fn log(&self) -> String {
        std::mem::take(&mut *self.module.log.lock().unwrap()).join(" ")
    }
}

#[test]
fn rows_come_and_go() {
    let world = World::new();
    world.run("CREATE VIRTUAL TABLE t USING keeper(a, b UNIQUE)");
    let listed = world.rows("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema WHERE name='t'");
    assert_eq!(
        listed,
        "table,t,t,0,CREATE VIRTUAL TABLE t USING keeper(a, b UNIQUE)"
    );
    world.run("INSERT INTO t VALUES('x', 1), ('y', 2); INSERT INTO t(rowid, a) VALUES(10, 'z')");
    assert_eq!(
        world.rows("SELECT rowid, * FROM t ORDER BY rowid"),
        "1,x,1|2,y,2|10,z,Null"
    );
    assert_eq!(
        world.rows("SELECT last_insert_rowid(), changes(), total_changes()"),
        "10,1,3"
    );
    world.run("UPDATE t SET a = a || b WHERE rowid < 3; DELETE FROM t WHERE a = 'y2'");
    assert_eq!(world.rows("SELECT rowid, a FROM t ORDER BY 1"), "1,x1|10,z");
    assert_eq!(world.rows("SELECT a FROM t WHERE rowid IN (10, 1, 5)"), "x1|z");
    assert_eq!(world.rows("SELECT s.value, t.a FROM generate_series(1, 10) s LEFT JOIN t ON t.rowid = s.value WHERE s.value > 8"), "9,Null|10,z");
    assert_eq!(
        world.rows("SELECT hex(a), hex(a||'') FROM t WHERE rowid = 10"),
        "20,7A"
    );
    assert_eq!(
        world.error("INSERT INTO t VALUES('q', 1)"),
        "UNIQUE constraint failed: t_rows.b"
    );
    world.run("INSERT OR IGNORE INTO t VALUES('q', 1)");
    assert_eq!(
        world.rows("INSERT INTO t VALUES('r', 7) RETURNING rowid, a"),
        "11,r"
    );
    assert_eq!(
        world.rows("PRAGMA table_list(t_rows)"),
        "main,t_rows,shadow,3,0,0"
    );
    assert_eq!(world.rows("PRAGMA table_list(t)"), "main,t,virtual,3,0,0");
    assert_eq!(
        world.rows("SELECT name, hidden FROM pragma_table_xinfo('t')"),
        "a,0|b,0|mark,1"
    );
    assert_eq!(
        world.rows(
            "SELECT rowid FROM t WHERE rowid = 10 OR rowid = 1 AND a = 'x1' OR rowid IN (10, 11) AND a <> 'q'"
        ),
        "10|1|11"
    );
    world.run("ALTER TABLE t RENAME TO u");
    assert_eq!(world.rows("SELECT count(*) FROM u, u_rows"), "9");
    assert_eq!(
        world
            .rows("EXPLAIN QUERY PLAN SELECT * FROM u ORDER BY rowid")
            .split(',')
            .next_back()
            .unwrap(),
        "SCAN u VIRTUAL TABLE INDEX 0:"
    );
    world.run("DROP TABLE u");
    assert_eq!(world.rows("SELECT count(*) FROM sqlite_schema"), "0");
}

#[test]
fn transactions_are_told() {
    let world = World::new();
    world.run("CREATE VIRTUAL TABLE t USING keeper(a, b)");
    assert_eq!(world.log(), "sync commit");
    world.run("INSERT INTO t VALUES(1, 2)");
    assert_eq!(world.log(), "begin sync commit");
    world.run("BEGIN; INSERT INTO t VALUES(3, 4); SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; COMMIT");
    let told = world.log();
    assert!(
        told.starts_with("begin savepoint") && told.ends_with("rollback_to sync commit"),
        "{told}"
    );
    assert_eq!(world.rows("SELECT a FROM t"), "1|3");
    world.run("BEGIN; INSERT INTO t VALUES(5, 6); ROLLBACK");
    assert!(world.log().ends_with("rollback"));
    assert_eq!(world.rows("SELECT a FROM t"), "1|3");
}

#[test]
fn a_table_is_connected_when_it_is_used() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    {
        let connection = Connection::open(&path).unwrap();
        connection
            .create_module("keeper", Arc::new(Keeper::default()))
            .unwrap();
        connection.execute_batch("CREATE VIRTUAL TABLE t USING keeper(a); INSERT INTO t VALUES(5); CREATE VIEW v AS SELECT a FROM t").unwrap();
    }
    let connection = Connection::open(&path).unwrap();
    let count: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))
        .unwrap();
    assert_eq!(count, 3);
    let error = |sql: &str| connection.execute_batch(sql).unwrap_err().to_string();
    assert_eq!(error("SELECT * FROM v"), "no such module: keeper");
    assert_eq!(error("DROP TABLE t"), "no such module: keeper");
    let module = Arc::new(Keeper::default());
    connection
        .create_module("KEEPER", Arc::clone(&module) as Arc<dyn Module>)
        .unwrap();
    assert_eq!(module.connected.load(Ordering::Relaxed), 0);
    let value: i64 = connection
        .query_row("SELECT a FROM v", (), |row| row.get(0))
        .unwrap();
    assert_eq!((value, module.connected.load(Ordering::Relaxed)), (5, 1));
}

#[test]
fn what_cannot_be_done() {
    let world = World::new();
    world.run("CREATE VIRTUAL TABLE t USING keeper(a); CREATE TABLE o(x)");
    for (sql, expected) in [
        ("CREATE VIRTUAL TABLE t USING keeper(a)", "table t already exists"),
        (
            "CREATE VIRTUAL TABLE v USING unheard_of(a)",
            "no such module: unheard_of",
        ),
        ("CREATE INDEX i ON t(a)", "virtual tables may not be indexed"),
        ("ALTER TABLE t ADD COLUMN z", "virtual tables may not be altered"),
        (
            "ALTER TABLE t RENAME COLUMN a TO z",
            "cannot rename columns of virtual table \"t\"",
        ),
        (
            "ALTER TABLE t DROP COLUMN a",
            "cannot drop column from virtual table \"t\"",
        ),
        (
            "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END",
            "cannot create triggers on virtual tables",
        ),
        ("DELETE FROM json_each", "table json_each may not be modified"),
        ("DROP TABLE IF EXISTS dbstat", "table dbstat may not be dropped"),
        (
            "INSERT INTO t VALUES(1) ON CONFLICT DO NOTHING",
            "UPSERT not implemented for virtual table \"t\"",
        ),
        (
            "DELETE FROM t RETURNING a",
            "DELETE RETURNING is not available on virtual tables",
        ),
        (
            "UPDATE t SET a=1 RETURNING a",
            "UPDATE RETURNING is not available on virtual tables",
        ),
        ("SELECT * FROM t INDEXED BY i", "no such index: i"),
        ("SELECT * FROM o(1)", "'o' is not a function"),
    ] {
        assert_eq!(world.error(sql), expected, "{sql}");
    }
    assert!(matches!(
        world
            .connection
            .execute("CREATE VIRTUAL TABLE v USING keeper(a, a)", ()),
        Err(Error::Sql { .. })
    ));
    assert_eq!(world.rows("SELECT count(*) FROM sqlite_schema"), "3");
}

#[test]
fn tables_for_statements_only_stay_out_of_the_schema() {
    let world = World::new();
    world.run("CREATE VIEW w AS SELECT * FROM dbstat; CREATE VIEW j AS SELECT * FROM json_each('[1]')");
    assert_eq!(
        world.error("SELECT * FROM w"),
        "unsafe use of virtual table \"dbstat\""
    );
    assert_eq!(world.rows("SELECT value FROM j"), "1");
    world.run("SELECT * FROM dbstat");
}
