//! Resizing as Pillow does it, on bytes in its fixed-point arithmetic, and the same on floats.
//!
//! A kernel that is widened when shrinking; first along the rows, then down the columns, or the other way round where
//! the picture loses much more height than width. On bytes each pass rounds to bytes, so the order shows.

use kiln_pixels::samples::to_byte;

/// Fraction bits of a weight on bytes: 8 bits of sample and 2 of head room fill the other 10 of 32.
const PRECISION: u32 = 22;

/// The kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// A triangle as wide as two pixels.
    Bilinear,
    /// A windowed sinc of three lobes.
    Lanczos,
}

impl Filter {
    fn support(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Lanczos => 3.0,
        }
    }

    fn at(self, x: f64) -> f64 {
        let sinc = |x: f64| {
            if x == 0.0 { 1.0 } else { libm::sin(x * std::f64::consts::PI) / (x * std::f64::consts::PI) }
        };
        match self {
            Self::Bilinear => (1.0 - x.abs()).max(0.0),
            Self::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            Self::Lanczos => 0.0,
        }
    }
}

/// One axis: for each new place its first old place and the weights from there.
struct Taps {
    places: Vec<(usize, std::ops::Range<usize>)>,
    weights: Vec<f64>,
}

impl Taps {
    fn new(filter: Filter, from: usize, to: usize) -> Self {
        let scale = from as f64 / to as f64;
        let stretch = scale.max(1.0);
        let support = filter.support() * stretch;
        let mut taps = Self { places: Vec::with_capacity(to), weights: Vec::new() };
        for place in 0..to {
            let center = (place as f64 + 0.5) * scale;
            // `as` cuts a negative number to 0.
            let first = (center - support + 0.5) as usize;
            let last = ((center + support + 0.5) as usize).min(from);
            let start = taps.weights.len();
            taps.weights
                .extend((first..last).map(|i| filter.at((i as f64 - center + 0.5) * (1.0 / stretch))));
            let made = taps.weights.get_mut(start..).unwrap_or_default();
            let sum: f64 = made.iter().sum();
            if sum != 0.0 {
                made.iter_mut().for_each(|w| *w /= sum);
            }
            taps.places.push((first, start..taps.weights.len()));
        }
        taps
    }

    /// The weights in fixed point.
    fn fixed(&self) -> Vec<i32> {
        let scaled = self.weights.iter().map(|w| w * f64::from(1_u32 << PRECISION));
        scaled.map(|w| if w < 0.0 { (w - 0.5) as i32 } else { (w + 0.5) as i32 }).collect()
    }
}

/// One line after the other: `line` holds places of `channels` numbers each.
fn along<T: Copy, W: Copy, A: Copy>(
    taps: &Taps,
    weights: &[W],
    source: &[T],
    [from, channels]: [usize; 2],
    (zero, add, end): (A, impl Fn(A, T, W) -> A, impl Fn(A) -> T),
) -> Vec<T> {
    let mut out = Vec::with_capacity(source.len() / from.max(1) * taps.places.len());
    let mut sums = vec![zero; channels];
    for line in source.chunks_exact(from * channels) {
        for (first, range) in &taps.places {
            sums.fill(zero);
            let values = line.get(first * channels..).unwrap_or_default().chunks_exact(channels);
            for (values, weight) in values.zip(&weights[range.clone()]) {
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = add(*sum, *value, *weight);
                }
            }
            out.extend(sums.iter().map(|sum| end(*sum)));
        }
    }
    out
}

/// The passes a picture needs: whether each goes down, and the size it starts from.
fn passes([w, h]: [usize; 2], [to_w, to_h]: [usize; 2]) -> Vec<(bool, [usize; 2])> {
    // The rule of Pillow 13, found by trying a thousand pairs of sizes.
    let lost = |from: usize, to: usize| from as i64 - to as i64;
    let down_first = to_h < h && lost(h, to_h) > 2 * lost(w, to_w);
    let both =
        if down_first { [(true, [w, h]), (false, [w, to_h])] } else { [(false, [w, h]), (true, [to_w, h])] };
    both.into_iter().filter(|(down, _)| if *down { h != to_h } else { w != to_w }).collect()
}

/// A picture of interleaved channels, from (width, height) to (width, height).
#[must_use]
pub fn bytes(filter: Filter, source: &[u8], channels: usize, from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    let half = 1_i32 << (PRECISION - 1);
    let mut out = source.to_vec();
    for (down, [w, h]) in passes(from, to) {
        let axis = usize::from(down);
        let taps = Taps::new(filter, from[axis], to[axis]);
        let line = if down { [h, w * channels] } else { [w, channels] };
        let add = |sum: i32, value: u8, weight: i32| sum.wrapping_add(i32::from(value).wrapping_mul(weight));
        let end = |sum: i32| (sum >> PRECISION).clamp(0, 255) as u8;
        out = along(&taps, &taps.fixed(), &out, line, (half, add, end));
    }
    out
}

/// The same on floats, without rounding, and clamped to 0 to 1.
#[must_use]
pub fn floats(filter: Filter, source: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let mut out = source.to_vec();
    for (down, [w, h]) in passes(from, to) {
        let axis = usize::from(down);
        let taps = Taps::new(filter, from[axis], to[axis]);
        let line = if down { [h, w] } else { [w, 1] };
        let add = |sum: f64, value: f32, weight: f64| sum + f64::from(value) * weight;
        out = along(&taps, &taps.weights, &out, line, (0.0, add, |sum: f64| sum as f32));
    }
    out.iter_mut().for_each(|v| *v = v.clamp(0.0, 1.0));
    out
}

/// The colours of a frame as bytes, without its alpha.
#[must_use]
pub fn colours(frame: &[f32], channels: usize) -> Vec<u8> {
    frame.chunks_exact(channels).flat_map(|pixel| pixel.iter().take(3).map(|v| to_byte(*v))).collect()
}
