//! How much memory reading a file takes, and a generator of damage.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;

use kiln_weights::WeightFile;

/// Counts what this thread holds, and the most it has held.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    let held = HELD.get() + change;
    HELD.set(held);
    MOST.set(MOST.get().max(held));
}

// SAFETY: hands every call to the system's allocator and counts beside it, without allocating.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Opens a file and touches everything in it, as a loader would. True if it opened.
pub fn use_up(path: &Path) -> bool {
    let file = match WeightFile::open(path) {
        Ok(file) => file,
        Err(error) => {
            let said = error.to_string();
            assert!(said.len() < 3000 && !said.contains(char::is_control), "{said}");
            return false;
        }
    };
    for tensor in file.iter() {
        let _ = (tensor.bytes().len(), tensor.first_not_finite());
        assert_eq!(tensor.to_f32().len(), tensor.len());
        assert_eq!(tensor.bytes().len(), tensor.byte_len());
    }
    for warning in file.warnings() {
        assert!(!warning.contains(char::is_control), "{warning}");
    }
    true
}

/// As `use_up`; also the most memory it took.
pub fn measured(path: &Path) -> (bool, isize) {
    let before = HELD.get();
    MOST.set(before);
    let opened = use_up(path);
    (opened, MOST.get() - before)
}

/// A small generator of numbers: the same on every machine.
pub struct Dice(pub u64);

impl Dice {
    /// A number below this one.
    pub fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % below.max(1)
    }
}

impl Dice {
    /// The same bytes, cut, shifted, or with some of them changed.
    pub fn damage(&mut self, whole: &[u8], round: usize) -> Vec<u8> {
        let mut bytes = whole.to_vec();
        match round % 5 {
            0 => bytes.truncate(self.next(whole.len())),
            1 => {
                let (from, to) = (self.next(whole.len()), self.next(whole.len()));
                bytes.copy_within(from..(from + 8).min(whole.len()), to.min(whole.len() - 8));
            }
            2 => {
                let at = self.next(whole.len());
                bytes.insert(at, self.next(256) as u8);
            }
            _ => {
                for _ in 0..=self.next(6) {
                    let at = self.next(whole.len());
                    bytes[at] =
                        [self.next(256) as u8, 0xff, 0, bytes[at] ^ (1 << self.next(8))][self.next(4)];
                }
            }
        }
        bytes
    }
}
