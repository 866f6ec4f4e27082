//! What the tests share: weights made again from their names, files made of them, and what torch computes with them
//! (`tests/reference/make.py` says how).
#![allow(dead_code, reason = "every test uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_tensor::Compute;
use kiln_types::Image;
use kiln_upscale::{Tiles, UpscaleError, Upscaler, Watch};
use kiln_weights::{Dtype, TensorPlan, WeightFile, write_safetensors};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A weight by its name in the file: shape and numbers.
pub type Weights = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// About normal numbers, the same on every machine.
pub fn normal(name: &str, len: usize, std: f64, mean: f32) -> Vec<f32> {
    let mut seed = 0xCBF2_9CE4_8422_2325_u64;
    for byte in name.bytes() {
        seed = (seed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    let scale = (std / 37837.227205) as f32;
    (1..=len as u64)
        .map(|i| {
            let mut z = seed.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            let k: i64 = [0, 16, 32, 48].iter().map(|s| (z >> s & 0xFFFF) as i64).sum::<i64>() - 131_070;
            k as f32 * scale + mean
        })
        .collect()
}

/// What torch gave.
pub struct Reference(WeightFile);

impl Reference {
    pub fn load() -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference/results.safetensors");
        Self(WeightFile::open(&path).unwrap())
    }

    /// The weights of a case, as its file names them.
    pub fn weights(&self, case: &str) -> Weights {
        let noted: serde_json::Value = serde_json::from_str(&self.0.metadata()[case]).unwrap();
        let made = |entry: &serde_json::Value| {
            let name = entry[0].as_str().unwrap();
            let shape: Vec<usize> =
                entry[1].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
            let (std, mean) = (entry[2].as_f64().unwrap(), entry[3].as_f64().unwrap() as f32);
            let values = normal(&format!("{case}/{name}"), shape.iter().product(), std, mean);
            (name.to_owned(), (shape, values))
        };
        noted.as_array().unwrap().iter().map(made).collect()
    }

    /// A result, or an input: shape and numbers.
    pub fn tensor(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let stored = self.0.require(name).unwrap();
        (stored.shape().to_vec(), stored.to_f32())
    }

    /// A picture among them.
    pub fn image(&self, name: &str) -> Image {
        let (shape, planes) = self.tensor(name);
        let [_, _, h, w] = *shape.as_slice() else { panic!("{name}: {shape:?}") };
        let data =
            (0..h * w).flat_map(|at| (0..3).map(move |c| (c, at))).map(|(c, at)| planes[c * h * w + at]);
        Image::new(1, h, w, 3, data.collect()).unwrap()
    }
}

/// Writes weights to a safetensors file.
pub fn write(path: &Path, weights: &Weights) {
    let plans: Vec<TensorPlan> = weights
        .iter()
        .map(|(name, (shape, _))| TensorPlan { name: name.clone(), dtype: Dtype::F32, shape: shape.clone() })
        .collect();
    let mut bytes = Vec::new();
    write_safetensors(&mut bytes, &plans, &BTreeMap::new(), |plan, sink| {
        let bytes: Vec<u8> = weights[&plan.name].1.iter().flat_map(|v| v.to_le_bytes()).collect();
        sink.write_all(&bytes)
    })
    .unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// A folder with one file of these weights in it.
pub struct Made {
    pub dir: tempfile::TempDir,
    pub path: PathBuf,
}

pub fn file(weights: &Weights) -> Made {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    write(&path, weights);
    Made { dir, path }
}

/// The upscaler of a case.
pub fn upscaler(case: &str) -> Upscaler {
    upscaler_on(case, &Compute::cpu())
}

pub fn upscaler_on(case: &str, compute: &Compute) -> Upscaler {
    Upscaler::open(&file(&Reference::load().weights(case)).path, compute).unwrap()
}

/// Opens a file that must be refused; gives the words.
#[track_caller]
pub fn refused(path: &Path) -> String {
    match Upscaler::open(path, &Compute::cpu()) {
        Err(error) => error.to_string(),
        Ok(made) => panic!("it is taken for {}", made.describe()),
    }
}

pub fn whole() -> Tiles {
    Tiles { side: 4096, overlap: 32 }
}

pub fn run(upscaler: &Upscaler, image: &Image, tiles: Tiles) -> Result<Image, UpscaleError> {
    upscaler.upscale(image, tiles, Watch { progress: &mut |_, _| (), cancelled: &|| false })
}

/// A picture with shapes and noise in it.
pub fn picture(height: usize, width: usize, channels: usize) -> Image {
    let noise = normal("picture", height * width * channels, 0.1, 0.0);
    let value = |i: usize| {
        let (at, c) = (i / channels, i % channels);
        let (y, x) = (at / width, at % width);
        let square = if (y / 5 + x / 7) % 2 == 0 { 0.25 } else { 0.7 };
        (square + 0.1 * c as f32 / 3.0 + noise[i]).clamp(0.0, 1.0)
    };
    Image::new(1, height, width, channels, (0..height * width * channels).map(value).collect()).unwrap()
}

/// The largest difference; infinite when sizes differ or something is not a number.
pub fn most(a: &[f32], b: &[f32]) -> f32 {
    if a.len() != b.len() || a.iter().chain(b).any(|v| !v.is_finite()) {
        return f32::INFINITY;
    }
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// |a - b| / |a|; infinite when lengths differ or something is not a number.
pub fn relative(wanted: &[f32], found: &[f32]) -> f64 {
    if wanted.len() != found.len() || found.iter().any(|v| !v.is_finite()) {
        return f64::INFINITY;
    }
    let square = |v: f64| v * v;
    let off: f64 = wanted.iter().zip(found).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let all: f64 = wanted.iter().map(|a| square(f64::from(*a))).sum();
    (off / all.max(1e-60)).sqrt()
}
