//! Group, layer and root-mean-square normalisation, and softmax.

use crate::Act;
use crate::check::need;
use crate::lanes::{largest, load, map, store, sum, update};
use crate::maths;
use crate::pointwise::by_parts;
use crate::share::part_size;
use crate::simd::{LANES, Path, Simd, Task, run};
use crate::stored::Stored;

/// Numbers whose mean and spread are taken at once; such pieces are merged in `f64`.
const PIECE: usize = 4096;

/// Mean and variance, as of one pass in double precision: pieces that fit the first cache are
/// looked at twice, and merged in ascending order.
#[inline(always)]
fn moments<S: Simd>(x: &[f32]) -> (f64, f64) {
    let (mut count, mut mean, mut spread) = (0.0f64, 0.0f64, 0.0f64);
    for piece in x.chunks(PIECE) {
        let n = piece.len() as f64;
        // Around the first number, so that a large common offset costs no precision.
        let first = S::splat(piece[0]);
        let centre = f64::from(sum::<S>(piece, |v| S::sub(v, first))) / n + f64::from(piece[0]);
        let near = centre as f32;
        let at = S::splat(near);
        let squares = f64::from(sum::<S>(piece, |v| {
            let v = S::sub(v, at);
            S::mul(v, v)
        }));
        let off = centre - f64::from(near);
        let squares = squares - n * off * off;
        let apart = centre - mean;
        let all = count + n;
        mean += apart * n / all;
        spread += squares + apart * apart * count * n / all;
        count = all;
    }
    (mean, (spread / count).max(0.0))
}

/// Group normalisation over NCHW, followed by an activation.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
#[allow(clippy::too_many_arguments, reason = "the shape of the operation")]
pub fn group_norm(
    n: usize,
    c: usize,
    hw: usize,
    groups: usize,
    eps: f32,
    gamma: Stored<'_>,
    beta: Stored<'_>,
    act: Act,
    x: &[f32],
    out: &mut [f32],
) {
    need(groups > 0 && c.is_multiple_of(groups), "group_norm: groups divide the channels");
    need(gamma.len() == c && beta.len() == c, "group_norm: gamma and beta have one number per channel");
    need(x.len() == n * c * hw && out.len() == x.len(), "group_norm: x and out are [n, c, hw]");
    if x.is_empty() {
        return;
    }
    let (gamma, beta) = (gamma.widen(), beta.widen());
    let path = Path::current();
    let each = c / groups;
    by_parts(out, each * hw, 1, |group, out| {
        let x = &x[group * each * hw..][..out.len()];
        let c0 = group % groups * each;
        run(path, Group { eps, gamma: &gamma[c0..c0 + each], beta: &beta[c0..c0 + each], act, x, out });
    });
}

struct Group<'a> {
    eps: f32,
    gamma: &'a [f32],
    beta: &'a [f32],
    act: Act,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl Task for Group<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let (mean, variance) = moments::<S>(self.x);
        let factor = 1.0 / (variance + f64::from(self.eps)).sqrt();
        let hw = self.x.len() / self.gamma.len();
        // The mean goes first, in so far as it is an f32; nothing large cancels afterwards.
        let near = mean as f32;
        for (i, (x, out)) in self.x.chunks(hw).zip(self.out.chunks_mut(hw)).enumerate() {
            let scale = f64::from(self.gamma[i]) * factor;
            let shift = S::splat((f64::from(self.beta[i]) - (mean - f64::from(near)) * scale) as f32);
            let (scale, at) = (S::splat(scale as f32), S::splat(near));
            let place = |v| S::fma(S::sub(v, at), scale, shift);
            match self.act {
                Act::None => map::<S>(x, out, place),
                Act::Silu => map::<S>(x, out, |v| maths::act::<S>(Act::Silu, place(v))),
                act => map::<S>(x, out, |v| maths::act::<S>(act, place(v))),
            }
        }
    }
}

#[derive(Clone, Copy)]
enum RowOp<'a> {
    Layer { eps: f32, gamma: Option<&'a [f32]>, beta: Option<&'a [f32]> },
    Rms { eps: f32, gamma: Option<&'a [f32]> },
    Softmax,
}

struct RowsTask<'a> {
    op: RowOp<'a>,
    c: usize,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl Task for RowsTask<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        for (x, out) in self.x.chunks(self.c).zip(self.out.chunks_mut(self.c)) {
            match self.op {
                RowOp::Layer { eps, gamma, beta } => {
                    let (mean, variance) = moments::<S>(x);
                    let factor = 1.0 / (variance + f64::from(eps)).sqrt();
                    scaled::<S>(x, mean, factor, gamma, beta, out);
                }
                RowOp::Rms { eps, gamma } => {
                    let mut squares = 0.0;
                    for piece in x.chunks(PIECE) {
                        squares += f64::from(sum::<S>(piece, |v| S::mul(v, v)));
                    }
                    let factor = 1.0 / (squares / self.c as f64 + f64::from(eps)).sqrt();
                    scaled::<S>(x, 0.0, factor, gamma, None, out);
                }
                RowOp::Softmax => {
                    let top = S::splat(largest::<S>(x));
                    map::<S>(x, out, |v| maths::exp::<S>(S::sub(v, top)));
                    let all = S::splat(sum::<S>(out, |v| v));
                    update::<S>(out, |v| S::div(v, all));
                }
            }
        }
    }
}

#[inline(always)]
fn scaled<S: Simd>(
    x: &[f32],
    mean: f64,
    scale: f64,
    gamma: Option<&[f32]>,
    beta: Option<&[f32]>,
    out: &mut [f32],
) {
    let near = mean as f32;
    let shift = S::splat(((f64::from(near) - mean) * scale) as f32);
    let (scale, at_mean) = (S::splat(scale as f32), S::splat(near));
    for at in (0..x.len()).step_by(LANES) {
        let mut v = S::fma(S::sub(load::<S>(x, at), at_mean), scale, shift);
        if let Some(gamma) = gamma {
            v = S::mul(v, load::<S>(gamma, at));
        }
        if let Some(beta) = beta {
            v = S::add(v, load::<S>(beta, at));
        }
        store::<S>(out, at, v);
    }
}

fn by_rows(op: RowOp<'_>, rows: usize, c: usize, x: &[f32], out: &mut [f32]) {
    if rows * c == 0 {
        return;
    }
    let path = Path::current();
    let each = part_size(rows, 1, (16384 / c).max(1)).max(1);
    by_parts(out, each * c, 1, |i, out| {
        run(path, RowsTask { op, c, x: &x[i * each * c..][..out.len()], out });
    });
}

/// Layer normalisation of each row.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn layer_norm(
    rows: usize,
    c: usize,
    eps: f32,
    gamma: Option<Stored<'_>>,
    beta: Option<Stored<'_>>,
    x: &[f32],
    out: &mut [f32],
) {
    need(x.len() == rows * c && out.len() == x.len(), "layer_norm: x and out are [rows, c]");
    need(gamma.is_none_or(|g| g.len() == c), "layer_norm: gamma has one number per column");
    need(beta.is_none_or(|b| b.len() == c), "layer_norm: beta has one number per column");
    let (gamma, beta) = (gamma.map(|g| g.widen()), beta.map(|b| b.widen()));
    by_rows(RowOp::Layer { eps, gamma: gamma.as_deref(), beta: beta.as_deref() }, rows, c, x, out);
}

/// Division of each row by its root mean square.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn rms_norm(rows: usize, c: usize, eps: f32, gamma: Option<Stored<'_>>, x: &[f32], out: &mut [f32]) {
    need(x.len() == rows * c && out.len() == x.len(), "rms_norm: x and out are [rows, c]");
    need(gamma.is_none_or(|g| g.len() == c), "rms_norm: gamma has one number per column");
    let gamma = gamma.map(|g| g.widen());
    by_rows(RowOp::Rms { eps, gamma: gamma.as_deref() }, rows, c, x, out);
}

/// Softmax of each row.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn softmax_rows(rows: usize, c: usize, x: &[f32], out: &mut [f32]) {
    need(x.len() == rows * c && out.len() == x.len(), "softmax_rows: x and out are [rows, c]");
    by_rows(RowOp::Softmax, rows, c, x, out);
}
