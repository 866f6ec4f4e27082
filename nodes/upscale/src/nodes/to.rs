//! A picture at a wanted size, by a network and a resample.

use kiln_core::{Cx, Node, NodeError, Param};
use kiln_pixels::PixelError;
use kiln_pixels::antialias::{Filter, resize};
use kiln_pixels::geometry::crop_center;
use kiln_shelf::Shelf;
use kiln_types::{Image, Value, names};
use std::sync::Arc;

use super::{run, tile_params, tiles};
use crate::target::{Target, Wanted, runs};
use crate::value::{UPSCALE_MODEL, UpscaleModel};

/// How the new size is said.
const BY: &[&str] = &["factor", "size", "longest side", "megapixels"];

/// Filters, by name.
const FILTERS: &[&str] = &["lanczos", "catmull-rom", "mitchell", "triangle", "box"];

fn wanted(cx: &Cx<'_>) -> Result<Wanted, NodeError> {
    Ok(match &*cx.text("by")? {
        "factor" => Wanted::Factor(cx.float("factor")?),
        "longest side" => Wanted::Longest(cx.count("side")?),
        "megapixels" => Wanted::Megapixels(cx.float("megapixels")?),
        _ => {
            let (width, height) = cx.size("size")?;
            match &*cx.text("fit")? {
                "stretch" => Wanted::Stretch([width, height]),
                "cover" => Wanted::Cover([width, height]),
                _ => Wanted::Contain([width, height]),
            }
        }
    })
}

/// The picture at its final size.
fn finished(image: Image, Target { whole, cut }: Target, filter: Filter) -> Result<Image, PixelError> {
    let [width, height] = whole;
    let image =
        if [image.width(), image.height()] == whole { image } else { resize(&image, width, height, filter)? };
    if cut == whole { Ok(image) } else { crop_center(&image, cut[0], cut[1]) }
}

fn upscaled(cx: &Cx<'_>, shelf: &Shelf) -> Result<Image, NodeError> {
    let (image, model) = (cx.image("image")?, UpscaleModel::take(cx, "model")?);
    let target = wanted(cx)?.target([image.width(), image.height()]);
    let name = cx.text("filter")?;
    let filter = Filter::from_name(&name)
        .ok_or_else(|| NodeError::new(format!("{name:?} is no filter known here")).at("filter"))?;
    let runs = runs([image.width(), image.height()], target.whole, model.scale);
    let mut made = (*image).clone();
    if runs > 0 {
        let (upscaler, tiles) = (model.built(shelf)?, tiles(cx)?);
        // A run takes as many times longer as its picture is larger.
        let grown = (model.scale as u64).saturating_mul(model.scale as u64);
        let costs: Vec<u64> =
            (0..runs as u32).map(|n| grown.saturating_pow(n).saturating_mul(1000)).collect();
        let total = costs.iter().fold(0u64, |sum, cost| sum.saturating_add(*cost));
        let mut before = 0u64;
        for cost in costs {
            let mut progress = |done: usize, of: usize| {
                let part = cost / 1000 * (done as u64).saturating_mul(1000) / (of as u64).max(1);
                cx.progress(before.saturating_add(part).min(total), total);
            };
            made = run(cx, &upscaler, &made, tiles, &mut progress)?;
            before = before.saturating_add(cost);
        }
    }
    finished(made, target, filter).map_err(|error| NodeError::new(error.to_string()).at("image"))
}

/// UpscaleTo.
pub(super) fn upscale_to(shelf: Arc<Shelf>) -> Node {
    let node = Node::pure("UpscaleTo", 1, move |cx| {
        let made = upscaled(cx, &shelf)?;
        let side = |v: usize| u32::try_from(v).map_err(NodeError::new);
        cx.set("size", Value::Size(side(made.width())?, side(made.height())?));
        cx.set("image", made);
        Ok(())
    })
    .title("Upscale to a size")
    .category("upscale")
    .doc(
        "A picture at an exact size: the network runs as often as it takes to reach it, and a filter shrinks the result \
         to the pixel. When the picture is large enough already the network does not run at all. Colours are weighted by \
         alpha in the filter, so nothing hidden bleeds in.",
    )
    .input("image", names::IMAGE, "The picture, or a batch of them.")
    .input("model", UPSCALE_MODEL, "The upscaler.")
    .param(Param::choice("by", BY).doc(
        "How the new size is said: factor, size (width and height), longest side (the other follows), or megapixels.",
    ))
    .param(Param::float("factor", 2.0, 0.01..=64.0).unit("x").doc("Times as wide and high; used by \"factor\"."))
    .param(Param::size("size", 1024, 1024).doc("Width and height; used by \"size\"."))
    .param(
        Param::choice("fit", &["contain", "cover", "stretch"]).doc(
            "What \"size\" does with another shape: contain fits the whole picture in, cover fills the size and cuts \
             off what stands over, stretch distorts it.",
        ),
    )
    .param(
        Param::int("side", 2048, 1..=32768)
            .unit("px")
            .doc("The length of the longer side; used by \"longest side\"."),
    )
    .param(
        Param::float("megapixels", 4.0, 0.001..=1000.0)
            .unit("MP")
            .doc("Millions of pixels in all; used by \"megapixels\"."),
    )
    .param(Param::choice("filter", FILTERS).doc("The last resize, from the sharpest to the softest."));
    tile_params(node)
        .output("image", names::IMAGE, "The picture at that size, or a batch of as many.")
        .output("size", names::SIZE, "Its width and height.")
        .on_device()
}
