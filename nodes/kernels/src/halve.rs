//! Half a picture's height and width by the largest of every 2 x 2 pixels.

#![allow(unsafe_code, reason = "rows are read and written by whole lanes")]

use crate::check::need;
use crate::pointwise::by_parts;
use crate::simd::{LANES, Path, Simd, Task, run};

/// One plane, from (height, width) to half of each, rounded up.
struct Halve<'a> {
    x: &'a [f32],
    w: usize,
    out: &'a mut [f32],
}

/// The larger ones of sixteen pixels of two rows.
#[inline(always)]
fn both<S: Simd>(top: &[f32], bottom: &[f32], at: usize) -> S::V {
    let (top, bottom) = (&top[at..at + LANES], &bottom[at..at + LANES]);
    // SAFETY: sixteen numbers are in each.
    unsafe { S::max(S::load(top.as_ptr()), S::load(bottom.as_ptr())) }
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

impl Task for Halve<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let (w, ow) = (self.w, self.w.div_ceil(2));
        for (out, rows) in self.out.chunks_mut(ow).zip(self.x.chunks(2 * w)) {
            // A last row without a partner is its own.
            let (top, bottom) = (&rows[..w], rows.get(w..).filter(|b| !b.is_empty()).unwrap_or(&rows[..w]));
            let mut at = 0;
            while at + LANES <= w / 2 {
                let (left, right) = (both::<S>(top, bottom, 2 * at), both::<S>(top, bottom, 2 * at + LANES));
                let (even, odd) = S::deinterleave(left, right);
                // SAFETY: sixteen numbers of the result start there.
                unsafe { S::store(out[at..at + LANES].as_mut_ptr(), S::max(even, odd)) };
                at += LANES;
            }
            for (i, out) in out.iter_mut().enumerate().skip(at) {
                let (left, right) = (2 * i, (2 * i + 1).min(w - 1));
                *out = larger(larger(top[left], bottom[left]), larger(top[right], bottom[right]));
            }
        }
    }
}

/// The largest of every 2 x 2 pixels; a last row or column without a partner counts alone (torch's `max_pool2d` with a
/// window of 2 and `ceil_mode`). `planes` is images times channels.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn max_pool2(planes: usize, [h, w]: [usize; 2], x: &[f32], out: &mut [f32]) {
    let each = h.div_ceil(2) * w.div_ceil(2);
    need(x.len() == planes * h * w, "max_pool2: x is [planes, h, w]");
    need(out.len() == planes * each, "max_pool2: out is [planes, ceil(h / 2), ceil(w / 2)]");
    if out.is_empty() {
        return;
    }
    let path = Path::current();
    by_parts(out, each, 1, |plane, out| run(path, Halve { x: &x[plane * h * w..][..h * w], w, out }));
}
