//! What every schema of this build has to keep to, and that the reference says what the schemas say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use kiln_core::{Doubt, Kind, Param, Purity, Registry, Schema};
use kiln_types::Value;
use std::collections::BTreeSet;

fn registry() -> Registry {
    kiln_nodes::registry()
}

/// Collects what is wrong with each node, so that one run shows all of it.
fn each(check: impl Fn(&Schema, &mut Vec<String>)) {
    let mut wrong = Vec::new();
    for node in registry().iter() {
        let mut found = Vec::new();
        check(node.schema(), &mut found);
        wrong.extend(found.into_iter().map(|w| format!("{}: {w}", node.schema().name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn everything_has_words() {
    each(|s, wrong| {
        for (what, text) in [("title", &s.title), ("category", &s.category), ("doc", &s.doc)] {
            if text.trim().is_empty() {
                wrong.push(format!("it has no {what}"));
            }
        }
        let inputs = s.inputs.iter().map(|i| (i.name, &i.doc));
        let params = s.params.iter().map(|p| (p.name, &p.doc));
        let outputs = s.outputs.iter().map(|o| (o.name, &o.doc));
        for (name, doc) in inputs.chain(params).chain(outputs) {
            if doc.trim().is_empty() {
                wrong.push(format!("{name:?} has no doc"));
            } else if doc.contains('\n') {
                wrong.push(format!("the doc of {name:?} has several lines"));
            }
        }
    });
}

#[test]
fn names_are_plain_and_come_once() {
    let plain = |n: &str| {
        n.starts_with(|c: char| c.is_ascii_lowercase())
            && n.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    each(|s, wrong| {
        let mut slots = BTreeSet::new();
        let earlier = s.params.iter().flat_map(|p| p.was.iter().copied());
        let now = s.inputs.iter().map(|i| i.name).chain(s.params.iter().map(|p| p.name));
        for name in now.chain(earlier) {
            if !slots.insert(name) {
                wrong.push(format!("two inputs or parameters are called {name:?}"));
            }
        }
        let mut outs = BTreeSet::new();
        for o in &s.outputs {
            if !outs.insert(o.name) {
                wrong.push(format!("two outputs are called {:?}", o.name));
            }
            if o.follows.is_some_and(|f| s.slot(f).is_none()) {
                wrong.push(format!("output {:?} follows an input that is not there", o.name));
            }
        }
        for name in slots.iter().chain(&outs).filter(|n| !plain(n)) {
            wrong.push(format!("{name:?} is not written like_this"));
        }
    });
}

fn fits(kind: &Kind, value: &Value) -> bool {
    match (kind, value) {
        (Kind::Bool, Value::Bool(_)) | (Kind::Color, Value::Color(_)) | (Kind::Seed, Value::Seed(_)) => true,
        (Kind::Text { .. } | Kind::ParamRef | Kind::Prompt, Value::Text(_)) => true,
        (Kind::Int { min, max, .. }, Value::Int(v)) => v >= min && v <= max,
        (Kind::Float { min, max, .. }, Value::Float(v)) => v >= min && v <= max,
        (Kind::Choice(words), Value::Text(t)) => words.iter().any(|w| w == &**t),
        (Kind::Size { min, max }, Value::Size(w, h)) => w.min(h) >= min && w.max(h) <= max,
        (Kind::Range { min, max }, Value::Range(a, b)) => a >= min && b <= max && a <= b,
        (Kind::Curve, Value::Curve(points)) => {
            points.len() >= 2 && points.windows(2).all(|p| p[0].0 < p[1].0)
        }
        (Kind::List(of), Value::List(items)) => items.iter().all(|v| fits(of, v)),
        (Kind::Files, Value::List(files)) => files.is_empty(),
        // What may stay unset.
        (Kind::File | Kind::Model(_) | Kind::Size { .. }, Value::None) => true,
        _ => false,
    }
}

#[test]
fn defaults_are_what_the_parameter_takes() {
    each(|s, wrong| {
        for Param { name, kind, default, .. } in &s.params {
            match kind {
                Kind::Int { min, max, step } if min > max || *step < 1 => {
                    wrong.push(format!("{name}: odd bounds"));
                }
                Kind::Float { min, max, step }
                    if min > max || *step <= 0.0 || min.is_nan() || max.is_nan() =>
                {
                    wrong.push(format!("{name}: odd bounds"));
                }
                Kind::Choice(words)
                    if words.len() < 2 || words.iter().collect::<BTreeSet<_>>().len() != words.len() =>
                {
                    wrong.push(format!("{name}: nothing to choose"));
                }
                _ => {}
            }
            if default.as_ref().is_some_and(|d| !fits(kind, d)) {
                wrong.push(format!("{name}: the default {default:?} does not fit"));
            }
        }
    });
}

#[test]
fn each_way_to_treat_the_world_has_what_it_needs() {
    each(|s, wrong| {
        if s.version < 1 {
            wrong.push("versions begin at 1".to_owned());
        }
        if s.doubt.is_some() != (s.purity == Purity::Effect) {
            wrong.push("effects, and only effects, say what a doubt means".to_owned());
        }
        if s.doubt == Some(Doubt::AtLeastOnce) && s.writes_files {
            wrong.push("files are written once".to_owned());
        }
        if (s.writes_files || s.uses_network) && s.purity != Purity::Effect {
            wrong.push("only effects write files or use the network".to_owned());
        }
        if matches!(s.purity, Purity::Gate | Purity::OrderedGate) {
            for (name, kind) in [("retry", "ParamRef"), ("attempts", "Int"), ("then", "Choice")] {
                let found = s.params.iter().find(|p| p.name == name);
                if !found.is_some_and(|p| p.control && format!("{:?}", p.kind).starts_with(kind)) {
                    wrong.push(format!("a gate has {name}"));
                }
            }
            if s.inputs.is_empty() || s.outputs.len() != 1 {
                wrong.push("a gate has an input to pass on and one output".to_owned());
            }
        }
        if s.purity == Purity::Select && s.outputs.len() != 1 {
            wrong.push("a select node has one output".to_owned());
        }
        if s.inputs.iter().any(|i| i.lazy) && s.purity != Purity::Select {
            wrong.push("only select nodes have lazy inputs".to_owned());
        }
        if s.outputs.is_empty() && s.purity != Purity::Effect {
            wrong.push("it gives nothing and changes nothing".to_owned());
        }
        let gathers = s.inputs.iter().any(|i| i.gather);
        if s.params.iter().any(|p| p.name == "window" && matches!(p.kind, Kind::Int { .. })) && !gathers {
            wrong.push("a window belongs to an input that collects".to_owned());
        }
    });
}

#[test]
fn no_family_takes_another_ones_name() {
    let mut names = BTreeSet::new();
    for node in kiln_basics::nodes().iter().chain(&kiln_image::nodes()) {
        assert!(names.insert(node.schema().name.to_string()), "{} is there twice", node.schema().name);
    }
}

#[test]
fn the_json_says_what_the_schema_says() {
    for node in registry().iter() {
        let (schema, json) = (node.schema(), kiln_nodes::schema_json(node.schema()));
        assert_eq!(json["name"], *schema.name);
        assert_eq!(json["params"].as_array().unwrap().len(), schema.params.len());
        for (param, json) in schema.params.iter().zip(json["params"].as_array().unwrap()) {
            assert_eq!(json["name"], param.name);
            assert_eq!(json["required"], param.default.is_none());
            let type_text = json["type"].as_str().unwrap();
            assert_eq!(kiln_types::Type::parse(type_text), Some(param.kind.ty()), "{type_text}");
        }
    }
    let switch = kiln_nodes::schema_json(registry().get("Switch").unwrap().schema());
    assert_eq!(switch["purity"], "select");
    assert_eq!(switch["inputs"][0]["lazy"], true);
    let hook = kiln_nodes::schema_json(registry().get("Webhook").unwrap().schema());
    assert_eq!(hook["doubt"], "idempotent-by-key");
    assert_eq!(hook["params"][1]["choices"][1], "PUT");
}

#[test]
fn the_reference_is_up_to_date() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/nodes.md");
    let text = kiln_nodes::reference(&registry());
    if std::env::var_os("KILN_BLESS").is_some() {
        std::fs::write(file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    let odd = kept.lines().zip(text.lines()).position(|(a, b)| a != b);
    assert!(
        kept == text,
        "docs/nodes.md is not what the schemas say (first at line {:?}): KILN_BLESS=1 cargo test -p kiln-nodes writes it anew",
        odd.map(|l| l + 1)
    );
}
