//! The nodes that name, keep and prove.

mod content;
mod content_id;
mod effect;
mod file;
mod folder;
mod place;
mod tokens;

use crate::error::cid_said;
use crate::proof::{PINNED, Pinned, codec};
use kiln_cid::Codec;
use kiln_core::{Cx, Node, NodeError, Registry};
use kiln_types::Image;

/// Writes a picture as a file: whoever puts the families together knows how.
pub type Png = fn(&Image) -> Result<Vec<u8>, String>;

/// The nodes of this family; `png` makes a picture's file.
#[must_use]
pub fn nodes(png: Png) -> Vec<Node> {
    vec![content_id::node(png), file::node(), folder::node(), tokens::node()]
}

/// How this family's values are stored.
pub fn add_codecs(registry: &mut Registry) {
    registry.add_codec(PINNED, codec());
}

/// A file of a folder: its path, and the SHA-256 in its name if that is of the whole file.
pub type Leaf = (String, Option<[u8; 32]>);

/// The files of something pinned, as the run's output folder keeps it: in a folder by their paths, `""` for a file.
///
/// # Errors
/// When a block is missing or damaged.
pub fn leaves(cx: &Cx<'_>, pinned: &Pinned) -> Result<Vec<Leaf>, NodeError> {
    let (store, root) = (effect::blocks(cx)?, pinned.cid().map_err(NodeError::new)?);
    let mut found = Vec::new();
    crate::files::files_below(&store, &root, &mut |path, cid| {
        found.push((path.to_owned(), (cid.codec == Codec::Raw).then_some(cid.digest)));
        Ok(())
    })
    .map_err(cid_said)?;
    Ok(found)
}
