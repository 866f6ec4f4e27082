//! Gates judge as documented.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]
mod common;

use common::{Run, engine, graph, items, out, outputs, run};
use kiln_core::types::{Embedding, names};
use kiln_core::{Engine, Node, NodeError, Registry, Rejection, RunReport};

fn judge(nodes: &str) -> RunReport {
    run(&engine(), &graph(nodes), Run { want: &["n"], ..Run::default() }).unwrap()
}

fn rejected(nodes: &str) -> Rejection {
    let report = judge(nodes);
    assert_eq!(report.rejections.len(), 1, "{:?} {:?}", report.values, report.failures);
    report.rejections[0].clone()
}

const FLAT: &str = r##""a": (type: "SolidColor", with: { "size": (32, 32), "color": "#808080" }),"##;
const CHECKER: &str =
    r##""a": (type: "CheckerImage", with: { "size": (32, 32), "cell": 4, "second": "#000000" }),"##;

#[test]
fn quality_is_judged_by_ranges() {
    let gate = r#""n": (type: "QualityGate", from: { "image": "a.image" }, with: { "contrast": (0.2, 1.0), "then": "fail" }),"#;
    let no = rejected(&format!("{FLAT} {gate}"));
    assert_eq!(no.reason, "contrast 0 is below 0.2");
    assert!((no.score + 0.2).abs() < 1e-9, "{no:?}");
    assert_eq!(no.gate, "n");
    outputs(&engine(), &format!("{CHECKER} {gate}")).unwrap();
    let all = r#""n": (type: "QualityGate", from: { "image": "a.image" }, with: { "then": "fail" }),"#;
    outputs(&engine(), &format!("{FLAT} {all}")).unwrap();
}

#[test]
fn every_complaint_is_named_and_the_worst_counts() {
    let gate = r#""n": (type: "QualityGate", from: { "image": "a.image" },
        with: { "contrast": (0.2, 1.0), "brightness": (0.0, 0.4), "then": "fail" }),"#;
    let no = rejected(&format!("{FLAT} {gate}"));
    assert_eq!(no.reason, "brightness 0.502 is above 0.4; contrast 0 is below 0.2");
    assert!((no.score + 0.2).abs() < 1e-9, "{no:?}");
}

#[test]
fn of_a_batch_every_picture_has_to_pass() {
    let nodes = format!(
        r#"{FLAT} "b": (type: "CheckerImage", with: {{ "size": (32, 32), "cell": 4 }}),
           "both": (type: "ImageBatch", from: {{ "image1": "b.image", "image2": "a.image" }}),
           "n": (type: "QualityGate", from: {{ "image": "both.image" }}, with: {{ "contrast": (0.05, 1.0), "then": "fail" }}),"#
    );
    assert!(rejected(&nodes).reason.contains("contrast 0 is below"));
}

#[test]
fn a_palette_has_to_cover_the_picture() {
    let gate = |colors: &str| {
        format!(
            r#"{CHECKER} "n": (type: "PaletteGate", from: {{ "image": "a.image" }},
               with: {{ "colors": {colors}, "coverage": 0.9, "then": "fail" }}),"#
        )
    };
    outputs(&engine(), &gate(r##"["#ffffff", "#000000"]"##)).unwrap();
    let no = rejected(&gate(r##"["#ffffff"]"##));
    assert_eq!(no.reason, "0.5 of the picture is in the palette, less than 0.9");
    assert!((no.score + 0.4).abs() < 1e-6, "{no:?}");
    let report = judge(&gate("[]"));
    assert!(report.failures[0].2.contains("has no colours"), "{:?}", report.failures);
}

#[test]
fn seams_cut_off_borders_and_strange_colours_are_judged() {
    let ramp = r#""a": (type: "GradientImage", with: { "size": (64, 8) }),"#;
    let seams = r#""n": (type: "QualityGate", from: { "image": "a.image" }, with: { "seam_x": (0.0, 1.5), "seam_y": (0.0, 1.5), "then": "fail" }),"#;
    let no = rejected(&format!("{ramp} {seams}"));
    assert!(no.reason.starts_with("seam_x ") && no.reason.ends_with("is above 1.5"), "{}", no.reason);
    outputs(&engine(), &format!("{CHECKER} {seams}")).unwrap();
    let border = r#""n": (type: "SubjectGate", from: { "image": "a.image" }, with: { "border": (0.0, 0.1), "then": "fail" }),"#;
    assert_eq!(rejected(&format!("{FLAT} {border}")).reason, "border 1 is above 0.1");
    let far = r##""n": (type: "PaletteGate", from: { "image": "a.image" },
        with: { "colors": ["#ffffff"], "coverage": 0.0, "distance": (0.0, 20.0), "then": "fail" }),"##;
    let no = rejected(&format!("{CHECKER} {far}"));
    assert_eq!(no.reason, "distance 50 is above 20");
    assert!((no.score + 0.3).abs() < 1e-4, "{no:?}");
}

#[test]
fn sizes_and_shapes_are_judged() {
    let gate = |with: &str| {
        format!(
            r#""a": (type: "SolidColor", with: {{ "size": (64, 32) }}),
               "n": (type: "SizeGate", from: {{ "image": "a.image" }}, with: {{ {with}, "then": "fail" }}),"#
        )
    };
    outputs(&engine(), &gate(r#""width": (64, 65536), "aspect": (2, 2)"#)).unwrap();
    assert_eq!(rejected(&gate(r#""width": (100, 65536)"#)).reason, "width 64 is below 100");
    assert_eq!(rejected(&gate(r#""aspect": (0, 1)"#)).reason, "aspect 2 is above 1");
}

#[test]
fn a_subject_has_to_be_large_and_clear_of_the_border() {
    let gate = |with: &str| {
        format!(
            r#""a": (type: "SolidColor", with: {{ "size": (20, 20) }}),
               "p": (type: "PadImage", from: {{ "image": "a.image" }}, with: {{ "size": 10, "color": "HASH00000000" }}),
               "n": (type: "SubjectGate", from: {{ "image": "p.image" }}, with: {{ {with}, "then": "fail" }}),"#
        )
        .replace("HASH", "#")
    };
    outputs(&engine(), &gate(r#""area": (0.2, 0.3), "may_touch": false"#)).unwrap();
    assert_eq!(rejected(&gate(r#""area": (0.5, 1.0)"#)).reason, "area 0.25 is below 0.5");
    let whole = r#""a": (type: "SolidColor", with: { "size": (20, 20) }),
        "n": (type: "SubjectGate", from: { "image": "a.image" }, with: { "may_touch": false, "then": "fail" }),"#;
    assert_eq!(rejected(whole).reason, "the subject touches the border");
}

#[test]
fn what_looks_alike_passes_once() {
    let engine = engine();
    let dir = tempfile::tempdir().unwrap();
    // The same picture under a little noise that differs from item to item.
    let alike = r#""p": (type: "NoiseImage", with: { "size": (64, 64), "seed": Fixed(3), "scale": 16 }),
        "a": (type: "AddImageNoise", from: { "image": "p.image" }, with: { "amount": 0.01, "seed": 1 }),
        "u": (type: "UniqueGate", from: { "image": "a.image" }, with: { "distance": 8, "then": "skip" }),
        "s": (type: "SaveImage", from: { "images": "u.image" }, with: { "name": "{item}" }),"#;
    let how = Run { out: Some(out(dir.path())), batch: Some(items(4)), ..Run::default() };
    let report = run(&engine, &graph(alike), how).unwrap();
    let made: Vec<bool> = (0..4).map(|i| dir.path().join(format!("{i}.png")).exists()).collect();
    assert_eq!(made, [true, false, false, false], "{:?}", report.rejections);
    let reason = &report.rejections[0].reason;
    assert!(reason.contains("bits differ from item 0") && reason.ends_with("8 are wanted"), "{reason}");
}

#[test]
fn what_looks_different_passes() {
    let engine = engine();
    let dir = tempfile::tempdir().unwrap();
    let nodes = r#""a": (type: "NoiseImage", with: { "size": (64, 64), "seed": 3, "scale": 16 }),
        "u": (type: "UniqueGate", from: { "image": "a.image" }, with: { "distance": 8, "then": "skip" }),
        "s": (type: "SaveImage", from: { "images": "u.image" }, with: { "name": "{item}" }),"#;
    let how = Run { out: Some(out(dir.path())), batch: Some(items(4)), ..Run::default() };
    let report = run(&engine, &graph(nodes), how).unwrap();
    assert!((0..4).all(|i| dir.path().join(format!("{i}.png")).exists()), "{:?}", report.rejections);
}

/// An engine with a node that gives an embedding for each item: nearly the same for items 0 and 1, others for all others.
fn with_embeddings(model: fn(u64) -> String) -> Engine {
    let mut registry = Registry::new();
    registry.add_all(kiln_image::nodes());
    let node = Node::pure("Embedded", 1, move |cx| {
        let item = cx.item().map_or(0, |i| i.item);
        let mut vector = vec![0.0; 8];
        vector[if item == 1 { 0 } else { item as usize }] = 1.0;
        vector[7] = if item == 1 { 0.1 } else { 0.0 };
        cx.set("embedding", Embedding::new(model(item), 8, vector).map_err(NodeError::new)?);
        Ok(())
    });
    registry.add(node.output("embedding", names::EMBEDDING, "The vector.").uses_item(|_| true));
    Engine::new(registry).unwrap()
}

fn unlike(engine: &Engine, with: &str) -> (Vec<bool>, RunReport) {
    let dir = tempfile::tempdir().unwrap();
    let nodes = format!(
        r#""a": (type: "NoiseImage", with: {{ "size": (64, 64), "seed": 3, "scale": 16 }}),
        "e": (type: "Embedded"),
        "u": (type: "UniqueGate", from: {{ "image": "a.image", "embedding": "e.embedding" }},
              with: {{ "then": "skip", {with} }}),
        "s": (type: "SaveImage", from: {{ "images": "u.image" }}, with: {{ "name": "{{item}}" }}),"#
    );
    let how = Run { out: Some(out(dir.path())), batch: Some(items(4)), ..Run::default() };
    let report = run(engine, &graph(&nodes), how).unwrap();
    ((0..4).map(|i| dir.path().join(format!("{i}.png")).exists()).collect(), report)
}

#[test]
fn what_shows_the_same_passes_once() {
    let engine = with_embeddings(|_| "ViT-B/32 01234567".into());
    let (made, report) = unlike(&engine, "");
    assert_eq!(made, [true, false, true, true], "{:?}", report.rejections);
    let no = &report.rejections[0];
    assert_eq!(no.reason, "it is 0.9950 like item 0, too much: 0.95 is allowed");
    assert!((no.score - (1.0 - 1.0 / 1.01_f64.sqrt())).abs() < 3e-5, "{no:?}");
    assert_eq!(unlike(&engine, r#""similarity": 0.999"#).0, [true; 4]);
    // Both have to hold.
    let (made, report) = unlike(&engine, r#""distance": 64, "similarity": 1.0"#);
    assert_eq!(made, [true, false, false, false]);
    assert!(report.rejections[0].reason.contains("64 are wanted"), "{:?}", report.rejections);
}

#[test]
fn embeddings_of_two_models_are_an_error() {
    let engine = with_embeddings(|item| if item == 2 { "other".into() } else { "one".to_owned() });
    let (made, report) = unlike(&engine, "");
    assert_eq!(made, [true, false, false, true]);
    let told = &report.failures[0].2;
    assert!(
        told.contains("item 0 was accepted with an embedding of one") && told.contains("other"),
        "{told}"
    );
}

#[test]
fn a_vector_for_each_picture() {
    let nodes = r#""p": (type: "NoiseImage", with: { "size": (20, 16), "seed": Fixed(7), "batch": 2 }),
        "e": (type: "Embedded"),
        "n": (type: "UniqueGate", from: { "image": "p.image", "embedding": "e.embedding" }),"#;
    let report =
        run(&with_embeddings(|_| "m".into()), &graph(nodes), Run { want: &["n"], ..Run::default() }).unwrap();
    assert!(report.failures[0].2.contains("1 vectors for 2 pictures"), "{:?}", report.failures);
}
