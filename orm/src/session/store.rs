//! The identity map: every tracked entity, one slot for each row.
//!
//! ```text
//!   Store ── arenas[] ──> Arena<User>   values: [User, User, ..]   identity: key -> slot
//!                         Core          headers: [state, generation]   bases: [values]   new, dirty, deleted: [slot]
//!
//!   add ──> New ──flush──> Clean ──delete──> Marked ──flush──> Deleted ──commit──> Free
//!            load ──────────^  \__mutable access: base = the values as the database has them
//! ```
//!
//! The parts that do not need the entity's type live in [`Core`] and behind [`AnyArena`], so the unit of work is written
//! once.
//!
//! Invariants:
//! I1. A slot's value is there unless its state is `Free`. (`Arena::free`)
//! I2. `identity` has exactly the slots in state `Clean` and `Marked` that have a key. (`Arena::register`)
//! I3. A handle is good while its generation is its slot's: freeing a slot raises it. (`Core::free`)
//! I4. A slot in `dirty` has a base. (`Arena::touch`)

use std::any::{Any, TypeId};
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::identity::Identity;
use crate::error::{Error, HandleError, Result};
use crate::mapper::{Entity, EntityMeta, Handle, Invalid, Key, RowReader, is_mark};
use crate::types::{DecodeError, RawHandle, Value};

/// Where an entity is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Free,
    /// Added, not inserted yet.
    New,
    /// As in the database, or with a base that says how it is there.
    Clean,
    /// To be deleted by the next flush.
    Marked,
    /// Deleted in this transaction.
    Deleted,
}

/// What there is of every slot. It is small, as sessions have many.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) generation: u32,
    pub(crate) state: State,
    /// To be read anew when a row of it comes by.
    pub(crate) expired: bool,
    /// A deletion is for good, also where the entity marks deleted rows.
    pub(crate) purge: bool,
}

impl Header {
    fn new(state: State) -> Header {
        Header {
            generation: 0,
            state,
            expired: false,
            purge: false,
        }
    }
}

/// All columns of a row as the database has them, from the first mutable access on.
pub(crate) type Base = Box<[Value<'static>]>;

/// What an arena has, apart from the values.
#[derive(Debug, Default)]
pub(crate) struct Core {
    pub(crate) headers: Vec<Header>,
    /// As long as the highest slot that was ever changed makes it.
    bases: Vec<Option<Base>>,
    free: Vec<u32>,
    pub(crate) new: Vec<u32>,
    pub(crate) dirty: Vec<u32>,
    pub(crate) marked: Vec<u32>,
    /// Slots that were read from the database since they were last asked for; `None` while nobody asks.
    loads: Option<Vec<u32>>,
}

impl Core {
    fn record_load(&mut self, slot: u32) {
        if let Some(loads) = &mut self.loads {
            loads.push(slot);
        }
    }

    pub(crate) fn header(&self, slot: u32) -> Option<&Header> {
        self.headers.get(slot as usize)
    }

    pub(crate) fn header_mut(&mut self, slot: u32) -> Option<&mut Header> {
        self.headers.get_mut(slot as usize)
    }

    pub(crate) fn generation(&self, slot: u32) -> u32 {
        self.header(slot).map_or(0, |header| header.generation)
    }

    pub(crate) fn state(&self, slot: u32) -> State {
        self.header(slot).map_or(State::Free, |header| header.state)
    }

    pub(crate) fn set_state(&mut self, slot: u32, state: State) {
        if let Some(header) = self.header_mut(slot) {
            header.state = state;
        }
    }

    pub(crate) fn set_purge(&mut self, slot: u32, purge: bool) {
        if let Some(header) = self.header_mut(slot) {
            header.purge = purge;
        }
    }

    pub(crate) fn base(&self, slot: u32) -> Option<&[Value<'static>]> {
        self.bases.get(slot as usize).and_then(Option::as_deref)
    }

    pub(crate) fn base_mut(&mut self, slot: u32) -> Option<&mut [Value<'static>]> {
        self.bases.get_mut(slot as usize).and_then(Option::as_deref_mut)
    }

    /// Takes the base out: memory is as the database from here on.
    pub(crate) fn take_base(&mut self, slot: u32) -> Option<Base> {
        self.bases.get_mut(slot as usize).and_then(Option::take)
    }

    fn set_base(&mut self, slot: u32, base: Base) {
        if self.bases.len() <= slot as usize {
            // Who changes one row will change others.
            self.bases
                .reserve(self.headers.len().saturating_sub(self.bases.len()));
            self.bases.resize_with(slot as usize + 1, || None);
        }
        if let Some(place) = self.bases.get_mut(slot as usize) {
            *place = Some(base);
        }
    }

    pub(crate) fn has_changes(&self) -> bool {
        !(self.new.is_empty() && self.dirty.is_empty() && self.marked.is_empty())
    }

    /// Slots in use.
    pub(crate) fn live(&self) -> impl Iterator<Item = u32> + '_ {
        let live = |(_, header): &(usize, &Header)| header.state != State::Free;
        self.headers
            .iter()
            .enumerate()
            .filter(live)
            .map(|(slot, _)| slot as u32)
    }

    fn allocate(&mut self, state: State) -> u32 {
        if let Some(slot) = self.free.pop() {
            if let Some(header) = self.header_mut(slot) {
                header.state = state;
            }
            return slot;
        }
        self.headers.push(Header::new(state));
        (self.headers.len() - 1) as u32
    }

    fn free(&mut self, slot: u32) {
        if let Some(header) = self.header_mut(slot) {
            *header = Header {
                generation: header.generation.wrapping_add(1),
                ..Header::new(State::Free)
            };
            self.free.push(slot);
        }
        drop(self.take_base(slot));
    }
}

/// The entities of one type.
pub(crate) struct Arena<T: Entity> {
    core: Core,
    values: Vec<Option<T>>,
    identity: Identity<T::Key>,
}

/// An arena of any type.
pub(crate) trait AnyArena: Send {
    fn meta(&self) -> &'static EntityMeta;
    fn entity(&self) -> TypeId;
    fn core(&self) -> &Core;
    fn core_mut(&mut self) -> &mut Core;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn encode(&self, slot: u32, column: usize) -> Value<'_>;
    /// Appends the values of those columns.
    fn push_values<'s>(&'s self, slot: u32, columns: &[usize], values: &mut Vec<Value<'s>>);
    fn set(&mut self, slot: u32, column: usize, value: Value<'_>) -> Result<(), DecodeError>;
    /// The row was inserted; the backend has told what goes into that column of its key.
    fn note_inserted(&mut self, slot: u32, key: Option<(usize, i64)>) -> Result<(), DecodeError>;
    /// Puts the slot into the identity map under its present key.
    fn register(&mut self, slot: u32);
    /// Takes the slot out of the identity map.
    fn unregister(&mut self, slot: u32);
    /// Gives the slot up.
    fn free(&mut self, slot: u32);
    /// Takes a snapshot if there is none yet: the value is about to change.
    fn touch(&mut self, slot: u32);
    /// The slot of the row of that key.
    fn slot_of(&self, key: &[Value<'_>]) -> Option<u32>;
    /// Tracks the row.
    fn track_row(&mut self, row: &RowReader<'_>) -> Result<u32>;
    /// Has the entity rules of its own?
    fn is_validated(&self) -> bool;
    /// Asks them.
    fn validate(&self, slot: u32) -> Result<(), Invalid>;
    /// Overwrites the slot's value with the row's; what was known of it before stays.
    fn restore(&mut self, slot: u32, row: &RowReader<'_>) -> Result<()>;
    /// Overwrites the slot's value with the row's.
    fn reload(&mut self, slot: u32, row: &RowReader<'_>) -> Result<()>;
}

impl<T: Entity> Arena<T> {
    fn new() -> Arena<T> {
        Arena {
            core: Core::default(),
            values: Vec::new(),
            identity: Identity::new(),
        }
    }

    fn place(&mut self, value: T, state: State) -> u32 {
        let slot = self.core.allocate(state);
        match self.values.get_mut(slot as usize) {
            Some(place) => *place = Some(value),
            None => self.values.push(Some(value)),
        }
        slot
    }

    /// Adds new values, in slots behind all others; there must be no free ones. The memory of a `Vec` becomes that of the arena
    /// where the arena has none yet.
    fn append(&mut self, values: impl Iterator<Item = T>) -> Range<u32> {
        let start = self.core.headers.len();
        match start {
            0 => self.values = values.map(Some).collect(),
            _ => self.values.extend(values.map(Some)),
        }
        let count = self.values.len().saturating_sub(start);
        let slots = start as u32..self.values.len() as u32;
        self.core
            .headers
            .extend(std::iter::repeat_with(|| Header::new(State::New)).take(count));
        self.core.new.extend(slots.clone());
        slots
    }

    pub(crate) fn add(&mut self, value: T) -> u32 {
        let slot = self.place(value, State::New);
        self.core.new.push(slot);
        slot
    }

    pub(crate) fn value(&self, slot: u32) -> Option<&T> {
        self.values.get(slot as usize).and_then(Option::as_ref)
    }

    pub(crate) fn value_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.values.get_mut(slot as usize).and_then(Option::as_mut)
    }

    pub(crate) fn find(&self, key: &T::Key) -> Option<u32> {
        self.identity.get(key)
    }

    pub(crate) fn take(&mut self, slot: u32) -> Option<T> {
        self.unregister(slot);
        let value = self.values.get_mut(slot as usize).and_then(Option::take);
        self.core.free(slot);
        value
    }

    /// The slot of the row: the one there is, or a new one with the row's values.
    #[inline]
    pub(crate) fn track(&mut self, row: &RowReader<'_>) -> Result<u32> {
        let key = T::decode_key(row)?;
        if let Some(slot) = self.find(&key) {
            let expired = self.core.header(slot).is_some_and(|header| header.expired);
            if expired && self.core.base(slot).is_none() {
                self.reload(slot, row)?;
            }
            return Ok(slot);
        }
        self.track_new(key, row)
    }

    /// As [`track`](Self::track), of the row that the database has for `key`.
    #[inline]
    pub(crate) fn track_as(&mut self, key: &T::Key, row: &RowReader<'_>) -> Result<u32> {
        // Texts that differ may be the same key for the database; a number is the row's own.
        match key.number() {
            Some(_) if self.find(key).is_none() => self.track_new(key.clone(), row),
            _ => self.track(row),
        }
    }

    #[inline(always)]
    fn track_new(&mut self, key: T::Key, row: &RowReader<'_>) -> Result<u32> {
        let slot = self.place(T::decode(row)?, State::Clean);
        self.identity.insert(key, slot);
        self.core.record_load(slot);
        Ok(slot)
    }
}

impl<T: Entity> AnyArena for Arena<T> {
    fn meta(&self) -> &'static EntityMeta {
        T::META
    }

    fn entity(&self) -> TypeId {
        TypeId::of::<T>()
    }

    fn core(&self) -> &Core {
        &self.core
    }

    fn core_mut(&mut self) -> &mut Core {
        &mut self.core
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn encode(&self, slot: u32, column: usize) -> Value<'_> {
        self.value(slot).map_or(Value::Null, |value| value.encode(column))
    }

    fn push_values<'s>(&'s self, slot: u32, columns: &[usize], values: &mut Vec<Value<'s>>) {
        if let Some(value) = self.value(slot) {
            values.extend(columns.iter().map(|column| value.encode(*column)));
        }
    }

    fn note_inserted(&mut self, slot: u32, key: Option<(usize, i64)>) -> Result<(), DecodeError> {
        let Some(value) = self.values.get_mut(slot as usize).and_then(Option::as_mut) else {
            return Ok(());
        };
        if let Some((column, id)) = key {
            value.set(column, Value::Int(id))?;
        }
        if let Some(key) = value.key() {
            self.identity.insert(key, slot);
        }
        self.core.set_state(slot, State::Clean);
        Ok(())
    }

    fn set(&mut self, slot: u32, column: usize, value: Value<'_>) -> Result<(), DecodeError> {
        self.value_mut(slot)
            .map_or(Ok(()), |entity| entity.set(column, value))
    }

    fn register(&mut self, slot: u32) {
        if let Some(key) = self.value(slot).and_then(T::key) {
            self.identity.insert(key, slot);
        }
    }

    fn unregister(&mut self, slot: u32) {
        if let Some(key) = self.value(slot).and_then(T::key)
            && self.identity.get(&key) == Some(slot)
        {
            self.identity.remove(&key);
            return;
        }
        // The key was changed since: the entry is under the old one.
        if self.core.base(slot).is_some() {
            self.identity.remove_slot(slot);
        }
    }

    fn free(&mut self, slot: u32) {
        drop(self.take(slot));
    }

    fn touch(&mut self, slot: u32) {
        let Some(value) = self.values.get(slot as usize).and_then(Option::as_ref) else {
            return;
        };
        let state = self.core.state(slot);
        if self.core.base(slot).is_some() || matches!(state, State::New | State::Free) {
            return;
        }
        let columns = 0..T::META.columns.len();
        let base = columns.map(|i| value.encode(i).into_owned()).collect();
        self.core.set_base(slot, base);
        if state != State::Deleted {
            self.core.dirty.push(slot);
        }
    }

    fn slot_of(&self, key: &[Value<'_>]) -> Option<u32> {
        let row = KeyRow {
            columns: T::META.key,
            key,
        };
        let key = T::decode_key(&RowReader::new(&row)).ok()?;
        self.find(&key)
    }

    fn track_row(&mut self, row: &RowReader<'_>) -> Result<u32> {
        self.track(row)
    }

    fn is_validated(&self) -> bool {
        T::VALIDATED
    }

    fn validate(&self, slot: u32) -> Result<(), Invalid> {
        self.value(slot).map_or(Ok(()), T::validate)
    }

    fn restore(&mut self, slot: u32, row: &RowReader<'_>) -> Result<()> {
        self.value_mut(slot).map_or(Ok(()), |value| value.restore(row))
    }

    fn reload(&mut self, slot: u32, row: &RowReader<'_>) -> Result<()> {
        self.restore(slot, row)?;
        if let Some(header) = self.core.headers.get_mut(slot as usize) {
            header.expired = false;
        }
        drop(self.core.take_base(slot));
        self.core.record_load(slot);
        Ok(())
    }
}

/// A row of which only the key is known: enough to decode the key.
struct KeyRow<'v> {
    columns: &'static [usize],
    key: &'v [Value<'v>],
}

impl crate::drivers::Row for KeyRow<'_> {
    fn value(&self, index: usize) -> Value<'_> {
        let at = self.columns.iter().position(|column| *column == index);
        at.and_then(|at| self.key.get(at))
            .map_or(Value::Null, Value::borrowed)
    }

    fn width(&self) -> usize {
        self.columns.len()
    }
}

/// Values that were put aside, as a row.
pub(crate) struct ValueRow<'v>(pub(crate) &'v [Value<'static>]);

impl crate::drivers::Row for ValueRow<'_> {
    fn value(&self, index: usize) -> Value<'_> {
        self.0.get(index).map_or(Value::Null, Value::borrowed)
    }

    fn width(&self) -> usize {
        self.0.len()
    }
}

/// All arenas of a session.
pub(crate) struct Store {
    session: u32,
    arenas: Vec<Box<dyn AnyArena>>,
    by_type: FxHashMap<TypeId, u32>,
    /// The arena that was asked for last: programs stay with one type for a while.
    last: Option<(TypeId, u32)>,
    records_loads: bool,
}

impl Store {
    pub(crate) fn new(session: u32) -> Store {
        Store {
            session,
            arenas: Vec::new(),
            by_type: FxHashMap::default(),
            last: None,
            records_loads: false,
        }
    }

    /// Whether arenas note which slots were read from the database.
    pub(crate) fn record_loads(&mut self, on: bool) {
        if self.records_loads != on {
            self.records_loads = on;
            for arena in &mut self.arenas {
                arena.core_mut().loads = on.then(Vec::new);
            }
        }
    }

    /// The slots that were read since this was last asked.
    pub(crate) fn take_loads(&mut self) -> Vec<(usize, u32)> {
        let mut all = Vec::new();
        for (number, arena) in self.arenas.iter_mut().enumerate() {
            let loads = arena
                .core_mut()
                .loads
                .as_mut()
                .map(std::mem::take)
                .unwrap_or_default();
            all.extend(loads.into_iter().map(|slot| (number, slot)));
        }
        all
    }

    pub(crate) fn arenas(&self) -> &[Box<dyn AnyArena>] {
        &self.arenas
    }

    pub(crate) fn any(&self, arena: usize) -> Option<&dyn AnyArena> {
        self.arenas.get(arena).map(AsRef::as_ref)
    }

    pub(crate) fn any_mut(&mut self, arena: usize) -> Option<&mut (dyn AnyArena + 'static)> {
        self.arenas.get_mut(arena).map(AsMut::as_mut)
    }

    /// The number of the arena of that type.
    pub(crate) fn arena_of(&self, entity: TypeId) -> Option<usize> {
        self.by_type.get(&entity).map(|i| *i as usize)
    }

    /// The number of the arena of `T`, made if need be.
    #[inline]
    pub(crate) fn arena_index<T: Entity>(&mut self) -> u32 {
        let of = TypeId::of::<T>();
        if let Some((last, index)) = self.last
            && last == of
        {
            return index;
        }
        let index = match self.by_type.get(&of) {
            Some(index) => *index,
            None => self.add_arena::<T>(),
        };
        self.last = Some((of, index));
        index
    }

    fn add_arena<T: Entity>(&mut self) -> u32 {
        let index = self.arenas.len() as u32;
        let mut arena = Arena::<T>::new();
        arena.core.loads = self.records_loads.then(Vec::new);
        self.arenas.push(Box::new(arena));
        self.by_type.insert(TypeId::of::<T>(), index);
        index
    }

    fn typed<T: Entity>(&self, arena: u32) -> Option<&Arena<T>> {
        self.arenas
            .get(arena as usize)
            .and_then(|arena| arena.as_any().downcast_ref())
    }

    fn typed_mut<T: Entity>(&mut self, arena: u32) -> Option<&mut Arena<T>> {
        self.arenas
            .get_mut(arena as usize)
            .and_then(|arena| arena.as_any_mut().downcast_mut())
    }

    /// Runs something on the arena of `T`, made if need be.
    pub(crate) fn with_arena<T: Entity, R>(&mut self, run: impl FnOnce(&mut Arena<T>) -> R) -> (u32, R) {
        let index = self.arena_index::<T>();
        match self.typed_mut::<T>(index) {
            Some(arena) => (index, run(arena)),
            // `by_type` only has arenas of the type it names.
            None => unreachable!("arena {index} is of another type"),
        }
    }

    /// Tracks new entities, in this order.
    pub(crate) fn add_all<T: Entity>(&mut self, entities: impl IntoIterator<Item = T>) -> Vec<Handle<T>> {
        let (session, number) = (self.session, self.arena_index::<T>());
        let handle = |slot, generation| {
            Handle::new(RawHandle {
                session,
                slot,
                generation,
                arena: number as u16,
                part: 0,
            })
        };
        let (_, handles) = self.with_arena::<T, _>(|arena| match arena.core.free.is_empty() {
            true => {
                let slots = arena.append(entities.into_iter());
                slots.map(|slot| handle(slot, 0)).collect()
            }
            false => {
                let add = |entity| {
                    let slot = arena.add(entity);
                    handle(slot, arena.core.generation(slot))
                };
                entities.into_iter().map(add).collect()
            }
        });
        handles
    }

    pub(crate) fn handle<T: Entity>(&self, arena: u32, slot: u32) -> Handle<T> {
        Handle::new(self.raw(arena, slot))
    }

    pub(crate) fn raw(&self, arena: u32, slot: u32) -> RawHandle {
        RawHandle {
            session: self.session,
            slot,
            generation: self
                .any(arena as usize)
                .map_or(0, |arena| arena.core().generation(slot)),
            arena: arena as u16,
            part: 0,
        }
    }

    /// Is the handle one of this session, and what it stands for still here?
    pub(crate) fn check(&self, raw: RawHandle) -> Result<&dyn AnyArena, HandleError> {
        if raw.session != self.session {
            return Err(HandleError::OtherSession);
        }
        let arena = self.any(raw.arena as usize).ok_or(HandleError::Gone)?;
        match arena.core().header(raw.slot) {
            Some(header) if header.generation == raw.generation && header.state != State::Free => Ok(arena),
            _ => Err(HandleError::Gone),
        }
    }

    #[inline]
    pub(crate) fn get<T: Entity>(&self, handle: Handle<T>) -> Result<&T, HandleError> {
        self.check(handle.raw)?;
        self.typed(handle.raw.arena.into())
            .and_then(|arena| arena.value(handle.raw.slot))
            .ok_or(HandleError::Gone)
    }

    #[inline]
    pub(crate) fn get_mut<T: Entity>(&mut self, handle: Handle<T>) -> Result<&mut T, HandleError> {
        self.check(handle.raw)?;
        let arena = self
            .typed_mut::<T>(handle.raw.arena.into())
            .ok_or(HandleError::Gone)?;
        arena.touch(handle.raw.slot);
        arena.value_mut(handle.raw.slot).ok_or(HandleError::Gone)
    }

    /// The handle of a slot, if its row is neither to be deleted nor marked as deleted.
    #[inline]
    pub(crate) fn there<T: Entity>(&self, number: u32, slot: u32) -> Option<Handle<T>> {
        let header = self.typed::<T>(number)?.core.header(slot)?;
        let soft = T::META.soft_delete.is_some();
        if header.state == State::Marked || soft && self.is_marked_deleted(number as usize, slot) {
            return None;
        }
        Some(Handle::new(RawHandle {
            session: self.session,
            slot,
            generation: header.generation,
            arena: number as u16,
            part: 0,
        }))
    }

    /// Tracks the row of that key; the number of its slot.
    #[inline]
    pub(crate) fn track_in<T: Entity>(
        &mut self,
        arena: u32,
        key: &T::Key,
        row: &RowReader<'_>,
    ) -> Result<u32> {
        match self.typed_mut::<T>(arena) {
            Some(arena) => arena.track_as(key, row),
            None => unreachable!("arena {arena} is of another type"),
        }
    }

    pub(crate) fn track<T: Entity>(&mut self, row: &RowReader<'_>) -> Result<Handle<T>> {
        let session = self.session;
        let (arena, tracked) = self.with_arena::<T, _>(|arena| {
            let slot = arena.track(row)?;
            Ok::<_, Error>((slot, arena.core.generation(slot)))
        });
        let (slot, generation) = tracked?;
        Ok(Handle::new(RawHandle {
            session,
            slot,
            generation,
            arena: arena as u16,
            part: 0,
        }))
    }

    /// The column of the key that a handle stands for as a value; what an `Fk` to it is set to.
    pub(crate) fn key_of(&self, raw: RawHandle) -> Result<Value<'static>> {
        let arena = self.check(raw)?;
        let meta = arena.meta();
        let Some(column) = meta.key.get(usize::from(raw.part)) else {
            return Err(Error::Flush(format!(
                "the key of `{}` has no such column",
                meta.name
            )));
        };
        match arena.encode(raw.slot, *column) {
            Value::Null => Err(Error::Flush(format!(
                "a new `{}` is referred to before it has a key: flush first, or make the reference an `Fk` of an entity in this session",
                meta.name
            ))),
            Value::Pending(next) => self.key_of(next),
            value => Ok(value.into_owned()),
        }
    }

    /// The values of a slot's key, as the database has them.
    pub(crate) fn stored_key(&self, arena: usize, slot: u32) -> Vec<Value<'static>> {
        let Some(arena) = self.any(arena) else {
            return Vec::new();
        };
        let base = arena.core().base(slot);
        let value = |i: &usize| match base.and_then(|base| base.get(*i)) {
            Some(value) => value.clone(),
            None => arena.encode(slot, *i).into_owned(),
        };
        arena.meta().key.iter().map(value).collect()
    }

    /// As [`stored_key`](Store::stored_key), borrowed.
    pub(crate) fn push_stored_key<'s>(&'s self, arena: usize, slot: u32, key: &mut Vec<Value<'s>>) {
        let Some(arena) = self.any(arena) else { return };
        let base = arena.core().base(slot);
        for column in arena.meta().key {
            key.push(match base.and_then(|base| base.get(*column)) {
                Some(value) => value.borrowed(),
                None => arena.encode(slot, *column),
            });
        }
    }

    /// Is the row's deletion only a mark? Then that column and its mark.
    pub(crate) fn soft_delete(&self, arena: usize, slot: u32) -> Option<(usize, fn() -> Value<'static>)> {
        let any = self.any(arena)?;
        let purge = any.core().header(slot).is_some_and(|header| header.purge);
        let column = any.meta().soft_delete.filter(|_| !purge)?;
        Some((column, any.meta().columns.get(column)?.soft_delete?))
    }

    /// Is the row marked as deleted, in memory?
    pub(crate) fn is_marked_deleted(&self, arena: usize, slot: u32) -> bool {
        let marked = |any: &dyn AnyArena| Some(is_mark(&any.encode(slot, any.meta().soft_delete?)));
        self.any(arena).and_then(marked).unwrap_or(false)
    }

    pub(crate) fn has_changes(&self) -> bool {
        self.arenas.iter().any(|arena| arena.core().has_changes())
    }

    /// The slot of a key, if that row is here and alive; and whether it is to be read anew.
    pub(crate) fn find<T: Entity>(&self, key: &T::Key) -> Option<(Handle<T>, bool)> {
        self.find_in(*self.by_type.get(&TypeId::of::<T>())?, key)
    }

    /// As [`find`](Store::find), by the number of the arena of `T`.
    #[inline]
    pub(crate) fn find_in<T: Entity>(&self, number: u32, key: &T::Key) -> Option<(Handle<T>, bool)> {
        let arena = self.typed::<T>(number)?;
        let slot = arena.find(key)?;
        let header = arena.core.header(slot)?;
        let raw = RawHandle {
            session: self.session,
            slot,
            generation: header.generation,
            arena: number as u16,
            part: 0,
        };
        Some((Handle::new(raw), header.expired))
    }
}

/// A key's text for messages.
pub(crate) fn shown_key<T: Entity>(key: &T::Key) -> String {
    key.shown()
}
