//! Whole collections from outside: sealed and audited, reported, decided about, made again, gone on with, planned.

use crate::place::{Place, Said};
use std::collections::BTreeMap;
use std::path::Path;

/// Noise that is a collection: pictures, documents, a report and a seal.
const PAPERS: &str = r#"Graph(
    kiln: 1,
    title: "Papers",
    nodes: {
        "meta": (
            type: "TokenMetadata",
            from: { "picture": "paper.image" },
            with: { "name": "Paper {number}", "image": "ipfs://CID/{number:3}.png", "more_attributes": ["Ink: {number}"] },
        ),
        "paper": (type: "NoiseImage", with: { "seed": 7, "size": (32, 24), "color": true }),
        "report": (type: "CollectionReport", from: { "items": "token.path" }, with: { "name": "Papers" }),
        "save": (type: "SaveImage", from: { "image": "paper.image" }, with: { "name": "pictures/{item:03}" }),
        "seal": (
            type: "SealCollection",
            from: { "after": "report.path", "items": "token.path" },
            with: { "by": "Ada", "name": "Papers" },
        ),
        "token": (type: "SaveToken", from: { "files": "save.files", "token": "meta.token" }),
    },
)
"#;

fn made(items: &str) -> Place {
    let place = Place::new();
    place.write("papers.ron", PAPERS);
    place.run(&["papers.ron", "--items", items]).ends(0);
    place
}

/// Every file of the output folder but Kiln's own, by path.
fn all(place: &Place) -> BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, prefix: &str, all: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
            if entry.path().is_dir() {
                if name != ".kiln" {
                    walk(&entry.path(), &format!("{name}/"), all);
                }
            } else {
                all.insert(name, std::fs::read(entry.path()).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&place.path("out"), "", &mut found);
    found
}

fn audit(place: &Place) -> Said {
    place.run(&["audit", "out"])
}

fn token(place: &Place, n: u64) -> serde_json::Value {
    serde_json::from_str(&place.text(&format!("out/metadata/{n}.json"))).unwrap()
}

#[test]
fn a_changed_byte_is_found_wherever_it_is() {
    let place = made("4");
    audit(&place).ends(0).says("4 items");
    let files = all(&place);
    for kind in [
        "pictures/002.png",
        "metadata/3.json",
        "report/index.html",
        "report/figures/rarity.png",
        "provenance/graph.ron",
    ] {
        assert!(files.contains_key(kind), "{kind} is not in {:?}", files.keys());
    }
    for (path, bytes) in &files {
        let mut changed = bytes.clone();
        let at = changed.len() / 2;
        changed[at] ^= 4;
        place.write(&format!("out/{path}"), &changed);
        audit(&place).ends(1).complains("broken: ");
        place.write(&format!("out/{path}"), bytes);
    }
    audit(&place).ends(0);
}

#[test]
fn added_missing_and_linked_files_are_found() {
    let place = made("3");
    place.write("out/pictures/new.png", "new");
    audit(&place).ends(1).complains("broken: pictures/new.png: it was added after the seal");
    std::fs::remove_file(place.path("out/pictures/new.png")).unwrap();
    let kept = place.bytes("out/pictures/001.png");
    std::fs::remove_file(place.path("out/pictures/001.png")).unwrap();
    let said = place.run(&["audit", "out", "--json"]).ends(1).json();
    assert_eq!(said["breaks"][0]["path"], "pictures/001.png");
    assert_eq!(said["breaks"][0]["what"], "it is missing (token 1)");
    #[cfg(unix)]
    {
        place.write("away.png", &kept);
        std::os::unix::fs::symlink(place.path("away.png"), place.path("out/pictures/001.png")).unwrap();
        audit(&place).ends(1).complains("it is a link");
        place.run(&["seal", "out"]).ends(2).complains("is a link");
        std::fs::remove_file(place.path("out/pictures/001.png")).unwrap();
    }
    place.write("out/pictures/001.png", &kept);
    audit(&place).ends(0);
    // Sealing again takes a change in, and the log goes on.
    let log = place.text("out/provenance/audit.jsonl");
    place.write("out/notes.txt", "hello");
    place.run(&["seal", "out", "--who", "Bob"]).ends(0).says("2nd time").says("provenance ");
    audit(&place).ends(0);
    assert!(place.text("out/provenance/audit.jsonl").starts_with(&log));
    place.run(&["audit", "out", "--show"]).ends(0).says("Bob");
    place.run(&["audit", "out", "--provenance", &"0".repeat(64)]).ends(1).complains("was published");
    place
        .run(&["seal", "out", "--credentials", "studio.pem"])
        .ends(2)
        .complains("C2PA")
        .complains("nothing was sealed");
    audit(&place).ends(0);
    place.run(&["audit", "nowhere"]).ends(2);
    place.run(&["audit", "."]).ends(2).complains("never sealed");
}

#[test]
fn a_token_is_proven_by_itself() {
    let place = made("5");
    place.run(&["prove-file", "out", "3", "-o", "proof.json"]).ends(0).says("root ");
    let root = serde_json::from_str::<serde_json::Value>(&place.text("proof.json")).unwrap()["root"]
        .as_str()
        .unwrap()
        .to_owned();
    place.run(&["check-proof", "proof.json", "--picture", "out/pictures/003.png", "--root", &root]).ends(0);
    place
        .run(&["check-proof", "proof.json", "--picture", "out/pictures/002.png"])
        .ends(1)
        .complains("SHA-256");
    place.run(&["check-proof", "proof.json", "--root", &"1".repeat(64)]).ends(1);
    place.run(&["prove-file", "out", "5"]).ends(2).complains("from 0 to 4");
}

#[test]
fn a_token_is_made_again_bit_for_bit() {
    let place = made("5");
    for n in [0, 4] {
        let path = format!("out/metadata/{n}.json");
        place.run(&["remake", &path]).ends(0).says("bit for bit, and the same file");
    }
    // The picture that lies there does not matter: the document knows what it was.
    place.write("out/pictures/002.png", "gone");
    place.run(&["remake", "out/metadata/2.json", "--keep", "again"]).ends(0);
    assert_eq!(place.bytes("again/pictures/002.png").get(..4), Some(&b"\x89PNG"[..]));
    // Another graph makes another picture, and says so.
    place.write("other.ron", PAPERS.replace("\"seed\": 7", "\"seed\": 8"));
    let said = place.run(&["remake", "out/metadata/1.json", "--graph", "other.ron", "--json"]).ends(1).json();
    assert_eq!((said["same"].as_bool(), said["token"].as_u64()), (Some(false), Some(1)));
    place.write("odd.json", "{\"name\":\"x\"}");
    place.run(&["remake", "odd.json", "--out", "out"]).ends(2).complains("nothing in it tells");
}

#[test]
fn decisions_are_followed_and_written_down() {
    let place = made("6");
    let before = all(&place);
    // A picture made by hand, of the same size, with other pixels.
    place.write("hand.ron", PAPERS.replace("\"seed\": 7", "\"seed\": 99"));
    place.run(&["hand.ron", "--item", "3", "--out", "hand", "--want", "save"]).ends(0);
    std::fs::copy(place.path("hand/pictures/003.png"), place.path("mine.png")).unwrap();
    place.write(
        "decisions.csv",
        "token,decision,file,note,who\n0,approve,,\"fine, really\",Ada\n1,reject,,,Ada\n2,redo,,too dark,\n4,replace,mine.png,by hand,Bob\n5,,,,\n",
    );
    place.run(&["decide", "out", "decisions.csv", "--dry-run"]).ends(0).says("would redo token 2: too dark");
    assert_eq!(all(&place), before);
    place
        .run(&["decide", "out", "decisions.csv", "--who", "Eve"])
        .ends(0)
        .says("1 to redo")
        .says("sealed again");
    audit(&place).ends(0).says("5 items");
    let after = all(&place);
    assert!(!after.contains_key("pictures/001.png") && !after.contains_key("metadata/1.json"));
    assert_eq!(after["pictures/004.png"], place.bytes("mine.png"));
    assert_ne!(after["pictures/002.png"], before["pictures/002.png"]);
    for same in ["pictures/000.png", "pictures/003.png", "metadata/5.json"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    let log = place.text("out/provenance/audit.jsonl");
    for words in [
        "approve token 0: fine, really",
        "reject token 1",
        "redo token 2: too dark",
        "replace token 4 with mine.png: by hand",
        "\"Eve\"",
        "\"Bob\"",
    ] {
        assert!(log.contains(words), "{words} is not in {log}");
    }
    assert_eq!(token(&place, 4)["properties"]["hand_made"]["who"], "Bob");
    // What was drawn again is made again as it is now; what was made by hand cannot be.
    assert_eq!(token(&place, 2)["properties"]["generation"]["attempt"], 2);
    place.run(&["remake", "out/metadata/2.json"]).ends(0).says("bit for bit");
    place.run(&["remake", "out/metadata/4.json"]).ends(2).complains("made by hand");
    // Drawn once more, it is a third picture.
    let second = place.bytes("out/pictures/002.png");
    place.write("again.csv", "token,decision\n2,redo\n1,reject\n");
    place.run(&["decide", "out", "again.csv"]).ends(0);
    let third = place.bytes("out/pictures/002.png");
    assert!(third != second && third != before["pictures/002.png"]);
    place.run(&["remake", "out/metadata/2.json"]).ends(0);
    place.run(&["report", "out"]).ends(0).says("5 items");
    assert!(place.text("out/report/index.html").contains("replace by Bob: by hand"));
    place.run(&["seal", "out"]).ends(0);
    audit(&place).ends(0);
}

#[test]
fn a_list_with_a_slip_changes_nothing() {
    let place = made("3");
    let before = all(&place);
    place.write("text.png", "no picture");
    place.write("small.ron", PAPERS.replace("(32, 24)", "(8, 8)"));
    place.run(&["small.ron", "--item", "0", "--out", "small", "--want", "save"]).ends(0);
    for (list, says) in [
        ("token,decision\n0,redo\n9,redo\n", "there is no token 9"),
        ("token,decision\n0,perhaps\n", "no decision"),
        ("token,decision,file\n0,replace,missing.png\n", "there is no file"),
        ("token,decision,file\n0,replace,text.png\n", "text.png"),
        ("token,decision,file\n0,replace,small/pictures/000.png\n", "make it the same size"),
        ("token\n1\n", "token and decision"),
        ("", "token and decision"),
    ] {
        place.write("list.csv", list);
        place.run(&["decide", "out", "list.csv"]).ends(2).complains(says);
        assert_eq!(all(&place), before, "{list:?}");
    }
    // A folder that is not as it was sealed is not decided about, unless somebody insists.
    place.write("out/pictures/001.png", "changed");
    place.write("list.csv", "token,decision\n0,approve\n");
    place.run(&["decide", "out", "list.csv"]).ends(2).complains("is not as it was sealed");
    place.run(&["decide", "out", "list.csv", "--anyway"]).ends(0);
    audit(&place).ends(0);
}

const PLAN: &str = r#"(
    name: "Foxes", size: 20, seed: 7,
    groups: [
        (name: "Hat", chance: 0.75, values: [(name: "Crown", exactly: 2), (name: "Cap", weight: 3), (name: "Hood")]),
        (name: "Coat", values: [(name: "Red"), (name: "Green"), (name: "Blue"), (name: "Grey"), (name: "Black")]),
        (name: "Eyes", values: [(name: "Open"), (name: "Shut")]),
    ],
    tiers: [(name: "Legendary", any_of: ["Hat: Crown"])],
)
"#;

#[test]
fn plans_are_looked_at_before_anything_is_made() {
    let place = Place::new();
    place.write("plan.ron", PLAN);
    place.run(&["plan", "check", "plan.ron"]).ends(0).says("it can be fulfilled").says("20 items");
    let said = place
        .run(&["plan", "balance", "plan.ron", "--set", "Hat.Crown=exactly:5", "--png", "chart.png"])
        .ends(0);
    let said = said.says("+3").says("█").says("before");
    assert!(said.out.contains('┃'), "{}", said.out);
    assert_eq!(place.bytes("chart.png").get(..4), Some(&b"\x89PNG"[..]));
    let json = place.run(&["plan", "balance", "plan.ron", "--size", "30", "--json"]).ends(0).json();
    assert_eq!(
        (json["size"].as_u64(), json["groups"][0]["values"][0]["items"].as_u64()),
        (Some(30), Some(2))
    );
    place.write("old.ron", PLAN.replace("weight: 3", "weight: 1"));
    place.run(&["plan", "balance", "plan.ron", "--against", "old.ron"]).ends(0).says("change");
    let csv = place.run(&["plan", "assign", "plan.ron", "--csv"]).ends(0).out;
    assert_eq!(csv.lines().count(), 21, "{csv}");
    assert!(csv.starts_with("item,Hat,Coat,Eyes,tier,rank\n"), "{csv}");
    assert_eq!(csv.matches("Crown").count(), 2);
    assert_eq!(csv, place.run(&["plan", "assign", "plan.ron", "--csv"]).ends(0).out);
    assert_ne!(csv, place.run(&["plan", "assign", "plan.ron", "--csv", "--seed", "8"]).ends(0).out);
    // A contradiction names the rules and the numbers.
    let rules = "rules: [AtLeast(count: 3, all_of: [\"Hat: Crown\"])],\n    tiers";
    place.write("no.ron", PLAN.replace("tiers", rules));
    for command in ["check", "assign", "balance"] {
        place.run(&["plan", command, "no.ron"]).ends(1).complains("Crown").complains("3");
    }
    let json = place.run(&["plan", "check", "no.ron", "--json"]).ends(1).json();
    assert!(json["culprits"].as_array().unwrap().len() >= 2, "{json}");
    place.write("bad.ron", "(size: 3, groups: [(nam: 1)])");
    place.run(&["plan", "check", "bad.ron"]).ends(2).complains("bad.ron");
    place.write("t.csv", "group,value\nHat,Crown\nHat,Cap\n");
    place.run(&["plan", "check", "t.csv"]).ends(2).complains("--size");
    place.run(&["plan", "check", "t.csv", "--size", "2"]).ends(0);
    place.write("layers/Hat/Crown#5.png", "");
    place.write("layers/Hat/Cap.png", "");
    place.run(&["plan", "check", "layers", "--size", "2"]).ends(0);
}

/// What a paper becomes: darker with age, and its document tells.
const OLDER: &str = r#"Graph(
    kiln: 1,
    title: "Older",
    nodes: {
        "age": (type: "TokenState", with: { "path": "age" }),
        "meta": (
            type: "TokenMetadata",
            from: { "a": "age.whole", "picture": "paper.image", "previous": "past.token" },
            with: { "name": "Paper {number}, {a} years old", "image": "ipfs://CID/{number:3}.png" },
        ),
        "paper": (type: "NoiseImage", from: { "seed": "past.seed" }, with: { "size": (32, 24) }),
        "past": (type: "PreviousToken"),
        "save": (type: "SaveImage", from: { "image": "paper.image" }, with: { "name": "{item}" }),
        "token": (type: "SaveToken", from: { "files": "save.files", "token": "meta.token" }),
    },
)
"#;

#[test]
fn a_token_goes_on_to_its_next_version() {
    let place = made("3");
    place.write("older.ron", OLDER);
    place.write("state.json", r#"{"age": 30}"#);
    let first = place.bytes("out/metadata/1.json");
    let picture = place.bytes("out/pictures/001.png");
    place
        .run(&["evolve", "out/metadata/1.json", "--state", "state.json", "--graph", "older.ron"])
        .ends(0)
        .says("version 2");
    let now = token(&place, 1);
    assert_eq!(now["properties"]["version"], 2);
    assert_eq!(now["properties"]["previous"]["document"], "versions/1/v1.json");
    // The graph of the next version says the same address: the version stands in its name.
    assert_eq!(now["image"], "ipfs://CID/001-v2.png");
    assert_eq!(place.bytes("out/versions/1/v1.json"), first);
    assert_eq!(place.bytes("out/pictures/001.png"), picture);
    assert_ne!(place.bytes("out/versions/1/v2.png"), picture);
    assert_eq!(now["properties"]["state"]["age"], 30);
    assert_eq!(now["properties"]["history"].as_array().unwrap().len(), 1);
    audit(&place).ends(0);
    place.write("state.json", r#"{"age": 31}"#);
    place
        .run(&["evolve", "out/metadata/1.json", "--state", "state.json", "--graph", "older.ron"])
        .ends(0)
        .says("version 3");
    assert_eq!(token(&place, 1)["properties"]["history"].as_array().unwrap().len(), 2);
    assert!(place.text("out/provenance/audit.jsonl").contains("evolve token 1 to version 3"));
    audit(&place).ends(0);
    // What goes wrong changes nothing.
    let before = all(&place);
    place.write("state.json", "{");
    place
        .run(&["evolve", "out/metadata/1.json", "--state", "state.json", "--graph", "older.ron"])
        .ends(2)
        .complains("not JSON");
    place.write("state.json", "{}");
    place
        .run(&["evolve", "out/metadata/1.json", "--state", "state.json", "--graph", "papers.ron"])
        .ends(2)
        .complains("TokenState");
    assert_eq!(all(&place), before);
}

/// The same, and a person looks at each.
fn gated() -> String {
    let gates = r#""look": (
            type: "ReviewGate",
            from: { "image": "paper.image" },
            with: { "attempts": 9, "question": "Is it pretty?", "retry": "paper.seed", "then": "skip" },
        ),
        "paper":"#;
    PAPERS
        .replace("\"paper\":", gates)
        .replace(
            "\"save\": (type: \"SaveImage\", from: { \"image\": \"paper.image\" }",
            "\"save\": (type: \"SaveImage\", from: { \"image\": \"look.image\" }",
        )
        .replace("\"picture\": \"paper.image\"", "\"picture\": \"look.image\"")
}

#[test]
fn people_and_gates_are_told_and_their_attempts_made_again() {
    let place = Place::new();
    place.write("papers.ron", gated());
    place.run(&["papers.ron", "--items", "5"]).ends(3);
    place.run(&["review", "out", "--accept", "0-2,4", "--redo", "3:too loud"]).ends(0);
    place.run(&["papers.ron", "--items", "5", "--resume"]).ends(3);
    place.run(&["review", "out", "--accept", "3"]).ends(0);
    place.run(&["papers.ron", "--items", "5", "--resume"]).ends(0);
    audit(&place).ends(0);
    let log = place.text("out/provenance/audit.jsonl");
    assert!(log.contains("accept item 0, attempt "), "{log}");
    assert!(log.contains("at gate look: too loud") && log.contains("redo item 3, attempt "), "{log}");
    let page = place.text("out/report/index.html");
    assert!(
        page.contains("id=\"gates\"") && page.contains("look<small>") && page.contains("too loud"),
        "no rejections on the page"
    );
    // Working files of people and gates are told as not sealed, and sealed when asked.
    place.run(&["audit", "out"]).ends(0).complains("not sealed");
    place.run(&["seal", "out"]).ends(0);
    let sheet = "out/review/look/decisions.csv";
    let list = place.bytes(sheet);
    place.write(sheet, [&list[..], b"\n"].concat());
    audit(&place).ends(1).complains("review/look/decisions.csv");
    place.write(sheet, &list);
    // People do not stand in the way of making the accepted attempt again.
    let attempts: Vec<u64> =
        (0..5).filter_map(|n| token(&place, n)["properties"]["generation"]["attempt"].as_u64()).collect();
    assert!(attempts.iter().any(|a| *a > 1), "{attempts:?}");
    for n in 0..5 {
        place.run(&["remake", &format!("out/metadata/{n}.json")]).ends(0).says("bit for bit");
    }
}

#[test]
fn missing_models_are_named_and_found_by_their_hash() {
    let place = made("2");
    let path = "out/metadata/1.json";
    let bytes = b"weights";
    let hash = kiln_core::types::Key(*blake3::hash(bytes).as_bytes()).to_string();
    let mut document = token(&place, 1);
    document["properties"]["generation"]["models"] =
        serde_json::json!([{ "name": "fox.safetensors", "hash": hash }]);
    place.write(path, document.to_string());
    place
        .run(&["remake", path])
        .ends(2)
        .complains("fox.safetensors")
        .complains(&hash[..12])
        .complains("--models");
    place.write("shelf/checkpoints/fox.safetensors", "other weights");
    place.run(&["remake", path, "--models", "shelf"]).ends(2).complains("has other bytes");
    place.write("shelf/checkpoints/another-name.safetensors", bytes);
    place.run(&["remake", path, "--models", "shelf"]).ends(0);
}

#[test]
fn a_log_that_was_cut_is_not_gone_on_with() {
    let place = made("2");
    let log = place.text("out/provenance/audit.jsonl");
    let lines: Vec<&str> = log.lines().collect();
    place.write("out/provenance/audit.jsonl", lines[..lines.len() - 1].join("\n") + "\n");
    audit(&place).ends(1).complains("lines were cut off");
    place.run(&["seal", "out"]).ends(2).complains("lines were cut off").complains("bring the log back");
    place.write("list.csv", "token,decision\n0,approve\n");
    place.run(&["decide", "out", "list.csv", "--anyway"]).ends(2).complains("lines were cut off");
    // Half a line, as a full disk leaves it.
    place.write("out/provenance/audit.jsonl", &log[..log.len() - 40]);
    audit(&place).ends(1).complains("it is cut off");
    place.write("out/provenance/audit.jsonl", &log);
    audit(&place).ends(0);
    // A sealing that was interrupted after its first file is finished by the next.
    place.write("out/notes.txt", "new");
    let manifest = place.text("out/provenance/provenance.json");
    place.write("out/provenance/provenance.json", manifest.replace("\"seal\": 1", "\"seal\": 2"));
    audit(&place).ends(1).complains("a sealing was interrupted");
    place.run(&["seal", "out"]).ends(0);
    audit(&place).ends(0);
}

#[test]
fn what_a_lora_learned_from_is_in_the_log() {
    let place = Place::new();
    place.write("papers.ron", PAPERS);
    let hash = "ab".repeat(32);
    place.write("shelf/loras/fox.safetensors", "weights");
    place.write("shelf/loras/fox.card.json", format!("{{\"data_log\":{{\"sha256\":\"{hash}\"}}}}"));
    place.run(&["papers.ron", "--items", "2", "--models", "shelf"]).ends(0);
    assert!(!place.text("out/provenance/audit.jsonl").contains("data log"));
    let mut document = token(&place, 1);
    document["properties"]["generation"]["loras"] =
        serde_json::json!([{ "name": "fox.safetensors", "strength": 0.8 }]);
    place.write("out/metadata/1.json", document.to_string());
    for _ in 0..2 {
        place.run(&["seal", "out"]).ends(0);
        let log = place.text("out/provenance/audit.jsonl");
        let lines: Vec<&str> =
            log.lines().filter(|l| l.contains("data log of lora fox.safetensors")).collect();
        assert!(lines.len() == 1 && lines[0].contains(&hash), "{log}");
    }
    audit(&place).ends(0);
}
