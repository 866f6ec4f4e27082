//! Two latents in one, number by number.

use super::{filter, pair};
use crate::latent::mix::{add, blend, interpolate, multiply, subtract};
use kiln_core::{Node, Param};

/// The nodes of this file.
pub(super) fn nodes() -> Vec<Node> {
    vec![latent_blend(), latent_interpolate(), latent_add(), latent_subtract(), latent_multiply()]
}

const PORTS: [&str; 2] = ["samples1", "samples2"];
const DOCS: [&str; 2] = [
    "The first latent: its size counts, and its noise mask is kept.",
    "The second latent, brought to the first one's size with its middle cut out.",
];

/// LatentBlend.
fn latent_blend() -> Node {
    pair("LatentBlend", PORTS, DOCS, |cx, a, b| blend(a, b, cx.float("blend_factor")?))
        .title("Blend two latents")
        .category("latent/combine")
        .doc("Some of the first latent and the rest of the second. Interpolate latents keeps more contrast.")
        .param(
            Param::float("blend_factor", 0.5, 0.0..=1.0)
                .doc("How much of the first: 1 gives the first, 0 the second."),
        )
}

/// LatentInterpolate.
fn latent_interpolate() -> Node {
    pair("LatentInterpolate", PORTS, DOCS, |cx, a, b| interpolate(a, b, cx.float("ratio")?))
        .title("Interpolate latents")
        .category("latent/combine")
        .doc(
            "Between two latents. Where the pixels' channels point and how far they reach are mixed apart, so that the \
             result is not paler than both.",
        )
        .param(Param::float("ratio", 1.0, 0.0..=1.0).doc("How much of the first: 1 gives the first, 0 the second."))
}

/// LatentAdd.
fn latent_add() -> Node {
    pair("LatentAdd", PORTS, DOCS, |_, a, b| add(a, b))
        .title("Add latents")
        .category("latent/arithmetic")
        .doc("Both latents summed, number by number. A shorter second batch starts again when it ends.")
}

/// LatentSubtract.
fn latent_subtract() -> Node {
    pair("LatentSubtract", PORTS, DOCS, |_, a, b| subtract(a, b))
        .title("Subtract latents")
        .category("latent/arithmetic")
        .doc(
            "The second latent taken from the first, number by number. A shorter second batch starts again when it \
             ends.",
        )
}

/// LatentMultiply.
fn latent_multiply() -> Node {
    filter("LatentMultiply", |cx, latent| Ok(multiply(latent, cx.float32("multiplier")?)))
        .title("Multiply latent")
        .category("latent/arithmetic")
        .doc("Every number of the latent times another: above 1 more contrast, below 1 less, negative inside out.")
        .param(Param::float("multiplier", 1.0, -10.0..=10.0).unit("x").doc("Times what."))
        .identity("latent", |given| given.number("multiplier") == Some(1.0))
}
