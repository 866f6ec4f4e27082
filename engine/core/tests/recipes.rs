//! What is told of how a value was made, and values that are named by what they hold.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
mod support;

use kiln_core::types::{Object, Value, names};
use kiln_core::{Engine, Node, NodeError, Param, Setup, Verdict, Wish};
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use support::*;

#[derive(Debug)]
struct Tag(i64);
impl Object for Tag {
    fn type_name(&self) -> &'static str {
        "Tag"
    }
    fn byte_size(&self) -> usize {
        8
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn content(&self) -> Option<Vec<u8>> {
        Some(self.0.to_le_bytes().to_vec())
    }
}

/// An engine with a node that tells how its input was made, one that rounds by value, and one that counts its work.
fn world(count: &Arc<AtomicU64>) -> Engine {
    let mut r = registry();
    r.add(
        Node::pure("Tell", 1, |cx| {
            let recipe = cx.recipe("value").ok_or_else(|| NodeError::new("no recipe"))?;
            cx.set("text", Value::text(serde_json::to_string(&**recipe).unwrap()));
            Ok(())
        })
        .whole("value", names::ANY, "v")
        .reads_recipe()
        .output("text", names::TEXT, "t"),
    );
    r.add(
        Node::pure("Round", 1, |cx| {
            let v = cx.float("value")?.round() as i64;
            cx.set("value", v);
            cx.set("tag", Value::Object(Arc::new(Tag(v))));
            Ok(())
        })
        .param(Param::float("value", 0.0, -1e9..=1e9).doc("v"))
        .output("value", names::INT, "v")
        .output("tag", "Tag", "t")
        .by_value(),
    );
    for ty in [names::INT, "Tag"] {
        let worked = count.clone();
        r.add(
            Node::pure(format!("Count{ty}"), 1, move |cx| {
                worked.fetch_add(1, Ordering::SeqCst);
                let v = match cx.value("value")? {
                    Value::Int(v) => v,
                    Value::Object(o) => o.as_any().downcast_ref::<Tag>().map_or(0, |t| t.0),
                    _ => 0,
                };
                cx.set("value", v);
                Ok(())
            })
            .input("value", ty, "v")
            .output("value", names::INT, "v"),
        );
    }
    r.add(
        Node::gate("Picky", 1, |cx| {
            let v = cx.float("value")?;
            Ok(Verdict { accept: v >= 0.8, score: v, reason: String::new() })
        })
        .input("value", names::FLOAT, "v")
        .output_like("value", "value", "v"),
    );
    Engine::new(r).unwrap()
}

fn told(engine: &Engine, nodes: &str) -> serde_json::Value {
    let want = Wish { want: vec!["tell".into()], ..Wish::default() };
    let plan = plan(engine, &graph(nodes), &want);
    let report = run(engine, &plan, Setup::new("r", "."));
    let text = value(&report, "tell");
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text} {:?}", report.failures))
}

#[test]
fn a_recipe_tells_parameters_as_they_were_resolved() {
    let engine = world(&Arc::default());
    let told = told(
        &engine,
        r#""five": (type: "Number", with: { "value": 5, "label": "cosmetic" }),
           "sum": (type: "Add", from: { "a": "base.value", "b": "five.value" }),
           "base": (type: "Number", with: { "value": 2 }),
           "pass": (type: "Switch", from: { "a": "base.value", "b": "sum.value" }, with: { "second": true }),
           "tell": (type: "Tell", from: { "value": "pass.value" })"#,
    );
    let nodes = told["nodes"].as_array().unwrap();
    let ids: Vec<&str> = nodes.iter().map(|n| n["id"].as_str().unwrap()).collect();
    // The number that is linked to a parameter is told as the number, the switch is passed through.
    assert_eq!(ids, ["sum", "base"]);
    assert_eq!(nodes[0]["params"][0]["value"], 5.0);
    assert_eq!(nodes[0]["from"][0]["node"], 1);
    assert_eq!(nodes[1]["params"].as_array().unwrap().len(), 1, "what is cosmetic is not told");
    assert_eq!(told["key"].as_str().unwrap().len(), 64);
}

#[test]
fn a_recipe_names_the_attempt_that_passed_and_its_score() {
    let engine = world(&Arc::default());
    let told = told(
        &engine,
        r#""draw": (type: "Draw", with: { "seed": 3 }),
           "gate": (type: "Picky", from: { "value": "draw.value" }, with: { "retry": "draw.seed", "attempts": 200 }),
           "tell": (type: "Tell", from: { "value": "gate.value" })"#,
    );
    let gates = &told["gates"][0];
    assert!(gates["attempt"].as_u64().unwrap() > 1, "{told}");
    assert_eq!(gates["scores"][0][0], "gate");
    assert!(gates["scores"][0][1].as_f64().unwrap() >= 0.8);
    let seed: u64 = told["nodes"][0]["params"][0]["value"].as_str().unwrap().parse().unwrap();
    assert!((seed % 1000) as f64 / 1000.0 >= 0.8, "the seed of the attempt that passed is told");
}

#[test]
fn what_a_recipe_tells_is_part_of_the_key() {
    let engine = world(&Arc::default());
    let keys = |nodes: &str| -> BTreeMap<String, Option<String>> {
        let plan = plan(&engine, &graph(nodes), &Wish::default());
        engine.keys(&plan, &Setup::new("k", "."), None).into_iter().map(|l| (l.node, l.key)).collect()
    };
    let one = keys(r#""a": (type: "Number"), "tell": (type: "Tell", from: { "value": "a.value" })"#);
    let other = keys(r#""b": (type: "Number"), "tell": (type: "Tell", from: { "value": "b.value" })"#);
    assert_eq!(one["a"], other["b"], "the value is the same");
    assert_ne!(one["tell"], other["tell"], "what is told of it is not");
}

#[test]
fn values_are_named_by_what_they_hold_where_a_node_says_so() {
    for (output, ty) in [("value", "Int"), ("tag", "Tag")] {
        let count = Arc::new(AtomicU64::new(0));
        let engine = world(&count);
        for number in ["2.2", "1.9", "2.4", "3.1"] {
            let text = format!(
                r#""n": (type: "Number", with: {{ "value": {number} }}),
                   "r": (type: "Round", from: {{ "value": "n.value" }}),
                   "c": (type: "Count{ty}", from: {{ "value": "r.{output}" }})"#
            );
            let plan = plan(&engine, &graph(&text), &Wish { want: vec!["c".into()], ..Wish::default() });
            let report = run(&engine, &plan, Setup::new("r", "."));
            let rounded: f64 = number.parse::<f64>().unwrap().round();
            assert_eq!(value(&report, "c"), rounded.to_string());
        }
        assert_eq!(count.load(Ordering::SeqCst), 2, "{output}: only 2 and 3 were new");
    }
}

#[test]
fn recipes_do_not_depend_on_workers() {
    let text = r#""draw": (type: "Draw", with: { "seed": 3 }),
        "gate": (type: "Picky", from: { "value": "draw.value" }, with: { "retry": "draw.seed", "attempts": 200 }),
        "tell": (type: "Tell", from: { "value": "gate.value" }),
        "save": (type: "Write", from: { "value": "tell.text" }, with: { "name": "{item}.json" })"#;
    let mut seen: Option<BTreeMap<String, String>> = None;
    for jobs in [1, 2, 7] {
        let dir = tempfile::tempdir().unwrap();
        let engine = world(&Arc::default());
        let plan = plan(&engine, &graph(text), &batch_wish());
        let setup = Setup { jobs, batch: items(12), out: Some(out(dir.path())), ..Setup::new("r", ".") };
        let report = run(&engine, &plan, setup);
        assert!(report.failures.is_empty(), "{:?}", report.failures);
        let files = (0..12).map(|i| {
            let name = format!("{i}.json");
            let text = std::fs::read_to_string(dir.path().join(&name)).unwrap();
            (name, text)
        });
        let files: BTreeMap<String, String> = files.collect();
        match &seen {
            None => seen = Some(files),
            Some(before) => assert_eq!(*before, files),
        }
    }
}
