//! Lists where one value is wanted: the node runs once for each.

use super::support::*;

#[test]
fn a_node_runs_once_for_each_value() {
    let nodes = r#"
        "words": (type: "TextList", with: { "value": ["a", "b", "c"] }),
        "n": (type: "TextTemplate", from: { "a": "words.value" }, with: { "template": "{index}:{a}" })"#;
    let report = run(&engine(), nodes, &["n"]);
    assert_eq!(outcome(&report, "n"), "[0:a; 1:b; 2:c]");
}

#[test]
fn lists_that_meet_have_one_length_or_one_value() {
    let nodes = |b: &str| {
        format!(
            r#""x": (type: "TextList", with: {{ "value": ["a", "b", "c"] }}),
               "y": (type: "TextList", with: {{ "value": {b} }}),
               "n": (type: "TextTemplate", from: {{ "a": "x.value", "b": "y.value" }}, with: {{ "template": "{{a}}{{b}}" }})"#
        )
    };
    let says = |b: &str| outcome(&run(&engine(), &nodes(b), &["n"]), "n");
    assert_eq!(says(r#"["1", "2", "3"]"#), "[a1; b2; c3]");
    assert_eq!(says(r#"["1"]"#), "[a1; b1; c1]");
    let wrong = says(r#"["1", "2"]"#);
    assert_eq!(
        wrong,
        "error: n.b: \"b\" has 2 values, another list has 3 (lists that meet have the same length, or one value)"
    );
}

#[test]
fn what_makes_lists_of_lists_lays_them_flat() {
    let nodes = r#"
        "lines": (type: "TextList", with: { "value": ["a b", "c"] }),
        "words": (type: "SplitText", from: { "text": "lines.value" }, with: { "by": "word" }),
        "n": (type: "TextCase", from: { "text": "words.texts" }, with: { "to": "UPPER" })"#;
    assert_eq!(outcome(&run(&engine(), nodes, &["n"]), "n"), "[A; B; C]");
}

#[test]
fn one_value_behind_a_list_input_is_a_list_of_one() {
    let nodes = r#"
        "one": (type: "Text", with: { "value": "a" }),
        "turned": (type: "ListReverse", from: { "list": "one.value" }),
        "n": (type: "TextCase", from: { "text": "turned.list" }, with: { "to": "UPPER" })"#;
    assert_eq!(outcome(&run(&engine(), nodes, &["n"]), "n"), "[A]");
}

#[test]
fn a_switch_may_pass_one_value_where_a_list_was_planned() {
    let nodes = r#"
        "many": (type: "TextList", with: { "value": ["a", "b"] }),
        "one": (type: "Text", with: { "value": "c" }),
        "which": (type: "Switch", from: { "on_true": "many.value", "on_false": "one.value" }, with: { "which": false }),
        "n": (type: "TextCase", from: { "text": "which.value" }, with: { "to": "UPPER" })"#;
    assert_eq!(outcome(&run(&engine(), nodes, &["n"]), "n"), "[C]");
}

#[test]
fn many_links_and_lists_are_joined_in_order() {
    let nodes = r#"
        "x": (type: "TextList", with: { "value": ["a", "b"] }),
        "y": (type: "Text", with: { "value": "c" }),
        "list": (type: "MakeList", from: { "values": ["y.value", "x.value", "y.value"] }),
        "n": (type: "JoinText", from: { "texts": "list.list" }, with: { "separator": "" })"#;
    assert_eq!(outcome(&run(&engine(), nodes, &["n"]), "n"), "cabc");
}

#[test]
fn files_with_the_same_bytes_keep_their_names() {
    let dir = files();
    let engine = engine();
    let nodes = r#"
        "files": (type: "ListFiles", with: { "files": "pics/*.PNG" }),
        "names": (type: "FileName", from: { "file": "files.files" }),
        "n": (type: "JoinText", from: { "texts": "names.stem" })"#;
    let wish = kiln_core::Wish { want: vec!["n".into()], ..Default::default() };
    let says = || {
        let plan = plan(&engine, nodes, dir.path(), &wish).unwrap();
        let report =
            engine.run(&plan, setup(dir.path()), &Default::default(), std::sync::Arc::new(|_| {})).unwrap();
        outcome(&report, "n")
    };
    assert_eq!(says(), "cat10, cat2");
    // The same engine, the same bytes, another name.
    std::fs::rename(dir.path().join("pics/cat2.PNG"), dir.path().join("pics/cow.PNG")).unwrap();
    assert_eq!(says(), "cat10, cow");
    let one = |path: &str| {
        let nodes = format!(
            r#""t": (type: "Text", with: {{ "value": "{path}" }}), "n": (type: "FileName", from: {{ "file": "t.value" }})"#
        );
        let plan = plan(&engine, &nodes, dir.path(), &wish).unwrap();
        let report =
            engine.run(&plan, setup(dir.path()), &Default::default(), std::sync::Arc::new(|_| {})).unwrap();
        outcome(&report, "n")
    };
    assert_eq!(one("pics/cat10.PNG"), "cat10.PNG | cat10 | png | pics");
    assert_eq!(one("pics/cow.PNG"), "cow.PNG | cow | png | pics");
}
