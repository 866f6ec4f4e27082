//! Shadows and lines for a cut-out.

use crate::cutout::MASK;
use crate::ports::{Said, choice, offset};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_pixels::layer::{Layered, Paint};
use kiln_pixels::shadow::{Drop, Ground, Line, Side, drop_shadow, ground_shadow, outline};
use kiln_types::{Color, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![drop_shadow_node(), ground_shadow_node(), outline_subject()]
}

fn paint(cx: &Cx<'_>) -> Result<Paint, NodeError> {
    Ok(Paint { color: cx.color("color")?, opacity: cx.float32("opacity")?, grow: cx.bool("grow")? })
}

/// The ports that all nodes of this file share; `layer` names what is laid.
fn layered(node: Node, layer: &'static str, color: Color, opacity: f64) -> Node {
    node.category("image/combine")
        .input("image", names::IMAGE, "The cut-out, or a batch of them.")
        .optional("mask", names::MASK, MASK)
        .param(Param::color("color", color).doc("Its colour; a see-through one makes it fainter."))
        .param(Param::float("opacity", opacity, 0.0..=1.0).doc("How opaque it is where it is strongest."))
        .param(
            Param::bool("grow", true)
                .doc("On: the canvas grows where it would stand over. Off: it is cut off there."),
        )
        .output("image", names::IMAGE, "The cut-out with it, with alpha.")
        .output(layer, names::IMAGE, "It alone, with alpha, as large as the picture.")
        .output("x", names::INT, "By how many pixels the canvas grew on the left.")
        .output("y", names::INT, "By how many pixels the canvas grew on top.")
}

fn give(cx: &mut Cx<'_>, layer: &'static str, made: Layered) {
    cx.set("image", made.image);
    cx.set(layer, made.layer);
    cx.set("x", made.corner[0] as i64);
    cx.set("y", made.corner[1] as i64);
}

/// DropShadow.
fn drop_shadow_node() -> Node {
    let node = Node::pure("DropShadow", 1, |cx| {
        let image = cx.image("image")?;
        let drop = Drop {
            offset: [offset(cx, "x_offset")?, offset(cx, "y_offset")?],
            blur: cx.float("blur")?,
            spread: cx.float32("spread")?,
        };
        let made = drop_shadow(&image, cx.maybe_mask("mask")?.as_deref(), &drop, &paint(cx)?).said()?;
        give(cx, "shadow", made);
        Ok(())
    })
    .title("Drop shadow")
    .doc("A cut-out with a soft shadow behind it, as of a sticker that floats above the page.")
    .param(Param::int("x_offset", 8, -16384..=16384).unit("px").doc("How far to the right the shadow lies."))
    .param(Param::int("y_offset", 12, -16384..=16384).unit("px").doc("How far down the shadow lies."))
    .param(
        Param::float("blur", 12.0, 0.0..=256.0)
            .step(0.5)
            .unit("px")
            .doc("How soft it is: the deviation of a bell curve."),
    )
    .param(
        Param::float("spread", 0.0, -1024.0..=1024.0)
            .step(0.5)
            .unit("px")
            .doc("By how much it is larger than the subject, smaller when negative."),
    );
    layered(node, "shadow", Color::BLACK, 0.45)
}

/// GroundShadow.
fn ground_shadow_node() -> Node {
    let node = Node::pure("GroundShadow", 1, |cx| {
        let image = cx.image("image")?;
        let ground = if &*cx.text("shape")? == "ellipse" {
            Ground::Ellipse {
                width: cx.float32("width")?,
                flat: cx.float32("flat")?,
                soft: cx.float32("soft")?,
            }
        } else {
            Ground::Cast {
                length: cx.float32("length")?,
                lean: cx.float32("lean")?,
                fade: cx.float32("fade")?,
                blur: cx.float("blur")?,
            }
        };
        let by = [offset(cx, "x_offset")?, offset(cx, "y_offset")?];
        let made =
            ground_shadow(&image, cx.maybe_mask("mask")?.as_deref(), &ground, by, &paint(cx)?).said()?;
        give(cx, "shadow", made);
        Ok(())
    })
    .title("Shadow on the ground")
    .doc(
        "A cut-out that stands on something: with a soft ellipse under its feet, or with its silhouette laid on the \
         ground. The ground is the lower side of the subject's box; without a subject there is no shadow.",
    )
    .param(
        Param::choice("shape", &["ellipse", "silhouette"])
            .doc("An ellipse, as from light above, or the silhouette, as from a lamp at one side."),
    )
    .param(Param::float("width", 1.0, 0.01..=4.0).unit("widths").doc("The ellipse's width, in widths of the subject."))
    .param(Param::float("flat", 0.2, 0.01..=1.0).doc("The ellipse's height, as a share of its width."))
    .param(Param::float("soft", 0.9, 0.0..=1.0).doc("How much of the ellipse fades out: 0 is hard, 1 fades from its middle on."))
    .param(
        Param::float("length", 0.4, -4.0..=4.0)
            .unit("heights")
            .doc("The silhouette's length, in heights of the subject: above 0 it falls to the back, below 0 to the front."),
    )
    .param(
        Param::float("lean", 0.6, -4.0..=4.0)
            .unit("heights")
            .doc("How far the silhouette's tip leans to the right, in heights of the subject; to the left when negative."),
    )
    .param(Param::float("fade", 0.7, 0.0..=1.0).doc("How much of the silhouette is gone at its tip."))
    .param(
        Param::float("blur", 12.0, 0.0..=256.0)
            .step(0.5)
            .unit("px")
            .doc("How soft the silhouette is at its tip: the deviation of a bell curve; at the feet it is an eighth of that."),
    )
    .param(Param::int("x_offset", 0, -16384..=16384).unit("px").doc("How far it is moved to the right."))
    .param(Param::int("y_offset", 0, -16384..=16384).unit("px").doc("How far it is moved down."));
    layered(node, "shadow", Color::BLACK, 0.5)
}

/// OutlineSubject.
fn outline_subject() -> Node {
    let node = Node::pure("OutlineSubject", 1, |cx| {
        let image = cx.image("image")?;
        let mask = cx.maybe_mask("mask")?;
        let line = Line {
            width: cx.float32("width")?,
            side: choice(cx, "side", Side::from_name)?,
            blur: cx.float("blur")?,
            threshold: cx.float32("threshold")?,
        };
        let made = outline(&image, mask.as_deref(), &line, &paint(cx)?).said()?;
        give(cx, "outline", made);
        Ok(())
    })
    .title("Outline")
    .doc("A cut-out with a line around it, as of a sticker; a blurred line is a glow.")
    .param(
        Param::float("width", 6.0, 0.0..=1024.0).step(0.5).unit("px").doc("The line's width; 0 draws none."),
    )
    .param(
        Param::choice("side", Side::NAMES)
            .doc("Whether the line runs outside the subject's edge, on both sides of it, or inside."),
    )
    .param(
        Param::float("blur", 0.0, 0.0..=256.0)
            .step(0.5)
            .unit("px")
            .doc("Softens the line: the deviation of a bell curve."),
    )
    .param(
        Param::float("threshold", 0.2, 0.01..=0.99)
            .doc("How opaque the subject is where the line runs: less than 0.5 leads it around fine hair instead of through it."),
    );
    layered(node, "outline", Color::WHITE, 1.0)
}
