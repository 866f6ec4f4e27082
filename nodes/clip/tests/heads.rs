//! Aesthetic heads against torch (`tests/reference/make.py`), and what they refuse.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::{Tensors, normal, write};
use kiln_clip::Head;
use kiln_types::Embedding;

const SIZES: [(usize, usize); 5] = [(768, 1024), (1024, 128), (128, 64), (64, 16), (16, 1)];
const CASES: [(&str, usize, Option<[usize; 5]>); 4] = [
    ("linear512", 512, None),
    ("linear768", 768, None),
    ("mse", 768, Some([0, 2, 4, 6, 7])),
    ("relu", 768, Some([0, 3, 6, 9, 11])),
];

fn made(case: &str, width: usize, places: Option<[usize; 5]>) -> Tensors {
    let layer = |name: String, i: usize, o: usize| {
        let weight = normal(&format!("{case}/{name}weight"), i * o, 1.0 / (i as f64).sqrt(), 0.0);
        let bias = normal(&format!("{case}/{name}bias"), o, 0.1, 0.0);
        [(format!("{name}weight"), (vec![o, i], weight)), (format!("{name}bias"), (vec![o], bias))]
    };
    match places {
        None => layer(String::new(), width, 1).into_iter().collect(),
        Some(places) => {
            places.iter().zip(SIZES).flat_map(|(p, (i, o))| layer(format!("layers.{p}."), i, o)).collect()
        }
    }
}

fn opened(tensors: &Tensors) -> Result<Head, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("head.safetensors");
    write(&path, tensors);
    Head::open(&path).map_err(|e| e.to_string())
}

fn embedding(width: usize) -> Embedding {
    Embedding::new("ViT-L/14 test", width, normal("embedding", 2 * width, 1.0, 0.0)).unwrap()
}

#[test]
fn scores_are_torchs() {
    let recorded: serde_json::Value = serde_json::from_slice(&common::reference("heads.json")).unwrap();
    for (case, width, places) in CASES {
        let head = opened(&made(case, width, places)).unwrap();
        assert_eq!((head.width(), head.relu()), (width, case == "relu"));
        let scores = head.scores(&embedding(width)).unwrap();
        for (found, wanted) in scores.iter().zip(recorded[case]["scores"].as_array().unwrap()) {
            let wanted = wanted.as_f64().unwrap();
            assert!((found - wanted).abs() < 1e-5 * (1.0 + wanted.abs()), "{case}: {found} {wanted}");
        }
        assert_eq!(scores.len(), 2);
    }
}

#[test]
fn checkpoints_wrap_their_layers() {
    let plain = made("mse", 768, Some([0, 2, 4, 6, 7]));
    let wrapped: Tensors = plain.iter().map(|(n, t)| (format!("model.{n}"), t.clone())).collect();
    let score = |t: &Tensors| opened(t).unwrap().scores(&embedding(768)).unwrap();
    assert_eq!(score(&plain), score(&wrapped));
}

#[test]
fn a_head_for_other_embeddings_is_refused() {
    let told =
        opened(&made("linear768", 768, None)).unwrap().scores(&embedding(512)).unwrap_err().to_string();
    assert!(told.contains("768") && told.contains("512") && told.contains("ViT-L/14 test"), "{told}");
}

#[test]
fn what_is_no_head_is_refused() {
    let refused = |change: &dyn Fn(&mut Tensors)| {
        let mut tensors = made("relu", 768, Some([0, 3, 6, 9, 11]));
        change(&mut tensors);
        opened(&tensors).unwrap_err()
    };
    let of = |shape: &[usize]| (shape.to_vec(), vec![0.0; shape.iter().product()]);
    assert!(refused(&|t| drop(t.remove("layers.3.bias"))).contains("nothing Kiln knows"));
    assert!(
        refused(&|t| t.retain(|n, _| !n.starts_with("layers.11."))).contains("not an aesthetic head"),
        "a layer fewer"
    );
    let told = refused(&|t| drop(t.insert("layers.3.weight".into(), of(&[128, 1000]))));
    assert!(told.contains("layers.3.weight") && told.contains("1024"), "{told}");
    let told = refused(&|t| drop(t.insert("layers.3.weight".into(), of(&[128]))));
    assert!(told.contains("layers.3.weight"), "{told}");
    let told = refused(&|t| drop(t.insert("layers.3.bias".into(), of(&[127]))));
    assert!(told.contains("layers.3.weight"), "{told}");
    let told = refused(&|t| {
        t.insert("layers.11.weight".into(), of(&[3, 16]));
        t.insert("layers.11.bias".into(), of(&[3]));
    });
    assert!(told.contains("gives 3 numbers"), "{told}");
    assert!(refused(&|t| t.get_mut("layers.6.weight").unwrap().1[5] = f32::NAN).contains("not a number"));
    assert!(refused(&|t| t.clear()).contains("not an aesthetic head"));
    let lora: Tensors = [("lora_unet_mid.lora_down.weight".to_owned(), of(&[2, 2]))].into();
    assert!(opened(&lora).unwrap_err().contains("a LoRA"));
}
