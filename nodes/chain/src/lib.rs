//! Chains: the contract, an embedded chain, signing within a policy, transactions exactly once.
//!
//! - [`contract`]: the contract's interface and code (`assets/contract` has its source).
//! - [`rpc`], [`chain`], [`network`]: a node, and what is asked of it.
//! - [`local`]: the embedded chain, kept in a folder.
//! - [`look`]: what there is of a collection and of a token.
//! - [`sign`], [`guard`]: keys, and the only way to a signature: through the policy.
//! - [`send`], [`mint`]: transactions through the book of `kiln_ledger`.
//! - [`safe`]: proposals for a multisig, and its owners' signatures.
//! - [`settings`]: where a run finds its node, key and policy.

pub mod chain;
pub mod contract;
pub mod guard;
pub mod local;
pub mod look;
pub mod mint;
pub mod network;
mod nodes;
pub mod rpc;
pub mod safe;
pub mod send;
pub mod settings;
pub mod sign;
pub mod tx;

pub use nodes::{nodes, nodes_with};
pub use settings::Settings;
