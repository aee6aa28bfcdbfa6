//! What names mean at a place: the tables of each enclosing SELECT, the aliases of its result, what its clauses allow.

use ecow::EcoString;

use super::Binder;
use super::name::same_name;
use super::typed::Typed;
use crate::catalog::name_key;
use crate::error::{Error, Result};
use crate::plan::logical::{AggregateCall, OuterKind, TableId, WindowGroup};
use crate::plan::physical::DatabaseIndex;
use crate::syntax::ast;

/// The part of a statement that is being bound; it decides what may stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum Clause {
    /// FROM: ON clauses and arguments of table-valued functions.
    From,
    /// The result columns.
    Projection,
    /// WHERE.
    Where,
    /// GROUP BY.
    GroupBy,
    /// HAVING.
    Having,
    /// ORDER BY.
    OrderBy,
    /// The arguments of an aggregate.
    AggregateArgument,
    /// The arguments of a window function and its window.
    WindowArgument,
    /// LIMIT, VALUES, SET and other places without aggregates.
    Value,
    /// CHECK.
    Check,
    /// GENERATED ALWAYS AS.
    Generated,
    /// A column of an index.
    IndexExpression,
    /// WHERE of an index.
    IndexFilter,
    /// DEFAULT.
    Default,
}

impl Clause {
    /// Whether aggregates may stand in the clause.
    fn allows_aggregates(self) -> bool {
        matches!(
            self,
            Clause::Projection | Clause::Having | Clause::OrderBy | Clause::WindowArgument
        )
    }

    /// Whether it is an expression of the schema: some operators are prohibited there.
    pub fn is_of_schema(self) -> bool {
        matches!(
            self,
            Clause::Check
                | Clause::Generated
                | Clause::IndexExpression
                | Clause::IndexFilter
                | Clause::Default
        )
    }

    /// Whether window functions may.
    fn allows_windows(self) -> bool {
        matches!(self, Clause::Projection | Clause::OrderBy)
    }

    /// Whether an aggregate inside a subquery in this clause may be one of the block around it.
    pub fn lets_inner_aggregates_out(self) -> bool {
        self.allows_aggregates()
    }

    /// What SQLite calls the clause where it prohibits something in a schema's expressions.
    pub fn schema_words(self) -> Option<&'static str> {
        Some(match self {
            Clause::Check => "CHECK constraints",
            Clause::Generated => "generated columns",
            Clause::IndexExpression => "index expressions",
            Clause::IndexFilter => "partial index WHERE clauses",
            _ => return None,
        })
    }
}

/// A table that names can refer to.
#[derive(Clone, Debug)]
pub(in crate::plan) struct ScopeSource {
    /// The table.
    pub table: TableId,
    /// Its database, when it is in one.
    pub database: Option<DatabaseIndex>,
    /// Its alias or name.
    pub name: EcoString,
    /// The name in short: names with other keys are other names.
    pub key: u32,
    /// The columns that USING or NATURAL shares with tables left of it.
    pub using: Box<[EcoString]>,
    /// How it is joined to what is left of it, when not by an inner join.
    pub outer: Option<OuterKind>,
    /// The tables inside, when it is a join in parentheses.
    pub inner: Box<[TableId]>,
}

impl ScopeSource {
    /// A table that stands alone, or left of all others.
    pub fn new(table: TableId, database: Option<DatabaseIndex>, name: EcoString) -> ScopeSource {
        ScopeSource {
            table,
            database,
            key: name_key(&name),
            name,
            using: Box::default(),
            outer: None,
            inner: Box::default(),
        }
    }

    /// Whether the table goes by that name, which has that [`name_key`].
    #[inline]
    pub fn is_called(&self, name: &str, key: u32) -> bool {
        self.key == key && same_name(&self.name, name)
    }

    /// Whether USING or NATURAL shares the column with tables left of it.
    pub fn shares(&self, column: &str) -> bool {
        self.using.iter().any(|using| using.eq_ignore_ascii_case(column))
    }

    /// Whether the table is this one, or one of those inside.
    pub fn covers(&self, table: TableId) -> bool {
        self.table == table || self.inner.contains(&table)
    }
}

/// A result column that other clauses can name.
#[derive(Clone, Debug)]
pub(in crate::plan) struct Alias {
    /// The name after AS.
    pub name: EcoString,
    /// The result column.
    pub output: usize,
}

/// One SELECT as names see it.
#[derive(Debug)]
pub(in crate::plan) struct Scope {
    /// The tables of FROM, from left to right.
    pub sources: Vec<ScopeSource>,
    /// The result columns that are bound already.
    pub outputs: Vec<Typed>,
    /// Those with an alias.
    pub aliases: Vec<Alias>,
    /// What is being bound.
    pub clause: Clause,
    /// Scopes below this one in the stack are out of sight.
    pub barrier: bool,
    /// The pseudo-table of `aggregates`.
    pub results: Option<TableId>,
    /// The aggregates found so far.
    pub aggregates: Vec<AggregateCall>,
    /// The windows found so far.
    pub windows: Vec<WindowGroup>,
    /// Whether the block is known to aggregate (GROUP BY, or an aggregate in its result).
    pub aggregated: bool,
}

impl Scope {
    /// A scope without tables.
    pub fn new(clause: Clause) -> Scope {
        Scope {
            sources: Vec::new(),
            outputs: Vec::new(),
            aliases: Vec::new(),
            clause,
            barrier: false,
            results: None,
            aggregates: Vec::new(),
            windows: Vec::new(),
            aggregated: false,
        }
    }

    /// A scope that hides all others.
    pub fn isolated(clause: Clause) -> Scope {
        Scope {
            barrier: true,
            ..Scope::new(clause)
        }
    }

    /// Whether the table is one of this scope's.
    pub fn owns(&self, table: TableId) -> bool {
        self.sources.iter().any(|source| source.covers(table))
    }
}

impl<'a> Binder<'a> {
    /// Opens a scope for `bind`, closes it after, and hands it back.
    pub(super) fn in_scope<T>(
        &mut self,
        scope: Scope,
        bind: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<(T, Scope)> {
        self.scopes.push(scope);
        let result = bind(self);
        let scope = self.scopes.pop();
        match scope {
            Some(scope) => Ok((result?, scope)),
            None => Err(Error::misuse("scopes out of step")),
        }
    }

    /// The innermost scope.
    #[inline]
    pub(super) fn scope(&mut self) -> &mut Scope {
        if self.scopes.is_empty() {
            self.open_value_scope();
        }
        let last = self.scopes.len() - 1;
        &mut self.scopes[last]
    }

    #[cold]
    fn open_value_scope(&mut self) {
        self.scopes.push(Scope::new(Clause::Value));
    }

    /// The clause that is being bound.
    pub(super) fn clause(&self) -> Clause {
        self.scopes.last().map_or(Clause::Value, |scope| scope.clause)
    }

    /// Binds something as part of `clause` of the innermost scope.
    pub(super) fn in_clause<T>(
        &mut self,
        clause: Clause,
        bind: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let before = std::mem::replace(&mut self.scope().clause, clause);
        let result = bind(self);
        self.scope().clause = before;
        result
    }

    /// Whether an aggregate may stand here; the error, if not.
    pub(super) fn check_aggregate_allowed(&self, name: &ast::Ident) -> Result<()> {
        let Some(scope) = self.scopes.last() else {
            return Err(misuse_function("aggregate", name));
        };
        if scope.clause == Clause::OrderBy && !scope.aggregated {
            return Err(misuse_aggregate(name));
        }
        if scope.clause.allows_aggregates() {
            return Ok(());
        }
        if scope.clause == Clause::GroupBy {
            return Err(Error::sql_at(
                "aggregate functions are not allowed in the GROUP BY clause",
                name.span().start as usize,
            ));
        }
        match scope.aggregated && matches!(scope.clause, Clause::Where | Clause::From) {
            true => Err(misuse_aggregate(name)),
            false => Err(misuse_function("aggregate", name)),
        }
    }

    /// Whether a window function may stand here; the error, if not.
    pub(super) fn check_window_allowed(&self, name: &ast::Ident) -> Result<()> {
        match self.clause().allows_windows() {
            true => Ok(()),
            false => Err(misuse_function("window", name)),
        }
    }

    /// Whether what SQLite keeps out of schema expressions may stand here.
    pub(super) fn check_prohibited(&self, what: &str, span: ast::Span) -> Result<()> {
        match self.clause().schema_words() {
            Some(place) => Err(Error::sql_at(
                format!("{what} prohibited in {place}"),
                span.start as usize,
            )),
            None => Ok(()),
        }
    }
}

fn misuse_function(kind: &str, name: &ast::Ident) -> Error {
    Error::sql_at(
        format!("misuse of {kind} function {name}()"),
        name.span().start as usize,
    )
}

/// The error of an aggregate that ends up in a clause where its block cannot compute it.
pub(super) fn misuse_aggregate(name: &ast::Ident) -> Error {
    Error::sql_at(
        format!("misuse of aggregate: {name}()"),
        name.span().start as usize,
    )
}
