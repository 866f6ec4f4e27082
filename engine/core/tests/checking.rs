//! Every problem at once, each with its place and what to do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
mod support;
use kiln_core::document::Graph;
use kiln_core::doors::Sandbox;
use kiln_core::{Severity, Wish};
use support::*;

fn problems(nodes: &str, wish: &Wish) -> Vec<String> {
    let text = format!("Graph(kiln: 1, nodes: {{\n{nodes}\n}})");
    let graph = Graph::parse(&text).unwrap_or_else(|e| panic!("{e}"));
    let (_, problems) = engine().check(&graph, &Sandbox::new("."), wish);
    problems.iter().map(ToString::to_string).collect()
}

/// A graph, and the words its problem is told in.
const CASES: &[(&str, &str)] = &[
    (
        r#""n": (type: "Numbr"),"#,
        "error at 2:1 in n: this build does not know the node type \"Numbr\"\n    did you mean \"Number\"?",
    ),
    (
        r#""n": (type: "Number", with: { "valu": 3 }),"#,
        "error at 2:31 in n.valu: Number has no parameter \"valu\"\n    did you mean \"value\"?",
    ),
    (
        r#""n": (type: "Number", with: { "value": "x" }),"#,
        "error at 2:31 in n.value: takes a number, but is \"x\"\n    write it like 0.5",
    ),
    (
        r#""n": (type: "Number", with: { "value": 1e13 }),"#,
        "error at 2:31 in n.value: 10000000000000 is outside -1000000000000 to 1000000000000",
    ),
    (r#""m": (type: "Add"),"#, "error at 2:1 in m.a: \"a\" has to be linked to something that gives Float"),
    (r#""m": (type: "Add", from: { "a": "x.value" }),"#, "error at 2:28 in m.a: there is no node \"x\""),
    (
        r#""n": (type: "Number"), "m": (type: "Add", from: { "a": "n.valeu" }),"#,
        "error at 2:51 in m.a: \"n\" has no output \"valeu\"\n    did you mean \"n.value\"?",
    ),
    (
        r#""n": (type: "Number"), "m": (type: "Add", from: { "a": "nn.value" }),"#,
        "error at 2:51 in m.a: there is no node \"nn\"\n    did you mean \"n.value\"?",
    ),
    (
        r#""n": (type: "Number"), "j": (type: "Join", from: { "values": ["n.value"] }), "m": (type: "Add", from: { "a": "j.text" }),"#,
        "error at 2:105 in m.a: it takes Float, but j.text gives Text",
    ),
    (
        r#""a": (type: "Add", from: { "a": "b.value" }), "b": (type: "Add", from: { "a": "a.value" }),"#,
        "error at 2:1 in a: \"a\" and \"b\" feed each other in a circle\n    unlink one of them; to try again with another seed, use a gate's retry",
    ),
    (
        r#""d": (type: "Draw"), "g": (type: "AtLeast", from: { "value": "d.value" }, with: { "retry": "d.sed" }),"#,
        "error at 2:83 in g.retry: \"d\" has no parameter \"sed\"; did you mean \"seed\"?\n    name the seed to draw again, \"noise.seed\"",
    ),
    (
        r#""d": (type: "Draw"), "e": (type: "Draw"), "g": (type: "AtLeast", from: { "value": "d.value" }, with: { "retry": "e.seed" }),"#,
        "error at 2:104 in g.retry: \"e.seed\" does not lead to this gate, so drawing it again would change nothing\n    name a seed upstream of the gate",
    ),
    (
        r#""s": (type: "Subgraph", graph: "Nope"),"#,
        "error at 2:1 in s: there is no subgraph \"Nope\" under graphs",
    ),
    (
        r#""n": (type: "Number", version: 9),"#,
        "error at 2:1 in n: it was made for version 9 of Number, this build has version 1\n    use a newer Kiln",
    ),
    (
        r#""n": (type: "Number", wiht: { "value": 3 }),"#,
        "warning at 2:1 in n: the field \"wiht\" means nothing to this version; it is kept as it is\n    did you mean \"with\"?",
    ),
];

#[test]
fn each_mistake_is_told_with_its_place_and_what_to_do() {
    let mut wrong = Vec::new();
    for (nodes, expected) in CASES {
        let found = problems(nodes, &Wish::default());
        if !found.iter().any(|p| p == expected) {
            wrong.push(format!("for {nodes}\nexpected {expected:?}\nfound    {found:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_problems_come_at_once() {
    let found = problems(
        r#""n": (type: "Number", with: { "value": "x" }), "m": (type: "Add", from: { "a": "q.value" }, with: { "b": true }),
           "j": (type: "Join", from: { "values": ["n.value", "m.value", "zz.value"] }),"#,
        &Wish::default(),
    );
    assert_eq!(found.len(), 4, "{found:#?}");
}

#[test]
fn what_nobody_wants_may_be_broken() {
    let text = r#""n": (type: "Number"), "m": (type: "Add", from: { "a": "n.value" }), "bad": (type: "Nonsense"),
        "worse": (type: "Add", from: { "a": "bad.value" }),"#;
    let wish = Wish { want: vec!["m".into()], ..Wish::default() };
    let (plan, problems) = engine().check(&graph(text), &Sandbox::new("."), &wish);
    assert!(plan.is_some());
    assert!(problems.iter().all(|p| p.severity == Severity::Warning) && !problems.is_empty());
    let wish = Wish { want: vec!["worse".into()], ..Wish::default() };
    assert!(engine().check(&graph(text), &Sandbox::new("."), &wish).0.is_none());
    let wish = Wish { want: vec!["mm".into()], ..Wish::default() };
    let (_, problems) = engine().check(&graph(text), &Sandbox::new("."), &wish);
    assert_eq!(problems[0].hint.as_deref(), Some("did you mean \"m\"?"));
}

#[test]
fn regions_that_overlap_are_refused() {
    let found = problems(
        r#""a": (type: "Draw"), "b": (type: "Draw"), "s": (type: "Add", from: { "a": "a.value", "b": "b.value" }),
           "ga": (type: "AtLeast", from: { "value": "s.value" }, with: { "retry": "a.seed", "attempts": 3 }),
           "gb": (type: "AtLeast", from: { "value": "ga.value" }, with: { "retry": "b.seed", "attempts": 3 }),"#,
        &Wish::default(),
    );
    assert!(found.iter().any(|p| p.contains("overlaps that of")), "{found:#?}");
}

#[test]
fn items_that_would_write_one_file_are_refused() {
    let wish = Wish { batch: true, ..Wish::default() };
    let found =
        problems(r#""d": (type: "Draw"), "w": (type: "Write", from: { "value": "d.value" }),"#, &wish);
    assert!(found.iter().any(|p| p.contains("every item would write the same file")), "{found:#?}");
}

#[test]
fn a_subgraph_that_contains_itself_is_refused() {
    let text = r#"Graph(kiln: 1, nodes: { "s": (type: "Subgraph", graph: "A") },
        graphs: { "A": Graph(nodes: { "s": (type: "Subgraph", graph: "A") }) })"#;
    let (_, problems) = engine().check(&Graph::parse(text).unwrap(), &Sandbox::new("."), &Wish::default());
    assert!(problems.iter().any(|p| p.what.contains("contains itself")), "{problems:#?}");
}

#[test]
fn very_large_graphs_need_no_deep_stack() {
    // On a thread with a small stack: what recursed over nodes would overflow it.
    let work = || {
        let mut line = String::from("\"n0\": (type: \"Number\"),\n");
        for i in 1..50_000 {
            line.push_str(&format!("\"n{i}\": (type: \"Add\", from: {{ \"a\": \"n{}.value\" }}),\n", i - 1));
        }
        let engine = engine();
        let plan = plan(&engine, &graph(&line), &Wish::default());
        let report = run(&engine, &plan, kiln_core::Setup { jobs: 1, ..kiln_core::Setup::new("r", ".") });
        assert_eq!(value(&report, "n49999"), "49999");
    };
    std::thread::Builder::new().stack_size(256 << 10).spawn(work).unwrap().join().unwrap();
}

#[test]
fn a_few_lines_that_unfold_to_billions_are_refused_soon() {
    // Each subgraph uses the next one twice.
    let mut text =
        String::from("Graph(kiln: 1, nodes: { \"s\": (type: \"Subgraph\", graph: \"G0\") }, graphs: {\n");
    for i in 0..30 {
        let next = i + 1;
        text.push_str(&format!(
            "\"G{i}\": Graph(nodes: {{ \"a\": (type: \"Subgraph\", graph: \"G{next}\"), \"b\": (type: \"Subgraph\", graph: \"G{next}\") }}),\n"
        ));
    }
    text.push_str("\"G30\": Graph(nodes: { \"n\": (type: \"Number\") }) })");
    let (plan, problems) =
        engine().check(&Graph::parse(&text).unwrap(), &Sandbox::new("."), &Wish::default());
    assert!(plan.is_none());
    assert!(problems.iter().any(|p| p.what.contains("unfold to more than")), "{:?}", problems.first());
}

#[test]
fn what_does_nothing_is_not_called_unread() {
    let text = r#""n": (type: "Number"), "m": (type: "Add", from: { "a": "n.value" }, with: { "b": 0 }),
        "w": (type: "Write", from: { "value": "m.value" }), "idle": (type: "Number"),"#;
    let found = problems(text, &Wish::default());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("in idle: nothing reads it"), "{found:#?}");
}

#[test]
fn a_name_with_the_item_needs_items() {
    let text = r#""n": (type: "Number"), "w": (type: "Write", from: { "value": "n.value" }, with: { "name": "{item}" }),"#;
    let found = problems(text, &Wish::default());
    assert!(found.iter().any(|p| p.contains("the graph runs once")), "{found:#?}");
}
