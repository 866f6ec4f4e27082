//! Workflows in another house's words: reads ComfyUI API files into graphs.
//!
//! Such a file is a JSON object of nodes: `"5": {"class_type": "KSampler", "inputs": {"steps": 20, "model": ["4",
//! 0]}}`, where `["4", 0]` is the first output of node 4. [`read`] makes a [`Graph`] of it in which nodes keep their
//! ids and titles. What each class becomes is data: `classes.ron`.
//!
//! The way of a file: text → `json` (a tree with places) → `workflow` (nodes, inputs, links) → `unknown` (classes
//! without a counterpart, all at once) → `translate` (the graph, by the `table`). Cycles, ranges and types of links
//! are left to the check every graph goes through before it runs.

mod json;
mod problem;
mod table;
mod translate;
mod unknown;
mod values;
mod workflow;

pub use problem::{DialectProblem, Note};

use kiln_core::Registry;
use kiln_document::Graph;
use problem::Lines;
use table::Table;
use translate::{MOST, Work};
use workflow::Raw;

/// A workflow that has become a graph.
#[derive(Clone, Debug)]
pub struct Translated {
    /// The graph; the nodes have the ids of the workflow.
    pub graph: Graph,
    /// What was left out, and what is not quite the same.
    pub notes: Vec<Note>,
}

/// Whether a text is to be read with [`read`]: it is JSON, as no document of ours is.
#[must_use]
pub fn is_foreign(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '['])
}

/// Reads a workflow in ComfyUI's API format into a graph of this registry's nodes. `file_name` is for messages, and
/// gives the graph its title.
///
/// # Errors
/// With everything that is wrong: where it is no JSON; what is no node; every class without a counterpart, in one
/// problem; every link that leads nowhere; every value that cannot be taken.
pub fn read(text: &str, file_name: &str, registry: &Registry) -> Result<Translated, Vec<DialectProblem>> {
    let mut problems = Vec::new();
    let translated = translated(text, registry, &mut problems);
    match translated {
        Some(mut translated) if problems.is_empty() => {
            translated.graph.title = title(file_name);
            Ok(translated)
        }
        _ => Err(told(text, file_name, problems)),
    }
}

/// Every class that Kiln has a counterpart of, with our node types for it.
///
/// # Errors
/// When the table of this build is broken, which a test rules out.
pub fn classes() -> Result<Vec<(&'static str, Vec<&'static str>)>, String> {
    let ours = |class: &'static table::Class| {
        let first = Some(class.node.as_str()).filter(|ty| !ty.is_empty());
        first.into_iter().chain(class.then.iter().map(|t| t.node.as_str())).collect()
    };
    Ok(Table::get()?.iter().map(|class| (class.class.as_str(), ours(class))).collect())
}

fn translated(text: &str, registry: &Registry, problems: &mut Vec<Raw>) -> Option<Translated> {
    let table = Table::get()
        .map_err(|e| {
            problems.push(Raw::new(0, format!("the table of classes is broken: {e}"), "report this"));
        })
        .ok()?;
    let json =
        json::parse(text).map_err(|slip| problems.push(Raw::new(slip.at, slip.what, slip.hint))).ok()?;
    let workflow = workflow::read(&json, problems)?;
    problems.extend(unknown::find(&workflow, table, registry));
    let mut work = Work::new(&workflow, table, registry);
    work.all();
    problems.append(&mut work.problems);
    if problems.is_empty() && work.graph.nodes.is_empty() {
        problems.push(Raw::new(json.at, "nothing of it is a node here", "add nodes that make something"));
    }
    Some(Translated { graph: work.graph, notes: work.notes })
}

fn told(text: &str, file: &str, mut raw: Vec<Raw>) -> Vec<DialectProblem> {
    raw.sort_by_key(|raw| raw.at);
    let more = raw.len().saturating_sub(MOST);
    raw.truncate(MOST);
    let last = raw.iter().map(|raw| raw.at as usize).max().unwrap_or(0);
    let lines = Lines::new(text.get(..last).unwrap_or(text));
    let mut all: Vec<DialectProblem> = raw
        .into_iter()
        .map(|raw| DialectProblem {
            file: file.to_owned(),
            place: Some(lines.place(raw.at)),
            node: raw.node,
            class: raw.class,
            input: raw.input,
            what: raw.what,
            hint: raw.hint,
        })
        .collect();
    if more > 0 {
        let what = format!("and {more} more problems");
        all.push(DialectProblem { file: file.to_owned(), what, ..DialectProblem::default() });
    }
    all
}

/// The file's name without folders and ending.
fn title(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem });
    if stem == "-" { String::new() } else { stem.to_owned() }
}
