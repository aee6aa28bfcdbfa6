//! Paths: `$.label[3]."quoted label"[#-1]`, finding what they select, and editing there.
//!
//! A search goes from the root to the element and remembers the containers on its way. An edit replaces a range of bytes at
//! the end of that way and then corrects the sizes of the containers, innermost first.

use super::jsonb::{self, DEPTH_MAX, Element, Kind, push_header};
use super::text::{next_limited, unescape};
use crate::error::Error;
use crate::functions::text::write_quoted;

/// Why a path does not lead to an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathError {
    /// Nothing is there. Not an error for most functions.
    NotFound,
    /// The path does not name an element of an array.
    NotArrayElement,
    /// The path has too many steps.
    TooDeep,
    /// The path itself is wrong.
    BadPath,
    /// The JSONB is wrong.
    Malformed,
}

impl PathError {
    /// The error of a function that was given `path`.
    pub(super) fn into_error(self, path: &[u8]) -> Error {
        let about = |message: &str| {
            let mut quoted = Vec::new();
            write_quoted(path, b'\'', &mut quoted);
            Error::sql(format!("{message}: {}", String::from_utf8_lossy(&quoted)))
        };
        match self {
            PathError::NotArrayElement => about("not an array element"),
            PathError::Malformed => super::text::malformed(),
            PathError::TooDeep => Error::sql("JSON path too deep"),
            PathError::NotFound | PathError::BadPath => about("bad JSON path"),
        }
    }
}

/// An element that a path selects.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Where the element starts.
    pub(super) at: usize,
    /// Where its label starts, for a value in an object.
    pub(super) label: Option<usize>,
}

/// What to do where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::functions) enum Edit {
    /// Remove the element.
    Delete,
    /// Put a value in its place if it is there.
    Replace,
    /// Put a value there if nothing is.
    Insert,
    /// Put a value there in any case.
    Set,
    /// Put a value before an element of an array, or behind its last one.
    ArrayInsert,
}

impl Edit {
    fn creates(self) -> bool {
        matches!(self, Edit::Insert | Edit::Set | Edit::ArrayInsert)
    }
}

/// One step of a path.
pub(super) enum Step<'p> {
    /// `.label`; verbatim: it has no escapes.
    Label { label: &'p [u8], verbatim: bool },
    /// `[3]`.
    Index(u64),
    /// From the end: `[#]` is 0.
    FromEnd(u64),
}

/// What is left of a path, step by step.
pub(super) struct Steps<'p> {
    rest: &'p [u8],
}

impl<'p> Steps<'p> {
    pub(super) fn new(path: &'p [u8]) -> Steps<'p> {
        Steps { rest: path }
    }

    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes the next step.
    pub(super) fn next(&mut self) -> Result<Step<'p>, PathError> {
        match self.rest.first() {
            Some(b'.') => self.label(),
            Some(b'[') => self.index(),
            _ => Err(PathError::BadPath),
        }
    }

    fn label(&mut self) -> Result<Step<'p>, PathError> {
        let path = &self.rest[1..];
        if path.first() != Some(&b'"') {
            let length = path
                .iter()
                .position(|b| matches!(b, b'.' | b'['))
                .unwrap_or(path.len());
            if length == 0 {
                return Err(PathError::BadPath);
            }
            self.rest = &path[length..];
            return Ok(Step::Label {
                label: &path[..length],
                verbatim: true,
            });
        }
        let mut end = 1;
        while let Some(&byte) = path.get(end).filter(|b| **b != b'"') {
            end += 1 + usize::from(byte == b'\\' && end + 1 < path.len());
        }
        if end >= path.len() {
            return Err(PathError::BadPath);
        }
        let label = &path[1..end];
        self.rest = &path[end + 1..];
        Ok(Step::Label {
            label,
            verbatim: !label.contains(&b'\\'),
        })
    }

    fn index(&mut self) -> Result<Step<'p>, PathError> {
        let path = &self.rest[1..];
        let (step, length) = match path {
            [b'#', b'-', digits @ ..] if digits.first().is_some_and(u8::is_ascii_digit) => {
                let (index, length) = index_digits(digits);
                (Step::FromEnd(index), length + 2)
            }
            [b'#', ..] => (Step::FromEnd(0), 1),
            [b'0'..=b'9', ..] => {
                let (index, length) = index_digits(path);
                (Step::Index(index), length)
            }
            _ => return Err(PathError::BadPath),
        };
        if path.get(length) != Some(&b']') {
            return Err(PathError::BadPath);
        }
        self.rest = &path[length + 1..];
        Ok(step)
    }
}

/// The element that `path` (what follows the `$`) selects in the element at 0.
pub(super) fn find(blob: &[u8], path: &[u8]) -> Result<Found, PathError> {
    let mut walk = Walk::new(path);
    while !walk.steps.rest.is_empty() {
        match walk.step(blob)? {
            Reached::Element => {}
            Reached::EndOfObject { .. } | Reached::EndOfArray { .. } => return Err(PathError::NotFound),
        }
    }
    Ok(Found {
        at: walk.at,
        label: walk.label,
    })
}

/// Applies `edit` with the element `content` where `path` leads.
pub(super) fn edit(blob: &mut Vec<u8>, path: &[u8], edit: Edit, content: &[u8]) -> Result<(), PathError> {
    edit_below(blob, path, edit, content, 0)
}

fn edit_below(
    blob: &mut Vec<u8>,
    path: &[u8],
    edit: Edit,
    content: &[u8],
    depth: usize,
) -> Result<(), PathError> {
    let mut walk = Walk::new(path);
    walk.depth = depth;
    let change = loop {
        if walk.steps.rest.is_empty() {
            break edit_element(blob, &walk, path, edit, content)?;
        }
        match walk.step(blob)? {
            Reached::Element => {}
            Reached::EndOfObject { .. } | Reached::EndOfArray { .. } if !edit.creates() => {
                return Err(PathError::NotFound);
            }
            Reached::EndOfObject { end, label, verbatim } => {
                if edit == Edit::ArrayInsert && !walk.steps.rest.ends_with(b"]") {
                    return Err(PathError::NotArrayElement);
                }
                let mut added = Vec::new();
                push_header(
                    if verbatim { Kind::TextRaw } else { Kind::Text5 },
                    label.len(),
                    &mut added,
                );
                added.extend_from_slice(label);
                added.extend_from_slice(&substructure(walk.steps.rest, edit, content, walk.depth)?);
                break jsonb::replace(blob, end..end, &added);
            }
            Reached::EndOfArray { end } => {
                let added = substructure(walk.steps.rest, edit, content, walk.depth)?;
                break jsonb::replace(blob, end..end, &added);
            }
        }
    };
    walk.correct_sizes(blob, change);
    Ok(())
}

/// Edits the element at the end of a path; returns the change in length.
fn edit_element(
    blob: &mut Vec<u8>,
    walk: &Walk<'_>,
    path: &[u8],
    edit: Edit,
    content: &[u8],
) -> Result<isize, PathError> {
    let element = Element::at(blob, walk.at).ok_or(PathError::Malformed)?;
    Ok(match edit {
        Edit::Delete => jsonb::replace(blob, walk.label.unwrap_or(walk.at)..element.end, &[]),
        Edit::Insert => 0,
        Edit::ArrayInsert if !path.ends_with(b"]") => return Err(PathError::NotArrayElement),
        Edit::ArrayInsert => jsonb::replace(blob, walk.at..walk.at, content),
        Edit::Replace | Edit::Set => jsonb::replace(blob, walk.at..element.end, content),
    })
}

/// The element to insert where a path ended early: `content` inside of the objects and arrays that the rest of the path asks for.
fn substructure(rest: &[u8], edit: Edit, content: &[u8], depth: usize) -> Result<Vec<u8>, PathError> {
    if rest.is_empty() {
        return Ok(content.to_vec());
    }
    if depth + 1 >= DEPTH_MAX {
        return Err(PathError::TooDeep);
    }
    let mut outer = Vec::new();
    push_header(
        if rest[0] == b'.' {
            Kind::Object
        } else {
            Kind::Array
        },
        0,
        &mut outer,
    );
    edit_below(&mut outer, rest, edit, content, depth + 1)?;
    Ok(outer)
}

/// A place on the way along a path.
struct Walk<'p> {
    steps: Steps<'p>,
    at: usize,
    label: Option<usize>,
    containers: Vec<usize>,
    depth: usize,
}

enum Reached<'p> {
    Element,
    /// The object has no such label.
    EndOfObject {
        end: usize,
        label: &'p [u8],
        verbatim: bool,
    },
    /// The index is one past the last element.
    EndOfArray {
        end: usize,
    },
}

impl<'p> Walk<'p> {
    fn new(path: &'p [u8]) -> Walk<'p> {
        Walk {
            steps: Steps::new(path),
            at: 0,
            label: None,
            containers: Vec::new(),
            depth: 0,
        }
    }

    /// Goes one step along the path.
    fn step(&mut self, blob: &[u8]) -> Result<Reached<'p>, PathError> {
        let kind = Element::at(blob, self.at).map(|element| element.kind);
        let reached = match self.steps.rest.first() {
            Some(b'.') => {
                let step = self.steps.next()?;
                if kind != Some(Kind::Object) {
                    return Err(PathError::NotFound);
                }
                self.in_object(blob, step)?
            }
            Some(b'[') => {
                if kind != Some(Kind::Array) {
                    return Err(PathError::NotFound);
                }
                let step = self.steps.next()?;
                self.in_array(blob, step)?
            }
            _ => return Err(PathError::BadPath),
        };
        if matches!(reached, Reached::Element) {
            self.depth += 1;
            if self.depth >= DEPTH_MAX {
                return Err(PathError::TooDeep);
            }
        }
        Ok(reached)
    }

    fn in_object(&mut self, blob: &[u8], step: Step<'p>) -> Result<Reached<'p>, PathError> {
        let Step::Label { label, verbatim } = step else {
            return Err(PathError::BadPath);
        };
        let object = Element::at(blob, self.at).ok_or(PathError::Malformed)?;
        let mut at = object.payload;
        while at < object.end {
            let entry = Entry::at(blob, at, object.end).ok_or(PathError::Malformed)?;
            if same_label(
                label,
                verbatim,
                entry.label.bytes(blob),
                entry.label.kind.is_verbatim(),
            ) {
                self.enter(entry.value.start, Some(at));
                return Ok(Reached::Element);
            }
            at = entry.value.end;
        }
        self.containers.push(self.at);
        Ok(Reached::EndOfObject {
            end: at,
            label,
            verbatim,
        })
    }

    fn in_array(&mut self, blob: &[u8], step: Step<'p>) -> Result<Reached<'p>, PathError> {
        let array = Element::at(blob, self.at).ok_or(PathError::Malformed)?;
        let mut left = match step {
            Step::Index(index) => index,
            Step::FromEnd(back) => count(blob, self.at)
                .checked_sub(back)
                .ok_or(PathError::NotFound)?,
            Step::Label { .. } => return Err(PathError::BadPath),
        };
        let mut at = array.payload;
        while at < array.end {
            if left == 0 {
                self.enter(at, None);
                return Ok(Reached::Element);
            }
            left -= 1;
            at = Element::at(blob, at).ok_or(PathError::Malformed)?.end;
        }
        if at > array.end {
            return Err(PathError::Malformed);
        }
        if left > 0 {
            return Err(PathError::NotFound);
        }
        self.containers.push(self.at);
        Ok(Reached::EndOfArray { end: at })
    }

    fn enter(&mut self, at: usize, label: Option<usize>) {
        self.containers.push(self.at);
        self.at = at;
        self.label = label;
    }

    /// Adds `change` to the sizes of all containers on the way, and to each the growth of the headers inside of it.
    fn correct_sizes(&self, blob: &mut Vec<u8>, mut change: isize) {
        for &at in self.containers.iter().rev() {
            if change == 0 {
                return;
            }
            change += resize(blob, at, change);
        }
    }
}

/// Adds `change` to the size of the element at `at`, whose payload has been changed already; returns the growth of its header.
pub(super) fn resize(blob: &mut Vec<u8>, at: usize, change: isize) -> isize {
    let size = declared_size(blob, at).saturating_add_signed(change);
    jsonb::set_size(blob, at, size)
}

/// The size in a header, whether or not the blob is that long at the moment.
fn declared_size(blob: &[u8], at: usize) -> usize {
    let bytes = match blob[at] >> 4 {
        small @ 0..=11 => return usize::from(small),
        12 => 1,
        13 => 2,
        14 => 4,
        _ => 8,
    };
    let digits = blob.get(at + 1..at + 1 + bytes).unwrap_or_default();
    digits.iter().fold(0, |size, byte| size << 8 | usize::from(*byte))
}

/// Indexes are cut here: larger than any array.
const INDEX_MAX: u64 = 0xffff_ffff;

fn index_digits(text: &[u8]) -> (u64, usize) {
    let digits = text.iter().take_while(|b| b.is_ascii_digit());
    digits.fold((0, 0), |(index, length), byte| {
        let next = if index < INDEX_MAX {
            index * 10 + u64::from(byte - b'0')
        } else {
            index
        };
        (next, length + 1)
    })
}

/// A label with its value.
pub(super) struct Entry {
    pub(super) label: Element,
    pub(super) value: Element,
}

impl Entry {
    /// The entry at `at` of an object that ends at `end`.
    pub(super) fn at(blob: &[u8], at: usize, end: usize) -> Option<Entry> {
        let label = Element::at(blob, at).filter(|label| label.kind.is_text() && label.end < end)?;
        let value = Element::at(blob, label.end).filter(|value| value.end <= end)?;
        Some(Entry { label, value })
    }
}

/// How many elements the array at `at` has.
pub(super) fn count(blob: &[u8], at: usize) -> u64 {
    let Some(array) = Element::at(blob, at) else {
        return 0;
    };
    let (mut at, mut count) = (array.payload, 0);
    while at < array.end {
        count += 1;
        match Element::at(blob, at) {
            Some(element) => at = element.end,
            None => break,
        }
    }
    count
}

/// Whether two labels are the same characters.
pub(super) fn same_label(a: &[u8], a_verbatim: bool, b: &[u8], b_verbatim: bool) -> bool {
    if a_verbatim && b_verbatim {
        return a == b;
    }
    let (mut at_a, mut at_b) = (0, 0);
    loop {
        let left = label_char(a, a_verbatim, &mut at_a);
        let right = label_char(b, b_verbatim, &mut at_b);
        match (left, right) {
            (a, b) if a != b => return false,
            (Some(0) | None, _) => return true,
            _ => {}
        }
    }
}

/// The next character of a label: 0 at its end, `None` for a sequence that is no escape.
fn label_char(label: &[u8], verbatim: bool, at: &mut usize) -> Option<u32> {
    match label.get(*at) {
        None => Some(0),
        Some(b'\\') if !verbatim => {
            let (decoded, length) = unescape(&label[*at..]);
            *at += length;
            decoded
        }
        Some(_) => Some(next_limited(label, at)),
    }
}
