//! Changes to models: how they are sampled, mixed, and saved.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
mod world;

use kiln_core::Status;
use kiln_core::types::Value;
use kiln_diffusion::Runtime;
use kiln_diffusion::runtime::Wants;
use kiln_diffusion::values::{
    BlockRatios, Change, FreeUSettings, ModelValue, SpaceChoice, StoredFile, TextValue,
};
use kiln_sampling::Prediction;
use kiln_weights::{Dtype, WeightFile};
use std::path::Path;
use world::*;

struct World {
    dir: tempfile::TempDir,
    /// All numbers 1.
    one: StoredFile,
    /// All numbers 5.
    five: StoredFile,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let one = checkpoint(&dir.path().join("one.safetensors"), 1.0, 4);
        let five = checkpoint(&dir.path().join("five.safetensors"), 5.0, 4);
        Self { dir, one, five }
    }

    fn patched(&self, node: &str, with: &str) -> Result<ModelValue, String> {
        Ok(of(&run(node, &[("model", model(&self.one).into())], with)?, "model"))
    }

    fn space(&self, node: &str, with: &str) -> kiln_sampling::Space {
        let model = self.patched(node, with).unwrap_or_else(|e| panic!("{node} {with}: {e}"));
        Runtime::cpu().space(&model).unwrap()
    }
}

fn near(found: f32, expected: f64) {
    assert!((f64::from(found) - expected).abs() <= expected.abs() * 1e-5, "{found} is not {expected}");
}

#[test]
fn settings_are_kept_in_the_model() {
    let world = World::new();
    assert_eq!(world.patched("RescaleCfg", "").unwrap().rescale_cfg, Some(0.7));
    assert_eq!(world.patched("RescaleCfg", r#""multiplier": 0.25"#).unwrap().rescale_cfg, Some(0.25));
    let first = FreeUSettings { version: 1, b1: 1.1, b2: 1.2, s1: 0.9, s2: 0.2 };
    assert_eq!(world.patched("FreeU", "").unwrap().free_u, Some(first));
    let second = FreeUSettings { version: 2, b1: 1.3, b2: 1.5, s1: 0.9, s2: 0.2 };
    assert_eq!(world.patched("FreeU2", r#""b2": 1.5"#).unwrap().free_u, Some(second));
    assert!(world.patched("RescaleCfg", r#""multiplier": 1.5"#).is_err());
    // One change keeps the other.
    let rescaled = world.patched("RescaleCfg", "").unwrap();
    let both: ModelValue = of(&run("FreeU", &[("model", rescaled.into())], "").unwrap(), "model");
    assert_eq!((both.rescale_cfg, both.free_u), (Some(0.7), Some(first)));
}

#[test]
fn discrete_sampling_is_chosen() {
    let world = World::new();
    for (word, prediction) in
        [("eps", Prediction::Eps), ("v_prediction", Prediction::V), ("x0", Prediction::X0)]
    {
        let space = world.space("ModelSamplingDiscrete", &format!(r#""sampling": "{word}""#));
        assert_eq!(space.prediction(), prediction);
        near(space.sigma_max(), 14.614_641);
    }
    // Without signal at the last step the level is sqrt(1 / 4.897e-8 - 1).
    let zsnr = world.space("ModelSamplingDiscrete", r#""sampling": "v_prediction", "zsnr": true"#);
    near(zsnr.sigma_max(), (1.0 / 4.897_345_189_085_343_5e-8_f64 - 1.0).sqrt());
    assert!(world.patched("ModelSamplingDiscrete", r#""sampling": "lcm""#).is_err());
}

#[test]
fn continuous_sampling_is_chosen() {
    let world = World::new();
    let edm = Prediction::Edm { sigma_data: 0.5 };
    for (word, prediction) in [("v_prediction", Prediction::V), ("edm", edm), ("eps", Prediction::Eps)] {
        let with = format!(r#""sampling": "{word}", "sigma_max": 80.0, "sigma_min": 0.5"#);
        let space = world.space("ModelSamplingContinuousEdm", &with);
        assert_eq!(space.prediction(), prediction);
        near(space.sigma_max(), 80.0);
        near(space.sigma_min(), 0.5);
        // The network is told a quarter of the logarithm, whatever it predicts.
        near(space.timestep(16.0), 16f64.ln() / 4.0);
    }
    let wrong = |with: &str| world.patched("ModelSamplingContinuousEdm", with);
    fails(wrong(r#""sigma_min": 0.0"#), "sigma_min", "is 0");
    fails(wrong(r#""sigma_min": 2.0, "sigma_max": 2.0"#), "sigma_max", "not above");
}

#[test]
fn flow_sampling_is_chosen() {
    let world = World::new();
    let sd3 = world.space("ModelSamplingSd3", "");
    assert_eq!(sd3.prediction(), Prediction::Flow { multiplier: 1000.0 });
    // 3 * 0.5 / (1 + 2 * 0.5).
    near(sd3.sigma_at(500.0), 0.75);
    near(world.space("ModelSamplingSd3", r#""shift": 1.0"#).sigma_at(500.0), 0.5);
    fails(world.patched("ModelSamplingSd3", r#""shift": 0.0"#), "shift", "leaves no noise");

    let mu = |with: &str| match world.patched("ModelSamplingFlux", with).unwrap().space {
        Some(SpaceChoice::Flux { mu }) => mu,
        other => panic!("{other:?}"),
    };
    near(mu(""), 1.15);
    near(mu(r#""width": 256, "height": 256"#), 0.5);
    // 512 x 1024 pixels are 2048 tokens: 0.5 + 0.65 * (2048 - 256) / 3840.
    near(mu(r#""width": 512"#), 0.5 + 0.65 * 1792.0 / 3840.0);
    // e^1.15 / (e^1.15 + 1) in the middle.
    near(world.space("ModelSamplingFlux", "").sigma_at(0.5), 1.15f64.exp() / (1.15f64.exp() + 1.0));
}

#[test]
fn models_are_mixed_by_the_share_of_the_first() {
    let world = World::new();
    let inputs = [("model1", model(&world.one).into()), ("model2", model(&world.five).into())];
    let mixed: ModelValue = of(&run("MergeModels", &inputs, r#""ratio": 0.75"#).unwrap(), "model");
    let (weights, _) = Runtime::cpu().unet_map(&mixed.weights).unwrap();
    for (name, weight) in &weights {
        // 1 * 0.75 + 5 * 0.25.
        assert!(weight.to_f32().iter().all(|v| *v == 2.0), "{name}");
    }
    let with = r#""input": 0.75, "middle": 0.5, "out": 0.0"#;
    let blocks: ModelValue = of(&run("MergeBlocks", &inputs, with).unwrap(), "model");
    let (weights, _) = Runtime::cpu().unet_map(&blocks.weights).unwrap();
    for (name, expected) in [
        ("input_blocks.0.0.weight", 2.0),
        ("time_embed.0.weight", 2.0),
        ("middle_block.0.in_layers.2.weight", 3.0),
        ("output_blocks.0.0.in_layers.2.weight", 5.0),
        ("out.2.bias", 5.0),
    ] {
        assert_eq!(weights[name].to_f32()[0], expected, "{name}");
    }
    // A mix of a mix: (1 * 0.75 + 5 * 0.25) * 0.5 + 5 * 0.5.
    let again = [("model1", mixed.into()), ("model2", model(&world.five).into())];
    let again: ModelValue = of(&run("MergeModels", &again, r#""ratio": 0.5"#).unwrap(), "model");
    assert_eq!(again.weights.changes.len(), 2);
    let (weights, _) = Runtime::cpu().unet_map(&again.weights).unwrap();
    assert_eq!(weights["out.2.bias"].to_f32(), [3.5; 4]);
    // All of the first is the first, under its own name.
    let same: ModelValue = of(&run("MergeModels", &inputs, "").unwrap(), "model");
    assert_eq!(same, model(&world.one));
}

#[test]
fn text_encoders_are_mixed() {
    let world = World::new();
    let inputs = [("clip1", clip(&world.one).into()), ("clip2", clip(&world.five).into())];
    let mixed: TextValue = of(&run("MergeTextEncoders", &inputs, r#""ratio": 0.25"#).unwrap(), "clip");
    assert_eq!(
        mixed.weights.changes,
        [Change::Merge {
            other: Box::new(clip(&world.five).weights),
            ratio: BlockRatios { input: 0.25, middle: 0.25, out: 0.25 }
        }]
    );
    let maps = Runtime::cpu().text_maps(&mixed.weights).unwrap();
    assert_eq!(maps.len(), 1);
    // 1 * 0.25 + 5 * 0.75.
    assert!(maps[0].1.values().all(|w| w.to_f32().iter().all(|v| *v == 4.0)));
}

#[test]
fn models_of_other_kinds_are_not_mixed() {
    let world = World::new();
    let inpaint = checkpoint(&world.dir.path().join("nine.safetensors"), 1.0, 9);
    let inputs = [("model1", model(&world.one).into()), ("model2", model(&inpaint).into())];
    fails(run("MergeModels", &inputs, r#""ratio": 0.5"#), "model2", "input_blocks.0.0.weight");
    fails(run("MergeBlocks", &inputs, ""), "model2", "different kinds");
}

fn save(world: &World, out: &Path, with: &str, mixed: bool) -> (Status, String) {
    let mut first = model(&world.one);
    if mixed {
        let ratio = BlockRatios { input: 0.5, middle: 0.5, out: 0.5 };
        first.weights.changes.push(Change::Merge { other: Box::new(model(&world.five).weights), ratio });
    }
    save_model(world, out, with, first)
}

fn save_model(world: &World, out: &Path, with: &str, model: ModelValue) -> (Status, String) {
    let inputs =
        [("model", Value::from(model)), ("clip", clip(&world.five).into()), ("vae", vae(&world.one).into())];
    let (report, _) = run_in(Some(out), "SaveCheckpoint", &inputs, with).unwrap();
    (report.status, format!("{:?}", report.failures))
}

#[test]
fn a_mixed_model_is_saved_and_loads_again() {
    let world = World::new();
    let out = world.dir.path().join("out");
    for (dtype, expected) in [("f16", Dtype::F16), ("f32", Dtype::F32), ("bf16", Dtype::BF16)] {
        let with = format!(r#""filename_prefix": "models/{dtype}", "dtype": "{dtype}""#);
        let (status, said) = save(&world, &out, &with, true);
        assert_eq!(status, Status::Done, "{said}");
        let path = out.join(format!("models/{dtype}.safetensors"));
        let file = WeightFile::open(&path).unwrap();
        // Every weight of the three parts, by its original name; each part from its own source.
        assert_eq!(file.len(), WeightFile::open(Path::new(&world.one.path)).unwrap().len());
        for stored in file.iter() {
            let value = match stored.name().split('.').next() {
                Some("model") => 3.0,
                Some("cond_stage_model") => 5.0,
                Some("first_stage_model") => 1.0,
                other => panic!("{other:?}"),
            };
            assert_eq!(stored.dtype(), expected, "{}", stored.name());
            assert!(stored.to_f32().iter().all(|v| *v == value), "{}", stored.name());
        }
        // It is a checkpoint like those it came from.
        let bytes = std::fs::read(&path).unwrap();
        let hash = *blake3::hash(&bytes).as_bytes();
        let again = StoredFile { path: path.display().to_string(), hash };
        let parts = Runtime::cpu().parts(&again, Wants::Checkpoint).unwrap();
        assert!(parts.unet.is_some() && parts.vae.is_some() && parts.text.len() == 1, "{:?}", parts.notes);
    }
}

#[test]
fn the_chosen_prediction_is_saved() {
    let world = World::new();
    let out = world.dir.path().join("out");
    let v = world.patched("ModelSamplingDiscrete", r#""sampling": "v_prediction", "zsnr": true"#).unwrap();
    let (status, said) = save_model(&world, &out, r#""name": "v""#, v);
    assert_eq!(status, Status::Done, "{said}");
    let path = out.join("v.safetensors");
    let file = WeightFile::open(&path).unwrap();
    assert_eq!(file.metadata().get("modelspec.prediction_type").map(String::as_str), Some("v"));
    let hash = *blake3::hash(&std::fs::read(&path).unwrap()).as_bytes();
    let loaded = model(&StoredFile { path: path.display().to_string(), hash });
    let space = Runtime::cpu().space(&loaded).unwrap();
    assert_eq!(space.prediction(), Prediction::V);
    assert!(space.sigma_max() > 4000.0);
    // What a file cannot say is refused, and nothing is written.
    let flow = world.patched("ModelSamplingSd3", "").unwrap();
    let (_, said) = save_model(&world, &out, r#""name": "flow""#, flow);
    assert!(said.contains("cannot say") && said.contains("model"), "{said}");
    assert!(!out.join("flow.safetensors").exists());
}

#[test]
fn what_cannot_be_saved_is_told_and_leaves_nothing() {
    let mut world = World::new();
    let out = world.dir.path().join("out");
    world.one = checkpoint(&world.dir.path().join("large.safetensors"), 1e6, 4);
    let (_, said) = save(&world, &out, r#""name": "large""#, false);
    assert!(said.contains("too large") && said.contains("dtype"), "{said}");
    assert!(!out.join("large.safetensors").exists());
    assert_eq!(std::fs::read_dir(out.join(".kiln/unfinished")).unwrap().count(), 0);
    let (status, said) = save(&world, &out, r#""name": "large", "dtype": "bf16""#, false);
    assert_eq!(status, Status::Done, "{said}");
    // A file of somebody else stays.
    std::fs::write(out.join("mine.safetensors"), b"mine").unwrap();
    let (_, said) = save(&world, &out, r#""name": "mine", "dtype": "f32""#, false);
    assert!(said.contains("in the way"), "{said}");
    assert_eq!(std::fs::read(out.join("mine.safetensors")).unwrap(), b"mine");
    for name in ["../out", ".kiln/x", "/x"] {
        let (status, said) = save(&world, &out, &format!(r#""name": "{name}", "dtype": "f32""#), false);
        assert_ne!(status, Status::Done, "{name}: {said}");
    }
}
