//! Resizing to the byte as Pillow does it (`tests/reference/make.py`).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::path::Path;

use kiln_cutout::resample::{Filter, bytes, colours, floats};
use serde_json::Value;

fn fnv1a(data: &[u8]) -> String {
    let hash = data
        .iter()
        .fold(0xCBF2_9CE4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01B3));
    format!("{hash:016x}")
}

/// The script's picture.
fn picture(w: usize, h: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut out: Vec<u8> = (0..w * h * 3)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect();
    for (i, v) in out.iter_mut().enumerate() {
        let (y, x) = (i / 3 / w, i / 3 % w);
        if y < h / 2 {
            *v = *v / 8 + 100;
        }
        if x < w / 3 {
            *v /= 3;
        }
    }
    out
}

fn side(value: &Value) -> [usize; 2] {
    [0, 1].map(|i| value[i].as_u64().unwrap() as usize)
}

#[test]
fn every_byte_is_pillows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/pillow.json");
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(cases.len(), 34);
    for case in cases {
        let filter = if case["filter"] == "lanczos" { Filter::Lanczos } else { Filter::Bilinear };
        let (from, to) = (side(&case["from"]), side(&case["to"]));
        let rgb = picture(from[0], from[1], case["seed"].as_u64().unwrap());
        let grey: Vec<u8> = rgb.iter().step_by(3).copied().collect();
        let made = bytes(filter, &rgb, 3, from, to);
        assert_eq!(made.len(), to[0] * to[1] * 3);
        assert_eq!(fnv1a(&made), case["rgb"], "{case}");
        let made = bytes(filter, &grey, 1, from, to);
        assert_eq!(fnv1a(&made), case["grey"], "{case}");
        // Without rounding and clamping in between, a float is never far from the byte.
        let wide: Vec<f32> = grey.iter().map(|v| f32::from(*v) / 255.0).collect();
        let off: Vec<f32> = floats(filter, &wide, from, to)
            .iter()
            .zip(&made)
            .map(|(f, b)| (f * 255.0 - f32::from(*b)).abs())
            .collect();
        let (most, mean) =
            (off.iter().fold(0.0_f32, |a, b| a.max(*b)), off.iter().sum::<f32>() / off.len() as f32);
        // The sinc overshoots; bytes cut that off between the passes.
        let limit = if filter == Filter::Lanczos { (60.0, 1.0) } else { (1.1, 0.6) };
        assert!(most < limit.0 && mean < limit.1, "{case}: {most}, {mean}");
    }
}

#[test]
fn every_byte_survives_as_a_sample() {
    let all: Vec<f32> = (0..=255_u8).flat_map(|b| [f32::from(b) / 255.0, 0.0, 1.0, 0.5]).collect();
    let bytes: Vec<u8> = colours(&all, 4).chunks_exact(3).map(|c| c[0]).collect();
    assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
}
