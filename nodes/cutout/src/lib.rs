//! Background removal: networks that find the subject.
//!
//! [`Cutout`] opens a file (U²-Net, its small form, IS-Net, MODNet; safetensors, torch checkpoints or ONNX) and makes
//! mattes of pictures as the usual tools do, to the last bit where they work on bytes.
//!
//! - [`nets`]: the networks, under the names of the original checkpoints.
//! - `names`: which network a file holds, and its weights under those names.
//! - `look`: what a network wants a picture to be like, and what becomes of its map.
//! - [`resample`]: resizing as Pillow does it.
//! - `nodes`, [`values`]: what graphs see of it.

mod cutout;
mod error;
mod look;
mod names;
pub mod nets;
mod nodes;
pub mod resample;
pub mod values;

pub use cutout::{Cutout, Depth, Kind};
pub use error::CutoutError;
pub use nodes::nodes;
