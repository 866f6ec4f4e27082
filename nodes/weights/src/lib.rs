//! Weight files people have, read as data: safetensors, pickled checkpoints, ONNX models, diffusers folders.
//!
//! A [`WeightFile`] is a sorted list of [`Stored`] tensors that lie in a memory-mapped file and are read
//! when they are touched. Nothing in a file is ever run, every length is checked before it is believed, and
//! what goes wrong is told with the file, the tensor and the remedy.

mod dtype;
mod error;
mod file;
mod folder;
mod map;
mod onnx;
mod safetensors;
mod sniff;
mod stored;
mod torch;
mod widen;
mod writer;

pub use dtype::Dtype;
pub use error::WeightError;
pub use file::WeightFile;
pub use folder::open_folder;
pub use onnx::{Attribute, OnnxGraph, OnnxNode};
pub use stored::Stored;
pub use widen::widen;
pub use writer::{TensorPlan, write_safetensors, write_stored};
