//! Every recorded single-node run of ComfyUI on pictures, done again as a graph by the engine.
//!
//! `tests/fixtures/nodes/cases.json` holds the graphs in API format beside the pictures that went in and came
//! out; they are translated word by word and saved as ComfyUI saves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]
mod common;

use common::{Run, engine, fixtures, out, run};
use kiln_codec::{Limits, decode};
use kiln_core::document::{Graph, Link, Lit, Node, Source};
use kiln_core::types::Image;
use kiln_core::{Registry, Status};
use serde_json::Value;
use std::path::Path;

fn lit(value: &Value) -> Lit {
    match value {
        Value::Bool(v) => (*v).into(),
        Value::Number(v) => v.as_i64().map_or_else(|| v.as_f64().unwrap().into(), Lit::from),
        Value::String(v) => v.as_str().into(),
        other => panic!("{other} is no parameter"),
    }
}

/// The API format, word by word.
fn translate(api: &Value, registry: &Registry) -> Graph {
    let mut graph = Graph::new();
    for (id, said) in api.as_object().unwrap() {
        let class = said["class_type"].as_str().unwrap();
        let mut node = Node::new(class);
        for (name, value) in said["inputs"].as_object().unwrap() {
            if let Some([from, at]) = value.as_array().map(Vec::as_slice) {
                let from = from.as_str().unwrap();
                let schema = registry.get(api[from]["class_type"].as_str().unwrap()).unwrap().schema();
                let port = schema.outputs[usize::try_from(at.as_u64().unwrap()).unwrap()].name;
                node.from.insert(name.clone(), Source::One(Link::new(from, port)));
            } else if class == "LoadImage" && name == "image" {
                node.with.insert(name.clone(), Lit::text(format!("nodes/{}", value.as_str().unwrap())));
            } else {
                node.with.insert(name.clone(), lit(value));
            }
        }
        if class == "SaveImage" {
            node.with.insert("rounding".to_owned(), "truncate".into());
        }
        graph.insert(id.clone(), node).unwrap();
    }
    graph
}

fn read(path: &Path) -> Image {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    decode(&bytes, &Limits::default()).unwrap().image
}

#[test]
fn every_recorded_picture_comes_out_within_one_of_255() {
    let engine = engine();
    let dir = tempfile::tempdir().unwrap();
    let out = out(dir.path());
    let folder = fixtures().join("nodes");
    let cases: Value = serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let (mut seen, mut wrong) = (0, Vec::new());
    for (name, case) in cases.as_object().unwrap() {
        if name.starts_with("math_") {
            continue;
        }
        seen += 1;
        let graph = translate(&case["graph"], engine.registry());
        let report = run(&engine, &graph, Run { out: Some(out.clone()), ..Run::default() })
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        if case["status"] == "error" {
            assert_eq!(report.status, Status::Failed, "{name}");
            assert!(report.failures[0].2.contains("alpha"), "{name}: {:?}", report.failures);
            continue;
        }
        assert_eq!(report.status, Status::Done, "{name}: {:?}", report.failures);
        let outputs = case["outputs"].as_array().unwrap();
        for (at, output) in outputs.iter().enumerate() {
            let number = if outputs.len() > 1 { format!("-{}", at + 1) } else { String::new() };
            let made = read(&dir.path().join(format!("golden/{name}{number}.png")));
            let recorded = read(&folder.join(output["file"].as_str().unwrap()));
            let shape = |i: &Image| (i.width(), i.height(), i.channels());
            assert_eq!(shape(&made), shape(&recorded), "{name}");
            let byte = |v: &f32| (v * 255.0).round() as i32;
            let most = made.data().iter().zip(recorded.data()).map(|(a, b)| (byte(a) - byte(b)).abs()).max();
            if most.unwrap() > 1 {
                wrong.push(format!("{name}: {most:?} of 255"));
            }
        }
    }
    assert_eq!(seen, 49);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
