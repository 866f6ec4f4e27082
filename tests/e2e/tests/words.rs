//! What a person reads when something goes wrong: never silence, never somebody else's terminal codes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
mod support;

fn said(graph: &str, more: &[&str]) -> (i32, String) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("g.ron"), graph).unwrap();
    let (code, out, err) = support::run(support::command(dir.path()).arg("g.ron").args(more));
    (code, out + &err)
}

#[test]
fn a_path_that_was_computed_and_cannot_be_read_is_told() {
    for path in ["nofile.txt", "../secret.txt", "/etc/passwd"] {
        let graph = format!(
            r#"Graph(kiln: 1, nodes: {{
                "p": (type: "Text", with: {{ "value": "{path}" }}),
                "r": (type: "ReadText", from: {{ "file": "p.value" }}),
                "s": (type: "SaveText", from: {{ "text": "r.text" }}),
            }})"#
        );
        let (code, words) = said(&graph, &[]);
        assert_eq!(code, 1, "{words}");
        assert!(words.contains("r.file") && words.contains(path), "{words}");
    }
}

#[test]
fn names_do_not_steer_the_terminal() {
    let graph =
        "Graph(kiln: 1, title: \"T\\u{1b}]0;x\\u{7}\", nodes: { \"a\\u{1b}[2J\": (type: \"Nonsense\") })";
    let (code, words) = said(graph, &[]);
    assert_eq!(code, 2, "{words}");
    assert!(!words.contains(['\u{1b}', '\u{7}']), "{words:?}");
}

#[test]
fn events_are_json_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let graph = r#"Graph(kiln: 1, nodes: { "t": (type: "Text", with: { "value": "x" }), "s": (type: "SaveText", from: { "text": "t.value" }) })"#;
    std::fs::write(dir.path().join("g.ron"), graph).unwrap();
    let (code, out, err) = support::run(support::command(dir.path()).args(["g.ron", "--events"]));
    assert_eq!(code, 0, "{err}");
    assert!(!out.is_empty());
    for line in out.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    }
}
