//! The rows of `json_each`, `json_tree`, `jsonb_each` and `jsonb_tree`.
//!
//! A [`JsonRows`] walks a document and stands on one element at a time; columns are computed when they are asked for.

use super::convert::{Form, read, to_sql};
use super::jsonb::{Element, Kind};
use super::path::{self, PathError};
use super::text::malformed;
use crate::error::Result;
use crate::functions::ValueSink;
use crate::value::utf8::until_nul;
use crate::value::{Value, ValueRef, decimal, number};

/// The columns of the four table-valued functions; the last two are hidden and are their arguments.
pub const COLUMNS: [&str; 10] = [
    "key", "value", "type", "atom", "id", "parent", "fullkey", "path", "json", "root",
];

/// Which of the four functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JsonTable {
    /// `_tree`: all elements, rather than those of the top level.
    pub recursive: bool,
    /// `jsonb_`: arrays and objects as JSONB.
    pub binary: bool,
}

impl JsonTable {
    const ALL: [JsonTable; 4] = [
        JsonTable {
            recursive: false,
            binary: false,
        },
        JsonTable {
            recursive: true,
            binary: false,
        },
        JsonTable {
            recursive: false,
            binary: true,
        },
        JsonTable {
            recursive: true,
            binary: true,
        },
    ];

    /// The name in SQL.
    pub fn name(self) -> &'static str {
        match (self.recursive, self.binary) {
            (false, false) => "json_each",
            (true, false) => "json_tree",
            (false, true) => "jsonb_each",
            (true, true) => "jsonb_tree",
        }
    }

    /// The function with this name, in any case.
    pub fn named(name: &str) -> Option<JsonTable> {
        JsonTable::ALL
            .into_iter()
            .find(|table| table.name().eq_ignore_ascii_case(name))
    }
}

/// A walk over a document. Fresh from [`open`](Self::open) it stands on its first row.
#[derive(Debug)]
pub struct JsonRows {
    table: JsonTable,
    document: Value,
    blob: Vec<u8>,
    /// The label of the current element in an object, otherwise the element.
    at: usize,
    end: usize,
    /// What the current element is in: `None` for the root.
    within: Option<Kind>,
    rowid: i64,
    /// The path of the container that the current element is in.
    path: Vec<u8>,
    root_length: usize,
    parents: Vec<Parent>,
}

#[derive(Debug)]
struct Parent {
    /// Where its label or, without one, it itself starts.
    head: usize,
    value: usize,
    end: usize,
    path_length: usize,
    key: i64,
}

impl JsonRows {
    /// Starts a walk over `document`, below the element that `root` selects. No rows for NULL or when `root` selects nothing.
    pub fn open(table: JsonTable, document: ValueRef<'_>, root: Option<ValueRef<'_>>) -> Result<JsonRows> {
        let mut rows = JsonRows {
            table,
            document: Value::from(document),
            blob: Vec::new(),
            at: 0,
            end: 0,
            within: None,
            rowid: 0,
            path: b"$".to_vec(),
            root_length: 1,
            parents: Vec::new(),
        };
        match read(document, &mut rows.blob) {
            None => return Ok(rows),
            Some(Err(_)) => return Err(malformed()),
            Some(Ok(_)) => {}
        }
        let mut start = 0;
        if let Some(root) = root {
            match rows.find_root(root)? {
                Some(at) => start = at,
                None => return Ok(rows),
            }
        }
        let element = Element::at(&rows.blob, start).ok_or_else(malformed)?;
        rows.end = element.end;
        if element.kind.is_container() && !table.recursive {
            rows.at = element.payload;
            rows.within = Some(element.kind);
            rows.parents.push(Parent {
                head: rows.at,
                value: start,
                end: rows.end,
                path_length: 0,
                key: 0,
            });
        }
        Ok(rows)
    }

    /// Goes to the element that `root` selects; `None` when there is none.
    fn find_root(&mut self, root: ValueRef<'_>) -> Result<Option<usize>> {
        let mut buffer = Vec::new();
        let Some(root) = decimal::bytes_of(root, &mut buffer).map(until_nul) else {
            return Ok(None);
        };
        let steps = root
            .strip_prefix(b"$")
            .ok_or_else(|| PathError::BadPath.into_error(root))?;
        self.path = root.to_vec();
        self.root_length = root.len();
        if steps.is_empty() {
            return Ok(Some(0));
        }
        match path::find(&self.blob, steps) {
            Ok(found) => {
                self.at = found.label.unwrap_or(found.at);
                self.within = Some(if found.label.is_some() {
                    Kind::Object
                } else {
                    Kind::Array
                });
                Ok(Some(found.at))
            }
            Err(PathError::NotFound) => Ok(None),
            Err(_) => Err(PathError::BadPath.into_error(root)),
        }
    }

    /// True when there is no row (any more).
    pub fn is_done(&self) -> bool {
        self.at >= self.end
    }

    /// The number of the current row, from 0.
    pub fn rowid(&self) -> i64 {
        self.rowid
    }

    /// Goes to the next row.
    pub fn advance(&mut self) -> Result<()> {
        let value = self.value()?;
        if !self.table.recursive {
            self.at = value.end;
        } else {
            self.descend(value);
        }
        if self.within == Some(Kind::Array)
            && let Some(parent) = self.parents.last_mut()
        {
            parent.key += 1;
        }
        self.rowid += 1;
        Ok(())
    }

    /// Into a container, or on to what follows; up at the ends of containers.
    fn descend(&mut self, value: Element) {
        let mut level_changed = false;
        if value.kind.is_container() {
            level_changed = true;
            self.parents.push(Parent {
                head: self.at,
                value: value.start,
                end: value.end,
                path_length: self.path.len(),
                key: -1,
            });
            if self.within.is_some() && self.parents.len() > 1 {
                let name = self.path_name(self.parents.len() - 2);
                self.path.extend_from_slice(&name);
            }
            self.at = value.payload;
        } else {
            self.at = value.end;
        }
        while let Some(parent) = self.parents.pop_if(|parent| self.at >= parent.end) {
            self.path.truncate(parent.path_length);
            level_changed = true;
        }
        if level_changed {
            let parent = self.parents.last();
            self.within = parent
                .and_then(|parent| Element::at(&self.blob, parent.value))
                .map(|e| e.kind);
        }
    }

    /// The current element, past its label.
    fn value(&self) -> Result<Element> {
        let element = Element::at(&self.blob, self.at).ok_or_else(malformed)?;
        if self.within == Some(Kind::Object) && element.end < self.blob.len() {
            return Element::at(&self.blob, element.end).ok_or_else(malformed);
        }
        Ok(element)
    }

    /// The last step of the current element's path, inside of parent number `parent`.
    fn path_name(&self, parent: usize) -> Vec<u8> {
        if self.within == Some(Kind::Array) {
            let key = self.parents.get(parent).map_or(0, |parent| parent.key);
            return format!("[{key}]").into_bytes();
        }
        let label = Element::at(&self.blob, self.at).map_or(&b""[..], |label| label.bytes(&self.blob));
        // As a format would show it, the label ends at its first NUL.
        let shown = until_nul(label);
        let simple =
            label.first().is_some_and(u8::is_ascii_alphabetic) && label.iter().all(u8::is_ascii_alphanumeric);
        if simple {
            [b".", shown].concat()
        } else {
            [b".\"", shown, b"\""].concat()
        }
    }

    /// Length of the path to the container of the current element. For the root of a tree it has to be searched in the root's path.
    fn path_length(&self) -> usize {
        let length = self.path.len();
        if self.rowid != 0 || !self.table.recursive || length < 2 {
            return length;
        }
        for at in (1..length).rev() {
            if !matches!(self.path[at], b'[' | b'.') {
                continue;
            }
            if let Ok(found) = path::find(&self.blob, &self.path[1..at])
                && Element::at(&self.blob, found.at).is_some_and(|parent| parent.payload == self.at)
            {
                return at;
            }
        }
        1
    }

    /// Puts column `column` of the current row into `out`; true when the value is JSON text.
    pub fn column(&self, column: usize, out: &mut dyn ValueSink) -> Result<bool> {
        let mut scratch = Vec::new();
        match column {
            0 => self.key(out, &mut scratch)?,
            1 => {
                let value = self.value()?;
                let form = if self.table.binary {
                    Form::Binary
                } else {
                    Form::Text
                };
                to_sql(&self.blob, value.start, form, &mut scratch, out)?;
                return Ok(value.kind.is_container() && form == Form::Text);
            }
            2 => out.text(self.value()?.kind.name().as_bytes()),
            3 => {
                let value = self.value()?;
                if value.kind.is_container() {
                    out.null();
                } else {
                    to_sql(&self.blob, value.start, Form::Text, &mut scratch, out)?;
                }
            }
            4 => out.integer(self.at as i64),
            5 => match self.parents.last() {
                Some(parent) if self.table.recursive => out.integer(parent.head as i64),
                _ => out.null(),
            },
            6 => {
                let mut full = self.path.clone();
                if !self.parents.is_empty() {
                    full.extend_from_slice(&self.path_name(self.parents.len() - 1));
                }
                out.text(&full);
            }
            7 => out.text(&self.path[..self.path_length()]),
            8 => out.value(self.document.as_ref()),
            _ => out.text(&self.path[..self.root_length]),
        }
        Ok(false)
    }

    fn key(&self, out: &mut dyn ValueSink, scratch: &mut Vec<u8>) -> Result<()> {
        let Some(parent) = self.parents.last() else {
            self.root_key(out);
            return Ok(());
        };
        if self.within == Some(Kind::Object) {
            return to_sql(&self.blob, self.at, Form::Text, scratch, out);
        }
        out.integer(parent.key);
        Ok(())
    }

    /// The key of the root itself: the last step of the path that selected it.
    fn root_key(&self, out: &mut dyn ValueSink) {
        let from = self.path_length();
        let step = &self.path[from.min(self.root_length)..self.root_length];
        match step {
            _ if self.root_length == 1 => out.null(),
            [] => out.null(),
            [b'[', index @ ..] => out.integer(number::integer_prefix(index)),
            [_, b'"', label @ ..] => out.text(&label[..label.len().saturating_sub(1)]),
            [_, label @ ..] => out.text(label),
        }
    }
}
