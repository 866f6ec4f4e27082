//! What a tower sees, byte by byte as torch and Pillow bring pictures to size (`tests/reference/make.py`).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use kiln_clip::{Crop, Preprocess, Resizing};
use serde_json::Value;

#[test]
fn every_pixel_is_torchs_or_pillows() {
    let noted: Value = serde_json::from_slice(&common::reference("preprocess.json")).unwrap();
    let recorded = common::reference("preprocess.bin");
    let mut rest = recorded.as_slice();
    let mut wrong = Vec::new();
    for case in noted.as_array().unwrap() {
        let number = |name: &str| case[name].as_u64().unwrap() as usize;
        let (h, w, side) = (number("height"), number("width"), number("side"));
        let (wanted, after) = rest.split_at(side * side * 3);
        rest = after;
        let comfy = case["how"] == "comfy";
        let preprocess = Preprocess {
            resizing: if comfy { Resizing::Comfy } else { Resizing::Transformers },
            crop: if case["crop"] == true { Crop::Center } else { Crop::None },
        };
        let found = preprocess.bytes(&common::picture(h, w, number("seed")), 0, side);
        let off: Vec<i32> =
            wanted.iter().zip(&found).map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs()).collect();
        let count = off.iter().filter(|o| **o > 0).count();
        if count > 0 || found.len() != wanted.len() {
            wrong.push(format!("{case}: {count} of {}, by {:?} at most", found.len(), off.iter().max()));
        }
    }
    assert!(rest.is_empty());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn transparency_and_the_batch_do_not_matter() {
    let (one, other) = (common::picture(40, 30, 1), common::picture(40, 30, 2));
    let clear: Vec<f32> = one.data().chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 0.3]).collect();
    let clear = kiln_types::Image::new(1, 40, 30, 4, clear).unwrap();
    let both = [one.data(), other.data()].concat();
    let both = kiln_types::Image::new(2, 40, 30, 3, both).unwrap();
    for resizing in [Resizing::Comfy, Resizing::Transformers] {
        let how = Preprocess { resizing, crop: Crop::Center };
        assert_eq!(how.bytes(&one, 0, 16), how.bytes(&clear, 0, 16));
        assert_eq!(how.bytes(&other, 0, 16), how.bytes(&both, 1, 16));
        assert_ne!(how.bytes(&one, 0, 16), how.bytes(&both, 1, 16));
    }
}
