//! Latents from nothing, and what size they have.

use super::pixels;
use crate::values::{Latent, names, take};
use kiln_core::{Cx, Node, NodeError, Param};

/// The nodes of this file.
pub(super) fn nodes() -> Vec<Node> {
    vec![
        empty("EmptyLatent", 4, 512, 8.0)
            .title("Empty latent")
            .doc(
                "Nothing drawn yet: what a sampler starts from to make a new picture. Its size is the picture's size. A \
                 latent is a picture as diffusion models see it: an eighth as wide and high, with four channels instead \
                 of colours.",
            ),
        empty("EmptySd3Latent", 16, 1024, 16.0)
            .title("Empty latent with 16 channels")
            .doc("Nothing drawn yet, for models whose latents have 16 channels: Stable Diffusion 3 and Flux."),
        latent_size(),
    ]
}

/// Width or height in latent pixels.
fn side(cx: &Cx<'_>, name: &str) -> Result<usize, NodeError> {
    match cx.count(name)? / 8 {
        0 => Err(NodeError::new(format!("{name} is less than one latent pixel"))
            .at(name)
            .hint("set it to 16 or more")),
        side => Ok(side),
    }
}

/// EmptyLatent, EmptySd3Latent.
fn empty(name: &'static str, channels: usize, size: i64, step: f64) -> Node {
    Node::pure(name, 1, move |cx| {
        let shape = [cx.count("batch_size")?, channels, side(cx, "height")?, side(cx, "width")?];
        cx.set("latent", Latent::zeros(shape)?);
        Ok(())
    })
    .category("latent/new")
    .param(pixels("width", size, 16, "How wide the picture will be.").step(step))
    .param(pixels("height", size, 16, "How high the picture will be.").step(step))
    .param(
        Param::int("batch_size", 1, 1..=4096)
            .doc("How many pictures are drawn at once from one seed, each with noise of its own."),
    )
    .output("latent", names::LATENT, "An empty latent.")
}

/// LatentSize.
fn latent_size() -> Node {
    Node::pure("LatentSize", 1, |cx| {
        let latent: Latent = take(cx, "latent")?;
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        cx.set("width", number(latent.width().saturating_mul(latent.factor)));
        cx.set("height", number(latent.height().saturating_mul(latent.factor)));
        cx.set("batch_size", number(latent.batch()));
        Ok(())
    })
    .title("Size of a latent")
    .category("latent/size")
    .doc("How wide and high the pictures of a latent will be, and how many there are.")
    .input("latent", names::LATENT, "The latent, or a batch of them.")
    .input_was(&["samples"])
    .output("width", kiln_types::names::INT, "Width of a picture, in pixels.")
    .output("height", kiln_types::names::INT, "Height of a picture, in pixels.")
    .output("batch_size", kiln_types::names::INT, "How many pictures.")
}
