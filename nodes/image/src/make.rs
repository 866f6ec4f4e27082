//! Pictures out of nothing: colours, gradients, squares.

use crate::ports::{Said, pixels};
use kiln_core::{Kind, Node, NodeError, Param};
use kiln_pixels::gradient::{Stop, checker, gradient_linear, gradient_radial};
use kiln_types::{Color, Image, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![empty_image(), solid_color(), gradient_image(), checker_image()]
}

/// Pictures of one colour; with alpha if it is see-through.
fn plain(width: usize, height: usize, batch: usize, color: Color) -> Result<Image, NodeError> {
    let channels = if color.a < 1.0 { 4 } else { 3 };
    let mut image = Image::zeros(batch.max(1), height, width, channels)?;
    let pixel = [color.r, color.g, color.b, color.a];
    image.data_mut().chunks_exact_mut(channels).for_each(|p| p.copy_from_slice(&pixel[..channels]));
    Ok(image)
}

/// EmptyImage.
fn empty_image() -> Node {
    Node::pure("EmptyImage", 1, |cx| {
        let [_, r, g, b] = (cx.count("color")? as u32).to_be_bytes();
        let (width, height) = (cx.count("width")?, cx.count("height")?);
        let image = plain(width, height, cx.count("batch_size")?, Color::rgb8(r, g, b))?;
        cx.set("image", image);
        Ok(())
    })
    .title("Empty picture")
    .category("image/make")
    .doc("A picture of one colour, as ComfyUI says it. SolidColor takes the colour as \"#102030\".")
    .param(pixels("width", 512, 1, "The picture's width."))
    .param(pixels("height", 512, 1, "The picture's height."))
    .param(Param::int("batch_size", 1, 1..=4096).doc("How many pictures."))
    .param(
        Param::int("color", 0, 0..=0xff_ffff)
            .doc("The colour as a number: red times 65536, green times 256 and blue, each 0 to 255."),
    )
    .output("image", names::IMAGE, "The picture.")
}

/// SolidColor.
fn solid_color() -> Node {
    Node::pure("SolidColor", 1, |cx| {
        let (w, h) = cx.size("size")?;
        let image = plain(w, h, cx.count("batch")?, cx.color("color")?)?;
        cx.set("image", image);
        Ok(())
    })
    .title("Plain colour")
    .category("image/make")
    .doc("A picture of one colour.")
    .param(Param::size("size", 512, 512).doc("Width and height."))
    .param(
        Param::color("color", Color::WHITE).doc("The colour; if it is see-through, the picture has alpha."),
    )
    .param(Param::int("batch", 1, 1..=4096).doc("How many pictures."))
    .output("image", names::IMAGE, "The picture.")
}

/// GradientImage.
fn gradient_image() -> Node {
    Node::pure("GradientImage", 1, |cx| {
        let (w, h) = cx.size("size")?;
        let list = cx.list("colors")?;
        let colors = if list.is_empty() {
            vec![cx.color("from")?, cx.color("to")?]
        } else {
            crate::palette::colors(cx, "colors")?
        };
        let last = colors.len().saturating_sub(1).max(1) as f32;
        let stops: Vec<Stop> =
            colors.iter().enumerate().map(|(i, color)| Stop { at: i as f32 / last, color: *color }).collect();
        let image = if &*cx.text("shape")? == "radial" {
            let center = [cx.float32("center_x")?, cx.float32("center_y")?];
            gradient_radial(w, h, &stops, center, cx.float32("radius")?).said()?
        } else {
            gradient_linear(w, h, &stops, cx.float32("degrees")?).said()?
        };
        cx.set("image", image);
        Ok(())
    })
    .title("Gradient")
    .category("image/make")
    .doc("A picture that goes from one colour to another, or through several. With a see-through colour it has alpha.")
    .param(Param::size("size", 512, 512).doc("Width and height."))
    .param(Param::color("from", Color::BLACK).doc("The first colour."))
    .param(Param::color("to", Color::WHITE).doc("The last colour."))
    .param(
        Param::list("colors", Kind::Color)
            .doc("Several colours, equally far apart, in place of the two: [\"#101820\", \"#f2aa4c\", \"#ffffff\"]."),
    )
    .param(Param::choice("shape", &["linear", "radial"]).doc("Along a line, or outwards from a centre."))
    .param(
        Param::float("degrees", 0.0, -360.0..=360.0)
            .step(1.0)
            .unit("degrees")
            .doc("The line's direction: 0 runs left to right, 90 top to bottom. It reaches from corner to corner."),
    )
    .param(Param::float("center_x", 0.5, -10.0..=10.0).unit("widths").doc("The centre of a radial one: 0 left, 1 right."))
    .param(Param::float("center_y", 0.5, -10.0..=10.0).unit("heights").doc("The centre of a radial one: 0 top, 1 bottom."))
    .param(Param::float("radius", 1.0, 0.001..=100.0).doc("Where a radial one ends: 1 is half the diagonal."))
    .output("image", names::IMAGE, "The picture.")
}

/// CheckerImage.
fn checker_image() -> Node {
    Node::pure("CheckerImage", 1, |cx| {
        let (w, h) = cx.size("size")?;
        let image = checker(w, h, cx.count("cell")?, cx.color("first")?, cx.color("second")?).said()?;
        cx.set("image", image);
        Ok(())
    })
    .title("Checker")
    .category("image/make")
    .doc("Squares in two colours.")
    .param(Param::size("size", 512, 512).doc("Width and height."))
    .param(pixels("cell", 32, 1, "The side of a square."))
    .param(Param::color("first", Color::WHITE).doc("The colour at the top left."))
    .param(Param::color("second", Color::rgb8(200, 200, 200)).doc("The other colour."))
    .output("image", names::IMAGE, "The picture.")
}
