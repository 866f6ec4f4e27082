//! Few colours, chosen from the picture or laid down beforehand.

use crate::ports::{Said, choice, filter};
use kiln_core::{Node, Param};
use kiln_pixels::palette::{Scatter, map_to_palette};
use kiln_pixels::quantize::{Dither, quantize};
use kiln_types::Color;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![image_quantize(), dither()]
}

/// ImageQuantize.
fn image_quantize() -> Node {
    filter("ImageQuantize", 1, |cx, image| {
        quantize(image, cx.count("colors")?, choice(cx, "dither", Dither::from_name)?).said()
    })
    .title("Reduce colours")
    .category("image/colour")
    .doc("Each picture with at most so many colours, chosen to suit it (median cut, 8 bits). Alpha stays.")
    .param(Param::int("colors", 256, 1..=256).doc("At most so many colours."))
    .param(Param::choice("dither", Dither::NAMES).doc(
        "How colours between are imitated: not at all, by handing on what a pixel misses, or with a regular pattern \
         of so many pixels.",
    ))
}

/// Every colour whose channels stand on equal steps; greys only when `grey`.
fn steps(levels: usize, grey: bool) -> Vec<Color> {
    let code = |i: usize| i as f32 / (levels.max(2) - 1) as f32;
    let color = |r: usize, g: usize, b: usize| Color { r: code(r), g: code(g), b: code(b), a: 1.0 };
    let range = || 0..levels;
    if grey {
        return range().map(|v| color(v, v, v)).collect();
    }
    range().flat_map(|r| range().flat_map(move |g| range().map(move |b| color(r, g, b)))).collect()
}

/// Dither.
fn dither() -> Node {
    filter("Dither", 1, |cx, image| {
        let scatter = choice(cx, "method", Scatter::from_name)?;
        let levels = cx.count("levels")?.clamp(2, 6);
        map_to_palette(image, &steps(levels, cx.bool("grey")?), 1.0, scatter).said()
    })
    .title("Dither")
    .category("image/colour")
    .doc("The picture with a few steps of each colour, the shades between imitated by dots, as in early print and games.")
    .param(Param::int("levels", 2, 2..=6).doc("Steps of red, green and blue each; 2 gives eight colours, or black and white."))
    .param(Param::bool("grey", false).doc("Greys only."))
    .param(
        Param::choice("method", &["floyd-steinberg", "ordered", "none"])
            .doc("Hand on what each pixel misses, use a regular pattern, or take the nearest colour."),
    )
}
