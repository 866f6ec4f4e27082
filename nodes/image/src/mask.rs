//! Masks: made, changed, put together.

use crate::ports::{Said, choice, mask_filter, offset, pixels};
use kiln_core::{Node, Param};
use kiln_pixels::blur::gaussian_mask;
use kiln_pixels::mask::{crop, invert, solid, threshold};
use kiln_pixels::mask_shape::{MaskOp, combine, feather, grow};
use kiln_types::names;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![
        solid_mask(),
        invert_mask(),
        crop_mask(),
        mask_composite(),
        feather_mask(),
        grow_mask(),
        threshold_mask(),
        blur_mask(),
    ]
}

/// SolidMask.
fn solid_mask() -> Node {
    Node::pure("SolidMask", 1, |cx| {
        let mask = solid(cx.float32("value")?, cx.count("width")?, cx.count("height")?).said()?;
        cx.set("mask", mask);
        Ok(())
    })
    .title("Plain mask")
    .category("mask/make")
    .doc("A mask with one value everywhere.")
    .param(Param::float("value", 1.0, 0.0..=1.0).doc("1 selects everything, 0 nothing."))
    .param(pixels("width", 512, 1, "The mask's width."))
    .param(pixels("height", 512, 1, "The mask's height."))
    .output("mask", names::MASK, "The mask.")
}

/// InvertMask.
fn invert_mask() -> Node {
    mask_filter("InvertMask", 1, |_, mask| invert(mask).said())
        .title("Invert mask")
        .category("mask/shape")
        .doc("What the mask does not select.")
}

/// CropMask.
fn crop_mask() -> Node {
    mask_filter("CropMask", 1, |cx, mask| {
        crop(mask, cx.count("x")?, cx.count("y")?, cx.count("width")?, cx.count("height")?).said()
    })
    .title("Crop mask")
    .category("mask/shape")
    .doc("A part of the mask, as far as the mask reaches.")
    .param(pixels("x", 0, 0, "How far right of the mask's left edge the part begins."))
    .param(pixels("y", 0, 0, "How far below the mask's top edge the part begins."))
    .param(pixels("width", 512, 1, "The part's width."))
    .param(pixels("height", 512, 1, "The part's height."))
}

/// MaskComposite.
fn mask_composite() -> Node {
    Node::pure("MaskComposite", 1, |cx| {
        let op = choice(cx, "operation", MaskOp::from_name)?;
        let (under, over) = (cx.mask("destination")?, cx.mask("source")?);
        let made = combine(&under, &over, offset(cx, "x")?, offset(cx, "y")?, op).said()?;
        cx.set("mask", made);
        Ok(())
    })
    .title("Combine masks")
    .category("mask/shape")
    .doc("One mask acting on another at a place; what stands over is cut off.")
    .input("destination", names::MASK, "The mask that is changed.")
    .input("source", names::MASK, "The mask that acts on it.")
    .param(Param::int("x", 0, -16384..=16384).unit("px").doc("How far right of the destination's left edge."))
    .param(Param::int("y", 0, -16384..=16384).unit("px").doc("How far below the destination's top edge."))
    .param(Param::choice("operation", MaskOp::NAMES).doc(
        "What is done with the two values; and, or and xor round them to 0 and 1 first. The result stays within 0 \
         to 1.",
    ))
    .output("mask", names::MASK, "The changed mask.")
}

/// FeatherMask.
fn feather_mask() -> Node {
    mask_filter("FeatherMask", 1, |cx, mask| {
        feather(mask, cx.count("left")?, cx.count("top")?, cx.count("right")?, cx.count("bottom")?).said()
    })
    .title("Feather mask")
    .category("mask/shape")
    .doc("The mask faded out towards its own borders. BlurMask softens what it selects.")
    .param(pixels("left", 0, 0, "Over so many pixels on the left."))
    .param(pixels("top", 0, 0, "Over so many pixels on top."))
    .param(pixels("right", 0, 0, "Over so many pixels on the right."))
    .param(pixels("bottom", 0, 0, "Over so many pixels at the bottom."))
    .identity("mask", |given| ["left", "top", "right", "bottom"].iter().all(|s| given.number(s) == Some(0.0)))
}

/// GrowMask.
fn grow_mask() -> Node {
    mask_filter("GrowMask", 1, |cx, mask| {
        let by = i32::try_from(cx.int("expand")?).unwrap_or(0);
        grow(mask, by, cx.bool("tapered_corners")?).said()
    })
    .title("Grow or shrink mask")
    .category("mask/shape")
    .doc("The mask grown, or shrunk by a negative amount.")
    .param(Param::int("expand", 0, -16384..=16384).unit("px").doc("By how much; negative shrinks."))
    .param(Param::bool("tapered_corners", true).doc("On: in diamonds. Off: in squares."))
    .identity("mask", |given| given.number("expand") == Some(0.0))
}

/// ThresholdMask.
fn threshold_mask() -> Node {
    mask_filter("ThresholdMask", 1, |cx, mask| threshold(mask, cx.float32("value")?).said())
        .title("Harden mask")
        .category("mask/shape")
        .doc("Selected fully above a value, not at all elsewhere.")
        .param(Param::float("value", 0.5, 0.0..=1.0).doc("What is above this becomes 1, the rest 0."))
}

/// BlurMask.
fn blur_mask() -> Node {
    mask_filter("BlurMask", 1, |cx, mask| gaussian_mask(mask, cx.float("sigma")?).said())
        .title("Soften mask")
        .category("mask/shape")
        .doc("The mask blurred with a bell curve.")
        .param(
            Param::float("sigma", 4.0, 0.0..=256.0)
                .step(0.1)
                .unit("px")
                .doc("The curve's deviation; 0 changes nothing."),
        )
        .identity("mask", |given| given.number("sigma") == Some(0.0))
}
