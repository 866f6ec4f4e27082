//! Every naming of LoRA files finds every layer, and files for other models are refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{Shapes, hollow, hollow_with, lora_shapes, shapes, under};
use kiln_layout::lora::{Applied, Lora, LoraError, LoraTarget};
use kiln_layout::{Parts, recognise};
use kiln_tensor::WeightMap;

fn model(folder: &Path, name: &str) -> Parts {
    recognise(&hollow(&folder.join(format!("{name}.safetensors")), &shapes(name))).unwrap()
}

fn apply(lora: &Lora, parts: &Parts) -> Result<Applied, LoraError> {
    let text: Vec<_> = parts.text.iter().map(|part| (part.kind, &part.weights)).collect();
    lora.apply(&LoraTarget { unet: parts.unet.as_ref(), text: &text, family: parts.family }, 1.0, 1.0)
}

/// The file of a fixture, without its numbers.
fn lora(folder: &Path, name: &str) -> Lora {
    Lora::read(&hollow(&folder.join(name), &lora_shapes(name))).unwrap()
}

#[test]
fn every_module_of_the_recorded_files_finds_its_layer() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let sd15 = model(at, "sd15_file");
    let sdxl = model(at, "sdxl_file");
    // Modules, changed weights of the network, of each encoder.
    for (name, parts, modules, unet, text) in [
        ("oracle_sd15_kohya", &sd15, 296, 224, vec![72]),
        ("oracle_sd15_kohya_b", &sd15, 128, 128, vec![0]),
        ("oracle_sd15_diffusers", &sd15, 232, 160, vec![72]),
        ("oracle_sd15_peft", &sd15, 232, 160, vec![72]),
        // Query, key and value of five layers share one weight each.
        ("oracle_sdxl_kohya", &sdxl, 351, 249, vec![72, 20]),
    ] {
        let lora = lora(at, name);
        let applied = apply(&lora, parts).unwrap();
        assert_eq!(applied.report.unmatched, Vec::<String>::new(), "{name}");
        assert_eq!(applied.report.unknown, Vec::<String>::new(), "{name}");
        assert_eq!(applied.report.note(), None);
        let counts: Vec<usize> = applied.text.iter().map(BTreeMap::len).collect();
        assert_eq!(
            (lora.len(), applied.report.matched, applied.unet.len(), counts),
            (modules, modules, unet, text),
            "{name}"
        );
    }
}

/// Each weight of the network that a LoRA may change, under a file's own naming.
fn named(prefix: &str, unet: &Shapes, name: impl Fn(&str) -> String, endings: [&str; 2]) -> Shapes {
    unet.iter()
        .filter(|(n, s)| n.ends_with(".weight") && s.len() >= 2)
        .flat_map(|(n, s)| {
            let module = name(n.strip_suffix(".weight").unwrap());
            let mut down = s.clone();
            down[0] = 2;
            [
                (format!("{prefix}{module}{}", endings[0]), down),
                (format!("{prefix}{module}{}", endings[1]), vec![s[0], 2]),
            ]
        })
        .collect()
}

#[test]
fn every_layer_is_found_under_every_naming() {
    let folder = tempfile::tempdir().unwrap();
    for model in ["sd15", "sdxl", "tiny_deep", "tiny_one"] {
        let original = shapes(&format!("{model}_unet_original"));
        let diffusers = shapes(&format!("{model}_unet_diffusers"));
        let parts = recognise(&hollow(&folder.path().join("m"), &under("model.diffusion_model.", &original)))
            .unwrap();
        let layers = original.iter().filter(|(n, s)| n.ends_with(".weight") && s.len() >= 2).count();
        let kohya = [".lora_down.weight", ".lora_up.weight"];
        let peft = [".lora_A.weight", ".lora_B.weight"];
        let flat = |n: &str| n.replace('.', "_");
        let same = |n: &str| n.to_owned();
        let processor = |n: &str| {
            let n = n.strip_suffix(".to_out.0").map_or(n.to_owned(), |n| format!("{n}.to_out"));
            n.replace(".attn1.", ".attn1.processor.").replace(".attn2.", ".attn2.processor.")
        };
        let ways = [
            named("lora_unet_", &original, flat, kohya),
            named("lora_unet_", &diffusers, flat, kohya),
            named("lycoris_", &diffusers, flat, kohya),
            named("diffusion_model.", &original, same, peft),
            named("model.diffusion_model.", &original, same, peft),
            named("unet.", &diffusers, same, peft),
            named(
                "base_model.model.",
                &diffusers,
                same,
                [".lora_A.default.weight", ".lora_B.default.weight"],
            ),
            named("unet.", &diffusers, same, [".lora.down.weight", ".lora.up.weight"]),
            named("unet.", &diffusers, processor, ["_lora.down.weight", "_lora.up.weight"]),
            named("", &diffusers, processor, ["_lora.down.weight", "_lora.up.weight"]),
        ];
        for (i, way) in ways.into_iter().enumerate() {
            let lora = Lora::read(&hollow(&folder.path().join(format!("{model}{i}")), &way)).unwrap();
            let applied = apply(&lora, &parts).unwrap();
            assert_eq!(applied.report.unmatched, Vec::<String>::new(), "{model}, way {i}");
            assert_eq!((applied.report.matched, applied.unet.len()), (layers, layers), "{model}, way {i}");
        }
    }
}

#[test]
fn a_lora_of_another_family_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (sd15, sdxl) = (model(at, "sd15_file"), model(at, "sdxl_file"));
    let error = apply(&lora(at, "oracle_sd15_kohya"), &sdxl).err().unwrap().to_string();
    assert!(error.contains("oracle_sd15_kohya was made for another model: "), "{error}");
    assert!(error.contains(" of 296 modules match (first that does not: \"lora_"), "{error}");
    let error = apply(&lora(at, "oracle_sdxl_kohya"), &sd15).err().unwrap();
    assert!(matches!(error, LoraError::OtherModel { total: 351, .. }), "{error}");

    // SD2 has the layers of SD1; their shapes give it away.
    let sd2 = under("model.diffusion_model.", &shapes("sd21_unet_original"));
    let sd2 = recognise(&hollow(&at.join("sd2"), &sd2)).unwrap();
    let error = apply(&lora(at, "oracle_sd15_kohya_b"), &sd2).err().unwrap().to_string();
    assert!(error.contains("but the model's is"), "{error}");
}

#[test]
fn what_the_node_has_no_part_for_is_skipped_and_strangers_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let sd15 = model(at, "sd15_file");
    let file = lora(at, "oracle_sd15_kohya");
    let unet_only = LoraTarget { unet: sd15.unet.as_ref(), text: &[], family: sd15.family };
    let applied = file.apply(&unet_only, -0.5, 1.0).unwrap();
    assert_eq!((applied.report.matched, applied.report.skipped), (224, 72));
    assert!(applied.report.unmatched.is_empty());
    // A strength of zero leaves its part alone, and its modules are still counted.
    let text: Vec<_> = sd15.text.iter().map(|part| (part.kind, &part.weights)).collect();
    let both = LoraTarget { unet: sd15.unet.as_ref(), text: &text, family: sd15.family };
    let applied = file.apply(&both, 0.0, 1.0).unwrap();
    assert_eq!((applied.unet.len(), applied.text[0].len(), applied.report.matched), (0, 72, 296));

    let mut shapes = lora_shapes("oracle_sd15_kohya_b");
    shapes.insert("lora_unet_nowhere.lora_down.weight".into(), vec![4, 320]);
    shapes.insert("lora_unet_nowhere.lora_up.weight".into(), vec![320, 4]);
    shapes.insert("bundle_emb.word.string_to_param.*".into(), vec![1, 768]);
    let file = Lora::read(&hollow(&at.join("strangers"), &shapes)).unwrap();
    let applied = apply(&file, &sd15).unwrap();
    assert_eq!(applied.report.unmatched, ["lora_unet_nowhere"]);
    let note = applied.report.note().unwrap();
    assert_eq!(
        note,
        "128 of 129 modules were applied; not used: \"lora_unet_nowhere\", \"bundle_emb.word.string_to_param.*\""
    );
}

#[test]
fn query_key_and_value_change_their_own_third() {
    let folder = tempfile::tempdir().unwrap();
    let sdxl = model(folder.path(), "sdxl_file");
    let layer = "lora_te2_text_model_encoder_layers_3_self_attn_v_proj";
    let tensors =
        Shapes::from([(format!("{layer}.diff"), vec![1280, 1280]), (format!("{layer}.diff_b"), vec![1280])]);
    let names: Vec<String> = tensors.keys().cloned().collect();
    let filled = [(names[0].as_str(), vec![1.0; 1280 * 1280]), (names[1].as_str(), vec![2.0; 1280])];
    let file = hollow_with(&folder.path().join("te2"), &tensors, &filled, &BTreeMap::new());
    let applied = apply(&Lora::read(&file).unwrap(), &sdxl).unwrap();
    let weight = "transformer.resblocks.3.attn.in_proj_weight";
    let bias = "transformer.resblocks.3.attn.in_proj_bias";
    assert_eq!(applied.text[1].keys().collect::<Vec<_>>(), [bias, weight]);
    let only: WeightMap = sdxl.text[1]
        .weights
        .iter()
        .filter(|(n, _)| n.contains(".3.attn.in_proj"))
        .map(|(n, w)| (n.clone(), w.clone()))
        .collect();
    let changed = kiln_layout::patched(&only, &applied.text[1], false);
    let (w, b) = (changed[weight].to_f32(), changed[bias].to_f32());
    assert!(w[..2 * 1280 * 1280].iter().all(|v| *v == 0.0) && w[2 * 1280 * 1280..].iter().all(|v| *v == 1.0));
    assert!(b[..2560].iter().all(|v| *v == 0.0) && b[2560..].iter().all(|v| *v == 2.0));
}

#[test]
fn a_change_of_the_text_projection_is_turned_for_open_clip() {
    let folder = tempfile::tempdir().unwrap();
    let sdxl = model(folder.path(), "sdxl_file");
    let tensors = Shapes::from([
        ("lora_te2_text_projection.lora_up.weight".to_owned(), vec![1280, 1]),
        ("lora_te2_text_projection.lora_down.weight".to_owned(), vec![1, 1280]),
    ]);
    let ramp: Vec<f32> = (0..1280).map(|i| i as f32).collect();
    let filled = [
        ("lora_te2_text_projection.lora_up.weight", ramp),
        ("lora_te2_text_projection.lora_down.weight", vec![1.0; 1280]),
    ];
    let file = hollow_with(&folder.path().join("te2"), &tensors, &filled, &BTreeMap::new());
    let applied = apply(&Lora::read(&file).unwrap(), &sdxl).unwrap();
    let projection =
        sdxl.text[1].weights["text_projection"].patched(applied.text[1]["text_projection"].clone(), false);
    let values = projection.to_f32();
    // The change is row number by one; turned, it is column number.
    assert_eq!(values[..5], [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(values[1280..1283], [0.0, 1.0, 2.0]);
}

type Tensors<'a> = &'a [(&'a str, &'a [usize])];

fn read(tensors: Tensors<'_>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let shapes: Shapes = tensors.iter().map(|(n, s)| ((*n).to_owned(), s.to_vec())).collect();
    let file = hollow(&folder.path().join("bad.safetensors"), &shapes);
    let error = Lora::read(&file).unwrap_err().to_string();
    error.replace(folder.path().to_str().unwrap(), "")
}

#[test]
fn broken_files_are_told_by_tensor() {
    let cases: [(Tensors<'_>, &str); 14] = [
        (
            &[("a.lora_up.weight", &[8, 4])],
            "/bad.safetensors: \"a\" has a lora_up, but no lora_down; the file is incomplete, download it again",
        ),
        (
            &[("a.lora_up.weight", &[8, 4]), ("a.lora_down.weight", &[3, 8])],
            "/bad.safetensors: the tensor \"a.lora_up.weight\" has the shape [8, 4]: its rank is 4, but \"a.lora_down.weight\" has the rank 3",
        ),
        (&[("a.lora_up.weight", &[8, 0]), ("a.lora_down.weight", &[0, 8])], "it is empty"),
        (
            &[("a.lora_up.weight", &[8]), ("a.lora_down.weight", &[8, 8])],
            "a matrix or a convolution is needed",
        ),
        (
            &[("a.lora_up.weight", &[8, 4]), ("a.lora_down.weight", &[4, 8]), ("a.alpha", &[2])],
            "\"a.alpha\" has the shape [2]: an alpha is a single number",
        ),
        (
            &[
                ("a.lora_up.weight", &[8, 4]),
                ("a.lora_down.weight", &[4, 8, 1, 1]),
                ("a.lora_mid.weight", &[4, 3, 3, 3]),
            ],
            "a core between the ranks 4 and 4 is needed",
        ),
        (
            &[("a.hada_w1_a", &[8, 4]), ("a.hada_w1_b", &[4, 8])],
            "\"a\" has a part of a LoHa, but no hada_w1_a or hada_w2_a",
        ),
        (&[("a.lokr_w1", &[2, 2])], "\"a\" has a part of a LoKr, but no whole or first half of each factor"),
        (&[("a.oft_blocks", &[2, 3, 4])], "square blocks are needed"),
        (&[("a.oft_blocks", &[2, 5000, 5000])], "are refused"),
        (
            &[("a.lora_up.weight", &[8, 70_000]), ("a.lora_down.weight", &[70_000, 8])],
            "a rank of 70000 is refused",
        ),
        (
            &[("a.oft_R.weight", &[2, 3])],
            "\"a.oft_R.weight\" is OFT as PEFT saves it, which Kiln does not compute",
        ),
        (
            &[("a.lora_up.weight", &[8, 4]), ("a.lora.up.weight", &[8, 4])],
            "says the same thing as another one",
        ),
        (
            &[("model.diffusion_model.input_blocks.0.0.weight", &[8, 4, 3, 3])],
            "is no LoRA: it looks like a model or a part of one (its first name is \"model.diffusion_model.input_blocks.0.0.weight\")",
        ),
    ];
    for (tensors, message) in cases {
        let error = read(tensors);
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn a_number_that_is_none_is_told_by_tensor() {
    let folder = tempfile::tempdir().unwrap();
    let tensors =
        Shapes::from([("a.lora_up.weight".into(), vec![2, 2]), ("a.lora_down.weight".into(), vec![2, 2])]);
    for bad in [f32::NAN, f32::INFINITY] {
        let filled = [("a.lora_up.weight", vec![0.0, 0.0, bad, 0.0])];
        let file = hollow_with(&folder.path().join("nan"), &tensors, &filled, &BTreeMap::new());
        let error = Lora::read(&file).unwrap_err();
        assert!(
            matches!(&error, LoraError::NotFinite { tensor, at: 2, .. } if tensor == "a.lora_up.weight"),
            "{error}"
        );
    }
}
