//! JSON text to JSONB.
//!
//! Accepts RFC 8259 and JSON5 and notes which of the two it was. No recursion: open arrays and objects are on an explicit
//! stack of at most 1000, so the depth of hostile input costs no call stack.
//!
//! The place of an error is where SQLite finds it (`json_error_position`), which is why the parser keeps the last place that it had doubts
//! about, and each state of an open container keeps where it began.

use super::jsonb::{DEPTH_MAX, Element, Kind, push_element, push_header, set_size};

/// A text that was JSON; its JSONB is in the buffer given to [`parse`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Parsed {
    /// Something in it is JSON5 and not JSON.
    pub(super) nonstandard: bool,
}

/// A text that was not JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct Malformed {
    /// Byte offset of what could not be read.
    pub(super) at: usize,
}

/// Appends the JSONB of `text` to `blob`. On error `blob` holds rubbish.
pub(super) fn parse(text: &[u8], blob: &mut Vec<u8>) -> Result<Parsed, Malformed> {
    let text = crate::value::utf8::until_nul(text);
    let mut parser = Parser {
        text,
        blob,
        open: Vec::new(),
        nonstandard: false,
        error_at: 0,
    };
    match parser.document() {
        Some(()) => Ok(Parsed {
            nonstandard: parser.nonstandard,
        }),
        None => Err(Malformed { at: parser.error_at }),
    }
}

struct Parser<'a> {
    text: &'a [u8],
    blob: &'a mut Vec<u8>,
    open: Vec<Container>,
    nonstandard: bool,
    error_at: usize,
}

/// An array or object whose end was not seen yet.
struct Container {
    is_object: bool,
    /// Where its header is in the blob.
    header: usize,
    /// Where its payload starts.
    payload: usize,
    expected: Expected,
    /// Where in the text the expected thing may begin.
    since: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Expected {
    Label,
    Colon,
    Value,
}

/// What comes next in the text. Values that are no containers have been appended already.
enum Token {
    Scalar { end: usize },
    Open { at: usize, is_object: bool },
    CloseObject(usize),
    CloseArray(usize),
    Comma(usize),
    Colon(usize),
    End,
    Error,
}

impl Parser<'_> {
    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    fn is_digit(&self, at: usize) -> bool {
        self.byte(at).is_ascii_digit()
    }

    fn are_hex(&self, at: usize, count: usize) -> bool {
        self.text
            .get(at..at + count)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    }

    fn starts_ignoring_case(&self, at: usize, word: &[u8]) -> bool {
        self.text
            .get(at..at + word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    }

    /// Notes where reading failed.
    fn fail<T>(&mut self, at: usize) -> Option<T> {
        self.error_at = at;
        None
    }

    fn document(&mut self) -> Option<()> {
        let mut end = self.element()?;
        end += skip_spaces(&self.text[end..]);
        if end < self.text.len() {
            end += json5_space(&self.text[end..]);
            if end < self.text.len() {
                return None;
            }
            self.nonstandard = true;
        }
        Some(())
    }

    /// Reads the element at the start of the text with all that is in it; returns the place after it.
    fn element(&mut self) -> Option<usize> {
        let mut step = match self.token(0) {
            Token::Scalar { end } => Step::Complete(end),
            Token::Open { at, is_object } => self.enter(at, is_object)?,
            _ => return None,
        };
        loop {
            step = match (step, self.open.last()) {
                (Step::Complete(end), None) => return Some(end),
                (Step::Complete(end), Some(parent)) if parent.expected == Expected::Value => {
                    self.after_value(end, parent.is_object)?
                }
                (Step::Complete(_), Some(parent)) => {
                    // An array or object stands where a label or a colon should.
                    let since = parent.since;
                    return self.fail(since);
                }
                (Step::Read, None) => return None,
                (Step::Read, Some(parent)) => {
                    let (since, is_object) = (parent.since, parent.is_object);
                    match parent.expected {
                        Expected::Label => self.label(since)?,
                        Expected::Colon => self.colon(since)?,
                        Expected::Value => self.value(since, is_object)?,
                    }
                }
            };
        }
    }

    fn enter(&mut self, at: usize, is_object: bool) -> Option<Step> {
        let header = self.blob.len();
        // Room for the size that the payload has at most; the header gets its final form at the end.
        push_header(
            if is_object { Kind::Object } else { Kind::Array },
            self.text.len() - at,
            self.blob,
        );
        if self.open.len() >= DEPTH_MAX {
            return self.fail(at);
        }
        self.open.push(Container {
            is_object,
            header,
            payload: self.blob.len(),
            expected: if is_object {
                Expected::Label
            } else {
                Expected::Value
            },
            since: at + 1,
        });
        Some(Step::Read)
    }

    /// Closes the innermost container, whose last character is at `at`.
    fn leave(&mut self, at: usize) -> Step {
        if let Some(container) = self.open.pop() {
            let size = self.blob.len() - container.payload;
            set_size(self.blob, container.header, size);
        }
        Step::Complete(at + 1)
    }

    /// As [`leave`](Self::leave), where another element could have been: behind a comma, unless the container is empty.
    fn leave_early(&mut self, at: usize) -> Step {
        let empty = self
            .open
            .last()
            .is_none_or(|container| container.payload == self.blob.len());
        self.nonstandard |= !empty;
        self.leave(at)
    }

    fn expect(&mut self, expected: Expected, since: usize) -> Step {
        if let Some(container) = self.open.last_mut() {
            container.expected = expected;
            container.since = since;
        }
        Step::Read
    }

    /// An element of an array or the value of a label.
    fn value(&mut self, since: usize, in_object: bool) -> Option<Step> {
        match self.token(since) {
            Token::Scalar { end } => Some(Step::Complete(end)),
            Token::Open { at, is_object } => self.enter(at, is_object),
            Token::CloseArray(at) if !in_object => Some(self.leave_early(at)),
            Token::Error => None,
            _ => self.fail(since),
        }
    }

    /// The label of a value, or the end of the object.
    fn label(&mut self, since: usize) -> Option<Step> {
        let start = self.blob.len();
        let token = self.token(since);
        match token {
            Token::Scalar { end } => {
                let is_text = Element::at(self.blob, start).is_some_and(|label| label.kind.is_text());
                if is_text {
                    Some(self.after_label(end))
                } else {
                    self.fail(since)
                }
            }
            Token::Open { at, is_object } => self.enter(at, is_object),
            Token::CloseObject(at) => Some(self.leave_early(at)),
            _ => {
                let at = since + json5_space(&self.text[since.min(self.text.len())..]);
                match self.identifier(at) {
                    Some(end) => Some(self.after_label(end)),
                    None if matches!(token, Token::Error) => None,
                    None => self.fail(at),
                }
            }
        }
    }

    /// A label without quotes.
    fn identifier(&mut self, at: usize) -> Option<usize> {
        let escape =
            |at: usize| self.byte(at) == b'\\' && self.byte(at + 1) == b'u' && self.are_hex(at + 2, 4);
        let is_start = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0x80 || matches!(byte, b'_' | b'$');
        let is_part = |at: usize| {
            let byte = self.byte(at);
            (is_start(byte) || byte.is_ascii_digit()) && json5_space(&self.text[at..]) == 0
        };
        let mut escaped = escape(at);
        if !escaped && !is_start(self.byte(at)) {
            return None;
        }
        let mut end = at + 1;
        loop {
            if escape(end) {
                escaped = true;
            } else if !is_part(end) {
                break;
            }
            end += 1;
        }
        let kind = if escaped { Kind::TextEscaped } else { Kind::Text };
        push_element(kind, &self.text[at..end], self.blob);
        self.nonstandard = true;
        Some(end)
    }

    fn after_label(&mut self, end: usize) -> Step {
        let at = end + skip_spaces(&self.text[end..]);
        if self.byte(at) == b':' {
            self.expect(Expected::Value, at + 1)
        } else {
            self.expect(Expected::Colon, at)
        }
    }

    fn colon(&mut self, since: usize) -> Option<Step> {
        match self.token(since) {
            Token::Colon(at) => Some(self.expect(Expected::Value, at + 1)),
            Token::Open { at, is_object } => self.enter(at, is_object),
            Token::Error => None,
            _ => self.fail(since),
        }
    }

    /// A comma or the end, after an element that ended at `end`.
    fn after_value(&mut self, end: usize, in_object: bool) -> Option<Step> {
        let close = if in_object { b'}' } else { b']' };
        let next = if in_object {
            Expected::Label
        } else {
            Expected::Value
        };
        let at = end + skip_spaces(&self.text[end..]);
        match self.byte(at) {
            b',' => return Some(self.expect(next, at + 1)),
            byte if byte == close => return Some(self.leave(at)),
            _ => {}
        }
        match self.token(at) {
            Token::Comma(comma) => Some(self.expect(next, comma + 1)),
            Token::CloseObject(end) if in_object => Some(self.leave(end)),
            Token::CloseArray(end) if !in_object => Some(self.leave(end)),
            _ => self.fail(at),
        }
    }

    /// The next token from `at` on, past white space.
    fn token(&mut self, mut at: usize) -> Token {
        loop {
            let found = self.byte(at);
            let scalar = match found {
                b'{' | b'[' => {
                    return Token::Open {
                        at,
                        is_object: found == b'{',
                    };
                }
                b'"' | b'\'' => self.string(at, found),
                b't' => self.word(at, b"true", Kind::True),
                b'f' => self.word(at, b"false", Kind::False),
                b'+' | b'-' | b'0'..=b'9' => self.number(at),
                b'.' if self.is_digit(at + 1) => {
                    self.nonstandard = true;
                    self.digits(
                        at,
                        NumberForm {
                            json5: true,
                            real: true,
                        },
                    )
                }
                b'}' | b']' | b',' | b':' => {
                    self.error_at = at;
                    return match found {
                        b'}' => Token::CloseObject(at),
                        b']' => Token::CloseArray(at),
                        b',' => Token::Comma(at),
                        _ => Token::Colon(at),
                    };
                }
                0 if at >= self.text.len() => return Token::End,
                b'\t' | b'\n' | b'\r' | b' ' => {
                    at += skip_spaces(&self.text[at..]);
                    continue;
                }
                0x0b | 0x0c | b'/' | 0xc2 | 0xe1 | 0xe2 | 0xe3 | 0xef => {
                    let space = json5_space(&self.text[at..]);
                    if space > 0 {
                        at += space;
                        self.nonstandard = true;
                        continue;
                    }
                    self.fail(at)
                }
                b'n' if self.is_word(at, b"null") => self.word(at, b"null", Kind::Null),
                _ => self.not_finite(at),
            };
            return match scalar {
                Some(end) => Token::Scalar { end },
                None => Token::Error,
            };
        }
    }

    fn is_word(&self, at: usize, word: &[u8]) -> bool {
        self.text[at..].starts_with(word) && !self.byte(at + word.len()).is_ascii_alphanumeric()
    }

    fn word(&mut self, at: usize, word: &[u8], kind: Kind) -> Option<usize> {
        if !self.is_word(at, word) {
            return self.fail(at);
        }
        push_element(kind, b"", self.blob);
        Some(at + word.len())
    }

    /// `Infinity`, `NaN` and their kin in any case: the first is a number that overflows, the others are null.
    fn not_finite(&mut self, at: usize) -> Option<usize> {
        const WORDS: [(&[u8], bool); 5] = [
            (b"inf", true),
            (b"infinity", true),
            (b"nan", false),
            (b"qnan", false),
            (b"snan", false),
        ];
        for (word, infinite) in WORDS {
            let end = at + word.len();
            if self.starts_ignoring_case(at, word) && !self.byte(end).is_ascii_alphanumeric() {
                let (kind, text): (Kind, &[u8]) = if infinite {
                    (Kind::Real, b"9e999")
                } else {
                    (Kind::Null, b"")
                };
                push_element(kind, text, self.blob);
                self.nonstandard = true;
                return Some(end);
            }
        }
        self.fail(at)
    }

    fn string(&mut self, start: usize, quote: u8) -> Option<usize> {
        let mut kind = Kind::Text;
        self.nonstandard |= quote == b'\'';
        let mut at = start + 1;
        loop {
            at += self.text[at.min(self.text.len())..]
                .iter()
                .take_while(|byte| is_plain(**byte))
                .count();
            match self.byte(at) {
                byte if byte == quote => break,
                b'\\' => at = self.escape(at + 1, &mut kind)?,
                b'"' => kind = Kind::Text5,
                b'\'' => {}
                0 => return self.fail(at),
                // JSON5 lets control characters stand in strings.
                _ => {
                    kind = Kind::Text5;
                    self.nonstandard = true;
                }
            }
            at += 1;
        }
        push_element(kind, &self.text[start + 1..at], self.blob);
        Some(at + 1)
    }

    /// What follows a backslash; returns the place of its last character that needs a look.
    fn escape(&mut self, at: usize, kind: &mut Kind) -> Option<usize> {
        match self.byte(at) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
            b'u' if self.are_hex(at + 1, 4) => {}
            byte => {
                let json5 = match byte {
                    b'\'' | b'v' | b'\n' | b'\r' => true,
                    b'0' => !self.is_digit(at + 1),
                    b'x' => self.are_hex(at + 1, 2),
                    0xe2 => is_line_separator(&self.text[at..]),
                    _ => false,
                };
                if !json5 {
                    return self.fail(at);
                }
                *kind = Kind::Text5;
                self.nonstandard = true;
                return Some(at + usize::from(byte == b'\r' && self.byte(at + 1) == b'\n'));
            }
        }
        if *kind == Kind::Text {
            *kind = Kind::TextEscaped;
        }
        Some(at)
    }

    fn number(&mut self, at: usize) -> Option<usize> {
        let mut form = NumberForm::default();
        let signed = !self.is_digit(at);
        self.nonstandard |= self.byte(at) == b'+';
        let first = at + usize::from(signed);
        if signed && !self.is_digit(first) {
            if self.starts_ignoring_case(first, b"inf") {
                return Some(self.infinity(at));
            }
            if self.byte(first) != b'.' {
                return self.fail(at);
            }
            self.nonstandard = true;
            form.json5 = true;
            return self.digits(at, form);
        }
        if self.byte(first) == b'0' {
            if self.is_digit(first + 1) {
                return self.fail(at + 1);
            }
            if matches!(self.byte(first + 1), b'x' | b'X') && self.byte(first + 2).is_ascii_hexdigit() {
                self.nonstandard = true;
                form.json5 = true;
                let digits = self.text[first + 2..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_hexdigit())
                    .count();
                return Some(self.push_number(at, first + 2 + digits, form));
            }
        }
        self.digits(at, form)
    }

    fn infinity(&mut self, at: usize) -> usize {
        self.nonstandard = true;
        let text: &[u8] = if self.byte(at) == b'-' {
            b"-9e999"
        } else {
            b"9e999"
        };
        push_element(Kind::Real, text, self.blob);
        at + if self.starts_ignoring_case(at + 4, b"inity") {
            9
        } else {
            4
        }
    }

    /// Digits, point and exponent of the number that starts at `start`.
    fn digits(&mut self, start: usize, mut form: NumberForm) -> Option<usize> {
        let mut at = start + 1;
        let mut exponent = false;
        loop {
            match self.byte(at) {
                b'0'..=b'9' => {}
                b'.' if form.real => return self.fail(at),
                b'.' => form.real = true,
                b'e' | b'E' => {
                    self.check_digit_before(at, start, &mut form)?;
                    if exponent {
                        return self.fail(at);
                    }
                    (form.real, exponent) = (true, true);
                    at += usize::from(matches!(self.byte(at + 1), b'+' | b'-'));
                    if !self.is_digit(at + 1) {
                        return self.fail(at);
                    }
                }
                _ => break,
            }
            at += 1;
        }
        self.check_digit_before(at, start, &mut form)?;
        Some(self.push_number(start, at, form))
    }

    /// Before an exponent and at the end stands a digit, or in JSON5 a point with a digit before it.
    fn check_digit_before(&mut self, at: usize, start: usize, form: &mut NumberForm) -> Option<()> {
        if self.byte(at - 1) >= b'0' {
            return Some(());
        }
        if at < start + 2 || !self.is_digit(at - 2) {
            return self.fail(at);
        }
        self.nonstandard = true;
        form.json5 = true;
        Some(())
    }

    fn push_number(&mut self, start: usize, end: usize, form: NumberForm) -> usize {
        let kind = match (form.real, form.json5) {
            (false, false) => Kind::Integer,
            (false, true) => Kind::Integer5,
            (true, false) => Kind::Real,
            (true, true) => Kind::Real5,
        };
        let start = start + usize::from(self.byte(start) == b'+');
        push_element(kind, &self.text[start..end], self.blob);
        end
    }
}

/// What the parser does next.
enum Step {
    /// Read what the innermost container expects.
    Read,
    /// An element ended here.
    Complete(usize),
}

#[derive(Clone, Copy, Default)]
struct NumberForm {
    json5: bool,
    real: bool,
}

/// Bytes of strings that need no second look.
#[inline]
pub(super) fn is_plain(byte: u8) -> bool {
    PLAIN[usize::from(byte)]
}

static PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut control = 0;
    while control < 0x20 {
        plain[control] = false;
        control += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\'' as usize] = false;
    plain[b'\\' as usize] = false;
    plain
};

/// U+2028 or U+2029.
pub(super) fn is_line_separator(text: &[u8]) -> bool {
    matches!(text, [0xe2, 0x80, 0xa8 | 0xa9, ..])
}

/// Length of JSON's white space at the start.
#[inline]
fn skip_spaces(text: &[u8]) -> usize {
    text.iter()
        .take_while(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '))
        .count()
}

/// Length of JSON5's white space and comments at the start.
fn json5_space(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at += match &text[at..] {
            [0x09..=0x0d | b' ', ..] => 1,
            [0xc2, 0xa0, ..] => 2,
            [0xe1, 0x9a, 0x80, ..]
            | [0xe2, 0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf, ..]
            | [0xe2, 0x81, 0x9f, ..]
            | [0xe3, 0x80, 0x80, ..]
            | [0xef, 0xbb, 0xbf, ..] => 3,
            [b'/', b'*', rest @ ..] if !rest.is_empty() => match memchr::memmem::find(rest, b"*/") {
                Some(end) => end + 4,
                None => return at,
            },
            [b'/', b'/', rest @ ..] => 2 + line_length(rest),
            _ => return at,
        };
    }
}

/// Length of a line with its end.
fn line_length(text: &[u8]) -> usize {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'\n' | b'\r' => return at + 1,
            0xe2 if is_line_separator(&text[at..]) => return at + 3,
            _ => {}
        }
    }
    text.len()
}
