//! Full-size towers against transformers and open_clip: `make.py full DIR` writes their weights and results, this opens
//! them and tells how far it is from those, and how long a picture takes.
//!
//!     python tests/reference/make.py full DIR
//!     cargo run --release -p kiln-clip --example full_clip -- DIR
#![allow(clippy::print_stdout, reason = "a program that reports")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot go on stops")]

#[path = "../tests/common/mod.rs"]
mod common;

use common::{picture, relative};
use kiln_clip::Towers;
use kiln_tensor::Compute;
use std::path::PathBuf;
use std::time::Instant;

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    let texts = ["a photo of a fox", "Two  CATS, asleep!", "", &"word ".repeat(100)];
    for name in ["b32", "l14", "h14"] {
        let path = folder.join(format!("{name}.safetensors"));
        if !path.exists() {
            continue;
        }
        let recorded = |what: &str| -> Vec<f32> {
            let bytes = std::fs::read(folder.join(format!("{name}_{what}.f32"))).unwrap();
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
        };
        let begun = Instant::now();
        let towers = Towers::open(&path, &Compute::cpu()).unwrap();
        let opened = begun.elapsed();
        let images = [picture(480, 640, 1), picture(1000, 300, 2)];
        let image = relative(&recorded("image"), towers.image(&images).unwrap().data());
        let text = relative(&recorded("text"), towers.text(&texts).unwrap().data());
        let begun = Instant::now();
        towers.image(&images[..1]).unwrap();
        println!(
            "{name} {:18} opened in {opened:.1?}, images {image:.1e}, texts {text:.1e}, one picture {:.2?}",
            towers.name(),
            begun.elapsed()
        );
    }
}
