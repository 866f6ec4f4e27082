//! `--set`: a parameter's value for this run, put into the document before it is planned.

use crate::fail::Fail;
use kiln_core::document::{Graph, Lit, ParamRef};
use kiln_core::{Kind, Registry, lit, words};

/// Puts every setting into the graph.
///
/// # Errors
/// With every setting that cannot be made.
pub fn apply(graph: &mut Graph, registry: &Registry, settings: &[String]) -> Result<(), Fail> {
    let mut wrong = Vec::new();
    for setting in settings {
        if let Err(e) = apply_one(graph, registry, setting) {
            wrong.push(e.to_string());
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Fail::Wrong(wrong.join("\n"))) }
}

fn apply_one(graph: &mut Graph, registry: &Registry, setting: &str) -> Result<(), Fail> {
    let Some((name, word)) = setting.split_once('=') else {
        return Err(Fail::wrong(
            format!("--set {setting}: there is no = in it"),
            Some("write it like --set size=512x512 or --set node.param=value"),
        ));
    };
    set(graph, registry, name.trim(), word)
        .map_err(|(what, hint)| Fail::wrong(format!("--set {setting}: {what}"), hint.as_deref()))
}

type Slip = (String, Option<String>);

/// Sets what a name stands for: an exposed name, or `node.param`.
///
/// # Errors
/// What is wrong, and a hint.
pub fn set(graph: &mut Graph, registry: &Registry, name: &str, word: &str) -> Result<(), Slip> {
    for target in targets(graph, name)? {
        let place = locate(graph, registry, &target)?;
        let value = match &place.kind {
            Some(kind) => lit::from_word(kind, word).map_err(|e| (e.what, e.hint))?,
            None => Lit::parse(word).unwrap_or_else(|_| Lit::text(word)),
        };
        put(graph, &target.node, &place, value);
    }
    Ok(())
}

/// Sets a parameter to a literal, without reading it.
pub fn put(graph: &mut Graph, node: &str, place: &Place, value: Lit) {
    let Some(node) = graph.nodes.get_mut(node) else { return };
    for old in place.old {
        node.with.shift_remove(*old);
    }
    node.from.shift_remove(&place.name);
    node.with.insert(place.name.clone(), value);
}

/// The parameters a name stands for.
///
/// # Errors
/// When it stands for none.
pub fn targets(graph: &Graph, name: &str) -> Result<Vec<ParamRef>, Slip> {
    if let Some(refs) = graph.expose.get(name) {
        return Ok(refs.clone());
    }
    if !name.contains('.') {
        let known: Vec<&str> = graph.expose.keys().map(String::as_str).collect();
        let hint = match words::nearest(name, &known) {
            Some(near) => format!("did you mean {near}?"),
            None if known.is_empty() => "this graph exposes nothing: write node.param=value".to_owned(),
            None => format!("it exposes {}; any other is written node.param=value", words::list(&known)),
        };
        return Err((format!("the graph exposes no parameter {name:?}"), Some(hint)));
    }
    let target: ParamRef = name.parse().map_err(|e: kiln_core::document::LinkError| (e.to_string(), None))?;
    Ok(vec![target])
}

/// A parameter of a node: its present name, the names it had, and what it takes.
pub struct Place {
    /// Its name in `with`.
    pub name: String,
    /// The names it had.
    pub old: &'static [&'static str],
    /// What it takes; unknown when the node's type is.
    pub kind: Option<Kind>,
}

/// Finds a parameter of a graph's node.
///
/// # Errors
/// When there is no such node or parameter.
pub fn locate(graph: &Graph, registry: &Registry, target: &ParamRef) -> Result<Place, Slip> {
    locate_in(graph, graph, registry, target, 0)
}

/// Definitions of subgraphs stand in the outermost graph or in the one that uses them.
fn locate_in(
    outer: &Graph,
    graph: &Graph,
    registry: &Registry,
    target: &ParamRef,
    depth: u32,
) -> Result<Place, Slip> {
    let name = target.param.as_str();
    let Some(node) = graph.nodes.get(&target.node) else {
        let hint = match target.node.split_once('/') {
            Some((sub, _)) if graph.nodes.contains_key(sub) => {
                Some(format!("{sub} is a subgraph: expose the parameter in it, and set {sub}.name"))
            }
            _ => {
                words::nearest(&target.node, graph.nodes.keys()).map(|n| format!("did you mean {n}.{name}?"))
            }
        };
        return Err((format!("there is no node {:?}", target.node), hint));
    };
    if let Some(def) = &node.graph {
        let inner = graph.graphs.get(def).or_else(|| outer.graphs.get(def));
        let Some(inner) = inner.filter(|_| depth < 32) else {
            return Ok(Place { name: name.to_owned(), old: &[], kind: None });
        };
        let Some(first) = inner.expose.get(name).and_then(|refs| refs.first()) else {
            let known: Vec<&str> = inner.expose.keys().map(String::as_str).collect();
            return Err(unknown(name, &target.node, &format!("the subgraph {def}"), &known));
        };
        let kind = locate_in(outer, inner, registry, first, depth + 1)?.kind;
        return Ok(Place { name: name.to_owned(), old: &[], kind });
    }
    let Some(known) = registry.get(&node.ty) else {
        return Ok(Place { name: name.to_owned(), old: &[], kind: None });
    };
    let schema = known.schema();
    match schema.slot(name).map(|slot| (schema.slot_param(slot), slot)) {
        Some((Some(param), _)) => {
            Ok(Place { name: param.name.to_owned(), old: param.was, kind: Some(param.kind.clone()) })
        }
        Some((None, _)) => Err((
            format!("{}.{name} is an input, not a parameter", target.node),
            Some("link it in the graph".to_owned()),
        )),
        None => {
            let names: Vec<&str> = schema.params.iter().map(|p| p.name).collect();
            Err(unknown(name, &target.node, &schema.name, &names))
        }
    }
}

fn unknown(name: &str, node: &str, ty: &str, known: &[&str]) -> Slip {
    let hint = match words::nearest(name, known) {
        Some(near) => format!("did you mean {node}.{near}?"),
        None if known.is_empty() => "it has no parameters".to_owned(),
        None => format!("it has {}", words::list(known)),
    };
    (format!("{ty} has no parameter {name:?}"), Some(hint))
}
