//! Switches, gates, items and fan-ins as a graph uses them.

use super::support::*;
use kiln_core::{BatchItems, Status};
use std::sync::Arc;

#[test]
fn what_a_switch_does_not_choose_is_not_computed() {
    let nodes = |which: bool| {
        format!(
            r#""x": (type: "Text", with: {{ "value": "x" }}),
               "yes": (type: "TextCase", from: {{ "text": "x.value" }}, with: {{ "to": "UPPER" }}),
               "bad": (type: "ParseNumber", from: {{ "text": "x.value" }}),
               "no": (type: "ToText", from: {{ "value": "bad.float" }}),
               "s": (type: "Switch", from: {{ "on_true": "yes.text", "on_false": "no.text" }}, with: {{ "which": {which} }})"#
        )
    };
    let report = run(&engine(), &nodes(true), &["s"]);
    assert_eq!(outcome(&report, "s"), "X");
    assert_eq!((report.nodes["yes"].ran, report.nodes["bad"].ran, report.nodes["no"].ran), (1, 0, 0));
    let report = run(&engine(), &nodes(false), &["s"]);
    assert!(outcome(&report, "s").starts_with("error: bad.text: \"x\" is not a number"));
    assert_eq!((report.nodes["yes"].ran, report.status), (0, Status::Failed));
}

#[test]
fn a_computed_switch_chooses_as_well() {
    let nodes = r#"
        "n": (type: "Integer", with: { "value": 2 }),
        "which": (type: "ComfyMathExpression", from: { "a": "n.value" }, with: { "expression": "a > 1" }),
        "a": (type: "Text", with: { "value": "big" }),
        "b": (type: "Text", with: { "value": "small" }),
        "s": (type: "Switch", from: { "on_true": "a.value", "on_false": "b.value", "which": "which.yes" })"#;
    let report = run(&engine(), nodes, &["s"]);
    assert_eq!(outcome(&report, "s"), "big");
    assert_eq!(report.nodes["b"].ran, 0);
}

#[test]
fn a_fallback_passes_muted_inputs_by() {
    let nodes = |mode: &str| {
        format!(
            r#""a": (type: "Text", mode: {mode}, with: {{ "value": "a" }}),
               "b": (type: "Text", with: {{ "value": "b" }}),
               "f": (type: "Fallback", from: {{ "first": "a.value", "second": "b.value" }})"#
        )
    };
    assert_eq!(outcome(&run(&engine(), &nodes("Active"), &["f"]), "f"), "a");
    assert_eq!(outcome(&run(&engine(), &nodes("Muted"), &["f"]), "f"), "b");
}

#[test]
fn a_reroute_changes_no_key() {
    let engine = engine();
    let straight = r#"
        "x": (type: "Text", with: { "value": "x" }),
        "n": (type: "TextCase", from: { "text": "x.value" })"#;
    let round = r#"
        "x": (type: "Text", with: { "value": "x" }),
        "r": (type: "Reroute", from: { "value": "x.value" }),
        "q": (type: "Reroute", from: { "value": "r.value" }),
        "n": (type: "TextCase", from: { "text": "q.value" })"#;
    let (a, b) = (run(&engine, straight, &["n"]), run(&engine, round, &["n"]));
    assert_eq!(a.nodes["n"].key, b.nodes["n"].key);
    assert_eq!((a.nodes["n"].ran, b.ran()), (1, 0), "the second run finds everything");
}

#[test]
fn nothing_runs_twice() {
    let engine = engine();
    let nodes = |text: &str| {
        format!(
            r#""x": (type: "Text", with: {{ "value": "{text}" }}),
               "y": (type: "Text", with: {{ "value": "y" }}),
               "up": (type: "TextCase", from: {{ "text": "y.value" }}, with: {{ "to": "UPPER" }}),
               "n": (type: "JoinText", from: {{ "texts": ["x.value", "up.text"] }})"#
        )
    };
    assert_eq!(outcome(&run(&engine, &nodes("a"), &["n"]), "n"), "a, Y");
    let again = run(&engine, &nodes("b"), &["n"]);
    assert_eq!(outcome(&again, "n"), "b, Y");
    assert_eq!((again.nodes["x"].ran, again.nodes["up"].ran, again.nodes["n"].ran), (1, 0, 1));
}

fn gated(then: &str, attempts: u32, range: &str) -> String {
    format!(
        r#""draw": (type: "RandomNumber", with: {{ "seed": 3, "range": (0, 100) }}),
           "gate": (type: "NumberGate", from: {{ "input": "draw.float", "value": "draw.float" }},
                    with: {{ "range": {range}, "retry": "draw.seed", "attempts": {attempts}, "then": "{then}" }}),
           "n": (type: "ToText", from: {{ "value": "gate.output" }})"#
    )
}

#[test]
fn a_gate_draws_again_and_ends_where_it_ended_before() {
    let once = run(&engine(), &gated("fail", 200, "(50, 52)"), &["n"]);
    let v: f64 = outcome(&once, "n").parse().unwrap();
    assert!((50.0..=52.0).contains(&v) && once.nodes["gate"].rejected > 0, "{v}");
    let twice = run(&engine(), &gated("fail", 200, "(50, 52)"), &["n"]);
    assert_eq!(outcome(&once, "n"), outcome(&twice, "n"));
    assert_eq!(once.nodes["gate"].key, twice.nodes["gate"].key);
    assert_eq!(once.rejections, twice.rejections);
    assert!(once.rejections[0].reason.contains("is not between 50 and 52"));
}

#[test]
fn after_the_last_rejection_best_fail_or_skip() {
    let best = run(&engine(), &gated("best", 8, "(200, 300)"), &["n"]);
    let all: Vec<f64> = best.rejections.iter().map(|r| r.score).collect();
    assert_eq!(all.len(), 8);
    let top = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let v: f64 = outcome(&best, "n").parse().unwrap();
    assert_eq!(v - 200.0, top, "the attempt nearest to the range");
    let fail = run(&engine(), &gated("fail", 3, "(200, 300)"), &["n"]);
    assert_eq!(fail.status, Status::Failed);
    assert_eq!(fail.rejections.len(), 3);
    let skip = run(&engine(), &gated("skip", 3, "(200, 300)"), &["n"]);
    assert_eq!(skip.status, Status::Done);
    assert!(outcome(&skip, "n").starts_with("nothing"));
}

#[test]
fn items_behind_a_gate_come_out_the_same_whoever_makes_them() {
    let nodes = r#"
        "draw": (type: "RandomNumber", with: { "seed": 3, "range": (0, 100) }),
        "gate": (type: "NumberGate", from: { "input": "draw.float", "value": "draw.float" },
                 with: { "range": (40, 60), "retry": "draw.seed", "attempts": 100, "then": "fail" }),
        "sheet": (type: "TextSheet", from: { "lines": "gate.output" }),
        "save": (type: "SaveText", from: { "text": "sheet.text" }, with: { "name": "all.txt" })"#;
    let made = || {
        let dir = tempfile::tempdir().unwrap();
        let report = run_items(&engine(), nodes, BatchItems::Range(0, 20), Some(dir.path()));
        assert_eq!(report.status, Status::Done, "{:?}", report.failures);
        std::fs::read_to_string(dir.path().join("all.txt")).unwrap()
    };
    let text = made();
    assert_eq!(text, made());
    let all: Vec<f64> = text.lines().map(|l| l.parse().unwrap()).collect();
    assert!(all.len() == 20 && all.iter().all(|v| (40.0..=60.0).contains(v)), "{all:?}");
}

#[test]
fn an_item_that_fails_stops_what_collects_but_not_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let nodes = r#"
        "item": (type: "Item"),
        "part": (type: "ComfyMathExpression", from: { "a": "item.item" }, with: { "expression": "12 // (a - 2)" }),
        "say": (type: "ToText", from: { "value": "part.int" }),
        "save": (type: "SaveText", from: { "text": "say.text" }, with: { "name": "{item}.txt" }),
        "sheet": (type: "TextSheet", from: { "lines": "say.text" }),
        "save all": (type: "SaveText", from: { "text": "sheet.text" }, with: { "name": "all.txt" })"#;
    let report = run_items(&engine(), nodes, BatchItems::Range(0, 4), Some(dir.path()));
    assert_eq!(report.status, Status::Failed);
    let own = report.failures.iter().find(|f| f.0 == "part").unwrap();
    assert_eq!((own.1, own.2.as_str()), (Some(2), "part.expression: division by zero at column 4"));
    assert!(dir.path().join("3.txt").exists() && !dir.path().join("2.txt").exists());
    assert!(!dir.path().join("all.txt").exists(), "a sheet without item 2 would be wrong");
    assert!(report.failures.iter().any(|f| f.2.contains("collects over all items, but 1 of them failed")));
}

#[test]
fn fan_ins_collect_items_in_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let nodes = r#"
        "item": (type: "Item"),
        "half": (type: "ComfyMathExpression", from: { "a": "item.item" }, with: { "expression": "a / 2" }),
        "all": (type: "Statistics", from: { "values": "half.float" }),
        "say": (type: "TextTemplate", from: { "a": "all.count", "b": "all.sum" }, with: { "template": "{a} {b}" }),
        "sheet": (type: "TextSheet", from: { "lines": "half.float" }),
        "save": (type: "SaveText", from: { "text": "say.text" }, with: { "name": "sum.txt" }),
        "save sheet": (type: "SaveText", from: { "text": "sheet.text" }, with: { "name": "sheet.txt" })"#;
    let report = run_items(&engine(), nodes, BatchItems::Range(0, 5), Some(dir.path()));
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    assert_eq!(std::fs::read_to_string(dir.path().join("sum.txt")).unwrap(), "5 5\n");
    assert_eq!(std::fs::read_to_string(dir.path().join("sheet.txt")).unwrap(), "0\n0.5\n1\n1.5\n2\n");
    assert_eq!((report.nodes["half"].ran, report.nodes["all"].ran, report.nodes["save"].ran), (5, 1, 1));
}

#[test]
fn windows_collect_so_many_items_each() {
    let dir = tempfile::tempdir().unwrap();
    let nodes = r#"
        "item": (type: "Item"),
        "sheet": (type: "TextSheet", from: { "lines": "item.item" }, with: { "window": 2 }),
        "all": (type: "TextSheet", from: { "lines": "sheet.text" }, with: { "format": "json" }),
        "save": (type: "SaveText", from: { "text": "sheet.text" }, with: { "name": "part_{window}.txt" }),
        "save all": (type: "SaveText", from: { "text": "all.text" }, with: { "name": "all.json" })"#;
    let report = run_items(&engine(), nodes, BatchItems::Range(0, 5), Some(dir.path()));
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!([read("part_0.txt"), read("part_1.txt"), read("part_2.txt")], ["0\n1\n", "2\n3\n", "4\n"]);
    assert_eq!(read("all.json"), "[\n  \"0\\n1\\n\",\n  \"2\\n3\\n\",\n  \"4\\n\"\n]\n");
}

#[test]
fn without_a_folder_a_batch_runs_in_memory() {
    let nodes = r#"
        "item": (type: "Item"),
        "all": (type: "Statistics", from: { "values": "item.item" })"#;
    let report = run_items(&engine(), nodes, BatchItems::Range(10, 14), None);
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    assert_eq!(report.nodes["all"].ran, 1);
    assert_eq!(report.items.unwrap().done, 4);
}

#[test]
fn rows_fill_places_and_columns() {
    let dir = tempfile::tempdir().unwrap();
    let row = |name: &str, rarity: &str| {
        vec![("name".to_owned(), name.to_owned()), ("rarity".to_owned(), rarity.to_owned())]
    };
    let rows = BatchItems::Rows(Arc::new(vec![row("gold", "5"), row("red", "1")]));
    let nodes = r#"
        "column": (type: "ItemColumn", with: { "column": "rarity" }),
        "say": (type: "TextTemplate", from: { "a": "column.text" }, with: { "template": "{item:03} {name} {a}" }),
        "save": (type: "SaveText", from: { "text": "say.text" }, with: { "name": "{name}.txt" })"#;
    let report = run_items(&engine(), nodes, rows, Some(dir.path()));
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    assert_eq!(std::fs::read_to_string(dir.path().join("gold.txt")).unwrap(), "000 gold 5\n");
    assert_eq!(std::fs::read_to_string(dir.path().join("red.txt")).unwrap(), "001 red 1\n");
}

#[test]
fn a_linked_template_still_differs_from_item_to_item() {
    let dir = tempfile::tempdir().unwrap();
    let nodes = r#"
        "words": (type: "Text", with: { "value": "no {item}" }),
        "say": (type: "TextTemplate", from: { "template": "words.value" }),
        "save": (type: "SaveText", from: { "text": "say.text" }, with: { "name": "{item}.txt" })"#;
    let report = run_items(&engine(), nodes, BatchItems::Range(0, 3), Some(dir.path()));
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    assert_eq!(std::fs::read_to_string(dir.path().join("2.txt")).unwrap(), "no 2\n");
}

#[test]
fn each_item_draws_its_own_and_a_fixed_seed_draws_once() {
    let dir = tempfile::tempdir().unwrap();
    let nodes = r#"
        "own": (type: "RandomNumber", with: { "seed": 7 }),
        "same": (type: "RandomNumber", with: { "seed": Fixed(7) }),
        "say": (type: "TextTemplate", from: { "a": "own.float", "b": "same.float" }, with: { "template": "{a} {b}" }),
        "sheet": (type: "TextSheet", from: { "lines": "say.text" }),
        "save": (type: "SaveText", from: { "text": "sheet.text" }, with: { "name": "all.txt" })"#;
    let report = run_items(&engine(), nodes, BatchItems::Range(0, 6), Some(dir.path()));
    assert_eq!((report.nodes["own"].ran, report.nodes["same"].ran), (6, 1));
    let text = std::fs::read_to_string(dir.path().join("all.txt")).unwrap();
    let (mut own, mut same): (Vec<&str>, Vec<&str>) =
        text.lines().map(|l| l.split_once(' ').unwrap()).unzip();
    own.sort_unstable();
    own.dedup();
    same.dedup();
    assert_eq!((own.len(), same.len()), (6, 1));
}

#[test]
fn distinct_texts_come_once_each_in_item_order() {
    let nodes = r#"
        "draw": (type: "RandomChoice", with: { "seed": 5, "choices": "a\nb\nc\nd\ne\nf" }),
        "gate": (type: "DistinctGate", from: { "input": "draw.text", "text": "draw.text" },
                 with: { "retry": "draw.seed", "attempts": 200, "then": "fail" }),
        "sheet": (type: "TextSheet", from: { "lines": "gate.output" }),
        "save": (type: "SaveText", from: { "text": "sheet.text" }, with: { "name": "all.txt" })"#;
    let made = |jobs: usize| {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine();
        let wish = kiln_core::Wish { batch: true, ..Default::default() };
        let plan = plan(&engine, nodes, std::path::Path::new("."), &wish).unwrap();
        let batch = Some(kiln_core::Batch { id: "b".into(), items: BatchItems::Range(0, 6), resume: false });
        let setup =
            kiln_core::Setup { batch, jobs, out: Some(out(dir.path())), ..setup(std::path::Path::new(".")) };
        let report = engine.run(&plan, setup, &Default::default(), Arc::new(|_| {})).unwrap();
        assert_eq!(report.status, Status::Done, "{:?}", report.failures);
        std::fs::read_to_string(dir.path().join("all.txt")).unwrap()
    };
    let one = made(1);
    let mut letters: Vec<&str> = one.lines().collect();
    letters.sort_unstable();
    assert_eq!(letters, ["a", "b", "c", "d", "e", "f"]);
    assert_eq!(one, made(4), "how many workers does not matter");
}

#[test]
fn skipped_items_are_left_out_of_what_is_collected() {
    let dir = tempfile::tempdir().unwrap();
    let nodes = r#"
        "item": (type: "Item"),
        "odd": (type: "ComfyMathExpression", from: { "a": "item.item" }, with: { "expression": "a % 2 == 1" }),
        "gate": (type: "YesGate", from: { "input": "item.item", "pass": "odd.yes" }, with: { "then": "skip" }),
        "sheet": (type: "TextSheet", from: { "lines": "gate.output" }, with: { "format": "csv" }),
        "save": (type: "SaveText", from: { "text": "sheet.text" }, with: { "name": "odd.csv" })"#;
    let report = run_items(&engine(), nodes, BatchItems::Range(0, 6), Some(dir.path()));
    assert_eq!(report.status, Status::Done, "{:?}", report.failures);
    let text = std::fs::read_to_string(dir.path().join("odd.csv")).unwrap();
    assert_eq!(text, "item,text\n1,1\n3,3\n5,5\n");
}
