//! The nodes that name, keep and prove.

mod content;
mod content_id;
mod effect;
mod file;
mod folder;
mod place;
mod tokens;

use crate::proof::{PINNED, codec};
use kiln_core::{Node, Registry};

/// The nodes of this family.
#[must_use]
pub fn nodes() -> Vec<Node> {
    vec![content_id::node(), file::node(), folder::node(), tokens::node()]
}

/// How this family's values are stored.
pub fn add_codecs(registry: &mut Registry) {
    registry.add_codec(PINNED, codec());
}
