//! The schema and rows that a session begins with, and small changes to them.

use super::compare::Statement;
use super::expression::COLLATIONS;
use super::generator::{Generator, Leaves, Profile};
use super::schema::{Column, Source, Table};
use super::tree::{Sort, Tree, tree};

const TYPES: &[&str] = &[
    "INTEGER",
    "TEXT",
    "REAL",
    "NUMERIC",
    "BLOB",
    "",
    "INT",
    "VARCHAR(9)",
];
const STRICT_TYPES: &[&str] = &["INTEGER", "TEXT", "REAL", "BLOB", "ANY", "INT"];

impl Generator {
    /// Tables, indexes, rows, a view.
    pub(super) fn setup(&mut self) -> Vec<Statement> {
        let mut made = Vec::new();
        if self.profile == Profile::Triggers {
            self.linked_tables(&mut made);
            return made;
        }
        let count = 2 + self.random.below(2);
        for _ in 0..count {
            made.push(self.create_table());
        }
        for at in 0..count {
            let table = self.tables[at].clone();
            if self.random.percent(92) {
                let rows = 2 + self.random.below(9);
                made.push(self.insert_rows(&table, rows));
            }
        }
        for _ in 0..self.random.below(4) {
            made.push(self.create_index());
        }
        if self.random.percent(40) {
            made.push(self.create_view());
        }
        if self.random.percent(25) {
            made.push(self.command("ANALYZE"));
        }
        made
    }

    /// CREATE TABLE with a unique integer as first column.
    pub(super) fn create_table(&mut self) -> Statement {
        let name = self.fresh("t");
        let strict = self.random.percent(10);
        let without_rowid = self.random.percent(20);
        let width = 2 + self.random.below(4);
        let mut columns = vec![Column {
            not_null: true,
            ..self.column_named("id", "INTEGER")
        }];
        for at in 0..width {
            let declared = *self.random.pick(if strict { STRICT_TYPES } else { TYPES });
            let name = ["a", "b", "c", "d", "e"][at].to_owned();
            let collation = if self.random.percent(20) {
                *self.random.pick(&COLLATIONS[1..])
            } else {
                ""
            };
            columns.push(Column {
                collation,
                ..self.column_named(&name, declared)
            });
        }
        let mut table = Table {
            name: name.clone(),
            columns,
            without_rowid,
            alias: true,
            view: false,
            strict,
            uniques: Vec::new(),
        };
        let tree = self.table_definition(&mut table);
        self.tables.push(table);
        self.finish(tree)
    }

    pub(super) fn column_named(&self, name: &str, declared: &'static str) -> Column {
        Column {
            name: name.to_owned(),
            declared,
            collation: "",
            generated: false,
            not_null: false,
            default: false,
        }
    }

    /// The words of CREATE TABLE; which constraints there are depends on the profile.
    fn table_definition(&mut self, table: &mut Table) -> Tree {
        let rich = matches!(self.profile, Profile::Writes | Profile::Ddl);
        let key = if table.without_rowid {
            *self
                .random
                .pick(&["INTEGER PRIMARY KEY", "INT NOT NULL PRIMARY KEY"])
        } else {
            *self.random.pick(&[
                "INTEGER PRIMARY KEY",
                "INTEGER PRIMARY KEY",
                "INTEGER PRIMARY KEY AUTOINCREMENT",
                "INT UNIQUE NOT NULL",
            ])
        };
        table.alias = !key.contains("UNIQUE");
        let mut pieces = vec![Tree::text(Sort::Piece, format!("id {key}"))];
        for at in 1..table.columns.len() {
            let piece = self.column_definition(table, at, rich);
            pieces.push(piece);
        }
        if rich {
            self.table_constraints(table, &mut pieces);
        }
        let mut options = Vec::new();
        if table.without_rowid {
            options.push("WITHOUT ROWID");
        }
        if table.strict {
            options.push("STRICT");
        }
        let least = table.columns.len();
        tree!(Sort::Piece; format!("CREATE TABLE {}(", table.name), (pieces, ", ", least), format!(") {}", options.join(", ")))
    }

    fn column_definition(&mut self, table: &mut Table, at: usize, rich: bool) -> Tree {
        let column = table.columns[at].clone();
        let collate = (!column.collation.is_empty())
            .then(|| Tree::text(Sort::Piece, format!(" COLLATE {}", column.collation)));
        let mut extras: Vec<Tree> = Vec::new();
        let mut extra = |text: String| extras.push(Tree::text(Sort::Piece, text));
        if rich {
            if self.random.percent(15) {
                table.columns[at].not_null = true;
                let conflict = self.conflict_word();
                extra(format!(" NOT NULL{conflict}"));
            }
            if self.random.percent(20) {
                table.columns[at].default = true;
                let value = if table.strict {
                    self.stored_strictly(column.declared)
                } else {
                    self.literal()
                };
                extra(format!(" DEFAULT ({value})"));
            }
            if self.random.percent(14) {
                table.uniques.push(vec![at]);
                let conflict = self.conflict_word();
                extra(format!(" UNIQUE{conflict}"));
            }
        }
        if rich && self.random.percent(15) {
            let check = self.over_columns(table, 1);
            extras.push(tree!(Sort::Piece; " CHECK (", check, " IS NOT 0)"));
        }
        if rich && at > 1 && !table.strict && self.random.percent(15) {
            // Computed from the columns before it.
            let before = Table {
                columns: table.columns[..at].to_vec(),
                ..table.clone()
            };
            let expr = self.over_columns(&before, 2);
            table.columns[at].generated = true;
            let kind = *self.random.pick(&["", " VIRTUAL", " STORED"]);
            extras.retain(|tree| !tree.to_string().contains("DEFAULT"));
            extras.push(tree!(Sort::Piece; " GENERATED ALWAYS AS (", expr, format!("){kind}")));
        }
        tree!(Sort::Piece; format!("{} {}", column.name, column.declared), collate, (extras, "", 0))
    }

    fn table_constraints(&mut self, table: &mut Table, pieces: &mut Vec<Tree>) {
        if self.random.percent(25) {
            let (a, b) = (
                1 + self.random.below(table.columns.len() - 1),
                1 + self.random.below(table.columns.len() - 1),
            );
            if a != b {
                table.uniques.push(vec![a, b]);
                let conflict = self.conflict_word();
                pieces.push(Tree::text(
                    Sort::Piece,
                    format!(
                        "UNIQUE({}, {}){conflict}",
                        table.columns[a].name, table.columns[b].name
                    ),
                ));
            }
        }
        if self.random.percent(20) {
            let check = self.over_columns(table, 2);
            pieces.push(tree!(Sort::Piece; "CHECK (", check, " IS NOT 0)"));
        }
    }

    pub(super) fn conflict_word(&mut self) -> String {
        let words = [
            "",
            "",
            "",
            " ON CONFLICT IGNORE",
            " ON CONFLICT REPLACE",
            " ON CONFLICT FAIL",
            " ON CONFLICT ABORT",
            " ON CONFLICT ROLLBACK",
        ];
        (*self.random.pick(&words)).to_owned()
    }

    /// An expression over a table's own columns, without subqueries: for indexes, checks, generated columns.
    pub(super) fn over_columns(&mut self, table: &Table, depth: usize) -> Tree {
        let source = Source {
            alias: String::new(),
            ..table.source("")
        };
        let scopes = std::mem::replace(&mut self.scopes, vec![vec![source]]);
        let nesting = std::mem::replace(&mut self.nesting, 9);
        let leaves = std::mem::replace(&mut self.leaves, Leaves::Columns);
        let tree = self.expr(depth);
        self.scopes = scopes;
        self.nesting = nesting;
        self.leaves = leaves;
        tree
    }

    /// CREATE INDEX: columns or expressions, collations, directions, partial, unique now and then.
    pub(super) fn create_index(&mut self) -> Statement {
        let table = self.base_table();
        let name = self.fresh("i");
        let unique = matches!(self.profile, Profile::Writes | Profile::Ddl) && self.random.percent(15);
        let count = 1 + self.random.below(3);
        let mut terms: Vec<Tree> = Vec::new();
        let mut places = Vec::new();
        for _ in 0..count {
            let collation = if self.random.percent(15) {
                format!(" COLLATE {}", self.random.pick(COLLATIONS))
            } else {
                String::new()
            };
            let direction = *self.random.pick(&["", "", " DESC"]);
            if self.random.percent(20) {
                terms.push(
                    tree!(Sort::Piece; self.over_columns(&table, 2), format!("{collation}{direction}")),
                );
            } else {
                let at = self.random.below(table.columns.len());
                places.push(at);
                terms.push(Tree::text(
                    Sort::Piece,
                    format!("{}{collation}{direction}", table.columns[at].name),
                ));
            }
        }
        let partial = self
            .random
            .percent(25)
            .then(|| tree!(Sort::Piece; " WHERE ", self.over_columns(&table, 1)));
        let word = if unique { "UNIQUE " } else { "" };
        self.indexes.push((name.clone(), table.name.clone()));
        let tree = tree!(Sort::Piece; format!("CREATE {word}INDEX {name} ON {}(", table.name), (terms, ", ", 1), ")", partial);
        self.finish(tree)
    }

    pub(super) fn create_view(&mut self) -> Statement {
        let name = self.fresh("v");
        let derived = self.derived();
        let names = derived.columns.join(", ");
        let view = self.named(&name, &derived.columns);
        self.tables.push(view);
        let tree = tree!(Sort::Piece; format!("CREATE VIEW {name}({names}) AS "), derived.tree);
        self.finish(tree)
    }

    /// INSERT of some rows with keys that are likely to be free.
    pub(super) fn insert_rows(&mut self, table: &Table, count: usize) -> Statement {
        let columns: Vec<(String, &'static str)> = table
            .writable()
            .iter()
            .map(|column| (column.name.clone(), column.declared))
            .collect();
        let rows: Vec<Tree> = (0..count).map(|_| self.value_row(table, &columns)).collect();
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let tree = tree!(Sort::Piece; format!("INSERT OR IGNORE INTO {}({}) VALUES ", table.name, names.join(", ")), (rows, ", ", 1));
        self.finish(tree)
    }

    /// One row of VALUES.
    pub(super) fn value_row(&mut self, table: &Table, columns: &[(String, &'static str)]) -> Tree {
        let values: Vec<Tree> = columns
            .iter()
            .enumerate()
            .map(|(at, (_, declared))| {
                let text = if at == 0 {
                    self.random.below(40).to_string()
                } else if table.strict {
                    self.stored_strictly(declared)
                } else {
                    self.stored(declared)
                };
                Tree::text(Sort::Expr, text)
            })
            .collect();
        let width = values.len();
        tree!(Sort::Piece; "(", (values, ", ", width), ")")
    }

    pub(super) fn delete_one(&mut self) -> Statement {
        let table = self.base_table();
        let key = self.random.below(40);
        self.command(format!("DELETE FROM {} WHERE id = {key}", table.name))
    }
}
