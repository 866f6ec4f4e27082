//! Graphs of picture nodes as people run them, against what was measured of ComfyUI 0.33 on two EPYC cores:
//! 50 ImageInvert nodes on 64x64, cold: 33 to 37 ms of processor time.
//!
//! A figure stands beside a calibration loop, so that two machines can be compared.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

use criterion::{Criterion, criterion_group, criterion_main};
use kiln_core::document::{Graph, Link, Lit, Node, Source};
use kiln_core::doors::Sandbox;
use kiln_core::{Cancel, Engine, Setup, Wish};
use std::hint::black_box;
use std::sync::Arc;

fn inverts(count: usize, size: i64) -> Graph {
    let mut g = Graph::new();
    let mut first = Node::new("NoiseImage");
    first.with.insert("size".into(), Lit::Tuple(None, vec![Lit::from(size), Lit::from(size)]));
    g.nodes.insert("n0".into(), first);
    for i in 1..=count {
        let mut node = Node::new("ImageInvert");
        node.from.insert("image".into(), Source::One(Link::new(format!("n{}", i - 1), "image")));
        g.nodes.insert(format!("n{i}"), node);
    }
    g
}

fn run(engine: &Engine, graph: &Graph) {
    let plan = engine.plan(graph, &Sandbox::new("."), &Wish::default()).unwrap();
    let report = engine.run(&plan, Setup::new("bench", "."), &Cancel::default(), Arc::new(|_| {})).unwrap();
    assert!(report.failures.is_empty());
}

fn graphs(c: &mut Criterion) {
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
    let graph = inverts(50, 64);
    let registry = kiln_nodes::registry();
    c.bench_function("cold: 50 ImageInvert nodes on 64x64", |b| {
        b.iter(|| run(&Engine::new(registry.clone()).unwrap(), &graph));
    });
    let engine = Engine::new(registry).unwrap();
    run(&engine, &graph);
    c.bench_function("all cached: 50 ImageInvert nodes on 64x64", |b| b.iter(|| run(&engine, &graph)));
    c.bench_function("the registry of a full build", |b| b.iter(kiln_nodes::registry));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = graphs
}
criterion_main!(benches);
