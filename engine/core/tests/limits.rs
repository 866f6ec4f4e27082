//! Runs that stop at a wrong limit, and what is kept of gates' verdicts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
mod support;

use kiln_core::doors::OutFolder;
use kiln_core::store::{Attempt, DiskCache, Judged, Place, RealDisk};
use kiln_core::{Batch, BatchItems, Engine, RunReport, Setup, Status};
use std::path::Path;
use std::sync::Arc;
use support::*;

fn made(dir: &Path) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap())
        .filter(|e| e.file_type().unwrap().is_file())
        .map(|e| (e.file_name().into_string().unwrap(), std::fs::read_to_string(e.path()).unwrap()))
        .collect();
    all.sort();
    all
}

/// Draws below 1000 / 1000; `min` is the threshold, `more` what else the gate has.
fn drawn(min: &str, more: &str) -> String {
    format!(
        r#""d": (type: "Draw", with: {{ "seed": 3 }}),
           "ok": (type: "AtLeast", from: {{ "value": "d.value" }}, with: {{ "min": {min}, {more} }}),
           "w": (type: "Write", from: {{ "value": "ok.value" }}, with: {{ "name": "{{item}}.txt" }}),"#
    )
}

fn make(engine: &Engine, nodes: &str, out: &Arc<OutFolder>, n: u64, jobs: usize, resume: bool) -> RunReport {
    let plan = plan(engine, &graph(nodes), &batch_wish());
    let batch = Some(Batch::new(&plan, BatchItems::Range(0, n), resume));
    run(engine, &plan, Setup { out: Some(out.clone()), batch, jobs, ..Setup::new("r", ".") })
}

#[test]
fn a_wrong_limit_stops_the_run_and_loses_nothing() {
    let engine = engine();
    for jobs in [1, 4] {
        let dir = tempfile::tempdir().unwrap();
        let folder = out(dir.path());
        let wrong = drawn("1.0", r#""retry": "d.seed", "attempts": 4, "then": "skip", "give_up_after": 30"#);
        let report = make(&engine, &wrong, &folder, 200, jobs, false);
        assert_eq!(report.status, Status::Failed);
        let gave_up = report.gave_up.as_ref().unwrap();
        assert_eq!((gave_up.gate.as_str(), gave_up.rejected), ("ok", 30));
        assert_eq!(gave_up.reasons.len(), 1, "they differ in numbers only: {gave_up:?}");
        assert_eq!(gave_up.reasons[0].1, 30);
        let [low, middle, high] = gave_up.scores;
        assert!((0.0..=middle).contains(&low) && (middle..1.0).contains(&high) && low < high, "{gave_up:?}");
        let words = &report.failures[0].2;
        for part in ["ok: 30 values", "30 times like", "against 1.000", "give_up_after", "run again"] {
            assert!(words.contains(part), "{part:?} is not in {words}");
        }
        let counts = report.items.unwrap();
        assert!(counts.ready > 180 && counts.leased == 0 && counts.failed == 0, "{counts:?}");
        // The limit mended, the run goes on, and all is as if it had never stopped.
        let right = drawn("0.5", r#""retry": "d.seed", "attempts": 4, "then": "skip", "give_up_after": 30"#);
        let report = make(&engine, &right, &folder, 200, jobs, true);
        assert_eq!((report.status, report.gave_up), (Status::Done, None), "{:?}", report.failures);
        let never = tempfile::tempdir().unwrap();
        make(&engine, &right, &out(never.path()), 200, 2, false);
        assert_eq!(made(dir.path()), made(never.path()));
        assert!(made(dir.path()).len() > 150);
    }
}

#[test]
fn what_was_stopped_goes_on_when_it_may_reject_more() {
    let engine = engine();
    let dir = tempfile::tempdir().unwrap();
    let folder = out(dir.path());
    let hard = |more: &str| drawn("0.97", &format!(r#""then": "skip"{more}"#));
    let report = make(&engine, &hard(""), &folder, 400, 2, false);
    assert_eq!(
        (report.status, report.gave_up.unwrap().rejected),
        (Status::Failed, 50),
        "50 unless said otherwise"
    );
    // Another limit is no other batch: what was settled stays so.
    let report = make(&engine, &hard(r#", "give_up_after": 0"#), &folder, 400, 2, true);
    assert_eq!(report.status, Status::Done);
    assert!(report.nodes["ok"].ran + report.nodes["ok"].cached() < 400, "some were settled before");
    let anew = tempfile::tempdir().unwrap();
    make(&engine, &hard(r#", "give_up_after": 0"#), &out(anew.path()), 400, 1, false);
    assert_eq!(made(dir.path()), made(anew.path()));
}

#[test]
fn one_item_may_use_all_its_attempts() {
    let engine = engine();
    let nodes = drawn("0.999", r#""retry": "d.seed", "attempts": 120, "then": "best", "give_up_after": 5"#)
        .replace("{item}.txt", "one.txt");
    let plan = plan(&engine, &graph(&nodes), &kiln_core::Wish::default());
    let dir = tempfile::tempdir().unwrap();
    let report = run(&engine, &plan, Setup { out: Some(out(dir.path())), ..Setup::new("r", ".") });
    assert_eq!((report.status, report.gave_up), (Status::Done, None), "{:?}", report.failures);
    // An accepted one begins the count anew.
    let half = drawn("0.5", r#""then": "skip", "give_up_after": 15"#);
    let report = make(&engine, &half, &out(dir.path()), 300, 3, false);
    assert_eq!(report.status, Status::Done);
    assert!(report.items.unwrap().skipped > 100);
}

#[test]
fn an_ordered_gate_gives_up_too_and_no_fan_in_runs() {
    let engine = engine();
    let nodes = r#""d": (type: "Draw", with: { "seed": 3 }),
        "u": (type: "Distinct", from: { "value": "d.value" }, with: { "then": "skip", "give_up_after": 20 }),
        "s": (type: "Sum", from: { "values": "u.value" }),
        "w": (type: "Write", from: { "value": "s.value" }),"#;
    for jobs in [1, 3] {
        let dir = tempfile::tempdir().unwrap();
        let report = make(&engine, nodes, &out(dir.path()), 300, jobs, false);
        let gave_up = report.gave_up.unwrap();
        assert_eq!((report.status, gave_up.gate.as_str()), (Status::Failed, "u"));
        assert!(gave_up.reasons[0].0.starts_with("like item "), "{gave_up:?}");
        assert_eq!(made(dir.path()), [], "only ten differ, so no sum was made");
        let counts = report.items.unwrap();
        assert!(counts.ready + counts.waiting > 200 && counts.leased == 0, "{counts:?}");
    }
}

#[test]
fn what_gates_said_is_known_after_the_run() {
    let engine = engine();
    let dir = tempfile::tempdir().unwrap();
    let folder = out(dir.path());
    let nodes = r#"
        "p": (type: "Paint", with: { "seed": 1 }),
        "bright": (type: "Bright", from: { "image": "p.image" }, with: { "min": 0.4, "retry": "p.seed", "attempts": 4 }),
        "unlike": (type: "Unlike", from: { "image": "bright.image" }, with: { "retry": "p.seed", "attempts": 4 }),
        "g": (type: "Grey", from: { "image": "unlike.image" }),
        "w": (type: "Write", from: { "value": "g.value" }, with: { "name": "{item}.txt" }),"#;
    let report = make(&engine, nodes, &folder, 30, 3, false);
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    let plan = plan(&engine, &graph(nodes), &batch_wish());
    let batch = Batch::new(&plan, BatchItems::Range(0, 30), true).id;
    let verdicts = folder.folder().verdicts();
    let mut best = 0;
    for item in 0..30 {
        let passes = verdicts.passes(&batch, Place::Item(item)).unwrap();
        let written: f64 =
            std::fs::read_to_string(dir.path().join(format!("{item}.txt"))).unwrap().parse().unwrap();
        let bright = passes.iter().find(|v| v.gate == "bright").unwrap();
        assert!((bright.score - written).abs() < 1e-6, "item {item}: {passes:?}, but {written}");
        if bright.judged == Judged::Passed && passes.len() == 2 {
            assert!(passes.iter().all(|v| v.attempt == bright.attempt), "{passes:?}");
        }
        best += usize::from(passes.iter().any(|v| v.judged == Judged::Best));
        let all = verdicts.of(&batch, Place::Item(item)).unwrap();
        let rejected: Vec<u32> =
            all.iter().filter(|v| v.judged != Judged::Passed).map(|v| v.attempt.own()).collect();
        assert_eq!(rejected.len(), rejected.iter().collect::<std::collections::BTreeSet<_>>().len());
    }
    assert!(best > 0, "of 15 different light greys, 30 items cannot all have their own");
    let counts = verdicts.counts(&batch).unwrap();
    let again = make(&engine, nodes, &folder, 30, 1, false);
    assert_eq!(again.status, Status::Done);
    assert_eq!(verdicts.counts(&batch).unwrap(), counts, "a second run says the same, once");
    let told: u64 = counts.iter().map(|c| c.rejected).sum();
    assert_eq!(told as usize, again.rejections.len(), "{counts:?}");
    // Each rejection has its picture, and as many as that.
    let shelf = folder.folder().shelf("rejected");
    for gate in ["bright", "unlike"] {
        for v in verdicts.rejected(&batch, gate, 0, 1000).unwrap() {
            let thumb = shelf.get(gate, v.place, &v.attempt).unwrap_or_else(|| panic!("{v:?}"));
            if gate == "bright" {
                assert!((f64::from(thumb.data[0]) / 255.0 - v.score).abs() < 0.003, "{v:?}");
            }
        }
    }
    assert_eq!(shelf.count() as u64, told);
}

#[test]
fn rejected_pictures_have_an_end() {
    let engine = engine();
    let dir = tempfile::tempdir().unwrap();
    let folder = out(dir.path());
    let nodes = |min: f64| {
        format!(
            r#""p": (type: "Paint", with: {{ "seed": 1 }}),
               "b": (type: "Bright", from: {{ "image": "p.image" }}, with: {{ "min": {min:?}, "then": "skip", "give_up_after": 0 }}),
               "g": (type: "Grey", from: {{ "image": "b.image" }}),
               "w": (type: "Write", from: {{ "value": "g.value" }}, with: {{ "name": "{{item}}.txt" }}),"#
        )
    };
    let go = |min: f64, keep: usize| {
        let plan = plan(&engine, &graph(&nodes(min)), &batch_wish());
        let batch = Batch::new(&plan, BatchItems::Range(0, 40), false);
        let id = batch.id.clone();
        let setup = Setup {
            out: Some(folder.clone()),
            batch: Some(batch),
            keep_rejected: keep,
            jobs: 3,
            ..Setup::new("r", ".")
        };
        (run(&engine, &plan, setup), id)
    };
    let shelf = folder.folder().shelf("rejected");
    let (report, id) = go(2.0, 7);
    assert_eq!((report.items.unwrap().skipped, shelf.count()), (40, 7));
    assert_eq!(folder.folder().verdicts().counts(&id).unwrap()[0].rejected, 40, "further ones are counted");
    go(2.0, 0);
    assert_eq!(shelf.count(), 7);
    // Another batch finds the shelf full of what is no more, and makes room.
    go(1.5, 7);
    assert_eq!(shelf.count(), 7);
    let kept = folder.folder().verdicts().rejected(&id, "b", 0, 5).unwrap();
    assert_eq!(kept.len(), 5);
    assert_eq!(kept[0].attempt, Attempt::first());
}

#[test]
fn pictures_missing_on_the_shelf_are_made_up_for() {
    // The values and verdicts are in the cache, the folder is new: the pictures are put there all the same.
    let cache = tempfile::tempdir().unwrap();
    let nodes = r#"
        "p": (type: "Paint", with: { "seed": 1 }),
        "u": (type: "Unlike", from: { "image": "p.image" }, with: { "retry": "p.seed", "attempts": 3, "then": "skip" }),
        "b": (type: "Bright", from: { "image": "u.image" }, with: { "min": 0.4, "then": "skip" }),
        "g": (type: "Grey", from: { "image": "b.image" }),
        "w": (type: "Write", from: { "value": "g.value" }, with: { "name": "{item}.txt" }),"#;
    let mut counts = Vec::new();
    for _ in 0..2 {
        let disk = DiskCache::open(cache.path(), Arc::new(RealDisk)).unwrap();
        let engine = engine().with_disk(Arc::new(disk));
        let dir = tempfile::tempdir().unwrap();
        let folder = out(dir.path());
        let report = make(&engine, nodes, &folder, 20, 2, false);
        assert_eq!(report.status, Status::Done, "{:?}", report.failures);
        counts.push((folder.folder().shelf("rejected").count(), made(dir.path())));
    }
    assert!(counts[0].0 > 8 && counts[0] == counts[1], "{counts:?}");
}

#[test]
fn regions_within_regions_keep_their_verdicts_apart() {
    let nodes = r#"
        "a": (type: "Draw", with: { "seed": 1 }),
        "b": (type: "Draw", with: { "seed": 2 }),
        "inner": (type: "AtLeast", from: { "value": "b.value" }, with: { "min": 0.6, "retry": "b.seed", "attempts": 3 }),
        "both": (type: "Join", from: { "values": ["a.value", "inner.value"] }),
        "sum": (type: "Sum", from: { "values": "l.values" }),
        "l": (type: "Many", with: { "count": 1 }),
        "w": (type: "Write", from: { "value": "both.text" }, with: { "name": "{item}.txt" }),"#;
    let engine = engine();
    let dir = tempfile::tempdir().unwrap();
    let folder = out(dir.path());
    let report = make(&engine, nodes, &folder, 8, 2, false);
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    let plan = plan(&engine, &graph(nodes), &batch_wish());
    let id = Batch::new(&plan, BatchItems::Range(0, 8), true).id;
    for item in 0..8 {
        let passes = folder.folder().verdicts().passes(&id, Place::Item(item)).unwrap();
        assert_eq!(passes.len(), 1, "{passes:?}");
    }
}
