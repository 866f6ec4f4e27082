//! What each form of LoRA makes of a weight, against LyCORIS and PEFT (`reference/lora.py`).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use common::fixture;
use kiln_layout::lora::{Lora, LoraTarget};
use kiln_layout::{Family, patched};
use kiln_tensor::{Weight, WeightMap};
use kiln_weights::{Stored, WeightFile, write_stored};

/// The changed weight, by a LoRA file of these tensors for a model with this one weight.
fn changed(base: &Stored, tensors: &[Stored], strength: f32) -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lora.safetensors");
    write_stored(&mut File::create(&path).unwrap(), tensors, &BTreeMap::new()).unwrap();
    let lora = Lora::read(&WeightFile::open(&path).unwrap()).unwrap();
    let unet = WeightMap::from([("middle_block.1.proj_in.weight".to_owned(), Weight::stored(base.clone()))]);
    let target = LoraTarget { unet: Some(&unet), text: &[], family: Family::Sd1 };
    let applied = lora.apply(&target, strength, 1.0).unwrap();
    assert_eq!(applied.report.matched, 1);
    patched(&unet, &applied.unet, false).values().next().unwrap().to_f32()
}

#[test]
fn every_form_gives_the_numbers_of_its_reference() {
    let cases = WeightFile::open(&fixture("lora_cases.safetensors")).unwrap();
    let names: BTreeSet<&str> = cases.names().map(|name| name.split('/').next().unwrap()).collect();
    assert_eq!(names.len(), 37);
    let mut worst = (0.0, String::new());
    let mut held = 0;
    for case in names {
        let base = cases.get(&format!("{case}/base")).unwrap();
        let tensors: Vec<Stored> = cases
            .iter()
            .filter_map(|t| {
                let ending = t.name().strip_prefix(&format!("{case}/lora/"))?;
                Some(t.renamed(&format!("lora_unet_middle_block_1_proj_in.{ending}")))
            })
            .collect();
        for want in cases.iter() {
            let Some(strength) = want.name().strip_prefix(&format!("{case}/want/")) else { continue };
            let want = want.to_f32();
            let got = changed(base, &tensors, strength.parse().unwrap());
            assert_eq!(got.len(), want.len());
            let size = want.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
            for (got, want) in got.iter().zip(&want) {
                let off = (got - want).abs() / size;
                assert!(off < 1e-6, "{case} at {strength}: {got} instead of {want}");
                if off > worst.0 {
                    worst = (off, format!("{case} at {strength}"));
                }
            }
            // The change is one that can be seen.
            assert!(got.iter().zip(base.to_f32()).any(|(a, b)| (a - b).abs() > 0.01), "{case}");
            held += 1;
        }
    }
    assert_eq!(held, 106);
    println!("largest difference {worst:?}");
}

#[test]
fn a_strength_of_zero_changes_nothing() {
    let cases = WeightFile::open(&fixture("lora_cases.safetensors")).unwrap();
    let base = cases.get("dora_conv_rows/base").unwrap();
    let tensors: Vec<Stored> = cases
        .iter()
        .filter_map(|t| {
            let ending = t.name().strip_prefix("dora_conv_rows/lora/")?;
            Some(t.renamed(&format!("lora_unet_middle_block_1_proj_in.{ending}")))
        })
        .collect();
    assert_eq!(changed(base, &tensors, 0.0), base.to_f32());
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let side = 300;
    let numbers = |n: usize, seed: usize| -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 997.0 - 1.0).collect()
    };
    let base = Stored::from_f32("x", &[side, side], numbers(side * side, 1)).unwrap();
    let tensor = |name: &str, shape: &[usize], seed| {
        let n = shape.iter().product();
        Stored::from_f32(&format!("middle_block.1.proj_in.{name}"), shape, numbers(n, seed)).unwrap()
    };
    let files = [
        vec![tensor("lora_up.weight", &[side, 13], 2), tensor("lora_down.weight", &[13, side], 3)],
        vec![
            tensor("lora_up.weight", &[side, 13], 2),
            tensor("lora_down.weight", &[13, side], 3),
            tensor("dora_scale", &[1, side], 4),
        ],
        vec![
            tensor("hada_w1_a", &[side, 5], 2),
            tensor("hada_w1_b", &[5, side], 3),
            tensor("hada_w2_a", &[side, 5], 4),
            tensor("hada_w2_b", &[5, side], 5),
        ],
        vec![tensor("oft_blocks", &[30, 10, 10], 6)],
    ];
    for tensors in files {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| changed(&base, &tensors, 0.8))
        };
        let one: Vec<u32> = with(1).iter().map(|v| v.to_bits()).collect();
        for threads in [2, 3, 7] {
            assert_eq!(one, with(threads).iter().map(|v| v.to_bits()).collect::<Vec<_>>());
        }
    }
}
