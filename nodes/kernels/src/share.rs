//! Memory that threads share: results written in disjoint parts, and scratch that is kept.

#![allow(unsafe_code, reason = "threads write disjoint parts of one result")]

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// A result that several threads write, each its own part.
#[derive(Clone, Copy)]
pub(crate) struct Out {
    start: *mut f32,
    len: usize,
}

// SAFETY: whoever uses it writes parts that do not overlap; see `at`.
unsafe impl Send for Out {}
// SAFETY: as above.
unsafe impl Sync for Out {}

impl Out {
    pub(crate) fn new(out: &mut [f32]) -> Out {
        Out { start: out.as_mut_ptr(), len: out.len() }
    }

    /// The part `start .. start + len`.
    ///
    /// # Safety
    /// No other thread holds an overlapping part meanwhile, and the result outlives it.
    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "that is the point: the parts are disjoint")]
    pub(crate) unsafe fn part<'a>(&self, start: usize, len: usize) -> &'a mut [f32] {
        assert!(start <= self.len && len <= self.len - start);
        // SAFETY: inside the slice (just checked); disjoint by the caller's word.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }

    /// A pointer to number `start`.
    ///
    /// # Safety
    /// `start` is inside, and what is written through the pointer is disjoint between threads.
    #[inline(always)]
    pub(crate) unsafe fn at(&self, start: usize) -> *mut f32 {
        debug_assert!(start <= self.len);
        // SAFETY: inside by the caller's word.
        unsafe { self.start.add(start) }
    }
}

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

thread_local! {
    static KEPT: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// At most this many buffers, none larger than this, are kept by a thread.
const KEEP: usize = 4;
const KEEP_LINES: usize = (20 << 20) / 64;

/// Scratch memory, aligned to cache lines, with arbitrary numbers in it. Given back to the thread
/// when dropped. (Taken out, not borrowed: while a thread waits for others it may run another task
/// that needs scratch, too.)
pub(crate) struct Scratch {
    lines: Vec<Line>,
    len: usize,
}

impl Scratch {
    pub(crate) fn new(len: usize) -> Scratch {
        let need = len.div_ceil(16);
        let mut lines = KEPT.with_borrow_mut(|kept| {
            let fits = (0..kept.len())
                .filter(|&i| kept[i].len() >= need)
                .min_by_key(|&i| kept[i].len())
                .or_else(|| (0..kept.len()).min_by_key(|&i| kept[i].len()));
            fits.map(|i| kept.swap_remove(i)).unwrap_or_default()
        });
        if lines.len() < need {
            // Nothing of the old contents is worth copying.
            lines = Vec::new();
            lines.resize(need, Line([0.0; 16]));
        }
        Scratch { lines, len }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        if lines.len() <= KEEP_LINES {
            // While a thread ends its store may be gone: then the memory is simply freed.
            let _ = KEPT.try_with(|kept| {
                let mut kept = kept.borrow_mut();
                kept.push(lines);
                if kept.len() > KEEP {
                    let smallest = (0..kept.len()).min_by_key(|&i| kept[i].len()).unwrap_or(0);
                    kept.swap_remove(smallest);
                }
            });
        }
    }
}

impl Deref for Scratch {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        // SAFETY: the lines are floats without gaps, and there are at least `len`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// How many parts to cut `items` into, so that every thread gets several and none is smaller than
/// `least`.
pub(crate) fn part_size(items: usize, least: usize, most: usize) -> usize {
    let threads = rayon::current_num_threads();
    if threads <= 1 {
        return most.max(1);
    }
    items.div_ceil(threads * 4).clamp(least.max(1), most.max(least).max(1))
}
