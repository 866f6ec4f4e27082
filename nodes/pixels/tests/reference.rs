//! Results of other programs (torch, Pillow, kornia, SciPy, Skia, NumPy) done again by this room.
//!
//! `tests/reference/pixels/generate.py` made `tests/fixtures/pixels/reference.json`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by a panic and reports by printing"
)]

use std::collections::BTreeMap;

use kiln_pixels::antialias::Filter;
use kiln_pixels::blend::{BlendMode, blend};
use kiln_pixels::composite::{PorterDuff, porter_duff};
use kiln_pixels::geometry::{Flip, Turn, flip, rotate, tile};
use kiln_pixels::morphology::{Morph, morphology};
use kiln_pixels::pad::{Fill, Margins, pad};
use kiln_pixels::quantize::{Dither, quantize};
use kiln_pixels::resample::{Method, resize, resize_mask};
use kiln_pixels::samples::from_byte;
use kiln_pixels::transform::rotate_by;
use kiln_pixels::{antialias, blur, canny, mask, mask_shape};
use kiln_types::{Color, Image, Mask};
use serde_json::Value;

fn int(value: &Value) -> usize {
    usize::try_from(value.as_u64().expect("a number")).unwrap()
}

/// The bytes of an input picture, by the script's formula.
fn bytes(spec: &Value) -> Vec<u8> {
    let [w, h, c] = ["width", "height", "channels"].map(|k| int(&spec[k]));
    if spec["kind"] == "blocks" {
        return (0..w * h).flat_map(|i| [i % 4, i / 4 % 4, i / 16 % 4].map(|v| (v * 80) as u8)).collect();
    }
    let noise = spec["kind"] == "noise";
    let mut state = spec["seed"].as_u64().unwrap();
    let mut out: Vec<u8> = (0..w * h * c)
        .map(|i| {
            state = (state * 1_103_515_245 + 12345) % (1 << 31);
            let v = (state >> 16 & 255) as usize;
            if noise {
                return v as u8;
            }
            let (k, x, y) = (i % c, i / c % w, i / c / w);
            let stripe = if (x / 5 + y / 7) % 2 == 1 { 90 } else { 0 };
            (x * (3 + k) + y * 5 + k * 60 + v % 8 + stripe) as u8
        })
        .collect();
    if let Some(ends) = spec.get("ends") {
        out.iter_mut().step_by(int(ends)).for_each(|v| *v = if *v > 127 { 255 } else { 0 });
    }
    out
}

fn image(spec: &Value) -> Image {
    let [w, h, c] = ["width", "height", "channels"].map(|k| int(&spec[k]));
    Image::new(1, h, w, c, bytes(spec).into_iter().map(from_byte).collect()).unwrap()
}

fn plane(spec: &Value) -> Mask {
    let [w, h] = ["width", "height"].map(|k| int(&spec[k]));
    Mask::new(1, h, w, bytes(spec).into_iter().map(from_byte).collect()).unwrap()
}

/// Colours and a mask of what is transparent.
fn layer(spec: &Value) -> (Image, Mask) {
    mask::split_alpha(&image(spec)).unwrap()
}

/// The samples that this room gives, with their width and height.
fn run(case: &Value) -> (usize, usize, Vec<f32>) {
    let p = &case["params"];
    let text = |name: &str| p[name].as_str().unwrap();
    let float = |name: &str| p[name].as_f64().unwrap();
    let first = &case["inputs"][0];
    let (w, h) = (int(&case["width"]), int(&case["height"]));
    let picture = |image: Image| (image.width(), image.height(), image.into_data());
    let selection = |mask: Mask| (mask.width(), mask.height(), mask.into_data());
    match case["op"].as_str().unwrap() {
        "resize" => picture(resize(&image(first), w, h, Method::from_name(text("method")).unwrap()).unwrap()),
        "resize_mask" => {
            selection(resize_mask(&plane(first), w, h, Method::from_name(text("method")).unwrap()).unwrap())
        }
        "antialias" => {
            let filter = Filter::from_name(text("filter")).unwrap();
            picture(antialias::resize(&image(first), w, h, filter).unwrap())
        }
        "rotate_by" => {
            let fill = match text("fill") {
                "edge" => Fill::Edge,
                "reflect" => Fill::Reflect,
                _ => Fill::Color(Color { r: 0.25, g: 0.25, b: 0.25, a: 1.0 }),
            };
            picture(rotate_by(&image(first), float("degrees"), false, fill).unwrap())
        }
        "blur" => picture(blur::blur(&image(first), int(&p["radius"]), float("sigma")).unwrap()),
        "sharpen" => {
            let (radius, alpha) = (int(&p["radius"]), float("alpha") as f32);
            picture(blur::sharpen(&image(first), radius, float("sigma"), alpha).unwrap())
        }
        "gaussian" => picture(blur::gaussian(&image(first), float("sigma")).unwrap()),
        "box" => picture(blur::box_blur(&image(first), int(&p["radius"])).unwrap()),
        "morphology" => picture(
            morphology(&image(first), Morph::from_name(text("op")).unwrap(), int(&p["size"])).unwrap(),
        ),
        "grow" => {
            let amount = i32::try_from(p["amount"].as_i64().unwrap()).unwrap();
            selection(mask_shape::grow(&plane(first), amount, p["tapered"].as_bool().unwrap()).unwrap())
        }
        "canny" => picture(canny::canny(&image(first), float("low") as f32, float("high") as f32).unwrap()),
        "quantize" => {
            let dither = Dither::from_name(text("dither")).unwrap();
            picture(quantize(&image(first), int(&p["colors"]), dither).unwrap())
        }
        "porter_duff" => {
            let ((under, under_mask), (over, over_mask)) = (layer(first), layer(&case["inputs"][1]));
            let mode = PorterDuff::from_name(text("mode")).unwrap();
            let (image, hole) = porter_duff(&over, &over_mask, &under, &under_mask, mode).unwrap();
            picture(mask::join_alpha(&image, &hole).unwrap())
        }
        "blend" => {
            let ((under, _), (over, _)) = (layer(first), layer(&case["inputs"][1]));
            picture(blend(&under, &over, 1.0, BlendMode::from_name(text("mode")).unwrap()).unwrap())
        }
        "flip" => picture(flip(&image(first), Flip::from_name(text("how")).unwrap()).unwrap()),
        "rotate" => picture(rotate(&image(first), Turn::from_name(text("turn")).unwrap()).unwrap()),
        "pad" => {
            let [left, top, right, bottom] = ["left", "top", "right", "bottom"].map(|side| int(&p[side]));
            let fill = if text("fill") == "edge" { Fill::Edge } else { Fill::Reflect };
            picture(pad(&image(first), Margins { left, top, right, bottom }, fill).unwrap())
        }
        "tile" => picture(tile(&image(first), int(&p["columns"]), int(&p["rows"])).unwrap()),
        other => panic!("no such operation here: {other}"),
    }
}

fn fnv(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

/// What may lie between two programs that compute in f32.
const CLOSE: f64 = 2e-5;

#[test]
fn other_programs_give_the_same_numbers() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/pixels/reference.json");
    let file: Value = serde_json::from_slice(&std::fs::read(path).expect("the reference")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() > 500);
    let mut worst: BTreeMap<String, (usize, f64)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in cases {
        let name = format!("{} {} {} {}", case["op"], case["tool"], case["params"], case["inputs"][0]);
        let (w, h, got) = run(case);
        assert_eq!((w, h), (int(&case["width"]), int(&case["height"])), "{name}");
        let difference = if let Some(floats) = case.get("floats") {
            let floats = floats.as_array().unwrap();
            assert_eq!(floats.len(), got.len(), "{name}");
            floats
                .iter()
                .zip(&got)
                .map(|(f, v)| (f.as_f64().unwrap() - f64::from(*v)).abs())
                .fold(0.0, f64::max)
        } else {
            // Exact: these programs work on bytes.
            let got: Vec<u8> = got.iter().map(|v| (v * 255.0 + 0.5).clamp(0.0, 255.0) as u8).collect();
            let same = match case["fnv"].as_str() {
                Some(hash) => fnv(&got) == hash,
                None => {
                    case["bytes"].as_array().unwrap().iter().map(int).eq(got.iter().map(|v| usize::from(*v)))
                }
            };
            f64::from(u8::from(!same))
        };
        let kind = format!("{} {}", case["op"], p_name(case));
        let entry = worst.entry(kind).or_default();
        *entry = (entry.0 + 1, entry.1.max(difference));
        if difference > CLOSE {
            wrong.push(format!("{name}: {difference}"));
        }
    }
    for (kind, (count, most)) in worst {
        println!("{kind}: {count} cases, at most {most:e}");
    }
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
}

/// The choice among an operation's, for the summary.
fn p_name(case: &Value) -> &str {
    ["method", "mode", "op", "dither", "filter", "fill"]
        .iter()
        .find_map(|k| case["params"][k].as_str())
        .unwrap_or("")
}
