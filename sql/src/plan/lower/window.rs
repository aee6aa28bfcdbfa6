//! Window functions: a sort by partition and order, then the window node.

use std::sync::Arc;

use super::arrival::Arrival;
use super::{Columns, Layout, Lowerer};
use crate::error::Result;
use crate::plan::logical::{Frame, FrameBound, WindowGroup};
use crate::plan::physical::{self, GroupKey, Node, Sort, SortKey, Window, WindowCall};

impl Lowerer<'_> {
    /// Adds a window's results to the rows.
    #[inline(never)]
    pub(super) fn windowed(
        &mut self,
        input: Node,
        layout: Layout,
        group: &WindowGroup,
    ) -> Result<(Node, Layout)> {
        let mut partition = Vec::with_capacity(group.partition.len());
        for term in &group.partition {
            let expression = self.scalar(&term.expression, &layout)?;
            partition.push(GroupKey {
                expression,
                collation: term.collation.clone(),
            });
        }
        let order = self.sort_keys(&group.order, &layout)?;
        let mut calls = Vec::with_capacity(group.calls.len());
        for call in &group.calls {
            calls.push(WindowCall {
                function: Arc::clone(&call.function),
                arguments: self.scalars(&call.arguments, &layout)?,
                filter: call
                    .filter
                    .as_ref()
                    .map(|filter| self.scalar(filter, &layout))
                    .transpose()?,
                frame: self.frame(&call.frame, &layout)?,
                collation: call.collation.clone(),
            });
        }
        let keys: Vec<SortKey> = partition
            .iter()
            .map(partition_key)
            .chain(order.iter().cloned())
            .collect();
        let arrival = Arrival::of(&input);
        let distinct = arrival.tells_apart(&order);
        let input = sorted_from(input, keys, &arrival);
        let mut after = layout;
        after.push(group.results, Columns::First(calls.len()));
        Ok((
            Node::Window(Box::new(Window {
                input,
                partition,
                order,
                distinct,
                calls,
            })),
            after,
        ))
    }

    fn frame(&mut self, frame: &Frame, layout: &Layout) -> Result<physical::Frame> {
        Ok(physical::Frame {
            unit: frame.unit,
            start: self.frame_bound(&frame.start, layout)?,
            end: self.frame_bound(&frame.end, layout)?,
            exclude: frame.exclude,
        })
    }

    fn frame_bound(&mut self, bound: &FrameBound, layout: &Layout) -> Result<physical::FrameBound> {
        Ok(match bound {
            FrameBound::UnboundedPreceding => physical::FrameBound::UnboundedPreceding,
            FrameBound::Preceding(n) => physical::FrameBound::Preceding(self.scalar(n, layout)?),
            FrameBound::CurrentRow => physical::FrameBound::CurrentRow,
            FrameBound::Following(n) => physical::FrameBound::Following(self.scalar(n, layout)?),
            FrameBound::UnboundedFollowing => physical::FrameBound::UnboundedFollowing,
        })
    }
}

/// The rows in the order of the keys, sorted by as few of them as it takes.
fn sorted_from(input: Node, mut keys: Vec<SortKey>, arrival: &Arrival) -> Node {
    keys.truncate(arrival.left_to_sort(&keys));
    match keys.is_empty() {
        true => input,
        false => Node::Sort(Box::new(Sort {
            input,
            sorted_prefix: arrival.held(&keys),
            keys,
            top: None,
        })),
    }
}

fn partition_key(key: &GroupKey) -> SortKey {
    SortKey {
        expression: key.expression.clone(),
        descending: false,
        nulls_first: true,
        collation: key.collation.clone(),
    }
}
