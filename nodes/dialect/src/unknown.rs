//! The classes that have no counterpart, all in one message.

use crate::problem::short;
use crate::table::{Class, Table};
use crate::workflow::{Foreign, Raw, Workflow};
use kiln_core::Registry;
use std::collections::BTreeMap;

/// No message lists more classes, or more nodes of one.
const MOST_CLASSES: usize = 40;
const MOST_NODES: usize = 6;

/// One problem that names every class which cannot be translated, if there is one.
pub fn find(workflow: &Workflow<'_>, table: &Table, registry: &Registry) -> Option<Raw> {
    let mut unknown: BTreeMap<&str, Vec<&Foreign<'_>>> = BTreeMap::new();
    for node in &workflow.nodes {
        if !known(node.class, table, registry) {
            unknown.entry(node.class).or_default().push(node);
        }
    }
    let first = unknown.values().flatten().map(|n| n.at).min()?;
    let nodes: usize = unknown.values().map(Vec::len).sum();
    let mut lines = vec![match (unknown.len(), nodes) {
        (1, 1) => "1 node has a class that Kiln does not know:".to_owned(),
        (1, n) => format!("{n} nodes have a class that Kiln does not know:"),
        (classes, n) => format!("{n} nodes have {classes} classes that Kiln does not know:"),
    }];
    for (class, nodes) in unknown.iter().take(MOST_CLASSES) {
        let mut named: Vec<String> = nodes.iter().take(MOST_NODES).map(|n| name(n)).collect();
        if nodes.len() > MOST_NODES {
            named.push(format!("{} more", nodes.len() - MOST_NODES));
        }
        let why = why(class, table, registry);
        lines.push(format!("    {}: {}{why}", short(class), named.join(", ")));
    }
    if unknown.len() > MOST_CLASSES {
        lines.push(format!("    and {} more classes", unknown.len() - MOST_CLASSES));
    }
    let hint = "take these nodes out in ComfyUI, or use others for them, and export the workflow again";
    Some(Raw::new(first, lines.join("\n"), hint))
}

fn name(node: &Foreign<'_>) -> String {
    match node.title.filter(|t| *t != node.class) {
        Some(title) => format!("{} {:?}", short(node.id), short(title)),
        None => short(node.id),
    }
}

/// The node types of ours that a class becomes and this build lacks.
fn absent<'t>(class: &'t Class, registry: &Registry) -> Option<&'t str> {
    let ours = std::iter::once(&class.node).chain(class.then.iter().map(|t| &t.node));
    ours.map(String::as_str).filter(|ty| !ty.is_empty()).find(|ty| registry.get(ty).is_none())
}

fn known(class: &str, table: &Table, registry: &Registry) -> bool {
    table.class(class).is_some_and(|class| absent(class, registry).is_none())
}

/// What more there is to say of a class that cannot be translated.
fn why(class: &str, table: &Table, registry: &Registry) -> String {
    match table.class(class) {
        Some(known) => absent(known, registry)
            .map(|ty| format!(" (its counterpart {ty} is not in this build)"))
            .unwrap_or_default(),
        None => table.nearest(class).map(|near| format!(" (did you mean {near}?)")).unwrap_or_default(),
    }
}
