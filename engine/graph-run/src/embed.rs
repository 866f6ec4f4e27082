//! The templates, which travel inside the program.

use crate::args::{ListArgs, NewArgs};
use crate::fail::Fail;
use crate::{fmt, say, table};
use kiln_core::document::Graph;
use kiln_core::words;
use serde_json::json;
use std::path::PathBuf;

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        /// Every template: name and text.
        pub const TEMPLATES: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../graphs/", $name, ".ron")))),*
        ];
    };
}
templates!(
    "character-collection",
    "character-sheet",
    "contact-sheet",
    "folder-sheet",
    "framed-paper",
    "image-to-image",
    "inpaint",
    "layered-collection",
    "lora-mix",
    "mask-composite",
    "palette-poster",
    "photo-grade",
    "prompt-variations",
    "sdxl-refiner",
    "studio-cut-out",
    "style-grid",
    "text-to-character",
    "text-to-image",
    "traits-to-prompts",
    "two-pass",
    "upscale-and-cut-out",
    "upscale-photo"
);

/// A template's text.
pub fn find(name: &str) -> Option<&'static str> {
    TEMPLATES.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// Lists the templates.
///
/// # Errors
/// None: a template that cannot be read is listed by its name.
pub fn list(args: &ListArgs) -> Result<u8, Fail> {
    let read = |text: &str| Graph::parse(text).unwrap_or_default();
    if args.json {
        let all: serde_json::Value = TEMPLATES
            .iter()
            .map(|(name, text)| {
                let graph = read(text);
                json!({ "name": name, "title": graph.title, "about": graph.about, "exposes": graph.expose.keys().collect::<Vec<_>>() })
            })
            .collect();
        say::json(&all);
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = TEMPLATES
        .iter()
        .map(|(name, text)| {
            let graph = read(text);
            vec![(*name).to_owned(), graph.about.split_whitespace().collect::<Vec<_>>().join(" ")]
        })
        .collect();
    say::out(&table::lines(&["template", "about"], &rows, &[]));
    say::out("\ngraph-run new TEMPLATE writes one to begin with");
    Ok(0)
}

/// Writes a template to a file.
///
/// # Errors
/// When there is no such template, or a file is in the way.
pub fn new(args: &NewArgs) -> Result<u8, Fail> {
    let name = args.template.trim_end_matches(".ron");
    let Some(text) = find(name) else {
        let names: Vec<&str> = TEMPLATES.iter().map(|(n, _)| *n).collect();
        let hint = match words::nearest(name, &names) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are {}", words::list(&names)),
        };
        return Err(Fail::wrong(format!("there is no template {name:?}"), Some(&hint)));
    };
    let mut path = args.path.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.ron")));
    if path.is_dir() {
        path.push(format!("{name}.ron"));
    }
    if path.exists() && !args.overwrite {
        return Err(Fail::wrong(
            format!("{} is there already", path.display()),
            Some("choose another name, or replace it with --overwrite"),
        ));
    }
    fmt::write(&path, text).map_err(|e| Fail::Wrong(e.to_string()))?;
    let graph = Graph::parse(text).unwrap_or_default();
    let over = if text.contains("{item") { " --items 0..12" } else { "" };
    say::out(&format!("{}: {}\nrun it: graph-run {}{over}", path.display(), graph.title, path.display()));
    Ok(0)
}
