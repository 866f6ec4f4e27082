//! Every format is read as Pillow, OpenCV and OpenEXR read it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{fixture, folder, largest, small};
use kiln_codec::{CodecError, Format, Limits, alpha_mask, decode, decode_frames, sniff};
use serde_json::Value;

fn expected() -> Value {
    serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap()
}

fn floats(list: &Value) -> Vec<f32> {
    list.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

/// Largest difference allowed, in steps of 1/255: lossy formats have several right answers.
fn tolerance(name: &str) -> f32 {
    match name {
        // How coarse colour is filled in is not prescribed, and the last row, with nothing below it, shows it
        // most: 9 steps there, 3 elsewhere.
        "rgb420.jpg" | "progressive.jpg" => 9.5,
        // Nor is JPEG's reconstruction prescribed to the last bit.
        n if n.ends_with(".jpg") => 2.0,
        "rgb.avif" => 4.0,
        // A handful of samples, the width being odd; all others are within 5.
        "rgb422.avif" => 30.0,
        "limited.avif" => 2.1,
        // libavif rounds to bytes, this crate does not.
        n if n.ends_with(".avif") => 1.6,
        "lossy.webp" | "lossy_alpha.webp" => 2.0,
        _ => 0.0,
    }
}

#[test]
fn formats_agree_with_other_programs() {
    let mut report = String::new();
    let mut seen = 0;
    for (name, want) in expected().as_object().unwrap() {
        if want.is_null() || want.get("frames").is_some() {
            continue;
        }
        if !cfg!(feature = "avif") && name.ends_with(".avif") {
            continue;
        }
        let got = decode(&fixture(name), &small()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let image = &got.image;
        let size = [image.width(), image.height(), image.channels()];
        let size_wanted = ["width", "height", "channels"].map(|k| want[k].as_u64().unwrap() as usize);
        assert_eq!(size, size_wanted, "{name}");
        assert_eq!(u64::from(got.bits), want["bits"].as_u64().unwrap(), "{name}");
        let mut samples = floats(&want["samples"]);
        let linear = want["linear"].as_bool().unwrap();
        assert_eq!(linear, got.was_linear, "{name}");
        for v in &mut samples {
            *v = match (linear, got.bits) {
                (true, _) if *v <= 0.003_130_8 => *v * 12.92,
                (true, _) => 1.055 * v.powf(1.0 / 2.4) - 0.055,
                (false, 16) => *v / 65535.0,
                _ => *v / 255.0,
            };
        }
        let off = largest(image.data(), &samples);
        report += &format!("{name} {:.4}/255\n", off * 255.0);
        let allowed = if linear { 1e-6 } else { tolerance(name) / 255.0 + 1e-7 };
        assert!(off <= allowed, "{name}: {} steps off", off * 255.0);
        seen += 1;
    }
    println!("{report}");
    assert!(seen > 35);
}

#[test]
fn orientations_all_stand_upright() {
    for o in 1..=8 {
        let got = decode(&fixture(&format!("orientation{o}.jpg")), &small()).unwrap();
        assert_eq!(got.orientation, o);
        let turned = o >= 5;
        assert_eq!((got.image.width(), got.image.height()), if turned { (24, 32) } else { (32, 24) });
    }
    assert_eq!(decode(&fixture("orientation6.png"), &small()).unwrap().orientation, 6);
    assert_eq!(decode(&fixture("orientation6.webp"), &small()).unwrap().orientation, 6);
}

#[test]
fn animations_give_all_their_pictures() {
    let expected = expected();
    for name in ["anim.gif", "anim.webp", "anim.png"] {
        let want: Vec<f32> =
            expected[name]["frames"].as_array().unwrap().iter().flat_map(floats).map(|v| v / 255.0).collect();
        let frames = decode_frames(&fixture(name), &small()).unwrap();
        assert_eq!((frames.image.batch(), frames.image.channels()), (3, 3), "{name}");
        assert_eq!(frames.delays_ms, [80, 80, 80], "{name}");
        // The WebP library blends even opaque pixels, one step down; libwebp does not.
        let allowed = if name == "anim.webp" { 1.001 / 255.0 } else { 0.0 };
        assert!(largest(frames.image.data(), &want) <= allowed, "{name}");
        let first = decode(&fixture(name), &small()).unwrap();
        assert_eq!(first.image.frame(0), frames.image.frame(0), "{name}");
        let few = Limits { max_frames: 2, ..small() };
        assert!(matches!(decode_frames(&fixture(name), &few), Err(CodecError::TooLarge { .. })), "{name}");
    }
    assert_eq!(decode_frames(&fixture("rgb.png"), &small()).unwrap().delays_ms, [0]);
}

#[test]
fn content_and_not_the_name_says_what_it_is() {
    for name in common::names() {
        let extension = name.rsplit_once('.').unwrap().1;
        assert_eq!(Some(sniff(&fixture(&name)).unwrap()), Format::from_extension(extension), "{name}");
    }
}

#[test]
fn too_much_is_refused() {
    let bomb = fixture("bomb.png");
    assert!(matches!(decode(&bomb, &Limits::default()), Err(CodecError::TooLarge { .. })));
    let tight = Limits { max_pixels: 100, ..small() };
    assert!(matches!(decode(&fixture("rgb.png"), &tight), Err(CodecError::TooLarge { .. })));
    let tight = Limits { max_bytes: 1000, ..small() };
    for name in ["rgb.png", "rgb.jpg", "lossless.webp", "rgb.gif", "rgb.tiff", "rgb.exr"] {
        assert!(decode(&fixture(name), &tight).is_err(), "{name}");
    }
}

#[test]
fn half_a_file_is_an_error() {
    for name in ["truncated.png", "truncated.jpg", "truncated.webp"] {
        let error = decode(&fixture(name), &small()).unwrap_err();
        assert!(matches!(error, CodecError::Damaged { .. }), "{name}: {error}");
    }
}

#[cfg(not(feature = "avif"))]
#[test]
fn a_build_without_avif_says_what_to_do() {
    let error = decode(&fixture("rgb.avif"), &small()).unwrap_err();
    assert!(error.to_string().contains("convert the file"), "{error}");
}

#[test]
fn transparency_is_a_mask() {
    let got = decode(&fixture("rgba.png"), &small()).unwrap();
    let mask = alpha_mask(&got.image).unwrap().unwrap();
    assert_eq!(mask.data()[1], 1.0 - got.image.pixel(0, 0, 1)[3]);
    assert!(got.had_alpha);
    let got = decode(&fixture("rgb.png"), &small()).unwrap();
    assert!(!got.had_alpha && alpha_mask(&got.image).unwrap().is_none());
}
