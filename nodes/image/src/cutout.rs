//! What follows a cut-out: its edge, its colours, its place.

use crate::ports::{Said, choice, offset};
use kiln_core::{Cx, Node, NodeError, Param};
use kiln_pixels::alpha::{subject_mask, with_mask};
use kiln_pixels::foreground::foreground;
use kiln_pixels::geometry::Flip;
use kiln_pixels::gradient::{Stop, gradient_linear, gradient_radial};
use kiln_pixels::place::{Anchor, Cover, Placement, backdrop, place, plain};
use kiln_pixels::refine::{Refine, refine};
use kiln_pixels::subject_frame::{Framing, frame_subject};
use kiln_types::{Color, Image, names};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![refine_mask(), remove_halo(), place_on()]
}

/// What tells where the subject is.
pub(crate) const MASK: &str = "Where the subject is (1); when not linked, the picture's alpha tells.";

/// RefineMask.
fn refine_mask() -> Node {
    Node::pure("RefineMask", 1, |cx| {
        let image = cx.image("image")?;
        let mask = subject_mask(&image, cx.maybe_mask("mask")?.as_deref()).said()?;
        let how = Refine {
            islands: cx.count("islands")?,
            holes: cx.count("holes")?,
            smooth: cx.float("smooth")?,
            radius: cx.count("radius")?,
            epsilon: cx.float("epsilon")?,
            band: cx.float32("band")?,
            strength: cx.float32("strength")?,
            contrast: cx.float32("contrast")?,
            grow: cx.float32("grow")?,
            feather: cx.float("feather")?,
        };
        let made = refine(&image, &mask, &how).said()?;
        cx.set("mask", made);
        Ok(())
    })
    .title("Refine mask edge")
    .category("mask/shape")
    .doc(
        "A rough mask made to fit its picture: specks and holes go, the edge follows the picture's colours, down to \
         single hairs (guided filter), then it is hardened, moved and softened, in the order of the parameters. \
         RemoveHalo cleans the colours at the edge afterwards.",
    )
    .input("image", names::IMAGE, "The picture, or a batch of them.")
    .optional("mask", names::MASK, MASK)
    .param(Param::int("islands", 0, 0..=268_435_456).unit("px").doc("Groups of fewer selected pixels go, with the haze around them."))
    .param(Param::int("holes", 0, 0..=268_435_456).unit("px").doc("Holes of fewer pixels are filled, unless they reach the border."))
    .param(
        Param::float("smooth", 0.0, 0.0..=64.0)
            .step(0.1)
            .unit("px")
            .doc("Evens out steps and corners of about this size, without making the edge softer."),
    )
    .param(
        Param::int("radius", 8, 0..=1024)
            .unit("px")
            .doc("How far around a pixel the filter looks for what its colour means: about the width of the hair or blur to be found; 0 leaves it out."),
    )
    .param(
        Param::float("epsilon", 1e-4, 1e-8..=1.0)
            .step(1e-4)
            .doc("Differences of colour (0 to 1) below the root of this count as flat: 0.0001 is 1 percent; less follows fainter edges."),
    )
    .param(
        Param::float("band", 24.0, 0.0..=65536.0)
            .step(1.0)
            .unit("px")
            .doc("How far from the mask's edge the filter may change it, less and less over the last quarter; 0: everywhere."),
    )
    .param(Param::float("strength", 1.0, 0.0..=1.0).doc("How much of the filter's change is made."))
    .param(
        Param::float("contrast", 0.1, 0.0..=0.98)
            .doc("Clears haze: with 0.1, what is below 5 percent becomes nothing and above 95 percent all, the rest is stretched between."),
    )
    .param(Param::float("grow", 0.0, -65536.0..=65536.0).step(0.1).unit("px").doc("Moves the edge outwards, inwards when negative; half pixels count."))
    .param(Param::float("feather", 0.0, 0.0..=256.0).step(0.1).unit("px").doc("Softens the edge: the deviation of a bell curve."))
    .output("mask", names::MASK, "The refined mask, of the picture's size.")
}

/// RemoveHalo.
fn remove_halo() -> Node {
    Node::pure("RemoveHalo", 1, |cx| {
        let image = cx.image("image")?;
        let mask = subject_mask(&image, cx.maybe_mask("mask")?.as_deref()).said()?;
        let made = foreground(&image, &mask).said()?;
        cx.set("image", made);
        Ok(())
    })
    .title("Cut out without halo")
    .category("image/alpha")
    .doc(
        "The subject cut out, its half-transparent pixels in its own colours: what shone through of the old background \
         is estimated and taken away (fast multi-level foreground estimation, Germer and others 2020). Opaque \
         pixels stay as they are.",
    )
    .input("image", names::IMAGE, "The picture with its old background, or a batch of them.")
    .optional("mask", names::MASK, MASK)
    .output("image", names::IMAGE, "The subject, with alpha, on nothing.")
}

/// The background that a cut-out is put on.
fn behind(cx: &Cx<'_>) -> Result<Image, NodeError> {
    let (wide, tall) = cx.size("size")?;
    let color = cx.color("color")?;
    if let Some(picture) = cx.maybe_image("background")? {
        if &*cx.text("canvas")? == "background" {
            return Ok((*picture).clone());
        }
        return backdrop(&picture, wide, tall, choice(cx, "fit", Cover::from_name)?, color).said();
    }
    let stops = [Stop { at: 0.0, color }, Stop { at: 1.0, color: cx.color("color2")? }];
    match &*cx.text("fill")? {
        "linear gradient" => gradient_linear(wide, tall, &stops, cx.float32("degrees")?).said(),
        "radial gradient" => gradient_radial(wide, tall, &stops, [0.5, 0.5], 1.0).said(),
        _ => plain(wide, tall, color).said(),
    }
}

/// What is fainter than this is no reason to keep room: five steps of a byte.
const FAINT: f32 = 0.02;

/// The cut-out without the empty room around it.
fn trimmed(image: &Image) -> Result<Image, NodeError> {
    let mask = subject_mask(image, None).said()?;
    let how = Framing { threshold: FAINT, margin: 0, share: 0.0, aspect: None, pad: false };
    let found = frame_subject(image, &mask, &how, Color::BLACK).said()?;
    Ok(found.map_or_else(|| image.clone(), |f| f.image))
}

/// PlaceOn.
fn place_on() -> Node {
    Node::pure("PlaceOn", 1, |cx| {
        let image = cx.image("image")?;
        let mask = subject_mask(&image, cx.maybe_mask("mask")?.as_deref()).said()?;
        let mut subject = with_mask(&image, &mask).said()?;
        if cx.bool("trim")? {
            subject = trimmed(&subject)?;
        }
        let how = Placement {
            anchor: choice(cx, "place", Anchor::from_name)?,
            offset: [offset(cx, "x")?, offset(cx, "y")?],
            scale: cx.float("scale")?,
            flip: match &*cx.text("flip")? {
                "horizontally" => Some(Flip::Horizontal),
                "vertically" => Some(Flip::Vertical),
                _ => None,
            },
            linear: cx.bool("light")?,
        };
        let made = place(&behind(cx)?, &subject, &how).said()?;
        cx.set("image", made.image);
        cx.set("mask", made.mask);
        for (name, v) in ["x", "y", "width", "height"].into_iter().zip(made.frame) {
            cx.set(name, v as i64);
        }
        Ok(())
    })
    .title("Place on a background")
    .category("image/combine")
    .doc(
        "A cut-out put on a picture, a colour or a gradient: at one of nine places, as large as wanted, mirrored or \
         not. The result has alpha if the background has. Shadows and outlines come before: DropShadow, \
         GroundShadow, OutlineSubject. ReplaceBackground keeps the subject where it is instead.",
    )
    .input("image", names::IMAGE, "The cut-out, or a batch of them.")
    .optional("mask", names::MASK, MASK)
    .optional("background", names::IMAGE, "The picture behind it; when not linked, a colour or gradient.")
    .param(
        Param::choice("canvas", &["background", "size"])
            .doc("How large the result is: as the linked background, or as \"size\" says."),
    )
    .param(Param::size("size", 1024, 1024).doc("Width and height, without a linked background or when \"canvas\" says so."))
    .param(Param::choice("fit", Cover::NAMES).doc(
        "How a linked background fills another size: cover cuts off what stands over, contain shows all of it, \
         stretch distorts it, tile repeats it.",
    ))
    .param(
        Param::choice("fill", &["color", "linear gradient", "radial gradient"])
            .doc("What is behind it when no background is linked."),
    )
    .param(Param::color("color", Color::WHITE).doc("The colour, the gradient's first one, and what a contained background leaves free; it may be see-through."))
    .param(Param::color("color2", Color::rgb8(200, 205, 212)).doc("The gradient's last colour."))
    .param(
        Param::float("degrees", 90.0, -360.0..=360.0)
            .step(1.0)
            .unit("degrees")
            .doc("The direction of a linear gradient: 0 runs left to right, 90 top to bottom."),
    )
    .param(Param::choice("place", Anchor::NAMES).doc("Where the cut-out stands."))
    .param(Param::int("x", 0, -65536..=65536).unit("px").doc("How far it is moved to the right of that place."))
    .param(Param::int("y", 0, -65536..=65536).unit("px").doc("How far it is moved down from that place."))
    .param(
        Param::float("scale", 0.8, 0.0..=16.0)
            .doc("Its size: as large as fits into this share of the canvas; 0 leaves it as it is."),
    )
    .param(Param::choice("flip", &["no", "horizontally", "vertically"]).doc("Whether it is mirrored."))
    .param(
        Param::bool("trim", true)
            .doc("Cut off the empty room around the cut-out first, so that place and scale are those of the subject itself."),
    )
    .param(
        Param::bool("light", false)
            .doc("Mix light at half-transparent pixels, as a camera does, instead of sRGB codes, as most tools do."),
    )
    .output("image", names::IMAGE, "The cut-out on its background.")
    .output("mask", names::MASK, "Where the cut-out is in it (1).")
    .output("x", names::INT, "Where the cut-out's left edge is, in pixels; negative when it stands over.")
    .output("y", names::INT, "Where the cut-out's top edge is, in pixels.")
    .output("width", names::INT, "The cut-out's width in pixels.")
    .output("height", names::INT, "The cut-out's height in pixels.")
}
