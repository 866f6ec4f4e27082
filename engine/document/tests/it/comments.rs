//! Comments survive, wherever people put them.

use kiln_document::{Graph, Lit, Node, Notes, path};

fn written(text: &str) -> String {
    let graph = Graph::parse(text).unwrap();
    let written = graph.to_text();
    let again = Graph::parse(&written).unwrap();
    assert_eq!(again, graph, "{written}");
    assert_eq!(again.to_text(), written);
    written
}

/// Not one is lost, in however odd a place.
#[test]
fn everywhere() {
    let text = "/*1*/ Graph /*2*/ ( /*3*/ kiln /*4*/ : /*5*/ 1 /*6*/ , /*7*/ title: \"t\", //8
        nodes /*9*/: { //10
            /*11*/ \"a\" /*12*/ : /*13*/ N /*x*/ ( //14
            type: \"A\" /*15*/ , from: { /*16*/ } /*17*/, with: { \"p\": [ /*18*/ 1, 2 //19
            , 3 /*20*/ //21
            //22
            ], \"q\": P /*23*/ ( //24
            ), {(/*25*/1, 2): 3 /*26*/}: 4 } ) /*27*/ //28
        /*29*/ }, /*30*/ mode: ( /*31*/ x: 1 ), //32
    /*33*/ ) /*34*/ //35
    //36";
    let text = text
        .replace(": /*13*/ N /*x*/ (", ": /*13*/ Node /*x*/ (")
        .replace(", {(/*25*/1, 2): 3 /*26*/}: 4", "");
    let written = written(&text);
    for number in (1..=36).filter(|n| ![25, 26].contains(n)) {
        let found = written.contains(&format!("/*{number}*/"))
            || written.lines().any(|l| l.ends_with(&format!("//{number}")));
        assert!(found, "{number} is lost in\n{written}");
    }
}

#[test]
fn keys_with_comments() {
    let text = "Graph(kiln: 1, canvas: { (/*1*/ 1, 2 /*2*/): 3 /*3*/ })";
    let written = written(text);
    for number in 1..=3 {
        assert!(written.contains(&format!("/*{number}*/")), "{written}");
    }
}

/// A raw name with a dot is not taken for two steps of the way.
#[test]
fn names_with_dots() {
    let text = written(
        "Graph(kiln: 1, canvas: (r#a.b: 1, //1\n a: (b: 2, c: 3 /*2*/)), r#x.y: (z: 1 /*3*/), x: (y: (z: 1)), k: {1.5: 1 /*4*/, 1: {5: 2}, [0]: 3 /*5*/})",
    );
    for comment in ["//1", "/*2*/", "/*3*/", "/*4*/", "/*5*/"] {
        assert_eq!(text.matches(comment).count(), 1, "{text}");
    }
}

#[test]
fn where_they_go() {
    let given = "Graph(kiln: 1, nodes: {
  // before a
  \"a\": (type: \"A\"), // after a
  // before b

  \"b\": (type: \"B\", with: { \"x\": 1 /* of x */, \"y\": 2 }),
  // at the end
})";
    let expected = r#"Graph(
    kiln: 1,
    nodes: {
        // before a
        "a": (type: "A"), // after a
        // before b

        "b": (
            type: "B",
            with: {
                "x": 1, /* of x */
                "y": 2,
            },
        ),
        // at the end
    },
)
"#;
    assert_eq!(written(given), expected);
}

/// One blank line groups nodes; more say no more, and elsewhere they say nothing.
#[test]
fn blank_lines() {
    let given = "\n\nGraph(\n\n  kiln: 1,\n\n  nodes: {\n\n  \"a\": (type: \"A\"),\n\n\n\n  \"b\": (type: \"B\",\n\n with: {\n\n \"x\": 1 }),\n\n  },\n\n)\n\n";
    let expected = "Graph(\n    kiln: 1,\n    nodes: {\n        \"a\": (type: \"A\"),\n\n        \"b\": (type: \"B\", with: { \"x\": 1 }),\n    },\n)\n";
    assert_eq!(written(given), expected);
}

/// Comments set by a program become comments, whatever is in them.
#[test]
fn set_by_a_program() {
    let mut graph = Graph::new();
    let mut node = Node::new("A");
    node.with.insert("x".into(), Lit::Int(1));
    graph.insert("a", node).unwrap();
    let hostile =
        ["two\nlines", "*/ )", "// ok", "/* open", "/* a */ b", "/* a */", "//cr\rlf\n", "\u{2028}"];
    let notes = Notes {
        before: hostile.map(str::to_owned).to_vec(),
        after: hostile.map(str::to_owned).to_vec(),
        inside: hostile.map(str::to_owned).to_vec(),
    };
    for path in ["".to_owned(), path::node("a"), path::param("a", "x"), "kiln".into()] {
        graph.comments.set(path, notes.clone());
    }
    let text = graph.to_text();
    let read = Graph::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert!(read.semantic_eq(&graph));
    assert_eq!(read.to_text(), text);
}

/// A comment whose entry is gone goes too; one at a default keeps the default written.
#[test]
fn of_what_is_not_there() {
    let mut graph = Graph::parse("Graph(kiln: 1, title: \"\", // none yet\n nodes: { \"a\": (type: \"A\", with: {\n // x\n \"x\": 1 }) })").unwrap();
    graph.nodes["a"].with.clear();
    assert_eq!(
        graph.to_text(),
        "Graph(\n    kiln: 1,\n    title: \"\", // none yet\n    nodes: {\n        \"a\": (type: \"A\"),\n    },\n)\n"
    );
}
