//! Mutations of statements: words change places, come from elsewhere, are doubled many times over, or bytes change.

use crate::random::Random;

const WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "(",
    ")",
    ",",
    "*",
    "NULL",
    "ORDER BY",
    "GROUP BY",
    "LIMIT",
    "UNION ALL",
    "OVER ()",
    "FILTER (WHERE 1)",
    "COLLATE NOCASE",
    "IN",
    "EXISTS",
    "NOT",
    "CASE WHEN",
    "END",
    "CAST(",
    "AS",
    "JOIN",
    "LEFT JOIN",
    "USING(id)",
    "ON",
    "WITH x AS (",
    "RECURSIVE",
    "VALUES",
    "RETURNING *",
    "DISTINCT",
    "-9223372036854775808",
    "1e999",
    "x''",
    "''",
    "\"",
    "'",
    "[",
    "`",
    "?1",
    ":a",
    "@b",
    "$c::d(e)",
    "0x",
    ";",
    "--",
    "/*",
    "||",
    "->",
    "->>",
    "ROWS BETWEEN",
    "EXCLUDE TIES",
    "DEFAULT",
    "GENERATED ALWAYS AS",
    "WITHOUT ROWID",
    "STRICT",
    "PRIMARY KEY",
    "REFERENCES t1",
    "ON CONFLICT DO NOTHING",
    "INSERT INTO",
    "UPDATE",
    "DELETE FROM",
    "DROP TABLE",
    "ALTER TABLE",
    "RENAME TO",
    "ADD COLUMN",
    "CREATE INDEX",
    "CREATE TRIGGER",
    "BEGIN",
    "COMMIT",
    "SAVEPOINT s",
    "ROLLBACK TO s",
    "ATTACH ':memory:' AS",
    "PRAGMA",
    "EXPLAIN QUERY PLAN",
    "zeroblob(99)",
    "printf('%*d', 9, ",
    "json_each(",
    "json_set(",
    "strftime('%s', ",
    "count(*)",
    "sum(",
    "group_concat(",
    "row_number() OVER ",
    "t1",
    "t2",
    "id",
    "a",
    "b",
    "rowid",
    "sqlite_schema",
];

/// A statement made of `text`, with pieces of `other`.
pub(super) fn mutate(text: &str, other: &str, random: &mut Random) -> String {
    let mut words = words_of(text);
    let others = words_of(other);
    for _ in 0..1 + random.below(5) {
        let at = random.below(words.len());
        match random.below(8) {
            0 if words.len() > 1 => drop(words.remove(at)),
            1 => words.insert(at, (*random.pick(WORDS)).to_owned()),
            2 if !words.is_empty() => words[at] = (*random.pick(WORDS)).to_owned(),
            3 if !others.is_empty() => words.insert(at, random.pick(&others).clone()),
            4 if !words.is_empty() => {
                let to = random.below(words.len());
                words.swap(at, to);
            }
            5 if !words.is_empty() => {
                let end = (at + 1 + random.below(6)).min(words.len());
                let piece = words[at..end].to_vec();
                // Now and then so often that whatever counts or nests it comes to its bounds.
                let times = if random.one_in(40) {
                    400
                } else {
                    1 + random.below(3)
                };
                for _ in 0..times {
                    words.splice(at..at, piece.iter().cloned());
                }
            }
            6 => words.truncate(at + 1),
            _ => return with_other_bytes(words.join(" "), random),
        }
    }
    words.join(" ")
}

fn words_of(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for character in text.chars().take(4_000) {
        let wordy = |c: char| c.is_alphanumeric() || c == '_';
        match words.last_mut() {
            Some(last) if wordy(character) && last.chars().all(wordy) => last.push(character),
            _ if character == ' ' => {}
            _ => words.push(character.to_string()),
        }
    }
    words
}

fn with_other_bytes(text: String, random: &mut Random) -> String {
    let mut bytes = text.into_bytes();
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len());
        if let Some(byte) = bytes.get_mut(at) {
            *byte = match random.below(3) {
                0 => random.number() as u8,
                _ => *random.pick(b"()'\",;.*?$@-/\0%[]`"),
            };
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
