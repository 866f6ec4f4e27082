//! Collections: trait plans, rarity, metadata, provenance.

pub mod assign;
pub mod balance;
mod chance;
pub mod check;
pub mod plan;
pub mod rarity;
mod words;

pub use chance::Chance;
