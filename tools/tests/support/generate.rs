//! Databases of all kinds from a seed, made by SQLite, and changes to them.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;

/// Numbers from a seed (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.next().is_multiple_of(count)
    }

    pub(crate) fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }
}

/// Names that SQL would read otherwise are among them.
const NAMES: &[&str] = &[
    "note",
    "Author",
    "t",
    "select",
    "order",
    "with space",
    "quo\"te",
    "it's",
    "näme",
    "semi;colon",
    "[x]",
    "a-b",
    "1st",
    "T2",
    "new\nline",
    "%",
    "_x",
    "group",
    "rowid",
];

const TYPES: &[&str] = &[
    "",
    "INTEGER",
    "TEXT",
    "REAL",
    "BLOB",
    "NUMERIC",
    "VARCHAR(10)",
    "ANY thing",
];

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A value of any class.
pub(crate) fn value(random: &mut Random) -> Value {
    const TEXTS: &[&str] = &[
        "",
        "a",
        "it's",
        "a\0b",
        "\0",
        "line\nend",
        "return\r\n",
        "\\n",
        "ünï😀",
        "\u{feff}x",
        "--",
        "1e999",
        "NULL",
        "tab\t\u{1b}[2J",
        "trail ",
    ];
    match random.below(12) {
        0 => Value::Null,
        1 => Value::Integer(random.below(10) as i64),
        2 => Value::Integer(random.next().cast_signed()),
        3 => Value::Integer(*random.pick(&[i64::MIN, i64::MAX, 0, -1, 1 << 47, -(1 << 31)])),
        4 => Value::Real(*random.pick(&[
            f64::INFINITY,
            f64::NEG_INFINITY,
            -0.0,
            0.1,
            1e300,
            5e-324,
            f64::MAX,
            2.0,
            9007199254740993.0,
        ])),
        5 | 6 => {
            let real = f64::from_bits(random.next());
            Value::Real(if real.is_nan() { 1.5 } else { real })
        }
        7 => Value::Blob((0..random.below(20)).map(|_| random.next() as u8).collect()),
        8 => Value::Text("long ".repeat(random.below(900))),
        _ => Value::Text((*random.pick(TEXTS)).to_owned()),
    }
}

/// What SQL makes a table with this name.
fn table_sql(random: &mut Random, name: &str) -> String {
    let count = 1 + random.below(5);
    let mut columns: Vec<String> = (0..count)
        .map(|i| {
            let odd = random.pick(NAMES);
            let name = if random.one_in(3) {
                format!("{odd}{i}")
            } else {
                format!("c{i}")
            };
            format!("{} {}", quoted(&name), random.pick(TYPES))
        })
        .collect();
    let column = |i: usize, columns: &[String]| {
        columns[i]
            .rsplit_once("\" ")
            .map(|(name, _)| format!("{name}\""))
            .unwrap()
    };
    let mut tail = "";
    match random.below(8) {
        0 => columns.insert(0, "id INTEGER PRIMARY KEY".to_owned()),
        1 => columns.insert(0, "id INTEGER PRIMARY KEY AUTOINCREMENT".to_owned()),
        2 => columns.push("k TEXT PRIMARY KEY".to_owned()),
        3 => {
            columns.push("k TEXT COLLATE NOCASE, k2 INT".to_owned());
            columns.push("PRIMARY KEY(k2 DESC, k)".to_owned());
            tail = " WITHOUT ROWID";
        }
        4 => {
            columns.insert(0, "k PRIMARY KEY".to_owned());
            tail = " WITHOUT ROWID";
        }
        5 => columns.insert(0, "u UNIQUE, rowid TEXT".to_owned()),
        6 => columns.insert(0, "id INTEGER PRIMARY KEY DESC".to_owned()),
        _ => {}
    }
    if random.one_in(4) {
        let first = column(
            columns.len().min(count) - 1,
            &columns
                .iter()
                .filter(|c| c.starts_with('"'))
                .cloned()
                .collect::<Vec<_>>(),
        );
        let kind = random.pick(&["STORED", "VIRTUAL"]);
        let at = columns.iter().position(|c| c.starts_with('"')).unwrap();
        columns.insert(at, format!("made AS (typeof({first})) {kind}"));
    }
    format!("CREATE TABLE {}({}){tail}", quoted(name), columns.join(", "))
}

/// The columns that take values.
fn stored(sqlite: &Connection, table: &str) -> Vec<String> {
    let mut statement = sqlite
        .prepare("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0")
        .unwrap();
    let names = statement.query_map([table], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

/// Tables with rows of their own that are not a module's.
pub(crate) fn tables(sqlite: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM pragma_table_list WHERE type = 'table' AND schema = 'main' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut statement = sqlite.prepare(sql).unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

fn insert(sqlite: &Connection, random: &mut Random, table: &str, count: usize) {
    let columns = stored(sqlite, table);
    let names: Vec<String> = columns.iter().map(|name| quoted(name)).collect();
    let marks = vec!["?"; columns.len()].join(",");
    let sql = format!(
        "INSERT OR IGNORE INTO {}({}) VALUES({marks})",
        quoted(table),
        names.join(",")
    );
    let mut statement = sqlite.prepare(&sql).unwrap();
    for _ in 0..count {
        // An integer primary key takes nothing else.
        let _ = statement.execute(rusqlite::params_from_iter(columns.iter().map(|_| value(random))));
    }
}

fn add_table(sqlite: &Connection, random: &mut Random) {
    let name = *random.pick(NAMES);
    let sql = table_sql(random, name);
    // The name may be taken, or two columns have one name.
    if sqlite.execute_batch(&sql).is_ok() {
        let count = random.below(40);
        insert(sqlite, random, name, count);
    }
}

fn add_other(sqlite: &Connection, random: &mut Random) {
    let tables = tables(sqlite);
    let Some(table) = (!tables.is_empty()).then(|| random.pick(&tables).clone()) else {
        return;
    };
    let columns = stored(sqlite, &table);
    // Names of different kinds differ: dbhash does not say which of two objects of one name comes first.
    let kind = random.below(6);
    let (name, table, column) = (
        quoted(&format!("{kind}{}{}", random.below(20), random.pick(NAMES))),
        quoted(&table),
        quoted(random.pick(columns.as_slice()).as_str()),
    );
    // Some names are taken, some triggers are on nothing: what SQLite refuses is not there.
    let _ = sqlite.execute_batch(&match kind {
        0 => format!("CREATE VIEW {name} AS SELECT * FROM {table}"),
        1 => format!("CREATE TRIGGER {name} AFTER INSERT ON {table} BEGIN DELETE FROM {table}; END"),
        2 => format!("CREATE TRIGGER {name} BEFORE DELETE ON {table} BEGIN SELECT raise(ABORT, 'no'); END"),
        3 => format!("CREATE INDEX {name} ON {table}({column}, length({column})) WHERE {column} IS NOT NULL"),
        4 => format!("CREATE UNIQUE INDEX {name} ON {table}({column})"),
        _ => format!("CREATE INDEX {name} ON {table}({column} COLLATE NOCASE DESC)"),
    });
}

/// Makes a database of everything.
pub(crate) fn database(file: &Path, seed: u64) {
    let mut random = Random::new(seed);
    let sqlite = Connection::open(file).unwrap();
    let encoding = random.pick(&["UTF-8", "UTF-8", "UTF-16le", "UTF-16be"]);
    let page_size = 512 << random.below(5);
    let auto_vacuum = random.below(3);
    sqlite
        .execute_batch(&format!(
            "PRAGMA encoding='{encoding}'; PRAGMA page_size={page_size}; PRAGMA auto_vacuum={auto_vacuum}; PRAGMA synchronous=off; PRAGMA journal_mode=memory"
        ))
        .unwrap();
    for _ in 0..1 + random.below(5) {
        add_table(&sqlite, &mut random);
    }
    for _ in 0..random.below(6) {
        add_other(&sqlite, &mut random);
    }
    if random.one_in(4) {
        let words = "CREATE VIRTUAL TABLE \"fts words\" USING fts5(x, y); INSERT INTO \"fts words\" VALUES('a b', 'c'), ('d', 'it''s')";
        sqlite.execute_batch(words).unwrap();
    }
    if random.one_in(4) {
        sqlite.execute_batch("ANALYZE").unwrap();
    }
    if random.one_in(3) {
        let version = random.next() as i32;
        sqlite
            .execute_batch(&format!(
                "PRAGMA user_version={version}; PRAGMA application_id={}",
                version / 2
            ))
            .unwrap();
    }
}

/// Changes a database here and there.
pub(crate) fn change(file: &Path, seed: u64) {
    let mut random = Random::new(seed ^ 0x0ddc_0ffe);
    let sqlite = Connection::open(file).unwrap();
    sqlite
        .execute_batch("PRAGMA synchronous=off; PRAGMA journal_mode=memory")
        .unwrap();
    for _ in 0..1 + random.below(8) {
        change_once(&sqlite, &mut random);
    }
}

fn change_once(sqlite: &Connection, random: &mut Random) {
    let tables = tables(sqlite);
    if tables.is_empty() {
        return add_table(sqlite, random);
    }
    let table = random.pick(&tables).clone();
    let name = quoted(&table);
    let column = quoted(random.pick(stored(sqlite, &table).as_slice()).as_str());
    let kept = 1 + random.below(5);
    // Triggers may forbid it, and constraints: then nothing changes.
    let _ = match random.below(11) {
        0 => sqlite.execute_batch(&format!("DROP TABLE {name}")),
        1 => {
            add_table(sqlite, random);
            Ok(())
        }
        2 | 3 => sqlite.execute_batch(&format!(
            "DELETE FROM {name} WHERE length(quote({column})) % {kept} = 0"
        )),
        4 | 5 => sqlite
            .execute(
                &format!(
                    "UPDATE OR IGNORE {name} SET {column} = ? WHERE length(quote({column})) % {kept} = 0"
                ),
                [value(random)],
            )
            .map(drop),
        6 => {
            insert(sqlite, random, &table, 5);
            Ok(())
        }
        7 => sqlite.execute_batch(&format!("ALTER TABLE {name} ADD COLUMN late{kept} DEFAULT 'x'")),
        8 => sqlite.execute_batch(&format!("PRAGMA user_version={kept}")),
        9 => {
            let sql = "SELECT type || ' \"' || replace(name, '\"', '\"\"') || '\"' FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL ORDER BY name";
            match sqlite.query_row(sql, [], |row| row.get::<_, String>(0)) {
                Ok(one) => sqlite.execute_batch(&format!("DROP {one}")),
                Err(_) => Ok(()),
            }
        }
        _ => {
            add_other(sqlite, random);
            Ok(())
        }
    };
}
