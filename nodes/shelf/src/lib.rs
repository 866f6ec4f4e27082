//! Models where they are used: opened once, built once, kept within a budget.
//!
//! What travels on wires only says which file and what is changed about it; a family builds the network from that where
//! it is needed, and asks the shelf to keep it. All families share one shelf, so the budget holds for all of them.

mod file;

pub use file::StoredFile;

use kiln_core::NodeError;
use kiln_tensor::{Compute, ComputeError, DeviceChoice, Precision};
use parking_lot::Mutex;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

type Built = Arc<dyn Any + Send + Sync>;

struct Slot {
    built: Option<Built>,
    bytes: usize,
}

/// What kind of thing it is, and the digest of what it is made of.
type Name = (&'static str, [u8; 32]);
/// A slot, and when it was last asked for.
type Place = (Arc<Mutex<Slot>>, u64);

#[derive(Default)]
struct Slots {
    /// What is built or being built, with when it was last asked for.
    slots: BTreeMap<Name, Place>,
    clock: u64,
}

/// The device models run on, and what is built there.
pub struct Shelf {
    choice: DeviceChoice,
    precision: Option<Precision>,
    compute: OnceLock<Result<Compute, ComputeError>>,
    budget: usize,
    slots: Mutex<Slots>,
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shelf({})", self.choice)
    }
}

/// Bytes of memory this machine has, where that can be known.
fn machine_memory() -> usize {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("MemTotal:"));
    let kilobytes = line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<usize>().ok());
    kilobytes.map_or(8 << 30, |k| k.saturating_mul(1024))
}

impl Shelf {
    /// Models on this device, `budget` bytes of them at most; by default six tenths of the machine's memory. Nothing is
    /// opened before it is needed.
    #[must_use]
    pub fn new(choice: DeviceChoice, precision: Option<Precision>, budget: Option<usize>) -> Self {
        let budget = budget.unwrap_or_else(|| machine_memory() / 10 * 6);
        Self { choice, precision, compute: OnceLock::new(), budget, slots: Mutex::default() }
    }

    /// Models on the processor.
    #[must_use]
    pub fn cpu() -> Self {
        Self::new(DeviceChoice::Cpu, None, None)
    }

    /// Where models run; the device is looked for when this is first asked.
    ///
    /// # Errors
    /// When there is no such device.
    pub fn compute(&self) -> Result<&Compute, NodeError> {
        self.compute
            .get_or_init(|| Compute::choose(self.choice, self.precision))
            .as_ref()
            .map_err(|e| NodeError::new(e.to_string()))
    }

    /// The device's numeric class, for keys.
    ///
    /// # Errors
    /// When there is no such device.
    pub fn class(&self) -> Result<String, NodeError> {
        self.compute().map(Compute::class)
    }

    /// Bytes of models kept at most.
    #[must_use]
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// Bytes of what is kept now.
    #[must_use]
    pub fn held(&self) -> usize {
        let slots: Vec<Arc<Mutex<Slot>>> = self.slots.lock().slots.values().map(|s| s.0.clone()).collect();
        slots.iter().map(|s| s.try_lock().map_or(0, |s| s.bytes)).sum()
    }

    /// What is built under this name; built by one while the others who want it wait. `kind` keeps the names of families
    /// apart; `build` tells the bytes it takes.
    ///
    /// # Errors
    /// Those of `build`.
    pub fn shared<T: Any + Send + Sync>(
        &self,
        kind: &'static str,
        digest: [u8; 32],
        build: impl FnOnce() -> Result<(T, usize), NodeError>,
    ) -> Result<Arc<T>, NodeError> {
        let slot = {
            let mut shelf = self.slots.lock();
            shelf.clock += 1;
            let now = shelf.clock;
            let entry = shelf
                .slots
                .entry((kind, digest))
                .or_insert_with(|| (Arc::new(Mutex::new(Slot { built: None, bytes: 0 })), now));
            entry.1 = now;
            entry.0.clone()
        };
        let mut held = slot.lock();
        if let Some(built) = &held.built
            && let Ok(built) = built.clone().downcast::<T>()
        {
            return Ok(built);
        }
        let (built, bytes) = build()?;
        let built = Arc::new(built);
        held.built = Some(built.clone());
        held.bytes = bytes;
        drop(held);
        drop(slot);
        self.make_room(bytes);
        Ok(built)
    }

    /// Lets go of what was longest not asked for and nobody uses, until the rest fits.
    fn make_room(&self, newest: usize) {
        let mut shelf = self.slots.lock();
        let mut order: Vec<(Name, u64)> = shelf.slots.iter().map(|(k, s)| (*k, s.1)).collect();
        order.sort_by_key(|o| o.1);
        let mut total: usize = shelf.slots.values().map(|s| s.0.try_lock().map_or(0, |s| s.bytes)).sum();
        let last = order.len().saturating_sub(1);
        for (key, _) in &order[..last] {
            if total <= self.budget.max(newest) {
                break;
            }
            let Some((slot, _)) = shelf.slots.get(key) else { continue };
            let free = Arc::strong_count(slot) == 1
                && slot
                    .try_lock()
                    .is_some_and(|s| s.built.as_ref().is_none_or(|b| Arc::strong_count(b) == 1));
            if free && let Some((slot, _)) = shelf.slots.remove(key) {
                total = total.saturating_sub(slot.try_lock().map_or(0, |s| s.bytes));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn many_who_want_one_thing_get_it_built_once() {
        let shelf = Shelf::new(DeviceChoice::Cpu, None, Some(1000));
        let built = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let one = shelf.shared("x", [1; 32], || {
                        std::thread::sleep(std::time::Duration::from_millis(20));
                        Ok((built.fetch_add(1, Ordering::SeqCst), 10))
                    });
                    assert_eq!(*one.unwrap(), 0);
                });
            }
        });
        assert_eq!(built.load(Ordering::SeqCst), 1);
        assert_eq!(shelf.held(), 10);
    }

    #[test]
    fn what_was_longest_unused_goes_first_and_what_is_in_use_stays() {
        let shelf = Shelf::new(DeviceChoice::Cpu, None, Some(100));
        let make = |n: u8| shelf.shared("x", [n; 32], || Ok((n, 40))).unwrap();
        let kept = make(1);
        make(2);
        make(3);
        assert_eq!(shelf.held(), 80, "the second had to go: the first is in use");
        drop(kept);
        make(1);
        make(4);
        assert!(shelf.slots.lock().slots.contains_key(&("x", [1; 32])), "it was asked for last");
        assert!(!shelf.slots.lock().slots.contains_key(&("x", [3; 32])));
        assert!(shelf.held() <= 100);
    }

    #[test]
    fn a_failure_is_not_kept() {
        let shelf = Shelf::cpu();
        let failed = shelf.shared::<u8>("x", [1; 32], || Err(NodeError::new("no")));
        assert!(failed.is_err());
        assert_eq!(*shelf.shared("x", [1; 32], || Ok((7u8, 1))).unwrap(), 7);
    }
}
