//! Pictures made of noise.

use crate::ports::{Said, choice};
use kiln_core::{Node, Param};
use kiln_pixels::noise::{Noise, NoiseOptions, noise_image};
use kiln_types::names;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![noise_image_node()]
}

/// NoiseImage.
fn noise_image_node() -> Node {
    Node::pure("NoiseImage", 1, |cx| {
        let (width, height) = cx.size("size")?;
        let options = NoiseOptions {
            kind: choice(cx, "kind", Noise::from_name)?,
            seed: cx.seed("seed")?,
            scale: cx.float32("scale")?,
            octaves: cx.count("octaves")?,
            gain: cx.float32("gain")?,
            amount: cx.float32("amount")?,
            color: cx.bool("color")?,
        };
        let image = noise_image(width, height, cx.count("batch")?, &options).said()?;
        cx.set("image", image);
        Ok(())
    })
    .title("Noise")
    .category("image/make")
    .doc("A picture of noise. The same seed gives the same noise, and a larger picture continues a smaller one.")
    .param(Param::size("size", 512, 512).doc("Width and height."))
    .param(Param::seed("seed").doc("Which noise."))
    .param(Param::choice("kind", Noise::NAMES).default("fbm").doc(
        "uniform and gaussian change from pixel to pixel; value and perlin are smooth spots; fbm is clouds; paper is \
         clouds, fibres and grain near white.",
    ))
    .param(Param::float("scale", 64.0, 1.0..=65536.0).step(1.0).unit("px").doc("How large the spots of the smooth kinds are."))
    .param(Param::int("octaves", 5, 1..=12).doc("How many layers clouds and paper have, each twice as fine."))
    .param(Param::float("gain", 0.5, 0.0..=1.0).doc("How strong each layer is compared with the one before."))
    .param(Param::float("amount", 1.0, 0.0..=10.0).doc("How far values spread around the middle; 0 is flat."))
    .param(Param::bool("color", false).doc("Red, green and blue each have noise of their own."))
    .param(Param::int("batch", 1, 1..=4096).doc("How many pictures, each another."))
    .output("image", names::IMAGE, "The noise.")
}
