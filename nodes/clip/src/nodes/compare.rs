//! How alike two embeddings are.

use super::{floats, mean};
use crate::values::{ClipTower, maybe, names, take};
use kiln_core::{Cx, Node, NodeError};
use kiln_shelf::Shelf;
use kiln_types::{Embedding, EmbeddingError, names as base};
use std::sync::Arc;

pub(super) fn nodes(shelf: &Arc<Shelf>) -> Vec<Node> {
    vec![similarity(shelf.clone()), style_distance()]
}

/// Why two embeddings cannot be compared, and what to do.
pub(super) fn unlike(error: &EmbeddingError, port: &'static str) -> NodeError {
    NodeError::new(error).at(port).hint("make both with the same LoadClip")
}

fn pairs(cx: &Cx<'_>, one: &'static str, other: &'static str) -> Result<Vec<f64>, NodeError> {
    let (a, b): (Embedding, Embedding) = (take(cx, one)?, take(cx, other)?);
    a.similarities(&b).map_err(|e| unlike(&e, other))
}

/// Similarity.
fn similarity(shelf: Arc<Shelf>) -> Node {
    Node::pure("Similarity", 1, move |cx| {
        let all = pairs(cx, "a", "b")?;
        let clip: Option<ClipTower> = maybe(cx, "clip")?;
        // What CLIPs are trained with.
        let scale = match clip {
            Some(clip) => clip.towers(&shelf).map_err(|e| e.at("clip"))?.scale(),
            None => 100.0,
        };
        let similarity = mean(&all);
        cx.set("similarity", similarity);
        cx.set("logit", scale * similarity);
        cx.set("similarities", floats(all));
        Ok(())
    })
    .title("Similarity")
    .category("clip")
    .doc(
        "How alike two embeddings are: the cosine between them, from -1 to 1. A picture and a text that fits it reach \
         about 0.3, two pictures of one thing 0.8 and more. Embeddings of different models are refused.",
    )
    .input("a", names::EMBEDDING, "One, or a batch.")
    .input("b", names::EMBEDDING, "The other, or a batch.")
    .optional("clip", names::TOWER, "The CLIP, for its own scale of logits; 100 without it, as all public ones have.")
    .output("similarity", base::FLOAT, "The cosine; of batches the mean over all pairs.")
    .output("logit", base::FLOAT, "The cosine times the model's scale: a softmax over several makes probabilities of them.")
    .output_list("similarities", base::FLOAT, "The cosine of every pair, those of a's first one first.")
}

/// StyleDistance.
fn style_distance() -> Node {
    Node::pure("StyleDistance", 1, |cx| {
        let all: Vec<f64> = pairs(cx, "embedding", "style")?.into_iter().map(|c| 1.0 - c).collect();
        cx.set("distance", mean(&all));
        cx.set("distances", floats(all));
        Ok(())
    })
    .title("Style distance")
    .category("clip")
    .doc(
        "How far a picture is from a style: one less the cosine between them, 0 for the same direction. What is near \
         depends on the pictures the style was made of: measure some that belong to it first.",
    )
    .input("embedding", names::EMBEDDING, "The picture's embedding, or a batch.")
    .input("style", names::EMBEDDING, "The style, from StyleVector.")
    .output("distance", base::FLOAT, "The distance; of a batch the mean.")
    .output_list("distances", base::FLOAT, "The distance of every picture of a batch.")
}
