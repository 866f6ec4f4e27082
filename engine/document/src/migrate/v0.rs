//! From version 0, the draft, to version 1: nodes were a list, links a table of their own.
//!
//! `name` becomes `title`; `nodes: [(id: "paper", kind: "NoiseImage", params: {...})]` becomes a map by id with
//! `type` and `with`; `links: [("paper", "image", "frame", "image")]` becomes `from` at the node the link leads
//! to. Everything else stays as it is, comments included.

use indexmap::IndexMap;

use crate::{
    Link, Lit, Problem,
    comments::Notes,
    problem::Pos,
    syntax::tree::{Entry, Group, Key, Shape, Tree, Value},
};

/// What feeds the inputs of each node.
type Links = IndexMap<String, IndexMap<String, Vec<(Pos, Link, Option<Box<Notes>>)>>>;

pub(super) fn migrate(graph: &mut Group) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut links = Links::new();
    let mut lost = Vec::new();
    if let Some(index) = position(graph, "links") {
        let mut entry = graph.entries.remove(index);
        if let Some(notes) = entry.notes.take() {
            lost.extend(notes.before.into_iter().chain(notes.after));
        }
        match items(entry.value) {
            Some((entries, inside)) => {
                lost.extend(inside);
                entries
                    .into_iter()
                    .enumerate()
                    .for_each(|(index, entry)| link(index, entry, &mut links, &mut problems));
            }
            None => problems.push(Problem::new(entry.at, "links".into(), "in version 0, `links` is a list")),
        }
    }
    for entry in &mut graph.entries {
        let Key::Name(name) = &mut entry.key else { continue };
        match name.as_str() {
            "kiln" => entry.value = Tree::leaf(entry.value.at, Lit::Int(1)),
            "name" => *name = "title".into(),
            "nodes" => {
                let at = entry.value.at;
                let value = std::mem::replace(&mut entry.value, Tree::leaf(at, Lit::Map(Vec::new())));
                match items(value) {
                    Some((entries, inside)) => {
                        let nodes = entries.into_iter().enumerate();
                        let nodes =
                            nodes.filter_map(|(index, entry)| node(index, entry, &mut links, &mut problems));
                        entry.value = Tree::group(at, Shape::Map, nodes.collect());
                        if let Value::Group(group) = &mut entry.value.value {
                            group.inside = inside;
                        }
                    }
                    None => {
                        problems.push(Problem::new(at, "nodes".into(), "in version 0, `nodes` is a list"));
                    }
                }
            }
            _ => {}
        }
    }
    // What is left leads to no node.
    for (node, inputs) in links {
        for (at, ..) in inputs.into_values().flatten() {
            problems.push(Problem::new(
                at,
                "links".into(),
                format!("this link leads to `{node}`, which is no node"),
            ));
        }
    }
    // Comments about the table of links go where that table went: into the nodes.
    if !lost.is_empty()
        && let Some(index) = position(graph, "nodes")
    {
        graph.entries[index].notes_mut().before.extend(lost);
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn position(group: &Group, field: &str) -> Option<usize> {
    group.entries.iter().position(|entry| matches!(&entry.key, Key::Name(name) if name == field))
}

/// The entries of a list, and the comments at its end.
fn items(tree: Tree) -> Option<(Vec<Entry>, Vec<String>)> {
    match tree.value {
        Value::Leaf(Lit::List(_)) => Some((Vec::new(), Vec::new())),
        Value::Group(group) if group.shape == Shape::List => Some((group.entries, group.inside)),
        _ => None,
    }
}

/// `("paper", "image", "frame", "image")`
fn link(index: usize, mut entry: Entry, links: &mut Links, problems: &mut Vec<Problem>) {
    let mut comments = Vec::new();
    entry.value.drain_comments(&mut comments);
    if !comments.is_empty() {
        entry.notes_mut().before.extend(comments);
    }
    let texts: Vec<String> = match entry.value.value {
        Value::Group(group) if group.shape == Shape::Tuple => {
            let texts = group.entries.into_iter().filter_map(|part| match part.value.value {
                Value::Leaf(Lit::Text(text)) => Some(text),
                _ => None,
            });
            texts.collect()
        }
        _ => Vec::new(),
    };
    match <[String; 4]>::try_from(texts) {
        Ok([from, output, to, input]) => {
            let link = Link::new(from, output);
            links.entry(to).or_default().entry(input).or_default().push((entry.at, link, entry.notes));
        }
        Err(_) => problems.push(
            Problem::new(entry.at, format!("links[{index}]"), "in version 0, a link is four texts")
                .hint("(\"from\", \"output\", \"to\", \"input\")"),
        ),
    }
}

/// `(id: "paper", kind: "NoiseImage", params: {...})`, with the links that lead to it.
fn node(index: usize, mut entry: Entry, links: &mut Links, problems: &mut Vec<Problem>) -> Option<Entry> {
    let at = entry.at;
    let mut problem = |what: &str| problems.push(Problem::new(at, format!("nodes[{index}]"), what));
    let Value::Group(group) = &mut entry.value.value else {
        problem("in version 0, a node is written `(id: \"...\", kind: \"...\")`");
        return None;
    };
    let Some(id) = position(group, "id") else {
        problem("this node has no `id`");
        return None;
    };
    let id = group.entries.remove(id);
    let Value::Leaf(Lit::Text(name)) = id.value.value else {
        problem("the `id` of a node is a text");
        return None;
    };
    for field in &mut group.entries {
        if let Key::Name(name) = &mut field.key {
            match name.as_str() {
                "kind" => *name = "type".into(),
                "params" => *name = "with".into(),
                _ => {}
            }
        }
    }
    if let Some(inputs) = links.shift_remove(&name) {
        let entries = inputs.into_iter().map(|(input, links)| source(input, links)).collect();
        group.entries.push(Entry {
            at,
            key: Key::Name("from".into()),
            value: Tree::group(at, Shape::Map, entries),
            notes: None,
        });
    }
    if let Some(notes) = id.notes {
        entry.notes_mut().before.extend(notes.before.into_iter().chain(notes.after));
    }
    entry.key = Key::Text(name);
    Some(entry)
}

/// One input: a link, or a list of them.
fn source(input: String, links: Vec<(Pos, Link, Option<Box<Notes>>)>) -> Entry {
    let mut items: Vec<Entry> = links
        .into_iter()
        .map(|(at, link, notes)| {
            let value = Tree::leaf(at, Lit::Text(link.to_string()));
            Entry { at, key: Key::None, value, notes }
        })
        .collect();
    let at = items.first().map(|item| item.at).unwrap_or_default();
    match (items.len(), items.pop()) {
        (1, Some(only)) => Entry { key: Key::Text(input), ..only },
        (_, last) => {
            items.extend(last);
            Entry { at, key: Key::Text(input), value: Tree::group(at, Shape::List, items), notes: None }
        }
    }
}
