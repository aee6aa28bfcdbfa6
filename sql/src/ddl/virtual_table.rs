//! CREATE VIRTUAL TABLE, and what DROP and ALTER TABLE RENAME mean for such a table.
//!
//! The row of sqlite_schema comes first, then the module does its part, mostly by statements of its own on shadow tables.

use std::sync::Arc;

use super::Definer;
use super::schema_rows::NewRow;
use crate::catalog::{Table, fold};
use crate::connection::State;
use crate::error::{Error, Result};
use crate::exec::write::Failure;
use crate::syntax::ast::CreateVirtualTable;
use crate::virtual_table::{ModuleUsage, VirtualContext, VirtualTable};

impl Definer<'_> {
    pub(super) fn create_virtual_table(&mut self, create: &CreateVirtualTable) -> Result<(), Failure> {
        let database = self.database_for(&create.name, false, "table")?;
        let name = create.name.name.as_str();
        if !self.is_free_for_relation(database, &create.name.name, create.if_not_exists)? {
            return Ok(());
        }
        let sql = format!("CREATE VIRTUAL TABLE {}", self.text_of(create.definition));
        let (text, parameters, interrupt) = (self.sql, self.parameters, self.interrupt);
        self.state.change(database, |state| {
            let mut definer = Definer {
                state,
                sql: text,
                parameters,
                interrupt,
            };
            let row = NewRow {
                kind: "table",
                name,
                table: name,
                root: None,
                sql: Some(&sql),
            };
            let row = definer.add_row(database, &row)?;
            definer.finish_with(database, &[row])?;
            construct_new(definer.state, database, name)
        })
    }

    /// Drops a virtual table: its code drops the shadow tables.
    pub(super) fn drop_virtual_table(&mut self, database: usize, table: &Table) -> Result<()> {
        let Some(code) = table.virtual_table.clone() else {
            return Err(Error::misuse("a virtual table was expected"));
        };
        self.state.enlist(&code, self.interrupt)?;
        self.remove_rows(database, |_, _, own| own.eq_ignore_ascii_case(&table.name))?;
        let mut schema = (*self.state.databases[database].schema).clone();
        let key = fold(&table.name);
        schema.tables.remove(&key);
        schema.virtual_tables.remove(&key);
        schema
            .triggers
            .retain(|_, trigger| !trigger.table.eq_ignore_ascii_case(&table.name));
        self.finish(database, schema, &[])?;
        code.destroy(&mut VirtualContext::new(self.state, self.interrupt))?;
        self.state.unlist(&code);
        Ok(())
    }

    /// ALTER TABLE RENAME has changed the schema's texts; the shadow tables follow.
    pub(super) fn rename_virtual_table(&mut self, code: &Arc<dyn VirtualTable>, new: &str) -> Result<()> {
        self.state.enlist(code, self.interrupt)?;
        code.rename(&mut VirtualContext::new(self.state, self.interrupt), new)
    }
}

/// The module's part in creating a table whose row is there.
fn construct_new(state: &mut State, database: usize, name: &str) -> Result<()> {
    let key = fold(name);
    let definition = state.databases[database].schema.virtual_tables.get(&key).cloned();
    let Some(definition) = definition else {
        return Err(Error::sql(format!("no such table: {name}")));
    };
    let module = state.virtual_tables.module(&definition.module);
    let module = module.filter(|module| module.usage() != ModuleUsage::EponymousOnly);
    let Some(module) = module else {
        return Err(Error::sql(format!("no such module: {}", definition.module)));
    };
    let table = state.construct(database, &definition, |context, arguments| {
        module.create(context, arguments)
    })?;
    if let Some(code) = &table.virtual_table {
        state.join(Arc::clone(code));
    }
    state.databases[database].add_connected(table);
    Ok(())
}
