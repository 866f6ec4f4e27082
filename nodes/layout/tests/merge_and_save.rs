//! Two models blended, and a model written and read again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use std::collections::BTreeMap;
use std::fs::File;

use common::{Shapes, hollow, shapes, shapes_of, under};
use kiln_layout::merge::{Ratios, difference, sum, weighted};
use kiln_layout::save::{Model, SaveAs, checkpoint};
use kiln_layout::{Family, Parts, PredictionKind, TextKind, TextPart, patched, recognise};
use kiln_tensor::{Weight, WeightMap};
use kiln_weights::WeightFile;

fn made(shapes: &Shapes, seed: usize) -> WeightMap {
    shapes
        .iter()
        .enumerate()
        .map(|(n, (name, shape))| {
            let len = shape.iter().product::<usize>();
            // Numbers that 16 bit hold exactly.
            let values = (0..len).map(|i| ((i + n * 31 + seed * 17) % 129) as f32 / 64.0 - 1.0).collect();
            (name.clone(), Weight::from_f32(shape, values))
        })
        .collect()
}

#[test]
fn blends_follow_their_ratios_by_name() {
    let names = [
        "input_blocks.1.0.w",
        "middle_block.0.w",
        "out.0.weight",
        "output_blocks.0.0.w",
        "time_embed.0.weight",
    ];
    let map = |value: f32| -> WeightMap {
        names.iter().map(|n| ((*n).to_owned(), Weight::from_f32(&[2], vec![value, 2.0 * value]))).collect()
    };
    let (one, mut two) = (map(1.0), map(3.0));
    let value = |patches| {
        let map = patched(&one, &patches, true);
        names.map(|n| map[n].to_f32()[0])
    };
    assert_eq!(value(weighted(&one, &two, &Ratios::all(0.25)).unwrap()), [2.5; 5]);
    assert_eq!(
        value(weighted(&one, &two, &Ratios::stretches(1.0, 0.5, 0.0)).unwrap()),
        [1.0, 2.0, 3.0, 3.0, 1.0]
    );
    assert_eq!(value(sum(&one, &two).unwrap()), [4.0; 5]);
    assert_eq!(value(difference(&one, &two, 0.5).unwrap()), [-1.0; 5]);
    let mut ratios = Ratios::stretches(1.0, 0.5, 0.0);
    ratios.by_start.push(("output_blocks.0.".to_owned(), 1.0));
    assert_eq!(value(weighted(&one, &two, &ratios).unwrap()), [1.0, 2.0, 3.0, 1.0, 1.0]);
    // What only one has stays; another shape is another model.
    two.remove("out.0.weight");
    assert_eq!(value(sum(&one, &two).unwrap())[2], 1.0);
    two.insert("out.0.weight".into(), Weight::from_f32(&[3], vec![0.0; 3]));
    let error = sum(&one, &two).err().unwrap().to_string();
    assert!(error.contains("1 weights have other shapes, the first are \"out.0.weight\""), "{error}");
}

fn saved(model: &Model<'_>, save_as: SaveAs) -> Parts {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.safetensors");
    let report = checkpoint(&mut File::create(&path).unwrap(), model, save_as, &BTreeMap::new()).unwrap();
    assert_eq!(report.too_large, Vec::<String>::new());
    // The mapping outlives the folder.
    recognise(&WeightFile::open(&path).unwrap()).unwrap()
}

fn same(a: &WeightMap, b: &WeightMap) {
    assert_eq!(shapes_of(a), shapes_of(b));
    for (name, weight) in a {
        assert_eq!(weight.to_f32(), b[name].to_f32(), "{name}");
    }
}

/// A small text encoder with transformers' names.
fn encoder(width: usize, projection: bool) -> Shapes {
    let mut all = Shapes::from([
        ("text_model.embeddings.token_embedding.weight".into(), vec![50, width]),
        ("text_model.embeddings.position_embedding.weight".into(), vec![7, width]),
        ("text_model.final_layer_norm.weight".into(), vec![width]),
        ("text_model.final_layer_norm.bias".into(), vec![width]),
    ]);
    for i in 0..2 {
        for (name, o, n) in [
            ("self_attn.q_proj", width, width),
            ("self_attn.k_proj", width, width),
            ("self_attn.v_proj", width, width),
            ("self_attn.out_proj", width, width),
            ("mlp.fc1", 4 * width, width),
            ("mlp.fc2", width, 4 * width),
        ] {
            all.insert(format!("text_model.encoder.layers.{i}.{name}.weight"), vec![o, n]);
            all.insert(format!("text_model.encoder.layers.{i}.{name}.bias"), vec![o]);
        }
        for norm in ["layer_norm1", "layer_norm2"] {
            for kind in ["weight", "bias"] {
                all.insert(format!("text_model.encoder.layers.{i}.{norm}.{kind}"), vec![width]);
            }
        }
    }
    if projection {
        all.insert("text_projection.weight".into(), vec![5, width]);
    }
    all
}

#[test]
fn a_saved_model_is_the_model() {
    let unet = made(&shapes("tiny_deep_unet_original"), 1);
    let vae = made(&shapes("tiny_vae_original"), 2);
    let text = [
        TextPart { kind: TextKind::ClipL, weights: made(&encoder(6, false), 3) },
        TextPart { kind: TextKind::OpenClipG, weights: made(&encoder(8, true), 4) },
    ];
    let model = Model {
        family: Family::SdxlBase,
        prediction: PredictionKind::V,
        zsnr: true,
        unet: Some(&unet),
        vae: Some(&vae),
        text: &text,
    };
    for save_as in [SaveAs::F32, SaveAs::F16, SaveAs::BF16] {
        let parts = saved(&model, save_as);
        assert_eq!((parts.family, parts.prediction, parts.zsnr), (Family::SdxlBase, PredictionKind::V, true));
        same(parts.unet.as_ref().unwrap(), &unet);
        same(parts.vae.as_ref().unwrap(), &vae);
        same(&parts.text[0].weights, &text[0].weights);
        // The second encoder went over to OpenCLIP's names: thirds joined, the projection turned.
        let open = &parts.text[1].weights;
        let hf = &text[1].weights;
        let layer = "text_model.encoder.layers.1.self_attn";
        let joint: Vec<f32> = ["q_proj", "k_proj", "v_proj"]
            .iter()
            .flat_map(|p| hf[&format!("{layer}.{p}.weight")].to_f32())
            .collect();
        assert_eq!(open["transformer.resblocks.1.attn.in_proj_weight"].shape(), [24, 8]);
        assert_eq!(open["transformer.resblocks.1.attn.in_proj_weight"].to_f32(), joint);
        let (p, turned) = (hf["text_projection.weight"].to_f32(), open["text_projection"].to_f32());
        assert_eq!(open["text_projection"].shape(), [8, 5]);
        assert_eq!((turned[1], turned[5]), (p[8], p[1]));
        // And once more, from OpenCLIP's names.
        let again = saved(&Model { text: &parts.text, ..model.clone() }, save_as);
        same(&again.text[1].weights, open);
    }
}

#[test]
fn numbers_too_large_for_16_bit_are_told_and_strange_encoders_refused() {
    let mut unet = made(&shapes("tiny_one_unet_original"), 1);
    unet.insert("time_embed.0.bias".into(), Weight::from_f32(&[128], vec![70_000.0; 128]));
    let text = [TextPart { kind: TextKind::ClipL, weights: made(&encoder(6, false), 3) }];
    let model = Model {
        family: Family::Sd1,
        prediction: PredictionKind::Eps,
        zsnr: false,
        unet: Some(&unet),
        vae: None,
        text: &text,
    };
    let to = |save_as| checkpoint(&mut std::io::sink(), &model, save_as, &BTreeMap::new()).unwrap().too_large;
    assert_eq!(to(SaveAs::F16), ["model.diffusion_model.time_embed.0.bias"]);
    assert_eq!(to(SaveAs::BF16), Vec::<String>::new());
    let wrong = Model { family: Family::Sd2, ..model };
    let error =
        checkpoint(&mut std::io::sink(), &wrong, SaveAs::F16, &BTreeMap::new()).unwrap_err().to_string();
    assert_eq!(error, "Stable Diffusion 2 has no place for the text encoder CLIP-L");
}

#[test]
fn a_saved_network_keeps_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let wanted: Shapes = under("model.diffusion_model.", &shapes("tiny_one_unet_original"));
    let parts = recognise(&hollow(&folder.path().join("a"), &wanted)).unwrap();
    let path = folder.path().join("b");
    let model = Model {
        family: parts.family,
        prediction: parts.prediction,
        zsnr: false,
        unet: parts.unet.as_ref(),
        vae: None,
        text: &[],
    };
    checkpoint(&mut File::create(&path).unwrap(), &model, SaveAs::F16, &BTreeMap::new()).unwrap();
    let file = WeightFile::open(&path).unwrap();
    let found: Shapes = file.iter().map(|t| (t.name().to_owned(), t.shape().to_vec())).collect();
    assert_eq!(found, wanted);
    assert_eq!(file.metadata()["modelspec.prediction_type"], "epsilon");
}
