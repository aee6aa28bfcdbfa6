//! CREATE and DROP, written for a dialect.

use super::{ColumnDefault, Deferrable, ForeignKey, Index, IndexTerm, Table, TableColumn, Unique, View};
use crate::dialect::{Comments, CompileError, Dialect, Feature, NativeEnums, push_quoted};
use crate::mapper::ReferenceAction;
use crate::types::{Kind, NativeEnum};

impl Table {
    /// The statement that creates the table, one line for each column and constraint.
    ///
    /// ```
    /// use aludel::prelude::*;
    /// use aludel::dialect::Sqlite;
    ///
    /// #[derive(Entity)]
    /// #[entity(table = "users")]
    /// struct User {
    ///     #[column(primary_key)]
    ///     id: Id<User>,
    ///     #[column(unique)]
    ///     name: String,
    ///     email: Option<String>,
    /// }
    ///
    /// let sql = aludel::schema::Table::of::<User>().create_sql(&Sqlite, false).unwrap();
    /// assert_eq!(
    ///     sql,
    ///     "CREATE TABLE users (\n  id INTEGER PRIMARY KEY,\n  name TEXT NOT NULL UNIQUE,\n  email TEXT\n)"
    /// );
    /// ```
    ///
    /// # Errors
    /// Where the dialect has no words for a part of it.
    pub fn create_sql(&self, dialect: &dyn Dialect, if_not_exists: bool) -> Result<String, CompileError> {
        self.create_sql_without(dialect, if_not_exists, &[])
    }

    /// The same, but for the foreign keys to those tables, which do not exist yet.
    pub(crate) fn create_sql_without(
        &self,
        dialect: &dyn Dialect,
        if_not_exists: bool,
        missing: &[&str],
    ) -> Result<String, CompileError> {
        let start = if if_not_exists {
            "CREATE TABLE IF NOT EXISTS "
        } else {
            "CREATE TABLE "
        };
        let mut sql = Ddl::new(dialect, start);
        sql.name(&self.name)?;
        self.push_body(&mut sql, missing)?;
        if if_not_exists && !dialect.supports(Feature::IndexIfNotExists) {
            // By themselves they would be there twice.
            for index in &self.indexes {
                sql.item();
                sql.push(if index.unique { "UNIQUE INDEX " } else { "INDEX " });
                sql.name(&index.name)?;
                sql.push(" ");
                sql.index_parts(index)?;
            }
        }
        sql.push("\n)");
        self.push_options(&mut sql);
        Ok(sql.text)
    }

    /// Columns and constraints, without the parenthesis that ends them.
    fn push_body(&self, sql: &mut Ddl<'_>, missing: &[&str]) -> Result<(), CompileError> {
        sql.push(" (");
        for column in &self.columns {
            sql.item();
            sql.column(self, column)?;
        }
        if self.auto_key().is_none() && !self.primary_key.is_empty() {
            sql.item();
            sql.push("PRIMARY KEY ");
            sql.names(&self.primary_key)?;
        }
        for unique in self.uniques.iter().filter(|unique| !is_inline(unique)) {
            sql.item();
            sql.unique(unique)?;
        }
        for check in &self.checks {
            sql.item();
            sql.constraint_name(check.name.as_deref())?;
            sql.push(&format!("CHECK ({})", check.sql));
        }
        for key in &self.foreign_keys {
            if !missing.contains(&key.table.as_str()) {
                sql.item();
                sql.foreign_key(key)?;
            }
        }
        Ok(())
    }

    fn push_options(&self, sql: &mut Ddl<'_>) {
        let options = [(self.without_rowid, "WITHOUT ROWID"), (self.strict, "STRICT")];
        let options: Vec<&str> = options
            .into_iter()
            .filter(|(on, _)| *on)
            .map(|(_, name)| name)
            .collect();
        if sql.dialect.name() == "sqlite" && !options.is_empty() {
            sql.push(&format!(" {}", options.join(", ")));
        }
        if let (Comments::Inline, Some(comment)) = (sql.dialect.comments(), &self.comment) {
            sql.push(" COMMENT ");
            sql.text(comment);
        }
    }

    /// The statements that set the comments, where they are statements.
    pub(crate) fn comment_sql(&self, dialect: &dyn Dialect) -> Result<Vec<String>, CompileError> {
        let mut all = Vec::new();
        if dialect.comments() != Comments::Apart {
            return Ok(all);
        }
        if self.comment.is_some() {
            all.push(comment_on(dialect, &self.name, None, self.comment.as_deref())?);
        }
        for column in self.columns.iter().filter(|column| column.comment.is_some()) {
            all.push(comment_on(
                dialect,
                &self.name,
                Some(&column.name),
                column.comment.as_deref(),
            )?);
        }
        Ok(all)
    }

    /// The statement that drops the table.
    ///
    /// # Errors
    /// Where its name cannot be one.
    pub fn drop_sql(&self, dialect: &dyn Dialect, if_exists: bool) -> Result<String, CompileError> {
        let start = if if_exists {
            "DROP TABLE IF EXISTS "
        } else {
            "DROP TABLE "
        };
        let mut sql = Ddl::new(dialect, start);
        sql.name(&self.name)?;
        Ok(sql.text)
    }

    /// The statement that adds a foreign key to the table as it is.
    pub(crate) fn add_foreign_key_sql(
        &self,
        dialect: &dyn Dialect,
        key: &ForeignKey,
    ) -> Result<String, CompileError> {
        let mut sql = Ddl::new(dialect, "ALTER TABLE ");
        sql.name(&self.name)?;
        sql.push(" ADD ");
        sql.foreign_key(key)?;
        Ok(sql.text)
    }

    /// How the column is declared: its type, with its collation.
    pub(crate) fn declared_type(&self, column: &TableColumn, dialect: &dyn Dialect) -> String {
        let declared = match &column.sql_type {
            Some(declared) => declared.as_str().into(),
            None if self.strict => dialect.strict_type_name(column.kind),
            None if self.is_keyed(&column.name) => dialect.key_type_name(column.kind),
            None => dialect.type_name(column.kind),
        };
        match &column.collation {
            Some(collation) => dialect.with_collation(&declared, collation),
            None => declared.into_owned(),
        }
    }

    /// A column's definition, as in CREATE TABLE.
    ///
    /// # Errors
    /// Where the dialect has no words for a part of it.
    pub fn column_sql(&self, column: &TableColumn, dialect: &dyn Dialect) -> Result<String, CompileError> {
        let mut sql = Ddl::new(dialect, "");
        sql.column(self, column)?;
        Ok(sql.text)
    }

    fn is_unique_inline(&self, column: &str) -> bool {
        self.uniques
            .iter()
            .any(|unique| is_inline(unique) && unique.columns == [column])
    }
}

/// A constraint of one column that needs no name stands with its column.
fn is_inline(unique: &Unique) -> bool {
    unique.name.is_none() && unique.columns.len() == 1
}

/// `COMMENT ON TABLE t IS 'text'`; no text takes the comment away.
pub(crate) fn comment_on(
    dialect: &dyn Dialect,
    table: &str,
    column: Option<&str>,
    comment: Option<&str>,
) -> Result<String, CompileError> {
    let mut sql = Ddl::new(dialect, "COMMENT ON ");
    sql.push(if column.is_some() { "COLUMN " } else { "TABLE " });
    sql.name(table)?;
    if let Some(column) = column {
        sql.push(".");
        sql.name(column)?;
    }
    sql.push(" IS ");
    match comment {
        Some(comment) => sql.text(comment),
        None => sql.push("NULL"),
    }
    Ok(sql.text)
}

impl Index {
    /// The statement that creates the index.
    ///
    /// # Errors
    /// Where a name cannot be one, or the backend has no such index.
    pub fn create_sql(
        &self,
        table: &str,
        dialect: &dyn Dialect,
        if_not_exists: bool,
    ) -> Result<String, CompileError> {
        let start = if self.unique {
            "CREATE UNIQUE INDEX "
        } else {
            "CREATE INDEX "
        };
        let mut sql = Ddl::new(dialect, start);
        if if_not_exists && dialect.supports(Feature::IndexIfNotExists) {
            sql.push("IF NOT EXISTS ");
        }
        sql.name(&self.name)?;
        sql.push(" ON ");
        sql.name(table)?;
        sql.push(" ");
        sql.index_parts(self)?;
        Ok(sql.text)
    }
}

impl View {
    /// The statement that creates the view.
    ///
    /// # Errors
    /// Where its name cannot be one.
    pub fn create_sql(&self, dialect: &dyn Dialect) -> Result<String, CompileError> {
        let mut sql = Ddl::new(dialect, "CREATE VIEW ");
        sql.name(&self.name)?;
        if !self.columns.is_empty() {
            sql.push(" ");
            sql.names(&self.columns)?;
        }
        sql.push(&format!(" AS {}", self.query));
        Ok(sql.text)
    }

    /// The statement that drops the view.
    ///
    /// # Errors
    /// Where its name cannot be one.
    pub fn drop_sql(&self, dialect: &dyn Dialect, if_exists: bool) -> Result<String, CompileError> {
        let start = if if_exists {
            "DROP VIEW IF EXISTS "
        } else {
            "DROP VIEW "
        };
        let mut sql = Ddl::new(dialect, start);
        sql.name(&self.name)?;
        Ok(sql.text)
    }
}

/// DDL text under construction.
pub(crate) struct Ddl<'d> {
    pub(crate) dialect: &'d dyn Dialect,
    pub(crate) text: String,
    items: usize,
}

impl<'d> Ddl<'d> {
    pub(crate) fn new(dialect: &'d dyn Dialect, start: &str) -> Ddl<'d> {
        Ddl {
            dialect,
            text: start.to_owned(),
            items: 0,
        }
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(crate) fn name(&mut self, name: &str) -> Result<(), CompileError> {
        if name.is_empty() || name.contains('\0') {
            let why = "a name has at least one character and no NUL";
            return Err(CompileError::BadName {
                name: name.to_owned(),
                why,
            });
        }
        self.dialect.push_name(name, &mut self.text);
        Ok(())
    }

    pub(crate) fn names(&mut self, names: &[String]) -> Result<(), CompileError> {
        self.push("(");
        for (i, name) in names.iter().enumerate() {
            self.push(if i > 0 { ", " } else { "" });
            self.name(name)?;
        }
        self.push(")");
        Ok(())
    }

    /// A text literal.
    pub(crate) fn text(&mut self, text: &str) {
        push_quoted(text, '\'', &mut self.text);
    }

    /// Begins the next column or constraint.
    fn item(&mut self) {
        self.push(if self.items > 0 { ",\n  " } else { "\n  " });
        self.items += 1;
    }

    /// Refuses what the backend has not.
    fn need(&self, feature: Feature, what: &'static str) -> Result<(), CompileError> {
        if self.dialect.supports(feature) {
            return Ok(());
        }
        let dialect = self.dialect.name();
        Err(CompileError::Unsupported { dialect, what })
    }

    fn column(&mut self, table: &Table, column: &TableColumn) -> Result<(), CompileError> {
        self.name(&column.name)?;
        self.push(" ");
        if table.auto_key().is_some_and(|auto| auto.name == column.name) {
            let declaration = self.dialect.auto_key(column.kind);
            self.push(&declaration);
            self.push(if table.autoincrement { " AUTOINCREMENT" } else { "" });
        } else {
            let declared = table.declared_type(column, self.dialect);
            self.push(&declared);
            let computed = column.generated.is_some() && !self.dialect.computed_not_null();
            self.push(if column.nullable || computed {
                ""
            } else {
                " NOT NULL"
            });
        }
        let unique = table.is_unique_inline(&column.name);
        self.push(if unique { " UNIQUE" } else { "" });
        if let Some(default) = &column.default {
            self.push(" DEFAULT ");
            self.default(default);
        }
        if let Some((expression, stored)) = &column.generated {
            let stored = *stored || !self.dialect.supports(Feature::VirtualColumns);
            let kind = if stored { "STORED" } else { "VIRTUAL" };
            self.push(&format!(" GENERATED ALWAYS AS ({expression}) {kind}"));
        }
        if let (Kind::NativeEnum(of), NativeEnums::Checks, None) =
            (column.kind, self.dialect.native_enums(), &column.sql_type)
        {
            self.enum_check(&column.name, of)?;
        }
        if let (Comments::Inline, Some(comment)) = (self.dialect.comments(), &column.comment) {
            self.push(" COMMENT ");
            self.text(comment);
        }
        Ok(())
    }

    /// ` CHECK (name IN ('a', 'b'))`
    fn enum_check(&mut self, column: &str, of: &NativeEnum) -> Result<(), CompileError> {
        self.push(" CHECK (");
        self.name(column)?;
        self.push(" IN ");
        self.texts(of.values.iter().copied());
        self.push(")");
        Ok(())
    }

    /// `('a', 'b')`
    pub(crate) fn texts<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        self.push("(");
        for (i, text) in texts.enumerate() {
            self.push(if i > 0 { ", " } else { "" });
            self.text(text);
        }
        self.push(")");
    }

    pub(crate) fn default(&mut self, default: &ColumnDefault) {
        match default {
            ColumnDefault::Bool(flag) => {
                let text = self.dialect.boolean(*flag);
                self.push(text);
            }
            ColumnDefault::Int(number) => self.push(&number.to_string()),
            ColumnDefault::Real(number) => self.push(&format!("{number:?}")),
            ColumnDefault::Text(text) => self.text(text),
            ColumnDefault::Now => {
                let now = self.dialect.now();
                self.push(now);
            }
            ColumnDefault::Sql(sql) => self.push(&format!("({sql})")),
        }
    }

    pub(crate) fn constraint_name(&mut self, name: Option<&str>) -> Result<(), CompileError> {
        if let Some(name) = name {
            self.push("CONSTRAINT ");
            self.name(name)?;
            self.push(" ");
        }
        Ok(())
    }

    pub(crate) fn unique(&mut self, unique: &Unique) -> Result<(), CompileError> {
        self.constraint_name(unique.name.as_deref())?;
        self.push("UNIQUE ");
        self.names(&unique.columns)
    }

    pub(crate) fn foreign_key(&mut self, key: &ForeignKey) -> Result<(), CompileError> {
        self.constraint_name(key.name.as_deref())?;
        self.push("FOREIGN KEY ");
        self.names(&key.columns)?;
        self.push(" REFERENCES ");
        self.name(&key.table)?;
        self.push(" ");
        self.names(&key.references)?;
        self.push(action(" ON DELETE", key.on_delete).as_str());
        self.push(action(" ON UPDATE", key.on_update).as_str());
        if key.deferrable != Deferrable::No {
            self.need(
                Feature::DeferrableKeys,
                "foreign keys that are checked at the commit",
            )?;
        }
        self.push(match key.deferrable {
            Deferrable::No => "",
            Deferrable::Immediate => " DEFERRABLE",
            Deferrable::Deferred => " DEFERRABLE INITIALLY DEFERRED",
        });
        Ok(())
    }

    /// What the index is over, and its condition.
    fn index_parts(&mut self, index: &Index) -> Result<(), CompileError> {
        self.push("(");
        for (i, part) in index.parts.iter().enumerate() {
            self.push(if i > 0 { ", " } else { "" });
            match &part.term {
                IndexTerm::Column(name) => self.name(name)?,
                IndexTerm::Expression(sql) => {
                    self.need(
                        Feature::ExpressionIndex,
                        "indexes over expressions: add a computed column and index that",
                    )?;
                    self.push(&format!("({sql})"));
                }
            }
            if let Some(collation) = &part.collation {
                self.push(" COLLATE ");
                self.name(collation)?;
            }
            self.push(if part.descending { " DESC" } else { "" });
        }
        self.push(")");
        if !index.include.is_empty() && self.dialect.supports(Feature::IncludeColumns) {
            self.push(" INCLUDE ");
            self.names(&index.include)?;
        }
        if let Some(condition) = &index.predicate {
            self.need(Feature::PartialIndex, "indexes over part of the rows")?;
            self.push(&format!(" WHERE {condition}"));
        }
        Ok(())
    }
}

fn action(when: &str, action: ReferenceAction) -> String {
    let words = match action {
        ReferenceAction::NoAction => return String::new(),
        ReferenceAction::Restrict => "RESTRICT",
        ReferenceAction::Cascade => "CASCADE",
        ReferenceAction::SetNull => "SET NULL",
        ReferenceAction::SetDefault => "SET DEFAULT",
    };
    format!("{when} {words}")
}
