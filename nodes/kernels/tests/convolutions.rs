//! Convolutions against double precision.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::*;
use kiln_kernels::{Act, Conv, Dtype, Stored, Then, conv2d};

fn reference(c: &Conv, x: &[f32], w: &[f32], then: &Then<'_>) -> Vec<f64> {
    let [oh, ow] = c.out();
    let [sh, sw] = c.upsample.unwrap_or([c.h, c.w]);
    let bias = then.bias.map(|b| b.widen());
    let (ci, co) = (c.c_in / c.groups, c.c_out / c.groups);
    let mut out = Vec::new();
    for n in 0..c.n {
        for o in 0..c.c_out {
            for y in 0..oh {
                for x0 in 0..ow {
                    let mut sum = 0.0;
                    for i in 0..ci {
                        for ky in 0..c.kh {
                            for kx in 0..c.kw {
                                let sy = (y * c.stride[0] + ky * c.dilation[0]) as isize - c.pad[0] as isize;
                                let sx = (x0 * c.stride[1] + kx * c.dilation[1]) as isize - c.pad[2] as isize;
                                if sy < 0 || sx < 0 || sy >= sh as isize || sx >= sw as isize {
                                    continue;
                                }
                                let (sy, sx) = (sy as usize * c.h / sh, sx as usize * c.w / sw);
                                let channel = o / co * ci + i;
                                sum += f64::from(x[((n * c.c_in + channel) * c.h + sy) * c.w + sx])
                                    * f64::from(w[((o * ci + i) * c.kh + ky) * c.kw + kx]);
                            }
                        }
                    }
                    sum += bias.as_ref().map_or(0.0, |b| f64::from(b[o]));
                    sum += then.shift.map_or(0.0, |s| f64::from(s[n * c.c_out + o]));
                    let at = out.len();
                    out.push(act64(then.act, sum) + then.add.map_or(0.0, |a| f64::from(a[at])));
                }
            }
        }
    }
    out
}

fn check(c: &Conv, dtype: Dtype) {
    let [oh, ow] = c.out();
    let len = c.n * c.c_out * oh * ow;
    let x = noise(c.n * c.c_in * c.h * c.w, 1);
    let bytes = stored(&noise(c.c_out * c.c_in / c.groups * c.kh * c.kw, 2), dtype);
    let w = as_stored(&bytes, dtype);
    let (bias, shift, add) = (noise(c.c_out, 3), noise(c.n * c.c_out, 4), noise(len, 5));
    let then = Then { bias: Some(Stored::f32(&bias)), shift: Some(&shift), act: Act::Silu, add: Some(&add) };
    for then in [Then::default(), then] {
        let got = same_everywhere(|| {
            let mut out = vec![f32::NAN; len];
            conv2d(c, &x, w, then, &mut out);
            out
        });
        close(&got, &reference(c, &x, &w.widen(), &then), 1e-6, &format!("{c:?} {dtype:?}"));
    }
}

fn conv(n: usize, c_in: usize, hw: [usize; 2], c_out: usize, k: [usize; 2]) -> Conv {
    let [h, w] = hw;
    let [kh, kw] = k;
    let pad = [kh / 2, kh / 2, kw / 2, kw / 2];
    let (stride, dilation) = ([1, 1], [1, 1]);
    Conv { n, c_in, h, w, c_out, kh, kw, stride, dilation, pad, groups: 1, upsample: None }
}

#[test]
fn ragged_images() {
    for (h, w) in [(1, 1), (2, 3), (7, 5), (8, 8), (3, 16), (17, 7), (9, 33), (5, 65), (4, 64)] {
        check(&conv(2, 5, [h, w], 9, [3, 3]), Dtype::F32);
        check(&conv(1, 33, [h, w], 3, [1, 1]), Dtype::F32);
    }
    check(&conv(1, 40, [6, 32], 17, [3, 3]), Dtype::F32);
}

#[test]
fn enough_channels_for_the_fast_way() {
    for (n, c_in, h, w, c_out) in
        [(1, 64, 8, 8, 64), (2, 33, 7, 9, 65), (1, 300, 6, 5, 40), (1, 40, 17, 70, 33)]
    {
        check(&conv(n, c_in, [h, w], c_out, [3, 3]), Dtype::F32);
        check(&Conv { pad: [0, 1, 2, 0], ..conv(n, c_in, [h, w], c_out, [3, 3]) }, Dtype::F16);
        check(&Conv { upsample: Some([2 * h, 2 * w]), ..conv(n, c_in, [h, w], c_out, [3, 3]) }, Dtype::F32);
    }
}

#[test]
fn strides_dilation_padding_and_kernels() {
    let base = conv(2, 6, [13, 11], 10, [3, 3]);
    check(&Conv { stride: [2, 2], ..base }, Dtype::F32);
    check(&Conv { stride: [2, 2], pad: [0, 1, 0, 1], ..base }, Dtype::F32);
    check(&Conv { stride: [1, 3], pad: [2, 0, 1, 3], ..base }, Dtype::F32);
    check(&Conv { dilation: [2, 3], pad: [2, 2, 3, 3], ..base }, Dtype::F32);
    check(&Conv { kh: 5, kw: 1, pad: [2, 2, 0, 0], ..base }, Dtype::F32);
    check(&Conv { kh: 4, kw: 2, pad: [0; 4], ..base }, Dtype::F32);
    check(&Conv { kh: 1, kw: 1, pad: [0; 4], stride: [2, 1], ..base }, Dtype::F32);
    check(&conv(1, 3, [40, 40], 8, [14, 14]), Dtype::F32);
    check(&Conv { stride: [14, 14], pad: [0; 4], ..conv(1, 3, [42, 42], 8, [14, 14]) }, Dtype::F32);
}

#[test]
fn groups() {
    let base = conv(2, 12, [9, 7], 18, [3, 3]);
    for groups in [2, 3, 6] {
        check(&Conv { groups, ..base }, Dtype::F16);
    }
    check(&Conv { groups: 12, c_out: 12, ..base }, Dtype::F32);
    check(&Conv { groups: 2, kh: 1, kw: 1, pad: [0; 4], ..base }, Dtype::F32);
}

#[test]
fn upsampling_on_the_way() {
    let base = conv(1, 5, [6, 5], 7, [3, 3]);
    for to in [[12, 10], [7, 11], [6, 5], [3, 2], [13, 33]] {
        check(&Conv { upsample: Some(to), ..base }, Dtype::F32);
    }
    check(&Conv { upsample: Some([12, 10]), kh: 1, kw: 1, pad: [0; 4], ..base }, Dtype::F32);
}

#[test]
fn every_dtype() {
    for dtype in DTYPES {
        check(&conv(1, 11, [6, 7], 13, [3, 3]), dtype);
        check(&conv(1, 11, [6, 7], 13, [1, 1]), dtype);
    }
}
