//! Colours while a line is written.
//!
//! | what | how |
//! |---|---|
//! | keywords | bold blue |
//! | functions | cyan |
//! | strings, numbers, parameters | green, magenta, yellow |
//! | comments | grey |
//! | tables, columns, functions that nothing is called | red |
//! | the token at which the parser stops | red, underlined |
//!
//! The word that is being written is not called wrong before it could not become right.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use aludel_sql::syntax::lexer::Lexer;
use aludel_sql::syntax::token::{Token, TokenKind as T};
use aludel_sql::syntax::{keywords, parse_next};
use nu_ansi_term::{Color, Style};
use reedline::{Highlighter, StyledText};

use super::complete::could_become;
use super::dot;
use super::names::Names;
use super::pieces::{Piece, next_piece, open_parentheses};
use super::prompt::OpenParentheses;
use super::session::SharedNames;
use super::sketch::{NameUse, Role, Sketch};

/// Longer texts (something pasted) get the colours of tokens only.
const NAMES_TEXT_MAX: usize = 20_000;

/// Colours a line.
pub(super) struct SqlHighlighter {
    names: SharedNames,
    colours: bool,
    open: OpenParentheses,
}

impl SqlHighlighter {
    /// `open` is told what the prompt of a further line shows.
    pub(super) fn new(names: SharedNames, colours: bool, open: OpenParentheses) -> Self {
        SqlHighlighter { names, colours, open }
    }
}

impl Highlighter for SqlHighlighter {
    fn highlight(&self, line: &str, cursor: usize) -> StyledText {
        let mut text = StyledText::new();
        // Only a text of several lines has a prompt that shows it.
        let open = if line.contains('\n') {
            open_parentheses(line)
        } else {
            0
        };
        self.open.store(open, Ordering::Relaxed);
        if !self.colours {
            text.push((Style::default(), line.to_owned()));
            return text;
        }
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        for (style, piece) in styled(&names, line, cursor) {
            text.push((style.style(), piece.to_owned()));
        }
        text
    }
}

/// What a part of the line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Keyword,
    Function,
    String,
    Number,
    Variable,
    Comment,
    Command,
    Unknown,
    Fault,
}

impl Look {
    fn style(self) -> Style {
        let plain = Style::default();
        match self {
            Look::Plain => plain,
            Look::Keyword => plain.fg(Color::Blue).bold(),
            Look::Function | Look::Command => plain.fg(Color::Cyan),
            Look::String => plain.fg(Color::Green),
            Look::Number => plain.fg(Color::Magenta),
            Look::Variable => plain.fg(Color::Yellow),
            Look::Comment => plain.fg(Color::DarkGray),
            Look::Unknown => plain.fg(Color::Red),
            Look::Fault => plain.fg(Color::Red).underline(),
        }
    }
}

/// The line in parts, none left out.
pub(super) fn styled<'l>(names: &Names, line: &'l str, cursor: usize) -> Vec<(Look, &'l str)> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some((piece, start, end)) = next_piece(line, at) {
        push_gap(&mut parts, line, at, start);
        match piece {
            Piece::Dot(_) => dot_line(&mut parts, line, start, end),
            Piece::Sql(_) | Piece::Unfinished(_) => statement(&mut parts, names, line, start, end, cursor),
        }
        at = end;
    }
    push_gap(&mut parts, line, at, line.len());
    parts
}

fn push<'l>(parts: &mut Vec<(Look, &'l str)>, look: Look, line: &'l str, start: usize, end: usize) {
    if let Some(text) = line.get(start..end).filter(|text| !text.is_empty()) {
        parts.push((look, text));
    }
}

/// What stands between tokens: blanks and comments.
fn push_gap<'l>(parts: &mut Vec<(Look, &'l str)>, line: &'l str, start: usize, end: usize) {
    let is_blank = line.get(start..end).is_none_or(|gap| gap.trim().is_empty());
    push(
        parts,
        if is_blank { Look::Plain } else { Look::Comment },
        line,
        start,
        end,
    );
}

fn dot_line<'l>(parts: &mut Vec<(Look, &'l str)>, line: &'l str, start: usize, end: usize) {
    let text = line.get(start..end).unwrap_or_default();
    let word = text.find(char::is_whitespace).unwrap_or(text.len());
    let name = text.get(1..word).unwrap_or_default();
    let is_beginning = dot::COMMANDS.iter().any(|command| command.name.starts_with(name));
    let look = if is_beginning {
        Look::Command
    } else {
        Look::Unknown
    };
    push(parts, look, line, start, start + word);
    push(parts, Look::Plain, line, start + word, end);
}

fn statement<'l>(
    parts: &mut Vec<(Look, &'l str)>,
    names: &Names,
    line: &'l str,
    start: usize,
    end: usize,
    cursor: usize,
) {
    let judges_names = end - start <= NAMES_TEXT_MAX;
    let sketch = if judges_names {
        Sketch::of(line, start)
    } else {
        Sketch::default()
    };
    let fault = fault(line, start, cursor);
    let mut lexer = Lexer::new(line.as_bytes(), start);
    let mut at = start;
    loop {
        let token = lexer.next_token();
        let (first, last) = (token.start as usize, token.end as usize);
        if token.kind == T::End || first >= end {
            break;
        }
        push_gap(parts, line, at, first);
        let look = match fault == Some(first) {
            true => Look::Fault,
            false => look_of(names, &sketch, line, token, cursor),
        };
        push(parts, look, line, first, last);
        at = last;
    }
    push_gap(parts, line, at, end);
}

/// The token at which the parser stops, unless it is still being written.
fn fault(line: &str, start: usize, cursor: usize) -> Option<usize> {
    let offset = parse_next(line.as_bytes(), start).err()?.offset? as usize;
    let token = Lexer::new(line.as_bytes(), offset).next_token();
    let open_string = token.kind == T::Illegal && token.end as usize == line.len();
    (token.end as usize != cursor && !open_string).then_some(offset)
}

fn look_of(names: &Names, sketch: &Sketch, line: &str, token: Token, cursor: usize) -> Look {
    if let Some(name) = sketch.name_at(token.start as usize) {
        return look_of_name(names, sketch, name, cursor);
    }
    match token.kind {
        T::String | T::Blob => Look::String,
        T::Integer | T::Float | T::SeparatedNumber => Look::Number,
        T::Variable => Look::Variable,
        T::Illegal if line.as_bytes().get(token.start as usize) == Some(&b'\'') => Look::String,
        kind if keywords().any(|(_, keyword)| keyword == kind) => Look::Keyword,
        _ => Look::Plain,
    }
}

fn look_of_name(names: &Names, sketch: &Sketch, name: &NameUse, cursor: usize) -> Look {
    let written = name.span.end as usize == cursor;
    if sketch.is_unknown(name, names) && !(written && could_become(names, sketch, name)) {
        return Look::Unknown;
    }
    match name.role {
        Role::Function | Role::TableFunction => Look::Function,
        _ => Look::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::names::example;

    /// The parts that look so, with the cursor at the end.
    fn parts(line: &str, look: Look) -> Vec<&str> {
        let names = example();
        let parts = styled(&names, line, line.len());
        let whole: String = parts.iter().map(|(_, text)| *text).collect();
        assert_eq!(whole, line, "nothing is left out");
        parts
            .into_iter()
            .filter(|(own, _)| *own == look)
            .map(|(_, text)| text)
            .collect()
    }

    #[test]
    fn tokens_have_their_colours() {
        let line = "SELECT count(*), 'a', 1.5, :p FROM note -- why\n WHERE id = 7; .tables x";
        assert_eq!(parts(line, Look::Keyword), ["SELECT", "FROM", "WHERE"]);
        assert_eq!(parts(line, Look::Function), ["count"]);
        assert_eq!(parts(line, Look::String), ["'a'"]);
        assert_eq!(parts(line, Look::Number), ["1.5", "7"]);
        assert_eq!(parts(line, Look::Variable), [":p"]);
        assert_eq!(parts(line, Look::Comment), [" -- why\n "]);
        assert_eq!(parts(line, Look::Command), [".tables"]);
        assert_eq!(parts(line, Look::Unknown), Vec::<&str>::new());
    }

    #[test]
    fn what_nothing_is_called_is_red() {
        assert_eq!(
            parts("SELECT titel, n.bodi FROM note n WHERE x.id = 1 ", Look::Unknown),
            ["titel", "bodi", "x"]
        );
        assert_eq!(
            parts("SELECT nope(title) FROM nots ", Look::Unknown),
            ["nope", "nots"]
        );
        assert_eq!(parts(".nope", Look::Unknown), [".nope"]);
    }

    #[test]
    fn a_word_that_can_still_become_right_is_not_red() {
        assert_eq!(parts("SELECT id FROM no", Look::Unknown), Vec::<&str>::new());
        assert_eq!(parts("SELECT id FROM nox", Look::Unknown), ["nox"]);
        assert_eq!(
            parts("SELECT id FROM note WHERE tit", Look::Unknown),
            Vec::<&str>::new()
        );
        assert_eq!(parts("SELECT sub", Look::Unknown), Vec::<&str>::new());
    }

    #[test]
    fn the_place_where_the_parser_stops_is_underlined() {
        assert_eq!(parts("SELECT 1 FORM note n x", Look::Fault), ["note"]);
        assert_eq!(parts("SELEC 1;", Look::Fault), ["SELEC"]);
        assert_eq!(parts("SELECT 'open", Look::Fault), Vec::<&str>::new());
    }
}
