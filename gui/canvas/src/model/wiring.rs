//! Connecting: what fits where, wires put in and taken out, nodes put into wires, types swapped.

use super::edit::{Edit, Entry};
use super::ports::{Port, Ports, output_type};
use super::step::Step;
use super::view::View;
use kiln_core::document::{Link, Node, Source};
use kiln_core::types::{Type, names};
use kiln_core::{Registry, converts};

/// Whether a value of one type can be taken where another is wanted; lists are mapped over.
#[must_use]
pub fn fits(from: &Type, to: &Type) -> bool {
    converts(&from.name, &to.name)
}

/// How well it fits: exactly, after a conversion, or because one of them takes anything. Lower is better.
#[must_use]
pub fn fit(from: &Type, to: &Type) -> Option<u8> {
    let any = from.name == names::ANY || to.name == names::ANY;
    if from.name == to.name && !any {
        return Some(u8::from(from.list != to.list));
    }
    if any {
        return Some(3);
    }
    fits(from, to).then_some(2)
}

/// The end of a wire as the canvas section names it.
#[must_use]
pub fn end_key(node: &str, input: &str, nth: usize) -> String {
    let nth = u32::try_from(nth).unwrap_or(u32::MAX);
    Link { node: node.to_owned(), port: input.to_owned(), nth }.to_string()
}

/// The edits that forget the points of all wires into an input.
pub(super) fn without_reroutes<'a>(
    view: &'a View,
    node: &'a str,
    input: &'a str,
) -> impl Iterator<Item = Edit> + 'a {
    let all = if view.reroutes.is_empty() { 0 } else { 64 };
    (0..all)
        .map(move |nth| end_key(node, input, nth))
        .filter(|key| view.reroutes.contains_key(key))
        .map(|key| Edit::Reroute(Entry::gone(key)))
}

impl Step<'_> {
    /// Leads a wire into an input; where it takes several, behind those that are there.
    pub fn connect(&mut self, from: Link, node: &str, input: &str, many: bool) {
        let Some(target) = self.graph().nodes.get(node) else { return };
        let source = match target.from.get(input) {
            Some(there) if many => {
                let mut links = there.links().to_vec();
                if links.contains(&from) {
                    return;
                }
                links.push(from);
                Source::Many(links)
            }
            _ => Source::One(from),
        };
        if target.from.get(input) == Some(&source) {
            return;
        }
        if !many {
            self.forget_reroutes(node, input);
        }
        self.edit(Edit::Link { node: node.to_owned(), entry: Entry::set(input, source) });
    }

    /// Takes a wire out of an input.
    pub fn disconnect(&mut self, node: &str, input: &str, nth: usize) {
        let Some(source) = self.graph().nodes.get(node).and_then(|n| n.from.get(input)) else { return };
        let mut links = source.links().to_vec();
        if nth >= links.len() {
            return;
        }
        links.remove(nth);
        let entry = match links.len() {
            0 => Entry::gone(input),
            1 => Entry::set(input, Source::One(links.remove(0))),
            _ => Entry::set(input, Source::Many(links)),
        };
        self.forget_reroutes(node, input);
        self.edit(Edit::Link { node: node.to_owned(), entry });
    }

    fn forget_reroutes(&mut self, node: &str, input: &str) {
        let edits: Vec<Edit> = without_reroutes(self.view(), node, input).collect();
        edits.into_iter().for_each(|edit| self.edit(edit));
    }

    /// Takes every wire of a node out, and joins what went through it where that fits.
    pub fn pull_out(&mut self, registry: &Registry, name: &str) {
        let through = self.through(registry, name);
        let readers: Vec<(String, String, usize, Link)> = readers(self, name);
        for (node, input, nth, link) in readers.into_iter().rev() {
            let new = through.iter().find(|(port, _)| *port == link.port).map(|(_, from)| from.clone());
            match new {
                Some(from) => {
                    let now = self.graph().nodes.get(&node).and_then(|n| n.from.get(&input)).cloned();
                    let Some(mut source) = now else { continue };
                    if let Some(slot) = source.links_mut().get_mut(nth) {
                        *slot = from;
                    }
                    self.edit(Edit::Link { node, entry: Entry::set(input, source) });
                }
                None => self.disconnect(&node, &input, nth),
            }
        }
        let inputs: Vec<String> =
            self.graph().nodes.get(name).map(|n| n.from.keys().cloned().collect()).unwrap_or_default();
        for input in inputs {
            self.forget_reroutes(name, &input);
            self.edit(Edit::Link { node: name.to_owned(), entry: Entry::gone(input) });
        }
    }

    /// For each output of a node, the link that would replace it if the node were bypassed.
    fn through(&self, registry: &Registry, name: &str) -> Vec<(String, Link)> {
        let Some(node) = self.graph().nodes.get(name) else { return Vec::new() };
        let ports = Ports::of(self.document(), self.scope(), registry, name, node);
        let mut through = Vec::new();
        for output in &ports.outputs {
            let first = ports.inputs.iter().find_map(|input| {
                let link = node.from.get(&*input.name)?.links().first()?;
                let ty = output_type(self.document(), self.scope(), self.graph(), registry, link, 0);
                let same = output.follows == Some(&*input.name) || ty.name == output.ty.name;
                same.then(|| link.clone())
            });
            through.extend(first.map(|link| (output.name.to_string(), link)));
        }
        through
    }

    /// Leads a wire through a node: its first input that fits, and its first output that fits. Says whether it did.
    pub fn insert_into_wire(
        &mut self,
        registry: &Registry,
        name: &str,
        node: &str,
        input: &str,
        nth: usize,
    ) -> bool {
        let graph = self.graph();
        let Some(link) = graph
            .nodes
            .get(node)
            .and_then(|n| n.from.get(input))
            .and_then(|source| source.links().get(nth))
            .cloned()
        else {
            return false;
        };
        let (Some(middle), Some(target)) = (graph.nodes.get(name), graph.nodes.get(node)) else {
            return false;
        };
        let given = output_type(self.document(), self.scope(), graph, registry, &link, 0);
        let ports = Ports::of(self.document(), self.scope(), registry, name, middle);
        let wanted = Ports::of(self.document(), self.scope(), registry, node, target).takes(input);
        let free = |p: &&Port| !middle.from.contains_key(&*p.name);
        let Some(way_in) = best(ports.inputs.iter().filter(free), |p| fit(&given, &p.ty)) else {
            return false;
        };
        let follow = |p: &Port| if p.follows == Some(&*way_in.name) { given.clone() } else { p.ty.clone() };
        let wanted = wanted.unwrap_or(Type::one(names::ANY));
        let Some(way_out) = best(ports.outputs.iter(), |p| fit(&follow(p), &wanted)) else { return false };
        let (way_in, many) = (way_in.name.to_string(), way_in.many);
        let out = Link { node: name.to_owned(), port: way_out.name.to_string(), nth: way_out.nth };
        let mut source = target.from.get(input).cloned().unwrap_or_else(|| link.clone().into());
        if let Some(slot) = source.links_mut().get_mut(nth) {
            *slot = out;
        }
        self.forget_reroutes(node, input);
        self.connect(link, name, &way_in, many);
        self.edit(Edit::Link { node: node.to_owned(), entry: Entry::set(input, source) });
        true
    }

    /// Gives a node another type. Links and parameters stay where the new type has a place for them: one of the
    /// same name, or else one of the same type.
    pub fn swap_type(&mut self, registry: &Registry, name: &str, ty: &str) {
        let graph = self.graph();
        let Some(node) = graph.nodes.get(name) else { return };
        let old = Ports::of(self.document(), self.scope(), registry, name, node);
        let Some(known) = registry.get(ty) else { return };
        let new = Ports::of_schema(known.schema());
        let mut next = Node { ty: ty.to_owned(), ..Node::default() };
        let mut later = Vec::new();
        for (input, source) in &node.from {
            if new.takes(input).is_some() {
                next.from.insert(input.clone(), source.clone());
            } else {
                later.push((input.clone(), source.clone()));
            }
        }
        for (input, source) in later {
            let Some(link) = source.links().first() else { continue };
            let given = output_type(self.document(), self.scope(), graph, registry, link, 0);
            let given = if given.name == names::ANY { old.takes(&input).unwrap_or(given) } else { given };
            let free = |p: &&Port| !next.from.contains_key(&*p.name);
            if let Some(place) =
                best(new.inputs.iter().filter(free), |p| fit(&given, &p.ty).filter(|f| *f < 3))
            {
                let source = if place.many { source } else { Source::One(link.clone()) };
                next.from.insert(place.name.to_string(), source);
            }
        }
        for (param, lit) in &node.with {
            let Some((_, place)) = new.param(param) else { continue };
            let same = old.param(param).is_none_or(|(_, was)| {
                std::mem::discriminant(&was.kind) == std::mem::discriminant(&place.kind)
            });
            let fits = kiln_core::lit::from_word(&place.kind, &word(lit)).is_ok();
            if same && fits {
                next.with.insert(param.clone(), lit.clone());
            }
        }
        let moves: Vec<(String, String, usize, Option<Link>)> = readers(self, name)
            .into_iter()
            .map(|(reader, input, nth, link)| {
                let ty =
                    old.output(&link).map(|at| old.outputs[at].ty.clone()).unwrap_or(Type::one(names::ANY));
                let same = new.outputs.iter().find(|o| o.name == link.port && o.nth == link.nth);
                let place = same.or_else(|| best(new.outputs.iter(), |o| fit(&o.ty, &ty)));
                let link =
                    place.map(|p| Link { node: name.to_owned(), port: p.name.to_string(), nth: p.nth });
                (reader, input, nth, link)
            })
            .collect();
        let (from, with) = (node.from.clone(), node.with.clone());
        self.edit(Edit::Type { node: name.to_owned(), ty: next.ty.clone(), version: None, graph: None });
        for key in from.keys().filter(|k| !next.from.contains_key(*k)) {
            self.forget_reroutes(name, key);
            self.edit(Edit::Link { node: name.to_owned(), entry: Entry::gone(key.clone()) });
        }
        for (key, source) in next.from {
            if from.get(&key) != Some(&source) {
                self.edit(Edit::Link { node: name.to_owned(), entry: Entry::set(key, source) });
            }
        }
        for key in with.keys().filter(|k| !next.with.contains_key(*k)) {
            self.edit(Edit::Param { node: name.to_owned(), entry: Entry::gone(key.clone()) });
        }
        for (reader, input, nth, link) in moves.into_iter().rev() {
            match link {
                Some(link) => {
                    let now = self.graph().nodes.get(&reader).and_then(|n| n.from.get(&input)).cloned();
                    let Some(mut source) = now else { continue };
                    if source.links().get(nth) != Some(&link)
                        && let Some(slot) = source.links_mut().get_mut(nth)
                    {
                        *slot = link;
                        self.edit(Edit::Link { node: reader, entry: Entry::set(input, source) });
                    }
                }
                None => self.disconnect(&reader, &input, nth),
            }
        }
    }
}

/// A literal as a word of a command line.
fn word(lit: &kiln_core::document::Lit) -> String {
    match lit {
        kiln_core::document::Lit::Text(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Everybody who reads a node: reader, input, which link, the link itself.
fn readers(step: &Step<'_>, name: &str) -> Vec<(String, String, usize, Link)> {
    let mut all = Vec::new();
    for (reader, node) in &step.graph().nodes {
        for (input, source) in &node.from {
            for (nth, link) in source.links().iter().enumerate().filter(|(_, l)| l.node == name) {
                all.push((reader.clone(), input.clone(), nth, link.clone()));
            }
        }
    }
    all
}

/// The first of those that fit best.
pub fn best<'a, T>(all: impl Iterator<Item = &'a T>, fit: impl Fn(&T) -> Option<u8>) -> Option<&'a T> {
    all.filter_map(|one| Some((fit(one)?, one))).min_by_key(|(fit, _)| *fit).map(|(_, one)| one)
}
