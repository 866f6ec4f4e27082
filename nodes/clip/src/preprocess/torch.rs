//! Bicubic resizing of samples as torch's `interpolate(mode="bicubic", antialias=True)` does it on common processors, bit
//! for bit: a cubic (a = -0.5) that widens when shrinking, across first, then down, all in 32 bit.
//!
//! The order and the roundings are those of torch's compiled loops: of each sum's terms after the first, as many as fill
//! groups of four are multiplied and added one by one, what is left over is multiplied and added in one rounding.

use super::Axis;

const A: f32 = -0.5;

/// `a * b + c` with one rounding. (The product of two f32 is exact in 64 bit.)
fn fused(a: f32, b: f32, c: f32) -> f32 {
    (f64::from(a) * f64::from(b) + f64::from(c)) as f32
}

fn cubic(x: f32) -> f32 {
    let x = x.abs();
    if x < 1.0 {
        fused(fused(A + 2.0, x, -(A + 3.0)) * x, x, 1.0)
    } else if x < 2.0 {
        fused(fused(fused(A, x, -5.0 * A), x, 8.0 * A), x, -4.0 * A)
    } else {
        0.0
    }
}

/// How many of a sum's terms after the first are added with two roundings.
fn in_fours(terms: usize) -> usize {
    terms.saturating_sub(1) / 4 * 4
}

/// For each place that is seen: its first old place and the weights from there, which sum to 1.
struct Taps {
    first: Vec<usize>,
    bounds: Vec<usize>,
    weight: Vec<f32>,
}

impl Taps {
    fn new(axis: Axis) -> Self {
        let scale = axis.from as f32 / axis.to as f32;
        let (support, inverse) = if scale >= 1.0 { (2.0 * scale, 1.0 / scale) } else { (2.0, 1.0) };
        let mut taps = Self { first: Vec::with_capacity(axis.seen), bounds: vec![0], weight: Vec::new() };
        for place in axis.start..axis.start + axis.seen {
            let center = (f64::from(scale) * (place as f64 + 0.5)) as f32;
            // `as` cuts a negative number to 0.
            let start = (f64::from(center - support) + 0.5) as usize;
            let end = ((f64::from(center + support) + 0.5) as usize).min(axis.from);
            let at = taps.weight.len();
            // Where its source computes in 64 bit for a moment, so does this.
            let distance = |i: usize| ((f64::from(i as f32 - center) + 0.5) * f64::from(inverse)) as f32;
            taps.weight.extend((start..end).map(|i| cubic(distance(i))));
            let weights = taps.weight.get_mut(at..).unwrap_or_default();
            let sum = weights.iter().fold(0.0_f32, |sum, w| sum + w);
            if sum != 0.0 {
                weights.iter_mut().for_each(|w| *w /= sum);
            }
            taps.first.push(start);
            taps.bounds.push(taps.weight.len());
        }
        taps
    }

    fn of(&self, place: usize) -> (usize, &[f32]) {
        (self.first[place], &self.weight[self.bounds[place]..self.bounds[place + 1]])
    }

    /// The old places that any of these need.
    fn span(&self) -> std::ops::Range<usize> {
        let ends = self.first.iter().zip(self.bounds.windows(2)).map(|(f, b)| f + b[1] - b[0]);
        self.first.iter().copied().min().unwrap_or(0)..ends.max().unwrap_or(0)
    }
}

/// The part of the resized picture that is seen: red, green, blue of every pixel.
pub(super) fn resized(frame: &[f32], channels: usize, down: Axis, across: Axis) -> Vec<f32> {
    let (same, seen) = (|a: Axis| a.from == a.to, across.seen);
    let pixel = |y: usize, x: usize| {
        let at = (y * across.from + x) * channels;
        [frame[at], frame[at + 1], frame[at + 2]]
    };
    if same(down) && same(across) {
        let rows = down.start..down.start + down.seen;
        let columns = across.start..across.start + seen;
        return rows.flat_map(|y| columns.clone().flat_map(move |x| pixel(y, x))).collect();
    }
    let (rows, columns) = (Taps::new(down), Taps::new(across));
    let span = rows.span();
    let mut mixed = Vec::with_capacity(span.len() * seen * 3);
    for y in span.clone() {
        for x in 0..seen {
            let (first, weights) = columns.of(x);
            let two = in_fours(weights.len());
            let mut sum = [0.0_f32; 3];
            for (i, w) in weights.iter().enumerate() {
                for (s, v) in sum.iter_mut().zip(pixel(y, first + i)) {
                    *s = if i <= two { *s + v * w } else { fused(v, *w, *s) };
                }
            }
            mixed.extend(sum);
        }
    }
    let stride = seen * 3;
    let mut out = vec![0.0_f32; down.seen * stride];
    for (y, target) in out.chunks_exact_mut(stride).enumerate() {
        let (first, weights) = rows.of(y);
        let two = in_fours(weights.len());
        let source = mixed[(first - span.start) * stride..].chunks_exact(stride);
        for (i, (row, w)) in source.zip(weights).enumerate() {
            let pairs = target.iter_mut().zip(row);
            if i <= two {
                pairs.for_each(|(t, v)| *t += v * w);
            } else {
                pairs.for_each(|(t, v)| *t = fused(*v, *w, *t));
            }
        }
    }
    out
}
