//! What the search has to know about the items of a region, and the candidates that each of them offers.

use std::ops::Range;

use smallvec::SmallVec;

use super::constraint::Constraint;
use super::cost::{self, LogEst};
use super::order::{OrderWish, helpful_trees};
use super::path::{Candidate, Candidates, Path, TableSearch};
use super::region::{Item, ItemKind, Items, Planner, Region, TermUse, Uses};
use super::tree::{Tree, TreeChoice};
use super::virtual_table::VirtualSearch;
use crate::error::{Error, Result};
use crate::plan::expr::CompareOp;
use crate::plan::logical::{IndexHint, Scalar, Source, SourceKind, TableId};

/// What the search has to know about the items: the trees and constraints of all of them, side by side.
pub(super) struct Prepared<'p> {
    pub items: SmallVec<[PreparedItem; 4]>,
    trees: Vec<Tree<'p>>,
    constraints: Vec<Constraint>,
}

/// What the search has to know about one item.
pub(super) struct PreparedItem {
    pub table: Option<TableId>,
    /// Its part of all trees.
    trees: Range<usize>,
    /// Its part of all constraints.
    constraints: Range<usize>,
    /// LEFT JOIN: the terms of its ON.
    left: Option<Box<Uses>>,
}

impl<'p> Prepared<'p> {
    /// The trees that the item's rows can be found through.
    pub fn trees(&self, place: usize) -> &[Tree<'p>] {
        &self.trees[self.items[place].trees.clone()]
    }

    /// The constraints on the item.
    pub fn constraints(&self, place: usize) -> &[Constraint] {
        &self.constraints[self.items[place].constraints.clone()]
    }
}

impl<'p, 'q> Planner<'p, 'q> {
    /// Finds out what the search has to know about all items.
    pub(super) fn prepare(
        &self,
        region: &Region<'q>,
        uses: &[TermUse],
        wishes: &[(&OrderWish, Items)],
    ) -> Result<Prepared<'p>> {
        let mut prepared = Prepared {
            items: SmallVec::new(),
            trees: Vec::with_capacity(tree_count(region)),
            constraints: Vec::with_capacity(2 * uses.len()),
        };
        for place in 0..region.items.len() {
            self.prepare_item(region, place, uses, wishes, &mut prepared)?;
        }
        Ok(prepared)
    }

    /// Finds out what the search has to know about an item.
    #[inline(never)]
    fn prepare_item(
        &self,
        region: &Region<'q>,
        place: usize,
        uses: &[TermUse],
        wishes: &[(&OrderWish, Items)],
        prepared: &mut Prepared<'p>,
    ) -> Result<()> {
        let item = &region.items[place];
        let own: Items = 1 << place;
        let left = item.left.as_ref().map(|on| {
            let mut uses = Box::new(Uses::new());
            self.uses(on, &mut uses);
            uses
        });
        let finder = self.finder();
        let uses = left.as_ref().map_or(uses, |left| left);
        let first_constraint = prepared.constraints.len();
        for term in uses {
            if term.items & own != 0 {
                finder.find(
                    term.term,
                    self.term(term.term),
                    own,
                    true,
                    &mut prepared.constraints,
                );
            }
        }
        let first_tree = prepared.trees.len();
        let mut table = None;
        if let ItemKind::Source(source) = &item.from
            && matches!(source.kind, SourceKind::Table { .. })
        {
            let entry = self.tables.get(source.table);
            let Some(base) = entry.base() else {
                return Err(Error::misuse("a table without schema"));
            };
            // A wanted order and the branches of an OR may take any index.
            let any = wishes.iter().any(|(_, items)| items & own != 0)
                || uses.iter().any(|term| term.is_or && term.items & own != 0);
            let choice = TreeChoice {
                hint: &source.hint,
                any,
                constraints: &prepared.constraints[first_constraint..],
            };
            choice.add(entry, base, &mut prepared.trees, |filter| {
                self.implies(region, item, filter)
            });
            if prepared.trees.len() == first_tree {
                return Err(Error::sql("no query solution"));
            }
            table = Some(source.table);
        }
        prepared.items.push(PreparedItem {
            table,
            trees: first_tree..prepared.trees.len(),
            constraints: first_constraint..prepared.constraints.len(),
            left,
        });
        Ok(())
    }

    /// Whether the terms that hold over an item's rows make sure that the terms of a partial index hold.
    fn implies(&self, region: &Region<'q>, item: &Item<'q>, filter: &[Scalar]) -> bool {
        let terms = item.left.as_ref().unwrap_or(&region.terms);
        filter
            .iter()
            .all(|wanted| terms.iter().any(|&term| implies(self.term(term), wanted)))
    }

    /// The candidates of an item.
    #[inline(never)]
    pub(super) fn candidates(
        &mut self,
        region: &Region<'q>,
        place: usize,
        prepared: &Prepared<'p>,
        uses: &[TermUse],
        wishes: &[(&OrderWish, Items)],
        out: &mut Candidates,
    ) -> Result<()> {
        let item = &region.items[place];
        let before: Items = if item.fixed { (1 << place) - 1 } else { 0 };
        let known = &prepared.items[place];
        let uses = known.left.as_ref().map_or(uses, |left| left);
        let (ItemKind::Source(source), Some(id)) = (&item.from, known.table) else {
            if let ItemKind::Source(Source {
                kind: SourceKind::Virtual { table, .. },
                table: id,
                ..
            }) = &item.from
            {
                let search = VirtualSearch {
                    place,
                    table: *id,
                    schema_table: table,
                    before,
                };
                self.virtual_candidates(&search, uses, wishes, out)?;
                return self.virtual_union_candidates(&search, uses, out);
            }
            self.row_candidates(place, before, item, uses, out);
            return Ok(());
        };
        let entry = self.tables.get(id);
        let Some(table) = entry.base() else {
            return Err(Error::misuse("a table without schema"));
        };
        let trees = prepared.trees(place);
        let own: Items = 1 << place;
        let search = TableSearch {
            item: place,
            table: id,
            before,
            trees,
            constraints: prepared.constraints(place),
            // What it is compared with is the size of other entries.
            row_size: match trees {
                [tree] if tree.is_rowid() => LogEst::ONE,
                _ => cost::table_row_size(table),
            },
            rows: cost::table_rows(table),
            wanted: match wishes.iter().any(|(_, items)| items & own != 0) {
                true => helpful_trees(wishes, id, trees),
                false => 0,
            },
            forced: matches!(source.hint, IndexHint::By(_)),
            hash: self.context.settings.automatic_index && source.hint == IndexHint::Free,
        };
        self.table_candidates(&search, uses, out);
        if uses.iter().any(|term| term.is_or && term.items & own != 0) {
            self.union_candidates(&search, uses, out);
        }
        Ok(())
    }

    /// Rows that have no tree: subqueries, common tables, virtual tables, outer joins in one piece.
    #[inline(never)]
    fn row_candidates(
        &self,
        place: usize,
        before: Items,
        item: &Item<'q>,
        uses: &[TermUse],
        out: &mut Candidates,
    ) {
        let rows = match &item.from {
            ItemKind::Source(source) => super::estimate::source_rows(source),
            ItemKind::Fixed(from) => super::estimate::from_rows(from),
        };
        let own: Items = 1 << place;
        let mut filtered = rows;
        for term in uses.iter().filter(|term| term.items == own) {
            let equal = self.term(term.term).as_equality().is_some();
            filtered = LogEst((filtered.0 - if equal { 20 } else { 1 }).max(0));
        }
        out.push(Candidate {
            item: place as u32,
            needs: before,
            path: Path::Rows,
            setup: LogEst::ONE,
            run: rows.plus(16),
            out: filtered,
            one_row: false,
        });
        let mut seen: Vec<Items> = Vec::new();
        for term in uses {
            let equal = self.term(term.term).as_match().is_some();
            let needs = before | (term.items & !own);
            if !equal || term.items & own == 0 || term.items == own || seen.contains(&needs) {
                continue;
            }
            seen.push(needs);
            out.push(Candidate {
                item: place as u32,
                needs,
                path: Path::Hash,
                setup: LogEst((rows.log().0 + rows.0 - 25).max(0)),
                run: rows.log().sum(LogEst(43)),
                out: LogEst(43).min(filtered),
                one_row: false,
            });
        }
    }

    /// Whether the column that is wished for is equal to a constant in all rows.
    pub(super) fn is_constant(&self, region: &Region<'q>, wish: &OrderWish) -> bool {
        let finder = self.finder();
        if finder.items(&wish.expression) == 0 {
            return true;
        }
        region.terms.iter().any(|&term| match self.term(term) {
            Scalar::Compare(equal) if matches!(equal.op, CompareOp::Eq | CompareOp::Is) => {
                let fixed = |side: &Scalar, other: &Scalar| {
                    side.same(&wish.expression)
                        && finder.items(other) == 0
                        && super::is_steady(other)
                        && equal.rule.collation == wish.collation
                };
                fixed(&equal.left, &equal.right) || fixed(&equal.right, &equal.left)
            }
            Scalar::IsNull {
                operand,
                negated: false,
            } => operand.same(&wish.expression),
            _ => false,
        })
    }
}

/// How many trees the region's tables have at most.
fn tree_count(region: &Region<'_>) -> usize {
    let trees = |item: &Item<'_>| match item.from {
        ItemKind::Source(Source {
            kind: SourceKind::Table { table, .. },
            ..
        }) => 1 + table.indexes.len(),
        _ => 0,
    };
    region.items.iter().map(trees).sum()
}

/// Whether `term` being true makes `wanted` true: they are the same, or `wanted` is NOT NULL of what `term` compares.
fn implies(term: &Scalar, wanted: &Scalar) -> bool {
    if term.same(wanted) {
        return true;
    }
    let Scalar::IsNull {
        operand: wanted,
        negated: true,
    } = wanted
    else {
        return false;
    };
    match term {
        Scalar::Compare(comparison) if !matches!(comparison.op, CompareOp::Is | CompareOp::IsNot) => {
            comparison.left.same(wanted) || comparison.right.same(wanted)
        }
        Scalar::Between { operand, .. }
        | Scalar::InList {
            operand,
            negated: false,
            ..
        } => operand.same(wanted),
        Scalar::InQuery {
            operands,
            negated: false,
            ..
        } => operands.iter().any(|operand| operand.same(wanted)),
        Scalar::Like { operand, .. } => operand.same(wanted),
        _ => false,
    }
}
