//! Blurred, sharpened, and what a square window finds.

use crate::ports::{Said, choice, filter};
use kiln_core::{Node, Param};
use kiln_pixels::blur::{blur, box_blur, gaussian, sharpen, unsharp};
use kiln_pixels::canny::canny;
use kiln_pixels::morphology::{Morph, morphology};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![
        image_blur(),
        image_sharpen(),
        gaussian_blur(),
        box_blur_node(),
        unsharp_node(),
        morphology_node(),
        canny_node(),
    ]
}

/// ImageBlur.
fn image_blur() -> Node {
    filter("ImageBlur", 1, |cx, image| blur(image, cx.count("blur_radius")?, cx.float("sigma")?).said())
        .title("Blur (ComfyUI)")
        .category("image/filter")
        .doc("The picture blurred with a bell curve that is cut off at a radius. GaussianBlur takes pixels alone.")
        .param(Param::int("blur_radius", 1, 1..=31).unit("px").doc("Where the curve ends."))
        .param(Param::float("sigma", 1.0, 0.1..=10.0).step(0.1).unit("radii").doc("How wide the curve is, in radii."))
}

/// ImageSharpen.
fn image_sharpen() -> Node {
    filter("ImageSharpen", 1, |cx, image| {
        sharpen(image, cx.count("sharpen_radius")?, cx.float("sigma")?, cx.float32("alpha")?).said()
    })
    .title("Sharpen (ComfyUI)")
    .category("image/filter")
    .doc("The picture with ten times alpha of its difference to a blur added. Unsharp has a threshold.")
    .param(Param::int("sharpen_radius", 1, 1..=31).unit("px").doc("Where the blur's curve ends."))
    .param(
        Param::float("sigma", 1.0, 0.1..=10.0)
            .step(0.1)
            .unit("radii")
            .doc("How wide the curve is, in radii."),
    )
    .param(Param::float("alpha", 1.0, 0.0..=5.0).step(0.1).doc("How strongly; 0.1 is visible, 1 is a lot."))
}

/// GaussianBlur.
fn gaussian_blur() -> Node {
    filter("GaussianBlur", 1, |cx, image| gaussian(image, cx.float("sigma")?).said())
        .title("Gaussian blur")
        .category("image/filter")
        .doc("The picture blurred with a bell curve.")
        .param(
            Param::float("sigma", 2.0, 0.0..=256.0)
                .step(0.1)
                .unit("px")
                .doc("The curve's deviation; 0 changes nothing."),
        )
        .identity("image", |given| given.number("sigma") == Some(0.0))
}

/// BoxBlur.
fn box_blur_node() -> Node {
    filter("BoxBlur", 1, |cx, image| box_blur(image, cx.count("radius")?).said())
        .title("Box blur")
        .category("image/filter")
        .doc("Each pixel becomes the mean of the square around it.")
        .param(Param::int("radius", 2, 0..=1024).unit("px").doc("The square reaches so far to each side."))
        .identity("image", |given| given.number("radius") == Some(0.0))
}

/// Unsharp.
fn unsharp_node() -> Node {
    filter("Unsharp", 1, |cx, image| {
        unsharp(image, cx.float("sigma")?, cx.float32("amount")?, cx.float32("threshold")?).said()
    })
    .title("Unsharp mask")
    .category("image/filter")
    .doc("The picture sharpened: its difference to a blur of itself is added.")
    .param(Param::float("sigma", 1.5, 0.0..=256.0).step(0.1).unit("px").doc("How coarse the details are."))
    .param(Param::float("amount", 0.6, 0.0..=100.0).doc("How strongly; 0 changes nothing."))
    .param(
        Param::float("threshold", 0.0, 0.0..=1.0)
            .doc("Smaller differences are left alone, so that noise stays calm."),
    )
    .identity("image", |given| given.number("amount") == Some(0.0))
}

/// Morphology.
fn morphology_node() -> Node {
    filter("Morphology", 1, |cx, image| {
        morphology(image, choice(cx, "operation", Morph::from_name)?, cx.count("kernel_size")?).said()
    })
    .title("Morphology")
    .category("image/filter")
    .doc("The darkest or brightest of the square around each pixel, and what can be made of the two.")
    .param(Param::choice("operation", Morph::NAMES).doc(
        "erode takes the darkest, dilate the brightest; open and close do both; gradient is their difference; \
         top_hat and bottom_hat are what open and close take away.",
    ))
    .param(Param::int("kernel_size", 3, 1..=999).unit("px").doc("The side of the square."))
}

/// Canny.
fn canny_node() -> Node {
    filter("Canny", 1, |cx, image| {
        canny(image, cx.float32("low_threshold")?, cx.float32("high_threshold")?).said()
    })
    .title("Edges (Canny)")
    .category("image/filter")
    .doc("The picture's edges, white on black.")
    .param(
        Param::float("low_threshold", 0.4, 0.01..=0.99)
            .doc("Edges this steep count if they touch a steeper one."),
    )
    .param(
        Param::float("high_threshold", 0.8, 0.01..=0.99)
            .doc("Edges this steep always count; not below the other."),
    )
    .check(|given| match (given.number("low_threshold"), given.number("high_threshold")) {
        (Some(low), Some(high)) if low > high => vec![
            kiln_core::NodeError::new(format!("low_threshold {low} is above high_threshold {high}"))
                .at("low_threshold")
                .hint("swap them"),
        ],
        _ => Vec::new(),
    })
}
