//! Storage's proofs as the chain reads them: the two families do not know each other.

use kiln_chain::kept::{Kept, Leaf, Proofs};
use kiln_core::{Cx, NodeError};
use kiln_storage::{Pinned, leaves};
use kiln_types::Value;

/// Reads the proofs that storage makes.
pub struct Storage;

impl Proofs for Storage {
    fn kept(&self, value: &Value) -> Option<Kept> {
        let pinned = Pinned::of(value)?;
        Some(Kept {
            uri: pinned.uri(),
            folder: pinned.is_folder(),
            files: pinned.files(),
            read: pinned.read(),
        })
    }

    fn files(&self, cx: &Cx<'_>, value: &Value) -> Result<Vec<Leaf>, NodeError> {
        match Pinned::of(value) {
            Some(pinned) => leaves(cx, pinned),
            None => Err(NodeError::new("this is no proof")),
        }
    }
}
