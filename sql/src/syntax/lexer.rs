//! From bytes to tokens.
//!
//! The lexer never fails and never allocates: a byte that begins no token is a token of kind `Illegal`, which is an error only
//! where the parser reaches it. Bytes above 0x7f are letters, valid UTF-8 or not. A NUL byte ends the text, as it does for SQLite.
//!
//! Three words of window functions are keywords only in company, so that old schemas may use them as names:
//!
//! | word | is a keyword if |
//! |---|---|
//! | `WINDOW` | a name and `AS` follow |
//! | `OVER` | `)` stands before it, and `(` or a name follows |
//! | `FILTER` | `)` stands before it, and `(` follows |
//!
//! `settle_window_words` decides that over the finished tokens, from left to right.

use super::keyword::{KEYWORD_MIN, keyword_in_front};
use super::token::{Token, TokenKind};

/// What a byte can be part of.
const SPACE: u8 = 1;
const DIGIT: u8 = 2;
const HEX: u8 = 4;
/// Continues an identifier.
const WORD: u8 = 8;
/// Begins an identifier or keyword and nothing else: a letter, but for the X of blobs.
const LETTER: u8 = 16;
/// May begin a blank, a comment or a byte order mark.
const GAP: u8 = 32;

const BYTE_CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let byte = i as u8;
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c) {
            table[i] |= SPACE;
        }
        if byte.is_ascii_digit() {
            table[i] |= DIGIT;
        }
        if byte.is_ascii_hexdigit() {
            table[i] |= HEX;
        }
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80 {
            table[i] |= WORD;
        }
        if byte.is_ascii_alphabetic() && !matches!(byte, b'x' | b'X') || byte == b'_' || byte >= 0x80 {
            table[i] |= LETTER;
        }
        if matches!(byte, b'\t'..=b' ' | b'-' | b'/' | 0xef) {
            table[i] |= GAP;
        }
        i += 1;
    }
    table
};

const fn is(byte: u8, class: u8) -> bool {
    BYTE_CLASS[byte as usize] & class != 0
}

/// True for a byte that SQLite's text functions and lexer take as white space.
pub(crate) const fn is_space(byte: u8) -> bool {
    is(byte, SPACE)
}

/// Reads tokens off a text, one after the other.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    sql: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    /// A lexer that starts at byte `at` of `sql`.
    #[must_use]
    pub fn new(sql: &'a [u8], at: usize) -> Self {
        Self { sql, at }
    }

    /// The next token; at the end of the text `End`, again and again.
    #[inline(always)]
    pub fn next_token(&mut self) -> Token {
        // The place is kept outside of `self` until it is known: most tokens are words and points, and take no call.
        let (sql, mut at) = (self.sql, self.at);
        let mut first = byte_at(sql, at);
        if first == b' ' {
            at += 1;
            first = byte_at(sql, at);
        }
        if is(first, GAP) {
            self.at = at;
            self.skip_blanks();
            at = self.at;
            first = byte_at(sql, at);
        }
        let start = at;
        let kind = if is(first, LETTER) {
            at += 1;
            while is(byte_at(sql, at), WORD) {
                at += 1;
            }
            self.at = at;
            word_kind(sql, start, at - start)
        } else if first == b'.' && !is(byte_at(sql, at + 1), DIGIT) {
            self.at = at + 1;
            TokenKind::Dot
        } else if first == b',' {
            self.at = at + 1;
            TokenKind::Comma
        } else {
            self.at = at;
            self.token_kind(first)
        };
        debug_assert!(self.at <= self.sql.len());
        Token {
            kind,
            start: start as u32,
            end: self.at as u32,
        }
    }

    /// The byte `ahead` bytes on; 0 at the end, as after a C string.
    #[inline]
    fn peek(&self, ahead: usize) -> u8 {
        byte_at(self.sql, self.at + ahead)
    }

    #[inline]
    fn skip_while(&mut self, class: u8) {
        let rest = self.sql.get(self.at..).unwrap_or_default();
        self.at += rest
            .iter()
            .position(|&byte| !is(byte, class))
            .unwrap_or(rest.len());
    }

    /// Skips blanks and comments, and a byte order mark at the very start. A vertical tab is a blank after another
    /// blank only: a quirk of SQLite's lexer.
    #[inline(never)]
    fn skip_blanks(&mut self) {
        if self.at == 0 && self.sql.starts_with(&[0xef, 0xbb, 0xbf]) {
            self.at = 3;
        }
        loop {
            match self.peek(0) {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0c => self.skip_while(SPACE),
                0x0b if self.at > 0 && is_space(self.sql[self.at - 1]) => self.skip_while(SPACE),
                b'-' if self.peek(1) == b'-' => self.skip_to(b"\n"),
                b'/' if self.peek(1) == b'*' && self.peek(2) != 0 => {
                    self.at += 2;
                    self.skip_to(b"*/");
                }
                _ => return,
            }
        }
    }

    /// Skips past `mark`; a text without it is skipped to its end.
    fn skip_to(&mut self, mark: &[u8]) {
        let rest = self.sql.get(self.at..).unwrap_or_default();
        let end = memchr::memchr(0, rest).unwrap_or(rest.len());
        let found = memchr::memmem::find(&rest[..end], mark);
        self.at += found.map_or(end, |at| at + mark.len());
    }

    /// Takes one token that starts with `first` and says what it is.
    #[inline(never)]
    fn token_kind(&mut self, first: u8) -> TokenKind {
        use TokenKind as T;
        match first {
            0 => T::End,
            b'x' | b'X' if self.peek(1) == b'\'' => self.blob(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => self.word_with_x(),
            b'0'..=b'9' | b'.' => self.number(),
            b'\'' | b'"' | b'`' => self.quoted(first),
            b'[' => self.bracketed(),
            b'?' => {
                self.at += 1;
                self.skip_while(DIGIT);
                T::Variable
            }
            b'$' | b'@' | b':' | b'#' => self.named_variable(),
            _ => self.operator(first),
        }
    }

    #[inline(never)]
    fn operator(&mut self, first: u8) -> TokenKind {
        use TokenKind as T;
        let (kind, length) = match (first, self.peek(1)) {
            (b'(', _) => (T::LeftParen, 1),
            (b')', _) => (T::RightParen, 1),
            (b';', _) => (T::Semicolon, 1),
            (b'*', _) => (T::Star, 1),
            (b'+', _) => (T::Plus, 1),
            (b'-', b'>') if self.peek(2) == b'>' => (T::LongArrow, 3),
            (b'-', b'>') => (T::Arrow, 2),
            (b'-', _) => (T::Minus, 1),
            (b'/', _) => (T::Slash, 1),
            (b'%', _) => (T::Percent, 1),
            (b'=', b'=') => (T::Eq, 2),
            (b'=', _) => (T::Eq, 1),
            (b'<', b'=') => (T::Le, 2),
            (b'<', b'>') => (T::Ne, 2),
            (b'<', b'<') => (T::ShiftLeft, 2),
            (b'<', _) => (T::Lt, 1),
            (b'>', b'=') => (T::Ge, 2),
            (b'>', b'>') => (T::ShiftRight, 2),
            (b'>', _) => (T::Gt, 1),
            (b'!', b'=') => (T::Ne, 2),
            (b'&', _) => (T::Ampersand, 1),
            (b'|', b'|') => (T::Concat, 2),
            (b'|', _) => (T::Pipe, 1),
            (b'~', _) => (T::Tilde, 1),
            _ => (T::Illegal, 1),
        };
        self.at += length;
        kind
    }

    /// A word that begins with the letter of blobs.
    #[inline(never)]
    fn word_with_x(&mut self) -> TokenKind {
        let start = self.at;
        self.skip_while(WORD);
        word_kind(self.sql, start, self.at - start)
    }

    /// `x'..'`; with an odd number of digits, or other bytes in it, it is illegal up to the closing quote.
    #[inline(never)]
    fn blob(&mut self) -> TokenKind {
        self.at += 2;
        let start = self.at;
        self.skip_while(HEX);
        let digits = self.at - start;
        if self.peek(0) == b'\'' && digits.is_multiple_of(2) {
            self.at += 1;
            return TokenKind::Blob;
        }
        while !matches!(self.peek(0), 0 | b'\'') {
            self.at += 1;
        }
        if self.peek(0) != 0 {
            self.at += 1;
        }
        TokenKind::Illegal
    }

    /// A text in quotes; a doubled quote inside stands for one.
    #[inline(never)]
    fn quoted(&mut self, quote: u8) -> TokenKind {
        self.at += 1;
        loop {
            match self.peek(0) {
                0 => return TokenKind::Illegal,
                byte if byte != quote => self.at += 1,
                _ if self.peek(1) == quote => self.at += 2,
                _ => break,
            }
        }
        self.at += 1;
        if quote == b'\'' {
            TokenKind::String
        } else {
            TokenKind::Id
        }
    }

    #[inline(never)]
    fn bracketed(&mut self) -> TokenKind {
        loop {
            self.at += 1;
            match self.peek(0) {
                0 => return TokenKind::Illegal,
                b']' => break,
                _ => {}
            }
        }
        self.at += 1;
        TokenKind::Id
    }

    /// `:a`, `@a`, `#a`, `$a`, also with `::` inside and a parenthesized end, as Tcl writes array elements.
    #[inline(never)]
    fn named_variable(&mut self) -> TokenKind {
        self.at += 1;
        let mut letters = 0;
        loop {
            match self.peek(0) {
                byte if is(byte, WORD) => {
                    letters += 1;
                    self.at += 1;
                }
                b'(' if letters > 0 => return self.variable_subscript(),
                b':' if self.peek(1) == b':' => self.at += 2,
                _ => break,
            }
        }
        if letters == 0 {
            TokenKind::Illegal
        } else {
            TokenKind::Variable
        }
    }

    fn variable_subscript(&mut self) -> TokenKind {
        loop {
            self.at += 1;
            match self.peek(0) {
                b')' => break,
                byte if byte == 0 || is_space(byte) => return TokenKind::Illegal,
                _ => {}
            }
        }
        self.at += 1;
        TokenKind::Variable
    }

    #[inline(never)]
    fn number(&mut self) -> TokenKind {
        let start = self.at;
        let mut kind = TokenKind::Integer;
        if self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X') && is(self.peek(2), HEX) {
            self.at += 2;
            self.skip_while_or_separator(HEX);
        } else {
            self.skip_while_or_separator(DIGIT);
            if self.peek(0) == b'.' {
                kind = TokenKind::Float;
                self.at += 1;
                self.skip_while_or_separator(DIGIT);
            }
            if let Some(length) = self.exponent_mark() {
                kind = TokenKind::Float;
                self.at += length;
                self.skip_while_or_separator(DIGIT);
            }
        }
        if memchr::memchr(b'_', &self.sql[start..self.at]).is_some() {
            kind = TokenKind::SeparatedNumber;
        }
        if is(self.peek(0), WORD) {
            self.skip_while(WORD);
            kind = TokenKind::Illegal;
        }
        kind
    }

    fn skip_while_or_separator(&mut self, class: u8) {
        while is(self.peek(0), class) || self.peek(0) == b'_' {
            self.at += 1;
        }
    }

    /// The length of `e`, `e+` or `e-` if an exponent's digits follow.
    fn exponent_mark(&self) -> Option<usize> {
        if !matches!(self.peek(0), b'e' | b'E') {
            return None;
        }
        let length = if matches!(self.peek(1), b'+' | b'-') { 2 } else { 1 };
        is(self.peek(length), DIGIT).then_some(length)
    }
}

/// The byte at a place; 0 at the end, as after a C string.
#[inline(always)]
fn byte_at(sql: &[u8], at: usize) -> u8 {
    match sql.get(at) {
        Some(&byte) => byte,
        None => 0,
    }
}

/// What the word of so many bytes is that begins at `start`.
#[inline(always)]
fn word_kind(sql: &[u8], start: usize, length: usize) -> TokenKind {
    if length < KEYWORD_MIN {
        return TokenKind::Id;
    }
    let rest = sql.get(start..).unwrap_or_default();
    keyword_in_front(rest, length).unwrap_or(TokenKind::Id)
}

/// Turns those window words into names that are not keywords where they stand (see the module's table).
pub(crate) fn settle_window_words(tokens: &mut [Token]) {
    use TokenKind as T;
    for i in 0..tokens.len() {
        let before = i.checked_sub(1).map_or(T::End, |b| tokens[b].kind);
        let after = |n: usize| tokens.get(i + n).map_or(T::End, |t| t.kind);
        let is_keyword = match tokens[i].kind {
            T::Window => may_name_window(after(1)) && after(2) == T::As,
            T::Over => before == T::RightParen && (after(1) == T::LeftParen || may_name_window(after(1))),
            T::Filter => before == T::RightParen && after(1) == T::LeftParen,
            _ => continue,
        };
        if !is_keyword {
            tokens[i].kind = T::Id;
        }
    }
}

/// What counts as a name when the lexer looks ahead: not `INDEXED`, and not `FILTER`.
fn may_name_window(kind: TokenKind) -> bool {
    kind.is_alias() || kind.is_join_word() || matches!(kind, TokenKind::Window | TokenKind::Over)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens of `sql` as `kind:text`.
    fn check(sql: &str, expected: &[&str]) {
        let mut lexer = Lexer::new(sql.as_bytes(), 0);
        let mut found = Vec::new();
        loop {
            let token = lexer.next_token();
            if token.kind == TokenKind::End {
                break;
            }
            found.push(format!(
                "{:?}:{}",
                token.kind,
                &sql[token.start as usize..token.end as usize]
            ));
        }
        assert_eq!(found, expected, "{sql}");
    }

    #[test]
    fn numbers() {
        check(
            "1 1.5 .5 1. 1e5 1E-5 0x1F",
            &[
                "Integer:1",
                "Float:1.5",
                "Float:.5",
                "Float:1.",
                "Float:1e5",
                "Float:1E-5",
                "Integer:0x1F",
            ],
        );
        check(
            "1_000 0xf_f 1._5 1_.5",
            &[
                "SeparatedNumber:1_000",
                "SeparatedNumber:0xf_f",
                "SeparatedNumber:1._5",
                "SeparatedNumber:1_.5",
            ],
        );
        check(
            "1a 0x 1e 1e+ 0xg",
            &[
                "Illegal:1a",
                "Illegal:0x",
                "Illegal:1e",
                "Illegal:1e",
                "Plus:+",
                "Illegal:0xg",
            ],
        );
    }

    /// Words near the end of a text are read otherwise than those that other text follows.
    #[test]
    fn words_are_the_same_wherever_they_stand() {
        use super::super::token::{KEYWORD_KINDS, KEYWORDS};
        for (text, kind) in KEYWORDS.iter().zip(KEYWORD_KINDS) {
            let lower = text.to_ascii_lowercase();
            for text in [
                (*text).to_owned(),
                lower.clone(),
                format!("{lower} something behind it"),
            ] {
                let found = Lexer::new(text.as_bytes(), 0).next_token();
                assert_eq!((found.kind, found.end as usize), (kind, lower.len()), "{text}");
            }
            for longer in [
                format!("{lower}_"),
                format!("{lower}1 something behind it"),
                format!("_{lower}"),
            ] {
                let found = Lexer::new(longer.as_bytes(), 0).next_token();
                assert_eq!(found.kind, TokenKind::Id, "{longer}");
            }
        }
    }

    #[test]
    fn quotes() {
        check(
            "'a''b' \"a\"\"b\" [a]]`a``b`",
            &[
                "String:'a''b'",
                "Id:\"a\"\"b\"",
                "Id:[a]",
                "Illegal:]",
                "Id:`a``b`",
            ],
        );
        check("'abc", &["Illegal:'abc"]);
        check("[abc", &["Illegal:[abc"]);
        check(
            "x'00' X'0' x'0g'1 x'0",
            &[
                "Blob:x'00'",
                "Illegal:X'0'",
                "Illegal:x'0g'",
                "Integer:1",
                "Illegal:x'0",
            ],
        );
    }

    #[test]
    fn variables() {
        check(
            "? ?12 :a @b $c #d",
            &[
                "Variable:?",
                "Variable:?12",
                "Variable::a",
                "Variable:@b",
                "Variable:$c",
                "Variable:#d",
            ],
        );
        check(
            "$a::b(c) $a(b c) $ @",
            &[
                "Variable:$a::b(c)",
                "Illegal:$a(b",
                "Id:c",
                "RightParen:)",
                "Illegal:$",
                "Illegal:@",
            ],
        );
    }

    #[test]
    fn blanks_and_operators() {
        check("a--b\nc/*d*/e/*", &["Id:a", "Id:c", "Id:e", "Slash:/", "Star:*"]);
        check("a/* b", &["Id:a"]);
        check(
            "a->b->>c-d",
            &[
                "Id:a",
                "Arrow:->",
                "Id:b",
                "LongArrow:->>",
                "Id:c",
                "Minus:-",
                "Id:d",
            ],
        );
        check(
            "<= <> << < == = != ! || |",
            &[
                "Le:<=",
                "Ne:<>",
                "ShiftLeft:<<",
                "Lt:<",
                "Eq:==",
                "Eq:=",
                "Ne:!=",
                "Illegal:!",
                "Concat:||",
                "Pipe:|",
            ],
        );
        check("\u{feff}a\u{feff}", &["Id:a\u{feff}"]);
    }
}
