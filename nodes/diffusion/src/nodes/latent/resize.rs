//! Latents at another size.

use super::{choice, filter, pixels};
use crate::latent::resize::{Method, resize, size_by, size_for};
use kiln_core::{Node, Param};
use kiln_pixels::resample::Crop;

/// The nodes of this file.
pub(super) fn nodes() -> Vec<Node> {
    vec![latent_upscale(), latent_upscale_by()]
}

fn method() -> Param {
    Param::choice("upscale_method", Method::NAMES).doc(
        "How latent pixels between latent pixels are found. nearest-exact keeps them square; bilinear and bicubic mix \
         neighbours; area is good for shrinking; bislerp turns from one to the next and keeps contrast.",
    )
}

/// LatentUpscale.
fn latent_upscale() -> Node {
    filter("LatentUpscale", |cx, latent| {
        let (method, crop) =
            (choice(cx, "upscale_method", Method::from_name)?, choice(cx, "crop", Crop::from_name)?);
        match size_for(latent, cx.count("width")?, cx.count("height")?) {
            Some(size) => resize(latent, size, method, crop),
            None => Ok(latent.clone()),
        }
    })
    .title("Scale latent")
    .category("latent/size")
    .doc(
        "The latent for a picture of another size. The result looks blurred or blocky until a sampler goes over it with \
         a denoise of about 0.5: that is how a picture gets large and detailed. The noise mask stays as it is.",
    )
    .param(method())
    .param(pixels("width", 512, 0, "The picture's new width, at least 64; 0 follows from the height and keeps the shape."))
    .param(pixels("height", 512, 0, "The picture's new height, at least 64; 0 follows from the width and keeps the shape."))
    .param(
        Param::choice("crop", Crop::NAMES)
            .doc("disabled stretches the latent to the new shape; center cuts its middle out first."),
    )
}

/// LatentUpscaleBy.
fn latent_upscale_by() -> Node {
    filter("LatentUpscaleBy", |cx, latent| {
        let method = choice(cx, "upscale_method", Method::from_name)?;
        resize(latent, size_by(latent, cx.float("scale_by")?), method, Crop::Disabled)
    })
    .title("Scale latent by a factor")
    .category("latent/size")
    .doc(
        "The latent for a picture some times as wide and high, to be gone over by a sampler. The noise mask stays as it \
         is.",
    )
    .param(method())
    .param(Param::float("scale_by", 1.5, 0.01..=8.0).unit("x").doc("How many times as wide and high."))
}
