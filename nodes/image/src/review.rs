//! The gate that a person decides.

use kiln_core::{Ask, Node, Param};
use kiln_types::names;

/// The nodes of this file.
pub(crate) fn nodes() -> Vec<Node> {
    vec![review_gate()]
}

/// ReviewGate.
fn review_gate() -> Node {
    Node::review_gate("ReviewGate", 1, |cx| {
        let note = if cx.has("note") { cx.text("note")?.to_string() } else { String::new() };
        Ok(Ask { question: cx.text("question")?.to_string(), note })
    })
    .title("Review gate")
    .category("image/gates")
    .doc(
        "Passes the pictures that a person accepts. Until they decide, an item waits while the others go on. The \
         run lays the pictures, sheets of them and a list to fill in, decisions.csv, into review/ in the output \
         folder: accept, reject or redo. A rejection is one like any gate's: the next attempt, or what then says. A \
         redo is a rejection that gets one more attempt where there is none left. A decision belongs to the very \
         picture that was shown; where another one has taken its place, it is asked again.",
    )
    .input("image", names::IMAGE, "The picture to decide about.")
    .optional("note", names::TEXT, "Shown beside the picture: a score, a caption, what it is meant to be.")
    .param(
        Param::text("question", "")
            .control()
            .doc("What the person is asked; it stands above the sheets, \"Are there five fingers?\"."),
    )
    .output_like("image", "image", "The picture, once it is accepted.")
}
