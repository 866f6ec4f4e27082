//! Other sizes, as ComfyUI's nodes make them.

use crate::ports::{Said, choice, filter, pixels};
use kiln_core::{Node, Param};
use kiln_pixels::resample::{Crop, Method};
use kiln_pixels::scale::{scale, scale_by, scale_longest, scale_to_megapixels};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![image_scale(), image_scale_by(), image_scale_to_total_pixels(), image_scale_to_max_dimension()]
}

fn method() -> Param {
    Param::choice("upscale_method", Method::NAMES).doc(
        "How pixels between pixels are found. lanczos is the sharpest and works on 8 bits; area is good for \
         shrinking; nearest-exact keeps pixels square.",
    )
}

/// ImageScale.
fn image_scale() -> Node {
    filter("ImageScale", 1, |cx, image| {
        let (method, crop) =
            (choice(cx, "upscale_method", Method::from_name)?, choice(cx, "crop", Crop::from_name)?);
        scale(image, cx.count("width")?, cx.count("height")?, method, crop).said()
    })
    .title("Scale picture")
    .category("image/size")
    .doc("The picture at another size, as ComfyUI scales it. ResizeImage has finer filters and fits shapes.")
    .param(method())
    .param(pixels("width", 512, 0, "The new width; 0 follows from the height and keeps the shape."))
    .param(pixels("height", 512, 0, "The new height; 0 follows from the width and keeps the shape."))
    .param(
        Param::choice("crop", Crop::NAMES)
            .doc("disabled stretches the picture to the new shape; center cuts its middle out first."),
    )
}

/// ImageScaleBy.
fn image_scale_by() -> Node {
    filter("ImageScaleBy", 1, |cx, image| {
        scale_by(image, cx.float("scale_by")?, choice(cx, "upscale_method", Method::from_name)?).said()
    })
    .title("Scale picture by a factor")
    .category("image/size")
    .doc("The picture some times as wide and high.")
    .param(method())
    .param(Param::float("scale_by", 1.0, 0.01..=8.0).unit("x").doc("How many times as wide and high."))
}

/// ImageScaleToTotalPixels.
fn image_scale_to_total_pixels() -> Node {
    filter("ImageScaleToTotalPixels", 1, |cx, image| {
        let method = choice(cx, "upscale_method", Method::from_name)?;
        scale_to_megapixels(image, cx.float("megapixels")?, cx.count("resolution_steps")?, method).said()
    })
    .title("Scale picture to megapixels")
    .category("image/size")
    .doc("The picture with about so many pixels in all, its shape kept.")
    .param(method())
    .param(
        Param::float("megapixels", 1.0, 0.01..=64.0)
            .unit("MP")
            .doc("How many pixels in all; a megapixel here is 1024 x 1024 of them."),
    )
    .param(
        Param::int("resolution_steps", 1, 1..=256)
            .unit("px")
            .doc("Width and height become multiples of this."),
    )
}

/// ImageScaleToMaxDimension.
fn image_scale_to_max_dimension() -> Node {
    filter("ImageScaleToMaxDimension", 1, |cx, image| {
        scale_longest(image, cx.count("largest_size")?, choice(cx, "upscale_method", Method::from_name)?)
            .said()
    })
    .title("Scale picture to its longer side")
    .category("image/size")
    .doc("The picture with its longer side of this length, its shape kept.")
    .param(method().default("area"))
    .param(pixels("largest_size", 512, 1, "The length of the longer side."))
}
