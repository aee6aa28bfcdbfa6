//! Visiting the parts of expressions and queries.
//!
//! `children` visits the expressions directly below one; `each_column` goes all the way down, into subqueries too, because
//! a subquery may refer to columns of the tables around it.

use std::rc::Rc;

use super::column::{ColumnRef, TableId};
use smallvec::SmallVec;

use super::query::*;
use super::scalar::Scalar;

type Visit<'v, 's> = &'v mut dyn FnMut(&'s Scalar);
type VisitMut<'v> = &'v mut dyn FnMut(&mut Scalar);
/// Expressions that are still to be visited: walks keep their own stack, so that deep expressions do not need the thread's.
type Pending<T> = SmallVec<[T; 8]>;

impl Scalar {
    /// Visits the operands; those inside a subquery are not among them.
    pub fn children<'s>(&'s self, visit: Visit<'_, 's>) {
        match self {
            Scalar::Literal(_)
            | Scalar::Parameter(_)
            | Scalar::Column(_)
            | Scalar::Register(_)
            | Scalar::Exists { .. }
            | Scalar::Query { .. } => {}
            Scalar::Plus(operand)
            | Scalar::Unary { operand, .. }
            | Scalar::IsNull { operand, .. }
            | Scalar::IsTruth { operand, .. }
            | Scalar::Cast { operand, .. }
            | Scalar::ApplyAffinity { operand, .. } => visit(operand),
            Scalar::Binary { left, right, .. } => {
                visit(left);
                visit(right);
            }
            Scalar::Compare(comparison) => {
                visit(&comparison.left);
                visit(&comparison.right);
            }
            Scalar::Between {
                operand, low, high, ..
            } => {
                visit(operand);
                visit(low);
                visit(high);
            }
            Scalar::And(terms) | Scalar::Or(terms) | Scalar::Coalesce(terms) => terms.iter().for_each(visit),
            Scalar::InList { operand, list, .. } => {
                visit(operand);
                list.iter().for_each(visit);
            }
            Scalar::InQuery { operands, .. } => operands.iter().for_each(visit),
            Scalar::Call { arguments, .. } => arguments.iter().for_each(visit),
            Scalar::Case {
                operand,
                branches,
                otherwise,
            } => {
                operand.iter().for_each(|operand| visit(operand));
                for branch in branches {
                    visit(&branch.when);
                    visit(&branch.then);
                }
                otherwise.iter().for_each(|otherwise| visit(otherwise));
            }
            Scalar::Like {
                operand,
                pattern,
                escape,
                ..
            } => {
                visit(operand);
                visit(pattern);
                escape.iter().for_each(|escape| visit(escape));
            }
            Scalar::Raise { message, .. } => message.iter().for_each(|message| visit(message)),
        }
    }

    /// As [`children`](Self::children), to change them.
    pub fn children_mut<'s>(&'s mut self, visit: &mut dyn FnMut(&'s mut Scalar)) {
        match self {
            Scalar::Literal(_)
            | Scalar::Parameter(_)
            | Scalar::Column(_)
            | Scalar::Register(_)
            | Scalar::Exists { .. }
            | Scalar::Query { .. } => {}
            Scalar::Plus(operand)
            | Scalar::Unary { operand, .. }
            | Scalar::IsNull { operand, .. }
            | Scalar::IsTruth { operand, .. }
            | Scalar::Cast { operand, .. }
            | Scalar::ApplyAffinity { operand, .. } => visit(operand),
            Scalar::Binary { left, right, .. } => {
                visit(left);
                visit(right);
            }
            Scalar::Compare(comparison) => {
                visit(&mut comparison.left);
                visit(&mut comparison.right);
            }
            Scalar::Between {
                operand, low, high, ..
            } => {
                visit(operand);
                visit(low);
                visit(high);
            }
            Scalar::And(terms) | Scalar::Or(terms) | Scalar::Coalesce(terms) => {
                terms.iter_mut().for_each(visit);
            }
            Scalar::InList { operand, list, .. } => {
                visit(operand);
                list.iter_mut().for_each(visit);
            }
            Scalar::InQuery { operands, .. } => operands.iter_mut().for_each(visit),
            Scalar::Call { arguments, .. } => arguments.iter_mut().for_each(visit),
            Scalar::Case {
                operand,
                branches,
                otherwise,
            } => {
                operand.iter_mut().for_each(|operand| visit(operand));
                for branch in branches {
                    visit(&mut branch.when);
                    visit(&mut branch.then);
                }
                otherwise.iter_mut().for_each(|otherwise| visit(otherwise));
            }
            Scalar::Like {
                operand,
                pattern,
                escape,
                ..
            } => {
                visit(operand);
                visit(pattern);
                escape.iter_mut().for_each(|escape| visit(escape));
            }
            Scalar::Raise { message, .. } => message.iter_mut().for_each(|message| visit(message)),
        }
    }

    /// Whether nothing is below, subqueries included.
    #[inline]
    fn is_leaf(&self) -> bool {
        matches!(
            self,
            Scalar::Literal(_) | Scalar::Parameter(_) | Scalar::Column(_) | Scalar::Register(_)
        )
    }

    /// The subquery in this node itself.
    pub fn query(&self) -> Option<&Query> {
        match self {
            Scalar::InQuery { query, .. } | Scalar::Exists { query, .. } | Scalar::Query { query, .. } => {
                Some(query)
            }
            _ => None,
        }
    }

    /// As [`query`](Self::query), to change it; a shared one is copied first.
    pub fn query_mut(&mut self) -> Option<&mut Query> {
        match self {
            Scalar::InQuery { query, .. } | Scalar::Exists { query, .. } | Scalar::Query { query, .. } => {
                Some(Rc::make_mut(query))
            }
            _ => None,
        }
    }

    /// Visits every column below, in subqueries too.
    pub fn each_column(&self, visit: &mut dyn FnMut(ColumnRef)) {
        match self {
            Scalar::Column(column) => return visit(*column),
            Scalar::Literal(_) | Scalar::Parameter(_) | Scalar::Register(_) => return,
            Scalar::Compare(comparison) if comparison.left.is_leaf() && comparison.right.is_leaf() => {
                comparison.right.each_column(visit);
                return comparison.left.each_column(visit);
            }
            _ => {}
        }
        self.each_part(&mut |part| match part {
            Scalar::Column(column) => visit(*column),
            other => {
                if let Some(query) = other.query() {
                    query.each_column(visit);
                }
            }
        });
    }

    /// Visits the expression and all below it; does not look into subqueries.
    pub fn each_part<'s>(&'s self, visit: Visit<'_, 's>) {
        if self.is_leaf() {
            return visit(self);
        }
        let mut pending: Pending<&Scalar> = SmallVec::new();
        pending.push(self);
        while let Some(part) = pending.pop() {
            visit(part);
            part.children(&mut |child| pending.push(child));
        }
    }

    /// As [`each_part`](Self::each_part), to change them; children are visited as `visit` leaves them.
    pub fn each_part_mut(&mut self, visit: VisitMut<'_>) {
        let mut pending: Pending<&mut Scalar> = SmallVec::new();
        pending.push(self);
        while let Some(part) = pending.pop() {
            visit(part);
            part.children_mut(&mut |child| pending.push(child));
        }
    }

    /// Replaces expressions from the top down: where `replace` returns something, that stands there instead and
    /// is not visited any further. Goes into subqueries.
    pub fn rewrite(&mut self, replace: &mut dyn FnMut(&Scalar) -> Option<Scalar>) {
        if self.is_leaf() {
            if let Some(new) = replace(self) {
                *self = new;
            }
            return;
        }
        let mut pending: Pending<&mut Scalar> = SmallVec::new();
        pending.push(self);
        while let Some(part) = pending.pop() {
            if let Some(new) = replace(part) {
                *part = new;
                continue;
            }
            if let Some(query) = part.query_mut() {
                query.each_scalar_mut(&mut |scalar| scalar.rewrite(replace));
            }
            part.children_mut(&mut |child| pending.push(child));
        }
    }

    /// Whether the expression or one below satisfies the test; does not look into subqueries.
    pub fn any(&self, test: &mut dyn FnMut(&Scalar) -> bool) -> bool {
        let mut found = false;
        self.each_part(&mut |part| found = found || test(part));
        found
    }
}

impl Query {
    /// Visits every column in the query, at all depths.
    pub fn each_column(&self, visit: &mut dyn FnMut(ColumnRef)) {
        self.each_scalar(&mut |scalar| scalar.each_column(visit));
    }

    /// Visits the top expressions of the query and of the queries in its FROM.
    pub fn each_scalar<'s>(&'s self, visit: Visit<'_, 's>) {
        self.common
            .iter()
            .for_each(|common| common.query.each_scalar(visit));
        self.body.each_scalar(visit);
        for order in &self.order {
            if let OrderTarget::Expression(expression) = &order.target {
                visit(expression);
            }
        }
        self.limit.iter().chain(&self.offset).for_each(visit);
    }

    /// As [`each_scalar`](Self::each_scalar), to change them.
    pub fn each_scalar_mut(&mut self, visit: VisitMut<'_>) {
        self.common
            .iter_mut()
            .for_each(|common| common.query.each_scalar_mut(visit));
        self.body.each_scalar_mut(visit);
        for order in &mut self.order {
            if let OrderTarget::Expression(expression) = &mut order.target {
                visit(expression);
            }
        }
        self.limit.iter_mut().chain(&mut self.offset).for_each(visit);
    }
}

impl Query {
    /// Visits the top expressions of the query itself, to change them: those of queries in FROM are not among them.
    pub fn each_own_scalar_mut(&mut self, visit: VisitMut<'_>) {
        self.body.each_own_scalar_mut(visit);
        for order in &mut self.order {
            if let OrderTarget::Expression(expression) = &mut order.target {
                visit(expression);
            }
        }
        self.limit.iter_mut().chain(&mut self.offset).for_each(visit);
    }

    /// Visits what each table of FROM is, at all depths, to change it.
    pub fn each_source_kind_mut(&mut self, visit: &mut dyn FnMut(&mut SourceKind)) {
        self.common
            .iter_mut()
            .for_each(|common| common.query.each_source_kind_mut(visit));
        self.body.each_source_kind_mut(visit);
        self.each_own_scalar_mut(&mut |scalar| scalar.each_source_kind_mut(visit));
    }

    /// Visits the tables of FROM at all depths, subqueries in expressions included.
    pub fn each_source(&self, visit: &mut dyn FnMut(&Source)) {
        self.common
            .iter()
            .for_each(|common| common.query.each_source(visit));
        self.body.each_source(visit);
        self.each_scalar(&mut |scalar| scalar.each_source(visit));
    }

    /// Visits every table that the query itself brings along: those of FROM at all depths, and pseudo-tables.
    pub fn each_own_table(&self, visit: &mut dyn FnMut(TableId)) {
        self.each_source(&mut |source| visit(source.table));
        self.each_block(&mut |block| {
            if let Some(grouping) = &block.grouping {
                visit(grouping.keys);
                visit(grouping.results);
            }
            block.windows.iter().for_each(|group| visit(group.results));
        });
    }

    /// Visits every block, at all depths.
    pub fn each_block(&self, visit: &mut dyn FnMut(&Block)) {
        self.common
            .iter()
            .for_each(|common| common.query.each_block(visit));
        self.body.each_block(visit);
        self.each_scalar(&mut |scalar| scalar.each_block(visit));
    }
}

impl From {
    fn each_source_kind_mut(&mut self, visit: &mut dyn FnMut(&mut SourceKind)) {
        match self {
            From::Source(source) => {
                visit(&mut source.kind);
                if let SourceKind::Query(query) = &mut source.kind {
                    query.each_source_kind_mut(visit);
                }
            }
            From::Inner { items, .. } => {
                items
                    .iter_mut()
                    .for_each(|item| item.from.each_source_kind_mut(visit));
            }
            From::Outer { left, right, .. } => {
                left.each_source_kind_mut(visit);
                right.each_source_kind_mut(visit);
            }
        }
    }

    /// Visits the expressions of ON clauses and arguments, to change them.
    fn each_own_scalar_mut(&mut self, visit: VisitMut<'_>) {
        match self {
            From::Source(source) => {
                if let SourceKind::Virtual { arguments, .. } = &mut source.kind {
                    arguments.iter_mut().for_each(visit);
                }
            }
            From::Inner { items, on } => {
                items
                    .iter_mut()
                    .for_each(|item| item.from.each_own_scalar_mut(visit));
                on.iter_mut().for_each(visit);
            }
            From::Outer { left, right, on, .. } => {
                left.each_own_scalar_mut(visit);
                right.each_own_scalar_mut(visit);
                on.iter_mut().for_each(visit);
            }
        }
    }
}

impl Block {
    fn each_own_scalar_mut(&mut self, visit: VisitMut<'_>) {
        if let Some(from) = &mut self.from {
            from.each_own_scalar_mut(visit);
        }
        let from = self.from.take();
        self.each_scalar_mut(visit);
        self.from = from;
    }
}

impl Body {
    fn each_own_scalar_mut(&mut self, visit: VisitMut<'_>) {
        match self {
            Body::Block(block) => block.each_own_scalar_mut(visit),
            Body::Values(rows) => rows.iter_mut().flatten().for_each(visit),
            Body::Compound(compound) => {
                compound.first.each_own_scalar_mut(visit);
                compound
                    .rest
                    .iter_mut()
                    .for_each(|(_, body)| body.each_own_scalar_mut(visit));
            }
            Body::Recursive(recursive) => {
                recursive.initial.each_own_scalar_mut(visit);
                recursive
                    .steps
                    .iter_mut()
                    .for_each(|body| body.each_own_scalar_mut(visit));
            }
        }
    }

    fn each_source_kind_mut(&mut self, visit: &mut dyn FnMut(&mut SourceKind)) {
        match self {
            Body::Block(block) => {
                for from in block
                    .from
                    .iter_mut()
                    .chain(block.semis.iter_mut().map(|semi| &mut semi.from))
                {
                    from.each_source_kind_mut(visit);
                }
            }
            Body::Values(_) => {}
            Body::Compound(compound) => {
                compound.first.each_source_kind_mut(visit);
                compound
                    .rest
                    .iter_mut()
                    .for_each(|(_, body)| body.each_source_kind_mut(visit));
            }
            Body::Recursive(recursive) => {
                recursive.initial.each_source_kind_mut(visit);
                recursive
                    .steps
                    .iter_mut()
                    .for_each(|body| body.each_source_kind_mut(visit));
            }
        }
    }
}

impl Scalar {
    fn each_source_kind_mut(&mut self, visit: &mut dyn FnMut(&mut SourceKind)) {
        self.each_part_mut(&mut |part| {
            if let Some(query) = part.query_mut() {
                query.each_source_kind_mut(visit);
            }
        });
    }

    fn each_source(&self, visit: &mut dyn FnMut(&Source)) {
        self.each_part(&mut |part| {
            if let Some(query) = part.query() {
                query.each_source(visit);
            }
        });
    }

    fn each_block(&self, visit: &mut dyn FnMut(&Block)) {
        self.each_part(&mut |part| {
            if let Some(query) = part.query() {
                query.each_block(visit);
            }
        });
    }
}

impl Body {
    /// Visits the tables of FROM and of the queries there.
    fn each_source(&self, visit: &mut dyn FnMut(&Source)) {
        self.each_block(&mut |block| {
            for from in block.from.iter().chain(block.semis.iter().map(|semi| &semi.from)) {
                from.each_source(&mut |source| visit(source));
            }
        });
    }

    /// Visits the blocks of the body and of the queries in FROM.
    fn each_block(&self, visit: &mut dyn FnMut(&Block)) {
        match self {
            Body::Block(block) => {
                visit(block);
                for from in block.from.iter().chain(block.semis.iter().map(|semi| &semi.from)) {
                    from.each_source(&mut |source| {
                        if let SourceKind::Query(query) = &source.kind {
                            query.each_block(visit);
                        }
                    });
                }
            }
            Body::Values(_) => {}
            Body::Compound(compound) => {
                compound.first.each_block(visit);
                compound.rest.iter().for_each(|(_, body)| body.each_block(visit));
            }
            Body::Recursive(recursive) => {
                recursive.initial.each_block(visit);
                recursive.steps.iter().for_each(|body| body.each_block(visit));
            }
        }
    }

    /// Visits the top expressions.
    pub fn each_scalar<'s>(&'s self, visit: Visit<'_, 's>) {
        match self {
            Body::Block(block) => block.each_scalar(visit),
            Body::Values(rows) => rows.iter().flatten().for_each(visit),
            Body::Compound(compound) => {
                compound.first.each_scalar(visit);
                compound.rest.iter().for_each(|(_, body)| body.each_scalar(visit));
            }
            Body::Recursive(recursive) => {
                recursive.initial.each_scalar(visit);
                recursive.steps.iter().for_each(|body| body.each_scalar(visit));
            }
        }
    }

    /// As [`each_scalar`](Self::each_scalar), to change them.
    pub fn each_scalar_mut(&mut self, visit: VisitMut<'_>) {
        match self {
            Body::Block(block) => block.each_scalar_mut(visit),
            Body::Values(rows) => rows.iter_mut().flatten().for_each(visit),
            Body::Compound(compound) => {
                compound.first.each_scalar_mut(visit);
                compound
                    .rest
                    .iter_mut()
                    .for_each(|(_, body)| body.each_scalar_mut(visit));
            }
            Body::Recursive(recursive) => {
                recursive.initial.each_scalar_mut(visit);
                recursive
                    .steps
                    .iter_mut()
                    .for_each(|body| body.each_scalar_mut(visit));
            }
        }
    }
}

impl Block {
    /// Visits the top expressions, those of FROM's subqueries included.
    pub fn each_scalar<'s>(&'s self, visit: Visit<'_, 's>) {
        if let Some(from) = &self.from {
            from.each_scalar(visit);
        }
        self.filter.iter().for_each(&mut *visit);
        for semi in &self.semis {
            semi.from.each_scalar(visit);
            semi.filter.iter().chain(&semi.on).for_each(&mut *visit);
        }
        if let Some(grouping) = &self.grouping {
            grouping.terms.iter().for_each(|term| visit(&term.expression));
            grouping.calls.iter().for_each(|call| call.each_scalar(visit));
        }
        self.each_scalar_above_grouping(visit);
    }

    /// Visits the top expressions that see groups where the block has groups: HAVING, windows, what is selected.
    pub fn each_scalar_above_grouping<'s>(&'s self, visit: Visit<'_, 's>) {
        self.having.iter().for_each(&mut *visit);
        self.windows.iter().for_each(|group| group.each_scalar(visit));
        self.projection.iter().for_each(visit);
    }

    /// As [`each_scalar`](Self::each_scalar), to change them.
    pub fn each_scalar_mut(&mut self, visit: VisitMut<'_>) {
        if let Some(from) = &mut self.from {
            from.each_scalar_mut(visit);
        }
        self.filter.iter_mut().for_each(&mut *visit);
        for semi in &mut self.semis {
            semi.from.each_scalar_mut(visit);
            semi.filter.iter_mut().chain(&mut semi.on).for_each(&mut *visit);
        }
        if let Some(grouping) = &mut self.grouping {
            grouping
                .terms
                .iter_mut()
                .for_each(|term| visit(&mut term.expression));
            grouping
                .calls
                .iter_mut()
                .for_each(|call| call.each_scalar_mut(visit));
        }
        self.each_scalar_above_grouping_mut(visit);
    }

    /// As [`each_scalar_above_grouping`](Self::each_scalar_above_grouping), to change them.
    pub fn each_scalar_above_grouping_mut(&mut self, visit: VisitMut<'_>) {
        self.having.iter_mut().for_each(&mut *visit);
        self.windows
            .iter_mut()
            .for_each(|group| group.each_scalar_mut(visit));
        self.projection.iter_mut().for_each(visit);
    }
}

impl From {
    /// Visits the expressions of ON clauses, arguments and subqueries.
    pub fn each_scalar<'s>(&'s self, visit: Visit<'_, 's>) {
        match self {
            From::Source(source) => match &source.kind {
                SourceKind::Virtual { arguments, .. } => arguments.iter().for_each(visit),
                SourceKind::Query(query) => query.each_scalar(visit),
                _ => {}
            },
            From::Inner { items, on } => {
                items.iter().for_each(|item| item.from.each_scalar(visit));
                on.iter().for_each(visit);
            }
            From::Outer { left, right, on, .. } => {
                left.each_scalar(visit);
                right.each_scalar(visit);
                on.iter().for_each(visit);
            }
        }
    }

    /// As [`each_scalar`](Self::each_scalar), to change them.
    pub fn each_scalar_mut(&mut self, visit: VisitMut<'_>) {
        match self {
            From::Source(source) => match &mut source.kind {
                SourceKind::Virtual { arguments, .. } => arguments.iter_mut().for_each(visit),
                SourceKind::Query(query) => query.each_scalar_mut(visit),
                _ => {}
            },
            From::Inner { items, on } => {
                items.iter_mut().for_each(|item| item.from.each_scalar_mut(visit));
                on.iter_mut().for_each(visit);
            }
            From::Outer { left, right, on, .. } => {
                left.each_scalar_mut(visit);
                right.each_scalar_mut(visit);
                on.iter_mut().for_each(visit);
            }
        }
    }
}

impl AggregateCall {
    /// Visits arguments, filter and order.
    pub fn each_scalar<'s>(&'s self, visit: Visit<'_, 's>) {
        self.arguments.iter().chain(&self.filter).for_each(&mut *visit);
        self.order.iter().for_each(|key| visit(&key.expression));
    }

    /// As [`each_scalar`](Self::each_scalar), to change them.
    pub fn each_scalar_mut(&mut self, visit: VisitMut<'_>) {
        self.arguments
            .iter_mut()
            .chain(&mut self.filter)
            .for_each(&mut *visit);
        self.order.iter_mut().for_each(|key| visit(&mut key.expression));
    }
}

impl WindowGroup {
    /// Visits partition, order, arguments, filters and frame bounds.
    pub fn each_scalar<'s>(&'s self, visit: Visit<'_, 's>) {
        self.partition.iter().for_each(|term| visit(&term.expression));
        self.order.iter().for_each(|key| visit(&key.expression));
        for call in &self.calls {
            call.arguments.iter().chain(&call.filter).for_each(&mut *visit);
            [&call.frame.start, &call.frame.end]
                .into_iter()
                .filter_map(FrameBound::offset)
                .for_each(&mut *visit);
        }
    }

    /// As [`each_scalar`](Self::each_scalar), to change them.
    pub fn each_scalar_mut(&mut self, visit: VisitMut<'_>) {
        self.partition
            .iter_mut()
            .for_each(|term| visit(&mut term.expression));
        self.order.iter_mut().for_each(|key| visit(&mut key.expression));
        for call in &mut self.calls {
            call.arguments
                .iter_mut()
                .chain(&mut call.filter)
                .for_each(&mut *visit);
            let bounds = [&mut call.frame.start, &mut call.frame.end];
            bounds
                .into_iter()
                .filter_map(FrameBound::offset_mut)
                .for_each(&mut *visit);
        }
    }
}

impl FrameBound {
    /// The n of `n PRECEDING`, `n FOLLOWING`.
    pub fn offset(&self) -> Option<&Scalar> {
        match self {
            FrameBound::Preceding(n) | FrameBound::Following(n) => Some(n),
            _ => None,
        }
    }

    /// As [`offset`](Self::offset), to change it.
    pub fn offset_mut(&mut self) -> Option<&mut Scalar> {
        match self {
            FrameBound::Preceding(n) | FrameBound::Following(n) => Some(n),
            _ => None,
        }
    }
}
