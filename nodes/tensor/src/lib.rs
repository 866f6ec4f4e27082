//! Tensors on a device: burn's tensors, with this project's kernels where they pay and plain operations elsewhere.
//!
//! A network in Kiln is written once, against the operations of this crate. On the processor they call
//! [`kiln_kernels`] on the tensor's own memory; on a graphics card they are ordinary burn operations. Tests hold both
//! to the same numbers.
//!
//! - [`compute`]: which device, in which precision, and the name of its numeric class.
//! - [`weight`]: a weight as it lies in its file, widened when it is used, with changes (LoRA) on top.
//! - [`vars`]: the weights of a checkpoint by name, as a network's constructor asks for them.
//! - [`ops`]: convolution, matrix products, attention, norms, activations.
//! - [`layers`]: the same with their weights in them.

pub mod compute;
mod flat;
pub mod layers;
pub mod ops;
pub mod vars;
pub mod weight;

pub use burn::tensor::Tensor;
pub use compute::{Compute, ComputeError, DeviceChoice, Precision};
pub use kiln_kernels::Act;
pub use vars::{Vars, VarsError, WeightMap};
pub use weight::{Patch, Weight};
