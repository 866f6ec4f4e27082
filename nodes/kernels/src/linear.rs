//! Linear layers and products of matrices.

use rayon::prelude::*;

use crate::check::need;
use crate::gemm::{Finish, Left, Panels, Product, Right};
use crate::operand::{Lines, Steps};
use crate::share::Out;
use crate::stored::Stored;
use crate::{Act, Then};

/// A linear layer: `rows` x `k` times the transpose of `n` x `k`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Linear {
    /// Images of the batch.
    pub batch: usize,
    /// Rows (tokens) of an image.
    pub rows: usize,
    /// Width of the input.
    pub k: usize,
    /// Width of the output.
    pub n: usize,
    /// The input is `[k, rows]` per image: NCHW seen as tokens, without a copy.
    pub x_columns: bool,
    /// The output is `[n, rows]` per image: back to NCHW; `Then::add` is laid out the same.
    pub out_columns: bool,
    /// The weight is stored as `[k, n]`.
    pub w_transposed: bool,
}

/// `out = then(x W^T)`. `Then::shift` is `[batch, n]`.
///
/// # Panics
/// When a slice's length does not fit the layer: a bug of the caller.
pub fn linear(l: &Linear, x: &[f32], w: Stored<'_>, then: Then<'_>, out: &mut [f32]) {
    let Linear { batch, rows, k, n, .. } = *l;
    need(k > 0, "linear: k is at least 1");
    need(x.len() == batch * rows * k, "linear: x is [batch, rows, k]");
    need(w.len() == n * k, "linear: the weight is [n, k]");
    need(out.len() == batch * rows * n, "linear: out is [batch, rows, n]");
    let bias = then.bias.map(|b| b.widen());
    then.check("linear", batch * n, n, out.len());
    let x = Stored::f32(x);
    let finish = Finish { act: then.act, add: then.add, ..Finish::default() };
    if l.out_columns {
        let panels = Panels { batch, cols: rows };
        let finish = Finish { row_bias: bias.as_deref(), shift: then.shift, ..finish };
        let of = Shape { m: n, k, panels, row: rows, image: n * rows, finish };
        match (l.w_transposed, l.x_columns) {
            (false, false) => {
                of.run(Lines { values: w, k, lines: n }, Lines { values: x, k, lines: rows }, out);
            }
            (false, true) => {
                of.run(Lines { values: w, k, lines: n }, Steps { values: x, k, lines: rows }, out);
            }
            (true, false) => {
                of.run(Steps { values: w, k, lines: n }, Lines { values: x, k, lines: rows }, out);
            }
            (true, true) => {
                of.run(Steps { values: w, k, lines: n }, Steps { values: x, k, lines: rows }, out);
            }
        }
        return;
    }
    // Rows of all images are one matrix.
    let shifted = then.shift.map(|shift| shift_rows(shift, bias.as_deref(), n));
    if let (Some(shifted), true) = (&shifted, batch > 1) {
        // Every image has columns of its own to add.
        for image in 0..batch {
            let one = Linear { batch: 1, ..*l };
            let part = image * rows * k..(image + 1) * rows * k;
            let x = x.bytes[part.start * 4..part.end * 4].as_ref();
            let out = &mut out[image * rows * n..(image + 1) * rows * n];
            let then = Then {
                bias: Some(Stored::f32(&shifted[image * n..(image + 1) * n])),
                shift: None,
                act: then.act,
                add: then.add.map(|add| &add[image * rows * n..(image + 1) * rows * n]),
            };
            rows_of(&one, Stored { bytes: x, ..Stored::f32(&[]) }, w, then, out);
        }
        return;
    }
    let col_bias = shifted.or(bias);
    let finish = Finish { col_bias: col_bias.as_deref(), ..finish };
    plain(l, x, w, finish, out);
}

fn rows_of(l: &Linear, x: Stored<'_>, w: Stored<'_>, then: Then<'_>, out: &mut [f32]) {
    let bias = then.bias.map(|b| b.widen());
    let finish = Finish { col_bias: bias.as_deref(), act: then.act, add: then.add, ..Finish::default() };
    plain(l, x, w, finish, out);
}

/// Bias plus shift, per image.
fn shift_rows(shift: &[f32], bias: Option<&[f32]>, n: usize) -> Vec<f32> {
    shift.iter().enumerate().map(|(i, s)| bias.map_or(0.0, |b| b[i % n]) + s).collect()
}

fn plain(l: &Linear, x: Stored<'_>, w: Stored<'_>, finish: Finish<'_>, out: &mut [f32]) {
    let Linear { batch, rows, k, n, .. } = *l;
    let of = Shape { m: batch * rows, k, panels: Panels { batch: 1, cols: n }, row: n, image: 0, finish };
    match (l.x_columns, l.w_transposed) {
        (false, false) => of.run(Lines { values: x, k, lines: rows }, Lines { values: w, k, lines: n }, out),
        (false, true) => of.run(Lines { values: x, k, lines: rows }, Steps { values: w, k, lines: n }, out),
        (true, false) => of.run(Steps { values: x, k, lines: rows }, Lines { values: w, k, lines: n }, out),
        (true, true) => of.run(Steps { values: x, k, lines: rows }, Steps { values: w, k, lines: n }, out),
    }
}

struct Shape<'a> {
    m: usize,
    k: usize,
    panels: Panels,
    row: usize,
    image: usize,
    finish: Finish<'a>,
}

impl Shape<'_> {
    fn run<L: Left, R: Right>(&self, left: L, right: R, out: &mut [f32]) {
        let Shape { m, k, panels, row, image, finish } = *self;
        Product { m, k, panels, left, right, out: Out::new(out), row, image, finish }.run();
    }
}

/// `out = value * gelu(gate)`, where value and gate are the two halves of `x W^T + bias`: the
/// weight has `2 n` rows, the values' first. `l.n` is the width of the output. The halves exist
/// only for some rows at a time. `x_columns` and `w_transposed` are as for [`linear`];
/// `out_columns` is not supported.
///
/// # Panics
/// When a slice's length does not fit the layer: a bug of the caller.
pub fn linear_geglu(l: &Linear, x: &[f32], w: Stored<'_>, bias: Option<Stored<'_>>, out: &mut [f32]) {
    let Linear { batch, rows, k, n, .. } = *l;
    need(!l.out_columns, "linear_geglu: out_columns is not supported");
    need(x.len() == batch * rows * k, "linear_geglu: x is [batch, rows, k]");
    need(w.len() == 2 * n * k, "linear_geglu: the weight is [2n, k]");
    need(out.len() == batch * rows * n, "linear_geglu: out is [batch, rows, n]");
    crate::geglu::run(l, Stored::f32(x), w, bias, out);
}

/// Products of matrices: `a` is `[batch, m, k]`, `b` is `[batch, k, n]`.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn matmul(batch: usize, m: usize, k: usize, n: usize, a: &[f32], b: &[f32], out: &mut [f32]) {
    need(k > 0, "matmul: k is at least 1");
    need(a.len() == batch * m * k, "matmul: a is [batch, m, k]");
    need(b.len() == batch * k * n, "matmul: b is [batch, k, n]");
    need(out.len() == batch * m * n, "matmul: out is [batch, m, n]");
    if m * n == 0 {
        return;
    }
    let one = |(i, out): (usize, &mut [f32])| {
        let l = Linear { batch: 1, rows: m, k, n, w_transposed: true, ..Linear::default() };
        let then = Then { act: Act::None, ..Then::default() };
        linear(&l, &a[i * m * k..(i + 1) * m * k], Stored::f32(&b[i * k * n..(i + 1) * k * n]), then, out);
    };
    if batch == 1 || m * k * n > 1 << 22 {
        out.chunks_mut(m * n).enumerate().for_each(one);
    } else {
        let path = crate::simd::Path::current();
        out.par_chunks_mut(m * n).enumerate().for_each(|part| crate::simd::with_path(path, || one(part)));
    }
}
