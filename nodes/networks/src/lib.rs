//! The networks of latent diffusion, each in one file that reads like its paper: its configuration is read off the
//! names and shapes of its weights, so a small or unusual variant is built by the same code.
//!
//! Weights have the names of the original single-file checkpoints; `kiln-layout` brings other namings to these.

pub mod clip_text;
pub mod error;
pub mod latent_rgb;
pub mod taesd;
pub mod tile;
pub mod transformer;
pub mod unet;
pub mod vae;

pub use error::NetError;
