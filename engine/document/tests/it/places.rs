//! Where things stood in the text.

use kiln_document::{Graph, path};

const TEXT: &str = r#"// head
Graph(
    kiln: 1,
    nodes: {
        "ü": (type: "A", from: { "m": ["x.y", "z.w"] }, with: { "s\"q": 1 }),
    },
    graphs: {
        "G": Graph(
            nodes: { "in": (type: "B") },
        ),
    },
)
"#;

#[test]
fn of_everything() {
    let graph = Graph::parse(TEXT).unwrap();
    let cases = [
        (String::new(), (2, 1)),
        ("nodes".into(), (4, 5)),
        (path::node("ü"), (5, 9)),
        (path::node_field("ü", "type"), (5, 15)),
        (path::input("ü", "m"), (5, 34)),
        (path::input("ü", "m") + "[1]", (5, 47)),
        (path::param("ü", "s\"q"), (5, 65)),
        // Not in the text: the nearest thing that is.
        (path::param("ü", "left out"), (5, 57)),
        (path::node_field("ü", "mode"), (5, 9)),
        (path::node("nowhere"), (4, 5)),
        (path::graph("G"), (8, 14)),
        (path::inside("G", &path::node("in")), (9, 22)),
        (path::inside("G", &path::node_field("in", "with")), (9, 22)),
    ];
    for (path, place) in cases {
        assert_eq!(graph.place(&path), Some(place), "{path}");
    }
    assert_eq!(graph.graphs["G"].place(&path::node("in")), Some((9, 22)));
    assert_eq!(Graph::new().place("nodes"), None);
}

/// Places are no part of what a graph says.
#[test]
fn do_not_count() {
    let graph = Graph::parse(TEXT).unwrap();
    assert_eq!(Graph::parse(&format!("\n\n{TEXT}")).unwrap(), graph);
}
