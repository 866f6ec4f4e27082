//! The contract, the embedded chain, the keys, and minting through a node that fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

mod access;
mod contract;
mod faults;
mod gas;
#[cfg(feature = "pkcs11")]
mod hsm;
mod keys;
mod kill;
mod local;
mod nodes;
mod proofs;
mod safe;
mod support;
