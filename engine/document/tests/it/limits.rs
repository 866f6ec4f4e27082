//! Texts that want too much: refused, at once, without falling over.

use std::fmt::Write as _;

use kiln_document::{Graph, Lit};

#[test]
fn nesting() {
    for open in ["[", "(", "{1:", "P(", "(a:", "{["] {
        for close in ["", "]", ")"] {
            let text = open.repeat(200_000) + &close.repeat(200_000);
            let error = Lit::parse(&text).unwrap_err().to_string();
            assert!(error.contains("nested more than 64 deep"), "{open}: {}", &error[..100]);
            assert!(Graph::parse(&text).unwrap_err().to_string().contains("nested more than 128 deep"));
        }
    }
    let comments = "/*".repeat(200_000);
    assert!(Graph::parse(&comments).unwrap_err().to_string().contains("never closed"));
    assert!(Lit::parse(&("[".repeat(64) + &"]".repeat(64))).is_ok());
}

#[test]
fn subgraphs_in_subgraphs() {
    let mut deep = Graph::new();
    for _ in 0..60 {
        let mut outer = Graph::new();
        outer.graphs.insert("g".into(), deep);
        deep = outer;
    }
    assert_eq!(Graph::parse(&deep.to_text()).unwrap(), deep);
}

#[test]
fn size() {
    let text = " ".repeat((64 << 20) + 1);
    assert!(Graph::parse(&text).unwrap_err().to_string().contains("larger than 64 MiB"));
}

/// A million nodes are read, one more is refused. With `KILN_FULL=1` only: it takes a while.
#[test]
fn nodes() {
    let nodes = crate::fixtures::turns(0, 1_000_000);
    let mut text = "Graph(kiln:1,nodes:{".to_owned();
    (0..nodes).for_each(|i| write!(text, "\"{i}\":(type:\"A\"),").unwrap());
    assert_eq!(Graph::parse(&format!("{text}}})")).unwrap().nodes.len(), nodes as usize);
    if nodes > 0 {
        let error = Graph::parse(&format!("{text}\"x\":(type:\"A\")}})")).unwrap_err();
        assert!(error.to_string().contains("there are more than 1000000 nodes"));
    }
}

#[test]
fn values() {
    if crate::fixtures::turns(0, 1) > 0 {
        let text = format!("[{}]", "0,".repeat(8_000_001));
        assert!(Lit::parse(&text).unwrap_err().what.contains("more than 8000000 values"));
    }
}

#[test]
fn bytes() {
    let error = Graph::parse_bytes(b"Graph(\n  title: \"\xC3\xA4 \xFF\")").unwrap_err();
    assert_eq!(error.to_string(), "2:13: the file is not UTF-8 text\n    save it as UTF-8");
    assert!(Graph::parse_bytes(b"\xEF\xBB\xBFGraph(kiln: 1)").is_ok());
}

#[test]
fn many_problems() {
    let mut text = "Graph(kiln: 1, nodes: {\n".to_owned();
    for i in 0..10_000 {
        writeln!(text, "\"n{i}\": (type: 5),").unwrap();
    }
    text += "})";
    assert_eq!(Graph::parse(&text).unwrap_err().0.len(), 100);
    let twice = format!("Graph(kiln: 1, nodes: {{{}}})", "\"a\": (type: \"A\"),".repeat(200_000));
    assert!(Graph::parse(&twice).unwrap_err().0.len() <= 101);
    let commas = format!("[{}]", "1 ".repeat(10_000));
    assert!(Graph::parse(&commas).unwrap_err().0.len() <= 101);
}

/// Not a benchmark, but a guard against a quadratic step: ten times the nodes, not a hundred times the work.
#[test]
fn large_documents_stay_linear() {
    let text = large(20_000);
    let graph = Graph::parse(&text).unwrap();
    assert_eq!(graph.nodes.len(), 20_000);
    assert_eq!(graph.to_text(), text);
    let one_line = text.replace('\n', " ");
    assert_eq!(Graph::parse(&one_line).unwrap().to_text(), text);
}

pub(crate) fn large(nodes: usize) -> String {
    let mut text = "Graph(\n    kiln: 1,\n    title: \"Large\",\n    nodes: {\n".to_owned();
    for i in 0..nodes {
        let from = i.saturating_sub(1);
        writeln!(
            text,
            "        \"node {i}\": (type: \"PadImage\", from: {{ \"image\": \"node {from}.image\" }}, with: {{ \"size\": {i}, \"color\": \"#101820\" }}),"
        )
        .unwrap();
    }
    // Longer lines than the writer's are its business: the shortest form is the canonical one.
    let graph = Graph::parse(&(text + "    },\n)\n")).unwrap();
    graph.to_text()
}

/// `cargo test --release -p kiln-document -- --ignored --nocapture timing`
#[test]
#[ignore = "a measurement that checks nothing: cargo test --release -p kiln-document -- --ignored --nocapture timing"]
fn timing() {
    let text = large(100_000);
    let commented = text.replace("PadImage\",", "PadImage\", // why\n");
    for (name, text) in [("plain", &text), ("a comment in each node", &commented)] {
        for _ in 0..3 {
            let start = std::time::Instant::now();
            let graph = Graph::parse(text).unwrap();
            let parsed = start.elapsed();
            let start = std::time::Instant::now();
            let written = graph.to_text();
            let wrote = start.elapsed();
            let start = std::time::Instant::now();
            drop(graph);
            println!(
                "{name}: {} bytes: read {parsed:?}, write {wrote:?} ({}), drop {:?}",
                text.len(),
                written.len(),
                start.elapsed()
            );
        }
    }
}
