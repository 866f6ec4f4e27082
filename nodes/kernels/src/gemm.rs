//! Products of matrices: how they are cut into blocks, packed, and spread over threads.
//!
//! The smaller operand is packed by all threads together and shared; the other one is packed by
//! whoever needs a block of it. Neither choice touches the order inside an element (see [`crate::tile`]).

#![allow(unsafe_code, reason = "threads write disjoint blocks of one result")]

use rayon::prelude::*;

use crate::Act;
use crate::maths;
use crate::share::{Out, Scratch, part_size};
use crate::simd::{LANES, Path, Simd, Task, run};
use crate::tile::{KC, NR, Rows, Target, rows_by_panel};

/// Floats of the shared operand packed at a time (16 MB).
const SHARED: usize = 4 << 20;
/// Panels worked on at a time when they are shared.
const GROUP: usize = SHARED / (KC * NR);
/// Rows packed at a time when they are shared.
const ROW_GROUP: usize = SHARED / KC;
/// Below this many multiplications one thread does it all.
const SMALL: usize = 1 << 17;

/// The columns of a result, in panels that never cross from one image of a batch to the next.
#[derive(Clone, Copy)]
pub(crate) struct Panels {
    pub(crate) batch: usize,
    pub(crate) cols: usize,
}

impl Panels {
    pub(crate) fn total(self) -> usize {
        self.batch * self.cols.div_ceil(NR)
    }
    /// (image, first column, width)
    #[inline(always)]
    pub(crate) fn at(self, panel: usize) -> (usize, usize, usize) {
        let each = self.cols.div_ceil(NR);
        let n0 = panel % each * NR;
        (panel / each, n0, (self.cols - n0).min(NR))
    }
}

/// Where rows of A come from.
pub(crate) trait Left: Sync {
    /// Writes rows `m0 ..`, steps `k0 .. k0 + kc`, row r at `dst[r * KC ..]`. Always inlined.
    fn pack<S: Simd>(&self, m0: usize, rows: usize, k0: usize, kc: usize, dst: &mut [f32]);
}

/// Where panels of B come from.
pub(crate) trait Right: Sync {
    /// Writes columns `n0 .. n0 + width` of image `batch`, steps `k0 .. k0 + kc`, as `[kc][NR]`;
    /// what is right of `width` may be anything finite or not: it is never used. Always inlined.
    fn pack<S: Simd>(&self, batch: usize, n0: usize, width: usize, k0: usize, kc: usize, dst: &mut [f32]);
}

/// What happens to a sum before it stays: bias, shift, activation, residual.
#[derive(Clone, Copy, Default)]
pub(crate) struct Finish<'a> {
    /// One per row.
    pub(crate) row_bias: Option<&'a [f32]>,
    /// One per column.
    pub(crate) col_bias: Option<&'a [f32]>,
    /// One per (image, row).
    pub(crate) shift: Option<&'a [f32]>,
    pub(crate) act: Act,
    /// Laid out like the result.
    pub(crate) add: Option<&'a [f32]>,
}

impl Finish<'_> {
    pub(crate) fn does_nothing(&self) -> bool {
        self.row_bias.is_none()
            && self.col_bias.is_none()
            && self.shift.is_none()
            && self.act == Act::None
            && self.add.is_none()
    }

    /// Finishes one piece of a row that starts at number `at` of the result.
    #[inline(always)]
    pub(crate) fn row<S: Simd>(
        &self,
        image: usize,
        m: usize,
        of: usize,
        n0: usize,
        at: usize,
        out: &mut [f32],
    ) {
        let bias = S::splat(self.row_bias.map_or(0.0, |b| b[m]));
        let shift = S::splat(self.shift.map_or(0.0, |s| s[image * of + m]));
        let add = self.add.map(|add| &add[at..at + out.len()]);
        let cols = self.col_bias.map(|b| &b[n0..n0 + out.len()]);
        let mut i = 0;
        while i < out.len() {
            let w = (out.len() - i).min(LANES);
            let load = |from: &[f32]| {
                if w == LANES {
                    // SAFETY: sixteen are left.
                    unsafe { S::load(from[i..].as_ptr()) }
                } else {
                    let mut part = [0.0; LANES];
                    part[..w].copy_from_slice(&from[i..i + w]);
                    S::from_array(&part)
                }
            };
            let mut x = load(out);
            if self.row_bias.is_some() {
                x = S::add(x, bias);
            }
            if let Some(cols) = cols {
                x = S::add(x, load(cols));
            }
            if self.shift.is_some() {
                x = S::add(x, shift);
            }
            x = maths::act::<S>(self.act, x);
            if let Some(add) = add {
                x = S::add(x, load(add));
            }
            if w == LANES {
                // SAFETY: sixteen are left.
                unsafe { S::store(out[i..].as_mut_ptr(), x) };
            } else {
                out[i..i + w].copy_from_slice(&S::array(x)[..w]);
            }
            i += w;
        }
    }
}

/// A product: `out[image][m][n] = finish(sum over k of left[m][k] * right[image][k][n])`.
pub(crate) struct Product<'a, L, R> {
    pub(crate) m: usize,
    pub(crate) k: usize,
    pub(crate) panels: Panels,
    pub(crate) left: L,
    pub(crate) right: R,
    pub(crate) out: Out,
    /// Distance of rows, and of images, in the result.
    pub(crate) row: usize,
    pub(crate) image: usize,
    pub(crate) finish: Finish<'a>,
}

/// Runs `job` for `0..jobs`, over threads unless the work is small.
pub(crate) fn spread(jobs: usize, serial: bool, job: impl Fn(usize) + Sync + Send) {
    if serial || jobs <= 1 || rayon::current_num_threads() == 1 {
        (0..jobs).for_each(job);
    } else {
        (0..jobs).into_par_iter().with_max_len(1).for_each(job);
    }
}

impl<L: Left, R: Right> Product<'_, L, R> {
    /// Computes it.
    pub(crate) fn run(&self) {
        let panels = self.panels.total();
        if self.m == 0 || panels == 0 {
            return;
        }
        let path = Path::current();
        let serial = self.m * self.k * self.panels.batch * self.panels.cols < SMALL;
        if panels * NR <= self.m {
            self.share_right(path, serial);
        } else {
            self.share_left(path, serial);
        }
    }

    fn share_right(&self, path: Path, serial: bool) {
        let total = self.panels.total();
        for p0 in (0..total).step_by(GROUP) {
            let group = (total - p0).min(GROUP);
            let blocks = (GROUP / group).max(1);
            let mut shared = Scratch::new(blocks.min(self.k.div_ceil(KC)) * group * KC * NR);
            for k0 in (0..self.k).step_by(blocks * KC) {
                let k1 = (k0 + blocks * KC).min(self.k);
                let here = (k1 - k0).div_ceil(KC);
                let packed = Out::new(&mut shared);
                spread(here * group, serial, |i| {
                    let (block, panel) = (i / group, i % group);
                    let (image, n0, width) = self.panels.at(p0 + panel);
                    let k = k0 + block * KC;
                    // SAFETY: every (block, panel) has its own part.
                    let dst = unsafe { packed.part(i * KC * NR, KC * NR) };
                    run(
                        path,
                        PackRight { from: &self.right, image, n0, width, k, kc: (k1 - k).min(KC), dst },
                    );
                });
                let rows = part_size(self.m, 16, 96).next_multiple_of(8);
                spread(self.m.div_ceil(rows), serial, |i| {
                    let m0 = i * rows;
                    run(
                        path,
                        RowsJob {
                            of: self,
                            m0,
                            rows: rows.min(self.m - m0),
                            k0,
                            k1,
                            p0,
                            group,
                            packed: &shared,
                        },
                    );
                });
            }
        }
    }

    fn share_left(&self, path: Path, serial: bool) {
        let total = self.panels.total();
        for m0 in (0..self.m).step_by(ROW_GROUP) {
            let group = (self.m - m0).min(ROW_GROUP);
            let blocks = (ROW_GROUP / group).max(1);
            let mut shared = Scratch::new(blocks.min(self.k.div_ceil(KC)) * group * KC);
            for k0 in (0..self.k).step_by(blocks * KC) {
                let k1 = (k0 + blocks * KC).min(self.k);
                let here = (k1 - k0).div_ceil(KC);
                let packed = Out::new(&mut shared);
                let rows = part_size(group, 8, 64);
                let parts = group.div_ceil(rows);
                spread(here * parts, serial, |i| {
                    let (block, r0) = (i / parts, i % parts * rows);
                    let k = k0 + block * KC;
                    let rows = rows.min(group - r0);
                    // SAFETY: every (block, rows) has its own part.
                    let dst = unsafe { packed.part((block * group + r0) * KC, rows * KC) };
                    run(path, PackLeft { from: &self.left, m0: m0 + r0, rows, k, kc: (k1 - k).min(KC), dst });
                });
                let wide = part_size(total, 1, 8);
                spread(total.div_ceil(wide), serial, |i| {
                    let p0 = i * wide;
                    run(
                        path,
                        ColumnsJob {
                            of: self,
                            m0,
                            rows: group,
                            k0,
                            k1,
                            p0,
                            panels: wide.min(total - p0),
                            packed: &shared,
                        },
                    );
                });
            }
        }
    }

    /// The place of (row m, first column of the panel) in the result.
    #[inline(always)]
    fn place(&self, panel: usize, m: usize) -> (usize, usize, usize, usize) {
        let (image, n0, width) = self.panels.at(panel);
        (image, n0, width, image * self.image + m * self.row + n0)
    }

    #[inline(always)]
    fn finish_rows<S: Simd>(&self, panel: usize, m0: usize, rows: usize) {
        if self.finish.does_nothing() {
            return;
        }
        for m in m0..m0 + rows {
            let (image, n0, width, at) = self.place(panel, m);
            // SAFETY: this job alone works on these rows of this panel.
            let out = unsafe { self.out.part(at, width) };
            self.finish.row::<S>(image, m, self.m, n0, at, out);
        }
    }
}

struct PackRight<'a, R> {
    from: &'a R,
    image: usize,
    n0: usize,
    width: usize,
    k: usize,
    kc: usize,
    dst: &'a mut [f32],
}

impl<R: Right> Task for PackRight<'_, R> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        self.from.pack::<S>(self.image, self.n0, self.width, self.k, self.kc, self.dst);
    }
}

struct PackLeft<'a, L> {
    from: &'a L,
    m0: usize,
    rows: usize,
    k: usize,
    kc: usize,
    dst: &'a mut [f32],
}

impl<L: Left> Task for PackLeft<'_, L> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        self.from.pack::<S>(self.m0, self.rows, self.k, self.kc, self.dst);
    }
}

/// A block of rows against all panels of the group.
struct RowsJob<'a, 'p, L, R> {
    of: &'a Product<'p, L, R>,
    m0: usize,
    rows: usize,
    k0: usize,
    k1: usize,
    p0: usize,
    group: usize,
    packed: &'a [f32],
}

impl<L: Left, R: Right> Task for RowsJob<'_, '_, L, R> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let RowsJob { of, m0, rows, k0, k1, p0, group, packed } = self;
        let mut own = Scratch::new(rows * KC);
        for (block, k) in (k0..k1).step_by(KC).enumerate() {
            let kc = (k1 - k).min(KC);
            of.left.pack::<S>(m0, rows, k, kc, &mut own);
            for panel in 0..group {
                let b = &packed[(block * group + panel) * KC * NR..][..KC * NR];
                let (_, _, width, at) = of.place(p0 + panel, m0);
                // SAFETY: A and B were packed for `kc` steps; these rows are this job's alone.
                unsafe {
                    let c = Target { start: of.out.at(at), row: of.row, width, add: k > 0 };
                    rows_by_panel::<S>(
                        rows,
                        kc,
                        Rows { start: own.as_ptr(), row: KC, step: 1 },
                        b.as_ptr(),
                        c,
                    );
                }
                if k + kc == of.k {
                    of.finish_rows::<S>(p0 + panel, m0, rows);
                }
            }
        }
    }
}

/// A few panels against all rows of the group.
struct ColumnsJob<'a, 'p, L, R> {
    of: &'a Product<'p, L, R>,
    m0: usize,
    rows: usize,
    k0: usize,
    k1: usize,
    p0: usize,
    panels: usize,
    packed: &'a [f32],
}

impl<L: Left, R: Right> Task for ColumnsJob<'_, '_, L, R> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let ColumnsJob { of, m0, rows, k0, k1, p0, panels, packed } = self;
        let mut own = Scratch::new(KC * NR);
        for (block, k) in (k0..k1).step_by(KC).enumerate() {
            let kc = (k1 - k).min(KC);
            let a = &packed[block * rows * KC..][..rows * KC];
            for panel in p0..p0 + panels {
                let (image, n0, width, at) = of.place(panel, m0);
                of.right.pack::<S>(image, n0, width, k, kc, &mut own);
                // SAFETY: A and B were packed for `kc` steps; these columns are this job's alone.
                unsafe {
                    let c = Target { start: of.out.at(at), row: of.row, width, add: k > 0 };
                    rows_by_panel::<S>(
                        rows,
                        kc,
                        Rows { start: a.as_ptr(), row: KC, step: 1 },
                        own.as_ptr(),
                        c,
                    );
                }
                if k + kc == of.k {
                    of.finish_rows::<S>(panel, m0, rows);
                }
            }
        }
    }
}
