//! INSERT, UPDATE, DELETE: conflict clauses, upsert, RETURNING, savepoints, changes through views.
//!
//! A change of several rows is asked for only where the order of the rows cannot matter, or is the order of keys for both engines: a range of keys,
//! and other terms behind a unary plus, so that no index serves them.

use super::compare::Statement;
use super::generator::{Generator, Leaves};
use super::schema::{Source, Table};
use super::tree::{Sort, Tree, tree};

impl Generator {
    /// One or a few statements that change rows, and a look at the table.
    pub(super) fn write_statement(&mut self, made: &mut Vec<Statement>) {
        let table = self.base_table();
        let statement = match self.random.below(24) {
            0..=6 => self.insert(&table),
            7..=9 => self.upsert(&table),
            10..=14 => self.update(&table),
            15 => self.update_from(&table),
            16 | 17 => self.delete(&table),
            18 => self.insert_select(&table),
            19 => {
                let text = *self
                    .random
                    .pick(&["BEGIN", "COMMIT", "ROLLBACK", "BEGIN IMMEDIATE"]);
                self.command(text)
            }
            20 | 21 => {
                let name = *self.random.pick(&["s1", "s2"]);
                let text = *self
                    .random
                    .pick(&["SAVEPOINT ", "RELEASE ", "ROLLBACK TO ", "SAVEPOINT "]);
                self.command(format!("{text}{name}"))
            }
            22 => {
                self.upkeep(made);
                return;
            }
            _ => self.query_statement(),
        };
        made.push(statement);
        if self.random.percent(30) {
            made.push(self.look(&table));
        }
    }

    /// All rows of a table.
    pub(super) fn look(&mut self, table: &Table) -> Statement {
        let rowid = if table.without_rowid || table.view {
            ""
        } else {
            "rowid, "
        };
        self.command(format!("SELECT {rowid}* FROM {}", table.name))
    }

    pub(super) fn verb(&mut self, verb: &str) -> String {
        let ways = [
            "",
            "",
            "",
            "",
            " OR IGNORE",
            " OR REPLACE",
            " OR FAIL",
            " OR ABORT",
            " OR ROLLBACK",
        ];
        format!("{verb}{}", self.random.pick(&ways))
    }

    /// Columns that a statement writes, the key mostly among them.
    fn some_columns(&mut self, table: &Table) -> Vec<(String, &'static str)> {
        let key = self.random.percent(85);
        let all = self.random.percent(60);
        table
            .writable()
            .iter()
            .enumerate()
            .filter(|(at, _)| {
                if *at == 0 {
                    key
                } else {
                    all || self.random.percent(60)
                }
            })
            .map(|(_, column)| (column.name.clone(), column.declared))
            .collect()
    }

    fn insert(&mut self, table: &Table) -> Statement {
        let columns = self.some_columns(table);
        let verb = if self.random.percent(6) {
            "REPLACE".to_owned()
        } else {
            self.verb("INSERT")
        };
        if columns.is_empty() {
            return self.command(format!("{verb} INTO {} DEFAULT VALUES", table.name));
        }
        let keyed = columns[0].0 == "id";
        let count = 1 + self.random.below(3);
        let rows: Vec<Tree> = (0..count)
            .map(|_| self.write_row(table, &columns, keyed))
            .collect();
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let returning = self.returning(table);
        let tree = tree!(Sort::Piece; format!("{verb} INTO {}({}) VALUES ", table.name, names.join(", ")), (rows, ", ", 1), returning);
        self.finish(tree)
    }

    fn write_row(&mut self, table: &Table, columns: &[(String, &'static str)], keyed: bool) -> Tree {
        let values: Vec<Tree> = columns
            .iter()
            .enumerate()
            .map(|(at, (_, declared))| {
                let text = if at == 0 && keyed {
                    if self.random.percent(4) && !table.strict {
                        self.literal()
                    } else {
                        self.random.below(25).to_string()
                    }
                } else if table.strict {
                    self.stored_strictly(declared)
                } else if self.random.percent(15) {
                    self.literal()
                } else {
                    self.stored(declared)
                };
                Tree::text(Sort::Expr, text)
            })
            .collect();
        let width = values.len();
        tree!(Sort::Piece; "(", (values, ", ", width), ")")
    }

    /// INSERT .. SELECT in the order of a key.
    fn insert_select(&mut self, table: &Table) -> Statement {
        let source = self.base_table();
        let columns = self.some_columns(table);
        if columns.is_empty() {
            return self.delete_one();
        }
        let keyed = columns[0].0 == "id";
        self.scopes.push(vec![source.source("z")]);
        let offset = self.random.below(30);
        let values: Vec<Tree> = (0..columns.len())
            .map(|at| {
                if at == 0 && keyed {
                    Tree::text(Sort::Expr, format!("z.id + {offset}"))
                } else {
                    let value = if self.random.percent(60) {
                        self.column()
                    } else {
                        self.expr(2)
                    };
                    fitting(table, &columns[at].0, value)
                }
            })
            .collect();
        let filter = tree!(Sort::Piece; " WHERE ", self.condition(1));
        self.scopes.pop();
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let width = values.len();
        let verb = self.verb("INSERT");
        let returning = self.returning(table);
        let tree = tree!(Sort::Piece; format!("{verb} INTO {}({}) SELECT ", table.name, names.join(", ")), (values, ", ", width),
            format!(" FROM {} AS z", source.name), filter, " ORDER BY z.id", returning);
        self.finish(tree)
    }

    /// INSERT .. ON CONFLICT .. DO.
    fn upsert(&mut self, table: &Table) -> Statement {
        let mut columns = self.some_columns(table);
        if columns.is_empty() || columns[0].0 != "id" {
            columns.insert(0, ("id".to_owned(), "INTEGER"));
        }
        let count = 1 + self.random.below(3);
        let rows: Vec<Tree> = (0..count)
            .map(|_| self.write_row(table, &columns, true))
            .collect();
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let mut clauses = Vec::new();
        for at in 0..1 + self.random.below(2) {
            clauses.push(self.upsert_clause(table, at));
        }
        let returning = self.returning(table);
        let verb = if self.random.percent(80) {
            "INSERT".to_owned()
        } else {
            self.verb("INSERT")
        };
        let tree = tree!(Sort::Piece; format!("{verb} INTO {}({}) VALUES ", table.name, names.join(", ")), (rows, ", ", 1), (clauses, "", 1), returning);
        self.finish(tree)
    }

    fn upsert_clause(&mut self, table: &Table, at: usize) -> Tree {
        let target = match self.random.below(4) {
            0 if at > 0 => String::new(),
            1 | 2 if !table.uniques.is_empty() => {
                let unique = self.random.pick(&table.uniques).clone();
                let names: Vec<&str> = unique.iter().map(|&at| table.columns[at].name.as_str()).collect();
                format!("({})", names.join(", "))
            }
            _ => "(id)".to_owned(),
        };
        if self.random.percent(30) {
            return Tree::text(Sort::Piece, format!(" ON CONFLICT{target} DO NOTHING"));
        }
        let old = Source {
            alias: table.name.clone(),
            ..table.source("")
        };
        let mut new = Source {
            alias: "excluded".to_owned(),
            ..table.source("")
        };
        if !table.without_rowid && matches!(target.as_str(), "" | "(id)") {
            // SQLite meets a taken rowid before it has given the values the types of their columns.
            let as_given = |name: &String| {
                let own = table.columns.iter().find(|own| own.name == *name);
                own.is_some_and(|own| matches!(own.declared, "" | "BLOB" | "ANY") || own.name == "id")
            };
            new.columns.retain(as_given);
        }
        self.scopes.push(vec![old, new]);
        let sets = self.assignments(table, 2);
        let filter = self
            .random
            .percent(30)
            .then(|| tree!(Sort::Piece; " WHERE ", self.condition(1)));
        self.scopes.pop();
        tree!(Sort::Piece; format!(" ON CONFLICT{target} DO UPDATE SET "), (sets, ", ", 1), filter)
    }

    /// `column = expression`, and rows of columns now and then.
    pub(super) fn assignments(&mut self, table: &Table, depth: usize) -> Vec<Tree> {
        let columns: Vec<String> = table
            .writable()
            .iter()
            .skip(1)
            .map(|column| column.name.clone())
            .collect();
        if columns.is_empty() {
            return vec![Tree::text(Sort::Piece, "id = id")];
        }
        if columns.len() > 1 && self.random.percent(10) {
            let (a, b) = (self.expr(depth), self.expr(depth));
            let (a, b) = (fitting(table, &columns[0], a), fitting(table, &columns[1], b));
            return vec![
                tree!(Sort::Piece; format!("({}, {}) = (", columns[0], columns[1]), a, ", ", b, ")"),
            ];
        }
        (0..1 + self.random.below(2))
            .map(|_| {
                let column = self.random.pick(&columns).clone();
                let value = if self.random.percent(50) {
                    self.leaf()
                } else {
                    self.expr(depth)
                };
                let value = fitting(table, &column, value);
                tree!(Sort::Piece; format!("{column} = "), value)
            })
            .collect()
    }

    /// A condition whose rows both engines find in the order of the key.
    fn scan_condition(&mut self, table: &Table) -> Tree {
        let at = self.random.below(table.columns.len());
        let name = &table.columns[at].name;
        let text = match self.random.below(6) {
            0 => format!("+{name} IS NULL"),
            1 => format!("+{name} IS NOT NULL"),
            2 => format!("+id % {} = {}", 2 + self.random.below(2), self.random.below(2)),
            3 => format!("typeof(+{name}) = 'text'"),
            _ => format!("+{name} > {}", self.literal()),
        };
        let from = self.random.below(12);
        let key = if table.alias { "id" } else { "rowid" };
        Tree::text(Sort::Piece, format!("{key} > {from} AND {text}"))
    }

    fn update(&mut self, table: &Table) -> Statement {
        let source = Source {
            alias: String::new(),
            ..table.source("")
        };
        // The order of rows shows where keys can be taken.
        let ordered = !table.uniques.is_empty() || self.indexes.iter().any(|(_, own)| *own == table.name);
        let single = ordered || self.random.percent(45);
        let verb = match single {
            true => self.verb("UPDATE"),
            false => (*self.random.pick(&["UPDATE", "UPDATE OR IGNORE"])).to_owned(),
        };
        self.scopes.push(vec![source]);
        let nesting = std::mem::replace(&mut self.nesting, 9);
        let mut sets = self.assignments(table, 2);
        self.nesting = nesting;
        self.scopes.pop();
        if single && self.random.percent(15) {
            sets.push(Tree::text(Sort::Piece, format!("id = {}", self.random.below(25))));
        }
        let filter = if single {
            Tree::text(Sort::Expr, format!("id = {}", self.random.below(25)))
        } else {
            self.scan_condition(table)
        };
        let returning = self.returning(table);
        let tree = tree!(Sort::Piece; format!("{verb} {} SET ", table.name), (sets, ", ", 1), " WHERE ", filter, returning);
        self.finish(tree)
    }

    /// UPDATE FROM in which at most one row joins each row.
    fn update_from(&mut self, table: &Table) -> Statement {
        let other = self.base_table();
        let own = Source {
            alias: table.name.clone(),
            ..table.source("")
        };
        self.scopes.push(vec![own, other.source("o")]);
        let nesting = std::mem::replace(&mut self.nesting, 9);
        let sets = self.assignments(table, 1);
        let one = !table.uniques.is_empty() || self.indexes.iter().any(|(_, own)| *own == table.name);
        let one = if one {
            format!(" AND o.id = {}", self.random.below(25))
        } else {
            String::new()
        };
        let more = self
            .random
            .percent(40)
            .then(|| tree!(Sort::Piece; " AND ", self.condition(1)));
        self.nesting = nesting;
        self.scopes.pop();
        let tree = tree!(Sort::Piece; format!("UPDATE OR IGNORE {} SET ", table.name), (sets, ", ", 1),
            format!(" FROM {} AS o WHERE o.id = {}.id{one}", other.name, table.name), more);
        self.finish(tree)
    }

    fn delete(&mut self, table: &Table) -> Statement {
        let filter = match self.random.below(8) {
            0..=4 => Tree::text(Sort::Expr, format!("id = {}", self.random.below(25))),
            5 if self.random.percent(20) => Tree::text(Sort::Expr, "1"),
            _ => {
                self.scopes.push(vec![Source {
                    alias: table.name.clone(),
                    ..table.source("")
                }]);
                let condition = self.condition(2);
                self.scopes.pop();
                tree!(Sort::Expr; "id % 3 = 1 AND ", condition)
            }
        };
        let returning = self.returning(table);
        let tree = tree!(Sort::Piece; format!("DELETE FROM {}", table.name), Some(tree!(Sort::Piece; " WHERE ", filter)), returning);
        self.finish(tree)
    }

    pub(super) fn returning(&mut self, table: &Table) -> Option<Tree> {
        if self.random.percent(70) {
            return None;
        }
        if self.random.percent(50) {
            return Some(Tree::text(Sort::Piece, " RETURNING *"));
        }
        let source = Source {
            alias: String::new(),
            ..table.source("")
        };
        let scopes = std::mem::replace(&mut self.scopes, vec![vec![source]]);
        let nesting = std::mem::replace(&mut self.nesting, 9);
        let leaves = std::mem::replace(&mut self.leaves, Leaves::Columns);
        let list: Vec<Tree> = (0..1 + self.random.below(2)).map(|_| self.expr(2)).collect();
        self.scopes = scopes;
        self.nesting = nesting;
        self.leaves = leaves;
        // SQLite may give the integer from which such a column was computed.
        let mut columns = table.columns.iter();
        self.ask.coarse |= columns.any(|column| column.generated && column.declared == "REAL");
        Some(tree!(Sort::Piece; " RETURNING ", (list, ", ", 1)))
    }
}

/// A value that a STRICT table's column takes: what its wrong types do to half a statement is open.
fn fitting(table: &Table, column: &str, value: Tree) -> Tree {
    let found = table.columns.iter().find(|own| own.name == column);
    match found.map(|own| own.declared) {
        Some(declared) if table.strict && declared != "ANY" => {
            tree!(Sort::Expr; "CAST(", value, format!(" AS {declared})"))
        }
        _ => value,
    }
}
