//! A step under way: edits are made as they come, and the way back is noted.

use super::edit::{Edit, Entry};
use super::view::{Area, Group, Note, Spot, View};
use super::{Document, Scope};
use kiln_core::document::{Graph, Lit, Mode, Node, ParamRef, Source, path};
use kiln_core::{Kind, Registry};
use std::collections::BTreeSet;

/// A step under way.
pub struct Step<'a> {
    doc: &'a mut Document,
    scope: Scope,
    back: Vec<Edit>,
}

impl<'a> Step<'a> {
    pub(super) fn new(doc: &'a mut Document, scope: Scope) -> Self {
        Self { doc, scope, back: Vec::new() }
    }

    pub(super) fn finish(self) -> Vec<Edit> {
        self.back
    }

    /// The graph as it is now.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        self.doc.graph(&self.scope).unwrap_or(&self.doc.graph)
    }

    /// Its view as it is now.
    #[must_use]
    pub fn view(&self) -> &View {
        self.doc.view(&self.scope)
    }

    /// The whole document.
    #[must_use]
    pub fn document(&self) -> &Document {
        self.doc
    }

    /// Which graph of the document it is.
    #[must_use]
    pub fn scope(&self) -> &[String] {
        &self.scope
    }

    /// Makes one edit.
    pub fn edit(&mut self, edit: Edit) {
        if let Some(back) = self.doc.apply(&self.scope, edit) {
            self.back.push(back);
        }
    }

    /// A name that no node has, made of `wish`: itself, or with a number behind it.
    #[must_use]
    pub fn free_name(&self, wish: &str) -> String {
        free(wish, |name| self.graph().nodes.contains_key(name))
    }

    /// Adds a node; gives the name it got.
    pub fn add_node(&mut self, wish: &str, node: Node, at: Spot) -> String {
        let name = self.free_name(wish);
        self.edit(Edit::Node(Box::new(Entry::set(name.clone(), node))));
        self.edit(Edit::Position(Entry::set(name.clone(), at)));
        name
    }

    /// Removes nodes, and with them every link to them, what exposes their parameters, their places and comments.
    pub fn remove_nodes(&mut self, names: &BTreeSet<String>) {
        let mut edits = Vec::new();
        let graph = self.graph();
        for (name, node) in &graph.nodes {
            if names.contains(name) {
                continue;
            }
            for (input, source) in &node.from {
                if !source.links().iter().any(|link| names.contains(&link.node)) {
                    continue;
                }
                let left: Vec<_> =
                    source.links().iter().filter(|link| !names.contains(&link.node)).cloned().collect();
                let entry = match source {
                    Source::Many(_) if !left.is_empty() => Entry::set(input.clone(), Source::Many(left)),
                    _ => Entry::gone(input.clone()),
                };
                edits.push(Edit::Link { node: name.clone(), entry });
                edits.extend(super::wiring::without_reroutes(self.view(), name, input));
            }
        }
        for (port, link) in &graph.outputs {
            if names.contains(&link.node) {
                edits.push(Edit::Output(Entry::gone(port.clone())));
            }
        }
        for (shown, params) in &graph.expose {
            if params.iter().any(|param| names.contains(&param.node)) {
                let left: Vec<ParamRef> =
                    params.iter().filter(|param| !names.contains(&param.node)).cloned().collect();
                let entry = if left.is_empty() {
                    Entry::gone(shown.clone())
                } else {
                    Entry::set(shown.clone(), left)
                };
                edits.push(Edit::Expose(entry));
            }
        }
        for name in names {
            if let Some(node) = graph.nodes.get(name) {
                for input in node.from.keys() {
                    edits.extend(super::wiring::without_reroutes(self.view(), name, input));
                }
            }
            let at = path::node(name);
            let notes = graph.comments.under(&at).map(|(at, _)| at.to_owned());
            edits.extend(notes.map(|path| Edit::Comment { path, notes: None }));
            edits.push(Edit::Position(Entry::gone(name.clone())));
            edits.push(Edit::Width(Entry::gone(name.clone())));
            edits.push(Edit::Collapsed(Entry::gone(name.clone())));
            edits.push(Edit::Node(Box::new(Entry::gone(name.clone()))));
        }
        edits.into_iter().for_each(|edit| self.edit(edit));
    }

    /// Renames a node and everything that refers to it. Says whether it could.
    pub fn rename(&mut self, registry: &Registry, old: &str, new: &str) -> bool {
        let graph = self.graph();
        let Some(index) = graph.nodes.get_index_of(old) else { return false };
        let taken = new.is_empty() || new == kiln_core::document::OWN_INPUT || graph.nodes.contains_key(new);
        if taken {
            return false;
        }
        let mut edits = vec![Edit::Name { index, name: new.to_owned() }];
        for (name, node) in &graph.nodes {
            let now = if name == old { new } else { name };
            for (input, source) in &node.from {
                if source.links().iter().any(|link| link.node == old) {
                    let mut source = source.clone();
                    for link in source.links_mut().iter_mut().filter(|link| link.node == old) {
                        new.clone_into(&mut link.node);
                    }
                    let entry = Entry::set(input.clone(), source);
                    edits.push(Edit::Link { node: now.to_owned(), entry });
                }
            }
            let Some(def) = registry.get(&node.ty) else { continue };
            for param in def.schema().params.iter().filter(|p| p.kind == Kind::ParamRef) {
                if let Some(Lit::Text(text)) = node.with.get(param.name)
                    && let Ok(mut target) = text.parse::<ParamRef>()
                    && target.node == old
                {
                    new.clone_into(&mut target.node);
                    let entry = Entry::set(param.name, Lit::Text(target.to_string()));
                    edits.push(Edit::Param { node: now.to_owned(), entry });
                }
            }
        }
        for (port, link) in graph.outputs.iter().filter(|(_, link)| link.node == old) {
            let mut link = link.clone();
            new.clone_into(&mut link.node);
            edits.push(Edit::Output(Entry::set(port.clone(), link)));
        }
        for (shown, params) in &graph.expose {
            if params.iter().any(|p| p.node == old) {
                let mut params = params.clone();
                for param in params.iter_mut().filter(|p| p.node == old) {
                    new.clone_into(&mut param.node);
                }
                edits.push(Edit::Expose(Entry::set(shown.clone(), params)));
            }
        }
        let (from, to) = (path::node(old), path::node(new));
        for (at, notes) in graph.comments.under(&from) {
            edits.push(Edit::Comment { path: at.to_owned(), notes: None });
            let path = format!("{to}{}", &at[from.len()..]);
            edits.push(Edit::Comment { path, notes: Some(notes.clone()) });
        }
        let view = self.view();
        if let Some((at, _, spot)) = view.positions.get_full(old) {
            edits.push(Edit::Position(Entry::gone(old)));
            edits.push(Edit::Position(Entry { key: new.to_owned(), at, value: Some(*spot) }));
        }
        if let Some((at, _, width)) = view.widths.get_full(old) {
            edits.push(Edit::Width(Entry::gone(old)));
            edits.push(Edit::Width(Entry { key: new.to_owned(), at, value: Some(*width) }));
        }
        if let Some(at) = view.collapsed.get_index_of(old) {
            edits.push(Edit::Collapsed(Entry::gone(old)));
            edits.push(Edit::Collapsed(Entry { key: new.to_owned(), at, value: Some(()) }));
        }
        for (key, points) in &view.reroutes {
            if let Ok(mut end) = key.parse::<kiln_core::document::Link>()
                && end.node == old
            {
                new.clone_into(&mut end.node);
                edits.push(Edit::Reroute(Entry::gone(key.clone())));
                edits.push(Edit::Reroute(Entry::set(end.to_string(), points.clone())));
            }
        }
        edits.into_iter().for_each(|edit| self.edit(edit));
        true
    }

    /// Sets a parameter; `None` leaves it to its default.
    pub fn set_param(&mut self, node: &str, param: &str, value: Option<Lit>) {
        let now = self.graph().nodes.get(node).and_then(|n| n.with.get(param));
        if now != value.as_ref() {
            let entry = Entry { key: param.to_owned(), at: usize::MAX, value };
            self.edit(Edit::Param { node: node.to_owned(), entry });
        }
    }

    /// Gives nodes a mode; those that all have it already become active again.
    pub fn toggle_mode<'n>(&mut self, names: impl IntoIterator<Item = &'n String>, mode: Mode) {
        let names: Vec<&String> = names.into_iter().collect();
        let has = |name: &&String| self.graph().nodes.get(*name).is_some_and(|n| n.mode == mode);
        let mode = if names.iter().all(has) { Mode::Active } else { mode };
        for name in names {
            if self.graph().nodes.get(name).is_some_and(|n| n.mode != mode) {
                self.edit(Edit::Mode { node: name.clone(), mode });
            }
        }
    }

    /// Folds nodes; those that all are folded already are unfolded.
    pub fn toggle_collapsed<'n>(&mut self, names: impl IntoIterator<Item = &'n String>) {
        let names: Vec<&String> = names.into_iter().collect();
        let fold = !names.iter().all(|n| self.view().collapsed.contains_key(*n));
        for name in names {
            if fold != self.view().collapsed.contains_key(name) {
                let entry = if fold { Entry::set(name.clone(), ()) } else { Entry::gone(name.clone()) };
                self.edit(Edit::Collapsed(entry));
            }
        }
    }

    /// Says what people call a node; its name again if that is nothing, or the name itself.
    pub fn set_title(&mut self, node: &str, title: &str) {
        let title = (!title.is_empty() && title != node).then(|| title.to_owned());
        if self.graph().nodes.get(node).is_some_and(|n| n.title != title) {
            self.edit(Edit::Title { node: node.to_owned(), title });
        }
    }

    /// Puts a frame around an area; gives its name.
    pub fn add_group(&mut self, title: &str, area: Area, tint: u8) -> String {
        let name = free("group", |name| self.view().groups.contains_key(name));
        let group = Group { title: title.to_owned(), area, tint };
        self.edit(Edit::Group(Entry::set(name.clone(), group)));
        name
    }

    /// Lays a note down; gives its name.
    pub fn add_note(&mut self, text: &str, area: Area, tint: u8) -> String {
        let name = free("note", |name| self.view().notes.contains_key(name));
        self.edit(Edit::Note(Entry::set(name.clone(), Note { text: text.to_owned(), area, tint })));
        name
    }

    /// Moves a node.
    pub fn move_node(&mut self, node: &str, to: Spot) {
        if self.graph().nodes.contains_key(node) && self.view().positions.get(node) != Some(&to) {
            self.edit(Edit::Position(Entry::set(node, to)));
        }
    }
}

/// The wish itself, or with the first number behind it that is free.
pub(super) fn free(wish: &str, taken: impl Fn(&str) -> bool) -> String {
    let wish = if wish.is_empty() || wish == kiln_core::document::OWN_INPUT { "node" } else { wish };
    if !taken(wish) {
        return wish.to_owned();
    }
    // `blur_2` becomes `blur_3`, not `blur_2_2`.
    let stem = match wish.rsplit_once('_') {
        Some((stem, number)) if !stem.is_empty() && number.parse::<u32>().is_ok() => stem,
        _ => wish,
    };
    (2u64..).map(|n| format!("{stem}_{n}")).find(|name| !taken(name)).unwrap_or_default()
}

/// What a new node of a type is called: `ImageBlur` becomes `image_blur`.
#[must_use]
pub fn name_for(ty: &str) -> String {
    let mut name = String::new();
    let mut was_upper = true;
    for c in ty.chars() {
        if c.is_uppercase() && !was_upper {
            name.push('_');
        }
        was_upper = c.is_uppercase();
        name.extend(c.to_lowercase());
    }
    name
}
