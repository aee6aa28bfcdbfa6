//! The authorizer: an application's say in what statements may do.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;

use super::{Connection, State};
use crate::ddl::{self, Definer};
use crate::error::Result;
use crate::plan::PlanContext;
use crate::plan::authorize::{AuthContext, Authorization};
use crate::syntax::ast;

type Ask = Box<dyn for<'a> FnMut(AuthContext<'a>) -> Authorization + Send>;

/// The application's authorizer.
pub(crate) struct Authorizer(Mutex<Ask>);

impl Authorizer {
    fn ask(&self, context: AuthContext<'_>) -> Authorization {
        match self.0.try_lock() {
            Some(mut ask) => ask(context),
            // It cannot be asked about what it does itself.
            None => Authorization::Deny,
        }
    }
}

impl Connection {
    /// Asks `authorizer` what statements may do: about each table that is written, each column that is read or set, each function that is called, each
    /// object that is made or dropped, transactions, pragmas, ATTACH (see [`AuthAction`](crate::AuthAction)). It is asked while a statement is
    /// prepared, and again whenever it is prepared anew; not while rows are read or written. `None` takes the authorizer away. As long as there is none,
    /// preparing costs nothing more.
    ///
    /// What [`Authorization::Ignore`] does:
    ///
    /// | action | ignored |
    /// |---|---|
    /// | Read | the column is NULL |
    /// | Function | its result is NULL |
    /// | Update | the column stays as it is |
    /// | Insert, and all that makes, drops or changes objects; transactions, PRAGMA, ATTACH, DETACH | the statement does nothing |
    /// | Select, Recursive | no rows |
    /// | Delete | nothing: rows are deleted, one by one |
    ///
    /// [`Authorization::Deny`] is an error with code 23: `not authorized`, or `access to t.c is prohibited` of a column. Of a function it
    /// is `not authorized to use function: f`, with code 1, as in SQLite.
    ///
    /// Statements that were prepared before are compiled again when they run next, those in the cache when they are prepared next.
    ///
    /// ```
    /// use aludel_sql::{AuthAction, Authorization, Connection};
    ///
    /// # fn main() -> aludel_sql::Result<()> {
    /// let connection = Connection::open_in_memory()?;
    /// connection.execute_batch("CREATE TABLE person(name, secret); INSERT INTO person VALUES ('Ada', 'x')")?;
    /// connection.set_authorizer(Some(|question: aludel_sql::AuthContext<'_>| match question.action {
    ///     AuthAction::Read { table: "person", column: "secret" } => Authorization::Ignore,
    ///     AuthAction::Read { .. } | AuthAction::Select => Authorization::Allow,
    ///     _ => Authorization::Deny,
    /// }))?;
    /// let secret: Option<String> = connection.query_row("SELECT secret FROM person", (), |row| row.get(0))?;
    /// assert_eq!(secret, None);
    /// assert_eq!(connection.execute("DELETE FROM person", ()).unwrap_err().to_string(), "not authorized");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Misuse`](crate::Error::Misuse) inside a call of the connection.
    pub fn set_authorizer(
        &self,
        authorizer: Option<impl for<'a> FnMut(AuthContext<'a>) -> Authorization + Send + 'static>,
    ) -> Result<()> {
        let mut state = self.state()?;
        state.authorizer = authorizer.map(|ask| Arc::new(Authorizer(Mutex::new(Box::new(ask) as Ask))));
        state.schema_version += 1;
        Ok(())
    }
}

impl State {
    /// Hands on a context in which the authorizer, if there is one, is asked.
    pub(super) fn asking<T>(&self, context: &PlanContext<'_>, work: impl FnOnce(&PlanContext<'_>) -> T) -> T {
        match &self.authorizer {
            None => work(context),
            Some(authorizer) => work(&PlanContext {
                authorize: Some(&|question| authorizer.ask(question)),
                ..*context
            }),
        }
    }

    /// Lends the world that statements are compiled in, with the authorizer in it: for queries inside commands, which are planned when they run.
    pub(crate) fn with_asked_context<T>(&self, work: impl FnOnce(&PlanContext<'_>) -> T) -> T {
        self.with_plan_context(|context| self.asking(context, work))
    }

    /// Asks about a statement that has no plan. `true`: it is to do nothing.
    ///
    /// # Errors
    /// `not authorized`.
    #[inline(never)]
    pub(super) fn ask_about_command(&mut self, parsed: &ast::Parsed, sql: &str) -> Result<bool> {
        let Some(authorizer) = self.authorizer.clone() else {
            return Ok(false);
        };
        // What cannot be read now is told by the run.
        let all: Vec<usize> = (0..self.databases.len()).collect();
        let before = self.open_transactions();
        let _ = self.begin_reading(&all);
        let definer = Definer {
            state: self,
            sql,
            parameters: &[],
            interrupt: &AtomicBool::new(false),
        };
        let nothing = ddl::ask_about(&definer, &parsed.statement, &|question| authorizer.ask(question));
        self.end_reads_since(before);
        nothing
    }
}
