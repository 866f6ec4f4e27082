//! The same batch, however it is split: identical bytes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use support::*;

const ITEMS: u64 = 60;

/// Gates that draw again, an ordered gate, a fan-in and what needs it.
const GRAPH: &str = r##"Graph(
    kiln: 1,
    title: "Split",
    nodes: {
        "paper": (type: "NoiseImage", with: { "size": (48, 40), "seed": 11, "kind": "fbm", "scale": 30 }),
        "good": (type: "QualityGate", from: { "image": "paper.image" }, with: { "contrast": (0.05, 1.0), "retry": "paper.seed", "attempts": 4 }),
        "other": (type: "UniqueGate", from: { "image": "good.image" }, with: { "retry": "paper.seed", "attempts": 4 }),
        "frame": (type: "PadImage", from: { "image": "other.image" }, with: { "size": 3, "color": "#101820" }),
        "save": (type: "SaveImage", from: { "image": "frame.image" }, with: { "name": "{item:05}" }),
        "sheet": (type: "ContactSheet", from: { "images": "frame.image" }, with: { "columns": 10, "cell": (48, 48), "caption": "{item}" }),
        "save sheet": (type: "SaveImage", from: { "image": "sheet.image" }, with: { "name": "sheet" }),
        "pages": (type: "ContactSheet", from: { "images": "frame.image" }, with: { "columns": 4, "cell": (48, 48), "window": 16 }),
        "save pages": (type: "SaveImage", from: { "image": "pages.image" }, with: { "name": "page-{window}" }),
    },
)
"##;

fn batch(dir: &Path, out: &str, jobs: &str) -> std::process::Command {
    let mut c = command(dir);
    c.args(["graph.ron", "--out", out, "--jobs", jobs, "--quiet", "--items", &format!("0..{ITEMS}")]);
    c
}

fn made(dir: &Path, out: &str) -> BTreeMap<String, Vec<u8>> {
    files(&dir.join(out))
}

#[test]
fn one_two_and_four_workers_and_two_processes_make_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("graph.ron"), GRAPH).unwrap();
    for jobs in ["1", "2", "4"] {
        let (code, out, err) =
            run(batch(dir.path(), jobs, jobs).env("KILN_CACHE", dir.path().join("c").join(jobs)));
        assert_eq!(code, 0, "{out}{err}");
    }
    let one = made(dir.path(), "1");
    assert_eq!(one.len() as u64, ITEMS + 1 + 4);
    assert!(one == made(dir.path(), "2"), "two workers");
    assert!(one == made(dir.path(), "4"), "four workers");

    // Two processes, one folder, no cache in common.
    let spawn = |cache: &str| {
        let mut c = batch(dir.path(), "both", "1");
        c.env("KILN_CACHE", dir.path().join("c").join(cache)).stdout(Stdio::null()).stderr(Stdio::piped());
        c.spawn().unwrap()
    };
    let (a, b) = (spawn("a"), spawn("b"));
    for child in [a, b] {
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    assert!(one == made(dir.path(), "both"), "two processes");
}

#[test]
fn a_second_run_makes_nothing_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("graph.ron"), GRAPH).unwrap();
    assert_eq!(run(&mut batch(dir.path(), "out", "2")).0, 0);
    let first = made(dir.path(), "out");
    let (code, out, err) = run(batch(dir.path(), "out", "2").arg("--json"));
    assert_eq!(code, 0, "{err}");
    let summary: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(summary["ran"], 0, "{summary}");
    assert!(first == made(dir.path(), "out"));
}
