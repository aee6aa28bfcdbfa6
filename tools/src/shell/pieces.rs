//! Cutting input into pieces: dot commands, which are a line each, and statements, which end at their semicolon.
//!
//! Where a statement ends is asked of the parser, so that a semicolon in a string, a comment or the body of a trigger ends nothing. Of a
//! text that it refuses, the lexer's next semicolon is the end: what follows is another try.

use aludel_sql::syntax::lexer::Lexer;
use aludel_sql::syntax::parse_next;
use aludel_sql::syntax::token::TokenKind;

/// A piece of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// A line that begins with a point.
    Dot(&'t str),
    /// A statement with its semicolon.
    Sql(&'t str),
    /// The beginning of a statement: more has to come.
    Unfinished(&'t str),
}

/// The first piece at or after byte `at`, where it begins and where it ends; `None` when there are only blanks and comments.
pub(crate) fn next_piece(text: &str, at: usize) -> Option<(Piece<'_>, usize, usize)> {
    let start = skip_semicolons(text, at);
    let rest = text.get(start..)?;
    if rest.is_empty() {
        return None;
    }
    if rest.starts_with('.') {
        let end = rest.find('\n').map_or(text.len(), |line_end| start + line_end);
        return Some((Piece::Dot(text.get(start..end)?.trim_end()), start, end));
    }
    match statement_end(text, start) {
        End::Semicolon(end) => Some((Piece::Sql(text.get(start..end)?), start, end)),
        End::Text => Some((Piece::Unfinished(rest), start, text.len())),
        End::Blank => None,
    }
}

/// Whether nothing of the text is unfinished.
pub(crate) fn is_complete(text: &str) -> bool {
    let mut at = 0;
    while let Some((piece, _, end)) = next_piece(text, at) {
        if let Piece::Unfinished(_) = piece {
            return false;
        }
        at = end;
    }
    // A comment that was opened and not closed is blank to the lexer.
    !ends_in_open_comment(text.get(at..).unwrap_or_default())
}

/// How many parentheses of what is unfinished have to be closed yet.
pub(crate) fn open_parentheses(text: &str) -> usize {
    let mut at = 0;
    while let Some((piece, start, end)) = next_piece(text, at) {
        if let Piece::Unfinished(_) = piece {
            return open_since(text, start);
        }
        at = end;
    }
    0
}

fn open_since(text: &str, start: usize) -> usize {
    let mut lexer = Lexer::new(text.as_bytes(), start);
    let mut open = 0usize;
    loop {
        match lexer.next_token().kind {
            TokenKind::End => return open,
            TokenKind::LeftParen => open += 1,
            TokenKind::RightParen => open = open.saturating_sub(1),
            _ => {}
        }
    }
}

enum End {
    Semicolon(usize),
    Text,
    Blank,
}

fn statement_end(text: &str, start: usize) -> End {
    match parse_next(text.as_bytes(), start) {
        Ok(None) => return End::Blank,
        Ok(Some(next)) if text.as_bytes().get(next.end.wrapping_sub(1)) == Some(&b';') => {
            return End::Semicolon(next.end);
        }
        Ok(Some(_)) => return End::Text,
        Err(error)
            if error.offset.is_none()
                && error.message == "incomplete input"
                && !has_semicolon(text, start) =>
        {
            return End::Text;
        }
        Err(_) => {}
    }
    semicolon(text, start).map_or(End::Text, End::Semicolon)
}

fn has_semicolon(text: &str, start: usize) -> bool {
    semicolon(text, start).is_some()
}

/// The end of the first semicolon that is a token; of a trigger, of the one after END.
fn semicolon(text: &str, start: usize) -> Option<usize> {
    let mut lexer = Lexer::new(text.as_bytes(), start);
    let (mut seen, mut before, mut is_trigger) = (0, [TokenKind::End; 2], false);
    loop {
        let token = lexer.next_token();
        match token.kind {
            TokenKind::End => return None,
            TokenKind::Trigger if seen <= 2 => is_trigger = true,
            TokenKind::Semicolon
                if !is_trigger || before == [TokenKind::Semicolon, TokenKind::EndKeyword] =>
            {
                return Some(token.end as usize);
            }
            _ => {}
        }
        before = [before[1], token.kind];
        seen += 1;
    }
}

/// Skips blanks and lone semicolons.
fn skip_semicolons(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let skipped = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';' || c == '\u{feff}');
    text.len() - skipped.len()
}

fn ends_in_open_comment(blank: &str) -> bool {
    match blank.rfind("/*") {
        Some(open) => !blank.get(open..).is_some_and(|rest| rest.contains("*/")),
        None => false,
    }
}

/// The number, from 1, of the line that has byte `offset`.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    1 + memchr_count(before)
}

fn memchr_count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<Piece<'_>> {
        let mut at = 0;
        std::iter::from_fn(|| {
            let (piece, _, end) = next_piece(text, at)?;
            at = end;
            Some(piece)
        })
        .collect()
    }

    #[test]
    fn statements_end_where_the_parser_says() {
        use Piece::{Dot, Sql, Unfinished};
        assert_eq!(
            pieces("SELECT ';'; .x\n.y z\nSELECT 2"),
            [Sql("SELECT ';';"), Dot(".x"), Dot(".y z"), Unfinished("SELECT 2")]
        );
        assert_eq!(pieces("SELECT 1 -- ;\n;;\n-- end"), [Sql("SELECT 1 -- ;\n;")]);
        let trigger = "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; SELECT 2; END;";
        assert_eq!(
            pieces(&format!("{trigger} COMMIT;")),
            [Sql(trigger), Sql("COMMIT;")]
        );
        assert_eq!(pieces("SELEC 1; SELECT 2;"), [Sql("SELEC 1;"), Sql("SELECT 2;")]);
        assert_eq!(pieces("SELECT (;"), [Sql("SELECT (;")]);
    }

    #[test]
    fn input_is_complete_when_nothing_is_open() {
        for text in [
            "",
            "  ",
            "-- x",
            ".tables",
            "SELECT 1;",
            "SELECT 1; -- done",
            "SELECT ; SELECT 1;",
            "/* c */",
        ] {
            assert!(is_complete(text), "{text:?}");
        }
        for text in [
            "SELECT 1",
            "SELECT 'a;",
            "SELECT 1; SELECT",
            "/* c ",
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1;",
        ] {
            assert!(!is_complete(text), "{text:?}");
        }
    }

    #[test]
    fn lines_are_counted_from_one() {
        assert_eq!([0, 1, 2, 9].map(|offset| line_of("a\nb\n", offset)), [1, 1, 2, 3]);
    }
}
