//! The canonical order of a graph's fields, and of a node's.

use std::borrow::Cow;

use indexmap::IndexMap;

use super::{
    doc::{Brackets, Doc, Item, ItemKey},
    printer::{Blanks, Printer},
};
use crate::{CURRENT_VERSION, Graph, Lit, Lock, Mode, Node, Source, text};

const GRAPH: Brackets<'static> = Brackets { name: Some(("Graph", false)), open: '(', close: ')' };

impl Graph {
    /// The canonical text: reading it gives this graph again, and writing that gives this text again.
    ///
    /// Unknown fields that bear the name of a known one, and comments of entries that are no longer there, are
    /// left out.
    pub fn to_text(&self) -> String {
        let mut printer =
            Printer { out: String::new(), comments: &self.comments, path: String::new(), indent: 0, said: 0 };
        let notes = self.comments.get("");
        if let Some(notes) = notes {
            printer.comments(&notes.before, Blanks::None);
        }
        graph(&mut printer, self, true);
        printer.out.push('\n');
        if let Some(notes) = notes {
            printer.comments(&notes.after, Blanks::None);
        }
        printer.out
    }
}

/// Writes a graph from its name to its closing bracket.
fn graph<'a>(printer: &mut Printer<'a>, graph: &'a Graph, outermost: bool) {
    printer.out.push_str("Graph(\n");
    printer.indent += 1;
    if outermost || says(printer, "kiln", false) {
        printer.item(&Item::name("kiln", spelled(CURRENT_VERSION.to_string())), Blanks::None);
    }
    for (name, text) in [("title", &graph.title), ("about", &graph.about)] {
        if !text.is_empty() || says(printer, name, false) {
            printer.item(&Item::name(name, Doc::Text(text)), Blanks::None);
        }
    }
    map(printer, "expose", &graph.expose, |refs| match refs.as_slice() {
        [one] => quoted(&one.to_string()),
        many => list(many.iter().map(|one| quoted(&one.to_string()))),
    });
    map(printer, "inputs", &graph.inputs, |ty| Doc::Text(ty));
    map(printer, "outputs", &graph.outputs, |link| quoted(&link.to_string()));
    tall(printer, "nodes", &graph.nodes, |printer, name, one, blanks| {
        let doc = node(printer, name, one);
        printer.item(&Item::text(name, doc), blanks);
    });
    tall(printer, "graphs", &graph.graphs, subgraph);
    let known =
        ["kiln", "title", "about", "expose", "inputs", "outputs", "nodes", "graphs", "lock", "canvas"];
    for item in unknown(&graph.unknown, &known) {
        printer.item(&item, Blanks::None);
    }
    if let Some(one) = &graph.lock {
        let doc = lock(printer, one);
        printer.item(&Item::name("lock", doc), Blanks::None);
    }
    if let Some(canvas) = &graph.canvas {
        printer.item(&Item::name("canvas", Doc::Lit(canvas)), Blanks::None);
    }
    printer.close(GRAPH);
}

/// A subgraph's definition: its comments are in its own keeping.
fn subgraph<'a>(printer: &mut Printer<'a>, name: &'a str, child: &'a Graph, blanks: Blanks) {
    let outer = (printer.comments, std::mem::take(&mut printer.path));
    printer.comments = &child.comments;
    let notes = child.comments.get("");
    printer.before(notes, blanks);
    printer.start_line();
    let _ = ItemKey::Text(name).write(&mut printer.out);
    graph(printer, child, false);
    printer.out.push(',');
    printer.after(notes);
    (printer.comments, printer.path) = outer;
}

/// A map that is always broken, entry by entry.
fn tall<'a, T>(
    printer: &mut Printer<'a>,
    name: &'a str,
    entries: &'a IndexMap<String, T>,
    mut write: impl FnMut(&mut Printer<'a>, &'a str, &'a T, Blanks),
) {
    if entries.is_empty() {
        if says(printer, name, true) {
            printer.item(&Item::name(name, Doc::Group(Brackets::BRACES, Vec::new())), Blanks::None);
        }
        return;
    }
    let len = printer.enter(ItemKey::Name(name));
    let notes = printer.notes();
    printer.before(notes, Blanks::None);
    printer.start_line();
    printer.out.push_str(name);
    printer.out.push_str(": {\n");
    printer.indent += 1;
    for (index, (name, entry)) in entries.iter().enumerate() {
        write(printer, name, entry, if index == 0 { Blanks::Inner } else { Blanks::All });
    }
    printer.close(Brackets::BRACES);
    printer.out.push(',');
    printer.after(notes);
    printer.leave(len);
}

/// A map that is written if there is anything in it, or about it.
fn map<'a, T>(
    printer: &mut Printer<'a>,
    name: &'a str,
    entries: &'a IndexMap<String, T>,
    doc: impl Fn(&'a T) -> Doc<'a>,
) {
    if !entries.is_empty() || says(printer, name, true) {
        printer.item(&Item::name(name, braces(entries, doc)), Blanks::None);
    }
}

fn node<'a>(printer: &mut Printer<'a>, name: &'a str, node: &'a Node) -> Doc<'a> {
    let len = printer.enter(ItemKey::Text(name));
    let mut items = vec![Item::name("type", Doc::Text(&node.ty))];
    if let Some(graph) = &node.graph {
        items.push(Item::name("graph", Doc::Text(graph)));
    }
    if let Some(title) = &node.title {
        items.push(Item::name("title", Doc::Text(title)));
    }
    if let Some(version) = node.version {
        items.push(Item::name("version", spelled(version.to_string())));
    }
    if node.mode != Mode::Active || says(printer, "mode", false) {
        items.push(Item::name("mode", Doc::Spelled(node.mode.name().into())));
    }
    if !node.from.is_empty() || says(printer, "from", true) {
        let sources = braces(&node.from, |source| match source {
            Source::One(link) => quoted(&link.to_string()),
            Source::Many(links) => list(links.iter().map(|link| quoted(&link.to_string()))),
        });
        items.push(Item::name("from", sources));
    }
    if !node.with.is_empty() || says(printer, "with", true) {
        items.push(Item::name("with", braces(&node.with, Doc::Lit)));
    }
    items.extend(unknown(&node.unknown, &["type", "graph", "title", "version", "mode", "from", "with"]));
    printer.leave(len);
    Doc::Group(Brackets::ROUND, items)
}

fn lock<'a>(printer: &mut Printer<'a>, lock: &'a Lock) -> Doc<'a> {
    let len = printer.enter(ItemKey::Name("lock"));
    let mut items = Vec::new();
    if !lock.engine.is_empty() || says(printer, "engine", false) {
        items.push(Item::name("engine", Doc::Text(&lock.engine)));
    }
    if !lock.nodes.is_empty() || says(printer, "nodes", true) {
        items.push(Item::name("nodes", braces(&lock.nodes, |version| spelled(version.to_string()))));
    }
    if !lock.files.is_empty() || says(printer, "files", true) {
        items.push(Item::name("files", braces(&lock.files, |hash| Doc::Text(hash))));
    }
    items.extend(unknown(&lock.unknown, &["engine", "nodes", "files"]));
    printer.leave(len);
    Doc::Group(Brackets::ROUND, items)
}

/// Fields kept from elsewhere; one that would be read as a known field, or twice, cannot be written.
fn unknown<'a>(fields: &'a [(String, Lit)], known: &[&str]) -> Vec<Item<'a>> {
    let mut seen = std::collections::BTreeSet::new();
    let fresh =
        fields.iter().filter(|(name, _)| !known.contains(&name.as_str()) && seen.insert(name.as_str()));
    fresh.map(|(name, value)| Item::name(name, Doc::Lit(value))).collect()
}

/// Whether there is a comment at a field of what the printer stands at; within its brackets, for a `map`.
fn says(printer: &mut Printer<'_>, field: &str, map: bool) -> bool {
    if printer.comments.is_empty() {
        return false;
    }
    let len = printer.enter(ItemKey::Name(field));
    let says = printer.notes().is_some_and(|notes| {
        let inside = notes.inside.iter().filter(|_| map);
        notes.before.iter().chain(&notes.after).chain(inside).any(|comment| !comment.is_empty())
    });
    printer.leave(len);
    says
}

fn braces<'a, T>(entries: &'a IndexMap<String, T>, doc: impl Fn(&'a T) -> Doc<'a>) -> Doc<'a> {
    let items = entries.iter().map(|(name, entry)| Item::text(name, doc(entry)));
    Doc::Group(Brackets::BRACES, items.collect())
}

fn list<'a>(docs: impl Iterator<Item = Doc<'a>>) -> Doc<'a> {
    Doc::Group(Brackets::SQUARE, docs.enumerate().map(|(index, doc)| Item::index(index, doc)).collect())
}

fn spelled<'a>(text: impl Into<Cow<'a, str>>) -> Doc<'a> {
    Doc::Spelled(text.into())
}

fn quoted<'a>(text: &str) -> Doc<'a> {
    let mut out = String::with_capacity(text.len() + 2);
    // Writing to a string cannot fail.
    let _ = text::write_quoted(&mut out, text);
    spelled(out)
}
