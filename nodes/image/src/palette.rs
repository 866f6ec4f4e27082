//! Palettes: found in a picture, and pictures brought to one.

use crate::ports::{Said, choice, filter};
use kiln_core::{Cx, Kind, Node, NodeError, Param};
use kiln_pixels::palette::{Scatter, extract_palette, map_to_palette};
use kiln_types::{Color, Value, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![palette_map(), extract_palette_node()]
}

/// The colours of a list parameter.
pub(crate) fn colors(cx: &Cx<'_>, name: &str) -> Result<Vec<Color>, NodeError> {
    let list = cx.list(name)?;
    let colors = list.iter().map(|v| match v {
        Value::Color(color) => Ok(*color),
        Value::Text(text) => Ok(Color::parse(text)?),
        other => Err(NodeError::new(format!("{name:?} takes colours, but got {}", other.ty())).at(name)),
    });
    let colors: Vec<Color> = colors.collect::<Result<_, NodeError>>()?;
    if colors.is_empty() {
        let empty = NodeError::new(format!("{name:?} has no colours")).at(name);
        return Err(empty.hint("write them like [\"#101820\", \"#f2aa4c\"], or link ExtractPalette.colors"));
    }
    Ok(colors)
}

/// The parameter that [`colors`] reads.
pub(crate) fn colors_param(doc: &'static str) -> Param {
    Param::list("colors", Kind::Color).required().doc(doc)
}

/// PaletteMap.
fn palette_map() -> Node {
    filter("PaletteMap", 1, |cx, image| {
        let palette = colors(cx, "colors")?;
        let scatter = choice(cx, "scatter", Scatter::from_name)?;
        map_to_palette(image, &palette, cx.float32("strength")?, scatter).said()
    })
    .title("Map to a palette")
    .category("image/colour")
    .doc("Every pixel brought to the colour of a palette that looks nearest (CIE Lab). Alpha stays.")
    .param(colors_param("The palette: 1 to 256 colours, [\"#101820\", \"#f2aa4c\"]."))
    .param(Param::float("strength", 1.0, 0.0..=1.0).doc("How much of the result is mixed into the picture."))
    .param(
        Param::choice("scatter", Scatter::NAMES)
            .doc("How colours between are imitated: not at all, with a regular pattern, or by handing on what a pixel misses."),
    )
    .identity("image", |given| given.number("strength") == Some(0.0))
}

/// ExtractPalette.
fn extract_palette_node() -> Node {
    Node::pure("ExtractPalette", 1, |cx| {
        let image = cx.image("image")?;
        let found = extract_palette(&image, cx.count("index")?, cx.count("count")?).said()?;
        cx.set("colors", Value::list(found.iter().map(|f| Value::Color(f.color)).collect::<Vec<_>>()));
        cx.set("shares", Value::list(found.iter().map(|f| Value::Float(f64::from(f.share))).collect::<Vec<_>>()));
        Ok(())
    })
    .title("Extract palette")
    .category("image/measure")
    .doc("The colours that stand best for a picture, the one with the largest share first. Link them into PaletteMap.")
    .input("image", names::IMAGE, "The picture, or a batch of them.")
    .param(Param::int("count", 5, 1..=256).doc("At most so many colours."))
    .param(Param::int("index", 0, 0..=65535).doc("Which picture of a batch, counted from 0."))
    .output_list("colors", names::COLOR, "The colours.")
    .output_list("shares", names::FLOAT, "How much of the picture each stands for, 0 to 1.")
}
