//! Every command, when all is well and when it is not.

use crate::place::{PAPER, Place};

#[test]
fn a_graph_runs_and_says_so() {
    let place = Place::paper();
    place.run(&["paper.ron"]).ends(0).says("done · 1 written to out").says("3 ran, 0 cached");
    assert_eq!(place.files("out"), ["paper.png"]);
    place.run(&["paper.ron"]).ends(0).says("all 1 written before");
    // What somebody deleted is made again.
    std::fs::remove_file(place.path("out/paper.png")).unwrap();
    place.run(&["paper.ron", "--quiet"]).ends(0);
    assert_eq!(place.files("out"), ["paper.png"]);
}

#[test]
fn nothing_said_prints_help() {
    let place = Place::new();
    place.run(&[]).ends(0).says("Usage: graph-run GRAPH").says("Examples:");
    for command in [
        "check",
        "convert",
        "fmt",
        "nodes",
        "keys",
        "new",
        "templates",
        "runs",
        "retry",
        "lock",
        "verify",
        "cache",
        "completions",
    ] {
        place.run(&[command, "--help"]).ends(0).says("Example");
    }
    place.run(&["--version"]).ends(0).says("graph-run ");
}

#[test]
fn slips_are_recognised() {
    let place = Place::paper();
    place.run(&["chekc", "paper.ron"]).ends(2).complains("did you mean the command `graph-run check`?");
    place.run(&["chekc"]).ends(2).complains("did you mean the command `graph-run check`?");
    place.run(&["papr.ron"]).ends(2).complains("did you mean ./paper.ron?");
    place.run(&["framed-paper.ron"]).ends(2).complains("graph-run new framed-paper");
    place.run(&["nowhere/x.ron"]).ends(2).complains("no such folder");
    place.run(&["paper.ron", "--itms", "3"]).ends(2).complains("--items");
    place.run(&["paper.ron", "--want", "sav"]).ends(2).complains("did you mean \"save\"?");
    place.run(&["nodes", "PadImgae"]).ends(2).complains("did you mean PadImage?");
    place.run(&["new", "framed-papr"]).ends(2).complains("did you mean framed-paper?");
    place.run(&["."]).ends(2).complains("is a folder");
}

#[test]
fn every_problem_is_told_with_its_place() {
    let place = Place::new();
    let text =
        PAPER.replace("\"size\": 4", "\"size\": -4, \"colour\": 3").replace("paper.image", "papr.image");
    place.write("bad.ron", &text);
    let said = place.run(&["bad.ron"]).ends(2);
    assert_eq!(said.err.matches("bad.ron:11:").count(), 3, "{}", said.err);
    let said = said.complains("did you mean").complains("3 problems; nothing was run");
    assert!(said.out.is_empty());
    assert!(!place.path("out").exists(), "nothing ran, so nothing is made");
    place.run(&["check", "bad.ron"]).ends(2).complains("3 problems");
    let json = place.run(&["check", "bad.ron", "--json"]).ends(2).json();
    assert_eq!((json["ok"].as_bool(), json["problems"].as_array().map(Vec::len)), (Some(false), Some(3)));
    place.write("torn.ron", "Graph(kiln: 1, nodes: {");
    place.run(&["torn.ron"]).ends(2).complains("torn.ron:1:");
    place.run(&["check", "torn.ron", "--json"]).ends(2).says("torn.ron:1:");
}

#[test]
fn check_says_what_it_takes() {
    let place = Place::papers();
    place.run(&["check", "paper.ron"]).ends(0).says("it can run").says("3 nodes");
    let json = place.run(&["check", "paper.ron", "--json"]).ends(0).json();
    assert_eq!(json["ok"], true);
    place.run(&["check", "paper.ron", "--set", "size=0x0"]).ends(2).complains("--set size=0x0");
}

#[test]
fn the_canonical_form_is_found_once() {
    let place = Place::new();
    place.write("a.ron", PAPER.replace("    ", "\t").replace("\"seed\": 7,", "\"seed\":   0x7, // lucky\n"));
    place.run(&["fmt", "--check", "a.ron"]).ends(1).says("a.ron");
    let shown = place.run(&["fmt", "--stdout", "a.ron"]).ends(0).out;
    place.run(&["fmt", "a.ron"]).ends(0).says("a.ron: written anew");
    assert_eq!(place.text("a.ron"), shown);
    assert!(shown.contains("// lucky"));
    place.run(&["fmt", "--check", "a.ron"]).ends(0);
    assert_eq!(place.run(&["fmt", "a.ron"]).ends(0).out, "");
    place.write("b.ron", "Graph(");
    place.run(&["fmt", "a.ron", "b.ron", "c.ron"]).ends(2).complains("b.ron:1:").complains("c.ron");
}

#[cfg(unix)]
#[test]
fn fmt_writes_through_a_link() {
    let place = Place::new();
    place.write("real/a.ron", PAPER.replace("    ", "  "));
    std::os::unix::fs::symlink(place.path("real/a.ron"), place.path("a.ron")).unwrap();
    place.run(&["fmt", "a.ron"]).ends(0);
    assert!(std::fs::symlink_metadata(place.path("a.ron")).unwrap().is_symlink());
    place.run(&["fmt", "--check", "real/a.ron"]).ends(0);
}

#[test]
fn nodes_are_described() {
    let place = Place::new();
    place.run(&["nodes"]).ends(0).says("PadImage").says("nodes; graph-run nodes TYPE");
    place.run(&["nodes", "padimage"]).ends(0).says("PadImage, version 1").says("Inputs").says("color");
    assert_eq!(place.run(&["nodes", "PadImage", "--json"]).ends(0).json()["name"], "PadImage");
    assert!(place.run(&["nodes", "--json"]).ends(0).json().as_array().unwrap().len() > 20);
    place.run(&["nodes", "--markdown"]).ends(0).says("# Nodes").says("PadImage");
}

#[test]
fn keys_are_shown_without_running() {
    let place = Place::paper();
    let keys = |args: &[&str]| place.run(&[&["keys", "paper.ron", "--json"], args].concat()).ends(0).json();
    let key = |json: &serde_json::Value, node: &str| {
        json.as_array().unwrap().iter().find(|l| l["node"] == node).unwrap()["key"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (one, other) = (keys(&[]), keys(&["--set", "frame.size=5"]));
    assert_eq!(key(&one, "paper"), key(&other, "paper"));
    assert_ne!(key(&one, "frame"), key(&other, "frame"));
    assert!(!place.path("out").exists() && !place.path("cache").exists());
    place.run(&["keys", "paper.ron"]).ends(0).says("NoiseImage 1").says("seed ");
    place.run(&["paper.ron", "--quiet"]).ends(0);
    let run = place.run(&["runs", "--json"]).ends(0).json()[0]["id"].as_str().unwrap().to_owned();
    let nodes = place.run(&["runs", &run, "--json"]).ends(0).json()["nodes"].clone();
    assert_eq!(key(&nodes, "frame"), key(&one, "frame"));
}

#[test]
fn a_dry_run_leaves_nothing() {
    let place = Place::paper();
    place.run(&["paper.ron", "--dry-run"]).ends(0).says("to be made").says("save (paper) would write to out");
    assert!(!place.path("out").exists() && !place.path("cache").exists());
    place.run(&["paper.ron", "--quiet"]).ends(0);
    place.run(&["paper.ron", "--dry-run"]).ends(0).says("done before");
    let json = place.run(&["paper.ron", "--dry-run", "--json"]).ends(0).json();
    assert_eq!(json["nodes"].as_array().unwrap().len(), 3);
}

#[test]
fn a_run_explains_itself() {
    let place = Place::paper();
    place.run(&["paper.ron", "--explain"]).ends(0).complains("ran: nothing was kept under its key");
    place.run(&["paper.ron", "--explain"]).ends(0).complains("it had happened");
    place
        .run(&["paper.ron", "--explain", "--set", "frame.color=#fff", "--out", "out"])
        .ends(0)
        .complains("ran: color changed");
}

#[test]
fn events_are_lines_of_json() {
    let place = Place::paper();
    let said = place.run(&["paper.ron", "--events", "--json"]).ends(0);
    let lines: Vec<serde_json::Value> = said.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines[0]["event"], "run-started");
    assert!(lines.iter().any(|l| l["event"] == "finished" && l["node"] == "frame"));
    let last = lines.last().unwrap();
    assert_eq!((last["status"].as_str(), last["effects"]["done"].as_u64()), (Some("done"), Some(1)));
}

#[test]
fn values_are_shown() {
    let place = Place::paper();
    place.run(&["paper.ron", "--want", "frame"]).ends(0).says("frame: a picture, 40 x 32");
    assert!(!place.path("out").exists(), "no effect was wanted, so no folder is made");
    let json = place.run(&["paper.ron", "--want", "frame", "--json"]).ends(0).json();
    assert_eq!(json["values"]["frame"]["width"], 40);
}

#[test]
fn locks_are_kept() {
    let place = Place::paper();
    place.run(&["paper.ron", "--quiet"]).ends(0);
    std::fs::copy(place.path("out/paper.png"), place.path("in.png")).unwrap();
    place.write(
        "load.ron",
        r#"Graph(kiln: 1, nodes: {
            "load": (type: "LoadImage", with: { "image": "in.png" }),
            "save": (type: "SaveImage", from: { "images": "load.image" }, with: { "name": "copy" }),
        })"#,
    );
    place.run(&["verify", "load.ron"]).ends(2).complains("has no lock");
    place.run(&["lock", "load.ron"]).ends(0).says("1 files");
    assert!(place.text("load.ron").contains("\"in.png\""), "{}", place.text("load.ron"));
    place.run(&["verify", "load.ron"]).ends(0).says("as locked");
    let text = place.text("load.ron").replace("\"LoadImage\": 1", "\"LoadImage\": 99");
    place.write("load.ron", text);
    std::fs::write(
        place.path("in.png"),
        place.bytes("out/paper.png").iter().chain(b"x").copied().collect::<Vec<_>>(),
    )
    .unwrap();
    let said = place.run(&["verify", "load.ron"]).ends(1);
    said.complains("LoadImage has version").complains("in.png has other bytes").complains("2 differences");
    place.run(&["lock", "load.ron", "--set", "save.name=x"]).ends(2);
}

#[test]
fn models_are_held_against_their_cards() {
    let place = Place::paper();
    place.run(&["paper.ron", "--quiet"]).ends(0);
    std::fs::copy(place.path("out/paper.png"), place.path("in.png")).unwrap();
    place.write(
        "load.ron",
        r#"Graph(kiln: 1, nodes: {
            "load": (type: "LoadImage", with: { "image": "in.png" }),
            "save": (type: "SaveImage", from: { "images": "load.image" }, with: { "name": "copy" }),
        })"#,
    );
    let bytes = place.bytes("in.png");
    let (blake3, length) = (blake3::hash(&bytes).to_hex(), bytes.len());
    place.write("in.log.json", "[]");
    // The SHA-256 of two brackets.
    let log = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945";
    let card = format!(
        r#"{{"file":"in.png","bytes":{length},"blake3":"{blake3}","sha256":"","licence":"MIT","data_log":{{"file":"in.log.json","sha256":"{log}","about":"nothing"}}}}"#
    );
    place.write("in.card.json", &card);
    place.run(&["verify", "load.ron"]).ends(0).says("as on its card").says("learned from nothing");
    place.write("in.log.json", "[1]");
    place.run(&["verify", "load.ron"]).ends(1).complains("other bytes");
    place.write("in.log.json", "[]");
    place.write("in.card.json", card.replace(blake3.as_str(), "00"));
    place.run(&["verify", "load.ron"]).ends(1).complains("is not the model of its card");
    place.write("in.card.json", &card[..50]);
    place.run(&["verify", "load.ron"]).ends(1).complains("in.card.json is no model card");
    place.write("in.card.json", &card);
    place.run(&["lock", "load.ron"]).ends(0);
    let both = place.run(&["verify", "load.ron", "--json"]).ends(0).json();
    assert_eq!(both["models"][0]["card"]["licence"], "MIT");
}

#[test]
fn the_cache_can_be_looked_at_and_emptied() {
    let place = Place::paper();
    place.run(&["cache", "stats"]).ends(0).says("0 values");
    assert!(!place.path("cache").exists(), "looking makes no folder");
    place.run(&["paper.ron", "--set", "size=900x900", "--quiet"]).ends(0);
    assert!(place.run(&["cache", "stats", "--json"]).ends(0).json()["values"].as_u64().unwrap() > 0);
    place.run(&["cache", "gc", "--budget", "1G"]).ends(0).says("0 values removed");
    place.run(&["cache", "gc", "--budget", "much"]).ends(2).complains("512M");
    place.run(&["cache", "clear"]).ends(0).says("0 values stay");
    place.run(&["cache", "stats"]).ends(0).says("0 values");
}

#[test]
fn completions_are_printed() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        place.run(&["completions", shell]).ends(0).says("graph-run");
    }
    place.run(&["completions", "tcsh"]).ends(2);
}
