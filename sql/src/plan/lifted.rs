//! Constants that are taken out of a text, so that its plan serves other texts as well.
//!
//! `SELECT a FROM t WHERE id = 7` and `SELECT a FROM t WHERE id = 8` are one plan with another number in it. Where the planner has nothing to
//! decide ([`direct`](super::direct)) it reads such constants from parameters behind those that the text names, and notes here what they are and
//! where they stand. Who prepares the next text puts other values there.
//!
//! ```text
//!   INSERT INTO t(a, b, c) VALUES (?1, -20, 'x')      parameters: 0 is bound, 1 is -20, 2 is 'x'
//!                                       ~~  ~~~       lifted
//! ```
//!
//! - I1. Only what is no more than a value is lifted: no plan, column name or error of compiling depends on it.
//! - I2. NULL stays where it is: a comparison with it is another plan.

use std::cell::{Cell, RefCell};

use super::expr::Expr;
use crate::syntax::ast::Span;
use crate::value::Value;

/// Constants after so many stay in their text.
const LIFTED_MAX: usize = 32;

/// A constant that a plan reads as a parameter.
#[derive(Clone, Debug)]
pub struct Constant {
    /// Where it stands, without its sign.
    pub span: Span,
    /// Whether the value is that of the text negated.
    pub negated: bool,
    /// The value.
    pub value: Value,
}

/// The constants of the statement that is being compiled.
#[derive(Debug, Default)]
pub struct Lifted {
    /// The parameters before them.
    first: Cell<usize>,
    constants: RefCell<Vec<Constant>>,
    /// Whether there are more.
    full: Cell<bool>,
}

impl Lifted {
    /// Begins with the constants of a text that names so many parameters.
    pub fn begin(&self, parameters: u32) {
        self.first.set(parameters as usize);
        self.forget();
    }

    /// There are none.
    pub fn forget(&self) {
        self.constants.borrow_mut().clear();
        self.full.set(false);
    }

    /// Whether none were lifted.
    pub fn is_empty(&self) -> bool {
        self.constants.borrow().is_empty()
    }

    /// Hands over what was lifted, in the order of the parameters; and says whether that is all there was.
    pub fn take(&self, mut each: impl FnMut(Constant)) -> bool {
        self.constants.borrow_mut().drain(..).for_each(&mut each);
        !self.full.get()
    }

    /// What a plan reads in the place of a constant.
    pub(super) fn lift(&self, constant: Constant) -> Expr {
        let mut constants = self.constants.borrow_mut();
        if constants.len() == LIFTED_MAX {
            self.full.set(true);
            return Expr::Literal(constant.value);
        }
        constants.push(constant);
        Expr::Parameter(self.first.get() + constants.len() - 1)
    }
}
