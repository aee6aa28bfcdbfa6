//! Expressions, with the parentheses that precedence demands.

use super::Writer;
use crate::syntax::ast::{
    Arguments, BinaryOp, Case, Expr, ExprKind, FunctionCall, Ident, In, InSet, Like, Literal, Over, Raise,
    RaiseAction, UnaryOp,
};
use crate::syntax::keyword::keyword;
use crate::syntax::parser::{BINDS_COLLATE, BINDS_EQUAL, BINDS_NOT, BINDS_SIGN, binary_binding};
use crate::syntax::token::TokenKind;

/// What needs no parentheses anywhere.
const ATOM: u8 = u8::MAX;

/// How tightly the outermost operator of an expression holds its parts.
fn binding(expr: &Expr) -> u8 {
    match &expr.kind {
        ExprKind::Unary { op: UnaryOp::Not, .. } => BINDS_NOT,
        ExprKind::Unary {
            op: UnaryOp::IsNull | UnaryOp::NotNull,
            ..
        } => BINDS_EQUAL,
        ExprKind::Unary { .. } => BINDS_SIGN,
        ExprKind::Binary { op, .. } => binary_binding(*op),
        ExprKind::Collate { .. } => BINDS_COLLATE,
        ExprKind::Like(_) | ExprKind::Between(_) | ExprKind::In(_) => BINDS_EQUAL,
        _ => ATOM,
    }
}

fn binary_op(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Or => " OR ",
        BinaryOp::And => " AND ",
        BinaryOp::Eq => " = ",
        BinaryOp::Ne => " <> ",
        BinaryOp::Lt => " < ",
        BinaryOp::Le => " <= ",
        BinaryOp::Gt => " > ",
        BinaryOp::Ge => " >= ",
        BinaryOp::Is => " IS ",
        BinaryOp::IsNot => " IS NOT ",
        BinaryOp::BitAnd => " & ",
        BinaryOp::BitOr => " | ",
        BinaryOp::ShiftLeft => " << ",
        BinaryOp::ShiftRight => " >> ",
        BinaryOp::Add => " + ",
        BinaryOp::Subtract => " - ",
        BinaryOp::Multiply => " * ",
        BinaryOp::Divide => " / ",
        BinaryOp::Modulo => " % ",
        BinaryOp::Concat => " || ",
        BinaryOp::JsonExtract => " -> ",
        BinaryOp::JsonExtractValue => " ->> ",
    }
}

impl Writer<'_> {
    pub(super) fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal),
            ExprKind::Name(name) => self.column(name),
            ExprKind::Qualified(name) => {
                self.optional("", name.schema.as_deref(), Self::column);
                self.put_if(name.schema.is_some(), ".");
                self.column(&name.table);
                self.put(".");
                self.ident(&name.column);
            }
            ExprKind::Parameter(number) => self.parameter(*number),
            ExprKind::Unary { op, operand } => self.unary(*op, operand),
            ExprKind::Binary { op, operands } => {
                let binding = binary_binding(*op);
                self.operand(&operands.left, binding);
                self.put(binary_op(*op));
                self.operand(&operands.right, binding + 1);
            }
            ExprKind::Collate { operand, collation } => {
                self.operand(operand, BINDS_COLLATE);
                self.put(" COLLATE ");
                self.ident(collation);
            }
            ExprKind::Like(like) => self.like(like),
            ExprKind::Between(between) => {
                self.operand(&between.operand, BINDS_EQUAL);
                self.put(if between.negated {
                    " NOT BETWEEN "
                } else {
                    " BETWEEN "
                });
                self.operand(&between.low, BINDS_EQUAL + 1);
                self.put(" AND ");
                self.operand(&between.high, BINDS_EQUAL + 1);
            }
            ExprKind::In(test) => self.in_set(test),
            ExprKind::Exists(select) => {
                self.put("EXISTS (");
                self.select(select);
                self.put(")");
            }
            ExprKind::Subquery(select) => {
                self.put("(");
                self.select(select);
                self.put(")");
            }
            ExprKind::Row(members) => {
                self.put("(");
                self.exprs(members);
                self.put(")");
            }
            ExprKind::Case(case) => self.case(case),
            ExprKind::Cast { operand, to } => {
                self.put("CAST(");
                self.expr(operand);
                self.put(" AS ");
                self.put(&to.text);
                self.put(")");
            }
            ExprKind::Call(call) => self.call(call),
            ExprKind::Raise(raise) => self.raise(raise),
        }
    }

    pub(super) fn exprs(&mut self, exprs: &[Expr]) {
        self.list(exprs, Self::expr);
    }

    /// An operand, in parentheses unless it holds together at least as tightly as `binding`.
    fn operand(&mut self, operand: &Expr, least: u8) {
        let holds = binding(operand) >= least;
        self.put_if(!holds, "(");
        self.expr(operand);
        self.put_if(!holds, ")");
    }

    /// A name where an expression starts: the words that start other expressions are quoted.
    fn column(&mut self, name: &Ident) {
        use TokenKind as T;
        let starts_other = matches!(
            keyword(name.text.as_bytes()),
            Some(T::Cast | T::Raise | T::CurrentDate | T::CurrentTime | T::CurrentTimestamp)
        );
        if starts_other && !name.is_quoted() {
            self.quoted(name.text.as_bytes(), b'"')
        } else {
            self.ident(name)
        }
    }

    /// A parameter by its name; one without a name as `?` where that comes to its number.
    fn parameter(&mut self, number: u32) {
        let name = self.parameters.and_then(|parameters| parameters.name(number));
        match name {
            Some(name) => self.text.extend_from_slice(name.as_bytes()),
            None if self.parameters.is_some() && number == self.parameter_max + 1 => self.put("?"),
            None => self.put(&format!("?{number}")),
        }
        self.parameter_max = self.parameter_max.max(number);
    }

    fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::Null => self.put("NULL"),
            Literal::Integer(value) if *value < 0 => self.put(&format!("({value})")),
            Literal::Integer(value) => self.put(&value.to_string()),
            Literal::Hex(bits) => self.put(&format!("{bits:#x}")),
            Literal::Number(text) => self.put(text),
            Literal::String(bytes) => self.string(bytes),
            Literal::Blob(bytes) => self.blob(bytes),
            Literal::CurrentDate => self.put("CURRENT_DATE"),
            Literal::CurrentTime => self.put("CURRENT_TIME"),
            Literal::CurrentTimestamp => self.put("CURRENT_TIMESTAMP"),
        }
    }

    /// A string literal; one with a NUL byte, which no literal can hold, as a cast.
    fn string(&mut self, bytes: &[u8]) {
        if bytes.contains(&0) {
            self.put("CAST(");
            self.blob(bytes);
            self.put(" AS TEXT)");
        } else {
            self.quoted(bytes, b'\'');
        }
    }

    fn blob(&mut self, bytes: &[u8]) {
        self.put("x'");
        for byte in bytes {
            self.put(&format!("{byte:02x}"));
        }
        self.put("'");
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr) {
        match op {
            UnaryOp::IsNull | UnaryOp::NotNull => {
                self.operand(operand, BINDS_EQUAL);
                self.put(if op == UnaryOp::IsNull {
                    " ISNULL"
                } else {
                    " NOTNULL"
                });
            }
            UnaryOp::Not => {
                self.put("NOT ");
                self.operand(operand, BINDS_NOT);
            }
            UnaryOp::Negate | UnaryOp::Plus | UnaryOp::BitNot => {
                self.put(match op {
                    UnaryOp::Negate => "-",
                    UnaryOp::Plus => "+",
                    _ => "~",
                });
                // Two minus signs would begin a comment.
                self.put_if(
                    matches!(
                        operand.kind,
                        ExprKind::Unary {
                            op: UnaryOp::Negate,
                            ..
                        }
                    ),
                    " ",
                );
                self.operand(operand, BINDS_SIGN);
            }
        }
    }

    fn like(&mut self, like: &Like) {
        self.operand(&like.left, BINDS_EQUAL);
        self.put_if(like.negated, " NOT");
        self.put(" ");
        self.put(&like.op.function_name().to_ascii_uppercase());
        self.put(" ");
        self.operand(&like.pattern, BINDS_EQUAL + 1);
        if let Some(escape) = &like.escape {
            self.put(" ESCAPE ");
            self.operand(escape, BINDS_EQUAL + 1);
        }
    }

    fn in_set(&mut self, test: &In) {
        self.operand(&test.operand, BINDS_EQUAL);
        self.put(if test.negated { " NOT IN " } else { " IN " });
        match &test.set {
            InSet::List(members) => {
                self.put("(");
                self.exprs(members);
                self.put(")");
            }
            InSet::Select(select) => {
                self.put("(");
                self.select(select);
                self.put(")");
            }
            InSet::Table { name, arguments } => {
                self.object_name(name);
                if let Some(arguments) = arguments {
                    self.put("(");
                    self.exprs(arguments);
                    self.put(")");
                }
            }
        }
    }

    fn case(&mut self, case: &Case) {
        self.put("CASE");
        self.optional(" ", case.operand.as_ref(), Self::expr);
        for (when, then) in &case.branches {
            self.put(" WHEN ");
            self.expr(when);
            self.put(" THEN ");
            self.expr(then);
        }
        self.optional(" ELSE ", case.otherwise.as_ref(), Self::expr);
        self.put(" END");
    }

    fn call(&mut self, call: &FunctionCall) {
        self.column(&call.name);
        self.put("(");
        self.put_if(call.distinct, "DISTINCT ");
        match &call.arguments {
            Arguments::Star => self.put("*"),
            Arguments::List(arguments) => self.exprs(arguments),
        }
        if !call.order_by.is_empty() {
            self.put(" ORDER BY ");
            self.ordering_terms(&call.order_by);
        }
        self.put(")");
        if let Some(filter) = &call.filter {
            self.put(" FILTER (WHERE ");
            self.expr(filter);
            self.put(")");
        }
        match &call.over {
            None => {}
            Some(Over::Name(name)) => {
                self.put(" OVER ");
                self.ident(name);
            }
            Some(Over::Definition(window)) => {
                self.put(" OVER ");
                self.window(window);
            }
        }
    }

    fn raise(&mut self, raise: &Raise) {
        match raise {
            Raise::Ignore => self.put("RAISE(IGNORE)"),
            Raise::Fail { action, message } => {
                self.put(match action {
                    RaiseAction::Rollback => "RAISE(ROLLBACK, ",
                    RaiseAction::Abort => "RAISE(ABORT, ",
                    RaiseAction::Fail => "RAISE(FAIL, ",
                });
                self.expr(message);
                self.put(")");
            }
        }
    }
}
