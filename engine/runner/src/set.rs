//! Parameters set from outside, by exposed name or `node.param`.

use kiln_core::lit::from_word;
use kiln_core::{Kind, Problem, Registry, words};
use kiln_document::{Graph, ParamRef};

/// How deep definitions of subgraphs are followed.
const DEPTH: usize = 64;

/// Sets a parameter to a word.
pub(crate) fn set(
    graph: &mut Graph,
    registry: &Registry,
    name: &str,
    word: &str,
) -> Result<(), Box<Problem>> {
    let bad = |what: String, hint: Option<String>| {
        Box::new(Problem::of_graph(format!("{name}={word}: {what}"), hint))
    };
    let refs = match graph.expose.get(name) {
        Some(refs) => refs.clone(),
        None => match name.parse::<ParamRef>() {
            Ok(one) => vec![one],
            Err(_) => {
                let near = words::nearest(name, graph.expose.keys()).map(|n| format!("did you mean {n:?}?"));
                let hint = near.or_else(|| Some("name an exposed parameter, or node.param".to_owned()));
                return Err(bad(format!("the graph exposes no {name:?}"), hint));
            }
        },
    };
    for one in refs {
        let Some(node) = graph.nodes.get(&one.node) else {
            let hint = words::nearest(&one.node, graph.nodes.keys()).map(|n| format!("did you mean {n:?}?"));
            return Err(bad(format!("there is no node {:?}", one.node), hint));
        };
        let Some(kind) = kind(graph, graph, registry, &one.node, &one.param, 0) else {
            let names =
                registry.get(&node.ty).map(|n| n.schema().params.iter().map(|p| p.name).collect::<Vec<_>>());
            let hint =
                words::nearest(&one.param, names.unwrap_or_default()).map(|n| format!("did you mean {n:?}?"));
            return Err(bad(format!("{} has no parameter {:?}", one.node, one.param), hint));
        };
        let lit = from_word(&kind, word).map_err(|e| {
            let mut problem = bad(e.what, e.hint);
            problem.node.clone_from(&one.node);
            problem.port = Some(one.param.clone());
            problem
        })?;
        graph.set_param(&one.node, &one.param, lit).map_err(|e| bad(e.to_string(), None))?;
    }
    Ok(())
}

/// The kind of a node's parameter; for a subgraph, that of what it exposes under the name.
fn kind(
    root: &Graph,
    graph: &Graph,
    registry: &Registry,
    node: &str,
    param: &str,
    depth: usize,
) -> Option<Kind> {
    let node = graph.nodes.get(node)?;
    if let Some(definition) = node.graph.as_ref().filter(|_| depth < DEPTH) {
        let inner = graph.graphs.get(definition).or_else(|| root.graphs.get(definition))?;
        let target = inner.expose.get(param)?.first()?;
        return kind(root, inner, registry, &target.node, &target.param, depth + 1);
    }
    let known = registry.get(&node.ty)?;
    let found = known.schema().params.iter().find(|p| p.name == param || p.was.contains(&param))?;
    Some(found.kind.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kiln_document::Lit;

    #[test]
    fn names_lead_to_parameters() {
        let text = r#"Graph(kiln: 1, expose: {"both": ["a.n", "inner.count"]}, nodes: {
            "a": (type: "TestNumber"), "s": (type: "TestSlow"),
            "inner": (type: "Subgraph", graph: "Inner"),
        }, graphs: {"Inner": Graph(expose: {"count": "x.n"}, nodes: {"x": (type: "TestNumber")})})"#;
        let mut graph = Graph::parse(text).unwrap();
        let registry = crate::conformance::registry();
        set(&mut graph, &registry, "both", "7").unwrap();
        assert_eq!(graph.nodes["a"].with["n"], Lit::Int(7));
        assert_eq!(graph.nodes["inner"].with["count"], Lit::Int(7));
        let hint = |graph: &mut Graph, name: &str| {
            set(graph, &registry, name, "7").unwrap_err().hint.unwrap_or_default()
        };
        assert!(hint(&mut graph, "bth").contains("\"both\""));
        assert!(hint(&mut graph, "iner.count").contains("\"inner\""));
        assert!(hint(&mut graph, "s.stpes").contains("\"steps\""));
        assert_eq!(set(&mut graph, &registry, "a.n", "many").unwrap_err().port.as_deref(), Some("n"));
    }
}
