//! A backend from outside: a driver and a dialect written against public traits only, by way of an example for others.
//!
//! The database behind it is SQLite's library, but it is made to look strange: names between brackets, parameters with names, text functions
//! under names of their own, no RETURNING, truth values as `1 = 1`. What runs here runs on anything that the traits can describe.

use std::borrow::Cow;
use std::path::PathBuf;

use aludel::dialect::{CompileError, Dialect, Feature, Isolation, TransactionMode};
use aludel::drivers::{
    Connection, Driver, DriverError, DriverResult, Failure, Outcome, Row, Rows, Statement,
};
use aludel::prelude::*;
use aludel::{Error, Kind, PoolOptions, Value};

/// The dialect.
#[derive(Debug)]
struct Brackets;

impl Dialect for Brackets {
    fn name(&self) -> &'static str {
        "brackets"
    }

    fn supports(&self, feature: Feature) -> bool {
        matches!(
            feature,
            Feature::StatementRollback | Feature::TransactionalDdl | Feature::ForwardReferences
        )
    }

    fn type_name(&self, kind: Kind) -> Cow<'static, str> {
        Cow::Borrowed(match kind {
            Kind::Bool | Kind::Int(_) => "INTEGER",
            Kind::Real(_) => "REAL",
            Kind::Bytes | Kind::Uuid => "BLOB",
            Kind::Named(name) => name,
            _ => "TEXT",
        })
    }

    fn push_name(&self, name: &str, sql: &mut String) {
        sql.push('[');
        sql.push_str(name);
        sql.push(']');
    }

    fn push_placeholder(&self, number: usize, sql: &mut String) {
        sql.push_str(":p");
        sql.push_str(&number.to_string());
    }

    fn function_name<'n>(&self, name: &'n str) -> Cow<'n, str> {
        Cow::Borrowed(match name {
            "upper" => "shout",
            "lower" => "whisper",
            other => other,
        })
    }

    fn boolean(&self, value: bool) -> &'static str {
        if value { "1 = 1" } else { "1 = 0" }
    }

    fn unlimited(&self) -> Option<&'static str> {
        Some("-1")
    }

    fn generated_key(&self) -> aludel::dialect::GeneratedKey {
        aludel::dialect::GeneratedKey::LastInsertId
    }

    fn auto_key(&self, _: Kind) -> String {
        "INTEGER PRIMARY KEY".into()
    }

    fn begin_isolated(
        &self,
        _: TransactionMode,
        level: Isolation,
    ) -> Result<Option<Cow<'static, str>>, CompileError> {
        match level {
            Isolation::Serializable => Ok(None),
            _ => Err(CompileError::Unsupported {
                dialect: self.name(),
                what: "level but SERIALIZABLE",
            }),
        }
    }
}

/// The driver: databases in files of this folder.
#[derive(Debug)]
struct OutsideDriver {
    path: PathBuf,
}

impl Driver for OutsideDriver {
    fn dialect(&self) -> &dyn Dialect {
        &Brackets
    }

    fn connect(&self) -> DriverResult<Box<dyn Connection>> {
        let inner = rusqlite::Connection::open(&self.path).map_err(wrap)?;
        inner.execute_batch("PRAGMA foreign_keys = ON").map_err(wrap)?;
        let text = |name, change: fn(&str) -> String| {
            inner.create_scalar_function(
                name,
                1,
                rusqlite::functions::FunctionFlags::SQLITE_DETERMINISTIC,
                move |call| Ok(call.get::<Option<String>>(0)?.map(|text| change(&text))),
            )
        };
        text("shout", |text| text.to_uppercase())
            .and_then(|()| text("whisper", |text| text.to_lowercase()))
            .map_err(wrap)?;
        // What this backend has not.
        for name in ["upper", "lower"] {
            inner
                .create_scalar_function(
                    name,
                    1,
                    rusqlite::functions::FunctionFlags::empty(),
                    |_| -> rusqlite::Result<i64> {
                        Err(rusqlite::Error::InvalidFunctionParameterType(
                            0,
                            rusqlite::types::Type::Null,
                        ))
                    },
                )
                .map_err(wrap)?;
        }
        Ok(Box::new(OutsideConnection { inner }))
    }
}

struct OutsideConnection {
    inner: rusqlite::Connection,
}

impl Connection for OutsideConnection {
    fn prepare<'c>(&'c mut self, sql: &str) -> DriverResult<Box<dyn Statement + 'c>> {
        let statement = self.inner.prepare(sql).map_err(wrap)?;
        Ok(Box::new(OutsideStatement {
            statement,
            connection: &self.inner,
        }))
    }

    fn execute_batch(&mut self, sql: &str) -> DriverResult<()> {
        self.inner.execute_batch(sql).map_err(wrap)
    }

    fn begin(&mut self, mode: TransactionMode) -> DriverResult<()> {
        self.execute_batch(Brackets.begin(mode))
    }

    fn in_transaction(&self) -> bool {
        !self.inner.is_autocommit()
    }
}

struct OutsideStatement<'c> {
    statement: rusqlite::Statement<'c>,
    connection: &'c rusqlite::Connection,
}

impl OutsideStatement<'_> {
    fn bind(&mut self, params: &[Value<'_>]) -> DriverResult<()> {
        for (i, value) in params.iter().enumerate() {
            let value = match value {
                Value::Null => rusqlite::types::Value::Null,
                Value::Bool(flag) => i64::from(*flag).into(),
                Value::Int(int) => (*int).into(),
                Value::Real(real) => (*real).into(),
                Value::Text(text) | Value::Decimal(text) => text.clone().into_owned().into(),
                Value::Bytes(bytes) => bytes.clone().into_owned().into(),
                other => {
                    let message = format!("{other:?} cannot be bound");
                    return Err(DriverError::new(Failure::Statement, message));
                }
            };
            self.statement.raw_bind_parameter(i + 1, value).map_err(wrap)?;
        }
        Ok(())
    }
}

impl Statement for OutsideStatement<'_> {
    fn execute(&mut self, params: &[Value<'_>]) -> DriverResult<Outcome> {
        self.bind(params)?;
        let rows = match self.statement.column_count() {
            0 => self.statement.raw_execute().map_err(wrap)? as u64,
            _ => {
                let mut rows = self.statement.raw_query();
                while rows.next().map_err(wrap)?.is_some() {}
                self.connection.changes()
            }
        };
        Ok(Outcome {
            rows,
            last_insert_id: Some(self.connection.last_insert_rowid()),
        })
    }

    fn query<'s>(&'s mut self, params: &[Value<'_>]) -> DriverResult<Box<dyn Rows + 's>> {
        self.bind(params)?;
        let width = self.statement.column_count();
        Ok(Box::new(OutsideRows {
            rows: self.statement.raw_query(),
            width,
            row: OutsideRow(Vec::new()),
        }))
    }

    fn column_names(&self) -> Vec<String> {
        let names = self.statement.column_names();
        names.map(str::to_owned).collect()
    }
}

struct OutsideRows<'s> {
    rows: rusqlite::Rows<'s>,
    width: usize,
    row: OutsideRow,
}

struct OutsideRow(Vec<Value<'static>>);

impl Rows for OutsideRows<'_> {
    fn next(&mut self) -> DriverResult<Option<&dyn Row>> {
        let Some(row) = self.rows.next().map_err(wrap)? else {
            return Ok(None);
        };
        self.row.0.clear();
        for i in 0..self.width {
            self.row.0.push(match row.get(i).map_err(wrap)? {
                rusqlite::types::Value::Null => Value::Null,
                rusqlite::types::Value::Integer(int) => Value::Int(int),
                rusqlite::types::Value::Real(real) => Value::Real(real),
                rusqlite::types::Value::Text(text) => Value::Text(text.into()),
                rusqlite::types::Value::Blob(bytes) => Value::Bytes(bytes.into()),
            });
        }
        Ok(Some(&self.row))
    }
}

impl Row for OutsideRow {
    fn value(&self, index: usize) -> Value<'_> {
        self.0.get(index).map_or(Value::Null, Value::borrowed)
    }

    fn width(&self) -> usize {
        self.0.len()
    }
}

fn wrap(error: rusqlite::Error) -> DriverError {
    let failure = match error.sqlite_error().map(|told| told.extended_code) {
        Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            Failure::Unique
        }
        Some(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => Failure::ForeignKey,
        Some(rusqlite::ffi::SQLITE_BUSY) => Failure::Busy,
        Some(rusqlite::ffi::SQLITE_ERROR) => Failure::Statement,
        _ => Failure::Other,
    };
    DriverError::new(failure, error.to_string()).with_source(error)
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "writers")]
#[has_many(books: Book, by = writer, cascade = "all, delete-orphan", order_by = id)]
struct Writer {
    #[column(primary_key)]
    id: Id<Writer>,
    #[column(unique)]
    name: String,
    alive: bool,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "books")]
struct Book {
    #[column(primary_key)]
    id: Id<Book>,
    writer: Fk<Writer>,
    title: String,
    #[column(version)]
    version: u32,
}

fn engine(folder: &tempfile::TempDir) -> Engine {
    let path = folder.path().join("outside.db");
    let engine = Engine::with_driver(OutsideDriver { path }, PoolOptions::default());
    engine.create_all(schema![Writer, Book]).unwrap();
    engine
}

#[test]
fn a_unit_of_work_runs_on_it() -> aludel::Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    let mut session = engine.session()?;
    let eco = session.add(Writer::new("Eco", false));
    let book = session.add(Book::new(eco, "Baudolino"));
    session.add(Book::new(eco, "Foucault's Pendulum"));
    session.commit()?;
    session[book].title.push('!');
    session.commit()?;
    assert_eq!(session[book].version, 2);

    let mut other = engine.session()?;
    let writer = other.get::<Writer>(1)?;
    let titles: Vec<String> = other
        .related(writer, |w| w.books)?
        .iter()
        .map(|book| other[*book].title.clone())
        .collect();
    assert_eq!(titles, ["Baudolino!", "Foucault's Pendulum"]);
    other.delete(writer);
    other.commit()?;
    assert_eq!(other.query::<Book>().count()?, 0);
    Ok(())
}

#[test]
fn queries_are_written_in_its_words() -> aludel::Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let mut session = engine(&folder).session()?;
    let eco = session.add(Writer::new("Éco", false));
    session.add(Book::new(eco, "Baudolino"));
    let loud = query::<Book>()
        .join_on::<Writer>()
        .on(|(b, w)| b.writer.eq(w.id))
        .filter(|(_, w)| w.name.lower().eq("éco"))
        .select(|(b, w)| (b.title.upper(), w.alive));
    assert_eq!(
        loud.to_sql_in(&Brackets)?,
        "SELECT shout([books].[title]), [writers].[alive] FROM [books] JOIN [writers] ON [books].[writer] = [writers].[id] \
         WHERE whisper([writers].[name]) = :p1"
    );
    assert_eq!(loud.on(&mut session).fetch()?, [("BAUDOLINO".to_owned(), false)]);
    let changed = session.update::<Writer>().set(|w| w.alive.to(true)).run()?;
    assert_eq!(changed, 1);
    assert!(session[eco].alive);
    Ok(())
}

#[test]
fn what_it_cannot_do_is_said_before_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    let mut connection = engine.connect().unwrap();
    let message = |result: aludel::Result<()>| match result {
        Err(Error::Compile(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let upsert = connection
        .insert([Writer::new("Eco", false)])
        .returning(|w| w.id)
        .map(drop);
    assert_eq!(message(upsert), "brackets has no RETURNING");
    let ranked = connection
        .query::<Writer>()
        .select(|w| row_number().over(|o| o.order_by(w.id)))
        .fetch()
        .map(drop);
    assert_eq!(message(ranked), "brackets has no window functions");
    let mut loose = engine.with_isolation(Isolation::ReadCommitted).connect().unwrap();
    assert_eq!(
        message(loose.begin(TransactionMode::Deferred)),
        "brackets has no level but SERIALIZABLE"
    );
}

#[test]
fn its_errors_keep_their_family() -> aludel::Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder);
    let mut session = engine.session()?;
    session.add_all([Writer::new("Eco", false), Writer::new("Eco", false)]);
    let error = session.commit().unwrap_err();
    assert_eq!(error.failure(), Some(Failure::Unique), "{error}");
    session.rollback()?;
    session.add(Book::new(77, "by nobody"));
    assert_eq!(session.commit().unwrap_err().failure(), Some(Failure::ForeignKey));
    Ok(())
}
