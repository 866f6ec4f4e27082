//! Keeping one file.

use super::content::{Named, profile, profile_param};
use super::content_id::hex;
use super::effect::{Build, Keep, label, of_one};
use super::place::{Root, with_place};
use crate::proof::{PINNED, Pinned};
use kiln_cid::Sink;
use kiln_core::{Cx, Doubt, Node, NodeError};
use kiln_types::{Value, names};
use serde_json::Value as Json;

struct File;

impl Build for File {
    fn build(&self, cx: &Cx<'_>, sink: &mut dyn Sink) -> Result<(Vec<Root>, Json), NodeError> {
        let made = Named::of(cx, &cx.value("file")?, "file")?.add(cx, profile(cx)?, sink)?;
        Ok((vec![Root { cid: made.cid, bytes: made.size, label: label(cx), whole: false }], Json::Null))
    }

    fn outputs(&self, proofs: &[Pinned], _: &Json) -> Vec<(&'static str, Value)> {
        let mut values = of_one(proofs);
        let cid = proofs.first().and_then(|p| p.cid().ok());
        let digest = cid.map(|c| hex(&c.digest)).unwrap_or_default();
        values.push(("digest", Value::from(digest.as_str())));
        values
    }
}

/// PinFile.
pub(super) fn node() -> Node {
    with_place(
        Node::effect("PinFile", 1, Doubt::AskTheWorld, Keep(File))
            .title("Pin file")
            .category("storage")
            .doc(
                "Keeps a file under the name of its content, in the output folder and, if you like, on a node or at a \
                 pinning service, and reads it back from there: it is done only when what came back is what was made.",
            )
            .writes_files()
            .input("file", names::ANY, "A file, or the path that a saving node gives.")
            .param(profile_param()),
    )
    .output("pinned", PINNED, "The proof that it was read back: for nodes that mint.")
    .output("uri", names::TEXT, "Where it is: ipfs:// and its name.")
    .output("cid", names::TEXT, "Its name.")
    .output("digest", names::TEXT, "The SHA-256 of its first block, 0x and 64 digits, as its name has it: for vouchers.")
    .output("bytes", names::INT, "How many bytes it has.")
}
