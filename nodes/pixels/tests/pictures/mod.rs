//! The pictures in tests/fixtures/vision.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::path::PathBuf;

use kiln_types::{Image, Mask};
use serde_json::Value;

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/vision")
}

pub fn json(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder().join(name)).unwrap()).unwrap()
}

/// A PNG file, grey ones in three channels.
pub fn open(path: &std::path::Path) -> Image {
    let file = std::fs::File::open(path).unwrap();
    let mut decoder = png::Decoder::new(std::io::BufReader::new(file));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    bytes.truncate(info.buffer_size());
    let all = |bytes: &[u8]| -> Vec<f32> { bytes.iter().map(|v| f32::from(*v) / 255.0).collect() };
    let (channels, data) = match info.color_type {
        png::ColorType::Rgb => (3, all(&bytes)),
        png::ColorType::Rgba => (4, all(&bytes)),
        png::ColorType::Grayscale => (3, bytes.iter().flat_map(|v| [f32::from(*v) / 255.0; 3]).collect()),
        other => panic!("{}: {other:?}", path.display()),
    };
    Image::new(1, info.height as usize, info.width as usize, channels, data).unwrap()
}

pub fn picture(name: &str) -> Image {
    open(&folder().join(format!("{name}.png")))
}

/// A grey picture as a mask.
pub fn mask(name: &str) -> Mask {
    let image = picture(name);
    let data = image.data().chunks_exact(3).map(|p| p[0]).collect();
    Mask::new(1, image.height(), image.width(), data).unwrap()
}
