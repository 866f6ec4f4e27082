//! A node whose output changed needs a new version, or old caches would lie.
//!
//! `KILN_BLESS=1` writes the file anew: after a new case, or after a version was raised.

use crate::support::*;
use serde_json::{Map, Value, json};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/golden/items.json");

/// For each node its cases: links and parameters.
const CASES: &[(&str, &str, &[&str])] = &[
    (
        "TraitPlan",
        "",
        &[r#""file": "foxes.ron""#, r#""file": "layers", "order": ["Hat"], "look": ["Fur: screen 50%"]"#],
    ),
    (
        "AssignTraits",
        r#""plan": "plan.plan""#,
        &["", r#""size": 40, "seed": 9"#, r#""by_hand": "hands.csv""#],
    ),
    ("ItemTraits", r#""assignment": "all.assignment""#, &["", r#""without": 17"#]),
    (
        "TraitText",
        r#""traits": "own.traits""#,
        &[r#""trait": "Fur", "words": "shown""#, r#""trait": "Hat", "otherwise": "no""#],
    ),
    ("TraitNumber", r#""traits": "own.traits""#, &[r#""trait": "Level""#]),
    ("TraitColor", r#""traits": "own.traits""#, &[r#""trait": "Sky""#]),
    ("TraitIs", r#""traits": "own.traits""#, &[r#""traits_named": ["Sky: Dusk", "Hat: *"], "all": "any""#]),
    ("TraitSeed", r#""traits": "own.traits""#, &["", r#""groups": ["Fur"], "seed": 3"#]),
    ("TraitPrompt", r#""traits": "own.traits""#, &["", r#""template": "a {Fur} fox, {Hat|bare}, {all}""#]),
    ("TraitLoras", r#""traits": "own.traits""#, &["", r#""factor": 0.5"#]),
    ("Rarity", r#""assignment": "all.assignment""#, &["", r#""rank_by": "average", "trait_count": false"#]),
    ("RarityOf", r#""rarity": "rare.rarity""#, &["", r#""without": 5"#]),
    (
        "LayerPicture",
        r#""traits": "drawn.traits""#,
        &["", r##""groups": ["Hat", "Fur"], "background": "#12345678""##],
    ),
    (
        "TokenNames",
        r#""assignment": "all.assignment""#,
        &[
            r#""grammar": "(start: \"first\", rules: {\"first\": [\"{mood} {mood} {mood} {trait:Fur}\"], \"mood\": [\"x\", \"y\", \"z\", \"w\", \"v\"]})""#,
        ],
    ),
    (
        "TokenName",
        r#""traits": "own.traits""#,
        &[
            r#""grammar": "(start: \"first\", rules: {\"first\": [\"{mood} {trait:Fur}\"], \"mood\": [\"x\", \"y\"]})""#,
        ],
    ),
    (
        "Lore",
        r#""traits": "own.traits""#,
        &[
            r#""grammar": "(start: \"first\", rules: {\"first\": [\"{mood} {trait:Fur}\"], \"mood\": [\"x\", \"y\"]})", "seed": 2"#,
        ],
    ),
    (
        "TokenMetadata",
        r#""traits": "own.traits", "rarity": "rare.rarity", "assignment": "all.assignment""#,
        &[r#""name": "{name} {number:4}", "more_attributes": ["Rank (number): {rank}"]"#],
    ),
    ("TokenState", "", &[r#""path": "a", "otherwise_number": 3"#]),
    ("PreviousToken", "", &[""]),
];

#[test]
fn outputs_change_with_versions_only() {
    let world = world();
    let mut made = Map::new();
    let engine = engine();
    for (node, from, cases) in CASES {
        let version = engine.registry().get(node).unwrap().schema().version;
        let mut hashes = Map::new();
        for with in *cases {
            let text = format!(
                r#"{TRAITS}
                "drawing": (type: "TraitPlan", with: {{ "file": "layers" }}),
                "some": (type: "AssignTraits", from: {{ "plan": "drawing.plan" }}, with: {{ "size": 12 }}),
                "drawn": (type: "ItemTraits", from: {{ "assignment": "some.assignment" }}),
                "rare": (type: "Rarity", from: {{ "assignment": "all.assignment" }}),
                "n": (type: "{node}", from: {{ {from} }}, with: {{ {with} }})"#
            );
            let values =
                outputs_of(&engine, world.path(), &text).unwrap_or_else(|e| panic!("{node} {with}: {e}"));
            let mut hash = blake3::Hasher::new();
            for value in &values {
                // Where a file lies differs from run to run; what a value says does not.
                let bytes = match value {
                    kiln_core::types::Value::Object(o) => o.content().unwrap_or_default(),
                    other => engine.registry().codecs().encode(other).unwrap().2,
                };
                hash.update(&(bytes.len() as u64).to_le_bytes());
                hash.update(&bytes);
            }
            let name = blake3::hash(with.as_bytes()).to_hex()[..16].to_owned();
            hashes.insert(name, hash.finalize().to_hex()[..32].into());
        }
        made.insert((*node).to_owned(), json!({ "version": version, "cases": hashes }));
    }
    let effects = ["FetchJson", "LanguageModel", "SaveToken", "CollectionMetadata", "RarityLooks"];
    for node in kiln_items::nodes() {
        let name = node.schema().name.to_string();
        let known = made.contains_key(&name) || effects.contains(&name.as_str());
        assert!(known, "{name} has no case here");
    }
    made.sort_keys();
    let text = format!("{}\n", serde_json::to_string_pretty(&made).unwrap());
    if std::env::var_os("KILN_BLESS").is_some() {
        std::fs::write(FILE, text).unwrap();
        return;
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    for (node, now) in &made {
        let before = &kept[node];
        assert_eq!(
            before["version"], now["version"],
            "{node}: the version changed; KILN_BLESS=1 writes the file anew"
        );
        assert_eq!(
            before["cases"], now["cases"],
            "{node}: an output changed, so its version has to be raised"
        );
    }
}
