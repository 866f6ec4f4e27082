//! The document as data: a graph, its nodes, its lock.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::{Comments, Link, Lit, ParamRef, Source, place::Places};

/// The version of the document format that this crate writes.
pub const CURRENT_VERSION: u32 = 1;

/// A graph: a whole document, or the definition of a subgraph within one.
///
/// Two graphs are equal when they say the same, comments included; where things stood in the text and which
/// version it was written in do not count. [`Graph::semantic_eq`] looks at the meaning alone.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// What people call it.
    pub title: String,
    /// What it is for, in a few words.
    pub about: String,
    /// Parameters shown to the outside: a name, and the parameters it sets.
    pub expose: IndexMap<String, Vec<ParamRef>>,
    /// In a subgraph: its input ports, each with the text of its type.
    pub inputs: IndexMap<String, String>,
    /// In a subgraph: its output ports, each with the link that feeds it.
    pub outputs: IndexMap<String, Link>,
    /// The nodes by name. The order is kept, and means nothing.
    pub nodes: IndexMap<String, Node>,
    /// Definitions of subgraphs by name.
    pub graphs: IndexMap<String, Graph>,
    /// What the graph was last run with, so that a later run can tell what changed.
    pub lock: Option<Lock>,
    /// Positions, groups, notes: whatever the canvas keeps. No meaning to anybody else.
    pub canvas: Option<Lit>,
    /// Fields this version does not know, kept and written back.
    pub unknown: Vec<(String, Lit)>,
    /// Comments by the path of the entry they belong to.
    pub comments: Comments,
    /// The older document version this graph was read from, if it was.
    pub migrated_from: Option<u32>,
    pub(crate) places: Arc<Places>,
}

/// One node: its type, where its inputs come from, and its parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// The node type's name.
    pub ty: String,
    /// For a node of type `Subgraph`: the name of its definition.
    pub graph: Option<String>,
    /// What people call this node; its name if absent.
    pub title: Option<String>,
    /// The version of the node type it was written for.
    pub version: Option<u32>,
    /// Whether it takes part.
    pub mode: Mode,
    /// What feeds each input.
    pub from: IndexMap<String, Source>,
    /// The parameters that are not left at their defaults.
    pub with: IndexMap<String, Lit>,
    /// Fields this version does not know, kept and written back.
    pub unknown: Vec<(String, Lit)>,
}

/// Whether a node takes part in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It runs.
    #[default]
    Active,
    /// It does not run, nor does what needs it.
    Muted,
    /// It does not run; its input goes through to its output.
    Bypassed,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Active, Self::Muted, Self::Bypassed];

    /// The word in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Muted => "Muted",
            Self::Bypassed => "Bypassed",
        }
    }
}

/// What a graph was run with: the engine, the version of each node type, the hash of each file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    /// The engine's version.
    pub engine: String,
    /// The version of each node type.
    pub nodes: IndexMap<String, u32>,
    /// The hash of each file, in hex.
    pub files: IndexMap<String, String>,
    /// Fields this version does not know, kept and written back.
    pub unknown: Vec<(String, Lit)>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the entry at `path` began in the text it was read from: (line, column), counted from 1.
    ///
    /// Paths are those of [`Problem::path`](crate::Problem::path), such as `nodes."frame".with."size"`;
    /// [`crate::path`] builds them. A path that was not in the text, for instance a parameter left at its
    /// default, is answered with the nearest thing around it that was. `None`: the graph was not read from a
    /// text, or nothing around the path was in it.
    pub fn place(&self, path: &str) -> Option<(usize, usize)> {
        self.places.nearest(self, path)
    }
}

impl PartialEq for Graph {
    fn eq(&self, other: &Self) -> bool {
        self.title == other.title
            && self.about == other.about
            && self.expose == other.expose
            && self.inputs == other.inputs
            && self.outputs == other.outputs
            && self.nodes == other.nodes
            && self.graphs == other.graphs
            && self.lock == other.lock
            && self.canvas == other.canvas
            && self.unknown == other.unknown
            && self.comments == other.comments
    }
}

impl Node {
    /// A node of a type, with nothing else said.
    pub fn new(ty: impl Into<String>) -> Self {
        Self { ty: ty.into(), ..Self::default() }
    }
}
