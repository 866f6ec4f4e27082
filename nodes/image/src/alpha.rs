//! Transparency: put on, taken off, laid on a colour.

use crate::ports::{Said, filter};
use kiln_core::{Node, Param};
use kiln_pixels::batch::with_channels;
use kiln_pixels::mask::{join_alpha, split_alpha};
use kiln_types::{Color, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![join_image_with_alpha(), split_image_with_alpha(), drop_alpha(), flatten_alpha()]
}

/// JoinImageWithAlpha.
fn join_image_with_alpha() -> Node {
    Node::pure("JoinImageWithAlpha", 1, |cx| {
        let joined = join_alpha(&*cx.image("image")?, &*cx.mask("alpha")?).said()?;
        cx.set("image", joined);
        Ok(())
    })
    .title("Make transparent")
    .category("image/alpha")
    .doc("The picture, transparent where a mask selects.")
    .input("image", names::IMAGE, "The picture, or a batch of them.")
    .input("alpha", names::MASK, "What becomes transparent (1), brought to the picture's size.")
    .output("image", names::IMAGE, "The picture with alpha.")
}

/// SplitImageWithAlpha.
fn split_image_with_alpha() -> Node {
    Node::pure("SplitImageWithAlpha", 1, |cx| {
        let (image, mask) = split_alpha(&*cx.image("image")?).said()?;
        cx.set("image", image);
        cx.set("mask", mask);
        Ok(())
    })
    .title("Split off transparency")
    .category("image/alpha")
    .doc("The picture's colours, and a mask of what is transparent in it.")
    .input("image", names::IMAGE, "The picture, or a batch of them.")
    .output("image", names::IMAGE, "The colours, without alpha.")
    .output("mask", names::MASK, "1 where the picture is transparent; all 0 when it has no alpha.")
}

/// DropAlpha.
fn drop_alpha() -> Node {
    filter("DropAlpha", 1, |_, image| with_channels(image, 3).said())
        .title("Drop transparency")
        .category("image/alpha")
        .doc("The picture's colours as they are, also those that were transparent. FlattenAlpha lays them on a colour.")
}

/// FlattenAlpha.
fn flatten_alpha() -> Node {
    filter("FlattenAlpha", 1, |cx, image| {
        if !image.has_alpha() {
            return Ok(image.clone());
        }
        let color = cx.color("color")?;
        let behind = [color.r, color.g, color.b];
        let mut out = kiln_types::Image::zeros(image.batch(), image.height(), image.width(), 3)?;
        let pixels = image.data().as_chunks::<4>().0;
        for (o, p) in out.data_mut().as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
            let a = p[3].clamp(0.0, 1.0);
            *o = [0, 1, 2].map(|c| p[c] * a + behind[c] * (1.0 - a));
        }
        Ok(out)
    })
    .title("Flatten on a colour")
    .category("image/alpha")
    .doc("The picture on one colour, without alpha.")
    .param(Param::color("color", Color::WHITE).doc("The colour behind it; its own alpha is not used."))
}
