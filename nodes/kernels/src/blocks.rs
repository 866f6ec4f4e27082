//! Rows of 3 x 3 convolutions on one picture, sixteen channels side by side: `[channels / 16][height][width][16]`.
//!
//! A convolution may see several such pictures as if their channels followed each other, so that what a dense block
//! gathers is never copied together. With the channels in the lanes a tile is read and written as it lies, whatever its
//! place in the picture.
//!
//! Winograd's F(4 x 4, 3 x 3) with the points 0, +-1/sqrt 2, +-sqrt 2 and infinity: four times fewer multiplications
//! than the plain way, with a relative error of about 2e-6. Sums over channels have the order of [`crate::tile`]; the
//! transforms are the multiplications and additions in the order written here. Tiles begin at multiples of four.

#![allow(unsafe_code, reason = "threads write disjoint tiles of one result")]
#![allow(clippy::needless_range_loop, reason = "rows and columns of small squares are counted alike")]

use crate::check::need;
use crate::gemm::spread;
use crate::share::{Out, Scratch};
use crate::simd::{LANES, Path, Simd, Task, run};
use crate::stored::Stored;
use crate::tile::{KC, NR, Rows, Target, rows_by_panel, transpose};

/// Rows and columns of a result's tile, and of the patch under it.
const TILE: usize = 4;
const PATCH: usize = 6;
/// Points at which is multiplied.
const POINTS: usize = PATCH * PATCH;
/// Tiles that are worked on together.
const TILES: usize = 16;
/// Between the points of what is multiplied: so that they do not fight for the same places in the cache.
const APART: usize = LANES;

/// 1 / sqrt 2 and sqrt 2.
const A: f32 = std::f32::consts::FRAC_1_SQRT_2;
const B: f32 = std::f32::consts::SQRT_2;

/// Channels that lie side by side.
pub const BLOCK: usize = LANES;

/// Numbers of a picture that lies so: channels in whole sixteens.
#[must_use]
pub fn blocks_len(channels: usize, [h, w]: [usize; 2]) -> usize {
    channels.next_multiple_of(LANES) * h * w
}

/// What is multiplied where a result is negative.
#[derive(Clone, Copy, Debug)]
pub enum Slope<'a> {
    /// Every channel by this: 1 changes nothing, 0 is ReLU.
    One(f32),
    /// Every channel by its own (PReLU).
    Each(Stored<'a>),
}

/// A 3 x 3 convolution with step 1 and a border of zeros.
#[derive(Clone, Copy, Debug)]
pub struct BlockConv<'a> {
    /// What it sees, in blocks, each with its channels.
    pub sources: &'a [(&'a [f32], usize)],
    /// Height and width of the sources.
    pub size: [usize; 2],
    /// Whether the sources are first made twice as large by repeating pixels.
    pub double: bool,
    /// Channels of the result.
    pub c_out: usize,
    /// OIHW.
    pub weight: Stored<'a>,
    /// One number a channel.
    pub bias: Option<Stored<'a>>,
    /// What weight and bias are multiplied by.
    pub scale: f32,
    /// Then this.
    pub slope: Slope<'a>,
    /// Then this is added; laid out like the result.
    pub add: Option<&'a [f32]>,
    /// Then the sum is multiplied, and this added.
    pub outer: Option<(f32, &'a [f32])>,
}

impl BlockConv<'_> {
    /// Height and width of the result.
    #[must_use]
    pub fn out(&self) -> [usize; 2] {
        self.size.map(|side| if self.double { 2 * side } else { side })
    }
}

/// Convolves.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn conv_blocks(conv: &BlockConv<'_>, out: &mut [f32]) {
    let c_in: usize = conv.sources.iter().map(|s| s.1).sum();
    let fits = |blocks: &[f32], channels, size| blocks.len() == blocks_len(channels, size);
    need(c_in > 0 && conv.c_out > 0, "conv_blocks: there are channels");
    need(conv.sources.iter().all(|s| fits(s.0, s.1, conv.size)), "conv_blocks: sources are in blocks");
    need(conv.weight.len() == conv.c_out * c_in * 9, "conv_blocks: the weight is [c_out, c_in, 3, 3]");
    need(fits(out, conv.c_out, conv.out()), "conv_blocks: out is [c_out / 16, h, w, 16]");
    need(conv.bias.is_none_or(|b| b.len() == conv.c_out), "conv_blocks: one bias a channel");
    need(conv.add.is_none_or(|a| a.len() == out.len()), "conv_blocks: what is added is laid out like out");
    need(conv.outer.is_none_or(|a| a.1.len() == out.len()), "conv_blocks: outer is laid out like out");
    let wide = conv.c_out.next_multiple_of(LANES);
    let mut bias = conv.bias.map_or(Vec::new(), |b| b.widen());
    bias.iter_mut().for_each(|b| *b *= conv.scale);
    bias.resize(wide, 0.0);
    let mut slopes = match conv.slope {
        Slope::One(slope) => vec![slope; wide],
        Slope::Each(slopes) => slopes.widen(),
    };
    need(slopes.len() == wide || slopes.len() == conv.c_out, "conv_blocks: one slope a channel");
    slopes.resize(wide, 1.0);
    if out.is_empty() {
        return;
    }
    let path = Path::current();
    let size = conv.out();
    let c: usize = conv.sources.iter().map(|s| s.1.next_multiple_of(LANES)).sum();
    let groups = wide / LANES;
    let mut kernels = Scratch::new(POINTS * groups.div_ceil(2) * c * NR);
    let packed = Out::new(&mut kernels);
    spread(groups, false, |group| run(path, Kernels { conv, c, c_in, group, packed }));
    let across = size[1].div_ceil(TILE);
    let tiles = size[0].div_ceil(TILE) * across;
    let out = Out::new(out);
    let of = Tiles { conv, c, size, across, kernels: &kernels, bias: &bias, slopes: &slopes, out };
    spread(tiles.div_ceil(TILES), false, |job| {
        let first = job * TILES;
        run(path, TilesJob { of: &of, first, count: TILES.min(tiles - first) });
    });
}

/// One row or column of a kernel.
#[inline(always)]
fn taps_to_points<S: Simd>([a, b, c]: [S::V; 3]) -> [S::V; PATCH] {
    // (1, x, x^2) at every point, over the product of the distances to the others.
    let (near, far) = (S::splat(-2.0 / 3.0), S::splat(1.0 / 6.0));
    let even = |square: f32| S::fma(c, S::splat(square), a);
    let (e1, o1) = (S::mul(even(0.5), near), S::mul(S::mul(b, S::splat(A)), near));
    let (e2, o2) = (S::mul(even(2.0), far), S::mul(S::mul(b, S::splat(B)), far));
    [a, S::add(e1, o1), S::sub(e1, o1), S::add(e2, o2), S::sub(e2, o2), c]
}

/// One row or column of a patch.
#[inline(always)]
fn pixels_to_points<S: Simd>([d0, d1, d2, d3, d4, d5]: [S::V; PATCH]) -> [S::V; PATCH] {
    let (a, b) = (S::splat(A), S::splat(B));
    let mixed = S::splat(-2.5);
    let (e1, o1) = (S::fma(d2, S::splat(-2.0), d4), S::mul(S::fma(d1, S::splat(-2.0), d3), a));
    let (e2, o2) = (S::fma(d2, S::splat(-0.5), d4), S::mul(S::fma(d1, S::splat(-0.5), d3), b));
    [
        S::fma(d2, mixed, S::add(d0, d4)),
        S::add(e1, o1),
        S::sub(e1, o1),
        S::add(e2, o2),
        S::sub(e2, o2),
        S::fma(d3, mixed, S::add(d1, d5)),
    ]
}

/// One row or column of a result.
#[inline(always)]
fn points_to_pixels<S: Simd>([m0, m1, m2, m3, m4, m5]: [S::V; PATCH]) -> [S::V; TILE] {
    let (s1, d1) = (S::add(m1, m2), S::sub(m1, m2));
    let (s2, d2) = (S::add(m3, m4), S::sub(m3, m4));
    // d1 at 1/sqrt 2, d2 at sqrt 2: as A * (d1 + 2 d2), and their cubes as A * (d1 / 2 + 4 d2).
    let odd = S::fma(d2, S::splat(2.0), d1);
    let cubes = S::fma(d1, S::splat(0.5), S::mul(d2, S::splat(4.0)));
    [
        S::add(S::add(m0, s1), s2),
        S::mul(odd, S::splat(A)),
        S::fma(s1, S::splat(0.5), S::mul(s2, S::splat(2.0))),
        S::fma(cubes, S::splat(A), m5),
    ]
}

/// Transforms the kernels of sixteen channels of the result: `[point][pair of groups][c][NR]`.
struct Kernels<'a> {
    conv: &'a BlockConv<'a>,
    /// Channels seen, in whole lanes, and without what fills them up.
    c: usize,
    c_in: usize,
    group: usize,
    packed: Out,
}

impl Task for Kernels<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Kernels { conv, c, c_in, group, packed } = self;
        let panels = conv.c_out.div_ceil(NR);
        let (panel, half) = (group / 2, group % 2);
        let (first, line) = (group * LANES, c_in * 9);
        let rows = (conv.c_out - first).min(LANES);
        let mut wide = Scratch::new(LANES * line);
        for r in 0..rows {
            conv.weight.widen_range::<S>((first + r) * line, &mut wide[r * line..(r + 1) * line]);
        }
        wide[rows * line..].fill(0.0);
        let mut turned = Scratch::new(line * LANES);
        // SAFETY: sixteen rows of `line` numbers become `line` rows of sixteen.
        unsafe { transpose::<S>(LANES, line, wide.as_ptr(), line, turned.as_mut_ptr(), LANES) };
        let scale = S::splat(conv.scale);
        let (mut from, mut to) = (0, 0);
        for &(_, channels) in conv.sources {
            for channel in 0..channels.next_multiple_of(LANES) {
                let mut taps = [S::splat(0.0); 9];
                if channel < channels {
                    for tap in 0..9 {
                        // SAFETY: `turned` has a row of sixteen for every tap of every channel.
                        taps[tap] =
                            unsafe { S::load(turned[((from + channel) * 9 + tap) * LANES..].as_ptr()) };
                        taps[tap] = S::mul(taps[tap], scale);
                    }
                }
                let mut columns = [[scale; PATCH]; 3];
                for x in 0..3 {
                    columns[x] = taps_to_points::<S>([taps[x], taps[3 + x], taps[6 + x]]);
                }
                for y in 0..PATCH {
                    let row = taps_to_points::<S>([columns[0][y], columns[1][y], columns[2][y]]);
                    for x in 0..PATCH {
                        let at = (((y * PATCH + x) * panels + panel) * c + to + channel) * NR + half * LANES;
                        // SAFETY: these lanes of these rows are this task's, and inside.
                        unsafe { S::store(packed.at(at), row[x]) };
                    }
                }
            }
            from += channels;
            to += channels.next_multiple_of(LANES);
        }
    }
}

/// What all tiles have in common.
struct Tiles<'a> {
    conv: &'a BlockConv<'a>,
    /// Channels seen, in whole lanes.
    c: usize,
    /// Height and width of the result, and tiles in a row of it.
    size: [usize; 2],
    across: usize,
    kernels: &'a [f32],
    bias: &'a [f32],
    slopes: &'a [f32],
    out: Out,
}

/// Neighbouring tiles.
struct TilesJob<'a> {
    of: &'a Tiles<'a>,
    first: usize,
    count: usize,
}

/// For pixels outside.
const ZEROS: [f32; LANES] = [0.0; LANES];

impl Task for TilesJob<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let TilesJob { of, first, count } = self;
        let c = of.c;
        let [point, sum] = [TILES * c + APART, TILES * NR + APART];
        let mut patches = Scratch::new(POINTS * point);
        self.transform::<S>(&mut patches, point);
        let mut sums = Scratch::new(POINTS * sum);
        let panels = of.conv.c_out.div_ceil(NR);
        for panel in 0..panels {
            let groups = (of.conv.c_out - panel * NR).div_ceil(LANES).min(2);
            for p in 0..POINTS {
                for k0 in (0..c).step_by(KC) {
                    let kc = (c - k0).min(KC);
                    let rows = Rows { start: patches[p * point + k0..].as_ptr(), row: c, step: 1 };
                    let kernels = &of.kernels[((p * panels + panel) * c + k0) * NR..][..kc * NR];
                    let start = sums[p * sum..][..TILES * NR].as_mut_ptr();
                    let target = Target { start, row: NR, width: groups * LANES, add: k0 > 0 };
                    // SAFETY: both operands were transformed for these tiles and channels.
                    unsafe { rows_by_panel::<S>(count, kc, rows, kernels.as_ptr(), target) };
                }
            }
            for half in 0..groups {
                for tile in 0..count {
                    back::<S>(of, first + tile, panel * 2 + half, &sums[tile * NR + half * LANES..], sum);
                }
            }
        }
    }
}

impl TilesJob<'_> {
    /// Transforms the patches under the tiles, as `[point][tile][c]`.
    #[inline(always)]
    fn transform<S: Simd>(&self, to: &mut [f32], point: usize) {
        let (of, conv) = (self.of, self.of.conv);
        let [h, w] = conv.size;
        let shift = usize::from(conv.double);
        // Where each pixel of each patch lies in a block; the same for all blocks.
        let mut places = [[usize::MAX; POINTS]; TILES];
        for tile in 0..self.count {
            let (ty, tx) = ((self.first + tile) / of.across, (self.first + tile) % of.across);
            for y in 0..PATCH {
                let sy = (ty * TILE + y).wrapping_sub(1);
                for x in 0..PATCH {
                    let sx = (tx * TILE + x).wrapping_sub(1);
                    if sy < of.size[0] && sx < of.size[1] {
                        places[tile][y * PATCH + x] = ((sy >> shift) * w + (sx >> shift)) * LANES;
                    }
                }
            }
        }
        let mut channel = 0;
        for &(source, _) in conv.sources {
            for block in source.chunks_exact(h * w * LANES) {
                for tile in 0..self.count {
                    let at = tile * of.c + channel;
                    assert!(to.len() >= (POINTS - 1) * point + at + LANES);
                    forth::<S>(block, &places[tile], &mut to[at..], point);
                }
                channel += LANES;
            }
        }
    }
}

/// Transforms one patch of sixteen channels.
#[inline(always)]
fn forth<S: Simd>(block: &[f32], places: &[usize; POINTS], to: &mut [f32], point: usize) {
    let mut columns = [[S::splat(0.0); PATCH]; PATCH];
    for x in 0..PATCH {
        let mut pixels = [S::splat(0.0); PATCH];
        for y in 0..PATCH {
            let place = places[y * PATCH + x];
            let from = if place < block.len() { block.as_ptr().wrapping_add(place) } else { ZEROS.as_ptr() };
            // SAFETY: a block is a whole number of sixteens, and places are multiples of sixteen.
            pixels[y] = unsafe { S::load(from) };
        }
        columns[x] = pixels_to_points::<S>(pixels);
    }
    for y in 0..PATCH {
        let mut line = [S::splat(0.0); PATCH];
        for x in 0..PATCH {
            line[x] = columns[x][y];
        }
        let line = pixels_to_points::<S>(line);
        for x in 0..PATCH {
            // SAFETY: the caller has checked the last point.
            unsafe { S::store(to.as_mut_ptr().add((y * PATCH + x) * point), line[x]) };
        }
    }
}

/// Transforms sixteen channels of a tile back, and finishes them.
#[inline(always)]
fn back<S: Simd>(of: &Tiles<'_>, tile: usize, group: usize, sums: &[f32], sum: usize) {
    assert!(sums.len() >= (POINTS - 1) * sum + LANES);
    let [h, w] = of.size;
    let (top, left) = (tile / of.across * TILE, tile % of.across * TILE);
    let mut columns = [[S::splat(0.0); TILE]; PATCH];
    for x in 0..PATCH {
        let mut points = [S::splat(0.0); PATCH];
        for y in 0..PATCH {
            // SAFETY: sixteen numbers of the last point are there, checked above.
            points[y] = unsafe { S::load(sums.as_ptr().add((y * PATCH + x) * sum)) };
        }
        columns[x] = points_to_pixels::<S>(points);
    }
    let lanes = |from: &[f32]| {
        // SAFETY: sixteen numbers, sliced by the caller.
        unsafe { S::load(from.as_ptr()) }
    };
    let bias = lanes(&of.bias[group * LANES..][..LANES]);
    let slope = lanes(&of.slopes[group * LANES..][..LANES]);
    for y in 0..TILE.min(h - top) {
        let mut line = [S::splat(0.0); PATCH];
        for x in 0..PATCH {
            line[x] = columns[x][y];
        }
        let line = points_to_pixels::<S>(line);
        let start = ((group * h + top + y) * w + left) * LANES;
        for x in 0..TILE.min(w - left) {
            let at = start + x * LANES;
            let mut v = S::add(line[x], bias);
            v = S::select_lt(v, S::splat(0.0), S::mul(v, slope), v);
            if let Some(add) = of.conv.add {
                v = S::add(v, lanes(&add[at..at + LANES]));
            }
            if let Some((scale, add)) = of.conv.outer {
                v = S::fma(v, S::splat(scale), lanes(&add[at..at + LANES]));
            }
            // SAFETY: this tile of these channels is this task's.
            unsafe { S::store(of.out.part(at, LANES).as_mut_ptr(), v) };
        }
    }
}
