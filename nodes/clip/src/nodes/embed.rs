//! Pictures and texts to embeddings.

use super::seen;
use crate::values::{ClipTower, names, take};
use kiln_core::{Node, Param};
use kiln_shelf::Shelf;
use kiln_types::{Value, names as base};
use std::sync::Arc;

pub(super) fn nodes(shelf: &Arc<Shelf>) -> Vec<Node> {
    vec![embed_image(shelf.clone()), embed_text(shelf.clone())]
}

/// EmbedImage.
fn embed_image(shelf: Arc<Shelf>) -> Node {
    Node::pure("EmbedImage", 1, move |cx| {
        let image = cx.image("image")?;
        let clip: ClipTower = take(cx, "clip")?;
        let embedding = seen(cx, &shelf, &clip, &[&image])?;
        cx.set("embedding", embedding);
        Ok(())
    })
    .title("Embed picture")
    .category("clip")
    .doc(
        "A picture as CLIP sees it: a vector of length 1, near to those of pictures and texts that mean the same. A batch \
         is looked at in one go and gives as many vectors. Transparency is not seen.",
    )
    .input("image", base::IMAGE, "The picture, or a batch of them.")
    .input("clip", names::TOWER, "The CLIP, with an image tower.")
    .output("embedding", names::EMBEDDING, "The vector, or one for each picture of the batch.")
    .on_device()
}

/// EmbedText.
fn embed_text(shelf: Arc<Shelf>) -> Node {
    Node::pure("EmbedText", 1, move |cx| {
        let clip: ClipTower = take(cx, "clip")?;
        let text = cx.text("text")?;
        let embedding = clip.texts(cx, &shelf, &[&text])?;
        cx.set("embedding", Value::Object(embedding));
        Ok(())
    })
    .title("Embed text")
    .category("clip")
    .doc(
        "A text as CLIP reads it: a vector of length 1, near to those of pictures that show it. CLIP was trained with \
         captions: \"a photo of a fox\" works better than \"fox\". What lies beyond 75 tokens is not read, and weights \
         in parentheses are words like all others.",
    )
    .input("clip", names::TOWER, "The CLIP, with a text tower.")
    .param(Param::multiline("text", "").doc("The words."))
    .output("embedding", names::EMBEDDING, "The vector.")
    .on_device()
}
