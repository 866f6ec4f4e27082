//! The nodes of CLIP.

mod aesthetic;
mod compare;
mod embed;
mod gates;
mod labels;
mod load;
mod nearest;
mod style;

use kiln_core::{Cx, Node, NodeError};
use kiln_shelf::Shelf;
use kiln_types::{Embedding, Image, Value};
use std::sync::Arc;

use crate::values::ClipTower;

/// Every node of this family; models are opened and kept by the shelf.
#[must_use]
pub fn nodes(shelf: &Arc<Shelf>) -> Vec<Node> {
    let mut all = Vec::new();
    all.extend(load::nodes());
    all.extend(embed::nodes(shelf));
    all.extend(compare::nodes(shelf));
    all.extend(labels::nodes(shelf));
    all.extend(style::nodes(shelf));
    all.extend(aesthetic::nodes(shelf));
    all.extend(nearest::nodes());
    all.extend(gates::nodes(shelf));
    all
}

/// Pictures as a CLIP sees them, all in one go.
fn seen(cx: &Cx<'_>, shelf: &Shelf, clip: &ClipTower, images: &[&Image]) -> Result<Embedding, NodeError> {
    let towers = clip.towers(shelf).map_err(|e| e.at("clip"))?;
    let mut done = |done: usize, all: usize| cx.progress(done as u64, all as u64);
    Ok(towers.image_with(images, clip.preprocess, &|| cx.pause().is_err(), &mut done)?)
}

/// A number without needless digits.
fn short(v: f64) -> String {
    let text = format!("{v:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Words in quotes, cut where they become too long for a sentence.
fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    let cut: String = text.chars().take(LONGEST).collect();
    if cut.len() < text.len() { format!("\"{cut}…\"") } else { format!("\"{cut}\"") }
}

fn floats(values: impl IntoIterator<Item = f64>) -> Value {
    Value::list(values.into_iter().map(Value::Float).collect::<Vec<_>>())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
