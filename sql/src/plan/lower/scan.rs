//! Scans: tables, indexes, virtual tables, and rows of other queries.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::step::Terms;
use super::{Columns, Layout, Lowerer};
use crate::catalog::Table;
use crate::error::{Error, Result};
use crate::plan::expr::Expr;
use crate::plan::join::{Access, KeyBound, KeyRange, KeyTerm, KeyValue, ScanStep, VirtualBranch};
use crate::plan::logical::{ColumnNo, ColumnSet, Query, Scalar, SourceKind, TableId};
use crate::plan::physical::{
    self, Bound, DatabaseIndex, IndexScan, Node, RowidUnion, ScanColumn, ScanColumns, Seek, SeekTerm,
    TableScan, VirtualScan,
};
use crate::value::{Affinity, Value};
use crate::virtual_table::CursorColumn;

impl Lowerer<'_> {
    /// The rows of one table of FROM. Their columns come into `layout`, which is empty before.
    pub(super) fn scan(
        &mut self,
        step: &ScanStep<'_>,
        terms: Terms<'_, '_>,
        layout: &mut Layout,
    ) -> Result<Node> {
        let table = step.source.table;
        match &step.source.kind {
            SourceKind::Table {
                database,
                table: schema_table,
            } => self.table_rows(step, *database, schema_table, terms, layout),
            SourceKind::Virtual {
                table: schema_table, ..
            } => self.virtual_rows(step, schema_table, terms, layout),
            SourceKind::Query(query) => self.query_rows(step, query, terms, layout),
            SourceKind::Common(id) => {
                let width = self.tables.get(table).width();
                self.explain_rows(table, "");
                self.derived_rows(
                    Node::CteScan { table: *id, width },
                    step,
                    Columns::First(width),
                    terms,
                    layout,
                )
            }
            SourceKind::Recursion(id) => {
                let width = self.tables.get(table).width();
                self.explain_rows(table, "");
                self.derived_rows(
                    Node::RecursiveScan { table: *id, width },
                    step,
                    Columns::First(width),
                    terms,
                    layout,
                )
            }
        }
    }

    fn virtual_rows(
        &mut self,
        step: &ScanStep<'_>,
        table: &Arc<Table>,
        terms: Terms<'_, '_>,
        layout: &mut Layout,
    ) -> Result<Node> {
        let Access::Virtual(branches) = &step.access else {
            return Err(Error::misuse("a virtual table is read along a plan of its own"));
        };
        let id = step.source.table;
        let unites = branches.len() > 1;
        if unites {
            // A row that several branches find is known by its rowid.
            self.tables.get_mut(id).used.insert(ColumnNo::ROWID);
        }
        let used = self.tables.get(id).used.clone();
        layout.push(id, Columns::Set(used.clone()));
        let line = unites.then(|| self.explain_line(|| "MULTI-INDEX OR".to_owned()));
        let mut lowered = Vec::with_capacity(branches.len());
        for (number, branch) in branches.iter().enumerate() {
            let inner = unites.then(|| self.explain_line(|| format!("INDEX {}", number + 1)));
            lowered.push(self.virtual_branch(id, branch, layout)?);
            inner.into_iter().for_each(|inner| self.explain_end(inner));
        }
        line.into_iter().for_each(|line| self.explain_end(line));
        let filter = self.terms(&step.filter, terms, layout)?;
        let place = |column: ColumnNo| match column.index() {
            None => CursorColumn::Rowid,
            Some(index) if index < table.columns.len() => CursorColumn::Column(index),
            Some(index) => CursorColumn::Handle(index - table.columns.len()),
        };
        let scan = VirtualScan {
            table: Arc::clone(table),
            branches: lowered,
            columns: used.iter().map(place).collect(),
            filter,
        };
        Ok(Node::VirtualScan(Box::new(scan)))
    }

    fn virtual_branch(
        &mut self,
        id: TableId,
        branch: &VirtualBranch,
        layout: &Layout,
    ) -> Result<physical::VirtualBranch> {
        let arguments = branch.arguments.iter().map(|argument| self.seek_term(argument));
        let arguments = arguments.collect::<Result<_>>()?;
        let text = branch.plan.text.as_deref().unwrap_or("");
        self.explain_rows(id, &format!(" VIRTUAL TABLE INDEX {}:{text}", branch.plan.number));
        Ok(physical::VirtualBranch {
            plan: Arc::clone(&branch.plan),
            arguments,
            filter: self.conjunction(&branch.filter, layout)?,
        })
    }

    fn query_rows(
        &mut self,
        step: &ScanStep<'_>,
        query: &Query,
        terms: Terms<'_, '_>,
        layout: &mut Layout,
    ) -> Result<Node> {
        let table = step.source.table;
        let used = self.tables.get(table).used.clone();
        let narrow = super::query::can_narrow(query);
        let (line, note) = self.explain_subquery_rows(table);
        let node = self.query(query, narrow.then_some(&used))?;
        self.explain_end(line);
        self.explain_note(|| note);
        self.explain_rows(table, "");
        let columns = if narrow {
            Columns::Set(used)
        } else {
            Columns::First(query.width())
        };
        self.derived_rows(node, step, columns, terms, layout)
    }

    fn derived_rows(
        &mut self,
        node: Node,
        step: &ScanStep<'_>,
        columns: Columns,
        terms: Terms<'_, '_>,
        layout: &mut Layout,
    ) -> Result<Node> {
        layout.push(step.source.table, columns);
        Ok(node.filtered(self.terms(&step.filter, terms, layout)?))
    }

    fn table_rows(
        &mut self,
        step: &ScanStep<'_>,
        database: DatabaseIndex,
        table: &Arc<Table>,
        terms: Terms<'_, '_>,
        layout: &mut Layout,
    ) -> Result<Node> {
        let id = step.source.table;
        let used = self.tables.get(id).used.clone();
        let columns = scan_columns(&used);
        layout.push(id, Columns::Set(used));
        match &step.access {
            Access::Union(branches) => {
                let line = self.explain_line(|| "MULTI-INDEX OR".to_owned());
                let mut lowered = Vec::with_capacity(branches.len());
                for (number, branch) in branches.iter().enumerate() {
                    let inner = self.explain_line(|| format!("INDEX {}", number + 1));
                    self.explain_access(id, table, branch);
                    self.explain_end(inner);
                    lowered.push(self.tree_scan(
                        branch,
                        database,
                        table,
                        smallvec![ScanColumn::Rowid],
                        None,
                        1.0,
                    )?);
                }
                self.explain_end(line);
                let filter = self.terms(&step.filter, terms, layout)?;
                Ok(Node::RowidUnion(Box::new(RowidUnion {
                    database,
                    table: Arc::clone(table),
                    branches: lowered,
                    columns,
                    filter,
                })))
            }
            access => {
                self.explain_access(id, table, access);
                let filter = self.terms(&step.filter, terms, layout)?;
                self.tree_scan(access, database, table, columns, filter, step.estimate)
            }
        }
    }

    fn tree_scan(
        &mut self,
        access: &Access,
        database: DatabaseIndex,
        table: &Arc<Table>,
        columns: ScanColumns,
        filter: Option<Expr>,
        estimate: f64,
    ) -> Result<Node> {
        let table = Arc::clone(table);
        match access {
            Access::Table(range) => Ok(Node::TableScan(Box::new(TableScan {
                database,
                table,
                columns,
                seek: self.seek(range)?,
                descending: range.descending,
                filter,
                estimate,
            }))),
            Access::Index {
                index,
                covering,
                range,
                blobs,
            } => {
                let scan = IndexScan {
                    database,
                    table,
                    index: Arc::clone(index),
                    covering: *covering,
                    columns,
                    seek: self.seek(range)?,
                    descending: range.descending,
                    filter,
                    estimate,
                };
                match blobs {
                    None => Ok(Node::IndexScan(Box::new(scan))),
                    Some(blobs) => self.texts_and_blobs(Box::new(scan), blobs),
                }
            }
            Access::Union(_) | Access::Virtual(..) | Access::Rows => {
                Err(Error::misuse("a table is not scanned as rows"))
            }
        }
    }

    /// The texts that a scan finds, and the blobs of a second range behind them.
    #[inline(never)]
    fn texts_and_blobs(&mut self, texts: Box<IndexScan>, blobs: &KeyRange) -> Result<Node> {
        let descending = texts.descending;
        let mut blob_scan = texts.clone();
        blob_scan.seek = self.seek(blobs)?;
        let mut inputs = vec![Node::IndexScan(texts), Node::IndexScan(blob_scan)];
        if descending {
            inputs.reverse();
        }
        Ok(Node::Append { inputs })
    }

    fn seek(&mut self, range: &KeyRange) -> Result<Seek> {
        let mut equal = SmallVec::with_capacity(range.equal.len());
        for term in &range.equal {
            equal.push(self.seek_term(term)?);
        }
        let lower = range.lower.as_ref().map(|bound| self.bound(bound)).transpose()?;
        let upper = range.upper.as_ref().map(|bound| self.bound(bound)).transpose()?;
        Ok(Seek { equal, lower, upper })
    }

    fn seek_term(&mut self, term: &KeyTerm) -> Result<SeekTerm> {
        Ok(match &term.value {
            KeyValue::Any => SeekTerm::Any,
            KeyValue::Equal(value) => SeekTerm::Equal(self.key(value, term.affinity)?),
            KeyValue::Is(value) => SeekTerm::Is(self.key(value, term.affinity)?),
            KeyValue::List(list) => {
                let keys = list.iter().map(|value| self.key(value, term.affinity));
                SeekTerm::InList(keys.collect::<Result<_>>()?)
            }
            KeyValue::Query(query) => {
                let subquery = self.subquery(query, &Layout::empty(), super::scalar::SubqueryUse::List)?;
                SeekTerm::InSubquery(subquery, term.affinity)
            }
        })
    }

    fn bound(&mut self, bound: &KeyBound) -> Result<Box<Bound>> {
        Ok(Box::new(Bound {
            value: self.key(&bound.value, bound.affinity)?,
            inclusive: bound.inclusive,
        }))
    }

    /// A key's value: it reads outer rows only.
    fn key(&mut self, value: &Scalar, affinity: Option<Affinity>) -> Result<Expr> {
        let value = self.scalar(value, &Layout::empty())?;
        Ok(match affinity {
            Some(affinity) => with_affinity(value, affinity),
            None => value,
        })
    }
}

/// The value that a rowid is compared with, as the comparison sees it.
pub(in crate::plan) fn key_of_rowid(value: Expr) -> Expr {
    with_affinity(value, Affinity::Numeric)
}

fn with_affinity(value: Expr, affinity: Affinity) -> Expr {
    match value {
        // Nothing would happen to it.
        Expr::Literal(Value::Integer(_)) if affinity.is_numeric() => value,
        operand => operand.with_affinity(affinity),
    }
}

/// What a scan puts out.
pub(in crate::plan) fn scan_columns(used: &ColumnSet) -> ScanColumns {
    let place = |column: ColumnNo| match column.index() {
        Some(index) => ScanColumn::Table(index),
        None => ScanColumn::Rowid,
    };
    let mut columns = ScanColumns::new();
    used.each(|column| columns.push(place(column)));
    columns
}
