//! Disks that tear, lose, fill up and fail while a batch runs; `kill -9` never tests any of that.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
mod support;
use kiln_core::doors::OutFolder;
use kiln_core::store::faults::{Faults, FaultyDisk};
use kiln_core::store::{DiskCache, Folder, Millis, RealDisk};
use kiln_core::{Plan, RunReport, Setup, Status};
use std::path::Path;
use std::sync::Arc;
use support::*;

const ITEMS: u64 = 24;

fn plan_it(engine: &kiln_core::Engine) -> Plan {
    let g = graph(
        r#""d": (type: "Draw", with: { "seed": 7 }), "m": (type: "Add", from: { "a": "d.value" }),
           "w": (type: "Write", from: { "value": "m.value" }, with: { "name": "items/{item}.txt" }),
           "s": (type: "Sum", from: { "values": "m.value" }),
           "all": (type: "Write", from: { "value": "s.value" }, with: { "name": "sum.txt" }),"#,
    );
    plan(engine, &g, &batch_wish())
}

fn go(dir: &Path, disk: Arc<FaultyDisk>) -> RunReport {
    let cache = DiskCache::open(dir.join("cache"), disk.clone()).unwrap();
    let engine = engine().with_memory(0).with_disk(Arc::new(cache));
    let plan = plan_it(&engine);
    let root = dir.join("out");
    let out = Arc::new(OutFolder::new(&root, Folder::open(&root, Millis(1)).unwrap(), disk));
    run(&engine, &plan, Setup { out: Some(out), batch: items(ITEMS), jobs: 2, ..Setup::new("r", ".") })
}

fn made(dir: &Path) -> Vec<String> {
    let read = |n: String| std::fs::read_to_string(dir.join("out").join(n)).unwrap_or_default();
    (0..ITEMS).map(|i| read(format!("items/{i}.txt"))).chain([read("sum.txt".into())]).collect()
}

fn truth() -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine();
    let plan = plan_it(&engine);
    let root = dir.path().join("out");
    let out = Arc::new(OutFolder::new(&root, Folder::open(&root, Millis(1)).unwrap(), Arc::new(RealDisk)));
    run(&engine, &plan, Setup { out: Some(out), batch: items(ITEMS), ..Setup::new("r", ".") });
    made(dir.path())
}

#[test]
fn what_is_told_to_be_done_outlives_a_power_cut() {
    let truth = truth();
    for seed in 0..6 {
        let dir = tempfile::tempdir().unwrap();
        let disk = Arc::new(FaultyDisk::new(seed, Faults::default()));
        let report = go(dir.path(), disk.clone());
        assert_eq!(report.status, Status::Done, "{:?}", report.failures);
        disk.power_cut().unwrap();
        assert_eq!(made(dir.path()), truth, "seed {seed}");
    }
}

#[test]
fn failing_disks_cost_items_and_never_give_wrong_ones() {
    let truth = truth();
    for seed in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        // One write in a few is full, fails, or cannot be renamed; the cache tears and loses on top.
        let bad = Faults { full: 60, io: 40, rename: 60, ..Faults::default() };
        let disk = Arc::new(FaultyDisk::new(seed, bad));
        let first = go(dir.path(), disk.clone());
        for (name, is) in (0..ITEMS).map(|i| format!("items/{i}.txt")).zip(made(dir.path())) {
            assert!(is.is_empty() || truth.contains(&is), "seed {seed}: {name} is {is:?}");
        }
        for (_, _, reason) in &first.failures {
            assert!(!reason.contains("fault of"), "{reason}");
        }
        disk.power_cut().unwrap();
        disk.set_faults(Faults::default());
        let second = go(dir.path(), disk);
        assert_eq!(second.status, Status::Done, "seed {seed}: {:?}", second.failures);
        assert_eq!(made(dir.path()), truth, "seed {seed}");
    }
}

#[test]
fn a_cache_that_tears_and_loses_never_gives_a_wrong_value() {
    let truth = truth();
    for seed in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        // The outputs go to a good disk here: a lying one defeats any program. The cache must see through it.
        let lying = Arc::new(FaultyDisk::new(seed, Faults { torn: 300, lost: 300, ..Faults::default() }));
        for _ in 0..2 {
            let cache = DiskCache::open(dir.path().join("cache"), lying.clone()).unwrap();
            let engine = engine().with_memory(0).with_disk(Arc::new(cache));
            let plan = plan_it(&engine);
            let root = dir.path().join("out");
            let out =
                Arc::new(OutFolder::new(&root, Folder::open(&root, Millis(1)).unwrap(), Arc::new(RealDisk)));
            let setup = Setup { out: Some(out), batch: items(ITEMS), jobs: 2, ..Setup::new("r", ".") };
            let report = run(&engine, &plan, setup);
            assert_eq!(report.status, Status::Done, "seed {seed}: {:?}", report.failures);
            assert_eq!(made(dir.path()), truth, "seed {seed}");
            std::fs::remove_file(dir.path().join("out/sum.txt")).unwrap();
        }
    }
}
