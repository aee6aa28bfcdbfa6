//! The questions that a command puts to an authorizer when it is prepared.
//!
//! SQLite runs statements of its own on the schema table and on its statistics while it does these things, and asks about them too. Here there are no
//! such statements, and nothing is asked about them.
//!
//! Whatever else is wrong with a command is left for its run to tell.

use std::cell::Cell;
use std::sync::Arc;

use aludel_storage::format::PageNo;

use super::Definer;
use super::drop::TEMP;
use crate::catalog::{IndexColumn, IndexSource, Table, Trigger, automatic_indexes, table_of};
use crate::error::{Error, Result};
use crate::plan::authorize::{AuthAction, AuthContext, Authorization, Authorize, TransactionOperation, ask};
use crate::plan::{self, PlanContext, TableExpression};
use crate::syntax::ast::{
    self, AlterAction, AlterTable, CreateIndex, CreateTable, CreateTableBody, CreateTrigger, Drop, Expr,
    ExprKind, Literal, ObjectKind, ObjectName, Statement,
};

/// Asks about a statement that has no plan. `true`: it is to do nothing.
///
/// # Errors
/// `not authorized`.
pub(crate) fn ask_about(
    definer: &Definer<'_>,
    statement: &Statement,
    authorize: Authorize<'_>,
) -> Result<bool> {
    let denied = Cell::new(false);
    let noting = |question: AuthContext<'_>| {
        let answer = authorize(question);
        denied.set(denied.get() || answer == Authorization::Deny);
        answer
    };
    let asker = Asker {
        definer,
        authorize: &noting,
    };
    match asker.statement(statement) {
        // The run meets it again.
        Err(_) if !denied.get() => Ok(false),
        result => result,
    }
}

struct Asker<'a> {
    definer: &'a Definer<'a>,
    authorize: Authorize<'a>,
}

impl Asker<'_> {
    fn ask(&self, action: AuthAction<'_>, database: Option<usize>) -> Result<bool> {
        let databases = &self.definer.state.databases;
        let context = AuthContext {
            action,
            database: database
                .and_then(|number| databases.get(number))
                .map(|own| own.name.as_str()),
            accessor: None,
        };
        ask(self.authorize, context)
    }

    /// Asks one after the other; the first that is to be left out takes the others with it.
    fn ask_all(&self, actions: &[AuthAction<'_>], database: usize) -> Result<bool> {
        for action in actions {
            if self.ask(*action, Some(database))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn statement(&self, statement: &Statement) -> Result<bool> {
        use TransactionOperation::{Begin, Commit, Release, Rollback};
        let transaction = |operation| self.ask(AuthAction::Transaction { operation }, None);
        let savepoint = |operation, name: &ast::Ident| {
            let name = name.as_str();
            self.ask(AuthAction::Savepoint { operation, name }, None)
        };
        match statement {
            Statement::Begin(_) => transaction(Begin),
            Statement::Commit => transaction(Commit),
            Statement::Rollback => transaction(Rollback),
            Statement::Savepoint(name) => savepoint(Begin, name),
            Statement::Release(name) => savepoint(Release, name),
            Statement::RollbackTo(name) => savepoint(Rollback, name),
            Statement::Attach(attach) => self.attach(&attach.file),
            Statement::Detach(name) => {
                let text = word(name);
                let database = text.as_deref();
                self.ask(AuthAction::Detach { database }, None)
            }
            Statement::Pragma(pragma) => self.pragma(pragma),
            Statement::CreateTable(create) => self.create_table(create),
            Statement::CreateIndex(create) => self.create_index(create),
            Statement::CreateView(create) => {
                let database = self
                    .definer
                    .database_for(&create.name, create.temporary, "view")?;
                let view = create.name.name.as_str();
                let action = match database {
                    TEMP => AuthAction::CreateTempView { view },
                    _ => AuthAction::CreateView { view },
                };
                self.ask_all(
                    &[
                        AuthAction::Insert {
                            table: schema_table(database),
                        },
                        action,
                    ],
                    database,
                )
            }
            Statement::CreateTrigger(create) => self.create_trigger(create),
            Statement::CreateVirtualTable(create) => {
                let database = self.definer.database_for(&create.name, false, "table")?;
                let (table, module) = (create.name.name.as_str(), create.module.as_str());
                let actions = [
                    AuthAction::Insert {
                        table: schema_table(database),
                    },
                    AuthAction::CreateVirtualTable { table, module },
                ];
                self.ask_all(&actions, database)
            }
            Statement::Drop(drop) => self.drop(drop),
            Statement::AlterTable(alter) => self.alter_table(alter),
            Statement::Vacuum(vacuum) => match &vacuum.into {
                Some(file) => self.attach(file),
                None => self.ask(AuthAction::Attach { file: Some("") }, None),
            },
            Statement::Analyze(name) => self.analyze(name.as_ref()),
            Statement::Reindex(name) => {
                let mut nothing = false;
                for (database, _, index) in self.definer.indexes_to_build(name.as_ref())? {
                    let index = index.name.as_str();
                    nothing |= self.ask(AuthAction::Reindex { index }, Some(database))?;
                }
                Ok(nothing)
            }
            _ => Ok(false),
        }
    }

    fn attach(&self, file: &Expr) -> Result<bool> {
        let text = word(file);
        let file = text.as_deref();
        self.ask(AuthAction::Attach { file }, None)
    }

    fn pragma(&self, pragma: &ast::Pragma) -> Result<bool> {
        let database = match &pragma.name.schema {
            Some(schema) => Some(self.definer.state.database_named(schema.as_str())?),
            None => None,
        };
        let value = pragma.value.as_ref().map(|value| value.text.as_str());
        let pragma = pragma.name.name.as_str();
        self.ask(AuthAction::Pragma { pragma, value }, database)
    }

    fn create_table(&self, create: &CreateTable) -> Result<bool> {
        let database = self
            .definer
            .database_for(&create.name, create.temporary, "table")?;
        let table = create.name.name.as_str();
        let action = match database {
            TEMP => AuthAction::CreateTempTable { table },
            _ => AuthAction::CreateTable { table },
        };
        if self.ask_all(
            &[
                AuthAction::Insert {
                    table: schema_table(database),
                },
                action,
            ],
            database,
        )? {
            return Ok(true);
        }
        if self.definer.find_relation(database, table).is_some() {
            return Ok(false);
        }
        match &create.body {
            CreateTableBody::Columns { .. } => {
                let environment = self.definer.environment(database)?;
                let table = Arc::new(table_of(create, "", PageNo::ONE, &environment)?);
                for index in automatic_indexes(&table) {
                    self.constraint_index(&index.name, &table, &index.columns, database)?;
                }
                if let Some(primary) = &table.without_rowid {
                    self.constraint_index(&primary.name, &table, &primary.columns, database)?;
                }
                self.expressions_of(database, &table)?;
            }
            CreateTableBody::Select(select) => {
                let select = Statement::Select(select.clone());
                self.planning(|context| plan::compile(&select, context).map(|_| ()))?;
            }
        }
        Ok(false)
    }

    /// The index of a constraint, and what it reads.
    fn constraint_index(
        &self,
        index: &str,
        table: &Table,
        columns: &[IndexColumn],
        database: usize,
    ) -> Result<()> {
        let name = table.name.as_str();
        let action = match database {
            TEMP => AuthAction::CreateTempIndex { index, table: name },
            _ => AuthAction::CreateIndex { index, table: name },
        };
        self.ask(action, Some(database))?;
        for column in columns {
            if let IndexSource::Column(number) = column.source {
                let column = table.columns.get(number).map_or("", |column| &column.name);
                let asked = self.ask(AuthAction::Read { table: name, column }, Some(database));
                asked.map_err(|_| self.prohibited(database, name, column))?;
            }
        }
        Ok(())
    }

    fn prohibited(&self, database: usize, table: &str, column: &str) -> Error {
        let databases = &self.definer.state.databases;
        let message = match databases.get(database) {
            Some(own) if databases.len() > 2 || database != 0 => {
                format!("access to {}.{table}.{column} is prohibited", own.name)
            }
            _ => format!("access to {table}.{column} is prohibited"),
        };
        Error::Auth { message }
    }

    /// What constraints and generated columns of a new table read and call.
    fn expressions_of(&self, database: usize, table: &Arc<Table>) -> Result<()> {
        let checks = table
            .checks
            .iter()
            .map(|check| (&check.expression, TableExpression::Check));
        let generated = table
            .columns
            .iter()
            .filter_map(|column| column.generated.as_ref());
        let generated = generated.map(|generated| (&generated.expression, TableExpression::Generated));
        let defaults = table.columns.iter().filter_map(|column| column.default.as_ref());
        let defaults = defaults.map(|default| (default, TableExpression::Default));
        for (expression, place) in checks.chain(generated).chain(defaults) {
            self.planning(|context| {
                plan::bind_table_expression(expression, database, table, place, context).map(|_| ())
            })?;
        }
        Ok(())
    }

    fn create_index(&self, create: &CreateIndex) -> Result<bool> {
        let (database, table) = self.definer.indexed_table(create)?;
        let (index, name) = (create.name.name.as_str(), table.name.as_str());
        let action = match database {
            TEMP => AuthAction::CreateTempIndex { index, table: name },
            _ => AuthAction::CreateIndex { index, table: name },
        };
        if self.ask_all(
            &[
                AuthAction::Insert {
                    table: schema_table(database),
                },
                action,
            ],
            database,
        )? {
            return Ok(true);
        }
        let columns = create
            .columns
            .iter()
            .map(|term| (&term.expr, TableExpression::IndexColumn));
        let filter = create
            .selection
            .iter()
            .map(|filter| (filter, TableExpression::IndexFilter));
        for (expression, place) in columns.chain(filter) {
            self.planning(|context| {
                plan::bind_table_expression(expression, database, &table, place, context).map(|_| ())
            })?;
        }
        self.ask(AuthAction::Reindex { index }, Some(database))
    }

    fn create_trigger(&self, create: &CreateTrigger) -> Result<bool> {
        let home = self.definer.trigger_database(create)?;
        let table = create.table.name.as_str();
        let order = match home {
            TEMP => self.definer.search_order(&create.table)?,
            home => vec![home],
        };
        let found = order
            .into_iter()
            .find(|&number| self.definer.find_relation(number, table).is_some());
        let Some(database) = found else { return Ok(false) };
        let trigger = create.name.name.as_str();
        let action = match home {
            TEMP => AuthAction::CreateTempTrigger { trigger, table },
            _ => AuthAction::CreateTrigger { trigger, table },
        };
        let mut nothing = self.ask(action, Some(home))?;
        for database in [database, home] {
            let table = schema_table(database);
            nothing = nothing || self.ask(AuthAction::Insert { table }, Some(database))?;
        }
        Ok(nothing)
    }

    fn drop(&self, drop: &Drop) -> Result<bool> {
        let Some(database) = self.definer.find_object(drop)? else {
            return Ok(false);
        };
        let schema = &self.definer.state.databases[database].schema;
        let name = drop.name.name.as_str();
        let delete = AuthAction::Delete {
            table: schema_table(database),
        };
        match drop.kind {
            ObjectKind::Index => {
                let Some((table, index)) = schema.tables.values().find_map(|table| {
                    let index = table
                        .indexes
                        .iter()
                        .find(|index| index.name.eq_ignore_ascii_case(name))?;
                    Some((table.name.as_str(), index.name.as_str()))
                }) else {
                    return Ok(false);
                };
                let action = match database {
                    TEMP => AuthAction::DropTempIndex { index, table },
                    _ => AuthAction::DropIndex { index, table },
                };
                self.ask_all(&[delete, action], database)
            }
            ObjectKind::Trigger => match schema.trigger(name) {
                Some(trigger) => Ok(self.drop_trigger(trigger, database)?),
                None => Ok(false),
            },
            ObjectKind::View => {
                let Some(view) = schema.view(name).map(|view| view.name.as_str()) else {
                    return Ok(false);
                };
                let action = match database {
                    TEMP => AuthAction::DropTempView { view },
                    _ => AuthAction::DropView { view },
                };
                Ok(
                    self.ask_all(&[delete, action, AuthAction::Delete { table: view }], database)?
                        || self.drop_triggers_of(view, database)?,
                )
            }
            ObjectKind::Table => {
                let definition = schema.virtual_tables.get(&crate::catalog::fold(name));
                let table = schema.table(name).map(|table| table.name.as_str());
                let table = table.unwrap_or(name);
                let action = match (definition, database) {
                    (Some(definition), _) => AuthAction::DropVirtualTable {
                        table,
                        module: &definition.module,
                    },
                    (None, TEMP) => AuthAction::DropTempTable { table },
                    (None, _) => AuthAction::DropTable { table },
                };
                Ok(
                    self.ask_all(&[delete, action, AuthAction::Delete { table }], database)?
                        || self.drop_triggers_of(table, database)?,
                )
            }
        }
    }

    fn drop_triggers_of(&self, table: &str, database: usize) -> Result<bool> {
        let state = &self.definer.state;
        let triggers: Vec<(usize, Arc<Trigger>)> = state.with_plan_context(|context| {
            let triggers = context.triggers_on(database, table);
            triggers
                .map(|(home, trigger)| (home, Arc::clone(trigger)))
                .collect()
        });
        let mut nothing = false;
        for (home, trigger) in triggers {
            nothing |= self.drop_trigger(&trigger, home)?;
        }
        Ok(nothing)
    }

    fn drop_trigger(&self, trigger: &Trigger, home: usize) -> Result<bool> {
        let (name, table) = (trigger.name.as_str(), trigger.definition.table.name.as_str());
        let action = match home {
            TEMP => AuthAction::DropTempTrigger { trigger: name, table },
            _ => AuthAction::DropTrigger { trigger: name, table },
        };
        self.ask_all(
            &[
                action,
                AuthAction::Delete {
                    table: schema_table(home),
                },
            ],
            home,
        )
    }

    fn alter_table(&self, alter: &AlterTable) -> Result<bool> {
        let name = alter.table.name.as_str();
        let order = self.definer.search_order(&alter.table)?;
        let found = order
            .into_iter()
            .find(|&number| self.definer.find_relation(number, name).is_some());
        let Some(database) = found else { return Ok(false) };
        let schema = &self.definer.state.databases[database].schema;
        let table = schema.table(name).map_or(name, |table| table.name.as_str());
        let column = match &alter.action {
            AlterAction::DropColumn(column) => Some(column.as_str()),
            _ => None,
        };
        self.ask(AuthAction::AlterTable { table, column }, Some(database))
    }

    fn analyze(&self, name: Option<&ObjectName>) -> Result<bool> {
        let (databases, object) = self.definer.objects_to_analyze(name)?;
        let mut nothing = false;
        for database in databases {
            for table in self.definer.state.databases[database].schema.tables.values() {
                let is_own = object.is_none_or(|object| {
                    let is_it = |name: &str| name.eq_ignore_ascii_case(object);
                    is_it(&table.name) || table.indexes.iter().any(|index| is_it(&index.name))
                });
                let system = table
                    .name
                    .get(..7)
                    .is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"));
                if is_own && !system && !table.is_virtual() {
                    let table = table.name.as_str();
                    nothing |= self.ask(AuthAction::Analyze { table }, Some(database))?;
                }
            }
        }
        Ok(nothing)
    }

    /// Lends the world that statements are compiled in, with the authorizer in it.
    fn planning(&self, work: impl FnOnce(&PlanContext<'_>) -> Result<()>) -> Result<()> {
        self.definer.state.with_plan_context(|context| {
            work(&PlanContext {
                authorize: Some(self.authorize),
                ..*context
            })
        })
    }
}

fn schema_table(database: usize) -> &'static str {
    match database {
        TEMP => "sqlite_temp_master",
        _ => "sqlite_master",
    }
}

/// A name or string that stands for itself.
fn word(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.text.to_string()),
        ExprKind::Literal(Literal::String(text)) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    }
}
