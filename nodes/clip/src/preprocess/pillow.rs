//! Bicubic resizing of bytes as Pillow does it, and with it transformers' image processor: a cubic (a = -0.5) that widens
//! when shrinking, in fixed point, across first, then down, with bytes between.

use super::Axis;

/// Fraction bits of a weight.
const PRECISION: u32 = 22;

fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// For each place that is seen: its first old place and the fixed-point weights from there.
struct Taps {
    first: Vec<usize>,
    bounds: Vec<usize>,
    weight: Vec<i32>,
}

impl Taps {
    fn new(axis: Axis) -> Self {
        let scale = axis.from as f64 / axis.to as f64;
        let stretch = scale.max(1.0);
        let (support, inverse) = (2.0 * stretch, 1.0 / stretch);
        let mut taps = Self { first: Vec::with_capacity(axis.seen), bounds: vec![0], weight: Vec::new() };
        let mut weights = Vec::new();
        for place in axis.start..axis.start + axis.seen {
            let center = (place as f64 + 0.5) * scale;
            // `as` cuts a negative number to 0.
            let start = (center - support + 0.5) as usize;
            let end = ((center + support + 0.5) as usize).min(axis.from);
            weights.clear();
            weights.extend((start..end).map(|i| cubic((i as f64 - center + 0.5) * inverse)));
            let sum: f64 = weights.iter().sum();
            taps.weight.extend(weights.iter().map(|w| {
                let w = if sum == 0.0 { *w } else { w / sum } * f64::from(1_u32 << PRECISION);
                (if w < 0.0 { w - 0.5 } else { w + 0.5 }) as i32
            }));
            taps.first.push(start);
            taps.bounds.push(taps.weight.len());
        }
        taps
    }

    fn of(&self, place: usize) -> (usize, &[i32]) {
        (self.first[place], &self.weight[self.bounds[place]..self.bounds[place + 1]])
    }

    /// The old places that any of these need.
    fn span(&self) -> std::ops::Range<usize> {
        let ends = self.first.iter().zip(self.bounds.windows(2)).map(|(f, b)| f + b[1] - b[0]);
        self.first.iter().copied().min().unwrap_or(0)..ends.max().unwrap_or(0)
    }
}

fn clip(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

const HALF: i32 = 1 << (PRECISION - 1);

/// The part of the resized picture that is seen: red, green, blue of every pixel.
pub(super) fn resized(frame: &[f32], channels: usize, down: Axis, across: Axis) -> Vec<u8> {
    // To the nearest byte: exact for what was loaded from a file of bytes. `as` maps a NaN to 0.
    let byte = |v: f32| (v * 255.0).clamp(0.0, 255.0).round_ties_even() as u8;
    let pixel = |y: usize, x: usize| {
        let at = (y * across.from + x) * channels;
        [frame[at], frame[at + 1], frame[at + 2]].map(byte)
    };
    let seen = across.seen;
    let (rows, columns) = (Taps::new(down), Taps::new(across));
    // A side that keeps its length is not touched.
    let keep = |axis: Axis| axis.from == axis.to;
    let span = if keep(down) { down.start..down.start + down.seen } else { rows.span() };
    let mut mixed = Vec::with_capacity(span.len() * seen * 3);
    for y in span.clone() {
        for x in 0..seen {
            if keep(across) {
                mixed.extend(pixel(y, across.start + x));
                continue;
            }
            let (first, weights) = columns.of(x);
            let mut sum = [HALF; 3];
            for (i, w) in weights.iter().enumerate() {
                let values = pixel(y, first + i);
                sum.iter_mut().zip(values).for_each(|(s, v)| *s += i32::from(v) * w);
            }
            mixed.extend(sum.map(clip));
        }
    }
    if keep(down) {
        return mixed;
    }
    let stride = seen * 3;
    let mut out = Vec::with_capacity(down.seen * stride);
    for y in 0..down.seen {
        let (first, weights) = rows.of(y);
        let mut sums = vec![HALF; stride];
        for (row, w) in mixed[(first - span.start) * stride..].chunks_exact(stride).zip(weights) {
            sums.iter_mut().zip(row).for_each(|(s, v)| *s += i32::from(*v) * w);
        }
        out.extend(sums.into_iter().map(clip));
    }
    out
}
