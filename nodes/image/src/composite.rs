//! Pictures laid over one another.

use crate::ports::{Said, choice, offset};
use kiln_core::{Node, Param};
use kiln_pixels::batch::with_channels;
use kiln_pixels::composite::{PorterDuff, composite, porter_duff};
use kiln_pixels::mask::{invert, split_alpha};
use kiln_pixels::resample::{Crop, Method, fit, fit_mask};
use kiln_types::{Color, Image, Mask, names};
use std::sync::Arc;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![porter_duff_node(), image_composite_masked(), replace_background()]
}

/// PorterDuffImageComposite.
fn porter_duff_node() -> Node {
    Node::pure("PorterDuffImageComposite", 1, |cx| {
        let mode = choice(cx, "mode", PorterDuff::from_name)?;
        let (mut over, mut under) = (cx.image("source")?, cx.image("destination")?);
        // The masks say what is transparent: alpha that only one of the two has says nothing.
        if over.channels() != under.channels() {
            over = Arc::new(with_channels(&over, 3).said()?);
            under = Arc::new(with_channels(&under, 3).said()?);
        }
        let masks = (cx.mask("source_alpha")?, cx.mask("destination_alpha")?);
        let (image, mask) = porter_duff(&over, &masks.0, &under, &masks.1, mode).said()?;
        cx.set("image", image);
        cx.set("mask", mask);
        Ok(())
    })
    .title("Composite by Porter and Duff")
    .category("image/combine")
    .doc(
        "The source and the destination put together by one of the rules of Porter and Duff. Everything takes the \
         destination's size. Masks select what is transparent.",
    )
    .input("source", names::IMAGE, "The picture that is laid on.")
    .input("source_alpha", names::MASK, "What is transparent in the source.")
    .input("destination", names::IMAGE, "The picture below.")
    .input("destination_alpha", names::MASK, "What is transparent in the destination.")
    .param(Param::choice("mode", PorterDuff::NAMES).default("DST").doc("The rule."))
    .output("image", names::IMAGE, "The colours.")
    .output("mask", names::MASK, "What is transparent in the result.")
}

/// ImageCompositeMasked.
fn image_composite_masked() -> Node {
    Node::pure("ImageCompositeMasked", 1, |cx| {
        let (under, over) = (cx.image("destination")?, cx.image("source")?);
        let mask = cx.maybe_mask("mask")?;
        let (x, y) = (offset(cx, "x")?, offset(cx, "y")?);
        let made = composite(&under, &over, x, y, cx.bool("resize_source")?, mask.as_deref()).said()?;
        cx.set("image", made);
        Ok(())
    })
    .title("Lay a picture on another")
    .category("image/combine")
    .doc("The source on the destination at a place, where a mask says; what stands over is cut off.")
    .input("destination", names::IMAGE, "The picture below.")
    .input("source", names::IMAGE, "The picture to lay on it.")
    .param(Param::int("x", 0, -16384..=16384).unit("px").doc("How far right of the destination's left edge."))
    .param(Param::int("y", 0, -16384..=16384).unit("px").doc("How far below the destination's top edge."))
    .param(Param::bool("resize_source", false).doc("Bring the source to the destination's size first."))
    .optional("mask", names::MASK, "Where the source shows, brought to its size; everywhere when not linked.")
    .output("image", names::IMAGE, "Both pictures in one.")
}

/// One colour of a picture's size.
fn plain(like: &Image, color: Color) -> Result<Image, kiln_types::PictureError> {
    let mut out = Image::zeros(1, like.height(), like.width(), 3)?;
    out.data_mut().as_chunks_mut::<3>().0.fill([color.r, color.g, color.b]);
    Ok(out)
}

/// ReplaceBackground.
fn replace_background() -> Node {
    Node::pure("ReplaceBackground", 1, |cx| {
        let image = cx.image("image")?;
        let (w, h) = (image.width(), image.height());
        let subject: Mask = match cx.maybe_mask("subject")? {
            Some(mask) if (mask.width(), mask.height()) == (w, h) => (*mask).clone(),
            Some(mask) => fit_mask(&mask, w, h, Method::Bilinear, Crop::Disabled).said()?,
            None => invert(&split_alpha(&image).said()?.1).said()?,
        };
        let under = match cx.maybe_image("background")? {
            Some(back) => {
                with_channels(&fit(&back, w, h, Method::Bicubic, Crop::Center).said()?, 3).said()?
            }
            None => plain(&image, cx.color("color")?)?,
        };
        let frames = image.batch().max(under.batch());
        let under = if under.batch() == 1 && frames > 1 {
            kiln_pixels::batch::repeat(&under, frames).said()?
        } else {
            under
        };
        let over = with_channels(&image, 3).said()?;
        let made = composite(&under, &over, 0, 0, false, Some(&subject)).said()?;
        cx.set("image", made);
        Ok(())
    })
    .title("Replace background")
    .category("image/combine")
    .doc("The subject of a picture before another picture or a colour. The result has no alpha.")
    .input("image", names::IMAGE, "The picture with the subject.")
    .optional("subject", names::MASK, "Where the subject is (1); when not linked, the picture's alpha tells.")
    .optional("background", names::IMAGE, "What goes behind it, its middle cut out to the same shape.")
    .param(Param::color("color", Color::WHITE).doc("What goes behind it when no background is linked."))
    .output("image", names::IMAGE, "The subject before its new background.")
}
