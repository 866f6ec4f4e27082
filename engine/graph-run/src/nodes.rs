//! `nodes`: what there is to build a graph from.

use crate::args::NodesArgs;
use crate::fail::Fail;
use crate::say;
use kiln_core::{Purity, Registry, Schema};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Lists the nodes, or describes one.
///
/// # Errors
/// When there is no node of that name.
pub fn run(args: &NodesArgs) -> Result<u8, Fail> {
    let registry = kiln_nodes::registry();
    if args.markdown {
        say::out(kiln_nodes::reference(&registry).trim_end());
        return Ok(0);
    }
    let Some(name) = &args.ty else {
        if args.json {
            say::json(&registry.iter().map(|n| kiln_nodes::schema_json(n.schema())).collect());
        } else {
            say::out(&list(&registry));
        }
        return Ok(0);
    };
    let exact =
        registry.get(name).or_else(|| registry.iter().find(|n| n.schema().name.eq_ignore_ascii_case(name)));
    let Some(node) = exact else {
        let hint = match registry.nearest(name) {
            Some(near) => format!("did you mean {near}?"),
            None => "graph-run nodes lists all of them".to_owned(),
        };
        return Err(Fail::wrong(format!("there is no node {name:?}"), Some(&hint)));
    };
    if args.json {
        say::json(&kiln_nodes::schema_json(node.schema()));
    } else {
        say::out(&describe(node.schema()));
    }
    Ok(0)
}

fn list(registry: &Registry) -> String {
    let mut groups: BTreeMap<&str, Vec<&Schema>> = BTreeMap::new();
    for node in registry.iter() {
        groups.entry(&node.schema().category).or_default().push(node.schema());
    }
    let width = registry.iter().map(|n| n.schema().name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (category, nodes) in groups {
        let _ = writeln!(text, "{}", if category.is_empty() { "other" } else { category });
        for schema in nodes {
            let _ = writeln!(text, "  {:width$}  {}", schema.name, first_words(&schema.doc));
        }
    }
    let _ = write!(text, "\n{} nodes; graph-run nodes TYPE tells all of one", registry.iter().count());
    text
}

/// The first sentence of a text, as far as it fits into a line.
fn first_words(doc: &str) -> String {
    let end = doc.find(". ").or_else(|| doc.find('\n')).unwrap_or(doc.len());
    let first = doc[..end].trim_end_matches('.');
    match first.char_indices().nth(90) {
        Some((at, _)) => format!("{}…", first[..at].trim_end()),
        None => first.to_owned(),
    }
}

fn describe(schema: &Schema) -> String {
    let mut text = format!("{}, version {}", schema.name, schema.version);
    if !schema.category.is_empty() {
        let _ = write!(text, " · {}", schema.category);
    }
    let _ = write!(text, "\n{}\n", schema.doc.trim());
    let nature = match schema.purity {
        Purity::Pure => "",
        Purity::Select => "It passes one of its inputs on; the others are not computed.",
        Purity::Gate => "A gate: it passes its first input on, or rejects it.",
        Purity::OrderedGate => "A gate that compares with everything accepted before, in item order.",
        Purity::Effect => "It changes the world; what it did is written down, and not done twice.",
    };
    if !nature.is_empty() {
        let _ = writeln!(text, "{nature}");
    }
    let json = kiln_nodes::schema_json(schema);
    if !schema.inputs.is_empty() {
        text.push_str("\nInputs\n");
        for i in &schema.inputs {
            let mut notes = Vec::new();
            for (yes, word) in [
                (i.optional, "optional"),
                (i.many, "several"),
                (i.gather, "over all items"),
                (i.lazy, "only if chosen"),
            ] {
                if yes {
                    notes.push(word);
                }
            }
            let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
            let _ = writeln!(text, "  {}: {}{notes}\n      {}", i.name, i.ty, i.doc);
        }
    }
    if !schema.params.is_empty() {
        text.push_str("\nParameters\n");
        for (at, p) in schema.params.iter().enumerate() {
            let own = &json["params"][at];
            let mut about = Vec::new();
            if let (Some(min), Some(max)) = (own.get("min"), own.get("max"))
                && !min.is_null()
            {
                about.push(format!("{min} to {max}"));
            }
            if let Some(choices) = own.get("choices").and_then(|c| c.as_array()) {
                about.push(choices.iter().filter_map(|c| c.as_str()).collect::<Vec<_>>().join(" | "));
            }
            match (&p.default, &own["default"]) {
                (None, _) => about.push("has to be set".to_owned()),
                (Some(_), serde_json::Value::String(s)) => about.push(format!("default {s:?}")),
                (Some(_), other) => about.push(format!("default {other}")),
            }
            let unit = if p.unit.is_empty() { String::new() } else { format!(" {}", p.unit) };
            let kind = own["kind"].as_str().unwrap_or_default();
            let _ = writeln!(text, "  {}: {kind}{unit}, {}\n      {}", p.name, about.join(", "), p.doc);
        }
    }
    if !schema.outputs.is_empty() {
        text.push_str("\nOutputs\n");
        for o in &schema.outputs {
            let ty = o.follows.map_or_else(|| o.ty.to_string(), |f| format!("as {f}"));
            let _ = writeln!(text, "  {}: {ty}\n      {}", o.name, o.doc);
        }
    }
    text.trim_end().to_owned()
}
