//! What outputs give here: an output that follows an input has the type of what comes into it.

use super::Scene;
use kiln_core::document::Graph;
use kiln_core::types::names;

/// Fills in the types of outputs that follow inputs, from the sources on; each way up is walked once.
pub(super) fn resolve(scene: &mut Scene, graph: &Graph) {
    let mut done: Vec<Vec<bool>> =
        scene.nodes.iter().map(|n| n.ports.outputs.iter().map(|o| o.follows.is_none()).collect()).collect();
    for start in 0..scene.nodes.len() {
        for out in 0..done[start].len() {
            let mut way: Vec<(usize, usize)> = Vec::new();
            let mut here = Some((start, out));
            while let Some((node, at)) = here {
                // A cycle ends where it comes round.
                if done[node][at] {
                    break;
                }
                done[node][at] = true;
                way.push((node, at));
                here = source(scene, graph, node, at);
            }
            let mut ty = here.map(|(node, at)| scene.nodes[node].out_types[at].clone());
            for (node, at) in way.into_iter().rev() {
                match &ty {
                    Some(ty) if ty.name != names::ANY => scene.nodes[node].out_types[at] = ty.clone(),
                    _ => ty = Some(scene.nodes[node].out_types[at].clone()),
                }
            }
        }
    }
}

/// The output that feeds the input that an output follows.
fn source(scene: &Scene, graph: &Graph, node: usize, at: usize) -> Option<(usize, usize)> {
    let shape = &scene.nodes[node];
    let follows = shape.ports.outputs[at].follows?;
    let link = graph.nodes.get(&shape.name)?.from.get(follows)?.links().first()?;
    let from = scene.find(&link.node)? as usize;
    let outputs = &scene.nodes[from].ports;
    let at = outputs.outputs.iter().position(|o| o.name == link.port && o.nth == link.nth)?;
    Some((from, at))
}
