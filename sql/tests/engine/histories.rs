//! Random histories of writes on indexed tables, each statement compared with SQLite, with savepoints and rollbacks between them.

use super::both::Both;

/// A seeded generator (SplitMix64); the seed is printed with each failure's statement list.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }

    /// A literal of any class; some are long.
    fn value(&mut self) -> String {
        match self.below(8) {
            0 => "NULL".to_owned(),
            1 => format!("{}.5", self.below(50)),
            2 => format!("x'{:04x}'", self.below(40)),
            3 => format!("'{}'", "long ".repeat(self.below(90) as usize)),
            4 | 5 => format!("'k{}'", self.below(60)),
            _ => self.below(80).to_string(),
        }
    }

    fn statement(&mut self) -> String {
        let table = self.pick(&["t", "t", "u", "w"]);
        let key = self.below(120);
        let (a, b, c) = (self.value(), self.value(), self.value());
        let or = self.pick(&["", "", "", " OR IGNORE", " OR REPLACE", " OR FAIL"]);
        let column = self.pick(&["a", "b", "c"]);
        match self.below(16) {
            0..4 if table == "w" => format!("INSERT{or} INTO w VALUES({key}, {a}, {b}, {c})"),
            0..3 => format!("INSERT{or} INTO {table}(a, b, c) VALUES({a}, {b}, {c})"),
            3 => format!("INSERT{or} INTO {table} VALUES({key}, {a}, {b}, {c})"),
            4 => format!(
                "INSERT{or} INTO {table} SELECT id + 40, a || 'x', b, c FROM {table} WHERE id % 5 = 1 ORDER BY id"
            ),
            5..7 => format!("DELETE FROM {table} WHERE id = {key}"),
            7 => format!("DELETE FROM {table} WHERE id BETWEEN {key} AND {}", key + 6),
            8 => format!("DELETE FROM {table} WHERE {column} = {a}"),
            9..11 => format!("UPDATE{or} {table} SET {column} = {a} WHERE id = {key}"),
            11 => format!(
                "UPDATE{or} {table} SET c = c || 'y', b = {b} WHERE id % 7 = {}",
                key % 7
            ),
            12 => format!("UPDATE{or} {table} SET id = id + 1000 WHERE id = {key}"),
            13 => format!("UPDATE {table} SET c = {c}"),
            14 => format!(
                "INSERT INTO t VALUES({key}, {a}, {b}, {c}) ON CONFLICT DO UPDATE SET c = excluded.c, b = id"
            ),
            _ => self
                .pick(&[
                    "SAVEPOINT p",
                    "ROLLBACK TO p",
                    "RELEASE p",
                    "BEGIN",
                    "COMMIT",
                    "ROLLBACK",
                ])
                .to_owned(),
        }
    }
}

const SCHEMA: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b, c);
    CREATE INDEX t_c ON t(c DESC, b);
    CREATE UNIQUE INDEX t_b ON t(b, a) WHERE c IS NOT NULL;
    CREATE TABLE u(id INTEGER PRIMARY KEY, a, b INT, c TEXT COLLATE NOCASE);
    CREATE INDEX u_a ON u(a);
    CREATE INDEX u_c ON u(c, lower(a));
    CREATE TABLE w(id, a, b, c, PRIMARY KEY(id, a)) WITHOUT ROWID;
    CREATE UNIQUE INDEX w_b ON w(b);";

fn check(seed: u64, page_size: u32, trigger: &str) {
    println!("seed {seed}, page size {page_size}");
    let both = Both::with(&format!(
        "PRAGMA page_size = {page_size}; PRAGMA synchronous = off; {SCHEMA} {trigger}"
    ));
    let mut random = Random(seed);
    for step in 0..400 {
        let statement = random.statement();
        println!("{statement}");
        both.check(&statement);
        if both.ours.is_autocommit() {
            both.check_files();
        }
        if step % 60 == 59 {
            both.check_loosely("COMMIT");
            both.check("SELECT * FROM t; SELECT * FROM u; SELECT * FROM w; SELECT a FROM u WHERE a > 'k' ORDER BY a, id");
            both.check_files();
            both.check("BEGIN");
        }
    }
    both.check_loosely("COMMIT");
    both.check_files();
}

#[test]
fn of_plain_tables() {
    check(1, 1024, "");
    check(2, 4096, "");
}

#[test]
fn of_tables_with_triggers() {
    let trigger = "CREATE TRIGGER r AFTER INSERT ON t WHEN new.id % 3 = 0 BEGIN
            UPDATE t SET c = 'fired' WHERE id = new.id - 1;
            INSERT OR IGNORE INTO u(a, b) VALUES(new.a, new.id);
            DELETE FROM w WHERE id = new.id;
        END;";
    check(3, 1024, trigger);
}
