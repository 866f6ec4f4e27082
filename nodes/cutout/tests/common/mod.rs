//! What the tests share: recorded networks ([`made`], from kiln-networks' tests), files made of their weights, and
//! pictures.
#![allow(dead_code, reason = "every test uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

#[path = "../../../networks/tests/common/mod.rs"]
pub mod made;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kiln_tensor::WeightMap;
use kiln_types::Image;
use kiln_weights::{Dtype, TensorPlan, write_safetensors};

/// Writes weights as a safetensors file, each name as `rename` has it.
pub fn safetensors(path: &Path, weights: &WeightMap, rename: impl Fn(&str) -> String) {
    let named: BTreeMap<String, _> = weights.iter().map(|(n, w)| (rename(n), w)).collect();
    let plans: Vec<TensorPlan> = named
        .iter()
        .map(|(name, weight)| TensorPlan {
            name: name.clone(),
            dtype: Dtype::F32,
            shape: weight.shape().to_vec(),
        })
        .collect();
    let mut bytes = Vec::new();
    write_safetensors(&mut bytes, &plans, &BTreeMap::new(), |plan, sink| {
        named[&plan.name].to_f32().iter().try_for_each(|v| sink.write_all(&v.to_le_bytes()))
    })
    .unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// A picture with a disc on a pattern, the same on every machine.
pub fn picture(w: usize, h: usize, channels: usize) -> Image {
    let mut data = Vec::new();
    for y in 0..h {
        for x in 0..w {
            let (dx, dy) = (x as f32 / w as f32 - 0.45, y as f32 / h as f32 - 0.55);
            let inside = dx * dx + dy * dy < 0.08;
            let pattern = ((x * 7 + y * 3) % 61) as f32 / 255.0;
            let rgb = if inside { [0.8, 0.55 + pattern, 0.3] } else { [0.2 + pattern, 0.4, 0.5 - pattern] };
            data.extend(rgb.map(|v| (v * 255.0).round() / 255.0));
            if channels == 4 {
                data.push(if x < w / 4 { 0.5 } else { 1.0 });
            }
        }
    }
    Image::new(1, h, w, channels, data).unwrap()
}

/// A name in this run's folder for scratch files.
pub fn scratch() -> (tempfile::TempDir, impl Fn(&str) -> PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    (dir, move |name: &str| path.join(name))
}

/// Writes small ONNX files: fields of the wire format, by hand.
pub mod onnx {
    fn number(mut n: u64) -> Vec<u8> {
        let mut out = Vec::new();
        while n >= 0x80 {
            out.push(n as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
        out
    }

    fn bytes(field: u64, inner: impl AsRef<[u8]>) -> Vec<u8> {
        let inner = inner.as_ref();
        [number(field << 3 | 2), number(inner.len() as u64), inner.to_vec()].concat()
    }

    fn int(field: u64, n: u64) -> Vec<u8> {
        [number(field << 3), number(n)].concat()
    }

    /// A weight; its numbers in 32 or 16 bit.
    pub fn weight(name: &str, shape: &[usize], values: &[f32], half: bool) -> Vec<u8> {
        let sides: Vec<u8> = shape.iter().flat_map(|s| int(1, *s as u64)).collect();
        let raw: Vec<u8> = if half {
            values.iter().flat_map(|v| half_bits(*v).to_le_bytes()).collect()
        } else {
            values.iter().flat_map(|v| v.to_le_bytes()).collect()
        };
        bytes(5, [sides, int(2, if half { 10 } else { 1 }), bytes(8, name), bytes(9, raw)].concat())
    }

    /// The nearest half float of an ordinary number; its last bit may be off, which no test minds.
    pub fn half_bits(v: f32) -> u16 {
        let bits = v.to_bits();
        let (sign, exponent) = ((bits >> 16 & 0x8000) as u16, (bits >> 23 & 0xff) as i32 - 112);
        if exponent <= 0 { sign } else { sign | ((exponent as u32) << 10 | bits >> 13 & 0x3ff) as u16 }
    }

    /// A node with lists of numbers for settings.
    pub fn node(op: &str, inputs: &[&str], output: &str, settings: &[(&str, &[u64])]) -> Vec<u8> {
        let inputs: Vec<u8> = inputs.iter().flat_map(|i| bytes(1, i)).collect();
        let settings: Vec<u8> = settings
            .iter()
            .flat_map(|(name, values)| {
                let set: Vec<u8> = if *name == "group" || *name == "transB" {
                    int(3, values[0])
                } else {
                    values.iter().flat_map(|v| int(8, *v)).collect()
                };
                bytes(5, [bytes(1, name), set].concat())
            })
            .collect();
        bytes(1, [inputs, bytes(2, output), bytes(4, op), settings].concat())
    }

    /// A graph's input.
    pub fn input(name: &str) -> Vec<u8> {
        bytes(11, bytes(1, name))
    }

    /// A file around these parts of a graph.
    pub fn file(parts: &[Vec<u8>]) -> Vec<u8> {
        [int(1, 8), bytes(2, "test"), bytes(7, parts.concat())].concat()
    }
}
