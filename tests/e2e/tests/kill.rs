//! `kill -9` of the whole process group at random moments of a 1,000-item batch that writes files, changes an
//! unkind world, and collects everything at its end. Ten kills here; a hundred with `KILN_FULL=1`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on stops")]
mod support;

use kiln_store::{EffectState, Filter, Folder, Millis};
use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::*;

const ITEMS: u64 = 1000;

fn graph(port: u16) -> String {
    format!(
        r##"Graph(
    kiln: 1,
    title: "Killed and killed again",
    nodes: {{
        "paper": (type: "NoiseImage", with: {{ "size": (16, 16), "seed": 7 }}),
        "save": (type: "SaveImage", from: {{ "image": "paper.image" }}, with: {{ "name": "items/{{item:05}}" }}),
        "keyed": (type: "Webhook", with: {{ "url": "http://127.0.0.1:{port}/keyed", "body": "{{ \"item\": \"{{item}}\" }}" }}),
        "asked": (type: "WebhookAsk", with: {{
            "url": "http://127.0.0.1:{port}/asked",
            "status_url": "http://127.0.0.1:{port}/status",
            "body": "{{ \"item\": \"{{item}}\" }}",
        }}),
        "sheet": (type: "ContactSheet", from: {{ "images": "paper.image" }}, with: {{ "columns": 40, "cell": (16, 16) }}),
        "save sheet": (type: "SaveImage", from: {{ "image": "sheet.image" }}, with: {{ "name": "sheet" }}),
        "line": (type: "TextTemplate", with: {{ "template": "{{item}}" }}),
        "lines": (type: "TextSheet", from: {{ "lines": "line.text" }}),
        "save lines": (type: "SaveText", from: {{ "text": "lines.text" }}, with: {{ "name": "lines.txt" }}),
    }},
)
"##
    )
}

fn batch(dir: &Path, port: u16) -> std::process::Command {
    let mut c = command(dir);
    c.args(["graph.ron", "--out", "out", "--jobs", "2", "--quiet", "--resume"]);
    c.args(["--items", &format!("0..{ITEMS}"), "--allow-net", &format!("127.0.0.1:{port}")]);
    c
}

/// Effects that were begun and whose outcome nobody wrote down.
fn doubtful(dir: &Path) -> usize {
    let Ok(folder) = Folder::open_read_only(dir.join("out")) else { return 0 };
    let entries = folder.journal().list(&Filter { state: Some(EffectState::Intent), ..Filter::default() });
    entries.map_or(0, |e| e.len())
}

#[test]
fn everything_happens_once_however_often_it_is_killed() {
    let full = std::env::var_os("KILN_FULL").is_some();
    let mut dice = Dice::new();
    let (mut killed, mut between, mut batches) = (0, 0, 0);
    while killed < if full { 100 } else { 10 } {
        // A batch comes to its end after some kills; the full form then begins another.
        let (k, b) = one_batch(&mut dice, if full { 25 } else { 10 });
        killed += k;
        between += b;
        batches += 1;
        if !full {
            break;
        }
    }
    println!(
        "in all: {batches} batches of {ITEMS} items, {killed} kills, {between} of them between intent and outcome"
    );
    assert!(between * 10 >= killed * 3, "only {between} of {killed} kills fell between intent and outcome");
}

/// Kills a batch so many times, lets it end, and looks at what it did. Kills, and those in between.
fn one_batch(dice: &mut Dice, kills: usize) -> (usize, usize) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start("unkind");
    std::fs::write(dir.path().join("graph.ron"), graph(server.port)).unwrap();

    let mut between = 0;
    let mut killed = 0;
    let mut known = 0;
    // By bad luck few kills may fall in between: then some more are tried.
    while killed < kills || (between * 10 < killed * 3 && killed < kills + 10) {
        // More kills than the batch is long: the effects are forgotten by nobody, so begin where it stands.
        let mut child = batch(dir.path(), server.port)
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let wait = Duration::from_millis(150 + dice.below(400));
        let until = Instant::now() + wait;
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        if child.try_wait().unwrap().is_some() {
            // It came to its end before the kill: whatever is left are items that an unkind answer failed.
            let (code, _, err) = retry(dir.path(), server.port);
            if code == 0 {
                println!("the batch was done after {killed} kills");
                break;
            }
            assert!(code == 1 && !err.contains("panicked"), "{code} {err}");
            continue;
        }
        // The group has the child's number.
        let group = format!("-{}", child.id());
        std::process::Command::new("kill").args(["-9", "--", &group]).status().unwrap();
        child.wait().unwrap();
        killed += 1;
        let now = doubtful(dir.path());
        // Doubts that an unkind answer left are older: only new ones are this kill's.
        between += usize::from(now > known);
        known = now;
    }
    println!("{killed} kills, {between} of them between an effect's intent and its outcome");
    assert!(killed >= kills.min(8), "only {killed} kills before the batch was done");

    let (_, _, err) = run(&mut batch(dir.path(), server.port));
    assert!(!err.contains("panicked"), "{err}");
    let mut rounds = 0;
    loop {
        let (code, out, err) = retry(dir.path(), server.port);
        if code == 0 {
            break;
        }
        rounds += 1;
        assert!(code == 1 && rounds < 20, "{code}: it never comes to an end: {out}{err}");
    }

    let made = files(&dir.path().join("out"));
    let names: BTreeSet<String> = made.keys().cloned().collect();
    let mut expected: BTreeSet<String> = (0..ITEMS).map(|i| format!("items/{i:05}.png")).collect();
    expected.extend(["sheet.png".to_owned(), "lines.txt".to_owned()]);
    let (odd, missing): (Vec<_>, Vec<_>) =
        (names.difference(&expected).collect(), expected.difference(&names).collect());
    assert!(odd.is_empty() && missing.is_empty(), "odd {odd:?}, missing {missing:?}");
    for (name, bytes) in made.iter().filter(|(n, _)| n.ends_with(".png")) {
        assert!(bytes.starts_with(b"\x89PNG") && bytes.ends_with(b"IEND\xaeB`\x82"), "{name} is not whole");
    }
    let lines = String::from_utf8(made["lines.txt"].clone()).unwrap();
    let seen: Vec<u64> = lines.lines().filter_map(|l| l.trim().parse().ok()).collect();
    assert_eq!(seen, (0..ITEMS).collect::<Vec<_>>(), "the fan-in saw all items, in order");

    let (requests, unanswered, done) = server.report();
    println!("{requests} requests, {unanswered} of them done and never answered");
    for path in ["/keyed", "/asked"] {
        let times: Vec<u64> = done.iter().filter(|((p, _), _)| p == path).map(|(_, n)| *n).collect();
        assert_eq!(times.len() as u64, ITEMS, "{path}");
        assert!(times.iter().all(|n| *n == 1), "{path}: something happened twice");
    }

    // Once more: nothing is left to do.
    let before = server.report().0;
    let (code, out, err) = run(batch(dir.path(), server.port).arg("--json"));
    assert_eq!(code, 0, "{err}");
    let summary: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(server.report().0, before);
    assert!(files(&dir.path().join("out")) == made, "files changed");
    assert_eq!(summary["status"], "done", "{summary}");
    (killed, between)
}

fn retry(dir: &Path, port: u16) -> (i32, String, String) {
    // What failed is made ready; what was never reached is made as well.
    let again = run(command(dir).args(["retry", "--out", "out", "--quiet"]));
    if again.0 == 0 {
        return run(&mut batch(dir, port));
    }
    again
}

#[test]
fn the_seed_of_a_run_is_printed() {
    assert!(Dice::new().below(10) < 10);
    assert!(Millis(1) < Millis(2));
}
