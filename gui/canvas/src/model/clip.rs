//! The clipboard: a selection is a small document, as text. So it goes between windows, into a mail, and back.

use super::edit::{Edit, Entry};
use super::step::Step;
use super::view::{Spot, View};
use super::{Document, Scope};
use kiln_core::document::{Graph, Link, Lit, ParamRef, Source};
use kiln_core::{Kind, Registry};
use std::collections::{BTreeMap, BTreeSet};

/// What is selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Nodes.
    pub nodes: BTreeSet<String>,
    /// Groups.
    pub groups: BTreeSet<String>,
    /// Notes.
    pub notes: BTreeSet<String>,
}

impl Selection {
    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.groups.is_empty() && self.notes.is_empty()
    }

    /// How many things are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len() + self.groups.len() + self.notes.len()
    }

    /// One node alone.
    pub fn node(name: impl Into<String>) -> Self {
        Self { nodes: [name.into()].into(), ..Self::default() }
    }

    /// Forgets what is no longer there.
    pub fn retain(&mut self, doc: &Document, scope: &[String]) {
        let view = doc.view(scope);
        let graph = doc.graph(scope);
        self.nodes.retain(|name| graph.is_some_and(|g| g.nodes.contains_key(name)));
        self.groups.retain(|name| view.groups.contains_key(name));
        self.notes.retain(|name| view.notes.contains_key(name));
    }
}

/// The selection as the text of a document.
#[must_use]
pub fn copy(doc: &Document, scope: &[String], selection: &Selection) -> String {
    let Some(graph) = doc.graph(scope) else { return String::new() };
    let view = doc.view(scope);
    let mut clip = Graph::new();
    let mut place = View::default();
    for (name, node) in graph.nodes.iter().filter(|(name, _)| selection.nodes.contains(*name)) {
        clip.nodes.insert(name.clone(), node.clone());
        if let Some(spot) = view.positions.get(name) {
            place.positions.insert(name.clone(), *spot);
        }
        if let Some(width) = view.widths.get(name) {
            place.widths.insert(name.clone(), *width);
        }
        if view.collapsed.contains_key(name) {
            place.collapsed.insert(name.clone(), ());
        }
        let at = kiln_core::document::path::node(name);
        for (path, notes) in graph.comments.under(&at) {
            clip.comments.set(path, notes.clone());
        }
        let mut wanted: Vec<(Scope, String)> =
            node.graph.iter().map(|name| (scope.to_vec(), name.clone())).collect();
        while let Some((from, name)) = wanted.pop() {
            let Some(inner) = doc.scope_of(&from, &name) else { continue };
            let whole = doc.definition(&inner);
            if let Some(whole) = whole
                && !clip.graphs.contains_key(&name)
            {
                wanted.extend(whole.nodes.values().filter_map(|n| Some((inner.clone(), n.graph.clone()?))));
                clip.graphs.insert(name, whole);
            }
        }
    }
    for (name, group) in view.groups.iter().filter(|(name, _)| selection.groups.contains(*name)) {
        place.groups.insert(name.clone(), group.clone());
    }
    for (name, note) in view.notes.iter().filter(|(name, _)| selection.notes.contains(*name)) {
        place.notes.insert(name.clone(), note.clone());
    }
    for (key, points) in &view.reroutes {
        if key.parse::<Link>().is_ok_and(|end| selection.nodes.contains(&end.node)) {
            place.reroutes.insert(key.clone(), points.clone());
        }
    }
    clip.canvas = place.to_lit();
    clip.to_text()
}

/// How to paste.
#[derive(Clone, Copy, Debug)]
pub struct Paste {
    /// Where the upper left corner comes to lie; none: a little beside where it was.
    pub at: Option<Spot>,
    /// Links to nodes that were not copied lead to those of the same name.
    pub with_links: bool,
}

impl Step<'_> {
    /// Puts a copied document into this one; gives what came.
    ///
    /// # Errors
    /// When the text is no document.
    pub fn paste(
        &mut self,
        registry: &Registry,
        text: &str,
        how: Paste,
    ) -> Result<Selection, kiln_core::document::Problems> {
        let mut clip = Graph::parse(text)?;
        let view = View::take(&mut clip);
        let corner = corner(&view);
        let shift = match (how.at, corner) {
            (Some(at), Some(corner)) => Spot::new(at.x - corner.x, at.y - corner.y),
            (Some(at), None) => at,
            (None, _) => Spot::new(32.0, 32.0),
        };
        let moved = |spot: Spot| Spot::new((spot.x + shift.x).round(), (spot.y + shift.y).round());
        let mut came = Selection::default();
        for (name, graph) in std::mem::take(&mut clip.graphs) {
            let there = self.document().definition(&[self.scope(), std::slice::from_ref(&name)].concat());
            let root = self.document().definition(std::slice::from_ref(&name));
            let taken = |graph: &Graph, other: &Option<Graph>| other.as_ref().is_some_and(|o| o == graph);
            if taken(&graph, &there) || taken(&graph, &root) {
                continue;
            }
            let free = super::step::free(&name, |n| {
                self.graph().graphs.contains_key(n) || self.document().root().graphs.contains_key(n)
            });
            for node in clip.nodes.values_mut().filter(|n| n.graph.as_ref() == Some(&name)) {
                node.graph = Some(free.clone());
            }
            self.edit(Edit::Definition(Box::new(Entry::set(free, graph))));
        }
        // Names are found first, so that links among the copies follow.
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for name in clip.nodes.keys() {
            let free = super::step::free(name, |n| {
                self.graph().nodes.contains_key(n) || names.values().any(|taken| taken == n)
            });
            names.insert(name.clone(), free);
        }
        let mut row = 0.0;
        for (name, mut node) in std::mem::take(&mut clip.nodes) {
            let Some(new) = names.get(&name).cloned() else { continue };
            node.from.retain(|_, source| {
                let mut links = source.links().to_vec();
                links.retain_mut(|link| match names.get(&link.node) {
                    Some(new) => {
                        link.node.clone_from(new);
                        true
                    }
                    None => how.with_links && self.graph().nodes.contains_key(&link.node),
                });
                let keep = !links.is_empty();
                *source = match (links.len(), &source) {
                    (1, Source::One(_)) => Source::One(links.remove(0)),
                    _ => Source::Many(links),
                };
                keep
            });
            if let Some(known) = registry.get(&node.ty) {
                for param in known.schema().params.iter().filter(|p| p.kind == Kind::ParamRef) {
                    if let Some(Lit::Text(text)) = node.with.get_mut(param.name)
                        && let Ok(mut target) = text.parse::<ParamRef>()
                        && let Some(new) = names.get(&target.node)
                    {
                        target.node.clone_from(new);
                        *text = target.to_string();
                    }
                }
            }
            let spot = view.positions.get(&name).copied().map_or_else(
                || {
                    row += 1.0;
                    let at = how.at.unwrap_or_default();
                    Spot::new(at.x + row * 24.0, at.y + row * 24.0)
                },
                moved,
            );
            self.edit(Edit::Node(Box::new(Entry::set(new.clone(), node))));
            self.edit(Edit::Position(Entry::set(new.clone(), spot)));
            if let Some(width) = view.widths.get(&name) {
                self.edit(Edit::Width(Entry::set(new.clone(), *width)));
            }
            if view.collapsed.contains_key(&name) {
                self.edit(Edit::Collapsed(Entry::set(new.clone(), ())));
            }
            came.nodes.insert(new);
        }
        for group in view.groups.into_values() {
            let area = super::Area { at: moved(group.area.at), ..group.area };
            came.groups.insert(self.add_group(&group.title, area, group.tint));
        }
        for note in view.notes.into_values() {
            let area = super::Area { at: moved(note.area.at), ..note.area };
            came.notes.insert(self.add_note(&note.text, area, note.tint));
        }
        for (key, points) in view.reroutes {
            if let Ok(mut end) = key.parse::<Link>()
                && let Some(new) = names.get(&end.node)
            {
                end.node.clone_from(new);
                let points = points.into_iter().map(moved).collect();
                self.edit(Edit::Reroute(Entry::set(end.to_string(), points)));
            }
        }
        Ok(came)
    }
}

fn corner(view: &View) -> Option<Spot> {
    let spots = view.positions.values().copied();
    let boxes = view.groups.values().map(|g| g.area.at).chain(view.notes.values().map(|n| n.area.at));
    spots.chain(boxes).reduce(|a, b| Spot::new(a.x.min(b.x), a.y.min(b.y)))
}
