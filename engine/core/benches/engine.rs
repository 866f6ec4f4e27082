//! How long the engine itself takes: checking, planning, keys, and running what costs nothing.
//!
//! Each figure stands beside a calibration loop (a million steps of xorshift on one thread), so that
//! figures from two machines can be compared by their ratio to it.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot go on stops"
)]

use criterion::{Criterion, criterion_group, criterion_main};
use kiln_core::document::{Graph, Link, Lit, Node as DocNode, Source};
use kiln_core::doors::Sandbox;
use kiln_core::types::names;
use kiln_core::{Cancel, Engine, Node, Param, Registry, Setup, Wish};
use std::hint::black_box;
use std::sync::Arc;

fn registry() -> Registry {
    let mut r = Registry::new();
    r.add(
        Node::pure("Number", 1, |cx| {
            let v = cx.float("value")?;
            cx.set("value", v);
            Ok(())
        })
        .param(Param::float("value", 0.0, -1e12..=1e12))
        .output("value", names::FLOAT, ""),
    );
    r.add(
        Node::pure("Add", 1, |cx| {
            let v = cx.float("a")? + cx.float("b")?;
            cx.set("value", v);
            Ok(())
        })
        .input("a", names::FLOAT, "")
        .param(Param::float("b", 1.0, -1e12..=1e12))
        .output("value", names::FLOAT, ""),
    );
    r.add(
        Node::pure("Count", 1, |cx| {
            let n = cx.list("values")?.len() as i64;
            cx.set("count", n);
            Ok(())
        })
        .many("values", names::FLOAT, "")
        .output("count", names::INT, ""),
    );
    r
}

/// A line of `n` nodes.
fn line(n: usize) -> Graph {
    let mut g = Graph::new();
    g.nodes.insert("n0".into(), DocNode::new("Number"));
    for i in 1..n {
        let mut node = DocNode::new("Add");
        node.from.insert("a".into(), Source::One(Link::new(format!("n{}", i - 1), "value")));
        g.nodes.insert(format!("n{i}"), node);
    }
    g
}

/// `n` nodes side by side, and one that collects them.
fn wide(n: usize) -> Graph {
    let mut g = Graph::new();
    let mut links = Vec::new();
    for i in 0..n {
        let mut node = DocNode::new("Number");
        node.with.insert("value".into(), Lit::Float(i as f64));
        g.nodes.insert(format!("n{i}"), node);
        links.push(Link::new(format!("n{i}"), "value"));
    }
    let mut count = DocNode::new("Count");
    count.from.insert("values".into(), Source::Many(links));
    g.nodes.insert("count".into(), count);
    g
}

fn run(engine: &Engine, graph: &Graph) -> u64 {
    let plan = engine.plan(graph, &Sandbox::new("."), &Wish::default()).unwrap();
    let report = engine.run(&plan, Setup::new("bench", "."), &Cancel::default(), Arc::new(|_| {})).unwrap();
    assert_eq!(report.failures, []);
    report.ran()
}

fn calibration(c: &mut Criterion) {
    c.bench_function("calibration: a million steps of xorshift", |b| {
        b.iter(|| {
            let mut x = black_box(88_172_645_463_325_252u64);
            for _ in 0..1_000_000 {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
            }
            x
        });
    });
}

fn planning(c: &mut Criterion) {
    let engine = Engine::new(registry()).unwrap();
    for n in [1_000, 10_000, 100_000] {
        let graph = line(n);
        c.bench_function(&format!("check and plan: a line of {n}"), |b| {
            b.iter(|| engine.plan(black_box(&graph), &Sandbox::new("."), &Wish::default()).unwrap());
        });
    }
    let graph = wide(100_000);
    c.bench_function("check and plan: 100000 side by side", |b| {
        b.iter(|| engine.plan(black_box(&graph), &Sandbox::new("."), &Wish::default()).unwrap());
    });
}

fn running(c: &mut Criterion) {
    for n in [300, 10_000] {
        let engine = Engine::new(registry()).unwrap();
        let graph = line(n);
        run(&engine, &graph);
        c.bench_function(&format!("plan and run again, all cached: a line of {n}"), |b| {
            b.iter(|| assert_eq!(run(&engine, &graph), 0));
        });
    }
    for (name, graph) in [
        ("a line of 10000", line(10_000)),
        ("a line of 100000", line(100_000)),
        ("100000 side by side", wide(100_000)),
    ] {
        c.bench_function(&format!("plan and run cold: {name}"), |b| {
            b.iter(|| run(&Engine::new(registry()).unwrap(), &graph));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = calibration, planning, running
}
criterion_main!(benches);
