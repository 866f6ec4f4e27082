//! The smallest changes to a document, each of which knows its way back.
//!
//! Applying an edit gives the edit that undoes it. So a list of them, run backwards, is all that undo needs: its
//! memory grows with what changed, not with the document.

use super::view::{Group, Note, Spot, View};
use indexmap::IndexMap;
use kiln_core::document::{Graph, Link, Lit, Mode, Node, Notes, ParamRef, Source};

/// A place in a map and what stands there; `None` takes it away.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<T> {
    /// Under which name.
    pub key: String,
    /// At which place in the order, where it is not there yet. Beyond the end means at the end.
    pub at: usize,
    /// What.
    pub value: Option<T>,
}

impl<T> Entry<T> {
    /// Sets it, at the end if it is new.
    pub fn set(key: impl Into<String>, value: T) -> Self {
        Self { key: key.into(), at: usize::MAX, value: Some(value) }
    }

    /// Takes it away.
    pub fn gone(key: impl Into<String>) -> Self {
        Self { key: key.into(), at: usize::MAX, value: None }
    }
}

/// One small change of a graph. Names that are not there make it do nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// A node, without what links to it.
    Node(Box<Entry<Node>>),
    /// A node's name, without what refers to it.
    Name {
        /// Which node, by its place.
        index: usize,
        /// Its name from now on.
        name: String,
    },
    /// A parameter of a node.
    Param {
        /// The node.
        node: String,
        /// The parameter.
        entry: Entry<Lit>,
    },
    /// What feeds an input of a node.
    Link {
        /// The node.
        node: String,
        /// The input.
        entry: Entry<Source>,
    },
    /// What people call a node.
    Title {
        /// The node.
        node: String,
        /// Its title.
        title: Option<String>,
    },
    /// Whether a node takes part.
    Mode {
        /// The node.
        node: String,
        /// Whether.
        mode: Mode,
    },
    /// A node's type, with the version it was written for and the definition it stands for.
    Type {
        /// The node.
        node: String,
        /// The type.
        ty: String,
        /// The version.
        version: Option<u32>,
        /// The definition of a subgraph.
        graph: Option<String>,
    },
    /// The graph's title.
    GraphTitle(String),
    /// The graph's description.
    About(String),
    /// A parameter shown to the outside.
    Expose(Entry<Vec<ParamRef>>),
    /// An input of the subgraph itself.
    Input(Entry<String>),
    /// An output of the subgraph itself.
    Output(Entry<Link>),
    /// A definition of a subgraph, with its canvas section.
    Definition(Box<Entry<Graph>>),
    /// The comments of an entry.
    Comment {
        /// The entry's path.
        path: String,
        /// Its comments.
        notes: Option<Notes>,
    },
    /// Where a node is.
    Position(Entry<Spot>),
    /// How wide a node is.
    Width(Entry<f64>),
    /// Whether a node is folded.
    Collapsed(Entry<()>),
    /// A frame.
    Group(Entry<Group>),
    /// A note.
    Note(Entry<Note>),
    /// The points a wire goes through.
    Reroute(Entry<Vec<Spot>>),
}

/// How much has to be looked at anew after an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Touched {
    /// Where things lie.
    Layout,
    /// Parameters and titles.
    Values,
    /// Nodes and links.
    Structure,
}

impl Edit {
    /// How much has to be looked at anew after it.
    #[must_use]
    pub fn touches(&self) -> Touched {
        match self {
            Self::Position(_)
            | Self::Width(_)
            | Self::Collapsed(_)
            | Self::Group(_)
            | Self::Note(_)
            | Self::Reroute(_)
            | Self::Comment { .. } => Touched::Layout,
            Self::Param { .. } | Self::Title { .. } | Self::GraphTitle(_) | Self::About(_) => Touched::Values,
            _ => Touched::Structure,
        }
    }

    /// Whether two edits set the same thing, so that undoing the first of them undoes both.
    #[must_use]
    pub fn same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Param { node: a, entry: x }, Self::Param { node: b, entry: y }) => {
                a == b && x.key == y.key
            }
            (Self::Position(a), Self::Position(b)) => a.key == b.key,
            (Self::Width(a), Self::Width(b)) => a.key == b.key,
            (Self::Group(a), Self::Group(b)) => a.key == b.key,
            (Self::Note(a), Self::Note(b)) => a.key == b.key,
            (Self::Reroute(a), Self::Reroute(b)) => a.key == b.key,
            (Self::Title { node: a, .. }, Self::Title { node: b, .. }) => a == b,
            (Self::GraphTitle(_), Self::GraphTitle(_)) | (Self::About(_), Self::About(_)) => true,
            _ => false,
        }
    }

    /// Makes the change; gives the edit that takes it back, or nothing if there was nothing to change.
    pub(super) fn apply(self, graph: &mut Graph, view: &mut View) -> Option<Self> {
        Some(match self {
            Self::Node(entry) => Self::Node(Box::new(put(&mut graph.nodes, *entry)?)),
            Self::Name { index, name } => {
                if graph.nodes.contains_key(&name) {
                    return None;
                }
                let old = graph.nodes.replace_index(index, name).ok()?;
                Self::Name { index, name: old }
            }
            Self::Param { node, entry } => {
                let back = put(&mut graph.nodes.get_mut(&node)?.with, entry)?;
                Self::Param { node, entry: back }
            }
            Self::Link { node, entry } => {
                let back = put(&mut graph.nodes.get_mut(&node)?.from, entry)?;
                Self::Link { node, entry: back }
            }
            Self::Title { node, title } => {
                let title = std::mem::replace(&mut graph.nodes.get_mut(&node)?.title, title);
                Self::Title { node, title }
            }
            Self::Mode { node, mode } => {
                let mode = std::mem::replace(&mut graph.nodes.get_mut(&node)?.mode, mode);
                Self::Mode { node, mode }
            }
            Self::Type { node, ty, version, graph: definition } => {
                let it = graph.nodes.get_mut(&node)?;
                let ty = std::mem::replace(&mut it.ty, ty);
                let version = std::mem::replace(&mut it.version, version);
                let graph = std::mem::replace(&mut it.graph, definition);
                Self::Type { node, ty, version, graph }
            }
            Self::GraphTitle(text) => Self::GraphTitle(std::mem::replace(&mut graph.title, text)),
            Self::About(text) => Self::About(std::mem::replace(&mut graph.about, text)),
            Self::Expose(entry) => Self::Expose(put(&mut graph.expose, entry)?),
            Self::Input(entry) => Self::Input(put(&mut graph.inputs, entry)?),
            Self::Output(entry) => Self::Output(put(&mut graph.outputs, entry)?),
            Self::Definition(entry) => Self::Definition(Box::new(put(&mut graph.graphs, *entry)?)),
            Self::Comment { path, notes } => {
                let old = graph.comments.get(&path).cloned();
                if old.is_none() && notes.is_none() {
                    return None;
                }
                graph.comments.set(path.clone(), notes.unwrap_or_default());
                Self::Comment { path, notes: old }
            }
            Self::Position(entry) => Self::Position(put(&mut view.positions, entry)?),
            Self::Width(entry) => Self::Width(put(&mut view.widths, entry)?),
            Self::Collapsed(entry) => Self::Collapsed(put(&mut view.collapsed, entry)?),
            Self::Group(entry) => Self::Group(put(&mut view.groups, entry)?),
            Self::Note(entry) => Self::Note(put(&mut view.notes, entry)?),
            Self::Reroute(entry) => Self::Reroute(put(&mut view.reroutes, entry)?),
        })
    }
}

/// Sets, replaces or removes; gives the entry that was there before.
fn put<T>(map: &mut IndexMap<String, T>, entry: Entry<T>) -> Option<Entry<T>> {
    let Entry { key, at, value } = entry;
    match value {
        Some(value) => {
            if let Some(there) = map.get_mut(&key) {
                let old = std::mem::replace(there, value);
                return Some(Entry { key, at: usize::MAX, value: Some(old) });
            }
            let at = at.min(map.len());
            map.shift_insert(at, key.clone(), value);
            Some(Entry { key, at, value: None })
        }
        None => {
            let (at, _, old) = map.shift_remove_full(&key)?;
            Some(Entry { key, at, value: Some(old) })
        }
    }
}
