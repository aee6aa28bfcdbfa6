//! Enum types that change.
//!
//! A text can be added to an enum type, and be given another name. What else changes (a text goes, the order is another) takes a new type in the
//! place of the old one:
//!
//! ```text
//!   ALTER TYPE mood RENAME TO mood_before
//!   CREATE TYPE mood AS ENUM (..)
//!   ALTER TABLE notes ALTER COLUMN mood TYPE mood USING mood::text::mood      for each column of that type, its default taken away for the time
//!   DROP TYPE mood_before
//! ```
//!
//! A text that was added cannot be used before the end of the transaction that added it. Where a default needs it at once, the type is made anew too.

use super::alter::{Compiled, Writer};
use crate::schema::{ColumnDefault, Ddl, EnumType, TableColumn};

impl Writer<'_> {
    pub(super) fn alter_enum(
        &mut self,
        from: &EnumType,
        to: &EnumType,
        renamed: &[(String, String)],
    ) -> Compiled {
        let mut values = from.values.clone();
        for (old, new) in renamed {
            let place = values.iter_mut().find(|value| *value == old);
            let Some(value) = place else { continue };
            value.clone_from(new);
            self.alter_type_with(&from.name, |sql| {
                sql.push("RENAME VALUE ");
                sql.text(old);
                sql.push(" TO ");
                sql.text(new);
                Ok(())
            })?;
        }
        if is_part_of(&values, &to.values) && !self.is_needed_at_once(&values, to) {
            return self.add_texts(values, to);
        }
        self.rebuild_enum(to)
    }

    /// `ALTER TYPE name ..`
    fn alter_type_with(&mut self, name: &str, write: impl FnOnce(&mut Ddl<'_>) -> Compiled) -> Compiled {
        let mut sql = Ddl::new(self.dialect, "ALTER TYPE ");
        sql.name(name)?;
        sql.push(" ");
        write(&mut sql)?;
        let text = sql.text;
        self.put(text)
    }

    /// Is a text that is new the default of a column?
    fn is_needed_at_once(&self, values: &[String], to: &EnumType) -> bool {
        let is_new = |text: &String| !values.contains(text) && to.values.contains(text);
        let columns = self.after.tables().iter().flat_map(|table| &table.columns);
        let mut defaults = columns.filter(|column| column.is_of_enum(&to.name, self.dialect));
        defaults.any(|column| matches!(&column.default, Some(ColumnDefault::Text(text)) if is_new(text)))
    }

    fn add_texts(&mut self, mut values: Vec<String>, to: &EnumType) -> Compiled {
        let mut before: Option<&String> = None;
        for (place, text) in to.values.iter().enumerate() {
            if !values.contains(text) {
                let next = values.first().cloned();
                self.alter_type_with(&to.name, |sql| {
                    sql.push("ADD VALUE ");
                    sql.text(text);
                    if let Some(before) = before {
                        sql.push(" AFTER ");
                        sql.text(before);
                    } else if let Some(next) = &next {
                        sql.push(" BEFORE ");
                        sql.text(next);
                    }
                    Ok(())
                })?;
                values.insert(place.min(values.len()), text.clone());
            }
            before = Some(text);
        }
        Ok(())
    }

    fn rebuild_enum(&mut self, to: &EnumType) -> Compiled {
        let old = format!("{}_before", to.name);
        self.alter_type_with(&to.name, |sql| {
            sql.push("RENAME TO ");
            sql.name(&old)
        })?;
        let create = to.create_sql(self.dialect)?;
        self.put(create)?;
        let tables = self.now.tables().iter();
        let columns = tables.flat_map(|table| {
            table
                .columns
                .iter()
                .map(|column| (table.name.clone(), column.clone()))
        });
        let of_enum: Vec<(String, TableColumn)> = columns
            .filter(|(_, column)| column.is_of_enum(&to.name, self.dialect))
            .collect();
        for (table, column) in of_enum {
            self.change_enum_of(&table, &column)?;
        }
        let drop = EnumType::new(old, [""; 0]).drop_sql(self.dialect, false)?;
        self.put(drop)
    }

    fn change_enum_of(&mut self, table: &str, column: &TableColumn) -> Compiled {
        if column.default.is_some() {
            self.alter_one(table, &column.name, "DROP DEFAULT")?;
        }
        let (name, declared) = (
            self.quoted(&column.name),
            column.sql_type.clone().unwrap_or_default(),
        );
        let text = if declared.ends_with("[]") {
            "text[]"
        } else {
            "text"
        };
        self.alter_one(
            table,
            &column.name,
            &format!("TYPE {declared} USING {name}::{text}::{declared}"),
        )?;
        // The new one, as the old one may be a text that is no more.
        let after = self
            .after
            .table(table)
            .and_then(|table| table.column(&column.name));
        let default = after.map_or(&column.default, |after| &after.default).clone();
        if let (Some(_), Some(default)) = (&column.default, default) {
            let mut sql = Ddl::new(self.dialect, "SET DEFAULT ");
            sql.default(&default);
            let text = sql.text;
            self.alter_one(table, &column.name, &text)?;
        }
        Ok(())
    }

    fn quoted(&self, name: &str) -> String {
        let mut text = String::new();
        self.dialect.push_name(name, &mut text);
        text
    }
}

/// Are these in the other list, in the same order?
fn is_part_of(values: &[String], all: &[String]) -> bool {
    let mut rest = all.iter();
    values.iter().all(|value| rest.any(|other| other == value))
}
