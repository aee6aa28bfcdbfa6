//! ALTER TABLE: the texts in sqlite_schema change, and with DROP COLUMN the rows.

use std::sync::Arc;

use smallvec::SmallVec;

use aludel_storage::btree::{BulkBuilder, IndexCursor, TableCursor, TreeKind, clear_tree};
use aludel_storage::format::PageNo;
use aludel_storage::format::ValueRef;
use aludel_storage::format::record::{self, RecordView};

use super::Definer;
use super::drop::TEMP;
use super::words::{next_word, previous_word};
use crate::catalog::{SchemaRow, Table, constant_default, encode_text, utf8_of};
use crate::connection::{Limit, State};
use crate::error::{ConstraintKind, Error, Result};
use crate::exec::RecordLog;
use crate::exec::write::Failure;
use crate::plan;
use crate::syntax::ast::{
    self, AlterAction, AlterTable, ColumnConstraintKind, ColumnDef, CreateTableBody, Ident, Statement,
};
use crate::value::{Text, Value};

impl Definer<'_> {
    pub(super) fn alter_table(&mut self, alter: &AlterTable) -> Result<(), Failure> {
        let (database, table) = self.alterable(alter)?;
        let action = &alter.action;
        let (text, parameters, interrupt) = (self.sql, self.parameters, self.interrupt);
        let temporary = matches!(
            action,
            AlterAction::RenameTo(_) | AlterAction::RenameColumn { .. } | AlterAction::DropColumn(_)
        ) && self.concerns_temporary(database);
        let mut databases = vec![database];
        databases.extend(temporary.then_some(TEMP));
        self.state.change_all(&databases, |state| {
            let mut definer = Definer {
                state,
                sql: text,
                parameters,
                interrupt,
            };
            definer.alter_texts(database, &table, action)?;
            let shown = match action {
                AlterAction::RenameTo(to) => format!("{} after rename", to.as_str()),
                _ => format!("{} after change", table.name),
            };
            definer.reload(database, &shown)?;
            if temporary {
                definer.reload(TEMP, &shown)?;
            }
            definer.check_altered(database, &table, action)
        })
    }

    /// The table that is meant, if it may be changed that way.
    fn alterable(&mut self, alter: &AlterTable) -> Result<(usize, Arc<Table>)> {
        let name = alter.table.name.as_str();
        let order = self.search_order(&alter.table)?;
        let found = order
            .into_iter()
            .find(|&number| self.find_relation(number, name).is_some());
        let Some(database) = found else {
            self.state.connect_named(None, name)?;
            let message = match (self.state.connected_eponymous(name), &alter.action) {
                (Some(_), AlterAction::AddColumn(_)) => "virtual tables may not be altered".to_owned(),
                (Some(table), _) => format!("table {} may not be altered", table.name),
                (None, _) => format!("no such table: {}", shown_name(&alter.table)),
            };
            return Err(Error::sql(message));
        };
        self.state.connect_named(Some(database), name)?;
        let schema = Arc::clone(&self.state.databases[database].schema);
        let Some(table) = schema.table(name).cloned() else {
            return Err(Error::sql(refusal(&alter.action, "view", name)));
        };
        if name
            .get(..7)
            .is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
        {
            return Err(Error::sql(format!("table {} may not be altered", table.name)));
        }
        match &alter.action {
            AlterAction::RenameTo(_) => Ok((database, table)),
            action if table.is_virtual() => Err(Error::sql(refusal(action, "virtual table", &table.name))),
            _ => Ok((database, table)),
        }
    }

    /// Changes the rows of the schema, and those of the table where they change with it.
    fn alter_texts(&mut self, database: usize, table: &Arc<Table>, action: &AlterAction) -> Result<()> {
        match action {
            AlterAction::RenameTo(to) => {
                self.rename_table(database, table, to)?;
                self.check_texts(database, "after rename")
            }
            AlterAction::RenameColumn { from, to } => self.rename_column(database, table, from, to),
            AlterAction::AddColumn(column) => {
                self.add_column(database, table, column)?;
                self.check_texts(database, "after add column")
            }
            AlterAction::DropColumn(column) => self.drop_column(database, table, column),
            AlterAction::AddConstraint(constraint) => self.add_constraint(database, table, constraint),
            AlterAction::DropConstraint(name) => self.drop_constraint(database, table, name),
            AlterAction::SetNotNull { column, span, .. } => self.set_not_null(database, table, column, *span),
            AlterAction::DropNotNull(column) => self.drop_not_null(database, table, column),
        }
    }

    /// Whether the schema still means something.
    fn check_altered(&mut self, database: usize, table: &Table, action: &AlterAction) -> Result<()> {
        match action {
            AlterAction::RenameTo(_) | AlterAction::RenameColumn { .. } => {
                self.recheck(database, "after rename")
            }
            AlterAction::AddColumn(column) => {
                self.check_rules(database, &table.name, "after add column")?;
                self.check_added(database, table, column)
            }
            AlterAction::DropColumn(_) => {
                self.recheck(database, "after drop column")?;
                self.check_rules(database, &table.name, "after drop column")
            }
            _ => Ok(()),
        }
    }

    /// Whether the checks, computed columns and indexes of a table still find their columns.
    fn check_rules(&self, database: usize, table: &str, when: &str) -> Result<()> {
        let state = &*self.state;
        let Some(table) = state.databases[database].schema.table(table) else {
            return Ok(());
        };
        state
            .with_plan_context(|context| plan::target_table(database, table, context))
            .map(drop)
            .map_err(|error| Error::sql(format!("error in table {} {when}: {error}", table.name)))
    }

    /// The schema is read again as a whole: a definition that no longer fits is an error, and the statement is undone.
    fn reload(&mut self, database: usize, shown: &str) -> Result<()> {
        let State {
            databases,
            collations,
            schema_version,
            ..
        } = &mut *self.state;
        let database = &mut databases[database];
        database
            .pager
            .update_header(|header| header.schema_cookie = header.schema_cookie.wrapping_add(1))?;
        *schema_version += 1;
        database.reload_schema(collations).map_err(|error| match error {
            Error::Corrupt { message } => {
                let reason = message.split_once(") - ").map_or(&*message, |(_, reason)| reason);
                Error::sql(format!("error in table {shown}: {reason}"))
            }
            error => error,
        })
    }

    // ---- rows of the schema ----------------------------------------------------------------------

    /// Lets `change` work on each row of sqlite_schema: its type, and the rest.
    pub(super) fn rewrite_rows(
        &mut self,
        database: usize,
        mut change: impl FnMut(&str, &mut SchemaRow),
    ) -> Result<()> {
        let database = &mut self.state.databases[database];
        let encoding = database.encoding();
        let mut cursor = TableCursor::new(PageNo::ONE);
        let mut spill = Vec::new();
        let mut more = cursor.first(&database.pager)?;
        while more {
            let rowid = cursor.rowid();
            let payload = cursor.payload(&database.pager, &mut spill)?.to_vec();
            let values: Vec<Value> = RecordView::parse(&payload)?
                .columns()
                .map(|value| {
                    Ok(match value? {
                        ValueRef::Text(text) => Value::Text(Text::from_bytes(utf8_of(text, encoding))),
                        value => Value::from(value),
                    })
                })
                .collect::<Result<_>>()?;
            let before = SchemaRow::from_values(values.iter().cloned());
            let mut row = before.clone();
            if let Some(Value::Text(kind)) = values.first() {
                change(&kind.to_string_lossy(), &mut row);
            }
            if row != before {
                let new = [
                    values.first().cloned().unwrap_or_default(),
                    text(row.name),
                    text(row.table),
                ];
                // A text that stays keeps its bytes, also those that are no UTF-8.
                let sql = if row.sql == before.sql {
                    values.get(4).cloned().unwrap_or_default()
                } else {
                    text(row.sql)
                };
                let tail = [row.root.map_or(Value::Null, Value::Integer), sql];
                let stored: Vec<Value> = new
                    .into_iter()
                    .chain(tail)
                    .map(|value| encoded(value, encoding))
                    .collect();
                let stored: Vec<ValueRef<'_>> = stored.iter().map(Value::as_ref).collect();
                cursor.insert_values(&mut database.pager, rowid, &stored)?;
            }
            more = cursor.next(&database.pager)?;
        }
        Ok(())
    }

    // ---- ADD COLUMN ------------------------------------------------------------------------------

    fn add_column(&mut self, database: usize, table: &Table, column: &ColumnDef) -> Result<()> {
        if table.columns.len() >= self.state.limits.get(Limit::Column) {
            return Err(Error::sql(format!(
                "too many columns on sqlite_altertab_{}",
                table.name
            )));
        }
        self.refuse_added(database, table, column)?;
        let definition = self.text_of(column.span);
        let (last, _) = last_columns(&table.sql)?;
        let place = next_word(&table.sql, last.end as usize);
        let (Some(head), Some(tail)) = (table.sql.get(..place), table.sql.get(place..)) else {
            return Err(Error::Corrupt {
                message: format!("malformed database schema ({})", table.name),
            });
        };
        let sql = format!("{head}, {}{tail}", definition.trim_end());
        self.set_table_text(database, &table.name, &sql)
    }

    fn refuse_added(&self, database: usize, table: &Table, column: &ColumnDef) -> Result<()> {
        let (mut not_null, mut generated) = (false, false);
        let mut default = None;
        let mut references = false;
        for constraint in &column.constraints {
            match &constraint.kind {
                ColumnConstraintKind::PrimaryKey { .. } => {
                    return Err(Error::sql("Cannot add a PRIMARY KEY column"));
                }
                ColumnConstraintKind::Unique(_) => return Err(Error::sql("Cannot add a UNIQUE column")),
                ColumnConstraintKind::NotNull(_) => not_null = true,
                ColumnConstraintKind::Default(value) => default = Some(value),
                ColumnConstraintKind::References(_) => references = true,
                ColumnConstraintKind::Generated {
                    storage: Some(word), ..
                } if word.is("stored") => {
                    return Err(Error::sql("cannot add a STORED column"));
                }
                ColumnConstraintKind::Generated { .. } => generated = true,
                _ => {}
            }
        }
        if table.column(column.name.as_str()).is_some() {
            return Err(Error::sql(format!(
                "duplicate column name: {}",
                column.name.as_str()
            )));
        }
        let constant = default.map(|default| constant_default(&default.expr));
        let is_null = constant
            .as_ref()
            .is_none_or(|value| matches!(value, Some(Value::Null)));
        if references && self.state.settings.foreign_keys && !is_null {
            return Err(Error::sql(
                "Cannot add a REFERENCES column with non-NULL default value",
            ));
        }
        let refused = match constant {
            Some(None) => "Cannot add a column with non-constant default",
            _ if not_null && is_null && !generated => "Cannot add a NOT NULL column with default value NULL",
            _ => return Ok(()),
        };
        // What rows that are there would hold only matters if there are some.
        let pager = &self.state.databases[database].pager;
        let has_rows = match &table.without_rowid {
            None => TableCursor::new(table.root).first(pager)?,
            Some(primary) => IndexCursor::new(table.root, Arc::clone(&primary.order)).first(pager)?,
        };
        if has_rows {
            Err(Error::sql(refused))
        } else {
            Ok(())
        }
    }

    /// The rows that are there keep the constraints of the new column.
    fn check_added(&mut self, database: usize, table: &Table, column: &ColumnDef) -> Result<()> {
        let has = |wanted: fn(&ColumnConstraintKind) -> bool| {
            column
                .constraints
                .iter()
                .any(|constraint| wanted(&constraint.kind))
        };
        let checks = has(|kind| matches!(kind, ColumnConstraintKind::Check(_)));
        let computed = has(|kind| matches!(kind, ColumnConstraintKind::Generated { .. }));
        let never_null = computed && has(|kind| matches!(kind, ColumnConstraintKind::NotNull(_)));
        if !checks && !never_null && !table.strict {
            return Ok(());
        }
        let findings = self.state.quick_check(database, &table.name, self.interrupt)?;
        for finding in findings {
            if computed && finding.starts_with("non-") {
                return Err(Error::constraint(ConstraintKind::Datatype, "constraint failed"));
            }
            let message = match () {
                () if finding.starts_with("CHECK") => "CHECK constraint failed",
                () if finding.starts_with("non-") => "type mismatch on DEFAULT",
                () if finding.starts_with("NULL") => "NOT NULL constraint failed",
                () => continue,
            };
            return Err(Error::sql(message));
        }
        Ok(())
    }

    pub(super) fn set_table_text(&mut self, database: usize, table: &str, sql: &str) -> Result<()> {
        self.rewrite_rows(database, |kind, row| {
            if kind == "table"
                && row
                    .name
                    .as_deref()
                    .is_some_and(|name| name.eq_ignore_ascii_case(table))
            {
                row.sql = Some(sql.to_owned());
            }
        })
    }

    // ---- DROP COLUMN -----------------------------------------------------------------------------

    fn drop_column(&mut self, database: usize, table: &Arc<Table>, name: &Ident) -> Result<()> {
        let Some(column) = table.column(name.as_str()) else {
            return Err(Error::sql(format!("no such column: \"{}\"", name.as_str())));
        };
        let shown = &table.columns[column].name;
        let in_constraint = table
            .indexes
            .iter()
            .any(|index| index.sql.is_none() && index.columns.len() == 1 && is_over(index, column));
        if table.columns[column].primary_key.is_some() || in_constraint {
            let kind = if table.columns[column].primary_key.is_some() {
                "PRIMARY KEY"
            } else {
                "UNIQUE"
            };
            return Err(Error::sql(format!("cannot drop {kind} column: \"{shown}\"")));
        }
        if table.columns.len() == 1 {
            return Err(Error::sql(format!(
                "cannot drop column \"{shown}\": no other columns exist"
            )));
        }
        self.check_texts(database, "")?;
        self.recheck(database, "")?;
        if let Some(index) = table
            .indexes
            .iter()
            .find(|index| index.sql.is_some() && is_over(index, column))
        {
            return Err(Error::sql(format!(
                "error in index {} after drop column: no such column: {shown}",
                index.name
            )));
        }
        self.mend_quotes(database, table)?;
        let sql = without_column(&self.text_of_table(database, table)?, column)?;
        self.set_table_text(database, &table.name, &sql)?;
        match table.columns[column].stored_at {
            Some(place) => self.rewrite_records(database, table, place),
            None => Ok(()),
        }
    }

    /// The text of a table as the schema table has it now.
    fn text_of_table(&self, database: usize, table: &Table) -> Result<String> {
        let mut sql = None;
        self.each_text(database, |text| {
            if text.kind == "table" && text.name.eq_ignore_ascii_case(&table.name) {
                sql = text.sql;
            }
            Ok(())
        })?;
        Ok(sql.unwrap_or_else(|| table.sql.clone()))
    }

    /// Takes the value at `place` out of every record; the tree is built anew in its order.
    fn rewrite_records(&mut self, database: usize, table: &Table, place: usize) -> Result<()> {
        let budget = self.state.session.memory_budget_bytes / 4;
        let pager = &mut self.state.databases[database].pager;
        let mut rows = RecordLog::new(budget);
        let mut spill = Vec::new();
        let shorten = |payload: &[u8]| -> Result<Vec<u8>> {
            let values: SmallVec<[ValueRef<'_>; 16]> =
                RecordView::parse(payload)?.columns().collect::<Result<_, _>>()?;
            let kept = values.iter().enumerate().filter(|(own, _)| *own != place);
            let kept: SmallVec<[ValueRef<'_>; 16]> = kept.map(|(_, value)| *value).collect();
            let mut out = Vec::new();
            record::encode(&kept, &mut out);
            Ok(out)
        };
        let kind = match &table.without_rowid {
            None => {
                let mut cursor = TableCursor::new(table.root);
                let mut more = cursor.first(pager)?;
                while more {
                    rows.push(cursor.rowid(), &shorten(cursor.payload(pager, &mut spill)?)?)?;
                    more = cursor.next(pager)?;
                }
                TreeKind::Table
            }
            Some(primary) => {
                let mut cursor = IndexCursor::new(table.root, Arc::clone(&primary.order));
                let mut more = cursor.first(pager)?;
                while more {
                    rows.push(0, &shorten(cursor.payload(pager, &mut spill)?)?)?;
                    more = cursor.next(pager)?;
                }
                TreeKind::Index
            }
        };
        clear_tree(pager, table.root, kind)?;
        let mut builder = BulkBuilder::new(pager, table.root, kind)?;
        rows.visit(|rowid, payload| match kind {
            TreeKind::Table => Ok(builder.push_row(pager, rowid, payload)?),
            TreeKind::Index => Ok(builder.push_record(pager, payload)?),
        })?;
        Ok(builder.finish(pager)?)
    }
}

/// Why a view or a virtual table is not changed.
fn refusal(action: &AlterAction, kind: &str, name: &str) -> String {
    let what = match (action, kind) {
        (AlterAction::RenameTo(_), _) => return format!("view {name} may not be altered"),
        (AlterAction::AddColumn(_), "view") => return "Cannot add a column to a view".to_owned(),
        (AlterAction::AddColumn(_), _) => return "virtual tables may not be altered".to_owned(),
        (AlterAction::RenameColumn { .. }, _) => "rename columns of",
        (AlterAction::DropColumn(_), _) => "drop column from",
        _ => "edit constraints of",
    };
    format!("cannot {what} {kind} \"{name}\"")
}

fn shown_name(name: &ast::ObjectName) -> String {
    match &name.schema {
        Some(schema) => format!("{schema}.{}", name.name),
        None => name.name.to_string(),
    }
}

fn is_over(index: &crate::catalog::Index, column: usize) -> bool {
    index
        .columns
        .iter()
        .any(|own| matches!(own.source, crate::catalog::IndexSource::Column(number) if number == column))
}

/// The spans of the last column of a CREATE TABLE, and of all of them.
fn last_columns(sql: &str) -> Result<(ast::Span, Vec<ast::Span>)> {
    let Statement::CreateTable(create) = crate::syntax::parse_one(sql.as_bytes())?.statement else {
        return Err(Error::sql("a table's definition was expected"));
    };
    let CreateTableBody::Columns { columns, .. } = create.body else {
        return Err(Error::sql("a table's definition lists its columns"));
    };
    let spans: Vec<ast::Span> = columns.iter().map(|column| column.span).collect();
    let last = spans.last().copied().unwrap_or_default();
    Ok((last, spans))
}

/// The definition without a column: up to the next one, or from the comma before the last.
fn without_column(sql: &str, column: usize) -> Result<String> {
    let (last, spans) = last_columns(sql)?;
    let (start, end) = match (spans.get(column), spans.get(column + 1)) {
        (Some(own), Some(next)) => (own.start as usize, next.start as usize),
        (Some(own), None) => (
            previous_word(sql, own.start as usize),
            next_word(sql, last.end as usize),
        ),
        _ => return Err(Error::sql("no such column")),
    };
    let (Some(head), Some(tail)) = (sql.get(..start), sql.get(end..)) else {
        return Err(Error::sql("no such column"));
    };
    Ok(format!("{head}{tail}"))
}

fn text(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::from)
}

fn encoded(value: Value, encoding: aludel_storage::format::TextEncoding) -> Value {
    match value {
        Value::Text(text) if encoding != aludel_storage::format::TextEncoding::Utf8 => {
            let mut bytes = Vec::new();
            encode_text(text.as_bytes(), encoding, &mut bytes);
            Value::Text(Text::from_bytes(bytes))
        }
        value => value,
    }
}
