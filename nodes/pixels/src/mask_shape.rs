//! Masks grown, shrunk, feathered and combined.

use kiln_types::Mask;

use crate::PixelError;
use crate::composite::overlap;
use crate::morphology::{self, Morph};
use crate::named::named;
use crate::samples::{cycled_mask, like_mask};

named! {
    /// How a mask acts on another.
    pub enum MaskOp {
        /// Product.
        Multiply = "multiply",
        /// Sum.
        Add = "add",
        /// First less second.
        Subtract = "subtract",
        /// Both, each rounded to selected or not.
        And = "and",
        /// Any, each rounded to selected or not.
        Or = "or",
        /// One but not both, each rounded to selected or not.
        Xor = "xor",
        /// The smaller value.
        Minimum = "minimum",
        /// The larger value.
        Maximum = "maximum",
        /// The distance of the values.
        Difference = "difference",
    }
}

impl MaskOp {
    fn apply(self, d: f32, s: f32) -> f32 {
        let on = |v: f32| v.round_ties_even() != 0.0;
        let one = |v: bool| f32::from(u8::from(v));
        match self {
            Self::Multiply => d * s,
            Self::Add => d + s,
            Self::Subtract => d - s,
            Self::And => one(on(d) & on(s)),
            Self::Or => one(on(d) | on(s)),
            Self::Xor => one(on(d) ^ on(s)),
            Self::Minimum => d.min(s),
            Self::Maximum => d.max(s),
            Self::Difference => (d - s).abs(),
        }
    }
}

/// `source` acting on `destination` with its corner at `x`, `y`; what does not fit is cut off, and outside
/// the source the destination stays. The result is within 0..1.
///
/// # Errors
/// When the batches do not go together.
pub fn combine(
    destination: &Mask,
    source: &Mask,
    x: isize,
    y: isize,
    op: MaskOp,
) -> Result<Mask, PixelError> {
    let frames = crate::batch::together(destination.batch(), source.batch())?;
    let (w, h) = (destination.width(), destination.height());
    let mut out = Mask::filled(frames, h, w, 0.0)?;
    for (i, result) in out.data_mut().chunks_exact_mut(w * h).enumerate() {
        result.copy_from_slice(cycled_mask(destination, i));
        let top = cycled_mask(source, i);
        if let (Some((columns, skip_x)), Some((rows, skip_y))) =
            (overlap(x, source.width(), w), overlap(y, source.height(), h))
        {
            for (k, row) in rows.enumerate() {
                let from = (k + skip_y) * source.width() + skip_x;
                let target = &mut result[row * w + columns.start..row * w + columns.end];
                target.iter_mut().zip(&top[from..]).for_each(|(d, s)| *d = op.apply(*d, *s));
            }
        }
        result.iter_mut().for_each(|v| *v = v.clamp(0.0, 1.0));
    }
    Ok(out)
}

/// The factor of a place at `i` from the border when the fade is `n` long.
fn rate(i: usize, n: usize) -> f32 {
    ((i + 1) as f64 / n as f64) as f32
}

/// The mask faded out towards its own borders over so many pixels.
///
/// # Errors
/// Never for a valid mask.
pub fn feather(
    mask: &Mask,
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
) -> Result<Mask, PixelError> {
    let columns = fades(mask.width(), left, right);
    let rows = fades(mask.height(), top, bottom);
    let mut out = mask.clone();
    for (row, r) in out.data_mut().chunks_exact_mut(columns.len()).zip(rows.iter().cycle()) {
        row.iter_mut().zip(&columns).for_each(|(v, c)| *v = *v * c * r);
    }
    Ok(out)
}

/// The factor of each place of an axis that fades over so many pixels at its ends.
fn fades(n: usize, before: usize, after: usize) -> Vec<f32> {
    let mut factors = vec![1.0_f32; n];
    let (before, after) = (before.min(n), after.min(n));
    factors.iter_mut().enumerate().take(before).for_each(|(i, f)| *f *= rate(i, before));
    factors.iter_mut().rev().enumerate().take(after).for_each(|(i, f)| *f *= rate(i, after));
    factors
}

/// The mask grown by `amount` pixels, or shrunk by a negative amount: squarely, or with
/// `tapered_corners` in diamonds.
///
/// # Errors
/// Never for a valid mask.
pub fn grow(mask: &Mask, amount: i32, tapered_corners: bool) -> Result<Mask, PixelError> {
    let (w, h) = (mask.width(), mask.height());
    // After so many steps every sample has met every other.
    let steps = (amount.unsigned_abs() as usize).min(w + h);
    let op = if amount < 0 { Morph::Erode } else { Morph::Dilate };
    if steps == 0 {
        return Ok(mask.clone());
    }
    if !tapered_corners {
        return morphology::morphology_mask(mask, op, 2 * steps.min(w.max(h)) + 1);
    }
    let mut data = mask.data().to_vec();
    let mut next = vec![0.0; w * h];
    for frame in data.chunks_exact_mut(w * h) {
        for _ in 0..steps {
            if amount < 0 {
                cross(frame, &mut next, w, f32::min);
            } else {
                cross(frame, &mut next, w, f32::max);
            }
            if next == *frame {
                break;
            }
            frame.copy_from_slice(&next);
        }
    }
    like_mask(mask, data)
}

/// The smallest or largest of each sample and its four neighbours.
fn cross(frame: &[f32], out: &mut [f32], w: usize, pick: impl Fn(f32, f32) -> f32) {
    let rows = frame.len() / w;
    for (y, target) in out.chunks_exact_mut(w).enumerate() {
        let row = |y: usize| &frame[y * w..(y + 1) * w];
        let middle = row(y);
        let (above, below) = (row(y.saturating_sub(1)), row((y + 1).min(rows - 1)));
        for (((t, m), a), b) in target.iter_mut().zip(middle).zip(above).zip(below) {
            *t = pick(pick(*a, *b), *m);
        }
        target.iter_mut().skip(1).zip(middle).for_each(|(t, m)| *t = pick(*t, *m));
        target.iter_mut().zip(middle.iter().skip(1)).for_each(|(t, m)| *t = pick(*t, *m));
    }
}
