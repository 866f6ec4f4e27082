//! Files that are no upscaler, or a broken one: every one is refused in words, none panics or takes much memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::{Reference, Weights, file, most, picture, refused, run, whole};
use kiln_tensor::Compute;
use kiln_upscale::{UpscaleError, Upscaler};
use kiln_weights::{Dtype, TensorPlan, write_safetensors};
use std::collections::BTreeMap;

fn weights(case: &str) -> Weights {
    Reference::load().weights(case)
}

/// Refuses these weights; gives the words.
#[track_caller]
fn no(weights: &Weights) -> String {
    refused(&file(weights).path)
}

/// A file of nothing but these names.
fn named(names: &[&str]) -> Weights {
    names.iter().map(|n| ((*n).to_owned(), (vec![2], vec![0.0, 1.0]))).collect()
}

#[test]
fn networks_of_other_kinds_are_told_by_name() {
    for (name, words) in [
        ("layers.0.residual_group.blocks.0.attn.relative_position_bias_table", "SwinIR"),
        ("layers.0.residual_group.overlap_attn.qkv.weight", "HAT"),
        ("layers.0.blocks.0.attn.attns.0.pos.pos_proj.weight", "DAT"),
        ("block_1.c1_r.sk.weight", "SPAN"),
        ("model.diffusion_model.input_blocks.0.0.weight", "Stable Diffusion checkpoint"),
        ("lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight", "LoRA"),
        ("first_stage_model.decoder.conv_in.weight", "VAE"),
        ("text_model.embeddings.token_embedding.weight", "CLIP"),
        ("model.1.sub.0.conv1.weight", "SRResNet"),
        ("conv_first.weight", "another kind"),
    ] {
        let told = no(&named(&["another.weight", name]));
        assert!(told.contains(words) && told.contains("known here are ESRGAN"), "{name}: {told}");
        assert!(told.starts_with("model.safetensors is "), "{told}");
    }
    let told = no(&named(&["fc1.weight", "fc2.weight"]));
    assert!(told.contains("2 weights, the first of them \"fc1.weight\""), "{told}");
    assert!(no(&Weights::new()).contains("without weights"));
}

#[test]
fn weights_that_lack_or_have_other_shapes_are_named() {
    let mut lacks = weights("narrow");
    lacks.remove("body.0.rdb2.conv3.weight").unwrap();
    assert!(no(&lacks).contains("no weight \"body.0.rdb2.conv3.weight\""), "{}", no(&lacks));

    let mut other = weights("narrow");
    other.insert("body.0.rdb2.conv3.weight".into(), (vec![6, 25, 3, 3], vec![0.0; 6 * 25 * 9]));
    assert!(no(&other).contains("body.0.rdb2.conv3.weight") && no(&other).contains("[6, 25, 3, 3]"));

    // The name as the file has it.
    let mut old = weights("old");
    old.insert("model.8.weight".into(), (vec![32, 32, 5, 5], vec![0.0; 32 * 32 * 25]));
    assert!(no(&old).contains("\"model.8.weight\""), "{}", no(&old));

    let mut bias = weights("compact x2");
    bias.insert("body.2.bias".into(), (vec![23], vec![0.0; 23]));
    assert!(no(&bias).contains("body.2.bias"), "{}", no(&bias));

    let mut slopes = weights("compact x2");
    slopes.insert("body.1.weight".into(), (vec![5], vec![0.0; 5]));
    assert!(no(&slopes).contains("body.1.weight"), "{}", no(&slopes));

    let mut grey = weights("narrow");
    grey.insert("conv_first.weight".into(), (vec![12, 1, 3, 3], vec![0.0; 12 * 9]));
    assert!(no(&grey).contains("1 channels in"), "{}", no(&grey));

    let mut flat = weights("narrow");
    flat.insert("conv_first.weight".into(), (vec![12, 3, 9], vec![0.0; 12 * 27]));
    assert!(no(&flat).contains("no 3x3 convolution"), "{}", no(&flat));
}

#[test]
fn absurd_sizes_are_refused() {
    // Shapes with a zero in them take no bytes, whatever else they say.
    for (name, shape, words) in [
        ("body.6.weight", vec![3_000_000_000_000_000_000, 0, 3, 3], "would be a scale"),
        ("body.6.weight", vec![0, 24, 3, 3], "0 channels"),
        ("body.0.weight", vec![0, 3, 3, 3], "0 features"),
        ("body.0.weight", vec![usize::MAX / 2, 3, 3, 0], "features"),
        ("body.0.weight", vec![], "no 3x3 convolution"),
    ] {
        let mut compact = weights("compact x2");
        let numbers = if shape.is_empty() { vec![0.0] } else { Vec::new() };
        assert!(compact.contains_key(name), "{:?}", compact.keys());
        compact.insert(name.into(), (shape.clone(), numbers));
        let told = match std::panic::catch_unwind(|| file(&compact)) {
            Ok(made) => refused(&made.path),
            Err(_) => continue,
        };
        assert!(
            told.contains(words) || told.contains("damaged") || told.contains("larger"),
            "{shape:?}: {told}"
        );
    }
    let mut rrdb = weights("narrow");
    rrdb.insert("body.0.rdb1.conv1.weight".into(), (vec![1 << 40, 0, 3, 3], Vec::new()));
    assert!(no(&rrdb).contains("growing by"), "{}", no(&rrdb));
    // A scale of 10^9 would be 30 doublings.
    let mut ups = weights("narrow");
    for k in 1..=30 {
        ups.insert(format!("conv_up{k}.weight"), (vec![12, 12, 3, 3], vec![0.0; 12 * 12 * 9]));
        ups.insert(format!("conv_up{k}.bias"), (vec![12], vec![0.0; 12]));
    }
    assert!(no(&ups).contains("doublings"), "{}", no(&ups));
}

#[test]
fn numbers_of_other_types() {
    let case = weights("narrow");
    let typed = |dtype: Dtype| {
        let plans: Vec<TensorPlan> = case
            .iter()
            .map(|(name, (shape, _))| TensorPlan { name: name.clone(), dtype, shape: shape.clone() })
            .collect();
        let mut bytes = Vec::new();
        write_safetensors(&mut bytes, &plans, &BTreeMap::new(), |plan, sink| {
            case[&plan.name].1.iter().try_for_each(|v| match dtype {
                Dtype::F64 => sink.write_all(&f64::from(*v).to_le_bytes()),
                // The upper half of the bits: bfloat16 by cutting off.
                Dtype::BF16 => sink.write_all(&v.to_le_bytes()[2..]),
                _ => sink.write_all(&(*v as i64).to_le_bytes()),
            })
        })
        .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("typed.safetensors");
        std::fs::write(&path, bytes).unwrap();
        (dir, path)
    };
    let image = picture(8, 9, 3);
    let made = file(&case);
    let wanted = run(&Upscaler::open(&made.path, &Compute::cpu()).unwrap(), &image, whole()).unwrap();
    for (dtype, limit) in [(Dtype::F64, 1e-7), (Dtype::BF16, 0.05)] {
        let (_dir, path) = typed(dtype);
        let found = run(&Upscaler::open(&path, &Compute::cpu()).unwrap(), &image, whole()).unwrap();
        assert!(most(wanted.data(), found.data()) < limit, "{dtype:?}");
    }
    let (_dir, path) = typed(Dtype::I64);
    assert!(refused(&path).contains("instead of fractions"), "{}", refused(&path));
}

#[test]
fn averaged_weights_come_before_others_and_wrappers_are_taken_off() {
    let case = weights("narrow");
    let image = picture(8, 9, 3);
    let open = |weights: &Weights| Upscaler::open(&file(weights).path, &Compute::cpu()).unwrap();
    let wanted = run(&open(&case), &image, whole()).unwrap();
    let mut both = Weights::new();
    for (name, (shape, values)) in &case {
        both.insert(format!("params_ema.{name}"), (shape.clone(), values.clone()));
        both.insert(format!("params.{name}"), (shape.clone(), values.iter().map(|v| v * 0.5).collect()));
    }
    assert_eq!(run(&open(&both), &image, whole()).unwrap().data(), wanted.data());
    let module: Weights = case.iter().map(|(n, w)| (format!("params.module.{n}"), w.clone())).collect();
    assert_eq!(run(&open(&module), &image, whole()).unwrap().data(), wanted.data());
}

#[test]
fn files_that_end_early_or_hold_noise() {
    let made = file(&weights("narrow"));
    let bytes = std::fs::read(&made.path).unwrap();
    let path = made.dir.path().join("cut.safetensors");
    for length in [0, 1, 7, 8, 9, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(!refused(&path).is_empty(), "{length}");
    }
    // Every byte of the header turned, one at a time: an error or a network, never a panic.
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize + 8;
    for at in (0..header).step_by(13) {
        let mut turned = bytes.clone();
        turned[at] ^= 0x15;
        std::fs::write(&path, &turned).unwrap();
        let _ = Upscaler::open(&path, &Compute::cpu());
    }
    std::fs::write(&path, vec![0x5a; 4096]).unwrap();
    assert!(!refused(&path).is_empty());
    assert!(refused(&made.dir.path().join("none.pth")).contains("none.pth"));
}

#[test]
fn a_weight_that_is_no_number_is_told_after_the_run() {
    let mut case = weights("narrow");
    case.get_mut("conv_hr.bias").unwrap().1[3] = f32::NAN;
    let upscaler = Upscaler::open(&file(&case).path, &Compute::cpu()).unwrap();
    let error = run(&upscaler, &picture(8, 9, 3), whole()).unwrap_err();
    assert!(matches!(&error, UpscaleError::NotANumber { file } if file == "model.safetensors"), "{error}");
}
