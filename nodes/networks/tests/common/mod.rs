//! What the tests share: weights made again from their names, and results recorded by `tests/reference/*.py`
//! (the format is told in `tests/reference/common.py`).
#![allow(dead_code, reason = "every test uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use kiln_tensor::compute::values;
use kiln_tensor::{Compute, Tensor, Vars, Weight};
use serde_json::Value;

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

/// A tensor of such numbers.
pub fn normal_tensor<const D: usize>(name: &str, shape: [usize; D], std: f64) -> Tensor<D> {
    Compute::cpu().tensor(normal(name, shape.iter().product(), std, 0.0), shape)
}

/// What one script recorded.
pub struct Reference {
    json: Value,
    values: Vec<f32>,
}

impl Reference {
    /// `tests/reference/NAME.json` and `.f32`.
    pub fn load(name: &str) -> Self {
        let at = |end: &str| {
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(format!("{name}.{end}"))
        };
        let json = serde_json::from_slice(&std::fs::read(at("json")).unwrap()).unwrap();
        let bytes = std::fs::read(at("f32")).unwrap();
        let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        Self { json, values }
    }

    /// The weights of a case by name.
    pub fn weights(&self, case: &str) -> BTreeMap<String, Weight> {
        let noted = self.json["weights"][case].as_array().unwrap_or_else(|| panic!("no case {case}"));
        noted
            .iter()
            .map(|entry| {
                let name = entry[0].as_str().unwrap();
                let shape = numbers(&entry[1]);
                let std = entry[2].as_f64().unwrap();
                let mean = entry[3].as_f64().unwrap() as f32;
                let made = normal(&format!("{case}/{name}"), shape.iter().product(), std, mean);
                (name.to_owned(), Weight::from_f32(&shape, made))
            })
            .collect()
    }

    /// The same as a network's constructor takes them, on the processor.
    pub fn vars(&self, case: &str) -> Vars {
        Vars::new(case, Arc::new(self.weights(case)), &Compute::cpu())
    }

    /// How far `found` is from a recorded result: relative L2. Another shape stops the test.
    pub fn distance<const D: usize>(&self, name: &str, found: Tensor<D>) -> f64 {
        let noted = &self.json["outputs"][name];
        assert!(!noted.is_null(), "no result {name}");
        assert_eq!(numbers(&noted["shape"]), found.dims().to_vec(), "shape of {name}");
        let [step, start, count] = ["step", "start", "count"].map(|k| noted[k].as_u64().unwrap() as usize);
        let found: Vec<f32> = values(found).unwrap().into_iter().step_by(step).collect();
        relative(&self.values[start..start + count], &found)
    }

    /// Stops the test when `found` is further than `limit` from a recorded result.
    #[track_caller]
    pub fn check<const D: usize>(&self, name: &str, found: Tensor<D>, limit: f64) {
        let distance = self.distance(name, found);
        assert!(distance <= limit, "{name}: relative L2 {distance:.3e} is beyond {limit:.0e}");
    }
}

fn numbers(list: &Value) -> Vec<usize> {
    list.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect()
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
