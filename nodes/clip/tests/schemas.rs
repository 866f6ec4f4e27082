//! What is said of every node is complete and true.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_core::{Kind, Lane};
use kiln_shelf::Shelf;
use kiln_types::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

fn within(kind: &Kind, value: &Value) -> bool {
    match (kind, value) {
        (Kind::Bool, Value::Bool(_)) | (Kind::Text { .. } | Kind::ParamRef, Value::Text(_)) => true,
        (Kind::Int { min, max, step }, Value::Int(v)) => (min..=max).contains(&v) && *step > 0,
        (Kind::Float { min, max, step }, Value::Float(v)) => (min..=max).contains(&v) && *step > 0.0,
        (Kind::Choice(words), Value::Text(word)) => words.iter().any(|w| **w == **word),
        (Kind::List(_) | Kind::Files, Value::List(items)) => items.is_empty(),
        _ => false,
    }
}

#[test]
fn schemas_are_complete() {
    let mut wrong = Vec::new();
    let mut types = BTreeSet::new();
    for node in kiln_clip::nodes(&Arc::new(Shelf::cpu())) {
        let schema = node.schema();
        let name = &schema.name;
        assert!(types.insert(name.to_string()), "{name} is there twice");
        let mut check = |ok: bool, what: String| {
            if !ok {
                wrong.push(format!("{name}: {what}"));
            }
        };
        let sentence = |doc: &str| doc.len() > 5 && doc.ends_with('.') && !doc.contains("  ");
        check(schema.version > 0, "no version".into());
        check(!schema.title.is_empty(), "no title".into());
        check(schema.category == "clip" || schema.category == "clip/gates", "no category".into());
        check(sentence(&schema.doc), format!("doc {:?}", schema.doc));
        let mut slots = BTreeSet::new();
        for input in &schema.inputs {
            check(slots.insert(input.name), format!("{} is there twice", input.name));
            check(sentence(&input.doc), format!("{}: doc {:?}", input.name, input.doc));
        }
        for param in &schema.params {
            check(slots.insert(param.name), format!("{} is there twice", param.name));
            check(sentence(&param.doc), format!("{}: doc {:?}", param.name, param.doc));
            let fits = param.default.as_ref().is_none_or(|v| within(&param.kind, v));
            check(fits, format!("{}: default {:?}", param.name, param.default));
        }
        let mut outs = BTreeSet::new();
        check(!schema.outputs.is_empty(), "no outputs".into());
        for output in &schema.outputs {
            check(outs.insert(output.name), format!("{} is given twice", output.name));
            check(sentence(&output.doc), format!("{}: doc {:?}", output.name, output.doc));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let named: Vec<&str> = types.iter().map(String::as_str).collect();
    assert_eq!(
        named,
        [
            "AestheticGate",
            "AestheticScore",
            "ClipGate",
            "EmbedImage",
            "EmbedText",
            "LoadAestheticHead",
            "LoadClip",
            "NearestPictures",
            "Similarity",
            "StyleDistance",
            "StyleVector",
            "ZeroShotLabels"
        ]
    );
}

#[test]
fn what_a_device_computes_has_its_class_in_the_key() {
    for node in kiln_clip::nodes(&Arc::new(Shelf::cpu())) {
        let schema = node.schema();
        let looks = ["EmbedImage", "EmbedText", "ZeroShotLabels", "StyleVector", "ClipGate", "AestheticGate"];
        let device = looks.contains(&&*schema.name);
        assert_eq!(schema.lane == Lane::Device, device, "{}", schema.name);
    }
}
