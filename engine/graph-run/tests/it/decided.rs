//! What people decided stands: runs that go on or begin anew keep to it, and a kill on the way loses and doubles
//! nothing.

use crate::place::{Place, Said};

/// Noise that is a collection, with a caption that a graph may change.
fn papers(caption: &str) -> String {
    format!(
        r#"Graph(
    kiln: 1,
    title: "Papers",
    nodes: {{
        "meta": (
            type: "TokenMetadata",
            from: {{ "picture": "paper.image" }},
            with: {{ "description": "{caption}", "name": "Paper {{number}}", "image": "ipfs://CID/{{number:3}}.png" }},
        ),
        "paper": (type: "NoiseImage", with: {{ "seed": 7, "size": (32, 24), "color": true }}),
        "save": (type: "SaveImage", from: {{ "image": "paper.image" }}, with: {{ "name": "pictures/{{item:03}}" }}),
        "seal": (type: "SealCollection", from: {{ "items": "token.path" }}, with: {{ "by": "Ada", "name": "Papers" }}),
        "token": (type: "SaveToken", from: {{ "files": "save.files", "token": "meta.token" }}),
    }},
)
"#
    )
}

fn made(items: &str) -> Place {
    let place = Place::new();
    place.write("papers.ron", papers("Noise."));
    place.run(&["papers.ron", "--items", items]).ends(0);
    place
}

fn audit(place: &Place) -> Said {
    place.run(&["audit", "out"])
}

fn attempt(place: &Place, n: u64) -> u64 {
    let text = place.text(&format!("out/metadata/{n}.json"));
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    document["properties"]["generation"]["attempt"].as_u64().unwrap_or(1)
}

#[test]
fn a_run_keeps_to_what_was_decided() {
    let place = made("6");
    let old = place.bytes("out/pictures/002.png");
    place.write("hand.ron", papers("Noise.").replace("\"seed\": 7", "\"seed\": 99"));
    place.run(&["hand.ron", "--item", "3", "--out", "hand", "--want", "save"]).ends(0);
    std::fs::copy(place.path("hand/pictures/003.png"), place.path("mine.png")).unwrap();
    place.write("list.csv", "token,decision,file\n1,reject,\n2,redo,\n4,replace,mine.png\n");
    place.run(&["decide", "out", "list.csv"]).ends(0);
    let kept = |place: &Place| {
        let names = ["pictures/002.png", "metadata/2.json", "pictures/004.png", "metadata/4.json"];
        names.map(|name| place.bytes(&format!("out/{name}")))
    };
    let decided = kept(&place);
    assert_ne!(decided[0], old);
    let same = ["papers.ron", "--items", "6"];
    // Going on, beginning anew, with and without a cache, with more items, with another caption.
    for (n, more) in [&["--resume"][..], &[], &["--resume", "--no-cache"], &["--no-cache"]].iter().enumerate()
    {
        place.run(&[&same[..], more].concat()).ends(0);
        assert_eq!(kept(&place), decided, "run {n}");
        assert!(!place.path("out/pictures/001.png").exists() && !place.path("out/metadata/1.json").exists());
        audit(&place).ends(0).says("5 items");
    }
    place.run(&["papers.ron", "--items", "7", "--resume", "--no-cache"]).ends(0);
    assert_eq!(kept(&place), decided);
    audit(&place).ends(0).says("6 items");
    place.write("papers.ron", papers("Another noise."));
    place.run(&["papers.ron", "--items", "7"]).ends(0).says("1 left out");
    assert_eq!(kept(&place), decided);
    assert!(place.text("out/metadata/0.json").contains("Another noise."));
    assert!(!place.path("out/metadata/1.json").exists());
    audit(&place).ends(0).says("6 items");
    // The seed that was drawn is told, so that the picture is made again bit for bit.
    place.run(&["remake", "out/metadata/2.json"]).ends(0).says("bit for bit");
    place.run(&["remake", "out/metadata/0.json"]).ends(0).says("bit for bit");
    // One that somebody lost is not quietly made as it was before.
    std::fs::remove_file(place.path("out/pictures/004.png")).unwrap();
    place.run(&[&same[..], &["--no-cache"]].concat()).ends(1).complains("stays as it is");
    assert!(!place.path("out/pictures/004.png").exists());
}

#[cfg(unix)]
#[test]
fn a_kill_loses_and_doubles_nothing() {
    let many: Vec<u64> = (0..8).collect();
    let place = made("8");
    let before: Vec<Vec<u8>> =
        many.iter().map(|n| place.bytes(&format!("out/pictures/{n:03}.png"))).collect();
    let lines: String = many.iter().map(|n| format!("{n},redo\n")).collect();
    place.write("list.csv", format!("token,decision\n{lines}"));
    // Killed again and again, a little later each time, until it comes to its end.
    let mut kills = 0;
    for n in 0.. {
        let mut child = place.start(&["decide", "out", "list.csv", "--who", "Ada"]);
        std::thread::sleep(std::time::Duration::from_millis(60 + 35 * n));
        child.kill().unwrap();
        if child.wait().unwrap().code() == Some(0) {
            break;
        }
        kills += 1;
        // A run in between keeps to what is decided so far, and finishes what was under way.
        if n % 3 == 2 {
            place.run(&["papers.ron", "--items", "8", "--resume", "--no-cache"]).ends(0);
        }
    }
    assert!(kills > 0, "it was never killed");
    let log = place.text("out/provenance/audit.jsonl");
    for n in &many {
        assert_eq!(attempt(&place, *n), 2, "token {n}");
        assert_eq!(log.matches(&format!("\"redo token {n}\"")).count(), 1, "token {n} in {log}");
        assert_ne!(place.bytes(&format!("out/pictures/{n:03}.png")), before[*n as usize]);
    }
    audit(&place).ends(0).says("8 items");
    place.run(&["papers.ron", "--items", "8", "--resume", "--no-cache"]).ends(0);
    place.run(&["papers.ron", "--items", "8"]).ends(0);
    for n in &many {
        place.run(&["remake", &format!("out/metadata/{n}.json")]).ends(0).says("bit for bit");
    }
    audit(&place).ends(0).says("8 items");
    // Followed once more as a whole, it is another decision.
    place.run(&["decide", "out", "list.csv"]).ends(0);
    assert_eq!(attempt(&place, 3), 3);
    audit(&place).ends(0);
}
