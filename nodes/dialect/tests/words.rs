//! What a person reads when a workflow cannot be taken: the file, the node, the input, the remedy. Never a panic.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_core::Registry;
use kiln_dialect::{Translated, read};
use kiln_document::{Lit, Source};
use proptest::prelude::*;
use std::sync::LazyLock;

static REGISTRY: LazyLock<Registry> = LazyLock::new(kiln_nodes::registry);

fn refused(text: &str) -> String {
    match read(text, "x.json", &REGISTRY) {
        Ok(t) => panic!("it was taken: {}", t.graph.to_text()),
        Err(problems) => {
            assert!(!problems.is_empty());
            problems.iter().map(|p| format!("{p}\n")).collect()
        }
    }
}

fn taken(text: &str) -> Translated {
    read(text, "folder/x.json", &REGISTRY).unwrap_or_else(|p| panic!("{p:#?}"))
}

#[track_caller]
fn says(text: &str, words: &[&str]) {
    let said = refused(text);
    for words in words {
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
}

#[test]
fn other_files_are_named_for_what_they_are() {
    let drawing =
        r#"{"last_node_id": 9, "nodes": [{"id": 1, "type": "KSampler"}], "links": [], "version": 0.4}"#;
    says(drawing, &["x.json:1:1", "this is the editor's format; export it with 'Save (API Format)'"]);
    says("[]", &["this is a list, and no workflow", "API"]);
    says("7", &["a number, and no workflow"]);
    says("{}", &["there are no nodes"]);
    says(r#"{"name": "kiln", "version": "1"}"#, &["JSON, but no workflow"]);
    says("{\n  \"1\": {\"class_type\":", &["x.json:2:", "ends in the middle", "export the workflow again"]);
    says("Graph(kiln: 1)", &["x.json:1:1", "a value is expected"]);
}

#[test]
fn unknown_classes_come_all_at_once() {
    let text = r#"{
        "1": {"class_type": "LoadImge", "inputs": {"image": "a.png"}},
        "57:8": {"class_type": "FaceSwap", "inputs": {"image": ["1", 0]}, "_meta": {"title": "My face"}},
        "3": {"class_type": "FaceSwap", "inputs": {}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["57:8", 0]}}
    }"#;
    let said = refused(text);
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [
            "x.json:2:14: error: 3 nodes have 2 classes that Kiln does not know:",
            "    FaceSwap: 57:8 \"My face\", 3",
            "    LoadImge: 1 (did you mean LoadImage?)",
            "    take these nodes out in ComfyUI, or use others for them, and export the workflow again",
        ]
    );
    let none = read(text, "x.json", &Registry::new()).unwrap_err();
    assert!(none[0].to_string().contains("its counterpart SaveImage is not in this build"), "{}", none[0]);
}

#[test]
fn wrong_links_and_values_are_named() {
    let text = r#"{
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "2": {"class_type": "ImageScale", "inputs": {"image": ["1", 2], "width": "wide", "height": NaN,
              "upscale_method": ["11", 0], "crop": ["9", 0]}},
        "3": {"class_type": "ImageBlend", "inputs": {"image1": ["1", 0], "blend_factor": 1e999}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["3", -1], "images": ["4", 0]}},
        "5": {"class_type": "ImageInvert", "inputs": {"image": {"a": 1}}},
        "6": {"class_type": "ImageInvert", "inputs": [1]},
        "7": {"inputs": {}},
        "8": 5,
        "5": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}}
    }"#;
    says(
        text,
        &[
            "x.json:3:63: error in 2.image (ImageScale): it is linked to output 2 of 1 (LoadImage), which has no such output here\n    there are outputs 0 (image) and 1 (mask)",
            "error in 2.width (ImageScale): it takes a whole number, not \"wide\"\n    write it like 20",
            "error in 2.height (ImageScale): NaN is no number",
            "error in 2.upscale_method (ImageScale): it is linked to the node \"11\", which is not there",
            "error in 3.image2 (ImageBlend): this input is missing\n    link it",
            "error in 3.blend_factor (ImageBlend): the number is too large, or infinite",
            "error in 4.images (SaveImage): this input is there twice",
            "error in 4.images (SaveImage): it is linked to output 0 of 4 (SaveImage), which has no outputs here",
            "error in 5.image (ImageInvert): it takes a link, not an object",
            "error in 6 (ImageInvert): inputs is a list, not an object",
            "error in 7: this node has no class_type",
            "error in 8: a node is an object, not a number",
            "error in 5 (ImageInvert): this node is there twice",
        ],
    );
}

#[test]
fn ids_titles_and_values_stay() {
    let graph = taken(
        r#"{"prompt": {
            "57:8": {"class_type": "LoadImage", "inputs": {"image": "sub\\a.png [input]", "upload": "image"},
                     "_meta": {"title": "My picture"}, "is_changed": [NaN]},
            "v1.5 a": {"class_type": "ImageBlur", "inputs": {"image": ["57:8", 0], "blur_radius": "3", "sigma": 2}},
            "$": {"class_type": "PrimitiveInt", "inputs": {"value": 9223372036854775807}},
            "": {"class_type": "ImageScale", "inputs": {"image": ["v1.5 a", 0], "width": ["$", 0], "height": 64.0,
                 "upscale_method": "area", "crop": "disabled"}},
            "7": {"class_type": "SaveImage", "inputs": {"images": ["", 0], "filename_prefix": "a/{b}"}},
            "8": {"class_type": "SaveImage", "inputs": {"images": ["57:8", 0], "filename_prefix": "a/{b}"}}
        }, "client_id": "x"}"#,
    );
    let nodes = &graph.graph.nodes;
    assert_eq!(graph.graph.title, "x");
    assert_eq!(nodes["57:8"].title.as_deref(), Some("My picture"));
    assert_eq!(nodes["57:8"].with["image"], Lit::text("sub/a.png"));
    let blur = &nodes["v1.5 a"];
    assert_eq!((&blur.with["blur_radius"], &blur.with["sigma"]), (&Lit::Int(3), &Lit::Float(2.0)));
    assert_eq!(nodes["node"].with["value"], Lit::Int(i64::MAX.into()));
    let scale = &nodes["node 2"];
    assert_eq!(scale.from["width"].links()[0].to_string(), "node.value");
    assert_eq!(scale.from["image"].links()[0].to_string(), "v1.5 a.image");
    assert_eq!(scale.with["height"], Lit::Int(64));
    assert_eq!(nodes["7"].with["name"], Lit::text("a/{{b}}"));
    assert_eq!(nodes["8"].with["name"], Lit::text("a/{{b}}-8"));
    let notes: Vec<String> = graph.notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes.len(), 3, "{notes:#?}");
    assert!(notes[2].starts_with("8: another node saves as \"a/{{b}}\" already"), "{notes:#?}");
    let again = kiln_document::Graph::parse(&graph.graph.to_text()).unwrap();
    assert_eq!(again, graph.graph);
}

#[test]
fn values_that_stand_where_links_do_become_nodes() {
    let graph = taken(
        r#"{
            "1": {"class_type": "StringConcatenate", "inputs": {"string_a": "x", "string_b": ["2", 0], "delimiter": "\\n"}},
            "2": {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "y\nz"}},
            "3": {"class_type": "StringContains", "inputs": {"string": ["1", 0], "substring": "y", "case_sensitive": false}},
            "4": {"class_type": "PreviewAny", "inputs": {"source": ["3", 0]}},
            "5": {"class_type": "MarkdownNote", "inputs": {"text": "hello"}}
        }"#,
    );
    let nodes = &graph.graph.nodes;
    assert_eq!(nodes["1 string_a"].ty, "Text");
    let Source::Many(links) = &nodes["1"].from["texts"] else { panic!("{:?}", nodes["1"]) };
    let links: Vec<String> = links.iter().map(ToString::to_string).collect();
    assert_eq!(links, ["1 string_a.value", "2.value"]);
    assert_eq!(nodes["1"].with["separator"], Lit::text("\\\\n"));
    assert_eq!(nodes["3"].with["ignore_case"], Lit::Bool(true));
    assert_eq!(nodes["4 SaveText"].from["text"].links()[0].to_string(), "4.text");
    assert_eq!(nodes["4 SaveText"].with["name"], Lit::text("preview-4.txt"));
    assert!(!nodes.contains_key("5"));
    assert!(
        graph.notes.iter().any(|n| n.to_string().contains("5 (MarkdownNote) is left out")),
        "{:?}",
        graph.notes
    );
}

#[test]
fn what_is_left_out_is_told() {
    let graph = taken(
        r#"{"1": {"class_type": "SolidMask", "inputs": {"value": 1, "colour": "red", "width": 9}},
            "2": {"class_type": "MaskPreview", "inputs": {"mask": ["1", 0]}}}"#,
    );
    let notes: Vec<String> = graph.notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "1: SolidMask has no input colour: left out",
            "1: nothing is said of height: Kiln's own default is taken",
            "2: the preview is saved beside the other pictures",
        ]
    );
}

#[test]
fn a_hundred_megabytes_of_anything_are_refused_quickly() {
    for text in [
        "x".repeat(100 << 20),
        "[".repeat(100 << 20),
        format!("{{\"1\": \"{}", "a".repeat(20 << 20)),
        format!("{{{}", "\"1\":{},".repeat(8 << 20)),
        format!("{{{}\"z\": {{\"class_type\": \"A\"}}}}", "\"1\": 0,".repeat(1 << 20)),
    ] {
        let problems = read(&text, "x.json", &REGISTRY).unwrap_err();
        let said: usize = problems.iter().map(|p| p.to_string().len()).sum();
        assert!(said < 50_000, "{said}");
    }
}

#[test]
fn many_unknown_nodes_are_one_short_message() {
    let nodes: Vec<String> =
        (0..100_000).map(|at| format!("\"{at}\": {{\"class_type\": \"C{}\"}}", at % 1000)).collect();
    let said = refused(&format!("{{{}}}", nodes.join(",")));
    assert!(said.contains("100000 nodes have 1000 classes"), "{said}");
    assert!(said.contains("and 960 more classes") && said.len() < 10_000, "{said}");
}

fn anything() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("NaN".to_owned()),
        Just("-1".to_owned()),
        Just("18446744073709551616".to_owned()),
        Just("[\"1\", 0]".to_owned()),
        Just("[\"2\", 99999999999999999999999]".to_owned()),
        Just("[1, 1]".to_owned()),
        Just("\"a.png\"".to_owned()),
        Just("\"$\"".to_owned()),
        "\"[a-z{}%\\.]{0,6}\"",
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|v| format!("[{}]", v.join(","))),
            proptest::collection::vec(("[a-z]{0,3}", inner), 0..4).prop_map(|v| {
                let all: Vec<String> = v.iter().map(|(k, v)| format!("\"{k}\": {v}")).collect();
                format!("{{{}}}", all.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Nodes of every class with any values: a graph that can be written and read, or words.
    #[test]
    fn any_values_become_a_graph_or_words(
        nodes in proptest::collection::vec(
            (
                prop_oneof!["[0-3]", "[.$#\\\\\\\\]{0,2}"],
                any::<prop::sample::Index>(),
                proptest::collection::vec((any::<prop::sample::Index>(), anything()), 0..5),
            ),
            0..5,
        )
    ) {
        let classes = kiln_dialect::classes().unwrap();
        let names = ["image", "images", "mask", "value", "text", "filename_prefix", "string_a", "mode", "width", "source"];
        let text: Vec<String> = nodes
            .iter()
            .map(|(id, class, inputs)| {
                let inputs: Vec<String> =
                    inputs.iter().map(|(name, value)| format!("{:?}: {value}", name.get(&names))).collect();
                format!("\"{id}\": {{\"class_type\": {:?}, \"inputs\": {{{}}}}}", class.get(&classes).0, inputs.join(","))
            })
            .collect();
        let text = format!("{{{}}}", text.join(","));
        match read(&text, "x.json", &REGISTRY) {
            Ok(made) => {
                let again = kiln_document::Graph::parse(&made.graph.to_text());
                prop_assert_eq!(again.unwrap(), made.graph);
            }
            Err(problems) => prop_assert!(!problems.is_empty()),
        }
    }

    /// Every cut and every flipped byte of a workflow.
    #[test]
    fn torn_workflows_are_told(cut in 0usize..700, flip in any::<Option<(usize, char)>>()) {
        let whole = include_str!("workflows/a_euler_normal.json");
        let mut text: String = whole.chars().take(cut).collect();
        if let Some((at, c)) = flip {
            let mut chars: Vec<char> = whole.chars().collect();
            let at = at % chars.len();
            chars[at] = c;
            text = chars.into_iter().collect();
        }
        prop_assert!(read(&text, "x.json", &Registry::new()).is_err());
    }
}
