//! Two pictures held against each other.

use crate::ports::{Said, choice};
use kiln_core::{Node, Param};
use kiln_pixels::sheet::{Comparison, compare};
use kiln_types::names;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![compare_images()]
}

/// CompareImages.
fn compare_images() -> Node {
    Node::pure("CompareImages", 1, |cx| {
        let how = choice(cx, "how", Comparison::from_name)?;
        let (first, second) = (cx.image("first")?, cx.image("second")?);
        let made = compare(&first, &second, how, cx.float32("position")?, cx.float32("gain")?).said()?;
        cx.set("image", made);
        Ok(())
    })
    .title("Compare pictures")
    .category("image/layout")
    .doc("Two pictures together. The second is brought to the first one's size; transparent parts show a checker.")
    .input("first", names::IMAGE, "The first picture, or a batch of them.")
    .input("second", names::IMAGE, "The second picture, or a batch; the shorter batch starts again.")
    .param(Param::choice("how", Comparison::NAMES).doc(
        "side-by-side; wipe shows the first left of a line and the second right of it; difference shows how far they \
         differ, from black (not) over blue, red and yellow to white (wholly).",
    ))
    .param(Param::float("position", 0.5, 0.0..=1.0).unit("widths").doc("Where the line of a wipe stands: 0 left, 1 right."))
    .param(Param::float("gain", 1.0, 0.0..=1000.0).step(1.0).unit("x").doc("Differences are multiplied by this."))
    .output("image", names::IMAGE, "Both pictures in one.")
}
