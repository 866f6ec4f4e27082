//! The gated linear layer of transformers, without its intermediate.

#![allow(unsafe_code, reason = "threads write disjoint blocks of one result")]

use crate::gemm::{Left, Panels, Right, spread};
use crate::lanes::{load, store};
use crate::linear::Linear;
use crate::maths::gelu;
use crate::operand::{Lines, Steps};
use crate::share::{Out, Scratch, part_size};
use crate::simd::{LANES, Path, Simd, Task, run as run_on};
use crate::stored::Stored;
use crate::tile::{KC, NR, Rows, Target, rows_by_panel};

/// Rows of one job, at most.
const ROWS: usize = 64;

pub(crate) fn run(l: &Linear, x: Stored<'_>, w: Stored<'_>, bias: Option<Stored<'_>>, out: &mut [f32]) {
    let Linear { rows, k, n, .. } = *l;
    let bias = bias.map(|b| b.widen());
    let bias = bias.as_deref();
    match (l.x_columns, l.w_transposed) {
        (false, false) => {
            gated(l, &Lines { values: x, k, lines: rows }, &Lines { values: w, k, lines: 2 * n }, bias, out);
        }
        (false, true) => {
            gated(l, &Lines { values: x, k, lines: rows }, &Steps { values: w, k, lines: 2 * n }, bias, out);
        }
        (true, false) => {
            gated(l, &Steps { values: x, k, lines: rows }, &Lines { values: w, k, lines: 2 * n }, bias, out);
        }
        (true, true) => {
            gated(l, &Steps { values: x, k, lines: rows }, &Steps { values: w, k, lines: 2 * n }, bias, out);
        }
    }
}

fn gated<L: Left, R: Right>(l: &Linear, left: &L, right: &R, bias: Option<&[f32]>, out: &mut [f32]) {
    let (m, k, n) = (l.batch * l.rows, l.k, l.n);
    if m * n == 0 {
        return;
    }
    let path = Path::current();
    let panels = Panels { batch: 1, cols: n };
    let total = panels.total();
    let blocks = k.div_ceil(KC);
    let serial = m * n * k < 1 << 16;
    let out = Out::new(out);
    // The weight is packed some pairs of panels at a time (16 MB), and shared; or, when there are few
    // rows, all rows are packed and each job packs the weight's panels it needs.
    let share_rows = m <= n;
    let group_rows = if share_rows { ((4 << 20) / (blocks * KC)).clamp(ROWS, m.max(ROWS)) } else { m };
    let group_panels = if share_rows { total } else { ((4 << 20) / (2 * blocks * KC * NR)).clamp(1, total) };
    for m0 in (0..m).step_by(group_rows) {
        let rows = group_rows.min(m - m0);
        for p0 in (0..total).step_by(group_panels) {
            let some = group_panels.min(total - p0);
            let len = if share_rows { rows * blocks * KC } else { some * 2 * blocks * KC * NR };
            let mut shared = Scratch::new(len);
            let packed = Out::new(&mut shared);
            let job = Job { left, right, k, n, bias, out, panels };
            if share_rows {
                let each = part_size(rows, 8, 64);
                spread(rows.div_ceil(each), serial, |i| {
                    let r0 = i * each;
                    let each = each.min(rows - r0);
                    run_on(path, PackRows { job: &job, m0: m0 + r0, rows: each, at: r0, of: rows, packed });
                });
                spread(some, serial, |i| {
                    let mut own = Scratch::new(2 * blocks * KC * NR);
                    let own_out = Out::new(&mut own);
                    run_on(path, PackPair { job: &job, panel: p0 + i, at: 0, packed: own_out });
                    for r0 in (0..rows).step_by(ROWS) {
                        let each = ROWS.min(rows - r0);
                        let a = &shared[r0 * KC..];
                        run_on(
                            path,
                            Pair { job: &job, m0: m0 + r0, rows: each, a, of: rows, panel: p0 + i, b: &own },
                        );
                    }
                });
            } else {
                spread(some, serial, |i| {
                    run_on(path, PackPair { job: &job, panel: p0 + i, at: i, packed });
                });
                let each = part_size(rows, 16, ROWS).next_multiple_of(8);
                spread(rows.div_ceil(each), serial, |i| {
                    let r0 = i * each;
                    let each = each.min(rows - r0);
                    let mut own = Scratch::new(each * blocks * KC);
                    let own_out = Out::new(&mut own);
                    run_on(
                        path,
                        PackRows { job: &job, m0: m0 + r0, rows: each, at: 0, of: each, packed: own_out },
                    );
                    for i in 0..some {
                        let b = &shared[i * 2 * blocks * KC * NR..][..2 * blocks * KC * NR];
                        run_on(
                            path,
                            Pair { job: &job, m0: m0 + r0, rows: each, a: &own, of: each, panel: p0 + i, b },
                        );
                    }
                });
            }
        }
    }
}

struct Job<'a, L, R> {
    left: &'a L,
    right: &'a R,
    k: usize,
    n: usize,
    bias: Option<&'a [f32]>,
    out: Out,
    panels: Panels,
}

/// Packs rows as `[block][of][KC]`.
struct PackRows<'a, L, R> {
    job: &'a Job<'a, L, R>,
    m0: usize,
    rows: usize,
    at: usize,
    of: usize,
    packed: Out,
}

impl<L: Left, R: Right> Task for PackRows<'_, L, R> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        for (block, k0) in (0..self.job.k).step_by(KC).enumerate() {
            // SAFETY: these rows of the block are this task's.
            let dst = unsafe { self.packed.part((block * self.of + self.at) * KC, self.rows * KC) };
            self.job.left.pack::<S>(self.m0, self.rows, k0, (self.job.k - k0).min(KC), dst);
        }
    }
}

/// Packs a panel of values and the same panel of gates, as `[2][block][KC][NR]`.
struct PackPair<'a, L, R> {
    job: &'a Job<'a, L, R>,
    panel: usize,
    at: usize,
    packed: Out,
}

impl<L: Left, R: Right> Task for PackPair<'_, L, R> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let blocks = self.job.k.div_ceil(KC);
        let (_, n0, width) = self.job.panels.at(self.panel);
        for half in 0..2 {
            for (block, k0) in (0..self.job.k).step_by(KC).enumerate() {
                let at = ((self.at * 2 + half) * blocks + block) * KC * NR;
                // SAFETY: this pair is this task's.
                let dst = unsafe { self.packed.part(at, KC * NR) };
                let first = half * self.job.n + n0;
                self.job.right.pack::<S>(0, first, width, k0, (self.job.k - k0).min(KC), dst);
            }
        }
    }
}

/// Rows times a pair of panels, and the gate.
struct Pair<'a, L, R> {
    job: &'a Job<'a, L, R>,
    m0: usize,
    rows: usize,
    /// `[block][of][KC]`, from the first row on.
    a: &'a [f32],
    of: usize,
    panel: usize,
    b: &'a [f32],
}

impl<L: Left, R: Right> Task for Pair<'_, L, R> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let job = self.job;
        let (_, n0, width) = job.panels.at(self.panel);
        let blocks = job.k.div_ceil(KC);
        let mut sums = Scratch::new(ROWS * 2 * NR);
        assert!(self.rows <= ROWS);
        for (block, k0) in (0..job.k).step_by(KC).enumerate() {
            let a = &self.a[block * self.of * KC..];
            for half in 0..2 {
                let b = &self.b[(half * blocks + block) * KC * NR..][..KC * NR];
                let start = sums[half * NR..].as_mut_ptr();
                let c = Target { start, row: 2 * NR, width, add: k0 > 0 };
                let a = Rows { start: a.as_ptr(), row: KC, step: 1 };
                // SAFETY: both operands were packed for this block; sums are ours.
                unsafe { rows_by_panel::<S>(self.rows, (job.k - k0).min(KC), a, b.as_ptr(), c) };
            }
        }
        for r in 0..self.rows {
            // SAFETY: this piece of the row is this task's.
            let out = unsafe { job.out.part((self.m0 + r) * job.n + n0, width) };
            for at in (0..width).step_by(LANES) {
                let mut value = load::<S>(&sums, r * 2 * NR + at);
                let mut gate = load::<S>(&sums, r * 2 * NR + NR + at);
                if let Some(bias) = job.bias {
                    value = S::add(value, load::<S>(&bias[..job.n], n0 + at));
                    gate = S::add(gate, load::<S>(bias, job.n + n0 + at));
                }
                store::<S>(out, at, S::mul(value, gelu::<S>(gate)));
            }
        }
    }
}
