//! What a CREATE TABLE statement means: its columns, keys, constraints and automatic indexes.
//!
//! The same code serves the statement that creates a table and the reading of its text from sqlite_schema, so a table that could be
//! created can be read back. Root pages come from outside: automatic indexes bear [`UNASSIGNED_ROOT`] until they get one.
//!
//! - I1. Constraints are worked on in the order in which they are written; this gives automatic indexes the numbers that
//!   SQLite gives them.
//! - I2. The list of indexes is SQLite's: the newest first, those with ON CONFLICT REPLACE after all others.
//!
//! Expressions (CHECK, DEFAULT, generated columns) are kept as trees. Whether they can be bound is for the binder to say.

use std::sync::Arc;

use aludel_storage::format::PageNo;

use super::constant::{constant_default, is_constant};
use super::environment::Environment;
use super::index::{self, ConstraintIndex};
use super::schema::{Check, Column, ForeignKey, Generated, Index, IndexOrigin, PrimaryTree, Table};
use crate::error::{Error, Result};
use crate::syntax::ast::{
    self, ColumnConstraintKind, ColumnDef, ConflictAction, CreateTable, CreateTableBody, Direction, Ident,
    OrderingTerm, TableConstraintKind, TypeName,
};
use crate::value::{Affinity, Value, apply_affinity};

/// The root of an index whose row of sqlite_schema was not seen yet. No index can have it: page 1 is the schema table's.
pub const UNASSIGNED_ROOT: PageNo = PageNo::ONE;

/// The most columns of a table or index.
pub const COLUMN_COUNT_MAX: usize = 2000;

/// The table that `create` describes, with its tree at `root`. `sql` is the text that sqlite_schema keeps.
///
/// # Errors
/// What SQLite says of a definition that contradicts itself: `duplicate column name: a`, `PRIMARY KEY missing on table t`, ...
pub fn table_of(
    create: &CreateTable,
    sql: &str,
    root: PageNo,
    environment: &Environment<'_>,
) -> Result<Table> {
    let CreateTableBody::Columns {
        columns,
        constraints,
        without_rowid,
        strict,
    } = &create.body
    else {
        return Err(Error::sql("a table's definition lists its columns"));
    };
    let mut builder = Builder::new(create.name.name.as_str(), sql, root, environment);
    builder.table.strict = *strict;
    for column in columns {
        builder.add_column(column)?;
    }
    for constraint in constraints {
        builder.add_constraint(constraint.name.as_ref(), &constraint.kind)?;
    }
    builder.finish(*without_rowid)
}

/// A table under construction.
struct Builder<'a> {
    table: Table,
    /// Automatic indexes in SQLite's order (I2), a WITHOUT ROWID table's primary key among them.
    indexes: Vec<ConstraintIndex>,
    has_primary_key: bool,
    autoincrement: bool,
    /// PRIMARY KEY(x DESC) over an INTEGER column matters only when the table turns out to have no rowid.
    alias_descending: bool,
    environment: &'a Environment<'a>,
}

impl<'a> Builder<'a> {
    fn new(name: &str, sql: &str, root: PageNo, environment: &'a Environment<'a>) -> Builder<'a> {
        let table = Table {
            name: name.to_owned(),
            root,
            columns: Vec::new(),
            rowid_alias: None,
            autoincrement: false,
            without_rowid: None,
            strict: false,
            is_view: false,
            indexes: Vec::new(),
            checks: Vec::new(),
            foreign_keys: Vec::new(),
            rowid_conflict: None,
            row_count: None,
            sql: sql.to_owned(),
            virtual_table: None,
            summary: Default::default(),
        };
        Builder {
            table,
            indexes: Vec::new(),
            has_primary_key: false,
            autoincrement: false,
            alias_descending: false,
            environment,
        }
    }

    // ---- columns ---------------------------------------------------------------------------------

    fn add_column(&mut self, definition: &ColumnDef) -> Result<()> {
        let name = definition.name.as_str();
        if self.table.columns.len() >= self.environment.columns_max {
            return Err(Error::sql(format!("too many columns on {}", self.table.name)));
        }
        if self.table.column(name).is_some() {
            return Err(Error::sql(format!("duplicate column name: {name}")));
        }
        let declared_type = definition.type_name.as_ref().map(TypeName::declared);
        self.table.columns.push(Column {
            name: name.to_owned(),
            affinity: Affinity::of_declared_type(declared_type.as_deref().unwrap_or("")),
            declared_type,
            collation: Default::default(),
            not_null: None,
            default: None,
            default_text: None,
            missing_value: Value::Null,
            generated: None,
            primary_key: None,
            stored_at: None,
            hidden: false,
        });
        let column = self.table.columns.len() - 1;
        let mut constraint_name = None;
        for constraint in &definition.constraints {
            constraint_name = constraint.name.as_ref().or(constraint_name);
            self.add_column_constraint(column, constraint_name, &constraint.kind)?;
        }
        Ok(())
    }

    fn add_column_constraint(
        &mut self,
        column: usize,
        name: Option<&Ident>,
        kind: &ColumnConstraintKind,
    ) -> Result<()> {
        match kind {
            ColumnConstraintKind::PrimaryKey {
                direction,
                on_conflict,
                autoincrement,
            } => {
                let descending = *direction == Some(Direction::Descending);
                self.add_primary_key_column(column, descending, *on_conflict, *autoincrement)
            }
            ColumnConstraintKind::NotNull(conflict) => {
                self.table.columns[column].not_null = Some(*conflict);
                Ok(())
            }
            ColumnConstraintKind::Unique(conflict) => {
                let key = vec![index::column_of(&self.table, column, false)];
                self.add_index(key, *conflict, IndexOrigin::Unique)
            }
            ColumnConstraintKind::Check(check) => {
                self.add_check(name, check);
                Ok(())
            }
            ColumnConstraintKind::Default(default) => self.set_default(column, default),
            ColumnConstraintKind::Collate(collation) => self.set_collation(column, collation.as_str()),
            ColumnConstraintKind::References(references) => {
                self.add_foreign_key(vec![column], references, None, name, true)
            }
            ColumnConstraintKind::Deferrable(deferrable) => {
                if let Some(key) = self.table.foreign_keys.last_mut() {
                    key.deferred = deferrable.is_deferred();
                }
                Ok(())
            }
            ColumnConstraintKind::Generated { expr, storage } => {
                self.set_generated(column, expr, storage.as_ref())
            }
            ColumnConstraintKind::Null(_) | ColumnConstraintKind::Nothing => Ok(()),
        }
    }

    fn set_default(&mut self, column: usize, default: &ast::DefaultValue) -> Result<()> {
        let column = &mut self.table.columns[column];
        if !self.environment.reading && !is_constant(&default.expr) {
            return Err(Error::sql(format!(
                "default value of column [{}] is not constant",
                column.name
            )));
        }
        if column.generated.is_some() {
            return Err(Error::sql("cannot use DEFAULT on a generated column"));
        }
        column.default = Some(default.expr.clone());
        column.default_text = Some((&*default.text).into());
        Ok(())
    }

    /// A collation that stands after UNIQUE or PRIMARY KEY counts for the index that these made.
    fn set_collation(&mut self, column: usize, name: &str) -> Result<()> {
        let collation = self.environment.collation(name)?;
        for index in &mut self.indexes {
            if index.key.len() == 1 && index.is_column(0, column) {
                index.key[0].collation = collation.clone();
            }
        }
        self.table.columns[column].collation = collation;
        Ok(())
    }

    fn set_generated(
        &mut self,
        column: usize,
        expression: &ast::Expr,
        storage: Option<&Ident>,
    ) -> Result<()> {
        let column = &mut self.table.columns[column];
        if column.default.is_some() {
            return Err(generated_column_error(&column.name));
        }
        let stored = match storage {
            None => false,
            Some(word) if word.is("virtual") => false,
            Some(word) if word.is("stored") => true,
            Some(_) => return Err(generated_column_error(&column.name)),
        };
        if column.primary_key.is_some() {
            return Err(generated_primary_key());
        }
        column.generated = Some(Generated {
            expression: expression.clone(),
            stored,
        });
        Ok(())
    }

    // ---- keys ------------------------------------------------------------------------------------

    fn add_primary_key_column(
        &mut self,
        column: usize,
        descending: bool,
        conflict: Option<ConflictAction>,
        autoincrement: bool,
    ) -> Result<()> {
        self.start_primary_key(&[column])?;
        if self.is_integer(column) && !descending {
            self.set_rowid_alias(column, conflict, autoincrement);
            return Ok(());
        }
        if autoincrement {
            return Err(misplaced_autoincrement());
        }
        let key = vec![index::column_of(&self.table, column, descending)];
        self.add_index(key, conflict, IndexOrigin::PrimaryKey)
    }

    fn add_primary_key_list(
        &mut self,
        terms: &[OrderingTerm],
        conflict: Option<ConflictAction>,
        autoincrement: bool,
    ) -> Result<()> {
        let named: Vec<usize> = terms
            .iter()
            .filter_map(|term| index::plain_column(&self.table, &term.expr))
            .collect();
        self.start_primary_key(&named)?;
        if let ([column], 1) = (named.as_slice(), terms.len())
            && self.is_integer(*column)
        {
            self.alias_descending = terms[0].descending();
            self.set_rowid_alias(*column, conflict, autoincrement);
            return index::refuse_nulls_order(terms);
        }
        if autoincrement {
            return Err(misplaced_autoincrement());
        }
        let key = index::constraint_key(&self.table, terms, self.environment)?;
        self.add_index(key, conflict, IndexOrigin::PrimaryKey)
    }

    fn start_primary_key(&mut self, columns: &[usize]) -> Result<()> {
        if self.has_primary_key {
            let message = format!("table \"{}\" has more than one primary key", self.table.name);
            return Err(Error::sql(message));
        }
        self.has_primary_key = true;
        for (position, &column) in columns.iter().enumerate() {
            let column = &mut self.table.columns[column];
            if column.generated.is_some() {
                return Err(generated_primary_key());
            }
            column.primary_key.get_or_insert(position + 1);
        }
        Ok(())
    }

    fn is_integer(&self, column: usize) -> bool {
        let declared = self.table.columns[column].declared_type.as_deref();
        declared.is_some_and(|declared| declared.eq_ignore_ascii_case("INTEGER"))
    }

    fn set_rowid_alias(&mut self, column: usize, conflict: Option<ConflictAction>, autoincrement: bool) {
        self.table.rowid_alias = Some(column);
        self.table.rowid_conflict = conflict;
        self.autoincrement = autoincrement;
    }

    /// Adds the index of a UNIQUE or PRIMARY KEY constraint, unless one over the same columns is there already.
    fn add_index(
        &mut self,
        key: Vec<super::schema::IndexColumn>,
        conflict: Option<ConflictAction>,
        origin: IndexOrigin,
    ) -> Result<()> {
        if let Some(equal) = self.indexes.iter_mut().find(|index| index.has_key(&key)) {
            if let (Some(own), Some(other)) = (equal.conflict, conflict)
                && own != other
            {
                return Err(Error::sql("conflicting ON CONFLICT clauses specified"));
            }
            equal.conflict = equal.conflict.or(conflict);
            if origin == IndexOrigin::PrimaryKey {
                equal.origin = origin;
            }
            return Ok(());
        }
        let name = format!("sqlite_autoindex_{}_{}", self.table.name, self.indexes.len() + 1);
        self.indexes.insert(
            0,
            ConstraintIndex {
                name,
                key,
                conflict,
                origin,
            },
        );
        self.indexes
            .sort_by_key(|index| index.conflict == Some(ConflictAction::Replace));
        Ok(())
    }

    // ---- table constraints -----------------------------------------------------------------------

    fn add_constraint(&mut self, name: Option<&Ident>, kind: &TableConstraintKind) -> Result<()> {
        match kind {
            TableConstraintKind::PrimaryKey {
                columns,
                autoincrement,
                on_conflict,
            } => self.add_primary_key_list(columns, *on_conflict, *autoincrement),
            TableConstraintKind::Unique { columns, on_conflict } => {
                let key = index::constraint_key(&self.table, columns, self.environment)?;
                self.add_index(key, *on_conflict, IndexOrigin::Unique)
            }
            TableConstraintKind::Check(check) => {
                self.add_check(name, check);
                Ok(())
            }
            TableConstraintKind::ForeignKey {
                columns,
                references,
                deferrable,
            } => {
                if !references.columns.is_empty() && references.columns.len() != columns.len() {
                    return Err(self.foreign_key_width(&[], references, false));
                }
                let columns = columns
                    .iter()
                    .map(|column| self.foreign_key_column(column))
                    .collect::<Result<_>>()?;
                self.add_foreign_key(columns, references, *deferrable, name, false)
            }
            TableConstraintKind::Nothing => Ok(()),
        }
    }

    fn add_check(&mut self, name: Option<&Ident>, check: &ast::Check) {
        self.table.checks.push(Check {
            name: name.map(|name| name.text.to_string()),
            expression: check.expr.clone(),
            text: check.text.to_string(),
        });
    }

    fn foreign_key_column(&self, name: &Ident) -> Result<usize> {
        self.table.column(name.as_str()).ok_or_else(|| {
            Error::sql(format!(
                "unknown column \"{}\" in foreign key definition",
                name.as_str()
            ))
        })
    }

    fn add_foreign_key(
        &mut self,
        columns: Vec<usize>,
        references: &ast::ForeignKey,
        deferrable: Option<ast::Deferrable>,
        name: Option<&Ident>,
        in_column: bool,
    ) -> Result<()> {
        if !references.columns.is_empty() && references.columns.len() != columns.len() {
            return Err(self.foreign_key_width(&columns, references, in_column));
        }
        self.table.foreign_keys.push(ForeignKey {
            columns,
            parent: references.table.text.to_string(),
            parent_columns: references
                .columns
                .iter()
                .map(|column| column.text.to_string())
                .collect(),
            on_delete: references.on_delete.unwrap_or(ast::ReferenceAction::NoAction),
            on_update: references.on_update.unwrap_or(ast::ReferenceAction::NoAction),
            deferred: deferrable.is_some_and(ast::Deferrable::is_deferred),
            name: name.map(|name| name.text.to_string()),
        });
        Ok(())
    }

    fn foreign_key_width(&self, columns: &[usize], references: &ast::ForeignKey, in_column: bool) -> Error {
        Error::sql(match columns.first().filter(|_| in_column) {
            Some(&column) => format!(
                "foreign key on {} should reference only one column of table {}",
                self.table.columns[column].name, references.table.text
            ),
            None => "number of columns in foreign key does not match the number of columns in the referenced table"
                .to_owned(),
        })
    }

    // ---- the end ---------------------------------------------------------------------------------

    fn finish(mut self, without_rowid: bool) -> Result<Table> {
        if self.table.strict {
            self.check_strict_types()?;
        }
        if self.table.columns.iter().all(|column| column.generated.is_some()) {
            return Err(Error::sql("must have at least one non-generated column"));
        }
        self.require_primary_keys(without_rowid);
        if without_rowid {
            self.cluster()?;
        } else {
            self.table.autoincrement = self.autoincrement;
            self.number_stored_columns();
        }
        for index in std::mem::take(&mut self.indexes) {
            let index = index.into_index(&self.table, self.environment);
            self.table.indexes.push(Arc::new(index));
        }
        self.set_missing_values();
        Ok(self.table)
    }

    fn check_strict_types(&mut self) -> Result<()> {
        for column in &mut self.table.columns {
            let Some(declared) = column
                .declared_type
                .as_deref()
                .filter(|declared| !declared.is_empty())
            else {
                let message = format!("missing datatype for {}.{}", self.table.name, column.name);
                return Err(Error::sql(message));
            };
            let Some(strict) = StrictType::of(declared) else {
                let message = format!(
                    "unknown datatype for {}.{}: \"{}\"",
                    self.table.name, column.name, declared
                );
                return Err(Error::sql(message));
            };
            if strict == StrictType::Any {
                column.affinity = Affinity::Blob;
            }
        }
        Ok(())
    }

    /// Primary keys of STRICT and WITHOUT ROWID tables are NOT NULL without saying so.
    fn require_primary_keys(&mut self, without_rowid: bool) {
        if !without_rowid && !self.table.strict {
            return;
        }
        let alias = self.table.rowid_alias.filter(|_| !without_rowid);
        for (position, column) in self.table.columns.iter_mut().enumerate() {
            if column.primary_key.is_some() && alias != Some(position) {
                column.not_null.get_or_insert(None);
            }
        }
    }

    /// Makes the primary key the key of the table's own tree.
    fn cluster(&mut self) -> Result<()> {
        if self.autoincrement {
            return Err(Error::sql("AUTOINCREMENT not allowed on WITHOUT ROWID tables"));
        }
        if !self.has_primary_key {
            return Err(Error::sql(format!(
                "PRIMARY KEY missing on table {}",
                self.table.name
            )));
        }
        if let Some(column) = self.table.rowid_alias.take() {
            let key = vec![index::column_of(&self.table, column, self.alias_descending)];
            let conflict = self.table.rowid_conflict.take();
            self.add_index(key, conflict, IndexOrigin::PrimaryKey)?;
        }
        let position = self
            .indexes
            .iter()
            .position(|index| index.origin == IndexOrigin::PrimaryKey);
        let Some(position) = position else {
            return Err(Error::sql(format!(
                "PRIMARY KEY missing on table {}",
                self.table.name
            )));
        };
        let primary = self.indexes.remove(position);
        self.table.without_rowid = Some(self.primary_tree(primary, self.indexes.len() - position));
        Ok(())
    }

    fn primary_tree(&mut self, primary: ConstraintIndex, behind: usize) -> PrimaryTree {
        let mut columns: Vec<super::schema::IndexColumn> = Vec::with_capacity(primary.key.len());
        for column in primary.key {
            if !columns.iter().any(|earlier| index::same_column(earlier, &column)) {
                columns.push(column);
            }
        }
        let mut stored: Vec<usize> = columns.iter().filter_map(index::column_number).collect();
        let key_count = stored.len();
        for (number, column) in self.table.columns.iter().enumerate() {
            let virtual_column = column
                .generated
                .as_ref()
                .is_some_and(|generated| !generated.stored);
            if !virtual_column && !stored.contains(&number) {
                stored.push(number);
            }
        }
        for (place, &column) in stored.iter().enumerate().rev() {
            self.table.columns[column].stored_at = Some(place);
        }
        let order = Arc::new(self.environment.key_order(columns.iter()));
        PrimaryTree {
            name: primary.name,
            behind,
            columns,
            stored,
            key_count,
            order,
            conflict: primary.conflict,
        }
    }

    /// A rowid table's record holds all columns but the virtual ones; the alias is there as a NULL.
    fn number_stored_columns(&mut self) {
        let mut next = 0;
        for (number, column) in self.table.columns.iter_mut().enumerate() {
            if column
                .generated
                .as_ref()
                .is_some_and(|generated| !generated.stored)
            {
                continue;
            }
            if self.table.rowid_alias != Some(number) {
                column.stored_at = Some(next);
            }
            next += 1;
        }
    }

    fn set_missing_values(&mut self) {
        for column in &mut self.table.columns {
            if let Some(mut value) = column.default.as_ref().and_then(constant_default) {
                apply_affinity(&mut value, column.affinity);
                column.missing_value = value;
            }
        }
    }
}

/// The types that columns of a STRICT table can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrictType {
    /// INT, INTEGER.
    Integer,
    /// REAL.
    Real,
    /// TEXT.
    Text,
    /// BLOB.
    Blob,
    /// ANY.
    Any,
}

impl StrictType {
    /// From the declared type, which has to be one of the six names.
    pub fn of(declared: &str) -> Option<StrictType> {
        let types = [
            ("ANY", StrictType::Any),
            ("BLOB", StrictType::Blob),
            ("INT", StrictType::Integer),
            ("INTEGER", StrictType::Integer),
            ("REAL", StrictType::Real),
            ("TEXT", StrictType::Text),
        ];
        types
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(declared))
            .map(|(_, strict)| *strict)
    }
}

/// The automatic indexes of `table`, oldest first: the order in which their trees are made.
pub fn automatic_indexes(table: &Table) -> Vec<Arc<Index>> {
    let mut automatic: Vec<_> = table
        .indexes
        .iter()
        .filter(|index| index.sql.is_none())
        .cloned()
        .collect();
    let number = |index: &Index| {
        index
            .name
            .rsplit('_')
            .next()
            .and_then(|digits| digits.parse::<usize>().ok())
    };
    automatic.sort_by_key(|index| number(index));
    automatic
}

fn misplaced_autoincrement() -> Error {
    Error::sql("AUTOINCREMENT is only allowed on an INTEGER PRIMARY KEY")
}

fn generated_primary_key() -> Error {
    Error::sql("generated columns cannot be part of the PRIMARY KEY")
}

fn generated_column_error(column: &str) -> Error {
    Error::sql(format!("error in generated column \"{column}\""))
}
