//! GROUP BY and aggregates.

use super::order::Tail;
use super::{Columns, Layout, Lowerer};
use crate::error::Result;
use crate::plan::logical::{
    AggregateCall, Block, ColumnRef, ColumnSet, Grouping, OrderKey, OrderTarget, TableId,
};
use crate::plan::physical::{self, Aggregate, GroupKey, Node, SortKey};

impl Lowerer<'_> {
    /// Groups rows. The layout after: keys, results, then bare columns of the tables.
    #[inline(never)]
    pub(super) fn grouped(
        &mut self,
        input: Node,
        layout: Layout,
        block: &Block,
        grouping: &Grouping,
        tail: &Tail<'_>,
    ) -> Result<(Node, Layout)> {
        let bare_columns = self.bare_columns(&layout, block, tail);
        let mut bare = Vec::new();
        let mut after = Layout::of(grouping.keys, Columns::First(grouping.terms.len()));
        after.push(grouping.results, Columns::First(grouping.calls.len()));
        for (table, set) in bare_columns {
            for column in set.iter() {
                bare.push(self.column(ColumnRef { table, column }, &layout)?);
            }
            after.push(table, Columns::Set(set));
        }
        let mut keys = Vec::with_capacity(grouping.terms.len());
        for term in &grouping.terms {
            let expression = self.scalar(&term.expression, &layout)?;
            keys.push(GroupKey {
                expression,
                collation: term.collation.clone(),
            });
        }
        let mut aggregates = Vec::with_capacity(grouping.calls.len());
        for call in &grouping.calls {
            aggregates.push(self.aggregate(call, &layout)?);
        }
        if !keys.is_empty() && !tail.grouped {
            self.explain_temp("GROUP BY");
        }
        let bare_from = grouping
            .calls
            .iter()
            .position(AggregateCall::picks_row)
            .filter(|_| !bare.is_empty());
        let node = Aggregate {
            input,
            keys,
            aggregates,
            bare,
            bare_from,
            sorted: tail.grouped,
        };
        Ok((Node::Aggregate(Box::new(node)), after))
    }

    /// The columns of the tables that are named above the grouping, outside aggregates.
    fn bare_columns(&self, layout: &Layout, block: &Block, tail: &Tail<'_>) -> Vec<(TableId, ColumnSet)> {
        let mut sets: Vec<(TableId, ColumnSet)> = layout
            .tables()
            .map(|table| (table, ColumnSet::default()))
            .collect();
        // A virtual generated column is computed before the grouping: where there is no row, it is as missing as all others.
        let mut visit = |column: ColumnRef| {
            if let Some((_, set)) = sets.iter_mut().find(|(table, _)| *table == column.table) {
                set.insert(column.column);
            }
        };
        block.each_scalar_above_grouping(&mut |scalar| scalar.each_column(&mut visit));
        for order in tail.order {
            if let OrderTarget::Expression(expression) = &order.target {
                expression.each_column(&mut visit);
            }
        }
        sets.retain(|(_, set)| set.len() > 0);
        sets
    }

    fn aggregate(&mut self, call: &AggregateCall, layout: &Layout) -> Result<physical::AggregateCall> {
        if call.distinct {
            self.explain_temp_for_call(&call.function.name, "DISTINCT");
        }
        Ok(physical::AggregateCall {
            function: std::sync::Arc::clone(&call.function),
            arguments: self.scalars(&call.arguments, layout)?,
            distinct: call.distinct,
            filter: call
                .filter
                .as_ref()
                .map(|filter| self.scalar(filter, layout))
                .transpose()?,
            order_by: self.sort_keys(&call.order, layout)?,
            collation: call.collation.clone(),
        })
    }

    /// Sort keys over rows of `layout`.
    pub(super) fn sort_keys(&mut self, keys: &[OrderKey], layout: &Layout) -> Result<Vec<SortKey>> {
        let mut lowered = Vec::with_capacity(keys.len());
        for key in keys {
            lowered.push(SortKey {
                expression: self.scalar(&key.expression, layout)?,
                descending: key.descending,
                nulls_first: key.nulls_first,
                collation: key.collation.clone(),
            });
        }
        Ok(lowered)
    }
}
