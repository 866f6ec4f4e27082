//! What the tests share: made-up weights and recorded results (`tests/reference/make.py`), and pictures of bytes.
#![allow(dead_code, reason = "every test uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

#[path = "../../../networks/tests/common/mod.rs"]
mod networks;

#[allow(unused_imports, reason = "every test uses its own part")]
pub use networks::{Reference, normal, relative};

use kiln_types::Image;
use kiln_weights::{Dtype, TensorPlan, write_safetensors};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// `tests/reference/NAME`.
pub fn reference(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name)).unwrap()
}

/// Bytes of a picture, as the script makes them.
pub fn bytes(h: usize, w: usize, seed: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(h * w * 3);
    for y in 0..h {
        for x in 0..w {
            for c in 0..3 {
                let spots = (x / 5 + y / 7) % 2 * 90;
                out.push(((x * 7 + y * 13 + c * 29 + (x * y % 31) * 5 + spots + seed * 41) % 256) as u8);
            }
        }
    }
    out
}

/// The same as a picture.
pub fn picture(h: usize, w: usize, seed: usize) -> Image {
    Image::new(1, h, w, 3, bytes(h, w, seed).into_iter().map(|b| f32::from(b) / 255.0).collect()).unwrap()
}

/// Tensors by name: shape and numbers.
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// The weights of a recorded case.
pub fn tensors(reference: &Reference, case: &str) -> Tensors {
    let weights = reference.weights(case);
    weights.into_iter().map(|(name, w)| (name, (w.shape().to_vec(), w.to_f32()))).collect()
}

/// A safetensors file of them.
pub fn write(path: &Path, tensors: &Tensors) {
    let plans: Vec<TensorPlan> = tensors
        .iter()
        .map(|(name, (shape, _))| TensorPlan { name: name.clone(), dtype: Dtype::F32, shape: shape.clone() })
        .collect();
    let mut file = Vec::new();
    write_safetensors(&mut file, &plans, &BTreeMap::new(), |plan, sink| {
        let bytes: Vec<u8> = tensors[&plan.name].1.iter().flat_map(|v| v.to_le_bytes()).collect();
        sink.write_all(&bytes)
    })
    .unwrap();
    std::fs::write(path, file).unwrap();
}
