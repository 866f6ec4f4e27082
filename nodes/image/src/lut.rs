//! Colour tables from files.

use crate::ports::{Said, choice, filter};
use kiln_core::{Node, NodeError, Param};
use kiln_pixels::lut::{Lut, LutMethod, apply_lut};

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![apply_lut_node()]
}

/// No table's text is longer: a 256-point cube takes about 500 MB, a usual one 1 MB.
const MAX_TEXT: usize = 512 << 20;

/// ApplyLut.
fn apply_lut_node() -> Node {
    filter("ApplyLut", 1, |cx, image| {
        let file = cx.file("lut")?;
        let wrong = |what: String| NodeError::new(format!("{}: {what}", file.path.display())).at("lut");
        let bytes = cx.read(&file)?;
        if bytes.len() > MAX_TEXT {
            return Err(wrong(format!("{} bytes are too many for a colour table", bytes.len())));
        }
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| wrong("this is not a .cube file: it is not text".to_owned()))?;
        let table = Lut::parse(text).map_err(|e| wrong(e.to_string()))?;
        let method = choice(cx, "method", LutMethod::from_name)?;
        apply_lut(image, &table, method, cx.float32("strength")?).said()
    })
    .title("Apply colour table")
    .category("image/colour")
    .doc("The picture through a colour table (LUT) from a .cube file, 1D or 3D, as grading programs write them. Alpha stays.")
    .param(Param::file("lut").doc("The .cube file, relative to the graph."))
    .param(Param::float("strength", 1.0, 0.0..=1.0).doc("How much of the result is mixed into the picture."))
    .param(Param::choice("method", LutMethod::NAMES).doc("How colours between the table's are found; tetrahedral keeps greys clean."))
}
