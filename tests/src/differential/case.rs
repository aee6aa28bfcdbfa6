//! Cases as files: what led to a difference once, kept so that it is run again with every test.
//!
//! ```text
//! -- what was wrong, for people
//! CREATE TABLE t(a);
//! -- ask: coarse query order 1 2
//! SELECT DISTINCT a FROM t ORDER BY 1, 2;
//! ```
//!
//! One statement a line; `-- ask:` stands before a statement that leaves something open.

use super::compare::{Ask, Statement};
use super::run::{Found, from_text};
use super::tree::{Part, Sort, Tree};

/// The text of a case.
pub fn write(found: &Found) -> String {
    let profile = format!("{:?}", found.profile).to_lowercase();
    let mut text = format!("-- {profile}:{} {:?}\n", found.seed, found.difference.kind);
    for line in found.difference.said.lines() {
        text.push_str(&format!("-- {line}\n"));
    }
    for statement in &found.statements {
        let ask = ask_words(statement);
        if !ask.is_empty() {
            text.push_str(&format!("-- ask: {ask}\n"));
        }
        text.push_str(&format!("{};\n", statement.tree));
    }
    text
}

fn ask_words(statement: &Statement) -> String {
    let ask = statement.ask;
    let mut words: Vec<String> = [
        (ask.coarse, "coarse"),
        (ask.approximate, "approximate"),
        (ask.strict, "strict"),
        (ask.query, "query"),
    ]
    .into_iter()
    .filter(|(on, _)| *on)
    .map(|(_, word)| word.to_owned())
    .collect();
    let order = statement.tree.order();
    if !order.is_empty() {
        words.push("order".to_owned());
        words.extend(order.iter().map(|place| (place + 1).to_string()));
    }
    words.join(" ")
}

/// The statements of a case.
pub fn read(text: &str) -> Vec<Statement> {
    let mut statements = Vec::new();
    let (mut ask, mut order) = (Ask::default(), Vec::new());
    for line in text.lines() {
        if let Some(words) = line.strip_prefix("-- ask:") {
            for word in words.split_whitespace() {
                match word {
                    "coarse" => ask.coarse = true,
                    "approximate" => ask.approximate = true,
                    "strict" => ask.strict = true,
                    "query" => ask.query = true,
                    number => order.extend(number.parse::<usize>().ok()),
                }
            }
        } else if !line.starts_with("--") && !line.trim().is_empty() {
            let mut statement = from_text(line.trim_end().trim_end_matches(';'), ask);
            let terms = order
                .drain(..)
                .map(|place| Part::from(Tree::text(Sort::Term(place), "")));
            statement.tree.parts.extend(terms);
            statements.push(statement);
            ask = Ask::default();
        }
    }
    statements
}
