//! Latents mirrored, turned and cut out.

use super::{choice, filter, pixels};
use crate::latent::arrange::{crop, flip, rotate};
use kiln_core::{Node, Param};
use kiln_pixels::geometry::{Flip, Turn};

/// The nodes of this file.
pub(super) fn nodes() -> Vec<Node> {
    vec![latent_flip(), latent_rotate(), latent_crop()]
}

/// LatentFlip.
fn latent_flip() -> Node {
    filter("LatentFlip", |cx, latent| {
        let how = choice(cx, "flip_method", |word| match word {
            "x-axis: vertically" => Some(Flip::Vertical),
            "y-axis: horizontally" => Some(Flip::Horizontal),
            _ => None,
        })?;
        flip(latent, how)
    })
    .title("Mirror latent")
    .category("latent/transform")
    .doc("The latent upside down or mirrored left to right. The noise mask stays as it is.")
    .param(
        Param::choice("flip_method", &["x-axis: vertically", "y-axis: horizontally"])
            .doc("Over the x axis, top becomes bottom; over the y axis, left becomes right."),
    )
}

/// LatentRotate.
fn latent_rotate() -> Node {
    filter("LatentRotate", |cx, latent| {
        let how = choice(cx, "rotation", |word| match word {
            "none" => Some(Turn::None),
            "90 degrees" => Some(Turn::Quarter),
            "180 degrees" => Some(Turn::Half),
            "270 degrees" => Some(Turn::ThreeQuarters),
            _ => None,
        })?;
        rotate(latent, how)
    })
    .title("Rotate latent")
    .category("latent/transform")
    .doc("The latent turned clockwise. The noise mask stays as it is.")
    .param(
        Param::choice("rotation", &["none", "90 degrees", "180 degrees", "270 degrees"])
            .doc("How far, clockwise."),
    )
    .identity("latent", |given| given.text("rotation").as_deref() == Some("none"))
}

/// LatentCrop.
fn latent_crop() -> Node {
    filter("LatentCrop", |cx, latent| {
        let place = |name| Ok::<_, kiln_core::NodeError>(cx.count(name)? / latent.factor);
        crop(latent, [place("y")?, place("x")?], [place("height")?, place("width")?])
    })
    .title("Crop latent")
    .category("latent/transform")
    .doc("A part of the latent, as far as it reaches. The noise mask stays as it is.")
    .param(pixels("width", 512, 64, "How wide the part is in the picture."))
    .param(pixels("height", 512, 64, "How high the part is in the picture."))
    .param(pixels("x", 0, 0, "How far from the picture's left edge it begins."))
    .param(pixels("y", 0, 0, "How far from the picture's top edge it begins."))
}
