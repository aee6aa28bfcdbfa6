//! The system's allocator, counting what each thread holds.
//!
//! Every thread counts for itself, so that cases that run side by side do not disturb each other. What one thread allocates and another
//! frees is counted wrongly by both; the trials stay on their threads.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use aludel_tests::damage::Meter;

/// Counts allocations of this thread.
pub(crate) struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    // A thread that ends has no counters any more, and nobody asks.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + change);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: every call goes to the system's allocator unchanged; counting does not allocate, because the counters are
// constant-initialised cells without destructors.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller's promise about the layout is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: the caller's promise about pointer and layout is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.cast_signed() - layout.size().cast_signed());
        // SAFETY: the caller's promise about pointer, layout and size is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

impl Meter for Counting {
    fn reset(&self) {
        let held = HELD.with(Cell::get);
        BASE.with(|base| base.set(held));
        PEAK.with(|peak| peak.set(held));
    }

    fn peak(&self) -> usize {
        let above = PEAK.with(Cell::get) - BASE.with(Cell::get);
        usize::try_from(above).unwrap_or(0)
    }
}

thread_local! {
    /// What was held when the counting began.
    static BASE: Cell<isize> = const { Cell::new(0) };
}
