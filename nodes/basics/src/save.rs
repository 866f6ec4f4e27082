//! Text into a file.

use crate::places::{Places, needs_item};
use kiln_core::{Cx, Doubt, Effect, Node, NodeError, Param};
use kiln_types::{Value, names};

pub(crate) fn nodes() -> Vec<Node> {
    vec![save_text()]
}

struct SaveText;

fn read(outcome: &[u8]) -> Option<(String, u64)> {
    let outcome: serde_json::Value = serde_json::from_slice(outcome).ok()?;
    Some((outcome.get("path")?.as_str()?.to_owned(), outcome.get("bytes")?.as_u64()?))
}

impl Effect for SaveText {
    fn perform(&self, cx: &mut Cx<'_>) -> Result<Vec<u8>, NodeError> {
        let name = Places::of(cx, &[])?.fill(&cx.text("name")?).map_err(|e| e.at("name"))?;
        let mut text = cx.text("text")?.to_string();
        if cx.bool("end_line")? && !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let written = cx.write(&name, text.as_bytes())?;
        let outcome = serde_json::json!({ "path": written.path, "bytes": written.bytes });
        Ok(outcome.to_string().into_bytes())
    }

    fn stands(&self, cx: &Cx<'_>, outcome: &[u8]) -> bool {
        let Some((path, bytes)) = read(outcome) else { return false };
        cx.out_folder().is_ok_and(|out| out.stands(&path, bytes))
    }

    fn outputs(&self, outcome: &[u8]) -> Result<Vec<(&'static str, Value)>, NodeError> {
        let (path, _) = read(outcome).ok_or_else(|| NodeError::new("the journal's entry cannot be read"))?;
        Ok(vec![("path", Value::from(path.as_str()))])
    }
}

/// Text into a file of the output folder.
fn save_text() -> Node {
    Node::effect("SaveText", 1, Doubt::IdempotentByKey, SaveText)
        .title("Save text")
        .category("file")
        .doc(
            "Writes a text into a file of the output folder. {item} in the name is the item's number, {item:05} with \
             zeros before it, {index} the place in a list, and any other name a column of the item's row.",
        )
        .input("text", names::TEXT, "The text.")
        .param(Param::text("name", "text.txt").doc("The file's name, below the output folder; folders are made."))
        .param(Param::bool("end_line", true).doc("End the file with a line's end."))
        .output("path", names::TEXT, "The file's name, below the output folder.")
        .writes_files()
        .uses_item(|given| needs_item(given, "name", &[]))
}
