//! Proofs for graphs of tests: a node that says what it is told, and who reads it.

use kiln_chain::kept::{Kept, Leaf, PINNED, Proofs};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_types::{Object, Value};
use std::any::Any;
use std::sync::Arc;

#[derive(Clone, Debug)]
struct Said(Kept, Vec<Leaf>);

impl Object for Said {
    fn type_name(&self) -> &'static str {
        PINNED
    }
    fn byte_size(&self) -> usize {
        size_of::<Self>()
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Reads what [`node`] made.
pub struct Told;

fn said(value: &Value) -> Option<&Said> {
    match value {
        Value::Object(object) => object.as_any().downcast_ref(),
        _ => None,
    }
}

impl Proofs for Told {
    fn kept(&self, value: &Value) -> Option<Kept> {
        said(value).map(|s| s.0.clone())
    }
    fn files(&self, _: &Cx<'_>, value: &Value) -> Result<Vec<Leaf>, NodeError> {
        Ok(said(value).map(|s| s.1.clone()).unwrap_or_default())
    }
}

/// `Kept`: a folder `ipfs://NAME/` with documents from `first` on; `count` 0 is a file. `missing` of them did not come
/// back. Every document's digest is its number in each of 32 bytes.
pub fn node() -> Node {
    Node::pure("Kept", 1, |cx| {
        let (name, first, count) = (cx.text("name")?, cx.count("first")?, cx.count("count")?);
        let folder = count > 0;
        let files = count.max(1) as u64;
        let kept = Kept {
            uri: format!("ipfs://{name}{}", if folder { "/" } else { "" }),
            folder,
            files,
            read: files - cx.count("missing")? as u64,
        };
        let leaves = (first..first + count).map(|n| (n.to_string(), Some([n as u8; 32]))).collect();
        let object: Arc<dyn Object> = Arc::new(Said(kept, leaves));
        cx.set("pinned", Value::Object(object));
        Ok(())
    })
    .title("Kept")
    .category("test")
    .doc("A proof.")
    .param(Param::text("name", "").doc("Its name."))
    .param(Param::int("first", 0, 0..=1000).doc("The first."))
    .param(Param::int("count", 0, 0..=1000).doc("How many."))
    .param(Param::int("missing", 0, 0..=1000).doc("How many did not come back."))
    .output("pinned", PINNED, "The proof.")
}
