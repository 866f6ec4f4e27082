//! Latents into files, and back.

use crate::latent::file::{from_file, to_bytes};
use crate::values::{Latent, names, take};
use kiln_core::template::{fill, places};
use kiln_core::{Cx, Doubt, Effect, Given, Node, NodeError, Param};
use kiln_types::Value;
use kiln_weights::WeightFile;
use std::collections::BTreeMap;

/// The nodes of this file.
pub(super) fn nodes() -> Vec<Node> {
    vec![save_latent(), load_latent()]
}

/// The key under which a graph stands in a latent's file.
const GRAPH_KEY: &str = "kiln";
/// The ending of latents' files.
const ENDING: &str = ".latent";

struct Save;

/// The length and path of an outcome.
fn written(outcome: &[u8]) -> Result<(u64, String), NodeError> {
    let bad = || NodeError::new("the journal's entry of this file cannot be read");
    let text = std::str::from_utf8(outcome).map_err(|_| bad())?;
    let (bytes, path) = text.split_once(' ').ok_or_else(bad)?;
    Ok((bytes.parse().map_err(|_| bad())?, path.to_owned()))
}

/// A filled-in text without what would lead to another folder or is not allowed in names.
fn tame(text: &str) -> String {
    let odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    text.chars().map(|c| if odd(c) { '-' } else { c }).collect()
}

/// The file's name for this item, and this place in a list.
fn name(cx: &Cx<'_>, template: &str) -> Result<String, NodeError> {
    let filled = fill(template, &|place| match place {
        "item" => cx.item().map(|i| i.item.to_string()),
        "window" => cx.window().map(|w| w.to_string()),
        "index" => Some(cx.index().unwrap_or(0).to_string()),
        column => {
            let (_, cell) = cx.item()?.row.iter().find(|(name, _)| name == column)?;
            Some(tame(cell))
        }
    })
    .map_err(|e| e.at("name"))?;
    let stem = filled.strip_suffix(ENDING).unwrap_or(&filled);
    // What the name does not tell apart is counted from 1.
    let numbered = places(template).iter().any(|p| p == "index");
    Ok(match cx.index().filter(|_| !numbered) {
        Some(at) => format!("{stem}-{}{ENDING}", at + 1),
        None => format!("{stem}{ENDING}"),
    })
}

impl Effect for Save {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let latent: Latent = take(cx, "latent")?;
        let path = name(cx, &cx.text("name")?)?;
        let mut notes = BTreeMap::new();
        let graph = if cx.bool("embed")? { cx.graph_text() } else { String::new() };
        if !graph.is_empty() {
            notes.insert(GRAPH_KEY.to_owned(), graph);
        }
        let file = cx.write(&path, &to_bytes(&latent, &notes)?).map_err(|e| e.at("name"))?;
        Ok(format!("{} {}", file.bytes, file.path).into_bytes())
    }

    fn stands(&self, cx: &Cx<'_>, outcome: &[u8]) -> bool {
        let (Ok(out), Ok((bytes, path))) = (cx.out_folder(), written(outcome)) else { return false };
        out.stands(&path, bytes)
    }

    fn outputs(&self, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        Ok(vec![("file", Value::text(written(outcome)?.1))])
    }
}

/// What is wrong with the name, before anything runs.
fn check(given: &Given<'_>) -> Vec<NodeError> {
    let Some(name) = given.text("name") else { return Vec::new() };
    let mut found = Vec::new();
    let stem = name.strip_suffix(ENDING).unwrap_or(&name);
    if stem.trim().is_empty() || stem.ends_with('/') {
        let wrong = NodeError::new(format!("{name:?} is not a file's name")).at("name");
        found.push(wrong.hint("write a name: \"latent\""));
    }
    if let Err(e) = fill(&name, &|_| Some("0".to_owned())) {
        found.push(e.at("name"));
    }
    found
}

/// SaveLatent.
fn save_latent() -> Node {
    Node::effect("SaveLatent", 1, Doubt::IdempotentByKey, Save)
        .title("Save latent")
        .category("latent/files")
        .doc(
            "Writes a latent, or a whole batch, into one file of the output folder, as exact as it is: to go on with it \
             later, or in ComfyUI, which reads these files too. Whole or not at all, and only once.",
        )
        .writes_files()
        .input("latent", names::LATENT, "The latent, or a batch of them.")
        .input_was(&["samples"])
        .param(Param::text("name", "latent").was(&["filename_prefix"]).doc(
            "The file's name; \".latent\" is added; folders with \"/\". {item} is the item's number ({item:05} with \
             zeros), {name} the column of that name in the table, {index} the place in a list from 0, {window} the \
             window's number. What a list without {index} holds gets \"-1\", \"-2\", \"-3\".",
        ))
        .param(Param::bool("embed", true).doc("Put the graph into the file."))
        .output("file", kiln_types::names::TEXT, "The path of the file, relative to the output folder.")
        .uses_item(|given| {
            let own = |place: &String| !matches!(place.as_str(), "index" | "window");
            given.text("name").is_some_and(|name| places(&name).iter().any(own))
        })
        .check(check)
}

/// LoadLatent.
fn load_latent() -> Node {
    Node::pure("LoadLatent", 1, |cx| {
        let file = cx.file("file")?;
        // Says whether it is still the file that the key names; the numbers are then read where they lie.
        drop(cx.read(&file)?);
        let opened = WeightFile::open(&file.path).map_err(|e| NodeError::new(e).at("file"))?;
        let latent = from_file(&opened).map_err(|e| e.at("file"))?;
        cx.set("latent", latent);
        Ok(())
    })
    .title("Load latent")
    .category("latent/files")
    .doc(
        "A latent from a file that SaveLatent wrote, here or in ComfyUI, with its noise mask and its pictures' numbers \
         where the file has them.",
    )
    .param(Param::file("file").was(&["latent"]).doc("The file, relative to the graph."))
    .output("latent", names::LATENT, "The latent, or a batch of them.")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
    use super::*;

    #[test]
    fn outcomes_can_be_read() {
        assert_eq!(written(b"12 a b.latent").unwrap(), (12, "a b.latent".to_owned()));
        assert!(written(b"nonsense").is_err());
        assert!(written(&[0xff]).is_err());
        assert_eq!(tame("../a:b"), "..-a-b");
    }
}
