//! Renaming inside the texts that sqlite_schema keeps: which words of a definition name a table or a column.
//!
//! The texts are changed in place, word by word, so that layout and comments stay as they were written.

use crate::catalog::SchemaRow;
use crate::syntax::lexer::Lexer;
use crate::syntax::token::{Token, TokenKind};

/// A definition's text as words.
struct Words<'a> {
    sql: &'a str,
    tokens: Vec<Token>,
}

/// A table and one of its columns under the old and the new name.
pub(super) struct ColumnRename<'a> {
    pub(super) table: &'a str,
    pub(super) from: &'a str,
    /// As it is to be written, in quotes where it has to be.
    pub(super) to: &'a str,
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

    /// Whether the word is `name`, bare or in quotes of any kind.
    fn names(&self, place: usize, name: &str) -> bool {
        let text = self.text(place);
        let mut characters = text.chars();
        match characters.next() {
            Some(quote @ ('"' | '`' | '\'')) => {
                let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
                let doubled = format!("{quote}{quote}");
                inner
                    .replace(&doubled, &quote.to_string())
                    .eq_ignore_ascii_case(name)
            }
            Some('[') => text
                .get(1..text.len().saturating_sub(1))
                .is_some_and(|inner| inner.eq_ignore_ascii_case(name)),
            _ => text.eq_ignore_ascii_case(name),
        }
    }

    /// The text with the words at `places` put as `new`.
    fn replaced(&self, places: &[usize], new: &str) -> Option<String> {
        if places.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(self.sql.len() + new.len() * places.len());
        let mut end = 0;
        for token in places.iter().filter_map(|&place| self.tokens.get(place)) {
            out.push_str(self.sql.get(end..token.start as usize)?);
            out.push_str(new);
            end = token.end as usize;
        }
        out.push_str(self.sql.get(end..)?);
        Some(out)
    }

    // ---- tables ----------------------------------------------------------------------------------

    /// With `legacy` only the names that say whose definition it is; those of foreign keys if these are enforced.
    fn legacy_places(&self, table: &str, legacy: LegacyRename) -> Vec<usize> {
        let mut words: Vec<&str> = match self.text(1).to_ascii_uppercase().as_str() {
            "VIEW" => return Vec::new(),
            "INDEX" | "UNIQUE" | "TRIGGER" => vec!["ON"],
            _ => vec!["TABLE"],
        };
        if let (LegacyRename::WithForeignKeys, ["TABLE"]) = (legacy, words.as_slice()) {
            words.push("REFERENCES");
        }
        let mut places: Vec<usize> = (0..self.tokens.len())
            .filter(|&place| self.names(place, table) && self.any(self.before_name(place), &words))
            .collect();
        // Other ON than the first belong to joins.
        if words == ["ON"] {
            places.truncate(1);
        }
        places
    }

    fn table_places(&self, table: &str) -> Vec<usize> {
        let watches = self.any(Some(1), &["INDEX", "UNIQUE", "TRIGGER"]);
        let mut first_on = watches;
        // Whether a comma at this depth of parentheses separates tables.
        let mut in_from = vec![false];
        let mut places = Vec::new();
        for place in 0..self.tokens.len() {
            let here = Some(place);
            match self.text(place) {
                "(" => in_from.push(false),
                ")" if in_from.len() > 1 => drop(in_from.pop()),
                _ if self.opens_from(place) => set_last(&mut in_from, true),
                _ if self.any(here, &CLAUSES) => set_last(&mut in_from, false),
                _ => {}
            }
            if !self.names(place, table) {
                continue;
            }
            let before = self.before_name(place);
            let listed = self.is(before, ",") && in_from.last() == Some(&true);
            let watched = first_on && self.is(before, "ON");
            let led = before.is_some_and(|before| self.opens_from(before))
                || self.any(before, &["INTO", "UPDATE", "TABLE", "REFERENCES"]);
            let after_or = before.is_some_and(|before| before >= 2 && self.is(Some(before - 1), "OR"));
            let qualifies = self.is(Some(place + 1), ".") && !self.is(place.checked_sub(1), ".");
            if led || listed || watched || after_or || qualifies {
                places.push(place);
                first_on &= !watched;
            }
        }
        places
    }

    /// The word before a name and the schema in front of it.
    fn before_name(&self, place: usize) -> Option<usize> {
        match place.checked_sub(1) {
            Some(dot) if self.text(dot) == "." => dot.checked_sub(2),
            before => before,
        }
    }

    // ---- columns ---------------------------------------------------------------------------------

    /// Words that name the column inside its own table's definition.
    fn own_column_places(&self, rename: &ColumnRename<'_>) -> Vec<usize> {
        let mut depth = 0usize;
        // The depth at which a list of another table's columns stands.
        let mut foreign: Option<usize> = None;
        let mut places = Vec::new();
        for place in 0..self.tokens.len() {
            match self.text(place) {
                "(" => {
                    depth += 1;
                    let referred = place.checked_sub(1);
                    if self.is(place.checked_sub(2), "REFERENCES")
                        && referred.is_some_and(|referred| !self.names(referred, rename.table))
                    {
                        foreign = Some(depth);
                    }
                }
                ")" => {
                    foreign = foreign.filter(|own| *own != depth);
                    depth = depth.saturating_sub(1);
                }
                _ => {}
            }
            let starts = depth == 1 && self.any(place.checked_sub(1), &["(", ","]);
            if (starts || depth > 1) && foreign.is_none() && self.is_column(place, rename.from) {
                places.push(place);
            }
        }
        places
    }

    /// Columns of the renamed table that a foreign key of another table refers to.
    fn referred_places(&self, rename: &ColumnRename<'_>) -> Vec<usize> {
        let mut inside = false;
        let mut places = Vec::new();
        for place in 0..self.tokens.len() {
            match self.text(place) {
                "(" => {
                    let table = place.checked_sub(1);
                    inside = self.is(place.checked_sub(2), "REFERENCES")
                        && table.is_some_and(|table| self.names(table, rename.table));
                }
                ")" => inside = false,
                _ if inside && self.names(place, rename.from) => places.push(place),
                _ => {}
            }
        }
        places
    }

    /// Words that name the column in an index, view or trigger.
    fn used_places(&self, rename: &ColumnRename<'_>, watched: bool) -> Vec<usize> {
        let mentions = (0..self.tokens.len()).any(|place| self.names(place, rename.table));
        if !mentions {
            return Vec::new();
        }
        let aliases = self.aliases_of(rename.table);
        let fits = |place: &usize| {
            let qualifier = place
                .checked_sub(2)
                .filter(|_| self.is(place.checked_sub(1), "."));
            let of_table = match qualifier {
                None => true,
                Some(_) if self.any(qualifier, &["NEW", "OLD"]) => watched,
                Some(_) if self.is(qualifier, "EXCLUDED") => true,
                Some(own) => {
                    self.names(own, rename.table) || aliases.iter().any(|alias| self.names(own, alias))
                }
            };
            of_table && self.is_column(*place, rename.from) && !self.joins_by(*place)
        };
        // The first words are CREATE, the kind and the object's own name.
        (3..self.tokens.len()).filter(fits).collect()
    }

    /// Whether the word stands in the list of a USING, where a column belongs to both sides: SQLite lets it be, and then tells what the new
    /// name broke.
    fn joins_by(&self, place: usize) -> bool {
        let opened = (0..place)
            .rev()
            .find(|&before| matches!(self.text(before), "(" | ")"));
        let opened = opened.filter(|&opened| self.text(opened) == "(");
        opened.is_some_and(|opened| self.is(opened.checked_sub(1), "USING"))
    }

    /// What stands where a table may have an alias, wherever the table is named.
    fn aliases_of(&self, table: &str) -> Vec<String> {
        let named = (0..self.tokens.len()).filter(|&place| self.names(place, table));
        named
            .map(|place| match self.is(Some(place + 1), "AS") {
                true => place + 2,
                false => place + 1,
            })
            .map(|alias| unquoted(self.text(alias)))
            .collect()
    }

    fn is_column(&self, place: usize, name: &str) -> bool {
        self.names(place, name)
            && !self.any(Some(place + 1), &["(", "."])
            && !self.any(place.checked_sub(1), &["COLLATE", "AS"])
            && !self.text(place).starts_with('\'')
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

/// What PRAGMA legacy_alter_table leaves of renaming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LegacyRename {
    /// The definition's own name.
    OwnName,
    /// And the parents of foreign keys.
    WithForeignKeys,
}

/// The text of a definition after its table was renamed; `None` when nothing changes.
pub(super) fn with_table_renamed(
    sql: &str,
    from: &str,
    to: &str,
    legacy: Option<LegacyRename>,
) -> Option<String> {
    let words = Words::of(sql);
    let places = match legacy {
        None => words.table_places(from),
        Some(legacy) => words.legacy_places(from, legacy),
    };
    words.replaced(&places, to)
}

/// The text of an object's definition after a column was renamed; `None` when nothing changes.
pub(super) fn with_column_renamed(kind: &str, row: &SchemaRow, rename: &ColumnRename<'_>) -> Option<String> {
    let words = Words::of(row.sql.as_deref()?);
    let own = row
        .table
        .as_deref()
        .is_some_and(|table| table.eq_ignore_ascii_case(rename.table));
    let places = match (kind, own) {
        ("table", true) => words.own_column_places(rename),
        ("table", false) => words.referred_places(rename),
        ("index", false) => Vec::new(),
        (_, own) => words.used_places(rename, own),
    };
    words.replaced(&places, rename.to)
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
