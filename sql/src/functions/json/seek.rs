//! A path followed through JSON text, without making JSONB of the document.
//!
//! Most calls read one member of a text that is JSON to the letter. For these one pass over the bytes is enough: it follows the path, notes where
//! the element stands, and reads on to the end, because a text that is malformed anywhere is an error everywhere.
//!
//! ```text
//! {"name":"n1","a":{"b":1,"c":0.5},"l":[1,2]}     $.a.b
//! └─ search ───────┴─ search ┘└ the element, then what is left
//! ```
//!
//! - S1. What is said here is what `parse` and [`path::find`](super::path::find) would say. Whatever this module does not know (JSON5, malformed
//!   text, paths that count from the end, nesting deeper than [`DEPTH_MAX`]) it leaves to them: [`Sought::Unknown`].

use super::parse::is_plain;
use super::path::{Step, Steps, same_label};

/// The deepest nesting that is followed: one bit of a word for each open container.
const DEPTH_MAX: usize = 64;

/// What came out of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sought<'t> {
    /// The text of the element.
    Element(&'t [u8]),
    /// The document is JSON and has no such element.
    Nothing,
    /// To be found out by other means.
    Unknown,
}

/// The element that `path` (what follows the `$`) selects in `text`.
pub(super) fn seek<'t>(text: &'t [u8], path: &[u8]) -> Sought<'t> {
    if path.is_empty() {
        return Sought::Unknown;
    }
    let mut reader = Reader {
        text,
        at: 0,
        open: Open::default(),
    };
    match reader.follow(path) {
        Some(Some((start, end))) => text.get(start..end).map_or(Sought::Unknown, Sought::Element),
        Some(None) => Sought::Nothing,
        None => Sought::Unknown,
    }
}

/// The containers that a place is in: how many, and for each whether it is an object.
#[derive(Clone, Copy, Default)]
struct Open {
    depth: usize,
    objects: u64,
}

impl Open {
    fn push(&mut self, is_object: bool) -> Option<()> {
        if self.depth >= DEPTH_MAX {
            return None;
        }
        self.objects = self.objects << 1 | u64::from(is_object);
        self.depth += 1;
        Some(())
    }

    fn pop(&mut self) {
        self.objects >>= 1;
        self.depth -= 1;
    }

    fn in_object(self) -> bool {
        self.objects & 1 == 1
    }
}

/// A place in the text. Every method goes past what it is named for; `None`: that is not what stands there.
struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    open: Open,
}

impl Reader<'_> {
    /// Follows the path and reads the rest of the document; the range of the element, if there is one.
    fn follow(&mut self, path: &[u8]) -> Option<Option<(usize, usize)>> {
        let mut steps = Steps::new(path);
        self.spaces();
        let mut found = true;
        while found && !steps.is_done() {
            found = match (steps.next().ok()?, self.byte()) {
                (Step::Label { label, verbatim }, b'{') => self.enter_member(label, verbatim)?,
                (Step::Index(index), b'[') => self.enter_item(index)?,
                (Step::FromEnd(_), _) => return None,
                _ => {
                    // The path may still be wrong further on, which is an error only where it leads so far.
                    self.value()?;
                    false
                }
            };
        }
        let start = self.at;
        if found {
            self.value()?;
        }
        let element = found.then_some((start, self.at));
        self.rest(0)?;
        self.spaces();
        (self.at == self.text.len()).then_some(element)
    }

    /// Goes into the object here, to the value under `label`; or past the object when it has none.
    fn enter_member(&mut self, label: &[u8], verbatim: bool) -> Option<bool> {
        self.at += 1;
        self.spaces();
        if self.byte() == b'}' {
            self.at += 1;
            return Some(false);
        }
        self.open.push(true)?;
        loop {
            let (own, own_verbatim) = self.label()?;
            if own.len() == label.len() || !(verbatim && own_verbatim) {
                let own = self.text.get(own)?;
                if same_label(label, verbatim, own, own_verbatim) {
                    return Some(true);
                }
            }
            self.value()?;
            if !self.another()? {
                return Some(false);
            }
        }
    }

    /// Goes into the array here, to the value at `index`; or past the array when it is shorter.
    fn enter_item(&mut self, index: u64) -> Option<bool> {
        self.at += 1;
        self.spaces();
        if self.byte() == b']' {
            self.at += 1;
            return Some(false);
        }
        self.open.push(false)?;
        for _ in 0..index {
            self.value()?;
            if !self.another()? {
                return Some(false);
            }
        }
        Some(true)
    }

    /// After a value: goes to the next member of the innermost container, or past the container's end (`false`).
    #[inline]
    fn another(&mut self) -> Option<bool> {
        self.spaces();
        let close = if self.open.in_object() { b'}' } else { b']' };
        match self.byte() {
            b',' => {
                self.at += 1;
                self.spaces();
                Some(true)
            }
            byte if byte == close => {
                self.at += 1;
                self.open.pop();
                Some(false)
            }
            _ => None,
        }
    }

    /// Reads a value with all that is in it.
    #[inline]
    fn value(&mut self) -> Option<()> {
        let depth = self.open.depth;
        match self.begin()? {
            true => Some(()),
            false => {
                self.member()?;
                self.rest(depth)
            }
        }
    }

    /// Reads on after a value until no more than `depth` containers are open.
    fn rest(&mut self, depth: usize) -> Option<()> {
        while self.open.depth > depth {
            if self.another()? {
                self.member()?;
            }
        }
        Some(())
    }

    /// Reads members down to the first that is complete.
    fn member(&mut self) -> Option<()> {
        loop {
            if self.open.in_object() {
                self.label()?;
            }
            if self.begin()? {
                return Some(());
            }
        }
    }

    /// Reads a scalar or an empty container (`true`), or opens a container and goes to its first member (`false`).
    #[inline]
    fn begin(&mut self) -> Option<bool> {
        match self.byte() {
            b'"' => {
                self.string()?;
            }
            b'-' | b'0'..=b'9' => self.number()?,
            open @ (b'{' | b'[') => {
                self.at += 1;
                self.spaces();
                // `}` and `]` stand two after their partners.
                if self.byte() != open + 2 {
                    self.open.push(open == b'{')?;
                    return Some(false);
                }
                self.at += 1;
            }
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => return None,
        }
        Some(true)
    }

    /// Reads a label with its colon: the range of its text, and whether that text is the label itself.
    #[inline]
    fn label(&mut self) -> Option<(std::ops::Range<usize>, bool)> {
        if self.byte() != b'"' {
            return None;
        }
        let start = self.at + 1;
        let verbatim = self.string()?;
        let end = self.at - 1;
        self.spaces();
        if self.byte() != b':' {
            return None;
        }
        self.at += 1;
        self.spaces();
        Some((start..end, verbatim))
    }

    /// Reads a string; whether it has no escapes.
    #[inline]
    fn string(&mut self) -> Option<bool> {
        self.at += 1;
        let mut verbatim = true;
        loop {
            let rest = self.text.get(self.at..)?;
            let special = rest.iter().position(|&byte| !is_plain(byte))?;
            self.at += special + 1;
            match rest[special] {
                b'"' => return Some(verbatim),
                b'\'' => {}
                b'\\' => {
                    verbatim = false;
                    self.escape()?;
                }
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let length = match self.byte() {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 1,
            b'u' => {
                let digits = self.text.get(self.at + 1..self.at + 5)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                5
            }
            _ => return None,
        };
        self.at += length;
        Some(())
    }

    #[inline]
    fn number(&mut self) -> Option<()> {
        self.at += usize::from(self.byte() == b'-');
        match self.byte() {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), b'+' | b'-'));
            self.digits()?;
        }
        // What follows must separate; if it does not, whoever reads on says so.
        Some(())
    }

    #[inline]
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let there = self.text.get(self.at..)?.starts_with(word);
        self.at += word.len();
        there.then_some(())
    }

    #[inline]
    fn spaces(&mut self) {
        while matches!(self.byte(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// The byte here; 0 at the end, which begins nothing.
    #[inline]
    fn byte(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, path: &str, expected: Sought<'_>) {
        assert_eq!(seek(text.as_bytes(), path.as_bytes()), expected, "{text} {path}");
    }

    #[test]
    fn members_and_items_are_found() {
        let text = " { \"x\" : [ ] , \"a\":{\"b\":[1,{\"c\":\"d\\n\"}]},\"e\":-0.5e+3 } ";
        check(text, ".x", Sought::Element(b"[ ]"));
        check(text, ".a.b[0]", Sought::Element(b"1"));
        check(text, ".a.b[1].c", Sought::Element(b"\"d\\n\""));
        check(text, ".\"e\"", Sought::Element(b"-0.5e+3"));
        check(text, ".a.b[2]", Sought::Nothing);
        check(text, ".a.c", Sought::Nothing);
        check(text, ".a[0]", Sought::Nothing);
        check(text, ".x.y.z", Sought::Nothing);
        check(r#"{"\u0061":1}"#, ".a", Sought::Element(b"1"));
        check(r#"{"a":1,"a":2}"#, ".a", Sought::Element(b"1"));
    }

    #[test]
    fn what_is_not_plain_json_is_left_to_the_parser() {
        for text in [
            "",
            "{",
            "{a:1}",
            "{\"a\":1}}",
            "{\"a\":1,}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":+1}",
            "{\"a\":'b'}",
            "{\"a\":\"\t\"}",
            "{\"a\":tru}",
            "{\"a\":1x}",
            "{\"a\":1]",
            "{\"a\":\"\\x41\"}",
            "{\"a\":1}//",
            "{\"a\" 1}",
            "{\"a\":[1,]}",
            "{\"a\":-}",
            "{\"a\":1e}",
            "{\"a\":nulll}",
        ] {
            check(text, ".a", Sought::Unknown);
            check(text, ".b", Sought::Unknown);
        }
        for path in ["", "a", ".", "[", "[x]", "[#]", "[0", ".a.", ".\"a"] {
            check("{\"a\":1}", path, Sought::Unknown);
        }
        let deep = format!("{}{}", "[".repeat(66), "]".repeat(66));
        check(&deep, "[0]", Sought::Unknown);
    }
}
