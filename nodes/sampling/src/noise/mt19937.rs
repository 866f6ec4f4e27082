//! The Mersenne Twister with 32-bit words: the stream of random bits behind every noise tensor.

/// How many words the state holds.
const N: usize = 624;
/// The distance to the word mixed into each new one.
const M: usize = 397;
const MATRIX: u32 = 0x9908_b0df;
const UPPER: u32 = 0x8000_0000;
const LOWER: u32 = 0x7fff_ffff;

/// MT19937, seeded from 32 bits as torch's CPU generator does it.
#[derive(Clone, Debug)]
pub struct Mt19937 {
    state: Box<[u32; N]>,
    next: usize,
}

impl Mt19937 {
    /// A generator at the start of the stream of `seed`. Only the low 32 bits count.
    pub fn new(seed: u64) -> Self {
        let mut state = Box::new([0u32; N]);
        let mut last = (seed & 0xffff_ffff) as u32;
        state[0] = last;
        for (j, word) in state.iter_mut().enumerate().skip(1) {
            last = 1_812_433_253u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(j as u32);
            *word = last;
        }
        Mt19937 { state, next: N }
    }

    /// The next 32 bits.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.next >= N {
            self.refill();
        }
        let word = self.state[self.next];
        self.next += 1;
        tempered(word)
    }

    /// The next numbers in `[0, 1)`: the same as asking for them one by one, only faster.
    pub fn fill_uniform(&mut self, mut out: &mut [f32]) {
        while !out.is_empty() {
            if self.next >= N {
                self.refill();
            }
            let ready = &self.state[self.next..];
            let count = ready.len().min(out.len());
            let (now, later) = out.split_at_mut(count);
            for (slot, &word) in now.iter_mut().zip(ready) {
                *slot = uniform(tempered(word));
            }
            self.next += count;
            out = later;
        }
    }

    /// The next 64 bits: the first word drawn is the upper half.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let high = u64::from(self.next_u32());
        (high << 32) | u64::from(self.next_u32())
    }

    /// A number in `[0, 1)` with 24 random bits.
    #[inline]
    pub fn uniform_f32(&mut self) -> f32 {
        uniform(self.next_u32())
    }

    /// A number in `[0, 1)` with 53 random bits.
    #[inline]
    pub fn uniform_f64(&mut self) -> f64 {
        (self.next_u64() & ((1 << 53) - 1)) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    fn refill(&mut self) {
        let s = &mut self.state;
        for i in 0..N - M {
            s[i] = s[i + M] ^ twist(s[i], s[i + 1]);
        }
        for i in N - M..N - 1 {
            s[i] = s[i + M - N] ^ twist(s[i], s[i + 1]);
        }
        s[N - 1] = s[M - 1] ^ twist(s[N - 1], s[0]);
        self.next = 0;
    }
}

/// A word of the state as it is given out.
#[inline]
fn tempered(mut y: u32) -> u32 {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    y ^ (y >> 18)
}

/// 24 bits as a number in `[0, 1)`. By way of a signed number, which processors convert faster.
#[inline]
fn uniform(word: u32) -> f32 {
    (word & 0x00ff_ffff) as i32 as f32 * (1.0 / 16_777_216.0)
}

#[inline]
fn twist(a: u32, b: u32) -> u32 {
    let mixed = (a & UPPER) | (b & LOWER);
    (mixed >> 1) ^ ((b & 1).wrapping_neg() & MATRIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_check_value_comes_out() {
        // The C++ standard asks that the 10000th number of seed 5489 be this one.
        let mut twister = Mt19937::new(5489);
        let last = (0..10_000).map(|_| twister.next_u32()).last();
        assert_eq!(last, Some(4_123_659_995));
    }

    #[test]
    fn filling_is_asking_one_by_one() {
        let (mut one, mut many) = (Mt19937::new(3), Mt19937::new(3));
        for len in [5, 700, 1, 2000] {
            let mut out = vec![0.0; len];
            many.fill_uniform(&mut out);
            assert!(out.iter().all(|&value| value == one.uniform_f32()), "{len}");
        }
    }

    #[test]
    fn only_the_low_half_of_the_seed_counts() {
        assert_eq!(Mt19937::new(42).next_u32(), Mt19937::new(42 + (1 << 32)).next_u32());
        assert_ne!(Mt19937::new(42).next_u32(), Mt19937::new(43).next_u32());
    }
}
