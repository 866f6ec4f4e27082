//! The tiny autoencoder against diffusers (`tests/reference/taesd.py`), under all namings; and the linear preview.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::sync::Arc;

use common::{Reference, normal_tensor};
use kiln_networks::latent_rgb::LatentRgb;
use kiln_networks::taesd::{TinyDecoder, TinyEncoder};
use kiln_tensor::{Compute, Vars, VarsError, WeightMap, compute::values};

const LIMIT: f64 = 1e-5;

fn decodes(reference: &Reference, case: &str, vars: &Vars) {
    let decoder = TinyDecoder::new(vars).unwrap();
    assert_eq!(decoder.scale(), 8);
    for [n, h, w] in [[1, 3, 5], [2, 4, 2]] {
        let z = normal_tensor(&format!("z_{n}x{h}x{w}"), [n, decoder.channels(), h, w], 3.0);
        let out = decoder.decode(&z).unwrap();
        assert_eq!(out.dims(), [n, 3, 8 * h, 8 * w]);
        reference.check(&format!("{case}/decode/{n}x{h}x{w}"), out, LIMIT);
    }
}

fn encodes(reference: &Reference, case: &str, vars: &Vars) {
    let encoder = TinyEncoder::new(vars).unwrap();
    assert_eq!(encoder.scale(), 8);
    for [n, h, w] in [[1, 24, 40], [2, 13, 9]] {
        let x = normal_tensor(&format!("x_{n}x{h}x{w}"), [n, 3, h, w], 0.3);
        reference.check(&format!("{case}/encode/{n}x{h}x{w}"), encoder.encode(&x).unwrap(), LIMIT);
    }
}

/// The weights of one half under other names: `rename` is given a layer's number and the rest of the name.
fn renamed(reference: &Reference, half: &str, rename: impl Fn(usize, &str) -> String) -> Vars {
    let start = format!("{half}.layers.");
    let weights: WeightMap = reference
        .weights("small")
        .into_iter()
        .filter_map(|(name, weight)| {
            let (number, rest) = name.strip_prefix(&start)?.split_once('.')?;
            Some((rename(number.parse().unwrap(), rest), weight))
        })
        .collect();
    Vars::new("small.safetensors", Arc::new(weights), &Compute::cpu())
}

#[test]
fn as_diffusers_names_it() {
    let reference = Reference::load("taesd");
    for case in ["small", "wide"] {
        let vars = reference.vars(case);
        decodes(&reference, case, &vars);
        encodes(&reference, case, &vars);
    }
}

#[test]
fn as_the_original_files_name_it() {
    let reference = Reference::load("taesd");
    // The original decoder counts its first, weightless layer.
    decodes(&reference, "small", &renamed(&reference, "decoder", |n, rest| format!("{}.{rest}", n + 1)));
    decodes(
        &reference,
        "small",
        &renamed(&reference, "decoder", |n, rest| format!("taesd_decoder.{}.{rest}", n + 1)),
    );
    decodes(
        &reference,
        "small",
        &renamed(&reference, "decoder", |n, rest| format!("decoder.{}.{rest}", n + 1)),
    );
    encodes(&reference, "small", &renamed(&reference, "encoder", |n, rest| format!("{n}.{rest}")));
    encodes(
        &reference,
        "small",
        &renamed(&reference, "encoder", |n, rest| format!("taesd_encoder.{n}.{rest}")),
    );
}

#[test]
fn what_does_not_fit_is_said() {
    let reference = Reference::load("taesd");
    let decoder = TinyDecoder::new(&reference.vars("small")).unwrap();
    let error = decoder.decode(&normal_tensor("z", [1, 16, 3, 5], 1.0)).unwrap_err().to_string();
    assert!(error.contains("(images, 4, height, width)"), "{error}");
    // An encoder's file is no decoder, and the other way round.
    let encoder = renamed(&reference, "encoder", |n, rest| format!("{n}.{rest}"));
    assert!(matches!(TinyDecoder::new(&encoder), Err(VarsError::Odd { .. })));
    let decoder = renamed(&reference, "decoder", |n, rest| format!("{}.{rest}", n + 1));
    assert!(matches!(TinyEncoder::new(&decoder), Err(VarsError::Odd { .. })));
    // A layer of other channels.
    let mut weights = reference.weights("small");
    weights.remove("decoder.layers.2.conv.2.weight");
    let broken = Vars::new("broken", Arc::new(weights), &Compute::cpu());
    assert!(matches!(TinyDecoder::new(&broken), Err(VarsError::Missing { .. })));
}

#[test]
fn colours_without_a_network() {
    let cpu = Compute::cpu();
    let map = LatentRgb { factors: vec![[0.5, 0.0, -0.25], [0.0, 1.0, 0.25]], bias: [0.0, 0.0, 0.5] };
    let latent = cpu.tensor(vec![1.0, -1.0, 0.5, 2.0], [1, 2, 1, 2]);
    let picture = map.picture(&latent, &cpu).unwrap();
    assert_eq!(picture.dims(), [1, 3, 1, 2]);
    assert_eq!(values(picture).unwrap(), [0.75, 0.25, 0.75, 1.0, 0.6875, 1.0]);
    for map in [LatentRgb::stable_diffusion(), LatentRgb::sdxl()] {
        // An empty latent is grey; the wrong number of channels is said.
        let grey = map.picture(&cpu.zeros([2, 4, 3, 2]), &cpu).unwrap();
        assert_eq!(values(grey).unwrap(), [0.5; 36]);
        assert!(map.picture(&cpu.zeros([1, 16, 3, 2]), &cpu).is_err());
    }
}
