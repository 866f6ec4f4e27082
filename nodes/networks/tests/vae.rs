//! The autoencoder against diffusers (`tests/reference/vae.py`), in one piece and in tiles, and what it refuses.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::cell::Cell;
use std::sync::Arc;

use common::{Reference, normal_tensor};
use kiln_networks::NetError;
use kiln_networks::vae::{Attention, Config, ResBlock, Vae};
use kiln_tensor::{Compute, Vars, Weight};

const LIMIT: f64 = 1e-5;
/// Name, channels, blocks, latent channels, groups.
const CASES: [(&str, &[usize], usize, usize, usize); 3] =
    [("two", &[32, 64], 1, 4, 32), ("three", &[32, 64, 64], 2, 16, 32), ("groups", &[24, 48], 1, 4, 8)];

#[test]
fn the_configuration_is_read_off_the_weights() {
    let reference = Reference::load("vae");
    for (case, channels, res_blocks, latent, groups) in CASES {
        let wanted = Config {
            image_channels: 3,
            latent_channels: latent,
            z_channels: latent,
            channels: channels.to_vec(),
            res_blocks,
            groups,
        };
        assert_eq!(Config::infer(&reference.vars(case)).unwrap(), wanted, "{case}");
        for half in ["encoder", "decoder"] {
            let mut weights = reference.weights(case);
            weights.retain(|name, _| name.starts_with(half));
            let vars = Vars::new(case, Arc::new(weights), &Compute::cpu());
            assert_eq!(Config::infer(&vars).unwrap(), wanted, "{case}, {half} alone");
        }
    }
}

#[test]
fn pictures_and_latents_are_diffusers_own() {
    let reference = Reference::load("vae");
    for (case, channels, _, latent, _) in CASES {
        let vae = Vae::new(&reference.vars(case)).unwrap();
        let f = 1 << (channels.len() - 1);
        assert_eq!(vae.factor(), f);
        for [count, h, w] in [[1, 5, 7], [2, 8, 4]] {
            let z = normal_tensor("z", [count, latent, h, w], 1.0);
            reference.check(&format!("{case}/decode_{h}x{w}"), vae.decode(&z).unwrap(), LIMIT);
            let x = normal_tensor("x", [count, 3, h * f, w * f], 0.5);
            reference.check(&format!("{case}/encode_{}x{}", h * f, w * f), vae.encode(&x).unwrap(), LIMIT);
        }
        let x = normal_tensor("x", [1, 3, 13, 19], 0.5);
        reference.check(&format!("{case}/encode_13x19"), vae.encode(&x).unwrap(), LIMIT);
    }
}

#[test]
fn blocks_are_diffusers_own() {
    let reference = Reference::load("vae");
    for (case, channels, _, _, groups) in CASES {
        let vars = reference.vars(case);
        let deepest = *channels.last().unwrap();
        let x = normal_tensor("block_x", [2, deepest, 5, 6], 1.0);
        let block = ResBlock::new(&vars.at("decoder.mid.block_1"), deepest, deepest, groups).unwrap();
        reference.check(&format!("{case}/resblock"), block.forward(x.clone()), LIMIT);
        let attention = Attention::new(&vars.at("decoder.mid.attn_1"), deepest, groups).unwrap();
        reference.check(&format!("{case}/attention"), attention.forward(&x), LIMIT);
        let x = normal_tensor("block_x", [1, channels[0], 5, 6], 1.0);
        let block =
            ResBlock::new(&vars.at("encoder.down.1.block.0"), channels[0], channels[1], groups).unwrap();
        reference.check(&format!("{case}/shortcut"), block.forward(x), LIMIT);
    }
}

#[test]
fn one_tile_is_the_whole_picture() {
    let reference = Reference::load("vae");
    let vae = Vae::new(&reference.vars("two")).unwrap();
    let z = normal_tensor("z", [2, 4, 8, 4], 1.0);
    let steps = Cell::new((0, 0));
    let tiled = vae.decode_tiled(&z, 64, 16, &mut |done, of| steps.set((done, of)), &|| false).unwrap();
    reference.check("two/decode_8x4", tiled, LIMIT);
    assert_eq!(steps.get(), (2, 2), "a tile for each picture: three passes alike are one");
    let x = normal_tensor("x", [2, 3, 16, 8], 0.5);
    let tiled = vae.encode_tiled(&x, 512, 64, &mut |_, _| {}, &|| false).unwrap();
    reference.check("two/encode_16x8", tiled, LIMIT);
}

/// The script does the same with plain loops around diffusers' network.
#[test]
fn tiles_fade_into_each_other() {
    let reference = Reference::load("vae");
    for (case, latent) in [("two", 4), ("three", 16)] {
        let vae = Vae::new(&reference.vars(case)).unwrap();
        let z = normal_tensor("z", [1, latent, 20, 26], 1.0);
        let mut told = Vec::new();
        let tiled = vae.decode_tiled(&z, 12, 3, &mut |done, of| told.push((done, of)), &|| false).unwrap();
        reference.check(&format!("{case}/decode_tiled"), tiled, LIMIT);
        // Tiles of (12, 12): 2 x 3; of (6, 24): 6 x 2; of (24, 6): 1 x 8.
        let total = 6 + 12 + 8;
        assert_eq!(told, (1..=total).map(|done| (done, total)).collect::<Vec<_>>());
        let x = normal_tensor("x", [2, 3, 64, 96], 0.5);
        let tiled = vae.encode_tiled(&x, 32, 8, &mut |_, _| {}, &|| false).unwrap();
        reference.check(&format!("{case}/encode_tiled"), tiled, LIMIT);
        // Tiles that would end between two pixels of a latent are made smaller.
        let tiled = vae.encode_tiled(&x, 33, 9, &mut |_, _| {}, &|| false).unwrap();
        reference.check(&format!("{case}/encode_tiled"), tiled, LIMIT);
    }
}

#[test]
fn tiles_stop_when_asked() {
    let reference = Reference::load("vae");
    let vae = Vae::new(&reference.vars("two")).unwrap();
    let z = normal_tensor("z", [1, 4, 20, 20], 1.0);
    let done = Cell::new(0);
    let stopped = vae.decode_tiled(&z, 8, 2, &mut |n, _| done.set(n), &|| done.get() == 3);
    assert!(matches!(stopped, Err(NetError::Cancelled)));
    assert_eq!(done.get(), 3);
}

#[test]
fn what_does_not_fit_is_told() {
    let reference = Reference::load("vae");
    let vae = Vae::new(&reference.vars("three")).unwrap();
    let error = vae.decode(&normal_tensor("z", [1, 4, 8, 8], 1.0)).unwrap_err().to_string();
    assert!(
        error.contains("a latent") && error.contains("16, height") && error.contains("[1, 4, 8, 8]"),
        "{error}"
    );
    assert!(matches!(vae.encode(&normal_tensor("x", [1, 3, 3, 9], 1.0)), Err(NetError::Shape { .. })));
    let odd = normal_tensor("x", [1, 3, 13, 16], 1.0);
    let error = vae.encode_tiled(&odd, 8, 2, &mut |_, _| {}, &|| false).unwrap_err().to_string();
    assert!(error.contains("multiples of 4"), "{error}");
}

#[test]
fn half_a_file_does_half_the_work() {
    let reference = Reference::load("vae");
    let mut weights = reference.weights("two");
    weights.retain(|name, _| {
        !name.starts_with("encoder") && name != "quant_conv.weight" && name != "quant_conv.bias"
    });
    let vae = Vae::new(&Vars::new("half.safetensors", Arc::new(weights), &Compute::cpu())).unwrap();
    reference.check("two/decode_5x7", vae.decode(&normal_tensor("z", [1, 4, 5, 7], 1.0)).unwrap(), LIMIT);
    let error = vae.encode(&normal_tensor("x", [1, 3, 16, 16], 1.0)).unwrap_err().to_string();
    assert!(error.contains("half.safetensors has no weight \"encoder.conv_in.weight\""), "{error}");
}

#[test]
fn what_cannot_be_built_is_told() {
    let reference = Reference::load("vae");
    let built = |name: &str, shape: &[usize]| {
        let mut weights = reference.weights("two");
        weights.insert(name.into(), Weight::from_f32(shape, vec![]));
        Vae::new(&Vars::new("a.safetensors", Arc::new(weights), &Compute::cpu())).unwrap_err().to_string()
    };
    for (name, shape) in [
        ("decoder.mid.block_1.norm1.weight", vec![32]),
        ("decoder.up.0.block.1.conv2.weight", vec![32, 32, 1, 1]),
        ("encoder.conv_in.weight", vec![32, 3]),
        ("encoder.norm_out.bias", vec![]),
        ("quant_conv.weight", vec![8, 4, 1, 1]),
    ] {
        let error = built(name, &shape);
        assert!(error.contains(name) && error.contains("a.safetensors"), "{name}: {error}");
    }
    let nothing = Vae::new(&Vars::new("b", Arc::default(), &Compute::cpu())).unwrap_err().to_string();
    assert!(nothing.contains("no autoencoder") && nothing.contains('b'), "{nothing}");
}
