//! Files of an output folder that people decided about: a run neither replaces them nor brings them back.
//!
//! A picture that was drawn again or made by hand, a document that went on to its next version: they stay as they are.
//! A token that was rejected stays out. What was decided lies in a file of Kiln's own, beside the journal, so that a
//! run that goes on later (or begins anew, with a changed graph) keeps to it.

use crate::doors::{OutFolder, Written};
use crate::node::NodeError;
use kiln_types::Key;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io;

/// Where it is told, among Kiln's own files.
const FILE: &str = "decided.json";
/// A longer file is none of ours.
const LONGEST: u64 = 256 << 20;

/// What people decided about the files of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Held {
    /// Files that stay as they are.
    pub kept: BTreeSet<String>,
    /// Files that are not to be made again.
    pub gone: BTreeSet<String>,
}

impl Held {
    /// What was decided in a folder.
    ///
    /// # Errors
    /// It was written down, and cannot be read.
    pub fn read(out: &OutFolder) -> Result<Self, NodeError> {
        let Some(bytes) = out.read_own(FILE, LONGEST)? else { return Ok(Self::default()) };
        serde_json::from_slice(&bytes).map_err(|e| {
            NodeError::new(format!(
                "what people decided about the files of {} cannot be read: .kiln/{FILE}: {e}",
                out.root().display()
            ))
            .hint("bring it back from a copy; without it, a run would undo their decisions")
        })
    }

    /// Writes it down, whole or not at all.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, out: &OutFolder) -> Result<(), NodeError> {
        let text = serde_json::to_vec(self).map_err(NodeError::new)?;
        out.write_own(FILE, &text)
    }

    /// This file stays as it is from now on.
    pub fn keep(&mut self, path: &str) {
        self.gone.remove(path);
        self.kept.insert(path.to_owned());
    }

    /// This file is not to be made again.
    pub fn take_out(&mut self, path: &str) {
        self.kept.remove(path);
        self.gone.insert(path.to_owned());
    }

    /// An error where a file was taken out for good.
    ///
    /// # Errors
    /// It was.
    pub fn may_make(&self, path: &str) -> Result<(), NodeError> {
        if !self.gone.contains(path) {
            return Ok(());
        }
        Err(NodeError { left_out: true, ..NodeError::new(format!("{path:?} was rejected, and stays out")) })
    }
}

/// A file as it lies there.
pub(crate) fn as_it_is(out: &OutFolder, path: &str) -> Result<Written, NodeError> {
    let mut hasher = blake3::Hasher::new();
    let read = out.place(path).and_then(|place| {
        let mut file = std::fs::File::open(&place)?;
        Ok(io::copy(&mut file, &mut hasher)?)
    });
    let bytes = read.map_err(|e| {
        NodeError::new(format!("somebody decided that {path:?} stays as it is, and it cannot be read: {}", e.what))
            .hint("bring it back from a copy, or take its line out of .kiln/decided.json: then it is made as the graph says")
    })?;
    Ok(Written { path: path.to_owned(), hash: Key(*hasher.finalize().as_bytes()), bytes })
}
