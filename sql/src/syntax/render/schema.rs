//! `CREATE` statements.

use super::{Writer, conflict_action};
use crate::syntax::ast::{
    Check, ColumnConstraint, ColumnConstraintKind, ColumnDef, ConflictAction, CreateIndex, CreateTable,
    CreateTableBody, CreateTrigger, CreateView, CreateVirtualTable, DefaultValue, Deferrable, ForeignKey,
    Ident, ReferenceAction, TableConstraint, TableConstraintKind, TriggerEvent, TriggerStep, TriggerTime,
};

impl Writer<'_> {
    /// `CREATE [TEMP] what [IF NOT EXISTS] `.
    fn create(&mut self, temporary: bool, what: &str, if_not_exists: bool) {
        self.put(if temporary { "CREATE TEMP " } else { "CREATE " });
        self.put(what);
        self.put(if if_not_exists { " IF NOT EXISTS " } else { " " });
    }

    pub(super) fn create_table(&mut self, create: &CreateTable) {
        self.create(create.temporary, "TABLE", create.if_not_exists);
        self.object_name(&create.name);
        match &create.body {
            CreateTableBody::Select(select) => {
                self.put(" AS ");
                self.select(select);
            }
            CreateTableBody::Columns {
                columns,
                constraints,
                without_rowid,
                strict,
            } => {
                self.put("(");
                self.list(columns, Self::column_def);
                self.put_if(!constraints.is_empty(), ", ");
                self.list(constraints, Self::table_constraint);
                self.put(")");
                self.put_if(*without_rowid, " WITHOUT ROWID");
                self.put_if(*without_rowid && *strict, ",");
                self.put_if(*strict, " STRICT");
            }
        }
    }

    pub(super) fn column_def(&mut self, column: &ColumnDef) {
        self.ident(&column.name);
        if let Some(type_name) = &column.type_name {
            self.put(" ");
            self.put(&type_name.text);
        }
        for constraint in &column.constraints {
            self.put(" ");
            self.column_constraint(constraint);
        }
    }

    fn constraint_name(&mut self, name: Option<&Ident>, nothing_follows: bool) {
        if let Some(name) = name {
            self.put("CONSTRAINT ");
            self.ident(name);
            self.put_if(!nothing_follows, " ");
        }
    }

    fn column_constraint(&mut self, constraint: &ColumnConstraint) {
        use ColumnConstraintKind as K;
        self.constraint_name(constraint.name.as_ref(), matches!(constraint.kind, K::Nothing));
        match &constraint.kind {
            K::PrimaryKey {
                direction,
                on_conflict,
                autoincrement,
            } => {
                self.put("PRIMARY KEY");
                self.direction(*direction);
                self.on_conflict(*on_conflict);
                self.put_if(*autoincrement, " AUTOINCREMENT");
            }
            K::NotNull(action) => self.with_action("NOT NULL", *action),
            K::Null(action) => self.with_action("NULL", *action),
            K::Unique(action) => self.with_action("UNIQUE", *action),
            K::Check(check) => self.check(check),
            K::Default(value) => self.default_value(value),
            K::Collate(collation) => {
                self.put("COLLATE ");
                self.ident(collation);
            }
            K::References(key) => self.foreign_key(key),
            K::Deferrable(deferrable) => self.deferrable(*deferrable),
            K::Generated { expr, storage } => {
                self.put("AS (");
                self.expr(expr);
                self.put(")");
                self.optional(" ", storage.as_ref(), Self::ident);
            }
            K::Nothing => {}
        }
    }

    fn with_action(&mut self, words: &str, action: Option<ConflictAction>) {
        self.put(words);
        self.on_conflict(action);
    }

    pub(super) fn on_conflict(&mut self, action: Option<ConflictAction>) {
        if let Some(action) = action {
            self.put(" ON CONFLICT ");
            self.put(conflict_action(action));
        }
    }

    fn check(&mut self, check: &Check) {
        self.put("CHECK (");
        self.expr(&check.expr);
        self.put(")");
        self.on_conflict(check.on_conflict);
    }

    fn default_value(&mut self, value: &DefaultValue) {
        self.put(if value.parenthesized {
            "DEFAULT ("
        } else {
            "DEFAULT "
        });
        self.expr(&value.expr);
        self.put_if(value.parenthesized, ")");
    }

    fn foreign_key(&mut self, key: &ForeignKey) {
        self.put("REFERENCES ");
        self.ident(&key.table);
        self.ident_list(&key.columns);
        self.reference_action(" ON DELETE ", key.on_delete);
        self.reference_action(" ON UPDATE ", key.on_update);
        self.optional(" MATCH ", key.match_name.as_ref(), Self::ident);
    }

    fn reference_action(&mut self, words: &str, action: Option<ReferenceAction>) {
        let Some(action) = action else { return };
        self.put(words);
        self.put(match action {
            ReferenceAction::SetNull => "SET NULL",
            ReferenceAction::SetDefault => "SET DEFAULT",
            ReferenceAction::Cascade => "CASCADE",
            ReferenceAction::Restrict => "RESTRICT",
            ReferenceAction::NoAction => "NO ACTION",
        });
    }

    fn deferrable(&mut self, deferrable: Deferrable) {
        self.put(if deferrable.negated {
            "NOT DEFERRABLE"
        } else {
            "DEFERRABLE"
        });
        self.put(match deferrable.initially_deferred {
            None => "",
            Some(true) => " INITIALLY DEFERRED",
            Some(false) => " INITIALLY IMMEDIATE",
        });
    }

    pub(super) fn table_constraint(&mut self, constraint: &TableConstraint) {
        use TableConstraintKind as K;
        self.constraint_name(constraint.name.as_ref(), matches!(constraint.kind, K::Nothing));
        match &constraint.kind {
            K::PrimaryKey {
                columns,
                autoincrement,
                on_conflict,
            } => {
                self.put("PRIMARY KEY (");
                self.ordering_terms(columns);
                self.put_if(*autoincrement, " AUTOINCREMENT");
                self.put(")");
                self.on_conflict(*on_conflict);
            }
            K::Unique { columns, on_conflict } => {
                self.put("UNIQUE (");
                self.ordering_terms(columns);
                self.put(")");
                self.on_conflict(*on_conflict);
            }
            K::Check(check) => self.check(check),
            K::ForeignKey {
                columns,
                references,
                deferrable,
            } => {
                self.put("FOREIGN KEY ");
                self.ident_list(columns);
                self.put(" ");
                self.foreign_key(references);
                self.optional(" ", deferrable.as_ref(), |writer, deferrable| {
                    writer.deferrable(*deferrable)
                });
            }
            K::Nothing => {}
        }
    }

    pub(super) fn create_index(&mut self, create: &CreateIndex) {
        self.create(
            false,
            if create.unique { "UNIQUE INDEX" } else { "INDEX" },
            create.if_not_exists,
        );
        self.object_name(&create.name);
        self.put(" ON ");
        self.ident(&create.table);
        self.put("(");
        self.ordering_terms(&create.columns);
        self.put(")");
        self.optional(" WHERE ", create.selection.as_ref(), Self::expr);
    }

    pub(super) fn create_view(&mut self, create: &CreateView) {
        self.create(create.temporary, "VIEW", create.if_not_exists);
        self.object_name(&create.name);
        self.ident_list(&create.columns);
        self.put(" AS ");
        self.select(&create.select);
    }

    pub(super) fn create_trigger(&mut self, create: &CreateTrigger) {
        self.create(create.temporary, "TRIGGER", create.if_not_exists);
        self.object_name(&create.name);
        self.put(match create.time {
            None => "",
            Some(TriggerTime::Before) => " BEFORE",
            Some(TriggerTime::After) => " AFTER",
            Some(TriggerTime::InsteadOf) => " INSTEAD OF",
        });
        match &create.event {
            TriggerEvent::Delete => self.put(" DELETE"),
            TriggerEvent::Insert => self.put(" INSERT"),
            TriggerEvent::Update => self.put(" UPDATE"),
            TriggerEvent::UpdateOf(columns) => {
                self.put(" UPDATE OF ");
                self.idents(columns);
            }
        }
        self.put(" ON ");
        self.object_name(&create.table);
        self.put_if(create.for_each_row, " FOR EACH ROW");
        self.optional(" WHEN ", create.condition.as_ref(), Self::expr);
        self.put(" BEGIN ");
        for step in &create.body {
            self.trigger_step(step);
            self.put("; ");
        }
        self.put("END");
    }

    fn trigger_step(&mut self, step: &TriggerStep) {
        match step {
            TriggerStep::Insert(insert) => self.insert(insert),
            TriggerStep::Update(update) => self.update(update),
            TriggerStep::Delete(delete) => self.delete(delete),
            TriggerStep::Select(select) => self.select(select),
        }
    }

    pub(super) fn create_virtual_table(&mut self, create: &CreateVirtualTable) {
        self.create(false, "VIRTUAL TABLE", create.if_not_exists);
        self.object_name(&create.name);
        self.put(" USING ");
        self.ident(&create.module);
        if !create.arguments.is_empty() {
            self.put("(");
            self.list(&create.arguments, |writer, argument| writer.put(argument));
            self.put(")");
        }
    }
}
