//! The renderer's half for expressions.

use super::{DEPTH_MAX, Done, Level, Renderer, Scoped};
use std::borrow::Cow;

use crate::dialect::{
    CompileError, Conflicts, Feature, InsensitiveLike, JoinedTexts, NullSafe, push_number, push_quoted,
};
use crate::expr::{
    BinaryOp, FrameBound, Function, Interval, LikeCase, Node, Portable, RawPiece, Select, SourceId, UnaryOp,
    Window,
};
use crate::types::{Kind, Value};

impl<'s> Renderer<'_, 's> {
    pub(super) fn node(&mut self, node: &'s Node, place: Level) -> Done {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(CompileError::TooDeep { max: DEPTH_MAX });
        }
        let parenthesized = level(node) < place;
        if parenthesized {
            self.push("(");
        }
        self.bare_node(node)?;
        if parenthesized {
            self.push(")");
        }
        self.depth -= 1;
        Ok(())
    }

    fn bare_node(&mut self, node: &'s Node) -> Done {
        match node {
            Node::Column { source, name } => self.column(*source, name),
            Node::AllColumns(source) => self.all_columns(*source),
            Node::Value(value) => self.value(value),
            Node::Constant(number) => {
                if *number < 0 {
                    self.push("-");
                }
                push_number(number.unsigned_abs(), &mut self.sql);
                Ok(())
            }
            Node::Unary {
                op: UnaryOp::Not,
                operand,
            } => {
                self.push("NOT ");
                self.node(operand, Level::Compare)
            }
            Node::Unary {
                op: UnaryOp::Minus,
                operand,
            } => {
                self.push("-");
                self.node(operand, Level::Primary)
            }
            Node::Binary { op, left, right } => self.binary(*op, left, right),
            Node::Logic { all, parts } => self.logic(*all, parts),
            Node::Like {
                operand,
                pattern,
                case,
                escape,
                negated,
            } => {
                self.like(operand, pattern, *case, *negated)?;
                if *escape {
                    self.push(" ESCAPE '\\'");
                }
                Ok(())
            }
            Node::InList {
                operand,
                list,
                negated,
            } => self.in_list(operand, list, *negated),
            Node::InSelect {
                operand,
                select,
                negated,
            } => {
                self.node(operand, Level::Concat)?;
                self.push(if *negated { " NOT IN " } else { " IN " });
                self.subquery(select)
            }
            Node::Between {
                operand,
                low,
                high,
                negated,
            } => {
                self.node(operand, Level::Concat)?;
                self.push(if *negated { " NOT BETWEEN " } else { " BETWEEN " });
                self.node(low, Level::Concat)?;
                self.push(" AND ");
                self.node(high, Level::Concat)
            }
            Node::IsNull { operand, negated } => {
                self.node(operand, Level::Concat)?;
                self.push(if *negated { " IS NOT NULL" } else { " IS NULL" });
                Ok(())
            }
            Node::Exists(select) => {
                self.push("EXISTS ");
                self.subquery(select)
            }
            Node::Scalar(select) => self.subquery(select),
            Node::Function(function) => self.function(function),
            Node::Case {
                operand,
                branches,
                otherwise,
            } => self.case(operand.as_deref(), branches, otherwise.as_deref()),
            Node::Cast { operand, kind } => {
                self.push("CAST(");
                self.node(operand, Level::Or)?;
                self.push(" AS ");
                let name = self.dialect.cast_name(*kind);
                self.push(&name);
                self.push(")");
                Ok(())
            }
            Node::Collate { operand, collation } => {
                self.node(operand, Level::Primary)?;
                self.push(" COLLATE ");
                self.name(collation)
            }
            Node::Text(text) => self.text(text),
            Node::Portable { function, arguments } => {
                if function.has_rows() {
                    // One more source, beside which columns are written with their tables.
                    let (source, name) = (SourceId::NONE, String::new());
                    self.scope.push(Scoped { source, name });
                }
                self.portable(*function, |r, i| match arguments.get(i) {
                    Some(argument) => r.node(argument, Level::Primary),
                    None => Err(CompileError::Malformed("a function has not enough arguments")),
                })?;
                if function.has_rows() {
                    self.scope.pop();
                }
                Ok(())
            }
            Node::TimePlus {
                operand,
                kind,
                interval,
            } => self.time_plus(operand, *kind, *interval),
            Node::JsonAt {
                function,
                operand,
                path,
            } => {
                let path = self.dialect.json_path(path)?;
                self.portable(*function, |r, i| match i {
                    0 => r.node(operand, Level::Primary),
                    _ => r.text(&path),
                })
            }
            Node::Row(parts) => {
                self.push("(");
                self.list(parts, |r, part| r.node(part, Level::Or))?;
                self.push(")");
                Ok(())
            }
            Node::Now => {
                let now = self.dialect.now();
                self.push(now);
                Ok(())
            }
            Node::Raw(pieces) => self.raw(pieces),
        }
    }

    /// Writes a text as a literal.
    fn text(&mut self, text: &str) -> Done {
        if text.contains('\0') {
            return Err(CompileError::Malformed(
                "a text that is part of a statement contains a NUL character",
            ));
        }
        push_quoted(text, '\'', &mut self.sql);
        Ok(())
    }

    /// Writes the dialect's pattern, with `{0}`, `{1}` written by `argument`.
    fn portable(&mut self, function: Portable, mut argument: impl FnMut(&mut Self, usize) -> Done) -> Done {
        let Some(pattern) = self.dialect.spelling(function) else {
            return Err(CompileError::Unsupported {
                dialect: self.dialect.name(),
                what: function.what(),
            });
        };
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            self.push(before);
            let (number, after) = after.split_once('}').unwrap_or((after, ""));
            argument(self, number.parse().unwrap_or_default())?;
            rest = after;
        }
        self.push(rest);
        Ok(())
    }

    fn time_plus(&mut self, operand: &'s Node, kind: Kind, interval: Interval) -> Done {
        let Some((before, after)) = self.dialect.time_plus(kind, interval) else {
            return Err(CompileError::Unsupported {
                dialect: self.dialect.name(),
                what: "sums of dates and intervals",
            });
        };
        self.push(&before);
        self.node(operand, Level::Primary)?;
        self.push(&after);
        Ok(())
    }

    fn column(&mut self, source: SourceId, column: &str) -> Done {
        if source == SourceId::EXCLUDED && self.dialect.conflicts() == Conflicts::OnDuplicateKey {
            self.push("VALUES(");
            self.name(column)?;
            self.push(")");
            return Ok(());
        }
        let Some(name) = self.scoped_name(source) else {
            return Err(CompileError::ForeignColumn {
                column: column.to_owned(),
            });
        };
        if self.scope.len() > 1 {
            let name = name.to_owned();
            self.name(&name)?;
            self.push(".");
        }
        self.name(column)
    }

    fn all_columns(&mut self, source: SourceId) -> Done {
        let Some(name) = self.scoped_name(source).map(str::to_owned) else {
            return Err(CompileError::ForeignColumn { column: "*".into() });
        };
        if self.scope.len() > 1 {
            self.name(&name)?;
            self.push(".");
        }
        self.push("*");
        Ok(())
    }

    pub(super) fn value(&mut self, value: &'s Value<'static>) -> Done {
        match self.dialect.parameter_type(value) {
            Some(ty) => self.typed_value(value, ty),
            None => {
                self.params.push(value);
                self.dialect.push_placeholder(self.params.len(), &mut self.sql);
            }
        }
        Ok(())
    }

    pub(super) fn typed_value(&mut self, value: &'s Value<'static>, ty: &str) {
        self.params.push(value);
        self.push("CAST(");
        self.dialect.push_placeholder(self.params.len(), &mut self.sql);
        self.push(" AS ");
        self.push(ty);
        self.push(")");
    }

    fn binary(&mut self, op: BinaryOp, left: &'s Node, right: &'s Node) -> Done {
        if let BinaryOp::Is | BinaryOp::IsNot = op {
            return self.null_safe(op == BinaryOp::IsNot, left, right);
        }
        // (text, least level on the left, least level on the right): the right side of a chain needs parentheses.
        let (text, on_left, on_right) = match op {
            BinaryOp::Eq => (" = ", Level::Concat, Level::Concat),
            BinaryOp::Ne => (" <> ", Level::Concat, Level::Concat),
            BinaryOp::Lt => (" < ", Level::Concat, Level::Concat),
            BinaryOp::Le => (" <= ", Level::Concat, Level::Concat),
            BinaryOp::Gt => (" > ", Level::Concat, Level::Concat),
            BinaryOp::Ge => (" >= ", Level::Concat, Level::Concat),
            BinaryOp::Is | BinaryOp::IsNot => (" IS ", Level::Concat, Level::Concat),
            BinaryOp::Concat => (" || ", Level::Unary, Level::Unary),
            BinaryOp::Add => (" + ", Level::Add, Level::Multiply),
            BinaryOp::Subtract => (" - ", Level::Add, Level::Multiply),
            BinaryOp::Multiply => (" * ", Level::Multiply, Level::Unary),
            BinaryOp::Divide => (" / ", Level::Multiply, Level::Unary),
            BinaryOp::DivideWhole => (self.dialect.whole_division(), Level::Multiply, Level::Unary),
            BinaryOp::Remainder => (" % ", Level::Multiply, Level::Unary),
        };
        self.node(left, on_left)?;
        self.push(text);
        self.node(right, on_right)
    }

    fn null_safe(&mut self, negated: bool, left: &'s Node, right: &'s Node) -> Done {
        let (before, between, after) = match (self.dialect.null_safe(), negated) {
            (NullSafe::Is, false) => ("", " IS ", ""),
            (NullSafe::Is, true) => ("", " IS NOT ", ""),
            (NullSafe::DistinctFrom, false) => ("", " IS NOT DISTINCT FROM ", ""),
            (NullSafe::DistinctFrom, true) => ("", " IS DISTINCT FROM ", ""),
            (NullSafe::Spaceship, false) => ("", " <=> ", ""),
            (NullSafe::Spaceship, true) => ("(NOT ", " <=> ", ")"),
        };
        self.push(before);
        self.node(left, Level::Concat)?;
        self.push(between);
        self.node(right, Level::Concat)?;
        self.push(after);
        Ok(())
    }

    fn logic(&mut self, all: bool, parts: &'s [Node]) -> Done {
        if parts.is_empty() {
            let text = self.dialect.boolean(all);
            self.push(text);
            return Ok(());
        }
        let (keyword, place) = if all {
            (" AND ", Level::Not)
        } else {
            (" OR ", Level::And)
        };
        // One part alone keeps the place's own needs: its level is asked for in `level`.
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                self.push(keyword);
            }
            self.node(part, place)?;
        }
        Ok(())
    }

    fn like(&mut self, operand: &'s Node, pattern: &'s Node, case: LikeCase, negated: bool) -> Done {
        let style = match case {
            LikeCase::Backend => InsensitiveLike::Like,
            LikeCase::Insensitive => self.dialect.insensitive_like(),
        };
        let lower = style == InsensitiveLike::Lower;
        let side = |r: &mut Self, node| {
            if !lower {
                return r.node(node, Level::Concat);
            }
            r.push("lower(");
            r.node(node, Level::Or)?;
            r.push(")");
            Ok(())
        };
        side(self, operand)?;
        self.push(if negated { " NOT" } else { "" });
        self.push(if style == InsensitiveLike::Ilike {
            " ILIKE "
        } else {
            " LIKE "
        });
        side(self, pattern)
    }

    fn in_list(&mut self, operand: &'s Node, list: &'s [Node], negated: bool) -> Done {
        if list.is_empty() {
            // Not every backend takes `IN ()`.
            let text = self.dialect.boolean(negated);
            self.push(text);
            return Ok(());
        }
        self.node(operand, Level::Concat)?;
        self.push(if negated { " NOT IN (" } else { " IN (" });
        self.list(list, |r, node| r.node(node, Level::Or))?;
        self.push(")");
        Ok(())
    }

    fn subquery(&mut self, select: &'s Select) -> Done {
        self.push("(");
        self.select(select)?;
        self.push(")");
        Ok(())
    }

    fn function(&mut self, function: &'s Function) -> Done {
        if function.name.is_empty() {
            let what = if function.over.is_some() {
                "`.over(..)`"
            } else {
                "`.filter_where(..)`"
            };
            return Err(CompileError::NotAFunction { what });
        }
        if !function
            .name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
        {
            let why = "a function's name has only letters, digits, `_` and `.`";
            return Err(CompileError::BadName {
                name: function.name.to_string(),
                why,
            });
        }
        let grouped =
            function.name == "string_agg" && self.dialect.joined_texts() == JoinedTexts::GroupConcat;
        let array = match function.name.as_ref() {
            "array_agg" => self.dialect.array_aggregate(),
            _ => None,
        };
        let name = match (grouped, array) {
            (true, _) => Cow::Borrowed("group_concat"),
            (false, Some((name, _))) => Cow::Borrowed(name),
            (false, None) => self.dialect.function_name(&function.name),
        };
        // Over no rows an array has no elements; some backends say NULL.
        self.push(if array.is_some() { "coalesce(" } else { "" });
        self.push(&name);
        self.push(if function.distinct { "(DISTINCT " } else { "(" });
        // Rows that are left out are NULL for an aggregate, which passes over them.
        let cased = function
            .filter
            .as_ref()
            .filter(|_| !self.dialect.supports(Feature::AggregateFilter));
        if let (Some(_), Some(_)) = (cased, array) {
            // The rows that are left out would be elements that are NULL.
            self.need(Feature::AggregateFilter, "FILTER on arrays")?;
        }
        if let Some(filter) = cased {
            self.push("CASE WHEN ");
            self.node(filter, Level::Or)?;
            self.push(" THEN ");
        }
        let (arguments, separator) = match function.arguments.as_slice() {
            [text, separator] if grouped => (std::slice::from_ref(text), Some(separator)),
            all => (all, None),
        };
        match (function.star, cased.is_some(), arguments) {
            (true, true, _) => self.push("1"),
            (true, false, _) => self.push("*"),
            (false, true, [_, _, ..]) => {
                self.need(
                    Feature::AggregateFilter,
                    "FILTER on aggregates of several arguments",
                )?;
            }
            (false, _, arguments) => self.list(arguments, |r, argument| r.node(argument, Level::Or))?,
        }
        if cased.is_some() {
            self.push(" END");
        }
        if !function.order.is_empty() {
            self.push(" ORDER BY ");
            self.order(&function.order)?;
        }
        if let Some(separator) = separator {
            self.push(" SEPARATOR ");
            self.node(separator, Level::Primary)?;
        }
        self.push(")");
        if let Some(filter) = function.filter.as_ref().filter(|_| cased.is_none()) {
            self.push(" FILTER (WHERE ");
            self.node(filter, Level::Or)?;
            self.push(")");
        }
        if let Some(window) = &function.over {
            self.window(window)?;
        }
        if let Some((_, empty)) = array {
            self.push(", ");
            self.push(empty);
            self.push(")");
        }
        Ok(())
    }

    fn window(&mut self, window: &'s Window) -> Done {
        self.need(Feature::Window, "window functions")?;
        self.push(" OVER (");
        if !window.partition.is_empty() {
            self.push("PARTITION BY ");
            self.list(&window.partition, |r, node| r.node(node, Level::Or))?;
        }
        if !window.order.is_empty() {
            self.push(if window.partition.is_empty() {
                "ORDER BY "
            } else {
                " ORDER BY "
            });
            self.order(&window.order)?;
        }
        if let Some((unit, from, to)) = window.frame {
            self.push(" ");
            self.push(unit);
            self.push(" BETWEEN ");
            self.frame_bound(from);
            self.push(" AND ");
            self.frame_bound(to);
        }
        self.push(")");
        Ok(())
    }

    fn frame_bound(&mut self, bound: FrameBound) {
        match bound {
            FrameBound::UnboundedPreceding => self.push("UNBOUNDED PRECEDING"),
            FrameBound::UnboundedFollowing => self.push("UNBOUNDED FOLLOWING"),
            FrameBound::CurrentRow => self.push("CURRENT ROW"),
            FrameBound::Preceding(n) => {
                push_number(u64::from(n), &mut self.sql);
                self.push(" PRECEDING");
            }
            FrameBound::Following(n) => {
                push_number(u64::from(n), &mut self.sql);
                self.push(" FOLLOWING");
            }
        }
    }

    fn case(
        &mut self,
        operand: Option<&'s Node>,
        branches: &'s [(Node, Node)],
        otherwise: Option<&'s Node>,
    ) -> Done {
        if branches.is_empty() {
            return Err(CompileError::Malformed("a CASE needs at least one `.when(..)`"));
        }
        self.push("CASE");
        if let Some(operand) = operand {
            self.push(" ");
            self.node(operand, Level::Or)?;
        }
        for (condition, value) in branches {
            self.push(" WHEN ");
            self.node(condition, Level::Or)?;
            self.push(" THEN ");
            self.node(value, Level::Or)?;
        }
        if let Some(otherwise) = otherwise {
            self.push(" ELSE ");
            self.node(otherwise, Level::Or)?;
        }
        self.push(" END");
        Ok(())
    }

    fn raw(&mut self, pieces: &'s [RawPiece]) -> Done {
        self.push("(");
        for piece in pieces {
            match piece {
                RawPiece::Text(text) => self.push(text),
                RawPiece::Node(node) => self.node(node, Level::Primary)?,
            }
        }
        self.push(")");
        Ok(())
    }
}

fn level(node: &Node) -> Level {
    match node {
        Node::Logic { parts, .. } if parts.len() < 2 => parts.first().map_or(Level::Primary, level),
        Node::Logic { all: true, .. } => Level::And,
        Node::Logic { all: false, .. } => Level::Or,
        Node::Unary { op: UnaryOp::Not, .. } => Level::Not,
        Node::Unary {
            op: UnaryOp::Minus, ..
        }
        | Node::Collate { .. } => Level::Unary,
        Node::Binary { op, .. } => match op {
            BinaryOp::Add | BinaryOp::Subtract => Level::Add,
            BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::DivideWhole | BinaryOp::Remainder => {
                Level::Multiply
            }
            BinaryOp::Concat => Level::Concat,
            _ => Level::Compare,
        },
        Node::InList { list, .. } if list.is_empty() => Level::Primary,
        Node::Like { .. }
        | Node::InList { .. }
        | Node::InSelect { .. }
        | Node::Between { .. }
        | Node::IsNull { .. } => Level::Compare,
        Node::Constant(number) if *number < 0 => Level::Unary,
        _ => Level::Primary,
    }
}
