//! Networks that find the subject, with real weights, against rembg and onnxruntime.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test that cannot go on stops")]

mod support;

use kiln_cutout::{Cutout, Kind};
use kiln_real::fetched;
use kiln_tensor::Compute;
use support::{apart, fixture};

/// Three portraits, one of them dark, and a picture nothing is sure of, where every step shows.
const PICTURES: [&str; 4] = ["portrait_97x131", "portrait_320x213", "portrait_dark_150x111", "mist_121x90"];

/// Mattes are bytes, as theirs are; what lies just beside a step may fall to either side of it. A step is allowed, and on
/// average `most_mean`: ten times what was measured. (Another filter for shrinking is 12 steps off somewhere or more.)
#[track_caller]
fn check(model: &str, kind: Kind, most_mean: f64) {
    let Some(file) = fetched(&format!("{model}.onnx")) else { return };
    let network = Cutout::open(&file, &Compute::cpu()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(network.kind(), kind);
    for picture in PICTURES {
        let ours = network.matte(&fixture(picture), 0).unwrap_or_else(|e| panic!("{e}"));
        let theirs = fixture(&format!("{model}.{picture}"));
        assert_eq!((ours.width(), ours.height()), (theirs.width(), theirs.height()), "{picture}");
        // A grey file: its three channels are one.
        let grey = theirs.data().chunks_exact(theirs.channels()).map(|p| p[0]);
        let (most, mean) = apart(ours.data().iter().copied(), grey);
        eprintln!("{model} {picture}: at most {:.1} of 255 apart, {mean:.2e} on average", most * 255.0);
        assert!(most * 255.0 < 1.01, "{model} {picture}: {} of 255", most * 255.0);
        assert!(mean <= most_mean, "{model} {picture}: {mean}");
    }
}

#[test]
fn u2net() {
    check("u2net", Kind::U2Net, 5e-4);
}

#[test]
fn u2netp() {
    check("u2netp", Kind::U2Net, 1.5e-5);
}

#[test]
fn modnet() {
    check("modnet", Kind::ModNet, 6e-5);
}

/// Their graph is in half precision, and so are its weights. On a processor onnxruntime computes it in single, as Kiln does,
/// and rounds to half after some layers only.
#[test]
fn isnet() {
    check("isnet-fp16", Kind::IsNet, 4e-5);
}
