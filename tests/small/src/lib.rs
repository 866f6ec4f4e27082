//! Small models in the published layouts, made in a moment from integer arithmetic: the same files on every machine.
//!
//! [`unet`], [`vae`] and [`text`] list the weights of a network by their published names, for any sizes; [`numbers`] says
//! what numbers they hold, so that a picture comes out that is neither grey nor noise; [`models`] puts them together to
//! the files people have: checkpoints of every family, a VAE, a LoRA, a learned word.

pub mod models;
pub mod numbers;
pub mod text;
pub mod unet;
pub mod vae;

pub use models::{Family, Model, checkpoint, embedding, lora, vae_file};

/// A weight's name and shape.
pub type Named = (String, Vec<usize>);

/// Adds a layer's weight and its bias.
fn layer(all: &mut Vec<Named>, name: &str, shape: &[usize]) {
    all.push((format!("{name}.weight"), shape.to_vec()));
    all.push((format!("{name}.bias"), shape[..1].to_vec()));
}
