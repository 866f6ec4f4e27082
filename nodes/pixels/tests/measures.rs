//! Measures, palettes and hashes against scikit-image, OpenCV and imagehash
//! (tests/reference/vision/measures.py).
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on stops")]
mod pictures;

use kiln_pixels::hash::{HashKind, Pillow, hash, whash};
use kiln_pixels::measure::{measure, subject, subject_of_alpha};
use kiln_pixels::palette::palette_coverage;
use kiln_types::{Color, Image, Mask};
use pictures::{json, picture};
use serde_json::Value;

fn pictures() -> Vec<(String, Image, Value)> {
    let all = json("measures.json");
    let of =
        |(name, want): (&String, &Value)| (name.clone(), picture(&format!("measure_{name}")), want.clone());
    all["pictures"].as_object().unwrap().iter().map(of).collect()
}

#[test]
fn numbers_are_those_of_other_programs() {
    for (name, image, want) in pictures() {
        let q = measure(&image, 0).unwrap();
        let ours = [
            ("brightness", q.brightness),
            ("contrast", q.contrast),
            ("colourfulness", q.colourfulness),
            ("sharpness", q.sharpness),
            ("entropy", q.entropy),
            ("noise", q.noise),
            ("edges", q.edges),
            ("highlights", q.highlights),
            ("shadows", q.shadows),
            ("seam_x", q.seams[0]),
            ("seam_y", q.seams[1]),
        ];
        let wanted = want["measures"].as_object().unwrap();
        assert_eq!(wanted.len(), ours.len(), "{name}");
        for (key, got) in ours {
            let want = wanted[key].as_f64().unwrap();
            assert!((got - want).abs() <= 1e-9 * want.abs().max(1.0), "{name} {key}: {got}, {want} wanted");
        }
    }
}

#[test]
fn hashes_are_those_of_imagehash_bit_for_bit() {
    let (mut wrong, mut turned) = (Vec::new(), 0);
    for (name, image, want) in pictures() {
        for pillow in Pillow::ALL {
            for (key, text) in want["hashes"][pillow.name()].as_object().unwrap() {
                let got = hash(&image, 0, HashKind::from_name(key).unwrap(), *pillow).unwrap();
                if got.to_string() != text.as_str().unwrap() {
                    wrong.push(format!("{name} {key} {pillow:?}"));
                }
            }
        }
        turned += u32::from(want["hashes"]["13"] != want["hashes"]["before 13"]);
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(turned > 0, "the order of the passes matters for none of the pictures");
}

#[test]
fn palettes_cover_as_much_as_scikit_image_says() {
    let all = json("measures.json");
    let byte = |v: &Value| u8::try_from(v.as_u64().unwrap()).unwrap();
    let palette: Vec<Color> = all["palette"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| Color::rgb8(byte(&c[0]), byte(&c[1]), byte(&c[2])))
        .collect();
    for (name, image, want) in pictures() {
        for (k, tolerance) in all["tolerances"].as_array().unwrap().iter().enumerate() {
            let found = palette_coverage(&image, 0, &palette, tolerance.as_f64().unwrap() as f32).unwrap();
            let want = want["coverage"]["covered"][k].as_f64().unwrap();
            assert!((f64::from(found.covered) - want).abs() < 1e-6, "{name}: {} {want}", found.covered);
            assert!((found.shares.iter().sum::<f32>() - found.covered).abs() < 1e-5);
        }
        let found = palette_coverage(&image, 0, &palette, 10.0).unwrap().mean_distance;
        let want = want["coverage"]["mean_distance"].as_f64().unwrap();
        assert!((f64::from(found) - want).abs() < 2e-3, "{name}: {found}, {want} wanted");
    }
}

#[test]
fn subjects_stand_where_scikit_image_sees_them() {
    let mut seen = 0;
    for (name, image, want) in pictures() {
        let want = &want["subject"];
        if want.is_null() {
            continue;
        }
        seen += 1;
        let found = subject_of_alpha(&image, 0).unwrap();
        let center = [0, 1].map(|k| want["center"][k].as_f64().unwrap());
        for (got, want) in [
            (found.area, want["area"].as_f64().unwrap()),
            (found.off_center, want["off_center"].as_f64().unwrap()),
            (found.border, want["border"].as_f64().unwrap()),
            (found.center[0], center[0]),
            (found.center[1], center[1]),
        ] {
            assert!((got - want).abs() < 1e-6, "{name}: {got}, {want} wanted");
        }
        let bounds: Vec<u64> = found.bounds.unwrap().iter().map(|v| *v as u64).collect();
        assert_eq!(serde_json::json!(bounds), want["bounds"], "{name}");
        assert_eq!(found.touches.contains(&true), found.border > 0.0, "{name}");
    }
    assert_eq!(seen, 2);
}

#[test]
fn borders_and_seams_of_the_smallest_pictures() {
    let one = Mask::filled(1, 1, 1, 1.0).unwrap();
    assert_eq!(subject(&one, 0).unwrap().border, 1.0);
    let mut frame = Mask::filled(1, 3, 4, 0.0).unwrap();
    assert_eq!(subject(&frame, 0).unwrap().border, 0.0);
    frame.data_mut()[5] = 1.0;
    assert_eq!(subject(&frame, 0).unwrap().border, 0.0);
    frame.data_mut()[0] = 0.5;
    assert_eq!(subject(&frame, 0).unwrap().border, 0.1);
    // A column of grey beside one of black: the same step inside as across the seam.
    let two = Image::new(1, 1, 2, 3, vec![0.5, 0.5, 0.5, 0.0, 0.0, 0.0]).unwrap();
    assert_eq!(measure(&two, 0).unwrap().seams, [1.0, 1.0]);
    for (w, h) in [(1, 1), (3, 1), (1, 8), (9, 300)] {
        let image = Image::new(1, h, w, 3, vec![f32::NAN; w * h * 3]).unwrap();
        assert!(measure(&image, 0).unwrap().seams.iter().all(|v| *v == 1.0));
        whash(&image, 0).unwrap();
    }
}
