//! AND and OR, term by term over the rows that are still undecided.

use super::{Evaluate, Kernel, Rows, Values, truth_value};
use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::{Batch, ExecContext, Vector};
use crate::plan::expr::Expr;
use crate::value::{ValueRef, cast};

pub(super) fn and(terms: &[Expr], build: &mut BuildContext) -> Result<Box<dyn Evaluate>> {
    junction(terms, false, build)
}

pub(super) fn or(terms: &[Expr], build: &mut BuildContext) -> Result<Box<dyn Evaluate>> {
    junction(terms, true, build)
}

fn junction(terms: &[Expr], decisive: bool, build: &mut BuildContext) -> Result<Box<dyn Evaluate>> {
    Ok(Box::new(Junction {
        decisive,
        terms: Kernel::compile_all(terms, build)?,
        open: Open::default(),
        truths: Vec::new(),
        narrowed: Vec::new(),
        rest: Vec::new(),
        out: Vector::new(),
    }))
}

/// Rows that no term has decided yet.
#[derive(Default)]
struct Open {
    /// Their positions in the batch.
    rows: Vec<u32>,
    /// Their numbers among the rows asked for.
    numbers: Vec<u32>,
}

impl Open {
    fn start(&mut self, rows: Rows<'_>) {
        self.rows.clear();
        self.rows.extend(rows.iter());
        self.numbers.clear();
        self.numbers.extend(0..rows.len() as u32);
    }

    /// Keeps the open rows for which `keep(n-th open row, number among all)` says so.
    fn retain(rows: &mut Vec<u32>, numbers: &mut Vec<u32>, kept: &[bool]) {
        let mut n = 0;
        rows.retain(|_| {
            n += 1;
            kept[n - 1]
        });
        let mut n = 0;
        numbers.retain(|_| {
            n += 1;
            kept[n - 1]
        });
    }
}

/// AND when `decisive` is false, OR when it is true: the truth value that one term alone decides by.
struct Junction {
    decisive: bool,
    terms: Vec<Kernel>,
    open: Open,
    truths: Vec<Option<bool>>,
    narrowed: Vec<u32>,
    rest: Vec<u32>,
    out: Vector,
}

impl Evaluate for Junction {
    fn evaluate_first<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
    ) -> Result<ValueRef<'a>> {
        let mut outcome = Some(!self.decisive);
        for term in &mut self.terms {
            match cast::truth(term.evaluate_one(context, input)?) {
                Some(truth) if truth == self.decisive => return Ok(truth_value(Some(truth))),
                Some(_) => {}
                None => outcome = None,
            }
        }
        Ok(truth_value(outcome))
    }

    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let Junction {
            decisive,
            terms,
            open,
            truths,
            out,
            ..
        } = self;
        truths.clear();
        truths.resize(rows.len(), Some(!*decisive));
        open.start(rows);
        let mut undecided = Vec::new();
        for term in terms {
            if open.rows.is_empty() {
                break;
            }
            let values = term.evaluate_rows(context, input, Rows::Some(&open.rows))?;
            undecided.clear();
            for (n, &number) in open.numbers.iter().enumerate() {
                let truth = cast::truth(values.get(n));
                undecided.push(truth != Some(*decisive));
                match truth {
                    Some(truth) if truth != *decisive => {}
                    other => truths[number as usize] = other,
                }
            }
            Open::retain(&mut open.rows, &mut open.numbers, &undecided);
        }
        out.clear();
        truths.iter().for_each(|truth| out.push_truth(*truth));
        Ok(Values::dense(out))
    }

    fn select(
        &mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        rows: Rows<'_>,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        match self.decisive {
            false => self.select_all(context, input, rows, out),
            true => self.select_any(context, input, rows, out),
        }
    }
}

impl Junction {
    /// AND: each term looks only at the rows that passed the earlier ones.
    fn select_all(
        &mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        rows: Rows<'_>,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let Some((first, others)) = self.terms.split_first_mut() else {
            out.clear();
            out.extend(rows.iter());
            return Ok(());
        };
        first.select(context, input, rows, out)?;
        for term in others {
            if out.is_empty() {
                break;
            }
            std::mem::swap(out, &mut self.narrowed);
            let passed = if self.narrowed.len() == input.len() {
                Rows::All(input.len())
            } else {
                Rows::Some(&self.narrowed)
            };
            term.select(context, input, passed, out)?;
        }
        Ok(())
    }

    /// OR: each term looks only at the rows that passed none of the earlier ones.
    fn select_any(
        &mut self,
        context: &mut ExecContext<'_>,
        input: &Batch,
        rows: Rows<'_>,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let Junction {
            terms,
            narrowed,
            rest,
            ..
        } = self;
        out.clear();
        rest.clear();
        rest.extend(rows.iter());
        for term in terms {
            if rest.is_empty() {
                break;
            }
            term.select(context, input, Rows::Some(rest), narrowed)?;
            out.extend_from_slice(narrowed);
            let mut passed = narrowed.iter().peekable();
            rest.retain(|row| passed.next_if_eq(&row).is_none());
        }
        out.sort_unstable();
        Ok(())
    }
}
