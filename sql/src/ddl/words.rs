//! The words of definitions' texts, where what counts is how they were written.

use crate::syntax::lexer::Lexer;
use crate::syntax::token::{Token, TokenKind};

/// A definition's text as words.
struct Words<'a> {
    sql: &'a str,
    tokens: Vec<Token>,
}

impl<'a> Words<'a> {
    fn of(sql: &'a str) -> Words<'a> {
        let mut lexer = Lexer::new(sql.as_bytes(), 0);
        let mut tokens = Vec::new();
        loop {
            let token = lexer.next_token();
            if matches!(token.kind, TokenKind::End) {
                return Words { sql, tokens };
            }
            tokens.push(token);
        }
    }

    fn text(&self, place: usize) -> &'a str {
        let found = self
            .tokens
            .get(place)
            .and_then(|token| self.sql.get(token.start as usize..token.end as usize));
        found.unwrap_or("")
    }

    fn is(&self, place: Option<usize>, word: &str) -> bool {
        place.is_some_and(|place| self.text(place).eq_ignore_ascii_case(word))
    }

    fn any(&self, place: Option<usize>, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(place, word))
    }

    /// Whether tables stand behind the word: FROM, unless it ends IS DISTINCT FROM, or JOIN.
    fn opens_from(&self, place: usize) -> bool {
        let here = Some(place);
        self.is(here, "JOIN") || self.is(here, "FROM") && !self.is(place.checked_sub(1), "DISTINCT")
    }
}

/// Words that end a FROM clause.
const CLAUSES: [&str; 12] = [
    "WHERE",
    "GROUP",
    "ORDER",
    "SET",
    "SELECT",
    "LIMIT",
    "HAVING",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "VALUES",
    ";",
];

fn set_last(flags: &mut [bool], value: bool) {
    if let Some(last) = flags.last_mut() {
        *last = value;
    }
}

/// The databases that a definition's queries name in front of tables, in the order of the text.
pub(super) fn named_databases(sql: &str) -> Vec<String> {
    let words = Words::of(sql);
    let mut in_from = vec![false];
    let mut found = Vec::new();
    for place in 0..words.tokens.len() {
        let here = Some(place);
        match words.text(place) {
            "(" => in_from.push(false),
            ")" if in_from.len() > 1 => drop(in_from.pop()),
            _ if words.opens_from(place) => set_last(&mut in_from, true),
            _ if words.any(here, &CLAUSES) => set_last(&mut in_from, false),
            _ => {}
        }
        let before = place.checked_sub(1);
        let opens = words.is(before, "(") && words.any(place.checked_sub(2), &["FROM", "JOIN", ",", "("]);
        // In the list itself, or inside the parentheses of a join.
        let listed = match in_from.as_slice() {
            [.., true] => words.is(before, ","),
            [.., true, _] => opens,
            _ => false,
        };
        let leads = before.is_some_and(|before| words.opens_from(before)) || words.is(before, "IN") || listed;
        let qualifies = words.is(Some(place + 1), ".") && !words.is(Some(place + 3), ".");
        if leads && qualifies {
            found.push(unquoted(words.text(place)));
        }
    }
    found
}

fn unquoted(word: &str) -> String {
    let inner = word.get(1..word.len().saturating_sub(1)).unwrap_or("");
    match word.chars().next() {
        Some(quote @ ('"' | '`' | '\'')) => inner.replace(&format!("{quote}{quote}"), &quote.to_string()),
        Some('[') => inner.to_owned(),
        _ => word.to_owned(),
    }
}

/// Where the word after byte `offset` begins.
pub(super) fn next_word(sql: &str, offset: usize) -> usize {
    Lexer::new(sql.as_bytes(), offset).next_token().start as usize
}

/// Where the last word before byte `offset` begins.
pub(super) fn previous_word(sql: &str, offset: usize) -> usize {
    let words = Words::of(sql);
    let before = words
        .tokens
        .iter()
        .rev()
        .find(|token| (token.end as usize) <= offset);
    before.map_or(0, |token| token.start as usize)
}

/// Where the last word before byte `offset` ends.
pub(super) fn previous_end(sql: &str, offset: usize) -> usize {
    let words = Words::of(sql);
    let before = words
        .tokens
        .iter()
        .rev()
        .find(|token| (token.end as usize) <= offset);
    before.map_or(0, |token| token.end as usize)
}
