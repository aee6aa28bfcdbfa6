//! What can stand at a place of a statement.

use aludel_sql::syntax::lexer::Lexer;
use aludel_sql::syntax::token::{Token, TokenKind as T};

use super::values::{PragmaTakes, of_pragma};
use super::{Candidate, Candidates, matching};
use crate::shell::keywords::{expected, quoted_if_needed};
use crate::shell::names::{Names, TableName};
use crate::shell::sketch::{Column, NameUse, Role, Sketch};

/// The name that is put in at the cursor.
const MARKER: &str = "zq_here";

/// With no FROM yet, columns of all tables are offered, unless there are too many.
const FREE_COLUMNS_MAX: usize = 300;

/// Candidates at byte `cursor`, in the statement that begins at `start`.
pub(super) fn candidates(names: &Names, line: &str, start: usize, cursor: usize) -> Candidates {
    let Some(word) = Word::at(line, start, cursor) else {
        return Candidates {
            start: cursor,
            end: cursor,
            list: Vec::new(),
        };
    };
    let before = line.get(start..word.start).unwrap_or_default();
    let after = line.get(word.end..).unwrap_or_default();
    let marked = format!("{before}{MARKER} {after}");
    let sketch = Sketch::of(&marked, 0);
    let name = sketch.name_at(before.len());
    let mut list = name.map_or_else(Vec::new, |name| of_role(names, &sketch, name));
    let qualified = name.is_some_and(|name| !name.qualifiers.is_empty());
    if !qualified && word.quote.is_none() {
        list.extend(keywords(before, &word.prefix));
    }
    let mut seen = std::collections::HashSet::new();
    list.retain(|candidate| candidate.value != MARKER && seen.insert(candidate.value.to_lowercase()));
    let mut list = matching(list, &word.prefix);
    if let Some(quote) = word.quote {
        for candidate in &mut list {
            let bare = candidate.value.trim_matches('"').replace("\"\"", "\"");
            candidate.value = format!(
                "{quote}{}{quote}",
                bare.replace(quote, &format!("{quote}{quote}"))
            );
        }
    }
    Candidates {
        start: word.start,
        end: word.end,
        list,
    }
}

/// Whether a name that is being written, and is none yet, can still become one by going on.
pub(in crate::shell) fn could_become(names: &Names, sketch: &Sketch, name: &NameUse) -> bool {
    let wanted = name.text.to_lowercase();
    let begins = |candidate: &Candidate| {
        candidate
            .value
            .trim_start_matches('"')
            .to_lowercase()
            .starts_with(&wanted)
    };
    // A column's name may turn out to be that of a function, a table's that of a database.
    of_role(names, sketch, name).iter().any(begins)
}

/// The word in which the cursor stands.
struct Word {
    start: usize,
    end: usize,
    /// What of it stands before the cursor, without its quote.
    prefix: String,
    quote: Option<char>,
}

impl Word {
    /// `None` inside of a string or comment.
    fn at(line: &str, start: usize, cursor: usize) -> Option<Word> {
        let before = line.get(start..cursor)?;
        let last = last_token(before);
        let end_of_last = last.map_or(0, |token| token.end as usize);
        let gap = before.get(end_of_last..)?;
        if gap.contains("--") || gap.contains("/*") {
            return None;
        }
        if let Some(token) =
            last.filter(|token| token.kind == T::Illegal && token.end as usize == before.len())
        {
            let text = before.get(token.start as usize..)?;
            let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '`'))?;
            let start = start + token.start as usize;
            return Some(Word {
                start,
                end: cursor,
                prefix: text.get(1..)?.to_owned(),
                quote: Some(quote),
            });
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let prefix = before
            .rsplit(|c| !is_word(c))
            .next()
            .unwrap_or_default()
            .to_owned();
        let in_string =
            last.is_some_and(|token| token.kind == T::String && (token.end as usize) > before.len());
        let tail = line.get(cursor..)?;
        let tail = tail.find(|c| !is_word(c)).unwrap_or(tail.len());
        (!in_string).then(|| Word {
            start: cursor - prefix.len(),
            end: cursor + tail,
            prefix,
            quote: None,
        })
    }
}

fn last_token(text: &str) -> Option<Token> {
    let mut lexer = Lexer::new(text.as_bytes(), 0);
    let mut last = None;
    loop {
        let token = lexer.next_token();
        if token.kind == T::End {
            return last;
        }
        last = Some(token);
    }
}

/// The keywords that may follow, written as what is there is written.
fn keywords(before: &str, prefix: &str) -> Vec<Candidate> {
    let small = match prefix.chars().next() {
        Some(first) => first.is_lowercase(),
        None => writes_small(before),
    };
    let word = |keyword: &str| {
        if small {
            keyword.to_lowercase()
        } else {
            keyword.to_owned()
        }
    };
    let candidate = |keyword: &'static str| Candidate {
        ends_word: true,
        ..Candidate::new(word(keyword), "keyword")
    };
    expected(before).into_iter().map(candidate).collect()
}

/// Whether the statement begins with a small letter.
fn writes_small(before: &str) -> bool {
    before
        .chars()
        .find(|c| c.is_alphabetic())
        .is_some_and(char::is_lowercase)
}

/// All that could stand for a name in its role.
fn of_role(names: &Names, sketch: &Sketch, name: &NameUse) -> Vec<Candidate> {
    let qualifier = name.qualifiers.last().map(String::as_str);
    match &name.role {
        Role::Table | Role::TableFunction => tables(names, sketch, name, qualifier),
        Role::View => list(
            names
                .tables
                .iter()
                .filter(|table| table.kind == "view")
                .map(|table| &table.name),
            "view",
        ),
        Role::Column => match qualifier {
            Some(qualifier) => columns_of(names, sketch, name, qualifier),
            None => expression(names, sketch, name),
        },
        Role::TargetColumn => columns(sketch.columns(name.block, names).unwrap_or_default()),
        Role::Qualifier => qualifiers(names, sketch, name),
        Role::Function => list(&names.functions, "function"),
        Role::Index => list(&names.indexes, "index"),
        Role::Trigger => list(&names.triggers, "trigger"),
        Role::Collation => list(&names.collations, "collation"),
        Role::Pragma => list(&names.pragmas, "pragma"),
        Role::PragmaValue(pragma) => pragma_values(names, pragma),
        Role::Database => list(&names.databases, "database"),
        Role::Other => Vec::new(),
    }
}

fn list<'n>(names: impl IntoIterator<Item = &'n String>, what: &str) -> Vec<Candidate> {
    names
        .into_iter()
        .map(|name| Candidate::new(quoted_if_needed(name), what))
        .collect()
}

fn tables(names: &Names, sketch: &Sketch, name: &NameUse, database: Option<&str>) -> Vec<Candidate> {
    let in_database = |table: &&TableName| match database {
        Some(database) => table.database.eq_ignore_ascii_case(database),
        None => true,
    };
    let is_own = |table: &&TableName| !table.name.starts_with("sqlite_") && table.kind != "shadow";
    let described = |table: &TableName| {
        let what = match table.database.as_str() {
            "main" => table.kind.clone(),
            database => format!("{} of {database}", table.kind),
        };
        Candidate::new(quoted_if_needed(&table.name), what)
    };
    let mut found = Vec::new();
    if database.is_none() {
        found.extend(
            sketch
                .common_tables(name.block)
                .into_iter()
                .map(|own| Candidate::new(quoted_if_needed(own), "WITH")),
        );
    }
    let (own, others): (Vec<_>, Vec<_>) = names.tables.iter().filter(in_database).partition(is_own);
    found.extend(own.into_iter().map(described));
    if database.is_none() && names.databases.len() > 2 {
        found.extend(
            names
                .databases
                .iter()
                .map(|own| Candidate::new(format!("{}.", quoted_if_needed(own)), "database")),
        );
    }
    found.extend(others.into_iter().map(described));
    if database.is_none() {
        found.extend(list(&names.modules, "table function"));
    }
    found
}

fn columns(columns: Vec<Column>) -> Vec<Candidate> {
    columns
        .into_iter()
        .map(|column| {
            let what = match (column.source.as_str(), column.declared.as_str()) {
                ("", declared) => declared.to_owned(),
                (source, "") => source.to_owned(),
                (source, declared) => format!("{source} {declared}"),
            };
            Candidate::new(quoted_if_needed(&column.name), what)
        })
        .collect()
}

/// Columns after a point; after a database's name, its tables.
fn columns_of(names: &Names, sketch: &Sketch, name: &NameUse, qualifier: &str) -> Vec<Candidate> {
    match sketch.columns_of(name.block, qualifier, names) {
        Some(known) => columns(known.unwrap_or_default()),
        // FROM is not written yet: the table itself tells.
        None => match names.table(None, qualifier) {
            Some(table) => columns(of_table(table)),
            None => tables(names, sketch, name, Some(qualifier)),
        },
    }
}

fn of_table(table: &TableName) -> Vec<Column> {
    let columns = table.columns.iter();
    columns
        .map(|column| Column {
            name: column.name.clone(),
            source: table.name.clone(),
            declared: column.declared.clone(),
        })
        .collect()
}

/// What an expression can begin with: columns, then what qualifies them, then functions.
fn expression(names: &Names, sketch: &Sketch, name: &NameUse) -> Vec<Candidate> {
    let sources = sketch.source_names(name.block);
    let mut found = columns(sketch.columns(name.block, names).unwrap_or_default());
    found.extend(
        sketch
            .aliases(name.block)
            .map(|alias| Candidate::new(quoted_if_needed(alias), "column of this query")),
    );
    if sources.is_empty() {
        let all: Vec<Column> = names
            .tables
            .iter()
            .filter(|table| !table.name.starts_with("sqlite_"))
            .flat_map(of_table)
            .collect();
        if all.len() <= FREE_COLUMNS_MAX {
            found.extend(columns(all));
        }
    }
    found.extend(
        sources
            .into_iter()
            .map(|source| Candidate::new(format!("{}.", quoted_if_needed(source)), "table here")),
    );
    found.extend(
        names
            .functions
            .iter()
            .map(|function| Candidate::new(format!("{function}("), "function")),
    );
    found
}

fn qualifiers(names: &Names, sketch: &Sketch, name: &NameUse) -> Vec<Candidate> {
    let sources = sketch.source_names(name.block).into_iter();
    let mut found: Vec<Candidate> = sources
        .map(|source| Candidate::new(quoted_if_needed(source), "table here"))
        .collect();
    found.extend(list(&names.databases, "database"));
    found
}

fn pragma_values(names: &Names, pragma: &str) -> Vec<Candidate> {
    match of_pragma(pragma) {
        PragmaTakes::Words(words) => words.iter().map(|word| Candidate::new(*word, pragma)).collect(),
        PragmaTakes::Table => list(names.tables.iter().map(|table| &table.name), "table"),
        PragmaTakes::Index => list(&names.indexes, "index"),
        PragmaTakes::Anything => Vec::new(),
    }
}
