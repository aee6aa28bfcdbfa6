//! Limits: how large what an application is given to run may be. For SQL and data of strangers, lower ones than the defaults.

use super::{Connection, State};
use crate::error::Result;
use crate::exec::write::TRIGGER_DEPTH_MAX;

/// What can be limited. Names, defaults and highest values are SQLite's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// Bytes of a text or blob: one that is bound, written in a statement, or computed (`string or blob too big`).
    Length,
    /// Bytes of the text that is prepared (`statement too long`).
    SqlLength,
    /// Columns of a table, index or result, and terms of ORDER BY and GROUP BY.
    Column,
    /// Height of an expression.
    ExprDepth,
    /// Queries of one compound; 0: any number.
    CompoundSelect,
    /// Instructions of a program. Plans are no such programs: it is kept, and has no effect.
    VdbeOp,
    /// Arguments of a function.
    FunctionArg,
    /// Databases that are attached.
    Attached,
    /// Bytes of a pattern of LIKE or GLOB.
    LikePatternLength,
    /// The highest number of a parameter.
    VariableNumber,
    /// How deep triggers may set off triggers.
    TriggerDepth,
    /// Threads that help a statement. Statements have none: it is kept, and has no effect.
    WorkerThreads,
}

impl Limit {
    /// All of them, in the order of SQLite's numbers.
    pub const ALL: [Limit; 12] = [
        Limit::Length,
        Limit::SqlLength,
        Limit::Column,
        Limit::ExprDepth,
        Limit::CompoundSelect,
        Limit::VdbeOp,
        Limit::FunctionArg,
        Limit::Attached,
        Limit::LikePatternLength,
        Limit::VariableNumber,
        Limit::TriggerDepth,
        Limit::WorkerThreads,
    ];

    /// The highest value.
    #[must_use]
    pub const fn highest(self) -> i32 {
        match self {
            Limit::Length | Limit::SqlLength => 1_000_000_000,
            Limit::Column => 2000,
            Limit::ExprDepth | Limit::FunctionArg | Limit::TriggerDepth => 1000,
            Limit::CompoundSelect => 500,
            Limit::VdbeOp => 250_000_000,
            Limit::Attached => 10,
            Limit::LikePatternLength => 50_000,
            Limit::VariableNumber => 32_766,
            Limit::WorkerThreads => 8,
        }
    }

    /// The lowest value that is more than a wish.
    const fn lowest(self) -> i32 {
        match self {
            Limit::Length => 30,
            _ => 0,
        }
    }
}

/// The limits of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits([i32; Limit::ALL.len()]);

impl Default for Limits {
    fn default() -> Limits {
        let mut limits = Limits(Limit::ALL.map(Limit::highest));
        limits.0[Limit::WorkerThreads as usize] = 0;
        limits
    }
}

impl Limits {
    pub(crate) fn get(&self, limit: Limit) -> usize {
        self.0[limit as usize].max(0) as usize
    }

    /// Whether no text that is short needs to be looked at more closely.
    #[inline]
    pub(crate) fn are_usual(&self) -> bool {
        let of_text = Limit::SqlLength as usize;
        !self.shortens() && self.0[of_text] == Limit::SqlLength.highest()
    }

    /// Whether texts must be shorter than any that usually can be.
    #[inline]
    pub(crate) fn shortens(&self) -> bool {
        self.0[Limit::Length as usize] < Limit::Length.highest()
    }
}

impl Connection {
    /// How large something may be.
    ///
    /// # Errors
    /// [`Error::Misuse`](crate::Error::Misuse) inside a call of the connection.
    pub fn limit(&self, limit: Limit) -> Result<i32> {
        Ok(self.state()?.limits.0[limit as usize])
    }

    /// Limits how large something may be, and returns how large it might be before. More than [`Limit::highest`] is that; a negative value changes
    /// nothing. Statements that were prepared before are compiled again.
    ///
    /// ```
    /// use aludel_sql::{Connection, Limit};
    ///
    /// # fn main() -> aludel_sql::Result<()> {
    /// let connection = Connection::open_in_memory()?;
    /// assert_eq!(connection.set_limit(Limit::VariableNumber, 2)?, 32766);
    /// assert_eq!(connection.prepare("SELECT ?, ?, ?").unwrap_err().to_string(), "too many SQL variables");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Misuse`](crate::Error::Misuse) inside a call of the connection.
    pub fn set_limit(&self, limit: Limit, value: i32) -> Result<i32> {
        let mut state = self.state()?;
        let before = state.limits.0[limit as usize];
        if value >= 0 {
            state.limits.0[limit as usize] = value.clamp(limit.lowest(), limit.highest());
            state.apply_limits();
        }
        Ok(before)
    }
}

impl State {
    /// Tells those who keep to the limits.
    fn apply_limits(&mut self) {
        let limits = self.limits;
        let parse = &mut self.parse_memory.limits;
        parse.height_max = limits.get(Limit::ExprDepth) as u32;
        parse.compound_max = limits.get(Limit::CompoundSelect) as u32;
        parse.argument_max = limits.get(Limit::FunctionArg) as u32;
        parse.parameter_max = limits.get(Limit::VariableNumber) as u32;
        let environment = &self.session.environment;
        environment.length_max.set(limits.get(Limit::Length));
        environment
            .pattern_length_max
            .set(limits.get(Limit::LikePatternLength));
        self.session.trigger_depth_max = limits.get(Limit::TriggerDepth).min(TRIGGER_DEPTH_MAX);
        self.schema_version += 1;
    }
}
