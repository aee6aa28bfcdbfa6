//! The steps of a join become nodes.

use std::sync::Arc;

use smallvec::SmallVec;

use super::explain::ScanNote;
use super::{Layout, Lowerer};
use crate::error::{Error, Result};
use crate::plan::bind::Tables;
use crate::plan::join::{self, HashTerm, JoinPlan, JoinStep, Method, ScanStep, Step, TermId};
use crate::plan::logical::TableId;
use crate::plan::physical::{HashJoin, HashKey, JoinKind, NestedLoop, Node};

/// The terms of a join plan.
pub(super) type Terms<'t, 'q> = &'t join::Terms<'q>;

impl Lowerer<'_> {
    /// The nodes of a join plan.
    pub(super) fn join(&mut self, plan: &JoinPlan<'_>, layout: &mut Layout) -> Result<Node> {
        let outer = std::mem::replace(&mut self.ordered, plan.sorted > 0);
        let node = self.step(&plan.root, &plan.terms, layout);
        self.ordered = outer;
        node
    }

    /// The node of a step. The columns of its rows come into `layout`, which has none in sight before.
    fn step(&mut self, step: &Step<'_>, terms: Terms<'_, '_>, layout: &mut Layout) -> Result<Node> {
        match step {
            Step::Scans(scans) => self.scans(scans, terms, layout),
            Step::Join(join) => match &join.method {
                Method::Loop => self.nested_loop(join, terms, layout),
                Method::Hash(keys) => self.hash_join(join, keys, terms, layout),
            },
        }
    }

    /// One scan in the other.
    fn scans(&mut self, scans: &[ScanStep<'_>], terms: Terms<'_, '_>, layout: &mut Layout) -> Result<Node> {
        let Some((first, inner)) = scans.split_first() else {
            return Err(Error::misuse("a join without tables"));
        };
        let mut node = self.scan(first, terms, layout)?;
        for scan in inner {
            node = self.looped(node, JoinKind::Inner, None, layout, |lowerer, layout| {
                lowerer.scan(scan, terms, layout)
            })?;
        }
        Ok(node)
    }

    #[inline(never)]
    fn nested_loop(
        &mut self,
        join: &JoinStep<'_>,
        terms: Terms<'_, '_>,
        layout: &mut Layout,
    ) -> Result<Node> {
        let outer = self.step(&join.left, terms, layout)?;
        let on = Some((join.on.as_slice(), terms));
        let node = self.looped(outer, join.kind, on, layout, |lowerer, layout| {
            lowerer.step(&join.right, terms, layout)
        })?;
        let after = self.terms(&join.after, terms, layout)?;
        Ok(node.filtered(after))
    }

    /// What `inner` makes, opened anew for each row of `outer`.
    fn looped(
        &mut self,
        outer: Node,
        kind: JoinKind,
        on: Option<(&[TermId], Terms<'_, '_>)>,
        layout: &mut Layout,
        inner: impl FnOnce(&mut Self, &mut Layout) -> Result<Node>,
    ) -> Result<Node> {
        let mut offers: SmallVec<[TableId; 4]> = SmallVec::new();
        layout.tables().for_each(|table| offers.push(table));
        self.explain_note(|| ScanNote {
            left: kind == JoinKind::Left,
            ..ScanNote::default()
        });
        let outer_width = layout.width();
        let outer_columns = layout.enter();
        let inner = self.in_frame(Some(offers), |lowerer| inner(lowerer, layout));
        let inner_width = layout.width();
        layout.leave(outer_columns);
        let (inner, bindings) = inner?;
        let bindings = self.bindings(bindings, layout)?;
        let on = match on {
            Some((on, terms)) => self.terms(on, terms, layout)?,
            None => None,
        };
        Ok(Node::NestedLoop(Arc::new(NestedLoop {
            outer,
            inner,
            bindings,
            kind,
            on,
            outer_width,
            inner_width,
            ordered: self.ordered,
        })))
    }

    #[inline(never)]
    fn hash_join(
        &mut self,
        join: &JoinStep<'_>,
        keys: &[HashTerm],
        terms: Terms<'_, '_>,
        layout: &mut Layout,
    ) -> Result<Node> {
        let left = self.step(&join.left, terms, layout)?;
        if self.settings().explain {
            let hashed = hashed_columns(keys, &self.tables);
            let left = join.kind == JoinKind::Left;
            self.explain_note(|| ScanNote {
                hashed,
                left,
                kept: true,
                first_row: false,
            });
        }
        let mut right_layout = Layout::empty();
        let right = self.step(&join.right, terms, &mut right_layout)?;
        let mut lowered = Vec::with_capacity(keys.len());
        for key in keys {
            lowered.push(HashKey {
                left: self.scalar(&key.left, layout)?,
                right: self.scalar(&key.right, &right_layout)?,
                rule: key.rule.clone(),
                null_matches: key.null_matches,
            });
        }
        let (left_width, right_width) = (layout.width(), right_layout.width());
        let only_left = matches!(join.kind, JoinKind::Semi | JoinKind::Anti).then(|| layout.clone());
        layout.append(right_layout);
        let on = self.terms(&join.on, terms, layout)?;
        if let Some(left) = only_left {
            *layout = left;
        }
        let node = HashJoin {
            left,
            right,
            keys: lowered,
            kind: join.kind,
            on,
            left_width,
            right_width,
        };
        let after = self.terms(&join.after, terms, layout)?;
        Ok(Node::HashJoin(Box::new(node)).filtered(after))
    }

    /// The conjunction of some terms.
    pub(super) fn terms(
        &mut self,
        chosen: &[TermId],
        terms: Terms<'_, '_>,
        layout: &Layout,
    ) -> Result<Option<crate::plan::expr::Expr>> {
        self.conjunction(chosen.iter().map(|&term| terms.get(term)), layout)
    }
}

/// The columns that a hash table is keyed by, as SQLite names those of an automatic index.
fn hashed_columns(keys: &[HashTerm], tables: &Tables<'_>) -> Option<String> {
    let name = |key: &HashTerm| {
        let column = key.right.as_column()?;
        Some(match column.column.index() {
            Some(index) => format!("{}=?", tables.get(column.table).column_name(index)),
            None => "rowid=?".to_owned(),
        })
    };
    let names: Vec<String> = keys.iter().filter_map(name).collect();
    (!names.is_empty()).then(|| names.join(" AND "))
}
