//! A Brownian path that can be asked for any stretch, in any order, and always gives the same
//! answer: the noise of the `dpmpp_*_sde` samplers.
//!
//! The path is known at both ends; each question halves the stretch until its ends are met. Every
//! half draws its noise from a seed of its own, mixed from the run's seed and the half's place.

use crate::noise::Generator;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often a stretch is halved at most: enough to tell times apart that differ in the sixth digit.
const MAX_DEPTH: u32 = 60;
/// How many numbers are kept between two questions at most (256 MiB).
const KEPT_NUMBERS: usize = 64 << 20;

/// How far the path moves, for every element of the tensor.
struct Moved(Vec<f32>);

/// One piece of the path: its place in the tree, its ends and how far the path moves along it.
#[derive(Clone)]
struct Piece {
    depth: u32,
    key: u64,
    start: f64,
    end: f64,
    moved: Arc<Moved>,
}

/// The path over one stretch of noise levels.
pub struct BrownianTree {
    seed: u64,
    root: Piece,
    /// The pieces of the last question: the next one mostly begins where it ended.
    kept: BTreeMap<(u32, u64), Arc<Moved>>,
}

impl BrownianTree {
    /// The path of `seed` between two noise levels, for a tensor of `len` elements.
    pub fn new(seed: u64, sigma_min: f32, sigma_max: f32, len: usize) -> Self {
        let (start, end) = (rounded(f64::from(sigma_min)), rounded(f64::from(sigma_max)));
        let first = seed_words(seed, &[], 3)[0];
        let spread = (end - start).max(0.0).sqrt() as f32;
        let mut moved = Generator::new(u64::from(first)).randn(len);
        moved.iter_mut().for_each(|value| *value *= spread);
        let root = Piece { depth: 0, key: 0, start, end, moved: Arc::new(Moved(moved)) };
        BrownianTree { seed, root, kept: BTreeMap::new() }
    }

    /// Noise of spread 1 for the step from one level to another: how far the path moves, over the
    /// root of the distance. Going down gives the movement against its direction, so with a minus.
    pub fn noise(&mut self, sigma: f32, sigma_next: f32) -> Vec<f32> {
        let (from, to) = (f64::from(sigma), f64::from(sigma_next));
        let sign = if from < to { 1.0f32 } else { -1.0 };
        let mut out = self.movement(from.min(to), from.max(to));
        let spread = (sigma_next - sigma).abs().sqrt();
        out.iter_mut().for_each(|value| *value = *value * sign / spread);
        out
    }

    /// How far the path moves between two rising times. Times outside of the path count as its ends.
    fn movement(&mut self, from: f64, to: f64) -> Vec<f32> {
        let inside = |t: f64| rounded(t).clamp(self.root.start, self.root.end);
        let (from, to) = (inside(from), inside(to));
        let mut out = vec![0.0f32; self.root.moved.0.len()];
        if from >= to {
            return out;
        }
        let mut seen = BTreeMap::new();
        // From left to right: the right half waits while the left one is looked into.
        let mut open = vec![self.root.clone()];
        let mut first = true;
        while let Some(piece) = open.pop() {
            if to <= piece.start || from >= piece.end {
                continue;
            }
            if (from <= piece.start && to >= piece.end) || piece.depth >= MAX_DEPTH {
                if first {
                    out.copy_from_slice(&piece.moved.0);
                    first = false;
                } else {
                    crate::vector::add(&mut out, 1.0, &piece.moved.0);
                }
                continue;
            }
            let (left, right) = self.halves(&piece);
            if (seen.len() + 2) * out.len() <= KEPT_NUMBERS {
                seen.insert((left.depth, left.key), Arc::clone(&left.moved));
                seen.insert((right.depth, right.key), Arc::clone(&right.moved));
            }
            open.push(right);
            open.push(left);
        }
        self.kept = seen;
        out
    }

    fn halves(&self, piece: &Piece) -> (Piece, Piece) {
        let depth = piece.depth + 1;
        let (left_key, right_key) = (2 * piece.key, 2 * piece.key + 1);
        let middle = rounded(0.5 * (piece.start + piece.end));
        let (left, right) = match (self.kept.get(&(depth, left_key)), self.kept.get(&(depth, right_key))) {
            (Some(left), Some(right)) => (Arc::clone(left), Arc::clone(right)),
            _ => {
                let place = [piece.key, u64::from(piece.depth)];
                let word = seed_words(self.seed, &place, 4)[0];
                let mut left = Generator::new(u64::from(word)).randn(piece.moved.0.len());
                let (a, b) = (middle - piece.start, piece.end - middle);
                let whole = piece.end - piece.start;
                let share = (a / whole) as f32;
                let spread = (a * b / whole).max(0.0).sqrt() as f32;
                for (slot, &moved) in left.iter_mut().zip(&piece.moved.0) {
                    *slot = share * moved + spread * *slot;
                }
                let right = piece.moved.0.iter().zip(&left).map(|(moved, left)| moved - left).collect();
                (Arc::new(Moved(left)), Arc::new(Moved(right)))
            }
        };
        let half = |key, start, end, moved| Piece { depth, key, start, end, moved };
        (half(left_key, piece.start, middle, left), half(right_key, middle, piece.end, right))
    }
}

/// A time to six digits, as decimal rounding of the shortest exact kind does it.
fn rounded(time: f64) -> f64 {
    format!("{time:.6}").parse().unwrap_or(time)
}

/// How many words the pool of the seed mixer has.
const POOL: usize = 24;

/// Words mixed from a seed and a place in a tree: numpy's `SeedSequence` with a pool of 24.
fn seed_words(entropy: u64, place: &[u64], count: usize) -> Vec<u32> {
    let mut words = little_words(entropy);
    if !place.is_empty() {
        // A short seed is filled up, so that seed and place cannot be mistaken for one another.
        words.resize(words.len().max(POOL), 0);
        words.extend(place.iter().flat_map(|&value| little_words(value)));
    }
    let pool = mixed_pool(&words);
    let mut hash = 0x8b51_f9ddu32;
    (0..count)
        .map(|i| {
            let mut value = pool[i % POOL] ^ hash;
            hash = hash.wrapping_mul(0x58f3_8ded);
            value = value.wrapping_mul(hash);
            value ^ (value >> 16)
        })
        .collect()
}

/// A number as 32-bit words, low word first, without leading zeros.
fn little_words(value: u64) -> Vec<u32> {
    let (low, high) = (value as u32, (value >> 32) as u32);
    if high == 0 { vec![low] } else { vec![low, high] }
}

fn mixed_pool(words: &[u32]) -> [u32; POOL] {
    let mut hash = 0x43b0_d7e5u32;
    let mut hashed = |value: u32| {
        let value = value ^ hash;
        hash = hash.wrapping_mul(0x931e_8875);
        let value = value.wrapping_mul(hash);
        value ^ (value >> 16)
    };
    let mixed = |x: u32, y: u32| {
        let value = x.wrapping_mul(0xca01_f9dd).wrapping_sub(y.wrapping_mul(0x4973_f715));
        value ^ (value >> 16)
    };
    let mut pool = [0u32; POOL];
    for (i, slot) in pool.iter_mut().enumerate() {
        *slot = hashed(words.get(i).copied().unwrap_or(0));
    }
    for from in 0..POOL {
        for to in (0..POOL).filter(|&to| to != from) {
            pool[to] = mixed(pool[to], hashed(pool[from]));
        }
    }
    for &word in words.iter().skip(POOL) {
        for slot in &mut pool {
            *slot = mixed(*slot, hashed(word));
        }
    }
    pool
}
