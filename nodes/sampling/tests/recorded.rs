//! The samplers, schedules and noise against numbers recorded from the reference.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_sampling::brownian::BrownianTree;
use kiln_sampling::noise::{Generator, randn};
use kiln_sampling::schedule::sigmas;
use kiln_sampling::{Scheduler, Space, check};
use serde_json::Value;

const SAMPLERS: &str = include_str!("fixtures/samplers.json");
const PARITY: &str = include_str!("fixtures/parity.json");

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|n| n.as_f64().unwrap() as f32).collect()
}

#[test]
fn every_recorded_trajectory_comes_out() {
    let cases = check::samplers(SAMPLERS).unwrap();
    assert_eq!(cases.len(), 88);
    let mut bad = Vec::new();
    for case in &cases {
        println!("{:50} {:9.2e} {:3} of {:3}", case.name, case.relative, case.calls, case.calls_expected);
        if !case.good(1e-5) {
            bad.push(&case.name);
        }
    }
    assert!(bad.is_empty(), "{} differ: {bad:#?}", bad.len());
}

#[test]
fn every_recorded_schedule_comes_out() {
    let parity: Value = serde_json::from_str(PARITY).unwrap();
    let mut exact = 0;
    let mut all = 0;
    let mut bad = Vec::new();
    for (name, recorded) in parity["sigmas"].as_object().unwrap() {
        let space = match name.as_str() {
            "sd15_sdxl_eps" => Space::sd(),
            "sd3_shift3" => Space::flow(3.0, 1000.0),
            "flux_dev_shift1.15" => Space::flux(1.15),
            "flux_schnell_shift1" => Space::flow(1.0, 1.0),
            other => panic!("unknown space {other}"),
        };
        assert_eq!(space.sigma_min(), recorded["sigma_min"].as_f64().unwrap() as f32, "{name}");
        assert_eq!(space.sigma_max(), recorded["sigma_max"].as_f64().unwrap() as f32, "{name}");
        for (key, expected) in recorded.as_object().unwrap() {
            let Some((scheduler, steps)) = key.rsplit_once('_') else { continue };
            let (Ok(scheduler), Ok(steps)) = (scheduler.parse::<Scheduler>(), steps.parse::<usize>()) else {
                continue;
            };
            let expected = numbers(expected);
            let got = sigmas(scheduler, &space, steps).unwrap();
            assert_eq!(got.len(), expected.len(), "{name} {key}");
            for (i, (got, expected)) in got.iter().zip(&expected).enumerate() {
                let apart = (i64::from(got.to_bits()) - i64::from(expected.to_bits())).abs();
                all += 1;
                exact += usize::from(apart == 0);
                if apart == 1 {
                    println!("{name} {key} [{i}]: {got} is not {expected}");
                }
                if apart > 1 {
                    bad.push(format!("{name} {key} [{i}]: {got} is {apart} steps from {expected}"));
                }
            }
        }
    }
    println!("{exact} of {all} noise levels are equal to the bit");
    assert!(all >= 702, "only {all} levels were compared");
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn recorded_noise_is_equal_to_the_bit() {
    let parity: Value = serde_json::from_str(PARITY).unwrap();
    for (seed, recorded) in parity["noise"].as_object().unwrap() {
        let expected = numbers(recorded);
        let got = randn(seed.parse().unwrap(), 4 * 64 * 64);
        assert_eq!(got[..expected.len()], expected, "seed {seed}");
    }
    let samplers: Value = serde_json::from_str(SAMPLERS).unwrap();
    assert_eq!(randn(42, 256), numbers(&samplers["noise"]));
}

#[test]
fn recorded_step_noise_is_equal_to_the_bit() {
    let parity: Value = serde_json::from_str(PARITY).unwrap();
    let mut stream = Generator::new(42 + 1);
    for call in ["ancestral_cpu_seed42_call1_first8", "ancestral_cpu_seed42_call2_first8"] {
        let got = stream.randn(4 * 8 * 8);
        assert_eq!(got[..8], numbers(&parity[call]), "{call}");
    }
}

#[test]
fn the_recorded_brownian_path_comes_out() {
    let parity: Value = serde_json::from_str(PARITY).unwrap();
    let recorded = &parity["brownian"];
    let number = |key: &str| recorded[key].as_f64().unwrap() as f32;
    let mut tree = BrownianTree::new(
        recorded["seed"].as_u64().unwrap(),
        number("sigma_min"),
        number("sigma_max"),
        4 * 64 * 64,
    );
    for (times, expected) in
        recorded["t"].as_array().unwrap().iter().zip(recorded["first8"].as_array().unwrap())
    {
        let times = numbers(times);
        let got = tree.noise(times[0], times[1]);
        for (got, expected) in got.iter().zip(numbers(expected)) {
            assert!((got - expected).abs() <= 3e-7, "{times:?}: {got} instead of {expected}");
        }
    }
}
