//! Noise, Brownian paths and the beta schedule against numbers of torch, torchsde and scipy.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_sampling::brownian::BrownianTree;
use kiln_sampling::noise::Generator;
use kiln_sampling::{Space, schedule};
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("fixtures/reference.json")).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn whole(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

/// The checksum of zip files.
fn crc32(numbers: &[f32]) -> u64 {
    let mut crc = u32::MAX;
    for byte in numbers.iter().flat_map(|n| n.to_le_bytes()) {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (if crc & 1 == 1 { 0xedb8_8320 } else { 0 });
        }
    }
    u64::from(!crc)
}

#[test]
fn noise_of_all_sizes_is_torchs_to_the_bit() {
    let reference = reference();
    let cases = reference["noise"].as_array().unwrap();
    assert_eq!(cases.len(), 72);
    for case in cases {
        let (seed, len) = (case[0].as_u64().unwrap(), whole(&case[1]));
        let mut generator = Generator::new(seed);
        assert_eq!(crc32(&generator.randn(len)), case[2].as_u64().unwrap(), "seed {seed}, {len} numbers");
        generator.randn(len);
        assert_eq!(
            crc32(&generator.randn(len)),
            case[3].as_u64().unwrap(),
            "seed {seed}, third {len} numbers"
        );
    }
}

#[test]
fn brownian_noise_is_torchsdes() {
    let reference = reference();
    let mut worst = 0.0f32;
    for case in reference["brownian"].as_array().unwrap() {
        let at = |i: usize| number(&case[i]) as f32;
        let mut tree = BrownianTree::new(case[0].as_u64().unwrap(), at(1), at(2), 64);
        let got = tree.noise(at(3), at(4));
        // A second question is answered from what the first one left behind.
        assert_eq!(got, tree.noise(at(3), at(4)));
        let ends = got[..4].iter().chain(&got[60..]);
        for (got, expected) in ends.zip(case[5].as_array().unwrap()) {
            worst = worst.max((got - number(expected) as f32).abs());
        }
    }
    println!("greatest difference {worst:e}");
    assert!(worst <= 1e-6, "{worst}");
}

#[test]
fn a_brownian_path_does_not_depend_on_the_questions_before() {
    let mut fresh = BrownianTree::new(5, 0.03, 14.6, 32);
    let mut used = BrownianTree::new(5, 0.03, 14.6, 32);
    for (from, to) in [(14.6, 9.0), (9.0, 3.0), (14.6, 3.0), (0.5, 0.03)] {
        used.noise(from, to);
    }
    assert_eq!(fresh.noise(3.0, 1.0), used.noise(3.0, 1.0));
}

#[test]
fn the_beta_schedule_takes_scipys_indices() {
    let reference = reference();
    let (small, large) = (Space::sd(), Space::flux(1.15));
    for case in reference["beta"].as_array().unwrap() {
        let space = if whole(&case[2]) == 1000 { &small } else { &large };
        let steps = whole(&case[3]);
        let got = schedule::beta(space, steps, number(&case[0]), number(&case[1])).unwrap();
        let table = space.table().as_slice();
        let mut expected: Vec<f32> =
            case[4].as_array().unwrap().iter().map(|index| table[whole(index)]).collect();
        expected.push(0.0);
        assert_eq!(got, expected, "alpha {}, beta {}, {} entries, {steps} steps", case[0], case[1], case[2]);
    }
}
