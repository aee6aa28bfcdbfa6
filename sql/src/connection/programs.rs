//! Compiles what changing rows sets off: the triggers and foreign keys of every table that a statement may come to write.

use std::sync::Arc;

use super::State;
use crate::catalog::{ForeignKey, Table, Trigger};
use crate::error::{Error, Result};
use crate::exec::write::{BrokenKey, ForeignKeyPlan, ProgramSet, ReferencePlan, TablePrograms, TriggerPlan};
use crate::plan::authorize::{AuthAction, AuthContext, Authorization};
use crate::plan::expr::Register;
use crate::plan::physical::DatabaseIndex;
use crate::plan::write::TargetTable;
use crate::plan::{self, CompiledKind, Node, Plan, PlanContext, TriggerRows};
use crate::syntax::ast::{self, ConflictAction, ReferenceAction, Statement, TriggerEvent, TriggerStep};

/// What can happen to rows of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Events {
    insert: bool,
    update: bool,
    delete: bool,
    /// More than one row may be inserted.
    many: bool,
}

impl Events {
    fn union(self, other: Events) -> Events {
        Events {
            insert: self.insert || other.insert,
            update: self.update || other.update,
            delete: self.delete || other.delete,
            many: self.many || other.many,
        }
    }

    fn without(self, other: Events) -> Events {
        Events {
            insert: self.insert && !other.insert,
            update: self.update && !other.update,
            delete: self.delete && !other.delete,
            many: self.many && !other.many,
        }
    }
}

impl State {
    /// The programs of a write. An empty set, without cost, when there are no triggers and foreign keys are not enforced.
    pub(super) fn programs_of(
        &self,
        kind: &CompiledKind,
        context: &PlanContext<'_>,
    ) -> Result<Arc<ProgramSet>> {
        let any = self.settings.foreign_keys
            || self.hooks.watches_rows()
            || self.hooks.watches_changes()
            || self
                .databases
                .iter()
                .any(|database| !database.schema.triggers.is_empty());
        if !any {
            return Ok(Arc::clone(&self.no_programs));
        }
        let mut compiler = Compiler {
            state: self,
            context: *context,
            triggers: true,
            entries: Vec::new(),
        };
        compiler.add_write(kind);
        compiler.compile_all()?;
        Ok(Arc::new(compiler.finish()))
    }
}

impl State {
    /// The programs of the DELETE that DROP TABLE does first: what refers to the table, but no triggers.
    pub(crate) fn programs_of_drop(
        &self,
        kind: &CompiledKind,
        context: &PlanContext<'_>,
    ) -> Result<Arc<ProgramSet>> {
        let mut compiler = Compiler {
            state: self,
            context: *context,
            triggers: false,
            entries: Vec::new(),
        };
        compiler.add_write(kind);
        compiler.compile_all()?;
        Ok(Arc::new(compiler.finish()))
    }

    /// Whether the statements of a trigger can be compiled.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn check_trigger(
        &self,
        home: DatabaseIndex,
        trigger: &Arc<Trigger>,
        context: &PlanContext<'_>,
    ) -> Result<()> {
        let name = trigger.definition.table.name.as_str();
        let schema = trigger.definition.table.schema.as_ref();
        let places: Vec<usize> = match (schema, home) {
            (Some(schema), _) => self.database_named(schema.as_str()).into_iter().collect(),
            (None, 1) => [1, 0].into_iter().chain(2..self.databases.len()).collect(),
            (None, home) => vec![home],
        };
        let tables = places
            .into_iter()
            .map(|place| (place, &self.databases[place].schema));
        let mut found = None;
        for (place, schema) in tables {
            if let Some(table) = schema.table(name) {
                found = Some(Arc::clone(table));
                break;
            }
            if let Some(view) = schema.view(name) {
                let elsewhere = PlanContext {
                    uses: None,
                    ..*context
                };
                found = Some(Arc::new(plan::view_table(place, view, &elsewhere)?));
                break;
            }
        }
        // What watches nothing never fires.
        let Some(table) = found else { return Ok(()) };
        let mut compiler = Compiler {
            state: self,
            context: *context,
            triggers: true,
            entries: Vec::new(),
        };
        compiler.compile_trigger(home, &table, trigger, None).map(|_| ())
    }

    /// Whether a foreign key of another table refers to this one.
    pub(crate) fn is_referred_to(&self, database: DatabaseIndex, table: &Table) -> bool {
        let refers = |child: &Arc<Table>| {
            let mut keys = child.foreign_keys.iter();
            keys.any(|key| key.parent.eq_ignore_ascii_case(&table.name))
        };
        self.databases[database].schema.tables.values().any(refers)
    }

    /// The keys that wait for the end of the transaction, compiled for the schema as it is now. Those of tables that have gone are forgotten.
    pub(super) fn keys_of_now(&self, broken: Vec<BrokenKey>) -> Result<Vec<BrokenKey>> {
        let mut now: Vec<(Arc<ForeignKeyPlan>, Option<Arc<ForeignKeyPlan>>)> = Vec::new();
        let mut kept = Vec::with_capacity(broken.len());
        for mut broken in broken {
            let known = now.iter().position(|(old, _)| Arc::ptr_eq(old, &broken.key));
            let place = match known {
                Some(place) => place,
                None => {
                    now.push((Arc::clone(&broken.key), self.key_of_now(&broken.key)?));
                    now.len() - 1
                }
            };
            if let Some(key) = &now[place].1 {
                broken.key = Arc::clone(key);
                kept.push(broken);
            }
        }
        Ok(kept)
    }

    fn key_of_now(&self, key: &Arc<ForeignKeyPlan>) -> Result<Option<Arc<ForeignKeyPlan>>> {
        let Some(database) = self.databases.get(key.database) else {
            return Ok(None);
        };
        let Some(child) = database.schema.table(&key.child.name) else {
            return Ok(None);
        };
        let Some(own) = child.foreign_keys.get(key.number) else {
            return Ok(None);
        };
        let parent = database.schema.table(&own.parent);
        let same_parent = match (&key.parent_table, parent) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (old, new) => old.is_none() && new.is_none(),
        };
        if Arc::ptr_eq(child, &key.child) && same_parent {
            return Ok(Some(Arc::clone(key)));
        }
        self.with_plan_context(|context| {
            let compiler = Compiler {
                state: self,
                context: *context,
                triggers: false,
                entries: Vec::new(),
            };
            let fits = parent.is_some_and(|parent| parent_columns(parent, child, own).is_ok());
            let compiled = match fits {
                true => compiler.compile_foreign_key(key.database, child, key.number),
                false => compiler.compile_orphans(key.database, child, key.number),
            };
            compiled.map(Some)
        })
    }
}

struct Compiler<'s> {
    state: &'s State,
    context: PlanContext<'s>,
    /// Whether triggers fire, and keys that do not fit are errors: DROP TABLE deletes rows without either.
    triggers: bool,
    entries: Vec<Entry>,
}

/// A table that is written, and what is known of its programs.
struct Entry {
    database: DatabaseIndex,
    table: Arc<Table>,
    /// What can happen to it, and for which of that programs are compiled.
    wanted: Events,
    done: Events,
    /// The same for each conflict clause: a trigger has a plan for each of them.
    under: Vec<UnderClause>,
    triggers: Vec<Arc<TriggerPlan>>,
    foreign_keys: Vec<Arc<ForeignKeyPlan>>,
    references: Vec<Arc<ReferencePlan>>,
}

impl Entry {
    /// Whether programs are still to be compiled.
    fn is_open(&self) -> bool {
        self.wanted != self.done || self.under.iter().any(|under| under.wanted != under.done)
    }
}

/// What statements with a conflict clause do to a table.
struct UnderClause {
    conflict: Option<ConflictAction>,
    wanted: Events,
    done: Events,
}

impl Compiler<'_> {
    fn add_write(&mut self, kind: &CompiledKind) {
        let insert = Events {
            insert: true,
            ..Events::default()
        };
        let update = Events {
            update: true,
            ..Events::default()
        };
        let delete = Events {
            delete: true,
            ..Events::default()
        };
        match kind {
            CompiledKind::Query(_) => {}
            CompiledKind::Insert(plan) => {
                let upserts = plan.upserts.iter().any(|upsert| upsert.update.is_some());
                let single = matches!(&plan.source, Node::Values { rows, .. } if rows.len() == 1);
                let insert = Events {
                    many: !single,
                    ..insert
                };
                self.want(&plan.target, plan.conflict, insert);
                if upserts {
                    self.want(&plan.target, Some(ConflictAction::Abort), update);
                }
                if replaces(plan.conflict, &plan.target) {
                    self.want(&plan.target, Some(ConflictAction::Replace), delete);
                }
            }
            CompiledKind::Update(plan) => {
                self.want(&plan.target, plan.conflict, update);
                if replaces(plan.conflict, &plan.target) {
                    self.want(&plan.target, Some(ConflictAction::Replace), delete);
                }
            }
            CompiledKind::Delete(plan) => self.want(&plan.target, None, delete),
        }
    }

    fn want(&mut self, target: &TargetTable, conflict: Option<ConflictAction>, events: Events) {
        let is_it =
            |entry: &&mut Entry| entry.database == target.database && entry.table.name == target.table.name;
        let under = UnderClause {
            conflict,
            wanted: events,
            done: Events::default(),
        };
        match self.entries.iter_mut().find(is_it) {
            Some(entry) => {
                entry.wanted = entry.wanted.union(events);
                match entry.under.iter_mut().find(|own| own.conflict == conflict) {
                    Some(own) => own.wanted = own.wanted.union(events),
                    None => entry.under.push(under),
                }
            }
            None => self.entries.push(Entry {
                database: target.database,
                table: Arc::clone(&target.table),
                wanted: events,
                done: Events::default(),
                under: vec![under],
                triggers: Vec::new(),
                foreign_keys: Vec::new(),
                references: Vec::new(),
            }),
        }
    }

    /// Compiling programs may add tables and events; it ends because there are only so many.
    fn compile_all(&mut self) -> Result<()> {
        while let Some(place) = self.entries.iter().position(Entry::is_open) {
            let entry = &mut self.entries[place];
            let new = entry.wanted.without(entry.done);
            let done = std::mem::replace(&mut entry.done, entry.wanted);
            let (database, table) = (entry.database, Arc::clone(&entry.table));
            for number in 0..entry.under.len() {
                let under = &mut self.entries[place].under[number];
                let (conflict, new) = (under.conflict, under.wanted.without(under.done));
                under.done = under.wanted;
                if self.triggers {
                    self.compile_triggers(place, database, &table, conflict, new)?;
                }
            }
            if self.state.settings.foreign_keys {
                self.compile_foreign_keys(place, database, &table, new, done)?;
            }
        }
        Ok(())
    }

    fn finish(self) -> ProgramSet {
        let tables = self.entries.into_iter().map(|entry| {
            Arc::new(TablePrograms {
                database: entry.database,
                table: entry.table,
                triggers: entry.triggers,
                foreign_keys: entry.foreign_keys,
                references: entry.references,
            })
        });
        ProgramSet {
            tables: tables.collect(),
            recursive_triggers: self.state.settings.recursive_triggers,
            tells_rows: self.state.hooks.watches_rows(),
            tells_changes: self.state.hooks.watches_changes(),
        }
    }

    // ---- triggers --------------------------------------------------------------------------------

    fn compile_triggers(
        &mut self,
        place: usize,
        database: DatabaseIndex,
        table: &Arc<Table>,
        conflict: Option<ConflictAction>,
        events: Events,
    ) -> Result<()> {
        for (home, trigger) in self.context.triggers_on(database, &table.name) {
            let concerned = match trigger.definition.event {
                TriggerEvent::Insert => events.insert,
                TriggerEvent::Update | TriggerEvent::UpdateOf(_) => events.update,
                TriggerEvent::Delete => events.delete,
            };
            if concerned {
                let plan = self.compile_trigger(home, table, trigger, conflict)?;
                self.entries[place].triggers.push(plan);
            }
        }
        self.entries[place]
            .triggers
            .sort_by_key(|plan| std::cmp::Reverse(plan.trigger.order));
        Ok(())
    }

    fn compile_trigger(
        &mut self,
        home: DatabaseIndex,
        table: &Arc<Table>,
        trigger: &Arc<Trigger>,
        conflict: Option<ConflictAction>,
    ) -> Result<Arc<TriggerPlan>> {
        let width = table.columns.len() + 1;
        let (has_old, has_new) = match trigger.definition.event {
            TriggerEvent::Insert => (false, true),
            TriggerEvent::Delete => (true, false),
            TriggerEvent::Update | TriggerEvent::UpdateOf(_) => (true, true),
        };
        let rows = TriggerRows {
            database: home,
            table,
            old: has_old.then_some(Register(0)),
            new: has_new.then_some(Register(width)),
            free: width * 2,
            typed: false,
        };
        let context = PlanContext {
            trigger: Some(rows),
            accessor: Some(&trigger.name),
            ..self.context
        };
        let mut registers = width * 2;
        let condition = match &trigger.definition.condition {
            Some(condition) => Some(value_query(condition, &context, &mut registers)?),
            None => None,
        };
        let mut steps = Vec::with_capacity(trigger.definition.body.len());
        for step in &trigger.definition.body {
            let compiled = plan::compile(&statement_of(step, conflict), &context)?;
            registers = registers.max(compiled.registers);
            self.add_write(&compiled.kind);
            steps.push(compiled.kind);
        }
        let columns = match &trigger.definition.event {
            TriggerEvent::UpdateOf(names) => Some(
                names
                    .iter()
                    .filter_map(|name| table.column(name.as_str()))
                    .collect(),
            ),
            _ => None,
        };
        Ok(Arc::new(TriggerPlan {
            trigger: Arc::clone(trigger),
            conflict,
            columns,
            condition,
            steps,
            registers,
        }))
    }

    // ---- foreign keys ----------------------------------------------------------------------------

    fn compile_foreign_keys(
        &mut self,
        place: usize,
        database: DatabaseIndex,
        table: &Arc<Table>,
        new: Events,
        done: Events,
    ) -> Result<()> {
        if (new.insert || new.update) && !done.insert && !done.update {
            for number in (0..table.foreign_keys.len()).rev() {
                self.ask_to_read_parent(database, table, number)?;
                let plan = self.compile_foreign_key(database, table, number)?;
                self.entries[place].foreign_keys.push(plan);
            }
        }
        if new.insert || new.many {
            self.check_references(database, table, new.many)?;
        }
        if (new.update || new.delete) && !done.update && !done.delete {
            let schema = Arc::clone(&self.state.databases[database].schema);
            let mut children: Vec<&Arc<Table>> = schema.tables.values().collect();
            children.sort_by_key(|child| std::cmp::Reverse(child.root));
            children.dedup_by_key(|child| child.root);
            for child in children {
                for (number, key) in child.foreign_keys.iter().enumerate().rev() {
                    if key.parent.eq_ignore_ascii_case(&table.name) {
                        if !self.triggers && parent_columns(table, child, key).is_err() {
                            continue;
                        }
                        let plan = self.compile_reference(database, table, child, number)?;
                        self.entries[place].references.push(plan);
                    }
                }
            }
        }
        Ok(())
    }

    /// A row that is inserted can only mend keys that wait; these must fit their parent.
    fn check_references(&self, database: DatabaseIndex, table: &Table, many: bool) -> Result<()> {
        for child in self.state.databases[database].schema.tables.values() {
            for key in &child.foreign_keys {
                let waits = many || key.deferred || self.state.settings.defer_foreign_keys;
                if waits && key.parent.eq_ignore_ascii_case(&table.name) {
                    parent_columns(table, child, key)?;
                }
            }
        }
        Ok(())
    }

    /// A check of a key reads the parent's columns. A parent that must not be read has no rows for the key, so nothing could be inserted: that is said
    /// at once.
    fn ask_to_read_parent(&self, database: DatabaseIndex, child: &Table, number: usize) -> Result<()> {
        let Some(authorize) = self.context.authorize else {
            return Ok(());
        };
        let key = &child.foreign_keys[number];
        let parent = self.parent_of(database, key)?;
        for column in parent_columns(&parent, child, key)? {
            let (table, column) = (parent.name.as_str(), parent.columns[column].name.as_str());
            let question = AuthContext {
                action: AuthAction::Read { table, column },
                database: Some(self.context.databases[database].name),
                accessor: self.context.accessor,
            };
            if authorize(question) != Authorization::Allow {
                let message = format!("access to {table}.{column} is prohibited");
                return Err(Error::Auth { message });
            }
        }
        Ok(())
    }

    fn compile_foreign_key(
        &self,
        database: DatabaseIndex,
        child: &Arc<Table>,
        number: usize,
    ) -> Result<Arc<ForeignKeyPlan>> {
        let key = &child.foreign_keys[number];
        let parent = self.parent_of(database, key)?;
        let parent_columns = parent_columns(&parent, child, key)?;
        let width = child.columns.len() + 1;
        let mut registers = 0;
        // The child's value takes the affinity of the parent's column, and the parent's collation decides.
        let terms = key.columns.iter().zip(&parent_columns).map(|(&own, &other)| {
            let (own, other) = (&child.columns[own].name, &parent.columns[other].name);
            format!("{} = +NEW.{}", quote(other), quote(own))
        });
        let find_parent = find(&parent, terms.collect());
        let parent_query = query(&find_parent, &self.seen_as_new(database, child), &mut registers)?;
        let terms = key.columns.iter().zip(&parent_columns).map(|(&own, &other)| {
            let (own, other) = (&child.columns[own].name, &parent.columns[other].name);
            format!("NEW.{} = {}", quote(other), quote(own))
        });
        let find_children = find(child, terms.collect());
        let children = query(
            &find_children,
            &self.seen_as_new(database, &parent),
            &mut registers,
        )?;
        let parent_width = parent.columns.len() + 1;
        Ok(Arc::new(ForeignKeyPlan {
            database,
            child: Arc::clone(child),
            number,
            parent: Some(parent_query),
            parent_key: key.columns.iter().map(|column| width + column).collect(),
            children,
            children_key: parent_columns
                .iter()
                .map(|column| parent_width + column)
                .collect(),
            parent_table: Some(parent),
            registers,
        }))
    }

    /// A key whose parent has gone: its children only.
    fn compile_orphans(
        &self,
        database: DatabaseIndex,
        child: &Arc<Table>,
        number: usize,
    ) -> Result<Arc<ForeignKeyPlan>> {
        let columns = &child.foreign_keys[number].columns;
        let terms = columns.iter().map(|&own| {
            let name = quote(&child.columns[own].name);
            format!("NEW.{name} = {name}")
        });
        let mut registers = 0;
        let find_children = find(child, terms.collect());
        let children = query(&find_children, &self.seen_as_new(database, child), &mut registers)?;
        let width = child.columns.len() + 1;
        Ok(Arc::new(ForeignKeyPlan {
            database,
            child: Arc::clone(child),
            number,
            parent: None,
            parent_key: Vec::new(),
            children,
            children_key: columns.iter().map(|column| width + column).collect(),
            parent_table: None,
            registers,
        }))
    }

    /// A context in which a row of `table` is NEW.
    fn seen_as_new<'c>(&'c self, database: DatabaseIndex, table: &'c Arc<Table>) -> PlanContext<'c> {
        let width = table.columns.len() + 1;
        let rows = TriggerRows {
            database,
            table,
            old: None,
            new: Some(Register(width)),
            free: width * 2,
            typed: true,
        };
        PlanContext {
            trigger: Some(rows),
            authorize: None,
            ..self.context
        }
    }

    fn parent_of(&self, database: DatabaseIndex, key: &ForeignKey) -> Result<Arc<Table>> {
        let database = &self.state.databases[database];
        let found = database.schema.table(&key.parent).cloned();
        found.ok_or_else(|| Error::sql(format!("no such table: {}.{}", database.name, key.parent)))
    }

    fn compile_reference(
        &mut self,
        database: DatabaseIndex,
        parent: &Arc<Table>,
        child: &Arc<Table>,
        number: usize,
    ) -> Result<Arc<ReferencePlan>> {
        let key = &child.foreign_keys[number];
        let parent_columns = parent_columns(parent, child, key)?;
        let plan = self.compile_foreign_key(database, child, number)?;
        let width = parent.columns.len() + 1;
        let rows = TriggerRows {
            database,
            table: parent,
            old: Some(Register(0)),
            new: Some(Register(width)),
            free: width * 2,
            typed: false,
        };
        let context = PlanContext {
            trigger: Some(rows),
            ..self.context
        };
        let mut registers = width * 2;
        let mut steps = [None, None];
        for (place, action) in [key.on_delete, key.on_update].into_iter().enumerate() {
            let Some(sql) = action_text(action, place == 1, (parent, &parent_columns), (child, key)) else {
                continue;
            };
            let compiled = plan::compile(&syntax_of(&sql)?, &context)?;
            registers = registers.max(compiled.registers);
            self.add_write(&compiled.kind);
            steps[place] = Some(compiled.kind);
        }
        Ok(Arc::new(ReferencePlan {
            key: plan,
            parent_columns,
            actions: [key.on_delete, key.on_update],
            steps,
            registers,
        }))
    }
}

fn find(table: &Table, terms: Vec<String>) -> String {
    format!(
        "SELECT 1 FROM {} WHERE {} LIMIT 1",
        quote(&table.name),
        terms.join(" AND ")
    )
}

/// The statement that an action is; `None` for actions that change no child.
fn action_text(
    action: ReferenceAction,
    updates: bool,
    (parent, parent_columns): (&Table, &[usize]),
    (child, key): (&Table, &ForeignKey),
) -> Option<String> {
    let pairs = || key.columns.iter().zip(parent_columns);
    let condition: Vec<String> = pairs()
        .map(|(&own, &other)| {
            format!(
                "OLD.{} = {}",
                quote(&parent.columns[other].name),
                quote(&child.columns[own].name)
            )
        })
        .collect();
    let condition = condition.join(" AND ");
    let table = quote(&child.name);
    let set = |value: &dyn Fn(usize, usize) -> String| {
        let sets: Vec<String> = pairs()
            .map(|(&own, &other)| format!("{} = {}", quote(&child.columns[own].name), value(own, other)))
            .collect();
        format!(
            "UPDATE OR ABORT {table} SET {} WHERE {condition}",
            sets.join(", ")
        )
    };
    match action {
        ReferenceAction::Cascade if updates => Some(set(&|_, other| {
            format!("NEW.{}", quote(&parent.columns[other].name))
        })),
        ReferenceAction::Cascade => Some(format!("DELETE FROM {table} WHERE {condition}")),
        ReferenceAction::SetNull => Some(set(&|_, _| "NULL".to_owned())),
        ReferenceAction::SetDefault => Some(set(&|own, _| match &child.columns[own].default_text {
            Some(text) => format!("({})", &**text),
            None => "NULL".to_owned(),
        })),
        ReferenceAction::Restrict | ReferenceAction::NoAction => None,
    }
}

/// The columns of the parent that a key refers to: those that it names, or the primary key.
///
/// # Errors
/// `foreign key mismatch` when they are not unique together.
fn parent_columns(parent: &Table, child: &Table, key: &ForeignKey) -> Result<Vec<usize>> {
    let mismatch = || {
        Error::sql(format!(
            "foreign key mismatch - \"{}\" referencing \"{}\"",
            child.name, key.parent
        ))
    };
    let columns: Vec<usize> = if key.parent_columns.is_empty() {
        let mut primary: Vec<(usize, usize)> = parent
            .columns
            .iter()
            .enumerate()
            .filter_map(|(number, column)| Some((column.primary_key?, number)))
            .collect();
        primary.sort_unstable();
        primary.into_iter().map(|(_, number)| number).collect()
    } else {
        let named = key.parent_columns.iter().map(|name| parent.column(name));
        named.collect::<Option<_>>().ok_or_else(mismatch)?
    };
    if columns.len() != key.columns.len() || !is_unique(parent, &columns) {
        return Err(mismatch());
    }
    Ok(columns)
}

/// Whether some columns, in any order, are a key of the table by their own collations.
fn is_unique(table: &Table, columns: &[usize]) -> bool {
    if let ([column], Some(alias)) = (columns, table.rowid_alias)
        && *column == alias
    {
        return true;
    }
    let covers = |key: &[crate::catalog::IndexColumn]| {
        key.len() == columns.len()
            && key.iter().all(|own| match own.source {
                crate::catalog::IndexSource::Column(number) => {
                    columns.contains(&number) && own.collation == table.columns[number].collation
                }
                _ => false,
            })
    };
    let primary = table
        .without_rowid
        .as_ref()
        .is_some_and(|primary| covers(&primary.columns));
    primary
        || table
            .indexes
            .iter()
            .any(|index| index.unique.is_some() && index.filter.is_none() && covers(&index.columns))
}

/// Whether a write may remove other rows than its own.
fn replaces(conflict: Option<ConflictAction>, target: &TargetTable) -> bool {
    let table = &target.table;
    let replace = Some(ConflictAction::Replace);
    match conflict {
        Some(_) => conflict == replace,
        None => {
            table.rowid_conflict == replace
                || table
                    .without_rowid
                    .as_ref()
                    .is_some_and(|primary| primary.conflict == replace)
                || table
                    .indexes
                    .iter()
                    .any(|index| index.unique.flatten() == replace)
        }
    }
}

fn statement_of(step: &TriggerStep, conflict: Option<ConflictAction>) -> Statement {
    match step {
        TriggerStep::Insert(insert) => {
            let mut insert = insert.clone();
            insert.or = conflict.or(insert.or);
            Statement::Insert(insert)
        }
        TriggerStep::Update(update) => {
            let mut update = update.clone();
            update.or = conflict.or(update.or);
            Statement::Update(update)
        }
        TriggerStep::Delete(delete) => Statement::Delete(delete.clone()),
        TriggerStep::Select(select) => Statement::Select(select.clone()),
    }
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn syntax_of(sql: &str) -> Result<Statement> {
    Ok(crate::syntax::parse_one(sql.as_bytes())?.statement)
}

fn query(sql: &str, context: &PlanContext<'_>, registers: &mut usize) -> Result<Plan> {
    plan_query(&syntax_of(sql)?, context, registers)
}

/// A query that has the value of an expression as its only row.
fn value_query(expr: &ast::Expr, context: &PlanContext<'_>, registers: &mut usize) -> Result<Plan> {
    let select = ast::Select {
        with: None,
        first: ast::SelectCore::Values(vec![vec![expr.clone()]]),
        compounds: Vec::new(),
        order_by: Vec::new(),
        limit: None,
        span: expr.span,
    };
    let mut context = *context;
    context.settings.lone_expression = true;
    plan_query(&Statement::Select(Box::new(select)), &context, registers)
}

fn plan_query(statement: &Statement, context: &PlanContext<'_>, registers: &mut usize) -> Result<Plan> {
    let compiled = plan::compile(statement, context)?;
    *registers = (*registers).max(compiled.registers);
    match compiled.kind {
        CompiledKind::Query(root) => Ok(Plan {
            root,
            columns: compiled.columns,
        }),
        _ => Err(Error::misuse("a query was expected")),
    }
}
