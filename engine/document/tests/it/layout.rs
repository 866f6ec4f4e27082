//! The layout: pleasant to read, and a small change is a small difference.

use kiln_document::{Graph, Lit, Node};

use crate::fixtures::files;

/// How many lines were taken away, and how many came.
fn difference(old: &str, new: &str) -> (usize, usize) {
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    (old.len() - head - tail, new.len() - head - tail)
}

/// Every parameter of every canonical file, changed to another of about the same length.
#[test]
fn one_parameter_is_one_line() {
    let mut changed = 0;
    for (name, text) in files("corpus").into_iter().filter(|(name, _)| name.starts_with("canonical_")) {
        let graph = Graph::parse(&text).unwrap();
        for (node, data) in &graph.nodes {
            for (param, value) in &data.with {
                let other = match value {
                    Lit::Int(value) => Lit::Int(if *value < 0 { value + 1 } else { value - 1 }),
                    Lit::Float(value) => Lit::Float(-value),
                    Lit::Text(text) if text.is_ascii() && text.len() > 1 => {
                        Lit::Text(format!("{}X", &text[..text.len() - 1]))
                    }
                    Lit::Bool(value) => Lit::Bool(!value),
                    _ => continue,
                };
                let mut edited = graph.clone();
                edited.set_param(node, param, other).unwrap();
                assert_eq!(difference(&text, &edited.to_text()), (1, 1), "{name}: {node}.{param}");
                changed += 1;
            }
        }
    }
    assert!(changed > 10);
}

#[test]
fn lines_are_broken_where_they_get_too_long() {
    let mut graph = Graph::new();
    let mut node = Node::new("Blend");
    node.from.insert("top".into(), kiln_document::Link::new("a", "image").into());
    for param in ["opacity", "gamma", "mode", "offset", "rotation"] {
        node.with.insert(param.into(), Lit::Float(0.5));
        graph.nodes.insert(format!("with {} parameters", node.with.len()), node.clone());
    }
    node.with
        .insert("a parameter with a very long name".into(), Lit::text("and a value that goes on and on"));
    graph.nodes.insert("too many".into(), node);
    let expected = r#"Graph(
    kiln: 1,
    nodes: {
        "with 1 parameters": (type: "Blend", from: { "top": "a.image" }, with: { "opacity": 0.5 }),
        "with 2 parameters": (
            type: "Blend",
            from: { "top": "a.image" },
            with: { "opacity": 0.5, "gamma": 0.5 },
        ),
        "with 3 parameters": (
            type: "Blend",
            from: { "top": "a.image" },
            with: { "opacity": 0.5, "gamma": 0.5, "mode": 0.5 },
        ),
        "with 4 parameters": (
            type: "Blend",
            from: { "top": "a.image" },
            with: { "opacity": 0.5, "gamma": 0.5, "mode": 0.5, "offset": 0.5 },
        ),
        "with 5 parameters": (
            type: "Blend",
            from: { "top": "a.image" },
            with: { "opacity": 0.5, "gamma": 0.5, "mode": 0.5, "offset": 0.5, "rotation": 0.5 },
        ),
        "too many": (
            type: "Blend",
            from: { "top": "a.image" },
            with: {
                "opacity": 0.5,
                "gamma": 0.5,
                "mode": 0.5,
                "offset": 0.5,
                "rotation": 0.5,
                "a parameter with a very long name": "and a value that goes on and on",
            },
        ),
    },
)
"#;
    assert_eq!(graph.to_text(), expected);
}

#[test]
fn no_line_is_longer_than_it_must() {
    for (name, text) in files("corpus").into_iter().filter(|(name, _)| name.starts_with("canonical_")) {
        for line in text.lines().filter(|line| !line.contains("//") && !line.contains(": \"")) {
            assert!(line.chars().count() <= 100, "{name}: {line}");
        }
    }
}

/// A prompt over several lines stays a text that one can read, whatever quotes are in it.
#[test]
fn prompts() {
    let mut graph = Graph::new();
    graph.about = "first line\nsecond \"line\"#".into();
    assert_eq!(
        graph.to_text(),
        "Graph(\n    kiln: 1,\n    about: r##\"first line\nsecond \"line\"#\"##,\n)\n"
    );
}
