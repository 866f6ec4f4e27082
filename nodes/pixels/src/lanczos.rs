//! The Lanczos resample on bytes, in the fixed-point arithmetic that 8-bit picture tools share.

use crate::PixelError;
use crate::samples::{from_byte, to_byte};

/// Lobes of the kernel.
const SUPPORT: f64 = 3.0;
/// Fraction bits of a weight: 8 bits of sample and 2 of head room fill the other 10 of 32.
const PRECISION: u32 = 22;
/// No more bytes than this lie between the two passes.
const MAX_BETWEEN: usize = 1 << 31;

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let x = x * std::f64::consts::PI;
    libm::sin(x) / x
}

/// The windowed sinc at a distance of `x` from its middle.
pub(crate) fn kernel(x: f64) -> f64 {
    if (-SUPPORT..SUPPORT).contains(&x) { sinc(x) * sinc(x / SUPPORT) } else { 0.0 }
}

/// One axis: for each new place its first old place and the fixed-point weights from there.
struct Taps {
    first: Vec<usize>,
    bounds: Vec<usize>,
    weight: Vec<i32>,
}

impl Taps {
    fn new(from: usize, to: usize) -> Self {
        let scale = from as f64 / to as f64;
        let stretch = scale.max(1.0);
        let support = SUPPORT * stretch;
        let mut taps = Self { first: Vec::with_capacity(to), bounds: vec![0], weight: Vec::new() };
        let mut weights = Vec::new();
        for o in 0..to {
            let center = (o as f64 + 0.5) * scale;
            // `as` cuts a negative number to 0.
            let start = (center - support + 0.5) as usize;
            let end = ((center + support + 0.5) as usize).min(from);
            weights.clear();
            weights.extend((start..end).map(|i| kernel((i as f64 - center + 0.5) * (1.0 / stretch))));
            let sum: f64 = weights.iter().sum();
            taps.first.push(start);
            taps.weight.extend(weights.iter().map(|w| {
                let w = if sum == 0.0 { *w } else { w / sum } * f64::from(1_u32 << PRECISION);
                (if w < 0.0 { w - 0.5 } else { w + 0.5 }) as i32
            }));
            taps.bounds.push(taps.weight.len());
        }
        taps
    }

    fn of(&self, place: usize) -> (usize, &[i32]) {
        (self.first[place], &self.weight[self.bounds[place]..self.bounds[place + 1]])
    }
}

fn clip(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

fn horizontal<const C: usize>(rows: &[u8], from_w: usize, taps: &Taps, to_w: usize, out: &mut [u8]) {
    for (row, target) in rows.chunks_exact(from_w * C).zip(out.chunks_exact_mut(to_w * C)) {
        for (x, pixel) in target.as_chunks_mut::<C>().0.iter_mut().enumerate() {
            let (first, weights) = taps.of(x);
            let mut sum = [1_i32 << (PRECISION - 1); C];
            let span = row[first * C..(first + weights.len()) * C].as_chunks::<C>().0;
            for (values, w) in span.iter().zip(weights) {
                for (s, v) in sum.iter_mut().zip(values) {
                    *s += i32::from(*v) * w;
                }
            }
            *pixel = sum.map(clip);
        }
    }
}

fn vertical(rows: &[u8], stride: usize, taps: &Taps, out: &mut [u8]) {
    let mut sums = vec![0_i32; stride];
    for (y, target) in out.chunks_exact_mut(stride).enumerate() {
        let (first, weights) = taps.of(y);
        sums.fill(1 << (PRECISION - 1));
        for (row, w) in rows[first * stride..].chunks_exact(stride).zip(weights) {
            for (s, v) in sums.iter_mut().zip(row) {
                *s += i32::from(*v) * w;
            }
        }
        target.iter_mut().zip(&sums).for_each(|(t, s)| *t = clip(*s));
    }
}

/// Colours weighted by alpha, rounded to bytes.
fn premultiply(bytes: &mut [u8]) {
    for [r, g, b, a] in bytes.as_chunks_mut::<4>().0 {
        for v in [r, g, b] {
            let t = u32::from(*v) * u32::from(*a) + 128;
            *v = (((t >> 8) + t) >> 8) as u8;
        }
    }
}

/// The way back from [`premultiply`].
fn unpremultiply(bytes: &mut [u8]) {
    for [r, g, b, a] in bytes.as_chunks_mut::<4>().0 {
        if *a != 0 && *a != 255 {
            for v in [r, g, b] {
                *v = (255 * u32::from(*v) / u32::from(*a)).min(255) as u8;
            }
        }
    }
}

/// Resamples frames of `C` interleaved channels; four channels are colours and alpha.
pub(crate) fn frames<const C: usize>(
    data: &[f32],
    from: [usize; 2],
    to: [usize; 2],
    out: &mut [f32],
) -> Result<(), PixelError> {
    // Columns first, unless that makes the picture wider only to make it lower: which of the passes
    // rounds first is seen in the result.
    let rows_first = to[0] > from[0] && to[1] < from[1];
    frames_in_order::<C>(data, from, to, rows_first, out)
}

/// [`frames`] with the order of the two passes given: with `rows_first` the number of rows changes first.
pub(crate) fn frames_in_order<const C: usize>(
    data: &[f32],
    from: [usize; 2],
    to: [usize; 2],
    rows_first: bool,
    out: &mut [f32],
) -> Result<(), PixelError> {
    let [from_w, from_h] = from;
    let [to_w, to_h] = to;
    let [between_w, between_h] = if rows_first { [from_w, to_h] } else { [to_w, from_h] };
    let between =
        between_w.checked_mul(between_h).and_then(|n| n.checked_mul(C)).filter(|n| *n <= MAX_BETWEEN);
    let Some(between) = between else {
        return Err(PixelError::Mismatch(format!(
            "a picture of {from_w}x{from_h} cannot be resized to {to_w}x{to_h} in one step: the shapes are too far apart"
        )));
    };
    let columns = (from_w != to_w).then(|| Taps::new(from_w, to_w));
    let rows = (from_h != to_h).then(|| Taps::new(from_h, to_h));
    let weighted = C == 4 && (columns.is_some() || rows.is_some());
    for (frame, result) in data.chunks_exact(from_w * from_h * C).zip(out.chunks_exact_mut(to_w * to_h * C)) {
        let mut bytes: Vec<u8> = frame.iter().map(|v| to_byte(*v)).collect();
        if weighted {
            premultiply(&mut bytes);
        }
        let pass = |bytes: &mut Vec<u8>, down: bool, len: usize| {
            let mut next = vec![0; len];
            match (down, &columns, &rows) {
                (false, Some(columns), _) => horizontal::<C>(bytes, from_w, columns, to_w, &mut next),
                (true, _, Some(rows)) => {
                    vertical(bytes, if rows_first { from_w } else { to_w } * C, rows, &mut next);
                }
                _ => return,
            }
            *bytes = next;
        };
        pass(&mut bytes, rows_first, between);
        pass(&mut bytes, !rows_first, result.len());
        if weighted {
            unpremultiply(&mut bytes);
        }
        result.iter_mut().zip(&bytes).for_each(|(r, v)| *r = from_byte(*v));
    }
    Ok(())
}
