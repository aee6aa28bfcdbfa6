//! CASE and COALESCE: each part is evaluated only for the rows that reach it.
//!
//! The parts' values are appended to one vector in the order in which they are computed; a list of picks puts them into the
//! order of the rows.

use super::compare::compare_one;
use super::{Evaluate, Kernel, Rows, Values, convert_for_comparison};
use crate::error::Result;
use crate::exec::build::BuildContext;
use crate::exec::{Batch, Class, ExecContext, Vector};
use crate::plan::expr::{CaseBranch, CompareOp, CompareRule, Expr};
use crate::value::cast;

pub(super) fn case(
    operand: Option<&Expr>,
    branches: &[CaseBranch],
    otherwise: Option<&Expr>,
    build: &mut BuildContext,
) -> Result<Box<dyn Evaluate>> {
    let operand = operand
        .map(|operand| Kernel::compile_in(operand, build))
        .transpose()?;
    let otherwise = otherwise
        .map(|otherwise| Kernel::compile_in(otherwise, build))
        .transpose()?;
    let branches = branches.iter().map(|branch| {
        let (when, then) = (
            Kernel::compile_in(&branch.when, build)?,
            Kernel::compile_in(&branch.then, build)?,
        );
        Ok(Branch {
            when,
            rule: branch.rule.clone(),
            then,
        })
    });
    let branches = branches.collect::<Result<Vec<Branch>>>()?;
    Ok(Box::new(Case {
        operand,
        branches,
        otherwise,
        merge: Merge::default(),
        converted: Default::default(),
    }))
}

pub(super) fn coalesce(operands: &[Expr], build: &mut BuildContext) -> Result<Box<dyn Evaluate>> {
    Ok(Box::new(Coalesce {
        operands: Kernel::compile_all(operands, build)?,
        merge: Merge::default(),
    }))
}

/// Values of several parts on their way into row order.
#[derive(Default)]
struct Merge {
    /// Rows that no part has taken yet: positions in the batch, and numbers among the rows asked for.
    open_rows: Vec<u32>,
    open_numbers: Vec<u32>,
    /// Memory for the next list of open rows.
    spare: Vec<u32>,
    /// Rows that the part at hand takes.
    taken_rows: Vec<u32>,
    taken_numbers: Vec<u32>,
    /// Where the operand of a CASE has the values of the open rows.
    numbers_of_operand: Vec<u32>,
    /// All values so far, and for each row asked for which of them is its own.
    values: Vector,
    picks: Vec<u32>,
}

impl Merge {
    fn start(&mut self, rows: Rows<'_>) {
        self.open_rows.clear();
        self.open_rows.extend(rows.iter());
        self.open_numbers.clear();
        self.open_numbers.extend(0..rows.len() as u32);
        self.values.clear();
        self.picks.clear();
        self.picks.resize(rows.len(), 0);
    }

    /// Hands out the open rows for an evaluation; [`Merge::split`] fills the list anew from them.
    fn lend_open(&mut self) -> Vec<u32> {
        std::mem::replace(&mut self.open_rows, std::mem::take(&mut self.spare))
    }

    /// Splits the lent rows: those that `takes` accepts (by their place in the list) are taken, the others stay open.
    fn split(&mut self, lent: &[u32], takes: impl Fn(usize) -> bool) {
        self.taken_rows.clear();
        self.taken_numbers.clear();
        self.open_rows.clear();
        let mut kept = 0;
        for (n, &row) in lent.iter().enumerate() {
            let number = self.open_numbers[n];
            if takes(n) {
                self.taken_rows.push(row);
                self.taken_numbers.push(number);
            } else {
                self.open_rows.push(row);
                self.open_numbers[kept] = number;
                kept += 1;
            }
        }
        self.open_numbers.truncate(kept);
    }

    /// The values of the taken rows are here.
    fn put(values: &mut Vector, picks: &mut [u32], numbers: &[u32], part: Values<'_>) {
        let start = values.len() as u32;
        part.append_to(values);
        for (n, &number) in numbers.iter().enumerate() {
            picks[number as usize] = start + n as u32;
        }
    }

    /// Takes the values of the open rows that are not NULL; the other rows stay open.
    fn take_present(&mut self, part: Values<'_>) {
        let mut kept = 0;
        for n in 0..self.open_rows.len() {
            let number = self.open_numbers[n];
            if part.class(n) == Class::Null {
                self.open_rows[kept] = self.open_rows[n];
                self.open_numbers[kept] = number;
                kept += 1;
            } else {
                self.picks[number as usize] = self.values.len() as u32;
                self.values.push_from(part.vector(), part.row(n));
            }
        }
        self.open_rows.truncate(kept);
        self.open_numbers.truncate(kept);
    }

    /// Rows that no part took are NULL.
    fn finish(&mut self) -> Values<'_> {
        if !self.open_numbers.is_empty() {
            let null = self.values.len() as u32;
            self.values.push_null();
            self.open_numbers
                .iter()
                .for_each(|&number| self.picks[number as usize] = null);
        }
        Values::picked(&self.values, &self.picks)
    }
}

struct Branch {
    when: Kernel,
    rule: CompareRule,
    then: Kernel,
}

struct Case {
    operand: Option<Kernel>,
    branches: Vec<Branch>,
    otherwise: Option<Kernel>,
    merge: Merge,
    converted: [Vector; 2],
}

impl Evaluate for Case {
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let Case {
            operand,
            branches,
            otherwise,
            merge,
            converted,
        } = self;
        merge.start(rows);
        let operand = match operand {
            Some(operand) if !rows.is_empty() => Some(operand.evaluate_rows(context, input, rows)?),
            _ => None,
        };
        for branch in branches {
            if merge.open_rows.is_empty() {
                break;
            }
            take_matching(context, input, operand, branch, merge, converted)?;
            if !merge.taken_rows.is_empty() {
                let part = branch
                    .then
                    .evaluate_rows(context, input, Rows::Some(&merge.taken_rows))?;
                Merge::put(&mut merge.values, &mut merge.picks, &merge.taken_numbers, part);
            }
        }
        if let Some(otherwise) = otherwise
            && !merge.open_rows.is_empty()
        {
            let part = otherwise.evaluate_rows(context, input, Rows::Some(&merge.open_rows))?;
            Merge::put(&mut merge.values, &mut merge.picks, &merge.open_numbers, part);
            merge.open_numbers.clear();
        }
        Ok(merge.finish())
    }
}

/// Splits the open rows by the branch's WHEN.
fn take_matching(
    context: &mut ExecContext<'_>,
    input: &Batch,
    operand: Option<Values<'_>>,
    branch: &mut Branch,
    merge: &mut Merge,
    converted: &mut [Vector; 2],
) -> Result<()> {
    let open = merge.lend_open();
    let when = branch.when.evaluate_rows(context, input, Rows::Some(&open))?;
    let Some(operand) = operand else {
        merge.split(&open, |n| cast::truth(when.get(n)) == Some(true));
        merge.spare = open;
        return Ok(());
    };
    let [left, right] = converted;
    let when = convert_for_comparison(when, branch.rule.right, right);
    let operand = convert_for_comparison(operand, branch.rule.left, left);
    let numbers = std::mem::take(&mut merge.numbers_of_operand);
    let numbers = refill(numbers, &merge.open_numbers);
    merge.split(&open, |n| {
        let (a, b) = (operand.get(numbers[n] as usize), when.get(n));
        compare_one(CompareOp::Eq, a, b, &branch.rule.collation) == Some(true)
    });
    merge.numbers_of_operand = numbers;
    merge.spare = open;
    Ok(())
}

fn refill(mut list: Vec<u32>, from: &[u32]) -> Vec<u32> {
    list.clear();
    list.extend_from_slice(from);
    list
}

struct Coalesce {
    operands: Vec<Kernel>,
    merge: Merge,
}

impl Evaluate for Coalesce {
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let Coalesce { operands, merge } = self;
        merge.start(rows);
        let Some((first, others)) = operands.split_first_mut() else {
            return Ok(merge.finish());
        };
        let part = first.evaluate_rows(context, input, rows)?;
        if rows.is_empty() || part.uniform_class().is_some_and(|class| class != Class::Null) {
            return Ok(part);
        }
        merge.take_present(part);
        for operand in others {
            if merge.open_rows.is_empty() {
                break;
            }
            let open = merge.lend_open();
            let part = operand.evaluate_rows(context, input, Rows::Some(&open))?;
            merge.open_rows.clear();
            merge.open_rows.extend_from_slice(&open);
            merge.take_present(part);
            merge.spare = open;
        }
        Ok(merge.finish())
    }
}
