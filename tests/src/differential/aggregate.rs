//! GROUP BY and aggregates whose answer does not depend on the order of the rows.

use super::generator::{Generator, Leaves};
use super::tree::{Sort, Tree, tree};

impl Generator {
    /// SELECT keys and aggregates FROM .. GROUP BY .. HAVING ..
    pub(super) fn grouped_query(&mut self) -> Tree {
        let (from, sources) = self.from();
        let keyed = sources.first().filter(|_| sources.len() == 1).and_then(|source| {
            let key = source.key.as_ref()?;
            Some((format!("{}.{key}", source.alias), source.clone()))
        });
        self.scopes.push(sources);
        let filter = self
            .random
            .percent(50)
            .then(|| tree!(Sort::Piece; " WHERE ", self.condition(2)));
        if let Some((key, source)) = keyed
            && self.random.percent(8)
        {
            // Bare columns beside min or max of a unique column: the row is determined.
            let extreme = *self.random.pick(&["min", "max"]);
            let group = self.random.pick(&source.columns).clone();
            let bare = self.random.pick(&source.columns).clone();
            let filter_key = key.clone();
            self.scopes.pop();
            self.ask.coarse = true;
            return tree!(Sort::Query; format!("SELECT {extreme}({key}), {0}.{bare}, {0}.{group}", source.alias), from, filter,
                format!(" GROUP BY {}.{group}", source.alias), format!(" HAVING {extreme}({filter_key}) NOT NULL"));
        }
        let keys: Vec<Tree> = (0..self.random.below(3)).map(|_| self.key_expr()).collect();
        self.leaves = Leaves::Groups(keys.clone());
        let width = 1 + self.random.below(3);
        let list: Vec<Tree> = (0..width).map(|_| self.expr(2)).collect();
        let having = (!keys.is_empty() && self.random.percent(30))
            .then(|| tree!(Sort::Piece; " HAVING ", self.condition(2)));
        self.leaves = Leaves::Columns;
        self.scopes.pop();
        // Kept as they are when a case is made smaller: other columns would be bare then, and their row open.
        let group = match keys.is_empty() {
            true => Tree::text(Sort::Piece, ""),
            false => {
                let words: Vec<String> = keys.iter().map(Tree::to_string).collect();
                tree!(Sort::Piece; format!(" GROUP BY {}", words.join(", ")), having)
            }
        };
        let end = self.ending(width);
        self.ask.coarse = true;
        self.ask.approximate = true;
        let distinct = self
            .random
            .percent(8)
            .then(|| Tree::text(Sort::Piece, "DISTINCT "));
        tree!(Sort::Query; "SELECT ", distinct, (list, ", ", 1), from, filter, group, end)
    }

    /// An aggregate over the rows of the scope.
    pub(super) fn aggregate(&mut self) -> Tree {
        let leaves = std::mem::replace(&mut self.leaves, Leaves::Columns);
        // Of the innermost query only: one over an outer query's columns alone belongs to that query.
        let inner = self.scopes.pop().into_iter().collect();
        let outer = std::mem::replace(&mut self.scopes, inner);
        self.nesting += 1;
        let call = self.aggregate_call();
        self.nesting -= 1;
        let inner = std::mem::replace(&mut self.scopes, outer);
        self.scopes.extend(inner);
        self.leaves = leaves;
        call
    }

    fn aggregate_call(&mut self) -> Tree {
        let distinct = self.random.percent(20);
        let filter = self
            .random
            .percent(20)
            .then(|| tree!(Sort::Piece; " FILTER (WHERE ", self.condition(1), ")"));
        let word = if distinct { "DISTINCT " } else { "" };
        match self.random.below(12) {
            0 | 1 => tree!(Sort::Expr; "count(*)", filter),
            2 | 3 => tree!(Sort::Expr; format!("count({word}"), self.key_expr(), ")", filter),
            4 | 5 => {
                let name = *self.random.pick(&["sum", "total", "avg"]);
                self.ask.approximate = true;
                tree!(Sort::Expr; format!("{name}({word}"), self.column(), ")", filter)
            }
            6..=8 => {
                let name = *self.random.pick(&["min", "max"]);
                tree!(Sort::Expr; format!("{name}({word}"), self.key_expr(), ")", filter)
            }
            9 | 10 => {
                let name = *self
                    .random
                    .pick(&["group_concat", "string_agg", "json_group_array"]);
                let key = tree!(Sort::Expr; "quote(", self.expr(1), ")");
                let separator = match name {
                    "string_agg" => ", '-'",
                    "group_concat" => *self.random.pick(&[", ';'", ""]),
                    _ => "",
                };
                tree!(Sort::Expr; format!("{name}("), key.clone(), format!("{separator} ORDER BY "), key, ")", filter)
            }
            _ => {
                let name = *self.random.pick(&["sum", "total", "count", "max", "min"]);
                tree!(Sort::Expr; format!("{name}(CAST("), self.expr(2), " AS INTEGER) % 1000)", filter)
            }
        }
    }

    /// An aggregate over columns, cheap enough for subqueries.
    pub(super) fn aggregate_of_columns(&mut self) -> Tree {
        let name = *self.random.pick(&["count", "min", "max", "sum", "total", "avg"]);
        if matches!(name, "sum" | "total" | "avg") {
            self.ask.approximate = true;
        }
        let inner = self.scopes.pop().into_iter().collect();
        let outer = std::mem::replace(&mut self.scopes, inner);
        let column = self.column();
        let inner = std::mem::replace(&mut self.scopes, outer);
        self.scopes.extend(inner);
        tree!(Sort::Expr; format!("{name}("), column, ")")
    }
}
