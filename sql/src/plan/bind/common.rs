//! WITH: common table expressions, plain and recursive.
//!
//! A common table is bound when something first refers to it, in the surroundings of its WITH: it sees the tables of the queries
//! around the WITH and the other tables of the same WITH, not those of the place that refers to it. One that is never referred to is never bound.

use ecow::EcoString;
use std::rc::Rc;

use super::compound::{check_width, collations};
use super::from::{Item, unique_names};
use super::scope::ScopeSource;
use super::{Binder, TableColumns};
use crate::error::{Error, Result};
use crate::plan::authorize::AuthAction;
use crate::plan::logical::{
    Body, CommonTable, IndexHint, OutputColumn, Query, RecursiveBody, Source, SourceKind, TableId,
};
use crate::plan::physical::{CteId, DatabaseIndex};
use crate::syntax::ast::{self, CompoundOp, Ident, SelectCore, TableRef};

/// A WITH whose query is being bound.
pub(super) struct WithFrame<'a> {
    tables: Vec<CommonState<'a>>,
    /// Common tables that are bound, each after those that it needs.
    done: Vec<CommonTable>,
    /// How many scopes were open around the WITH.
    scopes: usize,
    home: Option<DatabaseIndex>,
}

/// A common table of an open WITH.
struct CommonState<'a> {
    ast: &'a ast::Cte,
    progress: Progress,
}

/// How far a common table is bound.
enum Progress {
    Waiting,
    /// Being bound: a reference now is an error with this text before the name.
    Binding(&'static str),
    /// Being bound, and this is where its recursive members read.
    Recursing {
        id: CteId,
        columns: Rc<[OutputColumn]>,
        references: usize,
        selects: usize,
    },
    Done {
        place: usize,
        columns: Rc<[OutputColumn]>,
    },
}

impl<'a> Binder<'a> {
    /// Binds a query behind its WITH; the common tables that it uses become part of it.
    pub(super) fn with_clause(
        &mut self,
        with: Option<&'a ast::With>,
        bind: impl FnOnce(&mut Self) -> Result<Query>,
    ) -> Result<Query> {
        let Some(with) = with else { return bind(self) };
        self.open_with(with)?;
        let query = bind(self);
        let common = self.close_with();
        let mut query = query?;
        query.common = common;
        Ok(query)
    }

    /// Opens a WITH.
    pub(super) fn open_with(&mut self, with: &'a ast::With) -> Result<()> {
        for (place, cte) in with.ctes.iter().enumerate() {
            if with.ctes[..place]
                .iter()
                .any(|earlier| cte.name.is(&earlier.name.text))
            {
                let message = format!("duplicate WITH table name: {}", cte.name);
                return Err(Error::sql_at(message, cte.name.span().start as usize));
            }
        }
        let tables = with
            .ctes
            .iter()
            .map(|ast| CommonState {
                ast,
                progress: Progress::Waiting,
            })
            .collect();
        let frame = WithFrame {
            tables,
            done: Vec::new(),
            scopes: self.scopes.len(),
            home: self.home,
        };
        self.withs.push(frame);
        Ok(())
    }

    /// Closes the innermost WITH and hands out its common tables.
    pub(super) fn close_with(&mut self) -> Vec<CommonTable> {
        if self.uses.is_some() {
            self.bind_unused();
        }
        self.withs.pop().map(|frame| frame.done).unwrap_or_default()
    }

    /// Binds the common tables that nothing refers to, for what their texts name.
    #[inline(never)]
    fn bind_unused(&mut self) {
        let Some(level) = self.withs.len().checked_sub(1) else {
            return;
        };
        for place in 0..self.withs[level].tables.len() {
            if matches!(self.withs[level].tables[place].progress, Progress::Waiting) {
                // One that cannot be bound cannot be used either.
                let _ = self.bind_common(level, place);
            }
        }
    }

    /// Whether a name without schema is that of a common table.
    pub(super) fn names_common_table(&self, name: &ast::ObjectName) -> bool {
        let mut tables = self.withs.iter().flat_map(|level| &level.tables);
        name.schema.is_none() && tables.any(|table| table.ast.name.is(&name.name.text))
    }

    /// The common table of that name as an item of FROM.
    #[inline(never)]
    pub(super) fn common_item(&mut self, name: &Ident, shown: &EcoString) -> Result<Option<Item<'a>>> {
        for level in (0..self.withs.len()).rev() {
            let place = self.withs[level]
                .tables
                .iter()
                .position(|table| table.ast.name.is(&name.text));
            if let Some(place) = place {
                return self.common_reference(level, place, shown).map(Some);
            }
        }
        Ok(None)
    }

    fn common_reference(&mut self, level: usize, place: usize, shown: &EcoString) -> Result<Item<'a>> {
        let state = &mut self.withs[level].tables[place];
        let name = &state.ast.name;
        match &mut state.progress {
            Progress::Binding(complaint) => Err(Error::sql_at(
                format!("{complaint}: {name}"),
                name.span().start as usize,
            )),
            Progress::Recursing {
                references, selects, ..
            } if *references > 0 || *selects != self.selects => {
                let complaint = match (*references > 0, *selects == self.selects) {
                    (true, true) => "multiple references to recursive table",
                    (true, false) => "multiple recursive references",
                    (false, _) => "recursive reference in a subquery",
                };
                Err(Error::sql_at(
                    format!("{complaint}: {name}"),
                    name.span().start as usize,
                ))
            }
            Progress::Recursing {
                id,
                columns,
                references,
                ..
            } => {
                *references += 1;
                let (kind, columns) = (SourceKind::Recursion(*id), Rc::clone(columns));
                Ok(self.derived_item(kind, columns, shown))
            }
            Progress::Done { place: done, columns } => {
                let (done, columns) = (*done, Rc::clone(columns));
                let table = &mut self.withs[level].done[done];
                table.uses += 1;
                let kind = SourceKind::Common(table.id);
                Ok(self.derived_item(kind, columns, shown))
            }
            Progress::Waiting if state.ast.materialized == Some(false) => {
                let (query, columns) = self.bind_common(level, place)?;
                self.withs[level].tables[place].progress = Progress::Waiting;
                Ok(self.derived_item(SourceKind::Query(Box::new(query)), columns, shown))
            }
            Progress::Waiting => {
                let materialized = state.ast.materialized == Some(true);
                let name = name.text.clone();
                let (query, columns) = self.bind_common(level, place)?;
                let id = self.next_common();
                let frame = &mut self.withs[level];
                frame.done.push(CommonTable {
                    id,
                    name,
                    query,
                    uses: 1,
                    materialized,
                });
                let done = frame.done.len() - 1;
                frame.tables[place].progress = Progress::Done {
                    place: done,
                    columns: Rc::clone(&columns),
                };
                Ok(self.derived_item(SourceKind::Common(id), columns, shown))
            }
        }
    }

    fn derived_item(&mut self, kind: SourceKind, columns: Rc<[OutputColumn]>, shown: &EcoString) -> Item<'a> {
        let table: TableId = self.tables.add(shown.clone(), TableColumns::Derived(columns));
        Item {
            operand: super::from::Operand::Source(Source {
                table,
                kind,
                hint: IndexHint::Free,
            }),
            visible: ScopeSource::new(table, None, shown.clone()),
            arguments: &[],
        }
    }

    /// Binds the query of a common table in the surroundings of its WITH.
    fn bind_common(&mut self, level: usize, place: usize) -> Result<(Query, Rc<[OutputColumn]>)> {
        let frame = &mut self.withs[level];
        let cte = frame.tables[place].ast;
        frame.tables[place].progress = Progress::Binding("circular reference");
        let (scopes, home) = (frame.scopes, frame.home);
        let hidden_scopes = self
            .scopes
            .drain(scopes.min(self.scopes.len())..)
            .collect::<Vec<_>>();
        let hidden_withs = self.withs.split_off(level + 1);
        let home = std::mem::replace(&mut self.home, home);
        let name = cte.name.as_str();
        let query =
            self.nested(|binder| binder.on_behalf_of(name, |binder| binder.common_query(level, place, cte)));
        self.home = home;
        self.withs.extend(hidden_withs);
        self.scopes.extend(hidden_scopes);
        let query = query?;
        let columns = named_columns(cte, &query.columns)?;
        Ok((query, columns))
    }

    fn common_query(&mut self, level: usize, place: usize, cte: &'a ast::Cte) -> Result<Query> {
        let select = &cte.select;
        let recursive = recursive_members(select, &cte.name);
        if recursive == 0 {
            return self.select(select);
        }
        let recursion = |binder: &mut Self| {
            binder.with_clause(select.with.as_deref(), |binder| {
                binder.recursive_query(level, place, cte, recursive)
            })
        };
        match &self.asker {
            None => recursion(self),
            Some(_) => self.asked_select(AuthAction::Select, |binder| {
                binder.asked_select(AuthAction::Recursive, recursion)
            }),
        }
    }

    /// A recursive common table: its last `recursive` members refer to it.
    fn recursive_query(
        &mut self,
        level: usize,
        place: usize,
        cte: &'a ast::Cte,
        recursive: usize,
    ) -> Result<Query> {
        let select = &cte.select;
        let (before, after) = select.compounds.split_at(select.compounds.len() - recursive);
        let (initial, mut members) = self.members(&select.first, before)?;
        let columns = named_columns(cte, &members[0].columns)?;
        let id = self.next_common();
        let mut steps = Vec::with_capacity(after.len());
        for compound in after {
            let (columns, selects) = (Rc::clone(&columns), self.selects);
            self.withs[level].tables[place].progress = Progress::Recursing {
                id,
                columns,
                references: 0,
                selects,
            };
            let (step, member) = self.member(&compound.core)?;
            check_width(&members[0], &member, compound)?;
            check_step(&step)?;
            let state = &self.withs[level].tables[place].progress;
            if matches!(state, Progress::Recursing { references: 0, .. }) {
                return Err(Error::sql(format!(
                    "recursive reference in a subquery: {}",
                    cte.name
                )));
            }
            steps.push(step);
            members.push(member);
        }
        self.withs[level].tables[place].progress = Progress::Binding("circular reference");
        let distinct = after.iter().all(|compound| compound.op == CompoundOp::Union);
        let collations = collations(&members);
        let body = RecursiveBody {
            table: id,
            initial,
            steps,
            distinct,
            collations,
        };
        let mut query = self.finish_compound(Body::Recursive(Box::new(body)), members, &select.order_by)?;
        if let Some(limit) = &select.limit {
            (query.limit, query.offset) = self.limit(limit)?;
        }
        Ok(query)
    }
}

/// How many of the last members of a compound refer to `name` in their FROM; they must all be UNION or all UNION ALL.
fn recursive_members(select: &ast::Select, name: &Ident) -> usize {
    let Some(op) = select.compounds.last().map(|last| last.op) else {
        return 0;
    };
    if !matches!(op, CompoundOp::Union | CompoundOp::UnionAll) {
        return 0;
    }
    let members = select.compounds.iter().rev();
    members
        .take_while(|member| member.op == op && refers_directly(&member.core, name))
        .count()
}

fn refers_directly(core: &SelectCore, name: &Ident) -> bool {
    let SelectCore::Query(query) = core else {
        return false;
    };
    query.from.as_ref().is_some_and(|from| from_refers(from, name))
}

fn from_refers(from: &ast::FromClause, name: &Ident) -> bool {
    let refers = |table: &TableRef| match table {
        TableRef::Table { name: own, .. } => own.schema.is_none() && own.name.is(&name.text),
        TableRef::Parenthesized { from, .. } => from_refers(from, name),
        _ => false,
    };
    refers(&from.first) || from.joins.iter().any(|join| refers(&join.table))
}

/// A recursive member neither aggregates nor has window functions.
fn check_step(step: &Body) -> Result<()> {
    let Body::Block(block) = step else { return Ok(()) };
    if block.grouping.is_some() {
        return Err(Error::sql("recursive aggregate queries not supported"));
    }
    if !block.windows.is_empty() {
        return Err(Error::sql("cannot use window functions in recursive queries"));
    }
    Ok(())
}

/// The columns of a common table, under the names in its head where there are any.
fn named_columns(cte: &ast::Cte, columns: &[OutputColumn]) -> Result<Rc<[OutputColumn]>> {
    if cte.columns.is_empty() {
        return Ok(unique_names(columns));
    }
    if cte.columns.len() != columns.len() {
        let message = format!(
            "table {} has {} values for {} columns",
            cte.name,
            columns.len(),
            cte.columns.len()
        );
        return Err(Error::sql_at(message, cte.name.span().start as usize));
    }
    let renamed = columns.iter().zip(&cte.columns);
    let renamed: Vec<_> = renamed
        .map(|(column, name)| OutputColumn {
            name: name.text.clone(),
            ..column.clone()
        })
        .collect();
    Ok(renamed.into())
}
