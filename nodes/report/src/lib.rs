//! Whole collections: sealed, checked, reported, decided about.
//!
//! - [`disk`] lends an output folder to [`kiln_collection::seal`], and writes what a sealing came to.
//! - [`facts`] gathers what a folder holds into [`CollectionFacts`], plain data that everything else is made from.
//! - [`page`] turns the facts into one self-contained HTML page; [`chart`] draws the same figures as pictures;
//!   [`figures`] writes them as JSON. [`report`] is all of it, as files.
//! - [`cards`] finds what LoRAs learned from, for the audit log.
//! - [`decisions`] reads what people decided on the page.
//! - [`nodes`]: `SealCollection` and `CollectionReport`, at the end of a graph that makes a collection.

pub mod cards;
pub mod chart;
pub mod decisions;
pub mod disk;
pub mod facts;
pub mod figures;
mod node;
pub mod page;
mod reduce;
pub mod report;
pub mod sealing;

pub use facts::CollectionFacts;

/// The nodes of this family.
#[must_use]
pub fn nodes() -> Vec<kiln_core::Node> {
    [node::seal::nodes(), node::report::nodes()].into_iter().flatten().collect()
}
