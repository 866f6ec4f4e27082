//! From the tree to the graph. Every problem is told, not only the first.

mod fields;
mod reader;

use std::sync::Arc;

use crate::{
    CURRENT_VERSION, Graph, Lock, Mode, Node, Problem, Problems, Source,
    comments::Notes,
    migrate,
    problem::Pos,
    syntax::{MAX_PROBLEMS, parse_document, tree::Tree},
};
use reader::{Here, Reader};

/// How many nodes a document may hold, those of subgraphs included.
const MAX_NODES: usize = 1_000_000;

impl Graph {
    /// Reads a document. Older versions are migrated; [`Graph::migrated_from`] says from which.
    ///
    /// # Errors
    /// Everything that is wrong with the text: after a slip in the syntax reading stops (but for a missing
    /// comma); what is wrong with the structure is told all at once.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        let parsed = parse_document(text)?;
        let (tree, migrated_from) = migrate::to_current(parsed.tree)?;
        let mut tally = Tally::default();
        let mut graph = read_graph(tree, parsed.notes, "", &mut tally);
        let mut problems = tally.problems;
        if problems.is_empty() {
            graph.migrated_from = migrated_from;
            return Ok(graph);
        }
        problems.sort_by_key(|problem| (problem.line, problem.column));
        Err(Problems(problems))
    }

    /// [`Graph::parse`] for the bytes of a file.
    ///
    /// # Errors
    /// As [`Graph::parse`]; bytes that are not UTF-8 are a problem too.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, Problems> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(text),
            Err(error) => {
                let before = &bytes[..error.valid_up_to()];
                let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
                let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                let column = before[start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count() + 1;
                let at = Pos { line: line as u32, column: column as u32 };
                let problem = Problem::new(at, String::new(), "the file is not UTF-8 text");
                Err(problem.hint("save it as UTF-8").into())
            }
        }
    }
}

/// What is counted over the whole document.
#[derive(Default)]
struct Tally {
    problems: Vec<Problem>,
    nodes: usize,
}

impl Tally {
    fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    fn push(&mut self, problem: Problem) {
        if !self.is_full() {
            self.problems.push(problem);
        }
    }
}

/// Reads a document or a subgraph's definition; `outer` is the path to it, empty for the document itself.
fn read_graph(tree: Tree, notes: Notes, outer: &str, tally: &mut Tally) -> Graph {
    let mut graph = Graph::new();
    let mut reader = Reader::new(outer, tally);
    let root = Here::ROOT;
    reader.places.put(root.hash, tree.at);
    reader.note(&root, Some(Box::new(notes)), true);
    reader.fields(&root, tree, "Graph", "a graph is written `Graph(...)`", |reader, here, name, value| {
        read_graph_field(reader, here, name, value, &mut graph);
    });
    graph.comments = reader.comments;
    graph.places = Arc::new(reader.places);
    graph
}

fn read_graph_field(reader: &mut Reader<'_>, here: &Here<'_>, name: String, value: Tree, graph: &mut Graph) {
    match name.as_str() {
        // The document's own was read before the migration; a copy pasted in as a subgraph may bear its own.
        "kiln" => {
            if reader.whole_number(here, &value).is_some_and(|version| version != CURRENT_VERSION) {
                reader.problem(
                    here,
                    value.at,
                    "only the outermost graph says its version",
                    "leave `kiln` out here",
                );
            }
        }
        "title" => graph.title = reader.text(here, value).unwrap_or_default(),
        "about" => graph.about = reader.text(here, value).unwrap_or_default(),
        "expose" => reader.entries(here, value, false, |reader, here, _, value, key| {
            let refs = reader.param_refs(here, value);
            graph.expose.insert(key, refs);
        }),
        "inputs" => reader.entries(here, value, false, |reader, here, _, value, key| {
            let ty = reader.text(here, value).unwrap_or_default();
            graph.inputs.insert(key, ty);
        }),
        "outputs" => reader.entries(here, value, false, |reader, here, _, value, key| {
            if let Some(link) = reader.link(here, &value) {
                graph.outputs.insert(key, link);
            }
        }),
        "nodes" => reader.entries(here, value, true, |reader, here, at, value, key| {
            reader.tally.nodes += 1;
            if reader.tally.nodes == MAX_NODES + 1 {
                reader.problem(here, at, format!("there are more than {MAX_NODES} nodes"), "");
            }
            if key == crate::OWN_INPUT {
                let what = "no node can be called `$`, which stands for the subgraph's own inputs";
                reader.problem(here, at, what, "give it another name");
            }
            let node = read_node(reader, here, value);
            graph.nodes.insert(key, node);
        }),
        "graphs" => reader.entries(here, value, true, |reader, here, _, value, key| {
            let outer = reader.path(here);
            let notes = reader.take_comments(here);
            let child = read_graph(value, notes, &outer, reader.tally);
            graph.graphs.insert(key, child);
        }),
        "lock" => graph.lock = Some(read_lock(reader, here, value)),
        "canvas" => graph.canvas = Some(reader.lit(here, value)),
        _ => {
            let lit = reader.lit(here, value);
            graph.unknown.push((name, lit));
        }
    }
}

fn read_node(reader: &mut Reader<'_>, here: &Here<'_>, tree: Tree) -> Node {
    let mut node = Node::default();
    let mut typed = false;
    let at = tree.at;
    let read = reader.fields(
        here,
        tree,
        "Node",
        "a node is written `(type: \"NoiseImage\", ...)`",
        |reader, here, name, value| match name.as_str() {
            "type" => {
                typed = true;
                node.ty = reader.text(here, value).unwrap_or_default();
            }
            "graph" => node.graph = reader.text(here, value),
            "title" => node.title = reader.text(here, value),
            "version" => node.version = reader.whole_number(here, &value),
            "mode" => node.mode = reader.mode(here, &value),
            "from" => reader.entries(here, value, false, |reader, here, _, value, key| {
                if let Some(source) = read_source(reader, here, value) {
                    node.from.insert(key, source);
                }
            }),
            "with" => reader.entries(here, value, false, |reader, here, _, value, key| {
                let lit = reader.lit(here, value);
                node.with.insert(key, lit);
            }),
            _ => {
                let lit = reader.lit(here, value);
                node.unknown.push((name, lit));
            }
        },
    );
    if read && !typed {
        reader.problem(here, at, "this node has no type", "add `type: \"...\"`");
    }
    node
}

fn read_source(reader: &mut Reader<'_>, here: &Here<'_>, tree: Tree) -> Option<Source> {
    match reader.list_items(here, tree) {
        Ok(items) => {
            let links =
                items.iter().enumerate().filter_map(|(index, item)| reader.link(&here.index(index), item));
            Some(Source::Many(links.collect()))
        }
        Err(tree) => reader.link(here, &tree).map(Source::One),
    }
}

fn read_lock(reader: &mut Reader<'_>, here: &Here<'_>, tree: Tree) -> Lock {
    let mut lock = Lock::default();
    reader.fields(
        here,
        tree,
        "Lock",
        "the lock is written `(engine: \"0.1.0\", ...)`",
        |reader, here, name, value| match name.as_str() {
            "engine" => lock.engine = reader.text(here, value).unwrap_or_default(),
            "nodes" => reader.entries(here, value, false, |reader, here, _, value, key| {
                if let Some(version) = reader.whole_number(here, &value) {
                    lock.nodes.insert(key, version);
                }
            }),
            "files" => reader.entries(here, value, false, |reader, here, _, value, key| {
                if let Some(hash) = reader.text(here, value) {
                    lock.files.insert(key, hash);
                }
            }),
            _ => {
                let lit = reader.lit(here, value);
                lock.unknown.push((name, lit));
            }
        },
    );
    lock
}

impl Mode {
    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}
