//! Several nodes become one, and one becomes several again.

use super::clip::Selection;
use super::edit::{Edit, Entry};
use super::ports::{Ports, output_type};
use super::step::Step;
use super::view::{Spot, View};
use super::{Document, fold};
use indexmap::IndexMap;
use kiln_core::Registry;
use kiln_core::document::{Graph, Link, Node, OWN_INPUT, ParamRef, Source};
use kiln_core::types::{Type, names};
use std::collections::BTreeMap;

impl Document {
    /// A definition with its canvas sections.
    #[must_use]
    pub fn definition(&self, scope: &[String]) -> Option<Graph> {
        let mut graph = self.graph(scope)?.clone();
        fold(&mut graph, &mut scope.to_vec(), &self.views);
        Some(graph)
    }
}

impl Step<'_> {
    /// Puts nodes into a subgraph of their own; gives the name of the node that stands for them.
    pub fn make_subgraph(
        &mut self,
        registry: &Registry,
        selection: &Selection,
        title: &str,
    ) -> Option<String> {
        let chosen = &selection.nodes;
        if chosen.is_empty() {
            return None;
        }
        let graph = self.graph();
        let view = self.view();
        let mut inner = Graph::new();
        title.clone_into(&mut inner.title);
        let mut place = View::default();
        let mut from: IndexMap<String, Source> = IndexMap::new();
        let mut ways_in: BTreeMap<Link, String> = BTreeMap::new();
        for (name, node) in graph.nodes.iter().filter(|(name, _)| chosen.contains(*name)) {
            let mut node = node.clone();
            let ports = Ports::of(self.document(), self.scope(), registry, name, &node);
            for (input, source) in &mut node.from {
                for link in source.links_mut().iter_mut().filter(|link| !chosen.contains(&link.node)) {
                    let port = ways_in.get(link).cloned().unwrap_or_else(|| {
                        let ty = output_type(self.document(), self.scope(), graph, registry, link, 0);
                        let ty = if ty.name == names::ANY { ports.takes(input).unwrap_or(ty) } else { ty };
                        let port = super::step::free(input, |n| inner.inputs.contains_key(n));
                        inner.inputs.insert(port.clone(), ty.to_string());
                        from.insert(port.clone(), Source::One(link.clone()));
                        ways_in.insert(link.clone(), port.clone());
                        port
                    });
                    *link = Link::new(OWN_INPUT, port);
                }
            }
            inner.nodes.insert(name.clone(), node);
            if let Some(spot) = view.positions.get(name) {
                place.positions.insert(name.clone(), *spot);
            }
        }
        let mut ways_out: BTreeMap<Link, String> = BTreeMap::new();
        let mut edits = Vec::new();
        let wish = super::step::name_for(title);
        let wish: String = wish.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect();
        let name = self.free_name(&wish);
        for (reader, node) in graph.nodes.iter().filter(|(reader, _)| !chosen.contains(*reader)) {
            for (input, source) in &node.from {
                let mut source = source.clone();
                let mut changed = false;
                for link in source.links_mut().iter_mut().filter(|link| chosen.contains(&link.node)) {
                    *link = leads_out(&mut inner, &mut ways_out, &name, link);
                    changed = true;
                }
                if changed {
                    edits.push(Edit::Link { node: reader.clone(), entry: Entry::set(input.clone(), source) });
                }
            }
        }
        for (port, link) in graph.outputs.iter().filter(|(_, link)| chosen.contains(&link.node)) {
            let link = leads_out(&mut inner, &mut ways_out, &name, link);
            edits.push(Edit::Output(Entry::set(port.clone(), link)));
        }
        // What the graph shows of them goes on being shown, by way of the subgraph.
        for (shown, params) in &graph.expose {
            if !params.iter().any(|param| chosen.contains(&param.node)) {
                continue;
            }
            let (inside, mut rest): (Vec<_>, Vec<_>) =
                params.iter().cloned().partition(|param| chosen.contains(&param.node));
            inner.expose.insert(shown.clone(), inside);
            rest.push(ParamRef::new(name.clone(), shown.clone()));
            edits.push(Edit::Expose(Entry::set(shown.clone(), rest)));
        }
        let spots = place.positions.values();
        let corner = spots.copied().reduce(|a, b| Spot::new(a.x.min(b.x), a.y.min(b.y))).unwrap_or_default();
        inner.canvas = place.to_lit();
        let definition = super::step::free(if title.is_empty() { "Part" } else { title }, |n| {
            graph.graphs.contains_key(n) || self.document().root().graphs.contains_key(n)
        });
        let node = Node { graph: Some(definition.clone()), from, ..Node::new("Subgraph") };
        let chosen = chosen.clone();
        self.edit(Edit::Definition(Box::new(Entry::set(definition, inner))));
        self.edit(Edit::Node(Box::new(Entry::set(name.clone(), node))));
        self.edit(Edit::Position(Entry::set(name.clone(), corner)));
        edits.into_iter().for_each(|edit| self.edit(edit));
        self.remove_nodes(&chosen);
        Some(name)
    }

    /// Puts what a subgraph is made of in its place; gives what came.
    pub fn dissolve(&mut self, name: &str) -> Option<Selection> {
        let graph = self.graph();
        let node = graph.nodes.get(name)?.clone();
        let inner_scope = self.document().scope_of(self.scope(), node.graph.as_deref()?)?;
        let inner = self.document().graph(&inner_scope)?.clone();
        let place = self.document().view(&inner_scope).clone();
        let at = self.view().positions.get(name).copied().unwrap_or_default();
        let corner = place
            .positions
            .values()
            .copied()
            .reduce(|a, b| Spot::new(a.x.min(b.x), a.y.min(b.y)))
            .unwrap_or_default();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for inside in inner.nodes.keys() {
            let free = super::step::free(inside, |n| {
                graph.nodes.contains_key(n) || names.values().any(|taken| taken == n)
            });
            names.insert(inside.clone(), free);
        }
        let mut came = Selection::default();
        for (definition, graph) in &inner.graphs {
            if !self.graph().graphs.contains_key(definition) {
                self.edit(Edit::Definition(Box::new(Entry::set(definition.clone(), graph.clone()))));
            }
        }
        for (inside, mut one) in inner.nodes.clone() {
            let new = names.get(&inside)?.clone();
            one.from.retain(|_, source| {
                let mut links = Vec::new();
                for link in source.links() {
                    if link.is_own_input() {
                        links.extend(node.from.get(&link.port).iter().flat_map(|s| s.links()).cloned());
                    } else if let Some(new) = names.get(&link.node) {
                        links.push(Link { node: new.clone(), ..link.clone() });
                    }
                }
                let keep = !links.is_empty();
                *source = if links.len() == 1 { Source::One(links.remove(0)) } else { Source::Many(links) };
                keep
            });
            for (shown, lit) in &node.with {
                for target in inner.expose.get(shown).into_iter().flatten().filter(|t| t.node == inside) {
                    one.with.insert(target.param.clone(), lit.clone());
                }
            }
            let spot = place.positions.get(&inside).copied().unwrap_or(corner);
            self.edit(Edit::Node(Box::new(Entry::set(new.clone(), one))));
            let spot = Spot::new(at.x + spot.x - corner.x, at.y + spot.y - corner.y);
            self.edit(Edit::Position(Entry::set(new.clone(), spot)));
            came.nodes.insert(new);
        }
        let mut edits = Vec::new();
        let outside = |link: &Link| -> Option<Link> {
            let inside = inner.outputs.get(&link.port)?;
            if inside.is_own_input() {
                return node.from.get(&inside.port)?.links().first().cloned();
            }
            Some(Link { node: names.get(&inside.node)?.clone(), ..inside.clone() })
        };
        for (reader, other) in &self.graph().nodes {
            for (input, source) in &other.from {
                if !source.links().iter().any(|l| l.node == name) {
                    continue;
                }
                let mut source = source.clone();
                for link in source.links_mut().iter_mut().filter(|l| l.node == name) {
                    if let Some(new) = outside(link) {
                        *link = new;
                    }
                }
                edits.push(Edit::Link { node: reader.clone(), entry: Entry::set(input.clone(), source) });
            }
        }
        for (port, link) in self.graph().outputs.iter().filter(|(_, l)| l.node == name) {
            edits.extend(outside(link).map(|link| Edit::Output(Entry::set(port.clone(), link))));
        }
        for (shown, params) in &self.graph().expose {
            if !params.iter().any(|p| p.node == name) {
                continue;
            }
            let mut now = Vec::new();
            for param in params {
                if param.node != name {
                    now.push(param.clone());
                    continue;
                }
                for target in inner.expose.get(&param.param).into_iter().flatten() {
                    now.extend(
                        names.get(&target.node).map(|n| ParamRef::new(n.clone(), target.param.clone())),
                    );
                }
            }
            edits.push(Edit::Expose(Entry::set(shown.clone(), now)));
        }
        edits.into_iter().for_each(|edit| self.edit(edit));
        self.remove_nodes(&[name.to_owned()].into());
        Some(came)
    }

    /// Shows a parameter to the outside, or hides it again.
    pub fn toggle_exposed(&mut self, node: &str, param: &str) {
        let target = ParamRef::new(node, param);
        let shown = self.graph().expose.iter().find(|(_, all)| all.contains(&target));
        match shown {
            Some((name, all)) => {
                let left: Vec<ParamRef> = all.iter().filter(|p| **p != target).cloned().collect();
                let entry =
                    if left.is_empty() { Entry::gone(name.clone()) } else { Entry::set(name.clone(), left) };
                self.edit(Edit::Expose(entry));
            }
            None => {
                let name = if self.graph().expose.contains_key(param) {
                    super::step::free(&format!("{node}_{param}"), |n| self.graph().expose.contains_key(n))
                } else {
                    param.to_owned()
                };
                self.edit(Edit::Expose(Entry::set(name, vec![target])));
            }
        }
    }
}

fn leads_out(inner: &mut Graph, ways: &mut BTreeMap<Link, String>, name: &str, link: &Link) -> Link {
    let port = ways.get(link).cloned().unwrap_or_else(|| {
        let port = super::step::free(&link.port, |n| inner.outputs.contains_key(n));
        inner.outputs.insert(port.clone(), link.clone());
        ways.insert(link.clone(), port.clone());
        port
    });
    Link::new(name, port)
}

/// The type of an input of the graph itself.
#[must_use]
pub fn own_input_type(graph: &Graph, port: &str) -> Type {
    graph.inputs.get(port).and_then(|ty| Type::parse(ty)).unwrap_or(Type::one(names::ANY))
}
