//! Queries as a whole: bodies, compounds, recursive tables, WITH.

use super::order::Tail;
use super::{Layout, Lowerer};
use crate::error::Result;
use crate::functions::FunctionKind;
use crate::plan::logical::{
    Body, ColumnSet, CommonTable, Compound, CompoundKind, Order, OrderTarget, Query, RecursiveBody, Scalar,
};
use crate::plan::physical::{CteId, Node, Recursive, Sort};
use crate::value::{Collation, Value};

impl Lowerer<'_> {
    /// The plan of a query. With `needed`, only those of its columns are put out (see [`can_narrow`]).
    pub(super) fn query(&mut self, query: &Query, needed: Option<&ColumnSet>) -> Result<Node> {
        let tables = self.common_tables(&query.common)?;
        let input = match &query.body {
            Body::Block(block) => self.block(block, query, needed)?,
            Body::Recursive(recursive) => self.recursive(recursive, query)?,
            Body::Compound(compound) => {
                let first = first_of_members(compound, query);
                let tail = Tail {
                    order: &query.order,
                    limit: first.as_ref(),
                    ..Tail::none()
                };
                let node = self.compound(compound, needed, first.is_some().then_some(tail))?;
                self.ordered_rows(node, query)?
            }
            body => {
                let node = self.body(body, needed)?;
                self.ordered_rows(node, query)?
            }
        };
        Ok(match tables.is_empty() {
            true => input,
            false => Node::With {
                tables,
                input: Box::new(input),
            },
        })
    }

    /// The plans of common tables.
    pub(super) fn common_tables(&mut self, common: &[CommonTable]) -> Result<Vec<(CteId, Node)>> {
        let mut tables = Vec::with_capacity(common.len());
        for table in common {
            let line = self.explain_line(|| format!("MATERIALIZE {}", table.name));
            let node = self.query(&table.query, None)?;
            self.explain_end(line);
            tables.push((table.id, node));
        }
        Ok(tables)
    }

    /// The rows of a body, unordered.
    fn body(&mut self, body: &Body, needed: Option<&ColumnSet>) -> Result<Node> {
        match body {
            Body::Block(block) => self.plain_block(block, needed),
            Body::Values(rows) => self.values(rows, needed),
            Body::Compound(compound) => self.compound(compound, needed, None),
            Body::Recursive(recursive) => {
                let query = Query::of(Body::Values(Vec::new()), Vec::new());
                self.recursive(recursive, &query)
            }
        }
    }

    fn values(&mut self, rows: &[Vec<Scalar>], needed: Option<&ColumnSet>) -> Result<Node> {
        self.explain_constant_rows(rows.len());
        let wanted = |column: &usize| {
            needed.is_none_or(|needed| needed.contains(crate::plan::logical::ColumnNo::at(*column)))
        };
        let width = rows.first().map_or(0, Vec::len);
        let columns: Vec<usize> = (0..width).filter(wanted).collect();
        let mut lowered = Vec::with_capacity(rows.len());
        for row in rows {
            let row: Result<Vec<_>> = columns
                .iter()
                .map(|&column| self.scalar(&row[column], &Layout::empty()))
                .collect();
            lowered.push(row?);
        }
        Ok(Node::Values {
            rows: lowered,
            width: columns.len(),
        })
    }

    /// A member of a compound; with `tail`, only its first rows.
    fn member(&mut self, body: &Body, needed: Option<&ColumnSet>, tail: Option<Tail<'_>>) -> Result<Node> {
        match (body, tail) {
            (Body::Block(block), Some(tail)) => self.block_with(block, tail, needed),
            _ => self.body(body, needed),
        }
    }

    /// A compound: neighbours under UNION ALL, and under UNION, share one node.
    fn compound(
        &mut self,
        compound: &Compound,
        needed: Option<&ColumnSet>,
        tail: Option<Tail<'_>>,
    ) -> Result<Node> {
        let needed = needed.filter(|_| is_append(compound));
        let outer = self.explain_line(|| "COMPOUND QUERY".to_owned());
        let line = self.explain_line(|| "LEFT-MOST SUBQUERY".to_owned());
        let first = self.member(&compound.first, needed, tail)?;
        self.explain_end(line);
        let mut gathered = Gathered {
            inputs: vec![first],
            distinct: false,
        };
        for (kind, body) in &compound.rest {
            let line = self.explain_line(|| compound_words(*kind).to_owned());
            let right = self.member(body, needed, tail)?;
            self.explain_end(line);
            gathered = match kind {
                CompoundKind::Append if !gathered.distinct => gathered.with(right, false),
                CompoundKind::Append => Gathered::of(gathered.into_node(compound)).with(right, false),
                CompoundKind::Union => gathered.with(right, true),
                CompoundKind::Set(op) => Gathered::of(Node::SetOperation {
                    op: *op,
                    left: Box::new(gathered.into_node(compound)),
                    right: Box::new(right),
                    collations: compound.collations.clone(),
                }),
            };
        }
        self.explain_end(outer);
        Ok(gathered.into_node(compound))
    }

    /// ORDER BY and LIMIT over rows whose columns are the query's.
    fn ordered_rows(&mut self, node: Node, query: &Query) -> Result<Node> {
        let tail = Tail::of(query);
        let mut keys = Vec::with_capacity(query.order.len());
        for order in &query.order {
            keys.push(output_key(order));
        }
        // SQLite puts the rows of such a compound into a tree, by the terms of ORDER BY and then by all columns. A LIMIT shows it.
        let Some(collations) = sorted_of_itself(query).filter(|_| query.limit.is_some() || !keys.is_empty())
        else {
            let node = self.sorted(node, keys, &tail)?;
            return self.limited(node, &tail);
        };
        if !keys.is_empty() {
            self.explain_sort(0, keys.len());
        }
        let named = |column: &usize| {
            query
                .order
                .iter()
                .any(|order| matches!(order.target, OrderTarget::Output(known) if known == *column))
        };
        let others = (0..collations.len()).filter(|column| !named(column));
        keys.extend(others.map(|column| whole_key((column, &collations[column]))));
        let top = self.top(&tail)?;
        let node = Node::Sort(Box::new(Sort {
            input: node,
            keys,
            top,
            sorted_prefix: 0,
        }));
        self.limited(node, &tail)
    }

    fn recursive(&mut self, recursive: &RecursiveBody, query: &Query) -> Result<Node> {
        let line = self.explain_line(|| "SETUP".to_owned());
        let initial = self.body(&recursive.initial, None)?;
        self.explain_end(line);
        let line = self.explain_line(|| "RECURSIVE STEP".to_owned());
        let steps = recursive
            .steps
            .iter()
            .map(|step| self.body(step, None))
            .collect::<Result<Vec<_>>>()?;
        self.explain_end(line);
        let limit = query
            .limit
            .as_ref()
            .map(|limit| self.scalar(limit, &Layout::empty()))
            .transpose()?;
        let offset = query
            .offset
            .as_ref()
            .map(|offset| self.scalar(offset, &Layout::empty()))
            .transpose()?;
        Ok(Node::Recursive(Box::new(Recursive {
            table: recursive.table,
            initial,
            steps,
            distinct: recursive.distinct.then(|| recursive.collations.clone()),
            order_by: query.order.iter().map(output_key).collect(),
            limit,
            offset,
            width: recursive.collations.len(),
        })))
    }
}

/// How many rows each member of a UNION ALL need give at most: the first ones of all are among the first ones of each, which an index may have in order.
fn first_of_members(compound: &Compound, query: &Query) -> Option<Scalar> {
    if query.order.is_empty() || !is_append(compound) {
        return None;
    }
    match (query.limit.as_ref()?, &query.offset) {
        (limit @ (Scalar::Literal(_) | Scalar::Parameter(_)), None) => Some(limit.clone()),
        (Scalar::Literal(Value::Integer(limit)), Some(Scalar::Literal(Value::Integer(offset)))) => {
            let limit = u32::try_from(*limit).ok()?;
            let offset = u32::try_from(*offset).ok()?;
            Some(Scalar::Literal(Value::Integer(
                i64::from(limit) + i64::from(offset),
            )))
        }
        _ => None,
    }
}

/// Inputs that are put one after the other.
struct Gathered {
    inputs: Vec<Node>,
    distinct: bool,
}

impl Gathered {
    fn of(node: Node) -> Gathered {
        Gathered {
            inputs: vec![node],
            distinct: false,
        }
    }

    /// Another input; with `distinct` doubles go, also those among the inputs before.
    fn with(mut self, node: Node, distinct: bool) -> Gathered {
        self.inputs.push(node);
        Gathered {
            inputs: self.inputs,
            distinct: self.distinct || distinct,
        }
    }

    /// Of rows that UNION takes for equal, SQLite shows the one that came last: the later inputs go first.
    fn into_node(mut self, compound: &Compound) -> Node {
        if self.distinct {
            self.inputs.reverse();
        }
        let appended = match self.inputs.len() {
            1 => self.inputs.remove(0),
            _ => Node::Append { inputs: self.inputs },
        };
        match self.distinct {
            false => appended,
            true => Node::Distinct {
                input: Box::new(appended),
                collations: compound.collations.clone(),
            },
        }
    }
}

fn output_key(order: &Order) -> crate::plan::physical::SortKey {
    let column = match order.target {
        OrderTarget::Output(column) => column,
        OrderTarget::Expression(_) => 0,
    };
    crate::plan::physical::SortKey {
        expression: crate::plan::expr::Expr::Column(column),
        descending: order.descending,
        nulls_first: order.nulls_first,
        collation: order.collation.clone(),
    }
}

/// The collations of a compound whose last operator compares rows.
fn sorted_of_itself(query: &Query) -> Option<&[Collation]> {
    match &query.body {
        Body::Compound(compound) => {
            let (last, _) = compound.rest.last()?;
            (*last != CompoundKind::Append).then_some(&compound.collations)
        }
        _ => None,
    }
}

fn whole_key((column, collation): (usize, &Collation)) -> crate::plan::physical::SortKey {
    crate::plan::physical::SortKey {
        expression: crate::plan::expr::Expr::Column(column),
        descending: false,
        nulls_first: true,
        collation: collation.clone(),
    }
}

fn is_append(compound: &Compound) -> bool {
    compound
        .rest
        .iter()
        .all(|(kind, _)| *kind == CompoundKind::Append)
}

fn compound_words(kind: CompoundKind) -> &'static str {
    use crate::plan::physical::SetOperator;
    match kind {
        CompoundKind::Append => "UNION ALL",
        CompoundKind::Union => "UNION USING TEMP B-TREE",
        CompoundKind::Set(SetOperator::Intersect) => "INTERSECT USING TEMP B-TREE",
        CompoundKind::Set(SetOperator::Except) => "EXCEPT USING TEMP B-TREE",
    }
}

/// Whether a query can put out some of its columns only: none of the others decides which rows there are or how they are ordered.
pub(super) fn can_narrow(query: &Query) -> bool {
    match &query.body {
        Body::Block(block) => block.distinct.is_none(),
        Body::Values(_) => query.order.is_empty(),
        Body::Compound(compound) => {
            query.order.is_empty() && is_append(compound) && compound_members(compound).all(narrow_member)
        }
        Body::Recursive(_) => false,
    }
}

fn compound_members(compound: &Compound) -> impl Iterator<Item = &Body> {
    std::iter::once(&compound.first).chain(compound.rest.iter().map(|(_, body)| body))
}

fn narrow_member(body: &Body) -> bool {
    match body {
        Body::Block(block) => block.distinct.is_none(),
        Body::Values(_) => true,
        _ => false,
    }
}

/// Whether a query gives the same rows each time it runs over the same data.
pub(super) fn is_deterministic(query: &Query) -> bool {
    let mut deterministic = true;
    query.each_scalar(&mut |scalar| deterministic = deterministic && is_deterministic_scalar(scalar));
    deterministic
}

fn is_deterministic_scalar(scalar: &Scalar) -> bool {
    !scalar.any(&mut |part| match part {
        Scalar::Call { function, .. } => {
            let known = matches!(function.kind, FunctionKind::Scalar(_) | FunctionKind::Special(_));
            !(known && (function.flags.deterministic || function.flags.constant_in_statement))
        }
        Scalar::Raise { .. } => true,
        other => other.query().is_some_and(|query| !is_deterministic(query)),
    })
}
