//! Assigned traits, and what is made of one of them.

use crate::support::*;
use std::collections::BTreeMap;
use std::path::Path;

/// The traits of every item, in words.
fn items(base: &Path, nodes: &str, count: u64, jobs: usize) -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        r#"{nodes} "save": (type: "SaveText", from: {{ "text": "own.words" }}, with: {{ "name": "{{item}}.txt" }})"#
    );
    let how = How { items: Some(count), jobs, out: Some(dir.path()), ..How::default() };
    let report = run(&engine(), base, &text, &how).unwrap();
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    (0..count)
        .map(|i| (i.to_string(), std::fs::read_to_string(dir.path().join(format!("{i}.txt"))).unwrap()))
        .collect()
}

#[test]
fn items_have_the_same_traits_with_any_number_of_workers() {
    let dir = world();
    let one = items(dir.path(), TRAITS, 60, 1);
    assert_eq!(one, items(dir.path(), TRAITS, 60, 5));
    // Ten of them alone have the traits they have among sixty.
    let ten = items(dir.path(), TRAITS, 10, 2);
    assert!(ten.iter().all(|(item, traits)| one[item] == *traits));
    let golden = one.values().filter(|t| t.contains("Fur: Golden")).count();
    assert_eq!(golden, 2);
    assert_eq!(one.values().filter(|t| t.contains("Hat: Crown")).count(), 3);
    assert!(one.values().filter(|t| t.contains("Fur: Golden")).all(|t| t.contains("Hat: Crown")));
}

#[test]
fn an_item_too_many_is_named() {
    let dir = world();
    let out = tempfile::tempdir().unwrap();
    let text = format!(
        r#"{TRAITS} "save": (type: "SaveText", from: {{ "text": "own.words" }}, with: {{ "name": "{{item}}.txt" }})"#
    );
    let how = How { items: Some(61), out: Some(out.path()), ..How::default() };
    let report = run(&engine(), dir.path(), &text, &how).unwrap();
    assert_eq!(report.failures.len(), 1);
    assert!(report.failures[0].2.contains("there is no item 60"), "{:?}", report.failures);
}

#[test]
fn impossible_plans_are_refused_with_rules_and_numbers() {
    let dir = world();
    std::fs::write(
        dir.path().join("no.ron"),
        r#"(size: 10, groups: [
            (name: "Fur", values: [(name: "Gold", exactly: 4), (name: "Red")]),
            (name: "Hat", values: [(name: "Crown", exactly: 3), (name: "Cap")]),
        ], rules: [Implies(trait: "Fur: Gold", then: ["Hat: Crown"])], allow_duplicates: true)"#,
    )
    .unwrap();
    let told = told(
        dir.path(),
        r#""plan": (type: "TraitPlan", with: { "file": "no.ron" }),
           "n": (type: "AssignTraits", from: { "plan": "plan.plan" })"#,
    );
    assert!(told.contains("cannot be fulfilled") && told.contains('4') && told.contains('3'), "{told}");
    assert!(told.contains("rule 1"), "{told}");
}

#[test]
fn traits_are_given_by_hand() {
    let dir = world();
    let with = TRAITS.replace(
        r#"from: { "plan": "plan.plan" }"#,
        r#"from: { "plan": "plan.plan" }, with: { "by_hand": "hands.csv" }"#,
    );
    let made = items(dir.path(), &with, 60, 2);
    assert!(made["3"].contains("Fur: Golden") && made["3"].contains("Hat: Crown"));
    assert!(!made["4"].contains("Hat"));
    assert_eq!(made.values().filter(|t| t.contains("Fur: Golden")).count(), 2, "counts stay");
    for (table, says) in [
        ("item,Fur\n3,Golden\n", "rule 1 is broken"),
        ("item,Fur\n1,Golden\n2,Golden\n3,Golden\n", "exactly"),
        ("item,Fru\n1,Red\n", "did you mean \"Fur\""),
        ("item,Fur\n1,Rde\n", "did you mean \"Red\""),
        ("item,Fur\n-1,Red\n", "write its number"),
        ("item,Fur\n60,Red\n", "there is no item 60"),
        ("item,Fur\n1,none\n", "every item has"),
        ("Fur\nRed\n", "`item` is not among them"),
        ("item,Fur,Fur\n1,Red,Red\n", "twice"),
        ("item,Fur\n1,Red,x\n", "line 2"),
        ("item,Fur\n5,Red\n5,Silver\n", "twice by hand"),
    ] {
        std::fs::write(dir.path().join("hands.csv"), table).unwrap();
        let text = with.replace("\"all\"", "\"n\"").replace("all.assignment", "n.assignment");
        let told = told(dir.path(), &text);
        assert!(told.starts_with("error") && told.contains(says), "{table}: {told}");
    }
}

#[test]
fn sizes_are_said_somewhere() {
    let dir = world();
    let text = LAYERS
        .replace(r#", with: { "size": 12 }"#, "")
        .replace("\"all\"", "\"n\"")
        .replace("all.assignment", "n.assignment");
    let said = told(dir.path(), &text);
    assert!(said.contains("set size"), "{said}");
    // Two skies, three furs, a hat or none: twelve different items at most.
    let more = LAYERS
        .replace("\"size\": 12", "\"size\": 13")
        .replace("\"all\"", "\"n\"")
        .replace("all.assignment", "n.assignment");
    let said = told(dir.path(), &more);
    assert!(said.contains("error"), "{said}");
}

/// What a node makes of the traits of item 3, who was given gold and a crown.
fn of_three(node: &str, with: &str) -> String {
    let dir = world();
    let traits = TRAITS
        .replace(
            r#"from: { "plan": "plan.plan" }"#,
            r#"from: { "plan": "plan.plan" }, with: { "by_hand": "hands.csv" }"#,
        )
        .replace(
            r#"from: { "assignment": "all.assignment" }"#,
            r#"from: { "assignment": "all.assignment" }, with: { "without": 3 }"#,
        );
    told(
        dir.path(),
        &format!(r#"{traits} "n": (type: {node:?}, from: {{ "traits": "own.traits" }}, with: {{ {with} }})"#),
    )
}

#[test]
fn one_trait_as_many_things() {
    assert_eq!(of_three("TraitText", r#""trait": "Fur""#), "Golden | true");
    assert_eq!(of_three("TraitText", r#""trait": "Fur", "words": "shown""#), "Solid Gold | true");
    assert_eq!(of_three("TraitText", r#""trait": "sampler.cfg""#), "5.5 | true");
    assert_eq!(of_three("TraitText", r#""trait": "sampler.steps", "otherwise": "20""#), "20 | false");
    assert_eq!(of_three("TraitNumber", r#""trait": "sampler.cfg""#), "5.5 | 6 | true");
    assert!(of_three("TraitNumber", r#""trait": "Level""#).ends_with("true"));
    assert!(of_three("TraitNumber", r#""trait": "Fur""#).contains("is no number"));
    assert!(of_three("TraitColor", r#""trait": "Sky""#).contains("true"));
    assert!(of_three("TraitColor", r#""trait": "Fur""#).contains("is no colour"));
    assert!(of_three("TraitText", r#""trait": "Furr""#).contains("did you mean \"Fur\""));
    assert_eq!(of_three("TraitIs", r#""traits_named": ["Fur: Golden", "Hat: Crown | Cap"]"#), "true");
    assert_eq!(of_three("TraitIs", r#""traits_named": ["Fur: Red", "Hat: *"], "all": "any""#), "true");
    assert_eq!(of_three("TraitIs", r#""traits_named": ["Hat: none"]"#), "false");
    assert!(of_three("TraitIs", r#""traits_named": ["Hat"]"#).contains("names no trait"));
}

#[test]
fn prompts_and_loras() {
    let made = of_three(
        "TraitPrompt",
        r#""template": "portrait of {Fur}, wearing {Hat}, {Nothing|}", "negative_template": "{all}""#,
    );
    assert!(made.contains("the plan has no group \"Nothing\""), "{made}");
    let made = of_three("TraitPrompt", r#""template": "portrait of {Fur}, wearing {Hat}, {all}, {tier}""#);
    let positive = made.split(" | ").next().unwrap();
    assert!(positive.starts_with("portrait of golden fox, wearing crown, "), "{made}");
    assert!(positive.ends_with("Legendary") && !positive.contains(",,"), "{made}");
    assert_eq!(
        of_three("TraitLoras", r#""factor": 0.5"#),
        "<lora:gold.safetensors:0.4> | [gold.safetensors] | [0.4]"
    );
}

#[test]
fn seeds_follow_traits() {
    let fur = of_three("TraitSeed", r#""groups": ["Fur"]"#);
    assert_eq!(fur, of_three("TraitSeed", r#""groups": ["Fur"]"#));
    assert_ne!(fur, of_three("TraitSeed", r#""groups": ["Hat"]"#));
    assert_ne!(fur, of_three("TraitSeed", r#""groups": ["Fur"], "seed": 1"#));
    assert!(of_three("TraitSeed", r#""groups": ["Furr"]"#).contains("did you mean"));
}

#[test]
fn ten_thousand_items() {
    let dir = tempfile::tempdir().unwrap();
    let group = |g: u32| {
        let values: Vec<String> = (0..9).map(|v| format!("(name: \"V{v}\", weight: {})", v + 1)).collect();
        format!("(name: \"G{g}\", values: [{}])", values.join(", "))
    };
    let groups: Vec<String> = (0..12).map(group).collect();
    std::fs::write(dir.path().join("p.ron"), format!("(size: 10000, groups: [{}])", groups.join(", ")))
        .unwrap();
    let text = r#""plan": (type: "TraitPlan", with: { "file": "p.ron" }),
        "all": (type: "AssignTraits", from: { "plan": "plan.plan" }),
        "own": (type: "ItemTraits", from: { "assignment": "all.assignment" }),
        "rare": (type: "Rarity", from: { "assignment": "all.assignment" }),
        "of": (type: "RarityOf", from: { "rarity": "rare.rarity" }),
        "n": (type: "Collect", from: { "values": "of.rank" })"#;
    let report =
        run(&engine(), dir.path(), text, &How { want: &["own", "n"], items: Some(10_000), ..How::default() })
            .unwrap();
    assert!(report.failures.is_empty(), "{:?}", &report.failures[..1]);
}
