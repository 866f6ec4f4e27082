//! Nodes without pictures: constants, numbers, text, lists, choices, chance, files, gates, webhooks.
//!
//! One idea per file; each node is one function.

mod chance;
mod choose;
mod constants;
mod convert;
mod files;
mod gates;
mod gather;
mod item;
mod lists;
mod logic;
mod math;
mod places;
mod rng;
mod save;
mod tables;
mod text;
mod text_find;
mod values;
mod webhook;

/// The nodes of this family.
#[must_use]
pub fn nodes() -> Vec<kiln_core::Node> {
    [
        constants::nodes(),
        item::nodes(),
        convert::nodes(),
        math::nodes(),
        logic::nodes(),
        text::nodes(),
        text_find::nodes(),
        lists::nodes(),
        choose::nodes(),
        chance::nodes(),
        files::nodes(),
        tables::nodes(),
        save::nodes(),
        gather::nodes(),
        gates::nodes(),
        webhook::nodes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
