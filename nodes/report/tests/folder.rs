//! Reports from folders: what is counted, what is drawn, what is kept.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_codec::{Format, SaveOptions, encode};
use kiln_collection::assign::assign;
use kiln_collection::metadata::{Generation, Properties, Remake, Token, attributes};
use kiln_collection::plan::{Group, Plan, Tier, TraitValue};
use kiln_report::chart::charts;
use kiln_report::facts::{CollectionFacts, Gate, gather};
use kiln_report::figures::Figures;
use kiln_report::report;
use kiln_types::Image;
use std::collections::BTreeMap;

type Folder = BTreeMap<String, Vec<u8>>;

fn plan(size: u64) -> Plan {
    let hats = vec![
        TraitValue::new("Crown").exactly(2),
        TraitValue::new("Cap").weighing(3.0),
        TraitValue::new("Hood"),
    ];
    let mut hat = Group::new("Hat", hats);
    hat.chance = Some(0.75);
    let coats = ["Red", "Green", "Blue", "Grey", "Black"].map(TraitValue::new).to_vec();
    let mut plan = Plan::new(size, 7, vec![hat, Group::new("Coat", coats)]);
    plan.allow_duplicates = true;
    plan.name = "Foxes".into();
    plan.tiers = vec![Tier { name: "Legendary".into(), any_of: vec!["Hat: Crown".into()], at_least: 1 }];
    plan
}

fn picture(side: usize, shade: f32, alpha: bool) -> Vec<u8> {
    let channels = if alpha { 4 } else { 3 };
    let data: Vec<f32> = (0..side * side)
        .flat_map(|n| {
            let v = (n % side) as f32 / side as f32;
            [shade, v, 1.0 - v, if n % 3 == 0 { 0.0 } else { 1.0 }]
                .into_iter()
                .take(channels)
                .collect::<Vec<_>>()
        })
        .collect();
    let image = Image::new(1, side, side, channels, data).unwrap();
    encode(&image, 0, &SaveOptions::new(Format::Png)).unwrap()
}

fn folder(size: u64) -> Folder {
    let plan = plan(size);
    let made = assign(&plan).unwrap();
    let pictures: Vec<Vec<u8>> = (0..8).map(|n| picture(16 + n * 40, n as f32 / 8.0, n % 2 == 0)).collect();
    let mut files = Folder::new();
    for item in 0..size {
        let at = item as usize;
        let token = Token {
            name: format!("Fox {item}"),
            image: format!("ipfs://CID/{item:04}.png"),
            attributes: attributes(&plan, &made, at),
            properties: Some(Properties {
                tier: plan.tier(&made.item(at)).unwrap().map(str::to_owned),
                generation: Some(Generation {
                    engine: "kiln 0.1.0".into(),
                    prompt: Some(format!("a fox, number {item}")),
                    seed: Some((item * 31).to_string()),
                    remake: Some(Remake { item: Some(item), ..Remake::default() }),
                    ..Generation::default()
                }),
                ..Properties::default()
            }),
            ..Token::default()
        };
        files.insert(format!("metadata/{item}.json"), token.to_text().into_bytes());
        files.insert(format!("pictures/{item:04}.png"), pictures[at % 8].clone());
    }
    files.insert("collection.json".into(), br#"{"name":"The Foxes","description":"Of the north."}"#.to_vec());
    files
}

fn write(files: &mut Folder, facts: &CollectionFacts) -> report::Written {
    let before = files.clone();
    let mut new = Folder::new();
    let written = report::write(
        facts,
        &before,
        &mut |path, bytes| {
            new.insert(path.to_owned(), bytes.to_vec());
            Ok(())
        },
        &mut |_, _| Ok(()),
    )
    .unwrap();
    files.extend(new);
    written
}

#[test]
fn a_folder_becomes_a_report() {
    let mut files = folder(40);
    let plan = plan(40);
    let gates = vec![Gate {
        name: "sharp".into(),
        passed: 40,
        rejected: 9,
        reasons: vec![("score # is below #".into(), 9)],
    }];
    let facts = gather(&files, Some(&plan), gates).unwrap();
    assert_eq!((facts.name.as_str(), facts.size(), facts.tiers[0].items), ("The Foxes", 40, 2));
    let figures = Figures::of(&facts);
    assert_eq!(figures.traits[0].off, Some(0));
    let crown = &figures.traits[0].values[0];
    assert_eq!((crown.name.as_deref(), crown.planned, crown.made), (Some("Crown"), Some(2), 2));
    assert_eq!(figures.traits[0].values[3].name, None);
    assert_eq!(figures.rarity.bins.iter().map(|b| b.items).sum::<u64>(), 40);
    assert!(figures.rarity.bins.iter().all(|b| b.tiers.iter().sum::<u64>() == b.items));
    let best = facts.tokens.iter().min_by_key(|t| t.rank).unwrap();
    assert!(facts.tokens.iter().all(|t| t.score <= best.score + 1e-9));
    let written = write(&mut files, &facts);
    assert!(written.problems.is_empty(), "{:?}", written.problems);
    let names: Vec<&str> = written.files.iter().map(String::as_str).collect();
    assert_eq!(names.len(), 8, "{names:?}");
    for name in
        ["report/index.html", "report/figures.json", "report/figures/traits.png", "report/figures/gates.png"]
    {
        assert!(files.contains_key(name), "{name}");
    }
    let json: serde_json::Value = serde_json::from_slice(&files["report/figures.json"]).unwrap();
    assert_eq!(json["traits"][0]["values"][0]["made"], 2);
    // Every chart and sheet is a picture.
    for name in names.iter().filter(|n| kiln_collection::seal::is_picture(n)) {
        let picture = kiln_codec::decode(&files[*name], &kiln_codec::Limits::default()).unwrap().image;
        assert!(picture.width() >= 1344, "{name}: {}", picture.width());
    }
}

#[test]
fn sheets_of_the_same_pictures_are_kept() {
    let mut files = folder(40);
    let facts = gather(&files, None, Vec::new()).unwrap();
    let first = write(&mut files, &facts);
    let sheets: Vec<String> = first.files.iter().filter(|f| f.contains("thumbs")).cloned().collect();
    assert_eq!(sheets.len(), 2);
    // What stands there already is not drawn again: a mark on it stays.
    files.insert(sheets[0].clone(), b"kept".to_vec());
    files.insert("pictures/0039.png".into(), picture(60, 0.9, false));
    let facts = gather(&files, None, Vec::new()).unwrap();
    let second = write(&mut files, &facts);
    assert_eq!(files[&sheets[0]], b"kept");
    assert!(second.files.contains(&sheets[0]) && !second.files.contains(&sheets[1]));
    let paths: Vec<String> = files.keys().cloned().collect();
    assert_eq!(report::stale(&paths, &second), [sheets[1].clone()]);
}

#[test]
fn pictures_that_cannot_be_shown_are_told_and_the_rest_is_there() {
    let mut files = folder(5);
    files.insert("pictures/0002.png".into(), b"no picture".to_vec());
    files.remove("pictures/0003.png");
    let facts = gather(&files, None, Vec::new()).unwrap();
    assert_eq!(facts.tokens[3].picture, None);
    let written = write(&mut files, &facts);
    assert_eq!(written.problems.len(), 1);
    assert!(written.problems[0].starts_with("pictures/0002.png: "));
    assert_eq!(Figures::of(&facts).pictures, 4);
}

#[test]
fn decisions_in_the_log_are_shown() {
    use kiln_collection::provenance::{AuditLog, Record};
    let mut files = folder(3);
    let mut log = AuditLog::new();
    let mut text = String::new();
    for action in [
        "redo token 1: too dark",
        "approve token 1",
        "file token x",
        "reject item 2",
        "replace token 2 with a.png: by hand",
    ] {
        text.push_str(&log.append(&Record {
            time: 1,
            actor: "Ada".into(),
            action: action.into(),
            subjects: vec![],
        }));
    }
    files.insert("provenance/audit.jsonl".into(), text.into_bytes());
    let facts = gather(&files, None, Vec::new()).unwrap();
    let said: Vec<Option<&str>> = facts.tokens.iter().map(|t| t.decided.as_deref()).collect();
    assert_eq!(said, [None, Some("approve by Ada"), Some("replace by Ada: by hand")]);
}

#[test]
fn tiers_are_in_the_order_of_their_rarity() {
    let mut files = Folder::new();
    for n in 0..12u64 {
        let (hat, tier) = match n {
            0 => ("Crown", "Legendary"),
            1..=3 => ("Bowler", "Rare"),
            _ => ("Cap", "Common"),
        };
        // The most common come first.
        let number = 11 - n;
        let text = format!(
            "{{\"name\":\"a\",\"attributes\":[{{\"trait_type\":\"Hat\",\"value\":\"{hat}\"}}],\"properties\":{{\"tier\":\"{tier}\"}}}}"
        );
        files.insert(format!("metadata/{number}.json"), text.into_bytes());
    }
    let facts = gather(&files, None, Vec::new()).unwrap();
    let tiers: Vec<(&str, u64)> = facts.tiers.iter().map(|t| (t.name.as_str(), t.items)).collect();
    assert_eq!(tiers, [("Legendary", 1), ("Rare", 3), ("Common", 8)]);
    assert_eq!((facts.tokens[11].tier, facts.tokens[0].tier), (Some(0), Some(2)));
}

#[test]
fn plans_in_graphs_are_found_and_numbers_may_be_traits() {
    let plan =
        |names: &str| format!("(name: \"F\", size: 4, groups: [(name: \"Level\", values: [{names}])])");
    let graph = |text: &str, more: &str| {
        format!(
            "Graph(kiln: 1, nodes: {{ \"plan\": (type: \"TraitPlan\", with: {{ \"text\": {text:?} }}),{more} }})"
        )
    };
    let text = plan("(name: \"1\"), (name: \"2.5\")");
    let assign = " \"all\": (type: \"AssignTraits\", with: { \"size\": 2 })";
    let found = kiln_report::facts::plan_in_graph(&graph(&text, assign)).unwrap();
    assert_eq!((found.size, found.groups[0].values.len()), (2, 2));
    let two = graph(&text, " \"other\": (type: \"TraitPlan\")");
    assert!(kiln_report::facts::plan_in_graph(&two).is_none());
    assert!(kiln_report::facts::plan_in_graph("no graph").is_none());
    let mut files = Folder::new();
    files.insert("provenance/graph.ron".into(), graph(&text, assign).into_bytes());
    for (n, level) in [(0, "1"), (1, "2.5")] {
        let token = format!(
            "{{\"name\":\"a\",\"attributes\":[{{\"trait_type\":\"Level\",\"value\":{level}}},{{\"trait_type\":\"Age\",\"value\":{n}}},{{\"trait_type\":\"Rarity\",\"value\":\"Epic\"}}]}}"
        );
        files.insert(format!("metadata/{n}.json"), token.into_bytes());
    }
    let facts = gather(&files, None, Vec::new()).unwrap();
    assert_eq!(facts.groups.len(), 1);
    let made: Vec<_> = facts.groups[0].values.iter().map(|v| (v.name.as_str(), v.made, v.planned)).collect();
    assert_eq!(made, [("1", 1, Some(1)), ("2.5", 1, Some(1))]);
    let words = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(facts.tokens[1].numbers, [words("Age", "1"), words("Rarity", "Epic")]);
}

#[test]
fn charts_are_the_same_bytes_and_empty_ones_are_left_out() {
    let files = folder(12);
    let figures = Figures::of(&gather(&files, Some(&plan(12)), Vec::new()).unwrap());
    let (one, two) = (charts(&figures).unwrap(), charts(&figures).unwrap());
    assert!(one.iter().zip(&two).all(|(a, b)| a.png == b.png));
    let names: Vec<&str> = one.iter().map(|c| c.name).collect();
    assert_eq!(names, ["traits.png", "rarity.png", "tiers.png"]);
    assert!(charts(&Figures::default()).unwrap().is_empty());
    // Hostile and endless names are drawn, cut.
    let mut odd = figures.clone();
    odd.traits[0].name = "\u{202e}<b>\n\0".repeat(500);
    odd.traits[0].values[0].name = Some("长名字🦊".repeat(200));
    odd.traits = std::iter::repeat_n(odd.traits[0].clone(), 300).collect();
    assert!(!charts(&odd).unwrap()[0].png.is_empty());
}

#[test]
fn ten_thousand_tokens_are_reported_quickly() {
    let mut files = folder(10_000);
    let started = std::time::Instant::now();
    let facts = gather(&files, Some(&plan(10_000)), Vec::new()).unwrap();
    let written = write(&mut files, &facts);
    assert_eq!(facts.size(), 10_000);
    assert_eq!(written.files.iter().filter(|f| f.contains("thumbs")).count(), 278);
    let page = files["report/index.html"].len();
    assert!(page < 8 << 20, "{page}");
    // Generous: a busy machine is no fault.
    assert!(started.elapsed().as_secs() < 300, "{:?}", started.elapsed());
}
