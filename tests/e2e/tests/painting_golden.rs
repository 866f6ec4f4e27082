//! What drawing gives is written down: other numbers under the same versions of the nodes are found.
//!
//! A picture made yesterday is named by its nodes' versions; if they give something else today, caches hold what nobody
//! can make again. `KILN_BLESS=1` writes `golden/painting.json` anew, which is right only together with new versions.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
#[path = "support/painting.rs"]
mod painting;
mod support;

use kiln_small::Family;
use painting::{Room, SD1, model, put};
use serde_json::{Map, Value, json};
use std::path::Path;

/// The numbers of a latent's file, without what is said about them.
fn numbers(bytes: &[u8]) -> &[u8] {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    &bytes[8 + length..]
}

/// Nodes that make what `save` keeps, by the case's name.
fn cases() -> Vec<(&'static str, String)> {
    let start = format!(
        r#""load": (type: "LoadCheckpoint", with: {{ "checkpoint": "{SD1}" }}),
        "paper": (type: "NoiseImage", with: {{ "size": (64, 48), "seed": 1, "kind": "fbm", "scale": 20 }}),
        "yes": (type: "EncodePrompt", from: {{ "clip": "load.clip" }}, with: {{ "text": "an (owl:1.3) of embedding:charm" }}),
        "no": (type: "EncodePrompt", from: {{ "clip": "load.clip" }}, with: {{ "text": "dull" }}),
        "coded": (type: "EncodeImage", from: {{ "image": "paper.image", "vae": "load.vae" }}),
        "empty": (type: "EmptyLatent", with: {{ "width": 64, "height": 48, "batch_size": 2 }}),"#
    );
    let sample = |latent: &str, model: &str, with: &str| {
        format!(
            r#"{start} "end": (type: "Sample", from: {{ "latent": "{latent}", "model": "{model}", "positive": "yes.conditioning",
            "negative": "no.conditioning" }}, with: {{ "seed": 7, "steps": 4, {with} }}),"#
        )
    };
    let lora = r#""lora": (type: "LoadLora", from: { "model": "load.model", "clip": "load.clip" }, with: { "lora": "first.safetensors", "strength_model": 0.7 }),"#;
    let refined = start.replace(SD1, "refiner.safetensors");
    vec![
        (
            "EncodeImage",
            format!(r#"{start} "end": (type: "LatentFlip", from: {{ "latent": "coded.latent" }}),"#),
        ),
        (
            "euler, normal",
            sample("empty.latent", "load.model", r#""sampler": "euler", "scheduler": "normal""#),
        ),
        (
            "dpmpp_2m, karras",
            sample("empty.latent", "load.model", r#""sampler": "dpmpp_2m", "scheduler": "karras""#),
        ),
        (
            "dpmpp_sde, beta",
            sample(
                "coded.latent",
                "load.model",
                r#""sampler": "dpmpp_sde", "scheduler": "beta", "denoise": 0.6"#,
            ),
        ),
        ("with a LoRA", lora.to_owned() + &sample("empty.latent", "lora.model", r#""sampler": "euler""#)),
        ("refiner", sample("empty.latent", "load.model", r#""sampler": "heun""#).replace(&start, &refined)),
    ]
}

#[test]
fn drawing_gives_what_it_gave() {
    let room = Room::new();
    put(room.models("checkpoints/refiner.safetensors"), model(Family::Refiner));
    let mut found = Map::new();
    for (name, nodes) in cases() {
        let rest = r#""keep": (type: "SaveLatent", from: { "latent": "end.latent" }),
            "seen": (type: "DecodeLatent", from: { "latent": "end.latent", "vae": "load.vae" }),
            "save": (type: "SaveImage", from: { "image": "seen.image" }, with: { "name": "{index}" }),"#;
        // The refiner's words are for OpenCLIP, which this embedding is not for.
        let nodes = if name == "refiner" { nodes.replace(" of embedding:charm", "") } else { nodes };
        room.graph("case.ron", &format!("{nodes}{rest}"));
        room.good("case.ron --out case --overwrite --no-cache");
        let latent = std::fs::read(room.path().join("case/latent.latent")).unwrap();
        let pixels: Vec<u8> = room.pixels("case/0.png").iter().map(|v| (v * 255.0).round() as u8).collect();
        let keys: Value = serde_json::from_str(&room.good("keys case.ron --json")).unwrap();
        let mut versions = Map::new();
        for line in keys.as_array().unwrap() {
            versions.insert(line["type"].as_str().unwrap().to_owned(), line["version"].clone());
        }
        versions.sort_keys();
        let case = json!({
            "versions": versions,
            "latent": kiln_oracle::fingerprint(numbers(&latent)),
            "picture": kiln_oracle::fingerprint(&pixels),
        });
        found.insert(name.to_owned(), case);
        std::fs::remove_dir_all(room.path().join("case")).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/painting.json");
    if std::env::var_os("KILN_BLESS").is_some() {
        put(&path, serde_json::to_string_pretty(&Value::Object(found)).unwrap() + "\n");
        return;
    }
    let known: Map<String, Value> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for (name, case) in &found {
        let noted = &known[name];
        assert!(
            noted["versions"] == case["versions"],
            "{name}: nodes have other versions: write the file anew with KILN_BLESS=1"
        );
        assert!(
            noted == case,
            "{name} gives something else than it did: raise the version of the node whose numbers changed, then \
             write the file anew with KILN_BLESS=1\nnoted {noted}\nfound {case}"
        );
    }
    assert_eq!(known.len(), found.len(), "cases are missing: write the file anew with KILN_BLESS=1");
}
