//! Cut, mirrored, turned, repeated.

use crate::ports::{Said, choice, filter, pixels};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_pixels::alpha::subject_mask;
use kiln_pixels::batch::with_channels;
use kiln_pixels::geometry::{Flip, Turn, crop, crop_aspect, flip, rotate, tile};
use kiln_pixels::pad::Fill;
use kiln_pixels::subject_frame::{Framed, Framing, frame_subject};
use kiln_pixels::transform::{Affine, affine, rotate_by};
use kiln_types::{Color, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![
        image_crop(),
        crop_to_aspect(),
        crop_to_mask_node(),
        image_flip(),
        image_rotate(),
        turn_image(),
        transform_image(),
        tile_image(),
    ]
}

/// ImageCrop.
fn image_crop() -> Node {
    filter("ImageCrop", 1, |cx, image| {
        crop(image, cx.count("x")?, cx.count("y")?, cx.count("width")?, cx.count("height")?).said()
    })
    .title("Crop picture")
    .category("image/shape")
    .doc("A part of the picture, as far as the picture reaches.")
    .param(pixels("width", 512, 1, "The part's width."))
    .param(pixels("height", 512, 1, "The part's height."))
    .param(pixels("x", 0, 0, "How far right of the picture's left edge the part begins."))
    .param(pixels("y", 0, 0, "How far below the picture's top edge the part begins."))
}

/// CropToAspect.
fn crop_to_aspect() -> Node {
    filter("CropToAspect", 1, |cx, image| {
        let (across, down) = cx.size("aspect")?;
        crop_aspect(image, across as f64, down as f64).said()
    })
    .title("Crop to a shape")
    .category("image/shape")
    .doc("The largest middle part of the picture that has this shape.")
    .param(
        Param::size("aspect", 1, 1)
            .unit("")
            .doc("Across and down: (1, 1) is a square, (16, 9) a wide screen."),
    )
}

/// What CropToMask does when there is nothing to crop to.
const EMPTY: &[&str] = &["stop", "whole picture"];

/// CropToMask.
fn crop_to_mask_node() -> Node {
    Node::pure("CropToMask", 2, |cx| {
        let given = cx.image("image")?;
        let mask = subject_mask(&given, cx.maybe_mask("mask")?.as_deref()).said()?;
        let pad = cx.bool("pad")?;
        let color = cx.color("color")?;
        // A colour one can see through needs an alpha channel.
        let clear = pad && color.a < 1.0 && !given.has_alpha();
        let image = if clear { with_channels(&given, 4).said()? } else { (*given).clone() };
        let aspect = match &*cx.text("shape")? {
            "aspect" => {
                let (across, down) = cx.size("aspect")?;
                Some(across as f64 / down as f64)
            }
            _ => None,
        };
        let how = Framing {
            threshold: cx.float32("threshold")?,
            margin: cx.count("margin")?,
            share: cx.float("margin_percent")? / 100.0,
            aspect,
            pad,
        };
        let made = match frame_subject(&image, &mask, &how, color).said()? {
            Some(made) => made,
            None if &*cx.text("empty")? == "stop" => {
                let threshold = how.threshold;
                let none = NodeError::new(format!("nothing is selected above {threshold}: there is nothing to crop to"));
                return Err(none.hint("lower the threshold, or set empty: \"whole picture\" to let such pictures pass"));
            }
            None => {
                let frame = [0, 0, image.width() as isize, image.height() as isize];
                Framed { image, mask, frame }
            }
        };
        cx.set("image", made.image);
        cx.set("mask", made.mask);
        for (name, v) in ["x", "y", "width", "height"].into_iter().zip(made.frame) {
            cx.set(name, v as i64);
        }
        Ok(())
    })
    .title("Crop to the subject")
    .category("image/shape")
    .doc(
        "The smallest part of the picture that holds its subject, what a mask selects or the alpha shows, with room \
         around it and in the shape wanted; and where it was.",
    )
    .input("image", names::IMAGE, "The picture, or a batch of them.")
    .optional(
        "mask",
        names::MASK,
        "Where the subject is (1), brought to the picture's size; all masks of a batch count together. When not \
         linked, the picture's alpha tells.",
    )
    .param(Param::float("threshold", 0.5, 0.0..=1.0).doc("What is above this counts as selected."))
    .param(pixels("margin", 0, 0, "Pixels to keep around."))
    .param(
        Param::float("margin_percent", 0.0, 0.0..=800.0)
            .step(1.0)
            .unit("%")
            .doc("Room to keep besides, in percent of the longer side of the subject's box."),
    )
    .param(Param::choice("shape", &["free", "aspect"]).doc("As the subject's box is, or made wider or higher to the shape that \"aspect\" says."))
    .param(Param::size("aspect", 1, 1).unit("").doc("Across and down, used by the shape \"aspect\": (1, 1) is a square."))
    .param(Param::bool("pad", false).doc(
        "What happens where the picture has not enough room. On: it is filled with the colour. Off: the part moves or \
         ends at the picture's border, and the shape is met as nearly as it can be.",
    ))
    .param(
        Param::color("color", Color { r: 0.0, g: 0.0, b: 0.0, a: 0.0 })
            .doc("What padding shows; if it is see-through, the result has alpha."),
    )
    .param(Param::choice("empty", EMPTY).doc("What happens when nothing is selected: the run stops with an error, or the picture passes as it is."))
    .output("image", names::IMAGE, "The part.")
    .output("mask", names::MASK, "The same part of the mask.")
    .output("x", names::INT, "How far right of the picture's left edge it begins, in pixels; negative when padded.")
    .output("y", names::INT, "How far below the picture's top edge it begins, in pixels; negative when padded.")
    .output("width", names::INT, "Its width in pixels.")
    .output("height", names::INT, "Its height in pixels.")
}

/// ImageFlip.
fn image_flip() -> Node {
    filter("ImageFlip", 1, |cx, image| {
        let vertical = cx.text("flip_method")?.starts_with('x');
        flip(image, if vertical { Flip::Vertical } else { Flip::Horizontal }).said()
    })
    .title("Mirror picture")
    .category("image/shape")
    .doc("The picture mirrored.")
    .param(
        Param::choice("flip_method", &["x-axis: vertically", "y-axis: horizontally"])
            .doc("vertically swaps top and bottom, horizontally swaps left and right."),
    )
}

/// ImageRotate.
fn image_rotate() -> Node {
    filter("ImageRotate", 1, |cx, image| {
        let turn = choice(cx, "rotation", |w| Turn::from_name(w.trim_end_matches(" degrees")))?;
        rotate(image, turn).said()
    })
    .title("Turn picture")
    .category("image/shape")
    .doc("The picture turned clockwise by quarters; nothing is lost.")
    .param(
        Param::choice("rotation", &["none", "90 degrees", "180 degrees", "270 degrees"])
            .unit("degrees")
            .doc("How far, clockwise."),
    )
    .identity("image", |given| given.text("rotation").as_deref() == Some("none"))
}

fn fill(cx: &Cx<'_>) -> Result<Fill, NodeError> {
    Ok(match &*cx.text("outside")? {
        "edge" => Fill::Edge,
        "reflect" => Fill::Reflect,
        _ => Fill::Color(cx.color("color")?),
    })
}

fn outside(node: Node) -> Node {
    node.param(
        Param::choice("outside", &["color", "edge", "reflect"])
            .doc("What shows where the picture ends: one colour, its border pixels, or its mirror image."),
    )
    .param(
        Param::color("color", Color::BLACK)
            .doc("The colour around the picture; its alpha counts where the picture has alpha."),
    )
}

/// TurnImage.
fn turn_image() -> Node {
    let node = filter("TurnImage", 1, |cx, image| {
        rotate_by(image, cx.float("degrees")?, cx.bool("expand")?, fill(cx)?).said()
    })
    .title("Turn picture by any angle")
    .category("image/shape")
    .doc("The picture turned about its middle by any angle.")
    .param(Param::float("degrees", 0.0, -360.0..=360.0).step(0.1).unit("degrees").doc("How far, clockwise."))
    .param(
        Param::bool("expand", true)
            .doc("On: the result is large enough for all of it. Off: it keeps its size."),
    );
    outside(node).identity("image", |given| given.number("degrees") == Some(0.0))
}

/// TransformImage.
fn transform_image() -> Node {
    let node = filter("TransformImage", 1, |cx, image| {
        let [degrees, scale, x, y] = ["degrees", "scale", "x", "y"].map(|name| cx.float(name));
        let map = Affine::turn_scale_move(degrees?, scale?, x?, y?).said()?;
        affine(image, map, image.width(), image.height(), fill(cx)?).said()
    })
    .title("Transform picture")
    .category("image/shape")
    .doc("The picture turned about its middle, then enlarged, then moved; the size of the result stays the same.")
    .param(Param::float("degrees", 0.0, -360.0..=360.0).step(0.1).unit("degrees").doc("How far to turn, clockwise."))
    .param(Param::float("scale", 1.0, 0.01..=100.0).unit("x").doc("How many times as large."))
    .param(Param::float("x", 0.0, -65536.0..=65536.0).step(1.0).unit("px").doc("How far to move to the right."))
    .param(Param::float("y", 0.0, -65536.0..=65536.0).step(1.0).unit("px").doc("How far to move down."));
    outside(node).identity("image", |given| {
        let is = |name: &str, v: f64| given.number(name) == Some(v);
        is("degrees", 0.0) && is("scale", 1.0) && is("x", 0.0) && is("y", 0.0)
    })
}

/// TileImage.
fn tile_image() -> Node {
    filter("TileImage", 1, |cx, image| tile(image, cx.count("columns")?, cx.count("rows")?).said())
        .title("Tile picture")
        .category("image/shape")
        .doc("The picture repeated side by side and one above the other.")
        .param(Param::int("columns", 2, 1..=1024).doc("How often side by side."))
        .param(Param::int("rows", 2, 1..=1024).doc("How often one above the other."))
        .identity("image", |given| given.number("columns") == Some(1.0) && given.number("rows") == Some(1.0))
}
