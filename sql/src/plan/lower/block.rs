//! A block: join, grouping, windows, output.

use smallvec::smallvec;

use super::explain::ScanNote;
use super::order::Tail;
use super::wanted::{note_order, wanted};
use super::{Layout, Lowerer};
use crate::error::Result;
use crate::plan::expr::Expr;
use crate::plan::join::{JoinPlan, OrderWish, Wanted};
use crate::plan::logical::{Block, ColumnSet, From, OrderTarget, Query, Scalar, Source};
use crate::plan::physical::{Limit, Node};
use crate::value::Value;

impl Lowerer<'_> {
    /// The plan of a query that is one block.
    pub(super) fn block(&mut self, block: &Block, query: &Query, needed: Option<&ColumnSet>) -> Result<Node> {
        self.block_with(block, Tail::of(query), needed)
    }

    /// The plan of a block without order and limit.
    pub(super) fn plain_block(&mut self, block: &Block, needed: Option<&ColumnSet>) -> Result<Node> {
        self.block_with(block, Tail::none(), needed)
    }

    pub(super) fn block_with(
        &mut self,
        block: &Block,
        mut tail: Tail<'_>,
        needed: Option<&ColumnSet>,
    ) -> Result<Node> {
        let mut layout = Layout::empty();
        let node = self.block_rows(block, &mut tail, &[], &mut layout)?;
        self.output(
            node,
            &layout,
            &block.projection,
            block.distinct.as_deref(),
            &tail,
            needed,
        )
    }

    /// The joined rows of a block, of which nothing but their being there counts.
    pub(super) fn block_presence(&mut self, block: &Block) -> Result<Node> {
        let mut layout = Layout::empty();
        let Some(from) = &block.from else {
            return self.plain_block(block, None);
        };
        let mut tail = Tail::none();
        let (plan, _) = self.join_plan(block, from, &mut tail, &[], None)?;
        // Indexes are chosen as if the result columns were read, but nobody reads them.
        let mut forget = |source: &Source| self.tables.get_mut(source.table).used = ColumnSet::default();
        from.each_source(&mut forget);
        block
            .semis
            .iter()
            .for_each(|semi| semi.from.each_source(&mut forget));
        plan.each_scalar(&mut |scalar| self.mark(scalar));
        self.join(&plan, &mut layout)
    }

    /// A block's rows before projection, with the columns that `extra` reads beside its own. The tail knows then how much of its
    /// order holds, and `layout`, which is empty before, where the columns are.
    pub(super) fn block_rows(
        &mut self,
        block: &Block,
        tail: &mut Tail<'_>,
        extra: &[&Scalar],
        layout: &mut Layout,
    ) -> Result<Node> {
        let extreme = extreme(block);
        let mut node = match &block.from {
            Some(from) => {
                let (plan, first_row) = self.join_plan(block, from, tail, extra, extreme.as_ref())?;
                plan.each_scalar(&mut |scalar| self.mark(scalar));
                if first_row {
                    self.explain_note(|| ScanNote {
                        first_row,
                        ..ScanNote::default()
                    });
                }
                let node = self.join(&plan, layout)?;
                if first_row { one_row(node) } else { node }
            }
            None => {
                self.mark_block_expressions(block, tail);
                self.explain_constant_rows(1);
                let one = Node::Values {
                    rows: vec![Vec::new()],
                    width: 0,
                };
                self.filtered(one, &block.filter, &Layout::empty())?
            }
        };
        if let Some(grouping) = &block.grouping {
            (node, *layout) = self.grouped(node, std::mem::take(layout), block, grouping, tail)?;
            node = self.filtered(node, &block.having, layout)?;
        }
        for group in &block.windows {
            (node, *layout) = self.windowed(node, std::mem::take(layout), group)?;
        }
        Ok(node)
    }

    /// Decides how the block's tables are joined; an order that comes of itself is noted in the tail. The flag: only the first
    /// row counts, because it holds the minimum or maximum that is asked for. What is read above the join is marked then.
    fn join_plan<'e>(
        &mut self,
        block: &'e Block,
        from: &'e From,
        tail: &mut Tail<'_>,
        extra: &[&Scalar],
        extreme: Option<&'e (Wanted, Vec<Scalar>)>,
    ) -> Result<(JoinPlan<'e>, bool)> {
        from.each_missing(&mut |table| self.tables.get_mut(table).may_be_missing = true);
        for semi in &block.semis {
            let from = &semi.from;
            from.each_missing(&mut |table| self.tables.get_mut(table).may_be_missing = true);
        }
        // Which columns are read decides which indexes are enough; the plan then may need fewer.
        self.mark_block_expressions(block, tail);
        extra.iter().for_each(|scalar| self.mark(scalar));
        block.filter.iter().for_each(|term| self.mark_tested(term));
        from.each_scalar(&mut |scalar| self.mark_tested(scalar));
        for semi in &block.semis {
            semi.from.each_scalar(&mut |scalar| self.mark_tested(scalar));
            semi.filter
                .iter()
                .chain(&semi.on)
                .for_each(|scalar| self.mark_tested(scalar));
        }
        let mut plan = None;
        if let Some((wanted, filter)) = extreme {
            let ordered = JoinPlan::new(&self.tables, self.context, from, filter, &block.semis, wanted)?;
            plan = (ordered.sorted == 1).then_some(ordered);
        }
        let first_row = plan.is_some();
        let plan = match plan {
            Some(plan) => plan,
            None => {
                let wanted = wanted(block, tail);
                let (tables, filter) = (&self.tables, &block.filter);
                let plan = JoinPlan::new(tables, self.context, from, filter, &block.semis, &wanted)?;
                note_order(block, &wanted, plan, tail)
            }
        };
        Ok((plan, first_row))
    }

    /// Rows for which all terms hold.
    pub(super) fn filtered(&mut self, input: Node, terms: &[Scalar], layout: &Layout) -> Result<Node> {
        Ok(input.filtered(self.conjunction(terms, layout)?))
    }

    fn mark_block_expressions(&mut self, block: &Block, tail: &Tail<'_>) {
        if let Some(grouping) = &block.grouping {
            grouping.terms.iter().for_each(|term| self.mark(&term.expression));
            grouping
                .calls
                .iter()
                .for_each(|call| call.each_scalar(&mut |scalar| self.mark(scalar)));
        }
        block.each_scalar_above_grouping(&mut |scalar| self.mark(scalar));
        for order in tail.order {
            if let OrderTarget::Expression(expression) = &order.target {
                self.mark(expression);
            }
        }
        if block.from.is_none() {
            block.filter.iter().for_each(|term| self.mark(term));
        }
    }
}

/// For a block whose only aggregate is min(x) or max(x): the order in which its first row has the answer, and the terms of WHERE
/// together with `x IS NOT NULL`.
#[inline(never)]
fn extreme(block: &Block) -> Option<(Wanted, Vec<Scalar>)> {
    let grouping = block
        .grouping
        .as_ref()
        .filter(|grouping| grouping.terms.is_empty())?;
    let [call] = grouping.calls.as_slice() else {
        return None;
    };
    let [argument] = call.arguments.as_slice() else {
        return None;
    };
    if !call.picks_row() || call.filter.is_some() || argument.as_column().is_none() {
        return None;
    }
    let descending = &*call.function.name == "max";
    let wish = OrderWish {
        expression: argument.clone(),
        descending,
        nulls_first: !descending,
        collation: call.collation.clone(),
    };
    let mut filter = block.filter.clone();
    filter.push(Scalar::IsNull {
        operand: Box::new(argument.clone()),
        negated: true,
    });
    Some((
        Wanted {
            order: smallvec![wish],
            limit: Some(1),
            width: 1,
            free: false,
        },
        filter,
    ))
}

/// The first row only.
fn one_row(input: Node) -> Node {
    let limit = Some(Expr::Literal(Value::Integer(1)));
    Node::Limit(Box::new(Limit {
        input,
        limit,
        offset: None,
    }))
}
