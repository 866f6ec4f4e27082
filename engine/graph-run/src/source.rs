//! Where a graph comes from: a `.ron` file, a workflow in ComfyUI's API format, a picture that carries either, or the
//! standard input.

use crate::args::Cli;
use crate::fail::{Fail, worded};
use crate::say;
use clap::CommandFactory;
use kiln_core::document::Graph;
use kiln_core::words;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

/// No graph has a longer text, and no picture with one is larger.
const MAX_BYTES: u64 = 1 << 30;

/// A graph and where it came from.
pub struct Source {
    /// The graph.
    pub graph: Graph,
    /// What to call it in messages.
    pub name: String,
    /// Where its relative paths start.
    pub base: PathBuf,
    /// It travelled in a picture.
    pub picture: bool,
    /// The text as it was read.
    pub text: String,
    /// Translated from another program's format: what was left out, and what is not quite the same.
    pub foreign: Option<Vec<kiln_dialect::Note>>,
}

/// Reads a graph.
///
/// # Errors
/// When there is none at that place, or it cannot be read: every problem, with its line.
pub fn read(path: &Path) -> Result<Source, Fail> {
    let name = path.display().to_string();
    let (bytes, base) = if name == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(MAX_BYTES).read_to_end(&mut bytes);
        read.map_err(|e| Fail::wrong(format!("the standard input cannot be read: {e}"), None))?;
        (bytes, PathBuf::from("."))
    } else {
        let base = match path.parent() {
            Some(p) if !p.as_os_str().is_empty() => p.to_owned(),
            _ => PathBuf::from("."),
        };
        (bytes_of(path)?, base)
    };
    let picture = kiln_codec::sniff(&bytes).is_ok();
    let text = if picture {
        match kiln_codec::read_text(&bytes, "kiln") {
            Ok(Some(text)) => text,
            Ok(None) if let Some(text) = workflow_of(&bytes) => text,
            Ok(None) => {
                return Err(Fail::wrong(
                    format!("{name}: this picture carries no graph"),
                    Some(
                        "pictures saved by Kiln do, unless that was turned off or another program saved them since",
                    ),
                ));
            }
            Err(e) => return Err(Fail::wrong(format!("{name}: {e}"), None)),
        }
    } else {
        String::from_utf8(bytes).map_err(|_| {
            Fail::wrong(
                format!("{name}: this is neither a graph nor a picture"),
                Some("a graph is a .ron text or a ComfyUI workflow in JSON; png, jpeg and webp pictures made by Kiln carry theirs"),
            )
        })?
    };
    let (graph, foreign) = if kiln_dialect::is_foreign(&text) {
        let made = translate(&name, &text)?;
        (made.graph, Some(made.notes))
    } else {
        (parse(&name, &text)?, None)
    };
    Ok(Source { graph, name, base, picture, text, foreign })
}

impl Source {
    /// Tells what a translation left out.
    pub fn tell_notes(&self) {
        for note in self.foreign.iter().flatten() {
            say::err(&format!("{}: note: {note}", self.name));
        }
    }

    /// Refuses to change a file that is another program's.
    ///
    /// # Errors
    /// When it is.
    pub fn is_ours(&self) -> Result<(), Fail> {
        if self.foreign.is_none() {
            return Ok(());
        }
        let name = &self.name;
        Err(Fail::wrong(
            format!("{name} is a ComfyUI workflow, and stays as it is"),
            Some(&format!("graph-run convert {name} -o GRAPH.ron makes a graph of it")),
        ))
    }
}

/// The workflow in a picture that ComfyUI saved.
fn workflow_of(picture: &[u8]) -> Option<String> {
    kiln_codec::read_text(picture, "prompt").ok().flatten().filter(|text| kiln_dialect::is_foreign(text))
}

/// Translates a workflow; its problems are told with the file's name.
fn translate(name: &str, text: &str) -> Result<kiln_dialect::Translated, Fail> {
    kiln_dialect::read(text, name, &kiln_nodes::registry()).map_err(|problems| {
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Fail::Wrong(format!("{}\n{}", all.join("\n"), counted(all.len())))
    })
}

/// Reads a graph's text; its problems are told with the file's name.
///
/// # Errors
/// With every problem.
pub fn parse(name: &str, text: &str) -> Result<Graph, Fail> {
    Graph::parse(text).map_err(|problems| {
        let all: Vec<String> = problems.0.iter().map(|p| format!("{name}:{p}")).collect();
        Fail::Wrong(format!("{}\n{}", all.join("\n"), counted(all.len())))
    })
}

/// `1 problem`, `3 problems`.
pub fn counted(n: usize) -> String {
    if n == 1 { "1 problem".to_owned() } else { format!("{n} problems") }
}

/// A problem found in checking, with the file's name and the place in front, as editors understand it.
pub fn placed(name: &str, problem: &kiln_core::Problem) -> String {
    let text = problem.to_string();
    match problem.place {
        Some((line, column)) => {
            let here = format!(" at {line}:{column}");
            format!("{name}:{line}:{column}: {}", text.replacen(&here, "", 1))
        }
        None => format!("{name}: {text}"),
    }
}

/// A file's bytes, if it is a file of a reasonable size.
fn bytes_of(path: &Path) -> Result<Vec<u8>, Fail> {
    let shown = path.display();
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(missing(path)),
        Err(e) => return Err(Fail::wrong(format!("{shown} cannot be read: {e}"), None)),
    };
    if meta.is_dir() {
        return Err(Fail::wrong(format!("{shown} is a folder"), Some("name a graph in it, a .ron file")));
    }
    if meta.len() > MAX_BYTES {
        return Err(Fail::wrong(
            format!("{shown} has {}: too much for a graph", words::bytes(meta.len())),
            None,
        ));
    }
    std::fs::read(path).map_err(|e| Fail::wrong(format!("{shown} cannot be read: {e}"), None))
}

fn missing(path: &Path) -> Fail {
    let shown = path.display();
    let what = format!("there is no file {shown}");
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    if let Some(hint) = slip_of_command(Some(&path.as_os_str().to_owned())) {
        return Fail::Wrong(format!("{}\n{hint}", worded(&what, None)));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let near = std::fs::read_dir(folder).ok().and_then(|entries| {
        words::nearest(name, entries.take(10_000).filter_map(|e| e.ok()?.file_name().into_string().ok()))
    });
    if let Some(near) = near {
        return Fail::wrong(what, Some(&format!("did you mean {}?", folder.join(near).display())));
    }
    let template = name.trim_end_matches(".ron");
    if crate::embed::find(template).is_some() {
        return Fail::wrong(
            what,
            Some(&format!("there is a template of that name: graph-run new {template}")),
        );
    }
    let hint = if folder.is_dir() {
        "graph-run new framed-paper writes a graph to begin with"
    } else {
        "there is no such folder either"
    };
    Fail::wrong(what, Some(hint))
}

/// What to say when a word in the place of a graph looks like a mistyped command.
pub fn slip_of_command(word: Option<&OsString>) -> Option<String> {
    let word = word?.to_str()?;
    if word.starts_with('-') || word.contains(['.', '/', '\\']) || Path::new(word).exists() {
        return None;
    }
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    if names.contains(&word) {
        return None;
    }
    let near = words::nearest(word, names)?;
    Some(format!("    did you mean the command `graph-run {near}`?"))
}
