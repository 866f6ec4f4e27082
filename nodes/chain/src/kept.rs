//! What has to be kept before anything is minted from it: the proof, as far as minting asks.
//!
//! Chains do not know where things are kept. Whoever puts the families together says how a proof is read ([`Proofs`]);
//! here it is held against what would be minted: a token never points at bytes that nobody has read back.

use crate::contract::{digest_of, raw_cid};
use alloy_primitives::B256;
use kiln_core::{Cx, NodeError};
use kiln_types::Value;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The type's name on ports.
pub const PINNED: &str = "Pinned";

/// What a proof says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// `ipfs://` and the name; a folder's ends in a slash.
    pub uri: String,
    /// Whether it is a folder.
    pub folder: bool,
    /// How many files it has.
    pub files: u64,
    /// How many of them came back as they were made.
    pub read: u64,
}

/// A file of a folder: its path, and the digest of its raw CID, if it has one.
pub type Leaf = (String, Option<[u8; 32]>);

/// How proofs are read.
pub trait Proofs: Send + Sync {
    /// What a value proves, if it is a proof.
    fn kept(&self, value: &Value) -> Option<Kept>;
    /// The files of a folder that is proved.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn files(&self, cx: &Cx<'_>, value: &Value) -> Result<Vec<Leaf>, NodeError>;
}

/// No proof is understood: nothing can be minted.
pub struct NoProofs;

impl Proofs for NoProofs {
    fn kept(&self, _: &Value) -> Option<Kept> {
        None
    }
    fn files(&self, _: &Cx<'_>, _: &Value) -> Result<Vec<Leaf>, NodeError> {
        Ok(Vec::new())
    }
}

/// What is in a folder.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    /// Names that are numbers, as a contract writes them.
    tokens: BTreeSet<u64>,
    digests: BTreeSet<B256>,
}

/// A folder's content never changes under its name: the last few are remembered.
#[derive(Default)]
pub(crate) struct Looked(Mutex<BTreeMap<String, Arc<Inside>>>);

const REMEMBERED: usize = 8;

/// A proof that is linked, read.
pub(crate) struct Proof<'a> {
    pub kept: Kept,
    value: Value,
    proofs: &'a dyn Proofs,
    looked: &'a Looked,
}

/// The proof on a port; all of it has to have come back.
pub(crate) fn proof<'a>(
    cx: &Cx<'_>,
    port: &'static str,
    proofs: &'a dyn Proofs,
    looked: &'a Looked,
) -> Result<Proof<'a>, NodeError> {
    let value = cx.value(port)?;
    let kept = proofs.kept(&value).ok_or_else(|| {
        NodeError::new("nothing proves that the bytes are kept")
            .at(port)
            .hint("link the output pinned of PinTokens, PinFolder or PinFile")
    })?;
    if kept.read != kept.files || kept.files == 0 {
        return Err(NodeError::new(format!(
            "only {} of the {} files of {} were read back; nothing is minted before all were",
            kept.read, kept.files, kept.uri
        ))
        .at(port)
        .hint("set sample to 0 where it is pinned"));
    }
    Ok(Proof { kept, value, proofs, looked })
}

impl Proof<'_> {
    /// Its name without `ipfs://` and slashes.
    pub fn cid(&self) -> &str {
        self.kept.uri.trim_start_matches("ipfs://").trim_end_matches('/')
    }

    fn inside(&self, cx: &Cx<'_>) -> Result<Arc<Inside>, NodeError> {
        if let Some(known) = self.looked.0.lock().get(&self.kept.uri) {
            return Ok(known.clone());
        }
        let mut inside = Inside::default();
        for (name, digest) in self.proofs.files(cx, &self.value)? {
            // A number is found only as it is written by the contract: no zeros before it.
            inside.tokens.extend(name.parse::<u64>().ok().filter(|n| n.to_string() == name));
            inside.digests.extend(digest.map(B256::from));
        }
        let (inside, mut looked) = (Arc::new(inside), self.looked.0.lock());
        while looked.len() >= REMEMBERED {
            looked.pop_first();
        }
        looked.insert(self.kept.uri.clone(), inside.clone());
        Ok(inside)
    }

    /// A base URI under which the folder's files are found: the one that is written, if it is the folder's.
    pub fn base_uri(&self, written: &str) -> Result<String, NodeError> {
        if !self.kept.folder {
            return Err(NodeError::new(format!(
                "{} is a file, but a base URI needs a folder",
                self.kept.uri
            ))
            .at("pinned")
            .hint("link the output pinned of PinTokens"));
        }
        let written = written.trim();
        if written.is_empty() || written == self.kept.uri {
            return Ok(self.kept.uri.clone());
        }
        if written.chars().any(|c| c.is_whitespace() || c.is_control()) || !written.ends_with('/') {
            return Err(NodeError::new(format!("{written:?} is no base URI"))
                .at("uri")
                .hint("write it like ipfs://bafy…/ with / at its end: a token's number is put behind it"));
        }
        let gateway = format!("/ipfs/{}/", self.cid());
        if written.starts_with("https://") && written.ends_with(&gateway) {
            return Ok(written.to_owned());
        }
        Err(NodeError::new(format!("{written:?} is not where the kept files are: {}", self.kept.uri))
            .at("uri")
            .hint(format!("leave uri empty, or write a gateway's address that ends in {gateway}")))
    }

    /// The first token's number, as wanted (`None`: the first that has a document); each of them has to have one.
    pub fn tokens(&self, cx: &Cx<'_>, first: Option<u64>, count: u64) -> Result<u64, NodeError> {
        let inside = self.inside(cx)?;
        let none = || {
            NodeError::new(format!("{} has no documents named by a token's number", self.kept.uri))
                .at("pinned")
                .hint("link the output pinned of PinTokens, with metadata_names at {token}")
        };
        let first = match first {
            Some(first) => first,
            None => *inside.tokens.first().ok_or_else(none)?,
        };
        match (first..first.saturating_add(count)).find(|t| !inside.tokens.contains(t)) {
            None => Ok(first),
            Some(token) => {
                let (low, high) = (inside.tokens.first(), inside.tokens.last());
                let has = match (low, high) {
                    (Some(low), Some(high)) => format!("its documents are {low} to {high}"),
                    _ => return Err(none()),
                };
                Err(NodeError::new(format!("{} has no document for token {token}: {has}", self.kept.uri))
                    .at("pinned")
                    .hint("the numbers of PinTokens' first and of the tokens have to be the same"))
            }
        }
    }

    /// The digest that is written, or the file's own; it has to be of a file that is kept.
    pub fn digest(&self, cx: &Cx<'_>, written: &str) -> Result<B256, NodeError> {
        let text = written.trim();
        let wanted = digest_of(text).filter(|d| !d.is_zero());
        if wanted.is_none() && !text.is_empty() {
            let text: String = text.chars().take(80).collect();
            return Err(NodeError::new(format!("{text:?} names no SHA-256 digest"))
                .at("digest")
                .hint("write 64 hexadecimal digits, or a raw CID: bafkrei…"));
        }
        if self.kept.folder {
            let wanted = wanted.ok_or_else(|| {
                NodeError::new(format!("{} is a folder: which of its files?", self.kept.uri))
                    .at("digest")
                    .hint("link an element of PinTokens' digests, or the pinned of PinFile")
            })?;
            if self.inside(cx)?.digests.contains(&wanted) {
                return Ok(wanted);
            }
        } else {
            let own = digest_of(&self.kept.uri).ok_or_else(|| {
                NodeError::new(format!("{} is not the name of a file of one block", self.kept.uri))
                    .at("pinned")
                    .hint("metadata are at most 1 MiB, and kept by the profile unixfs-v1-2025")
            })?;
            if wanted.is_none_or(|w| w == own) {
                return Ok(own);
            }
        }
        let named = raw_cid(&wanted.unwrap_or_default());
        Err(NodeError::new(format!("{named} is not what was kept and read back: {}", self.kept.uri))
            .at("digest"))
    }
}
