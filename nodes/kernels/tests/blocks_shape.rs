//! Pictures in blocks of sixteen channels: laid out and back, halved and resized with the bits of the same on planes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::{noise, same_bits, same_everywhere};
use kiln_kernels::{
    blocks_len, from_blocks, max_pool2, max_pool2_blocks, resize_bilinear, resize_bilinear_blocks, to_blocks,
};

const CASES: [(usize, [usize; 2]); 8] = [
    (16, [4, 6]),
    (1, [5, 3]),
    (19, [7, 33]),
    (40, [1, 1]),
    (33, [2, 70]),
    (64, [41, 37]),
    (48, [1, 9]),
    (5, [66, 1]),
];

fn blocks(channels: usize, size: [usize; 2], planes: &[f32]) -> Vec<f32> {
    let mut out = vec![7.0; blocks_len(channels, size)];
    to_blocks(channels, size, planes, &mut out);
    out
}

fn planes(channels: usize, size: [usize; 2], blocks: &[f32]) -> Vec<f32> {
    let mut out = vec![7.0; channels * size[0] * size[1]];
    from_blocks(channels, size, blocks, &mut out);
    out
}

#[test]
fn there_and_back() {
    for (channels, size) in CASES {
        let x = noise(channels * size[0] * size[1], 1);
        let laid = same_everywhere(|| blocks(channels, size, &x));
        let pixels = size[0] * size[1];
        for (i, v) in laid.iter().enumerate() {
            let (block, pixel, lane) = (i / (16 * pixels), i / 16 % pixels, i % 16);
            let wanted = x.get((block * 16 + lane) * pixels + pixel).filter(|_| block * 16 + lane < channels);
            assert_eq!(*v, wanted.copied().unwrap_or(0.0), "{channels} of {size:?}, {i}");
        }
        same_bits(&x, &same_everywhere(|| planes(channels, size, &laid)), "back");
    }
}

#[test]
fn halved() {
    for (channels, size) in CASES {
        let [h, w] = size;
        let x = noise(channels * h * w, 2);
        let to = [h.div_ceil(2), w.div_ceil(2)];
        let made = same_everywhere(|| {
            let mut out = vec![7.0; channels * to[0] * to[1]];
            max_pool2(channels, size, &x, &mut out);
            out
        });
        for (i, v) in made.iter().enumerate() {
            let (c, oy, ox) = (i / (to[0] * to[1]), i / to[1] % to[0], i % to[1]);
            let rows = 2 * oy..(2 * oy + 2).min(h);
            let seen = rows.flat_map(|y| (2 * ox..(2 * ox + 2).min(w)).map(move |x| (y, x)));
            let wanted = seen.map(|(y, i)| x[(c * h + y) * w + i]).fold(f32::MIN, f32::max);
            assert_eq!(*v, wanted, "{channels} of {size:?}, {i}");
        }
        let in_blocks = same_everywhere(|| {
            let mut out = vec![7.0; blocks_len(channels, to)];
            max_pool2_blocks(channels, size, &blocks(channels, size, &x), &mut out);
            out
        });
        same_bits(&made, &planes(channels, to, &in_blocks), "in blocks");
    }
}

#[test]
fn resized() {
    for (channels, size) in CASES {
        let x = noise(channels * size[0] * size[1], 3);
        for to in [[1, 1], [size[0] * 2, size[1] * 2], [13, 5], [3, 40], size] {
            let mut made = vec![7.0; channels * to[0] * to[1]];
            resize_bilinear(channels, size, to, false, &x, &mut made);
            let in_blocks = same_everywhere(|| {
                let mut out = vec![7.0; blocks_len(channels, to)];
                resize_bilinear_blocks(channels, size, to, &blocks(channels, size, &x), &mut out);
                out
            });
            same_bits(&made, &planes(channels, to, &in_blocks), "in blocks");
        }
    }
}
