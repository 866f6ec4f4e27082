//! What a person is told about a slip. Each case: the slip, and every word of the answer.

use kiln_document::Graph;

/// The slip stands on its own lines within the document.
fn told(text: &str) -> String {
    Graph::parse(text).expect_err(text).to_string()
}

#[test]
fn typical_slips() {
    let cases = [
        (
            "a comma is missing",
            r#"Graph(
    kiln: 1
    title: "x",
)"#,
            "2:12: a comma is missing here",
        ),
        (
            "two commas are missing: both are told",
            r#"Graph(
    kiln: 1,
    nodes: {
        "a": (type: "A")
        "b": (type: "B" mode: Muted),
    },
)"#,
            "4:25: a comma is missing here (at nodes)\n\
             5:24: a comma is missing here (at nodes.\"b\")",
        ),
        (
            "a brace is not closed: the opening line",
            r#"Graph(
    kiln: 1,
    nodes: {
        "a": (type: "A"),
)"#,
            "3:12: this `{` is not closed before the `)` at 5:1 (at nodes)\n    add `}` where it ends",
        ),
        (
            "the text ends too early",
            r#"Graph(
    kiln: 1,
    nodes: {"#,
            "3:12: this `{` is never closed (at nodes)\n    add `}` where it ends",
        ),
        (
            "a bracket too many",
            "Graph(kiln: 1))",
            "1:15: after the end of the document there is `)`\n    a document is one value: is a bracket closed too early?",
        ),
        (
            "a quote is missing",
            r#"Graph(kiln: 1, title: "x)"#,
            "1:23: this string is never closed (at title)",
        ),
        (
            "a Windows path",
            r#"Graph(kiln: 1, nodes: { "a": (type: "Load", with: { "path": "C:\pictures" }) })"#,
            "1:64: `\\p` is not an escape; a backslash is written `\\\\` (at nodes.\"a\".with.\"path\")",
        ),
        (
            "an equals sign",
            "Graph(kiln = 1)",
            "1:12: expected `,` or `)`, found `=`\n    a field is written `name: value`",
        ),
        (
            "a semicolon",
            "Graph(kiln: 1; title: \"x\")",
            "1:14: expected `,` or `)`, found `;`\n    entries are separated by commas",
        ),
        (
            "a value is missing",
            "Graph(kiln: 1, title: , nodes: {})",
            "1:23: expected a value, found `,` (at title)",
        ),
        (
            "a colon is missing",
            r#"Graph(kiln: 1, nodes: { "a" (type: "A") })"#,
            "1:29: expected `:`, found `(` (at nodes.\"a\")\n    after a name comes a colon, then its value",
        ),
        (
            "no version",
            "Graph(title: \"x\")",
            "1:1: the document does not say which version of the format it is written in\n    \
             add `kiln: 1,` as its first field",
        ),
        (
            "from the future",
            "Graph(kiln: 4)",
            "1:13: the document is written in version 4 of the format; this Kiln reads up to version 1 (at kiln)\n    \
             update Kiln",
        ),
        (
            "not a graph",
            "[1, 2]",
            "1:1: a graph is needed here, found a list\n    a graph is written `Graph(...)`",
        ),
        (
            "another kind of document",
            "Scene(kiln: 1)",
            "1:1: a graph is needed here, found `Scene`\n    a graph is written `Graph(...)`",
        ),
        ("nothing", " // nothing\n", "2:1: there is nothing in it"),
        (
            "a number where a text is needed",
            "Graph(kiln: 1, title: 12)",
            "1:23: a text is needed here, found a number (at title)\n    write it in double quotes: \"12\"",
        ),
        (
            "a type without quotes",
            r#"Graph(kiln: 1, nodes: { "a": (type: NoiseImage) })"#,
            "1:37: a text is needed here, found a bare name (at nodes.\"a\".type)\n    \
             write it in double quotes: \"NoiseImage\"",
        ),
        (
            "no type",
            r#"Graph(kiln: 1, nodes: { "a": (with: {}) })"#,
            "1:30: this node has no type (at nodes.\"a\")\n    add `type: \"...\"`",
        ),
        (
            "an unknown mode",
            r#"Graph(kiln: 1, nodes: { "a": (type: "A", mode: bypass) })"#,
            "1:48: there is no mode `bypass` (at nodes.\"a\".mode)\n    did you mean `Bypassed`?",
        ),
        (
            "a mode in quotes",
            r#"Graph(kiln: 1, nodes: { "a": (type: "A", mode: "Off") })"#,
            "1:48: a mode is written without quotes (at nodes.\"a\".mode)\n    the modes are `Active`, `Muted` and `Bypassed`",
        ),
        (
            "a link without a dot",
            r#"Graph(kiln: 1, nodes: { "a": (type: "A", from: { "image": "paper" }) })"#,
            "1:59: `paper` has no dot (at nodes.\"a\".from.\"image\")\n    a link is written \"node.port\"",
        ),
        (
            "a bad link in a list",
            r#"Graph(kiln: 1, nodes: { "a": (type: "A", from: { "many": ["b.c", ".d"] }) })"#,
            "1:66: `.d` has no node name before the dot (at nodes.\"a\".from.\"many\"[1])\n    a link is written \"node.port\"",
        ),
        (
            "a node twice",
            "Graph(kiln: 1, nodes: {\n    \"a\": (type: \"A\"),\n    \"a\": (type: \"B\"),\n})",
            "3:5: the name `\"a\"` is there twice: at 2:5 already (at nodes.\"a\")\n    rename or remove one of them",
        ),
        (
            "a parameter twice",
            "Graph(kiln: 1, nodes: { \"a\": (type: \"A\", with: {\n    \"size\": 1,\n    \"size\": 2,\n}) })",
            "3:5: the name `\"size\"` is there twice: at 2:5 already (at nodes.\"a\".with.\"size\")\n    \
             rename or remove one of them",
        ),
        (
            "a field twice",
            "Graph(kiln: 1, title: \"a\", title: \"b\")",
            "1:28: the field `title` is there twice: at 1:16 already (at title)\n    rename or remove one of them",
        ),
        (
            "a key twice, within a value",
            "Graph(kiln: 1, canvas: { \"a\": (1, { 2: 3,\n    2: 4 }) })",
            "2:5: the name `2` is there twice: at 1:37 already (at canvas.\"a\"[1].2)\n    rename or remove one of them",
        ),
        (
            "a node twice in a draft",
            "Graph(kiln: 0, nodes: [(id: \"a\", kind: \"A\"),\n(id: \"a\", kind: \"B\")])",
            "2:1: the name `\"a\"` is there twice: at 1:24 already (at nodes.\"a\")\n    rename or remove one of them",
        ),
        (
            "nodes as a list",
            "Graph(kiln: 1, nodes: [(type: \"A\")])",
            "1:23: a map is needed here, found a list (at nodes)\n    it is written `{ \"name\": ... }`",
        ),
        (
            "names without quotes",
            "Graph(kiln: 1, nodes: { paper: (type: \"A\") })",
            "1:25: a name is needed here, in double quotes (at nodes)\n    write \"paper\"",
        ),
        (
            "a node called $",
            "Graph(kiln: 1, nodes: { \"$\": (type: \"A\") })",
            "1:25: no node can be called `$`, which stands for the subgraph's own inputs (at nodes.\"$\")\n    \
             give it another name",
        ),
        (
            "within a subgraph: the way from outside",
            "Graph(kiln: 1, graphs: { \"G\": Graph(outputs: { \"o\": \"x\" }) })",
            "1:53: `x` has no dot (at graphs.\"G\".outputs.\"o\")\n    a link is written \"node.port\"",
        ),
        (
            "NaN",
            "Graph(kiln: 1, nodes: { \"a\": (type: \"A\", with: { \"x\": NaN }) })",
            "1:55: `NaN` is not a number a document can hold (at nodes.\"a\".with.\"x\")",
        ),
        (
            "several, in the order of the text",
            "Graph(kiln: 1,\n  lock: (engine: 1),\n  about: 2,\n  title: 3)",
            "2:18: a text is needed here, found a number (at lock.engine)\n    write it in double quotes: \"1\"\n\
             3:10: a text is needed here, found a number (at about)\n    write it in double quotes: \"2\"\n\
             4:10: a text is needed here, found a number (at title)\n    write it in double quotes: \"3\"",
        ),
    ];
    let mut wrong = String::new();
    for (slip, text, expected) in cases {
        let told = told(text);
        if told != expected {
            wrong += &format!("--- {slip}\n{text}\nexpected:\n{expected}\ntold:\n{told}\n\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
