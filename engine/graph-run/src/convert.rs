//! `convert`: a ComfyUI workflow as a graph of ours.

use crate::args::ConvertArgs;
use crate::fail::Fail;
use crate::source::{self, Source};
use crate::{fmt, say};
use kiln_core::document::{Graph, path};
use std::path::Path;

/// Writes the graph, with a comment for each note of the translation.
///
/// # Errors
/// When there is no workflow at that place, it cannot be translated, or the graph cannot be written.
pub fn run(args: &ConvertArgs) -> Result<u8, Fail> {
    let source = source::read(&args.workflow)?;
    if source.foreign.is_none() {
        return Err(Fail::wrong(
            format!("{} is a graph already", source.name),
            Some("convert takes workflows in ComfyUI's API format"),
        ));
    }
    let text = commented(&source).to_text();
    let path = match &args.output {
        Some(path) if path != Path::new("-") => path,
        _ => {
            say::out(text.trim_end_matches('\n'));
            return Ok(0);
        }
    };
    if path.exists() && !args.overwrite {
        return Err(Fail::wrong(
            format!("{} is there already", path.display()),
            Some("choose another name, or replace it with --overwrite"),
        ));
    }
    fmt::write(path, &text)?;
    let nodes = source.graph.nodes.len();
    let notes = source.foreign.as_ref().map_or(0, Vec::len);
    let told = match notes {
        0 => String::new(),
        1 => ", 1 comment on what is not quite the same".to_owned(),
        n => format!(", {n} comments on what is not quite the same"),
    };
    say::out(&format!("{}: {nodes} nodes{told}", path.display()));
    Ok(0)
}

/// The graph with the notes of the translation as comments where they belong.
fn commented(source: &Source) -> Graph {
    let mut graph = source.graph.clone();
    for note in source.foreign.iter().flatten() {
        let place = note.node.as_deref().map(path::node).unwrap_or_default();
        let mut notes = graph.comments.get(&place).cloned().unwrap_or_default();
        // A comment is one line, whatever stood in the workflow.
        notes.before.push(format!("// {}", note.what.replace(['\n', '\r'], " ")));
        graph.comments.set(place, notes);
    }
    graph
}
