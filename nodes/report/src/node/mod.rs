//! Nodes at the end of a graph that makes a collection.

pub(crate) mod report;
pub(crate) mod seal;

use kiln_core::{Cx, Node, NodeError};
use kiln_types::{FileRef, Value, names};

/// What both nodes wait for.
fn after_items(node: Node) -> Node {
    node.gather(
        "items",
        names::ANY,
        "What each item has written, such as the path of its document or picture: the node waits for all of them.",
    )
    .optional("after", names::ANY, "Something else to wait for: the path of the collection's document, or of the report.")
}

/// The files of a list.
fn files(cx: &Cx<'_>, name: &str) -> Result<Vec<FileRef>, NodeError> {
    cx.list(name)?
        .iter()
        .map(|value| match value {
            Value::File(file) => Ok(file.clone()),
            other => {
                Err(NodeError::new(format!("{name:?} takes files, but got {}", other.ty()))
                    .at(name.to_owned()))
            }
        })
        .collect()
}
