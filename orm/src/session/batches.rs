//! Many tracked rows with little memory: a query whose entities come and go in batches.
//!
//! ```text
//!   SELECT .. WHERE key > last ORDER BY key LIMIT size  ──>  handles ──each──> changes ──flush──>  the entities go
//!          ^_______________________ last = the key of the last row ___________________________________|
//! ```
//!
//! Each batch is a statement of its own and not the next part of one that runs on: in between the session may do whatever it can,
//! with every driver. So the order is that of the key, and the key tells where to go on.
//!
//! Invariants:
//! I1. What the session had before the first batch, it has after the last one, under the same handles. (`Kept::has`)
//! I2. An entity that goes is as the database has it, and the undo log names it no more. (`end_batch`)

use rustc_hash::FxHashSet;

use super::Session;
use super::store::{Core, State};
use crate::dialect::CompileError;
use crate::error::Result;
use crate::expr::{BinaryOp, Node, OrderTerm, Select, SourceId};
use crate::mapper::{Entity, EntityMeta, Handle, Required};
use crate::query::Query;
use crate::query::internals::add_condition;
use crate::relation::column;
use crate::types::Value;

impl<T: Entity> Query<T, T::Columns<Required>, &mut Session> {
    /// Hands the rows over as tracked entities, in batches of up to `size` in the order of the key, with memory for one batch. After each
    /// batch its changes are written (not committed), and all entities that it brought into the session leave it: their handles are
    /// dead then. What was in the session before stays, and its handles are handed over where such a row comes by.
    ///
    /// Each batch is a statement: what other transactions commit meanwhile is seen where the isolation level lets it be seen, and a
    /// row that is added behind the last one comes, too. `each` may change, add, delete, query, and commit.
    ///
    /// ```
    /// use aludel::prelude::*;
    ///
    /// #[derive(Entity)]
    /// struct Account {
    ///     #[column(primary_key)]
    ///     id: Id<Account>,
    ///     balance: i64,
    /// }
    ///
    /// # fn main() -> aludel::Result<()> {
    /// # let engine = Engine::open("sqlite::memory:")?;
    /// # engine.create_all(schema![Account])?;
    /// # let mut session = engine.session()?;
    /// session.insert((0..10_000).map(Account::new)).run()?;
    /// session.query::<Account>().filter(|a| a.balance.gt(100)).all_in_batches(1_000, |session, accounts| {
    ///     for account in accounts {
    ///         session[*account].balance -= 1;
    ///     }
    ///     Ok(())
    /// })?;
    /// session.commit()?;
    /// assert_eq!(session.query::<Account>().filter(|a| a.balance.eq(9_998)).count()?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`CompileError::Malformed`](crate::CompileError::Malformed) for a query that has an order, a limit, or rows that are not one entity each; whatever the statements
    /// run into; the first error of `each`, which ends the query and leaves the session as it is then.
    pub fn all_in_batches(
        self,
        size: usize,
        mut each: impl FnMut(&mut Session, &[Handle<T>]) -> Result<()>,
    ) -> Result<()> {
        let (select, session) = (self.select, self.executor);
        let source = batched_source(&select)?;
        let kept = Kept::of(session);
        let mut last = None;
        loop {
            let written = (session.undo.len(), session.undo_cuts);
            let page = page(&select, T::META, source, last.as_deref(), size.max(1));
            let mut handles: Vec<Handle<T>> = Vec::new();
            session.run_tracked(&page, |row, tracker| {
                handles.push(tracker.store.track::<T>(&row)?);
                Ok(())
            })?;
            let Some(end) = handles.last() else { return Ok(()) };
            last = Some(session.store.stored_key(end.raw.arena as usize, end.raw.slot));
            each(session, &handles)?;
            session.flush()?;
            session.end_batch(&kept, written);
            if handles.len() < size {
                return Ok(());
            }
        }
    }
}

/// The source of a query that can be read in the order of its key.
fn batched_source(select: &Select) -> Result<SourceId> {
    let is_plain = select.order.is_empty()
        && select.limit.is_none()
        && select.offset.is_none()
        && !select.distinct
        && select.group.is_empty()
        && select.compound.is_empty()
        && select.values.is_none();
    match select.from.as_slice() {
        [only] if is_plain => Ok(only.source),
        _ => Err(CompileError::Malformed(
            "batches come in the order of the key, one entity a row: leave out `order_by`, `limit`, `distinct`, joins, groups and unions",
        )
        .into()),
    }
}

/// The rows behind that key.
fn page(
    select: &Select,
    meta: &'static EntityMeta,
    source: SourceId,
    last: Option<&[Value<'static>]>,
    size: usize,
) -> Select {
    let mut page = select.clone();
    if let Some(last) = last {
        add_condition(&mut page.filter, behind(meta, source, last));
    }
    page.order = names_of_key(meta)
        .map(|name| OrderTerm {
            node: column(source, name),
            descending: false,
            nulls: None,
        })
        .collect();
    page.limit = Some(Node::Value(Value::Int(size as i64)));
    page
}

fn names_of_key(meta: &'static EntityMeta) -> impl Iterator<Item = &'static str> {
    meta.key
        .iter()
        .filter_map(|i| meta.columns.get(*i).map(|column| column.name))
}

/// `a > x OR a = x AND b > y`
fn behind(meta: &'static EntityMeta, source: SourceId, last: &[Value<'static>]) -> Node {
    let is = |op, (name, value): (&'static str, &Value<'static>)| {
        Node::binary(op, column(source, name), Node::Value(value.clone()))
    };
    let parts: Vec<(&'static str, &Value<'static>)> = names_of_key(meta).zip(last).collect();
    let places = (0..parts.len()).map(|place| {
        let equal = parts.iter().take(place).map(|part| is(BinaryOp::Eq, *part));
        let greater = parts
            .iter()
            .skip(place)
            .take(1)
            .map(|part| is(BinaryOp::Gt, *part));
        equal.chain(greater).reduce(Node::and)
    });
    let places: Vec<Node> = places.flatten().collect();
    match <[Node; 1]>::try_from(places) {
        Ok([only]) => only,
        Err(parts) => Node::Logic { all: false, parts },
    }
}

/// What a session has: the generations of its slots, by arena.
struct Kept(Vec<Vec<Option<u32>>>);

impl Kept {
    fn of(session: &Session) -> Kept {
        let generations = |core: &Core| {
            let mut all = vec![None; core.headers.len()];
            for slot in core.live() {
                if let Some(place) = all.get_mut(slot as usize) {
                    *place = Some(core.generation(slot));
                }
            }
            all
        };
        Kept(
            session
                .store
                .arenas()
                .iter()
                .map(|arena| generations(arena.core()))
                .collect(),
        )
    }

    fn has(&self, arena: usize, slot: u32, generation: u32) -> bool {
        let kept = self.0.get(arena).and_then(|slots| slots.get(slot as usize));
        kept.is_some_and(|kept| *kept == Some(generation))
    }
}

impl Session {
    /// Lets go of what is in the session and was not `kept`; what of it was written is in the undo log behind `length`, unless that was
    /// cut since.
    fn end_batch(&mut self, kept: &Kept, (length, cuts): (usize, u64)) {
        let mut going: FxHashSet<(usize, u32)> = FxHashSet::default();
        for (number, arena) in self.store.arenas().iter().enumerate() {
            let core = arena.core();
            let goes = |slot: &u32| {
                let is_written = matches!(core.state(*slot), State::Clean | State::Deleted);
                is_written && !kept.has(number, *slot, core.generation(*slot))
            };
            going.extend(core.live().filter(goes).map(|slot| (number, slot)));
        }
        let Session {
            undo,
            undo_cuts,
            store,
            ..
        } = self;
        let behind = if *undo_cuts == cuts { length } else { 0 };
        for entry in undo.iter_mut().skip(behind) {
            for (arena, slot) in entry.rows().into_iter().filter(|row| going.contains(row)) {
                let key = store.stored_key(arena, slot);
                entry.expunge(slot, &key);
            }
        }
        for number in 0..store.arenas().len() {
            if let Some(any) = store.any_mut(number) {
                any.core_mut()
                    .dirty
                    .retain(|slot| !going.contains(&(number, *slot)));
            }
        }
        for (arena, slot) in going {
            if let Some(any) = store.any_mut(arena) {
                any.free(slot);
            }
        }
        self.relations.forget_gone(&self.store);
    }
}
