//! Proofs that a collection is what it was said to be.
//!
//! - [`Hashes`]: SHA-256 and blake3 of a file in one reading.
//! - [`Provenance`]: the collection hash that collectors know: SHA-256 over the items' SHA-256 digests, written as hex
//!   and joined in token order.
//! - [`MerkleTree`]: one root for all items, and a short proof for each, which an ordinary contract can check.
//! - [`AuditLog`]: who did what, as lines that hang on each other.

mod collection;
mod hashes;
mod log;
mod merkle;

pub use collection::Provenance;
pub use hashes::{Digest, DigestError, Hashes};
pub use log::{AuditLog, Head, LogError, MOST_LINE, Record, read as read_log, verify, verify_to};
pub use merkle::{MerkleError, MerkleTree, keccak256, leaf, token_leaf, verify_proof};
