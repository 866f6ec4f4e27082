//! CLIP: pictures and words as vectors, and the gates that judge by them.

pub mod error;
pub mod head;
mod preprocess;
mod sort;
pub mod towers;
pub mod vision;

pub use error::ClipError;
pub use head::Head;
pub use preprocess::{Crop, MEAN, Preprocess, Resizing, STD};
pub use towers::{Activation, Towers};

use kiln_core::Node;
use kiln_shelf::Shelf;
use std::sync::Arc;

/// The nodes of this family.
#[must_use]
pub fn nodes(_shelf: &Arc<Shelf>) -> Vec<Node> {
    Vec::new()
}
