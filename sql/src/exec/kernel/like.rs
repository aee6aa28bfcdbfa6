//! LIKE and GLOB over vectors.
//!
//! The pattern is compiled once and again only when it changes. `%needle%` over a column of texts searches the whole
//! heap of the batch at once, and finds the row of each hit afterwards.

use memchr::memmem::Finder;

use super::pattern::{Pattern, until_nul};
use super::{Evaluate, Kernel, Rows, Values};
use crate::error::{Error, Result};
use crate::exec::build::BuildContext;
use crate::exec::{Batch, Class, ExecContext, Vector};
use crate::plan::expr::Expr;
use crate::value::{Affinity, Value, ValueRef, converted_by_affinity};

/// Which of the operators.
#[derive(Clone, Copy)]
pub(super) struct LikeShape {
    pub(super) glob: bool,
    pub(super) negated: bool,
}

pub(super) fn like(
    operand: &Expr,
    pattern: &Expr,
    escape: Option<&Expr>,
    shape: LikeShape,
    build: &mut BuildContext,
) -> Result<Box<dyn Evaluate>> {
    Ok(Box::new(Like {
        shape,
        operand: Kernel::compile_in(operand, build)?,
        pattern: Kernel::compile_in(pattern, build)?,
        escape: escape
            .map(|escape| Kernel::compile_in(escape, build))
            .transpose()?,
        compiled: Compiled::default(),
        folded: Vec::new(),
        out: Vector::new(),
    }))
}

struct Like {
    shape: LikeShape,
    operand: Kernel,
    pattern: Kernel,
    escape: Option<Kernel>,
    compiled: Compiled,
    folded: Vec<u8>,
    out: Vector,
}

/// The pattern compiled last, and what it was compiled from.
#[derive(Default)]
struct Compiled {
    source: Vec<u8>,
    escape: Option<char>,
    folds: bool,
    pattern: Option<Pattern>,
}

impl Compiled {
    /// The pattern for these inputs; `None` when one of them is NULL.
    fn pattern(
        &mut self,
        shape: LikeShape,
        source: ValueRef<'_>,
        escape: Option<ValueRef<'_>>,
        context: &ExecContext<'_>,
    ) -> Result<Option<&Pattern>> {
        let environment = &context.state.session.environment;
        let folds = !shape.glob && !environment.case_sensitive_like.get();
        let escape = match escape {
            Some(ValueRef::Null) => return Ok(None),
            Some(escape) => Some(escape_character(escape)?),
            None => None,
        };
        with_bytes(source, |source| {
            let Some(source) = source else { return Ok(None) };
            if source.len() > environment.pattern_length_max.get() {
                return Err(Error::sql("LIKE or GLOB pattern too complex"));
            }
            if self.pattern.is_none() || self.source != source || self.escape != escape || self.folds != folds
            {
                self.pattern = Some(match shape.glob {
                    true => Pattern::glob(source),
                    false => Pattern::like(source, escape, folds),
                });
                self.source.clear();
                self.source.extend_from_slice(source);
                (self.escape, self.folds) = (escape, folds);
            }
            Ok(self.pattern.as_ref())
        })
    }
}

fn escape_character(escape: ValueRef<'_>) -> Result<char> {
    with_bytes(escape, |bytes| {
        let text = bytes
            .and_then(|bytes| std::str::from_utf8(until_nul(bytes)).ok())
            .unwrap_or_default();
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(character),
            _ => Err(Error::sql("ESCAPE expression must be a single character")),
        }
    })
}

/// Hands the bytes of a text or blob, or the text of a number, to `read`; `None` for NULL.
#[inline]
fn with_bytes<'v, T>(value: ValueRef<'v>, read: impl FnOnce(Option<&[u8]>) -> T) -> T {
    match value {
        ValueRef::Null => read(None),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => read(Some(bytes)),
        number => match converted_by_affinity(number, Affinity::Text) {
            Some(Value::Text(text)) => read(Some(text.as_bytes())),
            _ => read(None),
        },
    }
}

fn outcome(
    compiled: &mut Compiled,
    shape: LikeShape,
    context: &ExecContext<'_>,
    operand: ValueRef<'_>,
    pattern: ValueRef<'_>,
    escape: Option<ValueRef<'_>>,
) -> Result<Option<bool>> {
    let Some(pattern) = compiled.pattern(shape, pattern, escape, context)? else {
        return Ok(None);
    };
    Ok(with_bytes(operand, |text| {
        Some(pattern.matches(until_nul(text?)) != shape.negated)
    }))
}

impl Evaluate for Like {
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let operand = self.operand.evaluate_rows(context, input, rows)?;
        let pattern = self.pattern.evaluate_rows(context, input, rows)?;
        let escape = match &mut self.escape {
            Some(escape) => Some(escape.evaluate_rows(context, input, rows)?),
            None => None,
        };
        let stable = pattern.is_constant() && escape.is_none_or(|escape| escape.is_constant());
        let constant = operand.is_constant() && stable && !rows.is_empty();
        self.out.clear();
        for n in 0..if constant { 1 } else { rows.len() } {
            let escape = escape.map(|escape| escape.get(n));
            let truth = outcome(
                &mut self.compiled,
                self.shape,
                context,
                operand.get(n),
                pattern.get(n),
                escape,
            )?;
            self.out.push_truth(truth);
        }
        Ok(Values::computed(&self.out, constant, rows.len()))
    }

    fn select(
        &mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        rows: Rows<'_>,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let Like {
            shape,
            operand,
            pattern,
            escape: None,
            compiled,
            folded,
            ..
        } = self
        else {
            return self.select_by_row(context, input, rows, out);
        };
        let operand = operand.evaluate_rows(context, input, rows)?;
        let pattern = pattern.evaluate_rows(context, input, rows)?;
        if !pattern.is_constant() || operand.uniform_class() != Some(Class::Text) || rows.is_empty() {
            return self.select_by_row(context, input, rows, out);
        }
        let Some(pattern) = compiled.pattern(*shape, pattern.get(0), None, context)? else {
            out.clear();
            return Ok(());
        };
        let heap = operand.vector().heap();
        let whole = memchr::memchr(0, heap).is_none();
        match pattern.finder() {
            Some((finder, folds)) if whole && operand.is_dense() && !finder.needle().is_empty() => {
                let heap = if folds { fold(heap, folded) } else { heap };
                select_hits(finder, heap, operand, shape.negated, rows, out);
            }
            _ => {
                out.clear();
                let text = |n: usize| operand.vector().bytes_of(operand.slot(n));
                let matches = |n: usize| pattern.matches(if whole { text(n) } else { until_nul(text(n)) });
                let hits = rows
                    .iter()
                    .enumerate()
                    .filter(|(n, _)| matches(*n) != shape.negated);
                out.extend(hits.map(|(_, row)| row));
            }
        }
        Ok(())
    }
}

impl Like {
    fn select_by_row(
        &mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        rows: Rows<'_>,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let values = self.evaluate(context, input, rows)?;
        super::select_true(values, rows, out);
        Ok(())
    }
}

/// `text` in small letters.
fn fold<'f>(text: &[u8], folded: &'f mut Vec<u8>) -> &'f [u8] {
    folded.clear();
    folded.extend(text.iter().map(u8::to_ascii_lowercase));
    folded
}

/// Selects the rows in whose text the needle lies. Texts of a dense vector lie in the heap in row order.
fn select_hits(
    finder: &Finder<'_>,
    heap: &[u8],
    texts: Values<'_>,
    negated: bool,
    rows: Rows<'_>,
    out: &mut Vec<u32>,
) {
    out.clear();
    let slots = &texts.vector().slots()[..texts.len()];
    let end_of = |slot: u64| (slot >> 32) as usize + slot as u32 as usize;
    let (mut row, mut from) = (0, 0);
    while let Some(hit) = finder.find(&heap[from..]).map(|hit| hit + from) {
        while row < slots.len() && end_of(slots[row]) <= hit {
            if negated {
                out.push(rows.row(row) as u32);
            }
            row += 1;
        }
        let Some(&slot) = slots.get(row) else { break };
        let (start, end) = ((slot >> 32) as usize, end_of(slot));
        if hit < start {
            // Bytes between two rows, left behind by a row that was taken back.
            from = start;
            continue;
        }
        // Go on behind this row; a hit that crosses its end may hide one that begins inside the next row.
        from = end;
        if hit + finder.needle().len() <= end {
            if !negated {
                out.push(rows.row(row) as u32);
            }
            row += 1;
        }
    }
    if negated {
        out.extend((row..slots.len()).map(|row| rows.row(row) as u32));
    }
}
