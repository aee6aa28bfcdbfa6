//! `json_group_array` and `json_group_object`.

use std::collections::VecDeque;

use super::convert::{TextMeans, push_value};
use super::parse::parse;
use super::text::push_string;
use crate::error::Result;
use crate::functions::{Accumulator, AggregateFunction, FunctionContext, ValueSink};
use crate::value::utf8::until_nul;
use crate::value::{ValueRef, decimal};

/// A JSON aggregate.
#[derive(Debug, Clone, Copy)]
pub(in crate::functions) struct JsonGroup {
    /// Labels and values, rather than values only.
    pub(in crate::functions) object: bool,
    /// The result is JSONB.
    pub(in crate::functions) binary: bool,
}

impl AggregateFunction for JsonGroup {
    fn accumulator(&self) -> Box<dyn Accumulator> {
        Box::new(Group {
            function: *self,
            entries: Vec::new(),
            start: 0,
            lengths: VecDeque::new(),
        })
    }

    fn supports_inverse(&self) -> bool {
        true
    }
}

/// The entries as JSON text, each with a comma behind it; under a sliding window rows leave at the front.
struct Group {
    function: JsonGroup,
    entries: Vec<u8>,
    start: usize,
    /// Bytes of each row's entry with its comma: 0 for rows that add none.
    lengths: VecDeque<usize>,
}

impl Accumulator for Group {
    fn step(&mut self, cx: &mut FunctionContext<'_>, args: &[ValueRef<'_>]) -> Result<()> {
        let before = self.entries.len();
        let mut value_at = 0;
        if self.function.object {
            let mut buffer = Vec::new();
            match decimal::bytes_of(args[0], &mut buffer) {
                Some(label) => {
                    push_string(until_nul(label), &mut self.entries);
                    self.entries.push(b':');
                    value_at = 1;
                }
                // A row without a label adds nothing.
                None => {
                    self.lengths.push_back(0);
                    return Ok(());
                }
            }
        }
        let text_means = if cx.is_json(value_at) {
            TextMeans::Json
        } else {
            TextMeans::Text
        };
        push_value(args[value_at], text_means, &mut self.entries)?;
        self.entries.push(b',');
        self.lengths.push_back(self.entries.len() - before);
        cx.check_length(self.entries.len() - self.start)
    }

    fn inverse(&mut self, _: &mut FunctionContext<'_>, _: &[ValueRef<'_>]) -> Result<()> {
        self.start += self.lengths.pop_front().unwrap_or(0);
        if self.start > self.entries.len() / 2 {
            self.entries.drain(..self.start);
            self.start = 0;
        }
        Ok(())
    }

    fn value(&mut self, cx: &mut FunctionContext<'_>, out: &mut dyn ValueSink) -> Result<()> {
        let (open, close) = if self.function.object {
            (b'{', b'}')
        } else {
            (b'[', b']')
        };
        let entries = &self.entries[self.start..];
        cx.scratch.clear();
        cx.scratch.push(open);
        cx.scratch
            .extend_from_slice(entries.strip_suffix(b",").unwrap_or(entries));
        cx.scratch.push(close);
        if self.function.binary {
            let mut blob = Vec::new();
            // JSON given by an argument may not be well-formed; what was read of it is the result.
            let _ = parse(&cx.scratch, &mut blob);
            out.blob(&blob);
        } else {
            out.text(&cx.scratch);
        }
        cx.json_result = !self.function.binary;
        Ok(())
    }
}
