//! A latent laid on another.

use super::{pair, pixels};
use crate::latent::composite::{feathered, masked};
use kiln_core::{Node, Param};
use kiln_types::names;

/// The nodes of this file.
pub(super) fn nodes() -> Vec<Node> {
    vec![latent_composite(), latent_composite_masked()]
}

fn x() -> Param {
    pixels("x", 0, 0, "How far from the left edge of the picture below.")
}

fn y() -> Param {
    pixels("y", 0, 0, "How far from the top edge of the picture below.")
}

/// LatentComposite.
fn latent_composite() -> Node {
    let docs = ["The latent below; its size and number of pictures count.", "The latent to lay on it."];
    pair("LatentComposite", ["samples_to", "samples_from"], docs, |cx, to, from| {
        let place = |name| Ok::<_, kiln_core::NodeError>(cx.count(name)? / to.factor);
        feathered(to, from, [place("y")?, place("x")?], place("feather")?)
    })
    .title("Lay a latent on another")
    .category("latent/combine")
    .doc("One latent on another at a place; what stands over is cut off.")
    .param(x())
    .param(y())
    .param(pixels("feather", 0, 0, "How wide the edges inside the picture below are softened."))
}

/// LatentCompositeMasked.
fn latent_composite_masked() -> Node {
    let docs = ["The latent below; its size and number of pictures count.", "The latent to lay on it."];
    pair("LatentCompositeMasked", ["destination", "source"], docs, |cx, to, from| {
        let place = |name| Ok::<_, kiln_core::NodeError>(cx.count(name)? / to.factor);
        let mask = cx.maybe_mask("mask")?;
        masked(to, from, [place("y")?, place("x")?], cx.bool("resize_source")?, mask.as_deref())
    })
    .title("Lay a latent on another through a mask")
    .category("latent/combine")
    .doc("One latent on another at a place, where a mask says; what stands over is cut off.")
    .param(x())
    .param(y())
    .param(Param::bool("resize_source", false).doc("Bring the source to the destination's size first."))
    .optional(
        "mask",
        names::MASK,
        "Where the source shows, brought to its size; everywhere when not linked.",
    )
}
