//! The node reference, for people and for programs, made from the schemas alone.

use kiln_core::schema::{Input, Output};
use kiln_core::{Kind, Node, Param, Purity, Registry, Schema};
use kiln_types::Value;
use serde_json::{Map, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The reference of every node as Markdown: `docs/nodes.md` is this text.
#[must_use]
pub fn reference(registry: &Registry) -> String {
    let mut groups: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
    for node in registry.iter() {
        groups.entry(category(node.schema())).or_default().push(node);
    }
    let mut out = String::from(
        "# Nodes\n\nMade from the nodes' own schemas; `graph-run nodes` prints the same. Do not edit by hand.\n\n",
    );
    for (name, nodes) in &groups {
        let links: Vec<String> =
            nodes.iter().map(|n| format!("[{0}](#{1})", n.schema().name, anchor(&n.schema().name))).collect();
        let _ = writeln!(out, "- **{name}**: {}", links.join(", "));
    }
    for (name, nodes) in &groups {
        let _ = write!(out, "\n## {name}\n");
        for node in nodes {
            section(&mut out, node.schema());
        }
    }
    out
}

fn category(schema: &Schema) -> &str {
    if schema.category.is_empty() { "other" } else { &schema.category }
}

/// As the usual Markdown viewers make a heading's anchor.
fn anchor(name: &str) -> String {
    name.to_lowercase().chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

fn section(out: &mut String, schema: &Schema) {
    let _ = write!(out, "\n### {}\n\n", schema.name);
    if schema.title != schema.name {
        let _ = write!(out, "**{}.** ", plain(&schema.title));
    }
    let _ = write!(out, "{}\n\n*Version {}, {}.*\n", plain(&schema.doc), schema.version, nature(schema));
    let has_units = schema.params.iter().any(|p| !p.unit.is_empty());
    if !schema.inputs.is_empty() {
        out.push_str("\n| input | type | |\n| --- | --- | --- |\n");
        for input in &schema.inputs {
            let notes = input_notes(input);
            let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
            let _ = writeln!(out, "| `{}` | `{}` | {}{notes} |", input.name, input.ty, cell(&input.doc));
        }
    }
    if !schema.params.is_empty() {
        let unit = if has_units { " unit |" } else { "" };
        let line = if has_units { " --- |" } else { "" };
        let _ = write!(out, "\n| parameter | takes | default |{unit} |\n| --- | --- | --- |{line} --- |\n");
        for param in &schema.params {
            let default =
                param.default.as_ref().map_or_else(|| "has to be set".to_owned(), |v| code(&literal(v)));
            let unit = if has_units { format!(" {} |", cell(param.unit)) } else { String::new() };
            let doc = cell(&param.doc);
            let _ = writeln!(out, "| `{}` | {} | {default} |{unit} {doc} |", param.name, takes(&param.kind));
        }
    }
    if !schema.outputs.is_empty() {
        out.push_str("\n| output | type | |\n| --- | --- | --- |\n");
        for output in &schema.outputs {
            let _ = writeln!(out, "| `{}` | {} | {} |", output.name, output_type(output), cell(&output.doc));
        }
    }
}

fn nature(schema: &Schema) -> String {
    let mut words = vec![match schema.purity {
        Purity::Pure => "pure".to_owned(),
        Purity::Select => "passes one input on; the others are not computed".to_owned(),
        Purity::Gate => "gate".to_owned(),
        Purity::OrderedGate => "gate in item order".to_owned(),
        Purity::Effect => "changes the world".to_owned(),
    }];
    words.extend(schema.doubt.map(|d| format!("after a crash: {}", doubt_words(d))));
    if schema.writes_files {
        words.push("writes files".to_owned());
    }
    if schema.uses_network {
        words.push("uses the network".to_owned());
    }
    if schema.lane == kiln_core::Lane::Device {
        words.push("runs on the device".to_owned());
    }
    words.join(", ")
}

fn doubt_words(doubt: kiln_core::Doubt) -> &'static str {
    match doubt {
        kiln_core::Doubt::AskTheWorld => "asks whether it happened",
        kiln_core::Doubt::IdempotentByKey => "does it again under the same key, which changes nothing",
        kiln_core::Doubt::AtLeastOnce => "may happen twice",
    }
}

fn input_notes(input: &Input) -> Vec<&'static str> {
    let notes = [
        (input.optional, "optional"),
        (input.lazy, "computed only when chosen"),
        (input.gather, "collects over items"),
        (input.many, "takes several links"),
        (input.whole, "takes a list whole"),
    ];
    notes.into_iter().filter(|(is, _)| *is).map(|(_, words)| words).collect()
}

fn output_type(output: &Output) -> String {
    match output.follows {
        Some(input) => format!("as `{input}`"),
        None => format!("`{}`", output.ty),
    }
}

fn takes(kind: &Kind) -> String {
    let between = |min: f64, max: f64| format!("{} to {}", bound(min), bound(max));
    match kind {
        Kind::Bool => "yes or no".to_owned(),
        Kind::Int { min, max, .. } => match (*min == i64::MIN, *max == i64::MAX) {
            (true, true) => "whole number".to_owned(),
            (false, true) => format!("whole number from {min}"),
            (true, false) => format!("whole number up to {max}"),
            (false, false) => format!("whole number, {min} to {max}"),
        },
        Kind::Float { min, max, .. } if *min <= -1e300 && *max >= 1e300 => "number".to_owned(),
        Kind::Float { min, max, .. } => format!("number, {}", between(*min, *max)),
        Kind::Text { multiline: false } => "text".to_owned(),
        Kind::Text { multiline: true } => "text, several lines".to_owned(),
        Kind::Choice(words) => words.iter().map(|w| code(&format!("{w:?}"))).collect::<Vec<_>>().join(", "),
        Kind::Color => "colour".to_owned(),
        Kind::Seed => "seed".to_owned(),
        Kind::Size { min, max } => format!("width and height, {min} to {max}"),
        Kind::Range { min, max } if *min <= -1e300 && *max >= 1e300 => "lowest and highest".to_owned(),
        Kind::Range { min, max } => format!("lowest and highest, {}", between(*min, *max)),
        Kind::Curve => "points of a curve".to_owned(),
        Kind::File => "file".to_owned(),
        Kind::Files => "files, `folder/*.png`".to_owned(),
        Kind::Model(kind) => format!("model, from the `{kind}` folders"),
        Kind::Prompt => "prompt".to_owned(),
        Kind::ParamRef => "a parameter, `node.param`".to_owned(),
        Kind::List(of) => format!("list: {}", takes(of)),
    }
}

fn bound(v: f64) -> String {
    if v.abs() >= 1e7 { format!("{v:e}") } else { v.to_string() }
}

/// A default as the document spells it.
fn literal(value: &Value) -> String {
    match value {
        Value::None => "None".to_owned(),
        Value::Bool(v) => v.to_string(),
        Value::Int(v) => v.to_string(),
        Value::Float(v) => format!("{v:?}"),
        Value::Text(v) => format!("{:?}", &**v),
        Value::Color(v) => format!("{:?}", v.to_string()),
        Value::Seed(v) => v.to_string(),
        Value::Size(w, h) => format!("({w}, {h})"),
        Value::Range(a, b) => format!("({a:?}, {b:?})"),
        Value::Curve(points) => {
            let all: Vec<String> = points.iter().map(|(x, y)| format!("({x:?}, {y:?})")).collect();
            format!("[{}]", all.join(", "))
        }
        Value::List(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        Value::File(f) => format!("{:?}", f.path.display().to_string()),
        Value::Image(_) | Value::Mask(_) | Value::Object(_) => value.ty().to_string(),
    }
}

/// As code in a table cell; a fence longer than any run of backticks inside.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

fn cell(text: &str) -> String {
    plain(text).replace('|', "\\|")
}

/// On one line, and without what Markdown would read as HTML or as emphasis; code stays as it is.
fn plain(text: &str) -> String {
    let mut code = false;
    let mut out = String::with_capacity(text.len());
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        code ^= c == '`';
        match c {
            '<' if !code => out.push_str("&lt;"),
            '*' | '_' if !code => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// A schema as JSON, for `graph-run nodes --json` and other programs.
#[must_use]
pub fn schema_json(schema: &Schema) -> serde_json::Value {
    let inputs: Vec<_> = schema.inputs.iter().map(input_json).collect();
    let params: Vec<_> = schema.params.iter().map(param_json).collect();
    let outputs: Vec<_> = schema
        .outputs
        .iter()
        .map(|o| json!({ "name": o.name, "type": o.ty.to_string(), "follows": o.follows, "doc": o.doc }))
        .collect();
    json!({
        "name": schema.name,
        "version": schema.version,
        "title": schema.title,
        "category": schema.category,
        "doc": schema.doc,
        "purity": schema.purity,
        "doubt": schema.doubt,
        "lane": schema.lane,
        "writes_files": schema.writes_files,
        "uses_network": schema.uses_network,
        "inputs": inputs,
        "params": params,
        "outputs": outputs,
    })
}

fn input_json(input: &Input) -> serde_json::Value {
    json!({
        "name": input.name,
        "type": input.ty.to_string(),
        "doc": input.doc,
        "optional": input.optional,
        "lazy": input.lazy,
        "gather": input.gather,
        "many": input.many,
        "whole": input.whole,
    })
}

fn param_json(param: &Param) -> serde_json::Value {
    let mut map = Map::new();
    map.insert("name".into(), json!(param.name));
    map.insert("kind".into(), json!(kind_name(&param.kind)));
    map.insert("type".into(), json!(param.kind.ty().to_string()));
    map.insert("default".into(), param.default.as_ref().map_or(serde_json::Value::Null, value_json));
    map.insert("required".into(), json!(param.default.is_none()));
    bounds_json(&param.kind, &mut map);
    map.insert("unit".into(), json!(param.unit));
    map.insert("doc".into(), json!(param.doc));
    map.insert("cosmetic".into(), json!(param.cosmetic));
    map.insert("control".into(), json!(param.control));
    serde_json::Value::Object(map)
}

fn bounds_json(kind: &Kind, map: &mut Map<String, serde_json::Value>) {
    let mut put = |name: &str, value: serde_json::Value| {
        map.insert(name.to_owned(), value);
    };
    match kind {
        Kind::Int { min, max, step } => {
            put("min", json!(min));
            put("max", json!(max));
            put("step", json!(step));
        }
        Kind::Float { min, max, step } => {
            put("min", json!(min));
            put("max", json!(max));
            put("step", json!(step));
        }
        Kind::Size { min, max } => {
            put("min", json!(min));
            put("max", json!(max));
        }
        Kind::Range { min, max } => {
            put("min", json!(min));
            put("max", json!(max));
        }
        Kind::Choice(words) => put("choices", json!(words)),
        Kind::List(of) => {
            put("of", json!(kind_name(of)));
            bounds_json(of, map);
        }
        _ => {}
    }
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bool => "bool",
        Kind::Int { .. } => "int",
        Kind::Float { .. } => "float",
        Kind::Text { multiline: false } => "text",
        Kind::Text { multiline: true } => "multiline",
        Kind::Choice(_) => "choice",
        Kind::Color => "color",
        Kind::Seed => "seed",
        Kind::Size { .. } => "size",
        Kind::Range { .. } => "range",
        Kind::Curve => "curve",
        Kind::File => "file",
        Kind::Files => "files",
        Kind::Model(_) => "model",
        Kind::Prompt => "prompt",
        Kind::ParamRef => "param-ref",
        Kind::List(_) => "list",
    }
}

fn value_json(value: &Value) -> serde_json::Value {
    match value {
        Value::None => serde_json::Value::Null,
        Value::Bool(v) => json!(v),
        Value::Int(v) => json!(v),
        Value::Float(v) => json!(v),
        Value::Text(v) => json!(&**v),
        Value::Color(v) => json!(v.to_string()),
        Value::Seed(v) => json!(v),
        Value::Size(w, h) => json!([w, h]),
        Value::Range(a, b) => json!([a, b]),
        Value::Curve(points) => json!(points.iter().map(|(x, y)| json!([x, y])).collect::<Vec<_>>()),
        Value::List(items) => json!(items.iter().map(value_json).collect::<Vec<_>>()),
        Value::File(f) => json!(f.path.display().to_string()),
        Value::Image(_) | Value::Mask(_) | Value::Object(_) => json!(value.ty().to_string()),
    }
}
