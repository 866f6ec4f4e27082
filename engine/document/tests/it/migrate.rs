//! Old documents, and what becomes of them. `v0_x.ron` is the old text, `v0_x.expected` the migrated one.

use kiln_document::Graph;

use crate::fixtures::{dir, files};

#[test]
fn old_documents() {
    let files = files("migrate");
    assert!(!files.is_empty());
    for (name, text) in files {
        let graph = Graph::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(graph.migrated_from, Some(0), "{name}");
        let expected = dir("migrate").join(name.replace(".ron", ".expected"));
        if std::env::var_os("KILN_BLESS").is_some() {
            std::fs::write(&expected, graph.to_text()).unwrap();
        }
        assert_eq!(graph.to_text(), std::fs::read_to_string(expected).unwrap(), "{name}");
        let current = Graph::parse(&graph.to_text()).unwrap();
        assert_eq!(current.migrated_from, None);
        assert_eq!(current, graph, "{name}");
    }
}

/// Problems and places of a migrated document are those of the old text.
#[test]
fn places_are_those_of_the_old_text() {
    let text =
        "Graph(\n  kiln: 0,\n  nodes: [\n    (id: \"a\", kind: \"A\"),\n    (id: \"b\", kind: 5),\n  ],\n)";
    assert_eq!(
        Graph::parse(text).unwrap_err().to_string(),
        "5:21: a text is needed here, found a number (at nodes.\"b\".type)\n    write it in double quotes: \"5\""
    );
    let graph = Graph::parse(&text.replace('5', "\"B\"")).unwrap();
    assert_eq!(graph.place("nodes.\"b\""), Some((5, 5)));
}
