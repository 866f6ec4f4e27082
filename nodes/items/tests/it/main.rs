//! The nodes at work, through the engine.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test that cannot go on stops")]

mod golden;
mod language;
mod layers;
mod metadata;
mod plans;
mod rarity;
mod support;
mod templates;
mod traits;
