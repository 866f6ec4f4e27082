//! Upscalers with real weights against the programs they were made for: ncnn, onnxruntime, torch.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test that cannot go on stops")]

mod support;

use kiln_real::{converted, fetched};
use kiln_tensor::Compute;
use kiln_upscale::{Tiles, Upscaler, Watch};
use std::path::PathBuf;
use support::{apart, fixture};

/// A model's file, the pictures it is tried on, and how many times as large they become.
struct Case {
    model: &'static str,
    file: Option<PathBuf>,
    scale: usize,
    pictures: &'static [&'static str],
}

const ONE: &[&str] = &["scene_38x53"];
const BOTH: &[&str] = &["scene_38x53", "scene_61x47"];

impl Case {
    /// Ten times what was measured. Half a step of the references' 16 bits, 7.6e-6, is part of that, the rest is what
    /// single precision costs in up to 351 convolutions.
    #[track_caller]
    fn check(self) {
        let Some(file) = self.file else { return };
        let upscaler = Upscaler::open(&file, &Compute::cpu()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(upscaler.scale(), self.scale);
        for picture in self.pictures {
            let small = fixture(picture);
            let watch = Watch { progress: &mut |_, _| (), cancelled: &|| false };
            let ours = upscaler.upscale(&small, Tiles::default(), watch).unwrap_or_else(|e| panic!("{e}"));
            let theirs = fixture(&format!("{}.{picture}", self.model));
            assert_eq!((ours.width(), ours.height()), (theirs.width(), theirs.height()), "{picture}");
            let (most, mean) = apart(ours.data().iter().copied(), theirs.data().iter().copied());
            eprintln!("{} {picture}: at most {most:.2e} apart, {mean:.2e} on average", self.model);
            assert!(most <= 1.5e-4, "{} {picture}: {most}", self.model);
        }
    }
}

#[test]
fn real_esrgan_x4plus() {
    let model = "realesrgan-x4plus";
    Case { model, file: converted(model), scale: 4, pictures: ONE }.check();
}

#[test]
fn real_esrgan_x4plus_anime() {
    let model = "realesrgan-x4plus-anime";
    Case { model, file: converted(model), scale: 4, pictures: ONE }.check();
}

#[test]
fn real_esrgan_animevideo() {
    let model = "realesr-animevideov3-x4";
    Case { model, file: converted(model), scale: 4, pictures: ONE }.check();
}

#[test]
fn real_esrgan_x2plus_from_onnx() {
    let model = "realesrgan-x2plus";
    Case { model, file: fetched(&format!("{model}.onnx")), scale: 2, pictures: BOTH }.check();
}

#[test]
fn an_old_esrgan_from_pth() {
    let model = "4x-NMKD-YandereNeo-Superlite";
    Case { model, file: fetched(&format!("{model}.pth")), scale: 4, pictures: ONE }.check();
}

#[test]
fn a_compact_one_from_pth() {
    let model = "2x-AniScale";
    Case { model, file: fetched(&format!("{model}.pth")), scale: 2, pictures: BOTH }.check();
}
