//! Chance, the same on every machine: SplitMix64.

/// A stream of numbers that follows from its seed alone.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

/// One scrambling step of SplitMix64: also a good way to mix two numbers into a seed.
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Rng {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: mix(seed) }
    }

    /// A stream of its own for one purpose, so that a change in one part of a drawing leaves the others as they
    /// were.
    pub fn of(seed: u64, purpose: &str) -> Self {
        let name = purpose.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        Self::new(mix(seed) ^ name)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        let value = mix(self.state);
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        value
    }

    /// A number from 0 up to, and without, 1.
    pub fn unit(&mut self) -> f32 {
        // 24 bits: exactly what an f32 holds.
        (self.bits() >> 40) as f32 / 16_777_216.0
    }

    /// A number between `low` and `high`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// A number around `middle`, at most `spread` away, the middle being likelier.
    pub fn around(&mut self, middle: f32, spread: f32) -> f32 {
        middle + spread * (self.unit() + self.unit() - 1.0)
    }

    /// A whole number below `count` (0 when `count` is 0).
    pub fn below(&mut self, count: usize) -> usize {
        if count == 0 { 0 } else { ((u128::from(self.bits()) * count as u128) >> 64) as usize }
    }

    /// True with the given chance.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// Minus one or plus one.
    pub fn side(&mut self) -> f32 {
        if self.chance(0.5) { -1.0 } else { 1.0 }
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// One of these, each as likely as its weight says.
    pub fn weighted<T: Copy>(&mut self, from: &[T], weight: impl Fn(T) -> u32, otherwise: T) -> T {
        let total: u32 = from.iter().map(|&item| weight(item)).sum();
        let mut left = self.below(total as usize) as u32;
        for &item in from {
            let of_item = weight(item);
            if left < of_item {
                return item;
            }
            left -= of_item;
        }
        otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let mut a = Rng::new(7);
        assert_eq!((a.bits(), a.bits()), (13309476754707697221, 11984929618412882174));
        assert_ne!(Rng::of(1, "hat").bits(), Rng::of(1, "face").bits());
    }

    #[test]
    fn weights_are_kept() {
        let mut rng = Rng::new(3);
        let ones =
            (0..4000).filter(|_| rng.weighted(&[0u32, 1, 2], |v| [3, 1, 0][v as usize], 2) == 1).count();
        assert!((900..1100).contains(&ones), "{ones}");
    }
}
