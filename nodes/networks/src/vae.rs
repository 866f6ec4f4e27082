//! The autoencoder between pictures and latents.
