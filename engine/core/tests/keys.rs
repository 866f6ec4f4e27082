//! A value is named by how it was made, and by nothing else.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
mod support;
use kiln_core::document::{Graph, Link, Lit, Mode, Node, ParamRef, Source};
use kiln_core::doors::Sandbox;
use kiln_core::{Engine, Setup, Wish};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use support::*;

/// Keys by node name; nodes that decide while running have none.
fn keys(engine: &Engine, graph: &Graph) -> BTreeMap<String, String> {
    let want: Vec<String> = Vec::new();
    let plan = engine
        .plan(graph, &Sandbox::new("."), &Wish { want, ..Wish::default() })
        .unwrap_or_else(|e| panic!("{e}"));
    let lines = engine.keys(&plan, &Setup::new("k", "."), None);
    lines.into_iter().filter_map(|l| Some((l.node, l.key?))).collect()
}

/// A random graph: constants, sums of two earlier values, joins; every node leads to one last join.
fn arbitrary() -> impl Strategy<Value = Graph> {
    let node = (0..3u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), -50..50i32);
    prop::collection::vec(node, 1..25).prop_map(|specs| {
        let mut g = Graph::new();
        g.nodes.insert("n0".into(), Node::new("Number"));
        let mut floats = vec!["n0".to_owned()];
        for (at, (kind, a, b, value)) in specs.into_iter().enumerate() {
            let name = format!("n{}", at + 1);
            let mut node = Node::new(if kind == 0 { "Number" } else { "Add" });
            if kind == 0 {
                node.with.insert("value".into(), Lit::Int(value.into()));
            } else {
                let link = |i: &prop::sample::Index| Source::One(Link::new(i.get(&floats).clone(), "value"));
                node.from.insert("a".into(), link(&a));
                if kind == 1 {
                    node.from.insert("b".into(), link(&b));
                } else {
                    node.with.insert("b".into(), Lit::Float(f64::from(value)));
                }
            }
            g.nodes.insert(name.clone(), node);
            floats.push(name);
        }
        let mut last = Node::new("Join");
        last.from.insert(
            "values".into(),
            Source::Many(floats.iter().map(|f| Link::new(f.clone(), "value")).collect()),
        );
        g.nodes.insert("last".into(), last);
        g
    })
}

/// Everything downstream of a node, itself included.
fn downstream(graph: &Graph, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::from([from.to_owned()]);
    loop {
        let before = found.len();
        for (name, node) in &graph.nodes {
            if node.from.values().any(|s| s.links().iter().any(|l| found.contains(&l.node))) {
                found.insert(name.clone());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if std::env::var_os("KILN_FULL").is_some() { 20_000 } else { 500 }, ..ProptestConfig::default() })]

    #[test]
    fn names_order_and_canvas_change_no_key(graph in arbitrary(), pick in any::<prop::sample::Index>()) {
        let engine = engine();
        let before = keys(&engine, &graph);
        let names: Vec<String> = graph.nodes.keys().cloned().collect();
        let old = pick.get(&names).clone();

        let mut renamed = graph.clone();
        kiln_core::refactor::rename(&mut renamed, engine.registry(), &old, "a new: name.x").unwrap();
        let mut after = keys(&engine, &renamed);
        let moved = after.remove("a new: name.x").unwrap();
        after.insert(old, moved);
        prop_assert_eq!(&after, &before);

        let mut shuffled = graph.clone();
        shuffled.nodes.reverse();
        shuffled.canvas = Some(Lit::parse("{ \"positions\": { \"n0\": (3, 4) } }").unwrap());
        shuffled.title = "another".into();
        prop_assert_eq!(keys(&engine, &shuffled), before);
    }

    #[test]
    fn a_default_written_out_changes_no_key(graph in arbitrary()) {
        let engine = engine();
        let before = keys(&engine, &graph);
        let mut written = graph;
        for node in written.nodes.values_mut() {
            let default = if node.ty == "Number" { ("value", 0.0) } else { ("b", 1.0) };
            if node.ty != "Join" && !node.from.contains_key(default.0) {
                node.with.entry(default.0.into()).or_insert(Lit::Float(default.1));
            }
            if node.ty == "Number" {
                node.with.insert("label".into(), Lit::Text("only for people".into()));
            }
        }
        prop_assert_eq!(keys(&engine, &written), before);
    }

    #[test]
    fn a_new_value_changes_what_is_downstream_and_nothing_else(graph in arbitrary(), pick in any::<prop::sample::Index>()) {
        let engine = engine();
        let before = keys(&engine, &graph);
        let numbers: Vec<String> = graph.nodes.iter().filter(|(_, n)| n.ty == "Number").map(|(k, _)| k.clone()).collect();
        let name = pick.get(&numbers).clone();
        let mut changed = graph.clone();
        changed.set_param(&name, "value", Lit::Float(1234.5)).unwrap();
        let after = keys(&engine, &changed);
        let differ: BTreeSet<String> = before.iter().filter(|(k, v)| after[*k] != **v).map(|(k, _)| k.clone()).collect();
        prop_assert_eq!(differ, downstream(&graph, &name));
    }

    #[test]
    fn a_bypassed_node_that_did_nothing_changes_no_key(graph in arbitrary(), pick in any::<prop::sample::Index>()) {
        let engine = engine();
        let mut idle = graph;
        let sums: Vec<String> = idle.nodes.iter().filter(|(_, n)| n.ty == "Add").map(|(k, _)| k.clone()).collect();
        prop_assume!(!sums.is_empty());
        let name = pick.get(&sums).clone();
        let node = idle.nodes.get_mut(&name).unwrap();
        node.from.shift_remove("b");
        node.with.insert("b".into(), Lit::Int(0));
        let mut before = keys(&engine, &idle);
        idle.nodes.get_mut(&name).unwrap().mode = Mode::Bypassed;
        let after = keys(&engine, &idle);
        before.remove(&name);
        prop_assert_eq!(after, before);
    }

    #[test]
    fn a_subgraph_inlined_changes_no_key(graph in arbitrary()) {
        let engine = engine();
        let before = keys(&engine, &graph);
        // All but the last node move into a subgraph that gives every value outside, and exposes one parameter.
        let mut inner = graph.clone();
        let last = inner.nodes.shift_remove("last").unwrap();
        for name in inner.nodes.keys() {
            inner.outputs.insert(name.clone(), Link::new(name.clone(), "value"));
        }
        inner.expose.insert("first".into(), vec![ParamRef::new("n0", "value")]);
        let first = inner.nodes["n0"].with.get("value").cloned();
        let mut outer = Graph::new();
        let mut sub = Node::new("Subgraph");
        sub.graph = Some("All".into());
        if let Some(first) = first {
            sub.with.insert("first".into(), first);
        }
        outer.nodes.insert("sub".into(), sub);
        let mut last = last;
        for source in last.from.values_mut() {
            let links = source.links().iter().map(|l| Link::new("sub", l.node.clone())).collect();
            *source = Source::Many(links);
        }
        outer.nodes.insert("last".into(), last);
        outer.graphs.insert("All".into(), inner);
        let after: BTreeMap<String, String> =
            keys(&engine, &outer).into_iter().map(|(k, v)| (k.trim_start_matches("sub/").to_owned(), v)).collect();
        prop_assert_eq!(after, before);
    }

    #[test]
    fn a_plan_never_panics(text in "\\PC{0,200}", graph in arbitrary(), cut in any::<prop::sample::Index>()) {
        let engine = engine();
        if let Ok(g) = Graph::parse(&format!("Graph(kiln: 1, nodes: {{ {text} }})")) {
            let _ = engine.check(&g, &Sandbox::new("."), &Wish::default());
        }
        // A graph with a hole in it.
        let mut broken = graph;
        let names: Vec<String> = broken.nodes.keys().cloned().collect();
        broken.nodes.shift_remove(cut.get(&names).as_str());
        let _ = engine.check(&broken, &Sandbox::new("."), &Wish::default());
    }
}

#[test]
fn an_old_name_of_a_parameter_gives_the_same_key() {
    let engine = engine();
    let new = keys(&engine, &graph(r#""n": (type: "Number", with: { "value": 3 }),"#));
    let old = keys(&engine, &graph(r#""n": (type: "Number", with: { "number": 3 }),"#));
    assert_eq!(old, new);
}

#[test]
fn keys_stay_what_they_were() {
    // A change here makes every cache in the world useless: raise the domain in keys.rs if it is meant.
    let engine = engine();
    let g = graph(
        r#""n": (type: "Number", with: { "value": 3 }), "m": (type: "Add", from: { "a": "n.value" }),"#,
    );
    let keys = keys(&engine, &g);
    assert_eq!(keys["n"], KEY_OF_N);
    assert_eq!(keys["m"], KEY_OF_M);
}

const KEY_OF_N: &str = "9c00890629b6a67106f43b05ad38ba84ed6c0bfd947fd0eeb9de2194979b36bf";
const KEY_OF_M: &str = "e437ced5028f9068705a987dfc5af4b1819e440369af2036b4ded426d075f141";
