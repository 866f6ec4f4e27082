//! Keeping the files of all items as one folder.

use super::content::{Named, named, profile, profile_param, split_name};
use super::effect::{Build, Keep, label, of_one};
use super::place::{Root, with_place};
use crate::error::cid_said;
use crate::proof::{PINNED, Pinned};
use kiln_cid::{Sink, Tree};
use kiln_core::template::fill;
use kiln_core::{Cx, Doubt, Node, NodeError, Param};
use kiln_types::{Value, names};
use serde_json::{Value as Json, json};

struct Folder;

/// One value, or all of a list, as a list.
pub(super) fn each(value: Value) -> Vec<Value> {
    match value {
        Value::List(list) => list.to_vec(),
        one => vec![one],
    }
}

impl Build for Folder {
    fn build(&self, cx: &Cx<'_>, sink: &mut dyn Sink) -> Result<(Vec<Root>, Json), NodeError> {
        let (profile, pattern) = (profile(cx)?, cx.text("names")?);
        let items = cx.items("files")?;
        let mut tree = Tree::default();
        let mut count = 0u64;
        for at in 0..items.len() {
            let item = items.item(at).unwrap_or(at as u64);
            for value in each(items.get(at)?) {
                let file = Named::of(cx, &value, "files")?;
                let own = file.file_name();
                let (name, ending) = split_name(&own);
                let place = |word: &str| match word {
                    "item" => Some(item.to_string()),
                    "index" => Some(count.to_string()),
                    "name" => Some(name.to_owned()),
                    "ending" => Some(ending.to_owned()),
                    _ => None,
                };
                let name = fill(&pattern, &place).map_err(|e| e.at("names"))?;
                let made = file.add(cx, profile, sink)?;
                tree.insert(&name, made).map_err(|e| named(e, "names"))?;
                count += 1;
            }
            cx.progress(at as u64 + 1, items.len() as u64);
        }
        if count == 0 {
            return Err(NodeError::new("there are no files").at("files"));
        }
        let made = tree.build(profile, sink).map_err(cid_said)?;
        let root = Root { cid: made.cid, bytes: made.size, label: label(cx), whole: false };
        Ok((vec![root], json!({ "count": count })))
    }

    fn outputs(&self, proofs: &[Pinned], extra: &Json) -> Vec<(&'static str, Value)> {
        let mut values = of_one(proofs);
        values.push(("count", Value::Int(extra.get("count").and_then(Json::as_i64).unwrap_or_default())));
        values
    }
}

/// PinFolder.
pub(super) fn node() -> Node {
    with_place(
        Node::effect("PinFolder", 1, Doubt::AskTheWorld, Keep(Folder))
            .title("Pin folder")
            .category("storage")
            .doc(
                "Keeps the files of all items as one folder under the name of its content, and reads it back: every \
                 file can then be found as ipfs://folder/name.",
            )
            .writes_files()
            .gather("files", names::ANY, "Of each item: a file or several, or the paths that a saving node gives.")
            .param(Param::text("names", "{name}{ending}").doc(
                "What the files are called in the folder: {name} and {ending} (with its dot) of the file itself, \
                 {item} the item's number ({item:05} with zeros), {index} its place from 0; \"/\" makes folders.",
            ))
            .param(
                Param::int("window", 0, 0..=1_000_000)
                    .doc("Make a folder of so many items at a time, in their order; 0: one of all."),
            )
            .param(profile_param()),
    )
    .output("pinned", PINNED, "The proof that it was read back: for nodes that mint.")
    .output("uri", names::TEXT, "Where it is: ipfs://, its name and a slash.")
    .output("cid", names::TEXT, "Its name.")
    .output("bytes", names::INT, "How many bytes its files have.")
    .output("count", names::INT, "How many files it has.")
}
