//! 3 x 3 convolutions with 2.25 times fewer multiplications: Winograd's F(2 x 2, 3 x 3).
//!
//! The output is cut into tiles of 2 x 2 pixels. The 4 x 4 patch under a tile and the kernel are
//! transformed, multiplied at 16 points, and the sums transformed back. Sums over channels have the
//! order of [`crate::tile`]; the transforms are additions in the order written here. Relative error
//! is about 4e-7, twice that of the plain way. Which way is taken depends on the shape alone.

#![allow(unsafe_code, reason = "threads write disjoint rows of one result")]
#![allow(clippy::needless_range_loop, reason = "rows and columns of small squares are counted alike")]

use crate::conv::Conv;
use crate::gemm::{Finish, spread};
use crate::share::{Out, Scratch, part_size};
use crate::simd::{LANES, Path, Simd, Task, run};
use crate::stored::Stored;
use crate::tile::{KC, NR, Rows, Target, rows_by_panel};

/// Points at which is multiplied.
const POINTS: usize = 16;
/// Output channels worked on at a time.
const ROWS: usize = 32;
/// Floats of transformed kernels that are shared at a time (20 MB).
const SHARED: usize = 5 << 20;
/// Floats of transformed images that are shared at most (32 MB).
const SHARED_IMAGES: usize = 8 << 20;

/// Whether a convolution is computed this way.
pub(crate) fn suits(c: &Conv) -> bool {
    let [oh, ow] = c.out();
    c.kh == 3
        && c.kw == 3
        && c.stride == [1, 1]
        && c.dilation == [1, 1]
        && c.groups == 1
        && c.c_in >= 32
        && c.c_out >= 32
        && oh > 1
        && ow > 1
}

pub(crate) struct Winograd<'a> {
    conv: &'a Conv,
    x: &'a [f32],
    w: Stored<'a>,
    finish: Finish<'a>,
    out: Out,
    /// Height and width of the output, in pixels and in tiles.
    size: [usize; 2],
    tiles: [usize; 2],
    /// Source row and column of each row and column the kernel sees.
    rows: Vec<u32>,
    cols: Vec<u32>,
}

/// Neighbouring tiles of one tile row of an image.
#[derive(Clone, Copy)]
struct Run {
    image: usize,
    ty: usize,
    tx: usize,
    len: usize,
    /// First lane.
    lane: usize,
}

impl<'a> Winograd<'a> {
    pub(crate) fn new(
        conv: &'a Conv,
        x: &'a [f32],
        w: Stored<'a>,
        finish: Finish<'a>,
        out: &mut [f32],
    ) -> Self {
        let size = conv.out();
        let [h, w_seen] = conv.upsample.unwrap_or([conv.h, conv.w]);
        let map = |to: usize, from: usize| (0..to).map(|i| (i * from / to.max(1)) as u32).collect();
        Winograd {
            conv,
            x,
            w,
            finish,
            out: Out::new(out),
            size,
            tiles: size.map(|s| s.div_ceil(2)),
            rows: map(h, conv.h),
            cols: map(w_seen, conv.w),
        }
    }

    fn total(&self) -> usize {
        self.conv.n * self.tiles[0] * self.tiles[1]
    }

    /// Channels of transformed kernels, in whole lanes.
    fn row(&self) -> usize {
        self.conv.c_in.next_multiple_of(LANES)
    }

    /// Floats of a panel at one point: not a multiple of a page, so that the points do not fight
    /// for the same places in the cache.
    fn point(&self) -> usize {
        self.conv.c_in * NR + LANES
    }

    /// Where row `r` of a group of transformed kernels has block `k0`, and the distance of rows
    /// there: `[rows / ROWS][point][block][ROWS][KC]` without gaps, the order of reading.
    #[inline(always)]
    fn kernel(&self, group: usize, r: usize, point: usize, k0: usize) -> (usize, usize) {
        let (c, chunk) = (self.row(), r / ROWS * ROWS);
        let rows = ROWS.min(group - chunk);
        let kc = (c - k0).min(KC);
        (chunk * POINTS * c + point * rows * c + k0 * rows + (r - chunk) * kc, kc)
    }

    pub(crate) fn run(&self) {
        let path = Path::current();
        let (m, c) = (self.conv.c_out, self.conv.c_in);
        let panels = self.total().div_ceil(NR);
        let image = POINTS * self.point();
        if panels * image <= SHARED_IMAGES && panels * NR <= m {
            // Few tiles: they are transformed once, and every job transforms the kernels it needs.
            let mut shared = Scratch::new(panels * image);
            let packed = Out::new(&mut shared);
            let parts = c.div_ceil(64);
            spread(panels * parts, false, |i| {
                let (panel, c0) = (i / parts, i % parts * 64);
                run(
                    path,
                    Images { of: self, panel, c0, channels: (c - c0).min(64), packed, at: panel * image },
                );
            });
            let each = part_size(m, 8, ROWS).next_multiple_of(8);
            spread(m.div_ceil(each), false, |i| {
                let m0 = i * each;
                let each = each.min(m - m0);
                let mut kernels = Scratch::new(POINTS * each * self.row());
                let to = Out::new(&mut kernels);
                run(path, Kernels { of: self, m0, rows: each, first: m0, group: each, packed: to });
                for panel in 0..panels {
                    let v = &shared[panel * image..][..image];
                    run(
                        path,
                        Multiply { of: self, panel, m0, rows: each, first: m0, group: each, u: &kernels, v },
                    );
                }
            });
            return;
        }
        let group = (SHARED / (POINTS * self.row()) / ROWS * ROWS).clamp(ROWS, m.next_multiple_of(ROWS));
        for first in (0..m).step_by(group) {
            let group = group.min(m - first);
            let mut kernels = Scratch::new(POINTS * group * self.row());
            let packed = Out::new(&mut kernels);
            spread(group.div_ceil(8), false, |i| {
                let m0 = first + i * 8;
                run(path, Kernels { of: self, m0, rows: 8.min(first + group - m0), first, group, packed });
            });
            spread(panels, false, |panel| {
                let mut v = Scratch::new(image);
                let to = Out::new(&mut v);
                run(path, Images { of: self, panel, c0: 0, channels: c, packed: to, at: 0 });
                for m0 in (first..first + group).step_by(ROWS) {
                    let rows = ROWS.min(first + group - m0);
                    run(path, Multiply { of: self, panel, m0, rows, first, group, u: &kernels, v: &v });
                }
            });
        }
    }

    /// Calls `f` with every run of the half panel that starts at tile `first`.
    #[inline(always)]
    fn runs(&self, first: usize, mut f: impl FnMut(Run)) {
        let [th, tw] = self.tiles;
        let last = (first + LANES).min(self.total());
        let mut tile = first;
        while tile < last {
            let (image, in_image) = (tile / (th * tw), tile % (th * tw));
            let (ty, tx) = (in_image / tw, in_image % tw);
            let len = (last - tile).min(tw - tx);
            f(Run { image, ty, tx, len, lane: tile - first });
            tile += len;
        }
    }
}

// The transforms are functions that are always inlined, and loops instead of `array::from_fn`: a closure handed to
// another function is compiled without the instruction set, and every addition in it becomes a call.

/// One row or column of a kernel.
#[inline(always)]
fn taps_to_points<S: Simd>([a, b, c]: [S::V; 3]) -> [S::V; 4] {
    let half = S::splat(0.5);
    let ends = S::mul(S::add(a, c), half);
    let middle = S::mul(b, half);
    [a, S::add(ends, middle), S::sub(ends, middle), c]
}

/// One row or column of a patch.
#[inline(always)]
fn pixels_to_points<S: Simd>([a, b, c, d]: [S::V; 4]) -> [S::V; 4] {
    [S::sub(a, c), S::add(b, c), S::sub(c, b), S::sub(b, d)]
}

/// One row or column of a result.
#[inline(always)]
fn points_to_pixels<S: Simd>([a, b, c, d]: [S::V; 4]) -> [S::V; 2] {
    [S::add(S::add(a, b), c), S::sub(S::sub(b, c), d)]
}

/// Transforms kernels, laid out as [`Winograd::kernel`] says.
struct Kernels<'a> {
    of: &'a Winograd<'a>,
    m0: usize,
    rows: usize,
    /// The rows of the group start at this channel.
    first: usize,
    group: usize,
    packed: Out,
}

impl Task for Kernels<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let (of, c) = (self.of, self.of.conv.c_in);
        let half = S::splat(0.5);
        let mut taps = [0.0f32; 9 * LANES + LANES];
        let mut turned = [0.0f32; LANES * LANES];
        for m in self.m0..self.m0 + self.rows {
            for c0 in (0..c).step_by(LANES) {
                let some = (c - c0).min(LANES);
                of.w.widen_range::<S>((m * c + c0) * 9, &mut taps[..some * 9]);
                // SAFETY: sixteen rows nine apart, sixteen long, end inside `taps`.
                unsafe { S::transpose(taps.as_ptr(), 9, turned.as_mut_ptr(), LANES) };
                let mut columns = [[half; 4]; 3];
                for x in 0..3 {
                    // SAFETY: `turned` has sixteen rows of sixteen.
                    let g = unsafe {
                        let p = turned.as_ptr().add(x * LANES);
                        [S::load(p), S::load(p.add(3 * LANES)), S::load(p.add(6 * LANES))]
                    };
                    columns[x] = taps_to_points::<S>(g);
                }
                for y in 0..4 {
                    let row = taps_to_points::<S>([columns[0][y], columns[1][y], columns[2][y]]);
                    for x in 0..4 {
                        let k0 = c0 / KC * KC;
                        let at = of.kernel(self.group, m - self.first, y * 4 + x, k0).0 + c0 - k0;
                        // SAFETY: these rows are this task's; a row has room for whole lanes.
                        unsafe { S::store(self.packed.at(at), row[x]) };
                    }
                }
            }
        }
    }
}

/// Transforms the patches of a panel of tiles, as `[point][channel][NR]`.
struct Images<'a> {
    of: &'a Winograd<'a>,
    panel: usize,
    c0: usize,
    channels: usize,
    packed: Out,
    at: usize,
}

impl Task for Images<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        for half in 0..NR / LANES {
            let first = self.panel * NR + half * LANES;
            if first >= self.of.total() {
                break;
            }
            let mut one = None;
            self.of.runs(first, |r| one = (r.len == LANES).then_some(r));
            if let Some(one) = one {
                self.together::<S>(one, half);
            } else {
                self.scattered::<S>(first, half);
            }
        }
    }
}

impl Images<'_> {
    /// Sixteen tiles side by side.
    #[inline(always)]
    fn together<S: Simd>(&self, r: Run, half: usize) {
        let conv = self.of.conv;
        let [h, w] = [self.of.rows.len(), self.of.cols.len()];
        let mut padded = [0.0f32; 4 * 48];
        for c in self.c0..self.c0 + self.channels {
            let plane = &self.of.x[(r.image * conv.c_in + c) * conv.h * conv.w..][..conv.h * conv.w];
            let mut d = [[S::splat(0.0); 4]; 4];
            for (i, d) in d.iter_mut().enumerate() {
                let y = (r.ty * 2 + i).wrapping_sub(conv.pad[0]);
                if y >= h {
                    continue;
                }
                let row = &plane[self.of.rows[y] as usize * conv.w..][..conv.w];
                let x = (r.tx * 2) as isize - conv.pad[2] as isize;
                let inside = x >= 0 && x as usize + 34 <= w && conv.upsample.is_none();
                let p = if inside {
                    row[x as usize..x as usize + 34].as_ptr()
                } else {
                    let padded = &mut padded[i * 48..i * 48 + 34];
                    padded.fill(0.0);
                    let from = (-x).clamp(0, 34) as usize;
                    let to = (w as isize - x).clamp(from as isize, 34) as usize;
                    let start = (x + from as isize) as usize;
                    if conv.upsample.is_none() {
                        padded[from..to].copy_from_slice(&row[start..start + to - from]);
                    } else {
                        for (to, &col) in padded[from..to].iter_mut().zip(&self.of.cols[start..]) {
                            *to = row[col as usize];
                        }
                    }
                    padded.as_ptr()
                };
                // SAFETY: 34 floats start at p.
                unsafe {
                    let (a, b) = S::deinterleave(S::load(p), S::load(p.add(16)));
                    let (c, e) = S::deinterleave(S::load(p.add(2)), S::load(p.add(18)));
                    *d = [a, b, c, e];
                }
            }
            self.transform::<S>(d, c, half);
        }
    }

    /// Sixteen tiles of several tile rows or images.
    #[inline(always)]
    fn scattered<S: Simd>(&self, first: usize, half: usize) {
        let conv = self.of.conv;
        let [h, w] = [self.of.rows.len(), self.of.cols.len()];
        // Where each number of each patch comes from, relative to the channel; the same for all.
        let mut from = [usize::MAX; 16 * LANES];
        self.of.runs(first, |r| {
            for y in 0..4 {
                for x in 0..4 {
                    for t in 0..r.len {
                        let sy = (r.ty * 2 + y).wrapping_sub(conv.pad[0]);
                        let sx = ((r.tx + t) * 2 + x).wrapping_sub(conv.pad[2]);
                        if sy < h && sx < w {
                            let at = self.of.rows[sy] as usize * conv.w + self.of.cols[sx] as usize;
                            from[(y * 4 + x) * LANES + r.lane + t] =
                                r.image * conv.c_in * conv.h * conv.w + at;
                        }
                    }
                }
            }
        });
        let mut patch = [0.0f32; 16 * LANES];
        for c in self.c0..self.c0 + self.channels {
            let x = &self.of.x[c * conv.h * conv.w..];
            for (to, &from) in patch.iter_mut().zip(&from) {
                *to = x.get(from).copied().unwrap_or(0.0);
            }
            let mut d = [[S::splat(0.0); 4]; 4];
            for y in 0..4 {
                for x in 0..4 {
                    // SAFETY: `patch` has sixteen rows of sixteen.
                    d[y][x] = unsafe { S::load(patch.as_ptr().add((y * 4 + x) * LANES)) };
                }
            }
            self.transform::<S>(d, c, half);
        }
    }

    #[inline(always)]
    fn transform<S: Simd>(&self, d: [[S::V; 4]; 4], c: usize, half: usize) {
        let mut columns = d;
        for x in 0..4 {
            columns[x] = pixels_to_points::<S>([d[0][x], d[1][x], d[2][x], d[3][x]]);
        }
        for y in 0..4 {
            let row = pixels_to_points::<S>([columns[0][y], columns[1][y], columns[2][y], columns[3][y]]);
            for x in 0..4 {
                let at = self.at + (y * 4 + x) * self.of.point() + c * NR + half * LANES;
                // SAFETY: this channel of this panel is this task's.
                unsafe { S::store(self.packed.at(at), row[x]) };
            }
        }
    }
}

/// Multiplies at all points, transforms back, finishes.
struct Multiply<'a> {
    of: &'a Winograd<'a>,
    panel: usize,
    m0: usize,
    rows: usize,
    first: usize,
    group: usize,
    u: &'a [f32],
    v: &'a [f32],
}

impl Task for Multiply<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let (of, c) = (self.of, self.of.conv.c_in);
        let first = self.panel * NR;
        let lanes = (of.total() - first).min(NR).next_multiple_of(LANES);
        let mut sums = Scratch::new(POINTS * ROWS * NR);
        assert!(self.rows <= ROWS);
        for point in 0..POINTS {
            for k0 in (0..c).step_by(KC) {
                let kc = (c - k0).min(KC);
                let (at, row) = of.kernel(self.group, self.m0 - self.first, point, k0);
                let u = &self.u[at..at + self.rows * row];
                let v = &self.v[point * of.point() + k0 * NR..][..kc * NR];
                let a = Rows { start: u.as_ptr(), row, step: 1 };
                let start = sums[point * ROWS * NR..].as_mut_ptr();
                // SAFETY: both operands were transformed for these rows and channels.
                unsafe {
                    let c = Target { start, row: NR, width: lanes, add: k0 > 0 };
                    rows_by_panel::<S>(self.rows, kc, a, v.as_ptr(), c);
                }
            }
        }
        for half in 0..lanes / LANES {
            let mut runs = [Run { image: 0, ty: 0, tx: 0, len: 0, lane: 0 }; LANES];
            let mut count = 0;
            of.runs(first + half * LANES, |r| {
                runs[count] = r;
                count += 1;
            });
            for r in 0..self.rows {
                self.back::<S>(&sums[r * NR + half * LANES..], self.m0 + r, &runs[..count]);
            }
        }
    }
}

impl Multiply<'_> {
    #[inline(always)]
    fn back<S: Simd>(&self, sums: &[f32], m: usize, runs: &[Run]) {
        let of = self.of;
        assert!(sums.len() >= 15 * ROWS * NR + LANES);
        let mut columns = [[S::splat(0.0); 2]; 4];
        for x in 0..4 {
            let mut points = [S::splat(0.0); 4];
            for y in 0..4 {
                // SAFETY: sixteen floats of the last point are there, checked above.
                points[y] = unsafe { S::load(sums.as_ptr().add((y * 4 + x) * ROWS * NR)) };
            }
            columns[x] = points_to_pixels::<S>(points);
        }
        let mut pixels = [0.0f32; 2 * LANES];
        let [oh, ow] = of.size;
        for y in 0..2 {
            let [left, right] =
                points_to_pixels::<S>([columns[0][y], columns[1][y], columns[2][y], columns[3][y]]);
            let (a, b) = S::interleave(left, right);
            // SAFETY: two times sixteen floats.
            unsafe {
                S::store(pixels.as_mut_ptr(), a);
                S::store(pixels.as_mut_ptr().add(LANES), b);
            }
            for r in runs {
                let (oy, ox) = (r.ty * 2 + y, r.tx * 2);
                if oy >= oh {
                    continue;
                }
                let width = (r.len * 2).min(ow - ox);
                let start = ((r.image * of.conv.c_out + m) * oh + oy) * ow + ox;
                // SAFETY: these tiles of this channel are this task's.
                let out = unsafe { of.out.part(start, width) };
                if let Ok(whole) = <&mut [f32; 2 * LANES]>::try_from(&mut *out) {
                    *whole = pixels;
                } else {
                    out.copy_from_slice(&pixels[r.lane * 2..r.lane * 2 + width]);
                }
                if !of.finish.does_nothing() {
                    of.finish.row::<S>(r.image, m, of.conv.c_out, 0, start, out);
                }
            }
        }
    }
}
