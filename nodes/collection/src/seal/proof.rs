//! One token's proof: that its picture belongs to the collection, checked with nothing but the root that was published.

use super::manifest::Manifest;
use crate::provenance::{Digest, MerkleError, token_leaf, verify_proof};
use serde::{Deserialize, Serialize};

/// A token's way to the Merkle root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The collection's name.
    pub name: String,
    /// The token's number.
    pub token: u64,
    /// SHA-256 of its picture's file.
    pub sha256: Digest,
    /// The leaf: `keccak256(keccak256(abi.encode(uint256 token, bytes32 sha256)))`.
    pub leaf: Digest,
    /// The neighbours on the way up, as `MerkleProof.verify` takes them.
    pub proof: Vec<Digest>,
    /// The root to arrive at.
    pub root: Digest,
}

/// Why a token is not proven.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The seal has no such token.
    #[error("the seal has no token {0}; {1}")]
    NoToken(u64, String),
    /// There is no tree.
    #[error(transparent)]
    Tree(#[from] MerkleError),
    /// The leaf is not that of the token.
    #[error(
        "the leaf is not that of token {token} and its picture: {found} stands there, and {expected} is expected"
    )]
    Leaf {
        /// The token.
        token: u64,
        /// What stands there.
        found: Digest,
        /// What should.
        expected: Digest,
    },
    /// The way does not arrive.
    #[error("the proof does not lead to the root {0}")]
    Root(Digest),
    /// Another root than the one that is known.
    #[error("the proof leads to the root {found}, and {known} is the one that is known")]
    OtherRoot {
        /// Where it leads.
        found: Digest,
        /// What is known.
        known: Digest,
    },
    /// The picture is another one.
    #[error("the picture's SHA-256 is {found}, and {proven} is proven")]
    Picture {
        /// The file's.
        found: Digest,
        /// The proven one.
        proven: Digest,
    },
}

impl Proof {
    /// The proof of a token of a sealed collection.
    ///
    /// # Errors
    /// There is no such token.
    pub fn of(manifest: &Manifest, token: u64) -> Result<Self, ProofError> {
        let at = manifest.items.binary_search_by_key(&token, |item| item.token).map_err(|_| {
            let ends = match (manifest.items.first(), manifest.items.last()) {
                (Some(first), Some(last)) => format!("its tokens go from {} to {}", first.token, last.token),
                _ => "it has none at all".to_owned(),
            };
            ProofError::NoToken(token, ends)
        })?;
        let tree = manifest.tree()?;
        let sha256 = manifest.items[at].sha256;
        Ok(Self {
            name: manifest.name.clone(),
            token,
            sha256,
            leaf: token_leaf(token, sha256),
            proof: tree.proof(at)?,
            root: tree.root(),
        })
    }

    /// Checks the proof by itself: with the root that is known from elsewhere, and the picture's bytes, where there are any.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self, root: Option<Digest>, picture: Option<&[u8]>) -> Result<(), ProofError> {
        let expected = token_leaf(self.token, self.sha256);
        if expected != self.leaf {
            return Err(ProofError::Leaf { token: self.token, found: self.leaf, expected });
        }
        if !verify_proof(self.root, self.leaf, &self.proof) {
            return Err(ProofError::Root(self.root));
        }
        if let Some(known) = root.filter(|known| *known != self.root) {
            return Err(ProofError::OtherRoot { found: self.root, known });
        }
        if let Some(found) = picture.map(Digest::sha256).filter(|found| *found != self.sha256) {
            return Err(ProofError::Picture { found, proven: self.sha256 });
        }
        Ok(())
    }

    /// The text of a file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
