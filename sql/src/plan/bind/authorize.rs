//! The questions that binding puts to an authorizer (see [`authorize`](crate::plan::authorize)). All of it is out of line: without one, a name
//! costs a look at an empty option.

use ecow::EcoString;

use super::typed::Typed;
use super::{Binder, TableColumns};
use crate::catalog::Table;
use crate::error::{Error, Result};
use crate::functions::Function;
use crate::plan::authorize::{AuthAction, AuthContext, Authorize, ask};
use crate::plan::logical::{Query, Scalar, TableId};
use crate::plan::physical::DatabaseIndex;
use crate::syntax::ast::{ObjectName, Span};

/// Who is asked while a statement is bound, and what has to be remembered for it.
pub(in crate::plan) struct Asker<'a> {
    authorize: Authorize<'a>,
    /// The innermost view, common table or trigger.
    pub accessor: Option<&'a str>,
    /// Tables that stand for views.
    views: Vec<(TableId, DatabaseIndex, &'a str)>,
    /// Tables of which a column was read.
    read: Vec<TableId>,
    /// The statement is to do nothing.
    pub does_nothing: bool,
}

impl<'a> Asker<'a> {
    pub fn new(authorize: Authorize<'a>, accessor: Option<&'a str>) -> Box<Asker<'a>> {
        Box::new(Asker {
            authorize,
            accessor,
            views: Vec::new(),
            read: Vec::new(),
            does_nothing: false,
        })
    }

    fn ask(&self, action: AuthAction<'_>, database: Option<&str>) -> Result<bool> {
        let context = AuthContext {
            action,
            database,
            accessor: self.accessor,
        };
        ask(self.authorize, context)
    }
}

impl<'a> Binder<'a> {
    /// Asks whether something may be done; `true` means that it is to be left out.
    ///
    /// # Errors
    /// `not authorized`.
    #[inline(never)]
    pub(super) fn asks(&self, action: AuthAction<'_>, database: Option<DatabaseIndex>) -> Result<bool> {
        let Some(asker) = &self.asker else {
            return Ok(false);
        };
        let database = database.map(|number| self.context.databases[number].name);
        asker.ask(action, database)
    }

    /// Asks whether the statement may write a table; one that is to be left out is bound to its end, and then does nothing.
    #[inline(never)]
    pub(super) fn ask_to_write(&mut self, action: AuthAction<'_>, database: DatabaseIndex) -> Result<()> {
        let nothing = self.asks(action, Some(database))?;
        if let Some(asker) = self.asker.as_mut().filter(|_| nothing) {
            asker.does_nothing = true;
        }
        Ok(())
    }

    /// Binds what is done on behalf of a view or common table.
    #[inline(never)]
    pub(super) fn on_behalf_of<T>(
        &mut self,
        name: &'a str,
        bind: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let set = |binder: &mut Self, accessor: Option<&'a str>| {
            let asker = binder.asker.as_mut();
            asker.and_then(|asker| std::mem::replace(&mut asker.accessor, accessor))
        };
        let before = set(self, Some(name));
        let result = bind(self);
        set(self, before);
        result
    }

    /// Binds what asks nothing.
    pub(super) fn unasked<T>(&mut self, bind: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let asker = self.asker.take();
        let result = bind(self);
        self.asker = asker;
        result
    }

    /// A table stands for a view.
    #[inline(never)]
    pub(super) fn note_view(&mut self, table: TableId, database: DatabaseIndex, name: &'a str) {
        if let Some(asker) = &mut self.asker {
            asker.views.push((table, database, name));
        }
    }

    /// A table's column, if it may be read; NULL if it is to be left out.
    ///
    /// # Errors
    /// `access to t.c is prohibited`.
    #[inline(never)]
    pub(super) fn asked_column(
        &mut self,
        table: TableId,
        column: Option<usize>,
        typed: Typed,
    ) -> Result<Typed> {
        let entry = self.tables.get(table);
        if entry.untyped {
            return Ok(typed);
        }
        if entry.nested().is_some() {
            let mut inner = Vec::new();
            typed
                .expr
                .each_column(&mut |own| inner.push((own.table, own.column.index())));
            let mut ignored = false;
            for (table, column) in inner {
                ignored |= self.ignores_column(table, column)?;
            }
            return Ok(if ignored { null() } else { typed });
        }
        Ok(if self.ignores_column(table, column)? {
            null()
        } else {
            typed
        })
    }

    fn ignores_column(&mut self, id: TableId, index: Option<usize>) -> Result<bool> {
        let entry = self.tables.get(id);
        let mut read = index.is_some();
        let (database, table, name) = match &entry.columns {
            TableColumns::Base { database, table } => {
                read &= index != table.rowid_alias;
                let name = index
                    .or(table.rowid_alias)
                    .and_then(|index| table.columns.get(index));
                let name = name.map_or("ROWID", |column| column.name.as_str());
                (*database, table.name.clone(), EcoString::from(name))
            }
            TableColumns::Derived(columns) => {
                let views = self.asker.iter().flat_map(|asker| &asker.views);
                let Some(&(_, database, view)) = views.rev().find(|(table, ..)| *table == id) else {
                    return Ok(false);
                };
                let name = index.map_or_else(EcoString::default, |index| columns[index].name.clone());
                (database, view.to_owned(), name)
            }
            TableColumns::Nested(_) | TableColumns::Pseudo => return Ok(false),
        };
        if let Some(asker) = self.asker.as_mut().filter(|_| read) {
            asker.read.push(id);
        }
        self.ask_to_read(database, &table, &name)
    }

    /// Asks whether a column may be read; `true` means that it is NULL.
    pub(super) fn ask_to_read(&self, database: DatabaseIndex, table: &str, column: &str) -> Result<bool> {
        let Some(asker) = &self.asker else {
            return Ok(false);
        };
        let databases = self.context.databases;
        let name = databases[database].name;
        let action = AuthAction::Read { table, column };
        match asker.ask(action, Some(name)) {
            Err(_) if databases.len() > 2 || database != 0 => {
                Err(prohibited(&format!("{name}.{table}.{column}")))
            }
            Err(_) => Err(prohibited(&format!("{table}.{column}"))),
            answer => answer,
        }
    }

    /// A column of NEW or OLD, if it may be read.
    #[inline(never)]
    pub(super) fn asked_trigger_column(&mut self, name: &str, typed: Typed) -> Result<Typed> {
        let Some(trigger) = self.context.trigger else {
            return Ok(typed);
        };
        let table = trigger.table;
        let column = table.column(name).or(table.rowid_alias);
        let column = column.map_or("ROWID", |column| &table.columns[column].name);
        let databases = 0..self.context.databases.len();
        // A temporary trigger may be on a table of any database.
        let has_it = |&number: &DatabaseIndex| {
            let schema = &self.context.databases[number].schema;
            schema
                .table(&table.name)
                .is_some_and(|own| std::sync::Arc::ptr_eq(own, table))
        };
        let database = databases.clone().find(has_it).unwrap_or(trigger.database);
        Ok(if self.ask_to_read(database, &table.name, column)? {
            null()
        } else {
            typed
        })
    }

    /// Asks about the tables of a SELECT of which no column is read.
    #[inline(never)]
    pub(super) fn ask_of_unread(&mut self, sources: impl Iterator<Item = TableId>) -> Result<()> {
        for source in sources {
            let Some(asker) = &self.asker else { return Ok(()) };
            if asker.read.contains(&source) {
                continue;
            }
            let entry = self.tables.get(source);
            let view = asker.views.iter().rev().find(|(table, ..)| *table == source);
            let (database, table) = match (&entry.columns, view) {
                (TableColumns::Base { database, table }, _) => (*database, table.name.as_str()),
                (_, Some((_, database, name))) => (*database, *name),
                _ => continue,
            };
            // What is ignored here has nothing to leave out.
            self.asks(AuthAction::Read { table, column: "" }, Some(database))?;
        }
        Ok(())
    }

    /// A pragma that is read as a table is a pragma. What it answers cannot be left out.
    #[inline(never)]
    pub(super) fn ask_about_pragma(&self, name: &ObjectName) -> Result<()> {
        let own = name.name.as_str();
        let Some((_, pragma)) = own
            .split_at_checked(7)
            .filter(|(start, _)| start.eq_ignore_ascii_case("pragma_"))
        else {
            return Ok(());
        };
        match self.asks(AuthAction::Pragma { pragma, value: None }, None)? {
            false => Ok(()),
            true => Err(prohibited(own)),
        }
    }

    /// A USING or NATURAL column counts as read, but nobody is asked.
    #[inline(never)]
    pub(super) fn note_read(&mut self, table: TableId) {
        if let Some(asker) = &mut self.asker {
            asker.read.push(table);
        }
    }

    /// Asks whether a function may be called; `false`: its result is NULL.
    ///
    /// # Errors
    /// `not authorized to use function: f`.
    #[inline(never)]
    pub(super) fn ask_to_call(&self, function: &Function, written: &str, span: Span) -> Result<bool> {
        let action = AuthAction::Function {
            function: &function.name,
        };
        match self.asks(action, None) {
            Ok(ignored) => Ok(!ignored),
            Err(_) => {
                let message = format!("not authorized to use function: {written}");
                Err(Error::sql_at(message, span.start as usize))
            }
        }
    }

    /// Asks whether something may be selected. A SELECT that is to be left out has no rows.
    #[inline(never)]
    pub(super) fn asked_select(
        &mut self,
        action: AuthAction<'_>,
        bind: impl FnOnce(&mut Self) -> Result<Query>,
    ) -> Result<Query> {
        let ignored = self.asks(action, None)?;
        let mut query = bind(self)?;
        if ignored {
            query.limit = Some(Scalar::integer(0));
        }
        Ok(query)
    }

    /// Asks whether a column may be set; `true` means that it stays as it is. One past the last is the rowid.
    #[inline(never)]
    pub(super) fn asked_to_skip(
        &self,
        database: DatabaseIndex,
        table: &Table,
        column: usize,
    ) -> Result<bool> {
        let column = table.columns.get(column).map_or("ROWID", |column| &column.name);
        let table = &table.name;
        self.asks(AuthAction::Update { table, column }, Some(database))
    }
}

impl Binder<'_> {
    /// Whether an authorizer wants the statement to do nothing.
    pub fn does_nothing(&self) -> bool {
        self.asker.as_ref().is_some_and(|asker| asker.does_nothing)
    }
}

fn null() -> Typed {
    Typed::plain(Scalar::NULL)
}

fn prohibited(column: &str) -> Error {
    Error::Auth {
        message: format!("access to {column} is prohibited"),
    }
}
