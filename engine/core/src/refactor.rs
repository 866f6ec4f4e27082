//! Changes to a document that need to know the node types: renaming a node that gates refer to, and
//! bringing old parameter names up to date.

use crate::registry::Registry;
use crate::schema::Kind;
use kiln_document::{Graph, Lit, ParamRef};

/// Renames a node, and everything that refers to it: links, exposed parameters, positions, retries.
///
/// # Errors
/// When there is no such node, the name is taken, or it is no name.
pub fn rename(
    graph: &mut Graph,
    registry: &Registry,
    old: &str,
    new: &str,
) -> Result<(), kiln_document::EditError> {
    graph.rename_node(old, new)?;
    for node in graph.nodes.values_mut() {
        let Some(def) = registry.get(&node.ty) else { continue };
        for param in def.schema().params.iter().filter(|p| p.kind == Kind::ParamRef) {
            if let Some(Lit::Text(text)) = node.with.get_mut(param.name)
                && let Ok(mut target) = text.parse::<ParamRef>()
                && target.node == old
            {
                target.node = new.to_owned();
                *text = target.to_string();
            }
        }
    }
    Ok(())
}

/// Writes parameters and inputs under their present names. Tells what changed.
pub fn modernise(graph: &mut Graph, registry: &Registry) -> Vec<String> {
    let mut changed = Vec::new();
    for (name, node) in &mut graph.nodes {
        let Some(def) = registry.get(&node.ty) else { continue };
        let inputs = def.schema().inputs.iter().map(|i| (i.name, i.was));
        for (present, was) in inputs.chain(def.schema().params.iter().map(|p| (p.name, p.was))) {
            for old in was {
                if node.with.contains_key(*old) && !node.with.contains_key(present) {
                    let renamed = std::mem::take(&mut node.with).into_iter();
                    node.with = renamed
                        .map(|(k, v)| if k == *old { (present.to_owned(), v) } else { (k, v) })
                        .collect();
                    changed.push(format!("{name}: {old} is now {}", present));
                }
                if node.from.contains_key(*old) && !node.from.contains_key(present) {
                    let renamed = std::mem::take(&mut node.from).into_iter();
                    node.from = renamed
                        .map(|(k, v)| if k == *old { (present.to_owned(), v) } else { (k, v) })
                        .collect();
                    changed.push(format!("{name}: {old} is now {}", present));
                }
            }
        }
    }
    for inner in graph.graphs.values_mut() {
        changed.extend(modernise(inner, registry));
    }
    changed
}
