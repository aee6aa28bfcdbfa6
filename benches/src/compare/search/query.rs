//! Makes a query of a number.
//!
//! ```text
//!   shape (rows, one group, groups, distinct, compound, window, ..) over joined tables, with conditions, an order, a limit
//! ```

use super::super::workloads::scramble;
use super::shop::{CATEGORIES, CUSTOMERS, ORDERS, PRODUCTS};

/// What a column holds, so that constants hit something.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Keys from one to that number.
    Key(u64),
    /// Whole numbers from one to another.
    Int(u64, u64),
    /// Reals up to that.
    Real(u64),
    /// A text before a number below that.
    Named(&'static str, u64),
    /// A date from 2020 to 2025.
    Day,
    /// One of a few words.
    Status,
    /// Long text.
    Long,
}

struct Table {
    name: &'static str,
    columns: &'static [(&'static str, Kind)],
}

const CATEGORY: usize = 0;
const CUSTOMER: usize = 1;
const PRODUCT: usize = 2;
const ORDER: usize = 3;
const ITEM: usize = 4;
const NOTE: usize = 5;
const BIG: usize = 6;

const TABLES: &[Table] = &[
    Table {
        name: "category",
        columns: &[
            ("id", Kind::Key(CATEGORIES)),
            ("parent", Kind::Key(CATEGORIES / 4)),
            ("name", Kind::Named("category ", CATEGORIES)),
        ],
    },
    Table {
        name: "customer",
        columns: &[
            ("id", Kind::Key(CUSTOMERS)),
            ("name", Kind::Named("name ", 1_000_003)),
            ("city", Kind::Named("City", 40)),
            ("born", Kind::Int(1940, 2009)),
            ("credit", Kind::Real(1000)),
        ],
    },
    Table {
        name: "product",
        columns: &[
            ("id", Kind::Key(PRODUCTS)),
            ("code", Kind::Named("P0", 99)),
            ("category", Kind::Key(CATEGORIES)),
            ("price", Kind::Real(100)),
            ("stock", Kind::Int(0, 499)),
        ],
    },
    Table {
        name: "orders",
        columns: &[
            ("id", Kind::Key(ORDERS)),
            ("customer", Kind::Key(CUSTOMERS)),
            ("day", Kind::Day),
            ("status", Kind::Status),
            ("total", Kind::Real(10_000)),
        ],
    },
    Table {
        name: "item",
        columns: &[
            ("orders", Kind::Key(ORDERS)),
            ("line", Kind::Int(0, 2)),
            ("product", Kind::Key(PRODUCTS)),
            ("qty", Kind::Int(1, 7)),
            ("price", Kind::Real(100)),
        ],
    },
    Table {
        name: "note",
        columns: &[
            ("id", Kind::Key(ORDERS / 20)),
            ("customer", Kind::Key(CUSTOMERS)),
            ("body", Kind::Long),
        ],
    },
    Table {
        name: "big",
        columns: &[
            ("a", Kind::Int(0, 1_000_002)),
            ("b", Kind::Int(0, 999)),
            ("c", Kind::Named("text ", 5000)),
            ("d", Kind::Real(3000)),
        ],
    },
];

/// Tables that belong together, and their columns that are equal.
const EDGES: &[(usize, &str, usize, &str)] = &[
    (ORDER, "customer", CUSTOMER, "id"),
    (ITEM, "orders", ORDER, "id"),
    (ITEM, "product", PRODUCT, "id"),
    (PRODUCT, "category", CATEGORY, "id"),
    (NOTE, "customer", CUSTOMER, "id"),
    (CATEGORY, "parent", CATEGORY, "id"),
    (BIG, "b", PRODUCT, "id"),
    (CUSTOMER, "born", CUSTOMER, "born"),
    (BIG, "b", PRODUCT, "stock"),
    (NOTE, "customer", ORDER, "customer"),
];

/// A source in FROM: the table, under an alias that no other source of the query has.
#[derive(Clone)]
struct Source {
    table: usize,
    alias: String,
}

struct Maker {
    state: u64,
    aliases: usize,
}

/// The query of that number.
pub(super) fn query(seed: u64) -> String {
    let mut maker = Maker {
        state: scramble(seed),
        aliases: 0,
    };
    maker.statement()
}

impl Maker {
    fn below(&mut self, n: u64) -> u64 {
        self.state = scramble(self.state);
        self.state % n.max(1)
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len() as u64) as usize]
    }

    fn statement(&mut self) -> String {
        match self.below(12) {
            0..=3 => self.rows(),
            4 => self.one_group(),
            5 | 6 => self.groups(),
            7 => self.distinct(),
            8 => self.compound(),
            9 => self.window(),
            10 => self.derived(),
            _ => self.recursive(),
        }
    }

    /// One to four tables along their edges, and the text of FROM.
    fn from(&mut self, most: u64) -> (Vec<Source>, String) {
        let first = self.below(TABLES.len() as u64) as usize;
        let mut sources = vec![self.source(first)];
        let mut text = format!("{} {}", TABLES[first].name, sources[0].alias);
        for _ in 1..=self.below(most) {
            let edges: Vec<_> = sources.iter().flat_map(|source| edges_of(source)).collect();
            let (here, column, table, far) = edges[self.below(edges.len() as u64) as usize].clone();
            let source = self.source(table);
            let kind = if self.percent(25) { "LEFT JOIN" } else { "JOIN" };
            let (name, alias) = (TABLES[table].name, &source.alias);
            text += &format!(" {kind} {name} {alias} ON {alias}.{far} = {here}.{column}");
            sources.push(source);
        }
        (sources, text)
    }

    fn source(&mut self, table: usize) -> Source {
        self.aliases += 1;
        Source {
            table,
            alias: format!("{}{}", &TABLES[table].name[..1], self.aliases),
        }
    }

    fn column(&mut self, sources: &[Source]) -> (String, Kind) {
        let source = &sources[self.below(sources.len() as u64) as usize];
        let columns = TABLES[source.table].columns;
        let (name, kind) = columns[self.below(columns.len() as u64) as usize];
        (format!("{}.{name}", source.alias), kind)
    }

    fn columns(&mut self, sources: &[Source], most: u64) -> Vec<String> {
        (0..=self.below(most)).map(|_| self.column(sources).0).collect()
    }

    /// A value that the column has, or nearly.
    fn constant(&mut self, kind: Kind) -> String {
        match kind {
            Kind::Key(most) => (1 + self.below(most)).to_string(),
            Kind::Int(least, most) => (least + self.below(most - least + 1)).to_string(),
            Kind::Real(most) => format!("{}.5", self.below(most)),
            Kind::Named(prefix, most) => format!("'{prefix}{}'", self.below(most)),
            Kind::Day => format!(
                "'202{}-{:02}-{:02}'",
                self.below(6),
                1 + self.below(12),
                1 + self.below(28)
            ),
            Kind::Status => format!("'{}'", self.pick(&["open", "void", "paid"])),
            Kind::Long => format!("'{} '", self.pick(&["a", "k", "z"])),
        }
    }

    /// No condition, or some joined by AND.
    fn filter(&mut self, sources: &[Source], depth: u64) -> String {
        let count = self.below(4);
        let conditions: Vec<_> = (0..count).map(|_| self.condition(sources, depth)).collect();
        match conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", conditions.join(" AND ")),
        }
    }

    fn condition(&mut self, sources: &[Source], depth: u64) -> String {
        let (column, kind) = self.column(sources);
        match self.below(if depth > 0 { 18 } else { 12 }) {
            0..=2 => format!("{column} = {}", self.constant(kind)),
            3 | 4 => {
                let operator = self.pick(&["<", "<=", ">", ">=", "<>"]);
                format!("{column} {operator} {}", self.constant(kind))
            }
            5 | 6 => self.range(&column, kind),
            7 => {
                let list: Vec<_> = (0..2 + self.below(12)).map(|_| self.constant(kind)).collect();
                let not = self.pick(&["", "", "NOT "]);
                format!("{column} {not}IN ({})", list.join(", "))
            }
            8 => self.text_condition(&column, kind),
            9 => format!("{column} IS {}NULL", self.pick(&["", "NOT "])),
            10 => {
                let (one, other) = (self.condition(sources, 0), self.condition(sources, 0));
                format!("({one} OR {other})")
            }
            11 => {
                let (other, _) = self.column(sources);
                format!("{column} {} {other}", self.pick(&["<", "<>", ">="]))
            }
            12 | 13 => self.exists(sources),
            14 | 15 => self.in_query(&column, kind, sources, depth),
            16 => format!("{column} > {}", self.scalar(sources)),
            _ => format!("NOT ({})", self.condition(sources, 0)),
        }
    }

    /// Numbers near to each other: a narrow range half of the time.
    fn range(&mut self, column: &str, kind: Kind) -> String {
        let (low, width) = match kind {
            Kind::Key(most) => (self.below(most), most),
            Kind::Int(least, most) => (least + self.below(most - least), most - least),
            Kind::Real(most) => (self.below(most), most),
            _ => {
                let (low, high) = (self.constant(kind), self.constant(kind));
                return format!("{column} BETWEEN min({low}, {high}) AND max({low}, {high})");
            }
        };
        let width = if self.percent(50) {
            width / 50 + 1
        } else {
            width / 3 + 1
        };
        format!("{column} BETWEEN {low} AND {}", low + width)
    }

    fn text_condition(&mut self, column: &str, kind: Kind) -> String {
        let pattern = match kind {
            Kind::Named(prefix, _) => format!("{prefix}{}", self.below(100)),
            Kind::Day => format!("202{}-0{}", self.below(6), 1 + self.below(9)),
            _ => self.below(10).to_string(),
        };
        match self.below(5) {
            0 | 1 => format!("{column} LIKE '{pattern}%'"),
            2 => format!("{column} LIKE '%{pattern}%'"),
            3 => format!("{column} GLOB '{pattern}*'"),
            _ => format!("substr({column}, 1, 5) = '{}'", &pattern[..pattern.len().min(5)]),
        }
    }

    fn exists(&mut self, sources: &[Source]) -> String {
        let (inside, equal) = self.related(sources);
        let (table, alias) = (TABLES[inside.table].name, inside.alias.clone());
        let more = match self.percent(60) {
            true => format!(" AND {}", self.condition(&[inside], 0)),
            false => String::new(),
        };
        let not = self.pick(&["", "NOT "]);
        format!("{not}EXISTS (SELECT 1 FROM {table} {alias} WHERE {equal}{more})")
    }

    /// A table beside one of the sources, and the condition that relates them.
    fn related(&mut self, sources: &[Source]) -> (Source, String) {
        let edges: Vec<_> = sources.iter().flat_map(edges_of).collect();
        let (here, column, table, far) = edges[self.below(edges.len() as u64) as usize].clone();
        let inside = self.source(table);
        let equal = format!("{}.{far} = {here}.{column}", inside.alias);
        (inside, equal)
    }

    fn in_query(&mut self, column: &str, kind: Kind, sources: &[Source], depth: u64) -> String {
        let (inside, _) = self.related(sources);
        let same: Vec<_> = TABLES[inside.table]
            .columns
            .iter()
            .filter(|(_, k)| *k == kind)
            .collect();
        let name = match same.is_empty() {
            true => TABLES[inside.table].columns[0].0,
            false => same[self.below(same.len() as u64) as usize].0,
        };
        let (table, alias) = (TABLES[inside.table].name, inside.alias.clone());
        let filter = self.filter(&[inside], depth - 1);
        let not = self.pick(&["", "", "NOT "]);
        format!("{column} {not}IN (SELECT {alias}.{name} FROM {table} {alias}{filter})")
    }

    /// One value of related rows.
    fn scalar(&mut self, sources: &[Source]) -> String {
        let (inside, equal) = self.related(sources);
        let (table, alias) = (TABLES[inside.table].name, inside.alias.clone());
        let value = self.aggregate(&[inside]);
        format!("(SELECT {value} FROM {table} {alias} WHERE {equal})")
    }

    fn aggregate(&mut self, sources: &[Source]) -> String {
        let (column, _) = self.column(sources);
        match self.below(10) {
            0..=2 => "count(*)".to_owned(),
            3 => format!("count({column})"),
            4 => format!("count(DISTINCT {column})"),
            5 | 6 => format!("sum({column})"),
            7 => format!("min({column})"),
            8 => format!("max({column})"),
            _ => format!("avg({column})"),
        }
    }

    /// A value of a row: mostly a column.
    fn value(&mut self, sources: &[Source]) -> String {
        let (column, kind) = self.column(sources);
        match (self.below(12), kind) {
            (0, _) => self.scalar(sources),
            (1, Kind::Named(..) | Kind::Day | Kind::Long) => format!("upper(substr({column}, 2, 6))"),
            (2, Kind::Named(..) | Kind::Day | Kind::Long) => format!("length({column})"),
            (3, Kind::Day) => format!("strftime('%Y', {column})"),
            (1..=3, _) => format!("{column} * 2 + 1"),
            (4, _) => format!("coalesce({column}, 'none')"),
            (5, _) => {
                let condition = self.condition(sources, 0);
                format!("CASE WHEN {condition} THEN {column} ELSE 0 END")
            }
            _ => column,
        }
    }

    fn values(&mut self, sources: &[Source]) -> String {
        let values: Vec<_> = (0..=self.below(4)).map(|_| self.value(sources)).collect();
        values.join(", ")
    }

    fn order(&mut self, sources: &[Source]) -> String {
        let terms = self.columns(sources, 2);
        let terms: Vec<_> = { terms.into_iter() }
            .map(|term| term + self.pick(&["", "", " DESC"]))
            .collect();
        format!(" ORDER BY {}", terms.join(", "))
    }

    /// The end of a query: often nothing.
    fn limit(&mut self) -> String {
        match self.below(4) {
            0 => format!(" LIMIT {}", 1 + self.below(50)),
            1 => format!(" LIMIT {} OFFSET {}", 1 + self.below(20), self.below(500)),
            _ => String::new(),
        }
    }

    fn rows(&mut self) -> String {
        let (sources, from) = self.from(4);
        let values = self.values(&sources);
        let filter = self.filter(&sources, 1);
        let tail = match self.percent(50) {
            true => self.order(&sources) + &self.limit(),
            false => String::new(),
        };
        format!("SELECT {values} FROM {from}{filter}{tail}")
    }

    fn one_group(&mut self) -> String {
        let (sources, from) = self.from(4);
        let values: Vec<_> = (0..=self.below(3)).map(|_| self.aggregate(&sources)).collect();
        let filter = self.filter(&sources, 1);
        format!("SELECT {} FROM {from}{filter}", values.join(", "))
    }

    fn groups(&mut self) -> String {
        let (sources, from) = self.from(4);
        let mut keys = self.columns(&sources, 2);
        if self.percent(15) {
            keys[0] = format!("substr({}, 1, 4)", keys[0]);
        }
        let keys = keys.join(", ");
        let values: Vec<_> = (0..=self.below(3)).map(|_| self.aggregate(&sources)).collect();
        let filter = self.filter(&sources, 1);
        let having = match self.percent(25) {
            true => format!(" HAVING count(*) > {}", self.below(8)),
            false => String::new(),
        };
        let order = match self.below(4) {
            0 => format!(" ORDER BY {} DESC, {keys}{}", values[0], self.limit()),
            1 => format!(" ORDER BY {keys}{}", self.limit()),
            _ => String::new(),
        };
        let values = values.join(", ");
        format!("SELECT {keys}, {values} FROM {from}{filter} GROUP BY {keys}{having}{order}")
    }

    fn distinct(&mut self) -> String {
        let (sources, from) = self.from(3);
        let columns = self.columns(&sources, 2);
        let filter = self.filter(&sources, 1);
        let tail = match self.percent(40) {
            true => format!(" ORDER BY {}{}", columns[0], self.limit()),
            false => String::new(),
        };
        format!("SELECT DISTINCT {} FROM {from}{filter}{tail}", columns.join(", "))
    }

    fn compound(&mut self) -> String {
        let width = 1 + self.below(2) as usize;
        let mut text = String::new();
        for arm in 0..2 + self.below(2) {
            if arm > 0 {
                text += self.pick(&[" UNION ALL ", " UNION ALL ", " UNION ", " INTERSECT ", " EXCEPT "]);
            }
            let (sources, from) = self.from(2);
            let columns: Vec<_> = (0..width).map(|_| self.column(&sources).0).collect();
            let filter = self.filter(&sources, 0);
            text += &format!("SELECT {} FROM {from}{filter}", columns.join(", "));
        }
        if self.percent(50) {
            let order: Vec<_> = (1..=width).map(|n| n.to_string()).collect();
            text += &format!(" ORDER BY {}{}", order.join(", "), self.limit());
        }
        text
    }

    fn window(&mut self) -> String {
        let (sources, from) = self.from(2);
        let shown = self.value(&sources);
        let (ordered, _) = self.column(&sources);
        let (measured, _) = self.column(&sources);
        let function = match self.below(8) {
            0 => "row_number()".to_owned(),
            1 => "rank()".to_owned(),
            2 => "ntile(4)".to_owned(),
            3 => format!("lag({measured})"),
            4 => format!("last_value({measured})"),
            5 => format!("max({measured})"),
            6 => format!("count({measured})"),
            _ => format!("sum({measured})"),
        };
        let partition = match self.percent(50) {
            true => format!("PARTITION BY {} ", self.column(&sources).0),
            false => String::new(),
        };
        let frame = self.pick(&[
            "",
            "",
            " ROWS BETWEEN 3 PRECEDING AND 2 FOLLOWING",
            " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
            " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
        ]);
        let filter = self.filter(&sources, 0);
        format!("SELECT {shown}, {function} OVER ({partition}ORDER BY {ordered}{frame}) FROM {from}{filter}")
    }

    /// A grouped subquery, or a common table expression that is used twice, joined to a table.
    fn derived(&mut self) -> String {
        let edge = EDGES[self.below(5) as usize];
        let (many, key, one, to) = (TABLES[edge.0].name, edge.1, edge.2, edge.3);
        let inner = self.source(edge.0);
        let value = self.aggregate(std::slice::from_ref(&inner));
        let filter = self.filter(std::slice::from_ref(&inner), 0);
        let (inside, outside) = (inner.alias, self.source(one));
        let body = format!(
            "SELECT {inside}.{key} AS k, {value} AS v FROM {many} {inside}{filter} GROUP BY {inside}.{key}"
        );
        let outer = std::slice::from_ref(&outside);
        let values = self.values(outer);
        let conditions = self.filter(outer, 1);
        let (one, alias) = (TABLES[one].name, &outside.alias);
        let kind = self.pick(&["JOIN", "JOIN", "LEFT JOIN"]);
        match self.percent(50) {
            true => format!(
                "SELECT {values}, g.v FROM {one} {alias} {kind} ({body}) g ON g.k = {alias}.{to}{conditions}"
            ),
            false => format!(
                "WITH g AS ({body}) SELECT {values}, g.v, (SELECT max(v) FROM g) FROM {one} {alias} {kind} g ON g.k = {alias}.{to}{conditions}"
            ),
        }
    }

    fn recursive(&mut self) -> String {
        let start = self.below(20);
        match self.below(3) {
            0 => format!(
                "WITH RECURSIVE tree(id, depth) AS (SELECT id, 0 FROM category WHERE parent IS NULL OR id = {start} \
                 UNION ALL SELECT c.id, depth + 1 FROM tree JOIN category c ON c.parent = tree.id) \
                 SELECT p.category, depth, count(*) FROM tree JOIN product p ON p.category = tree.id GROUP BY 1, 2"
            ),
            1 => format!(
                "WITH RECURSIVE n(i) AS (SELECT {start} UNION ALL SELECT i + 1 FROM n WHERE i < {}) \
                 SELECT i, (SELECT count(*) FROM orders WHERE customer = i) FROM n",
                start + self.below(3000)
            ),
            _ => format!(
                "WITH RECURSIVE up(id) AS (SELECT {} UNION SELECT parent FROM category c JOIN up ON c.id = up.id WHERE parent IS NOT NULL) \
                 SELECT * FROM product WHERE category IN (SELECT id FROM up)",
                1 + start
            ),
        }
    }
}

/// The ways from a source to other tables: its alias, its column, the other table, that one's column.
fn edges_of(source: &Source) -> Vec<(String, &'static str, usize, &'static str)> {
    let there = { EDGES.iter() }
        .filter(|edge| edge.0 == source.table)
        .map(|edge| (source.alias.clone(), edge.1, edge.2, edge.3));
    let back = { EDGES.iter() }
        .filter(|edge| edge.2 == source.table)
        .map(|edge| (source.alias.clone(), edge.3, edge.0, edge.1));
    there.chain(back).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_makes_the_same_query_again() {
        assert_eq!(query(7), query(7));
        assert_ne!(query(7), query(8));
    }

    #[test]
    fn sqlite_prepares_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        super::super::shop::build(&path).unwrap();
        let database = rusqlite::Connection::open(&path).unwrap();
        for seed in 0..2000 {
            let sql = query(seed);
            assert!(database.prepare(&sql).is_ok(), "{seed}: {sql}");
        }
    }
}
