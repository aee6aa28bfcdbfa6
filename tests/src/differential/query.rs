//! SELECT: clauses, FROM items, subqueries, compounds, common tables.

use super::compare::Statement;
use super::generator::{Generator, Leaves, Profile};
use super::schema::{Source, Table};
use super::tree::{Part, Sort, Tree, tree};

/// A query that stands in FROM: its tree and its columns.
pub(super) struct Derived {
    pub(super) tree: Tree,
    pub(super) columns: Vec<String>,
}

impl Generator {
    /// A whole query.
    pub(super) fn query_statement(&mut self) -> Statement {
        self.ask.query = true;
        let tree = match self.profile {
            Profile::Aggregates => {
                if self.random.percent(85) {
                    self.grouped_query()
                } else {
                    self.plain_query()
                }
            }
            Profile::Windows => {
                if self.random.percent(85) {
                    self.window_query()
                } else {
                    self.plain_query()
                }
            }
            _ => match self.random.below(10) {
                0 => self.compound_query(),
                1 => self.grouped_query(),
                2 => self.with_query(),
                3 if self.random.percent(30) => self.window_query(),
                4 if self.random.percent(40) => self.recursive_query(),
                _ => self.plain_query(),
            },
        };
        self.finish(tree)
    }

    /// A table of the schema, no view.
    pub(super) fn base_table(&mut self) -> Table {
        let base: Vec<usize> = (0..self.tables.len())
            .filter(|&at| !self.tables[at].view)
            .collect();
        let at = *self.random.pick(&base);
        self.tables[at].clone()
    }

    fn any_table(&mut self) -> Table {
        let at = self.random.below(self.tables.len());
        self.tables[at].clone()
    }

    /// SELECT columns FROM .. WHERE .. ORDER BY .. LIMIT.
    pub(super) fn plain_query(&mut self) -> Tree {
        let (from, sources) = self.from();
        self.scopes.push(sources);
        let width = 1 + self.random.below(4);
        let distinct = self.random.percent(15);
        let columns: Vec<Tree> = (0..width).map(|_| self.result_column()).collect();
        let filter = self
            .random
            .percent(70)
            .then(|| tree!(Sort::Piece; " WHERE ", self.condition(3)));
        self.scopes.pop();
        self.ask.coarse |= distinct;
        let distinct = distinct.then(|| Tree::text(Sort::Piece, "DISTINCT "));
        let end = self.ending(width);
        tree!(Sort::Query; "SELECT ", distinct, (columns, ", ", 1), from, filter, end)
    }

    fn result_column(&mut self) -> Tree {
        let expr = if self.random.percent(35) {
            self.column()
        } else {
            self.expr(3)
        };
        let name = self
            .random
            .percent(10)
            .then(|| Tree::text(Sort::Piece, " AS \"a name\""));
        tree!(Sort::Piece; expr, name)
    }

    /// ORDER BY over places of columns, with LIMIT where the order is total.
    pub(super) fn ending(&mut self, width: usize) -> Option<Tree> {
        if self.random.percent(40) {
            return None;
        }
        let limit = self.random.percent(35);
        let mut places: Vec<usize> = (1..=width).collect();
        for at in (1..width).rev() {
            places.swap(at, self.random.below(at + 1));
        }
        if !limit {
            places.truncate(1 + self.random.below(width));
        }
        let terms: Vec<Tree> = places
            .into_iter()
            .map(|place| {
                let collation = if !limit && self.random.percent(10) {
                    " COLLATE NOCASE"
                } else {
                    ""
                };
                let direction = *self.random.pick(&["", "", " ASC", " DESC", " DESC"]);
                let nulls = *self.random.pick(&["", "", "", " NULLS FIRST", " NULLS LAST"]);
                Tree::text(Sort::Term(place), format!("{place}{collation}{direction}{nulls}"))
            })
            .collect();
        self.ask.coarse |= limit;
        let least = if limit { width } else { 1 };
        let limit = limit.then(|| {
            let (count, offset) = (self.random.below(8), self.random.below(4));
            let text = match self.random.below(4) {
                0 => format!(" LIMIT {count}"),
                1 => format!(" LIMIT {count} OFFSET {offset}"),
                2 => format!(" LIMIT {offset}, {count}"),
                _ => " LIMIT -1".to_owned(),
            };
            Tree::text(Sort::Piece, text)
        });
        Some(tree!(Sort::Piece; " ORDER BY ", (terms, ", ", least), limit))
    }

    // ---- FROM ------------------------------------------------------------------------------------

    /// FROM and what it brings into scope.
    pub(super) fn from(&mut self) -> (Tree, Vec<Source>) {
        let count = match self.profile {
            Profile::Joins => 2 + self.random.below(3),
            _ if self.random.percent(70) => 1,
            _ => 1 + self.random.below(2),
        };
        let count = if self.nesting > 0 { count.min(2) } else { count };
        let (mut tree, first) = self.relation();
        let mut sources = vec![first];
        for _ in 1..count {
            (tree, sources) = self.joined(tree, sources);
        }
        (tree!(Sort::Piece; " FROM ", tree), sources)
    }

    fn joined(&mut self, left: Tree, mut sources: Vec<Source>) -> (Tree, Vec<Source>) {
        let (right, source) = self.relation();
        let common: Vec<String> = source
            .columns
            .iter()
            .filter(|name| {
                sources
                    .iter()
                    .filter(|source| source.columns.contains(name))
                    .count()
                    == 1
            })
            .cloned()
            .collect();
        sources.push(source);
        let kinds = [
            " JOIN ",
            " LEFT JOIN ",
            " LEFT JOIN ",
            " RIGHT JOIN ",
            " FULL JOIN ",
            " CROSS JOIN ",
            ", ",
            " INNER JOIN ",
        ];
        let kind = *self.random.pick(&kinds);
        if kind == ", " {
            return (tree!(Sort::Relation; left, kind, right), sources);
        }
        if !common.is_empty() && self.random.percent(12) {
            let name = self.random.pick(&common).clone();
            return (
                tree!(Sort::Relation; left, kind, right, format!(" USING ({name})")),
                sources,
            );
        }
        self.scopes.push(sources.clone());
        let on = if self.random.percent(60) {
            self.equality(&sources)
        } else {
            self.condition(2)
        };
        self.scopes.pop();
        let on = Some(tree!(Sort::Piece; " ON ", on));
        (tree!(Sort::Relation; left, kind, right, on), sources)
    }

    /// The newest source's column equals one of the others.
    fn equality(&mut self, sources: &[Source]) -> Tree {
        let (last, before) = sources.split_last().expect("a join has two sides");
        let other = self.random.pick(before).clone();
        let left = self.random.pick(&other.columns).clone();
        let right = self.random.pick(&last.columns).clone();
        let equal = tree!(Sort::Expr; Tree::text(Sort::Expr, format!("{}.{left}", other.alias)), " = ", Tree::text(Sort::Expr, format!("{}.{right}", last.alias)));
        if self.random.percent(25) {
            return tree!(Sort::Expr; "(", equal, " AND ", self.condition(1), ")");
        }
        equal
    }

    /// A table, a view, a subquery, VALUES or a table-valued function, under an alias of its own.
    pub(super) fn relation(&mut self) -> (Tree, Source) {
        let alias = self.fresh("x");
        let choice = self.random.below(20);
        if choice < 3 && self.nesting < 2 {
            let derived = self.derived();
            let source = Source {
                alias: alias.clone(),
                columns: derived.columns,
                key: None,
            };
            return (
                tree!(Sort::Relation; "(", derived.tree, format!(") AS {alias}")),
                source,
            );
        }
        if choice == 3 {
            return self.values_relation(alias);
        }
        if choice == 4 {
            let source = Source {
                alias: alias.clone(),
                columns: ["key", "value", "type", "atom", "fullkey", "path"]
                    .map(str::to_owned)
                    .to_vec(),
                key: None,
            };
            let json = self.json_literal();
            let function = *self.random.pick(&["json_each", "json_tree"]);
            return (
                Tree::text(Sort::Relation, format!("{function}({json}) AS {alias}")),
                source,
            );
        }
        let table = self.any_table();
        let text = format!("{} AS {alias}", table.name);
        (Tree::text(Sort::Relation, text), table.source(&alias))
    }

    fn values_relation(&mut self, alias: String) -> (Tree, Source) {
        let width = 1 + self.random.below(3);
        let count = 1 + self.random.below(4);
        let rows: Vec<Tree> = (0..count)
            .map(|_| {
                let row: Vec<Tree> = (0..width)
                    .map(|_| Tree::text(Sort::Expr, self.literal()))
                    .collect();
                tree!(Sort::Piece; "(", (row, ", ", width), ")")
            })
            .collect();
        let columns = (1..=width).map(|at| format!("column{at}")).collect();
        let source = Source {
            alias: alias.clone(),
            columns,
            key: None,
        };
        (
            tree!(Sort::Relation; "(VALUES ", (rows, ", ", 1), format!(") AS {alias}")),
            source,
        )
    }

    /// A subquery with named columns whose rows do not depend on a plan.
    pub(super) fn derived(&mut self) -> Derived {
        self.nesting += 1;
        let scopes = std::mem::take(&mut self.scopes);
        let leaves = std::mem::replace(&mut self.leaves, Leaves::Columns);
        let derived = match self.random.below(6) {
            0 => self.derived_group(),
            1 => self.derived_compound(),
            _ => self.derived_select(),
        };
        self.scopes = scopes;
        self.leaves = leaves;
        self.nesting -= 1;
        derived
    }

    fn derived_select(&mut self) -> Derived {
        let (from, sources) = self.from();
        self.scopes.push(sources);
        let width = 1 + self.random.below(3);
        let columns = names(width);
        let distinct = self.random.percent(15);
        let list: Vec<Tree> = columns
            .iter()
            .map(|name| {
                let expr = if distinct {
                    self.key_expr()
                } else if self.random.percent(50) {
                    self.column()
                } else {
                    self.expr(2)
                };
                tree!(Sort::Piece; expr, format!(" AS {name}"))
            })
            .collect();
        let filter = self
            .random
            .percent(50)
            .then(|| tree!(Sort::Piece; " WHERE ", self.condition(2)));
        self.scopes.pop();
        let distinct = distinct.then(|| Tree::text(Sort::Piece, "DISTINCT "));
        let tree = tree!(Sort::Query; "SELECT ", distinct, (list, ", ", width), from, filter);
        Derived { tree, columns }
    }

    fn derived_group(&mut self) -> Derived {
        let (from, sources) = self.from();
        self.scopes.push(sources);
        let key = self.key_expr();
        let aggregate = self.aggregate();
        let filter = self
            .random
            .percent(40)
            .then(|| tree!(Sort::Piece; " WHERE ", self.condition(2)));
        self.scopes.pop();
        let tree =
            tree!(Sort::Query; "SELECT ", key, " AS c1, ", aggregate, " AS c2", from, filter, " GROUP BY 1");
        Derived {
            tree,
            columns: names(2),
        }
    }

    fn derived_compound(&mut self) -> Derived {
        let width = 1 + self.random.below(2);
        let operator = *self
            .random
            .pick(&[" UNION ALL ", " UNION ", " INTERSECT ", " EXCEPT "]);
        // One affinity in both members: which one counts is open.
        let wraps: Vec<(&'static str, &'static str)> = (0..width)
            .map(|_| {
                *self.random.pick(&[
                    ("CAST(", " AS TEXT)"),
                    ("CAST(", " AS INTEGER)"),
                    ("(+", ")"),
                    ("quote(", ")"),
                ])
            })
            .collect();
        let first = self.member(&wraps, true);
        let second = self.member(&wraps, false);
        Derived {
            tree: tree!(Sort::Query; first, operator, second),
            columns: names(width),
        }
    }

    /// A member of a compound: columns in which equal values look the same.
    fn member(&mut self, wraps: &[(&'static str, &'static str)], named: bool) -> Tree {
        let width = wraps.len();
        let (from, sources) = self.from();
        self.scopes.push(sources);
        let list: Vec<Tree> = (1..=width)
            .map(|at| {
                let name = if named {
                    format!(" AS c{at}")
                } else {
                    String::new()
                };
                let (before, after) = wraps[at - 1];
                tree!(Sort::Piece; tree!(Sort::Expr; before, self.key_expr(), after), name)
            })
            .collect();
        let filter = self
            .random
            .percent(50)
            .then(|| tree!(Sort::Piece; " WHERE ", self.condition(2)));
        self.scopes.pop();
        tree!(Sort::Query; "SELECT ", (list, ", ", width), from, filter)
    }

    // ---- whole queries of other forms ------------------------------------------------------------

    fn compound_query(&mut self) -> Tree {
        let width = 1 + self.random.below(3);
        let plain = vec![("", ""); width];
        let mut parts: Vec<Part> = vec![self.member(&plain, false).into()];
        for _ in 0..1 + self.random.below(2) {
            let operator = *self
                .random
                .pick(&[" UNION ALL ", " UNION ", " INTERSECT ", " EXCEPT "]);
            parts.push(tree!(Sort::Piece; operator, self.member(&plain, false)).into());
        }
        self.ask.coarse = true;
        parts.push(self.ending(width).into());
        Tree::new(Sort::Query, parts)
    }

    fn with_query(&mut self) -> Tree {
        let name = self.fresh("w");
        let derived = self.derived();
        let hint = *self.random.pick(&["", "", " MATERIALIZED", " NOT MATERIALIZED"]);
        let table = self.named(&name, &derived.columns);
        let names = derived.columns.join(", ");
        self.tables.push(table);
        let body = self.plain_query();
        self.tables.retain(|table| table.name != name);
        tree!(Sort::Query; format!("WITH {name}({names}) AS{hint} ("), derived.tree, ") ", body)
    }

    /// A recursion that counts up and carries a value along.
    fn recursive_query(&mut self) -> Tree {
        let operator = *self.random.pick(&[" UNION ALL ", " UNION "]);
        let bound = 2 + self.random.below(12);
        let step = 1 + self.random.below(3);
        let scopes = std::mem::replace(
            &mut self.scopes,
            vec![vec![Source {
                alias: "r".to_owned(),
                columns: vec!["n".to_owned(), "v".to_owned()],
                key: None,
            }]],
        );
        self.nesting += 1;
        let value = tree!(Sort::Expr; "substr(", self.expr(2), ", 1, 20)");
        self.nesting -= 1;
        self.scopes = scopes;
        let start = self.literal();
        let join = if self.random.percent(30) {
            let table = self.base_table();
            let key = table.columns[0].name.clone();
            tree!(Sort::Piece; format!("SELECT r.n + {step}, "), value, format!(" FROM r JOIN {} AS t ON t.{key} = r.n WHERE r.n < {bound}", table.name))
        } else {
            tree!(Sort::Piece; format!("SELECT r.n + {step}, "), value, format!(" FROM r WHERE r.n < {bound}"))
        };
        let end = *self.random.pick(&[
            "SELECT n, v FROM r ORDER BY 1, 2",
            "SELECT count(*), max(n) FROM r",
            "SELECT a.n, b.n FROM r AS a JOIN r AS b ON a.n = b.n + 1",
        ]);
        self.ask.coarse = true;
        tree!(Sort::Query; format!("WITH RECURSIVE r(n, v) AS (SELECT 0, {start}{operator}"), join, ") ", end)
    }

    // ---- subqueries in expressions ---------------------------------------------------------------

    /// EXISTS, IN, or a subquery that has one row in any order.
    pub(super) fn subquery_expr(&mut self, depth: usize) -> Tree {
        if matches!(self.leaves, Leaves::Groups(_) | Leaves::Windows) {
            let scopes = std::mem::take(&mut self.scopes);
            let leaves = std::mem::replace(&mut self.leaves, Leaves::Columns);
            let tree = self.subquery_forms(None);
            self.scopes = scopes;
            self.leaves = leaves;
            return tree;
        }
        let probe = self.expr(depth - 1);
        self.subquery_forms(Some(probe))
    }

    fn subquery_forms(&mut self, probe: Option<Tree>) -> Tree {
        self.nesting += 1;
        let (from, sources) = self.from();
        self.scopes.push(sources);
        let filter = self
            .random
            .percent(75)
            .then(|| tree!(Sort::Piece; " WHERE ", self.condition(2)));
        let not = *self.random.pick(&["", "", "NOT "]);
        let tree = match (self.random.below(6), probe) {
            (0, _) => {
                tree!(Sort::Expr; format!("({not}EXISTS ("), tree!(Sort::Query; "SELECT 1", from, filter), "))")
            }
            (1 | 2, Some(probe)) => {
                let value = if self.random.percent(60) {
                    self.column()
                } else {
                    self.expr(1)
                };
                tree!(Sort::Expr; "(", probe, format!(" {not}IN ("), tree!(Sort::Query; "SELECT ", value, from, filter), "))")
            }
            (3, Some(probe)) => {
                let (a, b, c) = (self.column(), self.column(), self.literal());
                tree!(Sort::Expr; "((", probe, format!(", {c}) {not}IN ("), tree!(Sort::Query; "SELECT ", a, ", ", b, from, filter), "))")
            }
            _ => {
                let aggregate = self.aggregate_of_columns();
                tree!(Sort::Expr; "(", tree!(Sort::Query; "SELECT ", aggregate, from, filter), ")")
            }
        };
        self.scopes.pop();
        self.nesting -= 1;
        tree
    }
}

fn names(width: usize) -> Vec<String> {
    (1..=width).map(|at| format!("c{at}")).collect()
}
