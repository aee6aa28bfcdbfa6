//! Changing a schema in memory, as a migration changes a live one.
//!
//! A name that changes, changes wherever it stands: in keys of other tables, in indexes, inside of expressions.

use super::{EnumType, Index, IndexTerm, Schema, Table, View};
use crate::dialect::is_plain_name;

impl Schema {
    pub(crate) fn table_mut(&mut self, name: &str) -> Option<&mut Table> {
        self.tables.iter_mut().find(|table| table.name == name)
    }

    /// Adds a table, in the place of the one that has its name.
    pub(crate) fn put_table(&mut self, table: Table) {
        match self.table_mut(&table.name) {
            Some(found) => *found = table,
            None => self.tables.push(table),
        }
    }

    pub(crate) fn remove_table(&mut self, name: &str) {
        self.tables.retain(|table| table.name != name);
        self.triggers.retain(|trigger| trigger.table != name);
    }

    /// Adds an enum, in the place of the one that has its name.
    pub(crate) fn put_enum(&mut self, one: EnumType) {
        match self.enums.iter_mut().find(|found| found.name == one.name) {
            Some(found) => *found = one,
            None => self.enums.push(one),
        }
    }

    pub(crate) fn remove_enum(&mut self, name: &str) {
        self.enums.retain(|one| one.name != name);
    }

    pub(crate) fn put_view(&mut self, view: View) {
        self.remove_view(&view.name);
        self.views.push(view);
    }

    pub(crate) fn remove_view(&mut self, name: &str) {
        self.views.retain(|view| view.name != name);
    }

    pub(crate) fn rename_table(&mut self, from: &str, to: &str) {
        for table in &mut self.tables {
            if table.name == from {
                to.clone_into(&mut table.name);
            }
            for key in table.foreign_keys.iter_mut().filter(|key| key.table == from) {
                to.clone_into(&mut key.table);
            }
        }
        for trigger in &mut self.triggers {
            if trigger.table == from {
                to.clone_into(&mut trigger.table);
            }
            trigger.sql = with_name(&trigger.sql, from, to);
        }
        for view in &mut self.views {
            view.query = with_name(&view.query, from, to);
        }
    }

    pub(crate) fn rename_column(&mut self, of: &str, from: &str, to: &str) {
        for table in &mut self.tables {
            for key in table.foreign_keys.iter_mut().filter(|key| key.table == of) {
                rename_in(&mut key.references, from, to);
            }
        }
        if let Some(table) = self.table_mut(of) {
            table.rename_column(from, to);
        }
        let mentions = |sql: &str| is_mentioned(sql, of);
        for trigger in self.triggers.iter_mut().filter(|trigger| mentions(&trigger.sql)) {
            trigger.sql = with_name(&trigger.sql, from, to);
        }
        for view in self.views.iter_mut().filter(|view| mentions(&view.query)) {
            view.query = with_name(&view.query, from, to);
        }
    }
}

impl Table {
    fn rename_column(&mut self, from: &str, to: &str) {
        for column in &mut self.columns {
            if column.name == from {
                to.clone_into(&mut column.name);
            }
            if let Some((sql, _)) = &mut column.generated {
                *sql = with_name(sql, from, to);
            }
        }
        rename_in(&mut self.primary_key, from, to);
        for unique in &mut self.uniques {
            rename_in(&mut unique.columns, from, to);
        }
        for key in &mut self.foreign_keys {
            rename_in(&mut key.columns, from, to);
        }
        for check in &mut self.checks {
            check.sql = with_name(&check.sql, from, to);
        }
        self.indexes
            .iter_mut()
            .for_each(|index| index.rename_column(from, to));
    }
}

impl Index {
    fn rename_column(&mut self, from: &str, to: &str) {
        for part in &mut self.parts {
            match &mut part.term {
                IndexTerm::Column(name) if name == from => to.clone_into(name),
                IndexTerm::Column(_) => {}
                IndexTerm::Expression(sql) => *sql = with_name(sql, from, to),
            }
        }
        if let Some(sql) = &mut self.predicate {
            *sql = with_name(sql, from, to);
        }
        rename_in(&mut self.include, from, to);
    }
}

fn rename_in(names: &mut [String], from: &str, to: &str) {
    for name in names.iter_mut().filter(|name| *name == from) {
        to.clone_into(name);
    }
}

/// The SQL with a name in the place of another.
pub(crate) fn with_name(sql: &str, from: &str, to: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    each_piece(sql, &mut |piece, written| match piece {
        Some(name) if name.eq_ignore_ascii_case(from) => push_name(to, &mut out),
        _ => out.push_str(written),
    });
    out
}

/// Does the SQL name it?
pub(crate) fn is_mentioned(sql: &str, name: &str) -> bool {
    let mut found = false;
    each_piece(sql, &mut |piece, _| {
        found |= matches!(piece, Some(other) if other.eq_ignore_ascii_case(name));
    });
    found
}

fn push_name(name: &str, out: &mut String) {
    if is_plain_name(name) {
        out.push_str(name);
    } else {
        crate::dialect::push_quoted(name, '"', out);
    }
}

/// Cuts SQL into names and the rest. `with` gets the name without its quotes, where the piece is one, and the piece as it is written.
fn each_piece<'s>(sql: &'s str, with: &mut dyn FnMut(Option<&'s str>, &'s str)) {
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' | '`' => quoted_length(rest, first),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (piece, after) = rest.split_at(length);
        match first {
            '"' | '`' => with(Some(piece.trim_matches(first)), piece),
            c if is_word(c) && !c.is_ascii_digit() => with(Some(piece), piece),
            _ => with(None, piece),
        }
        rest = after;
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of what stands in quotes at the start, quotes included; a quote that is doubled is part of it.
fn quoted_length(sql: &str, quote: char) -> usize {
    let mut chars = sql.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    sql.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exchanged_and_texts_are_not() {
        assert_eq!(
            with_name("age > 5 AND \"age\" <> 'age' AND ages(t.AGE)", "age", "years"),
            "years > 5 AND years <> 'age' AND ages(t.years)"
        );
        assert_eq!(with_name("a''", "a", "Order"), "\"Order\"''");
        assert_eq!(with_name("'it''s a'", "a", "b"), "'it''s a'");
        assert!(is_mentioned("SELECT * FROM users u", "users") && !is_mentioned("SELECT 'users'", "users"));
    }
}
