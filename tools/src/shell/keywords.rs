//! Which keywords may come next: the parser itself is asked.
//!
//! The parser stops at the first token that cannot continue the text. So a keyword may follow a text exactly if the text with it
//! put at the end is a statement, or is refused for being incomplete, and not for the keyword. Each keyword is tried: some
//! hundred short parses, for the key that asks for a completion.
//!
//! Many keywords are names where they cannot be keywords, and a name can stand nearly everywhere. Where a plain name would be
//! taken as well, such a keyword counts only when more than a name can come after it, or less: then it was read as itself.

use aludel_sql::syntax::token::TokenKind;
use aludel_sql::syntax::{keywords, parse_next};

/// A name that nobody uses.
const NAME: &str = "zq_";

/// What may come after a keyword or a name tells them apart.
const PROBES: [&str; 8] = [".", "(", ")", "=", "BY", "1", "SELECT", NAME];

/// Longer statements are not tried with each keyword.
const TEXT_MAX: usize = 20_000;

/// The keywords, in capitals and in the order of the alphabet, that may follow `before`, the beginning of one statement.
pub(crate) fn expected(before: &str) -> Vec<&'static str> {
    if before.len() > TEXT_MAX {
        return Vec::new();
    }
    let mut text = before.to_owned();
    if !before.is_empty() {
        text.push(' ');
    }
    let takes_name = accepts(&mut text, NAME, "");
    let name_follows = PROBES.map(|probe| takes_name && accepts(&mut text, NAME, probe));
    let mut expected = Vec::new();
    for (keyword, kind) in keywords() {
        if !accepts(&mut text, keyword, "") {
            continue;
        }
        // The lexer makes names of these three where what follows does not make them keywords.
        let is_window_word = matches!(kind, TokenKind::Window | TokenKind::Over | TokenKind::Filter);
        let may_be_name = takes_name && (kind.is_name() || is_window_word);
        if !may_be_name || PROBES.map(|probe| accepts(&mut text, keyword, probe)) != name_follows {
            expected.push(keyword);
        }
    }
    expected
}

/// Whether `word` and then `probe` may follow the text.
fn accepts(text: &mut String, word: &str, probe: &str) -> bool {
    let start = text.len();
    text.push_str(word);
    text.push(' ');
    text.push_str(probe);
    let accepted = match parse_next(text.as_bytes(), 0) {
        Ok(_) => true,
        Err(error) => error.offset.is_none() && error.message == "incomplete input",
    };
    text.truncate(start);
    accepted
}

/// Whether a name has to be quoted: it is a word that is always a keyword, or no word.
pub(crate) fn needs_quotes(name: &str) -> bool {
    let is_word = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
    let kind = keywords().find(|(keyword, _)| keyword.eq_ignore_ascii_case(name));
    !is_word || kind.is_some_and(|(_, kind)| !TokenKind::is_fallback(kind))
}

/// The name as it can stand in SQL.
pub(crate) fn quoted_if_needed(name: &str) -> String {
    match needs_quotes(name) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, wanted: &[&str], unwanted: &[&str]) {
        let found = expected(before);
        for word in wanted {
            assert!(found.contains(word), "{before:?} lacks {word}: {found:?}");
        }
        for word in unwanted {
            assert!(!found.contains(word), "{before:?} has {word}: {found:?}");
        }
    }

    #[test]
    fn the_parser_tells_what_may_follow() {
        check(
            "",
            &["SELECT", "INSERT", "WITH", "PRAGMA", "CREATE", "EXPLAIN"],
            &["FROM", "WHERE", "TABLE"],
        );
        check(
            "SELECT",
            &["DISTINCT", "CASE", "NOT", "CAST", "NULL", "EXISTS"],
            &["FROM", "SELECT", "ABORT"],
        );
        check(
            "SELECT a",
            &["FROM", "AS", "UNION", "LIKE", "IS", "WHERE"],
            &["SELECT", "JOIN", "TABLE", "PLAN"],
        );
        check(
            "SELECT a FROM t",
            &["WHERE", "JOIN", "LEFT", "ORDER", "GROUP", "LIMIT"],
            &["SET", "SELECT", "FROM"],
        );
        check("SELECT a FROM t ORDER", &["BY"], &["SELECT", "ASC"]);
        check(
            "SELECT a FROM t ORDER BY a",
            &["ASC", "DESC", "LIMIT", "COLLATE", "NULLS"],
            &["WHERE", "FROM"],
        );
        check(
            "CREATE",
            &["TABLE", "INDEX", "UNIQUE", "TEMP", "VIEW", "TRIGGER", "VIRTUAL"],
            &["SELECT"],
        );
        check(
            "CREATE TABLE t(a INTEGER",
            &["PRIMARY", "NOT", "DEFAULT", "REFERENCES", "COLLATE"],
            &["FROM"],
        );
        check("INSERT", &["INTO", "OR"], &["FROM", "VALUES"]);
        check(
            "INSERT INTO t(a)",
            &["VALUES", "SELECT", "DEFAULT"],
            &["FROM", "SET"],
        );
        check("UPDATE t", &["SET"], &["FROM", "WHERE"]);
    }

    #[test]
    fn only_names_that_need_quotes_get_them() {
        let quoted = ["note", "a column", "select", "key", "1st", "caf\u{e9}", "x\"y"].map(quoted_if_needed);
        assert_eq!(
            quoted,
            [
                "note",
                "\"a column\"",
                "\"select\"",
                "key",
                "\"1st\"",
                "caf\u{e9}",
                "\"x\"\"y\""
            ]
        );
    }
}
