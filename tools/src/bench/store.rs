//! The engines that are measured, behind one trait, so that each does the same statements in the same way: prepared once and kept.

use std::path::Path;

use crate::error::Failure;
use crate::interrupt::{Interrupt, Running};

/// An engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Aludel,
    #[cfg(feature = "peer-sqlite")]
    Sqlite,
}

/// An open database.
pub(super) trait Store {
    /// Runs statements, and leaves their rows aside.
    fn script(&mut self, sql: &str) -> Result<(), Failure>;

    /// Runs a prepared statement with one number and steps through its rows; how many there were.
    fn query(&mut self, sql: &str, number: i64) -> Result<u64, Failure>;

    /// Runs a prepared statement with a number and a text.
    fn write(&mut self, sql: &str, number: i64, text: &str) -> Result<(), Failure>;

    /// Lets Ctrl-C stop its statements, where the engine can be told.
    fn stopped_by(&self, _: &Interrupt) -> Option<Running> {
        None
    }
}

impl Engine {
    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Engine::Aludel => "aludel",
            #[cfg(feature = "peer-sqlite")]
            Engine::Sqlite => "sqlite",
        }
    }

    /// Opens a file, making it if need be.
    ///
    /// # Errors
    /// What the engine says.
    pub(super) fn open(self, file: &Path) -> Result<Box<dyn Store>, Failure> {
        match self {
            Engine::Aludel => Ok(Box::new(Aludel::open(file)?)),
            #[cfg(feature = "peer-sqlite")]
            Engine::Sqlite => Ok(Box::new(peer::Sqlite::open(file)?)),
        }
    }
}

struct Aludel {
    connection: aludel_sql::Connection,
}

impl Aludel {
    fn open(file: &Path) -> Result<Aludel, Failure> {
        let connection =
            aludel_sql::Connection::open(file).map_err(|error| Failure::cannot_open(file, error))?;
        Ok(Aludel { connection })
    }
}

impl Store for Aludel {
    fn script(&mut self, sql: &str) -> Result<(), Failure> {
        self.connection
            .execute_batch(sql)
            .map_err(|error| Failure::sql(error, sql))
    }

    fn query(&mut self, sql: &str, number: i64) -> Result<u64, Failure> {
        let failed = |error| Failure::sql(error, sql);
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        if statement.parameter_count() > 0 {
            statement.bind(1, number).map_err(failed)?;
        }
        let mut rows = 0;
        while statement.step().map_err(failed)? {
            std::hint::black_box(statement.value(0));
            rows += 1;
        }
        Ok(rows)
    }

    fn write(&mut self, sql: &str, number: i64, text: &str) -> Result<(), Failure> {
        let failed = |error| Failure::sql(error, sql);
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        statement.execute((number, text)).map_err(failed)?;
        Ok(())
    }

    fn stopped_by(&self, interrupts: &Interrupt) -> Option<Running> {
        Some(interrupts.stops_while(&self.connection))
    }
}

/// SQLite itself, which is C and therefore only in builds that ask for it.
#[cfg(feature = "peer-sqlite")]
mod peer {
    use std::path::Path;

    use rusqlite::fallible_iterator::FallibleIterator;

    use super::{Failure, Store};

    pub(super) struct Sqlite {
        connection: rusqlite::Connection,
    }

    impl Sqlite {
        pub(super) fn open(file: &Path) -> Result<Sqlite, Failure> {
            let connection =
                rusqlite::Connection::open(file).map_err(|error| Failure::cannot_open(file, error))?;
            Ok(Sqlite { connection })
        }
    }

    fn failed(error: rusqlite::Error) -> Failure {
        Failure::Usage(format!("sqlite: {error}"))
    }

    impl Store for Sqlite {
        fn script(&mut self, sql: &str) -> Result<(), Failure> {
            let mut batch = rusqlite::Batch::new(&self.connection, sql);
            while let Some(mut statement) = batch.next().map_err(failed)? {
                let mut rows = statement.query(()).map_err(failed)?;
                while rows.next().map_err(failed)?.is_some() {}
            }
            Ok(())
        }

        fn query(&mut self, sql: &str, number: i64) -> Result<u64, Failure> {
            let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
            if statement.parameter_count() > 0 {
                statement.raw_bind_parameter(1, number).map_err(failed)?;
            }
            let mut rows = statement.raw_query();
            let mut count = 0;
            while let Some(row) = rows.next().map_err(failed)? {
                std::hint::black_box(row.get_ref(0).map_err(failed)?);
                count += 1;
            }
            Ok(count)
        }

        fn write(&mut self, sql: &str, number: i64, text: &str) -> Result<(), Failure> {
            let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
            statement.execute((number, text)).map_err(failed)?;
            Ok(())
        }
    }
}
