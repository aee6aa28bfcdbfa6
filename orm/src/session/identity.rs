//! From a key to the slot of its row.
//!
//! ```text
//!   key that is a number:   high bits ── pages ──> eight slots beside each other, by the low bits
//!   any other key:          others: key -> slot
//! ```
//!
//! Numbers are mostly given out one after the other, and rows come in that order: eight of them share one entry of the hash
//! table and half a line of the processor's cache, and nothing is kept of the key itself. Keys far from each other take a page
//! each, some thirty bytes more than an entry of their own would.
//!
//! Invariants:
//! I1. A page in `pages` has at least one slot that is not [`NONE`]; the others are in `free`. (`Numbers::remove`)
//! I2. A key is in `numbers` exactly if [`Key::number`] says a number, which is the same for equal keys.

use std::cell::Cell;

use rustc_hash::FxHashMap;

use crate::mapper::Key;

/// No slot.
const NONE: u32 = u32::MAX;

/// The low bits of a number that choose a place in its page.
const PAGE_BITS: u32 = 3;
const PAGE_LEN: usize = 1 << PAGE_BITS;

/// See the module's head.
pub(super) struct Identity<K> {
    numbers: Numbers,
    others: FxHashMap<K, u32>,
}

#[derive(Default)]
struct Numbers {
    pages: FxHashMap<i64, u32>,
    slots: Vec<[u32; PAGE_LEN]>,
    free: Vec<u32>,
    /// The page that was looked for last, [`NONE`] where there is none, and the high bits of its numbers: a row that was looked for is
    /// often put in next.
    last: Cell<Option<(i64, u32)>>,
}

impl<K: Key> Identity<K> {
    pub(super) fn new() -> Identity<K> {
        Identity {
            numbers: Numbers::default(),
            others: FxHashMap::default(),
        }
    }

    #[inline]
    pub(super) fn get(&self, key: &K) -> Option<u32> {
        match key.number() {
            Some(number) => self.numbers.get(number),
            None => self.others.get(key).copied(),
        }
    }

    /// Puts the slot in; one that was there under this key is replaced.
    #[inline]
    pub(super) fn insert(&mut self, key: K, slot: u32) {
        match key.number() {
            Some(number) => self.numbers.insert(number, slot),
            None => {
                self.others.insert(key, slot);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &K) {
        match key.number() {
            Some(number) => self.numbers.remove(number),
            None => {
                self.others.remove(key);
            }
        }
    }

    /// Takes a slot out whose key is not known any more.
    pub(super) fn remove_slot(&mut self, slot: u32) {
        self.numbers.remove_slot(slot);
        self.others.retain(|_, other| *other != slot);
    }
}

impl Numbers {
    #[inline]
    fn page(&self, high: i64) -> Option<u32> {
        if let Some((last, page)) = self.last.get()
            && last == high
        {
            return (page != NONE).then_some(page);
        }
        let page = self.pages.get(&high).copied();
        self.last.set(Some((high, page.unwrap_or(NONE))));
        page
    }

    #[inline]
    fn get(&self, number: i64) -> Option<u32> {
        let page = self.page(number >> PAGE_BITS)?;
        let slot = self.slots.get(page as usize)?[place(number)];
        (slot != NONE).then_some(slot)
    }

    #[inline]
    fn insert(&mut self, number: i64, slot: u32) {
        let high = number >> PAGE_BITS;
        let page = match self.page(high) {
            Some(page) => page,
            None => self.add_page(high),
        };
        if let Some(slots) = self.slots.get_mut(page as usize) {
            slots[place(number)] = slot;
        }
    }

    fn add_page(&mut self, high: i64) -> u32 {
        let page = self.free.pop().unwrap_or_else(|| {
            self.slots.push([NONE; PAGE_LEN]);
            (self.slots.len() - 1) as u32
        });
        self.pages.insert(high, page);
        self.last.set(Some((high, page)));
        page
    }

    fn remove(&mut self, number: i64) {
        let high = number >> PAGE_BITS;
        let Some(page) = self.page(high) else { return };
        let Some(slots) = self.slots.get_mut(page as usize) else {
            return;
        };
        slots[place(number)] = NONE;
        if slots.iter().all(|slot| *slot == NONE) {
            self.remove_page(high, page);
        }
    }

    fn remove_page(&mut self, high: i64, page: u32) {
        self.pages.remove(&high);
        self.free.push(page);
        self.last.set(None);
    }

    fn remove_slot(&mut self, slot: u32) {
        let number = self.pages.iter().find_map(|(high, page)| {
            let slots = self.slots.get(*page as usize)?;
            let place = slots.iter().position(|other| *other == slot)?;
            Some(*high << PAGE_BITS | place as i64)
        });
        if let Some(number) = number {
            self.remove(number);
        }
    }
}

#[inline]
fn place(number: i64) -> usize {
    (number & (PAGE_LEN as i64 - 1)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of a generator of pseudo-random numbers.
    fn next(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    #[test]
    fn is_as_a_hash_table() {
        let (mut identity, mut model) = (Identity::<i64>::new(), FxHashMap::<i64, u32>::default());
        let mut state = 0x5eed_1234_abcd_0001;
        for slot in 0..20_000 {
            let random = next(&mut state);
            // Beside each other, below zero, and at the ends of the numbers.
            let key = match random >> 60 {
                0 => i64::MIN + (random % 20) as i64,
                1 => i64::MAX - (random % 20) as i64,
                _ => (random % 400) as i64 - 200,
            };
            match random >> 56 & 7 {
                0..4 => {
                    identity.insert(key, slot);
                    model.insert(key, slot);
                }
                4..6 => {
                    identity.remove(&key);
                    model.remove(&key);
                }
                _ => {
                    if let Some(slot) = model.get(&key).copied() {
                        identity.remove_slot(slot);
                        model.retain(|_, other| *other != slot);
                    }
                }
            }
            assert_eq!(identity.get(&key), model.get(&key).copied(), "seed step {slot}");
        }
        let pages: std::collections::HashSet<i64> = model.keys().map(|key| key >> PAGE_BITS).collect();
        assert_eq!(identity.numbers.pages.len(), pages.len());
        for key in model.keys() {
            assert_eq!(identity.get(key), model.get(key).copied());
        }
    }

    #[test]
    fn takes_keys_that_are_no_numbers() {
        let mut identity = Identity::<String>::new();
        identity.insert("a".to_owned(), 1);
        identity.insert("b".to_owned(), 2);
        identity.insert("a".to_owned(), 3);
        assert_eq!(identity.get(&"a".to_owned()), Some(3));
        identity.remove_slot(2);
        assert_eq!(identity.get(&"b".to_owned()), None);
        identity.remove(&"a".to_owned());
        assert_eq!(identity.get(&"a".to_owned()), None);
    }
}
