//! Documents: what they say, what is refused, and what is told of the picture.

use crate::support::*;
use kiln_collection::metadata::read_token;
use serde_json::Value as Json;
use std::path::Path;

const TOKEN: &str = r#"
    "draw": (type: "LayerPicture", from: { "traits": "own.traits" }),
    "rare": (type: "Rarity", from: { "assignment": "all.assignment" }),
    "token": (
        type: "TokenMetadata",
        from: { "assignment": "all.assignment", "picture": "draw.image", "rarity": "rare.rarity", "traits": "own.traits" },
        with: {
            "collection": "Foxes", "description": "A fox in a {trait:Fur} coat, {trait:Hat|bareheaded}.", "first": 1,
            "more_attributes": ["Rank (number): {rank}", "Edition: {number:3}/{total}"],
            "name": "{name} #{number}", "properties": "{\"artist\": \"Ada, {number}\"}",
        },
    ),
    "picture": (type: "SaveImage", from: { "image": "draw.image" }, with: { "name": "images/{item}" }),
    "save": (type: "SaveToken", from: { "files": "picture.files", "number": "token.number", "token": "token.token" }),
    "sheet": (type: "CollectionMetadata", from: { "assignment": "all.assignment" }, with: { "title": "Foxes", "symbol": "FOX" }),
"#;

fn made(base: &Path, text: &str, items: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let how = How { items: Some(items), out: Some(dir.path()), text: "Graph(...)", ..How::default() };
    let report = run(&engine(), base, text, &how).unwrap();
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    dir
}

fn json(path: &Path) -> Json {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_layered_collection_is_told_whole() {
    let world = world();
    let dir = made(world.path(), &format!("{LAYERS} {TOKEN}"), 12);
    for number in 1..=12 {
        let text = std::fs::read(dir.path().join(format!("metadata/{number}.json"))).unwrap();
        read_token(number, &text).unwrap();
    }
    let token = json(&dir.path().join("metadata/1.json"));
    assert_eq!(token["name"], "Foxes #1");
    assert_eq!(token["properties"]["artist"], "Ada, 1");
    let attributes = token["attributes"].as_array().unwrap();
    let rank = attributes.iter().find(|a| a["trait_type"] == "Rank").unwrap();
    assert_eq!(rank["display_type"], "number");
    assert!(attributes.iter().any(|a| a["value"] == "001/12"), "{token}");
    assert_eq!(token["properties"]["rarity"]["of"], 12);
    let generation = &token["properties"]["generation"];
    assert_eq!(generation["width"], 24);
    assert!(generation["sampler"].is_null() && generation["seed"].is_null(), "{generation}");
    assert_eq!(generation["recipe"].as_str().unwrap().len(), 64);
    assert!(token["properties"]["layers"][0]["name"].as_str().unwrap().starts_with("1-Sky/"));
    let remake = &generation["remake"];
    assert_eq!((remake["item"].as_u64(), remake["picture"].as_str()), (Some(0), Some("images/0.png")));
    assert_eq!(remake["graph"], blake3::hash(b"Graph(...)").to_hex().as_str());
    assert_eq!(token["properties"]["files"][0]["sha256"], remake["file"]);
    assert_eq!(token["properties"]["files"][0]["type"], "image/png");
    assert_eq!(remake["pixels"].as_str().unwrap().len(), 64);
    let collection = json(&dir.path().join("collection.json"));
    assert_eq!((collection["name"].as_str(), collection["symbol"].as_str()), (Some("Foxes"), Some("FOX")));
    assert_eq!(collection["properties"]["size"], 12);
    assert_eq!(collection["properties"]["plan"].as_str().unwrap().len(), 64);
}

#[test]
fn a_drawn_picture_tells_its_seed_and_gates() {
    let world = world();
    let text = r#"
        "paper": (type: "NoiseImage", with: { "size": (20, 16), "seed": 7, "scale": 9 }),
        "good": (type: "QualityGate", from: { "image": "paper.image" }, with: { "retry": "paper.seed", "attempts": 9, "contrast": (0.01, 1.0) }),
        "token": (type: "TokenMetadata", from: { "picture": "good.image" }, with: { "name": "Paper {number}" }),
        "save": (type: "SaveToken", from: { "token": "token.token" })"#;
    let dir = made(world.path(), text, 3);
    let generation = json(&dir.path().join("metadata/2.json"))["properties"]["generation"].clone();
    let seed: u64 = generation["seed"].as_str().unwrap().parse().unwrap();
    assert!(seed > 1000, "the item's own seed: {seed}");
    assert!(generation["attempt"].as_u64().unwrap() >= 1, "{generation}");
    assert!(generation["gates"]["good"].as_f64().is_some(), "{generation}");
    assert!(generation["prompt"].is_null() && generation["steps"].is_null());
}

#[test]
fn what_marketplaces_could_not_read_is_refused() {
    let world = world();
    let with = |with: &str| {
        told(
            world.path(),
            &format!(
                r#"{TRAITS} "n": (type: "TokenMetadata", from: {{ "traits": "own.traits" }}, with: {{ {with} }})"#
            ),
        )
    };
    assert!(with("").starts_with("{"), "{}", with(""));
    for (set, says) in [
        (r#""image": "C:\\pictures\\1.png""#, "image"),
        (r#""name": """#, "name"),
        (r#""name": "{nmae}""#, "did you mean `name`"),
        (r#""name": "{trait:Furr}""#, "did you mean `Fur`"),
        (r#""name": "{rank}""#, "has no value here"),
        (r#""background_color": "red""#, "background_color"),
        (r#""external_url": "javascript:alert(1)""#, "external_url"),
        (r#""more_attributes": ["Fur"]"#, "no name"),
        (r#""more_attributes": ["Power (number): much"]"#, "is no number"),
        (r#""properties": "[1]""#, "no JSON object"),
        (r#""properties": "{\"generation\": 1}""#, "is there already"),
    ] {
        let said = with(set);
        assert!(said.contains(says) && !said.starts_with('{'), "{set}: {said}");
    }
    let text = r#""t": (type: "LongText", with: { "value": "{\"name\": \"x\"}" }),
        "save": (type: "SaveToken", from: { "token": "t.value" })"#;
    let out = tempfile::tempdir().unwrap();
    let how = How { items: Some(1), out: Some(out.path()), ..How::default() };
    let report = run(&engine(), world.path(), text, &how).unwrap();
    assert!(report.failures[0].2.contains("image: it is missing"), "{:?}", report.failures);
    assert!(!out.path().join("metadata").exists(), "nothing was written");
}

#[test]
fn hostile_names_do_not_leave_the_folder() {
    let world = world();
    let text = format!(
        r#"{TRAITS} "token": (type: "TokenMetadata", from: {{ "traits": "own.traits" }}),
            "save": (type: "SaveToken", from: {{ "token": "token.token" }}, with: {{ "name": "../{{number}}.json" }})"#
    );
    let out = tempfile::tempdir().unwrap();
    let how = How { items: Some(1), out: Some(out.path()), ..How::default() };
    let report = run(&engine(), world.path(), &text, &how).unwrap();
    assert!(report.failures[0].2.contains("inside the output folder"), "{:?}", report.failures);
    let same = text.replace("../{number}.json", "one.json");
    let problems = run(&engine(), world.path(), &same, &how).unwrap_err();
    assert!(problems.contains("every token would write the same file"), "{problems}");
}

#[test]
fn versions_link_back() {
    let world = world();
    let text = format!("{LAYERS} {TOKEN}");
    let first = made(world.path(), &text, 1);
    std::fs::copy(first.path().join("metadata/1.json"), world.path().join("before.json")).unwrap();
    std::fs::write(
        world.path().join("state.json"),
        r#"{"level": 3, "name": "Ash", "won": true, "skills": ["dig"]}"#,
    )
    .unwrap();
    let text = text.replace(
        r#""traits": "own.traits" },
        with: {"#,
        r#""traits": "own.traits", "previous": "before.token", "state": "level.state", "a": "level.whole" },
        with: {"#,
    );
    let text = text.replace("\"Edition: {number:3}/{total}\"", "\"Level (number): {a}\"");
    let text = format!(
        r#"{text} "before": (type: "PreviousToken", with: {{ "file": "before.json" }}),
        "level": (type: "TokenState", with: {{ "file": "state.json", "path": "level" }})"#
    );
    let second = made(world.path(), &text, 1);
    let token = json(&second.path().join("metadata/1.json"));
    let properties = &token["properties"];
    assert_eq!(properties["version"], 2);
    assert_eq!(properties["state"]["name"], "Ash");
    assert_eq!(properties["history"][0]["version"], 1);
    assert_eq!(properties["history"][0]["metadata"].as_str().unwrap().len(), 64);
    assert!(
        token["attributes"].as_array().unwrap().iter().any(|a| a["trait_type"] == "Level" && a["value"] == 3)
    );
    std::fs::copy(second.path().join("metadata/1.json"), world.path().join("before.json")).unwrap();
    let third = made(world.path(), &text, 1);
    let token = json(&third.path().join("metadata/1.json"));
    assert_eq!(token["properties"]["version"], 3);
    assert_eq!(token["properties"]["history"].as_array().unwrap().len(), 2);
    std::fs::write(world.path().join("before.json"), "{}").unwrap();
    assert!(
        told(world.path(), r#""n": (type: "PreviousToken", with: { "file": "before.json" })"#)
            .contains("name: it is missing")
    );
}

#[test]
fn states_are_read_by_path() {
    let world = world();
    std::fs::write(
        world.path().join("s.json"),
        r#"{"level": 3.6, "name": "Ash", "won": true, "skills": ["dig", 7], "deep": {"x": null}}"#,
    )
    .unwrap();
    let of = |with: &str| {
        told(world.path(), &format!(r#""n": (type: "TokenState", with: {{ "file": "s.json", {with} }})"#))
    };
    assert!(of(r#""path": "level""#).starts_with("3.6 | 4 | 3.6 | true | true"));
    assert!(of(r#""path": "skills/1""#).starts_with("7.0 | 7 | 7 | true | true"));
    assert!(of(r#""path": "name""#).starts_with("0.0 | 0 | Ash | true | true"));
    assert!(of(r#""path": "deep.x", "otherwise_number": 2"#).starts_with("2.0 | 2 |  | false | false"));
    assert!(of(r#""path": "lvel", "required": true"#).contains("did you mean \"level\""));
    assert!(of(r#""path": "skills/99999999999999999999""#).contains("false | false"));
    std::fs::write(world.path().join("s.json"), "{").unwrap();
    assert!(of(r#""path": """#).contains("not JSON"));
}

#[test]
fn names_and_lore_fit_the_item() {
    let world = world();
    let grammar = r#"(start: \"name\", rules: {\"name\": [\"{title:mood} {trait:Fur}\"], \"mood\": [\"salty\", \"windy\", \"quiet\", \"bold\", \"shy\", \"old\", \"wry\", \"dim\", \"kind\", \"sly\", \"odd\", \"calm\", \"mild\", \"wild\", \"grim\", \"glad\", \"prim\", \"tall\", \"wise\", \"vain\"]})"#;
    let names = format!(
        r#"{TRAITS} "n": (type: "TokenNames", from: {{ "assignment": "all.assignment" }}, with: {{ "grammar": "{grammar}" }})"#
    );
    let text = names.replace("(name: \"Red\"", "");
    let said = told(world.path(), &text);
    // Twenty moods and three furs are sixty names at most, and reds are more than twenty.
    assert!(said.contains("nothing that was not there before"), "{said}");
    let more = grammar.replace("{title:mood} {trait:Fur}", "{title:mood} {title:mood} {trait:Fur}");
    let list = told(world.path(), &names.replace(grammar, &more));
    let mut all: Vec<&str> = list.trim_matches(['[', ']']).split("; ").collect();
    assert_eq!(all.len(), 60, "{list}");
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 60);
    let lore = format!(
        r#"{TRAITS} "n": (type: "Lore", from: {{ "traits": "own.traits" }}, with: {{ "grammar": "{grammar}", "seed": 4 }})"#
    );
    assert_eq!(told(world.path(), &lore), told(world.path(), &lore));
    assert!(told(world.path(), &lore.replace("trait:Fur", "trait:Furr")).contains("the item has no `Furr`"));
    assert!(told(world.path(), r#""n": (type: "Lore")"#).contains("there is no grammar"));
    std::fs::write(world.path().join("g.ron"), "(start: \"a\", rules: {\"a\": [\"{b}\"]})").unwrap();
    assert!(told(world.path(), r#""n": (type: "Lore", with: { "file": "g.ron" })"#).contains("g.ron"));
}
