//! Room around a picture.

use crate::ports::{Said, filter, pixels};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_pixels::batch::with_channels;
use kiln_pixels::pad::{Fill, Margins, pad, pad_for_outpaint};
use kiln_types::{Color, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![pad_image(), image_pad_for_outpaint()]
}

fn margins(cx: &Cx<'_>, all: usize) -> Result<Margins, NodeError> {
    let side = |name: &str| cx.count(name).map(|v| v.saturating_add(all));
    Ok(Margins { left: side("left")?, top: side("top")?, right: side("right")?, bottom: side("bottom")? })
}

/// PadImage.
fn pad_image() -> Node {
    filter("PadImage", 1, |cx, image| {
        let margins = margins(cx, cx.count("size")?)?;
        let color = cx.color("color")?;
        match &*cx.text("mode")? {
            "edge" => pad(image, margins, Fill::Edge).said(),
            "reflect" => pad(image, margins, Fill::Reflect).said(),
            // A colour one can see through needs an alpha channel.
            _ if color.a < 1.0 && !image.has_alpha() => {
                pad(&with_channels(image, 4).said()?, margins, Fill::Color(color)).said()
            }
            _ => pad(image, margins, Fill::Color(color)).said(),
        }
    })
    .title("Frame picture")
    .category("image/shape")
    .doc("The picture with room around it: a frame of one colour, of its border pixels, or of its mirror image.")
    .param(pixels("size", 0, 0, "Pixels on every side."))
    .param(pixels("left", 0, 0, "Further pixels on the left."))
    .param(pixels("top", 0, 0, "Further pixels on top."))
    .param(pixels("right", 0, 0, "Further pixels on the right."))
    .param(pixels("bottom", 0, 0, "Further pixels at the bottom."))
    .param(Param::color("color", Color::BLACK).doc("The frame's colour; if it is see-through, the result has alpha."))
    .param(
        Param::choice("mode", &["color", "edge", "reflect"])
            .doc("What the frame shows: the colour, the nearest border pixel, or the picture mirrored."),
    )
    .identity("image", |given| {
        ["size", "left", "top", "right", "bottom"].iter().all(|side| given.number(side) == Some(0.0))
    })
}

/// ImagePadForOutpaint.
fn image_pad_for_outpaint() -> Node {
    Node::pure("ImagePadForOutpaint", 1, |cx| {
        let image = cx.image("image")?;
        let (image, mask) = pad_for_outpaint(&image, margins(cx, 0)?, cx.count("feathering")?).said()?;
        cx.set("image", image);
        cx.set("mask", mask);
        Ok(())
    })
    .title("Pad picture for outpainting")
    .category("image/shape")
    .doc("The picture with grey room around it to be painted, and a mask that selects that room.")
    .input("image", names::IMAGE, "The picture, or a batch of them.")
    .param(pixels("left", 0, 0, "Pixels on the left.").step(8.0))
    .param(pixels("top", 0, 0, "Pixels on top.").step(8.0))
    .param(pixels("right", 0, 0, "Pixels on the right.").step(8.0))
    .param(pixels("bottom", 0, 0, "Pixels at the bottom.").step(8.0))
    .param(pixels("feathering", 40, 0, "How far the mask fades into the picture."))
    .output("image", names::IMAGE, "The larger picture.")
    .output("mask", names::MASK, "1 on the new room, fading into the picture.")
}
