//! How a virtual table is read: what its code is asked, and what becomes of the answers.
//!
//! The table is asked once for every set of tables that may stand before it, so that each answer is a candidate like any other access path:
//! with every value at hand, with those of each set of tables that some constraint needs, and with constants alone; and, where
//! an answer takes an IN list value by value, once more without such lists.

use std::rc::Rc;
use std::sync::Arc;

use super::TermId;
use super::access::{KeyTerm, KeyValue, VirtualBranch};
use super::constraint::{Constraint, ConstraintOp as Op, Finder, Side, side_of};
use super::cost::LogEst;
use super::order::OrderWish;
use super::path::{Candidate, Candidates, Path};
use super::region::{Items, Planner, TermUse, value_of};
use crate::catalog::Table;
use crate::error::Result;
use crate::plan::expr::CompareOp;
use crate::plan::logical::{ColumnNo, ColumnRef, Scalar, TableId};
use crate::value::{Affinity, Collation, Value};
use crate::virtual_table::{
    ConstraintOp, Distinct, IndexConstraint, IndexOrder, IndexPlan, IndexQuestion, VirtualTable,
};

/// A term that compares a column of a virtual table with a value.
#[derive(Clone, Debug)]
pub(super) struct VirtualConstraint {
    term: TermId,
    column: Option<usize>,
    op: ConstraintOp,
    value: KeyTerm,
    collation: Collation,
    needs: Items,
    /// Whether the term says nothing more than this.
    whole: bool,
}

/// A way to read a virtual table.
#[derive(Clone, Debug)]
pub(super) struct VirtualPath {
    /// What its code has answered.
    pub plan: Arc<IndexPlan>,
    /// The values that the plan takes.
    pub arguments: Vec<KeyTerm>,
    /// The terms that need not be checked any more.
    pub done: Vec<TermId>,
    /// The items whose values it takes.
    pub needs: Items,
    /// Rows come in the wanted order.
    pub ordered: bool,
}

/// Several scans of a virtual table, one for each branch of an OR.
#[derive(Clone, Debug)]
pub(super) struct VirtualUnion {
    /// The OR, which holds for all rows that come out.
    pub term: TermId,
    pub branches: Vec<VirtualBranch>,
    /// The items whose values they take.
    pub needs: Items,
}

/// A virtual table of a region.
pub(super) struct VirtualSearch<'s> {
    pub place: usize,
    pub table: TableId,
    pub schema_table: &'s Table,
    /// Items that must come before in any case.
    pub before: Items,
}

impl VirtualConstraint {
    fn is_list(&self) -> bool {
        matches!(self.value.value, KeyValue::List(_) | KeyValue::Query(_))
    }

    fn literal(&self) -> Option<&Value> {
        match &self.value.value {
            KeyValue::Equal(value) | KeyValue::Is(value) => value.as_literal(),
            _ => None,
        }
    }
}

impl Planner<'_, '_> {
    /// The candidates of a virtual table.
    #[inline(never)]
    pub(super) fn virtual_candidates(
        &self,
        search: &VirtualSearch<'_>,
        uses: &[TermUse],
        wishes: &[(&OrderWish, Items)],
        out: &mut Candidates,
    ) -> Result<()> {
        let Some(code) = &search.schema_table.virtual_table else {
            return Ok(());
        };
        let constraints = self.virtual_constraints(search, uses);
        let order = virtual_order(search, wishes);
        let asker = Asker {
            search,
            code: &**code,
            constraints: &constraints,
            order: order.as_deref().unwrap_or(&[]),
            columns_used: self.columns_used(search.table),
        };
        let mut sets: Vec<Items> = vec![Items::MAX];
        let mut own: Vec<Items> = constraints.iter().map(|own| own.needs).collect();
        own.push(0);
        own.sort_unstable();
        own.dedup();
        sets.extend(own);
        let first = out.len();
        for items in sets {
            let lists = asker.ask(items | search.before, true, first, out)?;
            if lists {
                asker.ask(items | search.before, false, first, out)?;
            }
        }
        Ok(())
    }

    /// The candidates that terms of the form `a OR b OR ..` give: a scan for each branch, whose rows are united by their rowids.
    #[inline(never)]
    pub(super) fn virtual_union_candidates(
        &mut self,
        search: &VirtualSearch<'_>,
        uses: &[TermUse],
        out: &mut Candidates,
    ) -> Result<()> {
        if !search.schema_table.has_rowid() {
            return Ok(());
        }
        let own: Items = 1 << search.place;
        for term in uses.iter().filter(|term| !term.derived && term.items & own != 0) {
            if let Scalar::Or(branches) = self.term(term.term) {
                let branches = branches.clone();
                if let Some(candidate) = self.virtual_union(search, term.term, branches)? {
                    out.push(candidate);
                }
            }
        }
        Ok(())
    }

    fn virtual_union(
        &mut self,
        search: &VirtualSearch<'_>,
        term: TermId,
        branches: Vec<Scalar>,
    ) -> Result<Option<Candidate>> {
        let Some(code) = &search.schema_table.virtual_table else {
            return Ok(None);
        };
        let mut union = VirtualUnion {
            term,
            branches: Vec::with_capacity(branches.len()),
            needs: 0,
        };
        let (mut run, mut rows) = (LogEst::ONE, LogEst::ONE);
        for branch in branches {
            let ids: Vec<TermId> = branch
                .into_conjuncts()
                .into_iter()
                .map(|scalar| self.add_derived(scalar, term))
                .collect();
            let uses: Vec<TermUse> = ids
                .iter()
                .map(|&id| TermUse {
                    term: id,
                    items: self.items_of(self.term(id)),
                    derived: false,
                    is_or: false,
                })
                .collect();
            let constraints = self.virtual_constraints(search, &uses);
            let asker = Asker {
                search,
                code: &**code,
                constraints: &constraints,
                order: &[],
                columns_used: self.columns_used(search.table),
            };
            let mut found = Candidates::new();
            asker.ask(Items::MAX, true, 0, &mut found)?;
            let Some(candidate) = found.pop() else {
                return Ok(None);
            };
            let Path::Virtual(path) = candidate.path else {
                return Ok(None);
            };
            // A branch that looks at all rows saves nothing.
            if path.arguments.is_empty() {
                return Ok(None);
            }
            (run, rows) = match union.branches.is_empty() {
                true => (candidate.run, candidate.out),
                false => (run.sum(candidate.run), rows.sum(candidate.out)),
            };
            union.needs |= ids.iter().fold(path.needs, |needs, &id| {
                needs | (self.items_of(self.term(id)) & !(1 << search.place))
            });
            let left = ids.iter().filter(|id| !path.done.contains(id));
            union.branches.push(VirtualBranch {
                plan: Arc::clone(&path.plan),
                arguments: path.arguments.clone(),
                filter: left.map(|&id| self.term(id).clone()).collect(),
            });
        }
        Ok(Some(Candidate {
            item: search.place as u32,
            needs: search.before | union.needs,
            setup: LogEst::ONE,
            run: run.plus(1),
            out: rows,
            one_row: false,
            path: Path::VirtualUnion(Rc::new(union)),
        }))
    }

    /// The columns that are read, as a table's code is told.
    fn columns_used(&self, table: TableId) -> u64 {
        let entry = self.tables.get(table);
        let columns = entry.used.iter().chain(entry.tested.iter());
        let bit = |column: ColumnNo| column.index().map_or(0, |index| 1 << index.min(63));
        columns.fold(0, |bits, column| bits | bit(column))
    }

    fn virtual_constraints(&self, search: &VirtualSearch<'_>, uses: &[TermUse]) -> Vec<VirtualConstraint> {
        let own: Items = 1 << search.place;
        let mut found = Vec::new();
        for term in uses.iter().filter(|term| term.items & own != 0) {
            let scalar = self.term(term.term);
            let from_pattern = || matches!(self.term(self.parent(term.term)), Scalar::Like { .. });
            if term.derived && (!matches!(scalar, Scalar::Compare(_)) || from_pattern()) {
                continue;
            }
            let mut plain: Vec<Constraint> = Vec::new();
            let finder = self.finder();
            finder.find(term.term, scalar, own, !term.derived, &mut plain);
            found.extend(
                plain
                    .iter()
                    .filter_map(|constraint| self.plain_constraint(search, constraint)),
            );
            self.special_constraints(search, term.term, scalar, &finder, &mut found);
        }
        found
    }

    /// A comparison that trees are searched by as well.
    fn plain_constraint(
        &self,
        search: &VirtualSearch<'_>,
        constraint: &Constraint,
    ) -> Option<VirtualConstraint> {
        let column = own_column(search, constraint.column?)?;
        let term = self.term(constraint.term);
        let value = value_of(term, constraint);
        let (op, value) = match (constraint.op, value) {
            (Op::Equal, value) => (ConstraintOp::Eq, KeyValue::Is(value.clone())),
            (Op::Is, value) => (ConstraintOp::Is, KeyValue::Is(value.clone())),
            (Op::Null, _) => (ConstraintOp::IsNull, KeyValue::Is(Scalar::NULL)),
            (Op::List, Scalar::InList { list, .. }) => (ConstraintOp::Eq, KeyValue::List(list.clone())),
            (Op::Query, Scalar::InQuery { query, .. }) => {
                (ConstraintOp::Eq, KeyValue::Query(Rc::clone(query)))
            }
            (Op::Above { inclusive }, value) => (
                if inclusive {
                    ConstraintOp::Ge
                } else {
                    ConstraintOp::Gt
                },
                KeyValue::Is(value.clone()),
            ),
            (Op::Below { inclusive }, value) => (
                if inclusive {
                    ConstraintOp::Le
                } else {
                    ConstraintOp::Lt
                },
                KeyValue::Is(value.clone()),
            ),
            _ => return None,
        };
        debug_assert!(
            constraint.target != Side::Set,
            "{:?}",
            side_of(term, constraint.target)
        );
        // Single values are handed over as they are; those of a list were compared under its affinity.
        let affinity = match &value {
            KeyValue::List(_) | KeyValue::Query(_) => constraint.value_affinity,
            _ => None,
        };
        Some(VirtualConstraint {
            term: constraint.term,
            column,
            op,
            value: KeyTerm { value, affinity },
            collation: constraint.collation.clone().unwrap_or_default(),
            needs: constraint.needs,
            whole: constraint.whole,
        })
    }

    /// Comparisons that only virtual tables know: `<>`, IS NOT, NOT NULL, patterns, functions.
    fn special_constraints(
        &self,
        search: &VirtualSearch<'_>,
        id: TermId,
        term: &Scalar,
        finder: &Finder<'_>,
        out: &mut Vec<VirtualConstraint>,
    ) {
        let own: Items = 1 << search.place;
        let mut add = |column: &Scalar, value: &Scalar, op: ConstraintOp, collation: Collation| {
            let column = column.as_column().and_then(|column| own_column(search, column));
            let needs = finder.items(value);
            if let Some(column) = column
                && needs & own == 0
            {
                out.push(VirtualConstraint {
                    term: id,
                    column,
                    op,
                    value: KeyTerm {
                        value: KeyValue::Is(value.clone()),
                        affinity: None::<Affinity>,
                    },
                    collation,
                    needs,
                    whole: true,
                });
            }
        };
        match term {
            Scalar::Compare(comparison) => {
                let op = match comparison.op {
                    CompareOp::Ne => ConstraintOp::Ne,
                    CompareOp::IsNot => ConstraintOp::IsNot,
                    _ => return,
                };
                let collation = &comparison.rule.collation;
                add(&comparison.left, &comparison.right, op, collation.clone());
                add(&comparison.right, &comparison.left, op, collation.clone());
            }
            Scalar::IsNull {
                operand,
                negated: true,
            } => add(
                operand,
                &Scalar::NULL,
                ConstraintOp::IsNotNull,
                Collation::default(),
            ),
            Scalar::Like {
                operand,
                pattern,
                escape: None,
                glob,
                negated: false,
            } => {
                let op = if *glob {
                    ConstraintOp::Glob
                } else {
                    ConstraintOp::Like
                };
                add(operand, pattern, op, Collation::default());
            }
            Scalar::Call {
                function,
                arguments,
                collation,
            } => {
                let [first, second] = &**arguments else {
                    return;
                };
                let infix = match &*function.name {
                    "match" => Some(ConstraintOp::Match),
                    "regexp" => Some(ConstraintOp::Regexp),
                    "like" => Some(ConstraintOp::Like),
                    "glob" => Some(ConstraintOp::Glob),
                    _ => None,
                };
                if let Some(op) = infix {
                    return add(second, first, op, collation.clone());
                }
                let code = search.schema_table.virtual_table.as_ref();
                let overload = code.and_then(|code| code.find_function(&function.name, 2));
                if let Some(number) = overload.and_then(|overload| overload.constraint) {
                    add(first, second, ConstraintOp::Function(number), collation.clone());
                }
            }
            _ => {}
        }
    }
}

/// A column of the table that is searched, by number; `None` inside for the rowid. A column by whose way a function gets the row's handle counts as
/// itself.
fn own_column(search: &VirtualSearch<'_>, column: ColumnRef) -> Option<Option<usize>> {
    let width = search.schema_table.columns.len();
    (column.table == search.table).then(|| {
        let index = column.column.index();
        index.map(|index| if index >= width { index - width } else { index })
    })
}

/// The wanted order, when it is one of the table's columns alone.
fn virtual_order(search: &VirtualSearch<'_>, wishes: &[(&OrderWish, Items)]) -> Option<Vec<IndexOrder>> {
    let term = |(wish, _): &(&OrderWish, Items)| {
        let column = own_column(search, wish.expression.as_column()?)?;
        let own_collation = match column.and_then(|index| search.schema_table.columns.get(index)) {
            Some(column) => column.collation.clone(),
            None => Collation::default(),
        };
        let plain = wish.nulls_first != wish.descending && wish.collation == own_collation;
        plain.then_some(IndexOrder {
            column,
            descending: wish.descending,
        })
    };
    wishes.iter().map(term).collect()
}

/// Asks a table's code.
struct Asker<'a> {
    search: &'a VirtualSearch<'a>,
    code: &'a dyn VirtualTable,
    constraints: &'a [VirtualConstraint],
    order: &'a [IndexOrder],
    columns_used: u64,
}

impl Asker<'_> {
    /// Asks for a plan that takes values of `items` only. True when the plan goes through an IN list.
    fn ask(&self, items: Items, lists: bool, first: usize, out: &mut Candidates) -> Result<bool> {
        let offered: Vec<IndexConstraint<'_>> = self
            .constraints
            .iter()
            .map(|own| IndexConstraint {
                column: own.column,
                op: own.op,
                usable: own.needs & !items == 0 && (lists || !own.is_list()),
                collation: &own.collation,
                value: own.literal(),
            })
            .collect();
        let question = IndexQuestion {
            constraints: &offered,
            order: self.order,
            distinct: Distinct::Ordered,
            columns_used: self.columns_used,
        };
        let Some(plan) = self.code.best_index(&question)? else {
            return Ok(false);
        };
        let taken = || plan.arguments.iter().map(|taken| (taken, taken.constraint));
        if taken().any(|(_, place)| !offered.get(place).is_some_and(|own| own.usable)) {
            return Err(crate::error::Error::sql(format!(
                "{}.xBestIndex malfunction",
                self.search.schema_table.name
            )));
        }
        let used: Vec<&VirtualConstraint> = taken().map(|(_, place)| &self.constraints[place]).collect();
        let needs = used.iter().fold(0, |needs, own| needs | own.needs);
        let through_lists = used.iter().any(|own| own.is_list());
        let done = taken()
            .filter(|(taken, place)| taken.omit && self.constraints[*place].whole)
            .map(|(_, place)| self.constraints[place].term)
            .collect();
        let path = VirtualPath {
            arguments: used.iter().map(|own| own.value.clone()).collect(),
            done,
            needs,
            ordered: plan.order_consumed && !through_lists && !self.order.is_empty(),
            plan: Arc::new(plan),
        };
        let known = out[first..].iter().any(|own| match &own.path {
            Path::Virtual(own) => own.plan == path.plan && own.needs == path.needs,
            _ => false,
        });
        if !known {
            let one_row = path.plan.unique && !through_lists;
            out.push(Candidate {
                item: self.search.place as u32,
                needs: self.search.before | needs,
                setup: LogEst::ONE,
                run: LogEst::of_cost(path.plan.cost),
                out: LogEst::of(path.plan.rows),
                one_row,
                path: Path::Virtual(Rc::new(path)),
            });
        }
        Ok(through_lists)
    }
}
