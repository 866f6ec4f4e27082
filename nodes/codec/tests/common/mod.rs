//! What the codec's tests share.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;

use kiln_codec::Limits;
use kiln_types::Image;

/// The fixture folder.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/codec")
}

/// A fixture's bytes.
pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// All fixture names, in order.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| n != "expected.json")
        .collect();
    names.sort();
    names
}

/// Limits for tiny pictures.
pub fn small() -> Limits {
    Limits { max_pixels: 1 << 16, max_bytes: 8 << 20, max_frames: 16 }
}

/// A picture where every sample differs from its neighbours.
pub fn sample(width: usize, height: usize, channels: usize) -> Image {
    let data = (0..width * height * channels).map(|i| ((i * 37 + i / 7 * 11) % 256) as f32 / 255.0).collect();
    Image::new(1, height, width, channels, data).unwrap()
}

/// A picture without noise, as lossy formats like it.
pub fn smooth(width: usize, height: usize, channels: usize) -> Image {
    let at = |i: usize| {
        let (c, x, y) = (i % channels, i / channels % width, i / channels / width);
        [x as f32 / width as f32, y as f32 / height as f32, 0.5, 0.25 + 0.5 * x as f32 / width as f32][c]
    };
    Image::new(1, height, width, channels, (0..width * height * channels).map(at).collect()).unwrap()
}

/// The largest difference of two sample rows.
pub fn largest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// A small generator for mutations.
pub fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
