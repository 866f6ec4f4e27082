//! Other sizes with antialiasing filters, in full precision, colours weighted by alpha.

use crate::ports::{Said, choice, filter, pixels};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_pixels::PixelError;
use kiln_pixels::antialias::{Filter, resize};
use kiln_pixels::geometry::crop;
use kiln_pixels::resample::{Method, resize_premultiplied};
use kiln_types::Image;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![resize_image()]
}

/// How the new size is said.
const BY: &[&str] = &["size", "longest side", "shortest side", "factor", "megapixels"];

/// A side, rounded, at least one pixel.
fn side(v: f64) -> usize {
    if v.is_finite() { v.round().clamp(1.0, 65536.0) as usize } else { 1 }
}

/// What to do: resize to the first size, then cut the middle of the second size out.
struct Target {
    whole: [usize; 2],
    cut: [usize; 2],
}

fn target(cx: &Cx<'_>, image: &Image) -> Result<Target, NodeError> {
    let (w, h) = (image.width() as f64, image.height() as f64);
    let by = cx.text("by")?;
    let mut factor = match &*by {
        "size" => {
            let (width, height) = cx.size("size")?;
            let (across, down) = (width as f64 / w, height as f64 / h);
            match &*cx.text("fit")? {
                "stretch" => {
                    let shrink = !cx.bool("enlarge")?;
                    let limit = |new: usize, old: usize| if shrink { new.min(old) } else { new };
                    let sides = [limit(width, image.width()), limit(height, image.height())];
                    return Ok(Target { whole: sides, cut: sides });
                }
                "cover" => {
                    let factor = across.max(down);
                    if factor > 1.0 && !cx.bool("enlarge")? {
                        let sides = [image.width(), image.height()];
                        return Ok(Target { whole: sides, cut: [width.min(sides[0]), height.min(sides[1])] });
                    }
                    let whole = [side(w * factor).max(width), side(h * factor).max(height)];
                    return Ok(Target { whole, cut: [width, height] });
                }
                _ => across.min(down),
            }
        }
        "longest side" => cx.count("side")? as f64 / w.max(h),
        "shortest side" => cx.count("side")? as f64 / w.min(h),
        "factor" => cx.float("factor")?,
        _ => (cx.float("megapixels")? * 1e6 / (w * h)).sqrt(),
    };
    if !cx.bool("enlarge")? {
        factor = factor.min(1.0);
    }
    let sides = [side(w * factor), side(h * factor)];
    Ok(Target { whole: sides, cut: sides })
}

fn scaled(image: &Image, [w, h]: [usize; 2], method: &str) -> Result<Image, PixelError> {
    if [w, h] == [image.width(), image.height()] {
        return Ok(image.clone());
    }
    match Filter::from_name(method) {
        Some(filter) => resize(image, w, h, filter),
        None => resize_premultiplied(image, w, h, Method::NearestExact),
    }
}

/// ResizeImage.
fn resize_image() -> Node {
    filter("ResizeImage", 1, |cx, image| {
        let Target { whole, cut } = target(cx, image)?;
        let method = choice(cx, "method", |m| Some(m.to_owned()))?;
        let all = scaled(image, whole, &method).said()?;
        if cut == whole {
            return Ok(all);
        }
        let corner = [0, 1].map(|i| whole[i].saturating_sub(cut[i]) / 2);
        crop(&all, corner[0], corner[1], cut[0], cut[1]).said()
    })
    .title("Resize picture")
    .category("image/size")
    .doc(
        "The picture at another size, said in any of five ways. Shrinking looks at every pixel; colours are \
         weighted by alpha, so nothing hidden bleeds in; samples keep their full precision.",
    )
    .param(Param::choice("by", BY).doc(
        "How the new size is said: size (width and height), longest side, shortest side (the other follows), \
         factor, or megapixels.",
    ))
    .param(Param::size("size", 512, 512).doc("Width and height; used by \"size\"."))
    .param(
        Param::choice("fit", &["contain", "cover", "stretch"]).doc(
            "What \"size\" does with another shape: contain fits the whole picture in, cover fills the size and cuts \
             off what stands over, stretch distorts it.",
        ),
    )
    .param(pixels("side", 512, 1, "The length of the side; used by \"longest side\" and \"shortest side\"."))
    .param(Param::float("factor", 1.0, 0.001..=64.0).unit("x").doc("Times as wide and high; used by \"factor\"."))
    .param(
        Param::float("megapixels", 1.0, 0.001..=1000.0)
            .unit("MP")
            .doc("Millions of pixels in all; used by \"megapixels\"."),
    )
    .param(
        Param::choice("method", &["lanczos", "catmull-rom", "mitchell", "triangle", "box", "nearest"])
            .doc("The filter, from the sharpest to the softest; nearest keeps pixels as they are."),
    )
    .param(Param::bool("enlarge", true).doc("Off: a picture that is small enough is not made larger."))
}
