//! CREATE, ALTER, DROP, and what holds after them.

use super::compare::Statement;
use super::generator::Generator;
use super::schema::{Column, Table};

impl Generator {
    /// A change of the schema, rows for it, or a query over it.
    pub(super) fn ddl_statement(&mut self, made: &mut Vec<Statement>) {
        match self.random.below(24) {
            0 | 1 if self.tables.len() < 7 => {
                made.push(self.create_table());
                let table = self.tables[self.tables.len() - 1].clone();
                made.push(self.insert_rows(&table, 4));
            }
            2..=4 => made.push(self.create_index()),
            5 => {
                if let Some((name, _)) = self.indexes.pop() {
                    made.push(self.command(format!("DROP INDEX IF EXISTS {name}")));
                }
            }
            6 if self.tables.len() < 9 => made.push(self.create_view()),
            7 => self.drop_relation(made),
            8 | 9 => self.add_column(made),
            10 => self.rename_column(made),
            11 => self.rename_table(made),
            12 => self.drop_column(made),
            13 => self.create_table_as(made),
            14 => {
                let text = *self
                    .random
                    .pick(&["REINDEX", "VACUUM", "ANALYZE", "PRAGMA integrity_check"]);
                made.push(self.command(text));
            }
            15 => {
                let text = *self.random.pick(&[
                    "BEGIN",
                    "COMMIT",
                    "ROLLBACK",
                    "SAVEPOINT s",
                    "ROLLBACK TO s",
                    "RELEASE s",
                ]);
                made.push(self.command(text));
            }
            16 if self.random.percent(50) => self.change_constraint(made),
            16 => self.describe(made),
            17 | 18 => self.write_statement(made),
            _ => made.push(self.query_statement()),
        }
    }

    fn drop_relation(&mut self, made: &mut Vec<Statement>) {
        let base = self.tables.iter().filter(|table| !table.view).count();
        let at = self.random.below(self.tables.len());
        if !self.tables[at].view && base < 3 {
            return;
        }
        let gone = self.tables.remove(at);
        self.indexes.retain(|(_, table)| *table != gone.name);
        let kind = if gone.view { "VIEW" } else { "TABLE" };
        made.push(self.command(format!("DROP {kind} {}", gone.name)));
    }

    fn place_of_base(&mut self) -> usize {
        let base: Vec<usize> = (0..self.tables.len())
            .filter(|&at| !self.tables[at].view)
            .collect();
        *self.random.pick(&base)
    }

    fn add_column(&mut self, made: &mut Vec<Statement>) {
        let at = self.place_of_base();
        let table = self.tables[at].clone();
        let name = self.fresh("n");
        let declared = if table.strict {
            "TEXT"
        } else {
            *self.random.pick(&["INTEGER", "TEXT", "REAL", "", "BLOB"])
        };
        let extra = match self.random.below(8) {
            0 => format!(" DEFAULT {}", self.stored(declared)),
            1 => format!(" NOT NULL DEFAULT {}", self.stored(declared)),
            2 => format!(" DEFAULT ({})", self.stored(declared)),
            3 => format!(" AS ({})", self.over_columns(&table, 2)),
            4 => format!(" CHECK ({name} IS NOT {})", self.stored(declared)),
            5 => " COLLATE NOCASE".to_owned(),
            _ => String::new(),
        };
        let column = Column {
            generated: extra.starts_with(" AS"),
            ..self.column_named(&name, declared)
        };
        self.tables[at].columns.push(column);
        made.push(self.command(format!(
            "ALTER TABLE {} ADD COLUMN {name} {declared}{extra}",
            table.name
        )));
        made.push(self.look(&table));
    }

    fn rename_column(&mut self, made: &mut Vec<Statement>) {
        let at = self.place_of_base();
        let table = self.tables[at].name.clone();
        let place = 1 + self.random.below(self.tables[at].columns.len() - 1);
        let from = self.tables[at].columns[place].name.clone();
        let to = self.fresh("r");
        self.tables[at].columns[place].name.clone_from(&to);
        made.push(self.command(format!("ALTER TABLE {table} RENAME COLUMN {from} TO {to}")));
    }

    /// A constraint that comes or goes; rows that it does not fit may be there.
    fn change_constraint(&mut self, made: &mut Vec<Statement>) {
        let at = self.place_of_base();
        let table = self.tables[at].clone();
        let place = 1 + self.random.below(table.columns.len() - 1);
        let column = &table.columns[place];
        let name = self.random.below(3);
        let change = match self.random.below(6) {
            0 => format!("ALTER {} SET NOT NULL", column.name),
            1 => format!("ALTER COLUMN {} SET NOT NULL ON CONFLICT IGNORE", column.name),
            2 => format!("ALTER COLUMN {} DROP NOT NULL", column.name),
            3 => format!(
                "ADD CHECK ({} IS NOT {})",
                column.name,
                self.stored(column.declared)
            ),
            4 => format!(
                "ADD CONSTRAINT k{name} CHECK ({} <> {})",
                column.name,
                self.stored(column.declared)
            ),
            _ => format!("DROP CONSTRAINT k{name}"),
        };
        made.push(self.command(format!("ALTER TABLE {} {change}", table.name)));
        made.push(self.command(format!(
            "SELECT sql FROM sqlite_schema WHERE name = '{}'",
            table.name
        )));
    }

    fn rename_table(&mut self, made: &mut Vec<Statement>) {
        let at = self.place_of_base();
        let from = self.tables[at].name.clone();
        let to = self.fresh("t");
        self.tables[at].name.clone_from(&to);
        for (_, table) in &mut self.indexes {
            if *table == from {
                table.clone_from(&to);
            }
        }
        made.push(self.command(format!("ALTER TABLE {from} RENAME TO {to}")));
    }

    fn drop_column(&mut self, made: &mut Vec<Statement>) {
        let at = self.place_of_base();
        if self.tables[at].columns.len() < 4 {
            return;
        }
        let table = self.tables[at].name.clone();
        let place = self.tables[at].columns.len() - 1;
        let name = self.tables[at].columns[place].name.clone();
        self.tables[at].columns.remove(place);
        self.tables[at].uniques.retain(|unique| !unique.contains(&place));
        made.push(self.command(format!("ALTER TABLE {table} DROP COLUMN {name}")));
    }

    fn create_table_as(&mut self, made: &mut Vec<Statement>) {
        if self.tables.len() > 8 {
            return;
        }
        let name = self.fresh("t");
        let derived = self.derived();
        made.push(self.command(format!("CREATE TABLE {name} AS {}", derived.tree)));
        made.push(self.command(format!("SELECT * FROM {name}")));
        // Rows lie in the order of a plan: their rowids are open.
        made.push(self.command(format!("DROP TABLE {name}")));
    }

    fn describe(&mut self, made: &mut Vec<Statement>) {
        // The types of a view's columns are told differently.
        let name = self.base_table().name;
        let text = match self.random.below(4) {
            0 => format!("PRAGMA table_xinfo({name})"),
            1 => format!("PRAGMA table_info({name})"),
            2 => format!("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE tbl_name = '{name}'"),
            _ => format!("SELECT name, \"unique\", origin, partial FROM pragma_index_list('{name}')"),
        };
        made.push(self.command(text));
    }

    /// A table or view by what it answers to.
    pub(super) fn named(&self, name: &str, columns: &[String]) -> Table {
        Table {
            name: name.to_owned(),
            columns: columns.iter().map(|name| plain_column(name)).collect(),
            without_rowid: true,
            alias: false,
            view: true,
            strict: false,
            uniques: Vec::new(),
        }
    }
}

/// A column that is only a name: of a view, a common table.
fn plain_column(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        declared: "",
        collation: "",
        generated: false,
        not_null: false,
        default: false,
    }
}
