//! Foreign keys with all actions, and triggers of all kinds that write a log.

use super::compare::Statement;
use super::generator::{Generator, Leaves};
use super::schema::{Source, Table};
use super::tree::{Sort, Tree, tree};

impl Generator {
    /// Tables that point at each other, a log, triggers.
    pub(super) fn linked_tables(&mut self, made: &mut Vec<Statement>) {
        made.push(self.command("CREATE TABLE log(n INTEGER PRIMARY KEY, what, old, new)"));
        for at in 0..3 {
            let table = self.linked_table(at, made);
            self.tables.push(table);
        }
        for at in 0..3 {
            let table = self.tables[at].clone();
            let count = 2 + self.random.below(5);
            made.push(self.insert_linked(&table, count, "INSERT OR IGNORE"));
        }
        if self.random.percent(30) {
            made.push(self.create_index());
        }
        if self.random.percent(50) {
            made.push(self.command("CREATE VIEW w(id, a, b) AS SELECT id, a, b FROM t1"));
            self.instead_trigger(made);
        }
        if self.random.percent(25) {
            made.push(self.command("PRAGMA recursive_triggers = ON"));
        }
        for _ in 0..1 + self.random.below(4) {
            let trigger = self.create_trigger();
            made.push(trigger);
        }
    }

    fn linked_table(&mut self, at: usize, made: &mut Vec<Statement>) -> Table {
        let name = format!("t{at}");
        let without_rowid = self.random.percent(15);
        let mut columns = vec![self.column_named("id", "INTEGER")];
        for name in ["a", "b", "p"] {
            columns.push(self.column_named(name, ""));
        }
        let unique = *self.random.pick(&[
            "",
            "",
            " UNIQUE",
            " UNIQUE ON CONFLICT REPLACE",
            " UNIQUE ON CONFLICT IGNORE",
        ]);
        let parent = if at == 0 { 0 } else { self.random.below(at + 1) };
        let mut key = String::new();
        if at > 0 || self.random.percent(40) {
            // SQLite looks for no parent in a statement that may set the same key to NULL (REPLACE): not asked of a table that is its own parent.
            let action = |generator: &mut Generator| {
                let action = *generator.random.pick(&[
                    "",
                    " CASCADE",
                    " CASCADE",
                    " SET NULL",
                    " SET DEFAULT",
                    " RESTRICT",
                    " NO ACTION",
                ]);
                if parent == at && action == " SET NULL" {
                    " CASCADE"
                } else {
                    action
                }
            };
            let (delete, update) = (action(self), action(self));
            let mut text = format!(" REFERENCES t{parent}(id)");
            if !delete.is_empty() {
                text.push_str(&format!(" ON DELETE{delete}"));
            }
            if !update.is_empty() {
                text.push_str(&format!(" ON UPDATE{update}"));
            }
            if self.random.percent(25) {
                text.push_str(" DEFERRABLE INITIALLY DEFERRED");
            }
            key = text;
        }
        // A row that is its own parent is compared without affinity there.
        let types = ["INTEGER", "INTEGER", "INT", "TEXT"];
        let declared = *self
            .random
            .pick(if parent == at { &types[..3] } else { &types[..] });
        let default = *self.random.pick(&["", "", " DEFAULT 1"]);
        let check = *self.random.pick(&["", "", "", " CHECK (a IS NOT 7)"]);
        let options = if without_rowid { " WITHOUT ROWID" } else { "" };
        made.push(self.command(format!(
            "CREATE TABLE {name}(id INTEGER PRIMARY KEY, a{check}, b{unique}, p {declared}{default}{key}){options}"
        )));
        Table {
            name,
            columns,
            without_rowid,
            alias: true,
            view: false,
            strict: false,
            uniques: if unique.is_empty() {
                Vec::new()
            } else {
                vec![vec![2]]
            },
        }
    }

    fn insert_linked(&mut self, table: &Table, count: usize, verb: &str) -> Statement {
        let rows: Vec<Tree> = (0..count)
            .map(|_| {
                let p = if self.random.percent(35) {
                    "NULL".to_owned()
                } else {
                    self.random.below(8).to_string()
                };
                let (id, a, b) = (self.random.below(9), self.calm_literal(), self.calm_literal());
                Tree::text(Sort::Piece, format!("({id}, {a}, {b}, {p})"))
            })
            .collect();
        let tree =
            tree!(Sort::Piece; format!("{verb} INTO {}(id, a, b, p) VALUES ", table.name), (rows, ", ", 1));
        self.finish(tree)
    }

    fn calm_literal(&mut self) -> String {
        if self.random.percent(70) {
            self.random.below(9).to_string()
        } else {
            self.literal()
        }
    }

    /// CREATE TRIGGER on a table.
    fn create_trigger(&mut self) -> Statement {
        let table = self.base_table();
        let name = self.fresh("g");
        self.triggers.push(name.clone());
        let time = *self.random.pick(&["BEFORE", "AFTER", "AFTER", ""]);
        let event = self.random.below(3);
        let (verb, aliases): (&str, &[&str]) = match event {
            0 => ("INSERT", &["new"]),
            1 => ("DELETE", &["old"]),
            _ if self.random.percent(40) => ("UPDATE OF a, p", &["old", "new"]),
            _ => ("UPDATE", &["old", "new"]),
        };
        let scope: Vec<Source> = aliases.iter().map(|alias| table.source(alias)).collect();
        let when = self.random.percent(35).then(|| {
            self.scopes.push(scope.clone());
            let condition = self.condition(1);
            self.scopes.pop();
            tree!(Sort::Piece; " WHEN ", condition)
        });
        let steps: Vec<Tree> = (0..1 + self.random.below(2))
            .map(|_| self.step(&table, &scope))
            .collect();
        let tree = tree!(Sort::Piece; format!("CREATE TRIGGER {name} {time} {verb} ON {}", table.name), when, " BEGIN ", (steps, " ", 1), " END");
        self.finish(tree)
    }

    /// A statement of a trigger.
    fn step(&mut self, table: &Table, scope: &[Source]) -> Tree {
        let value = |generator: &mut Generator| {
            generator.scopes.push(scope.to_vec());
            let nesting = std::mem::replace(&mut generator.nesting, 9);
            let leaves = std::mem::replace(&mut generator.leaves, Leaves::Columns);
            let tree = if generator.random.percent(70) {
                generator.column()
            } else {
                generator.expr(1)
            };
            generator.nesting = nesting;
            generator.leaves = leaves;
            generator.scopes.pop();
            tree
        };
        let row = scope
            .first()
            .map_or("new", |source| if source.alias == "old" { "old" } else { "new" })
            .to_owned();
        let other = self.base_table();
        match self.random.below(12) {
            0..=5 => {
                let what = format!("'{}'", table.name);
                tree!(Sort::Piece; format!("INSERT INTO log(what, old, new) VALUES ({what}, "), value(self), ", ", value(self), ");")
            }
            6 => {
                let verb = self.verb("UPDATE");
                let key = self.random.below(9);
                tree!(Sort::Piece; format!("{verb} {} SET a = ", other.name), value(self), format!(" WHERE id = {key};"))
            }
            7 => {
                tree!(Sort::Piece; format!("DELETE FROM {} WHERE id = ", other.name), value(self), format!(" AND id <> {row}.id;"))
            }
            8 => {
                let verb = self.verb("INSERT");
                let key = self.random.below(12);
                tree!(Sort::Piece; format!("{verb} INTO {}(id, a) VALUES ({key}, ", other.name), value(self), ");")
            }
            9 => {
                let action = *self
                    .random
                    .pick(&["IGNORE", "ABORT, 'no'", "FAIL, 'no'", "ROLLBACK, 'no'"]);
                tree!(Sort::Piece; format!("SELECT RAISE({action}) WHERE "), value(self), " = 3;")
            }
            10 => {
                let key = self.random.below(9);
                tree!(Sort::Piece; format!("INSERT INTO {}(id, b) VALUES ({key}, ", other.name), value(self), ") ON CONFLICT DO UPDATE SET a = coalesce(excluded.b, 0);")
            }
            _ => {
                tree!(Sort::Piece; format!("INSERT INTO log(what, old) SELECT count(*), max(id) FROM {} WHERE id < ", other.name), value(self), ";")
            }
        }
    }

    fn instead_trigger(&mut self, made: &mut Vec<Statement>) {
        for (event, body) in [
            (
                "INSERT",
                "INSERT INTO t1(id, a, b) VALUES (new.id, new.a, new.b);",
            ),
            ("UPDATE", "UPDATE t1 SET a = new.a, b = new.b WHERE id = old.id;"),
            ("DELETE", "DELETE FROM t1 WHERE id = old.id;"),
        ] {
            if self.random.percent(80) {
                let name = self.fresh("g");
                made.push(self.command(format!("CREATE TRIGGER {name} INSTEAD OF {event} ON w BEGIN {body} INSERT INTO log(what) VALUES ('{event}'); END")));
            }
        }
    }

    /// A change that fires triggers and foreign key actions.
    pub(super) fn trigger_statement(&mut self, made: &mut Vec<Statement>) {
        let table = self.base_table();
        let key = self.random.below(9);
        let verb = self.verb("UPDATE");
        let statement = match self.random.below(22) {
            0..=4 => {
                let verb = self.verb("INSERT");
                let count = 1 + self.random.below(2);
                self.insert_linked(&table, count, &verb)
            }
            5 | 6 => {
                let to = self.random.below(9);
                self.command(format!("{verb} {} SET id = {to} WHERE id = {key}", table.name))
            }
            7 | 8 => {
                let to = self.calm_literal();
                let returning = self
                    .returning(&table)
                    .map_or(String::new(), |tree| tree.to_string());
                self.command(format!(
                    "{verb} {} SET a = {to}, p = {} WHERE id = {key}{returning}",
                    table.name,
                    self.random.clone().below(8)
                ))
            }
            9 => self.command(format!(
                "{verb} {} SET a = coalesce(a, 0) || 'x' WHERE id > {key}",
                table.name
            )),
            10..=12 => self.command(format!("DELETE FROM {} WHERE id = {key}", table.name)),
            13 => self.command(format!("DELETE FROM {} WHERE id > {key}", table.name)),
            14 => {
                let text = *self.random.pick(&["BEGIN", "COMMIT", "ROLLBACK"]);
                self.command(text)
            }
            15 => {
                let text = *self
                    .random
                    .pick(&["SAVEPOINT s1", "RELEASE s1", "ROLLBACK TO s1"]);
                self.command(text)
            }
            16 => {
                let text = match self.random.below(3) {
                    0 => format!(
                        "INSERT INTO w(id, a, b) VALUES ({key}, {}, 2)",
                        self.calm_literal()
                    ),
                    1 => format!("UPDATE w SET a = {} WHERE id = {key}", self.calm_literal()),
                    _ => format!("DELETE FROM w WHERE id = {key}"),
                };
                self.command(text)
            }
            17 => {
                let to = self.calm_literal();
                self.command(format!("INSERT INTO {}(id, a, b) VALUES ({key}, {to}, {to}) ON CONFLICT DO UPDATE SET a = excluded.a, b = {to}", table.name))
            }
            18 if !self.triggers.is_empty() && self.random.percent(50) => {
                let at = self.random.below(self.triggers.len());
                let name = self.triggers.swap_remove(at);
                self.command(format!("DROP TRIGGER {name}"))
            }
            18 => self.create_trigger(),
            19 if self.random.percent(30) => {
                let text = *self.random.pick(&[
                    "PRAGMA defer_foreign_keys = ON",
                    "PRAGMA foreign_keys = OFF",
                    "PRAGMA foreign_keys = ON",
                    "PRAGMA recursive_triggers = OFF",
                ]);
                self.command(text)
            }
            _ => self.command("SELECT * FROM log"),
        };
        made.push(statement);
        if self.random.percent(25) {
            made.push(self.look(&table));
        }
    }
}
