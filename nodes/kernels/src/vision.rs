//! Pooling and resizing of images, NCHW.

use crate::check::need;
use crate::pointwise::by_parts;

/// Resizes by repeating pixels: source = floor(target * in / out), as torch's `nearest`.
/// `planes` is images times channels.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn upsample_nearest(planes: usize, from: [usize; 2], to: [usize; 2], x: &[f32], out: &mut [f32]) {
    let ([h, w], [oh, ow]) = (from, to);
    need(x.len() == planes * h * w, "upsample_nearest: x is [planes, h, w]");
    need(out.len() == planes * oh * ow, "upsample_nearest: out is [planes, oh, ow]");
    need(out.is_empty() || h * w > 0, "upsample_nearest: the input is not empty");
    let cols: Vec<usize> = (0..ow).map(|i| i * w / ow).collect();
    by_parts(out, oh * ow, 1, |plane, out| {
        let x = &x[plane * h * w..][..h * w];
        for (y, out) in out.chunks_mut(ow).enumerate() {
            let row = &x[y * h / oh * w..][..w];
            for (to, &from) in out.iter_mut().zip(&cols) {
                *to = row[from];
            }
        }
    });
}

/// A window that moves over images.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    /// Images times channels.
    pub planes: usize,
    /// Height of the input.
    pub h: usize,
    /// Width of the input.
    pub w: usize,
    /// Height and width of the window.
    pub window: [usize; 2],
    /// Steps down and right.
    pub stride: [usize; 2],
    /// Pixels around the input: above and below, left and right. They are never the largest, and
    /// count as zeros in an average.
    pub pad: [usize; 2],
}

impl Pool {
    /// Height and width of the output.
    pub fn out(&self) -> [usize; 2] {
        let side = |size: usize, i: usize| {
            let room = (size + 2 * self.pad[i]).checked_sub(self.window[i]);
            room.map_or(0, |room| room / self.stride[i].max(1) + 1)
        };
        [side(self.h, 0), side(self.w, 1)]
    }

    fn run(
        &self,
        x: &[f32],
        out: &mut [f32],
        f: impl Fn(&mut dyn Iterator<Item = f32>) -> f32 + Sync + Send,
    ) {
        let [oh, ow] = self.out();
        need(x.len() == self.planes * self.h * self.w, "pool: x is [planes, h, w]");
        need(out.len() == self.planes * oh * ow, "pool: out is [planes, oh, ow]");
        let range = |at: usize, i: usize, size: usize| {
            let start = at * self.stride[i];
            let end = (start + self.window[i]).saturating_sub(self.pad[i]).min(size);
            start.saturating_sub(self.pad[i]).min(end)..end
        };
        by_parts(out, oh * ow, 1, |plane, out| {
            let x = &x[plane * self.h * self.w..][..self.h * self.w];
            for (y, out) in out.chunks_mut(ow).enumerate() {
                let rows = range(y, 0, self.h);
                for (i, out) in out.iter_mut().enumerate() {
                    let cols = range(i, 1, self.w);
                    let mut seen = rows.clone().flat_map(|y| x[y * self.w..][cols.clone()].iter().copied());
                    *out = f(&mut seen);
                }
            }
        });
    }
}

/// The largest number under the window.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn max_pool2d(pool: &Pool, x: &[f32], out: &mut [f32]) {
    pool.run(x, out, |seen| seen.fold(f32::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a }));
}

/// The average under the window, padding counted.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn avg_pool2d(pool: &Pool, x: &[f32], out: &mut [f32]) {
    let count = (pool.window[0] * pool.window[1]) as f32;
    pool.run(x, out, |seen| seen.fold(0.0, |a, b| a + b) / count);
}

/// Resizes by mixing the four nearest pixels, as torch's `bilinear` (no antialiasing).
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn resize_bilinear(
    planes: usize,
    from: [usize; 2],
    to: [usize; 2],
    align_corners: bool,
    x: &[f32],
    out: &mut [f32],
) {
    let ([h, w], [oh, ow]) = (from, to);
    need(x.len() == planes * h * w, "resize_bilinear: x is [planes, h, w]");
    need(out.len() == planes * oh * ow, "resize_bilinear: out is [planes, oh, ow]");
    need(out.is_empty() || h * w > 0, "resize_bilinear: the input is not empty");
    // (first pixel, second pixel, share of the second)
    let taps = |from: usize, to: usize| -> Vec<(usize, usize, f32)> {
        (0..to)
            .map(|i| {
                let at = if align_corners {
                    if to > 1 { i as f32 * ((from - 1) as f32 / (to - 1) as f32) } else { 0.0 }
                } else {
                    ((i as f32 + 0.5) * (from as f32 / to as f32) - 0.5).max(0.0)
                };
                let first = (at.floor() as usize).min(from - 1);
                (first, (first + 1).min(from - 1), at - first as f32)
            })
            .collect()
    };
    let (rows, cols) = (taps(h, oh), taps(w, ow));
    by_parts(out, oh * ow, 1, |plane, out| {
        let x = &x[plane * h * w..][..h * w];
        for (out, &(y0, y1, ty)) in out.chunks_mut(ow).zip(&rows) {
            let (top, bottom) = (&x[y0 * w..][..w], &x[y1 * w..][..w]);
            for (to, &(x0, x1, tx)) in out.iter_mut().zip(&cols) {
                let above = top[x0] * (1.0 - tx) + top[x1] * tx;
                let below = bottom[x0] * (1.0 - tx) + bottom[x1] * tx;
                *to = above * (1.0 - ty) + below * ty;
            }
        }
    });
}
