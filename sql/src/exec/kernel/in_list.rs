//! `x IN (a, b, c)`.
//!
//! A list of constants is converted and sorted once (again when parameters make it), then each row searches it: a typed
//! scan when all is integers, or short texts in binary order, and the list is short, else a binary search. A list with expressions over the row compares value by value.

use std::cmp::Ordering;

use super::compare::{compare_one, select_where};
use super::{Evaluate, Kernel, Rows, Values, convert_for_comparison, truth_value};
use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::{Batch, Class, ExecContext, Vector};
use crate::plan::expr::{CompareOp, CompareRule, Expr};
use crate::value::{Collation, ValueRef, compare, converted_by_affinity};

pub(super) fn in_list(
    operand: &Expr,
    list: &[Expr],
    rule: &CompareRule,
    negated: bool,
    build: &mut BuildContext,
) -> Result<Box<dyn Evaluate>> {
    let operand = Kernel::compile_in(operand, build)?;
    let list = Kernel::compile_all(list, build)?;
    let common = Common {
        operand,
        rule: rule.clone(),
        negated,
        converted: Vector::new(),
        out: Vector::new(),
    };
    if list.iter().all(Kernel::is_simple_constant) {
        let literal = list
            .iter()
            .all(|item| matches!(item.node, super::Node::Constant(_)));
        return Ok(Box::new(InConstants {
            common,
            list,
            literal,
            sorted: SortedList::default(),
            ready: false,
        }));
    }
    Ok(Box::new(InExpressions {
        common,
        list,
        found: Vec::new(),
        item: Vector::new(),
    }))
}

struct Common {
    operand: Kernel,
    rule: CompareRule,
    negated: bool,
    converted: Vector,
    out: Vector,
}

/// Constants in the order of comparison.
#[derive(Default)]
struct SortedList {
    /// Without NULLs.
    values: Vector,
    /// Rows of `values` in order.
    order: Vec<u32>,
    /// The values as integers, when all are.
    integers: Vec<i64>,
    /// The values as packed texts, when all are short and compare by their bytes.
    texts: Vec<u128>,
    has_null: bool,
    is_empty: bool,
}

/// Lists up to this length are scanned rather than searched.
const SCANNED_MAX: usize = 8;

impl SortedList {
    fn fill(&mut self, context: &mut ExecContext<'_>, list: &mut [Kernel], rule: &CompareRule) -> Result<()> {
        let nothing = Batch::new(0);
        self.values.clear();
        self.has_null = false;
        self.is_empty = list.is_empty();
        for item in list {
            let value = item.evaluate_one(context, &nothing)?;
            let converted = rule
                .right
                .and_then(|affinity| converted_by_affinity(value, affinity));
            match converted.as_ref().map_or(value, |value| value.as_ref()) {
                ValueRef::Null => self.has_null = true,
                value => self.values.push(value),
            }
        }
        let SortedList {
            values,
            order,
            integers,
            texts,
            ..
        } = self;
        texts.clear();
        if values.uniform_class() == Some(Class::Text) && rule.collation == Collation::Binary {
            texts.extend(values.slots().iter().map_while(|slot| packed_text(values, *slot)));
            if texts.len() < values.len() {
                texts.clear();
            }
            texts.sort_unstable();
        }
        order.clear();
        order.extend(0..values.len() as u32);
        order.sort_by(|&a, &b| compare(values.get(a as usize), values.get(b as usize), &rule.collation));
        integers.clear();
        if values.uniform_class() == Some(Class::Integer) {
            integers.extend(order.iter().map(|&row| values.slots()[row as usize] as i64));
        }
        Ok(())
    }

    #[inline]
    fn has_integer(&self, value: i64) -> bool {
        match self.integers.len() {
            0..=SCANNED_MAX => self.integers.contains(&value),
            _ => self.integers.binary_search(&value).is_ok(),
        }
    }

    #[inline]
    fn has_text(&self, text: u128) -> bool {
        match self.texts.len() {
            0..=SCANNED_MAX => self.texts.contains(&text),
            _ => self.texts.binary_search(&text).is_ok(),
        }
    }

    fn has(&self, value: ValueRef<'_>, collation: &Collation) -> bool {
        let order = |row: &u32| -> Ordering { compare(self.values.get(*row as usize), value, collation) };
        self.order.binary_search_by(order).is_ok()
    }

    /// Whether `value IN list`.
    #[inline]
    fn outcome(&self, value: ValueRef<'_>, collation: &Collation) -> Option<bool> {
        match value {
            _ if self.is_empty => Some(false),
            ValueRef::Null => None,
            ValueRef::Integer(value) if !self.integers.is_empty() && self.has_integer(value) => Some(true),
            value if self.has(value, collation) => Some(true),
            _ if self.has_null => None,
            _ => Some(false),
        }
    }
}

/// A text of up to fifteen bytes and its length as one number; `None` for longer ones.
#[inline(always)]
fn packed_text(vector: &Vector, slot: u64) -> Option<u128> {
    let (start, len) = ((slot >> 32) as usize, slot as u32 as usize);
    if len > 15 {
        return None;
    }
    let bytes = match vector
        .heap()
        .get(start..)
        .and_then(|rest| rest.first_chunk::<16>())
    {
        // What follows the text is shifted out.
        Some(bytes) => u128::from_be_bytes(*bytes) >> 8 >> (8 * (15 - len)),
        None => {
            let mut bytes = [0; 16];
            bytes[16 - len..].copy_from_slice(vector.bytes_of(slot));
            u128::from_be_bytes(bytes)
        }
    };
    Some(bytes | (len as u128) << 120)
}

struct InConstants {
    common: Common,
    list: Vec<Kernel>,
    /// No parameters or registers: sorted once and for all.
    literal: bool,
    sorted: SortedList,
    ready: bool,
}

impl InConstants {
    fn prepare(&mut self, context: &mut ExecContext<'_>) -> Result<()> {
        if !self.ready || !self.literal {
            self.sorted.fill(context, &mut self.list, &self.common.rule)?;
            self.ready = true;
        }
        Ok(())
    }
}

impl Evaluate for InConstants {
    fn evaluate_first<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
    ) -> Result<ValueRef<'a>> {
        self.prepare(context)?;
        let Common {
            operand,
            rule,
            negated,
            ..
        } = &mut self.common;
        let value = operand.evaluate_one(context, input)?;
        let converted = rule
            .left
            .and_then(|affinity| converted_by_affinity(value, affinity));
        let value = converted.as_ref().map_or(value, |value| value.as_ref());
        let found = self.sorted.outcome(value, &rule.collation);
        Ok(truth_value(found.map(|found| found != *negated)))
    }

    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        self.prepare(context)?;
        let Common {
            operand,
            rule,
            negated,
            converted,
            out,
        } = &mut self.common;
        let values = operand.evaluate_rows(context, input, rows)?;
        let values = convert_for_comparison(values, rule.left, converted);
        let constant = values.is_constant() && !rows.is_empty();
        out.clear();
        for n in 0..if constant { 1 } else { rows.len() } {
            let found = self.sorted.outcome(values.get(n), &rule.collation);
            out.push_truth(found.map(|found| found != *negated));
        }
        Ok(Values::computed(out, constant, rows.len()))
    }

    fn select(
        &mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        rows: Rows<'_>,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        self.prepare(context)?;
        let Common {
            operand,
            rule,
            negated,
            converted,
            ..
        } = &mut self.common;
        let values = operand.evaluate_rows(context, input, rows)?;
        let values = convert_for_comparison(values, rule.left, converted);
        let (sorted, wanted) = (&self.sorted, Some(!*negated));
        if values.uniform_class() == Some(Class::Integer) && !sorted.integers.is_empty() && !sorted.has_null {
            select_where(rows, out, |n| {
                sorted.has_integer(values.slot(n) as i64) != *negated
            });
            return Ok(());
        }
        if values.uniform_class() == Some(Class::Text) && !sorted.texts.is_empty() && !sorted.has_null {
            let vector = values.vector();
            select_where(rows, out, |n| {
                let text = packed_text(vector, values.slot(n));
                text.is_some_and(|text| sorted.has_text(text)) != *negated
            });
            return Ok(());
        }
        select_where(rows, out, |n| {
            sorted.outcome(values.get(n), &rule.collation) == wanted
        });
        Ok(())
    }
}

struct InExpressions {
    common: Common,
    list: Vec<Kernel>,
    found: Vec<Option<bool>>,
    item: Vector,
}

impl Evaluate for InExpressions {
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let Common {
            operand,
            rule,
            negated,
            converted,
            out,
        } = &mut self.common;
        let values = operand.evaluate_rows(context, input, rows)?;
        let values = convert_for_comparison(values, rule.left, converted);
        self.found.clear();
        self.found.resize(rows.len(), Some(false));
        for item in &mut self.list {
            let item = item.evaluate_rows(context, input, rows)?;
            let item = convert_for_comparison(item, rule.right, &mut self.item);
            for (n, found) in self.found.iter_mut().enumerate() {
                if *found != Some(true) {
                    match compare_one(CompareOp::Eq, values.get(n), item.get(n), &rule.collation) {
                        Some(false) => {}
                        other => *found = other,
                    }
                }
            }
        }
        out.clear();
        self.found
            .iter()
            .for_each(|found| out.push_truth(found.map(|found| found != *negated)));
        Ok(Values::dense(out))
    }
}
