//! The operands of a product: matrices as they lie in memory, packed for the inner loop.

#![allow(unsafe_code, reason = "packing works on pointers")]

use crate::gemm::{Left, Right};
use crate::share::Scratch;
use crate::simd::{LANES, Simd};
use crate::stored::{Dtype, Stored};
use crate::tile::{KC, NR, transpose};

/// A matrix, or one per image: k neighbouring numbers of one line of the result lie side by side
/// (`[images][lines][k]`).
#[derive(Clone, Copy)]
pub(crate) struct Lines<'a> {
    pub(crate) values: Stored<'a>,
    pub(crate) k: usize,
    /// Lines of an image.
    pub(crate) lines: usize,
}

/// A matrix, or one per image, the other way round: `[images][k][lines]`.
#[derive(Clone, Copy)]
pub(crate) struct Steps<'a> {
    pub(crate) values: Stored<'a>,
    pub(crate) k: usize,
    /// Lines of an image.
    pub(crate) lines: usize,
}

impl Left for Lines<'_> {
    #[inline(always)]
    fn pack<S: Simd>(&self, m0: usize, rows: usize, k0: usize, kc: usize, dst: &mut [f32]) {
        for r in 0..rows {
            self.values.widen_range::<S>((m0 + r) * self.k + k0, &mut dst[r * KC..r * KC + kc]);
        }
    }
}

impl Right for Lines<'_> {
    #[inline(always)]
    fn pack<S: Simd>(&self, batch: usize, n0: usize, width: usize, k0: usize, kc: usize, dst: &mut [f32]) {
        let first = (batch * self.lines + n0) * self.k + k0;
        if self.values.dtype == Dtype::F32 {
            let bytes = &self.values.bytes[4 * first..4 * (first + (width - 1) * self.k + kc)];
            // SAFETY: `width` lines of `kc` floats start there (the slice above is in bounds), and
            // the panel has room for `kc` rows of NR.
            unsafe { transpose::<S>(width, kc, bytes.as_ptr().cast(), self.k, dst.as_mut_ptr(), NR) };
        } else {
            let mut wide = Scratch::new(width * KC);
            for line in 0..width {
                self.values.widen_range::<S>(first + line * self.k, &mut wide[line * KC..line * KC + kc]);
            }
            // SAFETY: as above, from lines of KC.
            unsafe { transpose::<S>(width, kc, wide.as_ptr(), KC, dst.as_mut_ptr(), NR) };
        }
    }
}

impl Left for Steps<'_> {
    #[inline(always)]
    fn pack<S: Simd>(&self, m0: usize, rows: usize, k0: usize, kc: usize, dst: &mut [f32]) {
        let mut wide = [0.0; LANES * LANES];
        let mut r = 0;
        while r < rows {
            let (image, line) = ((m0 + r) / self.lines, (m0 + r) % self.lines);
            let w = (rows - r).min(LANES).min(self.lines - line);
            for k in (0..kc).step_by(LANES) {
                let h = (kc - k).min(LANES);
                for i in 0..h {
                    let at = (image * self.k + k0 + k + i) * self.lines + line;
                    self.values.widen_range::<S>(at, &mut wide[i * LANES..i * LANES + w]);
                }
                let to = &mut dst[r * KC + k..(r + w - 1) * KC + k + h];
                // SAFETY: `h` lines of `w` floats are there, and `w` rows of `h` (sliced above).
                unsafe { transpose::<S>(h, w, wide.as_ptr(), LANES, to.as_mut_ptr(), KC) };
            }
            r += w;
        }
    }
}

impl Right for Steps<'_> {
    #[inline(always)]
    fn pack<S: Simd>(&self, batch: usize, n0: usize, width: usize, k0: usize, kc: usize, dst: &mut [f32]) {
        let first = (batch * self.k + k0) * self.lines + n0;
        if self.values.dtype == Dtype::F32 && width == NR {
            let bytes = &self.values.bytes[4 * first..4 * (first + (kc - 1) * self.lines + NR)];
            let (mut src, mut to) = (bytes.as_ptr().cast::<f32>(), dst[..kc * NR].as_mut_ptr());
            for _ in 0..kc {
                // SAFETY: NR floats of every step are there (sliced above), at any alignment.
                unsafe {
                    S::store(to, S::load(src));
                    S::store(to.add(LANES), S::load(src.add(LANES)));
                }
                src = src.wrapping_add(self.lines);
                to = to.wrapping_add(NR);
            }
            return;
        }
        for k in 0..kc {
            let at = first + k * self.lines;
            self.values.widen_range::<S>(at, &mut dst[k * NR..k * NR + width]);
        }
    }
}
