//! Background removal: networks that find the subject.
//!
//! [`Cutout`] opens a file (U2-Net, its small form, IS-Net, MODNet; safetensors, torch checkpoints or ONNX) and makes
//! mattes of pictures as the usual tools do, to the last bit where they work on bytes.

mod cutout;
mod error;

pub use cutout::{Cutout, Depth, Kind};
pub use error::CutoutError;

use kiln_core::Node;
use kiln_shelf::Shelf;
use std::sync::Arc;

/// The nodes of this family.
#[must_use]
pub fn nodes(_shelf: &Arc<Shelf>) -> Vec<Node> {
    Vec::new()
}
