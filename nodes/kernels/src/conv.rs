//! Convolutions: a product of the weight with patches that are gathered while packing.

#![allow(unsafe_code, reason = "gathering patches works on pointers")]

use crate::Then;
use crate::check::need;
use crate::gemm::{Finish, Panels, Product, Right};
use crate::operand::{Lines, Steps};
use crate::share::Out;
use crate::simd::Simd;
use crate::stored::Stored;
use crate::tile::NR;
use crate::winograd::{self, Winograd};

/// A convolution over images, NCHW.
#[derive(Clone, Copy, Debug)]
pub struct Conv {
    /// Images.
    pub n: usize,
    /// Channels of the input.
    pub c_in: usize,
    /// Height of the input.
    pub h: usize,
    /// Width of the input.
    pub w: usize,
    /// Channels of the output.
    pub c_out: usize,
    /// Height of the kernel.
    pub kh: usize,
    /// Width of the kernel.
    pub kw: usize,
    /// Steps down and right.
    pub stride: [usize; 2],
    /// Distance of the kernel's taps.
    pub dilation: [usize; 2],
    /// Zeros around the input: top, bottom, left, right.
    pub pad: [usize; 4],
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// The input is first resized to this height and width by repeating pixels (torch's
    /// `nearest`: source = floor(target * in / out)).
    pub upsample: Option<[usize; 2]>,
}

impl Conv {
    /// Height and width of the input as the kernel sees it, without padding.
    fn seen(&self) -> [usize; 2] {
        self.upsample.unwrap_or([self.h, self.w])
    }

    /// Height and width of the output.
    pub fn out(&self) -> [usize; 2] {
        let [h, w] = self.seen();
        let side = |size: usize, pad: usize, kernel: usize, dilation: usize, stride: usize| {
            (size + pad)
                .checked_sub(dilation * kernel.saturating_sub(1) + 1)
                .map_or(0, |room| room / stride.max(1) + 1)
        };
        [
            side(h, self.pad[0] + self.pad[1], self.kh, self.dilation[0], self.stride[0]),
            side(w, self.pad[2] + self.pad[3], self.kw, self.dilation[1], self.stride[1]),
        ]
    }
}

/// `out = then(conv(x, w))`: x and out are NCHW, the weight is OIHW, `Then::shift` is `[n, c_out]`.
///
/// # Panics
/// When a slice's length does not fit the convolution: a bug of the caller.
pub fn conv2d(conv: &Conv, x: &[f32], w: Stored<'_>, then: Then<'_>, out: &mut [f32]) {
    let Conv { n, c_in, c_out, kh, kw, groups, .. } = *conv;
    need(groups > 0 && c_in % groups == 0 && c_out % groups == 0, "conv2d: groups divide the channels");
    need(kh * kw * c_in > 0, "conv2d: the kernel is not empty");
    need(conv.stride[0] > 0 && conv.stride[1] > 0, "conv2d: strides are at least 1");
    let [oh, ow] = conv.out();
    let k = c_in / groups * kh * kw;
    need(x.len() == n * c_in * conv.h * conv.w, "conv2d: x is [n, c_in, h, w]");
    need(w.len() == c_out * k, "conv2d: the weight is [c_out, c_in / groups, kh, kw]");
    need(out.len() == n * c_out * oh * ow, "conv2d: out is [n, c_out, oh, ow]");
    then.check("conv2d", n * c_out, c_out, out.len());
    if out.is_empty() {
        return;
    }
    let bias = then.bias.map(|b| b.widen());
    let pixels = oh * ow;
    let plain = kh * kw == 1 && conv.stride == [1, 1] && conv.pad == [0; 4] && conv.upsample.is_none();
    if winograd::suits(conv) {
        let finish = Finish {
            row_bias: bias.as_deref(),
            shift: then.shift,
            act: then.act,
            add: then.add,
            ..Finish::default()
        };
        Winograd::new(conv, x, w, finish, out).run();
        return;
    }
    for group in 0..groups {
        let m = c_out / groups;
        let size = w.dtype.size();
        let rows = Stored { bytes: &w.bytes[group * m * k * size..(group + 1) * m * k * size], ..w };
        let finish = Finish {
            row_bias: bias.as_deref(),
            shift: then.shift,
            act: then.act,
            add: then.add,
            ..Finish::default()
        };
        let left = Lines { values: rows, k, lines: m };
        if groups == 1 {
            let panels = Panels { batch: n, cols: pixels };
            let (out, row, image) = (Out::new(out), pixels, c_out * pixels);
            if plain {
                let right = Steps { values: Stored::f32(x), k, lines: pixels };
                Product { m, k, panels, left, right, out, row, image, finish }.run();
            } else {
                let right = Patches::new(conv, x, 0);
                Product { m, k, panels, left, right, out, row, image, finish }.run();
            }
            continue;
        }
        // Groups: image by image, so that rows are simply the group's channels.
        for image in 0..n {
            let first = image * c_out + group * m;
            let finish = Finish {
                row_bias: bias.as_deref().map(|b| &b[group * m..(group + 1) * m]),
                shift: then.shift.map(|s| &s[first..first + m]),
                act: then.act,
                add: then.add.map(|a| &a[first * pixels..(first + m) * pixels]),
                ..Finish::default()
            };
            let one = &x[image * c_in * conv.h * conv.w..(image + 1) * c_in * conv.h * conv.w];
            let right = Patches::new(conv, one, group * (c_in / groups));
            let out = Out::new(&mut out[first * pixels..(first + m) * pixels]);
            let panels = Panels { batch: 1, cols: pixels };
            Product { m, k, panels, left, right, out, row: pixels, image: 0, finish }.run();
        }
    }
}

/// The patches under the kernel, as the right operand: step (channel, ky, kx), column = pixel.
struct Patches<'a> {
    conv: &'a Conv,
    x: &'a [f32],
    /// First channel.
    c0: usize,
    ow: usize,
    /// Source row and column of each seen row and column.
    rows: Vec<u32>,
    cols: Vec<u32>,
}

impl<'a> Patches<'a> {
    fn new(conv: &'a Conv, x: &'a [f32], c0: usize) -> Self {
        let [h, w] = conv.seen();
        let map = |to: usize, from: usize| (0..to).map(|i| (i * from / to.max(1)) as u32).collect();
        Patches { conv, x, c0, ow: conv.out()[1], rows: map(h, conv.h), cols: map(w, conv.w) }
    }

    /// Copies, for one run of pixels of an output row and one tap, all channels of the block.
    #[inline(always)]
    unsafe fn tap(&self, image: usize, run: Run, [ky, kx]: [usize; 2], k0: usize, kc: usize, dst: *mut f32) {
        let conv = self.conv;
        let taps = conv.kh * conv.kw;
        let tap = ky * conv.kw + kx;
        // First step of the block that has this tap.
        let first = if k0 % taps <= tap { k0 - k0 % taps + tap } else { k0 - k0 % taps + taps + tap };
        if first >= k0 + kc {
            return;
        }
        let count = (k0 + kc - first).div_ceil(taps);
        // SAFETY: steps first, first + taps, .. are inside the block.
        let mut dst = unsafe { dst.add((first - k0) * NR + run.to) };
        let skip = taps * NR;
        let [h, w] = conv.seen();
        let y = (run.y * conv.stride[0] + ky * conv.dilation[0]).wrapping_sub(conv.pad[0]);
        if y >= h {
            for _ in 0..count {
                // SAFETY: the run is inside the panel's row.
                unsafe { std::slice::from_raw_parts_mut(dst, run.len).fill(0.0) };
                dst = dst.wrapping_add(skip);
            }
            return;
        }
        let plane = conv.h * conv.w;
        let channel = self.c0 + first / taps;
        let row = (image * conv.c_in + channel) * plane + self.rows[y] as usize * conv.w;
        let step = conv.stride[1];
        // Column of pixel i: (run.x + i) * step + left, where left may be negative.
        let left = (kx * conv.dilation[1]) as isize - conv.pad[2] as isize;
        let column = |i: usize| ((run.x + i) * step) as isize + left;
        let inside = |i: usize| (0..w as isize).contains(&column(i));
        let lo = (0..run.len).find(|&i| inside(i)).unwrap_or(run.len);
        let hi = (lo..run.len).find(|&i| !inside(i)).unwrap_or(run.len);
        if step == 1 && conv.upsample.is_none() && lo < hi {
            let start = (row as isize + column(lo)) as usize;
            let last = start + (count - 1) * plane + (hi - lo);
            let src = self.x[start..last].as_ptr();
            // SAFETY: source in bounds (sliced above), target inside the panel.
            unsafe {
                match (lo, hi) {
                    (0, 32) => copy_channels::<32>(src, plane, dst, skip, count),
                    (0, 16) if run.len == 16 => copy_channels::<16>(src, plane, dst, skip, count),
                    (0, 8) if run.len == 8 => copy_channels::<8>(src, plane, dst, skip, count),
                    (1, 32) => {
                        copy_channels::<31>(src, plane, dst.add(1), skip, count);
                        edge(dst, skip, count);
                    }
                    (0, 31) if run.len == 32 => {
                        copy_channels::<31>(src, plane, dst, skip, count);
                        edge(dst.add(31), skip, count);
                    }
                    (1, 16) if run.len == 16 => {
                        copy_channels::<15>(src, plane, dst.add(1), skip, count);
                        edge(dst, skip, count);
                    }
                    (0, 15) if run.len == 16 => {
                        copy_channels::<15>(src, plane, dst, skip, count);
                        edge(dst.add(15), skip, count);
                    }
                    (1, 8) if run.len == 8 => {
                        copy_channels::<7>(src, plane, dst.add(1), skip, count);
                        edge(dst, skip, count);
                    }
                    (0, 7) if run.len == 8 => {
                        copy_channels::<7>(src, plane, dst, skip, count);
                        edge(dst.add(7), skip, count);
                    }
                    _ => {
                        let mut src = src;
                        for _ in 0..count {
                            let to = std::slice::from_raw_parts_mut(dst, run.len);
                            to[..lo].fill(0.0);
                            for (i, to) in to[lo..hi].iter_mut().enumerate() {
                                *to = *src.add(i);
                            }
                            to[hi..].fill(0.0);
                            src = src.wrapping_add(plane);
                            dst = dst.wrapping_add(skip);
                        }
                    }
                }
            }
            return;
        }
        let mut offsets = [usize::MAX; NR];
        for (i, offset) in offsets.iter_mut().enumerate().take(hi).skip(lo) {
            *offset = self.cols[column(i) as usize] as usize;
        }
        for c in 0..count {
            let src = &self.x[row + c * plane..row + c * plane + conv.w];
            // SAFETY: the run is inside the panel's row.
            let to = unsafe { std::slice::from_raw_parts_mut(dst, run.len) };
            for (to, &offset) in to.iter_mut().zip(&offsets) {
                *to = src.get(offset).copied().unwrap_or(0.0);
            }
            dst = dst.wrapping_add(skip);
        }
    }
}

#[inline(always)]
unsafe fn copy_channels<const N: usize>(
    mut src: *const f32,
    plane: usize,
    mut dst: *mut f32,
    skip: usize,
    count: usize,
) {
    for _ in 0..count {
        // SAFETY: the caller has `count` runs of N at both.
        unsafe { dst.cast::<[f32; N]>().write_unaligned(src.cast::<[f32; N]>().read_unaligned()) };
        src = src.wrapping_add(plane);
        dst = dst.wrapping_add(skip);
    }
}

#[inline(always)]
unsafe fn edge(mut dst: *mut f32, skip: usize, count: usize) {
    for _ in 0..count {
        // SAFETY: the caller has `count` rows there.
        unsafe { *dst = 0.0 };
        dst = dst.wrapping_add(skip);
    }
}

/// Neighbouring pixels of one output row inside a panel.
#[derive(Clone, Copy)]
struct Run {
    /// Output row, first output column, how many, and where in the panel.
    y: usize,
    x: usize,
    len: usize,
    to: usize,
}

impl Right for Patches<'_> {
    #[inline(always)]
    fn pack<S: Simd>(&self, batch: usize, n0: usize, width: usize, k0: usize, kc: usize, dst: &mut [f32]) {
        assert!(dst.len() >= kc * NR && width <= NR);
        let mut to = 0;
        while to < width {
            let (y, x) = ((n0 + to) / self.ow, (n0 + to) % self.ow);
            let len = (width - to).min(self.ow - x);
            for ky in 0..self.conv.kh {
                for kx in 0..self.conv.kw {
                    // SAFETY: the panel has `kc` rows of NR, checked above.
                    unsafe { self.tap(batch, Run { y, x, len, to }, [ky, kx], k0, kc, dst.as_mut_ptr()) };
                }
            }
            to += len;
        }
    }
}
