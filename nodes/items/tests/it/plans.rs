//! Plans from files: good ones, damaged ones, hostile ones.

use crate::support::*;
use std::path::Path;

fn plan(base: &Path, with: &str) -> String {
    told(base, &format!(r#""n": (type: "TraitPlan", with: {{ {with} }})"#))
}

#[test]
fn plans_are_read_from_ron_tables_and_folders() {
    let dir = world();
    let base = dir.path();
    assert_eq!(plan(base, r#""file": "foxes.ron""#), "TraitPlan | [Sky; Fur; Hat; Level; Grain] | 14 | ");
    std::fs::write(
        base.join("t.csv"),
        "group,value,weight,layer\nSky,Dusk,2,1-Sky/Dusk#3.png\nSky,Noon,1,\n",
    )
    .unwrap();
    assert_eq!(plan(base, r#""file": "t.csv", "layers": "layers""#), "TraitPlan | [Sky] | 2 | ");
    assert_eq!(plan(base, r#""file": "layers""#), "TraitPlan | [Sky; Fur; Hat] | 6 | ");
    assert_eq!(plan(base, r#""file": "layers", "order": ["Hat"]"#), "TraitPlan | [Hat; Sky; Fur] | 6 | ");
}

#[test]
fn damaged_plans_name_the_place() {
    let dir = world();
    let base = dir.path();
    for (name, text, says) in [
        (
            "a.ron",
            "(size: 10, groups: [(name: \"Hat\", values: [(name: \"Cap\", wieght: 2)])])",
            "did you mean `weight`",
        ),
        ("b.ron", "(size: 10, groups: [(name: \"Hat\", values: [(name: \"Cap\")", "line 1"),
        ("c.ron", "(size: 0, groups: [(name: \"Hat\", values: [(name: \"Cap\")])])", "at least one item"),
        (
            "d.ron",
            "(size: 4, groups: [(name: \"Hat\", blend: \"multipyl\", values: [(name: \"Cap\")])])",
            "did you mean `multiply`",
        ),
        (
            "e.ron",
            "(size: 4, groups: [(name: \"Hat\", opacity: 2.0, values: [(name: \"Cap\")])])",
            "between 0 and 1",
        ),
        (
            "f.ron",
            "(size: 4, groups: [(name: \"Hat\", display: number, values: [(name: \"Cap\")])])",
            "shown as numbers",
        ),
        (
            "g.ron",
            "(size: 99999999999, groups: [(name: \"Hat\", values: [(name: \"Cap\")])])",
            "at most 10000000",
        ),
        ("h.csv", "group,value,weight\nHat,Cap,heavy\n", "not a number"),
        ("i.csv", "group,value,wieght\nHat,Cap,1\n", "did you mean `weight`"),
        ("j.txt", "Hat", "ends in .ron or .csv"),
        ("k.ron", "\u{0}", "line 1"),
    ] {
        std::fs::write(base.join(name), text).unwrap();
        let told = plan(base, &format!(r#""file": {name:?}"#));
        assert!(told.starts_with("error") && told.contains(says), "{name}: {told}");
    }
    std::fs::write(base.join("l.ron"), [0xff, 0xfe, 0x00]).unwrap();
    assert!(plan(base, r#""file": "l.ron""#).contains("not UTF-8"));
    for (with, says) in [
        (r#""file": "nobody.ron""#, "there is no file or folder"),
        (r#""file": "../foxes.ron""#, "no file or folder"),
    ] {
        let told = plan(base, with);
        assert!(told.starts_with("error") && told.contains(says), "{with}: {told}");
    }
}

#[test]
fn hostile_layers_stay_inside_their_folder() {
    let dir = world();
    let base = dir.path();
    std::fs::write(dir.path().join("secret.png"), "x").unwrap();
    for layer in ["../secret.png", "/etc/passwd", "..\\\\secret.png", "1-Sky/../../secret.png", "\u{0}"] {
        let text = format!(
            "(size: 2, groups: [(name: \"Hat\", values: [(name: \"Cap\", layer: {layer:?}), (name: \"Hood\")])])"
        );
        std::fs::write(base.join("h.ron"), text).unwrap();
        let told = plan(base, r#""file": "h.ron", "layers": "layers""#);
        assert!(told.starts_with("error"), "{layer}: {told}");
    }
    std::fs::write(
        base.join("h.ron"),
        "(size: 2, groups: [(name: \"Hat\", values: [(name: \"Cap\", layer: \"1-Sky/Duks#3.png\")])])",
    )
    .unwrap();
    assert!(plan(base, r#""file": "h.ron""#).contains("with the parameter layers"));
    assert!(plan(base, r#""file": "h.ron", "layers": "layers""#).contains("1-Sky/Dusk#3.png"));
    assert!(plan(base, r#""file": "h.ron", "layers": "foxes.ron""#).contains("not a folder"));
    #[cfg(unix)]
    {
        let outside = tempfile::tempdir().unwrap();
        png(&outside.path().join("x.png"), 2, 2, |_, _| [1, 2, 3, 4]);
        std::os::unix::fs::symlink(outside.path().join("x.png"), base.join("layers/3-Hat/Out.png")).unwrap();
        assert!(plan(base, r#""file": "layers""#).contains("through a link"));
        std::fs::remove_file(base.join("layers/3-Hat/Out.png")).unwrap();
        std::os::unix::fs::symlink(base.join("layers"), base.join("layers/3-Hat/Round")).unwrap();
        assert!(plan(base, r#""file": "layers""#).starts_with("error"));
    }
}

#[test]
fn weights_come_from_a_feed() {
    let dir = world();
    let base = dir.path();
    let fed = |feed: &str| {
        told(
            base,
            &format!(
                r#""t": (type: "LongText", with: {{ "value": {feed:?} }}),
                   "p": (type: "TraitPlan", from: {{ "feed": "t.value" }}, with: {{ "file": "foxes.ron" }}),
                   "n": (type: "AssignTraits", from: {{ "plan": "p.plan" }})"#
            ),
        )
    };
    let table = fed(r#"{"Sky": {"Dusk": 1, "Noon": 9}}"#);
    assert!(!table.starts_with("error"), "{table}");
    let dusk = table.lines().find(|l| l.contains("Dusk")).unwrap();
    assert_eq!(dusk.split_whitespace().nth(1), Some("6"), "{table}");
    for (feed, says) in [
        (r#"{"Sky": {"Dsuk": 1}}"#, "did you mean \"Dusk\""),
        (r#"{"Sly": {"Dusk": 1}}"#, "did you mean \"Sky\""),
        (r#"{"Fur": {"Golden": 1}}"#, "whose number the plan fixes"),
        (r#"{"Sky": {"Dusk": -1}}"#, "at least 0"),
        (r#"{"Sky": {"Dusk": "many"}}"#, "at least 0"),
        (r#"[1]"#, "no object"),
        ("{", "not JSON"),
        (r#"{"Hat": {"none": 3}}"#, "whose number the plan fixes"),
    ] {
        let told = fed(feed);
        assert!(told.starts_with("error") && told.contains(says), "{feed}: {told}");
    }
}

#[test]
fn groups_get_a_look() {
    let dir = world();
    assert!(
        plan(dir.path(), r#""file": "layers", "look": ["Hat: multiply 60%", "Fur: 0.5"]"#)
            .starts_with("TraitPlan")
    );
    for (look, says) in
        [("Hat multiply", "write it like"), ("Hta: screen", "did you mean"), ("Hat: 140%", "neither")]
    {
        let told = plan(dir.path(), &format!(r#""file": "layers", "look": [{look:?}]"#));
        assert!(told.contains(says), "{told}");
    }
}
