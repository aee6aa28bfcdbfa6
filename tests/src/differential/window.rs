//! Window functions whose answer does not depend on the order of ties.

use super::generator::{Generator, Leaves};
use super::schema::Source;
use super::tree::{Sort, Tree, tree};

impl Generator {
    /// A query over one or two tables with window functions in its columns.
    pub(super) fn window_query(&mut self) -> Tree {
        let (from, sources) = self.keyed_from();
        self.scopes.push(sources);
        let filter = self
            .random
            .percent(35)
            .then(|| tree!(Sort::Piece; " WHERE ", self.condition(2)));
        self.leaves = Leaves::Windows;
        let width = 1 + self.random.below(3);
        let list: Vec<Tree> = (0..width)
            .map(|_| {
                if self.random.percent(60) {
                    self.window_call()
                } else {
                    self.expr(2)
                }
            })
            .collect();
        self.leaves = Leaves::Columns;
        self.scopes.pop();
        let end = self.ending(width);
        self.ask.approximate = true;
        tree!(Sort::Query; "SELECT ", (list, ", ", 1), from, filter, end)
    }

    /// FROM over tables whose keys tell their rows apart.
    fn keyed_from(&mut self) -> (Tree, Vec<Source>) {
        let first = self.base_table().source("p");
        let name = self.table_of(&first);
        if self.random.percent(75) {
            return (Tree::text(Sort::Piece, format!(" FROM {name} AS p")), vec![first]);
        }
        let table = self.base_table();
        let second = table.source("q");
        let kind = *self.random.pick(&[" JOIN ", " LEFT JOIN "]);
        let (a, b) = (
            self.random.pick(&first.columns).clone(),
            self.random.pick(&second.columns).clone(),
        );
        let text = format!(" FROM {name} AS p{kind}{} AS q ON p.{a} = q.{b}", table.name);
        (Tree::text(Sort::Piece, text), vec![first, second])
    }

    fn table_of(&self, source: &Source) -> String {
        let found = self.tables.iter().find(|table| {
            !table.view
                && table
                    .columns
                    .iter()
                    .map(|column| &column.name)
                    .eq(source.columns.iter())
        });
        found.map_or_else(String::new, |table| table.name.clone())
    }

    /// Columns that together tell all rows of the innermost scope apart.
    fn unique_order(&self) -> Vec<String> {
        let scope = self.scopes.last().map_or(&[][..], Vec::as_slice);
        scope
            .iter()
            .filter_map(|source| Some(format!("{}.{}", source.alias, source.key.as_ref()?)))
            .collect()
    }

    /// One window function.
    pub(super) fn window_call(&mut self) -> Tree {
        let leaves = std::mem::replace(&mut self.leaves, Leaves::Columns);
        self.nesting += 1;
        let call = if self.random.percent(45) {
            self.ranking_call()
        } else {
            self.framed_call()
        };
        self.nesting -= 1;
        self.leaves = leaves;
        call
    }

    fn ranking_call(&mut self) -> Tree {
        let over = self.over(true, false);
        match self.random.below(9) {
            0 => tree!(Sort::Expr; "row_number()", over),
            1 => tree!(Sort::Expr; "rank()", self.over(false, false)),
            2 => tree!(Sort::Expr; "dense_rank()", self.over(false, false)),
            3 => tree!(Sort::Expr; "percent_rank()", self.over(false, false)),
            4 => tree!(Sort::Expr; "cume_dist()", self.over(false, false)),
            5 => {
                let buckets = 1 + self.random.below(5);
                tree!(Sort::Expr; format!("ntile({buckets})"), over)
            }
            _ => {
                let name = *self.random.pick(&["lag", "lead"]);
                let more = *self
                    .random
                    .pick(&["", ", 0", ", 2", ", 2, 'none'", ", 1, -1", ", -1", ", NULL"]);
                tree!(Sort::Expr; format!("{name}("), self.expr(1), format!("{more})"), over)
            }
        }
    }

    fn framed_call(&mut self) -> Tree {
        let filter = self
            .random
            .percent(20)
            .then(|| tree!(Sort::Piece; " FILTER (WHERE ", self.condition(1), ")"));
        match self.random.below(10) {
            0 | 1 => {
                let name = *self.random.pick(&["sum", "total", "avg"]);
                tree!(Sort::Expr; format!("{name}("), self.summand(name), ")", filter, self.over(true, true))
            }
            2 => {
                let name = *self.random.pick(&["sum", "total", "avg", "count"]);
                tree!(Sort::Expr; format!("{name}("), self.summand(name), ")", filter, self.over(false, true))
            }
            3 => tree!(Sort::Expr; "count(*)", filter, self.over(true, true)),
            4 => {
                let name = *self.random.pick(&["min", "max", "count"]);
                let total = self.random.percent(50);
                tree!(Sort::Expr; format!("{name}("), self.key_expr(), ")", filter, self.over(total, true))
            }
            5 => {
                let name = *self.random.pick(&["group_concat", "json_group_array"]);
                tree!(Sort::Expr; format!("{name}(quote("), self.expr(1), "))", filter, self.over(true, true))
            }
            6 | 7 => {
                let name = *self.random.pick(&["first_value", "last_value"]);
                tree!(Sort::Expr; format!("{name}("), self.expr(1), ")", self.over(true, true))
            }
            _ => {
                let place = 1 + self.random.below(4);
                tree!(Sort::Expr; "nth_value(", self.expr(1), format!(", {place})"), self.over(true, true))
            }
        }
    }

    /// What is summed up: of one class, because SQLite's sum stays real when the only real has left the frame.
    fn summand(&mut self, name: &str) -> Tree {
        if name != "sum" {
            return self.column();
        }
        let class = *self.random.pick(&["INTEGER", "REAL"]);
        tree!(Sort::Expr; "CAST(", self.column(), format!(" AS {class})"))
    }

    /// OVER; with a total order where ties would show. Frames of rows need a total order as well.
    fn over(&mut self, total: bool, framed: bool) -> Tree {
        let count = self.random.below(2) + usize::from(self.random.percent(20));
        let partition = (self.random.percent(50) && count > 0).then(|| {
            let keys: Vec<Tree> = (0..count).map(|_| self.key_expr()).collect();
            tree!(Sort::Piece; "PARTITION BY ", (keys, ", ", 1))
        });
        let ranged = framed && self.random.percent(25);
        if ranged {
            // An offset in RANGE needs one term, a number.
            let mut terms = self.unique_order();
            terms.truncate(1);
            if !total && self.random.percent(60) {
                terms = vec![self.column().to_string()];
            }
            if terms.len() == 1 && self.unique_order().len() == 1 || !total {
                let direction = *self.random.pick(&["", " DESC"]);
                let frame = self.frame("RANGE");
                return tree!(Sort::Piece; " OVER (", partition, format!(" ORDER BY {}{direction}", terms[0]), frame, ")");
            }
        }
        let mut terms: Vec<Tree> = (0..self.random.below(3))
            .map(|_| {
                let direction = *self
                    .random
                    .pick(&["", " DESC", " ASC", " NULLS LAST", " DESC NULLS FIRST"]);
                tree!(Sort::Piece; self.column(), direction)
            })
            .collect();
        let (sorted, least) = (terms.len(), if total { 1 } else { 0 });
        let unique = self.unique_order();
        if total {
            terms.push(Tree::text(Sort::Piece, unique.join(", ")));
        }
        let order = (!terms.is_empty()).then(|| {
            let fixed = if total { terms.pop() } else { None };
            let mut parts = tree!(Sort::Piece; " ORDER BY ");
            if !terms.is_empty() {
                parts
                    .parts
                    .push((terms, ", ", if least == 0 { 1 } else { sorted }).into());
                if fixed.is_some() {
                    parts.parts.push(", ".into());
                }
            }
            parts.parts.extend(fixed.map(Into::into));
            parts
        });
        let unit = if total {
            *self.random.pick(&["ROWS", "ROWS", "GROUPS"])
        } else {
            "GROUPS"
        };
        let frame = if framed && order.is_some() {
            self.frame(unit)
        } else {
            None
        };
        match (total, order) {
            (true, Some(order)) => tree!(Sort::Piece; " OVER (", partition, order, frame, ")"),
            (_, order) => tree!(Sort::Piece; " OVER (", partition, order, frame, ")"),
        }
    }

    fn frame(&mut self, unit: &str) -> Option<Tree> {
        if self.random.percent(25) {
            return None;
        }
        let offset = |generator: &mut Generator| match unit {
            "RANGE" => (*generator.random.pick(&["0", "1", "2", "1.5", "5"])).to_owned(),
            _ => generator.random.below(4).to_string(),
        };
        let bounds = [
            "UNBOUNDED PRECEDING",
            "PRECEDING",
            "CURRENT ROW",
            "FOLLOWING",
            "UNBOUNDED FOLLOWING",
        ];
        let start = self.random.below(4);
        let end = (start + self.random.below(5 - start)).max(1);
        let mut bound = |at: usize| match bounds[at] {
            word @ ("PRECEDING" | "FOLLOWING") => format!("{} {word}", offset(self)),
            word => word.to_owned(),
        };
        let (start, end) = (bound(start), bound(end));
        let exclude = *self.random.pick(&[
            "",
            "",
            "",
            " EXCLUDE NO OTHERS",
            " EXCLUDE CURRENT ROW",
            " EXCLUDE GROUP",
            " EXCLUDE TIES",
        ]);
        Some(Tree::text(
            Sort::Piece,
            format!(" {unit} BETWEEN {start} AND {end}{exclude}"),
        ))
    }
}
