//! Small nodes and a small world for the engine's tests.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_core::document::Graph;
use kiln_core::doors::{OutFolder, Sandbox};
use kiln_core::store::{Folder, Millis, RealDisk};
use kiln_core::types::{Image, Value, names};
use kiln_core::{
    Ask, Batch, BatchItems, Cancel, Doubt, Effect, Engine, Event, Node, NodeError, Param, Plan, Registry,
    RunReport, Setup, Verdict, Wish,
};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// How often each test node worked, over all tests of a process.
pub static WORKED: AtomicU64 = AtomicU64::new(0);

struct Write;
impl Effect for Write {
    fn perform(&self, cx: &mut kiln_core::Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let text = match cx.value("value")? {
            Value::List(items) => items.iter().map(show).collect::<Vec<_>>().join(","),
            one => show(&one),
        };
        let item = cx.item().map(|i| i.item.to_string());
        let window = cx.window().map(|w| w.to_string());
        let name = kiln_core::template::fill(&cx.text("name")?, &|n| match n {
            "item" => item.clone(),
            "window" => window.clone(),
            _ => None,
        })?;
        let written = cx.write(&name, text.as_bytes())?;
        Ok(format!("{}\n{}", written.path, written.bytes).into_bytes())
    }
    fn stands(&self, cx: &kiln_core::Cx<'_>, outcome: &[u8]) -> bool {
        let text = String::from_utf8_lossy(outcome).into_owned();
        let Some((path, bytes)) = text.split_once('\n') else { return false };
        cx.out_folder().is_ok_and(|o| o.stands(path, bytes.parse().unwrap_or(0)))
    }
}

pub fn show(v: &Value) -> String {
    match v {
        Value::Int(v) => v.to_string(),
        Value::Float(v) => v.to_string(),
        Value::Seed(v) => v.to_string(),
        Value::Text(v) => v.to_string(),
        other => format!("{other:?}"),
    }
}

pub fn registry() -> Registry {
    let mut r = Registry::new();
    let work = || {
        WORKED.fetch_add(1, Ordering::SeqCst);
    };
    r.add(
        Node::pure("Number", 1, move |cx| {
            work();
            let v = cx.float("value")?;
            cx.set("value", v);
            Ok(())
        })
        .param(Param::float("value", 0.0, -1e12..=1e12).was(&["number"]).doc("v"))
        .param(Param::text("label", "").cosmetic().doc("l"))
        .output("value", names::FLOAT, "v"),
    );
    r.add(
        Node::pure("Add", 1, move |cx| {
            work();
            let v = cx.float("a")? + cx.float("b")?;
            cx.set("value", v);
            Ok(())
        })
        .input("a", names::FLOAT, "a")
        .param(Param::float("b", 1.0, -1e12..=1e12).doc("b"))
        .identity("a", |g| g.number("b") == Some(0.0))
        .output("value", names::FLOAT, "v"),
    );
    r.add(
        Node::pure("Draw", 1, move |cx| {
            work();
            let v = (cx.seed("seed")? % 1000) as f64 / 1000.0;
            cx.set("value", v);
            Ok(())
        })
        .param(Param::seed("seed").doc("s"))
        .output("value", names::FLOAT, "v"),
    );
    r.add(
        Node::gate("AtLeast", 1, move |cx| {
            work();
            let (v, min) = (cx.float("value")?, cx.float("min")?);
            Ok(Verdict { accept: v >= min, score: v, reason: format!("{v:.3} against {min:.3}") })
        })
        .input("value", names::FLOAT, "v")
        .param(Param::float("min", 0.5, 0.0..=1.0).doc("m"))
        .output_like("value", "value", "v"),
    );
    r.add(
        Node::ordered_gate(
            "Distinct",
            1,
            |cx| Ok(((cx.float("value")? * 10.0) as i64).to_le_bytes().to_vec()),
            |_, mark, before| {
                let twin = before.iter().find(|(_, m)| m == mark);
                Ok(Verdict {
                    accept: twin.is_none(),
                    score: 0.0,
                    reason: twin.map_or("new".into(), |(i, _)| format!("like item {i}")),
                })
            },
        )
        .input("value", names::FLOAT, "v")
        .output_like("value", "value", "v"),
    );
    r.add(
        Node::pure("Paint", 1, move |cx| {
            work();
            let grey = (cx.seed("seed")? % 256) as f32 / 255.0;
            cx.set("image", Value::image(Image::new(1, 8, 16, 3, vec![grey; 8 * 16 * 3])?));
            Ok(())
        })
        .param(Param::seed("seed").doc("s"))
        .output("image", names::IMAGE, "i"),
    );
    r.add(
        Node::gate("Bright", 1, move |cx| {
            work();
            let (v, min) = (f64::from(cx.image("image")?.data()[0]), cx.float("min")?);
            Ok(Verdict { accept: v >= min, score: v, reason: format!("{v:.3} is below {min:.3}") })
        })
        .input("image", names::IMAGE, "v")
        .param(Param::float("min", 0.5, 0.0..=2.0).doc("m"))
        .output_like("image", "image", "v"),
    );
    r.add(
        Node::ordered_gate(
            "Unlike",
            1,
            |cx| Ok(vec![(cx.image("image")?.data()[0] * 25.0) as u8]),
            |_, mark, before| {
                let twin = before.iter().find(|(_, m)| m == mark);
                let reason = twin.map_or("new".into(), |(i, _)| format!("like item {i}"));
                Ok(Verdict { accept: twin.is_none(), score: 0.0, reason })
            },
        )
        .input("image", names::IMAGE, "v")
        .output_like("image", "image", "v"),
    );
    r.add(
        Node::review_gate("Look", 1, |cx| {
            let note = if cx.has("note") { cx.text("note")?.to_string() } else { String::new() };
            Ok(Ask { question: cx.text("question")?.to_string(), note })
        })
        .input("value", names::ANY, "v")
        .optional("note", names::TEXT, "n")
        .param(Param::text("question", "").control().doc("q"))
        .output_like("value", "value", "v"),
    );
    r.add(
        Node::pure("Grey", 1, |cx| {
            let v = f64::from(cx.image("image")?.data()[0]);
            cx.set("value", v);
            Ok(())
        })
        .input("image", names::IMAGE, "v")
        .output("value", names::FLOAT, "v"),
    );
    r.add(
        Node::select("Switch", 1, |cx| Ok(if cx.bool("second")? { "b".into() } else { "a".into() }))
            .lazy("a", names::ANY, "a")
            .lazy("b", names::ANY, "b")
            .param(Param::bool("second", false).doc("s"))
            .output_like("value", "a", "v"),
    );
    r.add(
        Node::pure("Many", 1, |cx| {
            let n = cx.count("count")?;
            cx.set("values", Value::list((0..n).map(|i| Value::Float(i as f64)).collect::<Vec<_>>()));
            Ok(())
        })
        .param(Param::int("count", 3, 0..=1_000_000).doc("c"))
        .output_list("values", names::FLOAT, "v"),
    );
    r.add(
        Node::pure("Sum", 1, |cx| {
            let items = cx.items("values")?;
            let mut sum = 0.0;
            for i in 0..items.len() {
                if let Value::Float(v) = items.get(i)? {
                    sum += v;
                }
            }
            cx.set("value", sum);
            cx.set("count", items.len() as i64);
            Ok(())
        })
        .gather("values", names::FLOAT, "v")
        .param(Param::int("window", 0, 0..=1000).doc("w"))
        .output("value", names::FLOAT, "v")
        .output("count", names::INT, "c"),
    );
    r.add(
        Node::pure("Join", 1, |cx| {
            let all: Vec<String> = cx.list("values")?.iter().map(show).collect();
            cx.set("text", Value::text(all.join(" ")));
            Ok(())
        })
        .many("values", names::ANY, "v")
        .output("text", names::TEXT, "t"),
    );
    r.add(
        Node::pure("Fail", 1, |_| Err(NodeError::new("it always fails").hint("remove it")))
            .optional("value", names::ANY, "v")
            .output("value", names::FLOAT, "v"),
    );
    r.add(
        Node::pure("FailOdd", 1, |cx| {
            let item = cx.item().map_or(0, |i| i.item);
            if item % 2 == 1 {
                return Err(NodeError::new(format!("item {item} is odd")));
            }
            let v = cx.float("value")?;
            cx.set("value", v);
            Ok(())
        })
        .input("value", names::FLOAT, "v")
        .uses_item(|_| true)
        .output("value", names::FLOAT, "v"),
    );
    r.add(Node::pure("Panic", 1, |_| panic!("a fault")).output("value", names::FLOAT, "v"));
    r.add(
        Node::effect("Write", 1, Doubt::IdempotentByKey, Write)
            .writes_files()
            .whole("value", names::ANY, "v")
            .param(Param::text("name", "value.txt").doc("n"))
            .uses_item(|g| g.text("name").is_some_and(|n| n.contains("{item")))
            .output("path", names::TEXT, "p"),
    );
    r
}

pub fn engine() -> Engine {
    Engine::new(registry()).unwrap()
}

pub fn graph(nodes: &str) -> Graph {
    Graph::parse(&format!("Graph(kiln: 1, nodes: {{ {nodes} }})")).unwrap_or_else(|e| panic!("{e}"))
}

pub fn plan(engine: &Engine, graph: &Graph, wish: &Wish) -> Plan {
    engine.plan(graph, &Sandbox::new("."), wish).unwrap_or_else(|e| panic!("{e}"))
}

pub fn out(dir: &Path) -> Arc<OutFolder> {
    let folder = Folder::open(dir, Millis(1)).unwrap();
    Arc::new(OutFolder::new(dir, folder, Arc::new(RealDisk)))
}

pub fn batch_wish() -> Wish {
    Wish { batch: true, ..Wish::default() }
}

pub fn items(n: u64) -> Option<Batch> {
    Some(Batch { id: "test".into(), items: BatchItems::Range(0, n), resume: false })
}

pub fn run(engine: &Engine, plan: &Plan, setup: Setup) -> RunReport {
    engine.run(plan, setup, &Cancel::default(), Arc::new(|_| {})).unwrap()
}

pub fn run_events(engine: &Engine, plan: &Plan, setup: Setup) -> (RunReport, Vec<Event>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = events.clone();
    let report = engine
        .run(plan, setup, &Cancel::default(), Arc::new(move |e| sink.lock().unwrap().push(e.clone())))
        .unwrap();
    let events = events.lock().unwrap().clone();
    (report, events)
}

pub fn value(report: &RunReport, node: &str) -> String {
    match &report.values[node] {
        Ok(v) => v.iter().map(show).collect::<Vec<_>>().join(" "),
        Err(e) => format!("error: {e}"),
    }
}
