//! Background removal: networks that find the subject.

use kiln_core::Node;
use kiln_shelf::Shelf;
use std::sync::Arc;

/// The nodes of this family.
#[must_use]
pub fn nodes(_shelf: &Arc<Shelf>) -> Vec<Node> {
    Vec::new()
}
