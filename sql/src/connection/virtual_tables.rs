//! The connection's virtual tables: its modules, connecting tables when they are needed, and their part in transactions.
//!
//! Compiling a statement borrows the connection, and connecting a table runs statements. So a binder that meets a table that is not connected notes the
//! wish and fails; whoever compiles connects the table and compiles again ([`State::connecting`]).

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustc_hash::FxHashMap;

use super::State;
use crate::catalog::{COLUMN_COUNT_MAX, Environment, Table, VirtualDefinition, declared_table, fold};
use crate::error::{Error, Result};
use crate::modules;
use crate::plan::VirtualTables;
use crate::plan::physical::DatabaseIndex;
use crate::virtual_table::{Connected, Module, ModuleArguments, ModuleUsage, VirtualContext, VirtualTable};

/// What a connection knows of virtual tables.
#[derive(Default)]
pub(crate) struct VirtualTableState {
    /// Modules of the application, by name in small letters.
    modules: FxHashMap<String, Arc<dyn Module>>,
    /// Tables under their module's own name that are connected, by name in small letters.
    eponymous: FxHashMap<String, Arc<Table>>,
    /// What the binder missed.
    wanted: RefCell<Option<Wish>>,
    /// The tables that are being connected, one inside the other.
    connecting: Vec<(DatabaseIndex, String)>,
    /// The tables that take part in the transaction, in the order in which they joined.
    enlisted: Vec<Arc<dyn VirtualTable>>,
}

/// A table that has to be connected.
enum Wish {
    Declared(DatabaseIndex, String),
    Eponymous(String),
}

impl VirtualTableState {
    pub(super) fn register(&mut self, name: &str, module: Arc<dyn Module>) {
        let name = fold(name);
        self.eponymous.remove(&name);
        self.modules.insert(name, module);
    }

    /// The module called `name`, in any case.
    pub(crate) fn module(&self, name: &str) -> Option<Arc<dyn Module>> {
        let registered = self.modules.get(&fold(name)).cloned();
        registered.or_else(|| modules::find(name))
    }

    /// The names of all modules, those of pragmas apart.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = modules::NAMES.iter().map(|name| (*name).to_owned()).collect();
        names.extend(self.modules.keys().cloned());
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl VirtualTables for State {
    fn eponymous(&self, name: &str) -> Option<&Arc<Table>> {
        let folded = fold(name);
        let found = self.virtual_tables.eponymous.get(&folded);
        if found.is_none()
            && let Some(module) = self.virtual_tables.module(name)
            && module.usage() != ModuleUsage::Created
        {
            *self.virtual_tables.wanted.borrow_mut() = Some(Wish::Eponymous(folded));
        }
        found
    }

    fn want(&self, database: DatabaseIndex, name: &str) -> Error {
        *self.virtual_tables.wanted.borrow_mut() = Some(Wish::Declared(database, fold(name)));
        Error::sql(format!("the virtual table {name} is not connected"))
    }
}

impl State {
    /// Runs `work`, which compiles something, again and again until it misses no virtual table.
    pub(crate) fn connecting<T>(&mut self, work: impl Fn(&State) -> Result<T>) -> Result<T> {
        loop {
            self.virtual_tables.wanted.replace(None);
            let result = work(self);
            match self.virtual_tables.wanted.take() {
                Some(wish) if result.is_err() => self.connect(wish)?,
                _ => return result,
            }
        }
    }

    #[inline(never)]
    fn connect(&mut self, wish: Wish) -> Result<()> {
        match wish {
            Wish::Declared(database, name) => self.connect_declared(database, &name),
            Wish::Eponymous(name) => self.connect_eponymous(&name),
        }
    }

    fn connect_eponymous(&mut self, name: &str) -> Result<()> {
        let Some(module) = self.virtual_tables.module(name) else {
            return Err(Error::sql(format!("no such module: {name}")));
        };
        let definition = VirtualDefinition {
            name: name.to_owned(),
            module: name.to_owned(),
            arguments: Vec::new(),
            sql: String::new(),
        };
        let table = self.construct(0, &definition, |context, arguments| {
            module.connect(context, arguments)
        })?;
        self.virtual_tables
            .eponymous
            .insert(name.to_owned(), Arc::new(table));
        Ok(())
    }

    /// Connects a table of a schema, if it is not; `name` is in small letters.
    pub(crate) fn connect_declared(&mut self, database: DatabaseIndex, name: &str) -> Result<()> {
        let schema = &self.databases[database].schema;
        let Some(definition) = schema.virtual_tables.get(name).cloned() else {
            return Err(Error::sql(format!("no such table: {name}")));
        };
        if schema.tables.contains_key(name) {
            return Ok(());
        }
        let Some(module) = self.virtual_tables.module(&definition.module) else {
            return Err(Error::sql(format!("no such module: {}", definition.module)));
        };
        if module.usage() == ModuleUsage::EponymousOnly {
            return Err(Error::sql(format!("no such module: {}", definition.module)));
        }
        let table = self.construct(database, &definition, |context, arguments| {
            module.connect(context, arguments)
        })?;
        self.databases[database].add_connected(table);
        Ok(())
    }

    /// Connects the virtual table called `name`, if there is one.
    pub(crate) fn connect_named(&mut self, database: Option<DatabaseIndex>, name: &str) -> Result<()> {
        let order = match database {
            Some(database) => vec![database],
            None => [1, 0].into_iter().chain(2..self.databases.len()).collect(),
        };
        let key = fold(name);
        for number in order {
            let schema = &self.databases[number].schema;
            if schema.virtual_tables.contains_key(&key) {
                return self.connect_declared(number, &key);
            }
            if schema.tables.contains_key(&key) || schema.views.contains_key(&key) {
                return Ok(());
            }
        }
        self.connecting(|state| match state.eponymous(name) {
            Some(_) => Ok(true),
            None => Err(Error::NoRows),
        })
        .map(|_| ())
        .or_else(|error| match error {
            Error::NoRows => Ok(()),
            error => Err(error),
        })
    }

    /// The table under a module's own name, if it is connected.
    pub(crate) fn connected_eponymous(&self, name: &str) -> Option<&Arc<Table>> {
        self.virtual_tables.eponymous.get(&fold(name))
    }

    /// Connects all virtual tables that can be.
    pub(crate) fn connect_all(&mut self) {
        for number in 0..self.databases.len() {
            let schema = &self.databases[number].schema;
            let names: Vec<String> = schema.virtual_tables.keys().cloned().collect();
            for name in names {
                // One that is broken is told of when it is used.
                let _ = self.connect_declared(number, &name);
            }
        }
    }

    /// Whether a table is a shadow table: its name is that of a virtual table, an underscore, and a word that the module knows.
    pub(crate) fn is_shadow(&self, database: DatabaseIndex, name: &str) -> bool {
        let Some((owner, suffix)) = name.rsplit_once('_') else {
            return false;
        };
        let schema = &self.databases[database].schema;
        let definition = schema.virtual_tables.get(&fold(owner));
        let module = definition.and_then(|own| self.virtual_tables.module(&own.module));
        module.is_some_and(|module| module.is_shadow_name(suffix))
    }

    /// Has a module make a table, which reads under locks of its own if none are held.
    pub(crate) fn construct(
        &mut self,
        database: DatabaseIndex,
        definition: &VirtualDefinition,
        make: impl FnOnce(&mut VirtualContext<'_>, &ModuleArguments<'_>) -> Result<Connected>,
    ) -> Result<Table> {
        let place = (database, fold(&definition.name));
        if self.virtual_tables.connecting.contains(&place) {
            let message = format!("vtable constructor called recursively: {}", definition.name);
            return Err(Error::Locked { message });
        }
        self.virtual_tables.connecting.push(place);
        let schema = self.databases[database].name.clone();
        let connected = self.under_locks(|context| {
            make(
                context,
                &ModuleArguments {
                    module: &definition.module,
                    database,
                    schema: &schema,
                    table: &definition.name,
                    arguments: &definition.arguments,
                },
            )
        });
        self.virtual_tables.connecting.pop();
        let connected = connected.map_err(|error| match error {
            Error::Sql { message, .. } if message.is_empty() => {
                Error::sql(format!("vtable constructor failed: {}", definition.name))
            }
            error => error,
        })?;
        if connected.declaration.is_empty() {
            return Err(Error::sql(format!(
                "vtable constructor did not declare schema: {}",
                definition.name
            )));
        }
        let environment = Environment {
            encoding: self.databases[database].encoding(),
            schema_format: 4,
            collations: &self.collations,
            reading: false,
            columns_max: COLUMN_COUNT_MAX,
        };
        declared_table(&definition.name, &definition.sql, connected, &environment)
    }

    /// Runs `work` as if it were a statement: it finds read transactions open, and those that it opened are closed after it.
    pub(crate) fn under_locks<T>(
        &mut self,
        work: impl FnOnce(&mut VirtualContext<'_>) -> Result<T>,
    ) -> Result<T> {
        let before = self.open_transactions();
        let interrupt = AtomicBool::new(false);
        let entered = self.enter(&[], false)?;
        let result = work(&mut VirtualContext::new(self, &interrupt));
        self.stand_back(&entered);
        if self.transaction.running() == 0 {
            self.end_reads_since(before);
        }
        result
    }

    // ---- transactions ----------------------------------------------------------------------------

    /// A statement is about to write a virtual table.
    pub(crate) fn enlist(&mut self, table: &Arc<dyn VirtualTable>, interrupt: &AtomicBool) -> Result<()> {
        if self.is_enlisted(table) {
            return Ok(());
        }
        let depth = self.savepoint_depth();
        let mut context = VirtualContext::new(self, interrupt);
        table.begin(&mut context)?;
        self.join(Arc::clone(table));
        if depth > 0 {
            table.savepoint(&mut VirtualContext::new(self, interrupt), depth - 1)?;
        }
        Ok(())
    }

    /// A table that was just created takes part in the transaction without further ado.
    pub(crate) fn join(&mut self, table: Arc<dyn VirtualTable>) {
        self.virtual_tables.enlisted.push(table);
    }

    /// A table that was dropped takes no part any more.
    pub(crate) fn unlist(&mut self, table: &Arc<dyn VirtualTable>) {
        let same = |own: &Arc<dyn VirtualTable>| std::ptr::addr_eq(Arc::as_ptr(own), Arc::as_ptr(table));
        self.virtual_tables.enlisted.retain(|own| !same(own));
    }

    fn is_enlisted(&self, table: &Arc<dyn VirtualTable>) -> bool {
        let same = |own: &Arc<dyn VirtualTable>| std::ptr::addr_eq(Arc::as_ptr(own), Arc::as_ptr(table));
        self.virtual_tables.enlisted.iter().any(same)
    }

    /// Whether virtual tables have to be told of what happens to the transaction.
    pub(super) fn has_enlisted(&self) -> bool {
        !self.virtual_tables.enlisted.is_empty()
    }

    /// Has the tables of the transaction write what they held back.
    pub(super) fn sync_virtual_tables(&mut self) -> Result<()> {
        self.each_enlisted(|table, context| table.sync(context))
    }

    /// Tells the tables of a savepoint.
    pub(super) fn savepoint_virtual_tables(&mut self, depth: usize) -> Result<()> {
        self.each_enlisted(|table, context| table.savepoint(context, depth))
    }

    /// Tells the tables of the release of savepoints.
    pub(super) fn release_virtual_tables(&mut self, depth: usize) -> Result<()> {
        self.each_enlisted(|table, context| table.release(context, depth))
    }

    /// Tells the tables of a return to a savepoint.
    pub(super) fn roll_back_virtual_tables_to(&mut self, depth: usize) {
        let tables = &self.virtual_tables.enlisted;
        tables.iter().for_each(|table| table.rollback_to(depth));
    }

    /// The transaction is over.
    pub(super) fn finish_virtual_tables(&mut self, committed: bool) {
        for table in std::mem::take(&mut self.virtual_tables.enlisted) {
            match committed {
                true => table.commit(),
                false => table.rollback(),
            }
        }
    }

    fn each_enlisted(
        &mut self,
        work: impl Fn(&dyn VirtualTable, &mut VirtualContext<'_>) -> Result<()>,
    ) -> Result<()> {
        let interrupt = AtomicBool::new(false);
        let mut place = 0;
        while let Some(table) = self.virtual_tables.enlisted.get(place).cloned() {
            let entered = self.enter_beside();
            let result = work(&*table, &mut VirtualContext::new(self, &interrupt));
            self.stand_back(&entered);
            result?;
            place += 1;
        }
        Ok(())
    }
}
