//! Two pictures into one: blended pixel by pixel, or set side by side.

use crate::ports::{Said, choice, filter};
use kiln_core::{Node, Param};
use kiln_pixels::blend::{BlendMode, blend};
use kiln_pixels::stitch::{Side, stitch};
use kiln_types::{Color, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![image_blend(), image_stitch(), image_invert()]
}

/// ImageBlend.
fn image_blend() -> Node {
    Node::pure("ImageBlend", 1, |cx| {
        let mode = choice(cx, "blend_mode", BlendMode::from_name)?;
        let made = blend(&*cx.image("image1")?, &*cx.image("image2")?, cx.float("blend_factor")?, mode)
            .said()
            .map_err(|e| if e.port.is_some() { e.at("blend_factor") } else { e })?;
        cx.set("image", made);
        Ok(())
    })
    .title("Blend pictures")
    .category("image/combine")
    .doc("The second picture blended onto the first, all channels alike. It takes the first one's size, its middle cut out.")
    .input("image1", names::IMAGE, "The picture below.")
    .input("image2", names::IMAGE, "The picture above.")
    .param(Param::float("blend_factor", 0.5, 0.0..=1.0).doc("How strongly: 0 is the first picture, 1 the blend alone."))
    .param(Param::choice("blend_mode", BlendMode::NAMES).doc("How two pixels make one."))
    .output("image", names::IMAGE, "The blend.")
}

/// ImageStitch.
fn image_stitch() -> Node {
    Node::pure("ImageStitch", 1, |cx| {
        let first = cx.image("image1")?;
        let Some(second) = cx.maybe_image("image2")? else {
            cx.set("image", first);
            return Ok(());
        };
        let color = match &*cx.text("spacing_color")? {
            "black" => Color::BLACK,
            "red" => Color::rgb8(255, 0, 0),
            "green" => Color::rgb8(0, 255, 0),
            "blue" => Color::rgb8(0, 0, 255),
            _ => Color::WHITE,
        };
        let side = choice(cx, "direction", Side::from_name)?;
        let (same, gap) = (cx.bool("match_image_size")?, cx.count("spacing_width")?);
        let made = stitch(&first, &second, side, same, gap, color).said()?;
        cx.set("image", made);
        Ok(())
    })
    .title("Stitch pictures")
    .category("image/combine")
    .doc("The second picture beside the first.")
    .input("image1", names::IMAGE, "The first picture.")
    .optional("image2", names::IMAGE, "The second picture; without it the first passes unchanged.")
    .param(Param::choice("direction", Side::NAMES).doc("On which side of the first picture the second stands."))
    .param(Param::bool("match_image_size", true).doc(
        "Resize the second picture so that the touching sides are equally long. Off: the smaller one is centred.",
    ))
    .param(Param::int("spacing_width", 0, 0..=1024).step(2.0).unit("px").doc("The gap between; odd widths grow by one."))
    .param(Param::choice("spacing_color", &["white", "black", "red", "green", "blue"]).doc("The gap's colour."))
    .output("image", names::IMAGE, "Both pictures.")
}

/// ImageInvert.
fn image_invert() -> Node {
    filter("ImageInvert", 1, |_, image| {
        let mut made = image.clone();
        let channels = made.channels();
        for pixel in made.data_mut().chunks_exact_mut(channels) {
            pixel[..3].iter_mut().for_each(|v| *v = 1.0 - *v);
        }
        Ok(made)
    })
    .title("Invert colours")
    .category("image/colour")
    .doc("The negative: black becomes white. Alpha stays as it is.")
}
