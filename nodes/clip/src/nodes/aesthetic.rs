//! How much people would like a picture.

use super::{floats, mean};
use crate::values::{AestheticHead, names, take};
use kiln_core::Node;
use kiln_shelf::Shelf;
use kiln_types::{Embedding, names as base};
use std::sync::Arc;

pub(super) fn nodes(shelf: &Arc<Shelf>) -> Vec<Node> {
    vec![aesthetic_score(shelf.clone())]
}

/// AestheticScore.
fn aesthetic_score(shelf: Arc<Shelf>) -> Node {
    Node::pure("AestheticScore", 1, move |cx| {
        let (embedding, head): (Embedding, AestheticHead) = (take(cx, "embedding")?, take(cx, "head")?);
        let head = head.head(&shelf).map_err(|e| e.at("head"))?;
        let scores = head.scores(&embedding).map_err(|e| kiln_core::NodeError::from(e).at("head"))?;
        cx.set("score", mean(&scores));
        cx.set("scores", floats(scores));
        Ok(())
    })
    .title("Aesthetic score")
    .category("clip")
    .doc(
        "How much people would like a picture, as a head learned it from their votes: about 1 to 10, most pictures lie \
         between 4 and 7. The head must be made for the CLIP that made the embedding.",
    )
    .input("embedding", names::EMBEDDING, "The picture's embedding, or a batch.")
    .input("head", names::HEAD, "The head.")
    .output("score", base::FLOAT, "The score; of a batch the mean.")
    .output_list("scores", base::FLOAT, "The score of every picture of a batch.")
}
