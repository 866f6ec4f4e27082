//! Changes that touch more than one place.

use kiln_document::{EditError, Graph, Link, Lit, Node};

const TEXT: &str = r#"Graph(
    kiln: 1,
    expose: { "seed": ["paper.seed", "frame.seed"], "only": "paper.size" },
    outputs: { "image": "paper.image" },
    nodes: {
        // the sheet
        "paper": (type: "NoiseImage", with: { "seed": 7 }), // white
        "frame": (type: "Pad", from: { "image": "paper.image#2", "many": ["paper.a", "frame.b"], "lone": ["paper.a"] }),
    },
    canvas: {
        "positions": {
            "paper": (0, 0), // top left
            "frame": (9, 9),
        },
    },
)
"#;

#[test]
fn rename() {
    let mut graph = Graph::parse(TEXT).unwrap();
    graph.rename_node("paper", "57:8 \"a.b\"").unwrap();
    let quoted = TEXT.replace("\"paper\"", "\"57:8 \\\"a.b\\\"\"").replace("paper.", "57:8 \\\"a.b\\\".");
    assert_eq!(graph, Graph::parse(&quoted).unwrap());
    assert_eq!(graph.to_text(), Graph::parse(&quoted).unwrap().to_text());
    graph.rename_node("57:8 \"a.b\"", "paper").unwrap();
    assert_eq!(graph.to_text(), Graph::parse(TEXT).unwrap().to_text());

    assert_eq!(graph.rename_node("nobody", "x"), Err(EditError::NoNode("nobody".into())));
    assert_eq!(graph.rename_node("paper", "frame"), Err(EditError::Taken("frame".into())));
    assert_eq!(graph.rename_node("paper", "$"), Err(EditError::BadName("$".into())));
    assert_eq!(graph.rename_node("paper", ""), Err(EditError::BadName(String::new())));
    assert_eq!(graph.rename_node("paper", "paper"), Ok(()));
    assert_eq!(graph, Graph::parse(TEXT).unwrap());
}

#[test]
fn remove() {
    let mut graph = Graph::parse(TEXT).unwrap();
    let paper = graph.remove_node("paper").unwrap();
    assert_eq!(paper.ty, "NoiseImage");
    let expected = r#"Graph(
    kiln: 1,
    expose: { "seed": "frame.seed" },
    nodes: {
        "frame": (type: "Pad", from: { "many": ["frame.b"] }),
    },
    canvas: { "positions": { "frame": (9, 9) } },
)
"#;
    assert_eq!(graph.to_text(), expected);
    assert_eq!(graph.remove_node("paper"), Err(EditError::NoNode("paper".into())));
}

#[test]
fn insert_and_set() {
    let mut graph = Graph::new();
    graph.insert("a", Node::new("A")).unwrap();
    assert_eq!(graph.insert("a", Node::new("B")), Err(EditError::Taken("a".into())));
    assert_eq!(graph.set_param("a", "x", Lit::Int(1)), Ok(None));
    assert_eq!(graph.set_param("a", "x", Lit::parse("[2.5]").unwrap()), Ok(Some(Lit::Int(1))));
    assert_eq!(graph.set_param("b", "x", Lit::Int(1)), Err(EditError::NoNode("b".into())));
    graph.nodes["a"].from.insert("in".into(), Link::new("b", "out").into());
    assert_eq!(
        graph.to_text(),
        "Graph(\n    kiln: 1,\n    nodes: {\n        \"a\": (type: \"A\", from: { \"in\": \"b.out\" }, with: { \"x\": [2.5] }),\n    },\n)\n"
    );
}

#[test]
fn meaning() {
    let graph = Graph::parse(TEXT).unwrap();
    let same = Graph::parse(
        r#"Graph(kiln: 1, nodes: {
            "frame": (from: { "lone": ["paper.a"], "many": ["paper.a", "frame.b"], "image": "paper.image#2" }, type: "Pad"),
            "paper": (type: "NoiseImage", mode: Active, with: { "seed": 0x7 }),
        }, outputs: { "image": "paper.image" },
        expose: { "only": ["paper.size"], "seed": ["paper.seed", "frame.seed"] })"#,
    )
    .unwrap();
    assert!(graph.semantic_eq(&same));
    assert_ne!(graph, same);
    let mut other = graph.clone();
    other.set_param("paper", "seed", Lit::Int(8)).unwrap();
    assert!(!graph.semantic_eq(&other));
}
