//! CLIP text encoders against transformers (`tests/reference/clip_text.py`), and what they refuse.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::sync::Arc;

use common::{Reference, normal, normal_tensor};
use kiln_networks::NetError;
use kiln_networks::clip_text::{Block, ClipText, Config, Layer, Naming, Slot};
use kiln_tensor::{Act, Compute, Tensor, Vars, Weight};

const LIMIT: f64 = 1e-5;
const CASES: [&str; 3] = ["hf_gelu", "hf_quick", "open"];

fn config(vars: &Vars, case: &str) -> Config {
    let config = Config::infer(vars).unwrap();
    let activation = if case == "hf_quick" { Act::QuickGelu } else { config.activation };
    Config { end: 99, activation, ..config }
}

fn encoder(reference: &Reference, case: &str) -> ClipText {
    let vars = reference.vars(case);
    ClipText::with(&vars, config(&vars, case)).unwrap()
}

/// As in the script: a start, some words, an end, and another filling in every window.
fn windows(count: usize) -> Vec<Vec<Slot<'static>>> {
    (0..count)
        .map(|k| {
            let words = (0..10 - 3 * k).map(|i| (7 * i * i + 13 * k + 3) as u32 % 97);
            let mut row: Vec<u32> = [98].into_iter().chain(words).chain([99]).collect();
            row.resize(20, if k == 0 { 99 } else { 0 });
            row.into_iter().map(Slot::Id).collect()
        })
        .collect()
}

#[test]
fn the_configuration_is_read_off_the_weights() {
    let reference = Reference::load("clip_text");
    let found = Config::infer(&reference.vars("open")).unwrap();
    let wanted = Config {
        naming: Naming::OpenClip,
        width: 128,
        layers: 3,
        intermediate: 256,
        vocabulary: 100,
        positions: 20,
        heads: 2,
        activation: Act::Gelu,
        end: 49407,
    };
    assert_eq!(found, wanted);
    assert_eq!(
        Config::infer(&reference.vars("hf_gelu")).unwrap(),
        Config { naming: Naming::HuggingFace, ..wanted }
    );
    for case in CASES {
        let clip = encoder(&reference, case);
        assert_eq!((clip.width(), clip.layers(), clip.projection_width()), (128, 3, Some(96)));
    }
}

#[test]
fn every_layer_is_transformers_own() {
    let reference = Reference::load("clip_text");
    for case in CASES {
        let clip = encoder(&reference, case);
        for back in 1..=3 {
            for (kind, final_norm) in [("plain", false), ("normed", true)] {
                let layer = Layer { index: -back, final_norm };
                let found = clip.encode(&windows(2), layer).unwrap();
                reference.check(&format!("{case}/{kind}-{back}"), found.hidden, LIMIT);
                reference.check(&format!("{case}/pooled"), found.pooled, LIMIT);
                reference.check(&format!("{case}/projected"), found.projected.unwrap(), LIMIT);
            }
        }
    }
}

#[test]
fn a_layer_is_counted_from_either_end_and_never_missed() {
    let reference = Reference::load("clip_text");
    let clip = encoder(&reference, "open");
    for (index, same) in [(0, 3), (1, 2), (2, 1), (3, 1), (i32::MAX, 1), (-4, 1), (-24, 1), (i32::MIN, 1)] {
        let found = clip.encode(&windows(2), Layer { index, final_norm: false }).unwrap();
        reference.check(&format!("open/plain-{same}"), found.hidden, LIMIT);
    }
}

#[test]
fn one_layer_is_transformers_own() {
    let reference = Reference::load("clip_text");
    for case in CASES {
        let vars = reference.vars(case);
        let config = config(&vars, case);
        let at = if case == "open" { "transformer.resblocks.1" } else { "text_model.encoder.layers.1" };
        let block = Block::new(&vars.at(at), &config.block()).unwrap();
        let x = normal_tensor("block_x", [2, 20, 128], 1.0);
        reference.check(&format!("{case}/block1"), block.forward(&x), LIMIT);
    }
}

#[test]
fn a_vector_stands_in_a_tokens_place() {
    let reference = Reference::load("clip_text");
    let vector = normal("vector", 128, 0.5, 0.0);
    for case in CASES {
        let mut windows = windows(1);
        windows[0][4] = Slot::Vector(&vector);
        let found = encoder(&reference, case).encode(&windows, Layer::LAST).unwrap();
        reference.check(&format!("{case}/vector"), found.hidden, LIMIT);
    }
}

#[test]
fn windows_do_not_see_each_other() {
    let reference = Reference::load("clip_text");
    let clip = encoder(&reference, "hf_quick");
    let both = clip.encode(&windows(2), Layer::LAST).unwrap().hidden;
    let first = clip.encode(&windows(1), Layer::LAST).unwrap().hidden;
    let numbers = |t: Tensor<3>| kiln_tensor::compute::values(t).unwrap();
    assert_eq!(numbers(both.narrow(0, 0, 1)), numbers(first), "the same bits alone and in company");
}

#[test]
fn what_cannot_be_encoded_is_told() {
    let reference = Reference::load("clip_text");
    let clip = encoder(&reference, "open");
    let told = |windows: &[Vec<Slot<'_>>]| clip.encode(windows, Layer::LAST).unwrap_err();
    let mut beyond = windows(2);
    beyond[1][3] = Slot::Id(100);
    let error = told(&beyond);
    assert!(matches!(error, NetError::Token { window: 1, slot: 3, .. }));
    assert!(
        error.to_string().contains("no token 100") && error.to_string().contains("ends at 99"),
        "{error}"
    );
    let narrow = [0.0; 64];
    let mut other = windows(1);
    other[0][0] = Slot::Vector(&narrow);
    let error = told(&other);
    assert!(matches!(error, NetError::Token { window: 0, slot: 0, .. }));
    assert!(error.to_string().contains("64 numbers") && error.to_string().contains("128"), "{error}");
    for bad in
        [vec![], vec![vec![]], vec![vec![Slot::Id(1); 21]], vec![vec![Slot::Id(1); 3], vec![Slot::Id(1); 4]]]
    {
        assert!(matches!(told(&bad), NetError::Shape { .. }));
    }
}

#[test]
fn what_cannot_be_built_is_told() {
    let reference = Reference::load("clip_text");
    let built = |change: &dyn Fn(&mut std::collections::BTreeMap<String, Weight>)| {
        let mut weights = reference.weights("open");
        change(&mut weights);
        ClipText::new(&Vars::new("a.safetensors", Arc::new(weights), &Compute::cpu()))
            .unwrap_err()
            .to_string()
    };
    let nothing = built(&|w| w.clear());
    assert!(nothing.contains("neither") && nothing.contains("a.safetensors"), "{nothing}");
    let bias = "transformer.resblocks.2.mlp.c_fc.bias";
    let shape = built(&|w| drop(w.insert(bias.into(), Weight::from_f32(&[7], vec![]))));
    assert!(shape.contains(bias) && shape.contains("[7]"), "{shape}");
    let lacks = built(&|w| drop(w.remove("transformer.resblocks.1.attn.in_proj_weight")));
    assert!(lacks.contains("no weight \"transformer.resblocks.1.attn.in_proj_weight\""), "{lacks}");
    let empty =
        built(&|w| drop(w.insert("token_embedding.weight".into(), Weight::from_f32(&[100, 0], vec![]))));
    assert!(empty.contains("0 wide"), "{empty}");
}
