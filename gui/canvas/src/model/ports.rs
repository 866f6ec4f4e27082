//! What a node offers on the canvas: its inputs, parameters and outputs with their types, from its schema, from
//! the definition it stands for, or, where neither is known, from its links.

use super::Document;
use super::literal::to_lit;
use kiln_core::document::{Graph, Link, Lit, Node};
use kiln_core::types::{Type, names};
use kiln_core::{Kind, Param, Registry, Schema};
use std::borrow::Cow;
use std::sync::Arc;

/// A place where wires end.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Its name in links.
    pub name: Cow<'static, str>,
    /// What flows through it.
    pub ty: Type,
    /// One line for people.
    pub doc: Cow<'static, str>,
    /// An input that may stay open.
    pub optional: bool,
    /// An input that takes several links.
    pub many: bool,
    /// An output whose type is that of this input.
    pub follows: Option<&'static str>,
    /// Of the outputs that share a name, which one, from 0.
    pub nth: u32,
}

/// Everything a node offers.
#[derive(Clone, Debug, Default)]
pub struct Ports {
    /// Inputs.
    pub inputs: Vec<Port>,
    /// Parameters: each can be set or linked.
    pub params: Vec<Param>,
    /// What each parameter is when nobody says.
    pub defaults: Vec<Option<Lit>>,
    /// Outputs.
    pub outputs: Vec<Port>,
    /// Nothing is known of its type.
    pub unknown: bool,
}

impl Ports {
    /// What a type offers.
    #[must_use]
    pub fn of_schema(schema: &Schema) -> Self {
        let input = |i: &kiln_core::schema::Input| Port {
            name: Cow::Borrowed(i.name),
            ty: i.ty.clone(),
            doc: i.doc.clone(),
            optional: i.optional,
            many: i.many,
            follows: None,
            nth: 0,
        };
        let mut outputs: Vec<Port> = Vec::new();
        for o in &schema.outputs {
            let nth = outputs.iter().filter(|p| p.name == o.name).count() as u32;
            outputs.push(Port {
                name: Cow::Borrowed(o.name),
                ty: o.ty.clone(),
                doc: o.doc.clone(),
                optional: true,
                many: true,
                follows: o.follows,
                nth,
            });
        }
        Self {
            inputs: schema.inputs.iter().map(input).collect(),
            params: schema.params.clone(),
            defaults: schema.params.iter().map(|p| p.default.as_ref().and_then(to_lit)).collect(),
            outputs,
            unknown: false,
        }
    }

    /// What a node of a document offers.
    #[must_use]
    pub fn of(doc: &Document, scope: &[String], registry: &Registry, name: &str, node: &Node) -> Arc<Self> {
        if let Some(definition) = &node.graph
            && node.ty == "Subgraph"
            && let Some(inner) = doc.scope_of(scope, definition)
            && let Some(graph) = doc.graph(&inner)
        {
            return Arc::new(Self::of_definition(doc, &inner, graph, registry, 0));
        }
        match registry.get(&node.ty) {
            Some(known) => Arc::new(Self::of_schema(known.schema())),
            None => Arc::new(Self::of_links(doc.graph(scope), name, node)),
        }
    }

    fn of_definition(
        doc: &Document,
        scope: &[String],
        graph: &Graph,
        registry: &Registry,
        depth: usize,
    ) -> Self {
        let inputs = graph.inputs.iter().map(|(name, ty)| Port {
            name: Cow::Owned(name.clone()),
            ty: Type::parse(ty).unwrap_or(Type::one(names::ANY)),
            doc: Cow::Borrowed(""),
            optional: false,
            many: false,
            follows: None,
            nth: 0,
        });
        let outputs = graph.outputs.iter().map(|(name, link)| Port {
            name: Cow::Owned(name.clone()),
            ty: output_type(doc, scope, graph, registry, link, depth),
            doc: Cow::Borrowed(""),
            optional: true,
            many: true,
            follows: None,
            nth: 0,
        });
        let params = graph.expose.iter().filter_map(|(name, targets)| {
            let target = targets.first()?;
            let node = graph.nodes.get(&target.node)?;
            let schema = registry.get(&node.ty)?.schema();
            let mut param = schema.params.iter().find(|p| p.name == target.param)?.clone();
            // Names of parameters live as long as the program; there are few of them.
            param.name = leak(name);
            let inside = node.with.get(&target.param).cloned();
            let default = inside.or_else(|| param.default.as_ref().and_then(to_lit));
            Some((param, default))
        });
        let (params, defaults) = params.unzip();
        Self { inputs: inputs.collect(), params, defaults, outputs: outputs.collect(), unknown: false }
    }

    fn of_links(graph: Option<&Graph>, name: &str, node: &Node) -> Self {
        let any = |name: &str, nth: u32| Port {
            name: Cow::Owned(name.to_owned()),
            ty: Type::one(names::ANY),
            doc: Cow::Borrowed(""),
            optional: true,
            many: true,
            follows: None,
            nth,
        };
        let mut outputs: Vec<Port> = Vec::new();
        let links = graph.iter().flat_map(|g| g.nodes.values()).flat_map(|n| n.from.values());
        for link in links.flat_map(|s| s.links()).filter(|link| link.node == name) {
            if !outputs.iter().any(|o| o.name == link.port && o.nth == link.nth) {
                outputs.push(any(&link.port, link.nth));
            }
        }
        outputs.sort_by(|a, b| (&a.name, a.nth).cmp(&(&b.name, b.nth)));
        Self {
            inputs: node.from.keys().map(|input| any(input, 0)).collect(),
            params: Vec::new(),
            defaults: Vec::new(),
            outputs,
            unknown: true,
        }
    }

    /// The type of what an input or a parameter takes.
    #[must_use]
    pub fn takes(&self, name: &str) -> Option<Type> {
        let input = self.inputs.iter().find(|p| p.name == name).map(|p| p.ty.clone());
        input.or_else(|| self.params.iter().find(|p| p.name == name).map(|p| p.kind.ty()))
    }

    /// The place of an output.
    #[must_use]
    pub fn output(&self, link: &Link) -> Option<usize> {
        self.outputs.iter().position(|o| o.name == link.port && o.nth == link.nth)
    }
}

/// A name that is kept for as long as the program runs, once.
fn leak(name: &str) -> &'static str {
    use std::collections::BTreeSet;
    use std::sync::{LazyLock, Mutex, PoisonError};
    static NAMES: LazyLock<Mutex<BTreeSet<&'static str>>> = LazyLock::new(Mutex::default);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(name) = names.get(name) {
        return name;
    }
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(name);
    name
}

/// The type of what a link brings, as far as that can be told without a plan.
#[must_use]
pub fn output_type(
    doc: &Document,
    scope: &[String],
    graph: &Graph,
    registry: &Registry,
    link: &Link,
    depth: usize,
) -> Type {
    let any = Type::one(names::ANY);
    if depth > 64 {
        return any;
    }
    if link.is_own_input() {
        return graph.inputs.get(&link.port).and_then(|ty| Type::parse(ty)).unwrap_or(any);
    }
    let Some(node) = graph.nodes.get(&link.node) else { return any };
    if let Some(definition) = node.graph.as_deref().filter(|_| node.ty == "Subgraph") {
        let inner = doc.scope_of(scope, definition);
        let inside = inner.as_ref().and_then(|inner| doc.graph(inner));
        let (Some(inner), Some(inside)) = (inner.as_ref(), inside) else { return any };
        let Some(link) = inside.outputs.get(&link.port) else { return any };
        return output_type(doc, inner, inside, registry, link, depth + 1);
    }
    let Some(known) = registry.get(&node.ty) else { return any };
    let schema = known.schema();
    let Some(at) = schema.output(&link.port, link.nth) else { return any };
    let output = &schema.outputs[at];
    let Some(follows) = output.follows else { return output.ty.clone() };
    match node.from.get(follows).and_then(|source| source.links().first()) {
        Some(link) => {
            let ty = output_type(doc, scope, graph, registry, link, depth + 1);
            if ty.name == names::ANY { output.ty.clone() } else { ty }
        }
        None => output.ty.clone(),
    }
}

impl Ports {
    /// A parameter by name, with its place.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<(usize, &Param)> {
        self.params.iter().enumerate().find(|(_, p)| p.name == name)
    }

    /// What a parameter of a node is: what the node says, else the default.
    #[must_use]
    pub fn value<'a>(&'a self, node: &'a Node, at: usize) -> Option<&'a Lit> {
        let param = self.params.get(at)?;
        let said = node.with.get(param.name);
        let said = said.or_else(|| param.was.iter().find_map(|old| node.with.get(*old)));
        said.or_else(|| self.defaults.get(at)?.as_ref())
    }
}

/// Whether a parameter is worth a row of its own on a node: what only the engine reads is not.
#[must_use]
pub fn is_shown(param: &Param) -> bool {
    !matches!(param.kind, Kind::ParamRef) && !param.control
}
