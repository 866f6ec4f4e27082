//! What a model file is: families, names and shapes, and LoRA files for them.
//!
//! - [`recognise`]: a checkpoint, or a part of one, as [`Parts`]: its weights by their original names, its family, and
//!   what its network predicts. Nothing is read but names and shapes; a weight stays in its file until it is used.
//! - [`recognise_folder`]: the same for a diffusers folder.
//! - [`names`]: how the original layout, diffusers and transformers call the same weight.
//! - [`lora`]: LoRA files of every kind, as changes to the weights of a model.
//! - [`merge`]: two models blended, and [`save`]: a model written as one file.

mod checks;
mod error;
mod family;
mod folder;
mod looks;
pub mod lora;
pub mod merge;
pub mod names;
mod prediction;
mod recognise;
pub mod save;
mod sort;

pub use error::LayoutError;
pub use family::{Family, Latent, Parts, PredictionKind, TextKind, TextPart, VaePart};
pub use folder::recognise_folder;
pub use looks::{Looks, looks_like};
pub use merge::{Patches, patched};
pub use recognise::{recognise, text_only, unet_only, vae_only};
