//! What is said of every node is complete and true, and every node runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]
mod common;

use common::{Run, engine, graph, node_text, out, outputs, run, variants};
use kiln_core::types::Value;
use kiln_core::{Kind, Purity, Status};
use std::collections::BTreeSet;

fn within(kind: &Kind, value: &Value) -> bool {
    match (kind, value) {
        (Kind::Bool, Value::Bool(_))
        | (Kind::Text { .. } | Kind::ParamRef, Value::Text(_))
        | (Kind::Color, Value::Color(_))
        | (Kind::Seed, Value::Seed(_))
        | (Kind::Curve, Value::Curve(_)) => true,
        (Kind::Int { min, max, step }, Value::Int(v)) => (min..=max).contains(&v) && *step > 0,
        (Kind::Float { min, max, step }, Value::Float(v)) => (min..=max).contains(&v) && *step > 0.0,
        (Kind::Choice(words), Value::Text(word)) => words.iter().any(|w| **w == **word),
        (Kind::Size { min, max }, Value::Size(w, h)) => (min..=max).contains(&w) && (min..=max).contains(&h),
        (Kind::Range { min, max }, Value::Range(a, b)) => min <= a && a <= b && b <= max,
        (Kind::List(of), Value::List(items)) => items.iter().all(|i| within(of, i)),
        _ => false,
    }
}

#[test]
fn schemas_are_complete() {
    let mut types = BTreeSet::new();
    let mut wrong = Vec::new();
    for node in kiln_image::nodes() {
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
        check(schema.category.contains('/'), "no category".into());
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
            if let Kind::Choice(words) = &param.kind {
                let all: BTreeSet<_> = words.iter().collect();
                check(all.len() == words.len() && !all.is_empty(), format!("{}: choices", param.name));
            }
        }
        let mut outs = BTreeSet::new();
        check(!schema.outputs.is_empty(), "no outputs".into());
        for output in &schema.outputs {
            check(outs.insert(output.name), format!("{} is given twice", output.name));
            check(sentence(&output.doc), format!("{}: doc {:?}", output.name, output.doc));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(types.len() > 80, "{}", types.len());
}

#[test]
fn every_node_runs_with_its_defaults() {
    let engine = engine();
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    // One that asks a person has no outcome by itself.
    for node in kiln_image::nodes().into_iter().filter(|n| !n.asks_a_person()) {
        let schema = node.schema();
        for clear in [false, true] {
            let text = node_text(schema, clear, &[]);
            if schema.purity == Purity::Effect {
                let how = Run { out: Some(out(dir.path())), ..Run::default() };
                let report = run(&engine, &graph(&text), how).unwrap();
                assert_eq!(report.status, Status::Done, "{:?}", report.failures);
                continue;
            }
            match outputs(&engine, &text) {
                Ok(values) => {
                    for (output, value) in schema.outputs.iter().zip(&values) {
                        let fits = output.follows.is_some() || value.ty() == output.ty;
                        assert!(fits, "{}.{} gave {}", schema.name, output.name, value.ty());
                        if let Value::Image(image) = value {
                            assert!(image.data().iter().all(|v| v.is_finite()), "{}", schema.name);
                        }
                    }
                    assert_eq!(values.len(), schema.outputs.len(), "{}", schema.name);
                }
                Err(e) => wrong.push(format!("{} (alpha: {clear}): {e}", schema.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_parameter_within_its_bounds_breaks_a_node() {
    let engine = engine();
    let mut wrong = Vec::new();
    for node in
        kiln_image::nodes().iter().filter(|n| n.schema().purity != Purity::Effect && !n.asks_a_person())
    {
        let schema = node.schema();
        for param in schema.params.iter().filter(|p| !p.control) {
            for value in variants(&param.kind, param.default.as_ref()) {
                let text = node_text(schema, false, &[(param.name.to_owned(), value.clone())]);
                if let Err(e) = outputs(&engine, &text)
                    && (e.contains("broke") || e.contains("fault of"))
                {
                    wrong.push(format!("{} {}: {value}: {e}", schema.name, param.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nodes_hold_at_the_ends_of_their_bounds() {
    let engine = engine();
    let mut wrong = Vec::new();
    for node in kiln_image::nodes().iter().filter(|n| !n.schema().inputs.is_empty() && !n.asks_a_person()) {
        let schema = node.schema();
        // What makes pictures larger would only show that memory ends.
        let high = ["image/filter", "image/colour", "mask/shape", "image/gates", "image/measure"];
        let high = high.contains(&&*schema.category);
        for param in schema.params.iter().filter(|p| !p.control && schema.purity != Purity::Effect) {
            let (low, top) = match &param.kind {
                Kind::Int { min, max, .. } => (min.to_string(), max.to_string()),
                Kind::Float { min, max, .. } => (format!("{min:?}"), format!("{max:?}")),
                Kind::Range { min, max } => (format!("({min:?}, {min:?})"), format!("({max:?}, {max:?})")),
                Kind::Size { min, .. } => (format!("({min}, {min})"), format!("({min}, {min})")),
                _ => continue,
            };
            for value in [Some(low), high.then_some(top)].into_iter().flatten() {
                let text = node_text(schema, true, &[(param.name.to_owned(), value.clone())]);
                match outputs(&engine, &text) {
                    Err(e) if e.contains("broke") || e.contains("fault of") => {
                        wrong.push(format!("{} {}: {value}: {e}", schema.name, param.name));
                    }
                    Ok(values) => {
                        let finite = values.iter().all(|v| match v {
                            Value::Image(image) => image.data().iter().all(|v| v.is_finite()),
                            Value::Mask(mask) => mask.data().iter().all(|v| v.is_finite()),
                            Value::Float(v) => v.is_finite(),
                            _ => true,
                        });
                        if !finite {
                            wrong.push(format!("{} {}: {value}: not finite", schema.name, param.name));
                        }
                    }
                    Err(_) => {}
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
