//! Collections: trait plans, rarity, metadata, provenance.

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
mod words;

pub use chance::Chance;
