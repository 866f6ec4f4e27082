//! Pictures that lie in blocks of sixteen channels (see [`crate::blocks`]): laid out so and back, made smaller and larger.
//! A pixel is sixteen lanes there.

#![allow(unsafe_code, reason = "pixels are read and written by whole lanes")]

use crate::blocks::blocks_len;
use crate::check::need;
use crate::pointwise::by_parts;
use crate::simd::{LANES, Path, Simd, Task, run};
use crate::tile::transpose;

/// Rows a thread takes at a time.
const ROWS: usize = 4;

/// Hands out the rows of a result: the block's plane and the row's number go with each.
fn by_rows(out: &mut [f32], [oh, ow]: [usize; 2], f: impl Fn(usize, usize, &mut [f32]) + Sync + Send) {
    let row = ow * LANES;
    by_parts(out, row, ROWS, |part, out| {
        for (nth, out) in out.chunks_exact_mut(row).enumerate() {
            let at = part * ROWS + nth;
            f(at / oh, at % oh, out);
        }
    });
}

/// Turns rows of numbers over.
struct Turn<'a> {
    rows: usize,
    columns: usize,
    from: &'a [f32],
    from_row: usize,
    to: &'a mut [f32],
    to_row: usize,
}

impl Task for Turn<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let (rows, columns) = (self.rows, self.columns);
        if rows * columns == 0 {
            return;
        }
        assert!(self.from.len() >= (rows - 1) * self.from_row + columns);
        assert!(self.to.len() >= (columns - 1) * self.to_row + rows);
        // SAFETY: both blocks are there, just checked, and a result never overlaps what it is made of.
        unsafe {
            transpose::<S>(
                rows,
                columns,
                self.from.as_ptr(),
                self.from_row,
                self.to.as_mut_ptr(),
                self.to_row,
            );
        }
    }
}

/// Lays planes out in blocks; channels that are not there are zero.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn to_blocks(channels: usize, size: [usize; 2], planes: &[f32], out: &mut [f32]) {
    let pixels = size[0] * size[1];
    need(planes.len() == channels * pixels, "to_blocks: planes are [channels, h, w]");
    need(out.len() == blocks_len(channels, size), "to_blocks: out is [channels / 16, h, w, 16]");
    if out.is_empty() {
        return;
    }
    let path = Path::current();
    by_rows(out, size, |block, y, out| {
        let rows = (channels - block * LANES).min(LANES);
        if rows < LANES {
            out.fill(0.0);
        }
        let from = &planes[block * LANES * pixels + y * size[1]..];
        run(path, Turn { rows, columns: size[1], from, from_row: pixels, to: out, to_row: LANES });
    });
}

/// The reverse of [`to_blocks`].
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn from_blocks(channels: usize, size: [usize; 2], blocks: &[f32], out: &mut [f32]) {
    let pixels = size[0] * size[1];
    need(blocks.len() == blocks_len(channels, size), "from_blocks: blocks are [channels / 16, h, w, 16]");
    need(out.len() == channels * pixels, "from_blocks: out is [channels, h, w]");
    if out.is_empty() {
        return;
    }
    let path = Path::current();
    // A block's planes lie behind each other.
    by_parts(out, pixels, LANES, |block, out| {
        let columns = out.len() / pixels;
        let from = &blocks[block * LANES * pixels..];
        run(path, Turn { rows: pixels, columns, from, from_row: LANES, to: out, to_row: pixels });
    });
}

/// The sixteen channels of a pixel.
#[inline(always)]
fn pixel<S: Simd>(row: &[f32], x: usize) -> S::V {
    let pixel = &row[x * LANES..(x + 1) * LANES];
    // SAFETY: sixteen numbers are there.
    unsafe { S::load(pixel.as_ptr()) }
}

/// One row of a result, of two rows of the picture.
struct PoolRow<'a> {
    rows: [&'a [f32]; 2],
    out: &'a mut [f32],
}

impl Task for PoolRow<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let [top, bottom] = self.rows;
        let last = top.len() / LANES - 1;
        for (x, out) in self.out.chunks_exact_mut(LANES).enumerate() {
            let (left, right) = (2 * x, (2 * x + 1).min(last));
            let left = S::max(pixel::<S>(top, left), pixel::<S>(bottom, left));
            let right = S::max(pixel::<S>(top, right), pixel::<S>(bottom, right));
            // SAFETY: a chunk of sixteen.
            unsafe { S::store(out.as_mut_ptr(), S::max(left, right)) };
        }
    }
}

/// [`crate::max_pool2`] of a picture in blocks, with the same bits.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn max_pool2_blocks(channels: usize, [h, w]: [usize; 2], x: &[f32], out: &mut [f32]) {
    let to = [h.div_ceil(2), w.div_ceil(2)];
    need(x.len() == blocks_len(channels, [h, w]), "max_pool2_blocks: x is in blocks");
    need(out.len() == blocks_len(channels, to), "max_pool2_blocks: out is in blocks");
    if out.is_empty() {
        return;
    }
    let (path, row) = (Path::current(), w * LANES);
    by_rows(out, to, |block, y, out| {
        let plane = &x[block * h * row..][..h * row];
        // A last row without a partner is its own.
        let rows = [2 * y, (2 * y + 1).min(h - 1)].map(|y| &plane[y * row..][..row]);
        run(path, PoolRow { rows, out });
    });
}

/// Two places and the share of the second.
type Tap = (usize, usize, f32);

fn taps(from: usize, to: usize) -> Vec<Tap> {
    (0..to)
        .map(|i| {
            let at = ((i as f32 + 0.5) * (from as f32 / to as f32) - 0.5).max(0.0);
            let first = (at.floor() as usize).min(from - 1);
            (first, (first + 1).min(from - 1), at - first as f32)
        })
        .collect()
}

struct MixRow<'a> {
    rows: [&'a [f32]; 2],
    share: f32,
    columns: &'a [Tap],
    out: &'a mut [f32],
}

impl Task for MixRow<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        let [top, bottom] = self.rows;
        let (ty, uy) = (S::splat(self.share), S::splat(1.0 - self.share));
        for (&(x0, x1, tx), out) in self.columns.iter().zip(self.out.chunks_exact_mut(LANES)) {
            let (t, u) = (S::splat(tx), S::splat(1.0 - tx));
            let above = S::add(S::mul(pixel::<S>(top, x0), u), S::mul(pixel::<S>(top, x1), t));
            let below = S::add(S::mul(pixel::<S>(bottom, x0), u), S::mul(pixel::<S>(bottom, x1), t));
            // SAFETY: a chunk of sixteen.
            unsafe { S::store(out.as_mut_ptr(), S::add(S::mul(above, uy), S::mul(below, ty))) };
        }
    }
}

/// [`crate::resize_bilinear`] (without `align_corners`) of a picture in blocks, with the same bits.
///
/// # Panics
/// When a slice's length does not fit: a bug of the caller.
pub fn resize_bilinear_blocks(channels: usize, from: [usize; 2], to: [usize; 2], x: &[f32], out: &mut [f32]) {
    let [h, w] = from;
    need(x.len() == blocks_len(channels, from), "resize_bilinear_blocks: x is in blocks");
    need(out.len() == blocks_len(channels, to), "resize_bilinear_blocks: out is in blocks");
    need(out.is_empty() || h * w > 0, "resize_bilinear_blocks: the input is not empty");
    if out.is_empty() {
        return;
    }
    let (rows, columns) = (taps(h, to[0]), taps(w, to[1]));
    let (path, row) = (Path::current(), w * LANES);
    by_rows(out, to, |block, y, out| {
        let plane = &x[block * h * row..][..h * row];
        let (y0, y1, share) = rows[y];
        let rows = [y0, y1].map(|y| &plane[y * row..][..row]);
        run(path, MixRow { rows, share, columns: &columns, out });
    });
}
