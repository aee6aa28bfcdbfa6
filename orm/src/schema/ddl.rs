//! CREATE and DROP, written for a dialect.

use super::{ColumnDefault, ForeignKey, Index, Table, TableColumn};
use crate::dialect::{CompileError, Dialect, Feature, push_quoted};
use crate::mapper::ReferenceAction;

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
    pub(super) fn create_sql_without(
        &self,
        dialect: &dyn Dialect,
        if_not_exists: bool,
        missing: &[&str],
    ) -> Result<String, CompileError> {
        let mut sql = Ddl::new(
            dialect,
            if if_not_exists {
                "CREATE TABLE IF NOT EXISTS "
            } else {
                "CREATE TABLE "
            },
        );
        sql.name(&self.name)?;
        sql.push(" (");
        let auto = self
            .columns
            .iter()
            .find(|column| column.auto && self.primary_key == [column.name.as_str()]);
        for column in &self.columns {
            sql.item();
            sql.column(
                column,
                (self.strict, self.is_keyed(column)),
                auto.is_some_and(|auto| auto.name == column.name),
            )?;
        }
        if auto.is_none() && !self.primary_key.is_empty() {
            sql.item();
            sql.push("PRIMARY KEY ");
            sql.names(&self.primary_key)?;
        }
        for unique in &self.uniques {
            sql.item();
            sql.push("UNIQUE ");
            sql.names(unique)?;
        }
        for check in &self.checks {
            sql.item();
            sql.push(&format!("CHECK ({check})"));
        }
        for key in self
            .foreign_keys
            .iter()
            .filter(|key| !missing.contains(&key.table.as_str()))
        {
            sql.item();
            sql.foreign_key(key)?;
        }
        if if_not_exists && !dialect.supports(Feature::IndexIfNotExists) {
            // By themselves they would be there twice.
            for index in &self.indexes {
                sql.item();
                sql.push(if index.unique { "UNIQUE INDEX " } else { "INDEX " });
                sql.name(&index.name)?;
                sql.push(" ");
                sql.names(&index.columns)?;
            }
        }
        sql.push("\n)");
        let options = [(self.without_rowid, "WITHOUT ROWID"), (self.strict, "STRICT")];
        let options: Vec<&str> = options
            .into_iter()
            .filter(|(on, _)| *on)
            .map(|(_, name)| name)
            .collect();
        if dialect.name() == "sqlite" && !options.is_empty() {
            sql.push(&format!(" {}", options.join(", ")));
        }
        Ok(sql.text)
    }

    /// Is a key, an index or a reference over that column?
    pub(super) fn is_keyed(&self, column: &TableColumn) -> bool {
        let name = &column.name;
        let unique = self.uniques.iter().any(|columns| columns.contains(name));
        let index = self.indexes.iter().any(|index| index.columns.contains(name));
        let reference = self.foreign_keys.iter().any(|key| key.columns.contains(name));
        column.unique || unique || index || reference || self.primary_key.contains(name)
    }

    /// The statement that drops the table.
    ///
    /// # Errors
    /// Where its name cannot be one.
    pub fn drop_sql(&self, dialect: &dyn Dialect, if_exists: bool) -> Result<String, CompileError> {
        let mut sql = Ddl::new(
            dialect,
            if if_exists {
                "DROP TABLE IF EXISTS "
            } else {
                "DROP TABLE "
            },
        );
        sql.name(&self.name)?;
        Ok(sql.text)
    }

    /// The statement that adds a foreign key to the table as it is.
    pub(super) fn add_foreign_key_sql(
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
}

impl Index {
    /// The statement that creates the index.
    ///
    /// # Errors
    /// Where a name cannot be one.
    pub fn create_sql(
        &self,
        table: &str,
        dialect: &dyn Dialect,
        if_not_exists: bool,
    ) -> Result<String, CompileError> {
        let mut sql = Ddl::new(
            dialect,
            if self.unique {
                "CREATE UNIQUE INDEX "
            } else {
                "CREATE INDEX "
            },
        );
        if if_not_exists && dialect.supports(Feature::IndexIfNotExists) {
            sql.push("IF NOT EXISTS ");
        }
        sql.name(&self.name)?;
        sql.push(" ON ");
        sql.name(table)?;
        sql.push(" ");
        sql.names(&self.columns)?;
        Ok(sql.text)
    }
}

/// DDL text under construction.
struct Ddl<'d> {
    dialect: &'d dyn Dialect,
    text: String,
    items: usize,
}

impl<'d> Ddl<'d> {
    fn new(dialect: &'d dyn Dialect, start: &str) -> Ddl<'d> {
        Ddl {
            dialect,
            text: start.to_owned(),
            items: 0,
        }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn name(&mut self, name: &str) -> Result<(), CompileError> {
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

    fn names(&mut self, names: &[String]) -> Result<(), CompileError> {
        self.push("(");
        for (i, name) in names.iter().enumerate() {
            self.push(if i > 0 { ", " } else { "" });
            self.name(name)?;
        }
        self.push(")");
        Ok(())
    }

    /// Begins the next column or constraint.
    fn item(&mut self) {
        self.push(if self.items > 0 { ",\n  " } else { "\n  " });
        self.items += 1;
    }

    fn column(
        &mut self,
        column: &TableColumn,
        (strict, keyed): (bool, bool),
        auto_key: bool,
    ) -> Result<(), CompileError> {
        self.name(&column.name)?;
        self.push(" ");
        if auto_key {
            let declaration = self.dialect.auto_key(column.kind);
            self.push(&declaration);
        } else {
            let dialect = self.dialect;
            match &column.sql_type {
                Some(declared) => self.push(declared),
                None if strict => self.push(&dialect.strict_type_name(column.kind)),
                None if keyed => self.push(&dialect.key_type_name(column.kind)),
                None => self.push(&dialect.type_name(column.kind)),
            }
            let bare = column.nullable || (column.generated.is_some() && !dialect.computed_not_null());
            self.push(if bare { "" } else { " NOT NULL" });
        }
        if let Some(collation) = &column.collation {
            self.push(" COLLATE ");
            self.name(collation)?;
        }
        self.push(if column.unique { " UNIQUE" } else { "" });
        if let Some(default) = &column.default {
            self.push(" DEFAULT ");
            self.default(default);
        }
        if let Some(check) = &column.check {
            self.push(&format!(" CHECK ({check})"));
        }
        if let Some((expression, stored)) = &column.generated {
            let stored = *stored || !self.dialect.supports(Feature::VirtualColumns);
            let kind = if stored { "STORED" } else { "VIRTUAL" };
            self.push(&format!(" GENERATED ALWAYS AS ({expression}) {kind}"));
        }
        Ok(())
    }

    fn default(&mut self, default: &ColumnDefault) {
        match default {
            ColumnDefault::Bool(flag) => {
                let text = self.dialect.boolean(*flag);
                self.push(text);
            }
            ColumnDefault::Int(number) => self.push(&number.to_string()),
            ColumnDefault::Real(number) => self.push(&format!("{number:?}")),
            ColumnDefault::Text(text) => push_quoted(text, '\'', &mut self.text),
            ColumnDefault::Now => {
                let now = self.dialect.now();
                self.push(now);
            }
            ColumnDefault::Sql(sql) => self.push(&format!("({sql})")),
        }
    }

    fn foreign_key(&mut self, key: &ForeignKey) -> Result<(), CompileError> {
        self.push("FOREIGN KEY ");
        self.names(&key.columns)?;
        self.push(" REFERENCES ");
        self.name(&key.table)?;
        self.push(" ");
        self.names(&key.references)?;
        self.push(action(" ON DELETE", key.on_delete).as_str());
        self.push(action(" ON UPDATE", key.on_update).as_str());
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
