//! The scalar JSON functions.

use super::convert::{Form, TextMeans, argument, plain_to_sql, push_value, read, to_element, to_sql};
use super::jsonb::{Element, Kind, looks_like_jsonb};
use super::path::{self, Edit, PathError};
use super::seek::{Sought, seek};
use super::text::{malformed, push_string, render, render_pretty};
use super::{parse, patch, validity};
use crate::error::{Error, Result};
use crate::functions::{FunctionContext, ScalarFunction, ValueSink};
use crate::value::utf8::until_nul;
use crate::value::{ValueRef, decimal, number};

/// What a JSON function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::functions) enum Operation {
    Array,
    ArrayLength,
    Edit(Edit),
    ErrorPosition,
    Extract,
    /// `->`
    Arrow,
    /// `->>`
    LongArrow,
    Object,
    Patch,
    Pretty,
    Quote,
    /// Also `json`, which removes nothing.
    Remove,
    Type,
    Valid,
}

/// A scalar JSON function.
#[derive(Debug, Clone, Copy)]
pub(in crate::functions) struct JsonFunction {
    pub(in crate::functions) operation: Operation,
    /// Whether arrays and objects come back as JSONB.
    pub(in crate::functions) binary: bool,
}

impl ScalarFunction for JsonFunction {
    fn call(
        &self,
        cx: &mut FunctionContext<'_>,
        args: &[ValueRef<'_>],
        out: &mut dyn ValueSink,
    ) -> Result<()> {
        // The document and a second buffer are kept from call to call.
        let mut buffers = std::mem::take(&mut cx.json_buffers);
        cx.json_result = false;
        let mut call = Call {
            form: if self.binary { Form::Binary } else { Form::Text },
            json_arguments: cx.json_arguments,
            args,
            blob: &mut buffers.document,
            scratch: &mut buffers.scratch,
            path: &mut buffers.path,
            is_json: false,
        };
        let result = call.run(self.operation, out);
        cx.json_result = call.is_json;
        cx.json_buffers = buffers;
        result
    }
}

/// Buffers that JSON functions keep between calls.
#[derive(Debug, Default)]
pub(in crate::functions) struct JsonBuffers {
    document: Vec<u8>,
    scratch: Vec<u8>,
    path: Vec<u8>,
}

struct Call<'a, 'v> {
    form: Form,
    json_arguments: u64,
    args: &'a [ValueRef<'v>],
    /// The document as JSONB.
    blob: &'a mut Vec<u8>,
    scratch: &'a mut Vec<u8>,
    /// The path that the right side of an arrow stands for.
    path: &'a mut Vec<u8>,
    /// The result is JSON text.
    is_json: bool,
}

type Sink<'a> = &'a mut dyn ValueSink;

impl<'v> Call<'_, 'v> {
    fn run(&mut self, operation: Operation, out: Sink<'_>) -> Result<()> {
        match operation {
            Operation::Array => self.array(out),
            Operation::ArrayLength => self.array_length(out),
            Operation::Edit(edit) => self.edit(edit, out),
            Operation::ErrorPosition => self.error_position(out),
            Operation::Extract => self.extract(out),
            Operation::Arrow | Operation::LongArrow => self.arrow(operation == Operation::Arrow, out),
            Operation::Object => self.object(out),
            Operation::Patch => self.patch(out),
            Operation::Pretty => self.pretty(out),
            Operation::Quote => {
                self.scratch.clear();
                push_value(self.args[0], self.text_means(0), self.scratch)?;
                self.text_result(out)
            }
            Operation::Remove => self.remove(out),
            Operation::Type => self.type_of(out),
            Operation::Valid => self.valid(out),
        }
    }

    fn text_means(&self, index: usize) -> TextMeans {
        let json = index < 64 && self.json_arguments >> index & 1 == 1;
        if json { TextMeans::Json } else { TextMeans::Text }
    }

    /// Loads the document; `false` when it is NULL (then so is the result).
    fn load(&mut self, out: Sink<'_>) -> Result<bool> {
        let Some(&document) = self.args.first() else {
            out.null();
            return Ok(false);
        };
        let loaded = argument(document, self.blob)?.is_some();
        if !loaded {
            out.null();
        }
        Ok(loaded)
    }

    /// The text in `scratch`, as JSON text or turned into JSONB.
    fn text_result(&mut self, out: Sink<'_>) -> Result<()> {
        if self.form == Form::Text {
            self.is_json = true;
            out.text(self.scratch);
            return Ok(());
        }
        self.blob.clear();
        // JSON given by an argument may not be well-formed; as SQLite does, what was read of it is the result.
        let _ = parse::parse(self.scratch, self.blob);
        out.blob(self.blob);
        Ok(())
    }

    /// The document, as JSON text or JSONB.
    fn document_result(&mut self, out: Sink<'_>) -> Result<()> {
        if self.form == Form::Binary {
            out.blob(self.blob);
            return Ok(());
        }
        self.scratch.clear();
        render(self.blob, 0, self.scratch)?;
        self.is_json = true;
        out.text(self.scratch);
        Ok(())
    }

    fn array(&mut self, out: Sink<'_>) -> Result<()> {
        self.scratch.clear();
        self.scratch.push(b'[');
        for (index, &value) in self.args.iter().enumerate() {
            if index > 0 {
                self.scratch.push(b',');
            }
            push_value(value, self.text_means(index), self.scratch)?;
        }
        self.scratch.push(b']');
        self.text_result(out)
    }

    fn object(&mut self, out: Sink<'_>) -> Result<()> {
        if self.args.len() % 2 == 1 {
            return Err(Error::sql("json_object() requires an even number of arguments"));
        }
        self.scratch.clear();
        self.scratch.push(b'{');
        for (index, pair) in self.args.chunks_exact(2).enumerate() {
            let ValueRef::Text(label) = pair[0] else {
                return Err(Error::sql("json_object() labels must be TEXT"));
            };
            if index > 0 {
                self.scratch.push(b',');
            }
            push_string(label, self.scratch);
            self.scratch.push(b':');
            push_value(pair[1], self.text_means(index * 2 + 1), self.scratch)?;
        }
        self.scratch.push(b'}');
        self.text_result(out)
    }

    fn array_length(&mut self, out: Sink<'_>) -> Result<()> {
        let Some(at) = self.located(out)? else {
            return Ok(());
        };
        let is_array = Element::at(self.blob, at).is_some_and(|element| element.kind == Kind::Array);
        out.integer(if is_array {
            path::count(self.blob, at) as i64
        } else {
            0
        });
        Ok(())
    }

    fn type_of(&mut self, out: Sink<'_>) -> Result<()> {
        let Some(at) = self.located(out)? else {
            return Ok(());
        };
        let element = Element::at(self.blob, at).ok_or_else(malformed)?;
        out.text(element.kind.name().as_bytes());
        Ok(())
    }

    /// What a path selects in a document that is plain JSON text.
    fn sought(&self) -> Sought<'v> {
        let [ValueRef::Text(document), ValueRef::Text(path), ..] = *self.args else {
            return Sought::Unknown;
        };
        match until_nul(path).strip_prefix(b"$") {
            Some(steps) => seek(document, steps),
            None => Sought::Unknown,
        }
    }

    /// As [`sought`](Self::sought), for the right side of an arrow.
    fn sought_by_arrow(&mut self) -> Sought<'v> {
        let [ValueRef::Text(document), right, ..] = *self.args else {
            return Sought::Unknown;
        };
        let mut buffer = Vec::new();
        match decimal::bytes_of(right, &mut buffer).map(until_nul) {
            None => Sought::Unknown,
            Some(path) if path.first() == Some(&b'$') => seek(document, &path[1..]),
            Some(path) => {
                expand(path, matches!(right, ValueRef::Integer(_)), self.path);
                seek(document, self.path)
            }
        }
    }

    /// Makes an element's text the document.
    fn narrow(&mut self, element: &[u8]) -> Result<()> {
        self.blob.clear();
        parse::parse(element, self.blob).map_err(|_| malformed())?;
        Ok(())
    }

    /// The document, or what an optional second argument selects in it; `None` when the result is NULL.
    fn located(&mut self, out: Sink<'_>) -> Result<Option<usize>> {
        self.located_as(self.sought(), out)
    }

    /// As [`located`](Self::located), with what a search in the text has found.
    fn located_as(&mut self, sought: Sought<'v>, out: Sink<'_>) -> Result<Option<usize>> {
        match sought {
            Sought::Element(element) => return self.narrow(element).map(|()| Some(0)),
            Sought::Nothing => {
                out.null();
                return Ok(None);
            }
            Sought::Unknown => {}
        }
        if !self.load(out)? {
            return Ok(None);
        }
        let Some(&path) = self.args.get(1) else {
            return Ok(Some(0));
        };
        let mut buffer = Vec::new();
        let Some(path) = decimal::bytes_of(path, &mut buffer).map(until_nul) else {
            out.null();
            return Ok(None);
        };
        let found = match path.strip_prefix(b"$") {
            Some(steps) => path::find(self.blob, steps),
            None => Err(PathError::BadPath),
        };
        match found {
            Ok(found) => Ok(Some(found.at)),
            Err(PathError::NotFound) => {
                out.null();
                Ok(None)
            }
            Err(error) => Err(error.into_error(path)),
        }
    }

    fn extract(&mut self, out: Sink<'_>) -> Result<()> {
        if self.args.len() < 2 {
            out.null();
            return Ok(());
        }
        if self.args.len() == 2 {
            let sought = self.sought();
            if let Sought::Element(element) = sought
                && plain_to_sql(element, self.scratch, out)?
            {
                return Ok(());
            }
            let Some(at) = self.located_as(sought, out)? else {
                return Ok(());
            };
            let element = Element::at(self.blob, at).ok_or_else(malformed)?;
            self.is_json = element.kind.is_container() && self.form == Form::Text;
            return to_sql(self.blob, at, self.form, self.scratch, out);
        }
        self.extract_many(out)
    }

    fn extract_many(&mut self, out: Sink<'_>) -> Result<()> {
        if !self.load(out)? {
            return Ok(());
        }
        let mut buffer = Vec::new();
        self.scratch.clear();
        self.scratch.push(b'[');
        for (index, &path) in self.args[1..].iter().enumerate() {
            let Some(path) = decimal::bytes_of(path, &mut buffer).map(until_nul) else {
                out.null();
                return Ok(());
            };
            if index > 0 {
                self.scratch.push(b',');
            }
            let steps = path
                .strip_prefix(b"$")
                .ok_or_else(|| PathError::BadPath.into_error(path))?;
            match path::find(self.blob, steps) {
                Ok(found) => {
                    render(self.blob, found.at, self.scratch)?;
                }
                Err(PathError::NotFound) => self.scratch.extend_from_slice(b"null"),
                Err(error) => return Err(error.into_error(path)),
            }
        }
        self.scratch.push(b']');
        self.text_result(out)
    }

    /// `->` and `->>` take labels and indexes as well as paths.
    fn arrow(&mut self, as_json: bool, out: Sink<'_>) -> Result<()> {
        let at = match self.sought_by_arrow() {
            Sought::Element(element) if !as_json && plain_to_sql(element, self.scratch, out)? => {
                return Ok(());
            }
            Sought::Element(element) => self.narrow(element).map(|()| Some(0))?,
            Sought::Nothing => None,
            Sought::Unknown if !self.load(out)? => return Ok(()),
            Sought::Unknown => self.found_by_arrow()?,
        };
        let Some(at) = at else {
            out.null();
            return Ok(());
        };
        if !as_json {
            return to_sql(self.blob, at, Form::Text, self.scratch, out);
        }
        self.scratch.clear();
        render(self.blob, at, self.scratch)?;
        self.is_json = true;
        out.text(self.scratch);
        Ok(())
    }

    /// Where in the document the element is that the right side of an arrow selects.
    fn found_by_arrow(&mut self) -> Result<Option<usize>> {
        let mut buffer = Vec::new();
        let is_index = matches!(self.args[1], ValueRef::Integer(_));
        let Some(path) = decimal::bytes_of(self.args[1], &mut buffer).map(until_nul) else {
            return Ok(None);
        };
        let found = match path.strip_prefix(b"$") {
            Some(steps) => path::find(self.blob, steps),
            None => {
                expand(path, is_index, self.path);
                path::find(self.blob, self.path)
            }
        };
        match found {
            Ok(found) => Ok(Some(found.at)),
            Err(PathError::NotFound) => Ok(None),
            Err(error) => Err(error.into_error(path)),
        }
    }

    fn edit(&mut self, edit: Edit, out: Sink<'_>) -> Result<()> {
        if self.args.is_empty() {
            out.null();
            return Ok(());
        }
        if self.args.len().is_multiple_of(2) {
            let name = match edit {
                Edit::Replace => "replace",
                Edit::Set => "set",
                Edit::ArrayInsert => "array_insert",
                Edit::Insert | Edit::Delete => "insert",
            };
            return Err(Error::sql(format!(
                "json_{name}() needs an odd number of arguments"
            )));
        }
        if !self.load(out)? {
            return Ok(());
        }
        for index in (1..self.args.len()).step_by(2) {
            self.edit_one(edit, index)?;
        }
        self.document_result(out)
    }

    /// One path with its value. A NULL path changes nothing.
    fn edit_one(&mut self, edit: Edit, index: usize) -> Result<()> {
        let mut buffer = Vec::new();
        let Some(path) = decimal::bytes_of(self.args[index], &mut buffer).map(until_nul) else {
            return Ok(());
        };
        let steps = path
            .strip_prefix(b"$")
            .ok_or_else(|| PathError::BadPath.into_error(path))?;
        to_element(self.args[index + 1], self.text_means(index + 1), self.scratch)?;
        if steps.is_empty() {
            if matches!(edit, Edit::Replace | Edit::Set) {
                let whole = 0..self.blob.len();
                super::jsonb::replace(self.blob, whole, self.scratch);
            }
            return Ok(());
        }
        match path::edit(self.blob, steps, edit, self.scratch) {
            Ok(()) | Err(PathError::NotFound) => Ok(()),
            Err(error) => Err(error.into_error(path)),
        }
    }

    fn remove(&mut self, out: Sink<'_>) -> Result<()> {
        if !self.load(out)? {
            return Ok(());
        }
        let mut buffer = Vec::new();
        for &path in &self.args[1..] {
            let path = decimal::bytes_of(path, &mut buffer).map(until_nul);
            let Some(path) = path.filter(|path| *path != b"$") else {
                out.null();
                return Ok(());
            };
            let steps = path
                .strip_prefix(b"$")
                .ok_or_else(|| PathError::BadPath.into_error(path))?;
            match path::edit(self.blob, steps, Edit::Delete, &[]) {
                Ok(()) | Err(PathError::NotFound) => {}
                Err(error) => return Err(error.into_error(path)),
            }
        }
        self.document_result(out)
    }

    fn patch(&mut self, out: Sink<'_>) -> Result<()> {
        if !self.load(out)? {
            return Ok(());
        }
        let mut patch = Vec::new();
        if argument(self.args[1], &mut patch)?.is_none() {
            out.null();
            return Ok(());
        }
        patch::merge(self.blob, &patch)?;
        self.document_result(out)
    }

    fn pretty(&mut self, out: Sink<'_>) -> Result<()> {
        if !self.load(out)? {
            return Ok(());
        }
        let mut buffer = Vec::new();
        let indent = self
            .args
            .get(1)
            .and_then(|indent| decimal::bytes_of(*indent, &mut buffer));
        self.scratch.clear();
        render_pretty(self.blob, indent.map_or(&b"    "[..], until_nul), self.scratch)?;
        out.text(self.scratch);
        Ok(())
    }

    /// 1 and 2 accept JSON and JSON5 text, 4 and 8 JSONB at first sight and to the bottom.
    fn valid(&mut self, out: Sink<'_>) -> Result<()> {
        let flags = self.args.get(1).map_or(1, |flags| number::integer_of(*flags));
        if !(1..=15).contains(&flags) {
            return Err(Error::sql(
                "FLAGS parameter to json_valid() must be between 1 and 15",
            ));
        }
        let valid = match self.args[0] {
            ValueRef::Null => {
                out.null();
                return Ok(());
            }
            ValueRef::Blob(bytes) if looks_like_jsonb(bytes) => {
                flags & 4 != 0 || (flags & 8 != 0 && validity::first_error(bytes).is_none())
            }
            value => match read(value, self.blob) {
                Some(Ok(parsed)) => flags & 2 != 0 || (flags & 1 != 0 && !parsed.nonstandard),
                _ => false,
            },
        };
        out.integer(i64::from(valid));
        Ok(())
    }

    fn error_position(&mut self, out: Sink<'_>) -> Result<()> {
        let position = match self.args[0] {
            ValueRef::Blob(bytes) if looks_like_jsonb(bytes) => validity::first_error(bytes).unwrap_or(0),
            value => {
                let mut buffer = Vec::new();
                let Some(text) = decimal::bytes_of(value, &mut buffer) else {
                    out.null();
                    return Ok(());
                };
                self.blob.clear();
                match parse::parse(text, self.blob) {
                    Ok(_) => 0,
                    Err(error) => {
                        let before = &text[..error.at.min(text.len())];
                        before.iter().filter(|byte| **byte & 0xc0 != 0x80).count() + 1
                    }
                }
            }
        };
        out.integer(position as i64);
        Ok(())
    }
}

/// The path that the right side of an arrow stands for when it does not start with `$`.
fn expand(text: &[u8], is_index: bool, path: &mut Vec<u8>) {
    let is_word = text.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let is_step = text.len() >= 3 && text.first() == Some(&b'[') && text.last() == Some(&b']');
    let (before, after): (&[u8], &[u8]) = match (is_index, is_word, is_step) {
        (true, ..) if text.first() == Some(&b'-') => (b"[#", b"]"),
        (true, ..) => (b"[", b"]"),
        (_, true, _) => (b".", b""),
        (_, _, true) => (b"", b""),
        _ => (b".\"", b"\""),
    };
    path.clear();
    for part in [before, text, after] {
        path.extend_from_slice(part);
    }
}
