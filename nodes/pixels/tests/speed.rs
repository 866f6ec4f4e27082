//! Times on a picture of 1024 x 1024: `cargo test --release -p kiln-pixels --test speed -- --ignored --nocapture`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic and reports by printing"
)]

use std::time::{Duration, Instant};

use kiln_pixels::blend::{BlendMode, blend};
use kiln_pixels::composite::{PorterDuff, porter_duff};
use kiln_pixels::geometry::{Flip, Turn, flip, rotate};
use kiln_pixels::morphology::{Morph, morphology};
use kiln_pixels::pad::Fill;
use kiln_pixels::quantize::{Dither, quantize};
use kiln_pixels::resample::{Method, resize};
use kiln_pixels::transform::rotate_by;
use kiln_pixels::{antialias, blur, canny, mask, mask_shape};
use kiln_types::{Image, Mask};

fn time<T>(name: &str, mut work: impl FnMut() -> T) {
    let least = (0..3)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(work());
            start.elapsed()
        })
        .min()
        .unwrap_or(Duration::ZERO);
    println!("{name:<32} {:>8.1} ms", least.as_secs_f64() * 1e3);
}

#[test]
#[ignore = "a measurement that checks nothing: cargo test --release -p kiln-pixels --test speed -- --ignored --nocapture"]
fn times() {
    let n = 1024;
    let wave = |i: usize| ((i * 7 + i / 3072 * 13 + i / 97 % 31 * 11) % 256) as f32 / 255.0;
    let image = Image::new(1, n, n, 3, (0..n * n * 3).map(wave).collect()).unwrap();
    let spots = Mask::new(1, n, n, (0..n * n).map(|i| f32::from(u8::from(i % 977 < 3))).collect()).unwrap();
    for method in Method::ALL {
        for (w, h) in [(1536, 1536), (512, 512)] {
            time(&format!("resize {} to {w}", method.name()), || resize(&image, w, h, *method).unwrap());
        }
    }
    for filter in antialias::Filter::ALL {
        for n in [1536, 512] {
            time(&format!("antialias {} to {n}", filter.name()), || {
                antialias::resize(&image, n, n, *filter).unwrap()
            });
        }
    }
    time("rotate by 30 degrees", || rotate_by(&image, 30.0, true, Fill::Edge).unwrap());
    for radius in [3, 31] {
        time(&format!("blur, radius {radius}"), || blur::blur(&image, radius, 1.0).unwrap());
    }
    time("gaussian, sigma 10", || blur::gaussian(&image, 10.0).unwrap());
    time("sharpen, radius 3", || blur::sharpen(&image, 3, 1.0, 1.0).unwrap());
    for size in [3, 101] {
        time(&format!("open, {size}"), || morphology(&image, Morph::Open, size).unwrap());
    }
    time("canny", || canny::canny(&image, 0.1, 0.3).unwrap());
    for dither in [Dither::None, Dither::FloydSteinberg, Dither::Bayer8] {
        time(&format!("quantize, {}", dither.name()), || quantize(&image, 64, dither).unwrap());
    }
    for mode in [BlendMode::Multiply, BlendMode::SoftLight, BlendMode::Luminosity] {
        time(&format!("blend, {}", mode.name()), || blend(&image, &image, 0.5, mode).unwrap());
    }
    time("porter_duff", || porter_duff(&image, &spots, &image, &spots, PorterDuff::SrcOver).unwrap());
    time("rotate", || rotate(&image, Turn::Quarter).unwrap());
    time("flip", || flip(&image, Flip::Horizontal).unwrap());
    for (amount, tapered) in [(8, true), (64, true), (64, false)] {
        time(&format!("grow {amount}, tapered {tapered}"), || {
            mask_shape::grow(&spots, amount, tapered).unwrap()
        });
    }
    time("feather", || mask_shape::feather(&spots, 9, 9, 9, 9).unwrap());
    time("join_alpha", || mask::join_alpha(&image, &spots).unwrap());
}
