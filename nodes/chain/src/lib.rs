//! Chains: the contract, an embedded chain, signing within a policy, transactions exactly once.
//!
//! - [`contract`]: the contract's interface and code (`assets/contract` has its source).
//! - [`rpc`], [`chain`], [`network`]: a node, and what is asked of it.
//! - [`kept`]: the proof that what is minted is kept: nothing is minted without.
//! - [`local`]: the embedded chain, kept in a folder.
//! - [`look`]: what there is of a collection and of a token.
//! - [`sign`], [`guard`]: keys, and the only way to a signature: through the policy.
//! - [`send`], [`mint`]: transactions through the book of `kiln_ledger`.
//! - [`told`]: what the books of a folder tell, for whoever wants to see.
//! - [`rehearse`]: what steps would need, tried on a chain for nothing.
//! - [`turns`]: what may be set, changed and set back.
//! - [`safe`]: proposals for a multisig, and its owners' signatures.
//! - [`settings`]: where a run finds its node, key and policy.
//!
//! alloy's plain parts (`alloy-primitives`, `alloy-sol-types`, `alloy-rlp`) are named one by one. The package `alloy`
//! without its providers is those parts and two crates that pass them on; its providers would bring an asynchronous
//! runtime and a way to the network beside the engine's door.

pub mod chain;
pub mod contract;
pub mod guard;
pub mod kept;
pub mod local;
pub mod look;
pub mod mint;
pub mod network;
mod nodes;
pub mod rehearse;
pub mod rpc;
pub mod safe;
pub mod send;
pub mod settings;
pub mod sign;
pub mod told;
pub mod turns;
pub mod tx;

pub use nodes::{nodes, nodes_with};
pub use settings::Settings;
