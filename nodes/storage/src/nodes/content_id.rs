//! The name of a content, without keeping it.

use super::Png;
use super::content::{Named, profile, profile_param};
use crate::error::cid_said;
use kiln_cid::{Discard, add_bytes};
use kiln_core::{Node, NodeError};
use kiln_types::{Value, names};

/// ContentId.
pub(super) fn node(png: Png) -> Node {
    Node::pure("ContentId", 1, move |cx| {
        let profile = profile(cx)?;
        let made = match (cx.has("file"), cx.has("text")) {
            (true, false) => match cx.value("file")? {
                Value::Image(image) => {
                    let bytes = png(&image).map_err(|e| NodeError::new(e).at("file"))?;
                    add_bytes(profile, &bytes, &mut Discard).map_err(cid_said)?
                }
                value => Named::of(cx, &value, "file")?.add(cx, profile, &mut Discard)?,
            },
            (false, true) => {
                add_bytes(profile, cx.text("text")?.as_bytes(), &mut Discard).map_err(cid_said)?
            }
            _ => {
                return Err(NodeError::new("one of file and text has to be linked, and not both").at("file"));
            }
        };
        cx.set("cid", made.cid.to_string().as_str());
        cx.set("uri", made.cid.uri().as_str());
        cx.set("digest", hex(&made.cid.digest).as_str());
        cx.set("bytes", i64::try_from(made.size).unwrap_or(i64::MAX));
        Ok(())
    })
    .title("Content id")
    .category("storage")
    .doc(
        "The name that IPFS gives to a file, or to a text as a file: it follows from the bytes alone, and is the same \
         on every machine. Nothing is kept anywhere.",
    )
    .optional("file", names::ANY, "A file, the path that a saving node gives, or a picture: its PNG, without a graph in it.")
    .optional("text", names::TEXT, "A text; its bytes in UTF-8 are the file.")
    .param(profile_param())
    .output("cid", names::TEXT, "The name: bafk…, bafy… or Qm….")
    .output("uri", names::TEXT, "ipfs:// and the name.")
    .output("digest", names::TEXT, "The SHA-256 of its first block, 0x and 64 digits: of a file of one block (up to 1 MiB in unixfs-v1-2025) that of the file.")
    .output("bytes", names::INT, "How many bytes the file has.")
}

/// 0x and two digits for each byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}
