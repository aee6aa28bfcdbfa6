//! Queries made to set off the planner's and the executor's shortcuts, beside SQLite: seeks and their ranges, LIKE and GLOB prefixes, several
//! indexes at once, skip-scans, partial and expression indexes, min, max and count, LIMIT and OFFSET, redundant ORDER BY and DISTINCT, conditions
//! that move into views, unions and windows, outer joins that become inner ones, IN and EXISTS with NULLs, hash tables in place of indexes.
//!
//! Every case is a schema, its rows and some queries, made from a seed; `SHORTCUT_SEED` and `SHORTCUT_CASES` choose others. Values that collations or
//! affinities take for equal although they are not the same are not put out as they are where either of them may stand for both.

use std::fmt::Write as _;

use crate::both::{Both, Outcome, run_ours, run_theirs};

const CASES: u64 = 12;
const QUERIES: usize = 60;

#[test]
fn shortcuts_answer_as_sqlite_does() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first: u64 = number("SHORTCUT_SEED").unwrap_or(1);
    let mut failures = Vec::new();
    for seed in first..first + number("SHORTCUT_CASES").unwrap_or(CASES) {
        run_case(seed, &mut failures);
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

/// Adds what differs to `failures`; the first difference of a case with its schema.
fn run_case(seed: u64, failures: &mut Vec<String>) {
    let mut maker = Maker::new(seed);
    let both = Both::new();
    let setup = maker.schema();
    let mut found = false;
    for statement in &setup {
        let (ours, theirs) = (
            run_ours(&both.ours, statement),
            run_theirs(&both.theirs, statement),
        );
        assert_eq!(ours, theirs, "seed {seed}: {statement}");
    }
    for _ in 0..QUERIES {
        let (sql, ordered) = maker.query();
        let (mut ours, mut theirs) = (run_ours(&both.ours, &sql), run_theirs(&both.theirs, &sql));
        if !ordered {
            sort(&mut ours);
            sort(&mut theirs);
        }
        let agree = match (&ours, &theirs) {
            (Err(_), Err(_)) => true,
            _ => ours == theirs,
        };
        if !agree {
            let schema = format!("{};\n", setup.join(";\n"));
            failures.push(format!(
                "{}seed {seed}: {sql}\nours   {}\nSQLite {}",
                if found { "" } else { &schema },
                shown(&ours),
                shown(&theirs)
            ));
            found = true;
        }
    }
}

fn sort(outcome: &mut Outcome) {
    if let Ok(rows) = outcome {
        rows.sort();
    }
}

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Ok(rows) => format!("{} rows: {:?}", rows.len(), &rows[..rows.len().min(12)]),
        Err(error) => format!("{error:?}"),
    }
}

/// Makes cases.
struct Maker {
    state: u64,
    tables: Vec<Table>,
}

struct Table {
    name: &'static str,
    columns: Vec<Column>,
}

struct Column {
    name: &'static str,
    kind: Kind,
    collation: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Text,
    Real,
    Any,
    Numeric,
}

impl Maker {
    fn new(seed: u64) -> Maker {
        Maker {
            state: seed.wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(29),
            tables: Vec::new(),
        }
    }

    fn below(&mut self, count: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % count as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    // ---- schema and rows -------------------------------------------------------------------------

    fn schema(&mut self) -> Vec<String> {
        let mut statements = Vec::new();
        for name in ["t", "u", "v"] {
            let table = self.table(name, &mut statements);
            self.tables.push(table);
        }
        for table in 0..self.tables.len() {
            self.indexes(table, &mut statements);
        }
        if self.one_in(2) {
            statements.push("ANALYZE".to_owned());
        }
        statements.push("CREATE VIEW joined AS SELECT t.a AS a, t.b AS b, u.c AS c, u.d AS d FROM t LEFT JOIN u ON t.a = u.a".to_owned());
        statements.push(
            "CREATE VIEW summed AS SELECT a, b, count(*) AS n, max(d) AS d FROM t GROUP BY a, b".to_owned(),
        );
        statements.push(
            "CREATE VIEW both AS SELECT a, b, c, d FROM t WHERE id < 30 UNION ALL SELECT a, b, c, d FROM t WHERE b IS NOT NULL".to_owned(),
        );
        statements
    }

    fn table(&mut self, name: &'static str, statements: &mut Vec<String>) -> Table {
        let mut columns = Vec::new();
        let mut list = String::new();
        for column in ["a", "b", "c", "d"] {
            let (kind, declared) = self.pick(&[
                (Kind::Integer, "INT"),
                (Kind::Integer, "INTEGER"),
                (Kind::Text, "TEXT"),
                (Kind::Text, "TEXT"),
                (Kind::Real, "REAL"),
                (Kind::Any, ""),
                (Kind::Any, "BLOB"),
                (Kind::Numeric, "NUMERIC"),
            ]);
            let collation = match kind {
                Kind::Text | Kind::Any => self.pick(&["BINARY", "BINARY", "NOCASE", "RTRIM"]),
                _ => "BINARY",
            };
            let _ = write!(list, ", {column} {declared} COLLATE {collation}");
            columns.push(Column {
                name: column,
                kind,
                collation,
            });
        }
        let generated = self.pick(&[
            "",
            ", e AS (a || b)",
            ", e INT AS (length(c)) STORED",
            ", e TEXT AS (upper(b))",
        ]);
        let has_rowid = self.below(4) > 0;
        let tail = if has_rowid { "" } else { " WITHOUT ROWID" };
        statements.push(format!(
            "CREATE TABLE {name}(id INTEGER PRIMARY KEY{list}{generated}){tail}"
        ));
        let rows = 20 + self.below(60);
        for id in 0..rows {
            let values: Vec<String> = (0..4).map(|column| self.stored(columns[column].kind)).collect();
            let id = id as i64 * 3 - 20;
            statements.push(format!(
                "INSERT INTO {name}(id, a, b, c, d) VALUES({id}, {})",
                values.join(", ")
            ));
        }
        Table { name, columns }
    }

    fn indexes(&mut self, table: usize, statements: &mut Vec<String>) {
        for number in 0..self.below(5) {
            let mut parts = Vec::new();
            for _ in 0..1 + self.below(3) {
                let column = self.column(table);
                let part = match self.below(8) {
                    0 => format!("lower({column})"),
                    1 => format!("{column} COLLATE NOCASE"),
                    2 => format!("{column} || 'x'"),
                    _ => column.to_owned(),
                };
                let direction = self.pick(&["", "", " DESC"]);
                parts.push(format!("{part}{direction}"));
            }
            let condition = match self.below(6) {
                0 => format!(" WHERE {} IS NOT NULL", self.column(table)),
                1 => format!(" WHERE {} > {}", self.column(table), self.literal()),
                2 => format!(" WHERE {} = {}", self.column(table), self.literal()),
                _ => String::new(),
            };
            let name = self.tables[table].name;
            statements.push(format!(
                "CREATE INDEX {name}_{number} ON {name}({}){condition}",
                parts.join(", ")
            ));
        }
    }

    fn column(&mut self, table: usize) -> &'static str {
        let number = self.below(4);
        self.tables[table].columns[number].name
    }

    fn stored(&mut self, kind: Kind) -> String {
        match (kind, self.below(10)) {
            (_, 0) => "NULL".to_owned(),
            (Kind::Any, _) => self.literal(),
            (Kind::Integer | Kind::Numeric, 1..9) => (self.below(14) as i64 - 3).to_string(),
            (Kind::Real, 1..9) => format!("{}.5", self.below(9)),
            (Kind::Text, 1..9) => self.text(),
            _ => self.literal(),
        }
    }

    fn literal(&mut self) -> String {
        match self.below(12) {
            0 => "NULL".to_owned(),
            1..5 => (self.below(14) as i64 - 3).to_string(),
            5 => format!("{}.5", self.below(5)),
            6 => self
                .pick(&[
                    "x'616263'",
                    "x''",
                    "9007199254740993",
                    "-0.5",
                    "1e30",
                    "'1'",
                    "'2.5'",
                    "'007'",
                    "' 3'",
                ])
                .to_owned(),
            _ => self.text(),
        }
    }

    fn text(&mut self) -> String {
        self.pick(&[
            "'abc'", "'ABC'", "'abc '", "'Abd'", "'ab'", "'a'", "'A'", "''", "'b'", "'ab%c'", "'a_c'",
            "'abcd'", "'zebra'", "'12'", "'5'", "'-2'", "'é'", "'aZ'", "'a['", "'7x'",
        ])
        .to_owned()
    }

    // ---- conditions ------------------------------------------------------------------------------

    /// A column with its table's alias.
    fn of(&mut self, table: usize, alias: &str) -> String {
        format!(
            "{alias}.{}",
            if self.one_in(9) { "id" } else { self.column(table) }
        )
    }

    fn condition(&mut self, table: usize, alias: &str, depth: usize) -> String {
        if depth > 0 && self.one_in(3) {
            let (left, right) = (
                self.condition(table, alias, depth - 1),
                self.condition(table, alias, depth - 1),
            );
            let word = self.pick(&["AND", "OR", "OR"]);
            return format!("({left} {word} {right})");
        }
        let column = self.of(table, alias);
        match self.below(20) {
            17 | 18 => self.pages(table, alias),
            0..4 => {
                let comparison = self.pick(&["=", "=", "<", "<=", ">", ">=", "<>", "IS", "IS NOT"]);
                format!("{column} {comparison} {}", self.literal())
            }
            4 => format!("{column} BETWEEN {} AND {}", self.literal(), self.literal()),
            5 | 6 => {
                let list: Vec<String> = (0..1 + self.below(5)).map(|_| self.literal()).collect();
                let not = self.pick(&["", "", "NOT "]);
                format!("{column} {not}IN ({})", list.join(", "))
            }
            7 | 8 => {
                let pattern = self.pick(&[
                    "'ab%'", "'AB%'", "'a_c'", "'a%c'", "'%c'", "'abc'", "'1%'", "'12%'", "'-%'", "'ab\\%%'",
                    "'a\\_%'", "'é%'", "''", "'%'", "'7%'", "5", "NULL", "'a[%'", "'Z%'",
                ]);
                let escape = self.pick(&["", "", " ESCAPE '\\'"]);
                let not = self.pick(&["", "", "NOT "]);
                format!("{column} {not}LIKE {pattern}{escape}")
            }
            9 => {
                let pattern = self.pick(&[
                    "'ab*'", "'A*'", "'a?c'", "'[a-b]*'", "'1*'", "'*c'", "'a[[]*'", "'abc'", "'aZ*'",
                ]);
                format!("{column} GLOB {pattern}")
            }
            10 => format!("{column} IS NULL"),
            11 => format!("{column} IS NOT NULL"),
            12 => {
                let collation = self.pick(&["NOCASE", "RTRIM", "BINARY"]);
                let comparison = self.pick(&["=", "<", ">="]);
                format!("{column} COLLATE {collation} {comparison} {}", self.literal())
            }
            13 => format!("lower({column}) = {}", self.text()),
            14 => format!("{column} || 'x' = {} || 'x'", self.text()),
            15 => {
                // Equal columns and a constant.
                let other = self.of(table, alias);
                format!("({column} = {other} AND {other} = {})", self.literal())
            }
            _ => {
                let other = self.of(table, alias);
                let comparison = self.pick(&["=", "<", ">", "IS"]);
                format!("{column} {comparison} {other}")
            }
        }
    }

    /// What begins a page of a long list: a comparison of row values, or the same spelled out.
    fn pages(&mut self, table: usize, alias: &str) -> String {
        let (a, b) = (self.of(table, alias), self.of(table, alias));
        let (low, second) = (self.literal(), self.literal());
        let (strict, loose) = self.pick(&[(">", ">="), ("<", "<="), (">", ">"), ("<", "<"), (">", "<")]);
        match self.below(3) {
            0 => format!("({a}, {b}) {loose} ({low}, {second})"),
            1 => format!("({a} {strict} {low} OR {a} = {low} AND {b} {loose} {second})"),
            _ => format!(
                "({a}, {b}) BETWEEN ({low}, {second}) AND ({}, {second})",
                self.literal()
            ),
        }
    }

    /// Something that joins two tables.
    fn link(&mut self, (left, left_alias): (usize, &str), (right, right_alias): (usize, &str)) -> String {
        let (a, b) = (self.of(left, left_alias), self.of(right, right_alias));
        match self.below(8) {
            0 => format!("{a} IS {b}"),
            1 => format!("{a} = {b} AND {}", self.condition(right, right_alias, 0)),
            2 => format!("{b} BETWEEN {a} AND {a} + 2"),
            3 => format!("{a} = {b} COLLATE NOCASE"),
            4 => format!("({a} = {b} OR {} = {b})", self.of(left, left_alias)),
            _ => format!("{a} = {b}"),
        }
    }

    // ---- queries ---------------------------------------------------------------------------------

    /// A query, and whether its order is known.
    fn query(&mut self) -> (String, bool) {
        let table = self.below(self.tables.len());
        let name = self.tables[table].name;
        let where_ = self.condition(table, name, 2);
        let (a, b) = (self.column(table), self.column(table));
        match self.below(27) {
            0 | 1 => (format!("SELECT * FROM {name} WHERE {where_}"), false),
            2 => {
                let plain = self.plain(table);
                let condition = if self.one_in(2) {
                    String::new()
                } else {
                    format!(" WHERE {where_}")
                };
                (
                    format!(
                        "SELECT min({plain}), max({plain}), count(*), count({plain}) FROM {name}{condition}"
                    ),
                    false,
                )
            }
            3 => {
                let plain = self.plain(table);
                let function = self.pick(&["min", "max"]);
                let condition = if self.one_in(2) {
                    String::new()
                } else {
                    format!(" WHERE {where_}")
                };
                (
                    format!("SELECT {function}({plain}) FROM {name}{condition}"),
                    false,
                )
            }
            4 | 5 => {
                let order = self.order(table);
                let limit = self.limit();
                (
                    format!("SELECT id, {a}, {b} FROM {name} WHERE {where_} ORDER BY {order}, id{limit}"),
                    true,
                )
            }
            6 => {
                let order = self.order(table);
                let limit = self.limit();
                (
                    format!("SELECT id, {a} FROM {name} ORDER BY {order}, id{limit}"),
                    true,
                )
            }
            7 => {
                let limit = self.limit();
                (
                    format!(
                        "SELECT count(*) FROM (SELECT DISTINCT {a}, {b} FROM {name} WHERE {where_}{limit})"
                    ),
                    false,
                )
            }
            8 => (
                format!(
                    "SELECT count(*), sum(n) FROM (SELECT {a}, count(*) AS n FROM {name} WHERE {where_} GROUP BY {a}, {b} ORDER BY {a} DESC)"
                ),
                false,
            ),
            9 => {
                let outer = self.condition_on("joined");
                (format!("SELECT * FROM joined WHERE {outer}"), false)
            }
            10 => {
                let outer = self.condition_on("both");
                let limit = if self.one_in(3) {
                    " ORDER BY typeof(a), a, typeof(b), b, typeof(c), c, typeof(d), d LIMIT 7"
                } else {
                    ""
                };
                match limit {
                    "" => (format!("SELECT * FROM both WHERE {outer}"), false),
                    limit => (
                        format!("SELECT count(*) FROM (SELECT * FROM both WHERE {outer}{limit})"),
                        false,
                    ),
                }
            }
            11 => {
                let outer = self.condition_on("summed");
                (
                    format!("SELECT count(*), sum(n) FROM summed WHERE {outer}"),
                    false,
                )
            }
            12 => {
                let (partition, order) = (self.column(table), self.order(table));
                let inner = format!(
                    "SELECT id, a, b, c, d, row_number() OVER (PARTITION BY {partition} ORDER BY {order}, id) AS n, count(*) OVER (PARTITION BY {partition}) AS m FROM {name}"
                );
                let outer = self.condition_on("w");
                let extra = self.pick(&["", " AND n = 1", " AND n <= 2", " AND m > 1"]);
                (
                    format!("SELECT w.id, w.n, w.m FROM ({inner}) AS w WHERE {outer}{extra}"),
                    false,
                )
            }
            24..=26 => self.windows(table, &where_),
            13 | 14 => self.join(),
            15 => self.outer_join(),
            16 => self.membership(),
            17 => self.existence(),
            18 => {
                let column = self.of(table, name);
                let list = self.condition(table, "i", 0);
                let limit = self.limit();
                (
                    format!(
                        "SELECT id FROM {name} WHERE {column} IN (SELECT {a} FROM {name} AS i WHERE {list} ORDER BY id{limit})"
                    ),
                    false,
                )
            }
            19 => {
                let limit = self.limit();
                (
                    format!(
                        "SELECT id, {a} FROM {name} WHERE {where_} UNION ALL SELECT id, {b} FROM {name} ORDER BY 1, 2{limit}"
                    ),
                    true,
                )
            }
            20 => {
                let op = self.pick(&["UNION", "INTERSECT", "EXCEPT"]);
                (
                    format!(
                        "SELECT count(*) FROM (SELECT {a} FROM {name} WHERE {where_} {op} SELECT {b} FROM {name})"
                    ),
                    false,
                )
            }
            21 => {
                let other = self.below(self.tables.len());
                let other_name = self.tables[other].name;
                let link = self.link((table, "x"), (other, "y"));
                (
                    format!(
                        "SELECT x.id, (SELECT count(*) FROM {other_name} AS y WHERE {link}), (SELECT y.id FROM {other_name} AS y WHERE {link} ORDER BY y.id DESC LIMIT 1) FROM {name} AS x"
                    ),
                    false,
                )
            }
            22 => (
                format!(
                    "SELECT group_concat(id) FROM (SELECT id FROM {name} WHERE {where_} ORDER BY id DESC)"
                ),
                false,
            ),
            _ => {
                let order = self.order(table);
                (
                    format!(
                        "SELECT {a}, count(*) FROM (SELECT * FROM {name} WHERE {where_} ORDER BY {order}, id LIMIT 20) GROUP BY id ORDER BY id"
                    ),
                    true,
                )
            }
        }
    }

    /// An argument of min and max of which equal values are the same.
    fn plain(&mut self, table: usize) -> &'static str {
        let columns = &self.tables[table].columns;
        let plain: Vec<&'static str> = columns
            .iter()
            .filter(|column| column.collation == "BINARY")
            .map(|column| column.name)
            .collect();
        if plain.is_empty() { "id" } else { self.pick(&plain) }
    }

    fn order(&mut self, table: usize) -> String {
        let terms = 1 + self.below(2);
        let term = |maker: &mut Maker| {
            let column = maker.column(table);
            let collation = maker.pick(&["", "", "", " COLLATE NOCASE"]);
            let direction = maker.pick(&["", "", " DESC", " DESC NULLS FIRST", " NULLS LAST"]);
            format!("{column}{collation}{direction}")
        };
        let terms: Vec<String> = (0..terms).map(|_| term(self)).collect();
        terms.join(", ")
    }

    /// Windows over rows that come in some order already, by all of the keys, by the first or by the last of them; the results of peers agree.
    fn windows(&mut self, table: usize, condition: &str) -> (String, bool) {
        let window = |maker: &mut Maker| {
            let id = maker.pick(&["id", "id", "id DESC"]).to_owned();
            let mut order = match maker.below(4) {
                0 => id,
                1 => format!("{}, {id}", maker.column(table)),
                2 => format!("{}, {id}", maker.order(table)),
                _ => maker.order(table),
            };
            if maker.one_in(8) {
                order = format!("{order}, {}", maker.order(table));
            }
            match maker.below(4) {
                0 => format!("(ORDER BY {order})"),
                1 => format!(
                    "(PARTITION BY {}, {} ORDER BY {order})",
                    maker.column(table),
                    maker.column(table)
                ),
                _ => format!("(PARTITION BY {} ORDER BY {order})", maker.column(table)),
            }
        };
        let (v, w) = (window(self), window(self));
        let name = self.tables[table].name;
        let condition = if self.one_in(2) {
            String::new()
        } else {
            format!("WHERE {condition}")
        };
        let second = match self.one_in(2) {
            true => "rank() OVER w, cume_dist() OVER w, count(*) OVER (w GROUPS 1 PRECEDING)",
            false => "id",
        };
        (
            format!(
                "SELECT id, rank() OVER v, dense_rank() OVER v, sum(id) OVER v, count(*) OVER (v GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES), max(id) OVER (v RANGE CURRENT ROW), {second} FROM {name} {condition} WINDOW v AS {v}, w AS {w}"
            ),
            false,
        )
    }

    fn limit(&mut self) -> String {
        match self.below(5) {
            0 => String::new(),
            1 => format!(" LIMIT {}", self.below(8)),
            2 => format!(" LIMIT {} OFFSET {}", self.below(8), self.below(12)),
            3 => format!(" LIMIT -1 OFFSET {}", self.below(20)),
            _ => " LIMIT 1".to_owned(),
        }
    }

    /// A condition on what a view or subquery puts out.
    fn condition_on(&mut self, alias: &str) -> String {
        let condition = self.condition(0, alias, 1);
        condition.replace(&format!("{alias}.id"), &format!("{alias}.a"))
    }

    fn join(&mut self) -> (String, bool) {
        let (left, right) = (self.below(self.tables.len()), self.below(self.tables.len()));
        let (left_name, right_name) = (self.tables[left].name, self.tables[right].name);
        let link = self.link((left, "x"), (right, "y"));
        let more = self.condition(left, "x", 1);
        let third = self.below(self.tables.len());
        let (third_name, third_link) = (self.tables[third].name, self.link((right, "y"), (third, "z")));
        match self.below(4) {
            0 => (
                format!("SELECT x.id, y.id FROM {left_name} AS x, {right_name} AS y WHERE {link} AND {more}"),
                false,
            ),
            1 => {
                let limit = self.limit();
                (
                    format!(
                        "SELECT x.id, y.id FROM {left_name} AS x JOIN {right_name} AS y ON {link} ORDER BY x.id, y.id{limit}"
                    ),
                    true,
                )
            }
            2 => (
                format!(
                    "SELECT count(*), sum(x.id), sum(z.id) FROM {left_name} AS x, {right_name} AS y, {third_name} AS z WHERE {link} AND {third_link} AND {more}"
                ),
                false,
            ),
            _ => {
                let order = self.order(left);
                let order = order
                    .split(", ")
                    .map(|term| format!("x.{term}"))
                    .collect::<Vec<_>>()
                    .join(", ");
                let limit = self.limit();
                (
                    format!(
                        "SELECT DISTINCT x.id FROM {left_name} AS x CROSS JOIN {right_name} AS y WHERE {link} ORDER BY {order}, x.id{limit}"
                    ),
                    true,
                )
            }
        }
    }

    fn outer_join(&mut self) -> (String, bool) {
        let [left, right, third] = [0; 3].map(|_: usize| self.below(self.tables.len()));
        let [left_name, right_name, third_name] = [left, right, third].map(|table| self.tables[table].name);
        let (link, second) = (
            self.link((left, "x"), (right, "y")),
            self.link((right, "y"), (third, "z")),
        );
        let (word, second_word) = (
            self.pick(&["LEFT", "LEFT", "RIGHT", "FULL"]),
            self.pick(&["LEFT", "", "LEFT", "RIGHT", "FULL"]),
        );
        let (alias, table) = self.pick(&[("x", left), ("y", right), ("z", third)]);
        let where_ = self.condition(table, alias, 1);
        if self.one_in(2) {
            let (alias, table) = self.pick(&[("x", left), ("y", right)]);
            let where_ = self.condition(table, alias, 1);
            return (
                format!(
                    "SELECT x.id, y.id FROM {left_name} AS x {word} JOIN {right_name} AS y ON {link} WHERE {where_}"
                ),
                false,
            );
        }
        (
            format!(
                "SELECT x.id, y.id, z.id FROM {left_name} AS x {word} JOIN {right_name} AS y ON {link} {second_word} JOIN {third_name} AS z ON {second} WHERE {where_}"
            ),
            false,
        )
    }

    fn membership(&mut self) -> (String, bool) {
        let (table, other) = (self.below(self.tables.len()), self.below(self.tables.len()));
        let (name, other_name) = (self.tables[table].name, self.tables[other].name);
        let column = self.of(table, "x");
        let (inner, second) = (self.of(other, "y"), self.of(other, "y"));
        let where_ = self.condition(other, "y", 1);
        let not = self.pick(&["", "NOT ", "NOT "]);
        match self.below(4) {
            0 => (
                format!(
                    "SELECT x.id, {column} {not}IN (SELECT {inner} FROM {other_name} AS y WHERE {where_}) FROM {name} AS x"
                ),
                false,
            ),
            1 => {
                let link = self.link((table, "x"), (other, "y"));
                (
                    format!(
                        "SELECT x.id FROM {name} AS x WHERE {column} {not}IN (SELECT {inner} FROM {other_name} AS y WHERE {link})"
                    ),
                    false,
                )
            }
            2 => {
                let also = self.of(table, "x");
                (
                    format!(
                        "SELECT x.id, ({column}, {also}) {not}IN (SELECT {inner}, {second} FROM {other_name} AS y WHERE {where_}) FROM {name} AS x"
                    ),
                    false,
                )
            }
            _ => (
                format!(
                    "SELECT x.id FROM {name} AS x WHERE {column} {not}IN (SELECT {inner} FROM {other_name} AS y WHERE {where_})"
                ),
                false,
            ),
        }
    }

    fn existence(&mut self) -> (String, bool) {
        let (table, other) = (self.below(self.tables.len()), self.below(self.tables.len()));
        let (name, other_name) = (self.tables[table].name, self.tables[other].name);
        let link = self.link((table, "x"), (other, "y"));
        let (where_, also) = (self.condition(other, "y", 1), self.condition(table, "x", 1));
        let not = self.pick(&["", "NOT "]);
        (
            format!(
                "SELECT x.id FROM {name} AS x WHERE {not}EXISTS (SELECT 1 FROM {other_name} AS y WHERE {link} AND {where_}) AND {also}"
            ),
            false,
        )
    }
}
