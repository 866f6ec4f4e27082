//! Names of whole models, against lists made by diffusers and taken from published files.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::{Shapes, below, shapes};
use kiln_layout::names::text::{InOpenClip, in_open_clip, in_transformers};
use kiln_layout::names::unet::UnetNames;
use kiln_layout::names::vae::VaeNames;

const UNETS: [(&str, usize); 6] =
    [("sd15", 686), ("sd21", 686), ("sdxl", 1680), ("refiner", 1220), ("tiny_one", 208), ("tiny_deep", 1110)];

fn keys(shapes: &Shapes) -> impl Iterator<Item = &str> {
    shapes.keys().map(String::as_str)
}

#[test]
fn every_unet_name_of_diffusers_is_one_original_name_and_back() {
    for (model, count) in UNETS {
        let original = shapes(&format!("{model}_unet_original"));
        let diffusers = shapes(&format!("{model}_unet_diffusers"));
        assert_eq!((original.len(), diffusers.len()), (count, count), "{model}");

        let names = UnetNames::of_diffusers(keys(&diffusers));
        let mapped: Shapes = diffusers
            .iter()
            .map(|(name, shape)| (names.original(name).expect(name), shape.clone()))
            .collect();
        assert_eq!(mapped, original, "{model}");
        let back = UnetNames::of_original(keys(&original));
        for name in diffusers.keys() {
            let there = names.original(name).unwrap();
            assert_eq!(back.diffusers(&there).as_deref(), Some(name.as_str()), "{model}");
            assert_eq!(names.diffusers(&there).as_deref(), Some(name.as_str()), "{model}");
            assert_eq!(back.original(name), Some(there), "{model}");
        }
    }
}

#[test]
fn every_vae_name_of_diffusers_is_one_original_name() {
    for (model, count) in [("vae", 248), ("tiny_vae", 152)] {
        let original = shapes(&format!("{model}_original"));
        let diffusers = shapes(&format!("{model}_diffusers"));
        assert_eq!((original.len(), diffusers.len()), (count, count), "{model}");
        let names = VaeNames::of_diffusers(keys(&diffusers));
        let mut mapped: Shapes = diffusers
            .iter()
            .map(|(name, shape)| (names.original(name).expect(name), shape.clone()))
            .collect();
        for (name, shape) in &mut mapped {
            if name.contains(".attn_1.") && shape.len() == 2 {
                shape.extend([1, 1]);
            }
        }
        assert_eq!(mapped, original, "{model}");
    }
}

#[test]
fn the_older_names_of_the_vaes_attention_mean_the_same() {
    let names = VaeNames::of_diffusers(["decoder.up_blocks.0.resnets.0.conv1.weight"]);
    for (new, old) in [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")] {
        let one = names.original(&format!("encoder.mid_block.attentions.0.{new}.weight"));
        assert!(one.is_some());
        assert_eq!(one, names.original(&format!("encoder.mid_block.attentions.0.{old}.weight")));
    }
}

#[test]
fn names_that_fit_nowhere_are_none() {
    let names =
        UnetNames::of_diffusers(["down_blocks.0.resnets.0.conv1.weight", "down_blocks.0.resnets.00.x"]);
    for name in [
        "",
        ".",
        "down_blocks",
        "down_blocks.0.resnets.1.conv1.weight",
        "down_blocks.0.resnets.0.conv9.weight",
    ] {
        assert_eq!(names.original(name), None, "{name}");
    }
    let names = VaeNames::of_diffusers(["decoder.up_blocks.0.resnets.0.conv1.weight"]);
    for name in [
        "encoder",
        "encoder.mid_block.resnets.18446744073709551615.conv1.weight",
        "decoder.up_blocks.7.resnets.0.conv1.weight",
        "decoder.up_blocks.+0.resnets.0.conv1.weight",
        "quant_convolution.weight",
    ] {
        assert_eq!(names.original(name), None, "{name}");
    }
}

#[test]
fn the_published_text_encoders_are_called_the_same_in_both_worlds() {
    let big = below("conditioner.embedders.1.model.", &shapes("sdxl_file"));
    let small = below("conditioner.embedders.0.transformer.", &shapes("sdxl_file"));
    let mut seen = 0;
    for name in big.keys().filter(|name| *name != "logit_scale") {
        let theirs = in_transformers(name);
        assert!(!theirs.is_empty(), "{name}");
        for (n, theirs) in theirs.iter().enumerate() {
            seen += 1;
            let back = in_open_clip(theirs).unwrap();
            match back {
                InOpenClip::Whole(back) | InOpenClip::Turned(back) => assert_eq!(&back, name),
                InOpenClip::Third(back, third) => assert_eq!((&back, third), (name, n)),
            }
        }
    }
    // 32 layers of 16 weights, and five outside.
    assert_eq!(seen, 32 * 16 + 5);
    let known = small.keys().filter(|name| in_open_clip(name).is_some()).count();
    assert_eq!(known, small.len() - 1, "all but position_ids");
}
