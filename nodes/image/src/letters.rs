//! Words on pictures.

use crate::ports::{Said, choice, filter};
use kiln_core::{Node, Param};
use kiln_pixels::text::{Align, TextStyle, Typeface, draw_text, text_size};
use kiln_types::Color;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![draw_text_node()]
}

/// Where a block may stand.
const PLACES: &[&str] =
    &["top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right"];

/// A block's edge: its margin away from the picture's edge, or in the middle.
fn edge(place: &str, low: &str, high: &str, room: usize, block: usize) -> isize {
    let free = room as isize - block as isize;
    if place.split(' ').any(|w| w == low) {
        0
    } else if place.split(' ').any(|w| w == high) {
        free
    } else {
        free / 2
    }
}

/// DrawText.
fn draw_text_node() -> Node {
    filter("DrawText", 1, |cx, image| {
        let text = cx.text("text")?;
        let width = cx.count("max_width")?;
        let style = TextStyle {
            typeface: choice(cx, "font", Typeface::from_name)?,
            size: cx.float32("size")?,
            color: cx.color("color")?,
            align: choice(cx, "align", Align::from_name)?,
            max_width: (width > 0).then_some(width),
        };
        let [w, h] = text_size(&text, &style).said()?;
        let place = cx.text("place")?;
        let (dx, dy) = (crate::ports::offset(cx, "x")?, crate::ports::offset(cx, "y")?);
        let x = edge(&place, "left", "right", image.width(), w).saturating_add(dx);
        let y = edge(&place, "top", "bottom", image.height(), h).saturating_add(dy);
        draw_text(image, &text, x, y, &style).said()
    })
    .title("Draw text")
    .category("image/combine")
    .doc("Words on the picture; what does not fit is cut off.")
    .param(Param::multiline("text", "").doc("The words; a new line begins a new line."))
    .param(Param::choice("place", PLACES).doc("Where the block of words stands."))
    .param(
        Param::int("x", 0, -65536..=65536).unit("px").doc("How far it is moved to the right of that place."),
    )
    .param(Param::int("y", 0, -65536..=65536).unit("px").doc("How far it is moved down from that place."))
    .param(Param::float("size", 24.0, 4.0..=2048.0).step(1.0).unit("px").doc("The size of the letters."))
    .param(Param::color("color", Color::BLACK).doc("Their colour; its alpha makes them see-through."))
    .param(Param::choice("font", Typeface::NAMES).doc("Letters of their own width, or all of one width."))
    .param(Param::choice("align", Align::NAMES).doc("Where short lines stand in the block."))
    .param(
        Param::int("max_width", 0, 0..=65536)
            .unit("px")
            .doc("Lines longer than this are broken between words; 0 breaks none."),
    )
    .identity("image", |given| given.text("text").is_some_and(|t| t.is_empty()))
}
