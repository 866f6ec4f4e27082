//! Whether what is rare looks rare, seen by a CLIP: a small one, of weights that are made up here.

use crate::place::Place;
use std::path::Path;

const PLAN: &str = r##"(
    name: "Foxes", size: 60, seed: 7,
    groups: [
        (name: "Sky", values: [(name: "Dusk", weight: 3, is: "#804080"), (name: "Noon", weight: 2, is: "#a0d0ff")]),
        (name: "Fur", values: [(name: "Red", weight: 5), (name: "Silver", weight: 3), (name: "Golden", exactly: 2)]),
        (name: "Hat", chance: 0.5, values: [(name: "Cap"), (name: "Crown", exactly: 3), (name: "Hood"), (name: "Beret")]),
        (name: "Level", values: [(name: "1"), (name: "2"), (name: "3"), (name: "4"), (name: "5"), (name: "6"), (name: "7"), (name: "8")]),
    ],
)"##;

/// A CLIP of both towers with made-up weights. The shapes are those of a small one that the CLIP family's own tests use.
fn clip(file: &Path) {
    let noted = concat!(env!("CARGO_MANIFEST_DIR"), "/../../nodes/clip/tests/reference/towers.json");
    let noted: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(noted).unwrap()).unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f64 / f64::from(1 << 24) - 0.5
    };
    let (mut head, mut data) = (serde_json::Map::new(), Vec::new());
    for entry in noted["weights"]["open_quick"].as_array().unwrap() {
        let shape: Vec<u64> = entry[1].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
        let (spread, mean) = (entry[2].as_f64().unwrap(), entry[3].as_f64().unwrap());
        let begun = data.len();
        for _ in 0..shape.iter().product::<u64>() {
            // As wide as the spread says: a uniform number has a twelfth of its width squared.
            let weight = uniform() * spread * 3.464 + mean;
            data.extend((weight as f32).to_le_bytes());
        }
        head.insert(
            entry[0].as_str().unwrap().to_owned(),
            serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [begun, data.len()] }),
        );
    }
    let head = serde_json::to_vec(&head).unwrap();
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, [&(head.len() as u64).to_le_bytes()[..], &head, &data].concat()).unwrap();
}

/// What RarityLooks says of pictures from this node, seen by the CLIP alone: the warning and the report.
fn looked(place: &Place, picture: &str, alike: f64) -> (String, serde_json::Value) {
    let graph = format!(
        r#"Graph(kiln: 1, title: "Looks", nodes: {{
            "plan": (type: "TraitPlan", with: {{ "file": "plan.ron" }}),
            "all": (type: "AssignTraits", from: {{ "plan": "plan.plan" }}),
            "own": (type: "ItemTraits", from: {{ "assignment": "all.assignment" }}),
            "rare": (type: "Rarity", from: {{ "assignment": "all.assignment" }}, with: {{ "tiers": ["Top: 2", "Rest"] }}),
            "clip": (type: "LoadClip", with: {{ "file": "one" }}),
            "tone": (type: "TraitColor", from: {{ "traits": "own.traits" }}, with: {{ "trait": "Sky" }}),
            "flat": (type: "GradientImage", from: {{ "from": "tone.color" }}, with: {{ "size": (32, 32) }}),
            "noise": (type: "NoiseImage", with: {{ "size": (32, 32), "seed": 5, "color": true }}),
            "look": (type: "EmbedImage", from: {{ "image": "{picture}.image", "clip": "clip.clip" }}),
            "n": (type: "RarityLooks", from: {{ "rarity": "rare.rarity", "embeddings": "look.embedding" }}, with: {{ "alike": {alike:?} }}),
            "save": (type: "SaveText", from: {{ "text": "n.warning" }}, with: {{ "name": "w.txt", "end_line": false }}),
            "report": (type: "SaveText", from: {{ "text": "n.report" }}, with: {{ "name": "r.json" }}),
        }})"#
    );
    let out = format!("{picture}-{alike}");
    place.write("looks.ron", graph);
    place.run(&["looks.ron", "--items", "60", "--models", "shelf", "--out", &out]).ends(0);
    let report = place.text(&format!("{out}/r.json"));
    (place.text(&format!("{out}/w.txt")), serde_json::from_str(&report).unwrap())
}

#[test]
fn a_clip_sees_a_legendary_that_looks_common() {
    let place = Place::new();
    place.write("plan.ron", PLAN);
    clip(&place.path("shelf/clip_vision/one.safetensors"));
    // The rarest have the sky of common ones and nothing else: twins.
    let (warning, report) = looked(&place, "flat", 0.97);
    assert!(warning.contains("(Top) looks like item") && warning.contains("1.000 alike"), "{warning}");
    assert!((report["alike"][0]["clip"].as_f64().unwrap() - 1.0).abs() < 1e-6, "{report}");
    assert!(report["alike"][0]["hash_bits"].is_null(), "{report}");
    // Pictures of their own: how alike they are is told, and who asks for more than that is not warned.
    let (warning, report) = looked(&place, "noise", -1.0);
    let most = report["alike"][0]["clip"].as_f64().unwrap();
    assert!(warning.lines().count() > 1 && most > -1.0 && most < 0.999_999, "{report}");
    for pair in report["between"].as_array().unwrap() {
        let mean = pair["clip"].as_f64().unwrap();
        assert!(mean > -1.0 && mean < 0.999_999, "{report}");
    }
    let (warning, report) = looked(&place, "noise", (most + 1.0) / 2.0);
    assert_eq!((warning.as_str(), report["alike"].as_array().unwrap().len()), ("", 0));
}
