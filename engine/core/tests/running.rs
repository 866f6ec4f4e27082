//! What runs, what does not, and what comes out.
mod support;
use kiln_core::{Setup, Status, Wish};
use support::*;

fn quick(nodes: &str) -> kiln_core::RunReport {
    let engine = engine();
    let plan = plan(&engine, &graph(nodes), &Wish::default());
    run(&engine, &plan, Setup::new("r", "."))
}

#[test]
fn a_line_of_nodes() {
    let report = quick(
        r#""n": (type: "Number", with: { "value": 3 }),
           "m": (type: "Add", from: { "a": "n.value" }, with: { "b": 4 }),"#,
    );
    assert_eq!(report.status, Status::Done);
    assert_eq!(value(&report, "m"), "7");
}

#[test]
fn only_what_changed_runs_again() {
    let engine = engine();
    let text = |b: i32| {
        format!(
            r#""n": (type: "Number", with: {{ "value": 3 }}),
               "m": (type: "Add", from: {{ "a": "n.value" }}, with: {{ "b": {b} }}),
               "o": (type: "Add", from: {{ "a": "m.value" }}),"#
        )
    };
    let mut ran = Vec::new();
    for b in [1, 1, 2] {
        let plan = plan(&engine, &graph(&text(b)), &Wish::default());
        let report = run(&engine, &plan, Setup::new("r", "."));
        ran.push((report.nodes["n"].ran, report.nodes["m"].ran, report.nodes["o"].ran));
    }
    assert_eq!(ran, [(1, 1, 1), (0, 0, 0), (0, 1, 1)]);
}

#[test]
fn a_switch_leaves_the_other_branch_alone() {
    for (second, linked) in [("true", false), ("false", false), ("true", true)] {
        let with = if linked { String::new() } else { format!("with: {{ \"second\": {second} }}") };
        let report = quick(&format!(
            r#""bad": (type: "Fail"), "n": (type: "Number", with: {{ "value": 5 }}),
               "s": (type: "Switch", from: {{ "a": "n.value", "b": "bad.value" }}, {with}),
               "m": (type: "Add", from: {{ "a": "s.value" }}),"#
        ));
        if second == "false" || linked {
            assert_eq!((value(&report, "m").as_str(), report.nodes["bad"].failed), ("6", 0));
        } else {
            assert_eq!(report.status, Status::Failed);
            assert_eq!(report.nodes["n"].ran, 0);
        }
    }
}

#[test]
fn lists_are_mapped_and_kept_whole_where_asked() {
    let report = quick(
        r#""l": (type: "Many", with: { "count": 4 }),
           "m": (type: "Add", from: { "a": "l.values" }, with: { "b": 10 }),
           "s": (type: "Sum", from: { "values": "m.value" }),"#,
    );
    assert_eq!(value(&report, "s"), "46 4");
}

#[test]
fn a_failure_is_told_once_and_others_go_on() {
    let report = quick(
        r#""bad": (type: "Fail"), "x": (type: "Add", from: { "a": "bad.value" }),
           "n": (type: "Number", with: { "value": 1 }), "y": (type: "Add", from: { "a": "n.value" }),"#,
    );
    assert_eq!(report.status, Status::Failed);
    assert_eq!(report.failures.len(), 1);
    assert!(report.failures[0].2.contains("it always fails (remove it)"), "{:?}", report.failures);
    assert_eq!(value(&report, "y"), "2");
    assert!(value(&report, "x").contains("it always fails"));
}

#[test]
fn a_node_that_panics_fails_alone() {
    let report = quick(
        r#""p": (type: "Panic"), "n": (type: "Number"), "m": (type: "Add", from: { "a": "n.value" }),"#,
    );
    assert_eq!(report.status, Status::Failed);
    assert!(report.failures[0].2.contains("a fault"));
    assert_eq!(value(&report, "m"), "1");
}

#[test]
fn bypassed_nodes_pass_on_and_muted_ones_stop() {
    let report = quick(
        r#""n": (type: "Number", with: { "value": 3 }),
           "b": (type: "Add", mode: Bypassed, from: { "a": "n.value" }, with: { "b": 100 }),
           "m": (type: "Add", from: { "a": "b.value" }),
           "mute": (type: "Number", mode: Muted), "gone": (type: "Add", from: { "a": "mute.value" }),"#,
    );
    assert_eq!(value(&report, "m"), "4");
    assert!(!report.nodes.contains_key("gone"));
}

#[test]
fn subgraphs_have_ports_and_parameters_of_their_own() {
    let text = r#"Graph(kiln: 1, nodes: {
        "n": (type: "Number", with: { "value": 1 }),
        "k": (type: "Number", with: { "value": 50 }),
        "one": (type: "Subgraph", graph: "Twice", from: { "in": "n.value" }, with: { "by": 10 }),
        "two": (type: "Subgraph", graph: "Twice", from: { "in": "one.out", "by": "k.value" }),
        "end": (type: "Add", from: { "a": "two.out" }, with: { "b": 0 }),
        "join": (type: "Join", from: { "values": ["one.out", "end.value"] }),
    }, graphs: { "Twice": Graph(inputs: { "in": "Float" }, outputs: { "out": "y.value" }, expose: { "by": ["x.b", "y.b"] },
        nodes: { "x": (type: "Add", from: { "a": "$.in" }), "y": (type: "Add", from: { "a": "x.value" }) }) })"#;
    let engine = engine();
    let graph = kiln_core::document::Graph::parse(text).unwrap();
    let plan = plan(&engine, &graph, &Wish::default());
    let report = run(&engine, &plan, Setup::new("r", "."));
    assert_eq!(value(&report, "join"), "21 121");
    assert_eq!(report.nodes["one/x"].ran, 1);
}

#[test]
fn a_gate_draws_again_until_it_likes_the_value() {
    let text = r#""d": (type: "Draw", with: { "seed": 7 }),
        "m": (type: "Add", from: { "a": "d.value" }, with: { "b": 0.0001 }),
        "g": (type: "AtLeast", from: { "value": "m.value" }, with: { "min": 0.9, "retry": "d.seed", "attempts": 100 }),
        "o": (type: "Add", from: { "a": "g.value" }, with: { "b": 1 }),"#;
    let (a, b) = (quick(text), quick(text));
    assert_eq!(a.status, Status::Done, "{:?}", a.failures);
    let v: f64 = value(&a, "o").parse().unwrap();
    assert!(v >= 1.9, "{v}");
    assert_eq!(value(&a, "o"), value(&b, "o"));
    assert!(!a.rejections.is_empty());
    assert_eq!(a.nodes["o"].ran, 1);
    assert_eq!(a.nodes["d"].ran, a.rejections.len() as u64 + 1);
}

#[test]
fn after_the_last_rejection_comes_best_skip_or_fail() {
    let text = |then: &str| {
        format!(
            r#""d": (type: "Draw", with: {{ "seed": 7 }}),
        "g": (type: "AtLeast", from: {{ "value": "d.value" }}, with: {{ "min": 1.0, "retry": "d.seed", "attempts": 5, "then": "{then}" }}),
        "o": (type: "Add", from: {{ "a": "g.value" }}, with: {{ "b": 0.5 }}),"#
        )
    };
    let best = quick(&text("best"));
    let top = best.rejections.iter().map(|r| r.score).fold(0.0, f64::max);
    assert_eq!(value(&best, "o"), (top + 0.5).to_string());
    assert_eq!(best.rejections.len(), 5);
    assert_eq!(quick(&text("skip")).status, Status::Done);
    assert_eq!(quick(&text("fail")).status, Status::Failed);
}

#[test]
fn regions_nest() {
    let text = r#""a": (type: "Draw", with: { "seed": 1 }), "b": (type: "Draw", with: { "seed": 2 }),
        "ga": (type: "AtLeast", from: { "value": "b2.value" }, with: { "min": 0.8, "retry": "a.seed", "attempts": 50 }),
        "gb": (type: "AtLeast", from: { "value": "b.value" }, with: { "min": 0.3, "retry": "b.seed", "attempts": 50 }),
        "b2": (type: "AddTwo", from: { "a": "a.value", "b": "gb.value" }),
        "o": (type: "Add", from: { "a": "ga.value" }),"#
        .replace("\"AddTwo\"", "\"Add\"");
    let report = quick(&text);
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    let v: f64 = value(&report, "o").parse().unwrap();
    assert!(v >= 1.8);
}

#[test]
fn items_draw_seeds_of_their_own_and_meet_in_a_fan_in() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine();
    let g = graph(
        r#""d": (type: "Draw", with: { "seed": 7 }), "m": (type: "Add", from: { "a": "d.value" }),
           "w": (type: "Write", from: { "value": "m.value" }, with: { "name": "{item}.txt" }),
           "s": (type: "Sum", from: { "values": "m.value" }),
           "all": (type: "Write", from: { "value": "s.value" }, with: { "name": "sum.txt" }),"#,
    );
    let plan = plan(&engine, &g, &batch_wish());
    let mut results = Vec::new();
    for jobs in [1, 4] {
        let dir = dir.path().join(jobs.to_string());
        let setup = Setup { out: Some(out(&dir)), batch: items(20), jobs, ..Setup::new("r", ".") };
        let report = run(&engine, &plan, setup);
        assert_eq!(report.status, Status::Done, "{:?}", report.failures);
        let all: Vec<String> =
            (0..20).map(|i| std::fs::read_to_string(dir.join(format!("{i}.txt"))).unwrap()).collect();
        let sum: f64 = all.iter().map(|t| t.parse::<f64>().unwrap()).sum();
        let told: f64 = std::fs::read_to_string(dir.join("sum.txt")).unwrap().parse().unwrap();
        assert!((sum - told).abs() < 1e-9, "{sum} {told}");
        results.push(all);
        // Again: nothing is left to do.
        let setup = Setup { out: Some(out(&dir)), batch: items(20), jobs, ..Setup::new("r", ".") };
        let report = run(&engine, &plan, setup);
        assert_eq!((report.nodes["w"].ran, report.nodes["all"].ran), (0, 0), "{:?}", report.failures);
        // What somebody deleted is made again, and nothing else.
        std::fs::remove_file(dir.join("3.txt")).unwrap();
        let setup = Setup { out: Some(out(&dir)), batch: items(20), jobs, ..Setup::new("r", ".") };
        let report = run(&engine, &plan, setup);
        assert_eq!((report.nodes["w"].ran, report.nodes["all"].ran), (1, 0));
        assert!(dir.join("3.txt").exists());
    }
    assert_eq!(results[0], results[1]);
    assert!(results[0].iter().collect::<std::collections::BTreeSet<_>>().len() > 10);
}

#[test]
fn windows_collect_so_many_items_each() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine();
    let g = graph(
        r#""d": (type: "Draw", with: { "seed": 7 }),
           "s": (type: "Sum", from: { "values": "d.value" }, with: { "window": 4 }),
           "w": (type: "Write", from: { "value": "s.count" }, with: { "name": "w{window}.txt" }),
           "t": (type: "Sum", from: { "values": "s.value" }),
           "n": (type: "Write", from: { "value": "t.count" }, with: { "name": "windows.txt" }),"#,
    );
    let plan = plan(&engine, &g, &batch_wish());
    let setup = Setup { out: Some(out(dir.path())), batch: items(10), ..Setup::new("r", ".") };
    let report = run(&engine, &plan, setup);
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    let read = |n: &str| std::fs::read_to_string(dir.path().join(n)).unwrap();
    assert_eq!(
        (read("w0.txt"), read("w1.txt"), read("w2.txt"), read("windows.txt")),
        ("4".into(), "4".into(), "2".into(), "3".into())
    );
}

#[test]
fn items_may_need_what_was_collected() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine();
    let g = graph(
        r#""d": (type: "Draw", with: { "seed": 7 }),
           "s": (type: "Sum", from: { "values": "d.value" }),
           "m": (type: "Add", from: { "a": "d.value", "b": "s.value" }),
           "w": (type: "Write", from: { "value": "m.value" }, with: { "name": "{item}.txt" }),"#,
    );
    let plan = plan(&engine, &g, &batch_wish());
    let setup = Setup { out: Some(out(dir.path())), batch: items(5), ..Setup::new("r", ".") };
    let report = run(&engine, &plan, setup);
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    assert_eq!(report.nodes["w"].ran, 5);
}

#[test]
fn failed_items_do_not_stop_others_but_hold_the_fan_in() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine();
    let g = graph(
        r#""d": (type: "Draw", with: { "seed": 7 }), "f": (type: "FailOdd", from: { "value": "d.value" }),
           "w": (type: "Write", from: { "value": "f.value" }, with: { "name": "{item}.txt" }),
           "s": (type: "Sum", from: { "values": "f.value" }),
           "n": (type: "Write", from: { "value": "s.count" }, with: { "name": "n.txt" }),"#,
    );
    let plan = plan(&engine, &g, &batch_wish());
    let setup = Setup { out: Some(out(dir.path())), batch: items(6), ..Setup::new("r", ".") };
    let report = run(&engine, &plan, setup);
    assert_eq!(report.status, Status::Failed);
    assert_eq!(report.items.as_ref().map(|c| (c.done, c.failed)), Some((3, 3)));
    assert!(!dir.path().join("n.txt").exists());
    let setup = Setup { out: Some(out(dir.path())), batch: items(6), partial: true, ..Setup::new("r", ".") };
    run(&engine, &plan, setup);
    assert_eq!(std::fs::read_to_string(dir.path().join("n.txt")).unwrap(), "3");
}

#[test]
fn an_ordered_gate_gives_the_same_outcome_with_any_number_of_workers() {
    let engine = engine();
    let g = graph(
        r#""d": (type: "Draw", with: { "seed": 3 }),
           "u": (type: "Distinct", from: { "value": "d.value" }, with: { "retry": "d.seed", "attempts": 30, "then": "skip", "give_up_after": 0 }),
           "w": (type: "Write", from: { "value": "u.value" }, with: { "name": "{item}.txt" }),"#,
    );
    let plan = plan(&engine, &g, &batch_wish());
    let mut outcomes = Vec::new();
    for jobs in [1, 2, 5] {
        let dir = tempfile::tempdir().unwrap();
        let setup = Setup { out: Some(out(dir.path())), batch: items(14), jobs, ..Setup::new("r", ".") };
        let report = run(&engine, &plan, setup);
        assert_ne!(report.status, Status::Failed, "{:?}", report.failures);
        let files: Vec<Option<String>> =
            (0..14).map(|i| std::fs::read_to_string(dir.path().join(format!("{i}.txt"))).ok()).collect();
        let tenths: Vec<i64> =
            files.iter().flatten().map(|t| (t.parse::<f64>().unwrap() * 10.0) as i64).collect();
        assert_eq!(tenths.iter().collect::<std::collections::BTreeSet<_>>().len(), tenths.len());
        outcomes.push(files);
    }
    assert_eq!(outcomes[0], outcomes[1]);
    assert_eq!(outcomes[0], outcomes[2]);
}

#[test]
fn another_process_finds_values_on_disk_and_makes_lost_ones_again() {
    use kiln_core::store::{DiskCache, RealDisk};
    use std::sync::Arc;
    let dir = tempfile::tempdir().unwrap();
    let g = graph(
        r#""d": (type: "Draw", with: { "seed": 7 }), "m": (type: "Add", from: { "a": "d.value" }),
           "s": (type: "Sum", from: { "values": "m.value" }),
           "all": (type: "Write", from: { "value": "s.value" }, with: { "name": "sum.txt" }),"#,
    );
    let cache = || Arc::new(DiskCache::open(dir.path().join("cache"), Arc::new(RealDisk)).unwrap());
    let go = |name: &str| {
        let engine = engine().with_memory(0).with_disk(cache());
        let plan = plan(&engine, &g, &batch_wish());
        let setup = Setup { out: Some(out(&dir.path().join(name))), batch: items(8), ..Setup::new("r", ".") };
        run(&engine, &plan, setup)
    };
    assert_eq!(go("a").nodes["m"].ran, 8);
    // Another folder, the same cache: what the fan-in wants is there already.
    let second = go("b");
    assert_eq!((second.nodes["m"].ran, second.nodes["all"].ran), (0, 1), "{:?}", second.failures);
    // The cache is emptied between the items and the fan-in of a resumed run: items are made again.
    cache().clear().unwrap();
    std::fs::remove_file(dir.path().join("b/sum.txt")).unwrap();
    let engine = engine().with_memory(0).with_disk(cache());
    let plan = plan(&engine, &g, &batch_wish());
    let batch = items(8).map(|b| kiln_core::Batch { resume: true, ..b });
    let setup = Setup { out: Some(out(&dir.path().join("b"))), batch, ..Setup::new("r", ".") };
    let third = run(&engine, &plan, setup);
    assert_eq!(third.status, Status::Done, "{:?}", third.failures);
    assert_eq!(third.nodes["m"].ran, 8);
    let read = |n: &str| std::fs::read(dir.path().join(n).join("sum.txt")).unwrap();
    assert_eq!(read("a"), read("b"));
}

#[test]
fn a_cancelled_batch_is_resumed_where_it_stopped() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    let dir = tempfile::tempdir().unwrap();
    let engine = engine();
    let g = graph(
        r#""d": (type: "Draw", with: { "seed": 7 }),
           "w": (type: "Write", from: { "value": "d.value" }, with: { "name": "{item}.txt" }),
           "s": (type: "Sum", from: { "values": "d.value" }),
           "n": (type: "Write", from: { "value": "s.count" }, with: { "name": "n.txt" }),"#,
    );
    let plan = plan(&engine, &g, &batch_wish());
    let cancel = kiln_core::Cancel::default();
    let (seen, stop) = (Arc::new(AtomicU64::new(0)), cancel.clone());
    let listener = move |e: &kiln_core::Event| {
        if matches!(e, kiln_core::Event::ItemFinished { .. }) && seen.fetch_add(1, Ordering::SeqCst) == 4 {
            stop.cancel();
        }
    };
    let setup = Setup { out: Some(out(dir.path())), batch: items(30), jobs: 2, ..Setup::new("r", ".") };
    let report = engine.run(&plan, setup, &cancel, Arc::new(listener)).unwrap();
    assert_eq!(report.status, Status::Cancelled);
    let made = report.items.unwrap().done;
    assert!((5..30).contains(&made), "{made}");
    let batch = items(30).map(|b| kiln_core::Batch { resume: true, ..b });
    let setup = Setup { out: Some(out(dir.path())), batch, jobs: 2, ..Setup::new("r", ".") };
    let report = run(&engine, &plan, setup);
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    assert_eq!(report.nodes["w"].ran, 30 - made);
    assert_eq!(std::fs::read_to_string(dir.path().join("n.txt")).unwrap(), "30");
}

#[test]
fn a_row_gives_what_was_left_open_and_failures_of_earlier_runs_are_told() {
    use kiln_core::{Batch, BatchItems};
    use std::sync::Arc;
    let dir = tempfile::tempdir().unwrap();
    let engine = engine();
    let g = graph(
        r#""n": (type: "Number"), "f": (type: "FailOdd", from: { "value": "n.value" }),
           "w": (type: "Write", from: { "value": "f.value" }, with: { "name": "{item}.txt" }),"#,
    );
    let wish = kiln_core::Wish { columns: vec!["n.value".into()], ..batch_wish() };
    let plan = plan(&engine, &g, &wish);
    let rows: Vec<Vec<(String, String)>> =
        (0..4).map(|i| vec![("n.value".to_owned(), (i * 10).to_string())]).collect();
    for resume in [false, true] {
        let batch = Batch::new(&plan, BatchItems::Rows(Arc::new(rows.clone())), resume);
        let setup = Setup { out: Some(out(dir.path())), batch: Some(batch), ..Setup::new("r", ".") };
        let report = run(&engine, &plan, setup);
        let mut items: Vec<_> = report.failures.iter().filter_map(|f| f.1).collect();
        items.sort_unstable();
        assert_eq!(items, [1, 3], "resume {resume}: {:?}", report.failures);
    }
    assert_eq!(std::fs::read_to_string(dir.path().join("2.txt")).unwrap(), "20");
}

#[test]
fn a_list_that_outgrows_memory_is_an_error_that_says_what_to_do() {
    let engine = engine();
    let g = graph(
        r#""l": (type: "Many", with: { "count": 4000 }), "m": (type: "Add", from: { "a": "l.values" }),
           "s": (type: "Sum", from: { "values": "m.value" }),"#,
    );
    let plan = plan(&engine, &g, &Wish::default());
    let report = run(&engine, &plan, Setup { live_budget: 10_000, ..Setup::new("r", ".") });
    assert_eq!(report.status, Status::Failed);
    let told = &report.failures[0].2;
    assert!(told.contains("values of the list take") && told.contains("make items of them"), "{told}");
}

#[cfg(unix)]
#[test]
fn no_folder_is_made_where_a_link_leads() {
    let dir = tempfile::tempdir().unwrap();
    let (inside, outside) = (dir.path().join("out"), dir.path().join("outside"));
    std::fs::create_dir_all(&inside).unwrap();
    std::fs::create_dir_all(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, inside.join("d")).unwrap();
    let engine = engine();
    let g = graph(
        r#""n": (type: "Number"), "w": (type: "Write", from: { "value": "n.value" }, with: { "name": "d/a/b.txt" }),"#,
    );
    let plan = plan(&engine, &g, &Wish::default());
    let report = run(&engine, &plan, Setup { out: Some(out(&inside)), ..Setup::new("r", ".") });
    assert!(report.failures[0].2.contains("leads outside"), "{:?}", report.failures);
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
}
