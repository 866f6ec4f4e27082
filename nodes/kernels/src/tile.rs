//! The heart of every product: a few rows of A times a panel of B, in registers.
//!
//! The order within one element of a result is fixed: inside a block of [`KC`] steps a chain of
//! fused multiply-adds in ascending k that starts at zero; the blocks' sums are added in ascending
//! order, the first one to nothing. Tiles differ in shape between instruction sets; that does not
//! touch the order.

#![allow(unsafe_code, reason = "the inner loop works on pointers")]

use crate::simd::{LANES, Simd};

/// Steps of k in one block. Part of the definition of the results: changing it changes bits.
pub(crate) const KC: usize = 256;
/// Columns of a panel of B.
pub(crate) const NR: usize = 32;

/// Rows of A: element (r, k) is at `start + r * row + k * step`.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) start: *const f32,
    pub(crate) row: usize,
    pub(crate) step: usize,
}

impl Rows {
    #[inline(always)]
    unsafe fn down(self, r: usize) -> Rows {
        // SAFETY: the caller has that row.
        Rows { start: unsafe { self.start.add(r * self.row) }, ..self }
    }
}

/// Columns of C: element (r, c) is at `start + r * row + c`; `width` columns are written.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) start: *mut f32,
    pub(crate) row: usize,
    pub(crate) width: usize,
    /// Whether the product is added to what is there.
    pub(crate) add: bool,
}

/// C = (or +=) A B for `rows` rows, `kc` steps and one panel `b` of `[kc][NR]`.
///
/// # Safety
/// All of A, B and C is there; `kc <= KC`; no other thread touches the target.
#[inline(always)]
pub(crate) unsafe fn rows_by_panel<S: Simd>(rows: usize, kc: usize, a: Rows, b: *const f32, c: Target) {
    // SAFETY: the parts are inside what the caller promises.
    unsafe {
        let half = c.width.min(LANES);
        let right = Target { start: c.start.add(half), width: c.width - half, ..c };
        let left = Target { width: half, ..c };
        let mut r = 0;
        if S::WIDE && c.width > LANES {
            while r + 8 <= rows {
                tile::<S, 8, 2>(kc, a.down(r), b, down(c, r));
                r += 8;
            }
            rest::<S, 2>(rows, r, kc, a, b, c);
        } else {
            columns::<S>(rows, kc, a, b, left);
            if right.width > 0 {
                columns::<S>(rows, kc, a, b.add(LANES), right);
            }
        }
    }
}

#[inline(always)]
unsafe fn down(c: Target, r: usize) -> Target {
    // SAFETY: the caller has that row.
    Target { start: unsafe { c.start.add(r * c.row) }, ..c }
}

#[inline(always)]
unsafe fn columns<S: Simd>(rows: usize, kc: usize, a: Rows, b: *const f32, c: Target) {
    // SAFETY: as for `rows_by_panel`.
    unsafe {
        let mut r = 0;
        if S::TILE_ROWS >= 8 {
            while r + 8 <= rows {
                tile::<S, 8, 1>(kc, a.down(r), b, down(c, r));
                r += 8;
            }
        }
        rest::<S, 1>(rows, r, kc, a, b, c);
    }
}

#[inline(always)]
unsafe fn rest<S: Simd, const V: usize>(
    rows: usize,
    mut r: usize,
    kc: usize,
    a: Rows,
    b: *const f32,
    c: Target,
) {
    // SAFETY: as for `rows_by_panel`.
    unsafe {
        while r + 4 <= rows {
            tile::<S, 4, V>(kc, a.down(r), b, down(c, r));
            r += 4;
        }
        if r + 2 <= rows {
            tile::<S, 2, V>(kc, a.down(r), b, down(c, r));
            r += 2;
        }
        if r < rows {
            tile::<S, 1, V>(kc, a.down(r), b, down(c, r));
        }
    }
}

#[inline(always)]
unsafe fn tile<S: Simd, const R: usize, const V: usize>(kc: usize, a: Rows, b: *const f32, c: Target) {
    // SAFETY: as for `rows_by_panel`.
    unsafe {
        let sums = if a.step == 1 {
            sums::<S, R, V>(kc, a.start, a.row, 1, b)
        } else {
            sums::<S, R, V>(kc, a.start, 1, a.step, b)
        };
        for (r, sums) in sums.iter().enumerate() {
            for (v, &sum) in sums.iter().enumerate() {
                let p = c.start.add(r * c.row + v * LANES);
                let width = c.width - v * LANES;
                if width >= LANES {
                    S::store(p, if c.add { S::add(S::load(p), sum) } else { sum });
                } else {
                    let part = std::slice::from_raw_parts_mut(p, width);
                    for (to, sum) in part.iter_mut().zip(S::array(sum)) {
                        *to = if c.add { *to + sum } else { sum };
                    }
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn sums<S: Simd, const R: usize, const V: usize>(
    kc: usize,
    a: *const f32,
    row: usize,
    step: usize,
    b: *const f32,
) -> [[S::V; V]; R] {
    let mut sums = [[S::splat(0.0); V]; R];
    let mut a = a;
    let mut b = b;
    // The next rows mostly follow without a gap: half a cache line of them per step.
    let mut next = a.wrapping_add(R * row);
    for _ in 0..kc {
        if R == 8 && step == 1 {
            S::prefetch(next);
            next = next.wrapping_add(8);
        }
        // SAFETY: as for `rows_by_panel`; the pointers are used only for k < kc.
        unsafe {
            let mut columns = [S::splat(0.0); V];
            for (v, column) in columns.iter_mut().enumerate() {
                *column = S::load(b.add(v * LANES));
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                let x = S::splat(*a.add(r * row));
                for (sum, &column) in sums.iter_mut().zip(&columns) {
                    *sum = S::fma(x, column, *sum);
                }
            }
            a = a.wrapping_add(step);
            b = b.wrapping_add(NR);
        }
    }
    sums
}

/// Writes the transpose of `rows` x `cols` floats.
///
/// # Safety
/// Both blocks are there and do not overlap.
#[inline(always)]
pub(crate) unsafe fn transpose<S: Simd>(
    rows: usize,
    cols: usize,
    src: *const f32,
    src_stride: usize,
    dst: *mut f32,
    dst_stride: usize,
) {
    // SAFETY: the parts are inside the blocks.
    unsafe {
        for i in (0..rows).step_by(LANES) {
            for j in (0..cols).step_by(LANES) {
                let (src, dst) = (src.add(i * src_stride + j), dst.add(j * dst_stride + i));
                let (h, w) = ((rows - i).min(LANES), (cols - j).min(LANES));
                if h == LANES && w == LANES {
                    S::transpose(src, src_stride, dst, dst_stride);
                } else {
                    for r in 0..h {
                        for c in 0..w {
                            dst.add(c * dst_stride + r).write(src.add(r * src_stride + c).read_unaligned());
                        }
                    }
                }
            }
        }
    }
}
