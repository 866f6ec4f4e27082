//! Towers against transformers and open_clip (`tests/reference/make.py`), and what they refuse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;

use common::{Reference, Tensors, picture, tensors, write};
use kiln_clip::vision::{ImageTower, VisionConfig};
use kiln_clip::{Activation, Towers};
use kiln_networks::transformer::{Block, Naming};
use kiln_tensor::{Act, Compute, Tensor};
use kiln_types::{Embedding, Image};
use std::path::Path;

const LIMIT: f64 = 1e-5;
const TEXTS: [&str; 4] = ["a photo of a fox", "Two  CATS, asleep!", "", LONG];
const LONG: &str = "word word word word word word word word word word word word word word word word word word word \
                    word word word word word word word word word word word word word word word word word word word \
                    word word word word word word word word word word word word word word word word word word word \
                    word word word word word word word word word word word word word word word word word word word \
                    word word word word word word word word word word word word word word word word word word word \
                    word word word word word word word";
/// Name, naming, activation, and pixels of the side.
const CASES: [(&str, Naming, Act, usize); 8] = [
    ("b32", Naming::HuggingFace, Act::QuickGelu, 32),
    ("b16", Naming::HuggingFace, Act::Gelu, 28),
    ("l14", Naming::HuggingFace, Act::QuickGelu, 28),
    ("open", Naming::OpenClip, Act::Gelu, 28),
    ("open_quick", Naming::OpenClip, Act::QuickGelu, 32),
    ("h", Naming::OpenClip, Act::Gelu, 8),
    ("g", Naming::OpenClip, Act::Gelu, 8),
    ("bigg", Naming::HuggingFace, Act::Gelu, 8),
];

fn opened(tensors: &Tensors, activation: Activation) -> Result<Towers, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    write(&path, tensors);
    Towers::open_with(&path, &Compute::cpu(), activation).map_err(|e| e.to_string())
}

fn by_hand(act: Act) -> Activation {
    if act == Act::QuickGelu { Activation::QuickGelu } else { Activation::Gelu }
}

fn tensor(embedding: &Embedding) -> Tensor<2> {
    Compute::cpu().tensor(embedding.data().to_vec(), [embedding.batch(), embedding.width()])
}

#[test]
fn both_towers_give_what_their_sources_give() {
    let reference = Reference::load("towers");
    for (case, _, act, side) in CASES {
        let towers = opened(&tensors(&reference, case), by_hand(act)).unwrap();
        let images = [picture(side * 2 + 5, side * 3 + 1, 1), picture(side * 2, side, 2)];
        let found = towers.image(&images).unwrap();
        let (off, wrong) = (reference.distance(&format!("{case}/image"), tensor(&found)), LIMIT);
        assert!(off < wrong, "{case}: images {off:.1e}");
        let off = reference.distance(&format!("{case}/text"), tensor(&towers.text(&TEXTS).unwrap()));
        assert!(off < wrong, "{case}: texts {off:.1e}");
        assert!((towers.scale() - libm::exp(4.0)).abs() < 1e-6, "{}", towers.scale());
        // Alone or in company: the same bits.
        assert_eq!(towers.image(&images[1..]).unwrap().data(), &found.data()[48..]);
        assert_eq!(towers.text(&TEXTS[1..2]).unwrap().data(), &towers.text(&TEXTS).unwrap().data()[48..96]);
    }
}

#[test]
fn the_parts_give_what_their_sources_give() {
    let reference = Reference::load("towers");
    for (case, naming, act, side) in CASES {
        let vars = reference.vars(case);
        let config = VisionConfig::infer(&vars, naming, act).unwrap();
        let tower = ImageTower::new(&vars, config.clone()).unwrap();
        let mut planes = Vec::new();
        for image in [picture(side * 2 + 5, side * 3 + 1, 1), picture(side * 2, side, 2)] {
            let seen = kiln_clip::Preprocess::default().bytes(&image, 0, side);
            for channel in 0..3 {
                let (mean, std) = (kiln_clip::MEAN[channel], kiln_clip::STD[channel]);
                planes.extend(
                    seen.iter().skip(channel).step_by(3).map(|b| (f32::from(*b) / 255.0 - mean) / std),
                );
            }
        }
        let tokens = tower.tokens(&planes).unwrap();
        reference.check(&format!("{case}/tokens"), tokens.clone(), LIMIT);
        let at = match naming {
            Naming::HuggingFace => "vision_model.encoder.layers.0",
            Naming::OpenClip => "visual.transformer.resblocks.0",
        };
        let block = Block::new(&vars.at(at), &config.block).unwrap();
        reference.check(&format!("{case}/block0"), block.forward(&tokens), LIMIT);
        let (first, all) = (block.first(&tokens), block.forward(&tokens).narrow(1, 0, 1));
        let numbers = |t: Tensor<3>| kiln_tensor::compute::values(t).unwrap();
        assert_eq!(numbers(first), numbers(all), "{case}: the class token alone has the same bits");
    }
}

#[test]
fn the_configuration_is_read_off_the_weights() {
    let reference = Reference::load("towers");
    let found = |case: &str, naming| VisionConfig::infer(&reference.vars(case), naming, Act::Gelu).unwrap();
    let b32 = found("b32", Naming::HuggingFace);
    assert_eq!((b32.block.width, b32.block.intermediate, b32.layers, b32.block.heads), (128, 256, 3, 2));
    assert_eq!((b32.patch, b32.side, b32.projection), (16, 32, 48));
    assert_eq!(found("l14", Naming::HuggingFace).block.heads, 3);
    for (case, naming) in [("h", Naming::OpenClip), ("g", Naming::OpenClip), ("bigg", Naming::HuggingFace)] {
        assert_eq!(found(case, naming).block.heads, 16, "{case}");
    }
    assert_eq!(found("h", Naming::OpenClip).name(), "ViT-H/4@8");
}

/// The same weights under other names.
fn renamed(tensors: &Tensors, rename: impl Fn(&str) -> Option<String>) -> Tensors {
    tensors.iter().filter_map(|(n, t)| Some((rename(n)?, t.clone()))).collect()
}

#[test]
fn the_names_people_have_are_known() {
    let reference = Reference::load("towers");
    let images = [picture(40, 31, 3)];
    let same = |wanted: &Towers, tensors: &Tensors, what: &str| {
        let found = opened(tensors, Activation::Gelu).unwrap_or_else(|e| panic!("{what}: {e}"));
        if found.vision().is_some() {
            assert_eq!(found.image(&images).unwrap().data(), wanted.image(&images).unwrap().data(), "{what}");
        }
        if found.text_tower().is_some() {
            assert_eq!(found.text(&TEXTS).unwrap().data(), wanted.text(&TEXTS).unwrap().data(), "{what}");
        }
        (found.vision().is_some(), found.text_tower().is_some())
    };
    let hf = tensors(&reference, "b32");
    let wanted = opened(&hf, Activation::Gelu).unwrap();
    for prefix in ["module.", "model.", "clip."] {
        let both = same(&wanted, &renamed(&hf, |n| Some(format!("{prefix}{n}"))), prefix);
        assert_eq!(both, (true, true));
    }
    let seeing = |n: &str| n.starts_with("vision_model.") || n == "visual_projection.weight";
    let only = renamed(&hf, |n| seeing(n).then(|| n.to_owned()));
    assert_eq!(same(&wanted, &only, "the image tower alone"), (true, false));
    let bare = renamed(&only, |n| Some(n.strip_prefix("vision_model.").unwrap_or(n).to_owned()));
    assert_eq!(same(&wanted, &bare, "the image tower alone, without its prefix"), (true, false));
    let reading = renamed(&hf, |n| n.starts_with("text_").then(|| n.to_owned()));
    assert_eq!(same(&wanted, &reading, "the text tower alone"), (false, true));
    // Old files of transformers carry their positions' numbers.
    let mut old = hf.clone();
    old.insert("vision_model.embeddings.position_ids".into(), (vec![1, 5], vec![0.0; 5]));
    old.insert("text_model.embeddings.position_ids".into(), (vec![1, 77], vec![0.0; 77]));
    assert_eq!(same(&wanted, &old, "positions' numbers"), (true, true));

    let open = tensors(&reference, "open");
    let wanted = opened(&open, Activation::Gelu).unwrap();
    let nested = renamed(&open, |n| {
        let text = !n.starts_with("visual.") && n != "logit_scale";
        Some(if text { format!("text.{n}") } else { n.to_owned() })
    });
    assert_eq!(same(&wanted, &nested, "a text tower below `text.`"), (true, true));
    let only = renamed(&open, |n| n.starts_with("visual.").then(|| format!("embedder.model.{n}")));
    assert_eq!(same(&wanted, &only, "the image tower of an unCLIP checkpoint"), (true, false));
}

#[test]
fn the_activation_goes_by_kind() {
    let reference = Reference::load("towers");
    let act = |tensors: &Tensors, asked| {
        let towers = opened(tensors, asked).unwrap();
        let image = towers.vision().map(|v| v.config().block.activation);
        (image, towers.text_tower().map(|t| t.config().activation))
    };
    let open = tensors(&reference, "open");
    assert_eq!(act(&open, Activation::Auto), (Some(Act::Gelu), Some(Act::Gelu)));
    assert_eq!(act(&open, Activation::QuickGelu), (Some(Act::QuickGelu), Some(Act::QuickGelu)));
    // OpenAI's own state dicts tell the sizes they were trained with.
    let mut own = open.clone();
    own.insert("input_resolution".into(), (vec![], vec![28.0]));
    own.insert("context_length".into(), (vec![], vec![77.0]));
    assert_eq!(act(&own, Activation::Auto), (Some(Act::QuickGelu), Some(Act::QuickGelu)));
    assert_eq!(act(&own, Activation::Gelu), (Some(Act::Gelu), Some(Act::Gelu)));
    // Under transformers' names OpenAI's sizes have the quick one. A tower of B/32's width with nothing in it:
    let block = |at: &str, width: usize, inner: usize| -> Tensors {
        let mut made = Tensors::new();
        let mut add = |name: &str, shape: Vec<usize>| {
            let len = shape.iter().product();
            made.insert(format!("{at}.{name}"), (shape, vec![0.0; len]));
        };
        for p in ["q", "k", "v", "out"] {
            add(&format!("self_attn.{p}_proj.weight"), vec![width, width]);
            add(&format!("self_attn.{p}_proj.bias"), vec![width]);
        }
        for n in ["layer_norm1", "layer_norm2"] {
            add(&format!("{n}.weight"), vec![width]);
            add(&format!("{n}.bias"), vec![width]);
        }
        add("mlp.fc1.weight", vec![inner, width]);
        add("mlp.fc1.bias", vec![inner]);
        add("mlp.fc2.weight", vec![width, inner]);
        add("mlp.fc2.bias", vec![width]);
        made
    };
    let tower = |width: usize, patch: usize| {
        let mut made = block("vision_model.encoder.layers.0", width, 8);
        let mut add = |name: &str, shape: Vec<usize>| {
            let len = shape.iter().product();
            made.insert(name.to_owned(), (shape, vec![0.0; len]));
        };
        add("vision_model.embeddings.class_embedding", vec![width]);
        add("vision_model.embeddings.patch_embedding.weight", vec![width, 3, patch, patch]);
        add("vision_model.embeddings.position_embedding.weight", vec![2, width]);
        for n in ["pre_layrnorm", "post_layernorm"] {
            add(&format!("vision_model.{n}.weight"), vec![width]);
            add(&format!("vision_model.{n}.bias"), vec![width]);
        }
        add("visual_projection.weight", vec![4, width]);
        made
    };
    for (width, patch, wanted) in [
        (768, 32, Act::QuickGelu),
        (768, 16, Act::QuickGelu),
        (1024, 14, Act::QuickGelu),
        (1280, 14, Act::Gelu),
        (768, 14, Act::Gelu),
        (64, 16, Act::Gelu),
    ] {
        assert_eq!(act(&tower(width, patch), Activation::Auto).0, Some(wanted), "{width}/{patch}");
    }
}

#[test]
fn other_files_are_called_what_they_are() {
    let reference = Reference::load("towers");
    let open = tensors(&reference, "open_quick");
    let hf = tensors(&reference, "b32");
    let refused = |tensors: &Tensors| opened(tensors, Activation::Auto).unwrap_err();
    let with = |base: &Tensors, name: &str| {
        let mut made = base.clone();
        made.insert(name.to_owned(), (vec![2], vec![0.0; 2]));
        made
    };
    let none = Tensors::new();
    for (tensors, words) in [
        (with(&open, "visual.layer1.0.conv1.weight"), "ResNet"),
        (with(&open, "visual.trunk.blocks.0.norm1.weight"), "timm"),
        (with(&hf, "vision_model.head.probe"), "SigLIP"),
        (with(&hf, "text_model.encoder.layer.0.output.dense.bias"), "BERT"),
        (with(&none, "lora_unet_mid_block.lora_down.weight"), "a LoRA"),
        (with(&none, "conv_first.weight"), "nothing Kiln knows"),
        (with(&with(&none, "conv_first.weight"), "conv_last.weight"), "an upscaler"),
        (with(&none, "model.diffusion_model.input_blocks.0.0.weight"), "a diffusion model"),
        (with(&none, "first_stage_model.decoder.conv_in.weight"), "a diffusion model"),
    ] {
        let told = refused(&tensors);
        assert!(told.contains(words) && told.contains("model.safetensors"), "{words}: {told}");
    }
    // A diffusion model's text encoder has nothing to project with.
    let plain = renamed(&hf, |n| n.starts_with("text_model.").then(|| n.to_owned()));
    assert!(refused(&plain).contains("the text encoder of a diffusion model"), "{}", refused(&plain));
    let plain = renamed(&hf, |n| n.starts_with("vision_model.").then(|| n.to_owned()));
    assert!(refused(&plain).contains("visual_projection"), "{}", refused(&plain));
}

#[test]
fn a_program_of_torch_is_told_from_a_checkpoint() {
    let told = Towers::open(Path::new("tests/reference/script.pt"), &Compute::cpu()).unwrap_err().to_string();
    assert!(told.contains("TorchScript") && told.contains("state_dict"), "{told}");
}

#[test]
fn damaged_files_are_refused_in_words() {
    let reference = Reference::load("towers");
    for (case, patch, positions, projection) in [
        (
            "b32",
            "vision_model.embeddings.patch_embedding.weight",
            "vision_model.embeddings.position_embedding.weight",
            "visual_projection.weight",
        ),
        ("open_quick", "visual.conv1.weight", "visual.positional_embedding", "visual.proj"),
    ] {
        let mut good = tensors(&reference, case);
        // A small vocabulary does here.
        let tokens = good.keys().find(|n| n.ends_with("token_embedding.weight")).unwrap().clone();
        good.insert(tokens, (vec![90, 64], vec![0.0; 90 * 64]));
        let refused = |name: &str, shape: Vec<usize>| {
            let mut made = good.clone();
            let len = shape.iter().product();
            made.insert(name.to_owned(), (shape, vec![0.0; len]));
            match opened(&made, Activation::Auto) {
                Err(told) => told,
                Ok(_) => panic!("{case}: {name} is taken"),
            }
        };
        let width = if case == "b32" { 128 } else { 64 };
        assert!(refused(patch, vec![width, 4, 16, 16]).contains("colour pictures"));
        assert!(refused(patch, vec![0, 3, 16, 16]).contains("shape"));
        assert!(refused(positions, vec![7, width]).contains("square"));
        assert!(refused(positions, vec![1, width]).contains("square"));
        assert!(refused(positions, vec![0, width]).contains("square"));
        assert!(refused(positions, vec![70_001, 1]).contains("square"));
        assert!(refused(positions, vec![300 * 300 + 1, 1]).contains("more than Kiln runs"));
        assert!(refused(positions, vec![17, width + 1]).contains("shape"));
        assert!(refused(projection, vec![3, 5]).contains("shape"));
        // One tower of another model.
        let told = refused(projection, if case == "b32" { vec![40, 128] } else { vec![64, 40] });
        assert!(told.contains("not of one CLIP"), "{told}");
        // Nothing but the biases of matrices can be taken away.
        let bias = |n: &str| n.ends_with(".bias") && !n.contains("norm") && !n.contains("ln_");
        for name in good.keys().filter(|n| n.as_str() != "logit_scale" && !bias(n)) {
            // What shows that a tower is there at all; and what only texts need is told when there is one.
            if ["class_embedding", "token_embedding", "text_projection"].iter().any(|n| name.contains(n)) {
                continue;
            }
            let mut less = good.clone();
            less.remove(name);
            let told = opened(&less, Activation::Auto).expect_err(name);
            assert!(told.contains("model.safetensors"), "{name}: {told}");
        }
    }
}

#[test]
fn a_file_cut_short_never_gives_a_tower() {
    let reference = Reference::load("towers");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    let mut small = tensors(&reference, "open_quick");
    small.retain(|n, _| n.starts_with("visual."));
    write(&path, &small);
    let whole = std::fs::read(&path).unwrap();
    for part in 0..40 {
        std::fs::write(&path, &whole[..whole.len() * part / 40]).unwrap();
        assert!(Towers::open(&path, &Compute::cpu()).is_err(), "{part} of 40");
    }
    assert!(Towers::open(dir.path().join("none.safetensors").as_path(), &Compute::cpu()).is_err());
}

#[test]
fn numbers_that_are_none_are_told() {
    let reference = Reference::load("towers");
    let mut spoiled = tensors(&reference, "open_quick");
    spoiled.get_mut("visual.ln_post.weight").unwrap().1[3] = f32::NAN;
    spoiled.get_mut("ln_final.bias").unwrap().1[3] = f32::INFINITY;
    let towers = opened(&spoiled, Activation::Auto).unwrap();
    let told = towers.image(&[picture(20, 20, 1)]).unwrap_err().to_string();
    assert!(told.contains("damaged"), "{told}");
    let told = towers.text(&["a fox"]).unwrap_err().to_string();
    assert!(told.contains("damaged"), "{told}");
}

#[test]
fn what_is_not_there_is_told() {
    let reference = Reference::load("towers");
    let hf = tensors(&reference, "b32");
    let seeing =
        renamed(&hf, |n| (n.starts_with("vision_model.") || n.starts_with("visual_")).then(|| n.to_owned()));
    let seeing = opened(&seeing, Activation::Auto).unwrap();
    let told = seeing.text(&["a fox"]).unwrap_err().to_string();
    assert!(told.contains("no text tower"), "{told}");
    assert!((seeing.scale() - 100.0).abs() < 1e-9);
    let reading =
        opened(&renamed(&hf, |n| n.starts_with("text_").then(|| n.to_owned())), Activation::Auto).unwrap();
    let told = reading.image(&[picture(9, 9, 0)]).unwrap_err().to_string();
    assert!(told.contains("no image tower"), "{told}");
    assert!(seeing.image(&[]).is_err() && reading.text(&[]).is_err());
    // A stop between two layers.
    let image: Image = picture(64, 64, 0);
    let asked = std::cell::Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 2
    };
    let stopped = seeing.image_with(&[&image], kiln_clip::Preprocess::default(), &stop, &mut |_, _| {});
    let stopped = kiln_core::NodeError::from(stopped.unwrap_err());
    assert!(stopped.cancelled, "{stopped}");
    // Another vocabulary.
    let mut small = hf.clone();
    small.insert("text_model.embeddings.token_embedding.weight".into(), (vec![90, 64], vec![0.0; 90 * 64]));
    let told = opened(&small, Activation::Auto).unwrap().text(&["a fox"]).unwrap_err().to_string();
    assert!(told.contains("90 tokens") && told.contains("49408"), "{told}");
}
