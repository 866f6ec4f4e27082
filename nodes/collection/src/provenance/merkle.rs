//! A Merkle tree over the items: one root to publish, a short proof for each item.
//!
//! The tree is the one of OpenZeppelin's `StandardMerkleTree`, so that their `MerkleProof.verify` in a contract accepts
//! its proofs:
//!
//! - a leaf is `keccak256(keccak256(data))`: hashed twice, so that no inner node can pass for a leaf;
//! - an inner node is `keccak256` of its two children, the smaller first, so that a proof needs no directions;
//! - leaves are sorted by their hash and fill a complete binary tree from its end, so that any number of them, odd or
//!   even, has one shape and no leaf stands there twice.
//!
//! An item's data is `abi.encode(uint256 token, bytes32 digest)`: see [`token_leaf`].

use super::Digest;
use sha3::{Digest as _, Keccak256};

/// Why there is no tree or no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MerkleError {
    /// No leaves.
    #[error("a Merkle tree has at least one leaf; there is nothing to prove")]
    Empty,
    /// No such leaf.
    #[error("the tree has {leaves} leaves, and there is none of number {leaf}")]
    NoLeaf {
        /// Which one was asked for, from 0.
        leaf: usize,
        /// How many there are.
        leaves: usize,
    },
}

/// Keccak-256 as Ethereum has it.
#[must_use]
pub fn keccak256(bytes: &[u8]) -> Digest {
    Digest(Keccak256::digest(bytes).into())
}

/// The leaf of some data: hashed twice.
#[must_use]
pub fn leaf(data: &[u8]) -> Digest {
    keccak256(&keccak256(data).0)
}

/// The leaf of a token: its number and its file's digest, as a contract's `abi.encode(uint256, bytes32)` writes them.
#[must_use]
pub fn token_leaf(token: u64, digest: Digest) -> Digest {
    let mut data = [0; 64];
    data[24..32].copy_from_slice(&token.to_be_bytes());
    data[32..].copy_from_slice(&digest.0);
    leaf(&data)
}

fn pair(a: Digest, b: Digest) -> Digest {
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    let mut both = [0; 64];
    both[..32].copy_from_slice(&first.0);
    both[32..].copy_from_slice(&second.0);
    keccak256(&both)
}

/// A tree over leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerkleTree {
    /// The nodes, the root first; the children of `n` are `2n + 1` and `2n + 2`.
    nodes: Vec<Digest>,
    /// Where each leaf, as it was given, stands among the nodes.
    places: Vec<usize>,
}

impl MerkleTree {
    /// Builds the tree; leaves are numbered as they are given.
    ///
    /// # Errors
    /// There are no leaves.
    pub fn new(leaves: &[Digest]) -> Result<Self, MerkleError> {
        if leaves.is_empty() {
            return Err(MerkleError::Empty);
        }
        let mut order: Vec<usize> = (0..leaves.len()).collect();
        order.sort_by_key(|at| (leaves[*at], *at));
        let size = 2 * leaves.len() - 1;
        let mut nodes = vec![Digest::ZERO; size];
        let mut places = vec![0; leaves.len()];
        for (sorted, at) in order.into_iter().enumerate() {
            nodes[size - 1 - sorted] = leaves[at];
            places[at] = size - 1 - sorted;
        }
        for at in (0..size - leaves.len()).rev() {
            nodes[at] = pair(nodes[2 * at + 1], nodes[2 * at + 2]);
        }
        Ok(Self { nodes, places })
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.nodes.first().copied().unwrap_or(Digest::ZERO)
    }

    /// The proof of a leaf: the neighbours on the way up.
    ///
    /// # Errors
    /// There is no leaf of that number.
    pub fn proof(&self, leaf: usize) -> Result<Vec<Digest>, MerkleError> {
        let leaves = self.places.len();
        let mut at = *self.places.get(leaf).ok_or(MerkleError::NoLeaf { leaf, leaves })?;
        let mut proof = Vec::new();
        while at > 0 {
            // Left children have odd numbers.
            let sibling = if at.is_multiple_of(2) { at - 1 } else { at + 1 };
            proof.push(self.nodes[sibling]);
            at = (at - 1) / 2;
        }
        Ok(proof)
    }
}

/// Whether a proof leads from a leaf to a root.
#[must_use]
pub fn verify_proof(root: Digest, leaf: Digest, proof: &[Digest]) -> bool {
    proof.iter().fold(leaf, |below, neighbour| pair(below, *neighbour)) == root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_open_zeppelins() {
        // The first example of their library: two rows of (address, uint256).
        let row = |address: u8, amount: u64| {
            let mut data = [0; 64];
            data[12..32].fill(address);
            data[56..].copy_from_slice(&amount.to_be_bytes());
            leaf(&data)
        };
        let leaves = [row(0x11, 5_000_000_000_000_000_000), row(0x22, 2_500_000_000_000_000_000)];
        let tree = MerkleTree::new(&leaves).unwrap();
        assert_eq!(
            tree.root().to_string(),
            "d4dee0beab2d53f2cc83e567171bd2820e49898130a22622b10ead383e90bd77"
        );
    }

    #[test]
    fn every_leaf_is_proven_and_nothing_else() {
        for count in 1..40u64 {
            let digest = |n: u64| Digest::sha256(&n.to_le_bytes());
            let leaves: Vec<Digest> = (0..count).map(|n| token_leaf(n, digest(n))).collect();
            let tree = MerkleTree::new(&leaves).unwrap();
            for (at, one) in leaves.iter().enumerate() {
                let proof = tree.proof(at).unwrap();
                assert!(proof.len() <= 6 && verify_proof(tree.root(), *one, &proof), "{count} {at}");
                let mut wrong = proof.clone();
                if let Some(first) = wrong.first_mut() {
                    first.0[7] ^= 1;
                    assert!(!verify_proof(tree.root(), *one, &wrong));
                }
                // The same file under another number is another leaf.
                assert!(!verify_proof(tree.root(), token_leaf(count, digest(at as u64)), &proof));
            }
            // An inner node is no leaf: its data hashed as a leaf leads elsewhere.
            if let [left, right, ..] = tree.nodes.get(1..).unwrap_or(&[]) {
                let inner = [left.0, right.0].concat();
                assert_ne!(leaf(&inner), tree.root());
            }
            let at = leaves.len();
            assert_eq!(tree.proof(at), Err(MerkleError::NoLeaf { leaf: at, leaves: at }));
        }
        assert_eq!(MerkleTree::new(&[]), Err(MerkleError::Empty));
    }

    #[test]
    fn keccak_is_ethereums() {
        assert_eq!(
            keccak256(b"").to_string(),
            "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
        );
    }
}
