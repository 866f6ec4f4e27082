//! Chance from a seed and a label: counted, not drawn one after the other.
//!
//! A stream is the extended output of blake3 over (seed, label); its n-th number lies at a fixed place, so nothing
//! depends on who asks first, and every machine gets the same numbers for ever.

/// The numbers that belong to one seed and one label.
#[derive(Debug, Clone)]
pub struct Chance {
    reader: blake3::OutputReader,
    buffer: Box<[u8; BLOCK]>,
    used: usize,
}

const BLOCK: usize = 1024;

impl Chance {
    /// The stream for a purpose, named by a short label.
    #[must_use]
    pub fn new(seed: u64, label: &str) -> Self {
        Self::indexed(seed, label, 0)
    }

    /// The stream of one of many (an item, a group): its own numbers, whoever is asked first.
    #[must_use]
    pub fn indexed(seed: u64, label: &str, index: u64) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("kiln collection chance 1");
        hasher.update(&seed.to_le_bytes());
        hasher.update(&index.to_le_bytes());
        hasher.update(label.as_bytes());
        Self { reader: hasher.finalize_xof(), buffer: Box::new([0; BLOCK]), used: BLOCK }
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        if self.used == BLOCK {
            self.reader.fill(self.buffer.as_mut_slice());
            self.used = 0;
        }
        let mut eight = [0; 8];
        eight.copy_from_slice(&self.buffer[self.used..self.used + 8]);
        self.used += 8;
        u64::from_le_bytes(eight)
    }

    /// From 0 up to, but without, 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// A whole number below `n`, each as likely; 0 where `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let n = (n as u64).max(1);
        // Lemire 2019: multiply, and throw away what would be one too many.
        let threshold = n.wrapping_neg() % n;
        loop {
            let wide = u128::from(self.bits()) * u128::from(n);
            if wide as u64 >= threshold {
                return (wide >> 64) as usize;
            }
        }
    }

    /// Puts a list into an order of chance (Fisher and Yates).
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            let other = self.below(at + 1);
            list.swap(at, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_never_change() {
        let mut chance = Chance::new(7, "test");
        let first: Vec<u64> = (0..3).map(|_| chance.bits()).collect();
        assert_eq!(first, GOLDEN);
        let mut other = Chance::new(7, "other");
        assert_ne!(first[0], other.bits());
        assert_ne!(first[0], Chance::indexed(7, "test", 1).bits());
    }

    const GOLDEN: [u64; 3] = [8511492734609481231, 2563517620836479549, 13182987926213732255];

    #[test]
    fn whole_numbers_are_spread_evenly() {
        let mut chance = Chance::new(1, "spread");
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[chance.below(7)] += 1;
        }
        for count in counts {
            assert!(count.abs_diff(10_000) < 400, "{counts:?}");
        }
        assert_eq!(chance.below(0), 0);
        assert_eq!(chance.below(1), 0);
    }

    #[test]
    fn a_shuffle_keeps_everything() {
        let mut list: Vec<u32> = (0..1000).collect();
        Chance::new(3, "shuffle").shuffle(&mut list);
        assert_ne!(list, (0..1000).collect::<Vec<_>>());
        list.sort_unstable();
        assert_eq!(list, (0..1000).collect::<Vec<_>>());
    }
}
