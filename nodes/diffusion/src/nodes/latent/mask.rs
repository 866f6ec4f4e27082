//! Where a latent may be redrawn.

use super::filter;
use crate::latent::batch::{mask_of, with_mask};
use crate::values::{Latent, names, take};
use kiln_core::Node;
use kiln_types::names as plain;

/// The nodes of this file.
pub(super) fn nodes() -> Vec<Node> {
    vec![set_noise_mask(), latent_mask()]
}

/// SetNoiseMask.
fn set_noise_mask() -> Node {
    filter("SetNoiseMask", |cx, latent| Ok(with_mask(latent.clone(), &*cx.mask("mask")?)))
        .title("Set noise mask")
        .category("latent/mask")
        .doc(
            "Says where a sampler may redraw the latent: everything else stays. Grey is redrawn in part. Any size of mask \
             will do, it is brought to the latent's.",
        )
        .input("mask", plain::MASK, "1 where the picture is redrawn.")
}

/// LatentMask.
fn latent_mask() -> Node {
    Node::pure("LatentMask", 1, |cx| {
        let latent: Latent = take(cx, "latent")?;
        cx.set("mask", mask_of(&latent)?);
        Ok(())
    })
    .title("Noise mask of a latent")
    .category("latent/mask")
    .doc("Where a latent may be redrawn, as a mask.")
    .input("latent", names::LATENT, "The latent, or a batch of them.")
    .input_was(&["samples"])
    .output(
        "mask",
        plain::MASK,
        "1 where it is redrawn, at the size the mask was set with; all 1 and of the picture's size when none was set.",
    )
}
