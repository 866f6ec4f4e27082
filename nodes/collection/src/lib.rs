//! Collections: trait plans, rarity, metadata, provenance.
