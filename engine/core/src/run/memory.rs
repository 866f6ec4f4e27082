//! Values kept in memory between runs, within a budget; the least recently used goes first.

use kiln_types::{Key, Value};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};

#[derive(Default)]
struct Held {
    values: HashMap<Key, (Value, usize, u64)>,
    by_age: BTreeMap<u64, Key>,
    bytes: usize,
    clock: u64,
}

/// Values kept in memory between runs.
pub struct MemoryCache {
    budget: usize,
    held: Mutex<Held>,
}

impl MemoryCache {
    /// Keeps at most `budget` bytes.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        Self { budget, held: Mutex::default() }
    }

    /// A value, if it is still here.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<Value> {
        let mut held = self.held.lock();
        held.clock += 1;
        let now = held.clock;
        let (value, old) =
            held.values.get_mut(key).map(|(v, _, at)| (v.clone(), std::mem::replace(at, now)))?;
        held.by_age.remove(&old);
        held.by_age.insert(now, *key);
        Some(value)
    }

    /// Keeps a value, and lets go of the oldest ones beyond the budget.
    pub fn put(&self, key: Key, value: Value) {
        let bytes = value.byte_size();
        if bytes > self.budget {
            return;
        }
        let mut held = self.held.lock();
        held.clock += 1;
        let now = held.clock;
        if let Some((_, old_bytes, old)) = held.values.insert(key, (value, bytes, now)) {
            held.by_age.remove(&old);
            held.bytes -= old_bytes;
        }
        held.by_age.insert(now, key);
        held.bytes += bytes;
        while held.bytes > self.budget {
            let Some((_, oldest)) = held.by_age.pop_first() else { break };
            if let Some((_, bytes, _)) = held.values.remove(&oldest) {
                held.bytes -= bytes;
            }
        }
    }

    /// Bytes held now.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.held.lock().bytes
    }

    /// Lets go of everything.
    pub fn clear(&self) {
        *self.held.lock() = Held::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first() {
        let key = |n: u8| Key([n; 32]);
        let one = Value::text("x".repeat(1000));
        let cache = MemoryCache::new(one.byte_size() * 2);
        cache.put(key(1), one.clone());
        cache.put(key(2), one.clone());
        assert!(cache.get(&key(1)).is_some());
        cache.put(key(3), one.clone());
        assert!(cache.get(&key(2)).is_none());
        assert!(cache.get(&key(1)).is_some() && cache.get(&key(3)).is_some());
        assert_eq!(cache.bytes(), one.byte_size() * 2);
        cache.put(key(4), Value::text("x".repeat(9000)));
        assert!(cache.get(&key(4)).is_none());
    }
}
