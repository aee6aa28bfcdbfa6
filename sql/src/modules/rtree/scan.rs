//! Plans and cursors.
//!
//! A plan is a look-up by number (1), or a walk through the tree (2) under conditions on coordinates: the plan's text has two letters for each, an
//! operator and a column.

use super::cell::Coordinate;
use super::node::Node;
use super::store::{ROOT, Store};
use super::{DIMENSIONS_MAX, Shape, corrupt};
use crate::error::{Error, Result};
use crate::exec::Batch;
use crate::value::{Affinity, Value, ValueRef, apply_affinity};
use crate::virtual_table::{
    ConstraintOp, CursorColumn, IndexPlan, IndexQuestion, VirtualContext, VirtualCursor,
};

const BY_ROWID: i32 = 1;
const WALK: i32 = 2;

/// The most conditions of a walk.
const CONDITIONS_MAX: usize = DIMENSIONS_MAX * 4;

/// How a scan is done, in a tree of about `rows` entries.
pub(super) fn plan(shape: Shape, rows: i64, question: &IndexQuestion<'_>) -> IndexPlan {
    // A look-up by number could not check a MATCH.
    let matches = question
        .constraints
        .iter()
        .any(|own| own.op == ConstraintOp::Match);
    let mut plan = IndexPlan {
        number: WALK,
        ..IndexPlan::default()
    };
    let mut text = String::new();
    for (place, own) in question.constraints.iter().enumerate() {
        if plan.arguments.len() >= CONDITIONS_MAX || !own.usable {
            continue;
        }
        let is_number = own.column.unwrap_or(0) == 0;
        if !matches && is_number && own.op == ConstraintOp::Eq {
            let mut plan = IndexPlan {
                number: BY_ROWID,
                cost: 30.0,
                rows: 1,
                unique: true,
                ..IndexPlan::default()
            };
            plan.take(place, false);
            return plan;
        }
        let column = own.column.unwrap_or(0);
        let is_coordinate = (1..=shape.dimensions * 2).contains(&column);
        if !is_coordinate && own.op != ConstraintOp::Match {
            continue;
        }
        let Some((letter, omit)) = letter_of(own.op) else {
            continue;
        };
        text.push(letter);
        text.push(char::from(b'0' + column.saturating_sub(1).min(9) as u8));
        plan.take(place, omit);
    }
    let rows = (rows.max(0) as u64) >> plan.arguments.len().min(63);
    plan.cost = 6.0 * rows as f64;
    plan.rows = rows;
    plan.text = (!text.is_empty()).then_some(text);
    plan
}

/// The letter of an operator, and whether the walk makes sure that it holds: coordinates are rounded, so strict comparisons are looked at again.
fn letter_of(op: ConstraintOp) -> Option<(char, bool)> {
    Some(match op {
        ConstraintOp::Eq => ('A', false),
        ConstraintOp::Le => ('B', true),
        ConstraintOp::Lt => ('C', false),
        ConstraintOp::Ge => ('D', true),
        ConstraintOp::Gt => ('E', false),
        ConstraintOp::Match => ('F', true),
        _ => return None,
    })
}

/// A condition on a coordinate.
#[derive(Clone, Copy, Debug)]
struct Condition {
    bound: usize,
    test: Test,
    value: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Equal,
    AtMost,
    Below,
    AtLeast,
    Above,
    Always,
    Never,
}

impl Condition {
    /// From two letters of a plan and the value.
    fn of(letter: u8, bound: u8, value: &Value) -> Result<Condition> {
        let mut test = match letter {
            b'A' => Test::Equal,
            b'B' => Test::AtMost,
            b'C' => Test::Below,
            b'D' => Test::AtLeast,
            b'E' => Test::Above,
            _ => return Err(Error::sql("SQL logic error")),
        };
        let mut value = value.clone();
        apply_affinity(&mut value, Affinity::Numeric);
        let number = match value.as_ref() {
            ValueRef::Integer(integer) => {
                // As a real it may have been rounded.
                if integer.unsigned_abs() >= 1 << 48 {
                    test = match test {
                        Test::Below => Test::AtMost,
                        Test::Above => Test::AtLeast,
                        other => other,
                    };
                }
                integer as f64
            }
            ValueRef::Real(real) => real,
            ValueRef::Null => {
                test = Test::Never;
                0.0
            }
            // Texts come after all numbers.
            _ => {
                test = match test {
                    Test::Below | Test::AtMost => Test::Always,
                    _ => Test::Never,
                };
                0.0
            }
        };
        Ok(Condition {
            bound: usize::from(bound.saturating_sub(b'0')).min(DIMENSIONS_MAX * 2 - 1),
            test,
            value: number,
        })
    }

    /// Whether an entry fulfils it.
    fn holds(&self, node: &Node, place: usize, shape: &Shape) -> bool {
        let own = || node.bound(place, self.bound, shape).number();
        match self.test {
            Test::Always => true,
            Test::Never => false,
            Test::Equal => own() == self.value,
            Test::AtMost => own() <= self.value,
            Test::Below => own() < self.value,
            Test::AtLeast => own() >= self.value,
            Test::Above => own() > self.value,
        }
    }

    /// Whether an entry inside a box may fulfil it.
    fn may_hold(&self, node: &Node, place: usize, shape: &Shape) -> bool {
        let low = || node.bound(place, self.bound & !1, shape).number();
        let high = || node.bound(place, self.bound | 1, shape).number();
        match self.test {
            Test::Always => true,
            Test::Never => false,
            Test::Equal => self.value >= low() && self.value <= high(),
            Test::AtMost | Test::Below => self.value >= low(),
            Test::AtLeast | Test::Above => self.value <= high(),
        }
    }
}

/// A walk through the tree: depth first, from left to right.
pub(super) struct RtreeCursor {
    shape: Shape,
    store: Store,
    auxiliary: usize,
    conditions: Vec<Condition>,
    /// The nodes from the root to where the walk is, each with its number and the cell that comes next.
    path: Vec<(i64, Node, usize)>,
    depth: usize,
    /// An entry of the only node of the path, before the walk ends.
    single: Option<usize>,
}

impl RtreeCursor {
    pub(super) fn new(shape: Shape, store: Store, auxiliary: usize) -> RtreeCursor {
        RtreeCursor {
            shape,
            store,
            auxiliary,
            conditions: Vec::new(),
            path: Vec::new(),
            depth: 0,
            single: None,
        }
    }

    fn look_up(&mut self, context: &mut VirtualContext<'_>, value: &Value) -> Result<()> {
        let mut value = value.clone();
        apply_affinity(&mut value, Affinity::Numeric);
        let rowid = match value {
            Value::Integer(rowid) => rowid,
            Value::Real(real) if real == (real as i64) as f64 => real as i64,
            _ => return Ok(()),
        };
        let Some(leaf) = self.store.leaf_of(context, rowid)? else {
            return Ok(());
        };
        let node = self.store.read_node(context, leaf, &self.shape)?;
        let place = node.find(rowid, &self.shape)?;
        let end = node.len();
        self.path.push((leaf, node, end));
        self.single = Some(place);
        Ok(())
    }

    /// Goes to the next entry: a node of the path, and the cell.
    fn advance(&mut self, context: &mut VirtualContext<'_>) -> Result<Option<usize>> {
        if let Some(place) = self.single.take() {
            return Ok(Some(place));
        }
        loop {
            let height = self.path.len();
            let Some((_, node, next)) = self.path.last_mut() else {
                return Ok(None);
            };
            if *next >= node.len() {
                self.path.pop();
                continue;
            }
            let place = *next;
            *next += 1;
            if height == self.depth + 1 {
                if self
                    .conditions
                    .iter()
                    .all(|own| own.holds(node, place, &self.shape))
                {
                    return Ok(Some(place));
                }
                continue;
            }
            if !self
                .conditions
                .iter()
                .all(|own| own.may_hold(node, place, &self.shape))
            {
                continue;
            }
            let child = node.rowid(place, &self.shape);
            if self.path.iter().any(|(number, _, _)| *number == child) {
                return Err(corrupt());
            }
            let node = self.store.read_node(context, child, &self.shape)?;
            self.path.push((child, node, 0));
        }
    }
}

impl VirtualCursor for RtreeCursor {
    fn filter(
        &mut self,
        context: &mut VirtualContext<'_>,
        plan: &IndexPlan,
        arguments: &[Value],
    ) -> Result<()> {
        self.path.clear();
        self.conditions.clear();
        self.single = None;
        if plan.number == BY_ROWID {
            self.depth = 0;
            return match arguments {
                [value] => self.look_up(context, value),
                _ => Ok(()),
            };
        }
        let letters = plan.text.as_deref().unwrap_or("").as_bytes();
        for (pair, value) in letters.chunks_exact(2).zip(arguments) {
            self.conditions.push(Condition::of(pair[0], pair[1], value)?);
        }
        let root = self.store.read_node(context, ROOT, &self.shape)?;
        self.depth = root.depth();
        self.path.push((ROOT, root, 0));
        Ok(())
    }

    fn fill(
        &mut self,
        context: &mut VirtualContext<'_>,
        columns: &[CursorColumn],
        batch: &mut Batch,
        max: usize,
    ) -> Result<usize> {
        let coordinates = self.shape.dimensions * 2;
        let reads_auxiliary = self.auxiliary > 0
            && columns
                .iter()
                .any(|column| matches!(column, CursorColumn::Column(column) if *column > coordinates));
        let mut count = 0;
        while count < max
            && let Some(place) = self.advance(context)?
        {
            let Some((_, node, _)) = self.path.last() else {
                break;
            };
            let rowid = node.rowid(place, &self.shape);
            let auxiliary = match reads_auxiliary {
                true => self.store.read_auxiliary(context, rowid)?,
                false => Vec::new(),
            };
            for (vector, column) in batch.columns.iter_mut().zip(columns) {
                match *column {
                    CursorColumn::Rowid | CursorColumn::Handle(_) | CursorColumn::Column(0) => {
                        vector.push_integer(rowid);
                    }
                    CursorColumn::Column(column) if column <= coordinates => {
                        match node.bound(place, column - 1, &self.shape) {
                            Coordinate::Real(real) => vector.push_real(real.into()),
                            Coordinate::Integer(integer) => vector.push_integer(integer.into()),
                        }
                    }
                    CursorColumn::Column(column) => {
                        let value = auxiliary.get(column - coordinates - 1);
                        vector.push(value.map(Value::as_ref).unwrap_or_default());
                    }
                }
            }
            count += 1;
        }
        batch.set_len(batch.len() + count);
        Ok(count)
    }
}
