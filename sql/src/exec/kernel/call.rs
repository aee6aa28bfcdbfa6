//! Calls of scalar functions, and RAISE.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Evaluate, Kernel, Rows, Values};
use crate::error::{Error, RaiseAction, Result};
use crate::exec::build::BuildContext;
use crate::exec::{Batch, Class, ExecContext, Vector};
use crate::functions::{
    CallState, DatabaseFunction, Function, FunctionContext, FunctionKind, ScalarFunction,
};
use crate::plan::expr::Expr;
use crate::value::{Collation, Text, Value, ValueRef, cast};

pub(super) fn call(
    function: &Arc<Function>,
    arguments: &[Expr],
    collation: &Collation,
    build: &mut BuildContext,
) -> Result<Box<dyn Evaluate>> {
    let scalar = match &function.kind {
        FunctionKind::Scalar(scalar) => scalar,
        FunctionKind::Database(database) => {
            return Ok(Box::new(DatabaseCall {
                function: Arc::clone(database),
                arguments: Kernel::compile_all(arguments, build)?,
                out: Vector::new(),
            }));
        }
        _ => return Err(Error::sql(format!("misuse of function {}()", function.name))),
    };
    let stable = function.flags.deterministic || function.flags.constant_in_statement;
    let fixed = |argument: &Expr| matches!(argument, Expr::Literal(_) | Expr::Parameter(_));
    Ok(Box::new(Call {
        scalar: Arc::clone(scalar),
        stable,
        once: stable && arguments.iter().all(fixed),
        computed: None,
        reads_json: function.flags.reads_json,
        arguments: Kernel::compile_all(arguments, build)?,
        collation: collation.clone(),
        pure_place: build.pure_place(),
        state: CallState::default(),
        out: Vector::new(),
    }))
}

struct Call {
    scalar: Arc<dyn ScalarFunction>,
    /// Equal arguments give equal results within a run.
    stable: bool,
    /// And the arguments are the same throughout a run.
    once: bool,
    /// The run that `out` has the result of.
    computed: Option<u64>,
    reads_json: bool,
    arguments: Vec<Kernel>,
    collation: Collation,
    /// Where results must depend on arguments only.
    pure_place: Option<&'static str>,
    state: CallState,
    out: Vector,
}

impl Evaluate for Call {
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let Call {
            scalar,
            stable,
            once,
            computed,
            reads_json,
            arguments,
            collation,
            pure_place,
            state,
            out,
        } = self;
        if *once && *computed == Some(context.run) && !rows.is_empty() {
            return Ok(Values::computed(out, true, rows.len()));
        }
        *computed = None;
        let mut columns: SmallVec<[Values<'_>; 4]> = SmallVec::new();
        for argument in arguments {
            columns.push(argument.evaluate_rows(context, input, rows)?);
        }
        let constant = *stable && columns.iter().all(Values::is_constant) && !rows.is_empty();
        if let ([texts], Some(integer_of)) = (&columns[..], scalar.integer_of_text())
            && texts.vector().uniform_class() == Some(Class::Text)
        {
            let (vector, count) = (texts.vector(), if constant { 1 } else { rows.len() });
            out.clear();
            out.extend_integers(
                (0..count).map(|n| integer_of(vector.bytes_of(vector.slots()[texts.row(n)]))),
            );
            return Ok(Values::computed(out, constant, rows.len()));
        }
        let mut function_context = FunctionContext::new(&context.state.session.environment)
            .with_collation(collation)
            .with_state(std::mem::take(state));
        function_context.pure_place = *pure_place;
        out.clear();
        let mut row: SmallVec<[ValueRef<'_>; 4]> = SmallVec::new();
        for n in 0..if constant { 1 } else { rows.len() } {
            row.clear();
            row.extend(columns.iter().map(|column| column.get(n)));
            if *reads_json {
                function_context.json_arguments = json_arguments(&columns, n);
            }
            function_context.json_result = false;
            scalar.call(&mut function_context, &row, out)?;
            if function_context.json_result {
                out.mark_last_as_json();
            }
        }
        *state = function_context.into_state();
        *computed = constant.then_some(context.run);
        Ok(Values::computed(out, constant, rows.len()))
    }
}

/// A call of a function that runs statements.
struct DatabaseCall {
    function: Arc<dyn DatabaseFunction>,
    arguments: Vec<Kernel>,
    out: Vector,
}

impl Evaluate for DatabaseCall {
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        let mut columns: SmallVec<[Values<'_>; 4]> = SmallVec::new();
        for argument in &mut self.arguments {
            columns.push(argument.evaluate_rows(context, input, rows)?);
        }
        self.out.clear();
        let mut row: SmallVec<[ValueRef<'_>; 4]> = SmallVec::new();
        for n in 0..rows.len() {
            row.clear();
            row.extend(columns.iter().map(|column| column.get(n)));
            self.function
                .call(&mut context.virtual_context(), &row, &mut self.out)?;
        }
        Ok(Values::computed(&self.out, false, rows.len()))
    }
}

/// A bit for each argument that is JSON.
pub(in crate::exec) fn json_arguments(columns: &[Values<'_>], n: usize) -> u64 {
    let marks = columns.iter().take(64).enumerate();
    marks
        .filter(|(_, column)| column.class(n) == Class::Json)
        .fold(0, |bits, (i, _)| bits | 1 << i)
}

pub(super) fn raise(
    action: RaiseAction,
    message: Option<&Expr>,
    build: &mut BuildContext,
) -> Result<Box<dyn Evaluate>> {
    let message = message
        .map(|message| Kernel::compile_in(message, build))
        .transpose()?;
    Ok(Box::new(Raise {
        action,
        message,
        out: Vector::new(),
    }))
}

struct Raise {
    action: RaiseAction,
    message: Option<Kernel>,
    out: Vector,
}

impl Evaluate for Raise {
    fn evaluate<'a>(
        &'a mut self,
        context: &mut ExecContext<'_>,
        input: &'a Batch,
        rows: Rows<'a>,
    ) -> Result<Values<'a>> {
        if rows.is_empty() {
            self.out.clear();
            return Ok(Values::dense(&self.out));
        }
        let message = match &mut self.message {
            Some(message) => cast::cast(
                message.evaluate_rows(context, input, rows)?.get(0),
                crate::value::Affinity::Text,
            ),
            None => Value::Text(Text::default()),
        };
        let message = match message {
            Value::Text(text) => text.to_string_lossy().into_owned(),
            _ => String::new(),
        };
        Err(Error::Raise {
            action: self.action,
            message,
        })
    }
}
