//! Attention without the matrix of scores: keys and values pass by in blocks, with a running
//! maximum and sum for every query.
//!
//! Scores stand with queries across the lanes, so that maximum, exponential and sum need nothing
//! across lanes, and the weights are a packed panel for the second product as they are.
//! The order is fixed: blocks of [`BLOCK`] keys in ascending order, inside a block ascending keys.

#![allow(unsafe_code, reason = "threads write disjoint rows of one result")]

use crate::check::need;
use crate::gemm::spread;
use crate::maths::exp;
use crate::share::{Out, Scratch, part_size};
use crate::simd::{LANES, Path, Simd, Task, run};
use crate::tile::{KC, NR, Rows, Target, rows_by_panel, transpose};

/// Keys in one block. Part of the definition of the results.
const BLOCK: usize = 128;

/// Attention of several heads. q, k and v are `[batch, length, heads * head_dim]`, where rows are
/// `q_stride`, `k_stride` and `v_stride` floats apart (so that a fused buffer can be read).
#[derive(Clone, Copy, Debug, Default)]
pub struct Attention<'a> {
    /// Images.
    pub batch: usize,
    /// Heads.
    pub heads: usize,
    /// Queries per image.
    pub q_len: usize,
    /// Keys and values per image.
    pub kv_len: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// What scores are multiplied with, usually `1 / sqrt(head_dim)`.
    pub scale: f32,
    /// Whether query i sees only keys `0 ..= i`.
    pub causal: bool,
    /// Added to the scores: `[q_len, kv_len]` or `[batch, q_len, kv_len]`.
    pub mask: Option<&'a [f32]>,
    /// Distance of the rows of q.
    pub q_stride: usize,
    /// Distance of the rows of k.
    pub k_stride: usize,
    /// Distance of the rows of v.
    pub v_stride: usize,
}

/// `softmax(q k^T * scale + mask) v`, written as `[batch, q_len, heads * head_dim]`.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn attention(a: &Attention<'_>, q: &[f32], k: &[f32], v: &[f32], out: &mut [f32]) {
    let width = a.heads * a.head_dim;
    let fits = |len: usize, stride: usize, x: &[f32]| {
        stride >= width && (a.batch * len == 0 || x.len() >= (a.batch * len - 1) * stride + width)
    };
    need(fits(a.q_len, a.q_stride, q), "attention: q is [batch, q_len] rows of q_stride");
    need(fits(a.kv_len, a.k_stride, k), "attention: k is [batch, kv_len] rows of k_stride");
    need(fits(a.kv_len, a.v_stride, v), "attention: v is [batch, kv_len] rows of v_stride");
    need(out.len() == a.batch * a.q_len * width, "attention: out is [batch, q_len, heads * head_dim]");
    let scores = a.q_len * a.kv_len;
    need(
        a.mask.is_none_or(|m| m.len() == scores || m.len() == a.batch * scores),
        "attention: the mask is [q_len, kv_len], or that for every image",
    );
    if out.is_empty() {
        return;
    }
    if a.kv_len == 0 {
        out.fill(0.0);
        return;
    }
    let path = Path::current();
    let panels = a.q_len.div_ceil(NR);
    // As many queries per job as keep their running results in the second-level cache.
    let most = (1 << 16) / (a.head_dim * NR);
    let each = part_size(a.batch * a.heads * panels, 4, most.clamp(2, 32)).min(panels);
    let chunks = panels.div_ceil(each);
    let out = Out::new(out);
    let serial = a.batch * a.heads * scores * a.head_dim < 1 << 15;
    spread(a.batch * a.heads * chunks, serial, |job| {
        let (head, chunk) = (job / chunks, job % chunks);
        let job = Job {
            a,
            q,
            k,
            v,
            out,
            image: head / a.heads,
            head: head % a.heads,
            p0: chunk * each,
            panels: each.min(panels - chunk * each),
        };
        run(path, job);
    });
}

struct Job<'a> {
    a: &'a Attention<'a>,
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    out: Out,
    image: usize,
    head: usize,
    /// Panels of queries.
    p0: usize,
    panels: usize,
}

impl Task for Job<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Attention { heads, q_len, kv_len, head_dim: d, .. } = *self.a;
        let column = self.head * d;
        let mut queries = Scratch::new(self.panels * d * NR);
        let mut results = Scratch::new(self.panels * d * NR);
        let mut running = Scratch::new(self.panels * 2 * NR);
        let mut scores = Scratch::new(BLOCK * NR);
        let mut block = Scratch::new(2 * BLOCK * d);
        let (keys, values) = block.split_at_mut(BLOCK * d);
        for panel in 0..self.panels {
            let q0 = (self.p0 + panel) * NR;
            let w = (q_len - q0).min(NR);
            let first = (self.image * q_len + q0) * self.a.q_stride + column;
            let src = &self.q[first..first + (w - 1) * self.a.q_stride + d];
            let to = &mut queries[panel * d * NR..(panel + 1) * d * NR];
            if w < NR {
                to.fill(0.0);
            }
            // SAFETY: w rows of d are there, and d rows of NR.
            unsafe { transpose::<S>(w, d, src.as_ptr(), self.a.q_stride, to.as_mut_ptr(), NR) };
            for_lanes::<S>(to, |x| S::mul(x, S::splat(self.a.scale)));
        }
        for j0 in (0..kv_len).step_by(BLOCK) {
            let count = (kv_len - j0).min(BLOCK);
            let last_query = ((self.p0 + self.panels) * NR).min(q_len) - 1;
            if self.a.causal && j0 > last_query {
                break;
            }
            for j in 0..count {
                let row = self.image * kv_len + j0 + j;
                let (k, v) = (row * self.a.k_stride + column, row * self.a.v_stride + column);
                keys[j * d..(j + 1) * d].copy_from_slice(&self.k[k..k + d]);
                values[j * d..(j + 1) * d].copy_from_slice(&self.v[v..v + d]);
            }
            for panel in 0..self.panels {
                let q0 = (self.p0 + panel) * NR;
                if self.a.causal && j0 > q0 + NR - 1 {
                    continue;
                }
                let w = (q_len - q0).min(NR);
                let queries = &queries[panel * d * NR..(panel + 1) * d * NR];
                let results = &mut results[panel * d * NR..(panel + 1) * d * NR];
                let running = &mut running[panel * 2 * NR..(panel + 1) * 2 * NR];
                let width = if w <= LANES { LANES } else { NR };
                for k0 in (0..d).step_by(KC) {
                    let a = Rows { start: keys[k0..].as_ptr(), row: d, step: 1 };
                    let c = Target { start: scores.as_mut_ptr(), row: NR, width, add: k0 > 0 };
                    // SAFETY: `count` keys of d, d steps of queries, room for BLOCK rows of scores.
                    unsafe { rows_by_panel::<S>(count, (d - k0).min(KC), a, queries[k0 * NR..].as_ptr(), c) };
                }
                self.mask(q0, w, j0, count, &mut scores);
                for v in 0..width / LANES {
                    weigh::<S>(
                        &mut scores[v * LANES..],
                        count,
                        &mut running[v * LANES..],
                        &mut results[v * LANES..],
                        j0 > 0,
                    );
                }
                let a = Rows { start: values.as_ptr(), row: 1, step: d };
                let c = Target { start: results.as_mut_ptr(), row: NR, width, add: j0 > 0 };
                // SAFETY: `count` values of d, `count` rows of weights, room for d rows of results.
                unsafe { rows_by_panel::<S>(d, count, a, scores.as_ptr(), c) };
            }
        }
        for panel in 0..self.panels {
            let q0 = (self.p0 + panel) * NR;
            let w = (q_len - q0).min(NR);
            let results = &mut results[panel * d * NR..(panel + 1) * d * NR];
            let sums = &running[(panel * 2 + 1) * NR..][..NR];
            for row in results.chunks_exact_mut(NR) {
                for v in 0..w.div_ceil(LANES) {
                    // SAFETY: rows and sums are NR long.
                    unsafe {
                        let p = row[v * LANES..].as_mut_ptr();
                        S::store(p, S::div(S::load(p), S::load(sums[v * LANES..].as_ptr())));
                    }
                }
            }
            let stride = heads * d;
            let first = (self.image * q_len + q0) * stride + column;
            // SAFETY: w rows of d that only this job writes; d rows of NR results.
            unsafe { transpose::<S>(d, w, results.as_ptr(), NR, self.out.at(first), stride) };
        }
    }
}

impl Job<'_> {
    #[inline(always)]
    fn mask(&self, q0: usize, w: usize, j0: usize, count: usize, scores: &mut [f32]) {
        let Attention { q_len, kv_len, .. } = *self.a;
        if let Some(mask) = self.a.mask {
            let image = if mask.len() == q_len * kv_len { 0 } else { self.image };
            for i in 0..w {
                let row = &mask[(image * q_len + q0 + i) * kv_len + j0..][..count];
                for (j, m) in row.iter().enumerate() {
                    scores[j * NR + i] += m;
                }
            }
        }
        if self.a.causal && j0 + count > q0 + 1 {
            for j in 0..count {
                let hidden = (j0 + j).saturating_sub(q0).min(NR);
                scores[j * NR..j * NR + hidden].fill(f32::NEG_INFINITY);
            }
        }
    }
}

/// Turns a block of scores of sixteen queries into weights, and keeps the running maximum (at 0)
/// and sum (at NR); what was summed before is scaled to the new maximum.
#[inline(always)]
fn weigh<S: Simd>(scores: &mut [f32], count: usize, running: &mut [f32], results: &mut [f32], more: bool) {
    assert!(scores.len() >= (count - 1) * NR + LANES && running.len() >= NR + LANES);
    let (scores, old) = (scores.as_mut_ptr(), running.as_mut_ptr());
    // SAFETY: lengths were checked above.
    unsafe {
        let before = if more { S::load(old) } else { S::splat(f32::NEG_INFINITY) };
        let mut top = [before; 4];
        for j in 0..count {
            top[j % 4] = S::max(top[j % 4], S::load(scores.add(j * NR)));
        }
        let top = S::max(S::max(top[0], top[1]), S::max(top[2], top[3]));
        // A row that is hidden so far has -inf here; nothing may be subtracted from -inf.
        let base = S::select_lt(S::splat(f32::NEG_INFINITY), top, top, S::splat(0.0));
        let mut sum = S::splat(0.0);
        for j in 0..count {
            let p = scores.add(j * NR);
            let weight = exp::<S>(S::sub(S::load(p), base));
            S::store(p, weight);
            sum = S::add(sum, weight);
        }
        if more {
            let factor = exp::<S>(S::sub(before, base));
            sum = S::fma(S::load(old.add(NR)), factor, sum);
            for row in results.chunks_mut(NR) {
                S::store(row.as_mut_ptr(), S::mul(S::load(row.as_ptr()), factor));
            }
        }
        S::store(old, top);
        S::store(old.add(NR), sum);
    }
}

#[inline(always)]
fn for_lanes<S: Simd>(x: &mut [f32], f: impl Fn(S::V) -> S::V) {
    for part in x.chunks_exact_mut(LANES) {
        // SAFETY: sixteen floats.
        unsafe { S::store(part.as_mut_ptr(), f(S::load(part.as_ptr()))) };
    }
}
