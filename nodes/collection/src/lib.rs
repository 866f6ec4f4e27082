//! Collections: trait plans, rarity, metadata, provenance.
//!
//! From a plan to a proven collection, as plain functions:
//!
//! 1. [`plan`] reads what a collection is made of (`.ron`, a table, or with [`layers`] a folder of pictures).
//! 2. [`balance`] shows what its weights come to, before anything is made.
//! 3. [`assign`] gives every item its traits, or says which demands contradict each other; [`check`] is the referee that
//!    proves an assignment.
//! 4. [`grammar`] makes names and lore that fit an item's traits.
//! 5. [`rarity`] counts how rare each item is, as OpenRarity and others do.
//! 6. [`metadata`] writes token and collection documents and holds them against their schemas.
//! 7. [`provenance`] hashes files, proves items by a Merkle tree, and keeps an audit log; [`seal`] binds a whole folder
//!    by them and finds what changed since.
//!
//! Nothing here opens a file, looks at a clock or at the network, and the same input gives the same output on every
//! machine: chance comes from [`Chance`], floats from `libm`.

pub mod assign;
pub mod balance;
pub mod canonical;
mod chance;
pub mod check;
pub mod grammar;
pub mod layers;
pub mod metadata;
pub mod plan;
pub mod provenance;
pub mod rarity;
pub mod seal;
mod words;

pub use chance::Chance;
