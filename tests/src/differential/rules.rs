//! Rules that hold whatever the right answer is: two ways to ask Aludel the same question have to agree.
//!
//! A query is planned as it is written, or runs in batches of one row or of seven. Now and then it is asked in a copy of the database that has no
//! index, or fresh statistics. A condition, its negation and its being NULL split the rows of a query.

use aludel_sql::connection::{DeserializeOptions, Otherwise};

use super::compare::{Ask, Difference, Kind, Statement, difference};
use super::engines::{Engines, Outcome};
use super::tree::{Part, Sort, Tree};

const RULES: [&str; 5] = [
    "as it is written",
    "batches of 1",
    "batches of 7",
    "split by the condition",
    "a copy without indexes",
];

/// Asks a query again: in the way that is named, or in one that follows from its text.
pub(super) fn check(
    engines: &mut Engines,
    statement: &Statement,
    sql: &str,
    first: &Outcome,
    only: Option<&'static str>,
) -> Option<Difference> {
    let order = statement.tree.order();
    let lot = match only {
        None => sql.len() % 16,
        Some(only) => RULES.iter().position(|name| *name == only).unwrap_or(15),
    };
    let name = RULES.get(lot % 4).copied().unwrap_or(RULES[3]);
    let ways = [
        Otherwise {
            unoptimized: true,
            ..Otherwise::default()
        },
        Otherwise {
            batch_rows_max: 1,
            ..Otherwise::default()
        },
        Otherwise {
            batch_rows_max: 7,
            ..Otherwise::default()
        },
    ];
    if let Some(way) = ways.get(lot % 4).filter(|_| lot != 4) {
        let _ = engines.ours.run_otherwise(*way);
        let second = engines.our_outcome(sql);
        let _ = engines.ours.run_otherwise(Otherwise::default());
        return differs(statement.ask, &order, name, first, &second);
    }
    match lot {
        3 => partition(engines, statement, first),
        4 if engines.ours.is_autocommit() => {
            let second = in_a_copy(engines, sql)?;
            differs(statement.ask, &order, RULES[4], first, &second)
        }
        _ => None,
    }
}

fn differs(
    ask: Ask,
    order: &[usize],
    name: &'static str,
    first: &Outcome,
    second: &Outcome,
) -> Option<Difference> {
    let second = Outcome {
        changes: first.changes,
        last_rowid: first.last_rowid,
        autocommit: first.autocommit,
        ..second.clone()
    };
    let found = difference(ask, order, first, &second)?;
    let said = found
        .said
        .replace("aludel:", "usual:")
        .replace("sqlite:", "otherwise:");
    Some(Difference {
        kind: Kind::Rule(name),
        said: format!("{name}\n{said}"),
    })
}

/// The answer of a copy of the database whose indexes are gone and whose statistics are new.
fn in_a_copy(engines: &mut Engines, sql: &str) -> Option<Outcome> {
    let file = engines.ours.serialize("main").ok()?;
    let copy = Engines::open().ok()?;
    copy.ours
        .deserialize("main", &file, DeserializeOptions::new())
        .ok()?;
    let names = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL";
    let mut statement = copy.ours.prepare(names).ok()?;
    let mut found = Vec::new();
    while statement.step().ok()? {
        found.push(statement.get::<String>(0).ok()?);
    }
    drop(statement);
    for name in found {
        copy.ours.execute_batch(&format!("DROP INDEX \"{name}\"")).ok()?;
    }
    copy.ours.execute_batch("ANALYZE").ok()?;
    Some(copy.our_outcome(sql))
}

/// The rows of a query without WHERE are those for which its condition is true, false and NULL.
fn partition(engines: &Engines, statement: &Statement, first: &Outcome) -> Option<Difference> {
    let whole = with_filter(&statement.tree, &|_| None)?;
    let split = |words: (&str, &str)| {
        let changed = with_filter(&statement.tree, &|condition| {
            Some(format!("({}{condition}{})", words.0, words.1))
        })?;
        Some(engines.our_outcome(&changed.to_string()))
    };
    let mut parts = first.clone();
    for words in [("NOT ", ""), ("", " IS NULL")] {
        let part = split(words)?;
        if part.error.is_some() {
            return None;
        }
        parts.rows.extend(part.rows);
    }
    let all = engines.our_outcome(&whole.to_string());
    if all.error.is_some() {
        return None;
    }
    differs(statement.ask, &[], RULES[3], &all, &parts)
}

/// A plain SELECT with another WHERE; nothing where the rows do not simply add up.
fn with_filter(tree: &Tree, change: &dyn Fn(&str) -> Option<String>) -> Option<Tree> {
    let text = tree.to_string();
    let plain =
        tree.sort == Sort::Query && text.starts_with("SELECT ") && !text.starts_with("SELECT DISTINCT");
    let adds_up = plain
        && ![
            " OVER ",
            " LIMIT ",
            " GROUP BY ",
            "count(",
            "sum(",
            "total(",
            "avg(",
            "max(",
            "min(",
            "group_concat(",
            "string_agg(",
            "group_array(",
        ]
        .iter()
        .any(|word| text.contains(word));
    if !adds_up {
        return None;
    }
    let place = tree.parts.iter().position(|part| match part {
        Part::Maybe(Some(piece)) => {
            matches!(piece.parts.first(), Some(Part::Text(word)) if word == " WHERE ")
        }
        _ => false,
    })?;
    let Part::Maybe(Some(piece)) = &tree.parts[place] else {
        return None;
    };
    let condition = piece.parts.get(1)?.to_string();
    let mut tree = tree.clone();
    tree.parts[place] =
        Part::Text(change(&condition).map_or(String::new(), |condition| format!(" WHERE {condition}")));
    Some(tree)
}
