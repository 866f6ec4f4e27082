//! Rarity from what was assigned and from what was made; whether it shows.

use crate::support::*;

const RARITY: &str = r#"
    "rare": (type: "Rarity", from: { "assignment": "all.assignment" }, with: { "tiers": ["Top: 2", "Rest"] }),
"#;

#[test]
fn what_is_assigned_is_counted_before_anything_is_made() {
    let dir = world();
    let made = outputs(
        dir.path(),
        &format!(r#"{TRAITS} "n": (type: "Rarity", from: {{ "assignment": "all.assignment" }})"#),
    )
    .unwrap();
    let table = show(&made[1]);
    assert_eq!(table.lines().count(), 61);
    assert!(!table.contains("Grain"), "what is hidden does not count");
    assert_eq!(show(&made[3]), "60");
    let top = table.lines().find(|l| l.contains(",1,Legendary,")).unwrap();
    assert!(top.split(',').nth(3).unwrap().parse::<f64>().unwrap() > 1.0, "{top}");
}

#[test]
fn what_was_made_is_counted_after_gates() {
    let dir = world();
    let out = tempfile::tempdir().unwrap();
    let text = format!(
        r#"{TRAITS}
        "made": (type: "Rarity", from: {{ "traits": "own.traits" }}, with: {{ "tiers": ["Top: 10%", "Rest"] }}),
        "of": (type: "RarityOf", from: {{ "rarity": "made.rarity" }}),
        "line": (type: "TextTemplate", from: {{ "a": "of.rank", "b": "of.tier" }}, with: {{ "template": "{{a}} {{b}}" }}),
        "save": (type: "SaveText", from: {{ "text": "line.text" }}, with: {{ "name": "{{item}}.txt" }})"#
    );
    let how = How { items: Some(20), out: Some(out.path()), ..How::default() };
    let report = run(&engine(), dir.path(), &text, &how);
    let report = report.unwrap();
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    let lines: Vec<String> =
        (0..20).map(|i| std::fs::read_to_string(out.path().join(format!("{i}.txt"))).unwrap()).collect();
    assert!(lines.iter().any(|l| l.trim() == "1 Top"), "{lines:?}");
    assert!(lines.iter().all(|l| l.contains("Top") || l.contains("Rest")));
}

#[test]
fn tiers_make_sense_or_are_refused() {
    let dir = world();
    for (tiers, says) in [
        (r#"["A: 10%", "B: 5%"]"#, "rarest comes first"),
        (r#"["A: 10%", "A: 50%"]"#, "twice"),
        (r#"["A: 110%"]"#, "between 0 and 100"),
        (r#"["A: many"]"#, "write it like"),
        (r#"[": 10%"]"#, "no name"),
    ] {
        let said = told(
            dir.path(),
            &format!(
                r#"{TRAITS} "n": (type: "Rarity", from: {{ "assignment": "all.assignment" }}, with: {{ "tiers": {tiers} }})"#
            ),
        );
        assert!(said.contains(says), "{said}");
    }
    assert!(told(dir.path(), r#""n": (type: "Rarity")"#).contains("nothing to count"));
}

#[test]
fn a_legendary_that_looks_common_is_named() {
    let dir = world();
    let with = |hash: &str| {
        format!(
            r#"{TRAITS} {RARITY}
            "tone": (type: "TraitColor", from: {{ "traits": "own.traits" }}, with: {{ "trait": "Sky" }}),
            "flat": (type: "GradientImage", from: {{ "from": "tone.color" }}, with: {{ "size": (32, 32) }}),
            "noise": (type: "NoiseImage", with: {{ "size": (32, 32), "seed": 5, "color": true }}),
            "hash": (type: "ImageHash", from: {{ "image": "{hash}.image" }}),
            "n": (type: "RarityLooks", from: {{ "rarity": "rare.rarity", "hashes": "hash.phash" }}),
            "save": (type: "SaveText", from: {{ "text": "n.warning" }}, with: {{ "name": "w.txt", "end_line": false }}),
            "report": (type: "SaveText", from: {{ "text": "n.report" }}, with: {{ "name": "r.json" }})"#
        )
    };
    let engine = engine();
    for (source, quiet) in [("flat", false), ("noise", true)] {
        let out = tempfile::tempdir().unwrap();
        let text = with(source);
        let how = How { items: Some(60), out: Some(out.path()), ..How::default() };
        let report = run(&engine, dir.path(), &text, &how).unwrap();
        assert!(report.failures.is_empty(), "{:?}", report.failures);
        let warning = std::fs::read_to_string(out.path().join("w.txt")).unwrap();
        let json: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(out.path().join("r.json")).unwrap()).unwrap();
        if quiet {
            assert_eq!(warning, "");
            assert!(json["between"][1]["hash_bits"].as_f64().unwrap() > 10.0, "{json}");
        } else {
            assert!(warning.contains("(Top) looks like item"), "{warning}");
            assert!(json["alike"][0]["hash_bits"].as_u64().unwrap() <= 6, "{json}");
        }
    }
}
