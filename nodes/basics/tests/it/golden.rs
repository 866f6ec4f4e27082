//! A node whose output changed needs a new version, or old caches would lie.
//!
//! `KILN_BLESS=1` writes the file anew: after a new case, or after a version was raised.

use super::cases;
use serde_json::{Map, Value, json};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/golden/basics.json");

#[test]
fn outputs_change_with_versions_only() {
    let mut made = Map::new();
    for case in cases::all() {
        let version =
            kiln_basics::nodes().iter().find(|n| n.schema().name == case.node).unwrap().schema().version;
        let out = cases::result(&case);
        if out.starts_with("error") || out.starts_with("nothing") {
            continue;
        }
        let entry = made.entry(case.node).or_insert_with(|| json!({ "version": version, "cases": {} }));
        let name = blake3::hash(cases::text(&case).as_bytes()).to_hex()[..16].to_owned();
        entry["cases"][name] = blake3::hash(out.as_bytes()).to_hex()[..32].into();
    }
    made.sort_keys();
    let text = format!("{}\n", serde_json::to_string_pretty(&made).unwrap());
    if std::env::var_os("KILN_BLESS").is_some() {
        std::fs::write(FILE, text).unwrap();
        return;
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for (node, now) in &made {
        let before = &kept[node];
        if before["version"] != now["version"] {
            wrong.push(format!("{node}: the version changed; write the file anew"));
            continue;
        }
        for (case, hash) in now["cases"].as_object().unwrap() {
            match before["cases"].get(case) {
                Some(old) if old == hash => {}
                Some(_) => wrong
                    .push(format!("{node}: the output of {case} changed, so its version has to be raised")),
                None => wrong.push(format!("{node}: the case {case} is new; write the file anew")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n(KILN_BLESS=1 writes the file anew)", wrong.join("\n"));
}
