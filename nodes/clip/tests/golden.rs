//! What every node gives is written down: a change of it without a new version is found.
//!
//! The towers are small and their weights made up; on the processor their bits are the same everywhere.
//! `KILN_BLESS=1` writes the file anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod common;
#[path = "common/world.rs"]
mod world;

use serde_json::{Map, Value, json};
use std::path::PathBuf;
use world::World;

/// What stands before every `n`.
const BEFORE: &str = r##"
    "clip": (type: "LoadClip", with: { "file": "one" }),
    "head": (type: "LoadAestheticHead", with: { "file": "head" }),
    "a": (type: "LoadImage", with: { "image": "style/a.ppm" }),
    "pair": (type: "NoiseImage", with: { "size": (50, 33), "seed": Fixed(3), "batch": 2, "color": true }),
    "e": (type: "EmbedImage", from: { "image": "a.image", "clip": "clip.clip" }),
    "both": (type: "EmbedImage", from: { "image": "pair.image", "clip": "clip.clip" }),
    "words": (type: "EmbedText", from: { "clip": "clip.clip" }, with: { "text": "a fox" }),
    "style": (type: "StyleVector", from: { "clip": "clip.clip" }, with: { "pictures": "style/*.ppm" }),
"##;

/// Each node: what is linked, and the parameter sets it is run with.
const NODES: &[(&str, &str, &[&str])] = &[
    ("LoadAestheticHead", "", &[r#""file": "head""#]),
    ("EmbedImage", r#""image": "pair.image", "clip": "clip.clip""#, &[""]),
    ("EmbedText", r#""clip": "clip.clip""#, &[r#""text": "a photo of a fox""#, ""]),
    ("Similarity", r#""a": "both.embedding", "b": "words.embedding""#, &[""]),
    ("Similarity", r#""a": "e.embedding", "b": "words.embedding", "clip": "clip.clip""#, &[""]),
    (
        "ZeroShotLabels",
        r#""embedding": "both.embedding", "clip": "clip.clip""#,
        &[r#""labels": ["a fox", "a dog"]"#, r#""labels": ["a fox", "a dog"], "template": "{}""#],
    ),
    (
        "StyleVector",
        r#""clip": "clip.clip", "images": ["pair.image", "a.image"]"#,
        &["", r#""pictures": "style/*.ppm""#],
    ),
    ("StyleDistance", r#""embedding": "both.embedding", "style": "style.style""#, &[""]),
    ("AestheticScore", r#""embedding": "both.embedding", "head": "head.head""#, &[""]),
    ("NearestPictures", r#""embeddings": "both.embedding""#, &["", r#""count": 0"#, r#""duplicate": -1.0"#]),
    ("NearestPictures", r#""embeddings": "both.embedding", "query": "e.embedding""#, &[""]),
    (
        "ClipGate",
        r#""image": "pair.image", "clip": "clip.clip", "style": "style.style""#,
        &[
            r#""then": "fail""#,
            r#""style_minimum": 1.0, "then": "fail""#,
            r#""text": "a fox", "minimum": 1.0, "style_minimum": -1.0, "then": "fail""#,
            r#""text": "a fox", "minimum": -1.0, "negative": "a dog", "margin": 1.0, "style_minimum": -1.0, "then": "fail""#,
            r#""labels": ["a fox", "a dog"], "probability": 1.0, "then": "fail""#,
            r#""labels": ["a fox", "a dog"], "label": "a dog", "probability": 1.0, "then": "fail""#,
        ],
    ),
    (
        "AestheticGate",
        r#""image": "pair.image", "clip": "clip.clip", "head": "head.head""#,
        &[r#""minimum": 0.0, "then": "fail""#, r#""minimum": 10.0, "then": "fail""#],
    ),
];

fn fingerprint(world: &World, node: &str, from: &str, with: &str, hash: &mut blake3::Hasher) {
    let text = format!("{BEFORE} \"n\": (type: {node:?}, from: {{ {from} }}, with: {{ {with} }}),");
    let report = world.run(&text, &["n"], None).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert!(report.failures.is_empty() || !report.rejections.is_empty(), "{:?}\n{text}", report.failures);
    for rejection in &report.rejections {
        hash.update(format!("{} {}", rejection.score, rejection.reason).as_bytes());
    }
    let Some(Ok(values)) = report.values.get("n") else { return };
    for value in values {
        // A model is not stored.
        if let Some((ty, version, bytes)) = world.engine.registry().codecs().encode(value) {
            hash.update(format!("{ty} {version} {}", bytes.len()).as_bytes());
            hash.update(&bytes);
        }
    }
}

#[test]
fn nothing_changes_without_a_new_version() {
    let world = World::new();
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/golden/clip.json");
    let known: Value =
        std::fs::read(&path).map_or_else(|_| json!({}), |b| serde_json::from_slice(&b).unwrap());
    let mut now = Map::new();
    let mut wrong = Vec::new();
    for node in world.engine.registry().iter().filter(|n| n.schema().category.starts_with("clip")) {
        let name = node.schema().name.to_string();
        let mut hash = blake3::Hasher::new();
        let mut runs = 0;
        for (_, from, sets) in NODES.iter().filter(|(n, ..)| *n == name) {
            for with in *sets {
                fingerprint(&world, &name, from, with, &mut hash);
                runs += 1;
            }
        }
        assert!(runs > 0 || name == "LoadClip", "{name} is not tried");
        let entry = json!({ "version": node.schema().version, "hash": hash.finalize().to_hex().to_string() });
        match known.get(&name) {
            Some(old) if *old == entry => {}
            Some(old) if old["version"] == entry["version"] => wrong.push(format!(
                "{name} gives something else under the same version {}: raise its version, or undo the change",
                node.schema().version
            )),
            Some(_) => wrong.push(format!("{name} has a new version: bless it")),
            None => wrong.push(format!("{name} is not written down yet: bless it")),
        }
        now.insert(name, entry);
    }
    if let Some(known) = known.as_object() {
        let gone = known.keys().filter(|k| !now.contains_key(*k));
        wrong.extend(gone.map(|k| format!("{k} is gone: graphs still name it")));
    }
    if std::env::var_os("KILN_BLESS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&Value::Object(now)).unwrap() + "\n").unwrap();
        return;
    }
    assert!(
        wrong.is_empty(),
        "{wrong:#?}\nto write down what is meant: KILN_BLESS=1 cargo test -p kiln-clip --test golden"
    );
}
