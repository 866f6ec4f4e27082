//! Chance from a seed: the same numbers on every machine, for ever.

/// SplitMix64 (Steele, Lea and Flood 2014), begun at a mix of seed and purpose so that two nodes with one
/// seed do not draw the same numbers.
pub(crate) struct Rng(u64);

impl Rng {
    /// Chance for one purpose, named by a short word.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        // FNV-1a over the word.
        let mixed = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |h: u64, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3));
        let mut rng = Self(seed ^ mixed);
        rng.next();
        rng
    }

    /// 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to, but without, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// A whole number below `n`, every one as likely; `n` is at least 1.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        let n = n.max(1);
        // Lemire 2019: multiply, and throw away what would be one too many.
        let threshold = n.wrapping_neg() % n;
        loop {
            let wide = u128::from(self.next()) * u128::from(n);
            if wide as u64 >= threshold {
                return (wide >> 64) as u64;
            }
        }
    }

    /// A place among weights; `None` when no weight is above 0.
    pub(crate) fn weighted(&mut self, weights: &[f64]) -> Option<usize> {
        let total: f64 = weights.iter().filter(|w| **w > 0.0).sum();
        if !(total > 0.0 && total.is_finite()) {
            return None;
        }
        let mut left = self.unit() * total;
        let mut last = None;
        for (at, w) in weights.iter().enumerate().filter(|(_, w)| **w > 0.0) {
            if left < *w {
                return Some(at);
            }
            left -= w;
            last = Some(at);
        }
        last
    }

    /// Changes the order, every order as likely (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let other = self.below(at as u64 + 1) as usize;
            items.swap(at, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_splitmix64() {
        // From the reference implementation, seed 1234567.
        let mut rng = Rng(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| rng.next()).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn chance_is_even() {
        let mut rng = Rng::new(7, "test");
        let mut seen = [0u32; 6];
        (0..60_000).for_each(|_| seen[rng.below(6) as usize] += 1);
        assert!(seen.iter().all(|n| (9_500..10_500).contains(n)), "{seen:?}");
        let mut seen = [0u32; 3];
        (0..60_000).for_each(|_| seen[rng.weighted(&[1.0, 0.0, 2.0]).unwrap()] += 1);
        assert!((19_000..21_000).contains(&seen[0]) && seen[1] == 0, "{seen:?}");
        assert_eq!(rng.weighted(&[0.0, -1.0, f64::NAN]), None);
        assert!((0..1000).all(|_| (0.0..1.0).contains(&rng.unit())));
    }

    #[test]
    fn a_shuffle_loses_nothing() {
        let mut items: Vec<u32> = (0..100).collect();
        Rng::new(1, "shuffle").shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
