//! Tone curves and levels.

use crate::ports::{Said, filter};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_pixels::curve::{Curve, Curves, Levels, curves, levels};
use kiln_types::Value;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![curves_node(), levels_node()]
}

const LINE: &[(f64, f64)] = &[(0.0, 0.0), (1.0, 1.0)];
const CHANNELS: [&str; 4] = ["rgb", "red", "green", "blue"];

/// The curve of a parameter; none when it is the straight line.
fn curve(cx: &Cx<'_>, name: &str) -> Result<Option<Curve>, NodeError> {
    let points = cx.curve(name)?;
    if *points == *LINE {
        return Ok(None);
    }
    let points: Vec<[f32; 2]> = points.iter().map(|(x, y)| [*x as f32, *y as f32]).collect();
    Curve::new(&points).said().map(Some).map_err(|e| e.at(name))
}

/// Curves.
fn curves_node() -> Node {
    let mut node = filter("Curves", 1, |cx, image| {
        let [rgb, red, green, blue] = CHANNELS.map(|name| curve(cx, name));
        curves(image, &Curves { rgb: rgb?, red: red?, green: green?, blue: blue? }).said()
    })
    .title("Curves")
    .category("image/colour")
    .doc(
        "The picture through tone curves: first each channel's own, then the one for all three. A curve is smooth \
         and never leaves the range between two of its points.",
    );
    for (name, doc) in CHANNELS.into_iter().zip([
        "For red, green and blue alike: points (input, output) from 0 to 1, inputs growing, [(0, 0), (0.5, 0.6), (1, 1)].",
        "For red alone.",
        "For green alone.",
        "For blue alone.",
    ]) {
        node = node.param(Param::curve(name, LINE).doc(doc));
    }
    node.identity("image", |given| {
        CHANNELS
            .iter()
            .all(|name| matches!(given.value(name), Some(Value::Curve(points)) if *points == *LINE))
    })
}

/// Levels.
fn levels_node() -> Node {
    filter("Levels", 1, |cx, image| {
        let wanted = Levels {
            in_black: cx.float32("in_black")?,
            in_white: cx.float32("in_white")?,
            gamma: cx.float32("gamma")?,
            out_black: cx.float32("out_black")?,
            out_white: cx.float32("out_white")?,
        };
        let channel = cx.text("channel")?;
        let of = |name: &str| {
            if matches!(&*channel, "all") || &*channel == name { wanted } else { Levels::default() }
        };
        levels(image, [of("red"), of("green"), of("blue")]).said()
    })
    .title("Levels")
    .category("image/colour")
    .doc("Spreads a part of the range over the whole of it, or squeezes the whole into a part.")
    .param(Param::choice("channel", &["all", "red", "green", "blue"]).doc("Which channels."))
    .param(Param::float("in_black", 0.0, 0.0..=1.0).doc("This input becomes the darkest output."))
    .param(
        Param::float("in_white", 1.0, 0.0..=1.0)
            .doc("This input becomes the brightest output; above in_black."),
    )
    .param(Param::float("gamma", 1.0, 0.01..=100.0).doc("Above 1 the middle gets lighter."))
    .param(Param::float("out_black", 0.0, 0.0..=1.0).doc("The darkest output."))
    .param(
        Param::float("out_white", 1.0, 0.0..=1.0)
            .doc("The brightest output; below out_black the picture is inverted."),
    )
    .check(|given| match (given.number("in_black"), given.number("in_white")) {
        (Some(black), Some(white)) if white - black < 1e-5 => vec![
            NodeError::new(format!("in_white {white} is not above in_black {black}"))
                .at("in_white")
                .hint("to invert the picture, swap out_black and out_white"),
        ],
        _ => Vec::new(),
    })
    .identity("image", |given| {
        let is = |name: &str, v: f64| given.number(name) == Some(v);
        let ends = is("in_black", 0.0) && is("in_white", 1.0) && is("out_black", 0.0) && is("out_white", 1.0);
        ends && is("gamma", 1.0)
    })
}
