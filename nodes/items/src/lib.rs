//! The nodes of a collection's items: trait plans, layers, prompts, rarity, metadata, names.
//!
//! [`plan`] and [`assign`] say which item has which traits; [`pick`] and [`prompt`] turn an item's traits into numbers,
//! texts and prompts, [`layers`] into a picture; [`rarity`] and [`looks`] say how rare an item is and whether it shows;
//! [`token`] and [`save`] write what marketplaces read, [`lore`] and [`language`] give names and stories, [`state`] reads
//! what an evolving token has become. The work itself is done by `kiln-collection` and by the small modules here that
//! know no engine: [`layers::draw`], [`generation`].

pub mod assign;
pub mod feed;
pub mod generation;
pub mod language;
pub mod layers;
pub mod looks;
pub mod lore;
pub mod pick;
pub mod plan;
pub mod prompt;
pub mod rarity;
pub mod save;
pub mod state;
pub mod token;
pub mod values;

pub use values::add_codecs;

/// The nodes of this family.
#[must_use]
pub fn nodes() -> Vec<kiln_core::Node> {
    [
        plan::nodes(),
        feed::nodes(),
        assign::nodes(),
        pick::nodes(),
        prompt::nodes(),
        layers::nodes(),
        rarity::nodes(),
        looks::nodes(),
        lore::nodes(),
        language::nodes(),
        token::nodes(),
        save::nodes(),
        state::nodes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
