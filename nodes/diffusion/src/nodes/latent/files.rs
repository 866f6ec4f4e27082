//! Latents into files, and back.

use crate::latent::file::{from_file, to_bytes};
use crate::nodes::saved::{check_name, file_name, names_items, outcome, remembered, still_there};
use crate::values::{Latent, names, take};
use kiln_core::{Cx, Doubt, Effect, Node, NodeError, Param};
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

impl Effect for Save {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let latent: Latent = take(cx, "latent")?;
        let path = file_name(cx, &cx.text("name")?, ENDING)?;
        let mut notes = BTreeMap::new();
        let graph = if cx.bool("embed")? { cx.graph_text() } else { String::new() };
        if !graph.is_empty() {
            notes.insert(GRAPH_KEY.to_owned(), graph);
        }
        let file = cx.write(&path, &to_bytes(&latent, &notes)?).map_err(|e| e.at("name"))?;
        Ok(outcome(&file))
    }

    fn stands(&self, cx: &Cx<'_>, outcome: &[u8]) -> bool {
        still_there(cx, outcome)
    }

    fn outputs(&self, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        Ok(vec![("file", Value::text(remembered(outcome)?.1))])
    }
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
        .uses_item(names_items)
        .check(check_name)
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
