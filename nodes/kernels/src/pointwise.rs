//! Operations on single numbers, and turning matrices over.

#![allow(unsafe_code, reason = "threads write disjoint parts of one result")]

use rayon::prelude::*;

use crate::Act;
use crate::check::need;
use crate::lanes::{update, update2};
use crate::maths;
use crate::share::Out;
use crate::simd::{Path, Simd, Task, run};
use crate::stored::Stored;
use crate::tile;

/// Numbers a thread takes at a time.
const PART: usize = 1 << 14;
/// Below this many numbers one thread does it all.
const SMALL: usize = 1 << 15;

/// Hands out parts of `each * group` numbers to threads.
pub(crate) fn by_parts(
    out: &mut [f32],
    each: usize,
    group: usize,
    f: impl Fn(usize, &mut [f32]) + Sync + Send,
) {
    let part = (each * group).max(1);
    if out.len() <= SMALL || out.len() <= part || rayon::current_num_threads() == 1 {
        out.chunks_mut(part).enumerate().for_each(|(i, out)| f(i, out));
    } else {
        out.par_chunks_mut(part).enumerate().for_each(|(i, out)| f(i, out));
    }
}

enum Op<'a> {
    Act(Act),
    Add(&'a [f32]),
    ScaleAdd(f32, &'a [f32], f32),
    Affine(f32, f32),
    Prelu(f32),
}

struct Pointwise<'a> {
    op: Op<'a>,
    x: &'a mut [f32],
}

impl Task for Pointwise<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let x = self.x;
        match self.op {
            Op::Act(Act::Silu) => update::<S>(x, |v| maths::act::<S>(Act::Silu, v)),
            Op::Act(Act::Gelu) => update::<S>(x, |v| maths::act::<S>(Act::Gelu, v)),
            Op::Act(act) => update::<S>(x, |v| maths::act::<S>(act, v)),
            Op::Add(y) => update2::<S>(x, y, |a, b| S::add(a, b)),
            Op::ScaleAdd(scale, y, of) => {
                let (scale, of) = (S::splat(scale), S::splat(of));
                update2::<S>(x, y, |a, b| S::fma(b, of, S::mul(a, scale)));
            }
            Op::Affine(scale, shift) => {
                let (scale, shift) = (S::splat(scale), S::splat(shift));
                update::<S>(x, |v| S::fma(v, scale, shift));
            }
            Op::Prelu(slope) => update::<S>(x, |v| maths::act::<S>(Act::LeakyRelu(slope), v)),
        }
    }
}

/// Applies an activation in place.
pub fn activate(act: Act, x: &mut [f32]) {
    if act == Act::None {
        return;
    }
    let path = Path::current();
    by_parts(x, PART, 1, |_, x| run(path, Pointwise { op: Op::Act(act), x }));
}

/// `out += x`
///
/// # Panics
/// When the lengths differ: a bug of the caller.
pub fn add_into(out: &mut [f32], x: &[f32]) {
    need(out.len() == x.len(), "add_into: both have the same length");
    let path = Path::current();
    by_parts(out, PART, 1, |i, out| {
        run(path, Pointwise { op: Op::Add(&x[i * PART..][..out.len()]), x: out });
    });
}

/// `out = scale * out + of * x`
///
/// # Panics
/// When the lengths differ: a bug of the caller.
pub fn scale_add(scale: f32, out: &mut [f32], of: f32, x: &[f32]) {
    need(out.len() == x.len(), "scale_add: both have the same length");
    let path = Path::current();
    by_parts(out, PART, 1, |i, out| {
        run(path, Pointwise { op: Op::ScaleAdd(scale, &x[i * PART..][..out.len()], of), x: out });
    });
}

/// `x = x * scale + shift` with one scale and shift per channel: a folded batch normalisation.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn affine_channels(n: usize, c: usize, hw: usize, scale: Stored<'_>, shift: Stored<'_>, x: &mut [f32]) {
    need(x.len() == n * c * hw, "affine_channels: x is [n, c, hw]");
    need(scale.len() == c && shift.len() == c, "affine_channels: one scale and shift per channel");
    let (scale, shift) = (scale.widen(), shift.widen());
    let path = Path::current();
    by_parts(x, hw, 1, |i, x| {
        run(path, Pointwise { op: Op::Affine(scale[i % c], shift[i % c]), x });
    });
}

/// `x`, or slope times `x` where `x` is negative; one slope per channel, or one for all.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn prelu(n: usize, c: usize, hw: usize, slope: Stored<'_>, x: &mut [f32]) {
    need(x.len() == n * c * hw, "prelu: x is [n, c, hw]");
    need(slope.len() == c || slope.len() == 1, "prelu: one slope, or one per channel");
    let slope = slope.widen();
    let path = Path::current();
    by_parts(x, hw, 1, |i, x| {
        run(path, Pointwise { op: Op::Prelu(slope[i % slope.len().min(c)]), x });
    });
}

struct Turn<'a> {
    rows: usize,
    cols: usize,
    /// First row.
    r0: usize,
    some: usize,
    x: &'a [f32],
    out: Out,
    first: usize,
}

impl Task for Turn<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let src = &self.x[self.r0 * self.cols..(self.r0 + self.some) * self.cols];
        // SAFETY: `some` rows of `cols` are there, and go to columns that only this task writes.
        unsafe {
            let dst = self.out.at(self.first + self.r0);
            tile::transpose::<S>(self.some, self.cols, src.as_ptr(), self.cols, dst, self.rows);
        }
    }
}

/// Turns `[batch, rows, cols]` into `[batch, cols, rows]`.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn transpose(batch: usize, rows: usize, cols: usize, x: &[f32], out: &mut [f32]) {
    need(x.len() == batch * rows * cols && out.len() == x.len(), "transpose: x is [batch, rows, cols]");
    if x.is_empty() {
        return;
    }
    let path = Path::current();
    let parts = rows.div_ceil(64);
    let serial = x.len() < SMALL;
    let out = Out::new(out);
    crate::gemm::spread(batch * parts, serial, |i| {
        let (image, r0) = (i / parts, i % parts * 64);
        let first = image * rows * cols;
        let x = &x[first..first + rows * cols];
        run(path, Turn { rows, cols, r0, some: (rows - r0).min(64), x, out, first });
    });
}
